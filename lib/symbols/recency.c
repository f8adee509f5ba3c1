/* SPDX-License-Identifier: MIT */
/* A ring of items: the newest one's neighbours are the second newest and the end. */
#include "symbols/recency.h"

#include <stddef.h>

void wb_recency_init(struct wb_recency *recency)
{
	wb_lock_init(&recency->lock);
	atomic_init(&recency->end.stamp, 0);
	recency->end.newer = recency->end.older = &recency->end;
	atomic_init(&recency->newest, NULL);
}

void wb_recency_deinit(struct wb_recency *recency)
{
	wb_lock_deinit(&recency->lock);
}

static void take_out(struct wb_recency_item *item)
{
	if (!atomic_load_explicit(&item->stamp, memory_order_relaxed))
		return;
	item->newer->older = item->older;
	item->older->newer = item->newer;
	atomic_store_explicit(&item->stamp, 0, memory_order_relaxed);
}

static void put_newest(struct wb_recency *recency, struct wb_recency_item *item)
{
	item->newer = &recency->end;
	item->older = recency->end.older;
	item->older->newer = item;
	recency->end.older = item;
}

void wb_recency_use(struct wb_recency *recency, struct wb_recency_item *item, uint64_t stamp)
{
	/* Neighbouring addresses use the same thing over and over: that takes no lock. */
	if (atomic_load_explicit(&recency->newest, memory_order_relaxed) != item) {
		wb_lock_take(&recency->lock);
		take_out(item);
		put_newest(recency, item);
		atomic_store_explicit(&item->stamp, stamp, memory_order_relaxed);
		atomic_store_explicit(&recency->newest, item, memory_order_relaxed);
		wb_lock_give(&recency->lock);
	} else {
		atomic_store_explicit(&item->stamp, stamp, memory_order_relaxed);
	}
}

void wb_recency_remove(struct wb_recency *recency, struct wb_recency_item *item)
{
	wb_lock_take(&recency->lock);
	take_out(item);
	atomic_store_explicit(&recency->newest, recency->end.older, memory_order_relaxed);
	wb_lock_give(&recency->lock);
}

struct wb_recency_item *wb_recency_oldest(struct wb_recency *recency, uint64_t *ret_stamp)
{
	struct wb_recency_item *oldest;

	wb_lock_take(&recency->lock);
	oldest = recency->end.newer;
	if (oldest != &recency->end)
		*ret_stamp = atomic_load_explicit(&oldest->stamp, memory_order_relaxed);
	wb_lock_give(&recency->lock);
	return oldest != &recency->end ? oldest : NULL;
}
