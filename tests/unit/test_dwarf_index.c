/* SPDX-License-Identifier: MIT */
/* The candidates for an address, compared with a search through all claims: nested, overlapping, equal ones, gaps. */
#include "symbols/dwarf_index.h"

#include "dwarf_make.h"
#include "test.h"

enum { UNITS = 100, CLAIMS_MAX = 400, SPACE = 0x400, START = 0x1000 };

struct claim { uint64_t start, end; size_t unit; };

struct claims {
	struct claim items[CLAIMS_MAX];
	size_t count;
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Claims of units in .debug_aranges; the units themselves are empty. */
static void make_claims(struct dwarf_make *m, struct claims *claims, size_t count, uint64_t most, uint32_t *state)
{
	for (size_t unit = 0; unit < UNITS; unit++) {
		uint64_t at = dwarf_unit_start(m);

		DWARF_ENTRY(m, WB_TAG_COMPILE_UNIT, AT_LOW(0));
		dwarf_unit_end(m);
		dwarf_aranges_start(m, at);
		for (size_t i = 0; i < count / UNITS + (unit < count % UNITS); i++) {
			uint64_t start = START + next_random(state) % SPACE, size = 1 + next_random(state) % most;

			if (unit == 0 && i == 0)
				start = START, size = SPACE; /* one below all */
			dwarf_arange(m, start, size);
			claims->items[claims->count++] = (struct claim){ start, start + size, unit };
		}
		dwarf_aranges_end(m);
	}
}

/* The best of the claims that come after `last` in the order of candidates: the one that starts last, of equal starts the first listed. */
static size_t next_claim(const struct claims *claims, uint64_t pc, size_t last)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < claims->count; i++) {
		const struct claim *claim = &claims->items[i], *after = last == SIZE_MAX ? NULL : &claims->items[last];

		if (pc < claim->start || pc >= claim->end)
			continue;
		if (after && !(claim->start < after->start || (claim->start == after->start && i > last)))
			continue;
		if (best == SIZE_MAX || claim->start > claims->items[best].start)
			best = i;
	}
	return best;
}

static void check_address(const struct wb_unit_index *index, const struct claims *claims, uint64_t pc)
{
	size_t cursor = SIZE_MAX, expect = SIZE_MAX;
	uint32_t set;

	while (wb_unit_index_next(index, pc, &cursor, &set)) {
		expect = next_claim(claims, pc, expect);
		if (!CHECK(expect != SIZE_MAX) || !CHECK_EQ_U64(set, claims->items[expect].unit))
			return;
	}
	CHECK(next_claim(claims, pc, expect) == SIZE_MAX);
}

static void check_claims(size_t count, uint64_t most, uint32_t seed)
{
	struct wb_dwarf_sections sections = { .address_size = 8 };
	struct wb_text text = { 0 };
	struct claims claims = { .count = 0 };
	struct wb_unit_index_input input = { .sections = &sections, .text = &text };
	struct wb_unit_index index;
	struct dwarf_make m;

	dwarf_make_init(&m, (struct dwarf_format){ .version = 4, .offset_size = 4, .address_size = 8 });
	make_claims(&m, &claims, count, most, &seed);
	dwarf_uint(&m, WB_DWARF_ABBREV, 0, 1);
	for (size_t i = 0; i < WB_DWARF_SECTIONS; i++) {
		sections.by_id[i].bytes = m.by_id[i].bytes;
		sections.by_id[i].size = m.by_id[i].size;
	}
	if (CHECK(wb_unit_index_init(&index, WB_INDEX_ARANGES, &input) == WB_OK)) {
		CHECK_EQ_U64(index.num_spans, claims.count);
		for (uint64_t pc = START - 2; pc < START + SPACE + most + 2; pc++)
			check_address(&index, &claims, pc);
		wb_unit_index_deinit(&index);
	}
	dwarf_make_deinit(&m);
}

static void lists_candidates_in_order(void)
{
	/* 64 and 128 are as many as a full row of the tree. */
	static const size_t counts[] = { 0, 1, 2, 3, 63, 64, 65, 127, 128, CLAIMS_MAX };

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		char name[32];

		snprintf(name, sizeof name, "%zu claims", counts[i]);
		test_row(name);
		check_claims(counts[i], 8, 1);
		check_claims(counts[i], SPACE, 2);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(lists_candidates_in_order);
	return test_summary();
}
