/* SPDX-License-Identifier: MIT */
/*
 * Call frame information: the first byte says which section and machine it is from, the rest is the section. Every entry is read, compiled and
 * evaluated. Entries move forward; rows are sorted and inside their function; their rules and expressions are inside the table and the section.
 */
#include "base/mem.h"
#include "fuzz/fuzz.h"
#include "unwind/cfi.h"
#include "unwind/row_apply.h"

#include <string.h>

enum {
	VADDR = 0x1000,               /* of the section */
	STACK = 0x7000,               /* address of the memory that rows are evaluated over */
	STACK_SIZE = 512,
	FDES_MAX = 200,               /* of an input: enough to be surprised by */
};

static void check_rules(const struct wb_cfi_section *section, const struct wb_row_table *table, const struct wb_row *row)
{
	FUZZ_ASSERT((uint64_t)row->rules + row->num_rules <= table->num_rules);
	for (uint32_t i = 0; i < row->num_rules; i++) {
		const struct wb_row_rule *rule = &wb_row_table_rules(table)[row->rules + i];

		FUZZ_ASSERT(rule->slot < WB_SLOTS_MAX || rule->slot == WB_SLOT_CFA);
		FUZZ_ASSERT((rule->slot == WB_SLOT_CFA) == ((row->flags & WB_ROW_GENERAL) && i == 0));
		if (rule->kind != WB_RULE_EXPRESSION && rule->kind != WB_RULE_VAL_EXPRESSION)
			continue;
		FUZZ_ASSERT(table->expressions >= section->bytes && table->expressions <= section->bytes + section->size);
		FUZZ_ASSERT(rule->offset >= 0 && rule->offset2 >= 0);
		FUZZ_ASSERT((size_t)rule->offset <= section->size - (size_t)(table->expressions - section->bytes));
		FUZZ_ASSERT((size_t)rule->offset2 <= section->size - (size_t)(table->expressions - section->bytes) - (size_t)rule->offset);
	}
}

/* Every register known, SP and FP inside the memory. */
static void apply(const struct wb_arch_info *arch, const struct wb_row_table *table, const struct wb_row *row)
{
	static uint8_t stack[STACK_SIZE];
	struct wb_region region = { .address = STACK, .bytes = stack, .size = sizeof(stack) };
	struct wb_view view = { .regions = &region, .num_regions = 1, .word_size = arch->word_size };
	struct wb_regs regs = { 0 };
	struct wb_applied once = { 0 }, twice = { 0 };

	for (uint8_t slot = 0; slot < arch->num_regs; slot++)
		wb_regs_set(&regs, slot, STACK + slot, false);
	wb_regs_set(&regs, arch->sp, STACK + 64, false);
	wb_regs_set(&regs, arch->fp, STACK + 128, false);
	wb_regs_set(&regs, arch->pc, table->start, false);
	wb_row_apply(row, table, arch, &regs, &view, &once);
	wb_row_apply(row, table, arch, &regs, &view, &twice);
	FUZZ_ASSERT(once.result == twice.result && once.has_cfa == twice.has_cfa && once.address == twice.address);
	FUZZ_ASSERT(!once.has_cfa || once.cfa == twice.cfa);
	FUZZ_ASSERT(once.result != WB_APPLY_OK || (once.has_cfa && once.regs.have == twice.regs.have));
	FUZZ_ASSERT((once.regs.derived & ~once.regs.have) == 0);
	FUZZ_ASSERT(once.result != WB_APPLY_OK || row->flags & WB_ROW_ROOT || wb_regs_has(&once.regs, arch->pc));
}

static void check_table(const struct wb_cfi_section *section, const struct wb_arch_info *arch, const struct wb_fde *fde,
                        const struct wb_row_table *table)
{
	const uint32_t *offsets = wb_row_table_offsets(table);

	FUZZ_ASSERT(table->start == fde->start && table->end == fde->end);
	/* An FDE that covers nothing has no rows; any other has one from its start on. */
	FUZZ_ASSERT((table->num_rows > 0) == (fde->start < fde->end));
	FUZZ_ASSERT(table->num_rows == 0 || offsets[0] == 0);
	for (uint32_t i = 0; i < table->num_rows; i++) {
		const struct wb_row *row = &wb_row_table_rows(table)[i];

		FUZZ_ASSERT(i == 0 || offsets[i - 1] < offsets[i]);
		FUZZ_ASSERT(offsets[i] < table->end - table->start);
		FUZZ_ASSERT(wb_row_table_find(table, table->start + offsets[i]) == row);
		check_rules(section, table, row);
		apply(arch, table, row);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct wb_cfi_section section = { .kind = WB_CFI_EH_FRAME, .vaddr = VADDR, .text_base = 0x100, .data_base = 0x200 };
	const struct wb_arch_info *arch;
	struct wb_cie cache = { .offset = UINT64_MAX };
	uint64_t offset = 0;

	if (size == 0)
		return 0;
	arch = bytes[0] & 1 ? &wb_arch_x86 : &wb_arch_x86_64;
	section.kind = bytes[0] & 2 ? WB_CFI_DEBUG_FRAME : WB_CFI_EH_FRAME;
	section.big_endian = bytes[0] & 4;
	section.address_size = arch->word_size;
	section.bytes = bytes + 1;
	section.size = size - 1;
	for (int i = 0; i < FDES_MAX && offset < section.size; i++) {
		struct wb_row_table *table = NULL;
		struct wb_fde fde;
		const char *fault = NULL;
		uint64_t next = offset;
		size_t table_size;
		enum wb_err err = wb_cfi_read_fde(&section, offset, &cache, &fde, &next, &fault);

		FUZZ_ASSERT(err >= 0 || fault);
		if (err == WB_OK && wb_cfi_compile(&section, &fde, arch, &table, &table_size, &fault) == WB_OK) {
			check_table(&section, arch, &fde, table);
			wb_mem_free(table);
		}
		FUZZ_ASSERT(next > offset);
		offset = next;
	}
	return 0;
}
