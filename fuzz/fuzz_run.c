/* SPDX-License-Identifier: MIT */
/*
 * End to end: a capture through walking, naming and a sink, with an object that is every module's file and no file of this machine. The input is the
 * object's size (two bytes, little-endian), two bytes of choices (see below), the object, the capture. Whatever the bytes are, what comes out is the same
 * on one thread and on two; JSON is JSON, other output has no character that a terminal acts on, counts agree, and memory stays in its limit.
 */
#include <walkback/walkback.h>

#include "fuzz.h"
#include "json_check.h"

#include <string.h>

enum {
	MEMORY_MAX = 16 << 20,        /* for reading the capture */
	CACHE_MAX = 1 << 20,          /* less than some inputs fill */
	/* A walk of a sample has at most this many frames, and a frame some hundred inlined calls: nothing in the input may grow out of proportion. */
	FRAMES_MAX = 64, OUTPUT_MAX = 64 << 20,
	/* The first byte of choices: the format in bits 0 and 1, the detail in bits 4 and 5. */
	CHOICE_META = 4, CHOICE_SCAN = 8, CHOICE_RAW = 64, CHOICE_REFERENCE = 128,
	/* The second one. */
	CHOICE_SMALL_CACHE = 1, CHOICE_DEBUG = 2, CHOICE_SYMTAB = 4, CHOICE_KEEP_GOING = 8, CHOICE_PART = 16, CHOICE_UNTRUSTED = 32,
};

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

struct choices { uint8_t first, second; };

struct finding { struct object object; struct choices choices; };

static enum wb_err find_object(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	struct finding *finding = arg;
	struct object *object = &finding->object;

	if (nth || (query->role != WB_FILE_EXECUTABLE && !(finding->choices.second & CHOICE_DEBUG)))
		return WB_NONE;
	object->source = (struct wb_source){ .size = sizeof(object->source), .length = object->size, .arg = object, .read = read_object };
	strcpy(ret_candidate->path, "object");
	ret_candidate->source = &object->source;
	ret_candidate->forced = !(finding->choices.second & CHOICE_UNTRUSTED);
	ret_candidate->on_host = 0;
	return WB_OK;
}

static const char *format_of(struct choices choices)
{
	static const char *const formats[] = { "json", "folded", "text", "json" };

	return formats[choices.first & 3];
}

static enum wb_err run_session(struct wb_session *session, struct choices choices, const uint8_t *bytes, size_t size, uint32_t threads,
                               struct text *text, struct wb_run_stats *stats)
{
	static const enum wb_how how[] = { WB_HOW_CFI, WB_HOW_CODE, WB_HOW_LEAF, WB_HOW_FRAME_POINTER, WB_HOW_SCAN };
	struct wb_capture_opts capture_opts = { .size = sizeof(capture_opts), .max_memory = MEMORY_MAX };
	struct wb_walker_opts walker = { .size = sizeof(walker), .max_frames = FRAMES_MAX, .row_cache_entries = 64, .max_scan_words = 64 };
	struct wb_symbolizer_opts symbolizer = { .size = sizeof(symbolizer), .detail = (uint8_t)((choices.first >> 4 & 3) % 3),
	                                         .raw_names = !!(choices.first & CHOICE_RAW), .symtab_only = !!(choices.second & CHOICE_SYMTAB) };
	struct wb_run_opts opts = { .size = sizeof(opts), .walker = &walker, .symbolizer = &symbolizer, .threads = threads,
	                            .keep_going = !!(choices.second & CHOICE_KEEP_GOING), .skip = choices.second & CHOICE_PART ? 1 : 0,
	                            .count = choices.second & CHOICE_PART ? 2 : 0 };
	struct wb_sink_opts sink_opts = { .size = sizeof(sink_opts), .meta = !!(choices.first & CHOICE_META), .session = session };
	struct wb_capture *capture = NULL;
	struct wb_sink *sink = NULL;
	enum wb_err err = wb_capture_open_bytes(session, "fuzz", bytes, size, &capture_opts, &capture);

	if (choices.first & CHOICE_SCAN) {
		walker.strategies = how;
		walker.num_strategies = sizeof(how) / sizeof(how[0]);
	}
	if (!err)
		err = wb_sink_new(format_of(choices), &sink_opts, keep, text, &sink);
	if (!err)
		err = wb_run(session, capture, sink, &opts, stats);
	wb_sink_free(sink);
	wb_capture_free(capture);
	return err;
}

static enum wb_err run(const struct object *object, struct choices choices, const uint8_t *bytes, size_t size, uint32_t threads, struct text *text,
                       struct wb_run_stats *stats)
{
	struct wb_session_opts opts = { .size = sizeof(opts), .dwarf = choices.first & CHOICE_REFERENCE ? WB_DWARF_BOTH : WB_DWARF_FAST,
	                                .cache_bytes = choices.second & CHOICE_SMALL_CACHE ? 1 : CACHE_MAX };
	struct finding finding = { *object, choices };
	struct wb_session *session = NULL;
	enum wb_err err;

	FUZZ_ASSERT(wb_session_new(&opts, &session) == WB_OK);
	FUZZ_ASSERT(wb_session_add_finder(session, find_object, &finding, NULL) == WB_OK);
	err = run_session(session, choices, bytes, size, threads, text, stats);
	wb_session_free(session);
	return err;
}

static void check_text(struct choices choices, enum wb_err err, const struct text *text)
{
	size_t lines;

	FUZZ_ASSERT(text->size <= OUTPUT_MAX);
	if (!strcmp(format_of(choices), "json")) {
		FUZZ_ASSERT(err || json_is_lines(text->bytes, text->size, &lines));
		return;
	}
	for (size_t i = 0; i < text->size; i++)
		FUZZ_ASSERT(((uint8_t)text->bytes[i] >= 0x20 && text->bytes[i] != 0x7f) || text->bytes[i] == '\n' || text->bytes[i] == '\t');
	FUZZ_ASSERT(err || !text->size || text->bytes[text->size - 1] == '\n');
}

static void check_stats(struct choices choices, const struct wb_run_stats *stats)
{
	uint64_t stops = 0, hows = 0;

	for (size_t i = 0; i < 16; i++) {
		stops += stats->stops[i];
		hows += stats->hows[i];
	}
	FUZZ_ASSERT(stops == stats->stacks && hows == stats->frames && stats->complete == stats->stops[WB_STOP_ROOT]);
	FUZZ_ASSERT(stats->unwound <= stats->stacks && stats->frames <= stats->stacks * FRAMES_MAX);
	FUZZ_ASSERT(!(choices.second & CHOICE_PART) || stats->stacks <= 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct text one = { NULL, 0 }, two = { NULL, 0 };
	struct wb_run_stats stats = { .size = sizeof(stats) }, again = { .size = sizeof(again) };
	struct choices choices;
	const uint8_t *capture;
	struct object object;
	size_t capture_size;
	enum wb_err err;

	if (size < 4)
		return 0;
	choices = (struct choices){ bytes[2], bytes[3] };
	object.size = (size_t)bytes[0] | (size_t)bytes[1] << 8;
	object.bytes = bytes + 4;
	if (object.size > size - 4)
		object.size = size - 4;
	capture = object.bytes + object.size;
	capture_size = size - 4 - object.size;
	err = run(&object, choices, capture, capture_size, 1, &one, &stats);
	check_stats(choices, &stats);
	check_text(choices, err, &one);
	FUZZ_ASSERT(run(&object, choices, capture, capture_size, 2, &two, &again) == err);
	FUZZ_ASSERT(!memcmp(&stats, &again, sizeof(stats)));
	FUZZ_ASSERT(one.size == two.size && (!one.size || !memcmp(one.bytes, two.bytes, one.size)));
	free(one.bytes);
	free(two.bytes);
	return 0;
}
