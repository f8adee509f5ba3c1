/* SPDX-License-Identifier: MIT */
/*
 * Architectures as the shadow stack needs them: which registers a walk is given, which ones functions keep, and what calls and returns look like.
 * Registers are known by their index in the target's table.
 *
 * To add an architecture: a target_<name>.c with its descriptor, a line in targets of target.c; to execute it, its registers in machine_emulator.c and
 * its system calls in a linux_<name>.c.
 */
#ifndef TRUTH_TARGET_H
#define TRUTH_TARGET_H

#include <walkback/base.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REGS_MAX = 48, REG_NONE = 0xff };

/* What an instruction is to the shadow stack. */
enum instruction {
	INSTRUCTION_OTHER,
	INSTRUCTION_CALL,
	INSTRUCTION_JUMP,             /* to an address in a register, or a return; told apart only where return addresses are in a register */
	INSTRUCTION_SYSCALL,
};

/* What a signal handler's frame says. */
struct interrupted {
	uint64_t regs[REGS_MAX];      /* of what was interrupted, as far as `known` */
	uint64_t known;
	uint64_t back;                /* where the handler returns to */
	uint64_t slot;                /* address in the signal's frame, which is left with it */
	uint64_t back_sp;             /* the stack pointer there */
};

struct machine;
struct target {
	const char *name;
	struct wb_platform platform;
	uint8_t num_regs;
	uint8_t pc, sp, fp;           /* indices */
	uint8_t link;                 /* index of the register that calls leave the return address in; REG_NONE: it is pushed */
	uint8_t number;               /* index of the register with the number of a system call */
	uint64_t sigreturn;           /* the number that ends a signal handler */
	const uint32_t *dwarf;        /* DWARF number or WB_REG_PC, by index */
	uint64_t kept;                /* what a function must keep for its caller, and the stack pointer: bits by index */
	enum instruction (*decode)(const uint8_t *bytes, size_t size);
	/* Whether the program, with these registers, stands at the entry of a handler of this signal. */
	bool (*at_handler)(struct machine *machine, int signal, const uint64_t regs[REGS_MAX], struct interrupted *ret);
};

extern const struct target target_aarch64, target_x86_64;
/* NULL: none of these. */
const struct target *target_of(enum wb_arch arch);

#endif
