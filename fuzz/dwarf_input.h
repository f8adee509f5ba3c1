/* SPDX-License-Identifier: MIT */
/*
 * Input of the targets for debug information: a byte of flags (1: big-endian, 2: code is at 0x1000 to 0x100000 only), then sections as
 * {enum wb_dwarf_section, 16-bit size, bytes}.
 */
#ifndef FUZZ_DWARF_INPUT_H
#define FUZZ_DWARF_INPUT_H

#include "base/mem.h"
#include "fuzz.h"
#include "symbols/dwarf_unit.h"
#include "symbols/text.h"

struct dwarf_input {
	struct wb_dwarf_sections sections; /* copies, so that a sanitizer sees the end of each */
	bool has_text;
};

static inline void dwarf_input_init(struct dwarf_input *input, const uint8_t *bytes, size_t size)
{
	struct wb_bytes b = wb_bytes_of(bytes, size, false);
	uint8_t flags = wb_bytes_u8(&b);

	*input = (struct dwarf_input){ .sections = { .big_endian = flags & 1, .address_size = 8, .path = "fuzz" }, .has_text = flags & 2 };
	while (wb_bytes_left(&b) >= 3) {
		struct wb_dwarf_slice *slice = &input->sections.by_id[wb_bytes_u8(&b) % WB_DWARF_SECTIONS];
		size_t wanted = wb_bytes_u16(&b), count = wanted < wb_bytes_left(&b) ? wanted : wb_bytes_left(&b);
		const uint8_t *at = wb_bytes_take(&b, count);

		if (slice->bytes || count == 0)
			continue;
		slice->bytes = wb_mem_dup(at, count);
		FUZZ_ASSERT(slice->bytes);
		slice->size = count;
	}
}

static inline void dwarf_input_deinit(struct dwarf_input *input)
{
	for (size_t i = 0; i < WB_DWARF_SECTIONS; i++)
		wb_mem_free((void *)(uintptr_t)input->sections.by_id[i].bytes);
}

/* Where the code is; the caller's to free. */
static inline void dwarf_input_text(const struct dwarf_input *input, struct wb_text *text)
{
	*text = (struct wb_text){ 0 };
	if (!input->has_text)
		return;
	text->ranges = wb_mem_zalloc(1, sizeof *text->ranges);
	FUZZ_ASSERT(text->ranges);
	text->ranges[0] = (struct wb_text_range){ 0x1000, 0x100000 };
	text->num_ranges = 1;
}

#endif
