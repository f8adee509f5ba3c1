/* SPDX-License-Identifier: MIT */
/* Units and references across files. */
#include "symbols/dwarf_source.h"

#include "symbols/dwarf.h"
#include "symbols/dwarf_files.h"
#include "symbols/dwarf_package.h"

enum { ABBREVS_LOOKED_AT = 4 << 10 };

/* Abbreviations that are damaged further on can still tell the first entry, whose own come early. */
enum wb_err wb_unit_source_init(struct wb_unit_source *source, struct wb_dwarf *dwarf, size_t unit)
{
	uint64_t abbrevs_budget = ABBREVS_LOOKED_AT;
	const struct wb_plans *plans;
	enum wb_err err;

	source->dwarf = dwarf;
	source->unit = unit;
	source->header = &wb_dwarf_unit(dwarf, unit)->header;
	source->sections = wb_package_view(wb_dwarf_sections_of(dwarf), source->header);
	err = wb_dwarf_plans(source, &plans);
	if (err == WB_ERR_MEMORY)
		return err;
	if (err)
		return wb_unit_root_read(&source->sections, source->header, &abbrevs_budget, &source->root);
	return wb_unit_root_of(&source->sections, source->header, &plans->abbrevs, &source->root);
}

/* DWARF 5, 3.1.3: what the split half inherits. GNU's DW_AT_GNU_ranges_base counts for the split half only. */
static void inherit(struct wb_unit_source *split, const struct wb_unit_source *skeleton)
{
	const struct wb_unit_root *from = &skeleton->root;
	struct wb_unit_root *root = &split->root;

	root->has_low = from->has_low;
	root->low = from->low;
	root->has_entry = from->has_entry;
	root->entry = from->entry;
	root->addr_base = from->addr_base;
	root->ranges_base = from->gnu_ranges_base != UINT64_MAX ? from->gnu_ranges_base : 0;
	root->comp_dir = from->comp_dir;
	root->is_split = false;
	/* Without range lists of its own, it uses the main file's. */
	if (split->sections.by_id[WB_DWARF_RNGLISTS].file == WB_DWARF_FILE_MAIN)
		root->rnglists_base = from->rnglists_base;
}

enum wb_err wb_unit_source_split(const struct wb_unit_source *skeleton, struct wb_unit_source *ret_split)
{
	struct wb_dwarf *dwarf;
	size_t unit;
	enum wb_err err = wb_dwarf_files_split(skeleton->sections.files, skeleton->dwarf, skeleton->unit, &skeleton->root, &dwarf, &unit);

	if (!err)
		err = wb_unit_source_init(ret_split, dwarf, unit);
	if (err)
		return err;
	inherit(ret_split, skeleton);
	return WB_OK;
}

enum wb_err wb_unit_resolve(const struct wb_unit_source *source, const struct wb_form_value *value, struct wb_entry_place *ret_place)
{
	struct wb_entry_place place = { .dwarf = source->dwarf, .unit = source->unit, .offset = value->value };

	if (value->class == WB_FORM_CLASS_REF) {
		if (value->value >= source->header->size)
			return WB_NONE;
		place.offset = source->header->offset + value->value;
		*ret_place = place;
		return WB_OK;
	}
	if (value->class == WB_FORM_CLASS_REF_ALT)
		place.dwarf = wb_dwarf_files_supplementary_dwarf(source->sections.files);
	else if (value->class != WB_FORM_CLASS_REF_INFO)
		return WB_NONE;
	if (!place.dwarf || wb_dwarf_unit_of_offset(place.dwarf, place.offset, &place.unit) != WB_OK)
		return WB_NONE;
	*ret_place = place;
	return WB_OK;
}
