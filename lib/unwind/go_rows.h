/* SPDX-License-Identifier: MIT */
/*
 * Rows from Go's pclntab: how far SP is from the frame's end at every pc, put together with what the runtime's functions are known to do (where
 * stacks end, where they are switched, where a caller was interrupted). The algorithm is the runtime's own, runtime/traceback.go. A function is
 * compiled once, on first need.
 */
#ifndef UNWIND_GO_ROWS_H
#define UNWIND_GO_ROWS_H

#include "model/image.h"
#include "model/row.h"

struct wb_go_rows;

/* The image's, made on first need; NULL if it is not Go's, or its architecture is not known. */
enum wb_err wb_go_rows_of_image(struct wb_image *image, struct wb_go_rows **ret_rows);
/* The rows of the function at image_pc, which is the pc itself also for return addresses: a call does not change SP. WB_NONE: no Go function
 * is there, or its tables do not say. As wb_cfi_find otherwise. */
enum wb_err wb_go_rows_find(struct wb_go_rows *rows, uint64_t image_pc, const struct wb_row_table **ret_table, struct wb_row_table **ret_loose);

/* What a function of the runtime is to a walk. */
enum wb_go_kind {
	WB_GO_PLAIN,
	WB_GO_TOP,                    /* the outermost frame of its stack */
	WB_GO_INJECTED,               /* a signal handler made it look called: its caller was interrupted */
	WB_GO_SIGNAL,                 /* what signal handlers return to */
	WB_GO_SWITCH,                 /* goes on on another stack and comes back */
	WB_GO_LEAVE,                  /* goes on on another stack and does not come back */
	WB_GO_FROM_C,                 /* called from C, in C's way: keeps the registers that C keeps */
	WB_GO_HANDLER,                /* the same, called by the system for a signal */
};
/* WB_NONE: no Go function is at image_pc. */
enum wb_err wb_go_kind_at(const struct wb_go_rows *rows, uint64_t image_pc, enum wb_go_kind *ret_kind);

#endif
