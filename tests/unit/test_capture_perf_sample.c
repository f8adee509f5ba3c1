/* SPDX-License-Identifier: MIT */
/* SAMPLE records of every layout, taken apart: field order and sizes are the ABI's (include/uapi/linux/perf_event.h, PERF_RECORD_SAMPLE). */
#include "perf_writer.h"

#include "formats/capture_perf.h"

static struct perf_writer writer;

enum { CHAIN = 3, BRANCHES = 2, STACK = 24, VALID = 16, RAW = 12 };

/* Every field, if the attr asks for it, with a value of its own. First those of a fixed size. */
static void write_fixed(struct perf_writer *w, uint64_t type)
{
	static const struct { uint64_t bit, value; } words[] = {
		{ S_IDENTIFIER, 101 }, { S_IP, 0x401000 }, { S_TID, 0 }, { S_TIME, 1234567890123 }, { S_ADDR, 0xadd7 }, { S_ID, 101 },
		{ S_STREAM_ID, 77 }, { S_CPU, 3 }, { S_PERIOD, 4000 },
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (!(type & words[i].bit))
			continue;
		if (words[i].bit == S_TID || words[i].bit == S_CPU) {
			w_u32(w, words[i].bit == S_TID ? 11 : 3);
			w_u32(w, words[i].bit == S_TID ? 12 : 0);
		} else {
			w_u64(w, words[i].value);
		}
	}
}

/* A group of two: count, enabled, running, then value, id, lost each; or one such value before the times. */
static void write_read(struct perf_writer *w, uint64_t format)
{
	bool group = format & 8;

	w_u64(w, group ? 2 : 50);
	for (unsigned bit = 0; bit < 2; bit++)
		if (format >> bit & 1)
			w_u64(w, 60 + bit);
	for (int i = 0; i < (group ? 2 : 1); i++) {
		if (group)
			w_u64(w, 50);
		if (format & 4)
			w_u64(w, 101);
		if (format & 16)
			w_u64(w, 0);
	}
}

static void write_branches(struct perf_writer *w, uint64_t branch_type)
{
	w_u64(w, BRANCHES);
	if (branch_type & 1 << 17)
		w_u64(w, (uint64_t)-1);
	for (unsigned i = 0; i < BRANCHES * 3; i++)
		w_u64(w, 0xb000 + i);
	for (unsigned i = 0; branch_type & 1 << 19 && i < BRANCHES; i++)
		w_u64(w, 9);
}

static void write_sample(struct perf_writer *w, const struct perf_attr *attr)
{
	uint64_t type = attr->sample_type;

	w_begin(w, T_SAMPLE, M_USER);
	write_fixed(w, type);
	if (type & S_READ)
		write_read(w, attr->read_format);
	if (type & S_CALLCHAIN) {
		w_u64(w, CHAIN);
		w_u64(w, (uint64_t)-512);
		w_u64(w, 0x401000);
		w_u64(w, 0x402000);
	}
	if (type & S_RAW) {
		w_u32(w, RAW);
		w_bytes(w, "raw raw raw", RAW);
	}
	if (type & S_BRANCH_STACK)
		write_branches(w, attr->branch_type);
	if (type & S_REGS_USER) {
		w_u64(w, 2);
		for (int i = 0; i < __builtin_popcountll(attr->regs_user); i++)
			w_u64(w, 0x1000u + (unsigned)i);
	}
	if (type & S_STACK_USER) {
		w_u64(w, STACK);
		w_bytes(w, "0123456701234567--------", STACK);
		w_u64(w, VALID);
	}
	if (type & S_WEIGHT)
		w_u64(w, 5);
	if (type & S_DATA_SRC)
		w_u64(w, 6);
	w_end(w);
}

static struct wb_perf_event *event_of(struct wb_perf_events *events, const struct perf_attr *attr, bool big)
{
	static const struct wb_capture_input input = { .name = "test" };
	static struct perf_writer attr_writer;
	uint32_t index = 0;

	attr_writer.size = 0;
	attr_writer.big = big;
	w_attr(&attr_writer, attr);
	*events = (struct wb_perf_events){ .big_endian = big };
	CHECK_EQ_I64(wb_perf_events_add(events, &input, attr_writer.bytes, attr_writer.size, &index), WB_OK);
	return events->items;
}

static struct wb_perf_record record_of(const struct perf_writer *w)
{
	return (struct wb_perf_record){ .bytes = w->bytes, .type = T_SAMPLE, .misc = M_USER, .size = (uint16_t)w->size };
}

static void check_parts(const struct wb_perf_parts *parts, const struct perf_attr *attr, const struct perf_writer *w)
{
	uint64_t type = attr->sample_type;

	CHECK_EQ_U64(parts->ip, type & S_IP ? 0x401000 : 0);
	CHECK_EQ_U64(parts->pid, type & S_TID ? 11 : UINT32_MAX);
	CHECK_EQ_U64(parts->tid, type & S_TID ? 12 : UINT32_MAX);
	CHECK_EQ_U64(parts->time, type & S_TIME ? 1234567890123 : 0);
	CHECK_EQ_U64(parts->cpu, type & S_CPU ? 3 : UINT32_MAX);
	CHECK_EQ_U64(parts->period, type & S_PERIOD ? 4000 : attr->flags & ATTR_FREQ ? 1 : 999);
	CHECK_EQ_U64(parts->num_chain, type & S_CALLCHAIN ? CHAIN : 0);
	if (parts->num_chain)
		CHECK_EQ_U64(wb_load64(parts->chain + 16, w->big), 0x402000);
	CHECK_EQ_U64(parts->num_branches, type & S_BRANCH_STACK ? BRANCHES : 0);
	if (parts->num_branches)
		CHECK_EQ_U64(wb_load64(parts->branches + 24, w->big), 0xb003);
	CHECK_EQ_U64(parts->abi, type & S_REGS_USER ? 2 : 0);
	if (CHECK(!parts->regs == !(type & S_REGS_USER)) && parts->regs)
		CHECK_EQ_U64(wb_load64(parts->regs + 8 * 7, w->big), 0x1007);
	CHECK_EQ_U64(parts->stack_size, type & S_STACK_USER ? VALID : 0);
	if (parts->stack_size)
		CHECK_MEM(parts->stack, "0123456701234567", VALID);
}

static void takes_every_layout_apart(void)
{
	static const uint64_t read_formats[] = { 0, 1, 3, 4, 7, 16, 20, 8, 11, 12, 15, 31 };
	static const uint64_t bits[] = { S_IP, S_TID, S_TIME, S_ADDR, S_READ, S_CALLCHAIN, S_ID, S_CPU, S_PERIOD, S_STREAM_ID, S_RAW, S_BRANCH_STACK,
					 S_REGS_USER, S_STACK_USER, S_WEIGHT, S_DATA_SRC, S_IDENTIFIER };
	enum { BITS = sizeof bits / sizeof bits[0] };

	/* All sets of fields, with the other dimensions going round. */
	for (uint32_t set = 0; set < 1 << BITS; set += 1 + set % 7) {
		struct perf_attr attr = { .regs_user = X86_64_REGS, .period = 999, .read_format = read_formats[set % 12],
					  .flags = set & 16 ? ATTR_FREQ : 0, .branch_type = (uint64_t)(set >> 3 & 1) << 17 | (uint64_t)(set >> 5 & 1) << 19 };
		struct wb_perf_parts parts;
		struct wb_perf_events events;

		for (unsigned i = 0; i < BITS; i++)
			attr.sample_type |= set >> i & 1 ? bits[i] : 0;
		writer.size = 0;
		writer.big = set >> 2 & 1;
		write_sample(&writer, &attr);
		struct wb_perf_event *event = event_of(&events, &attr, writer.big);
		struct wb_perf_record record = record_of(&writer);

		if (CHECK_EQ_I64(wb_perf_sample_parse(event, &record, writer.big, &parts), WB_OK))
			check_parts(&parts, &attr, &writer);
		wb_perf_events_deinit(&events);
	}
}

static void refuses_what_does_not_fit(void)
{
	struct perf_attr attr = { .sample_type = S_IP | S_TID | S_TIME | S_READ | S_CALLCHAIN | S_RAW | S_BRANCH_STACK | S_REGS_USER | S_STACK_USER,
				  .regs_user = X86_64_REGS, .read_format = 15 };
	struct wb_perf_events events;
	struct wb_perf_parts parts;

	writer.size = 0;
	writer.big = false;
	write_sample(&writer, &attr);
	struct wb_perf_event *event = event_of(&events, &attr, false);
	/* Nothing follows the stack's valid size in this layout: every shorter record lacks something. */
	for (uint16_t size = 8; size < writer.size; size++) {
		uint8_t *copy = malloc(size);
		struct wb_perf_record record = { .bytes = copy, .type = T_SAMPLE, .misc = M_USER, .size = size };

		memcpy(copy, writer.bytes, size);
		CHECK_EQ_I64(wb_perf_sample_parse(event, &record, false, &parts), WB_ERR_DATA);
		free(copy);
	}
	wb_perf_events_deinit(&events);
}

static void refuses_hostile_counts(void)
{
	static const struct { const char *name; uint64_t type; uint64_t count; } table[] = {
		{ "callchain, too many", S_CALLCHAIN, 5 },
		{ "callchain, size wraps to 0", S_CALLCHAIN, UINT64_C(1) << 61 },
		{ "callchain, all ones", S_CALLCHAIN, UINT64_MAX },
		{ "branches, size wraps", S_BRANCH_STACK, UINT64_C(0xaaaaaaaaaaaaaab) },
		{ "branches, all ones", S_BRANCH_STACK, UINT64_MAX },
		{ "group, all ones", S_READ, UINT64_MAX },
		{ "stack, too large", S_STACK_USER, 64 },
		{ "stack, all ones", S_STACK_USER, UINT64_MAX },
		{ "raw, too large", S_RAW, UINT32_MAX },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct perf_attr attr = { .sample_type = table[i].type, .read_format = 8 };
		struct wb_perf_events events;
		struct wb_perf_parts parts;

		test_row(table[i].name);
		writer.size = 0;
		w_begin(&writer, T_SAMPLE, M_USER);
		w_u64(&writer, table[i].count);
		for (int k = 0; k < 4; k++)
			w_u64(&writer, 0);
		w_end(&writer);
		struct wb_perf_record record = record_of(&writer);
		CHECK_EQ_I64(wb_perf_sample_parse(event_of(&events, &attr, false), &record, false, &parts), WB_ERR_DATA);
		wb_perf_events_deinit(&events);
	}
	test_row(NULL);
}

/* dyn_size counts; it is absent when no stack was copied, and must not exceed what was. */
static void honours_the_valid_size(void)
{
	static const struct { const char *name; uint64_t size, valid, expect; enum wb_err err; } table[] = {
		{ "no stack", 0, 0, 0, WB_OK }, { "all of it", 32, 32, 32, WB_OK }, { "a part", 32, 8, 8, WB_OK }, { "none", 32, 0, 0, WB_OK },
		{ "more than copied", 32, 33, 0, WB_ERR_DATA },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct perf_attr attr = { .sample_type = S_STACK_USER };
		struct wb_perf_events events;
		struct wb_perf_parts parts;

		test_row(table[i].name);
		writer.size = 0;
		w_begin(&writer, T_SAMPLE, M_USER);
		w_u64(&writer, table[i].size);
		for (uint64_t k = 0; k < table[i].size; k += 8)
			w_u64(&writer, 0);
		if (table[i].size)
			w_u64(&writer, table[i].valid);
		w_end(&writer);
		struct wb_perf_record record = record_of(&writer);
		if (CHECK_EQ_I64(wb_perf_sample_parse(event_of(&events, &attr, false), &record, false, &parts), table[i].err) && !table[i].err)
			CHECK_EQ_U64(parts.stack_size, table[i].expect);
		wb_perf_events_deinit(&events);
	}
	test_row(NULL);
}

static void finds_the_trailer(void)
{
	/* {sample type, trailer, time from the end, id from the end}: TID, TIME, ID, STREAM_ID, CPU, IDENTIFIER, 8 bytes each. */
	static const struct { const char *name; uint64_t type; uint16_t trailer, time, id; } table[] = {
		{ "none of them", S_IP | S_CALLCHAIN, 0, 0, 0 },
		{ "tid, time", S_IP | S_TID | S_TIME, 16, 8, 0 },
		{ "time alone", S_TIME, 8, 8, 0 },
		{ "tid, time, id, cpu", S_TID | S_TIME | S_ID | S_CPU, 32, 24, 16 },
		{ "all", S_TID | S_TIME | S_ID | S_STREAM_ID | S_CPU | S_IDENTIFIER, 48, 40, 8 },
		{ "tid, time, identifier", S_TID | S_TIME | S_IDENTIFIER, 24, 16, 8 },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct perf_attr attr = { .sample_type = table[i].type, .flags = ATTR_SAMPLE_ID_ALL };
		struct wb_perf_events events;

		test_row(table[i].name);
		for (int big = 0; big < 2; big++) {
			const struct wb_perf_event *event = event_of(&events, &attr, big);

			CHECK_EQ_U64(event->trailer, table[i].trailer);
			CHECK_EQ_U64(event->back_time, table[i].time);
			CHECK_EQ_U64(event->back_id, table[i].id);
			wb_perf_events_deinit(&events);
		}
		attr.flags = 0;
		CHECK_EQ_U64(event_of(&events, &attr, false)->trailer, 0);
		wb_perf_events_deinit(&events);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(takes_every_layout_apart);
	TEST_RUN(refuses_what_does_not_fit);
	TEST_RUN(refuses_hostile_counts);
	TEST_RUN(honours_the_valid_size);
	TEST_RUN(finds_the_trailer);
	return test_summary();
}
