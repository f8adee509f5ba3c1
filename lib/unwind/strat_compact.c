/* SPDX-License-Identifier: MIT */
/*
 * The compact strategy: Apple's __unwind_info. An entry describes the body of a function, which is where calls return to. The instruction that runs may
 * be in a prologue or an epilogue: what the function's code tells there goes before. What an entry leaves to .eh_frame is the CFI strategy's.
 */
#include "base/mem.h"
#include "unwind/code_edge.h"
#include "unwind/compact.h"
#include "unwind/strategy.h"

/* In stubs nothing is saved; in their helpers, a word or two are on the stack. */
static enum wb_err find_stub(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	const struct wb_convention *leaf = &lookup->arch->leaf;
	struct wb_convention moved = *leaf;
	int32_t pushed;
	enum wb_err err = lookup->exact ? wb_compact_stub(lookup->image, lookup->arch, lookup->image_pc, &pushed) : WB_NONE;

	if (err)
		return err;
	moved.cfa_offset = (int16_t)(leaf->cfa_offset + pushed);
	ret_found->row = wb_row_of_convention(lookup->arch, &moved, WB_HOW_LEAF);
	return leaf->ra_in_register ? wb_found_in_register(lookup->arch, &moved, lookup->image_pc, ret_found) : WB_OK;
}

/* Whether the entry says that the function has taken no stack: the return address is where the call put it. */
static bool is_without_frame(const struct wb_row_table *table, const struct wb_arch_info *arch)
{
	const struct wb_row *row = wb_row_table_rows(table);

	if (!arch->leaf.ra_in_register)
		return !(row->flags & (WB_ROW_GENERAL | WB_ROW_FP_BASE)) && row->cfa_offset == arch->leaf.cfa_offset;
	for (unsigned i = 0; i < row->num_rules; i++)
		if (wb_row_table_rules(table)[i].slot == arch->pc)
			return wb_row_table_rules(table)[i].kind == WB_RULE_REGISTER;
	return false;
}

/* The row at the edge of a function, if the pc is at one. The entry may be of several functions with the same encoding, so it does not tell where the
 * function starts. */
static enum wb_err find_edge(const struct wb_lookup *lookup, const struct wb_compact_entry *entry, const struct wb_row_table *table,
                             struct wb_found *ret_found)
{
	struct wb_bound bound;
	struct wb_code_edge edge;
	enum wb_err err = wb_bounds_find(lookup->image, lookup->image_pc, &bound);

	if (err == WB_ERR_MEMORY)
		return err;
	if (err)
		bound = (struct wb_bound){ WB_CODE_NO_START, entry->end };
	return wb_code_edge_find(lookup, &bound, wb_row_table_rows(table), wb_row_table_rules(table), ret_found, &edge);
}

enum wb_err wb_strat_compact(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	const struct wb_row_table *table;
	struct wb_compact_entry entry;
	struct wb_compact *compact = lookup->info.compact;
	struct wb_row_table *loose;
	enum wb_err err;

	if (!compact)
		return WB_NONE;
	err = wb_compact_at(compact, lookup->image_pc, &entry);
	if (err == WB_NONE)
		return find_stub(lookup, ret_found);
	if (!err)
		err = wb_compact_row(compact, &entry, &table, &loose);
	if (err)
		return err;
	/* A call has overwritten the link register: a function that returns through it has made none. Where the call pushes, it would have left the stack
	 * unaligned; LLVM's assembler makes such entries of functions whose authors described the epilogue. */
	if (!lookup->exact && is_without_frame(table, lookup->arch)) {
		wb_mem_free(loose);
		return WB_NONE;
	}
	err = lookup->exact ? find_edge(lookup, &entry, table, ret_found) : WB_NONE;
	if (err != WB_NONE) {
		wb_mem_free(loose);
		return err;
	}
	ret_found->row = *wb_row_table_rows(table);
	ret_found->table = table;
	ret_found->loose = loose;
	ret_found->cacheable = !loose;
	return WB_OK;
}
