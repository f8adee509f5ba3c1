/* SPDX-License-Identifier: MIT */
/* What holds of any object file that opens: segments are sorted, nothing ends past the end of all addresses, sections and symbols are the same when they
 * are read again, every image pc that an offset has leads back, and rows hold where they are asked for. */
#ifndef FUZZ_OBJECT_INPUT_H
#define FUZZ_OBJECT_INPUT_H

#include "fuzz/fuzz.h"

#include <walkback/unwind.h>

#include "model/object.h"

#include <string.h>

static inline uint64_t sum_bytes(uint64_t sum, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static inline enum wb_err sum_symbol(void *arg, const struct wb_symbol *symbol)
{
	uint64_t *sum = arg;

	*sum = sum_bytes(*sum + symbol->value * 31 + symbol->size + symbol->table, symbol->name, strlen(symbol->name));
	return WB_OK;
}

static inline enum wb_err sum_linked(void *arg, const struct wb_linked *linked)
{
	uint64_t *sum = arg;

	*sum = sum_bytes(sum_bytes(*sum + linked->value * 31 + linked->size, linked->symbol, strlen(linked->symbol)), linked->object, strlen(linked->object));
	return WB_OK;
}

static inline enum wb_err sum_named(void *arg, const struct wb_symbol *symbol)
{
	FUZZ_ASSERT(*symbol->name || symbol->type == WB_SYMBOL_FILE);
	return sum_symbol(arg, symbol);
}

static inline uint64_t read_all(struct wb_object *object)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < object->num_sections; i++) {
		const struct wb_section *section = &object->sections[i];
		struct wb_piece piece;

		FUZZ_ASSERT(section->vaddr + section->size >= section->vaddr || section->flags & WB_SECTION_COMPRESSED);
		FUZZ_ASSERT(section->offset + section->file_size >= section->offset);
		if (object->format->read_section(object, i, &piece))
			continue;
		FUZZ_ASSERT(section->flags & WB_SECTION_NOBITS || piece.size == section->size);
		sum = sum_bytes(sum + strlen(section->name), piece.bytes, piece.size);
		wb_piece_deinit(&piece);
	}
	object->format->list_symbols(object, sum_named, &sum);
	if (object->format->list_starts)
		object->format->list_starts(object, sum_symbol, &sum);
	if (object->format->list_linked)
		object->format->list_linked(object, sum_linked, &sum);
	return sum;
}

static inline void check_segments(const struct wb_object *object)
{
	uint64_t vaddr, offset;

	for (size_t i = 0; i < object->num_segments; i++) {
		const struct wb_segment *segment = &object->segments[i];

		FUZZ_ASSERT(i == 0 || segment[-1].vaddr <= segment->vaddr);
		FUZZ_ASSERT(segment->vaddr + segment->memsz >= segment->vaddr && segment->offset + segment->filesz >= segment->offset);
		FUZZ_ASSERT(segment->filesz <= segment->memsz);
		if (segment->filesz)
			FUZZ_ASSERT(wb_object_vaddr_of_offset(object, segment->offset, segment->prot & WB_PROT_EXEC, &vaddr) == WB_OK);
		if (segment->filesz)
			FUZZ_ASSERT(wb_object_offset_of_vaddr(object, segment->vaddr, &offset) == WB_OK);
	}
}

static inline void fuzz_object(const uint8_t *bytes, size_t size, uint32_t flags)
{
	/* Of an archive. */
	const struct wb_object_choice choice = { .member = "a.o" };
	struct wb_object *object;
	struct wb_file *file;
	uint8_t buffer[8];

	FUZZ_ASSERT(wb_file_of_bytes(bytes, size, NULL, NULL, &file) == WB_OK);
	if (wb_object_open_chosen(NULL, "fuzz", file, flags, &choice, &object))
		return;
	check_segments(object);
	FUZZ_ASSERT(read_all(object) == read_all(object));
	FUZZ_ASSERT(object->build_id_size <= 64 && (object->build_id_size == 0 || object->build_id));
	for (size_t i = 0; i < object->num_segments; i++)
		wb_object_read(object, object->segments[i].vaddr, buffer, sizeof buffer);
	wb_object_close(object);
}

/* Whatever unwind information the file has, for places all over its code. */
static inline void fuzz_rows(const uint8_t *bytes, size_t size)
{
	enum { SECTIONS = 4, PLACES = 6 };
	static struct wb_row_info row;
	struct wb_section_info section = { .size = sizeof section };
	struct wb_session *session;
	struct wb_image *image;
	size_t used = 0;

	FUZZ_ASSERT(wb_session_new(NULL, &session) == WB_OK);
	if (wb_image_open_bytes(session, "fuzz", bytes, size, 0, NULL, NULL, &image) == WB_OK) {
		for (size_t i = 0; used < SECTIONS && i < 1000 && wb_image_section_info(image, i, &section) == WB_OK; i++) {
			used += section.executable;
			for (uint64_t k = 0; section.executable && k < PLACES; k++) {
				uint64_t pc = section.start + (section.end - section.start) / PLACES * k + k;

				for (enum wb_how how = WB_HOW_CFI; how <= WB_HOW_EHABI; how++) {
					row = (struct wb_row_info){ .size = sizeof row };
					if (wb_row_info(session, image, pc, how, &row) == WB_OK)
						FUZZ_ASSERT(row.how == how && row.start <= pc && pc < row.end && row.num_rules <= WB_ROW_RULES_MAX);
				}
			}
		}
		wb_image_unref(image);
	}
	wb_session_free(session);
}

#endif
