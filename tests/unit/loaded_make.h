/* SPDX-License-Identifier: MIT */
/*
 * An ELF image as a loader lays it out in memory, made byte by byte (ELF-64 Object File Format 1.5, "Program Header"):
 *
 *     file                       memory, from BASE on
 *     0x000 headers, tables      0x0000 page 0 of the file, r--
 *     0x800 code                 0x1000 page 0 once more, r-x: the code is at 0x1800, and the ELF header at 0x1000 as well
 */
#ifndef TESTS_UNIT_LOADED_MAKE_H
#define TESTS_UNIT_LOADED_MAKE_H

#include "elf_make.h"

enum {
	BASE = 0x7f400000, PAGE = 0x1000, CODE = 0x1800, CODE_SIZE = 0x40,
	HEADERS = 0x40, NOTE = 0x280, DYNAMIC = 0x300, HASH = 0x400, SYMBOLS = 0x440, STRINGS = 0x480,
	/* e_machine at 18; in a program header p_vaddr at 16, p_memsz at 40 */
	MACHINE_AT = 18, VADDR_AT = 16, MEMSZ_AT = 40, PROGRAM_SIZE = 56,
};
static const uint8_t loaded_id[20] = { 0xaa, 1, 2, 3 };

/* What of a case is not as usual. */
enum { RELOCATED = 1, BIAS_FIRST = 2, WITHOUT_HEADER = 4, WITHOUT_CODE = 8, OTHER_MACHINE = 16, ABSURD_COUNT = 32, ABSURD_SIZE = 64, CALLBACK = 128, CUT_TABLES = 256, AS_STORED = 512 };

static inline void loaded_store(uint8_t *memory, size_t at, uint64_t value, unsigned size)
{
	static const struct elf_make little = { .is_64 = true };

	elf_make_store(&little, memory + at, value, size);
}

static inline void loaded_put_program(uint8_t *memory, unsigned i, uint32_t type, uint32_t flags, uint64_t offset, uint64_t vaddr, uint64_t size)
{
	const uint64_t words[] = { offset, vaddr, vaddr, size, size, 1 };

	loaded_store(memory, HEADERS + i * PROGRAM_SIZE, type, 4);
	loaded_store(memory, HEADERS + i * PROGRAM_SIZE + 4, flags, 4);
	for (unsigned w = 0; w < 6; w++)
		loaded_store(memory, HEADERS + i * PROGRAM_SIZE + 8 + 8 * w, words[w], 8);
}

/* The first page, which is both mappings'. first: p_vaddr of the first segment. */
static inline void loaded_make_page(uint8_t *memory, uint64_t first, unsigned odd, const char *name)
{
	static const uint8_t ident[16] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	uint64_t shift = first + (odd & RELOCATED ? BASE - first : 0);
	const uint64_t dynamic[] = { 4, HASH, 6, SYMBOLS, 5, STRINGS };

	memset(memory, 0, PAGE);
	memcpy(memory, ident, sizeof(ident));
	loaded_store(memory, 16, 3, 2);
	loaded_store(memory, MACHINE_AT, odd & OTHER_MACHINE ? 183 : 62, 2);
	loaded_store(memory, 32, HEADERS, 8);
	/* Section headers are at 0x900 of the file, where memory has something else. */
	loaded_store(memory, 40, 0x900, 8);
	loaded_store(memory, 54, PROGRAM_SIZE, 2);
	loaded_store(memory, 56, 4, 2);
	loaded_store(memory, 58, 64, 2);
	loaded_store(memory, 60, odd & AS_STORED ? 9 : 7, 2);
	loaded_put_program(memory, 0, 1, 4, 0, first, 0x800);
	loaded_put_program(memory, 1, 1, 5, odd & AS_STORED ? CODE : 0x800, first + CODE, CODE_SIZE);
	loaded_put_program(memory, 2, 2, 4, DYNAMIC, first + DYNAMIC, 0x50);
	loaded_put_program(memory, 3, 4, 4, NOTE, first + NOTE, 36);
	loaded_store(memory, NOTE, 4, 4);
	loaded_store(memory, NOTE + 4, 20, 4);
	loaded_store(memory, NOTE + 8, 3, 4);
	memcpy(memory + NOTE + 12, "GNU", 4);
	memcpy(memory + NOTE + 16, loaded_id, sizeof(loaded_id));
	for (unsigned i = 0; i < 6; i++)
		loaded_store(memory, DYNAMIC + 8 * i, dynamic[i] + (i % 2 ? shift : 0), 8);
	loaded_store(memory, DYNAMIC + 48, 10, 8);
	loaded_store(memory, DYNAMIC + 56, 16, 8);
	loaded_store(memory, HASH, 1, 4);
	loaded_store(memory, HASH + 4, odd & ABSURD_COUNT ? UINT32_MAX : 2, 4);
	loaded_store(memory, SYMBOLS + 24, 1, 4);
	loaded_store(memory, SYMBOLS + 28, 0x12, 1);
	loaded_store(memory, SYMBOLS + 30, 7, 2);
	loaded_store(memory, SYMBOLS + 32, first + CODE, 8);
	loaded_store(memory, SYMBOLS + 40, CODE_SIZE, 8);
	memcpy(memory + STRINGS + 1, name, strlen(name));
	if (odd & ABSURD_SIZE)
		loaded_store(memory, HEADERS + PROGRAM_SIZE + MEMSZ_AT, UINT64_MAX - 7, 8);
}

static inline void loaded_make(uint8_t memory[2 * PAGE], uint64_t first, unsigned odd, const char *name)
{
	loaded_make_page(memory, first, odd, name);
	loaded_make_page(memory + PAGE, first, odd, name);
	memset(memory + CODE, 0xc3, CODE_SIZE);
}

#endif
