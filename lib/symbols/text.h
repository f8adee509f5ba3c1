/* SPDX-License-Identifier: MIT */
/*
 * Where an image has code. Debug information of functions that the linker threw away lies at 0, at 1 or at the end of the address
 * space, or at 0 plus an addend: what does not start in code is dead (there is no other reliable sign).
 */
#ifndef SYMBOLS_TEXT_H
#define SYMBOLS_TEXT_H

#include "model/image.h"

#include <stdbool.h>

struct wb_text_range { uint64_t start, end; };
struct wb_text {
	struct wb_text_range *ranges; /* sorted, disjoint; adjoining sections stay apart */
	size_t num_ranges;
};

/* From an object's executable sections, or its executable segments where it has no sections. Empty for absolute images. */
enum wb_err wb_text_init(struct wb_text *text, const struct wb_object *object);
void wb_text_deinit(struct wb_text *text);
/* The range that holds image_pc, or NULL. */
const struct wb_text_range *wb_text_find(const struct wb_text *text, uint64_t image_pc);

#endif
