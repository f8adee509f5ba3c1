/* SPDX-License-Identifier: MIT */
/*
 * DWARF expressions (DWARF 5, 2.5): a bounded stack machine over registers and memory. Call frame information computes values by them (6.4.2), and
 * variables have their places.
 */
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

/* ---- Locations (DWARF 5, 2.6.1) ---------------------------------------------------------------------------------- */

/* What variables' locations count from, besides registers. */
struct wb_expr_frame {
	bool has_cfa, has_base;
	uint64_t cfa;                 /* DW_OP_call_frame_cfa */
	uint64_t base;                /* DW_OP_fbreg */
};
enum wb_expr_where { WB_EXPR_NOWHERE, WB_EXPR_MEMORY, WB_EXPR_REGISTER };
struct wb_expr_piece {
	enum wb_expr_where where;     /* NOWHERE: a value without a place, or optimized out */
	uint64_t value;               /* MEMORY: address; REGISTER: DWARF number */
	uint64_t size;                /* bytes; UINT64_MAX: all of it, there is one piece */
};
enum { WB_EXPR_PIECES_MAX = 64 };     /* a register each of a vector's parts; a struct in pieces has a few */
/* Where the pieces of a variable are, in order; what comes behind one that is not understood is left out. Writes at most WB_EXPR_PIECES_MAX. Errors as
 * for wb_expr_evaluate, if there is no piece before what is wrong. */
enum wb_err wb_expr_locate(const struct wb_arch_info *arch, const struct wb_regs *regs, struct wb_view *view, const struct wb_expr_frame *frame,
                           const uint8_t *bytes, size_t size, struct wb_expr_piece *pieces, unsigned *ret_count);

#endif
