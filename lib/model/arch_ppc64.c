/* SPDX-License-Identifier: MIT */
/*
 * 64-bit PowerPC, little and big endian: register numbers, callee-saved registers, the red zone and where the link register is saved from the ELFv2 ABI
 * (2.2.2 and 2.4.2); what is used of them is the same in ELFv1. The slot of r0 to r31 is the DWARF number. Condition, floating-point and vector registers
 * are not modelled: no frame is found by them. There is no frame pointer by convention: r31 is what compilers take where they need one.
 */
#include "model/arch.h"

enum { R0, R1, R8 = 8, R14 = 14, R16 = 16, R24 = 24, R31 = 31, LR, CTR, PC, NUM_SLOTS, NO = WB_SLOT_NONE };

#define BIT(slot) (UINT64_C(1) << (slot))

static const struct wb_arch_reg regs[NUM_SLOTS] = {
	{ "r0", 0 }, { "r1", 1 }, { "r2", 2 }, { "r3", 3 }, { "r4", 4 }, { "r5", 5 }, { "r6", 6 }, { "r7", 7 },
	{ "r8", 8 }, { "r9", 9 }, { "r10", 10 }, { "r11", 11 }, { "r12", 12 }, { "r13", 13 }, { "r14", 14 }, { "r15", 15 },
	{ "r16", 16 }, { "r17", 17 }, { "r18", 18 }, { "r19", 19 }, { "r20", 20 }, { "r21", 21 }, { "r22", 22 }, { "r23", 23 },
	{ "r24", 24 }, { "r25", 25 }, { "r26", 26 }, { "r27", 27 }, { "r28", 28 }, { "r29", 29 }, { "r30", 30 }, { "r31", 31 },
	{ "lr", 65 }, { "ctr", 66 }, { "pc", WB_REG_PC },
};

static const struct wb_arch_alias aliases[] = { { "sp", R1 }, { "nip", PC }, { NULL, 0 } };

#define GENERAL \
	R0, R1, R1 + 1, R1 + 2, R1 + 3, R1 + 4, R1 + 5, R1 + 6, R8, R8 + 1, R8 + 2, R8 + 3, R8 + 4, R8 + 5, R14, R14 + 1, \
	R16, R16 + 1, R16 + 2, R16 + 3, R16 + 4, R16 + 5, R16 + 6, R16 + 7, R24, R24 + 1, R24 + 2, R24 + 3, R24 + 4, R24 + 5, R24 + 6, R31

static const uint8_t slot_of_dwarf[] = {
	GENERAL,
	/* f0 to f31 */
	NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	/* 64 is the condition register */
	NO, LR, CTR,
};

/* Linux, arch/powerpc/include/uapi/asm/perf_regs.h and ptrace.h (struct pt_regs), which begin alike: NIP, MSR, ORIG_R3, CTR, LINK. */
static const uint8_t kernel_regs[] = { GENERAL, PC, NO, NO, CTR, LR };

/* elf_gregset_t: pt_regs in 48 words. */
enum { CORE_WORDS = 48 };
static const uint8_t core_regs[CORE_WORDS] = { GENERAL, PC, NO, NO, CTR, LR, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO };

/* Linux, arch/powerpc/kernel/vdso/sigtramp64.S: addi r1, r1, 128; li r0, 172; sc. Behind these 128 bytes is struct rt_sigframe, which begins with struct
 * ucontext: 2 words, stack_t of 24 bytes, room for 128 bytes of signals, then struct sigcontext, whose registers follow 8 words. */
enum { SAVED = 128 + 16 + 24 + 128 + 64 };
static const struct wb_trampoline trampolines[] = {
	{ .code = { 0x80, 0x00, 0x21, 0x38, 0xac, 0x00, 0x00, 0x38, 0x02, 0x00, 0x00, 0x44 }, .size = 12, .step = 4, .saved = SAVED },
	{ .code = { 0x38, 0x21, 0x00, 0x80, 0x38, 0x00, 0x00, 0xac, 0x44, 0x00, 0x00, 0x02 }, .size = 12, .step = 4, .saved = SAVED },
	/* qemu, linux-user/ppc/signal.c: without the first instruction, and 16 bytes more between. */
	{ .code = { 0xac, 0x00, 0x00, 0x38, 0x02, 0x00, 0x00, 0x44 }, .size = 8, .step = 4, .saved = SAVED + 16 },
	{ .code = { 0x38, 0x00, 0x00, 0xac, 0x44, 0x00, 0x00, 0x02 }, .size = 8, .step = 4, .saved = SAVED + 16 },
};

/* Go's functions keep no register but SP; a signal handler makes a frame of the fixed 32 bytes (runtime/signal_ppc64x.go), and asyncPreempt goes on by the
 * count register (preempt_ppc64x.s). */
static const struct wb_arch_go go = { .handler_by_hand = true, .c_link = 16, .pushed = 32, .resume_slot = CTR };

const struct wb_arch_info wb_arch_ppc64 = {
	.arch = WB_ARCH_PPC64,
	.name = "ppc64",
	.regs = regs,
	.num_regs = NUM_SLOTS,
	.word_size = 8,
	.pc = PC,
	.sp = R1,
	.fp = R31,
	.ra_column = LR,
	.call_step = 4,
	.stack_align = 8,
	.red_zone = 288,
	.linkage = 48,
	/* lr, too: a function comes back with its return address in it. */
	.callee_saved = UINT64_C(0x3ffff) << R14 | BIT(LR),
	.leaf = { .cfa_base = R1, .ra_in_register = 1, .ra_slot = LR },
	.frame = { .cfa_base = NO },
	.aliases = aliases,
	.trampolines = trampolines,
	.num_trampolines = sizeof(trampolines) / sizeof(trampolines[0]),
	.signal_regs = core_regs,
	.num_signal_regs = sizeof(core_regs),
	.go = &go,
	.slot_of_dwarf = slot_of_dwarf,
	.num_dwarf = sizeof(slot_of_dwarf),
	.perf_regs = kernel_regs,
	.num_perf_regs = sizeof(kernel_regs),
	.core_regs = core_regs,
	.num_core_regs = sizeof(core_regs),
	.address_mask = UINT64_MAX,
};
