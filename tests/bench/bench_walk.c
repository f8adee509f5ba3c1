/* SPDX-License-Identifier: MIT */
/*
 * The driver that all bench_walk_* programs share; see bench_walk.h.
 */
#include <inttypes.h>
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

static struct pass run_pass(const struct bench_engine *engine, void *state, const struct flat *flat, size_t distinct, int forget, FILE *out)
{
	static uint64_t pcs[BENCH_MAX_FRAMES];
	struct pass pass = { 0 };
	double start = cpu_seconds();

	for (size_t i = 0; i < flat->num_samples; i++) {
		const struct flat_sample *sample = flat->samples[i % distinct];
		int complete = 0;

		if (forget)
			engine->forget(state);
		size_t count = engine->walk(state, sample, out ? pcs : NULL, &complete);
		pass.frames += count;
		pass.complete += complete != 0;
		if (out)
			write_frames(out, sample, pcs, count, complete);
	}
	pass.seconds = cpu_seconds() - start;
	return pass;
}

int bench_walk_main(int argc, char **argv, const struct bench_engine *engine)
{
	struct flat flat;
	void *state;
	FILE *out = NULL;
	size_t distinct = SIZE_MAX;
	int passes = 2, forget = 0, option;

	while ((option = getopt(argc, argv, "p:n:fo:")) != -1) {
		if (option == 'p')
			passes = atoi(optarg);
		else if (option == 'n')
			distinct = strtoul(optarg, NULL, 10);
		else if (option == 'f')
			forget = engine->forget != NULL;
		else if (option == 'o')
			out = fopen(optarg, "w");
		if (option == '?' || (option == 'o' && !out))
			return 2;
	}
	if (optind != argc - 1 || passes < 1 || distinct < 1) {
		fprintf(stderr, "usage: %s [-p PASSES] [-n DISTINCT] [-f] [-o FRAMES] FLAT\n", argv[0]);
		return 2;
	}
	if (flat_open(argv[optind], &flat) != 0 || engine->open(&flat, &state) != 0)
		return 1;
	for (int i = 1; i <= passes; i++) {
		struct pass pass = run_pass(engine, state, &flat, distinct, forget && i > 1, i == passes ? out : NULL);

		printf("%s pass=%d samples=%zu frames=%" PRIu64 " complete=%" PRIu64 " cpu_s=%.4f ns_per_frame=%.1f\n", engine->name,
		       i, flat.num_samples, pass.frames, pass.complete, pass.seconds,
		       pass.frames ? 1e9 * pass.seconds / (double)pass.frames : 0.0);
	}
	return out && fclose(out) != 0;
}
