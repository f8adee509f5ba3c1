/* SPDX-License-Identifier: MIT */
/* DWARF expressions as call frame information uses them (DWARF 5, 2.5 and 6.4.2): a bounded stack machine over registers and memory. */
#ifndef UNWIND_EXPR_H
#define UNWIND_EXPR_H

#include "model/memory.h"
#include "model/regs.h"

/* Why an evaluation failed; the address is what was to be read. */
struct wb_expr_fault {
	bool is_memory;               /* bytes at address are absent */
	uint64_t address;
};

/* Evaluates with `initial` on the stack (the CFA) if has_initial. WB_ERR_DATA: malformed, or needs a register that is unknown; WB_NONE: memory is
 * absent; WB_ERR_UNSUPPORTED, WB_ERR_LIMIT. *ret_fault is set whenever the result is not WB_OK. */
enum wb_err wb_expr_evaluate(const struct wb_arch_info *arch, const struct wb_regs *regs, struct wb_view *view, const uint8_t *bytes,
                             size_t size, bool has_initial, uint64_t initial, uint64_t *ret_value, struct wb_expr_fault *ret_fault);

#endif
