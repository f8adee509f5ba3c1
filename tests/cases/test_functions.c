/* SPDX-License-Identifier: MIT */
/* Inlined calls of several ranges, and functions that many units emitted: cases 11 and 25 of the README. */
#include "cases.h"

static uint64_t put_lines(struct dwarf_make *m, const char *file, uint64_t start, uint64_t end)
{
	const struct dwarf_file files[] = { { file, 0 }, { file, 0 }, { NULL, 0 } };
	uint64_t at = dwarf_lines_start(m, &(struct dwarf_lines){ .files = files });

	dwarf_row(m, start, 1, 1, 0);
	dwarf_sequence_end(m, end);
	dwarf_lines_end(m);
	return at;
}

static void open_unit(struct dwarf_make *m, const char *file, uint64_t start, uint64_t size)
{
	uint64_t lines = put_lines(m, file, start, start + size);

	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME(file), AT_COMP_DIR("/build"), AT_CODE(start, size), AT_LINES(lines));
}

static void close_unit(struct dwarf_make *m)
{
	dwarf_close(m);
	dwarf_unit_end(m);
}

/* ---- 11: inlined calls of several ranges ----------------------------------------------------------------------------------------- */

/* symbolic#603: one call in three pieces, in the middle one another call in two; the outer function's own code between them. Lists count from
 * the unit's low pc, 0x1000. */
static void make_pieces(struct dwarf_make *m, unsigned kind)
{
	uint64_t middle = DWARF_RANGES(m, { 0x10, 0x20 }, { 0x40, 0x80 }, { 0xa0, 0xb0 }), inner = DWARF_RANGES(m, { 0x60, 0x68 }, { 0x44, 0x48 });
	uint64_t names[2];

	(void)kind;
	open_unit(m, "a.c", 0x1000, 0x100);
	names[0] = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("middle"));
	names[1] = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("inner"));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("outer"), AT_CODE(0x1000, 0x100));
	DWARF_OPEN(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(names[0]), AT_RANGES(middle), AT_CALL(1, 20, 2));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(names[1]), AT_RANGES(inner), AT_CALL(1, 30, 3));
	dwarf_close(m);
	dwarf_close(m);
	close_unit(m);
}

#define OUTER "outer /build/a.c:1"
#define MIDDLE "middle /build/a.c:1 < outer /build/a.c:20:2"
#define INNER "inner /build/a.c:1 < middle /build/a.c:30:3 < outer /build/a.c:20:2"
static const struct answer pieces[] = {
	{ 0x1000, OUTER }, { 0x1010, MIDDLE }, { 0x101f, MIDDLE }, { 0x1020, OUTER }, { 0x1040, MIDDLE }, { 0x1044, INNER }, { 0x1048, MIDDLE },
	{ 0x1060, INNER }, { 0x1067, INNER }, { 0x1068, MIDDLE }, { 0x1080, OUTER }, { 0x10a0, MIDDLE }, { 0x10b0, OUTER }, { 0x1100, "?!no-symbol !no-unit" },
	{ 0, NULL },
};

/* symbolic#620: siblings that overlap. What starts later covers; after its end the earlier one goes on. llvm-symbolizer 14 says the same but at
 * 0x1030, where it loses the second call although its range has the address. */
static void make_siblings(struct dwarf_make *m, unsigned kind)
{
	uint64_t one, two;

	(void)kind;
	open_unit(m, "a.c", 0x1000, 0x100);
	one = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("one"));
	two = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("two"));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("outer"), AT_CODE(0x1000, 0x80));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(one), AT_CODE(0x1010, 0x20), AT_CALL(1, 10, 0));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(two), AT_CODE(0x1018, 8), AT_CALL(1, 11, 0));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(two), AT_CODE(0x1028, 0x10), AT_CALL(1, 12, 0));
	dwarf_close(m);
	close_unit(m);
}

#define ONE "one /build/a.c:1 < outer /build/a.c:10"
static const struct answer siblings[] = {
	{ 0x1010, ONE }, { 0x1018, "two /build/a.c:1 < outer /build/a.c:11" }, { 0x1020, ONE }, { 0x1028, "two /build/a.c:1 < outer /build/a.c:12" },
	{ 0x1030, "two /build/a.c:1 < outer /build/a.c:12" }, { 0x1038, OUTER }, { 0x1080, "?!no-symbol /build/a.c:1" }, { 0, NULL },
};

static void calls_have_several_ranges(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "11, pieces", .make = make_pieces, .answers = pieces },
		{ .name = "11, siblings", .make = make_siblings, .answers = siblings },
	};

	RUN_CASES(cases);
}

/* ---- 25: one function, many times ------------------------------------------------------------------------------------------------- */

enum { COPIES = 40 };             /* units that emitted it */

/* Whole copies, in units of their own: the linker pointed all of them at the code that it kept, the first's. There is one answer, with its calls
 * once, from the first unit. */
static void make_copies(struct dwarf_make *m, unsigned kind)
{
	(void)kind;
	for (unsigned i = 0; i < COPIES; i++) {
		char file[16];
		uint64_t leaf;

		snprintf(file, sizeof file, "%u.cc", i);
		open_unit(m, file, 0x1000, 0x20);
		leaf = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
		DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("copied"), AT_CODE(0x1000, 0x20));
		DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1008, 8), AT_CALL(1, 9, 0));
		dwarf_close(m);
		close_unit(m);
	}
}

/* In one unit: the first of the entries is the function, its calls are the calls. */
static void make_copies_in_one(struct dwarf_make *m, unsigned kind)
{
	uint64_t leaf;

	(void)kind;
	open_unit(m, "a.cc", 0x1000, 0x20);
	leaf = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
	for (unsigned i = 0; i < COPIES; i++) {
		DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME(i ? "again" : "copied"), AT_CODE(0x1000, 0x20));
		DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1008, 8), AT_CALL(1, 9 + i, 0));
		dwarf_close(m);
	}
	close_unit(m);
}

static const struct answer copies[] = {
	{ 0x1000, "copied /build/0.cc:1" }, { 0x1008, "leaf /build/0.cc:1 < copied /build/0.cc:9" }, { 0x1010, "copied /build/0.cc:1" }, { 0, NULL },
};
static const struct answer copies_in_one[] = {
	{ 0x1000, "copied /build/a.cc:1" }, { 0x1008, "leaf /build/a.cc:1 < copied /build/a.cc:9" }, { 0x1010, "copied /build/a.cc:1" }, { 0, NULL },
};

static void functions_are_emitted_again(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "25, in many units", .make = make_copies, .answers = copies },
		{ .name = "25, in one unit", .make = make_copies_in_one, .answers = copies_in_one },
	};

	RUN_CASES(cases);
}

int main(void)
{
	if (!can_ask()) {
		printf("skip: no compiler of functions is in this build\n");
		return TEST_EXIT_SKIP;
	}
	TEST_RUN(calls_have_several_ranges);
	TEST_RUN(functions_are_emitted_again);
	return test_summary();
}
