/* SPDX-License-Identifier: MIT */
/*
 * The CFI strategy: the image's .eh_frame, else its .debug_frame. Some of it describes the bodies of functions alone, and none of it helps where it counts
 * from a stack pointer that is not known.
 */
#include "base/mem.h"
#include "unwind/cfi.h"
#include "unwind/code_edge.h"
#include "unwind/code_insn.h"
#include "unwind/code_reader.h"
#include "unwind/go_kinds.h"
#include "unwind/strategy.h"

/* What holds at a function's first instruction: nothing is saved, and the return address is in its register. */
static bool is_leaf_row(const struct wb_row_table *table, const struct wb_row *row, const struct wb_arch_info *arch)
{
	const struct wb_row_rule *rules = wb_row_table_rules(table) + row->rules;

	return row->flags & WB_ROW_GENERAL && row->num_rules == 2 && rules[0].slot == WB_SLOT_CFA && rules[0].kind == WB_RULE_OFFSET &&
	       rules[0].base == arch->sp && !rules[0].offset && rules[1].slot == arch->pc && rules[1].kind == WB_RULE_REGISTER;
}

/* A function that sets up a frame, and nowhere comes back to none, does not return, or was compiled without asynchronous CFI: LLVM before 15 for aarch64. */
static bool describes_body_alone(const struct wb_row_table *table, const struct wb_arch_info *arch)
{
	const struct wb_row *rows = wb_row_table_rows(table);

	if (table->num_rows < 2 || !is_leaf_row(table, &rows[0], arch))
		return false;
	for (uint32_t i = 1; i < table->num_rows; i++)
		if (is_leaf_row(table, &rows[i], arch))
			return false;
	return true;
}

/* How far the CFA is from the stack pointer. False: it is told in another way. */
static bool cfa_from_sp(const struct wb_row_table *table, const struct wb_row *row, const struct wb_arch_info *arch, int32_t *ret_offset)
{
	const struct wb_row_rule *cfa = wb_row_table_rules(table) + row->rules;

	*ret_offset = row->cfa_offset;
	if (!(row->flags & WB_ROW_GENERAL))
		return !(row->flags & (WB_ROW_FP_BASE | WB_ROW_ROOT));
	if (!row->num_rules || cfa->slot != WB_SLOT_CFA || cfa->kind != WB_RULE_OFFSET || cfa->base != arch->sp)
		return false;
	*ret_offset = cfa->offset;
	return true;
}

/* Whether the row says that the stack pointer was moved, but the instruction before it does not do that. LLVM, up to 19 at least, joins the store that takes
 * the frame with a later one (AArch64LoadStoreOptimizer), and leaves the call frame information where the first was. */
static bool is_before_its_store(const struct wb_lookup *lookup, const struct wb_row_table *table, const struct wb_row *row)
{
	const struct wb_code_reader *code = wb_code_reader(lookup->arch->arch);
	size_t index = (size_t)(row - wb_row_table_rows(table));
	struct wb_code_insn insn;
	uint8_t bytes[4];             /* instructions are so long where calls leave their return address in a register */
	int32_t offset, before;

	if (!code || !index || !cfa_from_sp(table, row, lookup->arch, &offset) || !cfa_from_sp(table, row - 1, lookup->arch, &before) || offset == before)
		return false;
	if (wb_image_read(lookup->image, table->start + wb_row_table_offsets(table)[index] - sizeof(bytes), bytes, sizeof(bytes)) ||
	    !code->machine->decode(bytes, sizeof(bytes), &insn) || insn.next != WB_NEXT_ON || insn.writes >> code->machine->sp & 1)
		return false;
	for (uint8_t i = 0; i < insn.num_ops; i++)
		if (insn.ops[i].reg == code->machine->sp)
			return false;
	return true;
}

/* WB_OK: found has another row, which stands at an edge of the function. */
static enum wb_err at_edge(const struct wb_lookup *lookup, struct wb_found *found)
{
	const struct wb_row_table *table = found->table;
	struct wb_bound bound = { table->start, table->end };
	struct wb_found edge = { .cacheable = false };
	struct wb_code_edge kind;
	enum wb_err err;

	if (!describes_body_alone(table, lookup->arch) && !is_before_its_store(lookup, table, wb_row_table_find(table, lookup->image_pc)))
		return WB_NONE;
	err = wb_code_edge_find(lookup, &bound, &found->row, wb_row_table_rules(table) + found->row.rules, &edge, &kind);
	if (err)
		return err;
	wb_mem_free(found->loose);
	*found = edge;
	return WB_OK;
}

/* Whether the CFA counts from the stack pointer, which a chain of frame records does not tell: then others know better where the frame is. */
static bool needs_sp(const struct wb_found *found, const struct wb_arch_info *arch)
{
	const struct wb_row_rule *cfa = wb_row_table_rules(found->table) + found->row.rules;

	if (!(found->row.flags & WB_ROW_GENERAL))
		return !(found->row.flags & (WB_ROW_FP_BASE | WB_ROW_ROOT));
	return found->row.num_rules && cfa->slot == WB_SLOT_CFA && (cfa->kind == WB_RULE_OFFSET || cfa->kind == WB_RULE_DEREF) && cfa->base == arch->sp &&
	       !(found->row.flags & WB_ROW_ROOT);
}

/* Go's .debug_frame says how far SP is from the frame's end, but not where stacks end, where they are switched, and whose callers were interrupted. */
static void mend_go(const struct wb_lookup *lookup, enum wb_go_kind kind, struct wb_row *row)
{
	if (kind == WB_GO_TOP) {
		row->flags |= WB_ROW_ROOT;
		row->special = WB_ROW_GO_TOP;
	} else if (kind == WB_GO_INJECTED) {
		row->special = WB_ROW_INJECTED;
	} else if ((kind == WB_GO_SWITCH || kind == WB_GO_LEAVE) && !lookup->exact) {
		*row = (struct wb_row){ .flags = WB_ROW_GENERAL, .special = WB_ROW_JOINT, .how = WB_HOW_CFI };
	}
}

/* Whether a Go function is there. C's in the same image are as everywhere. */
static bool is_go(const struct wb_lookup *lookup, enum wb_go_kind *ret_kind)
{
	return wb_go_kind_at(lookup->info.go, lookup->image_pc + (lookup->exact ? 0 : lookup->arch->call_step), ret_kind) == WB_OK;
}

enum wb_err wb_strat_cfi(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	enum wb_go_kind kind;
	enum wb_err err;

	if (!lookup->image || !lookup->info.cfi)
		return WB_NONE;
	err = wb_cfi_find(lookup->info.cfi, lookup->image_pc, &ret_found->table, &ret_found->loose);
	if (err)
		return err;
	ret_found->row = *wb_row_table_find(ret_found->table, lookup->image_pc);
	ret_found->cacheable = !ret_found->loose;
	if (lookup->info.go && is_go(lookup, &kind)) {
		if (!wb_go_kind_is_by_hand(lookup->arch, kind)) {
			mend_go(lookup, kind, &ret_found->row);
			return WB_OK;
		}
		wb_mem_free(ret_found->loose);
		return WB_NONE;
	}
	if (!lookup->has_sp && lookup->arch->frame.cfa_is_bound && needs_sp(ret_found, lookup->arch)) {
		wb_mem_free(ret_found->loose);
		return WB_NONE;
	}
	if (lookup->exact && lookup->arch->leaf.ra_in_register && at_edge(lookup, ret_found) == WB_ERR_MEMORY)
		return WB_ERR_MEMORY;
	return WB_OK;
}
