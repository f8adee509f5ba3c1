/* SPDX-License-Identifier: MIT */
/* Values of attributes by form (DWARF 5, 7.5.5 and 7.5.6), and the abbreviations that list them (7.5.3). */
#include "symbols/dwarf_unit.h"

#include "base/mem.h"
#include "symbols/dwarf_constants.h"
#include "symbols/sort.h"

enum {
	INDIRECT_MAX = 4,             /* DW_FORM_indirect may name itself; nobody nests it */
	ABBREVS_MAX = 1 << 20,        /* declarations of one table: the largest seen have a few thousand */
	ATTRS_MAX = 1 << 24,
};

static const char *const section_names[WB_DWARF_SECTIONS] = {
	[WB_DWARF_INFO] = ".debug_info", [WB_DWARF_ABBREV] = ".debug_abbrev", [WB_DWARF_LINE] = ".debug_line",
	[WB_DWARF_STR] = ".debug_str", [WB_DWARF_LINE_STR] = ".debug_line_str", [WB_DWARF_STR_OFFSETS] = ".debug_str_offsets",
	[WB_DWARF_ADDR] = ".debug_addr", [WB_DWARF_RANGES] = ".debug_ranges", [WB_DWARF_RNGLISTS] = ".debug_rnglists",
	[WB_DWARF_ARANGES] = ".debug_aranges", [WB_DWARF_LOC] = ".debug_loc", [WB_DWARF_LOCLISTS] = ".debug_loclists",
};

const char *wb_dwarf_section_name(enum wb_dwarf_section section)
{
	return section_names[section];
}

enum wb_err wb_dwarf_need(const struct wb_dwarf_sections *sections, enum wb_dwarf_section section, uint64_t end)
{
	const struct wb_dwarf_slice *slice = &sections->by_id[section];

	return slice->unpack ? wb_unpack_need(slice->unpack, slice->offset + (end < slice->size ? end : slice->size)) : WB_OK;
}

const char *wb_dwarf_string(const struct wb_dwarf_sections *sections, enum wb_dwarf_section section, uint64_t offset)
{
	struct wb_bytes b = wb_dwarf_bytes(sections, section);

	if (!wb_bytes_seek(&b, offset))
		return NULL;
	if (wb_bytes_left(&b) > WB_DWARF_STRING_MAX)
		b.end = b.at + WB_DWARF_STRING_MAX;
	return wb_bytes_string(&b);
}

/* ---- Forms ------------------------------------------------------------------------------------------------------------ */

static void skip_block(struct wb_bytes *b, uint64_t size, struct wb_form_value *value)
{
	*value = (struct wb_form_value){ WB_FORM_CLASS_BLOCK, size };
	wb_bytes_skip(b, size);
}

static bool read_string(struct wb_bytes *b, struct wb_form_value *value)
{
	*value = (struct wb_form_value){ WB_FORM_CLASS_STRING, wb_bytes_offset(b) };
	(void)wb_bytes_string(b);
	return true;
}

bool wb_form_read(struct wb_bytes *b, const struct wb_unit_header *unit, uint64_t form, int64_t implicit, struct wb_form_value *value)
{
#define GIVE(class_name, expression)                                                                                                        \
	do {                                                                                                                                \
		*value = (struct wb_form_value){ WB_FORM_CLASS_##class_name, (expression) };                                                \
		return true;                                                                                                                \
	} while (0)

	for (unsigned i = 0; form == WB_FORM_INDIRECT; i++) {
		form = wb_bytes_uleb(b);
		if (i == INDIRECT_MAX || form == WB_FORM_IMPLICIT_CONST)
			return false;
	}
	if (form > UINT16_MAX)
		return false;
	switch ((enum wb_dw_form)form) {
	case WB_FORM_ADDR: GIVE(ADDRESS, wb_bytes_uint(b, unit->address_size));
	case WB_FORM_BLOCK1: skip_block(b, wb_bytes_u8(b), value); return true;
	case WB_FORM_BLOCK2: skip_block(b, wb_bytes_u16(b), value); return true;
	case WB_FORM_BLOCK4: skip_block(b, wb_bytes_u32(b), value); return true;
	case WB_FORM_BLOCK:
	case WB_FORM_EXPRLOC: skip_block(b, wb_bytes_uleb(b), value); return true;
	case WB_FORM_DATA1: GIVE(CONSTANT, wb_bytes_u8(b));
	case WB_FORM_DATA2: GIVE(CONSTANT, wb_bytes_u16(b));
	case WB_FORM_DATA4: GIVE(CONSTANT, wb_bytes_u32(b));
	case WB_FORM_DATA8: GIVE(CONSTANT, wb_bytes_u64(b));
	case WB_FORM_DATA16: skip_block(b, 16, value); return true;
	case WB_FORM_SDATA: GIVE(CONSTANT, (uint64_t)wb_bytes_sleb(b));
	case WB_FORM_UDATA: GIVE(CONSTANT, wb_bytes_uleb(b));
	case WB_FORM_IMPLICIT_CONST: GIVE(CONSTANT, (uint64_t)implicit);
	case WB_FORM_FLAG: GIVE(FLAG, wb_bytes_u8(b) != 0);
	case WB_FORM_FLAG_PRESENT: GIVE(FLAG, 1);
	case WB_FORM_STRING: return read_string(b, value);
	case WB_FORM_STRP: GIVE(STR, wb_bytes_uint(b, unit->offset_size));
	case WB_FORM_LINE_STRP: GIVE(LINE_STR, wb_bytes_uint(b, unit->offset_size));
	case WB_FORM_STRX:
	case WB_FORM_GNU_STR_INDEX: GIVE(STR_INDEX, wb_bytes_uleb(b));
	case WB_FORM_STRX1: GIVE(STR_INDEX, wb_bytes_u8(b));
	case WB_FORM_STRX2: GIVE(STR_INDEX, wb_bytes_u16(b));
	case WB_FORM_STRX3: GIVE(STR_INDEX, wb_bytes_u24(b));
	case WB_FORM_STRX4: GIVE(STR_INDEX, wb_bytes_u32(b));
	case WB_FORM_STRP_SUP:
	case WB_FORM_GNU_STRP_ALT: GIVE(STR_ALT, wb_bytes_uint(b, unit->offset_size));
	case WB_FORM_ADDRX:
	case WB_FORM_GNU_ADDR_INDEX: GIVE(ADDRESS_INDEX, wb_bytes_uleb(b));
	case WB_FORM_ADDRX1: GIVE(ADDRESS_INDEX, wb_bytes_u8(b));
	case WB_FORM_ADDRX2: GIVE(ADDRESS_INDEX, wb_bytes_u16(b));
	case WB_FORM_ADDRX3: GIVE(ADDRESS_INDEX, wb_bytes_u24(b));
	case WB_FORM_ADDRX4: GIVE(ADDRESS_INDEX, wb_bytes_u32(b));
	case WB_FORM_REF1: GIVE(REF, wb_bytes_u8(b));
	case WB_FORM_REF2: GIVE(REF, wb_bytes_u16(b));
	case WB_FORM_REF4: GIVE(REF, wb_bytes_u32(b));
	case WB_FORM_REF8: GIVE(REF, wb_bytes_u64(b));
	case WB_FORM_REF_UDATA: GIVE(REF, wb_bytes_uleb(b));
	/* DWARF 2 made it as large as an address (2, 7.5.4), later versions as an offset. */
	case WB_FORM_REF_ADDR: GIVE(REF_INFO, wb_bytes_uint(b, unit->version == 2 ? unit->address_size : unit->offset_size));
	case WB_FORM_REF_SIG8: GIVE(NONE, wb_bytes_u64(b));
	case WB_FORM_REF_SUP4: GIVE(REF_ALT, wb_bytes_u32(b));
	case WB_FORM_REF_SUP8: GIVE(REF_ALT, wb_bytes_u64(b));
	case WB_FORM_GNU_REF_ALT: GIVE(REF_ALT, wb_bytes_uint(b, unit->offset_size));
	case WB_FORM_SEC_OFFSET: GIVE(OFFSET, wb_bytes_uint(b, unit->offset_size));
	case WB_FORM_LOCLISTX:
	case WB_FORM_RNGLISTX: GIVE(LIST_INDEX, wb_bytes_uleb(b));
	case WB_FORM_INDIRECT: break; /* resolved above */
	}
	return false;
#undef GIVE
}

/* ---- Abbreviations ------------------------------------------------------------------------------------------------------ */

static uint16_t small(uint64_t value)
{
	return value < UINT16_MAX ? (uint16_t)value : UINT16_MAX;
}

static enum wb_err read_attrs(struct wb_abbrevs *abbrevs, struct wb_bytes *b, struct wb_abbrev *decl)
{
	decl->first_attr = (uint32_t)abbrevs->num_attrs;
	for (;;) {
		struct wb_abbrev_attr attr = { .implicit = UINT32_MAX };
		uint64_t name = wb_bytes_uleb(b), form = wb_bytes_uleb(b);

		if (wb_bytes_failed(b))
			return WB_ERR_DATA;
		if (name == 0 && form == 0)
			break;
		attr.name = small(name);
		attr.form = small(form);
		if (abbrevs->num_attrs == ATTRS_MAX)
			return WB_ERR_DATA;
		if (form == WB_FORM_IMPLICIT_CONST) {
			if (!wb_mem_grow((void **)&abbrevs->constants, &abbrevs->constants_capacity, abbrevs->num_constants, 1,
			                 sizeof *abbrevs->constants))
				return WB_ERR_MEMORY;
			attr.implicit = (uint32_t)abbrevs->num_constants;
			abbrevs->constants[abbrevs->num_constants++] = wb_bytes_sleb(b);
		}
		if (!wb_mem_grow((void **)&abbrevs->attrs, &abbrevs->attrs_capacity, abbrevs->num_attrs, 1, sizeof *abbrevs->attrs))
			return WB_ERR_MEMORY;
		abbrevs->attrs[abbrevs->num_attrs++] = attr;
	}
	decl->num_attrs = (uint32_t)abbrevs->num_attrs - decl->first_attr;
	return WB_OK;
}

static bool read_decl_start(struct wb_bytes *b, struct wb_abbrev *decl)
{
	decl->code = wb_bytes_uleb(b);
	if (decl->code == 0)
		return false;
	decl->tag = small(wb_bytes_uleb(b));
	decl->has_children = wb_bytes_u8(b) != 0;
	return true;
}

static enum wb_err sort_decls(struct wb_abbrevs *abbrevs)
{
	size_t n = abbrevs->num_decls;
	uint64_t *codes = wb_mem_zalloc(n, sizeof *codes);
	uint32_t *order = wb_mem_zalloc(n, sizeof *order);
	struct wb_abbrev *sorted = wb_mem_zalloc(n, sizeof *sorted);
	enum wb_err err = codes && order && sorted ? WB_OK : WB_ERR_MEMORY;

	for (size_t i = 0; !err && i < n; i++) {
		codes[i] = abbrevs->decls[i].code;
		order[i] = (uint32_t)i;
	}
	if (!err)
		err = wb_sort_by_key(codes, order, n);
	for (size_t i = 0; !err && i < n; i++) {
		sorted[i] = abbrevs->decls[order[i]];
		if (i > 0 && codes[i] == codes[i - 1])
			err = WB_ERR_DATA;
	}
	if (!err) {
		wb_mem_free(abbrevs->decls);
		abbrevs->decls = sorted;
		sorted = NULL;
	}
	wb_mem_free(codes);
	wb_mem_free(order);
	wb_mem_free(sorted);
	return err;
}

static enum wb_err read_decls(struct wb_abbrevs *abbrevs, struct wb_bytes *b)
{
	struct wb_abbrev decl;

	abbrevs->is_dense = true;
	while (read_decl_start(b, &decl)) {
		enum wb_err err = read_attrs(abbrevs, b, &decl);

		if (err)
			return err;
		if (abbrevs->num_decls == ABBREVS_MAX)
			return WB_ERR_DATA;
		if (!wb_mem_grow((void **)&abbrevs->decls, &abbrevs->decls_capacity, abbrevs->num_decls, 1, sizeof *abbrevs->decls))
			return WB_ERR_MEMORY;
		abbrevs->decls[abbrevs->num_decls++] = decl;
		abbrevs->is_dense &= decl.code == abbrevs->num_decls;
	}
	return wb_bytes_failed(b) ? WB_ERR_DATA : WB_OK;
}

enum wb_err wb_abbrevs_init(struct wb_abbrevs *abbrevs, const struct wb_dwarf_sections *sections, uint64_t offset)
{
	struct wb_bytes b = wb_dwarf_bytes(sections, WB_DWARF_ABBREV);
	enum wb_err err;

	*abbrevs = (struct wb_abbrevs){ 0 };
	if (!wb_bytes_seek(&b, offset))
		return WB_ERR_DATA;
	err = read_decls(abbrevs, &b);
	if (!err && !abbrevs->is_dense)
		err = sort_decls(abbrevs);
	if (err)
		wb_abbrevs_deinit(abbrevs);
	abbrevs->bytes = wb_bytes_offset(&b) - offset;
	return err;
}

void wb_abbrevs_deinit(struct wb_abbrevs *abbrevs)
{
	wb_mem_free(abbrevs->decls);
	wb_mem_free(abbrevs->attrs);
	wb_mem_free(abbrevs->constants);
	*abbrevs = (struct wb_abbrevs){ 0 };
}

const struct wb_abbrev *wb_abbrevs_find(const struct wb_abbrevs *abbrevs, uint64_t code)
{
	size_t low = 0, high = abbrevs->num_decls;

	if (abbrevs->is_dense)
		return code - 1 < abbrevs->num_decls ? &abbrevs->decls[code - 1] : NULL;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (abbrevs->decls[mid].code < code)
			low = mid + 1;
		else
			high = mid;
	}
	return low < abbrevs->num_decls && abbrevs->decls[low].code == code ? &abbrevs->decls[low] : NULL;
}
