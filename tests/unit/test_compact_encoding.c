/* SPDX-License-Identifier: MIT */
/* Encodings of compact unwind information as rows: each kind of them from bytes made by hand, as <mach-o/compact_unwind_encoding.h> describes them,
 * every order of pushed registers, and every damage that an encoding can have. */
#include "compact_make.h"

static const char *decode(enum wb_arch arch, uint32_t encoding, uint32_t operand)
{
	struct wb_compact_row row;
	const char *fault = "";
	enum wb_err err = wb_compact_decode(wb_arch_info(arch), encoding, operand, &row, &fault);

	if (err)
		return fault;
	CHECK(row.row.how == WB_HOW_COMPACT);
	return compact_text(wb_arch_info(arch), &row);
}

/* Fields are mode << 24 | size or offset << 16 | adjustment << 13 | count << 10 | permutation, or registers of 3 bits, the lowest slot first. */
static const struct { const char *name; enum wb_arch arch; uint32_t encoding, operand; const char *expect; } rows[] = {
	/* push rbp; mov rsp, rbp; push r14; push rbx: two words below rbp, first rbx (1), then r14 (4). */
	{ "frame", WB_ARCH_X86_64, 0x01020021, 0, "cfa=rbp+16 rbx=-32 rbp=-16 r14=-24 rip=-8" },
	{ "frame without registers", WB_ARCH_X86_64, 0x01000000, 0, "cfa=rbp+16 rbp=-16 rip=-8" },
	{ "frame with all", WB_ARCH_X86_64, 0x010558d1, 0, "cfa=rbp+16 rbx=-56 rbp=-16 r12=-48 r13=-40 r14=-32 r15=-24 rip=-8" },
	/* Registers need not be where the frame ends: so many words below rbp that two slots are left out. */
	{ "frame with a gap", WB_ARCH_X86_64, 0x01030001, 0, "cfa=rbp+16 rbx=-40 rbp=-16 rip=-8" },
	{ "flags do not count", WB_ARCH_X86_64, 0xf1020021, 0, "cfa=rbp+16 rbx=-32 rbp=-16 r14=-24 rip=-8" },
	/* 4 words; two registers: of 6 the 1st is rbx, of the 5 others the 5th is rbp: 0 * 5 + 4. */
	{ "frameless", WB_ARCH_X86_64, 0x02040804, 0, "cfa=rsp+32 rbx=-24 rbp=-16 rip=-8" },
	{ "frameless without registers", WB_ARCH_X86_64, 0x02040000, 0, "cfa=rsp+32 rip=-8" },
	{ "only the return address", WB_ARCH_X86_64, 0x02010000, 0, "cfa=rsp+8 rip=-8" },
	{ "frameless with all six", WB_ARCH_X86_64, 0x020a1800, 0, "cfa=rsp+80 rbx=-56 rbp=-16 r12=-48 r13=-40 r14=-32 r15=-24 rip=-8" },
	/* sub $100008, %rsp after two pushes: 3 words with the return address. */
	{ "indirect", WB_ARCH_X86_64, 0x03056804, 100008, "cfa=rsp+100032 rbx=-24 rbp=-16 rip=-8" },
	{ "i386 frame", WB_ARCH_X86, 0x01020021, 0, "cfa=ebp+8 ebx=-16 ebp=-8 edi=-12 eip=-4" },
	{ "i386 frameless", WB_ARCH_X86, 0x02040804, 0, "cfa=esp+16 ebx=-12 ebp=-8 eip=-4" },
	{ "i386 indirect", WB_ARCH_X86, 0x03056804, 100004, "cfa=esp+100016 ebx=-12 ebp=-8 eip=-4" },
	{ "arm64 frame", WB_ARCH_AARCH64, 0x04000000, 0, "cfa=x29+16 x29=-16 x30=-8 pc=-8" },
	/* Pairs lie below the frame record in the order of their bits, whichever there are. */
	{ "arm64 frame with pairs", WB_ARCH_AARCH64, 0x04000105, 0,
	  "cfa=x29+16 x19=-24 x20=-32 x23=-40 x24=-48 x29=-16 x30=-8 pc=-8 d8=-56 d9=-64" },
	{ "arm64 frame with all", WB_ARCH_AARCH64, 0x54000f1f, 0,
	  "cfa=x29+16 x19=-24 x20=-32 x21=-40 x22=-48 x23=-56 x24=-64 x25=-72 x26=-80 x27=-88 x28=-96 x29=-16 x30=-8 pc=-8"
	  " d8=-104 d9=-112 d10=-120 d11=-128 d12=-136 d13=-144 d14=-152 d15=-160" },
	{ "arm64 frameless", WB_ARCH_AARCH64, 0x02000000, 0, "cfa=sp+0 pc=x30" },
	{ "arm64 frameless with a stack", WB_ARCH_AARCH64, 0x02fff000, 0, "cfa=sp+65520 pc=x30" },
	/* stp x20, x19, [sp, #-16]! */
	{ "arm64 frameless with a pair", WB_ARCH_AARCH64, 0x02001001, 0, "cfa=sp+16 x19=-8 x20=-16 pc=x30" },
	{ "frame pointer in a frame", WB_ARCH_X86_64, 0x01010006, 0, "a frame with a register that cannot be saved there" },
	{ "register where rbp is", WB_ARCH_X86_64, 0x01000001, 0, "a frame with a register that cannot be saved there" },
	{ "register twice", WB_ARCH_X86_64, 0x01020009, 0, "a frame with a register that cannot be saved there" },
	{ "seven registers", WB_ARCH_X86_64, 0x020a1c00, 0, "more registers than there are" },
	{ "permutation", WB_ARCH_X86_64, 0x020407ff, 0, "a permutation that does not exist" },
	{ "permutation of all six", WB_ARCH_X86_64, 0x020a1800 + 720, 0, "a permutation that does not exist" },
	{ "stack too small", WB_ARCH_X86_64, 0x02020804, 0, "a stack that cannot hold what was pushed, or is larger than any" },
	{ "no stack at all", WB_ARCH_X86_64, 0x02000000, 0, "a stack that cannot hold what was pushed, or is larger than any" },
	{ "operand too large", WB_ARCH_X86_64, 0x03056804, 0x80000000, "a stack that cannot hold what was pushed, or is larger than any" },
	{ "mode", WB_ARCH_X86_64, 0x05000000, 0, "an encoding of an unknown mode" },
	{ "arm64 mode", WB_ARCH_AARCH64, 0x01000000, 0, "an encoding of an unknown mode" },
	{ "DWARF", WB_ARCH_X86_64, 0x04000010, 0, "an encoding that is no row" },
	{ "nothing", WB_ARCH_AARCH64, 0, 0, "an encoding that is no row" },
};

static void decodes(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		test_row(rows[i].name);
		CHECK_STR(decode(rows[i].arch, rows[i].encoding, rows[i].operand), rows[i].expect);
	}
}

static void tells_kinds(void)
{
	static const struct { enum wb_arch arch; uint32_t encoding; enum wb_compact_kind kind; uint32_t operand; } kinds[] = {
		{ WB_ARCH_X86_64, 0x00000000, WB_COMPACT_NONE, 0 }, { WB_ARCH_X86_64, 0x01000000, WB_COMPACT_ROW, 0 },
		{ WB_ARCH_X86_64, 0x02000000, WB_COMPACT_ROW, 0 }, { WB_ARCH_X86_64, 0x43056804, WB_COMPACT_INDIRECT, 5 },
		{ WB_ARCH_X86_64, 0x04000160, WB_COMPACT_DWARF, 0 }, { WB_ARCH_AARCH64, 0x80000000, WB_COMPACT_NONE, 0 },
		{ WB_ARCH_AARCH64, 0x02000000, WB_COMPACT_ROW, 0 }, { WB_ARCH_AARCH64, 0x03000160, WB_COMPACT_DWARF, 0 },
		{ WB_ARCH_AARCH64, 0x04000000, WB_COMPACT_ROW, 0 },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		enum wb_compact_kind kind;
		const char *fault;
		uint32_t operand;

		CHECK(wb_compact_kind(wb_arch_info(kinds[i].arch), kinds[i].encoding, &kind, &operand, &fault) == WB_OK);
		CHECK_EQ_U64(kind, kinds[i].kind);
		CHECK_EQ_U64(operand, kinds[i].operand);
	}
}

/* The number of an order of registers, as the header's comment tells encoders to make it: each register's number among those that are left, the first
 * one weighing most, by how many orders the rest can have. */
static uint32_t permutation_of(const unsigned *regs, unsigned count)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned smaller = 0;

		for (unsigned j = 0; j < i; j++)
			smaller += regs[j] < regs[i];
		number = number * (6 - i) + regs[i] - 1 - smaller;
	}
	return number;
}

static unsigned check_order(const unsigned *regs, unsigned count)
{
	static const char *const names[] = { "", "rbx", "r12", "r13", "r14", "r15", "rbp" };
	char expect[32];
	const char *text = decode(WB_ARCH_X86_64, 0x02070000 | count << 10 | permutation_of(regs, count), 0);

	for (unsigned i = 0; i < count; i++) {
		snprintf(expect, sizeof expect, " %s=%d", names[regs[i]], -8 - 8 * (int)(count - i));
		CHECK(strstr(text, expect) != NULL);
	}
	return 1;
}

/* All orders of all choices of count registers of six. */
static unsigned check_orders(unsigned *regs, unsigned done, unsigned count)
{
	unsigned checked = 0;

	if (done == count)
		return check_order(regs, count);
	for (unsigned reg = 1; reg <= 6; reg++) {
		bool used = false;

		for (unsigned i = 0; i < done; i++)
			used |= regs[i] == reg;
		regs[done] = reg;
		checked += used ? 0 : check_orders(regs, done + 1, count);
	}
	return checked;
}

static void knows_every_order(void)
{
	static const unsigned expect[] = { 1, 6, 30, 120, 360, 720, 720 };

	for (unsigned count = 0; count <= 6; count++) {
		unsigned regs[6];

		CHECK_EQ_U64(check_orders(regs, 0, count), expect[count]);
	}
}

/* Whatever an encoding is, its row has each register once, below the CFA, and in the frame. */
static void is_sound_for_any(void)
{
	static const enum wb_arch archs[] = { WB_ARCH_X86_64, WB_ARCH_X86, WB_ARCH_AARCH64 };
	uint64_t state = 88172645463325252u;

	for (unsigned n = 0; n < 300000; n++) {
		const struct wb_arch_info *arch = wb_arch_info(archs[n % 3]);
		struct wb_compact_row row;
		const char *fault;
		uint64_t seen = 0;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		if (wb_compact_decode(arch, (uint32_t)state, (uint32_t)(state >> 40), &row, &fault))
			continue;
		REQUIRE(row.row.num_rules <= WB_COMPACT_RULES_MAX);
		for (unsigned i = 0; i < row.row.num_rules; i++) {
			if (row.rules[i].slot == WB_SLOT_CFA)
				continue;
			REQUIRE(row.rules[i].slot < arch->num_regs && !(seen >> row.rules[i].slot & 1) && row.rules[i].offset <= 0);
			seen |= UINT64_C(1) << row.rules[i].slot;
		}
	}
}

int main(void)
{
	TEST_RUN(decodes);
	TEST_RUN(tells_kinds);
	TEST_RUN(knows_every_order);
	TEST_RUN(is_sound_for_any);
	return test_summary();
}
