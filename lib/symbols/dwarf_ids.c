/* SPDX-License-Identifier: MIT */
/* In DWARF 5 an id is in the unit's header, before in its first entry (DW_AT_GNU_dwo_id). */
#include "symbols/dwarf_ids.h"

#include "base/mem.h"
#include "symbols/sort.h"

enum { ABBREVS_MIN = 1 << 16, ABBREVS_PER_BYTE = 4 }; /* bytes of abbreviations looked through for first entries: units share tables */

static uint64_t id_of(const struct wb_dwarf *dwarf, size_t unit, uint64_t *abbrevs_budget)
{
	const struct wb_unit_header *header = &wb_dwarf_unit(dwarf, unit)->header;
	struct wb_unit_root root;

	if (header->size == 0 || header->version >= 5)
		return header->dwo_id;
	return wb_unit_root_read(wb_dwarf_sections_of(dwarf), header, abbrevs_budget, &root) == WB_OK ? root.dwo_id : 0;
}

static enum wb_err sort(struct wb_unit_ids *ids, uint64_t *keys, uint32_t *units)
{
	enum wb_err err = wb_sort_by_key(keys, units, ids->count);

	for (size_t i = 0; !err && i < ids->count; i++)
		ids->items[i] = (struct wb_unit_id){ keys[i], units[i] };
	return err;
}

static enum wb_err list_ids(struct wb_unit_ids *ids, struct wb_dwarf *dwarf, size_t num_units)
{
	uint64_t budget = ABBREVS_MIN + ABBREVS_PER_BYTE * (uint64_t)wb_dwarf_sections_of(dwarf)->by_id[WB_DWARF_ABBREV].size;
	uint64_t *keys = wb_mem_zalloc(num_units, sizeof *keys);
	uint32_t *units = wb_mem_zalloc(num_units, sizeof *units);
	enum wb_err err;

	*ids = (struct wb_unit_ids){ .items = wb_mem_zalloc(num_units, sizeof *ids->items) };
	err = keys && units && ids->items ? WB_OK : WB_ERR_MEMORY;
	for (size_t i = 0; !err && i < num_units; i++) {
		uint64_t id = id_of(dwarf, i, &budget);

		if (!id)
			continue;
		keys[ids->count] = id;
		units[ids->count++] = (uint32_t)i;
	}
	if (!err)
		err = sort(ids, keys, units);
	wb_mem_free(keys);
	wb_mem_free(units);
	if (err)
		wb_unit_ids_deinit(ids);
	return err;
}

enum wb_err wb_unit_ids_init(struct wb_unit_ids *ids, struct wb_dwarf *dwarf)
{
	size_t num_units;
	enum wb_err err = wb_dwarf_num_units(dwarf, &num_units);

	return err ? err : list_ids(ids, dwarf, num_units);
}

void wb_unit_ids_deinit(struct wb_unit_ids *ids)
{
	wb_mem_free(ids->items);
	*ids = (struct wb_unit_ids){ 0 };
}

enum wb_err wb_unit_ids_find(const struct wb_unit_ids *ids, uint64_t id, size_t *ret_unit)
{
	size_t low = 0, high = ids->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ids->items[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == ids->count || ids->items[low].id != id)
		return WB_NONE;
	*ret_unit = ids->items[low].unit;
	return WB_OK;
}
