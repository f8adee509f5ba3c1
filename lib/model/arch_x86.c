/* SPDX-License-Identifier: MIT */
/*
 * 32-bit x86, System V ABI (i386 psABI 1.1): register numbers from table 2.14 as .eh_frame of Linux has them (esp 4, ebp 5), callee-saved
 * registers from table 2.3; there is no red zone. The slot is the DWARF number.
 */
#include "model/arch.h"

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, EIP, NUM_SLOTS, NO = WB_SLOT_NONE };

#define BIT(slot) (UINT64_C(1) << (slot))

static const struct wb_arch_reg regs[NUM_SLOTS] = {
	{ "eax", 0 }, { "ecx", 1 }, { "edx", 2 }, { "ebx", 3 }, { "esp", 4 }, { "ebp", 5 }, { "esi", 6 }, { "edi", 7 },
	{ "eip", WB_REG_PC },
};

static const uint8_t slot_of_dwarf[NUM_SLOTS] = { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, EIP };

/* Linux, arch/x86/include/uapi/asm/perf_regs.h: AX BX CX DX SI DI BP SP IP, then flags and segments. */
static const uint8_t perf_regs[] = { EAX, EBX, ECX, EDX, ESI, EDI, EBP, ESP, EIP };

/* Linux, arch/x86/include/asm/user_32.h, struct user_regs_struct: ... DS ES FS GS ORIG_EAX EIP CS EFLAGS ESP SS. */
static const uint8_t core_regs[] = { EBX, ECX, EDX, ESI, EDI, EBP, EAX, NO, NO, NO, NO, NO, EIP, NO, NO, ESP, NO };

/* glibc, sysdeps/unix/sysv/linux/i386/libc_sigaction.c, where the kernel's vDSO is not used: mov eax, 173 (rt_sigreturn); int 0x80, and pop eax; mov eax, 119
 * (sigreturn); int 0x80. SP is behind the return address of struct rt_sigframe (three words, a siginfo of 128 bytes, five words, the registers) or struct
 * sigframe (a word, the registers): Linux, arch/x86/include/asm/sigframe.h. */
static const struct wb_trampoline trampolines[] = {
	{ .code = { 0xb8, 0xad, 0x00, 0x00, 0x00, 0xcd, 0x80 }, .size = 7, .step = 5, .saved = 4 * 3 + 128 + 4 * 5 },
	{ .code = { 0x58, 0xb8, 0x77, 0x00, 0x00, 0x00, 0xcd, 0x80 }, .size = 8, .saved = 4 },
};

/* Linux, arch/x86/include/uapi/asm/sigcontext.h, struct sigcontext_32: GS FS ES DS DI SI BP SP BX DX CX AX, trap and error, IP. */
static const uint8_t signal_regs[] = { NO, NO, NO, NO, EDI, ESI, EBP, ESP, EBX, EDX, ECX, EAX, NO, NO, EIP };

/* Go's own code that handlers return to is as glibc's (runtime/sys_linux_386.s). */
static const struct wb_arch_go go = {
	.resume_slot = NO, .signal_offset = 4 * 3 + 128 + 4 * 5, .num_signal_saved = sizeof(signal_regs), .signal_saved = signal_regs,
};

const struct wb_arch_info wb_arch_x86 = {
	.arch = WB_ARCH_X86,
	.name = "x86",
	.regs = regs,
	.num_regs = NUM_SLOTS,
	.word_size = 4,
	.pc = EIP,
	.sp = ESP,
	.fp = EBP,
	.ra_column = EIP,
	.call_step = 1,
	.stack_align = 4,
	.red_zone = 0,
	.callee_saved = BIT(EBX) | BIT(EBP) | BIT(ESI) | BIT(EDI),
	.leaf = { .cfa_base = ESP, .cfa_offset = 4, .ra_offset = -4 },
	.frame = { .cfa_base = EBP, .cfa_offset = 8, .ra_offset = -4, .fp_offset = -8 },
	.trampolines = trampolines,
	.num_trampolines = sizeof(trampolines) / sizeof(trampolines[0]),
	.signal_regs = signal_regs,
	.num_signal_regs = sizeof(signal_regs),
	.go = &go,
	.slot_of_dwarf = slot_of_dwarf,
	.num_dwarf = NUM_SLOTS,
	.perf_regs = perf_regs,
	.num_perf_regs = sizeof(perf_regs),
	.core_regs = core_regs,
	.num_core_regs = sizeof(core_regs),
	.address_mask = UINT32_MAX,
};
