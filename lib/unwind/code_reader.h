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

/* Bytes of code to look at. */
struct wb_code_window {
	const uint8_t *bytes;
	size_t size;
	size_t at;                    /* of the instruction at the pc; inside of the call where the pc is a return address */
	size_t start;                 /* of the function; WB_START_UNKNOWN */
	size_t end;                   /* of the function; at most size */
	bool is_entry;                /* the function is where processes start: it has no caller */
	bool exact;                   /* at is the pc's own instruction, not that of a call */
};

enum { WB_CODE_RULES_MAX = 8 };
/* A row that instructions tell, with its rules: those of registers other than FP, and of FP where it is not known. */
struct wb_code_row {
	struct wb_row row;
	struct wb_row_rule rules[WB_CODE_RULES_MAX];
};

struct wb_code_reader {
	/* The row at a pc; bytes[at] is the first of its instruction. start: where in bytes the function starts; WB_START_BEFORE: before them;
	 * WB_START_UNKNOWN. WB_NONE: nothing that is sure. */
	enum wb_err (*row)(const struct wb_arch_info *arch, const uint8_t *bytes, size_t size, size_t at, size_t start, struct wb_row *ret_row);
	/* Whether the bytes that end at bytes + size look like a call. */
	bool (*ends_in_call)(const uint8_t *bytes, size_t size);
	/* The row at a pc as the flow of the function's instructions tells it: from its start to the pc, or from the pc to its returns. WB_NONE: not
	 * for sure. */
	enum wb_err (*follow)(const struct wb_arch_info *arch, const struct wb_code_window *window, struct wb_code_row *ret_row);
};
extern const struct wb_code_reader wb_code_x86_64;

/* code_x86_64_flow.c, for code_x86_64.c */
enum wb_err wb_x86_follow(const struct wb_arch_info *arch, const struct wb_code_window *window, struct wb_code_row *ret_row);

/* NULL: no reader for this architecture. */
const struct wb_code_reader *wb_code_reader(enum wb_arch arch);

#endif
