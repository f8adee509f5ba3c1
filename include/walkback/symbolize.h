/* SPDX-License-Identifier: MIT */
/*
 * Walkback, names: an image address becomes one or more sites, innermost inlined call first, or a reason why not.
 */
#ifndef WALKBACK_SYMBOLIZE_H
#define WALKBACK_SYMBOLIZE_H

#include <walkback/base.h>
#include <walkback/unwind.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wb_symbolizer;

enum wb_detail {
	WB_DETAIL_NAMES = 0,          /* symbol tables only: cheap */
	WB_DETAIL_LINES = 1,          /* + file and line of the address, no inlined calls */
	WB_DETAIL_INLINES = 2,        /* + inlined calls */
};

/* Demangles name into buffer (terminated). WB_OK, or WB_NONE when it is not a mangled name. Called from the symbolizer's thread. */
typedef enum wb_err (*wb_demangle_fn)(void *arg, const char *name, char *buffer, size_t size);

/* A leading `from` of a source path becomes `to`, where a component ends: /build is not in /builder. The first map that applies counts. */
struct wb_path_map { const char *from, *to; };

struct wb_symbolizer_opts {
	size_t size;
	uint8_t detail;               /* enum wb_detail; 0 is names only */
	uint8_t raw_names;            /* 1: do not demangle */
	uint8_t symtab_only;          /* 1: outermost function names from symbol tables before DWARF (as llvm-symbolizer does) */
	uint8_t no_lines;             /* 1: leave out files, lines and columns: who shows none of them need not pay for them */
	wb_demangle_fn demangle;      /* NULL: the built-in (C++, Rust, D through libiberty when it is in) */
	void *demangle_arg;
	const struct wb_path_map *path_maps; /* copied */
	size_t num_path_maps;
	uint8_t go_from_debug;        /* 1: Go functions from DWARF, where there is any, before Go's own tables */
	uint8_t go_short_names;       /* 1: Go names as its tracebacks have them: type arguments are [...] */
	uint8_t no_wrappers;          /* 1: without the wrappers that Go's compiler makes, as runtime.Callers; one that is a frame of its own stays */
	uint8_t reserved[5];
};

/* Why something is unknown. Values are fixed. */
enum wb_reason {
	WB_REASON_NONE = 0,           /* known */
	WB_REASON_NO_IMAGE = 1,       /* no image at this address */
	WB_REASON_NO_FILE = 2,        /* the image's file, or another one that has the answer (dwo, dwz's), is not had */
	WB_REASON_MISMATCHED = 3,     /* a file was found, but of another build */
	WB_REASON_NO_SYMBOL = 4,      /* no symbol or function covers the address */
	WB_REASON_NO_DEBUG_INFO = 5,  /* the files have no DWARF */
	WB_REASON_NO_UNIT = 6,        /* no unit covers the address */
	WB_REASON_NO_LINE = 7,        /* the line table has a gap, or line 0, there */
	WB_REASON_BAD_INFO = 8,       /* the debug information is malformed there */
	WB_REASON_NOT_ASKED = 9,      /* the detail level leaves it out */
	WB_REASON_UNSUPPORTED = 10,
};
WB_API const char *wb_reason_text(enum wb_reason reason);

enum wb_name_source {
	WB_NAME_NONE = 0, WB_NAME_DWARF = 1, WB_NAME_SYMTAB = 2, WB_NAME_DYNSYM = 3, WB_NAME_PLT = 4, WB_NAME_PERF_MAP = 5,
	WB_NAME_KALLSYMS = 6, WB_NAME_GO = 7, WB_NAME_BREAKPAD = 8, WB_NAME_GIVEN = 9,
};

/* Where names come from. An inlined call is named by the debug information. So is the function around them, unless
 *  - symtab_only is set: the symbol that covers the address wins, where there is one;
 *  - the debug information has no linkage name, and the symbol at the function's entry has a mangled one (which says more);
 *  - the debug information does not know the function, or not its name: the symbol that covers the address.
 * Go's code is named by its own tables (WB_NAME_GO), which every Go binary has and which say what runtime.CallersFrames says, unless go_from_debug
 * is set; outermost names for WB_DETAIL_NAMES, too.
 * So aliases (write, __write) and clones (parse.cold, parse.part.0) are called what the source calls them; the symbol's own name for
 * them is what WB_DETAIL_NAMES gives. A linkage name that is mangled is demangled; one that is not (an assembler name such as __GI_write) is
 * shown as `function` only with raw_names, else the source's name is. */

/* One function at an address. All strings are borrowed until the next call on the symbolizer. */
struct wb_site {
	size_t size;                  /* of this struct, set by the library: step through arrays by it */
	const char *function;         /* as asked: demangled or raw; NULL if unknown */
	const char *linkage_name;     /* raw; NULL if unknown */
	const char *file;             /* full path, mapped; without a line, the bare name that the symbol table has; NULL if unknown */
	uint64_t function_start;      /* image pc of the containing (not inlined) function's or symbol's entry; UINT64_MAX if unknown */
	uint64_t function_size;       /* bytes; 0 if unknown */
	uint32_t line;                /* 0 if unknown */
	uint32_t column;              /* 0 if unknown or left edge */
	uint8_t inlined;              /* 1: this call was inlined into the next site */
	uint8_t name_source;          /* enum wb_name_source */
	uint8_t function_reason;      /* enum wb_reason, why function is NULL */
	uint8_t line_reason;          /* enum wb_reason, why file or line is missing */
	uint32_t call_depth;          /* 0 for the outermost */
	uint8_t is_wrapper;           /* 1: Go's compiler made it, to call another function */
	uint8_t reserved[7];
};

/* opts may be NULL: inlines, demangled. The symbolizer holds the session. One thread at a time. */
WB_API enum wb_err wb_symbolizer_new(struct wb_session *session, const struct wb_symbolizer_opts *opts, struct wb_symbolizer **ret_symbolizer);
/* Frames that lacked a file are in wb_session_wanted by then at the latest. */
WB_API void wb_symbolizer_free(struct wb_symbolizer *symbolizer);

/* The sites of an image address, innermost first; *ret_count is at least 1: what is unknown has a reason. The address is one inside
 * the instruction for WB_PC_EXACT; for WB_PC_RETURN it is a return address and 1 is taken off. Borrowed until the next call. */
WB_API enum wb_err wb_symbolize(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc, enum wb_pc_kind kind,
                                const struct wb_site **ret_sites, size_t *ret_count);
/* The same for a frame of a walk (its image by id, its lookup pc). */
WB_API enum wb_err wb_symbolize_frame(struct wb_symbolizer *symbolizer, const struct wb_frame *frame, const struct wb_site **ret_sites,
                                      size_t *ret_count);
/* Called for each address; sites as for wb_symbolize, borrowed for the call. A result other than WB_OK ends the run and is returned. */
typedef enum wb_err (*wb_sites_fn)(void *arg, size_t index, const struct wb_site *sites, size_t count);
/* Many addresses of one image, in the order given (sorted ones are fastest). */
WB_API enum wb_err wb_symbolize_many(struct wb_symbolizer *symbolizer, struct wb_image *image, const uint64_t *image_pcs, size_t count,
                                     enum wb_pc_kind kind, wb_sites_fn fn, void *arg);
/* The same for several threads, each with a symbolizer of its own (of the image's session, all with the same options), in the order that suits the
 * debug information: while one thread unpacks it, the others go through what is there. image_pcs are copied and the image is held; threads: how
 * many will run it. */
struct wb_symbolize_job;
WB_API enum wb_err wb_symbolize_job_new(struct wb_image *image, const uint64_t *image_pcs, size_t count, enum wb_pc_kind kind, unsigned threads,
                                        struct wb_symbolize_job **ret_job);
/* Answers addresses as long as there are any that no thread took; fn is called by the thread that runs this, with the indexes in any order. A result
 * other than WB_OK ends this thread's run and is returned; what it had taken stays unanswered. */
WB_API enum wb_err wb_symbolize_job_run(struct wb_symbolize_job *job, struct wb_symbolizer *symbolizer, wb_sites_fn fn, void *arg);
/* Once no thread runs it. NULL is fine. */
WB_API void wb_symbolize_job_free(struct wb_symbolize_job *job);

/* One of the names of an address. All strings are borrowed until the next call on the symbolizer. */
struct wb_alias {
	size_t size;                  /* of this struct, set by the library: step through arrays by it */
	const char *name;             /* as asked: demangled or raw */
	const char *linkage_name;     /* raw, without its version */
	uint64_t symbol_size;         /* bytes; 0 if the symbol table does not say */
	uint8_t name_source;          /* enum wb_name_source */
};
/* All names that symbol tables have for the function at an address: functions that the linker folded into one, and what a library exports
 * more than once. Functions come before other symbols, then global before weak before local, larger before smaller, fewer leading
 * underscores, shorter, first by bytes; so their order is always the same. WB_NONE: no symbol covers the address. */
WB_API enum wb_err wb_symbol_aliases(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc, enum wb_pc_kind kind,
                                     const struct wb_alias **ret_aliases, size_t *ret_count);
/* The image pc of a symbol by its raw name, else by its demangled one; WB_NONE if there is none. Looks at all symbols. */
WB_API enum wb_err wb_symbol_find(struct wb_symbolizer *symbolizer, struct wb_image *image, const char *name, uint64_t *ret_image_pc,
                                  uint64_t *ret_size);

/* The module that a Go function of the image is of, by its linkage name, as the build's own list of modules has it: "path@version" ("std@go1.24.4" for
 * the standard library; " => path@version" behind it where that was built instead). WB_NONE: the image has no such list, or it does not tell;
 * WB_ERR_LIMIT: longer than the buffer. Reads the list anew in each call. */
WB_API enum wb_err wb_go_module(struct wb_image *image, const char *function, char *buffer, size_t size);

#ifdef __cplusplus
}
#endif
#endif
