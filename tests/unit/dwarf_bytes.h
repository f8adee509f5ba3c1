/* SPDX-License-Identifier: MIT */
/* Debug sections written by hand: a growing buffer for each, little-endian, 32-bit DWARF; lengths are patched in at the end. */

#ifndef TESTS_UNIT_DWARF_BYTES_H
#define TESTS_UNIT_DWARF_BYTES_H

#include "symbols/dwarf_unit.h"

#include "test.h"

enum { BYTES_MAX = 1 << 16 };

struct out {
	uint8_t bytes[BYTES_MAX];
	size_t size;
};

static inline void put(struct out *out, const void *bytes, size_t size)
{
	if (size > BYTES_MAX - out->size)
		exit(1);
	memcpy(out->bytes + out->size, bytes, size);
	out->size += size;
}

static inline void put_uint(struct out *out, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		put(out, &(uint8_t){ (uint8_t)(i < 8 ? value >> 8 * i : 0) }, 1);
}

static inline void put_u8(struct out *out, uint8_t value)
{
	put(out, &value, 1);
}

static inline void put_uleb(struct out *out, uint64_t value)
{
	do {
		put_u8(out, (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0)));
		value >>= 7;
	} while (value);
}

/* The string's offset. */
static inline uint64_t put_string(struct out *out, const char *text)
{
	uint64_t at = out->size;

	put(out, text, strlen(text) + 1);
	return at;
}

/* Room for a 4-byte length, filled in by end_length. */
static inline size_t start_length(struct out *out)
{
	put_uint(out, 0, 4);
	return out->size;
}

static inline void end_length(struct out *out, size_t start)
{
	for (size_t i = 0; i < 4; i++)
		out->bytes[start - 4 + i] = (uint8_t)((out->size - start) >> 8 * i);
}

/* All sections of an object; the bytes are copied to the heap, to size, so that the sanitizers see one byte too many. */
struct object {
	struct out by_id[WB_DWARF_SECTIONS];
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
	wb_diags_init(&object->diags, count_diag, object);
	return object;
}

static inline struct wb_dwarf_sections object_sections(struct object *object)
{
	struct wb_dwarf_sections sections = { .address_size = 8, .path = "object", .diags = &object->diags };

	for (size_t i = 0; i < WB_DWARF_SECTIONS; i++) {
		size_t size = object->by_id[i].size;

		free(object->copies[i]);
		object->copies[i] = malloc(size ? size : 1);
		if (!object->copies[i])
			exit(1);
		memcpy(object->copies[i], object->by_id[i].bytes, size);
		sections.by_id[i].bytes = object->copies[i];
		sections.by_id[i].size = size;
	}
	return sections;
}

static inline void object_free(struct object *object)
{
	for (size_t i = 0; i < WB_DWARF_SECTIONS; i++)
		free(object->copies[i]);
	wb_diags_deinit(&object->diags);
	free(object);
}

#endif
