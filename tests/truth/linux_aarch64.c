/* SPDX-License-Identifier: MIT */
/* 64-bit Arm: numbers of include/uapi/asm-generic/unistd.h, the signal frame of arch/arm64/kernel/signal.c and uapi/asm/sigcontext.h. */
#include "linux.h"

#include <elf.h>
#include <string.h>

enum { X0, X1, X2, X8 = 8, X29 = 29, X30, SP, PC, NUM_SAVED };

static const struct linux_number numbers[] = {
	{ 29, CALL_IOCTL }, { 48, CALL_FACCESSAT }, { 56, CALL_OPENAT }, { 57, CALL_CLOSE }, { 62, CALL_LSEEK }, { 63, CALL_READ },
	{ 64, CALL_WRITE }, { 66, CALL_WRITEV }, { 67, CALL_PREAD }, { 78, CALL_READLINKAT }, { 79, CALL_NEWFSTATAT }, { 80, CALL_FSTAT },
	{ 93, CALL_EXIT }, { 94, CALL_EXIT }, { 96, CALL_GETPID }, { 98, CALL_FUTEX }, { 99, CALL_SET_ROBUST_LIST }, { 113, CALL_CLOCK_GETTIME },
	{ 129, CALL_KILL }, { 131, CALL_TGKILL }, { 132, CALL_SIGALTSTACK }, { 134, CALL_SIGACTION }, { 135, CALL_SIGPROCMASK },
	{ 139, CALL_SIGRETURN }, { 160, CALL_UNAME }, { 172, CALL_GETPID }, { 178, CALL_GETPID }, { 179, CALL_SYSINFO }, { 214, CALL_BRK },
	{ 215, CALL_MUNMAP }, { 222, CALL_MMAP }, { 226, CALL_MPROTECT }, { 233, CALL_MADVISE }, { 261, CALL_PRLIMIT }, { 278, CALL_GETRANDOM },
	{ 293, CALL_RSEQ },
};

/* struct rt_sigframe */
struct frame {
	uint64_t info[16];            /* siginfo_t: signal, errno, code, ... */
	uint64_t flags, link, alternate, alternate_flags, alternate_size;
	uint64_t mask, unused[15], padding;
	uint64_t fault;
	uint64_t regs[NUM_SAVED];
	uint64_t state, padding2;
	uint64_t records[512];        /* vector registers and more; the first, all zeros, ends them */
};
/* And the frame record above it, by which a chain of frame pointers goes on. */
struct record { uint64_t fp, link; };

/* What handlers return to, in an image that is in no file, as the kernel has it: nop; mov x8, #139; svc #0. */
static const uint32_t back_code[] = { 0xd503201f, 0xd2801168, 0xd4000001 };
enum { BACK_AT = 0x100 };
static const uint64_t vdso = UINT64_C(0x7fe000000000), back = UINT64_C(0x7fe000000000) + BACK_AT + 4;

static bool map_vdso(struct emulator *e)
{
	const Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_DYN, .e_machine = EM_AARCH64,
		.e_version = EV_CURRENT, .e_phoff = sizeof(header), .e_ehsize = sizeof(header), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1,
	};
	const Elf64_Phdr segment = { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = EMULATOR_PAGE, .p_memsz = EMULATOR_PAGE,
	                             .p_align = EMULATOR_PAGE };
	uint32_t word;

	if (emulator_read(e, vdso, &word, sizeof(word)))
		return true;
	return emulator_map(e, vdso, EMULATOR_PAGE, 5, "[vdso]", 0) && emulator_write(e, vdso, &header, sizeof(header)) &&
	       emulator_write(e, vdso + sizeof(header), &segment, sizeof(segment)) &&
	       emulator_write(e, vdso + BACK_AT, back_code, sizeof(back_code));
}

static bool enter(struct emulator *e, int signal, const struct action *action, uint64_t sp)
{
	struct frame frame = { .mask = e->blocked, .info = { (uint64_t)signal } };
	struct record record;

	for (uint8_t i = 0; i < NUM_SAVED; i++)
		frame.regs[i] = emulator_reg(e, i);
	uc_reg_read(e->uc, UC_ARM64_REG_PSTATE, &frame.state);
	record = (struct record){ frame.regs[X29], frame.regs[X30] };
	sp = (sp - sizeof(record)) & ~UINT64_C(15);
	if (!map_vdso(e) || !emulator_write(e, sp, &record, sizeof(record)))
		return false;
	emulator_set_reg(e, X29, sp);
	sp = (sp - sizeof(frame)) & ~UINT64_C(15);
	emulator_set_reg(e, X0, (uint64_t)signal);
	emulator_set_reg(e, X1, sp);
	emulator_set_reg(e, X2, sp + offsetof(struct frame, flags));
	emulator_set_reg(e, X30, back);
	emulator_set_reg(e, SP, sp);
	emulator_set_reg(e, PC, action->handler);
	return emulator_write(e, sp, &frame, sizeof(frame));
}

static bool leave(struct emulator *e)
{
	struct frame frame;

	if (!emulator_read(e, emulator_reg(e, SP), &frame, sizeof(frame)))
		return false;
	for (uint8_t i = 0; i < NUM_SAVED; i++)
		emulator_set_reg(e, i, frame.regs[i]);
	uc_reg_write(e->uc, UC_ARM64_REG_PSTATE, &frame.state);
	e->blocked = frame.mask;
	return true;
}

const struct linux_abi linux_aarch64 = {
	.arch = WB_ARCH_AARCH64,
	.numbers = numbers,
	.num_numbers = sizeof(numbers) / sizeof(numbers[0]),
	.arguments = { X0, X1, X2, X2 + 1, X2 + 2, X2 + 3 },
	.result = X0,
	.stat_size = 128,
	.stat_mode = 16,
	.stat_file_size = 48,
	.enter = enter,
	.leave = leave,
};
