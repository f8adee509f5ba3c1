/* SPDX-License-Identifier: MIT */
/*
 * Debug sections, unit headers, abbreviations and attribute values: what every reader of .debug_info here stands on. Readers are bounded by
 * their section, and say "malformed" or "not understood" apart: only a well-formed unit is ever handed on to another library.
 */
#ifndef SYMBOLS_DWARF_UNIT_H
#define SYMBOLS_DWARF_UNIT_H

#include <walkback/base.h>

#include "base/bytes.h"
#include "base/diag.h"
#include "base/unpack.h"

#include <stdbool.h>

enum wb_dwarf_section {
	WB_DWARF_INFO, WB_DWARF_ABBREV, WB_DWARF_LINE, WB_DWARF_STR, WB_DWARF_LINE_STR, WB_DWARF_STR_OFFSETS, WB_DWARF_ADDR,
	WB_DWARF_RANGES, WB_DWARF_RNGLISTS, WB_DWARF_ARANGES,
	WB_DWARF_LOC, WB_DWARF_LOCLISTS, /* not read with the others: symbols/dwarf_locations.h */
	WB_DWARF_SECTIONS,
};
enum { WB_DWARF_SECTIONS_READ = WB_DWARF_LOC }; /* the first that is not */
/* A section, or a unit's part of it: packages of split units have many units' parts one after the other. */
struct wb_dwarf_slice {
	const uint8_t *bytes;         /* borrowed as long as the image */
	size_t size;                  /* 0: absent */
	uint64_t offset;              /* of bytes in the file's section */
	uint32_t file;                /* which file it is of: enum wb_dwarf_file */
	struct wb_unpack *unpack;     /* NULL: all bytes are there; else see wb_dwarf_need */
};
struct wb_dwarf_files;                /* symbols/dwarf_files.h */
struct wb_package;                    /* symbols/dwarf_package.h */
struct wb_image;
struct wb_object;
/* Those of a file, or as one unit sees them: a split unit's addresses, DWARF 4 range lists and line table are in the image's own file. */
struct wb_dwarf_sections {
	struct wb_dwarf_slice by_id[WB_DWARF_SECTIONS];
	bool big_endian;
	uint8_t address_size;         /* of the platform: 4 or 8 */
	const char *path;             /* for diagnostics */
	struct wb_diags *diags;       /* may be NULL */
	struct wb_dwarf_files *files; /* the other files of the image; NULL: there are none */
	const struct wb_package *package; /* which slices a unit has; NULL: none of its own */
	struct wb_image *image;       /* whose file this is, and the file: for sections that are read later; NULL: there are none */
	struct wb_object *object;
};
/* ".debug_info", ...; static storage. */
const char *wb_dwarf_section_name(enum wb_dwarf_section section);
static inline struct wb_bytes wb_dwarf_bytes(const struct wb_dwarf_sections *sections, enum wb_dwarf_section section)
{
	return wb_bytes_of(sections->by_id[section].bytes, sections->by_id[section].size, sections->big_endian);
}
/* Has the first `end` bytes of a slice unpacked, all if it has fewer. Units in .debug_info have theirs once they are known; whoever reads a
 * line table asks for all of .debug_line; the other sections are there. WB_ERR_DATA: damaged before that, which was reported. */
enum wb_err wb_dwarf_need(const struct wb_dwarf_sections *sections, enum wb_dwarf_section section, uint64_t end);
enum { WB_DWARF_STRING_MAX = 64 << 10 }; /* bytes of a name or path that is used: a section full of letters can be referred to from anywhere */
/* The string at an offset of a section; NULL if it does not end inside, or is too long. */
const char *wb_dwarf_string(const struct wb_dwarf_sections *sections, enum wb_dwarf_section section, uint64_t offset);

/* ---- Unit headers (DWARF 5, 7.5.1) ------------------------------------------------------------------------------ */

struct wb_unit_header {
	uint64_t offset;              /* of the header in .debug_info */
	uint64_t size;                /* bytes, header included */
	uint64_t abbrev_offset;
	uint64_t dwo_id;              /* of both halves of a split unit; 0: none */
	uint16_t version;             /* 2 to 5 */
	uint8_t address_size;         /* 4 or 8 */
	uint8_t offset_size;          /* 4: 32-bit DWARF, 8: 64-bit DWARF */
	uint8_t type;                 /* enum wb_dw_unit; COMPILE before DWARF 5 */
	uint8_t die_offset;           /* of the first entry, from the header's start */
};
/* The header at b, which is moved behind the unit. WB_NONE: at the end. WB_ERR_UNSUPPORTED: a unit of a version, type or address size that
 * is not known; *ret_header has offset and size. WB_ERR_DATA: b is failed; no further units can be found. */
enum wb_err wb_unit_header_next(struct wb_bytes *b, struct wb_unit_header *ret_header);

/* ---- Attribute values (7.5.4 to 7.5.6) ----------------------------------------------------------------------------- */

enum wb_form_class {
	WB_FORM_CLASS_NONE,           /* of no use to us: skipped */
	WB_FORM_CLASS_ADDRESS,        /* value: address */
	WB_FORM_CLASS_ADDRESS_INDEX,  /* value: index into .debug_addr, from the unit's addr_base */
	WB_FORM_CLASS_CONSTANT,       /* value; sign-extended for signed forms */
	WB_FORM_CLASS_OFFSET,         /* value: offset into a section that the attribute tells */
	WB_FORM_CLASS_LIST_INDEX,     /* value: index into the section of lists that the attribute tells, from the unit's base there */
	WB_FORM_CLASS_FLAG,           /* value: 0 or 1 */
	WB_FORM_CLASS_STRING,         /* value: offset into .debug_info of a string in place */
	WB_FORM_CLASS_STR,            /* value: offset into .debug_str */
	WB_FORM_CLASS_LINE_STR,       /* value: offset into .debug_line_str */
	WB_FORM_CLASS_STR_INDEX,      /* value: index into .debug_str_offsets, from the unit's str_offsets_base */
	WB_FORM_CLASS_STR_ALT,        /* value: offset into the supplementary file's .debug_str */
	WB_FORM_CLASS_REF,            /* value: offset from the unit's header */
	WB_FORM_CLASS_REF_INFO,       /* value: offset into .debug_info */
	WB_FORM_CLASS_REF_ALT,        /* value: offset into the supplementary file's .debug_info */
	WB_FORM_CLASS_BLOCK,          /* value: size; skipped */
};
struct wb_form_value {
	enum wb_form_class class;
	uint64_t value;
};
/* Reads an attribute's value of a form. False: the form is not known, and where the value ends is not either. implicit: the constant
 * that an abbreviation holds itself. offset of b: into .debug_info. A read past the end leaves b failed. */
bool wb_form_read(struct wb_bytes *b, const struct wb_unit_header *unit, uint64_t form, int64_t implicit, struct wb_form_value *ret_value);

/* ---- Abbreviations (7.5.3) -------------------------------------------------------------------------------------------- */

struct wb_abbrev_attr {
	uint16_t name, form;          /* UINT16_MAX: larger than any known */
	uint32_t implicit;            /* index into the table's constants, for DW_FORM_implicit_const */
};
struct wb_abbrev {
	uint64_t code;
	uint16_t tag;                 /* UINT16_MAX: larger than any known */
	uint8_t has_children;
	uint32_t first_attr, num_attrs;
};
struct wb_abbrevs {
	struct wb_abbrev *decls;      /* sorted by code */
	size_t num_decls, decls_capacity;
	struct wb_abbrev_attr *attrs;
	size_t num_attrs, attrs_capacity;
	int64_t *constants;
	size_t num_constants, constants_capacity;
	bool is_dense;                /* declaration i has code i + 1 */
	uint64_t bytes;               /* that were looked at, of a table that is malformed too */
};
/* The table at an offset of .debug_abbrev. WB_ERR_DATA if it is cut, has codes twice, or is not there; nothing is held then. */
enum wb_err wb_abbrevs_init(struct wb_abbrevs *abbrevs, const struct wb_dwarf_sections *sections, uint64_t offset);
void wb_abbrevs_deinit(struct wb_abbrevs *abbrevs);
const struct wb_abbrev *wb_abbrevs_find(const struct wb_abbrevs *abbrevs, uint64_t code);
/* The constant that the abbreviation holds itself; 0 for all forms but one. */
static inline int64_t wb_abbrev_implicit(const struct wb_abbrevs *abbrevs, const struct wb_abbrev_attr *attr)
{
	return attr->implicit < abbrevs->num_constants ? abbrevs->constants[attr->implicit] : 0;
}
/* The value of an attribute of an entry: wb_form_read with what the table knows. */
static inline bool wb_abbrev_read(struct wb_bytes *b, const struct wb_unit_header *unit, const struct wb_abbrevs *abbrevs,
                                  const struct wb_abbrev_attr *attr, struct wb_form_value *ret_value)
{
	return wb_form_read(b, unit, attr->form, wb_abbrev_implicit(abbrevs, attr), ret_value);
}

/* ---- A unit's first entry ------------------------------------------------------------------------------------------------ */

struct wb_unit_root {
	uint16_t tag;
	uint16_t language;            /* DW_AT_language; 0: unknown */
	bool has_low, has_high, high_is_offset, has_entry, has_ranges, has_stmt_list, is_split;
	struct wb_form_value low, high, entry, ranges;
	uint64_t dwo_id;              /* of both halves of a split unit before DWARF 5; 0: none */
	const char *dwo_name;         /* NULL: none; borrowed as long as the image */
	uint64_t ranges_base;         /* what offsets of range lists count from in .debug_ranges; 0 but for split units */
	uint64_t stmt_list;           /* offset into .debug_line */
	uint64_t str_offsets_base, addr_base, rnglists_base, loclists_base, gnu_ranges_base; /* UINT64_MAX: none */
	bool has_str_offsets_base;    /* which was told; else it is the default */
	const char *name, *comp_dir;  /* NULL if unknown; borrowed as long as the image */
};
/* Reads the unit's first entry, looking up its abbreviation alone. *abbrevs_budget is how many bytes of abbreviations may be looked through
 * (units can share a table) and goes down. WB_ERR_DATA malformed, WB_ERR_UNSUPPORTED a form not known, WB_ERR_LIMIT the budget is used up. */
enum wb_err wb_unit_root_read(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, uint64_t *abbrevs_budget,
                              struct wb_unit_root *ret_root);
/* The same with the unit's table of abbreviations at hand. */
enum wb_err wb_unit_root_of(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_abbrevs *abbrevs,
                            struct wb_unit_root *ret_root);
/* Where the string of an attribute is: which file's sections, which of them, and the offset, which was not checked. False: nowhere (no
 * string, broken index, no supplementary file). */
struct wb_string_place { const struct wb_dwarf_sections *sections; enum wb_dwarf_section section; uint64_t offset; };
bool wb_unit_string_place(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root,
                          const struct wb_form_value *value, struct wb_string_place *ret_place);
/* A string attribute's text; NULL if it is not had (no supplementary file, broken offset). */
const char *wb_unit_string(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root,
                           const struct wb_form_value *value);
/* An address attribute's value. False: broken index. */
bool wb_unit_address(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root,
                     const struct wb_form_value *value, uint64_t *ret_address);

#endif
