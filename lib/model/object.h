/* SPDX-License-Identifier: MIT */
/*
 * The contract between the library and the image formats (ELF, Mach-O, PE, symbol texts): what an opened object file offers. lib/ knows
 * formats/ only through wb_image_formats, which formats/registry.c defines.
 */
#ifndef MODEL_OBJECT_H
#define MODEL_OBJECT_H

#include <walkback/base.h>

#include "base/diag.h"
#include "base/file.h"
#include "base/unpack.h"

#include <stdatomic.h>

struct wb_image_file;

/* Formats drop segments and sections whose ends overflow: start + size is safe for everybody else. */
struct wb_segment {
	uint64_t vaddr, memsz;        /* image pcs */
	uint64_t offset, filesz;      /* bytes in the file */
	uint64_t align;               /* largest page that it can be mapped in, in bytes; 0 unknown */
	uint32_t prot;                /* enum wb_prot */
};

enum wb_section_flags {
	WB_SECTION_ALLOC = 1,         /* part of the loaded image */
	WB_SECTION_EXEC = 2,
	WB_SECTION_NOBITS = 4,        /* has no bytes in this file */
	WB_SECTION_COMPRESSED = 8,    /* SHF_COMPRESSED or .zdebug: `size` is what comes out, file_size what is stored */
	WB_SECTION_GROUPED = 16,      /* one of many of its name, each for something that other files have too (type units in .o files) */
};
struct wb_section {
	const char *name;             /* ELF's name on every format (Mach-O's __eh_frame is ".eh_frame", .zdebug_x is ".debug_x") */
	uint64_t vaddr;               /* image pc; 0 if not loaded */
	uint64_t offset, file_size;   /* bytes in the file */
	uint64_t size;                /* bytes once decompressed */
	uint32_t flags;
};

enum wb_symbol_type { WB_SYMBOL_OTHER, WB_SYMBOL_FUNCTION, WB_SYMBOL_IFUNC, WB_SYMBOL_OBJECT, WB_SYMBOL_FILE, WB_SYMBOL_SECTION, WB_SYMBOL_NOTYPE };
enum wb_symbol_binding { WB_BINDING_LOCAL, WB_BINDING_WEAK, WB_BINDING_GLOBAL };
enum wb_symbol_table { WB_SYMBOLS_STATIC, WB_SYMBOLS_DYNAMIC, WB_SYMBOLS_PLT, WB_SYMBOLS_TEXT };
struct wb_symbol {
	const char *name;             /* borrowed as long as the object is open; "" for WB_SYMBOL_FILE only: what follows is of no file */
	uint64_t value;               /* image pc */
	uint64_t size;                /* bytes; 0 unknown */
	uint8_t type, binding, table; /* the enums above */
	uint8_t executable;           /* 1: its section (or segment) is executable */
	uint8_t absolute;             /* 1: SHN_ABS */
};
/* Called for each defined symbol, in the order of the tables; a result other than WB_OK ends the listing and is returned. */
typedef enum wb_err (*wb_symbol_fn)(void *arg, const struct wb_symbol *symbol);

/* A function of a linked file whose debug information was left in the object file that it is from. */
struct wb_linked {
	const char *object;           /* path, or "ARCHIVE(MEMBER)"; borrowed as long as the linked file is open, as is symbol */
	uint64_t modified;            /* when the object file was modified then, in seconds since 1970; 0 unknown */
	const char *symbol;           /* its name in both */
	uint64_t value, size;         /* image pc in the linked file; bytes */
};
typedef enum wb_err (*wb_linked_fn)(void *arg, const struct wb_linked *linked);

struct wb_object {
	const struct wb_image_format *format;
	struct wb_diags *diags;       /* the session's */
	const char *path;             /* for messages; owned by the object's opener (the image), lives as long as the object */
	struct wb_file *file;         /* owned by the object */
	struct wb_platform platform;
	bool loaded_layout;           /* bytes are laid out as in memory */
	bool absolute;                /* image pcs are process addresses */
	bool relocatable;             /* ET_REL: sections are placed one after the other by the format, relocations applied */
	uint64_t entry;               /* image pc where a process starts; 0 if it does not say */
	uint64_t loaded_base;         /* image pc of the first byte, if they are laid out as in memory */
	uint64_t base;                /* image pc that offsets within the image count from (the Mach-O header); 0 where the format has none */
	const struct wb_segment *segments; /* sorted by vaddr */
	size_t num_segments;
	const struct wb_section *sections;
	size_t num_sections;
	const uint8_t *build_id;      /* NULL if none */
	size_t build_id_size;
	const uint8_t *code_id;       /* PE: time stamp and size of the image, which some captures know it by instead; NULL if none */
	size_t code_id_size;
	const char *debuglink;        /* file name from .gnu_debuglink; NULL if none */
	uint32_t debuglink_crc;
	const char *altlink;          /* file name from .gnu_debugaltlink; NULL if none */
	const uint8_t *altlink_id;
	size_t altlink_id_size;
	const char *debug_id;         /* Breakpad's symbol files, whose text is their section ".breakpad": the build that they are of; else NULL */
	uint64_t modified;            /* in seconds since 1970: the file, or the member of an archive; 0 unknown */
	bool is_one_of_several;       /* that are in the file */
	uint64_t file_start;          /* offset in the file that mappings of it count from: of an archive's member that only its build id told */
	bool is_go;                   /* a note says that Go's linker made it */
	bool is_debug_only;           /* loadable sections are NOBITS: a separate debug file */
	_Atomic uint64_t held;        /* bytes kept in memory for symbols and their names; grows */
	struct wb_image_file *holder; /* the image's bookkeeping for it; NULL while no image has it */
};

/* Which of several object files that are in one file is meant. Zeros: any. */
struct wb_object_choice {
	enum wb_arch arch;            /* WB_ARCH_UNKNOWN: any */
	const uint8_t *build_id;      /* NULL: any; goes before arch */
	size_t build_id_size;
	const char *member;           /* of an archive: its name; NULL: none is meant */
};

/* A file in an archive. */
struct wb_member {
	const char *name;             /* borrowed as long as the archive */
	uint64_t offset, size;        /* of its bytes in the archive */
};

struct wb_image_format {
	const char *name;
	/* Looks at the first bytes of a file (up to 4 KiB). */
	bool (*probe)(const uint8_t *bytes, size_t size);
	/* Takes file, also on failure. path is borrowed as long as the object. flags: enum wb_image_flags. */
	enum wb_err (*open)(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object);
	/* The same where a file holds several objects, each of which is of another format then. NULL: it holds one. */
	enum wb_err (*open_chosen)(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags,
	                           const struct wb_object_choice *choice, struct wb_object **ret_object);
	/* Opens what lies in a process's memory at address, from its header on; bytes of it may be absent anywhere. As open otherwise. NULL: not known. */
	enum wb_err (*open_loaded)(struct wb_diags *diags, const char *path, struct wb_file *file, uint64_t address, struct wb_object **ret_object);
	/* Of archives, which are opened as an object without anything in it where nothing says which of its objects is meant: the member that has the byte
	 * at offset. WB_NONE: none. NULL: the format is one of objects. */
	enum wb_err (*find_member)(struct wb_object *object, uint64_t offset, struct wb_member *ret_member);
	void (*close)(struct wb_object *object);
	/* The bytes of section `index`, decompressed and (ET_REL) relocated. Called at most once per section at a time, of several
	 * sections by several threads; the result is kept by the caller. */
	enum wb_err (*read_section)(struct wb_object *object, size_t index, struct wb_piece *ret_piece);
	/* Where a section's packed bytes are, if unpacking is all that has to be done to it. WB_NONE: it is to be read. NULL: none ever is. */
	enum wb_err (*read_packed)(struct wb_object *object, size_t index, struct wb_packed *ret_packed);
	/* Any thread, also several at a time: what it keeps is under a lock of the object's. */
	enum wb_err (*list_symbols)(struct wb_object *object, wb_symbol_fn fn, void *arg);
	/* The functions that the file tells the bounds of without a name (Mach-O's LC_FUNCTION_STARTS): symbols named "". NULL: none. */
	enum wb_err (*list_starts)(struct wb_object *object, wb_symbol_fn fn, void *arg);
	/* What debug information in other files there is to this one (Mach-O's debug map). NULL: the format has no such thing. */
	enum wb_err (*list_linked)(struct wb_object *object, wb_linked_fn fn, void *arg);
	/* The object that is packed into this one (ELF's .gnu_debugdata), for debug information; its symbols are listed with this one's. The
	 * path is borrowed from this one. WB_NONE: there is none. NULL: the format has no such thing. */
	enum wb_err (*open_inner)(struct wb_object *object, struct wb_object **ret_inner);
};
/* Ends with NULL. */
extern const struct wb_image_format *const wb_image_formats[];

/* Opens a file with the format that recognizes it. Takes file. WB_ERR_UNSUPPORTED with a diagnostic if none does. */
enum wb_err wb_object_open(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object);
/* The same of a file that may hold several. choice is borrowed for the call. */
enum wb_err wb_object_open_chosen(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags,
                                  const struct wb_object_choice *choice, struct wb_object **ret_object);
/* Opens what lies at address of a process's memory, which file has from there on. Takes file. WB_NONE: nothing that can be opened so, which is no fault. */
enum wb_err wb_object_open_loaded(struct wb_diags *diags, const char *path, struct wb_file *file, uint64_t address, struct wb_object **ret_object);
void wb_object_close(struct wb_object *object);
/* Whether it is of the build, as far as both ids go. */
bool wb_object_has_build_id(const struct wb_object *object, const uint8_t *build_id, size_t size);
/* One that is grouped is second choice. WB_NONE if there is no section of that name with bytes. */
enum wb_err wb_object_find_section(const struct wb_object *object, const char *name, size_t *ret_index);
/* Image pc of a mapping's file offset by the segments, tolerant as loaders are: segments are widened to pages of 64 KiB at most, and an executable
 * segment wins for executable mappings. WB_NONE if no segment holds it. */
enum wb_err wb_object_vaddr_of_offset(const struct wb_object *object, uint64_t offset, bool executable, uint64_t *ret_vaddr);
/* Image pc of the lowest page that is loaded: what addresses in Breakpad's symbol files, and those of Windows, count from. */
uint64_t wb_object_base(const struct wb_object *object);
/* File offset of an image pc; WB_NONE if the file has no bytes for it. */
enum wb_err wb_object_offset_of_vaddr(const struct wb_object *object, uint64_t vaddr, uint64_t *ret_offset);
/* How many of size bytes from offset on are there: of a file all, or what it says of itself is wrong; of memory those before the first page that is absent. */
uint64_t wb_object_present(const struct wb_object *object, uint64_t offset, uint64_t size);
/* count bytes of the loaded image at vaddr; WB_NONE if the file does not have them all. */
enum wb_err wb_object_read(const struct wb_object *object, uint64_t vaddr, void *buffer, size_t count);

#endif
