/* SPDX-License-Identifier: MIT */
/*
 * The Nth allocation fails, for every N of a whole run: the result is "no memory" or right, nothing
 * leaks or crashes (the sanitizer build looks), and once there is memory again the same session
 * gives what an undisturbed one gives: running out of memory is never remembered as knowledge.
 */

#include "objects.h"
#include "test.h"

#include <walkback/walkback.h>

#include "base/mem.h"

/* Samples of the demonstration capture that each run walks: the first is plain, some of the others
 * have a signal frame. */
enum { SAMPLES = 4 };

/* One way through the library with the given session; what it found goes to output. */
typedef enum wb_err (*scenario_fn)(struct wb_session *session, struct output *output);

static enum wb_err open_image(struct wb_session *session, struct output *output)
{
	struct wb_image *image;
	enum wb_err err = wb_image_open(session, test_data("golden/demo/words"), &image);
	if (err != WB_OK)
		return err;
	struct wb_image_info info = { .size = sizeof info };
	err = wb_image_info(image, &info);
	if (err == WB_OK)
		err = collect(output, info.build_id, info.build_id_size);
	if (err == WB_OK)
		err = collect(output, &info.num_symbols, sizeof info.num_symbols);
	wb_image_unref(image);
	return err;
}

static enum wb_err name_symbols(struct wb_session *session, struct output *output)
{
	static const uint64_t pcs[] = { 0x401000, 0x401190, 0x4013a1, 0x401300, 0x10 };
	struct wb_image *image = NULL;
	struct wb_symbolizer *symbolizer = NULL;
	enum wb_err err = wb_image_open(session, test_data("golden/demo/words"), &image);
	if (err == WB_OK)
		err = wb_symbolizer_new(session, NULL, &symbolizer);
	for (size_t i = 0; err == WB_OK && i < sizeof pcs / sizeof pcs[0]; i++) {
		const struct wb_site *sites;
		size_t count;
		err = wb_symbolize(symbolizer, image, pcs[i], WB_PC_EXACT, &sites, &count);
		for (size_t s = 0; err == WB_OK && s < count; s++) {
			char line[512];
			int n = snprintf(line, sizeof line, "%s %s:%u\n", sites[s].function ? sites[s].function : "?",
			                 sites[s].file ? sites[s].file : "?", sites[s].line);
			err = collect(output, line, (size_t)n);
		}
	}
	wb_symbolizer_free(symbolizer);
	wb_image_unref(image);
	return err;
}

static enum wb_err walk_samples(struct wb_session *session, struct output *output)
{
	struct wb_capture *capture = NULL;
	struct wb_walker *walker = NULL;
	enum wb_err err = wb_session_add_sysroot(session, test_data("golden/demo"));
	if (err == WB_OK)
		err = wb_capture_open(session, test_data("golden/demo/perf.data"), NULL, &capture);
	if (err == WB_OK)
		err = wb_walker_new(session, NULL, &walker);
	for (int i = 0; err == WB_OK && i < SAMPLES; i++) {
		const struct wb_sample *sample;
		struct wb_space *space;
		struct wb_frame frames[64];
		struct wb_stop stop;
		size_t count;
		err = wb_capture_next(capture, &space, &sample);
		if (err == WB_OK)
			err = wb_walk(walker, space, sample, frames, sizeof frames[0], 64, &count, &stop);
		if (err == WB_OK)
			err = collect(output, &stop.reason, sizeof stop.reason);
		for (size_t f = 0; err == WB_OK && f < count; f++)
			err = collect(output, &frames[f].pc, sizeof frames[f].pc);
	}
	wb_walker_free(walker);
	wb_capture_free(capture);
	return err;
}

static const enum wb_how by_code[] = { WB_HOW_CODE, WB_HOW_LEAF, WB_HOW_FRAME_POINTER };

/* A capture, the file of its process that is at hand, how it is walked and what is written. */
static const struct run {
	const char *name, *capture, *file, *format;
	const enum wb_how *strategies;
	size_t num_strategies;
} runs[] = {
	/* The first one is compressed. */
	{ "perf.data", "golden/demo/perf.data", "golden/demo/words", "text", NULL, 0 },
	{ "snapshot", "golden/snapshot_signal/folder", "golden/snapshot_signal/folder/words", "folded", NULL, 0 },
	{ "snapshot by its code", "golden/snapshot_windows/rounded", "golden/snapshot_windows/chain", "json", by_code, 3 },
	{ "minidump", "../fuzz/corpus/minidump/crashpad.dmp", NULL, "json", NULL, 0 },
	{ "minidump of Linux", "../fuzz/corpus/minidump/linux.dmp", NULL, "minidump-json", NULL, 0 },
	{ "core", "../fuzz/corpus/core/x86_64", NULL, "text", NULL, 0 },
	{ "core, big-endian", "../fuzz/corpus/core/aarch64_be", NULL, "json", NULL, 0 },
};
static const struct run *run;

static enum wb_err run_capture(struct wb_session *session, struct output *output)
{
	struct wb_walker_opts walker = { .size = sizeof walker, .strategies = run->strategies, .num_strategies = run->num_strategies };
	struct wb_run_opts opts = { .size = sizeof opts, .walker = &walker, .threads = 1, .count = SAMPLES };
	struct wb_sink_opts sink_opts = { .size = sizeof sink_opts, .session = session };
	struct wb_run_stats stats = { .size = sizeof stats };
	struct wb_capture *capture = NULL;
	struct wb_sink *sink = NULL;
	enum wb_err err = run->file ? wb_session_add_file(session, test_data(run->file)) : WB_OK;
	if (err == WB_OK)
		err = wb_capture_open(session, test_data(run->capture), NULL, &capture);
	if (err == WB_OK)
		err = wb_sink_new(run->format, &sink_opts, collect, output, &sink);
	if (err == WB_OK)
		err = wb_run(session, capture, sink, &opts, &stats);
	if (err == WB_OK)
		err = wb_sink_finish(sink);
	wb_sink_free(sink);
	wb_capture_free(capture);
	return err;
}

static const struct object *object;

static enum wb_err tell_of_object(struct wb_session *session, struct output *output)
{
	struct wb_image *image;
	enum wb_err err = wb_image_open(session, object_path(object), &image);

	if (err)
		return err;
	err = tell_of_image(session, image, output);
	wb_image_unref(image);
	return err;
}

static void fail_every_allocation(scenario_fn scenario)
{
	static struct output expect, actual;
	struct wb_session *session;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	wb_mem_fail_at(0, false);
	expect.size = 0;
	enum wb_err err = scenario(session, &expect);
	uint64_t total = wb_mem_count();
	wb_session_free(session);
	CHECK_EQ_I64(err, WB_OK);
	REQUIRE(err == WB_OK);
	printf("%" PRIu64 " allocations\n", total);

	for (uint64_t nth = 1; nth <= total; nth++) {
		for (int sticky = 0; sticky <= 1; sticky++) {
			char row[64];
			snprintf(row, sizeof row, "%s allocation %" PRIu64 "%s", object ? object->name : run ? run->name : "", nth, sticky ? " and all after it" : "");
			test_row(row);
			REQUIRE(wb_session_new(NULL, &session) == WB_OK);
			actual.size = 0;
			wb_mem_fail_at(nth, sticky != 0);
			err = scenario(session, &actual);
			wb_mem_fail_at(0, false);
			CHECK(err == WB_ERR_MEMORY || err == WB_OK);
			/* A run that says OK may have done without a cache, but not without a result. */
			if (err == WB_OK && CHECK_EQ_U64(actual.size, expect.size))
				CHECK_MEM(actual.text, expect.text, expect.size);

			actual.size = 0;
			CHECK_EQ_I64(scenario(session, &actual), WB_OK);
			if (CHECK_EQ_U64(actual.size, expect.size))
				CHECK_MEM(actual.text, expect.text, expect.size);
			wb_session_free(session);
		}
	}
	test_row(NULL);
}

static void opening_an_image(void)
{
	fail_every_allocation(open_image);
}

static void naming_symbols(void)
{
	fail_every_allocation(name_symbols);
}

static void walking_samples(void)
{
	/* The recording is compressed. */
	if (!test_has_feature(wb_features(), "zstd"))
		TEST_SKIP("zstd is not in this build");
	fail_every_allocation(walk_samples);
}

static void running_captures(void)
{
	for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
		if (!i && !test_has_feature(wb_features(), "zstd"))
			continue;
		run = &runs[i];
		printf("%s: ", run->name);
		fail_every_allocation(run_capture);
	}
}

static void telling_of_objects(void)
{
	write_go_object();
	for (size_t i = 0; i < NUM_OBJECTS; i++) {
		object = &objects[i];
		printf("%s: ", object->name);
		fail_every_allocation(tell_of_object);
	}
	object = NULL;
}

static void making_a_session(void)
{
	for (uint64_t nth = 1;; nth++) {
		struct wb_session *session = NULL;
		wb_mem_fail_at(nth, false);
		enum wb_err err = wb_session_new(NULL, &session);
		bool failed = wb_mem_count() >= nth;
		wb_mem_fail_at(0, false);
		CHECK_EQ_I64(err, failed ? WB_ERR_MEMORY : WB_OK);
		wb_session_free(session);
		if (!failed || err == WB_OK)
			break;
	}
}

int main(void)
{
	TEST_RUN(making_a_session);
	TEST_RUN(opening_an_image);
	TEST_RUN(naming_symbols);
	TEST_RUN(walking_samples);
	TEST_RUN(running_captures);
	TEST_RUN(telling_of_objects);
	return test_summary();
}
