/* SPDX-License-Identifier: MIT */
/* Strategies side by side on the stack of go_sample.h, with frame pointers as they should be and as functions that clobber them leave them. */
#include "test.h"

#include "base/mem.h"
#include "go_sample.h"

enum { BAD = 0x30bc5b29 };             /* of Go issue 69629 */

static void finds_where_a_chain_breaks(void)
{
	static const struct { const char *name; uint64_t fp, saved, value, image_pc; } rows[] = {
		{ "whole", GO_SP + 16, 0, 0, 0 },
		/* Clobbered while main.outer runs: its own is restored. */
		{ "in the innermost frame", BAD, 0, BAD, GO_OUTER_PC },
		/* Clobbered before main.last called main.outer, which saved what it found. */
		{ "in the caller", GO_SP + 16, BAD, BAD, GO_LAST_PC - 1 },
		/* What was stored over a saved frame pointer is a return address. */
		{ "code", GO_SP + 16, GO_OUTER_PC, GO_OUTER_PC, GO_LAST_PC - 1 },
		/* The stack goes on behind what was captured of it. */
		{ "into what was cut off", GO_SP + 0x1000, 0, 0, 0 },
		/* Both have it: it came up in the outer one. */
		{ "handed on", BAD, BAD, BAD, GO_LAST_PC - 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wb_comparison_totals totals = { .size = sizeof(totals) };
		struct wb_dissent dissent = { .size = sizeof(dissent) };
		struct wb_comparison *comparison;
		bool found = false;
		struct go_sample g;

		test_row(rows[i].name);
		REQUIRE(go_sample_init(&g, rows[i].fp, rows[i].saved));
		REQUIRE(wb_comparison_new(g.session, &comparison) == WB_OK);
		for (int times = 0; times < 3; times++)
			CHECK_EQ_I64(wb_comparison_add(comparison, g.space, &g.sample), WB_OK);
		for (size_t n = 0; wb_comparison_nth(comparison, n, &dissent) == WB_OK; n++) {
			if (dissent.kind != WB_DISSENT_CHAIN)
				continue;
			found = true;
			CHECK_EQ_U64(dissent.value, rows[i].value);
			CHECK_EQ_U64(dissent.image_pc, rows[i].image_pc);
			CHECK_EQ_U64(dissent.image_id, wb_image_id(g.image));
			CHECK_EQ_U64(dissent.count, 3);
			CHECK_EQ_U64(dissent.sample, 0);
		}
		CHECK_EQ_U64(found, rows[i].value != 0);
		CHECK_EQ_I64(wb_comparison_totals(comparison, &totals), WB_OK);
		CHECK_EQ_U64(totals.samples, 3);
		CHECK_EQ_U64(totals.chains, rows[i].value ? 3 : 0);
		CHECK_EQ_U64(totals.taken[WB_HOW_GO], totals.frames);
		/* After the results were asked for, there are no more. */
		CHECK_EQ_I64(wb_comparison_add(comparison, g.space, &g.sample), WB_ERR_ARGUMENT);
		wb_comparison_free(comparison);
		go_sample_deinit(&g);
	}
	test_row(NULL);
}

/* The walk's answer and that of each strategy alone, at the first frame. */
static void asks_one_strategy(void)
{
	static const struct { const char *name; enum wb_how how; uint64_t fp; enum wb_err err; uint64_t cfa; bool guess; } rows[] = {
		{ "go", WB_HOW_GO, BAD, WB_OK, GO_SP + 32, false },
		/* FP points to the saved FP, behind it is the return address: the CFA is FP + 16. */
		{ "frame pointer", WB_HOW_FRAME_POINTER, GO_SP + 16, WB_OK, GO_SP + 32, true },
		{ "frame pointer that is not aligned", WB_HOW_FRAME_POINTER, BAD, WB_NONE, 0, false },
		{ "no call frame information", WB_HOW_CFI, BAD, WB_NONE, 0, false },
		{ "the walk's own context", WB_HOW_CONTEXT, BAD, WB_ERR_UNSUPPORTED, 0, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wb_step step = { .size = sizeof(step) };
		struct wb_walker *walker;
		struct wb_frame frame;
		struct go_sample g;

		test_row(rows[i].name);
		REQUIRE(go_sample_init(&g, rows[i].fp, 0));
		REQUIRE(wb_walker_new(g.session, NULL, &walker) == WB_OK);
		/* Before a frame was given there is nothing to ask about. */
		CHECK_EQ_I64(wb_walker_step_by(walker, WB_HOW_GO, &step), WB_NONE);
		REQUIRE(wb_walker_begin(walker, g.space, &g.sample) == WB_OK);
		REQUIRE(wb_walker_next(walker, &frame, sizeof(frame)) == WB_OK);
		CHECK_EQ_I64(wb_walker_step_by(walker, rows[i].how, &step), rows[i].err);
		if (!rows[i].err) {
			CHECK_EQ_U64(step.cfa, rows[i].cfa);
			CHECK_EQ_U64(step.pc, GO_LAST_PC);
			CHECK_EQ_U64(step.is_guess, rows[i].guess);
			CHECK_EQ_U64(step.has_fp, 1);
			CHECK_EQ_U64(step.fp, 0);
		}
		/* The walk did not move. */
		CHECK_EQ_I64(wb_walker_next(walker, &frame, sizeof(frame)), WB_OK);
		CHECK_EQ_U64(frame.pc, GO_LAST_PC);
		wb_walker_free(walker);
		go_sample_deinit(&g);
	}
	test_row(NULL);
}

static void survives_failing_allocations(void)
{
	struct wb_comparison *comparison = NULL;
	enum wb_err err = WB_ERR_MEMORY;
	struct go_sample g;

	REQUIRE(go_sample_init(&g, BAD, BAD));
	for (uint64_t nth = 1; err == WB_ERR_MEMORY && nth < 1000; nth++) {
		wb_mem_fail_at(nth, false);
		err = wb_comparison_new(g.session, &comparison);
		if (!err)
			err = wb_comparison_add(comparison, g.space, &g.sample);
		wb_mem_fail_at(0, false);
		if (err) {
			wb_comparison_free(comparison);
			comparison = NULL;
		}
	}
	CHECK_EQ_I64(err, WB_OK);
	wb_comparison_free(comparison);
	go_sample_deinit(&g);
}

int main(void)
{
	TEST_RUN(finds_where_a_chain_breaks);
	TEST_RUN(asks_one_strategy);
	TEST_RUN(survives_failing_allocations);
	return test_summary();
}
