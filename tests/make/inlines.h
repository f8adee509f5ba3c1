/* SPDX-License-Identifier: MIT */
/* Of inlines.c and inlines.cc: a place in a header. */

/* A label whose address a test looks up; in code that is inlined once only. The memory clobber keeps the compiler from moving things over it. */
#define PLACE(name) __asm__ volatile(".globl " #name "\n" #name ":\n\tnop" ::: "memory")
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline, noclone))

INLINE int in_header(int x)
{
	PLACE(at_header); /* LINE at_header */
	return x * 3;
}
