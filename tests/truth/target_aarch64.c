/* SPDX-License-Identifier: MIT */
/*
 * 64-bit Arm, Linux. Register numbers: AADWARF64, 4.1; kept ones: AAPCS64, 6.1. Encodings: Arm ARM, C4.1.93 (branches, exception generating and system
 * instructions). The signal frame: arch/arm64/kernel/signal.c (struct rt_sigframe) and uapi/asm/sigcontext.h.
 */
#include "machine.h"

#include <string.h>

enum { X0, X1, X2, X8 = 8, X19 = 19, X29 = 29, X30, SP, PC, D8, NUM_REGS = D8 + 8 };
enum {
	/* struct rt_sigframe: siginfo of 128 bytes, then struct ucontext, whose sigcontext starts at 176: fault address, x0 to x30, sp, pc. */
	FRAME_UCONTEXT = 128, UCONTEXT_REGS = 176 + 8,
	SYS_RT_SIGRETURN = 139,
};

static const uint32_t dwarf[NUM_REGS] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, WB_REG_PC,
	72, 73, 74, 75, 76, 77, 78, 79,
};

static enum instruction decode(const uint8_t *bytes, size_t size)
{
	uint32_t word;

	if (size < sizeof(word))
		return INSTRUCTION_OTHER;
	word = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	if (word >> 26 == 0x25)       /* bl */
		return INSTRUCTION_CALL;
	if ((word & 0xffe0001f) == 0xd4000001)
		return INSTRUCTION_SYSCALL; /* svc */
	/* Unconditional branch (register): opc 0 br, 1 blr, 2 ret, 8 braa, 9 blraa; their lowest bits tell signed ones. */
	if (word >> 25 != 0x6b || (word >> 16 & 0x1f) != 0x1f)
		return INSTRUCTION_OTHER;
	switch (word >> 21 & 0xf) {
	case 1:
	case 9: return INSTRUCTION_CALL;
	case 0:
	case 2:
	case 8: return INSTRUCTION_JUMP;
	default: return INSTRUCTION_OTHER;
	}
}

/* The kernel enters handlers with (signal, &siginfo, &ucontext), and the address of the return code in x30. */
static bool at_handler(struct machine *m, int signal, const uint64_t regs[REGS_MAX], struct interrupted *ret)
{
	uint64_t saved[PC + 1], sp = regs[SP];

	if (regs[X0] != (uint64_t)signal || regs[X2] != sp + FRAME_UCONTEXT ||
	    !machine_read(m, sp + FRAME_UCONTEXT + UCONTEXT_REGS, saved, sizeof(saved)))
		return false;
	memcpy(ret->regs, saved, sizeof(saved));
	ret->known = (UINT64_C(1) << PC) - 1;
	ret->back = regs[X30];
	ret->slot = ret->back_sp = sp;
	return true;
}

const struct target target_aarch64 = {
	.name = "aarch64",
	.platform = { .arch = WB_ARCH_AARCH64, .os = WB_OS_LINUX },
	.num_regs = NUM_REGS,
	.pc = PC,
	.sp = SP,
	.fp = X29,
	.link = X30,
	.number = X8,
	.sigreturn = SYS_RT_SIGRETURN,
	.dwarf = dwarf,
	/* A function comes back with its return address in x30. */
	.kept = UINT64_C(0xfff) << X19 | UINT64_C(1) << SP | UINT64_C(0xff) << D8,
	.decode = decode,
	.at_handler = at_handler,
};
