/* SPDX-License-Identifier: MIT */
/*
 * Writes PE files of x86-64: headers, .text at RVA 0x1000, .rdata (exceptions, exports, debug directory) at 0x2000, COFF symbols behind. Offsets are those
 * of Microsoft's "PE Format".
 */
#ifndef TESTS_UNIT_PE_MAKE_H
#define TESTS_UNIT_PE_MAKE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PE_TEXT = 0x1000, PE_DATA = 0x2000, PE_TEXT_AT = 0x400, PE_DATA_AT = 0x800, PE_SYMBOLS_AT = 0x1000, PE_SIZE = 0x1200 };
#define PE_BASE UINT64_C(0x140000000)

struct pe_make {
	uint8_t bytes[PE_SIZE];
	size_t size;
	uint32_t data;                /* RVA of the next byte of .rdata */
	uint32_t pdata, num_pdata;    /* entries are written by pe_end, in order */
	struct { uint32_t begin, end, info; } entries[16];
};

static inline void pe_put(struct pe_make *m, size_t at, uint64_t value, unsigned size)
{
	if (at + size > PE_SIZE)
		abort();
	for (unsigned i = 0; i < size; i++)
		m->bytes[at + i] = (uint8_t)(value >> 8 * i);
}
/* Bytes in .rdata; their RVA. */
static inline uint32_t pe_data(struct pe_make *m, const void *bytes, size_t size)
{
	uint32_t rva = m->data;

	if (rva - PE_DATA + size > PE_SYMBOLS_AT - PE_DATA_AT)
		abort();
	memcpy(m->bytes + PE_DATA_AT + (rva - PE_DATA), bytes, size);
	m->data = (rva + (uint32_t)size + 3) & ~3u;
	return rva;
}
static inline uint32_t pe_words(struct pe_make *m, const uint32_t *words, size_t count)
{
	uint8_t bytes[64];

	if (count > sizeof(bytes) / 4)
		abort();
	for (size_t i = 0; i < 4 * count; i++)
		bytes[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
	return pe_data(m, bytes, 4 * count);
}
static inline void pe_code(struct pe_make *m, uint32_t rva, const void *bytes, size_t size)
{
	memcpy(m->bytes + PE_TEXT_AT + (rva - PE_TEXT), bytes, size);
}
static inline void pe_function(struct pe_make *m, uint32_t begin, uint32_t end, uint32_t info)
{
	m->entries[m->num_pdata].begin = begin;
	m->entries[m->num_pdata].end = end;
	m->entries[m->num_pdata++].info = info;
}
static inline void pe_section(struct pe_make *m, unsigned nth, const char *name, uint32_t rva, uint32_t at, uint32_t size, uint32_t flags)
{
	size_t header = 0x80 + 24 + 240 + (size_t)nth * 40;

	memcpy(m->bytes + header, name, strlen(name));
	pe_put(m, header + 8, size, 4);
	pe_put(m, header + 12, rva, 4);
	pe_put(m, header + 16, size, 4);
	pe_put(m, header + 20, at, 4);
	pe_put(m, header + 36, flags, 4);
}
static inline void pe_directory(struct pe_make *m, unsigned nth, uint32_t rva, uint32_t size)
{
	pe_put(m, 0x80 + 24 + 112 + (size_t)nth * 8, rva, 4);
	pe_put(m, 0x80 + 24 + 112 + (size_t)nth * 8 + 4, size, 4);
}

static inline void pe_begin(struct pe_make *m)
{
	memset(m, 0, sizeof(*m));
	m->size = PE_SYMBOLS_AT;
	m->data = PE_DATA;
	memcpy(m->bytes, "MZ", 2);
	pe_put(m, 0x3c, 0x80, 4);
	memcpy(m->bytes + 0x80, "PE\0\0", 4);
	pe_put(m, 0x84, 0x8664, 2);
	pe_put(m, 0x86, 2, 2);
	pe_put(m, 0x88, 0x5f5f2c88, 4);     /* time stamp */
	pe_put(m, 0x94, 240, 2);
	pe_put(m, 0x98, 0x20b, 2);
	pe_put(m, 0x98 + 16, PE_TEXT, 4);
	pe_put(m, 0x98 + 24, PE_BASE, 8);
	pe_put(m, 0x98 + 56, 0x3000, 4);    /* size of the image, of the headers */
	pe_put(m, 0x98 + 60, 0x400, 4);
	pe_put(m, 0x98 + 108, 16, 4);
	pe_section(m, 0, ".text", PE_TEXT, PE_TEXT_AT, 0x400, 0x60000020);
	pe_section(m, 1, ".rdata", PE_DATA, PE_DATA_AT, 0x800, 0x40000040);
	memset(m->bytes + PE_TEXT_AT, 0x90, 0x400);
}
static inline void pe_end(struct pe_make *m)
{
	for (uint32_t i = 0; i < m->num_pdata; i++) {
		uint32_t rva = pe_words(m, (uint32_t[]){ m->entries[i].begin, m->entries[i].end, m->entries[i].info }, 3);

		m->pdata = i ? m->pdata : rva;
	}
	pe_directory(m, 3, m->pdata, m->num_pdata * 12);
}

/* The debug directory with a PDB 7.0 record. */
static inline void pe_codeview(struct pe_make *m)
{
	static const uint8_t record[] = "RSDS\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff\x0a\x00\x00\x00" "app.pdb";
	uint32_t at = pe_data(m, record, sizeof(record)), entry[7] = { 0, 0, 0, 2, sizeof(record), at, at - PE_DATA + PE_DATA_AT };

	pe_directory(m, 6, pe_words(m, entry, 7), sizeof(entry));
}
/* One export, and COFF symbols with a short and a long name. */
static inline void pe_names(struct pe_make *m)
{
	uint32_t function = PE_TEXT + 0x20, start = m->data, directory[10] = { 0 }, at;
	uint32_t name = start + 40 + 4 + 4 + 4;

	directory[5] = 1;
	directory[6] = 1;
	directory[7] = start + 40;
	directory[8] = start + 44;
	directory[9] = start + 48;
	pe_words(m, directory, 10);
	pe_words(m, &function, 1);
	pe_words(m, &name, 1);
	pe_data(m, "\0", 2); /* the first function */
	pe_data(m, "exported", 9);
	pe_directory(m, 0, start, m->data - start);
	at = PE_SYMBOLS_AT;
	pe_put(m, 0x8c, at, 4);
	pe_put(m, 0x90, 2, 4);
	memcpy(m->bytes + at, "short", 5);
	pe_put(m, at + 8, 0x40, 4);
	pe_put(m, at + 12, 1, 2);
	pe_put(m, at + 14, 0x20, 2);
	m->bytes[at + 16] = 3;
	pe_put(m, at + 18 + 4, 4, 4);
	pe_put(m, at + 18 + 8, 0x60, 4);
	pe_put(m, at + 18 + 12, 1, 2);
	m->bytes[at + 18 + 16] = 2;
	pe_put(m, at + 36, 4 + 16, 4);
	memcpy(m->bytes + at + 40, "a_long_function", 16);
	m->size = at + 40 + 16;
}

/* Functions of all kinds of unwind codes, 0x20 bytes each from 0x1000 on: what test_strat_windows.c expects of them. */
static inline void pe_make_codes(struct pe_make *m)
{
	static const uint8_t pushes[] = { 1, 6, 3, 0, 6, 0x32, 2, 0x30, 1, 0x50, 0, 0 };             /* push rbp, push rbx, sub rsp, 32 */
	static const uint8_t large[] = { 1, 7, 2, 0, 7, 0x01, 0x00, 0x10, 0, 0, 0, 0 };              /* sub rsp, 0x8000 */
	static const uint8_t huge[] = { 1, 7, 3, 0, 7, 0x11, 0x10, 0x00, 0x20, 0x00, 0, 0 };         /* sub rsp, 0x200010 */
	static const uint8_t framed[] = { 1, 9, 3, 0x25, 9, 0x03, 4, 0x32, 1, 0x50, 0, 0 };          /* push rbp; sub rsp, 32; lea rbp, [rsp+32] */
	static const uint8_t saves[] = { 1, 9, 6, 0, 9, 0x68, 2, 0, 8, 0x74, 5, 0, 7, 0x01, 8, 0 };  /* see the test */
	static const uint8_t machine[] = { 1, 0, 1, 0, 0, 0x0a, 0, 0 };
	static const uint8_t machine_code[] = { 1, 0, 1, 0, 0, 0x1a, 0, 0 };
	static const uint8_t broken[] = { 7, 0, 0, 0 };
	uint32_t loop, info, chained[4] = { 1 | 4 << 3 };

	pe_begin(m);
	info = pe_data(m, pushes, sizeof(pushes));
	pe_function(m, 0x1000, 0x1020, info);
	memcpy(chained + 1, (uint32_t[3]){ 0x1000, 0x1020, info }, 12);
	pe_function(m, 0x1020, 0x1040, pe_data(m, large, sizeof(large)));
	pe_function(m, 0x1040, 0x1060, pe_data(m, huge, sizeof(huge)));
	pe_function(m, 0x1060, 0x1080, pe_data(m, framed, sizeof(framed)));
	pe_function(m, 0x1080, 0x10a0, pe_data(m, saves, sizeof(saves)));
	pe_function(m, 0x10a0, 0x10c0, pe_words(m, chained, 4));
	pe_function(m, 0x10c0, 0x10e0, pe_data(m, machine, sizeof(machine)));
	pe_function(m, 0x10e0, 0x1100, pe_data(m, machine_code, sizeof(machine_code)));
	pe_function(m, 0x1100, 0x1120, pe_data(m, broken, sizeof(broken)));
	loop = m->data;
	memcpy(chained + 1, (uint32_t[3]){ 0x1120, 0x1140, loop }, 12);
	pe_function(m, 0x1120, 0x1140, pe_words(m, chained, 4));
	/* add rsp, 32; pop rbx; pop rbp; ret: the end of the first. */
	pe_code(m, 0x1010, "\x48\x83\xc4\x20\x5b\x5d\xc3", 7);
	pe_codeview(m);
	pe_names(m);
	pe_end(m);
}

#endif
