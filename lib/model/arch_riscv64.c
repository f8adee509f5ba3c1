/* SPDX-License-Identifier: MIT */
/*
 * 64-bit RISC-V: register numbers, callee-saved registers, the return address register and frame records from the RISC-V ELF psABI (chapters "Register
 * Convention", "Frame Pointer Convention" and "DWARF Register Numbers"). No red zone. The slot of x0 to x31 is the DWARF number; floating-point registers
 * are not modelled: no frame is found by them. Instructions have 2 or 4 bytes.
 */
#include "model/arch.h"

enum { ZERO, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5, A6, A7, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, T3, T4, T5, T6, PC, NUM_SLOTS };

#define BIT(slot) (UINT64_C(1) << (slot))

static const struct wb_arch_reg regs[NUM_SLOTS] = {
	{ "zero", 0 }, { "ra", 1 }, { "sp", 2 }, { "gp", 3 }, { "tp", 4 }, { "t0", 5 }, { "t1", 6 }, { "t2", 7 },
	{ "s0", 8 }, { "s1", 9 }, { "a0", 10 }, { "a1", 11 }, { "a2", 12 }, { "a3", 13 }, { "a4", 14 }, { "a5", 15 },
	{ "a6", 16 }, { "a7", 17 }, { "s2", 18 }, { "s3", 19 }, { "s4", 20 }, { "s5", 21 }, { "s6", 22 }, { "s7", 23 },
	{ "s8", 24 }, { "s9", 25 }, { "s10", 26 }, { "s11", 27 }, { "t3", 28 }, { "t4", 29 }, { "t5", 30 }, { "t6", 31 },
	{ "pc", WB_REG_PC },
};

static const struct wb_arch_alias aliases[] = {
	{ "fp", S0 }, { "x0", ZERO }, { "x1", RA }, { "x2", SP }, { "x3", GP }, { "x4", TP }, { "x5", T0 }, { "x6", T1 }, { "x7", T2 },
	{ "x8", S0 }, { "x9", S1 }, { "x10", A0 }, { "x11", A1 }, { "x12", A2 }, { "x13", A3 }, { "x14", A4 }, { "x15", A5 }, { "x16", A6 },
	{ "x17", A7 }, { "x18", S2 }, { "x19", S3 }, { "x20", S4 }, { "x21", S5 }, { "x22", S6 }, { "x23", S7 }, { "x24", S8 }, { "x25", S9 },
	{ "x26", S10 }, { "x27", S11 }, { "x28", T3 }, { "x29", T4 }, { "x30", T5 }, { "x31", T6 }, { NULL, 0 },
};

static const uint8_t slot_of_dwarf[] = {
	ZERO, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5, A6, A7, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, T3, T4, T5, T6,
};

/* Linux, arch/riscv/include/uapi/asm/perf_regs.h and ptrace.h (struct user_regs_struct): the pc, then x1 to x31. */
static const uint8_t pc_first[] = {
	PC, RA, SP, GP, TP, T0, T1, T2, S0, S1, A0, A1, A2, A3, A4, A5, A6, A7, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, T3, T4, T5, T6,
};

/* Linux, arch/riscv/kernel/vdso/rt_sigreturn.S: li a7, 139; ecall. SP is at struct rt_sigframe: siginfo of 128 bytes, then struct ucontext, whose
 * registers are at 176: 2 words, stack_t of 24 bytes, room for 128 bytes of signals, then on to a multiple of 16. */
static const struct wb_trampoline trampoline = { .code = { 0x93, 0x08, 0xb0, 0x08, 0x73, 0x00, 0x00, 0x00 }, .size = 8, .step = 4, .saved = 128 + 176 };

/* Go's functions keep no register but SP; runtime/signal_riscv64.go, and preempt_riscv64.s, which goes on by x31. */
static const struct wb_arch_go go = { .pushed = 8, .resume_slot = T6 };

const struct wb_arch_info wb_arch_riscv64 = {
	.arch = WB_ARCH_RISCV64,
	.name = "riscv64",
	.regs = regs,
	.num_regs = NUM_SLOTS,
	.word_size = 8,
	.pc = PC,
	.sp = SP,
	.fp = S0,
	.ra_column = RA,
	.call_step = 1,
	.stack_align = 8,
	.red_zone = 0,
	/* ra, too: a function comes back with its return address in it. */
	.callee_saved = BIT(S0) | BIT(S1) | UINT64_C(0x3ff) << S2 | BIT(RA),
	.leaf = { .cfa_base = SP, .ra_in_register = 1, .ra_slot = RA },
	.frame = { .cfa_base = S0, .cfa_offset = 0, .ra_offset = -8, .fp_offset = -16 },
	.aliases = aliases,
	.trampolines = &trampoline,
	.num_trampolines = 1,
	.signal_regs = pc_first,
	.num_signal_regs = sizeof(pc_first),
	.go = &go,
	.slot_of_dwarf = slot_of_dwarf,
	.num_dwarf = sizeof(slot_of_dwarf),
	.perf_regs = pc_first,
	.num_perf_regs = sizeof(pc_first),
	.core_regs = pc_first,
	.num_core_regs = sizeof(pc_first),
	.address_mask = UINT64_MAX,
};
