/* SPDX-License-Identifier: MIT */
/* Variables in registers, in memory and in pieces of both, for inputs of fuzz/fuzz_dwarf.c: location lists, blocks, an inlined call. */
struct pair { long first; short second[3]; };
typedef const struct pair *reference;

__attribute__((noinline)) long use(volatile void *one, const void *other)
{
	__asm__ volatile("" : : "r"(one), "r"(other) : "memory");
	return (long)one;
}

static inline __attribute__((always_inline)) long inner(long given, reference pair)
{
	volatile long local = given;

	return use(&local, pair) + given;
}

long main(long n, char **words)
{
	struct pair pair = { n, { 1, 2, 3 } };
	long array[3] = { n }, sum = inner(n, &pair);

	for (long i = 0; i < n; i++) {
		long block = use(array, words[i]);

		sum += use(&block, &pair) + i;
	}
	return sum + pair.first + array[1];
}
