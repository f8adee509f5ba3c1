/* SPDX-License-Identifier: MIT */
/* wb_run through public calls alone, on the recording that the repository ships: one thread and many, limits, failures half way. */
#include <walkback/walkback.h>

#include "test.h"

struct text {
	char *bytes;
	size_t size, limit;           /* limit: a write past it fails; 0: none */
};

static enum wb_err keep(void *arg, const void *bytes, size_t count)
{
	struct text *text = arg;
	char *more;

	if (text->limit && text->size + count > text->limit)
		return WB_ERR_IO;
	more = realloc(text->bytes, text->size + count + 1);
	if (!more)
		return WB_ERR_MEMORY;
	text->bytes = more;
	memcpy(more + text->size, bytes, count);
	text->size += count;
	more[text->size] = 0;
	return WB_OK;
}

struct setup {
	const char *format;
	uint32_t threads;
	uint64_t skip, count;
	size_t write_limit;           /* of the sink's output */
	size_t capture_size;          /* bytes of the capture that there are; 0: all */
	uint8_t keep_going, no_symbols, meta;
	wb_check_fn check;
};

static enum wb_err run(const struct setup *setup, struct text *text, struct wb_run_stats *stats)
{
	struct wb_session_opts session_opts = { .size = sizeof(session_opts), .check = setup->check };
	struct wb_sink_opts sink_opts = { .size = sizeof(sink_opts), .meta = setup->meta };
	struct wb_symbolizer_opts symbolizer = { .size = sizeof(symbolizer), .detail = WB_DETAIL_INLINES };
	struct wb_run_opts opts = { .size = sizeof(opts), .symbolizer = &symbolizer, .threads = setup->threads, .skip = setup->skip,
	                            .count = setup->count, .keep_going = setup->keep_going, .no_symbols = setup->no_symbols };
	struct wb_session *session = NULL;
	struct wb_capture *capture = NULL;
	struct wb_sink *sink = NULL;
	enum wb_err err;
	size_t size = 0;
	char *bytes = test_read_file(test_data("golden/demo/perf.data"), &size);

	*text = (struct text){ .limit = setup->write_limit };
	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	err = wb_session_new(&session_opts, &session);
	if (!err)
		err = wb_session_add_file(session, test_data("golden/demo/words"));
	if (!err)
		err = wb_capture_open_bytes(session, "demo", bytes, setup->capture_size ? setup->capture_size : size, NULL, &capture);
	sink_opts.session = session;
	if (!err)
		err = wb_sink_new(setup->format, &sink_opts, keep, text, &sink);
	if (!err)
		err = wb_run(session, capture, sink, &opts, stats);
	wb_sink_free(sink);
	wb_capture_free(capture);
	wb_session_free(session);
	free(bytes);
	return err;
}

static size_t count_lines(const struct text *text)
{
	size_t lines = 0;

	for (size_t i = 0; i < text->size; i++)
		lines += text->bytes[i] == '\n';
	return lines;
}

/* The samples of the recording. */
static uint64_t all_stacks(void)
{
	struct setup setup = { .format = "json", .threads = 1 };
	struct wb_run_stats stats;
	struct text text;

	CHECK(run(&setup, &text, &stats) == WB_OK);
	CHECK_EQ_U64(count_lines(&text), stats.stacks);
	free(text.bytes);
	return stats.stacks;
}

static void gives_the_same_for_every_number_of_threads(void)
{
	static const char *const formats[] = { "text", "folded", "json" };

	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
		struct setup setup = { .format = formats[f], .threads = 1, .meta = 1 };
		struct wb_run_stats one, many;
		struct text expect, actual;

		test_row(formats[f]);
		REQUIRE(run(&setup, &expect, &one) == WB_OK);
		CHECK(expect.size > 1000);
		CHECK(strstr(expect.bytes, "demo_sort") != NULL);
		for (setup.threads = 0; setup.threads <= 9; setup.threads += 3) {
			REQUIRE(run(&setup, &actual, &many) == WB_OK);
			CHECK_MEM(&many, &one, sizeof(one));
			CHECK(actual.size == expect.size && !memcmp(actual.bytes, expect.bytes, expect.size));
			free(actual.bytes);
		}
		free(expect.bytes);
	}
}

static void adds_up(void)
{
	struct setup setup = { .format = "folded", .threads = 2 };
	struct wb_run_stats stats;
	uint64_t stacks = 0, frames = 0;
	struct text text;

	REQUIRE(run(&setup, &text, &stats) == WB_OK);
	for (size_t i = 0; i < 16; i++) {
		stacks += stats.stops[i];
		frames += stats.hows[i];
	}
	CHECK(stats.stacks > 100);
	CHECK_EQ_U64(stacks, stats.stacks);
	CHECK_EQ_U64(frames, stats.frames);
	CHECK_EQ_U64(stats.complete, stats.stops[WB_STOP_ROOT]);
	/* The program has no libc and ends at a return address that is undefined: a stack may only be cut by the capture. */
	CHECK_EQ_U64(stats.complete + stats.stops[WB_STOP_MEMORY], stats.stacks);
	free(text.bytes);
}

static void takes_a_part(void)
{
	uint64_t all = all_stacks();
	static const struct { const char *name; uint64_t skip, count; } parts[] = {
		{ "first", 0, 1 }, { "middle", 33, 40 }, { "one batch", 32, 32 }, { "all but five", 5, 0 }, { "past the end", 100000, 7 },
		{ "over the end", 90, 100000 },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		uint64_t left = parts[i].skip < all ? all - parts[i].skip : 0;
		uint64_t expect = parts[i].count && parts[i].count < left ? parts[i].count : left;
		struct setup setup = { .format = "json", .skip = parts[i].skip, .count = parts[i].count };
		struct wb_run_stats stats[2];
		struct text text[2];

		test_row(parts[i].name);
		for (unsigned t = 0; t < 2; t++) {
			setup.threads = t + 1;
			CHECK(run(&setup, &text[t], &stats[t]) == WB_OK);
			CHECK_EQ_U64(stats[t].stacks, expect);
			CHECK_EQ_U64(count_lines(&text[t]), expect);
		}
		CHECK(text[0].size == text[1].size && (!text[0].size || !memcmp(text[0].bytes, text[1].bytes, text[0].size)));
		free(text[0].bytes);
		free(text[1].bytes);
	}
}

static void ends_when_a_write_fails(void)
{
	for (uint32_t threads = 1; threads <= 2; threads++) {
		struct setup setup = { .format = "text", .threads = threads, .write_limit = 1 };
		struct wb_run_stats stats;
		struct text text;

		CHECK(run(&setup, &text, &stats) == WB_ERR_IO);
		CHECK_EQ_U64(text.size, 0);
		free(text.bytes);
	}
}

/* A recording that is cut gives what was before the cut, on each number of threads. */
static void gives_what_was_before_the_damage(void)
{
	struct setup whole = { .format = "json", .threads = 1 };
	struct wb_run_stats all;
	struct text full;

	REQUIRE(run(&whole, &full, &all) == WB_OK);
	for (unsigned t = 1; t <= 2; t++) {
		struct setup setup = { .format = "json", .threads = t, .capture_size = 60000 };
		struct wb_run_stats stats, kept;
		struct text text, again;

		CHECK(run(&setup, &text, &stats) == WB_ERR_DATA);
		CHECK(stats.stacks > 0 && stats.stacks < all.stacks);
		CHECK_EQ_U64(count_lines(&text), stats.stacks);
		setup.keep_going = 1;
		CHECK(run(&setup, &again, &kept) == WB_OK);
		CHECK_EQ_U64(kept.stacks, stats.stacks);
		free(text.bytes);
		free(again.bytes);
	}
	free(full.bytes);
}

static int cancel(void *arg, uint64_t done, uint64_t total)
{
	(void)arg, (void)done, (void)total;
	return 1;
}

static void can_be_cancelled(void)
{
	for (uint32_t threads = 1; threads <= 2; threads++) {
		struct setup setup = { .format = "json", .threads = threads, .check = cancel };
		struct wb_run_stats stats;
		struct text text;

		CHECK(run(&setup, &text, &stats) == WB_ERR_CANCELLED);
		free(text.bytes);
	}
}

static void leaves_names_out(void)
{
	struct setup setup = { .format = "folded", .threads = 1, .no_symbols = 1, .count = 1 };
	struct wb_run_stats stats;
	struct text text;

	REQUIRE(run(&setup, &text, &stats) == WB_OK);
	CHECK(text.bytes && strstr(text.bytes, ";words+0x4") != NULL);
	CHECK(text.bytes && !strstr(text.bytes, "demo_"));
	free(text.bytes);
}

static void refuses_wrong_calls(void)
{
	struct wb_session *session = NULL;
	struct { struct wb_run_opts opts; uint64_t tail; } longer = { .opts = { .size = sizeof(longer) }, .tail = 1 };
	struct wb_run_stats stats = { .size = sizeof(stats) };

	CHECK(wb_run(NULL, NULL, NULL, NULL, &stats) == WB_ERR_ARGUMENT);
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	CHECK(wb_run(session, NULL, NULL, &longer.opts, &stats) == WB_ERR_ARGUMENT);
	wb_session_free(session);
}

int main(void)
{
	/* The recording is compressed. */
	if (!test_has_feature(wb_features(), "zstd")) {
		test_skip("zstd is not in this build");
		return TEST_EXIT_SKIP;
	}
	TEST_RUN(gives_the_same_for_every_number_of_threads);
	TEST_RUN(adds_up);
	TEST_RUN(takes_a_part);
	TEST_RUN(ends_when_a_write_fails);
	TEST_RUN(gives_what_was_before_the_damage);
	TEST_RUN(can_be_cancelled);
	TEST_RUN(leaves_names_out);
	TEST_RUN(refuses_wrong_calls);
	return test_summary();
}
