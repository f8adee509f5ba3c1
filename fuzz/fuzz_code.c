/* SPDX-License-Identifier: MIT */
/*
 * x86-64 instructions as the code strategy follows them. The first byte says where in the rest the pc is, the second where the function starts. An
 * instruction has 1 to 15 bytes and does not depend on what comes behind it; a row is the same twice and stays in the bounds of what was asked.
 */
#include "unwind/code_reader.h"
#include "unwind/code_x86_64_insn.h"

#include "fuzz.h"

#include <string.h>

static void check_instructions(const uint8_t *bytes, size_t size)
{
	struct wb_x86_insn insn, again;

	for (size_t at = 0; at < size; at += insn.length) {
		if (!wb_x86_decode(bytes + at, size - at, &insn))
			return;
		FUZZ_ASSERT(insn.length >= 1 && insn.length <= 15 && insn.length <= size - at);
		FUZZ_ASSERT(wb_x86_decode(bytes + at, insn.length, &again) && again.length == insn.length && again.kind == insn.kind);
		FUZZ_ASSERT(insn.kind == WB_X86_SP_LOST || !(insn.writes >> WB_X86_RSP & 1));
	}
}

static void check_row(const struct wb_code_window *window)
{
	struct wb_code_row row, again;
	enum wb_err err = wb_code_x86_64.follow(&wb_arch_x86_64, window, &row);

	FUZZ_ASSERT(err == WB_OK || err == WB_NONE);
	if (err)
		return;
	FUZZ_ASSERT(wb_code_x86_64.follow(&wb_arch_x86_64, window, &again) == WB_OK && !memcmp(&row, &again, sizeof(row)));
	if (row.row.flags & WB_ROW_ROOT)
		return;
	FUZZ_ASSERT(row.row.ra_offset == -8 && row.row.how == WB_HOW_CODE && row.row.num_rules <= WB_CODE_RULES_MAX);
	FUZZ_ASSERT(!(row.row.flags & WB_ROW_GENERAL) && (!(row.row.flags & WB_ROW_FP_SAVED) || row.row.fp_offset < row.row.ra_offset));
	for (unsigned i = 0; i < row.row.num_rules; i++)
		FUZZ_ASSERT(row.rules[i].kind == WB_RULE_UNDEFINED || row.rules[i].offset < row.row.ra_offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct wb_code_window window = { .start = SIZE_MAX };
	uint8_t *copy;

	if (size < 3)
		return 0;
	/* A copy of the exact size, so that the sanitizer sees a read past the end. */
	window.size = window.end = size - 2;
	copy = malloc(window.size);
	memcpy(copy, bytes + 2, window.size);
	window.bytes = copy;
	window.at = bytes[0] % window.size;
	check_instructions(copy, window.size);
	window.exact = true;
	check_row(&window);
	window.start = bytes[1] % window.size;
	check_row(&window);
	window.exact = false;
	check_row(&window);
	window.is_entry = true;
	check_row(&window);
	free(copy);
	return 0;
}
