/* SPDX-License-Identifier: MIT */
/* Functions and inlined calls: chains, several ranges, overlaps, discarded code. */

#include "symbols/functions.h"
#include "symbols/lines.h"

#include "test.h"

enum { NODES_MAX = 8, RANGES_MAX = 3, PROBES_MAX = 8 };

static const struct wb_function anywhere = { .entry = UINT64_MAX }; /* entered where its first range starts */

/* A function (parent -1) or a call inlined into an earlier node. Its name is its index; a call's line is 100 + index. */
struct input {
	int parent;
	struct wb_range ranges[RANGES_MAX]; /* up to the first empty one */
};
struct probe { uint64_t pc; const char *chain; }; /* indices, innermost first, "" for nothing */

static const struct {
	const char *name;
	struct input nodes[NODES_MAX];  /* up to the first without ranges */
	struct probe probes[PROBES_MAX]; /* up to the first with pc 0 */
} table[] = {
	{
		"calls in calls",
		{ { -1, { { 0x1000, 0x1100 } } }, { 0, { { 0x1010, 0x1050 } } }, { 1, { { 0x1020, 0x1030 } } }, { 0, { { 0x1060, 0x1070 } } } },
		{ { 0x1000, "0" }, { 0x1010, "10" }, { 0x1020, "210" }, { 0x1030, "10" }, { 0x1050, "0" }, { 0x1060, "30" }, { 0x10ff, "0" }, { 0x1100, "" } },
	},
	{
		"a call at its function's start, and one at its end",
		{ { -1, { { 0x1000, 0x1100 } } }, { 0, { { 0x1000, 0x1010 } } }, { 1, { { 0x1000, 0x1008 } } }, { 0, { { 0x10f0, 0x1100 } } } },
		{ { 0x1000, "210" }, { 0x1008, "10" }, { 0x1010, "0" }, { 0x10ff, "30" }, { 0x1100, "" } },
	},
	{
		"several ranges: a cold part below the function, a call in both",
		{ { -1, { { 0x1800, 0x1900 }, { 0x1100, 0x1120 } } }, { 0, { { 0x1810, 0x1820 }, { 0x1108, 0x1110 } } } },
		{ { 0x1100, "0" }, { 0x1108, "10" }, { 0x1110, "0" }, { 0x1120, "" }, { 0x1800, "0" }, { 0x1810, "10" }, { 0x1900, "" } },
	},
	{
		"of functions that overlap, the one that starts last",
		{ { -1, { { 0x1000, 0x1100 } } }, { -1, { { 0x1040, 0x1050 } } } },
		{ { 0x103f, "0" }, { 0x1040, "1" }, { 0x1050, "0" } },
	},
	{
		"of functions that start together, the smaller; with its calls",
		{ { -1, { { 0x1000, 0x1010 } } }, { 0, { { 0x1000, 0x1004 } } }, { -1, { { 0x1000, 0x1100 } } }, { 2, { { 0x1000, 0x1008 } } } },
		{ { 0x1000, "10" }, { 0x1004, "0" }, { 0x1010, "2" } },
	},
	{
		"of equal functions (identical code folding), the first",
		{ { -1, { { 0x1000, 0x1010 } } }, { 0, { { 0x1004, 0x1008 } } }, { -1, { { 0x1000, 0x1010 } } } },
		{ { 0x1000, "0" }, { 0x1004, "10" }, { 0x1008, "0" } },
	},
	{
		"functions inside functions do not hold each other",
		{ { -1, { { 0x1000, 0x1100 } } }, { -1, { { 0x1010, 0x1020 } } }, { 1, { { 0x1014, 0x1018 } } } },
		{ { 0x1010, "1" }, { 0x1014, "21" }, { 0x1020, "0" } },
	},
	{
		"the call of a function is not where another function is",
		{ { -1, { { 0x1000, 0x1100 } } }, { 0, { { 0x1044, 0x1060 } } }, { -1, { { 0x1040, 0x1050 } } } },
		{ { 0x103f, "0" }, { 0x1040, "2" }, { 0x1044, "2" }, { 0x104f, "2" }, { 0x1050, "10" }, { 0x105f, "10" }, { 0x1060, "0" } },
	},
	{
		"nor where its own function is not",
		{ { -1, { { 0x1010, 0x1020 }, { 0x1030, 0x1040 } } }, { 0, { { 0x1000, 0x1038 } } } },
		{ { 0x1008, "" }, { 0x1010, "10" }, { 0x1020, "" }, { 0x1030, "10" }, { 0x1038, "0" }, { 0x1040, "" } },
	},
};

static void chain_of(const struct wb_functions *functions, uint32_t node, char *ret_chain)
{
	for (; node != WB_NODE_NONE; node = wb_functions_node(functions, node)->parent)
		*ret_chain++ = (char)('0' + wb_functions_node(functions, node)->name);
	*ret_chain = '\0';
}

static void answers_chains(void)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_functions_builder builder;
		struct wb_functions *functions = NULL;
		uint32_t nodes[NODES_MAX];

		test_row(table[i].name);
		wb_functions_builder_init(&builder, NULL);
		for (size_t k = 0; k < NODES_MAX && table[i].nodes[k].ranges[0].end; k++) {
			const struct input *input = &table[i].nodes[k];
			struct wb_range items[RANGES_MAX];
			struct wb_ranges ranges = { .items = items };

			memcpy(items, input->ranges, sizeof items);
			while (ranges.count < RANGES_MAX && items[ranges.count].end)
				ranges.count++;
			if (input->parent < 0) {
				CHECK_EQ_I64(wb_functions_add_function(&builder, (uint32_t)k, &anywhere, &ranges, &nodes[k]), WB_OK);
			} else {
				struct wb_node node = { .parent = nodes[input->parent], .name = (uint32_t)k, .call_line = 100 + (uint32_t)k };
				CHECK_EQ_I64(wb_functions_add_call(&builder, &node, &ranges, &nodes[k]), WB_OK);
			}
		}
		REQUIRE(wb_functions_builder_finish(&builder, &functions) == WB_OK);
		wb_functions_builder_deinit(&builder);
		for (size_t k = 0; k < PROBES_MAX && table[i].probes[k].pc; k++) {
			char chain[NODES_MAX + 1];

			chain_of(functions, wb_functions_find(functions, table[i].probes[k].pc), chain);
			CHECK_STR(chain, table[i].probes[k].chain);
		}
		wb_functions_free(functions);
	}
	test_row(NULL);
}

static void knows_calls_and_functions(void)
{
	struct wb_range items[] = { { 0x1800, 0x1900 }, { 0x1100, 0x1120 } };
	struct wb_ranges ranges = { .items = items, .count = 2 };
	struct wb_functions_builder builder;
	struct wb_functions *functions;
	uint32_t name, function, call;

	wb_functions_builder_init(&builder, NULL);
	CHECK_EQ_I64(wb_functions_add_name(&builder, 5, WB_REF_NONE, &name), WB_OK);
	CHECK_EQ_I64(wb_functions_add_function(&builder, name, &anywhere, &ranges, &function), WB_OK);
	struct wb_node node = { .parent = function, .name = WB_NODE_NONE, .call_file = 3, .call_line = 4, .call_column = 5 };
	ranges.count = 1;
	CHECK_EQ_I64(wb_functions_add_call(&builder, &node, &ranges, &call), WB_OK);
	REQUIRE(wb_functions_builder_finish(&builder, &functions) == WB_OK);
	wb_functions_builder_deinit(&builder);

	const struct wb_node *found = wb_functions_node(functions, wb_functions_find(functions, 0x1880));
	CHECK(found->call_file == 3 && found->call_line == 4 && found->call_column == 5 && found->name == WB_NODE_NONE);
	found = wb_functions_node(functions, found->parent);
	CHECK(found->parent == WB_NODE_NONE);
	CHECK_EQ_U64(wb_functions_name(functions, found->name)->name, 5);
	CHECK_EQ_U64(wb_functions_function(functions, found->function)->entry, 0x1800);
	CHECK_EQ_U64(wb_functions_function(functions, found->function)->size, 0x120); /* of both ranges: 0x100 + 0x20 */
	wb_functions_free(functions);
}

/* Calls that were left out, and the table of those of one function. */
static void leaves_calls_out(void)
{
	struct wb_range items[] = { { 0x1000, 0x1100 }, { 0x1200, 0x1300 }, { 0x1010, 0x1020 } };
	struct wb_ranges first = { .items = items, .count = 1 }, second = { .items = items + 1, .count = 1 }, inside = { .items = items + 2, .count = 1 };
	struct wb_function function = { .entry = UINT64_MAX, .place = 0x500 };
	struct wb_functions_builder builder;
	struct wb_functions *functions, *calls;
	uint32_t name, nodes[2], call;

	wb_functions_builder_init(&builder, NULL);
	CHECK_EQ_I64(wb_functions_add_name(&builder, 5, 6, &name), WB_OK);
	CHECK_EQ_I64(wb_functions_add_function(&builder, WB_NODE_NONE, &function, &second, &nodes[0]), WB_OK);
	CHECK_EQ_I64(wb_functions_add_function(&builder, name, &function, &first, &nodes[1]), WB_OK);
	CHECK_EQ_I64(wb_functions_leave_call(&builder, 1, 0x520, WB_LEFT_FUNCTION + 1, &call), WB_OK);
	CHECK_EQ_I64(wb_functions_leave_call(&builder, 1, 0x540, call, &call), WB_OK);
	CHECK_EQ_I64(wb_functions_leave_call(&builder, 1, UINT64_C(0x500) + UINT32_MAX + 1, call, &call), WB_ERR_LIMIT);
	REQUIRE(wb_functions_builder_finish(&builder, &functions) == WB_OK);
	wb_functions_builder_deinit(&builder);
	CHECK_EQ_U64(wb_functions_count(functions), 2);
	CHECK_EQ_U64(wb_functions_function(functions, 0)->end_left, 0);
	CHECK(wb_functions_function(functions, 1)->first_left == 0 && wb_functions_function(functions, 1)->end_left == 2);
	CHECK(wb_functions_left_call(functions, 0)->at == 0x20 && wb_functions_left_call(functions, 0)->parent == WB_LEFT_FUNCTION + 1);
	CHECK(wb_functions_left_call(functions, 1)->at == 0x40 && wb_functions_left_call(functions, 1)->parent == 0);

	wb_functions_builder_init(&builder, NULL);
	CHECK_EQ_I64(wb_functions_add_outer(&builder, functions, nodes[1]), WB_OK);
	struct wb_node node = { .parent = 0, .name = WB_NODE_NONE, .call_line = 7 };
	CHECK_EQ_I64(wb_functions_add_call(&builder, &node, &inside, &call), WB_OK);
	REQUIRE(wb_functions_builder_finish(&builder, &calls) == WB_OK);
	wb_functions_builder_deinit(&builder);
	CHECK_EQ_U64(wb_functions_find(calls, 0x1010), call);
	CHECK(wb_functions_find(calls, 0x1000) == WB_NODE_NONE && wb_functions_find(calls, 0x1020) == WB_NODE_NONE);
	CHECK(wb_functions_node(calls, call)->parent == 0 && wb_functions_node(calls, 0)->parent == WB_NODE_NONE);
	CHECK_EQ_U64(wb_functions_name(calls, wb_functions_node(calls, 0)->name)->linkage, 6);
	CHECK_EQ_U64(wb_functions_function(calls, 0)->entry, 0x1000);
	CHECK_EQ_U64(wb_functions_function(calls, 0)->size, 0x100);
	wb_functions_free(calls);

	/* One that begins far below, where no function is, does not keep others from being found. */
	struct wb_range far[] = { { UINT64_C(0x100000800), UINT64_C(0x300001008) }, { UINT64_C(0x300001010), UINT64_C(0x300001020) } };
	struct wb_range code = { UINT64_C(0x300001000), UINT64_C(0x300001100) };
	wb_functions_free(functions);
	wb_functions_builder_init(&builder, NULL);
	CHECK_EQ_I64(wb_functions_add_function(&builder, WB_NODE_NONE, &function, &(struct wb_ranges){ .items = &code, .count = 1 }, &nodes[0]), WB_OK);
	REQUIRE(wb_functions_builder_finish(&builder, &functions) == WB_OK);
	wb_functions_builder_deinit(&builder);
	wb_functions_builder_init(&builder, NULL);
	CHECK_EQ_I64(wb_functions_add_outer(&builder, functions, nodes[0]), WB_OK);
	CHECK_EQ_I64(wb_functions_add_call(&builder, &node, &(struct wb_ranges){ .items = far, .count = 2 }, &call), WB_OK);
	REQUIRE(wb_functions_builder_finish(&builder, &calls) == WB_OK);
	wb_functions_builder_deinit(&builder);
	CHECK(wb_functions_find(calls, UINT64_C(0x100000800)) == WB_NODE_NONE && wb_functions_find(calls, UINT64_C(0x300001008)) == WB_NODE_NONE);
	CHECK(wb_functions_find(calls, UINT64_C(0x300001000)) == call && wb_functions_find(calls, UINT64_C(0x30000101f)) == call);
	wb_functions_free(calls);
	wb_functions_free(functions);
}

/* Discarded functions lie at 0, 1, -1, -2, or 0 plus an addend; alive is what starts in code. */
static void leaves_out_discarded_code(void)
{
	static const struct wb_range dead[] = { { 0, 0x2006 }, { 1, 0x1100 }, { UINT64_MAX - 1, UINT64_MAX }, { 0x10, 0x1900 }, { 0x1010, 0x1010 } };
	struct wb_text_range code = { 0x1000, 0x2000 };
	struct wb_text text = { &code, 1 };
	struct wb_functions_builder builder;
	struct wb_functions *functions;

	wb_functions_builder_init(&builder, &text);
	for (size_t i = 0; i < sizeof dead / sizeof dead[0]; i++) {
		struct wb_range item = dead[i];
		struct wb_ranges ranges = { .items = &item, .count = 1 };
		uint32_t node;

		CHECK_EQ_I64(wb_functions_add_function(&builder, 0, &anywhere, &ranges, &node), WB_OK);
		CHECK(node == WB_NODE_NONE);
	}
	REQUIRE(wb_functions_builder_finish(&builder, &functions) == WB_OK);
	CHECK(wb_functions_find(functions, 0x1080) == WB_NODE_NONE);
	CHECK(wb_functions_find(functions, 0x10) == WB_NODE_NONE);
	CHECK(wb_functions_find(NULL, 0x10) == WB_NODE_NONE);
	wb_functions_free(functions);
	wb_functions_builder_deinit(&builder);
}

/* The slow, obvious twin for properly nested ranges: the deepest that holds pc. */
static void agrees_with_the_slow_twin(void)
{
	enum { FUNCTIONS = 300, CALLS = 12 };
	static struct { struct wb_range range; int parent; } all[FUNCTIONS * (CALLS + 1)];
	static uint32_t nodes[FUNCTIONS * (CALLS + 1)];
	struct wb_functions_builder builder;
	struct wb_functions *functions;
	uint64_t seed = 7;
	size_t n = 0;
	unsigned wrong = 0;

	wb_functions_builder_init(&builder, NULL);
	for (size_t f = 0; f < FUNCTIONS; f++) {
		size_t first = n;
		uint64_t start = 0x10000 + (f * 7919 % FUNCTIONS) * 0x100;

		for (size_t c = 0; c <= CALLS; c++, n++) {
			struct wb_ranges ranges = { .items = &all[n].range, .count = 1 };

			seed = seed * 6364136223846793005u + 1442695040888963407u;
			if (c == 0) {
				all[n].range = (struct wb_range){ start, start + 0xf0 };
				all[n].parent = -1;
				CHECK_EQ_I64(wb_functions_add_function(&builder, (uint32_t)n, &anywhere, &ranges, &nodes[n]), WB_OK);
				continue;
			}
			/* Into the node before, or as its first and only sibling's child: halves of the parent's range nest properly. */
			size_t parent = first + c - 1;
			const struct wb_range *outer = &all[parent].range;
			uint64_t cut = outer->start + 1 + (seed >> 40) % (outer->end - outer->start);

			all[n].range = (struct wb_range){ seed >> 20 & 1 ? outer->start : cut - 1, seed >> 20 & 1 ? cut : outer->end };
			all[n].parent = (int)parent;
			struct wb_node node = { .parent = nodes[parent], .name = (uint32_t)n };
			CHECK_EQ_I64(wb_functions_add_call(&builder, &node, &ranges, &nodes[n]), WB_OK);
		}
	}
	REQUIRE(wb_functions_builder_finish(&builder, &functions) == WB_OK);
	for (uint64_t pc = 0x10000; pc < 0x10000 + FUNCTIONS * 0x100; pc += 3) {
		uint32_t node = wb_functions_find(functions, pc), name = node == WB_NODE_NONE ? node : wb_functions_node(functions, node)->name;
		uint32_t expect = WB_NODE_NONE;

		for (size_t i = 0; i < n; i++)
			if (pc >= all[i].range.start && pc < all[i].range.end)
				expect = (uint32_t)i; /* deeper ones come later */
		wrong += name != expect;
	}
	CHECK_EQ_U64(wrong, 0);
	wb_functions_free(functions);
	wb_functions_builder_deinit(&builder);
}

int main(void)
{
	TEST_RUN(answers_chains);
	TEST_RUN(knows_calls_and_functions);
	TEST_RUN(leaves_calls_out);
	TEST_RUN(leaves_out_discarded_code);
	TEST_RUN(agrees_with_the_slow_twin);
	return test_summary();
}
