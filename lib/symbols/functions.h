/* SPDX-License-Identifier: MIT */
/*
 * Functions and the calls inlined into them: immutable, whichever compiler made it. All ranges are flattened to segments, each of which names
 * the innermost node there; a node's parents are the calls around it, up to the function. Names are references into debug sections (see
 * lines.h). A table is of all functions of a unit, with their calls or with where these are told (they are nine tenths of it, and most functions
 * are never asked for), or of the calls of one function.
 *
 * Where functions overlap, the one that starts last counts, then the one with less code, then the first in the unit; and then its calls,
 * where the function is. Ranges that do not start in code were discarded by the linker.
 */
#ifndef SYMBOLS_FUNCTIONS_H
#define SYMBOLS_FUNCTIONS_H

#include "symbols/dwarf_ranges.h"
#include "symbols/text.h"

static const uint32_t WB_NODE_NONE = UINT32_MAX;

struct wb_function_name {
	uint64_t name, linkage;       /* references; WB_REF_NONE: unknown. name may be one to an entry: wb_dwarf_name makes both of it */
};
struct wb_function {
	uint64_t entry;               /* image pc: DW_AT_low_pc, or where its first range starts */
	uint64_t size;                /* bytes of all its ranges */
	uint64_t place;               /* of its entry: offset into its file's .debug_info */
	uint32_t first_left, end_left; /* calls inlined into it that are not in this table are among these; end_left 0: there are none */
};
/* A call that is not in the table. */
struct wb_left_call {
	uint32_t at;                  /* its entry: bytes behind that of its function */
	uint32_t parent;              /* index of the one that it is inlined into; WB_LEFT_FUNCTION + index: that function */
};
enum { WB_LEFT_FUNCTION = 1 << 30 };
struct wb_node {
	uint32_t parent;              /* node that it is inlined into; WB_NODE_NONE: a function */
	uint32_t name;                /* index of its name; WB_NODE_NONE: unknown */
	union {                       /* a large program has millions of them */
		uint32_t function;    /* of a function: its index */
		/* Of an inlined call: where the parent calls it. At most what lines.h has as most; file as wb_lines_path takes it. */
		struct { uint64_t call_line : 28, call_file : 20, call_column : 16; };
	};
};

struct wb_functions;
/* The innermost node at image_pc, or WB_NODE_NONE. functions may be NULL. In a table of one function's calls, that there are none says nothing of
 * the function, which is node 0. */
uint32_t wb_functions_find(const struct wb_functions *functions, uint64_t image_pc);
const struct wb_node *wb_functions_node(const struct wb_functions *functions, uint32_t node);
const struct wb_function_name *wb_functions_name(const struct wb_functions *functions, uint32_t name);
const struct wb_function *wb_functions_function(const struct wb_functions *functions, uint32_t function);
size_t wb_functions_count(const struct wb_functions *functions);
const struct wb_left_call *wb_functions_left_call(const struct wb_functions *functions, uint32_t call);
size_t wb_functions_bytes(const struct wb_functions *functions);
void wb_functions_free(struct wb_functions *functions);
/* For indexes, tests and comparisons: segment i starts at *ret_start, holds *ret_node (WB_NODE_NONE: nothing) and goes up to the next. */
size_t wb_functions_num_segments(const struct wb_functions *functions);
void wb_functions_segment(const struct wb_functions *functions, size_t i, uint64_t *ret_start, uint32_t *ret_node);

/* ---- Compiling: in the order of the unit's entries ---------------------------------------------------------------------- */

struct wb_functions_range { uint64_t start, end; uint32_t node, root; }; /* root: the function that the node is in */
struct wb_functions_ranges { struct wb_functions_range *items; size_t count, capacity; };
struct wb_functions_builder {
	const struct wb_text *text;   /* where code is; NULL or empty: everywhere */
	const struct wb_text_range *last; /* where code was found last, which the next is in mostly; NULL: none was */
	struct wb_functions_ranges own, called; /* of functions; and of calls */
	struct wb_node *nodes;
	uint32_t *roots;              /* of nodes: the function that it is in */
	size_t num_nodes, nodes_capacity, roots_capacity;
	struct wb_function_name *names;
	size_t num_names, names_capacity;
	struct wb_function *functions;
	size_t num_functions, functions_capacity;
	struct wb_left_call *left;
	size_t num_left, left_capacity;
	uint64_t base;                /* where the table that an outer function is of begins */
};
void wb_functions_builder_init(struct wb_functions_builder *builder, const struct wb_text *text);
/* Sets memory aside for what a unit of so many bytes has most often, so that it need not be moved while it grows. */
void wb_functions_builder_expect(struct wb_functions_builder *builder, uint64_t unit_size);
void wb_functions_builder_deinit(struct wb_functions_builder *builder);
enum wb_err wb_functions_add_name(struct wb_functions_builder *builder, uint64_t name, uint64_t linkage, uint32_t *ret_index);
/* function: entry (UINT64_MAX: where the first range starts), place. *ret_node is WB_NODE_NONE if no range is alive: calls inlined into it need not
 * be added. */
enum wb_err wb_functions_add_function(struct wb_functions_builder *builder, uint32_t name, const struct wb_function *function,
                                      const struct wb_ranges *ranges, uint32_t *ret_node);
/* The function, as another table has it, of a table of its calls. */
enum wb_err wb_functions_add_outer(struct wb_functions_builder *builder, const struct wb_functions *functions, uint32_t node);
/* Leaves a call out, of a function by its index, whose entry is at `place`. *ret_call: its index. WB_ERR_LIMIT: they are too many, or too far apart. */
enum wb_err wb_functions_leave_call(struct wb_functions_builder *builder, uint32_t function, uint64_t place, uint32_t parent, uint32_t *ret_call);
/* node: parent (WB_NODE_NONE not allowed), name, call_file, call_line, call_column. */
enum wb_err wb_functions_add_call(struct wb_functions_builder *builder, const struct wb_node *node, const struct wb_ranges *ranges,
                                  uint32_t *ret_node);
enum wb_err wb_functions_builder_finish(struct wb_functions_builder *builder, struct wb_functions **ret_functions);

#endif
