/* SPDX-License-Identifier: MIT */
/*
 * The memory of an ELF core. It has bytes or it has not: what a segment says is mapped and does not store (p_filesz < p_memsz, or past the end
 * of a truncated file) is absent, never zero and never what the file has behind it. The space then asks the file of the module that is mapped
 * there, if its build id is the one that the dump has, and the process cannot have written: not one that the user merely vouches for.
 */
#include "formats/capture_core.h"

#include "base/mem.h"

void wb_core_memory_unref(struct core_memory *memory)
{
	if (!memory || atomic_fetch_sub_explicit(&memory->refs, 1, memory_order_acq_rel) != 1)
		return;
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

enum wb_err wb_core_read(void *arg, uint64_t address, void *buffer, size_t count)
{
	const struct core_memory *memory = arg;
	uint8_t *to = buffer;

	/* Each turn gets at least one byte further. */
	while (count) {
		uint64_t offset = 0;
		bool absent;
		size_t part = alike(memory, address, count, &offset, &absent);

		if (absent || wb_file_read(memory->file, offset, to, part))
			return WB_NONE;
		to += part;
		count -= part;
		if (count && __builtin_add_overflow(address, part, &address))
			return WB_NONE;
	}
	return WB_OK;
}
