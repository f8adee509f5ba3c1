/* SPDX-License-Identifier: MIT */
/*
 * `walkback symbolize` with any standard input: the first byte chooses options, the rest are the lines. It ends with status 0, asking again gives the
 * same, what is said to be JSON is JSON, and a question gets an answer of its own and no more. Or the rest is a response file: its words are the same
 * again, and no longer than the file.
 */
#define _GNU_SOURCE

#include "tests/dwarf_make.h"
#include "tools/cmd.h"
#include "tools/response.h"

#include "fuzz.h"
#include "json_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { OUTPUT_MAX = 1 << 20, CHOICES = 5 };

/* Not at a number that the command takes for a standard stream: it closes its standard output, to learn of full disks. */
static int make_file(const char *name)
{
	int made = memfd_create(name, 0), fd = fcntl(made, F_DUPFD, STDERR_FILENO + 1);

	FUZZ_ASSERT(made >= 0 && fd >= 0 && !close(made));
	return fd;
}

/* A function and one that was inlined into it; C++ in name. */
static int make_object(void)
{
	struct dwarf_make m;
	uint64_t lines, leaf;
	uint8_t *file;
	size_t size;
	int fd = make_file("object");

	dwarf_make_init(&m, (struct dwarf_format){ .version = 5, .offset_size = 4, .address_size = 8 });
	lines = dwarf_lines_start(&m, NULL);
	dwarf_row(&m, 0x1000, 1, 10, 0);
	dwarf_row(&m, 0x1004, 2, 20, 7);
	dwarf_sequence_end(&m, 0x1010);
	dwarf_lines_end(&m);
	dwarf_unit_start(&m);
	DWARF_OPEN(&m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_CODE(0x1000, 0x100), AT_LINES(lines));
	leaf = DWARF_ENTRY(&m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));
	DWARF_OPEN(&m, WB_TAG_SUBPROGRAM, AT_NAME("outer"), AT_CODE(0x1000, 0x10));
	DWARF_ENTRY(&m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1004, 4), AT_CALL(1, 12, 3));
	dwarf_close(&m);
	dwarf_close(&m);
	dwarf_unit_end(&m);
	file = dwarf_make_object(&m, &size);
	dwarf_make_deinit(&m);
	FUZZ_ASSERT(write(fd, file, size) == (ssize_t)size);
	free(file);
	return fd;
}

static void set_file(int fd, const void *bytes, size_t size)
{
	FUZZ_ASSERT(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	FUZZ_ASSERT(!size || write(fd, bytes, size) == (ssize_t)size);
	FUZZ_ASSERT(lseek(fd, 0, SEEK_SET) == 0);
}

/* The command's output; its status must be 0. */
static size_t run(int argc, char **argv, const uint8_t *bytes, size_t size, char *output)
{
	static int in = -1, out = -1;
	ssize_t got;

	if (in < 0) {
		in = make_file("in");
		out = make_file("out");
		FUZZ_ASSERT(dup2(in, STDIN_FILENO) == STDIN_FILENO);
	}
	set_file(in, bytes, size);
	set_file(out, NULL, 0);
	FUZZ_ASSERT(dup2(out, STDOUT_FILENO) == STDOUT_FILENO);
	FUZZ_ASSERT(wb_cmd_symbolize(argc, argv) == 0);
	got = pread(out, output, OUTPUT_MAX, 0);
	FUZZ_ASSERT(got >= 0);
	return (size_t)got;
}

/* Lines end with LF; what is behind the last one is a line too. */
static size_t count_lines(const uint8_t *bytes, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += bytes[i] == '\n' || i + 1 == size;
	return count;
}

/* `@FILE` in a file is a file again: of those that are named here, none is there. */
static void check_response(const uint8_t *bytes, size_t size)
{
	static char name[32];
	static int fd = -1;
	char *argv[] = { (char *)"symbolize", name, NULL };
	struct wb_response response, again;
	size_t length = 0;

	if (size && memchr(bytes, '@', size))
		return;
	if (fd < 0)
		fd = make_file("words");
	snprintf(name, sizeof(name), "@/proc/self/fd/%d", fd);
	set_file(fd, bytes, size);
	wb_response_init(&response, 2, argv);
	set_file(fd, bytes, size);
	wb_response_init(&again, 2, argv);
	FUZZ_ASSERT(response.argc == again.argc && response.argc >= 1 && !response.argv[response.argc]);
	for (int i = 0; i < response.argc; i++) {
		FUZZ_ASSERT(!strcmp(response.argv[i], again.argv[i]));
		length += i ? strlen(response.argv[i]) + 1 : 0;
	}
	FUZZ_ASSERT(length <= size + 1);
	wb_response_deinit(&response);
	wb_response_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static char first[OUTPUT_MAX], second[OUTPUT_MAX], object[32];
	static const char *const options[CHOICES][2] = { { "--format=json", "-i" }, { "--format=llvm", "--aliases" }, { "-fiCa", "--reasons" }, { "-pf", "-s" },
	                                                 { "-fj", ".text" } };
	static int object_fd = -1;
	size_t first_size, lines;

	if (object_fd < 0) {
		object_fd = make_object();
		snprintf(object, sizeof(object), "/proc/self/fd/%d", object_fd);
	}
	if (size < 1)
		return 0;

	if (bytes[0] % (CHOICES + 1) == CHOICES) {
		check_response(bytes + 1, size - 1);
		return 0;
	}

	const char *const *chosen = options[bytes[0] % (CHOICES + 1)];
	char *argv[] = { (char *)"symbolize", (char *)"-e", object, (char *)(uintptr_t)chosen[0], (char *)(uintptr_t)chosen[1], NULL };

	first_size = run(5, argv, bytes + 1, size - 1, first);
	FUZZ_ASSERT(run(5, argv, bytes + 1, size - 1, second) == first_size && !memcmp(first, second, first_size));
	if (bytes[0] % (CHOICES + 1) == 0 && first_size < OUTPUT_MAX)
		FUZZ_ASSERT(json_is_lines(first, first_size, &lines) && lines == count_lines(bytes + 1, size - 1));
	/* With -p and without -i, a question is answered on one line. */
	if (bytes[0] % (CHOICES + 1) == 3 && first_size < OUTPUT_MAX)
		FUZZ_ASSERT(count_lines((const uint8_t *)first, first_size) == count_lines(bytes + 1, size - 1));
	return 0;
}
