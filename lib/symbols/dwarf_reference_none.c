/* SPDX-License-Identifier: MIT */
/* In builds without libdwarf: no reference compiler. */
#include "symbols/dwarf_reference.h"

enum wb_err wb_reference_functions(struct wb_dwarf *dwarf, size_t unit, const struct wb_unit_root *root, const struct wb_unit_code_list *code,
                                   struct wb_functions_builder *builder)
{
	(void)dwarf;
	(void)unit;
	(void)root;
	(void)code;
	(void)builder;
	return WB_ERR_UNSUPPORTED;
}
