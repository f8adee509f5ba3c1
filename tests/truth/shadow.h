/* SPDX-License-Identifier: MIT */
/*
 * The shadow call stack: what the callers of a thread are, concluded from the instructions that it executes, never from what an unwinder would read.
 *
 * A call pushes; whatever moves the stack pointer above its slot pops it, be it `ret`, longjmp, or an exception that leaves frames behind. So tail
 * calls, which are jumps, keep the entry of the function that they leave, as they should. Where calls push the return address, the slot is that word.
 * Where they leave it in a register, functions return with the stack pointer that they were called with: the slot is the stack pointer, and a jump to
 * where the innermost entry goes on pops it, too. A delivered signal pushes two entries: the frame of the kernel's return code, and the frame that was
 * interrupted.
 *
 * Programs that switch stacks by themselves are followed as Go does it, where that is asked for: entries of a stack that is left stay, and those of one that
 * is left for good go when an outer one's is come back to. Elsewhere (makecontext) they are lost.
 */
#ifndef TRUTH_SHADOW_H
#define TRUTH_SHADOW_H

#include "machine.h"

struct caller {
	uint64_t pc;                  /* where the frame goes on */
	uint64_t slot;                /* address of the stack that must be left for the frame to go on */
	uint64_t stack_start, stack_end; /* mapping of slot */
	uint64_t regs[REGS_MAX];      /* the frame's registers, as far as `known`; the stack pointer after the return */
	uint64_t known;               /* bits by register */
	uint64_t chain;               /* of pc and all callers beyond: tells call chains apart */
	bool interrupted;             /* by a signal: pc is exact */
};

struct shadow {
	struct caller *callers;       /* the innermost is the last */
	size_t count, capacity;
	bool switches;                /* the program switches stacks */
};

void shadow_deinit(struct shadow *shadow);
/* Begins at a function's first instruction, inside a chain of frame pointers that ends with 0; the program switches stacks. */
void shadow_start(struct shadow *shadow, struct machine *machine, const uint64_t regs[REGS_MAX]);
/* A step was made from `before` to `after` by an instruction of this kind. */
void shadow_follow(struct shadow *shadow, struct machine *machine, enum instruction instruction, const uint64_t before[REGS_MAX],
                   const uint64_t after[REGS_MAX]);
/* Whether the program, with these registers, stands at the entry of a handler of this signal; then the interrupted frame was pushed. */
bool shadow_enter_signal(struct shadow *shadow, struct machine *machine, int signal, const uint64_t regs[REGS_MAX]);
/* A number for (pc, callers). */
uint64_t shadow_chain(const struct shadow *shadow, uint64_t pc);

#endif
