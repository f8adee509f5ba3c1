/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the minidump reader share. The format is Microsoft's (minidumpapiset.h in the Windows SDK, "MINIDUMP_HEADER" and on), with the
 * streams that Breakpad (0x4767....) and Crashpad (0x4350....) add. Everything in it is a location, {size, offset in the file}; a location is read
 * when it is needed, and what lies outside of the file is reported once and taken as absent, so that a damaged dump shows what it still has.
 */
#ifndef FORMATS_CAPTURE_MINIDUMP_H
#define FORMATS_CAPTURE_MINIDUMP_H

#include "formats/capture.h"

#include "base/bytes.h"
#include "formats/out.h"

enum {
	WB_MINIDUMP_STREAMS_MAX = 4096,     /* in a directory: writers have some 30 kinds */
	WB_MINIDUMP_STRING_MAX = 64 << 10,  /* bytes of UTF-16: paths have 32,767 units at most */
	WB_MINIDUMP_REGS_MAX = 40,          /* of a context */
};

/* Streams by type. */
enum wb_minidump_stream {
	WB_MINIDUMP_THREADS = 3, WB_MINIDUMP_MODULES = 4, WB_MINIDUMP_MEMORY = 5, WB_MINIDUMP_EXCEPTION = 6, WB_MINIDUMP_SYSTEM = 7,
	WB_MINIDUMP_MEMORY_64 = 9, WB_MINIDUMP_UNLOADED = 14, WB_MINIDUMP_MISC = 15, WB_MINIDUMP_MEMORY_INFO = 16,
	WB_MINIDUMP_THREAD_NAMES = 24, WB_MINIDUMP_CRASHPAD = 0x43500001, WB_MINIDUMP_BREAKPAD = 0x47670001, WB_MINIDUMP_ASSERTION = 0x47670002,
	WB_MINIDUMP_STATUS = 0x47670004, WB_MINIDUMP_LSB_RELEASE = 0x47670005, WB_MINIDUMP_CMD_LINE = 0x47670006, WB_MINIDUMP_ENVIRON = 0x47670007, WB_MINIDUMP_AUXV = 0x47670008,
	WB_MINIDUMP_MAPS = 0x47670009,
};

struct wb_minidump_location { uint32_t size, offset; };

struct wb_minidump_thread {
	uint32_t tid;
	const char *name;             /* NULL: unknown */
	uint64_t stack;               /* address that the dump says its stack's memory begins at */
	struct wb_minidump_location context;
};

/* A piece of the process's memory in the file. */
struct wb_minidump_region { uint64_t start, size, offset; };

struct wb_minidump {
	struct wb_capture_input *input;
	bool big_endian;
	struct wb_platform platform;
	uint16_t cpu;                 /* PROCESSOR_ARCHITECTURE_* */
	uint32_t platform_id;         /* VER_PLATFORM_*, or Breakpad's */
	struct wb_dump dump;
	struct wb_minidump_location *streams; /* with their types, in the directory's order */
	uint32_t *types;
	size_t num_streams;

	struct wb_minidump_thread *threads; /* the one that crashed first */
	size_t num_threads, threads_capacity;
	struct wb_minidump_location crash_context;
	uint32_t crash_tid, dump_tid; /* valid if has_... */
	bool has_crash_tid, has_dump_tid;

	struct wb_minidump_region *regions; /* sorted, disjoint */
	size_t num_regions, regions_capacity;

	struct wb_dump_module *modules, *unloaded;
	size_t num_modules, modules_capacity, num_unloaded, unloaded_capacity;
	const struct wb_dump_module **by_start; /* the modules, sorted by where they start */
	struct wb_capture_module *listed; /* the modules as captures have them */
	const char **environment;
	uint64_t *auxv;
	struct wb_label *notes;
	size_t num_notes, notes_capacity;
	char **strings;               /* all that is pointed to above */
	size_t num_strings, strings_capacity;
	const char *program, *command_line, *os_release, *crash_reason;
	uint32_t pid;
	uint64_t dumped;              /* bytes of memory in the dump */
	bool is_truncated;            /* the file ends before something that it should have */
	struct wb_space *space;

	size_t next;                  /* thread */
	uint64_t given;
};

/* Reports what is wrong at an offset of the file; gives err back. */
enum wb_err wb_minidump_report(const struct wb_minidump *m, enum wb_err err, enum wb_diag_code code, uint64_t offset, const char *text);
/* The bytes of a location; WB_NONE (reported) if the file ends before, or if they are more than the memory limit. */
enum wb_err wb_minidump_piece(struct wb_minidump *m, uint64_t offset, uint64_t size, const char *what, struct wb_piece *ret_piece);
/* Keeps the string for as long as the dump; takes it. NULL when out of memory, or if it is NULL. */
const char *wb_minidump_keep(struct wb_minidump *m, char *string);
const char *wb_minidump_keep_out(struct wb_minidump *m, struct wb_out *out);
/* A counted string at an offset, "" if there is none: MINIDUMP_STRING (UTF-16), and Crashpad's MinidumpUTF8String. */
enum wb_err wb_minidump_string(struct wb_minidump *m, uint32_t offset, const char **ret_string);
enum wb_err wb_minidump_string8(struct wb_minidump *m, uint32_t offset, const char **ret_string);
/* UTF-16 units until 0 or count. */
void wb_minidump_utf16(struct wb_bytes *b, size_t count, struct wb_out *out);
enum wb_err wb_minidump_note(struct wb_minidump *m, const char *key, const char *value);

/* The reader of a stream: WB_OK, or an error that ends the reading of the dump (out of memory); what is damaged it reports itself. */
typedef enum wb_err (*wb_minidump_stream_fn)(struct wb_minidump *m, struct wb_bytes *b);

/* capture_minidump_system.c: machine, system, why it was dumped */
enum wb_err wb_minidump_read_system(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_read_misc(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_read_exception(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_read_breakpad(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_read_assertion(struct wb_minidump *m, struct wb_bytes *b);

/* capture_minidump_module.c */
enum wb_err wb_minidump_read_modules(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_read_unloaded(struct wb_minidump *m, struct wb_bytes *b);

/* capture_minidump_memory.c: memory, and what is mapped where */
enum wb_err wb_minidump_read_memory(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_read_memory_64(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_add_region(struct wb_minidump *m, uint64_t start, uint64_t size, uint64_t offset);
enum wb_err wb_minidump_sort_regions(struct wb_minidump *m);
/* The region that holds address; NULL if none does. */
const struct wb_minidump_region *wb_minidump_region_at(const struct wb_minidump *m, uint64_t address);
enum wb_err wb_minidump_map_modules(struct wb_minidump *m);
enum wb_err wb_minidump_map_info(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_map_lines(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_map_memory(struct wb_minidump *m);

/* capture_minidump_notes.c: what is said beside: Crashpad's annotations, Linux's texts */
enum wb_err wb_minidump_read_crashpad(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_read_lsb(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_read_status(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_read_environ(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_read_auxv(struct wb_minidump *m, struct wb_bytes *b);
enum wb_err wb_minidump_read_cmd_line(struct wb_minidump *m, struct wb_bytes *b);

/* capture_minidump_context.c: the architecture of a processor; registers of a context, at most WB_MINIDUMP_REGS_MAX. *ret_count 0: not understood. */
enum wb_arch wb_minidump_arch(uint16_t cpu);
void wb_minidump_context(const struct wb_minidump *m, struct wb_bytes *b, struct wb_reg *regs, size_t *ret_count);

#endif
