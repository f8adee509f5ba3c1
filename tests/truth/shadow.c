/* SPDX-License-Identifier: MIT */
/* What instructions do to the call stack. */
#include "shadow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void shadow_deinit(struct shadow *s)
{
	free(s->callers);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

uint64_t shadow_chain(const struct shadow *s, uint64_t pc)
{
	return mix(s->count ? s->callers[s->count - 1].chain : 1, pc);
}

static struct caller *push(struct shadow *s, struct machine *m, uint64_t pc, uint64_t slot, const uint64_t *regs, uint64_t known)
{
	const struct range *stack = machine_range(m, slot);
	struct caller *caller;

	if (s->count == s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 256;
		s->callers = realloc(s->callers, s->capacity * sizeof(*s->callers));
		if (!s->callers) {
			fprintf(stderr, "out of memory\n");
			exit(1);
		}
	}
	caller = &s->callers[s->count];
	*caller = (struct caller){ .pc = pc, .slot = slot, .known = known, .chain = shadow_chain(s, pc) };
	caller->stack_start = stack ? stack->start : slot;
	caller->stack_end = stack ? stack->end : slot + 8;
	memcpy(caller->regs, regs, sizeof(caller->regs));
	s->count++;
	return caller;
}

static struct caller *innermost(struct shadow *s)
{
	return s->count ? &s->callers[s->count - 1] : NULL;
}

static bool is_on_stack_of(const struct caller *caller, uint64_t sp)
{
	return sp >= caller->stack_start && sp < caller->stack_end;
}

/* Whether a caller is still waited for when the stack pointer is there. */
static bool waits(const struct caller *caller, uint64_t sp)
{
	/* A stack that grew is one mapping that starts lower. */
	return sp < caller->stack_end && caller->slot >= sp;
}

static void pop_left(struct shadow *s, uint64_t sp)
{
	while (s->count && !waits(&s->callers[s->count - 1], sp) && (!s->switches || is_on_stack_of(&s->callers[s->count - 1], sp)))
		s->count--;
}

/* Whether any caller waits on the stack of sp: else that is another one, and theirs is come back to. */
static bool comes_back(const struct shadow *s, uint64_t sp)
{
	for (size_t i = s->count; i-- > 0;)
		if (is_on_stack_of(&s->callers[i], sp))
			return true;
	return false;
}

/* Whether sp is in another mapping than the innermost caller's slot, lower in memory. */
static bool is_elsewhere(struct shadow *s, struct machine *m, uint64_t sp)
{
	const struct caller *caller = innermost(s);
	const struct range *stack;

	if (!caller || is_on_stack_of(caller, sp))
		return false;
	stack = machine_range(m, sp);
	if (!stack) {
		/* The stack grew, which no system call tells. */
		m->is_stale = true;
		machine_refresh(m);
		stack = machine_range(m, sp);
	}
	return !stack || stack->end != caller->stack_end;
}

static void follow_call(struct shadow *s, struct machine *m, const uint64_t *before, const uint64_t *after)
{
	const struct target *target = m->target;
	uint64_t sp = after[target->sp], regs[REGS_MAX], back;

	if (target->link == REG_NONE) {
		if (sp == before[target->sp] - 8 && machine_read(m, sp, &back, sizeof(back)))
			push(s, m, back, sp, before, target->kept);
		return;
	}
	memcpy(regs, before, sizeof(regs));
	back = regs[target->link] = after[target->link];
	push(s, m, back, sp, regs, target->kept);
}

/* Where calls leave the return address in a register: a return, a tail call, a jump table, or a jump out of calls, whose slots sp may have reached. */
static void follow_jump(struct shadow *s, const struct target *target, const uint64_t *after)
{
	uint64_t sp = after[target->sp];
	const struct caller *caller = innermost(s);

	if (!caller || caller->interrupted)
		return;
	if (caller->pc == after[target->pc] && caller->regs[target->sp] == sp) {
		s->count--;
		return;
	}
	/* longjmp and eh_return go where the link register says, with all that was called from there left; tail calls let it be. */
	if (after[target->pc] != after[target->link])
		return;
	while (s->count && is_on_stack_of(innermost(s), sp) && innermost(s)->slot <= sp)
		s->count--;
}

void shadow_start(struct shadow *s, struct machine *m, const uint64_t regs[REGS_MAX])
{
	enum { FRAMES = 64 };
	const struct target *target = m->target;
	uint64_t slots[FRAMES], fps[FRAMES], frame[2], pc, fp = regs[target->fp];
	size_t count = 0;

	machine_refresh(m);
	s->switches = true;
	slots[0] = regs[target->sp];
	fps[count++] = fp;
	while (fp && count < FRAMES && machine_read(m, fp, frame, sizeof(frame))) {
		slots[count] = fp + 8;
		fps[count++] = fp = frame[0];
	}
	while (count-- > 0) {
		uint64_t caller[REGS_MAX] = { 0 };

		if (!machine_read(m, slots[count], &pc, sizeof(pc)))
			continue;
		caller[target->sp] = slots[count] + 8;
		caller[target->fp] = fps[count];
		push(s, m, pc, slots[count], caller, UINT64_C(1) << target->sp | UINT64_C(1) << target->fp);
	}
}

void shadow_follow(struct shadow *s, struct machine *m, enum instruction instruction, const uint64_t before[REGS_MAX],
                   const uint64_t after[REGS_MAX])
{
	const struct target *target = m->target;
	const struct caller *caller = innermost(s);
	uint64_t sp = after[target->sp];

	if (instruction == INSTRUCTION_SYSCALL && before[target->number] == target->sigreturn && caller && caller->interrupted) {
		s->count--;
		return;
	}
	if (instruction == INSTRUCTION_CALL && after[target->pc] != before[target->pc]) {
		follow_call(s, m, before, after);
		return;
	}
	/* Back on the stack of an outer frame without its return: siglongjmp out of a handler on an alternate stack. */
	while (is_elsewhere(s, m, sp) && (!s->switches || comes_back(s, sp)))
		s->count--;
	pop_left(s, sp);
	if (instruction == INSTRUCTION_JUMP && target->link != REG_NONE)
		follow_jump(s, target, after);
}

bool shadow_enter_signal(struct shadow *s, struct machine *m, int signal, const uint64_t regs[REGS_MAX])
{
	const struct target *target = m->target;
	struct interrupted in = { .known = 0 };
	uint64_t trampoline[REGS_MAX];

	if (!target->at_handler(m, signal, regs, &in))
		return false;
	push(s, m, in.regs[target->pc], in.slot + 8, in.regs, in.known)->interrupted = true;
	memcpy(trampoline, regs, sizeof(trampoline));
	trampoline[target->sp] = in.back_sp;
	push(s, m, in.back, in.slot, trampoline, target->kept);
	return true;
}
