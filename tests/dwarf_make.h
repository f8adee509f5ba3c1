/* SPDX-License-Identifier: MIT */
/*
 * Makes debug sections in memory, entry by entry, in every version (2 to 5), offset size, address size and byte order; and an object with them:
 *
 *     struct dwarf_make m;
 *     dwarf_make_init(&m, (struct dwarf_format){ .version = 5, .offset_size = 4, .address_size = 8 });
 *     uint64_t lines = dwarf_lines_start(&m, NULL);                // files 0 and 1 "a.c", 2 "b.h" in "/inc"; folder "/build"
 *     dwarf_row(&m, 0x1000, 1, 10, 0);                             // address, file, line, column
 *     dwarf_sequence_end(&m, 0x1010);
 *     dwarf_lines_end(&m);
 *     dwarf_unit_start(&m);
 *     DWARF_OPEN(&m, WB_TAG_COMPILE_UNIT, AT_NAME("a.c"), AT_CODE(0x1000, 0x100), AT_LINES(lines));
 *     uint64_t leaf = DWARF_ENTRY(&m, WB_TAG_SUBPROGRAM, AT_NAME("leaf"));       // offsets from the unit's header
 *     DWARF_OPEN(&m, WB_TAG_SUBPROGRAM, AT_NAME("outer"), AT_CODE(0x1000, 0x10));
 *     DWARF_ENTRY(&m, WB_TAG_INLINED_SUBROUTINE, AT_ORIGIN(leaf), AT_CODE(0x1004, 4), AT_CALL(1, 12, 3));
 *     dwarf_close(&m);
 *     dwarf_close(&m);
 *     dwarf_unit_end(&m);
 *     uint8_t *file = dwarf_make_object(&m, &size);                // freed by the caller
 *     dwarf_make_deinit(&m);
 *
 * Each entry declares an abbreviation of its own, in one table for all units. Anything odd is written with dwarf_uint and dwarf_raw.
 */
#ifndef TESTS_DWARF_MAKE_H
#define TESTS_DWARF_MAKE_H

#include "symbols/dwarf_constants.h"
#include "symbols/dwarf_unit.h"

#include "elf_make.h"

struct dwarf_format {
	unsigned version;             /* of units, line tables and lists from here on: 2 to 5 */
	unsigned offset_size;         /* 4 or 8 */
	unsigned address_size;        /* 4 or 8 */
	bool big_endian;
};

struct dwarf_buffer {
	uint8_t *bytes;
	size_t size, capacity;
};

struct dwarf_make {
	struct dwarf_format format;
	uint64_t text_start, text_size; /* where the object has code: 0x1000 to 0x100000 unless changed */
	struct dwarf_buffer by_id[WB_DWARF_SECTIONS];
	unsigned unit_type;           /* of units from here on, since version 5; 0: WB_UT_COMPILE */
	uint64_t dwo_id;              /* of skeleton and split units since version 5 */
	uint64_t unit;                /* offset of the open unit's header */
	size_t unit_length, lines_length, aranges_length, rnglists_length; /* places of lengths that are still open */
	uint64_t num_abbrevs;
	struct { unsigned min_inst_length, max_ops; } lines; /* of the open line table */
	struct { bool is_open; uint64_t address, file, line, column; } row; /* its state machine */
};

/* ---- Bytes ---------------------------------------------------------------------------------------------------------------- */

static inline size_t dwarf_buffer_put(struct dwarf_buffer *buffer, const void *bytes, size_t size)
{
	size_t at = buffer->size;

	while (buffer->capacity - buffer->size < size) {
		buffer->capacity = buffer->capacity ? buffer->capacity * 2 : 1024;
		buffer->bytes = realloc(buffer->bytes, buffer->capacity);
		if (!buffer->bytes)
			abort();
	}
	if (size)
		memcpy(buffer->bytes + at, bytes, size);
	buffer->size += size;
	return at;
}

static inline size_t dwarf_raw(struct dwarf_make *m, enum wb_dwarf_section section, const void *bytes, size_t size)
{
	return dwarf_buffer_put(&m->by_id[section], bytes, size);
}

static inline void dwarf_patch(struct dwarf_make *m, enum wb_dwarf_section section, size_t at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		m->by_id[section].bytes[at + (m->format.big_endian ? size - 1 - i : i)] = (uint8_t)(i < 8 ? value >> 8 * i : 0);
}

/* Each returns the offset of what it wrote. */
static inline size_t dwarf_uint(struct dwarf_make *m, enum wb_dwarf_section section, uint64_t value, unsigned size)
{
	static const uint8_t zeros[16];
	size_t at = dwarf_raw(m, section, zeros, size);

	dwarf_patch(m, section, at, value, size);
	return at;
}

static inline size_t dwarf_uleb(struct dwarf_make *m, enum wb_dwarf_section section, uint64_t value)
{
	size_t at = m->by_id[section].size;

	do {
		dwarf_uint(m, section, (value & 0x7f) | (value > 0x7f ? 0x80 : 0), 1);
		value >>= 7;
	} while (value);
	return at;
}

static inline size_t dwarf_sleb(struct dwarf_make *m, enum wb_dwarf_section section, int64_t value)
{
	size_t at = m->by_id[section].size;
	bool more;

	do {
		uint8_t byte = value & 0x7f;

		value = value < 0 ? ~(~value >> 7) : value >> 7;
		more = !((value == 0 && !(byte & 0x40)) || (value == -1 && (byte & 0x40)));
		dwarf_uint(m, section, byte | (more ? 0x80 : 0), 1);
	} while (more);
	return at;
}

static inline size_t dwarf_string(struct dwarf_make *m, enum wb_dwarf_section section, const char *text)
{
	return dwarf_raw(m, section, text, strlen(text) + 1);
}

static inline size_t dwarf_offset(struct dwarf_make *m, enum wb_dwarf_section section, uint64_t value)
{
	return dwarf_uint(m, section, value, m->format.offset_size);
}

static inline size_t dwarf_address(struct dwarf_make *m, enum wb_dwarf_section section, uint64_t value)
{
	return dwarf_uint(m, section, value, m->format.address_size);
}

/* An initial length (DWARF 5, 7.4), which dwarf_length_end fills in: it counts what comes behind it. Returns the end of the field. */
static inline size_t dwarf_length_start(struct dwarf_make *m, enum wb_dwarf_section section)
{
	if (m->format.offset_size == 8)
		dwarf_uint(m, section, UINT32_MAX, 4);
	dwarf_offset(m, section, 0);
	return m->by_id[section].size;
}

static inline void dwarf_length_end(struct dwarf_make *m, enum wb_dwarf_section section, size_t start)
{
	dwarf_patch(m, section, start - m->format.offset_size, m->by_id[section].size - start, m->format.offset_size);
}

static inline void dwarf_make_init(struct dwarf_make *m, struct dwarf_format format)
{
	*m = (struct dwarf_make){ .format = format, .text_start = 0x1000, .text_size = 0xff000 };
}

static inline void dwarf_make_deinit(struct dwarf_make *m)
{
	for (unsigned i = 0; i < WB_DWARF_SECTIONS; i++)
		free(m->by_id[i].bytes);
	*m = (struct dwarf_make){ 0 };
}

/* ---- Units and entries ------------------------------------------------------------------------------------------------------ */

/* Forms that depend on the version: the end of code, as a size since version 4 and as an address before; an offset into a section, and an expression,
 * which have forms of their own since version 4. */
enum { DWARF_FORM_HIGH = 0x10000, DWARF_FORM_OFFSET, DWARF_FORM_EXPRESSION };

struct dwarf_attr {
	unsigned name, form;
	uint64_t value;               /* of DWARF_FORM_HIGH: the end; of an expression: the size of text */
	uint64_t low;                 /* of DWARF_FORM_HIGH: the start */
	const char *text;
};
#define AT(name, form, ...) (struct dwarf_attr){ name, form, __VA_ARGS__ }
#define AT_NAME(string) AT(WB_AT_NAME, WB_FORM_STRING, .text = string)
#define AT_LINKAGE(string) AT(WB_AT_LINKAGE_NAME, WB_FORM_STRING, .text = string)
#define AT_COMP_DIR(string) AT(WB_AT_COMP_DIR, WB_FORM_STRING, .text = string)
#define AT_LOW(start) AT(WB_AT_LOW_PC, WB_FORM_ADDR, .value = start)
#define AT_HIGH(start, size) AT(WB_AT_HIGH_PC, DWARF_FORM_HIGH, .value = (start) + (size), .low = start)
#define AT_CODE(start, size) AT_LOW(start), AT_HIGH(start, size)
#define AT_ENTRY(start) AT(WB_AT_ENTRY_PC, WB_FORM_ADDR, .value = start)
#define AT_RANGES(offset) AT(WB_AT_RANGES, DWARF_FORM_OFFSET, .value = offset)
#define AT_LINES(offset) AT(WB_AT_STMT_LIST, DWARF_FORM_OFFSET, .value = offset)
#define AT_ORIGIN(entry) AT(WB_AT_ABSTRACT_ORIGIN, WB_FORM_REF4, .value = entry)
#define AT_SPECIFICATION(entry) AT(WB_AT_SPECIFICATION, WB_FORM_REF4, .value = entry)
#define AT_TYPE(entry) AT(WB_AT_TYPE, WB_FORM_REF4, .value = entry)
#define AT_SIZE(bytes) AT(WB_AT_BYTE_SIZE, WB_FORM_UDATA, .value = bytes)
#define AT_EXPRESSION(name, bytes) AT(name, DWARF_FORM_EXPRESSION, .text = bytes, .value = sizeof bytes - 1) /* bytes: of a string literal */
#define AT_LOCATION(bytes) AT_EXPRESSION(WB_AT_LOCATION, bytes)
#define AT_FRAME_BASE(bytes) AT_EXPRESSION(WB_AT_FRAME_BASE, bytes)
#define AT_CALL(file, line, column) AT(WB_AT_CALL_FILE, WB_FORM_UDATA, .value = file), AT(WB_AT_CALL_LINE, WB_FORM_UDATA, .value = line), \
	AT(WB_AT_CALL_COLUMN, WB_FORM_UDATA, .value = column)

/* An entry without children, and one whose children follow until dwarf_close; both give its offset from the unit's header. */
#define DWARF_ENTRY(m, tag, ...) dwarf_entry(m, tag, false, (const struct dwarf_attr[]){ __VA_ARGS__, { 0 } })
#define DWARF_OPEN(m, tag, ...) dwarf_entry(m, tag, true, (const struct dwarf_attr[]){ __VA_ARGS__, { 0 } })

static inline unsigned dwarf_form_of(const struct dwarf_make *m, const struct dwarf_attr *attr)
{
	if (attr->form == DWARF_FORM_HIGH)
		return m->format.version < 4 ? WB_FORM_ADDR : m->format.address_size == 8 ? WB_FORM_DATA8 : WB_FORM_DATA4;
	if (attr->form == DWARF_FORM_OFFSET)
		return m->format.version >= 4 ? WB_FORM_SEC_OFFSET : m->format.offset_size == 8 ? WB_FORM_DATA8 : WB_FORM_DATA4;
	if (attr->form == DWARF_FORM_EXPRESSION)
		return m->format.version >= 4 ? WB_FORM_EXPRLOC : WB_FORM_BLOCK1;
	return attr->form;
}

static inline void dwarf_value(struct dwarf_make *m, const struct dwarf_attr *attr)
{
	unsigned form = dwarf_form_of(m, attr);
	uint64_t value = attr->form == DWARF_FORM_HIGH && form != WB_FORM_ADDR ? attr->value - attr->low : attr->value;

	switch (form) {
	case WB_FORM_STRING: dwarf_string(m, WB_DWARF_INFO, attr->text); return;
	case WB_FORM_STRP: dwarf_offset(m, WB_DWARF_INFO, attr->text ? dwarf_string(m, WB_DWARF_STR, attr->text) : value); return;
	case WB_FORM_LINE_STRP: dwarf_offset(m, WB_DWARF_INFO, attr->text ? dwarf_string(m, WB_DWARF_LINE_STR, attr->text) : value); return;
	case WB_FORM_ADDR: dwarf_address(m, WB_DWARF_INFO, value); return;
	case WB_FORM_DATA1: case WB_FORM_FLAG: case WB_FORM_REF1: case WB_FORM_STRX1: case WB_FORM_ADDRX1:
		dwarf_uint(m, WB_DWARF_INFO, value, 1); return;
	case WB_FORM_DATA2: case WB_FORM_REF2: case WB_FORM_STRX2: case WB_FORM_ADDRX2: dwarf_uint(m, WB_DWARF_INFO, value, 2); return;
	case WB_FORM_STRX3: case WB_FORM_ADDRX3: dwarf_uint(m, WB_DWARF_INFO, value, 3); return;
	case WB_FORM_DATA4: case WB_FORM_REF4: case WB_FORM_REF_SUP4: case WB_FORM_STRX4: case WB_FORM_ADDRX4: dwarf_uint(m, WB_DWARF_INFO, value, 4); return;
	case WB_FORM_DATA8: case WB_FORM_REF8: case WB_FORM_REF_SIG8: case WB_FORM_REF_SUP8: dwarf_uint(m, WB_DWARF_INFO, value, 8); return;
	case WB_FORM_DATA16: dwarf_uint(m, WB_DWARF_INFO, value, 16); return;
	case WB_FORM_UDATA: case WB_FORM_REF_UDATA: case WB_FORM_STRX: case WB_FORM_ADDRX: case WB_FORM_RNGLISTX: case WB_FORM_LOCLISTX:
	case WB_FORM_GNU_ADDR_INDEX: case WB_FORM_GNU_STR_INDEX:
		dwarf_uleb(m, WB_DWARF_INFO, value); return;
	case WB_FORM_SDATA: dwarf_sleb(m, WB_DWARF_INFO, (int64_t)value); return;
	case WB_FORM_SEC_OFFSET: case WB_FORM_STRP_SUP: case WB_FORM_GNU_REF_ALT: case WB_FORM_GNU_STRP_ALT:
		dwarf_offset(m, WB_DWARF_INFO, value); return;
	case WB_FORM_REF_ADDR: /* as large as an address in version 2 (7.5.4) */
		dwarf_uint(m, WB_DWARF_INFO, value, m->format.version == 2 ? m->format.address_size : m->format.offset_size); return;
	case WB_FORM_EXPRLOC: dwarf_uleb(m, WB_DWARF_INFO, value); dwarf_raw(m, WB_DWARF_INFO, attr->text, value); return;
	case WB_FORM_BLOCK1: dwarf_uint(m, WB_DWARF_INFO, value, 1); dwarf_raw(m, WB_DWARF_INFO, attr->text, value); return;
	case WB_FORM_IMPLICIT_CONST: case WB_FORM_FLAG_PRESENT: return;
	default: abort(); /* add the form above */
	}
}

/* Declares an abbreviation and returns its code. */
static inline uint64_t dwarf_abbrev(struct dwarf_make *m, unsigned tag, bool children, const struct dwarf_attr *attrs)
{
	dwarf_uleb(m, WB_DWARF_ABBREV, ++m->num_abbrevs);
	dwarf_uleb(m, WB_DWARF_ABBREV, tag);
	dwarf_uint(m, WB_DWARF_ABBREV, children, 1);
	for (; attrs->name; attrs++) {
		dwarf_uleb(m, WB_DWARF_ABBREV, attrs->name);
		dwarf_uleb(m, WB_DWARF_ABBREV, dwarf_form_of(m, attrs));
		if (attrs->form == WB_FORM_IMPLICIT_CONST)
			dwarf_sleb(m, WB_DWARF_ABBREV, (int64_t)attrs->value);
	}
	dwarf_uint(m, WB_DWARF_ABBREV, 0, 2);
	return m->num_abbrevs;
}

static inline uint64_t dwarf_entry(struct dwarf_make *m, unsigned tag, bool children, const struct dwarf_attr *attrs)
{
	uint64_t at = dwarf_uleb(m, WB_DWARF_INFO, dwarf_abbrev(m, tag, children, attrs)) - m->unit;

	for (; attrs->name; attrs++)
		dwarf_value(m, attrs);
	return at;
}

static inline void dwarf_close(struct dwarf_make *m)
{
	dwarf_uint(m, WB_DWARF_INFO, 0, 1);
}

/* Returns the header's offset: what entries' offsets have to be added to for DW_FORM_ref_addr. */
static inline uint64_t dwarf_unit_start(struct dwarf_make *m)
{
	m->unit = m->by_id[WB_DWARF_INFO].size;
	m->unit_length = dwarf_length_start(m, WB_DWARF_INFO);
	dwarf_uint(m, WB_DWARF_INFO, m->format.version, 2);
	if (m->format.version >= 5) {
		dwarf_uint(m, WB_DWARF_INFO, m->unit_type ? m->unit_type : WB_UT_COMPILE, 1);
		dwarf_uint(m, WB_DWARF_INFO, m->format.address_size, 1);
	}
	dwarf_offset(m, WB_DWARF_INFO, 0);
	if (m->format.version < 5)
		dwarf_uint(m, WB_DWARF_INFO, m->format.address_size, 1);
	else if (m->unit_type == WB_UT_SKELETON || m->unit_type == WB_UT_SPLIT_COMPILE)
		dwarf_uint(m, WB_DWARF_INFO, m->dwo_id, 8);
	return m->unit;
}

static inline void dwarf_unit_end(struct dwarf_make *m)
{
	dwarf_length_end(m, WB_DWARF_INFO, m->unit_length);
}

/* ---- Range lists ------------------------------------------------------------------------------------------------------------- */

static inline enum wb_dwarf_section dwarf_ranges_section(const struct dwarf_make *m)
{
	return m->format.version >= 5 ? WB_DWARF_RNGLISTS : WB_DWARF_RANGES;
}

/* What DW_AT_ranges refers to. */
static inline uint64_t dwarf_ranges_start(struct dwarf_make *m)
{
	enum wb_dwarf_section section = dwarf_ranges_section(m);

	if (m->format.version >= 5 && m->rnglists_length == 0) { /* the section's header: 7.28 */
		m->rnglists_length = dwarf_length_start(m, section);
		dwarf_uint(m, section, 5, 2);
		dwarf_uint(m, section, m->format.address_size, 1);
		dwarf_uint(m, section, 0, 1);
		dwarf_uint(m, section, 0, 4);
	}
	return m->by_id[section].size;
}

/* From the base: the unit's low pc, or what dwarf_ranges_base says. */
static inline void dwarf_range(struct dwarf_make *m, uint64_t start, uint64_t end)
{
	if (m->format.version >= 5) {
		dwarf_uint(m, WB_DWARF_RNGLISTS, WB_RLE_OFFSET_PAIR, 1);
		dwarf_uleb(m, WB_DWARF_RNGLISTS, start);
		dwarf_uleb(m, WB_DWARF_RNGLISTS, end);
	} else {
		dwarf_address(m, WB_DWARF_RANGES, start);
		dwarf_address(m, WB_DWARF_RANGES, end);
	}
}

static inline void dwarf_ranges_base(struct dwarf_make *m, uint64_t base)
{
	if (m->format.version >= 5)
		dwarf_uint(m, WB_DWARF_RNGLISTS, WB_RLE_BASE_ADDRESS, 1);
	else
		dwarf_address(m, WB_DWARF_RANGES, UINT64_MAX);
	dwarf_address(m, dwarf_ranges_section(m), base);
}

static inline void dwarf_ranges_end(struct dwarf_make *m)
{
	if (m->format.version >= 5) {
		dwarf_uint(m, WB_DWARF_RNGLISTS, WB_RLE_END_OF_LIST, 1);
		dwarf_length_end(m, WB_DWARF_RNGLISTS, m->rnglists_length);
	} else {
		dwarf_uint(m, WB_DWARF_RANGES, 0, 2 * m->format.address_size);
	}
}

/* A list of pairs from the base, in one go; {0, 0} ends it here, too. */
static inline uint64_t dwarf_ranges(struct dwarf_make *m, const uint64_t (*pairs)[2])
{
	uint64_t at = dwarf_ranges_start(m);

	for (; (*pairs)[0] || (*pairs)[1]; pairs++)
		dwarf_range(m, (*pairs)[0], (*pairs)[1]);
	dwarf_ranges_end(m);
	return at;
}
#define DWARF_RANGES(m, ...) dwarf_ranges(m, (const uint64_t[][2]){ __VA_ARGS__, { 0, 0 } })

/* ---- .debug_aranges ------------------------------------------------------------------------------------------------------------ */

/* A set (6.1.2) of the unit at an offset. */
static inline void dwarf_aranges_start(struct dwarf_make *m, uint64_t unit)
{
	unsigned pair = 2 * m->format.address_size;
	size_t header = m->by_id[WB_DWARF_ARANGES].size;

	m->aranges_length = dwarf_length_start(m, WB_DWARF_ARANGES);
	dwarf_uint(m, WB_DWARF_ARANGES, 2, 2);
	dwarf_offset(m, WB_DWARF_ARANGES, unit);
	dwarf_uint(m, WB_DWARF_ARANGES, m->format.address_size, 1);
	dwarf_uint(m, WB_DWARF_ARANGES, 0, 1);
	header = m->by_id[WB_DWARF_ARANGES].size - header;
	dwarf_uint(m, WB_DWARF_ARANGES, 0, (pair - (unsigned)header % pair) % pair);
}

static inline void dwarf_arange(struct dwarf_make *m, uint64_t start, uint64_t size)
{
	dwarf_address(m, WB_DWARF_ARANGES, start);
	dwarf_address(m, WB_DWARF_ARANGES, size);
}

static inline void dwarf_aranges_end(struct dwarf_make *m)
{
	dwarf_uint(m, WB_DWARF_ARANGES, 0, 2 * m->format.address_size);
	dwarf_length_end(m, WB_DWARF_ARANGES, m->aranges_length);
}

/* ---- Line tables ---------------------------------------------------------------------------------------------------------------- */

struct dwarf_file { const char *name; unsigned dir; };

/* What a line table's header says. Members that are 0 or NULL are as in dwarf_lines_usual. Folder 0 and file 0 are written since version 5 only:
 * the numbers are the same in all versions. */
struct dwarf_lines {
	unsigned min_inst_length, max_ops;
	const char *const *dirs;      /* up to NULL */
	const struct dwarf_file *files; /* up to one without a name */
	unsigned form;                /* of version 5's strings */
	bool with_md5;                /* files of version 5 have sums */
};

enum { DWARF_LINE_BASE = -5, DWARF_LINE_RANGE = 14, DWARF_OPCODE_BASE = 13 }; /* as GCC and clang write them */

static inline void dwarf_line_string(struct dwarf_make *m, unsigned form, const char *text)
{
	if (form == WB_FORM_STRING)
		dwarf_string(m, WB_DWARF_LINE, text);
	else
		dwarf_offset(m, WB_DWARF_LINE, dwarf_string(m, form == WB_FORM_STRP ? WB_DWARF_STR : WB_DWARF_LINE_STR, text));
}

/* 6.2.4, items 13 to 20. */
static inline void dwarf_line_lists_5(struct dwarf_make *m, const struct dwarf_lines *lines)
{
	unsigned form = lines->form ? lines->form : (unsigned)WB_FORM_LINE_STRP;
	unsigned num_dirs = 0, num_files = 0;
	const uint8_t path[] = { WB_LNCT_PATH, (uint8_t)form }, others[] = { WB_LNCT_DIRECTORY_INDEX, WB_FORM_UDATA, WB_LNCT_MD5, WB_FORM_DATA16 };

	while (lines->dirs[num_dirs])
		num_dirs++;
	while (lines->files[num_files].name)
		num_files++;
	dwarf_uint(m, WB_DWARF_LINE, 1, 1);
	dwarf_raw(m, WB_DWARF_LINE, path, sizeof path);
	dwarf_uleb(m, WB_DWARF_LINE, num_dirs);
	for (unsigned i = 0; i < num_dirs; i++)
		dwarf_line_string(m, form, lines->dirs[i]);
	dwarf_uint(m, WB_DWARF_LINE, lines->with_md5 ? 3 : 2, 1);
	dwarf_raw(m, WB_DWARF_LINE, path, sizeof path);
	dwarf_raw(m, WB_DWARF_LINE, others, lines->with_md5 ? 4 : 2);
	dwarf_uleb(m, WB_DWARF_LINE, num_files);
	for (unsigned i = 0; i < num_files; i++) {
		dwarf_line_string(m, form, lines->files[i].name);
		dwarf_uleb(m, WB_DWARF_LINE, lines->files[i].dir);
		if (lines->with_md5)
			dwarf_uint(m, WB_DWARF_LINE, 0x0101010101010101, 16); /* opcodes, for who is out of step */
	}
}

/* DWARF 4, 6.2.4, items 11 and 12. */
static inline void dwarf_line_lists_4(struct dwarf_make *m, const struct dwarf_lines *lines)
{
	for (unsigned i = 1; lines->dirs[0] && lines->dirs[i]; i++)
		dwarf_string(m, WB_DWARF_LINE, lines->dirs[i]);
	dwarf_uint(m, WB_DWARF_LINE, 0, 1);
	for (unsigned i = 1; lines->files[0].name && lines->files[i].name; i++) {
		dwarf_string(m, WB_DWARF_LINE, lines->files[i].name);
		dwarf_uleb(m, WB_DWARF_LINE, lines->files[i].dir);
		dwarf_uint(m, WB_DWARF_LINE, 0, 2); /* no time, no length */
	}
	dwarf_uint(m, WB_DWARF_LINE, 0, 1);
}

static inline struct dwarf_lines dwarf_lines_usual(const struct dwarf_lines *given)
{
	static const char *const dirs[] = { "/build", "/inc", NULL };
	static const struct dwarf_file files[] = { { "a.c", 0 }, { "a.c", 0 }, { "b.h", 1 }, { NULL, 0 } };
	struct dwarf_lines lines = given ? *given : (struct dwarf_lines){ 0 };

	lines.min_inst_length += lines.min_inst_length == 0;
	lines.max_ops += lines.max_ops == 0;
	lines.dirs = lines.dirs ? lines.dirs : dirs;
	lines.files = lines.files ? lines.files : files;
	return lines;
}

/* The table's offset, for AT_LINES; its program follows until dwarf_lines_end. given may be NULL. */
static inline uint64_t dwarf_lines_start(struct dwarf_make *m, const struct dwarf_lines *given)
{
	static const uint8_t operand_counts[] = { 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1 };
	struct dwarf_lines lines = dwarf_lines_usual(given);
	uint64_t at = m->by_id[WB_DWARF_LINE].size;
	size_t header;

	m->lines_length = dwarf_length_start(m, WB_DWARF_LINE);
	dwarf_uint(m, WB_DWARF_LINE, m->format.version, 2);
	if (m->format.version >= 5)
		dwarf_uint(m, WB_DWARF_LINE, m->format.address_size, 1);
	if (m->format.version >= 5)
		dwarf_uint(m, WB_DWARF_LINE, 0, 1);
	header = dwarf_offset(m, WB_DWARF_LINE, 0) + m->format.offset_size;
	dwarf_uint(m, WB_DWARF_LINE, lines.min_inst_length, 1);
	if (m->format.version >= 4)
		dwarf_uint(m, WB_DWARF_LINE, lines.max_ops, 1);
	dwarf_uint(m, WB_DWARF_LINE, 1, 1);
	dwarf_uint(m, WB_DWARF_LINE, (uint64_t)DWARF_LINE_BASE, 1);
	dwarf_uint(m, WB_DWARF_LINE, DWARF_LINE_RANGE, 1);
	dwarf_uint(m, WB_DWARF_LINE, DWARF_OPCODE_BASE, 1);
	dwarf_raw(m, WB_DWARF_LINE, operand_counts, sizeof operand_counts);
	if (m->format.version >= 5)
		dwarf_line_lists_5(m, &lines);
	else
		dwarf_line_lists_4(m, &lines);
	dwarf_patch(m, WB_DWARF_LINE, header - m->format.offset_size, m->by_id[WB_DWARF_LINE].size - header, m->format.offset_size);
	m->lines.min_inst_length = lines.min_inst_length;
	m->lines.max_ops = lines.max_ops;
	m->row.is_open = false;
	return at;
}

static inline void dwarf_lines_end(struct dwarf_make *m)
{
	dwarf_length_end(m, WB_DWARF_LINE, m->lines_length);
}

static inline void dwarf_set_address(struct dwarf_make *m, uint64_t address)
{
	dwarf_raw(m, WB_DWARF_LINE, "", 1);
	dwarf_uleb(m, WB_DWARF_LINE, 1 + m->format.address_size);
	dwarf_uint(m, WB_DWARF_LINE, WB_LNE_SET_ADDRESS, 1);
	dwarf_address(m, WB_DWARF_LINE, address);
	m->row.address = address;
}

/* An opcode with one operand. */
static inline void dwarf_op(struct dwarf_make *m, enum wb_dw_lns op, uint64_t operand)
{
	dwarf_uint(m, WB_DWARF_LINE, op, 1);
	dwarf_uleb(m, WB_DWARF_LINE, operand);
}

static inline void dwarf_advance(struct dwarf_make *m, uint64_t address)
{
	if (!m->row.is_open) {
		m->row.is_open = true;
		m->row.file = m->row.line = 1;
		m->row.column = 0;
		dwarf_set_address(m, address);
	} else if (address < m->row.address) {
		dwarf_set_address(m, address);
	} else if (address > m->row.address) {
		dwarf_op(m, WB_LNS_ADVANCE_PC, (address - m->row.address) / m->lines.min_inst_length);
		m->row.address = address;
	}
}

/* A row by standard opcodes. What is as before is not said again: file 1 of a sequence's first row is the register's default. */
static inline void dwarf_row(struct dwarf_make *m, uint64_t address, uint64_t file, uint64_t line, uint64_t column)
{
	dwarf_advance(m, address);
	if (file != m->row.file)
		dwarf_op(m, WB_LNS_SET_FILE, file);
	if (column != m->row.column)
		dwarf_op(m, WB_LNS_SET_COLUMN, column);
	if (line != m->row.line) {
		dwarf_uint(m, WB_DWARF_LINE, WB_LNS_ADVANCE_LINE, 1);
		dwarf_sleb(m, WB_DWARF_LINE, (int64_t)(line - m->row.line));
	}
	dwarf_uint(m, WB_DWARF_LINE, WB_LNS_COPY, 1);
	m->row.file = file;
	m->row.line = line;
	m->row.column = column;
}

static inline void dwarf_sequence_end(struct dwarf_make *m, uint64_t end)
{
	dwarf_advance(m, end);
	dwarf_raw(m, WB_DWARF_LINE, "\0\1\1", 3);
	m->row.is_open = false;
}

/* ---- Objects ---------------------------------------------------------------------------------------------------------------------- */

/* A machine of the format's address size and byte order: x86-64, i386, s390x, ARM. */
static inline uint16_t dwarf_machine(const struct dwarf_format *format)
{
	if (format->address_size == 8)
		return format->big_endian ? 22 : 62;
	return format->big_endian ? 40 : 3;
}

/* Adds the sections, closed, to an object in the making. */
static inline void dwarf_make_sections(struct dwarf_make *m, struct elf_make *elf)
{
	if (m->by_id[WB_DWARF_ABBREV].size > 0)
		dwarf_uint(m, WB_DWARF_ABBREV, 0, 1);
	for (unsigned i = 0; i < WB_DWARF_SECTIONS; i++)
		if (m->by_id[i].size > 0)
			elf_make_section(elf, wb_dwarf_section_name((enum wb_dwarf_section)i), 1, 0, 0, m->by_id[i].bytes, m->by_id[i].size);
}

/* A shared object with all this, without symbols, and without the bytes of its code. */
static inline uint8_t *dwarf_make_object(struct dwarf_make *m, size_t *ret_size)
{
	struct elf_make elf;
	unsigned text;

	elf_make_init(&elf, m->format.address_size == 8, m->format.big_endian, 3, dwarf_machine(&m->format));
	text = elf_make_section(&elf, ".text", 8, 6, m->text_start, NULL, m->text_size);
	dwarf_make_sections(m, &elf);
	elf_make_segment(&elf, 1, 5, text, text);
	return elf_make_finish(&elf, ret_size);
}

#endif
