/* SPDX-License-Identifier: MIT */
/*
 * Writes the first inputs of the targets whose inputs are put together from several parts: FOLDER/<target>/<name>, from the makers of the unit tests.
 *
 *     fuzz_seeds FOLDER
 *
 * The folders must be there. What is checked in was made by it.
 */
#include "base/bytes.h"
#include "tests/dwarf_make.h"

#include <stdio.h>

enum { SEED_MAX = 64 << 10 };

struct seed {
	uint8_t bytes[SEED_MAX];
	size_t size;
};

static void put(struct seed *seed, const void *bytes, size_t size)
{
	if (size > SEED_MAX - seed->size)
		abort();
	memcpy(seed->bytes + seed->size, bytes, size);
	seed->size += size;
}

static void put_byte(struct seed *seed, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	put(seed, &byte, 1);
}

static void put_u16(struct seed *seed, size_t value)
{
	put_byte(seed, value & 0xff);
	put_byte(seed, value >> 8 & 0xff);
}

static void save(const char *folder, const char *target, const char *name, const struct seed *seed)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
	file = fopen(path, "wb");
	if (!file || fwrite(seed->bytes, 1, seed->size, file) != seed->size || fclose(file)) {
		perror(path);
		exit(1);
	}
}

/* ---- Objects ---- */

static const uint8_t build_id[] = { 4, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0, 1, 2, 3, 4, 5, 6, 7, 8 };

/* Two functions, with the names that C++ gives them, and a build id. */
static uint8_t *make_stripped(const struct dwarf_format *format, size_t *ret_size)
{
	static const char names[] = "\0_Z5outeri\0_Z4leafv\0outer_alias";
	static const uint8_t text[0x40] = { 0x55, 0x48, 0x89, 0xe5, 0x5d, 0xc3 };
	uint8_t symbols[4 * 24] = { 0 };
	unsigned section, symtab;
	struct elf_make m;
	size_t size;

	elf_make_init(&m, format->address_size == 8, format->big_endian, 3, dwarf_machine(format));
	elf_make_section(&m, ".note.gnu.build-id", 7, 2, 0x200, build_id, sizeof(build_id));
	section = elf_make_section(&m, ".text", 1, 6, 0x1000, text, sizeof(text));
	size = m.is_64 ? 24 : 16;
	size += elf_make_symbol(&m, symbols + size, 1, 0x12, (uint16_t)section, 0x1000, 0x10);
	size += elf_make_symbol(&m, symbols + size, 11, 0x12, (uint16_t)section, 0x1010, 0x10);
	size += elf_make_symbol(&m, symbols + size, 20, 0x22, (uint16_t)section, 0x1000, 0x10);
	symtab = elf_make_section(&m, ".symtab", 2, 0, 0, symbols, size);
	m.sections[symtab].entsize = size / 4;
	m.sections[symtab].info = 1;
	m.sections[symtab].link = elf_make_section(&m, ".strtab", 3, 0, 0, names, sizeof(names));
	elf_make_segment(&m, 1, 5, section, section);
	return elf_make_finish(&m, ret_size);
}

/* The same functions' debug information: one that was inlined into the other, lines, ranges. */
static uint8_t *make_debug(const struct dwarf_format *format, size_t *ret_size)
{
	struct dwarf_make m;
	uint64_t lines, leaf, unit;
	uint8_t *file;

	dwarf_make_init(&m, *format);
	m.text_size = 0x40;
	lines = dwarf_lines_start(&m, NULL);
	dwarf_row(&m, 0x1000, 1, 10, 0);
	dwarf_row(&m, 0x1004, 2, 20, 7);
	dwarf_row(&m, 0x1008, 1, 11, 3);
	dwarf_sequence_end(&m, 0x1020);
	dwarf_lines_end(&m);
	unit = dwarf_unit_start(&m);
	DWARF_OPEN(&m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_CODE(0x1000, 0x20), AT_LINES(lines));
	leaf = DWARF_ENTRY(&m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
	DWARF_OPEN(&m, WB_TAG_SUBPROGRAM, AT_NAME("outer"), AT_CODE(0x1000, 0x10));
	DWARF_ENTRY(&m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1004, 4), AT_CALL(1, 12, 3));
	dwarf_close(&m);
	DWARF_ENTRY(&m, WB_TAG_SUBPROGRAM, AT_NAME("other"), AT_CODE(0x1010, 0x10));
	dwarf_close(&m);
	dwarf_unit_end(&m);
	dwarf_aranges_start(&m, unit);
	dwarf_arange(&m, 0x1000, 0x20);
	dwarf_aranges_end(&m);
	file = dwarf_make_object(&m, ret_size);
	dwarf_make_deinit(&m);
	return file;
}

/* ---- symbolize ---- */

enum { WITH_DEBUG = 1, WITH_ALL = 31, RAW = 32 };

static void make_symbolize(const char *folder, const char *name, const struct dwarf_format *format, bool split, unsigned choices, unsigned more)
{
	static struct seed seed;
	size_t size, second_size;
	uint8_t *object = split ? make_stripped(format, &size) : make_debug(format, &size), *second = split ? make_debug(format, &second_size) : NULL;

	seed.size = 0;
	put_u16(&seed, size);
	put_byte(&seed, choices);
	put_byte(&seed, more);
	put(&seed, object, size);
	if (second)
		put(&seed, second, second_size);
	save(folder, "symbolize", name, &seed);
	free(object);
	free(second);
}

/* ---- folder ---- */

static void put_file(struct seed *seed, unsigned name, const void *bytes, size_t size)
{
	put_byte(seed, name);
	put_u16(seed, size);
	put(seed, bytes, size);
}

static void make_folder(const char *folder)
{
	static const char maps[] = "10001000-10002000 r-xp 00001000 08:01 12 /usr/lib/libx.so\n10002000-10003000 rw-p 00000000 00:00 0\n"
	                           "7fff0000-7fff1000 rw-p 00000000 00:00 0 [stack]\n";
	static const char regs[] = "rip: 10001004\nrsp: 7fff0000\nrbp: 7fff0020\nrbx: 0\n";
	static const uint8_t stack[] = { 0, 0, 0xff, 0x7f, 0, 0, 0, 0, 0x14, 0x10, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static struct seed seed;
	size_t size;
	uint8_t *object = make_stripped(&(struct dwarf_format){ .address_size = 8 }, &size);

	put_file(&seed, 0, maps, sizeof(maps) - 1);
	put_file(&seed, 1, regs, sizeof(regs) - 1);
	put_file(&seed, 2, stack, sizeof(stack));
	put_file(&seed, 5, object, size);
	save(folder, "folder", "x86_64", &seed);
	free(object);
}

/* A recording in several files: one of the corpus of fuzz_perf, and its records again (where they are: linux/tools/perf's perf_file_header, at 40 and 48). */
static void make_perf_folder(const char *folder)
{
	enum { FILE_MAX = 16 << 10, DATA_AT = 40 };
	static struct seed seed;
	static uint8_t bytes[FILE_MAX];
	uint64_t at, count;
	char path[4096];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/perf/file", folder);
	file = fopen(path, "rb");
	size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
	if (!size || fclose(file) || size < DATA_AT + 16) {
		perror(path);
		exit(1);
	}
	at = wb_load64(bytes + DATA_AT, false);
	count = wb_load64(bytes + DATA_AT + 8, false);
	if (at > size || count > size - at)
		abort();
	put_file(&seed, 8, bytes, size);
	put_file(&seed, 9, bytes + at, (size_t)count);
	save(folder, "folder", "perf", &seed);
}

/* ---- Texts ---- */

static void make_text(const char *folder, const char *target, const char *name, unsigned first, const char *text, size_t size)
{
	static struct seed seed;

	seed.size = 0;
	put_byte(&seed, first);
	put(&seed, text, size);
	save(folder, target, name, &seed);
}

/* A query: role and finder, no build id or one of 20 bytes, path, referrer. */
static void make_query(const char *folder, const char *name, unsigned finder, unsigned role, const char *path, const char *referrer)
{
	static struct seed seed;

	seed.size = 0;
	put_byte(&seed, finder * 6 + role);
	put_byte(&seed, 20);
	for (unsigned i = 0; i < 20; i++)
		put_byte(&seed, i < 16 ? i + 1 : 0);
	put(&seed, path, strlen(path) + 1);
	put(&seed, referrer, strlen(referrer));
	save(folder, "find", name, &seed);
}

int main(int argc, char **argv)
{
	static const char lines[] = "0x1000\n1004\n  1008 ignored\nouter\nouter+4\n0x100000000000000000\n(anonymous namespace)::f()\n\nffffffffffffffff\r\n1010";
	static const char words[] = "-e 'a b' \"c\\\"d\" e\\ f\n\t-i 0x1000\n";
	const struct dwarf_format v5 = { .version = 5, .offset_size = 4, .address_size = 8 }, v4 = { .version = 4, .offset_size = 4, .address_size = 8 };
	const struct dwarf_format v2 = { .version = 2, .offset_size = 4, .address_size = 4, .big_endian = true };

	if (argc != 2) {
		fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
		return 2;
	}
	make_symbolize(argv[1], "version_5", &v5, false, 0, 2);
	make_symbolize(argv[1], "version_2_big_endian", &v2, false, RAW, 2 | 4);
	make_symbolize(argv[1], "debug_file", &v4, true, WITH_DEBUG, 2);
	make_symbolize(argv[1], "all_roles", &v5, true, WITH_ALL, 1);
	make_folder(argv[1]);
	make_perf_folder(argv[1]);
	for (unsigned i = 0; i < 5; i++) {
		char name[] = "options_0";

		name[8] = (char)('0' + i);
		make_text(argv[1], "command", name, i, lines, sizeof(lines) - 1);
	}
	make_text(argv[1], "command", "response_file", 5, words, sizeof(words) - 1);
	make_query(argv[1], "sysroot_recorded", 1, 0, "/usr/lib/libx.so (deleted)", "");
	make_query(argv[1], "debug_link", 2, 1, "libx.so.debug", "/usr/lib/libx.so");
	make_query(argv[1], "dwz", 2, 2, "../../.dwz/x86_64/libx.debug", "/usr/lib/debug/libx.debug");
	make_query(argv[1], "dwo", 0, 3, "sub/a.dwo", "/src/a");
	make_query(argv[1], "cache_climbs", 3, 0, "/../../etc/x", "");
	make_query(argv[1], "vdso", 3, 0, "[vdso]", "");
	make_query(argv[1], "debuginfod", 4, 1, "libx.so.debug", "/usr/lib/libx.so");
	return 0;
}
