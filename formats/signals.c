/* SPDX-License-Identifier: MIT */
/* Signals of Linux in words. Numbers are those of asm-generic, which all architectures here share. */
#include "formats/signals.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11, SIGSYS = 31,
	SI_USER = 0, SI_KERNEL = 0x80, SI_TKILL = -6, SI_QUEUE = -1,
};

struct word { int32_t number; const char *name, *meaning; };
struct cause { int32_t signal, code; const char *name, *meaning; };

static const struct word signals[] = {
	{ 1, "SIGHUP", "hangup" }, { 2, "SIGINT", "interrupt" }, { 3, "SIGQUIT", "quit" }, { SIGILL, "SIGILL", "illegal instruction" },
	{ SIGTRAP, "SIGTRAP", "trace or breakpoint trap" }, { 6, "SIGABRT", "aborted" }, { SIGBUS, "SIGBUS", "bus error" },
	{ SIGFPE, "SIGFPE", "arithmetic exception" }, { 9, "SIGKILL", "killed" }, { 10, "SIGUSR1", "user defined signal 1" },
	{ SIGSEGV, "SIGSEGV", "segmentation fault" }, { 12, "SIGUSR2", "user defined signal 2" }, { 13, "SIGPIPE", "broken pipe" },
	{ 14, "SIGALRM", "alarm clock" }, { 15, "SIGTERM", "terminated" }, { 16, "SIGSTKFLT", "stack fault" }, { 17, "SIGCHLD", "child exited" },
	{ 18, "SIGCONT", "continued" }, { 19, "SIGSTOP", "stopped" }, { 20, "SIGTSTP", "stopped from the terminal" },
	{ 24, "SIGXCPU", "CPU time limit exceeded" }, { 25, "SIGXFSZ", "file size limit exceeded" }, { SIGSYS, "SIGSYS", "bad system call" },
};

static const struct cause causes[] = {
	{ SIGILL, 1, "ILL_ILLOPC", "illegal opcode" }, { SIGILL, 2, "ILL_ILLOPN", "illegal operand" }, { SIGILL, 3, "ILL_ILLADR", "illegal addressing mode" },
	{ SIGILL, 4, "ILL_ILLTRP", "illegal trap" }, { SIGILL, 5, "ILL_PRVOPC", "privileged opcode" }, { SIGILL, 8, "ILL_BADSTK", "internal stack error" },
	{ SIGTRAP, 1, "TRAP_BRKPT", "breakpoint" }, { SIGTRAP, 2, "TRAP_TRACE", "trace trap" }, { SIGTRAP, 4, "TRAP_HWBKPT", "hardware breakpoint" },
	{ SIGBUS, 1, "BUS_ADRALN", "invalid address alignment" }, { SIGBUS, 2, "BUS_ADRERR", "nonexistent physical address" },
	{ SIGBUS, 3, "BUS_OBJERR", "hardware error" }, { SIGBUS, 4, "BUS_MCEERR_AR", "memory error" },
	{ SIGFPE, 1, "FPE_INTDIV", "integer divide by zero" }, { SIGFPE, 2, "FPE_INTOVF", "integer overflow" },
	{ SIGFPE, 3, "FPE_FLTDIV", "floating point divide by zero" }, { SIGFPE, 4, "FPE_FLTOVF", "floating point overflow" },
	{ SIGFPE, 5, "FPE_FLTUND", "floating point underflow" }, { SIGFPE, 6, "FPE_FLTRES", "floating point inexact result" },
	{ SIGFPE, 7, "FPE_FLTINV", "invalid floating point operation" },
	{ SIGSEGV, 1, "SEGV_MAPERR", "address not mapped" }, { SIGSEGV, 2, "SEGV_ACCERR", "no permission for the address" },
	{ SIGSEGV, 3, "SEGV_BNDERR", "bounds check" }, { SIGSEGV, 4, "SEGV_PKUERR", "protection key" }, { SIGSEGV, 8, "SEGV_MTEAERR", "memory tag, asynchronous" },
	{ SIGSEGV, 9, "SEGV_MTESERR", "memory tag" }, { SIGSEGV, 10, "SEGV_CPERR", "control protection: return address or branch target" },
	{ SIGSYS, 1, "SYS_SECCOMP", "seccomp" },
};

static const struct cause *find_cause(int32_t signal, int32_t code)
{
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (causes[i].signal == signal && causes[i].code == code)
			return &causes[i];
	return NULL;
}

const char *wb_signal_name(int32_t signal)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals[i].number == signal)
			return signals[i].name;
	return NULL;
}

const char *wb_signal_code_name(int32_t signal, int32_t code)
{
	const struct cause *cause = find_cause(signal, code);

	if (cause)
		return cause->name;
	return code == SI_KERNEL ? "SI_KERNEL" : code == SI_TKILL ? "SI_TKILL" : code == SI_QUEUE ? "SI_QUEUE" : NULL;
}

static int describe_signal(int32_t signal, char *text, size_t size)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals[i].number == signal)
			return snprintf(text, size, "%s (%s)", signals[i].name, signals[i].meaning);
	return snprintf(text, size, "signal %" PRId32, signal);
}

bool wb_signal_is_fatal(int32_t signal)
{
	enum { SIGCHLD = 17, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH = 28 };

	return signal && !(signal >= SIGCHLD && signal <= SIGURG) && signal != SIGWINCH;
}

/* Codes above 0 are the kernel's own (siginfo.h); general protection faults of x86 come as SI_KERNEL, and tell no address. */
bool wb_signal_has_address(int32_t signal, int32_t code)
{
	return code > 0 && code < SI_KERNEL &&
	       (signal == SIGILL || signal == SIGTRAP || signal == SIGBUS || signal == SIGFPE || signal == SIGSEGV);
}

void wb_signal_describe(int32_t signal, const int32_t *code, uint64_t address, uint32_t sender, char *text, size_t size)
{
	const struct cause *cause = code ? find_cause(signal, *code) : NULL;
	int used;

	text[0] = 0;
	used = signal ? describe_signal(signal, text, size) : 0;
	if (!signal || !code || used < 0 || (size_t)used >= size)
		return;
	text += used;
	size -= (size_t)used;
	if (cause) {
		used = snprintf(text, size, ", %s (%s)", cause->name, cause->meaning);
		if (used > 0 && (size_t)used < size && wb_signal_has_address(signal, *code))
			snprintf(text + used, size - (size_t)used, " at 0x%" PRIx64, address);
	} else if (*code == SI_KERNEL) {
		snprintf(text, size, ", raised by the kernel, which does not tell the address");
	} else if (*code == SI_USER || *code == SI_TKILL || *code == SI_QUEUE) {
		snprintf(text, size, ", sent by process %" PRIu32, sender);
	} else {
		snprintf(text, size, ", code %" PRId32, *code);
	}
}
