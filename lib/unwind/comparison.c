/* SPDX-License-Identifier: MIT */
/*
 * Samples walked by every strategy. The walk is the usual one; at each of its frames all other strategies are asked, too, and what they say is compared
 * with the step that was taken. In code that keeps frame pointers, each frame's is checked: the outermost frame that has a bad one is where the chain
 * broke, since those that it called only passed it on.
 */
#include <walkback/inspect.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "unwind/walker.h"

#include <stdlib.h>
#include <string.h>

enum {
	PLACES_MAX = 65536,           /* places of dissent that are kept: their number is that of call sites, and reports show some dozen */
	SLOTS = 2 * PLACES_MAX,       /* of the table: a power of two */
	STACK_NEAR = 1 << 13,         /* bytes: Go's smallest stacks are a quarter of this, and others' are apart by more */
	STACK_MAX = 1 << 26,          /* bytes: what is less above SP may be a part of the stack that was not captured; few stacks are larger */
	STEPS_MAX = 4096,             /* frames of a sample that are compared: deeper ones recurse, and say the same again */
};

struct wb_comparison {
	struct wb_session *session;
	struct wb_walker *walker;
	struct wb_comparison_totals totals;
	struct wb_dissent *places;
	size_t num_places, capacity;
	uint32_t *slots;              /* index + 1; 0: empty */
	bool is_sorted;               /* and then the table is no more */
	/* The frame pointer of the frame before, in the sample that is walked. */
	struct wb_dissent suspect;
	bool has_suspect;
};

static const enum wb_how asked[] = { WB_HOW_GO, WB_HOW_COMPACT, WB_HOW_CFI, WB_HOW_WINDOWS, WB_HOW_EHABI, WB_HOW_BREAKPAD, WB_HOW_CODE,
                                     WB_HOW_FRAME_POINTER };

enum wb_err wb_comparison_new(struct wb_session *session, struct wb_comparison **ret_comparison)
{
	struct wb_comparison *c;
	enum wb_err err;

	if (!session || !ret_comparison)
		return WB_ERR_ARGUMENT;
	c = wb_mem_zalloc(1, sizeof(*c));
	if (!c)
		return WB_ERR_MEMORY;
	c->slots = wb_mem_zalloc(SLOTS, sizeof(*c->slots));
	err = c->slots ? wb_walker_new(session, NULL, &c->walker) : WB_ERR_MEMORY;
	if (err) {
		wb_comparison_free(c);
		return err;
	}
	c->session = session;
	c->totals.size = sizeof(c->totals);
	*ret_comparison = c;
	return WB_OK;
}

void wb_comparison_free(struct wb_comparison *comparison)
{
	if (!comparison)
		return;
	wb_walker_free(comparison->walker);
	wb_mem_free(comparison->places);
	wb_mem_free(comparison->slots);
	wb_mem_free(comparison);
}

/* ---- Places ---- */

static bool is_same(const struct wb_dissent *a, const struct wb_dissent *b)
{
	return a->image_pc == b->image_pc && a->image_id == b->image_id && a->kind == b->kind && a->taken == b->taken && a->other == b->other &&
	       a->value == b->value;
}

static enum wb_err count(struct wb_comparison *c, const struct wb_dissent *dissent)
{
	uint64_t key[] = { dissent->image_pc, dissent->image_id, dissent->kind, dissent->other, dissent->value };
	uint64_t hash = wb_hash_bytes(wb_hash_start, key, sizeof(key));
	uint32_t *slot = &c->slots[hash % SLOTS];

	for (; *slot; slot = slot + 1 == c->slots + SLOTS ? c->slots : slot + 1) {
		if (!is_same(&c->places[*slot - 1], dissent))
			continue;
		c->places[*slot - 1].count++;
		return WB_OK;
	}
	if (c->num_places == PLACES_MAX)
		return WB_OK;
	if (!wb_mem_grow((void **)&c->places, &c->capacity, c->num_places, 1, sizeof(*dissent)))
		return WB_ERR_MEMORY;
	c->places[c->num_places] = *dissent;
	c->places[c->num_places].count = 1;
	*slot = (uint32_t)++c->num_places;
	return WB_OK;
}

static struct wb_dissent dissent_at(const struct wb_comparison *c, const struct wb_frame *frame, enum wb_dissent_kind kind, enum wb_how taken,
                                    enum wb_how other)
{
	return (struct wb_dissent){ .size = sizeof(struct wb_dissent), .kind = kind, .taken = taken, .other = other, .image_id = frame->image_id,
	                            .image_pc = frame->flags & WB_FRAME_HAS_IMAGE ? frame->image_pc : frame->lookup_pc,
	                            .sample = c->totals.samples };
}

/* ---- One frame ---- */

/* A guess that a walk would not believe is none. */
static bool is_believable(const struct wb_walker *w, const struct wb_step *step)
{
	return !step->is_guess || step->is_root || (step->pc && wb_space_may_execute(w->space, step->pc - w->arch->call_step));
}

/* What the walk's own step is, before it is made. */
struct taken { enum wb_how how; bool is_root, has_cfa; uint64_t pc, cfa; };

static bool agrees(const struct taken *taken, const struct wb_step *step)
{
	if (taken->is_root || step->is_root)
		return taken->is_root == (bool)step->is_root;
	return taken->pc == step->pc && (!taken->has_cfa || !step->has_cfa || taken->cfa == step->cfa);
}

static enum wb_err ask(struct wb_comparison *c, const struct wb_frame *frame, const struct taken *taken, enum wb_how how)
{
	struct wb_step step = { .size = sizeof(step) };
	struct wb_dissent dissent;
	enum wb_err err = wb_walker_step_by(c->walker, how, &step);

	if (err == WB_ERR_MEMORY)
		return err;
	if (err == WB_ERR_DATA && how != WB_HOW_FRAME_POINTER) {
		c->totals.broken[how]++;
		dissent = dissent_at(c, frame, WB_DISSENT_BROKEN, taken->how, how);
		return count(c, &dissent);
	}
	if (err || !is_believable(c->walker, &step))
		return WB_OK;
	if (agrees(taken, &step)) {
		c->totals.agreed[how]++;
		return WB_OK;
	}
	c->totals.dissented[how]++;
	dissent = dissent_at(c, frame, WB_DISSENT_CALLER, taken->how, how);
	dissent.pc = taken->is_root ? 0 : taken->pc;
	dissent.other_pc = step.is_root ? 0 : step.pc;
	return count(c, &dissent);
}

/* Whether a frame pointer leads nowhere. Go points it at the word right below SP where calls do not push. */
static bool is_bad_fp(struct wb_walker *w, uint64_t fp)
{
	uint64_t word, below = w->arch->leaf.ra_in_register ? w->arch->word_size : 0;
	/* Far below SP it may be on another stack. */
	bool is_below = w->now.has_sp && fp < w->now.sp - below && w->now.sp - fp < STACK_NEAR;
	bool is_absent = wb_view_word(&w->view, fp, &word) != WB_OK, may_be_cut = w->now.has_sp && fp - w->now.sp < STACK_MAX;

	return fp % w->arch->stack_align || is_below || (is_absent && !may_be_cut) ||
	       (wb_space_map_at(w->space, fp) && wb_space_map_at(w->space, fp)->prot & WB_PROT_EXEC);
}

/* Frames are seen from the innermost on: the last one that has the bad value is where it came up. */
static enum wb_err check_chain(struct wb_comparison *c, const struct wb_frame *frame, const struct taken *taken, bool is_first)
{
	struct wb_walker *w = c->walker;
	bool keeps = taken->how == WB_HOW_GO && w->arch->go && w->arch->go->keeps_fp && w->now.has_fp && !(frame->flags & WB_FRAME_SIGNAL);
	uint64_t fp = w->now.fp;
	enum wb_err err = WB_OK;

	if (is_first)
		c->has_suspect = false;
	if (c->has_suspect && (!keeps || fp != c->suspect.value)) {
		c->has_suspect = false;
		c->totals.chains++;
		err = count(c, &c->suspect);
	}
	/* A chain ends in 0. */
	if (err || !keeps || !fp || taken->is_root || !is_bad_fp(w, fp))
		return err;
	c->suspect = dissent_at(c, frame, WB_DISSENT_CHAIN, taken->how, WB_HOW_FRAME_POINTER);
	c->suspect.value = fp;
	c->has_suspect = true;
	return WB_OK;
}

static enum wb_err compare(struct wb_comparison *c, const struct wb_frame *frame, bool is_first)
{
	struct wb_walker *w = c->walker;
	struct taken taken = { .how = (enum wb_how)w->found.row.how, .is_root = w->found.row.flags & WB_ROW_ROOT, .has_cfa = w->applied.has_cfa,
	                       .cfa = w->applied.cfa };
	enum wb_err err;

	if (!w->arch || !w->is_pending || w->done || taken.how == WB_HOW_CONTEXT || (!taken.is_root && w->applied.result != WB_APPLY_OK))
		return WB_OK;
	if (!taken.is_root)
		taken.pc = wb_address_strip(w->applied.regs.value[w->arch->pc], w->pointer_mask) & w->arch->address_mask;
	c->totals.frames++;
	c->totals.taken[taken.how]++;
	err = check_chain(c, frame, &taken, is_first);
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]) && !err; i++)
		if (asked[i] != taken.how)
			err = ask(c, frame, &taken, asked[i]);
	return err;
}

enum wb_err wb_comparison_add(struct wb_comparison *c, struct wb_space *space, const struct wb_sample *sample)
{
	struct wb_frame frame;
	enum wb_err err;

	if (!c || c->is_sorted)
		return WB_ERR_ARGUMENT;
	err = wb_walker_begin(c->walker, space, sample);
	for (unsigned i = 0; !err && i < STEPS_MAX; i++) {
		err = wb_walker_next(c->walker, &frame, sizeof(frame));
		if (!err)
			err = compare(c, &frame, i == 0);
	}
	if (err && err != WB_NONE)
		return err;
	err = WB_OK;
	if (c->has_suspect) {
		c->has_suspect = false;
		c->totals.chains++;
		err = count(c, &c->suspect);
	}
	c->totals.samples++;
	return err;
}

/* ---- Results ---- */

/* Most frequent first; a total order. */
static int by_count(const void *one, const void *other)
{
	const struct wb_dissent *a = one, *b = other;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->sample != b->sample)
		return a->sample < b->sample ? -1 : 1;
	if (a->image_pc != b->image_pc)
		return a->image_pc < b->image_pc ? -1 : 1;
	if (a->other != b->other)
		return a->other < b->other ? -1 : 1;
	return a->kind < b->kind ? -1 : a->kind > b->kind;
}

enum wb_err wb_comparison_nth(struct wb_comparison *c, size_t nth, struct wb_dissent *ret_dissent)
{
	if (!c || !ret_dissent)
		return WB_ERR_ARGUMENT;
	if (!c->is_sorted && c->num_places)
		qsort(c->places, c->num_places, sizeof(*c->places), by_count);
	c->is_sorted = true;
	return nth < c->num_places ? wb_struct_give(ret_dissent, &c->places[nth], sizeof(*c->places)) : WB_NONE;
}

enum wb_err wb_comparison_totals(const struct wb_comparison *c, struct wb_comparison_totals *ret_totals)
{
	return c && ret_totals ? wb_struct_give(ret_totals, &c->totals, sizeof(c->totals)) : WB_ERR_ARGUMENT;
}
