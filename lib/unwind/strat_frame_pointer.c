/* SPDX-License-Identifier: MIT */
/*
 * The frame pointer strategy. The row is a constant of the architecture and a guess: what it gives is believed only if it is aligned, moves up and
 * returns into executable code, which the walk checks for every row that is a guess. What it does not prove becomes unknown.
 */
#include "unwind/strategy.h"

enum wb_err wb_strat_frame_pointer(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	const struct wb_arch_info *arch = lookup->arch;

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
