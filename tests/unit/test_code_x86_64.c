/* SPDX-License-Identifier: MIT */
/*
 * x86-64 code as the code strategy reads it: instructions by their lengths and kinds (encodings by Intel SDM volume 2, as GNU as makes them), and rows by
 * the flow of whole functions, worked out by hand: the comment beside an instruction is its offset.
 */
#include "unwind/code_reader.h"
#include "unwind/code_x86_64_insn.h"

#include "tests/test.h"

enum { RBX = 3, RBP = 6, R12 = 12, R13 = 13 };

static const struct {
	const char *name;
	uint8_t bytes[16];
	uint8_t size;
	enum wb_x86_kind kind;
	int64_t value;
	uint16_t writes;              /* by the numbers of instructions: rbx 3, rsp 4, rbp 5 */
} instructions[] = {
	{ "nop", { 0x90 }, 1, WB_X86_OTHER, 0, 1 },
	{ "endbr64", { 0xf3, 0x0f, 0x1e, 0xfa }, 4, WB_X86_OTHER, 0, 0 },
	{ "push rbp", { 0x55 }, 1, WB_X86_PUSH, 0, 0 },
	{ "push r12", { 0x41, 0x54 }, 2, WB_X86_PUSH, 0, 0 },
	{ "push imm8", { 0x6a, 0x01 }, 2, WB_X86_PUSH, 0, 0 },
	{ "push imm32", { 0x68, 1, 2, 3, 4 }, 5, WB_X86_PUSH, 0, 0 },
	{ "push [rip+d]", { 0xff, 0x35, 1, 2, 3, 4 }, 6, WB_X86_PUSH, 0, 0 },
	{ "push ax", { 0x66, 0x50 }, 2, WB_X86_SP_LOST, 0, 0 },
	{ "pop rbx", { 0x5b }, 1, WB_X86_POP, 0, 0 },
	{ "sub rsp, 24", { 0x48, 0x83, 0xec, 0x18 }, 4, WB_X86_ADD_SP, -24, 0 },
	{ "add rsp, 0x1000", { 0x48, 0x81, 0xc4, 0x00, 0x10, 0, 0 }, 7, WB_X86_ADD_SP, 0x1000, 0 },
	{ "sub rsp, -128", { 0x48, 0x83, 0xec, 0x80 }, 4, WB_X86_ADD_SP, 128, 0 },
	{ "and rsp, -64", { 0x48, 0x83, 0xe4, 0xc0 }, 4, WB_X86_ALIGN_SP, -64, 0 },
	{ "and esp, -64", { 0x83, 0xe4, 0xc0 }, 3, WB_X86_SP_LOST, 0, 0 },
	{ "cmp rsp, 8", { 0x48, 0x83, 0xfc, 0x08 }, 4, WB_X86_OTHER, 0, 0 },
	{ "sub rsp, rax", { 0x48, 0x29, 0xc4 }, 3, WB_X86_SP_LOST, 0, 0 },
	{ "xchg rax, rsp", { 0x48, 0x94 }, 2, WB_X86_SP_LOST, 0, 0 },
	{ "lea rsp, [rsp-24]", { 0x48, 0x8d, 0x64, 0x24, 0xe8 }, 5, WB_X86_ADD_SP, -24, 0 },
	{ "lea rsp, [rbp-40]", { 0x48, 0x8d, 0x65, 0xd8 }, 4, WB_X86_SP_FROM_FP, -40, 0 },
	{ "lea rsp, [rsi]", { 0x48, 0x8d, 0x26 }, 3, WB_X86_SP_FROM_REG, 0, 0 },
	{ "lea rsp, [r10-8]", { 0x49, 0x8d, 0x62, 0xf8 }, 4, WB_X86_SP_FROM_REG, -8, 0 },
	{ "lea r10, [rsp+8]", { 0x4c, 0x8d, 0x54, 0x24, 0x08 }, 5, WB_X86_LEA_SP, 8, 1 << 10 },
	{ "lea rbp, [rsp+16]", { 0x48, 0x8d, 0x6c, 0x24, 0x10 }, 5, WB_X86_FP_FROM_SP, 16, 0 },
	{ "mov rbp, rsp", { 0x48, 0x89, 0xe5 }, 3, WB_X86_FP_FROM_SP, 0, 0 },
	{ "mov rbp, rsp, the other way", { 0x48, 0x8b, 0xec }, 3, WB_X86_FP_FROM_SP, 0, 0 },
	{ "mov rsp, rbp", { 0x48, 0x89, 0xec }, 3, WB_X86_SP_FROM_FP, 0, 0 },
	{ "mov rax, rsp", { 0x48, 0x89, 0xe0 }, 3, WB_X86_OTHER, 0, 1 },
	{ "mov rsp, rax", { 0x48, 0x89, 0xc4 }, 3, WB_X86_SP_LOST, 0, 0 },
	{ "mov rbp, [rbp]", { 0x48, 0x8b, 0x6d, 0x00 }, 4, WB_X86_LOAD, 0, 1 << 5 },
	{ "mov [rsp+8], rbx", { 0x48, 0x89, 0x5c, 0x24, 0x08 }, 5, WB_X86_STORE, 8, 0 },
	{ "mov [rsp+rcx*8], rbx", { 0x48, 0x89, 0x1c, 0xcc }, 4, WB_X86_OTHER, 0, 0 },
	{ "mov [rbx], rax", { 0x48, 0x89, 0x03 }, 3, WB_X86_OTHER, 0, 0 },
	{ "mov ebx, imm32", { 0xbb, 1, 2, 3, 4 }, 5, WB_X86_OTHER, 0, 1 << 3 },
	{ "mov rax, imm64", { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 }, 10, WB_X86_OTHER, 0, 1 },
	{ "mov ch, 1", { 0xb5, 0x01 }, 2, WB_X86_OTHER, 0, 1 << 1 },
	{ "mov bpl, 1", { 0x40, 0xb5, 0x01 }, 3, WB_X86_OTHER, 0, 1 << 5 },
	{ "mov word [rax], imm16", { 0x66, 0xc7, 0x00, 1, 2 }, 5, WB_X86_OTHER, 0, 0 },
	{ "test byte [rax], imm8", { 0xf6, 0x00, 1 }, 3, WB_X86_OTHER, 0, 0 },
	{ "not ebx", { 0xf7, 0xd3 }, 2, WB_X86_OTHER, 0, 1 << 3 },
	{ "cmp rbx, rbp", { 0x48, 0x39, 0xeb }, 3, WB_X86_OTHER, 0, 0 },
	{ "xor ebp, ebp", { 0x31, 0xed }, 2, WB_X86_OTHER, 0, 1 << 5 },
	{ "cmovne r12, rax", { 0x4c, 0x0f, 0x45, 0xe0 }, 4, WB_X86_OTHER, 0, 1 << 12 },
	{ "movaps xmm4, [rip+d]", { 0x0f, 0x28, 0x25, 1, 2, 3, 4 }, 7, WB_X86_OTHER, 0, 0 },
	{ "movq xmm3, xmm4", { 0xf3, 0x0f, 0x7e, 0xdc }, 4, WB_X86_OTHER, 0, 0 },
	{ "movq rbx, xmm0", { 0x66, 0x48, 0x0f, 0x7e, 0xc3 }, 5, WB_X86_OTHER, 0, 1 << 3 },
	{ "vzeroupper", { 0xc5, 0xf8, 0x77 }, 3, WB_X86_OTHER, 0, 0 },
	{ "vpshufb, three bytes of VEX", { 0xc4, 0xe2, 0x71, 0x00, 0xc2 }, 5, WB_X86_OTHER, 0, 0 },
	{ "vpalignr imm8", { 0xc4, 0xe3, 0x71, 0x0f, 0xc2, 0x08 }, 6, WB_X86_OTHER, 0, 0 },
	{ "vmovdqu64 zmm, EVEX", { 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x46, 0x01 }, 7, WB_X86_OTHER, 0, 0 },
	{ "leave", { 0xc9 }, 1, WB_X86_LEAVE, 0, 0 },
	{ "ret", { 0xc3 }, 1, WB_X86_RETURN, 0, 0 },
	{ "rep ret", { 0xf3, 0xc3 }, 2, WB_X86_RETURN, 0, 0 },
	{ "ret 8", { 0xc2, 0x08, 0x00 }, 3, WB_X86_RETURN, 0, 0 },
	{ "call rel32", { 0xe8, 1, 0, 0, 0 }, 5, WB_X86_CALL, 1, 0 },
	{ "data16 call, as for thread-local data", { 0x66, 0x66, 0x48, 0xe8, 1, 0, 0, 0 }, 8, WB_X86_CALL, 1, 0 },
	{ "call [rip+d]", { 0xff, 0x15, 1, 0, 0, 0 }, 6, WB_X86_CALL, 0, 0 },
	{ "jmp rel8", { 0xeb, 0xfe }, 2, WB_X86_JUMP, -2, 0 },
	{ "jmp rel32", { 0xe9, 0x10, 0, 0, 0 }, 5, WB_X86_JUMP, 16, 0 },
	{ "jne rel8", { 0x75, 0x05 }, 2, WB_X86_JUMP_IF, 5, 0 },
	{ "jne rel32", { 0x0f, 0x85, 0xff, 0xff, 0xff, 0xff }, 6, WB_X86_JUMP_IF, -1, 0 },
	{ "jrcxz", { 0xe3, 0x05 }, 2, WB_X86_JUMP_IF, 5, 0 },
	{ "jmp rax", { 0xff, 0xe0 }, 2, WB_X86_JUMP_AWAY, 0, 0 },
	{ "notrack jmp [table+rax*8]", { 0x3e, 0xff, 0x24, 0xc5, 0, 0, 0, 0 }, 8, WB_X86_JUMP_AWAY, 0, 0 },
	{ "jmp [rip+d], a linkage table's", { 0xff, 0x25, 1, 0, 0, 0 }, 6, WB_X86_JUMP_LINKED, 0, 0 },
	{ "bnd jmp [rip+d]", { 0xf2, 0xff, 0x25, 1, 0, 0, 0 }, 7, WB_X86_JUMP_LINKED, 0, 0 },
	{ "hlt", { 0xf4 }, 1, WB_X86_STOP, 0, 0 },
	{ "ud2", { 0x0f, 0x0b }, 2, WB_X86_STOP, 0, 0 },
	{ "syscall", { 0x0f, 0x05 }, 2, WB_X86_OTHER, 0, 0 },
};

static void decodes(void)
{
	for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
		struct wb_x86_insn insn = { .length = 0 };

		test_row(instructions[i].name);
		if (!CHECK(wb_x86_decode(instructions[i].bytes, sizeof(instructions[i].bytes), &insn)))
			continue;
		CHECK_EQ_U64(insn.length, instructions[i].size);
		CHECK_EQ_I64(insn.kind, instructions[i].kind);
		CHECK_EQ_I64(insn.value, instructions[i].value);
		CHECK_EQ_U64(insn.writes, instructions[i].writes);
		/* Cut anywhere, it is none. */
		for (size_t size = 0; size < instructions[i].size; size++)
			CHECK(!wb_x86_decode(instructions[i].bytes, size, &insn) || insn.length <= size);
	}
	test_row(NULL);
}

/* ---- Rows ---- */

/* push rbx; sub rsp, 16; mov ebx, edi; call; mov eax, ebx; add rsp, 16; pop rbx; ret */
static const uint8_t saves_rbx[] = {
	/*  0 */ 0x53, /* 1 */ 0x48, 0x83, 0xec, 0x10, /* 5 */ 0x89, 0xfb, /* 7 */ 0xe8, 0, 0, 0, 0, /* 12 */ 0x89, 0xd8,
	/* 14 */ 0x48, 0x83, 0xc4, 0x10, /* 18 */ 0x5b, /* 19 */ 0xc3,
};
/* push rbp; mov rbp, rsp; push r12; and rsp, -32; sub rsp, 64; call; lea rsp, [rbp-8]; pop r12; pop rbp; ret */
static const uint8_t aligned[] = {
	/*  0 */ 0x55, /* 1 */ 0x48, 0x89, 0xe5, /* 4 */ 0x41, 0x54, /* 6 */ 0x48, 0x83, 0xe4, 0xe0, /* 10 */ 0x48, 0x83, 0xec, 0x40,
	/* 14 */ 0xe8, 0, 0, 0, 0, /* 19 */ 0x48, 0x8d, 0x65, 0xf8, /* 23 */ 0x41, 0x5c, /* 25 */ 0x5d, /* 26 */ 0xc3,
};
/* push rbp; mov rbp, rsp; push r12; and rsp, -32; lea rsp, [rbp-8]; pop r12; pop rbp; ret */
static const uint8_t realigns[] = {
	/*  0 */ 0x55, /* 1 */ 0x48, 0x89, 0xe5, /* 4 */ 0x41, 0x54, /* 6 */ 0x48, 0x83, 0xe4, 0xe0,
	/* 10 */ 0x48, 0x8d, 0x65, 0xf8, /* 14 */ 0x41, 0x5c, /* 16 */ 0x5d, /* 17 */ 0xc3,
};
/* cmp edi, 0; jne 16; push rbp; mov rbp, rsp; call; pop rbp; 15: ret; 16: nop; jmp 15: shrink-wrapped, as crt's __do_global_dtors_aux */
static const uint8_t wrapped[] = {
	/*  0 */ 0x83, 0xff, 0x00, /* 3 */ 0x75, 0x0b, /* 5 */ 0x55, /* 6 */ 0x48, 0x89, 0xe5, /* 9 */ 0xe8, 0, 0, 0, 0, /* 14 */ 0x5d,
	/* 15 */ 0xc3, /* 16 */ 0x90, /* 17 */ 0xeb, 0xfc,
};
/* test edi, edi; je 10; push rax; call abort; 10: ret: behind the call, RSP is not where the call had it */
static const uint8_t two_depths[] = {
	/*  0 */ 0x85, 0xff, /* 2 */ 0x74, 0x06, /* 4 */ 0x50, /* 5 */ 0xe8, 0, 0, 0, 0, /* 10 */ 0xc3,
};
/* push rax on one path only, and both meet: no depth is right for both */
static const uint8_t contradicts[] = { /* 0 */ 0x74, 0x01, /* 2 */ 0x50, /* 3 */ 0x90, /* 4 */ 0xc3 };
/* jmp [rip+0]; push 0; jmp plt0: an entry of a lazy linkage table */
static const uint8_t linkage[] = { /* 0 */ 0xff, 0x25, 0, 0, 0, 0, /* 6 */ 0x68, 0, 0, 0, 0, /* 11 */ 0xe9, 0xf0, 0xff, 0xff, 0xff };
/* mov [rsp-16], rbx; mov ebx, edi; mov rbx, [rsp-16]; ret: in the red zone */
static const uint8_t red_zone[] = {
	/*  0 */ 0x48, 0x89, 0x5c, 0x24, 0xf0, /* 5 */ 0x89, 0xfb, /* 7 */ 0x48, 0x8b, 0x5c, 0x24, 0xf0, /* 12 */ 0xc3,
};
/* enter by leave: push rbp; mov rbp, rsp; sub rsp, 32; leave; ret */
static const uint8_t leaves[] = { /* 0 */ 0x55, /* 1 */ 0x48, 0x89, 0xe5, /* 4 */ 0x48, 0x83, 0xec, 0x20, /* 8 */ 0xc9, /* 9 */ 0xc3 };

enum { NO_START = 1, RETURN = 2, BY_FP = 4, NOTHING = 8, UNDEFINED = 127 };
#define CODE(what) what, sizeof(what)
static const struct {
	const char *name;
	const uint8_t *bytes;
	size_t size, at;
	unsigned flags;
	int cfa, fp;                  /* offsets; fp 0: unchanged */
	struct { uint8_t slot; int offset; } rules[2]; /* offset UNDEFINED: lost */
} rows[] = {
	{ "at the start", CODE(saves_rbx), 0, 0, 8, 0, { { 0, 0 } } },
	{ "behind the push", CODE(saves_rbx), 1, 0, 16, 0, { { RBX, -16 } } },
	{ "in the body", CODE(saves_rbx), 7, 0, 32, 0, { { RBX, -16 } } },
	{ "called from", CODE(saves_rbx), 11, RETURN, 32, 0, { { RBX, -16 } } },
	{ "the call's inside is no instruction", CODE(saves_rbx), 9, RETURN | NOTHING, 0, 0, { { 0, 0 } } },
	{ "behind the call", CODE(saves_rbx), 12, 0, 32, 0, { { RBX, -16 } } },
	{ "behind the add", CODE(saves_rbx), 18, 0, 16, 0, { { RBX, -16 } } },
	{ "at the return", CODE(saves_rbx), 19, 0, 8, 0, { { 0, 0 } } },
	{ "from behind the call to the return", CODE(saves_rbx), 12, NO_START, 32, 0, { { RBX, -16 } } },
	{ "to the return", CODE(saves_rbx), 18, NO_START, 16, 0, { { RBX, -16 } } },
	{ "at the return, start unknown", CODE(saves_rbx), 19, NO_START, 8, 0, { { 0, 0 } } },
	{ "a call on the way, start unknown", CODE(saves_rbx), 5, NO_START | NOTHING, 0, 0, { { 0, 0 } } },
	{ "return address, start unknown", CODE(saves_rbx), 11, NO_START | RETURN | NOTHING, 0, 0, { { 0, 0 } } },
	{ "aligned, before", CODE(aligned), 6, BY_FP, 16, -16, { { R12, -24 } } },
	{ "aligned: by the frame pointer", CODE(aligned), 14, BY_FP, 16, -16, { { R12, -24 } } },
	{ "aligned: called from", CODE(aligned), 18, RETURN | BY_FP, 16, -16, { { R12, -24 } } },
	{ "aligned: SP is back", CODE(aligned), 23, BY_FP, 16, -16, { { R12, -24 } } },
	{ "aligned: to the return, SP from the frame pointer", CODE(aligned), 19, NO_START | BY_FP, 16, -16, { { R12, -24 } } },
	{ "aligned: pops", CODE(aligned), 23, NO_START, 24, -16, { { R12, -24 } } },
	{ "aligned: before the push of a register that is restored by the frame pointer", CODE(realigns), 4, NO_START | BY_FP, 16, -16, { { 0, 0 } } },
	{ "wrapped: before", CODE(wrapped), 0, NO_START, 8, 0, { { 0, 0 } } },
	{ "wrapped: jump", CODE(wrapped), 3, NO_START, 8, 0, { { 0, 0 } } },
	{ "wrapped: the push's path has a call", CODE(wrapped), 5, NO_START | NOTHING, 0, 0, { { 0, 0 } } },
	{ "wrapped: the push's path from the start", CODE(wrapped), 6, 0, 16, -16, { { 0, 0 } } },
	{ "wrapped: called from", CODE(wrapped), 13, RETURN | BY_FP, 16, -16, { { 0, 0 } } },
	{ "wrapped: outside", CODE(wrapped), 16, 0, 8, 0, { { 0, 0 } } },
	{ "wrapped: a jump back to the return", CODE(wrapped), 16, NO_START, 8, 0, { { 0, 0 } } },
	{ "behind a call that does not return, another path knows", CODE(two_depths), 10, 0, 8, 0, { { 0, 0 } } },
	{ "called from there", CODE(two_depths), 9, RETURN, 16, 0, { { 0, 0 } } },
	{ "paths that do not agree", CODE(contradicts), 4, NOTHING, 0, 0, { { 0, 0 } } },
	{ "returns that do not agree", CODE(contradicts), 0, NO_START | NOTHING, 0, 0, { { 0, 0 } } },
	{ "a linkage table's jump", CODE(linkage), 0, NO_START, 8, 0, { { 0, 0 } } },
	{ "what it pushes for the resolver", CODE(linkage), 6, NO_START | NOTHING, 0, 0, { { 0, 0 } } },
	{ "red zone: stored", CODE(red_zone), 5, 0, 8, 0, { { RBX, -24 } } },
	{ "red zone: loaded again", CODE(red_zone), 12, 0, 8, 0, { { 0, 0 } } },
	{ "before leave, from the start", CODE(leaves), 8, BY_FP, 16, -16, { { 0, 0 } } },
	{ "before leave, start unknown", CODE(leaves), 8, NO_START | BY_FP, 16, -16, { { 0, 0 } } },
	{ "behind leave", CODE(leaves), 9, 0, 8, 0, { { 0, 0 } } },
};

static void check_rules(const struct wb_code_row *row, size_t i)
{
	unsigned expected = 0;

	for (; expected < 2 && rows[i].rules[expected].slot; expected++) {
		if (expected >= row->row.num_rules)
			break;
		CHECK_EQ_U64(row->rules[expected].slot, rows[i].rules[expected].slot);
		CHECK_EQ_I64(row->rules[expected].kind, rows[i].rules[expected].offset == UNDEFINED ? WB_RULE_UNDEFINED : WB_RULE_OFFSET);
		if (rows[i].rules[expected].offset != UNDEFINED)
			CHECK_EQ_I64(row->rules[expected].offset, rows[i].rules[expected].offset);
	}
	CHECK_EQ_U64(row->row.num_rules, expected);
}

static void follows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wb_code_window window = { .bytes = rows[i].bytes, .size = rows[i].size, .at = rows[i].at, .end = rows[i].size,
		                                 .start = rows[i].flags & NO_START ? SIZE_MAX : 0, .exact = !(rows[i].flags & RETURN) };
		struct wb_code_row row;

		test_row(rows[i].name);
		if (!CHECK_EQ_I64(wb_code_follow(&wb_x86_machine, &wb_arch_x86_64, &window, &row), rows[i].flags & NOTHING ? WB_NONE : WB_OK) ||
		    rows[i].flags & NOTHING)
			continue;
		CHECK_EQ_I64(row.row.cfa_offset, rows[i].cfa);
		CHECK_EQ_I64(row.row.ra_offset, -8);
		CHECK_EQ_I64(row.row.how, WB_HOW_CODE);
		CHECK_EQ_U64(!!(row.row.flags & WB_ROW_FP_BASE), !!(rows[i].flags & BY_FP));
		CHECK_EQ_I64(row.row.flags & WB_ROW_FP_SAVED ? row.row.fp_offset : 0, rows[i].fp);
		check_rules(&row, i);
	}
	test_row(NULL);
}

/* ---- Frames behind a rounded stack pointer, and jumps by tables ---- */

/* As gcc rounds RSP in a function that has arguments on the stack: the CFA is in R10, then in the frame, then in R10 again. */
static const uint8_t rounded[] = {
	/*  0 lea r10, [rsp+8] */ 0x4c, 0x8d, 0x54, 0x24, 0x08, /*  5 and rsp, -64 */ 0x48, 0x83, 0xe4, 0xc0, /*  9 push [r10-8] */ 0x41, 0xff, 0x72, 0xf8,
	/* 13 push rbp */ 0x55, /* 14 mov rbp, rsp */ 0x48, 0x89, 0xe5, /* 17 push r10 */ 0x41, 0x52, /* 19 push rbx */ 0x53,
	/* 20 sub rsp, rax */ 0x48, 0x29, 0xc4, /* 23 call */ 0xe8, 0, 0, 0, 0, /* 28 lea rsp, [rbp-16] */ 0x48, 0x8d, 0x65, 0xf0, /* 32 pop rbx */ 0x5b,
	/* 33 pop r10 */ 0x41, 0x5a, /* 35 pop rbp */ 0x5d, /* 36 lea rsp, [r10-8] */ 0x49, 0x8d, 0x62, 0xf8, /* 40 ret */ 0xc3,
};
/* push rbp; mov rbp, rsp; jmp [table+rdi*8]; where no jump leads: pop rbp; jmp elsewhere; xor eax, eax; pop rbp; ret */
static const uint8_t by_table[] = {
	/*  0 */ 0x55, /* 1 */ 0x48, 0x89, 0xe5, /* 4 */ 0xff, 0x24, 0xfd, 0, 0, 0, 0, /* 11 */ 0x5d, /* 12 */ 0xe9, 0, 1, 0, 0,
	/* 17 */ 0x31, 0xc0, /* 19 */ 0x5d, /* 20 */ 0xc3,
};

enum { SIMPLE = 0xff, R10 = 10, RSP = 7, RIP = 16 };
static const struct {
	const char *name;
	const uint8_t *bytes;
	size_t size, at;
	bool is_return;
	int cfa;                      /* SIMPLE: its offset, from RSP */
	uint8_t base;                 /* of the CFA; SIMPLE */
	uint8_t kind;
	int offset;                   /* DEREF: of the word with the CFA */
	int rbx;                      /* offset of where it is saved, from `by`; 0: not */
	uint8_t by;
} places[] = {
	{ "the CFA in r10", CODE(rounded), 5, false, 8, SIMPLE, 0, 0, 0, 0 },
	{ "rounded", CODE(rounded), 9, false, 0, R10, WB_RULE_OFFSET, 0, 0, 0 },
	{ "rbp is pushed", CODE(rounded), 14, false, 0, R10, WB_RULE_OFFSET, 0, 0, RSP },
	{ "rbp leads", CODE(rounded), 20, false, 0, R10, WB_RULE_OFFSET, 0, -16, RBP },
	{ "called from", CODE(rounded), 27, true, 0, RBP, WB_RULE_DEREF, -8, -16, RBP },
	{ "behind the call", CODE(rounded), 28, false, 0, RBP, WB_RULE_DEREF, -8, -16, RBP },
	{ "rbx is back", CODE(rounded), 33, false, 0, RBP, WB_RULE_DEREF, -8, 0, RBP },
	{ "r10 is back", CODE(rounded), 35, false, 0, R10, WB_RULE_OFFSET, 0, 0, RBP },
	{ "rbp is back", CODE(rounded), 36, false, 0, R10, WB_RULE_OFFSET, 0, 0, 0 },
	{ "at the return", CODE(rounded), 40, false, 8, SIMPLE, 0, 0, 0, 0 },
	{ "where a table leads", CODE(by_table), 12, false, 8, SIMPLE, 0, 0, 0, 0 },
	{ "and behind that", CODE(by_table), 20, false, 8, SIMPLE, 0, 0, 0, 0 },
};

static const struct wb_row_rule *rule_of(const struct wb_code_row *row, uint8_t slot)
{
	for (uint8_t i = 0; i < row->row.num_rules; i++)
		if (row->rules[i].slot == slot)
			return &row->rules[i];
	return NULL;
}

static void check_place(const struct wb_code_row *row, size_t i)
{
	const struct wb_row_rule *pc = rule_of(row, RIP), *rbx = rule_of(row, RBX);

	CHECK_EQ_U64(row->row.flags, WB_ROW_GENERAL);
	CHECK_EQ_U64(row->rules[0].slot, WB_SLOT_CFA);
	CHECK_EQ_U64(row->rules[0].kind, places[i].kind);
	CHECK_EQ_U64(row->rules[0].base, places[i].base);
	CHECK_EQ_I64(row->rules[0].offset, places[i].offset);
	if (CHECK(pc != NULL)) {
		CHECK_EQ_U64(pc->kind, WB_RULE_OFFSET);
		CHECK_EQ_I64(pc->offset, -8);
	}
	CHECK(!rbx == !places[i].rbx);
	if (rbx && places[i].rbx) {
		CHECK_EQ_U64(rbx->kind, WB_RULE_DEREF);
		CHECK_EQ_U64(rbx->base, places[i].by);
		CHECK_EQ_I64(rbx->offset, places[i].rbx);
	}
}

static void rounds(void)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct wb_code_window window = { .bytes = places[i].bytes, .size = places[i].size, .at = places[i].at, .end = places[i].size,
		                                 .exact = !places[i].is_return };
		struct wb_code_row row;

		test_row(places[i].name);
		if (!CHECK_EQ_I64(wb_code_follow(&wb_x86_machine, &wb_arch_x86_64, &window, &row), WB_OK))
			continue;
		if (places[i].base != SIMPLE) {
			check_place(&row, i);
			continue;
		}
		CHECK_EQ_U64(row.row.flags, 0);
		CHECK_EQ_U64(row.row.num_rules, 0);
		CHECK_EQ_I64(row.row.cfa_offset, places[i].cfa);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(decodes);
	TEST_RUN(follows);
	TEST_RUN(rounds);
	return test_summary();
}
