/* SPDX-License-Identifier: MIT */
/*
 * Apple's compact unwind information, the section __TEXT,__unwind_info of Mach-O images: two levels of pages that lead from a code offset to an
 * encoding of 32 bits, which says how a function's body saves registers. <mach-o/compact_unwind_encoding.h>. Prologues and epilogues are not described.
 */
#ifndef UNWIND_COMPACT_H
#define UNWIND_COMPACT_H

#include "base/bytes.h"
#include "model/image.h"
#include "model/row.h"

/* ---- Pages ---- */

/* Offsets of code count from the image's base. */
struct wb_compact_entry {
	uint64_t start, end;          /* offsets of code: of one function, or of several with the same encoding */
	uint32_t encoding;            /* 0: nothing is said about this code */
	uint32_t section_offset;      /* of the entry */
};
/* The entry that holds an offset of code; section: a reader of all of it. WB_NONE: none does. WB_ERR_DATA: the page that would have it is damaged, and
 * *ret_fault says how. */
enum wb_err wb_compact_find_entry(struct wb_bytes section, uint64_t offset, struct wb_compact_entry *ret_entry, const char **ret_fault);

/* ---- Encodings ---- */

enum wb_compact_kind {
	WB_COMPACT_NONE,              /* says nothing */
	WB_COMPACT_ROW,               /* is a row */
	WB_COMPACT_INDIRECT,          /* is a row once the stack's size is known, which is an operand in the function */
	WB_COMPACT_DWARF,             /* .eh_frame has it */
};
enum { WB_COMPACT_RULES_MAX = 24 };
/* An encoding as a row. */
struct wb_compact_row {
	struct wb_row row;
	struct wb_row_rule rules[WB_COMPACT_RULES_MAX]; /* row.num_rules */
};
/* WB_ERR_DATA: the encoding makes no sense. ret_operand: where in the function the stack's size is, for INDIRECT. */
enum wb_err wb_compact_kind(const struct wb_arch_info *arch, uint32_t encoding, enum wb_compact_kind *ret_kind, uint32_t *ret_operand,
                            const char **ret_fault);
/* operand: what is there, for INDIRECT. */
enum wb_err wb_compact_decode(const struct wb_arch_info *arch, uint32_t encoding, uint32_t operand, struct wb_compact_row *ret_row,
                              const char **ret_fault);

/* ---- Images ---- */

struct wb_compact;
/* The image's, made on first need; WB_NONE if it has none. */
enum wb_err wb_compact_of_image(struct wb_image *image, struct wb_compact **ret_compact);
/* The entry for an image pc, as above but with image pcs. WB_ERR_DATA: reported. */
enum wb_err wb_compact_at(struct wb_compact *compact, uint64_t image_pc, struct wb_compact_entry *ret_entry);
/* The entry's row. WB_NONE: it has none, or .eh_frame has it. *ret_table has its rules and lives as long as the image; where the session's budget does
 * not let it be kept, *ret_loose is the same table and the caller frees it with wb_mem_free; else NULL. */
enum wb_err wb_compact_row(struct wb_compact *compact, const struct wb_compact_entry *entry, const struct wb_row_table **ret_table,
                           struct wb_row_table **ret_loose);

/* compact_stubs.c: bytes on the stack besides the return address, inside of what the linker made to call into other libraries, which no entry
 * describes. WB_NONE: image_pc is not in it, or nobody knows. */
enum wb_err wb_compact_stub(struct wb_image *image, const struct wb_arch_info *arch, uint64_t image_pc, int32_t *ret_pushed);

#endif
