/* SPDX-License-Identifier: MIT */
/* A sample's memory: regions shadow the space's memory, reads go over borders, and what is absent is said to be. */
#include "test.h"

#include "model/memory.h"

static const struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX };

static const char first[] = "ABCDEFGHIJKLMNOP";  /* at 0x1000 */
static const char second[] = "abcdefghijklmnop"; /* right behind it */
static const char third[] = "0123456789012345";  /* at 0x2000 */
static const struct wb_region regions[] = {
	{ 0x1000, first, 16 },
	{ 0x1010, second, 16 },
	{ 0x2000, third, 16 },
};

static const struct {
	const char *name;
	uint64_t address;
	size_t count;
	const char *expect; /* NULL: absent */
} reads[] = {
	{ "start of a region", 0x1000, 4, "ABCD" },
	{ "end of a region", 0x100c, 4, "MNOP" },
	{ "over the border of two", 0x100e, 4, "OPab" },
	{ "two whole ones", 0x1000, 32, "ABCDEFGHIJKLMNOPabcdefghijklmnop" },
	{ "before the first", 0xfff, 1, NULL },
	{ "into the first", 0xffe, 4, NULL },
	{ "behind the second", 0x1020, 1, "s" },
	{ "from the second into the space", 0x101e, 4, "opss" },
	{ "from the space into the third", 0x1ffe, 4, "ss01" },
	{ "through all", 0x101f, 0xfe2, "p*0" },
	{ "out of the third", 0x200f, 2, NULL },
	{ "nothing", 0x5000, 0, "" },
	{ "around the end", UINT64_MAX, 2, NULL },
};

/* "ssss..." between the second and the third region. */
static enum wb_err read_space(void *arg, uint64_t address, void *buffer, size_t count)
{
	(void)arg;
	(void)address;
	memset(buffer, 's', count);
	return WB_OK;
}

static void reads_regions_and_space(void)
{
	const struct wb_memory memory = { .size = sizeof memory, .kind = WB_MEMORY_CALLBACK, .start = 0x1000, .end = 0x2000,
	                                  .read = read_space };
	struct wb_session *session;
	struct wb_space *empty, *space;
	static char buffer[0x2000];

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
	REQUIRE(wb_space_add_memory(empty, &memory, &space) == WB_OK);
	for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
		struct wb_view view = { .regions = regions, .num_regions = 3, .space = space, .word_size = 8 };
		test_row(reads[i].name);
		enum wb_err err = wb_view_read(&view, reads[i].address, buffer, reads[i].count);
		CHECK_EQ_I64(err, reads[i].expect ? WB_OK : WB_NONE);
		if (err != WB_OK || !reads[i].expect)
			continue;
		if (reads[i].count < 64) {
			CHECK_MEM(buffer, reads[i].expect, reads[i].count);
		} else {
			CHECK(buffer[0] == 'p' && buffer[1] == 's' && buffer[0xfe0] == 's' && buffer[0xfe1] == '0');
		}
	}
	wb_space_unref(space);
	wb_space_unref(empty);
	wb_session_free(session);
}

static const struct {
	const char *name;
	uint64_t address;
	uint8_t word_size;
	bool big_endian;
	enum wb_err err;
	uint64_t word;
} words[] = {
	{ "8 bytes", 0x1000, 8, false, WB_OK, UINT64_C(0x4847464544434241) },
	{ "8 bytes, big-endian", 0x1000, 8, true, WB_OK, UINT64_C(0x4142434445464748) },
	{ "4 bytes", 0x1000, 4, false, WB_OK, 0x44434241 },
	{ "4 bytes, big-endian", 0x1000, 4, true, WB_OK, 0x41424344 },
	{ "last of the region", 0x2008, 8, false, WB_OK, UINT64_C(0x3534333231303938) },
	{ "one past the last", 0x2009, 8, false, WB_NONE, 0 },
	{ "last four", 0x200c, 4, false, WB_OK, 0x35343332 },
	{ "over the border", 0x100c, 8, false, WB_OK, UINT64_C(0x64636261504f4e4d) },
	{ "unaligned", 0x1001, 8, false, WB_OK, UINT64_C(0x4948474645444342) },
	{ "before the region", 0xff9, 8, false, WB_NONE, 0 },
	{ "end of the address space", UINT64_MAX - 3, 8, false, WB_NONE, 0 },
};

static void reads_words(void)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		struct wb_view view = { .regions = regions, .num_regions = 3, .word_size = words[i].word_size,
		                        .big_endian = words[i].big_endian };
		test_row(words[i].name);
		/* The second time with the hint of the first, the third with another region's. */
		for (int round = 0; round < 3; round++) {
			uint64_t word = 0;
			if (round == 2)
				view.last = regions[(i + 1) % 3];
			CHECK_EQ_I64(wb_view_word(&view, words[i].address, &word), words[i].err);
			CHECK_EQ_U64(word, words[i].word);
		}
	}
}

int main(void)
{
	TEST_RUN(reads_regions_and_space);
	TEST_RUN(reads_words);
	return test_summary();
}
