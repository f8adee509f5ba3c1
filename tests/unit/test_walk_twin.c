/* SPDX-License-Identifier: MIT */
/*
 * The fast walk and its slow twin on real recordings: every sample by the fast form, with a tiny row cache, by the slow form and step by step; the same
 * again when everything is known; and by eight threads that race for what is computed on first need. Frames and stops are the same to the last byte.
 *
 * usage: test_walk_twin                the demo's recording
 *        test_walk_twin corpus         those of the corpus
 *        test_walk_twin CAPTURE...     these, with this host's files
 */
#include "unwind/walker.h"

#include "base/inflate.h"

#include "tests/test.h"

#include <pthread.h>

#include <walkback/formats.h>

enum { FRAMES = 1024, SAMPLES_MAX = 100000, THREADS = 8 };

struct walked {
	struct wb_frame frames[FRAMES];
	size_t count;
	struct wb_stop stop;
};

struct recording {
	struct wb_session *session;
	struct wb_capture *capture;
	struct wb_batch *batch;
};

/* With the given files' programs, or with what the host has. */
static bool recording_open(struct recording *r, const char *capture, const char *exe)
{
	struct wb_session_opts opts = { .size = sizeof(opts), .files_are_stable = 1, .trust_unverified = !exe };
	enum wb_err err;

	*r = (struct recording){ NULL, NULL, NULL };
	err = wb_session_new(&opts, &r->session);
	if (!err)
		err = exe ? wb_session_add_file(r->session, exe) : wb_session_add_host_paths(r->session);
	if (!err)
		err = wb_capture_open(r->session, capture, NULL, &r->capture);
	if (!err)
		err = wb_capture_next_batch(r->capture, SAMPLES_MAX, &r->batch);
	return CHECK(err == WB_OK);
}

static void recording_close(struct recording *r)
{
	wb_batch_free(r->batch);
	wb_capture_free(r->capture);
	wb_session_free(r->session);
}

static bool walk(struct wb_walker *walker, const struct wb_walk_item *item, struct walked *ret)
{
	return CHECK(wb_walk(walker, item->space, item->sample, ret->frames, sizeof(ret->frames[0]), FRAMES, &ret->count, &ret->stop) == WB_OK);
}

static void walk_steps(struct wb_walker *walker, const struct wb_walk_item *item, struct walked *ret)
{
	ret->count = 0;
	CHECK(wb_walker_begin(walker, item->space, item->sample) == WB_OK);
	while (ret->count < FRAMES && wb_walker_next(walker, &ret->frames[ret->count], sizeof(ret->frames[0])) == WB_OK)
		ret->count++;
	if (ret->count == FRAMES)
		wb_walker_next(walker, &(struct wb_frame){ 0 }, sizeof(ret->frames[0]));
	CHECK(wb_walker_stop(walker, &ret->stop) == WB_OK);
}

static bool same(const struct walked *a, const struct walked *b)
{
	return a->count == b->count && !memcmp(a->frames, b->frames, a->count * sizeof(a->frames[0])) && !memcmp(&a->stop, &b->stop, sizeof(a->stop));
}

/* FNV-1a of frames and stop. */
static uint64_t sum_of(const struct walked *w)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < w->count * sizeof(w->frames[0]); i++)
		sum = (sum ^ ((const uint8_t *)w->frames)[i]) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < sizeof(w->stop); i++)
		sum = (sum ^ ((const uint8_t *)&w->stop)[i]) * UINT64_C(0x100000001b3);
	return sum;
}

struct many {
	const uint64_t *sums;
	size_t next;
};

static enum wb_err on_walked(void *arg, size_t index, const struct wb_frame *frames, size_t count, const struct wb_stop *stop)
{
	static struct walked walked;
	struct many *many = arg;

	CHECK_EQ_U64(index, many->next++);
	walked.count = count;
	walked.stop = *stop;
	memcpy(walked.frames, frames, count * sizeof(frames[0]));
	if (sum_of(&walked) != many->sums[index])
		test_check(false, TEST_WHERE, "sample %zu: walked with many it differs", index);
	return WB_OK;
}

static void check_many(const struct recording *r, const uint64_t *sums)
{
	static struct wb_frame frames[FRAMES];
	struct wb_walker_opts opts = { .size = sizeof(opts), .max_frames = FRAMES };
	struct many many = { .sums = sums };
	struct wb_walker *walker;

	REQUIRE(wb_walker_new(r->session, &opts, &walker) == WB_OK);
	CHECK(wb_walk_many(walker, r->batch->items, r->batch->count, frames, sizeof(frames[0]), FRAMES, on_walked, &many) == WB_OK);
	CHECK_EQ_U64(many.next, r->batch->count);
	wb_walker_free(walker);
}

static void check_forms(const struct recording *r, uint64_t *sums)
{
	static struct walked first, other;
	struct wb_walker_opts opts = { .size = sizeof(opts), .max_frames = FRAMES };
	struct wb_walker *walkers[4];

	for (unsigned i = 0; i < 4; i++) {
		opts.row_cache_entries = i == 1 ? 1 : 0;
		REQUIRE(wb_walker_new(r->session, &opts, &walkers[i]) == WB_OK);
		walkers[i]->slow_only = i == 2;
	}
	for (size_t i = 0; i < r->batch->count; i++) {
		const struct wb_walk_item *item = &r->batch->items[i];

		if (!walk(walkers[0], item, &first))
			break;
		sums[i] = sum_of(&first);
		for (unsigned form = 1; form < 3; form++)
			if (walk(walkers[form], item, &other) && !same(&first, &other))
				test_check(false, TEST_WHERE, "sample %zu: form %u differs", i, form);
		walk_steps(walkers[3], item, &other);
		if (!same(&first, &other))
			test_check(false, TEST_WHERE, "sample %zu: step by step differs", i);
	}
	for (size_t i = 0; i < r->batch->count; i++) {
		walk(walkers[0], &r->batch->items[i], &other);
		if (sum_of(&other) != sums[i])
			test_check(false, TEST_WHERE, "sample %zu: the second pass differs", i);
	}
	for (unsigned i = 0; i < 4; i++)
		wb_walker_free(walkers[i]);
}

struct worker {
	pthread_t thread;
	const struct recording *recording;
	const uint64_t *sums;
	size_t start;
	struct walked walked;
	size_t wrong;
};

static void *walk_everything(void *arg)
{
	struct worker *worker = arg;
	const struct wb_batch *batch = worker->recording->batch;
	struct wb_walker_opts opts = { .size = sizeof(opts), .max_frames = FRAMES, .row_cache_entries = 4096 };
	struct wb_walker *walker = NULL;

	if (wb_walker_new(worker->recording->session, &opts, &walker) != WB_OK)
		worker->wrong = SIZE_MAX;
	for (size_t i = 0; walker && i < batch->count; i++) {
		size_t at = (worker->start + i) % batch->count;

		walk(walker, &batch->items[at], &worker->walked);
		worker->wrong += sum_of(&worker->walked) != worker->sums[at];
	}
	wb_walker_free(walker);
	return NULL;
}

/* In a session of their own, in which nothing was computed yet. */
static void check_threads(const char *capture, const char *exe, const uint64_t *sums)
{
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	struct recording r;

	if (workers && recording_open(&r, capture, exe)) {
		for (unsigned i = 0; i < THREADS; i++) {
			workers[i].recording = &r;
			workers[i].sums = sums;
			workers[i].start = i * r.batch->count / THREADS;
			CHECK(pthread_create(&workers[i].thread, NULL, walk_everything, &workers[i]) == 0);
		}
		for (unsigned i = 0; i < THREADS; i++) {
			pthread_join(workers[i].thread, NULL);
			CHECK_EQ_U64(workers[i].wrong, 0);
		}
		recording_close(&r);
	}
	free(workers);
}

static void check_recording(const char *capture, const char *exe)
{
	struct recording r;
	uint64_t *sums;

	test_row(capture);
	if (!recording_open(&r, capture, exe))
		return;
	sums = calloc(r.batch->count, sizeof(*sums));
	REQUIRE(sums);
	check_forms(&r, sums);
	check_many(&r, sums);
	printf("%s: %zu samples\n", capture, r.batch->count);
	recording_close(&r);
	check_threads(capture, exe, sums);
	free(sums);
	test_row(NULL);
}

static void demo(void)
{
	char capture[TEST_PATH_MAX];

	if (!test_has_feature(wb_features(), "zstd"))
		TEST_SKIP("zstd");
	snprintf(capture, sizeof(capture), "%s", test_data("golden/demo/perf.data"));
	check_recording(capture, test_data("golden/demo/words"));
}

/* The corpus has files as a 4-byte size and a zlib stream. */
static bool unpack(const char *from, const char *to)
{
	size_t size;
	char *bytes = test_read_file(from, &size), *out = NULL;
	bool ok = false;

	if (bytes && size >= 4) {
		size_t out_size = (size_t)(uint8_t)bytes[0] << 24 | (size_t)(uint8_t)bytes[1] << 16 | (size_t)(uint8_t)bytes[2] << 8 | (uint8_t)bytes[3];

		out = malloc(out_size);
		ok = out && wb_inflate_zlib(bytes + 4, size - 4, out, out_size) == WB_OK && test_write_file(to, out, out_size);
	}
	free(out);
	free(bytes);
	return ok;
}

static void corpus(void)
{
	static const struct { const char *capture, *exe, *name; } table[] = {
		{ "perf/perfparser/vector_static_gcc/perf.data.zlib", "perf/perfparser/vector_static_gcc/vector_static_gcc_v9.1.0.zlib",
		  "vector_static_gcc_v9.1.0" },
		{ "perf/perfparser/vector_static_gcc/perf.data.zstd.zlib", "perf/perfparser/vector_static_gcc/vector_static_gcc_v9.1.0.zlib",
		  "vector_static_gcc_v9.1.0" },
		{ "perf/perfparser/fork_static_gcc/perf.data.zstd.zlib", "perf/perfparser/fork_static_gcc/fork.zlib", "fork" },
	};

	if (!test_corpus("README.md"))
		TEST_SKIP("the corpus");
	if (!test_has_feature(wb_features(), "zstd"))
		TEST_SKIP("zstd");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char capture[TEST_PATH_MAX], exe[TEST_PATH_MAX];

		snprintf(capture, sizeof(capture), "%s", test_tmp("perf.data"));
		snprintf(exe, sizeof(exe), "%s", test_tmp(table[i].name));
		if (CHECK(unpack(test_corpus(table[i].capture), capture)) && CHECK(unpack(test_corpus(table[i].exe), exe)))
			check_recording(capture, exe);
	}
}

int main(int argc, char **argv)
{
	if (argc == 1)
		TEST_RUN(demo);
	else if (argc == 2 && !strcmp(argv[1], "corpus"))
		TEST_RUN(corpus);
	else
		for (int i = 1; i < argc; i++)
			check_recording(argv[i], NULL);
	return test_summary();
}
