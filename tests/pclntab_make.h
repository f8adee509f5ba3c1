/* SPDX-License-Identifier: MIT */
/*
 * Makes a small pclntab of any version, pointer size and byte order, by Go's sources (cmd/link/internal/ld/pcln.go): two functions, one of which has
 * another one inlined into it.
 *
 *     main.outer   0x1000 to 0x1040   SP: 0 up to 0x4, 24 up to 0x38, 0 up to 0x40; file a.go, lines 10 and 20
 *                                     from 0x10 to 0x20: main.inner inlined, line 30, called at 0x8 (line 10)
 *     main.last    0x1040 to 0x1060   SP: 0; file b.go, line 7
 */
#ifndef TESTS_PCLNTAB_MAKE_H
#define TESTS_PCLNTAB_MAKE_H

#include "model/pclntab.h"

#include <stdlib.h>
#include <string.h>

enum { PCLNTAB_MADE_MAX = 2048, PCLNTAB_ADDRESS = 0x8000, PCLNTAB_TEXT = 0x1000, PCLNTAB_TREE = 0x700 /* in the table: where the inlined call is */ };

struct pclntab_make {
	uint8_t bytes[PCLNTAB_MADE_MAX];
	size_t size;
	enum wb_pclntab_version version;
	unsigned word_size, quantum;
	bool big_endian;
};

static inline void pclntab_store(struct pclntab_make *m, size_t at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		m->bytes[at + i] = (uint8_t)(value >> 8 * (m->big_endian ? size - 1 - i : i));
	if (at + size > m->size)
		m->size = at + size;
}

static inline void pclntab_text(struct pclntab_make *m, size_t at, const char *text)
{
	memcpy(m->bytes + at, text, strlen(text) + 1);
	if (at + strlen(text) + 1 > m->size)
		m->size = at + strlen(text) + 1;
}

/* A table of values: pairs of a value and where it ends, up to one that ends at 0. */
static inline void pclntab_values(struct pclntab_make *m, size_t at, const int32_t *pairs)
{
	int32_t value = -1, pc = 0;

	for (; pairs[1]; pairs += 2) {
		uint32_t change = (uint32_t)(pairs[0] - value), steps = (uint32_t)(pairs[1] - pc) / m->quantum;
		uint32_t zigzag = change << 1 ^ ((int32_t)change < 0 ? UINT32_MAX : 0), words[] = { zigzag, steps };

		for (unsigned i = 0; i < 2; i++) {
			for (; words[i] >= 0x80; words[i] >>= 7)
				pclntab_store(m, at++, (words[i] & 0x7f) | 0x80, 1);
			pclntab_store(m, at++, words[i], 1);
		}
		value = pairs[0];
		pc = pairs[1];
	}
	pclntab_store(m, at, 0, 1);
}

struct pclntab_made_function { uint64_t entry; uint32_t name, sp, file, line, inlines; uint32_t start_line; uint8_t id; };

/* A function's description; the number of bytes. */
static inline void pclntab_function(struct pclntab_make *m, size_t at, const struct pclntab_made_function *f)
{
	bool absolute = m->version <= WB_PCLNTAB_1_16;
	unsigned entry = absolute ? m->word_size : 4, slot = m->version == WB_PCLNTAB_1_2 ? 4 : 3;
	uint32_t words[] = { f->name, 0, 0, f->sp, f->file, f->line, f->inlines ? 3 : 0 };

	pclntab_store(m, at, absolute ? f->entry : f->entry - PCLNTAB_TEXT, entry);
	at += entry;
	for (unsigned i = 0; i < 7; i++, at += 4)
		pclntab_store(m, at, words[i], 4);
	if (m->version >= WB_PCLNTAB_1_16)
		at += 4;              /* of the first unit */
	if (m->version >= WB_PCLNTAB_1_20) {
		pclntab_store(m, at, f->start_line, 4);
		at += 4;
	}
	pclntab_store(m, at, f->id, 1);
	pclntab_store(m, at + 3, f->inlines ? slot + 1 : 0, 1);
	at += 4;
	if (!f->inlines)
		return;
	/* Inlined calls are the third table by pc, and the fourth (1.2: fifth) of the other data. */
	pclntab_store(m, at + 8, f->inlines, 4);
	at += 12;
	if (absolute)
		at = (at + m->word_size - 1) / m->word_size * m->word_size;
	for (unsigned i = 0; i <= slot; i++) {
		uint64_t none = absolute ? 0 : UINT32_MAX, tree = absolute ? PCLNTAB_ADDRESS + PCLNTAB_TREE : PCLNTAB_TREE;

		pclntab_store(m, at + i * (absolute ? m->word_size : 4), i == slot ? tree : none, absolute ? m->word_size : 4);
	}
}

/* The call of main.inner, at 0x8 of main.outer. */
static inline void pclntab_tree(struct pclntab_make *m, uint32_t name)
{
	bool old = m->version < WB_PCLNTAB_1_20;
	size_t at = PCLNTAB_TREE;

	pclntab_store(m, at + (old ? 12 : 4), name, 4);
	pclntab_store(m, at + (old ? 16 : 8), 8, 4);
	if (!old)
		pclntab_store(m, at + 12, 29, 4);
	else
		pclntab_store(m, at, 0xffff, 2);
}

static inline void pclntab_make(struct pclntab_make *m, enum wb_pclntab_version version, unsigned word_size, unsigned quantum, bool big_endian)
{
	/* Where tables are; before 1.16 all is one. */
	enum { NAMES = 0x100, UNITS = 0x180, FILES = 0x1a0, VALUES = 0x200, FUNCTIONS = 0x300, FIRST = 0x380, SECOND = 0x480 };
	static const uint32_t magics[] = { 0xfffffffb, 0xfffffffa, 0xfffffff0, 0xfffffff1 };
	static const int32_t sp[] = { 0, 4, 24, 0x38, 0, 0x40, 0, 0 }, file[] = { 1, 0x40, 0, 0 }, line[] = { 10, 0x10, 30, 0x20, 20, 0x40, 0, 0 };
	static const int32_t inlines[] = { -1, 0x10, 0, 0x20, -1, 0x40, 0, 0 }, sp2[] = { 0, 0x20, 0, 0 }, file2[] = { 2, 0x20, 0, 0 }, line2[] = { 7, 0x20, 0, 0 };
	const int32_t *const tables[] = { sp, file, line, inlines, sp2, file2, line2 };
	bool one = version == WB_PCLNTAB_1_2, absolute = version <= WB_PCLNTAB_1_16;
	uint32_t names = one ? NAMES : 0, values = one ? VALUES : 0, functions = one ? 0 : FUNCTIONS;
	size_t entries = one ? 8 + word_size : FUNCTIONS, size = absolute ? word_size : 4;
	struct pclntab_made_function first = { PCLNTAB_TEXT, names + 1, values + 0x10, values + 0x20, values + 0x30, values + 0x40, 9, 0 };
	struct pclntab_made_function second = { PCLNTAB_TEXT + 0x40, names + 24, values + 0x50, values + 0x60, values + 0x70, 0, 6, 21 };
	uint64_t words[][8] = {
		{ 2 }, { 2, 2, NAMES, UNITS, FILES, VALUES, FUNCTIONS }, { 2, 2, PCLNTAB_TEXT, NAMES, UNITS, FILES, VALUES, FUNCTIONS },
		{ 2, 2, PCLNTAB_TEXT, NAMES, UNITS, FILES, VALUES, FUNCTIONS },
	};

	*m = (struct pclntab_make){ .version = version, .word_size = word_size, .quantum = quantum, .big_endian = big_endian };
	pclntab_store(m, 0, magics[version], 4);
	pclntab_store(m, 6, quantum, 1);
	pclntab_store(m, 7, word_size, 1);
	for (unsigned i = 0; i < (one ? 1u : absolute ? 7u : 8u); i++)
		pclntab_store(m, 8 + i * word_size, words[version][i], word_size);
	pclntab_text(m, NAMES + 1, "main.outer");
	pclntab_text(m, NAMES + 12, "main.inner");
	pclntab_text(m, NAMES + 24, "main.last");
	/* Numbers of files are from 1: the first is none. */
	for (uint32_t i = 1; i < 3; i++)
		pclntab_store(m, (one ? FILES : UNITS) + 4 * i, one ? FILES + 0x10 + 8 * (i - 1) : 0x10 + 8 * (i - 1), 4);
	pclntab_text(m, FILES + 0x10, "a.go");
	pclntab_text(m, FILES + 0x18, "b.go");
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		pclntab_values(m, VALUES + 0x10 * (i + 1), tables[i]);
	pclntab_function(m, FIRST, &first);
	pclntab_function(m, SECOND, &second);
	pclntab_store(m, entries, absolute ? PCLNTAB_TEXT : 0, (unsigned)size);
	pclntab_store(m, entries + size, FIRST - functions, (unsigned)size);
	pclntab_store(m, entries + 2 * size, absolute ? PCLNTAB_TEXT + 0x40 : 0x40, (unsigned)size);
	pclntab_store(m, entries + 3 * size, SECOND - functions, (unsigned)size);
	pclntab_store(m, entries + 4 * size, absolute ? PCLNTAB_TEXT + 0x60 : 0x60, (unsigned)size);
	if (one)
		pclntab_store(m, entries + 5 * size, FILES, 4);
	pclntab_tree(m, names + 12);
}

#endif
