/* SPDX-License-Identifier: MIT */
/*
 * Memory of an emulated process. The processor may touch all pages that were ever mapped, and none of the others; protection and what is unmapped is
 * kept in the list of areas alone, since nothing here depends on faults by protection.
 */
#include "emulator.h"

#include <stdlib.h>
#include <string.h>

/* An arena for whatever has no address of its own, below which nothing is mapped up to the programs. */
static const uint64_t arena = UINT64_C(0x7ff000000000);

/* Makes every page of the range accessible, with zeros. */
static bool clear(struct emulator *e, uint64_t start, uint64_t size)
{
	static const uint8_t zeros[EMULATOR_PAGE];

	for (uint64_t at = start; at < start + size;) {
		uint64_t run = 0;

		/* Pages that are not there yet, at once. */
		while (at + run < start + size && uc_mem_write(e->uc, at + run, zeros, 1) != UC_ERR_OK)
			run += EMULATOR_PAGE;
		if (run && uc_mem_map(e->uc, at, (size_t)run, UC_PROT_ALL) != UC_ERR_OK)
			return false;
		if (!run && uc_mem_write(e->uc, at, zeros, sizeof(zeros)) != UC_ERR_OK)
			return false;
		at += run ? run : EMULATOR_PAGE;
	}
	return true;
}

static void insert(struct emulator *e, size_t at, struct area area, const char *path)
{
	area.path = strdup(path);
	e->areas = realloc(e->areas, (e->num_areas + 1) * sizeof(area));
	memmove(e->areas + at + 1, e->areas + at, (e->num_areas - at) * sizeof(area));
	e->areas[at] = area;
	e->num_areas++;
}

/* Ends an area at address, which is inside, and begins another one. */
static void split(struct emulator *e, uint64_t address)
{
	for (size_t i = 0; i < e->num_areas; i++) {
		struct area *area = &e->areas[i], rest = *area;

		if (address <= area->start || address >= area->end)
			continue;
		rest.start = address;
		rest.file_offset += rest.path[0] ? address - area->start : 0;
		area->end = address;
		insert(e, i + 1, rest, rest.path);
		return;
	}
}

void emulator_unmap(struct emulator *e, uint64_t start, uint64_t size)
{
	size_t kept = 0;

	split(e, start);
	split(e, start + size);
	for (size_t i = 0; i < e->num_areas; i++) {
		if (e->areas[i].start >= start && e->areas[i].end <= start + size)
			free(e->areas[i].path);
		else
			e->areas[kept++] = e->areas[i];
	}
	e->num_areas = kept;
	e->machine->is_stale = true;
}

bool emulator_map(struct emulator *e, uint64_t start, uint64_t size, unsigned prot, const char *path, uint64_t file_offset)
{
	size_t at = 0;

	emulator_unmap(e, start, size);
	if (!clear(e, start, size))
		return false;
	while (at < e->num_areas && e->areas[at].start < start)
		at++;
	insert(e, at, (struct area){ .start = start, .end = start + size, .file_offset = file_offset, .prot = prot }, path);
	return true;
}

void emulator_protect(struct emulator *e, uint64_t start, uint64_t size, unsigned prot)
{
	split(e, start);
	split(e, start + size);
	for (size_t i = 0; i < e->num_areas; i++)
		if (e->areas[i].start >= start && e->areas[i].end <= start + size)
			e->areas[i].prot = prot;
	e->machine->is_stale = true;
}

uint64_t emulator_find_free(struct emulator *e, uint64_t size)
{
	uint64_t start = e->next_map ? e->next_map : arena;

	/* A page between mappings keeps them apart. */
	e->next_map = start + emulator_page_up(size) + EMULATOR_PAGE;
	return start;
}

bool emulator_read(struct emulator *e, uint64_t address, void *buffer, size_t size)
{
	return uc_mem_read(e->uc, address, buffer, size) == UC_ERR_OK;
}

bool emulator_write(struct emulator *e, uint64_t address, const void *buffer, size_t size)
{
	return uc_mem_write(e->uc, address, buffer, size) == UC_ERR_OK;
}

bool emulator_string(struct emulator *e, uint64_t address, char *buffer, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!emulator_read(e, address + i, buffer + i, 1))
			return false;
		if (!buffer[i])
			return true;
	}
	return false;
}

void emulator_drop_areas(struct emulator *e)
{
	for (size_t i = 0; i < e->num_areas; i++)
		free(e->areas[i].path);
	free(e->areas);
}
