/* SPDX-License-Identifier: MIT */
/*
 * Many walks in one call. What a walk needs of a sample hangs together by pointers: the sample, its contexts and regions, registers, and the stack at SP. Each
 * is asked for some samples ahead, one link of the chain at a time, so that no link is followed before it is there.
 */
#include "unwind/walker.h"

enum {
	AHEAD_SAMPLE = 5,             /* samples ahead of the one that is walked */
	AHEAD_ARRAYS = 4,
	AHEAD_REGS = 3,
	AHEAD_STACK = 2,
	REGS_MAX = 512,               /* bytes of registers: 32 of them */
};

/* The sample of an item, if it is of the plain kind that is worth looking ahead for. */
static const struct wb_sample *plain_sample(const struct wb_walk_item *items, size_t num_items, size_t index)
{
	const struct wb_sample *sample = index < num_items ? items[index].sample : NULL;

	if (!sample || sample->size != sizeof(*sample))
		return NULL;
	return sample->num_contexts && sample->contexts && sample->num_regions && sample->regions ? sample : NULL;
}

static inline __attribute__((always_inline)) void fetch_sample(const struct wb_walk_item *items, size_t num_items, size_t index)
{
	if (index < num_items)
		wb_prefetch(items[index].sample, sizeof(*items[index].sample));
}

static inline __attribute__((always_inline)) void fetch_arrays(const struct wb_sample *sample)
{
	if (!sample)
		return;
	__builtin_prefetch(sample->contexts);
	__builtin_prefetch(sample->regions);
}

static inline __attribute__((always_inline)) void fetch_regs(const struct wb_sample *sample)
{
	const struct wb_context *context = sample ? sample->contexts : NULL;

	if (context && context->regs)
		wb_prefetch(context->regs, context->num_regs < REGS_MAX / sizeof(*context->regs) ? context->num_regs * sizeof(*context->regs) : REGS_MAX);
}

/* Contexts of one capture mostly are alike: SP is where the last one had it. */
static inline __attribute__((always_inline)) void fetch_stack(struct wb_walker *w, const struct wb_sample *sample)
{
	const struct wb_context *context = sample ? sample->contexts : NULL;
	const struct wb_region *region = sample ? sample->regions : NULL;
	uint64_t sp;

	if (!context || !context->regs || w->seen_sp.at >= context->num_regs || context->regs[w->seen_sp.at].number != w->seen_sp.number)
		return;
	sp = context->regs[w->seen_sp.at].value;
	if (region->bytes && sp - region->address < region->size)
		wb_prefetch_stack(region, sp, wb_walker_top(w, sp));
}

enum wb_err wb_walk_many(struct wb_walker *w, const struct wb_walk_item *items, size_t num_items, struct wb_frame *frames, size_t frame_size,
                         size_t cap, wb_walked_fn fn, void *arg)
{
	enum wb_err err = WB_OK;

	if (!w || (num_items && !items) || !fn)
		return WB_ERR_ARGUMENT;
	for (size_t i = 0; !err && i < num_items; i++) {
		struct wb_stop stop;
		size_t count;

		fetch_sample(items, num_items, i + AHEAD_SAMPLE);
		fetch_arrays(plain_sample(items, num_items, i + AHEAD_ARRAYS));
		fetch_regs(plain_sample(items, num_items, i + AHEAD_REGS));
		fetch_stack(w, plain_sample(items, num_items, i + AHEAD_STACK));
		w->is_prefetched = i >= AHEAD_STACK;
		err = wb_walk(w, items[i].space, items[i].sample, frames, frame_size, cap, &count, &stop);
		w->is_prefetched = false;
		if (!err)
			err = fn(arg, i, frames, count, &stop);
	}
	return err;
}
