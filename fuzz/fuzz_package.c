/* SPDX-License-Identifier: MIT */
/*
 * Indexes of packages of split units. Input: a byte (bit 0: big-endian), how many times 16 bytes each section has, then .debug_cu_index. Rows
 * must lie inside the sections and be found by their id; what a unit sees of a section must lie inside it too.
 */
#include "symbols/dwarf_package.h"

#include "fuzz.h"

enum { UNITS_MAX = 64 };

static const enum wb_dwarf_section sections_of[WB_PACKAGE_COLUMNS] = { WB_DWARF_INFO, WB_DWARF_ABBREV, WB_DWARF_STR_OFFSETS, WB_DWARF_RNGLISTS };

static void check_row(const struct wb_package *package, const struct wb_dwarf_sections *sections, size_t row)
{
	const struct wb_package_row *found = wb_package_find(package, package->rows[row].id);

	FUZZ_ASSERT(found && found->id == package->rows[row].id && found <= &package->rows[row]);
	FUZZ_ASSERT(row == 0 || package->rows[row - 1].id <= package->rows[row].id);
	FUZZ_ASSERT(package->by_offset[row] < package->num_rows);
	for (size_t i = 0; i < WB_PACKAGE_COLUMNS; i++) {
		uint64_t size = sections->by_id[sections_of[i]].size;

		FUZZ_ASSERT(package->rows[row].slices[i].offset <= size);
		FUZZ_ASSERT(package->rows[row].slices[i].size <= size - package->rows[row].slices[i].offset);
	}
}

static void check_view(const struct wb_dwarf_sections *sections, uint64_t offset)
{
	struct wb_unit_header unit = { .offset = offset };
	struct wb_dwarf_sections view = wb_package_view(sections, &unit);

	for (size_t i = 0; i < WB_DWARF_SECTIONS_READ; i++) {
		const struct wb_dwarf_slice *whole = &sections->by_id[i], *part = &view.by_id[i];

		FUZZ_ASSERT(part->size <= whole->size);
		if (part->size > 0)
			FUZZ_ASSERT(part->bytes == whole->bytes + part->offset && part->offset <= whole->size - part->size);
	}
	FUZZ_ASSERT(view.by_id[WB_DWARF_INFO].size == sections->by_id[WB_DWARF_INFO].size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const uint8_t content[255 * 16];
	struct wb_dwarf_sections sections = { .address_size = 8, .path = "package" };
	struct wb_package package;

	if (size < 2)
		return 0;
	sections.big_endian = bytes[0] & 1;
	for (size_t i = 0; i < WB_PACKAGE_COLUMNS; i++)
		sections.by_id[sections_of[i]] = (struct wb_dwarf_slice){ .bytes = content, .size = bytes[1] * (size_t)16 };
	if (wb_package_init(&package, wb_bytes_of(bytes + 2, size - 2, sections.big_endian), &sections) != WB_OK)
		return 0;
	FUZZ_ASSERT(package.num_rows <= size / 12);
	for (size_t row = 0; row < package.num_rows; row++)
		check_row(&package, &sections, row);
	sections.package = &package;
	for (uint64_t offset = 0; offset <= sections.by_id[WB_DWARF_INFO].size; offset += 1 + sections.by_id[WB_DWARF_INFO].size / UNITS_MAX)
		check_view(&sections, offset);
	wb_package_deinit(&package);
	return 0;
}
