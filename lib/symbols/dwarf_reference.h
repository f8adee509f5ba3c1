/* SPDX-License-Identifier: MIT */
/*
 * The reference compiler: functions and inlined calls of a checked unit through libdwarf. Slow and plain; the twin that a faster compiler is
 * held against. A build without libdwarf answers WB_ERR_UNSUPPORTED.
 */
#ifndef SYMBOLS_DWARF_REFERENCE_H
#define SYMBOLS_DWARF_REFERENCE_H

#include "symbols/dwarf.h"

/* The unit's framing was checked; code lists its entries to look at. Units that its entries refer to are checked here, and used only if they pass.
 * WB_ERR_UNSUPPORTED (libdwarf does not understand it) and WB_ERR_LIMIT were reported. */
enum wb_err wb_reference_functions(const struct wb_unit_source *source, const struct wb_unit_code_list *code,
                                   struct wb_functions_builder *builder);

#endif
