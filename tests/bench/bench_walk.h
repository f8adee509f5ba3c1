/* SPDX-License-Identifier: MIT */
/*
 * The frame of every bench_walk_* program: reads a flat file, walks all its samples a number of times, and prints one line
 * per pass: engine, pass, samples, frames, stacks that the engine calls complete, CPU seconds, nanoseconds per frame.
 */
#ifndef BENCH_WALK_H
#define BENCH_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flat.h"

enum { BENCH_MAX_FRAMES = 4096 };

/* What became of samples[index]. */
typedef void (*bench_walked_fn)(void *arg, size_t index, const uint64_t *pcs, size_t count, int complete);

struct bench_engine {
	const char *name;
	/* Everything that a user pays once. 0 or -1; prints what is wrong. */
	int (*open)(const struct flat *flat, void **ret_state);
	/* Walks one sample; returns the number of frames. pcs is NULL unless the frames are asked for; there is room for
	 * BENCH_MAX_FRAMES. Lookup addresses: pc - 1 for return addresses. */
	size_t (*walk)(void *state, const struct flat_sample *sample, uint64_t *pcs, int *ret_complete);
	/* The same for many samples, for an engine that takes them in one call; NULL: one by one. */
	void (*walk_many)(void *state, const struct flat_sample *const *samples, size_t count, bool wants_pcs, bench_walked_fn fn, void *arg);
	/* Empties the cache of rows; NULL if the engine cannot. */
	void (*forget)(void *state);
};

/* Arguments: [-1] [-p PASSES] [-n DISTINCT] [-f] [-o FRAMES] FLAT; -1: one by one in any case; -n: walk the first DISTINCT samples again and again, as many walks
 * as the file has samples, which shows an engine whose caches hold everything; -f: empty the cache before each sample, from the second pass on;
 * -o: write the frames of the last pass, a line a sample. Returns the exit status. */
int bench_walk_main(int argc, char **argv, const struct bench_engine *engine);

#endif
