/* SPDX-License-Identifier: MIT */
/* ELF files that are made here byte by byte: both classes and byte orders, every place for a build id, files without section headers,
 * images read from memory, what opening reads, and damage of all kinds. */
#include "test.h"

#include "base/mem.h"
#include "formats/image_elf.h"
#include "unit/elf_open.h"

/* ---- Headers ----------------------------------------------------------------------------------------------------------------- */

static void knows_architectures(void)
{
	static const struct { const char *name; bool is_64, big_endian; uint16_t machine; enum wb_arch expect; } table[] = {
		{ "x86-64", true, false, EM_X86_64, WB_ARCH_X86_64 },
		{ "x32", false, false, EM_X86_64, WB_ARCH_X86_64 },
		{ "i386", false, false, EM_386, WB_ARCH_X86 },
		{ "aarch64", true, false, EM_AARCH64, WB_ARCH_AARCH64 },
		{ "aarch64 big", true, true, EM_AARCH64, WB_ARCH_AARCH64 },
		{ "arm", false, false, EM_ARM, WB_ARCH_ARM },
		{ "riscv64", true, false, EM_RISCV, WB_ARCH_RISCV64 },
		{ "riscv32", false, false, EM_RISCV, WB_ARCH_UNKNOWN },
		{ "s390x", true, true, EM_S390, WB_ARCH_S390X },
		{ "ppc64", true, true, 21, WB_ARCH_PPC64 },
		{ "mips", false, true, EM_MIPS, WB_ARCH_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct elf_make m;
		struct wb_object *object;
		uint8_t note[64];
		size_t index;

		test_row(table[i].name);
		elf_make_init(&m, table[i].is_64, table[i].big_endian, ET_DYN, table[i].machine);
		elf_make_section(&m, ".note.gnu.build-id", NOTE, A, 0x200, note, elf_make_build_id(&m, note, id, sizeof id));
		unsigned text = elf_make_section(&m, ".text", PROGBITS, A | X, 0x1000, code, sizeof code);
		elf_make_section(&m, ".bss", NOBITS, A | W, 0x3000, NULL, 0x40);
		elf_make_segment(&m, PT_LOAD, 5, text, text);
		REQUIRE(open_made(&m, 0, &object) == WB_OK);
		CHECK_EQ_U64(object->platform.arch, table[i].expect);
		CHECK_EQ_U64(object->platform.big_endian, table[i].big_endian);
		CHECK_EQ_U64(object->build_id_size, sizeof id);
		CHECK_MEM(object->build_id, id, sizeof id);
		CHECK_EQ_U64(object->num_segments, 1);
		CHECK_EQ_U64(object->segments[0].vaddr, 0x1000);
		CHECK_EQ_U64(object->segments[0].filesz, sizeof code);
		CHECK_EQ_U64(object->segments[0].prot, WB_PROT_READ | WB_PROT_EXEC);
		CHECK_EQ_I64(wb_object_find_section(object, ".text", &index), WB_OK);
		CHECK_EQ_U64(object->sections[index].flags, WB_SECTION_ALLOC | WB_SECTION_EXEC);
		CHECK_EQ_I64(wb_object_find_section(object, ".bss", &index), WB_NONE);
		CHECK_EQ_U64(num_diags, 0);
		wb_object_close(object);
	}
}

static void refuses_other_files(void)
{
	static const struct { const char *name; uint16_t type; enum wb_err expect; const char *text; } table[] = {
		{ "core", ET_CORE, WB_ERR_UNSUPPORTED, "made: an ELF core, where an executable or a shared object is wanted" },
		{ "none", 0, WB_ERR_UNSUPPORTED, "made: neither an ELF executable nor a shared object nor a relocatable file" },
	};
	struct wb_object *object = NULL;
	struct elf_make m;

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		test_row(table[i].name);
		elf_make_init(&m, true, false, table[i].type, EM_X86_64);
		CHECK_EQ_I64(open_made(&m, 0, &object), table[i].expect);
		CHECK_STR(last_diag, table[i].text);
	}
	test_row("empty");
	CHECK_EQ_I64(open_exact(malloc(1), 0, 0, &object), WB_ERR_UNSUPPORTED);
	CHECK_STR(last_diag, "made: empty file");
	test_row("neither class");
	uint8_t *bytes = calloc(1, 64);
	memcpy(bytes, "\177ELF\3\1\1", 7);
	CHECK_EQ_I64(open_exact(bytes, 64, 0, &object), WB_ERR_DATA);
}

/* Counts that do not fit the header are in section header 0. */
static void reads_extended_counts(void)
{
	struct wb_object *object;
	struct elf_make m;
	size_t size, index;

	elf_make_init(&m, true, false, ET_DYN, EM_X86_64);
	unsigned text = elf_make_section(&m, ".text", PROGBITS, A | X, 0x1000, code, sizeof code);
	elf_make_segment(&m, PT_LOAD, 5, text, text);
	m.sections[0].size = 3;       /* sh_size: e_shnum; sh_link: e_shstrndx; sh_info: e_phnum */
	m.sections[0].link = 2;
	m.sections[0].info = 1;
	uint8_t *bytes = elf_make_finish(&m, &size);
	elf_make_store(&m, bytes + 56, 0xffff, 2);
	elf_make_store(&m, bytes + 60, 0, 2);
	elf_make_store(&m, bytes + 62, 0xffff, 2);
	REQUIRE(open_exact(bytes, size, 0, &object) == WB_OK);
	CHECK_EQ_U64(object->num_sections, 3);
	CHECK_EQ_U64(object->num_segments, 1);
	CHECK_EQ_I64(wb_object_find_section(object, ".text", &index), WB_OK);
	wb_object_close(object);
}

static void finds_the_build_id_in_segments(void)
{
	struct wb_object *object;
	struct elf_make m;
	uint8_t note[96] = { 0 };

	elf_make_init(&m, false, true, ET_DYN, EM_S390);
	/* First a note of another kind, with padding behind its name and description: 3 + 1, 5 + 3. */
	elf_make_store(&m, note, 3, 4);
	elf_make_store(&m, note + 4, 5, 4);
	elf_make_store(&m, note + 8, 9, 4);
	memcpy(note + 12, "Go", 3);
	size_t size = 24 + elf_make_build_id(&m, note + 24, id, sizeof id);
	unsigned section = elf_make_section(&m, "ignored", PROGBITS, A, 0x200, note, size);
	elf_make_segment(&m, PT_NOTE, 4, section, section);
	m.without_section_headers = true;
	REQUIRE(open_made(&m, 0, &object) == WB_OK);
	CHECK_EQ_U64(object->build_id_size, sizeof id);
	CHECK_MEM(object->build_id, id, sizeof id);
	wb_object_close(object);
}

static void reads_links(void)
{
	static const uint8_t link[] = "a.debug\0\x12\x34\x56\x78"; /* a name of 8 bytes with its NUL, so the CRC follows at once */
	static const uint8_t alt[] = "../x.dwz\0\1\2\3\4\5\6\7\10";
	struct wb_object *object;
	struct elf_make m;

	elf_make_init(&m, true, true, ET_DYN, EM_AARCH64);
	elf_make_section(&m, ".gnu_debuglink", PROGBITS, 0, 0, link, 12);
	elf_make_section(&m, ".gnu_debugaltlink", PROGBITS, 0, 0, alt, sizeof alt - 1);
	REQUIRE(open_made(&m, 0, &object) == WB_OK);
	CHECK_STR(object->debuglink, "a.debug");
	CHECK_EQ_U64(object->debuglink_crc, 0x12345678);
	CHECK_STR(object->altlink, "../x.dwz");
	CHECK_EQ_U64(object->altlink_id_size, 8);
	CHECK_MEM(object->altlink_id, "\1\2\3\4\5\6\7\10", 8);
	wb_object_close(object);

	test_row("cut");
	elf_make_init(&m, true, true, ET_DYN, EM_AARCH64);
	elf_make_section(&m, ".gnu_debuglink", PROGBITS, 0, 0, link, 10);
	REQUIRE(open_made(&m, 0, &object) == WB_OK);
	CHECK(object->debuglink == NULL);
	CHECK_STR(last_diag, "made: .gnu_debuglink+0x0: neither a name nor a CRC");
	wb_object_close(object);
}

static void tells_debug_files(void)
{
	struct wb_object *object;
	struct elf_make m;

	elf_make_init(&m, true, false, ET_DYN, EM_X86_64);
	elf_make_section(&m, ".text", NOBITS, A | X, 0x1000, NULL, 0x100);
	elf_make_section(&m, ".debug_info", PROGBITS, 0, 0, code, sizeof code);
	REQUIRE(open_made(&m, 0, &object) == WB_OK);
	CHECK(object->is_debug_only);
	wb_object_close(object);
}

/* ---- Without section headers ----------------------------------------------------------------------------------------------------------- */

/* .eh_frame_hdr, .eh_frame, the dynamic section and what it points at, all in one segment at 0x1000. */
struct headless {
	uint8_t bytes[0x200];
	struct elf_make m;
};

static void make_headless(struct headless *h, bool with_hash, bool with_gnu_hash)
{
	static const uint32_t tags[] = { 6, 5, 10 };  /* DT_SYMTAB, DT_STRTAB, DT_STRSZ */
	static const uint64_t values[] = { 0x1100, 0x1180, 16 };
	struct elf_make *m = &h->m;
	size_t at = 0x80;

	memset(h->bytes, 0, sizeof h->bytes);
	elf_make_init(m, true, false, ET_DYN, EM_X86_64);
	/* hdr at 0x1000: version 1, pcrel sdata4, the rest omitted; .eh_frame is at 0x1020 = 0x1004 + 0x1c */
	memcpy(h->bytes, "\1\x1b\xff\xff\x1c\0\0\0", 8);
	memset(h->bytes + 0x20, 0xee, 0x10);
	for (size_t i = 0; i < 3; i++, at += 16) {
		elf_make_store(m, h->bytes + at, tags[i], 8);
		elf_make_store(m, h->bytes + at + 8, values[i], 8);
	}
	if (with_hash) {
		elf_make_store(m, h->bytes + at, 4, 8);
		elf_make_store(m, h->bytes + at + 8, 0x11c0, 8);
		at += 16;
		elf_make_store(m, h->bytes + 0x1c0, 1, 4);   /* one bucket, three symbols */
		elf_make_store(m, h->bytes + 0x1c4, 3, 4);
	}
	if (with_gnu_hash) {
		elf_make_store(m, h->bytes + at, 0x6ffffef5, 8);
		elf_make_store(m, h->bytes + at + 8, 0x11c0, 8);
		elf_make_store(m, h->bytes + 0x1c0, 2, 4);   /* two buckets, symbols from 1 on, one Bloom word */
		elf_make_store(m, h->bytes + 0x1c4, 1, 4);
		elf_make_store(m, h->bytes + 0x1c8, 1, 4);
		elf_make_store(m, h->bytes + 0x1d8, 1, 4);   /* bucket 0: symbol 1; bucket 1: empty */
		elf_make_store(m, h->bytes + 0x1e0, 2, 4);   /* chain: 1 goes on, 2 ends */
		elf_make_store(m, h->bytes + 0x1e4, 5, 4);
	}
	elf_make_symbol(m, h->bytes + 0x100 + 24, 1, GLOBAL | FUNC, 7, 0x1040, 8);
	elf_make_symbol(m, h->bytes + 0x100 + 48, 5, GLOBAL | FUNC, 7, 0x1048, 8);
	memcpy(h->bytes + 0x180, "\0one\0two", 9);
	unsigned all = elf_make_section(m, "all", PROGBITS, A | X, 0x1000, h->bytes, sizeof h->bytes);
	unsigned hdr = elf_make_section(m, "hdr", PROGBITS, A, 0x1000, NULL, 8);
	unsigned dynamic = elf_make_section(m, "dynamic", PROGBITS, A, 0x1080, NULL, 0x60);
	m->sections[hdr].stored = m->sections[dynamic].stored = 0;
	elf_make_segment(m, PT_LOAD, 5, all, all);
	elf_make_segment(m, PT_GNU_EH_FRAME, 4, hdr, hdr);
	elf_make_segment(m, PT_DYNAMIC, 4, dynamic, dynamic);
	m->without_section_headers = true;
}

/* Patches the two inner segments to lie inside of the first, which the maker cannot. */
static uint8_t *finish_headless(struct headless *h, size_t *ret_size)
{
	uint8_t *bytes = elf_make_finish(&h->m, ret_size);
	static const uint64_t inner[][2] = { { 0, 8 }, { 0x80, 0x60 } };

	for (size_t i = 0; i < 2; i++) {
		uint8_t *segment = bytes + h->m.phoff + 56 * (i + 1);

		elf_make_store(&h->m, segment + 8, h->m.sections[1].offset + inner[i][0], 8);
		elf_make_store(&h->m, segment + 32, inner[i][1], 8);
	}
	return bytes;
}

static void serves_files_without_section_headers(void)
{
	static const struct { const char *name; bool hash, gnu_hash; const char *expect; } table[] = {
		{ "System V hash", true, false, "dynamic 1040+8 t1 b2 x one\ndynamic 1048+8 t1 b2 x two\n" },
		{ "GNU hash", false, true, "dynamic 1040+8 t1 b2 x one\ndynamic 1048+8 t1 b2 x two\n" },
		/* Up to the strings there is room for 5 symbols; the two that follow are undefined. */
		{ "no hash", false, false, "dynamic 1040+8 t1 b2 x one\ndynamic 1048+8 t1 b2 x two\n" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_object *object;
		struct wb_piece piece;
		struct headless h;
		size_t size;

		test_row(table[i].name);
		make_headless(&h, table[i].hash, table[i].gnu_hash);
		uint8_t *bytes = finish_headless(&h, &size);
		REQUIRE(open_exact(bytes, size, 0, &object) == WB_OK);
		REQUIRE(read_named(object, ".eh_frame_hdr", &piece) == WB_OK);
		CHECK_EQ_U64(piece.size, 8);
		wb_piece_deinit(&piece);
		REQUIRE(read_named(object, ".eh_frame", &piece) == WB_OK);
		CHECK_EQ_U64(piece.size, 0x200 - 0x20);
		CHECK_EQ_U64(piece.bytes[0], 0xee);
		wb_piece_deinit(&piece);
		CHECK_EQ_I64(list(object), WB_OK);
		CHECK_STR(listed, table[i].expect);
		wb_object_close(object);
	}
}

/* The same image as it lies in memory: offset 0 is the first page, and p_offset counts for nothing. */
static void reads_the_loaded_layout(void)
{
	struct wb_object *object;
	struct wb_piece piece;
	struct headless h;
	uint64_t offset;
	size_t size;

	make_headless(&h, true, false);
	uint8_t *file = finish_headless(&h, &size);
	/* The header at 0x0, the segment at 0x1000; the program header says the segment starts at offset 0x40 of the file. */
	uint8_t *memory = calloc(1, 0x1200);
	memcpy(memory, file, h.m.phoff + 3 * 56);
	memcpy(memory + 0x1000, h.bytes, sizeof h.bytes);
	free(file);
	uint8_t *segment = memory + h.m.phoff;
	elf_make_store(&h.m, segment + 8, 0x40, 8);
	elf_make_store(&h.m, segment + 16, 0x1000, 8);
	/* The first segment is the header's: offset 0 at 0. */
	uint8_t first[56];
	memcpy(first, segment, 56);
	elf_make_store(&h.m, first + 8, 0, 8);
	elf_make_store(&h.m, first + 16, 0, 8);
	elf_make_store(&h.m, first + 32, 0x200, 8);
	elf_make_store(&h.m, first + 40, 0x200, 8);
	memmove(segment + 56, segment, 3 * 56);
	memcpy(segment, first, 56);
	elf_make_store(&h.m, memory + 56, 4, 2);
	REQUIRE(open_exact(memory, 0x1200, WB_IMAGE_LOADED, &object) == WB_OK);
	CHECK(object->loaded_layout);
	CHECK_EQ_I64(wb_object_offset_of_vaddr(object, 0x1048, &offset), WB_OK);
	CHECK_EQ_U64(offset, 0x1048);
	REQUIRE(read_named(object, ".eh_frame", &piece) == WB_OK);
	CHECK_EQ_U64(piece.bytes[0], 0xee);
	wb_piece_deinit(&piece);
	CHECK_EQ_I64(list(object), WB_OK);
	CHECK_STR(listed, "dynamic 1040+8 t1 b2 x one\ndynamic 1048+8 t1 b2 x two\n");
	wb_object_close(object);
}

/* ---- What is read ------------------------------------------------------------------------------------------------------------------------- */

/* A file whose head is real; the 100 MB behind it are zeros. Counts what is read of it. */
struct counted {
	const uint8_t *bytes;
	size_t size, reads, read;
};

static enum wb_err read_counted(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	struct counted *counted = arg;

	memset(buffer, 0, count);
	if (offset < counted->size)
		memcpy(buffer, counted->bytes + offset, counted->size - offset < count ? counted->size - (size_t)offset : count);
	counted->reads++;
	counted->read += count;
	*ret_got = count;
	return WB_OK;
}

static void opening_reads_headers_only(void)
{
	static const char strings[] = "\0f";
	enum { LARGE = 100 << 20 };
	struct counted counted = { 0 };
	struct wb_source source = { .size = sizeof source, .length = LARGE + (1 << 20), .arg = &counted, .read = read_counted };
	uint8_t note[64], symbols[48];
	struct wb_object *object;
	struct wb_piece piece;
	struct wb_file *file;
	struct elf_make m;

	elf_make_init(&m, true, false, ET_DYN, EM_X86_64);
	elf_make_section(&m, ".note.gnu.build-id", NOTE, A, 0x200, note, elf_make_build_id(&m, note, id, sizeof id));
	unsigned text = elf_make_section(&m, ".text", PROGBITS, A | X, 0x1000, code, sizeof code);
	elf_make_symbol(&m, symbols, 0, 0, 0, 0, 0);
	elf_make_symbol(&m, symbols + 24, 1, GLOBAL | FUNC, (uint16_t)text, 0x1000, 6);
	unsigned symtab = elf_make_section(&m, ".symtab", SYMTAB, 0, 0, symbols, sizeof symbols);
	m.sections[symtab].link = elf_make_section(&m, ".strtab", STRTAB, 0, 0, strings, sizeof strings);
	/* Header only: the section is as large as its header says. */
	unsigned info = elf_make_section(&m, ".debug_info", PROGBITS, 0, 0, NULL, LARGE);
	m.sections[info].stored = 0;
	counted.bytes = elf_make_finish(&m, &counted.size);
	REQUIRE(wb_file_of_source(&source, &file) == WB_OK);
	REQUIRE(wb_object_open(fresh_diags(), "large", file, 0, &object) == WB_OK);
	CHECK(counted.reads <= 6);       /* the head for the formats, the header, section headers, their names, a note */
	CHECK(counted.read <= 4096 + 64 + 7 * 64 + 128 + 64);
	CHECK_EQ_I64(list(object), WB_OK);
	CHECK_STR(listed, "static 1000+6 t1 b2 x f\n");
	CHECK(counted.read < 8192);
	REQUIRE(read_named(object, ".debug_info", &piece) == WB_OK);
	CHECK_EQ_U64(piece.size, LARGE);
	CHECK(counted.read >= LARGE);
	wb_piece_deinit(&piece);
	wb_object_close(object);
	free(m.out);
}

/* ---- Damage -------------------------------------------------------------------------------------------------------------------------------- */

static void survives_bad_tables(void)
{
	static const struct { const char *name; size_t at; uint64_t value; unsigned size; const char *text; bool has_sections; } table[] = {
		{ "section headers outside", 40, 0x100000, 8, "made: offset 0x100000: headers lie outside of the file", false },
		{ "section headers past everything", 40, UINT64_MAX - 8, 8, "made: offset 0xfffffffffffffff7: headers lie outside of the file", false },
		{ "program headers outside", 32, 0x100000, 8, "made: offset 0x100000: headers lie outside of the file", true },
		{ "small section headers", 58, 4, 2, NULL, false },
		{ "too many sections", 60, 0xfff0, 2, NULL, false },
		{ "names elsewhere", 62, 0xfff0, 2, NULL, true },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_object *object;
		struct elf_make m;
		size_t size;

		test_row(table[i].name);
		elf_make_init(&m, true, false, ET_DYN, EM_X86_64);
		unsigned text = elf_make_section(&m, ".text", PROGBITS, A | X, 0x1000, code, sizeof code);
		elf_make_segment(&m, PT_LOAD, 5, text, text);
		uint8_t *bytes = elf_make_finish(&m, &size);
		elf_make_store(&m, bytes + table[i].at, table[i].value, table[i].size);
		REQUIRE(open_exact(bytes, size, 0, &object) == WB_OK);
		CHECK_EQ_U64(object->num_sections > 0, table[i].has_sections);
		if (table[i].text)
			CHECK_STR(last_diag, table[i].text);
		CHECK_EQ_I64(list(object), WB_OK);
		wb_object_close(object);
	}
}

static void refuses_sections_outside(void)
{
	struct wb_object *object;
	struct wb_piece piece;
	struct elf_make m;
	size_t index;

	elf_make_init(&m, true, false, ET_DYN, EM_X86_64);
	unsigned info = elf_make_section(&m, ".debug_info", PROGBITS, 0, 0, code, sizeof code);
	unsigned line = elf_make_section(&m, ".debug_line", PROGBITS, 0, 0, code, sizeof code);
	m.sections[info].size = 1 << 20;
	m.sections[line].size = UINT64_MAX - 4;   /* offset + size wraps */
	REQUIRE(open_made(&m, 0, &object) == WB_OK);
	CHECK_EQ_I64(read_named(object, ".debug_info", &piece), WB_ERR_DATA);
	CHECK_STR(last_diag, "made: .debug_info: lies outside of the file");
	CHECK_EQ_I64(wb_object_find_section(object, ".debug_line", &index), WB_NONE);
	wb_object_close(object);
}

/* Every byte cut off, and every byte changed: no crash, and whatever opens can be read and listed. */
static void survives_any_damage(void)
{
	struct headless h;
	size_t size;

	make_headless(&h, false, true);
	h.m.without_section_headers = false;
	uint8_t *bytes = finish_headless(&h, &size);
	for (size_t i = 0; i < 2 * size; i++) {
		size_t length = i < size ? i : size;
		uint8_t *copy = malloc(size);
		struct wb_object *object;

		memcpy(copy, bytes, size);
		if (i >= size)
			copy[i - size] ^= (uint8_t)(0xff >> i % 8);
		if (open_exact(copy, length, i & 1 ? WB_IMAGE_LOADED : 0, &object) != WB_OK)
			continue;
		for (size_t k = 0; k < object->num_sections; k++) {
			struct wb_piece piece;

			if (object->format->read_section(object, k, &piece) == WB_OK)
				wb_piece_deinit(&piece);
		}
		list(object);
		wb_object_close(object);
	}
	CHECK(true);
	free(bytes);
}

/* Out of memory at any place is an error, and nothing is lost. */
static void survives_missing_memory(void)
{
	static const uint8_t link[12] = "a.debug";
	bool done = false;

	for (uint64_t nth = 1; nth < 200 && !done; nth++) {
		struct wb_object *object;
		struct headless h;
		size_t size;

		make_headless(&h, true, false);
		h.m.without_section_headers = false;
		elf_make_section(&h.m, ".gnu_debuglink", PROGBITS, 0, 0, link, sizeof link);
		elf_make_section(&h.m, ".zdebug_info", PROGBITS, 0, 0, link, sizeof link);
		uint8_t *bytes = finish_headless(&h, &size);
		struct wb_diags *diags = fresh_diags();
		struct wb_file *file;
		uint8_t *exact = wb_mem_dup(bytes, size);
		wb_mem_fail_at(nth, false);
		enum wb_err err = wb_file_of_bytes(exact, size, wb_mem_free, exact, &file);
		if (!err)
			err = wb_object_open(diags, "made", file, 0, &object);
		if (!err) {
			list(object);
			wb_object_close(object);
		}
		done = wb_mem_count() < nth;
		wb_mem_fail_at(0, false);
		CHECK(done ? err == WB_OK : err == WB_OK || err == WB_ERR_MEMORY);
		free(bytes);
	}
	CHECK(done);
}

/* Names may overlap, so one long string and many symbols would cost their product. */
static void refuses_endless_names(void)
{
	enum { LIMIT = 64 << 10 };
	struct wb_piece strings = { .size = LIMIT + 2 };
	uint8_t *bytes = calloc(1, LIMIT + 2);

	REQUIRE(bytes);
	memset(bytes, 'a', LIMIT);
	strings.bytes = bytes;
	CHECK(!wb_elf_string(&strings, 0));
	CHECK(wb_elf_string(&strings, 1) == (const char *)bytes + 1);
	CHECK_STR(wb_elf_string(&strings, LIMIT + 1), "");
	CHECK(!wb_elf_string(&strings, LIMIT + 2));
	free(bytes);
}

int main(void)
{
	TEST_RUN(knows_architectures);
	TEST_RUN(refuses_other_files);
	TEST_RUN(reads_extended_counts);
	TEST_RUN(finds_the_build_id_in_segments);
	TEST_RUN(reads_links);
	TEST_RUN(tells_debug_files);
	TEST_RUN(serves_files_without_section_headers);
	TEST_RUN(reads_the_loaded_layout);
	TEST_RUN(opening_reads_headers_only);
	TEST_RUN(survives_bad_tables);
	TEST_RUN(refuses_sections_outside);
	TEST_RUN(refuses_endless_names);
	TEST_RUN(survives_any_damage);
	TEST_RUN(survives_missing_memory);
	wb_diags_deinit(fresh_diags());
	return test_summary();
}
