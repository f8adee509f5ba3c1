/* SPDX-License-Identifier: MIT */
/* A register file by slot. A register is known, derived (concluded, not proven) or unknown; an unknown one is never read as zero. */
#ifndef MODEL_REGS_H
#define MODEL_REGS_H

#include "model/arch.h"

struct wb_regs {
	uint64_t have;                /* slots with a value */
	uint64_t derived;             /* subset of have: concluded */
	uint64_t value[WB_SLOTS_MAX];
};

static inline bool wb_regs_has(const struct wb_regs *regs, uint8_t slot) { return slot < WB_SLOTS_MAX && regs->have >> slot & 1; }
static inline void wb_regs_set(struct wb_regs *regs, uint8_t slot, uint64_t value, bool derived)
{
	uint64_t bit = UINT64_C(1) << slot;

	regs->value[slot] = value;
	regs->have |= bit;
	regs->derived = derived ? regs->derived | bit : regs->derived & ~bit;
}
static inline void wb_regs_forget(struct wb_regs *regs, uint8_t slot)
{
	regs->have &= ~(UINT64_C(1) << slot);
	regs->derived &= regs->have;
}

#endif
