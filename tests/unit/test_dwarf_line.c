/* SPDX-License-Identifier: MIT */
/*
 * Line-number programs, written by hand after DWARF 5, 6.2, and DWARF 2 to 4. Each program is run with every version's header; expected rows
 * are worked out in the comments.
 */

#include "symbols/dwarf_line.h"

#include "dwarf_bytes.h"
#include "symbols/dwarf_constants.h"

static const uint8_t operand_counts[] = { 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1 };

/* A special opcode: DWARF 5, 6.2.5.1. */
static uint8_t special(int line, int operations)
{
	return (uint8_t)(line - DWARF_LINE_BASE + DWARF_LINE_RANGE * operations + DWARF_OPCODE_BASE);
}

/* Starts a table with the maker's files: 1 "a.c" in the unit's folder, which is "/build" in version 5 and unknown before, 2 "/inc/b.h". */
static struct dwarf_buffer *start_lines(struct object *object, unsigned version, unsigned min_inst_length, unsigned max_ops)
{
	object->m.format.version = version;
	dwarf_lines_start(&object->m, &(struct dwarf_lines){ .min_inst_length = min_inst_length, .max_ops = max_ops, .with_md5 = true });
	return &object->m.by_id[WB_DWARF_LINE];
}

static void put_address(struct dwarf_buffer *line, uint64_t address)
{
	put(line, "\0\11\2", 3);
	put_uint(line, address, 8);
}

static void put_end(struct dwarf_buffer *line)
{
	put(line, "\0\1\1", 3);
}

static struct wb_lines *compile(struct object *object, enum wb_err *ret_err)
{
	static const struct wb_unit_root root = { .comp_dir = NULL, .str_offsets_base = UINT64_MAX };
	struct wb_unit_header unit = { .version = 4, .address_size = 8, .offset_size = 4 };
	struct wb_dwarf_sections sections = object_sections(object);
	struct wb_lines_builder builder;
	struct wb_lines *lines = NULL;

	wb_lines_builder_init(&builder, NULL);
	*ret_err = wb_dwarf_line_read(&sections, &unit, &root, 0, &builder, NULL);
	CHECK_EQ_I64(wb_lines_builder_finish(&builder, &lines), WB_OK);
	wb_lines_builder_deinit(&builder);
	return lines;
}

static void check_at(const struct wb_lines *lines, struct object *object, uint64_t pc, int64_t line, const char *path)
{
	struct wb_dwarf_sections sections = object_sections(object);
	struct wb_line_hit hit = { 0 };
	char buffer[64] = "";
	bool found = wb_lines_find(lines, pc, &hit);

	CHECK_EQ_I64(found ? (int64_t)hit.line : -1, line);
	if (found && line >= 0) {
		CHECK_EQ_I64(wb_lines_path(lines, &sections, hit.file, buffer, sizeof buffer), WB_OK);
		CHECK_STR(buffer, path);
	}
}

static void runs_every_opcode(void)
{
	for (unsigned version = 2; version <= 5; version++) {
			struct object *object = object_new();
		struct dwarf_buffer *line;
		const char *a = version < 5 ? "a.c" : "/build/a.c";
		char name[16];
		enum wb_err err;

		snprintf(name, sizeof name, "version %u", version);
		test_row(name);
		line = start_lines(object, version, 1, 1);
		put_address(line, 0x1000);
		/* File 1 in every version, before the first DW_LNS_set_file (6.2.2). */
		put(line, "\1", 1);                    /* copy: 0x1000, line 1 */
		put(line, "\2\4\3\11\1", 5);           /* advance pc 4, line 9; copy: 0x1004, line 10 */
		put_u8(line, special(2, 3));           /* 0x1007, line 12 */
		put(line, "\10", 1);                   /* const_add_pc: (255 - 13) / 14 = 17: 0x1018 */
		put(line, "\4\2\5\7\1", 5);            /* file 2, column 7; copy: 0x1018, line 12 */
		put(line, "\11\0\1\1", 4);             /* fixed_advance_pc 0x100; copy: 0x1118 */
		put(line, "\6\7\12\13\14\5", 6);       /* negate, basic block, prologue end, epilogue begin, isa 5: nothing */
		put(line, "\0\2\4\3", 4);              /* discriminator 3 */
		put(line, "\0\3\200\1\2", 5);          /* a vendor's extended opcode */
		put(line, "\3\177\1", 3);              /* advance line -1; copy: 0x1118, line 11, overrides */
		put(line, "\2\10", 2);                 /* 0x1120 */
		put_end(line);
		dwarf_lines_end(&object->m);
		struct wb_lines *lines = compile(object, &err);
		CHECK_EQ_I64(err, WB_OK);
		check_at(lines, object, 0xfff, -1, "");
		check_at(lines, object, 0x1000, 1, a);
		check_at(lines, object, 0x1003, 1, a);
		check_at(lines, object, 0x1004, 10, a);
		check_at(lines, object, 0x1007, 12, a);
		check_at(lines, object, 0x1017, 12, a);
		check_at(lines, object, 0x1018, 12, "/inc/b.h");
		check_at(lines, object, 0x1118, 11, "/inc/b.h");
		check_at(lines, object, 0x111f, 11, "/inc/b.h");
		check_at(lines, object, 0x1120, -1, "");
		CHECK_EQ_U64(object->num_diags, 0);
		wb_lines_free(lines);
		object_free(object);
	}
	test_row(NULL);
}

/* A sequence starts with fresh registers; DW_LNE_define_file adds file 3. */
static void starts_sequences_afresh(void)
{
	struct object *object = object_new();
	struct dwarf_buffer *line = start_lines(object, 4, 1, 1);
	enum wb_err err;

	put_address(line, 0x1000);
	put(line, "\4\2\3\12\1\2\4", 7);       /* file 2, line 11: 0x1000; to 0x1004 */
	put_end(line);
	put_address(line, 0x2000);
	put(line, "\1\2\4", 3);                /* file 1, line 1: 0x2000; to 0x2004 */
	put(line, "\0\10\3c.c\0\1\0\0", 10);   /* define "c.c" in folder 1: file 3 */
	put(line, "\4\3\1\2\4", 5);            /* file 3: 0x2004; to 0x2008 */
	put_end(line);
	dwarf_lines_end(&object->m);
	struct wb_lines *lines = compile(object, &err);
	CHECK_EQ_I64(err, WB_OK);
	check_at(lines, object, 0x1000, 11, "/inc/b.h");
	check_at(lines, object, 0x2000, 1, "a.c");
	check_at(lines, object, 0x2004, 1, "/inc/c.c");
	wb_lines_free(lines);
	object_free(object);
}

/* Bundles of 16 bytes with 3 operations, as on IA-64: 6.2.5.1's formulas. */
static void advances_in_bundles(void)
{
	struct object *object = object_new();
	struct dwarf_buffer *line = start_lines(object, 4, 16, 3);
	enum wb_err err;

	put_address(line, 0x1000);
	put(line, "\1", 1);                    /* 0x1000 op 0, line 1 */
	put_u8(line, special(1, 2));           /* op 2: 0x1000, line 2 overrides */
	put_u8(line, special(1, 2));           /* op 4 = bundle 1, op 1: 0x1010, line 3 */
	put(line, "\2\5\1", 3);                /* op 6 = bundle 2: 0x1030, line 3 */
	put(line, "\3\1\11\20\0\1", 6);        /* line 4; fixed advance 0x10, op 0: 0x1040 */
	put(line, "\2\3", 2);                  /* 0x1050 */
	put_end(line);
	dwarf_lines_end(&object->m);
	struct wb_lines *lines = compile(object, &err);
	CHECK_EQ_I64(err, WB_OK);
	check_at(lines, object, 0x1000, 2, "a.c");
	check_at(lines, object, 0x1010, 3, "a.c");
	check_at(lines, object, 0x103f, 3, "a.c");
	check_at(lines, object, 0x1040, 4, "a.c");
	check_at(lines, object, 0x1050, -1, "");
	wb_lines_free(lines);
	object_free(object);
}

/* Two sequences; cut anywhere, what is whole counts, and nothing is read past the end. */
static void survives_every_cut(void)
{
	struct object *object = object_new();
	struct dwarf_buffer *line = start_lines(object, 5, 1, 1);
	size_t first_end;
	enum wb_err err;

	put_address(line, 0x1000);
	put(line, "\1\2\4", 3);
	put_end(line);
	first_end = line->size;
	put_address(line, 0x2000);
	put(line, "\1\2\4", 3);
	put_end(line);
	for (size_t size = line->size; size > object->m.lines_length; size--) {
		struct wb_lines *lines;
		bool is_cut = size < line->size;
		size_t whole = line->size;

		line->size = size;
		dwarf_lines_end(&object->m);
		lines = compile(object, &err);
		/* A cut between opcodes leaves a well-formed program with an open sequence. */
		check_at(lines, object, 0x1000, size >= first_end ? 1 : -1, "/build/a.c");
		check_at(lines, object, 0x2000, is_cut ? -1 : 1, "/build/a.c");
		wb_lines_free(lines);
		line->size = whole;
	}
	/* A length that goes past the section. */
	line->bytes[0] = 0xff;
	wb_lines_free(compile(object, &err));
	CHECK_EQ_I64(err, WB_ERR_DATA);
	object_free(object);
}

enum { AT_LINE_RANGE = 14 };      /* in a header of version 4 */

static const struct {
	const char *name;
	unsigned version;
	bool without_range;
	enum wb_err expect;
} bad_headers[] = {
	{ "version 1", 1, false, WB_ERR_UNSUPPORTED },
	{ "version 6", 6, false, WB_ERR_UNSUPPORTED },
	{ "line range 0", 4, true, WB_ERR_DATA },
};

static void refuses_bad_headers(void)
{
	for (size_t i = 0; i < sizeof bad_headers / sizeof bad_headers[0]; i++) {
		struct object *object = object_new();
		enum wb_err err;

		test_row(bad_headers[i].name);
		start_lines(object, bad_headers[i].version, 1, 1);
		if (bad_headers[i].without_range)
			dwarf_patch(&object->m, WB_DWARF_LINE, AT_LINE_RANGE, 0, 1);
		dwarf_lines_end(&object->m);
		wb_lines_free(compile(object, &err));
		CHECK_EQ_I64(err, bad_headers[i].expect);
		CHECK_EQ_U64(object->num_diags, 1);
		object_free(object);
	}
	test_row(NULL);
}

/* What would cost more time than the bytes that say so: a count of folders without bytes for them, values of no bytes in each of many. */
static const struct { const char *name, *format; size_t size; uint64_t count; } absurd[] = {
	{ "no format", "\0", 1, UINT64_MAX },
	{ "values of no bytes", "\1\1\31", 3, 4 },    /* the path is a DW_FORM_flag_present */
};

static void refuses_absurd_counts(void)
{
	for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
		struct object *object = object_new();
		struct dwarf_buffer *line = &object->m.by_id[WB_DWARF_LINE];
		size_t unit = start_length(line), header;
		enum wb_err err;

		test_row(absurd[i].name);
		put_uint(line, 5, 2);
		put(line, "\10\0", 2);
		header = start_length(line);
		put(line, "\1\1\1\373\16\15", 6);
		put(line, operand_counts, sizeof operand_counts);
		put(line, absurd[i].format, absurd[i].size);
		put_uleb(line, absurd[i].count);
		put(line, "\0\0\0\0\0\0", 6);
		end_length(line, header);
		end_length(line, unit);
		wb_lines_free(compile(object, &err));
		CHECK_EQ_I64(err, WB_ERR_DATA);
		CHECK_EQ_U64(object->last_diag, WB_DIAG_DWARF_MALFORMED);
		object_free(object);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(runs_every_opcode);
	TEST_RUN(starts_sequences_afresh);
	TEST_RUN(advances_in_bundles);
	TEST_RUN(survives_every_cut);
	TEST_RUN(refuses_bad_headers);
	TEST_RUN(refuses_absurd_counts);
	return test_summary();
}
