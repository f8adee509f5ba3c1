/* SPDX-License-Identifier: MIT */
/*
 * An emulated process: a processor (libunicorn), memory in areas, files and signals. A loader puts an image into it (load_<format>.c), and an operating
 * system answers its system calls (linux.c).
 *
 * To add an image format: a load_<name>.c, a line in loaders of machine_emulator.c. To add an architecture: see target.h.
 */
#ifndef TRUTH_EMULATOR_H
#define TRUTH_EMULATOR_H

#include <unicorn/unicorn.h>

#include "machine.h"

enum {
	EMULATOR_PAGE = 4096,
	EMULATOR_FILES = 32,
	EMULATOR_SIGNALS = 65,
};

/* What is mapped, as /proc/PID/maps would say. */
struct area {
	uint64_t start, end, file_offset;
	unsigned prot;                /* as enum wb_prot */
	char *path;
};

struct action { uint64_t handler, flags, restorer, mask; };

struct emulator {
	struct machine *machine;
	uc_engine *uc;
	const struct processor *processor;
	const struct linux_abi *linux_abi;
	const char *root;             /* where files of the emulated system are; NULL: as they are named */
	char *program;                /* path of this system */

	struct area *areas;           /* sorted, disjoint */
	size_t num_areas;
	uint64_t brk_start, brk, next_map;

	int files[EMULATOR_FILES];    /* of this system, by number; -1: not open */
	char *paths[EMULATOR_FILES];
	struct action actions[EMULATOR_SIGNALS];
	uint64_t blocked, pending;    /* signals, from bit 0 */
	uint64_t alternate, alternate_size; /* stack */

	bool wants_system;            /* a system call is to be done */
	bool has_faulted;
};

/* What a loader tells. */
struct loaded {
	uint64_t start;               /* first instruction: the interpreter's, if there is one */
	uint64_t entry;               /* the program's own */
	uint64_t base;                /* of the interpreter; 0: none */
	uint64_t headers;             /* address of the program headers */
	uint16_t num_headers;
};

struct loader {
	/* Whose image these first bytes are; WB_ARCH_UNKNOWN: not of this format. */
	enum wb_arch (*probe)(const uint8_t *bytes, size_t size);
	/* False: a message was printed. */
	bool (*load)(struct emulator *emulator, const char *path, struct loaded *ret);
	/* Lays out the initial stack and registers. */
	bool (*begin)(struct emulator *emulator, const struct loaded *loaded, char *const *arguments);
};
extern const struct loader loader_elf, loader_macho;

/* machine_emulator.c */
uint64_t emulator_reg(struct emulator *emulator, uint8_t index);
void emulator_set_reg(struct emulator *emulator, uint8_t index, uint64_t value);
void emulator_end(struct emulator *emulator, int status);
/* "/lib/x" as a file of this system; borrowed until the next call. */
const char *emulator_path(const struct emulator *emulator, const char *path);

/* emulator_memory.c: ranges are of whole pages; what was there before is gone. False: no memory. */
bool emulator_map(struct emulator *emulator, uint64_t start, uint64_t size, unsigned prot, const char *path, uint64_t file_offset);
void emulator_unmap(struct emulator *emulator, uint64_t start, uint64_t size);
void emulator_protect(struct emulator *emulator, uint64_t start, uint64_t size, unsigned prot);
/* Where `size` bytes are free. */
uint64_t emulator_find_free(struct emulator *emulator, uint64_t size);
bool emulator_read(struct emulator *emulator, uint64_t address, void *buffer, size_t size);
bool emulator_write(struct emulator *emulator, uint64_t address, const void *buffer, size_t size);
/* At most size - 1 characters. */
bool emulator_string(struct emulator *emulator, uint64_t address, char *buffer, size_t size);
void emulator_drop_areas(struct emulator *emulator);

static inline uint64_t emulator_page_down(uint64_t address) { return address & ~(uint64_t)(EMULATOR_PAGE - 1); }
static inline uint64_t emulator_page_up(uint64_t address) { return emulator_page_down(address + EMULATOR_PAGE - 1); }

#endif
