/* SPDX-License-Identifier: MIT */
/*
 * The order in which numbered things were used last: using one and asking for the one that was not used for longest take constant time,
 * however many there are. Any thread, but one at a time for the same thing.
 */
#ifndef SYMBOLS_RECENCY_H
#define SYMBOLS_RECENCY_H

#include "base/err.h"
#include "base/lock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct wb_recency_item {
	_Atomic uint64_t stamp;       /* of the last use; 0: not in the order */
	uint32_t newer, older;        /* items, or the end */
};
struct wb_recency {
	struct wb_lock lock;
	struct wb_recency_item *items; /* and one more at `count`, the end: its newer is the oldest, its older the newest */
	uint32_t count;
	_Atomic uint32_t newest;      /* item, or count */
};

enum wb_err wb_recency_init(struct wb_recency *recency, uint32_t count);
/* Fine for what was zeroed only. */
void wb_recency_deinit(struct wb_recency *recency);
/* item becomes the newest. stamp: not 0, and larger is later. */
void wb_recency_use(struct wb_recency *recency, uint32_t item, uint64_t stamp);
void wb_recency_remove(struct wb_recency *recency, uint32_t item);
/* False: nothing is in the order. */
bool wb_recency_oldest(struct wb_recency *recency, uint32_t *ret_item, uint64_t *ret_stamp);

#endif
