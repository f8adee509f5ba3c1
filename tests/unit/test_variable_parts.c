/* SPDX-License-Identifier: MIT */
/* Places of variables: one variable of one frame at a time, whose registers, memory and callees' saved registers are made up; by hand from DWARF 5, 2.6.1. */
#include "unwind/variable_parts.h"

#include "test.h"

enum { RBX = 3, RBP = 6, RSP = 7, STACK = 0x7000, STACK_SIZE = 64, CFA = 0x7040, SAVED = 0x7010 };

/* SP is 0x7000, RBP 0x7020; RBX was saved at 0x7010 by a callee, whose word has what RBX has; the one where R12 was has not. */
static const struct {
	const char *name;
	uint8_t location[12];
	size_t size;
	uint8_t base[4];
	size_t base_size;
	uint64_t bytes;
	bool has_no_cfa;
	unsigned count;
	struct { uint64_t address, bytes, offset; } little[2], big[2]; /* by the machine's byte order; big[0] of 0: the same */
} rows[] = {
	{ "from the CFA by the base", { 0x91, 0x70 }, 2, { 0x9c }, 1, 8, false, 1, { { CFA - 16, 8, 0 } }, { { 0 } } },
	{ "from a register that is the base", { 0x91, 0x08 }, 2, { 0x56 }, 1, 4, false, 1, { { 0x7028, 4, 0 } }, { { 0 } } },
	{ "from a base that counts from a register", { 0x91, 0x08 }, 2, { 0x77, 0x10 }, 2, 4, false, 1, { { 0x7018, 4, 0 } }, { { 0 } } },
	{ "without a base", { 0x91, 0x08 }, 2, { 0 }, 0, 4, false, 0, { { 0 } }, { { 0 } } },
	{ "from a base that is unknown", { 0x91, 0x08 }, 2, { 0x50 }, 1, 4, false, 0, { { 0 } }, { { 0 } } },
	{ "from a base that counts from itself", { 0x91, 0x08 }, 2, { 0x91, 0x00 }, 2, 4, false, 0, { { 0 } }, { { 0 } } },
	{ "from a CFA that is unknown", { 0x91, 0x08 }, 2, { 0x9c }, 1, 4, true, 0, { { 0 } }, { { 0 } } },
	{ "of unknown size: a word", { 0x77, 0x08 }, 2, { 0 }, 0, 0, false, 1, { { 0x7008, 8, 0 } }, { { 0 } } },
	{ "in a saved register", { 0x53 }, 1, { 0 }, 0, 8, false, 1, { { SAVED, 8, 0 } }, { { 0 } } },
	{ "in a part of one", { 0x53 }, 1, { 0 }, 0, 2, false, 1, { { SAVED, 2, 0 } }, { { SAVED + 6, 2, 0 } } },
	{ "in one that is too small", { 0x53 }, 1, { 0 }, 0, 16, false, 0, { { 0 } }, { { 0 } } },
	{ "in one that was not saved", { 0x56 }, 1, { 0 }, 0, 8, false, 0, { { 0 } }, { { 0 } } },
	{ "in one that is unknown", { 0x50 }, 1, { 0 }, 0, 8, false, 0, { { 0 } }, { { 0 } } },
	{ "in one whose word was written over", { 0x5c }, 1, { 0 }, 0, 8, false, 0, { { 0 } }, { { 0 } } },
	{ "in no register that there is", { 0x90, 0xff, 0x7f }, 3, { 0 }, 0, 8, false, 0, { { 0 } }, { { 0 } } },
	{ "in pieces", { 0x53, 0x93, 4, 0x93, 4, 0x77, 0x20, 0x93, 8 }, 9, { 0 }, 0, 16, false, 2, { { SAVED, 4, 0 }, { 0x7020, 8, 8 } },
	  { { SAVED + 4, 4, 0 }, { 0x7020, 8, 8 } } },
	{ "of no bytes", { 0x77, 0x20, 0x93, 0 }, 4, { 0 }, 0, 16, false, 0, { { 0 } }, { { 0 } } },
	{ "past the last address", { 0x09, 0xff }, 2, { 0 }, 0, 8, false, 0, { { 0 } }, { { 0 } } },
};

struct made { const struct wb_variable *variables; size_t count; };

static enum wb_err tell(void *arg, const struct wb_frame *frame, wb_variable_fn fn, void *fn_arg)
{
	const struct made *made = arg;

	(void)frame;
	for (size_t i = 0; i < made->count; i++) {
		enum wb_err err = fn(fn_arg, &made->variables[i]);

		if (err)
			return err;
	}
	return WB_OK;
}

static void check_row(size_t i, bool big_endian)
{
	static const uint8_t stack[STACK_SIZE] = { [SAVED - STACK] = 1, 2, 3, 4, 5, 6, 7, 8 };
	struct wb_variable variable = {
		.size = sizeof(variable), .kind = WB_VARIABLE_ARGUMENT, .name = "v", .function = "f", .bytes = rows[i].bytes, .location = rows[i].location,
		.location_size = rows[i].size, .frame_base = rows[i].base_size ? rows[i].base : NULL, .frame_base_size = rows[i].base_size,
	};
	struct wb_region region = { STACK, stack, sizeof(stack) };
	struct wb_view view = { .regions = &region, .num_regions = 1, .word_size = 8, .big_endian = big_endian };
	struct wb_frame frame = { .cfa = CFA, .flags = rows[i].has_no_cfa ? 0 : WB_FRAME_HAS_CFA };
	struct wb_saved_places saved = { .have = UINT64_C(1) << RBX | UINT64_C(1) << 12, .address = { [RBX] = SAVED, [12] = STACK } };
	struct wb_regs regs = { 0 };
	struct wb_variable_scope scope = { .arch = &wb_arch_x86_64, .frame = &frame, .index = 5, .regs = &regs, .saved = &saved, .view = &view };
	struct made made = { &variable, 1 };
	struct wb_variable_parts parts = { 0 };

	wb_regs_set(&regs, RBX, big_endian ? UINT64_C(0x0102030405060708) : UINT64_C(0x0807060504030201), false);
	wb_regs_set(&regs, RBP, 0x7020, false);
	wb_regs_set(&regs, RSP, STACK, false);
	wb_regs_set(&regs, 12, 99, false);
	CHECK(wb_variable_parts_add(&parts, &scope, tell, &made) == WB_OK);
	CHECK_EQ_U64(parts.count, rows[i].count);
	for (size_t k = 0; k < parts.count && k < rows[i].count; k++) {
		bool is_big = big_endian && rows[i].big[0].address;

		CHECK_EQ_U64(parts.items[k].address, is_big ? rows[i].big[k].address : rows[i].little[k].address);
		CHECK_EQ_U64(parts.items[k].bytes, is_big ? rows[i].big[k].bytes : rows[i].little[k].bytes);
		CHECK_EQ_U64(parts.items[k].offset, is_big ? rows[i].big[k].offset : rows[i].little[k].offset);
		CHECK_EQ_U64(parts.items[k].frame, 5);
		CHECK_EQ_U64(parts.items[k].variable_bytes, rows[i].bytes);
	}
	wb_variable_parts_deinit(&parts);
}

static void computes_places(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_row(rows[i].name);
		check_row(i, false);
		check_row(i, true);
	}
	test_row(NULL);
}

/* Adds a variable on the stack so often, each time with a name that starts `step` bytes later. */
static void add_often(const char *name, unsigned times, size_t step, struct wb_variable_parts *parts)
{
	static const uint8_t location[] = { 0x77, 0x08 };
	struct wb_variable variable = { .size = sizeof(variable), .name = name, .function = "f", .bytes = 8, .location = location, .location_size = sizeof(location) };
	struct wb_view view = { .word_size = 8 };
	struct wb_frame frame = { .flags = 0 };
	struct wb_saved_places saved = { .have = 0 };
	struct wb_regs regs = { 0 };
	struct wb_variable_scope scope = { .arch = &wb_arch_x86_64, .frame = &frame, .regs = &regs, .saved = &saved, .view = &view };
	struct made made = { &variable, 1 };

	wb_regs_set(&regs, RSP, STACK, false);
	for (unsigned i = 0; i < times; i++, variable.name += step)
		REQUIRE(wb_variable_parts_add(parts, &scope, tell, &made) == WB_OK);
}

/* More than are kept, which is no error; names that come again are kept once. */
static void keeps_limits(void)
{
	struct wb_variable_parts parts = { 0 };

	add_often("v", (1 << 16) + 10, 0, &parts);
	CHECK_EQ_U64(parts.count, 1 << 16);
	CHECK_EQ_U64(parts.num_texts, 2);
	wb_variable_parts_sort(&parts);
	wb_variable_parts_deinit(&parts);
	CHECK_EQ_U64(parts.text_size, 0);
}

/* Every variable with another long name. */
static void keeps_names_short(void)
{
	static char name[(1 << 20) + 1000];
	struct wb_variable_parts parts = { 0 };

	memset(name, 'v', sizeof(name) - 1);
	add_often(name, 100, 1, &parts);
	CHECK_EQ_U64(parts.count, 63); /* of 64 MiB, each a little more than one */
	CHECK(parts.text_size <= 64 << 20);
	wb_variable_parts_deinit(&parts);
}

int main(void)
{
	TEST_RUN(computes_places);
	TEST_RUN(keeps_limits);
	TEST_RUN(keeps_names_short);
	return test_summary();
}
