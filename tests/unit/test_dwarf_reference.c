/* SPDX-License-Identifier: MIT */
/*
 * Units written by hand (DWARF 4 and 5) through both compilers of functions and the index: names along origins and specifications, range lists
 * and their bases, units that overlap, damage that costs only its unit, references that lead nowhere.
 */

#include "symbols/dwarf_name.h"
#include "symbols/dwarf_constants.h"

#include "config.h"
#include "dwarf_bytes.h"

/* Abbreviations that all these units share. */
enum {
	CU = 1,                /* children: name string, low pc, high pc data4 */
	CU_RANGES = 2,         /* children: name string, low pc, ranges */
	CU_PLAIN = 3,          /* children: name string */
	FUNCTION = 4,          /* children: name string, low pc, high pc data4 */
	FUNCTION_RANGES = 5,   /* children: name string, ranges */
	FUNCTION_ORIGIN = 6,   /* children: abstract origin ref4, low pc, high pc data4 */
	FUNCTION_SPEC = 7,     /* children: specification ref4, low pc, high pc data4 */
	ABSTRACT = 8,          /* no children: name string, linkage name string */
	ABSTRACT_ORIGIN = 9,   /* no children: abstract origin ref4 */
	CALL = 10,             /* children: abstract origin ref4, low pc, high pc data4, call file, line, column data1 */
	CALL_FAR = 11,         /* no children: abstract origin ref_addr, low pc, high pc data4, call line data1 */
	CALL_ALT = 12,         /* no children: abstract origin GNU_ref_alt, low pc, high pc data4, call line data1 */
	FUNCTION_ALT = 13,     /* no children: name GNU_strp_alt, low pc, high pc data4 */
	ABSTRACT_UNNAMED = 14, /* no children: linkage name string, specification ref4 */
	UNKNOWN_FORM = 15,     /* no children: name, form 0x7777 */
	BLOCK = 16,            /* children: lexical block */
	PARTIAL = 17,          /* children: a partial unit */
};

static void put_decl(struct dwarf_buffer *out, unsigned code, unsigned tag, bool children, const unsigned *attrs)
{
	put_uleb(out, code);
	put_uleb(out, tag);
	put_u8(out, children);
	for (; attrs[0]; attrs += 2) {
		put_uleb(out, attrs[0]);
		put_uleb(out, attrs[1]);
	}
	put(out, "\0\0", 2);
}

#define NAME WB_AT_NAME, WB_FORM_STRING
#define LINKAGE WB_AT_LINKAGE_NAME, WB_FORM_STRING
#define LOW WB_AT_LOW_PC, WB_FORM_ADDR
#define HIGH WB_AT_HIGH_PC, WB_FORM_DATA4
#define RANGES WB_AT_RANGES, WB_FORM_SEC_OFFSET
#define ORIGIN WB_AT_ABSTRACT_ORIGIN, WB_FORM_REF4
#define SPECIFICATION WB_AT_SPECIFICATION, WB_FORM_REF4
#define LINE WB_AT_CALL_LINE, WB_FORM_DATA1
#define DECL(code, tag, children, ...) put_decl(out, code, tag, children, (const unsigned[]){ __VA_ARGS__, 0 })

static void put_abbrevs(struct object *object)
{
	struct dwarf_buffer *out = &object->m.by_id[WB_DWARF_ABBREV];

	DECL(CU, WB_TAG_COMPILE_UNIT, true, NAME, LOW, HIGH);
	DECL(CU_RANGES, WB_TAG_COMPILE_UNIT, true, NAME, LOW, RANGES);
	DECL(CU_PLAIN, WB_TAG_COMPILE_UNIT, true, NAME);
	DECL(FUNCTION, WB_TAG_SUBPROGRAM, true, NAME, LOW, HIGH);
	DECL(FUNCTION_RANGES, WB_TAG_SUBPROGRAM, true, NAME, RANGES);
	DECL(FUNCTION_ORIGIN, WB_TAG_SUBPROGRAM, true, ORIGIN, LOW, HIGH);
	DECL(FUNCTION_SPEC, WB_TAG_SUBPROGRAM, true, SPECIFICATION, LOW, HIGH);
	DECL(ABSTRACT, WB_TAG_SUBPROGRAM, false, NAME, LINKAGE);
	DECL(ABSTRACT_ORIGIN, WB_TAG_SUBPROGRAM, false, ORIGIN);
	DECL(CALL, WB_TAG_INLINED_SUBROUTINE, true, ORIGIN, LOW, HIGH, WB_AT_CALL_FILE, WB_FORM_DATA1, LINE, WB_AT_CALL_COLUMN, WB_FORM_DATA1);
	DECL(CALL_FAR, WB_TAG_INLINED_SUBROUTINE, false, WB_AT_ABSTRACT_ORIGIN, WB_FORM_REF_ADDR, LOW, HIGH, LINE);
	DECL(CALL_ALT, WB_TAG_INLINED_SUBROUTINE, false, WB_AT_ABSTRACT_ORIGIN, WB_FORM_GNU_REF_ALT, LOW, HIGH, LINE);
	DECL(FUNCTION_ALT, WB_TAG_SUBPROGRAM, false, WB_AT_NAME, WB_FORM_GNU_STRP_ALT, LOW, HIGH);
	DECL(ABSTRACT_UNNAMED, WB_TAG_SUBPROGRAM, false, LINKAGE, SPECIFICATION);
	DECL(BLOCK, 0x0b, true, 0);
	DECL(PARTIAL, WB_TAG_PARTIAL_UNIT, true, NAME);
	DECL(UNKNOWN_FORM, WB_TAG_SUBPROGRAM, false, WB_AT_NAME, 0x7777);
	put_u8(out, 0);
}

/* A unit in the making: entries count from `start`, the header's place. */
struct unit { struct dwarf_buffer *info; size_t start, length; };

static struct unit start_unit(struct object *object, unsigned version)
{
	struct unit unit = { .info = &object->m.by_id[WB_DWARF_INFO] };

	if (object->m.by_id[WB_DWARF_ABBREV].size == 0)
		put_abbrevs(object);
	unit.start = unit.info->size;
	unit.length = start_length(unit.info);
	put_uint(unit.info, version, 2);
	if (version >= 5)
		put(unit.info, "\1\10", 2);
	put_uint(unit.info, 0, 4);
	if (version < 5)
		put_u8(unit.info, 8);
	return unit;
}

static void end_unit(struct unit *unit)
{
	put_u8(unit->info, 0);
	end_length(unit->info, unit->length);
}

/* Each puts an entry and returns its offset from the unit's header. */
static uint32_t put_entry(struct unit *unit, unsigned code, const char *name)
{
	uint32_t at = (uint32_t)(unit->info->size - unit->start);

	put_uleb(unit->info, code);
	if (name)
		put_string(unit->info, name);
	return at;
}

static void put_code(struct unit *unit, uint64_t low, uint32_t size)
{
	put_uint(unit->info, low, 8);
	put_uint(unit->info, size, 4);
}

static uint32_t put_function(struct unit *unit, const char *name, uint64_t low, uint32_t size)
{
	uint32_t at = put_entry(unit, FUNCTION, name);

	put_code(unit, low, size);
	return at;
}

static uint32_t put_reference(struct unit *unit, unsigned code, uint32_t to)
{
	uint32_t at = put_entry(unit, code, NULL);

	put_uint(unit->info, to, 4);
	return at;
}

static void put_call(struct unit *unit, uint32_t origin, uint64_t low, uint32_t size, uint8_t line)
{
	put_reference(unit, CALL, origin);
	put_code(unit, low, size);
	put_u8(unit->info, 1);
	put_u8(unit->info, line);
	put_u8(unit->info, 9);
}

static void close_entry(struct unit *unit)
{
	put_u8(unit->info, 0);
}

static struct wb_text_range code_range = { 0x1000, 0x100000 };

/* Says which compiler is asked. */
static struct wb_session *session;

static struct wb_dwarf *open_dwarf(struct object *object)
{
	struct wb_dwarf_sections sections = object_sections(object);
	struct wb_text text = { .ranges = malloc(sizeof code_range), .num_ranges = 1 };
	struct wb_dwarf *dwarf = NULL;

	if (!text.ranges)
		exit(1);
	text.ranges[0] = code_range;
	CHECK_EQ_I64(wb_dwarf_new(session, &sections, &text, &dwarf), WB_OK);
	return dwarf;
}

/* "inner:line<outer" for an address: names innermost first ("?" unknown), each with the line it is called from in the next. "" for none. */
static void check_chain(struct wb_dwarf *dwarf, uint64_t pc, const char *expect)
{
	const struct wb_dwarf_sections *sections = wb_dwarf_sections_of(dwarf);
	struct wb_dwarf_hit hit = { .node = WB_NODE_NONE };
	char chain[256] = "";
	size_t n = 0;
	enum wb_err err = wb_dwarf_find(dwarf, pc, (struct wb_dwarf_use){ 1, true, true }, &hit);

	CHECK(err == WB_OK || err == WB_NONE);
	for (uint32_t at = hit.node; at != WB_NODE_NONE;) {
		const struct wb_functions *functions = hit.functions;
		const struct wb_node *node = wb_functions_node(functions, at);
		struct wb_function_name name = { WB_REF_NONE, WB_REF_NONE };
		const char *plain, *linkage;

		if (node->name != WB_NODE_NONE)
			CHECK(wb_dwarf_name(dwarf, wb_functions_name(functions, node->name), &name) == WB_OK);
		plain = wb_ref_text(sections, name.name);
		linkage = wb_ref_text(sections, name.linkage);

		n += (size_t)snprintf(chain + n, sizeof chain - n, "%s", plain ? plain : "?");
		if (linkage)
			n += (size_t)snprintf(chain + n, sizeof chain - n, "=%s", linkage);
		at = node->parent;
		if (at != WB_NODE_NONE)
			n += (size_t)snprintf(chain + n, sizeof chain - n, ":%u<", node->call_line);
	}
	CHECK_STR(chain, expect);
	wb_dwarf_release(&hit);
}

/* ---- Cases -------------------------------------------------------------------------------------------------------------- */

static void follows_origins(void)
{
	for (unsigned version = 4; version <= 5; version++) {
		struct object *object = object_new();
		struct unit unit = start_unit(object, version);
		uint32_t leaf, declared, middle, twice;

		put_entry(&unit, CU, "a.c");
		put_code(&unit, 0x1000, 0x1000);
		leaf = put_entry(&unit, ABSTRACT, "leaf");
		put_string(unit.info, "_Z4leafv");
		declared = put_entry(&unit, ABSTRACT, "declared");
		put_string(unit.info, "_Zdecl");
		middle = put_entry(&unit, ABSTRACT_UNNAMED, NULL);
		put_string(unit.info, "_Z6middlev");
		put_uint(unit.info, declared, 4);
		twice = put_reference(&unit, ABSTRACT_ORIGIN, leaf);
		put_function(&unit, "outer", 0x1000, 0x100);
		put_call(&unit, leaf, 0x1010, 0x10, 7);
		close_entry(&unit);
		put_entry(&unit, BLOCK, NULL);         /* calls in blocks are the function's */
		put_call(&unit, middle, 0x1040, 0x20, 8);
		put_call(&unit, twice, 0x1048, 4, 9);
		close_entry(&unit);
		close_entry(&unit);
		close_entry(&unit);
		close_entry(&unit);
		put_reference(&unit, FUNCTION_SPEC, declared);
		put_code(&unit, 0x1200, 0x10);
		close_entry(&unit);
		put_reference(&unit, FUNCTION_ORIGIN, leaf);
		put_code(&unit, 0x1300, 0x10);
		close_entry(&unit);
		end_unit(&unit);
		struct wb_dwarf *dwarf = open_dwarf(object);
		check_chain(dwarf, 0x1000, "outer");
		check_chain(dwarf, 0x1010, "leaf=_Z4leafv:7<outer");
		check_chain(dwarf, 0x1020, "outer");
		/* The nearest linkage name counts; the plain one comes from the specification. */
		check_chain(dwarf, 0x1040, "declared=_Z6middlev:8<outer");
		check_chain(dwarf, 0x1048, "leaf=_Z4leafv:9<declared=_Z6middlev:8<outer");
		check_chain(dwarf, 0x1060, "outer");
		check_chain(dwarf, 0x1100, "");
		check_chain(dwarf, 0x1200, "declared=_Zdecl");
		check_chain(dwarf, 0x1300, "leaf=_Z4leafv");
		CHECK_EQ_U64(object->num_diags, 0);
		wb_dwarf_free(dwarf);
		object_free(object);
	}
}

/* Link-time optimization and partial units: origins in units before and behind. */
static void follows_origins_into_other_units(void)
{
	struct object *object = object_new();
	struct unit unit = start_unit(object, 4);
	uint32_t first, third;
	size_t patch;

	put_entry(&unit, PARTIAL, "partial");
	first = (uint32_t)unit.start + put_entry(&unit, ABSTRACT, "before");
	put_string(unit.info, "_Zbefore");
	end_unit(&unit);
	unit = start_unit(object, 4);
	put_entry(&unit, CU, "a.c");
	put_code(&unit, 0x1000, 0x1000);
	put_function(&unit, "outer", 0x1000, 0x100);
	put_entry(&unit, CALL_FAR, NULL);
	put_uint(unit.info, first, 4);
	put_code(&unit, 0x1010, 0x10);
	put_u8(unit.info, 5);
	put_entry(&unit, CALL_FAR, NULL);
	patch = unit.info->size;
	put_uint(unit.info, 0, 4);
	put_code(&unit, 0x1020, 0x10);
	put_u8(unit.info, 6);
	close_entry(&unit);
	end_unit(&unit);
	unit = start_unit(object, 5);
	put_entry(&unit, CU_PLAIN, "b.c");
	third = (uint32_t)unit.start + put_entry(&unit, ABSTRACT, "behind");
	put_string(unit.info, "_Zbehind");
	end_unit(&unit);
	for (size_t i = 0; i < 4; i++)
		object->m.by_id[WB_DWARF_INFO].bytes[patch + i] = (uint8_t)(third >> 8 * i);
	struct wb_dwarf *dwarf = open_dwarf(object);
	check_chain(dwarf, 0x1010, "before=_Zbefore:5<outer");
	check_chain(dwarf, 0x1020, "behind=_Zbehind:6<outer");
	CHECK_EQ_U64(object->num_diags, 0);
	wb_dwarf_free(dwarf);
	object_free(object);
}

/* A cycle, a reference into the middle of an entry, one to nowhere, one into a supplementary file: calls without a name, never a wrong one. */
static void names_nothing_by_broken_references(void)
{
	struct object *object = object_new();
	struct unit unit = start_unit(object, 4);
	uint32_t cycle, named;

	put_entry(&unit, CU, "a.c");
	put_code(&unit, 0x1000, 0x1000);
	cycle = (uint32_t)(unit.info->size - unit.start);
	put_reference(&unit, ABSTRACT_ORIGIN, cycle);
	named = put_entry(&unit, ABSTRACT, "named");
	put_string(unit.info, "");
	put_function(&unit, "outer", 0x1000, 0x100);
	put_call(&unit, cycle, 0x1010, 4, 1);
	close_entry(&unit);
	put_call(&unit, named + 1, 0x1014, 4, 2);
	close_entry(&unit);
	put_call(&unit, 0x7fffffff, 0x1018, 4, 3);
	close_entry(&unit);
	put_entry(&unit, CALL_ALT, NULL);
	put_uint(unit.info, named, 4);
	put_code(&unit, 0x101c, 4);
	put_u8(unit.info, 4);
	close_entry(&unit);
	put_entry(&unit, FUNCTION_ALT, NULL);
	put_uint(unit.info, 0, 4);
	put_code(&unit, 0x1200, 0x10);
	end_unit(&unit);
	struct wb_dwarf *dwarf = open_dwarf(object);
	check_chain(dwarf, 0x1010, "?:1<outer");
	check_chain(dwarf, 0x1014, "?:2<outer");
	check_chain(dwarf, 0x1018, "?:3<outer");
	check_chain(dwarf, 0x101c, "?:4<outer");
	check_chain(dwarf, 0x1200, "?");
	CHECK(object->num_diags == 1 && object->last_diag == WB_DIAG_DWARF_UNSUPPORTED); /* the supplementary file */
	wb_dwarf_free(dwarf);
	object_free(object);
}

/* DWARF 4: pairs count from the unit's low pc, then from a base entry. DWARF 5: only offset pairs do; the others are absolute. */
static void reads_range_lists(void)
{
	struct object *object = object_new();
	struct dwarf_buffer *ranges = &object->m.by_id[WB_DWARF_RANGES], *rnglists = &object->m.by_id[WB_DWARF_RNGLISTS];
	struct unit unit = start_unit(object, 4);
	static const uint64_t pairs[] = { 0x10, 0x20, 0x30, 0x30, 0x50, 0x40, UINT64_MAX, 0x8000, 0x100, 0x110, 0, 0 };

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		put_uint(ranges, pairs[i], 8);
	put_entry(&unit, CU_RANGES, "a.c");
	put_uint(unit.info, 0x1000, 8);
	put_uint(unit.info, 0, 4);
	put_entry(&unit, FUNCTION_RANGES, "old");
	put_uint(unit.info, 0, 4);
	close_entry(&unit);
	end_unit(&unit);
	put_uint(rnglists, 0, 4);              /* so that offset 0 is nothing */
	put(rnglists, "\4\20\40", 3);          /* offset pair 0x10, 0x20 from 0x2000 */
	put_u8(rnglists, WB_RLE_START_LENGTH);
	put_uint(rnglists, 0x9000, 8);
	put_uleb(rnglists, 0x10);
	put_u8(rnglists, WB_RLE_BASE_ADDRESS);
	put_uint(rnglists, 0xa000, 8);
	put(rnglists, "\4\0\10\4\5\5", 6);     /* 0xa000 to 0xa008; an empty one */
	put_u8(rnglists, WB_RLE_START_END);
	put_uint(rnglists, 0x4000, 8);
	put_uint(rnglists, 0x4010, 8);
	put_u8(rnglists, WB_RLE_END_OF_LIST);
	unit = start_unit(object, 5);
	put_entry(&unit, CU_RANGES, "b.c");
	put_uint(unit.info, 0x2000, 8);
	put_uint(unit.info, 4, 4);
	put_entry(&unit, FUNCTION_RANGES, "new");
	put_uint(unit.info, 4, 4);
	close_entry(&unit);
	end_unit(&unit);
	struct wb_dwarf *dwarf = open_dwarf(object);
	static const struct { uint64_t pc; const char *chain; } probes[] = {
		{ 0x100f, "" }, { 0x1010, "old" }, { 0x101f, "old" }, { 0x1020, "" }, { 0x1030, "" }, { 0x1048, "" }, { 0x8100, "old" }, { 0x810f, "old" },
		{ 0x8110, "" }, { 0x9100, "" }, { 0x200f, "" }, { 0x2010, "new" }, { 0x2020, "" }, { 0x9000, "new" }, { 0x900f, "new" }, { 0x9010, "" },
		{ 0xb000, "" }, { 0xa000, "new" }, { 0xa008, "" }, { 0x4000, "new" }, { 0x4010, "" }, { 0x6000, "" },
	};
	for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
		check_chain(dwarf, probes[i].pc, probes[i].chain);
	wb_dwarf_free(dwarf);
	object_free(object);
}

/* Units overlap; the garbage one at 0 claims low addresses of code that is another's. */
static void asks_every_unit_that_may_know(void)
{
	struct object *object = object_new();
	struct unit unit = start_unit(object, 4);

	put_entry(&unit, CU, "wide.c");
	put_code(&unit, 0x1000, 0x8000);
	put_function(&unit, "in_wide", 0x4000, 0x10);
	close_entry(&unit);
	end_unit(&unit);
	unit = start_unit(object, 4);
	put_entry(&unit, CU, "narrow.c");
	put_code(&unit, 0x3000, 0x2000);
	put_function(&unit, "in_narrow", 0x3000, 0x10);
	close_entry(&unit);
	end_unit(&unit);
	unit = start_unit(object, 4);
	put_entry(&unit, CU, "dead.c");
	put_code(&unit, 0, 0x20000);
	put_function(&unit, "dead", 0, 0x20000);
	close_entry(&unit);
	end_unit(&unit);
	struct wb_dwarf *dwarf = open_dwarf(object);
	check_chain(dwarf, 0x3000, "in_narrow");
	check_chain(dwarf, 0x4000, "in_wide");
	check_chain(dwarf, 0x5000, "");
	check_chain(dwarf, 0xa000, "");
	wb_dwarf_free(dwarf);
	object_free(object);
}

/* .debug_aranges that knows the first unit's first half only, and the second unit not at all. */
static void mistrusts_aranges(void)
{
	struct object *object = object_new();
	struct dwarf_buffer *aranges = &object->m.by_id[WB_DWARF_ARANGES];
	struct unit unit = start_unit(object, 4);
	size_t set;

	put_entry(&unit, CU, "a.c");
	put_code(&unit, 0x1000, 0x1000);
	put_function(&unit, "listed", 0x1000, 0x10);
	close_entry(&unit);
	put_function(&unit, "not_listed", 0x1800, 0x10);
	close_entry(&unit);
	end_unit(&unit);
	unit = start_unit(object, 4);
	put_entry(&unit, CU, "b.c");
	put_code(&unit, 0x3000, 0x1000);
	put_function(&unit, "unit_not_listed", 0x3000, 0x10);
	close_entry(&unit);
	end_unit(&unit);
	set = start_length(aranges);
	put_uint(aranges, 2, 2);
	put_uint(aranges, 0, 4);
	put(aranges, "\10\0\0\0\0\0", 6);      /* address size 8, segments 0, 4 bytes of padding to 16 */
	put_uint(aranges, 0x1000, 8);
	put_uint(aranges, 0x800, 8);
	put_uint(aranges, 0, 16);
	end_length(aranges, set);
	struct wb_dwarf *dwarf = open_dwarf(object);
	check_chain(dwarf, 0x1000, "listed");
	check_chain(dwarf, 0x1800, "not_listed");
	check_chain(dwarf, 0x3000, "unit_not_listed");
	check_chain(dwarf, 0x9000, "");
	wb_dwarf_free(dwarf);
	object_free(object);
}

/* The second of three units is damaged in some way; the others never notice. */
static void damage_costs_one_unit(void)
{
	static const char *const kinds[] = { "unknown abbreviation", "entries not closed", "unknown form", "cut by its length", "unknown version" };

	for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
		struct object *object = object_new();
		struct wb_dwarf *dwarf;
		struct wb_dwarf_hit hit;

		test_row(kinds[kind]);
		for (unsigned i = 0; i < 3; i++) {
			char name[8] = { 'f', (char)('0' + i) };
			struct unit unit = start_unit(object, 4);

			put_entry(&unit, CU, "a.c");
			put_code(&unit, 0x1000 + i * 0x1000, 0x1000);
			put_function(&unit, name, 0x1000 + i * 0x1000, 0x10);
			close_entry(&unit);
			if (i == 1 && kind == 0)
				put_uleb(unit.info, 99);
			if (i == 1 && kind == 1)
				put_function(&unit, "open", 0x2100, 0x10);
			if (i == 1 && kind == 2)
				put_uleb(unit.info, UNKNOWN_FORM);
			if (i == 1 && kind == 3)
				put(unit.info, "\4cu", 3);
			if (i == 1 && kind == 3)
				end_length(unit.info, unit.length);
			else
				end_unit(&unit);
			if (i == 1 && kind == 4)
				unit.info->bytes[unit.length] = 9;
		}
		dwarf = open_dwarf(object);
		check_chain(dwarf, 0x1000, "f0");
		check_chain(dwarf, 0x2000, "");
		check_chain(dwarf, 0x3000, "f2");
		CHECK_EQ_U64(object->num_diags, 1);
		CHECK_EQ_U64(object->last_diag, kind == 2 || kind == 4 ? WB_DIAG_DWARF_UNSUPPORTED : WB_DIAG_DWARF_MALFORMED);
		if (kind < 4) {
			REQUIRE(wb_dwarf_find(dwarf, 0x2000, (struct wb_dwarf_use){ 2, true, true }, &hit) == WB_OK);
			CHECK_EQ_I64(hit.functions_err, kind == 2 ? WB_ERR_UNSUPPORTED : WB_ERR_DATA);
			wb_dwarf_release(&hit);
		}
		wb_dwarf_free(dwarf);
		object_free(object);
	}
	test_row(NULL);
}

/* Cut anywhere: what is found stays right. */
static void survives_every_cut(void)
{
	struct object *object = object_new();
	struct unit unit = start_unit(object, 4);
	size_t whole, first_end;

	put_entry(&unit, CU, "a.c");
	put_code(&unit, 0x1000, 0x1000);
	put_function(&unit, "first", 0x1000, 0x10);
	close_entry(&unit);
	end_unit(&unit);
	first_end = unit.info->size;
	unit = start_unit(object, 5);
	put_entry(&unit, CU, "b.c");
	put_code(&unit, 0x2000, 0x1000);
	put_function(&unit, "second", 0x2000, 0x10);
	close_entry(&unit);
	end_unit(&unit);
	whole = unit.info->size;
	for (size_t size = 0; size <= whole; size++) {
		struct wb_dwarf *dwarf;

		object->m.by_id[WB_DWARF_INFO].size = size;
		dwarf = open_dwarf(object);
		check_chain(dwarf, 0x1000, size >= first_end ? "first" : "");
		check_chain(dwarf, 0x2000, size == whole ? "second" : "");
		wb_dwarf_free(dwarf);
	}
	object->m.by_id[WB_DWARF_INFO].size = whole;
	for (size_t size = 0; size < object->m.by_id[WB_DWARF_ABBREV].size; size++) {
		struct object *cut = object_new();
		struct wb_dwarf *dwarf;

		for (unsigned i = 0; i < WB_DWARF_SECTIONS; i++)
			put(&cut->m.by_id[i], object->m.by_id[i].bytes, object->m.by_id[i].size);
		cut->m.by_id[WB_DWARF_ABBREV].size = size;
		dwarf = open_dwarf(cut);
		check_chain(dwarf, 0x1000, "");
		wb_dwarf_free(dwarf);
		object_free(cut);
	}
	object_free(object);
}

/* Tables can be dropped and are made again; who holds one keeps it. */
static void drops_tables(void)
{
	struct object *object = object_new();
	struct unit unit = start_unit(object, 4);
	struct wb_dwarf_hit hit;
	struct wb_dwarf *dwarf;
	uint64_t stamp;
	size_t found;

	put_entry(&unit, CU, "a.c");
	put_code(&unit, 0x1000, 0x1000);
	put_function(&unit, "first", 0x1000, 0x10);
	close_entry(&unit);
	end_unit(&unit);
	dwarf = open_dwarf(object);
	CHECK(!wb_dwarf_oldest(dwarf, &found, &stamp));
	REQUIRE(wb_dwarf_find(dwarf, 0x1000, (struct wb_dwarf_use){ 77, true, true }, &hit) == WB_OK);
	REQUIRE(wb_dwarf_oldest(dwarf, &found, &stamp));
	CHECK_EQ_U64(stamp, 77);
	CHECK_EQ_U64(wb_dwarf_drop(dwarf, found), hit.table->bytes);
	CHECK(!wb_dwarf_oldest(dwarf, &found, &stamp));
	CHECK_EQ_U64(wb_functions_find(hit.table->functions, 0x1000), hit.node);
	wb_dwarf_release(&hit);
	check_chain(dwarf, 0x1000, "first");
	wb_dwarf_free(dwarf);
	object_free(object);
}

static void run_policy(enum wb_dwarf_policy policy)
{
	struct wb_session_opts opts = { .size = sizeof opts, .dwarf = (uint8_t)policy };

	REQUIRE(wb_session_new(&opts, &session) == WB_OK);
	TEST_RUN(follows_origins);
	TEST_RUN(follows_origins_into_other_units);
	TEST_RUN(names_nothing_by_broken_references);
	TEST_RUN(reads_range_lists);
	TEST_RUN(asks_every_unit_that_may_know);
	TEST_RUN(mistrusts_aranges);
	TEST_RUN(damage_costs_one_unit);
	TEST_RUN(survives_every_cut);
	TEST_RUN(drops_tables);
	wb_session_free(session);
}

int main(void)
{
	run_policy(WB_DWARF_FAST);
	if (WB_HAVE_LIBDWARF)
		run_policy(WB_DWARF_REFERENCE);
	return test_summary();
}
