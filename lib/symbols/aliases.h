/* SPDX-License-Identifier: MIT */
/*
 * All names of an image's addresses: the symbols of which the symbol table keeps only those that can be an answer. Made on first need, because
 * few ask: what the linker folded, or a library exports under several names.
 */
#ifndef SYMBOLS_ALIASES_H
#define SYMBOLS_ALIASES_H

#include "symbols/symtab.h"

struct wb_aliases;

/* The image's, made on first need; lives as long as the image. WB_NONE: the image has no symbols, or no file. */
enum wb_err wb_aliases_of_image(struct wb_image *image, const struct wb_aliases **ret_aliases);
/* The symbols that start at an address, in the order of preference (symtab.h); NULL if there are none. */
const struct wb_symtab_candidate *wb_aliases_at(const struct wb_aliases *aliases, uint64_t start, size_t *ret_count);

/* Takes the builder's symbols. For tests; wb_aliases_free is for the result. */
enum wb_err wb_aliases_new(struct wb_symtab_builder *builder, struct wb_aliases **ret_aliases);
void wb_aliases_free(struct wb_aliases *aliases);

#endif
