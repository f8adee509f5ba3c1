/* SPDX-License-Identifier: MIT */
/*
 * Cases 8, 19, 21, 22 and 23 of the README in split units, packages of them and supplementary files: made by hand, handed out by a finder, and
 * asked in every format under every policy. What the tools of the field make is in hiding.sh.
 */
#include "cases.h"

static const uint64_t ID = 0x1122334455667788;

/* ---- Files by role ----------------------------------------------------------------------------------------------------------- */

struct offered { const char *path; uint8_t *bytes; size_t size; };
struct shelf { struct offered files[WB_FILE_DWP + 1]; unsigned asked; };

static enum wb_err read_offered(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	const struct offered *offered = arg;
	size_t left = offset < offered->size ? offered->size - (size_t)offset : 0;

	*ret_got = count < left ? count : left;
	if (*ret_got)
		memcpy(buffer, offered->bytes + offset, *ret_got);
	return WB_OK;
}

static enum wb_err find_offered(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	static struct wb_source sources[WB_FILE_DWP + 1]; /* read at once */
	struct shelf *shelf = arg;
	struct offered *offered;

	if (nth > 0 || query->role > WB_FILE_DWP)
		return WB_NONE;
	offered = &shelf->files[query->role];
	shelf->asked++;
	if (!offered->bytes || strcmp(query->path, offered->path) != 0)
		return WB_NONE;
	sources[query->role] = (struct wb_source){ .size = sizeof sources[0], .length = offered->size, .arg = offered, .read = read_offered };
	snprintf(ret_candidate->path, sizeof ret_candidate->path, "%s", offered->path);
	ret_candidate->source = &sources[query->role];
	return WB_OK;
}

static void shelf_deinit(struct shelf *shelf)
{
	for (size_t i = 0; i <= WB_FILE_DWP; i++)
		free(shelf->files[i].bytes);
}

/* ---- Objects ------------------------------------------------------------------------------------------------------------------- */

/* Sections with a suffix; more: a further section. */
static uint8_t *make_object(struct dwarf_make *m, const char *suffix, const char *more, const void *bytes, size_t count, size_t *ret_size)
{
	static char names[WB_DWARF_SECTIONS][32];
	struct elf_make elf;
	unsigned text;

	elf_make_init(&elf, m->format.address_size == 8, m->format.big_endian, 3, dwarf_machine(&m->format));
	text = elf_make_section(&elf, ".text", 8, 6, m->text_start, NULL, m->text_size);
	if (m->by_id[WB_DWARF_ABBREV].size > 0)
		dwarf_uint(m, WB_DWARF_ABBREV, 0, 1);
	for (unsigned i = 0; i < WB_DWARF_SECTIONS; i++) {
		snprintf(names[i], sizeof names[i], "%s%s", wb_dwarf_section_name((enum wb_dwarf_section)i), suffix);
		if (m->by_id[i].size > 0)
			elf_make_section(&elf, names[i], 1, 0, 0, m->by_id[i].bytes, m->by_id[i].size);
	}
	if (more)
		elf_make_section(&elf, more, 1, 0, 0, bytes, count);
	elf_make_segment(&elf, 1, 5, text, text);
	return elf_make_finish(&elf, ret_size);
}

/* .gnu_debugaltlink: a name and a build id, which the supplementary file does not have. */
static const char altlink[] = "common.dwz\0\1\2\3\4\5\6\7\10";

/* ---- A split unit --------------------------------------------------------------------------------------------------------------- */

enum skeleton {
	PLAIN = 0,
	BY_ENTRY = 1,                 /* DW_AT_entry_pc in place of DW_AT_low_pc, as GCC 10 writes it */
	ALT_FOLDER = 2,               /* its folder is a string of the supplementary file */
	OTHER_ID = 4,
};

/* Entries 0 to 2 of .debug_addr: where the unit starts, the inlined call, its end. */
static void put_addresses(struct dwarf_make *m)
{
	size_t length = 0;

	if (m->format.version >= 5) {
		length = dwarf_length_start(m, WB_DWARF_ADDR);
		dwarf_uint(m, WB_DWARF_ADDR, 5, 2);
		dwarf_uint(m, WB_DWARF_ADDR, m->format.address_size, 1);
		dwarf_uint(m, WB_DWARF_ADDR, 0, 1);
	} else {
		dwarf_address(m, WB_DWARF_ADDR, 0xdead); /* of another unit */
	}
	dwarf_address(m, WB_DWARF_ADDR, 0x1000);
	dwarf_address(m, WB_DWARF_ADDR, 0x1010);
	dwarf_address(m, WB_DWARF_ADDR, 0x1040);
	if (length)
		dwarf_length_end(m, WB_DWARF_ADDR, length);
}

static uint64_t address_base(const struct dwarf_make *m)
{
	return m->format.version < 5 ? m->format.address_size : m->format.offset_size == 8 ? 16 : 8;
}

static void make_skeleton(struct dwarf_make *m, unsigned kind)
{
	bool is_5 = m->format.version >= 5;
	unsigned start = kind & BY_ENTRY ? WB_AT_ENTRY_PC : WB_AT_LOW_PC;
	uint64_t lines = dwarf_lines_start(m, NULL), base = 0;

	dwarf_row(m, 0x1000, 1, 10, 0);
	dwarf_row(m, 0x1010, 2, 20, 0);
	dwarf_row(m, 0x1020, 1, 11, 0);
	dwarf_sequence_end(m, 0x1040);
	dwarf_lines_end(m);
	put_addresses(m);
	DWARF_RANGES(m, { 0x8000, 0x9000 }); /* of another unit */
	base = DWARF_RANGES(m, { 0x0, 0x40 });
	if (!is_5)
		DWARF_RANGES(m, { 0x10, 0x14 }, { 0x18, 0x20 });
	m->unit_type = WB_UT_SKELETON;
	m->dwo_id = kind & OTHER_ID ? ~ID : ID;
	dwarf_unit_start(m);
	DWARF_OPEN(m, is_5 ? WB_TAG_SKELETON_UNIT : WB_TAG_COMPILE_UNIT, AT(is_5 ? WB_AT_DWO_NAME : WB_AT_GNU_DWO_NAME, WB_FORM_STRING, .text = "a.dwo"),
	           AT(WB_AT_COMP_DIR, kind & ALT_FOLDER ? is_5 ? WB_FORM_STRP_SUP : WB_FORM_GNU_STRP_ALT : WB_FORM_STRP, .text = "/build", .value = 1),
	           AT(is_5 ? WB_AT_ADDR_BASE : WB_AT_GNU_ADDR_BASE, DWARF_FORM_OFFSET, .value = address_base(m)),
	           AT(is_5 ? WB_AT_DECLARATION : WB_AT_GNU_DWO_ID, is_5 ? WB_FORM_FLAG_PRESENT : WB_FORM_DATA8, .value = m->dwo_id),
	           AT(is_5 ? WB_AT_DECLARATION : WB_AT_GNU_RANGES_BASE, is_5 ? WB_FORM_FLAG_PRESENT : DWARF_FORM_OFFSET, .value = base),
	           AT(start, is_5 ? WB_FORM_ADDRX : WB_FORM_ADDR, .value = is_5 ? 0 : 0x1000),
	           kind & BY_ENTRY ? AT_RANGES(base) : AT_HIGH(0x1000, 0x40), AT_LINES(lines));
	dwarf_close(m);
	dwarf_unit_end(m);
	m->unit_type = 0;
}

/* Names by index: 0 "leaf", 1 "outer". The section has a header since version 5. */
static void put_names(struct dwarf_make *m)
{
	size_t length = 0;
	uint64_t leaf, outer;

	dwarf_string(m, WB_DWARF_STR, "of others");
	leaf = dwarf_string(m, WB_DWARF_STR, "leaf");
	outer = dwarf_string(m, WB_DWARF_STR, "outer");
	if (m->format.version >= 5) {
		length = dwarf_length_start(m, WB_DWARF_STR_OFFSETS);
		dwarf_uint(m, WB_DWARF_STR_OFFSETS, 5, 2);
		dwarf_uint(m, WB_DWARF_STR_OFFSETS, 0, 2);
	}
	dwarf_offset(m, WB_DWARF_STR_OFFSETS, leaf);
	dwarf_offset(m, WB_DWARF_STR_OFFSETS, outer);
	if (length)
		dwarf_length_end(m, WB_DWARF_STR_OFFSETS, length);
}

/* An inlined call in two pieces; 18 to 1a lie between them. Version 5 has the pieces' list in the split file, by index. */
static struct dwarf_attr pieces(struct dwarf_make *m)
{
	size_t offsets;
	uint64_t list;

	if (m->format.version < 5) /* the second list behind the base: past two addresses and the end of the first */
		return AT_RANGES(4 * m->format.address_size);
	m->rnglists_length = dwarf_length_start(m, WB_DWARF_RNGLISTS);
	dwarf_uint(m, WB_DWARF_RNGLISTS, 5, 2);
	dwarf_uint(m, WB_DWARF_RNGLISTS, m->format.address_size, 1);
	dwarf_uint(m, WB_DWARF_RNGLISTS, 0, 1);
	dwarf_uint(m, WB_DWARF_RNGLISTS, 1, 4);
	offsets = dwarf_offset(m, WB_DWARF_RNGLISTS, 0);
	list = m->by_id[WB_DWARF_RNGLISTS].size;
	dwarf_patch(m, WB_DWARF_RNGLISTS, offsets, list - offsets, m->format.offset_size);
	dwarf_uint(m, WB_DWARF_RNGLISTS, WB_RLE_BASE_ADDRESSX, 1);
	dwarf_uleb(m, WB_DWARF_RNGLISTS, 0);
	dwarf_range(m, 0x10, 0x14);
	dwarf_uint(m, WB_DWARF_RNGLISTS, WB_RLE_STARTX_LENGTH, 1); /* absolute */
	dwarf_uleb(m, WB_DWARF_RNGLISTS, 1);
	dwarf_uleb(m, WB_DWARF_RNGLISTS, 0);
	dwarf_range(m, 0x18, 0x20);
	dwarf_ranges_end(m);
	m->rnglists_length = 0;
	return AT(WB_AT_RANGES, WB_FORM_RNGLISTX, .value = 0);
}

static void make_split(struct dwarf_make *m)
{
	bool is_5 = m->format.version >= 5;
	unsigned index = is_5 ? WB_FORM_ADDRX : WB_FORM_GNU_ADDR_INDEX, name = is_5 ? WB_FORM_STRX1 : WB_FORM_GNU_STR_INDEX;
	uint64_t leaf;

	put_names(m);
	m->unit_type = WB_UT_SPLIT_COMPILE;
	m->dwo_id = ID;
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT(is_5 ? WB_AT_DECLARATION : WB_AT_GNU_DWO_ID, is_5 ? WB_FORM_FLAG_PRESENT : WB_FORM_DATA8, .value = ID));
	leaf = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT(WB_AT_NAME, name, .value = 0));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT(WB_AT_NAME, name, .value = 1), AT(WB_AT_LOW_PC, index, .value = 0), AT_HIGH(0, 0x40));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), pieces(m), AT_CALL(1, 12, 3));
	dwarf_close(m);
	dwarf_close(m);
	dwarf_unit_end(m);
	m->unit_type = 0;
}

static const struct answer whole[] = {
	{ 0x1000, "outer /build/a.c:10" }, { 0x1010, "leaf /inc/b.h:20 < outer /build/a.c:12:3" }, { 0x1013, "leaf /inc/b.h:20 < outer /build/a.c:12:3" },
	{ 0x1014, "outer /inc/b.h:20" }, { 0x101f, "leaf /inc/b.h:20 < outer /build/a.c:12:3" }, { 0x1020, "outer /build/a.c:11" }, { 0 },
};
static const struct answer without[] = { { 0x1010, "?!no-file /inc/b.h:20" }, { 0 } };
static const struct answer mismatched[] = { { 0x1010, "?!mismatched /inc/b.h:20" }, { 0 } };

/* ---- A package ------------------------------------------------------------------------------------------------------------------ */

/* Moves the bytes of a section behind others. */
static void shift(struct dwarf_make *m, enum wb_dwarf_section section, size_t by)
{
	struct dwarf_buffer *buffer = &m->by_id[section];
	size_t size = buffer->size;

	for (size_t i = 0; i < by; i++)
		dwarf_uint(m, section, 0xfe, 1);
	memmove(buffer->bytes + by, buffer->bytes, size);
	memset(buffer->bytes, 0xfe, by);
}

/* Two rows, of which the first is another unit's: in its slices is garbage. Its unit in .debug_info.dwo is a whole one with nothing in it. */
static size_t make_index(struct dwarf_make *m, uint8_t *bytes)
{
	bool is_5 = m->format.version >= 5;
	struct dwarf_make index = { .format = m->format };
	size_t sizes[4] = { m->by_id[WB_DWARF_INFO].size, m->by_id[WB_DWARF_ABBREV].size + 1, m->by_id[WB_DWARF_STR_OFFSETS].size,
	                    m->by_id[WB_DWARF_RNGLISTS].size };
	static const uint32_t columns_5[] = { 1, 3, 6, 8 };
	unsigned num_columns = is_5 ? 4 : 3;
	size_t size;

	shift(m, WB_DWARF_INFO, sizes[0]);
	memcpy(m->by_id[WB_DWARF_INFO].bytes, m->by_id[WB_DWARF_INFO].bytes + sizes[0], sizes[0]);
	shift(m, WB_DWARF_ABBREV, 5);
	shift(m, WB_DWARF_STR_OFFSETS, 7);
	if (is_5)
		shift(m, WB_DWARF_RNGLISTS, 3);
	dwarf_uint(&index, 0, is_5 ? 5 : 2, is_5 ? 2 : 4);
	if (is_5)
		dwarf_uint(&index, 0, 0, 2);
	dwarf_uint(&index, 0, num_columns, 4);
	dwarf_uint(&index, 0, 2, 4);
	dwarf_uint(&index, 0, 4, 4);
	for (unsigned i = 0; i < 4; i++)
		dwarf_uint(&index, 0, i == 1 ? 77 : i == 2 ? ID : 0, 8);
	for (unsigned i = 0; i < 4; i++)
		dwarf_uint(&index, 0, i == 1 || i == 2 ? i : 0, 4);
	for (unsigned i = 0; i < num_columns; i++)
		dwarf_uint(&index, 0, columns_5[i], 4);
	for (unsigned i = 0; i < num_columns; i++)
		dwarf_uint(&index, 0, 0, 4);
	for (unsigned i = 0; i < num_columns; i++)
		dwarf_uint(&index, 0, (const uint64_t[]){ sizes[0], 5, 7, 3 }[i], 4);
	for (unsigned i = 0; i < num_columns; i++)
		dwarf_uint(&index, 0, (const uint64_t[]){ sizes[0], 5, 7, 3 }[i], 4);
	for (unsigned i = 0; i < num_columns; i++)
		dwarf_uint(&index, 0, sizes[i], 4);
	size = index.by_id[0].size;
	memcpy(bytes, index.by_id[0].bytes, size);
	dwarf_make_deinit(&index);
	return size;
}

/* ---- A supplementary file --------------------------------------------------------------------------------------------------------- */

/* A partial unit with "shared", whose inlined code is in the main file, and one whose origin is in yet another file. Strings: "", "/build". */
static uint64_t make_supplementary(struct dwarf_make *m, uint64_t *ret_further)
{
	uint64_t unit, shared;

	dwarf_string(m, WB_DWARF_STR, "");
	dwarf_string(m, WB_DWARF_STR, "/build");
	unit = dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_PARTIAL_UNIT, AT(WB_AT_LANGUAGE, WB_FORM_DATA1, .value = 12));
	shared = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT(WB_AT_NAME, WB_FORM_STRP, .text = "shared"));
	*ret_further = unit + DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT(WB_AT_ABSTRACT_ORIGIN, WB_FORM_GNU_REF_ALT, .value = unit + shared));
	dwarf_close(m);
	dwarf_unit_end(m);
	return unit + shared;
}

/* A unit that is not split beside the skeleton: its inlined call's name is shared, its own is a string of the supplementary file's. */
static void make_sharing(struct dwarf_make *m, uint64_t shared)
{
	bool is_5 = m->format.version >= 5;

	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("s.c"), AT_CODE(0x2000, 0x20));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT(WB_AT_NAME, is_5 ? WB_FORM_STRP_SUP : WB_FORM_GNU_STRP_ALT, .value = 1), AT_CODE(0x2000, 0x20));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT(WB_AT_ABSTRACT_ORIGIN, is_5 ? WB_FORM_REF_SUP4 : WB_FORM_GNU_REF_ALT, .value = shared),
	            AT_CODE(0x2010, 8), AT_CALL(0, 5, 0));
	dwarf_close(m);
	dwarf_close(m);
	dwarf_unit_end(m);
}

/* ---- Runs ------------------------------------------------------------------------------------------------------------------------- */

enum files { NO_FILES = 0, DWO = 1, DWP = 2, SUPPLEMENTARY = 4, DWO_IS_MAIN = 8, FURTHER = 16 };

static const struct answer both[] = {
	{ 0x1010, "leaf /inc/b.h:20 < outer /build/a.c:12:3" }, { 0x1020, "outer /build/a.c:11" },
	{ 0x2000, "/build !no-line" }, { 0x2012, "shared !no-line < /build ?:5" }, { 0 },
};
static const struct answer both_without[] = {
	{ 0x1014, "outer /inc/b.h:20" }, { 0x2000, "?!no-file !no-line" }, { 0x2012, "?!no-file !no-line < ?!no-file ?:5" }, { 0 },
};
static const struct answer further[] = { { 0x2012, "?!unsupported !no-line < /build ?:5" }, { 0 } };

static const struct {
	const char *name;
	unsigned skeleton, files;
	const struct answer *answers;
	enum wb_file_role wanted;     /* EXECUTABLE: none */
	enum wb_verdict verdict;
} runs[] = {
	{ "split unit", PLAIN, DWO, whole, WB_FILE_EXECUTABLE, 0 },
	{ "split unit, lists from an entry pc", BY_ENTRY, DWO, whole, WB_FILE_EXECUTABLE, 0 },
	{ "split unit that is not had", PLAIN, NO_FILES, without, WB_FILE_DWO, WB_VERDICT_MISSING },
	{ "split unit of another build", OTHER_ID, DWO, mismatched, WB_FILE_DWO, WB_VERDICT_MISMATCHED },
	{ "split unit that is its skeleton", PLAIN, DWO | DWO_IS_MAIN, mismatched, WB_FILE_DWO, WB_VERDICT_MISMATCHED },
	{ "package", PLAIN, DWP, whole, WB_FILE_EXECUTABLE, 0 },
	{ "package of another build", OTHER_ID, DWP, without, WB_FILE_DWO, WB_VERDICT_MISSING },
	{ "split unit beside a supplementary file", ALT_FOLDER, DWO | SUPPLEMENTARY, both, WB_FILE_EXECUTABLE, 0 },
	{ "split unit beside a supplementary file that is not had", ALT_FOLDER, DWO, both_without, WB_FILE_SUPPLEMENTARY, WB_VERDICT_MISSING },
	{ "supplementary file of a supplementary file", ALT_FOLDER, DWO | SUPPLEMENTARY | FURTHER, further, WB_FILE_EXECUTABLE, 0 },
};

static void fill(struct shelf *shelf, size_t row, struct dwarf_format format, uint8_t **ret_main, size_t *ret_size)
{
	bool is_sharing = runs[row].skeleton & ALT_FOLDER;
	struct dwarf_make main, other, common;
	uint64_t shared, next;
	uint8_t index[256];
	size_t index_size;

	dwarf_make_init(&main, format);
	dwarf_make_init(&other, format);
	dwarf_make_init(&common, format);
	make_skeleton(&main, runs[row].skeleton);
	make_split(&other);
	shared = make_supplementary(&common, &next);
	if (is_sharing)
		make_sharing(&main, runs[row].files & FURTHER ? next : shared);
	*ret_main = make_object(&main, "", is_sharing ? ".gnu_debugaltlink" : NULL, altlink, sizeof altlink - 1, ret_size);
	if (runs[row].files & DWO)
		shelf->files[WB_FILE_DWO].bytes = make_object(runs[row].files & DWO_IS_MAIN ? &main : &other, runs[row].files & DWO_IS_MAIN ? "" : ".dwo",
		                                              NULL, NULL, 0, &shelf->files[WB_FILE_DWO].size);
	if (runs[row].files & DWP) {
		index_size = make_index(&other, index);
		shelf->files[WB_FILE_DWP].bytes = make_object(&other, ".dwo", ".debug_cu_index", index, index_size, &shelf->files[WB_FILE_DWP].size);
	}
	if (runs[row].files & SUPPLEMENTARY)
		shelf->files[WB_FILE_SUPPLEMENTARY].bytes = make_object(&common, "", NULL, NULL, 0, &shelf->files[WB_FILE_SUPPLEMENTARY].size);
	/* A folder that is not known is not where the file is looked for. */
	shelf->files[WB_FILE_DWO].path = is_sharing && !(runs[row].files & SUPPLEMENTARY) ? "a.dwo" : "/build/a.dwo";
	shelf->files[WB_FILE_DWP].path = "object.dwp";
	shelf->files[WB_FILE_SUPPLEMENTARY].path = "common.dwz";
	dwarf_make_deinit(&main);
	dwarf_make_deinit(&other);
	dwarf_make_deinit(&common);
}

static void check_wanted(struct wb_session *session, size_t row)
{
	struct wb_wanted wanted = { .size = sizeof wanted };
	size_t num_answers = 0;

	if (runs[row].wanted == WB_FILE_EXECUTABLE) {
		CHECK_EQ_I64(wb_session_wanted(session, 0, &wanted), WB_NONE);
		return;
	}
	if (!CHECK(wb_session_wanted(session, 0, &wanted) == WB_OK))
		return;
	while (runs[row].answers[num_answers].sites)
		num_answers++;
	CHECK_EQ_I64(wanted.role, runs[row].wanted);
	CHECK_EQ_I64(wanted.verdict, runs[row].verdict);
	CHECK(wanted.frames > 0 && wanted.frames <= num_answers);
	wanted.size = sizeof wanted;
	CHECK_EQ_I64(wb_session_wanted(session, 1, &wanted), WB_NONE);
}

static void run(size_t row, struct dwarf_format format)
{
	struct shelf shelf = { 0 };
	uint8_t *object;
	size_t size;

	fill(&shelf, row, format, &object, &size);
	for (size_t i = 0; i < NUM_POLICIES; i++) {
		struct asked asked;
		char name[160];

		if (!policies[i].is_here)
			continue;
		snprintf(name, sizeof name, "%s, version %u, offsets of %u, %s-endian addresses of %u, %s", runs[row].name, format.version,
		         format.offset_size, format.big_endian ? "big" : "little", format.address_size, policies[i].name);
		test_row(name);
		if (asked_open(&asked, object, size, policies[i].policy) &&
		    CHECK(wb_session_add_finder(asked.session, find_offered, &shelf, NULL) == WB_OK))
			check_answers(&asked, runs[row].answers);
		CHECK_EQ_U64(asked.malformed, 0);
		wb_symbolizer_free(asked.symbolizer);
		asked.symbolizer = NULL;
		check_wanted(asked.session, row);
		asked_close(&asked);
	}
	free(object);
	shelf_deinit(&shelf);
}

static void finds_what_is_in_other_files(void)
{
	for (size_t row = 0; row < sizeof runs / sizeof runs[0]; row++)
		for (unsigned version = 4; version <= 5; version++)
			for (unsigned bits = 0; bits < 8; bits++)
				run(row, (struct dwarf_format){ .version = version, .offset_size = bits & 1 ? 8 : 4, .address_size = bits & 2 ? 4 : 8,
				                                .big_endian = bits & 4 });
}

int main(void)
{
	TEST_RUN(finds_what_is_in_other_files);
	return test_summary();
}
