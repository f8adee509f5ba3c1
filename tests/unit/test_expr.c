/* SPDX-License-Identifier: MIT */
/* Expressions: each operation of DWARF 5, 2.5.1 that call frame information may use, and locations (2.6.1); expected values by hand from the text there. */
#include "unwind/expr.h"

#include "tests/test.h"

static const uint8_t stack_bytes[16] = { 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 1, 0, 0, 0, 0, 0, 0, 0x80 };

static const struct {
	const char *name;
	uint8_t bytes[32];
	size_t size;
	enum wb_err err;
	uint64_t value;
} cases[] = {
	/* rsp (7) is 0x1000, rbp (6) 0x2000, rip (16) 0x40100b; 0x1000 holds stack_bytes; the CFA, 0x5000, is on the stack first. */
	{ "initial value", { 0x96 }, 1, WB_OK, 0x5000 },
	{ "literals", { 0x30, 0x4f, 0x22 }, 3, WB_OK, 31 },
	{ "const1u", { 0x08, 0xff }, 2, WB_OK, 0xff },
	{ "const1s", { 0x09, 0xff }, 2, WB_OK, UINT64_MAX },
	{ "const2u", { 0x0a, 0x34, 0x12 }, 3, WB_OK, 0x1234 },
	{ "const2s", { 0x0b, 0x00, 0x80 }, 3, WB_OK, UINT64_C(0xffffffffffff8000) },
	{ "const4u", { 0x0c, 0xff, 0xff, 0xff, 0xff }, 5, WB_OK, UINT32_MAX },
	{ "const4s", { 0x0d, 0xff, 0xff, 0xff, 0xff }, 5, WB_OK, UINT64_MAX },
	{ "const8u", { 0x0e, 8, 7, 6, 5, 4, 3, 2, 1 }, 9, WB_OK, UINT64_C(0x0102030405060708) },
	{ "constu", { 0x10, 0xe5, 0x8e, 0x26 }, 4, WB_OK, 624485 },
	{ "consts", { 0x11, 0x9b, 0xf1, 0x59 }, 4, WB_OK, (uint64_t)-624485 },
	{ "addr", { 0x03, 1, 2, 3, 4, 5, 6, 7, 8 }, 9, WB_OK, UINT64_C(0x0807060504030201) },
	{ "breg", { 0x77, 0x08 }, 2, WB_OK, 0x1008 },
	{ "breg negative", { 0x76, 0x78 }, 2, WB_OK, 0x1ff8 },
	{ "bregx", { 0x92, 0x07, 0x10 }, 3, WB_OK, 0x1010 },
	{ "unknown register", { 0x70, 0x00 }, 2, WB_ERR_DATA, 0 },
	{ "register that is no register", { 0x92, 0x80, 0x80, 0x04, 0x00 }, 5, WB_ERR_DATA, 0 },
	{ "deref", { 0x77, 0x00, 0x06 }, 3, WB_OK, UINT64_C(0x8877665544332211) },
	{ "deref_size 2", { 0x77, 0x00, 0x94, 0x02 }, 4, WB_OK, 0x2211 },
	{ "deref_size 3", { 0x77, 0x00, 0x94, 0x03 }, 4, WB_ERR_DATA, 0 },
	{ "deref of absent memory", { 0x76, 0x00, 0x06 }, 3, WB_NONE, 0 },
	{ "dup", { 0x35, 0x12, 0x1e }, 3, WB_OK, 25 },
	{ "drop", { 0x35, 0x13 }, 2, WB_OK, 0x5000 },
	{ "over", { 0x31, 0x32, 0x14 }, 3, WB_OK, 1 },
	{ "pick", { 0x31, 0x32, 0x33, 0x15, 0x02 }, 5, WB_OK, 1 },
	{ "pick too deep", { 0x31, 0x15, 0x02 }, 3, WB_ERR_DATA, 0 },
	{ "swap", { 0x31, 0x35, 0x16, 0x1c }, 4, WB_OK, 4 },
	/* Figure of 2.5.1.3: 1 2 3 (top) becomes 3 1 2 (top): 1 - 2 = -1. */
	{ "rot", { 0x31, 0x32, 0x33, 0x17, 0x1c }, 5, WB_OK, UINT64_MAX },
	{ "abs", { 0x09, 0xfb, 0x19 }, 3, WB_OK, 5 },
	{ "and", { 0x3c, 0x3a, 0x1a }, 3, WB_OK, 8 },
	{ "div signed", { 0x09, 0xf9, 0x32, 0x1b }, 4, WB_OK, (uint64_t)-3 },
	{ "div by zero", { 0x31, 0x30, 0x1b }, 3, WB_ERR_DATA, 0 },
	{ "div overflow", { 0x0e, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x09, 0xff, 0x1b }, 12, WB_OK, UINT64_C(1) << 63 },
	{ "minus", { 0x32, 0x35, 0x1c }, 3, WB_OK, (uint64_t)-3 },
	{ "mod", { 0x37, 0x34, 0x1d }, 3, WB_OK, 3 },
	{ "mod by zero", { 0x37, 0x30, 0x1d }, 3, WB_ERR_DATA, 0 },
	{ "mul", { 0x37, 0x34, 0x1e }, 3, WB_OK, 28 },
	{ "neg", { 0x31, 0x1f }, 2, WB_OK, UINT64_MAX },
	{ "not", { 0x30, 0x20 }, 2, WB_OK, UINT64_MAX },
	{ "or", { 0x3c, 0x33, 0x21 }, 3, WB_OK, 15 },
	{ "plus_uconst", { 0x31, 0x23, 0x80, 0x01 }, 4, WB_OK, 129 },
	{ "shl", { 0x31, 0x34, 0x24 }, 3, WB_OK, 16 },
	{ "shl by 64", { 0x31, 0x08, 64, 0x24 }, 4, WB_OK, 0 },
	{ "shr", { 0x09, 0x80, 0x3f, 0x25 }, 4, WB_OK, UINT64_MAX >> 15 },
	{ "shra", { 0x09, 0x80, 0x33, 0x26 }, 4, WB_OK, (uint64_t)-16 },
	{ "shra by 100", { 0x09, 0x80, 0x08, 100, 0x26 }, 5, WB_OK, UINT64_MAX },
	{ "xor", { 0x3c, 0x3a, 0x27 }, 3, WB_OK, 6 },
	{ "comparison is signed", { 0x09, 0xff, 0x31, 0x2d }, 4, WB_OK, 1 },
	{ "eq ne", { 0x31, 0x31, 0x29, 0x31, 0x2e }, 5, WB_OK, 0 },
	{ "bra taken", { 0x31, 0x28, 0x01, 0x00, 0x35, 0x36 }, 6, WB_OK, 6 },
	{ "bra not taken", { 0x30, 0x28, 0x01, 0x00, 0x35, 0x22 }, 6, WB_OK, 0x5005 },
	{ "skip", { 0x2f, 0x01, 0x00, 0x35, 0x96 }, 5, WB_OK, 0x5000 },
	{ "skip out of the expression", { 0x2f, 0x10, 0x00 }, 3, WB_ERR_DATA, 0 },
	{ "endless loop", { 0x2f, 0xfd, 0xff }, 3, WB_ERR_LIMIT, 0 },
	{ "endless pushing", { 0x31, 0x2f, 0xfc, 0xff }, 4, WB_ERR_LIMIT, 0 },
	{ "stack underflow", { 0x22 }, 1, WB_ERR_DATA, 0 },
	{ "cut short", { 0x0e, 1, 2 }, 3, WB_ERR_DATA, 0 },
	{ "reserved operation", { 0xe9 }, 1, WB_ERR_UNSUPPORTED, 0 },
	/* 6.4.2: not in call frame information. */
	{ "call_frame_cfa", { 0x9c }, 1, WB_ERR_UNSUPPORTED, 0 },
	{ "fbreg", { 0x91, 0x08 }, 2, WB_ERR_UNSUPPORTED, 0 },
	{ "register name", { 0x50 }, 1, WB_ERR_UNSUPPORTED, 0 },
	{ "piece", { 0x31, 0x93, 0x04 }, 3, WB_ERR_UNSUPPORTED, 0 },
	/* GNU ld's PLT: rsp + 8 + ((rip & 15) >= 11) << 3; rip & 15 is 11. */
	{ "plt", { 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22 }, 11, WB_OK, 0x1010 },
};

static struct wb_view view_of(struct wb_region *region)
{
	*region = (struct wb_region){ 0x1000, stack_bytes, sizeof(stack_bytes) };
	return (struct wb_view){ .regions = region, .num_regions = 1, .word_size = 8 };
}

static void operations(void)
{
	struct wb_regs regs = { 0 };
	struct wb_region region;
	struct wb_view view = view_of(&region);

	wb_regs_set(&regs, 7, 0x1000, false);
	wb_regs_set(&regs, 6, 0x2000, false);
	wb_regs_set(&regs, 16, 0x40100b, false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wb_expr_fault fault;
		uint64_t value = 0;
		enum wb_err err;

		test_row(cases[i].name);
		err = wb_expr_evaluate(&wb_arch_x86_64, &regs, &view, cases[i].bytes, cases[i].size, true, 0x5000, &value, &fault);
		CHECK_EQ_I64(err, cases[i].err);
		if (!err)
			CHECK_EQ_U64(value, cases[i].value);
		CHECK(fault.is_memory == (cases[i].err == WB_NONE));
		if (fault.is_memory)
			CHECK_EQ_U64(fault.address, 0x2000);
	}
}

static void empty_without_initial(void)
{
	struct wb_regs regs = { 0 };
	struct wb_region region;
	struct wb_view view = view_of(&region);
	struct wb_expr_fault fault;
	uint64_t value;

	CHECK_EQ_I64(wb_expr_evaluate(&wb_arch_x86_64, &regs, &view, NULL, 0, false, 0, &value, &fault), WB_ERR_DATA);
}

/* The frame's CFA is 0x5000, its base 0x4ff0; registers and memory as above. */
static const struct {
	const char *name;
	uint8_t bytes[32];
	size_t size;
	enum wb_err err;
	unsigned count;
	struct wb_expr_piece pieces[4];
} locations[] = {
#define WHOLE UINT64_MAX
#define IN_MEMORY(address, size) { WB_EXPR_MEMORY, address, size }
#define IN_REGISTER(number, size) { WB_EXPR_REGISTER, number, size }
#define IS_NOWHERE(size) { WB_EXPR_NOWHERE, 0, size }
	{ "frame base", { 0x91, 0x70 }, 2, WB_OK, 1, { IN_MEMORY(0x4fe0, WHOLE) } },
	{ "CFA", { 0x9c, 0x38, 0x1c }, 3, WB_OK, 1, { IN_MEMORY(0x4ff8, WHOLE) } },
	{ "register and offset", { 0x77, 0x18 }, 2, WB_OK, 1, { IN_MEMORY(0x1018, WHOLE) } },
	{ "through memory", { 0x77, 0x08, 0x06 }, 3, WB_OK, 1, { IN_MEMORY(UINT64_C(0x8000000000000001), WHOLE) } },
	{ "in a register", { 0x53 }, 1, WB_OK, 1, { IN_REGISTER(3, WHOLE) } },
	{ "in a far register", { 0x90, 0x80, 0x01 }, 3, WB_OK, 1, { IN_REGISTER(128, WHOLE) } },
	{ "a value", { 0x35, 0x9f }, 2, WB_OK, 1, { IS_NOWHERE(WHOLE) } },
	{ "bytes of its own", { 0x9e, 0x02, 0x77, 0x00 }, 4, WB_OK, 1, { IS_NOWHERE(WHOLE) } },
	{ "of entry", { 0xa3, 0x01, 0x55, 0x9f }, 4, WB_OK, 1, { IS_NOWHERE(WHOLE) } },
	{ "from an entry's value", { 0xf3, 0x01, 0x55, 0x23, 0x08 }, 5, WB_OK, 1, { IS_NOWHERE(WHOLE) } },
	{ "static", { 0x03, 0, 0x10, 0, 0, 0, 0, 0, 0 }, 9, WB_OK, 1, { IS_NOWHERE(WHOLE) } },
	{ "optimized out", { 0 }, 0, WB_OK, 1, { IS_NOWHERE(WHOLE) } },
	{ "not initialized", { 0x91, 0x70, 0xf0 }, 3, WB_OK, 1, { IN_MEMORY(0x4fe0, WHOLE) } },
	/* 2.6.1.2's examples: a register and memory, a part that is not there, and a value. */
	{ "pieces", { 0x53, 0x93, 0x04, 0x91, 0x0c, 0x93, 0x02 }, 7, WB_OK, 2, { IN_REGISTER(3, 4), IN_MEMORY(0x4ffc, 2) } },
	{ "a piece left out", { 0x50, 0x93, 0x04, 0x93, 0x04, 0x77, 0x00, 0x93, 0x08 }, 9, WB_OK, 3,
	  { IN_REGISTER(0, 4), IS_NOWHERE(4), IN_MEMORY(0x1000, 8) } },
	{ "a value in pieces", { 0x30, 0x9f, 0x93, 0x08, 0x9c, 0x93, 0x08 }, 7, WB_OK, 2, { IS_NOWHERE(8), IN_MEMORY(0x5000, 8) } },
	{ "what is known before what is not", { 0x9c, 0x93, 0x08, 0xe9 }, 4, WB_OK, 1, { IN_MEMORY(0x5000, 8) } },
	{ "bits", { 0x9c, 0x93, 0x08, 0x77, 0x00, 0x9d, 0x04, 0x00 }, 8, WB_OK, 1, { IN_MEMORY(0x5000, 8) } },
	{ "unknown register", { 0x70, 0x00 }, 2, WB_ERR_DATA, 0, { { 0 } } },
	{ "absent memory", { 0x76, 0x00, 0x06 }, 3, WB_NONE, 0, { { 0 } } },
	{ "thread's", { 0x0e, 0, 0, 0, 0, 0, 0, 0, 0, 0x9b }, 10, WB_ERR_UNSUPPORTED, 0, { { 0 } } },
	{ "pointer to what is nowhere", { 0xa0, 1, 0, 0, 0, 0 }, 6, WB_ERR_UNSUPPORTED, 0, { { 0 } } },
	{ "cut short", { 0x91 }, 1, WB_ERR_DATA, 0, { { 0 } } },
	{ "a cut piece", { 0x9c, 0x93 }, 2, WB_ERR_DATA, 0, { { 0 } } },
	{ "a piece larger than all memory", { 0x9c, 0x93, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 }, 12, WB_ERR_DATA, 0, { { 0 } } },
	{ "a cut block", { 0x9e, 0x05, 0x01 }, 3, WB_ERR_DATA, 0, { { 0 } } },
	{ "endless loop", { 0x2f, 0xfd, 0xff }, 3, WB_ERR_LIMIT, 0, { { 0 } } },
};

static void places(void)
{
	const struct wb_expr_frame frame = { .has_cfa = true, .has_base = true, .cfa = 0x5000, .base = 0x4ff0 };
	struct wb_regs regs = { 0 };
	struct wb_region region;
	struct wb_view view = view_of(&region);

	wb_regs_set(&regs, 7, 0x1000, false);
	wb_regs_set(&regs, 6, 0x2000, false);
	for (size_t i = 0; i < sizeof(locations) / sizeof(locations[0]); i++) {
		struct wb_expr_piece pieces[WB_EXPR_PIECES_MAX];
		unsigned count = 0;

		test_row(locations[i].name);
		CHECK_EQ_I64(wb_expr_locate(&wb_arch_x86_64, &regs, &view, &frame, locations[i].bytes, locations[i].size, pieces, &count), locations[i].err);
		CHECK_EQ_U64(count, locations[i].count);
		for (unsigned k = 0; k < count && k < locations[i].count; k++) {
			CHECK_EQ_U64(pieces[k].where, locations[i].pieces[k].where);
			CHECK_EQ_U64(pieces[k].value, locations[i].pieces[k].value);
			CHECK_EQ_U64(pieces[k].size, locations[i].pieces[k].size);
		}
	}
}

/* Without a CFA or a base, and more pieces than there is room for. */
static void places_with_less(void)
{
	static const uint8_t cfa[] = { 0x9c }, base[] = { 0x91, 0x00 };
	const struct wb_expr_frame frame = { .has_cfa = false, .has_base = false };
	struct wb_expr_piece pieces[WB_EXPR_PIECES_MAX];
	struct wb_regs regs = { 0 };
	struct wb_region region;
	struct wb_view view = view_of(&region);
	uint8_t many[3 * 100];
	unsigned count = 0;

	CHECK_EQ_I64(wb_expr_locate(&wb_arch_x86_64, &regs, &view, &frame, cfa, sizeof(cfa), pieces, &count), WB_ERR_DATA);
	CHECK_EQ_I64(wb_expr_locate(&wb_arch_x86_64, &regs, &view, &frame, base, sizeof(base), pieces, &count), WB_ERR_DATA);
	for (size_t i = 0; i < sizeof(many); i += 3)
		memcpy(many + i, (const uint8_t[]){ 0x50, 0x93, 1 }, 3);
	CHECK_EQ_I64(wb_expr_locate(&wb_arch_x86_64, &regs, &view, &frame, many, sizeof(many), pieces, &count), WB_OK);
	CHECK_EQ_U64(count, WB_EXPR_PIECES_MAX);
}

static void text(void)
{
	static const uint8_t plt[] = { 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22 };
	static const uint8_t odd[] = { 0x31, 0xe9, 0x31 };
	char buffer[200], small[8];

	/* As readelf prints it, without the names of registers. */
	wb_expression_format(WB_ARCH_X86_64, plt, sizeof(plt), buffer, sizeof(buffer));
	CHECK_STR(buffer, "breg7+8; breg16+0; lit15; and; lit11; ge; lit3; shl; plus");
	CHECK_EQ_U64(wb_expression_format(WB_ARCH_X86_64, plt, sizeof(plt), small, sizeof(small)), strlen(buffer));
	CHECK_STR(small, "breg7+8");
	wb_expression_format(WB_ARCH_X86_64, odd, sizeof(odd), buffer, sizeof(buffer));
	CHECK_STR(buffer, "lit1; ?0xe9");
}

int main(void)
{
	TEST_RUN(operations);
	TEST_RUN(empty_without_initial);
	TEST_RUN(places);
	TEST_RUN(places_with_less);
	TEST_RUN(text);
	return test_summary();
}
