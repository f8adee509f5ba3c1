/* SPDX-License-Identifier: MIT */
/* Reads .debug_cu_index to rows sorted by id: the hash table that it is stored as could be made to be searched for ever. */
#include "symbols/dwarf_package.h"

#include "base/mem.h"
#include "symbols/sort.h"

enum {
	HEADER_SIZE = 16,
	COLUMNS_MAX = 8,              /* kinds of sections that there are; a table has each at most once */
	SLOT_SIZE = 8 + 4,            /* an id and the number of its row */
};

/* Section identifiers (DWARF 5, table 7.1; GNU's differ in what we do not read, and have no range lists). */
enum { SECT_INFO = 1, SECT_ABBREV = 3, SECT_LOCATIONS = 5, SECT_STR_OFFSETS = 6, SECT_RNGLISTS = 8 };

struct table {
	struct wb_bytes b;
	uint32_t version, columns, units, slots;
	uint8_t column_of[WB_PACKAGE_COLUMNS], locations_column; /* 1 + column; 0: none */
	uint64_t ids, numbers, offsets, sizes; /* offsets into the section */
};

static enum wb_err complain(const struct wb_dwarf_sections *sections, enum wb_err err, const char *what)
{
	return wb_diag_report(sections->diags, err, err == WB_ERR_UNSUPPORTED ? WB_DIAG_DWARF_UNSUPPORTED : WB_DIAG_DWARF_MALFORMED,
	                      sections->path, ".debug_cu_index", 0, "%s", what);
}

static void take_column(struct table *table, uint32_t section, uint8_t number)
{
	switch (section) {
	case SECT_INFO: table->column_of[WB_PACKAGE_INFO] = number; break;
	case SECT_ABBREV: table->column_of[WB_PACKAGE_ABBREV] = number; break;
	case SECT_LOCATIONS: table->locations_column = number; break;
	case SECT_STR_OFFSETS: table->column_of[WB_PACKAGE_STR_OFFSETS] = number; break;
	case SECT_RNGLISTS:
		if (table->version == 5)
			table->column_of[WB_PACKAGE_RNGLISTS] = number;
		break;
	default: break;
	}
}

/* 7.3.5.3. Version 5 is a half word and padding, version 2 a word: they are told apart by reading both ways. */
static enum wb_err read_header(struct table *table)
{
	struct wb_bytes *b = &table->b;
	uint64_t start = wb_bytes_offset(b), left;

	table->version = wb_bytes_u32(b);
	if (table->version != 2) {
		wb_bytes_seek(b, start);
		table->version = wb_bytes_u16(b);
		(void)wb_bytes_u16(b);
	}
	table->columns = wb_bytes_u32(b);
	table->units = wb_bytes_u32(b);
	table->slots = wb_bytes_u32(b);
	if (wb_bytes_failed(b))
		return WB_ERR_DATA;
	if (table->version != 2 && table->version != 5)
		return WB_ERR_UNSUPPORTED;
	left = wb_bytes_left(b);
	/* All counts are below 2^32, and columns below 9: nothing overflows 64 bits. */
	if (table->columns == 0 || table->columns > COLUMNS_MAX || table->units > table->slots ||
	    (uint64_t)table->slots * SLOT_SIZE + table->columns * UINT64_C(4) + (uint64_t)table->units * table->columns * 8 > left)
		return WB_ERR_DATA;
	table->ids = start + HEADER_SIZE;
	table->numbers = table->ids + (uint64_t)table->slots * 8;
	wb_bytes_seek(b, table->numbers + (uint64_t)table->slots * 4);
	for (uint32_t i = 0; i < table->columns; i++)
		take_column(table, wb_bytes_u32(b), (uint8_t)(i + 1));
	table->offsets = wb_bytes_offset(b);
	table->sizes = table->offsets + (uint64_t)table->units * table->columns * 4;
	return table->column_of[WB_PACKAGE_INFO] && table->column_of[WB_PACKAGE_ABBREV] ? WB_OK : WB_ERR_DATA;
}

static uint64_t word_at(struct wb_bytes *b, uint64_t offset, unsigned size)
{
	return wb_bytes_seek(b, offset) ? wb_bytes_uint(b, size) : 0;
}

static enum wb_dwarf_section section_of(enum wb_package_column column)
{
	static const enum wb_dwarf_section sections[WB_PACKAGE_COLUMNS] = {
		[WB_PACKAGE_INFO] = WB_DWARF_INFO, [WB_PACKAGE_ABBREV] = WB_DWARF_ABBREV,
		[WB_PACKAGE_STR_OFFSETS] = WB_DWARF_STR_OFFSETS, [WB_PACKAGE_RNGLISTS] = WB_DWARF_RNGLISTS,
	};

	return sections[column];
}

/* column: 1 + its number; 0: none. */
static void read_slice(struct table *table, uint32_t number, uint8_t column, uint64_t *ret_offset, uint64_t *ret_size)
{
	uint64_t cell = ((uint64_t)number * table->columns + column - 1) * 4;

	*ret_offset = column ? word_at(&table->b, table->offsets + cell, 4) : 0;
	*ret_size = column ? word_at(&table->b, table->sizes + cell, 4) : 0;
}

/* False: a slice of the row lies outside of its section. */
static bool read_row(struct table *table, uint32_t number, const struct wb_dwarf_sections *sections, struct wb_package_row *row)
{
	read_slice(table, number, table->locations_column, &row->locations.offset, &row->locations.size);
	for (unsigned i = 0; i < WB_PACKAGE_COLUMNS; i++) {
		uint64_t size, offset;

		read_slice(table, number, table->column_of[i], &offset, &size);
		if (offset + size > sections->by_id[section_of((enum wb_package_column)i)].size) /* both have 32 bits */
			return false;
		row->slices[i].offset = offset;
		row->slices[i].size = size;
	}
	return true;
}

static enum wb_err read_rows(struct table *table, const struct wb_dwarf_sections *sections, struct wb_package_row *rows, size_t *ret_count)
{
	size_t count = 0;

	for (uint32_t i = 0; i < table->slots; i++) {
		uint32_t number = (uint32_t)word_at(&table->b, table->numbers + (uint64_t)i * 4, 4);

		if (number == 0)
			continue;
		if (number > table->units || count == table->units)
			return WB_ERR_DATA;
		rows[count].id = word_at(&table->b, table->ids + (uint64_t)i * 8, 8);
		if (!read_row(table, number - 1, sections, &rows[count]))
			return WB_ERR_DATA;
		count++;
	}
	*ret_count = count;
	return WB_OK;
}

/* The order of `count` keys; taken over by the caller. */
static enum wb_err sort_rows(struct wb_package *package, bool by_id, uint32_t **ret_order)
{
	uint64_t *keys = wb_mem_zalloc(package->num_rows, sizeof *keys);
	uint32_t *order = wb_mem_zalloc(package->num_rows, sizeof *order);
	enum wb_err err = keys && order ? WB_OK : WB_ERR_MEMORY;

	for (size_t i = 0; !err && i < package->num_rows; i++) {
		keys[i] = by_id ? package->rows[i].id : package->rows[i].slices[WB_PACKAGE_INFO].offset;
		order[i] = (uint32_t)i;
	}
	if (!err)
		err = wb_sort_by_key(keys, order, package->num_rows);
	wb_mem_free(keys);
	if (err)
		wb_mem_free(order);
	else
		*ret_order = order;
	return err;
}

static enum wb_err order_by_id(struct wb_package *package)
{
	struct wb_package_row *sorted = wb_mem_zalloc(package->num_rows, sizeof *sorted);
	uint32_t *order;
	enum wb_err err = sorted ? sort_rows(package, true, &order) : WB_ERR_MEMORY;

	if (err) {
		wb_mem_free(sorted);
		return err;
	}
	for (size_t i = 0; i < package->num_rows; i++)
		sorted[i] = package->rows[order[i]];
	wb_mem_free(order);
	wb_mem_free(package->rows);
	package->rows = sorted;
	return WB_OK;
}

enum wb_err wb_package_init(struct wb_package *package, struct wb_bytes index, const struct wb_dwarf_sections *sections)
{
	struct table table = { .b = index };
	enum wb_err err = read_header(&table);

	*package = (struct wb_package){ 0 };
	if (!err) {
		package->rows = wb_mem_zalloc(table.units, sizeof *package->rows);
		err = package->rows ? read_rows(&table, sections, package->rows, &package->num_rows) : WB_ERR_MEMORY;
	}
	if (!err)
		err = order_by_id(package);
	if (!err)
		err = sort_rows(package, false, &package->by_offset);
	if (!err)
		return WB_OK;
	wb_package_deinit(package);
	if (err == WB_ERR_MEMORY)
		return err;
	return complain(sections, err, err == WB_ERR_UNSUPPORTED ? "index of a version that is not known" : "malformed index");
}

void wb_package_deinit(struct wb_package *package)
{
	wb_mem_free(package->rows);
	wb_mem_free(package->by_offset);
	*package = (struct wb_package){ 0 };
}

const struct wb_package_row *wb_package_find(const struct wb_package *package, uint64_t id)
{
	size_t low = 0, high = package->num_rows;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (package->rows[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < package->num_rows && package->rows[low].id == id ? &package->rows[low] : NULL;
}

/* The row whose units the offset is among. */
static const struct wb_package_row *row_at(const struct wb_package *package, uint64_t offset)
{
	size_t low = 0, high = package->num_rows;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (package->rows[package->by_offset[mid]].slices[WB_PACKAGE_INFO].offset <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	if (low > 0) {
		const struct wb_package_row *row = &package->rows[package->by_offset[low - 1]];

		if (offset - row->slices[WB_PACKAGE_INFO].offset < row->slices[WB_PACKAGE_INFO].size)
			return row;
	}
	return NULL;
}

struct wb_dwarf_sections wb_package_view(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit)
{
	const struct wb_package_row *row = sections->package ? row_at(sections->package, unit->offset) : NULL;
	struct wb_dwarf_sections view = *sections;

	/* Units know their offset in the whole of .debug_info.dwo, which therefore stays whole. */
	for (unsigned i = WB_PACKAGE_ABBREV; row && i < WB_PACKAGE_COLUMNS; i++) {
		struct wb_dwarf_slice *slice = &view.by_id[section_of((enum wb_package_column)i)];

		if (row->slices[i].size == 0)
			continue;
		slice->bytes += row->slices[i].offset;
		slice->size = row->slices[i].size;
		slice->offset += row->slices[i].offset;
	}
	if (row)
		view.by_id[unit->version >= 5 ? WB_DWARF_LOCLISTS : WB_DWARF_LOC] =
			(struct wb_dwarf_slice){ .offset = row->locations.offset, .size = row->locations.size };
	return view;
}
