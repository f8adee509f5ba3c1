/* SPDX-License-Identifier: MIT */
/* Files: read, mapped, from bytes and from a source give the same; what is no regular file is refused; files that shrink. */
#include "test.h"

#include "base/file.h"
#include "base/mem.h"

static const char text[] = "0123456789abcdef";
enum { TEXT_SIZE = sizeof text - 1 };

static void count_release(void *arg)
{
	++*(unsigned *)arg;
}

/* Gives at most three bytes at a time. */
static enum wb_err read_slowly(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	size_t left = offset < TEXT_SIZE ? TEXT_SIZE - (size_t)offset : 0;

	(void)arg;
	*ret_got = count < 3 ? count : 3;
	if (*ret_got > left)
		*ret_got = left;
	memcpy(buffer, text + offset, *ret_got);
	return WB_OK;
}

static void check_contents(struct wb_file *file)
{
	char buffer[TEXT_SIZE + 1] = "";
	struct wb_piece piece;

	CHECK_EQ_U64(wb_file_size(file), TEXT_SIZE);
	CHECK_EQ_I64(wb_file_read(file, 0, buffer, TEXT_SIZE), WB_OK);
	CHECK_MEM(buffer, text, TEXT_SIZE);
	CHECK_EQ_I64(wb_file_read(file, 10, buffer, 6), WB_OK);
	CHECK_MEM(buffer, "abcdef", 6);
	CHECK_EQ_I64(wb_file_read(file, TEXT_SIZE, buffer, 0), WB_OK);
	CHECK_EQ_I64(wb_file_read(file, 10, buffer, 7), WB_ERR_DATA);
	CHECK_EQ_I64(wb_file_read(file, UINT64_MAX, buffer, 2), WB_ERR_DATA);
	if (CHECK(wb_file_piece(file, 4, 4, &piece) == WB_OK)) {
		CHECK_EQ_U64(piece.size, 4);
		CHECK_MEM(piece.bytes, "4567", 4);
		wb_piece_deinit(&piece);
	}
	CHECK_EQ_I64(wb_file_piece(file, 4, UINT64_MAX, &piece), WB_ERR_DATA);
	CHECK_EQ_I64(wb_file_piece(file, 17, 0, &piece), WB_ERR_DATA);
}

static void reads_every_kind(void)
{
	struct wb_file *file;
	unsigned released = 0;
	const char *path = test_tmp("text");

	REQUIRE(test_write_file(path, text, TEXT_SIZE));
	for (int map = 0; map <= 1; map++) {
		test_row(map ? "mapped" : "read");
		REQUIRE(wb_file_open(path, map != 0, &file, NULL) == WB_OK);
		CHECK((wb_file_memory(file) != NULL) == (map != 0));
		check_contents(file);
		wb_file_free(file);
	}
	test_row("bytes");
	REQUIRE(wb_file_of_bytes(text, TEXT_SIZE, count_release, &released, &file) == WB_OK);
	check_contents(file);
	wb_file_free(file);
	CHECK_EQ_U64(released, 1);

	test_row("source");
	struct wb_source source = { sizeof source, TEXT_SIZE, &released, read_slowly, count_release };
	REQUIRE(wb_file_of_source(&source, &file) == WB_OK);
	check_contents(file);
	wb_file_free(file);
	CHECK_EQ_U64(released, 2);

	test_row("no memory");
	wb_mem_fail_at(1, true);
	CHECK_EQ_I64(wb_file_of_bytes(text, TEXT_SIZE, count_release, &released, &file), WB_ERR_MEMORY);
	CHECK_EQ_I64(wb_file_of_source(&source, &file), WB_ERR_MEMORY);
	CHECK_EQ_I64(wb_file_open(path, false, &file, NULL), WB_ERR_MEMORY);
	wb_mem_fail_at(0, false);
	CHECK_EQ_U64(released, 4);
	wb_file_free(NULL);
}

static void refuses_what_is_no_file(void)
{
	struct wb_file *file = NULL;
	const char *reason = "";

	CHECK_EQ_I64(wb_file_open(test_tmp("absent"), false, &file, &reason), WB_ERR_IO);
	CHECK_STR(reason, "no such file");
	CHECK_EQ_I64(wb_file_open(test_tmp("."), false, &file, &reason), WB_ERR_IO);
	CHECK_STR(reason, "is a folder");
	CHECK_EQ_I64(wb_file_open("/dev/null", false, &file, &reason), WB_ERR_IO);
	CHECK_STR(reason, "not a regular file");
	/* A fifo without a writer must not hang the open. */
	const char *fifo = test_tmp("fifo");
	REQUIRE(mkfifo(fifo, 0600) == 0);
	CHECK_EQ_I64(wb_file_open(fifo, false, &file, &reason), WB_ERR_IO);
	CHECK_STR(reason, "not a regular file");
	CHECK_EQ_I64(wb_file_kind(fifo), WB_FILE_KIND_OTHER);
	CHECK_EQ_I64(wb_file_kind(test_tmp("absent")), WB_FILE_KIND_NONE);
	CHECK_EQ_I64(wb_file_kind(test_tmp(".")), WB_FILE_KIND_FOLDER);
	CHECK(file == NULL);
}

static void survives_shrinking(void)
{
	const char *path = test_tmp("shrinks");
	struct wb_file *file;
	char buffer[TEXT_SIZE];

	REQUIRE(test_write_file(path, text, TEXT_SIZE));
	REQUIRE(wb_file_open(path, false, &file, NULL) == WB_OK);
	REQUIRE(truncate(path, 4) == 0);
	CHECK_EQ_I64(wb_file_read(file, 0, buffer, TEXT_SIZE), WB_ERR_DATA);
	CHECK_EQ_I64(wb_file_read(file, 0, buffer, 4), WB_OK);
	wb_file_free(file);
}

static void opens_the_empty_file(void)
{
	const char *path = test_tmp("empty");
	struct wb_file *file;
	struct wb_piece piece;

	REQUIRE(test_write_file(path, "", 0));
	for (int map = 0; map <= 1; map++) {
		REQUIRE(wb_file_open(path, map != 0, &file, NULL) == WB_OK);
		CHECK_EQ_U64(wb_file_size(file), 0);
		CHECK_EQ_I64(wb_file_piece(file, 0, 0, &piece), WB_OK);
		wb_piece_deinit(&piece);
		wb_file_free(file);
	}
}

static void writes_only_new_files(void)
{
	const char *path = test_tmp("new"), *reason = "";
	size_t size = 0;

	CHECK_EQ_I64(wb_file_write_new(path, text, TEXT_SIZE, &reason), WB_OK);
	CHECK_EQ_I64(wb_file_write_new(path, "x", 1, &reason), WB_ERR_IO);
	CHECK_STR(reason, "is there already");
	char *bytes = test_read_file(path, &size);
	REQUIRE(bytes != NULL);
	CHECK_EQ_U64(size, TEXT_SIZE);
	CHECK_MEM(bytes, text, TEXT_SIZE);
	free(bytes);
	CHECK_EQ_I64(wb_file_make_folder(test_tmp("folder")), WB_OK);
	CHECK_EQ_I64(wb_file_make_folder(test_tmp("folder")), WB_ERR_IO);
}

/* Nothing but the cost of touching memory may change: what is in it, and what lies around it, stays. */
static void expects_memory(void)
{
	enum { LARGE = 2 << 20 };
	static const size_t sizes[] = { 0, 1, LARGE - 1, LARGE, 2 * LARGE + 4097 };
	uint8_t *memory = wb_mem_zalloc(3 * LARGE, 1);

	CHECK(memory != NULL);
	for (size_t i = 0; memory && i < sizeof sizes / sizeof *sizes; i++) {
		memory[0] = 1;
		memory[LARGE + 17] = 2;
		memory[sizes[i] + 1] = 3;
		wb_file_expect(memory + 1, sizes[i]);
		CHECK(memory[0] == 1 && memory[LARGE + 17] == 2 && memory[sizes[i] + 1] == 3);
		memory[sizes[i] + 1] = 0;
	}
	wb_mem_free(memory);
}

static void knows_the_host(void)
{
	char host[65], release[65], small[2], other[2];

	wb_file_host(host, sizeof host, release, sizeof release);
	CHECK(release[0] != '\0');
	wb_file_host(small, sizeof small, other, sizeof other);
	CHECK(small[1] == '\0' && other[0] == release[0] && other[1] == '\0');
}

int main(void)
{
	TEST_RUN(reads_every_kind);
	TEST_RUN(refuses_what_is_no_file);
	TEST_RUN(survives_shrinking);
	TEST_RUN(opens_the_empty_file);
	TEST_RUN(writes_only_new_files);
	TEST_RUN(expects_memory);
	TEST_RUN(knows_the_host);
	return test_summary();
}
