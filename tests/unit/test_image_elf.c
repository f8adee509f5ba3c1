/* SPDX-License-Identifier: MIT */
/* ELF files that are made here byte by byte: both classes and byte orders, every place for a build id, compressed and relocated sections,
 * files without section headers, images read from memory, and damage of all kinds. */
#include "test.h"

#include "base/mem.h"
#include "config.h"
#include "elf_make.h"
#include "model/object.h"

enum {
	ET_REL = 1, ET_EXEC = 2, ET_DYN = 3, ET_CORE = 4,
	EM_386 = 3, EM_S390 = 22, EM_ARM = 40, EM_X86_64 = 62, EM_AARCH64 = 183, EM_RISCV = 243, EM_MIPS = 8,
	PT_LOAD = 1, PT_DYNAMIC = 2, PT_NOTE = 4, PT_GNU_EH_FRAME = 0x6474e550,
	PROGBITS = 1, SYMTAB = 2, STRTAB = 3, RELA = 4, DYNAMIC = 6, NOTE = 7, NOBITS = 8, REL = 9, DYNSYM = 11, SHNDX = 18,
	W = 1, A = 2, X = 4, COMPRESSED = 0x800,
	FUNC = 2, OBJECT = 1, NOTYPE = 0, IFUNC = 10, GLOBAL = 1 << 4, WEAK = 2 << 4, LOCAL = 0,
	ABS = 0xfff1, COMMON = 0xfff2, XINDEX = 0xffff,
};

static const uint8_t id[20] = { 0xde, 0xad, 0xbe, 0xef, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 };
static const uint8_t code[32] = { 0x55, 0x48, 0x89, 0xe5, 0x5d, 0xc3 };

/* ---- Diagnostics ------------------------------------------------------------------------------------------------------ */

static unsigned num_diags;
static char last_diag[512];

static void note_diag(void *arg, const struct wb_diag *diag)
{
	(void)arg;
	num_diags++;
	wb_diag_format(diag, last_diag, sizeof last_diag);
}

static struct wb_diags *fresh_diags(void)
{
	static struct wb_diags diags;
	static bool made;

	if (made)
		wb_diags_deinit(&diags);
	wb_diags_init(&diags, note_diag, NULL);
	made = true;
	num_diags = 0;
	last_diag[0] = 0;
	return &diags;
}

/* Opens a heap block of exactly that size, for the sanitizer build; frees bytes. */
static enum wb_err open_exact(uint8_t *bytes, size_t size, uint32_t flags, struct wb_object **ret_object)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct wb_file *file;

	memcpy(exact, bytes, size);
	free(bytes);
	if (wb_file_of_bytes(exact, size, free, exact, &file) != WB_OK)
		return WB_ERR_MEMORY;
	return wb_object_open(fresh_diags(), "made", file, flags, ret_object);
}

static enum wb_err open_made(struct elf_make *m, uint32_t flags, struct wb_object **ret_object)
{
	size_t size;
	uint8_t *bytes = elf_make_finish(m, &size);

	return open_exact(bytes, size, flags, ret_object);
}

/* ---- Symbols as lines ---------------------------------------------------------------------------------------------------- */

static char listed[4096];

static enum wb_err add_line(void *arg, const struct wb_symbol *s)
{
	static const char *const tables[] = { "static", "dynamic", "plt", "text" };
	size_t at = strlen(listed);

	(void)arg;
	snprintf(listed + at, sizeof listed - at, "%s %" PRIx64 "+%" PRIx64 " t%d b%d%s%s %s\n", tables[s->table], s->value, s->size, s->type,
	         s->binding, s->executable ? " x" : "", s->absolute ? " abs" : "", s->name);
	return WB_OK;
}

static enum wb_err list(struct wb_object *object)
{
	listed[0] = 0;
	return object->format->list_symbols(object, add_line, NULL);
}

/* The bytes of a section as the format reads them; freed with wb_piece_deinit. */
static enum wb_err read_named(struct wb_object *object, const char *name, struct wb_piece *ret_piece)
{
	size_t index;
	enum wb_err err = wb_object_find_section(object, name, &index);

	return err ? err : object->format->read_section(object, index, ret_piece);
}

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

/* ---- Compressed sections -------------------------------------------------------------------------------------------------------- */

/* "walkback\n" a hundred times, by zlib -9 and zstd -19. */
static const uint8_t zlib_bytes[] = {
	0x78, 0xda, 0x2b, 0x4f, 0xcc, 0xc9, 0x4e, 0x4a, 0x4c, 0xce, 0xe6, 0x2a, 0x1f, 0x65, 0x8c, 0x32,
	0x46, 0x19, 0x03, 0xc1, 0x00, 0x00, 0x9b, 0x3d, 0x48, 0xf8,
};
static const uint8_t zstd_bytes[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x64, 0x84, 0x02, 0x85, 0x00, 0x00, 0x48, 0x77, 0x61, 0x6c, 0x6b, 0x62,
	0x61, 0x63, 0x6b, 0x0a, 0x01, 0x00, 0x78, 0x59, 0x95, 0x23, 0xf3, 0xdb, 0x6e, 0x38,
};
enum { INFLATED_SIZE = 900 };

enum packing { CHDR_ZLIB, CHDR_ZSTD, ZDEBUG };

static void inflates_sections(void)
{
	static const struct {
		const char *name;
		bool is_64, big_endian;
		enum packing packing;
		uint64_t claimed;         /* size that the header says */
		uint64_t cut;             /* bytes missing at the end */
		enum wb_err expect;
	} table[] = {
		{ "zlib 64 little", true, false, CHDR_ZLIB, INFLATED_SIZE, 0, WB_OK },
		{ "zlib 64 big", true, true, CHDR_ZLIB, INFLATED_SIZE, 0, WB_OK },
		{ "zlib 32 little", false, false, CHDR_ZLIB, INFLATED_SIZE, 0, WB_OK },
		{ "zlib 32 big", false, true, CHDR_ZLIB, INFLATED_SIZE, 0, WB_OK },
		{ "zstd 64 little", true, false, CHDR_ZSTD, INFLATED_SIZE, 0, WB_OK },
		{ "zstd 32 big", false, true, CHDR_ZSTD, INFLATED_SIZE, 0, WB_OK },
		{ "zdebug", true, false, ZDEBUG, INFLATED_SIZE, 0, WB_OK },
		{ "claims more", true, false, CHDR_ZLIB, INFLATED_SIZE + 1, 0, WB_ERR_DATA },
		{ "claims less", true, false, CHDR_ZSTD, INFLATED_SIZE - 1, 0, WB_ERR_DATA },
		{ "claims the impossible", true, false, CHDR_ZLIB, UINT64_C(1) << 60, 0, WB_ERR_DATA },
		{ "zdebug claims the impossible", true, false, ZDEBUG, UINT64_MAX, 0, WB_ERR_DATA },
		{ "cut", true, false, CHDR_ZLIB, INFLATED_SIZE, 3, WB_ERR_DATA },
		{ "cut in the header", true, false, CHDR_ZLIB, INFLATED_SIZE, sizeof zlib_bytes + 4, WB_ERR_DATA },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		bool is_zstd = table[i].packing == CHDR_ZSTD, is_chdr = table[i].packing != ZDEBUG;
		size_t header = !is_chdr ? 12 : table[i].is_64 ? 24 : 12, packed = is_zstd ? sizeof zstd_bytes : sizeof zlib_bytes;
		uint8_t bytes[128] = "ZLIB";
		struct wb_object *object;
		struct wb_piece piece;
		struct elf_make m;
		size_t index;

		if (is_zstd ? !WB_HAVE_ZSTD : !WB_HAVE_LIBDEFLATE && !WB_HAVE_ZLIB)
			continue;
		test_row(table[i].name);
		elf_make_init(&m, table[i].is_64, table[i].big_endian, ET_DYN, EM_X86_64);
		if (is_chdr) {
			elf_make_store(&m, bytes, is_zstd ? 2 : 1, 4);
			elf_make_store(&m, bytes + (table[i].is_64 ? 8 : 4), table[i].claimed, table[i].is_64 ? 8 : 4);
		} else {
			for (int k = 0; k < 8; k++)
				bytes[4 + k] = (uint8_t)(table[i].claimed >> (56 - 8 * k));
		}
		memcpy(bytes + header, is_zstd ? zstd_bytes : zlib_bytes, packed);
		elf_make_section(&m, is_chdr ? ".debug_str" : ".zdebug_str", PROGBITS, is_chdr ? COMPRESSED : 0, 0, bytes,
		                 header + packed - table[i].cut);
		REQUIRE(open_made(&m, 0, &object) == WB_OK);
		REQUIRE(wb_object_find_section(object, ".debug_str", &index) == WB_OK);
		CHECK(object->sections[index].flags & WB_SECTION_COMPRESSED);
		CHECK_EQ_I64(read_named(object, ".debug_str", &piece), table[i].expect);
		CHECK_EQ_U64(num_diags, table[i].expect != WB_OK);
		if (table[i].expect == WB_OK) {
			CHECK_EQ_U64(object->sections[index].size, INFLATED_SIZE);
			CHECK_EQ_U64(piece.size, INFLATED_SIZE);
			CHECK_MEM(piece.bytes, "walkback\nwalkback\n", 18);
			wb_piece_deinit(&piece);
		}
		wb_object_close(object);
	}
}

/* ---- Symbols ------------------------------------------------------------------------------------------------------------------------ */

static void lists_symbols(void)
{
	static const char strings[] = "\0main\0helper\0table\0gone\0foo@@V1\0$x\0abs\0thumb\0resolver\0far";
	for (int variant = 0; variant < 4; variant++) {
		bool is_64 = variant & 1, big_endian = variant & 2;
		uint8_t symbols[16 * 24], shndx[16 * 4] = { 0 };
		struct wb_object *object;
		struct elf_make m;
		size_t size = 0;

		test_row(is_64 ? (big_endian ? "64 big" : "64 little") : big_endian ? "32 big" : "32 little");
		elf_make_init(&m, is_64, big_endian, ET_EXEC, is_64 ? EM_AARCH64 : EM_ARM);
		unsigned text = elf_make_section(&m, ".text", PROGBITS, A | X, 0x1000, code, sizeof code);
		unsigned data = elf_make_section(&m, ".data", PROGBITS, A | W, 0x3000, code, sizeof code);
		size += elf_make_symbol(&m, symbols + size, 0, 0, 0, 0, 0);
		size += elf_make_symbol(&m, symbols + size, 1, GLOBAL | FUNC, (uint16_t)text, 0x1000, 6);
		size += elf_make_symbol(&m, symbols + size, 6, LOCAL | FUNC, (uint16_t)text, 0x1006, 0);
		size += elf_make_symbol(&m, symbols + size, 13, WEAK | OBJECT, (uint16_t)data, 0x3000, 32);
		size += elf_make_symbol(&m, symbols + size, 19, GLOBAL | FUNC, 0, 0, 0);            /* undefined */
		size += elf_make_symbol(&m, symbols + size, 24, GLOBAL | FUNC, (uint16_t)text, 0x1008, 2);
		size += elf_make_symbol(&m, symbols + size, 32, LOCAL | NOTYPE, (uint16_t)text, 0x1000, 0); /* mapping symbol */
		size += elf_make_symbol(&m, symbols + size, 35, GLOBAL | NOTYPE, ABS, 0x77, 0);
		size += elf_make_symbol(&m, symbols + size, 39, GLOBAL | FUNC, (uint16_t)text, 0x1011, 4);
		size += elf_make_symbol(&m, symbols + size, 45, GLOBAL | IFUNC, (uint16_t)text, 0x1014, 4);
		elf_make_store(&m, shndx + 4 * (size / (is_64 ? 24 : 16)), text, 4);
		size += elf_make_symbol(&m, symbols + size, 54, GLOBAL | FUNC, XINDEX, 0x1018, 4);
		size += elf_make_symbol(&m, symbols + size, 54, GLOBAL | OBJECT, COMMON, 16, 4);
		size += elf_make_symbol(&m, symbols + size, 9999, GLOBAL | FUNC, (uint16_t)text, 0x1000, 1); /* no such name */
		unsigned table = elf_make_section(&m, ".symtab", SYMTAB, 0, 0, symbols, size);
		m.sections[table].link = elf_make_section(&m, ".strtab", STRTAB, 0, 0, strings, sizeof strings);
		m.sections[elf_make_section(&m, ".symtab_shndx", SHNDX, 0, 0, shndx, sizeof shndx)].link = table;
		REQUIRE(open_made(&m, 0, &object) == WB_OK);
		CHECK_EQ_I64(list(object), WB_OK);
		/* On arm, bit 0 of a function says "Thumb". */
		CHECK_STR(listed, is_64 ?
		          "static 1000+6 t1 b2 x main\nstatic 1006+0 t1 b0 x helper\nstatic 3000+20 t3 b1 table\nstatic 1008+2 t1 b2 x foo@@V1\n"
		          "static 77+0 t6 b2 abs abs\nstatic 1011+4 t1 b2 x thumb\nstatic 1014+4 t2 b2 x resolver\nstatic 1018+4 t1 b2 x far\n" :
		          "static 1000+6 t1 b2 x main\nstatic 1006+0 t1 b0 x helper\nstatic 3000+20 t3 b1 table\nstatic 1008+2 t1 b2 x foo@@V1\n"
		          "static 77+0 t6 b2 abs abs\nstatic 1010+4 t1 b2 x thumb\nstatic 1014+4 t2 b2 x resolver\nstatic 1018+4 t1 b2 x far\n");
		CHECK_EQ_U64(num_diags, 1);
		wb_object_close(object);
	}
}

/* One entry of each form: lazy, with endbr64 and bnd, in .plt.got, and a resolver's. Slots are at 0x4018 and up, entries at 0x1020 and up. */
static void names_plt_entries(void)
{
	static const uint8_t plt[] = {
		0xff, 0x35, 0xe2, 0x2f, 0, 0, 0xff, 0x25, 0xe4, 0x2f, 0, 0, 0x0f, 0x1f, 0x40, 0, /* the first pushes and jumps on */
		0xff, 0x25, 0xe2, 0x2f, 0, 0, 0x68, 0, 0, 0, 0, 0xe9, 0xe0, 0xff, 0xff, 0xff,   /* 0x1030: 0x1036 + 0x2fe2 = 0x4018 */
	};
	static const uint8_t sec[] = {
		0xf3, 0x0f, 0x1e, 0xfa, 0xf2, 0xff, 0x25, 0xd5, 0x2f, 0, 0, 0x0f, 0x1f, 0x44, 0, 0, /* 0x1040: 0x104b + 0x2fd5 = 0x4020 */
	};
	static const uint8_t got[] = {
		0xff, 0x25, 0xd2, 0x2f, 0, 0, 0x66, 0x90,                                         /* 0x1050: 0x1056 + 0x2fd2 = 0x4028 */
		0xff, 0x25, 0xd2, 0x2f, 0, 0, 0x66, 0x90,                                         /* 0x1058: 0x105e + 0x2fd2 = 0x4030 */
	};
	static const char strings[] = "\0puts\0free\0exit";
	uint8_t symbols[4 * 24], relocations[4 * 24];
	static const struct { uint64_t slot, info, addend; } slots[] = {
		{ 0x4018, UINT64_C(1) << 32 | 7, 0 }, { 0x4020, UINT64_C(2) << 32 | 7, 0 },
		{ 0x4028, UINT64_C(3) << 32 | 6, 0 }, { 0x4030, 37, 0x1234 },
	};
	struct wb_object *object;
	struct elf_make m;

	elf_make_init(&m, true, false, ET_DYN, EM_X86_64);
	for (size_t i = 0; i < 4; i++) {
		elf_make_symbol(&m, symbols + 24 * i, i ? (uint32_t)(5 * i - 4) : 0, GLOBAL | FUNC, 0, 0, 0);
		elf_make_store(&m, relocations + 24 * i, slots[i].slot, 8);
		elf_make_store(&m, relocations + 24 * i + 8, slots[i].info, 8);
		elf_make_store(&m, relocations + 24 * i + 16, slots[i].addend, 8);
	}
	unsigned dynsym = elf_make_section(&m, ".dynsym", DYNSYM, A, 0x300, symbols, sizeof symbols);
	m.sections[dynsym].link = elf_make_section(&m, ".dynstr", STRTAB, A, 0x400, strings, sizeof strings);
	m.sections[elf_make_section(&m, ".rela.plt", RELA, A, 0x500, relocations, sizeof relocations)].link = dynsym;
	elf_make_section(&m, ".plt", PROGBITS, A | X, 0x1020, plt, sizeof plt);
	elf_make_section(&m, ".plt.sec", PROGBITS, A | X, 0x1040, sec, sizeof sec);
	m.sections[elf_make_section(&m, ".plt.got", PROGBITS, A | X, 0x1050, got, sizeof got)].entsize = 8;
	REQUIRE(open_made(&m, 0, &object) == WB_OK);
	CHECK_EQ_I64(list(object), WB_OK);
	CHECK_STR(listed, "plt 1030+10 t1 b0 x puts@plt\nplt 1040+10 t1 b0 x free@plt\nplt 1050+8 t1 b0 x exit@plt\n"
	                  "plt 1058+8 t1 b0 x *ABS*+0x1234@plt\n");
	wb_object_close(object);
}

/* ---- Relocatable files ---------------------------------------------------------------------------------------------------------------- */

static void places_and_relocates(void)
{
	static const char strings[] = "\0f\0g";
	uint8_t symbols[3 * 24], relocations[3 * 24] = { 0 }, debug[16] = { 0 };
	struct wb_object *object;
	struct wb_piece piece;
	struct elf_make m;

	elf_make_init(&m, true, false, ET_REL, EM_X86_64);
	unsigned first = elf_make_section(&m, ".text.f", PROGBITS, A | X, 0, code, 5);
	unsigned second = elf_make_section(&m, ".text.g", PROGBITS, A | X, 0, code, 8);
	unsigned info = elf_make_section(&m, ".debug_info", PROGBITS, 0, 0, debug, sizeof debug);
	m.sections[second].addralign = 16;  /* so .text.g is placed at 16 */
	elf_make_symbol(&m, symbols, 0, 0, 0, 0, 0);
	elf_make_symbol(&m, symbols + 24, 1, GLOBAL | FUNC, (uint16_t)first, 1, 4);
	elf_make_symbol(&m, symbols + 48, 3, GLOBAL | FUNC, (uint16_t)second, 2, 6);
	unsigned symtab = elf_make_section(&m, ".symtab", SYMTAB, 0, 0, symbols, sizeof symbols);
	m.sections[symtab].link = elf_make_section(&m, ".strtab", STRTAB, 0, 0, strings, sizeof strings);
	elf_make_store(&m, relocations, 0, 8);                       /* R_X86_64_64 g + 3 = 16 + 2 + 3 */
	elf_make_store(&m, relocations + 8, UINT64_C(2) << 32 | 1, 8);
	elf_make_store(&m, relocations + 16, 3, 8);
	elf_make_store(&m, relocations + 24, 8, 8);                  /* R_X86_64_PC32 f - 4 - 8 = 1 - 4 - 8 */
	elf_make_store(&m, relocations + 32, UINT64_C(1) << 32 | 2, 8);
	elf_make_store(&m, relocations + 40, (uint64_t)-4, 8);
	elf_make_store(&m, relocations + 48, 13, 8);                 /* four bytes do not fit at 13 of 16 */
	elf_make_store(&m, relocations + 56, UINT64_C(1) << 32 | 10, 8);
	unsigned rela = elf_make_section(&m, ".rela.debug_info", RELA, 0, 0, relocations, sizeof relocations);
	m.sections[rela].link = symtab;
	m.sections[rela].info = info;
	REQUIRE(open_made(&m, 0, &object) == WB_OK);
	CHECK(object->relocatable);
	CHECK_EQ_U64(object->sections[second].vaddr, 16);
	CHECK_EQ_I64(list(object), WB_OK);
	CHECK_STR(listed, "static 1+4 t1 b2 x f\nstatic 12+6 t1 b2 x g\n");
	REQUIRE(read_named(object, ".debug_info", &piece) == WB_OK);
	CHECK_MEM(piece.bytes, "\x15\0\0\0\0\0\0\0\xf5\xff\xff\xff\0\0\0\0", 16);
	CHECK_EQ_U64(num_diags, 1);
	wb_piece_deinit(&piece);
	wb_object_close(object);
}

/* REL has its addends in place (i386). */
static void relocates_in_place(void)
{
	static const char strings[] = "\0f";
	uint8_t symbols[2 * 16], relocations[8], debug[8] = { 0x10, 0, 0, 0, 9, 9, 9, 9 };
	struct wb_object *object;
	struct wb_piece piece;
	struct elf_make m;

	elf_make_init(&m, false, false, ET_REL, EM_386);
	unsigned text = elf_make_section(&m, ".text", PROGBITS, A | X, 0, code, 8);
	unsigned info = elf_make_section(&m, ".debug_info", PROGBITS, 0, 0, debug, sizeof debug);
	elf_make_symbol(&m, symbols, 0, 0, 0, 0, 0);
	elf_make_symbol(&m, symbols + 16, 1, GLOBAL | FUNC, (uint16_t)text, 4, 4);
	unsigned symtab = elf_make_section(&m, ".symtab", SYMTAB, 0, 0, symbols, sizeof symbols);
	m.sections[symtab].link = elf_make_section(&m, ".strtab", STRTAB, 0, 0, strings, sizeof strings);
	elf_make_store(&m, relocations, 0, 4);
	elf_make_store(&m, relocations + 4, 1 << 8 | 1, 4);
	unsigned rel = elf_make_section(&m, ".rel.debug_info", REL, 0, 0, relocations, sizeof relocations);
	m.sections[rel].link = symtab;
	m.sections[rel].info = info;
	REQUIRE(open_made(&m, 0, &object) == WB_OK);
	REQUIRE(read_named(object, ".debug_info", &piece) == WB_OK);
	CHECK_MEM(piece.bytes, "\x14\0\0\0\x09\x09\x09\x09", 8);
	wb_piece_deinit(&piece);
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

int main(void)
{
	TEST_RUN(knows_architectures);
	TEST_RUN(refuses_other_files);
	TEST_RUN(reads_extended_counts);
	TEST_RUN(finds_the_build_id_in_segments);
	TEST_RUN(reads_links);
	TEST_RUN(tells_debug_files);
	TEST_RUN(inflates_sections);
	TEST_RUN(lists_symbols);
	TEST_RUN(names_plt_entries);
	TEST_RUN(places_and_relocates);
	TEST_RUN(relocates_in_place);
	TEST_RUN(serves_files_without_section_headers);
	TEST_RUN(reads_the_loaded_layout);
	TEST_RUN(survives_bad_tables);
	TEST_RUN(refuses_sections_outside);
	TEST_RUN(survives_any_damage);
	TEST_RUN(survives_missing_memory);
	wb_diags_deinit(fresh_diags());
	return test_summary();
}
