/* SPDX-License-Identifier: MIT */
/*
 * The leaf strategy, for the innermost frame and the one under a signal: places where the frame is not set up yet or no more, so that the return
 * address is where the call put it. A call through a bad pointer ends at an address that is not code at all; a function's first instruction, and
 * what its instructions say for sure, are told by its bounds and its bytes. Where calls leave the return address in a register, that register tells, too.
 */
#include "base/mem.h"
#include "unwind/cfi.h"
#include "unwind/code_reader.h"
#include "unwind/function.h"
#include "unwind/strategy.h"

enum {
	BEFORE = 16, AFTER = 16,      /* code bytes looked at around the pc */
};

static enum wb_err by_code(const struct wb_lookup *lookup, const struct wb_code_reader *code, uint64_t start, struct wb_row *ret_row)
{
	uint8_t bytes[BEFORE + AFTER];
	uint64_t from = lookup->image_pc < BEFORE ? 0 : lookup->image_pc - BEFORE;
	size_t at, size, start_at = WB_START_UNKNOWN;

	if (start <= lookup->image_pc && start > from)
		from = start;
	at = (size_t)(lookup->image_pc - from);
	for (size = at + AFTER; size > at; size--)
		if (wb_image_read(lookup->image, from, bytes, size) == WB_OK)
			break;
	if (size == at)
		return WB_NONE;
	if (start <= lookup->image_pc)
		start_at = start == from ? 0 : WB_START_BEFORE;
	return code->row(lookup->arch, bytes, size, at, start_at, ret_row);
}

static bool has_cfi(struct wb_image *image, uint64_t image_pc)
{
	const struct wb_row_table *table;
	struct wb_row_table *loose = NULL;
	struct wb_cfi *cfi = NULL;
	bool found = wb_cfi_of_image(image, &cfi) == WB_OK && cfi && wb_cfi_find(cfi, image_pc, &table, &loose) == WB_OK;

	if (found)
		wb_mem_free(loose);
	return found;
}

/* Whether the link register, in code without call frame information, still has what the caller left there. What the function itself calls leaves an
 * address inside of it there: one outside, or in code that has such information, is the caller's. Where the frame pointer leads to the same address,
 * a frame was set up, and the stack pointer is not the caller's. */
static bool by_link(const struct wb_lookup *lookup, const struct wb_bound *bound)
{
	const struct wb_convention *frame = &lookup->arch->frame;
	uint64_t call = lookup->link - lookup->arch->call_step, saved, bias;
	struct wb_image *image;
	const struct wb_map *map = lookup->has_link ? wb_space_map_at(lookup->space, call) : NULL;

	if (!map || !wb_space_may_execute(lookup->space, call) || has_cfi(lookup->image, lookup->image_pc))
		return false;
	if (lookup->has_fp && frame->cfa_base != WB_SLOT_NONE && wb_view_word(lookup->view, lookup->fp + (uint64_t)(frame->cfa_offset + frame->ra_offset), &saved) == WB_OK &&
	    wb_address_strip(saved, wb_space_pointer_mask(lookup->space)) == lookup->link)
		return false;
	if (wb_map_place(lookup->space, map, &image, &bias) == WB_OK && has_cfi(image, call - bias))
		return true;
	return bound->start <= lookup->image_pc && call - (lookup->pc - lookup->image_pc) - bound->start >= bound->end - bound->start;
}

/* Changes *row only where the code tells more than that nothing is set up. */
static enum wb_err find_row(const struct wb_lookup *lookup, struct wb_row *row)
{
	const struct wb_code_reader *code = wb_code_reader(lookup->arch->arch);
	struct wb_bound bound = { UINT64_MAX, 0 };
	enum wb_err err;

	if (!wb_space_may_execute(lookup->space, lookup->pc))
		return WB_OK;
	if (!lookup->image)
		return WB_NONE;
	err = wb_function_find(lookup->image, lookup->arch, lookup->image_pc, &bound);
	if (err == WB_ERR_MEMORY)
		return err;
	if (err == WB_OK && bound.start == lookup->image_pc)
		return WB_OK;
	if (by_link(lookup, &bound))
		return WB_OK;
	return code && code->row ? by_code(lookup, code, bound.start, row) : WB_NONE;
}

enum wb_err wb_strat_leaf(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	const struct wb_arch_info *arch = lookup->arch;
	struct wb_row row = wb_row_of_convention(arch, &arch->leaf, WB_HOW_LEAF);
	enum wb_err err;

	if (!lookup->exact)
		return WB_NONE;
	err = find_row(lookup, &row);
	if (err)
		return err;
	row.how = WB_HOW_LEAF;
	row.flags |= WB_ROW_GUESS;
	ret_found->row = row;
	return arch->leaf.ra_in_register ? wb_found_in_register(arch, &arch->leaf, lookup->image_pc, ret_found) : WB_OK;
}
