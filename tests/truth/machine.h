/* SPDX-License-Identifier: MIT */
/*
 * A program that is moved one instruction at a time, and looked into: registers, memory, mappings. Who executes it is behind `ops`: the kernel, by
 * ptrace, or an emulator. Nothing here knows of unwinding.
 */
#ifndef TRUTH_MACHINE_H
#define TRUTH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target.h"

struct range {
	uint64_t start, end, file_offset;
	unsigned prot;                /* as enum wb_prot */
	char *path;                   /* "" for anonymous memory */
	uint8_t *code;                /* bytes of an executable mapping; NULL: not read yet */
};

/* What a step came to. */
enum moved {
	MOVED_STEP,                   /* one instruction, or the entry of a signal handler */
	MOVED_SIGNAL,                 /* nothing was executed: a signal waits for the next step */
	MOVED_END,
};

struct machine;
struct machine_ops {
	void (*deinit)(struct machine *machine);
	void (*regs)(struct machine *machine, uint64_t regs[REGS_MAX]);
	enum moved (*step)(struct machine *machine);
	/* Runs until the program stands at address with this stack pointer (0: any), something else happens, or it ends. */
	enum moved (*run_to)(struct machine *machine, uint64_t address, uint64_t sp);
	bool (*read)(struct machine *machine, uint64_t address, void *buffer, size_t size);
	/* Adds every mapping, in order of addresses. */
	void (*list)(struct machine *machine);
};

struct machine {
	const struct machine_ops *ops;
	const struct target *target;
	void *self;                   /* the executor's own */
	struct range *ranges;         /* sorted */
	size_t num_ranges, last;      /* last: where the last address was found */
	uint64_t generation;          /* changes with ranges */
	bool is_stale;                /* the program may have changed its mappings since */
	int signal;                   /* to be delivered by the next step; 0: none */
	int pid;
	bool has_ended;
	int status;                   /* of wait(), once it ended */
};

/* Start a program with fixed addresses and an empty environment. from_entry: the dynamic linker has run, and the program stands at its own first
 * instruction; else at the very first of all. 0, or -1 with errno: EPERM or ENOSYS where this is not possible at all. */
int machine_start_ptrace(struct machine *machine, char *const *arguments, bool from_entry);
/* root: where files of the emulated system are looked for first; NULL: only as they are named. */
int machine_start_emulator(struct machine *machine, char *const *arguments, bool from_entry, const char *root);
void machine_deinit(struct machine *machine);

/* Reads the mappings again if they may have changed. */
void machine_refresh(struct machine *machine);
/* For ops->list; path is copied. */
void machine_add_range(struct machine *machine, struct range range, const char *path);
/* NULL: nothing is mapped there. Valid until the next refresh. */
const struct range *machine_range(struct machine *machine, uint64_t address);
bool machine_read(struct machine *machine, uint64_t address, void *buffer, size_t size);
/* Bytes of code at address, at least 1 and at most 16; 0: not executable. Borrowed until the next refresh. */
size_t machine_code(struct machine *machine, uint64_t address, const uint8_t **ret_bytes);

#endif
