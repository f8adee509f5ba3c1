/* SPDX-License-Identifier: MIT */
/* Symbols as text: perf maps and kernel symbols, told apart by content; bad lines cost one diagnostic and no other line. */
#include "test.h"

#include "base/mem.h"
#include "model/object.h"

static unsigned num_diags;
static char last_diag[512];

static void note_diag(void *arg, const struct wb_diag *diag)
{
	(void)arg;
	num_diags++;
	wb_diag_format(diag, last_diag, sizeof last_diag);
}

static char listed[4096];

static enum wb_err add_line(void *arg, const struct wb_symbol *s)
{
	size_t at = strlen(listed);

	(void)arg;
	CHECK_EQ_U64(s->table, WB_SYMBOLS_TEXT);
	snprintf(listed + at, sizeof listed - at, "%" PRIx64 "+%" PRIx64 " t%d b%d%s%s %s\n", s->value, s->size, s->type, s->binding,
	         s->executable ? " x" : "", s->absolute ? " abs" : "", s->name);
	return WB_OK;
}

static const struct {
	const char *name, *input, *format, *expect;
	const char *diag;                 /* NULL: none */
} table[] = {
	{ "perf map", "7f0010 20 LazyCompile:~add /a b.js:1\n7f0030 1 x\n", "perf-map",
	  "7f0010+20 t1 b2 x LazyCompile:~add /a b.js:1\n7f0030+1 t1 b2 x x\n", NULL },
	{ "with 0x and without the last newline", "0x7f0010 0x20 a\n7f0030 1f b", "perf-map", "7f0010+20 t1 b2 x a\n7f0030+1f t1 b2 x b\n", NULL },
	{ "carriage returns and empty lines", "10 20 a\r\n\r\n\n30 20 b\r\n", "perf-map", "10+20 t1 b2 x a\n30+20 t1 b2 x b\n", NULL },
	{ "a single-letter size among others", "10 20 a\n30 b c\n", "perf-map", "10+20 t1 b2 x a\n30+b t1 b2 x c\n", NULL },
	{ "bad lines", "10 20 a\nzzz\n30 20\n40 20 b\n11112222333344445 1 c\n50 1 d\n", "perf-map",
	  "10+20 t1 b2 x a\n40+20 t1 b2 x b\n50+1 t1 b2 x d\n", "text: offset 0x8: a line that is no symbol" },
	{ "kernel", "ffffffff81000000 T _stext\nffffffff81000010 t local\nffffffff82000000 D data\nffffffffc0001000 t helper\t[nf_tables]\n", "kallsyms",
	  "ffffffff81000000+0 t1 b2 x _stext\nffffffff81000010+0 t1 b0 x local\nffffffff82000000+0 t3 b2 data\n"
	  "ffffffffc0001000+0 t1 b0 x helper\n", NULL },
	{ "absolute, weak and indirect", "0000000000000000 A fixed_percpu_data\nffffffff81000000 W weak\nffffffff81000010 i chosen\nffffffff81000020 V v\n", "kallsyms",
	  "0+0 t6 b2 abs fixed_percpu_data\nffffffff81000000+0 t1 b1 x weak\nffffffff81000010+0 t2 b2 x chosen\nffffffff81000020+0 t3 b1 v\n", NULL },
	{ "only ambiguous letters", "c0000000 a one\nc0000010 b two\n", "kallsyms", "c0000000+0 t6 b0 abs one\nc0000010+0 t3 b0 two\n", NULL },
	{ "hidden", "0000000000000000 T _stext\n0000000000000000 t local\n", "kallsyms", "",
	  "text: every address is 0: the kernel hid them (kptr_restrict)" },
	{ "undefined symbols of nm", "                 U printf\n0000000000001139 T main\n", "kallsyms", "1139+0 t1 b2 x main\n",
	  "text: offset 0x0: a line that is no symbol" },
};

static enum wb_err open_text(struct wb_diags *diags, const char *text, size_t size, struct wb_object **ret_object)
{
	char *exact = malloc(size ? size : 1);
	struct wb_file *file;

	memcpy(exact, text, size);
	if (wb_file_of_bytes(exact, size, free, exact, &file) != WB_OK)
		return WB_ERR_MEMORY;
	return wb_object_open(diags, "text", file, 0, ret_object);
}

static void reads_texts(void)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_diags diags;
		struct wb_object *object;

		test_row(table[i].name);
		num_diags = 0;
		wb_diags_init(&diags, note_diag, NULL);
		if (CHECK(open_text(&diags, table[i].input, strlen(table[i].input), &object) == WB_OK)) {
			CHECK_STR(object->format->name, table[i].format);
			CHECK(object->absolute);
			for (int twice = 0; twice < 2; twice++) {
				listed[0] = 0;
				CHECK_EQ_I64(object->format->list_symbols(object, add_line, NULL), WB_OK);
				CHECK_STR(listed, table[i].expect);
			}
			CHECK_EQ_U64(num_diags, table[i].diag != NULL);
			if (table[i].diag)
				CHECK_STR(last_diag, table[i].diag);
			CHECK_EQ_U64(object->held, strlen(table[i].input) + 1);
			wb_object_close(object);
		}
		wb_diags_deinit(&diags);
	}
}

static void refuses_other_texts(void)
{
	static const struct { const char *name, *input; size_t size; } others[] = {
		{ "prose", "The quick brown fox\n", 20 },
		{ "numbers", "10 20\n30 40\n", 12 },
		{ "binary", "10 20 a\n\0\1\2", 11 },
		{ "json", "{\"a\": 1}\n", 9 },
	};

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		struct wb_object *object;

		test_row(others[i].name);
		CHECK_EQ_I64(open_text(NULL, others[i].input, others[i].size, &object), WB_ERR_UNSUPPORTED);
	}
}

static enum wb_err stop_at_once(void *arg, const struct wb_symbol *symbol)
{
	(void)symbol;
	++*(unsigned *)arg;
	return WB_ERR_CANCELLED;
}

static void stops_when_told(void)
{
	struct wb_object *object;
	unsigned count = 0;

	REQUIRE(open_text(NULL, table[0].input, strlen(table[0].input), &object) == WB_OK);
	CHECK_EQ_I64(object->format->list_symbols(object, stop_at_once, &count), WB_ERR_CANCELLED);
	CHECK_EQ_U64(count, 1);
	wb_object_close(object);
}

int main(void)
{
	TEST_RUN(reads_texts);
	TEST_RUN(refuses_other_texts);
	TEST_RUN(stops_when_told);
	return test_summary();
}
