/* SPDX-License-Identifier: MIT */
/* x86-64: numbers of arch/x86/entry/syscalls/syscall_64.tbl, the signal frame of arch/x86/include/asm/sigframe.h and uapi/asm/sigcontext.h. */
#include "linux.h"

#include <errno.h>
#include <string.h>

enum { RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, RIP = 16, NUM_REGS };

static const struct linux_number numbers[] = {
	{ 0, CALL_READ }, { 1, CALL_WRITE }, { 3, CALL_CLOSE }, { 5, CALL_FSTAT }, { 8, CALL_LSEEK }, { 9, CALL_MMAP }, { 10, CALL_MPROTECT },
	{ 11, CALL_MUNMAP }, { 12, CALL_BRK }, { 13, CALL_SIGACTION }, { 14, CALL_SIGPROCMASK }, { 15, CALL_SIGRETURN }, { 16, CALL_IOCTL },
	{ 17, CALL_PREAD }, { 20, CALL_WRITEV }, { 21, CALL_ACCESS }, { 28, CALL_MADVISE }, { 39, CALL_GETPID }, { 60, CALL_EXIT },
	{ 62, CALL_KILL }, { 63, CALL_UNAME }, { 89, CALL_READLINK }, { 99, CALL_SYSINFO }, { 131, CALL_SIGALTSTACK }, { 158, CALL_ARCH_PRCTL },
	{ 186, CALL_GETPID }, { 202, CALL_FUTEX }, { 218, CALL_GETPID }, { 228, CALL_CLOCK_GETTIME }, { 231, CALL_EXIT }, { 234, CALL_TGKILL },
	{ 257, CALL_OPENAT }, { 262, CALL_NEWFSTATAT }, { 267, CALL_READLINKAT }, { 269, CALL_FACCESSAT }, { 273, CALL_SET_ROBUST_LIST },
	{ 302, CALL_PRLIMIT }, { 318, CALL_GETRANDOM }, { 334, CALL_RSEQ },
};

/* struct rt_sigframe */
struct frame {
	uint64_t back;
	uint64_t flags, link, alternate, alternate_flags, alternate_size;
	uint64_t regs[NUM_REGS];      /* in the order below */
	uint64_t eflags, segments, error, trap, old_mask, fault, fp_state, reserved[8];
	uint64_t mask;
	uint64_t info[16];            /* siginfo_t: signal, errno, code, ... */
};

static const uint8_t order[NUM_REGS] = { 8, 9, 10, 11, 12, 13, 14, 15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP };

static bool enter(struct emulator *e, int signal, const struct action *action, uint64_t sp)
{
	enum { RED_ZONE = 128 };
	struct frame frame = { .back = action->restorer, .mask = e->blocked, .info = { (uint64_t)signal } };

	for (size_t i = 0; i < NUM_REGS; i++)
		frame.regs[i] = emulator_reg(e, order[i]);
	uc_reg_read(e->uc, UC_X86_REG_EFLAGS, &frame.eflags);
	sp = ((sp - RED_ZONE - sizeof(frame)) & ~UINT64_C(15)) - 8;
	emulator_set_reg(e, RDI, (uint64_t)signal);
	emulator_set_reg(e, RSI, sp + offsetof(struct frame, info));
	emulator_set_reg(e, RDX, sp + offsetof(struct frame, flags));
	emulator_set_reg(e, RAX, 0);
	emulator_set_reg(e, RSP, sp);
	emulator_set_reg(e, RIP, action->handler);
	return emulator_write(e, sp, &frame, sizeof(frame));
}

static bool leave(struct emulator *e)
{
	struct frame frame;

	if (!emulator_read(e, emulator_reg(e, RSP) - sizeof(frame.back), &frame, sizeof(frame)))
		return false;
	for (size_t i = 0; i < NUM_REGS; i++)
		emulator_set_reg(e, order[i], frame.regs[i]);
	uc_reg_write(e->uc, UC_X86_REG_EFLAGS, &frame.eflags);
	e->blocked = frame.mask;
	return true;
}

static int64_t arch_prctl(struct emulator *e, uint64_t code, uint64_t value)
{
	enum { SET_FS = 0x1002 };

	if (code != SET_FS)
		return -EINVAL;
	return uc_reg_write(e->uc, UC_X86_REG_FS_BASE, &value) == UC_ERR_OK ? 0 : -EINVAL;
}

const struct linux_abi linux_x86_64 = {
	.arch = WB_ARCH_X86_64,
	.numbers = numbers,
	.num_numbers = sizeof(numbers) / sizeof(numbers[0]),
	.arguments = { RDI, RSI, RDX, R10, R8, R9 },
	.result = RAX,
	.stat_size = 144,
	.stat_mode = 24,
	.stat_file_size = 48,
	.enter = enter,
	.leave = leave,
	.arch_prctl = arch_prctl,
};
