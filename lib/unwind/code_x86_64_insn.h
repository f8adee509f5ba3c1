/* SPDX-License-Identifier: MIT */
/*
 * One x86-64 instruction, as far as the stack is concerned: how long it is, what it does to RSP, to RBP as a frame pointer and to saved registers,
 * and where it leads. Not a disassembler: what it does otherwise is not asked.
 */
#ifndef UNWIND_CODE_X86_64_INSN_H
#define UNWIND_CODE_X86_64_INSN_H

#include "unwind/code_insn.h"

/* General registers as instructions number them (Intel SDM volume 2, 2.2.1.2). */
enum { WB_X86_RAX, WB_X86_RCX, WB_X86_RDX, WB_X86_RBX, WB_X86_RSP, WB_X86_RBP, WB_X86_R10 = 10, WB_X86_NO_REG = 0xff };

enum wb_x86_kind {
	WB_X86_OTHER,                 /* leaves RSP alone and goes on to the next */
	WB_X86_PUSH,                  /* reg; NO_REG: something else */
	WB_X86_POP,                   /* reg; NO_REG: to memory or to the flags */
	WB_X86_ADD_SP,                /* RSP += value */
	WB_X86_SP_FROM_FP,            /* RSP = RBP + value */
	WB_X86_FP_FROM_SP,            /* RBP = RSP + value */
	WB_X86_LEAVE,                 /* RSP = RBP, then pop RBP */
	WB_X86_STORE,                 /* reg to [base + value], base RSP or RBP */
	WB_X86_LOAD,                  /* reg from there */
	WB_X86_ALIGN_SP,              /* RSP is rounded down */
	WB_X86_LEA_SP,                /* reg = RSP + value; not RSP nor RBP */
	WB_X86_SP_FROM_REG,           /* RSP = reg + value; not RSP nor RBP */
	WB_X86_SP_LOST,               /* RSP becomes what cannot be followed */
	WB_X86_CALL,
	WB_X86_RETURN,
	WB_X86_JUMP,                  /* to the next instruction's offset + value */
	WB_X86_JUMP_IF,               /* there, or to the next */
	WB_X86_JUMP_AWAY,             /* to where a register or memory says */
	WB_X86_JUMP_LINKED,           /* through a pointer at a fixed place (a linkage table): leaves the function */
	WB_X86_STOP,                  /* never goes on: hlt, ud2, int3 */
};

struct wb_x86_insn {
	enum wb_x86_kind kind;
	uint8_t length;               /* bytes, 1 to 15 */
	uint8_t reg, base;
	uint16_t writes;              /* general registers that it may change, by number; RSP and RBP only where the kind does not say it */
	int64_t value;
	struct wb_code_set set;
};

/* False: not an instruction that this knows, or cut by the end of the bytes. */
bool wb_x86_decode(const uint8_t *bytes, size_t size, struct wb_x86_insn *ret_insn);

#endif
