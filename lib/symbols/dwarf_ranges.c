/* SPDX-License-Identifier: MIT */
/* Both encodings of range lists to plain (start, end) pairs. */
#include "symbols/dwarf_ranges.h"

#include "base/mem.h"
#include "symbols/dwarf_constants.h"

enum { BUDGET_MIN = 1 << 16 };

void wb_ranges_deinit(struct wb_ranges *ranges)
{
	wb_mem_free(ranges->items);
	*ranges = (struct wb_ranges){ 0 };
}

uint64_t wb_ranges_budget(const struct wb_dwarf_sections *sections)
{
	return BUDGET_MIN + 2 * ((uint64_t)sections->by_id[WB_DWARF_RANGES].size + sections->by_id[WB_DWARF_RNGLISTS].size);
}

static uint64_t address_mask(const struct wb_unit_header *unit)
{
	return unit->address_size == 8 ? UINT64_MAX : UINT32_MAX;
}

static enum wb_err append(struct wb_ranges *ranges, uint64_t start, uint64_t end)
{
	if (start >= end)
		return WB_OK;
	if (!wb_mem_grow((void **)&ranges->items, &ranges->capacity, ranges->count, 1, sizeof *ranges->items))
		return WB_ERR_MEMORY;
	ranges->items[ranges->count++] = (struct wb_range){ start, end };
	return WB_OK;
}

/* What linkers leave for discarded code where 0 would not do: -1, or -2 in lists where -1 selects a base. Ranges that count from it are none,
 * even those whose sum wraps around to addresses that exist. */
static bool is_dead(uint64_t base, uint64_t mask)
{
	return base >= mask - 1;
}

/* Takes the bytes that were read since `at` off the budget. */
static void spend(uint64_t *budget, const struct wb_bytes *b, size_t at)
{
	uint64_t used = wb_bytes_offset(b) - at;

	*budget -= used < *budget ? used : *budget;
}

/* DWARF 4, 2.17.3. A pair of zeros ends the list: ranges at 0 of relocatable objects are not told from it, by design of the format. */
static enum wb_err read_ranges_4(struct wb_ranges *ranges, struct wb_bytes *b, const struct wb_unit_header *unit, uint64_t base, uint64_t *budget)
{
	uint64_t mask = address_mask(unit);

	while (*budget > 0) {
		size_t at = wb_bytes_offset(b);
		uint64_t start = wb_bytes_uint(b, unit->address_size), end = wb_bytes_uint(b, unit->address_size);
		enum wb_err err = WB_OK;

		spend(budget, b, at);
		if (wb_bytes_failed(b))
			return WB_ERR_DATA;
		if (start == 0 && end == 0)
			return WB_OK;
		if (start == mask)
			base = end;
		else if (end > start && !is_dead(base, mask))
			err = append(ranges, (start + base) & mask, (end + base) & mask);
		if (err)
			return err;
	}
	return WB_ERR_LIMIT;
}

struct list_5 {
	struct wb_bytes *b;
	const struct wb_dwarf_sections *sections;
	const struct wb_unit_header *unit;
	const struct wb_unit_root *root;
	uint64_t base, start, end;
	bool is_broken;
};

static uint64_t indexed(struct list_5 *list)
{
	struct wb_form_value value = { WB_FORM_CLASS_ADDRESS_INDEX, wb_bytes_uleb(list->b) };
	uint64_t address = 0;

	if (!wb_unit_address(list->sections, list->unit, list->root, &value, &address))
		list->is_broken = true;
	return address;
}

static void read_offset_pair(struct list_5 *list)
{
	uint64_t start = wb_bytes_uleb_2(list->b), end = wb_bytes_uleb_2(list->b);

	if (is_dead(list->base, address_mask(list->unit)))
		return;
	list->start = list->base + start;
	list->end = list->base + end;
}

/* One entry (DWARF 5, 7.25): start and end, or equal ones for what is no range. All but offset pairs are absolute. */
static void read_entry_5(struct list_5 *list, uint8_t kind)
{
	struct wb_bytes *b = list->b;
	uint8_t size = list->unit->address_size;

	list->start = list->end = 0;
	switch ((enum wb_dw_rle)kind) {
	case WB_RLE_BASE_ADDRESSX: list->base = indexed(list); return;
	case WB_RLE_BASE_ADDRESS: list->base = wb_bytes_uint(b, size); return;
	case WB_RLE_STARTX_ENDX: list->start = indexed(list); list->end = indexed(list); return;
	case WB_RLE_STARTX_LENGTH: list->start = indexed(list); list->end = list->start + wb_bytes_uleb(b); return;
	case WB_RLE_OFFSET_PAIR: read_offset_pair(list); return;
	case WB_RLE_START_END: list->start = wb_bytes_uint(b, size); list->end = wb_bytes_uint(b, size); return;
	case WB_RLE_START_LENGTH: list->start = wb_bytes_uint(b, size); list->end = list->start + wb_bytes_uleb(b); return;
	case WB_RLE_END_OF_LIST: return;
	}
	list->is_broken = true;
}

static enum wb_err read_ranges_5(struct wb_ranges *ranges, struct list_5 *list, uint64_t *budget)
{
	uint64_t mask = address_mask(list->unit);

	while (*budget > 0) {
		size_t at = wb_bytes_offset(list->b);
		uint8_t kind = wb_bytes_u8(list->b);
		enum wb_err err;

		if (wb_bytes_failed(list->b))
			return WB_ERR_DATA;
		if (kind == WB_RLE_END_OF_LIST)
			return WB_OK;
		read_entry_5(list, kind);
		spend(budget, list->b, at);
		if (wb_bytes_failed(list->b) || list->is_broken)
			return WB_ERR_DATA;
		/* A start of -1 marks discarded code, too; it lies outside of any section. */
		err = append(ranges, list->start & mask, list->end & mask);
		if (err)
			return err;
	}
	return WB_ERR_LIMIT;
}

/* DWARF 5, 7.28: an index into the table of offsets at rnglists_base, which the offsets count from. */
static bool seek_list(struct wb_bytes *b, const struct wb_unit_header *unit, const struct wb_unit_root *root, const struct wb_form_value *value)
{
	uint64_t at = value->value;

	if (value->class != WB_FORM_CLASS_LIST_INDEX)
		return (unit->version >= 5 || wb_u64_add(at, root->ranges_base, &at)) && wb_bytes_seek(b, at);
	if (root->rnglists_base == UINT64_MAX || __builtin_mul_overflow(at, (uint64_t)unit->offset_size, &at) ||
	    !wb_u64_add(at, root->rnglists_base, &at) || !wb_bytes_seek(b, at))
		return false;
	at = wb_bytes_uint(b, unit->offset_size);
	return wb_u64_add(at, root->rnglists_base, &at) && wb_bytes_seek(b, at);
}

enum wb_err wb_ranges_read(struct wb_ranges *ranges, const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit,
                           const struct wb_unit_root *root, const struct wb_form_value *value, uint64_t base, uint64_t *budget)
{
	struct wb_bytes b = wb_dwarf_bytes(sections, unit->version >= 5 ? WB_DWARF_RNGLISTS : WB_DWARF_RANGES);
	struct list_5 list = { .b = &b, .sections = sections, .unit = unit, .root = root, .base = base };

	if (!seek_list(&b, unit, root, value))
		return WB_ERR_DATA;
	return unit->version >= 5 ? read_ranges_5(ranges, &list, budget) : read_ranges_4(ranges, &b, unit, base, budget);
}

/* DWARF 5, 3.1.1: the low pc; GCC writes an entry pc in its place where a low pc must not stand beside ranges (DWARF 2 and strict ones). */
uint64_t wb_ranges_base(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root)
{
	const struct wb_form_value *value = root->has_low ? &root->low : root->has_entry ? &root->entry : NULL;
	uint64_t base;

	return value && wb_unit_address(sections, unit, root, value, &base) ? base : 0;
}

enum wb_err wb_ranges_of_root(struct wb_ranges *ranges, const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit,
                              const struct wb_unit_root *root, uint64_t *budget)
{
	uint64_t low, high;

	if (root->has_ranges)
		return wb_ranges_read(ranges, sections, unit, root, &root->ranges, wb_ranges_base(sections, unit, root), budget);
	if (!root->has_low || !root->has_high)
		return WB_OK;
	if (!wb_unit_address(sections, unit, root, &root->low, &low))
		return WB_ERR_DATA;
	if (root->high_is_offset)
		high = low + root->high.value;
	else if (!wb_unit_address(sections, unit, root, &root->high, &high))
		return WB_ERR_DATA;
	return append(ranges, low, high & address_mask(unit));
}
