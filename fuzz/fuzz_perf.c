/* SPDX-License-Identifier: MIT */
/*
 * perf.data from any bytes. All that a sample points to must be there; reading from memory and from a stream in small pieces must give the
 * same samples, whatever the size of the batches.
 */
#include "fuzz/fuzz.h"

#include <walkback/walkback.h>

#include <string.h>

struct stream { const uint8_t *bytes; size_t size, at; };

static enum wb_err read_stream(void *arg, void *buffer, size_t count, size_t *ret_got)
{
	struct stream *stream = arg;
	size_t left = stream->size - stream->at, got = left < count ? left : count;

	got = got < 61 ? got : 61;
	if (got)
		memcpy(buffer, stream->bytes + stream->at, got);
	stream->at += got;
	*ret_got = got;
	return WB_OK;
}

/* Touches every byte; a number that two equal readings share. */
static uint64_t sum_of(const struct wb_sample *sample)
{
	uint64_t sum = sample->time_ns * 31 + sample->tid + sample->weight + strlen(sample->comm);

	FUZZ_ASSERT(sample->num_contexts + sample->num_given > 0 || !sample->num_regions);
	for (size_t i = 0; i < sample->num_contexts; i++)
		for (size_t k = 0; k < sample->contexts[i].num_regs; k++)
			sum = sum * 31 + sample->contexts[i].regs[k].number + sample->contexts[i].regs[k].value;
	for (size_t i = 0; i < sample->num_given; i++) {
		FUZZ_ASSERT(sample->given[i].kind >= WB_GIVEN_KERNEL && sample->given[i].kind <= WB_GIVEN_HYPERVISOR);
		sum = sum * 31 + sample->given[i].address;
	}
	for (size_t i = 0; i < sample->num_regions; i++) {
		const uint8_t *bytes = sample->regions[i].bytes;

		FUZZ_ASSERT(sample->regions[i].address <= UINT64_MAX - sample->regions[i].size);
		for (size_t k = 0; k < sample->regions[i].size; k++)
			sum += bytes[k];
	}
	return sum;
}

static uint64_t read_all(struct wb_capture *capture, size_t batch_size, uint64_t *ret_count)
{
	struct wb_capture_info info = { .size = sizeof info };
	struct wb_batch *batch;
	uint64_t sum = 0;
	enum wb_err err;

	*ret_count = 0;
	while ((err = wb_capture_next_batch(capture, batch_size, &batch)) == WB_OK) {
		FUZZ_ASSERT(batch->count > 0 && batch->count <= batch_size && batch->first == *ret_count);
		for (size_t i = 0; i < batch->count; i++) {
			FUZZ_ASSERT(batch->items[i].space != NULL);
			sum = sum * 31 + sum_of(batch->items[i].sample);
		}
		*ret_count += batch->count;
		wb_batch_free(batch);
	}
	FUZZ_ASSERT(err != WB_ERR_ARGUMENT && err != WB_ERR_ABI);
	FUZZ_ASSERT(wb_capture_info(capture, &info) == WB_OK && info.samples == *ret_count);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct stream stream = { bytes, size, 0 };
	struct wb_session *session;
	struct wb_capture *capture;
	uint64_t sum, count, again;
	int pipe = size >= 16 && (bytes[8] == 16 || bytes[15] == 16);

	FUZZ_ASSERT(wb_session_new(NULL, &session) == WB_OK);
	if (wb_capture_open_bytes(session, "fuzz", bytes, size, NULL, &capture) == WB_OK) {
		sum = read_all(capture, 7, &count);
		wb_capture_free(capture);
		FUZZ_ASSERT(wb_capture_open_bytes(session, "fuzz", bytes, size, NULL, &capture) == WB_OK);
		FUZZ_ASSERT(read_all(capture, 100, &again) == sum && again == count);
		wb_capture_free(capture);
		if (pipe && wb_capture_open_stream(session, "fuzz", read_stream, &stream, NULL, &capture) == WB_OK) {
			FUZZ_ASSERT(read_all(capture, 1, &again) == sum && again == count);
			wb_capture_free(capture);
		}
	}
	wb_session_free(session);
	return 0;
}
