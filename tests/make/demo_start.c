/* SPDX-License-Identifier: MIT */
/*
 * Start, exit, sorting and a timer signal on bare x86-64 Linux system calls: with a libc of its own,
 * every frame of the demonstration capture belongs to the one file that is shipped with it.
 */
#include "demo_start.h"

enum { SYS_RT_SIGACTION = 13, SYS_SETITIMER = 38 };
enum { SIGPROF = 27, ITIMER_PROF = 2 };
#define SA_RESTORER 0x04000000ul
#define SA_RESTART 0x10000000ul

struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

struct itimer {
	long interval_s, interval_us, first_s, first_us;
};

static long system_call(long number, long a, long b, long c, long d)
{
	long result;
	register long r10 __asm__("r10") = d;

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
	                 : "rcx", "r11", "memory");
	return result;
}

/*
 * The signal trampoline. On entry rsp is at the kernel's struct ucontext: uc_mcontext starts at 40
 * and holds r8..r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip in this order. DW_CFA_expression
 * (0x10) with DW_OP_breg7 (0x77) says where each was saved; the CFA is the interrupted rsp, at 160.
 * The nop is for unwinders that look one byte before the return address.
 */
__asm__(".text\n"
        ".globl demo_restore\n"
        ".type demo_restore, @function\n"
        ".cfi_startproc\n"
        ".cfi_signal_frame\n"
        ".cfi_escape 0x0f, 4, 0x77, 0xa0, 0x01, 0x06\n" /* CFA = *(rsp + 160) */
        ".cfi_escape 0x10, 8, 2, 0x77, 40\n"            /* r8 */
        ".cfi_escape 0x10, 9, 2, 0x77, 48\n"            /* r9 */
        ".cfi_escape 0x10, 10, 2, 0x77, 56\n"           /* r10 */
        ".cfi_escape 0x10, 11, 3, 0x77, 0xc0, 0x00\n"   /* r11 at 64 */
        ".cfi_escape 0x10, 12, 3, 0x77, 0xc8, 0x00\n"   /* r12 at 72 */
        ".cfi_escape 0x10, 13, 3, 0x77, 0xd0, 0x00\n"   /* r13 at 80 */
        ".cfi_escape 0x10, 14, 3, 0x77, 0xd8, 0x00\n"   /* r14 at 88 */
        ".cfi_escape 0x10, 15, 3, 0x77, 0xe0, 0x00\n"   /* r15 at 96 */
        ".cfi_escape 0x10, 5, 3, 0x77, 0xe8, 0x00\n"    /* rdi at 104 */
        ".cfi_escape 0x10, 4, 3, 0x77, 0xf0, 0x00\n"    /* rsi at 112 */
        ".cfi_escape 0x10, 6, 3, 0x77, 0xf8, 0x00\n"    /* rbp at 120 */
        ".cfi_escape 0x10, 3, 3, 0x77, 0x80, 0x01\n"    /* rbx at 128 */
        ".cfi_escape 0x10, 1, 3, 0x77, 0x88, 0x01\n"    /* rdx at 136 */
        ".cfi_escape 0x10, 0, 3, 0x77, 0x90, 0x01\n"    /* rax at 144 */
        ".cfi_escape 0x10, 2, 3, 0x77, 0x98, 0x01\n"    /* rcx at 152 */
        ".cfi_escape 0x10, 7, 3, 0x77, 0xa0, 0x01\n"    /* rsp at 160 */
        ".cfi_escape 0x10, 16, 3, 0x77, 0xa8, 0x01\n"   /* rip at 168 */
        "nop\n"
        "demo_restore:\n"
        "mov $15, %eax\n"
        "syscall\n"
        ".cfi_endproc\n"
        ".size demo_restore, .-demo_restore\n");
void demo_restore(void);

void demo_on_timer(void (*handler)(int), long microseconds)
{
	struct kernel_sigaction action = { handler, SA_RESTORER | SA_RESTART, demo_restore, 0 };
	struct itimer timer = { 0, microseconds, 0, microseconds };

	system_call(SYS_RT_SIGACTION, SIGPROF, (long)&action, 0, 8);
	system_call(SYS_SETITIMER, ITIMER_PROF, (long)&timer, 0, 0);
}

static void swap(int *a, int *b)
{
	int held = *a;

	*a = *b;
	*b = held;
}

void demo_sort(int *items, int count, demo_compare_fn compare)
{
	while (count > 1) {
		int pivot = items[count / 2], low = 0, high = count - 1;

		while (low <= high) {
			while (compare(&items[low], &pivot) < 0)
				low++;
			while (compare(&items[high], &pivot) > 0)
				high--;
			if (low <= high)
				swap(&items[low++], &items[high--]);
		}
		demo_sort(items, high + 1, compare);
		items += low;
		count -= low;
	}
}

/* The outermost frame: its return address is undefined, as the ABI's start code says. */
__asm__(".text\n"
        ".globl _start\n"
        ".type _start, @function\n"
        "_start:\n"
        ".cfi_startproc\n"
        ".cfi_undefined rip\n"
        "xor %ebp, %ebp\n"
        "and $-16, %rsp\n"
        "call demo_main\n"
        "mov %eax, %edi\n"
        "mov $60, %eax\n"
        "syscall\n"
        ".cfi_endproc\n"
        ".size _start, .-_start\n");
