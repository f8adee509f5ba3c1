/* SPDX-License-Identifier: MIT */
/* The table of strategies, and the rows of conventions. */
#include "unwind/strategy.h"

#include "base/mem.h"
#include "unwind/cfi.h"
#include "unwind/compact.h"
#include "unwind/go_rows.h"

#include <string.h>

wb_strategy_fn wb_strategy(enum wb_how how)
{
	switch (how) {
	case WB_HOW_CFI: return wb_strat_cfi;
	case WB_HOW_GO: return wb_strat_go;
	case WB_HOW_FRAME_POINTER: return wb_strat_frame_pointer;
	case WB_HOW_LEAF: return wb_strat_leaf;
	case WB_HOW_CODE: return wb_strat_code;
	case WB_HOW_SCAN: return wb_strat_scan;
	case WB_HOW_COMPACT: return wb_strat_compact;
	case WB_HOW_WINDOWS: return wb_strat_windows;
	case WB_HOW_BREAKPAD: return wb_strat_breakpad;
	case WB_HOW_EHABI: return wb_strat_ehabi;
	case WB_HOW_CONTEXT:
	case WB_HOW_GIVEN:
	case WB_HOW_SFRAME: break;
	}
	return NULL;
}

enum wb_err wb_unwind_info_of_image(struct wb_image *image, struct wb_unwind_info *ret_info)
{
	struct wb_unwind_info info = { NULL, NULL, NULL };
	enum wb_err cfi = WB_NONE, go = WB_NONE, compact = WB_NONE;

	if (image) {
		cfi = wb_cfi_of_image(image, &info.cfi);
		go = wb_go_rows_of_image(image, &info.go);
		compact = wb_compact_of_image(image, &info.compact);
	}
	ret_info->cfi = cfi ? NULL : info.cfi;
	ret_info->go = go ? NULL : info.go;
	ret_info->compact = compact ? NULL : info.compact;
	return cfi == WB_ERR_MEMORY || go == WB_ERR_MEMORY || compact == WB_ERR_MEMORY ? WB_ERR_MEMORY : WB_OK;
}

struct wb_row wb_row_of_convention(const struct wb_arch_info *arch, const struct wb_convention *convention, enum wb_how how)
{
	return (struct wb_row){
		.cfa_offset = convention->cfa_offset,
		.ra_offset = convention->ra_offset,
		.fp_offset = convention->fp_offset,
		.flags = (uint8_t)((convention->cfa_base == arch->fp ? WB_ROW_FP_BASE : 0) | (convention->fp_offset ? WB_ROW_FP_SAVED : 0)),
		.how = (uint8_t)how,
	};
}

enum wb_err wb_found_expressions(struct wb_found *found, const struct wb_row_rule *rules, uint8_t num_rules, uint64_t image_pc,
                                 const uint8_t *expressions, size_t expressions_size)
{
	size_t size = num_rules * sizeof(*rules);
	struct wb_row_table *table = wb_mem_zalloc(1, sizeof(*table) + 4 * sizeof(uint32_t) + sizeof(struct wb_row) + size + expressions_size);
	uint8_t *after;

	if (!table)
		return WB_ERR_MEMORY;
	table->start = image_pc;
	table->end = image_pc + 1;
	table->num_rows = 1;
	table->num_rules = num_rules;
	found->row.rules = 0;
	found->row.num_rules = num_rules;
	memcpy((struct wb_row *)(uintptr_t)wb_row_table_rows(table), &found->row, sizeof(found->row));
	memcpy((struct wb_row_rule *)(uintptr_t)wb_row_table_rules(table), rules, size);
	after = (uint8_t *)(uintptr_t)(wb_row_table_rules(table) + num_rules);
	if (expressions_size)
		memcpy(after, expressions, expressions_size);
	table->expressions = after;
	found->table = found->loose = table;
	return WB_OK;
}

enum wb_err wb_found_rules(struct wb_found *found, const struct wb_row_rule *rules, uint8_t num_rules, uint64_t image_pc)
{
	return wb_found_expressions(found, rules, num_rules, image_pc, NULL, 0);
}

enum wb_err wb_found_in_register(const struct wb_arch_info *arch, const struct wb_convention *convention, uint64_t image_pc, struct wb_found *found)
{
	const struct wb_row_rule rules[] = {
		{ .slot = WB_SLOT_CFA, .kind = WB_RULE_OFFSET, .base = convention->cfa_base, .offset = convention->cfa_offset },
		{ .slot = arch->pc, .kind = WB_RULE_REGISTER, .base = convention->ra_slot },
	};

	found->row.flags |= WB_ROW_GENERAL;
	return wb_found_rules(found, rules, sizeof(rules) / sizeof(rules[0]), image_pc);
}

const char *wb_how_text(enum wb_how how)
{
	switch (how) {
	case WB_HOW_CONTEXT: return "context";
	case WB_HOW_CFI: return "cfi";
	case WB_HOW_COMPACT: return "compact";
	case WB_HOW_GO: return "go";
	case WB_HOW_FRAME_POINTER: return "frame-pointer";
	case WB_HOW_LEAF: return "leaf";
	case WB_HOW_CODE: return "code";
	case WB_HOW_SCAN: return "scan";
	case WB_HOW_BREAKPAD: return "breakpad";
	case WB_HOW_GIVEN: return "given";
	case WB_HOW_WINDOWS: return "windows";
	case WB_HOW_SFRAME: return "sframe";
	case WB_HOW_EHABI: return "ehabi";
	}
	return "unknown";
}
