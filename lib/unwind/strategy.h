/* SPDX-License-Identifier: MIT */
/*
 * Strategies: who finds rows. A strategy has three answers: found, not mine (the next one is asked), mine and broken (the walk ends). Strategies
 * never call each other.
 *
 * To add a strategy: its enumerator in enum wb_how, a file strat_<name>.c with one find function, a line in the table of strategy.c.
 */
#ifndef UNWIND_STRATEGY_H
#define UNWIND_STRATEGY_H

#include "model/memory.h"
#include "model/row.h"
#include "model/space.h"

struct wb_cfi;
struct wb_compact;
struct wb_go_rows;
struct wb_code_memo;

/* What an image has to look into; NULL: none of that kind. */
struct wb_unwind_info {
	struct wb_cfi *cfi;
	struct wb_go_rows *go;        /* NULL: the image is not Go's */
	struct wb_compact *compact;
};
/* image may be NULL. WB_ERR_MEMORY: some may be missing; what is damaged was reported, and is none. */
enum wb_err wb_unwind_info_of_image(struct wb_image *image, struct wb_unwind_info *ret_info);

/* A frame whose row is wanted. */
struct wb_lookup {
	const struct wb_arch_info *arch;
	struct wb_space *space;
	struct wb_view *view;
	const struct wb_map *map;     /* NULL: nothing is mapped at lookup_pc */
	struct wb_image *image;       /* NULL: anonymous, or its file is not had */
	struct wb_unwind_info info;   /* the image's */
	uint64_t pc, lookup_pc;
	uint64_t image_pc;            /* of lookup_pc; valid if image */
	uint64_t sp, fp, link;        /* link: of the register that calls leave the return address in, without its signature */
	bool has_sp, has_fp, has_link;
	bool exact;                   /* pc is the instruction, not a return address */
	enum wb_how how;              /* how this frame itself was found */
	uint32_t max_scan_words;
	uint32_t callee_parameters;   /* bytes that the callee's parameters take at the bottom of this frame, where it says so (STACK WIN) */
	struct wb_code_memo *code_memo; /* the walker's; NULL: nothing is remembered */
};

struct wb_found {
	struct wb_row row;
	const struct wb_row_table *table; /* whose rules the row names; NULL: none */
	struct wb_row_table *loose;   /* table, if it is the caller's to free with wb_mem_free */
	uint32_t parameters;          /* bytes of this frame's own parameters, in its caller's frame; 0 where nothing depends on it */
	bool cacheable;               /* the row depends on (image, image pc, exact) alone */
};

/* WB_OK found, WB_NONE not mine, WB_ERR_DATA mine and broken, WB_ERR_MEMORY. *ret_found is zeroed by the caller. */
typedef enum wb_err (*wb_strategy_fn)(const struct wb_lookup *lookup, struct wb_found *ret_found);

/* NULL: no such strategy in this build. */
wb_strategy_fn wb_strategy(enum wb_how how);

enum wb_err wb_strat_breakpad(const struct wb_lookup *lookup, struct wb_found *ret_found);
enum wb_err wb_strat_cfi(const struct wb_lookup *lookup, struct wb_found *ret_found);
enum wb_err wb_strat_compact(const struct wb_lookup *lookup, struct wb_found *ret_found);
enum wb_err wb_strat_code(const struct wb_lookup *lookup, struct wb_found *ret_found);
enum wb_err wb_strat_ehabi(const struct wb_lookup *lookup, struct wb_found *ret_found);
enum wb_err wb_strat_frame_pointer(const struct wb_lookup *lookup, struct wb_found *ret_found);
enum wb_err wb_strat_go(const struct wb_lookup *lookup, struct wb_found *ret_found);
enum wb_err wb_strat_leaf(const struct wb_lookup *lookup, struct wb_found *ret_found);
enum wb_err wb_strat_scan(const struct wb_lookup *lookup, struct wb_found *ret_found);
enum wb_err wb_strat_windows(const struct wb_lookup *lookup, struct wb_found *ret_found);

/* What the code strategy found out before: following instructions takes some ten thousand of ours, and stacks have the same frames again and again. */
struct wb_code_memo *wb_code_memo_new(void);
void wb_code_memo_free(struct wb_code_memo *memo);
void wb_code_memo_clear(struct wb_code_memo *memo);

/* The row of a convention of the architecture, as far as it is simple: a return address in a register takes wb_found_in_register. */
struct wb_row wb_row_of_convention(const struct wb_arch_info *arch, const struct wb_convention *convention, enum wb_how how);
/* Makes found->row, the simple row of such a convention, one that takes the return address from the register. */
enum wb_err wb_found_in_register(const struct wb_arch_info *arch, const struct wb_convention *convention, uint64_t image_pc, struct wb_found *found);
/* Gives found->row these rules, in a table of one row that is the caller's to free. */
enum wb_err wb_found_rules(struct wb_found *found, const struct wb_row_rule *rules, uint8_t num_rules, uint64_t image_pc);
/* The same with expressions that the rules refer to, which are copied. */
enum wb_err wb_found_expressions(struct wb_found *found, const struct wb_row_rule *rules, uint8_t num_rules, uint64_t image_pc,
                                 const uint8_t *expressions, size_t expressions_size);

#endif
