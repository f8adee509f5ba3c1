/* SPDX-License-Identifier: MIT */
/*
 * Names of functions along abstract origins and specifications. Most of a table's names are never asked for, so a table can hold a reference
 * to the entry where a name is told instead of the name.
 */
#ifndef SYMBOLS_DWARF_NAME_H
#define SYMBOLS_DWARF_NAME_H

#include "symbols/dwarf.h"

/* The strings of a name from a table of dwarf's, which is the image's own file. WB_REF_NONE for what is unknown. */
enum wb_err wb_dwarf_name(struct wb_dwarf *dwarf, const struct wb_function_name *kept, struct wb_function_name *ret_name);

#endif
