/* SPDX-License-Identifier: MIT */
/* A second unit beside inlines.c's, with a function in a section of its own. "LINE x" marks the line that x stands for. */
#include "inlines.h"

int total;

INLINE int added(int x)
{
	PLACE(at_added); /* LINE at_added */
	return total += x;
}

NOINLINE __attribute__((used, section(".text.apart"))) int second(int x)
{
	int y = added(x * 7); /* LINE added_in_second */

	PLACE(at_second); /* LINE at_second */
	return y ^ x;
}
