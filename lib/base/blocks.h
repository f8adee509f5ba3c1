/* SPDX-License-Identifier: MIT */
/*
 * An array that grows without moving: items are in blocks, each twice as large as the one before. One thread at a time grows it; others may
 * look at items that they were told of meanwhile.
 */
#ifndef BASE_BLOCKS_H
#define BASE_BLOCKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WB_BLOCKS_MAX = 24, WB_BLOCKS_FIRST = 64 }; /* 2^30 items at most */

struct wb_blocks {
	_Atomic(uint8_t *) blocks[WB_BLOCKS_MAX];
	size_t item_size;
};

/* Zeroed is fine, but for item_size. */
void wb_blocks_deinit(struct wb_blocks *blocks);
/* Makes room for item `i`, the one after the last, zeroed. *ret_bytes: that were allocated. False: no memory, or too many. */
bool wb_blocks_reserve(struct wb_blocks *blocks, size_t i, size_t *ret_bytes);

static inline void *wb_blocks_at(const struct wb_blocks *blocks, size_t i)
{
	unsigned block = 63u - (unsigned)__builtin_clzll((unsigned long long)i / WB_BLOCKS_FIRST + 1);
	size_t first = WB_BLOCKS_FIRST * (((size_t)1 << block) - 1);

	return atomic_load_explicit(&blocks->blocks[block], memory_order_relaxed) + (i - first) * blocks->item_size;
}

#endif
