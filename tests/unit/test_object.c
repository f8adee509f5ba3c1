/* SPDX-License-Identifier: MIT */
/* What all object files have in common: choosing the format, finding sections, and file offsets against image pcs as loaders see them. */
#include "test.h"

#include "model/object.h"

enum { R = WB_PROT_READ, RX = WB_PROT_READ | WB_PROT_EXEC, RW = WB_PROT_READ | WB_PROT_WRITE };

/* As GNU ld lays out a position-independent executable: text in the middle, the writable segment not at a page's start. */
static const struct wb_segment usual[] = {
	{ 0x0, 0x5e8, 0x0, 0x5e8, 0x1000, R },
	{ 0x1000, 0x175, 0x1000, 0x175, 0x1000, RX },
	{ 0x2000, 0x11c, 0x2000, 0x11c, 0x1000, R },
	{ 0x3dd0, 0x260, 0x2dd0, 0x248, 0x1000, RW },
};
/* As lld lays one out: segments share pages of the file, at different addresses. */
static const struct wb_segment shared[] = {
	{ 0x0, 0x640, 0x0, 0x640, 0x1000, R },
	{ 0x1640, 0x200, 0x640, 0x200, 0x1000, RX },
	{ 0x2840, 0x100, 0x840, 0x100, 0x1000, RW },
};
/* Prelinked, with one segment, for 64 KiB pages. */
static const struct wb_segment large[] = {
	{ 0x8000000, 0x9000, 0x0, 0x9000, 0x10000, RX },
	{ 0x801f000, 0x800, 0xf000, 0x800, 0x10000, RW },
};

/* As lld lays one out for pages of 16 KiB: all three begin with the same page of the file. */
static const struct wb_segment android[] = {
	{ 0x0, 0x17f8, 0x0, 0x17f8, 0x4000, R },
	{ 0x57f8, 0x200, 0x17f8, 0x200, 0x4000, RX },
	{ 0x99f8, 0x100, 0x19f8, 0x100, 0x4000, RW },
};

static void maps_offsets_to_image_pcs(void)
{
	static const struct {
		const char *name;
		const struct wb_segment *segments;
		size_t count;
		uint64_t offset;
		bool executable;
		enum wb_err expect;
		uint64_t vaddr;
	} table[] = {
		{ "text", usual, 4, 0x1000, true, WB_OK, 0x1000 },
		{ "inside of text", usual, 4, 0x1100, true, WB_OK, 0x1100 },
		{ "rodata", usual, 4, 0x2000, false, WB_OK, 0x2000 },
		{ "data", usual, 4, 0x2dd0, false, WB_OK, 0x3dd0 },
		{ "tail of text's page", usual, 4, 0x1f00, true, WB_OK, 0x1f00 },
		{ "header, asked as code", usual, 4, 0x0, true, WB_OK, 0x0 },
		{ "past the end", usual, 4, 0x40000, true, WB_NONE, 0 },
		{ "page of text, mapped from its start", shared, 3, 0x0, true, WB_OK, 0x1000 },
		{ "the same page, not as code", shared, 3, 0x0, false, WB_OK, 0x0 },
		{ "text itself", shared, 3, 0x640, true, WB_OK, 0x1640 },
		{ "the first of pages of 16 KiB, as code", android, 3, 0x0, true, WB_OK, 0x4000 },
		{ "the same page, as anything else", android, 3, 0x0, false, WB_OK, 0x0 },
		{ "the text in pages of 4 KiB", android, 3, 0x1000, true, WB_OK, 0x5000 },
		{ "large pages: behind the text", large, 2, 0xa000, true, WB_OK, 0x800a000 },
		{ "large pages: before the data", large, 2, 0xa000, false, WB_OK, 0x801a000 },
		{ "no segments", NULL, 0, 0, true, WB_NONE, 0 },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct wb_object object = { .segments = table[i].segments, .num_segments = table[i].count };
		uint64_t vaddr = 0;

		test_row(table[i].name);
		CHECK_EQ_I64(wb_object_vaddr_of_offset(&object, table[i].offset, table[i].executable, &vaddr), table[i].expect);
		CHECK_EQ_U64(vaddr, table[i].vaddr);
	}
}

static void maps_image_pcs_to_offsets(void)
{
	static const struct { const char *name; uint64_t vaddr; enum wb_err expect; uint64_t offset; } table[] = {
		{ "first", 0x0, WB_OK, 0x0 },
		{ "text", 0x1174, WB_OK, 0x1174 },
		{ "past text", 0x1175, WB_NONE, 0 },
		{ "data", 0x3dd8, WB_OK, 0x2dd8 },
		{ "bss", 0x4018, WB_NONE, 0 },
		{ "nowhere", UINT64_MAX, WB_NONE, 0 },
	};
	struct wb_object object = { .segments = usual, .num_segments = 4 };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		uint64_t offset = 0;

		test_row(table[i].name);
		CHECK_EQ_I64(wb_object_offset_of_vaddr(&object, table[i].vaddr, &offset), table[i].expect);
		CHECK_EQ_U64(offset, table[i].offset);
	}
}

/* Relocatable files have sections only. */
static void uses_sections_without_segments(void)
{
	static const struct wb_section sections[] = {
		{ .name = ".text", .vaddr = 0x0, .offset = 0x40, .file_size = 0x10, .size = 0x10, .flags = WB_SECTION_ALLOC | WB_SECTION_EXEC },
		{ .name = ".bss", .vaddr = 0x10, .offset = 0x50, .size = 0x10, .flags = WB_SECTION_ALLOC | WB_SECTION_NOBITS },
		{ .name = ".comment", .vaddr = 0, .offset = 0x50, .file_size = 0x10, .size = 0x10 },
		{ .name = ".text", .vaddr = 0x20, .offset = 0x60, .file_size = 4, .size = 4, .flags = WB_SECTION_ALLOC },
	};
	struct wb_object object = { .sections = sections, .num_sections = 4 };
	uint64_t at;
	size_t index;

	CHECK_EQ_I64(wb_object_vaddr_of_offset(&object, 0x62, true, &at), WB_OK);
	CHECK_EQ_U64(at, 0x22);
	CHECK_EQ_I64(wb_object_vaddr_of_offset(&object, 0x52, true, &at), WB_NONE);
	CHECK_EQ_I64(wb_object_offset_of_vaddr(&object, 0x21, &at), WB_OK);
	CHECK_EQ_U64(at, 0x61);
	CHECK_EQ_I64(wb_object_offset_of_vaddr(&object, 0x11, &at), WB_NONE);
	CHECK_EQ_I64(wb_object_find_section(&object, ".text", &index), WB_OK);
	CHECK_EQ_U64(index, 0);
	CHECK_EQ_I64(wb_object_find_section(&object, ".bss", &index), WB_NONE);
	CHECK_EQ_I64(wb_object_find_section(&object, ".data", &index), WB_NONE);
}

static void reads_whole_pieces_only(void)
{
	static const uint8_t bytes[0x20] = { [0x10] = 1, 2, 3, 4 };
	static const struct wb_segment segment = { 0x1000, 0x100, 0x10, 4, 0, RX }, cut = { 0x2000, 0x100, 0x1e, 4, 0, R };
	const struct wb_segment segments[] = { segment, cut };
	struct wb_object object = { .segments = segments, .num_segments = 2 };
	uint8_t buffer[8] = { 0 };

	CHECK_EQ_I64(wb_object_read(&object, 0x1000, buffer, 1), WB_NONE);
	REQUIRE(wb_file_of_bytes(bytes, sizeof bytes, NULL, NULL, &object.file) == WB_OK);
	CHECK_EQ_I64(wb_object_read(&object, 0x1001, buffer, 3), WB_OK);
	CHECK_MEM(buffer, "\2\3\4", 3);
	CHECK_EQ_I64(wb_object_read(&object, 0x1001, buffer, 4), WB_NONE);
	CHECK_EQ_I64(wb_object_read(&object, 0x2000, buffer, 4), WB_NONE); /* the file ends before */
	CHECK_EQ_I64(wb_object_read(&object, 0x3000, buffer, 1), WB_NONE);
	wb_file_free(object.file);
}

int main(void)
{
	TEST_RUN(maps_offsets_to_image_pcs);
	TEST_RUN(maps_image_pcs_to_offsets);
	TEST_RUN(uses_sections_without_segments);
	TEST_RUN(reads_whole_pieces_only);
	return test_summary();
}
