/* SPDX-License-Identifier: MIT */
/*
 * Functions by their bounds. Symbols and FDEs are both made for parts of functions, too (what compilers move out of the way, code behind local labels);
 * where there is call frame information, its first row tells those from what is called: there, the return address is where calls put it.
 */
#include "unwind/function.h"

#include "base/mem.h"
#include "unwind/cfi.h"
#include "unwind/strategy.h"

/* Whether the row says that nothing was set up yet. */
static bool is_at_entry(const struct wb_row_table *table, const struct wb_row *row, const struct wb_arch_info *arch)
{
	const struct wb_convention *leaf = &arch->leaf;
	const struct wb_row_rule *rules = wb_row_table_rules(table) + row->rules;

	if (row->flags & WB_ROW_ROOT)
		return true;
	if (row->flags & WB_ROW_GENERAL)
		return leaf->ra_in_register && row->num_rules && rules[0].kind == WB_RULE_OFFSET && rules[0].base == leaf->cfa_base &&
		       rules[0].offset == leaf->cfa_offset;
	return !(row->flags & (WB_ROW_FP_BASE | WB_ROW_FP_SAVED)) && row->cfa_offset == leaf->cfa_offset && row->ra_offset == leaf->ra_offset;
}

/* WB_NONE: no call frame information covers image_pc. *ret_is_entry: functions are entered there, by what it says. */
static enum wb_err ask_cfi(struct wb_image *image, const struct wb_arch_info *arch, uint64_t image_pc, struct wb_bound *ret_fde, bool *ret_is_entry)
{
	const struct wb_row_table *table;
	struct wb_row_table *loose = NULL;
	struct wb_cfi *cfi = NULL;
	enum wb_err err = wb_cfi_of_image(image, &cfi);

	if (!err && cfi)
		err = wb_cfi_find(cfi, image_pc, &table, &loose);
	if (err || !cfi)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	*ret_fde = (struct wb_bound){ table->start, table->end };
	*ret_is_entry = is_at_entry(table, wb_row_table_find(table, image_pc), arch);
	wb_mem_free(loose);
	return WB_OK;
}

enum wb_err wb_function_find(struct wb_image *image, const struct wb_arch_info *arch, uint64_t image_pc, struct wb_bound *ret_bound)
{
	struct wb_bound bound, fde;
	bool is_entry = false;
	enum wb_err err = wb_bounds_find(image, image_pc, &bound);

	if (err && err != WB_ERR_MEMORY)
		err = ask_cfi(image, arch, image_pc, &bound, &is_entry);
	if (err)
		return err;
	err = ask_cfi(image, arch, bound.start, &fde, &is_entry);
	if (err == WB_ERR_MEMORY)
		return err;
	if (!err && !is_entry)
		return WB_NONE;
	*ret_bound = bound;
	return WB_OK;
}
