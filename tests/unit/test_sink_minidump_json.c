/* SPDX-License-Identifier: MIT */
/*
 * -f minidump-json against what rust-minidump writes of the same dumps: both are flattened to lines "threads.0.frames.1.trust=scan", and every line has to be
 * in both, but for those that a table names with its reason. And without the corpus: that what is written of a dump made here is JSON with all keys.
 */
#include "capture_reader.h"
#include "minidump_make.h"

#include <stdio.h>

enum { LINES_MAX = 8192, PATH_SIZE = 256, DEPTH_MAX = 16 };

struct text { char *bytes; size_t size; };

struct flat {
	const char *at, *end;
	char *lines[LINES_MAX];
	size_t count;
	char path[PATH_SIZE];
	bool broken;
};

/* ---- Flattening JSON ---- */

static void skip_space(struct flat *flat)
{
	while (flat->at < flat->end && strchr(" \t\r\n", *flat->at))
		flat->at++;
}

static char next(struct flat *flat)
{
	skip_space(flat);
	return flat->at < flat->end ? *flat->at : '\0';
}

/* A string's contents, escapes as they are; a number; a word. */
static size_t take_scalar(struct flat *flat, const char **ret_start)
{
	bool quoted = next(flat) == '"';
	const char *start = flat->at += quoted, *stop;

	while (flat->at < flat->end && (quoted ? *flat->at != '"' : !strchr(",]} \t\r\n", *flat->at)))
		flat->at += quoted && *flat->at == '\\' ? 2 : 1;
	if (flat->at > flat->end) {
		flat->broken = true;
		flat->at = flat->end;
	}
	stop = flat->at;
	flat->at += quoted && flat->at < flat->end;
	*ret_start = start;
	return (size_t)(stop - start);
}

static void add_line(struct flat *flat, const char *value, size_t size)
{
	char *line = malloc(PATH_SIZE + size + 2);

	if (!line || flat->count == LINES_MAX)
		abort();
	sprintf(line, "%s=%.*s", flat->path, (int)size, value);
	flat->lines[flat->count++] = line;
}

static void flatten(struct flat *flat, unsigned depth);

static void flatten_members(struct flat *flat, unsigned depth, char close)
{
	size_t length = strlen(flat->path);

	flat->at++;
	for (unsigned i = 0; next(flat) && *flat->at != close && !flat->broken; i++) {
		const char *key;
		size_t size;

		if (close == '}') {
			size = take_scalar(flat, &key);
			snprintf(flat->path + length, PATH_SIZE - length, "%s%.*s", length ? "." : "", (int)size, key);
			flat->broken |= next(flat) != ':';
			flat->at++;
		} else {
			snprintf(flat->path + length, PATH_SIZE - length, ".%u", i);
		}
		flatten(flat, depth + 1);
		flat->path[length] = '\0';
		if (next(flat) == ',')
			flat->at++;
		else
			flat->broken |= *flat->at != close;
	}
	flat->broken |= flat->at >= flat->end;
	flat->at += !flat->broken;
}

static void flatten(struct flat *flat, unsigned depth)
{
	const char *value;
	size_t size = 0;

	if (depth == DEPTH_MAX) {
		flat->broken = true;
		return;
	}
	switch (next(flat)) {
	case '{': flatten_members(flat, depth, '}'); break;
	case '[': flatten_members(flat, depth, ']'); break;
	case '\0': flat->broken = true; break;
	default:
		size = take_scalar(flat, &value);
		add_line(flat, value, size);
	}
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct flat *flat_of(const char *text, size_t size)
{
	struct flat *flat = calloc(1, sizeof(*flat));

	if (!flat)
		abort();
	flat->at = text;
	flat->end = text + size;
	flatten(flat, 0);
	qsort(flat->lines, flat->count, sizeof(flat->lines[0]), compare_lines);
	return flat;
}

static void flat_free(struct flat *flat)
{
	for (size_t i = 0; i < flat->count; i++)
		free(flat->lines[i]);
	free(flat);
}

/* ---- Writing ---- */

static enum wb_err keep(void *arg, const void *bytes, size_t count)
{
	struct text *text = arg;
	char *more = realloc(text->bytes, text->size + count + 1);

	if (!more)
		return WB_ERR_MEMORY;
	text->bytes = more;
	memcpy(more + text->size, bytes, count);
	text->size += count;
	more[text->size] = '\0';
	return WB_OK;
}

static struct text write_json(struct wb_session *session, struct wb_capture *capture)
{
	struct wb_sink_opts opts = { .size = sizeof(opts), .session = session };
	struct wb_run_opts run = { .size = sizeof(run), .threads = 4 };
	struct text text = { NULL, 0 };
	struct wb_sink *sink;

	if (wb_sink_new("minidump-json", &opts, keep, &text, &sink) != WB_OK)
		abort();
	CHECK_EQ_I64(wb_run(session, capture, sink, &run, NULL), WB_OK);
	wb_sink_free(sink);
	return text;
}

/* ---- Peers ---- */

struct difference { const char *start, *reason; };

struct peer {
	const char *dump, *snapshot;
	struct difference ours_differ[12]; /* beginnings of lines */
};

static const struct peer peers[] = {
	{ "rust-minidump/testdata/test.dmp", "test_minidump_stackwalk__json-pretty.snap", {
		{ "modules.", "missing_symbols: here symbols are always looked for" } } },
	{ "rust-minidump/testdata/linux-mini.dmp", "test_minidump_stackwalk__linux_json_pretty.snap", {
		{ "modules.", "missing_symbols: here symbols are always looked for" },
		{ "crash_info.instruction", "instructions are not decoded" },
		{ "crash_info.memory_accesses", "instructions are not decoded" },
		{ "crash_info.possible_bit_flips", "instructions are not decoded" },
		{ "soft_errors", "not read" },
		{ "threads.0.frame", "theirs scans past main's frame, to which the frame pointer leads (see test_minidump_corpus.c)" },
		{ "crashing_thread.frame", "the same" },
		{ "lsb_release.", "only the description is read" } } },
};

static bool may_differ(const struct peer *peer, const char *line)
{
	for (size_t i = 0; i < sizeof(peer->ours_differ) / sizeof(peer->ours_differ[0]) && peer->ours_differ[i].start; i++) {
		const char *start = peer->ours_differ[i].start;

		if (!strncmp(line, start, strlen(start)) && (strcmp(start, "modules.") || strstr(line, ".missing_symbols=")))
			return true;
	}
	return false;
}

static void compare(const struct peer *peer, const struct flat *ours, const struct flat *theirs)
{
	size_t a = 0, b = 0, same = 0;

	while (a < ours->count || b < theirs->count) {
		int order = a == ours->count ? 1 : b == theirs->count ? -1 : strcmp(ours->lines[a], theirs->lines[b]);
		const char *line = order <= 0 ? ours->lines[a] : theirs->lines[b];

		same += order == 0;
		if (order && !may_differ(peer, line))
			test_check(false, TEST_WHERE, "%s only: %s", order < 0 ? "ours" : "theirs", line);
		a += order <= 0;
		b += order >= 0;
	}
	CHECK(same > 100);
}

static void compare_with(const struct peer *peer)
{
	struct wb_session *session;
	struct wb_capture *capture;
	struct flat *ours, *theirs;
	char path[512], *snapshot;
	const char *start;
	struct text text;
	size_t size = 0;

	snprintf(path, sizeof(path), "minidumps/%s", peer->dump);
	REQUIRE(wb_session_new(NULL, &session) == WB_OK && wb_capture_open(session, test_corpus(path), NULL, &capture) == WB_OK);
	text = write_json(session, capture);
	wb_capture_free(capture);
	wb_session_free(session);
	snprintf(path, sizeof(path), "minidumps/rust-minidump/snapshots/%s", peer->snapshot);
	snapshot = test_read_file(test_corpus(path), &size);
	start = snapshot ? strstr(snapshot, "\n{") : NULL;
	REQUIRE(start);
	ours = flat_of(text.bytes, text.size);
	theirs = flat_of(start, size - (size_t)(start - snapshot));
	CHECK(!ours->broken && !theirs->broken);
	compare(peer, ours, theirs);
	flat_free(ours);
	flat_free(theirs);
	free(snapshot);
	free(text.bytes);
}

static void agrees_with_rust_minidump(void)
{
	if (!test_corpus("minidumps"))
		TEST_SKIP("the corpus");
	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		test_row(peers[i].dump);
		compare_with(&peers[i]);
	}
	test_row(NULL);
}

/* ---- Of our own ---- */

static struct minidump_make made;
static struct reader reader;

static bool has_line(const struct flat *flat, const char *line)
{
	return bsearch(&line, flat->lines, flat->count, sizeof(flat->lines[0]), compare_lines);
}

static void writes_one_object(void)
{
	static const char *const expect[] = {
		"status=OK", "crash_info.type=SIGSEGV / SEGV_MAPERR", "crash_info.address=0x0000000000000045", "crash_info.crashing_thread=0",
		"crashing_thread.threads_index=0", "crashing_thread.frames.0.registers.rip=0x0000000000400100", "thread_count=2",
		"threads.0.thread_id=12", "threads.0.thread_name=null", "threads.0.frames.0.trust=context", "threads.0.frames.1.trust=frame_pointer",
		"threads.0.frames.1.offset=0x0000000000400122", "threads.0.frames.1.module=program", "threads.0.frames.1.module_offset=0x0000000000000122",
		"threads.1.thread_id=11", "threads.1.thread_name=waiter", "modules.0.code_id=a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3",
		"modules.0.debug_id=A3A2A1A0A5A4A7A6A8A9AAABACADAEAF0", "modules.0.version=2.3.4.5", "system_info.cpu_arch=amd64",
		"linux_memory_map_count=4", "pid=null",
	};
	struct text text;
	struct flat *flat;

	make_linux_dump(&made, false);
	reader_open(&reader, made.bytes, made.size, 0, NULL);
	REQUIRE(reader.opened == WB_OK);
	text = write_json(reader.session, reader.capture);
	flat = flat_of(text.bytes, text.size);
	CHECK(!flat->broken && text.bytes[text.size - 1] == '\n');
	for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++) {
		test_row(expect[i]);
		CHECK(has_line(flat, expect[i]));
	}
	test_row(NULL);
	flat_free(flat);
	free(text.bytes);
	reader_close(&reader);
}

int main(int argc, char **argv)
{
	(void)argv;
	TEST_RUN(writes_one_object);
	if (argc > 1)
		TEST_RUN(agrees_with_rust_minidump);
	return test_summary();
}
