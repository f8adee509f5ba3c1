/* SPDX-License-Identifier: MIT */
/* Unit headers (DWARF 5, 7.5.1), attribute forms (7.5.6) and abbreviations (7.5.3): sizes and values, cut and broken ones. */

#include "dwarf_bytes.h"
#include "symbols/dwarf_check.h"
#include "symbols/dwarf_constants.h"

/* ---- Headers ------------------------------------------------------------------------------------------------------------ */

#define BYTES(text) text, sizeof text - 1

static const struct {
	const char *name, *bytes;
	size_t size;
	enum wb_err expect;
	struct wb_unit_header header; /* compared if WB_OK */
} headers[] = {
	{ "nothing", BYTES(""), WB_NONE, { 0 } },
	{ "version 4", BYTES("\7\0\0\0\4\0\5\0\0\0\10"), WB_OK,
	  { .size = 11, .abbrev_offset = 5, .version = 4, .address_size = 8, .offset_size = 4, .type = WB_UT_COMPILE, .die_offset = 11 } },
	{ "version 2 of 32 bits", BYTES("\10\0\0\0\2\0\5\0\0\0\4\0"), WB_OK,
	  { .size = 12, .abbrev_offset = 5, .version = 2, .address_size = 4, .offset_size = 4, .type = WB_UT_COMPILE, .die_offset = 11 } },
	{ "version 5", BYTES("\10\0\0\0\5\0\1\10\7\0\0\0"), WB_OK,
	  { .size = 12, .abbrev_offset = 7, .version = 5, .address_size = 8, .offset_size = 4, .type = WB_UT_COMPILE, .die_offset = 12 } },
	{ "version 5, skeleton", BYTES("\20\0\0\0\5\0\4\10\7\0\0\0\1\2\0\0\0\0\0\0"), WB_OK,
	  { .size = 20, .abbrev_offset = 7, .dwo_id = 0x201, .version = 5, .address_size = 8, .offset_size = 4, .type = WB_UT_SKELETON, .die_offset = 20 } },
	{ "version 5, type", BYTES("\24\0\0\0\5\0\2\10\7\0\0\0\1\2\0\0\0\0\0\0\0\0\0\0"), WB_OK,
	  { .size = 24, .abbrev_offset = 7, .version = 5, .address_size = 8, .offset_size = 4, .type = WB_UT_TYPE, .die_offset = 24 } },
	{ "64-bit DWARF", BYTES("\377\377\377\377\13\0\0\0\0\0\0\0\4\0\5\0\0\0\0\0\0\0\10"), WB_OK,
	  { .size = 23, .abbrev_offset = 5, .version = 4, .address_size = 8, .offset_size = 8, .type = WB_UT_COMPILE, .die_offset = 23 } },
	{ "reserved length", BYTES("\360\377\377\377\4\0\5\0\0\0\10"), WB_ERR_DATA, { 0 } },
	{ "past the end", BYTES("\10\0\0\0\4\0\5\0\0\0\10"), WB_ERR_DATA, { 0 } },
	{ "cut in its length", BYTES("\7\0\0"), WB_ERR_DATA, { 0 } },
	{ "version 1", BYTES("\7\0\0\0\1\0\5\0\0\0\10"), WB_ERR_UNSUPPORTED, { 0 } },
	{ "version 6", BYTES("\7\0\0\0\6\0\5\0\0\0\10"), WB_ERR_UNSUPPORTED, { 0 } },
	{ "type 9", BYTES("\10\0\0\0\5\0\11\10\7\0\0\0"), WB_ERR_UNSUPPORTED, { 0 } },
	{ "addresses of 2 bytes", BYTES("\7\0\0\0\4\0\5\0\0\0\2"), WB_ERR_UNSUPPORTED, { 0 } },
	{ "too short for its header", BYTES("\3\0\0\0\4\0\5"), WB_ERR_UNSUPPORTED, { 0 } },
};

static void reads_headers(void)
{
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
		struct wb_bytes b = wb_bytes_of(headers[i].bytes, headers[i].size, false);
		struct wb_unit_header header = { 0 };
		const struct wb_unit_header *expect = &headers[i].header;

		test_row(headers[i].name);
		CHECK_EQ_I64(wb_unit_header_next(&b, &header), headers[i].expect);
		if (headers[i].expect != WB_OK)
			continue;
		CHECK(header.size == expect->size && header.abbrev_offset == expect->abbrev_offset && header.dwo_id == expect->dwo_id);
		CHECK(header.version == expect->version && header.address_size == expect->address_size && header.offset_size == expect->offset_size);
		CHECK(header.type == expect->type && header.die_offset == expect->die_offset);
		CHECK_EQ_I64(wb_unit_header_next(&b, &header), WB_NONE);
	}
	test_row(NULL);
}

/* ---- Forms ---------------------------------------------------------------------------------------------------------------- */

enum { UNIT_5_64 = 1, UNIT_2 = 2, UNIT_4_32 = 0 }; /* 64-bit DWARF 5; DWARF 2 with addresses of 8 bytes; else DWARF 4, 4-byte offsets */

static const struct {
	unsigned form, unit;
	size_t size;                  /* of the value */
	enum wb_form_class class;
	uint64_t value;               /* of the bytes 81 02 03 04 05 06 07 08 09 00 ... */
} forms[] = {
	{ WB_FORM_ADDR, 0, 8, WB_FORM_CLASS_ADDRESS, 0x0807060504030281 },
	{ WB_FORM_DATA1, 0, 1, WB_FORM_CLASS_CONSTANT, 0x81 },
	{ WB_FORM_DATA2, 0, 2, WB_FORM_CLASS_CONSTANT, 0x281 },
	{ WB_FORM_DATA4, 0, 4, WB_FORM_CLASS_CONSTANT, 0x04030281 },
	{ WB_FORM_DATA8, 0, 8, WB_FORM_CLASS_CONSTANT, 0x0807060504030281 },
	{ WB_FORM_DATA16, 0, 16, WB_FORM_CLASS_BLOCK, 16 },
	{ WB_FORM_SDATA, 0, 2, WB_FORM_CLASS_CONSTANT, 0x101 },
	{ WB_FORM_UDATA, 0, 2, WB_FORM_CLASS_CONSTANT, 0x101 },
	{ WB_FORM_IMPLICIT_CONST, 0, 0, WB_FORM_CLASS_CONSTANT, UINT64_MAX - 6 }, /* -7 */
	{ WB_FORM_FLAG, 0, 1, WB_FORM_CLASS_FLAG, 1 },
	{ WB_FORM_FLAG_PRESENT, 0, 0, WB_FORM_CLASS_FLAG, 1 },
	{ WB_FORM_STRING, 0, 10, WB_FORM_CLASS_STRING, 0 },
	{ WB_FORM_STRP, 0, 4, WB_FORM_CLASS_STR, 0x04030281 },
	{ WB_FORM_STRP, UNIT_5_64, 8, WB_FORM_CLASS_STR, 0x0807060504030281 },
	{ WB_FORM_LINE_STRP, 0, 4, WB_FORM_CLASS_LINE_STR, 0x04030281 },
	{ WB_FORM_STRX, 0, 2, WB_FORM_CLASS_STR_INDEX, 0x101 },
	{ WB_FORM_STRX1, 0, 1, WB_FORM_CLASS_STR_INDEX, 0x81 },
	{ WB_FORM_STRX2, 0, 2, WB_FORM_CLASS_STR_INDEX, 0x281 },
	{ WB_FORM_STRX3, 0, 3, WB_FORM_CLASS_STR_INDEX, 0x030281 },
	{ WB_FORM_STRX4, 0, 4, WB_FORM_CLASS_STR_INDEX, 0x04030281 },
	{ WB_FORM_GNU_STR_INDEX, 0, 2, WB_FORM_CLASS_STR_INDEX, 0x101 },
	{ WB_FORM_STRP_SUP, 0, 4, WB_FORM_CLASS_STR_ALT, 0x04030281 },
	{ WB_FORM_GNU_STRP_ALT, 0, 4, WB_FORM_CLASS_STR_ALT, 0x04030281 },
	{ WB_FORM_ADDRX, 0, 2, WB_FORM_CLASS_ADDRESS_INDEX, 0x101 },
	{ WB_FORM_ADDRX1, 0, 1, WB_FORM_CLASS_ADDRESS_INDEX, 0x81 },
	{ WB_FORM_ADDRX3, 0, 3, WB_FORM_CLASS_ADDRESS_INDEX, 0x030281 },
	{ WB_FORM_GNU_ADDR_INDEX, 0, 2, WB_FORM_CLASS_ADDRESS_INDEX, 0x101 },
	{ WB_FORM_REF1, 0, 1, WB_FORM_CLASS_REF, 0x81 },
	{ WB_FORM_REF2, 0, 2, WB_FORM_CLASS_REF, 0x281 },
	{ WB_FORM_REF4, 0, 4, WB_FORM_CLASS_REF, 0x04030281 },
	{ WB_FORM_REF8, 0, 8, WB_FORM_CLASS_REF, 0x0807060504030281 },
	{ WB_FORM_REF_UDATA, 0, 2, WB_FORM_CLASS_REF, 0x101 },
	{ WB_FORM_REF_ADDR, 0, 4, WB_FORM_CLASS_REF_INFO, 0x04030281 },
	{ WB_FORM_REF_ADDR, UNIT_2, 8, WB_FORM_CLASS_REF_INFO, 0x0807060504030281 }, /* DWARF 2, 7.5.4: as large as an address */
	{ WB_FORM_REF_SIG8, 0, 8, WB_FORM_CLASS_NONE, 0x0807060504030281 },
	{ WB_FORM_REF_SUP4, 0, 4, WB_FORM_CLASS_REF_ALT, 0x04030281 },
	{ WB_FORM_REF_SUP8, 0, 8, WB_FORM_CLASS_REF_ALT, 0x0807060504030281 },
	{ WB_FORM_GNU_REF_ALT, UNIT_5_64, 8, WB_FORM_CLASS_REF_ALT, 0x0807060504030281 },
	{ WB_FORM_SEC_OFFSET, 0, 4, WB_FORM_CLASS_OFFSET, 0x04030281 },
	{ WB_FORM_SEC_OFFSET, UNIT_5_64, 8, WB_FORM_CLASS_OFFSET, 0x0807060504030281 },
	{ WB_FORM_LOCLISTX, 0, 2, WB_FORM_CLASS_LIST_INDEX, 0x101 },
	{ WB_FORM_RNGLISTX, 0, 2, WB_FORM_CLASS_LIST_INDEX, 0x101 },
	{ WB_FORM_BLOCK1, 0, 1 + 0x81, WB_FORM_CLASS_BLOCK, 0x81 },
	{ WB_FORM_BLOCK2, 0, 2 + 0x281, WB_FORM_CLASS_BLOCK, 0x281 },
	{ WB_FORM_BLOCK, 0, 2 + 0x101, WB_FORM_CLASS_BLOCK, 0x101 },
	{ WB_FORM_EXPRLOC, 0, 2 + 0x101, WB_FORM_CLASS_BLOCK, 0x101 },
};

static struct wb_unit_header unit_of(unsigned kind)
{
	return (struct wb_unit_header){ .version = kind == UNIT_5_64 ? 5 : kind == UNIT_2 ? 2 : 4, .address_size = 8,
	                                .offset_size = kind == UNIT_5_64 ? 8 : 4 };
}

static void reads_forms(void)
{
	static uint8_t bytes[0x400] = { 0x81, 2, 3, 4, 5, 6, 7, 8, 9 };

	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		struct wb_unit_header unit = unit_of(forms[i].unit);
		struct wb_bytes b = wb_bytes_of(bytes, sizeof bytes, false);
		struct wb_form_value value = { WB_FORM_CLASS_NONE, 0 };
		char name[16];

		snprintf(name, sizeof name, "form 0x%x", forms[i].form);
		test_row(name);
		CHECK(wb_form_read(&b, &unit, forms[i].form, -7, &value) && !wb_bytes_failed(&b));
		CHECK_EQ_U64(wb_bytes_offset(&b), forms[i].size);
		CHECK_EQ_U64(value.class, forms[i].class);
		CHECK_EQ_U64(value.value, forms[i].value);
		if (forms[i].size == 0)
			continue;
		/* One byte less is too few. */
		b = wb_bytes_of(bytes, forms[i].size - 1, false);
		CHECK(wb_form_read(&b, &unit, forms[i].form, -7, &value) && wb_bytes_failed(&b));
	}
	test_row(NULL);
}

static void knows_what_it_does_not_know(void)
{
	static const uint8_t indirect[] = { 0x16, 0x16, 0x0b, 0x2a }, endless[] = { 0x16, 0x16, 0x16, 0x16, 0x16, 0x16, 0x0b, 1 }, implicit[] = { 0x21, 1 };
	struct wb_unit_header unit = unit_of(0);
	struct wb_form_value value;
	struct wb_bytes b = wb_bytes_of(indirect, sizeof indirect, false);

	CHECK(wb_form_read(&b, &unit, WB_FORM_INDIRECT, 0, &value) && value.value == 0x2a);
	b = wb_bytes_of(endless, sizeof endless, false);
	CHECK(!wb_form_read(&b, &unit, WB_FORM_INDIRECT, 0, &value));
	b = wb_bytes_of(implicit, sizeof implicit, false);
	CHECK(!wb_form_read(&b, &unit, WB_FORM_INDIRECT, 0, &value)); /* its constant would be nowhere */
	CHECK(!wb_form_read(&b, &unit, 0, 0, &value));
	CHECK(!wb_form_read(&b, &unit, 0x02, 0, &value));
	CHECK(!wb_form_read(&b, &unit, 0x7777, 0, &value));
	CHECK(!wb_form_read(&b, &unit, UINT64_MAX, 0, &value));
}

/* ---- Abbreviations ---------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *bytes;
	size_t size;
	enum wb_err expect;
	uint64_t code;                /* one that is declared */
} tables[] = {
	{ "in order", BYTES("\1\21\1\3\10\0\0\2\56\0\0\0\0"), WB_OK, 2 },
	{ "out of order", BYTES("\7\21\1\3\10\0\0\2\56\0\0\0\0"), WB_OK, 2 },
	{ "with a constant of its own", BYTES("\1\21\1\13\41\175\0\0\0"), WB_OK, 1 },
	{ "a code twice", BYTES("\7\21\1\0\0\7\56\0\0\0\0"), WB_ERR_DATA, 0 },
	{ "not ended", BYTES("\1\21\1\3\10\0\0"), WB_ERR_DATA, 0 },
	{ "cut in an attribute", BYTES("\1\21\1\3"), WB_ERR_DATA, 0 },
	{ "not there", BYTES(""), WB_ERR_DATA, 0 },
};

static void reads_abbreviations(void)
{
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		struct object *object = object_new();
		struct wb_dwarf_sections sections;
		struct wb_abbrevs abbrevs;

		test_row(tables[i].name);
		put(&object->m.by_id[WB_DWARF_ABBREV], tables[i].bytes, tables[i].size);
		sections = object_sections(object);
		CHECK_EQ_I64(wb_abbrevs_init(&abbrevs, &sections, 0), tables[i].expect);
		if (tables[i].expect == WB_OK) {
			const struct wb_abbrev *abbrev = wb_abbrevs_find(&abbrevs, tables[i].code);

			CHECK(abbrev && abbrev->code == tables[i].code);
			CHECK(!wb_abbrevs_find(&abbrevs, 0) && !wb_abbrevs_find(&abbrevs, 3) && !wb_abbrevs_find(&abbrevs, UINT64_MAX));
			wb_abbrevs_deinit(&abbrevs);
		}
		CHECK_EQ_I64(wb_abbrevs_init(&abbrevs, &sections, UINT64_MAX), WB_ERR_DATA);
		object_free(object);
	}
	test_row(NULL);
}

/* ---- Framing ---------------------------------------------------------------------------------------------------------------- */

/* Abbreviation 1: children, no attributes; 2: neither; 3: a sibling (ref1) and children. */
static const char abbreviations[] = "\1\21\1\0\0\2\56\0\0\0\3\13\1\1\21\0\0";

static const struct {
	const char *name, *entries;   /* from offset 11 of the unit on */
	size_t size;
	enum wb_err expect;
} frames[] = {
	{ "a root alone", BYTES("\2"), WB_OK },
	{ "children", BYTES("\1\2\2\0"), WB_OK },
	{ "bytes behind the root", BYTES("\1\2\0\0\0\0"), WB_OK },
	{ "a sibling that is one", BYTES("\1\3\20\2\0\2\0"), WB_OK },       /* 11: 1; 12: 3; 14: 2; 15: 0; 16: 2 */
	{ "a sibling that is not", BYTES("\1\3\21\2\0\2\0"), WB_ERR_DATA },
	{ "a sibling that goes back", BYTES("\1\3\13\2\0\2\0"), WB_ERR_DATA },
	{ "no entry at all", BYTES("\0"), WB_ERR_DATA },
	{ "nothing", BYTES(""), WB_ERR_DATA },
	{ "not closed", BYTES("\1\2"), WB_ERR_DATA },
	{ "not declared", BYTES("\1\4\0"), WB_ERR_DATA },
};

static void checks_framing(void)
{
	for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
		struct object *object = object_new();
		struct dwarf_buffer *info = &object->m.by_id[WB_DWARF_INFO];
		struct wb_unit_entries entries;
		struct wb_unit_header unit;
		struct wb_bytes b;

		test_row(frames[i].name);
		put(&object->m.by_id[WB_DWARF_ABBREV], abbreviations, sizeof abbreviations);
		put_uint(info, 7 + frames[i].size, 4);
		put(info, "\4\0\0\0\0\0\10", 7);
		put(info, frames[i].entries, frames[i].size);
		struct wb_dwarf_sections sections = object_sections(object);
		b = wb_dwarf_bytes(&sections, WB_DWARF_INFO);
		REQUIRE(wb_unit_header_next(&b, &unit) == WB_OK);
		CHECK_EQ_I64(wb_unit_check(&sections, &unit, &entries, NULL), frames[i].expect);
		CHECK_EQ_U64(object->num_diags, frames[i].expect != WB_OK);
		if (frames[i].expect == WB_OK) {
			CHECK(wb_unit_entries_has(&entries, 11) && !wb_unit_entries_has(&entries, 10));
			CHECK_EQ_U64(wb_unit_entries_has(&entries, 12), frames[i].size > 1);
			CHECK(!wb_unit_entries_has(&entries, 11 + frames[i].size) && !wb_unit_entries_has(&entries, UINT64_MAX));
			wb_unit_entries_deinit(&entries);
		}
		object_free(object);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(reads_headers);
	TEST_RUN(reads_forms);
	TEST_RUN(knows_what_it_does_not_know);
	TEST_RUN(reads_abbreviations);
	TEST_RUN(checks_framing);
	return test_summary();
}
