/* SPDX-License-Identifier: MIT */
/* One walk through a unit's entries, down to the function that holds a pc, and to its end. */
#include "symbols/dwarf_variables.h"

#include "base/mem.h"
#include "symbols/dwarf.h"
#include "symbols/dwarf_type.h"
#include "symbols/ref.h"

#include <string.h>

enum {
	DEPTH_MAX = 1024,             /* entries in entries, as for compilers */
	ORIGINS_MAX = 16,             /* abstract origins in a row */
	ATTRS_PER_BYTE = 8,           /* values read per byte of the unit */
	ATTRS_MIN = 1 << 16,
	LISTS_MAX = 1 << 24,          /* bytes of location lists read; large functions have some hundred KiB */
	VARIABLES_MAX = 4096,         /* in scope at one pc; large functions with much inlined have some hundred */
};

enum place {
	SEARCHED,                     /* the function may be in here */
	INSIDE,                       /* of the function, and of all blocks and calls that hold the pc so far */
	CLOSED,                       /* nothing in here counts */
};

/* What is above the entry at hand. */
struct level {
	enum place place;
	enum wb_scope scope;
	uint32_t call_depth;
	struct wb_function_name function; /* INSIDE */
};

struct search {
	const struct wb_unit_source *source;
	const struct wb_plans *plans;
	struct wb_bytes b;
	uint64_t pc, entry;
	uint64_t attrs_left, lists_left, ranges_left;
	struct wb_ranges ranges;      /* of the entry at hand */
	struct wb_entry_reader reader; /* for types and origins */
	struct wb_expression frame_base; /* of the function that was found */
	uint64_t found_at;            /* its entry; 0: not found yet */
	uint32_t num_variables;
	bool is_c;
	wb_dwarf_variable_fn fn;
	void *arg;
	size_t depth;
	struct level levels[DEPTH_MAX];
};

static bool address_of(const struct search *s, const struct wb_entry_value *value, uint64_t *ret_address)
{
	return (value->value.class == WB_FORM_CLASS_ADDRESS || value->value.class == WB_FORM_CLASS_ADDRESS_INDEX) &&
	       wb_unit_address(&s->source->sections, s->source->header, &s->source->root, &value->value, ret_address);
}

static bool is_list(const struct wb_form_value *value)
{
	return value->class == WB_FORM_CLASS_OFFSET || value->class == WB_FORM_CLASS_CONSTANT || value->class == WB_FORM_CLASS_LIST_INDEX;
}

static bool has_code(const struct wb_entry *entry)
{
	return entry->of[WB_ENTRY_LOW].value.class != WB_FORM_CLASS_NONE || entry->of[WB_ENTRY_RANGES].value.class != WB_FORM_CLASS_NONE;
}

/* Whether an entry's code holds the pc. Damaged lists count as far as they can be read. */
static enum wb_err holds_pc(struct search *s, const struct wb_entry *entry, bool *ret_holds)
{
	const struct wb_unit_source *source = s->source;
	const struct wb_form_value *list = &entry->of[WB_ENTRY_RANGES].value, *end = &entry->of[WB_ENTRY_HIGH].value;
	uint64_t low, high;
	enum wb_err err;

	*ret_holds = false;
	if (is_list(list)) {
		s->ranges.count = 0;
		err = wb_ranges_read(&s->ranges, &source->sections, source->header, &source->root, list,
		                     wb_ranges_base(&source->sections, source->header, &source->root), &s->ranges_left);
		for (size_t i = 0; i < s->ranges.count; i++)
			*ret_holds |= s->pc >= s->ranges.items[i].start && s->pc < s->ranges.items[i].end;
		return err == WB_ERR_DATA ? WB_OK : err;
	}
	if (!address_of(s, &entry->of[WB_ENTRY_LOW], &low))
		return WB_OK;
	if (end->class == WB_FORM_CLASS_CONSTANT)
		*ret_holds = s->pc >= low && s->pc - low < end->value;
	else if (address_of(s, &entry->of[WB_ENTRY_HIGH], &high))
		*ret_holds = s->pc >= low && s->pc < high;
	return WB_OK;
}

/* ---- Variables -------------------------------------------------------------------------------------------------------------- */

/* What is not wrong with memory or the search as a whole leaves out one variable. */
static enum wb_err only_grave(enum wb_err err)
{
	return err == WB_ERR_MEMORY || err == WB_ERR_LIMIT || err == WB_ERR_CANCELLED ? err : WB_OK;
}

/* The type is the entry's own, or of what it is an instance of. */
static enum wb_err size_of(struct search *s, const struct wb_entry *variable, uint64_t *ret_size)
{
	const struct wb_unit_source *source = s->source;
	struct wb_entry entry = *variable;

	*ret_size = 0;
	for (unsigned i = 0; i < ORIGINS_MAX; i++) {
		const struct wb_form_value *origin = &entry.of[WB_ENTRY_ORIGIN].value;
		struct wb_entry_place place;
		enum wb_err err;

		if (entry.of[WB_ENTRY_TYPE].value.class != WB_FORM_CLASS_NONE)
			return wb_type_size(&s->reader, source, s->source->root.language, &entry.of[WB_ENTRY_TYPE].value, &s->attrs_left, ret_size);
		if (origin->class == WB_FORM_CLASS_NONE)
			origin = &entry.of[WB_ENTRY_SPECIFICATION].value;
		err = wb_unit_resolve(source, origin, &place);
		if (!err)
			err = wb_entry_reader_at(&s->reader, &place, &s->attrs_left, &entry);
		if (err)
			return only_grave(err);
		source = &s->reader.source;
	}
	return WB_OK;
}

static struct wb_function_name name_of(const struct search *s, uint64_t at)
{
	return (struct wb_function_name){ wb_ref_of_entry(&s->source->sections, at), WB_REF_NONE };
}

static enum wb_err see_variable(struct search *s, const struct wb_entry *entry, uint64_t at, const struct level *level)
{
	struct wb_dwarf_variable variable = { .kind = WB_DWARF_LOCAL, .function = level->function, .call_depth = level->call_depth };
	enum wb_err err = wb_location_at(s->source, &entry->of[WB_ENTRY_LOCATION], s->pc, &s->lists_left, &variable.location);

	if (err || !variable.location.size)
		return only_grave(err);
	if (++s->num_variables > VARIABLES_MAX)
		return WB_ERR_LIMIT;
	/* Go's compiler marks so the results among its parameters; elsewhere it means "by reference" (DWARF 5, 4.1). */
	if (entry->tag == WB_TAG_FORMAL_PARAMETER)
		variable.kind = s->source->root.language == WB_LANG_GO && entry->of[WB_ENTRY_IS_RESULT].value.value ? WB_DWARF_RESULT : WB_DWARF_ARGUMENT;
	variable.name = name_of(s, at);
	variable.frame_base = s->frame_base;
	err = size_of(s, entry, &variable.size);
	return err ? err : s->fn(s->arg, &variable);
}

/* ---- The walk ----------------------------------------------------------------------------------------------------------------- */

static void refill(struct search *s)
{
	s->attrs_left = ATTRS_MIN + s->source->header->size * ATTRS_PER_BYTE;
	s->lists_left = LISTS_MAX;
	s->ranges_left = wb_ranges_budget(&s->source->sections);
}

/* A function with code: the one, or another. What is around the one does not matter: its answer is the same however it was found. */
static enum wb_err see_function(struct search *s, const struct wb_entry *entry, uint64_t at, struct level *inside)
{
	uint64_t low;
	bool is_it;
	enum wb_err err = holds_pc(s, entry, &is_it);

	/* What was discarded can still lie over the pc; the compiled tables know which one it is. */
	if (err || !is_it || (s->entry != UINT64_MAX && address_of(s, &entry->of[WB_ENTRY_LOW], &low) && low != s->entry))
		return err;
	inside->place = INSIDE;
	inside->function = name_of(s, at);
	s->found_at = at;
	s->depth = 1;
	refill(s);
	return only_grave(wb_location_at(s->source, &entry->of[WB_ENTRY_FRAME_BASE], s->pc, &s->lists_left, &s->frame_base));
}

/* A block or inlined call in the function. A block that does not say where its code is counts as if it were not there. */
static enum wb_err see_block(struct search *s, const struct wb_entry *entry, uint64_t at, struct level *inside)
{
	bool is_call = entry->tag == WB_TAG_INLINED_SUBROUTINE, holds = !is_call;
	enum wb_err err = has_code(entry) ? holds_pc(s, entry, &holds) : WB_OK;

	if (!holds)
		inside->place = CLOSED;
	if (is_call) {
		inside->call_depth++;
		inside->function = name_of(s, at);
	}
	return err;
}

enum what { OTHER, FUNCTION, BLOCK, VARIABLE, PACK };

static enum what what_is(uint16_t tag)
{
	switch (tag) {
	case WB_TAG_SUBPROGRAM: return FUNCTION;
	case WB_TAG_LEXICAL_BLOCK:
	case WB_TAG_TRY_BLOCK:
	case WB_TAG_CATCH_BLOCK:
	case WB_TAG_INLINED_SUBROUTINE: return BLOCK;
	case WB_TAG_FORMAL_PARAMETER:
	case WB_TAG_VARIABLE: return VARIABLE;
	case WB_TAG_GNU_FORMAL_PARAMETER_PACK: return PACK;
	default: return OTHER;
	}
}

/* Steps over all that is in an entry, if it says where that ends. */
static bool skip_children(struct search *s, const struct wb_plan *plan)
{
	uint64_t sibling;

	if (plan->sibling_size == 0)
		return false;
	sibling = s->source->header->offset + wb_plan_sibling(plan, &s->b);
	return sibling > wb_bytes_offset(&s->b) && sibling <= wb_bytes_size(&s->b) && wb_bytes_seek(&s->b, sibling);
}

/* Moves over an entry's values, which are read if they matter. inside: as above it, becomes what is inside. */
static enum wb_err take_values(struct search *s, const struct wb_plan *plan, uint64_t at, struct level *inside)
{
	const struct level *above = &s->levels[s->depth - 1];
	enum what what = what_is(wb_plans_decl(s->plans, plan)->tag);
	bool matters = above->place == SEARCHED ? what == FUNCTION && plan->has_code && above->scope != WB_SCOPE_CLOSED :
	               above->place == INSIDE && (what == BLOCK || what == VARIABLE);
	struct wb_entry entry;
	enum wb_err err;

	if (above->place == INSIDE && what != PACK && what != BLOCK)
		inside->place = CLOSED;
	if (!matters)
		return wb_plan_skip(s->plans, plan, &s->b) ? WB_OK : WB_ERR_UNSUPPORTED;
	err = wb_entry_read(s->plans, plan, &s->b, &s->attrs_left, &entry);
	if (err)
		return err;
	switch (what) {
	case FUNCTION: return see_function(s, &entry, at, inside);
	case BLOCK: return see_block(s, &entry, at, inside);
	case VARIABLE: return see_variable(s, &entry, at, above);
	case PACK:
	case OTHER: break;
	}
	return WB_OK;
}

static enum wb_err visit(struct search *s, const struct wb_plan *plan, uint64_t at)
{
	struct level inside = s->levels[s->depth - 1];
	enum wb_err err = take_values(s, plan, at, &inside);

	if (err || wb_bytes_failed(&s->b))
		return err ? err : WB_ERR_DATA;
	if (!plan->has_children)
		return WB_OK;
	inside.scope = wb_scope_inside(inside.scope, (enum wb_scope_effect)plan->effect, s->is_c);
	if ((inside.place == CLOSED || (inside.place == SEARCHED && inside.scope == WB_SCOPE_CLOSED)) && skip_children(s, plan))
		return WB_OK;
	if (s->depth == DEPTH_MAX)
		return WB_ERR_DATA;
	s->levels[s->depth++] = inside;
	return WB_OK;
}

/* Through an entry and what is in it, up to the end of the function. */
static enum wb_err walk(struct search *s, uint64_t place)
{
	const struct wb_unit_header *unit = s->source->header;
	enum wb_err err = WB_OK;

	s->b = wb_dwarf_bytes(&s->source->sections, WB_DWARF_INFO);
	s->b.end = s->b.start + unit->offset + unit->size;
	wb_bytes_seek(&s->b, place);
	s->depth = 0;
	s->levels[s->depth++] = (struct level){ .place = SEARCHED, .scope = WB_SCOPE_OUTER };
	do {
		uint64_t at = wb_bytes_offset(&s->b), code = wb_bytes_uleb(&s->b);
		const struct wb_plan *plan = wb_plans_find(s->plans, code);

		if (wb_bytes_failed(&s->b) || (code == 0 && s->depth == 1))
			return WB_ERR_DATA;
		if (code == 0)
			s->depth--;
		else
			err = plan ? visit(s, plan, at) : WB_ERR_DATA;
	} while (!err && s->depth > 1);
	return err ? err : s->found_at ? WB_OK : WB_NONE;
}

static void start(struct search *s, const struct wb_unit_source *source, uint64_t pc, uint64_t entry)
{
	memset(s, 0, offsetof(struct search, levels));
	s->source = source;
	s->pc = pc;
	s->entry = entry;
	refill(s);
	s->is_c = wb_language_is_c(source->root.language);
}

/* Looks at the place where the function was before: a deep recursion asks for it a thousand times, and there are units of 100 MB. */
static enum wb_err find(struct search *s, uint64_t place)
{
	const struct wb_unit_header *unit = s->source->header;
	enum wb_err err = WB_NONE;

	if (place >= unit->offset + unit->die_offset && place < unit->offset + unit->size)
		err = walk(s, place);
	return s->found_at ? err : walk(s, unit->offset + unit->die_offset);
}

enum wb_err wb_dwarf_variables(const struct wb_unit_source *source, uint64_t pc, uint64_t entry, uint64_t *place, wb_dwarf_variable_fn fn, void *arg)
{
	struct search *s = wb_mem_alloc(sizeof *s);
	enum wb_err err;

	if (!s)
		return WB_ERR_MEMORY;
	start(s, source, pc, entry);
	s->fn = fn;
	s->arg = arg;
	err = wb_dwarf_plans(source, &s->plans);
	if (!err)
		err = find(s, *place);
	if (s->found_at)
		*place = s->found_at;
	wb_ranges_deinit(&s->ranges);
	wb_mem_free(s);
	return err;
}
