/* SPDX-License-Identifier: MIT */
/*
 * The program behind the end-to-end fuzz corpus and the i386 snapshot: recursion, an inlined call and a callback in a few KiB, without a
 * libc. It ends by itself after a moment.
 */
static volatile unsigned long total;

static inline unsigned long square(unsigned long n)
{
	return n * n + total;
}

__attribute__((noinline)) static unsigned long work(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		total = square(i) ^ total >> 3;
	return total;
}

__attribute__((noinline)) static unsigned long recurse(unsigned long depth, unsigned long (*leaf)(unsigned long))
{
	unsigned long local[4] = { depth, depth + 1, depth + 2, depth + 3 };

	if (!depth)
		return leaf(60000);
	total = recurse(depth - 1, leaf) + local[depth & 3];
	return total + local[(depth + 1) & 3];
}

__attribute__((noreturn, used)) static void tiny_main(void)
{
	for (unsigned i = 0; i < 3000; i++)
		total += recurse(i % 7, work);
#ifdef __x86_64__
	__asm__ volatile("syscall" : : "a"(60L), "D"(0L) : "rcx", "r11", "memory");
#else
	__asm__ volatile("int $0x80" : : "a"(1), "b"(0) : "memory");
#endif
	__builtin_unreachable();
}

/* The outermost frame: its return address is undefined, as the ABI's start code says. */
__asm__(".text\n"
        ".globl _start\n"
        ".type _start, @function\n"
        "_start:\n"
        ".cfi_startproc\n"
#ifdef __x86_64__
        ".cfi_undefined rip\n"
        "xor %ebp, %ebp\n"
        "and $-16, %rsp\n"
#else
        ".cfi_undefined eip\n"
        "xor %ebp, %ebp\n"
        "and $-16, %esp\n"
#endif
        "call tiny_main\n"
        ".cfi_endproc\n"
        ".size _start, .-_start\n");
