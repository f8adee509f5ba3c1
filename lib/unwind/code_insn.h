/* SPDX-License-Identifier: MIT */
/*
 * One instruction as the flow of a function needs it, on every architecture: where it leads, which registers it changes, and in order what it does with
 * stack pointers, constants, and words of the frame. code_<arch>_insn.c makes it from bytes, code_flow.c follows it.
 */
#ifndef UNWIND_CODE_INSN_H
#define UNWIND_CODE_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WB_CODE_OPS_MAX = 3,
	WB_CODE_REGS = 64,            /* registers of a machine, by its own numbers: general ones first */
	WB_CODE_VALUES = 32,          /* of them have values that are followed: general ones */
	WB_CODE_KEPT_MAX = 20,        /* registers that functions keep */
	WB_CODE_NO_REG = 0xff,
};

enum wb_code_op_kind {
	WB_OP_ADD,                    /* reg = base + value */
	WB_OP_ADD_REG,                /* reg = base + index * value */
	WB_OP_ALIGN,                  /* reg = base, rounded down */
	WB_OP_SET,                    /* reg = value */
	WB_OP_INSERT,                 /* 16 bits of reg, from bit `index` on, = value */
	WB_OP_STORE,                  /* reg to [base + value] */
	WB_OP_PUSH,                   /* the same, to stack that the instruction has just taken */
	WB_OP_LOAD,                   /* reg from [base + value] */
	WB_OP_COMPARE,                /* reg with base, for the jump that comes next */
};
struct wb_code_op {
	uint8_t kind;                 /* enum wb_code_op_kind */
	uint8_t reg, base, index;     /* WB_CODE_NO_REG: none */
	int32_t value;
	uint8_t size;                 /* STORE, PUSH: bytes */
};

enum wb_code_next {
	WB_NEXT_ON,
	WB_NEXT_CALL,
	WB_NEXT_RETURN,
	WB_NEXT_JUMP,                 /* to the next instruction's offset + target */
	WB_NEXT_JUMP_IF,              /* there, or to the next */
	WB_NEXT_JUMP_AWAY,            /* to where a register or memory says */
	WB_NEXT_JUMP_LINKED,          /* through a pointer at a fixed place (a linkage table): leaves the function */
	WB_NEXT_STOP,                 /* never goes on */
};
enum wb_code_condition { WB_IF_ANY, WB_IF_EQUAL, WB_IF_NOT_EQUAL };

/* What an instruction puts into a register, where that is plain: for who explains values. The flow has it from the ops, as far as it needs it. */
enum wb_code_set_kind {
	WB_SET_UNKNOWN,
	WB_SET_VALUE,                 /* reg = value */
	WB_SET_PART,                  /* 16 bits of reg, from bit `shift` on, = value */
	WB_SET_COPY,                  /* reg = from */
};
struct wb_code_set {
	uint8_t kind;                 /* enum wb_code_set_kind */
	uint8_t reg, from, shift;
	uint64_t value;
};

struct wb_code_insn {
	uint8_t length;               /* bytes */
	uint8_t next;                 /* enum wb_code_next */
	uint8_t condition;            /* JUMP_IF: enum wb_code_condition */
	uint8_t num_ops;
	bool keeps_flags;             /* what was compared before still counts */
	int64_t target;
	uint64_t writes;              /* registers that it changes, by number, in ways that the ops do not say */
	struct wb_code_op ops[WB_CODE_OPS_MAX];
	struct wb_code_set set;
};

/* An architecture as the flow sees it. */
struct wb_code_machine {
	/* False: not an instruction that is known, or cut by the end of the bytes. */
	bool (*decode)(const uint8_t *bytes, size_t size, struct wb_code_insn *ret_insn);
	uint8_t sp, fp;
	uint8_t link;                 /* calls leave the return address in it; WB_CODE_NO_REG: on the stack */
	uint8_t pushed;               /* bytes that a call takes from the stack */
	uint64_t call_writes;         /* registers that functions do not keep */
	uint8_t num_kept;
	uint8_t kept[WB_CODE_KEPT_MAX]; /* registers that they do; fp and link are among them */
	uint8_t slots[WB_CODE_REGS];  /* WB_SLOT_NONE: none */
};

static inline void wb_code_add_op(struct wb_code_insn *insn, enum wb_code_op_kind kind, uint8_t reg, uint8_t base, int32_t value)
{
	insn->ops[insn->num_ops++] = (struct wb_code_op){ (uint8_t)kind, reg, base, WB_CODE_NO_REG, value, 8 };
}

#endif
