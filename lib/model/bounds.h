/* SPDX-License-Identifier: MIT */
/* Nameless bounds of functions, from symbol tables: where a function starts and ends. Names never influence a walk; bounds may. */
#ifndef MODEL_BOUNDS_H
#define MODEL_BOUNDS_H

#include "model/image.h"

struct wb_bound { uint64_t start, end; };
/* The function that holds image_pc; end is the next start where the size is unknown. WB_NONE if none is known. */
enum wb_err wb_bounds_find(struct wb_image *image, uint64_t image_pc, struct wb_bound *ret_bound);

#endif
