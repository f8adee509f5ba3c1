/* SPDX-License-Identifier: MIT */
/*
 * Debug sections of any content, compiled and asked. Input: see dwarf_input.h. Tables must be sorted and closed in themselves, answers the same when asked again,
 * and what says where variables are must be inside of the sections.
 */

#include "symbols/dwarf_name.h"
#include "symbols/dwarf_variables.h"

#include "dwarf_input.h"
#include "fuzz.h"

#include <string.h>

enum { PROBES_MAX = 256, PARENTS_MAX = 1 << 20, VARIABLES_MAX = 4096 };

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

static void check_chain(struct wb_dwarf *dwarf, const struct wb_functions *functions, uint32_t at)
{
	for (unsigned i = 0; at != WB_NODE_NONE; i++) {
		const struct wb_node *node = wb_functions_node(functions, at);

		FUZZ_ASSERT(i < PARENTS_MAX);
		FUZZ_ASSERT(node->parent == WB_NODE_NONE || node->parent < at);
		if (node->name != WB_NODE_NONE) {
			struct wb_function_name name;
			const char *plain, *linkage;

			FUZZ_ASSERT(wb_dwarf_name(dwarf, wb_functions_name(functions, node->name), &name) == WB_OK);
			plain = wb_ref_text(wb_dwarf_sections_of(dwarf), name.name);
			linkage = wb_ref_text(wb_dwarf_sections_of(dwarf), name.linkage);
			FUZZ_ASSERT((!plain || strlen(plain) < UINT16_MAX) && (!linkage || strlen(linkage) < UINT16_MAX));
		}
		if (node->parent == WB_NODE_NONE)
			FUZZ_ASSERT(wb_functions_function(functions, node->function)->size > 0);
		at = node->parent;
	}
}

static void check_segments(struct wb_dwarf *dwarf, const struct wb_functions *functions)
{
	uint64_t last = 0;

	for (size_t i = 0; functions && i < wb_functions_num_segments(functions); i++) {
		uint64_t start;
		uint32_t node;

		wb_functions_segment(functions, i, &start, &node);
		FUZZ_ASSERT(i == 0 || start > last);
		FUZZ_ASSERT(wb_functions_find(functions, start) == node);
		check_chain(dwarf, functions, node);
		last = start;
	}
}

static void check_functions(struct wb_dwarf *dwarf, size_t unit, struct wb_unit_table *table)
{
	check_segments(dwarf, table->functions);
	for (size_t i = 0; table->calls && i < wb_functions_num_segments(table->functions); i++) {
		const struct wb_functions *functions;
		bool is_over = false;
		uint64_t start;
		uint32_t node;

		wb_functions_segment(table->functions, i, &start, &node);
		FUZZ_ASSERT(wb_dwarf_node(dwarf, unit, table, start, &functions, &node, &is_over) == WB_OK);
		if (functions != table->functions) {
			FUZZ_ASSERT(node != WB_NODE_NONE && wb_functions_count(functions) == 1);
			check_segments(dwarf, functions);
		}
	}
}

struct seen { struct wb_dwarf *dwarf; size_t count; uint64_t sum; };

static bool is_inside(const struct wb_dwarf_sections *sections, const struct wb_expression *expression)
{
	static const enum wb_dwarf_section places[] = { WB_DWARF_INFO, WB_DWARF_LOC, WB_DWARF_LOCLISTS };

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		const struct wb_dwarf_slice *slice = &sections->by_id[places[i]];

		if (slice->size && expression->bytes >= slice->bytes && expression->bytes <= slice->bytes + slice->size &&
		    expression->size <= (size_t)(slice->bytes + slice->size - expression->bytes))
			return true;
	}
	return false;
}

static enum wb_err see_variable(void *arg, const struct wb_dwarf_variable *variable)
{
	struct seen *seen = arg;
	const struct wb_dwarf_sections *sections = wb_dwarf_sections_of(seen->dwarf);
	struct wb_function_name name;

	FUZZ_ASSERT(++seen->count <= VARIABLES_MAX);
	FUZZ_ASSERT(variable->location.size > 0 && is_inside(sections, &variable->location));
	FUZZ_ASSERT(!variable->frame_base.size || is_inside(sections, &variable->frame_base));
	FUZZ_ASSERT(wb_dwarf_name(seen->dwarf, &variable->name, &name) == WB_OK && wb_dwarf_name(seen->dwarf, &variable->function, &name) == WB_OK);
	seen->sum = seen->sum * 31 + variable->size + variable->call_depth + variable->location.bytes[0];
	return WB_OK;
}

static void ask_variables(struct wb_dwarf *dwarf, size_t unit, uint64_t pc)
{
	struct seen seen[2] = { { dwarf, 0, 0 }, { dwarf, 0, 0 } };
	struct wb_unit_source source;
	uint64_t place = 0;           /* found by the first, and used by the second */
	enum wb_err err[2];

	if (wb_unit_source_init(&source, dwarf, unit) != WB_OK)
		return;
	for (unsigned i = 0; i < 2; i++)
		err[i] = wb_dwarf_variables(&source, pc, UINT64_MAX, &place, see_variable, &seen[i]);
	FUZZ_ASSERT(err[0] == err[1] && seen[0].count == seen[1].count && seen[0].sum == seen[1].sum);
}

static void ask(struct wb_dwarf *dwarf, uint64_t pc)
{
	struct wb_dwarf_hit first = { .node = WB_NODE_NONE }, second = { .node = WB_NODE_NONE };
	enum wb_err err = wb_dwarf_find(dwarf, pc, (struct wb_dwarf_use){ 1, true, true }, &first);

	FUZZ_ASSERT(err == WB_OK || err == WB_NONE);
	FUZZ_ASSERT(wb_dwarf_find(dwarf, pc, (struct wb_dwarf_use){ 2, true, true }, &second) == err);
	FUZZ_ASSERT(first.table == second.table && first.functions == second.functions && first.node == second.node && first.has_line == second.has_line);
	if (first.node != WB_NODE_NONE)
		ask_variables(dwarf, first.unit, pc);
	wb_dwarf_release(&first);
	wb_dwarf_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct dwarf_input input;
	struct wb_text text;
	struct wb_dwarf *dwarf;
	size_t num_units;

	dwarf_input_init(&input, bytes, size);
	dwarf_input_text(&input, &text);
	FUZZ_ASSERT(wb_dwarf_new(NULL, &input.sections, &text, &dwarf) == WB_OK);
	FUZZ_ASSERT(wb_dwarf_num_units(dwarf, &num_units) == WB_OK);
	for (size_t i = 0; i < num_units && i < PROBES_MAX; i++) {
		struct wb_unit_table *table;
		bool is_over = false;

		FUZZ_ASSERT(wb_dwarf_table(dwarf, i, (struct wb_dwarf_use){ 0, true, true }, &table, &is_over) == WB_OK);
		check_lines(table->lines, &input.sections);
		check_functions(dwarf, i, table);
		wb_unit_table_unref(table);
	}
	for (uint64_t i = 0; i < PROBES_MAX; i++)
		ask(dwarf, i * 0x40 + 0xff0);
	wb_dwarf_free(dwarf);
	dwarf_input_deinit(&input);
	return 0;
}
