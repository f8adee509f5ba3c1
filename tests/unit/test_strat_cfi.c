/* SPDX-License-Identifier: MIT */
/*
 * The first callers of 64-bit Arm code whose call frame information is not to be believed at every instruction, and of code where it is. The functions are
 * those that LLVM compiles; what is expected follows from their instructions: what is saved where, and whether it is yet.
 */
#include "cfi_make.h"
#include "tests/test.h"

#include <walkback/unwind.h>

#include <stdlib.h>

enum { LOAD = 0x500000, TEXT = 0x1000, FRAMES = 0x3000, STACK = 0x7000, CALLER = LOAD + TEXT + 0x104, RET = 0xd65f03c0, NOP = 0xd503201f };

/* LLVM 19: the store that takes the frame was joined with one behind the next instructions; what is said of it was not moved. */
static const uint32_t late_store[] = {
	0xd503233f,           /* paciasp */
	0xd00000e8,           /* adrp x8, ... */
	0x91354108,           /* add x8, x8, #0xd50 */
	0xa9bf23fe,           /* stp x30, x8, [sp, #-16]! */
	NOP,                  /* the body */
	0xf84107fe,           /* ldr x30, [sp], #16 */
	0xd50323bf,           /* autiasp */
	RET,
};
/* advance 4; negate_ra_state; def_cfa_offset 16; offset x30 16; advance 20; def_cfa_offset 0; restore x30; advance 4; negate_ra_state */
static const uint8_t late_store_cfi[] = { 0x44, 0x2d, 0x0e, 16, 0x9e, 2, 0x54, 0x0e, 0, 0xde, 0x44, 0x2d };

/* As it should be: each row behind its store. */
static const uint32_t honest[] = { 0xd503233f, 0xf81f0ffe /* str x30, [sp, #-16]! */, NOP, NOP, NOP, 0xf84107fe, 0xd50323bf, RET };
static const uint8_t honest_cfi[] = { 0x44, 0x2d, 0x44, 0x0e, 16, 0x9e, 2, 0x50, 0x0e, 0, 0xde, 0x44, 0x2d };

struct function { const char *name; const uint32_t *code; const uint8_t *cfi; size_t cfi_size; unsigned stored, loaded; /* numbers of instructions */ };
static const struct function functions[] = {
	{ "a store behind its row", late_store, late_store_cfi, sizeof late_store_cfi, 3, 5 },
	{ "a row behind its store", honest, honest_cfi, sizeof honest_cfi, 1, 5 },
};

static struct wb_image *make(struct wb_session *session, const struct function *f)
{
	/* def_cfa sp, 0 */
	static const uint8_t initial[] = { 0x0c, 31, 0 };
	struct cfi_make cfi = { .vaddr = FRAMES, .address_size = 8, .version = 1, .augmentation = "zR", .encoding = 0x1b, .ra_column = 30 };
	uint8_t text[0x200];
	struct wb_image *image;
	struct elf_make m;
	size_t size, cie;

	for (size_t i = 0; i < sizeof text; i += 4)
		memcpy(text + i, &(uint32_t){ LE32(i < sizeof late_store ? f->code[i / 4] : NOP) }, 4);
	cie = cfi_make_cie(&cfi, initial, sizeof initial);
	cfi_make_fde(&cfi, cie, TEXT, sizeof late_store, f->cfi, f->cfi_size);
	/* The caller has no caller. */
	cfi_make_fde(&cfi, cie, TEXT + 0x100, 0x20, (const uint8_t[]){ 0x07, 30 }, 2);
	cfi_make_put(&cfi, 0, 4);
	elf_make_init(&m, true, false, 3, 183);
	unsigned first = elf_make_section(&m, ".text", 1, 6, TEXT, text, sizeof text);
	unsigned last = elf_make_section(&m, ".eh_frame", 1, 2, FRAMES, cfi.bytes, cfi.size);
	elf_make_segment(&m, 1, 5, first, last);
	uint8_t *bytes = elf_make_finish(&m, &size);

	CHECK_EQ_U64(wb_image_open_bytes(session, "made", bytes, size, 0, free, bytes, &image), WB_OK);
	return image;
}

/* At each instruction, with the return address where it is then. */
static void step_through(const struct function *f)
{
	const struct wb_platform platform = { .arch = WB_ARCH_AARCH64 };
	struct wb_mapping mapping = { .size = sizeof mapping, .start = LOAD, .end = LOAD + 0x4000, .base = LOAD + TEXT, .prot = WB_PROT_READ | WB_PROT_EXEC };
	struct wb_session *session;
	struct wb_space *empty, *space;
	struct wb_walker *walker;

	CHECK_EQ_U64(wb_session_new(NULL, &session), WB_OK);
	mapping.image = make(session, f);
	CHECK(!wb_space_new(session, &platform, &empty) && !wb_space_map(empty, &mapping, 1, &space) && !wb_walker_new(session, NULL, &walker));
	for (unsigned i = 0; i < 8; i++) {
		bool is_saved = i > f->stored && i <= f->loaded;
		const struct wb_reg regs[] = {
			{ .number = WB_REG_PC, .value = LOAD + TEXT + 4 * i }, { .number = 31, .value = STACK - (is_saved ? 16 : 0) }, { .number = 29, .value = 0 },
			{ .number = 30, .value = is_saved ? 0xbad : CALLER },
		};
		uint64_t stack[] = { LE64(is_saved ? CALLER : 0xbad), LE64(0xbad), LE64(0xbad), LE64(0xbad) };
		struct wb_frame frames[8];
		struct wb_stop stop;
		size_t count = 0;

		CHECK_EQ_U64(wb_walk_stack(walker, space, regs, 4, STACK - 16, stack, sizeof stack, frames, sizeof frames[0], 8, &count, &stop), WB_OK);
		test_check(count == 2 && frames[1].pc == CALLER && stop.reason == WB_STOP_ROOT, TEST_WHERE, "%s: instruction %u: %zu frames, %s", f->name,
		           i, count, wb_stop_text(stop.reason));
	}
	wb_walker_free(walker);
	wb_space_unref(space);
	wb_space_unref(empty);
	wb_image_unref(mapping.image);
	wb_session_free(session);
}

static void each_instruction(void)
{
	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
		step_through(&functions[i]);
}

int main(void)
{
	TEST_RUN(each_instruction);
	return test_summary();
}
