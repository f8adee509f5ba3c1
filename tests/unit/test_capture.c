/* SPDX-License-Identifier: MIT */
/* The dispatcher: what is no capture, single samples and batches mixed, batches that outlive their capture. */
#include "capture_reader.h"
#include "perf_writer.h"

static struct perf_writer writer;
static struct reader reader;

enum { SAMPLES = 200 };

static void write_samples(void)
{
	static const struct perf_attr attr = { .sample_type = S_IP | S_TID | S_TIME };

	w_pipe(&writer, false);
	w_pipe_attr(&writer, &attr, 1);
	for (uint64_t i = 0; i < SAMPLES; i++) {
		w_begin(&writer, T_SAMPLE, M_USER);
		w_u64(&writer, 0x1000 + i);
		w_u64(&writer, 1 | UINT64_C(1) << 32);
		w_u64(&writer, i + 1);
		w_end(&writer);
	}
}

static void refuses_what_is_no_capture(void)
{
	static const struct { const char *name, *bytes; size_t size; enum wb_err err; const char *diag; } table[] = {
		{ "empty", "", 0, WB_ERR_DATA, "test: empty" },
		{ "text", "hello\n", 6, WB_ERR_UNSUPPORTED, "test: not a file of a known capture format" },
		{ "half a magic", "PERF", 4, WB_ERR_UNSUPPORTED, "test: not a file of a known capture format" },
		{ "magic alone", "PERFILE2", 8, WB_ERR_DATA, "test: offset 0x0: the file ends inside its header" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		for (size_t step = 0; step < 2; step++) {
			test_row(table[i].name);
			reader_open(&reader, table[i].bytes, table[i].size, step, NULL);
			CHECK_EQ_I64(reader.opened, table[i].err);
			CHECK_STR(reader.diag, table[i].diag);
			CHECK_EQ_U64(reader.diags, 1);
			CHECK(!reader.capture);
			reader_close(&reader);
		}
	}
	test_row(NULL);
}

static void refuses_paths(void)
{
	reader_open(&reader, "", 0, 0, NULL);
	reader.diags = 0;
	CHECK_EQ_I64(wb_capture_open(reader.session, "/nowhere/at/all", NULL, &reader.capture), WB_ERR_IO);
	CHECK_EQ_U64(reader.diags, 1);
	CHECK_EQ_I64(wb_capture_open(reader.session, "/dev/null", NULL, &reader.capture), WB_ERR_IO);
	CHECK_EQ_U64(reader.diags, 2);
	CHECK_EQ_I64(wb_capture_open(reader.session, "/", NULL, &reader.capture), WB_ERR_UNSUPPORTED);
	CHECK_STR(reader.diag, "/: not a folder of a known capture format");
	CHECK_EQ_I64(wb_capture_open(NULL, "x", NULL, &reader.capture), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_capture_open_bytes(reader.session, "x", NULL, 4, NULL, &reader.capture), WB_ERR_ARGUMENT);
	reader_close(&reader);
}

static void reads_a_file(void)
{
	static const char *const modes[] = { "read", "mapped" };

	write_samples();
	REQUIRE(test_write_file(test_tmp("perf.data"), writer.bytes, writer.size));
	for (int mapped = 0; mapped < 2; mapped++) {
		struct wb_session_opts opts = { .size = sizeof opts, .files_are_stable = (uint8_t)mapped };

		test_row(modes[mapped]);
		memset(&reader, 0, sizeof reader);
		REQUIRE(wb_session_new(&opts, &reader.session) == WB_OK);
		reader.opened = wb_capture_open(reader.session, test_tmp("perf.data"), NULL, &reader.capture);
		reader_read_all(&reader, 7);
		CHECK_EQ_I64(reader.end, WB_NONE);
		CHECK_EQ_U64(reader.count, SAMPLES);
		for (size_t i = 0; i < reader.count; i++)
			CHECK_EQ_U64(reader.samples[i].time, i + 1);
		reader_close(&reader);
	}
	test_row(NULL);
}

/* One by one, then batches smaller and larger than what was read ahead. */
static void mixes_single_samples_and_batches(void)
{
	static const size_t turns[] = { 0, 0, 0, 10, 3, 0, 1, 1000, 0, 0, 50, 2, 0, 9 };
	uint64_t time = 0;

	write_samples();
	reader_open(&reader, writer.bytes, writer.size, 0, NULL);
	REQUIRE(reader.opened == WB_OK);
	for (size_t i = 0; time < SAMPLES; i = (i + 1) % (sizeof turns / sizeof turns[0])) {
		const struct wb_sample *sample;
		struct wb_space *space;
		struct wb_batch *batch;

		if (!turns[i]) {
			REQUIRE(wb_capture_next(reader.capture, &space, &sample) == WB_OK);
			CHECK_EQ_U64(sample->time_ns, ++time);
			continue;
		}
		REQUIRE(wb_capture_next_batch(reader.capture, turns[i], &batch) == WB_OK);
		CHECK(batch->count > 0 && batch->count <= turns[i]);
		CHECK_EQ_U64(batch->first, time);
		for (size_t k = 0; k < batch->count; k++)
			CHECK_EQ_U64(batch->items[k].sample->time_ns, ++time);
		wb_batch_free(batch);
	}
	CHECK_EQ_I64(wb_capture_next_batch(reader.capture, 0, NULL), WB_ERR_ARGUMENT);
	reader_close(&reader);
}

static void batches_outlive_their_capture(void)
{
	struct wb_batch *batches[SAMPLES];
	size_t count = 0;
	uint64_t time = 0;

	write_samples();
	reader_open(&reader, writer.bytes, writer.size, 100, NULL);
	REQUIRE(reader.opened == WB_OK);
	while (count < SAMPLES && wb_capture_next_batch(reader.capture, 3, &batches[count]) == WB_OK)
		count++;
	reader_close(&reader);
	CHECK_EQ_U64(count, (SAMPLES + 2) / 3);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < batches[i]->count; k++)
			CHECK_EQ_U64(batches[i]->items[k].sample->time_ns, ++time);
		wb_batch_free(batches[i]);
	}
	CHECK_EQ_U64(time, SAMPLES);
	wb_batch_free(NULL);
	wb_capture_free(NULL);
}

static void says_the_end_again(void)
{
	const struct wb_sample *sample;
	struct wb_space *space;
	struct wb_batch *batch;

	write_samples();
	reader_run(&reader, writer.bytes, writer.size - 1, 0, NULL);
	CHECK_EQ_U64(reader.count, SAMPLES - 1);
	CHECK_EQ_I64(reader.end, WB_ERR_DATA);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ_I64(wb_capture_next(reader.capture, &space, &sample), WB_ERR_DATA);
		CHECK_EQ_I64(wb_capture_next_batch(reader.capture, 5, &batch), WB_ERR_DATA);
	}
	CHECK_EQ_U64(reader.diags, 1);
	reader_close(&reader);
}

int main(void)
{
	TEST_RUN(refuses_what_is_no_capture);
	TEST_RUN(refuses_paths);
	TEST_RUN(reads_a_file);
	TEST_RUN(mixes_single_samples_and_batches);
	TEST_RUN(batches_outlive_their_capture);
	TEST_RUN(says_the_end_again);
	return test_summary();
}
