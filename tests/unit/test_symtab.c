/* SPDX-License-Identifier: MIT */
/* Symbol tables: what is a symbol of code, which alias names an address, how far a symbol reaches. */

#include "symbols/symtab.h"

#include "test.h"

enum { SYMBOLS_MAX = 8, PROBES_MAX = 6 };

struct probe {
	uint64_t pc;
	const char *name; /* NULL: nothing covers pc */
	uint64_t start, size;
};

#define F WB_SYMBOL_FUNCTION
#define N WB_SYMBOL_NOTYPE
#define G WB_BINDING_GLOBAL
#define W WB_BINDING_WEAK
#define L WB_BINDING_LOCAL
#define STATIC WB_SYMBOLS_STATIC
#define DYNAMIC WB_SYMBOLS_DYNAMIC

static const struct {
	const char *name;
	struct wb_symbol symbols[SYMBOLS_MAX]; /* up to the first without a name */
	struct probe probes[PROBES_MAX]; /* up to the first without a pc */
} table[] = {
	{
		"sizes are believed",
		{ { "a", 0x1000, 0x10, F, G, STATIC, 1, 0 }, { "b", 0x1020, 0x10, F, G, STATIC, 1, 0 } },
		{ { 0xfff, NULL, 0, 0 }, { 0x1000, "a", 0x1000, 0x10 }, { 0x100f, "a", 0x1000, 0x10 }, { 0x1010, NULL, 0, 0 },
		  { 0x102f, "b", 0x1020, 0x10 }, { 0x1030, NULL, 0, 0 } },
	},
	{
		"an inner symbol covers its part only",
		{ { "outer", 0x1000, 0x100, F, G, STATIC, 1, 0 }, { "inner", 0x1040, 0x10, F, L, STATIC, 1, 0 } },
		{ { 0x103f, "outer", 0x1000, 0x100 }, { 0x1040, "inner", 0x1040, 0x10 }, { 0x1050, "outer", 0x1000, 0x100 },
		  { 0x10ff, "outer", 0x1000, 0x100 }, { 0x1100, NULL, 0, 0 } },
	},
	{
		"overlap without nesting",
		{ { "a", 0x1000, 0x30, F, G, STATIC, 1, 0 }, { "b", 0x1020, 0x30, F, G, STATIC, 1, 0 }, { "c", 0x1028, 4, F, G, STATIC, 1, 0 } },
		{ { 0x1020, "b", 0x1020, 0x30 }, { 0x1028, "c", 0x1028, 4 }, { 0x102c, "b", 0x1020, 0x30 }, { 0x104f, "b", 0x1020, 0x30 },
		  { 0x1050, NULL, 0, 0 } },
	},
	{
		"function before label",
		{ { "label", 0x1000, 0x10, N, G, STATIC, 1, 0 }, { "function", 0x1000, 0x10, F, L, STATIC, 1, 0 } },
		{ { 0x1000, "function", 0x1000, 0x10 } },
	},
	{
		"ifunc counts as function",
		{ { "memcpy", 0x1000, 0x10, WB_SYMBOL_IFUNC, G, STATIC, 1, 0 }, { "aaa", 0x1000, 0x10, F, L, STATIC, 1, 0 } },
		{ { 0x1000, "memcpy", 0x1000, 0x10 } },
	},
	{
		"global before weak before local",
		{ { "write", 0x1000, 0x10, F, W, STATIC, 1, 0 }, { "__GI_write", 0x1000, 0x10, F, L, STATIC, 1, 0 }, { "__write", 0x1000, 0x10, F, G, STATIC, 1, 0 } },
		{ { 0x1000, "__write", 0x1000, 0x10 } },
	},
	{
		"weak before local",
		{ { "write", 0x1000, 0x10, F, W, STATIC, 1, 0 }, { "aa", 0x1000, 0x10, F, L, STATIC, 1, 0 } },
		{ { 0x1000, "write", 0x1000, 0x10 } },
	},
	{
		"larger before smaller",
		{ { "small", 0x1000, 0x8, F, G, STATIC, 1, 0 }, { "larger_one", 0x1000, 0x10, F, G, STATIC, 1, 0 } },
		{ { 0x1000, "larger_one", 0x1000, 0x10 } },
	},
	{
		"fewer underscores, then shorter, then first by bytes",
		{ { "_x", 0x1000, 4, F, G, STATIC, 1, 0 }, { "read_it", 0x1000, 4, F, G, STATIC, 1, 0 }, { "ready", 0x1000, 4, F, G, STATIC, 1, 0 },
		  { "reada", 0x1000, 4, F, G, STATIC, 1, 0 } },
		{ { 0x1000, "reada", 0x1000, 4 } },
	},
	{
		"a larger alias names the rest",
		{ { "preferred", 0x1000, 0x10, F, G, STATIC, 1, 0 }, { "larger", 0x1000, 0x20, F, L, STATIC, 1, 0 } },
		{ { 0x100f, "preferred", 0x1000, 0x10 }, { 0x1010, "larger", 0x1000, 0x20 } },
	},
	{
		"without a size, up to the next symbol",
		{ { "a", 0x1000, 0, F, G, STATIC, 1, 0 }, { "b", 0x1100, 0, F, G, STATIC, 1, 0 } },
		{ { 0x10ff, "a", 0x1000, 0 }, { 0x1100, "b", 0x1100, 0 } },
	},
	{
		"without a size, up to the section's end",
		{ { "_fini", 0x1ff0, 0, F, G, STATIC, 1, 0 }, { "next", 0x3000, 4, F, G, STATIC, 1, 0 } },
		{ { 0x1fff, "_fini", 0x1ff0, 0 }, { 0x2000, NULL, 0, 0 } },
	},
	{
		"a label inside a function names nothing",
		{ { "function", 0x1000, 0x100, F, G, STATIC, 1, 0 }, { "again", 0x1010, 0, N, L, STATIC, 1, 0 } },
		{ { 0x1010, "function", 0x1000, 0x100 }, { 0x10ff, "function", 0x1000, 0x100 } },
	},
	{
		"a label without a size fills the gap before it only up to a symbol with one",
		{ { "start", 0x1000, 0, N, G, STATIC, 1, 0 }, { "function", 0x1010, 0x10, F, G, STATIC, 1, 0 } },
		{ { 0x100f, "start", 0x1000, 0 }, { 0x1010, "function", 0x1010, 0x10 }, { 0x1020, NULL, 0, 0 } },
	},
	{
		"a dynamic symbol without a size does not name stripped code",
		{ { "OPENSSL_free", 0x1000, 0, F, G, DYNAMIC, 1, 0 } },
		{ { 0x1000, "OPENSSL_free", 0x1000, 0 }, { 0x1001, NULL, 0, 0 } },
	},
	{
		"a dynamic symbol without a size beside a static table is as any",
		{ { "free", 0x1000, 0, F, G, DYNAMIC, 1, 0 }, { "other", 0x1800, 4, F, G, STATIC, 1, 0 } },
		{ { 0x17ff, "free", 0x1000, 0 } },
	},
	{
		"versions are cut",
		{ { "memcpy@@GLIBC_2.14", 0x1000, 4, F, G, STATIC, 1, 0 }, { "old@GLIBC_2.2.5", 0x1010, 4, F, G, DYNAMIC, 1, 0 },
		  { "puts@plt", 0x1020, 16, F, G, WB_SYMBOLS_PLT, 1, 0 }, { "?f@@YAXXZ", 0x1030, 4, F, G, STATIC, 1, 0 } },
		{ { 0x1000, "memcpy", 0x1000, 4 }, { 0x1010, "old", 0x1010, 4 }, { 0x1020, "puts@plt", 0x1020, 16 }, { 0x1030, "?f@@YAXXZ", 0x1030, 4 } },
	},
	{
		"no symbols of code: data, files, sections, absolute values",
		{ { "data", 0x1000, 4, WB_SYMBOL_OBJECT, G, STATIC, 0, 0 }, { "a.c", 0x1000, 4, WB_SYMBOL_FILE, L, STATIC, 1, 0 },
		  { ".text", 0x1000, 4, WB_SYMBOL_SECTION, L, STATIC, 1, 0 }, { "abs", 0x1000, 4, F, G, STATIC, 1, 1 },
		  { "f", 0x1100, 4, F, G, STATIC, 1, 0 } },
		{ { 0x1000, NULL, 0, 0 }, { 0x1100, "f", 0x1100, 4 } },
	},
	{
		"no symbols of code: mapping symbols, local labels, marks",
		{ { "$x", 0x1000, 4, N, L, STATIC, 1, 0 }, { "$d.12", 0x1000, 4, N, L, STATIC, 1, 0 }, { "$xrv64i2p1", 0x1000, 4, N, L, STATIC, 1, 0 },
		  { ".L12", 0x1000, 4, N, L, STATIC, 1, 0 }, { ".annobin_a.c", 0x1000, 4, N, L, STATIC, 1, 0 }, { "$tart", 0x1100, 4, F, G, STATIC, 1, 0 } },
		{ { 0x1000, NULL, 0, 0 }, { 0x1100, "$tart", 0x1100, 4 } },
	},
	{
		"at the end of the address space",
		{ { "last", UINT64_MAX - 15, 0x1000, F, G, STATIC, 1, 0 } },
		{ { UINT64_MAX - 16, NULL, 0, 0 }, { UINT64_MAX - 15, "last", UINT64_MAX - 15, 0x1000 }, { UINT64_MAX - 1, "last", UINT64_MAX - 15, 0x1000 } },
	},
};

static void answers_as_documented(void)
{
	struct wb_text_range ranges[] = { { 0x1000, 0x2000 }, { 0x3000, 0x4000 } };
	struct wb_text text = { ranges, 2 };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_symtab_builder builder;
		struct wb_symtab *symtab = NULL;

		test_row(table[i].name);
		wb_symtab_builder_init(&builder);
		for (size_t k = 0; k < SYMBOLS_MAX && table[i].symbols[k].name; k++) {
			const struct wb_symbol *s = &table[i].symbols[k];
			CHECK_EQ_I64(wb_symtab_builder_add(&builder, s, s->table == DYNAMIC ? WB_NAME_DYNSYM : WB_NAME_SYMTAB), WB_OK);
		}
		CHECK_EQ_I64(wb_symtab_builder_finish(&builder, &text, &symtab), WB_OK);
		for (size_t k = 0; symtab && k < PROBES_MAX && table[i].probes[k].pc; k++) {
			const struct probe *probe = &table[i].probes[k];
			struct wb_symtab_hit hit = { 0 };
			bool found = wb_symtab_find(symtab, probe->pc, &hit);

			CHECK_STR(found ? hit.name : NULL, probe->name);
			if (found && probe->name) {
				CHECK_EQ_U64(hit.start, probe->start);
				CHECK_EQ_U64(hit.size, probe->size);
			}
		}
		wb_symtab_free(symtab);
		wb_symtab_builder_deinit(&builder);
	}
	test_row(NULL);
}

/* Kallsyms and perf maps: no sections. The last symbol ends with its page, and no symbol covers a gap of more than a MiB. */
static void ends_without_sections(void)
{
	const struct wb_symbol symbols[] = {
		{ "a", 0x1000, 0, F, G, WB_SYMBOLS_TEXT, 1, 0 },
		{ "b", 0x3000, 0, F, G, WB_SYMBOLS_TEXT, 1, 0 },
		{ "module", 0x40000010, 0, F, G, WB_SYMBOLS_TEXT, 1, 0 },
	};
	static const struct probe probes[] = {
		{ 0x2fff, "a", 0, 0 },        { 0x3fff, "b", 0, 0 },        { 0x4000, NULL, 0, 0 },
		{ 0x40000fff, "module", 0, 0 }, { 0x40001000, NULL, 0, 0 },
	};
	struct wb_text text = { 0 };
	struct wb_symtab_builder builder;
	struct wb_symtab *symtab;
	struct wb_symtab_hit hit;

	wb_symtab_builder_init(&builder);
	for (size_t i = 0; i < 3; i++)
		CHECK_EQ_I64(wb_symtab_builder_add(&builder, &symbols[i], WB_NAME_KALLSYMS), WB_OK);
	REQUIRE(wb_symtab_builder_finish(&builder, &text, &symtab) == WB_OK);
	for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++)
		CHECK_STR(wb_symtab_find(symtab, probes[i].pc, &hit) ? hit.name : NULL, probes[i].name);
	CHECK(wb_symtab_find(symtab, 0x1000, &hit) && hit.source == WB_NAME_KALLSYMS);
	wb_symtab_free(symtab);
	wb_symtab_builder_deinit(&builder);
}

/* What GNU addr2line says of the same tables (binutils 2.40; see _bfd_elf_find_function for its rule about global symbols). */
#define FILE_SYMBOL(name) { name, 0, 0, WB_SYMBOL_FILE, L, STATIC, 0, 1 }
static const struct {
	const char *name;
	struct wb_symbol symbols[SYMBOLS_MAX];
	size_t count;
	struct { uint64_t pc; const char *file; } probes[3];
} files[] = {
	{
		"local symbols are of the file before them",
		{ FILE_SYMBOL("crt.c"), { "frame", 0x1000, 4, F, L, STATIC, 1, 0 }, FILE_SYMBOL("a.c"), { "f", 0x1010, 4, F, L, STATIC, 1, 0 },
		  { "main", 0x1020, 4, F, G, STATIC, 1, 0 } },
		5, { { 0x1000, "crt.c" }, { 0x1010, "a.c" }, { 0x1020, NULL } },
	},
	{
		"a file symbol without a name ends the file before it",
		{ FILE_SYMBOL("a.c"), { "f", 0x1000, 4, F, L, STATIC, 1, 0 }, FILE_SYMBOL(""), { "g", 0x1010, 4, F, L, STATIC, 1, 0 } },
		4, { { 0x1000, "a.c" }, { 0x1010, NULL }, { 0, NULL } },
	},
	{
		"of one file, global symbols too",
		{ FILE_SYMBOL("a.c"), { "f", 0x1000, 4, F, L, STATIC, 1, 0 }, { "g", 0x1010, 4, F, W, STATIC, 1, 0 }, { "h", 0x1020, 4, F, G, STATIC, 1, 0 } },
		4, { { 0x1000, "a.c" }, { 0x1010, "a.c" }, { 0x1020, "a.c" } },
	},
	{
		"dynamic symbols are of no file",
		{ FILE_SYMBOL("a.c"), { "f", 0x1000, 4, F, L, STATIC, 1, 0 }, { "g", 0x1010, 4, F, G, DYNAMIC, 1, 0 } },
		3, { { 0x1000, "a.c" }, { 0x1010, NULL }, { 0, NULL } },
	},
};

static void knows_source_files(void)
{
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		struct wb_symtab_builder builder;
		struct wb_text text = { 0 };
		struct wb_symtab *symtab;
		struct wb_symtab_hit hit;

		test_row(files[i].name);
		wb_symtab_builder_init(&builder);
		for (size_t k = 0; k < files[i].count; k++)
			CHECK_EQ_I64(wb_symtab_builder_add(&builder, &files[i].symbols[k], WB_NAME_SYMTAB), WB_OK);
		REQUIRE(wb_symtab_builder_finish(&builder, &text, &symtab) == WB_OK);
		for (size_t k = 0; k < 3 && files[i].probes[k].pc; k++)
			CHECK_STR(wb_symtab_find(symtab, files[i].probes[k].pc, &hit) ? hit.file : "?", files[i].probes[k].file);
		wb_symtab_free(symtab);
		wb_symtab_builder_deinit(&builder);
	}
	test_row(NULL);
}

/* The slow, obvious twin: of the symbols that hold pc, the one that starts last, and of those the preferred one. */
static const struct wb_symbol *slow_find(const struct wb_symbol *symbols, size_t count, uint64_t pc)
{
	const struct wb_symbol *best = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct wb_symbol *s = &symbols[i];
		if (pc < s->value || pc - s->value >= s->size)
			continue;
		if (!best || s->value > best->value || (s->value == best->value && s->binding > best->binding))
			best = s;
	}
	return best;
}

static void agrees_with_the_slow_twin(void)
{
	enum { COUNT = 3000 };
	struct wb_symbol *symbols = calloc(COUNT, sizeof *symbols);
	char(*names)[12] = calloc(COUNT, sizeof *names);
	struct wb_text text = { 0 };
	struct wb_symtab_builder builder;
	struct wb_symtab *symtab;
	uint64_t seed = 1;
	unsigned wrong = 0;

	wb_symtab_builder_init(&builder);
	for (size_t i = 0; i < COUNT; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		snprintf(names[i], sizeof names[i], "f%zu", i);
		/* All of one size at one address, so that the twin need not know about aliases of several sizes. */
		uint64_t start = 0x100000 + (seed >> 33) % 40000 * 16;
		symbols[i] = (struct wb_symbol){ names[i], start, 1 + start / 16 % 61 * 7, F, (uint8_t)(seed >> 20) % 3, STATIC, 1, 0 };
		CHECK_EQ_I64(wb_symtab_builder_add(&builder, &symbols[i], WB_NAME_SYMTAB), WB_OK);
	}
	REQUIRE(wb_symtab_builder_finish(&builder, &text, &symtab) == WB_OK);
	for (uint64_t pc = 0x100000; pc < 0x100000 + 40000 * 16; pc += 7) {
		const struct wb_symbol *expect = slow_find(symbols, COUNT, pc);
		struct wb_symtab_hit hit;
		bool found = wb_symtab_find(symtab, pc, &hit);
		wrong += found != (expect != NULL) || (found && (hit.start != expect->value || hit.size != expect->size));
	}
	CHECK_EQ_U64(wrong, 0);
	wb_symtab_free(symtab);
	wb_symtab_builder_deinit(&builder);
	free(symbols);
	free(names);
}

static void has_nothing_without_symbols(void)
{
	struct wb_text text = { 0 };
	struct wb_symtab_builder builder;
	struct wb_symtab *symtab;

	wb_symtab_builder_init(&builder);
	CHECK_EQ_I64(wb_symtab_builder_finish(&builder, &text, &symtab), WB_NONE);
	wb_symtab_builder_deinit(&builder);
}

int main(void)
{
	TEST_RUN(answers_as_documented);
	TEST_RUN(ends_without_sections);
	TEST_RUN(knows_source_files);
	TEST_RUN(agrees_with_the_slow_twin);
	TEST_RUN(has_nothing_without_symbols);
	return test_summary();
}
