/* SPDX-License-Identifier: MIT */
/*
 * DWARF expressions: the first byte chooses the machine and what is known, the rest is the expression. Evaluation ends, gives an address of the machine
 * or says why not, and does the same again, and so does a place of it; its text fits the buffer, and a smaller buffer has its start.
 */
#include "fuzz/fuzz.h"
#include "unwind/expr.h"

#include <string.h>

enum { STACK = 0x7000, STACK_SIZE = 256, TEXT_MAX = 4096 };

static void check_place(const struct wb_arch_info *arch, const struct wb_regs *regs, struct wb_view *view, uint8_t flags, const uint8_t *bytes, size_t size)
{
	const struct wb_expr_frame frame = { .has_cfa = flags & 16, .has_base = flags & 4, .cfa = STACK + 64, .base = STACK + 32 };
	struct wb_expr_piece pieces[2][WB_EXPR_PIECES_MAX];
	unsigned count[2] = { 0, 0 };
	enum wb_err err[2];

	for (unsigned i = 0; i < 2; i++)
		err[i] = wb_expr_locate(arch, regs, view, &frame, bytes, size, pieces[i], &count[i]);
	FUZZ_ASSERT(err[0] == err[1] && count[0] == count[1] && count[0] <= WB_EXPR_PIECES_MAX && (err[0] == WB_OK) == (count[0] > 0));
	for (unsigned i = 0; i < count[0]; i++) {
		FUZZ_ASSERT(pieces[0][i].where == pieces[1][i].where && pieces[0][i].value == pieces[1][i].value && pieces[0][i].size == pieces[1][i].size);
		FUZZ_ASSERT(pieces[0][i].where != WB_EXPR_MEMORY || (pieces[0][i].value & ~arch->address_mask) == 0);
		FUZZ_ASSERT(pieces[0][i].size != UINT64_MAX || count[0] == 1);
	}
}

static void check_value(const struct wb_arch_info *arch, uint8_t flags, const uint8_t *bytes, size_t size)
{
	static uint8_t stack[STACK_SIZE];
	struct wb_region region = { .address = STACK, .bytes = stack, .size = sizeof(stack) };
	struct wb_view view = { .regions = &region, .num_regions = 1, .word_size = arch->word_size, .big_endian = flags & 2 };
	struct wb_regs regs = { 0 };
	struct wb_expr_fault fault[2];
	uint64_t value[2] = { 0, 0 };
	enum wb_err err[2];

	for (unsigned i = 0; i < sizeof(stack); i++)
		stack[i] = (uint8_t)(i * 7);
	for (uint8_t slot = 0; slot < arch->num_regs; slot++)
		if (slot % 3 || flags & 8)
			wb_regs_set(&regs, slot, STACK + 8u * slot, false);
	for (unsigned i = 0; i < 2; i++)
		err[i] = wb_expr_evaluate(arch, &regs, &view, bytes, size, flags & 4, STACK + 16, &value[i], &fault[i]);
	FUZZ_ASSERT(err[0] == err[1] && value[0] == value[1]);
	FUZZ_ASSERT((value[0] & ~arch->address_mask) == 0);
	FUZZ_ASSERT(err[0] != WB_OK || !fault[0].is_memory);
	FUZZ_ASSERT((err[0] == WB_NONE) == fault[0].is_memory && fault[0].address == fault[1].address);
	check_place(arch, &regs, &view, flags, bytes, size);
}

static void check_text(enum wb_arch arch, const uint8_t *bytes, size_t size)
{
	static char text[TEXT_MAX], start[16];
	size_t length = wb_expression_format(arch, bytes, size, text, sizeof(text));
	size_t again = wb_expression_format(arch, bytes, size, start, sizeof(start)), kept = strlen(start);

	FUZZ_ASSERT(memchr(text, 0, sizeof(text)));
	FUZZ_ASSERT(length == again);
	FUZZ_ASSERT(length >= sizeof(text) || strlen(text) == length);
	FUZZ_ASSERT(kept < sizeof(start) && !memcmp(start, text, kept));
	FUZZ_ASSERT(wb_expression_format(arch, bytes, size, NULL, 0) == length);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct wb_arch_info *arch;

	if (!size)
		return 0;
	arch = bytes[0] & 1 ? &wb_arch_x86 : &wb_arch_x86_64;
	check_value(arch, bytes[0], bytes + 1, size - 1);
	check_text(arch->arch, bytes + 1, size - 1);
	return 0;
}
