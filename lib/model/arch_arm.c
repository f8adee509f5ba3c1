/* SPDX-License-Identifier: MIT */
/*
 * 32-bit Arm: register numbers from "DWARF for the Arm Architecture" (AADWARF32), 4.1; callee-saved registers and the link register from the procedure
 * call standard (AAPCS32), 6.1.1. The slot is the DWARF number. Vector registers are not modelled: no frame is found by them. Bit 0 of a code address
 * tells Thumb code and is no part of the address.
 */
#include "model/arch.h"

enum { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, SP, LR, PC, NUM_SLOTS, NO = WB_SLOT_NONE };

#define BIT(slot) (UINT64_C(1) << (slot))

static const struct wb_arch_reg regs[NUM_SLOTS] = {
	{ "r0", 0 }, { "r1", 1 }, { "r2", 2 }, { "r3", 3 }, { "r4", 4 }, { "r5", 5 }, { "r6", 6 }, { "r7", 7 },
	{ "r8", 8 }, { "r9", 9 }, { "r10", 10 }, { "r11", 11 }, { "r12", 12 }, { "sp", 13 }, { "lr", 14 }, { "pc", WB_REG_PC },
};

static const struct wb_arch_alias aliases[] = { { "fp", R11 }, { "ip", R12 }, { "r13", SP }, { "r14", LR }, { "r15", PC }, { NULL, 0 } };

static const uint8_t slot_of_dwarf[] = { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, SP, LR, PC };

/* Linux, arch/arm/include/uapi/asm/perf_regs.h: R0 to R10, FP, IP, SP, LR, PC. */
static const uint8_t perf_regs[] = { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, SP, LR, PC };

/* Linux, arch/arm/include/uapi/asm/ptrace.h, struct pt_regs: r0 to r15, cpsr, what r0 was when a call of the kernel began. */
static const uint8_t core_regs[] = { R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, R10, R11, R12, SP, LR, PC, NO, NO };

/* Linux, arch/arm/kernel/sigreturn_codes.S: mov r7, #173 (rt_sigreturn) or #119 (sigreturn); svc 0; in Arm and in Thumb code. SP is at struct rt_sigframe,
 * a siginfo of 128 bytes before struct ucontext, or at struct sigframe, which begins with it: 5 words, then sigcontext, whose registers follow 3 words. */
enum { UCONTEXT_REGS = 4 * 5 + 4 * 3 };
static const struct wb_trampoline trampolines[] = {
	{ .code = { 0xad, 0x70, 0xa0, 0xe3, 0x00, 0x00, 0x00, 0xef }, .size = 8, .step = 4, .saved = 128 + UCONTEXT_REGS },
	{ .code = { 0xad, 0x27, 0x00, 0xdf }, .size = 4, .step = 2, .saved = 128 + UCONTEXT_REGS },
	{ .code = { 0x77, 0x70, 0xa0, 0xe3, 0x00, 0x00, 0x00, 0xef }, .size = 8, .step = 4, .saved = UCONTEXT_REGS },
	{ .code = { 0x77, 0x27, 0x00, 0xdf }, .size = 4, .step = 2, .saved = UCONTEXT_REGS },
	/* glibc, sysdeps/unix/sysv/linux/arm/sigrestorer.S: the same in Thumb-2's long form */
	{ .code = { 0x4f, 0xf0, 0xad, 0x07, 0x00, 0xdf }, .size = 6, .step = 4, .saved = 128 + UCONTEXT_REGS },
	{ .code = { 0x4f, 0xf0, 0x77, 0x07, 0x00, 0xdf }, .size = 6, .step = 4, .saved = UCONTEXT_REGS },
};

/* Go's functions keep no register but SP; R14 is pushed in a word of its own (runtime/signal_arm.go), and asyncPreempt goes on by loading the pc
 * (runtime/preempt_arm.s). */
static const struct wb_arch_go go = { .handler_by_hand = true, .pushed = 4, .resume_slot = NO };

const struct wb_arch_info wb_arch_arm = {
	.arch = WB_ARCH_ARM,
	.name = "arm",
	.regs = regs,
	.num_regs = NUM_SLOTS,
	.word_size = 4,
	.pc = PC,
	.sp = SP,
	.fp = R11,
	.ra_column = LR,
	.call_step = 1,
	.stack_align = 4,
	.red_zone = 0,
	/* lr, too: a function comes back with its return address in it. */
	.callee_saved = BIT(R4) | BIT(R5) | BIT(R6) | BIT(R7) | BIT(R8) | BIT(R9) | BIT(R10) | BIT(R11) | BIT(LR),
	.leaf = { .cfa_base = SP, .ra_in_register = 1, .ra_slot = LR },
	/* GCC and LLVM lay frame records out differently, Thumb code has them in r7, and most code has none. */
	.frame = { .cfa_base = NO },
	.aliases = aliases,
	.trampolines = trampolines,
	.num_trampolines = sizeof(trampolines) / sizeof(trampolines[0]),
	.signal_regs = core_regs,
	.num_signal_regs = sizeof(core_regs),
	.go = &go,
	.slot_of_dwarf = slot_of_dwarf,
	.num_dwarf = sizeof(slot_of_dwarf),
	.perf_regs = perf_regs,
	.num_perf_regs = sizeof(perf_regs),
	.core_regs = core_regs,
	.num_core_regs = sizeof(core_regs),
	.address_mask = UINT32_MAX,
	.code_bits = 1,
};
