/* SPDX-License-Identifier: MIT */
/* All names of an address: their order, how far each reaches, and the public call on a real program. */

#include <walkback/walkback.h>

#include "symbols/aliases.h"
#include "test.h"

#define F WB_SYMBOL_FUNCTION
#define G WB_BINDING_GLOBAL
#define W WB_BINDING_WEAK
#define L WB_BINDING_LOCAL
#define STATIC WB_SYMBOLS_STATIC

/* In the order that symtab.h promises: kind, binding, size, underscores, length, bytes, table. */
static const struct wb_symbol ordered[] = {
	{ "read", 0x1000, 0x20, F, G, STATIC, 1, 0 },
	{ "ab", 0x1000, 0x10, F, G, STATIC, 1, 0 },
	{ "ac", 0x1000, 0x10, F, G, STATIC, 1, 0 },
	{ "aaa", 0x1000, 0x10, F, G, STATIC, 1, 0 },
	{ "_aa", 0x1000, 0x10, F, G, STATIC, 1, 0 },
	{ "_aa", 0x1000, 0x10, F, G, WB_SYMBOLS_DYNAMIC, 1, 0 },
	{ "weak", 0x1000, 0x20, F, W, STATIC, 1, 0 },
	{ "local", 0x1000, 0x20, F, L, STATIC, 1, 0 },
	{ "label", 0x1000, 0, WB_SYMBOL_NOTYPE, G, STATIC, 1, 0 },
};
enum { NUM_ORDERED = sizeof ordered / sizeof ordered[0] };

static void keeps_the_order(void)
{
	/* Every rotation of the input gives the same order. */
	for (size_t first = 0; first < NUM_ORDERED; first++) {
		struct wb_symtab_builder builder;
		const struct wb_symtab_candidate *found;
		struct wb_aliases *aliases;
		size_t count = 0;

		wb_symtab_builder_init(&builder);
		for (size_t i = 0; i < NUM_ORDERED; i++)
			CHECK_EQ_I64(wb_symtab_builder_add(&builder, &ordered[(first + i * 5) % NUM_ORDERED], WB_NAME_SYMTAB), WB_OK);
		REQUIRE(wb_aliases_new(&builder, &aliases) == WB_OK);
		CHECK(!wb_aliases_at(aliases, 0xfff, &count) && !wb_aliases_at(aliases, 0x1001, &count));
		found = wb_aliases_at(aliases, 0x1000, &count);
		CHECK_EQ_U64(count, NUM_ORDERED);
		for (size_t i = 0; found && i < count; i++) {
			CHECK_STR(found[i].name, ordered[i].name);
			CHECK_EQ_U64(found[i].table, ordered[i].table);
		}
		wb_aliases_free(aliases);
		wb_symtab_builder_deinit(&builder);
	}
}

static void has_nothing_without_symbols(void)
{
	struct wb_symtab_builder builder;
	struct wb_aliases *aliases;

	wb_symtab_builder_init(&builder);
	CHECK_EQ_I64(wb_aliases_new(&builder, &aliases), WB_NONE);
	wb_symtab_builder_deinit(&builder);
	wb_aliases_free(NULL);
}

/* ---- A program ------------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *symbol;
	const char *names[6];         /* up to the first NULL */
} programs[] = {
	{ "work", { "work", "__work", "_weak_work", "local_work", NULL } },
	{ "chosen", { "chosen", "choose", NULL } }, /* an ifunc's address is its resolver's */
	{ "main", { "main", NULL } },
};

static void names_a_program(void)
{
	char command[4 * TEST_PATH_MAX], path[TEST_PATH_MAX];
	struct wb_session *session;
	struct wb_symbolizer *symbolizer;
	struct wb_image *image;
	const struct wb_alias *aliases;
	uint64_t address, size;
	size_t count;

	snprintf(path, sizeof path, "%s", test_tmp("program"));
	snprintf(command, sizeof command, "cc -w -O1 -o '%s' '%s' 2>/dev/null", path, test_data("make/names.c"));
	if (system(command) != 0)
		TEST_SKIP("no compiler, or one without ifunc");
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_image_open(session, path, &image) == WB_OK);
	REQUIRE(wb_symbolizer_new(session, NULL, &symbolizer) == WB_OK);
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		size_t expected = 0;

		test_row(programs[i].symbol);
		REQUIRE(wb_symbol_find(symbolizer, image, programs[i].symbol, &address, &size) == WB_OK);
		while (programs[i].names[expected])
			expected++;
		/* The last byte of the function as an exact address, and the one behind it as a return address. */
		for (unsigned k = 0; k < 2; k++) {
			CHECK_EQ_I64(wb_symbol_aliases(symbolizer, image, address + size - 1 + k, k ? WB_PC_RETURN : WB_PC_EXACT, &aliases, &count), WB_OK);
			CHECK_EQ_U64(count, expected);
			for (size_t n = 0; n < count && n < expected; n++) {
				CHECK_STR(aliases[n].name, programs[i].names[n]);
				CHECK_STR(aliases[n].linkage_name, programs[i].names[n]);
				CHECK_EQ_U64(aliases[n].symbol_size, size);
				CHECK_EQ_U64(aliases[n].name_source, WB_NAME_SYMTAB);
			}
		}
	}
	test_row(NULL);
	CHECK_EQ_I64(wb_symbol_aliases(symbolizer, image, 1, WB_PC_EXACT, &aliases, &count), WB_NONE);
	CHECK_EQ_I64(wb_symbol_aliases(symbolizer, NULL, 1, WB_PC_EXACT, &aliases, &count), WB_ERR_ARGUMENT);
	wb_symbolizer_free(symbolizer);
	wb_image_unref(image);
	wb_session_free(session);
}

int main(void)
{
	TEST_RUN(keeps_the_order);
	TEST_RUN(has_nothing_without_symbols);
	TEST_RUN(names_a_program);
	return test_summary();
}
