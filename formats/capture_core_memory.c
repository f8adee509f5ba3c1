/* SPDX-License-Identifier: MIT */
/*
 * The memory of an ELF core. It has bytes or it has not: what a segment says is mapped and does not store (p_filesz < p_memsz, or past the end
 * of a truncated file) is absent, never zero and never what the file has behind it. Of what is absent, the file of a module may have it:
 * only where the build id that the dump names matches, and only where the process cannot have written (see wb_space_read).
 */
#include "formats/capture_core.h"

#include "base/mem.h"
#include "model/image.h"
#include "model/space.h"

#include <string.h>

void wb_core_memory_unref(struct core_memory *memory)
{
	if (!memory || atomic_fetch_sub_explicit(&memory->refs, 1, memory_order_acq_rel) != 1)
		return;
	wb_space_unref(memory->files);
	wb_file_free(memory->file);
	wb_mem_free(memory->segments);
	wb_mem_free(memory);
}

size_t wb_core_segment_above(const struct core_memory *memory, uint64_t address)
{
	size_t low = 0, high = memory->num_segments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memory->segments[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct core_segment *wb_core_segment_at(const struct core_memory *memory, uint64_t address)
{
	size_t i = wb_core_segment_above(memory, address);

	return i < memory->num_segments && memory->segments[i].start <= address ? &memory->segments[i] : NULL;
}

/* How many of count bytes at address are all in the file, or all not, which *ret_absent tells. */
static size_t alike(const struct core_memory *memory, uint64_t address, size_t count, uint64_t *ret_offset, bool *ret_absent)
{
	size_t i = wb_core_segment_above(memory, address);
	const struct core_segment *segment = i < memory->num_segments ? &memory->segments[i] : NULL;
	uint64_t at, left = UINT64_MAX;

	*ret_absent = true;
	if (segment && address < segment->start) {
		left = segment->start - address;
	} else if (segment) {
		at = address - segment->start;
		*ret_absent = at >= segment->size;
		*ret_offset = segment->offset + at;
		left = *ret_absent ? segment->end - address : segment->size - at;
	}
	return left < count ? (size_t)left : count;
}

/* Whether what is not in the dump may be taken from the file mapped there: it is the very build, or the user's word. */
static bool is_verified(struct wb_space *files, uint64_t address)
{
	const struct wb_map *map = wb_space_map_at(files, address);
	enum wb_verdict verdict;
	uint64_t bias;

	if (!map || !map->image || wb_map_bias(map, &bias) != WB_OK)
		return false;
	verdict = wb_image_verdict(map->image, WB_FILE_EXECUTABLE);
	return verdict == WB_VERDICT_MATCHED || verdict == WB_VERDICT_FORCED;
}

static enum wb_err read_pieces(const struct core_memory *memory, struct wb_space *files, uint64_t address, void *buffer, size_t count)
{
	uint8_t *to = buffer;

	/* Each turn gets at least one byte further. */
	while (count) {
		uint64_t offset = 0;
		bool absent;
		size_t part = alike(memory, address, count, &offset, &absent);
		enum wb_err err = WB_NONE;

		if (!absent)
			err = wb_file_read(memory->file, offset, to, part);
		else if (files && is_verified(files, address))
			err = wb_space_read(files, address, to, part);
		if (err)
			return err == WB_ERR_MEMORY || err == WB_ERR_IO ? err : WB_NONE;
		to += part;
		count -= part;
		if (count && __builtin_add_overflow(address, part, &address))
			return WB_NONE;
	}
	return WB_OK;
}

enum wb_err wb_core_read_dumped(const struct core_memory *memory, uint64_t address, void *buffer, size_t count)
{
	return read_pieces(memory, NULL, address, buffer, count);
}

enum wb_err wb_core_read(void *arg, uint64_t address, void *buffer, size_t count)
{
	struct core_memory *memory = arg;

	return read_pieces(memory, memory->files, address, buffer, count);
}

enum wb_err wb_core_read_string(struct core_memory *memory, uint64_t address, char *text)
{
	enum { STEP = 64 };           /* read at a time: aligned, so that no step crosses into a page that need not be there */
	size_t size = 0;

	while (size < CORE_PATH_MAX - 1) {
		size_t step = STEP - (size_t)(address % STEP);
		enum wb_err err;
		const char *end;

		step = step < CORE_PATH_MAX - 1 - size ? step : CORE_PATH_MAX - 1 - size;
		err = wb_core_read(memory, address, text + size, step);
		if (err)
			return err;
		end = memchr(text + size, 0, step);
		if (end)
			return WB_OK;
		size += step;
		if (__builtin_add_overflow(address, step, &address))
			return WB_NONE;
	}
	return WB_NONE;
}
