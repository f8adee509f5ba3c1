/* SPDX-License-Identifier: MIT */
/*
 * The driver that all bench_walk_* programs share; see bench_walk.h.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench_walk.h"

struct pass {
	uint64_t frames, complete;
	double seconds;
};

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void write_frames(FILE *out, const struct flat_sample *sample, const uint64_t *pcs, size_t count, int complete)
{
	fprintf(out, "%" PRIu32 " %" PRIu64 " %d", sample->tid, sample->time_ns, complete);
	for (size_t i = 0; i < count; i++)
		fprintf(out, " %" PRIx64, pcs[i]);
	fputc('\n', out);
}

/* What a pass is made of. */
struct run {
	const struct bench_engine *engine;
	void *state;
	const struct flat *flat;
	size_t distinct;              /* samples; walked again and again */
	bool one_by_one, forget;      /* forget: empty the cache before each */
	FILE *out;                    /* for the frames, or NULL */
	const struct flat_sample *const *samples; /* of the call at hand */
	struct pass pass;
};

static void on_walked(void *arg, size_t index, const uint64_t *pcs, size_t count, int complete)
{
	struct run *run = arg;

	run->pass.frames += count;
	run->pass.complete += complete != 0;
	if (run->out)
		write_frames(run->out, run->samples[index], pcs, count, complete);
}

static void walk_one_by_one(struct run *run)
{
	static uint64_t pcs[BENCH_MAX_FRAMES];

	for (size_t i = 0; i < run->flat->num_samples; i++) {
		int complete = 0;

		run->samples = &run->flat->samples[i % run->distinct];
		if (run->forget)
			run->engine->forget(run->state);
		size_t count = run->engine->walk(run->state, *run->samples, run->out ? pcs : NULL, &complete);
		on_walked(run, 0, pcs, count, complete);
	}
}

static void walk_many(struct run *run)
{
	size_t left = run->flat->num_samples;

	while (left > 0) {
		size_t count = left < run->distinct ? left : run->distinct;

		run->samples = run->flat->samples;
		run->engine->walk_many(run->state, run->samples, count, run->out != NULL, on_walked, run);
		left -= count;
	}
}

static struct pass run_pass(struct run *run)
{
	double start = cpu_seconds();

	run->pass = (struct pass){ 0 };
	if (run->one_by_one || run->forget || !run->engine->walk_many)
		walk_one_by_one(run);
	else
		walk_many(run);
	run->pass.seconds = cpu_seconds() - start;
	return run->pass;
}

int bench_walk_main(int argc, char **argv, const struct bench_engine *engine)
{
	struct flat flat;
	struct run run = { .engine = engine, .flat = &flat, .distinct = SIZE_MAX };
	FILE *out = NULL;
	bool forget = false;
	int passes = 2, option;

	while ((option = getopt(argc, argv, "1p:n:fo:")) != -1) {
		if (option == 'p')
			passes = atoi(optarg);
		else if (option == 'n')
			run.distinct = strtoul(optarg, NULL, 10);
		else if (option == '1')
			run.one_by_one = true;
		else if (option == 'f')
			forget = engine->forget != NULL;
		else if (option == 'o')
			out = fopen(optarg, "w");
		if (option == '?' || (option == 'o' && !out))
			return 2;
	}
	if (optind != argc - 1 || passes < 1 || run.distinct < 1) {
		fprintf(stderr, "usage: %s [-1] [-p PASSES] [-n DISTINCT] [-f] [-o FRAMES] FLAT\n", argv[0]);
		return 2;
	}
	if (flat_open(argv[optind], &flat) != 0 || engine->open(&flat, &run.state) != 0)
		return 1;
	for (int i = 1; i <= passes; i++) {
		struct pass pass;

		run.forget = forget && i > 1;
		run.out = i == passes ? out : NULL;
		pass = run_pass(&run);

		printf("%s pass=%d samples=%zu frames=%" PRIu64 " complete=%" PRIu64 " cpu_s=%.4f ns_per_frame=%.1f\n",
		       run.one_by_one ? "one-by-one" : engine->name, i, flat.num_samples, pass.frames, pass.complete, pass.seconds,
		       pass.frames ? 1e9 * pass.seconds / (double)pass.frames : 0.0);
	}
	return out && fclose(out) != 0;
}
