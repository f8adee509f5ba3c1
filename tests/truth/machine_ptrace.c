/* SPDX-License-Identifier: MIT */
/* A traced process by ptrace and /proc: Linux on x86-64. */
#include "machine.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

struct tracee {
	pid_t pid;
	int memory;                   /* /proc/PID/mem */
};

static void child(char *const *arguments)
{
	/* Go: what runs for 10 ms is sent a signal to yield, which here is every other instruction. */
	char locale[] = "LC_ALL=C", go[] = "GODEBUG=asyncpreemptoff=1", *const environment[] = { locale, go, NULL };
	int null = open("/dev/null", O_RDWR);

	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
	}
	personality(ADDR_NO_RANDOMIZE);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(126);
	execve(arguments[0], arguments, environment);
	_exit(127);
}

static bool wait_stop(struct machine *m)
{
	const struct tracee *t = m->self;

	while (waitpid(t->pid, &m->status, 0) < 0)
		if (errno != EINTR)
			return false;
	m->has_ended = !WIFSTOPPED(m->status);
	return !m->has_ended;
}

static void deinit(struct machine *m)
{
	struct tracee *t = m->self;

	if (t->pid > 0 && !m->has_ended) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, &m->status, 0);
	}
	if (t->memory >= 0)
		close(t->memory);
	free(t);
}

/* In the order of DWARF numbers (AMD64 psABI, figure 3.36), then the pc, as target_x86_64 has them. */
static void get_regs(struct machine *m, uint64_t regs[REGS_MAX])
{
	const struct tracee *t = m->self;
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, t->pid, NULL, &r))
		return;
	uint64_t all[] = { r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9,
	                   r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rip };
	memcpy(regs, all, sizeof(all));
}

static enum moved go(struct machine *m, int request)
{
	const struct tracee *t = m->self;
	int sent = m->signal;

	m->signal = 0;
	if (ptrace(request, t->pid, NULL, (void *)(intptr_t)sent) || !wait_stop(m)) {
		m->has_ended = true;
		return MOVED_END;
	}
	if (WSTOPSIG(m->status) == SIGTRAP)
		return MOVED_STEP;
	m->signal = WSTOPSIG(m->status);
	return MOVED_SIGNAL;
}

static enum moved step(struct machine *m)
{
	return go(m, PTRACE_SINGLESTEP);
}

static bool read_memory(struct machine *m, uint64_t address, void *buffer, size_t size)
{
	const struct tracee *t = m->self;

	return pread(t->memory, buffer, size, (off_t)address) == (ssize_t)size;
}

static bool write_byte(struct machine *m, uint64_t address, uint8_t byte)
{
	const struct tracee *t = m->self;

	return pwrite(t->memory, &byte, 1, (off_t)address) == 1;
}

static void set_pc(struct machine *m, uint64_t pc)
{
	const struct tracee *t = m->self;
	struct user_regs_struct r;

	if (!ptrace(PTRACE_GETREGS, t->pid, NULL, &r)) {
		r.rip = pc;
		ptrace(PTRACE_SETREGS, t->pid, NULL, &r);
	}
}

static enum moved run_to(struct machine *m, uint64_t address, uint64_t sp)
{
	static const uint8_t breakpoint = 0xcc;
	uint64_t regs[REGS_MAX] = { 0 };
	enum moved moved = MOVED_END;
	uint8_t byte;

	if (!read_memory(m, address, &byte, 1))
		return MOVED_END;
	for (;;) {
		if (!write_byte(m, address, breakpoint))
			return MOVED_END;
		moved = go(m, PTRACE_CONT);
		if (moved == MOVED_END)
			return moved;
		write_byte(m, address, byte);
		get_regs(m, regs);
		if (moved != MOVED_STEP || regs[m->target->pc] != address + 1)
			return moved;
		set_pc(m, address);
		if (!sp || regs[m->target->sp] == sp)
			return moved;
		/* The same return address of a deeper call. */
		moved = step(m);
		if (moved != MOVED_STEP)
			return moved;
	}
}

static void add_line(struct machine *m, const char *line)
{
	char prot[5] = "";
	int path = 0;
	struct range range = { 0 };

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &range.start, &range.end, prot, &range.file_offset, &path) < 4)
		return;
	range.prot = (prot[0] == 'r' ? 1u : 0) | (prot[1] == 'w' ? 2u : 0) | (prot[2] == 'x' ? 4u : 0);
	machine_add_range(m, range, path ? line + path : "");
}

static void list(struct machine *m)
{
	char name[64], line[4096];
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/maps", m->pid);
	file = fopen(name, "r");
	while (file && fgets(line, sizeof(line), file))
		add_line(m, line);
	if (file)
		fclose(file);
}

static uint64_t entry_of(const struct machine *m)
{
	char name[64];
	Elf64_auxv_t entry;
	uint64_t found = 0;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/auxv", m->pid);
	file = fopen(name, "rb");
	while (file && fread(&entry, sizeof(entry), 1, file) == 1)
		if (entry.a_type == AT_ENTRY)
			found = entry.a_un.a_val;
	if (file)
		fclose(file);
	return found;
}

static const struct machine_ops ops = { deinit, get_regs, step, run_to, read_memory, list };

int machine_start_ptrace(struct machine *m, char *const *arguments, bool from_entry)
{
	struct tracee *t = calloc(1, sizeof(*t));
	char name[64];

	if (!t)
		return -1;
	*m = (struct machine){ .ops = &ops, .target = &target_x86_64, .self = t, .is_stale = true };
	t->memory = -1;
	t->pid = fork();
	if (t->pid < 0)
		return -1;
	if (!t->pid)
		child(arguments);
	m->pid = t->pid;
	if (!wait_stop(m)) {
		errno = WIFEXITED(m->status) && WEXITSTATUS(m->status) == 126 ? EPERM : ENOENT;
		return -1;
	}
	ptrace(PTRACE_SETOPTIONS, t->pid, NULL, (void *)(uintptr_t)PTRACE_O_EXITKILL);
	snprintf(name, sizeof(name), "/proc/%d/mem", (int)t->pid);
	t->memory = open(name, O_RDWR | O_CLOEXEC);
	if (t->memory < 0)
		return -1;
	if (from_entry) {
		uint64_t entry = entry_of(m);

		if (!entry || run_to(m, entry, 0) != MOVED_STEP) {
			errno = ENOEXEC;
			return -1;
		}
	}
	return 0;
}
