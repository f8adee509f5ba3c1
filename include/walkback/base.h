/* SPDX-License-Identifier: MIT */
/*
 * Walkback, the ground: error codes, platforms, sessions, files, images and address spaces.
 *
 * Conventions of all public headers. Fallible functions return enum wb_err; results go through parameters named ret_x,
 * which are written on success only. Structs that the caller fills start with `size` = sizeof(struct), so that they can
 * grow: a longer struct whose unknown tail is not zero is refused with WB_ERR_ABI. Ranges are half-open. `address` is an
 * address in the process, `image_pc` one in the file (the file's own virtual address), `offset` counts bytes from a start.
 * Inputs are borrowed for the call unless a comment says until when. The library never prints, exits, reads the
 * environment, installs handlers or opens a file that no finder or caller named.
 */
#ifndef WALKBACK_BASE_H
#define WALKBACK_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WB_API __attribute__((visibility("default")))
#else
#define WB_API
#endif

/* Results. Zero and above: an answer; below zero: something is wrong. Values are fixed and never reused. */
enum wb_err {
	WB_OK = 0,
	WB_NONE = 1,            /* not here; the end; nothing found */
	WB_LATER = 2,           /* only from finders: not yet, ask again in a later walk */
	WB_ERR_MEMORY = -1,     /* an allocation failed */
	WB_ERR_ARGUMENT = -2,   /* the call was wrong */
	WB_ERR_ABI = -3,        /* a struct is larger than this library knows, and its tail is not zero */
	WB_ERR_IO = -4,         /* reading or writing failed; the diagnostic has the system's reason */
	WB_ERR_DATA = -5,       /* input bytes are malformed */
	WB_ERR_UNSUPPORTED = -6,/* well-formed, but not understood by this build */
	WB_ERR_LIMIT = -7,      /* a documented limit was reached */
	WB_ERR_CANCELLED = -8,  /* the session's check() said stop */
};

/* A short lower-case description, never NULL; static storage. */
WB_API const char *wb_err_text(enum wb_err err);

/* "0.1.0"; static storage. */
WB_API const char *wb_version(void);
/* Which optional parts are in, as one line such as "libdwarf zstd -lzma"; static storage. */
WB_API const char *wb_features(void);

/* ---- Platforms ---------------------------------------------------------------------------------------------- */

enum wb_arch {
	WB_ARCH_UNKNOWN = 0,
	WB_ARCH_X86_64 = 1,
	WB_ARCH_X86 = 2,
	WB_ARCH_AARCH64 = 3,
	WB_ARCH_ARM = 4,
	WB_ARCH_RISCV64 = 5,
	WB_ARCH_PPC64 = 6,
	WB_ARCH_S390X = 7,
};

enum wb_os { WB_OS_UNKNOWN = 0, WB_OS_LINUX = 1, WB_OS_MACOS = 2, WB_OS_WINDOWS = 3 };

struct wb_platform {
	enum wb_arch arch;
	uint8_t big_endian; /* 0 little, 1 big */
	uint8_t os;         /* enum wb_os; WB_OS_UNKNOWN where the format does not say */
};

/* "x86_64", "aarch64", ...; "unknown" for what this library does not know; static storage. */
WB_API const char *wb_arch_name(enum wb_arch arch);
/* WB_NONE if the name is not known. Accepts the names of wb_arch_name and uname's (i686, amd64, arm64, ...). */
WB_API enum wb_err wb_arch_from_name(const char *name, enum wb_arch *ret_arch);
/* The architecture's name of a register by its DWARF number, or NULL; static storage. */
WB_API const char *wb_reg_name(enum wb_arch arch, uint32_t number);
/* The DWARF number (or WB_REG_PC) of a register name such as "rip" or "x29"; WB_NONE if unknown. */
WB_API enum wb_err wb_reg_from_name(enum wb_arch arch, const char *name, uint32_t *ret_number);

/* The program counter, on every architecture; all other register numbers are the architecture's DWARF numbers. */
enum { WB_REG_PC = 0x10000 };

/* ---- Diagnostics -------------------------------------------------------------------------------------------- */

enum wb_severity { WB_SEVERITY_NOTE = 0, WB_SEVERITY_WARNING = 1, WB_SEVERITY_ERROR = 2 };

/* What a diagnostic is about. Values are fixed and never reused; new ones may be added. */
enum wb_diag_code {
	WB_DIAG_OTHER = 0,
	WB_DIAG_FILE_UNREADABLE = 1,
	WB_DIAG_FILE_UNRECOGNIZED = 2,
	WB_DIAG_FILE_MISMATCHED = 3,
	WB_DIAG_FILE_UNVERIFIED = 4,
	WB_DIAG_FILE_TRUNCATED = 5,
	WB_DIAG_OBJECT_MALFORMED = 6,
	WB_DIAG_SECTION_MALFORMED = 7,
	WB_DIAG_SECTION_UNSUPPORTED = 8,
	WB_DIAG_CFI_MALFORMED = 9,
	WB_DIAG_DWARF_MALFORMED = 10,
	WB_DIAG_DWARF_UNSUPPORTED = 11,
	WB_DIAG_SYMBOLS_MALFORMED = 12,
	WB_DIAG_CAPTURE_MALFORMED = 13,
	WB_DIAG_CAPTURE_TRUNCATED = 14,
	WB_DIAG_CAPTURE_UNSUPPORTED = 15,
	WB_DIAG_CAPTURE_LOST = 16,
	WB_DIAG_MEMORY_BUDGET = 17,
	WB_DIAG_GO_MALFORMED = 18,
};

struct wb_diag {
	size_t size;                /* of this struct, set by the library */
	enum wb_diag_code code;
	enum wb_severity severity;
	enum wb_err err;            /* the result that it explains; WB_OK for a note */
	const char *file;           /* "" if none; as are the strings below borrowed for the call */
	const char *section;        /* "" if none */
	uint64_t offset;            /* in the section, or in the file without one; UINT64_MAX if unknown */
	const char *text;           /* one line: what was found; no newline, no advice */
};
/* Called with the session's lock not held, from whichever thread met the problem; at most once per (file, code). */
typedef void (*wb_diag_fn)(void *arg, const struct wb_diag *diag);
/* "file: section+0x12: text" into buffer (always terminated if size > 0). Returns the length it would need. */
WB_API size_t wb_diag_format(const struct wb_diag *diag, char *buffer, size_t size);

/* ---- Sessions: configuration, finders, budgets ---------------------------------------------------------------- */

struct wb_session;
struct wb_image;
struct wb_space;

enum wb_dwarf_policy { WB_DWARF_BOTH = 0, WB_DWARF_FAST = 1, WB_DWARF_REFERENCE = 2 };

/* Long work calls it now and then, from any thread that works for the session. total is 0 while unknown.
 * A value other than 0 cancels: the work ends with WB_ERR_CANCELLED. */
typedef int (*wb_check_fn)(void *arg, uint64_t done, uint64_t total);

struct wb_session_opts {
	size_t size;
	wb_diag_fn diag;            /* may be NULL */
	void *diag_arg;
	wb_check_fn check;          /* may be NULL */
	void *check_arg;
	uint64_t cache_bytes;       /* budget for what is computed from files; 0: 1 GiB */
	uint8_t files_are_stable;   /* 1: files that are opened by path neither shrink nor change while in use; they are mapped */
	uint8_t dwarf;              /* enum wb_dwarf_policy */
	uint8_t trust_unverified;   /* 1: use files that can be neither verified nor refuted (no build id on one side) */
};

/* opts may be NULL. The session lives until wb_session_free; images, spaces, walkers, symbolizers and captures keep it alive. */
WB_API enum wb_err wb_session_new(const struct wb_session_opts *opts, struct wb_session **ret_session);
/* Gives up the caller's hold. NULL is fine. */
WB_API void wb_session_free(struct wb_session *session);

struct wb_usage {
	size_t size;
	uint64_t cache_bytes;       /* held now by what is computed from files */
	uint64_t cache_peak;
	uint64_t cache_limit;
	uint64_t evictions;         /* entries dropped to keep the budget */
	uint64_t images;            /* known now */
	uint64_t files;             /* opened now */
};
/* usage->size is set by the caller. Any thread. */
WB_API enum wb_err wb_session_usage(struct wb_session *session, struct wb_usage *usage);

/* ---- Finders: the only way to files that the caller did not open ----------------------------------------------- */

enum wb_file_role {
	WB_FILE_EXECUTABLE = 0,     /* what is mapped: an executable or a shared object */
	WB_FILE_DEBUG = 1,          /* its separate debug file (build id, .gnu_debuglink) */
	WB_FILE_SUPPLEMENTARY = 2,  /* dwz's file (.gnu_debugaltlink, DWARF 5 section 7.3.6) */
	WB_FILE_DWO = 3,            /* split DWARF of one unit, or an object file that Mach-O's debug map names */
	WB_FILE_DWP = 4,            /* split DWARF package */
	WB_FILE_SYMBOLS = 5,        /* a symbol file: perf map, kallsyms, Breakpad */
};

struct wb_file_query {
	size_t size;
	enum wb_file_role role;
	const char *path;           /* as recorded in the capture or in the debug information; "" if unknown */
	const char *referrer;       /* path of the file that refers to it (debuglink, dwo); "" if none */
	const uint8_t *build_id;    /* NULL if unknown */
	size_t build_id_size;
	uint64_t dwo_id;            /* for DWO; 0 if unknown */
	const char *debug_path, *debug_id; /* for SYMBOLS: as in struct wb_identity; "" if unknown */
	const char *member;         /* path is an archive's, and this the name of the object file in it; NULL if it is no archive */
	uint64_t modified;          /* for DWO: when it was modified, seconds since 1970; another one is not used; 0 if unknown */
};

/* A source of bytes that is not a file: object store, core, archive member. Offsets and sizes are bytes. */
struct wb_source {
	size_t size;
	uint64_t length;            /* of the whole */
	void *arg;
	/* Reads up to count bytes at offset; *ret_got < count only at the end. Any thread, also several at a time. */
	enum wb_err (*read)(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got);
	void (*release)(void *arg); /* may be NULL; called exactly once, also when the call that takes the source fails */
};

enum { WB_CANDIDATE_PATH_MAX = 4096 };
struct wb_candidate {
	char path[WB_CANDIDATE_PATH_MAX]; /* file to open, or the name for messages if `source` is given */
	const struct wb_source *source;   /* NULL: open `path` */
	uint8_t forced;                   /* 1: use it even if it cannot be verified, or does not match (user's word) */
	uint8_t on_host;                  /* 1: just the recorded path on this host; unverifiable ones need trust_unverified */
};

/* The nth candidate (0, 1, ...) for a file. WB_OK: *ret_candidate is set; WB_NONE: no further ones; WB_LATER: not yet.
 * Candidates that do not match are refused by the library, which then asks for the next. Any thread. */
typedef enum wb_err (*wb_finder_fn)(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate);
/* Finders are asked in the order added. arg must live as long as the session; release (may be NULL) is called once at its end.
 * On failure arg stays the caller's. */
WB_API enum wb_err wb_session_add_finder(struct wb_session *session, wb_finder_fn finder, void *arg, void (*release)(void *arg));

/* Stock finders. Paths are copied. All look at regular files only. */
WB_API enum wb_err wb_session_add_host_paths(struct wb_session *session);                           /* the recorded path itself; files beside it */
WB_API enum wb_err wb_session_add_sysroot(struct wb_session *session, const char *dir);            /* DIR/recorded/path, DIR/basename */
WB_API enum wb_err wb_session_add_debug_dir(struct wb_session *session, const char *dir);          /* DIR/.build-id/xx/yyy.debug, debuglink rules, DIR/NAME.dSYM */
WB_API enum wb_err wb_session_add_buildid_cache(struct wb_session *session, const char *dir);      /* perf's ~/.debug, and unpacked `perf archive` trees */
WB_API enum wb_err wb_session_add_debuginfod_cache(struct wb_session *session, const char *dir);   /* DIR/BUILDID/{debuginfo,executable} */
WB_API enum wb_err wb_session_add_symbol_dir(struct wb_session *session, const char *dir);         /* Breakpad's: DIR/NAME/ID/NAME.sym */
WB_API enum wb_err wb_session_add_file(struct wb_session *session, const char *file);              /* this file, for whichever image it matches (build id, else name) */

enum wb_verdict {
	WB_VERDICT_NOT_TRIED = 0,
	WB_VERDICT_MATCHED = 1,       /* build id (or what the format has instead) is the wanted one */
	WB_VERDICT_UNVERIFIABLE = 2,  /* nothing to compare on one side */
	WB_VERDICT_MISMATCHED = 3,    /* another build: not used */
	WB_VERDICT_FORCED = 4,        /* used because the caller said so */
	WB_VERDICT_MISSING = 5,       /* no finder had it */
	WB_VERDICT_MALFORMED = 6,     /* found, but cannot be read */
};
WB_API const char *wb_verdict_text(enum wb_verdict verdict);

/* What was wanted and not had. */
struct wb_wanted {
	size_t size;
	enum wb_file_role role;
	enum wb_verdict verdict;      /* why not: missing, mismatched, unverifiable, malformed */
	const char *path;             /* recorded path; borrowed until the session is freed */
	uint8_t build_id[64];
	size_t build_id_size;
	uint64_t image_id;
	uint64_t frames;              /* frames that needed it and stayed without */
};
/* Entry `nth` of the list, most costly first as of the call with nth == 0. WB_NONE past the end. wanted->size is the caller's. */
WB_API enum wb_err wb_session_wanted(struct wb_session *session, size_t nth, struct wb_wanted *wanted);

/* ---- Images --------------------------------------------------------------------------------------------------- */

enum wb_image_flags {
	WB_IMAGE_LOADED = 1,          /* bytes are laid out as in memory (vDSO, JIT, memory-only), not as in a file */
	WB_IMAGE_ABSOLUTE = 2,        /* image pcs are addresses of the process: generated code, the kernel */
};

/* Who an image is, before any file is opened. The same identity gives the same image (a new reference). */
struct wb_identity {
	size_t size;
	struct wb_platform platform;
	const char *path;             /* as recorded; "" if unknown */
	const uint8_t *build_id;      /* NULL if unknown */
	size_t build_id_size;         /* at most 64 */
	uint32_t flags;               /* enum wb_image_flags */
	const char *debug_path;       /* crash dumps: path of the file with its debug information (PDB); "" or NULL: unknown */
	const char *debug_id;         /* crash dumps: what symbol servers know it by (GUID and age in hexadecimal digits); "" or NULL: unknown */
};
WB_API enum wb_err wb_image_new(struct wb_session *session, const struct wb_identity *identity, struct wb_image **ret_image);
/* Opens a file now; its build id becomes the identity. One file gives one image per session. */
WB_API enum wb_err wb_image_open(struct wb_session *session, const char *path, struct wb_image **ret_image);
/* The same of a file with objects for several architectures (a fat Mach-O file): the one for arch; WB_ERR_UNSUPPORTED, with a diagnostic, if it has
 * none. A file with one object has to be for arch. WB_ARCH_UNKNOWN: any, as wb_image_open. */
WB_API enum wb_err wb_image_open_arch(struct wb_session *session, const char *path, enum wb_arch arch, struct wb_image **ret_image);
/* The same of a file with several objects (a fat Mach-O file, a zip archive that stores them): the one of that build id, which is the UUID of Mach-O
 * files; WB_ERR_UNSUPPORTED, with a diagnostic, if it has none. A file with one object has to be of that build. */
WB_API enum wb_err wb_image_open_build(struct wb_session *session, const char *path, const uint8_t *build_id, size_t build_id_size, struct wb_image **ret_image);
/* Takes the bytes: borrowed until release(release_arg) is called, once, also on failure; release NULL: they must outlive the session. */
WB_API enum wb_err wb_image_open_bytes(struct wb_session *session, const char *name, const void *bytes, size_t size, uint32_t flags,
                                       void (*release)(void *release_arg), void *release_arg, struct wb_image **ret_image);
/* Takes the source (released once, also on failure). */
WB_API enum wb_err wb_image_open_source(struct wb_session *session, const char *name, const struct wb_source *source, uint32_t flags,
                                        struct wb_image **ret_image);
/* A new reference to an image of the session by its id; WB_NONE if there is none. */
WB_API enum wb_err wb_image_by_id(struct wb_session *session, uint64_t id, struct wb_image **ret_image);
WB_API struct wb_image *wb_image_ref(struct wb_image *image);
WB_API void wb_image_unref(struct wb_image *image);
/* Never 0, never reused in a session. */
WB_API uint64_t wb_image_id(const struct wb_image *image);
/* Gives the image a symbol file's text (perf map or kallsyms; told by content). bytes are copied. Addresses in it are
 * image pcs. WB_NONE: it has one already, which stays. WB_ERR_UNSUPPORTED: not a symbol file. */
WB_API enum wb_err wb_image_add_symbols(struct wb_image *image, const char *name, const void *bytes, size_t size);

struct wb_file_info {
	enum wb_verdict verdict;
	const char *path;             /* the file in use or last refused; "" if none; borrowed until the image is freed */
};
struct wb_image_info {
	size_t size;
	uint64_t id;
	struct wb_platform platform;
	const char *path;             /* recorded; borrowed as long as the image */
	const uint8_t *build_id;      /* NULL if unknown; borrowed as long as the image */
	size_t build_id_size;
	const char *format;           /* "elf", "perf-map", "kallsyms", ...; "" while not opened */
	struct wb_file_info files[6]; /* by enum wb_file_role */
	uint64_t num_symbols;
	uint8_t in_memory;            /* 1: the file is not had, and what was captured of the process's memory served instead of it */
};
/* info->size is the caller's. Opens the main file, the debug file and dwz's (finders are asked) if they were not yet. */
WB_API enum wb_err wb_image_info(struct wb_image *image, struct wb_image_info *info);

/* A role's file as far as it is known now: nothing is opened for it. path is "" while no file is in use. */
WB_API enum wb_err wb_image_file(struct wb_image *image, enum wb_file_role role, struct wb_file_info *ret_info);

/* A file that was offered and not used. */
struct wb_refused {
	size_t size;
	const char *path;             /* as are the reason's, its bytes are borrowed until the image is freed */
	enum wb_verdict verdict;
	const char *reason;           /* "build id 12ab, wanted 34cd"; "" if there is nothing more to say */
};
/* The nth of a role (32 are kept); WB_NONE past the last. refused->size is the caller's. */
WB_API enum wb_err wb_image_refused(struct wb_image *image, enum wb_file_role role, size_t nth, struct wb_refused *ret_refused);

/* Something that an image has to unwind with, or to name with. */
enum wb_part_use { WB_PART_UNWIND = 0, WB_PART_NAMES = 1 };
struct wb_image_part {
	size_t size;
	enum wb_part_use use;
	enum wb_file_role role;       /* of the file that it is in */
	const char *name;             /* a section's, as ELF calls it, or in words: "Go's pclntab". Lives for ever */
	uint64_t bytes;               /* 0: not counted */
};
/* The nth, all for unwinding before those for names; WB_NONE past the last. Opens files as wb_image_info does. part->size is the caller's. */
WB_API enum wb_err wb_image_part(struct wb_image *image, size_t nth, struct wb_image_part *part);

struct wb_section_info {
	size_t size;
	const char *name;             /* as ELF calls it; borrowed as long as the image */
	uint64_t start, end;          /* image pcs; both 0 if it is not loaded */
	uint8_t executable;           /* 1: holds code */
};
/* Section `nth` of the image's main file, else of its debug file; WB_NONE past the last. info->size is the caller's. */
WB_API enum wb_err wb_image_section_info(struct wb_image *image, size_t nth, struct wb_section_info *info);

/* ---- Address spaces ------------------------------------------------------------------------------------------- */

enum wb_prot { WB_PROT_READ = 1, WB_PROT_WRITE = 2, WB_PROT_EXEC = 4, WB_PROT_UNKNOWN = 8 };

struct wb_mapping {
	size_t size;
	uint64_t start, end;          /* half-open, start < end */
	uint64_t file_offset;         /* of start, in the file */
	uint32_t prot;                /* enum wb_prot */
	const uint8_t *build_id;      /* NULL if unknown; ignored if image is given */
	size_t build_id_size;
	const char *path;             /* "" or NULL for anonymous memory; ignored if image is given */
	struct wb_image *image;       /* NULL: made from path and build id */
	uint64_t base;                /* where the image was loaded: address of its lowest segment. Image pcs then follow from that, not from
	                               * file_offset, also without the executable: symbol files count from there. 0: unknown */
};

/* A space is an immutable version of an address space; a change makes a new version that shares what did not change.
 * Any thread may read any version. A version lives as long as it is referenced. */
WB_API enum wb_err wb_space_new(struct wb_session *session, const struct wb_platform *platform, struct wb_space **ret_space);
WB_API struct wb_space *wb_space_ref(struct wb_space *space);
WB_API void wb_space_unref(struct wb_space *space);
/* A version with the mappings added in order; a later one cuts what it overlaps. On success the caller owns *ret_next and still owns space. */
WB_API enum wb_err wb_space_map(struct wb_space *space, const struct wb_mapping *mappings, size_t count, struct wb_space **ret_next);
WB_API enum wb_err wb_space_unmap(struct wb_space *space, uint64_t start, uint64_t end, struct wb_space **ret_next);
/* A version whose lookups go on in parent (the kernel's mappings) where it has nothing itself. parent is referenced. */
WB_API enum wb_err wb_space_set_parent(struct wb_space *space, struct wb_space *parent, struct wb_space **ret_next);

enum wb_memory_kind { WB_MEMORY_BYTES = 0, WB_MEMORY_ZERO = 1, WB_MEMORY_CALLBACK = 2 };
struct wb_memory {
	size_t size;
	enum wb_memory_kind kind;
	uint64_t start, end;
	const void *bytes;            /* BYTES: end - start bytes; borrowed until release, or as long as the space without one */
	/* CALLBACK: WB_OK when all count bytes were read; WB_NONE when they are absent: then what was added before is asked, and the file that is
	 * mapped there. Any thread. */
	enum wb_err (*read)(void *arg, uint64_t address, void *buffer, size_t count);
	void *arg;
	void (*release)(void *arg);   /* may be NULL; called once, when the last version that has it goes; also on failure */
};
/* Where the file of code that is mapped is not had, or none is named, the image itself is looked for in the memory: its header before the code. Such an
 * image (wb_image_info.in_memory) has bytes to read only as long as a version that has the memory. */
WB_API enum wb_err wb_space_add_memory(struct wb_space *space, const struct wb_memory *memory, struct wb_space **ret_next);
/* Bits of code addresses that are no part of them (pointer authentication, tags): cleared, or set where bit 55 is, which tells a kernel's addresses.
 * 0: none. Until this is called, aarch64's are the bits up to 54 that no mapping's address has; other architectures have none. */
WB_API enum wb_err wb_space_set_pointer_mask(struct wb_space *space, uint64_t mask, struct wb_space **ret_next);
/* The same mappings for code of another architecture: a 32-bit task of a 64-bit machine, known as such only once it runs. */
WB_API enum wb_err wb_space_set_platform(struct wb_space *space, const struct wb_platform *platform, struct wb_space **ret_next);

/* Generated code: a range with an optional name and optional .eh_frame bytes, whose addresses are absolute; all copied. */
struct wb_code {
	size_t size;
	uint64_t start, end;
	const char *name;             /* NULL: none */
	const void *code;             /* NULL: bytes not known; else end - start bytes */
	const void *eh_frame;         /* NULL: none */
	size_t eh_frame_size;
	uint64_t eh_frame_address;    /* where pc-relative pointers in it count from */
};
WB_API enum wb_err wb_space_add_code(struct wb_space *space, const struct wb_code *code, struct wb_space **ret_next);

/* How many mappings the version has, its parent's not counted. */
WB_API size_t wb_space_num_mappings(const struct wb_space *space);

struct wb_place {
	size_t size;
	struct wb_image *image;       /* borrowed as long as the space; NULL: anonymous */
	uint64_t image_pc;            /* valid if has_image_pc */
	uint64_t start, end, file_offset;
	uint32_t prot;
	uint8_t has_image_pc;         /* 0 when the file that would tell is not had */
};
/* The mapping that holds address; WB_NONE if none. place->size is the caller's. */
WB_API enum wb_err wb_space_find(struct wb_space *space, uint64_t address, struct wb_place *place);
/* The first mapping that ends above address (iterate with address = place.end). */
WB_API enum wb_err wb_space_next(struct wb_space *space, uint64_t address, struct wb_place *place);
/* Bytes of extra memory, else of the file behind a mapping that is not writable, if that file is proven to be the one: by its build id, or because the
 * caller opened it. WB_NONE when any byte is absent. */
WB_API enum wb_err wb_space_read(struct wb_space *space, uint64_t address, void *buffer, size_t count);

#ifdef __cplusplus
}
#endif
#endif
