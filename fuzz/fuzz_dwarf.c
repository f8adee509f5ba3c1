/* SPDX-License-Identifier: MIT */
/*
 * Debug sections of any content, compiled and asked. Input: a byte of flags (1: big-endian, 2: code is at 0x1000 to 0x100000 only), then
 * sections as {enum wb_dwarf_section, 16-bit size, bytes}. Tables must be sorted and closed in themselves, answers the same when asked again.
 */

#include "symbols/dwarf.h"

#include "base/mem.h"
#include "fuzz.h"

#include <string.h>

enum { PROBES_MAX = 256, PARENTS_MAX = 1 << 20 };

/* Copies, so that a sanitizer sees the end of each section. */
static void take_sections(struct wb_bytes *b, struct wb_dwarf_sections *sections)
{
	while (wb_bytes_left(b) >= 3) {
		unsigned id = wb_bytes_u8(b) % WB_DWARF_SECTIONS;
		size_t size = wb_bytes_u16(b);
		const uint8_t *bytes;

		if (size > wb_bytes_left(b))
			size = wb_bytes_left(b);
		bytes = wb_bytes_take(b, size);
		if (sections->by_id[id].bytes || size == 0)
			continue;
		sections->by_id[id].bytes = wb_mem_dup(bytes, size);
		FUZZ_ASSERT(sections->by_id[id].bytes);
		sections->by_id[id].size = size;
	}
}

static void check_lines(const struct wb_lines *lines, const struct wb_dwarf_sections *sections)
{
	static char path[4096];
	const struct wb_line_sequence *sequences;
	struct wb_line_hit hit;
	size_t count;

	if (!lines)
		return;
	sequences = wb_lines_sequences(lines, &count);
	for (size_t i = 0; i < count; i++) {
		FUZZ_ASSERT(sequences[i].start < sequences[i].end && sequences[i].num_rows > 0);
		FUZZ_ASSERT(i == 0 || (sequences[i - 1].start <= sequences[i].start && sequences[i - 1].max_end <= sequences[i].max_end));
		FUZZ_ASSERT(wb_lines_find(lines, sequences[i].start, &hit));
		if (wb_lines_path(lines, sections, hit.file, path, sizeof path) == WB_OK)
			FUZZ_ASSERT(strlen(path) < sizeof path);
	}
}

static void check_chain(const struct wb_functions *functions, const struct wb_dwarf_sections *sections, uint32_t at)
{
	for (unsigned i = 0; at != WB_NODE_NONE; i++) {
		const struct wb_node *node = wb_functions_node(functions, at);

		FUZZ_ASSERT(i < PARENTS_MAX);
		FUZZ_ASSERT(node->parent == WB_NODE_NONE || node->parent < at);
		if (node->name != WB_NODE_NONE) {
			const struct wb_function_name *name = wb_functions_name(functions, node->name);
			const char *plain = wb_ref_text(sections, name->name), *linkage = wb_ref_text(sections, name->linkage);

			FUZZ_ASSERT(plain || linkage);
			FUZZ_ASSERT((!plain || strlen(plain) < UINT16_MAX) && (!linkage || strlen(linkage) < UINT16_MAX));
		}
		if (node->parent == WB_NODE_NONE)
			FUZZ_ASSERT(wb_functions_function(functions, node->function)->size > 0);
		at = node->parent;
	}
}

static void check_functions(const struct wb_functions *functions, const struct wb_dwarf_sections *sections)
{
	uint64_t last = 0;

	for (size_t i = 0; functions && i < wb_functions_num_segments(functions); i++) {
		uint64_t start;
		uint32_t node;

		wb_functions_segment(functions, i, &start, &node);
		FUZZ_ASSERT(i == 0 || start > last);
		FUZZ_ASSERT(wb_functions_find(functions, start) == node);
		check_chain(functions, sections, node);
		last = start;
	}
}

static void ask(struct wb_dwarf *dwarf, uint64_t pc)
{
	struct wb_dwarf_hit first = { .node = WB_NODE_NONE }, second = { .node = WB_NODE_NONE };
	enum wb_err err = wb_dwarf_find(dwarf, pc, 1, &first);

	FUZZ_ASSERT(err == WB_OK || err == WB_NONE);
	FUZZ_ASSERT(wb_dwarf_find(dwarf, pc, 2, &second) == err);
	FUZZ_ASSERT(first.table == second.table && first.node == second.node && first.has_line == second.has_line);
	wb_dwarf_release(&first);
	wb_dwarf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct wb_bytes b = wb_bytes_of(bytes, size, false);
	uint8_t flags = wb_bytes_u8(&b);
	struct wb_dwarf_sections sections = { .big_endian = flags & 1, .address_size = 8, .path = "fuzz" };
	struct wb_text text = { 0 };
	struct wb_dwarf *dwarf;

	take_sections(&b, &sections);
	if (flags & 2) {
		text.ranges = wb_mem_zalloc(1, sizeof *text.ranges);
		FUZZ_ASSERT(text.ranges);
		text.ranges[0] = (struct wb_text_range){ 0x1000, 0x100000 };
		text.num_ranges = 1;
	}
	FUZZ_ASSERT(wb_dwarf_new(NULL, &sections, &text, &dwarf) == WB_OK);
	for (size_t i = 0; i < wb_dwarf_num_units(dwarf) && i < PROBES_MAX; i++) {
		struct wb_unit_table *table;
		bool is_over = false;

		FUZZ_ASSERT(wb_dwarf_table(dwarf, i, 0, &table, &is_over) == WB_OK);
		check_lines(table->lines, &sections);
		check_functions(table->functions, &sections);
		wb_unit_table_unref(table);
	}
	for (uint64_t i = 0; i < PROBES_MAX; i++)
		ask(dwarf, i * 0x40 + 0xff0);
	wb_dwarf_free(dwarf);
	for (size_t i = 0; i < WB_DWARF_SECTIONS; i++)
		wb_mem_free((void *)(uintptr_t)sections.by_id[i].bytes);
	return 0;
}
