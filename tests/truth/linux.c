/* SPDX-License-Identifier: MIT */
/* System calls by what they do. Kernel structs: include/uapi/asm-generic. Failures are negative errno, as the kernel returns them. */
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { CHUNK = 65536, SA_ON_ALTERNATE = 0x08000000, SA_NO_DEFER = 0x40000000 };

const struct linux_abi *linux_abi_of(enum wb_arch arch)
{
	static const struct linux_abi *const abis[] = { &linux_aarch64, &linux_x86_64 };

	for (size_t i = 0; i < sizeof(abis) / sizeof(abis[0]); i++)
		if (abis[i]->arch == arch)
			return abis[i];
	return NULL;
}

/* ---- Memory ---- */

static int64_t do_brk(struct emulator *e, uint64_t end)
{
	uint64_t old = emulator_page_up(e->brk), new = emulator_page_up(end);

	if (end < e->brk_start || end - e->brk_start > UINT64_C(1) << 30)
		return (int64_t)e->brk;
	if (new > old && !emulator_map(e, old, new - old, 3, "[heap]", 0))
		return (int64_t)e->brk;
	e->brk = end;
	return (int64_t)end;
}

static bool copy_file(struct emulator *e, int file, uint64_t offset, uint64_t address, uint64_t size)
{
	static uint8_t bytes[CHUNK];

	for (uint64_t done = 0; done < size;) {
		ssize_t got = pread(file, bytes, size - done < CHUNK ? size - done : CHUNK, (off_t)(offset + done));

		if (got <= 0)
			return got == 0;
		if (!emulator_write(e, address + done, bytes, (size_t)got))
			return false;
		done += (uint64_t)got;
	}
	return true;
}

static int host_file(const struct emulator *e, uint64_t file)
{
	return file < EMULATOR_FILES ? e->files[file] : -1;
}

static int64_t do_mmap(struct emulator *e, const uint64_t *a)
{
	uint64_t size = emulator_page_up(a[1]), start = a[3] & MAP_FIXED ? a[0] : emulator_find_free(e, size);
	bool anonymous = a[3] & MAP_ANONYMOUS;

	if (!size || start & (EMULATOR_PAGE - 1))
		return -EINVAL;
	if (!anonymous && host_file(e, a[4]) < 0)
		return -EBADF;
	if (!emulator_map(e, start, size, (unsigned)a[2] & 7, anonymous ? "" : e->paths[a[4]], anonymous ? 0 : a[5]))
		return -ENOMEM;
	if (!anonymous && !copy_file(e, host_file(e, a[4]), a[5], start, size))
		return -EIO;
	return (int64_t)start;
}

/* ---- Files ---- */

static int64_t do_open(struct emulator *e, uint64_t address, uint64_t flags)
{
	char path[4096];
	size_t number = 3;

	if (!emulator_string(e, address, path, sizeof(path)))
		return -EFAULT;
	if ((flags & O_ACCMODE) != O_RDONLY)
		return -EACCES;
	while (number < EMULATOR_FILES && e->files[number] >= 0)
		number++;
	if (number == EMULATOR_FILES)
		return -EMFILE;
	e->files[number] = open(emulator_path(e, path), O_RDONLY | O_CLOEXEC);
	if (e->files[number] < 0)
		return -errno;
	free(e->paths[number]);
	e->paths[number] = realpath(emulator_path(e, path), NULL);
	return (int64_t)number;
}

static int64_t do_close(struct emulator *e, uint64_t file)
{
	if (host_file(e, file) < 0)
		return -EBADF;
	close(e->files[file]);
	e->files[file] = -1;
	return 0;
}

/* offset UINT64_MAX: from where the file stands. */
static int64_t do_read(struct emulator *e, const uint64_t *a, uint64_t offset)
{
	static uint8_t bytes[CHUNK];
	int file = host_file(e, a[0]);
	size_t size = a[2] < CHUNK ? (size_t)a[2] : CHUNK;
	ssize_t got;

	if (file < 0)
		return -EBADF;
	got = offset == UINT64_MAX ? read(file, bytes, size) : pread(file, bytes, size, (off_t)offset);
	if (got < 0)
		return -errno;
	return emulator_write(e, a[1], bytes, (size_t)got) ? got : -EFAULT;
}

/* Standard error tells why programs give up. */
static int64_t do_write(struct emulator *e, uint64_t file, uint64_t address, uint64_t size)
{
	char text[512];
	size_t count = size < sizeof(text) ? (size_t)size : sizeof(text);

	if (file == 2 && emulator_read(e, address, text, count))
		fwrite(text, 1, count, stderr);
	return (int64_t)size;
}

static int64_t do_writev(struct emulator *e, uint64_t file, uint64_t vectors, uint64_t count)
{
	int64_t total = 0;

	for (uint64_t i = 0; i < count; i++) {
		uint64_t vector[2];

		if (!emulator_read(e, vectors + i * sizeof(vector), vector, sizeof(vector)))
			return -EFAULT;
		total += do_write(e, file, vector[0], vector[1]);
	}
	return total;
}

static int64_t give_stat(struct emulator *e, const struct stat *found, uint64_t address)
{
	uint8_t bytes[256] = { 0 };
	uint64_t device = found->st_dev, inode = found->st_ino, size = (uint64_t)found->st_size;
	uint32_t mode = found->st_mode;

	memcpy(bytes, &device, sizeof(device));
	memcpy(bytes + 8, &inode, sizeof(inode));
	memcpy(bytes + e->linux_abi->stat_mode, &mode, sizeof(mode));
	memcpy(bytes + e->linux_abi->stat_file_size, &size, sizeof(size));
	return emulator_write(e, address, bytes, e->linux_abi->stat_size) ? 0 : -EFAULT;
}

static int64_t do_fstat(struct emulator *e, uint64_t file, uint64_t address)
{
	struct stat found;

	if (host_file(e, file) < 0 || fstat(e->files[file], &found))
		return -EBADF;
	return give_stat(e, &found, address);
}

static int64_t do_stat(struct emulator *e, const uint64_t *a)
{
	struct stat found;
	char path[4096];

	if (!emulator_string(e, a[1], path, sizeof(path)))
		return -EFAULT;
	if (!path[0])
		return do_fstat(e, a[0], a[2]);
	return stat(emulator_path(e, path), &found) ? -errno : give_stat(e, &found, a[2]);
}

static int64_t do_access(struct emulator *e, uint64_t address)
{
	char path[4096];

	if (!emulator_string(e, address, path, sizeof(path)))
		return -EFAULT;
	return access(emulator_path(e, path), R_OK) ? -errno : 0;
}

static int64_t do_readlink(struct emulator *e, uint64_t address, uint64_t buffer, uint64_t size)
{
	char path[4096];
	size_t length = strlen(e->program);

	if (!emulator_string(e, address, path, sizeof(path)))
		return -EFAULT;
	if (strcmp(path, "/proc/self/exe") != 0)
		return -ENOENT;
	length = length < size ? length : (size_t)size;
	return emulator_write(e, buffer, e->program, length) ? (int64_t)length : -EFAULT;
}

/* ---- Signals ---- */

static int64_t do_sigaction(struct emulator *e, uint64_t signal, uint64_t new, uint64_t old)
{
	struct action action;

	if (!signal || signal >= EMULATOR_SIGNALS)
		return -EINVAL;
	if (old && !emulator_write(e, old, &e->actions[signal], sizeof(action)))
		return -EFAULT;
	if (new && !emulator_read(e, new, &action, sizeof(action)))
		return -EFAULT;
	if (new)
		e->actions[signal] = action;
	return 0;
}

static int64_t do_sigprocmask(struct emulator *e, const uint64_t *a)
{
	uint64_t set = 0;

	if (a[2] && !emulator_write(e, a[2], &e->blocked, sizeof(e->blocked)))
		return -EFAULT;
	if (!a[1])
		return 0;
	if (!emulator_read(e, a[1], &set, sizeof(set)))
		return -EFAULT;
	switch (a[0]) {
	case SIG_BLOCK: e->blocked |= set; return 0;
	case SIG_UNBLOCK: e->blocked &= ~set; return 0;
	case SIG_SETMASK: e->blocked = set; return 0;
	default: return -EINVAL;
	}
}

static int64_t do_sigaltstack(struct emulator *e, uint64_t new, uint64_t old)
{
	struct { uint64_t sp; uint32_t flags, padding; uint64_t size; } stack = { e->alternate, e->alternate ? 0 : 2, 0, e->alternate_size };

	if (old && !emulator_write(e, old, &stack, sizeof(stack)))
		return -EFAULT;
	if (!new)
		return 0;
	if (!emulator_read(e, new, &stack, sizeof(stack)))
		return -EFAULT;
	e->alternate = stack.sp;
	e->alternate_size = stack.size;
	return 0;
}

static int64_t do_kill(struct emulator *e, uint64_t signal)
{
	if (signal >= EMULATOR_SIGNALS)
		return -EINVAL;
	if (signal)
		e->pending |= UINT64_C(1) << (signal - 1);
	return 0;
}

static bool is_ignored(int signal)
{
	return signal == SIGCHLD || signal == SIGURG || signal == SIGWINCH || signal == SIGCONT;
}

void linux_signal(struct emulator *e, int signal)
{
	const struct action *action = &e->actions[signal];
	uint64_t sp = emulator_reg(e, e->machine->target->sp);
	uint64_t mask = e->blocked;

	if (action->handler == 1 || (!action->handler && is_ignored(signal)))
		return;
	if (!action->handler) {
		emulator_end(e, signal);
		return;
	}
	if (action->flags & SA_ON_ALTERNATE && e->alternate_size && sp - e->alternate >= e->alternate_size)
		sp = e->alternate + e->alternate_size;
	if (!e->linux_abi->enter(e, signal, action, sp)) {
		fprintf(stderr, "truth: no room for the frame of signal %d\n", signal);
		emulator_end(e, SIGSEGV);
		return;
	}
	e->blocked = mask | action->mask | (action->flags & SA_NO_DEFER ? 0 : UINT64_C(1) << (signal - 1));
}

/* ---- The rest ---- */

static int64_t do_uname(struct emulator *e, uint64_t address)
{
	struct utsname name = { .sysname = "Linux", .nodename = "truth", .release = "6.1.0", .version = "1" };

	snprintf(name.machine, sizeof(name.machine), "%s", e->machine->target->name);
	return emulator_write(e, address, &name, sizeof(name)) ? 0 : -EFAULT;
}

static int64_t do_clock(struct emulator *e, uint64_t address)
{
	const uint64_t time[2] = { 86400, 0 };

	return emulator_write(e, address, time, sizeof(time)) ? 0 : -EFAULT;
}

/* struct sysinfo: uptime, 3 loads, total and free memory, ...; the unit of memory at 104. */
static int64_t do_sysinfo(struct emulator *e, uint64_t address)
{
	uint64_t info[14] = { [4] = UINT64_C(1) << 30, [5] = UINT64_C(1) << 30, [13] = 1 };

	return emulator_write(e, address, info, sizeof(info)) ? 0 : -EFAULT;
}

static int64_t do_random(struct emulator *e, uint64_t address, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(i * 37 + 11);

		if (!emulator_write(e, address + i, &byte, 1))
			return -EFAULT;
	}
	return (int64_t)size;
}

static int64_t do_prlimit(struct emulator *e, uint64_t address)
{
	const uint64_t limit[2] = { 8 << 20, UINT64_MAX };

	return !address || emulator_write(e, address, limit, sizeof(limit)) ? 0 : -EFAULT;
}

static int64_t answer(struct emulator *e, enum system_call call, const uint64_t *a)
{
	switch (call) {
	case CALL_ACCESS: return do_access(e, a[0]);
	case CALL_ARCH_PRCTL: return e->linux_abi->arch_prctl(e, a[0], a[1]);
	case CALL_BRK: return do_brk(e, a[0]);
	case CALL_CLOCK_GETTIME: return do_clock(e, a[1]);
	case CALL_CLOSE: return do_close(e, a[0]);
	case CALL_EXIT: emulator_end(e, (int)(a[0] & 0xff) << 8); return 0;
	case CALL_FACCESSAT: return do_access(e, a[1]);
	case CALL_FSTAT: return do_fstat(e, a[0], a[1]);
	case CALL_FUTEX: return 0;
	case CALL_GETPID: return e->machine->pid;
	case CALL_GETRANDOM: return do_random(e, a[0], a[1]);
	case CALL_IOCTL: return -ENOTTY;
	case CALL_KILL: return do_kill(e, a[1]);
	case CALL_LSEEK: return -ESPIPE;
	case CALL_MADVISE: return 0;
	case CALL_MMAP: return do_mmap(e, a);
	case CALL_MPROTECT: emulator_protect(e, a[0], emulator_page_up(a[1]), (unsigned)a[2] & 7); return 0;
	case CALL_MUNMAP: emulator_unmap(e, a[0], emulator_page_up(a[1])); return 0;
	case CALL_NEWFSTATAT: return do_stat(e, a);
	case CALL_OPENAT: return do_open(e, a[1], a[2]);
	case CALL_PREAD: return do_read(e, a, a[3]);
	case CALL_PRLIMIT: return do_prlimit(e, a[3]);
	case CALL_READ: return do_read(e, a, UINT64_MAX);
	case CALL_READLINK: return do_readlink(e, a[0], a[1], a[2]);
	case CALL_READLINKAT: return do_readlink(e, a[1], a[2], a[3]);
	case CALL_RSEQ: return -ENOSYS;
	case CALL_SET_ROBUST_LIST: return 0;
	case CALL_SIGACTION: return do_sigaction(e, a[0], a[1], a[2]);
	case CALL_SIGALTSTACK: return do_sigaltstack(e, a[0], a[1]);
	case CALL_SIGPROCMASK: return do_sigprocmask(e, a);
	case CALL_SIGRETURN: break;
	case CALL_SYSINFO: return do_sysinfo(e, a[0]);
	case CALL_TGKILL: return do_kill(e, a[2]);
	case CALL_UNAME: return do_uname(e, a[0]);
	case CALL_WRITE: return do_write(e, a[0], a[1], a[2]);
	case CALL_WRITEV: return do_writev(e, a[0], a[1], a[2]);
	}
	return -ENOSYS;
}

void linux_call(struct emulator *e)
{
	const struct linux_abi *abi = e->linux_abi;
	uint64_t number = emulator_reg(e, e->machine->target->number), arguments[6];
	size_t i = 0;

	while (i < abi->num_numbers && abi->numbers[i].number != number)
		i++;
	for (size_t j = 0; j < 6; j++)
		arguments[j] = emulator_reg(e, abi->arguments[j]);
	if (i == abi->num_numbers) {
		fprintf(stderr, "truth: system call %llu is not emulated\n", (unsigned long long)number);
		emulator_set_reg(e, abi->result, (uint64_t)-ENOSYS);
		return;
	}
	if (abi->numbers[i].call == CALL_SIGRETURN) {
		if (!abi->leave(e))
			emulator_end(e, SIGSEGV);
		return;
	}
	emulator_set_reg(e, abi->result, (uint64_t)answer(e, (enum system_call)abi->numbers[i].call, arguments));
}
