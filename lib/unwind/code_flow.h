/* SPDX-License-Identifier: MIT */
/* The flow of a function's instructions: all paths from a place, each instruction with what is known before it. */
#ifndef UNWIND_CODE_FLOW_H
#define UNWIND_CODE_FLOW_H

#include "unwind/code_reader.h"
#include "unwind/code_state.h"

enum { WB_FLOW_NODES_MAX = 768, WB_FLOW_SIZE_MAX = UINT16_MAX }; /* of walks; in bytes of code, of any flow */

struct wb_flow_node {
	uint16_t at;
	uint8_t length;
	bool is_call;
	bool after_call;              /* reached only behind a call, which may never return */
	bool queued;
	struct wb_code_state state;   /* before the instruction */
};

struct wb_flow {
	const struct wb_code_machine *machine;
	const struct wb_code_window *window;
	bool backwards;               /* from the pc to returns */
	uint16_t num_nodes;
	uint16_t num_queued;
	bool has_exit;
	bool failed;                  /* what there is says nothing for sure */
	bool is_cut;                  /* forwards: not all paths were followed, so that behind calls that return nothing else may be known yet */
	bool has_table, table_has_frame;
	struct wb_code_state exit;    /* at returns */
	struct wb_code_state table;   /* forwards: at jumps to where a table says */
	uint16_t size_max, nodes_max; /* room: bytes of code and instructions */
	uint16_t *index;              /* node + 1 by offset; 0: none */
	uint16_t *queue;              /* nodes to be followed, a stack */
	struct wb_flow_node nodes[];
};

/* Takes any flow that a walk may follow: freed with wb_mem_free; NULL: out of memory. */
struct wb_flow *wb_flow_new(const struct wb_code_machine *machine, const struct wb_code_window *window);
/* One with room for size_max bytes of code and nodes_max instructions, for who has more time than a walk. */
struct wb_flow *wb_flow_new_sized(const struct wb_code_machine *machine, const struct wb_code_window *window, uint16_t size_max, uint16_t nodes_max);
/* Follows all paths from the function's start, or from window->at to the returns. */
void wb_flow_run(struct wb_flow *flow, bool backwards);
/* The instruction at the pc, or the call that returns there; NULL: no path came there. */
const struct wb_flow_node *wb_flow_at_pc(const struct wb_flow *flow, const struct wb_arch_info *arch);

/* The row that a state from the start, or the one at the returns, gives. WB_NONE: none. */
enum wb_err wb_flow_row(const struct wb_flow *flow, const struct wb_arch_info *arch, const struct wb_code_state *state, struct wb_code_row *ret_row);

#endif
