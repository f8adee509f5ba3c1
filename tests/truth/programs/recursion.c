/* SPDX-License-Identifier: MIT */
/* Recursion, qsort's callbacks, varargs, printf, tail calls and function pointers. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fibonacci(int n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static int by_value(const void *left, const void *right)
{
	int a = *(const int *)left, b = *(const int *)right;

	return a < b ? -1 : a > b;
}

static __attribute__((noinline)) double sum(int count, ...)
{
	va_list args;
	double total = 0;

	va_start(args, count);
	for (int i = 0; i < count; i++)
		total += i % 2 ? va_arg(args, double) : va_arg(args, int);
	va_end(args);
	return total;
}

static __attribute__((noinline)) int is_odd(unsigned n, int *calls);
static __attribute__((noinline)) int is_even(unsigned n, int *calls)
{
	++*calls;
	return n == 0 ? 1 : is_odd(n - 1, calls);
}
static int is_odd(unsigned n, int *calls)
{
	++*calls;
	return n == 0 ? 0 : is_even(n - 1, calls);
}

/* Seven arguments and more live values than registers. */
static __attribute__((noinline)) long many(long a, long b, long c, long d, long e, long f, long g, long h)
{
	long x = a * b + c, y = d * e + f, z = g * h + a;

	printf("%ld %ld %ld\n", x, y, z);
	return x * y + z * a + b * c + d * g + e * h + f;
}

int main(int argc, char **argv)
{
	int values[24], calls = 0;
	char text[64];

	for (int i = 0; i < 24; i++)
		values[i] = (i * 37 + 11) % 29 + argc;
	qsort(values, 24, sizeof(values[0]), by_value);
	printf("%d %s %5.2f\n", fibonacci(7), argv[0] ? "x" : "y", sum(6, 1, 2.5, 3, 4.5, 5, 6.5));
	printf("%d %d\n", is_even(9, &calls), calls);
	snprintf(text, sizeof(text), "%ld %s", many(1, 2, 3, 4, 5, 6, 7, argc), "text");
	return values[0] > values[23] || strlen(text) > 60 || !bsearch(&values[3], values, 24, sizeof(values[0]), by_value);
}
