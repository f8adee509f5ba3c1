/* SPDX-License-Identifier: MIT */
/*
 * Single entries, read for what variables and their types say: where they are, what type, how large. Compilers of functions read theirs by plans;
 * this is slower, and for the few entries that somebody asks about.
 */
#ifndef SYMBOLS_DWARF_ENTRY_H
#define SYMBOLS_DWARF_ENTRY_H

#include "symbols/dwarf_plan.h"
#include "symbols/dwarf_source.h"

/* The attributes that are kept. */
enum wb_entry_attr {
	WB_ENTRY_LOW, WB_ENTRY_HIGH, WB_ENTRY_RANGES, WB_ENTRY_ORIGIN, WB_ENTRY_SPECIFICATION, WB_ENTRY_TYPE, WB_ENTRY_LOCATION,
	WB_ENTRY_FRAME_BASE, WB_ENTRY_BYTE_SIZE, WB_ENTRY_COUNT, WB_ENTRY_UPPER_BOUND, WB_ENTRY_LOWER_BOUND, WB_ENTRY_IS_RESULT, WB_ENTRY_ATTRS,
};
struct wb_entry_value {
	struct wb_form_value value;   /* of class NONE: not there */
	const uint8_t *block;         /* of class BLOCK: its bytes, as many as value says; borrowed as long as the image */
};
struct wb_entry {
	uint16_t tag;
	bool has_children;
	struct wb_entry_value of[WB_ENTRY_ATTRS];
};
/* Reads the values of an entry whose code b is behind of, and moves b over them. *attrs_left is how many values may yet be read, and goes down.
 * WB_ERR_DATA: they do not fit; WB_ERR_UNSUPPORTED: a form that is not known; WB_ERR_LIMIT. */
enum wb_err wb_entry_read(const struct wb_plans *plans, const struct wb_plan *plan, struct wb_bytes *b, uint64_t *attrs_left,
                          struct wb_entry *ret_entry);

/* Reads entries of one unit after the other. */
struct wb_entry_reader {
	struct wb_unit_source source; /* without its root */
	const struct wb_plans *plans; /* NULL: no unit was read yet */
	struct wb_bytes b;            /* behind the entry that was read last: at its first child if it has children */
};
/* The entry at a place. WB_NONE: there is none that can be read, as far as can be seen without walking its unit. */
enum wb_err wb_entry_reader_at(struct wb_entry_reader *reader, const struct wb_entry_place *place, uint64_t *attrs_left, struct wb_entry *ret_entry);
/* The next entry in the unit. WB_NONE: the end of a list of children, or it cannot be read. */
enum wb_err wb_entry_reader_next(struct wb_entry_reader *reader, uint64_t *attrs_left, struct wb_entry *ret_entry);

#endif
