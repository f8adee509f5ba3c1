/* SPDX-License-Identifier: MIT */
/*
 * Instructions as the code strategy follows them, of x86-64 and of aarch64 in one. The first byte says where in the rest the pc is, the second where the
 * function starts. An instruction has a length that is allowed and does not depend on what comes behind it; a row is the same twice and stays in the bounds
 * of what was asked.
 */
#include "unwind/code_reader.h"

#include "fuzz.h"

#include <string.h>

struct machine {
	const struct wb_code_machine *machine;
	const struct wb_arch_info *arch;
	uint8_t shortest, longest;    /* bytes of an instruction */
};
static const struct machine machines[] = {
	{ &wb_x86_machine, &wb_arch_x86_64, 1, 15 },
	{ &wb_aarch64_machine, &wb_arch_aarch64, 4, 4 },
};

static void check_op(const struct wb_code_op *op)
{
	FUZZ_ASSERT(op->reg < WB_CODE_REGS || op->reg == WB_CODE_NO_REG);
	FUZZ_ASSERT(op->base < WB_CODE_REGS || op->base == WB_CODE_NO_REG);
	FUZZ_ASSERT(op->index < WB_CODE_REGS || op->index == WB_CODE_NO_REG);
}

static void check_instructions(const struct machine *m, const uint8_t *bytes, size_t size)
{
	struct wb_code_insn insn, again;

	for (size_t at = 0; at < size; at += insn.length) {
		if (!m->machine->decode(bytes + at, size - at, &insn))
			return;
		FUZZ_ASSERT(insn.length >= m->shortest && insn.length <= m->longest && insn.length <= size - at);
		FUZZ_ASSERT(m->machine->decode(bytes + at, insn.length, &again) && again.length == insn.length && again.next == insn.next);
		FUZZ_ASSERT(insn.num_ops == again.num_ops && insn.num_ops <= WB_CODE_OPS_MAX && insn.writes == again.writes);
		for (unsigned i = 0; i < insn.num_ops; i++)
			check_op(&insn.ops[i]);
	}
}

static void check_row(const struct machine *m, const struct wb_code_window *window)
{
	struct wb_code_row row, again;
	enum wb_err err = wb_code_follow(m->machine, m->arch, window, &row);
	int highest = -m->machine->pushed - m->arch->word_size;

	FUZZ_ASSERT(err == WB_OK || err == WB_NONE);
	if (err)
		return;
	FUZZ_ASSERT(wb_code_follow(m->machine, m->arch, window, &again) == WB_OK && !memcmp(&row, &again, sizeof(row)));
	FUZZ_ASSERT(row.row.how == WB_HOW_CODE && row.row.num_rules <= WB_CODE_RULES_MAX);
	if (row.row.flags & WB_ROW_ROOT)
		return;
	FUZZ_ASSERT(row.row.flags & WB_ROW_GENERAL || row.row.ra_offset < 0);
	FUZZ_ASSERT(!(row.row.flags & WB_ROW_FP_SAVED) || row.row.fp_offset <= highest);
	for (unsigned i = row.row.flags & WB_ROW_GENERAL ? 2 : 0; i < row.row.num_rules; i++) {
		FUZZ_ASSERT(row.rules[i].slot < m->arch->num_regs);
		FUZZ_ASSERT(row.rules[i].kind != WB_RULE_OFFSET || row.rules[i].offset <= highest);
	}
}

static void check(const struct machine *m, struct wb_code_window window, size_t start)
{
	check_instructions(m, window.bytes, window.size);
	window.exact = true;
	check_row(m, &window);
	window.is_linkage = true;
	check_row(m, &window);
	window.is_linkage = false;
	window.start = start;
	check_row(m, &window);
	window.exact = false;
	check_row(m, &window);
	window.is_entry = true;
	check_row(m, &window);
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
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		check(&machines[i], window, bytes[1] % window.size);
	free(copy);
	return 0;
}
