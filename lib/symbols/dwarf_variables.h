/* SPDX-License-Identifier: MIT */
/*
 * The arguments and variables of the function that a pc is in, and of those inlined there, with the expressions that say where they are at that pc.
 * Asked by tools that explain a stack; nothing of it is compiled or kept, and symbolizing does without.
 */
#ifndef SYMBOLS_DWARF_VARIABLES_H
#define SYMBOLS_DWARF_VARIABLES_H

#include "symbols/dwarf_locations.h"
#include "symbols/functions.h"

enum wb_dwarf_variable_kind { WB_DWARF_ARGUMENT, WB_DWARF_RESULT, WB_DWARF_LOCAL };
struct wb_dwarf_variable {
	enum wb_dwarf_variable_kind kind; /* RESULT: of Go, whose results are places as arguments are */
	struct wb_function_name name; /* as wb_dwarf_name takes it */
	struct wb_function_name function; /* that it is of, likewise */
	uint32_t call_depth;          /* 0: of the function itself, else how deep inlined */
	uint64_t size;                /* bytes; 0: unknown, or not fixed */
	struct wb_expression location;
	struct wb_expression frame_base; /* what DW_OP_fbreg counts from; size 0: none */
};
/* Borrowed for the call. Anything but WB_OK ends the search and is returned. */
typedef enum wb_err (*wb_dwarf_variable_fn)(void *arg, const struct wb_dwarf_variable *variable);
/* Those that have a location at pc, in the order of their entries. entry: where the function is entered; UINT64_MAX: not known. *place: where in
 * .debug_info its entry was found before, and is looked for first; 0: never. Becomes where it was found now. WB_NONE: the unit has no such function;
 * WB_ERR_DATA: its entries are broken, WB_ERR_LIMIT: or too many. */
enum wb_err wb_dwarf_variables(const struct wb_unit_source *source, uint64_t pc, uint64_t entry, uint64_t *place, wb_dwarf_variable_fn fn, void *arg);

#endif
