/* SPDX-License-Identifier: MIT */
/*
 * The run with every allocation failing in turn, over a snapshot folder and the repository's recording: each time an error or the right
 * output, never a crash, and nothing is lost (the sanitizers see to that).
 */
#include <walkback/formats.h>

#include "base/mem.h"
#include "formats/run_worker.h"

#include "test.h"

enum { RUNS_MAX = 20000 };

struct text { char *bytes; size_t size; };

/* Not through the hook: what is tested is the library's memory. */
static enum wb_err keep(void *arg, const void *bytes, size_t count)
{
	struct text *text = arg;
	char *more = realloc(text->bytes, text->size + count + 1);

	if (!more)
		return WB_ERR_MEMORY;
	text->bytes = more;
	memcpy(more + text->size, bytes, count);
	text->size += count;
	more[text->size] = 0;
	return WB_OK;
}

static enum wb_err run(const char *path, const char *format, struct text *text)
{
	struct wb_run_opts opts = { .size = sizeof(opts), .threads = 1, .count = 3 };
	struct wb_sink_opts sink_opts = { .size = sizeof(sink_opts), .meta = 1 };
	struct wb_session *session = NULL;
	struct wb_capture *capture = NULL;
	struct wb_sink *sink = NULL;
	enum wb_err err = wb_session_new(NULL, &session);

	if (!err)
		err = wb_session_add_file(session, test_data("golden/demo/words"));
	if (!err)
		err = wb_capture_open(session, path, NULL, &capture);
	sink_opts.session = session;
	if (!err)
		err = wb_sink_new(format, &sink_opts, keep, text, &sink);
	if (!err)
		err = wb_run(session, capture, sink, &opts, NULL);
	wb_sink_free(sink);
	wb_capture_free(capture);
	wb_session_free(session);
	return err;
}

/* `step` allocations apart; sticky: all after it fail too. */
static void fail_in_turn(const char *path, const char *format, uint64_t step, bool sticky)
{
	struct text expect = { NULL, 0 };
	uint64_t n, all;

	wb_mem_fail_at(0, false);
	REQUIRE(run(path, format, &expect) == WB_OK);
	all = wb_mem_count();
	CHECK(all > 50 && all < RUNS_MAX);
	for (n = 1; n <= all; n += step) {
		struct text text = { NULL, 0 };
		enum wb_err err;

		wb_mem_fail_at(n, sticky);
		err = run(path, format, &text);
		wb_mem_fail_at(0, false);
		/* What a failure leaves out (a cache, a debug file) may be missing from the output, but not without a word. */
		if (err == WB_OK && sticky)
			test_check(false, TEST_WHERE, "allocation %" PRIu64 " of %" PRIu64 " and all after it failed, and the run did not", n, all);
		free(text.bytes);
	}
	free(expect.bytes);
}

static void survives_on_a_snapshot(void)
{
	static const char *const formats[] = { "text", "folded", "json" };
	char path[TEST_PATH_MAX];

	snprintf(path, sizeof(path), "%s", test_data("golden/snapshot_i386/folder"));
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		test_row(formats[i]);
		fail_in_turn(path, formats[i], 1, true);
		fail_in_turn(path, formats[i], 1, false);
	}
}

static void survives_on_a_recording(void)
{
	char path[TEST_PATH_MAX];

	if (!test_has_feature(wb_features(), "zstd"))
		TEST_SKIP("zstd is not in this build");
	snprintf(path, sizeof(path), "%s", test_data("golden/demo/perf.data"));
	fail_in_turn(path, "folded", 1, true);
	fail_in_turn(path, "folded", 1, false);
}

/* Writing a snapshot folder. */
static void survives_while_writing(void)
{
	struct wb_session *session = NULL;
	struct wb_capture *capture = NULL;
	const struct wb_sample *sample;
	struct wb_space *space;
	enum wb_err err = WB_ERR_MEMORY;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_capture_open(session, test_data("golden/snapshot_i386/folder"), NULL, &capture) == WB_OK);
	REQUIRE(wb_capture_next(capture, &space, &sample) == WB_OK);
	for (uint64_t n = 1; err && n < RUNS_MAX; n++) {
		char name[32], path[TEST_PATH_MAX];

		snprintf(name, sizeof(name), "copy%" PRIu64, n);
		snprintf(path, sizeof(path), "%s", test_tmp(name));
		wb_mem_fail_at(n, true);
		err = wb_snapshot_write(session, space, sample, path, 1);
		wb_mem_fail_at(0, false);
		if (err)
			CHECK_EQ_I64(err, WB_ERR_MEMORY);
	}
	CHECK(err == WB_OK);
	wb_capture_free(capture);
	wb_session_free(session);
}

/* A worker that forgets all frames before nearly every stack writes what one that remembers them all writes. */
static void forgets_frames(void)
{
	static const char *const formats[] = { "text", "folded", "json" };

	if (!test_has_feature(wb_features(), "zstd"))
		TEST_SKIP("zstd is not in this build");
	for (size_t i = 0; i < 2 * sizeof(formats) / sizeof(formats[0]); i++) {
		static struct text text[2];
		struct wb_run_opts opts = { .size = sizeof(opts) };
		struct wb_session *session = NULL;
		struct wb_capture *capture = NULL;
		struct wb_run_worker worker;
		const struct wb_sample *sample;
		struct wb_sink *sink = NULL;
		struct wb_space *space;

		test_row(formats[i / 2]);
		text[i % 2] = (struct text){ NULL, 0 };
		REQUIRE(wb_session_new(NULL, &session) == WB_OK);
		REQUIRE(wb_session_add_file(session, test_data("golden/demo/words")) == WB_OK);
		REQUIRE(wb_capture_open(session, test_data("golden/demo/perf.data"), NULL, &capture) == WB_OK);
		REQUIRE(wb_sink_new(formats[i / 2], NULL, keep, &text[i % 2], &sink) == WB_OK);
		REQUIRE(wb_run_worker_init(&worker, session, &opts, wb_sink_main_part(sink)) == WB_OK);
		if (i % 2)
			worker.known_limit = 12;
		while (wb_capture_next(capture, &space, &sample) == WB_OK)
			CHECK(wb_run_worker_sample(&worker, space, sample, "") == WB_OK);
		CHECK(wb_sink_finish(sink) == WB_OK);
		wb_run_worker_deinit(&worker);
		wb_sink_free(sink);
		wb_capture_free(capture);
		wb_session_free(session);
		if (!(i % 2))
			continue;
		CHECK_STR(text[1].bytes, text[0].bytes);
		free(text[0].bytes);
		free(text[1].bytes);
	}
}

int main(void)
{
	TEST_RUN(forgets_frames);
	TEST_RUN(survives_on_a_snapshot);
	TEST_RUN(survives_on_a_recording);
	TEST_RUN(survives_while_writing);
	return test_summary();
}
