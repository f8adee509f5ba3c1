/* SPDX-License-Identifier: MIT */
/*
 * A made-up program, its process, and all forms of a walk over it: by the fast form with an empty and a warm row cache, with a tiny row cache, by the
 * slow form alone, and step by step; all have to be the same to the last byte, at every capacity.
 *
 * What comes out is printed as "pc how flags @CFA | ... -> reason address": pcs as offsets from the program's start, CFAs and addresses from
 * the stack's, all in hexadecimal; flags: x exact, s signal trampoline, k kernel, d SP derived.
 */
#ifndef TESTS_UNIT_WALK_PROGRAM_H
#define TESTS_UNIT_WALK_PROGRAM_H

#include "unwind/walker.h"

#include "tests/test.h"
#include "tests/unit/cfi_make.h"

enum {
	CODE_SIZE = 0x2000,
	FRAMES = 64,
	WORDS = 16,
};
#define CODE UINT64_C(0x400000)
#define STACK UINT64_C(0x7fff00000000)
#define ALT UINT64_C(0x7ffe00000000)  /* another stack */
#define DATA UINT64_C(0x600000)
#define KERNEL UINT64_C(0xffffffff81000000)

/* ---- The program ---- */

/* Where its functions are: each has 0x100 bytes, in which one row holds. */
enum {
	LEAF = 0x1000,                /* CFA = rsp + 8 */
	FRAMED = 0x1100,              /* CFA = rbp + 16; rbp at CFA - 16, rbx at CFA - 24 */
	SAVES = 0x1200,               /* CFA = rsp + 32; rbx at CFA - 16, r12 at CFA - 24 */
	ROOT = 0x1300,                /* the return address is undefined */
	TRAMPOLINE = 0x1400,          /* signal frame: at rsp are pc, rbp, rsp, rbx of what was interrupted; CFA = *(rsp + 16) */
	NOTHING = 0x1500,             /* no FDE */
	BROKEN = 0x1600,              /* an unknown instruction */
	STILL = 0x1700,               /* CFA = rsp; return address at CFA */
	POPPED = 0x1800,              /* CFA = rsp + 8; rbx at CFA - 24, rbp at CFA - 16 */
	BY_R10 = 0x1900,              /* CFA = r10 + 8 */
	NO_SP = 0x1a00,               /* CFA = rbp + 16; rsp is undefined */
	LOST_RBX = 0x1b00,            /* CFA = rsp + 8; rbx is undefined */
	BY_RBX = 0x1c00,              /* CFA = rbx + 8 */
	ROOT_NO_CFA = 0x1d00,         /* CFA = r10 + 8; the return address is undefined */
	KEEPS = 0x1e00,               /* CFA = rsp + 8; rbx = CFA - 8, r13 the same */
	RA_IN_RAX = 0x1f00,           /* CFA = rsp; the return address is in rax */
	PUSHES = 0x2000,              /* no FDE; a symbol; push rbp; mov rbp, rsp; ...; ret */
	END = 0x3000,
};

#define PROGRAM(...) ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ })

static inline void put_functions(struct cfi_make *m)
{
	size_t cie, signal;

	m->augmentation = "zR";
	cie = cfi_make_cie(m, PROGRAM(0x0c, 7, 8, 0x90, 1));
	cfi_make_fde(m, cie, LEAF, 0x100, PROGRAM(0));
	cfi_make_fde(m, cie, FRAMED, 0x100, PROGRAM(0x0c, 6, 16, 0x86, 2, 0x83, 3));
	cfi_make_fde(m, cie, SAVES, 0x100, PROGRAM(0x0e, 32, 0x83, 2, 0x8c, 3));
	cfi_make_fde(m, cie, ROOT, 0x100, PROGRAM(0x07, 16));
	cfi_make_fde(m, cie, BROKEN, 0x100, PROGRAM(0x3e));
	cfi_make_fde(m, cie, STILL, 0x100, PROGRAM(0x0e, 0, 0x90, 0));
	cfi_make_fde(m, cie, POPPED, 0x100, PROGRAM(0x83, 3, 0x86, 2));
	cfi_make_fde(m, cie, BY_R10, 0x100, PROGRAM(0x0c, 10, 8));
	cfi_make_fde(m, cie, NO_SP, 0x100, PROGRAM(0x0c, 6, 16, 0x07, 7));
	cfi_make_fde(m, cie, LOST_RBX, 0x100, PROGRAM(0x07, 3));
	cfi_make_fde(m, cie, BY_RBX, 0x100, PROGRAM(0x0c, 3, 8));
	cfi_make_fde(m, cie, ROOT_NO_CFA, 0x100, PROGRAM(0x0c, 10, 8, 0x07, 16));
	cfi_make_fde(m, cie, KEEPS, 0x100, PROGRAM(0x14, 3, 1, 0x08, 13));
	cfi_make_fde(m, cie, RA_IN_RAX, 0x100, PROGRAM(0x0e, 0, 0x09, 16, 0));
	m->augmentation = "zRS";
	signal = cfi_make_cie(m, PROGRAM(0x0f, 3, 0x77, 16, 0x06, 0x10, 16, 2, 0x77, 0, 0x10, 6, 2, 0x77, 8, 0x10, 3, 2, 0x77, 24));
	/* One byte earlier than the trampoline: a return address into it is looked up there. */
	cfi_make_fde(m, signal, TRAMPOLINE - 1, 0x101, PROGRAM(0));
}

static inline uint8_t *make_elf(size_t *ret_size, uint64_t *ret_text_offset)
{
	static struct cfi_make cfi;
	static uint8_t code[CODE_SIZE], hdr[1024], symbols[48];
	struct elf_make m;
	unsigned text, eh, symtab, strtab;
	uint8_t *file;

	cfi = (struct cfi_make){ .vaddr = 0x4000, .address_size = 8, .version = 1, .encoding = 0x1b };
	put_functions(&cfi);
	memset(code, 0x90, sizeof(code));
	memcpy(code + PUSHES - 0x1000, "\x55\x48\x89\xe5\x90\x90\xc3", 7);
	/* A call (e8 rel32) in front of LEAF + 0x85 */
	code[LEAF + 0x80 - 0x1000] = 0xe8;
	elf_make_init(&m, true, false, 3, 62);
	text = elf_make_section(&m, ".text", 1, 6, 0x1000, code, sizeof(code));
	elf_make_section(&m, ".eh_frame_hdr", 1, 2, 0x3000, hdr, cfi_make_hdr(&cfi, 0x3000, hdr));
	eh = elf_make_section(&m, ".eh_frame", 1, 2, 0x4000, cfi.bytes, cfi.size);
	elf_make_symbol(&m, symbols + 24, 1, 0x12, (uint16_t)text, PUSHES, 7);
	symtab = elf_make_section(&m, ".symtab", 2, 0, 0, symbols, sizeof(symbols));
	strtab = elf_make_section(&m, ".strtab", 3, 0, 0, "\0pushes", 8);
	m.sections[symtab].link = strtab;
	m.sections[symtab].entsize = 24;
	m.sections[symtab].info = 1;
	elf_make_segment(&m, 1, 5, text, text);
	elf_make_segment(&m, 1, 4, eh - 1, eh);
	file = elf_make_finish(&m, ret_size);
	*ret_text_offset = m.sections[text].offset;
	return file;
}

/* ---- The process ---- */

struct process {
	struct wb_session *session;
	struct wb_image *image;
	struct wb_space *space;
};

static const struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX };

/* The program at CODE, writable data at DATA, a file that nobody has at 0x500000. */
static inline void process_init(struct process *p, const struct wb_session_opts *opts)
{
	uint64_t text_offset;
	size_t size;
	uint8_t *file = make_elf(&size, &text_offset);
	struct wb_space *empty;

	*p = (struct process){ NULL, NULL, NULL };
	REQUIRE(wb_session_new(opts, &p->session) == WB_OK);
	REQUIRE(wb_image_open_bytes(p->session, "program", file, size, 0, free, file, &p->image) == WB_OK);
	REQUIRE(wb_space_new(p->session, &platform, &empty) == WB_OK);
	struct wb_mapping mappings[] = {
		{ .size = sizeof(mappings[0]), .start = CODE + 0x1000, .end = CODE + END, .file_offset = text_offset,
		  .prot = WB_PROT_READ | WB_PROT_EXEC, .image = p->image },
		{ .size = sizeof(mappings[0]), .start = DATA, .end = DATA + 0x1000, .prot = WB_PROT_READ | WB_PROT_WRITE },
		{ .size = sizeof(mappings[0]), .start = 0x500000, .end = 0x501000, .prot = WB_PROT_READ | WB_PROT_EXEC, .path = "/lost" },
	};
	CHECK(wb_space_map(empty, mappings, 3, &p->space) == WB_OK);
	wb_space_unref(empty);
}

static inline void process_deinit(struct process *p)
{
	wb_space_unref(p->space);
	wb_image_unref(p->image);
	wb_session_free(p->session);
}

struct result {
	struct wb_frame frames[FRAMES];
	size_t count;
	struct wb_stop stop;
};

/* Another struct with the same members may differ in padding; these have none but `reserved`. */
static inline bool same(const struct result *a, const struct result *b)
{
	return a->count == b->count && !memcmp(a->frames, b->frames, a->count * sizeof(a->frames[0])) && !memcmp(&a->stop, &b->stop, sizeof(a->stop));
}

static inline void run(struct wb_walker *walker, struct wb_space *space, const struct wb_sample *sample, size_t cap, struct result *ret)
{
	memset(ret, 0, sizeof(*ret));
	CHECK_EQ_I64(wb_walk(walker, space, sample, ret->frames, sizeof(ret->frames[0]), cap, &ret->count, &ret->stop), WB_OK);
}

static inline void run_steps(struct wb_walker *walker, struct wb_space *space, const struct wb_sample *sample, struct result *ret)
{
	memset(ret, 0, sizeof(*ret));
	CHECK_EQ_I64(wb_walker_begin(walker, space, sample), WB_OK);
	while (ret->count < FRAMES && wb_walker_next(walker, &ret->frames[ret->count], sizeof(ret->frames[0])) == WB_OK)
		ret->count++;
	if (ret->count == FRAMES)
		CHECK_EQ_I64(wb_walker_next(walker, &(struct wb_frame){ 0 }, sizeof(ret->frames[0])), WB_NONE);
	CHECK_EQ_I64(wb_walker_stop(walker, &ret->stop), WB_OK);
}

/* All forms of the same walk, compared; the result of the first. */
static inline void walk_all_forms(struct wb_session *session, struct wb_space *space, const struct wb_sample *sample, const struct wb_walker_opts *given,
                           struct result *ret)
{
	struct wb_walker_opts opts = given ? *given : (struct wb_walker_opts){ .size = sizeof(opts) };
	struct wb_walker *walker, *tiny, *slow;
	struct result other;

	opts.max_frames = opts.max_frames ? opts.max_frames : FRAMES;
	REQUIRE(wb_walker_new(session, &opts, &walker) == WB_OK);
	REQUIRE(wb_walker_new(session, &opts, &slow) == WB_OK);
	opts.row_cache_entries = 1;
	REQUIRE(wb_walker_new(session, &opts, &tiny) == WB_OK);
	slow->slow_only = true;
	run(walker, space, sample, FRAMES, ret);
	run(walker, space, sample, FRAMES, &other);
	CHECK(same(ret, &other));
	run(tiny, space, sample, FRAMES, &other);
	CHECK(same(ret, &other));
	run(slow, space, sample, FRAMES, &other);
	CHECK(same(ret, &other));
	run_steps(walker, space, sample, &other);
	CHECK(same(ret, &other));
	for (size_t cap = 0; cap < ret->count; cap++) {
		/* Cut at every length, the frames are the same, and the stop is the cap's. */
		struct result cut;

		run(walker, space, sample, cap, &other);
		run(slow, space, sample, cap, &cut);
		CHECK(same(&other, &cut));
		CHECK_EQ_U64(other.count, cap);
		CHECK(!memcmp(other.frames, ret->frames, cap * sizeof(ret->frames[0])));
		CHECK_EQ_I64(other.stop.reason, WB_STOP_LIMIT);
	}
	wb_walker_free(walker);
	wb_walker_free(slow);
	wb_walker_free(tiny);
}

static inline const char *short_pc(uint64_t pc, char *text, size_t size)
{
	snprintf(text, size, "%" PRIx64, pc - CODE < 0x10000 ? pc - CODE : pc);
	return text;
}

static inline const char *short_address(uint64_t address, char *text, size_t size)
{
	if (address - STACK < 0x10000)
		snprintf(text, size, "+%" PRIx64, address - STACK);
	else if (address - ALT < 0x10000)
		snprintf(text, size, "alt+%" PRIx64, address - ALT);
	else
		short_pc(address, text, size);
	return text;
}

static inline void print(const struct result *r, char *text, size_t size)
{
	size_t used = 0;
	char number[2][40];

	for (size_t i = 0; i < r->count; i++) {
		const struct wb_frame *f = &r->frames[i];

		used += (size_t)snprintf(text + used, size - used, "%s%s %s%s%s%s%s", i ? " | " : "", short_pc(f->pc, number[0], sizeof(number[0])),
		                         wb_how_text((enum wb_how)f->how), f->flags & WB_FRAME_EXACT ? " x" : "",
		                         f->flags & WB_FRAME_SIGNAL ? " s" : "", f->flags & WB_FRAME_KERNEL ? " k" : "",
		                         f->flags & WB_FRAME_SP_DERIVED ? " d" : "");
		if (f->flags & WB_FRAME_HAS_CFA)
			used += (size_t)snprintf(text + used, size - used, " @%s", short_address(f->cfa, number[1], sizeof(number[1])));
	}
	snprintf(text + used, size - used, " -> %s%s%s %s", wb_stop_text(r->stop.reason), r->stop.root_by ? " " : "", wb_root_by_text(r->stop.root_by),
	         short_address(r->stop.address, number[0], sizeof(number[0])));
}

enum { RAX = 0, RBX = 3, RBP = 6, RSP = 7, R10 = 10, R12 = 12, R13 = 13 };
#define C(offset) (CODE + (offset))
#define S(offset) (STACK + (offset))
#define A(offset) (ALT + (offset))
#define REG(number, value) { (number), 0, (value) }

static inline void check(struct process *p, struct wb_space *space, const struct wb_sample *sample, const struct wb_walker_opts *opts, const char *expect)
{
	struct result result = { .count = 0 };
	char text[2000];

	walk_all_forms(p->session, space, sample, opts, &result);
	print(&result, text, sizeof(text));
	CHECK_STR(text, expect);
}

#endif
