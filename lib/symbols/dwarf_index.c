/* SPDX-License-Identifier: MIT */
/* The index of units by address, and the reader of .debug_aranges (DWARF 5, 6.1.2). */
#include "symbols/dwarf_index.h"

#include "base/mem.h"
#include "model/session.h"
#include "symbols/dwarf_constants.h"
#include "symbols/dwarf_line.h"
#include "symbols/sort.h"

enum {
	CHECK_EVERY = 1024,
	SPANS_MAX = 1 << 28,
	ABBREVS_MIN = 1 << 26,        /* bytes of abbreviations looked through for first entries, of all units together, */
	ABBREVS_PER_BYTE = 2,         /* and for each there is: GCC's come late in the unit's table, and dwz lets units share tables */
};

struct indexer {
	const struct wb_unit_index_input *input;
	struct wb_unit_index *index;
	struct wb_ranges ranges;
	uint64_t ranges_budget;       /* bytes of range lists that may still be read */
	uint64_t lines_budget;        /* bytes of line programs that may still be read; units can share one */
	uint64_t abbrevs_budget;
};

static enum wb_err add_span(struct indexer *indexer, uint64_t start, uint64_t end, size_t owner)
{
	struct wb_unit_index *index = indexer->index;
	const struct wb_text *text = indexer->input->text;

	if (start >= end || (text->num_ranges > 0 && !wb_text_find(text, start)))
		return WB_OK;
	if (index->num_spans == SPANS_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&index->spans, &index->capacity, index->num_spans, 1, sizeof *index->spans))
		return WB_ERR_MEMORY;
	index->spans[index->num_spans++] = (struct wb_unit_span){ start, end, (uint32_t)owner };
	return WB_OK;
}

/* ---- .debug_aranges ------------------------------------------------------------------------------------------------------ */

/* The pairs of one set. Zero pairs end it, but also stand for discarded code in the middle: the set's length tells its end anyway. */
static enum wb_err read_set(struct indexer *indexer, struct wb_bytes *set, uint8_t address_size, size_t number)
{
	uint64_t last = address_size == 8 ? UINT64_MAX : UINT32_MAX;

	while (wb_bytes_left(set) >= 2u * address_size) {
		uint64_t start = wb_bytes_uint(set, address_size), size = wb_bytes_uint(set, address_size);
		enum wb_err err = size <= last - start ? add_span(indexer, start, start + size, number) : WB_OK;

		if (err)
			return err;
	}
	return WB_OK;
}

static enum wb_err add_set(struct wb_unit_index *index, uint64_t offset)
{
	if (index->num_sets == SPANS_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&index->sets, &index->sets_capacity, index->num_sets, 1, sizeof *index->sets))
		return WB_ERR_MEMORY;
	index->sets[index->num_sets].offset = offset;
	atomic_init(&index->sets[index->num_sets++].unit, UINT32_MAX);
	return WB_OK;
}

/* WB_NONE: the section ends here, or makes no sense from here on. */
static enum wb_err next_set(struct indexer *indexer, struct wb_bytes *b)
{
	uint64_t length, info_offset;
	uint8_t offset_size = 4, address_size, segment_size;
	uint16_t version;
	struct wb_bytes set;
	size_t header_size;
	enum wb_err err;

	if (wb_bytes_at_end(b))
		return WB_NONE;
	length = wb_bytes_u32(b);
	if (length == UINT32_MAX) {
		length = wb_bytes_u64(b);
		offset_size = 8;
	}
	set = wb_bytes_sub(b, length);
	version = wb_bytes_u16(&set);
	info_offset = wb_bytes_uint(&set, offset_size);
	address_size = wb_bytes_u8(&set);
	segment_size = wb_bytes_u8(&set);
	if (wb_bytes_failed(b) || wb_bytes_failed(&set))
		return WB_NONE;
	if (version != 2 || segment_size != 0 || (address_size != 4 && address_size != 8))
		return WB_OK;
	/* Pairs are aligned to their size, counted from the header's start. */
	header_size = wb_bytes_offset(&set) + (offset_size == 8 ? 12 : 4);
	if (!wb_bytes_skip(&set, (2u * address_size - header_size % (2u * address_size)) % (2u * address_size)))
		return WB_OK;
	err = add_set(indexer->index, info_offset);
	return err ? err : read_set(indexer, &set, address_size, indexer->index->num_sets - 1);
}

static enum wb_err add_aranges(struct indexer *indexer)
{
	struct wb_bytes b = wb_dwarf_bytes(indexer->input->sections, WB_DWARF_ARANGES);
	enum wb_err err;

	while ((err = next_set(indexer, &b)) == WB_OK)
		;
	return err == WB_NONE ? WB_OK : err;
}

/* ---- Units ------------------------------------------------------------------------------------------------------------------ */

static const struct wb_unit *unit_of(const struct indexer *indexer, size_t unit)
{
	return wb_unit_list_at(indexer->input->units, unit);
}

static enum wb_err add_lines(struct indexer *indexer, size_t unit, const struct wb_unit_root *root, uint64_t stmt_list)
{
	const struct wb_unit_header *header = &unit_of(indexer, unit)->header;
	uint64_t end, size = indexer->input->sections->by_id[WB_DWARF_LINE].size;
	struct wb_lines_builder builder;
	enum wb_err err;

	if (indexer->lines_budget == 0)
		return WB_OK;
	wb_lines_builder_init(&builder, indexer->input->text);
	err = wb_dwarf_line_read(indexer->input->sections, header->size ? header : NULL, root, stmt_list, &builder, &end);
	size = end < size && end > stmt_list ? end - stmt_list : size;
	indexer->lines_budget -= indexer->lines_budget < size ? indexer->lines_budget : size;
	if (err == WB_ERR_DATA || err == WB_ERR_UNSUPPORTED)
		err = WB_OK;
	for (size_t i = 0; !err && i < builder.num_sequences; i++)
		err = add_span(indexer, builder.sequences[i].start, builder.sequences[i].end, unit);
	wb_lines_builder_deinit(&builder);
	return err;
}

static enum wb_err add_ranges(struct indexer *indexer, size_t unit)
{
	enum wb_err err = WB_OK;

	for (size_t i = 0; !err && i < indexer->ranges.count; i++)
		err = add_span(indexer, indexer->ranges.items[i].start, indexer->ranges.items[i].end, unit);
	return err;
}

/* Where a unit's own ranges are, or its line table if it has none. */
static enum wb_err add_unit(struct indexer *indexer, enum wb_unit_index_source source, size_t unit)
{
	const struct wb_unit_header *header = &unit_of(indexer, unit)->header;
	const struct wb_dwarf_sections *sections = indexer->input->sections;
	struct wb_unit_root root;
	enum wb_err err;

	if (header->size == 0)
		return source == WB_INDEX_LINES ? add_lines(indexer, unit, NULL, unit_of(indexer, unit)->stmt_list) : WB_OK;
	if (header->type == WB_UT_TYPE || header->type == WB_UT_SPLIT_TYPE || header->type == WB_UT_PARTIAL)
		return WB_OK;
	err = wb_unit_root_read(sections, header, &indexer->abbrevs_budget, &root);
	if (err == WB_ERR_LIMIT)
		wb_diag_report(sections->diags, err, WB_DIAG_DWARF_MALFORMED, sections->path, ".debug_abbrev", header->abbrev_offset,
		               "units share so many abbreviations that not all are looked for");
	/* What else is wrong with a unit is reported when it is wanted. */
	if (err || root.tag == WB_TAG_PARTIAL_UNIT)
		return WB_OK;
	indexer->ranges.count = 0;
	err = wb_ranges_of_root(&indexer->ranges, sections, header, &root, &indexer->ranges_budget);
	if (err == WB_ERR_MEMORY)
		return err;
	if (source == WB_INDEX_UNITS)
		return add_ranges(indexer, unit);
	return indexer->ranges.count > 0 || !root.has_stmt_list || root.has_ranges || root.has_high ? WB_OK :
	       add_lines(indexer, unit, &root, root.stmt_list);
}

static enum wb_err add_units(struct indexer *indexer, enum wb_unit_index_source source)
{
	const struct wb_unit_index_input *input = indexer->input;
	size_t count = wb_unit_list_count(input->units);
	enum wb_err err = WB_OK;

	for (size_t i = 0; !err && i < count; i++) {
		err = add_unit(indexer, source, i);
		if (!err && i % CHECK_EVERY == CHECK_EVERY - 1 && input->session)
			err = wb_session_check(input->session, i + 1, count);
	}
	return err;
}

/* By start; of those with the same start, the first owner's comes last, where lookups begin: linkers keep the first copy of a COMDAT function and
 * let all the units that had one claim it, though they can differ in lines and paths. */
static enum wb_err sort_spans(struct wb_unit_index *index)
{
	size_t n = index->num_spans;
	uint64_t *keys = wb_mem_zalloc(n, sizeof *keys);
	uint32_t *order = wb_mem_zalloc(n, sizeof *order);
	struct wb_unit_span *sorted = wb_mem_zalloc(n, sizeof *sorted);
	enum wb_err err = keys && order && sorted ? WB_OK : WB_ERR_MEMORY;

	for (size_t i = 0; !err && i < n; i++) {
		order[i] = (uint32_t)(n - 1 - i);
		keys[i] = index->spans[order[i]].start;
	}
	if (!err)
		err = wb_sort_by_key(keys, order, n);   /* stable */
	if (!err) {
		for (size_t i = 0; i < n; i++)
			sorted[i] = index->spans[order[i]];
		wb_mem_free(index->spans);
		index->spans = sorted;
		index->capacity = n;
		sorted = NULL;
	}
	wb_mem_free(keys);
	wb_mem_free(order);
	wb_mem_free(sorted);
	return err;
}

/* ---- Which spans reach an address ------------------------------------------------------------------------------------------- */

/* Of a node of the tree; 0 where there is no span. */
static uint64_t reach_of(const struct wb_unit_index *index, size_t node)
{
	size_t span = node - index->num_leaves;

	if (node < index->num_leaves)
		return index->reach[node];
	return span < index->num_spans ? index->spans[span].end : 0;
}

static enum wb_err make_tree(struct wb_unit_index *index)
{
	index->num_leaves = 1;
	while (index->num_leaves <= index->num_spans)
		index->num_leaves *= 2;
	index->reach = wb_mem_zalloc(index->num_leaves, sizeof *index->reach);
	if (!index->reach)
		return WB_ERR_MEMORY;
	for (size_t node = index->num_leaves - 1; node > 0; node--) {
		uint64_t left = reach_of(index, 2 * node), right = reach_of(index, 2 * node + 1);

		index->reach[node] = left > right ? left : right;
	}
	return WB_OK;
}

/* The last span before `at` that reaches beyond image_pc; SIZE_MAX: none. Spans that do not are passed over by the tree's branches: one wide
 * claim below a million narrow ones costs forty steps. */
static size_t last_that_reaches(const struct wb_unit_index *index, size_t at, uint64_t image_pc)
{
	size_t node = index->num_leaves + at;

	do {
		while (node % 2 == 0) /* what is below the node above starts here */
			node /= 2;
		if (node == 1)
			return SIZE_MAX;
		node--;
	} while (reach_of(index, node) <= image_pc);
	while (node < index->num_leaves) {
		node = 2 * node + 1;
		if (reach_of(index, node) <= image_pc)
			node--;
	}
	return node - index->num_leaves;
}

/* ---- The index --------------------------------------------------------------------------------------------------------------- */

enum wb_err wb_unit_index_init(struct wb_unit_index *index, enum wb_unit_index_source source, const struct wb_unit_index_input *input)
{
	struct indexer indexer = { .input = input, .index = index };
	enum wb_err err;

	*index = (struct wb_unit_index){ 0 };
	indexer.ranges_budget = wb_ranges_budget(input->sections);
	indexer.abbrevs_budget = ABBREVS_MIN + ABBREVS_PER_BYTE * (uint64_t)input->sections->by_id[WB_DWARF_ABBREV].size;
	indexer.lines_budget = 2 * (uint64_t)input->sections->by_id[WB_DWARF_LINE].size;
	err = source == WB_INDEX_ARANGES ? add_aranges(&indexer) : add_units(&indexer, source);
	if (!err)
		err = sort_spans(index);
	if (!err)
		err = make_tree(index);
	wb_ranges_deinit(&indexer.ranges);
	if (err)
		wb_unit_index_deinit(index);
	return err;
}

void wb_unit_index_deinit(struct wb_unit_index *index)
{
	wb_mem_free(index->spans);
	wb_mem_free(index->reach);
	wb_mem_free(index->sets);
	*index = (struct wb_unit_index){ 0 };
}

size_t wb_unit_index_bytes(const struct wb_unit_index *index)
{
	return index->capacity * sizeof *index->spans + index->num_leaves * sizeof *index->reach +
	       index->sets_capacity * sizeof *index->sets;
}

bool wb_unit_index_next(const struct wb_unit_index *index, uint64_t image_pc, size_t *cursor, uint32_t *ret_owner)
{
	size_t at = *cursor;

	if (at == SIZE_MAX) {
		size_t low = 0, high = index->num_spans;

		while (low < high) {
			size_t mid = low + (high - low) / 2;

			if (index->spans[mid].start <= image_pc)
				low = mid + 1;
			else
				high = mid;
		}
		at = low;
	}
	at = last_that_reaches(index, at, image_pc);
	*cursor = at == SIZE_MAX ? 0 : at;
	if (at == SIZE_MAX)
		return false;
	*ret_owner = index->spans[at].owner;
	return true;
}
