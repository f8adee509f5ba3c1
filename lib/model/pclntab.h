/* SPDX-License-Identifier: MIT */
/*
 * Go's pclntab: the tables that every Go binary carries for its own tracebacks, stripped or not. They tell where functions start, how far SP is from
 * the frame's end at every pc, and each pc's function, file, line and inlined calls. Opening reads the header alone; all else is decoded when asked for.
 *
 * The format is that of Go's linker (cmd/link/internal/ld/pcln.go) and runtime (runtime/symtab.go, runtime/symtabinl.go). Four magics cover Go 1.12
 * to 1.27 and what keeps to the last of them.
 */
#ifndef MODEL_PCLNTAB_H
#define MODEL_PCLNTAB_H

#include "base/bytes.h"
#include "model/image.h"

#include <stdatomic.h>

enum wb_pclntab_version {
	WB_PCLNTAB_1_2,               /* Go 1.2 to 1.15: one blob, absolute addresses */
	WB_PCLNTAB_1_16,              /* 1.16, 1.17: separate tables, files by unit */
	WB_PCLNTAB_1_18,              /* 1.18, 1.19: offsets from the start of text */
	WB_PCLNTAB_1_20,              /* 1.20 and later: inlined calls without their lines */
	WB_PCLNTAB_VERSIONS,
};

/* Bytes of the loaded image outside of the table, where older versions have inlined calls. WB_NONE: they are not had. */
typedef enum wb_err (*wb_pclntab_read_fn)(void *arg, uint64_t image_pc, void *buffer, size_t count);

struct wb_go_ids;

struct wb_pclntab {
	struct wb_bytes bytes;        /* from the header to the end of the section or segment that holds it; borrowed */
	uint64_t address;             /* image pc of the header */
	enum wb_pclntab_version version;
	uint8_t word_size;            /* bytes of an address: 4 or 8 */
	uint8_t quantum;              /* bytes that pcs in tables count in */
	uint32_t num_functions;
	uint64_t text;                /* image pc that entries count from; 0 where they are absolute */
	bool has_text;                /* text is known. Go 1.26 and later leave it out of the header */
	bool text_is_guess;
	uint64_t data;                /* image pc that functions' data count from (1.18 and later) */
	bool has_data;
	/* Where tables start in bytes. */
	uint64_t names, units, files, values, functions, entries;
	wb_pclntab_read_fn read;
	void *read_arg;
	_Atomic(const struct wb_go_ids *) ids; /* wb_pclntab_ids's answer once it was asked */
};

/* Reads a header. bytes are borrowed as long as the table. WB_NONE: it is none; WB_ERR_DATA: it is one, but unsound. */
enum wb_err wb_pclntab_open(const uint8_t *bytes, size_t size, uint64_t address, bool big_endian, struct wb_pclntab *ret_table);
/* The same where the magic was overwritten (garble does): as the version that is given. */
enum wb_err wb_pclntab_open_as(const uint8_t *bytes, size_t size, uint64_t address, bool big_endian, enum wb_pclntab_version version,
                               struct wb_pclntab *ret_table);
/* Whether the bytes at the start of a possible header look like one: cheap, for scans. */
bool wb_pclntab_is_header(const uint8_t *bytes, size_t size, bool big_endian);

/* ---- Functions ---- */

enum wb_go_flags { WB_GO_TOP_FRAME = 1, WB_GO_SP_WRITE = 2, WB_GO_ASM = 4 };

struct wb_go_function {
	uint32_t index;
	uint64_t start, end;          /* image pcs; end: where the next one starts */
	uint64_t record;              /* where in the table it is described */
	int32_t name;                 /* offset in names */
	uint32_t sp, file, line;      /* offsets of its tables of values; 0: none */
	uint32_t unit;                /* UINT32_MAX: none */
	uint32_t num_pcdata, num_funcdata;
	uint32_t start_line;          /* 0: not told (before 1.20) */
	uint8_t id;                   /* which of the runtime's own it is, as its version numbers them */
	uint8_t flags;                /* enum wb_go_flags; 0 before 1.17 */
};

/* The function of a pc. WB_NONE: no function is there; WB_ERR_DATA: its description is broken. */
enum wb_err wb_pclntab_find(const struct wb_pclntab *table, uint64_t image_pc, struct wb_go_function *ret_function);
enum wb_err wb_pclntab_function(const struct wb_pclntab *table, uint32_t index, struct wb_go_function *ret_function);
/* The linker's name of a function; NULL: broken. Lives as long as the table's bytes, as do files. */
const char *wb_pclntab_name(const struct wb_pclntab *table, const struct wb_go_function *function);
/* A file by its number in the function's unit. "?": the linker left it out. NULL: broken. */
const char *wb_pclntab_file(const struct wb_pclntab *table, const struct wb_go_function *function, int32_t number);

/* ---- Values by pc ---- */

/* Steps through a table of values, from the function's start: [start, end) has the value. */
struct wb_go_values {
	struct wb_bytes bytes;
	uint64_t start, end;
	uint64_t limit;               /* the function's end */
	uint32_t quantum, left;       /* left: steps until the table counts as broken */
	int32_t value;
	bool is_first;
};
void wb_go_values_begin(const struct wb_pclntab *table, const struct wb_go_function *function, uint32_t offset, struct wb_go_values *ret_values);
/* WB_NONE: the end. WB_ERR_DATA: broken. */
enum wb_err wb_go_values_next(struct wb_go_values *values);
/* The value at a pc. WB_NONE: there is no table, or it does not reach so far. */
enum wb_err wb_pclntab_value(const struct wb_pclntab *table, const struct wb_go_function *function, uint32_t offset, uint64_t image_pc,
                             int32_t *ret_value);

/* ---- Sites: the function at a pc and the calls inlined there (pclntab_sites.c) ---- */

struct wb_go_site {
	const char *name;             /* the linker's; NULL: broken */
	const char *file;             /* NULL: unknown */
	uint32_t line;                /* 0: unknown */
	uint32_t start_line;          /* of the function; 0: unknown */
	bool is_inlined;              /* into the next site */
	bool is_wrapper;              /* made by the compiler to call another one: runtime.Callers leaves it out */
};
struct wb_go_sites {
	const struct wb_pclntab *table;
	struct wb_go_function function;
	uint64_t image_pc;            /* of the next site: an instruction of the call */
	uint64_t tree;                /* image pc of the inlined calls, if has_tree */
	uint32_t indexes;             /* table of which of them a pc is in; 0: none */
	uint32_t depth;
	bool has_tree, is_over;
};
/* image_pc is inside of the instruction (of the call). As wb_pclntab_find. */
enum wb_err wb_go_sites_begin(const struct wb_pclntab *table, uint64_t image_pc, struct wb_go_sites *ret_sites);
/* Innermost first. WB_NONE: that was the last. WB_ERR_DATA: the inlined calls are broken; the next is the function itself. */
enum wb_err wb_go_sites_next(struct wb_go_sites *sites, struct wb_go_site *ret_site);

/* Which numbers a version gives the runtime's functions: told by the names of two of them. NULL: no such names. */
struct wb_go_ids {
	uint8_t goexit, sigpanic;     /* that tell */
	uint8_t wrapper;
	uint8_t pcdata_inlines, funcdata_inlines; /* where inlined calls are */
};
const struct wb_go_ids *wb_pclntab_ids(const struct wb_pclntab *table);

/* ---- Of an image (pclntab_find.c) ---- */

/* NULL: the image has none. Looks for it on first need, and in images that are not Go's at the names of sections alone. It lives as long as the image. */
enum wb_err wb_pclntab_of_image(struct wb_image *image, const struct wb_pclntab **ret_table);

#endif
