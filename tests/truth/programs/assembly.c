/* SPDX-License-Identifier: MIT */
/* Calls the functions of assembly.S. */
#include <stdio.h>

int with_cfi(int (*call)(int), int n);
int without_cfi(int (*call)(int), int n);
int without_frame(int (*call)(int), int n);
int untold_leaf(int a, int b);

static __attribute__((noinline)) int call(int n)
{
	return printf("%d\n", n) + untold_leaf(n, 3);
}

int main(void)
{
	int total = with_cfi(call, 5) + with_cfi(call, 0) + without_cfi(call, 2) + without_frame(call, 3) + without_frame(call, 0);

	return total == 12345 + untold_leaf(1, 1);
}
