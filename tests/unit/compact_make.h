/* SPDX-License-Identifier: MIT */
/* For the tests of compact unwind information: its bytes, put together, and rows as text. */
#ifndef TESTS_UNIT_COMPACT_MAKE_H
#define TESTS_UNIT_COMPACT_MAKE_H

#include "test.h"

#include "unwind/compact.h"

struct compact_make {
	uint8_t bytes[4096];
	size_t size;
};

static inline void compact_store(uint8_t *at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static inline void compact_put(struct compact_make *make, uint64_t value, unsigned size)
{
	compact_store(make->bytes + make->size, value, size);
	make->size += size;
}

/* Of the section that compact_whole makes. */
enum {
	COMMON = 28, INDEX = 36, FIRST = 84, SECOND = 124, END = 164, /* offsets in it */
	COMMON_0 = 0x01000000, COMMON_1 = 0x01020021, LOCAL_0 = 0x02040000, REGULAR_0 = 0x02010000, REGULAR_1 = 0x04000160,
};

/* Code from 0x1000: a compressed page up to 0x2000, a regular one up to 0x3000, a page without information up to 0x4000. */
static inline void compact_whole(struct compact_make *m)
{
	static const uint32_t index[][3] = { { 0x1000, FIRST, 0 }, { 0x2000, SECOND, 0 }, { 0x3000, 0, 0 }, { 0x4000, 0, 0 } };

	m->size = 0;
	compact_put(m, 1, 4);
	compact_put(m, COMMON, 4);
	compact_put(m, 2, 4);
	compact_put(m, INDEX, 4);     /* no personality functions */
	compact_put(m, 0, 4);
	compact_put(m, INDEX, 4);
	compact_put(m, 4, 4);
	compact_put(m, COMMON_0, 4);
	compact_put(m, COMMON_1, 4);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 3; j++)
			compact_put(m, index[i][j], 4);
	compact_put(m, 3, 4);         /* FIRST: entries at 12, three; encodings at 24, one */
	compact_put(m, 12, 2);
	compact_put(m, 4, 2);
	compact_put(m, 28, 2);
	compact_put(m, 1, 2);
	compact_put(m, 0x00000000, 4);
	compact_put(m, 0x01000010, 4);
	compact_put(m, 0x02000100, 4);
	compact_put(m, 0x00000800, 4);
	compact_put(m, LOCAL_0, 4);
	compact_put(m, 0, 8);
	compact_put(m, 2, 4);         /* SECOND: entries at 8, two */
	compact_put(m, 8, 2);
	compact_put(m, 2, 2);
	compact_put(m, 0x2000, 4);
	compact_put(m, REGULAR_0, 4);
	compact_put(m, 0x2080, 4);
	compact_put(m, REGULAR_1, 4);
	while (m->size < END)
		compact_put(m, 0, 1);
}

/* "cfa=rsp+32 rbx=-24 rip=-8": what a row says, its registers by slot, offsets from the CFA. In a buffer that lasts until the next call. */
static inline const char *compact_text(const struct wb_arch_info *arch, const struct wb_compact_row *row)
{
	static char text[1024];
	bool general = row->row.flags & WB_ROW_GENERAL;
	uint8_t base = row->row.flags & WB_ROW_FP_BASE ? arch->fp : arch->sp;
	int length = general ? snprintf(text, sizeof text, "cfa=%s%+d", arch->regs[row->rules[0].base].name, row->rules[0].offset)
	                     : snprintf(text, sizeof text, "cfa=%s%+d", arch->regs[base].name, row->row.cfa_offset);

	for (uint8_t slot = 0; slot < arch->num_regs; slot++) {
		if (!general && (slot == arch->pc || (slot == arch->fp && row->row.flags & WB_ROW_FP_SAVED)))
			length += snprintf(text + length, sizeof text - (size_t)length, " %s=%+d", arch->regs[slot].name,
			                   slot == arch->pc ? row->row.ra_offset : row->row.fp_offset);
		for (unsigned i = 0; i < row->row.num_rules; i++) {
			const struct wb_row_rule *rule = &row->rules[i];

			if (rule->slot != slot)
				continue;
			if (rule->kind == WB_RULE_REGISTER)
				length += snprintf(text + length, sizeof text - (size_t)length, " %s=%s", arch->regs[slot].name, arch->regs[rule->base].name);
			else
				length += snprintf(text + length, sizeof text - (size_t)length, " %s=%+d", arch->regs[slot].name, rule->offset);
		}
	}
	return text;
}

#endif
