/* SPDX-License-Identifier: MIT */
/* Whether ids of builds are the same, as captures of all kinds have them. */
#include "test.h"

#include "model/verify.h"

static void compares_ids(void)
{
	static const uint8_t id[20] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 };
	static const uint8_t padded[20] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	static const uint8_t other[20] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 99, 17, 18, 19, 20 };
	static const struct { const char *name; const uint8_t *wanted; size_t wanted_size; const uint8_t *had; size_t had_size; bool expect; } rows[] = {
		{ "the same", id, 20, id, 20, true },
		{ "another", id, 20, other, 20, false },
		{ "padded with zeros", padded, 20, id, 16, true },
		{ "not padded", id, 20, id, 16, false },
		{ "as a GUID, which has 16 bytes", id, 16, id, 20, true },
		{ "as a GUID, another", id, 16, other, 20, false },
		{ "the first 8 bytes", id, 8, id, 20, false },
		{ "nothing wanted", id, 0, id, 20, false },
		{ "nothing had", id, 20, NULL, 0, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_row(rows[i].name);
		CHECK_EQ_I64(wb_build_id_matches(rows[i].wanted, rows[i].wanted_size, rows[i].had, rows[i].had_size), rows[i].expect);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(compares_ids);
	return test_summary();
}
