/* SPDX-License-Identifier: MIT */
/* Blocks of 64, 128, 256, ... items. */
#include "base/blocks.h"

#include "base/mem.h"

void wb_blocks_deinit(struct wb_blocks *blocks)
{
	for (size_t i = 0; i < WB_BLOCKS_MAX; i++) {
		wb_mem_free(atomic_load_explicit(&blocks->blocks[i], memory_order_relaxed));
		atomic_store_explicit(&blocks->blocks[i], NULL, memory_order_relaxed);
	}
}

bool wb_blocks_reserve(struct wb_blocks *blocks, size_t i, size_t *ret_bytes)
{
	size_t first = 0, count = WB_BLOCKS_FIRST;

	*ret_bytes = 0;
	for (size_t block = 0; block < WB_BLOCKS_MAX; block++) {
		uint8_t *items = atomic_load_explicit(&blocks->blocks[block], memory_order_relaxed);

		if (!items && i - first < count) {
			items = wb_mem_zalloc(count, blocks->item_size);
			*ret_bytes = items ? count * blocks->item_size : 0;
			atomic_store_explicit(&blocks->blocks[block], items, memory_order_relaxed);
		}
		if (i - first < count)
			return items != NULL;
		first += count;
		count *= 2;
	}
	return false;
}
