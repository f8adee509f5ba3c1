/* SPDX-License-Identifier: MIT */
/* Checking sized structs at the public edge. enum wb_err itself is in <walkback/base.h>. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <walkback/base.h>

/* Copies a caller's sized struct (its first member is its size_t size) into ours, which is zeroed first: a shorter one leaves our tail
 * zero, a longer one must have a zero tail. WB_ERR_ARGUMENT for a size below sizeof(size_t), WB_ERR_ABI for an unknown tail. */
enum wb_err wb_struct_take(void *ours, size_t ours_size, const void *theirs);
/* Copies ours out to a caller's sized struct, as far as theirs reaches; sets their tail to zero and keeps their size member. */
enum wb_err wb_struct_give(void *theirs, const void *ours, size_t ours_size);

#endif
