/* SPDX-License-Identifier: MIT */
/*
 * The goroutines of a core against what the runtime itself printed of them before it died: header, names, files, lines, offsets, fp, sp and pc of each
 * frame, and who created it. Where our stack of a running goroutine goes on above, to its thread's system stack, the runtime's is the rest of it.
 *
 * usage: test_go_traceback PROGRAM CORE TRACEBACK [parked]
 *   each file may be packed: .zst
 *   parked   leave out goroutines that were running
 */
#include "test.h"

#include <walkback/walkback.h>

#include "base/inflate.h"

#include <ctype.h>

static const char system_stack[] = "runtime stack:";

enum { UNPACKED_MAX = 128 << 20, BLOCKS_MAX = 4096, LINES_MAX = 1 << 15, SHOWN = 10 };

/* ---- Input ---- */

static char *unpack(const char *packed, size_t packed_size, size_t *ret_size)
{
	struct wb_inflate_stream *stream;
	char *bytes = malloc(UNPACKED_MAX);
	size_t used = 0, size = 0, took = 1, made = 1;

	if (!bytes || wb_inflate_stream_new(WB_PACKING_ZSTD, &stream) != WB_OK)
		exit(77);
	while (used < packed_size && (took || made) &&
	       wb_inflate_stream_next(stream, packed + used, packed_size - used, &took, (uint8_t *)bytes + size, UNPACKED_MAX - size, &made) == WB_OK) {
		used += took;
		size += made;
	}
	CHECK(used == packed_size);
	wb_inflate_stream_free(stream);
	*ret_size = size;
	return bytes;
}

static char *read_input(const char *path, size_t *ret_size)
{
	char *bytes = test_read_file(path, ret_size), *unpacked;
	size_t length = strlen(path);

	if (!bytes)
		exit(1);
	if (length < 4 || strcmp(path + length - 4, ".zst") != 0)
		return bytes;
	unpacked = unpack(bytes, *ret_size, ret_size);
	free(bytes);
	return unpacked;
}

struct program { const char *bytes; size_t size; };

static enum wb_err read_program(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	const struct program *program = arg;
	size_t left = offset < program->size ? program->size - (size_t)offset : 0;

	*ret_got = count < left ? count : left;
	if (*ret_got)
		memcpy(buffer, program->bytes + offset, *ret_got);
	return WB_OK;
}

/* The program, for the image that is called as it; no other. */
static enum wb_err find_program(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	static struct wb_source source = { .size = sizeof(source), .read = read_program };
	struct program *program = arg;

	if (nth || query->role != WB_FILE_EXECUTABLE || strstr(query->path, ".so"))
		return WB_NONE;
	source.length = program->size;
	source.arg = program;
	ret_candidate->source = &source;
	ret_candidate->forced = 1;
	snprintf(ret_candidate->path, sizeof(ret_candidate->path), "program");
	return WB_OK;
}

/* ---- Our text ---- */

struct text { char *bytes; size_t size; };

static enum wb_err append(void *arg, const void *bytes, size_t count)
{
	struct text *text = arg;
	char *grown = realloc(text->bytes, text->size + count + 1);

	if (!grown)
		return WB_ERR_MEMORY;
	memcpy(grown + text->size, bytes, count);
	text->bytes = grown;
	text->size += count;
	grown[text->size] = '\0';
	return WB_OK;
}

static void run(struct program *program, const char *core, size_t core_size, struct text *ret)
{
	struct wb_session_opts session_opts = { .size = sizeof(session_opts) };
	struct wb_capture_opts capture_opts = { .size = sizeof(capture_opts), .goroutines = 1 };
	struct wb_sink_opts sink_opts = { .size = sizeof(sink_opts) };
	struct wb_symbolizer_opts symbolizer = { .size = sizeof(symbolizer), .detail = WB_DETAIL_INLINES, .go_short_names = 1 };
	struct wb_run_opts opts = { .size = sizeof(opts), .symbolizer = &symbolizer, .threads = 1 };
	struct wb_capture *capture;
	struct wb_session *session;
	struct wb_sink *sink;

	REQUIRE(wb_session_new(&session_opts, &session) == WB_OK);
	REQUIRE(wb_session_add_finder(session, find_program, program, NULL) == WB_OK);
	REQUIRE(wb_session_add_host_paths(session) == WB_OK);
	REQUIRE(wb_capture_open_bytes(session, "core", core, core_size, &capture_opts, &capture) == WB_OK);
	sink_opts.session = session;
	REQUIRE(wb_sink_new("go", &sink_opts, append, ret, &sink) == WB_OK);
	CHECK(wb_run(session, capture, sink, &opts, NULL) == WB_OK);
	wb_sink_free(sink);
	wb_capture_free(capture);
	wb_session_free(session);
}

/* ---- Tracebacks ---- */

struct block {
	uint64_t id;
	char *header;
	char *lines[LINES_MAX];       /* frames, as pairs of lines; then who created it */
	size_t num_lines;
};
struct traceback { struct block *blocks[BLOCKS_MAX]; size_t count; };

/* Arguments are not shown: what is behind the last "(" goes. */
static void drop_arguments(char *line)
{
	char *open = strrchr(line, '(');

	if (open && line[0] != '\t' && strncmp(line, "created by ", 11) != 0 && line[strlen(line) - 1] == ')')
		memcpy(open, "()", 3);
}

/* " in goroutine 1, 2 minutes]" is not known of cores, nor who is running where the header does not say. */
static void drop_minutes(char *header)
{
	char *minutes = strstr(header, " minutes"), *comma = minutes;

	while (comma && comma > header && *comma != ',')
		comma--;
	if (comma && comma > header)
		memmove(comma, minutes + 8, strlen(minutes + 8) + 1);
}

static struct block *begin_block(struct traceback *traceback, char *header)
{
	struct block *block = calloc(1, sizeof(*block));

	if (!block || traceback->count == BLOCKS_MAX)
		exit(1);
	block->id = strcmp(header, system_stack) ? strtoull(header + 10, NULL, 10) : 0;
	block->header = header;
	drop_minutes(header);
	traceback->blocks[traceback->count++] = block;
	return block;
}

static void add_line(struct block *block, char *line)
{
	size_t length = strlen(line);

	while (length && line[length - 1] == ' ')
		line[--length] = '\0';
	drop_arguments(line);
	if (block->num_lines < LINES_MAX)
		block->lines[block->num_lines++] = line;
}

/* Behind stacks come, now and then, the registers, and what other threads say. */
static bool is_of_stack(const char *line)
{
	size_t length = strlen(line);

	return line[0] == '\t' || line[length - 1] == ')' || !strncmp(line, "created by ", 11) || !strncmp(line, "...", 3) ||
	       !strncmp(line, "non-Go function", 15);
}

/* Takes the text apart in place. */
static void parse(char *text, struct traceback *traceback)
{
	struct block *block = NULL;

	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!strcmp(line, system_stack) || (!strncmp(line, "goroutine ", 10) && isdigit((unsigned char)line[10])))
			block = begin_block(traceback, line);
		else if (!*line || !is_of_stack(line))
			block = NULL;
		else if (block)
			add_line(block, line);
	}
}

static void traceback_deinit(struct traceback *traceback)
{
	for (size_t i = 0; i < traceback->count; i++)
		free(traceback->blocks[i]);
}

static const struct block *find(const struct traceback *traceback, uint64_t id)
{
	for (size_t i = 0; i < traceback->count; i++)
		if (traceback->blocks[i]->id == id)
			return traceback->blocks[i];
	return NULL;
}

/* Up to 1.21 headers have no addresses, up to 1.26 no labels. */
static bool same_header(const char *expect, const char *actual)
{
	const char *state = strchr(actual, '['), *gp = strstr(expect, " gp="), *its_state = strchr(expect, '[');
	size_t id = strcspn(expect + 10, " "), end;

	if (!state || !its_state || strncmp(expect, actual, 10 + id + 1) != 0)
		return false;
	if (gp && strncmp(gp, strstr(actual, " gp="), (size_t)(its_state - gp)) != 0)
		return false;
	end = strcspn(its_state, "]") + 1;
	return !strncmp(state, its_state, end) && (strchr(its_state, '{') ? !strcmp(state, its_state) : true);
}

/* The runtime leaves out the middle of what is long: "...N frames elided...", or all behind the first hundred. */
static bool is_gap(const char *line)
{
	return !strncmp(line, "...", 3);
}

struct counts { unsigned goroutines, systems, frames, wrong; };

static void complain(struct counts *counts, const struct block *expect, const char *what, const char *expected, const char *actual)
{
	if (counts->wrong++ < SHOWN)
		fprintf(stderr, "%s %s\n  expected %s\n  got      %s\n", expect->header, what, expected, actual);
}

/* The runtime takes a goroutine that is on a thread to stand where it told of its system call, or where it was to go on from the system stack; where its
 * thread stands is in the same frame. */
static bool is_same_frame(const struct block *expect, const char *line, const char *got)
{
	const char *fp = strstr(line, " fp="), *its = strstr(got, " fp="), *end = strstr(line, " sp=");
	bool is_on_thread = strstr(expect->header, "[syscall") || (strstr(expect->header, " m=") && !strstr(expect->header, " m=nil"));

	return is_on_thread && fp && its && end && !strncmp(fp, its, (size_t)(end - fp) + 1);
}

static void compare_block(const struct block *expect, const struct block *actual, struct counts *counts)
{
	size_t count = expect->num_lines, ours = actual->num_lines;

	counts->goroutines++;
	if (!same_header(expect->header, actual->header))
		complain(counts, expect, "header", expect->header, actual->header);
	/* From the outermost inwards. */
	while (count && !is_gap(expect->lines[count - 1])) {
		const char *got = ours ? actual->lines[ours - 1] : "(nothing)";

		if (strcmp(expect->lines[count - 1], got) != 0) {
			if (count != 2 || !is_same_frame(expect, expect->lines[1], got))
				complain(counts, expect, "frame", expect->lines[count - 1], got);
			return;
		}
		counts->frames += strstr(got, " pc=") != NULL;
		count--;
		ours--;
	}
	/* What is above a gap is where ours begins, behind what is on the system stack. */
	for (ours = 0; count > 2 && ours + count < actual->num_lines && strcmp(expect->lines[1], actual->lines[ours + 1]) != 0;)
		ours++;
	for (size_t i = 0; count > 2 && i < count - 1; i++)
		if (strcmp(expect->lines[i], actual->lines[ours + i]) != 0) {
			complain(counts, expect, "inner frame", expect->lines[i], actual->lines[ours + i]);
			return;
		}
}

/* Threads go on until the process is gone; the one that crashed stands where it printed its system stack, with what it did since above that, and with the
 * stack of its goroutine, if it runs one, below. */
static void compare_system(const struct block *expect, const struct block *actual, struct counts *counts)
{
	size_t at = 0, same = 0;

	for (; at + expect->num_lines <= actual->num_lines && same < expect->num_lines; at++)
		for (same = 0; same < expect->num_lines && !strcmp(expect->lines[same], actual->lines[at + same]);)
			same++;
	if (same < expect->num_lines)
		complain(counts, expect, "system stack", expect->lines[same], "(something else)");
	counts->systems++;
}

static bool is_of_crashed(const struct block *expect, const struct block *crashed)
{
	return !strcmp(expect->header, system_stack) || (!expect->id && !strcmp(expect->header, crashed->header));
}

static bool has_frames(const struct block *block)
{
	return block->num_lines && !strstr(block->lines[0], "stack unavailable");
}

/* The runtime may tell of a goroutine twice: from another thread, and, once its own was asked, with its stack. */
static void compare_all(const struct traceback *expect, const struct traceback *actual, bool parked)
{
	struct counts counts = { 0 };

	for (size_t i = 0; i < expect->count; i++) {
		const struct block *block = expect->blocks[i], *ours = find(actual, block->id);

		if (!has_frames(block) || (parked && (!block->id || strstr(block->header, "[running"))))
			continue;
		if (is_of_crashed(block, actual->blocks[0]))
			compare_system(block, actual->blocks[0], &counts);
		if (!block->id)
			continue;
		if (ours)
			compare_block(block, ours, &counts);
		else
			complain(&counts, block, "is missing", block->header, "(nothing)");
	}
	printf("%u goroutines, %u system stacks, %u frames, %u wrong\n", counts.goroutines, counts.systems, counts.frames, counts.wrong);
	CHECK(counts.goroutines >= 5 && counts.frames >= 20);
	CHECK_EQ_U64(counts.wrong, 0);
}

int main(int argc, char **argv)
{
	static struct traceback expect, actual;
	size_t core_size, size;
	struct program program;
	struct text ours = { 0 };
	char *core, *theirs;

	if (argc < 4)
		return 2;
	program.bytes = read_input(argv[1], &program.size);
	core = read_input(argv[2], &core_size);
	theirs = read_input(argv[3], &size);
	run(&program, core, core_size, &ours);
	if (!CHECK(ours.bytes))
		return test_summary();
	parse(theirs, &expect);
	parse(ours.bytes, &actual);
	if (CHECK(actual.count))
		compare_all(&expect, &actual, argc > 4 && !strcmp(argv[4], "parked"));
	traceback_deinit(&expect);
	traceback_deinit(&actual);
	free(theirs);
	free(ours.bytes);
	free(core);
	free((void *)(uintptr_t)program.bytes);
	return test_summary();
}
