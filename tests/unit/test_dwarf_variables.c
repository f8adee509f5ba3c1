/* SPDX-License-Identifier: MIT */
/*
 * Variables in scope: trees of entries made by hand, and which variables must come of them at which pc, by DWARF 5, 3.3 to 3.5, 4.1 and chapter 5. An
 * answer is a line for each: "argument n of f, 8 bytes, 91 70", with ", depth 1" if it is of an inlined call and ", base 9c" for a frame base.
 */
#include "dwarf_bytes.h"

#include "base/mem.h"
#include "symbols/dwarf.h"
#include "symbols/dwarf_name.h"
#include "symbols/dwarf_variables.h"

#include <stdarg.h>

enum { ANSWER_MAX = 4096, TAG_BASE_TYPE = 0x24 };

struct answer {
	struct wb_dwarf *dwarf;
	size_t length, count;
	char text[ANSWER_MAX];
};

__attribute__((format(printf, 2, 3))) static void say(struct answer *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	a->length += (size_t)vsnprintf(a->text + a->length, ANSWER_MAX - a->length, format, args);
	va_end(args);
	if (a->length >= ANSWER_MAX)
		a->length = ANSWER_MAX - 1;
}

static const char *name_text(const struct answer *a, const struct wb_function_name *place)
{
	struct wb_function_name name;
	const char *text = wb_dwarf_name(a->dwarf, place, &name) == WB_OK ? wb_ref_text(wb_dwarf_sections_of(a->dwarf), name.name) : NULL;

	return text ? text : "?";
}

static enum wb_err note(void *arg, const struct wb_dwarf_variable *variable)
{
	static const char *const kinds[] = { [WB_DWARF_ARGUMENT] = "argument", [WB_DWARF_RESULT] = "result", [WB_DWARF_LOCAL] = "variable" };
	struct answer *a = arg;

	a->count++;
	say(a, "%s %s", kinds[variable->kind], name_text(a, &variable->name));
	say(a, " of %s, %llu bytes,", name_text(a, &variable->function), (unsigned long long)variable->size);
	for (size_t i = 0; i < variable->location.size; i++)
		say(a, " %02x", variable->location.bytes[i]);
	if (variable->call_depth)
		say(a, ", depth %u", variable->call_depth);
	if (variable->frame_base.size)
		say(a, ", base %02x", variable->frame_base.bytes[0]);
	say(a, "\n");
	return WB_OK;
}

static enum wb_err ask_from(struct wb_dwarf *dwarf, size_t unit, uint64_t pc, uint64_t entry, uint64_t *place, struct answer *a)
{
	struct wb_unit_source source;
	enum wb_err err = wb_unit_source_init(&source, dwarf, unit);

	*a = (struct answer){ .dwarf = dwarf };
	return err ? err : wb_dwarf_variables(&source, pc, entry, place, note, a);
}

/* The answer is the same where the function was found before is known, and where something else is there. */
static enum wb_err ask_at(struct wb_dwarf *dwarf, size_t unit, uint64_t pc, uint64_t entry, struct answer *a)
{
	const struct wb_unit_header *header = &wb_dwarf_unit(dwarf, unit)->header;
	uint64_t found = 0, places[5];
	enum wb_err err = ask_from(dwarf, unit, pc, entry, &found, a);

	places[0] = found;
	places[1] = 1;
	places[2] = header->offset + header->die_offset;
	places[3] = header->offset + header->size / 2;
	places[4] = header->offset + header->size - 2;
	/* Without an entry any function that holds the pc is the one, so that from amid the unit it can be another. */
	for (size_t i = 0; i < (entry == UINT64_MAX ? 3 : 5); i++) {
		struct answer again;

		CHECK_EQ_I64(ask_from(dwarf, unit, pc, entry, &places[i], &again), err);
		CHECK_STR(again.text, a->text);
	}
	return err;
}

/* Writes what is under test behind the root of a unit that begins at 0x1000. Offsets count from the unit's header. */
typedef void (*write_fn)(struct dwarf_make *m);

static void write_object(struct object *object, write_fn write, unsigned language)
{
	struct dwarf_make *m = &object->m;

	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_CODE(0x1000, 0x1000), AT(WB_AT_LANGUAGE, WB_FORM_UDATA, .value = language));
	write(m);
	dwarf_close(m);
	dwarf_unit_end(m);
	dwarf_uint(m, WB_DWARF_ABBREV, 0, 1);
}

static struct wb_dwarf *open_object(struct object *object)
{
	struct wb_dwarf_sections sections = object_sections(object);
	struct wb_text text = { 0 };
	struct wb_dwarf *dwarf;
	size_t count;

	sections.big_endian = object->m.format.big_endian;
	if (wb_dwarf_new(NULL, &sections, &text, &dwarf) != WB_OK)
		exit(1);
	CHECK(wb_dwarf_num_units(dwarf, &count) == WB_OK);
	return dwarf;
}

/* ---- Scopes ------------------------------------------------------------------------------------------------------------------- */

static void write_scopes(struct dwarf_make *m)
{
	uint64_t type = DWARF_ENTRY(m, TAG_BASE_TYPE, AT_NAME("long"), AT_SIZE(8)), abstract, given, local;

	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_NAME("global"), AT_TYPE(type), AT_LOCATION("\x03\1\2\3\4\5\6\7\x08"));
	abstract = DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("inner"));
	given = DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_NAME("given"), AT_TYPE(type));
	local = DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_NAME("local"), AT_TYPE(type));
	dwarf_close(m);
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("before"), AT_CODE(0x1000, 0x10), AT_FRAME_BASE("\x9c"));
	DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_NAME("x"), AT_TYPE(type), AT_LOCATION("\x91\x70"));
	dwarf_close(m);
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("outer"), AT_CODE(0x1010, 0x40), AT_FRAME_BASE("\x56"));
	DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_NAME("n"), AT_TYPE(type), AT_LOCATION("\x91\x78"));
	DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_NAME("gone"), AT_TYPE(type));
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_NAME("nowhere"), AT_TYPE(type), AT_LOCATION(""));
	DWARF_OPEN(m, WB_TAG_STRUCTURE_TYPE, AT_NAME("inside"), AT_SIZE(1)); /* of types nothing counts */
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_NAME("member"), AT_TYPE(type), AT_LOCATION("\x91\x60"));
	dwarf_close(m);
	DWARF_OPEN(m, WB_TAG_LEXICAL_BLOCK, AT_CODE(0x1018, 0x18));
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_NAME("block"), AT_TYPE(type), AT_LOCATION("\x91\x70"));
	DWARF_OPEN(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(abstract), AT_CODE(0x1020, 8), AT_CALL(1, 2, 3));
	DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_ORIGIN(given), AT_LOCATION("\x91\x68"));
	DWARF_OPEN(m, WB_TAG_LEXICAL_BLOCK, AT(WB_AT_DECLARATION, WB_FORM_FLAG_PRESENT, .value = 1)); /* without code: as if it were not there */
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_ORIGIN(local), AT_LOCATION("\x77\x08"));
	dwarf_close(m);
	dwarf_close(m);
	dwarf_close(m);
	DWARF_OPEN(m, WB_TAG_LEXICAL_BLOCK, AT_CODE(0x1030, 8));
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_NAME("other"), AT_TYPE(type), AT_LOCATION("\x91\x70"));
	dwarf_close(m);
	DWARF_OPEN(m, WB_TAG_GNU_FORMAL_PARAMETER_PACK, AT_NAME("rest"));
	DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_NAME("rest0"), AT_TYPE(type), AT_LOCATION("\x91\x10"));
	dwarf_close(m);
	dwarf_close(m);
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("empty"), AT_CODE(0x1050, 8));
	/* In a function that does not hold the pc, as GCC puts local classes' methods. */
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("around"), AT_CODE(0x1060, 8));
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_NAME("theirs"), AT_TYPE(type), AT_LOCATION("\x91\x00"));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("nested"), AT_CODE(0x1070, 8));
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_NAME("own"), AT_TYPE(type), AT_LOCATION("\x91\x08"));
	dwarf_close(m);
	dwarf_close(m);
	/* Discarded, and over the one behind it. */
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("discarded"), AT_CODE(0x0, 0x1100));
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_NAME("theirs"), AT_TYPE(type), AT_LOCATION("\x91\x00"));
	dwarf_close(m);
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("last"), AT_CODE(0x1080, 8));
	DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_NAME("own"), AT_TYPE(type), AT_LOCATION("\x91\x08"));
	dwarf_close(m);
}

#define OUTER_N "argument n of outer, 8 bytes, 91 78, base 56\n"
#define OUTER_REST "argument rest0 of outer, 8 bytes, 91 10, base 56\n"
#define BLOCK "variable block of outer, 8 bytes, 91 70, base 56\n"

static void finds_what_is_in_scope(void)
{
	static const struct { const char *name; uint64_t pc, entry; enum wb_err err; const char *expect; } rows[] = {
		{ "another function", 0x1000, UINT64_MAX, WB_OK, "argument x of before, 8 bytes, 91 70, base 9c\n" },
		{ "a function's own", 0x1010, UINT64_MAX, WB_OK, OUTER_N OUTER_REST },
		{ "in a block", 0x1018, UINT64_MAX, WB_OK, OUTER_N BLOCK OUTER_REST },
		{ "in an inlined call", 0x1027, UINT64_MAX, WB_OK,
		  OUTER_N BLOCK "argument given of inner, 8 bytes, 91 68, depth 1, base 56\nvariable local of inner, 8 bytes, 77 08, depth 1, base 56\n"
		  OUTER_REST },
		{ "behind the call", 0x1028, UINT64_MAX, WB_OK, OUTER_N BLOCK OUTER_REST },
		{ "in the other block", 0x1030, UINT64_MAX, WB_OK, OUTER_N "variable other of outer, 8 bytes, 91 70, base 56\n" OUTER_REST },
		{ "behind both", 0x1038, 0x1010, WB_OK, OUTER_N OUTER_REST },
		{ "without any", 0x1050, UINT64_MAX, WB_OK, "" },
		{ "in another function", 0x1070, 0x1070, WB_OK, "variable own of nested, 8 bytes, 91 08\n" },
		{ "under a discarded one", 0x1080, 0x1080, WB_OK, "argument own of last, 8 bytes, 91 08\n" },
		{ "of a function that there is not", 0x1080, 0x1084, WB_NONE, "" },
		{ "nowhere", 0x1900, UINT64_MAX, WB_NONE, "" },
	};

	for (unsigned i = 0; i < 4 * 8; i++) {
		struct object *object = object_new();
		struct wb_dwarf *dwarf;
		struct answer a;

		object->m.format = (struct dwarf_format){ 2 + i / 8, i & 1 ? 8 : 4, i & 2 ? 8 : 4, (i & 4) != 0 };
		/* DWARF 2 and 3 have no flag that takes no bytes, but readers know forms whatever the version. */
		write_object(object, write_scopes, WB_LANG_C11);
		dwarf = open_object(object);
		for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
			test_row(rows[k].name);
			CHECK_EQ_I64(ask_at(dwarf, 0, rows[k].pc, rows[k].entry, &a), rows[k].err);
			CHECK_STR(a.text, rows[k].expect);
		}
		test_row(NULL);
		wb_dwarf_free(dwarf);
		object_free(object);
	}
}

/* ---- Types and names ---------------------------------------------------------------------------------------------------------- */

static void variable(struct dwarf_make *m, const char *name, uint64_t type)
{
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT(WB_AT_NAME, WB_FORM_STRING, .text = name), AT_TYPE(type), AT_LOCATION("\x9c"));
}

static void dimension(struct dwarf_make *m, unsigned attr, unsigned form, uint64_t value)
{
	DWARF_ENTRY(m, WB_TAG_SUBRANGE_TYPE, AT(attr, form, .value = value));
}

static void write_types(struct dwarf_make *m)
{
	uint64_t byte = DWARF_ENTRY(m, TAG_BASE_TYPE, AT_NAME("byte"), AT_SIZE(1));
	uint64_t pair = DWARF_ENTRY(m, WB_TAG_STRUCTURE_TYPE, AT_NAME("pair"), AT_SIZE(48));
	uint64_t type_def = DWARF_ENTRY(m, WB_TAG_TYPEDEF, AT_NAME("t"), AT_TYPE(pair)), changing = DWARF_ENTRY(m, WB_TAG_CONST_TYPE, AT_TYPE(type_def));
	uint64_t pointer = DWARF_ENTRY(m, WB_TAG_POINTER_TYPE, AT_TYPE(pair)), enumeration = DWARF_ENTRY(m, WB_TAG_ENUMERATION_TYPE, AT_TYPE(byte));
	uint64_t array, matrix, open, dynamic, huge, circle, self, incomplete, empty, unknown;

	array = DWARF_OPEN(m, WB_TAG_ARRAY_TYPE, AT_TYPE(changing));
	dimension(m, WB_AT_COUNT, WB_FORM_UDATA, 3);
	dwarf_close(m);
	matrix = DWARF_OPEN(m, WB_TAG_ARRAY_TYPE, AT_TYPE(byte));
	dimension(m, WB_AT_UPPER_BOUND, WB_FORM_DATA1, 3);
	DWARF_ENTRY(m, WB_TAG_SUBRANGE_TYPE, AT(WB_AT_LOWER_BOUND, WB_FORM_SDATA, .value = (uint64_t)-2), AT(WB_AT_UPPER_BOUND, WB_FORM_SDATA, .value = 2));
	dwarf_close(m);
	open = DWARF_OPEN(m, WB_TAG_ARRAY_TYPE, AT_TYPE(byte));
	DWARF_ENTRY(m, WB_TAG_SUBRANGE_TYPE, AT_TYPE(byte));
	dwarf_close(m);
	dynamic = DWARF_OPEN(m, WB_TAG_ARRAY_TYPE, AT_TYPE(byte));
	DWARF_ENTRY(m, WB_TAG_SUBRANGE_TYPE, AT_EXPRESSION(WB_AT_UPPER_BOUND, "\x91\x00"));
	dwarf_close(m);
	huge = DWARF_OPEN(m, WB_TAG_ARRAY_TYPE, AT_TYPE(pair));
	dimension(m, WB_AT_COUNT, WB_FORM_DATA8, UINT64_MAX / 2);
	dimension(m, WB_AT_COUNT, WB_FORM_DATA8, UINT64_MAX / 2);
	dwarf_close(m);
	circle = m->by_id[WB_DWARF_INFO].size - m->unit;
	DWARF_ENTRY(m, WB_TAG_TYPEDEF, AT_NAME("a"), AT_TYPE(circle));
	self = DWARF_OPEN(m, WB_TAG_ARRAY_TYPE, AT_TYPE(circle));
	dimension(m, WB_AT_COUNT, WB_FORM_UDATA, 2);
	dwarf_close(m);
	incomplete = DWARF_ENTRY(m, WB_TAG_STRUCTURE_TYPE, AT_NAME("s"), AT(WB_AT_DECLARATION, WB_FORM_FLAG, .value = 1));
	empty = DWARF_OPEN(m, WB_TAG_ARRAY_TYPE, AT_TYPE(byte));
	dimension(m, WB_AT_UPPER_BOUND, WB_FORM_SDATA, UINT64_MAX);
	dwarf_close(m);
	unknown = DWARF_OPEN(m, WB_TAG_ARRAY_TYPE, AT_TYPE(byte));
	DWARF_ENTRY(m, WB_TAG_SUBRANGE_TYPE, AT_EXPRESSION(WB_AT_LOWER_BOUND, "\x91\x00"), AT(WB_AT_UPPER_BOUND, WB_FORM_DATA1, .value = 3));
	dwarf_close(m);
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("f"), AT_CODE(0x1000, 0x10));
	variable(m, "pair", changing);
	variable(m, "pointer", pointer);
	variable(m, "enum", enumeration);
	variable(m, "array", array);
	variable(m, "matrix", matrix);
	variable(m, "open", open);
	variable(m, "dynamic", dynamic);
	variable(m, "huge", huge);
	variable(m, "circle", circle);
	variable(m, "self", self);
	variable(m, "incomplete", incomplete);
	variable(m, "empty", empty);
	variable(m, "unknown", unknown);
	variable(m, "unit", 0x7fffffff);
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_NAME("untyped"), AT_LOCATION("\x9c"));
	circle = m->by_id[WB_DWARF_INFO].size - m->unit;
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_ORIGIN(circle), AT_LOCATION("\x9c"));
	DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_NAME("~r0"), AT(WB_AT_VARIABLE_PARAMETER, WB_FORM_FLAG, .value = 1), AT_TYPE(pointer), AT_LOCATION("\x9c"));
	dwarf_close(m);
}

static void knows_sizes(void)
{
	static const char lines[] =
		"variable pair of f, 48 bytes, 9c\nvariable pointer of f, 8 bytes, 9c\nvariable enum of f, 1 bytes, 9c\n"
		"variable array of f, 144 bytes, 9c\nvariable matrix of f, %u bytes, 9c\nvariable open of f, 0 bytes, 9c\n"
		"variable dynamic of f, 0 bytes, 9c\nvariable huge of f, 0 bytes, 9c\nvariable circle of f, 0 bytes, 9c\n"
		"variable self of f, 0 bytes, 9c\nvariable incomplete of f, 0 bytes, 9c\nvariable empty of f, 0 bytes, 9c\nvariable unknown of f, 0 bytes, 9c\n"
		"variable unit of f, 0 bytes, 9c\nvariable untyped of f, 0 bytes, 9c\nvariable ? of f, 0 bytes, 9c\n";
	static const struct { unsigned language, matrix; const char *last; } rows[] = {
		{ WB_LANG_GO, 4 * 5, "result ~r0 of f, 8 bytes, 9c\n" },
		{ WB_LANG_CXX_14, 4 * 5, "argument ~r0 of f, 8 bytes, 9c\n" },
		{ WB_LANG_FORTRAN08, 3 * 5, "argument ~r0 of f, 8 bytes, 9c\n" }, /* counts from 1 where nothing is said */
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct object *object = object_new();
		char expect[ANSWER_MAX];
		struct wb_dwarf *dwarf;
		struct answer a;

		write_object(object, write_types, rows[i].language);
		dwarf = open_object(object);
		snprintf(expect, sizeof expect, lines, rows[i].matrix);
		snprintf(expect + strlen(expect), sizeof expect - strlen(expect), "%s", rows[i].last);
		CHECK_EQ_I64(ask_at(dwarf, 0, 0x1000, 0x1000, &a), WB_OK);
		CHECK_STR(a.text, expect);
		wb_dwarf_free(dwarf);
		object_free(object);
	}
}

/* An instance whose origins, and whose type, are in another unit, as partial units and link-time optimization have it. */
static void follows_references_to_other_units(void)
{
	struct object *object = object_new();
	struct dwarf_make *m = &object->m;
	uint64_t type, function, given, header;
	struct wb_dwarf *dwarf;
	struct answer a;

	header = dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_PARTIAL_UNIT, AT_NAME("p.c"));
	type = header + DWARF_ENTRY(m, TAG_BASE_TYPE, AT_NAME("short"), AT_SIZE(2));
	function = header + DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("far"));
	given = header + DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT_NAME("given"), AT(WB_AT_TYPE, WB_FORM_REF_ADDR, .value = type));
	dwarf_close(m);
	dwarf_close(m);
	dwarf_unit_end(m);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_CODE(0x1000, 0x1000));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT(WB_AT_ABSTRACT_ORIGIN, WB_FORM_REF_ADDR, .value = function), AT_CODE(0x1000, 0x10));
	DWARF_ENTRY(m, WB_TAG_FORMAL_PARAMETER, AT(WB_AT_ABSTRACT_ORIGIN, WB_FORM_REF_ADDR, .value = given), AT_LOCATION("\x9c"));
	dwarf_close(m);
	dwarf_close(m);
	dwarf_unit_end(m);
	dwarf_uint(m, WB_DWARF_ABBREV, 0, 1);
	dwarf = open_object(object);
	CHECK_EQ_I64(ask_at(dwarf, 1, 0x1008, UINT64_MAX, &a), WB_OK);
	CHECK_STR(a.text, "argument given of far, 2 bytes, 9c\n");
	wb_dwarf_free(dwarf);
	object_free(object);
}

/* ---- Hostile input -------------------------------------------------------------------------------------------------------------- */

static enum wb_err stop_at_second(void *arg, const struct wb_dwarf_variable *seen)
{
	unsigned *count = arg;

	(void)seen;
	return ++*count == 2 ? WB_ERR_CANCELLED : WB_OK;
}

static void write_many(struct dwarf_make *m)
{
	uint64_t code;

	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("f"), AT_CODE(0x1000, 0x10));
	DWARF_ENTRY(m, WB_TAG_VARIABLE, AT_NAME("v"), AT_LOCATION("\x9c"));
	code = m->num_abbrevs;
	for (unsigned i = 1; i < 5000; i++) {
		dwarf_uleb(m, WB_DWARF_INFO, code);
		dwarf_string(m, WB_DWARF_INFO, "v");
		dwarf_uleb(m, WB_DWARF_INFO, 1);
		dwarf_uint(m, WB_DWARF_INFO, 0x9c, 1);
	}
	dwarf_close(m);
}

static void keeps_limits(void)
{
	struct object *object = object_new();
	struct wb_unit_source source;
	struct wb_dwarf *dwarf;
	uint64_t place = 0;
	unsigned count = 0;
	struct answer a;

	write_object(object, write_many, WB_LANG_C11);
	dwarf = open_object(object);
	CHECK_EQ_I64(ask_at(dwarf, 0, 0x1000, UINT64_MAX, &a), WB_ERR_LIMIT);
	CHECK_EQ_U64(a.count, 4096);
	CHECK(wb_unit_source_init(&source, dwarf, 0) == WB_OK);
	CHECK_EQ_I64(wb_dwarf_variables(&source, 0x1000, UINT64_MAX, &place, stop_at_second, &count), WB_ERR_CANCELLED);
	CHECK_EQ_U64(count, 2);
	wb_dwarf_free(dwarf);
	object_free(object);
}

static void check_damaged(struct object *object)
{
	struct wb_dwarf *dwarf = open_object(object);
	size_t count = 0;
	struct answer a;

	(void)wb_dwarf_num_units(dwarf, &count);
	for (uint64_t pc = 0x1000; count && pc < 0x1090; pc += 8) {
		enum wb_err err = ask_at(dwarf, 0, pc, UINT64_MAX, &a);

		CHECK(err == WB_OK || err == WB_NONE || err == WB_ERR_DATA || err == WB_ERR_UNSUPPORTED || err == WB_ERR_LIMIT);
		CHECK(a.count <= 4096);
	}
	wb_dwarf_free(dwarf);
}

/* Every prefix of the entries whose unit says that it is whole, and every byte with other bits. */
static void survives_damage(void)
{
	static const write_fn writes[] = { write_scopes, write_types };
	static const enum wb_dwarf_section sections[] = { WB_DWARF_INFO, WB_DWARF_ABBREV };

	for (unsigned i = 0; i < 4; i++) {
		struct object *object = object_new();
		struct dwarf_buffer *buffer = &object->m.by_id[sections[i % 2]];
		size_t size;

		write_object(object, writes[i / 2], WB_LANG_C11);
		size = buffer->size;
		for (size_t k = 0; k < size; k++) {
			static const uint8_t changes[] = { 0x01, 0x80, 0xff };

			for (size_t c = 0; c < sizeof changes; c++) {
				buffer->bytes[k] ^= changes[c];
				check_damaged(object);
				buffer->bytes[k] ^= changes[c];
			}
		}
		while (buffer->size > 0) {
			buffer->size--;
			if (i % 2 == 0 && buffer->size >= 4)
				dwarf_patch(&object->m, WB_DWARF_INFO, 0, buffer->size - 4, 4);
			check_damaged(object);
		}
		object_free(object);
	}
}

static void survives_failing_allocations(void)
{
	struct object *object = object_new();
	enum wb_err err = WB_ERR_MEMORY;
	struct answer a;

	write_object(object, write_scopes, WB_LANG_C11);
	for (uint64_t nth = 1; err == WB_ERR_MEMORY && nth < 100; nth++) {
		struct wb_dwarf *dwarf = open_object(object);
		uint64_t place = 0;

		wb_mem_fail_at(nth, false);
		err = ask_from(dwarf, 0, 0x1027, 0x1010, &place, &a);
		wb_mem_fail_at(0, false);
		wb_dwarf_free(dwarf);
	}
	CHECK_EQ_I64(err, WB_OK);
	CHECK_EQ_U64(a.count, 5);
	object_free(object);
}

int main(void)
{
	TEST_RUN(finds_what_is_in_scope);
	TEST_RUN(knows_sizes);
	TEST_RUN(follows_references_to_other_units);
	TEST_RUN(keeps_limits);
	TEST_RUN(survives_damage);
	TEST_RUN(survives_failing_allocations);
	return test_summary();
}
