/* SPDX-License-Identifier: MIT */
/*
 * Call frame information made by hand, entry by entry, and ELF files around it:
 *
 *     struct cfi_make m = { .vaddr = 0x3000, .address_size = 8, .version = 1, .augmentation = "zR", .encoding = 0x1b };
 *     size_t cie = cfi_make_cie(&m, program, sizeof program);
 *     size_t fde = cfi_make_fde(&m, cie, 0x1000, 0x100, program, sizeof program);
 *
 * A member may be changed between entries. Nothing is aligned or terminated unless the caller puts it there.
 */
#ifndef TESTS_UNIT_CFI_MAKE_H
#define TESTS_UNIT_CFI_MAKE_H

#include "tests/elf_make.h"

enum { CFI_MAKE_MAX = 16384, CFI_MAKE_FDES = 256 };

struct cfi_make {
	uint8_t bytes[CFI_MAKE_MAX];
	size_t size;
	uint64_t vaddr, text_base, data_base;
	bool is_debug_frame, is_64, big_endian;
	uint8_t address_size;
	uint8_t version;
	uint8_t ra_column;            /* 0: x86's */
	const char *augmentation;
	uint8_t encoding;             /* of FDE addresses; written if the augmentation has an R */
	/* What the search table is to say: of every FDE that was made. */
	size_t num_fdes;
	struct { uint64_t start; size_t offset; } fdes[CFI_MAKE_FDES];
};

static inline void cfi_make_put(struct cfi_make *m, uint64_t value, unsigned size)
{
	if (m->size + size > sizeof m->bytes)
		abort();
	for (unsigned i = 0; i < size; i++)
		m->bytes[m->size + (m->big_endian ? size - 1 - i : i)] = (uint8_t)(value >> 8 * i);
	m->size += size;
}

static inline void cfi_make_bytes(struct cfi_make *m, const void *bytes, size_t size)
{
	if (m->size + size > sizeof m->bytes)
		abort();
	if (size)
		memcpy(m->bytes + m->size, bytes, size);
	m->size += size;
}

static inline void cfi_make_uleb(struct cfi_make *m, uint64_t value)
{
	do {
		cfi_make_put(m, (value & 0x7f) | (value > 0x7f ? 0x80 : 0), 1);
		value >>= 7;
	} while (value);
}

static inline void cfi_make_sleb(struct cfi_make *m, int64_t value)
{
	bool more = true;

	while (more) {
		uint8_t byte = value & 0x7f;

		value >>= 7; /* keeps the sign with every compiler of interest */
		more = !(value == 0 && !(byte & 0x40)) && !(value == -1 && byte & 0x40);
		cfi_make_put(m, byte | (more ? 0x80 : 0), 1);
	}
}

/* Room for the length; what cfi_make_end takes. */
static inline size_t cfi_make_begin(struct cfi_make *m)
{
	if (m->is_64)
		cfi_make_put(m, 0xffffffff, 4);
	cfi_make_put(m, 0, m->is_64 ? 8 : 4);
	return m->size;
}

static inline void cfi_make_end(struct cfi_make *m, size_t begin)
{
	unsigned width = m->is_64 ? 8 : 4;
	uint64_t length = m->size - begin;

	m->size = begin - width;
	cfi_make_put(m, length, width);
	m->size = begin + length;
}

/* An address or a size by a DW_EH_PE encoding; one that is signed fits by wrapping. */
static inline void cfi_make_pointer(struct cfi_make *m, uint8_t encoding, uint64_t value)
{
	uint64_t at = m->vaddr + m->size;

	if ((encoding & 0x70) == 0x50) {
		while ((m->vaddr + m->size) % m->address_size)
			cfi_make_put(m, 0, 1);
		cfi_make_put(m, value, m->address_size);
		return;
	}
	value -= (encoding & 0x70) == 0x10 ? at : (encoding & 0x70) == 0x20 ? m->text_base : (encoding & 0x70) == 0x30 ? m->data_base : 0;
	switch (encoding & 0x0f) {
	case 0x01: cfi_make_uleb(m, value); break;
	case 0x09: cfi_make_sleb(m, (int64_t)value); break;
	case 0x02: case 0x0a: cfi_make_put(m, value, 2); break;
	case 0x03: case 0x0b: cfi_make_put(m, value, 4); break;
	case 0x04: case 0x0c: cfi_make_put(m, value, 8); break;
	default: cfi_make_put(m, value, m->address_size); break;
	}
}

static inline size_t cfi_make_cie(struct cfi_make *m, const void *program, size_t size)
{
	size_t offset = m->size, begin = cfi_make_begin(m);

	cfi_make_put(m, m->is_debug_frame ? UINT64_MAX : 0, m->is_debug_frame && m->is_64 ? 8 : 4);
	cfi_make_put(m, m->version, 1);
	cfi_make_bytes(m, m->augmentation, strlen(m->augmentation) + 1);
	if (m->version == 4) {
		cfi_make_put(m, m->address_size, 1);
		cfi_make_put(m, 0, 1);
	}
	cfi_make_uleb(m, 1);
	cfi_make_put(m, 0x78, 1); /* data alignment -8 */
	cfi_make_put(m, m->ra_column ? m->ra_column : m->address_size == 8 ? 16 : 8, 1);
	if (m->augmentation[0] == 'z') {
		bool has_encoding = strchr(m->augmentation, 'R');

		cfi_make_uleb(m, has_encoding);
		if (has_encoding)
			cfi_make_put(m, m->encoding, 1);
	}
	cfi_make_bytes(m, program, size);
	cfi_make_end(m, begin);
	return offset;
}

static inline size_t cfi_make_fde(struct cfi_make *m, size_t cie, uint64_t start, uint64_t range, const void *program, size_t size)
{
	size_t offset = m->size, begin = cfi_make_begin(m);
	uint8_t encoding = m->augmentation[0] == 'z' && strchr(m->augmentation, 'R') ? m->encoding : 0;

	if (m->is_debug_frame)
		cfi_make_put(m, cie, m->is_64 ? 8 : 4);
	else
		cfi_make_put(m, m->size - cie, 4);
	cfi_make_pointer(m, encoding, start);
	cfi_make_pointer(m, encoding & 0x0f, range);
	if (m->augmentation[0] == 'z')
		cfi_make_uleb(m, 0);
	cfi_make_bytes(m, program, size);
	cfi_make_end(m, begin);
	m->fdes[m->num_fdes].start = start;
	m->fdes[m->num_fdes++].offset = offset;
	return offset;
}

/* The search table that a linker makes (LSB 5.0 Core, 10.6.2) into at; returns its size. */
static inline size_t cfi_make_hdr(const struct cfi_make *m, uint64_t vaddr, uint8_t *at)
{
	static struct cfi_make hdr;
	bool used[CFI_MAKE_FDES] = { false };

	hdr = (struct cfi_make){ .vaddr = vaddr, .data_base = vaddr, .address_size = m->address_size, .big_endian = m->big_endian };
	cfi_make_put(&hdr, 1, 1);
	cfi_make_put(&hdr, 0x1b, 1);
	cfi_make_put(&hdr, 0x03, 1);
	cfi_make_put(&hdr, 0x3b, 1);
	cfi_make_pointer(&hdr, 0x1b, m->vaddr);
	cfi_make_put(&hdr, m->num_fdes, 4);
	for (size_t n = 0; n < m->num_fdes; n++) {
		size_t best = SIZE_MAX;

		for (size_t i = 0; i < m->num_fdes; i++)
			if (!used[i] && (best == SIZE_MAX || m->fdes[i].start < m->fdes[best].start))
				best = i;
		used[best] = true;
		cfi_make_pointer(&hdr, 0x3b, m->fdes[best].start);
		cfi_make_pointer(&hdr, 0x3b, m->vaddr + m->fdes[best].offset);
	}
	memcpy(at, hdr.bytes, hdr.size);
	return hdr.size;
}

#endif
