/* SPDX-License-Identifier: MIT */
/* The walker's cache of rows: which of them may be kept, and which of those the walk's fast form can run. */
#include "unwind/walker.h"

#include "base/mem.h"

/* What the fast form can run: simple rows whose return address lies below the CFA and not below the register that the CFA counts from, so that finding
 * it there is progress; and whose FP, if saved, lies between the two: it was not popped already. */
static bool is_fast(const struct wb_row *row)
{
	const uint8_t odd = WB_ROW_GENERAL | WB_ROW_SIGNAL | WB_ROW_ROOT | WB_ROW_GUESS | WB_ROW_BARRIER;

	if (row->flags & odd || row->special || row->ra_offset >= 0 || row->cfa_offset < -row->ra_offset)
		return false;
	return !(row->flags & WB_ROW_FP_SAVED) || (row->fp_offset < row->ra_offset && row->cfa_offset >= -row->fp_offset);
}

/* What the fast form can run besides, for a frame with registers of its own: the return address was not saved yet or is back in its register, and nothing
 * is said that cannot be recovered later. */
static bool is_link(const struct wb_arch_info *arch, const struct wb_found *found)
{
	const struct wb_row_rule *rules = wb_row_table_rules(found->table) + found->row.rules;
	bool in_link = false;

	if (!arch->leaf.ra_in_register || found->row.flags != WB_ROW_GENERAL || found->row.special || !found->row.num_rules ||
	    rules[0].slot != WB_SLOT_CFA || rules[0].kind != WB_RULE_OFFSET || rules[0].base != arch->sp || rules[0].offset < 0)
		return false;
	for (unsigned i = 1; i < found->row.num_rules; i++) {
		if (rules[i].slot == arch->pc && rules[i].kind == WB_RULE_REGISTER && rules[i].base == arch->leaf.ra_slot)
			in_link = true;
		else if (rules[i].slot == arch->pc || rules[i].slot == arch->sp || rules[i].slot == arch->fp || rules[i].kind != WB_RULE_OFFSET)
			return false;
	}
	return in_link;
}

/* Asks the first strategy that the image has something for; and the next one where that is Go's tables or compact unwind information, which know parts of an
 * image. Rows of others are not cached: they depend on those before them saying no. */
static enum wb_err find_cacheable(struct wb_walker *w, const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	for (size_t i = w->hint->first_strategy; i < w->num_strategies; i++) {
		enum wb_err err = w->strategies[i](lookup, ret_found);

		if (err != WB_NONE || (w->hows[i] != WB_HOW_GO && w->hows[i] != WB_HOW_COMPACT))
			return err;
	}
	return WB_NONE;
}

/* The row of an image pc, cached if it may be. A place and its neighbour make a set of two: the newer one is in front, where the fast form looks. */
const struct wb_row_entry *wb_walker_fill_row(struct wb_walker *w, uint64_t image_pc, bool exact)
{
	struct wb_hint *hint = w->hint;
	struct wb_row_entry *entry = wb_walker_row_place(w, image_pc), *second = &w->rows[(image_pc & w->row_mask) ^ 1];
	struct wb_found found = { .cacheable = false };
	uint64_t tag = hint->tag | (uint64_t)exact << WB_TAG_EXACT;
	struct wb_lookup lookup;

	if (second->image_pc == image_pc && second->tag == tag) {
		struct wb_row_entry older = *entry;

		*entry = *second;
		*second = older;
		return entry;
	}
	wb_walker_lookup(w, hint, image_pc - hint->image_start + hint->start, exact, &lookup);
	if (find_cacheable(w, &lookup, &found) != WB_OK)
		return NULL;
	if (!found.cacheable) {
		wb_mem_free(found.loose);
		return NULL;
	}
	*second = *entry;
	entry->image_pc = image_pc;
	entry->tag = tag;
	entry->row = found.row;
	if (is_fast(&found.row)) {
		entry->row.flags |= WB_ROW_FAST;
	} else if (exact && is_link(w->arch, &found)) {
		entry->row.special |= WB_ROW_LINK;
		entry->row.cfa_offset = wb_row_table_rules(found.table)[found.row.rules].offset;
	}
	entry->rules = wb_rules_pack(wb_row_table_rules(found.table) + found.row.rules, found.row.num_rules);
	entry->table = found.table;
	entry->what = wb_pack_what(found.row.how, 0);
	return entry;
}
