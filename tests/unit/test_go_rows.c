/* SPDX-License-Identifier: MIT */
/*
 * Rows of Go functions, in an ELF file that is made here around the small table of pclntab_make.h; expected rows are by hand from its distances of SP (0 up to 4,
 * 24 up to 0x38, 0 up to 0x40) and from Go's prologues (cmd/internal/obj/x86/obj6.go).
 */
#include "test.h"

#include "base/mem.h"
#include "elf_make.h"
#include "model/image.h"
#include "model/session.h"
#include "pclntab_make.h"
#include "unwind/cfi.h"
#include "unwind/go_rows.h"

#include <walkback/unwind.h>

enum { X86_64 = 62, AARCH64 = 183, PPC64 = 21, RISCV = 243, TEXT_SIZE = 0x60 };

static struct wb_session *session;

/* An image with these instructions at the start of main.outer, whose name becomes `name`, with these flags. */
static struct wb_image *make_image(uint16_t machine, const char *name, uint8_t flags, const uint8_t *code, size_t size)
{
	bool is_wide = machine != X86_64; /* instructions of four bytes */
	struct pclntab_make p;
	struct wb_image *image;
	struct elf_make m;
	uint8_t text[TEXT_SIZE] = { 0 };
	size_t file_size;

	memcpy(text, code, size);
	pclntab_make(&p, WB_PCLNTAB_1_20, 8, is_wide ? 4 : 1, false);
	if (name)
		pclntab_text(&p, 0x101, name);
	/* Of the first function's description: behind 40 bytes the id, then the flags. */
	p.bytes[0x380 + 41] = flags;
	elf_make_init(&m, true, false, 2, machine);
	elf_make_section(&m, ".text", 1, 6, PCLNTAB_TEXT, text, sizeof(text));
	elf_make_section(&m, ".gopclntab", 1, 2, PCLNTAB_ADDRESS, p.bytes, p.size);
	uint8_t *bytes = elf_make_finish(&m, &file_size);
	/* Freed with the image. */
	if (wb_image_open_bytes(session, "made", bytes, file_size, 0, free, bytes, &image) != WB_OK)
		exit(1);
	return image;
}

static const struct wb_row *find_row(struct wb_image *image, uint64_t pc, const struct wb_row_table **ret_table)
{
	struct wb_row_table *loose;
	struct wb_go_rows *rows = NULL;

	if (!CHECK(wb_go_rows_of_image(image, &rows) == WB_OK && rows) || !CHECK(wb_go_rows_find(rows, pc, ret_table, &loose) == WB_OK))
		exit(1);
	return wb_row_table_find(*ret_table, pc);
}

/* As it was up to 1.20: sub $24,%rsp; mov %rbp,16(%rsp); lea 16(%rsp),%rbp; then anything. */
static const uint8_t old_prologue[] = { 0x48, 0x83, 0xec, 0x18, 0x48, 0x89, 0x6c, 0x24, 0x10, 0x48, 0x8d, 0x6c, 0x24, 0x10, 0x90, 0x90 };

static void finds_frames_of_x86_64(void)
{
	static const struct { uint64_t pc; int32_t cfa; bool fp; } expect[] = {
		/* sub $24,%rsp ends at 4, mov %rbp,16(%rsp) at 9. */
		{ 0x1000, 8, false }, { 0x1003, 8, false }, { 0x1004, 32, false }, { 0x1008, 32, false }, { 0x1009, 32, true }, { 0x1037, 32, true },
		{ 0x1038, 8, false }, { 0x103f, 8, false }, { 0x1050, 8, false },
	};
	struct wb_image *image = make_image(X86_64, NULL, 0, old_prologue, sizeof(old_prologue));
	const struct wb_row_table *table;

	for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++) {
		const struct wb_row *row = find_row(image, expect[i].pc, &table);

		CHECK_EQ_I64(row->cfa_offset, expect[i].cfa);
		CHECK_EQ_I64(row->ra_offset, -8);
		CHECK(!(row->flags & ~WB_ROW_FP_SAVED) && !row->special && row->how == WB_HOW_GO);
		CHECK(!!(row->flags & WB_ROW_FP_SAVED) == expect[i].fp && (!expect[i].fp || row->fp_offset == -16));
		/* rbx, r12 to r15 */
		CHECK_EQ_U64(row->num_rules, 5);
	}
	wb_image_unref(image);
}

static void knows_the_runtime(void)
{
	static const struct { const char *name; uint8_t go_flags, flags, special; bool fp_base; } expect[] = {
		{ "runtime.goexit", 0, WB_ROW_FP_SAVED | WB_ROW_ROOT, WB_ROW_GO_TOP, false },
		{ "any", WB_GO_TOP_FRAME, WB_ROW_FP_SAVED | WB_ROW_ROOT, WB_ROW_GO_TOP, false },
		{ "sigpanic", 0, WB_ROW_FP_SAVED, 0, false },
		{ "runtime.sigpanic", 0, WB_ROW_FP_SAVED, WB_ROW_INJECTED, false },
		/* The frame pointer is set up behind 14. */
		{ "time.now", 0, WB_ROW_FP_SAVED | WB_ROW_FP_BASE, WB_ROW_JOINT, true },
		{ "any", WB_GO_SP_WRITE, WB_ROW_FP_SAVED | WB_ROW_FP_BASE, WB_ROW_JOINT, true },
		/* mov %rcx,%rsp, then nothing leads back. */
		{ "gogo", 0, WB_ROW_GENERAL, WB_ROW_JOINT, false },
	};
	uint8_t code[sizeof(old_prologue) + 3];

	memcpy(code, old_prologue, sizeof(old_prologue));
	memcpy(code + sizeof(old_prologue), "\x48\x89\xcc", 3);
	for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++) {
		struct wb_image *image;
		const struct wb_row_table *table;
		const struct wb_row *row;

		test_row(expect[i].name);
		/* Longer names run into the next, which nobody reads. */
		image = make_image(X86_64, expect[i].name, expect[i].go_flags, code, sizeof(code));
		row = find_row(image, 0x1020, &table);
		CHECK_EQ_U64(row->flags, expect[i].flags);
		CHECK_EQ_U64(row->special, expect[i].special);
		CHECK_EQ_I64(row->cfa_offset, expect[i].fp_base ? 16 : row->flags & WB_ROW_GENERAL ? 0 : 32);
		wb_image_unref(image);
	}
}

static bool has_rule(const struct wb_row_table *table, const struct wb_row *row, uint8_t slot, uint8_t kind, uint8_t base, int32_t offset)
{
	for (unsigned i = 0; i < row->num_rules; i++) {
		const struct wb_row_rule *rule = &wb_row_table_rules(table)[row->rules + i];

		if (rule->slot == slot)
			return rule->kind == kind && rule->base == base && rule->offset == offset;
	}
	return false;
}

/* Slots are DWARF numbers: 31 sp, 30 the link register, 29 the frame pointer, 32 the pc. */
static void finds_frames_of_aarch64(void)
{
	struct wb_image *image = make_image(AARCH64, "runtime.sigpanic", 0, old_prologue, 4), *plain = make_image(AARCH64, NULL, 0, old_prologue, 4);
	const struct wb_row_table *table;
	const struct wb_row *row = find_row(plain, 0x1000, &table);

	CHECK(row->flags == (WB_ROW_GENERAL | WB_ROW_BARRIER) && !row->special);
	CHECK(has_rule(table, row, WB_SLOT_CFA, WB_RULE_OFFSET, 31, 0) && has_rule(table, row, 32, WB_RULE_REGISTER, 30, 0));
	CHECK(has_rule(table, row, 29, WB_RULE_SAME, 0, 0));
	row = find_row(plain, 0x1004, &table);
	CHECK(has_rule(table, row, WB_SLOT_CFA, WB_RULE_OFFSET, 31, 24) && has_rule(table, row, 32, WB_RULE_OFFSET, 0, -24));
	CHECK(has_rule(table, row, 29, WB_RULE_VAL_OFFSET, 0, -8));
	/* The handler pushed what the link register had, in 16 bytes above the frame. */
	row = find_row(image, 0x1004, &table);
	CHECK(row->special == WB_ROW_INJECTED && has_rule(table, row, WB_SLOT_CFA, WB_RULE_OFFSET, 31, 24));
	CHECK(has_rule(table, row, 32, WB_RULE_OFFSET, 0, -24) && has_rule(table, row, 30, WB_RULE_OFFSET, 0, 0));
	CHECK(has_rule(table, row, 31, WB_RULE_VAL_OFFSET, 0, 16));
	wb_image_unref(image);
	wb_image_unref(plain);
}

/* Slots are DWARF numbers but for the pc's and, on ppc64, the link register's. The frame is 24 bytes from 0x1004 on. */
static void finds_frames_of_others(void)
{
	static const struct { uint16_t machine; const char *name; uint8_t sp, pc, link; int32_t at; } expect[] = {
		{ RISCV, NULL, 2, 32, 1, -24 },
		{ PPC64, NULL, 1, 34, 32, -24 },
		/* Its frame is C's: the return address is in the caller's (ELFv2 ABI, 2.2.3.1). */
		{ PPC64, "runtime.sigtramp", 1, 34, 32, 16 },
		{ RISCV, "runtime.sigtramp", 2, 32, 1, -24 },
		/* And this one's is anywhere: 0. */
		{ RISCV, "crosscall2", 2, 32, 1, 0 },
		{ AARCH64, "crosscall2", 31, 32, 30, 0 },
	};

	for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++) {
		struct wb_image *image = make_image(expect[i].machine, expect[i].name, 0, old_prologue, 4);
		const struct wb_row_table *table;
		struct wb_row_table *loose;
		struct wb_go_rows *rows;
		const struct wb_row *row = find_row(image, 0x1000, &table);

		test_row(expect[i].name ? expect[i].name : "main.outer");
		CHECK(has_rule(table, row, WB_SLOT_CFA, WB_RULE_OFFSET, expect[i].sp, 0));
		CHECK(has_rule(table, row, expect[i].pc, WB_RULE_REGISTER, expect[i].link, 0));
		REQUIRE(wb_go_rows_of_image(image, &rows) == WB_OK && rows);
		if (!expect[i].at) {
			CHECK_EQ_I64(wb_go_rows_find(rows, 0x1004, &table, &loose), WB_NONE);
		} else {
			row = find_row(image, 0x1004, &table);
			CHECK(has_rule(table, row, WB_SLOT_CFA, WB_RULE_OFFSET, expect[i].sp, 24));
			CHECK(has_rule(table, row, expect[i].pc, WB_RULE_OFFSET, 0, expect[i].at));
		}
		wb_image_unref(image);
	}
}

static void says_what_is_not_its_own(void)
{
	struct wb_image *image = make_image(X86_64, NULL, 0, old_prologue, sizeof(old_prologue));
	const struct wb_row_table *table;
	struct wb_row_table *loose;
	struct wb_go_rows *rows;

	REQUIRE(wb_go_rows_of_image(image, &rows) == WB_OK && rows);
	CHECK(wb_go_rows_find(rows, 0xfff, &table, &loose) == WB_NONE);
	CHECK(wb_go_rows_find(rows, 0x1060, &table, &loose) == WB_NONE);
	wb_image_unref(image);
}

int main(void)
{
	struct wb_session_opts opts = { .size = sizeof(opts) };

	if (wb_session_new(&opts, &session))
		return 2;
	TEST_RUN(finds_frames_of_x86_64);
	TEST_RUN(knows_the_runtime);
	TEST_RUN(finds_frames_of_aarch64);
	TEST_RUN(finds_frames_of_others);
	TEST_RUN(says_what_is_not_its_own);
	wb_session_free(session);
	return test_summary();
}
