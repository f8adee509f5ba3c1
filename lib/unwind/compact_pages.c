/* SPDX-License-Identifier: MIT */
/* The pages of compact unwind information: from an offset of code to its entry. Searched in place; what is damaged costs the page that it is in. */
#include "unwind/compact.h"

enum {
	VERSION = 1,
	INDEX_ENTRY_SIZE = 12,        /* code offset, page, exception tables */
	PAGE_REGULAR = 2, PAGE_COMPRESSED = 3,
	REGULAR_ENTRY_SIZE = 8,       /* code offset, encoding */
	COMPRESSED_ENTRY_SIZE = 4,    /* distance from the page's first code in 24 bits, which encoding in 8 */
	DISTANCE_BITS = 24,
};

struct header { uint32_t encodings, num_encodings, index, num_index; };

/* A page, and the code that it is for. */
struct page {
	struct wb_bytes section;
	const struct header *header;
	uint64_t start, end;          /* offsets of code */
	uint32_t offset;              /* in the section */
	uint32_t entries, num_entries; /* in the section */
	uint32_t encodings, num_encodings; /* of the page's own, in the section */
	bool is_compressed;
};

static uint32_t u32_at(struct wb_bytes section, uint64_t offset, bool *failed)
{
	uint32_t value;

	wb_bytes_seek(&section, offset);
	value = wb_bytes_u32(&section);
	*failed |= wb_bytes_failed(&section);
	return value;
}

static bool read_header(struct wb_bytes section, struct header *header)
{
	uint32_t version = wb_bytes_u32(&section);

	header->encodings = wb_bytes_u32(&section);
	header->num_encodings = wb_bytes_u32(&section);
	wb_bytes_skip(&section, 8);   /* personality functions */
	header->index = wb_bytes_u32(&section);
	header->num_index = wb_bytes_u32(&section);
	return !wb_bytes_failed(&section) && version == VERSION;
}

/* The page for an offset of code: the last entry of the index that starts at or before it. The last of all only says where code ends. */
static enum wb_err find_page(struct wb_bytes section, const struct header *header, uint64_t offset, struct page *page, const char **ret_fault)
{
	uint64_t left = wb_bytes_size(&section);
	uint32_t low = 0, high = header->num_index;
	bool failed = false;

	*ret_fault = "the index of pages is cut";
	if (header->index > left || header->num_index > (left - header->index) / INDEX_ENTRY_SIZE)
		return WB_ERR_DATA;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (u32_at(section, header->index + (uint64_t)middle * INDEX_ENTRY_SIZE, &failed) <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || low == header->num_index)
		return WB_NONE;
	page->section = section;
	page->header = header;
	page->start = u32_at(section, header->index + (uint64_t)(low - 1) * INDEX_ENTRY_SIZE, &failed);
	page->offset = u32_at(section, header->index + (uint64_t)(low - 1) * INDEX_ENTRY_SIZE + 4, &failed);
	page->end = u32_at(section, header->index + (uint64_t)low * INDEX_ENTRY_SIZE, &failed);
	/* A page of code that says nothing. */
	if (!page->offset)
		return WB_NONE;
	*ret_fault = "the index of pages is not sorted";
	return failed || page->start > offset || page->end <= offset ? WB_ERR_DATA : WB_OK;
}

static enum wb_err read_page(struct page *page, const char **ret_fault)
{
	struct wb_bytes b = page->section;
	uint32_t kind, entry_size;
	uint64_t left;

	*ret_fault = "a page lies outside of the section";
	wb_bytes_seek(&b, page->offset);
	kind = wb_bytes_u32(&b);
	page->entries = wb_bytes_u16(&b);
	page->num_entries = wb_bytes_u16(&b);
	page->is_compressed = kind == PAGE_COMPRESSED;
	if (page->is_compressed) {
		page->encodings = wb_bytes_u16(&b);
		page->num_encodings = wb_bytes_u16(&b);
	}
	if (wb_bytes_failed(&b))
		return WB_ERR_DATA;
	*ret_fault = "a page of unknown kind";
	if (kind != PAGE_REGULAR && kind != PAGE_COMPRESSED)
		return WB_ERR_DATA;
	*ret_fault = "a page has more entries than bytes";
	entry_size = page->is_compressed ? COMPRESSED_ENTRY_SIZE : REGULAR_ENTRY_SIZE;
	left = wb_bytes_size(&b) - page->offset;
	if (page->entries > left || page->num_entries > (left - page->entries) / entry_size)
		return WB_ERR_DATA;
	*ret_fault = "a page has more encodings than bytes";
	if (page->encodings > left || page->num_encodings > (left - page->encodings) / 4)
		return WB_ERR_DATA;
	page->entries += page->offset;
	page->encodings += page->offset;
	return WB_OK;
}

/* Where an entry's code starts; that of the one behind the last is the page's end. */
static uint64_t entry_start(const struct page *page, uint32_t index)
{
	bool failed = false;

	if (index == page->num_entries)
		return page->end;
	if (!page->is_compressed)
		return u32_at(page->section, page->entries + (uint64_t)index * REGULAR_ENTRY_SIZE, &failed);
	return page->start + (u32_at(page->section, page->entries + (uint64_t)index * COMPRESSED_ENTRY_SIZE, &failed) & ((1u << DISTANCE_BITS) - 1));
}

static enum wb_err read_encoding(const struct page *page, uint32_t offset, uint32_t *ret_encoding, const char **ret_fault)
{
	const struct header *header = page->header;
	bool failed = false;
	uint32_t which;

	*ret_fault = "an entry has an encoding that does not exist";
	if (!page->is_compressed) {
		*ret_encoding = u32_at(page->section, offset + 4, &failed);
		return WB_OK;
	}
	which = u32_at(page->section, offset, &failed) >> DISTANCE_BITS;
	if (which < header->num_encodings)
		*ret_encoding = u32_at(page->section, header->encodings + (uint64_t)which * 4, &failed);
	else if (which - header->num_encodings < page->num_encodings)
		*ret_encoding = u32_at(page->section, page->encodings + (uint64_t)(which - header->num_encodings) * 4, &failed);
	else
		failed = true;
	return failed ? WB_ERR_DATA : WB_OK;
}

static enum wb_err find_in_page(const struct page *page, uint64_t offset, struct wb_compact_entry *ret_entry, const char **ret_fault)
{
	uint32_t low = 0, high = page->num_entries;
	struct wb_compact_entry entry;
	enum wb_err err;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (entry_start(page, middle) <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return WB_NONE;
	entry.start = entry_start(page, low - 1);
	entry.end = entry_start(page, low);
	entry.section_offset = page->entries + (low - 1) * (page->is_compressed ? COMPRESSED_ENTRY_SIZE : REGULAR_ENTRY_SIZE);
	*ret_fault = "the entries of a page are not sorted";
	if (entry.start > offset || entry.end <= offset || entry.end > page->end)
		return WB_ERR_DATA;
	err = read_encoding(page, entry.section_offset, &entry.encoding, ret_fault);
	if (err)
		return err;
	*ret_entry = entry;
	return WB_OK;
}

enum wb_err wb_compact_find_entry(struct wb_bytes section, uint64_t offset, struct wb_compact_entry *ret_entry, const char **ret_fault)
{
	struct header header;
	struct page page = { .num_encodings = 0 };
	enum wb_err err;

	*ret_fault = "its header is cut, or of an unknown version";
	if (!read_header(section, &header))
		return WB_ERR_DATA;
	err = find_page(section, &header, offset, &page, ret_fault);
	if (!err)
		err = read_page(&page, ret_fault);
	return err ? err : find_in_page(&page, offset, ret_entry, ret_fault);
}
