/* SPDX-License-Identifier: MIT */
/* The pass over a unit's entries (DWARF 5, 2.3 and 7.5.3), and names along abstract origins and specifications. */
#include "symbols/dwarf_scan.h"

#include "base/mem.h"

#include <string.h>

enum {
	DEPTH_MAX = 1024,             /* entries in entries; deeply nested templates and blocks reach about 50 */
	ORIGINS_MAX = 16,             /* abstract origins and specifications in a row, as other readers allow; real chains have 3 */
	ATTRS_PER_BYTE = 8,           /* attributes read per byte of the unit: an entry's take none if it is made for it */
	ATTRS_MIN = 1 << 20,          /* and those of entries in other units, which names lead to */
	AHEAD = 1024,                 /* bytes to have the processor fetch before they are needed: jumps over siblings hide from it what comes */
	FAR_UNITS = 64,               /* other units at hand at a time; link-time optimization makes units refer to many */
};

/* What is above the entry at hand. */
struct level {
	uint32_t node;                /* the function or call whose calls are here; WB_NODE_NONE: nobody's */
	uint8_t scope;                /* enum wb_scope */
};

/* A unit that entries are read of: the one that is compiled, or one that a reference leads to. */
struct reader {
	struct wb_unit_source source; /* dwarf NULL: free */
	const struct wb_plans *plans;
};

struct scan {
	struct reader own;            /* of the unit that is compiled */
	struct reader *far;           /* of other units, by their number: FAR_UNITS; NULL: none needed yet */
	struct wb_functions_builder *builder;
	struct wb_bytes b;            /* of the section, up to the unit's end */
	uint64_t base;                /* of range lists */
	uint64_t ranges_budget, attrs_budget;
	struct wb_ranges ranges;      /* of the entry at hand */
	struct known_name { struct wb_dwarf *dwarf; uint64_t offset; uint32_t name; } *names; /* by origin: open addressing, a power of two */
	size_t names_capacity, num_names;
	bool is_c;
	size_t depth;
	struct level levels[DEPTH_MAX];
};

static enum wb_err complain(const struct scan *scan, enum wb_err err, uint64_t offset, const char *what)
{
	const struct wb_dwarf_sections *sections = &scan->own.source.sections;

	return wb_diag_report(sections->diags, err, err == WB_ERR_UNSUPPORTED ? WB_DIAG_DWARF_UNSUPPORTED : WB_DIAG_DWARF_MALFORMED, sections->path,
	                      ".debug_info", offset, "%s", what);
}

/* Reads the values of an entry, which b is moved over. */
static enum wb_err read_values(struct scan *scan, const struct reader *reader, const struct wb_plan *plan, struct wb_bytes *b,
                               struct wb_plan_values *ret_values)
{
	uint64_t cost = wb_plan_cost(reader->plans, plan);

	if (cost > scan->attrs_budget)
		return WB_ERR_LIMIT;
	scan->attrs_budget -= cost;
	if (!wb_plan_read(reader->plans, plan, b, ret_values))
		return WB_ERR_UNSUPPORTED;
	return wb_bytes_failed(b) ? WB_ERR_DATA : WB_OK;
}

static bool is_there(const struct wb_plan_values *values, enum wb_plan_slot slot)
{
	return values->of[slot].class != WB_FORM_CLASS_NONE;
}

/* ---- Names ------------------------------------------------------------------------------------------------------------------ */

static uint64_t string_of(const struct reader *reader, const struct wb_form_value *value)
{
	if (value->class == WB_FORM_CLASS_NONE)
		return WB_REF_NONE;
	return wb_ref_of_value(&reader->source.sections, reader->source.header, &reader->source.root, value);
}

/* The entry that tells what an entry does not: its origin, or what it specifies. WB_NONE: there is none, or it is not had. */
static enum wb_err origin_of(const struct reader *reader, const struct wb_plan_values *values, struct wb_entry_place *ret_place)
{
	const struct wb_unit_source *source = &reader->source;

	if (is_there(values, WB_PLAN_ORIGIN) && wb_unit_resolve(source, &values->of[WB_PLAN_ORIGIN], ret_place) == WB_OK)
		return WB_OK;
	if (is_there(values, WB_PLAN_SPECIFICATION) && wb_unit_resolve(source, &values->of[WB_PLAN_SPECIFICATION], ret_place) == WB_OK)
		return WB_OK;
	if (values->of[WB_PLAN_ORIGIN].class == WB_FORM_CLASS_REF_ALT || values->of[WB_PLAN_SPECIFICATION].class == WB_FORM_CLASS_REF_ALT)
		wb_diag_report(source->sections.diags, WB_OK, WB_DIAG_DWARF_UNSUPPORTED, source->sections.path, ".debug_info",
		               source->header->offset, "names are in a supplementary file that is not had");
	return WB_NONE;
}

/* WB_NONE: nobody can read entries of that unit. The reader is good until the next call. */
static enum wb_err reader_of(struct scan *scan, const struct wb_entry_place *place, const struct reader **ret_reader)
{
	struct reader *reader = &scan->own;
	enum wb_err err = WB_OK;

	if (place->unit == reader->source.unit && place->dwarf == reader->source.dwarf) {
		*ret_reader = reader;
		return WB_OK;
	}
	if (!scan->far)
		scan->far = wb_mem_zalloc(FAR_UNITS, sizeof *scan->far);
	if (!scan->far)
		return WB_ERR_MEMORY;
	reader = &scan->far[place->unit % FAR_UNITS];
	if (reader->source.dwarf != place->dwarf || reader->source.unit != place->unit) {
		err = wb_unit_source_init(&reader->source, place->dwarf, place->unit);
		if (!err)
			err = wb_dwarf_plans(&reader->source, &reader->plans);
		if (err)
			reader->source.dwarf = NULL;
	}
	if (!err)
		*ret_reader = reader;
	return err && err != WB_ERR_MEMORY ? WB_NONE : err;
}

/* WB_NONE: there is no entry, as far as can be seen without walking its unit. */
static enum wb_err read_entry(struct scan *scan, const struct reader *reader, uint64_t offset, struct wb_plan_values *ret_values)
{
	const struct wb_unit_header *unit = reader->source.header;
	struct wb_bytes b = wb_dwarf_bytes(&reader->source.sections, WB_DWARF_INFO);
	const struct wb_plan *plan;
	enum wb_err err;

	b.end = b.start + unit->offset + unit->size;
	if (offset - unit->offset < unit->die_offset || !wb_bytes_seek(&b, offset))
		return WB_NONE;
	plan = wb_plans_find(reader->plans, wb_bytes_uleb(&b));
	if (!plan)
		return WB_NONE;
	err = read_values(scan, reader, plan, &b, ret_values);
	return err == WB_ERR_DATA || err == WB_ERR_UNSUPPORTED ? WB_NONE : err;
}

/* Follows origins and specifications for what is missing yet; the nearest name counts (DWARF 5, 2.13.2 and 3.3.8.2). */
static enum wb_err follow_origins(struct scan *scan, const struct wb_plan_values *start, struct wb_function_name *ret_name)
{
	struct wb_function_name name = { string_of(&scan->own, &start->of[WB_PLAN_NAME]), string_of(&scan->own, &start->of[WB_PLAN_LINKAGE]) };
	const struct reader *reader = &scan->own;
	struct wb_plan_values values = *start;

	for (unsigned i = 0; i < ORIGINS_MAX && (name.name == WB_REF_NONE || name.linkage == WB_REF_NONE); i++) {
		struct wb_entry_place place;
		enum wb_err err = origin_of(reader, &values, &place);

		if (!err)
			err = reader_of(scan, &place, &reader);
		if (!err)
			err = read_entry(scan, reader, place.offset, &values);
		if (err == WB_NONE)
			break;
		if (err)
			return err;
		if (name.name == WB_REF_NONE)
			name.name = string_of(reader, &values.of[WB_PLAN_NAME]);
		if (name.linkage == WB_REF_NONE)
			name.linkage = string_of(reader, &values.of[WB_PLAN_LINKAGE]);
	}
	*ret_name = name;
	return WB_OK;
}

static size_t name_place(const struct scan *scan, const struct wb_dwarf *dwarf, uint64_t offset)
{
	uint64_t hash = (offset + (uintptr_t)dwarf) * UINT64_C(0x9e3779b97f4a7c15);
	size_t mask = scan->names_capacity - 1, at = (size_t)(hash >> 32) & mask;

	while (scan->names[at].dwarf && (scan->names[at].offset != offset || scan->names[at].dwarf != dwarf))
		at = (at + 1) & mask;
	return at;
}

static bool grow_names(struct scan *scan)
{
	size_t old_capacity = scan->names_capacity, capacity = old_capacity ? old_capacity * 2 : 256;
	struct known_name *old = scan->names, *names;

	if (scan->num_names < old_capacity / 4 * 3)
		return true;
	names = wb_mem_zalloc(capacity, sizeof *names);
	if (!names)
		return false;
	scan->names = names;
	scan->names_capacity = capacity;
	for (size_t i = 0; i < old_capacity; i++)
		if (old[i].dwarf)
			names[name_place(scan, old[i].dwarf, old[i].offset)] = old[i];
	wb_mem_free(old);
	return true;
}

static enum wb_err add_name(struct scan *scan, const struct wb_plan_values *values, uint32_t *ret_name)
{
	struct wb_function_name name;
	enum wb_err err = follow_origins(scan, values, &name);

	*ret_name = WB_NODE_NONE;
	if (err || (name.name == WB_REF_NONE && name.linkage == WB_REF_NONE))
		return err;
	return wb_functions_add_name(scan->builder, name.name, name.linkage, ret_name);
}

/* The index of an entry's name. Many inlined calls share an origin, which is followed once. */
static enum wb_err name_of(struct scan *scan, const struct wb_plan_values *values, uint32_t *ret_name)
{
	struct wb_entry_place origin;
	struct known_name *known;
	enum wb_err err;

	if (is_there(values, WB_PLAN_NAME) || is_there(values, WB_PLAN_LINKAGE) ||
	    !is_there(values, WB_PLAN_ORIGIN) || wb_unit_resolve(&scan->own.source, &values->of[WB_PLAN_ORIGIN], &origin) != WB_OK)
		return add_name(scan, values, ret_name);
	if (!grow_names(scan))
		return WB_ERR_MEMORY;
	known = &scan->names[name_place(scan, origin.dwarf, origin.offset)];
	if (!known->dwarf) {
		err = add_name(scan, values, &known->name);
		if (err)
			return err;
		known->dwarf = origin.dwarf;
		known->offset = origin.offset;
		scan->num_names++;
	}
	*ret_name = known->name;
	return WB_OK;
}

/* ---- Functions and calls ---------------------------------------------------------------------------------------------------------- */

static bool address_of(const struct scan *scan, const struct wb_form_value *value, uint64_t *ret_address)
{
	return (value->class == WB_FORM_CLASS_ADDRESS || value->class == WB_FORM_CLASS_ADDRESS_INDEX) &&
	       wb_unit_address(&scan->own.source.sections, scan->own.source.header, &scan->own.source.root, value, ret_address);
}

static bool is_list(const struct wb_form_value *value)
{
	return value->class == WB_FORM_CLASS_OFFSET || value->class == WB_FORM_CLASS_CONSTANT || value->class == WB_FORM_CLASS_LIST_INDEX;
}

/* Damaged lists count as empty: the entry stays without code. */
static enum wb_err read_ranges(struct scan *scan, const struct wb_plan_values *values)
{
	const struct wb_unit_source *source = &scan->own.source;
	struct wb_ranges *ranges = &scan->ranges;
	uint64_t low, high;

	ranges->count = 0;
	if (is_list(&values->of[WB_PLAN_RANGES])) {
		enum wb_err err = wb_ranges_read(ranges, &source->sections, source->header, &source->root, &values->of[WB_PLAN_RANGES], scan->base,
		                                 &scan->ranges_budget);

		return err == WB_ERR_DATA ? WB_OK : err;
	}
	if (!address_of(scan, &values->of[WB_PLAN_LOW], &low))
		return WB_OK;
	if (values->of[WB_PLAN_HIGH].class == WB_FORM_CLASS_CONSTANT)
		high = low + values->of[WB_PLAN_HIGH].value;
	else if (!address_of(scan, &values->of[WB_PLAN_HIGH], &high))
		return WB_OK;
	if (low >= high)
		return WB_OK;
	if (!wb_mem_grow((void **)&ranges->items, &ranges->capacity, 0, 1, sizeof *ranges->items))
		return WB_ERR_MEMORY;
	ranges->items[ranges->count++] = (struct wb_range){ low, high };
	return WB_OK;
}

/* DWARF 5, 2.18: where a function is entered, if it is not where its first range starts. An offset counts from there. */
static uint64_t entry_of(const struct scan *scan, const struct wb_plan_values *values)
{
	uint64_t entry;

	if (address_of(scan, &values->of[WB_PLAN_LOW], &entry) || address_of(scan, &values->of[WB_PLAN_ENTRY], &entry))
		return entry;
	return values->of[WB_PLAN_ENTRY].class == WB_FORM_CLASS_CONSTANT ? scan->ranges.items[0].start + values->of[WB_PLAN_ENTRY].value : UINT64_MAX;
}

static enum wb_err add_function(struct scan *scan, const struct wb_plan_values *values, uint32_t *ret_node)
{
	uint32_t name;
	enum wb_err err;

	if (scan->ranges.count == 0)
		return WB_OK;
	err = name_of(scan, values, &name);
	if (err)
		return err;
	return wb_functions_add_function(scan->builder, name, entry_of(scan, values), &scan->ranges, ret_node);
}

static uint32_t limited(const struct wb_form_value *value, uint32_t most)
{
	return value->class == WB_FORM_CLASS_CONSTANT && value->value <= most ? (uint32_t)value->value : 0;
}

static enum wb_err add_call(struct scan *scan, const struct wb_plan_values *values, uint32_t parent, uint32_t *ret_node)
{
	struct wb_node node = {
		.parent = parent, .call_file = limited(&values->of[WB_PLAN_CALL_FILE], WB_LINES_FILE_MAX), .call_line = limited(&values->of[WB_PLAN_CALL_LINE], WB_LINES_LINE_MAX),
		.call_column = limited(&values->of[WB_PLAN_CALL_COLUMN], WB_LINES_COLUMN_MAX),
	};
	enum wb_err err = name_of(scan, values, &node.name);

	return err ? err : wb_functions_add_call(scan->builder, &node, &scan->ranges, ret_node);
}

/* A function that says where its code is, or a call in one that has some. *ret_node stays if it was discarded. */
static enum wb_err add_code(struct scan *scan, const struct wb_plan *plan, uint32_t parent, uint32_t *ret_node)
{
	struct wb_plan_values values;
	enum wb_err err = read_values(scan, &scan->own, plan, &scan->b, &values);

	if (!err)
		err = read_ranges(scan, &values);
	if (err)
		return err;
	return plan->kind == WB_PLAN_CALL ? add_call(scan, &values, parent, ret_node) : add_function(scan, &values, ret_node);
}

/* ---- The pass ------------------------------------------------------------------------------------------------------------------------ */

static enum wb_err open_level(struct scan *scan, const struct level *level, uint64_t at)
{
	if (scan->depth == DEPTH_MAX)
		return complain(scan, WB_ERR_DATA, at, "entries are nested too deeply");
	scan->levels[scan->depth++] = *level;
	return WB_OK;
}

/* Steps over all that is in an entry, if it says where that ends. */
static bool skip_children(struct scan *scan, const struct wb_plan *plan)
{
	uint64_t sibling;

	if (plan->sibling_size == 0)
		return false;
	sibling = scan->own.source.header->offset + wb_plan_sibling(plan, &scan->b);
	return sibling > wb_bytes_offset(&scan->b) && sibling <= wb_bytes_size(&scan->b) && wb_bytes_seek(&scan->b, sibling);
}

/* Moves over an entry's values, which are read if it has code that counts. inside: as above it, becomes what is inside. */
static enum wb_err take_values(struct scan *scan, const struct wb_plan *plan, struct level *inside)
{
	uint32_t above = inside->node;

	if (plan->kind == WB_PLAN_FUNCTION)
		inside->node = WB_NODE_NONE;
	if (plan->kind != WB_PLAN_OTHER && inside->scope != WB_SCOPE_CLOSED &&
	    (plan->kind == WB_PLAN_FUNCTION ? plan->has_code : above != WB_NODE_NONE))
		return add_code(scan, plan, above, &inside->node);
	return wb_plan_skip(scan->own.plans, plan, &scan->b) ? WB_OK : WB_ERR_UNSUPPORTED;
}

/* An entry at offset `at` whose code was read. */
static enum wb_err visit(struct scan *scan, const struct wb_plan *plan, uint64_t at)
{
	struct level inside = scan->levels[scan->depth - 1];
	enum wb_err err = take_values(scan, plan, &inside);

	if (err == WB_ERR_UNSUPPORTED)
		return complain(scan, err, at, "attribute of a form that is not known");
	if (err == WB_ERR_LIMIT)
		return complain(scan, err, at, "unit's range lists or attributes are too many");
	if (err == WB_ERR_DATA || (!err && wb_bytes_failed(&scan->b)))
		return complain(scan, WB_ERR_DATA, at, "entry goes past the end of its unit");
	if (err || !plan->has_children)
		return err;
	inside.scope = (uint8_t)wb_scope_inside((enum wb_scope)inside.scope, (enum wb_scope_effect)plan->effect, scan->is_c);
	if (inside.scope == WB_SCOPE_CLOSED && skip_children(scan, plan))
		return WB_OK;
	return open_level(scan, &inside, at);
}

/* Goes over entries of fixed size that nothing is in and nothing is to be known of, most of a unit: ends before the first that may be another. */
static void skip_plain(const struct wb_plans *plans, struct wb_bytes *b)
{
	const struct wb_plan *const table = plans->plans;
	const size_t count = plans->abbrevs.is_dense ? plans->abbrevs.num_decls : 0;
	const uint8_t *at = b->at, *const end = b->end;

	while (end - at >= 2) { /* an entry takes a byte at least */
		size_t code = at[0], code_size = 1;
		const struct wb_plan *plan;

		__builtin_prefetch((const void *)((uintptr_t)at + AHEAD));
		if (code >= 0x80) {
			code = (code & 0x7f) | (size_t)at[1] << 7;
			code_size = 2;
		}
		if (code - 1 >= count || at[code_size - 1] >= 0x80)
			break;
		plan = &table[code - 1];
		if (!plan->is_plain || (size_t)(end - at) - code_size < plan->fixed)
			break;
		at += code_size + plan->fixed;
	}
	b->at = at;
}

static enum wb_err scan_entries(struct scan *scan)
{
	enum wb_err err = WB_OK;

	scan->levels[scan->depth++] = (struct level){ WB_NODE_NONE, WB_SCOPE_OUTER };
	do {
		const struct wb_plan *plan;
		uint64_t at, code;

		skip_plain(scan->own.plans, &scan->b);
		at = wb_bytes_offset(&scan->b);
		code = wb_bytes_uleb_2(&scan->b);
		plan = wb_plans_find(scan->own.plans, code);
		if (wb_bytes_failed(&scan->b) || (code == 0 && scan->depth == 1))
			return complain(scan, WB_ERR_DATA, at, "unit ends inside its entries");
		if (code == 0)
			scan->depth--;
		else if (plan)
			err = visit(scan, plan, at);
		else
			err = complain(scan, WB_ERR_DATA, at, "entry of an abbreviation that is not declared");
	} while (!err && scan->depth > 1);
	return err;
}

static void start(struct scan *scan, const struct wb_unit_source *source, struct wb_functions_builder *builder)
{
	const struct wb_unit_header *unit = source->header;

	memset(scan, 0, offsetof(struct scan, levels));
	scan->own.source = *source;
	scan->builder = builder;
	scan->base = wb_ranges_base(&source->sections, unit, &source->root);
	scan->ranges_budget = wb_ranges_budget(&source->sections);
	scan->attrs_budget = unit->size * ATTRS_PER_BYTE + ATTRS_MIN;
	scan->is_c = wb_language_is_c(source->root.language);
	scan->b = wb_dwarf_bytes(&source->sections, WB_DWARF_INFO);
	scan->b.end = scan->b.start + unit->offset + unit->size;
	wb_bytes_seek(&scan->b, unit->offset + unit->die_offset);
}

enum wb_err wb_scan_functions(const struct wb_unit_source *source, struct wb_functions_builder *builder)
{
	struct scan *scan = wb_mem_alloc(sizeof *scan);
	enum wb_err err;

	if (!scan)
		return WB_ERR_MEMORY;
	start(scan, source, builder);
	err = wb_dwarf_plans(source, &scan->own.plans);
	if (!err)
		err = scan_entries(scan);
	wb_ranges_deinit(&scan->ranges);
	wb_mem_free(scan->names);
	wb_mem_free(scan->far);
	wb_mem_free(scan);
	return err;
}
