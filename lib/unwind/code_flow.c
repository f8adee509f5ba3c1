/* SPDX-License-Identifier: MIT */
/*
 * Follows the instructions of a function. Two ways:
 *
 *  - the function's start is known: what its instructions do to the stack is followed along all paths from there, and what holds at the pc on all of
 *    them is the answer. The return address is where calls leave it at the start, and registers are where they were stored first.
 *  - it is not: the paths from the pc to the function's returns are followed. SP is the caller's there, and the last load of a register before was from
 *    where it had been saved. All returns must agree. A path ends without an answer at a call, which may never return.
 *
 * Both follow the same state; only its meaning differs.
 */
#include "unwind/code_flow.h"

#include "base/mem.h"

#include <string.h>

/* Each visit of a node but the first loses one of the things that its state knows, and few nodes are visited often. */
enum { VISITS_A_NODE = 8 };

struct wb_flow *wb_flow_new_sized(const struct wb_code_machine *machine, const struct wb_code_window *window, uint16_t size_max, uint16_t nodes_max)
{
	/* The nodes, which are the widest, come first. None of this can overflow: the numbers have 16 bits. */
	size_t nodes = sizeof(struct wb_flow) + nodes_max * sizeof(struct wb_flow_node);
	struct wb_flow *f = wb_mem_alloc(nodes + ((size_t)size_max + nodes_max) * sizeof(uint16_t));

	if (!f)
		return NULL;
	f->size_max = size_max;
	f->nodes_max = nodes_max;
	f->index = (uint16_t *)(void *)((uint8_t *)f + nodes);
	f->queue = f->index + size_max;
	f->machine = machine;
	f->window = window;
	f->num_nodes = f->num_queued = 0;
	f->has_exit = f->failed = f->backwards = f->is_cut = f->has_table = false;
	return f;
}

struct wb_flow *wb_flow_new(const struct wb_code_machine *machine, const struct wb_code_window *window)
{
	return wb_flow_new_sized(machine, window, WB_CODE_WINDOW_MAX, WB_FLOW_NODES_MAX);
}

static void enqueue(struct wb_flow *f, struct wb_flow_node *node)
{
	if (node->queued)
		return;
	node->queued = true;
	f->queue[f->num_queued++] = (uint16_t)(node - f->nodes);
}

static void add_node(struct wb_flow *f, uint16_t at, const struct wb_code_state *state, bool after_call)
{
	struct wb_flow_node *node = &f->nodes[f->num_nodes];

	/* What was reached so far counts, forwards: all paths of a function that works agree. Backwards, there could be any return. */
	if (f->num_nodes == f->nodes_max) {
		f->failed |= f->backwards;
		f->is_cut = true;
		return;
	}
	f->index[at] = ++f->num_nodes;
	node->at = at;
	node->length = 0;
	node->is_call = node->queued = false;
	node->after_call = after_call;
	node->state = *state;
	enqueue(f, node);
}

static bool has_same_frame(const struct wb_flow *f, const struct wb_code_state *a, const struct wb_code_state *b)
{
	return wb_code_place_is_same(a->value[f->machine->sp], b->value[f->machine->sp]);
}

/* A path comes to `at` with this state. */
static void reach(struct wb_flow *f, int64_t at, const struct wb_code_state *state, bool after_call)
{
	struct wb_flow_node *node;

	if (at < 0 || at >= (int64_t)f->window->end || at >= f->size_max)
		return;
	if (!f->index[at]) {
		add_node(f, (uint16_t)at, state, after_call);
		return;
	}
	node = &f->nodes[f->index[at] - 1];
	/* Behind a call that never returns there may be anything: where the frame is another, other paths know better. */
	if (after_call && !node->after_call && !has_same_frame(f, &node->state, state))
		return;
	if (!after_call && node->after_call && !has_same_frame(f, &node->state, state)) {
		node->after_call = false;
		node->state = *state;
		enqueue(f, node);
		return;
	}
	node->after_call &= after_call;
	if (wb_code_state_meet(&node->state, state, f->machine))
		enqueue(f, node);
}

/* The function is left with SP where it was when the function was called. */
static void leave(struct wb_flow *f, const struct wb_code_state *state)
{
	struct wb_code_state exit = *state;
	struct wb_code_place sp = exit.value[f->machine->sp];

	if (!f->backwards)
		return;
	for (int i = 0; i < f->machine->num_kept; i++)
		if (exit.kept[i].base == WB_PLACE_SAVED_LATER)
			exit.kept[i].base = WB_PLACE_UNTOUCHED;
	/* The caller's SP never is below SP at the pc: a linkage table's entry that pushed for the resolver has it elsewhere. */
	if (!wb_code_place_is_known(sp) || (sp.base == WB_PLACE_FROM_SP && sp.offset < 0) ||
	    (f->has_exit && !wb_code_place_is_same(sp, f->exit.value[f->machine->sp]))) {
		f->failed = true;
		return;
	}
	if (f->has_exit)
		wb_code_state_meet(&f->exit, &exit, f->machine);
	else
		f->exit = exit;
	f->has_exit = true;
}

/* Whether a path has taken a frame down since the pc: then a jump to elsewhere is the last thing that the function does. */
static bool is_taken_down(const struct wb_flow *f, const struct wb_code_state *state)
{
	struct wb_code_place sp = state->value[f->machine->sp];
	int link = wb_code_kept_index(f->machine, f->machine->link);

	return link >= 0 && wb_code_place_is_known(state->kept[link]) && wb_code_place_is_known(sp) && (sp.base == WB_PLACE_FROM_FP || sp.offset > 0);
}

/* A switch's jump, which keeps the frame; or, where none is left, a call at the function's end. */
static void jump_by_table(struct wb_flow *f, const struct wb_code_state *state)
{
	struct wb_code_place sp = state->value[f->machine->sp];
	bool has_frame = !(sp.base == WB_PLACE_FROM_SP && !sp.offset);

	if (f->has_table && has_frame == f->table_has_frame) {
		wb_code_state_meet(&f->table, state, f->machine);
	} else if (!f->has_table || has_frame) {
		f->table = *state;
		f->table_has_frame = has_frame;
	}
	f->has_table = true;
}

/* Out of what is known of the function. */
static void jump_out(struct wb_flow *f, const struct wb_code_state *state)
{
	if (is_taken_down(f, state))
		leave(f, state);
}

static void jump_away(struct wb_flow *f, const struct wb_code_state *state)
{
	if (f->window->is_linkage)
		leave(f, state);
	else if (f->backwards)
		jump_out(f, state);
	else
		jump_by_table(f, state);
}

static void jump(struct wb_flow *f, int64_t at, const struct wb_code_state *state)
{
	if (at < 0 || at >= (int64_t)f->window->end)
		jump_out(f, state);
	else
		reach(f, at, state, false);
}

/* After a loop that ends when SP has come to where another register points, the two are equal. */
static void jump_if(struct wb_flow *f, int64_t target, int64_t next, const struct wb_code_state *state,
                    enum wb_code_condition condition)
{
	struct wb_code_state equal = *state;
	bool may_be_equal = condition == WB_IF_ANY || wb_code_state_assume_equal(&equal);

	if (condition != WB_IF_EQUAL || may_be_equal)
		reach(f, target, condition == WB_IF_EQUAL ? &equal : state, false);
	if (condition != WB_IF_NOT_EQUAL || may_be_equal)
		reach(f, next, condition == WB_IF_NOT_EQUAL ? &equal : state, false);
}

static void follow_node(struct wb_flow *f, struct wb_flow_node *node)
{
	struct wb_code_state state = node->state;
	struct wb_code_insn insn;
	int64_t next;

	if (!f->machine->decode(f->window->bytes + node->at, f->window->end - node->at, &insn)) {
		/* Forwards, it is only this path that is not known; backwards, it could lead to any return. */
		f->failed |= f->backwards;
		return;
	}
	next = node->at + insn.length;
	node->length = insn.length;
	node->is_call = insn.next == WB_NEXT_CALL;
	wb_code_state_execute(&state, &insn, f->machine, f->backwards);
	switch ((enum wb_code_next)insn.next) {
	case WB_NEXT_RETURN:
	case WB_NEXT_JUMP_LINKED:
		leave(f, &state);
		break;
	case WB_NEXT_JUMP:
		jump(f, next + insn.target, &state);
		break;
	case WB_NEXT_JUMP_IF:
		jump_if(f, next + insn.target, next, &state, (enum wb_code_condition)insn.condition);
		break;
	case WB_NEXT_CALL:
		if (!f->backwards)
			reach(f, next, &state, true);
		break;
	case WB_NEXT_JUMP_AWAY:
		jump_away(f, &state);
		break;
	case WB_NEXT_STOP:
		break;
	case WB_NEXT_ON:
		reach(f, next, &state, false);
		break;
	}
}

/* Whether the function has a frame anywhere: then a jump without one leaves it. */
static bool has_frame(const struct wb_flow *f)
{
	for (uint16_t i = 0; i < f->num_nodes; i++) {
		struct wb_code_place sp = f->nodes[i].state.value[f->machine->sp];

		if (sp.base != WB_PLACE_FROM_SP || sp.offset)
			return true;
	}
	return false;
}

/* What no path came to is where a table leads; it starts behind what does not go on. Whether there was any. */
static bool reach_gaps(struct wb_flow *f)
{
	uint16_t count = f->num_nodes;

	if (!f->has_table || (!f->table_has_frame && has_frame(f)))
		return false;
	for (uint16_t i = 0; i < count; i++) {
		const struct wb_flow_node *node = &f->nodes[i];
		size_t next = node->at + (size_t)node->length;

		if (node->length && next < f->window->end && next < f->size_max && !f->index[next])
			reach(f, (int64_t)next, &f->table, true);
	}
	return f->num_nodes > count;
}

void wb_flow_run(struct wb_flow *f, bool backwards)
{
	struct wb_code_state state;
	unsigned visits = 0;

	wb_code_state_init(&state, f->machine);
	f->backwards = backwards;
	f->has_exit = f->failed = f->is_cut = f->has_table = false;
	f->num_nodes = f->num_queued = 0;
	memset(f->index, 0, f->size_max * sizeof(*f->index));
	reach(f, (int64_t)(backwards ? f->window->at : f->window->start), &state, false);
	do {
		while (f->num_queued && !f->failed) {
			struct wb_flow_node *node = &f->nodes[f->queue[--f->num_queued]];

			node->queued = false;
			f->failed |= ++visits > VISITS_A_NODE * (unsigned)f->nodes_max;
			follow_node(f, node);
		}
	} while (!f->failed && reach_gaps(f));
}

const struct wb_flow_node *wb_flow_at_pc(const struct wb_flow *f, const struct wb_arch_info *arch)
{
	const struct wb_code_window *w = f->window;
	const struct wb_flow_node *node = w->exact && f->index[w->at] ? &f->nodes[f->index[w->at] - 1] : NULL;

	for (uint16_t i = 0; i < f->num_nodes && !w->exact && !node; i++)
		if (f->nodes[i].is_call && (size_t)f->nodes[i].at + f->nodes[i].length == w->at + arch->call_step)
			node = &f->nodes[i];
	return node && f->is_cut && node->after_call && !w->is_entry ? NULL : node;
}

static enum wb_err follow(struct wb_flow *f, const struct wb_arch_info *arch, struct wb_code_row *ret_row)
{
	const struct wb_code_window *window = f->window;
	const struct wb_flow_node *node;

	/* (An unknown start is larger than any place.) */
	if (window->start <= window->at) {
		wb_flow_run(f, false);
		node = f->failed ? NULL : wb_flow_at_pc(f, arch);
		if (node && window->is_entry) {
			memset(ret_row, 0, sizeof(*ret_row));
			ret_row->row.flags = WB_ROW_ROOT;
			ret_row->row.how = WB_HOW_CODE;
			return WB_OK;
		}
		if (node)
			return wb_flow_row(f, arch, &node->state, ret_row);
	}
	if (!window->exact)
		return WB_NONE;
	wb_flow_run(f, true);
	return f->failed || !f->has_exit ? WB_NONE : wb_flow_row(f, arch, &f->exit, ret_row);
}

enum wb_err wb_code_follow(const struct wb_code_machine *machine, const struct wb_arch_info *arch, const struct wb_code_window *window,
                           struct wb_code_row *ret_row)
{
	struct wb_flow *flow;
	enum wb_err err;

	if (window->at >= window->end || window->end > window->size || window->at >= WB_CODE_WINDOW_MAX)
		return WB_NONE;
	flow = wb_flow_new(machine, window);
	if (!flow)
		return WB_ERR_MEMORY;
	err = follow(flow, arch, ret_row);
	wb_mem_free(flow);
	return err;
}
