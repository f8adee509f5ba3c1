/* SPDX-License-Identifier: MIT */
/* Line tables: rows and gaps, odd rows, overlapping sequences, and how paths are put together. */

#include "symbols/lines.h"

#include "dwarf_bytes.h"

enum { OPS_MAX = 10, PROBES_MAX = 6 };

/* A row, or with line -1 the end of a sequence. */
struct op { uint64_t address; int64_t line; uint64_t file, column; };
struct probe { uint64_t pc; int64_t line; uint32_t file, column; }; /* line -1: nothing covers pc */

static const struct {
	const char *name;
	struct op ops[OPS_MAX];       /* up to the first with address 0 */
	struct probe probes[PROBES_MAX]; /* up to the first with pc 0 */
} table[] = {
	{
		"a row holds up to the next one, the last one up to the end",
		{ { 0x1000, 10, 1, 3 }, { 0x1004, 11, 2, 0 }, { 0x1010, -1, 0, 0 } },
		{ { 0xfff, -1, 0, 0 }, { 0x1000, 10, 1, 3 }, { 0x1003, 10, 1, 3 }, { 0x1004, 11, 2, 0 }, { 0x100f, 11, 2, 0 }, { 0x1010, -1, 0, 0 } },
	},
	{
		"a gap between sequences is nobody's; sequences come in any order",
		{ { 0x1020, 20, 1, 0 }, { 0x1030, -1, 0, 0 }, { 0x1000, 10, 1, 0 }, { 0x1010, -1, 0, 0 } },
		{ { 0x100f, 10, 1, 0 }, { 0x1010, -1, 0, 0 }, { 0x101f, -1, 0, 0 }, { 0x1020, 20, 1, 0 } },
	},
	{
		"the last of several rows at one address counts",
		{ { 0x1000, 10, 1, 0 }, { 0x1004, 11, 1, 0 }, { 0x1004, 12, 1, 0 }, { 0x1004, 13, 1, 7 }, { 0x1008, 14, 1, 0 }, { 0x1010, -1, 0, 0 } },
		{ { 0x1003, 10, 1, 0 }, { 0x1004, 13, 1, 7 }, { 0x1007, 13, 1, 7 }, { 0x1008, 14, 1, 0 } },
	},
	{
		"equal rows in a row, one of them overridden",
		{ { 0x1000, 10, 1, 0 }, { 0x1004, 10, 1, 0 }, { 0x1004, 11, 1, 0 }, { 0x1008, -1, 0, 0 } },
		{ { 0x1003, 10, 1, 0 }, { 0x1004, 11, 1, 0 } },
	},
	{
		"rows that go down are left out",
		{ { 0x1000, 10, 1, 0 }, { 0x1008, 11, 1, 0 }, { 0x1004, 12, 1, 0 }, { 0x100c, 13, 1, 0 }, { 0x1010, -1, 0, 0 } },
		{ { 0x1004, 10, 1, 0 }, { 0x1008, 11, 1, 0 }, { 0x100c, 13, 1, 0 } },
	},
	{
		"discarded code: sequences that do not start in code, empty ones, unfinished ones",
		{ { 0x10, 10, 1, 0 }, { 0x1800, -1, 0, 0 }, { 0x1000, 11, 1, 0 }, { 0x1000, -1, 0, 0 }, { UINT64_MAX - 1, 12, 1, 0 },
		  { UINT64_MAX, -1, 0, 0 }, { 0x1100, 13, 1, 0 } },
		{ { 0x11, -1, 0, 0 }, { 0x1000, -1, 0, 0 }, { 0x1100, -1, 0, 0 }, { 0x1700, -1, 0, 0 } },
	},
	{
		"overlapping sequences: the one that starts last",
		{ { 0x1000, 10, 1, 0 }, { 0x1100, -1, 0, 0 }, { 0x1010, 20, 1, 0 }, { 0x1020, -1, 0, 0 } },
		{ { 0x100f, 10, 1, 0 }, { 0x1010, 20, 1, 0 }, { 0x1020, 10, 1, 0 }, { 0x10ff, 10, 1, 0 } },
	},
	{
		"line 0 is an answer; numbers that do not fit are unknown",
		{ { 0x1000, 0, 1, 0 }, { 0x1004, (int64_t)1 << 40, 1, 0 }, { 0x1008, 10, 1, 70000 }, { 0x100c, 11, (uint64_t)1 << 40, 0 }, { 0x1010, -1, 0, 0 } },
		{ { 0x1000, 0, 1, 0 }, { 0x1004, 0, 1, 0 }, { 0x1008, 10, 1, 0 }, { 0x100c, 11, WB_LINES_FILE_MAX, 0 } },
	},
};

static void finds_rows(void)
{
	struct wb_text_range ranges[] = { { 0x1000, 0x2000 } };
	struct wb_text text = { ranges, 1 };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_lines_builder builder;
		struct wb_lines *lines = NULL;

		test_row(table[i].name);
		wb_lines_builder_init(&builder, &text);
		for (size_t k = 0; k < OPS_MAX && table[i].ops[k].address; k++) {
			const struct op *op = &table[i].ops[k];
			enum wb_err err = op->line < 0 ? wb_lines_end_sequence(&builder, op->address)
			                               : wb_lines_add_row(&builder, op->address, op->file, (uint64_t)op->line, op->column);
			CHECK_EQ_I64(err, WB_OK);
		}
		REQUIRE(wb_lines_builder_finish(&builder, &lines) == WB_OK);
		wb_lines_builder_deinit(&builder);
		for (size_t k = 0; k < PROBES_MAX && table[i].probes[k].pc; k++) {
			const struct probe *probe = &table[i].probes[k];
			struct wb_line_hit hit = { 0 };
			bool found = wb_lines_find(lines, probe->pc, &hit);

			CHECK_EQ_I64(found ? (int64_t)hit.line : -1, probe->line);
			if (found && probe->line >= 0) {
				CHECK_EQ_U64(hit.file, probe->file);
				CHECK_EQ_U64(hit.column, probe->column);
			}
		}
		wb_lines_free(lines);
	}
	test_row(NULL);
}

static const struct {
	const char *root, *folder, *dir, *name, *expect; /* "" is absent */
} paths[] = {
	{ "", "/build", "", "a.c", "/build/a.c" },
	{ "", "/build", "src", "a.c", "/build/src/a.c" },
	{ "", "/build/", "src/", "a.c", "/build/src/a.c" },
	{ "", "/build", "/usr/include", "a.h", "/usr/include/a.h" },
	{ "", "/build", "src", "/abs/a.c", "/abs/a.c" },
	{ "/top", "sub", "src", "a.c", "/top/sub/src/a.c" },
	{ "/top", "/build", "", "a.c", "/build/a.c" },
	{ "", "", "", "a.c", "a.c" },
	{ "", "./nscd", "../nss", "a.c", "./nscd/../nss/a.c" },
	{ "", "C:\\build", "src", "a.c", "C:\\build\\src\\a.c" },
	{ "", "/build", "C:/src", "a.c", "C:/src/a.c" },
	{ "", "/build", "", "\\\\server\\a.c", "\\\\server\\a.c" },
	{ "", "/build", "src", "", NULL },
};

static uint64_t ref_to(struct object *object, const char *text)
{
	struct dwarf_buffer *strings = &object->m.by_id[WB_DWARF_LINE_STR];
	uint64_t offset = put_string(strings, text);
	struct wb_dwarf_sections sections = { 0 };

	sections.by_id[WB_DWARF_LINE_STR].size = strings->size;
	return text[0] ? wb_ref_at(&sections, WB_DWARF_LINE_STR, offset) : WB_REF_NONE;
}

static void puts_paths_together(void)
{
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct object *object = object_new();
		struct wb_lines_builder builder;
		struct wb_lines *lines = NULL;
		char buffer[64] = "";
		enum wb_err err;

		test_row(paths[i].expect ? paths[i].expect : "no name");
		wb_lines_builder_init(&builder, NULL);
		builder.root = ref_to(object, paths[i].root);
		builder.folder = ref_to(object, paths[i].folder);
		CHECK_EQ_I64(wb_lines_add_file(&builder, ref_to(object, paths[i].name), ref_to(object, paths[i].dir)), WB_OK);
		CHECK_EQ_I64(wb_lines_builder_finish(&builder, &lines), WB_OK);
		wb_lines_builder_deinit(&builder);

		struct wb_dwarf_sections sections = object_sections(object);
		err = wb_lines_path(lines, &sections, 0, buffer, sizeof buffer);
		CHECK_EQ_I64(err, paths[i].expect ? WB_OK : WB_NONE);
		if (paths[i].expect) {
			CHECK_STR(buffer, paths[i].expect);
			CHECK_EQ_I64(wb_lines_path(lines, &sections, 0, buffer, strlen(paths[i].expect) + 1), WB_OK);
			CHECK_EQ_I64(wb_lines_path(lines, &sections, 0, buffer, strlen(paths[i].expect)), WB_ERR_LIMIT);
		}
		CHECK_EQ_I64(wb_lines_path(lines, &sections, 1, buffer, sizeof buffer), WB_NONE);
		wb_lines_free(lines);
		object_free(object);
	}
	test_row(NULL);
}

static void refers_to_strings_that_end(void)
{
	struct object *object = object_new();
	struct wb_dwarf_sections sections;

	put_string(&object->m.by_id[WB_DWARF_STR], "whole");
	put(&object->m.by_id[WB_DWARF_STR], "cut", 3);
	sections = object_sections(object);
	uint64_t ref = wb_ref_of(&sections, (const char *)sections.by_id[WB_DWARF_STR].bytes + 2);
	CHECK_STR(wb_ref_text(&sections, ref), "ole");
	CHECK(wb_ref_of(&sections, (const char *)sections.by_id[WB_DWARF_STR].bytes + 6) == WB_REF_NONE);
	CHECK(wb_ref_of(&sections, "elsewhere") == WB_REF_NONE);
	CHECK(wb_ref_of(&sections, NULL) == WB_REF_NONE);
	CHECK(wb_ref_text(&sections, WB_REF_NONE) == NULL);
	object_free(object);
}

/* A section of letters without an end must not be searched through for each of a million references. */
static void refuses_endless_strings(void)
{
	struct wb_dwarf_sections sections = { .big_endian = false };
	char *letters = malloc(3 * WB_DWARF_STRING_MAX);

	REQUIRE(letters);
	memset(letters, 'a', 3 * WB_DWARF_STRING_MAX);
	letters[2 * WB_DWARF_STRING_MAX] = 0;
	sections.by_id[WB_DWARF_STR].bytes = (const uint8_t *)letters;
	sections.by_id[WB_DWARF_STR].size = 3 * WB_DWARF_STRING_MAX;
	CHECK(wb_ref_of(&sections, letters + WB_DWARF_STRING_MAX) == WB_REF_NONE);
	CHECK(!wb_dwarf_string(&sections, WB_DWARF_STR, WB_DWARF_STRING_MAX));
	/* One letter less, and it fits with its end. */
	CHECK(wb_ref_of(&sections, letters + WB_DWARF_STRING_MAX + 1) != WB_REF_NONE);
	CHECK(wb_dwarf_string(&sections, WB_DWARF_STR, WB_DWARF_STRING_MAX + 1) == letters + WB_DWARF_STRING_MAX + 1);
	free(letters);
}

int main(void)
{
	TEST_RUN(finds_rows);
	TEST_RUN(puts_paths_together);
	TEST_RUN(refers_to_strings_that_end);
	TEST_RUN(refuses_endless_strings);
	return test_summary();
}
