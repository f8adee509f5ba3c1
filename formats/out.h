/* SPDX-License-Identifier: MIT */
/*
 * Bytes on their way out: a growing buffer with the few conversions that sinks need. Running out of memory is remembered, so that callers
 * check wb_out_failed once after a group of calls.
 */
#ifndef FORMATS_OUT_H
#define FORMATS_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wb_out {
	char *bytes;
	size_t size, capacity;
	bool failed;                  /* an allocation failed: what is here is incomplete */
};

void wb_out_deinit(struct wb_out *out);
/* Makes room for count more bytes; false (failed) if there is none. */
bool wb_out_grow(struct wb_out *out, size_t count);

static inline bool wb_out_room(struct wb_out *out, size_t count)
{
	return (out->capacity - out->size >= count && !out->failed) || wb_out_grow(out, count);
}
static inline void wb_out_bytes(struct wb_out *out, const char *bytes, size_t count)
{
	if (!count || !wb_out_room(out, count))
		return;
	memcpy(out->bytes + out->size, bytes, count);
	out->size += count;
}
static inline void wb_out_string(struct wb_out *out, const char *string) { wb_out_bytes(out, string, strlen(string)); }
static inline void wb_out_char(struct wb_out *out, char c) { wb_out_bytes(out, &c, 1); }

/* Decimal, with zeros in front up to `digits` (at most 20). */
void wb_out_decimal(struct wb_out *out, uint64_t value, unsigned digits);
/* Lower-case hexadecimal without prefix, with zeros in front up to `digits` (at most 16). */
void wb_out_hex(struct wb_out *out, uint64_t value, unsigned digits);

/* The part of a path after its last slash (of one of Windows, backslash). */
const char *wb_out_basename(const char *path);

#endif
