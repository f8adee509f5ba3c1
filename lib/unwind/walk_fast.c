/* SPDX-License-Identifier: MIT */
/*
 * The fast form of the walk: simple rows from the row cache, with pc, SP and FP in registers and no call on the way. Whatever is out of the ordinary (a
 * general row, absent memory, a zero return address) is handed to the slow form, which decides it from the same state.
 */
#include "unwind/walker.h"

#include "base/mem.h"

#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)

/* The walk's state while it runs fast. SP is in the region, and stays so: it only grows, up to where a whole word still was. */
struct hot {
	uint64_t pc, sp, fp;
	const struct wb_hint *hint;
	uintptr_t origin;             /* a word at address a of the region is at origin + a in this process */
	uint64_t limit;               /* words that start below it are whole and in the region */
	uint64_t *trail;              /* where the next step goes */
	uint8_t *frame;               /* where the next frame goes */
	uint64_t what;                /* how, flags and context of the frame, as they stand in struct wb_frame */
};

static inline void put_frame(struct hot *h, uint64_t lookup, uint64_t image_pc, uint64_t cfa, size_t stride)
{
	struct wb_frame *frame = (struct wb_frame *)(void *)h->frame;

	frame->pc = h->pc;
	frame->lookup_pc = lookup;
	frame->cfa = cfa;
	frame->sp = h->sp;
	frame->image_id = h->hint->image_id;
	frame->image_pc = image_pc;
	memcpy(&frame->how, &h->what, sizeof(h->what));
	h->frame += stride;
}

/* The word with the return address is not in the region: the end of the walk, unless it is elsewhere in memory. Most captures cut long stacks, so this is
 * how most of their walks end. */
static __attribute__((noinline)) bool is_cut(struct wb_walker *w, uint64_t at)
{
	uint64_t word;

	return wb_view_word(&w->view, at, &word) == WB_NONE;
}

/* Leaves the frame for its caller. */
static inline void leave(struct hot *h, const struct wb_row_entry *entry, uint64_t lookup, uint64_t image_pc, uint64_t cfa, uint64_t ra, size_t stride)
{
	*h->trail++ = entry->rules;
	put_frame(h, lookup, image_pc, cfa, stride);
	h->what = entry->what;
	h->pc = ra;
	h->sp = cfa;
}

/* The return address in its register. SP stays in the region. */
static bool find_link(struct wb_walker *w, const struct hot *h, const struct wb_row_entry *entry, uint64_t cfa, uint64_t pointer_mask, uint64_t *ret_ra)
{
	uint64_t link;

	if (entry->row.special != WB_ROW_LINK || cfa < h->sp || cfa >= h->limit || !wb_walker_link(w, &link))
		return false;
	*ret_ra = wb_address_strip(link, pointer_mask);
	return *ret_ra != 0;
}

/* One frame and its step. False: not ordinary, or the walk ended. exact and stride are constants where this is inlined. */
static inline __attribute__((always_inline)) bool step(struct wb_walker *w, struct hot *h, bool exact, uint64_t back, uint64_t pointer_mask,
                                                       size_t stride)
{
	uint64_t lookup = h->pc - back, exact_bit = (uint64_t)exact << WB_TAG_EXACT, image_pc, base, cfa, at, ra;
	const struct wb_row_entry *entry;

	image_pc = lookup - h->hint->start;
	if (!LIKELY(image_pc < h->hint->size)) {
		if (!wb_walker_find_hint(w, lookup))
			return false;
		h->hint = w->hint;
		image_pc = lookup - h->hint->start;
	}
	image_pc += h->hint->image_start;
	entry = wb_walker_row_place(w, image_pc);
	if (!LIKELY(entry->image_pc == image_pc && entry->tag == (h->hint->tag | exact_bit))) {
		entry = h->hint->image ? wb_walker_fill_row(w, image_pc, exact) : NULL;
		if (!entry)
			return false;
	}
	base = entry->row.flags & WB_ROW_FP_BASE ? h->fp : h->sp;
	cfa = base + (uint64_t)(int64_t)entry->row.cfa_offset;
	if (!LIKELY(entry->row.flags & WB_ROW_FAST)) {
		if ((entry->row.flags & (WB_ROW_ROOT | WB_ROW_GENERAL | WB_ROW_SIGNAL)) == WB_ROW_ROOT) {
			put_frame(h, lookup, image_pc, cfa, stride);
			wb_walker_stop_root(w, &entry->row);
		}
		if (!exact || !find_link(w, h, entry, cfa, pointer_mask, &ra))
			return false;
		leave(h, entry, lookup, image_pc, cfa, ra, stride);
		return true;
	}
	/* What is saved lies between base and CFA. Addresses of the region have no top bit, so as signed numbers base + offset cannot wrap. */
	at = cfa + (uint64_t)(int64_t)entry->row.ra_offset;
	if (!LIKELY((int64_t)base >= (int64_t)h->sp))
		return false;
	if (!LIKELY(at < h->limit)) {
		if (is_cut(w, at)) {
			put_frame(h, lookup, image_pc, cfa, stride);
			wb_walker_stop_cut(w, &entry->row, at);
		}
		return false;
	}
	ra = wb_address_strip(wb_load64((const void *)(h->origin + (uintptr_t)at), false), pointer_mask);
	if (!LIKELY(ra))
		return false;
	if (LIKELY(entry->row.flags & WB_ROW_FP_SAVED))
		h->fp = wb_load64((const void *)(h->origin + (uintptr_t)(cfa + (uint64_t)(int64_t)entry->row.fp_offset)), false);
	leave(h, entry, lookup, image_pc, cfa, ra, stride);
	return true;
}

/* Room in the trail: what is there, or twice as much. 0: out of memory. */
static size_t trail_room(struct wb_walker *w)
{
	if (w->num_trail == w->trail_capacity &&
	    !wb_mem_grow((void **)&w->trail, &w->trail_capacity, w->num_trail, 1, sizeof(*w->trail)))
		return 0;
	return w->trail_capacity - w->num_trail;
}

static inline void load(struct wb_walker *w, struct hot *h)
{
	const struct wb_region *region = &w->view.last;
	const struct wb_now *now = &w->now;

	h->pc = now->pc;
	h->sp = now->sp;
	h->fp = now->fp;
	h->hint = w->hint;
	h->origin = (uintptr_t)region->bytes - (uintptr_t)region->address;
	h->limit = region->address + (region->size - 7);
	h->trail = w->trail + w->num_trail;
	h->what = wb_pack_what(now->how, now->exact ? WB_FRAME_EXACT : 0);
}

/* What a run came to. */
static inline void store(struct wb_walker *w, const struct hot *h)
{
	struct wb_frame last;

	memcpy(&last.how, &h->what, sizeof(h->what));
	w->now.pc = h->pc;
	w->now.sp = h->sp;
	w->now.fp = h->fp;
	w->now.exact = w->now.exact && h->trail == w->trail + w->num_trail;
	w->now.how = (uint8_t)last.how;
	w->num_trail = (size_t)(h->trail - w->trail);
	w->has_stepped = w->num_trail != 0;
}

/* Frames until something is not ordinary, or `count` are given; the trail has room for as many. Returns where the next would go. */
static inline __attribute__((always_inline)) uint8_t *run(struct wb_walker *w, uint8_t *frame, size_t count, size_t stride, uint64_t call_step,
                                                          uint64_t pointer_mask)
{
	const uint8_t *end = frame + count * stride;
	struct hot h = { .frame = frame };
	bool ordinary = true;

	load(w, &h);
	if (w->now.exact)
		ordinary = step(w, &h, true, 0, pointer_mask, stride);
	while (ordinary && h.frame != end)
		ordinary = step(w, &h, false, call_step, pointer_mask, stride);
	store(w, &h);
	return h.frame;
}

/* The same code with what is usual as constants: frames of the size that we know, instructions of any length, no pointer mask. */
static __attribute__((noinline)) uint8_t *run_usual(struct wb_walker *w, uint8_t *frame, size_t count)
{
	return run(w, frame, count, sizeof(struct wb_frame), 1, 0);
}

static __attribute__((noinline)) uint8_t *run_any(struct wb_walker *w, uint8_t *frame, size_t count, size_t stride)
{
	return run(w, frame, count, stride, w->arch->call_step, w->pointer_mask);
}

/* What the fast form does not carry: unknown or derived SP or FP, joints, further contexts, a stack that is not in one region. */
static bool applies(const struct wb_walker *w)
{
	const struct wb_region *region = &w->view.last;
	const struct wb_now *now = &w->now;
	uint64_t size = region->size;

	return w->fast && !w->slow_only && now->has_sp && now->has_fp && !now->sp_derived && !now->fp_derived && !now->context &&
	       size >= 8 && now->sp - region->address < size - 7 && size <= INT64_MAX && region->address <= INT64_MAX - size;
}

enum wb_err wb_walk_fast(struct wb_walker *w, struct wb_frame *frames, size_t stride, size_t cap, size_t *ret_count)
{
	bool is_usual = stride == sizeof(struct wb_frame) && w->arch->call_step == 1 && !w->pointer_mask;
	uint8_t *start = (uint8_t *)frames, *end = start, *full;
	uint64_t start_sp = w->now.sp;

	*ret_count = 0;
	if (!applies(w))
		return WB_OK;
	if (!w->has_stepped && !w->is_prefetched)
		wb_prefetch_stack(&w->view.last, w->now.sp, wb_walker_top(w, w->now.sp));
	if (!w->num_trail) {
		w->trail_frames = start;
		w->trail_stride = stride;
	}
	/* A run that gives all it has room for is followed by another. */
	do {
		size_t left = cap - (size_t)(end - start) / stride, room = trail_room(w);

		if (!room)
			return WB_ERR_MEMORY;
		room = room < left ? room : left;
		full = end + room * stride;
		end = is_usual ? run_usual(w, end, room) : run_any(w, end, room, stride);
	} while (end == full && !w->done && end != start + cap * stride);
	*ret_count = (size_t)(end - start) / stride;
	*wb_walker_top(w, start_sp) = (struct wb_top){ w->now.sp, *ret_count };
	return WB_OK;
}
