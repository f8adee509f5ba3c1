/* SPDX-License-Identifier: MIT */
/* The evaluator: one case for each kind of rule and each thing that can be missing. x86-64: rbx 3, rbp 6, rsp 7, r12 12, pc 16. */
#include "unwind/row_apply.h"

#include "tests/test.h"

enum { STACK = 0x7000, WORDS = 8, SP = STACK + 16 };

/* The word at STACK + 8 i is 0x1000 + i. */
static uint64_t words[WORDS];

struct table {
	struct wb_row_table table;
	uint32_t offsets[4];
	struct wb_row row;
	struct wb_row_rule rules[16];
};

static struct table make(struct wb_row row, const struct wb_row_rule *rules, unsigned count)
{
	struct table t = { .table = { .start = 0, .end = 100, .num_rows = 1, .num_rules = count }, .row = row };

	t.row.num_rules = (uint8_t)count;
	if (count)
		memcpy(t.rules, rules, count * sizeof(*rules));
	return t;
}

static struct wb_applied apply(const struct table *t, const struct wb_regs *regs)
{
	struct wb_region region = { STACK, words, sizeof(words) };
	struct wb_view view = { .regions = &region, .num_regions = 1, .word_size = 8, .big_endian = TEST_BIG_ENDIAN };
	struct wb_applied out;

	for (unsigned i = 0; i < WORDS; i++)
		words[i] = 0x1000 + i;
	wb_row_apply(&t->row, &t->table, &wb_arch_x86_64, regs, &view, &out);
	return out;
}

static struct wb_regs regs_of(void)
{
	struct wb_regs regs = { 0 };

	wb_regs_set(&regs, 7, SP, false);
	wb_regs_set(&regs, 6, STACK + 32, false);
	wb_regs_set(&regs, 3, 0xb, false);
	wb_regs_set(&regs, 0, 0xa, false);
	wb_regs_set(&regs, 16, 0x400000, false);
	return regs;
}

static void simple(void)
{
	struct wb_row_rule rbx = { .slot = 3, .kind = WB_RULE_OFFSET, .offset = -24 };
	struct table t = make((struct wb_row){ .cfa_offset = 32, .ra_offset = -8, .fp_offset = -16, .flags = WB_ROW_FP_SAVED }, &rbx, 1);
	struct wb_regs regs = regs_of();
	struct wb_applied out = apply(&t, &regs);

	/* CFA = SP + 32 = STACK + 48: pc is word 5, rbp word 4, rbx word 3. */
	CHECK_EQ_I64(out.result, WB_APPLY_OK);
	CHECK_EQ_U64(out.cfa, STACK + 48);
	CHECK_EQ_U64(out.regs.value[16], 0x1005);
	CHECK_EQ_U64(out.regs.value[6], 0x1004);
	CHECK_EQ_U64(out.regs.value[3], 0x1003);
	CHECK_EQ_U64(out.regs.value[7], STACK + 48);
	CHECK(!wb_regs_has(&out.regs, 0)); /* rax is not kept over a call */
	CHECK(!wb_regs_has(&out.regs, 12)); /* was unknown, is unknown */
	CHECK_EQ_U64(out.regs.derived, 0);
}

static void frame_pointer_base(void)
{
	struct table t = make((struct wb_row){ .cfa_offset = 16, .ra_offset = -8, .flags = WB_ROW_FP_BASE }, NULL, 0);
	struct wb_regs regs = regs_of();
	struct wb_applied out = apply(&t, &regs);

	CHECK_EQ_U64(out.cfa, STACK + 48);
	CHECK_EQ_U64(out.regs.value[6], STACK + 32); /* unchanged */
	CHECK_EQ_U64(out.regs.value[3], 0xb);
	wb_regs_forget(&regs, 6);
	out = apply(&t, &regs);
	CHECK_EQ_I64(out.result, WB_APPLY_BAD);
	CHECK(!out.has_cfa);
}

static void popped(void)
{
	/* At the return of a framed function: CFA = SP + 8, rbx was saved at CFA - 24 = SP - 16, which is not captured. */
	struct wb_row_rule rbx = { .slot = 3, .kind = WB_RULE_OFFSET, .offset = -24 };
	struct table t = make((struct wb_row){ .cfa_offset = 8, .ra_offset = -8 }, &rbx, 1);
	struct wb_regs regs = regs_of();
	struct wb_applied out;

	regs.value[7] = STACK;
	out = apply(&t, &regs);
	CHECK_EQ_I64(out.result, WB_APPLY_OK);
	CHECK_EQ_U64(out.regs.value[3], 0xb);
	CHECK_EQ_U64(out.regs.derived, UINT64_C(1) << 3);
	/* In the red zone, and captured: memory counts. CFA - 24 = STACK. */
	regs.value[7] = STACK + 16;
	out = apply(&t, &regs);
	CHECK_EQ_U64(out.regs.value[3], 0x1000);
	CHECK_EQ_U64(out.regs.derived, 0);
	/* Popped, and the register unknown: unknown. */
	regs.value[7] = STACK;
	wb_regs_forget(&regs, 3);
	out = apply(&t, &regs);
	CHECK(!wb_regs_has(&out.regs, 3));
	/* A return address is not popped before the return: here it would be 256 bytes below SP, where the bytes are or are not. */
	t = make((struct wb_row){ .cfa_offset = -248, .ra_offset = -8 }, NULL, 0);
	for (int captured = 0; captured < 2; captured++) {
		regs.value[7] = captured ? STACK + 256 : STACK;
		out = apply(&t, &regs);
		CHECK_EQ_I64(out.result, WB_APPLY_BAD);
		CHECK(out.has_cfa);
	}
}

static void absent(void)
{
	struct table t = make((struct wb_row){ .cfa_offset = 1000, .ra_offset = -8 }, NULL, 0);
	struct wb_row_rule rbx = { .slot = 3, .kind = WB_RULE_OFFSET, .offset = 2000 };
	struct wb_regs regs = regs_of();
	struct wb_applied out = apply(&t, &regs);

	CHECK_EQ_I64(out.result, WB_APPLY_MEMORY);
	CHECK_EQ_U64(out.address, SP + 992);
	CHECK(out.has_cfa);
	/* Another register's absence costs that register alone. */
	t = make((struct wb_row){ .cfa_offset = 32, .ra_offset = -8 }, &rbx, 1);
	out = apply(&t, &regs);
	CHECK_EQ_I64(out.result, WB_APPLY_OK);
	CHECK(!wb_regs_has(&out.regs, 3));
}

static void general(void)
{
	static const uint8_t expressions[] = { 0x77, 0x08, 0x23, 0x10 }; /* breg7+8; plus_uconst 16 on the CFA is not used */
	struct wb_row_rule rules[] = {
		{ .slot = WB_SLOT_CFA, .kind = WB_RULE_DEREF, .base = 7, .offset = 8, .offset2 = 1 },
		{ .slot = 16, .kind = WB_RULE_REGISTER, .base = 0 },
		{ .slot = 3, .kind = WB_RULE_VAL_OFFSET, .offset = -16 },
		{ .slot = 12, .kind = WB_RULE_EXPRESSION, .offset = 0, .offset2 = 2 },
		{ .slot = 13, .kind = WB_RULE_VAL_EXPRESSION, .offset = 0, .offset2 = 4 },
		{ .slot = 6, .kind = WB_RULE_UNDEFINED },
		{ .slot = 0, .kind = WB_RULE_SAME },
		{ .slot = 14, .kind = WB_RULE_DEREF, .base = 7, .offset = 16 },
		{ .slot = 15, .kind = WB_RULE_DEREF, .base = 8, .offset = 16 }, /* counts from a register that is unknown */
	};
	struct table t = make((struct wb_row){ .flags = WB_ROW_GENERAL }, rules, sizeof(rules) / sizeof(rules[0]));
	struct wb_regs regs = regs_of();
	struct wb_applied out;

	t.table.expressions = expressions;
	out = apply(&t, &regs);
	CHECK_EQ_I64(out.result, WB_APPLY_OK);
	CHECK_EQ_U64(out.cfa, 0x1003 + 1); /* word 3, at SP + 8 */
	CHECK_EQ_U64(out.regs.value[16], 0xa);
	CHECK_EQ_U64(out.regs.value[3], 0x1004 - 16);
	CHECK_EQ_U64(out.regs.value[12], 0x1003);
	CHECK_EQ_U64(out.regs.value[13], SP + 8 + 16);
	CHECK(!wb_regs_has(&out.regs, 6));
	CHECK_EQ_U64(out.regs.value[0], 0xa);
	CHECK_EQ_U64(out.regs.value[14], 0x1004);
	CHECK(!wb_regs_has(&out.regs, 15));
}

static void no_return_address_rule(void)
{
	struct wb_row_rule cfa = { .slot = WB_SLOT_CFA, .kind = WB_RULE_OFFSET, .base = 7, .offset = 8 };
	struct table t = make((struct wb_row){ .flags = WB_ROW_GENERAL }, &cfa, 1);
	struct wb_regs regs = regs_of();

	CHECK_EQ_I64(apply(&t, &regs).result, WB_APPLY_BAD);
}

static void barrier(void)
{
	struct table t = make((struct wb_row){ .cfa_offset = 16, .ra_offset = -8, .fp_offset = -16,
	                                       .flags = WB_ROW_FP_BASE | WB_ROW_FP_SAVED | WB_ROW_BARRIER }, NULL, 0);
	struct wb_regs regs = regs_of();
	struct wb_applied out = apply(&t, &regs);

	CHECK_EQ_I64(out.result, WB_APPLY_OK);
	/* pc, SP and FP are proven by the frame; nothing else is. */
	CHECK_EQ_U64(out.regs.have, UINT64_C(1) << 16 | UINT64_C(1) << 7 | UINT64_C(1) << 6);
}

/* AAPCS64, 6.4.6: x29 points to the saved (x29, x30), wherever in the frame these are, so that the caller's SP is not told. */
static void aarch64_frame_record(void)
{
	struct table t = make((struct wb_row){ .cfa_offset = 16, .ra_offset = -8, .fp_offset = -16, .how = WB_HOW_FRAME_POINTER,
	                                       .flags = WB_ROW_FP_BASE | WB_ROW_FP_SAVED | WB_ROW_BARRIER }, NULL, 0);
	struct wb_region region = { STACK, words, sizeof(words) };
	struct wb_view view = { .regions = &region, .num_regions = 1, .word_size = 8, .big_endian = TEST_BIG_ENDIAN };
	struct wb_regs regs = { 0 };
	struct wb_applied out;

	for (unsigned i = 0; i < WORDS; i++)
		words[i] = 0x1000 + i;
	wb_regs_set(&regs, 19, 1, false);
	wb_regs_set(&regs, 29, STACK + 16, false);
	wb_regs_set(&regs, 31, STACK, false);
	wb_row_apply(&t.row, &t.table, &wb_arch_aarch64, &regs, &view, &out);
	CHECK_EQ_I64(out.result, WB_APPLY_OK);
	CHECK(!out.has_cfa);
	CHECK_EQ_U64(out.regs.have, UINT64_C(1) << 29 | UINT64_C(1) << 32);
	CHECK_EQ_U64(out.regs.value[29], 0x1002);
	CHECK_EQ_U64(out.regs.value[32], 0x1003);
}

/* Behind ldp x29, x30, [sp], #16 a row may go on to name the slot of the return address, below SP: it is in x30, if that is known. */
static void aarch64_popped(void)
{
	struct table t = make((struct wb_row){ .ra_offset = -8 }, NULL, 0);
	struct wb_region region = { STACK, words, sizeof(words) };
	struct wb_view view = { .regions = &region, .num_regions = 1, .word_size = 8, .big_endian = TEST_BIG_ENDIAN };
	struct wb_regs regs = { 0 };
	struct wb_applied out;

	wb_regs_set(&regs, wb_arch_aarch64.sp, SP, false);
	wb_regs_set(&regs, wb_arch_aarch64.pc, 0x400000, false);
	wb_row_apply(&t.row, &t.table, &wb_arch_aarch64, &regs, &view, &out);
	CHECK_EQ_I64(out.result, WB_APPLY_BAD);
	wb_regs_set(&regs, wb_arch_aarch64.ra_column, 0x401234, false);
	wb_row_apply(&t.row, &t.table, &wb_arch_aarch64, &regs, &view, &out);
	CHECK_EQ_I64(out.result, WB_APPLY_OK);
	CHECK_EQ_U64(out.cfa, SP);
	CHECK_EQ_U64(out.regs.value[wb_arch_aarch64.pc], 0x401234);
	CHECK(out.regs.derived >> wb_arch_aarch64.pc & 1);
}

int main(void)
{
	TEST_RUN(simple);
	TEST_RUN(frame_pointer_base);
	TEST_RUN(popped);
	TEST_RUN(absent);
	TEST_RUN(general);
	TEST_RUN(no_return_address_rule);
	TEST_RUN(barrier);
	TEST_RUN(aarch64_frame_record);
	TEST_RUN(aarch64_popped);
	return test_summary();
}
