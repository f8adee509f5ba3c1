/* SPDX-License-Identifier: MIT */
/*
 * Reads flat files; see flat.h. Errors are printed: this is part of bench programs, not of the library.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flat.h"

static const uint8_t *file_map(const char *path, uint64_t *ret_size, int *ret_fd)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
		close(fd);
		return NULL;
	}
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED) {
		close(fd);
		return NULL;
	}
	*ret_size = (uint64_t)st.st_size;
	*ret_fd = fd;
	return bytes;
}

const char *flat_map_path(const struct flat *flat, const struct flat_map *map)
{
	return (const char *)flat->header + flat->header->strings_at + map->path;
}

/* The PT_LOAD that holds the map's first byte of the file ties file addresses to those of the process. */
static void file_set_bias(struct flat_file *file, const struct flat_map *map)
{
	const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)file->bytes;

	if (file->size < sizeof(*ehdr) || memcmp(ehdr->e_ident, ELFMAG, SELFMAG) != 0 || ehdr->e_ident[EI_CLASS] != ELFCLASS64)
		return;
	const Elf64_Phdr *phdrs = (const Elf64_Phdr *)(file->bytes + ehdr->e_phoff);
	for (unsigned i = 0; i < ehdr->e_phnum; i++) {
		uint64_t first = phdrs[i].p_offset & ~(uint64_t)0xfff;

		if (phdrs[i].p_type == PT_LOAD && map->file_offset >= first && map->file_offset < phdrs[i].p_offset + phdrs[i].p_filesz &&
		    ((phdrs[i].p_flags & PF_X) != 0) == ((map->prot & FLAT_EXEC) != 0))
			file->bias = map->start - map->file_offset - (phdrs[i].p_vaddr - phdrs[i].p_offset);
	}
}

static size_t file_index(struct flat *flat, const struct flat_map *map)
{
	const char *path = flat_map_path(flat, map);

	if (path[0] != '/')
		return SIZE_MAX;
	for (size_t i = 0; i < flat->num_files; i++)
		if (strcmp(flat->files[i].path, path) == 0)
			return i;
	struct flat_file *file = &flat->files[flat->num_files];
	*file = (struct flat_file){ .path = path, .start = map->start, .fd = -1 };
	file->bytes = file_map(path, &file->size, &file->fd);
	return flat->num_files++;
}

static int open_files(struct flat *flat)
{
	flat->files = calloc(flat->num_maps + 1, sizeof(*flat->files));
	flat->file_of_map = calloc(flat->num_maps + 1, sizeof(*flat->file_of_map));
	if (!flat->files || !flat->file_of_map)
		return -1;
	for (size_t i = 0; i < flat->num_maps; i++) {
		const struct flat_map *map = &flat->maps[i];
		size_t index = file_index(flat, map);

		flat->file_of_map[i] = index;
		if (index == SIZE_MAX)
			continue;
		flat->files[index].end = map->end;
		if ((map->prot & FLAT_EXEC) && flat->files[index].bytes)
			file_set_bias(&flat->files[index], map);
	}
	return 0;
}

int flat_open(const char *path, struct flat *ret_flat)
{
	struct flat flat = { 0 };
	uint64_t size;
	int fd;
	const uint8_t *bytes = file_map(path, &size, &fd);

	if (!bytes) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return -1;
	}
	flat.header = (const struct flat_header *)bytes;
	if (size < sizeof(*flat.header) || memcmp(flat.header->magic, FLAT_MAGIC, 8) != 0 || flat.header->size != size) {
		fprintf(stderr, "%s: not a flat file\n", path);
		return -1;
	}
	flat.maps = (const struct flat_map *)(bytes + flat.header->maps_at);
	flat.num_maps = flat.header->num_maps;
	flat.num_samples = flat.header->num_samples;
	flat.samples = calloc(flat.num_samples + 1, sizeof(*flat.samples));
	if (!flat.samples || open_files(&flat) != 0)
		return -1;
	uint64_t at = flat.header->samples_at;
	for (size_t i = 0; i < flat.num_samples; i++) {
		flat.samples[i] = (const struct flat_sample *)(bytes + at);
		at += sizeof(struct flat_sample) + (((uint64_t)flat.samples[i]->stack_size + 7) & ~(uint64_t)7);
	}
	*ret_flat = flat;
	return 0;
}

const struct flat_map *flat_find(const struct flat *flat, uint64_t address)
{
	size_t low = 0, high = flat->num_maps;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (flat->maps[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < flat->num_maps && flat->maps[low].start <= address ? &flat->maps[low] : NULL;
}

const struct flat_file *flat_find_file(const struct flat *flat, uint64_t address)
{
	const struct flat_map *map = flat_find(flat, address);
	size_t index = map ? flat->file_of_map[map - flat->maps] : SIZE_MAX;

	return index != SIZE_MAX && flat->files[index].bytes ? &flat->files[index] : NULL;
}

int flat_word(const struct flat *flat, const struct flat_sample *sample, uint64_t address, uint64_t *ret_word)
{
	uint64_t offset = address - sample->stack_address;

	if (sample->stack_size >= 8 && offset <= sample->stack_size - 8) {
		memcpy(ret_word, flat_stack(sample) + offset, 8);
		return 0;
	}
	const struct flat_map *map = flat_find(flat, address);
	const struct flat_file *file = map && !(map->prot & FLAT_WRITE) ? flat_find_file(flat, address) : NULL;
	if (!file || address > UINT64_MAX - 8 || address + 8 > map->end)
		return -1;
	offset = address - map->start + map->file_offset;
	if (file->size < 8 || offset > file->size - 8)
		return -1;
	memcpy(ret_word, file->bytes + offset, 8);
	return 0;
}
