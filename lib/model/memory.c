/* SPDX-License-Identifier: MIT */
/* A sample's memory: a hit in the last region is inline; here is the search, and what the space has. */
#include "model/memory.h"

#include <string.h>

/* Index of the first region that starts above address. */
static size_t first_above(const struct wb_view *view, uint64_t address)
{
	size_t low = 0, high = view->num_regions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (view->regions[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum wb_err wb_view_read(struct wb_view *view, uint64_t address, void *buffer, size_t count)
{
	uint8_t *to = buffer;

	while (count) {
		size_t above = first_above(view, address), part;
		const struct wb_region *region = above ? &view->regions[above - 1] : NULL;
		uint64_t at = region ? address - region->address : 0;
		enum wb_err err;

		if (region && at < region->size) {
			part = region->size - at < count ? (size_t)(region->size - at) : count;
			memcpy(to, (const uint8_t *)region->bytes + at, part);
			view->last = *region;
		} else {
			/* The space's memory, up to where the next region shadows it. */
			uint64_t gap = above < view->num_regions ? view->regions[above].address - address : UINT64_MAX;

			part = gap < count ? (size_t)gap : count;
			err = view->space ? wb_space_read(view->space, address, to, part) : WB_NONE;
			if (err)
				return err;
		}
		to += part;
		address += part;
		count -= part;
	}
	return WB_OK;
}

enum wb_err wb_view_word_slow(struct wb_view *view, uint64_t address, uint64_t *ret_word)
{
	uint8_t bytes[8];
	enum wb_err err = wb_view_read(view, address, bytes, view->word_size);

	if (err)
		return err;
	*ret_word = view->word_size == 8 ? wb_load64(bytes, view->big_endian) : wb_load32(bytes, view->big_endian);
	return WB_OK;
}
