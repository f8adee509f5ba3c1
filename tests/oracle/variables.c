/* SPDX-License-Identifier: MIT */
/*
 * Stops with known values in its arguments and variables, for variables.sh: what a word of the stack is called must have the value that is stored here. What
 * `keep` is given has to be in memory at every level of optimization, and so have the last two arguments of outer (System V ABI, x86-64, 3.2.3).
 */
#include <stdlib.h>

struct triple { long first, second, third; };

volatile int is_time = 1;
/* Not known to who compiles. */
volatile long values[] = { 0x4141, 0x4142, 0x4143, 0x4144, 0x4145, 0x4146, 0x4147, 0x4148, 0x5150 };

__attribute__((noinline)) static void keep(volatile void *one, volatile void *other)
{
	__asm__ volatile("" : : "r"(one), "r"(other) : "memory");
	if (is_time)
		abort();
}

__attribute__((always_inline)) static inline long inner(long given, struct triple *into)
{
	volatile long local = given + 1;

	into->second = 0x5152;
	keep(&local, into);
	return local + given;
}

__attribute__((noinline)) static long outer(long a, long b, long c, long d, long e, long f, long g, long h)
{
	struct triple triple = { 0x6160, 0x6161, 0x6162 };
	volatile long array[3] = { 0x7170, 0x7171, 0x7172 };
	long sum = a + b + c + d + e + f + g + h;

	{
		volatile long block = 0x8180;

		keep(&block, array);
		if (!is_time)
			return block;
	}
	return sum + triple.first + array[1];
}

__attribute__((noinline)) static long around(long a, long g)
{
	struct triple triple = { 0x6160, 0x6161, 0x6162 };

	return inner(a, &triple) + triple.first + triple.second + triple.third + g;
}

__attribute__((always_inline)) static inline long give(void)
{
	return outer(values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7]);
}

__attribute__((noinline)) static long count(long n, int in_call)
{
	long got = n ? count(n - 1, in_call) : in_call ? around(values[8], values[6]) : give();

	return got + n;
}

int main(int argc, char **argv)
{
	return (int)count(3, argc > 1) + argv[0][0];
}
