/* SPDX-License-Identifier: MIT */
/*
 * The functions of assembly.S for 64-bit Arm. With CFI: a CFA that moves to other registers, a return address that is kept in a register, a frame that is
 * left by two ways, remember and restore. Without any: what assemblers' authors often leave out; only the instructions tell.
 */
	.text
	.globl with_cfi
	.type with_cfi, @function
with_cfi:			/* int with_cfi(int (*call)(int), int n) */
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
	.size with_cfi, . - with_cfi

	.globl without_cfi
	.type without_cfi, @function
without_cfi:			/* the same, untold */
	stp x29, x30, [sp, -32]!
	mov x29, sp
	str x19, [sp, 16]
	mov x19, x0
	mov w0, w1
	blr x19
	ldr x19, [sp, 16]
	ldp x29, x30, [sp], 32
	ret
	.size without_cfi, . - without_cfi

	.globl without_frame
	.type without_frame, @function
without_frame:			/* no frame pointer, and a branch */
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
	.size without_frame, . - without_frame

	.globl untold_leaf
	.type untold_leaf, @function
untold_leaf:
	add w2, w0, w1
	mul w0, w2, w0
	cmp w0, 7
	b.gt 3f
	neg w0, w0
3:	ret
	.size untold_leaf, . - untold_leaf
	.section .note.GNU-stack, "", @progbits
