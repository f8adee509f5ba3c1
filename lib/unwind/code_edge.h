/* SPDX-License-Identifier: MIT */
/*
 * The edges of functions, their prologues and epilogues, told by their instructions. For unwind information that describes bodies alone: compact
 * unwind, and call frame information that is not asynchronous. Only frames whose pc is exact can stand at an edge.
 */
#ifndef UNWIND_CODE_EDGE_H
#define UNWIND_CODE_EDGE_H

#include "model/bounds.h"
#include "unwind/strategy.h"

#define WB_CODE_NO_START UINT64_MAX

enum wb_code_edge_kind { WB_CODE_PROLOGUE, WB_CODE_EPILOGUE };

struct wb_code_edge {
	enum wb_code_edge_kind kind;
	uint32_t instructions;        /* prologue: before the pc; epilogue: from the pc to the one that leaves, without it */
};

/* Whether lookup's pc is at an edge of its function. bound: of the function, image pcs; its start is WB_CODE_NO_START where unknown, its end never. body: the
 * row that holds in the function's body, with its rules, of which there are body->num_rules.
 * WB_OK: *ret_found has the row at the pc, from code analysis; its table, if any, is the caller's to free as always. WB_NONE: in the body, or nothing that
 * is sure: the body's row is the best there is. WB_ERR_MEMORY. */
enum wb_err wb_code_edge_find(const struct wb_lookup *lookup, const struct wb_bound *bound, const struct wb_row *body, const struct wb_row_rule *rules,
                              struct wb_found *ret_found, struct wb_code_edge *ret_edge);

#endif
