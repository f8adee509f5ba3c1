/* SPDX-License-Identifier: MIT */
/* Functions and inlined calls: 8 bytes a segment, 16 a node; one binary search, then parents. */
#include "symbols/functions.h"

#include "base/mem.h"
#include "symbols/sort.h"
#include "symbols/sweep.h"

#include <string.h>

enum {
	NODES_MAX = 1 << 30,          /* WB_LEFT_FUNCTION is above */
	RANGES_MAX = 1 << 30,
	BYTES_PER_CALL = 128,         /* of .debug_info: 50 to 90 in large optimized programs of Rust and C, 300 in C++, in libc many more */
};

struct wb_functions {
	size_t bytes;                 /* of the block: this, functions, names, nodes, calls that are left out, ids, starts */
	uint64_t base;                /* what starts count from */
	const struct wb_function *functions;
	const struct wb_function_name *names;
	const struct wb_node *nodes;
	const struct wb_left_call *left;
	const uint32_t *starts;       /* of segments, ascending */
	const uint32_t *ids;          /* of segments: node or WB_NODE_NONE */
	size_t num_segments, num_functions, num_names, num_nodes;
};

/* ---- Compiling -------------------------------------------------------------------------------------------------------- */

void wb_functions_builder_init(struct wb_functions_builder *builder, const struct wb_text *text)
{
	*builder = (struct wb_functions_builder){ .text = text };
}

void wb_functions_builder_expect(struct wb_functions_builder *builder, uint64_t unit_size)
{
	/* Without it, there is less of it at first. */
	(void)wb_mem_grow((void **)&builder->left, &builder->left_capacity, 0, (size_t)(unit_size / BYTES_PER_CALL), sizeof *builder->left);
}

void wb_functions_builder_deinit(struct wb_functions_builder *builder)
{
	wb_mem_free(builder->own.items);
	wb_mem_free(builder->called.items);
	wb_mem_free(builder->nodes);
	wb_mem_free(builder->roots);
	wb_mem_free(builder->names);
	wb_mem_free(builder->functions);
	wb_mem_free(builder->left);
	wb_functions_builder_init(builder, builder->text);
}

enum wb_err wb_functions_add_name(struct wb_functions_builder *builder, uint64_t name, uint64_t linkage, uint32_t *ret_index)
{
	if (builder->num_names == NODES_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&builder->names, &builder->names_capacity, builder->num_names, 1, sizeof *builder->names))
		return WB_ERR_MEMORY;
	*ret_index = (uint32_t)builder->num_names;
	builder->names[builder->num_names++] = (struct wb_function_name){ name, linkage };
	return WB_OK;
}

static bool is_alive(struct wb_functions_builder *builder, const struct wb_range *range)
{
	const struct wb_text_range *last = builder->last;

	if (range->start >= range->end)
		return false;
	if ((last && range->start >= last->start && range->start < last->end) || !builder->text || builder->text->num_ranges == 0)
		return true;
	last = wb_text_find(builder->text, range->start);
	if (last)
		builder->last = last;
	return last != NULL;
}

static enum wb_err add_node(struct wb_functions_builder *builder, const struct wb_node *node, uint32_t root, uint32_t *ret_node)
{
	if (builder->num_nodes == NODES_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&builder->nodes, &builder->nodes_capacity, builder->num_nodes, 1, sizeof *builder->nodes) ||
	    !wb_mem_grow((void **)&builder->roots, &builder->roots_capacity, builder->num_nodes, 1, sizeof *builder->roots))
		return WB_ERR_MEMORY;
	*ret_node = (uint32_t)builder->num_nodes;
	builder->roots[builder->num_nodes] = root;
	builder->nodes[builder->num_nodes++] = *node;
	return WB_OK;
}

static enum wb_err add_ranges(struct wb_functions_builder *builder, struct wb_functions_ranges *to, uint32_t node, uint32_t root,
                              const struct wb_ranges *ranges)
{
	if (ranges->count > RANGES_MAX - to->count)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&to->items, &to->capacity, to->count, ranges->count, sizeof *to->items))
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < ranges->count; i++)
		if (is_alive(builder, &ranges->items[i]))
			to->items[to->count++] = (struct wb_functions_range){ ranges->items[i].start, ranges->items[i].end, node, root };
	return WB_OK;
}

static enum wb_err add_function(struct wb_functions_builder *builder, uint32_t name, const struct wb_function *function, uint32_t *ret_node)
{
	uint32_t index = (uint32_t)builder->num_functions;
	struct wb_node node = { .parent = WB_NODE_NONE, .name = name, .function = index };
	enum wb_err err;

	if (!wb_mem_grow((void **)&builder->functions, &builder->functions_capacity, index, 1, sizeof *builder->functions))
		return WB_ERR_MEMORY;
	err = add_node(builder, &node, index, ret_node);
	if (!err)
		builder->functions[builder->num_functions++] = *function;
	return err;
}

enum wb_err wb_functions_add_function(struct wb_functions_builder *builder, uint32_t name, const struct wb_function *function,
                                      const struct wb_ranges *ranges, uint32_t *ret_node)
{
	struct wb_function added = { .entry = function->entry, .place = function->place };
	enum wb_err err;

	for (size_t i = 0; i < ranges->count; i++) {
		if (!is_alive(builder, &ranges->items[i]))
			continue;
		if (added.entry == UINT64_MAX)
			added.entry = ranges->items[i].start;
		added.size += ranges->items[i].end - ranges->items[i].start;
	}
	*ret_node = WB_NODE_NONE;
	if (added.size == 0)
		return WB_OK;
	err = add_function(builder, name, &added, ret_node);
	return err ? err : add_ranges(builder, &builder->own, *ret_node, builder->roots[*ret_node], ranges);
}

enum wb_err wb_functions_add_outer(struct wb_functions_builder *builder, const struct wb_functions *functions, uint32_t node)
{
	const struct wb_node *outer = wb_functions_node(functions, node);
	struct wb_function function = *wb_functions_function(functions, outer->function);
	uint32_t name = WB_NODE_NONE, added;
	enum wb_err err = WB_OK;

	builder->base = functions->base;
	function.first_left = function.end_left = 0;
	if (outer->name != WB_NODE_NONE) {
		const struct wb_function_name *known = wb_functions_name(functions, outer->name);

		err = wb_functions_add_name(builder, known->name, known->linkage, &name);
	}
	return err ? err : add_function(builder, name, &function, &added);
}

enum wb_err wb_functions_add_call(struct wb_functions_builder *builder, const struct wb_node *node, const struct wb_ranges *ranges,
                                  uint32_t *ret_node)
{
	uint32_t root = builder->roots[node->parent];
	enum wb_err err = add_node(builder, node, root, ret_node);

	return err ? err : add_ranges(builder, &builder->called, *ret_node, root, ranges);
}

enum wb_err wb_functions_leave_call(struct wb_functions_builder *builder, uint32_t function, uint64_t place, uint32_t parent, uint32_t *ret_call)
{
	struct wb_function *outer = &builder->functions[function];
	size_t n = builder->num_left;

	if (n == NODES_MAX || place - outer->place > UINT32_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&builder->left, &builder->left_capacity, n, 1, sizeof *builder->left))
		return WB_ERR_MEMORY;
	builder->left[n] = (struct wb_left_call){ (uint32_t)(place - outer->place), parent };
	builder->num_left = n + 1;
	if (outer->end_left == 0)
		outer->first_left = (uint32_t)n;
	outer->end_left = (uint32_t)n + 1;
	*ret_call = (uint32_t)n;
	return WB_OK;
}

/* ---- Flattening ------------------------------------------------------------------------------------------------------- */

/* Ranges by where they start, in `order`; keys are the starts. */
struct sorted {
	const struct wb_functions_range *items;
	size_t count;
	uint64_t *keys;
	uint32_t *order;
};

static void sorted_deinit(struct sorted *sorted)
{
	wb_mem_free(sorted->keys);
	wb_mem_free(sorted->order);
}

/* Of equal starts, those that were added first come first. */
static enum wb_err sorted_init(struct sorted *sorted, const struct wb_functions_ranges *ranges)
{
	size_t n = ranges->count;
	enum wb_err err;

	*sorted = (struct sorted){ ranges->items, n, wb_mem_resize(NULL, n, sizeof *sorted->keys), wb_mem_resize(NULL, n, sizeof *sorted->order) };
	err = sorted->keys && sorted->order ? WB_OK : WB_ERR_MEMORY;
	for (size_t i = 0; !err && i < n; i++) {
		sorted->keys[i] = ranges->items[i].start;
		sorted->order[i] = (uint32_t)i;
	}
	return err ? err : wb_sort_by_key(sorted->keys, sorted->order, n);
}

/* Whether a must be opened before b, both starting at one address: what is opened last covers. */
static bool opens_before(const struct wb_functions_builder *builder, const struct wb_functions_range *a, const struct wb_functions_range *b)
{
	uint64_t a_size = builder->functions[a->root].size, b_size = builder->functions[b->root].size;

	return a_size != b_size ? a_size > b_size : a->root > b->root;
}

static void sift_down(const struct wb_functions_builder *builder, const struct sorted *sorted, uint32_t *order, size_t at, size_t count)
{
	for (size_t child; (child = 2 * at + 1) < count; at = child) {
		uint32_t swap = order[at];

		if (child + 1 < count && opens_before(builder, &sorted->items[order[child]], &sorted->items[order[child + 1]]))
			child++;
		if (!opens_before(builder, &sorted->items[swap], &sorted->items[order[child]]))
			return;
		order[at] = order[child];
		order[child] = swap;
	}
}

/* Heap sort: these groups are tiny, unless somebody made the file to be slow. */
static void sort_group(const struct wb_functions_builder *builder, const struct sorted *sorted, uint32_t *order, size_t count)
{
	for (size_t at = count / 2; at-- > 0;)
		sift_down(builder, sorted, order, at, count);
	for (size_t end = count; end-- > 1;) {
		uint32_t swap = order[0];

		order[0] = order[end];
		order[end] = swap;
		sift_down(builder, sorted, order, 0, end);
	}
}

static void sort_groups(const struct wb_functions_builder *builder, const struct sorted *sorted)
{
	for (size_t i = 0, n; i < sorted->count; i += n) {
		for (n = 1; i + n < sorted->count && sorted->keys[i + n] == sorted->keys[i]; n++)
			continue;
		if (n > 1)
			sort_group(builder, sorted, sorted->order + i, n);
	}
}

/* The segments of ranges in their order, between two addresses. */
static enum wb_err sweep_over(struct wb_sweep *sweep, const struct wb_functions_range *items, const uint32_t *order, size_t count, uint64_t start,
                              uint64_t end)
{
	enum wb_err err = wb_sweep_init(sweep, count);

	for (size_t i = 0; !err && i < count && items[order[i]].start < end; i++) {
		const struct wb_functions_range *range = &items[order[i]];

		if (range->end > start)
			err = wb_sweep_open(sweep, range->start > start ? range->start : start, range->end < end ? range->end : end, range->node);
	}
	if (!err)
		wb_sweep_to(sweep, UINT64_MAX);
	return err;
}

/* Starts are kept as 32-bit offsets; no image has code further apart. */
static uint64_t end_of(uint64_t base)
{
	uint64_t end;

	return wb_u64_add(base, UINT32_MAX - 1, &end) ? end : UINT64_MAX;
}

static enum wb_err flatten_functions(const struct wb_functions_builder *builder, struct wb_sweep *sweep)
{
	struct sorted sorted;
	enum wb_err err = sorted_init(&sorted, &builder->own);

	if (!err) {
		sort_groups(builder, &sorted);
		if (sorted.count > 0)
			err = sweep_over(sweep, sorted.items, sorted.order, sorted.count, 0, end_of(sorted.keys[0]));
	}
	sorted_deinit(&sorted);
	return err;
}

/* The calls of one function, which is known to be where they are asked for, and where its table is. */
static enum wb_err flatten_calls(const struct wb_functions_builder *builder, struct wb_sweep *sweep)
{
	struct sorted sorted;
	enum wb_err err = sorted_init(&sorted, &builder->called);

	if (!err)
		err = sweep_over(sweep, sorted.items, sorted.order, sorted.count, builder->base, end_of(builder->base));
	sorted_deinit(&sorted);
	return err;
}

/* Segments of calls, function by function. */
struct called {
	uint32_t *order;              /* of ranges, by function and start */
	size_t *range_ends;           /* by function: where its ranges end in the order, and the next one's begin */
	uint64_t *starts;             /* of segments */
	uint32_t *ids;
	size_t *ends;                 /* by function: where its segments end */
	size_t count;
};

static void called_deinit(struct called *called)
{
	wb_mem_free(called->order);
	wb_mem_free(called->range_ends);
	wb_mem_free(called->starts);
	wb_mem_free(called->ids);
	wb_mem_free(called->ends);
}

/* By function; those of one stay in their order. */
static void order_by_function(const struct wb_functions_builder *builder, const struct sorted *sorted, struct called *called)
{
	size_t at = 0;

	for (size_t i = 0; i < sorted->count; i++)
		called->range_ends[sorted->items[i].root]++;
	for (size_t i = 0; i < builder->num_functions; i++) {
		size_t n = called->range_ends[i];

		called->range_ends[i] = at;
		at += n;
	}
	for (size_t i = 0; i < sorted->count; i++)
		called->order[called->range_ends[sorted->items[sorted->order[i]].root]++] = sorted->order[i];
}

static enum wb_err sweep_function(struct called *called, const struct wb_functions_range *items, size_t function)
{
	size_t first = function > 0 ? called->range_ends[function - 1] : 0;
	struct wb_sweep sweep;
	enum wb_err err = sweep_over(&sweep, items, called->order + first, called->range_ends[function] - first, 0, UINT64_MAX);

	if (!err && sweep.num_segments > 0) {
		memcpy(called->starts + called->count, sweep.starts, sweep.num_segments * sizeof *sweep.starts);
		memcpy(called->ids + called->count, sweep.ids, sweep.num_segments * sizeof *sweep.ids);
		called->count += sweep.num_segments;
	}
	called->ends[function] = called->count;
	wb_sweep_deinit(&sweep);
	return err;
}

static enum wb_err called_init(struct called *called, const struct wb_functions_builder *builder)
{
	size_t n = builder->called.count, functions = builder->num_functions;
	struct sorted sorted;
	enum wb_err err = sorted_init(&sorted, &builder->called);

	*called = (struct called){
		.order = wb_mem_resize(NULL, n, sizeof *called->order), .range_ends = wb_mem_zalloc(functions, sizeof *called->range_ends),
		.starts = wb_mem_resize(NULL, 2 * n, sizeof *called->starts), .ids = wb_mem_resize(NULL, 2 * n, sizeof *called->ids),
		.ends = wb_mem_zalloc(functions, sizeof *called->ends),
	};
	if (!called->order || !called->range_ends || !called->starts || !called->ids || !called->ends)
		err = WB_ERR_MEMORY;
	if (!err)
		order_by_function(builder, &sorted, called);
	for (size_t i = 0; !err && i < functions; i++)
		err = sweep_function(called, builder->called.items, i);
	sorted_deinit(&sorted);
	return err;
}

static void append(struct wb_sweep *to, uint64_t start, uint32_t id)
{
	if (to->num_segments > 0 && to->ids[to->num_segments - 1] == id)
		return;
	to->starts[to->num_segments] = start;
	to->ids[to->num_segments++] = id;
}

/* The segment of a function with its calls: what is between calls is the function's own. */
static void append_function(struct wb_sweep *to, const struct called *called, uint32_t function, uint32_t node, uint64_t start, uint64_t end)
{
	size_t first = function > 0 ? called->ends[function - 1] : 0, last = called->ends[function];

	for (size_t n = last - first; n > 0;) { /* the first that starts behind start */
		size_t half = n / 2;

		if (called->starts[first + half] > start) {
			n = half;
		} else {
			first += half + 1;
			n -= half + 1;
		}
	}
	if (first > (function > 0 ? called->ends[function - 1] : 0) && called->ids[first - 1] != WB_SWEEP_NONE)
		append(to, start, called->ids[first - 1]);
	else
		append(to, start, node);
	for (; first < last && called->starts[first] < end; first++)
		append(to, called->starts[first], called->ids[first] != WB_SWEEP_NONE ? called->ids[first] : node);
}

/* Functions first, then where each of them is its calls. */
static enum wb_err flatten_all(const struct wb_functions_builder *builder, struct wb_sweep *sweep)
{
	struct wb_sweep outer = { 0 };
	struct called called = { 0 };
	enum wb_err err = flatten_functions(builder, &outer);

	if (!err)
		err = called_init(&called, builder);
	if (!err)
		err = wb_sweep_init(sweep, outer.num_segments + called.count);
	for (size_t i = 0; !err && i < outer.num_segments; i++) {
		uint32_t node = outer.ids[i];

		if (node == WB_SWEEP_NONE)
			append(sweep, outer.starts[i], node);
		else /* the last segment is none of a function */
			append_function(sweep, &called, builder->roots[node], node, outer.starts[i], outer.starts[i + 1]);
	}
	called_deinit(&called);
	wb_sweep_deinit(&outer);
	return err;
}

static enum wb_err flatten(const struct wb_functions_builder *builder, struct wb_sweep *sweep)
{
	if (builder->own.count == 0)
		return flatten_calls(builder, sweep);
	return builder->called.count == 0 ? flatten_functions(builder, sweep) : flatten_all(builder, sweep);
}

static const void *copy_to(char **at, const void *items, size_t size)
{
	void *copy = *at;

	if (size > 0)
		memcpy(copy, items, size);
	*at += size;
	return copy;
}

static struct wb_functions *table_of(const struct wb_functions_builder *builder, const struct wb_sweep *sweep)
{
	size_t functions_size = builder->num_functions * sizeof *builder->functions, names_size = builder->num_names * sizeof *builder->names;
	size_t left_size = builder->num_left * sizeof *builder->left;
	size_t nodes_size = builder->num_nodes * sizeof *builder->nodes, ids_size = sweep->num_segments * sizeof *sweep->ids;
	size_t size = sizeof(struct wb_functions) + functions_size + names_size + nodes_size + left_size + 2 * ids_size;
	struct wb_functions *functions = wb_mem_alloc(size);
	uint64_t base = sweep->num_segments > 0 ? sweep->starts[0] : 0;
	uint32_t *starts;
	char *at;

	if (!functions)
		return NULL;
	at = (char *)(functions + 1);
	*functions = (struct wb_functions){
		.bytes = size, .base = base, .num_segments = sweep->num_segments, .num_functions = builder->num_functions,
		.num_names = builder->num_names, .num_nodes = builder->num_nodes,
	};
	functions->functions = copy_to(&at, builder->functions, functions_size);
	functions->names = copy_to(&at, builder->names, names_size);
	functions->nodes = copy_to(&at, builder->nodes, nodes_size);
	functions->left = copy_to(&at, builder->left, left_size);
	functions->ids = copy_to(&at, sweep->ids, ids_size);
	starts = (uint32_t *)(void *)at;
	for (size_t i = 0; i < sweep->num_segments; i++)
		starts[i] = (uint32_t)(sweep->starts[i] - base);
	functions->starts = starts;
	return functions;
}

enum wb_err wb_functions_builder_finish(struct wb_functions_builder *builder, struct wb_functions **ret_functions)
{
	struct wb_sweep sweep = { 0 };
	struct wb_functions *functions;
	enum wb_err err = flatten(builder, &sweep);

	if (!err) {
		functions = table_of(builder, &sweep);
		if (functions)
			*ret_functions = functions;
		else
			err = WB_ERR_MEMORY;
	}
	wb_sweep_deinit(&sweep);
	return err;
}

void wb_functions_free(struct wb_functions *functions)
{
	wb_mem_free(functions);
}

/* ---- Lookups -------------------------------------------------------------------------------------------------------------- */

uint32_t wb_functions_find(const struct wb_functions *functions, uint64_t image_pc)
{
	size_t n = functions ? functions->num_segments : 0;
	const uint32_t *at;
	uint64_t offset;

	if (n == 0 || image_pc < functions->base || image_pc - functions->base > UINT32_MAX)
		return WB_NODE_NONE;
	offset = image_pc - functions->base;
	for (at = functions->starts; n > 1;) {
		size_t half = n / 2;

		at += at[half] <= offset ? half : 0;
		n -= half;
	}
	return functions->ids[at - functions->starts];
}

const struct wb_node *wb_functions_node(const struct wb_functions *functions, uint32_t node)
{
	return &functions->nodes[node];
}

const struct wb_function_name *wb_functions_name(const struct wb_functions *functions, uint32_t name)
{
	return &functions->names[name];
}

const struct wb_function *wb_functions_function(const struct wb_functions *functions, uint32_t function)
{
	return &functions->functions[function];
}

size_t wb_functions_count(const struct wb_functions *functions)
{
	return functions->num_functions;
}

const struct wb_left_call *wb_functions_left_call(const struct wb_functions *functions, uint32_t call)
{
	return &functions->left[call];
}

size_t wb_functions_bytes(const struct wb_functions *functions)
{
	return functions ? functions->bytes : 0;
}

size_t wb_functions_num_segments(const struct wb_functions *functions)
{
	return functions->num_segments;
}

void wb_functions_segment(const struct wb_functions *functions, size_t i, uint64_t *ret_start, uint32_t *ret_node)
{
	*ret_start = functions->base + functions->starts[i];
	*ret_node = functions->ids[i];
}
