/* SPDX-License-Identifier: MIT */
/* Calls the functions of assembly.S. */
int with_cfi(int (*call)(int), int n);
int without_cfi(int (*call)(int), int n);
int without_frame(int (*call)(int), int n);
int untold_leaf(int a, int b);
int only_link(int (*call)(int), int n);
#ifdef __x86_64__
int pushes_inside(int (*call)(int), int n);
#define TOLD pushes_inside
#else
int saves_vectors(int (*call)(int), int n);
#define TOLD saves_vectors
#endif

#ifdef __APPLE__
#include "start.h"

static volatile int written;
#define WRITE(n) (written = (n))
#define BEGIN start
#define END leave(0)
#else
#include <stdio.h>

#define WRITE(n) printf("%d\n", n)
#define BEGIN main
#define END return 0
#endif

static __attribute__((noinline)) int call(int n)
{
	return WRITE(n) + untold_leaf(n, 3);
}

static volatile int total;

int BEGIN(void)
{
	total = with_cfi(call, 5) + with_cfi(call, 0) + without_cfi(call, 2) + without_frame(call, 3) + without_frame(call, 0);
	total += only_link(call, 4) + TOLD(call, 6) + untold_leaf(1, 1);
	END;
}
