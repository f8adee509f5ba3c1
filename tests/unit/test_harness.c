/* SPDX-License-Identifier: MIT */
/* The harness itself: files of a test can be written, read and found again. */

#include "test.h"

static void writes_and_reads_files(void)
{
	const char *path = test_tmp("bytes");
	REQUIRE(test_write_file(path, "a\0b", 3));
	size_t size = 0;
	char *bytes = test_read_file(path, &size);
	REQUIRE(bytes != NULL);
	CHECK_EQ_U64(size, 3);
	CHECK_MEM(bytes, "a\0b", 4);
	free(bytes);
}

static void finds_its_sources(void)
{
	CHECK(access(test_data("test.h"), R_OK) == 0);
}

int main(void)
{
	TEST_RUN(writes_and_reads_files);
	TEST_RUN(finds_its_sources);
	return test_summary();
}
