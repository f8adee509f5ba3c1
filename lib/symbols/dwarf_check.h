/* SPDX-License-Identifier: MIT */
/*
 * Walks a unit's entries once without looking at what they mean: are all forms known, all values inside, all lists of children closed, do all
 * sibling attributes point at siblings? Only a unit that passes is handed to libdwarf; our own compiler looks after itself.
 */
#ifndef SYMBOLS_DWARF_CHECK_H
#define SYMBOLS_DWARF_CHECK_H

#include "symbols/dwarf_unit.h"

/* Where the entries of a checked unit start: a reference to any other place is broken. */
struct wb_unit_entries {
	uint64_t *bits;               /* by offset from the unit's header; NULL: not checked */
	uint64_t size;                /* of the unit */
};
/* The entries that have code, in the file's order: functions that say where they are, and calls inlined into such. All the reference compiler
 * has to look at, a tenth of the entries; where they may be, dwarf_scope.h says. */
struct wb_unit_code {
	uint32_t offset;              /* of the entry, from the unit's header */
	uint32_t parent;              /* index of the function or call that a call is in; UINT32_MAX for functions */
};
struct wb_unit_code_list {
	struct wb_unit_code *items;
	size_t count, capacity;
};
void wb_unit_code_list_deinit(struct wb_unit_code_list *list);

/* ret_code may be NULL. WB_ERR_DATA (malformed) and WB_ERR_UNSUPPORTED (a form that is not known) were reported. */
enum wb_err wb_unit_check(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, struct wb_unit_entries *ret_entries,
                          struct wb_unit_code_list *ret_code);
void wb_unit_entries_deinit(struct wb_unit_entries *entries);
static inline bool wb_unit_entries_has(const struct wb_unit_entries *entries, uint64_t offset)
{
	return entries->bits && offset < entries->size && (entries->bits[offset / 64] >> offset % 64 & 1);
}
static inline size_t wb_unit_entries_bytes(const struct wb_unit_entries *entries)
{
	return entries->bits ? (size_t)(entries->size / 64 + 1) * 8 : 0;
}

#endif
