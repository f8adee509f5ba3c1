/* SPDX-License-Identifier: MIT */
/*
 * The compact strategy: Apple's __unwind_info. An entry describes the body of a function, which is where calls return to. The instruction that runs may
 * be in a prologue or an epilogue: then the function's code is asked as well, and where it tells another story, the code strategy is to answer.
 * What an entry leaves to .eh_frame is the CFI strategy's.
 */
#include "base/mem.h"
#include "unwind/code_reader.h"
#include "unwind/compact.h"
#include "unwind/strategy.h"

/* Where a row counts its CFA from, if that is a register of the frame: an address. */
static bool cfa_of(const struct wb_lookup *lookup, const struct wb_row *row, const struct wb_row_rule *rules, uint64_t *ret_cfa)
{
	const struct wb_arch_info *arch = lookup->arch;
	uint8_t base = row->flags & WB_ROW_FP_BASE ? arch->fp : arch->sp;
	int32_t offset = row->cfa_offset;

	if (row->flags & WB_ROW_GENERAL) {
		if (!row->num_rules || rules[0].slot != WB_SLOT_CFA || rules[0].kind != WB_RULE_OFFSET)
			return false;
		base = rules[0].base;
		offset = rules[0].offset;
	}
	if ((base != arch->sp || !lookup->has_sp) && (base != arch->fp || !lookup->has_fp))
		return false;
	*ret_cfa = (base == arch->sp ? lookup->sp : lookup->fp) + (uint64_t)(int64_t)offset;
	return true;
}

/* Where a row has a register, as a rule; FP and pc of simple rows have theirs in the row itself. */
static struct wb_row_rule rule_of(const struct wb_arch_info *arch, const struct wb_row *row, const struct wb_row_rule *rules, uint8_t slot)
{
	struct wb_row_rule rule = { .slot = slot, .kind = WB_RULE_SAME };

	for (unsigned i = 0; i < row->num_rules; i++)
		if (rules[i].slot == slot)
			return rules[i];
	if (row->flags & WB_ROW_GENERAL)
		return rule;
	if (slot == arch->pc || (slot == arch->fp && row->flags & WB_ROW_FP_SAVED)) {
		rule.kind = WB_RULE_OFFSET;
		rule.offset = slot == arch->pc ? row->ra_offset : row->fp_offset;
	}
	return rule;
}

/* Whether the code's row is the entry's: the frame is where it says, and has all that it says is saved. */
static bool is_body(const struct wb_lookup *lookup, const struct wb_row *row, const struct wb_row_rule *rules, const struct wb_code_row *code)
{
	const struct wb_arch_info *arch = lookup->arch;
	uint64_t slots = UINT64_C(1) << arch->pc | UINT64_C(1) << arch->fp, cfa, code_cfa;
	uint64_t link = arch->ra_column != arch->pc ? UINT64_C(1) << arch->ra_column : 0; /* where the pc is, or anything */

	if (code->row.flags & WB_ROW_ROOT)
		return false;
	/* Without the registers, as when rows are shown, there is nothing to compare. */
	if (!cfa_of(lookup, row, rules, &cfa) || !cfa_of(lookup, &code->row, code->rules, &code_cfa))
		return true;
	for (unsigned i = 0; i < row->num_rules; i++)
		if (rules[i].slot < WB_SLOTS_MAX)
			slots |= UINT64_C(1) << rules[i].slot;
	for (slots &= ~link; slots && cfa == code_cfa; slots &= slots - 1) {
		uint8_t slot = (uint8_t)__builtin_ctzll(slots);
		struct wb_row_rule a = rule_of(arch, row, rules, slot), b = rule_of(arch, &code->row, code->rules, slot);

		if (a.kind != b.kind || a.offset != b.offset)
			return false;
	}
	return cfa == code_cfa;
}

/* In stubs nothing is saved; in their helpers, a word or two are on the stack. */
static enum wb_err find_stub(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	const struct wb_convention *leaf = &lookup->arch->leaf;
	struct wb_row row = wb_row_of_convention(lookup->arch, leaf, WB_HOW_LEAF);
	int32_t pushed;
	enum wb_err err = lookup->exact ? wb_compact_stub(lookup->image, lookup->arch, lookup->image_pc, &pushed) : WB_NONE;

	if (err)
		return err;
	ret_found->row = row;
	if (leaf->ra_in_register) {
		struct wb_convention moved = *leaf;

		moved.cfa_offset = (int16_t)(leaf->cfa_offset + pushed);
		return wb_found_in_register(lookup->arch, &moved, lookup->image_pc, ret_found);
	}
	ret_found->row.cfa_offset += pushed;
	return WB_OK;
}

/* Whether the entry's row holds for the frame. WB_NONE: another strategy is to answer. */
static enum wb_err holds(const struct wb_lookup *lookup, const struct wb_row *row, const struct wb_row_rule *rules)
{
	struct wb_code_row code;
	enum wb_err err;

	/* A call has overwritten the link register: a function that returns through it has made none. */
	if (!lookup->exact)
		return rule_of(lookup->arch, row, rules, lookup->arch->pc).kind == WB_RULE_REGISTER ? WB_NONE : WB_OK;
	err = wb_code_row_at(lookup, &code);
	if (err == WB_ERR_MEMORY)
		return err;
	return err || is_body(lookup, row, rules, &code) ? WB_OK : WB_NONE;
}

enum wb_err wb_strat_compact(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	const struct wb_row_table *table;
	struct wb_compact_entry entry;
	struct wb_compact *compact;
	struct wb_row_table *loose;
	enum wb_err err = lookup->image ? wb_compact_of_image(lookup->image, &compact) : WB_NONE;

	if (err)
		return err;
	err = wb_compact_at(compact, lookup->image_pc, &entry);
	if (err == WB_NONE)
		return find_stub(lookup, ret_found);
	if (!err)
		err = wb_compact_row(compact, &entry, &table, &loose);
	if (err)
		return err;
	err = holds(lookup, wb_row_table_rows(table), wb_row_table_rules(table));
	ret_found->of_registers = lookup->exact;
	if (err) {
		wb_mem_free(loose);
		return err;
	}
	ret_found->row = *wb_row_table_rows(table);
	ret_found->table = table;
	ret_found->loose = loose;
	ret_found->cacheable = !lookup->exact && !loose;
	return WB_OK;
}
