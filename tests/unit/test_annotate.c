/* SPDX-License-Identifier: MIT */
/* Each word of the small stack of go_sample.h; what they are is said there. */
#include "test.h"

#include "base/mem.h"
#include "go_sample.h"

static void tells_every_word(void)
{
	enum { NO = -1 };
	static const struct { const char *name; int kind, flags, frame, cfa_frame; } expect[] = {
		{ "SP", WB_WORD_UNKNOWN, WB_WORD_AT_SP, 0, NO },
		{ "a word of outer", WB_WORD_UNKNOWN, 0, 0, NO },
		{ "saved FP", WB_WORD_SAVED, WB_WORD_AT_FP | WB_WORD_IS_FP | WB_WORD_SUSPICIOUS, 0, NO },
		{ "return address", WB_WORD_RETURN, 0, 0, NO },
		/* main.last's return address is 0: no step was made by it. */
		{ "CFA of outer", WB_WORD_RETURN, WB_WORD_AT_CFA, 1, 0 },
		{ "code", WB_WORD_CODE, WB_WORD_AT_CFA, NO, 1 },
		{ "left over", WB_WORD_CODE, WB_WORD_AFTER_CALL, NO, NO },
		{ "stack", WB_WORD_STACK, 0, NO, NO },
		{ "not captured", WB_WORD_UNKNOWN, WB_WORD_ABSENT, NO, NO },
	};
	struct wb_annotation *annotation;
	struct go_sample g;

	REQUIRE(go_sample_init(&g, GO_SP + 16, 0x30bc5b29));
	REQUIRE(wb_annotate(g.session, g.space, &g.sample, NULL, &annotation) == WB_OK);
	CHECK_EQ_U64(annotation->num_frames, 2);
	CHECK_EQ_U64(annotation->stop.reason, WB_STOP_ROOT);
	CHECK_EQ_U64(annotation->word_size, 8);
	REQUIRE(annotation->num_words == sizeof(expect) / sizeof(expect[0]));
	for (size_t i = 0; i < annotation->num_words; i++) {
		const struct wb_word *word = &annotation->words[i];

		test_row(expect[i].name);
		CHECK_EQ_U64(word->address, GO_SP + 8 * i);
		CHECK_EQ_I64(word->kind, expect[i].kind);
		CHECK_EQ_U64(word->flags, (unsigned)expect[i].flags);
		CHECK_EQ_I64((int32_t)word->frame, expect[i].frame);
		if (expect[i].cfa_frame != NO)
			CHECK_EQ_I64(word->cfa_frame, expect[i].cfa_frame);
		if (word->kind == WB_WORD_SAVED)
			CHECK_EQ_U64(word->reg, GO_RBP);
	}
	test_row(NULL);
	wb_annotation_free(annotation);
	go_sample_deinit(&g);
}

static void keeps_limits(void)
{
	struct wb_annotate_opts opts = { .size = sizeof(opts), .max_frames = 1, .max_words = 3 };
	struct wb_annotation *annotation;
	struct go_sample g;

	REQUIRE(go_sample_init(&g, GO_SP + 16, 0));
	REQUIRE(wb_annotate(g.session, g.space, &g.sample, &opts, &annotation) == WB_OK);
	CHECK_EQ_U64(annotation->num_frames, 1);
	CHECK_EQ_U64(annotation->num_words, 3);
	CHECK_EQ_U64(annotation->stop.reason, WB_STOP_LIMIT);
	/* A saved FP of 0 ends the chain, and is not suspicious. */
	CHECK_EQ_U64(annotation->words[2].flags, WB_WORD_AT_FP | WB_WORD_IS_FP);
	wb_annotation_free(annotation);
	wb_annotation_free(NULL);
	g.sample.num_contexts = 0;
	CHECK_EQ_I64(wb_annotate(g.session, g.space, &g.sample, NULL, &annotation), WB_NONE);
	CHECK_EQ_I64(wb_annotate(NULL, g.space, &g.sample, NULL, &annotation), WB_ERR_ARGUMENT);
	go_sample_deinit(&g);
}

static void survives_failing_allocations(void)
{
	struct wb_annotation *annotation;
	enum wb_err err = WB_ERR_MEMORY;
	struct go_sample g;

	REQUIRE(go_sample_init(&g, GO_SP + 16, 0));
	for (uint64_t nth = 1; err == WB_ERR_MEMORY && nth < 1000; nth++) {
		wb_mem_fail_at(nth, false);
		err = wb_annotate(g.session, g.space, &g.sample, NULL, &annotation);
		wb_mem_fail_at(0, false);
	}
	REQUIRE(err == WB_OK);
	wb_annotation_free(annotation);
	go_sample_deinit(&g);
}

int main(void)
{
	TEST_RUN(tells_every_word);
	TEST_RUN(keeps_limits);
	TEST_RUN(survives_failing_allocations);
	return test_summary();
}
