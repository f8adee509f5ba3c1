/* SPDX-License-Identifier: MIT */
/*
 * The walker inside. A walk stands on a frame (`now`); the row of that frame leads to its caller. Two forms do the same: walk_fast.c runs simple rows
 * from the row cache with the state in registers, walk.c does everything, slowly and plainly. Whatever the fast form does not know it hands over.
 *
 * Only pc, SP and FP are carried from frame to frame. Another register is recovered when somebody asks: `base` has the registers of the frame that
 * the trail starts from, and the trail the rules of the steps since.
 */
#ifndef UNWIND_WALKER_H
#define UNWIND_WALKER_H

#include <walkback/unwind.h>

#include "model/memory.h"
#include "model/regs.h"
#include "model/row.h"
#include "model/space.h"
#include "unwind/prefetch.h"
#include "unwind/row_apply.h"
#include "unwind/strategy.h"

#include <stddef.h>
#include <string.h>

enum {
	WB_STRATEGIES_MAX = 16,
	WB_TOPS = 64,                 /* stacks, by megabyte of address */
	WB_HINTS = 128,               /* mappings that walks were in, by megabyte of address: stacks alternate between a program and its libraries */
};

/* A mapping with what the hot path needs of it. */
struct wb_hint {
	uint64_t start, size;         /* addresses; size 0: empty */
	uint64_t image_start;         /* image pc of start; 0 without an image */
	uint64_t tag;                 /* image id and the cache's generation; 0: no image, or its file is not had */
	uint64_t image_id;
	const struct wb_map *map;     /* lives as long as the space */
	struct wb_image *image;       /* NULL: no image, or its file is not had */
	struct wb_unwind_info info;
	uint8_t first_strategy;       /* index of the first that the image has something for */
	bool has_info;                /* it was looked for */
};

/* A two-way cache of rows, of this walker alone: a line of memory each. A row is valid for ever: image ids are not reused. */
struct wb_row_entry {
	uint64_t image_pc;
	uint64_t tag;                 /* of the hint, exact bit included; 0: empty */
	struct wb_row row;
	uint64_t rules;               /* the row's, as in a trail */
	const struct wb_row_table *table;
	uint64_t what;                /* how and flags of the caller's frame, packed by the fast form */
	uint64_t unused;
};
enum { WB_TAG_EXACT = 63 };          /* bit of a tag: the row is for an exact pc */

/* How a frame was found, its flags and its context, as they stand in struct wb_frame, whose last eight bytes they are. */
static inline uint64_t wb_pack_what(unsigned how, unsigned flags)
{
	struct wb_frame frame = { .how = (uint16_t)how, .flags = (uint16_t)(flags | WB_FRAME_HAS_CFA | WB_FRAME_HAS_IMAGE) };
	uint64_t what;

	_Static_assert(sizeof(frame) - offsetof(struct wb_frame, how) == sizeof(what), "how, flags and context end the frame");
	memcpy(&what, &frame.how, sizeof(what));
	return what;
}

/* A step by a simple row: its rules. A pointer and, in the top byte, their number: addresses of this process have at most 56 bits. The CFA and SP of
 * the frame that was left are in the caller's frames. */
static inline uint64_t wb_rules_pack(const struct wb_row_rule *rules, uint8_t count)
{
	return (uint64_t)(uintptr_t)rules | (uint64_t)count << 56;
}
static inline const struct wb_row_rule *wb_rules_of(uint64_t packed) { return (const struct wb_row_rule *)(uintptr_t)(packed << 8 >> 8); }
static inline uint8_t wb_rules_count(uint64_t packed) { return (uint8_t)(packed >> 56); }

/* The frame that a walk stands on. */
struct wb_now {
	uint64_t pc, sp, fp;
	bool has_sp, has_fp, fp_derived, sp_derived;
	bool exact;
	bool joint;
	bool elsewhere;               /* its stack is another one, of which nothing was captured */
	uint8_t how;                  /* enum wb_how it was found by */
	uint32_t context;
	uint32_t callee_parameters;   /* see struct wb_lookup; 0 in the fast form, whose frames have none */
};

struct wb_walker {
	struct wb_session *session;
	wb_strategy_fn strategies[WB_STRATEGIES_MAX];
	uint8_t hows[WB_STRATEGIES_MAX]; /* enum wb_how, of strategies */
	size_t num_strategies;
	uint32_t max_frames, max_scan_words;

	struct wb_row_entry *rows;
	uint64_t row_mask;            /* entries - 1; their number is a power of two */
	uint64_t generation;          /* in the tag's bits 48 to 62 */

	struct wb_space *space;       /* referenced */
	const struct wb_arch_info *arch;
	uint64_t pointer_mask;        /* stripped from code addresses */
	bool fast;                    /* words of 8 bytes in this machine's byte order: the fast form applies */
	bool slow_only;               /* tests: never use the fast form */
	struct wb_view view;
	struct wb_hint hints[WB_HINTS];
	uint64_t filled_hints[WB_HINTS / 64]; /* which of them: few, and a capture of many processes changes its space all the time */
	struct wb_code_memo *code_memo;
	struct wb_hint *hint;         /* the one of the last look-up */
	struct wb_hint nowhere;       /* where nothing is mapped; never filled */
	bool hints_may_change;        /* a file was not had, and its finder may yet have it */

	/* The walk. */
	const struct wb_sample *sample; /* the caller's, borrowed until the next begin; or `taken` */
	struct wb_sample taken;       /* of a caller with a struct of another size */
	size_t next_given, next_context;
	uint64_t leaf_caller;         /* between the recorded frame that was given last and the next one; 0: none */
	uint32_t num_frames;
	struct wb_now now;
	bool has_now;                 /* the walk stands on a frame that was not given yet */
	bool is_pending;              /* step by step: `applied` leads on from the frame given last */
	bool done;
	bool no_memory;               /* what a file has could not be read for lack of memory: the walk fails rather than go on without */
	struct wb_stop stop;

	/* The step from the frame given last. */
	struct wb_applied applied;
	struct wb_found found;

	/* Registers. */
	struct wb_regs base;
	const struct wb_context *base_context; /* base was not yet taken from there; NULL: it was */
	struct wb_seen_reg { size_t at; uint32_t number; } seen_pc, seen_sp, seen_fp, seen_link; /* where the last context had them */
	struct wb_top tops[WB_TOPS];
	bool is_prefetched;           /* the stack of this walk was asked for before */
	bool has_stepped;             /* steps were made since base: caller-saved registers are gone */
	uint64_t *trail;              /* packed rules of the steps since base, oldest first */
	size_t num_trail, trail_capacity;
	const uint8_t *trail_frames;  /* the frame that the first of them left, in the caller's array */
	size_t trail_stride;          /* bytes from one to the next */
	uint64_t memo;                /* slots with a memo */
	struct { size_t level; uint64_t value; bool has, derived; } memos[WB_SLOTS_MAX];

	/* Cycle guard over signal frames, whose callers may be anywhere, and frames without SP: Brent's algorithm. */
	uint64_t anchor_pc, anchor_sp;
	uint32_t crossings, next_anchor;
};

/* walk.c, for walk_fast.c. */
/* The same from the space, for wb_walker_find_hint. */
bool wb_walker_fill_hint(struct wb_walker *walker, struct wb_hint *hint, uint64_t address);
/* Makes the mapping of address the walker's hint; false if nothing is mapped there. */
static inline bool wb_walker_find_hint(struct wb_walker *walker, uint64_t address)
{
	struct wb_hint *hint = &walker->hints[(address >> 16 ^ address >> 24) % WB_HINTS];

	if (address - hint->start >= hint->size && !wb_walker_fill_hint(walker, hint, address))
		return false;
	walker->hint = hint;
	return true;
}
/* Ends the walk at the frame that was given last, whose row says that it has no caller. */
void wb_walker_stop_root(struct wb_walker *walker, const struct wb_row *row);
/* The same where the return address, at `at`, was not captured. */
void wb_walker_stop_cut(struct wb_walker *walker, const struct wb_row *row, uint64_t at);
/* What the link register holds where the walk, or the part of it since the last signal, begins; false: that is not known for certain. */
bool wb_walker_link(struct wb_walker *walker, uint64_t *ret_link);
/* What strategies are asked at a pc. hint: NULL: nothing is mapped there. */
void wb_walker_lookup(struct wb_walker *walker, struct wb_hint *hint, uint64_t lookup_pc, bool exact, struct wb_lookup *ret_lookup);
/* row_cache.c: the cached row of an image pc in the hint's image, looked up and cached if it can be; NULL otherwise. */
const struct wb_row_entry *wb_walker_fill_row(struct wb_walker *walker, uint64_t image_pc, bool exact);
/* Gives one frame and goes on, by the slow form. WB_NONE: no frame; the walk was stopped. */
enum wb_err wb_walker_step(struct wb_walker *walker, struct wb_frame *ret_frame);

/* The frame given last, step by step, as strategies see it, and its registers. False: there is none, or it was recorded. */
bool wb_walker_look_again(struct wb_walker *walker, struct wb_lookup *ret_lookup, struct wb_regs *ret_regs);

/* Code addresses are spread well enough as they are: return addresses of one function never collide. */
static inline struct wb_row_entry *wb_walker_row_place(const struct wb_walker *walker, uint64_t image_pc)
{
	return &walker->rows[image_pc & walker->row_mask];
}

/* The top of the stack that an address is in, as far as known. */
static inline struct wb_top *wb_walker_top(struct wb_walker *walker, uint64_t sp)
{
	return &walker->tops[(sp >> 20) % WB_TOPS];
}

/* walk_given.c: the next recorded frame. */
void wb_walker_give_recorded(struct wb_walker *walker, struct wb_frame *ret_frame);
/* The same; false: there is none left. */
static inline bool wb_walker_next_given(struct wb_walker *walker, struct wb_frame *ret_frame)
{
	if (walker->next_given >= walker->sample->num_given)
		return false;
	wb_walker_give_recorded(walker, ret_frame);
	return true;
}

/* walk_fast.c: as many frames as the fast form can give, at most cap, `stride` bytes apart. */
enum wb_err wb_walk_fast(struct wb_walker *walker, struct wb_frame *frames, size_t stride, size_t cap, size_t *ret_count);

/* walk_regs.c */
/* Takes base from the context where the walk began, if it was not yet. */
void wb_walker_need_base(struct wb_walker *walker);
/* All that can be known, in a file of its own. */
void wb_walker_recover_all(struct wb_walker *walker, struct wb_regs *ret_regs);
/* Starts the trail afresh: from the base as it is, or from these registers. */
static inline void wb_walker_forget_steps(struct wb_walker *walker)
{
	walker->num_trail = 0;
	walker->memo = 0;
	walker->has_stepped = false;
}
void wb_walker_set_base(struct wb_walker *walker, const struct wb_regs *regs);

#endif
