/* SPDX-License-Identifier: MIT */
/* Events: sizes and flags of attrs, names, and which event an id means. */
#include "perf_writer.h"

#include "formats/capture_perf.h"

static const struct wb_capture_input input = { .name = "test" };
static struct perf_writer writer;

/* An attr as long as it says, of which `given` bytes are there. */
static enum wb_err add(struct wb_perf_events *events, uint32_t said, size_t given, uint32_t *ret_index)
{
	const struct perf_attr attr = { .type = 1, .sample_type = S_IP | S_REGS_USER, .flags = ATTR_SAMPLE_ID_ALL, .regs_user = 0xff0fff };

	writer.size = 0;
	w_attr(&writer, &attr);
	while (writer.size < given)
		w_u64(&writer, UINT64_MAX);
	w_put(&writer, 4, said, 4);
	return wb_perf_events_add(events, &input, writer.bytes, given, ret_index);
}

static void takes_attrs_of_every_size(void)
{
	/* PERF_ATTR_SIZE_VER0 to VER9 and a later one; 80 is where the registers are. */
	static const struct { const char *name; uint32_t said; size_t given; enum wb_err err; uint64_t regs; } table[] = {
		{ "0 means 64", 0, 64, WB_OK, 0 },
		{ "0 means 64, more there", 0, 112, WB_OK, 0 },
		{ "version 0", 64, 112, WB_OK, 0 },
		{ "version 2", 80, 80, WB_OK, 0 },
		{ "version 3", 96, 96, WB_OK, 0xff0fff },
		{ "version 9", 144, 144, WB_OK, 0xff0fff },
		{ "later", 4000, 4000, WB_OK, 0xff0fff },
		{ "cut", 112, 72, WB_OK, 0 },
		{ "too small", 63, 112, WB_ERR_DATA, 0 },
		{ "too few bytes", 64, 63, WB_ERR_DATA, 0 },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_perf_events events = { 0 };
		uint32_t index;

		test_row(table[i].name);
		writer.big = false;
		if (CHECK_EQ_I64(add(&events, table[i].said, table[i].given, &index), table[i].err) && !table[i].err) {
			CHECK_EQ_U64(events.items[index].regs_user, table[i].regs);
			CHECK(events.items[index].sample_id_all);
			CHECK_EQ_U64(events.items[index].at_ip, 8);
		}
		wb_perf_events_deinit(&events);
	}
	test_row(NULL);
}

static void names_events(void)
{
	static const struct { uint32_t type; uint64_t config; const char *name; } table[] = {
		{ 0, 0, "cycles" }, { 0, 5, "branch-misses" }, { 0, UINT64_C(4) << 32, "cycles" }, { 0, 99, "type-0 0x63" },
		{ 1, 0, "cpu-clock" }, { 1, 1, "task-clock" }, { 1, 11, "cgroup-switches" }, { 1, 12, "type-1 0xc" },
		{ 2, 321, "tracepoint-321" }, { 3, 0x10000, "type-3 0x10000" }, { 4, 0x1c2, "raw 0x1c2" }, { 5, 0, "breakpoint" }, { 22, 7, "type-22 0x7" },
	};
	struct wb_perf_events events = { 0 };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		const struct perf_attr attr = { .type = table[i].type, .config = table[i].config };
		uint32_t index;

		writer.size = 0;
		writer.big = false;
		w_attr(&writer, &attr);
		REQUIRE(wb_perf_events_add(&events, &input, writer.bytes, writer.size, &index) == WB_OK);
		CHECK_EQ_U64(index, i);
		CHECK_STR(events.items[index].name, table[i].name);
	}
	/* The recording's own name wins; without an end it is as long as there is room; an empty one is none. */
	CHECK_EQ_I64(wb_perf_events_set_name(&events, &input, 0, "cycles:u\0rest", 13), WB_OK);
	CHECK_STR(events.items[0].name, "cycles:u");
	CHECK_EQ_I64(wb_perf_events_set_name(&events, &input, 1, "abcdef", 3), WB_OK);
	CHECK_STR(events.items[1].name, "abc");
	CHECK_EQ_I64(wb_perf_events_set_name(&events, &input, 2, "", 1), WB_OK);
	CHECK_STR(events.items[2].name, "cycles");
	wb_perf_events_deinit(&events);
}

static void finds_ids(void)
{
	enum { IDS = 5000 };
	struct wb_perf_events events = { 0 };
	uint32_t index = 7;

	CHECK_EQ_I64(wb_perf_events_find(&events, 1, &index), WB_NONE);
	for (uint64_t i = 0; i < IDS; i++)
		CHECK_EQ_I64(wb_perf_events_add_id(&events, i * i + 1, (uint32_t)i), WB_OK);
	/* The first event of an id keeps it. */
	CHECK_EQ_I64(wb_perf_events_add_id(&events, 2, 77), WB_OK);
	for (uint64_t i = 0; i < IDS; i++) {
		CHECK_EQ_I64(wb_perf_events_find(&events, i * i + 1, &index), WB_OK);
		CHECK_EQ_U64(index, i);
		CHECK_EQ_I64(wb_perf_events_find(&events, i * i + 1, &index), WB_OK);
		CHECK_EQ_U64(index, i);
	}
	CHECK_EQ_I64(wb_perf_events_find(&events, 3, &index), WB_NONE);
	CHECK_EQ_U64(index, IDS - 1);
	/* All events may point to one long list: what is read is bounded, not what is new. */
	for (uint64_t i = IDS + 1; i < 1 << 20; i++)
		wb_perf_events_add_id(&events, 1, 0);
	CHECK_EQ_I64(wb_perf_events_add_id(&events, 1, 0), WB_ERR_LIMIT);
	wb_perf_events_deinit(&events);
}

/* Ids i * C^-1 all belong in the place of 0, as the table's multiplier C leaves i, of which no upper bits are there. */
static void refuses_ids_of_one_place(void)
{
	const uint64_t multiplier = UINT64_C(0x9e3779b97f4a7c15);
	struct wb_perf_events events = { 0 };
	uint64_t inverse = multiplier, taken = 0;
	uint32_t index = 7;

	for (int i = 0; i < 6; i++) /* Newton's iteration: each round doubles the bits that are right */
		inverse *= 2 - multiplier * inverse;
	REQUIRE(multiplier * inverse == 1);
	while (taken < 100000 && wb_perf_events_add_id(&events, (taken + 1) * inverse, (uint32_t)taken) == WB_OK)
		taken++;
	CHECK_EQ_U64(taken, 256);
	for (uint64_t i = 0; i < taken; i++) {
		CHECK_EQ_I64(wb_perf_events_find(&events, (i + 1) * inverse, &index), WB_OK);
		CHECK_EQ_U64(index, i);
	}
	CHECK_EQ_I64(wb_perf_events_find(&events, (taken + 1) * inverse, &index), WB_NONE);
	wb_perf_events_deinit(&events);
}

int main(void)
{
	TEST_RUN(refuses_ids_of_one_place);
	TEST_RUN(takes_attrs_of_every_size);
	TEST_RUN(names_events);
	TEST_RUN(finds_ids);
	return test_summary();
}
