/* SPDX-License-Identifier: MIT */
/*
 * Ranges that nest and overlap become flat segments, so that a lookup is one binary search: of the ranges that hold an address, the one
 * that was opened last covers it. Symbols and functions with their inlined calls are both compiled so.
 */
#ifndef SYMBOLS_SWEEP_H
#define SYMBOLS_SWEEP_H

#include <walkback/base.h>

static const uint32_t WB_SWEEP_NONE = UINT32_MAX;

struct wb_sweep {
	uint64_t *starts;             /* of segments, strictly ascending; segment i goes up to segment i + 1 */
	uint32_t *ids;                /* of segments; WB_SWEEP_NONE: nothing there. The last segment is such a gap */
	size_t num_segments, capacity;
	struct wb_sweep_open { uint64_t end; uint32_t id; } *open; /* a stack: the top covers the place of the sweep */
	size_t num_open, open_capacity;
};

/* Room for max_ranges ranges. */
enum wb_err wb_sweep_init(struct wb_sweep *sweep, size_t max_ranges);
void wb_sweep_deinit(struct wb_sweep *sweep);
/* Closes what ends at or before address; addresses must not go down. */
void wb_sweep_to(struct wb_sweep *sweep, uint64_t address);
/* Goes to start and opens a range there, above those that are open. start < end. */
enum wb_err wb_sweep_open(struct wb_sweep *sweep, uint64_t start, uint64_t end, uint32_t id);

#endif
