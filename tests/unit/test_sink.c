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

/* A goroutine of runtime/traceback.go: two calls, one of which has another inlined, and the go statement. */
static const struct wb_site go_inner[] = {
	{ .size = sizeof(struct wb_site), .function = "main.(*T).inner", .file = "/src/a.go", .line = 14, .inlined = 1, .function_start = 0x1000 },
	{ .size = sizeof(struct wb_site), .function = "runtime.gopanic", .file = "/src/a.go", .line = 13, .function_start = 0x1000 },
};
static const struct wb_site go_outer[] = {
	{ .size = sizeof(struct wb_site), .function = "runtime.goexit", .file = "/src/asm.s", .line = 9, .function_start = 0x2000 },
};
static const struct wb_site go_creator[] = {
	{ .size = sizeof(struct wb_site), .function = "main.main", .file = "/src/b.go", .line = 7, .function_start = 0x3000 },
};
static const struct wb_frame go_frames[] = {
	{ .pc = 0x1011, .lookup_pc = 0x1010, .image_pc = 0x1010, .cfa = 0x7010, .sp = 0x7000, .how = WB_HOW_CONTEXT, .flags = WB_FRAME_HAS_IMAGE | WB_FRAME_HAS_CFA },
	{ .pc = 0x2000, .lookup_pc = 0x2000, .image_pc = 0x2000, .cfa = 0x7018, .sp = 0x7010, .how = WB_HOW_GO,
	  .flags = WB_FRAME_HAS_IMAGE | WB_FRAME_HAS_CFA | WB_FRAME_EXACT },
	{ .pc = 0x9000, .lookup_pc = 0x8fff, .cfa = 0x7028, .sp = 0x7018, .how = WB_HOW_CFI, .flags = WB_FRAME_HAS_CFA },
};
static const struct wb_frame_sites go_sites[] = { { go_inner, 2 }, { go_outer, 1 }, { nameless, 1 } };
static const struct wb_frame go_statement = { .pc = 0x3005, .lookup_pc = 0x3004, .image_pc = 0x3004, .flags = WB_FRAME_HAS_IMAGE };
static const struct wb_frame_sites go_statement_sites = { go_creator, 1 };
static const struct wb_label go_labels[] = { { "key", "value" }, { "path", "a \"b\"" } };
static const struct wb_goroutine running = {
	.size = sizeof(running), .id = 6, .address = 0xc000001000, .thread_address = 0xc000002000, .thread_id = 2, .tid = 8, .status = WB_GOROUTINE_RUNNING,
	.flags = WB_GOROUTINE_ON_THREAD | WB_GOROUTINE_LOCKED, .state = "running", .stack_start = 0x6000, .stack_end = 0x8000, .created_by = 1,
};
static const struct wb_goroutine waiting = { .size = sizeof(waiting), .id = 3, .address = 0xc000003000, .status = WB_GOROUTINE_WAITING, .state = "IO wait",
                                             .waiting_since_ns = 5 };
static const struct wb_sample go_sample = { .size = sizeof(go_sample), .pid = 7, .tid = 8, .comm = "x", .goroutine = &running, .labels = go_labels, .num_labels = 2 };
static const struct wb_sample idle_sample = { .size = sizeof(idle_sample), .pid = 7, .comm = "x", .goroutine = &waiting };
static const struct wb_sample foreign_sample = { .size = sizeof(foreign_sample), .pid = 7, .tid = 9, .comm = "x" };
static const struct wb_stack go_stack = { .size = sizeof(go_stack), .sample = &go_sample, .event = "", .frames = go_frames, .num_frames = 2, .sites = go_sites,
                                          .stop = { .reason = WB_STOP_ROOT, .root_by = WB_ROOT_GO_TOP_FRAME },
                                          .created_by = &go_statement, .created_by_sites = &go_statement_sites };
static const struct wb_stack lost_stack = { .size = sizeof(lost_stack), .sample = &idle_sample, .event = "", .stop = { .reason = WB_STOP_EMPTY } };
static const struct wb_stack foreign_stack = { .size = sizeof(foreign_stack), .sample = &foreign_sample, .event = "", .frames = go_frames + 2, .num_frames = 1,
                                               .sites = go_sites + 2, .stop = { .reason = WB_STOP_NO_INFO } };

static void writes_goroutines(void)
{
	const struct wb_stack *const stacks[] = { &go_stack, &lost_stack, &foreign_stack };

	/* The form is the runtime's (goroutineheader, traceback2, printcreatedby1); at a function's entry there is no offset. */
	write_all("go", stacks, 3,
	          "goroutine 6 gp=0xc000001000 m=2 mp=0xc000002000 [running, locked to thread] {key: value, path: \"a \\\"b\\\"\"}:\n"
	          "main.(*T).inner(...)\n\t/src/a.go:14\n"
	          "panic(...)\n\t/src/a.go:13 +0x11 fp=0x7010 sp=0x7000 pc=0x1011\n"
	          "runtime.goexit(...)\n\t/src/asm.s:9 fp=0x7018 sp=0x7010 pc=0x2000\n"
	          "created by main.main in goroutine 1\n\t/src/b.go:7 +0x5\n\n"
	          "goroutine 3 gp=0xc000003000 m=nil [IO wait]:\n\tgoroutine running on other thread; stack unavailable\n\n"
	          "goroutine 0 [not of Go]:\nnon-Go function at pc=0x9000\n...additional frames elided...\n\n");
	write_all("text", stacks, 2,
	          "x 7/8 goroutine 6 (running, locked to thread):\n"
	          "  key: value\n"
	          "  path: a \"b\"\n"
	          "  #0    0000000000001011  main.(*T).inner at /src/a.go:14 (inlined)\n"
	          "  #1    0000000000001011  runtime.gopanic+0x10 at /src/a.go:13 [context]\n"
	          "  #2    0000000000002000  runtime.goexit+0x0 at /src/asm.s:9 [go]\n"
	          "  created by main.main+0x4 at /src/b.go:7 in goroutine 1\n"
	          "  complete: a Go stack's top frame\n\n"
	          "x 7/0 goroutine 3 (IO wait):\n"
	          "  nothing to walk: neither registers nor recorded frames\n\n");
	write_all("json", stacks + 1, 1,
	          "{\"type\":\"stack\",\"pid\":7,\"tid\":0,\"comm\":\"x\",\"stop\":\"empty\",\"goroutine\":{\"id\":3,\"state\":\"IO wait\",\"g\":\"0xc000003000\","
	          "\"waiting_since_ns\":5},\"frames\":[]}\n");
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
	TEST_RUN(writes_goroutines);
	TEST_RUN(says_what_failed);
	TEST_RUN(merges_parts);
	return test_summary();
}
