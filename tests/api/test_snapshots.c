/* SPDX-License-Identifier: MIT */
/*
 * The corpus's snapshot folders, which are libunwindstack's: frames, stack pointers, functions and offsets are those of their expected.txt.
 * Its pcs of callers are inside the call, as our lookup pcs.
 */
#include <walkback/walkback.h>

#include "test.h"

static const char *const folders[] = {
	"bad_eh_frame_hdr_arm64", "debug_frame_first_x86", "debug_frame_load_bias_arm", "eh_frame_hdr_begin_x86_64", "empty_arm64",
	"invalid_elf_offset_arm", "pauth_pc_arm64",
};

enum { FRAMES_MAX = 64 };
struct expected {
	uint64_t pc[FRAMES_MAX], sp[FRAMES_MAX];
	char function[FRAMES_MAX][512]; /* "name+offset", "" if unknown */
	size_t count, functions;
};

/* Lines "#00 pc 00000685  waiter (call_level3+53)": what is between the last parentheses; then "0 0x56598685 0xffcf9e38". */
static void read_expected(const char *text, struct expected *expected)
{
	memset(expected, 0, sizeof(*expected));
	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *open, *end;
		unsigned index;
		uint64_t pc, sp;

		line += *line == '\n';
		end = line + strcspn(line, "\n");
		if (sscanf(line, " #%u pc %" SCNx64, &index, &pc) == 2 && index < FRAMES_MAX) {
			open = strchr(line, '(');
			if (open && open < end && end[-1] == ')' && strncmp(open, "(offset", 7))
				snprintf(expected->function[index], sizeof(expected->function[index]), "%.*s", (int)(end - open - 2), open + 1);
			expected->functions = index + 1;
		} else if (sscanf(line, "%u 0x%" SCNx64 " 0x%" SCNx64, &index, &pc, &sp) == 3 && index < FRAMES_MAX) {
			expected->pc[index] = pc;
			expected->sp[index] = sp;
			expected->count = index + 1;
		}
	}
}

/* How far our place in a call, its last byte, is behind libunwindstack's, its first: calls of Thumb and Arm code have at most 4 bytes. The lowest bit says
 * "Thumb" there, and is no part of ours. */
static uint64_t behind_in_call(const struct wb_frame *frame, uint64_t pc)
{
	uint64_t behind = frame->lookup_pc - (pc & ~UINT64_C(1));

	return !(frame->flags & WB_FRAME_EXACT) && behind < 4 ? behind : 0;
}

static void check_function(struct wb_symbolizer *symbolizer, const struct wb_frame *frame, uint64_t behind, const char *expect)
{
	const struct wb_site *sites;
	char actual[1024] = "";
	size_t count;

	REQUIRE(wb_symbolize_frame(symbolizer, frame, &sites, &count) == WB_OK);
	/* libunwindstack names no inlined calls. */
	if (sites[count - 1].function && frame->image_pc == sites[count - 1].function_start)
		snprintf(actual, sizeof(actual), "%s", sites[count - 1].function);
	else if (sites[count - 1].function)
		snprintf(actual, sizeof(actual), "%s+%" PRIu64, sites[count - 1].function, frame->image_pc - behind - sites[count - 1].function_start);
	CHECK_STR(actual, expect);
}

/* What some names need: their symbols are packed with xz, or mangled. */
static bool names_are_known(void)
{
	return test_has_feature(wb_features(), "lzma") && test_has_feature(wb_features(), "libiberty");
}

static bool supported(enum wb_err err)
{
	if (err == WB_ERR_UNSUPPORTED)
		printf("not compared: %s: its architecture is not supported yet\n", test_state.row);
	return err != WB_ERR_UNSUPPORTED;
}

static void check_folder(const char *folder, const struct expected *expected, unsigned *compared)
{
	struct wb_symbolizer *symbolizer = NULL;
	struct wb_session *session = NULL;
	struct wb_capture *capture = NULL;
	struct wb_walker *walker = NULL;
	const struct wb_sample *sample;
	struct wb_frame frames[FRAMES_MAX];
	struct wb_space *space;
	struct wb_stop stop;
	size_t count = 0;
	enum wb_err err;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	err = wb_capture_open(session, folder, NULL, &capture);
	if (supported(err)) {
		CHECK(err == WB_OK);
		CHECK(wb_capture_next(capture, &space, &sample) == WB_OK);
		CHECK(wb_walker_new(session, NULL, &walker) == WB_OK);
		CHECK(wb_symbolizer_new(session, NULL, &symbolizer) == WB_OK);
		CHECK(wb_walk(walker, space, sample, frames, sizeof(frames[0]), FRAMES_MAX, &count, &stop) == WB_OK);
		CHECK_EQ_U64(count, expected->count);
		for (size_t i = 0; i < count && i < expected->count; i++) {
			bool is_arm = strstr(folder, "_arm") && !strstr(folder, "_arm64");
			uint64_t behind = is_arm ? behind_in_call(&frames[i], expected->pc[i]) : 0;

			CHECK_EQ_U64(frames[i].lookup_pc - behind, is_arm ? expected->pc[i] & ~UINT64_C(1) : expected->pc[i]);
			CHECK_EQ_U64(frames[i].sp, expected->sp[i]);
			if (i < expected->functions && names_are_known())
				check_function(symbolizer, &frames[i], behind, expected->function[i]);
		}
		++*compared;
	}
	wb_symbolizer_free(symbolizer);
	wb_walker_free(walker);
	wb_capture_free(capture);
	wb_session_free(session);
}

static void agrees_with_libunwindstack(void)
{
	static struct expected expected;
	unsigned compared = 0;

	if (!test_corpus("snapshots"))
		TEST_SKIP("no corpus");
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char relative[256], folder[TEST_PATH_MAX];
		const char *path;
		char *text;

		test_row(folders[i]);
		snprintf(relative, sizeof(relative), "snapshots/%s/expected.txt", folders[i]);
		path = test_corpus(relative);
		REQUIRE(path != NULL);
		text = test_read_file(path, NULL);
		REQUIRE(text != NULL);
		read_expected(text, &expected);
		CHECK(expected.count > 0);
		free(text);
		snprintf(folder, sizeof(folder), "%.*s", (int)(strlen(path) - strlen("/expected.txt")), path);
		check_folder(folder, &expected, &compared);
	}
	test_row(NULL);
	CHECK(compared >= 2);
}

int main(void)
{
	TEST_RUN(agrees_with_libunwindstack);
	return test_summary();
}
