/* SPDX-License-Identifier: MIT */
/*
 * Walks by STACK CFI alone, without the executables: what minidumps of phones are walked by. Register names are the architecture's own, return addresses of
 * 32-bit arm tell Thumb code by their lowest bit, and those of 64-bit arm are in a register named "lr".
 */
#include "image_made.h"

#include <walkback/walkback.h>

#include "model/arch.h"

enum { BASE = 0x40000000, STACK = 0x7ff00000, STACK_SIZE = 256, FRAMES = 4 };
#define DEBUG_ID "0123456789ABCDEF0123456789ABCDEF0"

static const struct {
	const char *name, *text;
	enum wb_arch arch;
	struct { unsigned at; uint64_t value; } words[4]; /* of the stack */
	struct { uint64_t pc, sp; } frames[FRAMES];
} cases[] = {
	{ "arm",
	  "MODULE Linux arm " DEBUG_ID " lib.so\nFUNC 100 40 0 inner\nFUNC 200 40 0 outer\n"
	  "STACK CFI INIT 100 40 .cfa: sp 0 + .ra: lr\nSTACK CFI 104 .cfa: sp 16 + .ra: .cfa -4 + ^ r11: .cfa -8 + ^\n"
	  "STACK CFI INIT 200 40 .cfa: r11 8 + .ra: .cfa -4 + ^ r11: .cfa -8 + ^\n",
	  WB_ARCH_ARM, { { 12, BASE + 0x221 }, { 8, STACK + 0x40 }, { 0x44, 0 }, { 0x40, 0 } },
	  { { BASE + 0x110, STACK }, { BASE + 0x220, STACK + 16 } } },
	{ "arm64",
	  "MODULE Linux arm64 " DEBUG_ID " lib.so\nFUNC 100 40 0 inner\nFUNC 200 40 0 outer\n"
	  "STACK CFI INIT 100 40 .cfa: sp 0 + .ra: x30\nSTACK CFI 104 .cfa: sp 32 + .ra: .cfa -8 + ^ x29: .cfa -16 + ^\n"
	  "STACK CFI INIT 200 40 .cfa: x29 16 + .ra: .cfa -8 + ^ x29: .cfa -16 + ^\n",
	  WB_ARCH_AARCH64, { { 24, BASE + 0x220 }, { 16, STACK + 0x40 }, { 0x48, 0 }, { 0x40, 0 } },
	  { { BASE + 0x110, STACK }, { BASE + 0x220, STACK + 32 } } },
};

static void make_space(struct wb_session *session, size_t row, struct wb_space **ret_space)
{
	const struct wb_platform platform = { .arch = cases[row].arch, .os = WB_OS_LINUX };
	struct wb_identity identity = { .size = sizeof(identity), .platform = platform, .path = "/lib.so", .debug_path = "/lib.so", .debug_id = DEBUG_ID };
	struct wb_mapping maps[] = {
		{ .size = sizeof(maps[0]), .start = BASE, .end = BASE + 0x1000, .base = BASE, .prot = WB_PROT_READ | WB_PROT_EXEC },
		{ .size = sizeof(maps[0]), .start = STACK, .end = STACK + STACK_SIZE, .prot = WB_PROT_READ | WB_PROT_WRITE },
	};
	struct wb_space *empty;

	REQUIRE(wb_image_new(session, &identity, &maps[0].image) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
	REQUIRE(wb_space_map(empty, maps, 2, ret_space) == WB_OK);
	wb_space_unref(empty);
	wb_image_unref(maps[0].image);
}

static void symbol_files_lead_on(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wb_arch_info *arch = wb_arch_info(cases[i].arch);
		const struct wb_reg regs[] = { { .number = WB_REG_PC, .value = cases[i].frames[0].pc }, { .number = arch->regs[arch->sp].number, .value = STACK } };
		const char *path = test_tmp("lib.sym");
		struct script script = { .offers = { { WB_FILE_SYMBOLS, path, false, false } }, .count = 1 };
		struct wb_session *session = new_session(false);
		uint8_t stack[STACK_SIZE] = { 0 };
		struct wb_frame frames[FRAMES];
		struct wb_space *space = NULL;
		struct wb_walker *walker;
		struct wb_stop stop;
		size_t count = 0;

		test_row(cases[i].name);
		test_write_file(path, cases[i].text, strlen(cases[i].text));
		for (size_t w = 0; w < 4; w++)
			for (unsigned byte = 0; byte < arch->word_size; byte++)
				stack[cases[i].words[w].at + byte] = (uint8_t)(cases[i].words[w].value >> 8 * byte);
		REQUIRE(wb_session_add_finder(session, find_scripted, &script, NULL) == WB_OK);
		make_space(session, i, &space);
		REQUIRE(wb_walker_new(session, NULL, &walker) == WB_OK);
		REQUIRE(wb_walk_stack(walker, space, regs, 2, STACK, stack, sizeof(stack), frames, sizeof(frames[0]), FRAMES, &count, &stop) == WB_OK);
		CHECK_EQ_U64(count, 2);
		for (size_t f = 0; f < count; f++) {
			CHECK_EQ_U64(frames[f].pc, cases[i].frames[f].pc);
			CHECK_EQ_U64(frames[f].sp, cases[i].frames[f].sp);
			CHECK_EQ_U64(frames[f].how, f ? WB_HOW_BREAKPAD : WB_HOW_CONTEXT);
		}
		CHECK_EQ_I64(stop.reason, WB_STOP_ROOT);
		wb_walker_free(walker);
		wb_space_unref(space);
		wb_session_free(session);
	}
}

int main(void)
{
	TEST_RUN(symbol_files_lead_on);
	return test_summary();
}
