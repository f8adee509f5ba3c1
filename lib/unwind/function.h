/* SPDX-License-Identifier: MIT */
/*
 * The function that holds an image pc, as those need it who read its instructions from the first one: nameless, by symbols or, in stripped files, by
 * call frame information.
 */
#ifndef UNWIND_FUNCTION_H
#define UNWIND_FUNCTION_H

#include "model/arch.h"
#include "model/bounds.h"

/* A stretch of code that is entered at its start, by a call: not the cold part of a function. WB_NONE: no such is known to hold image_pc. */
enum wb_err wb_function_find(struct wb_image *image, const struct wb_arch_info *arch, uint64_t image_pc, struct wb_bound *ret_bound);

#endif
