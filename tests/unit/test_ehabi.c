/* SPDX-License-Identifier: MIT */
/*
 * Unwinding instructions of 32-bit Arm to rules: each instruction by the table in EHABI32, 10.3, and what GCC and LLVM write. Then the index: entries in
 * place, in tables of their own, and what is damaged.
 */
#include <walkback/walkback.h>

#include "tests/test.h"

#include "unwind/ehabi.h"

#include <stdio.h>

static const struct wb_arch_info *arm(void)
{
	return wb_arch_info(WB_ARCH_ARM);
}

/* "cfa=sp+8 r4=[-8] pc=[-4]": brackets say where it is saved, from the CFA or from a register. */
static void say(const struct wb_row_rule *rules, uint8_t count, char *text, size_t size)
{
	size_t used = 0;

	for (uint8_t i = 0; i < count; i++) {
		const struct wb_row_rule *rule = &rules[i];
		const char *name = rule->slot == WB_SLOT_CFA ? "cfa" : arm()->regs[rule->slot].name, *base = rule->kind == WB_RULE_OFFSET && i ? "" : arm()->regs[rule->base].name;

		if (rule->kind == WB_RULE_REGISTER)
			used += (size_t)snprintf(text + used, size - used, "%s%s=%s", i ? " " : "", name, base);
		else
			used += (size_t)snprintf(text + used, size - used, rule->kind == WB_RULE_OFFSET && !i ? "%s%s=%s%+d" : "%s%s=[%s%+d]", i ? " " : "", name, base, (int)rule->offset);
	}
}

static const struct {
	const char *name;
	uint8_t code[8];
	size_t size;
	const char *expect;           /* NULL: refuses; in parentheses: the fault */
} codes[] = {
	{ "finish", { 0xb0 }, 1, "cfa=sp+0 pc=lr" },
	{ "vsp + 4", { 0x00, 0xb0 }, 2, "cfa=sp+4 pc=lr" },
	{ "vsp + 256", { 0x3f, 0xb0 }, 2, "cfa=sp+256 pc=lr" },
	{ "vsp - 4", { 0x40, 0x01, 0xb0 }, 3, "cfa=sp+4 pc=lr" },
	{ "pop r4, lr", { 0xa8, 0xb0, 0xb0 }, 3, "cfa=sp+8 r4=[-8] lr=[-4] pc=[-4]" },
	{ "pop r4 to r7", { 0xa3, 0xb0 }, 2, "cfa=sp+16 r4=[-16] r5=[-12] r6=[-8] r7=[-4] pc=lr" },
	{ "pop r7, lr under a mask", { 0x84, 0x08, 0xb0 }, 3, "cfa=sp+8 r7=[-8] lr=[-4] pc=[-4]" },
	{ "pop r11, pc", { 0x88, 0x80, 0xb0 }, 3, "cfa=sp+8 r11=[-8] pc=[-4]" },
	{ "pop sp, too", { 0x8f, 0xff, 0xb0 }, 3, "cfa=[sp+36] r4=[sp+0] r5=[sp+4] r6=[sp+8] r7=[sp+12] r8=[sp+16] r9=[sp+20] r10=[sp+24] r11=[sp+28] r12=[sp+32] lr=[sp+40] pc=[sp+44]" },
	{ "refuse", { 0x80, 0x00 }, 2, NULL },
	{ "vsp = r7", { 0x97, 0x01, 0xa8 }, 3, "cfa=r7+16 r4=[-8] lr=[-4] pc=[-4]" },
	{ "saved before vsp = r11", { 0xa0, 0x9b, 0x84, 0x00 }, 4, "cfa=r11+4 r4=[sp+0] lr=[-4] pc=[-4]" },
	{ "pop r0 to r3", { 0xb1, 0x0f, 0xb0 }, 3, "cfa=sp+16 r0=[-16] r1=[-12] r2=[-8] r3=[-4] pc=lr" },
	{ "vsp + 0x204 + 4 * 0x81", { 0xb2, 0x81, 0x01, 0xb0 }, 4, "cfa=sp+1032 pc=lr" },
	{ "FSTMFDX d8 to d10", { 0xb3, 0x82, 0xb0 }, 3, "cfa=sp+28 pc=lr" },
	{ "signed return address", { 0xb4, 0xa8, 0xb0 }, 3, "cfa=sp+12 r4=[-8] lr=[-4] pc=[-4]" },
	{ "FSTMFDX d8 to d9, short", { 0xb9, 0xb0 }, 2, "cfa=sp+20 pc=lr" },
	{ "wR10 to wR11", { 0xc1, 0xb0 }, 2, "cfa=sp+16 pc=lr" },
	{ "wR2 to wR4", { 0xc6, 0x22, 0xb0 }, 3, "cfa=sp+24 pc=lr" },
	{ "wCGR0, wCGR3", { 0xc7, 0x09, 0xb0 }, 3, "cfa=sp+8 pc=lr" },
	{ "VPUSH d16 to d17", { 0xc8, 0x01, 0xb0 }, 3, "cfa=sp+16 pc=lr" },
	{ "VPUSH d0", { 0xc9, 0x00, 0xb0 }, 3, "cfa=sp+8 pc=lr" },
	{ "VPUSH d8 to d9, short", { 0xd1, 0xb0 }, 2, "cfa=sp+16 pc=lr" },
	{ "no finish", { 0xa8 }, 1, "cfa=sp+8 r4=[-8] lr=[-4] pc=[-4]" },
	{ "vsp = sp", { 0x9d }, 1, "(a stack pointer from a register that does not have it)" },
	{ "vsp = r4, which was popped", { 0xa0, 0x94 }, 2, "(a stack pointer from a register that does not have it)" },
	{ "behind a popped sp", { 0x82, 0x00, 0x01 }, 3, "(instructions that lead nowhere)" },
	{ "spare", { 0xb6 }, 1, "(an instruction that is not known)" },
	{ "mask of r0 to r3, empty", { 0xb1, 0x00 }, 2, "(an instruction that is not known)" },
	{ "spare vector", { 0xe0 }, 1, "(an instruction that is not known)" },
	{ "cut", { 0xb1 }, 1, "(instructions are cut short)" },
	{ "far too large", { 0xb2, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f }, 7, "(instructions that lead nowhere)" },
};

static void instructions_become_rules(void)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct wb_row_rule rules[WB_EHABI_RULES_MAX];
		const char *fault = NULL;
		char text[512] = "";
		uint8_t count = 0;
		enum wb_err err;

		test_row(codes[i].name);
		err = wb_ehabi_rules(arm(), codes[i].code, codes[i].size, rules, &count, &fault);
		if (!codes[i].expect) {
			CHECK_EQ_I64(err, WB_NONE);
			continue;
		}
		if (codes[i].expect[0] == '(') {
			CHECK_EQ_I64(err, WB_ERR_DATA);
			snprintf(text, sizeof(text), "(%s)", fault ? fault : "");
		} else {
			CHECK_EQ_I64(err, WB_OK);
			say(rules, count, text, sizeof(text));
		}
		CHECK_STR(text, codes[i].expect);
	}
}

/* Whatever two bytes say: at most as many rules as there is room for. */
static void any_instructions_are_bounded(void)
{
	for (uint32_t value = 0; value < 1 << 16; value++) {
		const uint8_t code[] = { (uint8_t)(value >> 8), (uint8_t)value, 0xaf, 0x8f, 0xff };
		struct wb_row_rule rules[WB_EHABI_RULES_MAX];
		const char *fault = NULL;
		uint8_t count = 0;
		enum wb_err err = wb_ehabi_rules(arm(), code, sizeof(code), rules, &count, &fault);

		CHECK(err == WB_NONE || (err == WB_OK && count >= 2 && count <= WB_EHABI_RULES_MAX) || (err == WB_ERR_DATA && fault));
	}
}

int main(void)
{
	TEST_RUN(instructions_become_rules);
	TEST_RUN(any_instructions_are_bounded);
	return test_summary();
}
