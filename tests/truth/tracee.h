/* SPDX-License-Identifier: MIT */
/*
 * A traced process: started with fixed addresses and an empty environment, moved one instruction at a time, and looked into. Linux on x86-64 only.
 * Nothing here knows of unwinding.
 */
#ifndef TRUTH_TRACEE_H
#define TRUTH_TRACEE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Registers by their DWARF numbers (AMD64 psABI, figure 3.36); the last is the pc. */
enum { RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R15 = 15, RIP = 16, NUM_REGS };

struct range {
	uint64_t start, end, file_offset;
	unsigned prot;                /* as enum wb_prot */
	char *path;                   /* "" for anonymous memory */
	uint8_t *code;                /* bytes of an executable mapping; NULL: not read yet */
};

struct tracee {
	pid_t pid;
	int memory;                   /* /proc/PID/mem */
	struct range *ranges;         /* sorted, as in /proc/PID/maps */
	size_t num_ranges, last;      /* last: where the last address was found */
	uint64_t generation;          /* changes with ranges */
	bool is_stale;                /* the process changed its mappings since */
	int signal;                   /* to be delivered by the next step; 0: none */
	bool has_ended;
	int status;                   /* of wait(), once it ended */
};

/* What a step came to. */
enum moved {
	MOVED_STEP,                   /* one instruction, or the entry of a signal handler */
	MOVED_SIGNAL,                 /* nothing was executed: a signal waits for the next step */
	MOVED_END,
};

/* from_entry: the dynamic linker has run, and the process stands at the program's first instruction; else at the very first of all.
 * 0, or -1 with errno; EPERM where tracing is not permitted. */
int tracee_start(struct tracee *tracee, char *const *arguments, bool from_entry);
void tracee_deinit(struct tracee *tracee);

void tracee_regs(struct tracee *tracee, uint64_t regs[NUM_REGS]);
enum moved tracee_step(struct tracee *tracee);
/* Runs until the process stands at address with this stack pointer, something else happens, or it ends. */
enum moved tracee_run_to(struct tracee *tracee, uint64_t address, uint64_t sp);

bool tracee_read(struct tracee *tracee, uint64_t address, void *buffer, size_t size);
/* Reads the mappings again if they may have changed. */
void tracee_refresh(struct tracee *tracee);
/* NULL: nothing is mapped there. Valid until the next refresh. */
const struct range *tracee_range(struct tracee *tracee, uint64_t address);
/* Bytes of code at address, at least 1 and at most 16; 0: not executable. Borrowed until the next refresh. */
size_t tracee_code(struct tracee *tracee, uint64_t address, const uint8_t **ret_bytes);

#endif
