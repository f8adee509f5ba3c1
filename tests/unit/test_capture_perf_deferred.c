/* SPDX-License-Identifier: MIT */
/* Recorded frames: kernel and user callchains, their marks, last-branch records, and user callchains that come later. */
#include "capture_reader.h"
#include "perf_writer.h"

static struct perf_writer writer;
static struct reader reader;

#define MARK(n) ((uint64_t)-(int64_t)(n))
enum { HYPERVISOR = 32, KERNEL = 128, USER = 512, USER_DEFERRED = 640, GUEST = 2048 };

/* A frame as text: where it is from, x for an exact pc, r for a return address, the address. */
static void frames_text(const struct reader_sample *s, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = 0;
	for (size_t i = 0; i < s->num_given && i < READER_GIVEN; i++)
		used += (size_t)snprintf(buffer + used, size - used, "%s%c%c%" PRIx64, i ? " " : "", "?KUBGH"[s->given[i].kind],
					 s->given[i].pc_kind == WB_PC_EXACT ? 'x' : 'r', s->given[i].address);
	if (s->num_regs)
		snprintf(buffer + used, size - used, "%sregs", used ? " " : "");
}

static void start(const struct perf_attr *attr)
{
	w_pipe(&writer, false);
	w_pipe_attr(&writer, attr, 1);
	w_pipe_feature(&writer, F_ARCH, "x86_64");
}

static void put_list(const uint64_t *list)
{
	uint64_t count = 0;

	while (list[count])
		count++;
	w_u64(&writer, count);
	for (uint64_t i = 0; i < count; i++)
		w_u64(&writer, list[i]);
}

static void keeps_recorded_frames(void)
{
	enum { CHAIN = S_IP | S_TID | S_CALLCHAIN, REGS = CHAIN | S_REGS_USER, STACK = REGS | S_STACK_USER, NO_KERNEL = 1 << 21 };
	static const struct {
		const char *name;
		uint64_t sample_type, flags;
		uint16_t mode;
		uint64_t chain[12];
		uint64_t abi;
		const char *expect;
	} table[] = {
		{ "user", CHAIN, 0, M_USER, { MARK(USER), 0x10, 0x20, 0x30 }, 0, "Ux10 Ur20 Ur30" },
		{ "user, no mark", CHAIN, 0, M_USER, { 0x10, 0x20 }, 0, "Ux10 Ur20" },
		{ "kernel and user", CHAIN, 0, M_KERNEL, { MARK(KERNEL), 0xf1, 0xf2, MARK(USER), 0x10, 0x20 }, 0, "Kxf1 Krf2 Ux10 Ur20" },
		{ "kernel, no mark", CHAIN, 0, M_KERNEL, { 0xf1, 0xf2 }, 0, "Kxf1 Krf2" },
		{ "hypervisor and guest", CHAIN, 0, M_HYPERVISOR, { MARK(HYPERVISOR), 0xe1, MARK(GUEST), 0xd1, 0xd2 }, 0, "Hxe1 Gxd1 Grd2" },
		{ "unknown mark", CHAIN, 0, M_USER, { MARK(USER), 0x10, MARK(4095), 0x77, MARK(USER), 0x20 }, 0, "Ux10 Ux20" },
		{ "nothing, user", CHAIN, 0, M_USER, { 0 }, 0, "Ux99" },
		{ "nothing, kernel", CHAIN, 0, M_KERNEL, { 0 }, 0, "Kx99" },
		{ "nothing, guest", CHAIN, 0, M_GUEST_KERNEL, { 0 }, 0, "Gx99" },
		{ "user part of kernel sample", CHAIN, NO_KERNEL, M_KERNEL, { MARK(USER), 0x10, 0x20 }, 0, "Ux10 Ur20" },
		{ "no chain asked for", S_IP | S_TID, 0, M_KERNEL, { 0 }, 0, "Kx99" },
		{ "registers and stack", STACK, 0, M_USER, { MARK(USER), 0x10, 0x20 }, 2, "regs" },
		{ "kernel, registers and stack", STACK, 0, M_KERNEL, { MARK(KERNEL), 0xf1, MARK(USER), 0x10 }, 2, "Kxf1 regs" },
		{ "kernel thread", STACK, 0, M_KERNEL, { MARK(KERNEL), 0xf1, 0xf2 }, 0, "Kxf1 Krf2" },
		{ "registers without stack", REGS, 0, M_USER, { MARK(USER), 0x10, 0x20 }, 2, "Ux10 Ur20" },
		{ "registers alone", REGS, 0, M_USER, { 0 }, 2, "regs" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct perf_attr attr = { .sample_type = table[i].sample_type, .flags = table[i].flags, .regs_user = 1 << 7 | 1 << 8 };
		char text[256];

		test_row(table[i].name);
		start(&attr);
		w_begin(&writer, T_SAMPLE, table[i].mode);
		w_u64(&writer, 0x99);
		w_u64(&writer, 5 | UINT64_C(5) << 32);
		if (attr.sample_type & S_CALLCHAIN)
			put_list(table[i].chain);
		if (attr.sample_type & S_REGS_USER)
			w_u64(&writer, table[i].abi);
		if (table[i].abi) {
			w_u64(&writer, 0x7fff0000);
			w_u64(&writer, 0x99);
		}
		if (attr.sample_type & S_STACK_USER)
			w_u64(&writer, table[i].abi ? 8 : 0);
		for (int k = 0; attr.sample_type & S_STACK_USER && table[i].abi && k < 2; k++)
			w_u64(&writer, 8);
		w_end(&writer);
		reader_run(&reader, writer.bytes, writer.size, 0, NULL);
		CHECK_EQ_I64(reader.end, WB_NONE);
		if (CHECK_EQ_U64(reader.count, 1)) {
			frames_text(&reader.samples[0], text, sizeof text);
			CHECK_STR(text, table[i].expect);
			/* Registers were asked for, and there are none. */
			CHECK_EQ_U64(reader.samples[0].flags, attr.sample_type & S_REGS_USER && !table[i].abi ? WB_SAMPLE_KERNEL_THREAD : 0);
		}
		reader_close(&reader);
	}
	test_row(NULL);
}

static void keeps_branches_of_call_stacks(void)
{
	enum { CALL_STACK = 1 << 11, ANY = 1 << 3 };
	static const struct { const char *name; uint64_t branch_type; uint16_t mode; uint64_t count; const char *expect; uint64_t flags; } table[] = {
		/* from is the call; the innermost call went to 0x1000. */
		{ "call stack, user", CALL_STACK, M_USER, 2, "Bx99 Bx2000 Bx2001", 0 },
		{ "call stack, kernel", CALL_STACK, M_KERNEL, 2, "Kx99 Bx1000 Bx2000 Bx2001", 0 },
		{ "call stack, full", CALL_STACK, M_USER, 8, "Bx99 Bx2000 Bx2001 Bx2002 Bx2003 Bx2004 Bx2005 Bx2006 Bx2007", WB_SAMPLE_GIVEN_PARTIAL },
		{ "call stack, empty", CALL_STACK, M_USER, 0, "Ux99", 0 },
		{ "any branch", ANY, M_USER, 2, "Ux99", 0 },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct perf_attr attr = { .sample_type = S_IP | S_TID | S_BRANCH_STACK, .branch_type = table[i].branch_type };
		char text[256];

		test_row(table[i].name);
		start(&attr);
		w_begin(&writer, T_SAMPLE, table[i].mode);
		w_u64(&writer, 0x99);
		w_u64(&writer, 5 | UINT64_C(5) << 32);
		w_u64(&writer, table[i].count);
		for (uint64_t k = 0; k < table[i].count; k++) {
			w_u64(&writer, 0x2000 + k);
			w_u64(&writer, 0x1000 + k);
			w_u64(&writer, 0);
		}
		w_end(&writer);
		reader_run(&reader, writer.bytes, writer.size, 0, NULL);
		CHECK_EQ_I64(reader.end, WB_NONE);
		if (CHECK_EQ_U64(reader.count, 1)) {
			frames_text(&reader.samples[0], text, sizeof text);
			CHECK_STR(text, table[i].expect);
			CHECK_EQ_U64(reader.samples[0].flags, table[i].flags);
		}
		reader_close(&reader);
	}
	test_row(NULL);
}

/* ---- Later ---- */

static void trailer(uint32_t tid, uint64_t time)
{
	w_u32(&writer, 5);
	w_u32(&writer, tid);
	w_u64(&writer, time);
	w_end(&writer);
}

static void waiting_sample(uint32_t tid, uint64_t time, uint64_t kernel, uint64_t cookie)
{
	w_begin(&writer, T_SAMPLE, M_KERNEL);
	w_u64(&writer, kernel);
	w_u32(&writer, 5);
	w_u32(&writer, tid);
	w_u64(&writer, time);
	put_list((const uint64_t[]){ MARK(KERNEL), kernel, MARK(USER_DEFERRED), cookie, 0 });
	w_end(&writer);
}

static void late_chain(uint32_t tid, uint64_t time, uint64_t cookie, uint64_t user)
{
	w_begin(&writer, T_CALLCHAIN_DEFERRED, M_USER);
	w_u64(&writer, cookie);
	put_list((const uint64_t[]){ MARK(USER), user, user + 1, 0 });
	trailer(tid, time);
}

static void joins_late_callchains(void)
{
	static const struct perf_attr attr = { .sample_type = S_IP | S_TID | S_TIME | S_CALLCHAIN, .flags = ATTR_SAMPLE_ID_ALL };
	/* Samples come out when they are complete; at the end, those that never were. */
	static const struct { uint64_t time, flags; const char *text; } expect[] = {
		{ 10, 0, "Kxf1 Ux10 Ur11" },
		{ 20, 0, "Kxf2 Ux10 Ur11" },
		{ 30, 0, "Kxf3 Ux20 Ur21" },
		{ 40, WB_SAMPLE_GIVEN_PARTIAL, "Kxf4" },
	};

	start(&attr);
	waiting_sample(7, 10, 0xf1, 0xc0);
	waiting_sample(7, 20, 0xf2, 0xc0);
	waiting_sample(8, 30, 0xf3, 0xc0);
	waiting_sample(7, 40, 0xf4, 0xc1);
	late_chain(7, 50, 0xc0, 0x10);
	late_chain(8, 60, 0xc0, 0x20);
	late_chain(9, 70, 0xc1, 0x30);
	for (size_t batch = 0; batch < 3; batch++) {
		reader_open(&reader, writer.bytes, writer.size, 0, NULL);
		reader_read_all(&reader, batch);
		CHECK_EQ_I64(reader.end, WB_NONE);
		REQUIRE(reader.count == 4);
		for (size_t i = 0; i < 4; i++) {
			char text[256];

			frames_text(&reader.samples[i], text, sizeof text);
			CHECK_STR(text, expect[i].text);
			CHECK_EQ_U64(reader.samples[i].time, expect[i].time);
			CHECK_EQ_U64(reader.samples[i].flags, expect[i].flags);
		}
		reader_close(&reader);
	}
	reader_fail_everywhere(&reader, writer.bytes, writer.size);
}

/* Thousands that wait for ever do not pile up. */
static void waits_with_a_limit(void)
{
	static const struct perf_attr attr = { .sample_type = S_IP | S_TID | S_TIME | S_CALLCHAIN, .flags = ATTR_SAMPLE_ID_ALL };
	struct wb_batch *batch;
	size_t count = 0;

	start(&attr);
	for (uint32_t i = 0; i < 9000; i++)
		waiting_sample(7, i + 1, 0xf1, i);
	reader_open(&reader, writer.bytes, writer.size, 0, NULL);
	while (reader.opened == WB_OK && wb_capture_next_batch(reader.capture, 1000, &batch) == WB_OK) {
		for (size_t i = 0; i < batch->count; i++)
			CHECK_EQ_U64(batch->items[i].sample->time_ns, ++count);
		wb_batch_free(batch);
	}
	CHECK_EQ_U64(count, 9000);
	reader_close(&reader);
}

int main(void)
{
	TEST_RUN(keeps_recorded_frames);
	TEST_RUN(keeps_branches_of_call_stacks);
	TEST_RUN(joins_late_callchains);
	TEST_RUN(waits_with_a_limit);
	return test_summary();
}
