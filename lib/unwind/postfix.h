/* SPDX-License-Identifier: MIT */
/*
 * Breakpad's postfix expressions, "$rsp 8 +" and programs such as "$T0 $ebp = $eip $T0 4 + ^ =" (Breakpad, docs/symbol_files.md, "STACK CFI records"; for
 * programs, Microsoft's DIA SDK, IDiaFrameData::get_program), compiled to DWARF expressions. A variable stands for the expression that it was given.
 */
#ifndef UNWIND_POSTFIX_H
#define UNWIND_POSTFIX_H

#include "model/arch.h"

#include <stddef.h>

enum {
	WB_POSTFIX_BYTES = 4096,      /* of all expressions of a row, intermediate ones too */
	WB_POSTFIX_VARIABLES = 48,
	WB_POSTFIX_STACK = 32,
};

struct wb_postfix_code {
	uint16_t at, size;            /* in the compiler's bytes */
	bool is_memory;               /* the last operation reads the memory at what comes before it */
};

struct wb_postfix_item {
	struct wb_postfix_code code;
	const char *name;             /* NULL: code counts; else a variable or register that was not looked at yet */
	size_t length;
};

struct wb_postfix {
	const struct wb_arch_info *arch;
	uint8_t bytes[WB_POSTFIX_BYTES];
	size_t used;
	struct { const char *name; size_t length; struct wb_postfix_code code; } variables[WB_POSTFIX_VARIABLES];
	size_t num_variables;
	struct wb_postfix_item stack[WB_POSTFIX_STACK];
	size_t depth;
};

/* The size of the word at text, which ends with a space, NUL, or at end. */
size_t wb_postfix_word(const char *text, const char *end);
/* The slot of a register by its name, with or without a "$"; WB_SLOT_NONE if there is none. */
uint8_t wb_postfix_register(const struct wb_arch_info *arch, const char *name, size_t length);

void wb_postfix_init(struct wb_postfix *p, const struct wb_arch_info *arch);
/* Runs words up to end. False: malformed, or too large. */
bool wb_postfix_run(struct wb_postfix *p, const char *text, const char *end);
/* The one value that an expression leaves. */
bool wb_postfix_result(struct wb_postfix *p, struct wb_postfix_code *ret);
bool wb_postfix_set(struct wb_postfix *p, const char *name, size_t length, struct wb_postfix_code code);
/* A variable that was given a value. */
bool wb_postfix_get(const struct wb_postfix *p, const char *name, struct wb_postfix_code *ret);
bool wb_postfix_constant(struct wb_postfix *p, int64_t value, struct wb_postfix_code *ret);
/* Register + offset. */
bool wb_postfix_sum(struct wb_postfix *p, uint8_t slot, int64_t offset, struct wb_postfix_code *ret);

#endif
