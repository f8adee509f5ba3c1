/* SPDX-License-Identifier: MIT */
/*
 * End to end: a capture through walking, naming and every sink, with an object that is every module's file and no file of this machine.
 * The input is the object's size (four bytes, little-endian), the object, the capture. Whatever the bytes are, what comes out is the same
 * on one thread and on two.
 */
#include <walkback/walkback.h>

#include "fuzz.h"

#include <string.h>

struct text { char *bytes; size_t size; };

struct object { const uint8_t *bytes; size_t size; struct wb_source source; };

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

static enum wb_err read_object(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	const struct object *object = arg;
	size_t left = offset < object->size ? object->size - (size_t)offset : 0;

	*ret_got = count < left ? count : left;
	if (*ret_got)
		memcpy(buffer, object->bytes + offset, *ret_got);
	return WB_OK;
}

static enum wb_err find_object(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	struct object *object = arg;

	if (nth || query->role != WB_FILE_EXECUTABLE)
		return WB_NONE;
	object->source = (struct wb_source){ .size = sizeof(object->source), .length = object->size, .arg = object, .read = read_object };
	strcpy(ret_candidate->path, "object");
	ret_candidate->source = &object->source;
	ret_candidate->forced = 1;
	ret_candidate->on_host = 0;
	return WB_OK;
}

static enum wb_err run(const struct object *given, const uint8_t *bytes, size_t size, const char *format, uint32_t threads,
                       struct text *text, struct wb_run_stats *stats)
{
	struct wb_session_opts session_opts = { .size = sizeof(session_opts), .dwarf = WB_DWARF_FAST };
	struct wb_capture_opts capture_opts = { .size = sizeof(capture_opts), .max_memory = 64 << 20 };
	struct wb_run_opts opts = { .size = sizeof(opts), .threads = threads };
	struct wb_sink_opts sink_opts = { .size = sizeof(sink_opts), .meta = !strcmp(format, "json") };
	struct object object = *given;
	struct wb_session *session = NULL;
	struct wb_capture *capture = NULL;
	struct wb_sink *sink = NULL;
	enum wb_err err = wb_session_new(&session_opts, &session);

	if (!err)
		err = wb_session_add_finder(session, find_object, &object, NULL);
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
	struct object object;

	if (size < 4)
		return 0;
	object.size = (size_t)bytes[0] | (size_t)bytes[1] << 8;
	object.bytes = bytes + 4;
	if (object.size > size - 4)
		object.size = size - 4;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct text one = { NULL, 0 }, two = { NULL, 0 };
		struct wb_run_stats stats = { .size = sizeof(stats) }, again = { .size = sizeof(again) };
		const uint8_t *capture = object.bytes + object.size;
		size_t capture_size = size - 4 - object.size;
		enum wb_err err = run(&object, capture, capture_size, formats[i], 1, &one, &stats);

		FUZZ_ASSERT(stats.complete <= stats.stacks);
		FUZZ_ASSERT(run(&object, capture, capture_size, formats[i], 2, &two, &again) == err);
		FUZZ_ASSERT(!memcmp(&stats, &again, sizeof(stats)));
		FUZZ_ASSERT(one.size == two.size && (!one.size || !memcmp(one.bytes, two.bytes, one.size)));
		free(one.bytes);
		free(two.bytes);
	}
	return 0;
}
