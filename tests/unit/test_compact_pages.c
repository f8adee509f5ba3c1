/* SPDX-License-Identifier: MIT */
/* Pages of compact unwind information: both kinds, encodings of the section and of a page, and that damage costs the page that has it and no other. */
#include "compact_make.h"

/* Reads a copy of exactly its size, for the sanitizer build. */
static enum wb_err find(const struct compact_make *m, size_t size, uint64_t offset, struct wb_compact_entry *entry)
{
	uint8_t *exact = malloc(size ? size : 1);
	const char *fault = NULL;

	memcpy(exact, m->bytes, size);
	enum wb_err err = wb_compact_find_entry(wb_bytes_of(exact, size, false), offset, entry, &fault);
	CHECK(err != WB_ERR_DATA || (fault && *fault));
	free(exact);
	return err;
}

static void finds(void)
{
	static const struct { uint64_t offset; enum wb_err err; uint64_t start, end; uint32_t encoding, at; } cases[] = {
		{ 0xfff, WB_NONE, 0, 0, 0, 0 },
		{ 0x1000, WB_OK, 0x1000, 0x1010, COMMON_0, FIRST + 12 },
		{ 0x100f, WB_OK, 0x1000, 0x1010, COMMON_0, FIRST + 12 },
		{ 0x1010, WB_OK, 0x1010, 0x1100, COMMON_1, FIRST + 16 },
		{ 0x1100, WB_OK, 0x1100, 0x1800, LOCAL_0, FIRST + 20 },
		{ 0x1fff, WB_OK, 0x1800, 0x2000, COMMON_0, FIRST + 24 },
		{ 0x2000, WB_OK, 0x2000, 0x2080, REGULAR_0, SECOND + 8 },
		{ 0x2fff, WB_OK, 0x2080, 0x3000, REGULAR_1, SECOND + 16 },
		{ 0x3000, WB_NONE, 0, 0, 0, 0 },
		{ 0x3fff, WB_NONE, 0, 0, 0, 0 },
		{ 0x4000, WB_NONE, 0, 0, 0, 0 },
		{ UINT64_MAX, WB_NONE, 0, 0, 0, 0 },
	};
	struct compact_make m;

	compact_whole(&m);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wb_compact_entry entry = { 0 };

		CHECK_EQ_I64(find(&m, m.size, cases[i].offset, &entry), cases[i].err);
		CHECK_EQ_U64(entry.start, cases[i].start);
		CHECK_EQ_U64(entry.end, cases[i].end);
		CHECK_EQ_U64(entry.encoding, cases[i].encoding);
		CHECK_EQ_U64(entry.section_offset, cases[i].at);
	}
}

/* What becomes of an address of either page when some bytes are others. */
static void costs_one_page(void)
{
	static const struct { const char *name; size_t at; unsigned size; uint64_t value; enum wb_err first, second; } cases[] = {
		{ "version", 0, 4, 2, WB_ERR_DATA, WB_ERR_DATA },
		{ "index outside", 20, 4, 0xffffffff, WB_ERR_DATA, WB_ERR_DATA },
		{ "index too long", 24, 4, 0x10000000, WB_ERR_DATA, WB_ERR_DATA },
		{ "empty index", 24, 4, 0, WB_NONE, WB_NONE },
		{ "index of its end alone", 24, 4, 1, WB_NONE, WB_NONE },
		{ "index not sorted", INDEX + 24, 4, 0x1100, WB_OK, WB_NONE },
		{ "page outside", INDEX + 4, 4, 0xfffffff0, WB_ERR_DATA, WB_OK },
		{ "page cut", INDEX + 4, 4, END - 4, WB_ERR_DATA, WB_OK },
		{ "page kind", FIRST, 4, 7, WB_ERR_DATA, WB_OK },
		{ "entries outside", FIRST + 4, 2, 0xffff, WB_ERR_DATA, WB_OK },
		{ "more entries than bytes", FIRST + 6, 2, 0xffff, WB_ERR_DATA, WB_OK },
		{ "no entries", FIRST + 6, 2, 0, WB_NONE, WB_OK },
		{ "encodings outside", FIRST + 8, 2, 0xffff, WB_ERR_DATA, WB_OK },
		{ "more encodings than bytes", FIRST + 10, 2, 0xffff, WB_ERR_DATA, WB_OK },
		{ "encoding of none", FIRST + 12, 4, 0x03000000, WB_ERR_DATA, WB_OK },
		{ "common encodings outside", 4, 4, 0xfffffffc, WB_ERR_DATA, WB_OK },
		{ "entries not sorted", FIRST + 16, 4, 0x01fff000, WB_ERR_DATA, WB_OK },
		{ "an entry behind its page", FIRST + 16, 4, 0x01001800, WB_ERR_DATA, WB_OK },
		{ "regular page kind", SECOND, 4, 1, WB_OK, WB_ERR_DATA },
		{ "more regular entries than bytes", SECOND + 6, 2, 0x1000, WB_OK, WB_ERR_DATA },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wb_compact_entry entry;
		struct compact_make m;

		test_row(cases[i].name);
		compact_whole(&m);
		compact_store(m.bytes + cases[i].at, cases[i].value, cases[i].size);
		CHECK_EQ_I64(find(&m, m.size, 0x1004, &entry), cases[i].first);
		CHECK_EQ_I64(find(&m, m.size, 0x2004, &entry), cases[i].second);
	}
}

/* Any prefix, and any byte as another: an answer that fits the question, or none. */
static void stands_any_damage(void)
{
	struct compact_make m;

	compact_whole(&m);
	for (size_t size = 0; size <= m.size; size++) {
		struct wb_compact_entry entry;

		if (find(&m, size, 0x1104, &entry) == WB_OK)
			CHECK(entry.start <= 0x1104 && entry.end > 0x1104);
	}
	for (size_t at = 0; at < m.size; at++) {
		for (unsigned flip = 1; flip < 256; flip <<= 1) {
			struct wb_compact_entry entry;

			m.bytes[at] ^= (uint8_t)flip;
			for (uint64_t offset = 0x1000; offset < 0x3000; offset += 0x10)
				if (find(&m, m.size, offset, &entry) == WB_OK)
					CHECK(entry.start <= offset && entry.end > offset);
			m.bytes[at] ^= (uint8_t)flip;
		}
	}
}

int main(void)
{
	TEST_RUN(finds);
	TEST_RUN(costs_one_page);
	TEST_RUN(stands_any_damage);
	return test_summary();
}
