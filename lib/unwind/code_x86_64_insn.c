/* SPDX-License-Identifier: MIT */
/*
 * Decoding by Intel SDM volume 2: 2.1 and 2.2 (prefixes, ModRM, SIB, REX), 2.3 and 2.7 (VEX, EVEX), appendix A (opcode maps). First the length, from
 * one byte of properties an opcode; then the few instructions that matter.
 */
#include "unwind/code_x86_64_insn.h"

#include "base/bytes.h"

#include <string.h>

enum { LENGTH_MAX = 15 };

/* What follows an opcode, and which of its operands it writes. */
enum property {
	M = 1,                        /* ModRM */
	B = 2,                        /* imm8 */
	Z = 4,                        /* imm32, or imm16 with an operand size prefix */
	W = 8,                        /* imm16 */
	R = 16,                       /* writes the register of ModRM.reg */
	D = 32,                       /* writes the register of ModRM.rm */
	O = 64,                       /* writes the register in the opcode's low bits */
	X = 128,                      /* not known: invalid, or nothing that compilers use */
};

/* Appendix A, table A-2, in 64-bit mode. Prefixes and escapes are handled before. */
static const uint8_t one_byte[256] = {
	/* 00 */ M | D, M | D, M | R, M | R, B, Z, X, X, M | D, M | D, M | R, M | R, B, Z, X, X,
	/* 10 */ M | D, M | D, M | R, M | R, B, Z, X, X, M | D, M | D, M | R, M | R, B, Z, X, X,
	/* 20 */ M | D, M | D, M | R, M | R, B, Z, X, X, M | D, M | D, M | R, M | R, B, Z, X, X,
	/* 30 */ M | D, M | D, M | R, M | R, B, Z, X, X, M, M, M, M, B, Z, X, X,
	/* 40 */ X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
	/* 50 */ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* 60 */ X, X, X, M | R, X, X, X, X, Z, M | R | Z, B, M | R | B, 0, 0, 0, 0,
	/* 70 */ B, B, B, B, B, B, B, B, B, B, B, B, B, B, B, B,
	/* 80 */ M | D | B, M | D | Z, X, M | D | B, M, M, M | R | D, M | R | D, M | D, M | D, M | R, M | R, M | D, M | R, M, M,
	/* 90 */ O, O, O, O, O, O, O, O, 0, 0, X, 0, 0, 0, 0, 0,
	/* a0 */ X, X, X, X, 0, 0, 0, 0, B, Z, 0, 0, 0, 0, 0, 0,
	/* b0 */ O | B, O | B, O | B, O | B, O | B, O | B, O | B, O | B, O, O, O, O, O, O, O, O,
	/* c0 */ M | D | B, M | D | B, W, 0, X, X, M | D | B, M | D | Z, X, 0, W, 0, 0, B, X, 0,
	/* d0 */ M | D, M | D, M | D, M | D, X, X, X, 0, M, M, M, M, M, M, M, M,
	/* e0 */ B, B, B, B, B, B, B, B, 0, 0, X, B, 0, 0, 0, 0,
	/* f0 */ X, 0, X, X, 0, 0, M, M, 0, 0, 0, 0, 0, 0, M, M,
};

/* Table A-3: after 0f. */
static const uint8_t two_byte[256] = {
	/* 00 */ M, M, M | R, M | R, X, 0, 0, 0, 0, 0, X, 0, X, M, X, X,
	/* 10 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 20 */ M | D, M | D, M, M, X, X, X, X, M, M, M, M, M | R, M | R, M, M,
	/* 30 */ 0, 0, 0, 0, X, X, X, X, X, X, X, X, X, X, X, X,
	/* 40 */ M | R, M | R, M | R, M | R, M | R, M | R, M | R, M | R, M | R, M | R, M | R, M | R, M | R, M | R, M | R, M | R,
	/* 50 */ M | R, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 60 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* 70 */ M | B, M | B, M | B, M | B, M, M, M, 0, X, X, X, X, M, M, M | D, M,
	/* 80 */ Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z, Z,
	/* 90 */ M | D, M | D, M | D, M | D, M | D, M | D, M | D, M | D, M | D, M | D, M | D, M | D, M | D, M | D, M | D, M | D,
	/* a0 */ 0, 0, 0, M, M | D | B, M | D, X, X, 0, 0, X, M | D, M | D | B, M | D, M, M | R,
	/* b0 */ M | D, M | D, M | R, M | D, M | R, M | R, M | R, M | R, M | R, M, M | D | B, M | D, M | R, M | R, M | R, M | R,
	/* c0 */ M | R | D, M | R | D, M | B, M, M | B, M | R | B, M | B, M, O, O, O, O, O, O, O, O,
	/* d0 */ M, M, M, M, M, M, M, M | R, M, M, M, M, M, M, M, M,
	/* e0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
	/* f0 */ M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M,
};

struct decoding {
	const uint8_t *bytes;
	size_t size, at;              /* size is at most LENGTH_MAX; at: the next byte */
	bool cut;                     /* bytes were missing */
	bool operand16, wide;         /* prefix 66; REX.W */
	uint8_t repeat;               /* prefix f2 or f3, of VEX's too; 0: none */
	bool rex, is_vector;          /* has a REX prefix; is VEX or EVEX */
	uint8_t map;                  /* 1: one byte, 2: 0f, 3: 0f 38, 4: 0f 3a */
	uint8_t opcode, properties;
	uint8_t rex_r, rex_x, rex_b;  /* 0 or 8 */
	uint8_t mod, reg, rm;         /* of ModRM; reg and rm with their REX bits */
	uint8_t base;                 /* register that the memory operand counts from, without an index; NO_REG: none such */
	bool rip;                     /* memory operand at a fixed place: [rip + displacement] */
	int32_t displacement;
	int64_t immediate;
};

static uint8_t next_byte(struct decoding *d)
{
	if (d->at < d->size)
		return d->bytes[d->at++];
	d->cut = true;
	return 0;
}

static int64_t next_int(struct decoding *d, size_t count)
{
	uint64_t value = 0;

	for (size_t i = 0; i < count; i++)
		value |= (uint64_t)next_byte(d) << 8 * i;
	switch (count) {
	case 1: return (int8_t)value;
	case 2: return (int16_t)value;
	case 4: return (int32_t)value;
	default: return (int64_t)value;
	}
}

static void set_rex(struct decoding *d, unsigned w, unsigned r, unsigned x, unsigned b)
{
	d->wide = w != 0;
	d->rex_r = r ? 8 : 0;
	d->rex_x = x ? 8 : 0;
	d->rex_b = b ? 8 : 0;
}

/* VEX: c5 and c4; EVEX: 62. Their bits R, X and B are inverted. False: a map that is not known. */
static bool vector_prefix(struct decoding *d, uint8_t first)
{
	static const uint8_t repeats[4] = { 0, 0, 0xf3, 0xf2 };
	uint8_t one = next_byte(d), two = 0;

	d->is_vector = d->rex = true;
	if (first == 0xc5) {
		set_rex(d, 0, !(one & 0x80), 0, 0);
		d->map = 2;
		d->repeat = repeats[one & 3];
		return true;
	}
	two = next_byte(d);
	d->repeat = repeats[two & 3];
	if (first == 0x62)
		next_byte(d);
	set_rex(d, two & 0x80, !(one & 0x80), !(one & 0x40), !(one & 0x20));
	d->map = (uint8_t)((one & (first == 0x62 ? 7 : 31)) + 1);
	return d->map >= 2 && d->map <= 4;
}

static void prefixes(struct decoding *d)
{
	while (d->at < d->size) {
		switch (d->bytes[d->at]) {
		case 0x66:
			d->operand16 = true;
			break;
		case 0xf2: case 0xf3:
			d->repeat = d->bytes[d->at];
			break;
		case 0x67: case 0xf0: case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
			break;
		default:
			return;
		}
		d->at++;
	}
}

static uint8_t properties_of(const struct decoding *d)
{
	switch (d->map) {
	case 1: return one_byte[d->opcode];
	case 2:
		/* kmov: only this one has a general register for its target. */
		if (d->is_vector && d->opcode >= 0x90 && d->opcode <= 0x99)
			return d->opcode == 0x93 ? M | R : M;
		if (d->is_vector && d->opcode != 0x77 && (!two_byte[d->opcode] || two_byte[d->opcode] & X))
			return M;
		return two_byte[d->opcode];
	/* Of 0f 38, movbe, crc32 and the bit instructions write general registers; of 0f 3a, pextr and rorx. */
	case 3: return d->opcode >= 0xf0 && d->opcode <= 0xf7 ? M | R : M;
	default: return d->opcode == 0xf0 ? M | R | B : d->opcode >= 0x14 && d->opcode <= 0x17 ? M | D | B : M | B;
	}
}

static bool opcode(struct decoding *d)
{
	uint8_t byte;

	prefixes(d);
	byte = next_byte(d);
	if ((byte & 0xf0) == 0x40) {
		d->rex = true;
		set_rex(d, byte & 8, byte & 4, byte & 2, byte & 1);
		byte = next_byte(d);
	}
	d->map = 1;
	if (byte == 0xc4 || byte == 0xc5 || byte == 0x62) {
		if (!vector_prefix(d, byte))
			return false;
		byte = next_byte(d);
	} else if (byte == 0x0f) {
		byte = next_byte(d);
		d->map = byte == 0x38 ? 3 : byte == 0x3a ? 4 : 2;
		if (d->map > 2)
			byte = next_byte(d);
	}
	d->opcode = byte;
	d->properties = properties_of(d);
	/* Jump targets have 32 bits whatever the prefixes say. */
	if (d->map == 1 && (byte == 0xe8 || byte == 0xe9)) {
		d->properties = Z;
		d->operand16 = false;
	}
	return !(d->properties & X);
}

static void modrm(struct decoding *d)
{
	uint8_t byte = next_byte(d), low = byte & 7;

	d->mod = byte >> 6;
	d->reg = (uint8_t)((byte >> 3 & 7) | d->rex_r);
	d->rm = (uint8_t)(low | d->rex_b);
	d->base = WB_X86_NO_REG;
	if (d->mod == 3)
		return;
	if (low == 4) {
		uint8_t sib = next_byte(d);

		if (((sib >> 3 & 7) | d->rex_x) == 4 && !((sib & 7) == 5 && d->mod == 0))
			d->base = (uint8_t)((sib & 7) | d->rex_b);
		low = sib & 7;
	} else if (low != 5 || d->mod) {
		d->base = d->rm;
	} else {
		d->rip = true;
	}
	if (d->mod == 1)
		d->displacement = (int32_t)next_int(d, 1);
	else if (d->mod == 2 || low == 5)
		d->displacement = (int32_t)next_int(d, 4);
}

static void immediates(struct decoding *d)
{
	size_t z = d->operand16 && !d->wide ? 2 : 4;
	uint8_t op = d->opcode, which = d->reg & 7;

	if (d->properties & W)
		d->immediate = next_int(d, 2);
	if (d->properties & B)
		d->immediate = next_int(d, 1);
	if (d->properties & Z)
		d->immediate = next_int(d, d->map == 2 ? 4 : z);
	if (d->map != 1)
		return;
	if (op >= 0xb8 && op <= 0xbf)
		d->immediate = next_int(d, d->wide ? 8 : z);
	if ((op == 0xf6 || op == 0xf7) && which < 2)
		d->immediate = next_int(d, op == 0xf6 ? 1 : z);
}

/* ---- What it does ---- */

/* Appendix A: operands of kind Eb and Gb. */
static bool is_byte_operation(const struct decoding *d)
{
	uint8_t op = d->opcode;

	if (d->map != 1)
		return d->map == 2 && !d->is_vector && ((op >= 0x90 && op <= 0x9f) || op == 0xb0 || op == 0xc0);
	if (op < 0x40)
		return (op & 7) == 0 || (op & 7) == 2;
	switch (op) {
	case 0x80: case 0x84: case 0x86: case 0x88: case 0x8a: case 0xc0: case 0xc6: case 0xd0: case 0xd2: case 0xf6: case 0xfe:
		return true;
	default:
		return op >= 0xb0 && op <= 0xb7;
	}
}

/* The register that an operand means: of bytes and without REX, 4 to 7 are the second bytes of the first four. */
static uint8_t whole_reg(const struct decoding *d, uint8_t reg)
{
	return is_byte_operation(d) && !d->rex && reg >= 4 && reg < 8 ? (uint8_t)(reg - 4) : reg;
}

/* Of the instructions that have MMX and vector registers, too: whether those operands are what the table says is written. */
static bool writes_vector(const struct decoding *d)
{
	uint8_t op = d->opcode;

	if (d->map == 2 && op == 0x7e)
		return d->repeat == 0xf3;
	if (d->map == 2 && (op == 0x2c || op == 0x2d))
		return !d->repeat;
	/* The bit instructions of group 17 write what VEX names. */
	if (d->map == 3 && op == 0xf3)
		return true;
	return d->map == 2 && d->is_vector && op != 0x50 && op != 0x93 && op != 0xc5 && op != 0xd7;
}

static uint16_t written(const struct decoding *d)
{
	uint8_t op = d->opcode, which = d->reg & 7, properties = d->properties;
	uint16_t mask = 0;

	if (writes_vector(d))
		return 0;
	if (d->map == 1 && (op == 0x80 || op == 0x81 || op == 0x83) && which == 7)
		properties &= (uint8_t)~D; /* cmp */
	if (d->map == 1 && (((op == 0xf6 || op == 0xf7) && which >= 2 && which <= 3) || ((op == 0xfe || op == 0xff) && which < 2)))
		properties |= D;           /* not, neg, inc, dec */
	if (properties & R)
		mask |= (uint16_t)(1u << whole_reg(d, d->reg));
	if (properties & D && d->mod == 3)
		mask |= (uint16_t)(1u << whole_reg(d, d->rm));
	if (properties & O)
		mask |= (uint16_t)(1u << whole_reg(d, (uint8_t)((op & 7) | d->rex_b)));
	if (d->map == 2 && op == 0xa2)
		mask |= 1u << WB_X86_RBX;  /* cpuid */
	/* Nobody computes a stack pointer with the other maps. */
	return d->map == 1 ? mask : (uint16_t)(mask & ~(1u << WB_X86_RSP));
}

static void set(struct wb_x86_insn *insn, enum wb_x86_kind kind, uint8_t reg, int64_t value)
{
	insn->kind = kind;
	insn->reg = reg;
	insn->value = value;
	/* What the kind says needs no saying twice. */
	insn->writes = kind == WB_X86_LOAD || kind == WB_X86_LEA_SP ? (uint16_t)(1u << reg) : 0;
}

/* mov between registers and to and from the frame: 89 has its source in reg, 8b its target. */
static void decode_mov(const struct decoding *d, struct wb_x86_insn *insn)
{
	bool is_load = d->opcode == 0x8b;
	uint8_t to = is_load ? d->reg : d->rm, from = is_load ? d->rm : d->reg;

	if (!d->wide)
		return;
	if (d->mod == 3) {
		if (to == WB_X86_RBP && from == WB_X86_RSP)
			set(insn, WB_X86_FP_FROM_SP, to, 0);
		else if (to == WB_X86_RSP && from == WB_X86_RBP)
			set(insn, WB_X86_SP_FROM_FP, to, 0);
	} else if ((d->base == WB_X86_RSP || d->base == WB_X86_RBP) && d->reg != WB_X86_RSP) {
		set(insn, is_load ? WB_X86_LOAD : WB_X86_STORE, d->reg, d->displacement);
		insn->base = d->base;
	}
}

static void decode_lea(const struct decoding *d, struct wb_x86_insn *insn)
{
	if (!d->wide || d->mod == 3)
		return;
	if (d->reg == WB_X86_RSP && d->base == WB_X86_RSP)
		set(insn, WB_X86_ADD_SP, d->reg, d->displacement);
	else if (d->reg == WB_X86_RSP && d->base == WB_X86_RBP)
		set(insn, WB_X86_SP_FROM_FP, d->reg, d->displacement);
	else if (d->reg == WB_X86_RBP && d->base == WB_X86_RSP)
		set(insn, WB_X86_FP_FROM_SP, d->reg, d->displacement);
	else if (d->reg == WB_X86_RSP && d->base != WB_X86_NO_REG)
		set(insn, WB_X86_SP_FROM_REG, d->base, d->displacement);
	else if (d->base == WB_X86_RSP)
		set(insn, WB_X86_LEA_SP, d->reg, d->displacement);
}

/* add, and, sub with an immediate. */
static void decode_group1(const struct decoding *d, struct wb_x86_insn *insn)
{
	uint8_t which = d->reg & 7;

	if (d->mod != 3 || d->rm != WB_X86_RSP || !d->wide)
		return;
	if (which == 0 || which == 5)
		set(insn, WB_X86_ADD_SP, d->rm, which == 0 ? d->immediate : -d->immediate);
	else if (which == 4)
		set(insn, WB_X86_ALIGN_SP, d->rm, d->immediate);
}

static void decode_group5(const struct decoding *d, struct wb_x86_insn *insn)
{
	switch (d->reg & 7) {
	case 2:
		set(insn, WB_X86_CALL, WB_X86_NO_REG, 0);
		break;
	case 4:
		set(insn, d->mod == 0 && d->rip ? WB_X86_JUMP_LINKED : WB_X86_JUMP_AWAY, WB_X86_NO_REG, 0);
		break;
	case 6:
		set(insn, WB_X86_PUSH, d->mod == 3 ? d->rm : (uint8_t)WB_X86_NO_REG, 0);
		break;
	case 3:
	case 5: /* far: not in user code of 64 bits */
		set(insn, WB_X86_STOP, WB_X86_NO_REG, 0);
		break;
	default:
		break;
	}
}

static void decode_one_byte(const struct decoding *d, struct wb_x86_insn *insn)
{
	uint8_t op = d->opcode, low = (uint8_t)((op & 7) | d->rex_b);
	/* With a prefix 66, they push and pop two bytes: nothing that compilers make. */
	enum wb_x86_kind push = d->operand16 ? WB_X86_SP_LOST : WB_X86_PUSH, pop = d->operand16 ? WB_X86_SP_LOST : WB_X86_POP;

	if (op >= 0x50 && op <= 0x5f) {
		set(insn, op < 0x58 ? push : pop, low, 0);
		return;
	}
	if ((op >= 0x70 && op <= 0x7f) || (op >= 0xe0 && op <= 0xe3)) {
		set(insn, WB_X86_JUMP_IF, WB_X86_NO_REG, d->immediate);
		return;
	}
	switch (op) {
	case 0x68: case 0x6a: case 0x9c: set(insn, push, WB_X86_NO_REG, 0); break;
	case 0x9d: set(insn, pop, WB_X86_NO_REG, 0); break;
	case 0x8f: set(insn, d->mod == 3 ? pop : WB_X86_SP_LOST, d->rm, 0); break;
	case 0x81: case 0x83: decode_group1(d, insn); break;
	case 0x89: case 0x8b: decode_mov(d, insn); break;
	case 0x8d: decode_lea(d, insn); break;
	case 0xc2: case 0xc3: set(insn, WB_X86_RETURN, WB_X86_NO_REG, 0); break;
	case 0xc9: set(insn, WB_X86_LEAVE, WB_X86_NO_REG, 0); break;
	case 0xca: case 0xcb: case 0xcc: case 0xcf: case 0xf4: set(insn, WB_X86_STOP, WB_X86_NO_REG, 0); break;
	case 0xe8: set(insn, WB_X86_CALL, WB_X86_NO_REG, d->immediate); break;
	case 0xe9: case 0xeb: set(insn, WB_X86_JUMP, WB_X86_NO_REG, d->immediate); break;
	case 0xff: decode_group5(d, insn); break;
	default: break;
	}
}

static void decode_two_byte(const struct decoding *d, struct wb_x86_insn *insn)
{
	uint8_t op = d->opcode;

	if (d->is_vector)
		return;
	if (op >= 0x80 && op <= 0x8f)
		set(insn, WB_X86_JUMP_IF, WB_X86_NO_REG, d->immediate);
	else if (op == 0xa0 || op == 0xa8)
		set(insn, WB_X86_PUSH, WB_X86_NO_REG, 0);
	else if (op == 0xa1 || op == 0xa9)
		set(insn, WB_X86_POP, WB_X86_NO_REG, 0);
	else if (op == 0x0b || op == 0xb9 || op == 0xff || op == 0x07)
		set(insn, WB_X86_STOP, WB_X86_NO_REG, 0);
}

/* Constants, and moves between registers. */
static struct wb_code_set plain_set(const struct decoding *d)
{
	struct wb_code_set set = { .kind = WB_SET_UNKNOWN };
	uint8_t op = d->opcode, low = (uint8_t)((op & 7) | d->rex_b);
	uint64_t wide = d->wide ? UINT64_MAX : UINT32_MAX;

	if (d->map != 1 || d->operand16)
		return set;
	if (op >= 0xb8 && op <= 0xbf)
		return (struct wb_code_set){ WB_SET_VALUE, low, 0, 0, (uint64_t)d->immediate & wide };
	if (d->mod != 3)
		return set;
	if (op == 0xc7)
		return (struct wb_code_set){ WB_SET_VALUE, d->rm, 0, 0, (uint64_t)d->immediate & wide };
	if ((op == 0x31 || op == 0x33) && d->reg == d->rm) /* xor of a register with itself */
		return (struct wb_code_set){ WB_SET_VALUE, d->rm, 0, 0, 0 };
	if (op == 0x89 && d->wide)
		return (struct wb_code_set){ WB_SET_COPY, d->rm, d->reg, 0, 0 };
	if (op == 0x8b && d->wide)
		return (struct wb_code_set){ WB_SET_COPY, d->reg, d->rm, 0, 0 };
	return set;
}

bool wb_x86_decode(const uint8_t *bytes, size_t size, struct wb_x86_insn *ret_insn)
{
	struct decoding d = { .bytes = bytes, .size = size < LENGTH_MAX ? size : LENGTH_MAX, .base = WB_X86_NO_REG };
	struct wb_x86_insn insn = { .kind = WB_X86_OTHER, .reg = WB_X86_NO_REG, .base = WB_X86_NO_REG };

	if (!opcode(&d))
		return false;
	if (d.properties & M)
		modrm(&d);
	immediates(&d);
	if (d.cut)
		return false;
	insn.length = (uint8_t)d.at;
	insn.writes = written(&d);
	insn.set = plain_set(&d);
	if (d.map == 1)
		decode_one_byte(&d, &insn);
	else if (d.map == 2)
		decode_two_byte(&d, &insn);
	if (insn.writes >> WB_X86_RSP & 1)
		set(&insn, WB_X86_SP_LOST, WB_X86_NO_REG, 0);
	*ret_insn = insn;
	return true;
}
