/* SPDX-License-Identifier: MIT */
/*
 * Registers of a frame, recovered when asked for: from the newest step back to the oldest, the first rule that names a register tells its value;
 * if none does, a callee-saved register still has the value that the walk began with. All that are asked for are looked for in one pass. A memo per
 * register makes the next question start there.
 */
#include "unwind/walker.h"

/* Registers that are looked for, by slot. */
struct search {
	uint64_t left;                /* not found yet */
	uint64_t popped;              /* of these: saved in a frame that had popped them already, so what is found will be derived */
	struct wb_regs *found;
};

void wb_walker_need_base(struct wb_walker *w)
{
	const struct wb_context *context = w->base_context;
	uint64_t have = 0;

	if (!context)
		return;
	w->base_context = NULL;
	for (size_t i = 0; i < context->num_regs; i++) {
		uint8_t slot = wb_arch_slot(w->arch, context->regs[i].number);

		if (slot == WB_SLOT_NONE)
			continue;
		w->base.value[slot] = context->regs[i].value & w->arch->address_mask;
		have |= UINT64_C(1) << slot;
	}
	w->base.have = have;
	w->base.derived = 0;
}

static void give(struct search *s, uint8_t slot, uint64_t value, bool has, bool derived)
{
	s->left &= ~(UINT64_C(1) << slot);
	if (has)
		wb_regs_set(s->found, slot, value, derived || s->popped >> slot & 1);
}

/* What a step's rule says of a register that is looked for. */
static void by_rule(struct wb_walker *w, const struct wb_frame *left, const struct wb_row_rule *rule, struct search *s)
{
	uint64_t address = left->cfa + (uint64_t)(int64_t)rule->offset;
	struct wb_saved saved;

	switch ((enum wb_rule_kind)rule->kind) {
	case WB_RULE_SAME:
		return;
	case WB_RULE_OFFSET:
		saved = wb_row_saved(w->arch, &w->view, address, true, left->sp, true, 0);
		if (saved.derived)
			s->popped |= UINT64_C(1) << rule->slot;
		else
			give(s, rule->slot, saved.value, saved.has, false);
		return;
	case WB_RULE_VAL_OFFSET:
		give(s, rule->slot, address, true, false);
		return;
	case WB_RULE_UNSPECIFIED:
	case WB_RULE_UNDEFINED:
	case WB_RULE_REGISTER:
	case WB_RULE_EXPRESSION:
	case WB_RULE_VAL_EXPRESSION:
	case WB_RULE_DEREF:
	case WB_RULE_CONSTANT:
		break;
	}
	/* The others are not in simple rows, and only those make steps of the trail. */
	give(s, rule->slot, 0, false, false);
}

static void by_step(struct wb_walker *w, size_t step, struct search *s)
{
	const struct wb_frame *left = (const struct wb_frame *)(const void *)(w->trail_frames + step * w->trail_stride);
	const struct wb_row_rule *rules = wb_rules_of(w->trail[step]);

	for (unsigned i = wb_rules_count(w->trail[step]); i > 0; i--, rules++)
		if (rules->slot < WB_SLOTS_MAX && s->left >> rules->slot & 1)
			by_rule(w, left, rules, s);
}

/* How far back the newest memo of what is left is: so many steps had been made. 0: there is none. */
static size_t newest_memo(const struct wb_walker *w, uint64_t left)
{
	size_t newest = 0;

	for (left &= w->memo; left; left &= left - 1) {
		size_t level = w->memos[__builtin_ctzll(left)].level;

		newest = level > newest ? level : newest;
	}
	return newest;
}

static void by_memos(struct wb_walker *w, size_t level, struct search *s)
{
	for (uint64_t some = s->left & w->memo; some; some &= some - 1) {
		uint8_t slot = (uint8_t)__builtin_ctzll(some);

		if (w->memos[slot].level == level)
			give(s, slot, w->memos[slot].value, w->memos[slot].has, w->memos[slot].derived);
	}
}

static void by_base(const struct wb_walker *w, struct search *s)
{
	for (uint64_t some = s->left & w->base.have; some; some &= some - 1) {
		uint8_t slot = (uint8_t)__builtin_ctzll(some);

		give(s, slot, w->base.value[slot], true, w->base.derived >> slot & 1);
	}
}

static void remember(struct wb_walker *w, uint64_t asked, const struct wb_regs *found)
{
	w->memo |= asked;
	for (; asked; asked &= asked - 1) {
		uint8_t slot = (uint8_t)__builtin_ctzll(asked);

		w->memos[slot].level = w->num_trail;
		w->memos[slot].has = found->have >> slot & 1;
		w->memos[slot].value = w->memos[slot].has ? found->value[slot] : 0;
		w->memos[slot].derived = found->derived >> slot & 1;
	}
}

/* Registers that the callee need not have kept, but did: the newest step's rules alone tell them, any further step makes them unknown. */
static uint64_t kept_besides(const struct wb_walker *w)
{
	uint64_t newest = w->num_trail ? w->trail[w->num_trail - 1] : 0, slots = 0;
	const struct wb_row_rule *rules = wb_rules_of(newest);

	for (unsigned i = wb_rules_count(newest); i > 0; i--, rules++)
		slots |= rules->slot < WB_SLOTS_MAX ? UINT64_C(1) << rules->slot : 0;
	return slots & ~w->arch->callee_saved;
}

/* Adds those of the slots asked for that can be known. */
static void recover(struct wb_walker *w, uint64_t asked, struct wb_regs *found)
{
	struct search s = { asked | kept_besides(w), 0, found };
	size_t step = w->num_trail;
	uint8_t ra = w->arch->ra_column;

	wb_walker_need_base(w);
	if (s.left != asked)
		by_step(w, --step, &s);
	/* Popped already in the first frame of all, they still hold what they had. */
	s.left &= asked | (step == 0 ? s.popped : 0);
	while (s.left) {
		size_t level = newest_memo(w, s.left);

		while (s.left && step > level)
			by_step(w, --step, &s);
		if (!level)
			break;
		by_memos(w, level, &s);
	}
	by_base(w, &s);
	if (w->has_stepped && asked >> ra & 1 && wb_regs_has(found, ra))
		found->value[ra] = wb_address_strip(found->value[ra], w->pointer_mask);
	if (w->num_trail)
		remember(w, asked, found);
}

void wb_walker_recover_all(struct wb_walker *w, struct wb_regs *ret_regs)
{
	const struct wb_arch_info *arch = w->arch;
	uint64_t special = UINT64_C(1) << arch->pc | UINT64_C(1) << arch->sp | UINT64_C(1) << arch->fp;

	if (!w->has_stepped) {
		wb_walker_need_base(w);
		*ret_regs = w->base;
	} else {
		ret_regs->have = ret_regs->derived = 0;
		recover(w, arch->callee_saved & ~special, ret_regs);
	}
	ret_regs->have &= ~special;
	ret_regs->derived &= ~special;
	wb_regs_set(ret_regs, arch->pc, w->now.pc, false);
	if (w->now.has_sp)
		wb_regs_set(ret_regs, arch->sp, w->now.sp, w->now.sp_derived);
	if (w->now.has_fp)
		wb_regs_set(ret_regs, arch->fp, w->now.fp, w->now.fp_derived);
}

void wb_walker_set_base(struct wb_walker *w, const struct wb_regs *regs)
{
	w->base = *regs;
	w->base_context = NULL;
	wb_walker_forget_steps(w);
}
