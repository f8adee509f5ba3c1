/* SPDX-License-Identifier: MIT */
/*
 * The system calls that the programs make, answered without a kernel: output is dropped, files can be read, signals that a process sends to itself and
 * those of faults are delivered. What is not known is refused with ENOSYS, and said once. An architecture has numbers and layouts of its own.
 */
#ifndef TRUTH_LINUX_H
#define TRUTH_LINUX_H

#include "emulator.h"

enum system_call {
	CALL_ARCH_PRCTL, CALL_BRK, CALL_CLOCK_GETTIME, CALL_CLOSE, CALL_EXIT, CALL_FACCESSAT, CALL_FSTAT, CALL_FUTEX, CALL_GETPID, CALL_GETRANDOM,
	CALL_IOCTL, CALL_KILL, CALL_LSEEK, CALL_MADVISE, CALL_MMAP, CALL_MPROTECT, CALL_MUNMAP, CALL_NEWFSTATAT, CALL_OPENAT, CALL_PREAD,
	CALL_PRLIMIT, CALL_READ, CALL_READLINKAT, CALL_RSEQ, CALL_SET_ROBUST_LIST, CALL_SIGACTION, CALL_SIGALTSTACK, CALL_SIGPROCMASK,
	CALL_SIGRETURN, CALL_SYSINFO, CALL_TGKILL, CALL_UNAME, CALL_WRITE, CALL_WRITEV,
	/* The same with a path and no folder in front. */
	CALL_ACCESS, CALL_READLINK,
};

struct linux_number { uint16_t number; uint8_t call; };

struct linux_abi {
	enum wb_arch arch;
	const struct linux_number *numbers;
	size_t num_numbers;
	uint8_t arguments[6], result; /* indices of registers */
	uint16_t stat_size, stat_mode, stat_file_size; /* struct stat */
	/* Puts the signal's frame on the stack below sp, and the program at the handler. */
	bool (*enter)(struct emulator *emulator, int signal, const struct action *action, uint64_t sp);
	/* rt_sigreturn */
	bool (*leave)(struct emulator *emulator);
	/* arch_prctl; NULL: there is none */
	int64_t (*arch_prctl)(struct emulator *emulator, uint64_t code, uint64_t value);
};
extern const struct linux_abi linux_aarch64, linux_x86_64;
/* NULL: none of these. */
const struct linux_abi *linux_abi_of(enum wb_arch arch);

/* The system call that the registers ask for. */
void linux_call(struct emulator *emulator);
/* Delivers a signal: to a handler, or by its default action. */
void linux_signal(struct emulator *emulator, int signal);

#endif
