/* SPDX-License-Identifier: MIT */
/*
 * Which units may hold an address. Ranges of units overlap in real files (weak symbols, link-time optimization), so an address has a list of
 * candidates. Ranges come, in this order, from .debug_aranges, from the units' first entries, from their line tables.
 */
#ifndef SYMBOLS_DWARF_INDEX_H
#define SYMBOLS_DWARF_INDEX_H

#include "symbols/dwarf.h"

struct wb_unit_span {
	uint64_t start, end;
	uint32_t unit;
};
struct wb_unit_index {
	struct wb_unit_span *spans;   /* sorted by start */
	size_t num_spans, capacity;
	uint64_t *reach;              /* a tree over the spans: how far those below a node reach at most; node i is above 2 i and 2 i + 1 */
	size_t num_leaves;            /* spans are the nodes from here on: a power of two that is larger than their number */
	bool has_aranges;             /* .debug_aranges was believed for some units: an index without it may know more */
};

struct wb_unit_index_input {
	const struct wb_dwarf_sections *sections;
	const struct wb_unit *units;
	size_t num_units;
	const struct wb_text *text;
	struct wb_session *session;   /* asked for cancellation; may be NULL */
};
/* believe_aranges: units that .debug_aranges lists are not looked at. It can lack ranges (and does, from some linkers), so what is not found
 * is looked up again in an index that does not believe. */
enum wb_err wb_unit_index_init(struct wb_unit_index *index, const struct wb_unit_index_input *input, bool believe_aranges);
void wb_unit_index_deinit(struct wb_unit_index *index);
size_t wb_unit_index_bytes(const struct wb_unit_index *index);
/* The next candidate for image_pc: start with *cursor = SIZE_MAX. The one that starts last comes first, of those the first unit's.
 * False: no more. */
bool wb_unit_index_next(const struct wb_unit_index *index, uint64_t image_pc, size_t *cursor, uint32_t *ret_unit);

#endif
