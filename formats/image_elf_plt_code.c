/* SPDX-License-Identifier: MIT */
/*
 * The instructions of procedure linkage table entries: which slot of the global offset table they jump through, and how long they are.
 *
 * System V ABI, AMD64 supplement, 5.2 and 13.2; Intel386 supplement, chapter 5; for the others what linkers write (binutils: elfnn-aarch64.c,
 * elf32-arm.c, elfnn-riscv.c; LLD's Arch folder), in the encodings of the architectures' manuals. Code is little-endian on all of them but
 * big-endian ARM before version 6, whose entries stay without names.
 */
#include "formats/image_elf.h"

#include <string.h>

/*
 * To add a machine: a function that reads one entry, and a line in the table. Relocation numbers are the psABI's for JUMP_SLOT, GLOB_DAT and
 * IRELATIVE (0: the machine has none).
 */

static uint64_t sign_extend(uint64_t value, unsigned bits)
{
	uint64_t sign = UINT64_C(1) << (bits - 1);

	return ((value & (2 * sign - 1)) ^ sign) - sign;
}

/* An optional endbr, an optional bnd, then jmp *disp32 in one of its two forms. */
static size_t read_x86(const struct elf_plt_place *place, struct wb_bytes code, uint64_t *ret_slot)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa }, endbr32[] = { 0xf3, 0x0f, 0x1e, 0xfb };
	size_t size = wb_bytes_left(&code) < place->stride ? wb_bytes_left(&code) : place->stride;
	uint8_t opcode, form;
	int64_t disp;

	if (wb_bytes_left(&code) >= 4 && !memcmp(code.at, place->is_64 ? endbr64 : endbr32, 4))
		wb_bytes_skip(&code, 4);
	opcode = wb_bytes_u8(&code);
	if (opcode == 0xf2)
		opcode = wb_bytes_u8(&code);
	form = wb_bytes_u8(&code);
	disp = wb_bytes_sint(&code, 4);
	if (wb_bytes_failed(&code) || wb_bytes_offset(&code) > size || opcode != 0xff)
		return 0;
	/* jmp *disp(%rip), or *disp on i386 */
	if (form == 0x25) {
		*ret_slot = place->is_64 ? place->vaddr + wb_bytes_offset(&code) + (uint64_t)disp : (uint32_t)disp;
		return size;
	}
	/* jmp *disp(%ebx): position-independent i386, where ebx holds the address of the global offset table */
	*ret_slot = (uint32_t)(place->got + (uint64_t)disp);
	return form == 0xa3 && !place->is_64 ? size : 0;
}

/* [bti c]; adrp x16, PAGE; ldr x17, [x16, OFFSET]; add x16, x16, OFFSET; [autia1716]; br x17; [nop...] */
static size_t read_aarch64(const struct elf_plt_place *place, struct wb_bytes code, uint64_t *ret_slot)
{
	enum { BTI_C = 0xd503245f, AUTIA1716 = 0xd503219f, NOP = 0xd503201f, ENTRY_MAX = 24 };
	const uint32_t br_x17 = 0xd61f0220;
	uint32_t adrp = wb_bytes_u32(&code), ldr, next;
	uint64_t page = place->vaddr;
	size_t size;

	if (adrp == BTI_C) {
		adrp = wb_bytes_u32(&code);
		page += 4;
	}
	ldr = wb_bytes_u32(&code);
	wb_bytes_u32(&code);          /* what is added is the same offset: resolvers want the slot's address */
	next = wb_bytes_u32(&code);
	if (next == AUTIA1716)
		next = wb_bytes_u32(&code);
	if (wb_bytes_failed(&code) || (adrp & 0x9f00001f) != 0x90000010 || (ldr & 0xffc003ff) != 0xf9400211 || next != br_x17)
		return 0;
	page &= ~UINT64_C(0xfff);
	page += sign_extend((adrp >> 5 & 0x7ffff) << 2 | (adrp >> 29 & 3), 21) << 12;
	*ret_slot = page + (uint64_t)(ldr >> 10 & 0xfff) * 8;
	for (size = (size_t)wb_bytes_offset(&code); size < ENTRY_MAX && wb_bytes_u32(&code) == NOP && !wb_bytes_failed(&code); size += 4)
		;
	return size;
}

/* ARM's "modified immediate": 8 bits, rotated right by twice 4 bits (A32, "Modified immediate constants"). */
static uint32_t arm_immediate(uint32_t insn)
{
	uint32_t value = insn & 0xff, turn = (insn >> 8 & 0xf) * 2;

	return turn ? value >> turn | value << (32 - turn) : value;
}

/* add ip, pc, #A; add ip, ip, #B (up to twice); ldr pc, [ip, #C]! */
static size_t read_arm(const struct elf_plt_place *place, struct wb_bytes code, uint64_t *ret_slot)
{
	uint32_t insn = wb_bytes_u32(&code), slot = (uint32_t)place->vaddr + 8; /* pc is two instructions ahead */

	if ((insn & 0xfffff000) != 0xe28fc000)
		return 0;
	slot += arm_immediate(insn);
	for (unsigned i = 0; i < 3; i++) {
		insn = wb_bytes_u32(&code);
		if ((insn & 0xfffff000) != 0xe28cc000)
			break;
		slot += arm_immediate(insn);
	}
	if (wb_bytes_failed(&code) || (insn & 0xfffff000) != 0xe5bcf000)
		return 0;
	*ret_slot = slot + (insn & 0xfff);
	return (size_t)wb_bytes_offset(&code);
}

/* auipc t3, HIGH; l[wd] t3, LOW(t3); jalr t1, t3; nop */
static size_t read_riscv(const struct elf_plt_place *place, struct wb_bytes code, uint64_t *ret_slot)
{
	uint32_t auipc = wb_bytes_u32(&code), load = wb_bytes_u32(&code), jalr = wb_bytes_u32(&code), nop = wb_bytes_u32(&code);

	if (wb_bytes_failed(&code) || (auipc & 0xfff) != 0xe17 || (load & 0xfffff) != (place->is_64 ? 0xe3e03 : 0xe2e03) || jalr != 0x000e0367 ||
	    nop != 0x13)
		return 0;
	*ret_slot = place->vaddr + sign_extend(auipc & 0xfffff000, 32) + sign_extend(load >> 20, 12);
	if (!place->is_64)
		*ret_slot = (uint32_t)*ret_slot;
	return 16;
}

static const struct elf_plt_code codes[] = {
	{ ELF_EM_X86_64, 7, 6, 37, 0, read_x86 },
	{ ELF_EM_386, 7, 6, 42, 0, read_x86 },
	{ ELF_EM_AARCH64, 1026, 1025, 1032, 4, read_aarch64 },
	{ ELF_EM_ARM, 22, 21, 160, 4, read_arm },
	{ ELF_EM_RISCV, 5, 0, 58, 4, read_riscv },
};

const struct elf_plt_code *wb_elf_plt_code(const struct elf *elf)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].machine == elf->machine)
			return &codes[i];
	return NULL;
}
