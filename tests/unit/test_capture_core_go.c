/* SPDX-License-Identifier: MIT */
/*
 * A core of a Go process that is made here (go_make.h): which stacks it gives, in which order, and with what; whatever allocation fails. Thread 101, which
 * runs no goroutine, crashed; thread 100 is on its system stack, and runs goroutine 7.
 */
#include "test.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "core_make.h"
#include "go_make.h"
#include "model/session.h"

#include <walkback/formats.h>

enum { X86_64 = 62, SIGABRT_NUMBER = 6, REGS = 27, RIP = 16, RSP = 19 /* words of user_regs_struct */ };

static struct go_make made;
static uint8_t *program;
static size_t program_size;

static enum wb_err read_program(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	size_t left = offset < program_size ? program_size - (size_t)offset : 0;

	(void)arg;
	*ret_got = count < left ? count : left;
	if (*ret_got)
		memcpy(buffer, program + offset, *ret_got);
	return WB_OK;
}

static enum wb_err find_program(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	static struct wb_source source = { .size = sizeof(source), .read = read_program };

	(void)arg;
	if (nth || query->role != WB_FILE_EXECUTABLE)
		return WB_NONE;
	source.length = program_size;
	ret_candidate->source = &source;
	ret_candidate->forced = 1;
	snprintf(ret_candidate->path, sizeof(ret_candidate->path), "program");
	return WB_OK;
}

/* Where the program's first byte is, so that .text is at its address. */
static uint64_t program_start(void)
{
	struct wb_bytes b = wb_bytes_of(program, program_size, false);

	/* p_offset of the first program header. */
	wb_bytes_seek(&b, 64 + 8);
	return PCLNTAB_TEXT - wb_bytes_u64(&b);
}

static uint8_t *make_core(size_t *ret_size)
{
	const struct core_make_file files[] = { { program_start(), PCLNTAB_TEXT + 0x1000, 0, "/bin/go" } };
	static const uint8_t system_stack[64];
	uint64_t regs[REGS] = { 0 };
	struct core_make m;

	core_make_init(&m, true, false, X86_64);
	regs[RIP] = 0x1048;
	regs[RSP] = 0x90000;
	core_make_thread(&m, 101, SIGABRT_NUMBER, regs, REGS);
	core_make_process(&m, 100, "go", "go");
	core_make_siginfo(&m, SIGABRT_NUMBER, -6, 0);
	core_make_files(&m, files, 1);
	regs[RSP] = 0x90020;
	core_make_thread(&m, 100, 0, regs, REGS);
	core_make_segment(&m, 5, program_start(), NULL, 0, PCLNTAB_TEXT + 0x1000 - program_start());
	core_make_segment(&m, 6, GO_MAKE_DATA, made.bytes, sizeof(made.bytes), 0x4000);
	core_make_segment(&m, 6, 0x90000, system_stack, sizeof(system_stack), 0x1000);
	return core_make_finish(&m, ret_size);
}

static struct wb_session *new_session(void)
{
	struct wb_session *session;

	if (wb_session_new(NULL, &session) || wb_session_add_finder(session, find_program, NULL, NULL))
		exit(1);
	return session;
}

struct expect { uint32_t tid; bool crashed; int64_t goroutine; /* -1: none */ size_t contexts, labels; };

static void check_sample(const struct wb_sample *sample, const struct expect *expect)
{
	CHECK_EQ_U64(sample->tid, expect->tid);
	CHECK(!(sample->flags & WB_SAMPLE_CRASHED) == !expect->crashed);
	CHECK_EQ_U64(sample->num_contexts, expect->contexts);
	CHECK_EQ_U64(sample->num_labels, expect->labels);
	CHECK_EQ_I64(sample->goroutine ? (int64_t)sample->goroutine->id : -1, expect->goroutine);
	for (size_t i = 1; i < sample->num_regions; i++)
		CHECK(sample->regions[i - 1].address + sample->regions[i - 1].size <= sample->regions[i].address);
}

static void check_samples(const struct wb_capture_opts *opts, const struct expect *expect, size_t count)
{
	struct wb_session *session = new_session();
	const struct wb_sample *sample;
	struct wb_capture *capture;
	struct wb_space *space;
	size_t size, seen = 0;
	uint8_t *core = make_core(&size);

	REQUIRE(wb_capture_open_bytes(session, "core", core, size, opts, &capture) == WB_OK);
	for (; wb_capture_next(capture, &space, &sample) == WB_OK; seen++)
		if (CHECK(seen < count))
			check_sample(sample, &expect[seen]);
	CHECK_EQ_U64(seen, count);
	wb_capture_free(capture);
	wb_session_free(session);
	free(core);
}

static void gives_goroutines_on_request(void)
{
	static const uint32_t tid = 100;
	const struct wb_capture_opts none = { .size = sizeof(none) }, all = { .size = sizeof(all), .goroutines = 1 };
	const struct wb_capture_opts one = { .size = sizeof(one), .goroutines = 1, .tids = &tid, .num_tids = 1 };
	/* The one that crashed first; goroutines in the runtime's order. The system stack of a thread is goroutine 0. */
	static const struct expect threads[] = { { 101, true, -1, 1, 0 }, { 100, false, -1, 1, 0 } };
	static const struct expect goroutines[] = { { 101, true, 0, 1, 0 }, { 0, false, 1, 1, 2 }, { 100, false, 7, 2, 0 } };

	check_samples(&none, threads, 2);
	check_samples(&all, goroutines, 3);
	check_samples(&one, goroutines + 2, 1);
}

static void says_that_there_are_none(void)
{
	const struct wb_capture_opts all = { .size = sizeof(all), .goroutines = 1 };
	static const struct expect threads[] = { { 101, true, -1, 1, 0 }, { 100, false, -1, 1, 0 } };

	/* Without its list the runtime is none. */
	go_make_word(&made, GO_MAKE_ALLGS, 0);
	check_samples(&all, threads, 2);
	go_make_pointer(&made, GO_MAKE_ALLGS, GO_MAKE_LIST);
	/* One that is there twice makes the list unsound. */
	go_make_pointer(&made, GO_MAKE_LIST + 8, GO_MAKE_G1);
	check_samples(&all, threads, 2);
	go_make_pointer(&made, GO_MAKE_LIST + 8, GO_MAKE_G7);
}

/* Every allocation fails once: the capture gives an error, or all. */
static void survives_failing_allocations(void)
{
	const struct wb_capture_opts opts = { .size = sizeof(opts), .goroutines = 1 };
	size_t size, seen = 0;
	uint8_t *core = make_core(&size);
	enum wb_err err = WB_ERR_MEMORY;

	for (uint64_t nth = 1; err == WB_ERR_MEMORY && nth < 2000; nth++) {
		struct wb_session *session = new_session();
		const struct wb_sample *sample;
		struct wb_capture *capture = NULL;
		struct wb_space *space;

		wb_mem_fail_at(nth, false);
		err = wb_capture_open_bytes(session, "core", core, size, &opts, &capture);
		for (seen = 0; !err && (err = wb_capture_next(capture, &space, &sample)) == WB_OK;)
			seen++;
		wb_mem_fail_at(0, false);
		CHECK(err == WB_NONE || err == WB_ERR_MEMORY);
		wb_capture_free(capture);
		wb_session_free(session);
	}
	CHECK(err == WB_NONE);
	CHECK_EQ_U64(seen, 3);
	free(core);
}

int main(void)
{
	const struct wb_go_layout *newest = NULL;

	for (size_t i = 0; wb_go_layout(8, i); i++)
		newest = wb_go_layout(8, i);
	go_make(&made, newest, 8);
	program = go_make_program(&made, X86_64, &program_size);
	TEST_RUN(gives_goroutines_on_request);
	TEST_RUN(says_that_there_are_none);
	TEST_RUN(survives_failing_allocations);
	free(program);
	return test_summary();
}
