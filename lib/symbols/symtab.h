/* SPDX-License-Identifier: MIT */
/*
 * The symbol table of an image, compiled once from all its tables (static, dynamic, PLT, symbol files) to sorted ranges: a lookup is one
 * binary search, without a lock. Names are not demangled here.
 *
 * What covers an address, in this order:
 *  1. of the symbols with a size, the one that starts last before it; sizes are believed;
 *  2. else the last symbol without a size, up to the next symbol or the end of its section. One from a dynamic table counts only at its
 *     own address if there is no static table: the code behind it may belong to functions whose symbols were stripped.
 * Which name, where several symbols with a size start at the same address (aliases), in this order:
 *  function before anything else, global before weak before local, larger before smaller, fewer leading underscores, shorter, first by
 *  bytes, static table before dynamic. An alias that reaches further than the preferred one names the rest.
 * Not symbols of code: files, sections, data, absolute values, mapping symbols ($x, $a, $d, $t), assembler-local labels (.L), .annobin marks.
 */
#ifndef SYMBOLS_SYMTAB_H
#define SYMBOLS_SYMTAB_H

#include <walkback/symbolize.h>

#include "model/image.h"
#include "symbols/text.h"

#include <stdbool.h>

struct wb_symtab;

struct wb_symtab_hit {
	const char *name;             /* without its version; lives as long as the table */
	const char *file;             /* the source file's name from the file symbol before it; NULL if there is none, or many could be meant */
	uint64_t start;               /* image pc of the symbol */
	uint64_t size;                /* bytes; 0 unknown. Saturates at 256 MiB */
	uint8_t source;               /* enum wb_name_source */
};

/* The image's table, compiled on first need; lives as long as the image. WB_NONE: the image has no symbols, or no file. The debug file is
 * opened only if the executable has no static table. */
enum wb_err wb_symtab_of_image(struct wb_image *image, const struct wb_symtab **ret_symtab);
/* False: no symbol covers image_pc. */
bool wb_symtab_find(const struct wb_symtab *symtab, uint64_t image_pc, struct wb_symtab_hit *ret_hit);
/* Every symbol of code of the image, aliases included, names with versions; a result other than WB_OK ends the listing and is returned. */
enum wb_err wb_symtab_list(struct wb_image *image, wb_symbol_fn fn, void *arg);

/* ---- Compiling: symbols in any order, from any number of tables -------------------------------------------------- */

struct wb_symtab_candidate {
	uint64_t start, size;
	const char *name, *file;      /* file: NULL unknown */
	uint8_t rank;                 /* higher is preferred: kind, then binding */
	uint8_t source;               /* enum wb_name_source */
	uint8_t table;                /* enum wb_symbol_table */
};
/* Of two candidates at one address, whether a is preferred: a total order of all that differ in name or table. */
bool wb_symtab_prefers(const struct wb_symtab_candidate *a, const struct wb_symtab_candidate *b);
/* Bytes of the name as it is shown: without its version. */
size_t wb_symtab_name_size(const struct wb_symtab_candidate *candidate);

struct wb_symtab_builder {
	struct wb_symtab_candidate *candidates;
	size_t capacity, count;
	size_t num_static;            /* symbols of static tables seen, of any kind */
	const char *file;             /* of the symbols that follow in the static table; NULL: unknown */
	enum wb_symtab_files { WB_SYMTAB_NO_SYMBOL, WB_SYMTAB_ONE_FILE, WB_SYMTAB_FILES } files; /* see file_of */
};
void wb_symtab_builder_init(struct wb_symtab_builder *builder);
void wb_symtab_builder_deinit(struct wb_symtab_builder *builder);
/* The name is borrowed until _finish. source: what a hit on it says. */
enum wb_err wb_symtab_builder_add(struct wb_symtab_builder *builder, const struct wb_symbol *symbol, enum wb_name_source source);
/* text may be empty: then a symbol without a size ends at the next one within 1 MiB, else with its page. WB_NONE: no symbols. */
enum wb_err wb_symtab_builder_finish(struct wb_symtab_builder *builder, const struct wb_text *text, struct wb_symtab **ret_symtab);
/* All symbols of code of an image's objects, but of those that another has the symbols of. Names live as long as the image. */
enum wb_err wb_symtab_collect(struct wb_image *image, struct wb_symtab_builder *builder, struct wb_text *ret_text);
void wb_symtab_free(struct wb_symtab *symtab);
size_t wb_symtab_bytes(const struct wb_symtab *symtab);
size_t wb_symtab_count(const struct wb_symtab *symtab);

#endif
