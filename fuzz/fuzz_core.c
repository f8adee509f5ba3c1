/* SPDX-License-Identifier: MIT */
/*
 * ELF cores from any bytes, to the end: threads, the memory that the headers promise, and a walk of each thread. Reading twice gives the same;
 * what is in a region is what the space has there.
 */
#include "fuzz/fuzz.h"

#include <walkback/walkback.h>

#include <string.h>

enum { FRAMES = 64, THREADS = 64 };

static void check_regions(struct wb_space *space, const struct wb_sample *sample)
{
	uint8_t byte;

	for (size_t i = 0; i < sample->num_regions; i++) {
		const struct wb_region *region = &sample->regions[i];
		const uint8_t *bytes = region->bytes;

		FUZZ_ASSERT(region->size && region->address <= UINT64_MAX - region->size);
		FUZZ_ASSERT(wb_space_read(space, region->address, &byte, 1) == WB_OK && byte == bytes[0]);
		FUZZ_ASSERT(wb_space_read(space, region->address + region->size - 1, &byte, 1) == WB_OK && byte == bytes[region->size - 1]);
	}
}

static uint64_t read_all(struct wb_session *session, struct wb_capture *capture)
{
	static struct wb_frame frames[FRAMES];
	struct wb_capture_info info = { .size = sizeof info };
	const struct wb_sample *sample;
	struct wb_walker_opts opts = { .size = sizeof opts, .row_cache_entries = 16 };
	struct wb_walker *walker;
	struct wb_space *space;
	uint64_t sum = 0;

	FUZZ_ASSERT(wb_walker_new(session, &opts, &walker) == WB_OK);
	for (size_t i = 0; i < THREADS && wb_capture_next(capture, &space, &sample) == WB_OK; i++) {
		struct wb_stop stop;
		size_t count;

		check_regions(space, sample);
		FUZZ_ASSERT(wb_walk(walker, space, sample, frames, sizeof frames[0], FRAMES, &count, &stop) == WB_OK);
		for (size_t k = 0; k < count; k++)
			sum = sum * 31 + frames[k].pc;
		sum = sum * 31 + sample->tid + (uint64_t)stop.reason;
	}
	FUZZ_ASSERT(wb_capture_info(capture, &info) == WB_OK && strlen(info.crash_reason) < 256);
	FUZZ_ASSERT(info.memory_dumped <= info.memory_mapped);
	for (size_t i = 0; i < info.num_modules; i++)
		FUZZ_ASSERT(info.modules[i].path != NULL && info.modules[i].image != NULL);
	wb_walker_free(walker);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct wb_session *session;
	struct wb_capture *capture;
	uint64_t sums[2] = { 0, 0 };

	/* Others are other formats' targets. */
	if (size < 18 || memcmp(bytes, "\177ELF", 4))
		return 0;
	for (size_t i = 0; i < 2; i++) {
		FUZZ_ASSERT(wb_session_new(NULL, &session) == WB_OK);
		if (wb_capture_open_bytes(session, "fuzz", bytes, size, NULL, &capture) == WB_OK) {
			sums[i] = read_all(session, capture);
			wb_capture_free(capture);
		}
		wb_session_free(session);
	}
	FUZZ_ASSERT(sums[0] == sums[1]);
	return 0;
}
