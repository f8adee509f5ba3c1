/* SPDX-License-Identifier: MIT */
/* The Go strategy: rows from the image's pclntab, for its Go code; its C code has call frame information of its own. */
#include "base/mem.h"
#include "unwind/cfi.h"
#include "unwind/go_rows.h"
#include "unwind/strategy.h"

enum wb_err wb_strat_go(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	uint64_t image_pc = lookup->image_pc;
	enum wb_err err;

	if (!lookup->image || !lookup->info.go)
		return WB_NONE;
	/* Go's own walk looks at the pc that is returned to. */
	if (!lookup->exact)
		image_pc += lookup->arch->call_step;
	err = wb_go_rows_find(lookup->info.go, image_pc, &ret_found->table, &ret_found->loose);
	if (err)
		return err;
	ret_found->row = *wb_row_table_find(ret_found->table, image_pc);
	ret_found->cacheable = !ret_found->loose;
	return WB_OK;
}
