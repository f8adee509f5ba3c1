/* SPDX-License-Identifier: MIT */
/*
 * 64-bit Arm code as the code strategy reads it: instructions (words as GNU as makes them) by what the flow needs of them, and rows by the flow of whole
 * functions, worked out by hand. Among the functions are the ones that other unwinders have taken for something else: vector pairs saved first, a lone x30,
 * pushes in bodies, signed return addresses.
 */
#include "unwind/code_aarch64_insn.h"
#include "unwind/code_reader.h"

#include "tests/test.h"

#include <string.h>

enum { TEXT = 160 };

static void put(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(char *text, const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;

	if (length && text[length - 1] != ' ')
		text[length++] = ' ';
	va_start(args, format);
	vsnprintf(text + length, TEXT - length, format, args);
	va_end(args);
}

/* ---- Instructions ---- */

/* Registers as r and their numbers, v0 as r32; "[r31+8]=r30" stores, "<" does so to stack that was just taken, "?" compares, "r16:16=1" sets bits; then
 * where it leads, jumps with their distance from the next instruction; behind "!" what else is written. */
static void describe(const struct wb_code_insn *insn, char *text)
{
	static const char *const nexts[] = { "", "call", "return", "jump", "if", "away", "linked", "stop" };
	static const char *const conditions[] = { "", "-equal", "-not-equal" };

	text[0] = 0;
	for (unsigned i = 0; i < insn->num_ops; i++) {
		const struct wb_code_op *op = &insn->ops[i];

		switch ((enum wb_code_op_kind)op->kind) {
		case WB_OP_ADD: put(text, "r%d=r%d%+d", op->reg, op->base, (int)op->value); break;
		case WB_OP_ADD_REG: put(text, "r%d=r%d+r%d*%d", op->reg, op->base, op->index, (int)op->value); break;
		case WB_OP_ALIGN: put(text, "r%d=round r%d", op->reg, op->base); break;
		case WB_OP_SET: put(text, "r%d=%d", op->reg, (int)op->value); break;
		case WB_OP_INSERT: put(text, "r%d:%d=%d", op->reg, op->index, (int)op->value); break;
		case WB_OP_STORE: put(text, "[r%d%+d]=r%d", op->base, (int)op->value, op->reg); break;
		case WB_OP_PUSH: put(text, "[r%d%+d]<r%d", op->base, (int)op->value, op->reg); break;
		case WB_OP_LOAD: put(text, "r%d=[r%d%+d]", op->reg, op->base, (int)op->value); break;
		case WB_OP_COMPARE: put(text, "r%d?r%d", op->reg, op->base); break;
		}
	}
	if (insn->next)
		put(text, "%s%s", nexts[insn->next], conditions[insn->condition]);
	if (insn->next == WB_NEXT_JUMP || insn->next == WB_NEXT_JUMP_IF)
		put(text, "%d", (int)insn->target);
	if (insn->writes)
		put(text, "!");
	for (unsigned i = 0; i < WB_CODE_REGS; i++)
		if (insn->writes >> i & 1)
			put(text, "r%u", i);
}

static const struct {
	const char *name;
	uint32_t word;
	const char *expect;
} instructions[] = {
	{ "nop", 0xd503201f, "" },
	{ "paciasp", 0xd503233f, "" },
	{ "pacibsp", 0xd503237f, "" },
	{ "autiasp", 0xd50323bf, "" },
	{ "bti c", 0xd503245f, "" },
	{ "xpaclri", 0xd50320ff, "" },
	{ "pacia x30, sp", 0xdac103fe, "" },
	{ "autia x30, x9", 0xdac1113e, "" },
	{ "pacia1716", 0xd503211f, "! r17" },
	{ "sub sp, sp, #48", 0xd100c3ff, "r31=r31-48" },
	{ "sub sp, sp, #16, lsl #12", 0xd14043ff, "r31=r31-65536" },
	{ "add sp, sp, #4095", 0x913fffff, "r31=r31+4095" },
	{ "add x29, sp, #16", 0x910043fd, "r29=r31+16" },
	{ "mov sp, x29", 0x910003bf, "r31=r29+0" },
	{ "sub sp, x29, #16", 0xd10043bf, "r31=r29-16" },
	{ "mov x29, sp", 0x910003fd, "r29=r31+0" },
	{ "mov x19, sp", 0x910003f3, "r19=r31+0" },
	{ "mov x9, x30", 0xaa1e03e9, "r9=r30+0" },
	{ "sub sp, sp, x16", 0xcb3063ff, "r31=r31+r16*-1" },
	{ "sub sp, sp, x16, lsl #3", 0xcb306fff, "r31=r31+r16*-8" },
	{ "sub sp, sp, w16, uxtw", 0xcb3043ff, "! r31" },
	{ "and sp, x9, #-64", 0x927ae53f, "r31=round r9" },
	{ "mov x16, #0x1234", 0xd2824690, "r16=4660" },
	{ "movk x16, #0x1, lsl #16", 0xf2a00030, "r16:16=1" },
	{ "mov x16, #-16", 0x928001f0, "r16=-16" },
	{ "mov w16, #-1", 0x12800010, "! r16" },
	{ "mov x12, #0x1fff0", 0xb27c33ec, "r12=131056" },
	{ "cmp sp, x12", 0xeb2c63ff, "r31?r12" },
	{ "cmp x0, #1", 0xf100041f, "" },
	{ "stp x29, x30, [sp, #-48]!", 0xa9bd7bfd, "r31=r31-48 [r31+0]<r29 [r31+8]<r30" },
	{ "stp x19, x20, [sp, #16]", 0xa90153f3, "[r31+16]=r19 [r31+24]=r20" },
	{ "ldp x19, x20, [sp, #16]", 0xa94153f3, "r19=[r31+16] r20=[r31+24]" },
	{ "ldp x29, x30, [sp], #48", 0xa8c37bfd, "r29=[r31+0] r30=[r31+8] r31=r31+48" },
	{ "str x30, [sp, #-16]!", 0xf81f0ffe, "r31=r31-16 [r31+0]<r30" },
	{ "ldr x30, [sp], #16", 0xf84107fe, "r30=[r31+0] r31=r31+16" },
	{ "str x19, [x29, #-24]", 0xf81e83b3, "[r29-24]=r19" },
	{ "ldr x21, [sp, #8]", 0xf94007f5, "r21=[r31+8]" },
	{ "stp d9, d8, [sp, #-48]!", 0x6dbd23e9, "r31=r31-48 [r31+0]<r41 [r31+8]<r40" },
	{ "ldp d9, d8, [sp], #48", 0x6cc323e9, "r41=[r31+0] r40=[r31+8] r31=r31+48" },
	{ "str d10, [sp, #8]", 0xfd0007ea, "[r31+8]=r42" },
	{ "stp q8, q9, [sp, #32]", 0xad0127e8, "[r31+32]=r40 [r31+48]=r41" },
	{ "ldr w19, [sp, #8]", 0xb9400bf3, "! r19" },
	{ "ldr x0, [x1, x2]", 0xf8626820, "! r0" },
	{ "ldrsw x19, [x0]", 0xb9800013, "! r19" },
	{ "prfm pldl1keep, [x19]", 0xf9800260, "" },
	{ "ldp w19, w20, [sp]", 0x294053f3, "! r19 r20" },
	{ "stlr x19, [x0]", 0xc89ffc13, "" },
	{ "ldar x19, [x0]", 0xc8dffc13, "! r19" },
	{ "stxr w19, x20, [x0]", 0xc8137c14, "! r19" },
	{ "ldaxp x19, x20, [x0]", 0xc87fd013, "! r19 r20" },
	{ "cas x19, x20, [x0]", 0xc8b37c14, "! r19" },
	{ "ldadd x19, x20, [x0]", 0xf8330014, "! r20" },
	{ "ldr x19, . + 8", 0x58000053, "! r19" },
	{ "ld1 {v0.16b}, [sp], #16", 0x4cdf73e0, "! r31" },
	{ "stg sp, [sp], #16", 0xd92017ff, "r31=r31+16" },
	{ "ret", 0xd65f03c0, "return" },
	{ "ret x9", 0xd65f0120, "away" },
	{ "retab", 0xd65f0fff, "return" },
	{ "br x16", 0xd61f0200, "away" },
	{ "braa x16, x17", 0xd71f0a11, "away" },
	{ "blr x8", 0xd63f0100, "call" },
	{ "bl . + 8", 0x94000002, "call" },
	{ "b . - 4", 0x17ffffff, "jump -8" },
	{ "b.eq . + 8", 0x54000040, "if-equal 4" },
	{ "b.ne . - 8", 0x54ffffc1, "if-not-equal -12" },
	{ "b.hi . + 8", 0x54000048, "if 4" },
	{ "cbz x19, . + 12", 0xb4000073, "if 8" },
	{ "tbnz w0, #3, . - 8", 0x371fffc0, "if -12" },
	{ "svc #0", 0xd4000001, "! r0" },
	{ "brk #1", 0xd4200020, "stop ! r0" },
	{ "udf #0", 0x00000000, "stop" },
	{ "mrs x19, tpidr_el0", 0xd53bd053, "! r19" },
	{ "msr fpcr, x19", 0xd51b4413, "" },
	{ "fmov x19, d0", 0x9e660013, "! r19" },
	{ "fcvtzs w20, s0", 0x1e380014, "! r20" },
	{ "umov w21, v0.s[1]", 0x0e0c3c15, "! r21" },
	{ "fadd d8, d0, d1", 0x1e612808, "" },
	{ "csel x19, x0, x1, eq", 0x9a810013, "! r19" },
	{ "ccmp x19, #0, #0, eq", 0xfa400a60, "" },
	{ "adds xzr, x0, x1", 0xab01001f, "" },
	{ "orr x19, x0, x1", 0xaa010013, "! r19" },
	{ "addvl sp, sp, #-1", 0x043f57ff, "! r31" },
	{ "mul x19, x0, x1", 0x9b017c13, "! r19" },
	{ "adr x19, . + 4", 0x10000033, "! r19" },
	{ "addg x0, sp, #16, #1", 0x918107e0, "! r0" },
};

static void decodes(void)
{
	for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		uint32_t word = LE32(instructions[i].word);
		struct wb_code_insn insn;
		char text[TEXT];

		test_row(instructions[i].name);
		if (!CHECK(wb_a64_decode((const uint8_t *)&word, sizeof(word), &insn)))
			continue;
		describe(&insn, text);
		CHECK_STR(text, instructions[i].expect);
		CHECK_EQ_U64(insn.length, 4);
		CHECK(!wb_a64_decode((const uint8_t *)&word, 3, &insn));
	}
	test_row(NULL);
}

/* ---- Rows ---- */

/* stp x29, x30, [sp, #-48]!; mov x29, sp; stp x19, x20, [sp, #16]; bl .; ldp x19, x20, [sp, #16]; ldp x29, x30, [sp], #48; ret */
static const uint32_t record[] = {
	LE32(0xa9bd7bfd), LE32(0x910003fd), LE32(0xa90153f3), LE32(0x94000000), LE32(0xa94153f3), LE32(0xa8c37bfd), LE32(0xd65f03c0),
};
/* paciasp; sub sp, sp, #64; stp x20, x19, [sp, #32]; stp x29, x30, [sp, #48]; add x29, sp, #48; bl .; ldp x29, x30, [sp, #48]; ldp x20, x19, [sp, #32]; add sp, sp, #64; autiasp; ret */
static const uint32_t signed_top[] = {
	LE32(0xd503233f), LE32(0xd10103ff), LE32(0xa9024ff4), LE32(0xa9037bfd), LE32(0x9100c3fd), LE32(0x94000000), LE32(0xa9437bfd), LE32(0xa9424ff4), LE32(0x910103ff), LE32(0xd50323bf), LE32(0xd65f03c0),
};
/* stp d9, d8, [sp, #-48]!; stp x20, x19, [sp, #16]; stp x29, x30, [sp, #32]; add x29, sp, #32; bl .; ldp x29, x30, [sp, #32]; ldp x20, x19, [sp, #16]; ldp d9, d8, [sp], #48; ret */
static const uint32_t vector_pair[] = {
	LE32(0x6dbd23e9), LE32(0xa9014ff4), LE32(0xa9027bfd), LE32(0x910083fd), LE32(0x94000000), LE32(0xa9427bfd), LE32(0xa9414ff4), LE32(0x6cc323e9), LE32(0xd65f03c0),
};
/* str x30, [sp, #-16]!; bl .; ldr x30, [sp], #16; ret */
static const uint32_t single[] = {
	LE32(0xf81f0ffe), LE32(0x94000000), LE32(0xf84107fe), LE32(0xd65f03c0),
};
/* stp x29, x30, [sp, #-16]!; mov x29, sp; str x0, [sp, #-16]!; bl .; add sp, sp, #16; ldp x29, x30, [sp], #16; ret */
static const uint32_t body_push[] = {
	LE32(0xa9bf7bfd), LE32(0x910003fd), LE32(0xf81f0fe0), LE32(0x94000000), LE32(0x910043ff), LE32(0xa8c17bfd), LE32(0xd65f03c0),
};
/* stp x29, x30, [sp, #-32]!; str x28, [sp, #16]; mov x29, sp; mov x16, #0x86a0; movk x16, #1, lsl #16; sub sp, sp, x16; sub sp, sp, #2, lsl #12; bl .; add sp, sp, #2, lsl #12; mov sp, x29; ldr x28, [sp, #16]; ldp x29, x30, [sp], #32; ret */
static const uint32_t large[] = {
	LE32(0xa9be7bfd), LE32(0xf9000bfc), LE32(0x910003fd), LE32(0xd290d410), LE32(0xf2a00030), LE32(0xcb3063ff), LE32(0xd1400bff), LE32(0x94000000), LE32(0x91400bff), LE32(0x910003bf), LE32(0xf9400bfc), LE32(0xa8c27bfd), LE32(0xd65f03c0),
};
/* stp x29, x30, [sp, #-16]!; sub x9, sp, #16, lsl #12; sub sp, sp, #1, lsl #12; str xzr, [sp]; cmp sp, x9; b.ne . - 12; mov x0, sp; bl .; add sp, sp, #16, lsl #12; ldp x29, x30, [sp], #16; ret */
static const uint32_t probes[] = {
	LE32(0xa9bf7bfd), LE32(0xd14043e9), LE32(0xd14007ff), LE32(0xf90003ff), LE32(0xeb2963ff), LE32(0x54ffffa1), LE32(0x910003e0), LE32(0x94000000), LE32(0x914043ff), LE32(0xa8c17bfd), LE32(0xd65f03c0),
};
/* sub sp, sp, #16, lsl #12; sub sp, sp, #32; stp x29, x30, [sp]; mov x29, sp; bl .; ldp x29, x30, [sp]; add sp, sp, #16, lsl #12; add sp, sp, #32; ret */
static const uint32_t bottom[] = {
	LE32(0xd14043ff), LE32(0xd10083ff), LE32(0xa9007bfd), LE32(0x910003fd), LE32(0x94000000), LE32(0xa9407bfd), LE32(0x914043ff), LE32(0x910083ff), LE32(0xd65f03c0),
};
/* stp x29, x30, [sp, #-16]!; mov x29, sp; bl .; ldp x29, x30, [sp], #16; b . + 0x100 */
static const uint32_t tail[] = {
	LE32(0xa9bf7bfd), LE32(0x910003fd), LE32(0x94000000), LE32(0xa8c17bfd), LE32(0x14000040),
};
/* stp x19, x30, [sp, #-16]!; mov x19, x0; bl .; ldp x19, x30, [sp], #16; br x1 */
static const uint32_t tail_away[] = {
	LE32(0xa9bf7bf3), LE32(0xaa0003f3), LE32(0x94000000), LE32(0xa8c17bf3), LE32(0xd61f0020),
};
/* sub sp, sp, #32; str w0, [sp, #28]; ldr w0, [sp, #28]; add sp, sp, #32; ret */
static const uint32_t leaf[] = {
	LE32(0xd10083ff), LE32(0xb9001fe0), LE32(0xb9401fe0), LE32(0x910083ff), LE32(0xd65f03c0),
};
/* stp x29, x30, [sp, #-32]!; str x19, [sp, #16]; mov x29, sp; sub x9, sp, #64; and sp, x9, #-64; bl .; mov sp, x29; ldr x19, [sp, #16]; ldp x29, x30, [sp], #32; ret */
static const uint32_t aligned[] = {
	LE32(0xa9be7bfd), LE32(0xf9000bf3), LE32(0x910003fd), LE32(0xd10103e9), LE32(0x927ae53f), LE32(0x94000000), LE32(0x910003bf), LE32(0xf9400bf3), LE32(0xa8c27bfd), LE32(0xd65f03c0),
};
/* mov x9, x30; bl .; mov x30, x9; ret */
static const uint32_t scratch[] = {
	LE32(0xaa1e03e9), LE32(0x94000000), LE32(0xaa0903fe), LE32(0xd65f03c0),
};
/* cbz x0, . + 24; stp x29, x30, [sp, #-16]!; mov x29, sp; bl .; ldp x29, x30, [sp], #16; ret; ret */
static const uint32_t wrapped[] = {
	LE32(0xb40000c0), LE32(0xa9bf7bfd), LE32(0x910003fd), LE32(0x94000000), LE32(0xa8c17bfd), LE32(0xd65f03c0), LE32(0xd65f03c0),
};
/* stp x16, x30, [sp, #-16]!; adrp x16, .; ldr x17, [x16, #8]; add x16, x16, #8; br x17; nop; nop; nop; adrp x16, .; ldr x17, [x16, #16]; add x16, x16, #16; br x17 */
static const uint32_t linkage[] = {
	LE32(0xa9bf7bf0), LE32(0x90000010), LE32(0xf9400611), LE32(0x91002210), LE32(0xd61f0220), LE32(0xd503201f), LE32(0xd503201f), LE32(0xd503201f), LE32(0x90000010), LE32(0xf9400a11), LE32(0x91004210), LE32(0xd61f0220),
};
/* pacibsp; stp x29, x30, [sp, #-16]!; mov x29, sp; bl .; ldp x29, x30, [sp], #16; retab */
static const uint32_t authenticated[] = {
	LE32(0xd503237f), LE32(0xa9bf7bfd), LE32(0x910003fd), LE32(0x94000000), LE32(0xa8c17bfd), LE32(0xd65f0fff),
};
/* str x30, [sp, #-16]!; mov x16, #0x86a0; movk x16, #1, lsl #16; sub sp, sp, x16; sub sp, sp, #2, lsl #12; bl .; ret */
static const uint32_t deep[] = {
	LE32(0xf81f0ffe), LE32(0xd290d410), LE32(0xf2a00030), LE32(0xcb3063ff), LE32(0xd1400bff), LE32(0x94000000), LE32(0xd65f03c0),
};

enum { NO_START = 1, RETURN = 2, LINKAGE = 4 };
#define CODE(what) (const uint8_t *)what, sizeof(what)
#define LEAF "cfa=sp+0 pc=x30"
static const struct {
	const char *name;
	const uint8_t *bytes;
	size_t size, at;              /* at: index of the instruction */
	unsigned flags;
	const char *expect;           /* offsets in brackets count from the CFA; NULL: nothing for sure */
} rows[] = {
	{ "record: start", CODE(record), 0, 0, LEAF },
	{ "record: pushed", CODE(record), 1, 0, "cfa=sp+48 pc=[-40] x29=[-48] x30=[-40]" },
	{ "record: body", CODE(record), 3, 0, "cfa=x29+48 pc=[-40] x29=[-48] x19=[-32] x20=[-24] x30=[-40]" },
	{ "record: called from", CODE(record), 3, RETURN, "cfa=x29+48 pc=[-40] x29=[-48] x19=[-32] x20=[-24] x30=[-40]" },
	{ "record: before the pops, start unknown", CODE(record), 4, NO_START, "cfa=sp+48 pc=[-40] x29=[-48] x19=[-32] x20=[-24] x30=[-40]" },
	{ "record: two are restored", CODE(record), 5, 0, "cfa=x29+48 pc=[-40] x29=[-48] x30=[-40]" },
	{ "record: popped", CODE(record), 6, 0, LEAF },
	{ "record: at the return, start unknown", CODE(record), 6, NO_START, LEAF },
	{ "record: a call on the way, start unknown", CODE(record), 2, NO_START, NULL },
	{ "signed: signed", CODE(signed_top), 1, 0, LEAF },
	{ "signed: room is taken", CODE(signed_top), 2, 0, "cfa=sp+64 pc=x30" },
	{ "signed: two are stored", CODE(signed_top), 3, 0, "cfa=sp+64 pc=x30 x19=[-24] x20=[-32]" },
	{ "signed: body", CODE(signed_top), 5, 0, "cfa=x29+16 pc=[-8] x29=[-16] x19=[-24] x20=[-32] x30=[-8]" },
	{ "signed: all are restored", CODE(signed_top), 8, 0, "cfa=sp+64 pc=x30" },
	{ "signed: to be authenticated", CODE(signed_top), 9, 0, LEAF },
	{ "signed: at the return", CODE(signed_top), 10, 0, LEAF },
	{ "vectors: pushed", CODE(vector_pair), 1, 0, "cfa=sp+48 pc=x30 d8=[-40] d9=[-48]" },
	{ "vectors: next pair", CODE(vector_pair), 2, 0, "cfa=sp+48 pc=x30 x19=[-24] x20=[-32] d8=[-40] d9=[-48]" },
	{ "vectors: body", CODE(vector_pair), 4, 0, "cfa=x29+16 pc=[-8] x29=[-16] x19=[-24] x20=[-32] x30=[-8] d8=[-40] d9=[-48]" },
	{ "vectors: to be popped", CODE(vector_pair), 7, 0, "cfa=sp+48 pc=x30 d8=[-40] d9=[-48]" },
	{ "vectors: to be popped, start unknown", CODE(vector_pair), 7, NO_START, "cfa=sp+48 pc=x30 d8=[-40] d9=[-48]" },
	{ "vectors: three pops, start unknown", CODE(vector_pair), 5, NO_START,
	  "cfa=sp+48 pc=[-8] x29=[-16] x19=[-24] x20=[-32] x30=[-8] d8=[-40] d9=[-48]" },
	{ "lone x30: pushed", CODE(single), 1, 0, "cfa=sp+16 pc=[-16] x30=[-16]" },
	{ "lone x30: called from", CODE(single), 1, RETURN, "cfa=sp+16 pc=[-16] x30=[-16]" },
	{ "lone x30: pop, start unknown", CODE(single), 2, NO_START, "cfa=sp+16 pc=[-16] x30=[-16]" },
	{ "lone x30: popped", CODE(single), 3, 0, LEAF },
	{ "a push in the body", CODE(body_push), 3, 0, "cfa=x29+16 pc=[-8] x29=[-16] x30=[-8]" },
	{ "a push in the body, undone", CODE(body_push), 5, 0, "cfa=x29+16 pc=[-8] x29=[-16] x30=[-8]" },
	{ "large frame: by a register", CODE(large), 6, 0, "cfa=x29+32 pc=[-24] x29=[-32] x28=[-16] x30=[-24]" },
	{ "large frame: body", CODE(large), 7, 0, "cfa=x29+32 pc=[-24] x29=[-32] x28=[-16] x30=[-24]" },
	{ "large frame, no frame pointer", CODE(deep), 5, 0, "cfa=sp+108208 pc=[-16] x30=[-16]" },
	{ "large frame: SP from the frame pointer", CODE(large), 9, NO_START, "cfa=x29+32 pc=[-24] x29=[-32] x28=[-16] x30=[-24]" },
	{ "probes: in the loop", CODE(probes), 3, 0, "cfa=x9+65552 pc=[-8] x29=[-16] x30=[-8]" },
	{ "probes: behind the loop", CODE(probes), 6, 0, "cfa=sp+65552 pc=[-8] x29=[-16] x30=[-8]" },
	{ "probes: called from", CODE(probes), 7, RETURN, "cfa=sp+65552 pc=[-8] x29=[-16] x30=[-8]" },
	{ "record at the bottom of a large frame", CODE(bottom), 4, 0, "cfa=x29+65568 pc=[-65560] x29=[-65568] x30=[-65560]" },
	{ "tail call", CODE(tail), 4, 0, LEAF },
	{ "before a tail call, start unknown", CODE(tail), 3, NO_START, "cfa=sp+16 pc=[-8] x29=[-16] x30=[-8]" },
	{ "a jump out that may be anything", CODE(tail), 4, NO_START, NULL },
	{ "before a tail call through a register", CODE(tail_away), 3, NO_START, "cfa=sp+16 pc=[-8] x19=[-16] x30=[-8]" },
	{ "a jump through a register that may be anything", CODE(tail_away), 4, NO_START, NULL },
	{ "leaf with a frame", CODE(leaf), 1, 0, "cfa=sp+32 pc=x30" },
	{ "leaf with a frame, start unknown", CODE(leaf), 3, NO_START, "cfa=sp+32 pc=x30" },
	{ "leaf: nothing is called from there", CODE(leaf), 1, RETURN, NULL },
	{ "realigned: by the frame pointer", CODE(aligned), 5, 0, "cfa=x29+32 pc=[-24] x29=[-32] x19=[-16] x30=[-24]" },
	{ "realigned: called from", CODE(aligned), 5, RETURN, "cfa=x29+32 pc=[-24] x29=[-32] x19=[-16] x30=[-24]" },
	{ "return address in a scratch register", CODE(scratch), 1, 0, LEAF },
	{ "return address in a scratch register, which calls may change", CODE(scratch), 2, 0, NULL },
	{ "wrapped: outside", CODE(wrapped), 6, 0, LEAF },
	{ "wrapped: inside", CODE(wrapped), 2, 0, "cfa=sp+16 pc=[-8] x29=[-16] x30=[-8]" },
	{ "linkage table: head", CODE(linkage), 0, LINKAGE, LEAF },
	{ "linkage table: pushed for the resolver", CODE(linkage), 1, LINKAGE, "cfa=sp+16 pc=[-8] x30=[-8]" },
	{ "linkage table: entry", CODE(linkage), 9, LINKAGE, LEAF },
	{ "authenticating return", CODE(authenticated), 5, 0, LEAF },
	{ "before an authenticating return, start unknown", CODE(authenticated), 4, NO_START, "cfa=sp+16 pc=[-8] x29=[-16] x30=[-8]" },
};

static const char *name_of(uint8_t slot)
{
	return wb_arch_aarch64.regs[slot].name;
}

static void put_rule(char *text, const struct wb_row_rule *rule)
{
	const char *name = rule->slot == WB_SLOT_CFA ? "cfa" : name_of(rule->slot);

	if (rule->slot == WB_SLOT_CFA)
		put(text, "cfa=%s%+d", name_of(rule->base), (int)rule->offset);
	else if (rule->kind == WB_RULE_REGISTER)
		put(text, "%s=%s", name, name_of(rule->base));
	else if (rule->kind == WB_RULE_OFFSET)
		put(text, "%s=[%d]", name, (int)rule->offset);
	else
		put(text, "%s=%s", name, rule->kind == WB_RULE_UNDEFINED ? "lost" : "else");
}

static void describe_row(const struct wb_code_row *row, char *text)
{
	text[0] = 0;
	if (!(row->row.flags & WB_ROW_GENERAL))
		put(text, "cfa=%s%+d pc=[%d]", row->row.flags & WB_ROW_FP_BASE ? "x29" : "sp", (int)row->row.cfa_offset, row->row.ra_offset);
	if (row->row.flags & WB_ROW_FP_SAVED)
		put(text, "x29=[%d]", row->row.fp_offset);
	for (unsigned i = 0; i < row->row.num_rules; i++)
		put_rule(text, &row->rules[i]);
}

static void follows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wb_code_window window = { .bytes = rows[i].bytes, .size = rows[i].size, .at = rows[i].at * 4, .end = rows[i].size,
		                                 .start = rows[i].flags & NO_START ? SIZE_MAX : 0, .exact = !(rows[i].flags & RETURN),
		                                 .is_linkage = rows[i].flags & LINKAGE };
		struct wb_code_row row;
		char text[TEXT];

		test_row(rows[i].name);
		if (!CHECK_EQ_I64(wb_code_follow(&wb_aarch64_machine, &wb_arch_aarch64, &window, &row), rows[i].expect ? WB_OK : WB_NONE) ||
		    !rows[i].expect)
			continue;
		describe_row(&row, text);
		CHECK_STR(text, rows[i].expect);
		CHECK_EQ_I64(row.row.how, WB_HOW_CODE);
	}
	test_row(NULL);
}

static void tells_calls(void)
{
	static const uint32_t code[] = { LE32(0x94000002), LE32(0xd63f0100), LE32(0xd503201f) };

	CHECK(wb_code_aarch64.ends_in_call((const uint8_t *)code, 4));
	CHECK(wb_code_aarch64.ends_in_call((const uint8_t *)code, 8));
	CHECK(!wb_code_aarch64.ends_in_call((const uint8_t *)code, 12));
	CHECK(!wb_code_aarch64.ends_in_call((const uint8_t *)code, 3));
}

int main(void)
{
	TEST_RUN(decodes);
	TEST_RUN(follows);
	TEST_RUN(tells_calls);
	return test_summary();
}
