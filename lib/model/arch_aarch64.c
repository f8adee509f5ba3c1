/* SPDX-License-Identifier: MIT */
/*
 * 64-bit Arm, little and big endian: register numbers from "DWARF for the Arm 64-bit Architecture" (AADWARF64), 4.1; callee-saved registers, the link
 * register and frame records from the procedure call standard (AAPCS64), 6.1 and 6.4. No red zone (Apple's has one of 128 bytes). The slot of x0 to x30,
 * sp and pc is the DWARF number; of vector registers only d8 to d15 are kept over calls, the low halves of v8 to v15.
 */
#include "model/arch.h"

enum {
	X0, X8 = 8, X16 = 16, X19 = 19, X24 = 24, X27 = 27, X29 = 29, X30, SP, PC, D8, NUM_SLOTS = D8 + 8,
	NUM_DWARF = 80,               /* v15 is 79; those behind and the scalable ones are not modelled */
	NO = WB_SLOT_NONE,
};

#define BIT(slot) (UINT64_C(1) << (slot))

static const struct wb_arch_reg regs[NUM_SLOTS] = {
	{ "x0", 0 }, { "x1", 1 }, { "x2", 2 }, { "x3", 3 }, { "x4", 4 }, { "x5", 5 }, { "x6", 6 }, { "x7", 7 },
	{ "x8", 8 }, { "x9", 9 }, { "x10", 10 }, { "x11", 11 }, { "x12", 12 }, { "x13", 13 }, { "x14", 14 }, { "x15", 15 },
	{ "x16", 16 }, { "x17", 17 }, { "x18", 18 }, { "x19", 19 }, { "x20", 20 }, { "x21", 21 }, { "x22", 22 }, { "x23", 23 },
	{ "x24", 24 }, { "x25", 25 }, { "x26", 26 }, { "x27", 27 }, { "x28", 28 }, { "x29", 29 }, { "x30", 30 }, { "sp", 31 },
	{ "pc", WB_REG_PC },
	{ "d8", 72 }, { "d9", 73 }, { "d10", 74 }, { "d11", 75 }, { "d12", 76 }, { "d13", 77 }, { "d14", 78 }, { "d15", 79 },
};

static const struct wb_arch_alias aliases[] = { { "fp", X29 }, { "lr", X30 }, { NULL, 0 } };

static const uint8_t slot_of_dwarf[NUM_DWARF] = {
	X0, X0 + 1, X0 + 2, X0 + 3, X0 + 4, X0 + 5, X0 + 6, X0 + 7, X8, X8 + 1, X8 + 2, X8 + 3, X8 + 4, X8 + 5, X8 + 6, X8 + 7,
	X16, X16 + 1, X16 + 2, X19, X19 + 1, X19 + 2, X19 + 3, X19 + 4, X24, X24 + 1, X24 + 2, X24 + 3, X24 + 4, X29, X30, SP,
	/* 32 is the pc; then ELR_mode, RA_SIGN_STATE, thread ids, 38 to 45 reserved, and from 46 the scalable vectors' VG, FFR, P0 to P15. */
	PC, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	/* v0 to v15 */
	NO, NO, NO, NO, NO, NO, NO, NO, D8, D8 + 1, D8 + 2, D8 + 3, D8 + 4, D8 + 5, D8 + 6, D8 + 7,
};

/* Linux, arch/arm64/include/uapi/asm/perf_regs.h: X0 to X29, LR, SP, PC. */
static const uint8_t perf_regs[] = {
	X0, X0 + 1, X0 + 2, X0 + 3, X0 + 4, X0 + 5, X0 + 6, X0 + 7, X8, X8 + 1, X8 + 2, X8 + 3, X8 + 4, X8 + 5, X8 + 6, X8 + 7,
	X16, X16 + 1, X16 + 2, X19, X19 + 1, X19 + 2, X19 + 3, X19 + 4, X24, X24 + 1, X24 + 2, X24 + 3, X24 + 4, X29, X30, SP, PC,
};

/* Linux, arch/arm64/kernel/vdso/sigreturn.S: mov x8, #139; svc #0. SP is at struct rt_sigframe: siginfo of 128 bytes, then struct ucontext, whose
 * sigcontext is at 176; its registers follow the fault address (arch/arm64/include/uapi/asm/sigcontext.h). */
static const struct wb_trampoline trampoline = {
	.code = { 0x68, 0x11, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4 }, .size = 8, .step = 4, .saved = 128 + 176 + 8,
};

/* Linux, arch/arm64/Kconfig, ARM64_VA_BITS. Bit 55 tells the kernel's addresses, those above may be tags
 * (Documentation/arch/arm64/pointer-authentication.rst). */
static const uint8_t address_bits[] = { 36, 39, 42, 47, 48, 52, 0 };

/* Linux, arch/arm64/include/uapi/asm/ptrace.h, struct user_pt_regs: X0 to X30, SP, PC, PSTATE. */
static const uint8_t core_regs[] = {
	X0, X0 + 1, X0 + 2, X0 + 3, X0 + 4, X0 + 5, X0 + 6, X0 + 7, X8, X8 + 1, X8 + 2, X8 + 3, X8 + 4, X8 + 5, X8 + 6, X8 + 7,
	X16, X16 + 1, X16 + 2, X19, X19 + 1, X19 + 2, X19 + 3, X19 + 4, X24, X24 + 1, X24 + 2, X24 + 3, X24 + 4, X29, X30, SP, PC, NO,
};

/* Go: runtime/signal_arm64.go, runtime/preempt_arm64.s. */
static const struct wb_arch_go go = { .keeps_fp = true, .pushed = 16, .resume_slot = X27 };

const struct wb_arch_info wb_arch_aarch64 = {
	.arch = WB_ARCH_AARCH64,
	.name = "aarch64",
	.regs = regs,
	.num_regs = NUM_SLOTS,
	.word_size = 8,
	.pc = PC,
	.sp = SP,
	.fp = X29,
	.ra_column = X30,
	.call_step = 4,
	.stack_align = 8,
	.red_zone = 0,
	.signs_return_addresses = true,
	/* x30, too: a function comes back with its return address in it, whoever saved it. */
	.callee_saved = UINT64_C(0xfff) << X19 | UINT64_C(0xff) << D8,
	.leaf = { .cfa_base = SP, .ra_in_register = 1, .ra_slot = X30 },
	/* A frame record is a pair (x29, x30), which may be anywhere in its frame: GCC puts it at the bottom, LLVM at the top. */
	.frame = { .cfa_base = X29, .cfa_offset = 16, .ra_offset = -8, .fp_offset = -16, .cfa_is_bound = 1 },
	.aliases = aliases,
	.trampolines = &trampoline,
	.num_trampolines = 1,
	.signal_regs = core_regs,
	.num_signal_regs = sizeof(core_regs),
	.go = &go,
	.slot_of_dwarf = slot_of_dwarf,
	.num_dwarf = NUM_DWARF,
	.perf_regs = perf_regs,
	.num_perf_regs = sizeof(perf_regs),
	.core_regs = core_regs,
	.num_core_regs = sizeof(core_regs),
	.address_mask = UINT64_MAX,
	.address_bits = address_bits,
	.signature_end = 55,
};
