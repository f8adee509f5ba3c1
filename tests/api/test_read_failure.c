/* SPDX-License-Identifier: MIT */
/*
 * The Nth read of an object fails, is short, or gives other bytes than before, for every N of a run that walks and names: nothing crashes (the
 * sanitizer build looks), the run ends well or says why, and what could not be read is missing from the result, not wrong in it. A read that failed is a
 * verdict on its file; the process's other files are as before.
 */
#include "test.h"

#include <walkback/walkback.h>

enum { SAMPLES = 4, FRAMES = 64, TEXT_MAX = 1 << 16 };

enum fault { FAULT_NONE, FAULT_ERROR, FAULT_SHORT, FAULT_EMPTY, FAULT_CHANGED };

struct object {
	uint8_t *bytes;
	size_t size;
	uint64_t reads, nth;          /* so far; the one that goes wrong */
	bool sticky;                  /* and all after it */
	enum fault fault;
};

/* What became of a frame: its outermost function (inlined calls are lost with the debug information), and its line. */
struct named { uint64_t pc; char function[200]; uint32_t line; };
struct result {
	enum wb_err err;
	size_t count;
	struct named frames[SAMPLES * FRAMES];
	enum wb_stop_reason stops[SAMPLES];
};

static enum wb_err read_object(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	struct object *object = arg;
	uint64_t nth = ++object->reads;
	size_t left = offset < object->size ? object->size - (size_t)offset : 0, got = count < left ? count : left;
	bool is_faulty = object->fault != FAULT_NONE && (nth == object->nth || (object->sticky && nth > object->nth));

	if (is_faulty && object->fault == FAULT_ERROR)
		return WB_ERR_IO;
	if (is_faulty && object->fault != FAULT_CHANGED)
		got = object->fault == FAULT_SHORT ? got / 2 : 0;
	memcpy(buffer, object->bytes + offset, got);
	for (size_t i = 0; is_faulty && object->fault == FAULT_CHANGED && i < got; i += 61)
		((uint8_t *)buffer)[i] ^= 0x5a;
	*ret_got = got;
	return WB_OK;
}

/* The executable of the demonstration, wherever it is recorded. */
static enum wb_err find_object(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	static struct wb_source source;
	const char *slash = strrchr(query->path, '/');

	if (nth || query->role != WB_FILE_EXECUTABLE || strcmp(slash ? slash + 1 : query->path, "words") != 0)
		return WB_NONE;
	source = (struct wb_source){ .size = sizeof(source), .length = ((struct object *)arg)->size, .arg = arg, .read = read_object };
	snprintf(ret_candidate->path, sizeof(ret_candidate->path), "words");
	ret_candidate->source = &source;
	return WB_OK;
}

static enum wb_err name_frames(struct wb_symbolizer *symbolizer, const struct wb_frame *frames, size_t count, struct result *ret)
{
	for (size_t i = 0; i < count; i++) {
		struct named *named = &ret->frames[ret->count++];
		const struct wb_site *sites;
		size_t num_sites;
		enum wb_err err = wb_symbolize_frame(symbolizer, &frames[i], &sites, &num_sites);

		if (err)
			return err;
		named->pc = frames[i].pc;
		snprintf(named->function, sizeof(named->function), "%s", sites[num_sites - 1].function ? sites[num_sites - 1].function : "");
		named->line = sites[0].line;
	}
	return WB_OK;
}

static enum wb_err walk_and_name(struct wb_session *session, struct result *ret)
{
	struct wb_symbolizer *symbolizer = NULL;
	struct wb_capture *capture = NULL;
	struct wb_walker *walker = NULL;
	enum wb_err err = wb_capture_open(session, test_data("golden/demo/perf.data"), NULL, &capture);

	if (!err)
		err = wb_walker_new(session, NULL, &walker);
	if (!err)
		err = wb_symbolizer_new(session, NULL, &symbolizer);
	for (size_t i = 0; !err && i < SAMPLES; i++) {
		const struct wb_sample *sample;
		struct wb_frame frames[FRAMES];
		struct wb_space *space;
		struct wb_stop stop;
		size_t count = 0;

		err = wb_capture_next(capture, &space, &sample);
		if (!err)
			err = wb_walk(walker, space, sample, frames, sizeof(frames[0]), FRAMES, &count, &stop);
		if (!err) {
			ret->stops[i] = stop.reason;
			err = name_frames(symbolizer, frames, count, ret);
		}
	}
	wb_symbolizer_free(symbolizer);
	wb_walker_free(walker);
	wb_capture_free(capture);
	return err;
}

static void run(struct object *object, struct result *ret)
{
	struct wb_session *session;

	*ret = (struct result){ 0 };
	object->reads = 0;
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_session_add_finder(session, find_object, object, NULL) == WB_OK);
	REQUIRE(wb_session_add_sysroot(session, test_data("golden/demo")) == WB_OK);
	ret->err = walk_and_name(session, ret);
	wb_session_free(session);
}

/* A name that is there is the right one for its pc, or the part of it that could be read: without .debug_str a function has its name, but not the
 * mangled one, which says where it is declared. */
static bool is_known(const struct result *expect, const struct named *named)
{
	for (size_t i = 0; i < expect->count; i++) {
		const struct named *other = &expect->frames[i];

		if (other->pc == named->pc && strstr(other->function, named->function) && (!named->line || named->line == other->line))
			return true;
	}
	return false;
}

static void check_faults(enum fault fault, bool sticky)
{
	static struct result expect, actual;
	struct object object = { .bytes = (uint8_t *)test_read_file(test_data("golden/demo/words"), &object.size) };
	uint64_t total;

	REQUIRE(object.bytes);
	run(&object, &expect);
	CHECK_EQ_I64(expect.err, WB_OK);
	CHECK(expect.count > SAMPLES);
	total = object.reads;
	CHECK(total > 0);
	object.fault = fault;
	object.sticky = sticky;
	for (object.nth = 1; object.nth <= total; object.nth++) {
		char row[64];

		snprintf(row, sizeof(row), "read %" PRIu64 " of %" PRIu64 "%s", object.nth, total, sticky ? " and all after it" : "");
		test_row(row);
		run(&object, &actual);
		CHECK_EQ_I64(actual.err, WB_OK);
		CHECK(actual.count >= SAMPLES);
		for (size_t i = 0; fault != FAULT_CHANGED && i < actual.count; i++)
			if (!is_known(&expect, &actual.frames[i]))
				test_check(false, TEST_WHERE, "%" PRIx64 ": %s:%u is new", actual.frames[i].pc, actual.frames[i].function, actual.frames[i].line);
	}
	test_row(NULL);
	free(object.bytes);
}

static void reads_that_fail(void) { check_faults(FAULT_ERROR, false); check_faults(FAULT_ERROR, true); }
static void reads_that_are_short(void) { check_faults(FAULT_SHORT, false); check_faults(FAULT_SHORT, true); }
static void reads_that_give_nothing(void) { check_faults(FAULT_EMPTY, false); check_faults(FAULT_EMPTY, true); }
/* What changed may be wrong in any way, but not crash. */
static void files_that_change(void) { check_faults(FAULT_CHANGED, false); check_faults(FAULT_CHANGED, true); }

int main(void)
{
	/* The recording is compressed. */
	if (!test_has_feature(wb_features(), "zstd"))
		return TEST_EXIT_SKIP;
	TEST_RUN(reads_that_fail);
	TEST_RUN(reads_that_are_short);
	TEST_RUN(reads_that_give_nothing);
	TEST_RUN(files_that_change);
	return test_summary();
}
