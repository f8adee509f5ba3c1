/* SPDX-License-Identifier: MIT */
/*
 * A stopped thread of Go on x86-64, around the table of pclntab_make.h: main.outer, stopped at 0x1010 with the frame that its old prologue made (24 bytes,
 * FP saved at CFA - 16), called by main.last, which has no frame and whose return address is 0.
 *
 *     0x7000  SP, three words of main.outer, the second of them the saved FP (CFA - 16 is SP + 16)
 *     0x7018  return address to main.last, 0x1045
 *     0x7020  CFA; return address of main.last: 0
 */
#ifndef TESTS_UNIT_GO_SAMPLE_H
#define TESTS_UNIT_GO_SAMPLE_H

#include "test.h"

#include "elf_make.h"
#include "model/session.h"
#include "pclntab_make.h"

#include <walkback/inspect.h>

enum { GO_SP = 0x7000, GO_OUTER_PC = 0x1010, GO_LAST_PC = 0x1045, GO_STACK_WORDS = 8, GO_RBP = 6, GO_RSP = 7, GO_RIP = WB_REG_PC };

struct go_sample {
	struct wb_session *session;
	struct wb_image *image;
	struct wb_space *space;
	uint8_t stack[8 * GO_STACK_WORDS];
	struct wb_reg regs[3];
	struct wb_context context;
	struct wb_region region;
	struct wb_sample sample;
};

static inline void go_sample_store(struct go_sample *g, unsigned word, uint64_t value)
{
	for (unsigned i = 0; i < 8; i++)
		g->stack[8 * word + i] = (uint8_t)(value >> 8 * i);
}

/* fp: the register; saved: the word that main.outer saved it in. */
static inline bool go_sample_init(struct go_sample *g, uint64_t fp, uint64_t saved)
{
	/* sub $24,%rsp; mov %rbp,16(%rsp); lea 16(%rsp),%rbp: obj6.go up to Go 1.20; main.last: call main.outer; ret */
	static const uint8_t outer[] = { 0x48, 0x83, 0xec, 0x18, 0x48, 0x89, 0x6c, 0x24, 0x10, 0x48, 0x8d, 0x6c, 0x24, 0x10, 0x90, 0x90 };
	static const uint8_t last[] = { 0xe8, 0xbb, 0xff, 0xff, 0xff, 0xc3 };
	struct wb_session_opts opts = { .size = sizeof(opts) };
	struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX };
	struct wb_mapping mapping = { .size = sizeof(mapping), .start = 0x1000, .end = 0x1060, .prot = WB_PROT_READ | WB_PROT_EXEC };
	struct wb_space *empty = NULL;
	uint8_t text[0x60] = { 0 };
	struct pclntab_make p;
	struct elf_make m;
	size_t size;
	uint8_t *bytes;

	memset(g, 0, sizeof(*g));
	memcpy(text, outer, sizeof(outer));
	memcpy(text + 0x40, last, sizeof(last));
	pclntab_make(&p, WB_PCLNTAB_1_20, 8, 1, false);
	elf_make_init(&m, true, false, 2, 62);
	unsigned section = elf_make_section(&m, ".text", 1, 6, PCLNTAB_TEXT, text, sizeof(text));
	elf_make_section(&m, ".gopclntab", 1, 2, PCLNTAB_ADDRESS, p.bytes, p.size);
	elf_make_segment(&m, 1, 5, section, section);
	bytes = elf_make_finish(&m, &size);
	mapping.file_offset = m.sections[section].offset;
	if (wb_session_new(&opts, &g->session) || wb_image_open_bytes(g->session, "made", bytes, size, 0, free, bytes, &g->image))
		return false;
	mapping.image = g->image;
	if (wb_space_new(g->session, &platform, &empty) || wb_space_map(empty, &mapping, 1, &g->space))
		return false;
	wb_space_unref(empty);
	go_sample_store(g, 2, saved);
	go_sample_store(g, 3, GO_LAST_PC);
	go_sample_store(g, 5, GO_OUTER_PC + 1);
	go_sample_store(g, 6, GO_LAST_PC);
	go_sample_store(g, 7, GO_SP + 8);
	g->regs[0] = (struct wb_reg){ .number = GO_RBP, .value = fp };
	g->regs[1] = (struct wb_reg){ .number = GO_RSP, .value = GO_SP };
	g->regs[2] = (struct wb_reg){ .number = GO_RIP, .value = GO_OUTER_PC };
	g->context = (struct wb_context){ .regs = g->regs, .num_regs = 3, .pc_kind = WB_PC_EXACT };
	g->region = (struct wb_region){ GO_SP, g->stack, sizeof(g->stack) };
	g->sample = (struct wb_sample){ .size = sizeof(g->sample), .contexts = &g->context, .num_contexts = 1, .regions = &g->region, .num_regions = 1 };
	return true;
}

static inline void go_sample_deinit(struct go_sample *g)
{
	wb_space_unref(g->space);
	wb_image_unref(g->image);
	wb_session_free(g->session);
}

#endif
