/* SPDX-License-Identifier: MIT */
/* The row that a state of the flow gives: what counts from where a function began, counted from what registers are now. */
#include "unwind/code_flow.h"

#include <string.h>

/* Where the CFA and saved registers are. Forwards, places count from SP at the start, or from SP after it was rounded down; to the returns, from SP or FP
 * at the pc. */
struct frame {
	const struct wb_code_machine *machine;
	const struct wb_arch_info *arch;
	struct wb_row_rule cfa_rule;
	struct wb_code_place cfa;     /* in terms of the state's places */
	uint8_t aligned_base;         /* slot that what is behind a rounded SP counts from; WB_SLOT_NONE: none */
	struct wb_code_place aligned; /* where that points */
};

static void count_from(struct frame *frame, uint8_t reg, int32_t offset)
{
	frame->cfa_rule = (struct wb_row_rule){ .slot = WB_SLOT_CFA, .kind = WB_RULE_OFFSET, .base = frame->machine->slots[reg], .offset = offset };
}

static void find_aligned(const struct wb_code_state *s, struct frame *frame)
{
	const struct wb_code_machine *m = frame->machine;
	uint8_t reg = s->value[m->fp].base == WB_PLACE_FROM_ALIGNED ? m->fp : m->sp;

	frame->aligned_base = s->value[reg].base == WB_PLACE_FROM_ALIGNED ? m->slots[reg] : (uint8_t)WB_SLOT_NONE;
	frame->aligned = s->value[reg];
}

/* How far SP was rounded down is told by what was stored behind it. */
static bool find_spilled(const struct wb_code_state *s, struct frame *frame)
{
	if (frame->aligned_base == WB_SLOT_NONE || s->spilled.base != WB_PLACE_FROM_ALIGNED)
		return false;
	frame->cfa_rule = (struct wb_row_rule){ .slot = WB_SLOT_CFA, .kind = WB_RULE_DEREF, .base = frame->aligned_base,
	                                        .offset = s->spilled.offset - frame->aligned.offset,
	                                        .offset2 = frame->cfa.offset - s->spilled_value.offset };
	return true;
}

/* What the CFA counts from: FP, which a chain of frame pointers tells, too, else SP, else, in the frame that runs, any register that leads there. */
static bool find_cfa(const struct wb_flow *flow, const struct wb_code_state *s, struct frame *frame)
{
	const struct wb_code_machine *m = flow->machine;
	uint8_t best = WB_CODE_NO_REG;

	frame->aligned_base = WB_SLOT_NONE;
	if (flow->backwards) {
		frame->cfa = wb_code_place_moved(s->value[m->sp], m->pushed);
		count_from(frame, frame->cfa.base == WB_PLACE_FROM_FP ? m->fp : m->sp, frame->cfa.offset);
		return wb_code_place_is_known(frame->cfa);
	}
	frame->cfa = wb_code_place(m->pushed, WB_PLACE_FROM_SP);
	find_aligned(s, frame);
	for (uint8_t reg = 0; reg < WB_CODE_VALUES && flow->window->exact; reg++)
		if (s->value[reg].base == WB_PLACE_FROM_SP && m->slots[reg] != WB_SLOT_NONE)
			best = reg;
	if (s->value[m->sp].base == WB_PLACE_FROM_SP)
		best = m->sp;
	if (s->value[m->fp].base == WB_PLACE_FROM_SP)
		best = m->fp;
	if (best == WB_CODE_NO_REG)
		return find_spilled(s, frame);
	count_from(frame, best, m->pushed - s->value[best].offset);
	return true;
}

/* The rule of a register that is at `place`. False: it is still in the register. */
static bool make_rule(const struct frame *frame, uint8_t slot, struct wb_code_place place, struct wb_row_rule *ret)
{
	const struct wb_arch_info *arch = frame->arch;
	int32_t offset = place.offset - frame->cfa.offset, highest = -(frame->machine->pushed + arch->word_size);

	*ret = (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_UNDEFINED };
	if (place.base == WB_PLACE_UNTOUCHED)
		return false;
	if (!wb_code_place_is_known(place))
		return true;
	if (place.base == frame->cfa.base) {
		/* In the function's own frame. */
		if (offset <= highest)
			*ret = (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_OFFSET, .offset = offset };
		return true;
	}
	if (place.base == WB_PLACE_FROM_ALIGNED) {
		if (frame->aligned_base != WB_SLOT_NONE)
			*ret = (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_DEREF, .base = frame->aligned_base,
			                             .offset = place.offset - frame->aligned.offset };
		return true;
	}
	*ret = (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_DEREF, .base = place.base == WB_PLACE_FROM_FP ? arch->fp : arch->sp,
	                             .offset = place.offset };
	return true;
}

/* Where the return address is, as the rule of the pc. False: nobody knows. */
static bool find_return(const struct wb_flow *flow, const struct frame *frame, const struct wb_code_state *s, struct wb_row_rule *ret)
{
	const struct wb_code_machine *m = frame->machine;
	int link = wb_code_kept_index(m, m->link);

	if (link < 0) {
		*ret = (struct wb_row_rule){ .slot = frame->arch->pc, .kind = WB_RULE_OFFSET, .offset = -m->pushed };
		return true;
	}
	if (make_rule(frame, frame->arch->pc, s->kept[link], ret))
		return ret->kind != WB_RULE_UNDEFINED;
	/* A call that a function makes has put its own there. */
	ret->kind = WB_RULE_REGISTER;
	ret->base = m->slots[m->link];
	return flow->window->exact;
}

static bool is_short(const struct wb_row_rule *rule)
{
	return rule->kind == WB_RULE_OFFSET && rule->offset >= INT16_MIN && rule->offset < 0;
}

static bool is_simple(const struct frame *frame, const struct wb_row_rule *ra)
{
	const struct wb_row_rule *cfa = &frame->cfa_rule;

	return cfa->kind == WB_RULE_OFFSET && (cfa->base == frame->arch->sp || cfa->base == frame->arch->fp) && is_short(ra);
}

static void make_head(const struct frame *frame, const struct wb_row_rule *ra, struct wb_code_row *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->row.how = WB_HOW_CODE;
	if (is_simple(frame, ra)) {
		ret->row.cfa_offset = frame->cfa_rule.offset;
		ret->row.ra_offset = (int16_t)ra->offset;
		ret->row.flags = frame->cfa_rule.base == frame->arch->fp ? WB_ROW_FP_BASE : 0;
		return;
	}
	ret->row.flags = WB_ROW_GENERAL;
	ret->rules[0] = frame->cfa_rule;
	ret->rules[1] = *ra;
	ret->row.num_rules = 2;
}

enum wb_err wb_flow_row(const struct wb_flow *flow, const struct wb_arch_info *arch, const struct wb_code_state *s, struct wb_code_row *ret)
{
	const struct wb_code_machine *m = flow->machine;
	struct frame frame = { .machine = m, .arch = arch };
	struct wb_row_rule rule;

	if (!find_cfa(flow, s, &frame) || !find_return(flow, &frame, s, &rule))
		return WB_NONE;
	make_head(&frame, &rule, ret);
	for (int i = 0; i < m->num_kept; i++) {
		if (!make_rule(&frame, m->slots[m->kept[i]], s->kept[i], &rule))
			continue;
		if (m->kept[i] == m->fp && !(ret->row.flags & WB_ROW_GENERAL) && is_short(&rule)) {
			ret->row.fp_offset = (int16_t)rule.offset;
			ret->row.flags |= WB_ROW_FP_SAVED;
			continue;
		}
		ret->rules[ret->row.num_rules++] = rule;
	}
	return WB_OK;
}
