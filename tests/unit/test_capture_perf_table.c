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

static void finds_build_ids_by_path(void)
{
	struct wb_perf_build_ids ids = { 0 };
	uint8_t id[20] = { 0 };
	char path[32];

	CHECK(!wb_perf_build_ids_find(&ids, "/a", false));
	for (unsigned i = 0; i < 500; i++) {
		snprintf(path, sizeof path, "/lib/%u", i / 2);
		id[0] = (uint8_t)i;
		CHECK_EQ_I64(wb_perf_build_ids_add(&ids, path, i & 1, id, 20), WB_OK);
	}
	for (unsigned i = 0; i < 500; i++) {
		const struct wb_perf_build_id *found;

		snprintf(path, sizeof path, "/lib/%u", i / 2);
		found = wb_perf_build_ids_find(&ids, path, i & 1);
		if (CHECK(found != NULL))
			CHECK_EQ_U64(found->bytes[0], (uint8_t)i);
	}
	CHECK(!wb_perf_build_ids_find(&ids, "/lib/250", false));
	/* The first one stays. */
	id[0] = 99;
	CHECK_EQ_I64(wb_perf_build_ids_add(&ids, "/lib/0", false, id, 20), WB_OK);
	CHECK_EQ_U64(wb_perf_build_ids_find(&ids, "/lib/0", false)->bytes[0], 0);
	wb_perf_build_ids_deinit(&ids);
}

int main(void)
{
	TEST_RUN(puts_and_removes);
	TEST_RUN(keeps_strings_once);
	TEST_RUN(finds_build_ids_by_path);
	return test_summary();
}
