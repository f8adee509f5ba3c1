/* SPDX-License-Identifier: MIT */
/* Unit headers, and the first entry of a unit: where its code, lines and tables are. */
#include "symbols/dwarf_unit.h"

#include "base/mem.h"
#include "symbols/dwarf_constants.h"
#include "symbols/dwarf_files.h"

static bool address_size_is_known(uint8_t size)
{
	return size == 4 || size == 8;
}

/* DWARF 5, 7.5.1.1 to 7.5.1.3: what follows the version. */
static enum wb_err read_header_5(struct wb_bytes *b, struct wb_unit_header *unit)
{
	unit->type = wb_bytes_u8(b);
	unit->address_size = wb_bytes_u8(b);
	unit->abbrev_offset = wb_bytes_uint(b, unit->offset_size);
	switch ((enum wb_dw_unit)unit->type) {
	case WB_UT_COMPILE:
	case WB_UT_PARTIAL: return WB_OK;
	case WB_UT_SKELETON:
	case WB_UT_SPLIT_COMPILE: unit->dwo_id = wb_bytes_u64(b); return WB_OK;
	case WB_UT_TYPE:
	case WB_UT_SPLIT_TYPE:
		(void)wb_bytes_u64(b);
		(void)wb_bytes_uint(b, unit->offset_size);
		return WB_OK;
	}
	return WB_ERR_UNSUPPORTED;
}

static enum wb_err read_header(struct wb_bytes *b, struct wb_unit_header *unit)
{
	enum wb_err err = WB_OK;

	unit->version = wb_bytes_u16(b);
	if (wb_bytes_failed(b) || unit->version < 2 || unit->version > 5)
		return WB_ERR_UNSUPPORTED;
	if (unit->version == 5) {
		err = read_header_5(b, unit);
	} else {
		unit->type = WB_UT_COMPILE;
		unit->abbrev_offset = wb_bytes_uint(b, unit->offset_size);
		unit->address_size = wb_bytes_u8(b);
	}
	if (err || wb_bytes_failed(b) || !address_size_is_known(unit->address_size))
		return WB_ERR_UNSUPPORTED;
	return WB_OK;
}

enum wb_err wb_unit_header_next(struct wb_bytes *b, struct wb_unit_header *ret_header)
{
	struct wb_unit_header unit = { .offset = wb_bytes_offset(b), .offset_size = 4 };
	struct wb_bytes body;
	uint64_t length;
	uint8_t length_size = 4;
	enum wb_err err;

	if (wb_bytes_at_end(b))
		return WB_NONE;
	length = wb_bytes_u32(b);
	if (length == UINT32_MAX) { /* 7.4: 64-bit DWARF */
		length = wb_bytes_u64(b);
		unit.offset_size = 8;
		length_size = 12;
	} else if (length >= 0xfffffff0) {
		wb_bytes_fail(b);
	}
	body = wb_bytes_sub(b, length);
	if (wb_bytes_failed(b))
		return WB_ERR_DATA;
	err = read_header(&body, &unit);
	unit.size = length_size + length;
	unit.die_offset = (uint8_t)(length_size + wb_bytes_offset(&body));
	*ret_header = unit;
	return err;
}

/* ---- Strings and addresses ------------------------------------------------------------------------------------------------ */

/* Where the string of an index is in .debug_str. */
static bool string_offset(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root, uint64_t index,
                          uint64_t *ret_offset)
{
	struct wb_bytes b = wb_dwarf_bytes(sections, WB_DWARF_STR_OFFSETS);
	uint64_t base = root->str_offsets_base, at;

	if (base == UINT64_MAX || __builtin_mul_overflow(index, (uint64_t)unit->offset_size, &at) || !wb_u64_add(at, base, &at) ||
	    !wb_bytes_seek(&b, at))
		return false;
	at = wb_bytes_uint(&b, unit->offset_size);
	if (wb_bytes_failed(&b))
		return false;
	*ret_offset = at;
	return true;
}

bool wb_unit_string_place(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root,
                          const struct wb_form_value *value, struct wb_string_place *ret_place)
{
	struct wb_string_place place = { sections, WB_DWARF_STR, value->value };

	switch (value->class) {
	case WB_FORM_CLASS_STRING: place.section = WB_DWARF_INFO; break;
	case WB_FORM_CLASS_STR: break;
	case WB_FORM_CLASS_LINE_STR: place.section = WB_DWARF_LINE_STR; break;
	case WB_FORM_CLASS_STR_INDEX:
		if (!string_offset(sections, unit, root, value->value, &place.offset))
			return false;
		break;
	case WB_FORM_CLASS_STR_ALT: place.sections = wb_dwarf_files_supplementary(sections->files); break;
	case WB_FORM_CLASS_NONE:
	case WB_FORM_CLASS_ADDRESS:
	case WB_FORM_CLASS_ADDRESS_INDEX:
	case WB_FORM_CLASS_CONSTANT:
	case WB_FORM_CLASS_OFFSET:
	case WB_FORM_CLASS_LIST_INDEX:
	case WB_FORM_CLASS_FLAG:
	case WB_FORM_CLASS_REF:
	case WB_FORM_CLASS_REF_INFO:
	case WB_FORM_CLASS_REF_ALT:
	case WB_FORM_CLASS_BLOCK: return false;
	}
	if (!place.sections)
		return false;
	*ret_place = place;
	return true;
}

const char *wb_unit_string(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root,
                           const struct wb_form_value *value)
{
	struct wb_string_place place;

	if (!wb_unit_string_place(sections, unit, root, value, &place))
		return NULL;
	return wb_dwarf_string(place.sections, place.section, place.offset);
}

bool wb_unit_address(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root,
                     const struct wb_form_value *value, uint64_t *ret_address)
{
	struct wb_bytes b = wb_dwarf_bytes(sections, WB_DWARF_ADDR);
	uint64_t at;

	if (value->class == WB_FORM_CLASS_ADDRESS) {
		*ret_address = value->value;
		return true;
	}
	if (value->class != WB_FORM_CLASS_ADDRESS_INDEX || root->addr_base == UINT64_MAX ||
	    __builtin_mul_overflow(value->value, (uint64_t)unit->address_size, &at) || !wb_u64_add(at, root->addr_base, &at) ||
	    !wb_bytes_seek(&b, at))
		return false;
	at = wb_bytes_uint(&b, unit->address_size);
	if (wb_bytes_failed(&b))
		return false;
	*ret_address = at;
	return true;
}

/* ---- The first entry --------------------------------------------------------------------------------------------------------- */

/* Moves b to the attributes of the declaration of `code`, which is the first one nearly always. */
static bool find_abbrev(struct wb_bytes *b, uint64_t code, uint16_t *ret_tag)
{
	for (;;) { /* bounded by the section */
		uint64_t this_code = wb_bytes_uleb(b), tag = wb_bytes_uleb(b), name, form;

		(void)wb_bytes_u8(b);
		if (wb_bytes_failed(b) || this_code == 0)
			return false;
		if (this_code == code) {
			*ret_tag = tag < UINT16_MAX ? (uint16_t)tag : UINT16_MAX;
			return true;
		}
		do {
			name = wb_bytes_uleb(b);
			form = wb_bytes_uleb(b);
			if (form == WB_FORM_IMPLICIT_CONST)
				(void)wb_bytes_sleb(b);
		} while ((name != 0 || form != 0) && !wb_bytes_failed(b));
	}
}

enum { ROOT_ATTRS_MAX = 256 };    /* of a first entry; compilers write a dozen */

struct root_strings { struct wb_form_value name, comp_dir, dwo_name; };

/* DWARF 2 and 3 write section offsets as plain constants. */
static bool is_offset(const struct wb_form_value *value)
{
	return value->class == WB_FORM_CLASS_OFFSET || value->class == WB_FORM_CLASS_CONSTANT;
}

static bool is_address(const struct wb_form_value *value)
{
	return value->class == WB_FORM_CLASS_ADDRESS || value->class == WB_FORM_CLASS_ADDRESS_INDEX;
}

static void take_attr(struct wb_unit_root *root, struct root_strings *strings, uint64_t name, const struct wb_form_value *value)
{
	switch (name) {
	case WB_AT_NAME: strings->name = *value; break;
	case WB_AT_LANGUAGE: root->language = value->value < UINT16_MAX ? (uint16_t)value->value : 0; break;
	case WB_AT_COMP_DIR: strings->comp_dir = *value; break;
	case WB_AT_LOW_PC:
		root->low = *value;
		root->has_low = is_address(value);
		break;
	case WB_AT_ENTRY_PC:
		root->entry = *value;
		root->has_entry = is_address(value);
		break;
	case WB_AT_HIGH_PC:
		root->high = *value;
		root->high_is_offset = value->class == WB_FORM_CLASS_CONSTANT;
		root->has_high = root->high_is_offset || is_address(value);
		break;
	case WB_AT_RANGES:
		root->ranges = *value;
		root->has_ranges = is_offset(value) || value->class == WB_FORM_CLASS_LIST_INDEX;
		break;
	case WB_AT_STMT_LIST:
		root->stmt_list = value->value;
		root->has_stmt_list = is_offset(value);
		break;
	case WB_AT_STR_OFFSETS_BASE: root->str_offsets_base = value->value; break;
	case WB_AT_ADDR_BASE:
	case WB_AT_GNU_ADDR_BASE: root->addr_base = value->value; break;
	case WB_AT_RNGLISTS_BASE: root->rnglists_base = value->value; break;
	case WB_AT_LOCLISTS_BASE: root->loclists_base = value->value; break;
	case WB_AT_GNU_RANGES_BASE: root->gnu_ranges_base = value->value; break;
	case WB_AT_DWO_NAME:
	case WB_AT_GNU_DWO_NAME:
		strings->dwo_name = *value;
		root->is_split = true;
		break;
	case WB_AT_GNU_DWO_ID: root->dwo_id = value->class == WB_FORM_CLASS_CONSTANT ? value->value : 0; break;
	default: break;
	}
}

/* DWARF 5, 7.26: the offsets of a unit without DW_AT_str_offsets_base follow the section's first header, and so do those of one that was not
 * relocated yet, whose base is 0. Split units of DWARF 4 have no header there, those of DWARF 5 have one before their range and location lists too
 * (7.28, 7.29). */
static void default_bases(struct wb_unit_root *root, const struct wb_unit_header *unit)
{
	root->has_str_offsets_base = root->str_offsets_base != UINT64_MAX && root->str_offsets_base != 0;
	if (!root->has_str_offsets_base)
		root->str_offsets_base = unit->version < 5 ? 0 : unit->offset_size == 8 ? 16 : 8;
	if (root->rnglists_base == UINT64_MAX && unit->type == WB_UT_SPLIT_COMPILE)
		root->rnglists_base = unit->offset_size == 8 ? 20 : 12;
	if (root->loclists_base == UINT64_MAX && unit->type == WB_UT_SPLIT_COMPILE)
		root->loclists_base = unit->offset_size == 8 ? 20 : 12;
}

/* A first entry in the making. */
struct root_reader {
	const struct wb_dwarf_sections *sections;
	const struct wb_unit_header *unit;
	struct wb_bytes b;            /* at the entry's values */
	struct wb_unit_root root;
	struct root_strings strings;
	unsigned num_attrs;
};

/* *ret_code: of the entry's abbreviation. */
static bool start_root(struct root_reader *reader, const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, uint64_t *ret_code)
{
	*reader = (struct root_reader){
		.sections = sections, .unit = unit, .b = wb_dwarf_bytes(sections, WB_DWARF_INFO),
		.root = { .str_offsets_base = UINT64_MAX, .addr_base = UINT64_MAX, .rnglists_base = UINT64_MAX, .loclists_base = UINT64_MAX,
		          .gnu_ranges_base = UINT64_MAX },
	};
	reader->b.end = reader->b.start + unit->offset + unit->size;
	wb_bytes_seek(&reader->b, unit->offset + unit->die_offset);
	*ret_code = wb_bytes_uleb(&reader->b);
	return !wb_bytes_failed(&reader->b) && *ret_code != 0;
}

static enum wb_err take_value(struct root_reader *reader, uint64_t name, uint64_t form, int64_t implicit)
{
	struct wb_form_value value = { WB_FORM_CLASS_NONE, 0 };

	if (reader->num_attrs++ == ROOT_ATTRS_MAX)
		return WB_ERR_DATA;
	if (!wb_form_read(&reader->b, reader->unit, form, implicit, &value))
		return WB_ERR_UNSUPPORTED;
	if (wb_bytes_failed(&reader->b))
		return WB_ERR_DATA;
	take_attr(&reader->root, &reader->strings, name, &value);
	return WB_OK;
}

/* abbrev is at the attributes' names and forms. */
static enum wb_err take_values(struct root_reader *reader, struct wb_bytes *abbrev)
{
	for (;;) {
		uint64_t name = wb_bytes_uleb(abbrev), form = wb_bytes_uleb(abbrev);
		int64_t implicit = form == WB_FORM_IMPLICIT_CONST ? wb_bytes_sleb(abbrev) : 0;
		enum wb_err err;

		if (wb_bytes_failed(abbrev))
			return WB_ERR_DATA;
		if (name == 0 && form == 0)
			return WB_OK;
		err = take_value(reader, name, form, implicit);
		if (err)
			return err;
	}
}

static void finish_root(struct root_reader *reader, struct wb_unit_root *ret_root)
{
	const struct wb_unit_header *unit = reader->unit;
	struct wb_unit_root *root = &reader->root;

	default_bases(root, unit);
	root->is_split |= unit->type == WB_UT_SKELETON;
	if (unit->dwo_id)
		root->dwo_id = unit->dwo_id;
	root->name = wb_unit_string(reader->sections, unit, root, &reader->strings.name);
	root->comp_dir = wb_unit_string(reader->sections, unit, root, &reader->strings.comp_dir);
	root->dwo_name = wb_unit_string(reader->sections, unit, root, &reader->strings.dwo_name);
	*ret_root = *root;
}

enum wb_err wb_unit_root_read(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, uint64_t *abbrevs_budget,
                              struct wb_unit_root *ret_root)
{
	struct wb_bytes abbrev = wb_dwarf_bytes(sections, WB_DWARF_ABBREV);
	struct root_reader reader;
	uint64_t code, used;
	enum wb_err err;

	if (*abbrevs_budget == 0)
		return WB_ERR_LIMIT;
	if (!start_root(&reader, sections, unit, &code) || !wb_bytes_seek(&abbrev, unit->abbrev_offset))
		return WB_ERR_DATA;
	if (wb_bytes_left(&abbrev) > *abbrevs_budget)
		abbrev.end = abbrev.at + *abbrevs_budget;
	err = find_abbrev(&abbrev, code, &reader.root.tag) ? take_values(&reader, &abbrev) : WB_ERR_DATA;
	used = wb_bytes_offset(&abbrev) - unit->abbrev_offset;
	*abbrevs_budget -= used < *abbrevs_budget ? used : *abbrevs_budget;
	if (!err)
		finish_root(&reader, ret_root);
	return err;
}

enum wb_err wb_unit_root_of(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_abbrevs *abbrevs,
                            struct wb_unit_root *ret_root)
{
	const struct wb_abbrev *abbrev;
	struct root_reader reader;
	uint64_t code;

	if (!start_root(&reader, sections, unit, &code))
		return WB_ERR_DATA;
	abbrev = wb_abbrevs_find(abbrevs, code);
	if (!abbrev)
		return WB_ERR_DATA;
	reader.root.tag = abbrev->tag;
	for (uint32_t i = 0; i < abbrev->num_attrs; i++) {
		const struct wb_abbrev_attr *attr = &abbrevs->attrs[abbrev->first_attr + i];
		enum wb_err err = take_value(&reader, attr->name, attr->form, wb_abbrev_implicit(abbrevs, attr));

		if (err)
			return err;
	}
	finish_root(&reader, ret_root);
	return WB_OK;
}
