/* SPDX-License-Identifier: MIT */
/*
 * One stopped moment, walked by every strategy from everything that is on the stack and from what a capture has of it (from the stack pointer upwards),
 * and compared with the shadow stack: the pc of each frame, the end, and the registers that the walk says it knows.
 */
#ifndef TRUTH_CHECK_H
#define TRUTH_CHECK_H

#include <walkback/walkback.h>

#include "shadow.h"

enum { NUM_STRATEGIES = 3, NUM_MEMORIES = 2 };
extern const char *const check_strategies[NUM_STRATEGIES], *const check_memories[NUM_MEMORIES];

enum verdict {
	VERDICT_EXACT,
	VERDICT_SHORT,                /* all frames are right, but some are missing, and the walk says so */
	VERDICT_WRONG,                /* a frame that is none, or an end that is none */
	VERDICT_REGISTER,             /* a register that was said to be known was another; the frames may be right */
	VERDICT_CHAIN,                /* by frame pointers: all frames are right up to the first whose code keeps none */
	NUM_VERDICTS,
};
extern const char *const check_verdicts[NUM_VERDICTS];

/* Faults of one kind at one function. */
struct group {
	uint8_t strategy, memory, verdict;
	char *where;                  /* module, function and offset of the frame whose caller was not found */
	char *what;                   /* expected and actual, of the first */
	char *reason;                 /* kind of fault: how the wrong frame was found, the stop, what the memory or the CFI adds */
	char *key;
	uint64_t steps;
	uint64_t pcs, last_pc;        /* how many, about: changes of pc */
};

struct tally {
	uint64_t steps;
	uint64_t by_verdict[NUM_VERDICTS];
	uint64_t known, derived, derived_wrong, unknown; /* callee-saved registers of callers */
};

struct check {
	struct wb_session *session;
	struct wb_symbolizer *symbolizer;
	struct wb_session *name_session; /* of `named` and its symbolizer; NULL: as the others */
	struct wb_symbolizer *name_symbolizer;
	struct wb_image *named;       /* the program before it was stripped; NULL: it was not */
	const char *program;
	struct wb_walker *walkers[NUM_STRATEGIES];
	struct wb_space *space;
	uint64_t generation;          /* of the machine's ranges that space was made from */
	struct tally tallies[NUM_STRATEGIES][NUM_MEMORIES];
	struct group *groups;
	size_t num_groups;
	const char *keep;             /* folder for snapshots; NULL: none */
	uint64_t inconsistent;        /* step by step walks that differ from whole ones */
	uint64_t again_walks, again_frames; /* of check_again */
};

enum wb_err check_init(struct check *check, const char *keep, const char *debug_dir);
/* Addresses of `program` are named by this file, which the walks do not know. */
enum wb_err check_name_by(struct check *check, const char *program, const char *file);
void check_deinit(struct check *check);
/* WB_OK whatever the verdicts are. again: so many further walks, see check_again. */
enum wb_err check_moment(struct check *check, struct machine *machine, const struct shadow *shadow, const uint64_t regs[REGS_MAX], unsigned again);
/* A walk by the default strategies with all that they need in their caches: a function of its own, for tools that count instructions. */
enum wb_err check_again(struct check *check, const struct wb_sample *sample);

#endif
