/* SPDX-License-Identifier: MIT */
/* The table of strategies, and the rows of conventions. */
#include "unwind/strategy.h"

wb_strategy_fn wb_strategy(enum wb_how how)
{
	switch (how) {
	case WB_HOW_CFI: return wb_strat_cfi;
	case WB_HOW_FRAME_POINTER: return wb_strat_frame_pointer;
	case WB_HOW_LEAF: return wb_strat_leaf;
	case WB_HOW_CODE: return wb_strat_code;
	case WB_HOW_SCAN: return wb_strat_scan;
	case WB_HOW_CONTEXT:
	case WB_HOW_COMPACT:
	case WB_HOW_GO:
	case WB_HOW_BREAKPAD:
	case WB_HOW_GIVEN:
	case WB_HOW_WINDOWS:
	case WB_HOW_SFRAME:
	case WB_HOW_EHABI: break;
	}
	return NULL;
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
