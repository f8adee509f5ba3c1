/* SPDX-License-Identifier: MIT */
/*
 * Call frame instructions to rows. Every program is given as bytes; the rows that must come out were worked out by hand from DWARF 5, 6.4.2. A row
 * is written as "offset: CFA; register=rule ...", registers by DWARF number, pc for the return address, c for the CFA; "general" is a row that
 * needs all registers of its frame though its CFA does not.
 */
#include "unwind/cfi.h"

#include "base/mem.h"

#include "tests/test.h"

enum { PROGRAM_MAX = 64 };

struct program {
	uint8_t bytes[PROGRAM_MAX];
	size_t size;
};

/* x86-64's usual CIE: code alignment 1, data alignment -8, return address column 16; CFA = rsp + 8, return address at c-8. */
static const struct program usual_cie = { { 0x0c, 7, 8, 0x90, 1 }, 5 };

struct cfi_case {
	const char *name;
	struct program program;
	const char *expect;           /* rows, or the fault */
};

static const struct cfi_case cases[] = {
	{ "nothing", { { 0 }, 1 }, "0: 7+8; pc=c-8" },
	{ "push rbp; mov rbp, rsp; leave", { { 0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x4a, 0x0c, 7, 8 }, 12 },
	  "0: 7+8; pc=c-8 | 1: 7+16; pc=c-8 6=c-16 | 4: 6+16; pc=c-8 6=c-16 | 14: 7+8; pc=c-8 6=c-16" },
	{ "advances of every width", { { 0x02, 1, 0x0e, 16, 0x03, 0x02, 0, 0x0e, 24, 0x04, 4, 0, 0, 0, 0x0e, 32 }, 16 },
	  "0: 7+8; pc=c-8 | 1: 7+16; pc=c-8 | 3: 7+24; pc=c-8 | 7: 7+32; pc=c-8" },
	{ "MIPS advance 8", { { 0x1d, 9, 0, 0, 0, 0, 0, 0, 0, 0x0e, 16 }, 11 }, "0: 7+8; pc=c-8 | 9: 7+16; pc=c-8" },
	{ "set_loc", { { 0x01, 0x10, 0x10, 0, 0, 0, 0, 0, 0, 0x0e, 16 }, 11 }, "0: 7+8; pc=c-8 | 16: 7+16; pc=c-8" },
	{ "callee-saved registers", { { 0x0e, 24, 0x83, 3, 0x8c, 2 }, 6 }, "0: 7+24; pc=c-8 3=c-24 12=c-16" },
	{ "remember and restore", { { 0x41, 0x0e, 16, 0x86, 2, 0x42, 0x0a, 0x42, 0x0e, 8, 0xc6, 0x42, 0x0b }, 13 },
	  "0: 7+8; pc=c-8 | 1: 7+16; pc=c-8 6=c-16 | 5: 7+8; pc=c-8 | 7: 7+16; pc=c-8 6=c-16" },
	{ "restore_extended", { { 0x86, 2, 0x41, 0x06, 6 }, 5 }, "0: 7+8; pc=c-8 6=c-16 | 1: 7+8; pc=c-8" },
	/* "Same" is what an FP without a rule is anyway. */
	{ "same_value and undefined", { { 0x08, 6, 0x08, 12, 0x07, 3 }, 6 }, "0: 7+8; pc=c-8 3=u 12=s" },
	{ "return address undefined", { { 0x07, 16 }, 2 }, "0: 7+8; pc=c+0 root" }, /* simple: the offset means nothing */
	/* Registers that calls destroy are not recovered later: the row needs this frame's. */
	{ "caller-saved registers", { { 0x80, 3, 0x08, 1 }, 4 }, "0: 7+8; pc=c-8 0=c-24 1=s general" },
	{ "register in a register", { { 0x09, 16, 2 }, 3 }, "0: 7+8; pc=r2 general" },
	{ "offset_extended", { { 0x05, 12, 2 }, 3 }, "0: 7+8; pc=c-8 12=c-16" },
	{ "offset_extended_sf", { { 0x11, 12, 0x7e }, 3 }, "0: 7+8; pc=c-8 12=c+16" },
	{ "GNU_negative_offset_extended", { { 0x2f, 12, 2 }, 3 }, "0: 7+8; pc=c-8 12=c+16" },
	{ "val_offset", { { 0x14, 12, 2 }, 3 }, "0: 7+8; pc=c-8 12=v-16" },
	{ "val_offset_sf", { { 0x15, 12, 0x7e }, 3 }, "0: 7+8; pc=c-8 12=v+16" },
	/* -2 times the data alignment of -8. */
	{ "def_cfa_sf", { { 0x12, 7, 0x7e }, 3 }, "0: 7+16; pc=c-8" },
	{ "def_cfa_offset_sf", { { 0x13, 0x7e }, 2 }, "0: 7+16; pc=c-8" },
	{ "CFA on another register", { { 0x0c, 10, 0 }, 3 }, "0: 10+0; pc=c-8 general" },
	{ "def_aspace_cfa in space 0", { { 0x30, 7, 16, 0 }, 4 }, "0: 7+16; pc=c-8" },
	/* __restore_rt: DW_OP_breg7 160; DW_OP_deref */
	{ "CFA by deref", { { 0x0f, 4, 0x77, 0xa0, 0x01, 0x06 }, 6 }, "0: *(7+160)+0; pc=c-8" },
	{ "CFA by expression", { { 0x0f, 3, 0x77, 0x08, 0x96 }, 5 }, "0: expression; pc=c-8" },
	{ "expressions", { { 0x10, 12, 2, 0x77, 0x28, 0x16, 13, 2, 0x77, 0x30 }, 10 }, "0: 7+8; pc=c-8 12=*(7+40) 13=ve general" },
	{ "an expression with more to it", { { 0x10, 12, 3, 0x77, 0x28, 0x96 }, 6 }, "0: 7+8; pc=c-8 12=e general" },
	{ "args_size", { { 0x2e, 16, 0x0e, 16 }, 4 }, "0: 7+16; pc=c-8" },
	{ "registers that are not modelled", { { 0x05, 33, 2, 0x05, 0x80, 0x80, 0x04, 2 }, 8 }, "0: 7+8; pc=c-8" },
	{ "rows past the end are dropped", { { 0x0e, 16, 0x02, 200, 0x0e, 24 }, 6 }, "0: 7+16; pc=c-8" },
	{ "equal rows are one", { { 0x41, 0x0e, 8, 0x41, 0x0e, 16 }, 6 }, "0: 7+8; pc=c-8 | 2: 7+16; pc=c-8" },
	{ "restore without remember", { { 0x0b }, 1 }, "restore_state without remember_state" },
	{ "location goes backwards", { { 0x42, 0x01, 0x01, 0x10, 0, 0, 0, 0, 0, 0 }, 10 }, "location goes backwards" },
	{ "unknown instruction", { { 0x3e }, 1 }, "unknown call frame instruction" },
	{ "operand cut off", { { 0x0c, 7 }, 2 }, "call frame instructions are cut short" },
	{ "expression longer than the program", { { 0x0f, 40, 0x77 }, 3 }, "call frame instructions are cut short" },
	{ "offset beyond 32 bits", { { 0x05, 12, 0xff, 0xff, 0xff, 0xff, 0x7f }, 7 }, "offset out of range" },
	{ "CFA register after an expression", { { 0x0f, 1, 0x37, 0x0d, 6 }, 5 }, "def_cfa_register without a register and offset before" },
	{ "register window", { { 0x2d }, 1 }, "register windows" },
};

/* aarch64's: code alignment 4, data alignment -8, return address column 30; CFA = sp, the return address in x30. */
static const struct program aarch64_cie = { { 0x0c, 31, 0 }, 3 };

static const struct cfi_case aarch64_cases[] = {
	{ "leaf", { { 0 }, 1 }, "0: 31+0; pc=r30 general" },
	{ "stp x29, x30, [sp, -32]!", { { 0x41, 0x0e, 32, 0x9d, 4, 0x9e, 3 }, 7 }, "0: 31+0; pc=r30 general | 4: 31+32; pc=c-24 29=c-32 30=c-24" },
	/* paciasp; stp: the signature is the pointer mask's. */
	{ "signed return address", { { 0x41, 0x2d, 0x41, 0x0e, 16, 0x9d, 2, 0x9e, 1 }, 9 }, "0: 31+0; pc=r30 general | 8: 31+16; pc=c-8 29=c-16 30=c-8" },
	{ "frame pointer", { { 0x0c, 29, 16, 0x9d, 2, 0x9e, 1 }, 7 }, "0: 29+16; pc=c-8 29=c-16 30=c-8" },
	{ "vector registers", { { 0x0e, 32, 0x9e, 4, 0x05, 72, 3, 0x05, 79, 2, 0x05, 80, 1 }, 13 }, "0: 31+32; pc=c-32 30=c-32 72=c-24 79=c-16" },
	{ "_start", { { 0x07, 30 }, 2 }, "0: 31+0; pc=c+0 30=u root" },
	{ "return address in another register", { { 0x09, 30, 9 }, 3 }, "0: 31+0; pc=r9 30=r9 general" },
	/* _dl_runtime_resolve of glibc: the linkage table has pushed x16 and x30. */
	{ "return address above the CFA", { { 0x41, 0x11, 30, 0x7f, 0x41, 0x0e, 0xd0, 0x01 }, 8 },
	  "0: 31+0; pc=r30 general | 4: 31+0; pc=c+8 30=c+8 31=v+16 general | 8: 31+208; pc=c+8 30=c+8 31=v+16 general" },
	{ "a link register that is said to be the same", { { 0x08, 30 }, 2 }, "0: 31+0; pc=r30 30=s general" },
};

static const struct suite {
	const struct wb_arch_info *arch;
	const struct program *cie;
	const struct cfi_case *cases;
	size_t num_cases;
	uint64_t code_align, ra_column;
} suites[] = {
	{ &wb_arch_x86_64, &usual_cie, cases, sizeof(cases) / sizeof(cases[0]), 1, 16 },
	{ &wb_arch_aarch64, &aarch64_cie, aarch64_cases, sizeof(aarch64_cases) / sizeof(aarch64_cases[0]), 4, 30 },
};

static int put_rule(char *at, size_t size, const struct wb_arch_info *arch, const struct wb_row_rule *rule)
{
	char reg[8];

	snprintf(reg, sizeof(reg), rule->slot == arch->pc ? "pc" : "%u", arch->regs[rule->slot].number);
	switch ((enum wb_rule_kind)rule->kind) {
	case WB_RULE_UNDEFINED: return snprintf(at, size, " %s=u", reg);
	case WB_RULE_SAME: return snprintf(at, size, " %s=s", reg);
	case WB_RULE_OFFSET: return snprintf(at, size, " %s=c%+d", reg, rule->offset);
	case WB_RULE_VAL_OFFSET: return snprintf(at, size, " %s=v%+d", reg, rule->offset);
	case WB_RULE_REGISTER: return snprintf(at, size, " %s=r%u", reg, rule->base);
	case WB_RULE_EXPRESSION: return snprintf(at, size, " %s=e", reg);
	case WB_RULE_VAL_EXPRESSION: return snprintf(at, size, " %s=ve", reg);
	case WB_RULE_DEREF: return snprintf(at, size, " %s=*(%u%+d)", reg, rule->base, rule->offset);
	case WB_RULE_UNSPECIFIED:
	case WB_RULE_CONSTANT: break;
	}
	return snprintf(at, size, " %s=?", reg);
}

static int put_cfa(char *at, size_t size, const struct wb_row_rule *cfa)
{
	switch ((enum wb_rule_kind)cfa->kind) {
	case WB_RULE_OFFSET: return snprintf(at, size, "%u%+d;", cfa->base, cfa->offset);
	case WB_RULE_DEREF: return snprintf(at, size, "*(%u%+d)%+d;", cfa->base, cfa->offset, cfa->offset2);
	case WB_RULE_EXPRESSION: return snprintf(at, size, "expression;");
	case WB_RULE_UNSPECIFIED:
	case WB_RULE_UNDEFINED:
	case WB_RULE_SAME:
	case WB_RULE_VAL_OFFSET:
	case WB_RULE_REGISTER:
	case WB_RULE_VAL_EXPRESSION:
	case WB_RULE_CONSTANT: break;
	}
	return snprintf(at, size, "?;");
}

/* The pc's rule first, then the others by slot. */
static void print_row(char *at, size_t size, const struct wb_arch_info *arch, const struct wb_row_table *table, const struct wb_row *row)
{
	const struct wb_row_rule *rules = wb_row_table_rules(table) + row->rules;
	struct wb_row_rule simple[3] = {
		{ .slot = WB_SLOT_CFA, .kind = WB_RULE_OFFSET, .base = row->flags & WB_ROW_FP_BASE ? arch->fp : arch->sp, .offset = row->cfa_offset },
		{ .slot = arch->pc, .kind = WB_RULE_OFFSET, .offset = row->ra_offset },
		{ .slot = arch->fp, .kind = WB_RULE_OFFSET, .offset = row->fp_offset },
	};
	bool general = row->flags & WB_ROW_GENERAL;
	size_t used = (size_t)put_cfa(at, size, general ? &rules[0] : &simple[0]);

	if (!general)
		used += (size_t)put_rule(at + used, size - used, arch, &simple[1]);
	for (unsigned i = 0; general && i < row->num_rules; i++)
		if (rules[i].slot == arch->pc)
			used += (size_t)put_rule(at + used, size - used, arch, &rules[i]);
	for (unsigned slot = 0; slot < arch->num_regs; slot++) {
		if (slot == arch->pc)
			continue;
		if (slot == arch->fp && !general && row->flags & WB_ROW_FP_SAVED)
			used += (size_t)put_rule(at + used, size - used, arch, &simple[2]);
		for (unsigned i = general; i < row->num_rules; i++)
			if (rules[i].slot == slot)
				used += (size_t)put_rule(at + used, size - used, arch, &rules[i]);
	}
	if (general && rules[0].kind == WB_RULE_OFFSET)
		used += (size_t)snprintf(at + used, size - used, " general");
	if (row->flags & WB_ROW_ROOT)
		snprintf(at + used, size - used, " root");
}

static void print_table(char *at, size_t size, const struct wb_arch_info *arch, const struct wb_row_table *table)
{
	size_t used = 0;

	for (unsigned i = 0; i < table->num_rows; i++) {
		used += (size_t)snprintf(at + used, size - used, "%s%u: ", i ? " | " : "", wb_row_table_offsets(table)[i]);
		print_row(at + used, size - used, arch, table, &wb_row_table_rows(table)[i]);
		used += strlen(at + used);
	}
}

static void check_case(const struct suite *suite, const struct cfi_case *c)
{
	/* One "section" with the CIE's instructions in front: programs are readers into it. */
	uint8_t section_bytes[2 * PROGRAM_MAX];
	struct wb_cfi_section section = { .bytes = section_bytes, .size = sizeof(section_bytes), .address_size = 8 };
	struct wb_fde fde = { .start = 0x1000, .end = 0x1080,
	                      .cie = { .code_align = suite->code_align, .data_align = -8, .ra_column = suite->ra_column, .address_size = 8 } };
	struct wb_bytes whole = wb_bytes_of(section_bytes, sizeof(section_bytes), false);
	struct wb_row_table *table = NULL;
	const char *fault = "";
	char text[1000] = "";
	size_t size;

	test_row(c->name);
	memcpy(section_bytes, suite->cie->bytes, PROGRAM_MAX);
	memcpy(section_bytes + PROGRAM_MAX, c->program.bytes, PROGRAM_MAX);
	fde.cie.program = fde.program = whole;
	fde.cie.program.end = section_bytes + suite->cie->size;
	fde.program.at = section_bytes + PROGRAM_MAX;
	fde.program.end = fde.program.at + c->program.size;
	if (wb_cfi_compile(&section, &fde, suite->arch, &table, &size, &fault) == WB_OK) {
		print_table(text, sizeof(text), suite->arch, table);
		CHECK_STR(text, c->expect);
	} else {
		CHECK_STR(fault, c->expect);
	}
	wb_mem_free(table);
}

static void rows(void)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		for (size_t j = 0; j < suites[i].num_cases; j++)
			check_case(&suites[i], &suites[i].cases[j]);
}

/* The last row that starts at or before an offset, for every number of rows and every offset. */
static void find_row(void)
{
	struct { struct wb_row_table table; uint32_t offsets[12]; struct wb_row rows[12]; } t;

	for (unsigned n = 1; n <= 12; n++) {
		memset(&t, 0, sizeof(t));
		t.table = (struct wb_row_table){ .start = 100, .end = 200, .num_rows = n };
		struct wb_row *rows = (struct wb_row *)(uintptr_t)wb_row_table_rows(&t.table);

		for (unsigned i = 0; i < n; i++) {
			((uint32_t *)(uintptr_t)wb_row_table_offsets(&t.table))[i] = i * 3;
			rows[i].cfa_offset = (int32_t)i;
		}
		for (unsigned offset = 0; offset < 50; offset++) {
			unsigned expect = offset / 3 < n ? offset / 3 : n - 1;

			CHECK_EQ_U64((uint64_t)wb_row_table_find(&t.table, 100 + offset)->cfa_offset, expect);
		}
	}
}

int main(void)
{
	TEST_RUN(rows);
	TEST_RUN(find_row);
	return test_summary();
}
