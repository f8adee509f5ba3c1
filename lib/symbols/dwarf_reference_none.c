/* SPDX-License-Identifier: MIT */
/* In builds without libdwarf: no reference compiler. */
#include "symbols/dwarf_reference.h"

enum wb_err wb_reference_functions(const struct wb_unit_source *source, const struct wb_unit_code_list *code,
                                   struct wb_functions_builder *builder)
{
	(void)source;
	(void)code;
	(void)builder;
	return WB_ERR_UNSUPPORTED;
}
