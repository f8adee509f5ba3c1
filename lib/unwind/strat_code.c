/* SPDX-License-Identifier: MIT */
/*
 * The code strategy: the row that the function's own instructions tell, for what compilers and assemblers left without unwind information (_init and
 * _fini, crt files, linkage tables, hand-written assembly), and the return code of signals. For the instruction that runs, and for return addresses in
 * functions whose start is known. Rows depend on the image alone, but are checked as guesses are: a decoder that is fooled must not lead a walk astray.
 */
#include "unwind/code_find.h"
#include "unwind/strategy.h"

#include <string.h>

static bool is_at(const struct wb_lookup *lookup, const struct wb_trampoline *trampoline, uint64_t start)
{
	uint8_t bytes[sizeof(trampoline->code)];

	return wb_space_read_code(lookup->space, start, bytes, trampoline->size) == WB_OK && !memcmp(bytes, trampoline->code, trampoline->size);
}

static const struct wb_trampoline *trampoline_at(const struct wb_lookup *lookup)
{
	for (uint32_t i = 0; i < lookup->arch->num_trampolines; i++) {
		const struct wb_trampoline *trampoline = &lookup->arch->trampolines[i];

		if (is_at(lookup, trampoline, lookup->pc) || (lookup->exact && is_at(lookup, trampoline, lookup->pc - trampoline->step)))
			return trampoline;
	}
	return NULL;
}

/* The frame of a signal: everything that was interrupted is in it. */
static enum wb_err find_trampoline(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	const struct wb_arch_info *arch = lookup->arch;
	const struct wb_trampoline *trampoline = trampoline_at(lookup);
	struct wb_row_rule rules[WB_SLOTS_MAX + 1];
	uint8_t count = 1;

	if (!trampoline)
		return WB_NONE;
	for (uint8_t i = 0; i < arch->num_signal_regs; i++) {
		uint8_t slot = arch->signal_regs[i];
		struct wb_row_rule rule = { .slot = slot, .kind = WB_RULE_DEREF, .base = arch->sp, .offset = trampoline->saved + i * arch->word_size };

		if (slot == WB_SLOT_NONE)
			continue;
		if (slot != arch->sp) {
			rules[count++] = rule;
			continue;
		}
		/* The caller's stack pointer tells the CFA, and the CFA the caller's stack pointer. */
		rule.slot = WB_SLOT_CFA;
		rule.offset2 = arch->cfa_above_sp;
		rules[0] = rule;
	}
	ret_found->row = (struct wb_row){ .flags = WB_ROW_GENERAL | WB_ROW_SIGNAL, .how = WB_HOW_CODE };
	return wb_found_rules(ret_found, rules, count, lookup->image_pc);
}

enum wb_err wb_strat_code(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	struct wb_code_row row;
	enum wb_err err;

	err = find_trampoline(lookup, ret_found);
	if (err != WB_NONE)
		return err;
	err = wb_code_find(lookup, &row);
	if (err)
		return err;
	/* There is nothing to check where there is no caller. */
	if (!(row.row.flags & WB_ROW_ROOT))
		row.row.flags |= WB_ROW_GUESS;
	ret_found->row = row.row;
	return row.row.num_rules ? wb_found_rules(ret_found, row.rules, row.row.num_rules, lookup->image_pc) : WB_OK;
}
