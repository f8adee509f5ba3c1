/* SPDX-License-Identifier: MIT */
/*
 * The data of Go's runtime in a process's memory: where its list of goroutines is, and where in the structs g and m things are, which changes from
 * release to release (runtime/runtime2.go). All of it is the process's word: each value is checked before it is followed, each list has an end.
 */
#ifndef UNWIND_GO_THREADS_H
#define UNWIND_GO_THREADS_H

#include <walkback/unwind.h>

#include "model/pclntab.h"
#include "model/space.h"

enum {
	WB_GO_LIST_MAX = 1 << 22,     /* goroutines: their stacks alone would take 8 GiB */
	WB_GO_THREADS_MAX = 1 << 14,  /* structs m: the runtime itself stops at 10,000, unless told otherwise */
	WB_GO_G_SIZE = 512,           /* bytes of g that are read: what is needed ends before */
};

/* Where the members of g and m are: bytes from their start, after the words that no release has moved. */
struct wb_go_layout {
	uint8_t first, last;          /* Go 1.first to 1.last */
	uint8_t buf_words;            /* of struct gobuf, whose last two are lr and bp */
	uint8_t has_syscall_bp;       /* behind syscallsp and syscallpc, which follow gobuf */
	uint16_t status, id, wait_since, wait_reason, locked;
	uint16_t parent;              /* 0: not told */
	uint16_t created_at, start, labels;
	uint16_t procid, current, number, next; /* of m. Patches of a release have moved `next` (1.23, 1.24): it is where it was, or the first after `number` */
	uint16_t vdso_sp;             /* bytes from `next` */
};
/* Words of g that have not moved: stack.lo, stack.hi, m; and gobuf, with its own words. */
enum { WB_GO_G_LOW = 0, WB_GO_G_HIGH = 1, WB_GO_G_M = 6, WB_GO_G_BUF = 7, WB_GO_BUF_SP = 0, WB_GO_BUF_PC = 1, WB_GO_BUF_G = 2 };

/* The nth layout of a word size; NULL past the last. */
const struct wb_go_layout *wb_go_layout(unsigned word_size, size_t nth);

/* The process's memory. */
struct wb_go_memory {
	struct wb_space *space;
	uint8_t word_size;
	bool big_endian;
};
/* False: absent. */
bool wb_go_read_word(const struct wb_go_memory *memory, uint64_t address, uint64_t *ret_word);
uint64_t wb_go_load_word(const struct wb_go_memory *memory, const void *bytes);

struct wb_go_runtime {
	struct wb_go_memory memory;
	const struct wb_arch_info *arch;
	struct wb_image *image;       /* borrowed: the space has it */
	const struct wb_pclntab *table; /* lives as long as the image */
	uint64_t bias;                /* address - image pc */
	const struct wb_go_layout *layout;
	uint64_t list, num_listed;    /* allgs: address of its pointers */
	uint64_t threads;             /* address of the newest m, from which all others are reached; 0: unknown */
	uint64_t reasons;             /* address of the array of strings that name wait reasons; 0: unknown */
};

/* Bytes that a program does not write: cores leave them out, then its file has them, which names its functions, too. False: absent. */
bool wb_go_read_constant(const struct wb_go_runtime *runtime, uint64_t address, void *buffer, size_t count);

/* WB_NONE: no Go runtime's data are in the space. WB_ERR_DATA: they are unsound (reported). */
enum wb_err wb_go_runtime_find(struct wb_space *space, struct wb_go_runtime *ret_runtime);

/* Where m.alllink is, as far as an m tells: offset; 0: it does not. */
unsigned wb_go_find_next(const struct wb_go_runtime *runtime, uint64_t thread);

/* Whether a function starts at address, or any is there. */
bool wb_go_is_entry(const struct wb_go_runtime *runtime, uint64_t address);
bool wb_go_is_code(const struct wb_go_runtime *runtime, uint64_t address);

/* Labels of a goroutine, from what g.labels points to. Their texts are put in `text`; those that do not fit are left out. Returns how many. */
size_t wb_go_labels_read(const struct wb_go_runtime *runtime, uint64_t address, struct wb_label *labels, size_t max, char *text, size_t text_size);

#endif
