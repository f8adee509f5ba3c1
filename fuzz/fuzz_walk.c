/* SPDX-License-Identifier: MIT */
/*
 * Walks of hostile programs over hostile stacks. An input is: flags, size of .eh_frame_hdr, size of the frame section (2 bytes, little-endian), then the
 * two sections and the stack. Every form of the walk (fast, warm, with a tiny cache, slow, step by step) comes to the same frames and the same stop.
 */
#include "fuzz/fuzz.h"
#include "tests/elf_make.h"
#include "unwind/walker.h"

#include <string.h>

enum {
	TEXT = 0x1000, TEXT_SIZE = 0x800, HDR = 0x2000, CFI = 0x3000, STACK = 0x7000,
	FRAMES = 100,
	FLAG_DEBUG_FRAME = 1, FLAG_NO_FP = 2, FLAG_SCAN = 4, FLAG_NO_BUDGET = 8,
};

struct input {
	uint8_t flags;
	const uint8_t *hdr, *cfi, *stack;
	size_t hdr_size, cfi_size, stack_size;
};

struct walked {
	struct wb_frame frames[FRAMES];
	size_t count;
	struct wb_stop stop;
};

static bool split(const uint8_t *bytes, size_t size, struct input *in)
{
	if (size < 4)
		return false;
	in->flags = bytes[0];
	in->hdr_size = bytes[1];
	in->cfi_size = (size_t)(bytes[2] | bytes[3] << 8);
	if (in->hdr_size > size - 4 || in->cfi_size > size - 4 - in->hdr_size)
		return false;
	in->hdr = bytes + 4;
	in->cfi = in->hdr + in->hdr_size;
	in->stack = in->cfi + in->cfi_size;
	in->stack_size = size - 4 - in->hdr_size - in->cfi_size;
	return true;
}

static struct wb_image *make_image(struct wb_session *session, const struct input *in, uint64_t *ret_text_offset)
{
	static uint8_t text[TEXT_SIZE];
	struct wb_image *image = NULL;
	struct elf_make m;
	unsigned first;
	uint8_t *file;
	size_t size;

	memset(text, 0xc3, TEXT_SIZE / 2);
	elf_make_init(&m, true, false, 3, 62);
	first = elf_make_section(&m, ".text", 1, 6, TEXT, text, sizeof(text));
	if (in->hdr_size)
		elf_make_section(&m, ".eh_frame_hdr", 1, 2, HDR, in->hdr, in->hdr_size);
	if (in->flags & FLAG_DEBUG_FRAME)
		elf_make_section(&m, ".debug_frame", 1, 0, 0, in->cfi, in->cfi_size);
	else
		elf_make_section(&m, ".eh_frame", 1, 2, CFI, in->cfi, in->cfi_size);
	elf_make_segment(&m, 1, 5, first, first);
	file = elf_make_finish(&m, &size);
	*ret_text_offset = m.sections[first].offset;
	FUZZ_ASSERT(wb_image_open_bytes(session, "program", file, size, 0, free, file, &image) == WB_OK);
	return image;
}

static struct wb_space *make_space(struct wb_session *session, const struct input *in)
{
	static const struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX };
	struct wb_mapping mapping = { .size = sizeof(mapping), .start = TEXT, .end = TEXT + TEXT_SIZE, .prot = WB_PROT_READ | WB_PROT_EXEC };
	struct wb_space *empty = NULL, *space = NULL;

	mapping.image = make_image(session, in, &mapping.file_offset);
	FUZZ_ASSERT(wb_space_new(session, &platform, &empty) == WB_OK);
	FUZZ_ASSERT(wb_space_map(empty, &mapping, 1, &space) == WB_OK);
	wb_space_unref(empty);
	wb_image_unref(mapping.image);
	return space;
}

static struct wb_walker *make_walker(struct wb_session *session, const struct input *in, uint32_t row_cache_entries, bool slow_only)
{
	static const enum wb_how how[] = { WB_HOW_CFI, WB_HOW_LEAF, WB_HOW_FRAME_POINTER, WB_HOW_SCAN };
	struct wb_walker_opts opts = { .size = sizeof(opts), .strategies = how, .num_strategies = in->flags & FLAG_SCAN ? 4 : 3,
	                               .max_frames = FRAMES, .row_cache_entries = row_cache_entries };
	struct wb_walker *walker = NULL;

	FUZZ_ASSERT(wb_walker_new(session, &opts, &walker) == WB_OK);
	walker->slow_only = slow_only;
	return walker;
}

static void walk(struct wb_walker *walker, struct wb_space *space, const struct wb_sample *sample, struct walked *ret)
{
	FUZZ_ASSERT(wb_walk(walker, space, sample, ret->frames, sizeof(ret->frames[0]), FRAMES, &ret->count, &ret->stop) == WB_OK);
	FUZZ_ASSERT(ret->count > 0 && ret->count <= FRAMES);
}

static void walk_steps(struct wb_walker *walker, struct wb_space *space, const struct wb_sample *sample, struct walked *ret)
{
	ret->count = 0;
	FUZZ_ASSERT(wb_walker_begin(walker, space, sample) == WB_OK);
	while (ret->count < FRAMES && wb_walker_next(walker, &ret->frames[ret->count], sizeof(ret->frames[0])) == WB_OK)
		ret->count++;
	FUZZ_ASSERT(ret->count < FRAMES || wb_walker_next(walker, &(struct wb_frame){ 0 }, sizeof(ret->frames[0])) == WB_NONE);
	FUZZ_ASSERT(wb_walker_stop(walker, &ret->stop) == WB_OK);
}

static void check_same(const struct walked *a, const struct walked *b)
{
	FUZZ_ASSERT(a->count == b->count);
	FUZZ_ASSERT(!memcmp(a->frames, b->frames, a->count * sizeof(a->frames[0])));
	FUZZ_ASSERT(!memcmp(&a->stop, &b->stop, sizeof(a->stop)));
}

static void check_walks(struct wb_session *session, struct wb_space *space, const struct input *in, const struct wb_sample *sample)
{
	static struct walked first, other;
	struct wb_walker *walkers[] = { make_walker(session, in, 0x100, false), make_walker(session, in, 1, false), make_walker(session, in, 1, true) };

	walk(walkers[0], space, sample, &first);
	for (unsigned i = 0; i < 3; i++) {
		walk(walkers[i], space, sample, &other);
		check_same(&first, &other);
	}
	walk_steps(walkers[0], space, sample, &other);
	check_same(&first, &other);
	for (unsigned i = 0; i < 3; i++)
		wb_walker_free(walkers[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct wb_session_opts opts = { .size = sizeof(opts) };
	struct wb_session *session = NULL;
	struct wb_space *space;
	struct input in;

	if (!split(bytes, size, &in))
		return 0;
	opts.cache_bytes = in.flags & FLAG_NO_BUDGET ? 1 : 0;
	FUZZ_ASSERT(wb_session_new(&opts, &session) == WB_OK);
	space = make_space(session, &in);

	struct wb_reg regs[] = { { WB_REG_PC, 0, TEXT + (in.flags >> 4) * 0x41u }, { 7, 0, STACK }, { 3, 0, STACK + 64 }, { 12, 0, TEXT + 9 },
	                         { 6, 0, STACK + 32 } };
	struct wb_context context = { .regs = regs, .num_regs = in.flags & FLAG_NO_FP ? 4 : 5 };
	struct wb_region region = { STACK, in.stack, in.stack_size };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region, .num_regions = 1 };

	check_walks(session, space, &in, &sample);
	wb_space_unref(space);
	wb_session_free(session);
	return 0;
}
