/* SPDX-License-Identifier: MIT */
/* Line tables: cases 13, 14, 17, 18 and 26 of the README. */
#include "cases.h"

/* A unit from 0x1000 to 0x2000 with the line table and, around all of it, a function. */
static void put_unit_in(struct dwarf_make *m, uint64_t lines, const char *comp_dir)
{
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR(comp_dir), AT_CODE(0x1000, 0x1000), AT_LINES(lines));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("f"), AT_CODE(0x1000, 0x1000));
	dwarf_close(m);
	dwarf_unit_end(m);
}

static void put_unit(struct dwarf_make *m, uint64_t lines)
{
	dwarf_lines_end(m);
	put_unit_in(m, lines, "/build");
}

/* ---- 13: where lines end ------------------------------------------------------------------------------------------------------------ */

/* Sequences out of order, with gaps between them: a row holds until its sequence's end, not until the next row. */
static void make_gaps(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = dwarf_lines_start(m, NULL);

	(void)kind;
	dwarf_row(m, 0x1800, 1, 80, 0);
	dwarf_row(m, 0x1804, 1, 81, 0);
	dwarf_sequence_end(m, 0x1810);
	dwarf_row(m, 0x1000, 1, 10, 0);
	dwarf_sequence_end(m, 0x1010);
	dwarf_row(m, 0x1400, 1, 40, 0);
	dwarf_sequence_end(m, 0x1410);
	put_unit(m, lines);
}

/* An empty sequence in a whole one, two rows after each other and nothing of them; then one that goes on to the table's end. */
static void make_odd_ends(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = dwarf_lines_start(m, NULL);

	(void)kind;
	dwarf_row(m, 0x1000, 1, 10, 0);
	dwarf_sequence_end(m, 0x1010);
	dwarf_row(m, 0x1004, 1, 66, 0);
	dwarf_sequence_end(m, 0x1004);
	dwarf_row(m, 0x1800, 1, 67, 0);
	dwarf_row(m, 0x1804, 1, 68, 0);
	put_unit(m, lines);
}

/* DW_LNS_advance_pc takes its operand as unsigned (6.2.5.2): one that wraps around makes addresses go down. Such rows are passed over; what
 * comes after them counts again once it is above the last good one. */
static void make_decreasing(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = dwarf_lines_start(m, NULL);

	(void)kind;
	dwarf_row(m, 0x1000, 1, 10, 0);
	dwarf_row(m, 0x1010, 1, 11, 0);
	dwarf_op(m, WB_LNS_ADVANCE_PC, (uint64_t)-8);
	dwarf_op(m, WB_LNS_ADVANCE_LINE, 1);
	dwarf_uint(m, WB_DWARF_LINE, WB_LNS_COPY, 1);
	m->row.address = 0x1008;
	m->row.line = 12;
	dwarf_row(m, 0x1020, 1, 13, 0);
	dwarf_sequence_end(m, 0x1030);
	put_unit(m, lines);
}

/* symbolic#713: sequences that overlap. The one that starts last counts while it lasts, then the one around it. */
static void make_overlap(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = dwarf_lines_start(m, NULL);

	(void)kind;
	dwarf_row(m, 0x1000, 1, 10, 0);
	dwarf_row(m, 0x1020, 1, 11, 0);
	dwarf_sequence_end(m, 0x1040);
	dwarf_row(m, 0x1010, 1, 20, 0);
	dwarf_sequence_end(m, 0x1018);
	put_unit(m, lines);
}

static const struct answer gaps[] = {
	{ 0x1000, "f /build/a.c:10" }, { 0x100f, "f /build/a.c:10" }, { 0x1010, "f !no-line" }, { 0x13ff, "f !no-line" }, { 0x1400, "f /build/a.c:40" },
	{ 0x1410, "f !no-line" }, { 0x1803, "f /build/a.c:80" }, { 0x1804, "f /build/a.c:81" }, { 0x180f, "f /build/a.c:81" }, { 0x1810, "f !no-line" },
	{ 0, NULL },
};
static const struct answer odd_ends[] = {
	{ 0x1003, "f /build/a.c:10" }, { 0x1004, "f /build/a.c:10" }, { 0x1010, "f !no-line" }, { 0x1800, "f !no-line" }, { 0x1804, "f !no-line" },
	{ 0, NULL },
};
static const struct answer decreasing[] = {
	{ 0x1000, "f /build/a.c:10" }, { 0x1008, "f /build/a.c:10" }, { 0x1010, "f /build/a.c:11" }, { 0x101f, "f /build/a.c:11" },
	{ 0x1020, "f /build/a.c:13" }, { 0x1030, "f !no-line" }, { 0, NULL },
};
static const struct answer overlap[] = {
	{ 0x1000, "f /build/a.c:10" }, { 0x1010, "f /build/a.c:20" }, { 0x1017, "f /build/a.c:20" }, { 0x1018, "f /build/a.c:10" },
	{ 0x1020, "f /build/a.c:11" }, { 0x1040, "f !no-line" }, { 0, NULL },
};

static void lines_end(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "13, gaps", .make = make_gaps, .answers = gaps },
		{ .name = "13, odd ends", .make = make_odd_ends, .answers = odd_ends },
		{ .name = "13, decreasing", .make = make_decreasing, .answers = decreasing },
		{ .name = "13, overlap", .make = make_overlap, .answers = overlap },
	};

	RUN_CASES(cases);
}

/* ---- 14: several rows at one address -------------------------------------------------------------------------------------------------- */

/* The last one counts, at a sequence's start, in its middle and after a pause, whatever it says of statements; one at the end never does. */
static void make_same_address(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = dwarf_lines_start(m, NULL);

	(void)kind;
	dwarf_row(m, 0x1000, 1, 66, 0);
	dwarf_row(m, 0x1000, 2, 67, 3);
	dwarf_row(m, 0x1000, 1, 10, 4);
	dwarf_row(m, 0x1008, 1, 68, 0);
	dwarf_uint(m, WB_DWARF_LINE, WB_LNS_NEGATE_STMT, 1);
	dwarf_row(m, 0x1008, 1, 11, 5);
	dwarf_row(m, 0x1010, 1, 11, 5);
	dwarf_row(m, 0x1010, 2, 12, 0);
	dwarf_row(m, 0x1018, 1, 13, 0);
	dwarf_row(m, 0x1018, 2, 12, 0); /* as the one before: still 12 */
	dwarf_row(m, 0x1020, 1, 14, 0);
	dwarf_row(m, 0x1028, 1, 69, 0);
	dwarf_sequence_end(m, 0x1028);
	put_unit(m, lines);
}

static const struct answer same_address[] = {
	{ 0x1000, "f /build/a.c:10:4" }, { 0x1007, "f /build/a.c:10:4" }, { 0x1008, "f /build/a.c:11:5" }, { 0x1010, "f /inc/b.h:12" },
	{ 0x1018, "f /inc/b.h:12" }, { 0x1020, "f /build/a.c:14" }, { 0x1027, "f /build/a.c:14" }, { 0x1028, "f !no-line" }, { 0, NULL },
};

static void rows_share_an_address(void)
{
	static const struct dwarf_case cases[] = { { .name = "14", .make = make_same_address, .answers = same_address } };

	RUN_CASES(cases);
}

/* ---- 17: file 0, and the register's start ------------------------------------------------------------------------------------------------- */

/* GCC's version 5: file 0 is the source, as is one of the others; what precedes the first DW_LNS_set_file is file 1 (6.2.2), here a header
 * (libdwarf#137). File 0 is there in version 5; before, files count from 1 (6.2.4), and 0 is none. Nor is 3, in any. */
static void make_files(struct dwarf_make *m, unsigned kind)
{
	static const struct dwarf_file files[] = { { "t.c", 0 }, { "t.h", 0 }, { "t.c", 0 }, { NULL, 0 } };
	uint64_t lines = dwarf_lines_start(m, &(struct dwarf_lines){ .files = files });

	(void)kind;
	dwarf_row(m, 0x1000, 1, 5, 0);
	dwarf_row(m, 0x1010, 2, 6, 0);
	dwarf_row(m, 0x1020, 0, 7, 0);
	dwarf_row(m, 0x1030, 3, 8, 0);
	dwarf_sequence_end(m, 0x1040);
	dwarf_row(m, 0x1040, 1, 9, 0); /* the next sequence starts with file 1 again */
	dwarf_sequence_end(m, 0x1050);
	put_unit(m, lines);
}

/* The same numbers as the files of calls. DW_AT_call_file that is missing is no file 0 (2.14: "0 ... no source file has been specified"). */
static void make_call_files(struct dwarf_make *m, unsigned kind)
{
	static const struct dwarf_file files[] = { { "t.c", 0 }, { "t.h", 0 }, { "t.c", 0 }, { NULL, 0 } };
	uint64_t lines = dwarf_lines_start(m, &(struct dwarf_lines){ .files = files }), leaf;

	(void)kind;
	dwarf_row(m, 0x1000, 1, 5, 0);
	dwarf_sequence_end(m, 0x1100);
	dwarf_lines_end(m);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("t.c"), AT_COMP_DIR("/build"), AT_CODE(0x1000, 0x100), AT_LINES(lines));
	leaf = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("f"), AT_CODE(0x1000, 0x100));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1000, 0x10), AT_CALL(1, 21, 0));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1010, 0x10), AT_CALL(2, 22, 0));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1020, 0x10), AT_CALL(0, 23, 0));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1030, 0x10), AT_CALL(3, 24, 0));
	dwarf_close(m);
	dwarf_close(m);
	dwarf_unit_end(m);
}

static const struct answer files_5[] = {
	{ 0x1000, "f /build/t.h:5" }, { 0x1010, "f /build/t.c:6" }, { 0x1020, "f /build/t.c:7" }, { 0x1030, "f ?:8" }, { 0x1040, "f /build/t.h:9" },
	{ 0, NULL },
};
static const struct answer files_4[] = {
	{ 0x1000, "f /build/t.h:5" }, { 0x1010, "f /build/t.c:6" }, { 0x1020, "f ?:7" }, { 0x1030, "f ?:8" }, { 0x1040, "f /build/t.h:9" }, { 0, NULL },
};
#define LEAF "leaf /build/t.h:5 < f "
static const struct answer call_files_5[] = {
	{ 0x1000, LEAF "/build/t.h:21" }, { 0x1010, LEAF "/build/t.c:22" }, { 0x1020, LEAF "/build/t.c:23" }, { 0x1030, LEAF "?:24" }, { 0, NULL },
};
static const struct answer call_files_4[] = {
	{ 0x1000, LEAF "/build/t.h:21" }, { 0x1010, LEAF "/build/t.c:22" }, { 0x1020, LEAF "?:23" }, { 0x1030, LEAF "?:24" }, { 0, NULL },
};

static void files_have_numbers(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "17, rows", .make = make_files, .first_version = 5, .answers = files_5 },
		{ .name = "17, rows", .make = make_files, .last_version = 4, .answers = files_4 },
		{ .name = "17, calls", .make = make_call_files, .first_version = 5, .answers = call_files_5 },
		{ .name = "17, calls", .make = make_call_files, .last_version = 4, .answers = call_files_4 },
	};

	RUN_CASES(cases);
}

/* ---- 18: folders ----------------------------------------------------------------------------------------------------------------------------- */

enum folders { SAME, NESTED, CONTRARY, DOT, DRIVE, DRIVE_SLASH, SHARE };

/* Folder 0 is the "current directory of the compilation", from which others count unless they are absolute (6.2.4, item 15); files count from
 * their folder likewise. Where folder 0 and DW_AT_comp_dir differ, that is folder 0 for us; LLVM 14 counts the others from DW_AT_comp_dir. */
static const struct { const char *comp_dir, *dirs[4]; } folders[] = {
	[SAME] = { "/build", { "/build", "/inc", "sub", NULL } },
	[NESTED] = { "/root", { "build", "/inc", "sub", NULL } },
	[CONTRARY] = { "/elsewhere", { "/build", "/inc", "sub", NULL } },
	[DOT] = { "/tmp", { ".", "/inc", "./sub", NULL } },
	[DRIVE] = { "C:\\build", { "C:\\build", "D:\\inc", "sub", NULL } },
	[DRIVE_SLASH] = { "C:/build", { "C:/build", "D:/inc/", "sub", NULL } },
	[SHARE] = { "\\\\host\\build", { "\\\\host\\build", "\\inc", "sub", NULL } },
};
static const struct dwarf_file in_folders[] = { { "a.c", 0 }, { "a.c", 0 }, { "b.h", 1 }, { "c.h", 2 }, { "/abs/d.h", 2 }, { "deep/e.h", 2 }, { NULL, 0 } };

static void make_folders(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = dwarf_lines_start(m, &(struct dwarf_lines){ .dirs = folders[kind].dirs, .files = in_folders });

	for (unsigned file = 1; file <= 5; file++)
		dwarf_row(m, 0x1000 + 0x10 * file, file, file, 0);
	dwarf_sequence_end(m, 0x1060);
	dwarf_lines_end(m);
	put_unit_in(m, lines, folders[kind].comp_dir);
}

#define ROWS(a, b, c, d, e) { { 0x1010, "f " a ":1" }, { 0x1020, "f " b ":2" }, { 0x1030, "f " c ":3" }, { 0x1040, "f " d ":4" }, { 0x1050, "f " e ":5" }, { 0, NULL } }
static const struct answer same[] = ROWS("/build/a.c", "/inc/b.h", "/build/sub/c.h", "/abs/d.h", "/build/sub/deep/e.h");
static const struct answer nested[] = ROWS("/root/build/a.c", "/inc/b.h", "/root/build/sub/c.h", "/abs/d.h", "/root/build/sub/deep/e.h");
/* Before version 5 there is no folder 0 in the table: the unit's counts. */
static const struct answer nested_4[] = ROWS("/root/a.c", "/inc/b.h", "/root/sub/c.h", "/abs/d.h", "/root/sub/deep/e.h");
static const struct answer contrary_4[] = ROWS("/elsewhere/a.c", "/inc/b.h", "/elsewhere/sub/c.h", "/abs/d.h", "/elsewhere/sub/deep/e.h");
/* A folder 0 of "." says nothing; other parts are put together, not resolved (gimli's addr2line and, for files of other folders, LLVM). */
static const struct answer dot[] = ROWS("/tmp/a.c", "/inc/b.h", "/tmp/./sub/c.h", "/abs/d.h", "/tmp/./sub/deep/e.h");
static const struct answer drive[] = ROWS("C:\\build\\a.c", "D:\\inc\\b.h", "C:\\build\\sub\\c.h", "/abs/d.h", "C:\\build\\sub\\deep/e.h");
static const struct answer drive_slash[] = ROWS("C:/build/a.c", "D:/inc/b.h", "C:/build/sub/c.h", "/abs/d.h", "C:/build/sub/deep/e.h");
static const struct answer share[] =
	ROWS("\\\\host\\build\\a.c", "\\inc\\b.h", "\\\\host\\build\\sub\\c.h", "/abs/d.h", "\\\\host\\build\\sub\\deep/e.h");

static void files_have_folders(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "18, same", .make = make_folders, .kind = SAME, .answers = same },
		{ .name = "18, folder 0 is relative", .make = make_folders, .kind = NESTED, .first_version = 5, .answers = nested },
		{ .name = "18, folder 0 is relative", .make = make_folders, .kind = NESTED, .last_version = 4, .answers = nested_4 },
		{ .name = "18, folder 0 is another", .make = make_folders, .kind = CONTRARY, .first_version = 5, .answers = same },
		{ .name = "18, folder 0 is another", .make = make_folders, .kind = CONTRARY, .last_version = 4, .answers = contrary_4 },
		{ .name = "18, folder 0 is .", .make = make_folders, .kind = DOT, .first_version = 5, .answers = dot },
		{ .name = "18, drive", .make = make_folders, .kind = DRIVE, .answers = drive },
		{ .name = "18, drive and slashes", .make = make_folders, .kind = DRIVE_SLASH, .answers = drive_slash },
		{ .name = "18, share", .make = make_folders, .kind = SHARE, .answers = share },
	};

	RUN_CASES(cases);
}

/* ---- 26: what has to be stepped over, and how far instructions step ------------------------------------------------------------------------- */

/* Instructions of 4 bytes: operands, special opcodes and DW_LNS_const_add_pc count instructions, DW_LNS_fixed_advance_pc bytes (6.2.5). */
static void make_instructions(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = dwarf_lines_start(m, &(struct dwarf_lines){ .min_inst_length = 4 });

	(void)kind;
	dwarf_row(m, 0x1000, 1, 10, 0);
	dwarf_op(m, WB_LNS_ADVANCE_PC, 2);     /* 0x1008 */
	dwarf_raw(m, WB_DWARF_LINE, "\3\1\1", 3); /* line 11; copy */
	dwarf_uint(m, WB_DWARF_LINE, 1 - DWARF_LINE_BASE + DWARF_LINE_RANGE * 3 + DWARF_OPCODE_BASE, 1); /* 3 instructions: 0x1014, line 12 */
	dwarf_uint(m, WB_DWARF_LINE, WB_LNS_CONST_ADD_PC, 1); /* (255 - 13) / 14 = 17 instructions: 0x1058 */
	dwarf_raw(m, WB_DWARF_LINE, "\3\1\1", 3); /* line 13 */
	dwarf_uint(m, WB_DWARF_LINE, WB_LNS_FIXED_ADVANCE_PC, 1);
	dwarf_uint(m, WB_DWARF_LINE, 8, 2);    /* 0x1060 */
	dwarf_raw(m, WB_DWARF_LINE, "\3\1\1", 3); /* line 14 */
	m->row.address = 0x1060;
	dwarf_sequence_end(m, 0x1070);
	put_unit(m, lines);
}

/* Bundles of 16 bytes with 3 operations: 6.2.5.1, new address = address + min_inst_length * ((op_index + advance) / 3), op_index the rest. */
static void make_bundles(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = dwarf_lines_start(m, &(struct dwarf_lines){ .min_inst_length = 16, .max_ops = 3 });

	(void)kind;
	dwarf_row(m, 0x1000, 1, 10, 0);
	dwarf_op(m, WB_LNS_ADVANCE_PC, 2);     /* 0 + 2: 0x1000, operation 2 */
	dwarf_raw(m, WB_DWARF_LINE, "\3\1\1", 3); /* line 11 */
	dwarf_op(m, WB_LNS_ADVANCE_PC, 2);     /* 2 + 2 = 3 + 1: 0x1010, operation 1 */
	dwarf_raw(m, WB_DWARF_LINE, "\3\1\1", 3); /* line 12 */
	dwarf_uint(m, WB_DWARF_LINE, WB_LNS_CONST_ADD_PC, 1); /* 1 + 17 = 6 * 3 + 0: 0x1070 */
	dwarf_raw(m, WB_DWARF_LINE, "\3\1\1", 3); /* line 13 */
	m->row.address = 0x1070;
	dwarf_op(m, WB_LNS_ADVANCE_PC, 3);     /* 0x1080 */
	m->row.address = 0x1080;
	dwarf_sequence_end(m, 0x1080);
	put_unit(m, lines);
}

/* Version 5's files with MD5 sums of bytes that look like opcodes, and each form of strings. */
static void make_sums(struct dwarf_make *m, unsigned form)
{
	uint64_t lines = dwarf_lines_start(m, &(struct dwarf_lines){ .form = form, .with_md5 = true });

	dwarf_row(m, 0x1000, 1, 10, 0);
	dwarf_row(m, 0x1010, 2, 11, 0);
	dwarf_sequence_end(m, 0x1020);
	put_unit(m, lines);
}

/* References into a supplementary file that is not had, and vendors' attributes: the entries behind them are still found. */
static void make_forms(struct dwarf_make *m, unsigned kind)
{
	uint64_t lines = dwarf_lines_start(m, NULL);

	(void)kind;
	dwarf_row(m, 0x1000, 1, 10, 0);
	dwarf_sequence_end(m, 0x1100);
	dwarf_lines_end(m);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT(WB_AT_NAME, WB_FORM_GNU_STRP_ALT, .value = 0x77), AT_COMP_DIR("/build"), AT_CODE(0x1000, 0x100), AT_LINES(lines));
	DWARF_ENTRY(m, 0x3d, AT(0x18, WB_FORM_GNU_REF_ALT, .value = 0x1234)); /* an imported unit */
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("f"), AT(0x3fff, WB_FORM_DATA8, .value = 0x0101010101010101), AT_CODE(0x1000, 0x40));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT(WB_AT_ABSTRACT_ORIGIN, WB_FORM_GNU_REF_ALT, .value = 0x12), AT_CODE(0x1010, 0x10), AT_CALL(1, 12, 0));
	dwarf_close(m);
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT(0x2107, WB_FORM_STRING, .text = "vendor"), AT_NAME("g"), AT_CODE(0x1040, 0x10));
	dwarf_close(m);
	dwarf_unit_end(m);
}

static const struct answer instructions[] = {
	{ 0x1000, "f /build/a.c:10" }, { 0x1007, "f /build/a.c:10" }, { 0x1008, "f /build/a.c:11" }, { 0x1014, "f /build/a.c:12" },
	{ 0x1057, "f /build/a.c:12" }, { 0x1058, "f /build/a.c:13" }, { 0x1060, "f /build/a.c:14" }, { 0x1070, "f !no-line" }, { 0, NULL },
};
/* Two rows at 0x1000: the last counts. */
static const struct answer bundles[] = {
	{ 0x1000, "f /build/a.c:11" }, { 0x100f, "f /build/a.c:11" }, { 0x1010, "f /build/a.c:12" }, { 0x106f, "f /build/a.c:12" },
	{ 0x1070, "f /build/a.c:13" }, { 0x1080, "f !no-line" }, { 0, NULL },
};
static const struct answer sums[] = {
	{ 0x1000, "f /build/a.c:10" }, { 0x1010, "f /inc/b.h:11" }, { 0x1020, "f !no-line" }, { 0, NULL },
};
static const struct answer forms[] = {
	{ 0x1000, "f /build/a.c:10" }, { 0x1010, "?!unsupported /build/a.c:10 < f /build/a.c:12" }, { 0x1040, "g /build/a.c:10" }, { 0, NULL },
};

static void bytes_are_stepped_over(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "26, instructions of 4 bytes", .make = make_instructions, .answers = instructions },
		{ .name = "26, bundles", .make = make_bundles, .first_version = 4, .answers = bundles },
		{ .name = "26, sums, line_strp", .make = make_sums, .kind = WB_FORM_LINE_STRP, .first_version = 5, .answers = sums },
		{ .name = "26, sums, strp", .make = make_sums, .kind = WB_FORM_STRP, .first_version = 5, .answers = sums },
		{ .name = "26, sums, string", .make = make_sums, .kind = WB_FORM_STRING, .first_version = 5, .answers = sums },
		{ .name = "26, forms", .make = make_forms, .answers = forms },
	};

	RUN_CASES(cases);
}

/* Values of three bytes. libdwarf 20210528 takes them for four: then it is not asked, and the reference policy has no answer rather than a wrong
 * one. */
static void make_three_bytes(struct dwarf_make *m, unsigned form)
{
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_CODE(0x1000, 0x100));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT(0x3fff, form, .value = 0x010101), AT_NAME("f"), AT_CODE(0x1000, 0x10));
	dwarf_close(m);
	dwarf_unit_end(m);
}

static void ask_for_three_bytes(const uint8_t *object, size_t size, enum wb_dwarf_policy policy)
{
	const struct wb_site *sites;
	struct asked asked;
	char text[256] = "";
	size_t count;

	if (asked_open(&asked, object, size, policy) &&
	    CHECK(wb_symbolize(asked.symbolizer, asked.image, 0x1000, WB_PC_EXACT, &sites, &count) == WB_OK))
		show_sites(text, sizeof text, sites, count);
	if (policy != WB_DWARF_REFERENCE || strcmp(text, "?!unsupported !no-line") != 0)
		CHECK_STR(text, "f !no-line");
	asked_close(&asked);
}

static void three_bytes_are_not_four(void)
{
	static const unsigned forms_of_three[] = { WB_FORM_STRX3, WB_FORM_ADDRX3 };

	for (size_t i = 0; i < sizeof forms_of_three / sizeof forms_of_three[0]; i++) {
		struct dwarf_make m;
		uint8_t *object;
		size_t size;

		dwarf_make_init(&m, (struct dwarf_format){ .version = 5, .offset_size = 4, .address_size = 8 });
		make_three_bytes(&m, forms_of_three[i]);
		object = dwarf_make_object(&m, &size);
		for (size_t j = 0; j < NUM_POLICIES; j++) {
			test_row(policies[j].name);
			if (policies[j].is_here)
				ask_for_three_bytes(object, size, policies[j].policy);
		}
		free(object);
		dwarf_make_deinit(&m);
	}
	test_row(NULL);
}

int main(void)
{
	if (!can_ask()) {
		printf("skip: no compiler of functions is in this build\n");
		return TEST_EXIT_SKIP;
	}
	TEST_RUN(lines_end);
	TEST_RUN(rows_share_an_address);
	TEST_RUN(files_have_numbers);
	TEST_RUN(files_have_folders);
	TEST_RUN(bytes_are_stepped_over);
	TEST_RUN(three_bytes_are_not_four);
	return test_summary();
}
