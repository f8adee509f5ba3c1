/* SPDX-License-Identifier: MIT */
/*
 * The library's symbolizer by itself: what an address costs the first time and once it was answered, for one thread and for several on one
 * image, each with a symbolizer of its own.
 *
 * usage: bench_symbolize OBJECT ADDRESSES [THREADS]
 *
 * Times are of the processor, so that other programs on the machine do not count: per address, of all threads together, and of the busiest
 * one, which is what a run would take on a machine that has nothing else to do.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <walkback/walkback.h>

enum { ADDRESSES_MAX = 1 << 20, THREADS_MAX = 64, WARM_LOOKUPS = 5000000 };

struct bench {
	struct wb_session *session;
	struct wb_image *image;
	uint64_t *addresses;
	size_t count;
	unsigned threads;
};

struct worker {
	const struct bench *bench;
	struct wb_symbolizer *symbolizer;
	unsigned number;
	size_t sites;
	double cold, warm;            /* seconds */
	enum wb_err err;
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Thread i of n takes the i-th of n parts: addresses are sorted. */
static void look_up(struct worker *worker)
{
	const struct bench *bench = worker->bench;
	size_t first = bench->count * worker->number / bench->threads, last = bench->count * (worker->number + 1) / bench->threads;

	for (size_t i = first; i < last && !worker->err; i++) {
		const struct wb_site *sites;
		size_t count = 0;

		worker->err = wb_symbolize(worker->symbolizer, bench->image, bench->addresses[i], WB_PC_EXACT, &sites, &count);
		worker->sites += count;
	}
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	const struct bench *bench = worker->bench;
	size_t part = bench->count / bench->threads;
	double start = seconds();

	look_up(worker);
	worker->cold = seconds() - start;
	start = seconds();
	for (size_t done = 0; part && done < WARM_LOOKUPS && !worker->err; done += part)
		look_up(worker);
	worker->warm = seconds() - start;
	return NULL;
}

static int by_value(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static bool read_addresses(const char *path, struct bench *bench)
{
	FILE *file = fopen(path, "r");
	unsigned long long address;

	bench->addresses = calloc(ADDRESSES_MAX, sizeof(*bench->addresses));
	while (file && bench->addresses && bench->count < ADDRESSES_MAX && fscanf(file, "%llx", &address) == 1)
		bench->addresses[bench->count++] = address;
	if (file)
		fclose(file);
	if (bench->count)
		qsort(bench->addresses, bench->count, sizeof(*bench->addresses), by_value);
	return bench->count > 0;
}

static int run(struct bench *bench)
{
	struct worker workers[THREADS_MAX] = { { NULL, NULL, 0, 0, 0, 0, WB_OK } };
	double cold = 0, busiest = 0, warm = 0;
	pthread_t threads[THREADS_MAX];
	size_t sites = 0;

	for (unsigned i = 0; i < bench->threads; i++) {
		workers[i] = (struct worker){ .bench = bench, .number = i };
		if (wb_symbolizer_new(bench->session, NULL, &workers[i].symbolizer) || pthread_create(&threads[i], NULL, work, &workers[i]))
			return 1;
	}
	for (unsigned i = 0; i < bench->threads; i++) {
		size_t part = bench->count / bench->threads;

		pthread_join(threads[i], NULL);
		if (workers[i].err) {
			fprintf(stderr, "%s\n", wb_err_text(workers[i].err));
			return 1;
		}
		cold += workers[i].cold;
		busiest = workers[i].cold > busiest ? workers[i].cold : busiest;
		warm += part ? workers[i].warm / (double)((WARM_LOOKUPS + part - 1) / part * part) / bench->threads : 0;
		sites += workers[i].sites;
		wb_symbolizer_free(workers[i].symbolizer);
	}
	printf("%u threads, %zu addresses: cold %.3f s, busiest thread %.3f s; warm %.1f ns a lookup (%zu sites in all)\n", bench->threads, bench->count,
	       cold, busiest, warm * 1e9, sites);
	return 0;
}

int main(int argc, char **argv)
{
	struct wb_session_opts opts = { .size = sizeof(opts), .files_are_stable = 1, .trust_unverified = 1 };
	struct bench bench = { .threads = argc > 3 ? (unsigned)atoi(argv[3]) : 1 };
	int status = 1;

	if (argc < 3 || bench.threads < 1 || bench.threads > THREADS_MAX || !read_addresses(argv[2], &bench)) {
		fprintf(stderr, "usage: bench_symbolize OBJECT ADDRESSES [THREADS]\n");
		return 2;
	}
	if (!wb_session_new(&opts, &bench.session) && !wb_image_open(bench.session, argv[1], &bench.image))
		status = run(&bench);
	else
		fprintf(stderr, "%s: not opened\n", argv[1]);
	wb_image_unref(bench.image);
	wb_session_free(bench.session);
	free(bench.addresses);
	return status;
}
