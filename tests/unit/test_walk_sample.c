/* SPDX-License-Identifier: MIT */
/* Walks over samples of every shape: several stacks, recorded frames, memory of the space, generated code, 32 bits; and the calls around them. */
#include "tests/unit/walk_program.h"

/* A signal handler's stack lies below the interrupted one, or above. */
static void alternate_stacks(void)
{
	const struct wb_reg low[] = { REG(WB_REG_PC, C(LEAF + 1)), REG(RSP, A(0)) }, high[] = { REG(WB_REG_PC, C(LEAF + 1)), REG(RSP, S(0)) };
	uint64_t alt[WORDS] = { LE64(C(TRAMPOLINE)), LE64(C(LEAF + 0x40)), LE64(0x66), LE64(S(0x28)), LE64(0xbb), 0, 0, 0, LE64(C(ROOT + 2)) };
	uint64_t stack[WORDS] = { LE64(C(TRAMPOLINE)), LE64(C(LEAF + 0x42)), LE64(0x66), LE64(A(0x40)), LE64(0xbb), LE64(C(ROOT + 1)) };
	struct wb_region regions[] = { { ALT, alt, sizeof(alt) }, { STACK, stack, sizeof(stack) } };
	const struct wb_reg root[] = { REG(WB_REG_PC, C(ROOT + 1)), REG(RSP, S(0x30)) };
	struct wb_context context = { .regs = low, .num_regs = 2 }, both[] = { { .regs = low, .num_regs = 2 }, { .regs = root, .num_regs = 2 } };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = regions, .num_regions = 2 };
	struct process p;

	process_init(&p, NULL);
	check(&p, p.space, &sample, NULL,
	      "1001 context x @alt+8 | 1400 cfi x s @+28 | 1040 cfi x @+30 | 1301 cfi @+38 -> root return address undefined 0");
	/* The interrupted stack was not captured: the walk goes on elsewhere, and is not just cut. */
	sample.num_regions = 1;
	check(&p, p.space, &sample, NULL, "1001 context x @alt+8 | 1400 cfi x s @+28 | 1040 cfi x @+30 -> joint +28");
	/* Another context goes on there; without room for its frames the walk is not over. */
	sample.contexts = both;
	sample.num_contexts = 2;
	check(&p, p.space, &sample, NULL,
	      "1001 context x @alt+8 | 1400 cfi x s @+28 | 1040 cfi x @+30 | 1301 context x @+38 -> root return address undefined 0");
	check(&p, p.space, &sample, &(struct wb_walker_opts){ .size = sizeof(struct wb_walker_opts), .max_frames = 3 },
	      "1001 context x @alt+8 | 1400 cfi x s @+28 | 1040 cfi x @+30 -> limit 1301");
	sample.contexts = &context;
	sample.num_contexts = 1;
	sample.num_regions = 2;
	context.regs = high;
	check(&p, p.space, &sample, NULL,
	      "1001 context x @+8 | 1400 cfi x s @alt+40 | 1042 cfi x @alt+48 | 1302 cfi @alt+50 -> root return address undefined 0");
	process_deinit(&p);
}

static void recorded_frames(void)
{
	const struct wb_reg regs[] = { REG(WB_REG_PC, C(LEAF + 1)), REG(RSP, S(0)) };
	const struct wb_given given[] = {
		{ .address = KERNEL, .kind = WB_GIVEN_KERNEL, .pc_kind = WB_PC_EXACT },
		{ .address = KERNEL + 0x10, .kind = WB_GIVEN_KERNEL, .pc_kind = WB_PC_RETURN },
		{ .address = C(LEAF + 2), .kind = WB_GIVEN_USER, .pc_kind = WB_PC_RETURN },
	};
	uint64_t stack[WORDS] = { LE64(C(ROOT + 1)) };
	struct wb_region region = { STACK, stack, sizeof(stack) };
	struct wb_context context = { .regs = regs, .num_regs = 2 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1, .given = given,
	                            .num_given = 2 };
	struct wb_walker_opts opts = { .size = sizeof(opts), .max_frames = 1 };
	struct process p;

	process_init(&p, NULL);
	check(&p, p.space, &sample, NULL,
	      "ffffffff81000000 given x k | ffffffff81000010 given k | 1001 context x @+8 | 1301 cfi @+10 -> root return address undefined 0");
	/* The limit counts them too. */
	check(&p, p.space, &sample, &opts, "ffffffff81000000 given x k -> limit 0");
	opts.max_frames = 2;
	check(&p, p.space, &sample, &opts, "ffffffff81000000 given x k | ffffffff81000010 given k -> limit 1001");
	opts.max_frames = 3;
	check(&p, p.space, &sample, &opts, "ffffffff81000000 given x k | ffffffff81000010 given k | 1001 context x @+8 -> limit 1301");
	sample.num_contexts = 0;
	sample.num_given = 3;
	check(&p, p.space, &sample, NULL, "ffffffff81000000 given x k | ffffffff81000010 given k | 1002 given -> given 0");
	sample.flags = WB_SAMPLE_KERNEL_THREAD;
	sample.num_given = 2;
	check(&p, p.space, &sample, NULL, "ffffffff81000000 given x k | ffffffff81000010 given k -> root kernel thread 0");
	sample.num_given = 0;
	sample.flags = 0;
	check(&p, p.space, &sample, NULL, " -> empty 0");
	process_deinit(&p);
}

static void context_with_a_return_address(void)
{
	const struct wb_reg regs[] = { REG(WB_REG_PC, C(LEAF)), REG(RSP, S(0)) };
	uint64_t stack[WORDS] = { LE64(C(ROOT + 1)) };
	struct wb_region region = { STACK, stack, sizeof(stack) };
	struct wb_context context = { .regs = regs, .num_regs = 2, .pc_kind = WB_PC_RETURN };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct process p;

	/* LEAF is the end of nothing: looked up one byte before, where nothing is mapped. */
	process_init(&p, NULL);
	check(&p, p.space, &sample, NULL, "1000 context -> unmapped fff");
	context.pc_kind = WB_PC_EXACT;
	check(&p, p.space, &sample, NULL, "1000 context x @+8 | 1301 cfi @+10 -> root return address undefined 0");
	process_deinit(&p);
}

/* Stack memory of the space itself; the sample's regions shadow it. */
static void memory_of_the_space(void)
{
	const struct wb_reg regs[] = { REG(WB_REG_PC, C(LEAF + 1)), REG(RSP, S(0)) };
	uint64_t stack[WORDS] = { LE64(C(LEAF + 2)), LE64(C(LEAF + 3)), LE64(C(ROOT + 1)) }, shadow[1] = { LE64(C(LEAF + 9)) };
	struct wb_memory memory = { .size = sizeof(memory), .kind = WB_MEMORY_BYTES, .start = STACK, .end = STACK + sizeof(stack), .bytes = stack };
	struct wb_region region = { STACK + 8, shadow, sizeof(shadow) };
	struct wb_context context = { .regs = regs, .num_regs = 2 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1 };
	struct wb_space *space;
	struct process p;

	process_init(&p, NULL);
	REQUIRE(wb_space_add_memory(p.space, &memory, &space) == WB_OK);
	check(&p, space, &sample, NULL, "1001 context x @+8 | 1002 cfi @+10 | 1003 cfi @+18 | 1301 cfi @+20 -> root return address undefined 0");
	sample.regions = &region;
	sample.num_regions = 1;
	check(&p, space, &sample, NULL, "1001 context x @+8 | 1002 cfi @+10 | 1009 cfi @+18 | 1301 cfi @+20 -> root return address undefined 0");
	wb_space_unref(space);
	process_deinit(&p);
}

/* A region that ends the address space, and a CFA that wraps to its other end. */
static void end_of_the_address_space(void)
{
	enum { SIZE = 64 };
	const uint64_t top = 0 - (uint64_t)SIZE;
	const struct wb_reg regs[] = { REG(WB_REG_PC, C(LEAF + 1)), REG(RSP, top + 40) };
	uint8_t *copy = calloc(1, SIZE);
	struct wb_region region = { top, copy, SIZE };
	struct wb_context context = { .regs = regs, .num_regs = 2 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	uint64_t saves = LE64(C(SAVES + 1));
	struct process p;

	REQUIRE(copy);
	memcpy(copy + 40, &saves, 8);
	process_init(&p, NULL);
	/* SAVES: CFA = -16 + 32 = 16; the return address would be at 8, where no stack goes on. */
	check(&p, p.space, &sample, NULL, "1001 context x @fffffffffffffff0 | 1201 cfi @10 -> bad-info 1201");
	process_deinit(&p);
	free(copy);
}

static void pointer_mask(void)
{
	const uint64_t tag = UINT64_C(0x7f) << 56;
	const struct wb_reg regs[] = { REG(WB_REG_PC, C(LEAF + 1)), REG(RSP, S(0)) };
	uint64_t stack[WORDS] = { LE64(C(LEAF + 2) | tag), LE64(C(ROOT + 1) | tag) };
	struct wb_region region = { STACK, stack, sizeof(stack) };
	struct wb_context context = { .regs = regs, .num_regs = 2 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct wb_space *masked;
	struct process p;

	process_init(&p, NULL);
	check(&p, p.space, &sample, NULL, "1001 context x @+8 -> unmapped 7f00000000401002");
	REQUIRE(wb_space_set_pointer_mask(p.space, tag, &masked) == WB_OK);
	check(&p, masked, &sample, NULL, "1001 context x @+8 | 1002 cfi @+10 | 1301 cfi @+18 -> root return address undefined 0");
	wb_space_unref(masked);
	process_deinit(&p);
}

static void generated_code(void)
{
	static struct cfi_make cfi;
	const uint64_t jit = 0x10000000;
	const struct wb_reg regs[] = { REG(WB_REG_PC, jit + 0x10), REG(RSP, S(0)) };
	uint64_t stack[WORDS] = { LE64(1), LE64(2), LE64(C(LEAF + 2)), LE64(jit + 0x20), LE64(3), LE64(4), LE64(C(ROOT + 1)) };
	struct wb_region region = { STACK, stack, sizeof(stack) };
	struct wb_context context = { .regs = regs, .num_regs = 2 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct wb_code code = { .size = sizeof(code), .start = jit, .end = jit + 0x100, .name = "generated", .eh_frame = cfi.bytes,
	                        .eh_frame_address = 0x20000000 };
	struct wb_space *space;
	struct process p;

	cfi = (struct cfi_make){ .vaddr = 0x20000000, .address_size = 8, .version = 1, .augmentation = "zR", .encoding = 0x1b };
	cfi_make_fde(&cfi, cfi_make_cie(&cfi, PROGRAM(0x0c, 7, 24, 0x90, 1)), jit, 0x100, PROGRAM(0));
	code.eh_frame_size = cfi.size;
	process_init(&p, NULL);
	REQUIRE(wb_space_add_code(p.space, &code, &space) == WB_OK);
	check(&p, space, &sample, NULL,
	      "10000010 context x @+18 | 1002 cfi @+20 | 10000020 cfi @+38 | 1301 cfi @+40 -> root return address undefined 0");
	/* Without its version of the space, nothing is there. */
	check(&p, p.space, &sample, NULL, "10000010 context x -> unmapped 10000010");
	wb_space_unref(space);
	process_deinit(&p);
}

/* 32-bit x86: eip is DWARF register 8, esp 4, ebp 5, ebx 3; words of 4 bytes. */
static void x86_32(void)
{
	static const struct wb_platform x86 = { .arch = WB_ARCH_X86, .os = WB_OS_LINUX };
	static struct cfi_make cfi;
	const uint32_t jit = 0xf7000000;
	const struct wb_reg regs[] = { REG(WB_REG_PC, 0xf7000010), REG(4, 0xffffd000), REG(5, 0xffffd010) };
	uint32_t stack[WORDS] = { LE32(0xf7000111), LE32(1), LE32(2), LE32(3), LE32(0xffffd020), LE32(0xf7000012), LE32(6), LE32(7), LE32(8), LE32(0xf7000212) };
	struct wb_region region = { 0xffffd000, stack, sizeof(stack) };
	struct wb_context context = { .regs = regs, .num_regs = 3 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct wb_code code = { .size = sizeof(code), .start = jit, .end = jit + 0x1000, .eh_frame = cfi.bytes, .eh_frame_address = 0xf8000000 };
	struct wb_space *empty, *space;
	struct process p;
	size_t cie;

	cfi = (struct cfi_make){ .vaddr = 0xf8000000, .address_size = 4, .version = 1, .augmentation = "zR", .encoding = 0x1b };
	/* Data alignment is -8 here: offset_extended_sf 8, 1/2 does not exist; so val by expression: eip at CFA - 4. */
	cie = cfi_make_cie(&cfi, PROGRAM(0x0c, 4, 4, 0x10, 8, 2, 0x34, 0x1c));
	cfi_make_fde(&cfi, cie, jit, 0x100, PROGRAM(0));
	cfi_make_fde(&cfi, cie, jit + 0x100, 0x100, PROGRAM(0x0c, 5, 8, 0x85, 1));
	cfi_make_fde(&cfi, cie, jit + 0x200, 0x100, PROGRAM(0x07, 8));
	code.eh_frame_size = cfi.size;
	process_init(&p, NULL);
	REQUIRE(wb_space_new(p.session, &x86, &empty) == WB_OK);
	REQUIRE(wb_space_add_code(empty, &code, &space) == WB_OK);
	/* ebp = d010: CFA = d018, eip at d014; ebp at d010. Then eip at d018 is 6: nothing is mapped there. */
	check(&p, space, &sample, NULL, "f7000010 context x @ffffd004 | f7000111 cfi @ffffd018 | f7000012 cfi @ffffd01c -> unmapped 6");
	stack[6] = LE32(0xf7000212);
	check(&p, space, &sample, NULL,
	      "f7000010 context x @ffffd004 | f7000111 cfi @ffffd018 | f7000012 cfi @ffffd01c | f7000212 cfi @ffffd020 -> root return address undefined 0");
	wb_space_unref(space);
	wb_space_unref(empty);
	process_deinit(&p);
}

/* ---- Calls ---- */

static void walk_stack_is_walk(void)
{
	const struct wb_reg regs[] = { REG(WB_REG_PC, C(LEAF + 1)), REG(RSP, S(0)) };
	uint64_t stack[WORDS] = { LE64(C(LEAF + 2)), LE64(C(ROOT + 1)) };
	struct wb_region region = { STACK, stack, sizeof(stack) };
	struct wb_context context = { .regs = regs, .num_regs = 2 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct result whole, other = { .count = 0 };
	struct wb_walker *walker;
	struct process p;

	process_init(&p, NULL);
	REQUIRE(wb_walker_new(p.session, NULL, &walker) == WB_OK);
	run(walker, p.space, &sample, FRAMES, &whole);
	CHECK_EQ_I64(wb_walk_stack(walker, p.space, regs, 2, STACK, stack, sizeof(stack), other.frames, sizeof(other.frames[0]), FRAMES, &other.count,
	                           &other.stop), WB_OK);
	CHECK(same(&whole, &other));
	CHECK_EQ_U64(other.count, 3);
	CHECK_EQ_I64(wb_walk_stack(walker, p.space, NULL, 2, STACK, stack, sizeof(stack), other.frames, sizeof(other.frames[0]), FRAMES, &other.count,
	                           &other.stop), WB_ERR_ARGUMENT);
	wb_walker_free(walker);
	process_deinit(&p);
}

/* A caller that was compiled with a larger frame finds zeros behind what we know; a smaller one is refused. */
static void frames_of_another_size(void)
{
	struct large { struct wb_frame frame; uint64_t more[3]; } large[FRAMES];
	const struct wb_reg regs[] = { REG(WB_REG_PC, C(LEAF + 1)), REG(RSP, S(0)), REG(RBP, 0) };
	uint64_t stack[WORDS] = { LE64(C(LEAF + 2)), LE64(C(LEAF + 3)), LE64(C(SAVES + 1)), 0, 0, 0, LE64(C(ROOT + 1)) };
	struct wb_region region = { STACK, stack, sizeof(stack) };
	struct wb_context context = { .regs = regs, .num_regs = 3 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct result whole;
	struct wb_walker *walker;
	struct wb_stop stop;
	struct process p;
	size_t count;

	process_init(&p, NULL);
	REQUIRE(wb_walker_new(p.session, NULL, &walker) == WB_OK);
	run(walker, p.space, &sample, FRAMES, &whole);
	memset(large, 0xff, sizeof(large));
	CHECK_EQ_I64(wb_walk(walker, p.space, &sample, &large[0].frame, sizeof(large[0]), FRAMES, &count, &stop), WB_OK);
	CHECK_EQ_U64(count, whole.count);
	for (size_t i = 0; i < count; i++) {
		CHECK_MEM(&large[i].frame, &whole.frames[i], sizeof(struct wb_frame));
		CHECK_EQ_U64(large[i].more[0] | large[i].more[1] | large[i].more[2], 0);
	}
	CHECK_EQ_I64(wb_walk(walker, p.space, &sample, &large[0].frame, sizeof(struct wb_frame) - 8, FRAMES, &count, &stop), WB_ERR_ABI);
	CHECK_EQ_I64(wb_walker_begin(walker, p.space, &sample), WB_OK);
	CHECK_EQ_I64(wb_walker_next(walker, &large[0].frame, sizeof(struct wb_frame) - 8), WB_ERR_ABI);
	CHECK_EQ_I64(wb_walker_next(walker, &large[0].frame, sizeof(large[0])), WB_OK);
	wb_walker_free(walker);
	process_deinit(&p);
}

static void wrong_calls(void)
{
	const uint64_t stack[WORDS] = { 0 };
	struct wb_region regions[] = { { STACK, stack, sizeof(stack) }, { STACK + 8, stack, 8 } };
	struct wb_sample sample = { .size = sizeof(sample), .regions = regions, .num_regions = 2 };
	static const enum wb_how unknown[] = { WB_HOW_GIVEN };
	struct wb_walker_opts opts = { .size = sizeof(opts), .strategies = unknown, .num_strategies = 1 };
	struct wb_walker *walker;
	struct wb_frame frame;
	struct wb_stop stop;
	struct process p;

	process_init(&p, NULL);
	CHECK_EQ_I64(wb_walker_new(p.session, &opts, &walker), WB_ERR_UNSUPPORTED);
	REQUIRE(wb_walker_new(p.session, NULL, &walker) == WB_OK);
	CHECK_EQ_I64(wb_walker_next(walker, &frame, sizeof(frame)), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_walker_stop(walker, &stop), WB_ERR_ARGUMENT);
	/* Overlapping, unsorted, beyond the end of the address space, without bytes. */
	CHECK_EQ_I64(wb_walker_begin(walker, p.space, &sample), WB_ERR_ARGUMENT);
	regions[1].address = STACK - 8;
	CHECK_EQ_I64(wb_walker_begin(walker, p.space, &sample), WB_ERR_ARGUMENT);
	regions[1] = (struct wb_region){ UINT64_MAX - 6, stack, 8 };
	CHECK_EQ_I64(wb_walker_begin(walker, p.space, &sample), WB_ERR_ARGUMENT);
	regions[1] = (struct wb_region){ UINT64_MAX - 7, NULL, 8 };
	CHECK_EQ_I64(wb_walker_begin(walker, p.space, &sample), WB_ERR_ARGUMENT);
	regions[1].bytes = stack;
	CHECK_EQ_I64(wb_walker_begin(walker, p.space, &sample), WB_OK);
	CHECK_EQ_I64(wb_walker_next(walker, &frame, sizeof(frame)), WB_NONE);
	CHECK_EQ_I64(wb_walker_stop(walker, &stop), WB_OK);
	CHECK_EQ_I64(stop.reason, WB_STOP_EMPTY);
	wb_walker_free(walker);
	process_deinit(&p);
}

/* ---- Registers ---- */

static void check_reg(struct wb_walker *walker, uint32_t number, enum wb_reg_state state, uint64_t value)
{
	enum wb_reg_state found;
	uint64_t got = 0x123;

	CHECK_EQ_I64(wb_walker_reg(walker, number, &found, &got), WB_OK);
	CHECK_EQ_I64(found, state);
	CHECK_EQ_U64(got, state == WB_REG_UNKNOWN ? 0x123 : value);
}

static void registers(void)
{
	const struct wb_reg regs[] = { REG(WB_REG_PC, C(POPPED + 1)), REG(RSP, S(0)), REG(RBX, 0xb), REG(R12, 0xc), REG(R13, 0xd), REG(RAX, 0xa) };
	/* POPPED: rbx is saved below SP. SAVES: CFA = S(0x28), rbx in word 3, r12 in word 2. KEEPS: rbx = CFA - 8. */
	uint64_t stack[WORDS] = { LE64(C(SAVES + 1)), 0, LE64(0x1c), LE64(0x1b), LE64(C(KEEPS + 1)), LE64(C(LOST_RBX + 1)), LE64(C(ROOT + 1)) };
	struct wb_region region = { STACK, stack, sizeof(stack) };
	struct wb_context context = { .regs = regs, .num_regs = 6 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct wb_walker *walker;
	struct wb_frame frame;
	struct process p;

	process_init(&p, NULL);
	REQUIRE(wb_walker_new(p.session, NULL, &walker) == WB_OK);
	REQUIRE(wb_walker_begin(walker, p.space, &sample) == WB_OK);
	check_reg(walker, RBX, WB_REG_UNKNOWN, 0); /* there is no frame yet */
	REQUIRE(wb_walker_next(walker, &frame, sizeof(frame)) == WB_OK);
	check_reg(walker, WB_REG_PC, WB_REG_KNOWN, C(POPPED + 1));
	check_reg(walker, RBX, WB_REG_KNOWN, 0xb);
	check_reg(walker, RAX, WB_REG_KNOWN, 0xa);
	check_reg(walker, RBP, WB_REG_UNKNOWN, 0);
	check_reg(walker, 4711, WB_REG_UNKNOWN, 0);
	REQUIRE(wb_walker_next(walker, &frame, sizeof(frame)) == WB_OK); /* SAVES */
	check_reg(walker, WB_REG_PC, WB_REG_KNOWN, C(SAVES + 1));
	check_reg(walker, RSP, WB_REG_KNOWN, S(8));
	check_reg(walker, RBX, WB_REG_DERIVED, 0xb);
	check_reg(walker, RAX, WB_REG_UNKNOWN, 0);
	REQUIRE(wb_walker_next(walker, &frame, sizeof(frame)) == WB_OK); /* KEEPS */
	check_reg(walker, RBX, WB_REG_KNOWN, 0x1b);
	check_reg(walker, R12, WB_REG_KNOWN, 0x1c);
	check_reg(walker, R13, WB_REG_KNOWN, 0xd);
	REQUIRE(wb_walker_next(walker, &frame, sizeof(frame)) == WB_OK); /* LOST_RBX */
	check_reg(walker, RBX, WB_REG_KNOWN, S(0x30) - 8);
	REQUIRE(wb_walker_next(walker, &frame, sizeof(frame)) == WB_OK); /* ROOT */
	check_reg(walker, RBX, WB_REG_UNKNOWN, 0);
	check_reg(walker, R13, WB_REG_KNOWN, 0xd);
	CHECK_EQ_I64(wb_walker_next(walker, &frame, sizeof(frame)), WB_NONE);
	check_reg(walker, RBX, WB_REG_UNKNOWN, 0);
	wb_walker_free(walker);
	process_deinit(&p);
}

/* ---- Files that come later ---- */

struct late { bool has; const uint8_t *bytes; size_t size; };

static enum wb_err late_read(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	struct late *late = arg;
	size_t left = offset < late->size ? late->size - (size_t)offset : 0;

	*ret_got = count < left ? count : left;
	memcpy(buffer, late->bytes + offset, *ret_got);
	return WB_OK;
}

static enum wb_err late_find(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	static struct wb_source source;
	struct late *late = arg;

	if (query->role != WB_FILE_EXECUTABLE || nth)
		return WB_NONE;
	if (!late->has)
		return WB_LATER;
	source = (struct wb_source){ .size = sizeof(source), .length = late->size, .arg = late, .read = late_read };
	memset(ret_candidate, 0, sizeof(*ret_candidate));
	strcpy(ret_candidate->path, "late");
	ret_candidate->source = &source;
	ret_candidate->forced = 1;
	return WB_OK;
}

/* A finder that says "later" is asked again in the next walk, by the same walker in the same space too. */
static void file_that_comes_later(void)
{
	const struct wb_reg regs[] = { REG(WB_REG_PC, C(LEAF + 1)), REG(RSP, S(0)) };
	uint64_t stack[WORDS] = { LE64(C(ROOT + 1)) };
	struct wb_region region = { STACK, stack, sizeof(stack) };
	struct wb_context context = { .regs = regs, .num_regs = 2 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct wb_mapping mapping = { .size = sizeof(mapping), .start = C(0x1000), .end = C(END), .prot = WB_PROT_READ | WB_PROT_EXEC, .path = "/late" };
	struct late late = { .has = false };
	struct wb_session *session;
	struct wb_space *empty, *space;
	struct wb_walker *walker;
	struct result result;

	late.bytes = make_elf(&late.size, &mapping.file_offset);
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_session_add_finder(session, late_find, &late, NULL) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
	REQUIRE(wb_space_map(empty, &mapping, 1, &space) == WB_OK);
	REQUIRE(wb_walker_new(session, NULL, &walker) == WB_OK);
	run(walker, space, &sample, FRAMES, &result);
	CHECK_EQ_I64(result.stop.reason, WB_STOP_NO_IMAGE);
	late.has = true;
	run(walker, space, &sample, FRAMES, &result);
	CHECK_EQ_I64(result.stop.reason, WB_STOP_ROOT);
	wb_walker_free(walker);
	wb_space_unref(space);
	wb_space_unref(empty);
	wb_session_free(session);
	free((void *)(uintptr_t)late.bytes);
}

/* By frame pointers, whose last one is zero: each frame lacks the file, not just the one where a walk ends. */
static void files_that_are_not_there(void)
{
	static const enum wb_how hows[] = { WB_HOW_FRAME_POINTER };
	const struct wb_walker_opts opts = { .size = sizeof(opts), .strategies = hows, .num_strategies = 1 };
	const struct wb_reg regs[] = { REG(WB_REG_PC, C(LEAF + 1)), REG(RSP, S(0)), REG(RBP, S(0)) };
	uint64_t stack[WORDS] = { LE64(S(0x10)), LE64(C(ROOT + 1)), 0, LE64(C(ROOT + 2)) };
	struct wb_region region = { STACK, stack, sizeof(stack) };
	struct wb_context context = { .regs = regs, .num_regs = 3 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct wb_mapping mapping = { .size = sizeof(mapping), .start = C(0x1000), .end = C(END), .prot = WB_PROT_READ | WB_PROT_EXEC, .path = "/none" };
	struct wb_wanted wanted = { .size = sizeof(wanted) };
	struct wb_session *session;
	struct wb_space *empty, *space;
	struct wb_walker *walker;
	struct result result;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
	REQUIRE(wb_space_map(empty, &mapping, 1, &space) == WB_OK);
	REQUIRE(wb_walker_new(session, &opts, &walker) == WB_OK);
	run(walker, space, &sample, FRAMES, &result);
	CHECK_EQ_U64(result.count, 3);
	REQUIRE(wb_session_wanted(session, 0, &wanted) == WB_OK);
	CHECK_STR(wanted.path, "/none");
	CHECK_EQ_U64(wanted.frames, 3);
	wb_walker_free(walker);
	wb_space_unref(space);
	wb_space_unref(empty);
	wb_session_free(session);
}

/* Stops name the image that they are about, not one that an earlier frame or walk was in. */
static void stops_name_their_image(void)
{
	const struct wb_reg good[] = { REG(WB_REG_PC, C(LEAF + 1)), REG(RSP, S(0)) }, nowhere[] = { REG(WB_REG_PC, 0x10), REG(RSP, S(0)) };
	uint64_t stack[WORDS] = { LE64(C(STILL + 1)), LE64(C(STILL + 1)) }, zero[WORDS] = { LE64(C(LEAF + 1)) };
	struct wb_region region = { STACK, stack, sizeof(stack) };
	struct wb_context context = { .regs = good, .num_regs = 2 };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct wb_walker *walker;
	struct result result;
	struct process p;

	process_init(&p, NULL);
	REQUIRE(wb_walker_new(p.session, NULL, &walker) == WB_OK);
	run(walker, p.space, &sample, FRAMES, &result);
	CHECK_EQ_I64(result.stop.reason, WB_STOP_NO_PROGRESS);
	CHECK_EQ_U64(result.stop.image_id, wb_image_id(p.image));
	CHECK_EQ_I64(result.stop.how, WB_HOW_CFI);
	run(walker, p.space, &sample, 0, &result);
	CHECK_EQ_I64(result.stop.reason, WB_STOP_LIMIT);
	CHECK_EQ_U64(result.stop.image_id, 0);
	CHECK_EQ_I64(result.stop.how, WB_HOW_CONTEXT);
	context.regs = nowhere;
	region.size = 0;
	run(walker, p.space, &sample, FRAMES, &result);
	CHECK_EQ_I64(result.stop.reason, WB_STOP_MEMORY);
	CHECK_EQ_U64(result.stop.address, STACK);
	CHECK_EQ_U64(result.stop.image_id, 0);
	region = (struct wb_region){ STACK, zero, sizeof(zero) };
	context.regs = good;
	run(walker, p.space, &sample, FRAMES, &result);
	CHECK_EQ_I64(result.stop.reason, WB_STOP_ROOT);
	CHECK_EQ_U64(result.stop.image_id, wb_image_id(p.image));
	wb_walker_free(walker);
	process_deinit(&p);
}

int main(void)
{
	TEST_RUN(alternate_stacks);
	TEST_RUN(recorded_frames);
	TEST_RUN(context_with_a_return_address);
	TEST_RUN(memory_of_the_space);
	TEST_RUN(end_of_the_address_space);
	TEST_RUN(pointer_mask);
	TEST_RUN(generated_code);
	TEST_RUN(x86_32);
	TEST_RUN(walk_stack_is_walk);
	TEST_RUN(frames_of_another_size);
	TEST_RUN(wrong_calls);
	TEST_RUN(registers);
	TEST_RUN(file_that_comes_later);
	TEST_RUN(files_that_are_not_there);
	TEST_RUN(stops_name_their_image);
	return test_summary();
}
