/* SPDX-License-Identifier: MIT */
/* The shared object of lazy.c. */
#include "library.h"

#include <string.h>

int library_call(int (*back)(int), int n)
{
	return n > 0 ? library_call(back, n - 1) + back(n) : back(0);
}

double library_mixed(int a, double b, const char *c, float d, long e)
{
	return a + b * d + (double)e + (double)strlen(c);
}

__attribute__((constructor)) static void constructor(void)
{
	library_state = 1;
}

__attribute__((destructor)) static void destructor(void)
{
	library_state = 0;
}

int library_state;
