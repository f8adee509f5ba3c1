/* SPDX-License-Identifier: MIT */
/*
 * Makes small ELF cores in memory, of every class and byte order:
 *
 *     struct core_make m;
 *     core_make_init(&m, true, false, 62);                         // 64 bits, little-endian, EM_X86_64
 *     core_make_thread(&m, 100, 11, regs, 27);                     // NT_PRSTATUS: tid, signal, words in the order of elf_gregset_t
 *     core_make_segment(&m, 5, 0x400000, bytes, size, 0x1000);     // PT_LOAD r-x: of 0x1000 bytes, `size` are in the file
 *     uint8_t *file = core_make_finish(&m, &size);                 // freed by the caller
 */
#ifndef TESTS_CORE_MAKE_H
#define TESTS_CORE_MAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CORE_MAKE_SEGMENTS = 16, CORE_MAKE_NOTES = 8192 };

struct core_make {
	bool is_64, big_endian;
	uint16_t machine;
	unsigned num_segments;
	struct { uint32_t flags; uint64_t address, memsz; const void *bytes; size_t size; } segments[CORE_MAKE_SEGMENTS];
	uint8_t notes[CORE_MAKE_NOTES];
	size_t notes_size;
};

static inline void core_make_init(struct core_make *m, bool is_64, bool big_endian, uint16_t machine)
{
	memset(m, 0, sizeof(*m));
	m->is_64 = is_64;
	m->big_endian = big_endian;
	m->machine = machine;
}

/* An integer of the core's byte order; returns what comes after it. */
static inline uint8_t *core_make_int(const struct core_make *m, uint8_t *at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		at[m->big_endian ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
	return at + size;
}

static inline uint8_t *core_make_word(const struct core_make *m, uint8_t *at, uint64_t value)
{
	return core_make_int(m, at, value, m->is_64 ? 8 : 4);
}

static inline void core_make_note(struct core_make *m, const char *name, uint32_t type, const void *desc, size_t size)
{
	uint8_t *at = m->notes + m->notes_size;
	size_t name_size = strlen(name) + 1;

	at = core_make_int(m, at, name_size, 4);
	at = core_make_int(m, at, size, 4);
	at = core_make_int(m, at, type, 4);
	memcpy(at, name, name_size);
	at += (name_size + 3) & ~(size_t)3;
	memcpy(at, desc, size);
	at += (size + 3) & ~(size_t)3;
	m->notes_size = (size_t)(at - m->notes);
}

/* struct elf_prstatus (Linux, include/linux/elfcore.h): the tid is at 32 or 24, the registers are at 112 or 72. */
static inline void core_make_thread(struct core_make *m, uint32_t tid, uint16_t signal, const uint64_t *regs, size_t count)
{
	uint8_t desc[1024] = { 0 }, *at = desc + (m->is_64 ? 112 : 72);

	core_make_int(m, desc + 12, signal, 2);
	core_make_int(m, desc + (m->is_64 ? 32 : 24), tid, 4);
	for (size_t i = 0; i < count; i++)
		at = core_make_word(m, at, regs[i]);
	core_make_note(m, "CORE", 1, desc, (size_t)(at - desc) + (m->is_64 ? 8 : 4));
}

static inline void core_make_siginfo(struct core_make *m, int32_t signal, int32_t code, uint64_t address)
{
	uint8_t desc[128] = { 0 };

	core_make_int(m, desc, (uint32_t)signal, 4);
	core_make_int(m, desc + 8, (uint32_t)code, 4);
	core_make_word(m, desc + (m->is_64 ? 16 : 12), address);
	core_make_note(m, "CORE", 0x53494749, desc, sizeof(desc));
}

/* struct elf_prpsinfo: 136 bytes of 64 bits, 124 of 32. */
static inline void core_make_process(struct core_make *m, uint32_t pid, const char *name, const char *args)
{
	uint8_t desc[136] = { 0 };
	size_t size = m->is_64 ? 136 : 124;

	core_make_int(m, desc + size - 112, pid, 4);
	memcpy(desc + size - 96, name, strlen(name));
	memcpy(desc + size - 80, args, strlen(args));
	core_make_note(m, "CORE", 3, desc, size);
}

struct core_make_file { uint64_t start, end, page; const char *path; };

static inline void core_make_files(struct core_make *m, const struct core_make_file *files, size_t count)
{
	uint8_t desc[2048] = { 0 }, *at = desc;

	at = core_make_word(m, at, count);
	at = core_make_word(m, at, 4096);
	for (size_t i = 0; i < count; i++) {
		at = core_make_word(m, at, files[i].start);
		at = core_make_word(m, at, files[i].end);
		at = core_make_word(m, at, files[i].page);
	}
	for (size_t i = 0; i < count; i++) {
		memcpy(at, files[i].path, strlen(files[i].path) + 1);
		at += strlen(files[i].path) + 1;
	}
	core_make_note(m, "CORE", 0x46494c45, desc, (size_t)(at - desc));
}

static inline void core_make_auxv(struct core_make *m, const uint64_t (*pairs)[2], size_t count)
{
	uint8_t desc[512] = { 0 }, *at = desc;

	for (size_t i = 0; i < count; i++) {
		at = core_make_word(m, at, pairs[i][0]);
		at = core_make_word(m, at, pairs[i][1]);
	}
	core_make_note(m, "CORE", 6, desc, (size_t)(at - desc));
}

static inline void core_make_segment(struct core_make *m, uint32_t flags, uint64_t address, const void *bytes, size_t size, uint64_t memsz)
{
	unsigned i = m->num_segments++;

	m->segments[i].flags = flags;
	m->segments[i].address = address;
	m->segments[i].bytes = bytes;
	m->segments[i].size = size;
	m->segments[i].memsz = memsz;
}

static inline uint8_t *core_make_program(const struct core_make *m, uint8_t *at, uint32_t type, uint32_t flags, uint64_t offset, uint64_t vaddr,
                                         uint64_t filesz, uint64_t memsz)
{
	at = core_make_int(m, at, type, 4);
	if (m->is_64)
		at = core_make_int(m, at, flags, 4);
	at = core_make_word(m, at, offset);
	at = core_make_word(m, at, vaddr);
	at = core_make_word(m, at, 0);
	at = core_make_word(m, at, filesz);
	at = core_make_word(m, at, memsz);
	if (!m->is_64)
		at = core_make_int(m, at, flags, 4);
	return core_make_word(m, at, 1);
}

/* An ELF header of a type, with count program headers right behind it; returns where those go. */
static inline uint8_t *core_make_head(const struct core_make *m, uint8_t *file, uint16_t type, unsigned count)
{
	uint8_t *at = file + 16;
	size_t head = m->is_64 ? 64 : 52;

	memcpy(file, "\177ELF", 4);
	file[4] = m->is_64 ? 2 : 1;
	file[5] = m->big_endian ? 2 : 1;
	file[6] = 1;
	at = core_make_int(m, at, type, 2);
	at = core_make_int(m, at, m->machine, 2);
	at = core_make_int(m, at, 1, 4);
	at = core_make_word(m, at, 0);
	at = core_make_word(m, at, head);
	at = core_make_word(m, at, 0);
	at = core_make_int(m, at, 0, 4);
	at = core_make_int(m, at, head, 2);
	at = core_make_int(m, at, m->is_64 ? 56 : 32, 2);
	core_make_int(m, at, count, 2);
	return file + head;
}

static inline uint8_t *core_make_finish(struct core_make *m, size_t *ret_size)
{
	unsigned count = m->num_segments + 1;
	size_t head = (m->is_64 ? 64 : 52) + count * (m->is_64 ? 56u : 32u), offset = head + m->notes_size, size = offset;
	uint8_t *file, *at;

	for (unsigned i = 0; i < m->num_segments; i++)
		size += m->segments[i].size;
	file = calloc(1, size);
	at = core_make_head(m, file, 4, count);
	at = core_make_program(m, at, 4, 0, head, 0, m->notes_size, 0);
	memcpy(file + head, m->notes, m->notes_size);
	for (unsigned i = 0; i < m->num_segments; i++) {
		at = core_make_program(m, at, 1, m->segments[i].flags, offset, m->segments[i].address, m->segments[i].size, m->segments[i].memsz);
		if (m->segments[i].size)
			memcpy(file + offset, m->segments[i].bytes, m->segments[i].size);
		offset += m->segments[i].size;
	}
	*ret_size = size;
	return file;
}

#endif
