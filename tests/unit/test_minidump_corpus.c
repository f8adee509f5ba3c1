/* SPDX-License-Identifier: MIT */
/*
 * Real dumps: what Breakpad's and rust-minidump's own tests expect of them. Where ours differs, the row says why ours is better.
 */
#include "test.h"

#include <walkback/walkback.h>

#include <stdio.h>

enum { FRAMES = 64 };

struct expected_frame {
	uint64_t pc;
	enum wb_how how;
	const char *function;         /* NULL: no name */
	const char *file;             /* end of its path */
	uint32_t line;
};

struct dump {
	const char *path, *symbols;   /* in the corpus; symbols: a folder, or one file */
	const char *reason;           /* wb_dump.crash_type */
	uint64_t address;
	uint64_t threads;
	struct expected_frame frames[16]; /* of the thread that crashed; ends with pc 0 */
	bool more;                    /* frames may follow, which are guesses */
};

static const struct dump dumps[] = {
	/* minidump2.stackwalk.out: all frames but the first "by call frame info", which is what STACK WIN is called there. */
	{ "breakpad/minidump2.dmp", "breakpad/symbols", "EXCEPTION_ACCESS_VIOLATION_WRITE", 0x45, 2, {
		{ 0x40429e, WB_HOW_CONTEXT, "`anonymous namespace'::CrashFunction", "\\test_app.cc", 58 },
		{ 0x404200, WB_HOW_BREAKPAD, "main", "\\test_app.cc", 65 },
		{ 0x4053ec, WB_HOW_BREAKPAD, "__tmainCRTStartup", "\\crt0.c", 327 },
		{ 0x7c816fd7, WB_HOW_BREAKPAD, "BaseProcessStart", NULL, 0 } }, false },
	/* test_minidump_stackwalk__human.snap and __json-pretty.snap */
	{ "rust-minidump/testdata/test.dmp", NULL, "EXCEPTION_ACCESS_VIOLATION_WRITE", 0x45, 2, {
		{ 0x40429e, WB_HOW_CONTEXT, NULL, NULL, 0 }, { 0x404200, WB_HOW_FRAME_POINTER, NULL, NULL, 0 },
		{ 0x4053ec, WB_HOW_FRAME_POINTER, NULL, NULL, 0 }, { 0x7c816fd7, WB_HOW_FRAME_POINTER, NULL, NULL, 0 } }, false },
	/* test_minidump_stackwalk__human-symbols.snap */
	{ "rust-minidump/testdata/test.dmp", "rust-minidump/testdata/symbols", "EXCEPTION_ACCESS_VIOLATION_WRITE", 0x45, 2, {
		{ 0x40429e, WB_HOW_CONTEXT, "`anonymous namespace'::CrashFunction", "\\test_app.cc", 58 },
		{ 0x404200, WB_HOW_BREAKPAD, "main", "\\test_app.cc", 65 },
		{ 0x4053ec, WB_HOW_BREAKPAD, "__tmainCRTStartup", "\\crt0.c", 327 },
		{ 0x7c816fd7, WB_HOW_BREAKPAD, NULL, NULL, 0 } }, false },
	/* test_minidump_stackwalk__linux_human.snap has frames by scan before the one in libc: words that main and its callee left. rbp leads to main's
	 * frame, whose return address into __libc_start_main is what that snapshot has sixth. */
	{ "rust-minidump/testdata/linux-mini.dmp", NULL, "SIGSEGV", 0x45, 1, {
		{ 0x401d72, WB_HOW_CONTEXT, NULL, NULL, 0 }, { 0x7f514017d830, WB_HOW_FRAME_POINTER, NULL, NULL, 0 } }, true },
	/* minidump_processor_unittest.cc, the tests of inlined calls: four functions at the first address. In the first form of INLINE the file of a
	 * call is not said; the new one has a.cpp:42. */
	{ "breakpad/linux_inline.dmp", "breakpad/symbols/linux_inline/BBA6FA10B8AAB33D00000000000000000/linux_inline.new.sym",
	  "SIGILL / ILL_ILLOPN", 0x2161b6, 1, {
		{ 0x2161b6, WB_HOW_CONTEXT, "func()", "linux_inline.cpp", 27 }, { 0x2161b6, WB_HOW_CONTEXT, "bar()", "c.cpp", 32 },
		{ 0x2161b6, WB_HOW_CONTEXT, "foo()", "b.cpp", 39 }, { 0x2161b6, WB_HOW_CONTEXT, "main", "a.cpp", 42 } }, true },
	{ "breakpad/linux_inline.dmp", "breakpad/symbols/linux_inline/BBA6FA10B8AAB33D00000000000000000/linux_inline.old.sym",
	  "SIGILL / ILL_ILLOPN", 0x2161b6, 1, {
		{ 0x2161b6, WB_HOW_CONTEXT, "func()", "linux_inline.cpp", 27 }, { 0x2161b6, WB_HOW_CONTEXT, "bar()", NULL, 32 },
		{ 0x2161b6, WB_HOW_CONTEXT, "foo()", NULL, 39 }, { 0x2161b6, WB_HOW_CONTEXT, "main", NULL, 42 } }, true },
	/* By STACK CFI of libc and of the program. */
	{ "breakpad/linux_overflow.dmp", "breakpad/symbols", "SIGABRT", 0, 1, {
		{ 0x7fce0927b475, WB_HOW_CONTEXT, "gsignal", NULL, 0 }, { 0x7fce0927e6f0, WB_HOW_BREAKPAD, "abort", NULL, 0 } }, true },
	{ "breakpad/write_av_non_null.dmp", NULL, "EXCEPTION_ACCESS_VIOLATION_WRITE", 0x4e3c9, 2, {
		{ 0xc11097, WB_HOW_CONTEXT, NULL, NULL, 0 }, { 0x75f03677, WB_HOW_FRAME_POINTER, NULL, NULL, 0 },
		{ 0x772e9d42, WB_HOW_FRAME_POINTER, NULL, NULL, 0 } }, true },
	{ "breakpad/stack_exhaustion.dmp", NULL, "EXCEPTION_STACK_OVERFLOW", 0xdea637, 2, {
		{ 0xdea637, WB_HOW_CONTEXT, NULL, NULL, 0 }, { 0xdea6a7, WB_HOW_FRAME_POINTER, NULL, NULL, 0 } }, true },
	{ "rust-minidump/testdata/invalid-parameter.dmp", NULL, "STATUS_INVALID_PARAMETER", 0, 6, { { 0x7ff61bcfa9a3, WB_HOW_CONTEXT, NULL, NULL, 0 } }, true },
	{ "rust-minidump/testdata/pipeline-inlines-macos-segv.dmp", "rust-minidump/testdata/symbols", "EXC_BAD_ACCESS / KERN_INVALID_ADDRESS",
	  0xffffffff80000042, 11, {
		{ 0x102a68cd4, WB_HOW_CONTEXT, "core::ptr::write_volatile::<u8>", "/core/src/ptr/mod.rs", 1574 },
		{ 0x102a68cd4, WB_HOW_CONTEXT, "sadness_generator::raise_segfault", "/sadness-generator/src/lib.rs", 133 },
		{ 0x102a5823e, WB_HOW_BREAKPAD, "crash_client::real_main::{closure#1}", "/crash-client/src/main.rs", 88 } }, true },
	/* Refused or empty, but no crash. */
	{ "rust-minidump/testdata/invalid-range.dmp", NULL, "", 0, 0, { { 0 } }, true },
	{ "rust-minidump/testdata/invalid-record-count.dmp", NULL, "", 0, 0, { { 0 } }, true },
};

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);

	return length >= wanted && !strcmp(text + length - wanted, end);
}

static void compare_site(const struct expected_frame *expect, const struct wb_frame *frame, const struct wb_site *site)
{
	CHECK_EQ_U64(frame->pc, expect->pc);
	CHECK_EQ_U64(frame->how, expect->how);
	CHECK_STR(site->function ? site->function : "", expect->function ? expect->function : "");
	CHECK_EQ_U64(site->line, expect->line);
	if (expect->file)
		CHECK(site->file && ends_with(site->file, expect->file));
}

/* The frames of the first thread, inlined calls counted as frames. */
static void compare_frames(const struct dump *dump, struct wb_symbolizer *symbolizer, const struct wb_frame *frames, size_t count)
{
	const struct expected_frame *expect = dump->frames;

	for (size_t i = 0; i < count && expect->pc; i++) {
		const struct wb_site *sites;
		size_t num_sites;

		REQUIRE(wb_symbolize_frame(symbolizer, &frames[i], &sites, &num_sites) == WB_OK);
		for (size_t s = 0; s < num_sites && expect->pc; s++, expect++)
			compare_site(expect, &frames[i], &sites[s]);
		if (!expect->pc && !dump->more)
			CHECK_EQ_U64(i + 1, count);
	}
	CHECK(!expect->pc);
}

static void compare_info(const struct dump *dump, struct wb_capture *capture)
{
	struct wb_capture_info info = { .size = sizeof(info) };

	REQUIRE(wb_capture_info(capture, &info) == WB_OK && info.dump);
	CHECK_STR(info.dump->crash_type, dump->reason);
	if (info.dump->has_crash_address)
		CHECK_EQ_U64(info.dump->crash_address, dump->address);
	CHECK_EQ_U64(info.threads, dump->threads);
}

static void compare_dump(const struct dump *dump, const char *path, const char *symbols)
{
	static const enum wb_how strategies[] = { WB_HOW_CFI, WB_HOW_BREAKPAD, WB_HOW_CODE, WB_HOW_LEAF, WB_HOW_FRAME_POINTER, WB_HOW_SCAN };
	struct wb_walker_opts opts = { .size = sizeof(opts), .strategies = strategies, .num_strategies = sizeof(strategies) / sizeof(strategies[0]) };
	struct wb_session *session;
	struct wb_capture *capture;
	struct wb_symbolizer *symbolizer;
	struct wb_walker *walker;
	const struct wb_sample *sample;
	struct wb_space *space;
	struct wb_frame frames[FRAMES];
	struct wb_stop stop;
	size_t count;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	if (symbols && ends_with(symbols, ".sym"))
		REQUIRE(wb_session_add_file(session, symbols) == WB_OK);
	else if (symbols)
		REQUIRE(wb_session_add_symbol_dir(session, symbols) == WB_OK);
	REQUIRE(wb_capture_open(session, path, NULL, &capture) == WB_OK);
	REQUIRE(wb_walker_new(session, &opts, &walker) == WB_OK && wb_symbolizer_new(session, NULL, &symbolizer) == WB_OK);
	compare_info(dump, capture);
	if (dump->threads) {
		REQUIRE(wb_capture_next(capture, &space, &sample) == WB_OK);
		REQUIRE(wb_walk(walker, space, sample, frames, sizeof(frames[0]), FRAMES, &count, &stop) == WB_OK);
		compare_frames(dump, symbolizer, frames, count);
	}
	wb_symbolizer_free(symbolizer);
	wb_walker_free(walker);
	wb_capture_free(capture);
	wb_session_free(session);
}

static bool in_corpus(const char *name, char path[TEST_PATH_MAX])
{
	char relative[512];
	const char *found;

	snprintf(relative, sizeof(relative), "minidumps/%s", name);
	found = test_corpus(relative);
	if (found)
		snprintf(path, TEST_PATH_MAX, "%s", found);
	return found;
}

static void compares_dumps(void)
{
	char path[TEST_PATH_MAX], symbols[TEST_PATH_MAX];

	if (!test_corpus("minidumps"))
		TEST_SKIP("the corpus");
	for (size_t i = 0; i < sizeof(dumps) / sizeof(dumps[0]); i++) {
		test_row(dumps[i].path);
		REQUIRE(in_corpus(dumps[i].path, path));
		REQUIRE(!dumps[i].symbols || in_corpus(dumps[i].symbols, symbols));
		compare_dump(&dumps[i], path, dumps[i].symbols ? symbols : NULL);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(compares_dumps);
	return test_summary();
}
