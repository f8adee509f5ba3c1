/* SPDX-License-Identifier: MIT */
/*
 * Compact unwind information: the first byte says for which machine, the rest is the section. An entry that is found holds what was asked for, and is
 * found again from its own start; what its encoding says of registers is inside of the frame, each of them once.
 */
#include "fuzz/fuzz.h"
#include "unwind/compact.h"

enum { QUESTIONS_MAX = 512 };

static void check_row(const struct wb_arch_info *arch, uint32_t encoding, uint32_t operand)
{
	struct wb_compact_row row;
	enum wb_compact_kind kind;
	const char *fault = NULL;
	uint64_t seen = 0;
	uint32_t place;

	if (wb_compact_kind(arch, encoding, &kind, &place, &fault)) {
		FUZZ_ASSERT(fault);
		return;
	}
	FUZZ_ASSERT(place <= UINT8_MAX);
	if (wb_compact_decode(arch, encoding, operand, &row, &fault)) {
		FUZZ_ASSERT(fault);
		return;
	}
	FUZZ_ASSERT(kind == WB_COMPACT_ROW || kind == WB_COMPACT_INDIRECT);
	FUZZ_ASSERT(row.row.num_rules <= WB_COMPACT_RULES_MAX);
	for (unsigned i = 0; i < row.row.num_rules; i++) {
		const struct wb_row_rule *rule = &row.rules[i];

		FUZZ_ASSERT((rule->slot == WB_SLOT_CFA) == (row.row.flags & WB_ROW_GENERAL && i == 0));
		if (rule->slot == WB_SLOT_CFA)
			continue;
		FUZZ_ASSERT(rule->slot < arch->num_regs && !(seen >> rule->slot & 1) && rule->offset <= 0);
		seen |= UINT64_C(1) << rule->slot;
	}
}

static void ask(const struct wb_arch_info *arch, struct wb_bytes section, uint64_t offset)
{
	struct wb_compact_entry entry, again;
	const char *fault = NULL;
	enum wb_err err = wb_compact_find_entry(section, offset, &entry, &fault);

	FUZZ_ASSERT(err != WB_ERR_DATA || fault);
	if (err)
		return;
	FUZZ_ASSERT(entry.start <= offset && offset < entry.end && entry.section_offset < wb_bytes_size(&section));
	FUZZ_ASSERT(wb_compact_find_entry(section, entry.end - 1, &again, &fault) != WB_OK || again.start <= entry.end - 1);
	check_row(arch, entry.encoding, (uint32_t)offset);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct wb_arch_info *const archs[] = { &wb_arch_x86_64, &wb_arch_aarch64, &wb_arch_x86 };
	const struct wb_arch_info *arch;
	struct wb_bytes section;

	if (!size)
		return 0;
	arch = archs[(bytes[0] & 3) % 3];
	section = wb_bytes_of(bytes + 1, size - 1, bytes[0] & 4);
	/* Numbers in the section are what it has entries for, if it has any. */
	for (size_t at = 0; at + 4 <= size - 1 && at < (size_t)QUESTIONS_MAX * 4; at += 4) {
		uint32_t number = wb_load32(bytes + 1 + at, bytes[0] & 4);

		ask(arch, section, number);
		ask(arch, section, number + (UINT64_C(1) << 12));
		check_row(arch, number, 64);
	}
	return 0;
}
