/* SPDX-License-Identifier: MIT */
/* The sinks on stacks that are made here: what each format writes, to the byte. */
#include "formats/sink.h"

#include "test.h"

static enum wb_err keep(void *arg, const void *bytes, size_t count)
{
	wb_out_bytes(arg, bytes, count);
	return WB_OK;
}

static enum wb_err refuse(void *arg, const void *bytes, size_t count)
{
	(void)arg, (void)bytes, (void)count;
	return WB_ERR_IO;
}

/* Three sites at one frame: g inlined into f inlined into main; then libc's nameless caller; then a kernel frame at the very front. */
static const struct wb_site inlined[] = {
	{ .size = sizeof(struct wb_site), .function = "g", .file = "/src/a.c", .line = 3, .column = 7, .inlined = 1, .function_start = 0x1000 },
	{ .size = sizeof(struct wb_site), .function = "f<int; char>", .file = "/src/a.c", .line = 5, .inlined = 1, .function_start = 0x1000 },
	{ .size = sizeof(struct wb_site), .function = "main", .file = "/src/b.c", .line = 9, .function_start = 0x1000 },
};
static const struct wb_site nameless[] = {
	{ .size = sizeof(struct wb_site), .function_start = UINT64_MAX, .function_reason = WB_REASON_NO_SYMBOL },
};
static const struct wb_site kernel[] = {
	{ .size = sizeof(struct wb_site), .function = "do_syscall_64", .function_start = 0xffffffff81000000 },
};
static const struct wb_frame frames[] = {
	{ .pc = 0xffffffff81000010, .lookup_pc = 0xffffffff8100000f, .image_pc = 0xffffffff8100000f, .how = WB_HOW_GIVEN,
	  .flags = WB_FRAME_KERNEL | WB_FRAME_HAS_IMAGE },
	{ .pc = 0x5010, .lookup_pc = 0x5010, .cfa = 0x7ff0, .image_pc = 0x1010, .how = WB_HOW_CONTEXT,
	  .flags = WB_FRAME_EXACT | WB_FRAME_HAS_CFA | WB_FRAME_HAS_IMAGE },
	{ .pc = 0x6001, .lookup_pc = 0x6000, .how = WB_HOW_CFI },
};
static const struct wb_frame_sites sites[] = { { kernel, 1 }, { inlined, 3 }, { nameless, 1 } };
static const struct wb_sample sample = { .size = sizeof(sample), .pid = 7, .tid = 8, .time_ns = 1000000002, .comm = "my prog;x", .weight = 5 };
static const struct wb_stack whole = { .size = sizeof(whole), .sample = &sample, .event = "cycles", .frames = frames, .num_frames = 3,
                                       .sites = sites, .stop = { .reason = WB_STOP_ROOT, .root_by = WB_ROOT_RA_UNDEFINED } };
static const struct wb_stack cut = { .size = sizeof(cut), .sample = &sample, .event = "cycles", .frames = frames + 1, .num_frames = 1,
                                     .sites = sites + 1, .stop = { .reason = WB_STOP_MEMORY, .address = 0x8000 } };
static const struct wb_stack empty = { .size = sizeof(empty), .sample = &sample, .event = "", .stop = { .reason = WB_STOP_EMPTY } };

static void write_all(const char *format, const struct wb_stack *const *stacks, size_t count, const char *expect)
{
	struct wb_sink_opts opts = { .size = sizeof(opts) };
	struct wb_sink *sink = NULL;
	struct wb_out out = { 0 };

	test_row(format);
	REQUIRE(wb_sink_new(format, &opts, keep, &out, &sink) == WB_OK);
	for (size_t i = 0; i < count; i++)
		CHECK(wb_sink_write(sink, stacks[i]) == WB_OK);
	CHECK(wb_sink_finish(sink) == WB_OK);
	wb_sink_free(sink);
	wb_out_char(&out, '\0');
	CHECK_STR(out.bytes, expect);
	wb_out_deinit(&out);
}

static void writes_folded(void)
{
	const struct wb_stack *const stacks[] = { &cut, &whole, &empty, &whole, &cut, &whole };

	/* Sorted by bytes: '[' is before '_' and letters. The innermost inlined call is last. */
	write_all("folded", stacks, 6,
	          "my_prog:x;[no frames] 1\n"
	          "my_prog:x;[truncated];main;f<int: char>;g 2\n"
	          "my_prog:x;[unknown];main;f<int: char>;g;do_syscall_64_[k] 3\n");
	write_all("folded", stacks, 0, "");
}

static void writes_text(void)
{
	const struct wb_stack *const stacks[] = { &whole, &cut };

	write_all("text", stacks, 2,
	          "my prog;x 7/8 1.000000002 cycles:\n"
	          "  #0    ffffffff81000010  do_syscall_64+0xf [given]\n"
	          "  #1    0000000000005010  g at /src/a.c:3:7 (inlined)\n"
	          "  #2    0000000000005010  f<int; char> at /src/a.c:5 (inlined)\n"
	          "  #3    0000000000005010  main+0x10 at /src/b.c:9 [context]\n"
	          "  #4    0000000000006001  ??: no symbol covers the address [cfi]\n"
	          "  complete: return address undefined\n\n"
	          "my prog;x 7/8 1.000000002 cycles:\n"
	          "  #0    0000000000005010  g at /src/a.c:3:7 (inlined)\n"
	          "  #1    0000000000005010  f<int; char> at /src/a.c:5 (inlined)\n"
	          "  #2    0000000000005010  main+0x10 at /src/b.c:9 [context]\n"
	          "  cut: bytes at 0x8000 are not in the capture\n\n");
}

/* Names that would end a line, or speak to a terminal. */
static void keeps_lines_whole(void)
{
	static const struct wb_site site[] = {
		{ .size = sizeof(struct wb_site), .function = "evil\n\x1b[2Jname", .file = "a\rb", .line = 1, .function_start = UINT64_MAX },
	};
	static const struct wb_frame frame = { .pc = 0x10, .lookup_pc = 0x10, .how = WB_HOW_CONTEXT };
	static const struct wb_frame_sites one = { site, 1 };
	static const struct wb_sample named = { .size = sizeof(named), .pid = 1, .tid = 1, .comm = "a\nb" };
	static const struct wb_stack stack = { .size = sizeof(stack), .sample = &named, .event = "", .frames = &frame, .num_frames = 1,
	                                       .sites = &one, .stop = { .reason = WB_STOP_LIMIT } };
	const struct wb_stack *const stacks[] = { &stack };

	write_all("text", stacks, 1,
	          "a?b 1/1:\n"
	          "  #0    0000000000000010  evil??[2Jname at a?b:1 [context]\n"
	          "  cut: the limit of frames is reached\n\n");
	write_all("folded", stacks, 1, "a_b;[truncated];evil  [2Jname 1\n");
}

static void writes_json(void)
{
	const struct wb_stack *const stacks[] = { &cut };

	write_all("json", stacks, 1,
	          "{\"type\":\"stack\",\"pid\":7,\"tid\":8,\"comm\":\"my prog;x\",\"time_ns\":1000000002,\"event\":\"cycles\",\"weight\":5,"
	          "\"stop\":\"memory\",\"stop_address\":\"0x8000\",\"frames\":["
	          "{\"pc\":\"0x5010\",\"lookup_pc\":\"0x5010\",\"cfa\":\"0x7ff0\",\"how\":\"context\",\"function\":\"g\",\"file\":\"/src/a.c\","
	          "\"line\":3,\"column\":7,\"inlined\":true},"
	          "{\"pc\":\"0x5010\",\"lookup_pc\":\"0x5010\",\"cfa\":\"0x7ff0\",\"how\":\"context\",\"function\":\"f<int; char>\","
	          "\"file\":\"/src/a.c\",\"line\":5,\"inlined\":true},"
	          "{\"pc\":\"0x5010\",\"lookup_pc\":\"0x5010\",\"cfa\":\"0x7ff0\",\"how\":\"context\",\"function\":\"main\",\"offset\":\"0x10\","
	          "\"file\":\"/src/b.c\",\"line\":9}]}\n");
}

static void says_what_failed(void)
{
	struct wb_sink *sink = NULL;

	CHECK(wb_sink_new("nonesuch", NULL, keep, NULL, &sink) == WB_ERR_UNSUPPORTED);
	CHECK(wb_sink_new("text", NULL, NULL, NULL, &sink) == WB_ERR_ARGUMENT);
	CHECK(!sink);
	REQUIRE(wb_sink_new("text", NULL, refuse, NULL, &sink) == WB_OK);
	CHECK(wb_sink_write(sink, NULL) == WB_ERR_ARGUMENT);
	CHECK(wb_sink_write(sink, &whole) == WB_OK);
	CHECK(wb_sink_finish(sink) == WB_ERR_IO);
	wb_sink_free(sink);
	wb_sink_free(NULL);
}

/* The parts of several threads add up to what one would have written. */
static void merges_parts(void)
{
	struct wb_out out = { 0 };
	struct wb_sink *sink = NULL;
	struct wb_sink_part *parts[2] = { NULL, NULL };

	REQUIRE(wb_sink_new("folded", NULL, keep, &out, &sink) == WB_OK);
	for (size_t p = 0; p < 2; p++) {
		const struct wb_stack *stack = p ? &whole : &cut;
		uint32_t ids[3];

		REQUIRE(wb_sink_part_new(sink, &parts[p]) == WB_OK);
		for (size_t i = 0; i < stack->num_frames; i++)
			CHECK(parts[p]->format->describe(parts[p], &stack->frames[i], &stack->sites[i], &ids[i]) == WB_OK);
		CHECK(wb_sink_part_write(parts[p], stack, ids) == WB_OK);
	}
	CHECK(wb_sink_write(sink, &whole) == WB_OK);
	for (size_t p = 0; p < 2; p++) {
		CHECK(wb_sink_merge(sink, parts[p]) == WB_OK);
		wb_sink_part_free(parts[p]);
	}
	CHECK(wb_sink_finish(sink) == WB_OK);
	wb_sink_free(sink);
	wb_out_char(&out, '\0');
	CHECK_STR(out.bytes, "my_prog:x;[truncated];main;f<int: char>;g 1\n"
	                     "my_prog:x;[unknown];main;f<int: char>;g;do_syscall_64_[k] 2\n");
	wb_out_deinit(&out);
}

int main(void)
{
	TEST_RUN(writes_folded);
	TEST_RUN(writes_text);
	TEST_RUN(keeps_lines_whole);
	TEST_RUN(writes_json);
	TEST_RUN(says_what_failed);
	TEST_RUN(merges_parts);
	return test_summary();
}
