/* SPDX-License-Identifier: MIT */
/* The pass over a unit's entries (DWARF 5, 2.3 and 7.5.3). */
#include "symbols/dwarf_scan.h"

#include "base/mem.h"
#include "symbols/dwarf.h"
#include "symbols/dwarf_scope.h"

#include <string.h>

enum {
	DEPTH_MAX = 1024,             /* entries in entries; deeply nested templates and blocks reach about 50 */
	ATTRS_PER_BYTE = 8,           /* attributes read per byte of the unit: an entry's take none if it is made for it */
	ATTRS_MIN = 1 << 10,          /* for tiny units */
	AHEAD = 1024,                 /* bytes to have the processor fetch before they are needed: jumps over siblings hide from it what comes */
	RECENT_NAMES = 1 << 6,        /* a power of two */
};

/* What is above the entry at hand. */
struct level {
	uint32_t function;            /* whose calls are here: its index; WB_NODE_NONE: nobody's */
	uint32_t parent;              /* that they are inlined into, see wb_left_call */
	uint8_t scope;                /* enum wb_scope */
};

struct scan {
	const struct wb_unit_source *source; /* the unit that is compiled */
	const struct wb_plans *plans;
	struct wb_functions_builder *builder;
	struct wb_bytes b;            /* of the section, up to the unit's end */
	uint64_t base;                /* of range lists */
	struct wb_scan_budget *budget;
	struct wb_ranges ranges;      /* of the entry at hand */
	struct { uint64_t ref; uint32_t name; } recent[RECENT_NAMES]; /* names that were added, by their reference; 0: none */
};

/* Of all entries. */
struct pass {
	struct scan scan;
	bool is_c;
	size_t depth;
	struct level levels[DEPTH_MAX];
};

static enum wb_err complain(const struct scan *scan, enum wb_err err, uint64_t offset, const char *what)
{
	const struct wb_dwarf_sections *sections = &scan->source->sections;

	return wb_diag_report(sections->diags, err, err == WB_ERR_UNSUPPORTED ? WB_DIAG_DWARF_UNSUPPORTED : WB_DIAG_DWARF_MALFORMED, sections->path,
	                      ".debug_info", offset, "%s", what);
}

/* ---- Names ------------------------------------------------------------------------------------------------------------------ */

static bool is_there(const struct wb_plan_values *values, enum wb_plan_slot slot)
{
	return values->of[slot].class != WB_FORM_CLASS_NONE;
}

static uint64_t string_of(const struct scan *scan, const struct wb_form_value *value)
{
	if (value->class == WB_FORM_CLASS_NONE)
		return WB_REF_NONE;
	return wb_ref_of_value(&scan->source->sections, scan->source->header, &scan->source->root, value);
}

/* The entry that tells what an entry does not: its origin, or what it specifies. WB_NONE: there is none, or it is not had. */
static enum wb_err origin_of(const struct scan *scan, const struct wb_plan_values *values, struct wb_entry_place *ret_place)
{
	const struct wb_unit_source *source = scan->source;
	const struct wb_form_value *origin = &values->of[WB_PLAN_ORIGIN], *specification = &values->of[WB_PLAN_SPECIFICATION];

	if (is_there(values, WB_PLAN_ORIGIN) && wb_unit_resolve(source, origin, ret_place) == WB_OK)
		return WB_OK;
	if (is_there(values, WB_PLAN_SPECIFICATION) && wb_unit_resolve(source, specification, ret_place) == WB_OK)
		return WB_OK;
	if (origin->class == WB_FORM_CLASS_REF_ALT || specification->class == WB_FORM_CLASS_REF_ALT)
		wb_diag_report(source->sections.diags, WB_OK, WB_DIAG_DWARF_UNSUPPORTED, source->sections.path, ".debug_info",
		               source->header->offset, "names are in a supplementary file that is not had");
	return WB_NONE;
}

/* Entries that say all themselves, or where nothing more is to be had, get strings; others a reference to the entry that tells the rest. */
static struct wb_function_name name_of(const struct scan *scan, const struct wb_plan_values *values, uint64_t at)
{
	struct wb_function_name name = { string_of(scan, &values->of[WB_PLAN_NAME]), string_of(scan, &values->of[WB_PLAN_LINKAGE]) };
	struct wb_entry_place place;

	if ((name.name != WB_REF_NONE && name.linkage != WB_REF_NONE) || origin_of(scan, values, &place) != WB_OK)
		return name;
	if (name.name == WB_REF_NONE && name.linkage == WB_REF_NONE)
		name.name = wb_ref_of_entry(wb_dwarf_sections_of(place.dwarf), place.offset);
	else
		name.name = wb_ref_of_entry(wb_dwarf_sections_of(scan->source->dwarf), at);
	name.linkage = WB_REF_NONE;
	return name;
}

/* Calls of one function often come close together, and then share a name. */
static enum wb_err add_name(struct scan *scan, const struct wb_plan_values *values, uint64_t at, uint32_t *ret_name)
{
	struct wb_function_name name = name_of(scan, values, at);
	size_t place = (size_t)(name.name * UINT64_C(0x9e3779b97f4a7c15) >> 32) % RECENT_NAMES;
	enum wb_err err;

	*ret_name = WB_NODE_NONE;
	if (name.name == WB_REF_NONE && name.linkage == WB_REF_NONE)
		return WB_OK;
	if (name.linkage == WB_REF_NONE && scan->recent[place].ref == name.name) {
		*ret_name = scan->recent[place].name;
		return WB_OK;
	}
	err = wb_functions_add_name(scan->builder, name.name, name.linkage, ret_name);
	if (!err && name.linkage == WB_REF_NONE) {
		scan->recent[place].ref = name.name;
		scan->recent[place].name = *ret_name;
	}
	return err;
}

/* ---- Functions and calls ---------------------------------------------------------------------------------------------------------- */

static bool address_of(const struct scan *scan, const struct wb_form_value *value, uint64_t *ret_address)
{
	return (value->class == WB_FORM_CLASS_ADDRESS || value->class == WB_FORM_CLASS_ADDRESS_INDEX) &&
	       wb_unit_address(&scan->source->sections, scan->source->header, &scan->source->root, value, ret_address);
}

static bool is_list(const struct wb_form_value *value)
{
	return value->class == WB_FORM_CLASS_OFFSET || value->class == WB_FORM_CLASS_CONSTANT || value->class == WB_FORM_CLASS_LIST_INDEX;
}

/* Damaged lists count as empty: the entry stays without code. */
static enum wb_err read_ranges(struct scan *scan, const struct wb_plan_values *values)
{
	const struct wb_unit_source *source = scan->source;
	struct wb_ranges *ranges = &scan->ranges;
	uint64_t low, high;

	ranges->count = 0;
	if (is_list(&values->of[WB_PLAN_RANGES])) {
		enum wb_err err = wb_ranges_read(ranges, &source->sections, source->header, &source->root, &values->of[WB_PLAN_RANGES], scan->base,
		                                 &scan->budget->ranges);

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

static enum wb_err add_function(struct scan *scan, const struct wb_plan_values *values, uint64_t at, uint32_t *ret_node)
{
	struct wb_function function = { .place = at };
	uint32_t name;
	enum wb_err err;

	if (scan->ranges.count == 0)
		return WB_OK;
	err = add_name(scan, values, at, &name);
	if (err)
		return err;
	function.entry = entry_of(scan, values);
	return wb_functions_add_function(scan->builder, name, &function, &scan->ranges, ret_node);
}

static uint32_t limited(const struct wb_form_value *value, uint32_t most)
{
	return value->class == WB_FORM_CLASS_CONSTANT && value->value <= most ? (uint32_t)value->value : 0;
}

static enum wb_err add_call(struct scan *scan, const struct wb_plan_values *values, uint64_t at, uint32_t parent, uint32_t *ret_node)
{
	struct wb_node node = {
		.parent = parent, .call_file = limited(&values->of[WB_PLAN_CALL_FILE], WB_LINES_FILE_MAX),
		.call_line = limited(&values->of[WB_PLAN_CALL_LINE], WB_LINES_LINE_MAX),
		.call_column = limited(&values->of[WB_PLAN_CALL_COLUMN], WB_LINES_COLUMN_MAX),
	};
	enum wb_err err = add_name(scan, values, at, &node.name);

	return err ? err : wb_functions_add_call(scan->builder, &node, &scan->ranges, ret_node);
}

/* The values of an entry that has code, with its ranges. */
static enum wb_err read_code(struct scan *scan, const struct wb_plan *plan, struct wb_plan_values *ret_values)
{
	uint64_t cost = wb_plan_cost(scan->plans, plan);

	if (cost > scan->budget->attrs)
		return WB_ERR_LIMIT;
	scan->budget->attrs -= cost;
	if (!wb_plan_read(scan->plans, plan, &scan->b, ret_values))
		return WB_ERR_UNSUPPORTED;
	return wb_bytes_failed(&scan->b) ? WB_ERR_DATA : read_ranges(scan, ret_values);
}

static enum wb_err complain_of_entry(const struct scan *scan, enum wb_err err, uint64_t at)
{
	if (err == WB_ERR_UNSUPPORTED)
		return complain(scan, err, at, "attribute of a form that is not known");
	if (err == WB_ERR_LIMIT)
		return complain(scan, err, at, "unit's range lists, attributes or calls are too many");
	return err == WB_ERR_DATA ? complain(scan, err, at, "entry goes past the end of its unit") : err;
}

/* ---- The pass ------------------------------------------------------------------------------------------------------------------------ */

static enum wb_err open_level(struct pass *pass, const struct level *level, uint64_t at)
{
	if (pass->depth == DEPTH_MAX)
		return complain(&pass->scan, WB_ERR_DATA, at, "entries are nested too deeply");
	pass->levels[pass->depth++] = *level;
	return WB_OK;
}

/* Steps over all that is in an entry, if it says where that ends. */
static bool skip_children(struct scan *scan, const struct wb_plan *plan)
{
	uint64_t sibling;

	if (plan->sibling_size == 0)
		return false;
	sibling = scan->source->header->offset + wb_plan_sibling(plan, &scan->b);
	return sibling > wb_bytes_offset(&scan->b) && sibling <= wb_bytes_size(&scan->b) && wb_bytes_seek(&scan->b, sibling);
}

/* A function. inside: as above it, becomes what is inside. */
static enum wb_err take_function(struct scan *scan, const struct wb_plan *plan, uint64_t at, struct level *inside)
{
	struct wb_plan_values values;
	uint32_t node = WB_NODE_NONE;
	enum wb_err err = read_code(scan, plan, &values);

	if (!err)
		err = add_function(scan, &values, at, &node);
	if (!err && node != WB_NODE_NONE) {
		inside->function = scan->builder->nodes[node].function;
		inside->parent = WB_LEFT_FUNCTION + inside->function;
	}
	return err;
}

/* Moves over an entry's values, which are read if it is a function with code. */
static enum wb_err take_values(struct scan *scan, const struct wb_plan *plan, uint64_t at, struct level *inside)
{
	if (plan->kind == WB_PLAN_FUNCTION) {
		inside->function = WB_NODE_NONE;
		if (plan->has_code && inside->scope != WB_SCOPE_CLOSED)
			return take_function(scan, plan, at, inside);
	} else if (plan->kind == WB_PLAN_CALL && inside->function != WB_NODE_NONE && inside->scope != WB_SCOPE_CLOSED) {
		enum wb_err err = wb_functions_leave_call(scan->builder, inside->function, at, inside->parent, &inside->parent);

		if (err)
			return err;
	}
	return wb_plan_skip(scan->plans, plan, &scan->b) ? WB_OK : WB_ERR_UNSUPPORTED;
}

/* An entry at offset `at` whose code was read. */
static enum wb_err visit(struct pass *pass, const struct wb_plan *plan, uint64_t at)
{
	struct level inside = pass->levels[pass->depth - 1];
	struct scan *scan = &pass->scan;
	enum wb_err err = take_values(scan, plan, at, &inside);

	if (!err && wb_bytes_failed(&scan->b))
		err = WB_ERR_DATA;
	if (err || !plan->has_children)
		return complain_of_entry(scan, err, at);
	inside.scope = (uint8_t)wb_scope_inside((enum wb_scope)inside.scope, (enum wb_scope_effect)plan->effect, pass->is_c);
	if (inside.scope == WB_SCOPE_CLOSED && skip_children(scan, plan))
		return WB_OK;
	return open_level(pass, &inside, at);
}

/* Goes over entries of fixed size that nothing is in and nothing is to be known of, most of a unit: ends before the first that may be another. */
static void skip_plain(const struct wb_plans *plans, struct wb_bytes *b)
{
	const uint16_t *const strides = plans->strides;
	const size_t count = plans->num_strides;
	const uint8_t *at = b->at, *const end = b->end;

	while (end - at >= 2) { /* an entry takes a byte at least */
		size_t code = at[0], stride;

		__builtin_prefetch((const void *)((uintptr_t)at + AHEAD));
		if (code >= 0x80) {
			if (at[1] >= 0x80 || at[1] == 0) /* longer, or longer than need be */
				break;
			code = (code & 0x7f) | (size_t)at[1] << 7;
		}
		if (code >= count)
			break;
		stride = strides[code];
		if (stride == 0 || (size_t)(end - at) < stride)
			break;
		at += stride;
	}
	b->at = at;
}

static enum wb_err scan_entries(struct pass *pass)
{
	struct scan *scan = &pass->scan;
	enum wb_err err = WB_OK;

	pass->levels[pass->depth++] = (struct level){ WB_NODE_NONE, WB_NODE_NONE, WB_SCOPE_OUTER };
	do {
		const struct wb_plan *plan;
		uint64_t at, code;

		if (pass->depth > 1) /* what follows a root that nothing is in is not looked at */
			skip_plain(scan->plans, &scan->b);
		at = wb_bytes_offset(&scan->b);
		code = wb_bytes_uleb_2(&scan->b);
		plan = wb_plans_find(scan->plans, code);
		if (wb_bytes_failed(&scan->b) || (code == 0 && pass->depth == 1))
			return complain(scan, WB_ERR_DATA, at, "unit ends inside its entries");
		if (code == 0)
			pass->depth--;
		else if (plan)
			err = visit(pass, plan, at);
		else
			err = complain(scan, WB_ERR_DATA, at, "entry of an abbreviation that is not declared");
	} while (!err && pass->depth > 1);
	return err;
}

static enum wb_err start(struct scan *scan, const struct wb_unit_source *source, struct wb_scan_budget *budget, struct wb_functions_builder *builder)
{
	const struct wb_unit_header *unit = source->header;

	*scan = (struct scan){
		.source = source, .builder = builder, .b = wb_dwarf_bytes(&source->sections, WB_DWARF_INFO),
		.base = wb_ranges_base(&source->sections, unit, &source->root), .budget = budget,
	};
	scan->b.end = scan->b.start + unit->offset + unit->size;
	return wb_dwarf_plans(source, &scan->plans);
}

enum wb_err wb_scan_functions(const struct wb_unit_source *source, struct wb_scan_budget *budget, struct wb_functions_builder *builder)
{
	struct pass *pass = wb_mem_alloc(sizeof *pass);
	enum wb_err err;

	if (!pass)
		return WB_ERR_MEMORY;
	budget->ranges = wb_ranges_budget(&source->sections);
	budget->attrs = source->header->size * ATTRS_PER_BYTE + ATTRS_MIN;
	err = start(&pass->scan, source, budget, builder);
	pass->is_c = wb_language_is_c(source->root.language);
	pass->depth = 0;
	wb_bytes_seek(&pass->scan.b, source->header->offset + source->header->die_offset);
	if (!err)
		err = scan_entries(pass);
	wb_ranges_deinit(&pass->scan.ranges);
	wb_mem_free(pass);
	return err;
}

/* ---- The calls in a function ----------------------------------------------------------------------------------------------------------- */

static enum wb_err take_call(struct scan *scan, uint64_t at, uint32_t parent, uint32_t *ret_node)
{
	struct wb_plan_values values;
	const struct wb_plan *plan;
	enum wb_err err;

	wb_bytes_seek(&scan->b, at);
	plan = wb_plans_find(scan->plans, wb_bytes_uleb_2(&scan->b));
	err = plan && plan->kind == WB_PLAN_CALL ? read_code(scan, plan, &values) : WB_ERR_DATA;
	return complain_of_entry(scan, err ? err : add_call(scan, &values, at, parent, ret_node), at);
}

/* Calls come behind those that they are inlined into; where functions are in functions, those of others are among them. */
static enum wb_err take_calls(struct scan *scan, const struct wb_functions *functions, uint32_t index, uint32_t *nodes)
{
	const struct wb_function *function = wb_functions_function(functions, index);
	enum wb_err err = WB_OK;

	for (uint32_t i = function->first_left; !err && i < function->end_left; i++) {
		const struct wb_left_call *call = wb_functions_left_call(functions, i);
		uint32_t parent = WB_NODE_NONE, *node = &nodes[i - function->first_left];

		if (call->parent == WB_LEFT_FUNCTION + index)
			parent = 0;
		else if (call->parent < WB_LEFT_FUNCTION && call->parent >= function->first_left)
			parent = nodes[call->parent - function->first_left];
		*node = WB_NODE_NONE;
		if (parent != WB_NODE_NONE)
			err = take_call(scan, function->place + call->at, parent, node);
	}
	return err;
}

enum wb_err wb_scan_calls(const struct wb_unit_source *source, const struct wb_functions *functions, uint32_t index, struct wb_scan_budget *budget,
                          struct wb_functions_builder *builder)
{
	const struct wb_function *function = wb_functions_function(functions, index);
	uint32_t *nodes = wb_mem_resize(NULL, function->end_left - function->first_left, sizeof *nodes);
	struct scan scan;
	enum wb_err err = nodes ? start(&scan, source, budget, builder) : WB_ERR_MEMORY;

	if (!err)
		err = take_calls(&scan, functions, index, nodes);
	if (nodes)
		wb_ranges_deinit(&scan.ranges);
	wb_mem_free(nodes);
	return err;
}
