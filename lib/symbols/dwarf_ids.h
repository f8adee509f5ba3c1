/* SPDX-License-Identifier: MIT */
/* The ids of the units of a split file, which skeletons name them by: one in most files, thousands in link-time optimized ones. */
#ifndef SYMBOLS_DWARF_IDS_H
#define SYMBOLS_DWARF_IDS_H

#include "symbols/dwarf.h"

struct wb_unit_ids {
	struct wb_unit_id { uint64_t id; uint32_t unit; } *items; /* sorted by id; of equal ones the first unit comes first */
	size_t count;
};
/* Units that have no id, or whose first entries cannot be read, are left out. */
enum wb_err wb_unit_ids_init(struct wb_unit_ids *ids, struct wb_dwarf *dwarf);
void wb_unit_ids_deinit(struct wb_unit_ids *ids);
/* WB_NONE: no unit has the id. */
enum wb_err wb_unit_ids_find(const struct wb_unit_ids *ids, uint64_t id, size_t *ret_unit);

#endif
