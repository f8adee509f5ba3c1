/* SPDX-License-Identifier: MIT */
/* Memory of a sample as a walk sees it: the sample's regions shadow the space's memory. */
#ifndef MODEL_MEMORY_H
#define MODEL_MEMORY_H

#include <walkback/unwind.h>

#include "base/bytes.h"

#include <stdbool.h>

struct wb_view {
	const struct wb_region *regions; /* sorted, disjoint */
	size_t num_regions;
	struct wb_region last;        /* the region of the last hit */
	struct wb_space *space;
	bool big_endian;
	uint8_t word_size;            /* 4 or 8 */
};

/* The word at address. WB_NONE: absent (not in the capture). */
enum wb_err wb_view_word_slow(struct wb_view *view, uint64_t address, uint64_t *ret_word);
static inline enum wb_err wb_view_word(struct wb_view *view, uint64_t address, uint64_t *ret_word)
{
	uint64_t at = address - view->last.address;

	if (__builtin_expect(at < view->last.size && view->last.size - at >= 8 && view->word_size == 8, 1)) {
		*ret_word = wb_load64((const uint8_t *)view->last.bytes + at, view->big_endian);
		return WB_OK;
	}
	return wb_view_word_slow(view, address, ret_word);
}
/* count bytes at address, as far as regions and space have them all. */
enum wb_err wb_view_read(struct wb_view *view, uint64_t address, void *buffer, size_t count);

#endif
