/* SPDX-License-Identifier: MIT */
/*
 * The scan strategy, only on request: the first word on the stack that looks like a return address. A guess, and marked as one; all registers but the
 * stack pointer become unknown.
 */
#include "model/breakpad_sym.h"
#include "unwind/code_reader.h"
#include "unwind/strategy.h"

enum {
	CALL_MAX = 8,                 /* bytes before a return address in which a call must end */
	HEADER_SIZE = 64,             /* bytes of an ELF header, and of a PE file's first one: where an image begins there is no code */
};

/* Whether the symbol file of an image without its executable, if it has one, knows no function there. */
static bool is_no_function(const struct wb_space *space, const struct wb_map *map, uint64_t address)
{
	struct wb_breakpad_function function;
	struct wb_breakpad_sym *sym;
	struct wb_image *image;
	uint64_t bias;

	if (!map->image || wb_map_place(space, map, &image, &bias) != WB_OK || wb_breakpad_of_image(image, &sym) != WB_OK)
		return false;
	return !wb_breakpad_function(sym, wb_breakpad_offset(sym, address - bias), &function);
}

/* Whether address follows a call; where the code cannot be read, being executable must do. */
static bool follows_call(const struct wb_lookup *lookup, uint64_t address)
{
	const struct wb_code_reader *code = wb_code_reader(lookup->arch->arch);
	const struct wb_map *map = wb_space_map_at(lookup->space, address - 1);
	uint8_t bytes[CALL_MAX];

	if (!map || !wb_space_may_execute(lookup->space, address - 1) || (map->base && address - 1 - map->base < HEADER_SIZE) ||
	    is_no_function(lookup->space, map, address - 1))
		return false;
	if (!code || address < CALL_MAX || wb_space_read_code(lookup->space, address - CALL_MAX, bytes, CALL_MAX) != WB_OK)
		return true;
	return code->ends_in_call(bytes, CALL_MAX);
}

enum wb_err wb_strat_scan(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	const struct wb_arch_info *arch = lookup->arch;
	uint64_t mask = wb_space_pointer_mask(lookup->space);

	if (!lookup->has_sp)
		return WB_NONE;
	for (uint32_t i = 0; i < lookup->max_scan_words; i++) {
		uint64_t offset = (uint64_t)i * arch->word_size, word;

		if (offset > (uint64_t)INT32_MAX - arch->word_size || wb_view_word(lookup->view, lookup->sp + offset, &word) != WB_OK)
			break;
		if (!word || !follows_call(lookup, wb_address_strip(word, mask)))
			continue;
		ret_found->row = (struct wb_row){ .cfa_offset = (int32_t)(offset + arch->word_size), .ra_offset = (int16_t)-arch->word_size,
		                                  .flags = WB_ROW_GUESS | WB_ROW_BARRIER, .how = WB_HOW_SCAN };
		return WB_OK;
	}
	return WB_NONE;
}
