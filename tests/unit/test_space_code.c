/* SPDX-License-Identifier: MIT */
/* Generated code in spaces: what is said about it is what is known, and no finder is asked for a file of its name. */
#include "test.h"

#include <walkback/walkback.h>

static const struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX };

static enum wb_err count_queries(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	(void)query;
	(void)nth;
	(void)ret_candidate;
	++*(unsigned *)arg;
	return WB_NONE;
}

static void names_code_without_finders(void)
{
	static const uint8_t bytes[16] = { 0xc3 };
	struct wb_code code = { .size = sizeof code, .start = 0x7000, .end = 0x7010, .name = "made", .code = bytes };
	struct wb_symbolizer *symbolizer;
	struct wb_space *empty, *space;
	struct wb_session *session;
	unsigned queries = 0;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_session_add_finder(session, count_queries, &queries, NULL) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
	REQUIRE(wb_space_add_code(empty, &code, &space) == WB_OK);
	REQUIRE(wb_symbolizer_new(session, NULL, &symbolizer) == WB_OK);
	for (uint64_t at = code.start; at < code.end; at++) {
		struct wb_place place = { .size = sizeof place };
		const struct wb_site *sites;
		size_t count;

		REQUIRE(wb_space_find(space, at, &place) == WB_OK);
		REQUIRE(wb_symbolize(symbolizer, place.image, place.image_pc, WB_PC_EXACT, &sites, &count) == WB_OK);
		CHECK_STR(sites[0].function, "made");
	}
	CHECK_EQ_U64(queries, 0);
	wb_symbolizer_free(symbolizer);
	wb_space_unref(space);
	wb_space_unref(empty);
	wb_session_free(session);
}

static void refuses_impossible_code(void)
{
	static const uint8_t eh_frame[8];
	const struct wb_code good = { .size = sizeof good, .start = 0x7000, .end = 0x7010, .eh_frame = eh_frame, .eh_frame_size = 8 };
	struct wb_code empty_range = good, wraps = good, without = good;
	struct wb_space *empty, *space = NULL;
	struct wb_session *session;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
	empty_range.end = empty_range.start;
	wraps.eh_frame_address = UINT64_MAX - 6;
	without.eh_frame = NULL;
	CHECK_EQ_I64(wb_space_add_code(empty, &empty_range, &space), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_space_add_code(empty, &wraps, &space), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_space_add_code(empty, &without, &space), WB_ERR_ARGUMENT);
	CHECK(!space);
	CHECK_EQ_I64(wb_space_add_code(empty, &good, &space), WB_OK);
	wb_space_unref(space);
	wb_space_unref(empty);
	wb_session_free(session);
}

int main(void)
{
	TEST_RUN(names_code_without_finders);
	TEST_RUN(refuses_impossible_code);
	return test_summary();
}
