/* SPDX-License-Identifier: MIT */
/*
 * Prologues as Go's assembler makes them (cmd/internal/obj/x86/obj6.go): since 1.21 push %rbp; mov %rsp,%rbp; sub; before, sub; mov %rbp,N-8(%rsp);
 * lea N-8(%rsp),%rbp. And the hand-written assembly of the runtime that switches stacks, of all architectures whose instructions are found easily.
 */
#include "unwind/code_go.h"

#include "base/bytes.h"
#include "unwind/code_x86_64_insn.h"

enum {
	PROLOGUE = 96,                /* bytes: all of C's registers are stored in fewer */
	SWITCHER = 2048,              /* bytes of functions that switch stacks: a few hundred in all versions */
	INSN_SIZE = 4,                /* but on x86, s390x, and RISC-V's compressed ones */
};

/* ---- x86-64 ---- */

/* Where SP first leaves the return address, and how far. */
static bool find_rise(const struct wb_pclntab *table, const struct wb_go_function *function, uint64_t *ret_offset, int32_t *ret_distance)
{
	struct wb_go_values values;

	wb_go_values_begin(table, function, function->sp, &values);
	while (wb_go_values_next(&values) == WB_OK) {
		if (values.value <= 0 || values.start >= function->end)
			continue;
		*ret_offset = values.start - function->start;
		*ret_distance = values.value;
		return true;
	}
	return false;
}

/* As much code as there is. */
static enum wb_err read_code(struct wb_image *image, uint64_t start, uint64_t end, uint8_t *bytes, size_t *size)
{
	if (end - start < *size)
		*size = (size_t)(end - start);
	return wb_image_read(image, start, bytes, *size);
}

/* A store of a register that C keeps, other than RBP. DWARF numbers of these are the instructions'. */
static void take_store(struct wb_go_frame *frame, const struct wb_x86_insn *insn, int32_t distance, uint64_t offset)
{
	if (insn->base != WB_X86_RSP || (insn->reg != WB_X86_RBX && insn->reg < 12) || frame->num_saved == WB_GO_SAVED_MAX ||
	    insn->value < 0 || insn->value >= distance)
		return;
	frame->saved[frame->num_saved].slot = insn->reg;
	frame->saved[frame->num_saved++].offset = (int32_t)insn->value - distance - 8;
	frame->saved_from = offset;
	frame->saved_distance = distance;
}

/* The instructions behind the first that moves SP. */
static void follow_prologue(struct wb_go_frame *frame, const uint8_t *bytes, size_t size, uint64_t offset, int32_t distance, bool from_c)
{
	struct wb_x86_insn insn;

	for (size_t at = 0; at < size && wb_x86_decode(bytes + at, size - at, &insn); ) {
		at += insn.length;
		if (insn.kind == WB_X86_STORE && insn.reg == WB_X86_RBP && insn.base == WB_X86_RSP && insn.value == distance - 8)
			frame->fp_saved = offset + at;
		else if (insn.kind == WB_X86_STORE && from_c)
			take_store(frame, &insn, distance, offset + at);
		else if (insn.kind == WB_X86_FP_FROM_SP && insn.value == distance - 8 && frame->fp_saved != WB_GO_NEVER)
			frame->fp_set = offset + at;
		else if (insn.kind != WB_X86_OTHER || !from_c)
			break;
	}
}

static enum wb_err read_x86_64(struct wb_image *image, const struct wb_pclntab *table, const struct wb_go_function *function, bool from_c,
                               struct wb_go_frame *frame)
{
	uint8_t bytes[PROLOGUE + 2];
	uint64_t rise;
	int32_t distance;
	size_t size = sizeof(bytes), before;
	enum wb_err err;

	if (!find_rise(table, function, &rise, &distance) || !rise)
		return WB_OK;
	before = rise > 1 ? 2 : 1;
	err = read_code(image, function->start + rise - before, function->end, bytes, &size);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_OK;
	/* 0x55 alone, as r13's has a prefix before it. */
	if (distance == 8 && bytes[before - 1] == 0x55 && !(before == 2 && bytes[0] == 0x41))
		frame->fp_saved = rise;
	follow_prologue(frame, bytes + before, size - before, rise, distance, from_c);
	return WB_OK;
}

static uint64_t find_switch_x86_64(const uint8_t *bytes, size_t size)
{
	struct wb_x86_insn insn;
	size_t at = 0;

	while (at < size && wb_x86_decode(bytes + at, size - at, &insn)) {
		at += insn.length;
		if (insn.kind == WB_X86_SP_LOST)
			return at;
	}
	/* What comes after code that cannot be followed is not known. */
	return at < size ? at : WB_GO_NEVER;
}

/* ---- Others ---- */

/* Instructions of 32 bits that give SP another register's value, or one from memory. */
static const struct sp_write { enum wb_arch arch; uint32_t mask, value; } sp_writes[] = {
	{ WB_ARCH_AARCH64, 0xfffffc1f, 0x9100001f }, /* mov sp, xN: add sp, xN, #0 (Arm ARM, C6.2.4) */
	{ WB_ARCH_ARM, 0xfffffff0, 0xe1a0d000 },     /* mov sp, rN (Arm ARM for v7, A8.8.104) */
	{ WB_ARCH_ARM, 0x0f70f000, 0x0510d000 },     /* ldr sp, [rN, #...] (A8.8.63) */
	{ WB_ARCH_PPC64, 0xfc1f07ff, 0x7c010378 },   /* mr r1, rN: or r1, rN, rN (Power ISA, 3.3.13) */
	{ WB_ARCH_PPC64, 0xffe00003, 0xe8200000 },   /* ld r1, ...(rN) (3.3.2) */
	{ WB_ARCH_RISCV64, 0xfff07fff, 0x00000113 }, /* mv sp, xN: addi sp, xN, 0 (The RISC-V Instruction Set Manual I, 2.4) */
	{ WB_ARCH_RISCV64, 0x00007fff, 0x00003103 }, /* ld sp, ...(xN) (5.3) */
};

static bool writes_sp(enum wb_arch arch, uint32_t insn)
{
	for (size_t i = 0; i < sizeof(sp_writes) / sizeof(sp_writes[0]); i++)
		if (sp_writes[i].arch == arch && (insn & sp_writes[i].mask) == sp_writes[i].value)
			return true;
	/* c.mv sp, xN, and not c.jr sp (RISC-V, "C" extension, 16.5). */
	return arch == WB_ARCH_RISCV64 && (insn & 0xff83) == 0x8102 && (insn & 0x7c);
}

static uint64_t find_switch_by_words(enum wb_arch arch, bool big_endian, const uint8_t *bytes, size_t size)
{
	size_t length;

	for (size_t at = 0; at + INSN_SIZE <= size; at += length) {
		uint32_t insn = wb_load32(bytes + at, big_endian);

		/* RISC-V's of 16 bits do not end in 11 (1.5). */
		length = arch == WB_ARCH_RISCV64 && (insn & 3) != 3 ? INSN_SIZE / 2 : INSN_SIZE;
		if (writes_sp(arch, insn))
			return at + length;
	}
	return WB_GO_NEVER;
}

/* ---- All ---- */

static enum wb_err find_switch(struct wb_image *image, enum wb_arch arch, const struct wb_go_function *function, uint64_t *ret_offset)
{
	uint8_t bytes[SWITCHER];
	size_t size = sizeof(bytes);
	enum wb_err err = read_code(image, function->start, function->end, bytes, &size);

	/* Behind the first instruction, where the code does not tell. */
	*ret_offset = 1;
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_OK;
	if (arch == WB_ARCH_X86_64)
		*ret_offset = find_switch_x86_64(bytes, size);
	else if (arch != WB_ARCH_X86 && arch != WB_ARCH_S390X)
		*ret_offset = find_switch_by_words(arch, wb_image_platform(image).big_endian, bytes, size);
	return WB_OK;
}

enum wb_err wb_go_frame_read(struct wb_image *image, const struct wb_arch_info *arch, const struct wb_pclntab *table,
                             const struct wb_go_function *function, enum wb_go_kind kind, struct wb_go_frame *ret_frame)
{
	struct wb_go_frame frame = { .fp_saved = WB_GO_NEVER, .fp_set = WB_GO_NEVER, .sp_written = WB_GO_NEVER, .saved_from = WB_GO_NEVER };
	enum wb_err err = WB_OK;

	if (arch->arch == WB_ARCH_X86_64)
		err = read_x86_64(image, table, function, kind == WB_GO_FROM_C || kind == WB_GO_HANDLER, &frame);
	if (!err && (kind == WB_GO_SWITCH || kind == WB_GO_LEAVE))
		err = find_switch(image, arch->arch, function, &frame.sp_written);
	if (!err)
		*ret_frame = frame;
	return err;
}
