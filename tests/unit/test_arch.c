/* SPDX-License-Identifier: MIT */
/* Architectures are data: what every descriptor must hold, and facts from the ABI documents and the kernel's perf_regs.h. */
#include "test.h"

#include "model/arch.h"

static bool has_slot(const uint8_t *slots, uint32_t count, uint8_t slot)
{
	for (uint32_t i = 0; i < count; i++)
		if (slots[i] == slot)
			return true;
	return false;
}

static void descriptors_are_sound(void)
{
	unsigned count = 0;

	for (unsigned arch = 0; arch < 64; arch++) {
		const struct wb_arch_info *info = wb_arch_info((enum wb_arch)arch);
		if (!info)
			continue;
		count++;
		test_row(info->name);
		CHECK_EQ_U64(info->arch, arch);
		CHECK_STR(wb_arch_name(info->arch), info->name);
		CHECK(info->word_size == 4 || info->word_size == 8);
		CHECK(info->num_regs <= WB_SLOTS_MAX);
		CHECK(info->pc < info->num_regs && info->sp < info->num_regs && info->fp < info->num_regs);
		CHECK_EQ_U64(wb_arch_slot(info, WB_REG_PC), info->pc);
		CHECK_EQ_U64(wb_arch_slot(info, WB_REG_PC - 1), WB_SLOT_NONE);
		CHECK_EQ_U64(wb_arch_slot(info, UINT32_MAX), WB_SLOT_NONE);
		for (uint32_t i = 0; i < info->num_dwarf; i++)
			CHECK(info->slot_of_dwarf[i] < info->num_regs || info->slot_of_dwarf[i] == WB_SLOT_NONE);
		for (uint32_t i = 0; i < info->num_perf_regs; i++)
			CHECK(info->perf_regs[i] < info->num_regs || info->perf_regs[i] == WB_SLOT_NONE);
		for (uint32_t i = 0; i < info->num_core_regs; i++)
			CHECK(info->core_regs[i] < info->num_regs || info->core_regs[i] == WB_SLOT_NONE);
		/* Where handlers return to is told by its instructions, and what is saved has at least the pc and SP in it. */
		for (uint32_t i = 0; i < info->num_trampolines; i++)
			CHECK(info->trampolines[i].size && info->trampolines[i].step < info->trampolines[i].size);
		CHECK(!info->num_trampolines || (has_slot(info->signal_regs, info->num_signal_regs, info->pc) &&
		                                 has_slot(info->signal_regs, info->num_signal_regs, info->sp)));
		CHECK((info->callee_saved >> (info->num_regs - 1)) <= 1);
		CHECK((info->callee_saved & UINT64_C(1) << info->fp) != 0);
		/* Each register is found by its number and by its name, and names are unique. */
		for (uint8_t slot = 0; slot < info->num_regs; slot++) {
			const struct wb_arch_reg *reg = &info->regs[slot];
			uint32_t number = 0;
			CHECK_EQ_U64(wb_arch_slot(info, reg->number), slot);
			CHECK_STR(wb_reg_name(info->arch, reg->number), reg->name);
			CHECK_EQ_I64(wb_reg_from_name(info->arch, reg->name, &number), WB_OK);
			CHECK_EQ_U64(number, reg->number);
		}
	}
	CHECK(count >= 3);
}

/* AAPCS64, 6.1: x19 to x28, the frame pointer, and the low halves of v8 to v15 are kept; 6.4: the return address is in x30, frame records are (x29, x30). */
static void aarch64_follows_its_abi(void)
{
	const struct wb_arch_info *arch = wb_arch_info(WB_ARCH_AARCH64);
	uint64_t kept = 0;

	REQUIRE(arch != NULL);
	for (uint32_t number = 19; number <= 30; number++)
		kept |= UINT64_C(1) << wb_arch_slot(arch, number);
	for (uint32_t number = 72; number <= 79; number++)
		kept |= UINT64_C(1) << wb_arch_slot(arch, number);
	CHECK_EQ_U64(arch->callee_saved, kept);
	CHECK_EQ_U64(arch->ra_column, wb_arch_slot(arch, 30));
	CHECK_EQ_U64(wb_arch_slot(arch, 32), arch->pc);
	for (uint32_t number = 33; number < 72; number++)
		CHECK_EQ_U64(wb_arch_slot(arch, number), WB_SLOT_NONE);
	CHECK_EQ_U64(wb_arch_slot(arch, 80), WB_SLOT_NONE);
	CHECK(arch->leaf.ra_in_register && arch->leaf.ra_slot == arch->ra_column && arch->leaf.cfa_base == arch->sp && !arch->leaf.cfa_offset);
	/* Relative to x29: x29 at 0, x30 at 8. */
	CHECK_EQ_I64(arch->frame.cfa_offset + arch->frame.fp_offset, 0);
	CHECK_EQ_I64(arch->frame.cfa_offset + arch->frame.ra_offset, 8);
	CHECK_EQ_U64(arch->call_step, 4);
}

static const struct {
	enum wb_arch arch;
	const char *name;
	uint32_t number;
} registers[] = {
	/* AMD64 psABI 1.0, figure 3.36 */
	{ WB_ARCH_X86_64, "rax", 0 }, { WB_ARCH_X86_64, "rdx", 1 }, { WB_ARCH_X86_64, "rcx", 2 }, { WB_ARCH_X86_64, "rbx", 3 },
	{ WB_ARCH_X86_64, "rsi", 4 }, { WB_ARCH_X86_64, "rdi", 5 }, { WB_ARCH_X86_64, "rbp", 6 }, { WB_ARCH_X86_64, "rsp", 7 },
	{ WB_ARCH_X86_64, "r8", 8 }, { WB_ARCH_X86_64, "r15", 15 }, { WB_ARCH_X86_64, "xmm0", 17 }, { WB_ARCH_X86_64, "xmm15", 32 },
	{ WB_ARCH_X86_64, "rip", WB_REG_PC },
	/* i386 psABI 1.1, table 2.14: esp is 4, ebp 5 (Darwin's .eh_frame has them the other way round) */
	{ WB_ARCH_X86, "eax", 0 }, { WB_ARCH_X86, "ecx", 1 }, { WB_ARCH_X86, "edx", 2 }, { WB_ARCH_X86, "ebx", 3 },
	{ WB_ARCH_X86, "esp", 4 }, { WB_ARCH_X86, "ebp", 5 }, { WB_ARCH_X86, "esi", 6 }, { WB_ARCH_X86, "edi", 7 },
	{ WB_ARCH_X86, "eip", WB_REG_PC },
	/* AADWARF64, 4.1 */
	{ WB_ARCH_AARCH64, "x0", 0 }, { WB_ARCH_AARCH64, "x15", 15 }, { WB_ARCH_AARCH64, "x16", 16 }, { WB_ARCH_AARCH64, "x19", 19 },
	{ WB_ARCH_AARCH64, "x24", 24 }, { WB_ARCH_AARCH64, "x28", 28 }, { WB_ARCH_AARCH64, "x29", 29 }, { WB_ARCH_AARCH64, "x30", 30 },
	{ WB_ARCH_AARCH64, "sp", 31 }, { WB_ARCH_AARCH64, "pc", WB_REG_PC }, { WB_ARCH_AARCH64, "d8", 72 }, { WB_ARCH_AARCH64, "d15", 79 },
	/* AADWARF32, 4.1 */
	{ WB_ARCH_ARM, "r0", 0 }, { WB_ARCH_ARM, "r11", 11 }, { WB_ARCH_ARM, "sp", 13 }, { WB_ARCH_ARM, "lr", 14 }, { WB_ARCH_ARM, "pc", WB_REG_PC },
	/* RISC-V ELF psABI, "DWARF Register Numbers" and "Integer Register Convention" */
	{ WB_ARCH_RISCV64, "ra", 1 }, { WB_ARCH_RISCV64, "sp", 2 }, { WB_ARCH_RISCV64, "t2", 7 }, { WB_ARCH_RISCV64, "s0", 8 },
	{ WB_ARCH_RISCV64, "a0", 10 }, { WB_ARCH_RISCV64, "a7", 17 }, { WB_ARCH_RISCV64, "s2", 18 }, { WB_ARCH_RISCV64, "s11", 27 },
	{ WB_ARCH_RISCV64, "t3", 28 }, { WB_ARCH_RISCV64, "t6", 31 }, { WB_ARCH_RISCV64, "pc", WB_REG_PC },
	/* ELFv2 ABI, table 2.26 */
	{ WB_ARCH_PPC64, "r0", 0 }, { WB_ARCH_PPC64, "r1", 1 }, { WB_ARCH_PPC64, "r31", 31 }, { WB_ARCH_PPC64, "lr", 65 },
	{ WB_ARCH_PPC64, "ctr", 66 }, { WB_ARCH_PPC64, "pc", WB_REG_PC },
	/* s390x ELF ABI supplement, "DWARF Register Number Mapping" */
	{ WB_ARCH_S390X, "r0", 0 }, { WB_ARCH_S390X, "r15", 15 }, { WB_ARCH_S390X, "f0", 16 }, { WB_ARCH_S390X, "f2", 17 },
	{ WB_ARCH_S390X, "f1", 20 }, { WB_ARCH_S390X, "f8", 24 }, { WB_ARCH_S390X, "f14", 27 }, { WB_ARCH_S390X, "f9", 28 },
	{ WB_ARCH_S390X, "f15", 31 }, { WB_ARCH_S390X, "pswa", WB_REG_PC },
};

static void registers_have_their_numbers(void)
{
	for (size_t i = 0; i < sizeof registers / sizeof registers[0]; i++) {
		uint32_t number = 0;
		test_row(registers[i].name);
		CHECK_EQ_I64(wb_reg_from_name(registers[i].arch, registers[i].name, &number), WB_OK);
		CHECK_EQ_U64(number, registers[i].number);
	}
	uint32_t number = 7;
	CHECK_EQ_I64(wb_reg_from_name(WB_ARCH_X86_64, "eax", &number), WB_NONE);
	CHECK_EQ_I64(wb_reg_from_name(WB_ARCH_UNKNOWN, "rax", &number), WB_NONE);
	CHECK_EQ_U64(number, 7);
	CHECK_EQ_I64(wb_reg_from_name(WB_ARCH_AARCH64, "lr", &number), WB_OK);
	CHECK_EQ_U64(number, 30);
	CHECK_EQ_I64(wb_reg_from_name(WB_ARCH_AARCH64, "fp", &number), WB_OK);
	CHECK_EQ_U64(number, 29);
	CHECK_STR(wb_reg_name(WB_ARCH_X86_64, 1000), NULL);
	CHECK_STR(wb_reg_name((enum wb_arch)1000, 0), NULL);
}

/* Signatures are in bits that are copies of bit 55. */
static void addresses_are_stripped(void)
{
	const uint64_t mask = UINT64_C(0x7f) << 48;

	CHECK_EQ_U64(wb_address_strip(UINT64_C(0x0000aaaabbbb0010), mask), UINT64_C(0x0000aaaabbbb0010));
	CHECK_EQ_U64(wb_address_strip(UINT64_C(0x0025aaaabbbb0010), mask), UINT64_C(0x0000aaaabbbb0010));
	CHECK_EQ_U64(wb_address_strip(UINT64_C(0xffff800008001234), mask), UINT64_C(0xffff800008001234));
	CHECK_EQ_U64(wb_address_strip(UINT64_C(0xff9d800008001234), mask), UINT64_C(0xffff800008001234));
	CHECK_EQ_U64(wb_address_strip(UINT64_C(0xffff800008001234), 0), UINT64_C(0xffff800008001234));
}

static const struct {
	enum wb_arch arch;
	unsigned bit;
	const char *name; /* NULL: ignored */
} perf_bits[] = {
	/* Linux, arch/x86/include/uapi/asm/perf_regs.h */
	{ WB_ARCH_X86_64, 0, "rax" }, { WB_ARCH_X86_64, 1, "rbx" }, { WB_ARCH_X86_64, 2, "rcx" }, { WB_ARCH_X86_64, 3, "rdx" },
	{ WB_ARCH_X86_64, 4, "rsi" }, { WB_ARCH_X86_64, 5, "rdi" }, { WB_ARCH_X86_64, 6, "rbp" }, { WB_ARCH_X86_64, 7, "rsp" },
	{ WB_ARCH_X86_64, 8, "rip" }, { WB_ARCH_X86_64, 9, NULL }, { WB_ARCH_X86_64, 15, NULL }, { WB_ARCH_X86_64, 16, "r8" },
	{ WB_ARCH_X86_64, 23, "r15" },
	{ WB_ARCH_X86, 0, "eax" }, { WB_ARCH_X86, 1, "ebx" }, { WB_ARCH_X86, 2, "ecx" }, { WB_ARCH_X86, 3, "edx" },
	{ WB_ARCH_X86, 4, "esi" }, { WB_ARCH_X86, 5, "edi" }, { WB_ARCH_X86, 6, "ebp" }, { WB_ARCH_X86, 7, "esp" },
	{ WB_ARCH_X86, 8, "eip" },
	/* Linux, arch/arm64/include/uapi/asm/perf_regs.h */
	{ WB_ARCH_AARCH64, 0, "x0" }, { WB_ARCH_AARCH64, 8, "x8" }, { WB_ARCH_AARCH64, 16, "x16" }, { WB_ARCH_AARCH64, 23, "x23" },
	{ WB_ARCH_AARCH64, 29, "x29" }, { WB_ARCH_AARCH64, 30, "x30" }, { WB_ARCH_AARCH64, 31, "sp" }, { WB_ARCH_AARCH64, 32, "pc" },
	/* arch/arm, arch/riscv, arch/powerpc and arch/s390 /include/uapi/asm/perf_regs.h */
	{ WB_ARCH_ARM, 11, "r11" }, { WB_ARCH_ARM, 13, "sp" }, { WB_ARCH_ARM, 14, "lr" }, { WB_ARCH_ARM, 15, "pc" },
	{ WB_ARCH_RISCV64, 0, "pc" }, { WB_ARCH_RISCV64, 1, "ra" }, { WB_ARCH_RISCV64, 8, "s0" }, { WB_ARCH_RISCV64, 31, "t6" },
	{ WB_ARCH_PPC64, 1, "r1" }, { WB_ARCH_PPC64, 31, "r31" }, { WB_ARCH_PPC64, 32, "pc" }, { WB_ARCH_PPC64, 33, NULL },
	{ WB_ARCH_PPC64, 35, "ctr" }, { WB_ARCH_PPC64, 36, "lr" },
	{ WB_ARCH_S390X, 15, "r15" }, { WB_ARCH_S390X, 16, "f0" }, { WB_ARCH_S390X, 31, "f15" }, { WB_ARCH_S390X, 32, NULL },
	{ WB_ARCH_S390X, 33, "pswa" },
};

static void perf_registers_are_in_order(void)
{
	for (size_t i = 0; i < sizeof perf_bits / sizeof perf_bits[0]; i++) {
		const struct wb_arch_info *info = wb_arch_info(perf_bits[i].arch);
		REQUIRE(info != NULL && perf_bits[i].bit < info->num_perf_regs);
		uint8_t slot = info->perf_regs[perf_bits[i].bit];
		CHECK_STR(slot == WB_SLOT_NONE ? NULL : info->regs[slot].name, perf_bits[i].name);
	}
}

static const struct {
	const char *name;
	enum wb_err err;
	enum wb_arch arch;
} names[] = {
	{ "x86_64", WB_OK, WB_ARCH_X86_64 }, { "amd64", WB_OK, WB_ARCH_X86_64 }, { "i686", WB_OK, WB_ARCH_X86 },
	{ "i386", WB_OK, WB_ARCH_X86 }, { "arm64", WB_OK, WB_ARCH_AARCH64 }, { "aarch64", WB_OK, WB_ARCH_AARCH64 },
	{ "", WB_NONE, WB_ARCH_UNKNOWN }, { "X86_64", WB_NONE, WB_ARCH_UNKNOWN }, { "pdp11", WB_NONE, WB_ARCH_UNKNOWN },
};

static void architectures_have_names(void)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		enum wb_arch arch = WB_ARCH_UNKNOWN;
		test_row(names[i].name);
		CHECK_EQ_I64(wb_arch_from_name(names[i].name, &arch), names[i].err);
		CHECK_EQ_I64(arch, names[i].arch);
	}
	CHECK_STR(wb_arch_name((enum wb_arch)1000), "unknown");
	CHECK_EQ_I64(wb_arch_from_name(NULL, NULL), WB_ERR_ARGUMENT);
}

int main(void)
{
	TEST_RUN(descriptors_are_sound);
	TEST_RUN(aarch64_follows_its_abi);
	TEST_RUN(registers_have_their_numbers);
	TEST_RUN(addresses_are_stripped);
	TEST_RUN(perf_registers_are_in_order);
	TEST_RUN(architectures_have_names);
	return test_summary();
}
