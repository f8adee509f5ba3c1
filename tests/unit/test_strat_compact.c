/* SPDX-License-Identifier: MIT */
/*
 * Walks through a Mach-O image that is made here: by entries of frames and without, with registers that only they tell; by stubs; to where a page is
 * damaged, and past it where another one is asked. The whole walk and the one step by step are the same.
 */
#include "compact_make.h"

#include "base/mem.h"
#include "macho_make.h"
#include "model/image.h"
#include "unwind/compact.h"

enum {
	BASE = 0x10000,               /* image pc of the header */
	LOAD = 0x500000,              /* where it is mapped */
	TEXT = 0x1000,                /* offsets from the header */
	FRAMED = 0x1000, FRAMELESS = 0x1100, SAYS_NOTHING = 0x1200, NO_STACK = 0x1300, DAMAGED = 0x1800, STUBS = 0x2000, UNWIND = 0x2100,
	STACK = 0x7000,
};

/* Two pages: FRAMED, FRAMELESS, SAYS_NOTHING and NO_STACK up to DAMAGED, whose page is of no kind. */
static void make_unwind(struct compact_make *m)
{
	static const uint32_t index[][3] = { { FRAMED, 64, 0 }, { DAMAGED, 104, 0 }, { STUBS, 0, 0 } };
	/* rbx and r14 below the frame; 4 words with rbx and rbp (see test_compact_encoding.c). */
	static const uint32_t entries[][2] = { { FRAMED, 0x01020021 }, { FRAMELESS, 0x02040804 }, { SAYS_NOTHING, 0 }, { NO_STACK, 0x02010000 } };
	static const uint32_t header[] = { 1, 28, 0, 28, 0, 28, 3 };

	m->size = 0;
	for (size_t i = 0; i < sizeof header / sizeof header[0]; i++)
		compact_put(m, header[i], 4);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++)
			compact_put(m, index[i][j], 4);
	compact_put(m, 2, 4);
	compact_put(m, 8, 2);
	compact_put(m, 4, 2);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 2; j++)
			compact_put(m, entries[i][j], 4);
	compact_put(m, 77, 4);
}

struct program {
	struct wb_session *session;
	struct wb_space *space;
	unsigned num_diags;
};

static void count_diag(void *arg, const struct wb_diag *diag)
{
	(void)diag;
	++*(unsigned *)arg;
}

static bool make_program(struct program *p)
{
	struct wb_session_opts opts = { .size = sizeof opts, .diag = count_diag, .diag_arg = &p->num_diags };
	struct wb_platform platform = { .arch = WB_ARCH_X86_64 };
	struct wb_mapping mapping = { .size = sizeof mapping, .start = LOAD, .end = LOAD + 0x3000, .prot = WB_PROT_READ | WB_PROT_EXEC };
	static uint8_t code[STUBS - TEXT];
	static const uint8_t stub[6] = { 0xff, 0x25 };
	struct compact_make unwind;
	struct wb_space *empty = NULL;
	struct macho_make m;
	size_t size;

	*p = (struct program){ .session = NULL };
	memset(code, 0x90, sizeof code);
	make_unwind(&unwind);
	macho_make_init(&m, true, false, 0x01000007, 6);
	macho_make_segment(&m, "__TEXT", BASE, 5);
	macho_make_section(&m, "__text", BASE + TEXT, MACHO_MAKE_CODE, code, sizeof code);
	macho_make_section(&m, "__stubs", BASE + STUBS, MACHO_MAKE_CODE | 8, stub, sizeof stub)->reserved2 = 6;
	macho_make_section(&m, "__unwind_info", BASE + UNWIND, 0, unwind.bytes, unwind.size);
	uint8_t *bytes = macho_make_finish(&m, &size);

	bool ok = wb_session_new(&opts, &p->session) == WB_OK && wb_space_new(p->session, &platform, &empty) == WB_OK &&
	          wb_image_open_bytes(p->session, "made", bytes, size, 0, free, bytes, &mapping.image) == WB_OK &&
	          wb_space_map(empty, &mapping, 1, &p->space) == WB_OK;
	wb_image_unref(mapping.image);
	wb_space_unref(empty);
	return ok;
}

static void free_program(struct program *p)
{
	wb_space_unref(p->space);
	wb_session_free(p->session);
}

enum { STACK_WORDS = 12 };

/* A stopped thread: pc, rsp, rbp, rbx. The caller's pcs in stacks are return addresses. */
struct moment {
	const char *name;
	uint64_t pc, sp, fp;
	enum wb_pc_kind kind;
	uint64_t stack[STACK_WORDS];
	struct { uint64_t pc; enum wb_how how; uint64_t rbx; } expect[4]; /* rbx 0: unknown */
	enum wb_stop_reason stop;
	enum wb_how stop_how;
};

static const struct moment moments[] = {
	/* rbp at 0x7020: below it r14 and rbx, above it the caller's rbp and the return address. */
	{ "a frame", LOAD + FRAMED + 0x40, STACK, STACK + 0x20, WB_PC_RETURN,
	  { 0, 0, 0xb1, 0x14, 0, LOAD + FRAMELESS + 0x40, 0, 0xb2, 0, 0 },
	  { { LOAD + FRAMED + 0x40, WB_HOW_CONTEXT, 0xb0 }, { LOAD + FRAMELESS + 0x40, WB_HOW_COMPACT, 0xb1 } },
	  WB_STOP_ROOT, WB_HOW_COMPACT },
	{ "without a frame", LOAD + FRAMELESS + 0x40, STACK, 0x77, WB_PC_RETURN,
	  { 0, 0xb1, STACK + 0x40, LOAD + FRAMED + 0x40, 0, 0, 0xb2, 0x14, 0, 0 },
	  { { LOAD + FRAMELESS + 0x40, WB_HOW_CONTEXT, 0xb0 }, { LOAD + FRAMED + 0x40, WB_HOW_COMPACT, 0xb1 } },
	  WB_STOP_ROOT, WB_HOW_COMPACT },
	{ "a stub", LOAD + STUBS, STACK, 0x77, WB_PC_EXACT,
	  { LOAD + FRAMELESS + 0x40, 0, 0xb1, STACK + 0x40, 0 },
	  { { LOAD + STUBS, WB_HOW_CONTEXT, 0xb0 }, { LOAD + FRAMELESS + 0x40, WB_HOW_LEAF, 0xb0 } },
	  WB_STOP_ROOT, WB_HOW_COMPACT },
	{ "into a damaged page", LOAD + FRAMELESS + 0x40, STACK, 0x77, WB_PC_RETURN,
	  { 0, 0xb1, 0x77, LOAD + DAMAGED + 0x40, 0 },
	  { { LOAD + FRAMELESS + 0x40, WB_HOW_CONTEXT, 0xb0 }, { LOAD + DAMAGED + 0x40, WB_HOW_COMPACT, 0xb1 } },
	  WB_STOP_BAD_INFO, WB_HOW_COMPACT },
	/* Others are asked: the frame pointer leads on. */
	{ "where an entry says nothing", LOAD + SAYS_NOTHING + 0x40, STACK, STACK + 0x10, WB_PC_RETURN,
	  { 0, 0, STACK + 0x40, LOAD + FRAMELESS + 0x40, 0, 0, 0, 0 },
	  { { LOAD + SAYS_NOTHING + 0x40, WB_HOW_CONTEXT, 0xb0 }, { LOAD + FRAMELESS + 0x40, WB_HOW_FRAME_POINTER, 0 } },
	  WB_STOP_ROOT, WB_HOW_COMPACT },
	/* Who calls has aligned the stack; the words below would be taken for a return address. */
	{ "where an entry says that a caller has taken no stack", LOAD + NO_STACK + 0x40, STACK, STACK + 0x10, WB_PC_RETURN,
	  { LOAD + FRAMED + 0x40, 0, STACK + 0x40, LOAD + FRAMELESS + 0x40, 0, 0, 0, 0 },
	  { { LOAD + NO_STACK + 0x40, WB_HOW_CONTEXT, 0xb0 }, { LOAD + FRAMELESS + 0x40, WB_HOW_FRAME_POINTER, 0 } },
	  WB_STOP_ROOT, WB_HOW_COMPACT },
};

/* As the program's memory has it. */
static void copy_stack(const struct moment *m, uint64_t stack[STACK_WORDS])
{
	for (size_t i = 0; i < STACK_WORDS; i++)
		stack[i] = LE64(m->stack[i]);
}

static void check_frames(const struct moment *m, const struct wb_frame *frames, size_t count, const struct wb_stop *stop)
{
	size_t expected = 0;

	while (expected < 4 && m->expect[expected].pc)
		expected++;
	CHECK_EQ_U64(count, expected);
	for (size_t i = 0; i < count && i < expected; i++) {
		CHECK_EQ_U64(frames[i].pc, m->expect[i].pc);
		CHECK_STR(wb_how_text((enum wb_how)frames[i].how), wb_how_text(m->expect[i].how));
	}
	CHECK_STR(wb_stop_text(stop->reason), wb_stop_text(m->stop));
	CHECK_STR(wb_how_text(stop->how), wb_how_text(m->stop_how));
}

static void walk(struct program *p, const struct moment *m)
{
	const struct wb_reg regs[] = { { WB_REG_PC, 0, m->pc }, { 7, 0, m->sp }, { 6, 0, m->fp }, { 3, 0, 0xb0 } };
	const struct wb_context context = { regs, 4, m->kind, 0 };
	uint64_t stack[STACK_WORDS];
	const struct wb_region region = { STACK, stack, sizeof stack };
	const struct wb_sample sample = { .size = sizeof sample, .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };
	struct wb_frame frames[8];
	struct wb_walker *walker;
	struct wb_stop stop;
	size_t count = 0;

	copy_stack(m, stack);
	REQUIRE(wb_walker_new(p->session, NULL, &walker) == WB_OK);
	/* The second time the rows are in the cache. */
	for (unsigned time = 0; time < 2; time++) {
		REQUIRE(wb_walk(walker, p->space, &sample, frames, sizeof frames[0], 8, &count, &stop) == WB_OK);
		check_frames(m, frames, count, &stop);
	}
	REQUIRE(wb_walker_begin(walker, p->space, &sample) == WB_OK);
	for (count = 0; count < 8 && wb_walker_next(walker, &frames[count], sizeof frames[0]) == WB_OK; count++) {
		enum wb_reg_state state;
		uint64_t rbx = 0;

		CHECK(wb_walker_reg(walker, 3, &state, &rbx) == WB_OK);
		CHECK_EQ_U64(rbx, m->expect[count].rbx);
	}
	REQUIRE(wb_walker_stop(walker, &stop) == WB_OK);
	check_frames(m, frames, count, &stop);
	wb_walker_free(walker);
}

static void walks(void)
{
	for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
		struct program p;

		test_row(moments[i].name);
		REQUIRE(make_program(&p));
		walk(&p, &moments[i]);
		CHECK_EQ_U64(p.num_diags, moments[i].stop == WB_STOP_BAD_INFO);
		free_program(&p);
	}
}

/* Whichever allocation fails, the walk fails for lack of memory or is the same; and the next one is whole. */
static void stands_failing_allocations(void)
{
	const struct moment *m = &moments[0];
	const struct wb_reg regs[] = { { WB_REG_PC, 0, m->pc }, { 7, 0, m->sp }, { 6, 0, m->fp } };
	const struct wb_context context = { regs, 3, m->kind, 0 };
	uint64_t stack[STACK_WORDS];
	const struct wb_region region = { STACK, stack, sizeof stack };
	const struct wb_sample sample = { .size = sizeof sample, .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };

	copy_stack(m, stack);
	for (uint64_t nth = 1, made = nth; made >= nth; nth++) {
		struct wb_frame frames[8];
		struct wb_walker *walker;
		struct program p;
		struct wb_stop stop;
		size_t count;

		REQUIRE(make_program(&p) && wb_walker_new(p.session, NULL, &walker) == WB_OK);
		wb_mem_fail_at(nth, false);
		enum wb_err err = wb_walk(walker, p.space, &sample, frames, sizeof frames[0], 8, &count, &stop);
		made = wb_mem_count();
		wb_mem_fail_at(0, false);
		CHECK(!err || err == WB_ERR_MEMORY);
		if (!err)
			check_frames(m, frames, count, &stop);
		REQUIRE(wb_walk(walker, p.space, &sample, frames, sizeof frames[0], 8, &count, &stop) == WB_OK);
		check_frames(m, frames, count, &stop);
		wb_walker_free(walker);
		free_program(&p);
	}
}

/* ---- Stubs ---- */

enum { STUBS_AT = 0x12000, HELPERS_AT = 0x12100, CPU_X86_64 = 0x01000007, CPU_ARM64 = 0x0100000c };

/* As ld64.lld of LLVM 14 makes them: a stub; the helpers' header and one helper. */
static const uint8_t x86_64_stub[] = { 0xff, 0x25, 0x56, 0x2a, 0, 0 };
static const uint8_t x86_64_helpers[] = {
	0x4c, 0x8d, 0x1d, 0x55, 0x2a, 0, 0, /* lea ...(%rip), %r11 */
	0x41, 0x53,           /* push %r11 */
	0xff, 0x25, 0x45, 0x1a, 0, 0, /* jmp *...(%rip) */
	0x90,
	0x68, 0, 0, 0, 0,     /* push $0 */
	0xe9, 0xe6, 0xff, 0xff, 0xff, /* jmp to the header */
};
static const uint8_t arm64_stub[] = { 0x50, 0, 0, 0x90, 0x10, 2, 0x40, 0xf9, 0, 2, 0x1f, 0xd6 };
static const uint8_t arm64_helpers[] = {
	0x51, 0, 0, 0x90,     /* adrp x17 */
	0x31, 0x22, 0, 0x91,  /* add x17, x17, #8 */
	0xf0, 0x47, 0xbf, 0xa9, /* stp x16, x17, [sp, #-16]! */
	0x30, 0, 0, 0x90,     /* adrp x16 */
	0x10, 2, 0x40, 0xf9,  /* ldr x16, [x16] */
	0, 2, 0x1f, 0xd6,     /* br x16 */
	0x50, 0, 0, 0x18,     /* ldr w16, ... */
	0xf9, 0xff, 0xff, 0x17, /* b to the header */
	0, 0, 0, 0,
};

static const struct {
	const char *name;
	uint32_t cpu, at;             /* from STUBS_AT or HELPERS_AT */
	bool is_stub;
	int32_t pushed;               /* bytes beside the return address */
} stub_cases[] = {
	{ "x86-64: a stub", CPU_X86_64, 0, true, 0 },
	{ "x86-64: a helper, before it pushes", CPU_X86_64, 16, false, 0 }, { "x86-64: behind that", CPU_X86_64, 21, false, 8 },
	{ "x86-64: the header", CPU_X86_64, 0, false, 8 }, { "x86-64: the header, before it pushes", CPU_X86_64, 7, false, 8 },
	{ "x86-64: behind that", CPU_X86_64, 9, false, 16 },
	{ "arm64: a stub", CPU_ARM64, 4, true, 0 }, { "arm64: a helper", CPU_ARM64, 24, false, 0 }, { "arm64: its jump", CPU_ARM64, 28, false, 0 },
	{ "arm64: the header", CPU_ARM64, 0, false, 0 }, { "arm64: before it stores", CPU_ARM64, 8, false, 0 },
	{ "arm64: behind that", CPU_ARM64, 12, false, 16 }, { "arm64: its jump", CPU_ARM64, 20, false, 16 },
};

static struct wb_image *make_stubs(struct wb_session *session, uint32_t cpu)
{
	bool is_arm = cpu == CPU_ARM64;
	struct wb_image *image = NULL;
	struct macho_make m;
	size_t size;

	macho_make_init(&m, true, false, cpu, 2);
	macho_make_segment(&m, "__TEXT", BASE, 5);
	macho_make_section(&m, "__stubs", STUBS_AT, MACHO_MAKE_CODE | 8, is_arm ? arm64_stub : x86_64_stub, is_arm ? sizeof arm64_stub : sizeof x86_64_stub);
	macho_make_section(&m, "__stub_helper", HELPERS_AT, MACHO_MAKE_CODE, is_arm ? arm64_helpers : x86_64_helpers,
	                   is_arm ? sizeof arm64_helpers : sizeof x86_64_helpers);
	uint8_t *bytes = macho_make_finish(&m, &size);

	CHECK(wb_image_open_bytes(session, "stubs", bytes, size, 0, free, bytes, &image) == WB_OK);
	return image;
}

static void knows_stubs(void)
{
	struct wb_session *session;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	for (size_t i = 0; i < sizeof stub_cases / sizeof stub_cases[0]; i++) {
		const struct wb_arch_info *arch = wb_arch_info(stub_cases[i].cpu == CPU_ARM64 ? WB_ARCH_AARCH64 : WB_ARCH_X86_64);
		struct wb_image *image = make_stubs(session, stub_cases[i].cpu);
		int32_t pushed = -1;

		test_row(stub_cases[i].name);
		CHECK_EQ_I64(wb_compact_stub(image, arch, (stub_cases[i].is_stub ? STUBS_AT : HELPERS_AT) + stub_cases[i].at, &pushed), WB_OK);
		CHECK_EQ_I64(pushed, stub_cases[i].pushed);
		CHECK_EQ_I64(wb_compact_stub(image, arch, STUBS_AT + 0x80, &pushed), WB_NONE);
		wb_image_unref(image);
	}
	wb_session_free(session);
}

int main(void)
{
	TEST_RUN(walks);
	TEST_RUN(stands_failing_allocations);
	TEST_RUN(knows_stubs);
	return test_summary();
}
