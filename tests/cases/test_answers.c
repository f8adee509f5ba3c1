/* SPDX-License-Identifier: MIT */
/* What answers say: cases 2, 15, 16, 20 and 24 of the README. */
#include "cases.h"

/* A unit of 0x1000 to 0x2000 with a row at every 0x10, of a line that says where: 0x1000 is line 0x100, 0x1010 line 0x101. */
static void open_unit(struct dwarf_make *m, unsigned language)
{
	uint64_t lines = dwarf_lines_start(m, NULL);

	for (uint64_t at = 0x1000; at < 0x2000; at += 0x10)
		dwarf_row(m, at, 1, at / 0x10, 0);
	dwarf_sequence_end(m, 0x2000);
	dwarf_lines_end(m);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_CODE(0x1000, 0x1000), AT_LINES(lines),
	           AT(WB_AT_LANGUAGE, WB_FORM_DATA2, .value = language));
}

static void close_unit(struct dwarf_make *m)
{
	dwarf_close(m);
	dwarf_unit_end(m);
}

enum { LANGUAGE_C99 = 0x0c, LANGUAGE_RUST = 0x1c };

/* ---- 2: functions overlap, or share an address ----------------------------------------------------------------------------------------- */

/* Folded: two of the same range, the first in the unit; then one whose alias is shorter, which has the narrower claim (llvm#72350) where it
 * reaches; a function in another; and two that overlap, of which the one that starts last counts. */
static void make_overlap(struct dwarf_make *m, unsigned kind)
{
	(void)kind;
	open_unit(m, LANGUAGE_C99);
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("folded"), AT_CODE(0x1000, 0x20));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("folded_too"), AT_CODE(0x1000, 0x20));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("wide"), AT_CODE(0x1100, 0x40));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("narrow"), AT_CODE(0x1100, 0x20));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("around"), AT_CODE(0x1200, 0x80));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("inside"), AT_CODE(0x1220, 0x20));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("first"), AT_CODE(0x1300, 0x20));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("second"), AT_CODE(0x1310, 0x20));
	close_unit(m);
}

static const struct answer overlap[] = {
	{ 0x1000, "folded /build/a.c:256" }, { 0x1010, "folded /build/a.c:257" }, { 0x1020, "?!no-symbol /build/a.c:258" },
	{ 0x1100, "narrow /build/a.c:272" }, { 0x1120, "wide /build/a.c:274" }, { 0x1140, "?!no-symbol /build/a.c:276" },
	{ 0x1210, "around /build/a.c:289" }, { 0x1220, "inside /build/a.c:290" }, { 0x1240, "around /build/a.c:292" },
	{ 0x1300, "first /build/a.c:304" }, { 0x1310, "second /build/a.c:305" }, { 0x1320, "second /build/a.c:306" },
	{ 0, NULL },
};

static void functions_overlap(void)
{
	static const struct dwarf_case cases[] = { { .name = "2, overlap", .make = make_overlap, .answers = overlap } };

	RUN_CASES(cases);
}

/* ---- 15 and 16: line 0 and column 0 ------------------------------------------------------------------------------------------------------ */

/* DWARF 5, 6.2.2: line 0 is code that belongs to no line, column 0 the left edge. Neither takes the function away, nor is one inherited from
 * the row before; what a call says of its place stays. kind: a column that does not fit 16 bits. */
static void make_zeros(struct dwarf_make *m, unsigned kind)
{
	uint64_t leaf, lines = dwarf_lines_start(m, NULL);

	dwarf_row(m, 0x1000, 1, 10, 7);
	dwarf_row(m, 0x1010, 1, 0, 0);
	dwarf_row(m, 0x1020, 1, 12, 0);
	dwarf_row(m, 0x1030, 1, 13, kind ? kind : 1);
	dwarf_row(m, 0x1040, 2, 0, 5);
	dwarf_sequence_end(m, 0x1050);
	dwarf_lines_end(m);
	dwarf_unit_start(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_CODE(0x1000, 0x1000), AT_LINES(lines));
	leaf = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("f"), AT_CODE(0x1000, 0x50));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1018, 8), AT_CALL(1, 40, 0));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1028, 8), AT_CALL(1, 0, 9));
	dwarf_close(m);
	close_unit(m);
}

static const struct answer zeros[] = {
	{ 0x1000, "f /build/a.c:10:7" }, { 0x1010, "f /build/a.c:0" }, { 0x1018, "leaf /build/a.c:0 < f /build/a.c:40" }, { 0x1020, "f /build/a.c:12" },
	{ 0x1028, "leaf /build/a.c:12 < f /build/a.c:0:9" }, { 0x1030, "f /build/a.c:13:1" }, { 0x1040, "f /inc/b.h:0:5" }, { 0, NULL },
};
static const struct answer large_column[] = {
	{ 0x1030, "f /build/a.c:13" }, { 0, NULL },
};

static void lines_and_columns_are_zero(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "15 and 16", .make = make_zeros, .answers = zeros },
		{ .name = "16, a column of 17 bits", .make = make_zeros, .answers = large_column, .kind = 0x10001 },
	};

	RUN_CASES(cases);
}

/* The reason for a line of 0 is told; one for a column is not. */
static void zeros_have_reasons(void)
{
	struct dwarf_make m;
	struct asked asked;
	const struct wb_site *sites;
	uint8_t *object;
	size_t size, count = 0;

	dwarf_make_init(&m, (struct dwarf_format){ .version = 5, .offset_size = 4, .address_size = 8 });
	make_zeros(&m, 0);
	object = dwarf_make_object(&m, &size);
	if (asked_open(&asked, object, size, WB_DWARF_BOTH)) {
		CHECK_EQ_I64(wb_symbolize(asked.symbolizer, asked.image, 0x1010, WB_PC_EXACT, &sites, &count), WB_OK);
		CHECK(count == 1 && sites[0].line_reason == WB_REASON_NO_LINE && sites[0].function_reason == WB_REASON_NONE);
		CHECK_EQ_I64(wb_symbolize(asked.symbolizer, asked.image, 0x1020, WB_PC_EXACT, &sites, &count), WB_OK);
		CHECK(count == 1 && sites[0].column == 0 && sites[0].line_reason == WB_REASON_NONE);
	}
	asked_close(&asked);
	free(object);
	dwarf_make_deinit(&m);
}

/* ---- 20: return addresses --------------------------------------------------------------------------------------------------------------- */

/* A function that ends with a call that never returns: the return address is the next function's entry. And one that follows an inlined call. */
static void make_calls(struct dwarf_make *m)
{
	uint64_t leaf;

	open_unit(m, LANGUAGE_C99);
	leaf = DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME("caller"), AT_CODE(0x1000, 0x40));
	DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1010, 0x10), AT_CALL(1, 5, 0));
	dwarf_close(m);
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("next"), AT_CODE(0x1040, 0x20));
	close_unit(m);
}

static const struct {
	uint64_t pc;
	const char *exact, *returns;
} calls[] = {
	{ 0x1040, "next /build/a.c:260", "caller /build/a.c:259" },
	{ 0x1020, "caller /build/a.c:258", "leaf /build/a.c:257 < caller /build/a.c:5" },
	{ 0x1010, "leaf /build/a.c:257 < caller /build/a.c:5", "caller /build/a.c:256" },
	{ 0x1060, "?!no-symbol /build/a.c:262", "next /build/a.c:261" },
	{ 0x2000, "?!no-symbol !no-unit", "?!no-symbol /build/a.c:511" },
	{ 0, "?!no-symbol !no-unit", "?!no-symbol !no-unit" }, /* nothing is before it */
};

static void return_addresses_are_the_callers_word(void)
{
	struct dwarf_make m;
	uint8_t *object;
	size_t size;

	dwarf_make_init(&m, (struct dwarf_format){ .version = 4, .offset_size = 4, .address_size = 8 });
	make_calls(&m);
	object = dwarf_make_object(&m, &size);
	for (size_t i = 0; i < NUM_POLICIES; i++) {
		struct asked asked;
		bool opened = policies[i].is_here && asked_open(&asked, object, size, policies[i].policy);

		test_row(policies[i].name);
		for (size_t k = 0; opened && k < 2 * sizeof calls / sizeof calls[0]; k++) {
			const struct wb_site *sites;
			size_t count = 0;
			char text[256];

			CHECK_EQ_I64(wb_symbolize(asked.symbolizer, asked.image, calls[k / 2].pc, k % 2 ? WB_PC_RETURN : WB_PC_EXACT, &sites, &count), WB_OK);
			show_sites(text, sizeof text, sites, count);
			CHECK_STR(text, k % 2 ? calls[k / 2].returns : calls[k / 2].exact);
		}
		if (policies[i].is_here)
			asked_close(&asked);
	}
	test_row(NULL);
	free(object);
	dwarf_make_deinit(&m);
}

/* ---- 24: languages ---------------------------------------------------------------------------------------------------------------------- */

/* Link-time optimization puts code of one language into units of another (symbolic#961): a name's mangling says what it is, the unit's
 * language does not. An assembler name is no mangled one: then the source's name is shown. */
static void make_languages(struct dwarf_make *m, unsigned language)
{
	open_unit(m, language);
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("bar"), AT_LINKAGE("_ZN3foo3barEv"), AT_CODE(0x1000, 0x10));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("write"), AT_LINKAGE("_ZN4core3fmt5write17h0123456789abcdefE"), AT_CODE(0x1010, 0x10));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("bar"), AT_LINKAGE("_RNvC6_123foo3bar"), AT_CODE(0x1020, 0x10));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("test"), AT_LINKAGE("_D8demangle4testFZv"), AT_CODE(0x1030, 0x10));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("read"), AT_LINKAGE("__GI_read"), AT_CODE(0x1040, 0x10));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("plain"), AT_CODE(0x1050, 0x10));
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_LINKAGE("only_linkage"), AT_CODE(0x1060, 0x10));
	close_unit(m);
}

static const struct answer languages[] = {
	{ 0x1000, "foo::bar() /build/a.c:256" }, { 0x1010, "core::fmt::write /build/a.c:257" }, { 0x1020, "123foo::bar /build/a.c:258" },
	{ 0x1030, "demangle.test() /build/a.c:259" }, { 0x1040, "read /build/a.c:260" }, { 0x1050, "plain /build/a.c:261" },
	{ 0x1060, "only_linkage /build/a.c:262" }, { 0, NULL },
};

static void languages_do_not_choose_names(void)
{
	static const struct dwarf_case cases[] = {
		{ .name = "24, said to be C", .make = make_languages, .answers = languages, .kind = LANGUAGE_C99 },
		{ .name = "24, said to be Rust", .make = make_languages, .answers = languages, .kind = LANGUAGE_RUST },
	};

	if (!WB_HAVE_LIBIBERTY)
		TEST_SKIP("libiberty is not in this build");
	RUN_CASES(cases);
}

int main(void)
{
	if (!can_ask()) {
		printf("skip: no compiler of functions is in this build\n");
		return TEST_EXIT_SKIP;
	}
	TEST_RUN(functions_overlap);
	TEST_RUN(lines_and_columns_are_zero);
	TEST_RUN(zeros_have_reasons);
	TEST_RUN(return_addresses_are_the_callers_word);
	TEST_RUN(languages_do_not_choose_names);
	return test_summary();
}
