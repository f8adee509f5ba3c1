/* SPDX-License-Identifier: MIT */
/* Placeholder until bounds are read from symbol tables: none is known. */
#include "model/bounds.h"

enum wb_err wb_bounds_find(struct wb_image *image, uint64_t image_pc, struct wb_bound *ret_bound)
{
	(void)image;
	(void)image_pc;
	(void)ret_bound;
	return WB_NONE;
}
