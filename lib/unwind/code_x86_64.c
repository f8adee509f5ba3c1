/* SPDX-License-Identifier: MIT */
/*
 * x86-64 instructions around a pc, as far as they say for sure where the return address is: at a function's first instructions up to the set-up
 * frame pointer, and at its return. Anything else is not answered. Encodings: Intel SDM volume 2.
 */
#include "unwind/code_reader.h"
#include "unwind/code_x86_64_insn.h"
#include "unwind/strategy.h"

#include <string.h>

static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
static const uint8_t push_rbp[] = { 0x55 };
static const uint8_t mov_rbp_rsp[] = { 0x48, 0x89, 0xe5 };
static const uint8_t mov_rbp_rsp_load[] = { 0x48, 0x8b, 0xec }; /* the other encoding of the same */

static bool has(const uint8_t *bytes, size_t size, size_t at, const uint8_t *wanted, size_t count)
{
	return at <= size && size - at >= count && !memcmp(bytes + at, wanted, count);
}
#define HAS(at, what) has(bytes, size, at, what, sizeof(what))

static bool at_return(const uint8_t *bytes, size_t size, size_t at)
{
	size_t left = size - at;

	/* ret; ret imm16; rep ret; bnd ret (both prefixes are padding here) */
	return left && (bytes[at] == 0xc3 || (bytes[at] == 0xc2 && left >= 3) ||
	                ((bytes[at] == 0xf3 || bytes[at] == 0xf2) && left >= 2 && bytes[at + 1] == 0xc3));
}

static bool at_mov_rbp_rsp(const uint8_t *bytes, size_t size, size_t at)
{
	return HAS(at, mov_rbp_rsp) || HAS(at, mov_rbp_rsp_load);
}

static enum wb_err row(const struct wb_arch_info *arch, const uint8_t *bytes, size_t size, size_t at, size_t start, struct wb_row *ret_row)
{
	struct wb_row leaf = wb_row_of_convention(arch, &arch->leaf, WB_HOW_LEAF);
	bool has_endbr = HAS(start, endbr64), after_endbr = has_endbr && at == start + sizeof(endbr64);
	size_t first = has_endbr ? start + sizeof(endbr64) : start;

	/* An endbr64 also stands behind calls that return twice: it starts a function only where no other start is known. */
	if (at_return(bytes, size, at) || at == start || after_endbr || (start == WB_START_UNKNOWN && HAS(at, endbr64)) ||
	    (HAS(at, push_rbp) && at_mov_rbp_rsp(bytes, size, at + 1))) {
		*ret_row = leaf;
		return WB_OK;
	}
	/* Behind "push rbp" at the function's start: rbp is saved, and still the caller's. */
	if (at >= 1 && HAS(at - 1, push_rbp) && (at - 1 == first || at_mov_rbp_rsp(bytes, size, at))) {
		*ret_row = leaf;
		ret_row->cfa_offset += arch->word_size;
		ret_row->fp_offset = (int16_t)(-2 * arch->word_size);
		ret_row->flags |= WB_ROW_FP_SAVED;
		return WB_OK;
	}
	return WB_NONE;
}

static bool ends_in_call(const uint8_t *bytes, size_t size)
{
	/* call rel32 */
	if (size >= 5 && bytes[size - 5] == 0xe8)
		return true;
	/* call r/m64: ff /2, of 2 to 7 bytes with its ModRM, SIB and displacement */
	for (size_t length = 2; length <= 7 && length <= size; length++) {
		const uint8_t *at = bytes + size - length;
		uint8_t mod = at[1] >> 6, rm = at[1] & 7;
		size_t expected = 2;

		if (at[0] != 0xff || (at[1] >> 3 & 7) != 2)
			continue;
		if (mod != 3 && rm == 4)
			expected++;
		if (mod == 1)
			expected += 1;
		else if (mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && length > 2 && (at[2] & 7) == 5))))
			expected += 4;
		if (expected == length)
			return true;
	}
	return false;
}

/* ---- Instructions for the flow ---- */

static void push(struct wb_code_insn *insn, uint8_t reg)
{
	wb_code_add_op(insn, WB_OP_ADD, WB_X86_RSP, WB_X86_RSP, -8);
	wb_code_add_op(insn, WB_OP_PUSH, reg, WB_X86_RSP, 0);
}

static void pop(struct wb_code_insn *insn, uint8_t reg)
{
	wb_code_add_op(insn, WB_OP_LOAD, reg, WB_X86_RSP, 0);
	if (reg != WB_X86_RSP)
		wb_code_add_op(insn, WB_OP_ADD, WB_X86_RSP, WB_X86_RSP, 8);
}

static void jump(struct wb_code_insn *insn, enum wb_code_next next, int64_t target)
{
	insn->next = (uint8_t)next;
	insn->target = target;
}

/* What an instruction of this architecture means to the flow. */
static void translate(const struct wb_x86_insn *x86, struct wb_code_insn *insn)
{
	int32_t value = (int32_t)x86->value;

	switch (x86->kind) {
	case WB_X86_PUSH: push(insn, x86->reg); break;
	case WB_X86_POP: pop(insn, x86->reg); break;
	case WB_X86_ADD_SP: wb_code_add_op(insn, WB_OP_ADD, WB_X86_RSP, WB_X86_RSP, value); break;
	case WB_X86_SP_FROM_FP: wb_code_add_op(insn, WB_OP_ADD, WB_X86_RSP, WB_X86_RBP, value); break;
	case WB_X86_FP_FROM_SP: wb_code_add_op(insn, WB_OP_ADD, WB_X86_RBP, WB_X86_RSP, value); break;
	case WB_X86_LEAVE:
		wb_code_add_op(insn, WB_OP_ADD, WB_X86_RSP, WB_X86_RBP, 0);
		pop(insn, WB_X86_RBP);
		break;
	case WB_X86_STORE: wb_code_add_op(insn, WB_OP_STORE, x86->reg, x86->base, value); break;
	case WB_X86_LOAD:
		wb_code_add_op(insn, WB_OP_LOAD, x86->reg, x86->base, value);
		insn->writes = 0;
		break;
	case WB_X86_ALIGN_SP: wb_code_add_op(insn, WB_OP_ALIGN, WB_X86_RSP, WB_X86_RSP, 0); break;
	case WB_X86_LEA_SP:
		wb_code_add_op(insn, WB_OP_ADD, x86->reg, WB_X86_RSP, value);
		insn->writes = 0;
		break;
	case WB_X86_SP_FROM_REG: wb_code_add_op(insn, WB_OP_ADD, WB_X86_RSP, x86->reg, value); break;
	case WB_X86_SP_LOST: insn->writes |= UINT64_C(1) << WB_X86_RSP; break;
	case WB_X86_CALL: jump(insn, WB_NEXT_CALL, x86->value); break;
	case WB_X86_RETURN: jump(insn, WB_NEXT_RETURN, 0); break;
	case WB_X86_JUMP: jump(insn, WB_NEXT_JUMP, x86->value); break;
	case WB_X86_JUMP_IF: jump(insn, WB_NEXT_JUMP_IF, x86->value); break;
	case WB_X86_JUMP_AWAY: jump(insn, WB_NEXT_JUMP_AWAY, 0); break;
	case WB_X86_JUMP_LINKED: jump(insn, WB_NEXT_JUMP_LINKED, 0); break;
	case WB_X86_STOP: jump(insn, WB_NEXT_STOP, 0); break;
	case WB_X86_OTHER: break;
	}
}

static bool decode(const uint8_t *bytes, size_t size, struct wb_code_insn *ret_insn)
{
	struct wb_x86_insn x86;
	struct wb_code_insn insn = { .next = WB_NEXT_ON };

	if (!wb_x86_decode(bytes, size, &x86))
		return false;
	insn.length = x86.length;
	insn.writes = x86.writes;
	insn.set = x86.set;
	translate(&x86, &insn);
	*ret_insn = insn;
	return true;
}

/* Registers by their numbers in instructions; slots are DWARF numbers. System V ABI, 3.2.1. */
const struct wb_code_machine wb_x86_machine = {
	.decode = decode,
	.sp = WB_X86_RSP,
	.fp = WB_X86_RBP,
	.link = WB_CODE_NO_REG,
	.pushed = 8,
	.call_writes = 0x0fc7,
	.num_kept = 6,
	.kept = { WB_X86_RBX, WB_X86_RBP, 12, 13, 14, 15 },
	.slots = { 0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15 },
};

const struct wb_code_reader wb_code_x86_64 = { row, ends_in_call, &wb_x86_machine };
