/* SPDX-License-Identifier: MIT */
/*
 * The test harness: checks that count, cases with names, skips that show, files that go away.
 *
 *     static void reads_u16(void)
 *     {
 *         for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
 *             test_row(table[i].name);            // names the row in what fails below
 *             CHECK_EQ_U64(read(table[i].input), table[i].expect);
 *         }
 *     }
 *
 *     int main(void)
 *     {
 *         TEST_RUN(reads_u16);
 *         return test_summary();
 *     }
 *
 * A check that fails is printed and counted, and the case goes on; REQUIRE leaves the function.
 * A case that lacks what it needs says TEST_SKIP("what"), and then the program exits with 77, so
 * put cases that need the corpus or a tool into a program of their own.
 */

#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <ftw.h>
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEST_EXIT_SKIP = 77, TEST_PATH_MAX = 4096 };

struct test_state {
	atomic_uint checks;      /* may be counted from any thread */
	atomic_uint failures;    /* checks that failed, over all cases */
	unsigned cases;          /* cases run, skipped ones included */
	unsigned failed_cases;
	unsigned skipped_cases;
	bool skip;               /* the running case said TEST_SKIP */
	const char *name;        /* the running case */
	const char *row;         /* its table row, or NULL */
	char tmp[TEST_PATH_MAX]; /* folder for this program's files, or "" */
};

static struct test_state test_state;

__attribute__((format(printf, 3, 4)))
static inline bool test_check(bool ok, const char *where, const char *format, ...)
{
	atomic_fetch_add(&test_state.checks, 1);
	if (ok)
		return true;
	atomic_fetch_add(&test_state.failures, 1);
	va_list args;
	va_start(args, format);
	fprintf(stderr, "%s: %s%s%s: ", where, test_state.name ? test_state.name : "main",
			test_state.row ? " / " : "", test_state.row ? test_state.row : "");
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return false;
}

static inline bool test_check_str(const char *actual, const char *expect, const char *what,
								  const char *where)
{
	bool ok = actual == expect || (actual && expect && strcmp(actual, expect) == 0);
	return test_check(ok, where, "%s is \"%s\", expected \"%s\"", what,
					  actual ? actual : "(null)", expect ? expect : "(null)");
}

static inline bool test_check_mem(const void *actual, const void *expect, size_t size,
								  const char *what, const char *where)
{
	const uint8_t *a = actual, *e = expect;
	size_t i = 0;
	while (i < size && a[i] == e[i])
		i++;
	return test_check(i == size, where, "%s differs at byte %zu of %zu: %02x, expected %02x", what,
					  i, size, i < size ? a[i] : 0u, i < size ? e[i] : 0u);
}

#define TEST_STRINGIFY_(x) #x
#define TEST_STRINGIFY(x) TEST_STRINGIFY_(x)
#define TEST_WHERE __FILE__ ":" TEST_STRINGIFY(__LINE__)

#define CHECK(condition) test_check((condition), TEST_WHERE, "%s", #condition)
#define CHECK_EQ_U64(actual, expect)                                                               \
	test_check_u64((uint64_t)(actual), (uint64_t)(expect), #actual, TEST_WHERE)
#define CHECK_EQ_I64(actual, expect)                                                               \
	test_check_i64((int64_t)(actual), (int64_t)(expect), #actual, TEST_WHERE)
#define CHECK_STR(actual, expect) test_check_str((actual), (expect), #actual, TEST_WHERE)
#define CHECK_MEM(actual, expect, size)                                                            \
	test_check_mem((actual), (expect), (size), #actual, TEST_WHERE)

/* For conditions without which the rest of the case makes no sense. */
#define REQUIRE(condition)                                                                         \
	do {                                                                                           \
		if (!CHECK(condition))                                                                     \
			return;                                                                                \
	} while (0)

static inline bool test_check_u64(uint64_t actual, uint64_t expect, const char *what,
								  const char *where)
{
	return test_check(actual == expect, where,
					  "%s is %" PRIu64 " (0x%" PRIx64 "), expected %" PRIu64 " (0x%" PRIx64 ")",
					  what, actual, actual, expect, expect);
}

static inline bool test_check_i64(int64_t actual, int64_t expect, const char *what,
								  const char *where)
{
	return test_check(actual == expect, where, "%s is %" PRId64 ", expected %" PRId64, what, actual,
					  expect);
}

/* Names the table row that the next checks belong to; NULL ends it. */
static inline void test_row(const char *name)
{
	test_state.row = name;
}

static inline void test_skip(const char *why)
{
	if (!test_state.skip)
		printf("skip %s: %s\n", test_state.name ? test_state.name : "main", why);
	test_state.skip = true;
}

/* Leaves the case: what it needs is not here. `why` says what that is. */
#define TEST_SKIP(why)                                                                             \
	do {                                                                                           \
		test_skip(why);                                                                            \
		return;                                                                                    \
	} while (0)

/* Whether a list such as wb_features() gives, "zstd -lzma", has the name without a minus. */
static inline bool test_has_feature(const char *features, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = features; (at = strstr(at, name)); at += length)
		if ((at == features || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

#define TEST_RUN(function) test_run(function, #function)

static inline void test_run(void (*function)(void), const char *name)
{
	unsigned failures_before = atomic_load(&test_state.failures);
	const char *locale = getenv("WALKBACK_TEST_LOCALE");

	/* A program that embeds the library may have any. */
	if (locale)
		setlocale(LC_ALL, locale);
	test_state.name = name;
	test_state.row = NULL;
	test_state.skip = false;
	test_state.cases++;
	function();
	if (atomic_load(&test_state.failures) != failures_before)
		test_state.failed_cases++;
	else if (test_state.skip)
		test_state.skipped_cases++;
	test_state.name = NULL;
	test_state.row = NULL;
}

/* The path of a file in the shared corpus, in a buffer that lasts until the next call; NULL when it
 * is not there, and then the case says TEST_SKIP("no corpus"). The corpus is $WALKBACK_CORPUS, or
 * lies beside the project; meson sets WALKBACK_SOURCE. */
static inline const char *test_corpus(const char *relative)
{
	static char path[TEST_PATH_MAX];
	const char *corpus = getenv("WALKBACK_CORPUS");
	const char *source = getenv("WALKBACK_SOURCE");
	int n = corpus ? snprintf(path, sizeof path, "%s/%s", corpus, relative)
	               : snprintf(path, sizeof path, "%s/../shared/corpus/%s", source ? source : ".", relative);
	if (n < 0 || (size_t)n >= sizeof path || access(path, R_OK) != 0)
		return NULL;
	return path;
}

/* The path of a file under tests/, in a buffer that lasts until the next call. meson sets
 * WALKBACK_TESTS. */
static inline const char *test_data(const char *relative)
{
	static char path[TEST_PATH_MAX];
	const char *root = getenv("WALKBACK_TESTS");
	snprintf(path, sizeof path, "%s/%s", root ? root : "tests", relative);
	return path;
}

/* A path for a file that this program may write: in a folder of its own under $TMPDIR, removed by
 * test_summary(). In a buffer that lasts until the next call. */
static inline const char *test_tmp(const char *name)
{
	static char path[TEST_PATH_MAX];
	if (!test_state.tmp[0]) {
		const char *root = getenv("TMPDIR");
		snprintf(test_state.tmp, sizeof test_state.tmp, "%s/walkback-test-XXXXXX",
				 root && root[0] ? root : "/tmp");
		if (!mkdtemp(test_state.tmp)) {
			perror(test_state.tmp);
			exit(1);
		}
	}
	int n = snprintf(path, sizeof path, "%s/%s", test_state.tmp, name);
	if (n < 0 || (size_t)n >= sizeof path)
		exit(1);
	return path;
}

/* Writes a file for a test; false (and a failed check) when that is not possible. */
static inline bool test_write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");
	bool ok = file && (size == 0 || fwrite(bytes, 1, size, file) == size);
	if (file && fclose(file) != 0)
		ok = false;
	return test_check(ok, path, "not written");
}

/* The bytes of a file, NUL after them, to be freed by the caller; NULL (and a failed check) when it
 * cannot be read. `ret_size` may be NULL. */
static inline char *test_read_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	char *bytes = NULL;
	size_t size = 0, room = 0;
	bool ok = file != NULL;
	while (ok) {
		if (room - size < 4096) {
			room = room ? room * 2 : 65536;
			char *more = realloc(bytes, room);
			if (!more) {
				ok = false;
				break;
			}
			bytes = more;
		}
		size_t n = fread(bytes + size, 1, room - size - 1, file);
		size += n;
		if (n == 0)
			break;
	}
	if (file)
		fclose(file);
	if (!test_check(ok, path, "not readable")) {
		free(bytes);
		return NULL;
	}
	bytes[size] = '\0';
	if (ret_size)
		*ret_size = size;
	return bytes;
}

static inline int test_remove_entry(const char *path, const struct stat *info, int type,
									struct FTW *place)
{
	(void)info;
	(void)type;
	(void)place;
	return remove(path);
}

enum { TEST_BIG_ENDIAN = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ };
/* A word whose bytes in memory are in little-endian order, on any machine; also for initializers. */
#define LE64(value) (TEST_BIG_ENDIAN ? __builtin_bswap64(value) : (uint64_t)(value))
#define LE32(value) (TEST_BIG_ENDIAN ? __builtin_bswap32(value) : (uint32_t)(value))

/* Ends the program: prints the count and gives the status for main() to return. */
static inline int test_summary(void)
{
	if (test_state.tmp[0])
		nftw(test_state.tmp, test_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	unsigned failures = atomic_load(&test_state.failures);
	printf("%u cases, %u checks, %u failed, %u skipped\n", test_state.cases,
		   atomic_load(&test_state.checks), test_state.failed_cases, test_state.skipped_cases);
	if (failures > 0)
		return 1;
	if (test_state.skipped_cases > 0)
		return TEST_EXIT_SKIP;
	if (atomic_load(&test_state.checks) == 0) {
		fprintf(stderr, "no check was made\n");
		return 1;
	}
	return 0;
}

#endif
