/* SPDX-License-Identifier: MIT */
/*
 * What a walker keeps and what it gives back: samples are borrowed as its header says, tables without room in the budget are not kept, and call
 * frame information that somebody made to be extreme costs neither memory nor sense. The code is generated code with an .eh_frame written here.
 */
#include "test.h"

#include <walkback/walkback.h>

enum { CODE = 0x10000, CODE_END = 0x11000, STACK = 0x70000, WORDS = 64, EH_FRAME = 0x20000, RSP = 7, RBP = 6, RAX = 0 };

static const struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX };

/* A CIE (DWARF 5, 6.4.1, version 1: alignments 1 and -8, return address in 16; CFA = rsp + 8, return address at CFA - 8) and one FDE for the
 * whole code, with absolute addresses. */
static size_t make_eh_frame(uint8_t *out, const uint8_t *program, size_t size)
{
	static const uint8_t cie[] = { 16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1, 0, 0 };
	uint32_t length = LE32(4 + 16 + size), pointer = LE32(sizeof cie + 4);
	uint64_t start = LE64(CODE), range = LE64(CODE_END - CODE);

	memcpy(out, cie, sizeof cie);
	memcpy(out + 20, &length, 4);
	memcpy(out + 24, &pointer, 4);
	memcpy(out + 28, &start, 8);
	memcpy(out + 36, &range, 8);
	if (size)
		memcpy(out + 44, program, size);
	return 44 + size;
}

struct fixture {
	struct wb_session *session;
	struct wb_space *empty, *space;
	struct wb_walker *walker;
};

static bool fixture_init(struct fixture *f, const struct wb_session_opts *opts, const uint8_t *program, size_t size)
{
	static uint8_t eh_frame[4 << 20];
	struct wb_code code = { .size = sizeof code, .start = CODE, .end = CODE_END, .eh_frame = eh_frame, .eh_frame_address = EH_FRAME };

	*f = (struct fixture){ 0 };
	code.eh_frame_size = make_eh_frame(eh_frame, program, size);
	return CHECK(wb_session_new(opts, &f->session) == WB_OK && wb_space_new(f->session, &platform, &f->empty) == WB_OK &&
	             wb_space_add_code(f->empty, &code, &f->space) == WB_OK && wb_walker_new(f->session, NULL, &f->walker) == WB_OK);
}

static void fixture_deinit(struct fixture *f)
{
	wb_walker_free(f->walker);
	wb_space_unref(f->space);
	wb_space_unref(f->empty);
	wb_session_free(f->session);
}

/* A chain of return addresses, each 8 bytes above the one before, and a zero at its end. */
static void fill(uint64_t *words)
{
	for (unsigned i = 0; i < WORDS; i++)
		words[i] = LE64(i + 1 < WORDS ? CODE + 0x10 : 0);
}

static const struct wb_reg start[] = { { WB_REG_PC, 0, CODE + 0x10 }, { RSP, 0, STACK }, { RBP, 0, 0x1234 }, { RAX, 0, 0x55 } };

/* Of the heap, so that the address sanitizer sees a look at what was given back. */
static struct wb_sample *make_sample(const uint64_t *words)
{
	struct { struct wb_sample sample; struct wb_context context; struct wb_region region; struct wb_reg regs[4]; } *all = calloc(1, sizeof *all);

	if (!all)
		exit(1);
	memcpy(all->regs, start, sizeof start);
	all->context = (struct wb_context){ .regs = all->regs, .num_regs = 4 };
	all->region = (struct wb_region){ STACK, words, WORDS * sizeof *words };
	all->sample = (struct wb_sample){ .size = sizeof all->sample, .contexts = &all->context, .num_contexts = 1, .regions = &all->region,
	                                  .num_regions = 1 };
	return &all->sample;
}

static void gives_samples_back(void)
{
	uint64_t words[WORDS], value = 7;
	enum wb_reg_state state = WB_REG_KNOWN;
	struct wb_sample *sample, *second;
	struct wb_frame frame, frames[4];
	struct wb_stop stop;
	struct fixture f;
	size_t count;

	if (!fixture_init(&f, NULL, NULL, 0))
		return;
	fill(words);
	CHECK_EQ_I64(wb_walker_next(f.walker, &frame, sizeof frame), WB_ERR_ARGUMENT); /* before any walk */
	sample = make_sample(words);
	REQUIRE(wb_walker_begin(f.walker, f.space, sample) == WB_OK);
	CHECK_EQ_I64(wb_walker_next(f.walker, &frame, sizeof frame), WB_OK);
	CHECK_EQ_I64(wb_walker_reg(f.walker, RAX, &state, &value), WB_OK);
	CHECK_EQ_I64(state, WB_REG_KNOWN);
	CHECK_EQ_U64(value, 0x55);
	/* Another walk begins: the first sample is the caller's again. */
	second = make_sample(words);
	REQUIRE(wb_walker_begin(f.walker, f.space, second) == WB_OK);
	free(sample);
	CHECK_EQ_I64(wb_walker_reg(f.walker, RAX, &state, &value), WB_OK);
	CHECK_EQ_I64(state, WB_REG_UNKNOWN); /* no frame was given yet */
	/* One that cannot begin leaves none. */
	second->num_contexts = 1;
	second->contexts = NULL;
	CHECK_EQ_I64(wb_walker_begin(f.walker, f.space, second), WB_ERR_ARGUMENT);
	free(second);
	CHECK_EQ_I64(wb_walker_next(f.walker, &frame, sizeof frame), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_walker_stop(f.walker, &stop), WB_ERR_ARGUMENT);
	/* A whole walk borrows for the call alone. */
	sample = make_sample(words);
	CHECK_EQ_I64(wb_walk(f.walker, f.space, sample, frames, sizeof frames[0], 4, &count, &stop), WB_OK);
	CHECK_EQ_U64(count, 4);
	CHECK_EQ_I64(stop.reason, WB_STOP_LIMIT);
	free(sample);
	CHECK_EQ_I64(wb_walker_reg(f.walker, RAX, &state, &value), WB_OK);
	CHECK_EQ_I64(state, WB_REG_UNKNOWN);
	CHECK_EQ_I64(wb_walker_next(f.walker, &frame, sizeof frame), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_walker_stop(f.walker, &stop), WB_OK);
	fixture_deinit(&f);
}

/* The walk of the fixture's stack: how many frames, and why it ended. */
static size_t walk(struct fixture *f, struct wb_stop *ret_stop)
{
	static struct wb_frame frames[2 * WORDS];
	uint64_t words[WORDS];
	size_t count = 0;

	fill(words);
	CHECK_EQ_I64(wb_walk_stack(f->walker, f->space, start, 4, STACK, words, sizeof words, frames, sizeof frames[0], 2 * WORDS, &count, ret_stop),
	             WB_OK);
	return count;
}

/* With no room at all in the budget, rows are compiled for every frame, and not kept. */
static void walks_without_a_budget(void)
{
	const struct wb_session_opts opts = { .size = sizeof opts, .cache_bytes = 1 };
	struct wb_stop stop;
	struct fixture f;

	if (!fixture_init(&f, &opts, NULL, 0))
		return;
	for (int i = 0; i < 3; i++) {
		CHECK_EQ_U64(walk(&f, &stop), WORDS);
		CHECK_EQ_I64(stop.reason, WB_STOP_ROOT);
		CHECK_EQ_I64(stop.root_by, WB_ROOT_PC_ZERO);
	}
	fixture_deinit(&f);
}

/* Offsets at the ends of their types must not be added up blindly. 0x13: def_cfa_offset_sf, factored by -8; 0x11: offset_extended_sf. */
static void survives_extreme_offsets(void)
{
	static const struct { const char *name; uint8_t program[32]; size_t size; enum wb_stop_reason reason; } rows[] = {
		/* 2^28 * -8 = -2^31 */
		{ "CFA far below", { 0x13, 0x80, 0x80, 0x80, 0x80, 0x01 }, 6, WB_STOP_MEMORY },
		/* -(2^28 - 1) * -8 = 2^31 - 8 */
		{ "CFA far above", { 0x13, 0x81, 0x80, 0x80, 0x80, 0x7f }, 6, WB_STOP_MEMORY },
		/* GNU_negative_offset_extended 2^63 */
		{ "negative offset", { 0x2f, 12, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01 }, 12, WB_STOP_BAD_INFO },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct wb_stop stop;
		struct fixture f;

		test_row(rows[i].name);
		if (!fixture_init(&f, NULL, rows[i].program, rows[i].size))
			return;
		CHECK_EQ_U64(walk(&f, &stop), 1);
		CHECK_EQ_I64(stop.reason, rows[i].reason);
		fixture_deinit(&f);
	}
}

/* A megabyte and more of instructions for one function is nothing that a compiler writes. */
static void refuses_endless_programs(void)
{
	static uint8_t program[(1 << 20) + 4];
	struct wb_stop stop;
	struct fixture f;

	if (!fixture_init(&f, NULL, program, 1 << 20))
		return;
	CHECK_EQ_U64(walk(&f, &stop), WORDS); /* nops */
	fixture_deinit(&f);
	if (!fixture_init(&f, NULL, program, (1 << 20) + 4))
		return;
	CHECK_EQ_U64(walk(&f, &stop), 1);
	CHECK_EQ_I64(stop.reason, WB_STOP_BAD_INFO);
	fixture_deinit(&f);
}

/* A zero where a frame pointer points to is no end of the stack: only the ABI's zero frame pointer is. */
static void believes_no_zero_alone(void)
{
	static const struct { const char *name; uint64_t saved_fp; enum wb_stop_reason reason; } rows[] = {
		{ "both zero", 0, WB_STOP_ROOT },
		{ "return address alone", STACK + 64, WB_STOP_NO_INFO },
	};
	const struct wb_mapping mapping = { .size = sizeof mapping, .start = CODE, .end = CODE_END, .prot = WB_PROT_READ | WB_PROT_EXEC };
	const struct wb_reg regs[] = { { WB_REG_PC, 0, CODE + 0x10 }, { RSP, 0, STACK }, { RBP, 0, STACK + 16 } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint64_t words[8] = { [2] = LE64(rows[i].saved_fp) };
		struct wb_space *space;
		struct wb_frame frames[4];
		struct wb_stop stop;
		struct fixture f;
		size_t count;

		test_row(rows[i].name);
		if (!fixture_init(&f, NULL, NULL, 0))
			return;
		REQUIRE(wb_space_map(f.empty, &mapping, 1, &space) == WB_OK);
		CHECK_EQ_I64(wb_walk_stack(f.walker, space, regs, 3, STACK, words, sizeof words, frames, sizeof frames[0], 4, &count, &stop), WB_OK);
		CHECK_EQ_U64(count, 1);
		CHECK_EQ_I64(stop.reason, rows[i].reason);
		wb_space_unref(space);
		fixture_deinit(&f);
	}
}

int main(void)
{
	TEST_RUN(gives_samples_back);
	TEST_RUN(walks_without_a_budget);
	TEST_RUN(survives_extreme_offsets);
	TEST_RUN(refuses_endless_programs);
	TEST_RUN(believes_no_zero_alone);
	return test_summary();
}
