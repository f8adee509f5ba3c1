/* SPDX-License-Identifier: MIT */
/* How large things are, by their types' entries (DWARF 5, chapter 5). */
#ifndef SYMBOLS_DWARF_TYPE_H
#define SYMBOLS_DWARF_TYPE_H

#include "symbols/dwarf_entry.h"

/* The size in bytes of what has the type that a DW_AT_type value in the unit refers to; 0: unknown, or not fixed. reader: zeroed at first, and kept
 * for the next ones. language: enum wb_dw_lang, of what has the type, for its own unit may be a part of several. attrs_left: as wb_entry_read's. The only error is WB_ERR_MEMORY. */
enum wb_err wb_type_size(struct wb_entry_reader *reader, const struct wb_unit_source *source, unsigned language, const struct wb_form_value *type,
                         uint64_t *attrs_left, uint64_t *ret_size);

#endif
