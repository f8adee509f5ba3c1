/* SPDX-License-Identifier: MIT */
/* What instructions do to a state, and how states meet. */
#include "unwind/code_state.h"

#include <string.h>

enum { NUM_INSERT_BITS = 32 };

int wb_code_kept_index(const struct wb_code_machine *machine, uint8_t reg)
{
	for (int i = 0; i < machine->num_kept; i++)
		if (machine->kept[i] == reg)
			return i;
	return -1;
}

struct wb_code_place wb_code_place_moved(struct wb_code_place place, int64_t by)
{
	int64_t offset = place.offset + by;

	if (place.base < WB_PLACE_CONSTANT || by > WB_PLACE_OFFSET_MAX || by < -WB_PLACE_OFFSET_MAX || offset > WB_PLACE_OFFSET_MAX ||
	    offset < -WB_PLACE_OFFSET_MAX)
		return wb_code_place(0, WB_PLACE_LOST);
	return wb_code_place((int32_t)offset, (enum wb_code_place_base)place.base);
}

void wb_code_state_init(struct wb_code_state *state, const struct wb_code_machine *machine)
{
	memset(state, 0, sizeof(*state));
	state->value[machine->sp] = wb_code_place(0, WB_PLACE_FROM_SP);
	state->value[machine->fp] = wb_code_place(0, WB_PLACE_FROM_FP);
	for (int i = 0; i < machine->num_kept; i++)
		state->kept[i] = wb_code_place(0, WB_PLACE_UNTOUCHED);
	state->pushed = -1;
	state->compared = state->compared_with = WB_CODE_NO_REG;
}

static bool meet_place(struct wb_code_place *into, struct wb_code_place other)
{
	if (wb_code_place_is_same(*into, other) || into->base == WB_PLACE_LOST)
		return false;
	*into = wb_code_place(0, WB_PLACE_LOST);
	return true;
}

bool wb_code_state_meet(struct wb_code_state *into, const struct wb_code_state *other, const struct wb_code_machine *machine)
{
	bool changed = into->pushed < other->pushed;

	into->pushed = changed ? other->pushed : into->pushed;
	for (int i = 0; i < WB_CODE_VALUES; i++)
		changed |= meet_place(&into->value[i], other->value[i]);
	for (int i = 0; i < machine->num_kept; i++)
		changed |= meet_place(&into->kept[i], other->kept[i]);
	changed |= meet_place(&into->spilled, other->spilled);
	changed |= meet_place(&into->spilled_value, other->spilled_value);
	if (into->compared != other->compared || into->compared_with != other->compared_with) {
		changed |= into->compared != WB_CODE_NO_REG;
		into->compared = into->compared_with = WB_CODE_NO_REG;
	}
	into->restoring |= other->restoring;
	return changed;
}

bool wb_code_state_assume_equal(struct wb_code_state *s)
{
	struct wb_code_place *one, *other;

	if (s->compared >= WB_CODE_VALUES || s->compared_with >= WB_CODE_VALUES)
		return true;
	one = &s->value[s->compared];
	other = &s->value[s->compared_with];
	if (one->base == WB_PLACE_LOST)
		*one = *other;
	else if (other->base == WB_PLACE_LOST)
		*other = *one;
	return one->base != other->base || one->offset == other->offset;
}

struct effect {
	struct wb_code_state *s;
	const struct wb_code_machine *machine;
	bool backwards;
};

static void set_value(struct effect *e, uint8_t reg, struct wb_code_place place)
{
	if (reg < WB_CODE_VALUES)
		e->s->value[reg] = place;
}

static struct wb_code_place value_of(const struct effect *e, uint8_t reg)
{
	return reg < WB_CODE_VALUES ? e->s->value[reg] : wb_code_place(0, WB_PLACE_LOST);
}

/* A register is changed in ways that are not followed. Forwards, a function that never saved one cannot mean the caller's, so it gives it back some other
 * way; to the returns, the last change before must be what gives it back. */
static void change_kept(struct effect *e, uint8_t reg)
{
	int i = wb_code_kept_index(e->machine, reg);
	struct wb_code_place *kept = &e->s->kept[i < 0 ? 0 : i];

	if (i >= 0 && (kept->base == WB_PLACE_UNTOUCHED || (e->backwards && wb_code_place_is_known(*kept))))
		*kept = wb_code_place(0, WB_PLACE_LOST);
}

static void change(struct effect *e, uint64_t writes)
{
	for (; writes; writes &= writes - 1) {
		uint8_t reg = (uint8_t)__builtin_ctzll(writes);

		change_kept(e, reg);
		set_value(e, reg, wb_code_place(0, WB_PLACE_LOST));
	}
}

static void compute(struct effect *e, uint8_t reg, struct wb_code_place value)
{
	struct wb_code_place sp = e->s->value[e->machine->sp];

	if (reg == e->machine->sp && sp.base == WB_PLACE_FROM_SP && value.base == WB_PLACE_FROM_SP)
		e->s->restoring = value.offset > sp.offset;
	if (reg != e->machine->sp)
		change_kept(e, reg);
	set_value(e, reg, value);
}

/* A register is stored into the frame: its first store saves it. */
static void store(struct effect *e, const struct wb_code_op *op)
{
	int i = wb_code_kept_index(e->machine, op->reg);
	struct wb_code_place place = wb_code_place_moved(value_of(e, op->base), op->value), *kept = &e->s->kept[i < 0 ? 0 : i];
	bool is_push = op->kind == WB_OP_PUSH;
	bool is_own = place.base == WB_PLACE_FROM_ALIGNED || (place.base == WB_PLACE_FROM_SP && place.offset < 0);
	struct wb_code_place value = value_of(e, op->reg);

	if (is_push && place.base == WB_PLACE_FROM_SP && place.offset > e->s->pushed)
		e->s->pushed = place.offset;
	if (place.base == WB_PLACE_FROM_ALIGNED && value.base == WB_PLACE_FROM_SP) {
		e->s->spilled = place;
		e->s->spilled_value = value;
	}
	if (i < 0 || kept->base != WB_PLACE_UNTOUCHED)
		return;
	if (e->backwards) {
		if (is_push || is_own)
			*kept = wb_code_place(0, WB_PLACE_SAVED_LATER);
		return;
	}
	e->s->restoring = false;
	/* An untouched register whose value is another cannot be: FP that became the frame pointer was changed. */
	if (is_own)
		*kept = place;
	else if (is_push)
		*kept = wb_code_place(0, WB_PLACE_LOST);
}

static void load(struct effect *e, const struct wb_code_op *op)
{
	int i = wb_code_kept_index(e->machine, op->reg);
	struct wb_code_place place = wb_code_place_moved(value_of(e, op->base), op->value), *kept = &e->s->kept[i < 0 ? 0 : i];

	if (place.base == WB_PLACE_CONSTANT)
		place = wb_code_place(0, WB_PLACE_LOST);
	set_value(e, op->reg, place.base == WB_PLACE_FROM_ALIGNED && wb_code_place_is_same(place, e->s->spilled) ? e->s->spilled_value
	                                                                                                   : wb_code_place(0, WB_PLACE_LOST));
	if (i < 0)
		return;
	if (e->backwards) {
		/* What is saved after the pc and restored again is what the register had before. */
		if (kept->base != WB_PLACE_SAVED_LATER && !(place.base == WB_PLACE_FROM_SP && place.offset <= e->s->pushed))
			*kept = place;
		return;
	}
	if (wb_code_place_is_same(*kept, place) && place.base != WB_PLACE_LOST) {
		*kept = wb_code_place(0, WB_PLACE_UNTOUCHED);
		e->s->restoring = true;
		if (op->reg == e->machine->fp)
			set_value(e, op->reg, wb_code_place(0, WB_PLACE_FROM_FP));
	} else if (kept->base == WB_PLACE_UNTOUCHED) {
		*kept = wb_code_place(0, WB_PLACE_LOST);
	}
}

static struct wb_code_place inserted(struct wb_code_place old, uint8_t shift, int32_t bits)
{
	uint64_t value = (uint64_t)(int64_t)old.offset, part = (uint64_t)(uint32_t)bits << shift;

	if (old.base != WB_PLACE_CONSTANT || shift >= NUM_INSERT_BITS)
		return wb_code_place(0, WB_PLACE_LOST);
	value = (value & ~(UINT64_C(0xffff) << shift)) | part;
	return wb_code_place_moved(wb_code_place(0, WB_PLACE_CONSTANT), (int64_t)value);
}

static void operate(struct effect *e, const struct wb_code_op *op)
{
	struct wb_code_place base = value_of(e, op->base), index = value_of(e, op->index);

	switch ((enum wb_code_op_kind)op->kind) {
	case WB_OP_ADD:
		compute(e, op->reg, wb_code_place_moved(base, op->value));
		break;
	case WB_OP_ADD_REG:
		compute(e, op->reg, index.base == WB_PLACE_CONSTANT ? wb_code_place_moved(base, (int64_t)index.offset * op->value)
		                                                    : wb_code_place(0, WB_PLACE_LOST));
		break;
	case WB_OP_ALIGN:
		compute(e, op->reg, wb_code_place(0, base.base == WB_PLACE_FROM_SP && !e->backwards ? WB_PLACE_FROM_ALIGNED : WB_PLACE_LOST));
		break;
	case WB_OP_SET:
		compute(e, op->reg, wb_code_place_moved(wb_code_place(0, WB_PLACE_CONSTANT), op->value));
		break;
	case WB_OP_INSERT:
		compute(e, op->reg, inserted(value_of(e, op->reg), op->index, op->value));
		break;
	case WB_OP_STORE:
	case WB_OP_PUSH:
		store(e, op);
		break;
	case WB_OP_LOAD:
		load(e, op);
		break;
	case WB_OP_COMPARE:
		e->s->compared = op->reg;
		e->s->compared_with = op->base;
		break;
	}
}

void wb_code_state_execute(struct wb_code_state *state, const struct wb_code_insn *insn, const struct wb_code_machine *machine, bool backwards)
{
	struct effect e = { state, machine, backwards };

	if (!insn->keeps_flags)
		state->compared = state->compared_with = WB_CODE_NO_REG;
	for (int i = 0; i < insn->num_ops; i++)
		operate(&e, &insn->ops[i]);
	change(&e, insn->writes);
	if (insn->next == WB_NEXT_CALL && !backwards)
		change(&e, machine->call_writes);
}
