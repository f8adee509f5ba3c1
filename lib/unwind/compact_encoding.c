/* SPDX-License-Identifier: MIT */
/*
 * Encodings of compact unwind information, as rows. What each bit means is in <mach-o/compact_unwind_encoding.h>; where saved registers lie, which that
 * leaves to the reader's knowledge of prologues, is said beside each decoder.
 */
#include "unwind/compact.h"

enum {
	MODE_SHIFT = 24, MODE_MASK = 15,
	NO = WB_SLOT_NONE,
	X86_FRAME = 1, X86_FRAMELESS = 2, X86_FRAMELESS_INDIRECT = 3, X86_DWARF = 4,
	X86_FRAME_REGS = 5, X86_REGS = 6,
	ARM64_FRAMELESS = 2, ARM64_DWARF = 3, ARM64_FRAME = 4,
	ARM64_LINK = 30, ARM64_SAVED_END = 9,
};

static uint32_t bits(uint32_t value, unsigned shift, unsigned count)
{
	return value >> shift & ((1u << count) - 1);
}

static void add_saved(struct wb_compact_row *out, uint8_t slot, int32_t offset)
{
	out->rules[out->row.num_rules++] = (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_OFFSET, .offset = offset };
}

/* ---- x86, both widths --------------------------------------------------------------------------------------------------- */

/* Slots by their numbers in encodings, from 1: bx, 12 to 15 and bp; bx, cx, dx, di, si and bp. */
struct x86_regs { uint8_t slots[X86_REGS + 1]; };
static const struct x86_regs regs_64 = { { NO, 3, 12, 13, 14, 15, 6 } }, regs_32 = { { NO, 3, 1, 2, 7, 6, 5 } };
enum { X86_FRAME_POINTER = 6 };

static const struct x86_regs *x86_regs(const struct wb_arch_info *arch)
{
	return arch->word_size == 8 ? &regs_64 : &regs_32;
}

/* push %rbp; mov %rsp, %rbp: the frame pointer's slot is below the return address. Registers are in up to five slots that go up from the lowest,
 * which is so many words below the frame pointer. */
static enum wb_err x86_frame(const struct wb_arch_info *arch, uint32_t encoding, struct wb_compact_row *out, const char **ret_fault)
{
	int32_t word = arch->word_size, at = -2 * word - (int32_t)bits(encoding, 16, 8) * word;
	uint32_t seen = 0;

	out->row.flags = WB_ROW_FP_BASE | WB_ROW_FP_SAVED;
	out->row.cfa_offset = 2 * word;
	out->row.ra_offset = (int16_t)-word;
	out->row.fp_offset = (int16_t)(-2 * word);
	for (unsigned i = 0; i < X86_FRAME_REGS; i++, at += word) {
		uint32_t reg = bits(encoding, 3 * i, 3);

		if (!reg)
			continue;
		*ret_fault = "a frame with a register that cannot be saved there";
		if (reg >= X86_FRAME_POINTER || at >= -2 * word || seen >> reg & 1)
			return WB_ERR_DATA;
		seen |= 1u << reg;
		add_saved(out, x86_regs(arch)->slots[reg], at);
	}
	return WB_OK;
}

/* Which registers were pushed, in the order of their addresses: a number in a mixed radix, each digit one of those that are left. Five registers of six
 * leave the same number of choices as six. */
static bool x86_permutation(uint32_t number, unsigned count, uint8_t regs[X86_REGS])
{
	bool used[X86_REGS + 1] = { false };
	unsigned radix = 1;

	for (unsigned i = X86_REGS - count + 1; i < X86_REGS; i++)
		radix *= i;
	for (unsigned i = 0; i < count; i++) {
		unsigned digit = radix ? number / radix : 0, reg = 0;

		number -= digit * radix;
		/* The next radix: one choice fewer is left. */
		radix = X86_REGS - 1 - i ? radix / (X86_REGS - 1 - i) : 0;
		if (digit >= X86_REGS - i)
			return false;
		do
			reg++;
		while (used[reg] || digit-- > 0);
		used[reg] = true;
		regs[i] = (uint8_t)reg;
	}
	return !number;
}

/* Everything is above the stack pointer: the return address on top, below it what was pushed, below that what was subtracted. size: all of it, in bytes. */
static enum wb_err x86_frameless(const struct wb_arch_info *arch, uint32_t encoding, uint64_t size, struct wb_compact_row *out, const char **ret_fault)
{
	uint32_t count = bits(encoding, 10, 3);
	int32_t word = arch->word_size, at = -word - (int32_t)count * word;
	uint8_t regs[X86_REGS];

	*ret_fault = "more registers than there are";
	if (count > X86_REGS)
		return WB_ERR_DATA;
	*ret_fault = "a permutation that does not exist";
	if (!x86_permutation(bits(encoding, 0, 10), count, regs))
		return WB_ERR_DATA;
	*ret_fault = "a stack that cannot hold what was pushed, or is larger than any";
	if (size < (uint64_t)-at || size > INT32_MAX)
		return WB_ERR_DATA;
	out->row.cfa_offset = (int32_t)size;
	out->row.ra_offset = (int16_t)-word;
	for (unsigned i = 0; i < count; i++, at += word) {
		if (regs[i] == X86_FRAME_POINTER) {
			out->row.flags |= WB_ROW_FP_SAVED;
			out->row.fp_offset = (int16_t)at;
		} else {
			add_saved(out, x86_regs(arch)->slots[regs[i]], at);
		}
	}
	return WB_OK;
}

static enum wb_err x86_decode(const struct wb_arch_info *arch, uint32_t encoding, uint32_t operand, struct wb_compact_row *out,
                              const char **ret_fault)
{
	uint64_t word = arch->word_size;

	if (bits(encoding, MODE_SHIFT, 4) == X86_FRAME)
		return x86_frame(arch, encoding, out, ret_fault);
	if (bits(encoding, MODE_SHIFT, 4) == X86_FRAMELESS)
		return x86_frameless(arch, encoding, bits(encoding, 16, 8) * word, out, ret_fault);
	/* What the function subtracts from its stack pointer, and what it pushed before. */
	return x86_frameless(arch, encoding, operand + bits(encoding, 13, 3) * word, out, ret_fault);
}

/* ---- arm64 ---------------------------------------------------------------------------------------------------------------- */

/* Pairs of registers by bit, in the order in which they lie below the frame record, or below the CFA without one: the first of a pair above the second. */
static const struct { uint8_t bit, first, second; } arm64_pairs[ARM64_SAVED_END] = {
	{ 0, 19, 20 }, { 1, 21, 22 }, { 2, 23, 24 }, { 3, 25, 26 }, { 4, 27, 28 }, /* x */
	{ 8, 72, 73 }, { 9, 74, 75 }, { 10, 76, 77 }, { 11, 78, 79 },              /* d8 to d15, by their DWARF numbers */
};

static void arm64_saved(const struct wb_arch_info *arch, uint32_t encoding, int32_t at, struct wb_compact_row *out)
{
	for (size_t i = 0; i < ARM64_SAVED_END; i++) {
		if (!bits(encoding, arm64_pairs[i].bit, 1))
			continue;
		add_saved(out, wb_arch_slot(arch, arm64_pairs[i].first), at);
		add_saved(out, wb_arch_slot(arch, arm64_pairs[i].second), at - 8);
		at -= 16;
	}
}

static enum wb_err arm64_decode(const struct wb_arch_info *arch, uint32_t encoding, struct wb_compact_row *out)
{
	if (bits(encoding, MODE_SHIFT, 4) == ARM64_FRAME) {
		out->row.flags = WB_ROW_FP_BASE | WB_ROW_FP_SAVED;
		out->row.cfa_offset = 16;
		out->row.ra_offset = -8;
		out->row.fp_offset = -16;
		add_saved(out, ARM64_LINK, -8);
		arm64_saved(arch, encoding, -24, out);
		return WB_OK;
	}
	/* The return address stays in the link register. */
	out->row.flags = WB_ROW_GENERAL;
	out->rules[out->row.num_rules++] = (struct wb_row_rule){ .slot = WB_SLOT_CFA, .kind = WB_RULE_OFFSET, .base = arch->sp,
	                                                         .offset = (int32_t)bits(encoding, 12, 12) * 16 };
	out->rules[out->row.num_rules++] = (struct wb_row_rule){ .slot = arch->pc, .kind = WB_RULE_REGISTER, .base = ARM64_LINK };
	arm64_saved(arch, encoding, -8, out);
	return WB_OK;
}

/* ---- All of them ------------------------------------------------------------------------------------------------------------ */

enum wb_err wb_compact_kind(const struct wb_arch_info *arch, uint32_t encoding, enum wb_compact_kind *ret_kind, uint32_t *ret_operand,
                            const char **ret_fault)
{
	static const enum wb_compact_kind x86[] = {
		WB_COMPACT_NONE, [X86_FRAME] = WB_COMPACT_ROW, [X86_FRAMELESS] = WB_COMPACT_ROW, [X86_FRAMELESS_INDIRECT] = WB_COMPACT_INDIRECT,
		[X86_DWARF] = WB_COMPACT_DWARF,
	};
	static const enum wb_compact_kind arm64[] = {
		WB_COMPACT_NONE, [ARM64_FRAMELESS] = WB_COMPACT_ROW, [ARM64_DWARF] = WB_COMPACT_DWARF, [ARM64_FRAME] = WB_COMPACT_ROW,
	};
	bool is_arm64 = arch->arch == WB_ARCH_AARCH64;
	const enum wb_compact_kind *kinds = is_arm64 ? arm64 : x86;
	uint32_t mode = bits(encoding, MODE_SHIFT, 4);

	*ret_fault = "an encoding of an unknown mode";
	if (mode > (is_arm64 ? ARM64_FRAME : X86_DWARF) || (mode && kinds[mode] == WB_COMPACT_NONE))
		return WB_ERR_DATA;
	*ret_kind = kinds[mode];
	*ret_operand = kinds[mode] == WB_COMPACT_INDIRECT ? bits(encoding, 16, 8) : 0;
	return WB_OK;
}

enum wb_err wb_compact_decode(const struct wb_arch_info *arch, uint32_t encoding, uint32_t operand, struct wb_compact_row *ret_row,
                              const char **ret_fault)
{
	struct wb_compact_row out = { .row = { .how = WB_HOW_COMPACT } };
	enum wb_compact_kind kind;
	uint32_t place;
	enum wb_err err = wb_compact_kind(arch, encoding, &kind, &place, ret_fault);

	*ret_fault = err ? *ret_fault : "an encoding that is no row";
	if (!err && kind != WB_COMPACT_ROW && kind != WB_COMPACT_INDIRECT)
		err = WB_ERR_DATA;
	if (!err)
		err = arch->arch == WB_ARCH_AARCH64 ? arm64_decode(arch, encoding, &out) : x86_decode(arch, encoding, operand, &out, ret_fault);
	if (err)
		return err;
	*ret_row = out;
	return WB_OK;
}
