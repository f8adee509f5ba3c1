/* SPDX-License-Identifier: MIT */
/* From entry to entry for a name, through units and files. */
#include "symbols/dwarf_name.h"

#include "symbols/dwarf_files.h"
#include "symbols/dwarf_package.h"

enum {
	ORIGINS_MAX = 16,             /* abstract origins and specifications in a row, as other readers allow; real chains have 3 */
	ATTRS_MAX = 1 << 16,          /* values of all of them together: nobody's entry has more than some thirty */
};

/* A unit that entries are read of. Its root is read when an index needs it. */
struct reader {
	struct wb_unit_source source;
	const struct wb_plans *plans;
	bool has_root;
};

/* WB_NONE: nobody can read entries of that unit. */
static enum wb_err reader_init(struct reader *reader, const struct wb_entry_place *place)
{
	struct wb_unit_source *source = &reader->source;
	enum wb_err err;

	source->dwarf = place->dwarf;
	source->unit = place->unit;
	source->header = &wb_dwarf_unit(place->dwarf, place->unit)->header;
	source->sections = wb_package_view(wb_dwarf_sections_of(place->dwarf), source->header);
	reader->has_root = false;
	err = wb_dwarf_plans(source, &reader->plans);
	return err && err != WB_ERR_MEMORY ? WB_NONE : err;
}

/* WB_NONE: there is no entry, as far as can be seen without walking its unit. */
static enum wb_err read_entry(const struct reader *reader, uint64_t offset, uint64_t *attrs_left, struct wb_plan_values *ret_values)
{
	const struct wb_unit_header *unit = reader->source.header;
	struct wb_bytes b = wb_dwarf_bytes(&reader->source.sections, WB_DWARF_INFO);
	const struct wb_plan *plan;

	b.end = b.start + unit->offset + unit->size;
	if (offset - unit->offset < unit->die_offset || !wb_bytes_seek(&b, offset))
		return WB_NONE;
	plan = wb_plans_find(reader->plans, wb_bytes_uleb(&b));
	if (!plan || wb_plan_cost(reader->plans, plan) > *attrs_left)
		return WB_NONE;
	*attrs_left -= wb_plan_cost(reader->plans, plan);
	return wb_plan_read(reader->plans, plan, &b, ret_values) && !wb_bytes_failed(&b) ? WB_OK : WB_NONE;
}

static uint64_t string_of(struct reader *reader, const struct wb_form_value *value)
{
	struct wb_unit_source *source = &reader->source;

	if (value->class == WB_FORM_CLASS_NONE)
		return WB_REF_NONE;
	if (value->class == WB_FORM_CLASS_STR_INDEX && !reader->has_root) {
		if (wb_unit_source_init(source, source->dwarf, source->unit) != WB_OK)
			return WB_REF_NONE;
		reader->has_root = true;
	}
	return wb_ref_of_value(&source->sections, source->header, &source->root, value);
}

/* WB_NONE: no further entry tells more, or it is not had. */
static enum wb_err next_place(const struct reader *reader, const struct wb_plan_values *values, struct wb_entry_place *ret_place)
{
	const struct wb_form_value *origin = &values->of[WB_PLAN_ORIGIN], *specification = &values->of[WB_PLAN_SPECIFICATION];

	if (origin->class != WB_FORM_CLASS_NONE && wb_unit_resolve(&reader->source, origin, ret_place) == WB_OK)
		return WB_OK;
	return specification->class != WB_FORM_CLASS_NONE ? wb_unit_resolve(&reader->source, specification, ret_place) : WB_NONE;
}

/* Follows origins and specifications for what is missing yet; the nearest name counts (DWARF 5, 2.13.2 and 3.3.8.2). */
static enum wb_err follow(struct wb_entry_place place, struct wb_function_name *ret_name)
{
	struct wb_function_name name = { WB_REF_NONE, WB_REF_NONE };
	uint64_t attrs_left = ATTRS_MAX;
	struct reader reader = { 0 };
	enum wb_err err = WB_OK;

	for (unsigned i = 0; !err && i < ORIGINS_MAX && (name.name == WB_REF_NONE || name.linkage == WB_REF_NONE); i++) {
		struct wb_plan_values values;

		if (reader.source.dwarf != place.dwarf || reader.source.unit != place.unit)
			err = reader_init(&reader, &place);
		if (!err)
			err = read_entry(&reader, place.offset, &attrs_left, &values);
		if (err)
			break;
		if (name.name == WB_REF_NONE)
			name.name = string_of(&reader, &values.of[WB_PLAN_NAME]);
		if (name.linkage == WB_REF_NONE)
			name.linkage = string_of(&reader, &values.of[WB_PLAN_LINKAGE]);
		err = next_place(&reader, &values, &place);
	}
	if (err == WB_ERR_MEMORY)
		return err;
	*ret_name = name;
	return WB_OK;
}

enum wb_err wb_dwarf_name(struct wb_dwarf *dwarf, const struct wb_function_name *kept, struct wb_function_name *ret_name)
{
	struct wb_function_name unknown = { WB_REF_NONE, WB_REF_NONE };
	struct wb_entry_place place = { .dwarf = dwarf };
	uint32_t file;

	if (!wb_ref_is_entry(kept->name, &file, &place.offset)) {
		*ret_name = *kept;
		return WB_OK;
	}
	if (file != WB_DWARF_FILE_MAIN)
		place.dwarf = wb_dwarf_files_dwarf(wb_dwarf_sections_of(dwarf)->files, file);
	if (!place.dwarf || wb_dwarf_unit_of_offset(place.dwarf, place.offset, &place.unit) != WB_OK) {
		*ret_name = unknown;
		return WB_OK;
	}
	return follow(place, ret_name);
}
