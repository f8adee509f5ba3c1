/* SPDX-License-Identifier: MIT */
/* The folder form: a header, and a file of records per writing thread, whose samples come out in one order. */
#include "capture_reader.h"
#include "perf_writer.h"

static struct perf_writer writer;
static struct reader reader;

static const struct perf_attr attr = { .type = 1, .sample_type = S_IP | S_TID | S_TIME, .flags = ATTR_SAMPLE_ID_ALL };

static void sample(uint64_t time)
{
	w_begin(&writer, T_SAMPLE, M_USER);
	w_u64(&writer, 0x1000 + time);
	w_u64(&writer, 5 | UINT64_C(5) << 32);
	w_u64(&writer, time);
	w_end(&writer);
}

static void write_file(const char *folder, const char *name, size_t size)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	test_write_file(path, writer.bytes, size);
}

/* Samples 1 to 6 over three files, each with a round mark in its middle. `cut` bytes are missing at the end of the second. */
static void write_folder(const char *folder, size_t cut)
{
	CHECK(mkdir(folder, 0700) == 0);
	w_file(&writer, false, 2, &attr, 1);
	w_comm(&writer, 0, 5, 5, "prog");
	w_u64(&writer, 5 | UINT64_C(5) << 32);
	w_u64(&writer, 0);
	w_end(&writer);
	sample(4);
	w_file_data_end(&writer, 1 << F_ARCH);
	w_feature_string(&writer, "x86_64");
	w_file_feature_end(&writer);
	write_file(folder, "data", writer.size);

	writer.size = 0;
	sample(2);
	w_empty(&writer, T_FINISHED_ROUND);
	sample(5);
	w_empty(&writer, T_FINISHED_ROUND);
	sample(6);
	write_file(folder, "data.0", writer.size - cut);

	writer.size = 0;
	sample(1);
	w_empty(&writer, T_FINISHED_ROUND);
	sample(3);
	write_file(folder, "data.1", writer.size);
	write_file(folder, "data.3", writer.size); /* not the next number: not of this recording */
}

static void read_folder(const char *folder)
{
	reader_open(&reader, "PERF", 4, 0, NULL); /* for its session */
	reader.diags = 0;
	reader.diag[0] = 0;
	reader.opened = wb_capture_open(reader.session, folder, NULL, &reader.capture);
	reader_read_all(&reader, 2);
}

static void joins_the_files(void)
{
	char folder[4096];
	struct wb_capture_info info = { .size = sizeof info };

	snprintf(folder, sizeof folder, "%s", test_tmp("perf.data"));
	write_folder(folder, 0);
	read_folder(folder);
	CHECK_EQ_I64(reader.end, WB_NONE);
	CHECK_STR(reader.diag, "");
	CHECK_EQ_U64(reader.count, 6);
	for (size_t i = 0; i < reader.count; i++) {
		CHECK_EQ_U64(reader.samples[i].time, i + 1);
		CHECK_STR(reader.samples[i].comm, "prog");
	}
	REQUIRE(wb_capture_info(reader.capture, &info) == WB_OK);
	CHECK_EQ_U64(info.platform.arch, WB_ARCH_X86_64);
	CHECK_EQ_U64(info.samples, 6);
	reader_close(&reader);
}

static void reads_the_other_files_of_a_cut_one(void)
{
	static const uint64_t expect[] = { 1, 2, 3, 4, 5 };
	char folder[4096];

	snprintf(folder, sizeof folder, "%s", test_tmp("cut.data"));
	write_folder(folder, 3);
	read_folder(folder);
	CHECK_EQ_I64(reader.end, WB_ERR_DATA);
	CHECK_EQ_U64(reader.diags, 1);
	CHECK_EQ_U64(reader.count, 5);
	for (size_t i = 0; i < reader.count && i < 5; i++)
		CHECK_EQ_U64(reader.samples[i].time, expect[i]);
	reader_close(&reader);
}

int main(void)
{
	TEST_RUN(joins_the_files);
	TEST_RUN(reads_the_other_files_of_a_cut_one);
	return test_summary();
}
