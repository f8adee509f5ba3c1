/* SPDX-License-Identifier: MIT */
/* Frames of unusual layout: alloca, variable-length arrays, over-aligned locals, large frames, and all of them at once. */
#include <alloca.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static volatile int sink;

static __attribute__((noinline)) void use(const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i += 61)
		sink += at[i];
}

static __attribute__((noinline)) void with_alloca(int n)
{
	char *room = alloca((size_t)n);

	memset(room, n, (size_t)n);
	use(room, (size_t)n);
	if (n > 16)
		with_alloca(n / 2);
}

static __attribute__((noinline)) int with_vla(int n)
{
	int room[n];

	for (int i = 0; i < n; i++)
		room[i] = i;
	use(room, sizeof(room));
	return n > 2 ? with_vla(n - 2) + room[n / 2] : room[0];
}

static __attribute__((noinline)) int aligned(int n)
{
	_Alignas(64) char room[128];

	memset(room, n, sizeof(room));
	use(room, sizeof(room));
	return n > 0 ? aligned(n - 1) + room[5] + (int)((uintptr_t)room % 64) : 0;
}

static __attribute__((noinline)) int aligned_alloca(int n, int a, int b, int c, int d, int e, int f, int g)
{
	_Alignas(128) char room[256];
	char *more = alloca((size_t)(n + 16));

	memset(room, n, sizeof(room));
	memset(more, a, (size_t)n);
	use(room, sizeof(room));
	use(more, (size_t)n);
	return n > 0 ? aligned_alloca(n - 3, g, f, e, d, c, b, a) + room[b & 1] : more[0] + c + d + e;
}

static __attribute__((noinline)) int large(int n)
{
	char room[20000];

	room[0] = (char)n;
	room[sizeof(room) - 1] = (char)(n + 1);
	use(room + sizeof(room) - 100, 100);
	return n > 0 ? large(n - 1) + room[0] : room[sizeof(room) - 1];
}

/* A frame that is set up only on one path (shrink-wrapping). */
static __attribute__((noinline)) int wrapped(int n)
{
	if (n < 3)
		return n;
	use(&n, sizeof(n));
	return wrapped(n - 1) * wrapped(n - 3) + sink;
}

int main(void)
{
	with_alloca(200);
	printf("%d %d\n", with_vla(9), aligned(3));
	printf("%d %d\n", aligned_alloca(9, 1, 2, 3, 4, 5, 6, 7), large(2));
	return wrapped(6) == 12345678;
}
