/* SPDX-License-Identifier: MIT */
/*
 * x86-64, Linux. Registers in the order of their DWARF numbers and kept ones: AMD64 psABI, figures 3.36 and 3.4. Encodings: Intel SDM volume 2. The
 * signal frame: arch/x86/include/asm/sigframe.h and uapi/asm/sigcontext.h.
 */
#include "machine.h"

enum { RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R12 = 12, RIP = 16, NUM_REGS };
enum {
	/* struct rt_sigframe: the address of the return code, then struct ucontext, whose registers start behind flags, link and stack. */
	FRAME_UCONTEXT = 8, UCONTEXT_REGS = 40,
	SYS_RT_SIGRETURN = 15,
};

static const uint32_t dwarf[NUM_REGS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, WB_REG_PC };

static bool is_prefix(uint8_t byte)
{
	return byte == 0x66 || byte == 0x67 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x26 ||
	       byte == 0x64 || byte == 0x65 || (byte & 0xf0) == 0x40;
}

static enum instruction decode(const uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (at + 2 < size && is_prefix(bytes[at]))
		at++;
	if (at + 2 > size)
		return INSTRUCTION_OTHER;
	if (bytes[at] == 0xe8 || (bytes[at] == 0xff && (bytes[at + 1] >> 3 & 7) == 2))
		return INSTRUCTION_CALL;
	return bytes[at] == 0x0f && bytes[at + 1] == 0x05 ? INSTRUCTION_SYSCALL : INSTRUCTION_OTHER;
}

/* The kernel enters handlers with (signal, &siginfo, &ucontext), and the address of the return code on the stack. */
static bool at_handler(struct machine *m, int signal, const uint64_t regs[REGS_MAX], struct interrupted *ret)
{
	/* struct sigcontext: r8 to r15, di, si, bp, bx, dx, ax, cx, sp, ip. */
	static const uint8_t order[NUM_REGS] = { 8, 9, 10, 11, 12, 13, 14, 15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP };
	uint64_t saved[NUM_REGS], sp = regs[RSP];

	if (regs[RDI] != (uint64_t)signal || regs[RDX] != sp + FRAME_UCONTEXT || !machine_read(m, sp, &ret->back, sizeof(ret->back)) ||
	    !machine_read(m, sp + FRAME_UCONTEXT + UCONTEXT_REGS, saved, sizeof(saved)))
		return false;
	for (size_t i = 0; i < NUM_REGS; i++)
		ret->regs[order[i]] = saved[i];
	ret->known = (UINT64_C(1) << RIP) - 1;
	ret->slot = sp;
	ret->back_sp = sp + 8;
	return true;
}

const struct target target_x86_64 = {
	.name = "x86_64",
	.platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX },
	.num_regs = NUM_REGS,
	.pc = RIP,
	.sp = RSP,
	.fp = RBP,
	.link = REG_NONE,
	.number = RAX,
	.sigreturn = SYS_RT_SIGRETURN,
	.dwarf = dwarf,
	.kept = 1u << RBX | 1u << RBP | 1u << RSP | 0xfu << R12,
	.decode = decode,
	.at_handler = at_handler,
};
