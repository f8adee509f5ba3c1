/* SPDX-License-Identifier: MIT */
/* Functions and inlined calls: 8 bytes a segment, 24 a node; one binary search, then parents. */
#include "symbols/functions.h"

#include "base/mem.h"
#include "symbols/sort.h"
#include "symbols/sweep.h"

#include <string.h>

enum {
	NODES_MAX = 1 << 30,
	RANGES_MAX = 1 << 30,
	/* Of .debug_info: in large optimized programs of C++, Rust and C a range has 50 to 60, a node 50 to 90, in libc many more. */
	BYTES_PER_RANGE = 64, BYTES_PER_NODE = 96,
};

struct wb_functions {
	size_t bytes;                 /* of the block: this, functions, names, starts, nodes, ids */
	uint64_t base;                /* what starts count from */
	const struct wb_function *functions;
	const struct wb_function_name *names;
	const struct wb_node *nodes;
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
	size_t num_ranges = (size_t)(unit_size / BYTES_PER_RANGE), num_nodes = (size_t)(unit_size / BYTES_PER_NODE);

	/* Without it, there is less of it at first. */
	(void)wb_mem_grow((void **)&builder->ranges, &builder->ranges_capacity, 0, num_ranges, sizeof *builder->ranges);
	(void)wb_mem_grow((void **)&builder->nodes, &builder->nodes_capacity, 0, num_nodes, sizeof *builder->nodes);
}

void wb_functions_builder_deinit(struct wb_functions_builder *builder)
{
	wb_mem_free(builder->ranges);
	wb_mem_free(builder->nodes);
	wb_mem_free(builder->names);
	wb_mem_free(builder->functions);
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

static enum wb_err add_node(struct wb_functions_builder *builder, const struct wb_node *node, uint32_t *ret_node)
{
	if (builder->num_nodes == NODES_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&builder->nodes, &builder->nodes_capacity, builder->num_nodes, 1, sizeof *builder->nodes))
		return WB_ERR_MEMORY;
	*ret_node = (uint32_t)builder->num_nodes;
	builder->nodes[builder->num_nodes++] = *node;
	return WB_OK;
}

static enum wb_err add_ranges(struct wb_functions_builder *builder, uint32_t node, uint32_t root, const struct wb_ranges *ranges)
{
	if (ranges->count > RANGES_MAX - builder->num_ranges)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&builder->ranges, &builder->ranges_capacity, builder->num_ranges, ranges->count, sizeof *builder->ranges))
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < ranges->count; i++)
		if (is_alive(builder, &ranges->items[i]))
			builder->ranges[builder->num_ranges++] =
				(struct wb_functions_range){ ranges->items[i].start, ranges->items[i].end, node, root };
	return WB_OK;
}

enum wb_err wb_functions_add_function(struct wb_functions_builder *builder, uint32_t name, uint64_t entry, const struct wb_ranges *ranges,
                                      uint32_t *ret_node)
{
	uint32_t index = (uint32_t)builder->num_functions;
	struct wb_node node = { .parent = WB_NODE_NONE, .name = name, .function = index };
	struct wb_function function = { .entry = entry };
	enum wb_err err;

	for (size_t i = 0; i < ranges->count; i++) {
		if (!is_alive(builder, &ranges->items[i]))
			continue;
		if (function.entry == UINT64_MAX)
			function.entry = ranges->items[i].start;
		function.size += ranges->items[i].end - ranges->items[i].start;
	}
	*ret_node = WB_NODE_NONE;
	if (function.size == 0)
		return WB_OK;
	if (!wb_mem_grow((void **)&builder->functions, &builder->functions_capacity, index, 1, sizeof *builder->functions))
		return WB_ERR_MEMORY;
	err = add_node(builder, &node, ret_node);
	if (err)
		return err;
	builder->functions[builder->num_functions++] = function;
	return add_ranges(builder, *ret_node, index, ranges);
}

enum wb_err wb_functions_add_call(struct wb_functions_builder *builder, const struct wb_node *node, const struct wb_ranges *ranges,
                                  uint32_t *ret_node)
{
	struct wb_node call = *node;
	enum wb_err err;

	call.function = builder->nodes[node->parent].function;
	err = add_node(builder, &call, ret_node);
	return err ? err : add_ranges(builder, *ret_node, call.function, ranges);
}

/* Whether a must be opened before b, both starting at one address: what is opened last covers. */
static bool opens_before(const struct wb_functions_builder *builder, const struct wb_functions_range *a, const struct wb_functions_range *b)
{
	uint64_t a_size = builder->functions[a->root].size, b_size = builder->functions[b->root].size;

	if (a->root == b->root)
		return a->node < b->node; /* entries come before what they contain */
	return a_size != b_size ? a_size > b_size : a->root > b->root;
}

static void sift_down(const struct wb_functions_builder *builder, uint32_t *order, size_t at, size_t count)
{
	for (size_t child; (child = 2 * at + 1) < count; at = child) {
		uint32_t swap = order[at];

		if (child + 1 < count && opens_before(builder, &builder->ranges[order[child]], &builder->ranges[order[child + 1]]))
			child++;
		if (!opens_before(builder, &builder->ranges[swap], &builder->ranges[order[child]]))
			return;
		order[at] = order[child];
		order[child] = swap;
	}
}

/* Heap sort: these groups are tiny, unless somebody made the file to be slow. */
static void sort_group(const struct wb_functions_builder *builder, uint32_t *order, size_t count)
{
	for (size_t at = count / 2; at-- > 0;)
		sift_down(builder, order, at, count);
	for (size_t end = count; end-- > 1;) {
		uint32_t swap = order[0];

		order[0] = order[end];
		order[end] = swap;
		sift_down(builder, order, 0, end);
	}
}

/* Sorting by start was stable, so that a group of one function is in its entries' order already. */
static void sort_groups(const struct wb_functions_builder *builder, const uint64_t *keys, uint32_t *order)
{
	for (size_t i = 0, n; i < builder->num_ranges; i += n) {
		bool is_mixed = false;

		for (n = 1; i + n < builder->num_ranges && keys[i + n] == keys[i]; n++)
			is_mixed |= builder->ranges[order[i + n]].root != builder->ranges[order[i]].root;
		if (is_mixed)
			sort_group(builder, order + i, n);
	}
}

static enum wb_err flatten(const struct wb_functions_builder *builder, struct wb_sweep *sweep)
{
	size_t n = builder->num_ranges;
	uint64_t *keys = wb_mem_zalloc(n, sizeof *keys);
	uint32_t *order = wb_mem_zalloc(n, sizeof *order);
	enum wb_err err = keys && order ? wb_sweep_init(sweep, n) : WB_ERR_MEMORY;

	for (size_t i = 0; !err && i < n; i++) {
		keys[i] = builder->ranges[i].start;
		order[i] = (uint32_t)i;
	}
	if (!err)
		err = wb_sort_by_key(keys, order, n);
	if (!err)
		sort_groups(builder, keys, order);
	for (size_t i = 0; !err && i < n; i++) {
		const struct wb_functions_range *range = &builder->ranges[order[i]];

		/* Starts are kept as 32-bit offsets; no image has code further apart. */
		if (range->start - keys[0] > UINT32_MAX - 1)
			break;
		if (range->end - keys[0] > UINT32_MAX - 1)
			err = wb_sweep_open(sweep, range->start, keys[0] + UINT32_MAX - 1, range->node);
		else
			err = wb_sweep_open(sweep, range->start, range->end, range->node);
	}
	if (!err)
		wb_sweep_to(sweep, UINT64_MAX);
	wb_mem_free(keys);
	wb_mem_free(order);
	return err;
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
	size_t nodes_size = builder->num_nodes * sizeof *builder->nodes, ids_size = sweep->num_segments * sizeof *sweep->ids;
	size_t size = sizeof(struct wb_functions) + functions_size + names_size + nodes_size + 2 * ids_size;
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
