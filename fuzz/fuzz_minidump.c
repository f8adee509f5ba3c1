/* SPDX-License-Identifier: MIT */
/* Minidumps from any bytes: all that samples and the dump's description point to must be there, two readings be the same, and a run never fail. */
#include "fuzz/fuzz.h"

#include <walkback/walkback.h>

#include <string.h>

static uint64_t sum_of(const struct wb_sample *sample)
{
	uint64_t sum = sample->tid + sample->flags + strlen(sample->comm);

	for (size_t i = 0; i < sample->num_contexts; i++)
		for (size_t k = 0; k < sample->contexts[i].num_regs; k++)
			sum = sum * 31 + sample->contexts[i].regs[k].number + sample->contexts[i].regs[k].value;
	for (size_t i = 0; i < sample->num_regions; i++) {
		const uint8_t *bytes = sample->regions[i].bytes;

		FUZZ_ASSERT(sample->regions[i].address <= UINT64_MAX - sample->regions[i].size);
		for (size_t k = 0; k < sample->regions[i].size; k++)
			sum += bytes[k];
	}
	return sum;
}

static uint64_t sum_of_modules(const struct wb_dump_module *modules, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		FUZZ_ASSERT(modules[i].start <= modules[i].end);
		sum += strlen(modules[i].path) + strlen(modules[i].debug_id) + strlen(modules[i].code_id) + strlen(modules[i].version) +
		       strlen(modules[i].debug_file);
	}
	return sum;
}

static uint64_t sum_of_dump(const struct wb_dump *dump)
{
	uint64_t sum = strlen(dump->crash_type) + strlen(dump->assertion) + strlen(dump->os_name) + strlen(dump->os_version) + strlen(dump->cpu_info);

	for (size_t i = 0; i < dump->num_notes; i++)
		sum = sum * 31 + strlen(dump->notes[i].key) + strlen(dump->notes[i].value);
	for (size_t i = 0; i < dump->num_environment; i++)
		sum = sum * 31 + strlen(dump->environment[i]);
	for (size_t i = 0; i < 2 * dump->num_auxv; i++)
		sum = sum * 31 + dump->auxv[i];
	return sum + sum_of_modules(dump->modules, dump->num_modules) + sum_of_modules(dump->unloaded, dump->num_unloaded);
}

static uint64_t read_all(struct wb_session *session, const uint8_t *bytes, size_t size, size_t batch_size)
{
	struct wb_capture_info info = { .size = sizeof info };
	struct wb_capture *capture;
	struct wb_batch *batch;
	uint64_t sum = 0;

	if (wb_capture_open_bytes(session, "fuzz", bytes, size, NULL, &capture) != WB_OK)
		return 0;
	while (wb_capture_next_batch(capture, batch_size, &batch) == WB_OK) {
		for (size_t i = 0; i < batch->count; i++) {
			FUZZ_ASSERT(batch->items[i].space != NULL);
			sum = sum * 31 + sum_of(batch->items[i].sample);
		}
		wb_batch_free(batch);
	}
	FUZZ_ASSERT(wb_capture_info(capture, &info) == WB_OK && info.dump != NULL);
	sum += sum_of_dump(info.dump);
	wb_capture_free(capture);
	return sum;
}

static enum wb_err count_bytes(void *arg, const void *bytes, size_t count)
{
	FUZZ_ASSERT(bytes != NULL || !count);
	*(uint64_t *)arg += count;
	return WB_OK;
}

/* The whole way: walks by guesses, names, both forms of output. */
static uint64_t write_all(struct wb_session *session, const uint8_t *bytes, size_t size, const char *format)
{
	struct wb_sink_opts opts = { .size = sizeof opts, .session = session };
	struct wb_run_opts run = { .size = sizeof run, .threads = 1 };
	struct wb_capture *capture;
	struct wb_sink *sink;
	uint64_t count = 0;

	if (wb_capture_open_bytes(session, "fuzz", bytes, size, NULL, &capture) != WB_OK)
		return 0;
	FUZZ_ASSERT(wb_sink_new(format, &opts, count_bytes, &count, &sink) == WB_OK);
	FUZZ_ASSERT(wb_run(session, capture, sink, &run, NULL) == WB_OK && count > 0);
	wb_sink_free(sink);
	wb_capture_free(capture);
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct wb_session *session;
	uint64_t sum;

	/* Other captures have targets of their own. */
	if (size < 4 || (memcmp(bytes, "MDMP", 4) && memcmp(bytes, "PMDM", 4)))
		return 0;
	FUZZ_ASSERT(wb_session_new(NULL, &session) == WB_OK);
	sum = read_all(session, bytes, size, 3);
	FUZZ_ASSERT(read_all(session, bytes, size, 100) == sum);
	FUZZ_ASSERT(write_all(session, bytes, size, "text") == write_all(session, bytes, size, "text"));
	write_all(session, bytes, size, "minidump-json");
	wb_session_free(session);
	return 0;
}
