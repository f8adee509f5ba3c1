/* SPDX-License-Identifier: MIT */
/* The progress line. */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* The first line comes after a second: short work shows none. Then five a second. */
static const uint64_t FIRST_NS = 1000000000, EVERY_NS = 200000000;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

void wb_progress_init(struct wb_progress *progress, bool wanted)
{
	progress->on = wanted && isatty(STDERR_FILENO);
	atomic_init(&progress->shown, false);
	atomic_init(&progress->next, progress->on ? now() + FIRST_NS : 0);
}

int wb_progress_check(void *arg, uint64_t done, uint64_t total)
{
	struct wb_progress *progress = arg;
	uint64_t time, next;

	if (!progress->on)
		return 0;
	time = now();
	next = atomic_load(&progress->next);
	if (time < next || !atomic_compare_exchange_strong(&progress->next, &next, time + EVERY_NS))
		return 0;
	atomic_store(&progress->shown, true);
	if (total)
		fprintf(stderr, "\rwalkback: %3u%% of %" PRIu64 " MB\033[K", (unsigned)((double)done * 100 / (double)total), total >> 20);
	else
		fprintf(stderr, "\rwalkback: %" PRIu64 " MB\033[K", done >> 20);
	return 0;
}

void wb_progress_clear(struct wb_progress *progress)
{
	if (progress && atomic_exchange(&progress->shown, false))
		fputs("\r\033[K", stderr);
}
