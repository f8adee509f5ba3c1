/* SPDX-License-Identifier: MIT */
/* What the files of the symbolizer share: its state, and putting names and paths into words. */
#ifndef SYMBOLS_SYMBOLIZER_H
#define SYMBOLS_SYMBOLIZER_H

#include <walkback/symbolize.h>

#include "model/pclntab.h"
#include "symbols/lines.h"
#include "symbols/memo.h"

#include <stdbool.h>

struct wb_dwarf;

enum { WB_SYMBOLIZER_MISSED = 64 }; /* a power of two */

/* Frames that lacked a file, counted here first: a profile has millions, and the session's list has a lock. */
struct wb_symbolizer_missed { uint64_t image_id, frames; enum wb_file_role role; };

struct wb_symbolizer {
	struct wb_session *session;
	struct wb_symbolizer_opts opts;
	struct wb_path_map *path_maps;
	struct wb_memo memo;
	struct wb_symbolizer_missed missed[WB_SYMBOLIZER_MISSED]; /* by image and role */
	char *text;                   /* where names are demangled and paths put together */
	size_t text_size;
	struct wb_site *sites;        /* of the answer in the making */
	size_t sites_capacity, num_sites;
	struct wb_alias *aliases;     /* given last */
	size_t aliases_capacity;
};

/* So many addresses will be asked for, by several threads if is_shared. False: debug information need not be made ready for them. */
bool wb_symbolizer_expect(struct wb_symbolizer *symbolizer, struct wb_image *image, size_t count, bool is_shared);
/* symbolize_go.c: the sites of an address from Go's own tables. WB_NONE: it is not in Go code. */
enum wb_err wb_symbolizer_go(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc);

/* opts.path_maps to path_maps; freed also where it was cut short. */
enum wb_err wb_symbolizer_copy_path_maps(struct wb_symbolizer *symbolizer);
void wb_symbolizer_free_path_maps(struct wb_symbolizer *symbolizer);

/* A further site of the answer in the making, nothing of it known. WB_ERR_LIMIT: there are too many. */
enum wb_err wb_symbolizer_add_site(struct wb_symbolizer *symbolizer, struct wb_site **ret_site);
/* Makes sure that the text buffer can hold a path. False: out of memory. */
bool wb_symbolizer_has_text(struct wb_symbolizer *symbolizer);
/* Demangles into the text buffer. WB_NONE: not a mangled name. */
enum wb_err wb_symbolizer_demangle(struct wb_symbolizer *symbolizer, const char *raw);
/* A raw name as answers show it, and as it was. Both live until the memo is emptied. */
enum wb_err wb_symbolizer_name(struct wb_symbolizer *symbolizer, const char *raw, const char **ret_text, const char **ret_raw);
/* The same for the names that debug information has, one of which may be NULL. A linkage name that is not mangled is an assembler name
 * ("__GI_read"): shown only where raw names are wanted. */
enum wb_err wb_symbolizer_debug_name(struct wb_symbolizer *symbolizer, const char *linkage, const char *plain, const char **ret_text,
                                     const char **ret_raw);
/* The path in the text buffer as the file of a site. */
enum wb_err wb_symbolizer_path(struct wb_symbolizer *symbolizer, struct wb_site *site);
/* The same for a name that the symbol table has. */
enum wb_err wb_symbolizer_file(struct wb_symbolizer *symbolizer, const char *file, struct wb_site *site);

#endif
