/* SPDX-License-Identifier: MIT */
/* Range lists: DW_AT_ranges of DWARF 3 and 4 (.debug_ranges) and of 5 (.debug_rnglists), with the right base address. */
#ifndef SYMBOLS_DWARF_RANGES_H
#define SYMBOLS_DWARF_RANGES_H

#include "symbols/dwarf_unit.h"

struct wb_range { uint64_t start, end; };
struct wb_ranges {
	struct wb_range *items;
	size_t count, capacity;
};
void wb_ranges_deinit(struct wb_ranges *ranges);

/* Appends the ranges of a DW_AT_ranges value, in the list's order; empty and reversed ones are left out. *budget is how many bytes may
 * still be read (lists can be shared, so the section's size is no bound) and goes down. base: the unit's low pc, or 0.
 * WB_ERR_DATA: the list is broken or not there (what was read stays appended); WB_ERR_LIMIT: the budget is used up. */
enum wb_err wb_ranges_read(struct wb_ranges *ranges, const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit,
                           const struct wb_unit_root *root, const struct wb_form_value *value, uint64_t base, uint64_t *budget);
/* What to start a budget with: lists are rarely shared, so twice the bytes that the sections have are plenty. */
uint64_t wb_ranges_budget(const struct wb_dwarf_sections *sections);
/* The ranges of code that a unit's first entry tells; none is fine. */
enum wb_err wb_ranges_of_root(struct wb_ranges *ranges, const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit,
                              const struct wb_unit_root *root, uint64_t *budget);
/* The base that the unit's range lists count from: its low pc, 0 without one. */
uint64_t wb_ranges_base(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root);

#endif
