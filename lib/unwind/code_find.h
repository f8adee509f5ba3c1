/* SPDX-License-Identifier: MIT */
/* What the instructions of the function around a lookup's pc tell, remembered by the walker. */
#ifndef UNWIND_CODE_FIND_H
#define UNWIND_CODE_FIND_H

#include "unwind/code_reader.h"
#include "unwind/strategy.h"

/* The row at the lookup's pc; WB_NONE: nothing that is sure. WB_ERR_MEMORY. */
enum wb_err wb_code_find(const struct wb_lookup *lookup, struct wb_code_row *ret_row);

#endif
