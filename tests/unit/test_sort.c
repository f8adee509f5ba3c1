/* SPDX-License-Identifier: MIT */
/* Sorting by address, and the sweep that flattens what nests and overlaps. */

#include "symbols/sort.h"
#include "symbols/sweep.h"

#include "test.h"

enum { COUNT_MAX = 5000 };

static const struct {
	const char *name;
	size_t count;
	uint64_t mask;                /* of the random keys */
} sizes[] = {
	{ "nothing", 0, UINT64_MAX },          { "one", 1, UINT64_MAX },
	{ "few: insertion", 96, 0xff },        { "more: radix, one digit", 97, 0x7ff },
	{ "many equal keys", COUNT_MAX, 0xf }, { "a text section", COUNT_MAX, 0xffffff },
	{ "all 64 bits", COUNT_MAX, UINT64_MAX }, { "high digits only", COUNT_MAX, UINT64_C(0xffff000000000000) },
};

/* Keys come out ascending, each value with its key, equal keys in their old order: values are the old places. */
static void sorts(void)
{
	static uint64_t keys[COUNT_MAX], old[COUNT_MAX];
	static uint32_t values[COUNT_MAX];

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint64_t seed = 3;
		unsigned wrong = 0;

		test_row(sizes[i].name);
		for (size_t k = 0; k < sizes[i].count; k++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			old[k] = keys[k] = (seed ^ seed >> 32) & sizes[i].mask;
			values[k] = (uint32_t)k;
		}
		CHECK_EQ_I64(wb_sort_by_key(keys, values, sizes[i].count), WB_OK);
		for (size_t k = 0; k < sizes[i].count; k++) {
			wrong += old[values[k]] != keys[k];
			wrong += k > 0 && (keys[k - 1] > keys[k] || (keys[k - 1] == keys[k] && values[k - 1] >= values[k]));
		}
		CHECK_EQ_U64(wrong, 0);
	}
	test_row(NULL);
}

/* 0 [10, 50), 1 [20, 30) in it, 2 [40, 60) across its end, 3 [60, 70) right after, 4 [60, 65) on top of 3. */
static void sweeps(void)
{
	static const struct { uint64_t start, end; } ranges[] = { { 10, 50 }, { 20, 30 }, { 40, 60 }, { 60, 70 }, { 60, 65 } };
	static const uint64_t starts[] = { 10, 20, 30, 40, 60, 65, 70 };
	static const uint32_t ids[] = { 0, 1, 0, 2, 4, 3, UINT32_MAX };
	struct wb_sweep sweep;

	REQUIRE(wb_sweep_init(&sweep, 5) == WB_OK);
	for (uint32_t i = 0; i < 5; i++)
		CHECK_EQ_I64(wb_sweep_open(&sweep, ranges[i].start, ranges[i].end, i), WB_OK);
	wb_sweep_to(&sweep, UINT64_MAX);
	REQUIRE(sweep.num_segments == sizeof starts / sizeof starts[0]);
	CHECK_MEM(sweep.starts, starts, sizeof starts);
	CHECK_MEM(sweep.ids, ids, sizeof ids);
	wb_sweep_deinit(&sweep);
}

int main(void)
{
	TEST_RUN(sorts);
	TEST_RUN(sweeps);
	return test_summary();
}
