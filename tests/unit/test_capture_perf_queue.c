/* SPDX-License-Identifier: MIT */
/* Time order by rounds: hand-made rounds, and random ones against a slow twin that is perf's rule written out. */
#include "test.h"

#include "formats/capture_perf.h"

/* No window in these tests: entries are told apart by their offset. */
static size_t drain(struct wb_perf_queue *queue, uint32_t *offsets, size_t cap)
{
	const struct wb_perf_entry *entry;
	size_t count = 0;

	while (count < cap && (entry = wb_perf_queue_next(queue)))
		offsets[count++] = entry->offset;
	return count;
}

static void add(struct wb_perf_queue *queue, uint64_t time, uint32_t offset)
{
	CHECK_EQ_I64(wb_perf_queue_add(queue, time, NULL, offset), WB_OK);
}

static void holds_a_round_back(void)
{
	struct wb_perf_queue queue = { 0 };
	uint32_t got[16];

	/* Two processors; the second one's buffer of round 1 was drained late: its 15 comes in round 2. */
	add(&queue, 10, 0);
	add(&queue, 20, 1);
	CHECK_EQ_I64(wb_perf_queue_round(&queue), WB_OK);
	CHECK_EQ_U64(drain(&queue, got, 16), 0);
	add(&queue, 30, 2);
	add(&queue, 15, 3);
	add(&queue, 25, 4);
	CHECK_EQ_I64(wb_perf_queue_round(&queue), WB_OK);
	/* Up to the latest time before the first mark: 20. */
	REQUIRE(drain(&queue, got, 16) == 3);
	CHECK_EQ_U64(got[0], 0);
	CHECK_EQ_U64(got[1], 3);
	CHECK_EQ_U64(got[2], 1);
	CHECK_EQ_I64(wb_perf_queue_all(&queue), WB_OK);
	REQUIRE(drain(&queue, got, 16) == 2);
	CHECK_EQ_U64(got[0], 4);
	CHECK_EQ_U64(got[1], 2);
	wb_perf_queue_deinit(&queue, NULL);
}

static void keeps_the_order_of_equals(void)
{
	static const uint64_t times[] = { 7, 5, 5, 7, 5, 7, 5 };
	static const uint32_t expect[] = { 1, 2, 4, 6, 0, 3, 5 };
	struct wb_perf_queue queue = { 0 };
	uint32_t got[16];

	for (uint32_t i = 0; i < 7; i++)
		add(&queue, times[i], i);
	CHECK_EQ_I64(wb_perf_queue_all(&queue), WB_OK);
	REQUIRE(drain(&queue, got, 16) == 7);
	for (size_t i = 0; i < 7; i++)
		CHECK_EQ_U64(got[i], expect[i]);
	wb_perf_queue_deinit(&queue, NULL);
}

static void gives_half_when_short_of_memory(void)
{
	struct wb_perf_queue queue = { 0 };
	uint32_t got[16];

	for (uint32_t i = 0; i < 9; i++)
		add(&queue, 100 - i, i);
	CHECK_EQ_I64(wb_perf_queue_half(&queue), WB_OK);
	REQUIRE(drain(&queue, got, 16) == 5);
	for (uint32_t i = 0; i < 5; i++)
		CHECK_EQ_U64(got[i], 8 - i);
	/* It goes on as before. */
	add(&queue, 97, 9);
	CHECK_EQ_I64(wb_perf_queue_all(&queue), WB_OK);
	REQUIRE(drain(&queue, got, 16) == 5);
	CHECK_EQ_U64(got[0], 3);
	CHECK_EQ_U64(got[1], 9);
	CHECK_EQ_U64(got[2], 2);
	wb_perf_queue_deinit(&queue, NULL);
}

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

/* Takes out the earliest of [0, count), the first of equals; its number. */
static size_t twin_earliest(const uint64_t *times, const bool *gone, size_t count)
{
	size_t best = count;

	for (size_t i = 0; i < count; i++) {
		if (!gone[i] && (best == count || times[i] < times[best]))
			best = i;
	}
	return best;
}

static void agrees_with_a_slow_twin(void)
{
	enum { COUNT = 600, TURNS = 20 };
	static uint64_t times[COUNT];
	static bool gone[COUNT];

	for (unsigned turn = 0; turn < TURNS; turn++) {
		struct wb_perf_queue queue = { 0 };
		uint64_t limit = 0, latest = 0;
		uint32_t got[COUNT];

		memset(gone, 0, sizeof gone);
		for (uint32_t i = 0; i < COUNT; i++) {
			bool last = i == COUNT - 1;

			times[i] = 1 + i + random_below(turn * 10 + 1);
			add(&queue, times[i], i);
			latest = times[i] > latest ? times[i] : latest;
			if (!last && random_below(30))
				continue;
			CHECK_EQ_I64(last ? wb_perf_queue_all(&queue) : wb_perf_queue_round(&queue), WB_OK);
			size_t count = drain(&queue, got, COUNT), k = 0;
			for (;; k++) {
				size_t best = twin_earliest(times, gone, i + 1);

				if (best > i || (!last && times[best] > limit))
					break;
				gone[best] = true;
				if (k < count)
					CHECK_EQ_U64(got[k], best);
			}
			CHECK_EQ_U64(count, k);
			limit = latest;
		}
		wb_perf_queue_deinit(&queue, NULL);
	}
}

int main(void)
{
	TEST_RUN(holds_a_round_back);
	TEST_RUN(keeps_the_order_of_equals);
	TEST_RUN(gives_half_when_short_of_memory);
	TEST_RUN(agrees_with_a_slow_twin);
	return test_summary();
}
