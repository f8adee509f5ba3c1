/* SPDX-License-Identifier: MIT */
/*
 * Rows of whole objects against libdwarf's: for every row of every FDE of .eh_frame, the CFA and the rule of every register of x86-64, expressions
 * included, at the row's first address and at its last. A second opinion beside readelf's (test_rows_readelf.c), which shows no expressions.
 *
 * usage: test_rows_libdwarf [OBJECT...]
 */
#include "rows.h"

#include WB_LIBDWARF_H

enum { REGS = 17, RA = 16, TABLE_SIZE = 128 };

/* The block of an expression had other names before version 0.1. */
#ifdef DW_LIBDWARF_VERSION_MAJOR
static int init_path(const char *path, Dwarf_Debug *ret, Dwarf_Error *error)
{
	return dwarf_init_path(path, NULL, 0, DW_GROUPNUMBER_ANY, NULL, NULL, ret, error);
}
static void finish(Dwarf_Debug debug) { dwarf_finish(debug); }
static Dwarf_Signed offset_of(const Dwarf_Regtable_Entry3 *e) { return e->dw_offset; }
static const uint8_t *block_of(const Dwarf_Regtable_Entry3 *e) { return e->dw_block.bl_data; }
static size_t block_size(const Dwarf_Regtable_Entry3 *e) { return (size_t)e->dw_block.bl_len; }
#else
static int init_path(const char *path, Dwarf_Debug *ret, Dwarf_Error *error)
{
	return dwarf_init_path(path, NULL, 0, DW_DLC_READ, DW_GROUPNUMBER_ANY, NULL, NULL, ret, NULL, 0, NULL, error);
}
static void finish(Dwarf_Debug debug)
{
	Dwarf_Error error;

	dwarf_finish(debug, &error);
}
typedef struct Dwarf_Regtable_Entry3_s Dwarf_Regtable_Entry3;
static Dwarf_Signed offset_of(const Dwarf_Regtable_Entry3 *e) { return (Dwarf_Signed)e->dw_offset_or_block_len; }
static const uint8_t *block_of(const Dwarf_Regtable_Entry3 *e) { return (const uint8_t *)e->dw_block_ptr; }
static size_t block_size(const Dwarf_Regtable_Entry3 *e) { return (size_t)e->dw_offset_or_block_len; }
#endif

/* ---- Both as text ---- */

static void put_block(char *text, size_t size, const char *kind, const uint8_t *bytes, size_t count)
{
	size_t used = (size_t)snprintf(text, size, "%s", kind);

	for (size_t i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, " %02x", bytes[i]);
}

/* The expression that a rule "saved at register + offset" was made of: bregN (DWARF 5, 2.5.1.2), a signed LEB128 number, and deref for the CFA. */
static void put_deref(char *text, size_t size, const struct wb_rule *rule, bool is_cfa)
{
	int64_t value = rule->offset;
	uint8_t bytes[16];
	size_t count = 0;
	bool more = true;

	bytes[count++] = (uint8_t)(0x70 + rule->base);
	while (more) {
		uint8_t byte = value & 0x7f;

		value >>= 7;
		more = !((value == 0 && !(byte & 0x40)) || (value == -1 && byte & 0x40));
		bytes[count++] = byte | (more ? 0x80 : 0);
	}
	if (is_cfa)
		bytes[count++] = 0x06;
	put_block(text, size, "exp", bytes, count);
}

static void put_ours(char *text, size_t size, const struct wb_rule *rule, bool is_cfa)
{
	switch (rule->kind) {
	case WB_RULE_SAME: snprintf(text, size, "same"); return;
	case WB_RULE_OFFSET:
		if (is_cfa)
			snprintf(text, size, "r%u%+" PRId64, rule->base, rule->offset);
		else
			snprintf(text, size, "c%+" PRId64, rule->offset);
		return;
	case WB_RULE_VAL_OFFSET: snprintf(text, size, "v%+" PRId64, rule->offset); return;
	case WB_RULE_REGISTER: snprintf(text, size, "r%u", rule->base == WB_REG_PC ? RA : rule->base); return;
	case WB_RULE_EXPRESSION: put_block(text, size, "exp", rule->expression, rule->expression_size); return;
	case WB_RULE_VAL_EXPRESSION: put_block(text, size, "vexp", rule->expression, rule->expression_size); return;
	case WB_RULE_DEREF: put_deref(text, size, rule, is_cfa); return;
	case WB_RULE_UNSPECIFIED:
	case WB_RULE_UNDEFINED:
	case WB_RULE_CONSTANT: break;
	}
	snprintf(text, size, "undefined");
}

static void put_theirs(char *text, size_t size, const Dwarf_Regtable_Entry3 *e, bool is_cfa)
{
	bool cfa_based = e->dw_offset_relevant != 0;

	if (e->dw_value_type == DW_EXPR_EXPRESSION)
		put_block(text, size, "exp", block_of(e), block_size(e));
	else if (e->dw_value_type == DW_EXPR_VAL_EXPRESSION)
		/* For the CFA, whose expression is a value. */
		put_block(text, size, is_cfa ? "exp" : "vexp", block_of(e), block_size(e));
	else if (e->dw_regnum == DW_FRAME_UNDEFINED_VAL)
		snprintf(text, size, "undefined");
	else if (e->dw_regnum == DW_FRAME_SAME_VAL)
		snprintf(text, size, "same");
	else if (is_cfa)
		snprintf(text, size, "r%u%+" PRId64, e->dw_regnum, (int64_t)offset_of(e));
	else if (cfa_based)
		snprintf(text, size, "%c%+" PRId64, e->dw_value_type == DW_EXPR_VAL_OFFSET ? 'v' : 'c', (int64_t)offset_of(e));
	else
		snprintf(text, size, "r%u", e->dw_regnum);
}

/* ---- Comparing ---- */

static const struct wb_rule *rule_of(const struct wb_row_info *info, unsigned reg)
{
	for (size_t i = 0; i < info->num_rules; i++)
		if (info->rules[i].reg == (reg == RA ? (uint32_t)WB_REG_PC : reg))
			return &info->rules[i];
	return NULL;
}

static void compare(struct rows *o, Dwarf_Fde fde, uint64_t pc, const struct wb_row_info *info)
{
	static const struct wb_rule none = { .kind = WB_RULE_UNSPECIFIED };
	Dwarf_Regtable_Entry3 rules[TABLE_SIZE];
	Dwarf_Regtable3 table = { .rt3_reg_table_size = TABLE_SIZE, .rt3_rules = rules };
	char ours[400], theirs[400];
	Dwarf_Error error = NULL;
	Dwarf_Addr row_pc;

	if (!CHECK(dwarf_get_fde_info_for_all_regs3(fde, pc, &table, &row_pc, &error) == DW_DLV_OK))
		return;
	for (unsigned i = 0; i <= REGS; i++) {
		bool is_cfa = i == REGS;
		const struct wb_rule *rule = is_cfa ? &info->cfa : rule_of(info, i);

		put_ours(ours, sizeof(ours), rule ? rule : &none, is_cfa);
		put_theirs(theirs, sizeof(theirs), is_cfa ? &table.rt3_cfa_rule : &rules[i], is_cfa);
		if (strcmp(ours, theirs) == 0)
			continue;
		if (o->wrong++ < ROWS_TOLD_MAX)
			test_check(false, TEST_WHERE, "%" PRIx64 ": %s%u is %s, libdwarf says %s", pc, is_cfa ? "CFA " : "register ", i, ours, theirs);
	}
}

static void compare_fde(struct rows *o, Dwarf_Debug debug, Dwarf_Fde fde)
{
	Dwarf_Addr low = 0;
	Dwarf_Unsigned length = 0;
	Dwarf_Off offset = 0, cie_offset = 0;
	Dwarf_Error error = NULL;

	if (!CHECK(dwarf_get_fde_range(fde, &low, &length, NULL, NULL, NULL, NULL, NULL, &error) == DW_DLV_OK) ||
	    !CHECK(dwarf_fde_section_offset(debug, fde, &offset, &cie_offset, &error) == DW_DLV_OK))
		return;
	o->fdes++;
	for (uint64_t pc = low; pc < low + length; ) {
		struct wb_row_info info = { .size = sizeof(info) };

		if (!CHECK(wb_row_info(o->session, o->image, pc, WB_HOW_CFI, &info) == WB_OK))
			return;
		if (info.section_offset == offset) {
			o->rows++;
			compare(o, fde, pc, &info);
			compare(o, fde, info.end - 1, &info);
		} else {
			o->other_fde++;
		}
		pc = info.end;
	}
}

static void compare_fdes(struct rows *o, Dwarf_Debug debug)
{
	Dwarf_Signed num_cies = 0, num_fdes = 0;
	Dwarf_Error error = NULL;
	Dwarf_Cie *cies;
	Dwarf_Fde *fdes;

	dwarf_set_frame_rule_initial_value(debug, DW_FRAME_UNDEFINED_VAL);
	dwarf_set_frame_rule_table_size(debug, TABLE_SIZE);
	if (!CHECK(dwarf_get_fde_list_eh(debug, &cies, &num_cies, &fdes, &num_fdes, &error) == DW_DLV_OK))
		return;
	for (Dwarf_Signed i = 0; i < num_fdes; i++)
		compare_fde(o, debug, fdes[i]);
#ifdef DW_LIBDWARF_VERSION_MAJOR
	dwarf_dealloc_fde_cie_list(debug, cies, num_cies, fdes, num_fdes);
#else
	dwarf_fde_cie_list_dealloc(debug, cies, num_cies, fdes, num_fdes);
#endif
}

static void compare_object(struct rows *o, const char *path)
{
	Dwarf_Error error = NULL;
	Dwarf_Debug debug;

	if (!CHECK(init_path(path, &debug, &error) == DW_DLV_OK))
		return;
	compare_fdes(o, debug);
	finish(debug);
}

static void libraries(void)
{
	if (!rows_compare_libraries(compare_object))
		TEST_SKIP("no x86-64 library where distributions have them");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		rows_compare_object(argv[i], compare_object);
	if (argc == 1)
		TEST_RUN(libraries);
	return test_summary();
}
