/* SPDX-License-Identifier: MIT */
/*
 * The walk: where it starts, one step in full generality, and where it ends. A step asks the strategies in order for the row of the frame that it
 * stands on, gives the frame, and applies the row. Every end has a reason.
 */
#include "unwind/walker.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/bounds.h"
#include "model/session.h"
#include "unwind/cfi.h"
#include "unwind/function.h"

#include <string.h>

/* In bytes. x86's largest, with all of AMX, has 12 KiB; assembly of Go that calls C aligns its frame. */
enum { SIGNAL_FRAME_MAX = 65536, SWITCHER_FRAME_MAX = 512 };

/* ---- Mappings and rows ---- */

static void hint_fill(struct wb_walker *w, struct wb_hint *hint, const struct wb_map *map)
{
	struct wb_image *image;
	enum wb_err err;
	uint64_t bias;

	w->filled_hints[(hint - w->hints) / 64] |= UINT64_C(1) << (hint - w->hints) % 64;
	*hint = (struct wb_hint){ .start = map->start, .size = map->end - map->start, .map = map };
	err = wb_map_place(w->space, map, &image, &bias);
	w->no_memory |= err == WB_ERR_MEMORY;
	if (err) {
		image = wb_map_image(map);
		hint->image_id = image ? wb_image_id(image) : 0;
		return;
	}
	hint->image_start = map->start - bias;
	hint->image = image;
	hint->image_id = wb_image_id(image);
	hint->tag = hint->image_id | w->generation << 48;
}

bool wb_walker_fill_hint(struct wb_walker *w, struct wb_hint *hint, uint64_t address)
{
	const struct wb_map *map = w->space ? wb_space_map_at(w->space, address) : NULL;

	if (!map)
		return false;
	hint_fill(w, hint, map);
	w->hints_may_change |= map->image && !hint->image && atomic_load_explicit(&map->bias_state, memory_order_relaxed) != WB_BIAS_NONE;
	return true;
}

/* Whether a strategy says no to all of an image that has nothing for it to look into. */
static bool is_without(enum wb_how how, const struct wb_unwind_info *info)
{
	return (how == WB_HOW_GO && !info->go) || (how == WB_HOW_COMPACT && !info->compact);
}

static void resolve_info(struct wb_walker *w, struct wb_hint *hint)
{
	hint->has_info = wb_unwind_info_of_image(hint->image, &hint->info) == WB_OK;
	w->no_memory |= !hint->has_info;
	hint->first_strategy = 0;
	while (hint->first_strategy < w->num_strategies && is_without(w->hows[hint->first_strategy], &hint->info))
		hint->first_strategy++;
}

/* The frame that the walk stands on, or one of the same registers at another pc, as strategies see it. hint may be NULL: nothing is mapped there. */
void wb_walker_lookup(struct wb_walker *w, struct wb_hint *hint, uint64_t lookup_pc, bool exact, struct wb_lookup *ret)
{
	ret->arch = w->arch;
	ret->space = w->space;
	ret->view = &w->view;
	ret->pc = w->now.pc;
	ret->lookup_pc = lookup_pc;
	ret->sp = w->now.sp;
	ret->fp = w->now.fp;
	ret->link = 0;
	ret->has_sp = w->now.has_sp;
	ret->has_fp = w->now.has_fp;
	ret->has_link = false;        /* the slow form has the registers */
	ret->exact = exact;
	ret->how = (enum wb_how)w->now.how;
	ret->max_scan_words = w->max_scan_words;
	ret->callee_parameters = w->now.callee_parameters;
	ret->code_memo = w->code_memo;
	if (!hint) {
		ret->map = NULL;
		ret->image = NULL;
		ret->info = (struct wb_unwind_info){ NULL, NULL, NULL };
		ret->image_pc = 0;
		return;
	}
	ret->map = hint->map;
	ret->image = hint->image;
	ret->image_pc = lookup_pc - hint->start + hint->image_start;
	if (hint->image && !hint->has_info)
		resolve_info(w, hint);
	ret->info = hint->info;
}

/* ---- One step ---- */

static void stop(struct wb_walker *w, enum wb_stop_reason reason, uint64_t address)
{
	w->done = true;
	/* A stack of its own that is not there is no cut through this one. */
	w->stop.reason = reason == WB_STOP_MEMORY && w->now.elsewhere ? WB_STOP_JOINT : reason;
	w->stop.root_by = WB_ROOT_NOT;
	w->stop.address = address;
	w->stop.how = (enum wb_how)w->found.row.how;
	w->stop.image_id = w->hint->image_id;
}

/* No strategy is to blame, and no image. */
static void stop_limit(struct wb_walker *w, uint64_t address)
{
	stop(w, WB_STOP_LIMIT, address);
	w->stop.how = WB_HOW_CONTEXT;
	w->stop.image_id = 0;
}

static void stop_root(struct wb_walker *w, enum wb_root_by by)
{
	stop(w, WB_STOP_ROOT, 0);
	w->stop.root_by = by;
}

void wb_walker_stop_root(struct wb_walker *w, const struct wb_row *row)
{
	w->found.row = *row;
	stop_root(w, row->how == WB_HOW_FRAME_POINTER ? WB_ROOT_FP_ZERO : row->special & WB_ROW_GO_TOP ? WB_ROOT_GO_TOP_FRAME : WB_ROOT_RA_UNDEFINED);
}

void wb_walker_stop_cut(struct wb_walker *w, const struct wb_row *row, uint64_t at)
{
	w->found.row = *row;
	stop(w, WB_STOP_MEMORY, at);
}

/* Whether the executable is not had. Where its load address is known, frames have a place in it all the same. */
static bool lacks_file(const struct wb_lookup *lookup)
{
	struct wb_object *object;

	if (!lookup->image)
		return true;
	return !wb_image_is_absolute(lookup->image) && wb_image_object(lookup->image, WB_FILE_EXECUTABLE, &object) != WB_OK;
}

/* Whether a frame is in the function that its program is entered at. Nothing calls that one, so what guesses find there is what lies on the stack;
 * a static program's or an old C library's start has no unwind information that says so. */
static bool is_entry(const struct wb_lookup *lookup)
{
	enum { STRIPPED_SIZE = 64 };  /* bytes of a start routine whose end is not known: they load three registers and call */
	struct wb_object *object;
	struct wb_bound bound;

	if (!lookup->image || wb_image_object(lookup->image, WB_FILE_EXECUTABLE, &object) || !object->entry)
		return false;
	/* The vDSO is entered anywhere; a program's image in memory is as good as its file. */
	if (object->loaded_layout && !wb_image_is_in_memory(lookup->image))
		return false;
	if (wb_function_find(lookup->image, lookup->arch, object->entry, &bound))
		bound = (struct wb_bound){ object->entry, object->entry + STRIPPED_SIZE };
	return lookup->image_pc >= object->entry && lookup->image_pc < bound.end;
}

/* No strategy had a row: because of what? `absent` is what a guess wanted to read at SP, or NULL. */
static void stop_no_row(struct wb_walker *w, const struct wb_lookup *lookup, const uint64_t *absent)
{
	w->found.row.how = WB_HOW_CONTEXT;
	if (is_entry(lookup)) {
		stop_root(w, WB_ROOT_ENTRY);
		return;
	}
	if (absent)
		stop(w, WB_STOP_MEMORY, *absent);
	else if (!lookup->map)
		stop(w, WB_STOP_UNMAPPED, lookup->lookup_pc);
	else if (lookup->map->image && lacks_file(lookup))
		stop(w, WB_STOP_NO_IMAGE, lookup->lookup_pc);
	else
		stop(w, WB_STOP_NO_INFO, lookup->lookup_pc);
	w->stop.image_id = lookup->map ? w->hint->image_id : 0;
}

/* Whether what a guess came to can be true: it moves up, is aligned, and returns into code. */
static bool guess_holds(struct wb_walker *w)
{
	const struct wb_applied *applied = &w->applied;
	uint64_t pc = wb_address_strip(applied->regs.value[w->arch->pc], w->pointer_mask);

	if (applied->result != WB_APPLY_OK || applied->cfa % w->arch->stack_align)
		return false;
	if (w->now.has_sp && (applied->cfa < w->now.sp || (applied->cfa == w->now.sp && !applied->ra_in_register)))
		return false;
	/* Without SP only the frame pointers themselves tell what is up. */
	if (!w->now.has_sp && w->now.has_fp && applied->regs.value[w->arch->fp] && applied->regs.value[w->arch->fp] <= w->now.fp)
		return false;
	/* The ABI's outermost frame has a frame pointer of 0. A return address of 0 without it is just a word that is 0. */
	if (!pc && w->found.row.how == WB_HOW_BREAKPAD)
		return true;
	if (!pc)
		return w->found.row.how == WB_HOW_FRAME_POINTER && wb_regs_has(&applied->regs, w->arch->fp) && !applied->regs.value[w->arch->fp];
	return wb_space_may_execute(w->space, pc - w->arch->call_step);
}

static void add_link(const struct wb_walker *w, const struct wb_regs *regs, struct wb_lookup *lookup)
{
	lookup->has_link = w->arch && w->arch->leaf.ra_in_register && wb_regs_has(regs, w->arch->leaf.ra_slot);
	lookup->link = lookup->has_link ? wb_address_strip(regs->value[w->arch->leaf.ra_slot], w->pointer_mask) : 0;
}

/* Asks the strategies and applies the row: w->found and w->applied. WB_NONE: the walk was stopped. */
static enum wb_err find_and_apply(struct wb_walker *w, struct wb_lookup *lookup)
{
	uint64_t address, *absent = NULL;
	struct wb_regs regs;

	wb_walker_recover_all(w, &regs);
	add_link(w, &regs, lookup);
	for (size_t i = 0; i < w->num_strategies; i++) {
		enum wb_err err;

		memset(&w->found, 0, sizeof(w->found));
		err = w->strategies[i](lookup, &w->found);
		if (err == WB_NONE)
			continue;
		if (err == WB_ERR_MEMORY)
			return err;
		if (err) {
			w->found.row.how = w->hows[i];
			stop(w, WB_STOP_BAD_INFO, lookup->lookup_pc);
			return WB_NONE;
		}
		wb_row_apply(&w->found.row, w->found.table, w->arch, &regs, &w->view, &w->applied);
		/* The row is applied: a table that no image keeps is not needed any more. */
		wb_mem_free(w->found.loose);
		w->found.table = w->found.loose = NULL;
		if (!(w->found.row.flags & WB_ROW_GUESS) || (!is_entry(lookup) && guess_holds(w)))
			return WB_OK;
		w->applied.has_cfa = false;
		/* When nothing was captured there, the guess is not refuted but cut off: SP is no guess, nor is FP where a chain of them led so far. */
		if (w->applied.result == WB_APPLY_MEMORY && (!(w->found.row.flags & WB_ROW_FP_BASE) || w->now.how == WB_HOW_FRAME_POINTER)) {
			address = w->applied.address;
			absent = &address;
		}
	}
	stop_no_row(w, lookup, absent);
	return WB_NONE;
}

static void give_frame(const struct wb_walker *w, const struct wb_lookup *lookup, struct wb_frame *frame)
{
	const struct wb_now *now = &w->now;
	bool signal = w->found.row.flags & WB_ROW_SIGNAL;
	/* A signal trampoline was entered at its start, not called from before it: its name is at its exact pc. (Its row is found one byte
	 * before, where the platforms' trampolines have a nop for this.) */
	uint64_t back = signal ? now->pc - lookup->lookup_pc : 0;
	/* What is mapped right before it may be something else. */
	bool has_map = lookup->map && lookup->lookup_pc + back < lookup->map->end, has_image = has_map && lookup->image;

	*frame = (struct wb_frame){
		.pc = now->pc,
		.lookup_pc = lookup->lookup_pc + back,
		.cfa = w->applied.has_cfa ? w->applied.cfa : 0,
		.sp = now->has_sp ? now->sp : 0,
		.image_id = has_map ? w->hint->image_id : 0,
		.image_pc = has_image ? lookup->image_pc + back : 0,
		.how = now->how,
		.flags = (uint16_t)((now->exact || signal ? WB_FRAME_EXACT : 0) | (signal ? WB_FRAME_SIGNAL : 0) |
		                    (now->joint ? WB_FRAME_JOINT : 0) | (w->applied.has_cfa ? WB_FRAME_HAS_CFA : 0) |
		                    (has_image ? WB_FRAME_HAS_IMAGE : 0) | (now->sp_derived ? WB_FRAME_SP_DERIVED : 0)),
		.context = now->context,
	};
}

/* Whether the step leads to where one came to before that cannot be told to go up. */
static bool is_cycle(struct wb_walker *w, uint64_t pc, uint64_t sp)
{
	bool seen = w->crossings && w->anchor_pc == pc && w->anchor_sp == sp;

	if (w->crossings++ == w->next_anchor) {
		w->anchor_pc = pc;
		w->anchor_sp = sp;
		w->next_anchor = w->next_anchor * 2 + 1;
	}
	return seen;
}

/* The stack grows down, so a caller's SP is above. It may stay only where the return address is in a register, which only a frame with registers of its own
 * can have there (at the last jump of longjmp, too; Go parks in prologues, behind the call that is to make room for the frame); and a signal handler may
 * have a stack of its own, anywhere. */
static bool makes_progress(struct wb_walker *w, uint64_t pc, uint64_t sp)
{
	const struct wb_now *now = &w->now;

	if (w->found.row.flags & WB_ROW_SIGNAL || w->found.row.special & WB_ROW_JOINT)
		return !is_cycle(w, pc, sp);
	if (!now->has_sp)
		return !is_cycle(w, pc, sp);
	if (sp > now->sp)
		return true;
	/* Behind a call that leaves the return address in a register the pc may stay, too: it does not return, and its function comes right after it. */
	return sp == now->sp && (now->exact || now->how == WB_HOW_CONTEXT) && (w->arch->leaf.ra_in_register || (w->applied.ra_in_register && pc != now->pc));
}

/* Whether a signal interrupted another stack than its handler's, and nothing of that was captured. On the same stack only the signal's frame is
 * between the two. */
static bool is_elsewhere(struct wb_walker *w, uint64_t sp)
{
	uint64_t word;

	if (!(w->found.row.flags & WB_ROW_SIGNAL) || !w->now.has_sp || sp - w->now.sp <= SIGNAL_FRAME_MAX)
		return false;
	return wb_view_word(&w->view, sp, &word) != WB_OK;
}

/* Whether a function that may switch stacks did: on its own stack its frame is small. */
static bool is_joint(const struct wb_walker *w, uint64_t sp)
{
	return w->found.row.special & WB_ROW_JOINT && (!w->now.has_sp || sp - w->now.sp > SWITCHER_FRAME_MAX);
}

/* Whether the goroutine that a system stack was switched to for has left it for good: where the runtime, too, ends its tracebacks. */
static bool runs_nothing(const struct wb_walker *w)
{
	return w->sample->goroutine && w->sample->goroutine->flags & WB_GOROUTINE_SYSTEM;
}

/* Makes the caller, w->applied.regs, the frame that the walk stands on; or stops. */
static void advance(struct wb_walker *w)
{
	const struct wb_arch_info *arch = w->arch;
	struct wb_regs *regs = &w->applied.regs;
	uint64_t pc, sp;
	bool elsewhere;

	/* Also where the frame has no CFA any more. */
	if (w->found.row.flags & WB_ROW_ROOT) {
		wb_walker_stop_root(w, &w->found.row);
		return;
	}
	if (w->applied.result != WB_APPLY_OK && w->found.row.special & WB_ROW_JOINT) {
		if (runs_nothing(w))
			stop_root(w, WB_ROOT_GO_TOP_FRAME);
		else
			stop(w, WB_STOP_JOINT, w->applied.result == WB_APPLY_MEMORY ? w->applied.address : w->now.pc);
		return;
	}
	switch (w->applied.result) {
	case WB_APPLY_OK:
		break;
	case WB_APPLY_MEMORY:
		stop(w, WB_STOP_MEMORY, w->applied.address);
		return;
	case WB_APPLY_BAD:
		stop(w, WB_STOP_BAD_INFO, w->now.pc);
		return;
	}
	pc = wb_address_strip(regs->value[arch->pc], w->pointer_mask) & arch->address_mask;
	sp = regs->value[arch->sp];
	/* What a signal interrupted may well be a call to 0: no end, but a frame. */
	if (!pc && !(w->found.row.flags & WB_ROW_SIGNAL)) {
		stop_root(w, WB_ROOT_PC_ZERO);
		return;
	}
	if (!makes_progress(w, pc, sp)) {
		stop(w, WB_STOP_NO_PROGRESS, w->now.pc);
		return;
	}
	elsewhere = is_elsewhere(w, sp);
	wb_regs_set(regs, arch->pc, pc, false);
	/* A function comes back with its return address in the link register, unsigned; what a signal interrupted may have anything there. */
	if (!(w->found.row.flags & WB_ROW_SIGNAL))
		regs->value[arch->ra_column] = wb_address_strip(regs->value[arch->ra_column], w->pointer_mask);
	wb_walker_set_base(w, regs);
	w->now = (struct wb_now){
		.pc = pc,
		.sp = sp,
		.fp = regs->value[arch->fp],
		.has_sp = wb_regs_has(regs, arch->sp),
		.has_fp = wb_regs_has(regs, arch->fp),
		.fp_derived = regs->derived >> arch->fp & 1,
		.sp_derived = regs->derived >> arch->sp & 1,
		.exact = w->found.row.flags & WB_ROW_SIGNAL || w->found.row.special & WB_ROW_INJECTED,
		.joint = is_joint(w, sp),
		.elsewhere = elsewhere,
		.how = w->found.row.how,
		.context = w->now.context,
		.callee_parameters = w->found.parameters,
	};
}

/* A return address that nothing is mapped at is no frame, but the reason why the one before was the last. */
static bool is_nowhere(struct wb_walker *w, const struct wb_lookup *lookup)
{
	return !lookup->map && !w->now.exact && w->now.how != WB_HOW_CONTEXT && !wb_space_is_empty(w->space);
}

/* Finds the row of the frame that the walk stands on and gives the frame; the step itself waits for advance. WB_NONE: the walk was stopped before the
 * frame. */
static enum wb_err look(struct wb_walker *w, struct wb_frame *frame)
{
	uint64_t lookup_pc = w->now.pc - (w->now.exact ? 0 : w->arch->call_step);
	struct wb_lookup lookup;
	enum wb_err err;

	if (!wb_walker_find_hint(w, lookup_pc))
		w->hint = &w->nowhere;
	wb_walker_lookup(w, w->hint->map ? w->hint : NULL, lookup_pc, w->now.exact, &lookup);
	w->applied.has_cfa = false;
	if (w->no_memory)
		return WB_ERR_MEMORY;
	if (is_nowhere(w, &lookup)) {
		stop_no_row(w, &lookup, NULL);
		w->stop.address = w->now.pc;
		return WB_NONE;
	}
	err = find_and_apply(w, &lookup);
	if (err < 0)
		return err;
	if (err == WB_NONE)
		w->found.row.flags = 0;
	give_frame(w, &lookup, frame);
	/* A frame with a place in its image is counted when it is named. */
	if (lookup.map && lookup.map->image && !lookup.image)
		wb_image_missed(wb_map_image(lookup.map), WB_FILE_EXECUTABLE, 1);
	return WB_OK;
}

enum wb_err wb_walker_step(struct wb_walker *w, struct wb_frame *frame)
{
	enum wb_err err = look(w, frame);

	if (!err && !w->done)
		advance(w);
	return err;
}

bool wb_walker_look_again(struct wb_walker *w, struct wb_lookup *ret_lookup, struct wb_regs *ret_regs)
{
	if (!w->arch || !w->is_pending)
		return false;
	wb_walker_recover_all(w, ret_regs);
	wb_walker_lookup(w, w->hint->map ? w->hint : NULL, w->now.pc - (w->now.exact ? 0 : w->arch->call_step), w->now.exact, ret_lookup);
	add_link(w, ret_regs, ret_lookup);
	return true;
}

/* ---- Where a walk starts ---- */

/* Where a context has a register; contexts of one capture mostly are alike, so it is remembered. */
static __attribute__((noinline)) bool find_context_reg(const struct wb_arch_info *arch, const struct wb_context *context, uint8_t slot, struct wb_seen_reg *ret_seen)
{
	for (size_t i = 0; i < context->num_regs; i++) {
		if (wb_arch_slot(arch, context->regs[i].number) != slot)
			continue;
		*ret_seen = (struct wb_seen_reg){ i, context->regs[i].number };
		return true;
	}
	return false;
}

static inline bool context_reg(const struct wb_arch_info *arch, const struct wb_context *context, uint8_t slot, struct wb_seen_reg *seen,
                               uint64_t *ret_value)
{
	if ((seen->at >= context->num_regs || context->regs[seen->at].number != seen->number) && !find_context_reg(arch, context, slot, seen)) {
		*ret_value = 0;
		return false;
	}
	*ret_value = context->regs[seen->at].value & arch->address_mask;
	return true;
}

bool wb_walker_link(struct wb_walker *w, uint64_t *ret_link)
{
	uint8_t slot = w->arch->leaf.ra_slot;

	if (w->base_context)
		return context_reg(w->arch, w->base_context, slot, &w->seen_link, ret_link);
	*ret_link = w->base.value[slot];
	return wb_regs_has(&w->base, slot) && !(w->base.derived >> slot & 1);
}

/* Stands on the first frame of the next context. False: there is none, or it has no pc. */
static bool enter_context(struct wb_walker *w)
{
	const struct wb_arch_info *arch = w->arch;
	const struct wb_context *context;
	struct wb_now *now = &w->now;

	if (!arch || w->next_context >= w->sample->num_contexts)
		return false;
	context = &w->sample->contexts[w->next_context];
	if (!context_reg(arch, context, arch->pc, &w->seen_pc, &now->pc))
		return false;
	now->exact = context->pc_kind == WB_PC_EXACT;
	now->pc = wb_address_strip(now->pc, w->pointer_mask);
	now->has_sp = context_reg(arch, context, arch->sp, &w->seen_sp, &now->sp);
	now->has_fp = context_reg(arch, context, arch->fp, &w->seen_fp, &now->fp);
	now->sp_derived = now->fp_derived = false;
	now->joint = w->next_context != 0;
	now->elsewhere = false;
	now->how = WB_HOW_CONTEXT;
	now->context = (uint32_t)w->next_context++;
	w->base_context = context;
	wb_walker_forget_steps(w);
	w->crossings = w->next_anchor = 0;
	return true;
}

/* The recorded frames are over, and there are no registers to go on from. */
static void stop_after_given(struct wb_walker *w)
{
	const struct wb_sample *sample = w->sample;

	memset(&w->found, 0, sizeof(w->found));
	stop(w, sample->num_given ? WB_STOP_GIVEN : WB_STOP_EMPTY, 0);
	w->stop.image_id = 0;
	if (sample->flags & WB_SAMPLE_KERNEL_THREAD)
		stop_root(w, WB_ROOT_KERNEL);
}

static void forget_hints(struct wb_walker *w)
{
	for (size_t i = 0; i < WB_HINTS / 64; i++) {
		for (; w->filled_hints[i]; w->filled_hints[i] &= w->filled_hints[i] - 1)
			w->hints[i * 64 + (size_t)__builtin_ctzll(w->filled_hints[i])] = (struct wb_hint){ .size = 0 };
	}
	w->hint = &w->nowhere;
}

static void set_space(struct wb_walker *w, struct wb_space *space)
{
	/* A version is immutable: nothing to do for the same again, unless files were not had that may be there now. */
	if (w->space == space && !w->hints_may_change)
		return;
	/* What a file says that was not had may be more than what was found out without it. */
	if (w->hints_may_change)
		wb_code_memo_clear(w->code_memo);
	w->hints_may_change = false;
	wb_space_unref(w->space);
	w->space = wb_space_ref(space);
	forget_hints(w);
	w->arch = wb_space_arch(space);
	w->seen_pc = w->seen_sp = w->seen_fp = w->seen_link = (struct wb_seen_reg){ SIZE_MAX, 0 };
	w->pointer_mask = wb_space_pointer_mask(space);
	w->view.space = space;
	w->view.word_size = w->arch ? w->arch->word_size : 8;
	w->view.big_endian = wb_space_platform(space).big_endian;
	w->fast = w->view.word_size == 8 && !w->view.big_endian && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

static bool arrays_are_there(const struct wb_sample *sample)
{
	return (sample->contexts || !sample->num_contexts) && (sample->regions || !sample->num_regions) && (!sample->num_given || sample->given);
}

static bool region_is_sound(const struct wb_region *region)
{
	return !region->size || (region->bytes && region->address <= UINT64_MAX - (region->size - 1));
}

static bool regions_are_sound(const struct wb_region *regions, size_t count)
{
	if (count && !region_is_sound(&regions[0]))
		return false;
	for (size_t i = 1; i < count; i++) {
		if (!region_is_sound(&regions[i]) || regions[i].address < regions[i - 1].address ||
		    regions[i].address - regions[i - 1].address < regions[i - 1].size)
			return false;
	}
	return true;
}

enum wb_err wb_walker_begin(struct wb_walker *w, struct wb_space *space, const struct wb_sample *sample)
{
	enum wb_err err = WB_OK;

	if (!w || !space || !sample)
		return WB_ERR_ARGUMENT;
	w->done = w->is_pending = w->has_now = w->no_memory = false;
	if (sample->size != sizeof(w->taken)) {
		err = wb_struct_take(&w->taken, sizeof(w->taken), sample);
		sample = &w->taken;
	}
	if (!err && (!arrays_are_there(sample) || !regions_are_sound(sample->regions, sample->num_regions)))
		err = WB_ERR_ARGUMENT;
	if (err) {
		/* Nothing of the walk before is borrowed any more, also if this one cannot begin. */
		w->sample = NULL;
		return err;
	}
	set_space(w, space);
	w->sample = sample;
	w->view.regions = sample->regions;
	w->view.num_regions = sample->num_regions;
	w->view.last = sample->num_regions ? sample->regions[0] : (struct wb_region){ 0 };
	w->next_given = w->next_context = 0;
	w->num_frames = 0;
	return WB_OK;
}

/* Goes over to the next context; stops the walk if there is none. */
static __attribute__((noinline)) bool stands_on_next(struct wb_walker *w)
{
	w->has_now = enter_context(w);
	if (w->has_now)
		w->done = false;
	else if (!w->done)
		stop_after_given(w);
	return w->has_now;
}

/* Whether the walk stands on a frame, after recorded frames are over and contexts were entered. Stops it otherwise. */
static inline bool stands(struct wb_walker *w)
{
	if (w->next_given < w->sample->num_given || (w->done && w->stop.reason != WB_STOP_JOINT))
		return false;
	return (w->has_now && !w->done) || stands_on_next(w);
}

/* ---- The public walk ---- */

enum wb_err wb_walker_next(struct wb_walker *w, struct wb_frame *ret_frame, size_t frame_size)
{
	struct wb_frame frame;
	enum wb_err err;

	if (!w || !ret_frame || !w->sample)
		return WB_ERR_ARGUMENT;
	if (frame_size < sizeof(frame))
		return WB_ERR_ABI;
	if (w->num_frames >= w->max_frames && w->next_given < w->sample->num_given) {
		stop_limit(w, 0);
		return WB_NONE;
	}
	if (!wb_walker_next_given(w, &frame)) {
		if (w->is_pending && !w->done)
			advance(w);
		w->is_pending = false;
		if (!stands(w))
			return WB_NONE;
		if (w->num_frames >= w->max_frames) {
			stop_limit(w, w->now.pc);
			return WB_NONE;
		}
		err = look(w, &frame);
		if (err)
			return err;
		w->is_pending = true;
		w->num_frames++;
	}
	if (w->no_memory)
		return WB_ERR_MEMORY;
	memset(ret_frame, 0, frame_size);
	*ret_frame = frame;
	return WB_OK;
}

enum wb_err wb_walker_stop(struct wb_walker *w, struct wb_stop *ret_stop)
{
	if (!w || !ret_stop || !w->done)
		return WB_ERR_ARGUMENT;
	*ret_stop = w->stop;
	return WB_OK;
}

enum wb_err wb_walker_reg(struct wb_walker *w, uint32_t number, enum wb_reg_state *ret_state, uint64_t *ret_value)
{
	uint8_t slot;

	if (!w || !ret_state || !ret_value)
		return WB_ERR_ARGUMENT;
	*ret_state = WB_REG_UNKNOWN;
	if (!w->arch || !w->is_pending)
		return WB_OK;
	slot = wb_arch_slot(w->arch, number);
	wb_walker_need_base(w);
	/* Step by step, base always is the file of the frame given last. */
	if (slot == WB_SLOT_NONE || !wb_regs_has(&w->base, slot))
		return WB_OK;
	*ret_state = w->base.derived >> slot & 1 ? WB_REG_DERIVED : WB_REG_KNOWN;
	*ret_value = w->base.value[slot];
	return WB_OK;
}

/* Frames until the walk ends or cap are given. */
static enum wb_err walk_all(struct wb_walker *w, uint8_t *frames, size_t stride, size_t cap, size_t *ret_count)
{
	size_t count = 0, fast;
	enum wb_err err;

	for (; w->next_given < w->sample->num_given && count < cap; count++) {
		wb_walker_give_recorded(w, (struct wb_frame *)(void *)(frames + count * stride));
		if (w->no_memory)
			return WB_ERR_MEMORY;
	}
	while (count < cap && (w->has_now || stands(w))) {
		err = wb_walk_fast(w, (struct wb_frame *)(void *)(frames + count * stride), stride, cap - count, &fast);
		count += fast;
		if (err)
			return err;
		if (!w->done && count < cap) {
			err = wb_walker_step(w, (struct wb_frame *)(void *)(frames + count * stride));
			if (err < 0)
				return err;
			count += err == WB_OK;
		}
		w->has_now = !w->done;
	}
	*ret_count = count;
	return WB_OK;
}

enum wb_err wb_walk(struct wb_walker *w, struct wb_space *space, const struct wb_sample *sample, struct wb_frame *frames, size_t frame_size,
                    size_t cap, size_t *ret_count, struct wb_stop *ret_stop)
{
	size_t room;
	enum wb_err err;

	if (!frames || !ret_count || !ret_stop)
		return WB_ERR_ARGUMENT;
	if (frame_size < sizeof(struct wb_frame) || frame_size % _Alignof(struct wb_frame))
		return WB_ERR_ABI;
	err = wb_walker_begin(w, space, sample);
	if (err)
		return err;
	if (frame_size > sizeof(struct wb_frame))
		memset(frames, 0, cap * frame_size);
	room = cap < w->max_frames ? cap : w->max_frames;
	err = walk_all(w, (uint8_t *)frames, frame_size, room, ret_count);
	/* There may be no room for another stack's frames: then the joint is not the end. */
	if (!err && *ret_count == room && stands(w))
		stop_limit(w, w->now.pc);
	else if (err || !w->done)
		stop_limit(w, 0);
	/* The sample is the caller's again, and so is what the trail points to. */
	w->sample = NULL;
	if (err)
		return err;
	*ret_stop = w->stop;
	return WB_OK;
}
