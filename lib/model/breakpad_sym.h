/* SPDX-License-Identifier: MIT */
/*
 * Breakpad's symbol files (Breakpad, docs/symbol_files.md): text, a record a line, addresses counted from where the image was loaded. What unwinding and
 * symbolizing need is found here; the records behind a function are looked through when somebody asks for an address in it.
 */
#ifndef MODEL_BREAKPAD_SYM_H
#define MODEL_BREAKPAD_SYM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/image.h"

struct wb_breakpad_sym;

/* The image's symbol file, read on first need; lives as long as the image. WB_NONE: it has none. */
enum wb_err wb_breakpad_of_image(struct wb_image *image, struct wb_breakpad_sym **ret_sym);
/* Where an image pc is, from where the image was loaded. */
uint64_t wb_breakpad_offset(const struct wb_breakpad_sym *sym, uint64_t image_pc);

/* Compiles text; copies it. diags and path are for messages. */
enum wb_err wb_breakpad_read(struct wb_diags *diags, const char *path, const uint8_t *text, size_t size, struct wb_breakpad_sym **ret_sym);
void wb_breakpad_free(struct wb_breakpad_sym *sym);

/* How many places each kind of record describes. */
struct wb_breakpad_counts { size_t functions, publics, cfi, win; };
void wb_breakpad_count(const struct wb_breakpad_sym *sym, struct wb_breakpad_counts *ret_counts);
size_t wb_breakpad_bytes(const struct wb_breakpad_sym *sym);

/* ---- Names ---- */

struct wb_breakpad_function {
	uint64_t start, size;         /* size 0: unknown (PUBLIC) */
	uint32_t parameters;          /* bytes of parameters on the stack */
	const char *name;             /* lives as long as the file, as all strings here */
	const char *records;          /* inlined calls and lines; NULL: none */
	const char *lines, *end;      /* what is behind the last inlined call, and behind the last line */
};
/* FUNC, else PUBLIC. False: none covers the offset. */
bool wb_breakpad_function(const struct wb_breakpad_sym *sym, uint64_t offset, struct wb_breakpad_function *ret);

struct wb_breakpad_line { const char *file; uint32_t line; }; /* NULL, 0: unknown */
/* The line of an offset in a function. */
bool wb_breakpad_line(const struct wb_breakpad_sym *sym, const struct wb_breakpad_function *function, uint64_t offset, struct wb_breakpad_line *ret);

enum { WB_BREAKPAD_INLINES_MAX = 128 }; /* nested calls of one address; Rust's deepest are some 60 */
struct wb_breakpad_inline {
	const char *name;
	struct wb_breakpad_line call; /* where it was called */
};
/* Calls inlined at an offset, outermost first. */
size_t wb_breakpad_inlines(const struct wb_breakpad_sym *sym, const struct wb_breakpad_function *function, uint64_t offset,
                           struct wb_breakpad_inline calls[WB_BREAKPAD_INLINES_MAX]);

/* ---- Unwinding ---- */

/* STACK CFI: the rules of the function, each line a set of changes, up to the offset. */
struct wb_breakpad_cfi {
	uint64_t start, end;
	const char *rules;            /* of STACK CFI INIT: "NAME: EXPRESSION NAME: EXPRESSION ..." */
	const char *changes;          /* the next line; see wb_breakpad_next_change */
};
bool wb_breakpad_cfi(const struct wb_breakpad_sym *sym, uint64_t offset, struct wb_breakpad_cfi *ret);
/* The rules of the next STACK CFI line at or before offset; NULL: no further ones. */
const char *wb_breakpad_next_change(const struct wb_breakpad_sym *sym, struct wb_breakpad_cfi *cfi, uint64_t offset);

/* STACK WIN: x86's frame data. */
struct wb_breakpad_win {
	uint64_t start, end;
	uint32_t parameters, saved, locals; /* bytes */
	const char *program;          /* NULL: frame pointer omission data, without a program */
	bool allocates_base_pointer;
};
/* The one with a program, where there are both. */
bool wb_breakpad_win(const struct wb_breakpad_sym *sym, uint64_t offset, struct wb_breakpad_win *ret);

#endif
