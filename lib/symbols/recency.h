/* SPDX-License-Identifier: MIT */
/*
 * The order in which things were used last: using one and asking for the one that was not used for longest take constant time, however many
 * there are. A thing has a wb_recency_item inside, zeroed at first. Any thread, but one at a time for the same thing.
 */
#ifndef SYMBOLS_RECENCY_H
#define SYMBOLS_RECENCY_H

#include "base/lock.h"

#include <stdatomic.h>
#include <stdint.h>

struct wb_recency_item {
	_Atomic uint64_t stamp;       /* of the last use; 0: not in the order */
	struct wb_recency_item *newer, *older; /* of the ring */
};
struct wb_recency {
	struct wb_lock lock;
	struct wb_recency_item end;   /* its newer is the oldest, its older the newest */
	_Atomic(struct wb_recency_item *) newest;
};

void wb_recency_init(struct wb_recency *recency);
void wb_recency_deinit(struct wb_recency *recency);
/* item becomes the newest. stamp: not 0, and larger is later. */
void wb_recency_use(struct wb_recency *recency, struct wb_recency_item *item, uint64_t stamp);
void wb_recency_remove(struct wb_recency *recency, struct wb_recency_item *item);
/* NULL: nothing is in the order. */
struct wb_recency_item *wb_recency_oldest(struct wb_recency *recency, uint64_t *ret_stamp);

#endif
