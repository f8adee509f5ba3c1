/* SPDX-License-Identifier: MIT */
/* References to strings: the file's number, the section, and the offset, from the upper bits down. */
#include "symbols/ref.h"

#include "base/mem.h"
#include "symbols/dwarf_files.h"

#include <string.h>

enum {
	OFFSET_BITS = 36,             /* 64 GiB of one section */
	SECTION_BITS = 4,
	FILE_BITS = 64 - OFFSET_BITS - SECTION_BITS,
	ENTRY = (1 << SECTION_BITS) - 2, /* instead of a section: an entry in .debug_info */
};
_Static_assert((int)WB_DWARF_SECTIONS <= (int)ENTRY, "sections fit, and none is all ones as WB_REF_NONE is");
_Static_assert(WB_DWARF_FILES_MAX <= 1 << FILE_BITS, "files fit");

uint64_t wb_ref_at(const struct wb_dwarf_sections *sections, enum wb_dwarf_section section, uint64_t offset)
{
	const struct wb_dwarf_slice *slice = &sections->by_id[section];
	uint64_t at;

	if (offset >= slice->size || !wb_u64_add(slice->offset, offset, &at) || at >> OFFSET_BITS)
		return WB_REF_NONE;
	return (uint64_t)slice->file << (OFFSET_BITS + SECTION_BITS) | (uint64_t)section << OFFSET_BITS | at;
}

uint64_t wb_ref_of_entry(const struct wb_dwarf_sections *sections, uint64_t offset)
{
	const struct wb_dwarf_slice *info = &sections->by_id[WB_DWARF_INFO];

	if (offset >= info->size || offset >> OFFSET_BITS)
		return WB_REF_NONE;
	return (uint64_t)info->file << (OFFSET_BITS + SECTION_BITS) | (uint64_t)ENTRY << OFFSET_BITS | offset;
}

bool wb_ref_is_entry(uint64_t ref, uint32_t *ret_file, uint64_t *ret_offset)
{
	if ((ref >> OFFSET_BITS & ((1u << SECTION_BITS) - 1)) != ENTRY)
		return false;
	*ret_file = (uint32_t)(ref >> (OFFSET_BITS + SECTION_BITS));
	*ret_offset = ref & ((UINT64_C(1) << OFFSET_BITS) - 1);
	return true;
}

static bool is_string(const char *text, size_t left)
{
	return memchr(text, 0, left < WB_DWARF_STRING_MAX ? left : WB_DWARF_STRING_MAX);
}

static uint64_t ref_within(const struct wb_dwarf_sections *sections, const char *text)
{
	for (unsigned i = 0; i < WB_DWARF_SECTIONS; i++) {
		uintptr_t at = (uintptr_t)text, start = (uintptr_t)sections->by_id[i].bytes;
		size_t size = sections->by_id[i].size, left = at >= start && at - start < size ? size - (at - start) : 0;

		if (left > 0 && is_string(text, left))
			return wb_ref_at(sections, (enum wb_dwarf_section)i, at - start);
	}
	return WB_REF_NONE;
}

uint64_t wb_ref_of(const struct wb_dwarf_sections *sections, const char *text)
{
	const struct wb_dwarf_sections *supplementary;
	uint64_t ref;

	if (!text)
		return WB_REF_NONE;
	ref = ref_within(sections, text);
	if (ref != WB_REF_NONE)
		return ref;
	supplementary = wb_dwarf_files_sections(sections->files, WB_DWARF_FILE_SUPPLEMENTARY);
	return supplementary ? ref_within(supplementary, text) : WB_REF_NONE;
}

uint64_t wb_ref_of_value(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root,
                         const struct wb_form_value *value)
{
	struct wb_string_place place;

	return wb_unit_string_place(sections, unit, root, value, &place) ? wb_ref_at(place.sections, place.section, place.offset) : WB_REF_NONE;
}

const char *wb_ref_text(const struct wb_dwarf_sections *sections, uint64_t ref)
{
	uint32_t file = (uint32_t)(ref >> (OFFSET_BITS + SECTION_BITS));
	uint64_t section = ref >> OFFSET_BITS & ((1u << SECTION_BITS) - 1), offset = ref & ((UINT64_C(1) << OFFSET_BITS) - 1);
	const char *text;

	if (file != WB_DWARF_FILE_MAIN)
		sections = wb_dwarf_files_sections(sections->files, file);
	if (!sections || section >= WB_DWARF_SECTIONS || offset >= sections->by_id[section].size)
		return NULL;
	text = (const char *)sections->by_id[section].bytes + offset;
	return is_string(text, sections->by_id[section].size - offset) ? text : NULL;
}
