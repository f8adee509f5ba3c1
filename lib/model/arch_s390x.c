/* SPDX-License-Identifier: MIT */
/*
 * 64-bit IBM Z: register numbers, callee-saved registers and the register save area from the s390x ELF ABI supplement (1.2.2, 1.2.6 and table 1-30 of
 * "DWARF register numbers"). A frame begins with 160 bytes that its callees save registers in, and the CFA is behind them, not at the caller's stack
 * pointer. Floating-point registers are modelled because functions keep general ones in them. No frame pointer by convention: compilers take r11.
 */
#include "model/arch.h"

enum {
	R0, R6 = 6, R11 = 11, R14 = 14, R15, PC, F0, F8 = F0 + 8, NUM_SLOTS = F0 + 16,
	NO = WB_SLOT_NONE,
};

#define BIT(slot) (UINT64_C(1) << (slot))

/* Pairs of floating-point registers are numbered one after the other. */
static const struct wb_arch_reg regs[NUM_SLOTS] = {
	{ "r0", 0 }, { "r1", 1 }, { "r2", 2 }, { "r3", 3 }, { "r4", 4 }, { "r5", 5 }, { "r6", 6 }, { "r7", 7 },
	{ "r8", 8 }, { "r9", 9 }, { "r10", 10 }, { "r11", 11 }, { "r12", 12 }, { "r13", 13 }, { "r14", 14 }, { "r15", 15 },
	{ "pswa", WB_REG_PC },
	{ "f0", 16 }, { "f1", 20 }, { "f2", 17 }, { "f3", 21 }, { "f4", 18 }, { "f5", 22 }, { "f6", 19 }, { "f7", 23 },
	{ "f8", 24 }, { "f9", 28 }, { "f10", 25 }, { "f11", 29 }, { "f12", 26 }, { "f13", 30 }, { "f14", 27 }, { "f15", 31 },
};

static const struct wb_arch_alias aliases[] = { { "sp", R15 }, { "pc", PC }, { NULL, 0 } };

#define GENERAL R0, R0 + 1, R0 + 2, R0 + 3, R0 + 4, R0 + 5, R6, R6 + 1, R6 + 2, R6 + 3, R6 + 4, R11, R11 + 1, R11 + 2, R14, R15

static const uint8_t slot_of_dwarf[] = {
	GENERAL,
	F0, F0 + 2, F0 + 4, F0 + 6, F0 + 1, F0 + 3, F0 + 5, F0 + 7, F8, F8 + 2, F8 + 4, F8 + 6, F8 + 1, F8 + 3, F8 + 5, F8 + 7,
	/* 32 to 63: control and access registers; 64 and 65: the program status word's mask and address */
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	NO, PC,
};

/* Linux, arch/s390/include/uapi/asm/perf_regs.h: R0 to R15, FP0 to FP15, MASK, PC. */
static const uint8_t perf_regs[] = {
	GENERAL,
	F0, F0 + 1, F0 + 2, F0 + 3, F0 + 4, F0 + 5, F0 + 6, F0 + 7, F8, F8 + 1, F8 + 2, F8 + 3, F8 + 4, F8 + 5, F8 + 6, F8 + 7,
	NO, PC,
};

/* Linux, arch/s390/include/uapi/asm/ptrace.h, s390_regs: the program status word's mask and address, r0 to r15; then access registers and what r2 was. */
static const uint8_t core_regs[] = { NO, PC, GENERAL };

/* Linux, arch/s390/kernel/signal.c and vdso64/vdso_user_wrapper.S: svc 173 (rt_sigreturn) or 119 (sigreturn). SP is at struct rt_sigframe: the register
 * save area, 2 bytes of code on to a multiple of 8, siginfo of 128 bytes, struct ucontext, whose registers follow 2 words and a stack_t of 24 bytes; or at
 * struct sigframe: the save area, then struct sigcontext, 8 bytes of signals and a pointer to the registers, which follow. */
static const struct wb_trampoline trampolines[] = {
	{ .code = { 0x0a, 0xad }, .size = 2, .step = 0, .saved = 160 + 8 + 128 + 40 },
	{ .code = { 0x0a, 0x77 }, .size = 2, .step = 0, .saved = 160 + 16 },
};

/* Go's functions keep no register but SP; runtime/signal_linux_s390x.go. asyncPreempt gives its frame back before it loads the pc that it goes on at
 * (preempt_s390x.s). */
static const struct wb_arch_go go = { .pushed = 8, .resume_slot = NO };

const struct wb_arch_info wb_arch_s390x = {
	.arch = WB_ARCH_S390X,
	.name = "s390x",
	.regs = regs,
	.num_regs = NUM_SLOTS,
	.word_size = 8,
	.pc = PC,
	.sp = R15,
	.fp = R11,
	.ra_column = R14,
	.call_step = 1,
	.stack_align = 8,
	.red_zone = 0,
	.cfa_above_sp = 160,
	/* r14, too: a function comes back with its return address in it. */
	.callee_saved = UINT64_C(0xff) << R6 | BIT(R14) | UINT64_C(0xff) << F8,
	.leaf = { .cfa_base = R15, .cfa_offset = 160, .ra_in_register = 1, .ra_slot = R14 },
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
	.address_mask = UINT64_MAX,
};
