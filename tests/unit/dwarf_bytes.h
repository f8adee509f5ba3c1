/* SPDX-License-Identifier: MIT */
/*
 * Debug sections as readers take them: what a maker (dwarf_make.h) wrote, copied to the byte so that the sanitizers see one byte too many, and
 * the diagnostics that came. For what no maker would write there are bytes, little-endian, and 32-bit lengths that are patched in at the end.
 */
#ifndef TESTS_UNIT_DWARF_BYTES_H
#define TESTS_UNIT_DWARF_BYTES_H

#include "dwarf_make.h"
#include "test.h"

static inline void put(struct dwarf_buffer *out, const void *bytes, size_t size)
{
	dwarf_buffer_put(out, bytes, size);
}

static inline void put_uint(struct dwarf_buffer *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		put(out, &(uint8_t){ (uint8_t)(i < 8 ? value >> 8 * i : 0) }, 1);
}

static inline void put_u8(struct dwarf_buffer *out, uint8_t value)
{
	put(out, &value, 1);
}

static inline void put_uleb(struct dwarf_buffer *out, uint64_t value)
{
	do {
		put_u8(out, (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
		value >>= 7;
	} while (value);
}

/* The string's offset. */
static inline uint64_t put_string(struct dwarf_buffer *out, const char *text)
{
	return dwarf_buffer_put(out, text, strlen(text) + 1);
}

/* Room for a 4-byte length, filled in by end_length. */
static inline size_t start_length(struct dwarf_buffer *out)
{
	put_uint(out, 0, 4);
	return out->size;
}

static inline void end_length(struct dwarf_buffer *out, size_t start)
{
	for (size_t i = 0; i < 4; i++)
		out->bytes[start - 4 + i] = (uint8_t)((out->size - start) >> 8 * i);
}

struct object {
	struct dwarf_make m;          /* 32-bit DWARF 4 of 64-bit little-endian machines unless changed */
	uint8_t *copies[WB_DWARF_SECTIONS];
	struct wb_diags diags;
	unsigned num_diags;
	enum wb_diag_code last_diag;
};

static inline void count_diag(void *arg, const struct wb_diag *diag)
{
	struct object *object = arg;

	object->num_diags++;
	object->last_diag = diag->code;
}

static inline struct object *object_new(void)
{
	struct object *object = calloc(1, sizeof *object);

	if (!object)
		exit(1);
	dwarf_make_init(&object->m, (struct dwarf_format){ .version = 4, .offset_size = 4, .address_size = 8 });
	wb_diags_init(&object->diags, count_diag, object);
	return object;
}

static inline struct wb_dwarf_sections object_sections(struct object *object)
{
	struct wb_dwarf_sections sections = { .address_size = object->m.format.address_size, .path = "object", .diags = &object->diags };

	for (size_t i = 0; i < WB_DWARF_SECTIONS; i++) {
		size_t size = object->m.by_id[i].size;

		free(object->copies[i]);
		object->copies[i] = malloc(size ? size : 1);
		if (!object->copies[i])
			exit(1);
		if (size)
			memcpy(object->copies[i], object->m.by_id[i].bytes, size);
		sections.by_id[i].bytes = object->copies[i];
		sections.by_id[i].size = size;
	}
	return sections;
}

static inline void object_free(struct object *object)
{
	for (size_t i = 0; i < WB_DWARF_SECTIONS; i++)
		free(object->copies[i]);
	dwarf_make_deinit(&object->m);
	wb_diags_deinit(&object->diags);
	free(object);
}

#endif
