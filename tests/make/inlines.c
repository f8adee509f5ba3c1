/* SPDX-License-Identifier: MIT */
/*
 * What tests/unit/test_symbolize.c compiles in many ways and asks about. "LINE x" marks the line that x stands for in its table.
 */
#include "inlines.h"

int sink;

INLINE int leaf(int x)
{
	PLACE(at_leaf); /* LINE at_leaf */
	return x * x + sink;
}

INLINE int middle(int x)
{
	return leaf(x) + sink; /* LINE leaf_in_middle */
}

NOINLINE int outer(int x)
{
	int y = middle(x); /* LINE middle_in_outer */

	PLACE(at_outer); /* LINE at_outer */
	if (y > 3)
		y += in_header(y); /* LINE header_in_outer */
	return y + sink;
}

/* Its name in the assembler is another one. */
NOINLINE int renamed(int x) __asm__("renamed_by_assembler");
NOINLINE int renamed(int x)
{
	PLACE(at_renamed); /* LINE at_renamed */
	return x - sink;
}

/* Nobody calls it: thrown away where sections are. Its debug information stays, and must not be believed. */
int unused(int x)
{
	return x * 5 + sink * 7;
}

int main(int argc, char **argv)
{
	(void)argv;
	return outer(argc) + renamed(argc);
}
