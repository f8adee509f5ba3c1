/* SPDX-License-Identifier: MIT */
/*
 * Recorded frames: given as they are, but for one that chains of frame records do not have. Where calls leave the return address in a register, a leaf
 * function has no record, and its caller is only there: perf records that register beside the chain (arch/arm64 of its sources, the reason of its
 * arch__add_leaf_frame_record_opts).
 */
#include "unwind/walker.h"

#include "base/mem.h"
#include "unwind/cfi.h"

#include <string.h>

static void give_recorded(struct wb_walker *w, const struct wb_given *given, struct wb_frame *frame)
{
	uint64_t lookup_pc = given->address - (given->pc_kind == WB_PC_RETURN ? (w->arch ? w->arch->call_step : 1) : 0);
	const struct wb_hint *hint;

	*frame = (struct wb_frame){ .pc = given->address, .lookup_pc = lookup_pc, .how = WB_HOW_GIVEN };
	frame->flags = (uint16_t)((given->pc_kind == WB_PC_EXACT ? WB_FRAME_EXACT : 0) | (given->kind == WB_GIVEN_KERNEL ? WB_FRAME_KERNEL : 0));
	if (!wb_walker_find_hint(w, lookup_pc))
		return;
	hint = w->hint;
	frame->image_id = hint->image_id;
	if (!hint->image)
		return;
	frame->image_pc = lookup_pc - hint->start + hint->image_start;
	frame->flags |= WB_FRAME_HAS_IMAGE;
}

/* The link register, if that is what the sample has beside its recorded frames: a context with a pc is a frame of its own. */
static bool find_link(const struct wb_walker *w, uint64_t *ret_link)
{
	const struct wb_context *context = w->sample->num_contexts ? w->sample->contexts : NULL;
	bool found = false;

	for (size_t i = 0; context && i < context->num_regs; i++) {
		uint8_t slot = wb_arch_slot(w->arch, context->regs[i].number);

		if (slot == w->arch->pc)
			return false;
		if (slot != w->arch->leaf.ra_slot)
			continue;
		*ret_link = wb_address_strip(context->regs[i].value, w->pointer_mask) & w->arch->address_mask;
		found = true;
	}
	return found;
}

static void make_lookup(struct wb_walker *w, uint64_t pc, uint64_t link, struct wb_lookup *ret)
{
	struct wb_hint *hint = wb_walker_find_hint(w, pc) ? w->hint : NULL;

	/* What rows count from does not matter: only where the return address is, is asked. */
	*ret = (struct wb_lookup){ .arch = w->arch, .space = w->space, .view = &w->view, .pc = pc, .lookup_pc = pc, .link = link, .has_sp = true,
	                           .has_link = true, .exact = true, .how = WB_HOW_GIVEN, .code_memo = w->code_memo };
	if (!hint || !hint->image)
		return;
	ret->map = hint->map;
	ret->image = hint->image;
	ret->image_pc = pc - hint->start + hint->image_start;
	w->no_memory |= wb_unwind_info_of_image(hint->image, &ret->info) == WB_ERR_MEMORY;
}

/* Whether the first strategy that knows the place says that the return address still is in its register. */
static bool is_in_register(struct wb_walker *w, const struct wb_lookup *lookup)
{
	const struct wb_arch_info *arch = w->arch;
	bool is = false;

	for (size_t i = 0; i < w->num_strategies; i++) {
		struct wb_found found = { .cacheable = false };
		enum wb_err err;

		if (w->hows[i] == WB_HOW_FRAME_POINTER || w->hows[i] == WB_HOW_SCAN)
			continue;
		err = w->strategies[i](lookup, &found);
		w->no_memory |= err == WB_ERR_MEMORY;
		if (err == WB_NONE)
			continue;
		for (unsigned j = 0; !err && found.table && j < found.row.num_rules; j++) {
			const struct wb_row_rule *rule = wb_row_table_rules(found.table) + found.row.rules + j;

			is |= rule->slot == arch->pc && rule->kind == WB_RULE_REGISTER && rule->base == arch->leaf.ra_slot;
		}
		wb_mem_free(found.loose);
		break;
	}
	return is;
}

/* Behind the place where user code stood, when a chain of records goes on from there. */
static void find_leaf_caller(struct wb_walker *w, const struct wb_given *given, const struct wb_given *next)
{
	struct wb_lookup lookup;
	uint64_t link = 0;

	if (given->kind != WB_GIVEN_USER || given->pc_kind != WB_PC_EXACT || next->kind != WB_GIVEN_USER || !w->arch || !w->arch->leaf.ra_in_register ||
	    !find_link(w, &link) || !link || link == wb_address_strip(next->address, w->pointer_mask))
		return;
	make_lookup(w, given->address, link, &lookup);
	if (lookup.image && wb_space_may_execute(w->space, link - w->arch->call_step) && is_in_register(w, &lookup))
		w->leaf_caller = link;
}

void wb_walker_give_recorded(struct wb_walker *w, struct wb_frame *frame)
{
	const struct wb_sample *sample = w->sample;
	const struct wb_given *given = sample->given + w->next_given;

	w->num_frames++;
	if (w->next_given > 0 && w->leaf_caller) {
		give_recorded(w, &(struct wb_given){ .address = w->leaf_caller, .kind = WB_GIVEN_USER, .pc_kind = WB_PC_RETURN }, frame);
		frame->how = WB_HOW_LEAF;
		w->leaf_caller = 0;
		return;
	}
	w->next_given++;
	w->leaf_caller = 0;
	give_recorded(w, given, frame);
	if (sample->num_contexts && w->next_given < sample->num_given)
		find_leaf_caller(w, given, given + 1);
}
