/* SPDX-License-Identifier: MIT */
/*
 * What is known before an instruction: where registers point, and where the caller's values of those that functions keep are. Followed in two directions
 * in time: forwards from the function's start, `kept` is where registers were stored first; to the returns, where they are loaded from last. Where paths
 * meet, what they do not agree on is lost, so the order in which they are followed does not matter.
 */
#ifndef UNWIND_CODE_STATE_H
#define UNWIND_CODE_STATE_H

#include "unwind/code_insn.h"

enum { WB_PLACE_OFFSET_MAX = 1 << 26 }; /* bytes; no frame is larger, and it fits a place */

enum wb_code_place_base {
	WB_PLACE_LOST,                /* anything */
	WB_PLACE_UNTOUCHED,           /* kept: still in the register */
	WB_PLACE_SAVED_LATER,         /* kept: it was, at the pc, and is saved since */
	WB_PLACE_CONSTANT,            /* value: a number, no place */
	WB_PLACE_FROM_SP,             /* counts from SP where the flow began */
	WB_PLACE_FROM_FP,             /* from FP */
	WB_PLACE_FROM_ALIGNED,        /* forwards: from SP right after it was rounded down, which nobody knows how far it was */
};
struct wb_code_place {
	int32_t offset : 28;
	uint32_t base : 4;            /* enum wb_code_place_base */
};

struct wb_code_state {
	struct wb_code_place value[WB_CODE_VALUES]; /* of general registers */
	struct wb_code_place kept[WB_CODE_KEPT_MAX]; /* by the machine's order of them */
	/* Forwards: a word behind a rounded SP that holds an address of before, and which: functions that round SP find back by it. */
	struct wb_code_place spilled, spilled_value;
	int32_t pushed;               /* to the returns: the highest place that was stored to since, from SP; all below SP count as such */
	uint8_t compared, compared_with; /* registers, WB_CODE_NO_REG: nothing was compared */
	bool restoring;               /* the newest change of the frame was a step back */
};

static inline struct wb_code_place wb_code_place(int32_t offset, enum wb_code_place_base base)
{
	return (struct wb_code_place){ offset, base };
}
static inline bool wb_code_place_is_same(struct wb_code_place a, struct wb_code_place b)
{
	return a.base == b.base && a.offset == b.offset;
}
/* Whether it is a place in memory. */
static inline bool wb_code_place_is_known(struct wb_code_place place) { return place.base >= WB_PLACE_FROM_SP; }
/* Numbers and places alike; lost where it is neither, or gets too large. */
struct wb_code_place wb_code_place_moved(struct wb_code_place place, int64_t by);

/* A machine's registers where a flow begins. */
void wb_code_state_init(struct wb_code_state *state, const struct wb_code_machine *machine);
/* Keeps what both say. Whether that is less than `into` said. */
bool wb_code_state_meet(struct wb_code_state *into, const struct wb_code_state *other, const struct wb_code_machine *machine);
/* What an instruction does; backwards: the flow goes to the returns. */
void wb_code_state_execute(struct wb_code_state *state, const struct wb_code_insn *insn, const struct wb_code_machine *machine, bool backwards);
/* The register turned out to be equal to what it was compared with. False: it cannot be. */
bool wb_code_state_assume_equal(struct wb_code_state *state);
/* The index of a register among those kept; -1: none of them. */
int wb_code_kept_index(const struct wb_code_machine *machine, uint8_t reg);

#endif
