/* SPDX-License-Identifier: MIT */
/*
 * The one evaluator: a row, the registers of a frame and memory give the caller's registers. The walk has a fast form of the simple row; this
 * is the slow, obvious twin that does all rows, and what tests compare the fast one with.
 */
#ifndef UNWIND_ROW_APPLY_H
#define UNWIND_ROW_APPLY_H

#include "model/memory.h"
#include "model/regs.h"
#include "model/row.h"

enum wb_apply_result {
	WB_APPLY_OK,
	WB_APPLY_MEMORY,              /* bytes at `address` are absent */
	WB_APPLY_BAD,                 /* the row needs a register that is unknown, or is malformed */
};

struct wb_applied {
	enum wb_apply_result result;
	uint64_t address;             /* MEMORY: what was to be read */
	uint64_t cfa;                 /* valid if has_cfa, also when the result is not OK */
	bool has_cfa;
	bool ra_in_register;          /* the caller's pc came from a register, not from memory */
	struct wb_regs regs;          /* the caller's; its pc is in the architecture's pc slot, pointer mask not yet applied */
};

/* table gives the row's rules. regs are the frame's, with its pc. */
void wb_row_apply(const struct wb_row *row, const struct wb_row_table *table, const struct wb_arch_info *arch, const struct wb_regs *regs,
                  struct wb_view *view, struct wb_applied *ret);

/* Where registers were found in memory: for tools. */
struct wb_saved_places {
	uint64_t have;                /* slots */
	uint64_t address[WB_SLOTS_MAX];
};
void wb_row_apply_places(const struct wb_row *row, const struct wb_row_table *table, const struct wb_arch_info *arch, const struct wb_regs *regs,
                         struct wb_view *view, struct wb_applied *ret, struct wb_saved_places *ret_places);

/* A register saved at `address` in a frame whose stack pointer is sp. A slot below SP was popped already unless it is in the red zone: then, and
 * when the bytes there are absent, the register still holds its value, which is passed in and comes out derived. */
struct wb_saved { uint64_t value; bool has, derived, absent; };
static inline struct wb_saved wb_row_saved(const struct wb_arch_info *arch, struct wb_view *view, uint64_t address, bool has_sp, uint64_t sp,
                                           bool has_current, uint64_t current)
{
	uint64_t word;
	bool below = has_sp && address < sp;

	if (!(below && sp - address > arch->red_zone) && wb_view_word(view, address, &word) == WB_OK)
		return (struct wb_saved){ word, true, false, false };
	if (below)
		return (struct wb_saved){ current, has_current, true, false };
	return (struct wb_saved){ 0, false, false, true };
}

#endif
