/* SPDX-License-Identifier: MIT */
/*
 * Threads that ask one image about everything at once, under each policy, with room for all tables, for some, and for none: tables are dropped
 * by some threads while others answer from them. Every answer stays right. For the thread sanitizer, too.
 */
#include "cases.h"

#include <pthread.h>

enum { UNITS = 96, UNIT_SIZE = 0x100, THREADS = 4, ROUNDS = 2, ANSWER_MAX = 128 };

static uint64_t start_of(unsigned unit)
{
	return 0x1000 + (uint64_t)unit * UNIT_SIZE;
}

/* Each unit has a function with a call in it, whose name is in the first unit, and a line table. */
static void make(struct dwarf_make *m)
{
	uint64_t named = 0;

	for (unsigned i = 0; i < UNITS; i++) {
		uint64_t lines = dwarf_lines_start(m, NULL), start = start_of(i), unit;
		char name[16];

		dwarf_row(m, start, 1, 1000 + i, 0);
		dwarf_sequence_end(m, start + UNIT_SIZE);
		dwarf_lines_end(m);
		snprintf(name, sizeof name, "f%u", i);
		unit = dwarf_unit_start(m);
		DWARF_OPEN(m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_COMP_DIR("/build"), AT_CODE(start, UNIT_SIZE), AT_LINES(lines));
		if (i == 0)
			named = unit + DWARF_ENTRY(m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
		DWARF_OPEN(m, WB_TAG_SUBPROGRAM, AT_NAME(name), AT_CODE(start, UNIT_SIZE));
		DWARF_ENTRY(m, WB_TAG_INLINED_SUBROUTINE, AT(WB_AT_ABSTRACT_ORIGIN, WB_FORM_REF_ADDR, .value = named), AT_CODE(start + 0x80, 0x40),
		            AT_CALL(2, i, 0));
		dwarf_close(m);
		dwarf_close(m);
		dwarf_unit_end(m);
	}
}

static void expect_at(uint64_t pc, char *buffer)
{
	unsigned unit = (unsigned)((pc - 0x1000) / UNIT_SIZE), offset = (unsigned)((pc - 0x1000) % UNIT_SIZE);

	if (offset < 0x80 || offset >= 0xc0)
		snprintf(buffer, ANSWER_MAX, "f%u /build/a.c:%u", unit, 1000 + unit);
	else
		snprintf(buffer, ANSWER_MAX, "leaf /build/a.c:%u < f%u /inc/b.h:%u", 1000 + unit, unit, unit);
}

struct worker {
	pthread_t thread;
	struct wb_session *session;
	struct wb_image *image;
	uint32_t seed;
	unsigned num_asked, num_wrong;
};

/* All addresses in steps of a prime, from a place of its own. */
static void *ask_all(void *arg)
{
	struct worker *worker = arg;
	struct wb_symbolizer *symbolizer;
	uint32_t at = worker->seed;

	if (wb_symbolizer_new(worker->session, NULL, &symbolizer) != WB_OK)
		return NULL;
	for (unsigned i = 0; i < 4 * UNITS; i++) {
		char expect[ANSWER_MAX], text[ANSWER_MAX] = "";
		const struct wb_site *sites;
		size_t count;

		at = (at + 7919) % (UNITS * UNIT_SIZE);
		expect_at(0x1000 + at, expect);
		if (wb_symbolize(symbolizer, worker->image, 0x1000 + at, WB_PC_EXACT, &sites, &count) == WB_OK)
			show_sites(text, sizeof text, sites, count);
		worker->num_asked++;
		worker->num_wrong += strcmp(text, expect) != 0;
	}
	wb_symbolizer_free(symbolizer);
	return NULL;
}

static void ask_together(const uint8_t *object, size_t size, enum wb_dwarf_policy policy, uint64_t cache_bytes)
{
	struct wb_session_opts opts = { .size = sizeof opts, .dwarf = (uint8_t)policy, .cache_bytes = cache_bytes };
	struct worker workers[THREADS];
	struct wb_session *session;
	struct wb_image *image;

	REQUIRE(wb_session_new(&opts, &session) == WB_OK);
	REQUIRE(wb_image_open_bytes(session, "object", object, size, 0, NULL, NULL, &image) == WB_OK);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .session = session, .image = image, .seed = i * 5000 };
		REQUIRE(pthread_create(&workers[i].thread, NULL, ask_all, &workers[i]) == 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		REQUIRE(pthread_join(workers[i].thread, NULL) == 0);
		CHECK_EQ_U64(workers[i].num_asked, 4 * UNITS);
		CHECK_EQ_U64(workers[i].num_wrong, 0);
	}
	wb_image_unref(image);
	wb_session_free(session);
}

static void answers_stay_right(void)
{
	static const uint64_t budgets[] = { 0, 32 << 10, 1 };
	struct dwarf_make m;
	uint8_t *object;
	size_t size;

	dwarf_make_init(&m, (struct dwarf_format){ .version = 5, .offset_size = 4, .address_size = 8 });
	make(&m);
	object = dwarf_make_object(&m, &size);
	for (unsigned round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < NUM_POLICIES; i++)
			for (size_t j = 0; policies[i].is_here && j < sizeof budgets / sizeof budgets[0]; j++) {
				test_row(policies[i].name);
				ask_together(object, size, policies[i].policy, budgets[j]);
			}
	test_row(NULL);
	free(object);
	dwarf_make_deinit(&m);
}

int main(void)
{
	TEST_RUN(answers_stay_right);
	return test_summary();
}
