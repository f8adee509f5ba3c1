/* SPDX-License-Identifier: MIT */
/*
 * Plans against their slow twin, reading value by value with wb_form_read: for entries of every form, alone and in company, in all sizes and
 * byte orders, both must end at the same place and find the same values. And what entries do to the scope of what is in them.
 */
#include "symbols/dwarf_constants.h"
#include "symbols/dwarf_plan.h"

#include "base/mem.h"
#include "dwarf_bytes.h"

enum { VALUES_SIZE = 256, ROUNDS = 4 };

/* Every form that there is (DWARF 5, table 7.6, and GNU's); the last is none. */
static const uint16_t forms[] = {
	WB_FORM_ADDR, WB_FORM_BLOCK2, WB_FORM_BLOCK4, WB_FORM_DATA2, WB_FORM_DATA4, WB_FORM_DATA8, WB_FORM_STRING, WB_FORM_BLOCK,
	WB_FORM_BLOCK1, WB_FORM_DATA1, WB_FORM_FLAG, WB_FORM_SDATA, WB_FORM_STRP, WB_FORM_UDATA, WB_FORM_REF_ADDR, WB_FORM_REF1, WB_FORM_REF2,
	WB_FORM_REF4, WB_FORM_REF8, WB_FORM_REF_UDATA, WB_FORM_INDIRECT, WB_FORM_SEC_OFFSET, WB_FORM_EXPRLOC, WB_FORM_FLAG_PRESENT, WB_FORM_STRX,
	WB_FORM_ADDRX, WB_FORM_REF_SUP4, WB_FORM_STRP_SUP, WB_FORM_DATA16, WB_FORM_LINE_STRP, WB_FORM_REF_SIG8, WB_FORM_IMPLICIT_CONST,
	WB_FORM_LOCLISTX, WB_FORM_RNGLISTX, WB_FORM_REF_SUP8, WB_FORM_STRX1, WB_FORM_STRX2, WB_FORM_STRX3, WB_FORM_STRX4, WB_FORM_ADDRX1,
	WB_FORM_ADDRX2, WB_FORM_ADDRX3, WB_FORM_ADDRX4, WB_FORM_GNU_ADDR_INDEX, WB_FORM_GNU_STR_INDEX, WB_FORM_GNU_REF_ALT, WB_FORM_GNU_STRP_ALT,
	0x7777,
};
enum { NUM_FORMS = sizeof forms / sizeof forms[0] };

/* One declaration: a name or not at each place. */
struct shape {
	uint16_t tag, names[4], forms[4];
	unsigned count;
};

static struct wb_plans *plans_of(struct object *object, const struct shape *shape, const struct wb_unit_header *unit)
{
	struct dwarf_buffer *out = &object->m.by_id[WB_DWARF_ABBREV];
	struct wb_dwarf_sections sections;
	struct wb_plans *plans = NULL;
	uint64_t bytes = 0;

	out->size = 0;
	put_uleb(out, 1);
	put_uleb(out, shape->tag);
	put_u8(out, 0);
	for (unsigned i = 0; i < shape->count; i++) {
		put_uleb(out, shape->names[i]);
		put_uleb(out, shape->forms[i]);
		if (shape->forms[i] == WB_FORM_IMPLICIT_CONST)
			put_u8(out, i % 2 ? 0x7f : 42); /* -1 or 42 */
	}
	put(out, "\0\0\0", 3);
	sections = object_sections(object);
	CHECK_EQ_I64(wb_plans_new(&sections, unit, &bytes, &plans), WB_OK);
	return plans;
}

static enum wb_plan_slot slot_of(uint16_t name)
{
	return name == WB_AT_NAME ? WB_PLAN_NAME : name == WB_AT_LOW_PC ? WB_PLAN_LOW : name == WB_AT_CALL_LINE ? WB_PLAN_CALL_LINE : WB_PLAN_SLOTS;
}

/* As the plan has to do it. False: an unknown form. */
static bool read_slowly(const struct wb_plans *plans, const struct shape *shape, const struct wb_unit_header *unit, struct wb_bytes *b,
                        struct wb_plan_values *values)
{
	memset(values, 0, sizeof *values);
	for (unsigned i = 0; i < shape->count; i++) {
		struct wb_form_value value;

		if (!wb_abbrev_read(b, unit, &plans->abbrevs, &plans->abbrevs.attrs[i], &value))
			return false;
		if ((shape->forms[i] == WB_FORM_SDATA || shape->forms[i] == WB_FORM_IMPLICIT_CONST) && value.value > INT64_MAX)
			value.value = 0;
		if (slot_of(shape->names[i]) != WB_PLAN_SLOTS)
			values->of[slot_of(shape->names[i])] = value;
	}
	return true;
}

static void check_values(const struct wb_plan_values *values, const struct wb_plan_values *expect)
{
	for (unsigned i = 0; i < WB_PLAN_SLOTS; i++) {
		CHECK_EQ_U64(values->of[i].class, expect->of[i].class);
		CHECK(values->of[i].class == WB_FORM_CLASS_NONE || values->of[i].value == expect->of[i].value);
	}
}

/* The entry's values are the first of size bytes. */
static void check_shape(struct object *object, const struct shape *shape, const struct wb_unit_header *unit, const uint8_t *bytes, size_t size,
                        bool big_endian)
{
	struct wb_plans *plans = plans_of(object, shape, unit);
	struct wb_bytes slow = wb_bytes_of(bytes, size, big_endian), read = slow, skipped = slow;
	struct wb_plan_values expect, values;
	const struct wb_plan *plan;

	if (!plans)
		return;
	plan = wb_plans_find(plans, 1);
	if (!read_slowly(plans, shape, unit, &slow, &expect)) {
		CHECK(!wb_plan_skip(plans, plan, &skipped) && !wb_plan_read(plans, plan, &read, &values));
	} else {
		CHECK(wb_plan_skip(plans, plan, &skipped) && wb_plan_read(plans, plan, &read, &values));
		CHECK(wb_bytes_failed(&skipped) == wb_bytes_failed(&slow) && wb_bytes_failed(&read) == wb_bytes_failed(&slow));
		if (!wb_bytes_failed(&slow)) {
			CHECK_EQ_U64(wb_bytes_offset(&skipped), wb_bytes_offset(&slow));
			CHECK_EQ_U64(wb_bytes_offset(&read), wb_bytes_offset(&slow));
			check_values(&values, &expect);
		}
	}
	wb_plans_free(plans);
}

/* Numbers small enough for blocks and strings to end. */
static void fill(uint8_t *bytes, unsigned round)
{
	uint32_t state = 1 + round;

	for (size_t i = 0; i < VALUES_SIZE; i++) {
		state = state * 1103515245 + 12345;
		bytes[i] = (uint8_t)(state >> 16 & (round % 2 ? 0x0f : 0x8f));
	}
}

static void check_forms(struct object *object, const struct wb_unit_header *unit, bool big_endian)
{
	static const uint16_t tags[] = { WB_TAG_SUBPROGRAM, WB_TAG_INLINED_SUBROUTINE, 0x34 };
	uint8_t *bytes = malloc(VALUES_SIZE);

	for (unsigned round = 0; bytes && round < ROUNDS; round++) {
		fill(bytes, round);
		for (size_t i = 0; i < NUM_FORMS; i++)
			for (size_t t = 0; t < sizeof tags / sizeof tags[0]; t++) {
				struct shape shape = {
					.tag = tags[t], .names = { WB_AT_NAME, 0x7f, WB_AT_LOW_PC, WB_AT_CALL_LINE },
					.forms = { forms[i], forms[(i + 1 + round) % NUM_FORMS], WB_FORM_ADDR, forms[i] }, .count = 4,
				};

				check_shape(object, &shape, unit, bytes, VALUES_SIZE, big_endian);
				shape.count = 1;
				for (size_t size = 0; size < 18; size++) /* cut at every place */
					check_shape(object, &shape, unit, bytes, size, big_endian);
			}
	}
	free(bytes);
}

static void reads_every_form(void)
{
	struct object *object = object_new();

	for (unsigned version = 2; version <= 5; version++)
		for (unsigned sizes = 0; sizes < 4; sizes++)
			for (unsigned big_endian = 0; big_endian < 2; big_endian++) {
				struct wb_unit_header unit = {
					.version = (uint16_t)version, .address_size = sizes & 1 ? 8 : 4, .offset_size = sizes & 2 ? 8 : 4,
				};

				check_forms(object, &unit, big_endian);
			}
	object_free(object);
}

/* DW_AT_sibling is found from the end of the values, if all that follows it is of fixed size. */
static void finds_siblings(void)
{
	static const struct { const char *name; uint16_t sibling, before, behind; const char *bytes; size_t size; bool big_endian; uint64_t expect; } cases[] = {
		{ "alone", WB_FORM_REF4, WB_FORM_FLAG_PRESENT, WB_FORM_FLAG_PRESENT, "\1\2\3\4", 4, false, 0x04030201 },
		{ "big-endian", WB_FORM_REF4, WB_FORM_FLAG_PRESENT, WB_FORM_FLAG_PRESENT, "\1\2\3\4", 4, true, 0x01020304 },
		{ "behind a string", WB_FORM_REF2, WB_FORM_STRING, WB_FORM_DATA1, "abc\0\5\6\7", 7, false, 0x0605 },
		{ "before fixed values", WB_FORM_REF1, WB_FORM_DATA2, WB_FORM_DATA8, "\1\2\11abcdefgh", 11, false, 9 },
		{ "before a number", WB_FORM_REF4, WB_FORM_DATA1, WB_FORM_UDATA, "\1\1\2\3\4\5", 6, false, 0 },
		{ "into another unit", WB_FORM_REF_ADDR, WB_FORM_DATA1, WB_FORM_DATA1, "\1\1\2\3\4\5", 6, false, 0 },
		{ "8 bytes", WB_FORM_REF8, WB_FORM_DATA1, WB_FORM_FLAG_PRESENT, "\1\1\2\3\0\0\0\0\0", 9, false, 0x030201 },
	};
	const struct wb_unit_header unit = { .version = 5, .address_size = 8, .offset_size = 4 };
	struct object *object = object_new();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct shape shape = {
			.tag = WB_TAG_STRUCTURE_TYPE, .names = { WB_AT_NAME, WB_AT_SIBLING, 0x7f },
			.forms = { cases[i].before, cases[i].sibling, cases[i].behind }, .count = 3,
		};
		struct wb_bytes b = wb_bytes_of(cases[i].bytes, cases[i].size, cases[i].big_endian);
		struct wb_plans *plans = plans_of(object, &shape, &unit);
		const struct wb_plan *plan = wb_plans_find(plans, 1);

		test_row(cases[i].name);
		CHECK(wb_plan_skip(plans, plan, &b) && wb_bytes_at_end(&b) && !wb_bytes_failed(&b));
		CHECK_EQ_U64(plan->sibling_size > 0 ? wb_plan_sibling(plan, &b) : 0, cases[i].expect);
		wb_plans_free(plans);
	}
	test_row(NULL);
	object_free(object);
}

/* dwarf_scope.h says why. */
static void knows_scopes(void)
{
	static const struct { uint16_t tag; bool is_declaration, is_c; enum wb_scope above, inside; } cases[] = {
		{ 0x39 /* namespace */, false, true, WB_SCOPE_OUTER, WB_SCOPE_OUTER },
		{ WB_TAG_STRUCTURE_TYPE, false, true, WB_SCOPE_OUTER, WB_SCOPE_CLOSED },
		{ WB_TAG_STRUCTURE_TYPE, false, false, WB_SCOPE_OUTER, WB_SCOPE_OUTER },       /* Rust's methods are in their types */
		{ WB_TAG_CLASS_TYPE, false, true, WB_SCOPE_FUNCTION, WB_SCOPE_FUNCTION },      /* GCC's methods of local classes too */
		{ WB_TAG_ENUMERATION_TYPE, false, false, WB_SCOPE_OUTER, WB_SCOPE_OUTER },
		{ WB_TAG_SUBROUTINE_TYPE, false, false, WB_SCOPE_OUTER, WB_SCOPE_CLOSED },
		{ WB_TAG_SUBPROGRAM, false, true, WB_SCOPE_OUTER, WB_SCOPE_FUNCTION },
		{ WB_TAG_SUBPROGRAM, true, true, WB_SCOPE_OUTER, WB_SCOPE_CLOSED },
		{ WB_TAG_SUBPROGRAM, false, true, WB_SCOPE_CLOSED, WB_SCOPE_CLOSED },
		{ WB_TAG_CALL_SITE, false, false, WB_SCOPE_FUNCTION, WB_SCOPE_CLOSED },
		{ WB_TAG_GNU_CALL_SITE, false, true, WB_SCOPE_FUNCTION, WB_SCOPE_CLOSED },
		{ WB_TAG_INLINED_SUBROUTINE, false, true, WB_SCOPE_FUNCTION, WB_SCOPE_FUNCTION },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CHECK_EQ_U64(wb_scope_inside(cases[i].above, wb_scope_effect_of(cases[i].tag, cases[i].is_declaration), cases[i].is_c), cases[i].inside);
	CHECK(wb_language_is_c(WB_LANG_C) && wb_language_is_c(WB_LANG_CXX_14) && !wb_language_is_c(WB_LANG_RUST) && !wb_language_is_c(0));
}

int main(void)
{
	TEST_RUN(reads_every_form);
	TEST_RUN(finds_siblings);
	TEST_RUN(knows_scopes);
	return test_summary();
}
