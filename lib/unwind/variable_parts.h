/* SPDX-License-Identifier: MIT */
/* Where in memory the variables of a walk's frames are: what debug information says of each, computed with the frame's registers. */
#ifndef UNWIND_VARIABLE_PARTS_H
#define UNWIND_VARIABLE_PARTS_H

#include <walkback/inspect.h>

#include "model/memory.h"
#include "model/regs.h"
#include "unwind/row_apply.h"

struct wb_variable_parts {
	struct wb_variable_part *items;
	size_t count, capacity;
	char **texts;                 /* what names of items are in */
	size_t num_texts, texts_capacity, text_size;
};
void wb_variable_parts_deinit(struct wb_variable_parts *parts);

/* A frame as variables are looked for in it. */
struct wb_variable_scope {
	const struct wb_arch_info *arch;
	const struct wb_frame *frame;
	uint32_t index;               /* of the frame in the walk */
	const struct wb_regs *regs;
	const struct wb_saved_places *saved; /* where the frame's callees saved its registers */
	struct wb_view *view;
};
/* Appends the parts in memory of a frame's variables, whoever knows those. Fails for what ends an annotation alone. */
enum wb_err wb_variable_parts_add(struct wb_variable_parts *parts, const struct wb_variable_scope *scope, wb_variables_fn variables, void *arg);
/* By address; always in the same order. */
void wb_variable_parts_sort(struct wb_variable_parts *parts);

#endif
