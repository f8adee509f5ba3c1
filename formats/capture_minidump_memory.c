/* SPDX-License-Identifier: MIT */
/*
 * A minidump's memory, which stays in the file until it is read, and what is mapped where: the modules first, as a whole; then what the memory
 * information (Windows) or /proc/PID/maps (Linux) say of protections inside of them, and of code outside of all modules.
 */
#include "formats/capture_minidump.h"

#include "base/mem.h"

#include <stdlib.h>

enum {
	DESCRIPTOR_SIZE = 16,
	INFO_SIZE = 48,
	LINE_MAX = 8 << 10,           /* bytes of a line of /proc/PID/maps: PATH_MAX is 4096 */
};

/* ---- Regions ---- */

enum wb_err wb_minidump_add_region(struct wb_minidump *m, uint64_t start, uint64_t size, uint64_t offset)
{
	void *regions = m->regions;

	if (!size || size > UINT64_MAX - start)
		return WB_OK;
	if (!wb_mem_grow(&regions, &m->regions_capacity, m->num_regions, 1, sizeof(*m->regions)))
		return WB_ERR_MEMORY;
	m->regions = regions;
	m->regions[m->num_regions++] = (struct wb_minidump_region){ start, size, offset };
	return WB_OK;
}

enum wb_err wb_minidump_read_memory(struct wb_minidump *m, struct wb_bytes *b)
{
	uint32_t count = wb_bytes_u32(b);
	enum wb_err err = WB_OK;

	if (wb_bytes_left(b) >= 4 && wb_bytes_left(b) % DESCRIPTOR_SIZE == 4)
		wb_bytes_skip(b, 4);
	if (count > wb_bytes_left(b) / DESCRIPTOR_SIZE) {
		wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "the list of memory is shorter than it says");
		count = (uint32_t)(wb_bytes_left(b) / DESCRIPTOR_SIZE);
	}
	for (uint32_t i = 0; i < count && !err; i++) {
		uint64_t start = wb_bytes_u64(b);
		uint32_t size = wb_bytes_u32(b);

		err = wb_minidump_add_region(m, start, size, wb_bytes_u32(b));
	}
	return err;
}

/* The regions' bytes follow one another in the file. */
enum wb_err wb_minidump_read_memory_64(struct wb_minidump *m, struct wb_bytes *b)
{
	uint64_t count = wb_bytes_u64(b), offset = wb_bytes_u64(b);
	enum wb_err err = WB_OK;

	if (count > wb_bytes_left(b) / DESCRIPTOR_SIZE) {
		wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "the list of memory is shorter than it says");
		count = wb_bytes_left(b) / DESCRIPTOR_SIZE;
	}
	for (uint64_t i = 0; i < count && !err; i++) {
		uint64_t start = wb_bytes_u64(b), size = wb_bytes_u64(b);

		err = wb_minidump_add_region(m, start, size, offset);
		if (size > UINT64_MAX - offset)
			break;
		offset += size;
	}
	return err;
}

static int compare_regions(const void *a, const void *b)
{
	const struct wb_minidump_region *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	/* The one that reaches further first: it has all of the other. */
	return x->size == y->size ? (x->offset > y->offset) - (x->offset < y->offset) : x->size > y->size ? -1 : 1;
}

/* Stacks are in the list of memory too, as a rule, and damaged lists overlap: of two, the first keeps what both have. */
enum wb_err wb_minidump_sort_regions(struct wb_minidump *m)
{
	uint64_t file_size = wb_file_size(m->input->file), end = 0;
	size_t kept = 0;

	if (m->num_regions)
		qsort(m->regions, m->num_regions, sizeof(*m->regions), compare_regions);
	for (size_t i = 0; i < m->num_regions; i++) {
		struct wb_minidump_region region = m->regions[i];
		uint64_t skip = kept && region.start < end ? end - region.start : 0;

		if (region.offset >= file_size || region.size > file_size - region.offset) {
			wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_TRUNCATED, region.offset, "the file ends before the end of its memory");
			m->is_truncated = true;
			region.size = region.offset < file_size ? file_size - region.offset : 0;
		}
		if (skip >= region.size)
			continue;
		m->regions[kept] = (struct wb_minidump_region){ region.start + skip, region.size - skip, region.offset + skip };
		m->dumped += region.size - skip;
		end = region.start + region.size;
		kept++;
	}
	m->num_regions = kept;
	return WB_OK;
}

const struct wb_minidump_region *wb_minidump_region_at(const struct wb_minidump *m, uint64_t address)
{
	size_t low = 0, high = m->num_regions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->regions[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address - m->regions[low - 1].start < m->regions[low - 1].size ? &m->regions[low - 1] : NULL;
}

/* For the space: bytes of one region after the other. */
static enum wb_err read_memory(void *arg, uint64_t address, void *buffer, size_t count)
{
	const struct wb_minidump *m = arg;
	uint8_t *to = buffer;

	while (count) {
		const struct wb_minidump_region *region = wb_minidump_region_at(m, address);
		uint64_t at = region ? address - region->start : 0;
		size_t part;

		if (!region)
			return WB_NONE;
		part = region->size - at < count ? (size_t)(region->size - at) : count;
		if (wb_file_read(m->input->file, region->offset + at, to, part))
			return WB_NONE;
		to += part;
		address += part;
		count -= part;
	}
	return WB_OK;
}

/* ---- Mappings ---- */

/* Gives up the space before it. */
static enum wb_err replace_space(struct wb_minidump *m, enum wb_err err, struct wb_space *next)
{
	if (err)
		return err;
	wb_space_unref(m->space);
	m->space = next;
	return WB_OK;
}

static enum wb_err map(struct wb_minidump *m, const struct wb_mapping *mapping)
{
	struct wb_space *next = NULL;
	enum wb_err err;

	if (mapping->start >= mapping->end)
		return WB_OK;
	err = wb_space_map(m->space, mapping, 1, &next);
	if (err == WB_ERR_LIMIT) {
		wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_UNSUPPORTED, UINT64_MAX, "more mappings than a process has: the others are left out");
		return WB_OK;
	}
	return replace_space(m, err, next);
}

enum wb_err wb_minidump_map_modules(struct wb_minidump *m)
{
	enum wb_err err = wb_space_new(m->input->session, &m->platform, &m->space);

	for (size_t i = 0; i < m->num_modules && !err; i++) {
		const struct wb_dump_module *module = &m->modules[i];
		struct wb_mapping mapping = { .size = sizeof(mapping), .start = module->start, .end = module->end, .prot = WB_PROT_UNKNOWN,
		                              .image = module->image, .base = module->start };

		err = map(m, &mapping);
	}
	return err;
}

static const struct wb_dump_module *module_at(const struct wb_minidump *m, uint64_t address)
{
	size_t low = 0, high = m->num_modules;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->by_start[middle]->start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < m->by_start[low - 1]->end ? m->by_start[low - 1] : NULL;
}

/* A piece of known protection: of the module that holds it, else anonymous. */
static enum wb_err map_piece(struct wb_minidump *m, uint64_t start, uint64_t end, uint32_t prot)
{
	const struct wb_dump_module *module = module_at(m, start);
	struct wb_mapping mapping = { .size = sizeof(mapping), .start = start, .end = end, .prot = prot };

	if (module) {
		mapping.image = module->image;
		mapping.base = module->start;
		mapping.file_offset = start - module->start;
		mapping.end = end < module->end ? end : module->end;
	}
	return map(m, &mapping);
}

/* PAGE_* (winnt.h). */
static uint32_t prot_of_page(uint32_t protection)
{
	switch (protection & 0xff) {
	case 0x02: return WB_PROT_READ;
	case 0x04:
	case 0x08: return WB_PROT_READ | WB_PROT_WRITE;
	case 0x10: return WB_PROT_EXEC;
	case 0x20: return WB_PROT_READ | WB_PROT_EXEC;
	case 0x40:
	case 0x80: return WB_PROT_READ | WB_PROT_WRITE | WB_PROT_EXEC;
	default: return 0;
	}
}

enum wb_err wb_minidump_map_info(struct wb_minidump *m, struct wb_bytes *b)
{
	enum { COMMITTED = 0x1000 };
	uint32_t header = wb_bytes_u32(b), size = wb_bytes_u32(b);
	uint64_t count = wb_bytes_u64(b);
	enum wb_err err = WB_OK;

	if (size < INFO_SIZE || !wb_bytes_seek(b, header))
		return wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "the memory information has entries that are too small");
	if (count > wb_bytes_left(b) / size)
		count = wb_bytes_left(b) / size;
	for (uint64_t i = 0; i < count && !err; i++) {
		struct wb_bytes one = wb_bytes_sub(b, size);
		uint64_t start = wb_bytes_u64(&one), length;
		uint32_t state;

		wb_bytes_skip(&one, 16);
		length = wb_bytes_u64(&one);
		state = wb_bytes_u32(&one);
		if (state == COMMITTED && length <= UINT64_MAX - start)
			err = map_piece(m, start, start + length, prot_of_page(wb_bytes_u32(&one)));
	}
	return err;
}

/* A line of /proc/PID/maps (proc_pid_maps(5)): "start-end rwxp offset major:minor inode path". The text ends with a NUL. */
static enum wb_err map_line(struct wb_minidump *m, const char *line)
{
	char *end;
	uint64_t start = strtoull(line, &end, 16), stop;
	uint32_t prot = 0;

	if (*end != '-')
		return WB_OK;
	stop = strtoull(end + 1, &end, 16);
	if (*end != ' ' || strlen(end) < 5)
		return WB_OK;
	prot |= end[1] == 'r' ? WB_PROT_READ : 0;
	prot |= end[2] == 'w' ? WB_PROT_WRITE : 0;
	prot |= end[3] == 'x' ? WB_PROT_EXEC : 0;
	m->dump.num_maps++;
	return map_piece(m, start, stop, prot);
}

enum wb_err wb_minidump_map_lines(struct wb_minidump *m, struct wb_bytes *b)
{
	const char *text = (const char *)b->start;
	size_t size = wb_bytes_size(b);
	enum wb_err err = WB_OK;
	char line[LINE_MAX];

	for (size_t at = 0; at < size && !err;) {
		const char *end = memchr(text + at, '\n', size - at);
		size_t length = end ? (size_t)(end - text) - at : size - at;

		if (length < sizeof(line)) {
			memcpy(line, text + at, length);
			line[length] = '\0';
			err = map_line(m, line);
		}
		at += length + 1;
	}
	return err;
}

enum wb_err wb_minidump_map_memory(struct wb_minidump *m)
{
	struct wb_memory memory = { .size = sizeof(memory), .kind = WB_MEMORY_CALLBACK, .start = 0, .end = UINT64_MAX, .read = read_memory, .arg = m };
	struct wb_space *next;
	enum wb_err err;

	if (!m->num_regions)
		return WB_OK;
	err = wb_space_add_memory(m->space, &memory, &next);
	return replace_space(m, err, next);
}
