/* SPDX-License-Identifier: MIT */
/*
 * Both compilers of functions on debug sections of any content. Input: as fuzz_dwarf.c's. What libdwarf compiles, the fast compiler compiles too, to
 * the same segments, calls and call sites; what it refuses, the fast one may read all the same, since it steps over what is damaged. Names are
 * equal where the reference compiler has one: it has none where a reference leads into the middle of an entry, which only a walk over all entries tells.
 */

#include "symbols/dwarf_name.h"

#include "base/mem.h"
#include "dwarf_input.h"
#include "fuzz.h"

#include <string.h>

enum { UNITS_MAX = 64 };

struct side {
	struct wb_session *session;
	struct wb_dwarf *dwarf;
	const struct wb_dwarf_sections *sections;
};

static void side_open(struct side *side, const struct dwarf_input *input, enum wb_dwarf_policy policy)
{
	struct wb_session_opts opts = { .size = sizeof opts, .dwarf = (uint8_t)policy };
	struct wb_text text = { 0 };

	FUZZ_ASSERT(wb_session_new(&opts, &side->session) == WB_OK);
	dwarf_input_text(input, &text);
	FUZZ_ASSERT(wb_dwarf_new(side->session, &input->sections, &text, &side->dwarf) == WB_OK);
	side->sections = wb_dwarf_sections_of(side->dwarf);
}

static void side_close(struct side *side)
{
	wb_dwarf_free(side->dwarf);
	wb_session_free(side->session);
}

static void check_text(const struct side *fast, uint64_t a, const struct side *slow, uint64_t b)
{
	const char *left = wb_ref_text(fast->sections, a), *right = wb_ref_text(slow->sections, b);

	FUZZ_ASSERT(!right || (left && strcmp(left, right) == 0));
}

static void check_name(const struct side *fast, const struct wb_function_name *a, const struct side *slow, const struct wb_function_name *b)
{
	struct wb_function_name x, y;

	FUZZ_ASSERT(wb_dwarf_name(fast->dwarf, a, &x) == WB_OK && wb_dwarf_name(slow->dwarf, b, &y) == WB_OK);
	check_text(fast, x.name, slow, y.name);
	check_text(fast, x.linkage, slow, y.linkage);
}

static void check_chains(const struct side *fast, const struct wb_functions *a, uint32_t left, const struct side *slow,
                         const struct wb_functions *b, uint32_t right)
{
	while (left != WB_NODE_NONE && right != WB_NODE_NONE) {
		const struct wb_node *x = wb_functions_node(a, left), *y = wb_functions_node(b, right);

		FUZZ_ASSERT((x->parent == WB_NODE_NONE) == (y->parent == WB_NODE_NONE));
		FUZZ_ASSERT(x->parent == WB_NODE_NONE || (x->call_file == y->call_file && x->call_line == y->call_line && x->call_column == y->call_column));
		if (y->name != WB_NODE_NONE) {
			FUZZ_ASSERT(x->name != WB_NODE_NONE);
			check_name(fast, wb_functions_name(a, x->name), slow, wb_functions_name(b, y->name));
		}
		if (y->parent == WB_NODE_NONE && x->parent == WB_NODE_NONE) {
			FUZZ_ASSERT(wb_functions_function(a, x->function)->entry == wb_functions_function(b, y->function)->entry);
			FUZZ_ASSERT(wb_functions_function(a, x->function)->size == wb_functions_function(b, y->function)->size);
		}
		left = x->parent;
		right = y->parent;
	}
	FUZZ_ASSERT(left == right);
}

struct twins {
	const struct side *sides[2];
	struct wb_unit_table *tables[2];
	size_t unit;
};

static void check_segments(const struct twins *twins, const struct wb_functions *of)
{
	for (size_t i = 0; i < wb_functions_num_segments(of); i++) {
		const struct wb_functions *functions[2];
		uint32_t nodes[2];
		uint64_t start;
		bool is_over;

		wb_functions_segment(of, i, &start, &nodes[0]);
		for (unsigned k = 0; k < 2; k++)
			FUZZ_ASSERT(wb_dwarf_node(twins->sides[k]->dwarf, twins->unit, twins->tables[k], start, &functions[k], &nodes[k], &is_over) == WB_OK);
		check_chains(twins->sides[0], functions[0], nodes[0], twins->sides[1], functions[1], nodes[1]);
	}
}

/* Both ways: the reference compiler's table, the fast one's of the functions, and of the calls that were asked for by then. */
static void check_unit(const struct twins *twins)
{
	const struct wb_unit_table *fast = twins->tables[0];

	check_segments(twins, twins->tables[1]->functions);
	check_segments(twins, fast->functions);
	for (size_t i = 0; fast->calls && i < wb_functions_count(fast->functions); i++)
		if (atomic_load(&fast->calls[i]))
			check_segments(twins, atomic_load(&fast->calls[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct dwarf_input input;
	struct side fast, slow;
	size_t num_units, num_slow_units;

	dwarf_input_init(&input, bytes, size);
	side_open(&fast, &input, WB_DWARF_FAST);
	side_open(&slow, &input, WB_DWARF_REFERENCE);
	FUZZ_ASSERT(wb_dwarf_num_units(fast.dwarf, &num_units) == WB_OK);
	FUZZ_ASSERT(wb_dwarf_num_units(slow.dwarf, &num_slow_units) == WB_OK);
	FUZZ_ASSERT(num_units == num_slow_units);
	for (size_t i = 0; i < num_units && i < UNITS_MAX; i++) {
		struct wb_unit_table *a, *b;
		bool is_over = false;

		FUZZ_ASSERT(wb_dwarf_table(fast.dwarf, i, (struct wb_dwarf_use){ 1, true, true }, &a, &is_over) == WB_OK);
		FUZZ_ASSERT(wb_dwarf_table(slow.dwarf, i, (struct wb_dwarf_use){ 1, true, true }, &b, &is_over) == WB_OK);
		if (b->functions) {
			FUZZ_ASSERT(a->functions);
			check_unit(&(struct twins){ { &fast, &slow }, { a, b }, i });
		}
		wb_unit_table_unref(a);
		wb_unit_table_unref(b);
	}
	side_close(&fast);
	side_close(&slow);
	dwarf_input_deinit(&input);
	return 0;
}
