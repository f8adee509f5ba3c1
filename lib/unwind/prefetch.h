/* SPDX-License-Identifier: MIT */
/*
 * Memory asked for before it is needed. A walk reads a word here and a word there, each address known only after the word before, all the way up the
 * stack: from memory that nobody touched yet that is one wait after the other. Asked for all at once they are one wait.
 */
#ifndef UNWIND_PREFETCH_H
#define UNWIND_PREFETCH_H

#include <walkback/unwind.h>

enum {
	WB_PREFETCH_LINE = 64,        /* bytes that come from memory at once, on all machines of interest */
	WB_PREFETCH_MAX = 8192,       /* what perf copies of a stack by default */
	WB_PREFETCH_LITTLE = 1024,
	WB_PREFETCH_SPARSE = 512,     /* bytes of stack a frame: more are few frames on a long way */
};

/* Always inlined, as all here: GCC drops calls of functions that only prefetch. */
static inline __attribute__((always_inline)) void wb_prefetch(const void *start, size_t size)
{
	for (size_t i = 0; i < size; i += WB_PREFETCH_LINE)
		__builtin_prefetch((const uint8_t *)start + i);
}

/* What the last walk of a stack was like: the next one of that stack is. */
struct wb_top {
	uint64_t address;             /* where it ended; 0: not known */
	uint64_t frames;
};

/* Whole groups of eight lines; what is left after them stays: this is a good part of all that a short walk costs. */
static inline __attribute__((always_inline)) void wb_prefetch_groups(const uint8_t *at, uint64_t size)
{
	for (; size >= 8 * WB_PREFETCH_LINE; size -= 8 * WB_PREFETCH_LINE, at += 8 * WB_PREFETCH_LINE) {
		__builtin_prefetch(at);
		__builtin_prefetch(at + WB_PREFETCH_LINE);
		__builtin_prefetch(at + 2 * WB_PREFETCH_LINE);
		__builtin_prefetch(at + 3 * WB_PREFETCH_LINE);
		__builtin_prefetch(at + 4 * WB_PREFETCH_LINE);
		__builtin_prefetch(at + 5 * WB_PREFETCH_LINE);
		__builtin_prefetch(at + 6 * WB_PREFETCH_LINE);
		__builtin_prefetch(at + 7 * WB_PREFETCH_LINE);
	}
}

/* The stack from sp, which is in the region, up to where walks of it end; a little if that is not known. Few frames on a long way are mostly one
 * with a large array: then the two ends. */
static inline __attribute__((always_inline)) void wb_prefetch_stack(const struct wb_region *region, uint64_t sp, const struct wb_top *top)
{
	const uint8_t *at = (const uint8_t *)region->bytes + (sp - region->address);
	uint64_t left = region->size - (sp - region->address);
	uint64_t size = (top->address > sp ? top->address - sp : WB_PREFETCH_LITTLE) + 4 * WB_PREFETCH_LINE;

	size = size < WB_PREFETCH_MAX ? size : WB_PREFETCH_MAX;
	size = size < left ? size : left;
	if (size > top->frames * WB_PREFETCH_SPARSE + 2 * WB_PREFETCH_LITTLE) {
		wb_prefetch_groups(at + (size - WB_PREFETCH_LITTLE), WB_PREFETCH_LITTLE);
		size = WB_PREFETCH_LITTLE;
	}
	wb_prefetch_groups(at, size);
}

#endif
