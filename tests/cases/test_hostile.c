/* SPDX-License-Identifier: MIT */
/*
 * Debug information that is made to be slow: well-formed or nearly so, of one to three megabytes, in which everything refers to everything. Looking
 * at it has to cost what its bytes are worth. The bounds are a hundred times what a good machine needs, and a hundredth of what following such
 * a file naively takes.
 */
#include "cases.h"

#include <time.h>

enum { SECONDS_MAX = 5, NUM_ADDRESSES = 200, STEP = 0x100, MANY = 30000 };

static const struct dwarf_format format = { .version = 4, .offset_size = 4, .address_size = 8 };

static void put_function(struct dwarf_make *m, uint64_t start, uint64_t size)
{
	DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("f"), AT_CODE(start, size));
}

/* An abbreviation for entries that are written by hand. */
static uint64_t declare(struct dwarf_make *m, unsigned tag, bool children, unsigned name, unsigned form)
{
	const struct dwarf_attr attrs[] = { { .name = name, .form = form }, { 0 } };

	return dwarf_abbrev(m, tag, children, attrs);
}

static void open_unit(struct dwarf_make *m)
{
	uint64_t unit = dwarf_unit_start(m);

	dwarf_aranges_start(m, unit);
	dwarf_arange(m, 0x1000, 0x80000);
	dwarf_aranges_end(m);
	DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_LOW(0x1000));
}

static void close_unit(struct dwarf_make *m)
{
	dwarf_close(m);
	dwarf_unit_end(m);
}

/* Each address that is asked about has all the candidates that are looked at, and none twice: unit `i` claims a 64th of them. */
static void claim(struct dwarf_make *m, uint64_t unit, unsigned i)
{
	dwarf_aranges_start(m, unit);
	dwarf_arange(m, 0x1000 + i / 64 % NUM_ADDRESSES * STEP, STEP);
	dwarf_aranges_end(m);
}

static void make_claims(struct dwarf_make *m)
{
	for (unsigned i = 0; i < MANY; i++) {
		claim(m, dwarf_unit_start(m), i);
		DWARF_ENTRY(m, WB_TAG_COMPILE_UNIT, AT_LOW(0x1000));
		dwarf_unit_end(m);
	}
}

/* One unit that claims all of the code, and below whose claim no other reaches the addresses that are asked about. */
static void make_narrow_claims(struct dwarf_make *m)
{
	uint64_t unit;

	open_unit(m);
	put_function(m, 0x1000, 0x80000);
	close_unit(m);
	unit = dwarf_unit_start(m);
	DWARF_ENTRY(m, WB_TAG_COMPILE_UNIT, AT_LOW(0x1000));
	dwarf_unit_end(m);
	dwarf_aranges_start(m, unit);
	for (unsigned i = 0; i < 10 * MANY; i++)
		dwarf_arange(m, 0x1001 + i % (STEP - 1), 1);
	dwarf_aranges_end(m);
}

/* Units of one entry, whose abbreviation is the last of a large table that they share. */
static void make_late_abbreviation(struct dwarf_make *m)
{
	uint64_t code;

	for (unsigned i = 0; i < 2 * MANY; i++)
		declare(m, WB_TAG_SUBPROGRAM, false, WB_AT_NAME, WB_FORM_STRING);
	code = declare(m, WB_TAG_COMPILE_UNIT, false, WB_AT_LOW_PC, WB_FORM_ADDR);
	for (unsigned i = 0; i < MANY; i++) {
		claim(m, dwarf_unit_start(m), i);
		dwarf_uleb(m, WB_DWARF_INFO, code);
		dwarf_address(m, WB_DWARF_INFO, 0x1000);
		dwarf_unit_end(m);
	}
}

/* Units whose tables of abbreviations start one declaration after each other's, and all go on to one end, which is cut off or is not. */
static void make_overlapping_tables(struct dwarf_make *m, bool is_cut)
{
	uint64_t code = 0x4000; /* of three bytes, whichever it is */

	for (unsigned i = 0; i < MANY; i++) {
		uint64_t unit = dwarf_unit_start(m);

		claim(m, unit, i);
		dwarf_patch(m, WB_DWARF_INFO, unit + 6, m->by_id[WB_DWARF_ABBREV].size, 4);
		m->num_abbrevs = code + i - 1;
		DWARF_ENTRY(m, WB_TAG_COMPILE_UNIT, AT_LOW(0x1000));
		dwarf_unit_end(m);
	}
	if (is_cut)
		dwarf_raw(m, WB_DWARF_ABBREV, "\1\1\1\1", 4);
}

static void make_overlapping_whole(struct dwarf_make *m)
{
	make_overlapping_tables(m, false);
}

static void make_overlapping_cut(struct dwarf_make *m)
{
	make_overlapping_tables(m, true);
}

/* Functions that share one long range list. */
static void make_shared_ranges(struct dwarf_make *m)
{
	uint64_t list = dwarf_ranges_start(m), code;

	for (unsigned i = 0; i < MANY; i++)
		dwarf_range(m, 2 * i, 2 * i + 1);
	dwarf_ranges_end(m);
	open_unit(m);
	code = declare(m, WB_TAG_SUBPROGRAM, false, WB_AT_RANGES, WB_FORM_SEC_OFFSET);
	for (unsigned i = 0; i < 4 * MANY; i++) {
		dwarf_uleb(m, WB_DWARF_INFO, code);
		dwarf_offset(m, WB_DWARF_INFO, list);
	}
	close_unit(m);
}

/* Functions and calls that all start at one place, each larger than the one before. */
static void make_nothing_but_overlap(struct dwarf_make *m)
{
	open_unit(m);
	for (unsigned i = 0; i < MANY; i++)
		put_function(m, 0x1000, 1 + i);
	DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_CODE(0x1000, 0x80000));
	for (unsigned i = 0; i < MANY; i++)
		DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT_CODE(0x1000 + i, 2 * MANY - 2 * i));
	dwarf_close(m);
	close_unit(m);
}

/* Entries of one byte with thousands of attributes of no bytes. */
static void make_empty_attributes(struct dwarf_make *m)
{
	uint64_t code;

	open_unit(m);
	code = ++m->num_abbrevs;
	dwarf_uleb(m, WB_DWARF_ABBREV, code);
	dwarf_uleb(m, WB_DWARF_ABBREV, WB_TAG_SUBPROGRAM);
	dwarf_uint(m, WB_DWARF_ABBREV, 0, 1);
	for (unsigned i = 0; i < MANY; i++) {
		dwarf_uleb(m, WB_DWARF_ABBREV, WB_AT_LOW_PC);
		dwarf_uleb(m, WB_DWARF_ABBREV, WB_FORM_FLAG_PRESENT);
	}
	dwarf_uint(m, WB_DWARF_ABBREV, 0, 2);
	for (unsigned i = 0; i < 20 * MANY; i++)
		dwarf_uleb(m, WB_DWARF_INFO, code);
	close_unit(m);
}

/* Functions that are each the origin of the next: a chain as long as the unit, which every one of them starts anew. */
static void make_chains(struct dwarf_make *m)
{
	uint64_t code, last = 0;

	open_unit(m);
	code = declare(m, WB_TAG_SUBPROGRAM, false, WB_AT_ABSTRACT_ORIGIN, WB_FORM_REF4);
	for (unsigned i = 0; i < 4 * MANY; i++) {
		uint64_t at = dwarf_uleb(m, WB_DWARF_INFO, code) - m->unit;

		dwarf_uint(m, WB_DWARF_INFO, last ? last : at, 4);
		last = at;
		if (i % 4 == 3)
			DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_SPECIFICATION(last), AT_CODE(0x1000 + i, 1));
	}
	close_unit(m);
}

/* Units whose first entries' abbreviations come late, and functions that refer to these units in turn. */
static void make_far_references(struct dwarf_make *m)
{
	uint64_t units[512], root, abstract;

	for (unsigned i = 0; i < MANY; i++)
		declare(m, WB_TAG_SUBPROGRAM, false, WB_AT_NAME, WB_FORM_STRING);
	root = declare(m, WB_TAG_COMPILE_UNIT, true, WB_AT_NAME, WB_FORM_STRING);
	abstract = declare(m, WB_TAG_SUBPROGRAM, false, WB_AT_NAME, WB_FORM_STRING);
	for (unsigned i = 0; i < 512; i++) {
		dwarf_unit_start(m);
		dwarf_uleb(m, WB_DWARF_INFO, root);
		dwarf_string(m, WB_DWARF_INFO, "far.c");
		units[i] = dwarf_uleb(m, WB_DWARF_INFO, abstract);
		dwarf_string(m, WB_DWARF_INFO, "far");
		close_unit(m);
	}
	open_unit(m);
	for (unsigned i = 0; i < MANY; i++)
		DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT(WB_AT_SPECIFICATION, WB_FORM_REF_ADDR, .value = units[i * 64 % 512]), AT_CODE(0x1000 + i, 1));
	close_unit(m);
}

/* Names of 60,000 letters, from every place of one such string on. */
static void make_long_names(struct dwarf_make *m)
{
	static char letters[60000 + 1];

	memset(letters, 'x', 60000);
	dwarf_string(m, WB_DWARF_STR, letters);
	open_unit(m);
	for (unsigned i = 0; i < MANY; i++)
		DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT(WB_AT_NAME, WB_FORM_STRP, .value = i), AT_CODE(0x1000 + i, 1));
	close_unit(m);
}

/* Lines of many sequences, all over each other, of many units that share the table. */
static void make_lines(struct dwarf_make *m)
{
	uint64_t lines = dwarf_lines_start(m, NULL);

	for (unsigned i = 0; i < MANY; i++) {
		dwarf_row(m, 0x1000 + i % 100, 1, i, 0);
		dwarf_sequence_end(m, 0x81000 - i);
	}
	dwarf_lines_end(m);
	for (unsigned i = 0; i < 1000; i++) {
		dwarf_unit_start(m);
		DWARF_ENTRY(m, WB_TAG_COMPILE_UNIT, AT_LINES(lines));
		dwarf_unit_end(m);
	}
}

static const struct {
	const char *name;
	void (*make)(struct dwarf_make *m);
} shapes[] = {
	{ "claims", make_claims },
	{ "narrow claims", make_narrow_claims },
	{ "late abbreviation", make_late_abbreviation },
	{ "overlapping tables", make_overlapping_whole },
	{ "overlapping tables, cut", make_overlapping_cut },
	{ "shared ranges", make_shared_ranges },
	{ "nothing but overlap", make_nothing_but_overlap },
	{ "empty attributes", make_empty_attributes },
	{ "chains", make_chains },
	{ "far references", make_far_references },
	{ "long names", make_long_names },
	{ "lines", make_lines },
};

static double ask(const uint8_t *object, size_t size, enum wb_dwarf_policy policy)
{
	clock_t start = clock();
	struct asked asked;

	if (asked_open(&asked, object, size, policy)) {
		for (uint64_t i = 0; i < NUM_ADDRESSES; i++) {
			const struct wb_site *sites;
			size_t count;

			CHECK_EQ_I64(wb_symbolize(asked.symbolizer, asked.image, 0x1000 + i * STEP, WB_PC_EXACT, &sites, &count), WB_OK);
		}
	}
	asked_close(&asked);
	return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* Not libdwarf: hostile files are not for it, as the session's options say. */
static void costs_what_it_weighs(void)
{
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		struct dwarf_make m;
		uint8_t *object;
		size_t size;
		double seconds;

		test_row(shapes[i].name);
		dwarf_make_init(&m, format);
		shapes[i].make(&m);
		object = dwarf_make_object(&m, &size);
		keep_object(shapes[i].name, object, size);
		seconds = ask(object, size, WB_DWARF_FAST);
		printf("%s: %zu bytes, %.3f s\n", shapes[i].name, size, seconds);
		CHECK(seconds < SECONDS_MAX);
		free(object);
		dwarf_make_deinit(&m);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(costs_what_it_weighs);
	return test_summary();
}
