/* SPDX-License-Identifier: MIT */
/* Many addresses for several threads: each answered once, as wb_symbolize answers it alone, whatever the debug information looks like. */
#include "config.h"
#include "test.h"

#include <walkback/walkback.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAM_PATH_MAX = 4096, UNITS = 12, LINES = 40, THREADS = 4, PCS_MAX = UNITS * LINES };

/* A unit for each function f<i>, whose statement k is on line (i + 1) * 1000 + k. The flags are those of the compiler. */
static bool compile_units(const char *flags, char *ret_path)
{
	char shell[8 * PROGRAM_PATH_MAX], folder[PROGRAM_PATH_MAX];

	snprintf(ret_path, PROGRAM_PATH_MAX, "%s", test_tmp("program"));
	snprintf(folder, sizeof folder, "%s", test_tmp("sources"));
	snprintf(shell, sizeof shell,
	         "mkdir -p '%s' && cd '%s' && i=0 && while [ $i -lt %d ]; do awk -v i=$i 'BEGIN { print \"int s\" i \";\\nvoid f\" i \"(void)\\n{\"; "
	         "for (k = 0; k < %d; k++) print \"#line \" (i + 1) * 1000 + k \"\\ns\" i \" += \" k \";\"; print \"}\" }' >$i.c; i=$((i + 1)); done && "
	         "echo 'int main(void) { return 0; }' >main.c && %s -O0 -w -o '%s' *.c 2>/dev/null", folder, folder, UNITS, LINES, flags, ret_path);
	return system(shell) == 0;
}

struct asked {
	struct wb_session *session;
	struct wb_image *image;
	uint64_t pcs[PCS_MAX];
	size_t count;
	atomic_uint answers[PCS_MAX]; /* to each */
	atomic_uint wrong;
};

struct thread {
	struct asked *asked;
	struct wb_symbolize_job *job;
	size_t stop_after;            /* answers; 0: none */
	size_t taken;
	enum wb_err err;
};

static enum wb_err take(void *arg, size_t index, const struct wb_site *sites, size_t count)
{
	struct thread *thread = arg;
	struct asked *asked = thread->asked;
	char name[32];

	atomic_fetch_add(&asked->answers[index], 1);
	snprintf(name, sizeof name, "f%zu", index / LINES);
	if (count != 1 || !sites[0].function || strcmp(sites[0].function, name) || sites[0].line != (index / LINES + 1) * 1000 + index % LINES)
		atomic_fetch_add(&asked->wrong, 1);
	return ++thread->taken == thread->stop_after ? WB_ERR_CANCELLED : WB_OK;
}

/* The first address of each statement. */
static bool find_pcs(struct asked *asked)
{
	struct wb_symbolizer *symbolizer;
	const struct wb_site *sites;
	size_t num_sites, found = 0;
	bool ok = wb_symbolizer_new(asked->session, NULL, &symbolizer) == WB_OK;

	for (unsigned i = 0; ok && i < UNITS; i++) {
		uint64_t start = 0, size = 0;
		unsigned line = 0;
		char name[32];

		snprintf(name, sizeof name, "f%u", i);
		ok = wb_symbol_find(symbolizer, asked->image, name, &start, &size) == WB_OK;
		for (uint64_t pc = start; ok && pc < start + size && line < LINES; pc++) {
			ok = wb_symbolize(symbolizer, asked->image, pc, WB_PC_EXACT, &sites, &num_sites) == WB_OK;
			if (ok && sites[0].line == (i + 1) * 1000 + line) {
				asked->pcs[i * LINES + line++] = pc;
				found++;
			}
		}
	}
	wb_symbolizer_free(symbolizer);
	asked->count = found;
	return ok && found == PCS_MAX;
}

static void *run(void *arg)
{
	struct thread *thread = arg;
	struct wb_symbolizer *symbolizer;

	thread->err = wb_symbolizer_new(thread->asked->session, NULL, &symbolizer);
	if (!thread->err)
		thread->err = wb_symbolize_job_run(thread->job, symbolizer, take, thread);
	wb_symbolizer_free(symbolizer);
	return NULL;
}

static void ask(struct asked *asked, unsigned num_threads)
{
	struct thread threads[THREADS];
	pthread_t ids[THREADS];
	struct wb_symbolize_job *job;
	size_t taken = 0;

	memset(asked->answers, 0, sizeof asked->answers);
	REQUIRE(wb_symbolize_job_new(asked->image, asked->pcs, asked->count, WB_PC_EXACT, num_threads, &job) == WB_OK);
	for (unsigned i = 0; i < num_threads; i++) {
		threads[i] = (struct thread){ .asked = asked, .job = job };
		REQUIRE(pthread_create(&ids[i], NULL, run, &threads[i]) == 0);
	}
	for (unsigned i = 0; i < num_threads; i++) {
		pthread_join(ids[i], NULL);
		CHECK_EQ_I64(threads[i].err, WB_OK);
		taken += threads[i].taken;
	}
	wb_symbolize_job_free(job);
	CHECK_EQ_U64(taken, asked->count);
	for (size_t i = 0; i < asked->count; i++)
		CHECK_EQ_U64(atomic_load(&asked->answers[i]), 1);
	CHECK_EQ_U64(atomic_load(&asked->wrong), 0);
}

static bool open_asked(struct asked *asked, const char *path)
{
	return CHECK(wb_session_new(NULL, &asked->session) == WB_OK) && CHECK(wb_image_open(asked->session, path, &asked->image) == WB_OK);
}

static void close_asked(struct asked *asked)
{
	wb_image_unref(asked->image);
	wb_session_free(asked->session);
}

/* Addresses are found in a session of their own, so that the threads begin with nothing compiled. */
static void answers_each_once(const char *flags)
{
	static struct asked asked;
	char path[PROGRAM_PATH_MAX];

	memset(&asked, 0, sizeof asked);
	if (!compile_units(flags, path))
		TEST_SKIP("no such compiler, or it does not know the flags");
	REQUIRE(open_asked(&asked, path));
	CHECK(find_pcs(&asked));
	close_asked(&asked);
	for (unsigned threads = 1; threads <= THREADS; threads++) {
		REQUIRE(open_asked(&asked, path));
		ask(&asked, threads);
		close_asked(&asked);
	}
}

static void by_address_ranges(void) { answers_each_once("gcc -g"); }
static void without_address_ranges(void) { answers_each_once("clang -g"); }
static void packed(void)
{
	if (!WB_HAVE_LIBDEFLATE && !WB_HAVE_ZLIB && !WB_HAVE_ISAL)
		TEST_SKIP("no codec in the build");
	answers_each_once("gcc -g -gz=zlib");
}
static void split(void) { answers_each_once("gcc -g -gsplit-dwarf"); }

/* What a function answers ends its thread's run; another thread can go on. */
static void ends_when_told(void)
{
	static struct asked asked;
	struct thread first = { .asked = &asked, .stop_after = 3 }, second = { .asked = &asked };
	struct wb_symbolize_job *job;
	char path[PROGRAM_PATH_MAX];

	memset(&asked, 0, sizeof asked);
	if (!compile_units("gcc -g", path))
		TEST_SKIP("no compiler");
	REQUIRE(open_asked(&asked, path));
	CHECK(find_pcs(&asked));
	REQUIRE(wb_symbolize_job_new(asked.image, asked.pcs, asked.count, WB_PC_EXACT, 2, &job) == WB_OK);
	first.job = second.job = job;
	run(&first);
	CHECK_EQ_I64(first.err, WB_ERR_CANCELLED);
	CHECK_EQ_U64(first.taken, 3);
	run(&second);
	CHECK_EQ_I64(second.err, WB_OK);
	CHECK(second.taken > 0 && second.taken <= asked.count - 3);
	wb_symbolize_job_free(job);
	close_asked(&asked);
}

static void takes_none_and_refuses_wrong_calls(void)
{
	static struct asked asked;
	struct wb_symbolizer *symbolizer;
	struct wb_symbolize_job *job;
	struct thread thread = { .asked = &asked };
	uint64_t pc = 0;

	memset(&asked, 0, sizeof asked);
	REQUIRE(open_asked(&asked, "/proc/self/exe"));
	CHECK_EQ_I64(wb_symbolize_job_new(NULL, &pc, 1, WB_PC_EXACT, 1, &job), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_symbolize_job_new(asked.image, NULL, 1, WB_PC_EXACT, 1, &job), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_symbolize_job_new(asked.image, &pc, 1, WB_PC_EXACT, 1, NULL), WB_ERR_ARGUMENT);
	REQUIRE(wb_symbolize_job_new(asked.image, NULL, 0, WB_PC_EXACT, 0, &job) == WB_OK);
	REQUIRE(wb_symbolizer_new(asked.session, NULL, &symbolizer) == WB_OK);
	CHECK_EQ_I64(wb_symbolize_job_run(job, symbolizer, take, &thread), WB_OK);
	CHECK_EQ_I64(wb_symbolize_job_run(NULL, symbolizer, take, &thread), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_symbolize_job_run(job, NULL, take, &thread), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_symbolize_job_run(job, symbolizer, NULL, &thread), WB_ERR_ARGUMENT);
	CHECK_EQ_U64(thread.taken, 0);
	wb_symbolizer_free(symbolizer);
	wb_symbolize_job_free(job);
	wb_symbolize_job_free(NULL);
	close_asked(&asked);
}

int main(void)
{
	TEST_RUN(by_address_ranges);
	TEST_RUN(without_address_ranges);
	TEST_RUN(packed);
	TEST_RUN(split);
	TEST_RUN(ends_when_told);
	TEST_RUN(takes_none_and_refuses_wrong_calls);
	return test_summary();
}
