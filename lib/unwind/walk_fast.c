/* SPDX-License-Identifier: MIT */
/*
 * The fast form of the walk: simple rows from the row cache, with pc, SP and FP in registers and no call on the way. Whatever is out of the ordinary (a
 * miss, a general row, absent memory, no progress, a zero return address) is handed to the slow form, which decides it from the same state.
 */
#include "unwind/walker.h"

#include "base/mem.h"

enum { SLOW_FLAGS = WB_ROW_GENERAL | WB_ROW_SIGNAL | WB_ROW_ROOT | WB_ROW_GUESS | WB_ROW_BARRIER };

#define LIKELY(x) __builtin_expect(!!(x), 1)

/* Where the walk's state is while it runs fast. */
struct hot {
	uint64_t pc, sp, fp;
	uint64_t key_bit;             /* 1: pc is exact */
	uint64_t back;                /* bytes from pc back to the lookup pc */
	const uint8_t *bytes;         /* the region of the last hit */
	uint64_t address, limit;      /* its start; offsets below limit have a whole word */
};

static void hot_load(const struct wb_walker *w, struct hot *h)
{
	h->pc = w->now.pc;
	h->sp = w->now.sp;
	h->fp = w->now.fp;
	h->key_bit = w->now.exact;
	h->back = w->now.exact ? 0 : w->arch->call_step;
	h->bytes = w->view.last.bytes;
	h->address = w->view.last.address;
	h->limit = w->view.last.size >= 8 ? w->view.last.size - 7 : 0;
}

static void hot_store(struct wb_walker *w, const struct hot *h)
{
	w->now.pc = h->pc;
	w->now.sp = h->sp;
	w->now.fp = h->fp;
	w->now.exact = h->key_bit;
}

/* One step's rules for further registers. False: out of memory. */
static bool trail_push(struct wb_walker *w, const struct wb_row_entry *entry, uint64_t cfa, uint64_t sp)
{
	if (w->num_trail == w->trail_capacity &&
	    !wb_mem_grow((void **)&w->trail, &w->trail_capacity, w->num_trail, 1, sizeof(*w->trail)))
		return false;
	w->trail[w->num_trail++] = (struct wb_trail){ cfa, sp, wb_row_table_rules(entry->table) + entry->row.rules, entry->row.num_rules, 0 };
	return true;
}

static inline void put_frame(struct wb_frame *frame, const struct hot *h, const struct wb_hint *hint, uint64_t image_pc, uint64_t cfa, uint16_t how,
                             uint32_t context)
{
	frame->pc = h->pc;
	frame->lookup_pc = h->pc - h->back;
	frame->cfa = cfa;
	frame->sp = h->sp;
	frame->image_id = hint->image_id;
	frame->image_pc = image_pc;
	frame->how = how;
	frame->flags = (uint16_t)(WB_FRAME_HAS_CFA | WB_FRAME_HAS_IMAGE | h->key_bit * WB_FRAME_EXACT);
	frame->context = context;
}

/* Runs from h as long as all is ordinary. Returns the frames given. *ret_memory: false if the trail could not grow. */
static inline size_t run(struct wb_walker *w, struct hot *h, uint8_t *frames, size_t stride, size_t cap, bool *ret_memory)
{
	uint64_t pointer_bits = ~w->pointer_mask;
	uint32_t context = w->now.context;
	uint16_t how = w->now.how;
	size_t count = 0;

	while (count < cap) {
		const struct wb_hint *hint = &w->hints[0];
		uint64_t lookup = h->pc - h->back, image_pc, base, cfa, at, ra, fp;
		const struct wb_row_entry *entry;

		if (!LIKELY(lookup - hint->start < hint->size)) {
			wb_walker_find_hint(w, lookup);
			if (!(lookup - hint->start < hint->size) || !hint->image)
				break;
		}
		image_pc = lookup - hint->bias;
		entry = wb_walker_row_place(w, image_pc, hint->tag);
		if (!LIKELY(entry->key == (image_pc << 1 | h->key_bit) && entry->tag == hint->tag)) {
			entry = wb_walker_fill_row(w, image_pc, h->key_bit);
			if (!entry)
				break;
		}
		if (!LIKELY(!(entry->row.flags & SLOW_FLAGS)))
			break;
		base = entry->row.flags & WB_ROW_FP_BASE ? h->fp : h->sp;
		cfa = base + (uint64_t)(int64_t)entry->row.cfa_offset;
		at = cfa + (uint64_t)(int64_t)entry->row.ra_offset - h->address;
		if (!LIKELY(at < h->limit && cfa > h->sp))
			break;
		ra = wb_load64(h->bytes + at, false) & pointer_bits;
		fp = h->fp;
		if (!LIKELY(ra))
			break;
		if (entry->row.flags & WB_ROW_FP_SAVED) {
			at = cfa + (uint64_t)(int64_t)entry->row.fp_offset;
			if (!LIKELY(at >= h->sp && at - h->address < h->limit))
				break;
			fp = wb_load64(h->bytes + (at - h->address), false);
			w->now.fp_derived = false;
		}
		if (entry->row.num_rules && !trail_push(w, entry, cfa, h->sp)) {
			*ret_memory = false;
			break;
		}
		put_frame((struct wb_frame *)(void *)frames, h, hint, image_pc, cfa, how, context);
		frames += stride;
		count++;
		h->pc = ra;
		h->sp = cfa;
		h->fp = fp;
		h->key_bit = 0;
		h->back = w->arch->call_step;
		how = entry->row.how;
	}
	if (count) {
		w->now.how = (uint8_t)how;
		w->has_stepped = true;
	}
	return count;
}

enum wb_err wb_walk_fast(struct wb_walker *w, struct wb_frame *frames, size_t stride, size_t cap, size_t *ret_count)
{
	const struct wb_now *now = &w->now;
	struct hot h;
	bool has_memory = true;

	*ret_count = 0;
	/* What the fast form does not carry: unknown or derived SP, unknown FP, joints. */
	if (!w->fast || w->slow_only || !now->has_sp || !now->has_fp || now->sp_derived || now->joint)
		return WB_OK;
	hot_load(w, &h);
	*ret_count = run(w, &h, (uint8_t *)frames, stride, cap, &has_memory);
	hot_store(w, &h);
	return has_memory ? WB_OK : WB_ERR_MEMORY;
}
