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
#include "unwind/row_apply.h"
#include "unwind/strategy.h"

enum {
	WB_STRATEGIES_MAX = 16,
	WB_HINTS = 4,                 /* mappings that a walk was in last: stacks alternate between a program and its libraries */
};

/* A mapping with what the hot path needs of it. */
struct wb_hint {
	uint64_t start, size;         /* addresses; size 0: empty */
	uint64_t bias;                /* address - image pc */
	uint64_t tag;                 /* image id and the cache's generation */
	uint64_t image_id;
	const struct wb_map *map;     /* lives as long as the space */
	struct wb_image *image;       /* NULL: no image, or its file is not had */
	struct wb_cfi *cfi;
	bool has_cfi;                 /* cfi was looked for */
};

/* A direct-mapped cache of rows, of this walker alone. A row is valid for ever: image ids are not reused. */
struct wb_row_entry {
	uint64_t key;                 /* image pc << 1 | exact */
	uint64_t tag;                 /* 0: empty */
	struct wb_row row;
	const struct wb_row_table *table;
};

/* A step by a simple row with rules for further registers. */
struct wb_trail {
	uint64_t cfa, sp;             /* of the frame that was left */
	const struct wb_row_rule *rules;
	uint32_t num_rules;
	uint32_t unused;
};

/* The frame that a walk stands on. */
struct wb_now {
	uint64_t pc, sp, fp;
	bool has_sp, has_fp, fp_derived, sp_derived;
	bool exact;
	bool joint;
	uint8_t how;                  /* enum wb_how it was found by */
	uint32_t context;
};

struct wb_walker {
	struct wb_session *session;
	wb_strategy_fn strategies[WB_STRATEGIES_MAX];
	size_t num_strategies;
	uint32_t max_frames, max_scan_words;

	struct wb_row_entry *rows;
	uint32_t row_shift;           /* 64 - log2(entries) */
	uint64_t num_rows;
	uint64_t generation;          /* in the tag's top 16 bits */

	struct wb_space *space;       /* referenced */
	const struct wb_arch_info *arch;
	uint64_t pointer_mask;        /* bits cleared from return addresses */
	bool fast;                    /* words of 8 bytes in this machine's byte order: the fast form applies */
	bool slow_only;               /* tests: never use the fast form */
	struct wb_view view;
	struct wb_hint hints[WB_HINTS]; /* most recent first */

	/* The walk. */
	const struct wb_sample *sample; /* borrowed until the next begin */
	struct wb_sample taken;       /* our copy of the struct */
	size_t next_given, next_context;
	uint32_t num_frames;
	struct wb_now now;
	bool has_now;                 /* the walk stands on a frame that was not given yet */
	bool is_pending;              /* step by step: `applied` leads on from the frame given last */
	bool done;
	struct wb_stop stop;

	/* The step from the frame given last. */
	struct wb_applied applied;
	struct wb_found found;

	/* Registers. */
	struct wb_regs base;
	bool has_stepped;             /* steps were made since base: caller-saved registers are gone */
	struct wb_trail *trail;
	size_t num_trail, trail_capacity;
	uint64_t memo;                /* slots with a memo */
	struct { size_t level; uint64_t value; bool has, derived; } memos[WB_SLOTS_MAX];

	/* Cycle guard over signal frames, whose callers may be anywhere: Brent's algorithm. */
	uint64_t anchor_pc, anchor_sp;
	uint32_t crossings, next_anchor;

	/* Tables that the budget did not let their image keep: freed at the next begin. */
	struct wb_row_table **loose;
	size_t num_loose, loose_capacity;
};

/* walk.c, for walk_fast.c. */
/* Makes hints[0] the mapping of address, if it has an image with its file. */
void wb_walker_find_hint(struct wb_walker *walker, uint64_t address);
/* The cached row of an image pc in hints[0], looked up and cached if it can be; NULL otherwise. */
const struct wb_row_entry *wb_walker_fill_row(struct wb_walker *walker, uint64_t image_pc, bool exact);
/* Gives one frame and goes on, by the slow form. */
enum wb_err wb_walker_step(struct wb_walker *walker, struct wb_frame *ret_frame);

static inline struct wb_row_entry *wb_walker_row_place(const struct wb_walker *walker, uint64_t image_pc, uint64_t tag)
{
	return &walker->rows[((image_pc + (tag << 7)) * UINT64_C(0x9e3779b97f4a7c15)) >> walker->row_shift];
}

/* walk_fast.c: as many frames as the fast form can give, at most cap, `stride` bytes apart. */
enum wb_err wb_walk_fast(struct wb_walker *walker, struct wb_frame *frames, size_t stride, size_t cap, size_t *ret_count);

/* walk_regs.c */
/* A register of the frame that the walk stands on. */
bool wb_walker_recover(struct wb_walker *walker, uint8_t slot, uint64_t *ret_value, bool *ret_derived);
/* All that can be known, in a file of its own. */
void wb_walker_recover_all(struct wb_walker *walker, struct wb_regs *ret_regs);
/* Starts the trail afresh from these registers. */
void wb_walker_set_base(struct wb_walker *walker, const struct wb_regs *regs);

#endif
