/* SPDX-License-Identifier: MIT */
/*
 * Makes small zip archives in memory (APPNOTE.TXT of PKWARE, 4.3):
 *
 *     struct zip_make z = { .size = 0 };
 *     zip_make_entry(&z, "lib/libfoo.so", 0, bytes, size);          // 0: stored
 *     zip_make_finish(&z, "comment");                               // z.bytes, z.size
 */
#ifndef TESTS_ZIP_MAKE_H
#define TESTS_ZIP_MAKE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ZIP_MAKE_SIZE = 1 << 16, ZIP_MAKE_DIRECTORY = 1 << 10 };

struct zip_make {
	uint8_t bytes[ZIP_MAKE_SIZE], directory[ZIP_MAKE_DIRECTORY];
	size_t size, directory_size;
	unsigned count;
};

static inline size_t zip_make_put(uint8_t *bytes, size_t at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		bytes[at + i] = (uint8_t)(value >> 8 * i);
	return at + size;
}

/* What both headers have from the version needed on: flags, method, time, date, CRC (not written), both sizes, both lengths. */
static inline size_t zip_make_common(uint8_t *bytes, size_t at, const char *name, unsigned method, size_t size, unsigned extra)
{
	at = zip_make_put(bytes, at, 10, 2);
	at = zip_make_put(bytes, at, 0, 2);
	at = zip_make_put(bytes, at, method, 2);
	at = zip_make_put(bytes, at, 0, 8);
	at = zip_make_put(bytes, at, size, 4);
	at = zip_make_put(bytes, at, size, 4);
	at = zip_make_put(bytes, at, strlen(name), 2);
	return zip_make_put(bytes, at, extra, 2);
}

/* With three bytes of padding before the bytes, as aligning tools put them into the extra field. */
static inline void zip_make_entry(struct zip_make *z, const char *name, unsigned method, const void *bytes, size_t size)
{
	size_t start = z->size, length = strlen(name), *at = &z->size, *d = &z->directory_size;

	if (size + length + 64 > ZIP_MAKE_SIZE - z->size || length + 64 > ZIP_MAKE_DIRECTORY - z->directory_size)
		abort();
	*at = zip_make_put(z->bytes, *at, 0x04034b50, 4);
	*at = zip_make_common(z->bytes, *at, name, method, size, 3);
	memcpy(z->bytes + *at, name, length);
	memset(z->bytes + *at + length, 0, 3);
	memcpy(z->bytes + *at + length + 3, bytes, size);
	*at += length + 3 + size;
	*d = zip_make_put(z->directory, *d, 0x02014b50, 4);
	*d = zip_make_put(z->directory, *d, 10, 2);
	*d = zip_make_common(z->directory, *d, name, method, size, 0);
	*d = zip_make_put(z->directory, *d, 0, 8); /* comment, disk, attributes: 2, 2, 2, 4 */
	*d = zip_make_put(z->directory, *d, 0, 2);
	*d = zip_make_put(z->directory, *d, start, 4);
	memcpy(z->directory + *d, name, length);
	*d += length;
	z->count++;
}

static inline void zip_make_finish(struct zip_make *z, const char *comment)
{
	size_t start = z->size, length = strlen(comment);

	memcpy(z->bytes + z->size, z->directory, z->directory_size);
	z->size += z->directory_size;
	z->size = zip_make_put(z->bytes, z->size, 0x06054b50, 4);
	z->size = zip_make_put(z->bytes, z->size, 0, 4);
	z->size = zip_make_put(z->bytes, z->size, z->count, 2);
	z->size = zip_make_put(z->bytes, z->size, z->count, 2);
	z->size = zip_make_put(z->bytes, z->size, z->directory_size, 4);
	z->size = zip_make_put(z->bytes, z->size, start, 4);
	z->size = zip_make_put(z->bytes, z->size, length, 2);
	memcpy(z->bytes + z->size, comment, length);
	z->size += length;
}

#endif
