/* SPDX-License-Identifier: MIT */
/* What comes out of sections of ELF files that are made here: decompressed and relocated bytes, symbols, and names of PLT entries. */
#include "test.h"

#include "config.h"
#include "unit/elf_open.h"

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

/* Other machines: entries as binutils and LLD write them, at 0x1000 and up; slots worked out beside them. */
static const struct {
	const char *name;
	uint16_t machine;
	bool is_64;
	uint32_t jump_slot;
	uint32_t code[20];            /* up to the first 0 */
	uint64_t slots[3];            /* of puts, free, exit; up to the first 0 */
	const char *expect;
} machines[] = {
	{
		"aarch64", EM_AARCH64, true, 1026,
		{ 0x90000110, 0xf9400611, 0x91002210, 0xd61f0220,              /* page 0x1000 + 0x20000, + 8 */
		  0xd503245f, 0x90000110, 0xf9400a11, 0x91004210, 0xd503219f, 0xd61f0220, /* bti, autia1716; + 16 */
		  0xf0fffff0, 0xf9400e11, 0x91006210, 0xd61f0220, 0xd503201f, 0xd503201f, /* page 0x1000 - 0x1000, + 24; two nops */
		  0x90000110, 0xf9400611, 0x91002210, 0xd65f03c0 },            /* ret: no entry */
		{ 0x21008, 0x21010, 0x18 }, "plt 1000+10 t1 b0 x puts@plt\nplt 1010+18 t1 b0 x free@plt\nplt 1028+18 t1 b0 x exit@plt\n",
	},
	{
		"arm", EM_ARM, false, 22,
		{ 0xe28fc600, 0xe28cca01, 0xe5bcfe18,                          /* 0x1008 + 0x1000 + 0xe18 */
		  0xe28fc600, 0xe28cc601, 0xe28cca01, 0xe5bcfe10,              /* 0x1014 + 0x100000 + 0x1000 + 0xe10 */
		  0xe28fc600, 0xe28cca01, 0xe1a00000 },
		{ 0x2e20, 0x102e24 }, "plt 1000+c t1 b0 x puts@plt\nplt 100c+10 t1 b0 x free@plt\n",
	},
	{
		"riscv64", EM_RISCV, true, 5,
		{ 0x00002e17, 0xce0e3e03, 0x000e0367, 0x00000013,              /* 0x1000 + 0x2000 - 0x320 */
		  0xfffffe17, 0x010e3e03, 0x000e0367, 0x00000013 },            /* 0x1010 - 0x1000 + 0x10 */
		{ 0x2ce0, 0x20 }, "plt 1000+10 t1 b0 x puts@plt\nplt 1010+10 t1 b0 x free@plt\n",
	},
	{
		"riscv32", EM_RISCV, false, 5,
		{ 0x00002e17, 0xde8e2e03, 0x000e0367, 0x00000013, 0x00002e17, 0xde8e3e03, 0x000e0367, 0x00000013 }, /* the second loads 64 bits */
		{ 0x2de8, 0x2df8 }, "plt 1000+10 t1 b0 x puts@plt\n",
	},
};

static void names_plt_entries_of_other_machines(void)
{
	static const char strings[] = "\0puts\0free\0exit";

	for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
		unsigned word = machines[i].is_64 ? 8 : 4, symbol_size = machines[i].is_64 ? 24 : 16;
		uint8_t symbols[4 * 24], relocations[3 * 24] = { 0 }, entries[4 * 20] = { 0 };
		size_t num_slots = 0, num_words = 0;
		struct wb_object *object;
		struct elf_make m;

		test_row(machines[i].name);
		elf_make_init(&m, machines[i].is_64, false, ET_DYN, machines[i].machine);
		for (unsigned k = 0; k < 4; k++)
			elf_make_symbol(&m, symbols + symbol_size * k, k ? 5 * k - 4 : 0, GLOBAL | FUNC, 0, 0, 0);
		for (; num_slots < 3 && machines[i].slots[num_slots]; num_slots++) {
			uint64_t symbol = num_slots + 1;

			elf_make_store(&m, relocations + 3 * word * num_slots, machines[i].slots[num_slots], word);
			elf_make_store(&m, relocations + 3 * word * num_slots + word, symbol << (word == 8 ? 32 : 8) | machines[i].jump_slot, word);
		}
		for (; num_words < 20 && machines[i].code[num_words]; num_words++)
			elf_make_store(&m, entries + 4 * num_words, machines[i].code[num_words], 4);
		unsigned dynsym = elf_make_section(&m, ".dynsym", DYNSYM, A, 0x300, symbols, 4 * symbol_size);
		m.sections[dynsym].link = elf_make_section(&m, ".dynstr", STRTAB, A, 0x400, strings, sizeof strings);
		m.sections[elf_make_section(&m, ".rela.plt", RELA, A, 0x500, relocations, 3 * word * num_slots)].link = dynsym;
		elf_make_section(&m, ".plt", PROGBITS, A | X, 0x1000, entries, 4 * num_words);
		REQUIRE(open_made(&m, 0, &object) == WB_OK);
		CHECK_EQ_I64(list(object), WB_OK);
		CHECK_STR(listed, machines[i].expect);
		wb_object_close(object);
	}
	test_row(NULL);
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

int main(void)
{
	TEST_RUN(inflates_sections);
	TEST_RUN(lists_symbols);
	TEST_RUN(names_plt_entries);
	TEST_RUN(names_plt_entries_of_other_machines);
	TEST_RUN(places_and_relocates);
	TEST_RUN(relocates_in_place);
	wb_diags_deinit(fresh_diags());
	return test_summary();
}
