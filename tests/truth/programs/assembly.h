/* SPDX-License-Identifier: MIT */
/* FUNCTION name, END name: around a function of hand-written assembly, in ELF and in Mach-O files. */
#ifdef __APPLE__
.macro FUNCTION name
	.globl _\name
	.p2align 2
_\name:
.endm
.macro END name
.endm
#else
.macro FUNCTION name
	.globl \name
	.type \name, @function
\name:
.endm
.macro END name
	.size \name, . - \name
.endm
	.section .note.GNU-stack, "", @progbits
#endif
	.text
