/* SPDX-License-Identifier: MIT */
/*
 * Signals on the normal stack, on an alternate one, one within the other, from a fault in the code, at a call through NULL, and left by siglongjmp.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char alternate[65536];
static sigjmp_buf there;
static volatile int handled;
static int (*volatile nowhere)(int);
static int *volatile null;

static __attribute__((noinline)) int work(int n)
{
	return n ? work(n - 1) + 1 : handled;
}

static void on_normal(int signal)
{
	handled += work(2) + signal;
}

static void on_alternate(int signal, siginfo_t *info, void *context)
{
	(void)context;
	handled += work(3) + (info->si_signo == signal);
	if (signal == SIGUSR2)
		raise(SIGUSR1);
}

static void on_fault(int signal)
{
	handled += work(1) + signal;
	siglongjmp(there, 1);
}

static __attribute__((noinline)) int fault(int n)
{
	return n ? fault(n - 1) + 1 : *null;
}

static __attribute__((noinline)) int call_null(int n)
{
	return n ? call_null(n - 1) + 1 : nowhere(n) + 1;
}

static void set(int signal, void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	sigaction(signal, &action, NULL);
}

static __attribute__((noinline)) void raise_in(int n, int signal)
{
	if (n)
		raise_in(n - 1, signal);
	else
		kill(getpid(), signal);
	handled++;
}

int main(void)
{
	stack_t stack;
	struct sigaction action;

	memset(&stack, 0, sizeof(stack));
	stack.ss_sp = alternate;
	stack.ss_size = sizeof(alternate);
	sigaltstack(&stack, NULL);
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_alternate;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigaction(SIGUSR2, &action, NULL);
	set(SIGUSR1, on_normal, 0);
	raise_in(2, SIGUSR1);
	raise_in(1, SIGUSR2);
	set(SIGSEGV, on_fault, SA_ONSTACK);
	if (!sigsetjmp(there, 1))
		handled += fault(2);
	set(SIGSEGV, on_fault, 0);
	if (!sigsetjmp(there, 1))
		handled += call_null(2);
	return handled == 0;
}
