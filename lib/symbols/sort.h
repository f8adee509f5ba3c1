/* SPDX-License-Identifier: MIT */
/*
 * Sorting addresses with what belongs to them: least-significant-digit radix, stable, linear. Symbol and function tables are sorted
 * once, by address, and are large; a comparing sort would be most of the cost of compiling them.
 */
#ifndef SYMBOLS_SORT_H
#define SYMBOLS_SORT_H

#include <walkback/base.h>

/* Sorts both arrays by keys, ascending; equal keys keep their order. WB_ERR_MEMORY leaves them as they were. */
enum wb_err wb_sort_by_key(uint64_t *keys, uint32_t *values, size_t count);

#endif
