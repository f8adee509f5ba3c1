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

/* ---- Variables ---- */

/* What debug information would say of the two frames. GCC's frame base is the CFA (0x9c), which main.last has none of at its end. */
static const struct { const char *name, *function; unsigned frame, kind, depth; uint64_t bytes; uint8_t location[10]; size_t size; bool has_base; } told[] = {
	{ "n", "main.outer", 0, WB_VARIABLE_ARGUMENT, 0, 8, { 0x91, 0x60 }, 2, true },             /* CFA - 32: SP */
	{ "pair", "main.outer", 0, WB_VARIABLE_LOCAL, 0, 16, { 0x77, 0x04 }, 2, false },           /* SP + 4, over three words */
	{ "low", "inlined", 0, WB_VARIABLE_ARGUMENT, 1, 4, { 0x91, 0x60 }, 2, true },
	{ "split", "main.outer", 0, WB_VARIABLE_RESULT, 0, 16, { 0x9c, 0x93, 8, 0x91, 0x68, 0x93, 8 }, 7, true }, /* first half at the CFA, second at CFA - 24 */
	{ "below", "main.outer", 0, WB_VARIABLE_LOCAL, 0, 8, { 0x77, 0x70 }, 2, false },           /* SP - 16: in the red zone */
	{ "unsized", "main.outer", 0, WB_VARIABLE_LOCAL, 0, 0, { 0x91, 0x08 }, 2, true },          /* CFA + 8 */
	{ "heap", "main.outer", 0, WB_VARIABLE_LOCAL, 0, 8, { 0x0a, 0x00, 0x10 }, 3, false },
	{ "broken", "main.outer", 0, WB_VARIABLE_LOCAL, 0, 8, { 0xe9 }, 1, false },
	{ "value", "main.outer", 0, WB_VARIABLE_LOCAL, 0, 8, { 0x35, 0x9f }, 2, false },
	{ NULL, "main.outer", 0, WB_VARIABLE_LOCAL, 0, 8, { 0x91, 0x60 }, 2, true },
	{ "huge", "main.outer", 0, WB_VARIABLE_LOCAL, 0, UINT64_MAX, { 0x91, 0x60 }, 2, true },
	{ "held", "main.last", 1, WB_VARIABLE_ARGUMENT, 0, 8, { 0x56 }, 1, false },               /* in RBP, which main.outer saved */
	{ "held_low", "main.last", 1, WB_VARIABLE_ARGUMENT, 0, 2, { 0x56, 0x93, 2 }, 3, false },
	{ "lost", "main.last", 1, WB_VARIABLE_ARGUMENT, 0, 8, { 0x50 }, 1, false },               /* in RAX */
};

struct teller { unsigned frames; enum wb_err err; };

static enum wb_err tell(void *arg, const struct wb_frame *frame, wb_variable_fn fn, void *fn_arg)
{
	static const uint8_t cfa[] = { 0x9c };
	struct teller *teller = arg;
	enum wb_err err = WB_OK;

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]) && !err; i++) {
		struct wb_variable variable = {
			.size = sizeof(variable), .kind = (enum wb_variable_kind)told[i].kind, .call_depth = told[i].depth, .name = told[i].name,
			.function = told[i].function, .bytes = told[i].bytes, .location = told[i].location, .location_size = told[i].size,
			.frame_base = told[i].has_base ? cfa : NULL, .frame_base_size = told[i].has_base ? sizeof(cfa) : 0,
		};

		if (told[i].frame == teller->frames)
			err = fn(fn_arg, &variable);
	}
	CHECK(frame->pc == (teller->frames ? (uint64_t)GO_LAST_PC : (uint64_t)GO_OUTER_PC));
	teller->frames++;
	return err ? err : teller->err;
}

static void tells_variables(void)
{
	static const struct { const char *name; uint64_t address, bytes, offset, whole; unsigned frame, depth, kind; } expect[] = {
		{ "below", GO_SP - 16, 8, 0, 8, 0, 0, WB_VARIABLE_LOCAL },
		{ "low", GO_SP, 4, 0, 4, 0, 1, WB_VARIABLE_ARGUMENT },
		{ "n", GO_SP, 8, 0, 8, 0, 0, WB_VARIABLE_ARGUMENT },
		{ "pair", GO_SP + 4, 16, 0, 16, 0, 0, WB_VARIABLE_LOCAL },
		{ "split", GO_SP + 8, 8, 8, 16, 0, 0, WB_VARIABLE_RESULT },
		{ "held_low", GO_SP + 16, 2, 0, 2, 1, 0, WB_VARIABLE_ARGUMENT },
		{ "held", GO_SP + 16, 8, 0, 8, 1, 0, WB_VARIABLE_ARGUMENT },
		{ "split", GO_SP + 32, 8, 0, 16, 0, 0, WB_VARIABLE_RESULT },
		{ "unsized", GO_SP + 40, 8, 0, 0, 0, 0, WB_VARIABLE_LOCAL },
	};
	/* From SP - 16 on: which words have one, and what they are besides. */
	static const struct { int kind; bool has; } words[] = {
		{ WB_WORD_UNKNOWN, true }, { WB_WORD_UNKNOWN, false }, { WB_WORD_UNKNOWN, true }, { WB_WORD_UNKNOWN, true }, { WB_WORD_SAVED, true },
		{ WB_WORD_RETURN, false }, { WB_WORD_RETURN, true }, { WB_WORD_CODE, true }, { WB_WORD_CODE, false }, { WB_WORD_STACK, false },
	};
	struct teller teller = { 0, WB_OK };
	struct wb_annotate_opts opts = { .size = sizeof(opts), .variables = tell, .variables_arg = &teller };
	struct wb_annotation *annotation;
	struct go_sample g;

	REQUIRE(go_sample_init(&g, GO_SP + 16, 0x1234));
	REQUIRE(wb_annotate(g.session, g.space, &g.sample, &opts, &annotation) == WB_OK);
	CHECK_EQ_U64(teller.frames, 2);
	REQUIRE(annotation->num_parts == sizeof(expect) / sizeof(expect[0]));
	for (size_t i = 0; i < annotation->num_parts; i++) {
		const struct wb_variable_part *part = &annotation->parts[i];

		test_row(expect[i].name);
		CHECK_STR(part->name, expect[i].name);
		CHECK_STR(part->function, part->frame ? "main.last" : part->call_depth ? "inlined" : "main.outer");
		CHECK_EQ_U64(part->address, expect[i].address);
		CHECK_EQ_U64(part->bytes, expect[i].bytes);
		CHECK_EQ_U64(part->offset, expect[i].offset);
		CHECK_EQ_U64(part->variable_bytes, expect[i].whole);
		CHECK_EQ_U64(part->frame, expect[i].frame);
		CHECK_EQ_U64(part->call_depth, expect[i].depth);
		CHECK_EQ_U64(part->kind, expect[i].kind);
	}
	test_row("words");
	REQUIRE(annotation->num_words >= sizeof(words) / sizeof(words[0]) && annotation->words[0].address == GO_SP - 16);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		CHECK_EQ_I64(annotation->words[i].kind, words[i].kind);
		CHECK(!(annotation->words[i].flags & WB_WORD_VARIABLE) == !words[i].has);
	}
	test_row(NULL);
	wb_annotation_free(annotation);
	go_sample_deinit(&g);
}

/* A frame whose variables are not known is none the less walked; what stops the whole stops the call. */
static void passes_errors_on(void)
{
	static const struct { enum wb_err err, expect; } rows[] = {
		{ WB_NONE, WB_OK }, { WB_ERR_DATA, WB_OK }, { WB_ERR_LIMIT, WB_OK }, { WB_ERR_MEMORY, WB_ERR_MEMORY }, { WB_ERR_CANCELLED, WB_ERR_CANCELLED },
	};
	struct go_sample g;

	REQUIRE(go_sample_init(&g, GO_SP + 16, 0x1234));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct teller teller = { 0, rows[i].err };
		struct wb_annotate_opts opts = { .size = sizeof(opts), .variables = tell, .variables_arg = &teller };
		struct wb_annotation *annotation = NULL;

		CHECK_EQ_I64(wb_annotate(g.session, g.space, &g.sample, &opts, &annotation), rows[i].expect);
		CHECK_EQ_U64(teller.frames, rows[i].expect ? 1 : 2);
		wb_annotation_free(annotation);
	}
	go_sample_deinit(&g);
}

static void survives_failing_allocations(void)
{
	struct wb_annotation *annotation;
	enum wb_err err = WB_ERR_MEMORY;
	struct go_sample g;

	REQUIRE(go_sample_init(&g, GO_SP + 16, 0x1234));
	for (uint64_t nth = 1; err == WB_ERR_MEMORY && nth < 1000; nth++) {
		struct teller teller = { 0, WB_OK };
		struct wb_annotate_opts opts = { .size = sizeof(opts), .variables = tell, .variables_arg = &teller };

		wb_mem_fail_at(nth, false);
		err = wb_annotate(g.session, g.space, &g.sample, &opts, &annotation);
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
	TEST_RUN(tells_variables);
	TEST_RUN(passes_errors_on);
	TEST_RUN(survives_failing_allocations);
	return test_summary();
}
