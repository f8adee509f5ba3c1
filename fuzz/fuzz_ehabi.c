/* SPDX-License-Identifier: MIT */
/* Unwinding instructions of 32-bit Arm: rules, no more than there is room for, that begin with the CFA's, name each register once, and end with the pc's. */
#include "fuzz/fuzz.h"
#include "unwind/ehabi.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct wb_row_rule rules[WB_EHABI_RULES_MAX];
	uint8_t count = 0;
	const char *fault = NULL;
	uint64_t seen = 0;
	enum wb_err err = wb_ehabi_rules(&wb_arch_arm, bytes, size, rules, &count, &fault);

	if (err) {
		FUZZ_ASSERT(err == WB_NONE || (err == WB_ERR_DATA && fault));
		return 0;
	}
	FUZZ_ASSERT(count >= 2 && count <= WB_EHABI_RULES_MAX && rules[0].slot == WB_SLOT_CFA && rules[count - 1].slot == wb_arch_arm.pc);
	for (uint8_t i = 1; i < count; i++) {
		FUZZ_ASSERT(rules[i].slot < wb_arch_arm.num_regs && !(seen >> rules[i].slot & 1));
		seen |= UINT64_C(1) << rules[i].slot;
	}
	return 0;
}
