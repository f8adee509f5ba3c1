/* SPDX-License-Identifier: MIT */
/* Fragments: one buffer, and where each piece of it starts and ends. */
#include "formats/fragments.h"

#include "base/mem.h"

void wb_fragments_deinit(struct wb_fragments *fragments)
{
	wb_out_deinit(&fragments->bytes);
	wb_mem_free(fragments->items);
	*fragments = (struct wb_fragments){ 0 };
}

void wb_fragments_clear(struct wb_fragments *fragments)
{
	fragments->bytes.size = 0;
	fragments->count = 0;
}

enum wb_err wb_fragments_end(struct wb_fragments *fragments, bool last)
{
	size_t start = fragments->count ? fragments->items[fragments->count - 1].offset + fragments->items[fragments->count - 1].size : 0;
	void *items = fragments->items;

	if (fragments->bytes.failed || fragments->count >= UINT32_MAX ||
	    !wb_mem_grow(&items, &fragments->capacity, fragments->count, 1, sizeof(*fragments->items)))
		return WB_ERR_MEMORY;
	fragments->items = items;
	fragments->items[fragments->count++] = (struct wb_fragment){ start, fragments->bytes.size - start, last };
	return WB_OK;
}
