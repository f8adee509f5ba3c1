/* SPDX-License-Identifier: MIT */
/* Encodings: Intel SDM volume 2. The signal frame: Linux, arch/x86/include/asm/sigframe.h and uapi/asm/sigcontext.h. */
#include "shadow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* struct rt_sigframe: the address of the return code, then struct ucontext, whose registers start behind flags, link and stack. */
	FRAME_UCONTEXT = 8, UCONTEXT_REGS = 40,
	SYS_RT_SIGRETURN = 15, SYS_MMAP = 9, SYS_MPROTECT = 10, SYS_MUNMAP = 11, SYS_BRK = 12, SYS_MREMAP = 25,
};
/* What a function must keep for its caller (AMD64 psABI, figure 3.4), and the stack pointer. */
static const uint32_t kept = 1u << RBX | 1u << RBP | 1u << RSP | 0xfu << 12;
static const uint32_t all_regs = (1u << RIP) - 1;

static bool is_prefix(uint8_t byte)
{
	return byte == 0x66 || byte == 0x67 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x26 ||
	       byte == 0x64 || byte == 0x65 || (byte & 0xf0) == 0x40;
}

enum instruction shadow_decode(const uint8_t *bytes, size_t size)
{
	size_t at = 0;

	while (at + 2 < size && is_prefix(bytes[at]))
		at++;
	if (at + 2 > size)
		return INSTRUCTION_OTHER;
	if (bytes[at] == 0xe8 || (bytes[at] == 0xff && (bytes[at + 1] >> 3 & 7) == 2))
		return INSTRUCTION_CALL;
	return bytes[at] == 0x0f && bytes[at + 1] == 0x05 ? INSTRUCTION_SYSCALL : INSTRUCTION_OTHER;
}

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

static struct caller *push(struct shadow *s, struct tracee *t, uint64_t pc, uint64_t slot, const uint64_t *regs, uint32_t known)
{
	const struct range *stack = tracee_range(t, slot);
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

/* Whether a caller is still waited for when the stack pointer is there. */
static bool waits(const struct caller *caller, uint64_t sp)
{
	/* A stack that grew is one mapping that starts lower. */
	return sp < caller->stack_end && caller->slot >= sp;
}

static void pop_left(struct shadow *s, uint64_t sp)
{
	while (s->count && !waits(&s->callers[s->count - 1], sp))
		s->count--;
}

/* Whether sp is in another mapping than the innermost caller's slot, lower in memory. */
static bool is_elsewhere(const struct shadow *s, struct tracee *t, uint64_t sp)
{
	const struct caller *caller = s->count ? &s->callers[s->count - 1] : NULL;
	const struct range *stack;

	if (!caller || (sp >= caller->stack_start && sp < caller->stack_end))
		return false;
	stack = tracee_range(t, sp);
	if (!stack) {
		/* The stack grew, which no system call tells. */
		t->is_stale = true;
		tracee_refresh(t);
		stack = tracee_range(t, sp);
	}
	return !stack || stack->end != caller->stack_end;
}

static bool changes_mappings(uint64_t number)
{
	return number == SYS_MMAP || number == SYS_MPROTECT || number == SYS_MUNMAP || number == SYS_MREMAP || number == SYS_BRK;
}

void shadow_follow(struct shadow *s, struct tracee *t, enum instruction instruction, const uint64_t before[NUM_REGS],
                   const uint64_t after[NUM_REGS])
{
	uint64_t sp = after[RSP], target;

	if (instruction == INSTRUCTION_SYSCALL && changes_mappings(before[RAX]))
		t->is_stale = true;
	if (instruction == INSTRUCTION_SYSCALL && before[RAX] == SYS_RT_SIGRETURN && s->count && s->callers[s->count - 1].interrupted) {
		s->count--;
		return;
	}
	if (instruction == INSTRUCTION_CALL && sp == before[RSP] - 8) {
		if (tracee_read(t, sp, &target, sizeof(target)))
			push(s, t, target, sp, before, kept);
		return;
	}
	/* Back on the stack of an outer frame without its return: siglongjmp out of a handler on an alternate stack. */
	while (is_elsewhere(s, t, sp))
		s->count--;
	pop_left(s, sp);
}

bool shadow_enter_signal(struct shadow *s, struct tracee *t, int signal, const uint64_t regs[NUM_REGS])
{
	/* struct sigcontext: r8 to r15, di, si, bp, bx, dx, ax, cx, sp, ip. */
	static const uint8_t order[NUM_REGS] = { 8, 9, 10, 11, 12, 13, 14, 15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP };
	uint64_t saved[NUM_REGS], interrupted[NUM_REGS], back, trampoline[NUM_REGS];

	/* The kernel enters handlers with (signal, &siginfo, &ucontext), and the address of the return code on the stack. */
	if (regs[RDI] != (uint64_t)signal || regs[RDX] != regs[RSP] + FRAME_UCONTEXT || !tracee_read(t, regs[RSP], &back, sizeof(back)) ||
	    !tracee_read(t, regs[RSP] + FRAME_UCONTEXT + UCONTEXT_REGS, saved, sizeof(saved)))
		return false;
	for (size_t i = 0; i < NUM_REGS; i++)
		interrupted[order[i]] = saved[i];
	push(s, t, interrupted[RIP], regs[RSP] + 8, interrupted, all_regs)->interrupted = true;
	memcpy(trampoline, regs, sizeof(trampoline));
	trampoline[RSP] += 8;
	push(s, t, back, regs[RSP], trampoline, kept);
	return true;
}
