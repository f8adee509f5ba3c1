/* SPDX-License-Identifier: MIT */
/*
 * Rows: how to find the caller, valid for a range of image pcs. Every unwind format is translated into this one type, and
 * unwind/row_apply.c is the only code that evaluates it.
 *
 * Nearly all rows of compiled code say: CFA = SP or FP + constant, return address and FP (if saved) at fixed distances from the CFA.
 * Those are *simple*: their 16 bytes say it all, and `rules` lists only the other saved registers, which a walk looks at when somebody
 * asks for one. Any other row has WB_ROW_GENERAL: the first rule is the CFA's (slot WB_SLOT_CFA), the others are for every register.
 */
#ifndef MODEL_ROW_H
#define MODEL_ROW_H

#include <walkback/unwind.h>

#include "model/arch.h"

enum { WB_SLOT_CFA = 0xfe };

enum wb_row_flags {
	WB_ROW_GENERAL = 1,           /* evaluate the rules; cfa_offset, fp_offset and ra_offset mean nothing */
	WB_ROW_SIGNAL = 2,            /* 'S': the caller was interrupted; its pc is exact and all its registers count */
	WB_ROW_ROOT = 4,              /* the return address is undefined: no caller */
	WB_ROW_GUESS = 8,             /* check what comes out (alignment, progress, executable return address) before believing it */
	WB_ROW_BARRIER = 16,          /* registers that the row does not name become unknown in the caller */
	WB_ROW_FP_BASE = 32,          /* simple: the CFA counts from FP, else from SP */
	WB_ROW_FP_SAVED = 64,         /* simple: FP is saved at CFA + fp_offset, else it is unchanged */
	WB_ROW_FAST = 128,            /* set by the row cache alone: the walk's fast form can run it */
};

struct wb_row {
	int32_t cfa_offset;           /* bytes */
	int16_t ra_offset;            /* bytes from the CFA */
	int16_t fp_offset;            /* bytes from the CFA */
	uint32_t rules;               /* index of the first in the table's rules */
	uint8_t num_rules;
	uint8_t flags;                /* enum wb_row_flags */
	uint8_t how;                  /* enum wb_how */
	uint8_t special;              /* enum wb_row_special */
};

/* What a row says besides; 0 for nearly all. The walk's fast form leaves them to the slow one. */
enum wb_row_special {
	WB_ROW_INJECTED = 1,          /* not called but made to look so: the caller was interrupted, its pc is exact */
	WB_ROW_JOINT = 2,             /* the caller may be on another stack: what is absent there ends the walk at a joint */
	WB_ROW_GO_TOP = 4,            /* with WB_ROW_ROOT: by Go's word */
	WB_ROW_LINK = 8,              /* set by the row cache alone: the return address is still in its register and the CFA SP + cfa_offset; the walk's
	                               * fast form can run it for a frame with registers of its own */
};

struct wb_row_rule {
	uint8_t slot;                 /* register that it is for, or WB_SLOT_CFA */
	uint8_t kind;                 /* enum wb_rule_kind */
	uint8_t base;                 /* slot it counts from (REGISTER, DEREF; CFA: OFFSET) */
	uint8_t unused;
	int32_t offset;               /* bytes; EXPRESSIONs: where their bytes start, in the table's `expressions` */
	int32_t offset2;              /* DEREF of the CFA: added to the word; EXPRESSIONs: size in bytes */
};

/* The rows of one function: immutable once published, pointer-free but for the expressions' section. */
struct wb_row_table {
	uint64_t start, end;          /* image pcs */
	const uint8_t *expressions;   /* section that holds them; lives as long as the image */
	uint64_t section_offset;      /* of the FDE or entry: where the rows are from */
	uint32_t num_rows;
	uint32_t num_rules;
	uint8_t section;              /* which section, as its strategy numbers them */
	uint8_t flags;
	uint8_t unused[6];
	/* Then: uint32_t offsets[num_rows] (sorted, from start; row i holds up to offset i + 1), padding to 16,
	 * struct wb_row rows[num_rows], struct wb_row_rule rules[num_rules]. */
};

static inline const uint32_t *wb_row_table_offsets(const struct wb_row_table *t) { return (const uint32_t *)(const void *)(t + 1); }
static inline const struct wb_row *wb_row_table_rows(const struct wb_row_table *t)
{
	return (const struct wb_row *)(const void *)(wb_row_table_offsets(t) + ((t->num_rows + 3u) & ~3u));
}
static inline const struct wb_row_rule *wb_row_table_rules(const struct wb_row_table *t)
{
	return (const struct wb_row_rule *)(const void *)(wb_row_table_rows(t) + t->num_rows);
}

#endif
