/* SPDX-License-Identifier: MIT */
/* 64-bit Arm for the flow of instructions, and what a call looks like from behind. Kept registers: AAPCS64, 6.1. */
#include "unwind/code_reader.h"

#include "base/bytes.h"
#include "unwind/code_aarch64_insn.h"

enum { NO = WB_SLOT_NONE };

static bool ends_in_call(const uint8_t *bytes, size_t size)
{
	struct wb_code_insn insn;

	return size >= 4 && wb_a64_decode(bytes + size - 4, 4, &insn) && insn.next == WB_NEXT_CALL;
}

/* Slots of general registers are their numbers, SP's is 31; d8 to d15 come behind the pc, which is 32. */
const struct wb_code_machine wb_aarch64_machine = {
	.decode = wb_a64_decode,
	.sp = 31,
	.fp = 29,
	.link = 30,
	.pushed = 0,
	.call_writes = UINT64_C(0x4007ffff),
	.num_kept = 20,
	.kept = { 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 40, 41, 42, 43, 44, 45, 46, 47 },
	.slots = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
		NO, NO, NO, NO, NO, NO, NO, NO, 33, 34, 35, 36, 37, 38, 39, 40, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
	},
};

const struct wb_code_reader wb_code_aarch64 = { NULL, ends_in_call, &wb_aarch64_machine };
