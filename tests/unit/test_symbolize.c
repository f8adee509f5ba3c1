/* SPDX-License-Identifier: MIT */
/*
 * The symbolizer on real programs: tests/make/inlines.c and .cc, compiled in many ways by the compilers that are here. Labels in the programs
 * give the addresses, marks in their sources the expected lines.
 */
#include <walkback/walkback.h>

#include "base/mem.h"
#include "config.h"
#include "test.h"

enum { SITES_MAX = 4, PROGRAM_PATH_MAX = TEST_PATH_MAX, SOURCE_LINE_MAX = 512 };

/* The number of the line that is marked "LINE mark"; 0 (and a failed check) if there is none. */
static unsigned line_of(const char *source, const char *mark)
{
	char wanted[64], line[SOURCE_LINE_MAX];
	unsigned number = 0, found = 0;
	FILE *file = fopen(test_data(source), "r");

	snprintf(wanted, sizeof wanted, "LINE %s", mark);
	while (file && !found && fgets(line, sizeof line, file)) {
		const char *at = strstr(line, wanted);

		number++;
		/* The mark ends there: "LINE at" is not "LINE at_leaf". */
		if (at && !strchr("abcdefghijklmnopqrstuvwxyz_", at[strlen(wanted)] ? at[strlen(wanted)] : ' '))
			found = number;
	}
	if (file)
		fclose(file);
	CHECK(found > 0);
	return found;
}

struct expect_site { const char *function, *source, *mark; };
struct expect {
	const char *label;
	struct expect_site sites[SITES_MAX]; /* innermost first, up to the first without a function */
};

static const struct expect c_places[] = {
	{ "at_leaf", { { "leaf", "make/inlines.c", "at_leaf" }, { "middle", "make/inlines.c", "leaf_in_middle" }, { "outer", "make/inlines.c", "middle_in_outer" } } },
	{ "at_outer", { { "outer", "make/inlines.c", "at_outer" } } },
	{ "at_header", { { "in_header", "make/inlines.h", "at_header" }, { "outer", "make/inlines.c", "header_in_outer" } } },
	{ "at_renamed", { { "renamed", "make/inlines.c", "at_renamed" } } },
	{ NULL, { { NULL, NULL, NULL } } },
};
static const struct expect cc_places[] = {
	{ "at_leaf", { { "shop::Box<int>::twice(int)", "make/inlines.cc", "at_leaf" }, { "shop::Box<int>::get(int)", "make/inlines.cc", "leaf_in_outer" } } },
	{ "at_outer", { { "shop::Box<int>::get(int)", "make/inlines.cc", "at_outer" } } },
	{ NULL, { { NULL, NULL, NULL } } },
};

/* ---- Programs ---------------------------------------------------------------------------------------------------------- */

static const struct program {
	const char *command;          /* compiler and options */
	const char *source;
	const struct expect *places;
} programs[] = {
	{ "gcc -O2 -gdwarf-5", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-4", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-3", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-2", "make/inlines.c", c_places },
	{ "gcc -O0 -gdwarf-5", "make/inlines.c", c_places },
	{ "gcc -Og -gdwarf-5", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-5 -gdwarf64", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-4 -gdwarf64", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-5 -gz=zlib", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-5 -gz=zstd", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-5 -flto", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-5 -fdebug-types-section", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-4 -ffunction-sections -Wl,--gc-sections", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-5 -ffunction-sections -Wl,--gc-sections -no-pie", "make/inlines.c", c_places },
	{ "gcc -O2 -gdwarf-5 -static", "make/inlines.c", c_places },
	{ "clang -O2 -gdwarf-5", "make/inlines.c", c_places },
	{ "clang -O2 -gdwarf-4", "make/inlines.c", c_places },
	{ "clang -O2 -gdwarf-4 -gdwarf-aranges", "make/inlines.c", c_places },
	{ "clang -O2 -gdwarf-5 -gdwarf64", "make/inlines.c", c_places },
	{ "clang -O2 -gdwarf-5 -ffunction-sections -Wl,--gc-sections", "make/inlines.c", c_places },
	{ "clang -O0 -gdwarf-5", "make/inlines.c", c_places },
	{ "g++ -O2 -gdwarf-5", "make/inlines.cc", cc_places },
	{ "g++ -O2 -gdwarf-4", "make/inlines.cc", cc_places },
	{ "clang++ -O2 -gdwarf-5", "make/inlines.cc", cc_places },
	{ "clang++ -O2 -gdwarf-4", "make/inlines.cc", cc_places },
};

/* False: there is no such compiler here, or it does not know the options. */
static bool compile(const char *command, const char *source, char *ret_path)
{
	char shell[4 * PROGRAM_PATH_MAX];

	snprintf(ret_path, PROGRAM_PATH_MAX, "%s", test_tmp("program"));
	snprintf(shell, sizeof shell, "%s -w -o '%s' '%s' 2>/dev/null", command, ret_path, test_data(source));
	return system(shell) == 0;
}

struct opened {
	struct wb_session *session;
	struct wb_image *image;
	struct wb_symbolizer *symbolizer;
};

static bool open_program(const char *path, const struct wb_session_opts *session_opts, const struct wb_symbolizer_opts *opts, struct opened *ret_opened)
{
	*ret_opened = (struct opened){ 0 };
	return CHECK(wb_session_new(session_opts, &ret_opened->session) == WB_OK) &&
	       CHECK(wb_image_open(ret_opened->session, path, &ret_opened->image) == WB_OK) &&
	       CHECK(wb_symbolizer_new(ret_opened->session, opts, &ret_opened->symbolizer) == WB_OK);
}

static void close_program(struct opened *opened)
{
	wb_symbolizer_free(opened->symbolizer);
	wb_image_unref(opened->image);
	wb_session_free(opened->session);
}

static uint64_t address_of(struct opened *opened, const char *label)
{
	uint64_t address = 0, size = 0;

	CHECK_EQ_I64(wb_symbol_find(opened->symbolizer, opened->image, label, &address, &size), WB_OK);
	return address;
}

static bool ends_with(const char *text, const char *end)
{
	size_t text_size = text ? strlen(text) : 0, end_size = strlen(end);

	return text_size >= end_size && strcmp(text + text_size - end_size, end) == 0;
}

static void check_place(struct opened *opened, const struct expect *expect)
{
	uint64_t address = address_of(opened, expect->label);
	const struct wb_site *sites;
	size_t count = 0, num_expected = 0;

	while (num_expected < SITES_MAX && expect->sites[num_expected].function)
		num_expected++;
	CHECK_EQ_I64(wb_symbolize(opened->symbolizer, opened->image, address, WB_PC_EXACT, &sites, &count), WB_OK);
	if (!CHECK(count == num_expected))
		return;
	for (size_t i = 0; i < count; i++) {
		const struct expect_site *site = &expect->sites[i];

		CHECK_STR(sites[i].function, site->function);
		CHECK(ends_with(sites[i].file, site->source));
		CHECK_EQ_U64(sites[i].line, line_of(site->source, site->mark));
		CHECK_EQ_U64(sites[i].inlined, i + 1 < count);
		CHECK_EQ_U64(sites[i].call_depth, count - 1 - i);
		CHECK_EQ_U64(sites[i].name_source, WB_NAME_DWARF);
		CHECK(sites[i].function_reason == WB_REASON_NONE && sites[i].line_reason == WB_REASON_NONE);
		CHECK(sites[i].function_start <= address && address - sites[i].function_start < sites[i].function_size);
	}
}

static void names_what_compilers_make(void)
{
	unsigned compiled = 0;

	if (!WB_HAVE_LIBIBERTY)
		TEST_SKIP("libiberty is not in this build");
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		char path[PROGRAM_PATH_MAX];
		struct opened opened;

		test_row(programs[i].command);
		if (!compile(programs[i].command, programs[i].source, path)) {
			printf("not here: %s\n", programs[i].command);
			continue;
		}
		compiled++;
		if (open_program(path, NULL, NULL, &opened))
			for (const struct expect *place = programs[i].places; place->label; place++)
				check_place(&opened, place);
		close_program(&opened);
	}
	test_row(NULL);
	if (!compiled)
		TEST_SKIP("no compiler");
}

/* ---- Options, on one program -------------------------------------------------------------------------------------------- */

static enum wb_err shout(void *arg, const char *name, char *buffer, size_t size)
{
	++*(unsigned *)arg;
	snprintf(buffer, size, "<%s>", name);
	return WB_OK;
}

static const struct {
	const char *name, *label;
	struct wb_symbolizer_opts opts;
	size_t count;                 /* of sites */
	const char *function, *linkage; /* of the last site */
	unsigned source;              /* enum wb_name_source */
	const char *mark;             /* of the first site's line; NULL: not asked */
} levels[] = {
	{ "names", "at_leaf", { .detail = WB_DETAIL_NAMES }, 1, "outer", "outer", WB_NAME_SYMTAB, NULL },
	{ "lines", "at_leaf", { .detail = WB_DETAIL_LINES }, 1, "outer", "outer", WB_NAME_DWARF, "at_leaf" },
	{ "inlines", "at_leaf", { .detail = WB_DETAIL_INLINES }, 3, "outer", "outer", WB_NAME_DWARF, "at_leaf" },
	{ "inlines without lines", "at_leaf", { .detail = WB_DETAIL_INLINES, .no_lines = 1 }, 3, "outer", "outer", WB_NAME_DWARF, NULL },
	{ "the source's name", "at_renamed", { .detail = WB_DETAIL_INLINES }, 1, "renamed", "renamed_by_assembler", WB_NAME_DWARF, "at_renamed" },
	{ "the raw name", "at_renamed", { .detail = WB_DETAIL_INLINES, .raw_names = 1 }, 1, "renamed_by_assembler", "renamed_by_assembler", WB_NAME_DWARF,
	  "at_renamed" },
	{ "the symbol's name", "at_renamed", { .detail = WB_DETAIL_INLINES, .symtab_only = 1 }, 1, "renamed_by_assembler", "renamed_by_assembler",
	  WB_NAME_SYMTAB, "at_renamed" },
	{ "the symbol's name alone", "at_renamed", { .detail = WB_DETAIL_NAMES }, 1, "renamed_by_assembler", "renamed_by_assembler", WB_NAME_SYMTAB, NULL },
};

static void keeps_to_the_detail_level(void)
{
	char path[PROGRAM_PATH_MAX];

	if (!compile("cc -O2 -g", "make/inlines.c", path))
		TEST_SKIP("no compiler");
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		struct wb_symbolizer_opts opts = levels[i].opts;
		const struct wb_site *sites;
		struct opened opened;
		size_t count = 0;

		test_row(levels[i].name);
		opts.size = sizeof opts;
		REQUIRE(open_program(path, NULL, &opts, &opened));
		uint64_t address = address_of(&opened, levels[i].label);
		/* Twice: the second answer is the remembered one. A return address is one further. */
		for (unsigned again = 0; again < 3; again++) {
			CHECK_EQ_I64(wb_symbolize(opened.symbolizer, opened.image, address + (again == 2), again == 2 ? WB_PC_RETURN : WB_PC_EXACT, &sites,
			                          &count), WB_OK);
			if (!CHECK(count == levels[i].count))
				continue;
			CHECK_STR(sites[count - 1].function, levels[i].function);
			CHECK_STR(sites[count - 1].linkage_name, levels[i].linkage);
			CHECK_EQ_U64(sites[count - 1].name_source, levels[i].source);
			CHECK_EQ_U64(sites[0].line, levels[i].mark ? line_of("make/inlines.c", levels[i].mark) : 0);
			CHECK_EQ_U64(sites[0].line_reason, levels[i].mark ? WB_REASON_NONE : WB_REASON_NOT_ASKED);
		}
		close_program(&opened);
	}
	test_row(NULL);
}

/* Two symbolizers share a session's tables: lines come when somebody asks for them, however late, and only to who asks. */
static void adds_lines_for_who_asks(void)
{
	struct wb_symbolizer_opts opts = { .size = sizeof opts, .detail = WB_DETAIL_INLINES, .no_lines = 1 };
	struct wb_symbolizer *with_lines;
	char path[PROGRAM_PATH_MAX];
	const struct wb_site *sites;
	struct opened opened;
	size_t count = 0;

	if (!compile("cc -O2 -g", "make/inlines.c", path))
		TEST_SKIP("no compiler");
	REQUIRE(open_program(path, NULL, &opts, &opened));
	uint64_t address = address_of(&opened, "at_leaf");
	opts.no_lines = 0;
	REQUIRE(wb_symbolizer_new(opened.session, &opts, &with_lines) == WB_OK);
	for (uint64_t i = 0; i < 4; i++) {
		bool lines = i % 2 == 1;

		/* A new address each time: answers are remembered. */
		CHECK_EQ_I64(wb_symbolize(lines ? with_lines : opened.symbolizer, opened.image, address + i / 2, WB_PC_EXACT, &sites, &count), WB_OK);
		REQUIRE(count == 3);
		CHECK_STR(sites[2].function, "outer");
		for (size_t at = 0; at < count; at++) {
			CHECK((sites[at].line != 0) == lines && (sites[at].file != NULL) == lines);
			CHECK_EQ_U64(sites[at].line_reason, lines ? WB_REASON_NONE : WB_REASON_NOT_ASKED);
		}
	}
	wb_symbolizer_free(with_lines);
	close_program(&opened);
}

static void asks_the_callers_demangler_once(void)
{
	unsigned calls = 0;
	struct wb_symbolizer_opts opts = { .size = sizeof opts, .demangle = shout, .demangle_arg = &calls };
	char path[PROGRAM_PATH_MAX];
	const struct wb_site *sites;
	struct opened opened;
	size_t count = 0;

	if (!compile("cc -O2", "make/inlines.c", path))
		TEST_SKIP("no compiler");
	REQUIRE(open_program(path, NULL, &opts, &opened));
	uint64_t address = address_of(&opened, "outer");
	calls = 0;
	for (uint64_t i = 0; i < 4; i++) {
		CHECK_EQ_I64(wb_symbolize(opened.symbolizer, opened.image, address + i, WB_PC_EXACT, &sites, &count), WB_OK);
		CHECK_STR(sites[0].function, "<outer>");
		CHECK_STR(sites[0].linkage_name, "outer");
	}
	CHECK_EQ_U64(calls, 1);
	close_program(&opened);
}

/* SRC stands for the folder of the source. */
static const struct {
	const char *name;
	struct { const char *from, *to; } maps[3]; /* up to the first without from */
	const char *expect;
} path_maps[] = {
	{ "none", { { NULL, NULL } }, "SRC/make/inlines.c" },
	{ "a folder", { { "SRC/make", "/src" } }, "/src/inlines.c" },
	{ "the first that applies", { { "/no/such/folder", "/wrong" }, { "SRC", "/a" }, { "SRC/make", "/b" } }, "/a/make/inlines.c" },
	{ "whole components only", { { "SRC/mak", "/wrong" }, { "SRC/ma", "/wrong" } }, "SRC/make/inlines.c" },
	{ "a slash at the end", { { "SRC/make/", "x/" } }, "x/inlines.c" },
	{ "the whole path", { { "SRC/make/inlines.c", "y.c" } }, "y.c" },
	{ "all", { { "", "/sysroot" } }, "/sysrootSRC/make/inlines.c" },
	{ "to nothing", { { "SRC/make/", "" } }, "inlines.c" },
};

/* text with SRC replaced, in one of a few buffers. */
static const char *with_source(const char *text)
{
	static char buffers[8][2 * PROGRAM_PATH_MAX];
	static unsigned next;
	char *buffer = buffers[next++ % 8];
	const char *at = strstr(text, "SRC");

	const char *source = test_data("");

	if (!at)
		return text;
	snprintf(buffer, sizeof buffers[0], "%.*s%.*s%s", (int)(at - text), text, (int)strlen(source) - 1, source, at + 3);
	return buffer;
}

static void maps_paths(void)
{
	char path[PROGRAM_PATH_MAX];

	if (!compile("cc -O2 -g", "make/inlines.c", path))
		TEST_SKIP("no compiler");
	for (size_t i = 0; i < sizeof path_maps / sizeof path_maps[0]; i++) {
		struct wb_path_map maps[3];
		struct wb_symbolizer_opts opts = { .size = sizeof opts, .detail = WB_DETAIL_LINES, .path_maps = maps };
		const struct wb_site *sites;
		struct opened opened;
		size_t count = 0;

		test_row(path_maps[i].name);
		for (; opts.num_path_maps < 3 && path_maps[i].maps[opts.num_path_maps].from; opts.num_path_maps++)
			maps[opts.num_path_maps] = (struct wb_path_map){ with_source(path_maps[i].maps[opts.num_path_maps].from),
				                                         path_maps[i].maps[opts.num_path_maps].to };
		REQUIRE(open_program(path, NULL, &opts, &opened));
		CHECK_EQ_I64(wb_symbolize(opened.symbolizer, opened.image, address_of(&opened, "at_outer"), WB_PC_EXACT, &sites, &count), WB_OK);
		CHECK_STR(sites[0].file, with_source(path_maps[i].expect));
		close_program(&opened);
	}
	test_row(NULL);
}

/* Without a linkage name, the symbol at the function's entry says more than "operator()". */
static void names_lambdas_in_full(void)
{
	static const char *const compilers[] = { "g++ -O2 -g", "clang++ -O2 -g" };
	char path[PROGRAM_PATH_MAX];
	const struct wb_site *sites;
	struct opened opened;
	size_t count = 0;

	if (!WB_HAVE_LIBIBERTY)
		TEST_SKIP("libiberty is not in this build");
	for (size_t i = 0; i < sizeof compilers / sizeof compilers[0]; i++) {
		if (!compile(compilers[i], "make/inlines.cc", path))
			continue;
		test_row(compilers[i]);
		REQUIRE(open_program(path, NULL, NULL, &opened));
		CHECK_EQ_I64(wb_symbolize(opened.symbolizer, opened.image, address_of(&opened, "at_lambda"), WB_PC_EXACT, &sites, &count), WB_OK);
		CHECK_EQ_U64(count, 1);
		CHECK(strncmp(sites[0].function, "main::", 6) == 0 && strstr(sites[0].function, "::operator()(int) const"));
		CHECK_EQ_U64(sites[0].line, line_of("make/inlines.cc", "at_lambda"));
		close_program(&opened);
	}
	test_row(NULL);
}

/* ---- What is not known ---------------------------------------------------------------------------------------------------- */

static void gives_reasons(void)
{
	char path[PROGRAM_PATH_MAX];
	const struct wb_site *sites;
	struct opened opened;
	size_t count = 0;

	if (!compile("cc -O2 -g", "make/inlines.c", path))
		TEST_SKIP("no compiler");
	REQUIRE(open_program(path, NULL, NULL, &opened));
	CHECK_EQ_I64(wb_symbolize(opened.symbolizer, NULL, 0x1000, WB_PC_EXACT, &sites, &count), WB_OK);
	CHECK(count == 1 && !sites[0].function && sites[0].function_reason == WB_REASON_NO_IMAGE && sites[0].line_reason == WB_REASON_NO_IMAGE);
	CHECK_EQ_I64(wb_symbolize(opened.symbolizer, opened.image, 0x10, WB_PC_EXACT, &sites, &count), WB_OK);
	CHECK(count == 1 && !sites[0].function && sites[0].function_reason == WB_REASON_NO_SYMBOL && sites[0].line_reason == WB_REASON_NO_UNIT);
	CHECK(sites[0].function_start == UINT64_MAX && !sites[0].file && sites[0].line == 0);
	uint64_t address, size;
	CHECK_EQ_I64(wb_symbol_find(opened.symbolizer, opened.image, "no_such_symbol", &address, &size), WB_NONE);
	close_program(&opened);

	if (!compile("cc -O2 -g0", "make/inlines.c", path))
		TEST_SKIP("no compiler");
	REQUIRE(open_program(path, NULL, NULL, &opened));
	CHECK_EQ_I64(wb_symbolize(opened.symbolizer, opened.image, address_of(&opened, "at_leaf"), WB_PC_EXACT, &sites, &count), WB_OK);
	CHECK(count == 1 && sites[0].name_source == WB_NAME_SYMTAB && sites[0].line_reason == WB_REASON_NO_DEBUG_INFO);
	CHECK_STR(sites[0].function, "outer");
	close_program(&opened);

	struct wb_identity identity = { .size = sizeof identity, .platform = { WB_ARCH_X86_64, 0, WB_OS_LINUX }, .path = "/no/such/file" };
	REQUIRE(wb_session_new(NULL, &opened.session) == WB_OK);
	REQUIRE(wb_image_new(opened.session, &identity, &opened.image) == WB_OK);
	REQUIRE(wb_symbolizer_new(opened.session, NULL, &opened.symbolizer) == WB_OK);
	CHECK_EQ_I64(wb_symbolize(opened.symbolizer, opened.image, 0x1000, WB_PC_EXACT, &sites, &count), WB_OK);
	CHECK(count == 1 && !sites[0].function && sites[0].function_reason == WB_REASON_NO_FILE);
	close_program(&opened);
}

/* One byte of budget: what an answer needs is made all the same, and nothing is kept that need not be. */
static void works_without_budget(void)
{
	struct wb_session_opts session_opts = { .size = sizeof session_opts, .cache_bytes = 1 };
	char path[PROGRAM_PATH_MAX];
	struct opened opened;

	if (!compile("cc -O2 -g", "make/inlines.c", path))
		TEST_SKIP("no compiler");
	REQUIRE(open_program(path, &session_opts, NULL, &opened));
	for (unsigned round = 0; round < 3; round++)
		for (const struct expect *place = c_places; place->label; place++)
			check_place(&opened, place);
	close_program(&opened);
}

enum { UNITS = 24, ROWS = 3000 };

/* A program of many line tables that are large beside all else: function f<i> has ROWS instructions, each on a line of its own, from
 * line i * 10000 on. */
static bool compile_units(char *ret_path)
{
	char shell[8 * PROGRAM_PATH_MAX], folder[PROGRAM_PATH_MAX];

	snprintf(ret_path, PROGRAM_PATH_MAX, "%s", test_tmp("units"));
	snprintf(folder, sizeof folder, "%s", test_tmp("sources"));
	snprintf(shell, sizeof shell,
	         "mkdir '%s' && cd '%s' && i=0 && while [ $i -lt %d ]; do awk -v i=$i 'BEGIN { print \".text\\n.globl f\" i \"\\n.type f\" i \", @function\\n"
	         "f\" i \":\\n.file 1 \\\"\" i \".c\\\"\"; for (k = 0; k < %d; k++) print \".loc 1 \" i * 10000 + k \"\\nnop\"; "
	         "print \".size f\" i \", .-f\" i }' >$i.s; i=$((i + 1)); done && echo 'int main(void) { return 0; }' >main.c && "
	         "cc -w -o '%s' main.c *.s 2>/dev/null", folder, folder, UNITS, ROWS, ret_path);
	return system(shell) == 0;
}

static void check_unit(struct opened *opened, const uint64_t addresses[UNITS], uint64_t nop, unsigned unit, unsigned row)
{
	const struct wb_site *sites;
	size_t count = 0;

	CHECK_EQ_I64(wb_symbolize(opened->symbolizer, opened->image, addresses[unit] + row * nop, WB_PC_EXACT, &sites, &count), WB_OK);
	CHECK_EQ_U64(count, 1);
	CHECK_EQ_U64(sites[0].line, unit * 10000 + row);
}

/* With room for some of the units, the budget holds for what can be dropped, and all answers are as without one. */
static void drops_units_to_keep_the_budget(void)
{
	struct wb_usage full = { .size = sizeof full }, usage = { .size = sizeof usage };
	struct wb_session_opts session_opts = { .size = sizeof session_opts };
	char path[PROGRAM_PATH_MAX], name[16];
	uint64_t addresses[UNITS], nop = 0;
	struct opened opened;

	if (!compile_units(path))
		TEST_SKIP("no compiler");
	REQUIRE(open_program(path, NULL, NULL, &opened));
	for (unsigned i = 0; i < UNITS; i++) {
		snprintf(name, sizeof name, "f%u", i);
		CHECK_EQ_I64(wb_symbol_find(opened.symbolizer, opened.image, name, &addresses[i], &nop), WB_OK);
		nop /= ROWS;
	}
	check_unit(&opened, addresses, nop, 0, 1);
	CHECK_EQ_I64(wb_session_usage(opened.session, &usage), WB_OK);
	for (unsigned i = 1; i < UNITS; i++)
		check_unit(&opened, addresses, nop, i, 1);
	CHECK_EQ_I64(wb_session_usage(opened.session, &full), WB_OK);
	CHECK_EQ_U64(full.evictions, 0);
	REQUIRE(full.cache_bytes > usage.cache_bytes);
	close_program(&opened);

	/* What the first answer cost stays (sections, symbols, indexes); of what the other units cost, there is room for half. */
	session_opts.cache_bytes = usage.cache_bytes + (full.cache_bytes - usage.cache_bytes) / 2;
	REQUIRE(open_program(path, &session_opts, NULL, &opened));
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < UNITS; i++) {
			check_unit(&opened, addresses, nop, i * 7 % UNITS, 1 + round);
			CHECK_EQ_I64(wb_session_usage(opened.session, &usage), WB_OK);
			CHECK(usage.cache_bytes <= session_opts.cache_bytes);
		}
	/* In turns, the one that is wanted next is always the one that went. */
	CHECK(usage.evictions > 2 * UNITS);
	close_program(&opened);
}

/* Hostile files are not for libdwarf: what it would say is known without it. */
static void leaves_libdwarf_out(void)
{
	struct wb_session_opts session_opts = { .size = sizeof session_opts, .dwarf = WB_DWARF_FAST };
	char path[PROGRAM_PATH_MAX];
	struct opened opened;

	if (!compile("cc -O2 -g", "make/inlines.c", path))
		TEST_SKIP("no compiler");
	REQUIRE(open_program(path, &session_opts, NULL, &opened));
	for (const struct expect *place = c_places; place->label; place++)
		check_place(&opened, place);
	close_program(&opened);
}

/* Opens the program and asks about a place while the nth allocation, and all after it if `sticky`, fail. */
static enum wb_err ask_without_memory(const char *path, uint64_t pc, uint64_t nth, bool sticky, size_t *ret_count)
{
	const struct wb_alias *aliases;
	const struct wb_site *sites;
	struct opened opened = { 0 };
	size_t num_aliases;
	enum wb_err err;

	wb_mem_fail_at(nth, sticky);
	err = wb_session_new(NULL, &opened.session);
	if (!err)
		err = wb_image_open(opened.session, path, &opened.image);
	if (!err)
		err = wb_symbolizer_new(opened.session, NULL, &opened.symbolizer);
	if (!err)
		err = wb_symbolize(opened.symbolizer, opened.image, pc, WB_PC_EXACT, &sites, ret_count);
	if (!err)
		err = wb_symbol_aliases(opened.symbolizer, opened.image, pc, WB_PC_EXACT, &aliases, &num_aliases);
	close_program(&opened);
	return err;
}

static void survives_every_failing_allocation(void)
{
	char path[PROGRAM_PATH_MAX];
	struct opened opened;
	uint64_t pc, total;
	size_t count = 0;

	if (!compile("cc -O2 -g", "make/inlines.c", path))
		TEST_SKIP("no compiler");
	REQUIRE(open_program(path, NULL, NULL, &opened));
	pc = address_of(&opened, "at_leaf");
	close_program(&opened);
	CHECK_EQ_I64(ask_without_memory(path, pc, 0, false, &count), WB_OK);
	CHECK_EQ_U64(count, 3);
	total = wb_mem_count();
	CHECK(total > 20);
	for (uint64_t nth = 1; nth <= total; nth++)
		for (int sticky = 0; sticky < 2; sticky++) {
			enum wb_err err = ask_without_memory(path, pc, nth, sticky, &count);

			/* Either it says so, or it could do without. */
			CHECK(err == WB_ERR_MEMORY || err == WB_OK);
			if (err == WB_OK)
				CHECK(count >= 1);
		}
	wb_mem_fail_at(0, false);
}

static enum wb_err check_many(void *arg, size_t index, const struct wb_site *sites, size_t count)
{
	CHECK(count >= 1);
	CHECK(sites[count - 1].function != NULL);
	++*(size_t *)arg;
	return index == 2 ? WB_ERR_CANCELLED : WB_OK;
}

static void names_many(void)
{
	char path[PROGRAM_PATH_MAX];
	struct opened opened;
	size_t calls = 0;

	if (!compile("cc -O2 -g", "make/inlines.c", path))
		TEST_SKIP("no compiler");
	REQUIRE(open_program(path, NULL, NULL, &opened));
	uint64_t start = address_of(&opened, "outer"), pcs[] = { start, start + 1, start + 2, start + 3 };
	CHECK_EQ_I64(wb_symbolize_many(opened.symbolizer, opened.image, pcs, 2, WB_PC_EXACT, check_many, &calls), WB_OK);
	CHECK_EQ_U64(calls, 2);
	CHECK_EQ_I64(wb_symbolize_many(opened.symbolizer, opened.image, pcs, 4, WB_PC_EXACT, check_many, &calls), WB_ERR_CANCELLED);
	CHECK_EQ_U64(calls, 5);
	close_program(&opened);
}

static void refuses_wrong_calls(void)
{
	struct wb_symbolizer_opts opts = { .size = sizeof opts, .detail = WB_DETAIL_INLINES + 1 };
	struct wb_symbolizer *symbolizer;
	struct wb_session *session;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	CHECK_EQ_I64(wb_symbolizer_new(NULL, NULL, &symbolizer), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_symbolizer_new(session, &opts, &symbolizer), WB_ERR_ARGUMENT);
	opts = (struct wb_symbolizer_opts){ .size = sizeof opts, .num_path_maps = 1 };
	CHECK_EQ_I64(wb_symbolizer_new(session, &opts, &symbolizer), WB_ERR_ARGUMENT);
	wb_symbolizer_free(NULL);
	for (int reason = 0; reason <= WB_REASON_UNSUPPORTED; reason++)
		CHECK(wb_reason_text((enum wb_reason)reason)[0] != '\0');
	wb_session_free(session);
}

int main(void)
{
	TEST_RUN(names_what_compilers_make);
	TEST_RUN(keeps_to_the_detail_level);
	TEST_RUN(adds_lines_for_who_asks);
	TEST_RUN(asks_the_callers_demangler_once);
	TEST_RUN(maps_paths);
	TEST_RUN(names_lambdas_in_full);
	TEST_RUN(gives_reasons);
	TEST_RUN(works_without_budget);
	TEST_RUN(drops_units_to_keep_the_budget);
	TEST_RUN(leaves_libdwarf_out);
	TEST_RUN(survives_every_failing_allocation);
	TEST_RUN(names_many);
	TEST_RUN(refuses_wrong_calls);
	return test_summary();
}
