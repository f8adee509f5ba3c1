/* SPDX-License-Identifier: MIT */
/*
 * A sample's stacks, word by word. The walk is made step by step; each step's row is applied once more to see where in memory it found the caller's
 * registers. Those places, SP, FP and the CFAs of all frames are then laid over the words between the first frame's SP and a little behind the last CFA, and
 * so are the variables that somebody knows of the frames.
 */
#include <walkback/inspect.h>

#include "base/err.h"
#include "base/mem.h"
#include "unwind/code_reader.h"
#include "unwind/variable_parts.h"
#include "unwind/walker.h"

#include <stdlib.h>
#include <string.h>

enum {
	FRAMES_DEFAULT = 1024, WORDS_DEFAULT = 65536, BEYOND_DEFAULT = 16,
	STACKS_MAX = 64,              /* a thread has a handful: its own, a goroutine's, one for signals */
	SIGNAL_FRAME_MAX = 65536,     /* bytes: as walks have it */
	STACK_MAX = 1 << 26,          /* bytes: what is less above a word may be a part of its stack that was not captured */
	BEFORE_CALL = 8,              /* bytes of the longest call that is looked for */
};

/* Something that is known of a place. */
struct spot {
	uint64_t address;
	uint32_t frame;
	uint32_t reg;
	uint8_t kind;                 /* enum wb_word_kind */
	uint8_t flags;                /* enum wb_word_flags */
};

struct stack { uint64_t sp, fp, low, high; bool has_fp; uint32_t first, end; }; /* frames */

struct notes {
	struct wb_annotation out;     /* first: what the caller gets */
	struct wb_walker *walker;
	struct wb_space *space;
	struct wb_frame *frames;
	struct wb_word *words;
	struct spot *spots;
	size_t frames_capacity, words_capacity, spots_capacity, num_spots;
	struct wb_variable_parts parts;
	struct wb_saved_places saved; /* where the registers of the next frame were saved by those that it called, in the same context */
	wb_variables_fn variables;    /* NULL: nobody knows any */
	void *variables_arg;
	struct stack stacks[STACKS_MAX];
	uint32_t num_stacks;
	uint32_t max_frames, max_words, beyond;
};

static enum wb_err add_spot(struct notes *n, struct spot spot)
{
	if (!wb_mem_grow((void **)&n->spots, &n->spots_capacity, n->num_spots, 1, sizeof(spot)))
		return WB_ERR_MEMORY;
	n->spots[n->num_spots++] = spot;
	return WB_OK;
}

/* ---- The walk ---- */

/* Whether a frame pointer that was saved at `at` leads nowhere: it is not aligned, or points to what is no part of a stack, or to code. 0 ends chains. */
static bool leads_nowhere(struct notes *n, uint64_t at, uint64_t fp)
{
	uint64_t word;

	if (!fp)
		return false;
	return fp % n->walker->arch->stack_align || (wb_view_word(&n->walker->view, fp, &word) != WB_OK && fp - at >= STACK_MAX) ||
	       (wb_space_map_at(n->space, fp) && wb_space_map_at(n->space, fp)->prot & WB_PROT_EXEC);
}

/* Code of Go keeps frame pointers, and so does what is walked by them. */
static bool keeps_fp(const struct wb_arch_info *arch, enum wb_how how)
{
	return how == WB_HOW_FRAME_POINTER || (how == WB_HOW_GO && arch->go && arch->go->keeps_fp);
}

static enum wb_err add_places(struct notes *n, uint32_t frame, enum wb_how how, const struct wb_saved_places *places)
{
	const struct wb_arch_info *arch = n->walker->arch;
	enum wb_err err = WB_OK;

	for (uint64_t left = places->have; left && !err; left &= left - 1) {
		uint8_t slot = (uint8_t)__builtin_ctzll(left);
		struct spot spot = { places->address[slot], frame, arch->regs[slot].number, WB_WORD_SAVED, 0 };
		uint64_t value;

		if (slot == arch->pc)
			spot.kind = WB_WORD_RETURN;
		if (slot == arch->fp) {
			spot.flags = WB_WORD_IS_FP;
			if (keeps_fp(arch, how) && wb_view_word(&n->walker->view, spot.address, &value) == WB_OK && leads_nowhere(n, spot.address, value))
				spot.flags |= WB_WORD_SUSPICIOUS;
		}
		n->saved.have |= UINT64_C(1) << slot;
		n->saved.address[slot] = spot.address;
		err = add_spot(n, spot);
	}
	return err;
}

/* Where the step from a frame found things. */
static enum wb_err look_at_step(struct notes *n, uint32_t frame, const struct wb_lookup *lookup, const struct wb_regs *regs)
{
	struct wb_walker *w = n->walker;
	enum wb_how how = (enum wb_how)w->found.row.how;
	wb_strategy_fn strategy = wb_strategy(how);
	struct wb_saved_places places = { .have = 0 };
	struct wb_found found = { .cacheable = false };
	struct wb_applied applied;
	enum wb_err err;

	if (w->done || !strategy)
		return WB_OK;
	err = strategy(lookup, &found);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_OK;
	wb_row_apply_places(&found.row, found.table, w->arch, regs, &w->view, &applied, &places);
	wb_mem_free(found.loose);
	return applied.result == WB_APPLY_OK ? add_places(n, frame, how, &places) : WB_OK;
}

/* What the frame that was given last has on its stack. */
static enum wb_err look_at_frame(struct notes *n, uint32_t index)
{
	struct wb_variable_scope scope = {
		.arch = n->walker->arch, .frame = &n->frames[index], .index = index, .saved = &n->saved, .view = &n->walker->view,
	};
	struct wb_lookup lookup;
	struct wb_regs regs;
	enum wb_err err = WB_OK;

	if (!wb_walker_look_again(n->walker, &lookup, &regs))
		return WB_OK;
	scope.regs = &regs;
	if (n->variables)
		err = wb_variable_parts_add(&n->parts, &scope, n->variables, n->variables_arg);
	return err ? err : look_at_step(n, index, &lookup, &regs);
}

/* Whether a signal's frame is on another stack than what was interrupted: that is on the same one right behind the frame. */
static bool leaves_stack(const struct wb_frame *frame, uint64_t sp)
{
	return frame->flags & WB_FRAME_SIGNAL && sp - frame->sp > SIGNAL_FRAME_MAX;
}

static bool starts_stack(const struct notes *n, size_t i)
{
	const struct wb_frame *frame = &n->frames[i];

	return !i || frame->flags & WB_FRAME_JOINT || frame->context != frame[-1].context || frame->sp < frame[-1].sp || leaves_stack(&frame[-1], frame->sp);
}

static void begin_stack(struct notes *n, size_t i)
{
	struct stack *stack = &n->stacks[n->num_stacks++];
	enum wb_reg_state state = WB_REG_UNKNOWN;

	*stack = (struct stack){ .sp = n->frames[i].sp, .first = (uint32_t)i, .end = (uint32_t)i };
	wb_walker_reg(n->walker, n->walker->arch->regs[n->walker->arch->fp].number, &state, &stack->fp);
	stack->has_fp = state != WB_REG_UNKNOWN;
}

static enum wb_err see_frame(struct notes *n, const struct wb_frame *frame)
{
	size_t i = n->out.num_frames;

	if (!wb_mem_grow((void **)&n->frames, &n->frames_capacity, i, 1, sizeof(*frame)))
		return WB_ERR_MEMORY;
	n->frames[i] = *frame;
	n->out.num_frames++;
	if (!frame->sp || !n->walker->arch || frame->flags & WB_FRAME_KERNEL)
		return WB_OK;
	if ((!n->num_stacks || starts_stack(n, i)) && n->num_stacks < STACKS_MAX)
		begin_stack(n, i);
	n->stacks[n->num_stacks - 1].end = (uint32_t)i + 1;
	if (i && frame->context != n->frames[i - 1].context)
		n->saved.have = 0;
	return look_at_frame(n, (uint32_t)i);
}

static enum wb_err walk(struct notes *n, const struct wb_sample *sample)
{
	struct wb_frame frame;
	enum wb_err err = wb_walker_begin(n->walker, n->space, sample);

	while (!err && n->out.num_frames < n->max_frames) {
		err = wb_walker_next(n->walker, &frame, sizeof(frame));
		if (!err)
			err = see_frame(n, &frame);
	}
	if (err && err != WB_NONE)
		return err;
	if (wb_walker_stop(n->walker, &n->out.stop) != WB_OK)
		n->out.stop = (struct wb_stop){ .reason = WB_STOP_LIMIT };
	for (size_t i = 0; i < n->num_spots; i++)
		if (n->spots[i].kind == WB_WORD_RETURN && n->spots[i].frame + 1 < n->out.num_frames &&
		    n->frames[n->spots[i].frame + 1].flags & WB_FRAME_JOINT)
			n->spots[i].flags |= WB_WORD_JOINT;
	return WB_OK;
}

/* ---- The words ---- */

static int by_address(const void *one, const void *other)
{
	const struct spot *a = one, *b = other;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return a->frame < b->frame ? -1 : a->frame > b->frame;
}

/* From SP, or the lowest word below it that something was saved in or that a variable is in, to a little behind the last CFA. */
static void bound_stack(const struct notes *n, struct stack *stack)
{
	uint64_t word = n->out.word_size, beyond = (uint64_t)n->beyond * word, below = n->walker->arch->red_zone + word;

	stack->low = stack->sp - stack->sp % word;
	stack->high = stack->low;
	for (uint32_t i = stack->first; i < stack->end; i++) {
		const struct wb_frame *frame = &n->frames[i];
		bool has_end = frame->flags & WB_FRAME_HAS_CFA && frame->cfa > frame->sp && !leaves_stack(frame, frame->cfa);
		uint64_t end = has_end ? frame->cfa : frame->sp;

		stack->high = end > stack->high ? end : stack->high;
	}
	for (size_t i = 0; i < n->num_spots; i++) {
		uint64_t at = n->spots[i].address;
		bool is_own = n->spots[i].frame >= stack->first && n->spots[i].frame < stack->end;

		if (at < stack->low && stack->sp - at <= below)
			stack->low = at;
		/* The registers that a signal saved are behind its frame. */
		if (is_own && at >= stack->high && at - stack->high < SIGNAL_FRAME_MAX)
			stack->high = at + word;
	}
	for (size_t i = 0; i < n->parts.count; i++) {
		uint64_t at = n->parts.items[i].address;

		if (at < stack->low && stack->sp - at <= below)
			stack->low = at - at % word;
	}
	stack->high = stack->high > UINT64_MAX - beyond ? UINT64_MAX - word : stack->high + beyond;
}

static bool is_after_call(struct notes *n, uint64_t address)
{
	const struct wb_code_reader *reader = wb_code_reader(n->walker->arch->arch);
	uint8_t code[BEFORE_CALL];

	return reader && reader->ends_in_call && address >= sizeof(code) &&
	       wb_view_read(&n->walker->view, address - sizeof(code), code, sizeof(code)) == WB_OK && reader->ends_in_call(code, sizeof(code));
}

/* What a word is by its value alone. */
static void look_at_value(struct notes *n, const struct stack *stack, struct wb_word *word)
{
	uint64_t value = wb_address_strip(word->value, n->walker->pointer_mask);
	const struct wb_map *map;

	if (value >= stack->low && value < stack->high) {
		word->kind = WB_WORD_STACK;
		return;
	}
	map = wb_space_map_at(n->space, value);
	if (!map || !(map->prot & WB_PROT_EXEC))
		return;
	word->kind = WB_WORD_CODE;
	word->flags |= is_after_call(n, value) ? WB_WORD_AFTER_CALL : 0;
}

/* In whose part of the stack an address is, and whose ends there. */
static void look_at_frames(const struct notes *n, const struct stack *stack, uint32_t *next, struct wb_word *word)
{
	word->frame = UINT32_MAX;
	for (; *next < stack->end; ++*next) {
		const struct wb_frame *frame = &n->frames[*next];
		bool has_cfa = frame->flags & WB_FRAME_HAS_CFA;

		if (has_cfa && frame->cfa == word->address) {
			word->flags |= WB_WORD_AT_CFA;
			word->cfa_frame = *next;
		}
		if (has_cfa && frame->cfa > word->address) {
			word->frame = *next;
			return;
		}
	}
}

static enum wb_err add_word(struct notes *n, const struct wb_word *word)
{
	if (!wb_mem_grow((void **)&n->words, &n->words_capacity, n->out.num_words, 1, sizeof(*word)))
		return WB_ERR_MEMORY;
	n->words[n->out.num_words++] = *word;
	return WB_OK;
}

/* Where the last byte is of the parts that begin before `end`; *next is the first that does not. */
static uint64_t reach_of_parts(const struct notes *n, uint64_t end, size_t *next, uint64_t reach)
{
	for (; *next < n->parts.count && n->parts.items[*next].address < end; ++*next) {
		const struct wb_variable_part *part = &n->parts.items[*next];

		if (part->address + part->bytes > reach)
			reach = part->address + part->bytes;
	}
	return reach;
}

static enum wb_err describe_stack(struct notes *n, uint32_t index)
{
	const struct stack *stack = &n->stacks[index];
	uint32_t frame = stack->first;
	enum wb_err err = WB_OK;
	size_t spot = 0, part = 0;
	uint64_t reach = 0;

	for (uint64_t at = stack->low; at < stack->high && n->out.num_words < n->max_words && !err; at += n->out.word_size) {
		struct wb_word word = { .address = at, .stack = index };
		bool is_absent = wb_view_word(&n->walker->view, at, &word.value) != WB_OK;

		word.flags = (uint16_t)((at == stack->sp ? WB_WORD_AT_SP : 0) | (stack->has_fp && at == stack->fp ? WB_WORD_AT_FP : 0) |
		                        (is_absent ? WB_WORD_ABSENT : 0));
		look_at_frames(n, stack, &frame, &word);
		reach = reach_of_parts(n, at + n->out.word_size, &part, reach);
		word.flags |= reach > at ? WB_WORD_VARIABLE : 0;
		while (spot < n->num_spots && n->spots[spot].address < at)
			spot++;
		if (spot < n->num_spots && n->spots[spot].address == at) {
			word.kind = n->spots[spot].kind;
			word.flags |= n->spots[spot].flags;
			word.frame = n->spots[spot].frame;
			word.reg = n->spots[spot].reg;
		} else if (!is_absent) {
			look_at_value(n, stack, &word);
		}
		err = add_word(n, &word);
		/* What is not captured right away is not captured behind it either. */
		if (is_absent && frame == stack->end)
			break;
	}
	return err;
}

/* Variables that are elsewhere, on the heap for example, are nothing that a stack has. */
static void keep_parts_on_stacks(struct notes *n)
{
	struct wb_variable_part *items = n->parts.items;
	size_t kept = 0;

	for (size_t i = 0; i < n->parts.count; i++) {
		bool is_on_stack = false;

		for (uint32_t s = 0; s < n->num_stacks; s++)
			is_on_stack |= items[i].address < n->stacks[s].high && items[i].address + items[i].bytes > n->stacks[s].low;
		if (is_on_stack)
			items[kept++] = items[i];
	}
	n->parts.count = kept;
	wb_variable_parts_sort(&n->parts);
}

static enum wb_err describe(struct notes *n)
{
	enum wb_err err = WB_OK;

	if (n->num_spots)
		qsort(n->spots, n->num_spots, sizeof(*n->spots), by_address);
	for (uint32_t i = 0; i < n->num_stacks; i++)
		bound_stack(n, &n->stacks[i]);
	keep_parts_on_stacks(n);
	for (uint32_t i = 0; i < n->num_stacks && !err; i++)
		err = describe_stack(n, i);
	return err;
}

static enum wb_err annotate(struct notes *n, struct wb_session *session, const struct wb_sample *sample, const struct wb_walker_opts *walker_opts)
{
	enum wb_err err = wb_walker_new(session, walker_opts, &n->walker);

	if (!err)
		err = walk(n, sample);
	if (!err && n->walker->arch) {
		n->out.word_size = n->walker->arch->word_size;
		err = describe(n);
	}
	wb_walker_free(n->walker);
	n->walker = NULL;
	return err;
}

enum wb_err wb_annotate(struct wb_session *session, struct wb_space *space, const struct wb_sample *sample,
                        const struct wb_annotate_opts *opts, struct wb_annotation **ret_annotation)
{
	struct wb_annotate_opts taken = { .size = sizeof(taken) };
	struct notes *n;
	enum wb_err err = opts ? wb_struct_take(&taken, sizeof(taken), opts) : WB_OK;

	if (!session || !space || !sample || !ret_annotation)
		return WB_ERR_ARGUMENT;
	if (err)
		return err;
	if (!sample->num_contexts)
		return WB_NONE;
	n = wb_mem_zalloc(1, sizeof(*n));
	if (!n)
		return WB_ERR_MEMORY;
	n->out.size = sizeof(n->out);
	n->space = space;
	n->max_frames = taken.max_frames ? taken.max_frames : FRAMES_DEFAULT;
	n->max_words = taken.max_words ? taken.max_words : WORDS_DEFAULT;
	n->beyond = taken.words_beyond ? taken.words_beyond : BEYOND_DEFAULT;
	n->variables = taken.variables;
	n->variables_arg = taken.variables_arg;
	err = annotate(n, session, sample, taken.walker);
	n->out.frames = n->frames;
	n->out.words = n->words;
	n->out.parts = n->parts.items;
	n->out.num_parts = n->parts.count;
	if (err)
		wb_annotation_free(&n->out);
	else
		*ret_annotation = &n->out;
	return err;
}

void wb_annotation_free(struct wb_annotation *annotation)
{
	struct notes *n = (struct notes *)annotation;

	if (!n)
		return;
	wb_mem_free(n->frames);
	wb_mem_free(n->words);
	wb_mem_free(n->spots);
	wb_variable_parts_deinit(&n->parts);
	wb_mem_free(n);
}
