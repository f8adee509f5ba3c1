/* SPDX-License-Identifier: MIT */
/*
 * Hand-written functions. With CFI: push and pop pairs, a CFA that moves to other registers, a frame that is left by two ways, remember and restore.
 * Without any: what assemblers' authors often leave out; only the instructions tell.
 */
#include "assembly.h"

	FUNCTION with_cfi			/* int with_cfi(int (*call)(int), int n) */
	.cfi_startproc
	push %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	push %r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	sub $24, %rsp
	.cfi_adjust_cfa_offset 24
	mov %rdi, %rbx
	mov %esi, %r12d
	test %esi, %esi
	jz 1f
	.cfi_remember_state
	mov %esi, %edi
	call *%rbx
	add $24, %rsp
	.cfi_adjust_cfa_offset -24
	pop %r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	pop %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
1:	.cfi_restore_state
	mov %rsp, %rax
	.cfi_def_cfa_register %rax
	and $-64, %rsp
	sub $64, %rsp
	mov %rax, (%rsp)
	.cfi_escape 0x0f, 0x05, 0x77, 0x00, 0x06, 0x23, 0x30 /* CFA = *(rsp) + 48 */
	mov $1, %edi
	call *%rbx
	mov (%rsp), %rsp
	.cfi_def_cfa %rsp, 48
	add $24, %rsp
	.cfi_adjust_cfa_offset -24
	pop %r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	pop %rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	ret
	.cfi_endproc
	END with_cfi

	FUNCTION without_cfi			/* the same, untold */
	endbr64
	push %rbp
	mov %rsp, %rbp
	push %rbx
	sub $8, %rsp
	mov %rdi, %rbx
	mov %esi, %edi
	call *%rbx
	add $8, %rsp
	pop %rbx
	pop %rbp
	ret
	END without_cfi

	FUNCTION without_frame			/* no frame pointer, and a branch */
	push %rbx
	push %r13
	lea -24(%rsp), %rsp
	mov %rdi, %rbx
	mov %esi, %r13d
	test %r13d, %r13d
	je 2f
	lea (%r13,%r13), %edi
	call *%rbx
2:	nop
	nopw 0(%rax,%rax)
	add $24, %rsp
	pop %r13
	pop %rbx
	ret
	END without_frame

	FUNCTION untold_leaf
	lea (%rdi,%rsi), %eax
	imul %edi, %eax
	cmp $7, %eax
	jg 3f
	neg %eax
3:	ret
	END untold_leaf

	FUNCTION only_link			/* told: nothing but room for alignment */
	.cfi_startproc
	push %rax
	.cfi_def_cfa_offset 16
	mov %rdi, %rax
	mov %esi, %edi
	call *%rax
	pop %rcx
	.cfi_def_cfa_offset 8
	ret
	.cfi_endproc
	END only_link

	FUNCTION pushes_inside			/* told: a frame, in whose body words are pushed and popped */
	.cfi_startproc
	push %rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	mov %rsp, %rbp
	.cfi_def_cfa_register %rbp
	push %rbx
	.cfi_offset %rbx, -24
	push %rax
	mov %rdi, %rbx
	push %rsi
	push %rdi
	mov %esi, %edi
	call *%rbx
	pop %rdi
	pop %rsi
	push %rax
	lea (%rax,%rsi), %eax
	pop %rcx
	pop %rcx
	pop %rbx
	pop %rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	END pushes_inside
