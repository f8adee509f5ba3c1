/* SPDX-License-Identifier: MIT */
/*
 * Edges of functions. What the flow of instructions says about the pc is compared with what the body's row says there: where the two find the same, the pc
 * is in the body. Instructions are believed over rows that describe bodies alone, where all of them up to the pc, or from it to the returns, are known.
 */
#include "unwind/code_edge.h"

#include "base/mem.h"
#include "unwind/code_flow.h"
#include "unwind/code_memo.h"

struct edge {
	const struct wb_lookup *lookup;
	const struct wb_row *body;
	const struct wb_row_rule *rules; /* the body's */
	const struct wb_flow *flow;
	const struct wb_code_state *state; /* at the pc, or at the returns */
};

/* ---- Comparing ---- */

/* The body's rule of a register, of the CFA or of the pc. False: it has none. */
static bool body_rule(const struct edge *e, uint8_t slot, struct wb_row_rule *ret)
{
	const struct wb_arch_info *arch = e->lookup->arch;
	const struct wb_row *body = e->body;
	bool is_simple = !(body->flags & WB_ROW_GENERAL);

	*ret = (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_OFFSET };
	if (is_simple && slot == WB_SLOT_CFA) {
		ret->base = body->flags & WB_ROW_FP_BASE ? arch->fp : arch->sp;
		ret->offset = body->cfa_offset;
		return true;
	}
	if (is_simple && (slot == arch->pc || (slot == arch->fp && body->flags & WB_ROW_FP_SAVED))) {
		ret->offset = slot == arch->pc ? body->ra_offset : body->fp_offset;
		return true;
	}
	for (unsigned i = 0; i < body->num_rules; i++) {
		if (e->rules[i].slot != slot)
			continue;
		*ret = e->rules[i];
		return true;
	}
	return false;
}

/* Where SP and FP point, in terms of the flow's places. */
static struct wb_code_place place_of(const struct edge *e, uint8_t slot)
{
	const struct wb_code_machine *m = e->flow->machine;
	uint8_t reg = slot == e->lookup->arch->sp ? m->sp : slot == e->lookup->arch->fp ? m->fp : (uint8_t)WB_CODE_NO_REG;

	if (reg == WB_CODE_NO_REG)
		return wb_code_place(0, WB_PLACE_LOST);
	if (e->flow->backwards)
		return wb_code_place(0, reg == m->sp ? WB_PLACE_FROM_SP : WB_PLACE_FROM_FP);
	return e->state->value[reg];
}

/* The CFA as the flow knows it. */
static struct wb_code_place true_cfa(const struct edge *e)
{
	const struct wb_code_machine *m = e->flow->machine;

	return e->flow->backwards ? wb_code_place_moved(e->state->value[m->sp], m->pushed) : wb_code_place(m->pushed, WB_PLACE_FROM_SP);
}

/* Whether what was saved in the slot is where the body says. What is lost contradicts nothing. */
static bool is_where_body_says(const struct edge *e, uint8_t slot, struct wb_code_place is)
{
	struct wb_code_place cfa = true_cfa(e);
	struct wb_row_rule rule;

	if (!body_rule(e, slot, &rule) || rule.kind == WB_RULE_SAME || rule.kind == WB_RULE_REGISTER)
		return !wb_code_place_is_known(is);
	if (is.base == WB_PLACE_LOST)
		return true;
	return rule.kind == WB_RULE_OFFSET && wb_code_place_is_same(is, wb_code_place_moved(cfa, rule.offset));
}

static bool is_body(const struct edge *e)
{
	const struct wb_code_machine *m = e->flow->machine;
	struct wb_code_place cfa = true_cfa(e);
	struct wb_row_rule rule;

	/* What is entered in another way than functions are has its return address in other places: lazy resolvers get it from linkage tables. */
	if (body_rule(e, e->lookup->arch->pc, &rule) && rule.kind == WB_RULE_OFFSET && rule.offset >= 0)
		return true;
	if (!body_rule(e, WB_SLOT_CFA, &rule) || rule.kind != WB_RULE_OFFSET)
		return true;          /* nothing that can be compared */
	if (!wb_code_place_is_same(wb_code_place_moved(place_of(e, rule.base), rule.offset), cfa))
		return false;
	for (int i = 0; i < m->num_kept; i++) {
		uint8_t slot = m->kept[i] == m->link ? e->lookup->arch->pc : m->slots[m->kept[i]];

		if (!body_rule(e, slot, &rule) && m->kept[i] != m->link)
			continue;
		if (!is_where_body_says(e, slot, e->state->kept[i]))
			return false;
	}
	return true;
}

/* ---- The answer ---- */

static bool leaves(const struct wb_code_insn *insn)
{
	return insn->next != WB_NEXT_ON && insn->next != WB_NEXT_CALL && insn->next != WB_NEXT_JUMP_IF;
}

/* Instructions from one place to another, or to the one that leaves. */
static uint32_t count_instructions(const struct wb_flow *flow, size_t from, size_t to)
{
	const struct wb_code_window *w = flow->window;
	struct wb_code_insn insn;
	uint32_t count = 0;

	for (; from < to && flow->machine->decode(w->bytes + from, w->end - from, &insn) && !(to == w->end && leaves(&insn)); from += insn.length)
		count++;
	return count;
}

static enum wb_err answer(const struct edge *e, struct wb_code_row *ret_row, struct wb_code_edge *ret_edge)
{
	const struct wb_code_window *w = e->flow->window;
	enum wb_err err;

	if (is_body(e))
		return WB_NONE;
	err = wb_flow_row(e->flow, e->lookup->arch, e->state, ret_row);
	if (err)
		return err;
	if (e->flow->backwards || e->state->restoring)
		*ret_edge = (struct wb_code_edge){ WB_CODE_EPILOGUE, count_instructions(e->flow, w->at, w->end) };
	else
		*ret_edge = (struct wb_code_edge){ WB_CODE_PROLOGUE, count_instructions(e->flow, w->start, w->at) };
	return WB_OK;
}

static enum wb_err follow(struct edge *e, struct wb_flow *flow, struct wb_code_row *ret_row, struct wb_code_edge *ret_edge)
{
	const struct wb_code_window *w = flow->window;
	const struct wb_flow_node *node;

	e->flow = flow;
	if (w->start <= w->at) {
		wb_flow_run(flow, false);
		node = flow->failed ? NULL : wb_flow_at_pc(flow, e->lookup->arch);
		e->state = node ? &node->state : NULL;
		if (node)
			return answer(e, ret_row, ret_edge);
	}
	wb_flow_run(flow, true);
	e->state = &flow->exit;
	return flow->failed || !flow->has_exit ? WB_NONE : answer(e, ret_row, ret_edge);
}

/* ---- Bytes ---- */

enum { BEFORE = 256 };               /* bytes before a pc whose function's start is not known: paths may lead back to a return */

static enum wb_err read_window(const struct wb_lookup *lookup, const struct wb_bound *bound, uint8_t *bytes, struct wb_code_window *ret)
{
	uint64_t pc = lookup->image_pc, from = pc > BEFORE ? pc - BEFORE : 0, size;
	bool has_start = bound->start <= pc && pc - bound->start < WB_CODE_WINDOW_MAX;

	if (has_start || (bound->start <= pc && from < bound->start))
		from = bound->start;
	if (pc >= bound->end)
		return WB_NONE;
	size = bound->end - from < WB_CODE_WINDOW_MAX ? bound->end - from : WB_CODE_WINDOW_MAX;
	*ret = (struct wb_code_window){ .bytes = bytes, .size = (size_t)size, .at = (size_t)(pc - from), .start = has_start ? 0 : WB_START_UNKNOWN,
	                                .end = (size_t)size, .exact = true };
	return wb_image_read(lookup->image, from, bytes, (size_t)size);
}

static enum wb_err find_in_code(const struct wb_lookup *lookup, const struct wb_code_machine *machine, const struct wb_bound *bound,
                                const struct wb_row *body, const struct wb_row_rule *rules, struct wb_code_row *ret_row, struct wb_code_edge *ret_edge)
{
	struct edge edge = { .lookup = lookup, .body = body, .rules = rules };
	uint8_t *bytes = wb_mem_alloc(WB_CODE_WINDOW_MAX);
	struct wb_code_window window;
	struct wb_flow *flow = NULL;
	enum wb_err err = bytes ? read_window(lookup, bound, bytes, &window) : WB_ERR_MEMORY;

	if (!err) {
		flow = wb_flow_new(machine, &window);
		err = flow ? follow(&edge, flow, ret_row, ret_edge) : WB_ERR_MEMORY;
	}
	wb_mem_free(flow);
	wb_mem_free(bytes);
	return err == WB_OK || err == WB_ERR_MEMORY ? err : WB_NONE;
}

enum wb_err wb_code_edge_find(const struct wb_lookup *lookup, const struct wb_bound *bound, const struct wb_row *body, const struct wb_row_rule *rules,
                              struct wb_found *ret_found, struct wb_code_edge *ret_edge)
{
	const struct wb_code_reader *reader = wb_code_reader(lookup->arch->arch);
	const struct wb_code_answer *known;
	struct wb_code_answer answer = { .err = WB_OK };
	enum wb_err err = WB_OK;

	if (!reader || !lookup->exact || !lookup->image || body->flags & (WB_ROW_SIGNAL | WB_ROW_ROOT))
		return WB_NONE;
	known = wb_code_memo_find(lookup, WB_CODE_ASKED_EDGE);
	if (!known) {
		answer.err = find_in_code(lookup, reader->machine, bound, body, rules, &answer.row, &answer.edge);
		wb_code_memo_keep(lookup, WB_CODE_ASKED_EDGE, &answer);
		known = &answer;
	}
	if (known->err)
		return known->err;
	ret_found->row = known->row.row;
	if (known->row.row.num_rules)
		err = wb_found_rules(ret_found, known->row.rules, known->row.row.num_rules, lookup->image_pc);
	if (!err)
		*ret_edge = known->edge;
	return err;
}
