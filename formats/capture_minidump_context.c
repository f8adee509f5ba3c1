/* SPDX-License-Identifier: MIT */
/*
 * Processors and their contexts in minidumps: where CONTEXT (winnt.h of the Windows SDK; Breakpad's minidump_cpu_*.h for the others) has each
 * register. Integer registers alone: no unwind rule of theirs needs more, but for x86-64's xmm6 to xmm15, of which the low halves are taken.
 */
#include "formats/capture_minidump.h"

/* A run of registers, one after the other. */
struct run {
	uint16_t offset;              /* of the first, bytes in the context */
	uint8_t size, stride;         /* bytes of a register, and from one to the next */
	uint8_t count;
	uint32_t number;              /* DWARF number of the first, or WB_REG_PC; those that follow count up */
};

struct layout {
	uint16_t cpu;                 /* PROCESSOR_ARCHITECTURE_* */
	enum wb_arch arch;
	uint16_t min_size;            /* bytes: up to the last register */
	uint16_t size;                /* exactly, where a processor has contexts of two kinds; 0: any */
	uint8_t num_runs;
	struct run runs[20];
};

/* System V i386 psABI, table 2.14: eax ecx edx ebx esp ebp esi edi eip eflags. */
static const struct layout layouts[] = {
	{ 0, WB_ARCH_X86, 204, 0, 10, {
		{ 0xb0, 4, 4, 1, 0 }, { 0xac, 4, 4, 1, 1 }, { 0xa8, 4, 4, 1, 2 }, { 0xa4, 4, 4, 1, 3 }, { 0xc4, 4, 4, 1, 4 },
		{ 0xb4, 4, 4, 1, 5 }, { 0xa0, 4, 4, 1, 6 }, { 0x9c, 4, 4, 1, 7 }, { 0xb8, 4, 4, 1, WB_REG_PC }, { 0xc0, 4, 4, 1, 9 } } },
	/* AMD64 psABI, figure 3.36: rax rdx rcx rbx rsi rdi rbp rsp r8 to r15, xmm0 is 17. */
	{ 9, WB_ARCH_X86_64, 256, 0, 11, {
		{ 0x78, 8, 8, 1, 0 }, { 0x88, 8, 8, 1, 1 }, { 0x80, 8, 8, 1, 2 }, { 0x90, 8, 8, 1, 3 }, { 0xa8, 8, 8, 1, 4 }, { 0xb0, 8, 8, 1, 5 },
		{ 0xa0, 8, 8, 1, 6 }, { 0x98, 8, 8, 1, 7 }, { 0xb8, 8, 8, 8, 8 }, { 0xf8, 8, 8, 1, WB_REG_PC }, { 0x1a0, 8, 16, 16, 17 } } },
	{ 5, WB_ARCH_ARM, 68, 0, 2, { { 4, 4, 4, 16, 0 }, { 64, 4, 4, 1, WB_REG_PC } } },
	/* Windows' own and, of 796 bytes, the one that Breakpad had before. */
	{ 12, WB_ARCH_AARCH64, 272, 0, 2, { { 8, 8, 8, 32, 0 }, { 0x108, 8, 8, 1, WB_REG_PC } } },
	{ 0x8003, WB_ARCH_AARCH64, 272, 796, 2, { { 8, 8, 8, 32, 0 }, { 0x108, 8, 8, 1, WB_REG_PC } } },
};
enum { NUM_LAYOUTS = sizeof(layouts) / sizeof(layouts[0]) };

enum wb_arch wb_minidump_arch(uint16_t cpu)
{
	for (size_t i = 0; i < NUM_LAYOUTS; i++)
		if (layouts[i].cpu == cpu)
			return layouts[i].arch;
	return WB_ARCH_UNKNOWN;
}

static const struct layout *layout_of(uint16_t cpu, size_t size)
{
	for (size_t i = 0; i < NUM_LAYOUTS; i++)
		if (layouts[i].cpu == cpu && size >= layouts[i].min_size && (!layouts[i].size || layouts[i].size == size))
			return &layouts[i];
	return NULL;
}

void wb_minidump_context(const struct wb_minidump *m, struct wb_bytes *b, struct wb_reg *regs, size_t *ret_count)
{
	const struct layout *layout = layout_of(m->cpu, wb_bytes_size(b));
	size_t count = 0;

	for (unsigned r = 0; layout && r < layout->num_runs; r++) {
		const struct run *run = &layout->runs[r];

		for (unsigned i = 0; i < run->count && count < WB_MINIDUMP_REGS_MAX; i++) {
			size_t offset = run->offset + (size_t)i * run->stride;

			/* Contexts without floating point state end before it. */
			if (wb_bytes_size(b) - run->size < offset)
				break;
			wb_bytes_seek(b, offset);
			regs[count++] = (struct wb_reg){ .number = run->number + i, .value = wb_bytes_uint(b, run->size) };
		}
	}
	*ret_count = count;
}
