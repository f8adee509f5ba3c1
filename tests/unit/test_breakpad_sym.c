/* SPDX-License-Identifier: MIT */
/* Breakpad's symbol files: what lines give, in both forms of inlined calls; damaged ones. */
#include "test.h"

#include <stdio.h>

#include "model/breakpad_sym.h"

#include "base/mem.h"

static const char text[] =
	"MODULE Linux x86_64 0123456789ABCDEF0123456789ABCDEF0 program\r\n"
	"INFO CODE_ID 00\n"
	"FILE 0 a.c\n"
	"FILE 7 b.c\n"
	"INLINE_ORIGIN 1 inner(int)\n"
	"INLINE_ORIGIN 0 outer()\n"
	"FUNC 1000 40 8 first(int, char)\n"
	"INLINE 0 11 0 0 1010 10 1030 4\n"
	"INLINE 1 22 7 1 1014 4\n"
	"1000 10 10 0\n"
	"1010 10 33 7\n"
	"1020 20 12 0\n"
	"FUNC m 2000 10 0 second\n"
	"2000 10 5 99\n"
	"PUBLIC 3000 4 third\n"
	"PUBLIC m 1800 0 between\n"
	"STACK CFI INIT 1000 40 .cfa: $rsp 8 + .ra: .cfa -8 + ^\n"
	"STACK CFI 1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^\n"
	"STACK CFI 1004 .cfa: $rbp 16 +\n"
	"STACK WIN 0 2000 10 0 0 4 8 c 0 0 1\n"
	"STACK WIN 4 2000 8 1 1 14 4 20 0 1 $T0 $ebp = $eip $T0 4 + ^ =\n"
	"NONSENSE 1\n";

static unsigned diags;

static void count_diag(void *arg, const struct wb_diag *diag)
{
	(void)arg;
	(void)diag;
	diags++;
}

static struct wb_breakpad_sym *read_text(const char *from, size_t size)
{
	struct wb_breakpad_sym *sym;
	struct wb_diags sink;

	diags = 0;
	wb_diags_init(&sink, count_diag, NULL);
	if (wb_breakpad_read(&sink, "test.sym", (const uint8_t *)from, size, &sym) != WB_OK)
		abort();
	wb_diags_deinit(&sink);
	return sym;
}

static void finds_functions(void)
{
	static const struct { uint64_t offset; const char *name; uint64_t start, size; uint32_t parameters; } rows[] = {
		{ 0xfff, NULL, 0, 0, 0 }, { 0x1000, "first(int, char)", 0x1000, 0x40, 8 }, { 0x103f, "first(int, char)", 0x1000, 0x40, 8 },
		{ 0x1040, NULL, 0, 0, 0 }, { 0x17ff, NULL, 0, 0, 0 }, { 0x1800, "between", 0x1800, 0, 0 }, { 0x1fff, "between", 0x1800, 0, 0 },
		{ 0x2000, "second", 0x2000, 0x10, 0 }, { 0x2010, NULL, 0, 0, 0 }, /* a function came between */
		{ 0x3000, "third", 0x3000, 0, 4 }, { 0x999999, "third", 0x3000, 0, 4 },
	};
	struct wb_breakpad_sym *sym = read_text(text, sizeof(text) - 1);

	CHECK_EQ_U64(diags, 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wb_breakpad_function function = { 0 };
		bool found = wb_breakpad_function(sym, rows[i].offset, &function);

		CHECK_EQ_I64(found, rows[i].name != NULL);
		if (!found || !rows[i].name)
			continue;
		CHECK_STR(function.name, rows[i].name);
		CHECK_EQ_U64(function.start, rows[i].start);
		CHECK_EQ_U64(function.size, rows[i].size);
		CHECK_EQ_U64(function.parameters, rows[i].parameters);
	}
	wb_breakpad_free(sym);
}

static void counts_records(void)
{
	struct wb_breakpad_sym *sym = read_text(text, sizeof(text) - 1);
	struct wb_breakpad_counts counts;

	wb_breakpad_count(sym, &counts);
	CHECK_EQ_U64(counts.functions, 2);
	CHECK_EQ_U64(counts.publics, 2);
	CHECK_EQ_U64(counts.cfi, 1);
	CHECK_EQ_U64(counts.win, 2);
	wb_breakpad_free(sym);
}

static void finds_lines_and_calls(void)
{
	static const struct { uint64_t offset; uint32_t line; const char *file; size_t calls; } rows[] = {
		{ 0x1000, 10, "a.c", 0 }, { 0x1010, 33, "b.c", 1 }, { 0x1014, 33, "b.c", 2 }, { 0x1018, 33, "b.c", 1 }, { 0x1030, 12, "a.c", 1 },
		{ 0x2000, 5, NULL, 0 },
	};
	struct wb_breakpad_sym *sym = read_text(text, sizeof(text) - 1);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wb_breakpad_inline calls[WB_BREAKPAD_INLINES_MAX];
		struct wb_breakpad_function function = { 0 };
		struct wb_breakpad_line line = { NULL, 0 };
		size_t count;

		REQUIRE(wb_breakpad_function(sym, rows[i].offset, &function));
		CHECK(wb_breakpad_line(sym, &function, rows[i].offset, &line));
		CHECK_EQ_U64(line.line, rows[i].line);
		CHECK_STR(line.file ? line.file : "", rows[i].file ? rows[i].file : "");
		count = wb_breakpad_inlines(sym, &function, rows[i].offset, calls);
		CHECK_EQ_U64(count, rows[i].calls);
		if (count > 0) {
			CHECK_STR(calls[0].name, "outer()");
			CHECK_STR(calls[0].call.file, "a.c");
			CHECK_EQ_U64(calls[0].call.line, 11);
		}
		if (count > 1) {
			CHECK_STR(calls[1].name, "inner(int)");
			CHECK_STR(calls[1].call.file, "b.c");
			CHECK_EQ_U64(calls[1].call.line, 22);
		}
	}
	wb_breakpad_free(sym);
}

/* Before 2022: INLINE_ORIGIN has a file, INLINE has none. */
static void reads_the_first_form(void)
{
	static const char first[] = "MODULE Linux x86_64 1 p\nFILE 0 a.c\nINLINE_ORIGIN 0 0 outer()\nFUNC 10 20 0 f\nINLINE 0 11 0 10 20\n10 20 3 0\n";
	struct wb_breakpad_sym *sym = read_text(first, sizeof(first) - 1);
	struct wb_breakpad_inline calls[WB_BREAKPAD_INLINES_MAX];
	struct wb_breakpad_function function = { 0 };

	CHECK_EQ_U64(diags, 0);
	REQUIRE(wb_breakpad_function(sym, 0x18, &function));
	REQUIRE(wb_breakpad_inlines(sym, &function, 0x18, calls) == 1);
	CHECK_STR(calls[0].name, "outer()");
	CHECK_EQ_U64(calls[0].call.line, 11);
	CHECK(!calls[0].call.file);
	wb_breakpad_free(sym);
}

static void finds_frame_data(void)
{
	static const struct { uint64_t offset; unsigned changes; } rows[] = { { 0x1000, 0 }, { 0x1001, 1 }, { 0x1003, 1 }, { 0x1004, 2 }, { 0x103f, 2 } };
	struct wb_breakpad_sym *sym = read_text(text, sizeof(text) - 1);
	struct wb_breakpad_cfi cfi;
	struct wb_breakpad_win win;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned changes = 0;

		REQUIRE(wb_breakpad_cfi(sym, rows[i].offset, &cfi));
		CHECK_STR(cfi.rules, ".cfa: $rsp 8 + .ra: .cfa -8 + ^");
		while (wb_breakpad_next_change(sym, &cfi, rows[i].offset))
			changes++;
		CHECK_EQ_U64(changes, rows[i].changes);
	}
	CHECK(!wb_breakpad_cfi(sym, 0x1040, &cfi));
	/* A program counts before frame pointer omission data. */
	REQUIRE(wb_breakpad_win(sym, 0x2007, &win));
	CHECK_STR(win.program, "$T0 $ebp = $eip $T0 4 + ^ =");
	CHECK(win.parameters == 0x14 && win.saved == 4 && win.locals == 0x20);
	REQUIRE(wb_breakpad_win(sym, 0x2008, &win));
	CHECK(!win.program && win.allocates_base_pointer && win.parameters == 4 && win.saved == 8 && win.locals == 12);
	CHECK(!wb_breakpad_win(sym, 0x2010, &win));
	wb_breakpad_free(sym);
}

/* A function of many lines, with gaps between them: whatever ends them, and in whatever order they are, each address has its own. */
static void finds_lines_in_large_functions(void)
{
	enum { LINES = 1000, STEP = 16, SIZE = 12, START = 0x4000 };
	static const struct { const char *name, *end; unsigned order; bool has_inline; } rows[] = {
		{ "in order", "\n", 1, false }, { "with a call before", "\n", 1, true }, { "CR LF", "\r\n", 1, true }, { "shuffled", "\n", 7, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static char made[64 * LINES];
		struct wb_breakpad_function function = { 0 };
		struct wb_breakpad_sym *sym;
		size_t used = (size_t)snprintf(made, sizeof(made), "FILE 0 a.c%sFUNC %x %x 0 f%s", rows[i].end, START, LINES * STEP, rows[i].end);

		test_row(rows[i].name);
		if (rows[i].has_inline)
			used += (size_t)snprintf(made + used, sizeof(made) - used, "INLINE 0 7 0 0 %x 4%s", START, rows[i].end);
		/* 7 and 1000 have no common divisor: all come once. */
		for (unsigned n = 0; n < LINES; n++) {
			unsigned line = n * rows[i].order % LINES;

			used += (size_t)snprintf(made + used, sizeof(made) - used, "%x %x %u 0%s", START + line * STEP, SIZE, line + 1, rows[i].end);
		}
		used += (size_t)snprintf(made + used, sizeof(made) - used, "FUNC 1 1 0 g%s1 1 2 0%s", rows[i].end, rows[i].end);
		sym = read_text(made, used);
		REQUIRE(wb_breakpad_function(sym, START, &function));
		for (unsigned offset = 0; offset < LINES * STEP; offset++) {
			struct wb_breakpad_line line = { NULL, 0 };

			CHECK(wb_breakpad_line(sym, &function, START + offset, &line) == (offset % STEP < SIZE));
			CHECK_EQ_U64(line.line, offset % STEP < SIZE ? offset / STEP + 1 : 0);
		}
		wb_breakpad_free(sym);
	}
}

static void survives_every_prefix(void)
{
	for (size_t size = 0; size < sizeof(text); size++) {
		char *copy = malloc(size + 1);
		struct wb_breakpad_sym *sym;

		memcpy(copy, text, size);
		sym = read_text(copy, size);
		for (uint64_t offset = 0xff8; offset < 0x3010; offset += 4) {
			struct wb_breakpad_inline calls[WB_BREAKPAD_INLINES_MAX];
			struct wb_breakpad_function function;
			struct wb_breakpad_line line;
			struct wb_breakpad_cfi cfi;
			struct wb_breakpad_win win;

			if (wb_breakpad_function(sym, offset, &function)) {
				wb_breakpad_line(sym, &function, offset, &line);
				wb_breakpad_inlines(sym, &function, offset, calls);
			}
			if (wb_breakpad_cfi(sym, offset, &cfi))
				while (wb_breakpad_next_change(sym, &cfi, offset))
					;
			wb_breakpad_win(sym, offset, &win);
		}
		wb_breakpad_free(sym);
		free(copy);
	}
	CHECK(true);
}

static void fails_without_memory(void)
{
	for (uint64_t nth = 1, done = 0; !done; nth++) {
		struct wb_breakpad_sym *sym;
		enum wb_err err;

		wb_mem_fail_at(nth, true);
		err = wb_breakpad_read(NULL, "test.sym", (const uint8_t *)text, sizeof(text) - 1, &sym);
		done = wb_mem_count() < nth;
		wb_mem_fail_at(0, false);
		CHECK_EQ_I64(err, done ? WB_OK : WB_ERR_MEMORY);
		if (!err)
			wb_breakpad_free(sym);
	}
}

int main(void)
{
	TEST_RUN(finds_functions);
	TEST_RUN(counts_records);
	TEST_RUN(finds_lines_and_calls);
	TEST_RUN(reads_the_first_form);
	TEST_RUN(finds_frame_data);
	TEST_RUN(finds_lines_in_large_functions);
	TEST_RUN(survives_every_prefix);
	TEST_RUN(fails_without_memory);
	return test_summary();
}
