/* SPDX-License-Identifier: MIT */
/* What machines have in common: the list of mappings, and the code that was read from them. */
#include "machine.h"

#include <stdlib.h>
#include <string.h>

enum { INSTRUCTION_MAX = 16 };

static void drop_ranges(struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(ranges[i].path);
		free(ranges[i].code);
	}
	free(ranges);
}

void machine_deinit(struct machine *m)
{
	if (m->ops)
		m->ops->deinit(m);
	drop_ranges(m->ranges, m->num_ranges);
}

bool machine_read(struct machine *m, uint64_t address, void *buffer, size_t size)
{
	return m->ops->read(m, address, buffer, size);
}

void machine_add_range(struct machine *m, struct range range, const char *path)
{
	range.path = strdup(path);
	range.path[strcspn(range.path, "\n")] = 0;
	m->ranges = realloc(m->ranges, (m->num_ranges + 1) * sizeof(range));
	m->ranges[m->num_ranges++] = range;
}

static bool is_same(const struct range *a, const struct range *b)
{
	return a->start == b->start && a->end == b->end && a->file_offset == b->file_offset && a->prot == b->prot && !strcmp(a->path, b->path);
}

/* Moves the code that was read to the ranges that are still there. Whether all are. */
static bool keep_code(struct machine *m, struct range *old, size_t count)
{
	bool same = count == m->num_ranges;

	for (size_t i = 0, j = 0; i < m->num_ranges; i++) {
		while (j < count && old[j].start < m->ranges[i].start)
			j++;
		if (j < count && is_same(&old[j], &m->ranges[i])) {
			m->ranges[i].code = old[j].code;
			old[j].code = NULL;
		} else {
			same = false;
		}
	}
	return same;
}

void machine_refresh(struct machine *m)
{
	struct range *old = m->ranges;
	size_t count = m->num_ranges;

	if (!m->is_stale)
		return;
	m->is_stale = false;
	m->ranges = NULL;
	m->num_ranges = m->last = 0;
	m->ops->list(m);
	m->generation += !keep_code(m, old, count);
	drop_ranges(old, count);
}

const struct range *machine_range(struct machine *m, uint64_t address)
{
	size_t low = 0, high = m->num_ranges;

	if (m->last < m->num_ranges && address >= m->ranges[m->last].start && address < m->ranges[m->last].end)
		return &m->ranges[m->last];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->ranges[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == m->num_ranges || m->ranges[low].start > address)
		return NULL;
	m->last = low;
	return &m->ranges[low];
}

size_t machine_code(struct machine *m, uint64_t address, const uint8_t **ret_bytes)
{
	struct range *range = (struct range *)(uintptr_t)machine_range(m, address);
	size_t left;

	if (!range || !(range->prot & 4))
		return 0;
	left = (size_t)(range->end - range->start);
	if (!range->code) {
		range->code = malloc(left);
		if (!range->code || !machine_read(m, range->start, range->code, left)) {
			free(range->code);
			range->code = NULL;
			return 0;
		}
	}
	*ret_bytes = range->code + (address - range->start);
	left = (size_t)(range->end - address);
	return left < INSTRUCTION_MAX ? left : INSTRUCTION_MAX;
}
