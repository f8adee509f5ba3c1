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
	struct wb_recency_item items[COUNT] = { 0 };
	struct wb_recency recency;
	uint64_t stamps[COUNT] = { 0 }, seed = 5, clock = 0;
	unsigned wrong = 0;

	wb_recency_init(&recency);
	for (unsigned i = 0; i < STEPS; i++) {
		const struct wb_recency_item *found;
		uint32_t item, expect = 0;
		uint64_t stamp = 0, expect_stamp = 0;
		bool has;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		item = (uint32_t)(seed >> 40) % COUNT;
		/* Two uses (often of the same item), one removal: the order is empty now and then. */
		if (seed >> 33 & 1) {
			stamps[item] = ++clock;
			wb_recency_use(&recency, &items[item], clock);
			stamps[item] = ++clock;
			wb_recency_use(&recency, &items[item], clock);
		} else {
			stamps[item] = 0;
			wb_recency_remove(&recency, &items[item]);
		}
		has = oldest_of(stamps, &expect, &expect_stamp);
		found = wb_recency_oldest(&recency, &stamp);
		wrong += (found != NULL) != has;
		wrong += has && (found != &items[expect] || stamp != expect_stamp);
	}
	CHECK_EQ_U64(wrong, 0);
	wb_recency_deinit(&recency);
}

static void holds_nothing(void)
{
	struct wb_recency recency;
	uint64_t stamp;

	wb_recency_init(&recency);
	CHECK(!wb_recency_oldest(&recency, &stamp));
	wb_recency_deinit(&recency);
}

int main(void)
{
	TEST_RUN(agrees_with_a_search);
	TEST_RUN(holds_nothing);
	return test_summary();
}
