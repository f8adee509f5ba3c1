/* SPDX-License-Identifier: MIT */
/* The order of last use, against the obvious twin: a list of stamps in which the smallest is searched. */

#include "symbols/recency.h"

#include "test.h"

enum { COUNT = 37, STEPS = 20000 };

static bool oldest_of(const uint64_t stamps[COUNT], uint32_t *ret_item, uint64_t *ret_stamp)
{
	bool found = false;

	for (uint32_t i = 0; i < COUNT; i++) {
		if (!stamps[i] || (found && stamps[i] > *ret_stamp))
			continue;
		found = true;
		*ret_item = i;
		*ret_stamp = stamps[i];
	}
	return found;
}

static void agrees_with_a_search(void)
{
	struct wb_recency recency = { .items = NULL };
	uint64_t stamps[COUNT] = { 0 }, seed = 5, clock = 0;
	unsigned wrong = 0;

	REQUIRE(wb_recency_init(&recency, COUNT) == WB_OK);
	for (unsigned i = 0; i < STEPS; i++) {
		uint32_t item, found = 0, expect = 0;
		uint64_t stamp = 0, expect_stamp = 0;
		bool has;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		item = (uint32_t)(seed >> 40) % COUNT;
		/* Two uses (often of the same item), one removal: the order is empty now and then. */
		if (seed >> 33 & 1) {
			stamps[item] = ++clock;
			wb_recency_use(&recency, item, clock);
			stamps[item] = ++clock;
			wb_recency_use(&recency, item, clock);
		} else {
			stamps[item] = 0;
			wb_recency_remove(&recency, item);
		}
		has = oldest_of(stamps, &expect, &expect_stamp);
		wrong += wb_recency_oldest(&recency, &found, &stamp) != has;
		wrong += has && (found != expect || stamp != expect_stamp);
	}
	CHECK_EQ_U64(wrong, 0);
	wb_recency_deinit(&recency);
}

static void holds_nothing(void)
{
	struct wb_recency recency = { .items = NULL };
	uint64_t stamp;
	uint32_t item;

	wb_recency_deinit(&recency);
	REQUIRE(wb_recency_init(&recency, 0) == WB_OK);
	CHECK(!wb_recency_oldest(&recency, &item, &stamp));
	wb_recency_deinit(&recency);
}

int main(void)
{
	TEST_RUN(agrees_with_a_search);
	TEST_RUN(holds_nothing);
	return test_summary();
}
