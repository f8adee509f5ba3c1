/* SPDX-License-Identifier: MIT */
/*
 * The public face of variables: an object made by hand, with location lists that are in sections of their own, asked by frames. What is said of scopes,
 * types and lists themselves is tested at test_dwarf_variables.c and test_dwarf_locations.c.
 */
#include <walkback/walkback.h>

#include "base/mem.h"
#include "dwarf_make.h"
#include "test.h"

enum { TEXT_MAX = 1024, TAG_BASE_TYPE = 0x24 };

static void list_entry(struct dwarf_make *m, uint64_t start, uint64_t end, uint8_t op)
{
	enum wb_dwarf_section section = m->format.version >= 5 ? WB_DWARF_LOCLISTS : WB_DWARF_LOC;

	if (m->format.version >= 5)
		dwarf_uint(m, section, WB_LLE_START_END, 1);
	/* Before version 5 from the unit's low pc. */
	dwarf_address(m, section, m->format.version >= 5 ? start : start - 0x1000);
	dwarf_address(m, section, m->format.version >= 5 ? end : end - 0x1000);
	if (m->format.version >= 5)
		dwarf_uleb(m, section, 1);
	else
		dwarf_uint(m, section, 1, 2);
	dwarf_uint(m, section, op, 1);
}

static void list_end(struct dwarf_make *m)
{
	if (m->format.version >= 5)
		dwarf_uint(m, WB_DWARF_LOCLISTS, WB_LLE_END_OF_LIST, 1);
	else
		dwarf_uint(m, WB_DWARF_LOC, 0, 2 * m->format.address_size);
}

/* shop::outer(int), from 0x1000, with inner inlined at 0x1010; plain, from 0x1040; and quiet, from 0x1080, of which no variable is known. */
static void write_unit(struct dwarf_make *m)
{
	uint64_t type, inner, given;

	list_entry(m, 0x1000, 0x1008, 0x55);
	list_entry(m, 0x1008, 0x1040, 0x56);
	list_end(m);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.cc"), AT_CODE(0x1000, 0x100), AT(WB_AT_LANGUAGE, WB_FORM_UDATA, .value = WB_LANG_CXX_14));
	type = DWARF_ENTRY(m, TAG_BASE_TYPE, AT_NAME("int"), AT_SIZE(4));
	inner = DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("inner"), AT_LINKAGE("_ZN4shop5innerEl"));
	given = DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_NAME("given"), AT_TYPE(type));
	dwarf_close(m);
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("outer"), AT_LINKAGE("_ZN4shop5outerEi"), AT_CODE(0x1000, 0x40), AT_FRAME_BASE("\x9c"));
	DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_NAME("n"), AT_TYPE(type), AT(WB_AT_LOCATION, DWARF_FORM_OFFSET, .value = 0));
	DWARF_OPEN(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(inner), AT_CODE(0x1010, 0x10));
	DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_ORIGIN(given), AT_LOCATION("\x91\x70"));
	dwarf_close(m);
	dwarf_close(m);
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("plain"), AT_LINKAGE("__GI_plain"), AT_CODE(0x1040, 0x40));
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_TYPE(type), AT_LOCATION("\x77\x08"));
	dwarf_close(m);
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("quiet"), AT_CODE(0x1080, 0x40));
	dwarf_close(m);
	dwarf_unit_end(m);
}

struct shelf {
	struct wb_session *session;
	struct wb_image *image;
	struct wb_symbolizer *symbolizer;
};

static bool shelf_open(struct shelf *s, unsigned version, bool with_lists)
{
	struct wb_session_opts opts = { .size = sizeof opts };
	struct dwarf_make m;
	uint8_t *bytes;
	size_t size;

	dwarf_make_init(&m, (struct dwarf_format){ .version = version, .offset_size = 4, .address_size = 8 });
	write_unit(&m);
	if (!with_lists)
		m.by_id[WB_DWARF_LOC].size = m.by_id[WB_DWARF_LOCLISTS].size = 0;
	bytes = dwarf_make_object(&m, &size);
	dwarf_make_deinit(&m);
	*s = (struct shelf){ NULL, NULL, NULL };
	return CHECK(wb_session_new(&opts, &s->session) == WB_OK) &&
	       CHECK(wb_image_open_bytes(s->session, "made", bytes, size, 0, free, bytes, &s->image) == WB_OK) &&
	       CHECK(wb_symbolizer_new(s->session, NULL, &s->symbolizer) == WB_OK);
}

static void shelf_close(struct shelf *s)
{
	wb_symbolizer_free(s->symbolizer);
	wb_image_unref(s->image);
	wb_session_free(s->session);
}

struct text { char bytes[TEXT_MAX]; size_t length; };

static enum wb_err note(void *arg, const struct wb_variable *variable)
{
	static const char *const kinds[] = { [WB_VARIABLE_ARGUMENT] = "argument", [WB_VARIABLE_RESULT] = "result", [WB_VARIABLE_LOCAL] = "variable" };
	struct text *text = arg;

	CHECK_EQ_U64(variable->size, sizeof *variable);
	CHECK(!variable->frame_base == !variable->frame_base_size && variable->location_size);
	text->length += (size_t)snprintf(text->bytes + text->length, TEXT_MAX - text->length, "%s %s of %s, %u bytes, depth %u, %02x%s%02x\n",
	                                 kinds[variable->kind], variable->name ? variable->name : "?", variable->function ? variable->function : "?",
	                                 (unsigned)variable->bytes, variable->call_depth, variable->location[0], variable->frame_base ? " from " : " from no ",
	                                 variable->frame_base ? variable->frame_base[0] : 0);
	return WB_OK;
}

static enum wb_err ask(const struct shelf *s, uint64_t image_pc, struct text *text)
{
	struct wb_frame frame = { .pc = image_pc, .lookup_pc = image_pc, .image_id = wb_image_id(s->image), .image_pc = image_pc, .flags = WB_FRAME_HAS_IMAGE };

	*text = (struct text){ .length = 0 };
	return wb_variables_at(s->symbolizer, &frame, note, text);
}

static void names_variables_and_functions(void)
{
	static const struct { const char *name; uint64_t pc; enum wb_err err; const char *expect; } rows[] = {
		{ "start of a list", 0x1000, WB_OK, "argument n of shop::outer(int), 4 bytes, depth 0, 55 from 9c\n" },
		{ "further on in the list", 0x1008, WB_OK, "argument n of shop::outer(int), 4 bytes, depth 0, 56 from 9c\n" },
		{ "inlined", 0x1010, WB_OK,
		  "argument n of shop::outer(int), 4 bytes, depth 0, 56 from 9c\nargument given of shop::inner(long), 4 bytes, depth 1, 91 from 9c\n" },
		{ "without a name, and an assembler name", 0x1040, WB_OK, "variable ? of plain, 4 bytes, depth 0, 77 from no 00\n" },
		{ "without variables", 0x1080, WB_OK, "" },
		{ "without a function", 0x10f0, WB_NONE, "" },
		{ "outside of the unit", 0x5000, WB_NONE, "" },
	};
	bool demangles = test_has_feature(wb_features(), "libiberty");

	for (unsigned version = 2; version <= 5; version++) {
		struct text text;
		struct shelf s;

		if (!shelf_open(&s, version, true))
			return;
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			test_row(rows[i].name);
			CHECK_EQ_I64(ask(&s, rows[i].pc, &text), rows[i].err);
			if (demangles || !strstr(rows[i].expect, "shop"))
				CHECK_STR(text.bytes, rows[i].expect);
		}
		shelf_close(&s);
	}
	test_row(NULL);
}

/* A list whose section is not there hides one variable, and no other. */
static void lives_without_lists(void)
{
	struct text text;
	struct shelf s;

	if (shelf_open(&s, 5, false)) {
		CHECK_EQ_I64(ask(&s, 0x1010, &text), WB_OK);
		CHECK(!strncmp(text.bytes, "argument given of ", 18) && !strstr(text.bytes, "argument n"));
	}
	shelf_close(&s);
}

static void refuses_arguments(void)
{
	struct wb_frame frame = { .image_pc = 0x1000 };
	struct text text = { .length = 0 };
	struct shelf s;

	if (shelf_open(&s, 5, true)) {
		CHECK_EQ_I64(wb_variables_at(NULL, &frame, note, &text), WB_ERR_ARGUMENT);
		CHECK_EQ_I64(wb_variables_at(s.symbolizer, NULL, note, &text), WB_ERR_ARGUMENT);
		CHECK_EQ_I64(wb_variables_at(s.symbolizer, &frame, NULL, &text), WB_ERR_ARGUMENT);
		CHECK_EQ_I64(wb_variables_at(s.symbolizer, &frame, note, &text), WB_NONE);
		frame.flags = WB_FRAME_HAS_IMAGE;
		frame.image_id = 999;
		CHECK_EQ_I64(wb_variables_at(s.symbolizer, &frame, note, &text), WB_NONE);
		CHECK_EQ_U64(text.length, 0);
	}
	shelf_close(&s);
}

static void survives_failing_allocations(void)
{
	enum wb_err err = WB_ERR_MEMORY;
	struct text text;

	for (uint64_t nth = 1; err == WB_ERR_MEMORY && nth < 1000; nth++) {
		struct shelf s;

		if (shelf_open(&s, 5, true)) {
			wb_mem_fail_at(nth, false);
			err = ask(&s, 0x1010, &text);
			wb_mem_fail_at(0, false);
		}
		shelf_close(&s);
	}
	CHECK_EQ_I64(err, WB_OK);
	CHECK(strstr(text.bytes, "argument n of ") && strstr(text.bytes, "argument given of "));
}

int main(void)
{
	TEST_RUN(names_variables_and_functions);
	TEST_RUN(lives_without_lists);
	TEST_RUN(refuses_arguments);
	TEST_RUN(survives_failing_allocations);
	return test_summary();
}
