/* SPDX-License-Identifier: MIT */
/* Makes the seeds of fuzz_elf: small files with one of everything that the reader knows. usage: elf_seeds FOLDER */
#include "elf_make.h"

#include <stdio.h>

enum {
	ET_REL = 1, ET_DYN = 3, EM_386 = 3, EM_X86_64 = 62, PT_LOAD = 1, PT_DYNAMIC = 2, PT_NOTE = 4, PT_GNU_EH_FRAME = 0x6474e550,
	PROGBITS = 1, SYMTAB = 2, STRTAB = 3, RELA = 4, NOTE = 7, REL = 9, DYNSYM = 11, A = 2, X = 4, COMPRESSED = 0x800, GLOBAL_FUNC = 0x12,
	INFLATED_SIZE = 900,
};

static const char *folder;
static const uint8_t plt[48] = { 0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25, 0x0c, 0x20 };  /* endbr64; jmp *0x200c(%rip) */
static const uint8_t id[20] = { 1, 2, 3 };
/* "walkback\n" a hundred times, by zlib -9 and zstd -19. */
static const uint8_t zlib_bytes[] = {
	0x78, 0xda, 0x2b, 0x4f, 0xcc, 0xc9, 0x4e, 0x4a, 0x4c, 0xce, 0xe6, 0x2a, 0x1f, 0x65, 0x8c, 0x32,
	0x46, 0x19, 0x03, 0xc1, 0x00, 0x00, 0x9b, 0x3d, 0x48, 0xf8,
};
static const uint8_t zstd_bytes[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x64, 0x84, 0x02, 0x85, 0x00, 0x00, 0x48, 0x77, 0x61, 0x6c, 0x6b, 0x62,
	0x61, 0x63, 0x6b, 0x0a, 0x01, 0x00, 0x78, 0x59, 0x95, 0x23, 0xf3, 0xdb, 0x6e, 0x38,
};

static void save(const char *name, uint8_t *bytes, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "wb");
	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
		exit(1);
	free(bytes);
}

/* A compression header and what follows it; returns their size. */
static size_t pack(const struct elf_make *m, uint8_t *at, uint32_t type, const uint8_t *packed, size_t size)
{
	unsigned word = m->is_64 ? 8 : 4, header = m->is_64 ? 24 : 12;

	memset(at, 0, header);
	elf_make_store(m, at, type, 4);
	elf_make_store(m, at + word, INFLATED_SIZE, word);
	memcpy(at + header, packed, size);
	return header + size;
}

static void make_shared(const char *name, bool is_64, bool big_endian)
{
	uint8_t note[64], symbols[72], relocation[24] = { 0 }, zlib[64], zstd[64], zdebug[64] = "ZLIB\0\0\0\0\0\0\3\x84";
	unsigned word = is_64 ? 8 : 4;
	struct elf_make m;
	size_t size;

	elf_make_init(&m, is_64, big_endian, ET_DYN, is_64 ? EM_X86_64 : EM_386);
	unsigned first = elf_make_section(&m, ".note.gnu.build-id", NOTE, A, 0x200, note, elf_make_build_id(&m, note, id, sizeof id));
	unsigned text = elf_make_section(&m, ".plt", PROGBITS, A | X, 0x1000, plt, sizeof plt);
	size = elf_make_symbol(&m, symbols, 0, 0, 0, 0, 0);
	size += elf_make_symbol(&m, symbols + size, 1, GLOBAL_FUNC, 0, 0, 0);
	size += elf_make_symbol(&m, symbols + size, 5, GLOBAL_FUNC, (uint16_t)text, 0x1010, 8);
	unsigned dynsym = elf_make_section(&m, ".dynsym", DYNSYM, A, 0x300, symbols, size);
	unsigned symtab = elf_make_section(&m, ".symtab", SYMTAB, 0, 0, symbols, size);
	m.sections[dynsym].link = m.sections[symtab].link = elf_make_section(&m, ".dynstr", STRTAB, A, 0x400, "\0foo\0bar", 9);
	elf_make_store(&m, relocation, 0x3016, word);
	elf_make_store(&m, relocation + word, is_64 ? UINT64_C(1) << 32 | 7 : 1 << 8 | 7, word);
	m.sections[elf_make_section(&m, ".rela.plt", RELA, A, 0x500, relocation, 3 * word)].link = dynsym;
	elf_make_section(&m, ".gnu_debuglink", PROGBITS, 0, 0, "x.debug\0\1\2\3\4", 12);
	elf_make_section(&m, ".debug_info", PROGBITS, COMPRESSED, 0, zlib, pack(&m, zlib, 1, zlib_bytes, sizeof zlib_bytes));
	elf_make_section(&m, ".debug_str", PROGBITS, COMPRESSED, 0, zstd, pack(&m, zstd, 2, zstd_bytes, sizeof zstd_bytes));
	memcpy(zdebug + 12, zlib_bytes, sizeof zlib_bytes);
	elf_make_section(&m, ".zdebug_line", PROGBITS, 0, 0, zdebug, 12 + sizeof zlib_bytes);
	elf_make_segment(&m, PT_LOAD, 5, text, text);
	elf_make_segment(&m, PT_NOTE, 4, first, first);
	uint8_t *bytes = elf_make_finish(&m, &size);
	save(name, bytes, size);
}

static void make_relocatable(void)
{
	uint8_t symbols[48], relocations[48] = { 0 }, debug[16] = { 0 };
	struct elf_make m;
	size_t size;

	elf_make_init(&m, true, false, ET_REL, EM_X86_64);
	unsigned text = elf_make_section(&m, ".text", PROGBITS, A | X, 0, plt, 16);
	unsigned info = elf_make_section(&m, ".debug_info", PROGBITS, 0, 0, debug, sizeof debug);
	elf_make_symbol(&m, symbols, 0, 0, 0, 0, 0);
	elf_make_symbol(&m, symbols + 24, 1, GLOBAL_FUNC, (uint16_t)text, 1, 4);
	unsigned symtab = elf_make_section(&m, ".symtab", SYMTAB, 0, 0, symbols, sizeof symbols);
	m.sections[symtab].link = elf_make_section(&m, ".strtab", STRTAB, 0, 0, "\0f", 3);
	elf_make_store(&m, relocations + 8, UINT64_C(1) << 32 | 1, 8);
	elf_make_store(&m, relocations + 24, 8, 8);
	elf_make_store(&m, relocations + 32, UINT64_C(1) << 32 | 2, 8);
	unsigned rela = elf_make_section(&m, ".rela.debug_info", RELA, 0, 0, relocations, sizeof relocations);
	m.sections[rela].link = symtab;
	m.sections[rela].info = info;
	uint8_t *bytes = elf_make_finish(&m, &size);
	save("rel-64", bytes, size);
}

/* Segments only: .eh_frame_hdr at 0x1000, the dynamic section at 0x1080, symbols, strings and both hash tables behind it. */
static void make_headless(void)
{
	static const uint64_t dynamic[] = { 6, 0x1100, 5, 0x1180, 10, 16, 0x6ffffef5, 0x11c0, 4, 0x11c0, 0, 0 };
	static const uint32_t hash[] = { 2, 1, 1, 0, 0, 0, 1, 0, 2, 5 };
	static const uint64_t inner[][2] = { { 0, 8 }, { 0x80, 0x60 } };
	uint8_t bytes[0x200] = { 1, 0x1b, 0xff, 0xff, 0x1c };
	struct elf_make m;
	size_t size;

	elf_make_init(&m, true, false, ET_DYN, EM_X86_64);
	for (size_t i = 0; i < sizeof dynamic / sizeof dynamic[0]; i++)
		elf_make_store(&m, bytes + 0x80 + 8 * i, dynamic[i], 8);
	for (size_t i = 0; i < sizeof hash / sizeof hash[0]; i++)
		elf_make_store(&m, bytes + 0x1c0 + 4 * i, hash[i], 4);
	elf_make_symbol(&m, bytes + 0x118, 1, GLOBAL_FUNC, 7, 0x1040, 8);
	elf_make_symbol(&m, bytes + 0x130, 5, GLOBAL_FUNC, 7, 0x1048, 8);
	memcpy(bytes + 0x180, "\0one\0two", 9);
	unsigned all = elf_make_section(&m, "a", PROGBITS, A | X, 0x1000, bytes, sizeof bytes);
	unsigned hdr = elf_make_section(&m, "b", PROGBITS, A, 0x1000, NULL, 8);
	unsigned tags = elf_make_section(&m, "c", PROGBITS, A, 0x1080, NULL, 0x60);
	m.sections[hdr].stored = m.sections[tags].stored = 0;
	elf_make_segment(&m, PT_LOAD, 5, all, all);
	elf_make_segment(&m, PT_GNU_EH_FRAME, 4, hdr, hdr);
	elf_make_segment(&m, PT_DYNAMIC, 4, tags, tags);
	m.without_section_headers = true;
	uint8_t *file = elf_make_finish(&m, &size);
	for (size_t i = 0; i < 2; i++) {
		elf_make_store(&m, file + m.phoff + 56 * (i + 1) + 8, m.sections[all].offset + inner[i][0], 8);
		elf_make_store(&m, file + m.phoff + 56 * (i + 1) + 32, inner[i][1], 8);
	}
	save("headless-64", file, size);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	folder = argv[1];
	make_shared("dyn-64-little", true, false);
	make_shared("dyn-64-big", true, true);
	make_shared("dyn-32-little", false, false);
	make_shared("dyn-32-big", false, true);
	make_relocatable();
	make_headless();
	return 0;
}
