/* SPDX-License-Identifier: MIT */
/*
 * Unwind codes of x86-64 PE files, bytes in, rows out. Expected rows are by hand from Microsoft's "x64 exception handling". tests/oracle/windows.sh compares
 * with what a compiler says of its own code at each instruction.
 */
#include "pe_make.h"
#include "test.h"

#include <walkback/walkback.h>

#include "unwind/windows_epilogue.h"

#include <stdio.h>

static struct pe_make made;

/* "cfa=rsp+8 rbx=[rsp+0] rip=[rsp+8]", or "none", "broken". */
static void describe(struct wb_session *session, struct wb_image *image, uint64_t rva, char *text, size_t size)
{
	struct wb_row_info info = { .size = sizeof(info) };
	enum wb_err err = wb_row_info(session, image, PE_BASE + rva, WB_HOW_WINDOWS, &info);
	size_t used;

	if (err) {
		snprintf(text, size, "%s", err == WB_NONE ? "none" : "broken");
		return;
	}
	used = (size_t)snprintf(text, size, info.cfa.kind == WB_RULE_DEREF ? "%scfa=[%s%+lld]" : "%scfa=%s%+lld", info.signal_frame ? "signal " : "",
	                        wb_reg_name(WB_ARCH_X86_64, info.cfa.base), (long long)info.cfa.offset);
	for (size_t i = 0; i < info.num_rules && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, " %s=[%s%+lld]", wb_reg_name(WB_ARCH_X86_64, info.rules[i].reg),
		                         wb_reg_name(WB_ARCH_X86_64, info.rules[i].base), (long long)info.rules[i].offset);
}

static void translates_codes(void)
{
	static const struct { const char *name; uint64_t rva; const char *expect; } rows[] = {
		{ "before the prologue", 0x1000, "cfa=rsp+8 rip=[rsp+0]" },
		{ "after push rbp", 0x1001, "cfa=rsp+16 rbp=[rsp+0] rip=[rsp+8]" },
		{ "after push rbx", 0x1002, "cfa=rsp+24 rbx=[rsp+0] rbp=[rsp+8] rip=[rsp+16]" },
		{ "within sub rsp", 0x1005, "cfa=rsp+24 rbx=[rsp+0] rbp=[rsp+8] rip=[rsp+16]" },
		{ "body", 0x1006, "cfa=rsp+56 rbx=[rsp+32] rbp=[rsp+40] rip=[rsp+48]" },
		{ "add rsp, 32", 0x1010, "cfa=rsp+56 rbx=[rsp+32] rbp=[rsp+40] rip=[rsp+48]" },
		{ "pop rbx", 0x1014, "cfa=rsp+24 rbx=[rsp+0] rbp=[rsp+8] rip=[rsp+16]" },
		{ "pop rbp", 0x1015, "cfa=rsp+16 rbp=[rsp+0] rip=[rsp+8]" },
		{ "ret", 0x1016, "cfa=rsp+8 rip=[rsp+0]" },
		{ "large", 0x1030, "cfa=rsp+32776 rip=[rsp+32768]" },         /* 0x1000 * 8 + 8 */
		{ "huge", 0x1050, "cfa=rsp+2097176 rip=[rsp+2097168]" },      /* 0x200010 + 8 */
		{ "frame register", 0x1070, "cfa=rbp+16 rbp=[rbp+0] rip=[rbp+8]" }, /* rbp - 32 + 32 */
		{ "frame register not set yet", 0x1064, "cfa=rsp+48 rbp=[rsp+32] rip=[rsp+40]" },
		/* sub rsp, 64; mov [rsp+40], rdi; movaps [rsp+32], xmm6 */
		{ "saves", 0x1090, "cfa=rsp+72 rdi=[rsp+40] xmm6=[rsp+32] rip=[rsp+64]" },
		{ "chained", 0x10b0, "cfa=rsp+56 rbx=[rsp+32] rbp=[rsp+40] rip=[rsp+48]" },
		{ "machine frame", 0x10d0, "signal cfa=[rsp+24] rip=[rsp+0]" },
		{ "machine frame with an error code", 0x10f0, "signal cfa=[rsp+32] rip=[rsp+8]" },
		{ "unknown version", 0x1110, "broken" },
		{ "chained to itself", 0x1130, "broken" },
		{ "leaf", 0x1150, "cfa=rsp+8 rip=[rsp+0]" },
	};
	struct wb_session *session;
	struct wb_image *image;

	pe_make_codes(&made);
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_image_open_bytes(session, "app.exe", made.bytes, made.size, 0, NULL, NULL, &image) == WB_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[512];

		test_row(rows[i].name);
		describe(session, image, rows[i].rva, text, sizeof(text));
		CHECK_STR(text, rows[i].expect);
	}
	test_row(NULL);
	wb_image_unref(image);
	wb_session_free(session);
}

/* Three frames: in the epilogue of the first function, called from the body of the chained one, called from one with a frame register. */
static void walks(void)
{
	static const struct { uint64_t pc; enum wb_how how; } expect[] = {
		{ PE_BASE + 0x1015, WB_HOW_CONTEXT }, { PE_BASE + 0x10b0, WB_HOW_WINDOWS }, { PE_BASE + 0x1070, WB_HOW_WINDOWS },
	};
	uint64_t stack[16] = { [0] = LE64(0x11), [1] = LE64(PE_BASE + 0x10b0), [2 + 4] = LE64(0x22), [2 + 5] = LE64(0x7060), [2 + 6] = LE64(PE_BASE + 0x1070),
	                       [12] = LE64(0x33), [13] = 0 };
	const struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_WINDOWS };
	const struct wb_reg regs[] = { { WB_REG_PC, 0, PE_BASE + 0x1015 }, { 7, 0, 0x7000 } };
	struct wb_mapping mapping = { .size = sizeof(mapping), .start = PE_BASE, .end = PE_BASE + 0x3000, .base = PE_BASE, .prot = WB_PROT_UNKNOWN };
	struct wb_space *space, *mapped;
	struct wb_session *session;
	struct wb_walker *walker;
	struct wb_frame frames[8];
	struct wb_stop stop;
	size_t count;

	pe_make_codes(&made);
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_image_open_bytes(session, "app.exe", made.bytes, made.size, 0, NULL, NULL, &mapping.image) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &space) == WB_OK && wb_space_map(space, &mapping, 1, &mapped) == WB_OK);
	REQUIRE(wb_walker_new(session, NULL, &walker) == WB_OK);
	REQUIRE(wb_walk_stack(walker, mapped, regs, 2, 0x7000, stack, sizeof(stack), frames, sizeof(frames[0]), 8, &count, &stop) == WB_OK);
	CHECK_EQ_U64(count, 3);
	for (size_t i = 0; i < count && i < 3; i++) {
		CHECK_EQ_U64(frames[i].pc, expect[i].pc);
		CHECK_EQ_U64(frames[i].how, expect[i].how);
	}
	CHECK_EQ_I64(stop.reason, WB_STOP_ROOT);
	CHECK_EQ_I64(stop.root_by, WB_ROOT_PC_ZERO);
	wb_walker_free(walker);
	wb_space_unref(mapped);
	wb_space_unref(space);
	wb_image_unref(mapping.image);
	wb_session_free(session);
}

/* In a function at 0x100 to 0x200, at 0x180. */
static void tells_epilogues(void)
{
	static const struct { const char *name, *code; size_t size; uint8_t frame; bool is, from_frame; int32_t offset; unsigned pops; } rows[] = {
		{ "ret", "\xc3", 1, 0, true, false, 0, 0 },
		{ "rep ret", "\xf3\xc3", 2, 0, true, false, 0, 0 },
		{ "pop r12; pop rdi; ret", "\x41\x5c\x5f\xc3", 4, 0, true, false, 0, 2 },
		{ "add rsp, 0x1000; ret", "\x48\x81\xc4\x00\x10\x00\x00\xc3", 8, 0, true, false, 0x1000, 0 },
		{ "lea rsp, [rbp+16]; pop rbp; ret", "\x48\x8d\x65\x10\x5d\xc3", 6, 5, true, true, 16, 1 },
		{ "lea rsp, [r13+0x100]; ret", "\x49\x8d\xa5\x00\x01\x00\x00\xc3", 8, 13, true, true, 0x100, 0 },
		{ "lea rsp, [r12+16]; ret", "\x49\x8d\x64\x24\x10\xc3", 6, 12, true, true, 16, 0 },
		{ "lea rsp, [rbp+16] of another frame register", "\x48\x8d\x65\x10\x5d\xc3", 6, 3, false, false, 0, 0 },
		{ "jmp out", "\xe9\x00\x10\x00\x00", 5, 0, true, false, 0, 0 },
		{ "jmp short, inside", "\xeb\x10", 2, 0, false, false, 0, 0 },
		{ "jmp to the start", "\xe9\x7b\xff\xff\xff", 5, 0, true, false, 0, 0 }, /* 0x185 - 0x85 */
		{ "jmp [rip+0]", "\xff\x25\x00\x00\x00\x00", 6, 0, true, false, 0, 0 },
		{ "rex.w jmp rax", "\x48\xff\xe0", 3, 0, true, false, 0, 0 },
		{ "jmp rax of a switch", "\xff\xe0", 2, 0, false, false, 0, 0 },
		{ "pop rsp", "\x5c\xc3", 2, 0, false, false, 0, 0 },
		{ "mov", "\x48\x89\xc3", 3, 0, false, false, 0, 0 },
		{ "cut", "\x48\x83\xc4", 3, 0, false, false, 0, 0 },
		{ "nothing", "", 0, 0, false, false, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wb_windows_epilogue epilogue;

		test_row(rows[i].name);
		CHECK_EQ_I64(wb_windows_epilogue_read((const uint8_t *)rows[i].code, rows[i].size, 0x180, 0x100, 0x200, rows[i].frame, &epilogue), rows[i].is);
		if (!rows[i].is)
			continue;
		CHECK_EQ_I64(epilogue.from_frame, rows[i].from_frame);
		CHECK_EQ_I64(epilogue.offset, rows[i].offset);
		CHECK_EQ_U64(epilogue.num_pops, rows[i].pops);
	}
	test_row(NULL);
}

int main(void)
{
	TEST_RUN(translates_codes);
	TEST_RUN(walks);
	TEST_RUN(tells_epilogues);
	return test_summary();
}
