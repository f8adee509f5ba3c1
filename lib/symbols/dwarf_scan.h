/* SPDX-License-Identifier: MIT */
/*
 * The fast compiler of functions and inlined calls: one pass over a unit's entries, which looks at functions that have code and steps over the rest,
 * over types and call sites in one step; and the calls of each function that is asked for. It says the same as the reference compiler
 * (dwarf_reference.h), which compiles all at once.
 *
 * What it steps over it does not check. It stays within the unit, refuses it when something does not fit, and takes time in proportion to
 * its size, whatever is in it: damage costs the unit's own functions and names, and no more.
 */
#ifndef SYMBOLS_DWARF_SCAN_H
#define SYMBOLS_DWARF_SCAN_H

#include "symbols/dwarf_source.h"
#include "symbols/functions.h"

/* How much may still be read of what entries can refer to many times: bytes of range lists; attributes. */
struct wb_scan_budget { uint64_t ranges, attrs; };

/* The functions; their calls are left out. *budget: what is left. WB_ERR_UNSUPPORTED (there is something that another compiler may understand),
 * WB_ERR_DATA and WB_ERR_LIMIT were reported. */
enum wb_err wb_scan_functions(const struct wb_unit_source *source, struct wb_scan_budget *budget, struct wb_functions_builder *builder);
/* The calls that were left out of a function, by its index, which the builder has as node 0. Errors as above: what was read before is kept. */
enum wb_err wb_scan_calls(const struct wb_unit_source *source, const struct wb_functions *functions, uint32_t index, struct wb_scan_budget *budget,
                          struct wb_functions_builder *builder);

#endif
