/* SPDX-License-Identifier: MIT */
/*
 * End to end: the bytes of a capture through walking, naming and every sink, without a file of this machine. Whatever the bytes are, the
 * stacks that come out are the same on one thread and on two.
 */
#include <walkback/walkback.h>

#include "fuzz.h"

#include <string.h>

struct text { char *bytes; size_t size; };

static enum wb_err keep(void *arg, const void *bytes, size_t count)
{
	struct text *text = arg;
	char *more = realloc(text->bytes, text->size + count);

	if (!more)
		return WB_ERR_MEMORY;
	text->bytes = more;
	memcpy(more + text->size, bytes, count);
	text->size += count;
	return WB_OK;
}

static enum wb_err run(const uint8_t *bytes, size_t size, const char *format, uint32_t threads, struct text *text, struct wb_run_stats *stats)
{
	struct wb_session_opts session_opts = { .size = sizeof(session_opts), .dwarf = WB_DWARF_FAST };
	struct wb_capture_opts capture_opts = { .size = sizeof(capture_opts), .max_memory = 64 << 20 };
	struct wb_run_opts opts = { .size = sizeof(opts), .threads = threads };
	struct wb_sink_opts sink_opts = { .size = sizeof(sink_opts), .meta = !strcmp(format, "json") };
	struct wb_session *session = NULL;
	struct wb_capture *capture = NULL;
	struct wb_sink *sink = NULL;
	enum wb_err err = wb_session_new(&session_opts, &session);

	if (!err)
		err = wb_capture_open_bytes(session, "fuzz", bytes, size, &capture_opts, &capture);
	sink_opts.session = session;
	if (!err)
		err = wb_sink_new(format, &sink_opts, keep, text, &sink);
	if (!err)
		err = wb_run(session, capture, sink, &opts, stats);
	wb_sink_free(sink);
	wb_capture_free(capture);
	wb_session_free(session);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char *const formats[] = { "json", "folded", "text" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct text one = { NULL, 0 }, two = { NULL, 0 };
		struct wb_run_stats stats = { .size = sizeof(stats) }, again = { .size = sizeof(again) };
		enum wb_err err = run(bytes, size, formats[i], 1, &one, &stats);

		FUZZ_ASSERT(stats.complete <= stats.stacks);
		FUZZ_ASSERT(run(bytes, size, formats[i], 2, &two, &again) == err);
		FUZZ_ASSERT(!memcmp(&stats, &again, sizeof(stats)));
		FUZZ_ASSERT(one.size == two.size && (!one.size || !memcmp(one.bytes, two.bytes, one.size)));
		free(one.bytes);
		free(two.bytes);
	}
	return 0;
}
