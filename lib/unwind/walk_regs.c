/* SPDX-License-Identifier: MIT */
/*
 * Registers of a frame, recovered when asked for: from the newest step back to the oldest, the first rule that names the register tells its value;
 * if none does, a callee-saved register still has the value that the walk began with. A memo per register makes the next question start there.
 */
#include "unwind/walker.h"

struct found_reg {
	uint64_t value;
	bool has, derived;
};

/* What one step says. False: the step leaves the register alone, or it was popped already; then *ret tells if the value will be derived. */
static bool by_step(struct wb_walker *w, size_t step, uint8_t slot, struct found_reg *ret)
{
	const struct wb_frame *left = (const struct wb_frame *)(const void *)(w->trail_frames + step * w->trail_stride);
	const struct wb_row_rule *rules = wb_rules_of(w->trail[step]);

	for (unsigned i = 0; i < wb_rules_count(w->trail[step]); i++) {
		const struct wb_row_rule *rule = &rules[i];
		uint64_t address = left->cfa + (uint64_t)(int64_t)rule->offset;
		struct wb_saved saved;

		if (rule->slot != slot)
			continue;
		switch ((enum wb_rule_kind)rule->kind) {
		case WB_RULE_SAME:
			return false;
		case WB_RULE_OFFSET:
			saved = wb_row_saved(w->arch, &w->view, address, true, left->sp, true, 0);
			if (saved.derived) {
				ret->derived = true;
				return false;
			}
			ret->has = saved.has;
			ret->value = saved.value;
			return true;
		case WB_RULE_VAL_OFFSET:
			ret->has = true;
			ret->value = address;
			return true;
		case WB_RULE_UNSPECIFIED:
		case WB_RULE_UNDEFINED:
		case WB_RULE_REGISTER:
		case WB_RULE_EXPRESSION:
		case WB_RULE_VAL_EXPRESSION:
		case WB_RULE_DEREF:
		case WB_RULE_CONSTANT:
			/* The others are not in simple rows, and only those make steps of the trail. */
			ret->has = false;
			return true;
		}
	}
	return false;
}

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

bool wb_walker_recover(struct wb_walker *w, uint8_t slot, uint64_t *ret_value, bool *ret_derived)
{
	struct found_reg found = { 0, false, false };
	size_t level = w->memo >> slot & 1 ? w->memos[slot].level : 0, i = w->num_trail;

	if (w->has_stepped && !(w->arch->callee_saved >> slot & 1))
		return false;
	wb_walker_need_base(w);
	while (i > level && !by_step(w, i - 1, slot, &found))
		i--;
	if (i == level) {
		bool popped = found.derived;

		if (level) {
			found = (struct found_reg){ w->memos[slot].value, w->memos[slot].has, w->memos[slot].derived };
		} else {
			found = (struct found_reg){ w->base.value[slot], wb_regs_has(&w->base, slot), w->base.derived >> slot & 1 };
		}
		found.derived |= popped;
	}
	if (slot == w->arch->ra_column && w->has_stepped)
		found.value = wb_address_strip(found.value, w->pointer_mask);
	if (w->num_trail) {
		w->memo |= UINT64_C(1) << slot;
		w->memos[slot].level = w->num_trail;
		w->memos[slot].value = found.value;
		w->memos[slot].has = found.has;
		w->memos[slot].derived = found.derived;
	}
	*ret_value = found.value;
	*ret_derived = found.derived;
	return found.has;
}

void wb_walker_recover_all(struct wb_walker *w, struct wb_regs *ret_regs)
{
	const struct wb_arch_info *arch = w->arch;
	uint64_t special = UINT64_C(1) << arch->pc | UINT64_C(1) << arch->sp | UINT64_C(1) << arch->fp;

	if (!w->has_stepped) {
		wb_walker_need_base(w);
		*ret_regs = w->base;
	} else {
		uint64_t left = arch->callee_saved & ~special;

		ret_regs->have = ret_regs->derived = 0;
		for (; left; left &= left - 1) {
			uint8_t slot = (uint8_t)__builtin_ctzll(left);
			uint64_t value;
			bool derived;

			if (wb_walker_recover(w, slot, &value, &derived))
				wb_regs_set(ret_regs, slot, value, derived);
		}
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
