/* SPDX-License-Identifier: MIT */
/* Breakpad's postfix expressions: compiled, evaluated by the one evaluator, compared with results by hand. */
#include "test.h"

#include "unwind/expr.h"
#include "unwind/postfix.h"

#include <stdio.h>

static const uint32_t words[] = { LE32(0x100), LE32(0x200), LE32(0x300), LE32(0x400) }; /* memory at 0x1000 */

/* ebp 0x1004, esp 0x1000. */
static bool evaluate(struct wb_postfix *p, struct wb_postfix_code code, uint64_t *ret_value)
{
	const struct wb_region region = { 0x1000, words, sizeof(words) };
	struct wb_view view = { .regions = &region, .num_regions = 1, .word_size = 4 };
	struct wb_expr_fault fault;
	struct wb_regs regs = { 0 };

	wb_regs_set(&regs, wb_arch_x86.sp, 0x1000, false);
	wb_regs_set(&regs, wb_arch_x86.fp, 0x1004, false);
	return wb_expr_evaluate(&wb_arch_x86, &regs, &view, p->bytes + code.at, code.size, false, 0, ret_value, &fault) == WB_OK;
}

static void evaluates_expressions(void)
{
	static const struct { const char *text; bool fails; uint64_t expect; } rows[] = {
		{ "$esp", false, 0x1000 },
		{ "$esp 8 +", false, 0x1008 },
		{ "esp -4 +", false, 0xffc },
		{ "$ebp ^", false, 0x200 },
		{ "$esp 4 + ^ 2 *", false, 0x400 },
		{ "1000 30 -", false, 970 },
		{ "1000 30 /", false, 33 },
		{ "1000 30 %", false, 10 },
		{ "4099 16 @", false, 4096 },
		{ "  7  ", false, 7 },
		{ "1 2", true, 0 },          /* two values */
		{ "+", true, 0 }, { "1 +", true, 0 }, { "", true, 0 }, { "$nothing", true, 0 }, { "^", true, 0 },
		{ "99999999999999999999", true, 0 },
	};
	static struct wb_postfix p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wb_postfix_code code;
		uint64_t value = 0;
		bool done;

		test_row(rows[i].text);
		wb_postfix_init(&p, &wb_arch_x86);
		done = wb_postfix_run(&p, rows[i].text, rows[i].text + strlen(rows[i].text)) && wb_postfix_result(&p, &code) && evaluate(&p, code, &value);
		CHECK_EQ_I64(done, !rows[i].fails);
		CHECK_EQ_U64(value, rows[i].expect);
	}
	test_row(NULL);
}

static void runs_programs(void)
{
	/* The usual one of functions with a frame pointer: $T0 is ebp. */
	static const char program[] = "$T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + = $L $T0 .cbSavedRegs - =";
	static const struct { const char *name; uint64_t expect; bool is_memory; } rows[] = {
		{ "$eip", 0x300, true }, { "$ebp", 0x200, true }, { "$esp", 0x100c, false }, { "$L", 0xff8, false },
	};
	static struct wb_postfix p;
	struct wb_postfix_code code;
	uint64_t value;

	wb_postfix_init(&p, &wb_arch_x86);
	REQUIRE(wb_postfix_constant(&p, 12, &code) && wb_postfix_set(&p, ".cbSavedRegs", 12, code));
	REQUIRE(wb_postfix_run(&p, program, program + sizeof(program) - 1));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		test_row(rows[i].name);
		REQUIRE(wb_postfix_get(&p, rows[i].name, &code) && evaluate(&p, code, &value));
		CHECK_EQ_U64(value, rows[i].expect);
		CHECK_EQ_I64(code.is_memory, rows[i].is_memory);
	}
	test_row(NULL);
	CHECK(!wb_postfix_get(&p, "$ebx", &code));
}

/* Each assignment doubles the expression: refused at the limit. */
static void refuses_what_grows(void)
{
	static struct wb_postfix p;
	char program[4096] = "$T0 $ebp =";

	for (unsigned i = 0; i < 64; i++)
		strcat(program, " $T0 $T0 $T0 + =");
	wb_postfix_init(&p, &wb_arch_x86);
	CHECK(!wb_postfix_run(&p, program, program + strlen(program)));
	program[0] = '\0';
	for (unsigned i = 0; i < 100; i++)
		strcat(program, " 1");
	wb_postfix_init(&p, &wb_arch_x86);
	CHECK(!wb_postfix_run(&p, program, program + strlen(program)));
}

int main(void)
{
	TEST_RUN(evaluates_expressions);
	TEST_RUN(runs_programs);
	TEST_RUN(refuses_what_grows);
	return test_summary();
}
