/* SPDX-License-Identifier: MIT */
/*
 * Walkback, walking: a sample (a stopped thread) becomes frames, innermost first, and a stop that says why there are no more.
 * Bad data met on the way is a stop, not an error.
 */
#ifndef WALKBACK_UNWIND_H
#define WALKBACK_UNWIND_H

#include <walkback/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Samples -------------------------------------------------------------------------------------------------- */

struct wb_reg {
	uint32_t number;              /* DWARF number of the architecture, or WB_REG_PC */
	uint32_t reserved;            /* 0 */
	uint64_t value;
};

enum wb_pc_kind {
	WB_PC_EXACT = 0,              /* the instruction about to run (or faulting) */
	WB_PC_RETURN = 1,             /* a return address: the call is before it */
};

/* A register set. Registers that are not listed are unknown; unknown is never zero. The first one of a sample, where it has no pc, belongs to the place where
 * recorded user frames begin: the link register there tells the caller of a leaf function, which chains of frame records leave out. */
struct wb_context {
	const struct wb_reg *regs;
	size_t num_regs;
	uint32_t pc_kind;             /* enum wb_pc_kind of its pc */
	uint32_t reserved;            /* 0 */
};

struct wb_region {
	uint64_t address;
	const void *bytes;            /* borrowed for the walk */
	size_t size;                  /* bytes */
};

/* A frame that the capturing side recorded itself. */
enum wb_given_kind {
	WB_GIVEN_KERNEL = 1,          /* kernel callchain entry */
	WB_GIVEN_USER = 2,            /* user callchain entry */
	WB_GIVEN_BRANCH = 3,          /* from last-branch records */
	WB_GIVEN_GUEST = 4,
	WB_GIVEN_HYPERVISOR = 5,
};
struct wb_given {
	uint64_t address;             /* pc */
	uint8_t kind;                 /* enum wb_given_kind */
	uint8_t pc_kind;              /* enum wb_pc_kind */
	uint8_t reserved[6];          /* 0 */
};

struct wb_label { const char *key, *value; };
struct wb_goroutine;

/* A stopped thread. Everything is optional but one context or one given frame. A plain struct of the caller's, borrowed for
 * the call. Zero it before filling, and set size. */
struct wb_sample {
	size_t size;
	const struct wb_context *contexts; /* [0] innermost; the rest: continuations on other stacks */
	size_t num_contexts;
	const struct wb_region *regions;   /* sorted by address, disjoint; they shadow the space's memory */
	size_t num_regions;
	const struct wb_given *given;      /* kernel part innermost first, then the recorded user part if there is no context */
	size_t num_given;
	uint32_t pid, tid, event;          /* event: index in the capture */
	uint32_t cpu;                      /* UINT32_MAX if unknown */
	uint64_t time_ns, weight;
	const char *comm;                  /* "" or NULL if unknown */
	const struct wb_label *labels;
	size_t num_labels;
	uint64_t flags;                    /* enum wb_sample_flags */
	const struct wb_goroutine *goroutine; /* whose stack it is; NULL: unknown, or none's */
};

enum wb_sample_flags {
	WB_SAMPLE_GIVEN_PARTIAL = 1,       /* the given user frames are cut (deferred part lost, LBR depth) */
	WB_SAMPLE_KERNEL_THREAD = 2,       /* the thread has no user part: its given kernel frames are all there is */
	WB_SAMPLE_CRASHED = 4,             /* the thread whose fault ended the process, or that asked for the dump */
	WB_SAMPLE_UNNAMED = 8,             /* comm is the program's name: that of the thread is unknown */
};

/* ---- Frames and stops ------------------------------------------------------------------------------------------- */

/* How a frame was found, that is: by what the step from its callee was made. Values are fixed. */
enum wb_how {
	WB_HOW_CONTEXT = 0,           /* from the sample's registers */
	WB_HOW_CFI = 1,               /* .eh_frame or .debug_frame */
	WB_HOW_COMPACT = 2,           /* Apple's __unwind_info */
	WB_HOW_GO = 3,                /* Go's pclntab */
	WB_HOW_FRAME_POINTER = 4,     /* validated frame pointer chain */
	WB_HOW_LEAF = 5,              /* no frame yet, or no more: return address at its ABI place */
	WB_HOW_CODE = 6,              /* decoded from the function's instructions */
	WB_HOW_SCAN = 7,              /* a word on the stack that looks like a return address: a guess */
	WB_HOW_BREAKPAD = 8,
	WB_HOW_GIVEN = 9,             /* recorded by the capturing side */
	WB_HOW_WINDOWS = 10,
	WB_HOW_SFRAME = 11,
	WB_HOW_EHABI = 12,            /* .ARM.exidx of 32-bit Arm */
};
/* "cfi", "frame-pointer", ...; static storage. */
WB_API const char *wb_how_text(enum wb_how how);

enum wb_frame_flags {
	WB_FRAME_EXACT = 1,           /* pc is the instruction itself, lookup_pc == pc */
	WB_FRAME_SIGNAL = 2,          /* a signal trampoline's frame: its caller was interrupted, not calling */
	WB_FRAME_JOINT = 4,           /* first frame on another stack */
	WB_FRAME_KERNEL = 8,
	WB_FRAME_HAS_CFA = 16,
	WB_FRAME_HAS_IMAGE = 32,      /* image_id and image_pc are valid */
	WB_FRAME_SP_DERIVED = 64,     /* the stack pointer was concluded, not proven */
};

struct wb_frame {
	uint64_t pc;                  /* as found: instruction or return address */
	uint64_t lookup_pc;           /* where to look things up: inside the instruction that is executing or calling */
	uint64_t cfa;                 /* canonical frame address (DWARF 5, 6.4); valid with WB_FRAME_HAS_CFA */
	uint64_t sp;                  /* stack pointer in this frame; 0 if unknown */
	uint64_t image_id;            /* 0 if no image is known there */
	uint64_t image_pc;            /* lookup_pc as the file's virtual address (from where it was loaded, if that is all that is known); only with
	                               * WB_FRAME_HAS_IMAGE */
	uint16_t how;                 /* enum wb_how */
	uint16_t flags;               /* enum wb_frame_flags */
	uint32_t context;             /* index of the sample's context that it stems from */
};

/* Why a walk ended. Values are fixed. Only WB_STOP_ROOT is complete. */
enum wb_stop_reason {
	WB_STOP_ROOT = 0,             /* the outermost frame was reached; root_by says how that is known */
	WB_STOP_MEMORY = 1,           /* bytes at address are not in the capture: cut */
	WB_STOP_NO_IMAGE = 2,         /* mapped at address, but the file is not had */
	WB_STOP_UNMAPPED = 3,         /* nothing is mapped at address */
	WB_STOP_NO_INFO = 4,          /* the image has no unwind information for address, and no other strategy held */
	WB_STOP_BAD_INFO = 5,         /* the unwind information for address is broken, or needs a register that is unknown */
	WB_STOP_NO_PROGRESS = 6,      /* the step would not move up the stack */
	WB_STOP_LIMIT = 7,            /* the caller's capacity or the walker's limit of frames */
	WB_STOP_JOINT = 8,            /* the walk goes on on another stack that was not captured */
	WB_STOP_GIVEN = 9,            /* recorded frames ended; the capture does not tell whether they are complete */
	WB_STOP_EMPTY = 10,           /* nothing to walk: no registers, no recorded frames */
};
WB_API const char *wb_stop_text(enum wb_stop_reason reason);

enum wb_root_by {
	WB_ROOT_NOT = 0,
	WB_ROOT_RA_UNDEFINED = 1,     /* unwind information says: no caller */
	WB_ROOT_GO_TOP_FRAME = 2,
	WB_ROOT_FP_ZERO = 3,          /* the ABI's terminator: frame pointer chain ends in 0 */
	WB_ROOT_PC_ZERO = 4,          /* the ABI's terminator: return address 0 */
	WB_ROOT_KERNEL = 5,           /* a kernel thread: there is no user part */
	WB_ROOT_ENTRY = 6,            /* the function that the program is entered at, where nothing else says how to leave it */
};
WB_API const char *wb_root_by_text(enum wb_root_by by);

struct wb_stop {
	enum wb_stop_reason reason;
	enum wb_root_by root_by;
	uint64_t address;             /* the address that failed; 0 for root */
	uint64_t image_id;            /* image that it concerns; 0 if none */
	enum wb_how how;              /* strategy whose row failed; WB_HOW_CONTEXT if none applied */
	uint32_t reserved;
};

/* ---- Walkers ------------------------------------------------------------------------------------------------------ */

struct wb_walker;

struct wb_walker_opts {
	size_t size;
	const enum wb_how *strategies;  /* in order; NULL: auto (go, compact, cfi, windows, breakpad, code, ehabi, leaf, frame-pointer) */
	size_t num_strategies;
	uint32_t max_frames;            /* 0: 65536, which also bounds the walker's memory (8 bytes a frame) */
	uint32_t row_cache_entries;     /* 64 bytes each; rounded up to a power of two, at most 2^24; 0: 65536 */
	uint32_t max_scan_words;        /* how far a scan looks; 0: 512. Scanning happens only with WB_HOW_SCAN in strategies. */
};
/* opts may be NULL. The walker holds the session. One thread at a time. */
WB_API enum wb_err wb_walker_new(struct wb_session *session, const struct wb_walker_opts *opts, struct wb_walker **ret_walker);
WB_API void wb_walker_free(struct wb_walker *walker);
/* Forgets cached rows (they are valid for ever; only for measuring). */
WB_API void wb_walker_drop_rows(struct wb_walker *walker);

/* The whole walk of a sample in one call. frame_size is sizeof(struct wb_frame) as the caller compiled it. At most cap frames are
 * written; *ret_count says how many; if the walk could go on, *ret_stop is WB_STOP_LIMIT. Given kernel frames come first. */
WB_API enum wb_err wb_walk(struct wb_walker *walker, struct wb_space *space, const struct wb_sample *sample, struct wb_frame *frames,
                           size_t frame_size, size_t cap, size_t *ret_count, struct wb_stop *ret_stop);
/* A sample, and the version of the address space that it was taken in. */
struct wb_walk_item { struct wb_space *space; const struct wb_sample *sample; };
/* Called for each sample with what wb_walk gives: frames are frame_size apart and borrowed for the call. Anything but WB_OK ends the run and is
 * returned. It may use the walker. */
typedef enum wb_err (*wb_walked_fn)(void *arg, size_t index, const struct wb_frame *frames, size_t count, const struct wb_stop *stop);
/* Many samples, in order, each into the same frames: where they lie cold in memory, up to 1.8 times as fast as one call for each, because that of
 * the next ones is on its way while one is walked. Items and what they point to are borrowed for the call. The first error ends the run and is returned. */
WB_API enum wb_err wb_walk_many(struct wb_walker *walker, const struct wb_walk_item *items, size_t num_items, struct wb_frame *frames,
                                size_t frame_size, size_t cap, wb_walked_fn fn, void *arg);
/* The same from one register set and one piece of stack: no nested pointers, for bindings. */
WB_API enum wb_err wb_walk_stack(struct wb_walker *walker, struct wb_space *space, const struct wb_reg *regs, size_t num_regs,
                                 uint64_t stack_address, const void *stack, size_t stack_size, struct wb_frame *frames,
                                 size_t frame_size, size_t cap, size_t *ret_count, struct wb_stop *ret_stop);

/* Step by step. Everything that _begin is given is borrowed until the next _begin or the walker is freed. */
WB_API enum wb_err wb_walker_begin(struct wb_walker *walker, struct wb_space *space, const struct wb_sample *sample);
/* WB_OK: *ret_frame is the next frame; WB_NONE: no more, see wb_walker_stop. */
WB_API enum wb_err wb_walker_next(struct wb_walker *walker, struct wb_frame *ret_frame, size_t frame_size);
WB_API enum wb_err wb_walker_stop(struct wb_walker *walker, struct wb_stop *ret_stop);

enum wb_reg_state { WB_REG_UNKNOWN = 0, WB_REG_KNOWN = 1, WB_REG_DERIVED = 2 };
/* A register in the frame that wb_walker_next gave last. *ret_value is written only if the state is not unknown. */
WB_API enum wb_err wb_walker_reg(struct wb_walker *walker, uint32_t number, enum wb_reg_state *ret_state, uint64_t *ret_value);

/* ---- Goroutines ----------------------------------------------------------------------------------------------------- */

/* What Go's runtime says of a goroutine (runtime/runtime2.go). Values are the runtime's own and fixed. */
enum wb_goroutine_status {
	WB_GOROUTINE_IDLE = 0,        /* just made */
	WB_GOROUTINE_RUNNABLE = 1,
	WB_GOROUTINE_RUNNING = 2,
	WB_GOROUTINE_SYSCALL = 3,
	WB_GOROUTINE_WAITING = 4,
	WB_GOROUTINE_DEAD = 6,        /* never listed */
	WB_GOROUTINE_COPYSTACK = 8,
	WB_GOROUTINE_PREEMPTED = 9,
	WB_GOROUTINE_LEAKED = 10,
	WB_GOROUTINE_DEAD_EXTRA = 11, /* for threads of C that call Go: never listed */
};
enum wb_goroutine_flags {
	WB_GOROUTINE_SYSTEM = 1,      /* no goroutine, but the stack that a thread of the runtime itself runs on (g0), while it runs none */
	WB_GOROUTINE_ON_THREAD = 2,   /* its thread runs it (or runs for it): registers are the thread's, and `context` is where its own stack goes on */
	WB_GOROUTINE_LOCKED = 4,      /* locked to a thread */
	WB_GOROUTINE_SCAN = 8,        /* its stack was being scanned */
};
struct wb_goroutine {
	size_t size;                  /* of this struct, set by the library */
	uint64_t id;                  /* 0: WB_GOROUTINE_SYSTEM */
	uint64_t address;             /* of the runtime's g */
	uint64_t thread_address;      /* of the runtime's m that it is on; 0: on none */
	uint64_t thread_id;           /* that m's number */
	uint32_t tid;                 /* that m's thread; 0: unknown, or on none */
	uint32_t status;              /* enum wb_goroutine_status */
	uint32_t flags;               /* enum wb_goroutine_flags */
	uint32_t reserved;            /* 0 */
	const char *state;            /* what it does in the runtime's words: "running", "chan receive", "select (no cases)" */
	uint64_t waiting_since_ns;    /* by the system's monotonic clock; 0: unknown, or not waiting */
	uint64_t stack_start, stack_end; /* addresses; both 0: unknown */
	uint64_t created_at;          /* address behind the go statement; 0: unknown */
	uint64_t created_by;          /* id of the goroutine that it is in (told since Go 1.21); 0: unknown */
	uint64_t start;               /* address of the function that it began with; 0: unknown */
	const struct wb_label *labels; /* of profiles (runtime/pprof.Do) */
	size_t num_labels;
	struct wb_context context;    /* where its own stack goes on; num_regs 0: unknown */
};

struct wb_goroutines;
/* All goroutines of a process whose memory the space has: an ELF core's, or what a caller gave. Looks at each image that is mapped for Go's tables, so
 * it opens them. Borrows the space. WB_NONE: no Go runtime is there, or its data are not; WB_ERR_DATA: they are unsound (the diagnostic says how). */
WB_API enum wb_err wb_goroutines_new(struct wb_space *space, struct wb_goroutines **ret_goroutines);
WB_API void wb_goroutines_free(struct wb_goroutines *goroutines);
/* How many are alive, in the runtime's own order; behind them the system stacks of threads that run none. */
WB_API size_t wb_goroutines_count(const struct wb_goroutines *goroutines);
/* The nth of them; all that it points to is borrowed until the next call. goroutine->size is the caller's. WB_NONE: past the last, or not in memory. */
WB_API enum wb_err wb_goroutines_get(struct wb_goroutines *goroutines, size_t nth, struct wb_goroutine *goroutine);

/* ---- Rows, for tools ------------------------------------------------------------------------------------------------ */

enum wb_rule_kind {
	WB_RULE_UNSPECIFIED = 0,      /* nothing said: the ABI decides (callee-saved keep their value) */
	WB_RULE_UNDEFINED = 1,
	WB_RULE_SAME = 2,
	WB_RULE_OFFSET = 3,           /* saved at CFA + offset; for the CFA: reg + offset */
	WB_RULE_VAL_OFFSET = 4,       /* is CFA + offset */
	WB_RULE_REGISTER = 5,         /* is in register reg (+ offset) */
	WB_RULE_EXPRESSION = 6,       /* saved at the address that the expression gives; for the CFA: its value */
	WB_RULE_VAL_EXPRESSION = 7,   /* is what the expression gives */
	WB_RULE_DEREF = 8,            /* saved at reg + offset; for the CFA: the word there, + offset2 */
	WB_RULE_CONSTANT = 9,
};
struct wb_rule {
	enum wb_rule_kind kind;
	uint32_t reg;                 /* DWARF number (or WB_REG_PC): which register this rule is for, in a row's list */
	uint32_t base;                /* DWARF number of the register it counts from (REGISTER, CFA OFFSET, DEREF) */
	int64_t offset, offset2;
	const uint8_t *expression;    /* DWARF 5, 2.5; borrowed as long as the image */
	size_t expression_size;
};
enum { WB_ROW_RULES_MAX = 128 };
struct wb_row_info {
	size_t size;
	uint64_t start, end;          /* image pcs for which the row holds */
	enum wb_how how;
	const char *section;          /* ".eh_frame", ".debug_frame", "__unwind_info", ".gopclntab", "" */
	uint64_t section_offset;      /* of the FDE or entry */
	uint8_t signal_frame;
	struct wb_rule cfa;
	struct wb_rule rules[WB_ROW_RULES_MAX]; /* by register; the return address is the one of WB_REG_PC */
	size_t num_rules;
};
/* The row that one strategy has for an image address. WB_NONE: not mine; WB_ERR_DATA: mine and broken. info->size is the caller's. */
WB_API enum wb_err wb_row_info(struct wb_session *session, struct wb_image *image, uint64_t image_pc, enum wb_how how,
                               struct wb_row_info *info);
/* An expression as text ("breg7+160; deref"), always terminated. Returns the length it would need. */
WB_API size_t wb_expression_format(enum wb_arch arch, const uint8_t *expression, size_t expression_size, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
#endif
