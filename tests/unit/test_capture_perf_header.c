/* SPDX-License-Identifier: MIT */
/* Features of files and pipes: strings, lists, a bitmap of 32-bit words, and sizes that lie. */
#include "capture_reader.h"
#include "perf_writer.h"

static struct perf_writer writer;
static struct reader reader;

static const struct perf_attr attr = { .type = 1, .sample_type = S_IP | S_TID };

static void check_host(const char *row, const char *hostname, enum wb_arch arch, enum wb_err end, unsigned diags)
{
	struct wb_capture_info info = { .size = sizeof info };

	test_row(row);
	reader_run(&reader, writer.bytes, writer.size, 0, NULL);
	CHECK_EQ_I64(reader.end, end);
	CHECK_EQ_U64(reader.diags, diags);
	REQUIRE(reader.capture && wb_capture_info(reader.capture, &info) == WB_OK);
	CHECK_STR(info.hostname, hostname);
	CHECK_EQ_U64(info.platform.arch, arch);
	reader_close(&reader);
	test_row(NULL);
}

static void write_file(bool big, const char *hostname, const char *arch)
{
	w_file(&writer, big, 2, &attr, 1);
	w_comm(&writer, 0, 5, 5, "x");
	w_end(&writer);
	w_file_data_end(&writer, 1 << F_HOSTNAME | 1 << F_ARCH);
	w_feature_string(&writer, hostname);
	w_file_feature_end(&writer);
	w_feature_string(&writer, arch);
	w_file_feature_end(&writer);
}

static void reads_features(void)
{
	struct wb_capture_info info = { .size = sizeof info };

	write_file(false, "box", "aarch64");
	check_host("little endian", "box", WB_ARCH_AARCH64, WB_NONE, 0);
	write_file(true, "box", "s390x");
	check_host("big endian", "box", WB_ARCH_S390X, WB_NONE, 0);
	/* A 32-bit big-endian machine: the first word of the bitmap holds bits 0 to 31. */
	w_put(&writer, 72, 1 << F_HOSTNAME | 1 << F_ARCH, 4);
	w_put(&writer, 76, 0, 4);
	check_host("big endian, 32-bit words", "box", WB_ARCH_S390X, WB_NONE, 0);
	write_file(false, "box", "pdp11");
	check_host("a machine that is not known", "box", WB_ARCH_UNKNOWN, WB_NONE, 0);

	w_pipe(&writer, false);
	w_pipe_attr(&writer, &attr, 1);
	w_pipe_feature(&writer, F_HOSTNAME, "box");
	w_pipe_feature(&writer, F_ARCH, "i686");
	check_host("pipe", "box", WB_ARCH_X86, WB_NONE, 0);

	/* In a pipe, the command line is a list as in a file. */
	w_pipe(&writer, false);
	w_begin(&writer, T_FEATURE, 0);
	w_u64(&writer, F_CMDLINE);
	w_u32(&writer, 2);
	w_feature_string(&writer, "perf");
	w_feature_string(&writer, "record");
	w_end(&writer);
	reader_run(&reader, writer.bytes, writer.size, 0, NULL);
	REQUIRE(reader.capture && wb_capture_info(reader.capture, &info) == WB_OK);
	CHECK_STR(info.command_line, "perf record");
	reader_close(&reader);
}

static void survives_sizes_that_lie(void)
{
	size_t table, string;

	write_file(false, "box", "x86_64");
	table = writer.header - 32; /* two entries of {offset, size} */
	string = writer.bytes[table] | (size_t)writer.bytes[table + 1] << 8;

	w_put(&writer, string, UINT32_MAX, 4);
	check_host("a string longer than its feature", "", WB_ARCH_X86_64, WB_NONE, 1);
	w_put(&writer, string, 8, 4);
	memset(writer.bytes + string + 4, 'x', 8);
	check_host("a string without its end", "xxxxxxxx", WB_ARCH_X86_64, WB_NONE, 0);
	w_put(&writer, table + 8, 0, 8);
	check_host("an empty feature", "", WB_ARCH_X86_64, WB_NONE, 1);
	w_put(&writer, table + 8, UINT64_MAX - 4, 8);
	check_host("a feature that wraps around", "", WB_ARCH_X86_64, WB_ERR_DATA, 1);
	w_put(&writer, table, UINT64_MAX, 8);
	check_host("a feature outside the file", "", WB_ARCH_X86_64, WB_ERR_DATA, 1);
}

static void survives_ids_that_lie(void)
{
	static const struct { const char *name; uint64_t offset, size; enum wb_err err; } table[] = {
		{ "no ids", 0, 0, WB_NONE },
		{ "half an id", 104, 4, WB_NONE },
		{ "outside", UINT64_MAX - 8, 16, WB_ERR_DATA },
		{ "longer than the file", 104, UINT64_MAX - 104, WB_ERR_DATA },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		test_row(table[i].name);
		write_file(false, "box", "x86_64");
		/* Header, two ids, the attr: then where its ids are. */
		w_put(&writer, 104 + 16 + ATTR_SIZE, table[i].offset, 8);
		w_put(&writer, 104 + 16 + ATTR_SIZE + 8, table[i].size, 8);
		reader_run(&reader, writer.bytes, writer.size, 0, NULL);
		CHECK_EQ_I64(reader.end, table[i].err);
		CHECK_EQ_U64(reader.diags, table[i].err == WB_NONE ? 0 : 1);
		reader_close(&reader);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(reads_features);
	TEST_RUN(survives_sizes_that_lie);
	TEST_RUN(survives_ids_that_lie);
	return test_summary();
}
