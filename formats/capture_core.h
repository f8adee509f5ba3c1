/* SPDX-License-Identifier: MIT */
/*
 * ELF cores inside, shared by the capture_core*.c files; nobody else includes this. The numbers are those of the ELF specification (System V
 * ABI, chapter 5, "Note Section") and of Linux (include/uapi/linux/elf.h, elfcore.h, auxvec.h).
 */
#ifndef FORMATS_CAPTURE_CORE_H
#define FORMATS_CAPTURE_CORE_H

#include "formats/capture.h"

#include "base/bytes.h"
#include "model/arch.h"

#include <stdatomic.h>

enum {
	CORE_PATH_MAX = 4096,         /* Linux's PATH_MAX */
	CORE_HEADERS_MAX = 64,        /* program headers of a module; those of the largest programs are some twenty */
	CORE_BUILD_ID_MAX = 64,
};

/* ---- Memory ---- */

/* A PT_LOAD of the core: addresses, of which the first `size` bytes are in the file. */
struct core_segment {
	uint64_t start, end;          /* addresses; disjoint and sorted in the table */
	uint64_t offset, size;        /* bytes in the file, cut to what the file has: what is past them is absent */
	uint32_t prot;                /* enum wb_prot */
};

/* The process's memory as the core has it. Counted: spaces that callers keep read from it after the capture is gone. */
struct core_memory {
	atomic_uint refs;
	struct wb_file *file;         /* owned */
	struct core_segment *segments;
	size_t num_segments, capacity;
};

void wb_core_memory_unref(struct core_memory *memory);
/* The segment that holds address, or NULL. */
const struct core_segment *wb_core_segment_at(const struct core_memory *memory, uint64_t address);
/* The first segment that ends above address; memory->num_segments past the last. */
size_t wb_core_segment_above(const struct core_memory *memory, uint64_t address);
/* Bytes of the core's own; WB_NONE when any of them is absent. wb_memory's callback: arg is a core_memory. */
enum wb_err wb_core_read(void *arg, uint64_t address, void *buffer, size_t count);

/* ---- What the notes say ---- */

struct core_thread {
	uint32_t tid;
	int32_t signal;               /* pr_cursig */
	bool has_siginfo;             /* a siginfo with a signal in it comes after its registers */
	uint64_t regs_offset;         /* of its registers, in the file: read when the thread is given */
};

struct core_siginfo {
	bool is_known;
	int32_t signal, code;
	uint64_t address;             /* si_addr, of the signals that have one */
	uint32_t sender;              /* si_pid, of those that were sent */
	uint32_t tid;                 /* of the thread whose it is */
};

/* Members of the auxiliary vector; 0: not there. */
struct core_auxv { uint64_t phdr, phent, phnum, base, entry, execfn, sysinfo_ehdr; };

/* A range of NT_FILE. */
struct core_file {
	uint64_t start, end, offset;  /* bytes */
	const char *path;             /* in the note */
};

/* ---- Stacks ---- */

/* What a sample is of: a thread, a goroutine, or a thread and the goroutine that it runs. */
enum { CORE_NONE = UINT32_MAX };
struct core_stack { uint32_t thread, goroutine; };

/* ---- Modules ---- */

struct core_header {                  /* a program header of a module */
	uint32_t type, prot;
	uint64_t offset, vaddr, filesz, memsz;
};

struct core_module {
	uint64_t start;               /* where its ELF header is; where its first range is if that is not known */
	uint64_t bias;                /* address - image pc, if it has headers */
	uint64_t file_offset;         /* of its ELF header in the file; not 0: it is in an archive */
	uint64_t dynamic;             /* address of its dynamic section; 0: it has none */
	struct wb_image *image;       /* referenced */
	char *path;                   /* from NT_FILE, else from the dynamic linker; "" if unknown */
	char *link_name;              /* what the dynamic linker calls it; NULL: nothing */
	struct core_header *headers;  /* NULL: not in the dump */
	size_t num_headers;
};

struct core {
	struct wb_capture_input *input;
	struct core_memory *memory;   /* referenced */
	struct wb_platform platform;
	const struct wb_arch_info *arch;
	bool is_64;
	bool is_truncated;            /* the file ends before the last segment does */
	struct core_thread *threads;
	size_t num_threads, threads_capacity;
	size_t crashed;               /* the thread that comes first */
	size_t num_notes;             /* read so far */
	uint32_t pid;
	char comm[17], args[81];      /* pr_fname, pr_psargs */
	char reason[160];             /* what happened, for people; "" if nothing did */
	struct core_siginfo siginfo;
	struct core_auxv auxv;
	uint64_t code_mask;           /* NT_ARM_PAC_MASK: bits of code addresses that are signatures; 0: not said */
	struct wb_piece file_note;    /* what the files' paths point into */
	struct core_file *files;      /* NT_FILE, sorted by start, disjoint */
	size_t num_files;
	struct core_module *modules;
	size_t num_modules, modules_capacity;
	struct wb_capture_module *shown; /* the modules as wb_capture_info gives them */
	struct wb_dump dump;          /* what is told as other systems' dumps tell it, and what that points to */
	struct wb_dump_module *dump_modules;
	struct core_dump_texts *dump_texts;
	char crash_type[64];
	struct wb_space *space;       /* mappings and memory */
	struct wb_mapping *mappings;  /* to be added to it; images are borrowed from the modules */
	size_t num_mappings, mappings_capacity;
	size_t num_mapped;            /* mappings so far */
	struct wb_goroutines *goroutines; /* NULL: not asked for, or none are there */
	struct core_stack *stacks;    /* in the order in which they are given; NULL: not listed yet */
	size_t num_stacks;
	size_t given;                 /* stacks handed out */
};

static inline bool core_is_big_endian(const struct core *core) { return core->platform.big_endian; }
static inline struct wb_bytes core_bytes(const struct core *core, const void *bytes, size_t size)
{
	return wb_bytes_of(bytes, size, core_is_big_endian(core));
}
/* An address, offset or size of the core's class. */
static inline uint64_t core_word(const struct core *core, struct wb_bytes *b) { return core->is_64 ? wb_bytes_u64(b) : wb_bytes_u32(b); }
static inline unsigned core_word_size(const struct core *core) { return core->is_64 ? 8 : 4; }

/* Reports about the file; returns err. offset UINT64_MAX: unknown. */
enum wb_err wb_core_report(const struct core *core, enum wb_err err, enum wb_diag_code code, uint64_t offset, const char *text);

/* capture_core_elf.c: the ELF header, the segments, and the notes' places. */
enum wb_err wb_core_read_headers(struct core *core);
/* Reads one program header of the core's class. */
struct core_header wb_core_read_header(const struct core *core, struct wb_bytes *b);
size_t wb_core_header_size(const struct core *core);

/* capture_core_notes.c: the notes at a place of the file. Damage ends them, and is reported; memory and reading errors are returned. */
enum wb_err wb_core_read_notes(struct core *core, uint64_t offset, uint64_t size);

/* capture_core_modules.c: modules and mappings; makes core->space. */
enum wb_err wb_core_read_modules(struct core *core);
void wb_core_modules_deinit(struct core *core);
/* A new module, which the caller fills, until the next one is added. Takes headers. WB_NONE: more modules than any process has. */
enum wb_err wb_core_add_module(struct core *core, uint64_t start, const char *path, struct core_header *headers, size_t num_headers,
                               struct core_module **ret_module);
/* The program headers of the ELF file that starts at address, if the dump has them. WB_NONE: it does not. */
enum wb_err wb_core_read_module_headers(const struct core *core, uint64_t address, struct core_header **ret_headers, size_t *ret_count);
/* Gives a module its image, if it has none, and maps what its headers say. */
enum wb_err wb_core_map_by_headers(struct core *core, struct core_module *module);
/* Notes one mapping for core->space; image NULL: anonymous. */
enum wb_err wb_core_map_file(struct core *core, uint64_t start, uint64_t end, uint64_t file_offset, uint32_t prot, struct wb_image *image);
/* Maps what was noted since the last time: many at once cost one version of the space that stays, not one each. */
enum wb_err wb_core_flush_mappings(struct core *core);

/* capture_core_go.c: what is to be given, in order; reads the goroutines if they are asked for. */
enum wb_err wb_core_list_stacks(struct core *core);
/* A goroutine, with all that it points to, for as long as the batch. WB_NONE: it is not in memory. */
enum wb_err wb_core_take_goroutine(const struct core *core, uint32_t index, struct wb_capture_batch *batch, struct wb_goroutine **ret_goroutine);

/* capture_core_dump.c: core->dump, once the modules are known. */
enum wb_err wb_core_describe(struct core *core);

/* capture_core_links.c: what the dynamic linker knows of the modules: names, and those that NT_FILE does not have. */
enum wb_err wb_core_read_links(struct core *core);

#endif
