/* SPDX-License-Identifier: MIT */
/* A ring of indices: the newest item's neighbours are the second newest and the end. */
#include "symbols/recency.h"

#include "base/mem.h"

enum wb_err wb_recency_init(struct wb_recency *recency, uint32_t count)
{
	recency->items = count < UINT32_MAX ? wb_mem_zalloc((size_t)count + 1, sizeof *recency->items) : NULL;
	if (!recency->items)
		return WB_ERR_MEMORY;
	wb_lock_init(&recency->lock);
	recency->count = count;
	recency->items[count].newer = recency->items[count].older = count;
	atomic_init(&recency->newest, count);
	return WB_OK;
}

void wb_recency_deinit(struct wb_recency *recency)
{
	if (!recency->items)
		return;
	wb_lock_deinit(&recency->lock);
	wb_mem_free(recency->items);
	recency->items = NULL;
}

static void take_out(struct wb_recency *recency, uint32_t item)
{
	struct wb_recency_item *items = recency->items;

	if (!atomic_load_explicit(&items[item].stamp, memory_order_relaxed))
		return;
	items[items[item].newer].older = items[item].older;
	items[items[item].older].newer = items[item].newer;
	atomic_store_explicit(&items[item].stamp, 0, memory_order_relaxed);
}

static void put_newest(struct wb_recency *recency, uint32_t item)
{
	struct wb_recency_item *items = recency->items;
	uint32_t end = recency->count, second = items[end].older;

	items[item].newer = end;
	items[item].older = second;
	items[second].newer = item;
	items[end].older = item;
}

void wb_recency_use(struct wb_recency *recency, uint32_t item, uint64_t stamp)
{
	/* Neighbouring addresses use the same thing over and over: that takes no lock. */
	if (atomic_load_explicit(&recency->newest, memory_order_relaxed) != item) {
		wb_lock_take(&recency->lock);
		take_out(recency, item);
		put_newest(recency, item);
		atomic_store_explicit(&recency->items[item].stamp, stamp, memory_order_relaxed);
		atomic_store_explicit(&recency->newest, item, memory_order_relaxed);
		wb_lock_give(&recency->lock);
	} else {
		atomic_store_explicit(&recency->items[item].stamp, stamp, memory_order_relaxed);
	}
}

void wb_recency_remove(struct wb_recency *recency, uint32_t item)
{
	wb_lock_take(&recency->lock);
	take_out(recency, item);
	atomic_store_explicit(&recency->newest, recency->items[recency->count].older, memory_order_relaxed);
	wb_lock_give(&recency->lock);
}

bool wb_recency_oldest(struct wb_recency *recency, uint32_t *ret_item, uint64_t *ret_stamp)
{
	uint32_t oldest;

	wb_lock_take(&recency->lock);
	oldest = recency->items[recency->count].newer;
	if (oldest != recency->count) {
		*ret_item = oldest;
		*ret_stamp = atomic_load_explicit(&recency->items[oldest].stamp, memory_order_relaxed);
	}
	wb_lock_give(&recency->lock);
	return oldest != recency->count;
}
