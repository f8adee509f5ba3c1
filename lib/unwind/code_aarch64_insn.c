/* SPDX-License-Identifier: MIT */
/*
 * Decoding of 64-bit Arm instructions by the Arm Architecture Reference Manual, C4.1 ("A64 instruction set encoding"), whose classes the functions are
 * called after. Not a disassembler: where an instruction leads, which general registers it changes, and what it does with SP and words of the frame.
 * What is not allocated there, or newer than this, is not known.
 */
#include "unwind/code_aarch64_insn.h"

#include "base/bytes.h"

enum { FP = 29, LINK = 30, SP = 31, V0 = 32, WORD = 8 };

static unsigned bits(uint32_t word, unsigned low, unsigned count)
{
	return word >> low & ((1u << count) - 1);
}

static int64_t signed_bits(uint32_t word, unsigned low, unsigned count)
{
	int64_t sign = INT64_C(1) << (count - 1);

	return ((int64_t)bits(word, low, count) ^ sign) - sign;
}

/* A general register is changed; 31 is the zero register here. */
static void writes(struct wb_code_insn *insn, unsigned reg)
{
	if (reg != SP)
		insn->writes |= UINT64_C(1) << reg;
}

/* The same where 31 is SP. */
static void writes_or_sp(struct wb_code_insn *insn, unsigned reg)
{
	insn->writes |= UINT64_C(1) << reg;
}

/* A general register becomes a value that is known whatever came before. */
static void sets(struct wb_code_insn *insn, unsigned reg, uint64_t value)
{
	if (reg != SP)
		insn->set = (struct wb_code_set){ WB_SET_VALUE, (uint8_t)reg, 0, 0, value };
}

static bool fits(int64_t value)
{
	return value >= INT32_MIN && value <= INT32_MAX;
}

/* ---- Data processing with immediates (C4.1.92) ---- */

static void add_immediate(uint32_t word, struct wb_code_insn *insn)
{
	unsigned to = bits(word, 0, 5), from = bits(word, 5, 5);
	int32_t value = (int32_t)(bits(word, 10, 12) << (bits(word, 22, 1) ? 12 : 0));
	bool is_sub = bits(word, 30, 1), sets_flags = bits(word, 29, 1), is_wide = bits(word, 31, 1);

	insn->keeps_flags = !sets_flags;
	if (sets_flags)
		writes(insn, to);
	else if (is_wide)
		wb_code_add_op(insn, WB_OP_ADD, (uint8_t)to, (uint8_t)from, is_sub ? -value : value);
	else
		writes_or_sp(insn, to);
}

/* The mask that an immediate of a logical instruction stands for: DecodeBitMasks() in the manual's shared pseudocode. */
static bool bit_mask(uint32_t word, uint64_t *ret)
{
	unsigned n = bits(word, 22, 1), rotate = bits(word, 16, 6), ones = bits(word, 10, 6), size = 64;
	uint64_t mask;

	for (unsigned tested = n ? 64 : ~ones & 0x3f; !(tested & size); size /= 2)
		if (size == 2)
			return false;
	rotate &= size - 1;
	ones &= size - 1;
	if (ones == size - 1)
		return false;
	mask = (UINT64_C(1) << (ones + 1)) - 1;
	if (rotate)
		mask = (mask >> rotate | mask << (size - rotate)) & (size == 64 ? UINT64_MAX : (UINT64_C(1) << size) - 1);
	for (; size < 64; size *= 2)
		mask |= mask << size;
	*ret = mask;
	return true;
}

static bool logical_immediate(uint32_t word, struct wb_code_insn *insn)
{
	unsigned to = bits(word, 0, 5), operation = bits(word, 29, 2);
	uint64_t mask;

	if (!bit_mask(word, &mask) || (!bits(word, 31, 1) && bits(word, 22, 1)))
		return false;
	mask &= bits(word, 31, 1) ? UINT64_MAX : UINT32_MAX;
	insn->keeps_flags = operation != 3;
	if (operation == 1 && bits(word, 5, 5) == SP)
		sets(insn, to, mask);
	if (operation == 1 && bits(word, 5, 5) == SP && to != SP && fits((int64_t)mask)) /* mov */
		wb_code_add_op(insn, WB_OP_SET, (uint8_t)to, WB_CODE_NO_REG, (int32_t)mask);
	else if (operation == 0 && to == SP && bits(word, 31, 1)) /* and */
		wb_code_add_op(insn, WB_OP_ALIGN, SP, (uint8_t)bits(word, 5, 5), 0);
	else if (operation == 3)
		writes(insn, to);
	else
		writes_or_sp(insn, to);
	return true;
}

/* movn, movz, movk */
static bool move_wide(uint32_t word, struct wb_code_insn *insn)
{
	unsigned to = bits(word, 0, 5), shift = bits(word, 21, 2) * 16, operation = bits(word, 29, 2);
	uint64_t value = (uint64_t)bits(word, 5, 16) << shift;

	insn->keeps_flags = true;
	if (operation == 1 || (!bits(word, 31, 1) && shift > 16))
		return false;
	if (operation == 3) {
		wb_code_add_op(insn, WB_OP_INSERT, (uint8_t)to, WB_CODE_NO_REG, (int32_t)bits(word, 5, 16));
		insn->ops[0].index = (uint8_t)shift;
		insn->num_ops = to != SP;
		if (to != SP)
			insn->set = (struct wb_code_set){ WB_SET_PART, (uint8_t)to, 0, (uint8_t)shift, bits(word, 5, 16) };
		return true;
	}
	value = operation == 0 ? ~value : value;
	value &= bits(word, 31, 1) ? UINT64_MAX : UINT32_MAX;
	sets(insn, to, value);
	if (to != SP && fits((int64_t)value))
		wb_code_add_op(insn, WB_OP_SET, (uint8_t)to, WB_CODE_NO_REG, (int32_t)(int64_t)value);
	else
		writes(insn, to);
	return true;
}

static bool with_immediate(uint32_t word, struct wb_code_insn *insn)
{
	switch (bits(word, 23, 3)) {
	case 2:
		add_immediate(word, insn);
		return true;
	case 3:                       /* with tags; 32 bits wide it is something newer */
		writes_or_sp(insn, bits(word, 0, 5));
		return bits(word, 31, 1);
	case 4:
		return logical_immediate(word, insn);
	case 5:
		return move_wide(word, insn);
	default:                      /* addresses that count from the pc; bit fields; extracts */
		insn->keeps_flags = true;
		writes(insn, bits(word, 0, 5));
		return true;
	}
}

/* ---- Branches, exceptions and system instructions (C4.1.93) ---- */

static void jump(struct wb_code_insn *insn, enum wb_code_next next, int64_t words)
{
	insn->next = (uint8_t)next;
	/* Targets count from the instruction itself. */
	insn->target = words * 4 - 4;
}

/* br, blr and ret, with and without authentication. */
static bool branch_register(uint32_t word, struct wb_code_insn *insn)
{
	unsigned signing = bits(word, 10, 6), from = bits(word, 5, 5);

	if (bits(word, 16, 5) != 0x1f || (signing != 0 && signing != 2 && signing != 3))
		return false;
	switch (bits(word, 21, 4)) {
	case 0: case 8:
		jump(insn, WB_NEXT_JUMP_AWAY, 1);
		return true;
	case 1: case 9:
		jump(insn, WB_NEXT_CALL, 1);
		return true;
	case 2:                       /* By another register than x30 returns what is called by it. */
		jump(insn, from == LINK || signing ? WB_NEXT_RETURN : WB_NEXT_JUMP_AWAY, 1);
		return true;
	case 4: case 5:
		jump(insn, WB_NEXT_STOP, 1);
		return true;
	default:
		return false;
	}
}

static bool system_instruction(uint32_t word, struct wb_code_insn *insn)
{
	insn->keeps_flags = true;
	/* Hints: of those that sign, this one signs x17; the others leave x30 the same return address. */
	if ((word & 0xfffff01f) == 0xd503201f) {
		if ((word & 0xffffff1f) == 0xd503211f)
			writes(insn, 17);
		return true;
	}
	if (bits(word, 21, 1))        /* reads a system register */
		writes(insn, bits(word, 0, 5));
	return true;
}

static bool exception(uint32_t word, struct wb_code_insn *insn)
{
	unsigned operation = bits(word, 21, 3);

	insn->keeps_flags = true;
	if (operation != 0)           /* brk, hlt, dcps */
		jump(insn, WB_NEXT_STOP, 1);
	writes(insn, 0);
	return true;
}

static bool branch_or_system(uint32_t word, struct wb_code_insn *insn)
{
	unsigned top = bits(word, 25, 7), condition = bits(word, 0, 4);

	if (bits(word, 26, 5) == 5) { /* b, bl */
		jump(insn, bits(word, 31, 1) ? WB_NEXT_CALL : WB_NEXT_JUMP, signed_bits(word, 0, 26));
		return true;
	}
	switch (top) {
	case 0x2a:                    /* b.cond, bc.cond; retaasppc and its like */
		if (bits(word, 24, 1)) {
			jump(insn, WB_NEXT_RETURN, 1);
			return (word & 0xffc0001f) == 0x5500001f;
		}
		insn->condition = condition == 0 ? WB_IF_EQUAL : condition == 1 ? WB_IF_NOT_EQUAL : WB_IF_ANY;
		insn->keeps_flags = true;
		jump(insn, condition >= 14 ? WB_NEXT_JUMP : WB_NEXT_JUMP_IF, signed_bits(word, 5, 19));
		return true;
	case 0x1a: case 0x5a:         /* cbz, cbnz */
		jump(insn, WB_NEXT_JUMP_IF, signed_bits(word, 5, 19));
		return true;
	case 0x1b: case 0x5b:         /* tbz, tbnz */
		jump(insn, WB_NEXT_JUMP_IF, signed_bits(word, 5, 14));
		return true;
	case 0x6a:
		return bits(word, 24, 1) ? system_instruction(word, insn) : exception(word, insn);
	case 0x6b:
		return branch_register(word, insn);
	default:
		return false;
	}
}

/* ---- Loads and stores (C4.1.94) ---- */

enum addressing { AT_OFFSET, POST_INDEX, PRE_INDEX };

/* A word of the frame, or a change of a register that is not followed. */
static void access(struct wb_code_insn *insn, bool is_load, unsigned size, uint8_t reg, uint8_t base, int64_t offset, bool is_push)
{
	bool is_word = reg < V0 ? size == WORD : size >= WORD;

	if (reg == SP)                /* the zero register */
		return;
	if (is_word) {
		wb_code_add_op(insn, is_load ? WB_OP_LOAD : is_push ? WB_OP_PUSH : WB_OP_STORE, reg, base, (int32_t)offset);
		insn->ops[insn->num_ops - 1].size = (uint8_t)size;
	} else if (is_load && reg < V0) {
		writes(insn, reg);
	}
}

/* One register or two, `size` bytes each, with the base's update. Of vector registers the low words count. */
static void accesses(uint32_t word, struct wb_code_insn *insn, bool is_load, unsigned size, const uint8_t *regs, unsigned count, enum addressing mode,
                     int64_t offset)
{
	uint8_t base = (uint8_t)bits(word, 5, 5);
	int64_t at = mode == AT_OFFSET ? offset : 0;
	bool is_push = mode == PRE_INDEX && base == SP && offset < 0;

	insn->keeps_flags = true;
	if (mode == PRE_INDEX)
		wb_code_add_op(insn, WB_OP_ADD, base, base, (int32_t)offset);
	for (unsigned i = 0; i < count; i++)
		access(insn, is_load, size, regs[i], base, at + (int64_t)(i * size), is_push);
	if (mode == POST_INDEX)
		wb_code_add_op(insn, WB_OP_ADD, base, base, (int32_t)offset);
}

static bool pair(uint32_t word, struct wb_code_insn *insn)
{
	static const enum addressing modes[] = { AT_OFFSET, POST_INDEX, AT_OFFSET, PRE_INDEX };
	unsigned kind = bits(word, 30, 2), vector = bits(word, 26, 1), size = vector ? 4u << kind : kind == 2 ? 8 : 4;
	uint8_t base = (uint8_t)(vector ? V0 : 0), regs[2] = { (uint8_t)(base + bits(word, 0, 5)), (uint8_t)(base + bits(word, 10, 5)) };
	bool is_load = bits(word, 22, 1);

	if (kind == 3)
		return false;
	if (kind == 1 && !vector && !is_load) /* stgp: with tags, 16 bytes apart */
		size = 16;
	accesses(word, insn, is_load, size, regs, 2, modes[bits(word, 23, 2)], signed_bits(word, 15, 7) * (int64_t)size);
	return true;
}

/* ldr, str and their like: what is loaded or stored, and how wide it is. */
static void single(uint32_t word, struct wb_code_insn *insn, enum addressing mode, bool is_scaled)
{
	unsigned kind = bits(word, 30, 2), operation = bits(word, 22, 2), size = 1u << kind;
	bool vector = bits(word, 26, 1), is_load = vector ? operation & 1 : operation != 0;
	uint8_t reg = (uint8_t)(bits(word, 0, 5) + (vector ? V0 : 0));
	int64_t offset;

	if (vector && operation >= 2)
		size = 16;
	offset = is_scaled ? (int64_t)bits(word, 10, 12) * (int64_t)size : signed_bits(word, 12, 9);
	insn->keeps_flags = true;
	if (!vector && kind == 3 && operation >= 2)
		return;               /* prfm */
	accesses(word, insn, is_load, size, &reg, 1, mode, offset);
}

/* Atomic operations and those with an offset in a register. */
static bool single_register(uint32_t word, struct wb_code_insn *insn)
{
	bool vector = bits(word, 26, 1), is_load = vector ? bits(word, 22, 1) : bits(word, 22, 2) != 0;
	unsigned kind = bits(word, 10, 2), reg = bits(word, 0, 5);

	insn->keeps_flags = true;
	if (kind == 2) {              /* register offset; 3 of prfm names no register */
		if (!vector && is_load && !(bits(word, 30, 2) == 3 && bits(word, 22, 2) == 2))
			writes(insn, reg);
		return true;
	}
	if (!vector)
		writes(insn, reg);    /* atomics, and ldraa, ldrab: 64 bytes are loaded by one that is not known here */
	if (!vector && (kind & 1) && bits(word, 11, 1))
		writes_or_sp(insn, bits(word, 5, 5));
	return !vector;
}

static bool load_store_register(uint32_t word, struct wb_code_insn *insn)
{
	static const enum addressing modes[] = { AT_OFFSET, POST_INDEX, AT_OFFSET, PRE_INDEX };

	if (bits(word, 24, 1))
		single(word, insn, AT_OFFSET, true);
	else if (bits(word, 21, 1))
		return single_register(word, insn);
	else
		single(word, insn, modes[bits(word, 10, 2)], false);
	return true;
}

/* Exclusive ones and compare-and-swap; ordered ones; with V, structures of vector registers. */
static bool exclusive_or_structures(uint32_t word, struct wb_code_insn *insn)
{
	unsigned source = bits(word, 16, 5);

	insn->keeps_flags = true;
	if (bits(word, 26, 1)) {
		if (bits(word, 23, 1))
			writes_or_sp(insn, bits(word, 5, 5));
		return !bits(word, 31, 1);
	}
	if (bits(word, 21, 1) && (bits(word, 23, 1) || !bits(word, 31, 1))) {
		writes(insn, source); /* cas; casp has pairs of neighbours */
		if (!bits(word, 23, 1))
			writes(insn, source | 1);
		return true;
	}
	if (bits(word, 22, 1)) {      /* loads */
		writes(insn, bits(word, 0, 5));
		if (bits(word, 21, 1))
			writes(insn, bits(word, 10, 5));
	} else if (!bits(word, 23, 1)) {
		writes(insn, source); /* whether the store was done */
	}
	return true;
}

/* Literals; the newer unscaled ordered ones, memory copies and tags. */
static bool literal_or_newer(uint32_t word, struct wb_code_insn *insn)
{
	bool vector = bits(word, 26, 1);

	insn->keeps_flags = true;
	if (!bits(word, 24, 1)) {     /* ldr, ldrsw; 3 is prfm */
		if (!vector && bits(word, 30, 2) != 3)
			writes(insn, bits(word, 0, 5));
		return true;
	}
	if (!vector && bits(word, 10, 2) == 1 && !bits(word, 21, 1)) {
		/* cpy and set: all three registers */
		writes(insn, bits(word, 0, 5));
		writes(insn, bits(word, 5, 5));
		writes(insn, bits(word, 16, 5));
		insn->keeps_flags = false;
		return true;
	}
	if (bits(word, 24, 8) == 0xd9 && bits(word, 21, 1)) {
		/* Tags: stg and its like update the base, ldg loads. */
		if (bits(word, 10, 2) & 1)
			wb_code_add_op(insn, WB_OP_ADD, (uint8_t)bits(word, 5, 5), (uint8_t)bits(word, 5, 5), (int32_t)signed_bits(word, 12, 9) * 16);
		else if (!bits(word, 10, 2))
			writes(insn, bits(word, 0, 5));
		return true;
	}
	if (!vector && bits(word, 22, 2))
		writes(insn, bits(word, 0, 5));
	return true;
}

static bool load_store(uint32_t word, struct wb_code_insn *insn)
{
	switch (bits(word, 28, 2)) {
	case 0: return exclusive_or_structures(word, insn);
	case 1: return literal_or_newer(word, insn);
	case 2: return pair(word, insn);
	default: return load_store_register(word, insn);
	}
}

/* ---- Data processing with registers (C4.1.95) ---- */

/* add and sub with a register that is extended: the form in which SP takes part. */
static void add_extended(uint32_t word, struct wb_code_insn *insn)
{
	unsigned to = bits(word, 0, 5), from = bits(word, 5, 5), option = bits(word, 13, 3), shift = bits(word, 10, 3);
	bool is_sub = bits(word, 30, 1), sets_flags = bits(word, 29, 1), is_whole = bits(word, 31, 1) && (option & 3) == 3;

	insn->keeps_flags = !sets_flags;
	if (sets_flags && to == SP && is_sub && is_whole && !shift) {
		wb_code_add_op(insn, WB_OP_COMPARE, (uint8_t)from, (uint8_t)bits(word, 16, 5), 0);
	} else if (sets_flags) {
		writes(insn, to);
	} else if (is_whole && shift <= 4 && bits(word, 16, 5) != SP) {
		wb_code_add_op(insn, WB_OP_ADD_REG, (uint8_t)to, (uint8_t)from, (is_sub ? -1 : 1) * (1 << shift));
		insn->ops[0].index = (uint8_t)bits(word, 16, 5);
	} else {
		writes_or_sp(insn, to);
	}
}

/* orr with the zero register, unshifted: mov. */
static bool is_move(uint32_t word)
{
	return (word & 0xffe0ffe0) == 0xaa0003e0 && bits(word, 16, 5) != SP && bits(word, 0, 5) != SP;
}

static bool with_registers(uint32_t word, struct wb_code_insn *insn)
{
	unsigned group = bits(word, 21, 4), to = bits(word, 0, 5);
	bool is_second = bits(word, 28, 1);

	insn->keeps_flags = is_second ? group != 0 && group != 2 : !bits(word, 29, 1);
	if (is_move(word)) {
		wb_code_add_op(insn, WB_OP_ADD, (uint8_t)to, (uint8_t)bits(word, 16, 5), 0);
		insn->set = (struct wb_code_set){ WB_SET_COPY, (uint8_t)to, (uint8_t)bits(word, 16, 5), 0, 0 };
		return true;
	}
	if (!is_second && (group & 9) == 9) {
		add_extended(word, insn);
		return true;
	}
	/* Compares write flags alone; what signs or authenticates x30 leaves it the same return address. */
	if (is_second && (group == 2 || (group == 0 && bits(word, 10, 6))))
		return true;
	if (is_second && group == 6 && bits(word, 30, 1) && bits(word, 16, 5) == 1 && to == LINK)
		return true;
	writes(insn, to);
	return true;
}

/* ---- Vectors and floating point (C4.1.96), of which some write general registers ---- */

static bool with_vectors(uint32_t word, struct wb_code_insn *insn)
{
	unsigned operation = bits(word, 16, 3), copy = bits(word, 11, 4);
	bool to_general = false;

	insn->keeps_flags = !((word & 0xff200c00) == 0x1e200400 || (word & 0xff203c00) == 0x1e202000); /* fccmp, fcmp */
	if ((word & 0x7f20fc00) == 0x1e200000)
		to_general = operation != 2 && operation != 3 && operation != 7;
	else if ((word & 0x7f200000) == 0x1e000000)
		to_general = operation < 2;
	else if ((word & 0xbfe08400) == 0x0e000400)
		to_general = copy == 5 || copy == 7;
	if (to_general)
		writes(insn, bits(word, 0, 5));
	return true;
}

/* Scalable vectors (C4.1.36): addvl and addpl move SP; which of the others write general registers is not told apart. */
static bool scalable(uint32_t word, struct wb_code_insn *insn)
{
	if ((word & 0xffa0f800) == 0x04205000)
		writes_or_sp(insn, bits(word, 0, 5));
	else
		writes(insn, bits(word, 0, 5));
	return true;
}

bool wb_a64_decode(const uint8_t *bytes, size_t size, struct wb_code_insn *ret_insn)
{
	struct wb_code_insn insn = { .length = 4, .next = WB_NEXT_ON };
	uint32_t word;
	bool known;

	if (size < 4)
		return false;
	word = wb_load32(bytes, false);
	switch (bits(word, 25, 4)) {
	case 0:                       /* udf; the matrix extension has the others */
		jump(&insn, WB_NEXT_STOP, 1);
		known = word >> 16 == 0;
		break;
	case 2:
		known = scalable(word, &insn);
		break;
	case 8: case 9:
		known = with_immediate(word, &insn);
		break;
	case 10: case 11:
		known = branch_or_system(word, &insn);
		break;
	case 4: case 6: case 12: case 14:
		known = load_store(word, &insn);
		break;
	case 5: case 13:
		known = with_registers(word, &insn);
		break;
	case 7: case 15:
		known = with_vectors(word, &insn);
		break;
	default:
		known = false;
		break;
	}
	if (known)
		*ret_insn = insn;
	return known;
}
