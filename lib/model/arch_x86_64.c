/* SPDX-License-Identifier: MIT */
/*
 * x86-64, System V ABI (AMD64 psABI 1.0): register numbers from figure 3.36, callee-saved registers from figure 3.4, the red zone of 128
 * bytes from 3.2.2, frame pointers from 3.2.2. The slot is the DWARF number.
 */
#include "model/arch.h"

enum {
	RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, RIP, XMM0, NUM_SLOTS = XMM0 + 16,
	NO = WB_SLOT_NONE,
};

#define BIT(slot) (UINT64_C(1) << (slot))

/* The return address column, 16, is rip here: a row's rule for it gives the caller's pc. */
static const struct wb_arch_reg regs[NUM_SLOTS] = {
	{ "rax", 0 }, { "rdx", 1 }, { "rcx", 2 }, { "rbx", 3 }, { "rsi", 4 }, { "rdi", 5 }, { "rbp", 6 }, { "rsp", 7 },
	{ "r8", 8 }, { "r9", 9 }, { "r10", 10 }, { "r11", 11 }, { "r12", 12 }, { "r13", 13 }, { "r14", 14 }, { "r15", 15 },
	{ "rip", WB_REG_PC },
	/* Their low 64 bits. */
	{ "xmm0", 17 }, { "xmm1", 18 }, { "xmm2", 19 }, { "xmm3", 20 }, { "xmm4", 21 }, { "xmm5", 22 }, { "xmm6", 23 }, { "xmm7", 24 },
	{ "xmm8", 25 }, { "xmm9", 26 }, { "xmm10", 27 }, { "xmm11", 28 }, { "xmm12", 29 }, { "xmm13", 30 }, { "xmm14", 31 }, { "xmm15", 32 },
};

static const uint8_t slot_of_dwarf[NUM_SLOTS] = {
	RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, RIP,
	XMM0, XMM0 + 1, XMM0 + 2, XMM0 + 3, XMM0 + 4, XMM0 + 5, XMM0 + 6, XMM0 + 7,
	XMM0 + 8, XMM0 + 9, XMM0 + 10, XMM0 + 11, XMM0 + 12, XMM0 + 13, XMM0 + 14, XMM0 + 15,
};

/* Linux, arch/x86/include/uapi/asm/perf_regs.h: AX BX CX DX SI DI BP SP IP FLAGS CS SS DS ES FS GS R8 to R15. */
static const uint8_t perf_regs[] = {
	RAX, RBX, RCX, RDX, RSI, RDI, RBP, RSP, RIP, NO, NO, NO, NO, NO, NO, NO, R8, R9, R10, R11, R12, R13, R14, R15,
};

/* Linux, arch/x86/include/asm/user_64.h, struct user_regs_struct: ... ORIG_RAX RIP CS EFLAGS RSP SS FS_BASE GS_BASE DS ES FS GS. */
static const uint8_t core_regs[] = {
	R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, NO, RIP, NO, NO, RSP, NO, NO, NO, NO, NO, NO, NO,
};

/* Linux, struct ucontext: its registers are at 40 (arch/x86/include/uapi/asm/sigcontext.h). */
static const uint8_t signal_saved[] = { R8, R9, R10, R11, R12, R13, R14, R15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP };
static const struct wb_arch_go go = {
	.keeps_fp = true, .resume_slot = NO, .signal_offset = 40, .num_signal_saved = sizeof(signal_saved), .signal_saved = signal_saved,
};

const struct wb_arch_info wb_arch_x86_64 = {
	.arch = WB_ARCH_X86_64,
	.name = "x86_64",
	.regs = regs,
	.num_regs = NUM_SLOTS,
	.word_size = 8,
	.pc = RIP,
	.sp = RSP,
	.fp = RBP,
	.ra_column = RIP,
	.call_step = 1,
	.stack_align = 8,
	.red_zone = 128,
	.callee_saved = BIT(RBX) | BIT(RBP) | BIT(R12) | BIT(R13) | BIT(R14) | BIT(R15),
	.leaf = { .cfa_base = RSP, .cfa_offset = 8, .ra_offset = -8 },
	.frame = { .cfa_base = RBP, .cfa_offset = 16, .ra_offset = -8, .fp_offset = -16 },
	.go = &go,
	.slot_of_dwarf = slot_of_dwarf,
	.num_dwarf = NUM_SLOTS,
	.perf_regs = perf_regs,
	.num_perf_regs = sizeof(perf_regs),
	.core_regs = core_regs,
	.num_core_regs = sizeof(core_regs),
	.address_mask = UINT64_MAX,
};
