/* SPDX-License-Identifier: MIT */
/*
 * Walks of hostile programs over hostile stacks. An input is: flags, size of .eh_frame_hdr, size of the frame section (2 bytes, little-endian), size of
 * the code, more flags; then the two sections, the code and the stack. Every form of the walk (fast, warm, with a tiny cache, slow, step by step, many at
 * once, cut short) comes to the same frames and the same stop; frames move up the stack, and the stop is true.
 */
#include <walkback/inspect.h>

#include "fuzz/fuzz.h"
#include "tests/elf_make.h"
#include "unwind/walker.h"

#include <string.h>

enum {
	TEXT = 0x1000, TEXT_SIZE = 0x800, HDR = 0x2000, CFI = 0x3000, STACK = 0x7000,
	HEADER_SIZE = 6,
	FRAMES = 100,
	FLAG_DEBUG_FRAME = 1, FLAG_NO_FP = 2, FLAG_SCAN = 4, FLAG_NO_BUDGET = 8, /* the upper half says where the pc is */
	MORE_AUTO = 1, MORE_CONTEXT = 2, MORE_GIVEN = 4, MORE_SYMBOLS = 8, MORE_AARCH64 = 16, MORE_X86 = 32, MORE_RETURN = 64, MORE_NO_SP = 128,
};

struct machine {
	enum wb_arch arch;
	uint16_t elf;                 /* e_machine */
	uint32_t sp, fp, other[2];    /* DWARF numbers: the ABIs' supplements for x86-64, AArch64 and i386 */
};
static const struct machine x86_64 = { WB_ARCH_X86_64, 62, 7, 6, { 3, 12 } };
static const struct machine aarch64 = { WB_ARCH_AARCH64, 183, 31, 29, { 19, 30 } };
static const struct machine x86 = { WB_ARCH_X86, 3, 4, 5, { 3, 6 } };

struct input {
	uint8_t flags, more;
	const struct machine *machine;
	const uint8_t *hdr, *cfi, *text, *stack;
	size_t hdr_size, cfi_size, text_size, stack_size;
};

struct walked {
	struct wb_frame frames[FRAMES];
	size_t count;
	struct wb_stop stop;
};

static const uint8_t *take(const uint8_t **at, size_t *left, size_t size)
{
	const uint8_t *taken = *at;

	*at += size;
	*left -= size;
	return taken;
}

static bool split(const uint8_t *bytes, size_t size, struct input *in)
{
	if (size < HEADER_SIZE)
		return false;
	in->flags = bytes[0];
	in->hdr_size = bytes[1];
	in->cfi_size = (size_t)(bytes[2] | bytes[3] << 8);
	in->text_size = bytes[4];
	in->more = bytes[5];
	in->machine = in->more & MORE_AARCH64 ? &aarch64 : in->more & MORE_X86 ? &x86 : &x86_64;
	bytes += HEADER_SIZE;
	size -= HEADER_SIZE;
	if (in->hdr_size > size || in->cfi_size > size - in->hdr_size || in->text_size > size - in->hdr_size - in->cfi_size)
		return false;
	in->hdr = take(&bytes, &size, in->hdr_size);
	in->cfi = take(&bytes, &size, in->cfi_size);
	in->text = take(&bytes, &size, in->text_size);
	in->stack = bytes;
	in->stack_size = size;
	return true;
}

/* Two functions; where the second ends nobody says. */
static void add_symbols(struct elf_make *m, unsigned text)
{
	static const char names[] = "\0first\0second";
	static uint8_t symbols[3 * 24];
	size_t size = m->is_64 ? 24 : 16;
	unsigned symtab;

	memset(symbols, 0, size);
	size += elf_make_symbol(m, symbols + size, 1, 0x12, (uint16_t)text, TEXT, 0x100);
	size += elf_make_symbol(m, symbols + size, 7, 0x12, (uint16_t)text, TEXT + 0x100, 0);
	symtab = elf_make_section(m, ".symtab", 2, 0, 0, symbols, size);
	m->sections[symtab].entsize = size / 3;
	m->sections[symtab].info = 1;
	m->sections[symtab].link = elf_make_section(m, ".strtab", 3, 0, 0, names, sizeof names);
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
	memset(text + TEXT_SIZE / 2, 0, TEXT_SIZE / 2);
	if (in->text_size)
		memcpy(text, in->text, in->text_size);
	elf_make_init(&m, in->machine != &x86, false, 3, in->machine->elf);
	first = elf_make_section(&m, ".text", 1, 6, TEXT, text, sizeof(text));
	if (in->hdr_size)
		elf_make_section(&m, ".eh_frame_hdr", 1, 2, HDR, in->hdr, in->hdr_size);
	if (in->flags & FLAG_DEBUG_FRAME)
		elf_make_section(&m, ".debug_frame", 1, 0, 0, in->cfi, in->cfi_size);
	else
		elf_make_section(&m, ".eh_frame", 1, 2, CFI, in->cfi, in->cfi_size);
	if (in->more & MORE_SYMBOLS)
		add_symbols(&m, first);
	elf_make_segment(&m, 1, 5, first, first);
	file = elf_make_finish(&m, &size);
	*ret_text_offset = m.sections[first].offset;
	FUZZ_ASSERT(wb_image_open_bytes(session, "program", file, size, 0, free, file, &image) == WB_OK);
	return image;
}

static struct wb_space *make_space(struct wb_session *session, const struct input *in)
{
	const struct wb_platform platform = { .arch = in->machine->arch, .os = WB_OS_LINUX };
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
	struct wb_walker_opts opts = { .size = sizeof(opts), .max_frames = FRAMES, .row_cache_entries = row_cache_entries };
	struct wb_walker *walker = NULL;

	if (!(in->more & MORE_AUTO)) {
		opts.strategies = how;
		opts.num_strategies = in->flags & FLAG_SCAN ? 4 : 3;
	}
	FUZZ_ASSERT(wb_walker_new(session, &opts, &walker) == WB_OK);
	walker->slow_only = slow_only;
	return walker;
}

static void walk(struct wb_walker *walker, struct wb_space *space, const struct wb_sample *sample, struct walked *ret)
{
	FUZZ_ASSERT(wb_walk(walker, space, sample, ret->frames, sizeof(ret->frames[0]), FRAMES, &ret->count, &ret->stop) == WB_OK);
	FUZZ_ASSERT(ret->count > 0 && ret->count <= FRAMES);
}

/* What the walker says of registers is what it says of the frame. */
static void check_regs(struct wb_walker *walker, const struct wb_frame *frame, uint32_t sp)
{
	enum wb_reg_state state = WB_REG_UNKNOWN;
	uint64_t value = 0;

	if (frame->how == WB_HOW_GIVEN)
		return;
	FUZZ_ASSERT(wb_walker_reg(walker, WB_REG_PC, &state, &value) == WB_OK && (state == WB_REG_UNKNOWN || value == frame->pc));
	state = WB_REG_UNKNOWN;
	FUZZ_ASSERT(wb_walker_reg(walker, sp, &state, &value) == WB_OK);
	FUZZ_ASSERT(state == WB_REG_UNKNOWN ? frame->sp == 0 : value == frame->sp);
	FUZZ_ASSERT((state == WB_REG_DERIVED) == !!(frame->flags & WB_FRAME_SP_DERIVED));
}

static void walk_steps(struct wb_walker *walker, struct wb_space *space, const struct input *in, const struct wb_sample *sample, struct walked *ret)
{
	ret->count = 0;
	FUZZ_ASSERT(wb_walker_begin(walker, space, sample) == WB_OK);
	while (ret->count < FRAMES && wb_walker_next(walker, &ret->frames[ret->count], sizeof(ret->frames[0])) == WB_OK)
		check_regs(walker, &ret->frames[ret->count++], in->machine->sp);
	FUZZ_ASSERT(ret->count < FRAMES || wb_walker_next(walker, &(struct wb_frame){ 0 }, sizeof(ret->frames[0])) == WB_NONE);
	FUZZ_ASSERT(wb_walker_stop(walker, &ret->stop) == WB_OK);
}

static void check_same(const struct walked *a, const struct walked *b)
{
	FUZZ_ASSERT(a->count == b->count);
	FUZZ_ASSERT(!memcmp(a->frames, b->frames, a->count * sizeof(a->frames[0])));
	FUZZ_ASSERT(!memcmp(&a->stop, &b->stop, sizeof(a->stop)));
}

static bool is_captured(const struct wb_sample *sample, uint64_t address)
{
	for (size_t i = 0; i < sample->num_regions; i++) {
		if (address - sample->regions[i].address < sample->regions[i].size)
			return true;
	}
	return false;
}

/* A complete walk says by what; one that was cut names bytes that are not there. */
static void check_stop(struct wb_space *space, const struct wb_sample *sample, const struct input *in, const struct walked *w)
{
	size_t word = in->machine == &x86 ? 4 : 8;
	uint8_t bytes[8];

	FUZZ_ASSERT(w->stop.reason <= WB_STOP_EMPTY);
	FUZZ_ASSERT((w->stop.reason == WB_STOP_ROOT) == (w->stop.root_by != WB_ROOT_NOT));
	FUZZ_ASSERT(w->stop.reason != WB_STOP_ROOT || w->stop.address == 0);
	FUZZ_ASSERT(w->stop.reason != WB_STOP_LIMIT || w->count == FRAMES);
	if (w->stop.reason == WB_STOP_MEMORY && wb_space_read(space, w->stop.address, bytes, word) == WB_OK)
		FUZZ_ASSERT(0);
	if (w->stop.reason == WB_STOP_MEMORY)
		FUZZ_ASSERT(!is_captured(sample, w->stop.address) || !is_captured(sample, w->stop.address + word - 1));
}

/* The stack grows down: a caller's SP is above where both are known, but for signals (which may have a stack of their own) and where nothing was
 * pushed yet. */
static void check_frames(const struct walked *w, const struct input *in)
{
	uint64_t step = in->machine == &aarch64 ? 4 : 1;

	for (size_t i = 0; i < w->count; i++) {
		const struct wb_frame *frame = &w->frames[i], *callee = i ? frame - 1 : NULL;

		FUZZ_ASSERT(frame->lookup_pc == frame->pc - (frame->flags & WB_FRAME_EXACT ? 0 : step));
		FUZZ_ASSERT(!(frame->flags & WB_FRAME_HAS_IMAGE) || (frame->image_id && frame->image_pc == frame->lookup_pc));
		FUZZ_ASSERT(frame->flags & WB_FRAME_HAS_CFA || frame->cfa == 0);
		FUZZ_ASSERT(frame->how == WB_HOW_GIVEN || (frame->how == WB_HOW_CONTEXT) == (!callee || callee->how == WB_HOW_GIVEN || callee->context != frame->context));
		if (!callee || frame->how == WB_HOW_CONTEXT || frame->how == WB_HOW_GIVEN || callee->flags & WB_FRAME_SIGNAL || !callee->sp || !frame->sp)
			continue;
		FUZZ_ASSERT(frame->sp > callee->sp || (frame->sp == callee->sp && callee->flags & WB_FRAME_EXACT));
	}
}

/* The rows that tools show hold where they are asked for. */
static void check_rows(struct wb_session *session, const struct walked *w)
{
	static struct wb_row_info info;
	struct wb_image *image;

	for (size_t i = 0; i < w->count && i < 4; i++) {
		const struct wb_frame *frame = &w->frames[i];

		if (!(frame->flags & WB_FRAME_HAS_IMAGE))
			continue;
		FUZZ_ASSERT(wb_image_by_id(session, frame->image_id, &image) == WB_OK);
		for (enum wb_how how = WB_HOW_CFI; how <= WB_HOW_EHABI; how++) {
			memset(&info, 0, sizeof(info));
			info.size = sizeof(info);
			if (wb_row_info(session, image, frame->image_pc, how, &info) != WB_OK)
				continue;
			FUZZ_ASSERT(info.how == how && info.start <= frame->image_pc && frame->image_pc < info.end && info.num_rules <= WB_ROW_RULES_MAX);
		}
		wb_image_unref(image);
	}
}

struct many { const struct walked *first; size_t count; };

static enum wb_err check_one_of_many(void *arg, size_t index, const struct wb_frame *frames, size_t count, const struct wb_stop *stop)
{
	struct many *many = arg;

	FUZZ_ASSERT(index == many->count++ && count == many->first->count);
	FUZZ_ASSERT(!memcmp(frames, many->first->frames, count * sizeof(frames[0])) && !memcmp(stop, &many->first->stop, sizeof(*stop)));
	return WB_OK;
}

/* Several walks in one call, and a walk into less room: its start. */
static void check_other_calls(struct wb_walker *walker, struct wb_space *space, const struct wb_sample *sample, const struct walked *first)
{
	static struct walked part;
	const struct wb_walk_item items[] = { { space, sample }, { space, sample }, { space, sample } };
	struct many many = { first, 0 };
	size_t cap = first->count / 2;

	FUZZ_ASSERT(wb_walk_many(walker, items, 3, part.frames, sizeof(part.frames[0]), FRAMES, check_one_of_many, &many) == WB_OK && many.count == 3);
	FUZZ_ASSERT(wb_walk(walker, space, sample, part.frames, sizeof(part.frames[0]), cap, &part.count, &part.stop) == WB_OK);
	FUZZ_ASSERT(part.count == cap && part.stop.reason == WB_STOP_LIMIT);
	FUZZ_ASSERT(!memcmp(first->frames, part.frames, cap * sizeof(part.frames[0])));
}

/* As debug information would: in each frame a variable from its base, one in pieces from SP and in the frame pointer, and one that is anywhere. */
static enum wb_err tell_variables(void *arg, const struct wb_frame *frame, wb_variable_fn fn, void *fn_arg)
{
	static const uint8_t base[] = { 0x9c }, locations[][8] = { { 0x91, 0x60 }, { 0x77, 0x08, 0x93, 0x08, 0x56, 0x93, 0x04 }, { 0x9c, 0x06 }, { 0x56 } };
	static const uint8_t sizes[] = { 2, 7, 2, 1 };
	uint64_t *count = arg;

	for (unsigned i = 0; i < 4; i++) {
		struct wb_variable variable = {
			.size = sizeof(variable), .kind = WB_VARIABLE_ARGUMENT, .name = "v", .function = i ? "f" : NULL, .bytes = *count % 3 * 12,
			.location = locations[i], .location_size = sizes[i], .frame_base = base, .frame_base_size = sizeof(base),
		};
		enum wb_err err = fn(fn_arg, &variable);

		if (err)
			return err;
	}
	++*count;
	return frame->flags & WB_FRAME_SIGNAL ? WB_ERR_DATA : WB_OK;
}

/* Parts are in order, and on the words' stacks; words that have some say so. */
static void check_parts(const struct wb_annotation *notes)
{
	for (size_t i = 0; i < notes->num_parts; i++) {
		const struct wb_variable_part *part = &notes->parts[i];

		FUZZ_ASSERT(part->bytes && part->address + part->bytes > part->address && part->frame < notes->num_frames && part->name);
		FUZZ_ASSERT(!i || part->address >= part[-1].address);
	}
	for (size_t i = 0; i < notes->num_words && i < 64; i++) {
		const struct wb_word *word = &notes->words[i];
		bool has = false;

		for (size_t k = 0; k < notes->num_parts; k++)
			has |= notes->parts[k].address < word->address + notes->word_size && notes->parts[k].address + notes->parts[k].bytes > word->address;
		FUZZ_ASSERT(has == !!(word->flags & WB_WORD_VARIABLE));
	}
}

/* Words are in order, and what is said of them is of frames that there are. */
static void check_annotation(struct wb_session *session, struct wb_space *space, const struct wb_sample *sample)
{
	uint64_t count = 0;
	struct wb_annotate_opts opts = { .size = sizeof(opts), .variables = tell_variables, .variables_arg = &count };
	struct wb_annotation *notes;

	if (wb_annotate(session, space, sample, &opts, &notes) != WB_OK)
		return;
	check_parts(notes);
	for (size_t i = 0; i < notes->num_words; i++) {
		const struct wb_word *word = &notes->words[i];

		FUZZ_ASSERT(word->frame == UINT32_MAX || word->frame < notes->num_frames);
		FUZZ_ASSERT(!(word->flags & WB_WORD_AT_CFA) || word->cfa_frame < notes->num_frames);
		FUZZ_ASSERT((word->kind != WB_WORD_RETURN && word->kind != WB_WORD_SAVED) || (word->frame != UINT32_MAX && !(word->flags & WB_WORD_ABSENT)));
		FUZZ_ASSERT(!i || word->stack > word[-1].stack || (word->stack == word[-1].stack && word->address > word[-1].address));
	}
	wb_annotation_free(notes);
}

/* A sample that is added twice counts twice, and so does what is said of it. */
static void check_comparison(struct wb_session *session, struct wb_space *space, const struct wb_sample *sample)
{
	struct wb_comparison_totals totals = { .size = sizeof(totals) };
	struct wb_dissent dissent = { .size = sizeof(dissent) };
	struct wb_comparison *comparison;

	FUZZ_ASSERT(wb_comparison_new(session, &comparison) == WB_OK);
	for (int i = 0; i < 2; i++)
		FUZZ_ASSERT(wb_comparison_add(comparison, space, sample) == WB_OK);
	for (size_t i = 0; wb_comparison_nth(comparison, i, &dissent) == WB_OK; i++)
		FUZZ_ASSERT(dissent.count % 2 == 0 && dissent.sample == 0);
	FUZZ_ASSERT(wb_comparison_totals(comparison, &totals) == WB_OK && totals.samples == 2 && totals.frames % 2 == 0);
	wb_comparison_free(comparison);
}

static void check_walks(struct wb_session *session, struct wb_space *space, const struct input *in, const struct wb_sample *sample)
{
	static struct walked first, other;
	struct wb_walker *walkers[] = { make_walker(session, in, 0x100, false), make_walker(session, in, 1, false), make_walker(session, in, 1, true) };

	walk(walkers[0], space, sample, &first);
	check_frames(&first, in);
	check_stop(space, sample, in, &first);
	for (unsigned i = 0; i < 3; i++) {
		walk(walkers[i], space, sample, &other);
		check_same(&first, &other);
	}
	walk_steps(walkers[0], space, in, sample, &other);
	check_same(&first, &other);
	check_other_calls(walkers[0], space, sample, &first);
	check_rows(session, &first);
	check_annotation(session, space, sample);
	check_comparison(session, space, sample);
	for (unsigned i = 0; i < 3; i++)
		wb_walker_free(walkers[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const struct wb_given given[] = { { TEXT + 3, WB_GIVEN_KERNEL, WB_PC_EXACT, { 0 } }, { 0xffff800000001234, WB_GIVEN_KERNEL, WB_PC_RETURN, { 0 } } };
	struct wb_session_opts opts = { .size = sizeof(opts) };
	struct wb_session *session = NULL;
	struct wb_space *space;
	struct input in;

	if (!split(bytes, size, &in))
		return 0;
	opts.cache_bytes = in.flags & FLAG_NO_BUDGET ? 1 : 0;
	FUZZ_ASSERT(wb_session_new(&opts, &session) == WB_OK);
	space = make_space(session, &in);

	const struct machine *m = in.machine;
	struct wb_reg regs[] = { { WB_REG_PC, 0, TEXT + (in.flags >> 4) * 0x41u }, { m->other[0], 0, STACK + 64 }, { m->other[1], 0, TEXT + 9 },
	                         { m->sp, 0, STACK }, { m->fp, 0, STACK + 32 } };
	struct wb_reg regs2[] = { { WB_REG_PC, 0, TEXT + 0x41 }, { m->sp, 0, STACK + 16 }, { m->fp, 0, STACK + 48 } };
	struct wb_context contexts[] = {
		{ .regs = regs, .num_regs = in.more & MORE_NO_SP ? 3 : in.flags & FLAG_NO_FP ? 4 : 5, .pc_kind = in.more & MORE_RETURN ? WB_PC_RETURN : WB_PC_EXACT },
		{ .regs = regs2, .num_regs = 3 },
	};
	struct wb_region region = { STACK, in.stack, in.stack_size };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = contexts, .num_contexts = in.more & MORE_CONTEXT ? 2 : 1, .regions = &region,
	                            .num_regions = 1, .given = given, .num_given = in.more & MORE_GIVEN ? 2 : 0 };

	check_walks(session, space, &in, &sample);
	wb_space_unref(space);
	wb_session_free(session);
	return 0;
}
