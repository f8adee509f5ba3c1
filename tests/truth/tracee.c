/* SPDX-License-Identifier: MIT */
/* A traced process by ptrace and /proc. */
#include "tracee.h"

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

enum { INSTRUCTION_MAX = 16 };

static void child(char *const *arguments)
{
	char locale[] = "LC_ALL=C", *const environment[] = { locale, NULL };
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

static bool wait_stop(struct tracee *t)
{
	while (waitpid(t->pid, &t->status, 0) < 0)
		if (errno != EINTR)
			return false;
	t->has_ended = !WIFSTOPPED(t->status);
	return !t->has_ended;
}

static uint64_t entry_of(struct tracee *t)
{
	char name[64];
	Elf64_auxv_t entry;
	uint64_t found = 0;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/auxv", (int)t->pid);
	file = fopen(name, "rb");
	while (file && fread(&entry, sizeof(entry), 1, file) == 1)
		if (entry.a_type == AT_ENTRY)
			found = entry.a_un.a_val;
	if (file)
		fclose(file);
	return found;
}

int tracee_start(struct tracee *t, char *const *arguments, bool from_entry)
{
	char name[64];

	*t = (struct tracee){ .memory = -1, .is_stale = true };
	t->pid = fork();
	if (t->pid < 0)
		return -1;
	if (!t->pid)
		child(arguments);
	if (!wait_stop(t)) {
		errno = WIFEXITED(t->status) && WEXITSTATUS(t->status) == 126 ? EPERM : ENOENT;
		return -1;
	}
	ptrace(PTRACE_SETOPTIONS, t->pid, NULL, (void *)(uintptr_t)PTRACE_O_EXITKILL);
	snprintf(name, sizeof(name), "/proc/%d/mem", (int)t->pid);
	t->memory = open(name, O_RDWR | O_CLOEXEC);
	if (t->memory < 0)
		return -1;
	if (from_entry) {
		uint64_t entry = entry_of(t);

		if (!entry || tracee_run_to(t, entry, 0) != MOVED_STEP) {
			errno = ENOEXEC;
			return -1;
		}
	}
	return 0;
}

static void drop_ranges(struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(ranges[i].path);
		free(ranges[i].code);
	}
	free(ranges);
}

void tracee_deinit(struct tracee *t)
{
	if (t->pid > 0 && !t->has_ended) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, &t->status, 0);
	}
	if (t->memory >= 0)
		close(t->memory);
	drop_ranges(t->ranges, t->num_ranges);
}

void tracee_regs(struct tracee *t, uint64_t regs[NUM_REGS])
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, t->pid, NULL, &r))
		return;
	uint64_t all[NUM_REGS] = { r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9,
	                           r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rip };
	memcpy(regs, all, sizeof(all));
}

static enum moved go(struct tracee *t, int request)
{
	int sent = t->signal;

	t->signal = 0;
	if (ptrace(request, t->pid, NULL, (void *)(intptr_t)sent) || !wait_stop(t)) {
		t->has_ended = true;
		return MOVED_END;
	}
	if (WSTOPSIG(t->status) == SIGTRAP)
		return MOVED_STEP;
	t->signal = WSTOPSIG(t->status);
	return MOVED_SIGNAL;
}

enum moved tracee_step(struct tracee *t)
{
	return go(t, PTRACE_SINGLESTEP);
}

static bool write_byte(struct tracee *t, uint64_t address, uint8_t byte)
{
	return pwrite(t->memory, &byte, 1, (off_t)address) == 1;
}

static void set_pc(struct tracee *t, uint64_t pc)
{
	struct user_regs_struct r;

	if (!ptrace(PTRACE_GETREGS, t->pid, NULL, &r)) {
		r.rip = pc;
		ptrace(PTRACE_SETREGS, t->pid, NULL, &r);
	}
}

enum moved tracee_run_to(struct tracee *t, uint64_t address, uint64_t sp)
{
	static const uint8_t breakpoint = 0xcc;
	uint64_t regs[NUM_REGS] = { 0 };
	enum moved moved = MOVED_END;
	uint8_t byte;

	if (!tracee_read(t, address, &byte, 1))
		return MOVED_END;
	for (;;) {
		if (!write_byte(t, address, breakpoint))
			return MOVED_END;
		moved = go(t, PTRACE_CONT);
		if (moved == MOVED_END)
			return moved;
		write_byte(t, address, byte);
		tracee_regs(t, regs);
		if (moved != MOVED_STEP || regs[RIP] != address + 1)
			return moved;
		set_pc(t, address);
		if (!sp || regs[RSP] == sp)
			return moved;
		/* The same return address of a deeper call. */
		moved = tracee_step(t);
		if (moved != MOVED_STEP)
			return moved;
	}
}

bool tracee_read(struct tracee *t, uint64_t address, void *buffer, size_t size)
{
	return pread(t->memory, buffer, size, (off_t)address) == (ssize_t)size;
}

static void add_line(struct tracee *t, const char *line)
{
	char prot[5] = "";
	int path = 0;
	struct range range = { 0 };

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &range.start, &range.end, prot, &range.file_offset, &path) < 4)
		return;
	range.prot = (prot[0] == 'r' ? 1u : 0) | (prot[1] == 'w' ? 2u : 0) | (prot[2] == 'x' ? 4u : 0);
	range.path = strdup(path ? line + path : "");
	range.path[strcspn(range.path, "\n")] = 0;
	t->ranges = realloc(t->ranges, (t->num_ranges + 1) * sizeof(range));
	t->ranges[t->num_ranges++] = range;
}

static bool is_same(const struct range *a, const struct range *b)
{
	return a->start == b->start && a->end == b->end && a->file_offset == b->file_offset && a->prot == b->prot && !strcmp(a->path, b->path);
}

/* Moves the code that was read to the ranges that are still there. Whether all are. */
static bool keep_code(struct tracee *t, struct range *old, size_t count)
{
	bool same = count == t->num_ranges;

	for (size_t i = 0, j = 0; i < t->num_ranges; i++) {
		while (j < count && old[j].start < t->ranges[i].start)
			j++;
		if (j < count && is_same(&old[j], &t->ranges[i])) {
			t->ranges[i].code = old[j].code;
			old[j].code = NULL;
		} else {
			same = false;
		}
	}
	return same;
}

void tracee_refresh(struct tracee *t)
{
	struct range *old = t->ranges;
	size_t count = t->num_ranges;
	char name[64], line[4096];
	FILE *file;

	if (!t->is_stale)
		return;
	t->is_stale = false;
	t->ranges = NULL;
	t->num_ranges = t->last = 0;
	snprintf(name, sizeof(name), "/proc/%d/maps", (int)t->pid);
	file = fopen(name, "r");
	while (file && fgets(line, sizeof(line), file))
		add_line(t, line);
	if (file)
		fclose(file);
	t->generation += !keep_code(t, old, count);
	drop_ranges(old, count);
}

const struct range *tracee_range(struct tracee *t, uint64_t address)
{
	size_t low = 0, high = t->num_ranges;

	if (t->last < t->num_ranges && address >= t->ranges[t->last].start && address < t->ranges[t->last].end)
		return &t->ranges[t->last];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->ranges[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == t->num_ranges || t->ranges[low].start > address)
		return NULL;
	t->last = low;
	return &t->ranges[low];
}

size_t tracee_code(struct tracee *t, uint64_t address, const uint8_t **ret_bytes)
{
	struct range *range = (struct range *)(uintptr_t)tracee_range(t, address);
	size_t left;

	if (!range || !(range->prot & 4))
		return 0;
	left = (size_t)(range->end - range->start);
	if (!range->code) {
		range->code = malloc(left);
		if (!range->code || !tracee_read(t, range->start, range->code, left)) {
			free(range->code);
			range->code = NULL;
			return 0;
		}
	}
	*ret_bytes = range->code + (address - range->start);
	left = (size_t)(range->end - address);
	return left < INSTRUCTION_MAX ? left : INSTRUCTION_MAX;
}
