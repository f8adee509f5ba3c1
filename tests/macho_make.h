/* SPDX-License-Identifier: MIT */
/*
 * Makes small Mach-O files in memory, byte by byte, so that tests can have every class, byte order and kind of damage:
 *
 *     struct macho_make m;
 *     macho_make_init(&m, true, false, 0x01000007, 2);             // 64 bits, little-endian, x86-64, an executable
 *     macho_make_segment(&m, "__TEXT", 0x100000000, 5);
 *     macho_make_section(&m, "__text", 0x100000400, MACHO_MAKE_CODE, code, sizeof code);
 *     uint8_t *file = macho_make_finish(&m, &size);                // freed by the caller
 *
 * The header is in the first segment. Members may be changed before the end.
 */
#ifndef TESTS_MACHO_MAKE_H
#define TESTS_MACHO_MAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	MACHO_MAKE_SEGMENTS = 6, MACHO_MAKE_SECTIONS = 16, MACHO_MAKE_SIZE = 1 << 16,
	MACHO_MAKE_CODE = 0x400,      /* S_ATTR_SOME_INSTRUCTIONS */
	MACHO_MAKE_DEBUG = 0x02000000, /* S_ATTR_DEBUG */
};

struct macho_make_section {
	const char *segment, *name;
	uint64_t addr, size;
	uint32_t flags, reserved1, reserved2, nreloc;
	const void *bytes, *relocations;
	size_t stored, offset_at;     /* where in the file its offset is written */
};

/* Pieces that load commands lead to. */
struct macho_make_piece { const void *bytes; size_t size; };

struct macho_make {
	bool is_64, big_endian;
	uint32_t cpu, type;
	unsigned num_segments, num_sections;
	struct { const char *name; uint64_t vaddr; uint32_t prot; unsigned first, count; } segments[MACHO_MAKE_SEGMENTS];
	struct macho_make_section sections[MACHO_MAKE_SECTIONS];
	const uint8_t *uuid;
	struct macho_make_piece symbols, strings, indirect, exports, starts, data_in_code;
	uint32_t num_symbols;
	uint8_t *out;
	size_t size;
	uint32_t num_commands;
};

static inline void macho_make_init(struct macho_make *m, bool is_64, bool big_endian, uint32_t cpu, uint32_t type)
{
	*m = (struct macho_make){ .is_64 = is_64, .big_endian = big_endian, .cpu = cpu, .type = type };
}

static inline void macho_make_store(const struct macho_make *m, void *at, uint64_t value, unsigned size)
{
	uint8_t *p = at;

	for (unsigned i = 0; i < size; i++)
		p[m->big_endian ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

static inline void macho_make_put(struct macho_make *m, uint64_t value, unsigned size)
{
	macho_make_store(m, m->out + m->size, value, size);
	m->size += size;
}

static inline void macho_make_word(struct macho_make *m, uint64_t value)
{
	macho_make_put(m, value, m->is_64 ? 8 : 4);
}

static inline void macho_make_name(struct macho_make *m, const char *name)
{
	char padded[16] = { 0 };

	memcpy(padded, name, strlen(name) < 16 ? strlen(name) : 16);
	memcpy(m->out + m->size, padded, 16);
	m->size += 16;
}

static inline void macho_make_segment(struct macho_make *m, const char *name, uint64_t vaddr, uint32_t prot)
{
	unsigned i = m->num_segments++;

	m->segments[i].name = name;
	m->segments[i].vaddr = vaddr;
	m->segments[i].prot = prot;
	m->segments[i].first = m->num_sections;
}

/* In the last segment. */
static inline struct macho_make_section *macho_make_section(struct macho_make *m, const char *name, uint64_t addr, uint32_t flags, const void *bytes,
                                                            size_t size)
{
	struct macho_make_section *section = &m->sections[m->num_sections++];

	*section = (struct macho_make_section){ .segment = m->segments[m->num_segments - 1].name, .name = name, .addr = addr, .size = size,
	                                        .flags = flags, .bytes = bytes, .stored = bytes ? size : 0 };
	m->segments[m->num_segments - 1].count++;
	return section;
}

/* A symbol (struct nlist or nlist_64) at the end of a buffer; returns its size. */
static inline size_t macho_make_symbol(const struct macho_make *m, uint8_t *at, uint32_t name, uint8_t type, uint8_t section, uint16_t desc,
                                       uint64_t value)
{
	macho_make_store(m, at, name, 4);
	at[4] = type;
	at[5] = section;
	macho_make_store(m, at + 6, desc, 2);
	macho_make_store(m, at + 8, value, m->is_64 ? 8 : 4);
	return m->is_64 ? 16 : 12;
}

/* A load command's start; its size is written by macho_make_end. */
static inline size_t macho_make_begin(struct macho_make *m, uint32_t command)
{
	macho_make_put(m, command, 4);
	macho_make_put(m, 0, 4);
	m->num_commands++;
	return m->size - 8;
}

static inline void macho_make_end(struct macho_make *m, size_t start)
{
	macho_make_store(m, m->out + start + 4, m->size - start, 4);
}

/* The place and size of a piece, which macho_make_finish fills in. */
static inline size_t macho_make_place(struct macho_make *m, uint32_t count)
{
	macho_make_put(m, 0, 4);
	macho_make_put(m, count, 4);
	return m->size - 8;
}

/* A command that only leads to a piece; 0: there is none. */
static inline size_t macho_make_leads(struct macho_make *m, uint32_t command, struct macho_make_piece piece)
{
	size_t start = piece.size ? macho_make_begin(m, command) : 0, place = piece.size ? macho_make_place(m, (uint32_t)piece.size) : 0;

	if (piece.size)
		macho_make_end(m, start);
	return place;
}

static inline void macho_make_append(struct macho_make *m, size_t place, struct macho_make_piece piece)
{
	if (!place || !piece.size)
		return;
	macho_make_store(m, m->out + place, m->size, 4);
	memcpy(m->out + m->size, piece.bytes, piece.size);
	m->size += piece.size;
}

static inline void macho_make_commands(struct macho_make *m, size_t segment_at[MACHO_MAKE_SEGMENTS])
{
	for (unsigned i = 0; i < m->num_segments; i++) {
		size_t start = macho_make_begin(m, m->is_64 ? 0x19 : 1);

		macho_make_name(m, m->segments[i].name);
		segment_at[i] = m->size;
		for (unsigned j = 0; j < 4; j++)
			macho_make_word(m, 0);
		macho_make_put(m, 7, 4);
		macho_make_put(m, m->segments[i].prot, 4);
		macho_make_put(m, m->segments[i].count, 4);
		macho_make_put(m, 0, 4);
		for (unsigned j = 0; j < m->segments[i].count; j++) {
			struct macho_make_section *section = &m->sections[m->segments[i].first + j];

			macho_make_name(m, section->name);
			macho_make_name(m, section->segment);
			macho_make_word(m, section->addr);
			macho_make_word(m, section->size);
			section->offset_at = m->size;
			macho_make_put(m, 0, 4);
			macho_make_put(m, 0, 4);
			macho_make_put(m, 0, 4);
			macho_make_put(m, section->nreloc, 4);
			macho_make_put(m, section->flags, 4);
			macho_make_put(m, section->reserved1, 4);
			macho_make_put(m, section->reserved2, 4);
			if (m->is_64)
				macho_make_put(m, 0, 4);
		}
		macho_make_end(m, start);
	}
}

/* Fills in what a segment covers: from its first section's bytes (the first segment: from the header) to the end of its last one's. */
static inline void macho_make_fill(struct macho_make *m, unsigned index, size_t at, size_t start, size_t end, uint64_t memsz)
{
	unsigned word = m->is_64 ? 8 : 4;

	macho_make_store(m, m->out + at, m->segments[index].vaddr, word);
	macho_make_store(m, m->out + at + word, memsz, word);
	macho_make_store(m, m->out + at + 2 * word, start, word);
	macho_make_store(m, m->out + at + 3 * word, end - start, word);
}

/* Where a section's bytes lie in the file: as far from the header as its address is from the segment's, in the first segment. */
static inline void macho_make_contents(struct macho_make *m, const size_t segment_at[MACHO_MAKE_SEGMENTS])
{
	for (unsigned i = 0; i < m->num_segments; i++) {
		size_t start = i ? m->size : 0;
		uint64_t end = m->segments[i].vaddr;

		for (unsigned j = 0; j < m->segments[i].count; j++) {
			struct macho_make_section *section = &m->sections[m->segments[i].first + j];

			if (section->addr - m->segments[i].vaddr > m->size - start && section->stored)
				m->size = start + (size_t)(section->addr - m->segments[i].vaddr);
			if (section->stored)
				macho_make_store(m, m->out + section->offset_at, m->size, 4);
			if (section->stored)
				memcpy(m->out + m->size, section->bytes, section->stored);
			m->size += section->stored;
			if (section->addr + section->size > end)
				end = section->addr + section->size;
		}
		macho_make_fill(m, i, segment_at[i], start, m->size, end - m->segments[i].vaddr);
	}
}

static inline uint8_t *macho_make_finish(struct macho_make *m, size_t *ret_size)
{
	size_t segment_at[MACHO_MAKE_SEGMENTS], symbols = 0, strings = 0, indirect = 0, exports, starts, data, start, commands;

	m->out = calloc(1, MACHO_MAKE_SIZE);
	macho_make_put(m, m->is_64 ? 0xfeedfacf : 0xfeedface, 4);
	macho_make_put(m, m->cpu, 4);
	macho_make_put(m, 0, 4);
	macho_make_put(m, m->type, 4);
	macho_make_put(m, 0, 4);
	macho_make_put(m, 0, 4);
	macho_make_put(m, 0, 4);
	if (m->is_64)
		macho_make_put(m, 0, 4);
	commands = m->size;
	macho_make_commands(m, segment_at);
	if (m->symbols.size) {
		start = macho_make_begin(m, 2);
		symbols = macho_make_place(m, m->num_symbols ? m->num_symbols : (uint32_t)(m->symbols.size / (m->is_64 ? 16 : 12)));
		strings = macho_make_place(m, (uint32_t)m->strings.size);
		macho_make_end(m, start);
	}
	if (m->indirect.size) {
		start = macho_make_begin(m, 0xb);
		m->size += 12 * 4;
		indirect = macho_make_place(m, (uint32_t)(m->indirect.size / 4));
		m->size += 4 * 4;
		macho_make_end(m, start);
	}
	exports = macho_make_leads(m, 0x80000033, m->exports);
	starts = macho_make_leads(m, 0x26, m->starts);
	data = macho_make_leads(m, 0x29, m->data_in_code);
	if (m->uuid) {
		start = macho_make_begin(m, 0x1b);
		memcpy(m->out + m->size, m->uuid, 16);
		m->size += 16;
		macho_make_end(m, start);
	}
	macho_make_store(m, m->out + 16, m->num_commands, 4);
	macho_make_store(m, m->out + 20, m->size - commands, 4);
	macho_make_contents(m, segment_at);
	for (unsigned i = 0; i < m->num_sections; i++)
		macho_make_append(m, m->sections[i].nreloc ? m->sections[i].offset_at + 8 : 0,
		                  (struct macho_make_piece){ m->sections[i].relocations, (size_t)m->sections[i].nreloc * 8 });
	macho_make_append(m, symbols, m->symbols);
	macho_make_append(m, strings, m->strings);
	macho_make_append(m, indirect, m->indirect);
	macho_make_append(m, exports, m->exports);
	macho_make_append(m, starts, m->starts);
	macho_make_append(m, data, m->data_in_code);
	*ret_size = m->size;
	return m->out;
}

#endif
