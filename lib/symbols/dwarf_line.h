/* SPDX-License-Identifier: MIT */
/* Decodes line-number programs of DWARF 2 to 5 (DWARF 5, 6.2) into line tables. */
#ifndef SYMBOLS_DWARF_LINE_H
#define SYMBOLS_DWARF_LINE_H

#include "symbols/lines.h"

/* Reads the program at an offset of .debug_line: its files and sequences go to the builder. unit and root tell the address size and where
 * indexed strings and relative paths count from; both NULL for a program that no unit refers to. *ret_end, if not NULL, is where the next
 * program starts; UINT64_MAX if that is unknown. WB_ERR_DATA and WB_ERR_UNSUPPORTED were reported; complete sequences read before stay. */
enum wb_err wb_dwarf_line_read(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root,
                               uint64_t offset, struct wb_lines_builder *builder, uint64_t *ret_end);

#endif
