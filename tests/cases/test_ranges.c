/* SPDX-License-Identifier: MIT */
/* What ranges mean, and which are none: cases 5, 6, 8, 9, 10 and 12 of the README. */
#include "cases.h"

/* A line table of one sequence and one row: a.c, line 1. */
static uint64_t put_lines(struct dwarf_make *m, uint64_t start, uint64_t end)
{
	uint64_t at = dwarf_lines_start(m, NULL);

	dwarf_row(m, start, 1, 1, 0);
	dwarf_sequence_end(m, end);
	dwarf_lines_end(m);
	return at;
}

static void open_unit(struct dwarf_make *m, uint64_t low, uint64_t ranges, uint64_t lines)
{
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_LOW(low), AT_RANGES(ranges), AT_LINES(lines));
}

static void close_unit(struct dwarf_make *m)
{
	dwarf_close(m);
	dwarf_unit_end(m);
}

/* ---- 5: address 0 --------------------------------------------------------------------------------------------------------------- */

enum zero { IN_RANGES, IN_CODE, IN_LINES };

/* Code at 0, as in relocatable objects. Before version 5 a pair of zeros ends a list (DWARF 4, 2.17.3), a pair that starts at 0 does not. */
static void make_zero(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines, ranges;

	m->text_start = 0;
	lines = put_lines(m, 0, 0x10);
	ranges = DWARF_RANGES(m, { 0, 0x10 }, { 0x20, 0x30 });
	dwarf_range(m, 0x40, 0x50); /* behind the end of the list */
	dwarf_ranges_end(m);
	dwarf_unit_start(m);
	if (kind == IN_RANGES)
		DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_LOW(0), AT_RANGES(ranges), AT_LINES(lines));
	else if (kind == IN_CODE)
		DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_CODE(0, 0x30), AT_LINES(lines));
	else
		DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_LINES(lines));
	if (kind == IN_RANGES) {
		DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("first"), AT_RANGES(ranges));
	} else {
		DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("first"), AT_CODE(0, 0x10));
		DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("second"), AT_CODE(0x20, 0x10));
	}
	close_unit(m);
}

static const struct answer zero_in_ranges[] = {
	{ 0, "first /build/a.c:1" }, { 0xf, "first /build/a.c:1" }, { 0x10, "?!no-symbol !no-unit" }, { 0x20, "first !no-line" },
	{ 0x30, "?!no-symbol !no-unit" }, { 0x40, "?!no-symbol !no-unit" }, { 0, NULL },
};
static const struct answer zero_in_code[] = {
	{ 0, "first /build/a.c:1" }, { 0xf, "first /build/a.c:1" }, { 0x10, "?!no-symbol !no-line" }, { 0x20, "second !no-line" }, { 0, NULL },
};
static const struct answer zero_in_lines[] = { { 0, "first /build/a.c:1" }, { 0x10, "?!no-symbol !no-unit" }, { 0, NULL } };

static void code_is_at_zero(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "5, ranges", .make = make_zero, .kind = IN_RANGES, .answers = zero_in_ranges },
		{ .name = "5, low and high", .make = make_zero, .kind = IN_CODE, .answers = zero_in_code },
		{ .name = "5, lines", .make = make_zero, .kind = IN_LINES, .answers = zero_in_lines },
	};

	RUN_CASES(cases);
}

/* ---- 6: tombstones ---------------------------------------------------------------------------------------------------------------- */

/* What linkers leave where code was discarded: 0 (GNU ld), 1 (in .debug_ranges), 0 and the addend (gold), -1 (lld, DWARF 6), -2 (lld, where
 * -1 selects a base). */
enum { MINUS_1 = 100, MINUS_2 };

static uint64_t tombstone(const struct dwarf_make *m, unsigned kind)
{
	uint64_t last = m->format.address_size == 8 ? UINT64_MAX : UINT32_MAX;

	return kind == MINUS_1 ? last : kind == MINUS_2 ? last - 1 : kind;
}

/* Dead is said to be large enough to cover what lives, wherever it starts. */
enum { DEAD_SIZE = 0x8000 };

static void put_live(struct dwarf_make *m)
{
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("live"), AT_CODE(0x1000, 0x10));
	close_unit(m);
}

/* As low pc of a function, of a call in what lives, and in the line table. */
static void make_dead_code(struct dwarf_make *m, unsigned kind)
{
	uint64_t at = tombstone(m, kind), lines = dwarf_lines_start(m, NULL), ranges = DWARF_RANGES(m, { 0x1000, 0x1010 }, { 0x1800, 0x1810 }), dead;

	dwarf_row(m, 0x1000, 1, 1, 0);
	dwarf_sequence_end(m, 0x1010);
	dwarf_row(m, at, 2, 66, 0);
	dwarf_op(m, WB_LNS_ADVANCE_PC, 0x1008); /* into the live function, if -1 were an address */
	dwarf_op(m, WB_LNS_ADVANCE_LINE, 1);
	dwarf_uint(m, WB_DWARF_LINE, WB_LNS_COPY, 1);
	m->row.address += 0x1008;
	dwarf_sequence_end(m, m->row.address + DEAD_SIZE);
	dwarf_lines_end(m);
	open_unit(m, 0, ranges, lines);
	dead = DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("dead"), AT_CODE(at, DEAD_SIZE));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(dead), AT_CODE(0x1008, 4), AT_CALL(2, 68, 0));
	dwarf_close(m);
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("caller"), AT_CODE(0x1800, 0x10));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(dead), AT_CODE(at, DEAD_SIZE), AT_CALL(2, 69, 0));
	dwarf_close(m);
	put_live(m);
}

/* As start of a range, after which the live ones follow. From -1 on, [-1, 0x7fff) would be empty; so the pair is written as 1 is: twice. */
static void make_dead_ranges(struct dwarf_make *m, unsigned kind)
{
	uint64_t at = tombstone(m, kind), lines = put_lines(m, 0x1000, 0x1010), ranges = dwarf_ranges_start(m);

	dwarf_range(m, at, kind == 1 || kind >= MINUS_1 ? at : at + DEAD_SIZE);
	dwarf_range(m, 0x1000, 0x1010);
	dwarf_ranges_end(m);
	open_unit(m, 0, ranges, lines);
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("cut"), AT_RANGES(ranges));
	close_unit(m);
}

/* As base that ranges count from: those from a discarded one are nowhere, even where the sum wraps into what lives. Then, a live base. */
static void make_dead_base(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = put_lines(m, 0x1000, 0x1010), ranges = dwarf_ranges_start(m);

	dwarf_ranges_base(m, tombstone(m, kind));
	dwarf_range(m, 0, 0x10);
	if (kind >= MINUS_1)
		dwarf_range(m, 0x2001, 0x2011);
	dwarf_ranges_base(m, 0x1000);
	dwarf_range(m, 0, 0x10);
	dwarf_ranges_end(m);
	open_unit(m, 0, ranges, lines);
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("cut"), AT_RANGES(ranges));
	close_unit(m);
}

/* As the unit's low pc, which is the first base. */
static void make_dead_unit(struct dwarf_make *m, unsigned kind)
{
	uint64_t at = tombstone(m, kind), ranges = DWARF_RANGES(m, { 0, 0x10 }, { 0x20, 0x30 }), lines = put_lines(m, at, at + DEAD_SIZE);

	if (kind >= MINUS_1)
		ranges = DWARF_RANGES(m, { 0, 0x10 }, { 0x2001, 0x2011 });
	open_unit(m, at, ranges, lines);
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("dead"), AT_RANGES(ranges));
	close_unit(m);
	lines = put_lines(m, 0x1000, 0x1010);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_CODE(0x1000, 0x10), AT_LINES(lines));
	put_live(m);
}

/* In the middle of a sequence: DW_LNE_set_address below the current address (gold), or to the last ones, is dead until the next one, even where
 * its rows pass the live ones. */
static void make_dead_rows(struct dwarf_make *m, unsigned kind)
{
	uint64_t at = tombstone(m, kind), lines = dwarf_lines_start(m, NULL);

	dwarf_row(m, 0x1000, 1, 1, 0);
	dwarf_row(m, 0x100c, 1, 2, 0);
	dwarf_set_address(m, at);
	dwarf_row(m, at + 4, 1, 65, 0);
	dwarf_row(m, at + 0x1010, 1, 66, 0);
	dwarf_row(m, at + 0x1080, 1, 67, 0);
	dwarf_set_address(m, 0x1100);
	dwarf_row(m, 0x1100, 1, 3, 0);
	dwarf_sequence_end(m, 0x1110);
	dwarf_lines_end(m);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_CODE(0x1000, 0x200), AT_LINES(lines));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("live"), AT_CODE(0x1000, 0x200));
	close_unit(m);
}

/* The same, with nothing alive after: where the last row ends is not known, and so it is dropped as open sequences are. */
static void make_dead_end(struct dwarf_make *m, unsigned kind)
{
	uint64_t at = tombstone(m, kind), lines = dwarf_lines_start(m, NULL);

	dwarf_row(m, 0x1000, 1, 1, 0);
	dwarf_row(m, 0x100c, 1, 2, 0);
	dwarf_set_address(m, at);
	dwarf_row(m, at + 0x1080, 1, 66, 0);
	dwarf_sequence_end(m, at + 0x1100);
	dwarf_lines_end(m);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_CODE(0x1000, 0x200), AT_LINES(lines));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("live"), AT_CODE(0x1000, 0x200));
	close_unit(m);
}

static const struct answer alive[] = {
	{ 0x1000, "live /build/a.c:1" }, { 0x1008, "live /build/a.c:1" }, { 0x100f, "live /build/a.c:1" }, { 0x1010, "?!no-symbol !no-unit" },
	{ 0x1800, "caller !no-line" }, { 0x4000, "?!no-symbol !no-unit" }, { 0, "?!no-symbol !no-unit" }, { 1, "?!no-symbol !no-unit" },
	{ UINT32_MAX, "?!no-symbol !no-unit" }, { UINT64_MAX, "?!no-symbol !no-unit" }, { 0, NULL },
};
static const struct answer cut[] = {
	{ 0x1000, "cut /build/a.c:1" }, { 0x100f, "cut /build/a.c:1" }, { 0x1010, "?!no-symbol !no-unit" }, { 0x2000, "?!no-symbol !no-unit" },
	{ 0x4000, "?!no-symbol !no-unit" }, { 0, "?!no-symbol !no-unit" }, { 0, NULL },
};
static const struct answer alive_alone[] = {
	{ 0x1000, "live /build/a.c:1" }, { 0x1010, "?!no-symbol !no-unit" }, { 0x2000, "?!no-symbol !no-unit" }, { 0, "?!no-symbol !no-unit" },
	{ 0, NULL },
};
static const struct answer rows_alive[] = {
	{ 0x1000, "live /build/a.c:1" }, { 0x100c, "live /build/a.c:2" }, { 0x1010, "live /build/a.c:2" }, { 0x1080, "live /build/a.c:2" },
	{ 0x1100, "live /build/a.c:3" }, { 0x1110, "live !no-line" }, { 0, NULL },
};

static const struct answer dead_end[] = {
	{ 0x1000, "live /build/a.c:1" }, { 0x100b, "live /build/a.c:1" }, { 0x100c, "live !no-line" }, { 0x1080, "live !no-line" }, { 0, NULL },
};

static void code_was_discarded(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "6, code at 0", .make = make_dead_code, .kind = 0, .answers = alive },
		{ .name = "6, code at 1", .make = make_dead_code, .kind = 1, .answers = alive },
		{ .name = "6, code at an addend", .make = make_dead_code, .kind = 0x30, .answers = alive },
		{ .name = "6, code at -1", .make = make_dead_code, .kind = MINUS_1, .answers = alive },
		{ .name = "6, code at -2", .make = make_dead_code, .kind = MINUS_2, .answers = alive },
		{ .name = "6, range from 0", .make = make_dead_ranges, .kind = 0, .answers = cut },
		{ .name = "6, range from 1", .make = make_dead_ranges, .kind = 1, .answers = cut },
		{ .name = "6, range from an addend", .make = make_dead_ranges, .kind = 0x30, .answers = cut },
		{ .name = "6, range from -1", .make = make_dead_ranges, .kind = MINUS_1, .first_version = 5, .answers = cut },
		{ .name = "6, range from -2", .make = make_dead_ranges, .kind = MINUS_2, .answers = cut },
		{ .name = "6, base at 0", .make = make_dead_base, .kind = 0, .answers = cut },
		{ .name = "6, base at 1", .make = make_dead_base, .kind = 1, .answers = cut },
		{ .name = "6, base at -1", .make = make_dead_base, .kind = MINUS_1, .answers = cut },
		{ .name = "6, base at -2", .make = make_dead_base, .kind = MINUS_2, .answers = cut },
		{ .name = "6, unit at 0", .make = make_dead_unit, .kind = 0, .answers = alive_alone },
		{ .name = "6, unit at 1", .make = make_dead_unit, .kind = 1, .answers = alive_alone },
		{ .name = "6, unit at -1", .make = make_dead_unit, .kind = MINUS_1, .answers = alive_alone },
		{ .name = "6, unit at -2", .make = make_dead_unit, .kind = MINUS_2, .answers = alive_alone },
		{ .name = "6, rows at 0", .make = make_dead_rows, .kind = 0, .answers = rows_alive },
		{ .name = "6, rows at an addend", .make = make_dead_rows, .kind = 0x30, .answers = rows_alive },
		{ .name = "6, rows at an addend, then none", .make = make_dead_end, .kind = 0x30, .answers = dead_end },
		{ .name = "6, rows at -1", .make = make_dead_rows, .kind = MINUS_1, .answers = rows_alive },
		{ .name = "6, rows at -2", .make = make_dead_rows, .kind = MINUS_2, .answers = rows_alive },
	};

	RUN_CASES(cases);
}

/* ---- 8 and 9: what counts from a base, and what is absolute ---------------------------------------------------------------------------- */

/* A list that all pairs of count from the unit's low pc, then from a base of the list's own (DWARF 4, 2.17.3; DWARF 5, 2.17.3), of a function
 * and, anew, of a call in it. The unit itself lists all of its code from 0 on: its low pc is the base of its own list, too. */
static void make_bases(struct dwarf_make *m, unsigned kind)
{
	uint64_t whole = DWARF_RANGES(m, { 0, 0x1000 }, { 0x3000, 0x4000 }), lines = put_lines(m, 0x2000, 0x2100), function, call, leaf;

	(void)kind;
	function = dwarf_ranges_start(m);
	dwarf_range(m, 0x10, 0x40);
	dwarf_ranges_base(m, 0x5000);
	dwarf_range(m, 0x10, 0x40);
	dwarf_ranges_end(m);
	call = dwarf_ranges_start(m);
	dwarf_range(m, 0x20, 0x30);
	dwarf_ranges_base(m, 0x5008);
	dwarf_range(m, 0x20, 0x30);
	dwarf_ranges_end(m);
	open_unit(m, 0x2000, whole, lines);
	leaf = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("f"), AT_RANGES(function));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_RANGES(call), AT_CALL(1, 9, 0));
	dwarf_close(m);
	close_unit(m);
}

static const struct answer bases[] = {
	{ 0x2000, "?!no-symbol /build/a.c:1" }, { 0x2010, "f /build/a.c:1" }, { 0x2020, "leaf /build/a.c:1 < f /build/a.c:9" },
	{ 0x2030, "f /build/a.c:1" }, { 0x2040, "?!no-symbol /build/a.c:1" }, { 0x5010, "f !no-line" }, { 0x5020, "f !no-line" },
	{ 0x5028, "leaf !no-line < f /build/a.c:9" }, { 0x5037, "leaf !no-line < f /build/a.c:9" }, { 0x5038, "f !no-line" },
	{ 0x5040, "?!no-symbol !no-line" }, { 0x7010, "?!no-symbol !no-unit" }, { 0, NULL },
};

/* .debug_addr (7.27) with four addresses; returns the base of its indexes. */
static uint64_t put_addresses(struct dwarf_make *m)
{
	static const uint64_t addresses[] = { 0x6000, 0x6010, 0x7000, 0x8000 };
	size_t length = dwarf_length_start(m, WB_DWARF_ADDR), base;

	dwarf_uint(m, WB_DWARF_ADDR, 5, 2);
	dwarf_uint(m, WB_DWARF_ADDR, m->format.address_size, 1);
	dwarf_uint(m, WB_DWARF_ADDR, 0, 1);
	base = m->by_id[WB_DWARF_ADDR].size;
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
		dwarf_address(m, WB_DWARF_ADDR, addresses[i]);
	dwarf_length_end(m, WB_DWARF_ADDR, length);
	return base;
}

static void put_entry(struct dwarf_make *m, enum wb_dw_rle kind, uint64_t first, uint64_t second)
{
	bool is_index = kind == WB_RLE_BASE_ADDRESSX || kind == WB_RLE_STARTX_ENDX || kind == WB_RLE_STARTX_LENGTH;

	dwarf_uint(m, WB_DWARF_RNGLISTS, kind, 1);
	if (is_index)
		dwarf_uleb(m, WB_DWARF_RNGLISTS, first);
	else
		dwarf_address(m, WB_DWARF_RNGLISTS, first);
	if (kind == WB_RLE_STARTX_ENDX || kind == WB_RLE_STARTX_LENGTH || kind == WB_RLE_START_LENGTH)
		dwarf_uleb(m, WB_DWARF_RNGLISTS, second);
	else if (kind == WB_RLE_START_END)
		dwarf_address(m, WB_DWARF_RNGLISTS, second);
}

/* DWARF 5, 2.17.3: of all kinds, only offset pairs count from the base, which is 0x1000 and then the third address. */
static void make_kinds(struct dwarf_make *m, unsigned kind)
{
	uint64_t base = put_addresses(m), lines = put_lines(m, 0x1010, 0x1020), list = dwarf_ranges_start(m);

	(void)kind;
	dwarf_range(m, 0x10, 0x20);
	put_entry(m, WB_RLE_START_END, 0x4000, 0x4010);
	put_entry(m, WB_RLE_START_LENGTH, 0x5000, 0x10);
	put_entry(m, WB_RLE_STARTX_ENDX, 0, 1);
	put_entry(m, WB_RLE_STARTX_LENGTH, 3, 0x10);
	put_entry(m, WB_RLE_BASE_ADDRESSX, 2, 0);
	dwarf_range(m, 0x10, 0x20);
	put_entry(m, WB_RLE_START_LENGTH, 0x9000, 0x10);
	dwarf_ranges_end(m);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_LOW(0x1000), AT(WB_AT_ADDR_BASE, DWARF_FORM_OFFSET, .value = base),
	           AT_RANGES(list), AT_LINES(lines));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("f"), AT_RANGES(list));
	close_unit(m);
}

static const struct answer kinds[] = {
	{ 0x1000, "?!no-symbol !no-unit" }, { 0x1010, "f /build/a.c:1" }, { 0x1020, "?!no-symbol !no-unit" }, { 0x4000, "f !no-line" },
	{ 0x4010, "?!no-symbol !no-unit" }, { 0x5000, "f !no-line" }, { 0x500f, "f !no-line" }, { 0x5010, "?!no-symbol !no-unit" },
	{ 0x6000, "f !no-line" }, { 0x6010, "?!no-symbol !no-unit" }, { 0x8000, "f !no-line" }, { 0x8010, "?!no-symbol !no-unit" },
	{ 0x7000, "?!no-symbol !no-unit" }, { 0x7010, "f !no-line" }, { 0x7020, "?!no-symbol !no-unit" }, { 0x9000, "f !no-line" },
	{ 0xa000, "?!no-symbol !no-unit" }, { 0x10000, "?!no-symbol !no-unit" }, { 0, NULL },
};

static void ranges_count_from_a_base(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "8, bases", .make = make_bases, .answers = bases },
		{ .name = "9, kinds", .make = make_kinds, .first_version = 5, .answers = kinds },
	};

	RUN_CASES(cases);
}

/* ---- 10: empty and inverted ranges ---------------------------------------------------------------------------------------------------- */

enum empty { OF_UNIT, OF_FUNCTION };

/* Empty ranges have no effect (DWARF 4, 2.17.3; DWARF 5, 2.17.3), inverted ones no meaning: both are passed over, what follows counts. */
static void make_empty_ranges(struct dwarf_make *m, unsigned kind)
{
	uint64_t ranges = DWARF_RANGES(m, { 0x1000, 0x1000 }, { 0x1000, 0x1010 }, { 0x1080, 0x1040 }, { 0x1020, 0x1020 }, { 0x1100, 0x1110 });
	uint64_t whole = DWARF_RANGES(m, { 0x1000, 0x1200 }), lines = put_lines(m, 0x1000, 0x1010), leaf, call;

	call = DWARF_RANGES(m, { 0x1008, 0x1004 }, { 0x1004, 0x1004 });
	open_unit(m, 0, kind == OF_UNIT ? ranges : whole, lines);
	leaf = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("ranged"), AT_RANGES(ranges));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_RANGES(call), AT_CALL(1, 5, 0));
	dwarf_close(m);
	close_unit(m);
}

/* A low pc that is the high pc, or above it: the entry has no code, nor have the calls in it. */
static void make_empty_code(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = put_lines(m, 0x1000, 0x1010), inner = put_lines(m, 0x1002, 0x1004), leaf;

	(void)kind;
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("empty.c"), AT_COMP_DIR("/build"), AT_CODE(0x1002, 0), AT_LINES(inner));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("in_empty"), AT_CODE(0x1002, 2));
	close_unit(m);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_CODE(0x1000, 0x10), AT_LINES(lines));
	leaf = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("whole"), AT_CODE(0x1000, 0x10));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1004, 0), AT_CALL(1, 5, 0));
	dwarf_close(m);
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("empty"), AT_CODE(0x1006, 0));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1006, 2), AT_CALL(1, 6, 0));
	dwarf_close(m);
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("inverted"), AT_LOW(0x1008), AT(WB_AT_HIGH_PC, WB_FORM_ADDR, .value = 0x1000));
	close_unit(m);
}

static const struct answer empty_ranges[] = {
	{ 0x1000, "ranged /build/a.c:1" }, { 0x1004, "ranged /build/a.c:1" }, { 0x1008, "ranged /build/a.c:1" }, { 0x1020, "?!no-symbol !no-unit" },
	{ 0x1040, "?!no-symbol !no-unit" }, { 0x1060, "?!no-symbol !no-unit" }, { 0x1080, "?!no-symbol !no-unit" }, { 0x1100, "ranged !no-line" },
	{ 0, NULL },
};
static const struct answer empty_function[] = {
	{ 0x1000, "ranged /build/a.c:1" }, { 0x1004, "ranged /build/a.c:1" }, { 0x1010, "?!no-symbol !no-line" }, { 0x1020, "?!no-symbol !no-line" },
	{ 0x1040, "?!no-symbol !no-line" }, { 0x1060, "?!no-symbol !no-line" }, { 0x1080, "?!no-symbol !no-line" }, { 0x1100, "ranged !no-line" },
	{ 0x1110, "?!no-symbol !no-line" }, { 0, NULL },
};
static const struct answer empty_code[] = {
	{ 0x1000, "whole /build/a.c:1" }, { 0x1002, "whole /build/a.c:1" }, { 0x1004, "whole /build/a.c:1" }, { 0x1006, "whole /build/a.c:1" },
	{ 0x1008, "whole /build/a.c:1" }, { 0, NULL },
};

static void ranges_are_empty(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "10, ranges", .make = make_empty_ranges, .kind = OF_UNIT, .answers = empty_ranges },
		{ .name = "10, ranges of a function", .make = make_empty_ranges, .kind = OF_FUNCTION, .answers = empty_function },
		{ .name = "10, low and high", .make = make_empty_code, .answers = empty_code },
	};

	RUN_CASES(cases);
}

/* ---- 12: hot and cold parts ------------------------------------------------------------------------------------------------------------- */

/* The function's entry is in its hot part, which its list has first, or which DW_AT_entry_pc names (DWARF 5, 2.18: as an address, or counted
 * from the low pc or, without one, from the first range). */
enum entry { HOT_FIRST, ENTRY_ADDRESS, ENTRY_OFFSET };

static void make_parts(struct dwarf_make *m, unsigned kind)
{
	uint64_t hot_first = DWARF_RANGES(m, { 0x4000, 0x4020 }, { 0x1100, 0x1110 });
	uint64_t cold_first = DWARF_RANGES(m, { 0x1100, 0x1110 }, { 0x4000, 0x4020 });
	uint64_t both = DWARF_RANGES(m, { 0x4008, 0x4010 }, { 0x1104, 0x1108 }), lines = dwarf_lines_start(m, NULL), leaf;

	dwarf_row(m, 0x4000, 1, 10, 0);
	dwarf_sequence_end(m, 0x4020);
	dwarf_row(m, 0x1100, 1, 20, 0);
	dwarf_sequence_end(m, 0x1110);
	dwarf_lines_end(m);
	open_unit(m, 0, hot_first, lines);
	leaf = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
	if (kind == HOT_FIRST)
		DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("parted"), AT_RANGES(hot_first));
	else if (kind == ENTRY_ADDRESS)
		DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("parted"), AT_RANGES(cold_first), AT_ENTRY(0x4000));
	else
		DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("parted"), AT_RANGES(cold_first), AT(WB_AT_ENTRY_PC, WB_FORM_UDATA, .value = 0x2f00));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_RANGES(both), AT_CALL(1, 30, 0));
	dwarf_close(m);
	close_unit(m);
}

static const struct answer parts[] = {
	{ 0x4000, "parted /build/a.c:10" }, { 0x4008, "leaf /build/a.c:10 < parted /build/a.c:30" }, { 0x4010, "parted /build/a.c:10" },
	{ 0x1100, "parted /build/a.c:20" }, { 0x1104, "leaf /build/a.c:20 < parted /build/a.c:30" }, { 0x1110, "?!no-symbol !no-unit" },
	{ 0x2000, "?!no-symbol !no-unit" }, { 0, NULL },
};

static void functions_have_cold_parts(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "12, hot first", .make = make_parts, .kind = HOT_FIRST, .answers = parts },
		{ .name = "12, entry's address", .make = make_parts, .kind = ENTRY_ADDRESS, .answers = parts },
		{ .name = "12, entry's offset", .make = make_parts, .kind = ENTRY_OFFSET, .first_version = 5, .answers = parts },
	};

	RUN_CASES(cases);
}

/* The same with symbols, as compilers leave them: the cold part's is no function, and does not name it. The entry and the size (of all parts,
 * not from the first to the last address) are the function's in both parts. */
static uint8_t *make_parted_object(unsigned kind, size_t *ret_size)
{
	static const char strings[] = "\0parted\0parted.cold";
	uint8_t symbols[3 * 24], *object;
	struct elf_make elf;
	struct dwarf_make m;
	unsigned text, symtab;

	dwarf_make_init(&m, (struct dwarf_format){ .version = 5, .offset_size = 4, .address_size = 8 });
	make_parts(&m, kind);
	elf_make_init(&elf, true, false, 3, dwarf_machine(&m.format));
	text = elf_make_section(&elf, ".text", 8, 6, m.text_start, NULL, m.text_size);
	dwarf_make_sections(&m, &elf);
	elf_make_symbol(&elf, symbols, 0, 0, 0, 0, 0);
	elf_make_symbol(&elf, symbols + 24, 1, 0x12, (uint16_t)text, 0x4000, 0x20);
	elf_make_symbol(&elf, symbols + 48, 8, 0x02, (uint16_t)text, 0x1100, 0x10);
	symtab = elf_make_section(&elf, ".symtab", 2, 0, 0, symbols, sizeof symbols);
	elf.sections[symtab].link = elf_make_section(&elf, ".strtab", 3, 0, 0, strings, sizeof strings);
	elf_make_segment(&elf, 1, 5, text, text);
	object = elf_make_finish(&elf, ret_size);
	dwarf_make_deinit(&m);
	return object;
}

static void cold_parts_are_the_functions(void)
{
	for (unsigned kind = HOT_FIRST; kind <= ENTRY_OFFSET; kind++) {
		size_t size, count;
		uint8_t *object = make_parted_object(kind, &size);

		for (size_t i = 0; i < NUM_POLICIES; i++) {
			const struct wb_site *sites;
			struct asked asked;

			if (!policies[i].is_here || !asked_open(&asked, object, size, policies[i].policy))
				continue;
			test_row(policies[i].name);
			check_answers(&asked, parts);
			for (uint64_t pc = 0x1104; pc <= 0x4008; pc += 0x4008 - 0x1104) {
				REQUIRE(wb_symbolize(asked.symbolizer, asked.image, pc, WB_PC_EXACT, &sites, &count) == WB_OK && count == 2);
				CHECK_EQ_U64(sites[0].function_start, 0x4000);
				CHECK_EQ_U64(sites[0].function_size, 0x30);
				CHECK_EQ_U64(sites[1].function_start, 0x4000);
				CHECK_EQ_U64(sites[1].function_size, 0x30);
			}
			asked_close(&asked);
		}
		free(object);
	}
	test_row(NULL);
}

int main(void)
{
	if (!can_ask()) {
		printf("skip: no compiler of functions is in this build\n");
		return TEST_EXIT_SKIP;
	}
	TEST_RUN(code_is_at_zero);
	TEST_RUN(code_was_discarded);
	TEST_RUN(ranges_count_from_a_base);
	TEST_RUN(ranges_are_empty);
	TEST_RUN(functions_have_cold_parts);
	TEST_RUN(cold_parts_are_the_functions);
	return test_summary();
}
