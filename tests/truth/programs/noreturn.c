/* SPDX-License-Identifier: MIT */
/* Calls that never return at the end of a function, so that the return address is the first byte of another; init and fini functions; abort. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf there;
static int order;

static __attribute__((noinline, noreturn)) void never(int n)
{
	order += n;
	longjmp(there, n);
}

static __attribute__((noinline, noreturn)) void middle(int n)
{
	if (n > 2)
		never(n);
	never(n + 1);
}

__attribute__((noinline)) int maybe(int n)
{
	char room[32];

	memset(room, n, sizeof(room));
	if (room[3] == 5)
		middle(n);
	return room[4];
}

__attribute__((constructor)) static void first(void) { order = 1; }
__attribute__((constructor(101))) static void zeroth(void) { order = 0; }
__attribute__((destructor)) static void last(void) { order = -1; }

static void on_abort(int signal)
{
	order += signal;
	puts("abort");
	_Exit(0);
}

static __attribute__((noinline, noreturn)) void give_up(void)
{
	abort();
}

int main(int argc, char **argv)
{
	if (setjmp(there) == 0)
		order += maybe(4 + argc);
	if (!argv[1])
		exit(order == 0);
	signal(SIGABRT, on_abort);
	give_up();
}
