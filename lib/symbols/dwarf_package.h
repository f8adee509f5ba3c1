/* SPDX-License-Identifier: MIT */
/*
 * The index of a package of split units (.dwp): which id is where, and which slice of each section a unit has (DWARF 5, 7.3.5; version 2 is
 * GNU's for DWARF 4, https://gcc.gnu.org/wiki/DebugFissionDWP). Nothing of it is believed: slices lie inside their sections.
 */
#ifndef SYMBOLS_DWARF_PACKAGE_H
#define SYMBOLS_DWARF_PACKAGE_H

#include "symbols/dwarf_unit.h"

/* The sections that a unit has slices of, of those that we read. */
enum wb_package_column { WB_PACKAGE_INFO, WB_PACKAGE_ABBREV, WB_PACKAGE_STR_OFFSETS, WB_PACKAGE_RNGLISTS, WB_PACKAGE_COLUMNS };
struct wb_package_row {
	uint64_t id;
	struct { uint64_t offset, size; } slices[WB_PACKAGE_COLUMNS]; /* size 0: none */
	struct { uint64_t offset, size; } locations; /* likewise, of the location lists; not checked: that section is read later */
};
struct wb_package {
	struct wb_package_row *rows;  /* sorted by id */
	uint32_t *by_offset;          /* rows, sorted by where their units are in .debug_info.dwo */
	size_t num_rows;
};
/* index: the bytes of .debug_cu_index; sections: the package's. WB_ERR_DATA and WB_ERR_UNSUPPORTED were reported. */
enum wb_err wb_package_init(struct wb_package *package, struct wb_bytes index, const struct wb_dwarf_sections *sections);
void wb_package_deinit(struct wb_package *package);
/* The row of an id; NULL if there is none. */
const struct wb_package_row *wb_package_find(const struct wb_package *package, uint64_t id);
/* The sections of a file as one of its units sees them. Of location lists the offset and size of its part alone. */
struct wb_dwarf_sections wb_package_view(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit);

#endif
