/* SPDX-License-Identifier: MIT */
/* The tables of strategies and of code readers. */
#include "unwind/strategy.h"

wb_strategy_fn wb_strategy(enum wb_how how)
{
	switch (how) {
	case WB_HOW_CFI: return wb_strat_cfi;
	case WB_HOW_FRAME_POINTER: return wb_strat_frame_pointer;
	case WB_HOW_LEAF: return wb_strat_leaf;
	case WB_HOW_SCAN: return wb_strat_scan;
	case WB_HOW_CONTEXT:
	case WB_HOW_COMPACT:
	case WB_HOW_GO:
	case WB_HOW_CODE:
	case WB_HOW_BREAKPAD:
	case WB_HOW_GIVEN:
	case WB_HOW_WINDOWS:
	case WB_HOW_SFRAME:
	case WB_HOW_EHABI: break;
	}
	return NULL;
}

const struct wb_code_reader *wb_code_reader_of(enum wb_arch arch)
{
	static const struct wb_code_reader x86_64 = { wb_code_x86_64, wb_code_x86_64_is_call };

	return arch == WB_ARCH_X86_64 ? &x86_64 : NULL;
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
