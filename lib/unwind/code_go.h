/* SPDX-License-Identifier: MIT */
/*
 * What the instructions of a Go function tell of its frame and its tables do not: from where on the frame pointer is saved and set, where SP is
 * switched to another stack, and which registers a function that C calls saves.
 */
#ifndef UNWIND_CODE_GO_H
#define UNWIND_CODE_GO_H

#include "model/arch.h"
#include "model/pclntab.h"
#include "unwind/go_rows.h"

enum { WB_GO_SAVED_MAX = 8 };
#define WB_GO_NEVER UINT64_MAX

/* Places are offsets from the function's start. */
struct wb_go_frame {
	uint64_t fp_saved;            /* from here on, in a frame, the caller's frame pointer is a word below the return address */
	uint64_t fp_set;              /* and the frame pointer leads there */
	uint64_t sp_written;          /* behind the first instruction that makes SP another stack's, if the function does that */
	uint64_t saved_from;          /* from here on what C keeps is saved, if C calls the function */
	int32_t saved_distance;       /* in frames at least so large */
	uint32_t first_rule;          /* the caller's: where their rules are */
	uint8_t num_saved;
	struct { uint8_t slot; int32_t offset; } saved[WB_GO_SAVED_MAX]; /* bytes from the CFA */
};
enum wb_err wb_go_frame_read(struct wb_image *image, const struct wb_arch_info *arch, const struct wb_pclntab *table,
                             const struct wb_go_function *function, enum wb_go_kind kind, struct wb_go_frame *ret_frame);

#endif
