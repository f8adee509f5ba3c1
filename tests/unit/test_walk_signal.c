/* SPDX-License-Identifier: MIT */
/*
 * Frames of signals, where the code that handlers return to is told by its instructions alone: on each architecture the walk goes from the handler, which
 * returned or is about to, to what was interrupted, with the registers that it had then.
 */
#include <walkback/walkback.h>

#include "tests/test.h"

#include "model/arch.h"

#define CODE UINT64_C(0x10000000)
#define STACK UINT64_C(0x7ff00000)
enum { STACK_SIZE = 4096, AT = 0x80, INTERRUPTED = 0x300, SP_THEN = 0xf00, PAGE = 0x1000 };

/* Where the kernel's structs have the pc, SP and a register that functions keep, in bytes from SP: sums of the members before them, as the headers named
 * in the descriptors have them. */
static const struct {
	const char *name;
	enum wb_arch arch;
	uint8_t big_endian;
	uint8_t code[16];
	size_t code_size;
	unsigned pc, sp, kept;
	const char *kept_name;
} cases[] = {
	/* mov r7, #173; svc 0. siginfo 128, ucontext: flags, link, stack (5 words), trap, error, mask (3 words), r0 ... */
	{ "arm", WB_ARCH_ARM, 0, { 0xad, 0x70, 0xa0, 0xe3, 0, 0, 0, 0xef }, 8, 160 + 60, 160 + 52, 160 + 16, "r4" },
	{ "arm, Thumb, without siginfo", WB_ARCH_ARM, 0, { 0x77, 0x27, 0x00, 0xdf }, 4, 32 + 60, 32 + 52, 32 + 16, "r4" },
	/* li a7, 139; ecall. siginfo 128, flags and link 16, stack 24, signals 128, on to 176; pc, ra, sp, ... */
	{ "riscv64", WB_ARCH_RISCV64, 0, { 0x93, 0x08, 0xb0, 0x08, 0x73, 0, 0, 0 }, 8, 304, 304 + 16, 304 + 8 * 9, "s1" },
	/* addi r1, r1, 128; li r0, 172; sc. 128 and ucontext: 16 + 24 + 128, sigcontext's 64 */
	{ "ppc64le", WB_ARCH_PPC64, 0, { 0x80, 0, 0x21, 0x38, 0xac, 0, 0, 0x38, 2, 0, 0, 0x44 }, 12, 360 + 8 * 32, 360 + 8, 360 + 8 * 14, "r14" },
	{ "ppc64", WB_ARCH_PPC64, 1, { 0x38, 0x21, 0, 0x80, 0x38, 0, 0, 0xac, 0x44, 0, 0, 2 }, 12, 360 + 8 * 32, 360 + 8, 360 + 8 * 14, "r14" },
	/* svc 173. save area 160, code 8, siginfo 128, flags, link and stack 40; mask, pc, r0 ... */
	{ "s390x", WB_ARCH_S390X, 1, { 0x0a, 0xad }, 2, 336 + 8, 336 + 16 + 8 * 15, 336 + 16 + 8 * 6, "r6" },
	/* mov eax, 173; int 0x80. signal and two pointers 12, siginfo 128, ucontext 20; gs fs es ds di si bp sp bx dx cx ax trap error ip */
	{ "i386", WB_ARCH_X86, 0, { 0xb8, 0xad, 0, 0, 0, 0xcd, 0x80 }, 7, 160 + 4 * 14, 160 + 4 * 7, 160 + 4 * 8, "ebx" },
	/* pop eax; mov eax, 119; int 0x80. signal 4 */
	{ "i386, without siginfo", WB_ARCH_X86, 0, { 0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80 }, 8, 4 + 4 * 14, 4 + 4 * 7, 4 + 4 * 8, "ebx" },
};

static void put(uint8_t *stack, size_t row, unsigned at, uint64_t value)
{
	unsigned size = wb_arch_info(cases[row].arch)->word_size;

	for (unsigned i = 0; i < size; i++)
		stack[at + (cases[row].big_endian ? size - 1 - i : i)] = (uint8_t)(value >> 8 * i);
}

static void make_space(struct wb_session *session, size_t row, struct wb_space **ret_space)
{
	const struct wb_platform platform = { .arch = cases[row].arch, .big_endian = cases[row].big_endian, .os = WB_OS_LINUX };
	const struct wb_mapping maps[] = {
		{ .size = sizeof(maps[0]), .start = CODE, .end = CODE + PAGE, .prot = WB_PROT_READ | WB_PROT_EXEC },
		{ .size = sizeof(maps[0]), .start = STACK, .end = STACK + STACK_SIZE, .prot = WB_PROT_READ | WB_PROT_WRITE },
	};
	const struct wb_memory memory = { .size = sizeof(memory), .kind = WB_MEMORY_BYTES, .start = CODE + AT, .end = CODE + AT + cases[row].code_size,
	                                  .bytes = cases[row].code };
	struct wb_space *empty, *mapped;

	REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
	REQUIRE(wb_space_map(empty, maps, 2, &mapped) == WB_OK);
	REQUIRE(wb_space_add_memory(mapped, &memory, ret_space) == WB_OK);
	wb_space_unref(empty);
	wb_space_unref(mapped);
}

static void what_was_interrupted_is_found(void)
{
	const struct wb_session_opts opts = { .size = sizeof(opts) };
	struct wb_session *session;

	REQUIRE(wb_session_new(&opts, &session) == WB_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct wb_arch_info *arch = wb_arch_info(cases[i].arch);
		const struct wb_reg regs[] = { { .number = WB_REG_PC, .value = CODE + AT }, { .number = arch->regs[arch->sp].number, .value = STACK } };
		struct wb_context context = { .regs = regs, .num_regs = 2, .pc_kind = WB_PC_EXACT };
		uint8_t stack[STACK_SIZE] = { 0 };
		const struct wb_region region = { .address = STACK, .bytes = stack, .size = sizeof(stack) };
		struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
		struct wb_space *space = NULL;
		enum wb_reg_state state = WB_REG_UNKNOWN;
		struct wb_walker *walker;
		struct wb_frame frame;
		uint64_t value = 0;
		uint32_t kept = 0;

		test_row(cases[i].name);
		make_space(session, i, &space);
		put(stack, i, cases[i].pc, CODE + INTERRUPTED);
		put(stack, i, cases[i].sp, STACK + SP_THEN);
		put(stack, i, cases[i].kept, 0x1234);
		REQUIRE(wb_walker_new(session, NULL, &walker) == WB_OK);
		REQUIRE(wb_walker_begin(walker, space, &sample) == WB_OK);
		REQUIRE(wb_walker_next(walker, &frame, sizeof(frame)) == WB_OK);
		CHECK_EQ_U64(frame.pc, CODE + AT);
		CHECK(frame.flags & WB_FRAME_SIGNAL);
		REQUIRE(wb_walker_next(walker, &frame, sizeof(frame)) == WB_OK);
		CHECK_EQ_U64(frame.pc, CODE + INTERRUPTED);
		CHECK_EQ_U64(frame.how, WB_HOW_CODE);
		CHECK(frame.flags & WB_FRAME_EXACT);
		CHECK_EQ_U64(frame.sp, STACK + SP_THEN);
		REQUIRE(wb_reg_from_name(cases[i].arch, cases[i].kept_name, &kept) == WB_OK);
		/* The frame's registers are known as soon as it was given. */
		REQUIRE(wb_walker_reg(walker, kept, &state, &value) == WB_OK);
		CHECK_EQ_U64(state, WB_REG_KNOWN);
		CHECK_EQ_U64(value, 0x1234);
		wb_walker_free(walker);
		wb_space_unref(space);
	}
	wb_session_free(session);
}

int main(void)
{
	TEST_RUN(what_was_interrupted_is_found);
	return test_summary();
}
