/* SPDX-License-Identifier: MIT */
/* The public face of variables: the frame's unit is found as for its name, then its entries are asked. */
#include <walkback/inspect.h>

#include "model/session.h"
#include "symbols/debug_map.h"
#include "symbols/dwarf.h"
#include "symbols/dwarf_name.h"
#include "symbols/dwarf_variables.h"
#include "symbols/symbolizer.h"

struct question {
	struct wb_symbolizer *symbolizer;
	struct wb_dwarf *dwarf;       /* main file: what names are references of */
	wb_variable_fn fn;
	void *arg;
};

static enum wb_variable_kind kind_of(enum wb_dwarf_variable_kind kind)
{
	switch (kind) {
	case WB_DWARF_ARGUMENT: return WB_VARIABLE_ARGUMENT;
	case WB_DWARF_RESULT: return WB_VARIABLE_RESULT;
	case WB_DWARF_LOCAL: break;
	}
	return WB_VARIABLE_LOCAL;
}

static enum wb_err name_function(const struct question *q, const struct wb_function_name *place, const char **ret_function)
{
	const struct wb_dwarf_sections *sections = wb_dwarf_sections_of(q->dwarf);
	const char *linkage, *plain, *raw;
	struct wb_function_name name;
	enum wb_err err = wb_dwarf_name(q->dwarf, place, &name);

	if (err)
		return err;
	linkage = wb_ref_text(sections, name.linkage);
	plain = wb_ref_text(sections, name.name);
	return linkage || plain ? wb_symbolizer_debug_name(q->symbolizer, linkage, plain, ret_function, &raw) : WB_OK;
}

static enum wb_err tell(void *arg, const struct wb_dwarf_variable *known)
{
	const struct question *q = arg;
	struct wb_variable variable = {
		.size = sizeof variable, .kind = kind_of(known->kind), .call_depth = known->call_depth, .bytes = known->size,
		.location = known->location.bytes, .location_size = known->location.size,
		.frame_base = known->frame_base.size ? known->frame_base.bytes : NULL, .frame_base_size = known->frame_base.size,
	};
	struct wb_function_name name;
	enum wb_err err = wb_dwarf_name(q->dwarf, &known->name, &name);

	if (!err)
		err = name_function(q, &known->function, &variable.function);
	if (err)
		return err;
	variable.name = wb_ref_text(wb_dwarf_sections_of(q->dwarf), name.name);
	return q->fn(q->arg, &variable);
}

/* The image's own debug information, or what its linker left in an object file. */
static enum wb_err find_dwarf(struct wb_image *image, uint64_t image_pc, struct wb_debug_map_hit *ret_place)
{
	enum wb_err err = wb_dwarf_of_image(image, &ret_place->dwarf);
	bool is_missing;

	ret_place->shift = 0;
	return err == WB_NONE ? wb_debug_map_find(image, image_pc, ret_place, &is_missing) : err;
}

/* The function around a node. */
static const struct wb_function *function_of(const struct wb_dwarf_hit *hit)
{
	const struct wb_node *node = wb_functions_node(hit->functions, hit->node);

	while (node->parent != WB_NODE_NONE)
		node = wb_functions_node(hit->functions, node->parent);
	return wb_functions_function(hit->functions, node->function);
}

/* The unit that has the function, the split one where there is one. */
static enum wb_err find_unit(struct wb_symbolizer *symbolizer, struct wb_dwarf *dwarf, uint64_t pc, struct wb_unit_source *ret_source,
                             struct wb_function *ret_function)
{
	bool lines = !symbolizer->opts.no_lines;
	struct wb_dwarf_use use = { .stamp = wb_session_tick(symbolizer->session), .lines = lines, .deep = lines };
	struct wb_dwarf_hit hit = { .node = WB_NODE_NONE };
	struct wb_unit_source skeleton;
	enum wb_err err = wb_dwarf_find(dwarf, pc, use, &hit);

	if (err)
		return err;
	err = hit.node == WB_NODE_NONE ? WB_NONE : WB_OK;
	if (!err)
		*ret_function = *function_of(&hit);
	wb_dwarf_release(&hit);
	if (hit.is_over)
		wb_session_evict(symbolizer->session, use.stamp);
	if (!err)
		err = wb_unit_source_init(&skeleton, dwarf, hit.unit);
	if (err)
		return err;
	if (skeleton.root.is_split)
		return wb_unit_source_split(&skeleton, ret_source);
	*ret_source = skeleton;
	return WB_OK;
}

static enum wb_err list(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc, wb_variable_fn fn, void *arg)
{
	struct question q = { symbolizer, NULL, fn, arg };
	struct wb_debug_map_hit place;
	struct wb_unit_source source;
	struct wb_function function;
	enum wb_err err = find_dwarf(image, image_pc, &place);

	if (!err)
		err = find_unit(symbolizer, place.dwarf, image_pc - place.shift, &source, &function);
	if (err)
		return err;
	q.dwarf = place.dwarf;
	wb_memo_make_room(&symbolizer->memo);
	return wb_dwarf_variables(&source, image_pc - place.shift, function.entry, &function.place, tell, &q);
}

enum wb_err wb_variables_at(struct wb_symbolizer *symbolizer, const struct wb_frame *frame, wb_variable_fn fn, void *arg)
{
	struct wb_image *image = NULL;
	enum wb_err err;

	if (!symbolizer || !frame || !fn)
		return WB_ERR_ARGUMENT;
	if (!(frame->flags & WB_FRAME_HAS_IMAGE))
		return WB_NONE;
	err = wb_image_by_id(symbolizer->session, frame->image_id, &image);
	if (!err)
		err = list(symbolizer, image, frame->image_pc, fn, arg);
	wb_image_unref(image);
	return err;
}
