/* SPDX-License-Identifier: MIT */
/* The tables behind processes, against arrays. */
#include "test.h"

#include "formats/capture_perf.h"

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

static void puts_and_removes(void)
{
	enum { KEYS = 300, CHANGES = 20000 };
	static char values[KEYS];
	static bool there[KEYS];
	struct wb_perf_table table = { 0 };
	size_t count = 0;

	CHECK(!wb_perf_table_find(&table, 1));
	wb_perf_table_remove(&table, 1);
	for (unsigned i = 0; i < CHANGES; i++) {
		/* Keys far apart and close together. */
		uint32_t n = random_below(KEYS), key = n % 2 ? n : n * 0x10001;

		CHECK((wb_perf_table_find(&table, key) == &values[n]) == there[n]);
		if (there[n])
			wb_perf_table_remove(&table, key);
		else
			CHECK_EQ_I64(wb_perf_table_put(&table, key, &values[n]), WB_OK);
		there[n] = !there[n];
		count += there[n] ? 1 : (size_t)-1;
		CHECK_EQ_U64(table.count, count);
	}
	for (uint32_t n = 0; n < KEYS; n++)
		CHECK(wb_perf_table_find(&table, n % 2 ? n : n * 0x10001) == (there[n] ? &values[n] : NULL));
	wb_perf_table_deinit(&table);
}

static void keeps_strings_once(void)
{
	struct wb_perf_strings strings = { 0 };
	const char *first[200], *again;
	char name[16];

	for (int i = 0; i < 200; i++) {
		int size = snprintf(name, sizeof name, "name-%d", i);
		CHECK_EQ_I64(wb_perf_strings_keep(&strings, name, (size_t)size, &first[i]), WB_OK);
	}
	for (int i = 0; i < 200; i++) {
		int size = snprintf(name, sizeof name, "name-%d", i);
		CHECK_EQ_I64(wb_perf_strings_keep(&strings, name, (size_t)size, &again), WB_OK);
		CHECK(again == first[i]);
		CHECK_STR(again, name);
	}
	/* The size counts, not what follows. */
	CHECK_EQ_I64(wb_perf_strings_keep(&strings, "name-11", 6, &again), WB_OK);
	CHECK(again == first[1]);
	wb_perf_strings_deinit(&strings);
}

int main(void)
{
	TEST_RUN(puts_and_removes);
	TEST_RUN(keeps_strings_once);
	return test_summary();
}
