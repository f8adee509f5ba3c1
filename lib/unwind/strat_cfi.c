/* SPDX-License-Identifier: MIT */
/* The CFI strategy: the image's .eh_frame, else its .debug_frame. */
#include "unwind/cfi.h"
#include "unwind/strategy.h"

enum wb_err wb_strat_cfi(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	enum wb_err err;

	if (!lookup->image || !lookup->cfi)
		return WB_NONE;
	err = wb_cfi_find(lookup->cfi, lookup->image_pc, &ret_found->table, &ret_found->loose);
	if (err)
		return err;
	ret_found->row = *wb_row_table_find(ret_found->table, lookup->image_pc);
	ret_found->cacheable = !ret_found->loose;
	return WB_OK;
}
