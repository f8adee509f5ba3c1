/* SPDX-License-Identifier: MIT */
/*
 * Which units may hold an address. Ranges of units overlap in real files (weak symbols, link-time optimization), so an address has a list of
 * candidates. There are three indexes: of what .debug_aranges says, for which no unit is looked at; of what the units say in their first
 * entries; and, of units that say nothing, of what their line tables say.
 */
#ifndef SYMBOLS_DWARF_INDEX_H
#define SYMBOLS_DWARF_INDEX_H

#include "symbols/dwarf.h"

#include <stdatomic.h>

struct wb_unit_span {
	uint64_t start, end;
	uint32_t owner;               /* a unit, or a set of .debug_aranges */
};
/* A set of .debug_aranges: where it says that its unit is in .debug_info. */
struct wb_unit_set {
	uint64_t offset;
	_Atomic uint32_t unit;        /* noted by who looked for it; UINT32_MAX: nobody did */
};
struct wb_unit_index {
	struct wb_unit_span *spans;   /* sorted by start */
	size_t num_spans, capacity;
	uint64_t *reach;              /* a tree over the spans: how far those below a node reach at most; node i is above 2 i and 2 i + 1 */
	size_t num_leaves;            /* spans are the nodes from here on: a power of two that is larger than their number */
	struct wb_unit_set *sets;     /* NULL: an index of units */
	size_t num_sets, sets_capacity;
};

struct wb_unit_index_input {
	const struct wb_dwarf_sections *sections;
	const struct wb_unit_list *units; /* all; not looked at for .debug_aranges */
	const struct wb_text *text;
	struct wb_session *session;   /* asked for cancellation; may be NULL */
};
enum wb_unit_index_source { WB_INDEX_ARANGES, WB_INDEX_UNITS, WB_INDEX_LINES, WB_INDEX_SOURCES };
enum wb_err wb_unit_index_init(struct wb_unit_index *index, enum wb_unit_index_source source, const struct wb_unit_index_input *input);
void wb_unit_index_deinit(struct wb_unit_index *index);
size_t wb_unit_index_bytes(const struct wb_unit_index *index);
/* The next candidate for image_pc: start with *cursor = SIZE_MAX. The one that starts last comes first, of those the first owner's.
 * False: no more. */
bool wb_unit_index_next(const struct wb_unit_index *index, uint64_t image_pc, size_t *cursor, uint32_t *ret_owner);

#endif
