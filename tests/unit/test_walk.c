/* SPDX-License-Identifier: MIT */
/* Walks: every kind of row, every end. Stacks of the made-up program in walk_program.h; what is expected was worked out by hand from its rows. */
#include "tests/unit/walk_program.h"

enum { REGS_MAX = 8 };
#define FP_ONLY ((const enum wb_how[]){ WB_HOW_FRAME_POINTER }), 1
#define CFI_ONLY ((const enum wb_how[]){ WB_HOW_CFI }), 1
#define WITH_SCAN ((const enum wb_how[]){ WB_HOW_CFI, WB_HOW_LEAF, WB_HOW_FRAME_POINTER, WB_HOW_SCAN }), 4
#define FP_FIRST ((const enum wb_how[]){ WB_HOW_FRAME_POINTER, WB_HOW_CFI }), 2
#define AUTO NULL, 0
static const struct {
	const char *name;
	struct wb_reg regs[REGS_MAX];
	uint64_t stack[16];           /* words at STACK, captured up to `size` */
	size_t size;                  /* bytes; 0: all 16 words */
	const enum wb_how *strategies;
	size_t num_strategies;
	const char *expect;
} cases[] = {
	{ "return address undefined", { { WB_REG_PC, 0, C(LEAF + 16) }, { RSP, 0, S(0) } }, { C(ROOT + 5) }, 0, AUTO,
	  "1010 context x @+8 | 1305 cfi @+10 -> root return address undefined 0" },
	{ "undefined, and the CFA unknown", { { WB_REG_PC, 0, C(LEAF + 16) }, { RSP, 0, S(0) } }, { C(ROOT_NO_CFA + 5) }, 0, AUTO,
	  "1010 context x @+8 | 1d05 cfi -> root return address undefined 0" },
	{ "return address zero", { { WB_REG_PC, 0, C(LEAF + 16) }, { RSP, 0, S(0) } }, { 0 }, 0, AUTO,
	  "1010 context x @+8 -> root return address zero 0" },
	{ "several kinds of rows",
	  { { WB_REG_PC, 0, C(LEAF + 16) }, { RSP, 0, S(0) }, { RBP, 0, S(0x38) } },
	  { C(SAVES + 7), 1, 2, 3, C(FRAMED + 9), 0, 0, 0x1111, C(LEAF + 3), C(ROOT + 1) }, 0, AUTO,
	  "1010 context x @+8 | 1207 cfi @+28 | 1109 cfi @+48 | 1003 cfi @+50 | 1301 cfi @+58 -> root return address undefined 0" },
	{ "memory: the return address is past the capture", { { WB_REG_PC, 0, C(SAVES + 16) }, { RSP, 0, S(0) } }, { 1, 2, 3 }, 24, AUTO,
	  "1210 context x @+20 -> memory +18" },
	{ "memory: half of the word is there", { { WB_REG_PC, 0, C(SAVES + 16) }, { RSP, 0, S(0) } }, { 1, 2, 3, C(ROOT + 1) }, 28, AUTO,
	  "1210 context x @+20 -> memory +18" },
	{ "memory: found after ordinary frames", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) } }, { C(LEAF + 2), C(LEAF + 3) }, 16, AUTO,
	  "1001 context x @+8 | 1002 cfi @+10 | 1003 cfi @+18 -> memory +10" },
	{ "no SP, and the CFA needs it", { { WB_REG_PC, 0, C(LEAF + 1) } }, { 0 }, 0, AUTO, "1001 context x -> bad-info 1001" },
	{ "no-image", { { WB_REG_PC, 0, 0x500010 }, { RSP, 0, S(0) } }, { 0 }, 0, AUTO, "500010 context x -> no-image 500010" },
	{ "no-image, from a caller", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) } }, { 0x500010 }, 0, AUTO,
	  "1001 context x @+8 | 500010 cfi -> no-image 50000f" },
	{ "unmapped", { { WB_REG_PC, 0, 0x900000 }, { RSP, 0, S(0) } }, { 0x77 }, 0, AUTO, "900000 context x -> unmapped 900000" },
	{ "unmapped return address", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) } }, { 0x900000 }, 0, AUTO,
	  "1001 context x @+8 -> unmapped 900000" },
	{ "no-info", { { WB_REG_PC, 0, C(NOTHING + 0x20) }, { RSP, 0, S(0) } }, { 0 }, 0, AUTO, "1520 context x -> no-info 1520" },
	{ "no-info, from a caller", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) } }, { C(NOTHING + 0x20) }, 0, AUTO,
	  "1001 context x @+8 | 1520 cfi -> no-info 151f" },
	{ "bad-info", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) } }, { C(BROKEN + 0x20) }, 0, AUTO,
	  "1001 context x @+8 | 1620 cfi -> bad-info 161f" },
	{ "bad-info: a register that calls destroy", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) }, { R10, 0, S(0x40) } }, { C(BY_R10 + 1) }, 0, AUTO,
	  "1001 context x @+8 | 1901 cfi -> bad-info 1901" },
	{ "that register in the innermost frame", { { WB_REG_PC, 0, C(BY_R10 + 1) }, { RSP, 0, S(0) }, { R10, 0, S(0x10) } }, { 0, 0, C(ROOT + 1) }, 0, AUTO,
	  "1901 context x @+18 | 1301 cfi @+20 -> root return address undefined 0" },
	{ "bad-info: a register that a frame lost", { { WB_REG_PC, 0, C(LOST_RBX + 1) }, { RSP, 0, S(0) }, { RBX, 0, S(0x40) } }, { C(BY_RBX + 1) }, 0, AUTO,
	  "1b01 context x @+8 | 1c01 cfi -> bad-info 1c01" },
	{ "no-progress", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) } }, { C(STILL + 1), C(STILL + 1) }, 0, AUTO,
	  "1001 context x @+8 | 1701 cfi @+8 -> no-progress 1701" },
	{ "progress by a return address in a register", { { WB_REG_PC, 0, C(RA_IN_RAX + 1) }, { RSP, 0, S(0) }, { RAX, 0, C(LEAF + 1) } }, { 0 }, 0, AUTO,
	  "1f01 context x @+0 | 1001 cfi @+8 -> root return address zero 0" },
	{ "no-progress: the return address in a register is here", { { WB_REG_PC, 0, C(RA_IN_RAX + 1) }, { RSP, 0, S(0) }, { RAX, 0, C(RA_IN_RAX + 1) } }, { 0 },
	  0, AUTO, "1f01 context x @+0 -> no-progress 1f01" },
	{ "no-progress: the CFA lies below SP", { { WB_REG_PC, 0, C(FRAMED + 1) }, { RSP, 0, S(0x40) }, { RBP, 0, S(8) } },
	  { 0, 0, C(LEAF + 1), C(LEAF + 1), C(LEAF + 1), C(LEAF + 1), C(LEAF + 1), C(LEAF + 1) }, 0, AUTO,
	  "1101 context x @+18 -> no-progress 1101" },
	{ "no loop where SP is unknown", { { WB_REG_PC, 0, C(NO_SP + 1) }, { RBP, 0, S(0) } }, { 0, C(NO_SP + 1) }, 0, AUTO,
	  "1a01 context x @+10 | 1a01 cfi @+10 -> no-progress 1a01" },
	{ "no registers", { { 0 } }, { 0 }, 0, AUTO, " -> empty 0" },
	/* Popped slots: rbx and rbp are saved below SP, where nothing was captured: they still have their values. */
	{ "popped registers", { { WB_REG_PC, 0, C(POPPED + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(8) }, { RBX, 0, S(0x10) } },
	  { C(FRAMED + 1), 0, C(ROOT + 1) }, 0, AUTO,
	  "1801 context x @+8 | 1101 cfi @+18 | 1301 cfi @+20 -> root return address undefined 0" },
	{ "popped rbx", { { WB_REG_PC, 0, C(POPPED + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(8) }, { RBX, 0, S(0x10) } },
	  { C(BY_RBX + 1), 0, C(ROOT + 1) }, 0, AUTO,
	  "1801 context x @+8 | 1c01 cfi @+18 | 1301 cfi @+20 -> root return address undefined 0" },
	/* Frame pointers alone. */
	{ "frame pointers", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(8) } },
	  { 0, S(0x20), C(LEAF + 4), 0, 0, C(LEAF + 5) }, 0, FP_ONLY,
	  "1501 context x @+18 | 1004 frame-pointer @+30 | 1005 frame-pointer -> root frame pointer zero 0" },
	{ "frame pointers: return address zero", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(8) } },
	  { 0, S(0x20), C(LEAF + 4), 0, 0, 0 }, 0, FP_ONLY,
	  "1501 context x @+18 | 1004 frame-pointer @+30 -> root return address zero 0" },
	{ "frame pointers: the chain leaves the capture", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(8) } },
	  { 0, S(0x400), C(LEAF + 4) }, 0, FP_ONLY, "1501 context x @+18 | 1004 frame-pointer -> memory +408" },
	{ "frame pointers: the first is not believed", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(0x400) } },
	  { 0 }, 0, FP_ONLY, "1501 context x -> no-info 1501" },
	{ "frame pointers: zero at the start is just a register", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBP, 0, 0 } },
	  { 0 }, 0, FP_ONLY, "1501 context x -> no-info 1501" },
	{ "frame pointers: odd", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(9) } },
	  { C(LEAF + 1), C(LEAF + 1), C(LEAF + 1), C(LEAF + 1) }, 0, FP_ONLY, "1501 context x -> no-info 1501" },
	{ "frame pointers: below SP", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(16) }, { RBP, 0, S(8) } },
	  { C(LEAF + 1), C(LEAF + 1), C(LEAF + 1), C(LEAF + 1) }, 0, FP_ONLY, "1501 context x -> no-info 1501" },
	{ "frame pointers: the next is below", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(16) } },
	  { 0, C(LEAF + 1), S(0), C(LEAF + 1), C(LEAF + 1) }, 0, FP_ONLY, "1501 context x @+20 | 1001 frame-pointer -> no-info 1000" },
	{ "frame pointers: points to itself", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(16) } },
	  { 0, 0, S(16), C(LEAF + 1) }, 0, FP_ONLY, "1501 context x @+20 | 1001 frame-pointer -> no-info 1000" },
	{ "frame pointers: into data", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(8) } },
	  { 0, S(0x20), 0x600010 }, 0, FP_ONLY, "1501 context x -> no-info 1501" },
	{ "frame pointers: into nothing", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(8) } },
	  { 0, S(0x20), 0x12345678 }, 0, FP_ONLY, "1501 context x -> no-info 1501" },
	{ "a frame pointer step forgets registers", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(8) }, { RBX, 0, S(0x40) } },
	  { 0, S(0x20), C(BY_RBX + 4) }, 0, AUTO, "1501 context x @+18 | 1c04 frame-pointer -> bad-info 1c04" },
	{ "frame pointers first, then CFI", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(8) } },
	  { C(ROOT + 1), S(2), C(LEAF + 4), C(ROOT + 2) }, 0, FP_FIRST,
	  "1001 context x @+18 | 1004 frame-pointer @+20 | 1302 cfi @+28 -> root return address undefined 0" },
	{ "CFI first, then frame pointers", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(0x10) } },
	  { C(NOTHING + 9), 0, 0x77, C(ROOT + 2) }, 0, AUTO,
	  "1001 context x @+8 | 1509 cfi @+20 | 1302 frame-pointer @+28 -> root return address undefined 0" },
	{ "CFI alone", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) }, { RBP, 0, S(0x10) } },
	  { C(NOTHING + 9), 0, 0x77, C(ROOT + 2) }, 0, CFI_ONLY, "1001 context x @+8 | 1509 cfi -> no-info 1508" },
	/* Leaf: no frame yet, or no more. */
	{ "leaf: function start", { { WB_REG_PC, 0, C(PUSHES) }, { RSP, 0, S(0) } }, { C(ROOT + 1) }, 0, AUTO,
	  "2000 context x @+8 | 1301 code @+10 -> root return address undefined 0" },
	{ "leaf: behind push rbp", { { WB_REG_PC, 0, C(PUSHES + 1) }, { RSP, 0, S(0) }, { RBP, 0, 3 } }, { S(0x10), C(FRAMED + 1), 9, C(ROOT + 1) }, 0, AUTO,
	  "2001 context x @+10 | 1101 code @+20 | 1301 cfi @+28 -> root return address undefined 0" },
	{ "leaf: ret", { { WB_REG_PC, 0, C(PUSHES + 6) }, { RSP, 0, S(0) } }, { C(ROOT + 1) }, 0, AUTO,
	  "2006 context x @+8 | 1301 leaf @+10 -> root return address undefined 0" },
	{ "leaf: not in the middle", { { WB_REG_PC, 0, C(PUSHES + 5) }, { RSP, 0, S(0) } }, { C(ROOT + 1) }, 0, AUTO,
	  "2005 context x -> no-info 2005" },
	{ "leaf: not for callers", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) } }, { C(PUSHES + 7), C(ROOT + 1) }, 0, AUTO,
	  "1001 context x @+8 | 2007 cfi -> no-info 2006" },
	{ "leaf: call of nothing", { { WB_REG_PC, 0, 0 }, { RSP, 0, S(0) } }, { C(ROOT + 1) }, 0, AUTO,
	  "0 context x @+8 | 1301 leaf @+10 -> root return address undefined 0" },
	{ "leaf: call of data", { { WB_REG_PC, 0, 0x600010 }, { RSP, 0, S(0) } }, { C(ROOT + 1) }, 0, AUTO,
	  "600010 context x @+8 | 1301 leaf @+10 -> root return address undefined 0" },
	{ "leaf: the return address was not captured", { { WB_REG_PC, 0, C(PUSHES) }, { RSP, 0, S(0x80) } }, { 0 }, 0, AUTO,
	  "2000 context x -> memory +80" },
	{ "leaf: data where the return address should be", { { WB_REG_PC, 0, C(PUSHES) }, { RSP, 0, S(0) } }, { 0x600010 }, 0, AUTO,
	  "2000 context x -> no-info 2000" },
	/* Scan: only on request. e8 rel32 stands in front of LEAF + 0x85. */
	{ "scan", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBX, 0, S(0x40) } },
	  { 0x600000, C(LEAF + 0x84), C(LEAF + 0x85), C(ROOT + 1) }, 0, WITH_SCAN,
	  "1501 context x @+18 | 1085 scan @+20 | 1301 cfi @+28 -> root return address undefined 0" },
	{ "no scan without request", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) }, { RBX, 0, S(0x40) } },
	  { 0x600000, C(LEAF + 0x84), C(LEAF + 0x85), C(ROOT + 1) }, 0, AUTO, "1501 context x -> no-info 1501" },
	{ "scan finds nothing", { { WB_REG_PC, 0, C(NOTHING + 1) }, { RSP, 0, S(0) } }, { 1, 2, 3 }, 0, WITH_SCAN, "1501 context x -> no-info 1501" },
	/* Signals. */
	{ "signal", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) } },
	  { C(TRAMPOLINE), C(LEAF + 0x40), 0x66, S(0x30), 0xbb, 0, C(ROOT + 1) }, 0, AUTO,
	  "1001 context x @+8 | 1400 cfi x s @+30 | 1040 cfi x @+38 | 1301 cfi @+40 -> root return address undefined 0" },
	{ "signal: its registers count", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) } },
	  { C(TRAMPOLINE), C(BY_RBX + 0x40), 0x66, S(0x30), S(0x38), 0, 0, C(ROOT + 1) }, 0, AUTO,
	  "1001 context x @+8 | 1400 cfi x s @+30 | 1c40 cfi x @+40 | 1301 cfi @+48 -> root return address undefined 0" },
	{ "signal: at a call of 0", { { WB_REG_PC, 0, C(LEAF + 1) }, { RSP, 0, S(0) } },
	  { C(TRAMPOLINE), 0, 0x66, S(0x30), 0xbb, 0, C(ROOT + 1) }, 0, AUTO,
	  "1001 context x @+8 | 1400 cfi x s @+30 | 0 cfi x @+38 | 1301 leaf @+40 -> root return address undefined 0" },
	{ "signal: that returns to itself", { { WB_REG_PC, 0, C(TRAMPOLINE) }, { RSP, 0, S(0) } }, { C(TRAMPOLINE), 0, S(0) }, 0, AUTO,
	  "1400 context x s @+0 | 1400 cfi x s @+0 -> no-progress 1400" },
	{ "signal: going round", { { WB_REG_PC, 0, C(TRAMPOLINE) }, { RSP, 0, S(0x10) } },
	  { 0, C(TRAMPOLINE), C(LEAF + 1), 0, S(8) }, 0, AUTO,
	  "1400 context x s @+8 | 1001 cfi x @+10 | 1400 cfi x s @+8 -> no-progress 1400" },
};

static size_t count_regs(const struct wb_reg *regs)
{
	size_t count = 0;

	while (count < REGS_MAX && regs[count].value | regs[count].number)
		count++;
	return count;
}

static void walks(void)
{
	struct process p;

	process_init(&p, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = cases[i].size ? cases[i].size : sizeof(cases[i].stack);
		uint8_t *copy = malloc(size);
		struct wb_region region = { STACK, copy, size };
		struct wb_context context = { .regs = cases[i].regs, .num_regs = count_regs(cases[i].regs) };
		struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
		struct wb_walker_opts opts = { .size = sizeof(opts), .strategies = cases[i].strategies, .num_strategies = cases[i].num_strategies };
		struct result result = { .count = 0 };
		char text[2000];

		test_row(cases[i].name);
		REQUIRE(copy);
		for (size_t at = 0; at < size; at++)
			copy[at] = (uint8_t)(cases[i].stack[at / 8] >> at % 8 * 8);
		walk_all_forms(p.session, p.space, &sample, &opts, &result);
		print(&result, text, sizeof(text));
		CHECK_STR(text, cases[i].expect);
		free(copy);
	}
	test_row(NULL);
	process_deinit(&p);
}

int main(void)
{
	TEST_RUN(walks);
	return test_summary();
}
