/* SPDX-License-Identifier: MIT */
/* Executable ranges of an object, by its sections or else its segments. */
#include "symbols/text.h"

#include "base/mem.h"
#include "symbols/sort.h"

static void add_range(struct wb_text *text, uint64_t start, uint64_t size)
{
	uint64_t end;

	if (size > 0 && wb_u64_add(start, size, &end))
		text->ranges[text->num_ranges++] = (struct wb_text_range){ start, end };
}

/* Sections that lie over each other (damaged, or overlays) are cut where the next one starts. */
static enum wb_err sort_ranges(struct wb_text *text)
{
	size_t n = text->num_ranges;
	uint64_t *keys = wb_mem_zalloc(n, sizeof *keys);
	uint32_t *order = wb_mem_zalloc(n, sizeof *order);
	struct wb_text_range *sorted = wb_mem_zalloc(n, sizeof *sorted);
	enum wb_err err = keys && order && sorted ? WB_OK : WB_ERR_MEMORY;

	for (size_t i = 0; !err && i < n; i++) {
		keys[i] = text->ranges[i].start;
		order[i] = (uint32_t)i;
	}
	if (!err)
		err = wb_sort_by_key(keys, order, n);
	if (!err) {
		for (size_t i = 0; i < n; i++) {
			sorted[i] = text->ranges[order[i]];
			if (i > 0 && sorted[i - 1].end > sorted[i].start)
				sorted[i - 1].end = sorted[i].start;
		}
		wb_mem_free(text->ranges);
		text->ranges = sorted;
		sorted = NULL;
	}
	wb_mem_free(keys);
	wb_mem_free(order);
	wb_mem_free(sorted);
	return err;
}

enum wb_err wb_text_init(struct wb_text *text, const struct wb_object *object)
{
	size_t most = object->num_sections > object->num_segments ? object->num_sections : object->num_segments;
	enum wb_err err;

	*text = (struct wb_text){ 0 };
	if (object->absolute || most > UINT32_MAX)
		return WB_OK;
	text->ranges = wb_mem_zalloc(most, sizeof *text->ranges);
	if (!text->ranges)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < object->num_sections; i++)
		if (object->sections[i].flags & WB_SECTION_EXEC)
			add_range(text, object->sections[i].vaddr, object->sections[i].size);
	if (text->num_ranges == 0)
		for (size_t i = 0; i < object->num_segments; i++)
			if (object->segments[i].prot & WB_PROT_EXEC)
				add_range(text, object->segments[i].vaddr, object->segments[i].memsz);
	err = sort_ranges(text);
	if (err)
		wb_text_deinit(text);
	return err;
}

void wb_text_deinit(struct wb_text *text)
{
	wb_mem_free(text->ranges);
	*text = (struct wb_text){ 0 };
}

const struct wb_text_range *wb_text_find(const struct wb_text *text, uint64_t image_pc)
{
	size_t low = 0, high = text->num_ranges;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (text->ranges[mid].end <= image_pc)
			low = mid + 1;
		else
			high = mid;
	}
	return low < text->num_ranges && text->ranges[low].start <= image_pc ? &text->ranges[low] : NULL;
}
