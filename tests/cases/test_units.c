/* SPDX-License-Identifier: MIT */
/*
 * Which unit an address belongs to: cases 1, 3, 4 and 7 of the README. Every unit's functions have a line table of their own, so that a wrong
 * unit would show in the file, too.
 */
#include "cases.h"

/* A line table that covers [start, end) with one row. */
static uint64_t put_lines(struct dwarf_make *m, const char *file, uint64_t start, uint64_t end, unsigned line)
{
	const struct dwarf_file files[] = { { file, 0 }, { file, 0 }, { NULL, 0 } };
	uint64_t at = dwarf_lines_start(m, &(struct dwarf_lines){ .files = files });

	dwarf_row(m, start, 1, line, 0);
	dwarf_sequence_end(m, end);
	dwarf_lines_end(m);
	return at;
}

static void put_function(struct dwarf_make *m, const char *name, uint64_t start, uint64_t size)
{
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME(name), AT_CODE(start, size));
}

static void close_unit(struct dwarf_make *m)
{
	dwarf_close(m);
	dwarf_unit_end(m);
}

/* ---- 1: units overlap ------------------------------------------------------------------------------------------------------- */

enum overlap { BY_CODE, BY_RANGES, BY_ARANGES };

static uint64_t open_overlapping(struct dwarf_make *m, enum overlap kind, const char *name, uint64_t start, uint64_t end, uint64_t lines)
{
	uint64_t ranges = kind == BY_RANGES ? DWARF_RANGES(m, { start, start + 1 }, { start + 1, end }) : 0;
	uint64_t unit = dwarf_unit_start(m);

	if (kind == BY_RANGES)
		DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME(name), AT_COMP_DIR("/build"), AT_LOW(0), AT_RANGES(ranges), AT_LINES(lines));
	else
		DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME(name), AT_COMP_DIR("/build"), AT_CODE(start, end - start), AT_LINES(lines));
	if (kind == BY_ARANGES) {
		dwarf_aranges_start(m, unit);
		dwarf_arange(m, start, end - start);
		dwarf_aranges_end(m);
	}
	return unit;
}

/* wide.c claims 0x1000 to 0x8000, inner.c 0x2000 to 0x5000, late.c 0x4000 to 0x9000; each has code in the others' claims. */
static void make_overlap(struct dwarf_make *m, unsigned kind)
{
	open_overlapping(m, kind, "wide.c", 0x1000, 0x8000, put_lines(m, "wide.c", 0x4800, 0x4810, 1));
	put_function(m, "in_wide", 0x4800, 0x10);
	close_unit(m);
	open_overlapping(m, kind, "inner.c", 0x2000, 0x5000, put_lines(m, "inner.c", 0x4400, 0x4410, 2));
	put_function(m, "in_inner", 0x4400, 0x10);
	close_unit(m);
	open_overlapping(m, kind, "late.c", 0x4000, 0x9000, put_lines(m, "late.c", 0x4c00, 0x4c10, 3));
	put_function(m, "in_late", 0x4c00, 0x10);
	close_unit(m);
}

static const struct answer overlap_answers[] = {
	{ 0x4800, "in_wide /build/wide.c:1" },
	{ 0x4400, "in_inner /build/inner.c:2" },
	{ 0x4c00, "in_late /build/late.c:3" },
	{ 0x4000, "?!no-symbol !no-line" },    /* claimed by all three, code of none */
	{ 0x1000, "?!no-symbol !no-line" },
	{ 0x9000, "?!no-symbol !no-unit" },
	{ 0, NULL },
};

/* One function in two units, with ranges as GCC writes them, one a function: nothing but the order tells whose code it is, and linkers keep the first. */
static void make_comdat(struct dwarf_make *m, unsigned kind)
{
	open_overlapping(m, kind, "a.cc", 0x2400, 0x2410, put_lines(m, "a.cc", 0x2400, 0x2410, 7));
	put_function(m, "comdat_of_a", 0x2400, 0x10);
	close_unit(m);
	open_overlapping(m, kind, "b.cc", 0x2400, 0x2410, put_lines(m, "b.cc", 0x2400, 0x2410, 8));
	put_function(m, "comdat_of_b", 0x2400, 0x10);
	close_unit(m);
}

static const struct answer comdat_answers[] = {
	{ 0x2400, "comdat_of_a /build/a.cc:7" }, { 0x240f, "comdat_of_a /build/a.cc:7" }, { 0, NULL },
};

/* The same with claims that differ. Its line comes from the same unit as
 * its name: the one whose claim starts last. */
static void make_weak(struct dwarf_make *m, unsigned kind)
{
	open_overlapping(m, kind, "a.cc", 0x1000, 0x3000, put_lines(m, "a.cc", 0x2400, 0x2410, 7));
	put_function(m, "weak_of_a", 0x2400, 0x10);
	close_unit(m);
	open_overlapping(m, kind, "b.cc", 0x2000, 0x3000, put_lines(m, "b.cc", 0x2400, 0x2410, 8));
	put_function(m, "weak_of_b", 0x2400, 0x10);
	close_unit(m);
}

static const struct answer weak_answers[] = { { 0x2400, "weak_of_b /build/b.cc:8" }, { 0, NULL } };

static void units_overlap(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "1, low and high", .make = make_overlap, .kind = BY_CODE, .answers = overlap_answers },
		{ .name = "1, ranges", .make = make_overlap, .kind = BY_RANGES, .answers = overlap_answers },
		{ .name = "1, aranges", .make = make_overlap, .kind = BY_ARANGES, .answers = overlap_answers },
		{ .name = "1, COMDAT function", .make = make_comdat, .kind = BY_CODE, .answers = comdat_answers },
		{ .name = "1, COMDAT function, ranges", .make = make_comdat, .kind = BY_RANGES, .answers = comdat_answers },
		{ .name = "1, COMDAT function, aranges", .make = make_comdat, .kind = BY_ARANGES, .answers = comdat_answers },
		{ .name = "1, weak function", .make = make_weak, .kind = BY_CODE, .answers = weak_answers },
		{ .name = "1, weak function, aranges", .make = make_weak, .kind = BY_ARANGES, .answers = weak_answers },
	};

	RUN_CASES(cases);
}

/* ---- 3: a unit without ranges ------------------------------------------------------------------------------------------------- */

enum rangeless { WITH_FUNCTIONS, LINES_ONLY, ROOT_ALONE, NO_UNIT_AT_ALL };

/* As perf inject --jit writes units (stmt_list alone), and beside it one that says where it is. ROOT_ALONE: nothing is in the unit but an entry
 * of fixed size, as assemblers write it. Without any unit: the line table alone. */
static void make_rangeless(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = put_lines(m, "jit.js", 0x2000, 0x2040, 17);

	if (kind == NO_UNIT_AT_ALL)
		return;
	dwarf_unit_start(m);
	if (kind == ROOT_ALONE) {
		DWARF_ENTRY(m, WB_TAG_COMPILE_UNIT, AT(WB_AT_COMP_DIR, WB_FORM_STRP, .text = "/build"), AT_LINES(lines));
		dwarf_unit_end(m);
	} else {
		DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("jit.js"), AT_COMP_DIR("/build"), AT_LINES(lines));
		if (kind == WITH_FUNCTIONS)
			put_function(m, "jitted", 0x2000, 0x20);
		close_unit(m);
	}
	lines = put_lines(m, "a.c", 0x1000, 0x1010, 5);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_CODE(0x1000, 0x10), AT_LINES(lines));
	put_function(m, "a", 0x1000, 0x10);
	close_unit(m);
}

static const struct answer with_functions[] = {
	{ 0x2000, "jitted /build/jit.js:17" }, { 0x2020, "?!no-symbol /build/jit.js:17" }, { 0x2040, "?!no-symbol !no-unit" },
	{ 0x1000, "a /build/a.c:5" }, { 0, NULL },
};
static const struct answer lines_only[] = {
	{ 0x2000, "?!no-symbol /build/jit.js:17" }, { 0x2040, "?!no-symbol !no-unit" }, { 0x1000, "a /build/a.c:5" }, { 0, NULL },
};
/* Before version 5 nobody but the unit knows the folder. */
static const struct answer no_unit[] = { { 0x2000, "?!no-symbol /build/jit.js:17" }, { 0x2040, "?!no-symbol !no-unit" }, { 0, NULL } };
static const struct answer no_unit_4[] = { { 0x2000, "?!no-symbol jit.js:17" }, { 0x2040, "?!no-symbol !no-unit" }, { 0, NULL } };

static void unit_has_no_ranges(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "3, with functions", .make = make_rangeless, .kind = WITH_FUNCTIONS, .answers = with_functions },
		{ .name = "3, lines only", .make = make_rangeless, .kind = LINES_ONLY, .answers = lines_only },
		{ .name = "3, a root alone", .make = make_rangeless, .kind = ROOT_ALONE, .answers = lines_only },
		{ .name = "3, no unit", .make = make_rangeless, .kind = NO_UNIT_AT_ALL, .answers = no_unit, .first_version = 5 },
		{ .name = "3, no unit", .make = make_rangeless, .kind = NO_UNIT_AT_ALL, .answers = no_unit_4, .last_version = 4 },
	};

	RUN_CASES(cases);
}

/* ---- 4: .debug_aranges is wrong in some way -------------------------------------------------------------------------------------- */

enum aranges {
	LACKS_A_UNIT,                 /* clang without -gdwarf-aranges beside GCC's units */
	LACKS_A_RANGE,                /* of the first unit */
	SAYS_ZERO,                    /* addr2line#217: its code is said to be at 0 */
	SAYS_ANOTHERS,                /* the first unit is said to have the second's code */
	SAYS_TWICE,                   /* two sets, each with half of the truth */
	OVERFLOWS,                    /* addr2line#355: start and size reach past the last address */
	IS_DISCARDED,                 /* ydb#46154: all zeros, where the linker dropped the section */
	NAMES_NO_UNIT,                /* the offset of no unit, beside good sets */
	OF_VERSION_3,                 /* not known: the set is passed over */
	IS_CUT,                       /* the last set's length goes past the section */
	KNOWS_MORE,                   /* than the unit, which says nothing about a part of its code (macOS) */
};

static void put_set(struct dwarf_make *m, uint64_t unit, uint64_t start, uint64_t size)
{
	dwarf_aranges_start(m, unit);
	dwarf_arange(m, start, size);
	dwarf_aranges_end(m);
}

static void put_aranges(struct dwarf_make *m, enum aranges kind, const uint64_t *units)
{
	uint64_t last = m->format.address_size == 8 ? UINT64_MAX : UINT32_MAX;
	size_t at;

	switch (kind) {
	case LACKS_A_UNIT: put_set(m, units[0], 0x1000, 0x1000); return;
	case LACKS_A_RANGE: put_set(m, units[0], 0x1000, 0x10); break;
	case SAYS_ZERO: put_set(m, units[0], 0, 0x1000); break;
	case SAYS_ANOTHERS: put_set(m, units[0], 0x2000, 0x1000); break;
	case SAYS_TWICE:
		put_set(m, units[0], 0x1000, 0x800);
		put_set(m, units[0], 0x1800, 0x800);
		break;
	case OVERFLOWS: put_set(m, units[0], 0x1000, last); break;
	case IS_DISCARDED: put_set(m, units[0], 0, 0); break;
	case NAMES_NO_UNIT:
		put_set(m, units[0] + 1, 0x1000, 0x2000);
		put_set(m, units[0], 0x1000, 0x1000);
		break;
	case OF_VERSION_3:
		at = m->by_id[WB_DWARF_ARANGES].size + (m->format.offset_size == 8 ? 12 : 4);
		put_set(m, units[0], 0x2000, 0x1000);
		dwarf_patch(m, WB_DWARF_ARANGES, at, 3, 2);
		break;
	case IS_CUT:
		put_set(m, units[0], 0x1000, 0x1000);
		put_set(m, units[1], 0x2000, 0x1000);
		m->by_id[WB_DWARF_ARANGES].size -= m->format.address_size;
		return;
	case KNOWS_MORE: put_set(m, units[0], 0x1000, 0x1000); break;
	}
	put_set(m, units[1], 0x2000, 0x1000);
}

static void make_aranges(struct dwarf_make *m, unsigned kind)
{
	uint64_t units[2], lines = dwarf_lines_start(m, NULL);

	dwarf_row(m, 0x1000, 1, 1, 0);
	dwarf_sequence_end(m, 0x1010);
	dwarf_row(m, 0x1900, 1, 9, 0);
	dwarf_sequence_end(m, 0x1910);
	dwarf_lines_end(m);
	units[0] = dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_CODE(0x1000, kind == KNOWS_MORE ? 0x10 : 0x1000), AT_LINES(lines));
	put_function(m, "early", 0x1000, 0x10);
	put_function(m, "late", 0x1900, 0x10);
	close_unit(m);
	lines = put_lines(m, "other.c", 0x2000, 0x2010, 20);
	units[1] = dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("other.c"), AT_COMP_DIR("/build"), AT_CODE(0x2000, 0x1000), AT_LINES(lines));
	put_function(m, "other", 0x2000, 0x10);
	close_unit(m);
	put_aranges(m, (enum aranges)kind, units);
}

static const struct answer right[] = {
	{ 0x1000, "early /build/a.c:1" }, { 0x1900, "late /build/a.c:9" }, { 0x2000, "other /build/other.c:20" }, { 0x5000, "?!no-symbol !no-unit" },
	{ 0x10, "?!no-symbol !no-unit" }, { 0, NULL },
};

static void aranges_are_wrong(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "4, lacks a unit", .make = make_aranges, .kind = LACKS_A_UNIT, .answers = right },
		{ .name = "4, lacks a range", .make = make_aranges, .kind = LACKS_A_RANGE, .answers = right },
		{ .name = "4, says 0", .make = make_aranges, .kind = SAYS_ZERO, .answers = right },
		{ .name = "4, says another's", .make = make_aranges, .kind = SAYS_ANOTHERS, .answers = right },
		{ .name = "4, says it twice", .make = make_aranges, .kind = SAYS_TWICE, .answers = right },
		{ .name = "4, overflows", .make = make_aranges, .kind = OVERFLOWS, .answers = right },
		{ .name = "4, is discarded", .make = make_aranges, .kind = IS_DISCARDED, .answers = right },
		{ .name = "4, names no unit", .make = make_aranges, .kind = NAMES_NO_UNIT, .answers = right },
		{ .name = "4, of version 3", .make = make_aranges, .kind = OF_VERSION_3, .answers = right },
		{ .name = "4, is cut", .make = make_aranges, .kind = IS_CUT, .answers = right },
		{ .name = "4, knows more", .make = make_aranges, .kind = KNOWS_MORE, .answers = right },
	};

	RUN_CASES(cases);
}

/* ---- 7: garbage that claims other code's addresses --------------------------------------------------------------------------------- */

enum garbage { AT_ZERO, AT_LAST, AT_ZERO_IN_ARANGES };

/* llvm#58641: the linker dropped garbage.c's code, and left its size: [0, 0x2006). llvm#205691: the same at the last address of 32 bits. */
static void make_garbage(struct dwarf_make *m, unsigned kind)
{
	uint64_t at = kind == AT_LAST ? (m->format.address_size == 8 ? UINT64_MAX : UINT32_MAX) : 0;
	uint64_t lines = put_lines(m, "garbage.c", at, at + 0x2006, 66), unit;

	unit = dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("garbage.c"), AT_COMP_DIR("/build"), AT_CODE(at, 0x2006), AT_LINES(lines));
	put_function(m, "garbage", at, 0x2006);
	close_unit(m);
	if (kind == AT_ZERO_IN_ARANGES)
		put_set(m, unit, 0, 0x2006);
	lines = put_lines(m, "live.c", 0x1000, 0x1010, 1);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("live.c"), AT_COMP_DIR("/build"), AT_CODE(0x1000, 0x10), AT_LINES(lines));
	put_function(m, "live", 0x1000, 0x10);
	close_unit(m);
}

static const struct answer garbage_answers[] = {
	{ 0x1000, "live /build/live.c:1" }, { 0x100f, "live /build/live.c:1" }, { 0x1010, "?!no-symbol !no-unit" }, { 0x2000, "?!no-symbol !no-unit" },
	{ 0, "?!no-symbol !no-unit" }, { 0, NULL },
};

static void garbage_claims_low_addresses(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "7, at 0", .make = make_garbage, .kind = AT_ZERO, .answers = garbage_answers },
		{ .name = "7, at the last address", .make = make_garbage, .kind = AT_LAST, .answers = garbage_answers },
		{ .name = "7, at 0 in aranges", .make = make_garbage, .kind = AT_ZERO_IN_ARANGES, .answers = garbage_answers },
	};

	RUN_CASES(cases);
}

int main(void)
{
	if (!can_ask()) {
		printf("skip: no compiler of functions is in this build\n");
		return TEST_EXIT_SKIP;
	}
	TEST_RUN(units_overlap);
	TEST_RUN(unit_has_no_ranges);
	TEST_RUN(aranges_are_wrong);
	TEST_RUN(garbage_claims_low_addresses);
	return test_summary();
}
