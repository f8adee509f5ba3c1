/* SPDX-License-Identifier: MIT */
/* Unwinding instructions of 32-bit Arm to rules. All offsets are kept from the register that the virtual stack pointer was last taken from. */
#include "unwind/ehabi.h"

enum {
	SP = 13, LR = 14, PC = 15,
	WORD = 4,
	OFFSET_MAX = 1 << 30,         /* bytes that one frame can have: far more than any stack */
};

struct frame {
	const struct wb_arch_info *arch;
	uint8_t base;                 /* slot that the virtual stack pointer counts from */
	int32_t offset;               /* of it, in bytes */
	uint16_t popped;              /* registers */
	struct { uint8_t base; int32_t offset; } saved[16];
	const char *fault;
};

static bool move(struct frame *f, int64_t by)
{
	int64_t offset = f->offset + by;

	/* Behind a popped stack pointer there is nothing that a row could say. */
	if (offset < -OFFSET_MAX || offset > OFFSET_MAX || f->popped >> SP & 1) {
		f->fault = "instructions that lead nowhere";
		return false;
	}
	f->offset = (int32_t)offset;
	return true;
}

/* The lowest register is at the lowest address. A stack pointer that is loaded is only used once all are. */
static bool pop(struct frame *f, uint32_t mask)
{
	if (f->popped >> SP & 1)
		return move(f, 0);
	for (uint8_t reg = 0; reg < 16; reg++) {
		if (!(mask >> reg & 1))
			continue;
		f->saved[reg].base = f->base;
		f->saved[reg].offset = f->offset;
		if (!move(f, WORD))
			return false;
	}
	f->popped |= (uint16_t)mask;
	return true;
}

static bool take_base(struct frame *f, uint8_t reg)
{
	if (reg == SP || reg == PC || f->popped >> reg & 1) {
		f->fault = "a stack pointer from a register that does not have it";
		return false;
	}
	f->base = reg;
	f->offset = 0;
	return true;
}

/* Registers that are not modelled: from the count in the low bits of an operand. */
static bool skip_doubles(struct frame *f, uint8_t count, unsigned beside)
{
	return move(f, ((int64_t)count + 1) * 8 + beside);
}

static bool unknown(struct frame *f)
{
	f->fault = "an instruction that is not known";
	return false;
}

/* Those that begin with 1011. */
static bool run_1011(struct frame *f, struct wb_bytes *in, uint8_t op)
{
	uint8_t operand;

	if (op >= 0xb8)
		return skip_doubles(f, op & 7, WORD);
	switch (op) {
	case 0xb1:
		operand = wb_bytes_u8(in);
		return operand && operand < 16 ? pop(f, operand) : unknown(f);
	case 0xb2: {
		uint64_t words = wb_bytes_uleb(in);

		return move(f, words < OFFSET_MAX ? 0x204 + (int64_t)words * WORD : OFFSET_MAX + 1);
	}
	case 0xb3:
		return skip_doubles(f, wb_bytes_u8(in) & 15, WORD);
	case 0xb4:                    /* the code that the return address was signed with */
		return move(f, WORD);
	case 0xb5:                    /* where that was done */
		return true;
	default:
		return unknown(f);
	}
}

/* Those that begin with 11: vector registers. */
static bool run_11(struct frame *f, struct wb_bytes *in, uint8_t op)
{
	uint8_t operand;

	if (op < 0xc6 || (op >= 0xd0 && op < 0xd8))
		return skip_doubles(f, op & 7, 0);
	switch (op) {
	case 0xc7:
		operand = wb_bytes_u8(in);
		return operand && operand < 16 ? move(f, __builtin_popcount(operand) * WORD) : unknown(f);
	case 0xc6:
	case 0xc8:
	case 0xc9:
		return skip_doubles(f, wb_bytes_u8(in) & 15, 0);
	default:
		return unknown(f);
	}
}

/* One instruction. False: it is the last, or there is a fault. */
static bool run(struct frame *f, struct wb_bytes *in, bool *refused)
{
	uint8_t op = wb_bytes_u8(in);
	uint32_t mask;

	switch (op >> 4) {
	case 0x0: case 0x1: case 0x2: case 0x3:
		return move(f, (op & 0x3f) * WORD + WORD);
	case 0x4: case 0x5: case 0x6: case 0x7:
		return move(f, -((op & 0x3f) * WORD + WORD));
	case 0x8:
		mask = (op & 15u) << 8 | wb_bytes_u8(in);
		*refused = !mask;
		return mask && pop(f, mask << 4);
	case 0x9:
		return take_base(f, op & 15);
	case 0xa:
		return pop(f, ((2u << (op & 7)) - 1) << 4 | (op & 8 ? 1u << LR : 0));
	case 0xb:
		return op != 0xb0 && run_1011(f, in, op);
	default:
		return run_11(f, in, op);
	}
}

static struct wb_row_rule rule_of(const struct frame *f, uint8_t slot, uint8_t reg)
{
	/* What counts from the CFA's register is said from the CFA. */
	if (f->saved[reg].base == f->base && !(f->popped >> SP & 1))
		return (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_OFFSET, .offset = f->saved[reg].offset - f->offset };
	return (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_DEREF, .base = f->saved[reg].base, .offset = f->saved[reg].offset };
}

/* The caller's pc is what was popped as such, else its return address, wherever that is. */
static uint8_t put_rules(const struct frame *f, struct wb_row_rule *rules)
{
	uint8_t count = 0;

	if (f->popped >> SP & 1)
		rules[count++] = (struct wb_row_rule){ .slot = WB_SLOT_CFA, .kind = WB_RULE_DEREF, .base = f->saved[SP].base, .offset = f->saved[SP].offset };
	else
		rules[count++] = (struct wb_row_rule){ .slot = WB_SLOT_CFA, .kind = WB_RULE_OFFSET, .base = f->base, .offset = f->offset };
	for (uint8_t reg = 0; reg < PC; reg++)
		if (f->popped >> reg & 1 && reg != SP)
			rules[count++] = rule_of(f, reg, reg);
	if (f->popped >> PC & 1)
		rules[count++] = rule_of(f, f->arch->pc, PC);
	else if (f->popped >> LR & 1)
		rules[count++] = rule_of(f, f->arch->pc, LR);
	else
		rules[count++] = (struct wb_row_rule){ .slot = f->arch->pc, .kind = WB_RULE_REGISTER, .base = f->arch->ra_column };
	return count;
}

enum wb_err wb_ehabi_rules(const struct wb_arch_info *arch, const uint8_t *code, size_t size, struct wb_row_rule *rules, uint8_t *ret_count,
                           const char **ret_fault)
{
	struct frame f = { .arch = arch, .base = arch->sp };
	struct wb_bytes in = wb_bytes_of(code, size, false);
	bool refused = false;

	/* Each turn takes a byte at least. */
	while (!wb_bytes_at_end(&in) && run(&f, &in, &refused))
		;
	if (refused)
		return WB_NONE;
	*ret_fault = wb_bytes_failed(&in) ? "instructions are cut short" : f.fault;
	if (*ret_fault)
		return WB_ERR_DATA;
	*ret_count = put_rules(&f, rules);
	return WB_OK;
}
