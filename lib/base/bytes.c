/* SPDX-License-Identifier: MIT */
/* The parts of the bounded reader that are too long to be inlined: multi-byte LEB128 and strings. */
#include "base/bytes.h"

/* Producers pad LEB128 (for relocation); more than this is not a number any more. */
enum { LEB128_SIZE_MAX = 16 };

uint64_t wb_bytes_uleb_long(struct wb_bytes *b)
{
	uint64_t value = 0;

	for (unsigned i = 0, shift = 0; i < LEB128_SIZE_MAX; i++, shift += 7) {
		uint8_t byte = wb_bytes_u8(b);
		uint64_t bits = byte & 0x7f;

		if (b->failed)
			return 0;
		if (shift < 64)
			value |= bits << shift;
		if ((shift >= 64 && bits) || (shift == 63 && bits > 1))
			break;
		if (!(byte & 0x80))
			return value;
	}
	wb_bytes_fail(b);
	return 0;
}

int64_t wb_bytes_sleb_long(struct wb_bytes *b)
{
	uint64_t value = 0;

	for (unsigned i = 0, shift = 0; i < LEB128_SIZE_MAX; i++, shift += 7) {
		uint8_t byte = wb_bytes_u8(b);
		uint64_t bits = byte & 0x7f;

		if (b->failed)
			return 0;
		if (shift < 64)
			value |= bits << shift;
		/* From bit 63 on only copies of the sign may follow. */
		if (shift >= 63 && bits != (value >> 63 ? 0x7f : 0))
			break;
		if (byte & 0x80)
			continue;
		if (shift < 57 && byte & 0x40)
			value |= ~UINT64_C(0) << (shift + 7);
		return (int64_t)value;
	}
	wb_bytes_fail(b);
	return 0;
}

const char *wb_bytes_string(struct wb_bytes *b)
{
	const uint8_t *at = b->at;
	const uint8_t *nul = wb_bytes_left(b) ? memchr(at, 0, wb_bytes_left(b)) : NULL;

	if (!nul) {
		wb_bytes_fail(b);
		return NULL;
	}
	b->at = nul + 1;
	return (const char *)at;
}
