/* SPDX-License-Identifier: MIT */
/*
 * How programs without libraries begin and end: the ABI's outermost frame, whose frame pointer is 0 and which has no caller, calls start(); leave() ends
 * the process. Include it once. Mach-O programs make Linux's system calls, too: what is stepped through is the code, not the system.
 */
#ifndef TRUTH_START_H
#define TRUTH_START_H

#define APART __attribute__((noinline))

#ifdef __cplusplus
extern "C"
#endif
__attribute__((used)) int start(void);

static __attribute__((noreturn)) APART void leave(int status)
{
#if defined(__x86_64__)
	__asm__ volatile("syscall" : : "a"(231), "D"(status) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long number __asm__("x8") = 94;
	register long value __asm__("x0") = status;

	__asm__ volatile("svc 0" : : "r"(number), "r"(value) : "memory");
#endif
	__builtin_trap();
}

#if defined(__APPLE__) && defined(__x86_64__)
__asm__(".text\n.globl _begin\n_begin:\n.cfi_startproc\n.cfi_undefined rip\n"
        "xor %ebp, %ebp\nand $-16, %rsp\ncall _start\nhlt\n.cfi_endproc\n");
#elif defined(__APPLE__)
__asm__(".text\n.globl _begin\n.p2align 2\n_begin:\n.cfi_startproc\n.cfi_undefined x30\n"
        "mov x29, #0\nmov x30, #0\nbl _start\nbrk #0\n.cfi_endproc\n");
#elif defined(__x86_64__)
__asm__(".text\n.globl _start\n.type _start, @function\n_start:\n.cfi_startproc\n.cfi_undefined rip\n"
        "xor %ebp, %ebp\nand $-16, %rsp\ncall start\nhlt\n.cfi_endproc\n.size _start, . - _start\n");
#elif defined(__aarch64__)
__asm__(".text\n.globl _start\n.type _start, @function\n_start:\n.cfi_startproc\n.cfi_undefined x30\n"
        "mov x29, #0\nmov x30, #0\nbl start\nbrk #0\n.cfi_endproc\n.size _start, . - _start\n");
#endif

/* Clang on Apple's systems calls this before it takes a large frame (-fstack-check): all registers stay. */
#if defined(__APPLE__) && defined(__x86_64__)
__asm__(".text\n.globl ____chkstk_darwin\n____chkstk_darwin:\n.cfi_startproc\npush %rcx\n.cfi_adjust_cfa_offset 8\nlea 16(%rsp), %rcx\n"
        "sub %rax, %rcx\ntestl $0, (%rcx)\npop %rcx\n.cfi_adjust_cfa_offset -8\nret\n.cfi_endproc\n");
#endif

#endif
