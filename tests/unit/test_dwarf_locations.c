/* SPDX-License-Identifier: MIT */
/*
 * Location lists in all their forms, by hand from DWARF 4, 2.6.2, DWARF 5, 7.7.3, and GNU's description of split units for DWARF 4; in each version, offset
 * size, address size and byte order. Every entry's expression is one DW_OP_lit, of the entry's number.
 */
#include "dwarf_bytes.h"

#include "symbols/dwarf.h"
#include "symbols/dwarf_files.h"
#include "symbols/dwarf_locations.h"

enum { LIT0 = 0x30, NOTHING = -1, BROKEN = -2, BUDGET = 1 << 16 };

/* A unit at 0x1000 whose .debug_addr has these from index 0. */
static const uint64_t addresses[] = { 0x1200, 0x1300, 0x1310, 0x2000 };

struct subject {
	struct object *object;
	struct wb_dwarf_sections sections;
	struct wb_dwarf *dwarf;
	struct wb_unit_source source;
};

static void write_unit(struct dwarf_make *m, uint64_t loclists_base)
{
	uint64_t addr = 0;

	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
		dwarf_address(m, WB_DWARF_ADDR, addresses[i]);
	dwarf_unit_start(m);
	DWARF_ENTRY(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_CODE(0x1000, 0x1000),
	            AT(m->format.version < 5 ? WB_AT_GNU_ADDR_BASE : WB_AT_ADDR_BASE, DWARF_FORM_OFFSET, .value = addr),
	            AT(WB_AT_LOCLISTS_BASE, DWARF_FORM_OFFSET, .value = loclists_base));
	dwarf_unit_end(m);
	dwarf_uint(m, WB_DWARF_ABBREV, 0, 1);
}

/* With the sections as they are now. */
static bool subject_open(struct subject *s, bool is_split)
{
	struct wb_text text = { 0 };
	size_t count;

	s->sections = object_sections(s->object);
	s->sections.big_endian = s->object->m.format.big_endian;
	if (is_split)
		s->sections.by_id[WB_DWARF_INFO].file = WB_DWARF_FILE_DWO;
	if (!CHECK(wb_dwarf_new(NULL, &s->sections, &text, &s->dwarf) == WB_OK))
		return false;
	return CHECK(wb_dwarf_num_units(s->dwarf, &count) == WB_OK && count == 1) && CHECK(wb_unit_source_init(&s->source, s->dwarf, 0) == WB_OK);
}

static int ask(const struct subject *s, unsigned form, uint64_t at, uint64_t pc)
{
	struct wb_entry_value value = { .value = { form == WB_FORM_LOCLISTX ? WB_FORM_CLASS_LIST_INDEX : WB_FORM_CLASS_OFFSET, at } };
	struct wb_expression expression = { NULL, 0 };
	uint64_t budget = BUDGET;
	enum wb_err err = wb_location_at(&s->source, &value, pc, &budget, &expression);

	if (err)
		return err == WB_NONE ? NOTHING : BROKEN;
	return expression.size == 1 ? expression.bytes[0] - LIT0 : BROKEN;
}

struct query { uint64_t pc; int expect; };

static void check_queries(const struct subject *s, unsigned form, uint64_t at, const struct query *queries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!CHECK_EQ_I64(ask(s, form, at, queries[i].pc), queries[i].expect))
			printf("  pc 0x%llx\n", (unsigned long long)queries[i].pc);
}

/* Every prefix of the list's section says what the whole says, or that it is broken. */
static void check_prefixes(struct subject *s, unsigned form, uint64_t at, enum wb_dwarf_section section, bool is_split)
{
	size_t whole = s->object->m.by_id[section].size;
	int expect[0x40];

	for (unsigned i = 0; i < 0x40; i++)
		expect[i] = ask(s, form, at, 0x1000 + i * 0x10);
	for (size_t size = whole; size-- > 0;) {
		wb_dwarf_free(s->dwarf);
		s->object->m.by_id[section].size = size;
		if (!subject_open(s, is_split))
			return;
		for (unsigned i = 0; i < 0x40; i++) {
			int answer = ask(s, form, at, 0x1000 + i * 0x10);

			CHECK(answer == BROKEN || answer == expect[i]);
		}
	}
	s->object->m.by_id[section].size = whole;
}

/* ---- DWARF 2 to 4 ----------------------------------------------------------------------------------------------------------- */

static void entry_4(struct dwarf_make *m, uint64_t start, uint64_t end, unsigned number)
{
	dwarf_address(m, WB_DWARF_LOC, start);
	dwarf_address(m, WB_DWARF_LOC, end);
	dwarf_uint(m, WB_DWARF_LOC, 1, 2);
	dwarf_uint(m, WB_DWARF_LOC, LIT0 + number, 1);
}

static void base_4(struct dwarf_make *m, uint64_t base)
{
	dwarf_address(m, WB_DWARF_LOC, UINT64_MAX);
	dwarf_address(m, WB_DWARF_LOC, base);
}

static void check_lists_4(struct dwarf_format format)
{
	static const struct query queries[] = {
		{ 0x0, NOTHING }, { 0x100f, NOTHING }, { 0x1010, 1 }, { 0x101f, 1 }, { 0x1020, NOTHING }, { 0x1030, NOTHING }, { 0x1040, 3 },
		{ 0x2000, 4 }, { 0x200f, 4 }, { 0x2010, NOTHING }, { 0x3000, NOTHING }, { UINT64_MAX, NOTHING },
	};
	struct subject s = { .object = object_new() };
	struct dwarf_make *m = &s.object->m;
	uint64_t at;

	m->format = format;
	write_unit(m, 0);
	dwarf_uint(m, WB_DWARF_LOC, 0, 8);
	at = m->by_id[WB_DWARF_LOC].size;
	entry_4(m, 0x10, 0x20, 1);
	entry_4(m, 0x30, 0x30, 2);      /* empty */
	entry_4(m, 0x38, 0x48, 3);
	base_4(m, 0x2000);
	entry_4(m, 0, 0x10, 4);
	base_4(m, UINT64_MAX - 1);      /* discarded */
	entry_4(m, 0x1002, 0x1012, 5);
	dwarf_address(m, WB_DWARF_LOC, 0);
	dwarf_address(m, WB_DWARF_LOC, 0);
	if (subject_open(&s, false)) {
		check_queries(&s, WB_FORM_SEC_OFFSET, at, queries, sizeof queries / sizeof queries[0]);
		CHECK_EQ_I64(ask(&s, WB_FORM_SEC_OFFSET, UINT64_MAX, 0x1010), BROKEN);
		check_prefixes(&s, WB_FORM_SEC_OFFSET, at, WB_DWARF_LOC, false);
	}
	wb_dwarf_free(s.dwarf);
	object_free(s.object);
}

static void split_expression(struct dwarf_make *m, unsigned number)
{
	dwarf_uint(m, WB_DWARF_LOC, 1, 2);
	dwarf_uint(m, WB_DWARF_LOC, LIT0 + number, 1);
}

/* Of split units of version 4: indexes of addresses, lengths of 4 bytes. */
static void check_split_lists_4(struct dwarf_format format)
{
	static const struct query queries[] = {
		{ 0x1010, 4 }, { 0x1020, NOTHING }, { 0x1200, 1 }, { 0x120f, 1 }, { 0x1210, NOTHING }, { 0x1300, 2 }, { 0x1310, NOTHING },
		{ 0x2008, 5 }, { 0x2010, NOTHING },
	};
	struct subject s = { .object = object_new() };
	struct dwarf_make *m = &s.object->m;

	m->format = format;
	write_unit(m, 0);
	dwarf_uint(m, WB_DWARF_LOC, WB_LLE_STARTX_LENGTH, 1);
	dwarf_uleb(m, WB_DWARF_LOC, 0);
	dwarf_uint(m, WB_DWARF_LOC, 0x10, 4);
	split_expression(m, 1);
	dwarf_uint(m, WB_DWARF_LOC, WB_LLE_STARTX_ENDX, 1);
	dwarf_uleb(m, WB_DWARF_LOC, 1);
	dwarf_uleb(m, WB_DWARF_LOC, 2);
	split_expression(m, 2);
	for (unsigned i = 0; i < 2; i++) { /* from the unit's low pc, then from address 3 */
		dwarf_uint(m, WB_DWARF_LOC, WB_LLE_OFFSET_PAIR, 1);
		dwarf_uint(m, WB_DWARF_LOC, i ? 0x8 : 0x10, 4);
		dwarf_uint(m, WB_DWARF_LOC, i ? 0x10 : 0x20, 4);
		split_expression(m, 4 + i);
		if (!i) {
			dwarf_uint(m, WB_DWARF_LOC, WB_LLE_BASE_ADDRESSX, 1);
			dwarf_uleb(m, WB_DWARF_LOC, 3);
		}
	}
	dwarf_uint(m, WB_DWARF_LOC, WB_LLE_END_OF_LIST, 1);
	if (subject_open(&s, true)) {
		check_queries(&s, WB_FORM_SEC_OFFSET, 0, queries, sizeof queries / sizeof queries[0]);
		check_prefixes(&s, WB_FORM_SEC_OFFSET, 0, WB_DWARF_LOC, true);
	}
	wb_dwarf_free(s.dwarf);
	object_free(s.object);
}

/* ---- DWARF 5 ------------------------------------------------------------------------------------------------------------------ */

/* kind, then its operands: x an index or offset or length, a an address, and the expression's number; 0: none. */
static void entry_5(struct dwarf_make *m, uint8_t kind, const char *operands, uint64_t one, uint64_t other, unsigned number)
{
	const uint64_t values[] = { one, other };

	dwarf_uint(m, WB_DWARF_LOCLISTS, kind, 1);
	for (unsigned i = 0; operands[i]; i++) {
		if (operands[i] == 'a')
			dwarf_address(m, WB_DWARF_LOCLISTS, values[i]);
		else
			dwarf_uleb(m, WB_DWARF_LOCLISTS, values[i]);
	}
	if (!number)
		return;
	dwarf_uleb(m, WB_DWARF_LOCLISTS, 1);
	dwarf_uint(m, WB_DWARF_LOCLISTS, LIT0 + number, 1);
}

static void write_list_5(struct dwarf_make *m, bool with_default)
{
	entry_5(m, WB_LLE_GNU_VIEW_PAIR, "xx", 1, 2, 0);
	entry_5(m, WB_LLE_OFFSET_PAIR, "xx", 0x10, 0x20, 1);
	if (with_default)
		entry_5(m, WB_LLE_DEFAULT_LOCATION, "", 0, 0, 9);
	entry_5(m, WB_LLE_OFFSET_PAIR, "xx", 0x30, 0x30, 2);
	entry_5(m, WB_LLE_START_LENGTH, "ax", 0x1100, 0x10, 3);
	entry_5(m, WB_LLE_STARTX_LENGTH, "xx", 0, 0x10, 4);
	entry_5(m, WB_LLE_STARTX_ENDX, "xx", 1, 2, 5);
	entry_5(m, WB_LLE_BASE_ADDRESSX, "x", 3, 0, 0);
	entry_5(m, WB_LLE_OFFSET_PAIR, "xx", 0, 0x10, 6);
	entry_5(m, WB_LLE_BASE_ADDRESS, "a", 0x3000, 0, 0);
	entry_5(m, WB_LLE_OFFSET_PAIR, "xx", 0, 0x10, 7);
	entry_5(m, WB_LLE_START_END, "aa", 0x4000, 0x4010, 8);
	entry_5(m, WB_LLE_BASE_ADDRESS, "a", UINT64_MAX, 0, 0); /* discarded */
	entry_5(m, WB_LLE_OFFSET_PAIR, "xx", 0x1041, 0x1051, 10);
	entry_5(m, WB_LLE_END_OF_LIST, "", 0, 0, 0);
}

static void check_lists_5(struct dwarf_format format)
{
	static const struct query queries[] = {
		{ 0x1010, 1 }, { 0x101f, 1 }, { 0x1020, NOTHING }, { 0x1030, NOTHING }, { 0x1040, NOTHING }, { 0x1100, 3 }, { 0x110f, 3 },
		{ 0x1110, NOTHING }, { 0x1200, 4 }, { 0x120f, 4 }, { 0x1210, NOTHING }, { 0x1300, 5 }, { 0x1310, NOTHING }, { 0x2000, 6 },
		{ 0x3000, 7 }, { 0x3010, NOTHING }, { 0x4000, 8 }, { 0x4010, NOTHING },
	};
	static const struct query by_default[] = { { 0, 9 }, { 0x1010, 1 }, { 0x1020, 9 }, { 0x4000, 8 } };
	struct subject s = { .object = object_new() };
	struct dwarf_make *m = &s.object->m;
	uint64_t base, at[2];

	m->format = format;
	dwarf_length_end(m, WB_DWARF_LOCLISTS, dwarf_length_start(m, WB_DWARF_LOCLISTS)); /* a header, whose length nobody asks for */
	dwarf_uint(m, WB_DWARF_LOCLISTS, 5, 2);
	dwarf_uint(m, WB_DWARF_LOCLISTS, format.address_size, 1);
	dwarf_uint(m, WB_DWARF_LOCLISTS, 0, 1);
	dwarf_uint(m, WB_DWARF_LOCLISTS, 2, 4);
	base = m->by_id[WB_DWARF_LOCLISTS].size;
	write_unit(m, base);
	dwarf_offset(m, WB_DWARF_LOCLISTS, 0);
	dwarf_offset(m, WB_DWARF_LOCLISTS, 0);
	for (unsigned i = 0; i < 2; i++) {
		at[i] = m->by_id[WB_DWARF_LOCLISTS].size;
		dwarf_patch(m, WB_DWARF_LOCLISTS, base + i * format.offset_size, at[i] - base, format.offset_size);
		write_list_5(m, i);
	}
	if (subject_open(&s, false)) {
		check_queries(&s, WB_FORM_SEC_OFFSET, at[0], queries, sizeof queries / sizeof queries[0]);
		check_queries(&s, WB_FORM_LOCLISTX, 0, queries, sizeof queries / sizeof queries[0]);
		check_queries(&s, WB_FORM_LOCLISTX, 1, by_default, sizeof by_default / sizeof by_default[0]);
		CHECK_EQ_I64(ask(&s, WB_FORM_LOCLISTX, UINT64_MAX, 0x1010), BROKEN);
		CHECK_EQ_I64(ask(&s, WB_FORM_LOCLISTX, UINT64_C(1) << 61, 0x1010), BROKEN);
		check_prefixes(&s, WB_FORM_SEC_OFFSET, at[0], WB_DWARF_LOCLISTS, false);
	}
	wb_dwarf_free(s.dwarf);
	object_free(s.object);
}

/* ---- All formats -------------------------------------------------------------------------------------------------------------- */

static void reads_every_form(void)
{
	for (unsigned i = 0; i < 4 * 8; i++) {
		struct dwarf_format format = { 2 + i / 8, i & 1 ? 8 : 4, i & 2 ? 8 : 4, (i & 4) != 0 };
		char row[64];

		snprintf(row, sizeof row, "version %u, offsets of %u, addresses of %u, %s-endian", format.version, format.offset_size, format.address_size,
		         format.big_endian ? "big" : "little");
		test_row(row);
		if (format.version == 5)
			check_lists_5(format);
		else
			check_lists_4(format);
		if (format.version == 4)
			check_split_lists_4(format);
	}
	test_row(NULL);
}

static void keeps_budgets(void)
{
	struct subject s = { .object = object_new() };
	struct wb_entry_value list = { .value = { WB_FORM_CLASS_OFFSET, 0 } }, none = { .value = { WB_FORM_CLASS_NONE, 0 } };
	struct wb_entry_value block = { .value = { WB_FORM_CLASS_BLOCK, 3 }, .block = (const uint8_t *)"abc" };
	struct wb_expression expression;
	uint64_t budget = 30;

	s.object->m.format.version = 5;
	write_unit(&s.object->m, 0);
	for (unsigned i = 0; i < 100; i++)
		entry_5(&s.object->m, WB_LLE_OFFSET_PAIR, "xx", 1, 2, 1);
	dwarf_uint(&s.object->m, WB_DWARF_LOCLISTS, 0x0a, 1); /* no kind */
	if (subject_open(&s, false)) {
		CHECK_EQ_I64(wb_location_at(&s.source, &list, 0x1800, &budget, &expression), WB_ERR_LIMIT);
		budget = BUDGET;
		CHECK_EQ_I64(wb_location_at(&s.source, &list, 0x1800, &budget, &expression), WB_ERR_DATA);
		CHECK_EQ_I64(wb_location_at(&s.source, &list, 0x1001, &budget, &expression), WB_OK);
		CHECK_EQ_I64(wb_location_at(&s.source, &none, 0x1001, &budget, &expression), WB_NONE);
		CHECK_EQ_I64(wb_location_at(&s.source, &block, 0x1001, &budget, &expression), WB_OK);
		CHECK(expression.size == 3 && expression.bytes == block.block);
	}
	wb_dwarf_free(s.dwarf);
	object_free(s.object);
}

int main(void)
{
	TEST_RUN(reads_every_form);
	TEST_RUN(keeps_budgets);
	return test_summary();
}
