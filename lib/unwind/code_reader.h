/* SPDX-License-Identifier: MIT */
/*
 * Readers of machine code: what the instructions around a pc tell for sure. One descriptor an architecture, in code_<arch>.c; the flow of instructions is
 * followed by one mechanism, code_flow.c. An architecture without a reader just has no answers.
 */
#ifndef UNWIND_CODE_READER_H
#define UNWIND_CODE_READER_H

#include "model/arch.h"
#include "model/row.h"
#include "unwind/code_insn.h"

#define WB_START_UNKNOWN SIZE_MAX
#define WB_START_BEFORE (SIZE_MAX - 1)

/* Bytes of code to look at. */
struct wb_code_window {
	const uint8_t *bytes;
	size_t size;
	size_t at;                    /* of the instruction at the pc; inside of the call where the pc is a return address */
	size_t start;                 /* of the function; WB_START_UNKNOWN */
	size_t end;                   /* of the function or of what it is in; at most size */
	bool is_entry;                /* the function is where processes start: it has no caller */
	bool exact;                   /* at is the pc's own instruction, not that of a call */
	bool is_linkage;              /* a linkage table: jumps through registers leave it, too */
};

enum { WB_CODE_RULES_MAX = WB_CODE_KEPT_MAX + 3, WB_CODE_WINDOW_MAX = 8192 };
/* A row that instructions tell, with its rules. */
struct wb_code_row {
	struct wb_row row;
	struct wb_row_rule rules[WB_CODE_RULES_MAX];
};

struct wb_code_reader {
	/* The row at a pc; bytes[at] is the first of its instruction. start: where in bytes the function starts; WB_START_BEFORE: before them;
	 * WB_START_UNKNOWN. WB_NONE: nothing that is sure. NULL: nobody knows. */
	enum wb_err (*row)(const struct wb_arch_info *arch, const uint8_t *bytes, size_t size, size_t at, size_t start, struct wb_row *ret_row);
	/* Whether the bytes that end at bytes + size look like a call. */
	bool (*ends_in_call)(const uint8_t *bytes, size_t size);
	const struct wb_code_machine *machine;
};
extern const struct wb_code_reader wb_code_aarch64, wb_code_x86_64;
extern const struct wb_code_machine wb_aarch64_machine, wb_x86_machine;

/* NULL: no reader for this architecture. */
const struct wb_code_reader *wb_code_reader(enum wb_arch arch);

/* The row at a pc as the flow of the function's instructions tells it: from its start to the pc, or from the pc to its returns. WB_NONE: not for sure.
 * WB_ERR_MEMORY. */
enum wb_err wb_code_follow(const struct wb_code_machine *machine, const struct wb_arch_info *arch, const struct wb_code_window *window,
                           struct wb_code_row *ret_row);

#endif
