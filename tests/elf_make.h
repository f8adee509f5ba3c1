/* SPDX-License-Identifier: MIT */
/*
 * Makes small ELF files in memory, byte by byte, so that tests can have every class, byte order and kind of damage:
 *
 *     struct elf_make m;
 *     elf_make_init(&m, true, false, 3, 62);                       // 64 bits, little-endian, ET_DYN, EM_X86_64
 *     unsigned text = elf_make_section(&m, ".text", 1, 6, 0x1000, code, sizeof code);
 *     elf_make_segment(&m, 1, 5, text, text);                      // PT_LOAD, r-x
 *     uint8_t *file = elf_make_finish(&m, &size);                  // freed by the caller
 *
 * Section 0 and .shstrtab are added; members of m.sections may be changed before the end.
 */
#ifndef TESTS_ELF_MAKE_H
#define TESTS_ELF_MAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ELF_MAKE_SECTIONS = 32, ELF_MAKE_SEGMENTS = 8 };

struct elf_make_section {
	const char *name;
	uint32_t type, link, info;
	uint64_t flags, addr, addralign, entsize;
	const void *bytes;
	uint64_t size;                /* as the header says */
	uint64_t stored;              /* bytes that are written */
	uint64_t offset;              /* known once finished; UINT64_MAX in a header that is to be written as such */
	uint32_t name_offset;
};

struct elf_make {
	bool is_64, big_endian;
	uint16_t type, machine;
	uint8_t osabi;
	unsigned num_sections, num_segments;
	bool without_section_headers;
	struct elf_make_section sections[ELF_MAKE_SECTIONS];
	struct { uint32_t type, flags; unsigned first, last; uint64_t vaddr; } segments[ELF_MAKE_SEGMENTS];
	uint8_t *out;
	size_t size, capacity;
	uint64_t phoff, shoff;        /* known once finished */
};

static inline void elf_make_init(struct elf_make *m, bool is_64, bool big_endian, uint16_t type, uint16_t machine)
{
	*m = (struct elf_make){ .is_64 = is_64, .big_endian = big_endian, .type = type, .machine = machine, .num_sections = 1 };
	m->sections[0].name = "";
}

static inline unsigned elf_make_section(struct elf_make *m, const char *name, uint32_t type, uint64_t flags, uint64_t addr,
                                        const void *bytes, size_t size)
{
	m->sections[m->num_sections] = (struct elf_make_section){ .name = name, .type = type, .flags = flags, .addr = addr, .addralign = 1,
	                                                          .bytes = bytes, .size = size, .stored = type == 8 ? 0 : size };
	return m->num_sections++;
}

/* Covers the sections from first to last. */
static inline void elf_make_segment(struct elf_make *m, uint32_t type, uint32_t flags, unsigned first, unsigned last)
{
	unsigned i = m->num_segments++;

	m->segments[i].type = type;
	m->segments[i].flags = flags;
	m->segments[i].first = first;
	m->segments[i].last = last;
	m->segments[i].vaddr = m->sections[first].addr;
}

/* An integer of the file's byte order. */
static inline void elf_make_store(const struct elf_make *m, void *at, uint64_t value, unsigned size)
{
	uint8_t *p = at;

	for (unsigned i = 0; i < size; i++)
		p[m->big_endian ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

static inline void elf_make_bytes(struct elf_make *m, const void *bytes, size_t size)
{
	while (m->capacity - m->size < size) {
		m->capacity = m->capacity ? m->capacity * 2 : 4096;
		m->out = realloc(m->out, m->capacity);
		if (!m->out)
			abort();
	}
	if (size)
		memcpy(m->out + m->size, bytes, size);
	m->size += size;
}

static inline void elf_make_put(struct elf_make *m, uint64_t value, unsigned size)
{
	uint8_t bytes[8];

	elf_make_store(m, bytes, value, size);
	elf_make_bytes(m, bytes, size);
}

static inline void elf_make_word(struct elf_make *m, uint64_t value)
{
	elf_make_put(m, value, m->is_64 ? 8 : 4);
}

static inline void elf_make_align(struct elf_make *m, size_t align)
{
	static const uint8_t zeros[64];

	while (m->size % align)
		elf_make_bytes(m, zeros, 1);
}

/* A symbol (Elf32_Sym or Elf64_Sym) at the end of a buffer; returns its size. */
static inline size_t elf_make_symbol(const struct elf_make *m, uint8_t *at, uint32_t name, uint8_t info, uint16_t section, uint64_t value,
                                     uint64_t size)
{
	elf_make_store(m, at, name, 4);
	at[m->is_64 ? 4 : 12] = info;
	at[m->is_64 ? 5 : 13] = 0;
	elf_make_store(m, at + (m->is_64 ? 6 : 14), section, 2);
	elf_make_store(m, at + (m->is_64 ? 8 : 4), value, m->is_64 ? 8 : 4);
	elf_make_store(m, at + (m->is_64 ? 16 : 8), size, m->is_64 ? 8 : 4);
	return m->is_64 ? 24 : 16;
}

static inline void elf_make_write_header(struct elf_make *m)
{
	uint8_t ident[16] = { 0x7f, 'E', 'L', 'F', m->is_64 ? 2 : 1, m->big_endian ? 2 : 1, 1, m->osabi };

	elf_make_bytes(m, ident, sizeof ident);
	elf_make_put(m, m->type, 2);
	elf_make_put(m, m->machine, 2);
	elf_make_put(m, 1, 4);
	elf_make_word(m, 0);
	elf_make_word(m, m->num_segments ? m->phoff : 0);
	elf_make_word(m, m->without_section_headers ? 0 : m->shoff);
	elf_make_put(m, 0, 4);
	elf_make_put(m, m->is_64 ? 64 : 52, 2);
	elf_make_put(m, m->is_64 ? 56 : 32, 2);
	elf_make_put(m, m->num_segments, 2);
	elf_make_put(m, m->is_64 ? 64 : 40, 2);
	elf_make_put(m, m->without_section_headers ? 0 : m->num_sections, 2);
	elf_make_put(m, m->without_section_headers ? 0 : m->num_sections - 1, 2);
}

static inline void elf_make_write_segments(struct elf_make *m)
{
	for (unsigned i = 0; i < m->num_segments; i++) {
		const struct elf_make_section *first = &m->sections[m->segments[i].first], *last = &m->sections[m->segments[i].last];
		uint64_t memsz = last->addr + last->size - first->addr, filesz = last->offset + last->stored - first->offset;

		elf_make_put(m, m->segments[i].type, 4);
		if (m->is_64)
			elf_make_put(m, m->segments[i].flags, 4);
		elf_make_word(m, first->offset);
		elf_make_word(m, m->segments[i].vaddr);
		elf_make_word(m, m->segments[i].vaddr);
		elf_make_word(m, filesz);
		elf_make_word(m, memsz > filesz ? memsz : filesz);
		if (!m->is_64)
			elf_make_put(m, m->segments[i].flags, 4);
		elf_make_word(m, 4);
	}
}

static inline void elf_make_write_section(struct elf_make *m, const struct elf_make_section *s)
{
	elf_make_put(m, s->name_offset, 4);
	elf_make_put(m, s->type, 4);
	elf_make_word(m, s->flags);
	elf_make_word(m, s->addr);
	elf_make_word(m, s->offset);
	elf_make_word(m, s->size);
	elf_make_put(m, s->link, 4);
	elf_make_put(m, s->info, 4);
	elf_make_word(m, s->addralign);
	elf_make_word(m, s->entsize);
}

/* Two passes: the first learns the offsets. */
static inline uint8_t *elf_make_finish(struct elf_make *m, size_t *ret_size)
{
	static char names[1024];
	size_t names_size = 1;
	unsigned shstrtab;

	for (unsigned i = 1; i < m->num_sections; i++) {
		m->sections[i].name_offset = (uint32_t)names_size;
		strcpy(names + names_size, m->sections[i].name);
		names_size += strlen(m->sections[i].name) + 1;
	}
	shstrtab = elf_make_section(m, ".shstrtab", 3, 0, 0, names, 0);
	m->sections[shstrtab].name_offset = (uint32_t)names_size;
	strcpy(names + names_size, ".shstrtab");
	m->sections[shstrtab].size = m->sections[shstrtab].stored = names_size + sizeof ".shstrtab";
	for (int pass = 0; pass < 2; pass++) {
		m->size = 0;
		elf_make_write_header(m);
		m->phoff = m->size;
		elf_make_write_segments(m);
		for (unsigned i = 1; i < m->num_sections; i++) {
			elf_make_align(m, 16);
			m->sections[i].offset = m->size;
			elf_make_bytes(m, m->sections[i].bytes, m->sections[i].stored);
		}
		elf_make_align(m, 16);
		m->shoff = m->size;
		for (unsigned i = 0; i < m->num_sections && !m->without_section_headers; i++)
			elf_make_write_section(m, &m->sections[i]);
	}
	*ret_size = m->size;
	return m->out;
}

/* A GNU build id note of `size` bytes into at; returns the note's size. */
static inline size_t elf_make_build_id(const struct elf_make *m, uint8_t *at, const uint8_t *id, uint32_t size)
{
	elf_make_store(m, at, 4, 4);
	elf_make_store(m, at + 4, size, 4);
	elf_make_store(m, at + 8, 3, 4);
	memcpy(at + 12, "GNU", 4);
	memcpy(at + 16, id, size);
	return 16 + size;
}

/* A 64-bit ET_DYN with one function, "f", whose `size` bytes begin `text`, the loaded section at `address`. Finished; freed by the caller. */
static inline uint8_t *elf_make_function(uint16_t machine, uint64_t address, const uint8_t *text, size_t text_size, size_t size, size_t *ret_size)
{
	static const char strings[] = "\0f";
	uint8_t symbols[2 * 24];
	struct elf_make m;

	elf_make_init(&m, true, false, 3, machine);
	unsigned section = elf_make_section(&m, ".text", 1, 6, address, text, text_size);
	elf_make_symbol(&m, symbols, 0, 0, 0, 0, 0);
	elf_make_symbol(&m, symbols + 24, 1, 0x12, (uint16_t)section, address, size);
	unsigned symtab = elf_make_section(&m, ".symtab", 2, 0, 0, symbols, sizeof(symbols));
	m.sections[symtab].link = elf_make_section(&m, ".strtab", 3, 0, 0, strings, sizeof(strings));
	elf_make_segment(&m, 1, 5, section, section);
	return elf_make_finish(&m, ret_size);
}

#endif
