/* SPDX-License-Identifier: MIT */
/* Hashing of bytes for tables: FNV-1a, 64 bits. Not for input that is chosen to collide: tables stay correct then, only slower. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

static const uint64_t wb_hash_start = UINT64_C(0xcbf29ce484222325);

static inline uint64_t wb_hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const uint8_t *p = (const uint8_t *)bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
