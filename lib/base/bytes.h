/* SPDX-License-Identifier: MIT */
/*
 * The bounded reader: the only way to input bytes. A read past the end gives 0, and the reader stays failed; check wb_bytes_failed
 * once after a group of reads. Integers are of the reader's byte order.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wb_bytes {
	const uint8_t *start;         /* of the whole: offsets count from here */
	const uint8_t *at;            /* next byte to read */
	const uint8_t *end;
	bool big_endian;
	bool failed;                  /* a read went past the end, or a LEB128 was too long */
};

static inline struct wb_bytes wb_bytes_of(const void *bytes, size_t size, bool big_endian)
{
	const uint8_t *start = size ? (const uint8_t *)bytes : (const uint8_t *)"";
	return (struct wb_bytes){ start, start, start + size, big_endian, false };
}
static inline size_t wb_bytes_left(const struct wb_bytes *b) { return (size_t)(b->end - b->at); }
static inline size_t wb_bytes_offset(const struct wb_bytes *b) { return (size_t)(b->at - b->start); }
static inline size_t wb_bytes_size(const struct wb_bytes *b) { return (size_t)(b->end - b->start); }
static inline bool wb_bytes_failed(const struct wb_bytes *b) { return b->failed; }
static inline bool wb_bytes_at_end(const struct wb_bytes *b) { return b->at == b->end || b->failed; }
static inline void wb_bytes_fail(struct wb_bytes *b) { b->failed = true; b->at = b->end; }

/* The next size bytes, or NULL (failed). */
static inline const uint8_t *wb_bytes_take(struct wb_bytes *b, size_t size)
{
	const uint8_t *at = b->at;

	if (wb_bytes_left(b) < size) {
		wb_bytes_fail(b);
		return NULL;
	}
	b->at += size;
	return at;
}
static inline bool wb_bytes_skip(struct wb_bytes *b, uint64_t size)
{
	if (wb_bytes_left(b) < size) {
		wb_bytes_fail(b);
		return false;
	}
	b->at += size;
	return true;
}
/* Moves to an offset from the start; a failed reader stays failed. */
static inline bool wb_bytes_seek(struct wb_bytes *b, uint64_t offset)
{
	if (b->failed || offset > wb_bytes_size(b)) {
		wb_bytes_fail(b);
		return false;
	}
	b->at = b->start + offset;
	return true;
}
/* A reader of the next size bytes, which are skipped here. Its offsets count from its own start. */
static inline struct wb_bytes wb_bytes_sub(struct wb_bytes *b, uint64_t size)
{
	const uint8_t *at = size <= wb_bytes_left(b) ? wb_bytes_take(b, (size_t)size) : NULL;

	if (!at) {
		wb_bytes_fail(b);
		return (struct wb_bytes){ b->end, b->end, b->end, b->big_endian, true };
	}
	return (struct wb_bytes){ at, at, at + size, b->big_endian, false };
}

static inline uint8_t wb_bytes_u8(struct wb_bytes *b)
{
	if (b->at == b->end) {
		b->failed = true;
		return 0;
	}
	return *b->at++;
}
static inline uint16_t wb_bytes_u16(struct wb_bytes *b)
{
	const uint8_t *p = wb_bytes_take(b, 2);
	uint16_t v;

	if (!p)
		return 0;
	memcpy(&v, p, 2);
	return b->big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? v : __builtin_bswap16(v);
}
static inline uint32_t wb_bytes_u32(struct wb_bytes *b)
{
	const uint8_t *p = wb_bytes_take(b, 4);
	uint32_t v;

	if (!p)
		return 0;
	memcpy(&v, p, 4);
	return b->big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? v : __builtin_bswap32(v);
}
static inline uint64_t wb_bytes_u64(struct wb_bytes *b)
{
	const uint8_t *p = wb_bytes_take(b, 8);
	uint64_t v;

	if (!p)
		return 0;
	memcpy(&v, p, 8);
	return b->big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? v : __builtin_bswap64(v);
}
static inline uint32_t wb_bytes_u24(struct wb_bytes *b)
{
	const uint8_t *p = wb_bytes_take(b, 3);

	if (!p)
		return 0;
	return b->big_endian ? (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2] : (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}
/* An unsigned integer of 1, 2, 4 or 8 bytes; other sizes fail. */
static inline uint64_t wb_bytes_uint(struct wb_bytes *b, unsigned size)
{
	switch (size) {
	case 1: return wb_bytes_u8(b);
	case 2: return wb_bytes_u16(b);
	case 4: return wb_bytes_u32(b);
	case 8: return wb_bytes_u64(b);
	default: wb_bytes_fail(b); return 0;
	}
}
static inline int64_t wb_bytes_sint(struct wb_bytes *b, unsigned size)
{
	uint64_t v = wb_bytes_uint(b, size);

	switch (size) {
	case 1: return (int8_t)v;
	case 2: return (int16_t)v;
	case 4: return (int32_t)v;
	default: return (int64_t)v;
	}
}
/* LEB128 (DWARF 5, 7.6). Bits past the 64th must not matter (0, or the sign): else the reader fails. At most 16 bytes long:
 * producers pad, but not for ever. */
uint64_t wb_bytes_uleb_long(struct wb_bytes *b);
int64_t wb_bytes_sleb_long(struct wb_bytes *b);
static inline uint64_t wb_bytes_uleb(struct wb_bytes *b)
{
	if (b->at != b->end && *b->at < 0x80)
		return *b->at++;
	return wb_bytes_uleb_long(b);
}
/* The same where numbers of two bytes are as common as those of one. */
static inline uint64_t wb_bytes_uleb_2(struct wb_bytes *b)
{
	if (b->end - b->at >= 2 && b->at[0] >= 0x80 && b->at[1] < 0x80) {
		b->at += 2;
		return (b->at[-2] & 0x7fu) | (uint64_t)b->at[-1] << 7;
	}
	return wb_bytes_uleb(b);
}
static inline int64_t wb_bytes_sleb(struct wb_bytes *b)
{
	if (b->at != b->end && *b->at < 0x80) {
		uint8_t byte = *b->at++;

		return byte & 0x40 ? (int64_t)byte - 0x80 : byte;
	}
	return wb_bytes_sleb_long(b);
}
static inline int64_t wb_bytes_sleb_2(struct wb_bytes *b)
{
	if (b->end - b->at >= 2 && b->at[0] >= 0x80 && b->at[1] < 0x80) {
		int64_t value = (b->at[0] & 0x7f) | (int64_t)b->at[1] << 7;

		b->at += 2;
		return value & 0x2000 ? value - 0x4000 : value;
	}
	return wb_bytes_sleb(b);
}
/* A string that ends with NUL before the end; NULL (failed) otherwise. Borrowed from the input. */
const char *wb_bytes_string(struct wb_bytes *b);

/* Unaligned loads from memory that is known to be there. */
static inline uint64_t wb_load64(const void *p, bool big_endian)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? v : __builtin_bswap64(v);
}
static inline uint32_t wb_load32(const void *p, bool big_endian)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? v : __builtin_bswap32(v);
}

static inline uint16_t wb_load16(const void *p, bool big_endian)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return big_endian == (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) ? v : __builtin_bswap16(v);
}

#endif
