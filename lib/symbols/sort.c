/* SPDX-License-Identifier: MIT */
/* Radix sort of (address, index) pairs. Digits that all keys share are skipped, so an image of 16 MiB takes three passes. */
#include "symbols/sort.h"

#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

enum {
	DIGIT_BITS = 11,
	DIGIT_VALUES = 1 << DIGIT_BITS,
	DIGITS = (64 + DIGIT_BITS - 1) / DIGIT_BITS,
	INSERTION_MAX = 96,           /* below, clearing the histograms would cost more than sorting */
};

static void insertion_sort(uint64_t *keys, uint32_t *values, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		uint64_t key = keys[i];
		uint32_t value = values[i];
		size_t at = i;

		for (; at > 0 && keys[at - 1] > key; at--) {
			keys[at] = keys[at - 1];
			values[at] = values[at - 1];
		}
		keys[at] = key;
		values[at] = value;
	}
}

static bool is_sorted(const uint64_t *keys, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (keys[i - 1] > keys[i])
			return false;
	return true;
}

/* Places where elements of each digit value go, from how many there are. */
static void starts_of_counts(uint32_t *counts)
{
	uint32_t at = 0;

	for (size_t i = 0; i < DIGIT_VALUES; i++) {
		uint32_t n = counts[i];

		counts[i] = at;
		at += n;
	}
}

static void count_digit(const uint64_t *keys, size_t count, unsigned shift, uint32_t *counts)
{
	memset(counts, 0, DIGIT_VALUES * sizeof *counts);
	for (size_t i = 0; i < count; i++)
		counts[keys[i] >> shift & (DIGIT_VALUES - 1)]++;
}

struct pairs { uint64_t *keys; uint32_t *values; };

static void radix_sort(struct pairs *pairs, struct pairs *scratch, size_t count, uint64_t differing, uint32_t *counts)
{
	for (unsigned digit = 0; digit < DIGITS; digit++) {
		unsigned shift = digit * DIGIT_BITS;
		struct pairs swap = *pairs;

		if (!(differing >> shift & (DIGIT_VALUES - 1)))
			continue;
		count_digit(pairs->keys, count, shift, counts);
		starts_of_counts(counts);
		for (size_t i = 0; i < count; i++) {
			uint32_t at = counts[pairs->keys[i] >> shift & (DIGIT_VALUES - 1)]++;

			scratch->keys[at] = pairs->keys[i];
			scratch->values[at] = pairs->values[i];
		}
		*pairs = *scratch;
		*scratch = swap;
	}
}

enum wb_err wb_sort_by_key(uint64_t *keys, uint32_t *values, size_t count)
{
	struct pairs pairs = { keys, values }, scratch;
	uint64_t differing = 0;
	uint32_t *counts;
	void *memory;
	size_t size;

	if (count <= INSERTION_MAX) {
		insertion_sort(keys, values, count);
		return WB_OK;
	}
	if (is_sorted(keys, count))
		return WB_OK;
	if (count > UINT32_MAX || !wb_size_mul(count, sizeof *keys + sizeof *values, &size) ||
	    !wb_size_add(size, DIGIT_VALUES * sizeof *counts, &size))
		return WB_ERR_MEMORY;
	memory = wb_mem_alloc(size);
	if (!memory)
		return WB_ERR_MEMORY;
	scratch.keys = memory;
	scratch.values = (uint32_t *)(void *)(scratch.keys + count);
	counts = scratch.values + count;
	for (size_t i = 1; i < count; i++)
		differing |= keys[i] ^ keys[0];
	radix_sort(&pairs, &scratch, count, differing, counts);
	if (pairs.keys != keys) {
		memcpy(keys, pairs.keys, count * sizeof *keys);
		memcpy(values, pairs.values, count * sizeof *values);
	}
	wb_mem_free(memory);
	return WB_OK;
}
