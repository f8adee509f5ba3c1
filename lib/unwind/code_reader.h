/* SPDX-License-Identifier: MIT */
/*
 * Readers of machine code: what the instructions around a pc tell for sure. One file an architecture, code_<arch>.c; an architecture without one
 * just has no answers.
 */
#ifndef UNWIND_CODE_READER_H
#define UNWIND_CODE_READER_H

#include "model/arch.h"
#include "model/row.h"

#define WB_START_UNKNOWN SIZE_MAX
#define WB_START_BEFORE (SIZE_MAX - 1)

struct wb_code_reader {
	/* The row at a pc; bytes[at] is the first of its instruction. start: where in bytes the function starts; WB_START_BEFORE: before them;
	 * WB_START_UNKNOWN. WB_NONE: nothing that is sure. */
	enum wb_err (*row)(const struct wb_arch_info *arch, const uint8_t *bytes, size_t size, size_t at, size_t start, struct wb_row *ret_row);
	/* Whether the bytes that end at bytes + size look like a call. */
	bool (*ends_in_call)(const uint8_t *bytes, size_t size);
};
extern const struct wb_code_reader wb_code_x86_64;

/* NULL: no reader for this architecture. */
const struct wb_code_reader *wb_code_reader(enum wb_arch arch);

#endif
