/* SPDX-License-Identifier: MIT */
/* Rows for tools: a strategy's row for an image address, spelled out, and expressions as text. Not for the hot path. */
#include "base/err.h"
#include "base/mem.h"
#include "model/session.h"
#include "unwind/cfi.h"
#include "unwind/compact.h"
#include "unwind/go_rows.h"
#include "unwind/strategy.h"

static uint32_t number_of(const struct wb_arch_info *arch, uint8_t slot)
{
	return slot < arch->num_regs ? arch->regs[slot].number : 0;
}

static struct wb_rule spell_rule(const struct wb_arch_info *arch, const struct wb_row_table *table, const struct wb_row_rule *rule)
{
	bool is_expression = rule->kind == WB_RULE_EXPRESSION || rule->kind == WB_RULE_VAL_EXPRESSION;
	struct wb_rule out = { .kind = (enum wb_rule_kind)rule->kind, .reg = rule->slot == WB_SLOT_CFA ? 0 : number_of(arch, rule->slot),
	                       .base = number_of(arch, rule->base), .offset = rule->offset, .offset2 = rule->offset2 };

	if (is_expression) {
		out.offset = out.offset2 = 0;
		out.expression = table->expressions + rule->offset;
		out.expression_size = (size_t)rule->offset2;
	}
	return out;
}

static void add(struct wb_row_info *info, struct wb_rule rule)
{
	size_t at = info->num_rules;

	if (at == WB_ROW_RULES_MAX)
		return;
	/* By register number; the pc, which has the highest, comes last. */
	for (; at && info->rules[at - 1].reg > rule.reg; at--)
		info->rules[at] = info->rules[at - 1];
	info->rules[at] = rule;
	info->num_rules++;
}

static void spell_row(const struct wb_arch_info *arch, const struct wb_row *row, const struct wb_row_table *table, struct wb_row_info *info)
{
	const struct wb_row_rule *rules = table && row->num_rules ? wb_row_table_rules(table) + row->rules : NULL;

	info->how = (enum wb_how)row->how;
	info->signal_frame = (row->flags & WB_ROW_SIGNAL) != 0;
	if (!(row->flags & WB_ROW_GENERAL)) {
		uint8_t base = row->flags & WB_ROW_FP_BASE ? arch->fp : arch->sp;

		info->cfa = (struct wb_rule){ .kind = WB_RULE_OFFSET, .base = number_of(arch, base), .offset = row->cfa_offset };
		if (row->flags & WB_ROW_ROOT)
			add(info, (struct wb_rule){ .kind = WB_RULE_UNDEFINED, .reg = WB_REG_PC });
		else
			add(info, (struct wb_rule){ .kind = WB_RULE_OFFSET, .reg = WB_REG_PC, .offset = row->ra_offset });
		if (row->flags & WB_ROW_FP_SAVED)
			add(info, (struct wb_rule){ .kind = WB_RULE_OFFSET, .reg = number_of(arch, arch->fp), .offset = row->fp_offset });
	}
	for (unsigned i = 0; rules && i < row->num_rules; i++) {
		if (rules[i].slot == WB_SLOT_CFA)
			info->cfa = spell_rule(arch, table, &rules[i]);
		else
			add(info, spell_rule(arch, table, &rules[i]));
	}
}

static void spell_range(const struct wb_row_table *table, const struct wb_row *row, const char *section, struct wb_row_info *info)
{
	const uint32_t *offsets = wb_row_table_offsets(table);
	uint32_t index = (uint32_t)(row - wb_row_table_rows(table));

	info->start = table->start + offsets[index];
	info->end = index + 1 < table->num_rows ? table->start + offsets[index + 1] : table->end;
	info->section = section;
	info->section_offset = table->section_offset;
}

static enum wb_err by_cfi(struct wb_image *image, const struct wb_arch_info *arch, uint64_t image_pc, struct wb_row_info *info)
{
	const struct wb_row_table *table;
	struct wb_row_table *loose = NULL;
	struct wb_cfi *cfi = NULL;
	const struct wb_row *row;
	enum wb_err err = wb_cfi_of_image(image, &cfi);

	if (err)
		return err;
	if (!cfi)
		return WB_NONE;
	err = wb_cfi_find(cfi, image_pc, &table, &loose);
	if (err)
		return err;
	row = wb_row_table_find(table, image_pc);
	spell_row(arch, row, table, info);
	spell_range(table, row, table->section == WB_CFI_EH_FRAME ? ".eh_frame" : ".debug_frame", info);
	wb_mem_free(loose);
	return WB_OK;
}

/* Rows of Go hold for the pc itself, also where that is a return address. */
static enum wb_err by_go(struct wb_image *image, const struct wb_arch_info *arch, uint64_t image_pc, struct wb_row_info *info)
{
	const struct wb_row_table *table;
	struct wb_row_table *loose = NULL;
	struct wb_go_rows *rows = NULL;
	const struct wb_row *row;
	enum wb_err err = wb_go_rows_of_image(image, &rows);

	if (err)
		return err;
	if (!rows)
		return WB_NONE;
	err = wb_go_rows_find(rows, image_pc, &table, &loose);
	if (err)
		return err;
	row = wb_row_table_find(table, image_pc);
	spell_row(arch, row, table, info);
	spell_range(table, row, ".gopclntab", info);
	wb_mem_free(loose);
	return WB_OK;
}

static enum wb_err by_compact(struct wb_image *image, const struct wb_arch_info *arch, uint64_t image_pc, struct wb_row_info *info)
{
	const struct wb_row_table *table;
	struct wb_row_table *loose;
	struct wb_compact_entry entry;
	struct wb_compact *compact;
	enum wb_err err = wb_compact_of_image(image, &compact);

	if (!err)
		err = wb_compact_at(compact, image_pc, &entry);
	if (!err)
		err = wb_compact_row(compact, &entry, &table, &loose);
	if (err)
		return err;
	spell_row(arch, wb_row_table_rows(table), table, info);
	wb_mem_free(loose);
	info->start = entry.start;
	info->end = entry.end;
	info->section = "__unwind_info";
	info->section_offset = entry.section_offset;
	return WB_OK;
}

/* Strategies that need a frame's registers have no row for an address alone; leaf, code and frame pointer are told from the code. */
static enum wb_err by_code(struct wb_session *session, struct wb_image *image, const struct wb_arch_info *arch, uint64_t image_pc,
                           enum wb_how how, struct wb_row_info *info)
{
	struct wb_platform platform = wb_image_platform(image);
	struct wb_lookup lookup = { .arch = arch, .image = image, .pc = image_pc, .lookup_pc = image_pc, .image_pc = image_pc, .exact = true,
	                            .has_fp = true, .fp = (uint64_t)arch->stack_align * 2 };
	struct wb_found found = { .cacheable = false };
	wb_strategy_fn strategy = wb_strategy(how);
	enum wb_err err;

	if (!strategy || how == WB_HOW_SCAN)
		return WB_ERR_UNSUPPORTED;
	err = wb_space_new(session, &platform, &lookup.space);
	if (err)
		return err;
	err = strategy(&lookup, &found);
	wb_space_unref(lookup.space);
	if (err)
		return err;
	spell_row(arch, &found.row, found.table, info);
	wb_mem_free(found.loose);
	info->start = image_pc;
	info->end = image_pc + 1;
	info->section = "";
	return WB_OK;
}

enum wb_err wb_row_info(struct wb_session *session, struct wb_image *image, uint64_t image_pc, enum wb_how how, struct wb_row_info *ret_info)
{
	struct wb_row_info info = { .size = sizeof(info), .section = "" };
	const struct wb_arch_info *arch;
	struct wb_object *main;
	enum wb_err err;

	if (!session || !image || !ret_info)
		return WB_ERR_ARGUMENT;
	err = wb_image_object(image, WB_FILE_EXECUTABLE, &main);
	if (err)
		return err;
	arch = wb_arch_info(main->platform.arch);
	if (!arch)
		return WB_ERR_UNSUPPORTED;
	/* No range that has an end holds the last address. */
	if (image_pc == UINT64_MAX)
		return WB_NONE;
	if (how == WB_HOW_CFI)
		err = by_cfi(image, arch, image_pc, &info);
	else if (how == WB_HOW_COMPACT)
		err = by_compact(image, arch, image_pc, &info);
	else if (how == WB_HOW_GO)
		err = by_go(image, arch, image_pc, &info);
	else
		err = by_code(session, image, arch, image_pc, how, &info);
	return err ? err : wb_struct_give(ret_info, &info, sizeof(info));
}
