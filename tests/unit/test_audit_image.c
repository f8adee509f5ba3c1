/* SPDX-License-Identifier: MIT */
/*
 * Functions that break walks, in files that are made here: one function of machine code each, whose findings are worked out by hand from the
 * instructions. Encodings: Intel SDM volume 2; Arm ARM, C4.1.
 */
#include "test.h"

#include "elf_make.h"
#include "model/session.h"
#include "pclntab_make.h"

#include <walkback/inspect.h>

enum { X86_64 = 62, AARCH64 = 183, TEXT = 0x1000, CODE_MAX = 48, FOUND_MAX = 16 };

static struct wb_session *session;

struct found { struct wb_finding items[FOUND_MAX]; size_t count; };

static enum wb_err see(void *arg, const struct wb_finding *finding)
{
	struct found *found = arg;

	if (found->count < FOUND_MAX)
		found->items[found->count++] = *finding;
	return WB_OK;
}

static struct wb_image *open_made(uint8_t *bytes, size_t size)
{
	struct wb_image *image;

	if (wb_image_open_bytes(session, "made", bytes, size, 0, free, bytes, &image) != WB_OK)
		exit(1);
	return image;
}

/* A file with one function, which a symbol tells of, and room behind it that belongs to no function. */
static struct wb_image *make_plain(uint16_t machine, const uint8_t *code, size_t size)
{
	uint8_t text[0x100] = { 0 }, *bytes;
	size_t file_size;

	memcpy(text, code, size);
	bytes = elf_make_function(machine, TEXT, text, sizeof(text), size, &file_size);
	return open_made(bytes, file_size);
}

/* The two functions of pclntab_make.h: outer comes back at once, last has the code. */
static struct wb_image *make_go(uint16_t machine, const uint8_t *code, size_t size)
{
	static const uint8_t ret_x86[] = { 0xc3 }, ret_arm[] = { 0xc0, 0x03, 0x5f, 0xd6 };
	bool arm = machine == AARCH64;
	uint8_t text[0x60] = { 0 };
	struct pclntab_make p;
	size_t file_size;
	uint8_t *bytes;
	struct elf_make m;

	memcpy(text, arm ? ret_arm : ret_x86, arm ? 4 : 1);
	memcpy(text + 0x40, code, size);
	pclntab_make(&p, WB_PCLNTAB_1_20, 8, arm ? 4 : 1, false);
	elf_make_init(&m, true, false, 2, machine);
	elf_make_section(&m, ".text", 1, 6, PCLNTAB_TEXT, text, sizeof(text));
	elf_make_section(&m, ".gopclntab", 1, 2, PCLNTAB_ADDRESS, p.bytes, p.size);
	bytes = elf_make_finish(&m, &file_size);
	return open_made(bytes, file_size);
}

struct row {
	const char *name;
	uint8_t code[CODE_MAX];
	size_t size;
	struct { int kind; uint8_t at; bool has_value; uint64_t value; int told, done; } expect[3];
};

static void check_row(struct wb_image *image, const struct row *row, uint64_t start)
{
	struct found found = { .count = 0 };
	size_t expected = 0;

	test_row(row->name);
	CHECK_EQ_I64(wb_audit_image(session, image, see, &found), WB_OK);
	wb_image_unref(image);
	while (expected < 3 && row->expect[expected].kind)
		expected++;
	CHECK_EQ_U64(found.count, expected);
	for (size_t i = 0; i < expected && i < found.count; i++) {
		const struct wb_finding *finding = &found.items[i];

		CHECK_EQ_U64(finding->kind, row->expect[i].kind);
		CHECK_EQ_U64(finding->start, start);
		CHECK_EQ_U64(finding->at, start + row->expect[i].at);
		CHECK_EQ_U64(finding->has_value, row->expect[i].has_value);
		if (row->expect[i].has_value)
			CHECK_EQ_U64(finding->value, row->expect[i].value);
		CHECK_EQ_I64(finding->told, row->expect[i].told);
		CHECK_EQ_I64(finding->done, row->expect[i].done);
	}
	test_row(NULL);
}

static const struct row x86_rows[] = {
	{ "mov $0x30bc5b29,%ebp; ret", { 0xbd, 0x29, 0x5b, 0xbc, 0x30, 0xc3 }, 6, { { WB_FINDING_FP_CLOBBERED, 0, true, 0x30bc5b29, 0, 0 } } },
	/* 32-bit writes clear the upper half, 64-bit ones extend the sign. */
	{ "mov $0xf0000000,%ebp; ret", { 0xbd, 0, 0, 0, 0xf0, 0xc3 }, 6, { { WB_FINDING_FP_CLOBBERED, 0, true, 0xf0000000, 0, 0 } } },
	{ "mov $-16,%rbp; ret", { 0x48, 0xc7, 0xc5, 0xf0, 0xff, 0xff, 0xff, 0xc3 }, 8, { { WB_FINDING_FP_CLOBBERED, 0, true, UINT64_C(-16), 0, 0 } } },
	{ "xor %ebp,%ebp; ret", { 0x31, 0xed, 0xc3 }, 3, { { WB_FINDING_FP_CLOBBERED, 0, true, 0, 0, 0 } } },
	{ "mov $7,%eax; mov %rax,%rbp; ret", { 0xb8, 7, 0, 0, 0, 0x48, 0x89, 0xc5, 0xc3 }, 9, { { WB_FINDING_FP_CLOBBERED, 5, true, 7, 0, 0 } } },
	{ "mov (%rdi),%rbp; ret", { 0x48, 0x8b, 0x2f, 0xc3 }, 4, { { WB_FINDING_FP_CLOBBERED, 0, false, 0, 0, 0 } } },
	/* Only behind a return, as go vet does not see it: cmp $100,%rax; jl +1; ret; xor %ebp,%ebp; ret */
	{ "on one path", { 0x48, 0x83, 0xf8, 0x64, 0x7c, 0x01, 0xc3, 0x31, 0xed, 0xc3 }, 10, { { WB_FINDING_FP_CLOBBERED, 7, true, 0, 0, 0 } } },
	{ "xor %ebp,%ebp; jmp to another function", { 0x31, 0xed, 0xe9, 0x50, 0, 0, 0 }, 7, { { WB_FINDING_FP_CLOBBERED, 0, true, 0, 0, 0 } } },
	{ "push %rbp; xor %ebp,%ebp; pop %rbp; ret", { 0x55, 0x31, 0xed, 0x5d, 0xc3 }, 5, { { 0 } } },
	{ "push %rbp; mov %rsp,%rbp; leave; ret", { 0x55, 0x48, 0x89, 0xe5, 0xc9, 0xc3 }, 6, { { 0 } } },
	/* The start of a program has no caller to come back to. */
	{ "xor %ebp,%ebp; hlt", { 0x31, 0xed, 0xf4 }, 3, { { 0 } } },
	{ "mov %rbp,%rax; cmp %rbp,%rax; ret", { 0x48, 0x89, 0xe8, 0x48, 0x39, 0xe8, 0xc3 }, 7, { { 0 } } },
};

static void finds_clobbering_on_x86_64(void)
{
	for (size_t i = 0; i < sizeof(x86_rows) / sizeof(x86_rows[0]); i++)
		check_row(make_plain(X86_64, x86_rows[i].code, x86_rows[i].size), &x86_rows[i], TEXT);
}

/* main.last, whose table has SP where it was called throughout. */
static const struct row go_x86_rows[] = {
	{ "push %rax; pop %rax; ret", { 0x50, 0x58, 0xc3 }, 3, { { WB_FINDING_TABLE, 1, false, 0, 8, 16 } } },
	{ "nop; ret", { 0x90, 0xc3 }, 2, { { 0 } } },
};

/* Words of Go on aarch64. What goes to [sp - 8, sp) is the caller's. */
static const struct row go_arm_rows[] = {
	/* stp x29,x30,[sp,#-16]!; mov x29,sp; ldp x29,x30,[sp],#16; ret: the clobbering of apache/arrow issue 44319 */
	{ "a frame as C has it", { 0xfd, 0x7b, 0xbf, 0xa9, 0xfd, 0x03, 0x00, 0x91, 0xfd, 0x7b, 0xc1, 0xa8, 0xc0, 0x03, 0x5f, 0xd6 }, 16,
	  { { WB_FINDING_FP_SLOT, 0, false, 0, 0, 0 }, { WB_FINDING_TABLE, 4, false, 0, 0, 16 } } },
	/* str x0,[sp,#-8]; ret, and str x0,[sp,#-16]; ret */
	{ "the slot itself", { 0xe0, 0x83, 0x1f, 0xf8, 0xc0, 0x03, 0x5f, 0xd6 }, 8, { { WB_FINDING_FP_SLOT, 0, false, 0, 0, 0 } } },
	{ "below the slot", { 0xe0, 0x03, 0x1f, 0xf8, 0xc0, 0x03, 0x5f, 0xd6 }, 8, { { 0 } } },
	/* stur q0,[sp,#-16]; ret: 16 bytes */
	{ "half of a vector", { 0xe0, 0x03, 0x9f, 0x3c, 0xc0, 0x03, 0x5f, 0xd6 }, 8, { { WB_FINDING_FP_SLOT, 0, false, 0, 0, 0 } } },
	/* movz x29,#0x5b29; movk x29,#0x30bc,lsl 16; ret */
	{ "movz and movk", { 0x3d, 0x65, 0x8b, 0xd2, 0x9d, 0x17, 0xa6, 0xf2, 0xc0, 0x03, 0x5f, 0xd6 }, 12,
	  { { WB_FINDING_FP_CLOBBERED, 0, true, 0x5b29, 0, 0 }, { WB_FINDING_FP_CLOBBERED, 4, true, 0x30bc5b29, 0, 0 } } },
	/* sub x29,sp,#8; ret: where the caller's is, since it points right below SP */
	{ "computed again", { 0xfd, 0x23, 0x00, 0xd1, 0xc0, 0x03, 0x5f, 0xd6 }, 8, { { 0 } } },
};

static void finds_what_go_must_not_do(void)
{
	for (size_t i = 0; i < sizeof(go_x86_rows) / sizeof(go_x86_rows[0]); i++)
		check_row(make_go(X86_64, go_x86_rows[i].code, go_x86_rows[i].size), &go_x86_rows[i], TEXT + 0x40);
	for (size_t i = 0; i < sizeof(go_arm_rows) / sizeof(go_arm_rows[0]); i++)
		check_row(make_go(AARCH64, go_arm_rows[i].code, go_arm_rows[i].size), &go_arm_rows[i], TEXT + 0x40);
}

static void tells_what_is_stored(void)
{
	struct found found = { .count = 0 };
	struct wb_image *image = make_go(AARCH64, go_arm_rows[0].code, go_arm_rows[0].size);

	CHECK_EQ_I64(wb_audit_image(session, image, see, &found), WB_OK);
	/* x29 goes to sp - 16, x30 to the slot. */
	CHECK_EQ_U64(found.items[0].reg, 30);
	wb_image_unref(image);
}

static void finds_values(void)
{
	static const uint8_t code[] = { 0xb8, 7, 0, 0, 0, 0x48, 0xb9, 7, 0, 0, 0, 1, 0, 0, 0, 0xc3 }; /* mov $7,%eax; movabs $0x100000007,%rcx */
	struct wb_image *image = make_plain(X86_64, code, sizeof(code));
	struct found found = { .count = 0 };

	CHECK_EQ_I64(wb_find_value(session, image, UINT64_C(0x100000007), see, &found), WB_OK);
	REQUIRE(found.count == 1);
	CHECK_EQ_U64(found.items[0].at, TEXT + 5);
	CHECK_EQ_U64(found.items[0].reg, 2); /* rcx by DWARF */
	found.count = 0;
	CHECK_EQ_I64(wb_find_value(session, image, 8, see, &found), WB_OK);
	CHECK_EQ_U64(found.count, 0);
	wb_image_unref(image);
}

struct calls { struct wb_code_call items[FOUND_MAX]; size_t count; };

static enum wb_err see_call(void *arg, const struct wb_code_call *call)
{
	struct calls *calls = arg;

	if (calls->count < FOUND_MAX)
		calls->items[calls->count++] = *call;
	return WB_OK;
}

static void lists_calls(void)
{
	/* call +0x10; call *%rax; jmp -2 (itself); jmp +0x30 */
	static const uint8_t code[] = { 0xe8, 0x10, 0, 0, 0, 0xff, 0xd0, 0xeb, 0xfe, 0xeb, 0x30 };
	struct wb_image *image = make_plain(X86_64, code, sizeof(code));
	struct calls calls = { .count = 0 };

	CHECK_EQ_I64(wb_list_calls(session, image, TEXT + 1, see_call, &calls), WB_OK);
	REQUIRE(calls.count == 2);
	CHECK_EQ_U64(calls.items[0].at, TEXT);
	CHECK_EQ_U64(calls.items[0].next, TEXT + 5);
	CHECK_EQ_U64(calls.items[0].target, TEXT + 0x15);
	CHECK_EQ_U64(calls.items[0].is_jump, 0);
	CHECK_EQ_U64(calls.items[1].at, TEXT + 9);
	CHECK_EQ_U64(calls.items[1].target, TEXT + 0x3b);
	CHECK_EQ_U64(calls.items[1].is_jump, 1);
	CHECK_EQ_I64(wb_list_calls(session, image, TEXT + 0x80, see_call, &calls), WB_NONE);
	wb_image_unref(image);
}

static enum wb_err stop_at_once(void *arg, const struct wb_finding *finding)
{
	(void)arg, (void)finding;
	return WB_ERR_CANCELLED;
}

static void keeps_its_word(void)
{
	struct wb_image *image = make_plain(X86_64, x86_rows[0].code, x86_rows[0].size), *other = make_plain(8 /* MIPS */, x86_rows[0].code, 4);

	CHECK_EQ_I64(wb_audit_image(session, image, stop_at_once, NULL), WB_ERR_CANCELLED);
	CHECK_EQ_I64(wb_audit_image(session, image, NULL, NULL), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_audit_image(session, other, see, NULL), WB_ERR_UNSUPPORTED);
	wb_image_unref(image);
	wb_image_unref(other);
}

int main(void)
{
	struct wb_session_opts opts = { .size = sizeof(opts) };

	if (wb_session_new(&opts, &session) != WB_OK)
		return 1;
	TEST_RUN(finds_clobbering_on_x86_64);
	TEST_RUN(finds_what_go_must_not_do);
	TEST_RUN(tells_what_is_stored);
	TEST_RUN(finds_values);
	TEST_RUN(lists_calls);
	TEST_RUN(keeps_its_word);
	wb_session_free(session);
	return test_summary();
}
