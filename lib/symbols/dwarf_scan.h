/* SPDX-License-Identifier: MIT */
/*
 * The fast compiler of functions and inlined calls: one pass over a unit's entries, which looks at what has code and steps over the rest,
 * over types and call sites in one step. It gives the same table as the reference compiler (dwarf_reference.h).
 *
 * What it steps over it does not check. It stays within the unit, refuses it when something does not fit, and takes time in proportion to
 * its size, whatever is in it: damage costs the unit's own functions and names, and no more.
 */
#ifndef SYMBOLS_DWARF_SCAN_H
#define SYMBOLS_DWARF_SCAN_H

#include "symbols/dwarf.h"

/* WB_ERR_UNSUPPORTED (there is something that another compiler may understand), WB_ERR_DATA and WB_ERR_LIMIT were reported. */
enum wb_err wb_scan_functions(const struct wb_unit_source *source, struct wb_functions_builder *builder);

#endif
