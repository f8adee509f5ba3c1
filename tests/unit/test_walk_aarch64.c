/* SPDX-License-Identifier: MIT */
/*
 * What is different on aarch64: return addresses in x30, frame records that do not tell SP, signed return addresses, and the return code of signals, whose
 * frame is Linux's struct rt_sigframe (siginfo of 128 bytes; ucontext with its sigcontext at 176: fault address, x0 to x30, sp, pc).
 */
#include <walkback/walkback.h>

#include "tests/test.h"
#include "tests/unit/cfi_make.h"

#define CODE UINT64_C(0xaaaaaaaa0000)
#define STACK UINT64_C(0xfffffffe0000)
#define SIGNATURE (UINT64_C(0x5a) << 48)

enum { WORDS = 160, SAVED = (128 + 176 + 8) / 8, FRAMES = 8, TRAMPOLINE = 0x104 };

static uint64_t words[WORDS];

static uint64_t at(unsigned word)
{
	return STACK + word * 8;
}

static void put_record(unsigned word, uint64_t fp, uint64_t back)
{
	words[word] = LE64(fp);
	words[word + 1] = LE64(back);
}

/* A page of code that is in no file, with the return code of signals in it, and a stack. */
static void make_space(struct wb_session *session, struct wb_space **ret_space)
{
	static const uint32_t code[] = { LE32(0xd503201f), LE32(0xd2801168), LE32(0xd4000001) }; /* nop; mov x8, #139; svc #0 */
	const struct wb_platform platform = { .arch = WB_ARCH_AARCH64, .os = WB_OS_LINUX };
	const struct wb_mapping maps[] = {
		{ .size = sizeof(maps[0]), .start = CODE, .end = CODE + 0x1000, .prot = WB_PROT_READ | WB_PROT_EXEC },
		{ .size = sizeof(maps[0]), .start = STACK, .end = STACK + 0x20000, .prot = WB_PROT_READ | WB_PROT_WRITE },
	};
	const struct wb_memory memory = { .size = sizeof(memory), .kind = WB_MEMORY_BYTES, .start = CODE + TRAMPOLINE - 4,
	                                  .end = CODE + TRAMPOLINE - 4 + sizeof(code), .bytes = code };
	struct wb_space *empty, *mapped;

	REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
	REQUIRE(wb_space_map(empty, maps, 2, &mapped) == WB_OK);
	REQUIRE(wb_space_add_memory(mapped, &memory, ret_space) == WB_OK);
	wb_space_unref(empty);
	wb_space_unref(mapped);
}

static const struct {
	const char *name;
	struct { uint64_t pc, sp, fp, link; } regs;
	struct { uint64_t pc; enum wb_how how; uint64_t sp; } frames[FRAMES]; /* sp 0: unknown */
} cases[] = {
	{ "a chain of frame records", { CODE + 0x20, STACK, STACK + 16, 0 },
	  { { CODE + 0x20, WB_HOW_CONTEXT, STACK }, { CODE + 0x40, WB_HOW_FRAME_POINTER, 0 }, { CODE + 0x60, WB_HOW_FRAME_POINTER, 0 } } },
	{ "a call through a bad pointer", { 0x10, STACK, STACK + 16, CODE + 0x80 },
	  { { 0x10, WB_HOW_CONTEXT, STACK }, { CODE + 0x80, WB_HOW_LEAF, STACK }, { CODE + 0x40, WB_HOW_FRAME_POINTER, 0 },
	    { CODE + 0x60, WB_HOW_FRAME_POINTER, 0 } } },
	{ "the same, signed", { 0x10, STACK, STACK + 16, (CODE + 0x80) | SIGNATURE },
	  { { 0x10, WB_HOW_CONTEXT, STACK }, { CODE + 0x80, WB_HOW_LEAF, STACK }, { CODE + 0x40, WB_HOW_FRAME_POINTER, 0 },
	    { CODE + 0x60, WB_HOW_FRAME_POINTER, 0 } } },
	{ "the return code of signals", { CODE + TRAMPOLINE, STACK + 64, 0, 0 },
	  { { CODE + TRAMPOLINE, WB_HOW_CONTEXT, STACK + 64 }, { CODE + 0x30, WB_HOW_CODE, STACK + 1024 }, { CODE + 0x60, WB_HOW_FRAME_POINTER, 0 } } },
	{ "its second instruction", { CODE + TRAMPOLINE + 4, STACK + 64, 0, 0 },
	  { { CODE + TRAMPOLINE + 4, WB_HOW_CONTEXT, STACK + 64 }, { CODE + 0x30, WB_HOW_CODE, STACK + 1024 },
	    { CODE + 0x60, WB_HOW_FRAME_POINTER, 0 } } },
};

/* Records at STACK + 16 and STACK + 1040; a signal's frame at STACK + 64, of something interrupted with SP = STACK + 1024 and the second record. */
static void make_stack(void)
{
	memset(words, 0, sizeof(words));
	put_record(2, at(130), (CODE + 0x40) | SIGNATURE);
	put_record(130, at(140), CODE + 0x60);
	put_record(140, 0, 0);
	words[8 + SAVED + 29] = LE64(at(130));
	words[8 + SAVED + 31] = LE64(STACK + 1024);
	words[8 + SAVED + 32] = LE64(CODE + 0x30);
}

static void walks(void)
{
	const struct wb_session_opts opts = { .size = sizeof(opts) };
	struct wb_session *session;
	struct wb_walker *walker;
	struct wb_space *space = NULL;

	REQUIRE(wb_session_new(&opts, &session) == WB_OK);
	REQUIRE(wb_walker_new(session, NULL, &walker) == WB_OK);
	make_space(session, &space);
	make_stack();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wb_reg regs[] = { { .number = WB_REG_PC, .value = cases[i].regs.pc }, { .number = 31, .value = cases[i].regs.sp },
		                               { .number = 29, .value = cases[i].regs.fp }, { .number = 30, .value = cases[i].regs.link } };
		struct wb_frame frames[FRAMES];
		struct wb_stop stop;
		size_t count = 0;

		test_row(cases[i].name);
		REQUIRE(wb_walk_stack(walker, space, regs, 4, STACK, words, sizeof(words), frames, sizeof(frames[0]), FRAMES, &count, &stop) == WB_OK);
		CHECK_EQ_I64(stop.reason, WB_STOP_ROOT);
		CHECK(count < FRAMES && !cases[i].frames[count].pc);
		for (size_t j = 0; j < count; j++) {
			CHECK_EQ_U64(frames[j].pc, cases[i].frames[j].pc);
			CHECK_EQ_U64(frames[j].how, cases[i].frames[j].how);
			CHECK_EQ_U64(frames[j].sp, cases[i].frames[j].sp);
		}
	}
	wb_space_unref(space);
	wb_walker_free(walker);
	wb_session_free(session);
}

/* ---- The link register in code without call frame information ---- */

#define IMAGE UINT64_C(0xaaaaaab00000)
enum { WITH = 0x1000, WITHOUT = 0x1100, ANCHOR = 0x1400, LEAF = 0x1800 }; /* WITH: CFA = sp + 32, x29 at CFA - 16, x30 at CFA - 8; LEAF: CFA = sp, x30 untouched; ANCHOR: by its symbol */

static void open_program(struct wb_session *session, struct wb_space **ret_space)
{
	static const uint8_t start[] = { 0x0c, 31, 0 }, frame[] = { 0x0e, 32, 0x9d, 2, 0x9e, 1 };
	static struct cfi_make cfi;
	static uint8_t code[0x1000], hdr[256];
	const struct wb_platform platform = { .arch = WB_ARCH_AARCH64, .os = WB_OS_LINUX };
	struct wb_mapping maps[2] = {
		{ .size = sizeof(maps[0]), .start = IMAGE + WITH, .end = IMAGE + WITH + sizeof(code), .prot = WB_PROT_READ | WB_PROT_EXEC },
		{ .size = sizeof(maps[0]), .start = STACK, .end = STACK + 0x20000, .prot = WB_PROT_READ | WB_PROT_WRITE },
	};
	static const uint32_t leaf[] = { LE32(0xd503201f), LE32(0xd503201f), LE32(0xd503201f), LE32(0xd65f03c0) }; /* nop three times; ret */
	/* stp x29, x30, [sp, #-32]!; mov x29, sp; bl .; ldp x29, x30, [sp], #32; ret */
	static const uint32_t anchor[] = { LE32(0xa9be7bfd), LE32(0x910003fd), LE32(0x94000000), LE32(0xa8c27bfd), LE32(0xd65f03c0) };
	static uint8_t symbols[48];
	struct wb_space *empty;
	struct elf_make m;
	unsigned text, eh;
	uint8_t *file;
	size_t size, cie;

	memcpy(code + LEAF - WITH, leaf, sizeof(leaf));
	memcpy(code + ANCHOR - WITH, anchor, sizeof(anchor));
	cfi = (struct cfi_make){ .vaddr = 0x4000, .address_size = 8, .version = 1, .ra_column = 30, .augmentation = "zR", .encoding = 0x1b };
	cie = cfi_make_cie(&cfi, start, sizeof(start));
	cfi_make_fde(&cfi, cie, WITH, WITHOUT - WITH, frame, sizeof(frame));
	cfi_make_fde(&cfi, cie, LEAF, 0x100, frame, 0);
	elf_make_init(&m, true, false, 3, 183);
	text = elf_make_section(&m, ".text", 1, 6, WITH, code, sizeof(code));
	elf_make_section(&m, ".eh_frame_hdr", 1, 2, 0x3000, hdr, cfi_make_hdr(&cfi, 0x3000, hdr));
	eh = elf_make_section(&m, ".eh_frame", 1, 2, 0x4000, cfi.bytes, cfi.size);
	elf_make_symbol(&m, symbols + 24, 1, 0x12, (uint16_t)text, ANCHOR, sizeof(anchor)); /* STB_GLOBAL, STT_FUNC */
	elf_make_section(&m, ".strtab", 3, 0, 0, "\0anchor", 8);
	m.sections[elf_make_section(&m, ".symtab", 2, 0, 0, symbols, sizeof(symbols))].link = eh + 1;
	elf_make_segment(&m, 1, 5, text, text);
	elf_make_segment(&m, 1, 4, eh - 1, eh);
	file = elf_make_finish(&m, &size);
	maps[0].file_offset = m.sections[text].offset;
	REQUIRE(wb_image_open_bytes(session, "program", file, size, 0, free, file, &maps[0].image) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
	REQUIRE(wb_space_map(empty, maps, 2, ret_space) == WB_OK);
	wb_image_unref(maps[0].image);
	wb_space_unref(empty);
}

static const struct {
	const char *name;
	uint64_t fp, link;
	uint64_t back;                /* what the record at fp returns to */
	struct { uint64_t pc; enum wb_how how; } second;
} link_cases[] = {
	{ "called from code with information", STACK + 16, IMAGE + WITH + 0x20, IMAGE + WITH + 0x60, { IMAGE + WITH + 0x20, WB_HOW_LEAF } },
	{ "signed", STACK + 16, (IMAGE + WITH + 0x20) | SIGNATURE, IMAGE + WITH + 0x60, { IMAGE + WITH + 0x20, WB_HOW_LEAF } },
	{ "what it called has returned", STACK + 16, IMAGE + WITHOUT + 0x40, IMAGE + WITH + 0x60, { IMAGE + WITH + 0x60, WB_HOW_FRAME_POINTER } },
	{ "its frame is set up", STACK + 16, IMAGE + WITH + 0x20, IMAGE + WITH + 0x20, { IMAGE + WITH + 0x20, WB_HOW_FRAME_POINTER } },
	{ "nothing there", STACK + 16, 0, IMAGE + WITH + 0x60, { IMAGE + WITH + 0x60, WB_HOW_FRAME_POINTER } },
};

static void link_register(void)
{
	struct wb_session *session;
	struct wb_walker *walker;
	struct wb_space *space = NULL;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_walker_new(session, NULL, &walker) == WB_OK);
	open_program(session, &space);
	for (size_t i = 0; i < sizeof(link_cases) / sizeof(link_cases[0]); i++) {
		const struct wb_reg regs[] = { { .number = WB_REG_PC, .value = IMAGE + WITHOUT + 0x10 }, { .number = 31, .value = STACK },
		                               { .number = 29, .value = link_cases[i].fp }, { .number = 30, .value = link_cases[i].link } };
		struct wb_frame frames[FRAMES];
		struct wb_stop stop;
		size_t count = 0;

		test_row(link_cases[i].name);
		memset(words, 0, sizeof(words));
		put_record(2, 0, link_cases[i].back);
		REQUIRE(wb_walk_stack(walker, space, regs, 4, STACK, words, sizeof(words), frames, sizeof(frames[0]), FRAMES, &count, &stop) == WB_OK);
		REQUIRE(count > 1);
		CHECK_EQ_U64(frames[1].pc, link_cases[i].second.pc);
		CHECK_EQ_U64(frames[1].how, link_cases[i].second.how);
	}
	wb_space_unref(space);
	wb_walker_free(walker);
	wb_session_free(session);
}

/* ---- Frame pointers alone ---- */

static const struct {
	const char *name;
	uint64_t pc, link;
	bool is_by_link;
} alone_cases[] = {
	{ "a leaf function", IMAGE + LEAF + 4, IMAGE + WITH + 0x20, true },
	{ "the same, signed", IMAGE + LEAF + 4, (IMAGE + WITH + 0x20) | SIGNATURE, true },
	{ "the register leads nowhere", IMAGE + LEAF + 4, STACK, false },
	{ "instructions that tell nothing", IMAGE + WITHOUT + 0x10, IMAGE + WITH + 0x20, false },
};

static void frame_pointers_alone(void)
{
	static const enum wb_how strategies[] = { WB_HOW_FRAME_POINTER };
	const struct wb_walker_opts opts = { .size = sizeof(opts), .strategies = strategies, .num_strategies = 1 };
	struct wb_session *session;
	struct wb_walker *walker;
	struct wb_space *space = NULL;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_walker_new(session, &opts, &walker) == WB_OK);
	open_program(session, &space);
	for (size_t i = 0; i < sizeof(alone_cases) / sizeof(alone_cases[0]); i++) {
		const struct wb_reg regs[] = { { .number = WB_REG_PC, .value = alone_cases[i].pc }, { .number = 31, .value = STACK },
		                               { .number = 29, .value = STACK + 16 }, { .number = 30, .value = alone_cases[i].link } };
		size_t count = 0, by_link = alone_cases[i].is_by_link;
		struct wb_frame frames[FRAMES];
		struct wb_stop stop;

		test_row(alone_cases[i].name);
		memset(words, 0, sizeof(words));
		put_record(2, 0, IMAGE + WITH + 0x60);
		REQUIRE(wb_walk_stack(walker, space, regs, 4, STACK, words, sizeof(words), frames, sizeof(frames[0]), FRAMES, &count, &stop) == WB_OK);
		if (!CHECK_EQ_U64(count, 2 + by_link))
			continue;
		CHECK_EQ_I64(stop.reason, WB_STOP_ROOT);
		CHECK_EQ_U64(frames[1].pc, IMAGE + WITH + (by_link ? 0x20 : 0x60));
		CHECK_EQ_U64(frames[1].how, by_link ? WB_HOW_CODE : WB_HOW_FRAME_POINTER);
		CHECK_EQ_U64(frames[count - 1].pc, IMAGE + WITH + 0x60);
		CHECK_EQ_U64(frames[count - 1].how, WB_HOW_FRAME_POINTER);
	}
	wb_space_unref(space);
	wb_walker_free(walker);
	wb_session_free(session);
}

/* ---- Behind a chain of frame records ---- */

/* The stack pointer is lost there; what a function's instructions say of it is a conclusion, and so is what counts from that. */
static void concluded_stack_pointer(void)
{
	const struct wb_reg regs[] = { { .number = WB_REG_PC, .value = IMAGE + WITHOUT + 0x10 }, { .number = 31, .value = STACK }, { .number = 29, .value = at(2) },
	                               { .number = 30, .value = 0 } };
	static const struct { uint64_t pc; enum wb_how how; unsigned sp; bool is_derived; } expected[] = {
		{ IMAGE + WITHOUT + 0x10, WB_HOW_CONTEXT, 0, false }, { IMAGE + ANCHOR + 12, WB_HOW_FRAME_POINTER, WORDS, false },
		{ IMAGE + WITH + 0x20, WB_HOW_CODE, 10, true }, { IMAGE + WITH + 0x60, WB_HOW_CFI, 14, true },
	};
	struct wb_session *session;
	struct wb_walker *walker;
	struct wb_space *space = NULL;
	struct wb_frame frames[FRAMES];
	struct wb_stop stop;
	size_t count = 0;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_walker_new(session, NULL, &walker) == WB_OK);
	open_program(session, &space);
	memset(words, 0, sizeof(words));
	put_record(2, at(6), IMAGE + ANCHOR + 12);
	put_record(6, at(12), IMAGE + WITH + 0x20);
	put_record(12, 0, IMAGE + WITH + 0x60);
	REQUIRE(wb_walk_stack(walker, space, regs, 4, STACK, words, sizeof(words), frames, sizeof(frames[0]), FRAMES, &count, &stop) == WB_OK);
	CHECK(count >= 4);
	for (size_t i = 0; i < 4 && i < count; i++) {
		CHECK_EQ_U64(frames[i].pc, expected[i].pc);
		CHECK_EQ_U64(frames[i].how, expected[i].how);
		CHECK_EQ_U64(frames[i].sp, expected[i].sp == WORDS ? 0 : at(expected[i].sp));
		CHECK_EQ_U64(!(frames[i].flags & WB_FRAME_SP_DERIVED), !expected[i].is_derived);
	}
	wb_space_unref(space);
	wb_walker_free(walker);
	wb_session_free(session);
}

/* ---- Recorded frames with the link register beside them ---- */

static const struct {
	const char *name;
	uint64_t pc, link;
	bool is_added;
} given_cases[] = {
	{ "a leaf function", IMAGE + LEAF + 8, IMAGE + WITH + 0x20, true },
	{ "the same, signed", IMAGE + LEAF + 8, (IMAGE + WITH + 0x20) | SIGNATURE, true },
	{ "the chain has it", IMAGE + LEAF + 8, IMAGE + WITH + 0x60, false },
	{ "a frame is set up", IMAGE + WITH + 8, IMAGE + WITH + 0x20, false },
	{ "no code", IMAGE + LEAF + 8, STACK, false },
};

static void recorded_leaf(void)
{
	struct wb_session *session;
	struct wb_walker *walker;
	struct wb_space *space = NULL;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_walker_new(session, NULL, &walker) == WB_OK);
	open_program(session, &space);
	for (size_t i = 0; i < sizeof(given_cases) / sizeof(given_cases[0]); i++) {
		const struct wb_given given[] = { { .address = given_cases[i].pc, .kind = WB_GIVEN_USER, .pc_kind = WB_PC_EXACT },
		                                  { .address = IMAGE + WITH + 0x60, .kind = WB_GIVEN_USER, .pc_kind = WB_PC_RETURN } };
		const struct wb_reg link = { .number = 30, .value = given_cases[i].link };
		const struct wb_context context = { .regs = &link, .num_regs = 1 };
		const struct wb_sample sample = { .size = sizeof(sample), .given = given, .num_given = 2, .contexts = &context, .num_contexts = 1 };
		size_t count = 0, expected = given_cases[i].is_added ? 3 : 2;
		struct wb_frame frames[FRAMES];
		struct wb_stop stop;

		test_row(given_cases[i].name);
		REQUIRE(wb_walk(walker, space, &sample, frames, sizeof(frames[0]), FRAMES, &count, &stop) == WB_OK);
		if (!CHECK_EQ_U64(count, expected))
			continue;
		CHECK_EQ_I64(stop.reason, WB_STOP_GIVEN);
		CHECK_EQ_U64(frames[0].pc, given[0].address);
		CHECK_EQ_U64(frames[count - 1].pc, given[1].address);
		CHECK_EQ_U64(frames[1].pc, given_cases[i].is_added ? IMAGE + WITH + 0x20 : given[1].address);
		CHECK_EQ_U64(frames[1].how, given_cases[i].is_added ? WB_HOW_LEAF : WB_HOW_GIVEN);
	}
	wb_space_unref(space);
	wb_walker_free(walker);
	wb_session_free(session);
}

int main(void)
{
	TEST_RUN(walks);
	TEST_RUN(link_register);
	TEST_RUN(frame_pointers_alone);
	TEST_RUN(concluded_stack_pointer);
	TEST_RUN(recorded_leaf);
	return test_summary();
}
