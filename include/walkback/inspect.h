/* SPDX-License-Identifier: MIT */
/*
 * Walkback, looking closer: which variables a frame has, what each word of a stack is, where strategies disagree about a sample, and which functions of an
 * image break the walks of others. For tools and for people who look for a bug; a walk needs none of it.
 */
#ifndef WALKBACK_INSPECT_H
#define WALKBACK_INSPECT_H

#include <walkback/base.h>
#include <walkback/unwind.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Variables ----------------------------------------------------------------------------------------------------- */

struct wb_symbolizer;

enum wb_variable_kind {
	WB_VARIABLE_ARGUMENT = 1,
	WB_VARIABLE_RESULT = 2,       /* of Go, whose functions have places for results as for arguments */
	WB_VARIABLE_LOCAL = 3,        /* of the function, or of a block of it */
};
/* A variable that debug information knows at a pc, and where it says that it is. */
struct wb_variable {
	size_t size;                  /* of this struct, set by the library */
	enum wb_variable_kind kind;
	uint32_t call_depth;          /* 0: of the frame's function; else of a call inlined there, as struct wb_site counts them */
	const char *name;             /* NULL: it has none */
	const char *function;         /* that it is of, as the symbolizer shows names; NULL if unknown */
	uint64_t bytes;               /* of the variable; 0: unknown, or not fixed */
	const uint8_t *location;      /* a location description (DWARF 5, 2.6.1) that holds at the pc */
	size_t location_size;
	const uint8_t *frame_base;    /* what DW_OP_fbreg counts from, likewise; NULL: nothing */
	size_t frame_base_size;
};
/* The variable is borrowed for the call, in which the symbolizer must not be used. Anything but WB_OK ends the run and is returned. */
typedef enum wb_err (*wb_variable_fn)(void *arg, const struct wb_variable *variable);
/* The arguments and variables that are in scope where a frame of a walk is, and have a place there: of its function and of calls inlined there. Out of
 * DWARF, in the order that it has them in. WB_NONE: it says nothing of that function; WB_ERR_DATA: it is damaged there; WB_ERR_LIMIT: there are more than
 * 4096, or what says where they are is too long. */
WB_API enum wb_err wb_variables_at(struct wb_symbolizer *symbolizer, const struct wb_frame *frame, wb_variable_fn fn, void *arg);

/* ---- Stacks, word by word ------------------------------------------------------------------------------------------ */

enum wb_word_kind {
	WB_WORD_UNKNOWN = 0,
	WB_WORD_RETURN = 1,           /* where the walk found the pc of frame + 1 */
	WB_WORD_SAVED = 2,            /* where frame saved its caller's register reg */
	WB_WORD_CODE = 3,             /* an address in code that no frame of the walk has: left over, or a function pointer */
	WB_WORD_STACK = 4,            /* an address of this stack */
};
enum wb_word_flags {
	WB_WORD_AT_SP = 1,            /* SP of the first frame of a context or of another stack points here */
	WB_WORD_AT_FP = 2,            /* so does the frame pointer */
	WB_WORD_AT_CFA = 4,           /* the CFA of cfa_frame: its caller's part begins */
	WB_WORD_JOINT = 8,            /* RETURN: the caller is on another stack */
	WB_WORD_SUSPICIOUS = 16,      /* SAVED: a frame pointer that leads nowhere, in code that keeps frame pointers */
	WB_WORD_ABSENT = 32,          /* not captured: value says nothing */
	WB_WORD_AFTER_CALL = 64,      /* CODE: what calls return to */
	WB_WORD_IS_FP = 128,          /* SAVED: reg is the frame pointer */
	WB_WORD_VARIABLE = 256,       /* some of its bytes are a variable's: see parts */
};
struct wb_word {
	uint64_t address, value;
	uint16_t kind;                /* enum wb_word_kind */
	uint16_t flags;               /* enum wb_word_flags */
	uint32_t frame;               /* index of the frame that tells what it is, or in whose part of the stack it is; UINT32_MAX: none */
	uint32_t cfa_frame;           /* AT_CFA */
	uint32_t reg;                 /* SAVED: DWARF number */
	uint32_t stack;               /* which stack it is on: 0, 1, ... */
};
/* A variable, or a part of one, on a stack: in its own place, or in the word that a called function saved its register in. */
struct wb_variable_part {
	uint64_t address;             /* of its first byte */
	uint64_t bytes;               /* of this part, not 0 */
	uint64_t offset;              /* of this part in the variable */
	uint64_t variable_bytes;      /* of the whole variable; 0: unknown, and the part is taken to be a word */
	uint32_t frame;               /* index of the frame whose variable it is */
	uint32_t call_depth;          /* as struct wb_variable has it, and so are the next */
	uint8_t kind;                 /* enum wb_variable_kind */
	const char *name;             /* never NULL */
	const char *function;         /* NULL if unknown */
};
/* Who knows variables: calls fn for each that is in scope at a frame, as wb_variables_at does with a symbolizer. */
typedef enum wb_err (*wb_variables_fn)(void *arg, const struct wb_frame *frame, wb_variable_fn fn, void *fn_arg);
struct wb_annotate_opts {
	size_t size;
	const struct wb_walker_opts *walker; /* NULL: defaults */
	uint32_t max_frames;          /* 0: 1024 */
	uint32_t max_words;           /* on all stacks; 0: 65536 */
	uint32_t words_beyond;        /* behind the last frame's CFA; 0: 16 */
	uint32_t reserved;            /* 0 */
	wb_variables_fn variables;    /* NULL: no variables. WB_ERR_MEMORY and WB_ERR_CANCELLED from it end the call, other errors leave out the frame's */
	void *variables_arg;
};
/* A sample's stacks with what is known of each word; all of it lives until it is freed. */
struct wb_annotation {
	size_t size;                  /* of this struct, set by the library */
	uint32_t word_size;           /* bytes: 4 or 8 */
	const struct wb_word *words;  /* by stack, then by address */
	size_t num_words;
	const struct wb_frame *frames; /* the walk */
	size_t num_frames;
	struct wb_stop stop;
	const struct wb_variable_part *parts; /* by address; those that are on one of the stacks; they can overlap */
	size_t num_parts;
};
/* opts may be NULL. Gives *ret_annotation, to be freed. WB_NONE: the sample has no registers. */
WB_API enum wb_err wb_annotate(struct wb_session *session, struct wb_space *space, const struct wb_sample *sample,
                               const struct wb_annotate_opts *opts, struct wb_annotation **ret_annotation);
WB_API void wb_annotation_free(struct wb_annotation *annotation);

/* ---- Strategies side by side --------------------------------------------------------------------------------------- */

/* What one strategy alone says of a frame's caller. */
struct wb_step {
	size_t size;
	uint8_t is_root;              /* there is no caller: cfa and pc say nothing */
	uint8_t is_guess;             /* the strategy holds for any code, right or wrong: a walk would check it first */
	uint8_t has_cfa, has_fp;
	uint64_t cfa;                 /* of the frame itself */
	uint64_t pc;                  /* the caller's; without the bits of a signature */
	uint64_t fp;                  /* the caller's frame pointer */
};
/* Asks one strategy, in the walker's order or not, about the frame that wb_walker_next gave last; the walk stays where it is. step->size is the
 * caller's. WB_NONE: it has no row there. WB_ERR_DATA: it has, but that is broken, or needs a register that is unknown or memory that was not captured.
 * WB_ERR_UNSUPPORTED: there is no such strategy. */
WB_API enum wb_err wb_walker_step_by(struct wb_walker *walker, enum wb_how how, struct wb_step *ret_step);

/* Many samples, walked by every strategy: where they disagree, and where chains of frame pointers break. One thread at a time. */
struct wb_comparison;
enum wb_dissent_kind {
	WB_DISSENT_CALLER = 1,        /* another strategy has another caller than the walk */
	WB_DISSENT_BROKEN = 2,        /* another strategy's row is broken, or needs what is unknown or absent */
	WB_DISSENT_CHAIN = 3,         /* code that keeps frame pointers has one that leads nowhere: something it called clobbered it */
};
struct wb_dissent {
	size_t size;
	enum wb_dissent_kind kind;
	enum wb_how taken, other;     /* by what the walk went on, and who disagrees (CHAIN: frame pointer) */
	uint64_t image_id;            /* where, as in struct wb_frame: 0 and an address if no image is known */
	uint64_t image_pc;
	uint64_t count;               /* frames */
	uint64_t sample;              /* number of the first sample, from 0 */
	uint64_t pc, other_pc;        /* in that one: the caller by the walk, and by the other (CALLER); 0: no caller */
	uint64_t value;               /* CHAIN: the bad frame pointer */
};
struct wb_comparison_totals {
	size_t size;
	uint64_t samples, frames;     /* frames: steps that were compared */
	uint64_t taken[16];           /* by enum wb_how: steps that the walk made by it */
	uint64_t agreed[16], dissented[16], broken[16]; /* and where it was not the one: how often it said the same, another, or was broken */
	uint64_t chains;              /* samples whose chain of frame pointers breaks */
};
WB_API enum wb_err wb_comparison_new(struct wb_session *session, struct wb_comparison **ret_comparison);
WB_API void wb_comparison_free(struct wb_comparison *comparison);
WB_API enum wb_err wb_comparison_add(struct wb_comparison *comparison, struct wb_space *space, const struct wb_sample *sample);
/* The nth, most frequent first; WB_NONE past the end. 65536 places are kept. dissent->size is the caller's. */
WB_API enum wb_err wb_comparison_nth(struct wb_comparison *comparison, size_t nth, struct wb_dissent *ret_dissent);
/* totals->size is the caller's. */
WB_API enum wb_err wb_comparison_totals(const struct wb_comparison *comparison, struct wb_comparison_totals *ret_totals);

/* ---- Images: functions that break other functions' walks ---------------------------------------------------------- */

/* What is wrong with a function. Values are fixed. */
enum wb_finding_kind {
	WB_FINDING_FP_CLOBBERED = 1,  /* returns with another frame pointer than it was called with; at: an instruction that writes it, unsaved */
	WB_FINDING_FP_SLOT = 2,       /* Go, where calls leave the return address in a register: stores over the word below SP, which is its caller's
	                               * saved frame pointer */
	WB_FINDING_TABLE = 3,         /* its unwind information says another CFA than its instructions; at: the first one */
	WB_FINDING_VALUE = 4,         /* of wb_find_value alone: puts the value into a register */
};
struct wb_finding {
	size_t size;                  /* of this struct, set by the library */
	enum wb_finding_kind kind;
	uint64_t start, end;          /* of the function, image pcs */
	uint64_t at;                  /* of the instruction, image pc */
	uint32_t reg;                 /* FP_SLOT: the register stored, VALUE: set; DWARF number */
	uint8_t has_value;            /* FP_CLOBBERED, VALUE: value is what is written, as far as the instructions before it in the file tell */
	uint64_t value;
	int64_t told, done;           /* TABLE: the CFA's distance from SP by the unwind information, and by the instructions; bytes */
};
/* Borrowed for the call. Anything but WB_OK ends the run and is returned. */
typedef enum wb_err (*wb_finding_fn)(void *arg, const struct wb_finding *finding);
/* Goes through an image's functions by their instructions, in the order of addresses. Functions are those of Go's tables, of symbols and of call frame
 * information; one of more than 64 KiB is looked at as far as that. Functions of Go's runtime whose job is to switch stacks are left out.
 * WB_ERR_UNSUPPORTED: its architecture's instructions are not read here. */
WB_API enum wb_err wb_audit_image(struct wb_session *session, struct wb_image *image, wb_finding_fn fn, void *arg);
/* The instructions that put a value into a general register, in one step or in parts. As wb_audit_image. */
WB_API enum wb_err wb_find_value(struct wb_session *session, struct wb_image *image, uint64_t value, wb_finding_fn fn, void *arg);

/* A call, or a jump to another function, to an address that the instruction names. Image pcs. */
struct wb_code_call {
	size_t size;                  /* of this struct, set by the library */
	uint64_t start, end;          /* of the calling function */
	uint64_t at;                  /* of the instruction */
	uint64_t next;                /* the one behind it: what it returns to */
	uint64_t target;
	uint8_t is_jump;
};
typedef enum wb_err (*wb_code_call_fn)(void *arg, const struct wb_code_call *call);
/* Those of the function that holds image_pc; of all functions for UINT64_MAX. As wb_audit_image. */
WB_API enum wb_err wb_list_calls(struct wb_session *session, struct wb_image *image, uint64_t image_pc, wb_code_call_fn fn, void *arg);

#ifdef __cplusplus
}
#endif
#endif
