/* SPDX-License-Identifier: MIT */
/*
 * The functions of assembly.S for 64-bit Arm. With CFI: a CFA that moves to other registers, a return address that is kept in a register, a frame that is
 * left by two ways, remember and restore. Without any: what assemblers' authors often leave out; only the instructions tell.
 */
#include "assembly.h"

	FUNCTION with_cfi		/* int with_cfi(int (*call)(int), int n) */
	.cfi_startproc
	stp x19, x20, [sp, -32]!
	.cfi_def_cfa_offset 32
	.cfi_offset x19, -32
	.cfi_offset x20, -24
	str x30, [sp, 16]
	.cfi_offset x30, -16
	mov x19, x0
	mov w20, w1
	cbz w1, 1f
	.cfi_remember_state
	mov w0, w1
	blr x19
	ldr x30, [sp, 16]
	.cfi_restore x30
	ldp x19, x20, [sp], 32
	.cfi_restore x19
	.cfi_restore x20
	.cfi_def_cfa_offset 0
	ret
1:	.cfi_restore_state
	mov x9, sp
	.cfi_def_cfa_register x9
	and x10, x9, -64
	sub sp, x10, 64
	str x9, [sp]
	.cfi_escape 0x0f, 0x05, 0x8f, 0x00, 0x06, 0x23, 0x20 /* CFA = *(sp) + 32 */
	mov w0, 1
	blr x19
	ldr x9, [sp]
	mov sp, x9
	.cfi_def_cfa sp, 32
	ldr x30, [sp, 16]
	.cfi_restore x30
	ldp x19, x20, [sp], 32
	.cfi_restore x19
	.cfi_restore x20
	.cfi_def_cfa_offset 0
	ret
	.cfi_endproc
	END with_cfi

	FUNCTION without_cfi		/* the same, untold */
	stp x29, x30, [sp, -32]!
	mov x29, sp
	str x19, [sp, 16]
	mov x19, x0
	mov w0, w1
	blr x19
	ldr x19, [sp, 16]
	ldp x29, x30, [sp], 32
	ret
	END without_cfi

	FUNCTION without_frame		/* no frame pointer, and a branch */
	sub sp, sp, 48
	stp x19, x30, [sp, 16]
	str x20, [sp, 32]
	mov x19, x0
	mov w20, w1
	cbz w20, 2f
	add w0, w20, w20
	blr x19
2:	nop
	ldr x20, [sp, 32]
	ldp x19, x30, [sp, 16]
	add sp, sp, 48
	ret
	END without_frame

	FUNCTION untold_leaf
	add w2, w0, w1
	mul w0, w2, w0
	cmp w0, 7
	b.gt 3f
	neg w0, w0
3:	ret
	END untold_leaf

	FUNCTION only_link		/* told: the link register alone */
	.cfi_startproc
	str x30, [sp, -16]!
	.cfi_def_cfa_offset 16
	.cfi_offset x30, -16
	mov x9, x0
	mov w0, w1
	blr x9
	ldr x30, [sp], 16
	.cfi_restore x30
	.cfi_def_cfa_offset 0
	ret
	.cfi_endproc
	END only_link

	FUNCTION saves_vectors		/* told: vector registers are the first that are saved */
	.cfi_startproc
	stp d9, d8, [sp, -48]!
	.cfi_def_cfa_offset 48
	stp x20, x19, [sp, 16]
	stp x29, x30, [sp, 32]
	add x29, sp, 32
	.cfi_def_cfa x29, 16
	.cfi_offset x30, -8
	.cfi_offset x29, -16
	.cfi_offset x19, -24
	.cfi_offset x20, -32
	.cfi_offset d8, -40
	.cfi_offset d9, -48
	mov x19, x0
	mov w0, w1
	fmov d8, x0
	fmov d9, x1
	blr x19
	ldp x29, x30, [sp, 32]
	.cfi_def_cfa sp, 48
	.cfi_restore x29
	.cfi_restore x30
	ldp x20, x19, [sp, 16]
	.cfi_restore x19
	.cfi_restore x20
	ldp d9, d8, [sp], 48
	.cfi_restore d8
	.cfi_restore d9
	.cfi_def_cfa_offset 0
	ret
	.cfi_endproc
	END saves_vectors
