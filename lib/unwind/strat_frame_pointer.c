/* SPDX-License-Identifier: MIT */
/*
 * The frame pointer strategy. The row is a constant of the architecture and a guess: what it gives is believed only if it is aligned, moves up and
 * returns into executable code, which the walk checks for every row that is a guess. What it does not prove becomes unknown.
 */
#include "unwind/code_find.h"
#include "unwind/strategy.h"

/* Where calls leave the return address in a register, leaf functions make no record, and others not at once: the caller is missing in the chain. There the
 * register tells it, if the function's instructions say for sure that it still does, and it leads into code. */
static enum wb_err find_by_link(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	const struct wb_arch_info *arch = lookup->arch;
	struct wb_code_row row;
	bool is_in_register = false;
	enum wb_err err;

	if (!lookup->exact || !arch->leaf.ra_in_register || !lookup->has_link || !lookup->link ||
	    !wb_space_may_execute(lookup->space, lookup->link - arch->call_step))
		return WB_NONE;
	err = wb_code_find(lookup, &row);
	if (err)
		return err;
	for (uint8_t i = 0; i < row.row.num_rules; i++)
		is_in_register |= row.rules[i].slot == arch->pc && row.rules[i].kind == WB_RULE_REGISTER && row.rules[i].base == arch->leaf.ra_slot;
	if (!is_in_register)
		return WB_NONE;
	row.row.flags |= WB_ROW_GUESS;
	ret_found->row = row.row;
	return wb_found_rules(ret_found, row.rules, row.row.num_rules, lookup->image_pc);
}

enum wb_err wb_strat_frame_pointer(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	const struct wb_arch_info *arch = lookup->arch;
	enum wb_err err = find_by_link(lookup, ret_found);

	if (err != WB_NONE)
		return err;
	if (!lookup->has_fp || arch->frame.cfa_base == WB_SLOT_NONE)
		return WB_NONE;
	ret_found->row = wb_row_of_convention(arch, &arch->frame, WB_HOW_FRAME_POINTER);
	ret_found->row.flags |= WB_ROW_GUESS | WB_ROW_BARRIER;
	if (lookup->fp) {
		bool sound = lookup->fp % arch->stack_align == 0 && !(lookup->has_sp && lookup->fp < lookup->sp);

		return sound ? WB_OK : WB_NONE;
	}
	/* The ABI's terminator, but only where a chain of frame pointers led to it: elsewhere it is just a register that is 0. Apple's systems have all code
	 * keep the chain. */
	if (lookup->how != WB_HOW_FRAME_POINTER && (lookup->how == WB_HOW_SCAN || wb_space_platform(lookup->space).os != WB_OS_MACOS))
		return WB_NONE;
	/* No frame is set up here: a general row without rules has no CFA. */
	ret_found->row.flags = WB_ROW_ROOT | WB_ROW_GENERAL;
	return WB_OK;
}
