/* SPDX-License-Identifier: MIT */
/* setjmp and longjmp out of deep frames, and sigsetjmp; exit from within, after atexit functions. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

static jmp_buf there;
static sigjmp_buf signal_there;

static __attribute__((noinline)) int down(int n)
{
	volatile char room[40];

	room[n] = (char)n;
	if (!n)
		longjmp(there, 7);
	return down(n - 1) + room[n];
}

static __attribute__((noinline)) int around(int n)
{
	volatile int got = setjmp(there);

	if (!got)
		return down(n);
	return got + n;
}

static __attribute__((noinline)) void with_mask(volatile int *times)
{
	if (sigsetjmp(signal_there, 1) < 3) {
		++*times;
		siglongjmp(signal_there, *times);
	}
}

static void at_exit(void)
{
	puts("bye");
}

static __attribute__((noinline)) void leave(int n)
{
	if (n)
		leave(n - 1);
	exit(0);
}

int main(void)
{
	volatile int times = 0;

	atexit(at_exit);
	printf("%d\n", around(5));
	printf("%d\n", around(2));
	with_mask(&times);
	leave(2);
}
