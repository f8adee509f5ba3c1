/* SPDX-License-Identifier: MIT */
/*
 * Which expression says where something is at a pc: a plain one, or one out of a location list (DWARF 5, 2.6.2 and 7.7.3; 4, 2.6.2; GNU's lists of split
 * units). The sections of lists are read when somebody asks, and kept as long as the image: symbolizing needs none of them.
 */
#ifndef SYMBOLS_DWARF_LOCATIONS_H
#define SYMBOLS_DWARF_LOCATIONS_H

#include "symbols/dwarf_entry.h"

struct wb_expression {
	const uint8_t *bytes;         /* borrowed as long as the image */
	size_t size;
};
/* The expression of a DW_AT_location or DW_AT_frame_base at pc. *budget is how many bytes of lists may still be read (they can be shared) and goes
 * down. WB_NONE: there is none there; WB_ERR_DATA: the list is broken before it says; WB_ERR_LIMIT, WB_ERR_MEMORY. */
enum wb_err wb_location_at(const struct wb_unit_source *source, const struct wb_entry_value *value, uint64_t pc, uint64_t *budget,
                           struct wb_expression *ret_expression);

#endif
