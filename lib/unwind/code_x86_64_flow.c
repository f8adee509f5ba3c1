/* SPDX-License-Identifier: MIT */
/*
 * Where the caller's registers are, told by the flow of x86-64 instructions. Two ways:
 *
 *  - the function's start is known: what its instructions do to the stack is followed along all paths from there, and what holds at the pc on all of
 *    them is the answer. The return address is where RSP pointed at the start, and registers are where they were stored first.
 *  - it is not: the paths from the pc to the function's returns are followed. RSP points to the return address there, and the last load of a register
 *    before was from where it had been saved. All returns must agree. A path ends without an answer at a call, which may never return.
 *
 * Both follow the same state; only its meaning differs. Where paths meet, what they do not agree on is lost, so the order in which they are followed does
 * not matter.
 */
#include "unwind/code_reader.h"
#include "unwind/code_x86_64_insn.h"
#include "unwind/strategy.h"

#include <string.h>

enum {
	NODES_MAX = 256,              /* instructions of a function: what is left to this strategy is short, and a walk waits for it */
	WINDOW_MAX = 2048,            /* bytes of code that are looked at */
	VISITS_MAX = 8 * NODES_MAX,   /* each visit of a node but the first loses one of some 8 places */
	OFFSET_MAX = 1 << 24,         /* bytes; no frame is larger */
};

/* What a place counts from: RSP or RBP as they were where the flow began, or RSP right after it was rounded down. */
enum base { LOST, UNTOUCHED, SAVED_LATER, FROM_SP, FROM_FP, FROM_ALIGNED };
struct place {
	int32_t offset;
	enum base base;
};

/* The registers that functions keep, by their number in instructions, and their slots (DWARF numbers). */
enum { RBX_KEPT, RBP_KEPT, NUM_KEPT = 6 };
static const uint8_t kept_regs[NUM_KEPT] = { WB_X86_RBX, WB_X86_RBP, 12, 13, 14, 15 };
static const uint8_t kept_slots[NUM_KEPT] = { 3, 6, 12, 13, 14, 15 };
enum { R10_SLOT = 10 };

struct state {
	struct place sp, fp;          /* where RSP and RBP point; fp LOST: anything */
	int32_t pushed;               /* backwards: the highest place that a push wrote to, from SP; all below SP count as such */
	struct place kept[NUM_KEPT];  /* where the caller's value is; UNTOUCHED: in the register; SAVED_LATER: it was, at the pc */
	/* Forwards: functions that round RSP down and have arguments on the stack keep the CFA in R10, and then in their frame. */
	bool cfa_in_r10;
	struct place cfa_kept;
};

struct node {
	uint16_t at;
	uint8_t length;
	bool is_call;
	bool after_call;              /* reached only behind a call, which may never return */
	bool queued;
	struct state state;           /* before the instruction */
};

struct flow {
	const struct wb_code_window *window;
	bool backwards;               /* from the pc to returns; `kept` is where registers are loaded from */
	struct node nodes[NODES_MAX];
	uint16_t num_nodes;
	uint16_t index[WINDOW_MAX];   /* node + 1 by offset; 0: none */
	uint16_t queue[NODES_MAX];    /* nodes to be followed, a stack */
	uint16_t num_queued;
	bool has_exit, failed;
	bool is_cut;                  /* forwards: not all paths were followed, so that behind calls that return nothing else may be known yet */
	bool has_table, table_has_frame;
	struct state exit;            /* at returns */
	struct state table;           /* forwards: at jumps to where a table says */
};

static int kept_of(uint8_t reg)
{
	for (int i = 0; i < NUM_KEPT; i++)
		if (kept_regs[i] == reg)
			return i;
	return -1;
}

static bool same_place(struct place a, struct place b)
{
	return a.base == b.base && a.offset == b.offset;
}

static struct place moved(struct place place, int64_t by)
{
	int64_t offset = place.offset + by;

	if (place.base < FROM_SP || by > OFFSET_MAX || by < -OFFSET_MAX || offset > OFFSET_MAX || offset < -OFFSET_MAX)
		return (struct place){ 0, LOST };
	return (struct place){ (int32_t)offset, place.base };
}

static bool meet_place(struct place *into, struct place other)
{
	if (same_place(*into, other) || into->base == LOST)
		return false;
	*into = (struct place){ 0, LOST };
	return true;
}

/* Keeps what both say. Whether that is less than `into` said. */
static bool meet(struct state *into, const struct state *other)
{
	bool changed = meet_place(&into->sp, other->sp);

	changed |= meet_place(&into->fp, other->fp);
	changed |= into->pushed < other->pushed;
	into->pushed = into->pushed < other->pushed ? other->pushed : into->pushed;
	for (int i = 0; i < NUM_KEPT; i++)
		changed |= meet_place(&into->kept[i], other->kept[i]);
	changed |= into->cfa_in_r10 && !other->cfa_in_r10;
	into->cfa_in_r10 &= other->cfa_in_r10;
	return meet_place(&into->cfa_kept, other->cfa_kept) || changed;
}

/* ---- What an instruction does to the state ---- */

static void push(const struct flow *f, struct state *s, uint8_t reg)
{
	int kept = kept_of(reg);

	s->sp = moved(s->sp, -8);
	if (s->sp.base == FROM_SP && s->sp.offset > s->pushed)
		s->pushed = s->sp.offset;
	if (reg == WB_X86_R10 && s->cfa_in_r10)
		s->cfa_kept = s->sp;
	if (kept < 0 || s->kept[kept].base != UNTOUCHED)
		return;
	if (f->backwards) {
		s->kept[kept] = (struct place){ 0, SAVED_LATER };
		return;
	}
	/* RBP that became the frame pointer is no longer the caller's. */
	if (kept == RBP_KEPT && !(s->fp.base == FROM_FP && !s->fp.offset))
		s->kept[kept] = (struct place){ 0, LOST };
	else
		s->kept[kept] = s->sp;
}

/* The register gets what is at place. */
static void load(const struct flow *f, struct state *s, uint8_t reg, struct place place)
{
	int kept = kept_of(reg);

	if (reg == WB_X86_R10)
		s->cfa_in_r10 = place.base == FROM_ALIGNED && same_place(place, s->cfa_kept);
	if (kept < 0)
		return;
	if (f->backwards)
		/* What is saved after the pc and restored again is what the register had before. */
		s->kept[kept] = s->kept[kept].base == SAVED_LATER || (place.base == FROM_SP && place.offset <= s->pushed) ? s->kept[kept] : place;
	else if (same_place(s->kept[kept], place) && place.base != LOST)
		s->kept[kept] = (struct place){ 0, UNTOUCHED };
	else if (s->kept[kept].base == UNTOUCHED)
		s->kept[kept] = (struct place){ 0, LOST };
	if (kept == RBP_KEPT)
		s->fp = !f->backwards && s->kept[kept].base == UNTOUCHED ? (struct place){ 0, FROM_FP } : (struct place){ 0, LOST };
}

static void pop(const struct flow *f, struct state *s, uint8_t reg)
{
	if (reg == WB_X86_RSP) {
		s->sp = (struct place){ 0, LOST };
		return;
	}
	load(f, s, reg, s->sp);
	s->sp = moved(s->sp, 8);
}

static struct place operand(const struct state *s, const struct wb_x86_insn *insn)
{
	return moved(insn->base == WB_X86_RSP ? s->sp : s->fp, insn->value);
}

/* A register is stored into the frame: its first store saves it. */
static void store(const struct flow *f, struct state *s, const struct wb_x86_insn *insn)
{
	int kept = kept_of(insn->reg);
	struct place place = operand(s, insn);

	if (insn->reg == WB_X86_R10 && s->cfa_in_r10)
		s->cfa_kept = place;
	if (f->backwards || kept < 0 || s->kept[kept].base != UNTOUCHED)
		return;
	if (place.base != FROM_ALIGNED && (place.base != FROM_SP || place.offset >= 0))
		return;
	if (kept == RBP_KEPT && !(s->fp.base == FROM_FP && !s->fp.offset))
		return;
	s->kept[kept] = place;
}

/* Registers are changed in ways that are not followed. Forwards, a function that never saved one cannot mean the caller's, so it gives it back some other
 * way; backwards, the last change before the return must be what gives it back. */
static void change(struct state *s, uint16_t writes, bool backwards)
{
	for (int i = 0; i < NUM_KEPT; i++)
		if (writes >> kept_regs[i] & 1 && (s->kept[i].base == UNTOUCHED || (backwards && s->kept[i].base >= FROM_SP)))
			s->kept[i] = (struct place){ 0, LOST };
	if (writes >> WB_X86_RBP & 1)
		s->fp = (struct place){ 0, LOST };
	if (writes >> WB_X86_R10 & 1)
		s->cfa_in_r10 = false;
}

static void execute(const struct flow *f, struct state *s, const struct wb_x86_insn *insn)
{
	switch (insn->kind) {
	case WB_X86_PUSH:
		push(f, s, insn->reg);
		break;
	case WB_X86_POP:
		pop(f, s, insn->reg);
		break;
	case WB_X86_ADD_SP:
		s->sp = moved(s->sp, insn->value);
		break;
	case WB_X86_SP_FROM_FP:
		s->sp = moved(s->fp, insn->value);
		break;
	case WB_X86_FP_FROM_SP:
		change(s, 1u << WB_X86_RBP, f->backwards);
		s->fp = moved(s->sp, insn->value);
		break;
	case WB_X86_LEAVE:
		s->sp = s->fp;
		pop(f, s, WB_X86_RBP);
		break;
	case WB_X86_STORE:
		store(f, s, insn);
		break;
	case WB_X86_LOAD:
		load(f, s, insn->reg, operand(s, insn));
		break;
	case WB_X86_ALIGN_SP:
		s->sp = (struct place){ 0, s->cfa_in_r10 && s->sp.base == FROM_SP ? FROM_ALIGNED : LOST };
		break;
	case WB_X86_LEA_SP:
		change(s, insn->writes, f->backwards);
		/* The CFA is above the return address, which RSP pointed to at the start. */
		if (insn->reg == WB_X86_R10 && !f->backwards)
			s->cfa_in_r10 = s->sp.base == FROM_SP && s->sp.offset + insn->value == 8;
		break;
	case WB_X86_SP_FROM_REG:
		s->sp = insn->reg == WB_X86_R10 && s->cfa_in_r10 ? moved((struct place){ 8, FROM_SP }, insn->value) : (struct place){ 0, LOST };
		break;
	case WB_X86_SP_LOST:
		s->sp = (struct place){ 0, LOST };
		break;
	case WB_X86_CALL:
		s->cfa_in_r10 = false;
		break;
	case WB_X86_OTHER:
	case WB_X86_RETURN:
	case WB_X86_JUMP:
	case WB_X86_JUMP_IF:
	case WB_X86_JUMP_AWAY:
	case WB_X86_JUMP_LINKED:
	case WB_X86_STOP:
		change(s, insn->writes, f->backwards);
		break;
	}
}

/* ---- The flow ---- */

static void enqueue(struct flow *f, struct node *node)
{
	if (node->queued)
		return;
	node->queued = true;
	f->queue[f->num_queued++] = (uint16_t)(node - f->nodes);
}

/* A path comes to `at` with this state. */
static void reach(struct flow *f, int64_t at, const struct state *state, bool after_call)
{
	struct node *node;

	if (at < 0 || at >= (int64_t)f->window->end || at >= WINDOW_MAX)
		return;
	if (!f->index[at]) {
		if (f->num_nodes == NODES_MAX) {
			f->failed = f->backwards;
			f->is_cut = true;
			return;
		}
		node = &f->nodes[f->num_nodes++];
		f->index[at] = f->num_nodes;
		node->at = (uint16_t)at;
		node->length = 0;
		node->is_call = node->queued = false;
		node->after_call = after_call;
		node->state = *state;
		enqueue(f, node);
		return;
	}
	node = &f->nodes[f->index[at] - 1];
	/* Behind a call that never returns there may be anything: other paths know better. */
	if (after_call && !node->after_call)
		return;
	if (!after_call && node->after_call) {
		node->after_call = false;
		node->state = *state;
		enqueue(f, node);
	} else if (meet(&node->state, state)) {
		enqueue(f, node);
	}
}

/* The function is left with RSP at the return address. */
static void leave(struct flow *f, const struct state *state)
{
	struct state exit = *state;

	if (!f->backwards)
		return;
	for (int i = 0; i < NUM_KEPT; i++)
		if (exit.kept[i].base == SAVED_LATER)
			exit.kept[i].base = UNTOUCHED;
	/* The return address never is below RSP at the pc: a linkage table's entry that pushed for the resolver has it elsewhere. */
	if (state->sp.base == LOST || (state->sp.base == FROM_SP && state->sp.offset < 0) || (f->has_exit && !same_place(state->sp, f->exit.sp))) {
		f->failed = true;
		return;
	}
	if (f->has_exit)
		meet(&f->exit, &exit);
	else
		f->exit = exit;
	f->has_exit = true;
}

/* A switch's jump, which keeps the frame; or, where none is left, a call at the function's end. */
static void jump_by_table(struct flow *f, const struct state *state)
{
	bool has_frame = !(state->sp.base == FROM_SP && !state->sp.offset);

	if (f->has_table && has_frame == f->table_has_frame) {
		meet(&f->table, state);
	} else if (!f->has_table || has_frame) {
		f->table = *state;
		f->table_has_frame = has_frame;
	}
	f->has_table = true;
}

static void follow_node(struct flow *f, struct node *node)
{
	struct state state = node->state;
	struct wb_x86_insn insn;
	int64_t next;

	if (!wb_x86_decode(f->window->bytes + node->at, f->window->end - node->at, &insn)) {
		/* Forwards, it is only this path that is not known; backwards, it could lead to any return. */
		f->failed |= f->backwards;
		return;
	}
	next = node->at + insn.length;
	node->length = insn.length;
	node->is_call = insn.kind == WB_X86_CALL;
	execute(f, &state, &insn);
	switch (insn.kind) {
	case WB_X86_RETURN:
	case WB_X86_JUMP_LINKED:
		leave(f, &state);
		break;
	case WB_X86_JUMP:
		reach(f, next + insn.value, &state, false);
		break;
	case WB_X86_JUMP_IF:
		reach(f, next + insn.value, &state, false);
		reach(f, next, &state, false);
		break;
	case WB_X86_CALL:
		if (!f->backwards)
			reach(f, next, &state, true);
		break;
	case WB_X86_JUMP_AWAY:
		if (!f->backwards)
			jump_by_table(f, &state);
		break;
	case WB_X86_STOP:
		break;
	case WB_X86_OTHER:
	case WB_X86_PUSH:
	case WB_X86_POP:
	case WB_X86_ADD_SP:
	case WB_X86_SP_FROM_FP:
	case WB_X86_FP_FROM_SP:
	case WB_X86_LEAVE:
	case WB_X86_STORE:
	case WB_X86_LOAD:
	case WB_X86_ALIGN_SP:
	case WB_X86_LEA_SP:
	case WB_X86_SP_FROM_REG:
	case WB_X86_SP_LOST:
		reach(f, next, &state, false);
		break;
	}
}

/* What no path came to is where a table leads; it starts behind what does not go on. Whether there was any. */
static bool reach_gaps(struct flow *f)
{
	uint16_t count = f->num_nodes;

	for (uint16_t i = 0; f->has_table && i < count; i++) {
		const struct node *node = &f->nodes[i];
		size_t next = node->at + (size_t)node->length;

		if (node->length && next < f->window->end && next < WINDOW_MAX && !f->index[next])
			reach(f, (int64_t)next, &f->table, true);
	}
	return f->num_nodes > count;
}

static void run(struct flow *f, const struct wb_code_window *window, size_t from, bool backwards)
{
	struct state state = { .sp = { 0, FROM_SP }, .fp = { 0, FROM_FP }, .pushed = -1 };
	unsigned visits = 0;

	for (int i = 0; i < NUM_KEPT; i++)
		state.kept[i] = (struct place){ 0, UNTOUCHED };
	f->window = window;
	f->backwards = backwards;
	f->has_exit = f->failed = f->is_cut = f->has_table = false;
	f->num_nodes = f->num_queued = 0;
	memset(f->index, 0, sizeof(f->index));
	reach(f, (int64_t)from, &state, false);
	do {
		while (f->num_queued && !f->failed) {
			struct node *node = &f->nodes[f->queue[--f->num_queued]];

			node->queued = false;
			f->failed |= ++visits > VISITS_MAX;
			follow_node(f, node);
		}
	} while (!f->failed && reach_gaps(f));
}

/* ---- The answer ---- */

/* The row where the return address is at `ra`, and registers at `kept`, counted from what RSP or RBP is now. */
static enum wb_err make_row(struct place ra, const struct place *kept, struct wb_code_row *ret)
{
	struct wb_row *row = &ret->row;

	memset(ret, 0, sizeof(*ret));
	row->cfa_offset = ra.offset + 8;
	row->ra_offset = -8;
	row->how = WB_HOW_CODE;
	row->flags = ra.base == FROM_FP ? WB_ROW_FP_BASE : 0;
	for (int i = 0; i < NUM_KEPT; i++) {
		int32_t offset = kept[i].offset - row->cfa_offset;
		bool known = kept[i].base == ra.base && offset >= INT16_MIN && offset < row->ra_offset;

		if (kept[i].base == UNTOUCHED)
			continue;
		if (i == RBP_KEPT && known) {
			row->fp_offset = (int16_t)offset;
			row->flags |= WB_ROW_FP_SAVED;
			continue;
		}
		ret->rules[row->num_rules++] = (struct wb_row_rule){ .slot = kept_slots[i], .offset = known ? offset : 0,
		                                                     .kind = known ? WB_RULE_OFFSET : WB_RULE_UNDEFINED };
	}
	return WB_OK;
}

/* Counted from what a register is now, not from what RSP was at the start. */
static struct place seen_from(struct place place, struct place now, enum base base)
{
	if (place.base != now.base)
		return place.base == UNTOUCHED ? place : (struct place){ 0, LOST };
	return (struct place){ place.offset - now.offset, base };
}

/* A register that was saved in a frame behind a rounded RSP, which `now`, RBP or RSP, counts from; or before that. */
static struct wb_row_rule rule_of_aligned(uint8_t slot, struct place place, uint8_t base, struct place now)
{
	if (place.base == FROM_SP)
		return (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_OFFSET, .offset = place.offset - 8 };
	if (place.base == FROM_ALIGNED && now.base == FROM_ALIGNED)
		return (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_DEREF, .base = base, .offset = place.offset - now.offset };
	return (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_UNDEFINED };
}

/* How far RSP was rounded down only the CFA tells, from R10 or where that was saved. */
static enum wb_err row_of_aligned(const struct wb_arch_info *arch, const struct state *s, struct wb_code_row *ret)
{
	struct place now = s->fp.base == FROM_ALIGNED ? s->fp : s->sp;
	uint8_t base = s->fp.base == FROM_ALIGNED ? arch->fp : arch->sp, count = 0;
	bool is_kept = s->cfa_kept.base == FROM_ALIGNED && now.base == FROM_ALIGNED;

	if (!is_kept && !s->cfa_in_r10)
		return WB_NONE;
	*ret = (struct wb_code_row){ .row = { .flags = WB_ROW_GENERAL, .how = WB_HOW_CODE } };
	/* R10 first: once it has the CFA again, that was popped. */
	if (s->cfa_in_r10)
		ret->rules[count++] = (struct wb_row_rule){ .slot = WB_SLOT_CFA, .kind = WB_RULE_OFFSET, .base = R10_SLOT };
	else
		ret->rules[count++] = rule_of_aligned(WB_SLOT_CFA, s->cfa_kept, base, now);
	ret->rules[count++] = (struct wb_row_rule){ .slot = arch->pc, .kind = WB_RULE_OFFSET, .offset = -8 };
	for (int i = 0; i < NUM_KEPT; i++)
		if (s->kept[i].base != UNTOUCHED)
			ret->rules[count++] = rule_of_aligned(kept_slots[i], s->kept[i], base, now);
	ret->row.num_rules = count;
	return WB_OK;
}

static enum wb_err row_of_state(const struct wb_arch_info *arch, const struct state *s, struct wb_code_row *ret)
{
	/* A chain of frame pointers that led here may not tell SP. */
	struct place now = s->fp, kept[NUM_KEPT], start = { 0, FROM_SP };
	enum base base = FROM_FP;

	if (now.base != FROM_SP) {
		now = s->sp;
		base = FROM_SP;
	}
	if (now.base != FROM_SP)
		return row_of_aligned(arch, s, ret);
	for (int i = 0; i < NUM_KEPT; i++)
		kept[i] = seen_from(s->kept[i], now, base);
	return make_row(seen_from(start, now, base), kept, ret);
}

static const struct node *node_at_pc(const struct flow *f)
{
	const struct wb_code_window *w = f->window;
	const struct node *node = w->exact && f->index[w->at] ? &f->nodes[f->index[w->at] - 1] : NULL;

	for (uint16_t i = 0; i < f->num_nodes && !w->exact && !node; i++)
		if (f->nodes[i].is_call && f->nodes[i].at + f->nodes[i].length == (int)w->at + 1)
			node = &f->nodes[i];
	return node && f->is_cut && node->after_call ? NULL : node;
}

enum wb_err wb_x86_follow(const struct wb_arch_info *arch, const struct wb_code_window *window, struct wb_code_row *ret)
{
	struct flow flow;

	if (window->at >= window->end || window->end > window->size || window->at >= WINDOW_MAX)
		return WB_NONE;
	/* (An unknown start is larger than any place.) */
	if (window->start <= window->at) {
		const struct node *node;

		run(&flow, window, window->start, false);
		node = flow.failed ? NULL : node_at_pc(&flow);
		if (node && window->is_entry) {
			memset(ret, 0, sizeof(*ret));
			ret->row.flags = WB_ROW_ROOT;
			ret->row.how = WB_HOW_CODE;
			return WB_OK;
		}
		if (node) {
			struct state state = node->state;

			/* Calls do not keep it. */
			state.cfa_in_r10 &= window->exact;
			return row_of_state(arch, &state, ret);
		}
	}
	if (!window->exact)
		return WB_NONE;
	run(&flow, window, window->at, true);
	if (flow.failed || !flow.has_exit)
		return WB_NONE;
	return make_row(flow.exit.sp, flow.exit.kept, ret);
}
