/* SPDX-License-Identifier: MIT */
/* Object files, whatever their format: choosing the format, and the questions that segments and section tables answer for all of them. */
#include "model/object.h"

#include "base/mem.h"
#include "model/verify.h"

#include <string.h>

enum { PROBE_SIZE = 4096 };

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

static enum wb_err unrecognized(struct wb_diags *diags, const char *path, const uint8_t *head, size_t size)
{
	if (size < 4)
		return wb_diag_report(diags, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_UNRECOGNIZED, path, "", UINT64_MAX,
		                      size ? "too short for an object file" : "empty file");
	return wb_diag_report(diags, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_UNRECOGNIZED, path, "", UINT64_MAX,
	                      "starts with %02x %02x %02x %02x: no object file that this build knows", head[0], head[1], head[2],
	                      head[3]);
}

enum wb_err wb_object_open_chosen(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags,
                                  const struct wb_object_choice *choice, struct wb_object **ret_object)
{
	uint8_t head[PROBE_SIZE];
	size_t size = wb_file_size(file) < sizeof(head) ? (size_t)wb_file_size(file) : sizeof(head);
	enum wb_err err = wb_file_read(file, 0, head, size);

	if (err) {
		wb_file_free(file);
		return wb_diag_report(diags, err, WB_DIAG_FILE_UNREADABLE, path, "", 0, "the first %zu bytes cannot be read", size);
	}
	for (size_t i = 0; wb_image_formats[i]; i++) {
		const struct wb_image_format *format = wb_image_formats[i];

		if (!format->probe(head, size))
			continue;
		return format->open_chosen ? format->open_chosen(diags, path, file, flags, choice, ret_object)
		                           : format->open(diags, path, file, flags, ret_object);
	}
	wb_file_free(file);
	return unrecognized(diags, path, head, size);
}

enum wb_err wb_object_open(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object)
{
	return wb_object_open_chosen(diags, path, file, flags, &(struct wb_object_choice){ .arch = WB_ARCH_UNKNOWN }, ret_object);
}

enum wb_err wb_object_open_loaded(struct wb_diags *diags, const char *path, struct wb_file *file, uint64_t address, struct wb_object **ret_object)
{
	uint8_t head[PROBE_SIZE];
	size_t size = wb_file_size(file) < sizeof(head) ? (size_t)wb_file_size(file) : sizeof(head);

	/* Memory may end anywhere. */
	while (size && wb_file_read(file, 0, head, size))
		size /= 2;
	for (size_t i = 0; size && wb_image_formats[i]; i++)
		if (wb_image_formats[i]->open_loaded && wb_image_formats[i]->probe(head, size))
			return wb_image_formats[i]->open_loaded(diags, path, file, address, ret_object);
	wb_file_free(file);
	return WB_NONE;
}

void wb_object_close(struct wb_object *object)
{
	if (object)
		object->format->close(object);
}

bool wb_object_has_build_id(const struct wb_object *object, const uint8_t *build_id, size_t size)
{
	return wb_build_id_matches(build_id, size, object->build_id, object->build_id_size);
}

/* ---- Sections --------------------------------------------------------------------------------------------------- */

enum wb_err wb_object_find_section(const struct wb_object *object, const char *name, size_t *ret_index)
{
	enum wb_err err = WB_NONE;

	for (size_t i = 0; i < object->num_sections; i++) {
		const struct wb_section *section = &object->sections[i];

		if (section->flags & WB_SECTION_NOBITS || !section->size || strcmp(section->name, name) != 0)
			continue;
		if (!err && section->flags & WB_SECTION_GROUPED)
			continue;
		*ret_index = i;
		err = WB_OK;
		if (!(section->flags & WB_SECTION_GROUPED))
			break;
	}
	return err;
}

static bool section_is_mapped(const struct wb_section *section)
{
	return section->flags & WB_SECTION_ALLOC && !(section->flags & (WB_SECTION_NOBITS | WB_SECTION_COMPRESSED));
}

/* ---- Offsets and image pcs -------------------------------------------------------------------------------------- */

/* Whether the segment, widened to whole pages as mmap maps it, has offset. page 1: not widened. */
static bool segment_has_offset(const struct wb_segment *segment, uint64_t offset, uint64_t page)
{
	uint64_t mask = page - 1, end = segment->offset + segment->filesz;

	/* Widened below the first byte of the address space, there would be no image pc. */
	if (!segment->filesz || (offset < segment->offset && segment->offset - offset > segment->vaddr))
		return false;
	end = end > UINT64_MAX - mask ? UINT64_MAX : (end + mask) & ~mask;
	return offset >= (segment->offset & ~mask) && offset < end;
}

/* Whether a mapping that begins at offset begins with the segment, in pages that it is aligned for. */
static bool segment_begins_at(const struct wb_segment *segment, uint64_t offset, uint64_t page)
{
	return segment->filesz && page <= segment->align && offset == (segment->offset & ~(page - 1)) && segment->offset - offset <= segment->vaddr;
}

enum wb_err wb_object_vaddr_of_offset(const struct wb_object *object, uint64_t offset, bool executable, uint64_t *ret_vaddr)
{
	/* In this order: what a mapping of that kind must be, then what it may be. 4 KiB is the page of most machines, 64 KiB the
	 * largest that ELF files are aligned for. In large pages all segments of a small file can begin with the same one. */
	static const struct { uint32_t page; bool any_kind, at_start; } tries[] = {
		{ 1, false, false }, { 4096, false, false }, { 16384, false, true }, { 65536, false, true }, { 1, true, false }, { 65536, false, false },
		{ 4096, true, false }, { 65536, true, false },
	};

	for (size_t t = 0; t < sizeof(tries) / sizeof(tries[0]); t++) {
		for (size_t i = 0; i < object->num_segments; i++) {
			const struct wb_segment *segment = &object->segments[i];

			if (!tries[t].any_kind && !(segment->prot & WB_PROT_EXEC) == executable)
				continue;
			if (tries[t].at_start ? segment_begins_at(segment, offset, tries[t].page) : segment_has_offset(segment, offset, tries[t].page)) {
				*ret_vaddr = segment->vaddr + (offset - segment->offset);
				return WB_OK;
			}
		}
	}
	if (object->num_segments)
		return WB_NONE;
	for (size_t i = 0; i < object->num_sections; i++) {
		const struct wb_section *section = &object->sections[i];

		if (section_is_mapped(section) && offset >= section->offset && offset - section->offset < section->size) {
			*ret_vaddr = section->vaddr + (offset - section->offset);
			return WB_OK;
		}
	}
	return WB_NONE;
}

uint64_t wb_object_base(const struct wb_object *object)
{
	return object->num_segments ? object->segments[0].vaddr & ~UINT64_C(4095) : 0;
}

/* Where the file has the byte at vaddr, and how many bytes follow it there. */
static bool extent_of_vaddr(const struct wb_object *object, uint64_t vaddr, uint64_t *ret_offset, uint64_t *ret_left)
{
	for (size_t i = 0; i < object->num_segments; i++) {
		const struct wb_segment *segment = &object->segments[i];
		uint64_t at = vaddr - segment->vaddr;

		if (vaddr >= segment->vaddr && at < segment->filesz) {
			*ret_offset = segment->offset + at;
			*ret_left = segment->filesz - at;
			return true;
		}
	}
	for (size_t i = 0; i < object->num_sections && !object->num_segments; i++) {
		const struct wb_section *section = &object->sections[i];
		uint64_t at = vaddr - section->vaddr;

		if (section_is_mapped(section) && vaddr >= section->vaddr && at < section->size) {
			*ret_offset = section->offset + at;
			*ret_left = section->size - at;
			return true;
		}
	}
	return false;
}

enum wb_err wb_object_offset_of_vaddr(const struct wb_object *object, uint64_t vaddr, uint64_t *ret_offset)
{
	uint64_t offset, left;

	if (!extent_of_vaddr(object, vaddr, &offset, &left))
		return WB_NONE;
	*ret_offset = offset;
	return WB_OK;
}

static bool is_there(const struct wb_object *object, uint64_t offset)
{
	uint8_t byte;

	return wb_file_read(object->file, offset, &byte, 1) == WB_OK;
}

uint64_t wb_object_present(const struct wb_object *object, uint64_t offset, uint64_t size)
{
	uint64_t file_size = wb_file_size(object->file);

	if (!object->loaded_layout)
		return size;
	if (offset >= file_size)
		return 0;
	size = size < file_size - offset ? size : file_size - offset;
	/* Memory is captured in whole pages of 4 KiB or more. Two bytes of each cost less than reading the table that this is asked for. */
	for (uint64_t at = 0; at < size;) {
		uint64_t in_page = 4096 - (offset + at) % 4096, part = in_page < size - at ? in_page : size - at;

		if (!is_there(object, offset + at) || !is_there(object, offset + at + part - 1))
			return at;
		at += part;
	}
	return size;
}

enum wb_err wb_object_read(const struct wb_object *object, uint64_t vaddr, void *buffer, size_t count)
{
	uint64_t offset, left;
	enum wb_err err;

	/* A debug file has its program headers from the file that it was cut from, which has the bytes. */
	if (!object->file || object->is_debug_only || !extent_of_vaddr(object, vaddr, &offset, &left) || left < count)
		return WB_NONE;
	err = wb_file_read(object->file, offset, buffer, count);
	/* The file ends inside of its segment: the bytes are absent. */
	return err == WB_ERR_DATA ? WB_NONE : err;
}
