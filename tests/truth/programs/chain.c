/* SPDX-License-Identifier: MIT */
/*
 * A whole program without libraries, all of whose code can be built with frame pointers, from its first instruction to its end: recursion, callbacks,
 * varargs, tail calls, alloca, VLAs, over-aligned frames, leaves, shrink-wrapping, calls through pointers, noreturn at the end.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "start.h"

static volatile int sink;

/* A leaf; with optimization it has no frame, except where that was asked for. */
static APART int leaf(int a, int b)
{
	return a * b + (a ^ b);
}

static APART void use(const volatile char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i += 61)
		sink += bytes[i];
}

static APART int sum(int count, ...)
{
	va_list args;
	int total = 0;

	va_start(args, count);
	for (int i = 0; i < count; i++)
		total += i % 2 ? (int)va_arg(args, double) : va_arg(args, int);
	va_end(args);
	return total;
}

static APART int less(const int *a, const int *b)
{
	return *a < *b;
}

/* Insertion, by a callback. */
static APART void sort(int *values, int count, int (*before)(const int *, const int *))
{
	for (int i = 1; i < count; i++)
		for (int j = i; j > 0 && before(&values[j], &values[j - 1]); j--) {
			int value = values[j];

			values[j] = values[j - 1];
			values[j - 1] = value;
		}
}

static APART int is_odd(unsigned n, int *calls);
static APART int is_even(unsigned n, int *calls)
{
	++*calls;
	return n == 0 ? 1 : is_odd(n - 1, calls);
}
static APART int is_odd(unsigned n, int *calls)
{
	++*calls;
	return n == 0 ? 0 : is_even(n - 1, calls);
}

static APART long many(long a, long b, long c, long d, long e, long f, long g, long h)
{
	long x = a * b + c, y = d * e + f, z = g * h + a;

	sink += leaf((int)x, (int)y);
	return x * y + z * a + b * c + d * g + e * h + f;
}

static APART void with_alloca(int n)
{
	volatile char *room = __builtin_alloca((size_t)n);

	room[0] = (char)n;
	use(room, (size_t)n);
	if (n > 16)
		with_alloca(n / 2);
}

static APART int with_vla(int n)
{
	volatile int room[n];

	for (int i = 0; i < n; i++)
		room[i] = i;
	use((const volatile char *)room, sizeof(room));
	return n > 2 ? with_vla(n - 2) + room[n / 2] : room[0];
}

static APART int aligned(int n)
{
	_Alignas(64) volatile char room[128];

	room[5] = (char)n;
	use(room, 1);
	return n > 0 ? aligned(n - 1) + room[5] + (int)((uintptr_t)room % 64) : 0;
}

static APART int aligned_alloca(int n, int a, int b, int c, int d, int e, int f, int g)
{
	_Alignas(128) volatile char room[256];
	volatile char *more = __builtin_alloca((size_t)(n + 16));

	room[0] = room[1] = (char)n;
	more[0] = (char)a;
	use(room, 2);
	use(more, 1);
	return n > 0 ? aligned_alloca(n - 3, g, f, e, d, c, b, a) + room[b & 1] : more[0] + c + d + e;
}

static APART int large(int n)
{
	volatile char room[20000];

	room[0] = (char)n;
	room[sizeof(room) - 1] = (char)(n + 1);
	use(room + sizeof(room) - 100, 100);
	return n > 0 ? large(n - 1) + room[0] : room[sizeof(room) - 1];
}

/* A frame that is set up only on one path. */
static APART int wrapped(int n)
{
	volatile char at = (char)n;

	if (n < 3)
		return n;
	use(&at, sizeof(at));
	return wrapped(n - 1) * wrapped(n - 3) + sink;
}

static APART int chosen(int n)
{
	switch (n) {
	case 0: return leaf(n, 3);
	case 1: return leaf(n, 5) + 1;
	case 2: return sum(2, n, 1.0);
	case 3: return wrapped(3);
	case 4: return sink;
	case 5: return (int)many(n, n, n, n, n, n, n, n);
	default: return n;
	}
}

static __attribute__((noreturn)) APART void give_up(int n)
{
	if (n > 2)
		leave(0);
	leave(n);
}

static APART int maybe(int n)
{
	volatile char room[32];

	room[3] = (char)n;
	use(room + 3, 1);
	if (room[3] == 5)
		give_up(n);
	return room[3];
}

APART int start(void)
{
	int values[12], calls = 0;

	for (int i = 0; i < 12; i++)
		values[i] = (i * 37 + 11) % 29;
	sort(values, 12, less);
	sink += sum(6, 1, 2.5, 3, 4.5, 5, 6.5) + is_even(9, &calls) + calls;
	sink += (int)many(1, 2, 3, 4, 5, 6, 7, values[0]);
	with_alloca(200);
	sink += with_vla(9) + aligned(3) + aligned_alloca(9, 1, 2, 3, 4, 5, 6, 7) + large(2) + wrapped(6);
	for (int i = 0; i < 8; i++)
		sink += chosen(i);
	return maybe(4) + maybe(5);
}
