/* SPDX-License-Identifier: MIT */
/*
 * Recordings of many versions of perf, 3.2 to 6.16, on three architectures. The numbers of samples are those of `perf report --stats` (6.1, and
 * 7.2 where 6.1 cannot read the file). Where neither can, the number is from the same recording in its other form, or ours.
 */
#include "capture_reader.h"

#include "base/inflate.h"

#include <stdio.h>

static struct reader reader;

struct recording {
	const char *name;
	uint64_t samples, lost;
	enum wb_arch arch;
	enum wb_err end;
};

static const struct recording recordings[] = {
	{ "perf/quipper/perf.data.armv7-3.4", 3893, 0, WB_ARCH_ARM, WB_NONE },
	{ "perf/quipper/perf.data.branch-4.14", 13, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/quipper/perf.data.callgraph-3.8", 1768, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/quipper/perf.data.ctx_switch_namespaces-4.14", 2, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/quipper/perf.data.forkexit-3.8", 10335, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/quipper/perf.data.group_desc-4.14", 13, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/quipper/perf.data.hybrid_topology", 7, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/quipper/perf.data.intel_pt-4.14", 15, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/quipper/perf.data.lost_samples-4.4", 191, 2, WB_ARCH_X86_64, WB_NONE },
	/* A sample of size 0. */
	{ "perf/quipper/perf.data.piped.corrupted.zero_size_sample-3.2", 0, 0, WB_ARCH_UNKNOWN, WB_ERR_DATA },
	{ "perf/quipper/perf.data.piped.header_features-4.16", 2, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/quipper/perf.data.piped.header_features_aligned-6.12", 9, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/quipper/perf.data.piped.hw_and_sw-3.4", 4275, 0, WB_ARCH_UNKNOWN, WB_NONE },
	{ "perf/quipper/perf.data.piped.lost_samples-4.4", 191, 2, WB_ARCH_UNKNOWN, WB_NONE },
	{ "perf/quipper/perf.data.piped.no_attr_ids-4.14", 7, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/quipper/perf.data.singleprocess-3.8", 13, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/perfparser/probe.data.file", 1, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/perfparser/probe.data.stream", 1, 0, WB_ARCH_UNKNOWN, WB_NONE },
	{ "perf/linux-perf-data/sleep.data", 7, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/linux-perf-data/sleep.compressed.data", 8, 0, WB_ARCH_AARCH64, WB_NONE },
	{ "perf/linux-perf-data/sleep.compressed.pipe.data", 8, 0, WB_ARCH_AARCH64, WB_NONE },
	{ "perf/linux-perf-data/sleep.compressed2.data", 7, 0, WB_ARCH_X86_64, WB_NONE },
	/* perf's own messages follow the recording. */
	{ "perf/linux-perf-data/sleep.compressed2.pipe.data", 7, 0, WB_ARCH_X86_64, WB_ERR_DATA },
	{ "perf/linux-perf-data/fibo.compressed2.pipe.data", 547, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/perfparser/vector_static_gcc/perf.data.zlib", 45, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/perfparser/vector_static_gcc/perf.data.zstd.zlib", 34, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/perfparser/vector_static_gcc/perf.lbr.data.zlib", 29, 0, WB_ARCH_X86_64, WB_NONE },
	{ "perf/perfparser/fork_static_gcc/perf.data.zstd.zlib", 106, 0, WB_ARCH_X86_64, WB_NONE },
};

/* The file's bytes; "*.zlib" is a 4-byte big-endian size and a zlib stream. NULL: it cannot be unpacked here. */
static char *load(const char *path, size_t *ret_size)
{
	size_t size, out_size, name_size = strlen(path);
	char *bytes = test_read_file(path, &size), *out;

	*ret_size = size;
	if (!bytes || name_size < 5 || strcmp(path + name_size - 5, ".zlib") || size < 4)
		return bytes;
	out_size = (size_t)(uint8_t)bytes[0] << 24 | (size_t)(uint8_t)bytes[1] << 16 | (size_t)(uint8_t)bytes[2] << 8 | (uint8_t)bytes[3];
	out = malloc(out_size);
	if (out && wb_inflate_zlib(bytes + 4, size - 4, out, out_size) != WB_OK) {
		free(out);
		out = NULL;
	}
	free(bytes);
	*ret_size = out_size;
	return out;
}

/* Counts to the end. Times never go back, and every context comes with the registers that the attr asked for. */
static void count_samples(const struct recording *recording)
{
	struct wb_capture_info info = { .size = sizeof info };
	uint64_t count = 0, last = 0, of_events = 0;
	struct wb_batch *batch;
	enum wb_err end;

	REQUIRE(reader.opened == WB_OK);
	while ((end = wb_capture_next_batch(reader.capture, 100, &batch)) == WB_OK) {
		for (size_t i = 0; i < batch->count; i++) {
			CHECK(batch->items[i].sample->time_ns >= last);
			last = batch->items[i].sample->time_ns;
			CHECK(batch->items[i].sample->num_contexts + batch->items[i].sample->num_given > 0);
		}
		count += batch->count;
		wb_batch_free(batch);
	}
	if (end == WB_ERR_UNSUPPORTED)
		TEST_SKIP("zstd");
	CHECK_EQ_I64(end, recording->end);
	CHECK_EQ_U64(count, recording->samples);
	REQUIRE(wb_capture_info(reader.capture, &info) == WB_OK);
	CHECK_EQ_U64(info.samples, count);
	CHECK_EQ_U64(info.lost_samples, recording->lost);
	CHECK_EQ_U64(info.platform.arch, recording->arch);
	for (size_t i = 0; i < info.num_events; i++)
		of_events += info.events[i].samples;
	CHECK_EQ_U64(of_events, count);
}

static void reads_the_corpus(void)
{
	for (size_t i = 0; i < sizeof recordings / sizeof recordings[0]; i++) {
		const char *path = test_corpus(recordings[i].name);
		size_t size;
		char *bytes;

		test_row(recordings[i].name);
		if (!path)
			TEST_SKIP("no corpus");
		bytes = load(path, &size);
		if (!bytes)
			TEST_SKIP("zlib");
		reader_open(&reader, bytes, size, 0, NULL);
		count_samples(&recordings[i]);
		reader_close(&reader);
		free(bytes);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(reads_the_corpus);
	return test_summary();
}
