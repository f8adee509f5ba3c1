/* SPDX-License-Identifier: MIT */
/* Values by attribute, in whichever unit an entry is. */
#include "symbols/dwarf_entry.h"

#include "symbols/dwarf.h"
#include "symbols/dwarf_package.h"

static enum wb_entry_attr attr_of(unsigned name)
{
	switch (name) {
	case WB_AT_LOW_PC: return WB_ENTRY_LOW;
	case WB_AT_HIGH_PC: return WB_ENTRY_HIGH;
	case WB_AT_RANGES: return WB_ENTRY_RANGES;
	case WB_AT_ABSTRACT_ORIGIN: return WB_ENTRY_ORIGIN;
	case WB_AT_SPECIFICATION: return WB_ENTRY_SPECIFICATION;
	case WB_AT_TYPE: return WB_ENTRY_TYPE;
	case WB_AT_LOCATION: return WB_ENTRY_LOCATION;
	case WB_AT_FRAME_BASE: return WB_ENTRY_FRAME_BASE;
	case WB_AT_BYTE_SIZE: return WB_ENTRY_BYTE_SIZE;
	case WB_AT_COUNT: return WB_ENTRY_COUNT;
	case WB_AT_UPPER_BOUND: return WB_ENTRY_UPPER_BOUND;
	case WB_AT_LOWER_BOUND: return WB_ENTRY_LOWER_BOUND;
	case WB_AT_VARIABLE_PARAMETER: return WB_ENTRY_IS_RESULT;
	default: return WB_ENTRY_ATTRS;
	}
}

enum wb_err wb_entry_read(const struct wb_plans *plans, const struct wb_plan *plan, struct wb_bytes *b, uint64_t *attrs_left,
                          struct wb_entry *ret_entry)
{
	const struct wb_abbrev *decl = wb_plans_decl(plans, plan);
	struct wb_entry entry = { .tag = decl->tag, .has_children = decl->has_children };

	if (decl->num_attrs > *attrs_left)
		return WB_ERR_LIMIT;
	*attrs_left -= decl->num_attrs;
	for (uint32_t i = 0; i < decl->num_attrs; i++) {
		const struct wb_abbrev_attr *attr = &plans->abbrevs.attrs[decl->first_attr + i];
		struct wb_entry_value read = { .block = NULL };

		if (!wb_abbrev_read(b, &plans->unit, &plans->abbrevs, attr, &read.value))
			return WB_ERR_UNSUPPORTED;
		if (wb_bytes_failed(b))
			return WB_ERR_DATA;
		if (read.value.class == WB_FORM_CLASS_BLOCK)
			read.block = b->at - read.value.value;
		if (attr_of(attr->name) != WB_ENTRY_ATTRS)
			entry.of[attr_of(attr->name)] = read;
	}
	*ret_entry = entry;
	return WB_OK;
}

static enum wb_err enter_unit(struct wb_entry_reader *reader, const struct wb_entry_place *place)
{
	struct wb_unit_source *source = &reader->source;
	enum wb_err err;

	if (reader->plans && source->dwarf == place->dwarf && source->unit == place->unit)
		return WB_OK;
	source->dwarf = place->dwarf;
	source->unit = place->unit;
	source->header = &wb_dwarf_unit(place->dwarf, place->unit)->header;
	source->sections = wb_package_view(wb_dwarf_sections_of(place->dwarf), source->header);
	reader->plans = NULL;
	err = wb_dwarf_plans(source, &reader->plans);
	return err && err != WB_ERR_MEMORY ? WB_NONE : err;
}

enum wb_err wb_entry_reader_at(struct wb_entry_reader *reader, const struct wb_entry_place *place, uint64_t *attrs_left, struct wb_entry *ret_entry)
{
	enum wb_err err = enter_unit(reader, place);
	const struct wb_unit_header *unit = reader->source.header;

	if (err)
		return err;
	reader->b = wb_dwarf_bytes(&reader->source.sections, WB_DWARF_INFO);
	reader->b.end = reader->b.start + unit->offset + unit->size;
	if (place->offset < unit->offset || place->offset - unit->offset < unit->die_offset || !wb_bytes_seek(&reader->b, place->offset))
		return WB_NONE;
	return wb_entry_reader_next(reader, attrs_left, ret_entry);
}

enum wb_err wb_entry_reader_next(struct wb_entry_reader *reader, uint64_t *attrs_left, struct wb_entry *ret_entry)
{
	const struct wb_plan *plan = wb_plans_find(reader->plans, wb_bytes_uleb(&reader->b));

	if (!plan || wb_bytes_failed(&reader->b))
		return WB_NONE;
	return wb_entry_read(reader->plans, plan, &reader->b, attrs_left, ret_entry) == WB_OK ? WB_OK : WB_NONE;
}
