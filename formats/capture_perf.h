/* SPDX-License-Identifier: MIT */
/*
 * perf.data inside: what the files capture_perf_*.c share. "perf" in comments is Linux's tools/perf, "the ABI" its
 * include/uapi/linux/perf_event.h; the file around the records is described in tools/perf/Documentation/perf.data-file-format.txt.
 *
 *   feed (file windows, stream, zstd) -> records -> queue (time order) -> process (spaces) and sample (contexts, memory, frames) -> batch
 */
#ifndef FORMATS_CAPTURE_PERF_H
#define FORMATS_CAPTURE_PERF_H

#include "base/bytes.h"
#include "base/inflate.h"
#include "base/lock.h"
#include "formats/capture.h"
#include "model/arch.h"

#include <stdatomic.h>

/* ---- Constants of the ABI and of perf ----------------------------------------------------------------------------- */

enum wb_perf_record_type {
	WB_PERF_MMAP = 1, WB_PERF_LOST = 2, WB_PERF_COMM = 3, WB_PERF_EXIT = 4, WB_PERF_FORK = 7, WB_PERF_SAMPLE = 9, WB_PERF_MMAP2 = 10,
	WB_PERF_LOST_SAMPLES = 13, WB_PERF_KSYMBOL = 17, WB_PERF_CALLCHAIN_DEFERRED = 22,
	WB_PERF_USER_TYPES = 64,      /* from here on: written by perf itself, never in time order */
	WB_PERF_HEADER_ATTR = 64, WB_PERF_TRACING_DATA = 66, WB_PERF_BUILD_ID = 67, WB_PERF_FINISHED_ROUND = 68, WB_PERF_AUXTRACE = 71,
	WB_PERF_EVENT_UPDATE = 78, WB_PERF_FEATURE = 80, WB_PERF_COMPRESSED = 81, WB_PERF_COMPRESSED2 = 83,
	/* From here on those of Android's simpleperf, of which only the headers are looked at (its record.h). */
	WB_PERF_SIMPLEPERF = 32768, WB_PERF_SIMPLEPERF_END = 33024,
};

enum wb_perf_misc {
	WB_PERF_CPUMODE = 7, WB_PERF_KERNEL = 1, WB_PERF_USER = 2, WB_PERF_HYPERVISOR = 3, WB_PERF_GUEST_KERNEL = 4, WB_PERF_GUEST_USER = 5,
	WB_PERF_MISC_MMAP_DATA = 1 << 13,       /* MMAP: not executable */
	WB_PERF_MISC_COMM_EXEC = 1 << 13,       /* COMM: by exec */
	WB_PERF_MISC_FORK_EXEC = 1 << 13,       /* FORK: made up by perf for a thread that was there; nothing is inherited */
	WB_PERF_MISC_MMAP_BUILD_ID = 1 << 14,   /* MMAP2: a build id instead of device and inode */
	WB_PERF_MISC_BUILD_ID_SIZE = 1 << 15,   /* BUILD_ID: the size is given */
};

enum wb_perf_sample_type {
	WB_PERF_S_IP = 1 << 0, WB_PERF_S_TID = 1 << 1, WB_PERF_S_TIME = 1 << 2, WB_PERF_S_ADDR = 1 << 3, WB_PERF_S_READ = 1 << 4,
	WB_PERF_S_CALLCHAIN = 1 << 5, WB_PERF_S_ID = 1 << 6, WB_PERF_S_CPU = 1 << 7, WB_PERF_S_PERIOD = 1 << 8, WB_PERF_S_STREAM_ID = 1 << 9,
	WB_PERF_S_RAW = 1 << 10, WB_PERF_S_BRANCH_STACK = 1 << 11, WB_PERF_S_REGS_USER = 1 << 12, WB_PERF_S_STACK_USER = 1 << 13,
	WB_PERF_S_IDENTIFIER = 1 << 16,
};

enum {
	WB_PERF_HEADER_SIZE = 8,      /* of a record: type u32, misc u16, size u16 */
	WB_PERF_RECORD_MAX = 65535,
	WB_PERF_REGS_MAX = 64,        /* bits of sample_regs_user */
	WB_PERF_BUILD_ID_MAX = 20,
	/* Bytes read at a time: twice the largest record. Small, because in time order one window per processor is in use at once. */
	WB_PERF_WINDOW_SIZE = 1 << 17,
};

/* ---- Windows: bytes of the recording in memory (capture_perf_window.c) ------------------------------------------- */

/* Bytes that batches may pin; counted, freed from any thread. */
struct wb_perf_buffer {
	atomic_uint refs;
	struct wb_perf_windows *windows;
	struct wb_perf_buffer *next;  /* while free */
	uint8_t *bytes;
	size_t capacity;              /* bytes */
	struct wb_file *file;         /* bytes are a part of its mapping; NULL: allocated with this struct */
	uint64_t file_offset;         /* of bytes in the file */
};

/* A run of whole records. One of a file can be put out of memory and read again, while its records wait in the queue. */
struct wb_perf_window {
	struct wb_perf_buffer *buffer; /* NULL: put out of memory */
	uint64_t position;            /* of its first byte, in the file or stream; UINT64_MAX: was compressed */
	size_t size;                  /* bytes that belong to whole records: what reading again needs */
	uint64_t batch;               /* number of the last batch that pins the buffer */
	uint32_t users;               /* queued records, and 1 for the feed that fills it */
	struct wb_file *file;         /* borrowed: where the bytes can be read again; NULL: nowhere */
	bool filling;                 /* the feed reads records from it: stays in memory */
	struct wb_perf_window *older, *newer; /* windows with a buffer, by last use; `newer` also links free ones */
};

struct wb_perf_windows {
	struct wb_lock lock;          /* of free_buffers */
	struct wb_perf_buffer *free_buffers;
	size_t num_free;
	struct wb_perf_window *free_windows;
	struct wb_perf_window *oldest, *newest;
	size_t resident, kept;        /* bytes in buffers of windows; those of them that cannot be read again */
	size_t budget;                /* resident bytes past which windows of files are put out */
};

void wb_perf_windows_init(struct wb_perf_windows *windows, uint64_t max_memory);
/* All windows must have been released. */
void wb_perf_windows_deinit(struct wb_perf_windows *windows);
/* An empty window (one user) with room for the largest record and more. */
enum wb_err wb_perf_window_new(struct wb_perf_windows *windows, uint64_t position, struct wb_perf_window **ret_window);
/* A window of a file (one user): up to WB_PERF_WINDOW_SIZE bytes from position on, at most `left`; size is how many. */
enum wb_err wb_perf_window_load(struct wb_perf_windows *windows, struct wb_file *file, uint64_t position, uint64_t left,
				struct wb_perf_window **ret_window);
/* Brings the bytes back if they are not there, and marks them as used. */
enum wb_err wb_perf_window_use(struct wb_perf_windows *windows, struct wb_perf_window *window);
/* One user less; the last one gives the window up. */
void wb_perf_window_release(struct wb_perf_windows *windows, struct wb_perf_window *window);
/* Keeps the bytes until the batch (number `batch` of this capture) is freed. */
enum wb_err wb_perf_window_pin(struct wb_perf_window *window, struct wb_capture_batch *to, uint64_t batch);

/* ---- The folder form (capture_perf_folder.c) ------------------------------------------------------------------------- */

struct wb_perf_folder {
	struct wb_capture_input input; /* as given, with the file "data" */
	struct wb_file **files;       /* "data.0" and up */
	size_t count, capacity;
	size_t next;                  /* file to read next */
	uint64_t size;                /* bytes of all files */
	uint64_t done;                /* bytes of those that were read */
};
enum wb_err wb_perf_folder_probe(const char *folder);
/* Deinit it on failure too. */
enum wb_err wb_perf_folder_open(struct wb_perf_folder *folder, const struct wb_capture_input *given);
void wb_perf_folder_deinit(struct wb_perf_folder *folder);

/* ---- Feed: records, out of a file, a stream, or compressed ones (capture_perf_feed.c) ---------------------------- */

struct wb_perf_record {
	const uint8_t *bytes;         /* the whole record; borrowed as long as the window has its buffer and a user */
	struct wb_perf_window *window;
	uint32_t offset;              /* in the window */
	uint32_t type;
	uint16_t misc, size;
	uint64_t position;            /* for messages: in the file, or of the compressed record that it came out of */
};

/* One run of bytes that holds records. */
struct wb_perf_run {
	struct wb_perf_window *window; /* NULL: none yet */
	size_t at, filled;            /* in the window: next record; bytes that are there */
	uint32_t skip;                /* bytes that come before it: the rest of a record too long for a window */
};

struct wb_perf_feed {
	struct wb_capture_input *input;
	struct wb_perf_windows *windows;
	bool big_endian;
	bool end;                     /* the stream ended */
	struct wb_file *file;         /* borrowed; NULL: the input's stream */
	uint64_t start;               /* position of the first record */
	uint64_t stop;                /* file: where the records end */
	size_t head_used;             /* stream: bytes of input->head that were taken */
	struct wb_perf_run outer, inner;
	struct wb_inflate_stream *inflate; /* NULL: no compressed record yet */
	struct wb_perf_window *packed; /* holds the compressed record that is being inflated; NULL: none */
	size_t packed_at, packed_left; /* bytes of it in packed */
	bool inflate_more;            /* the last piece filled its room: there may be more */
	uint64_t packed_position;
	bool last_was_inner;          /* the last record was a compressed one */
};

void wb_perf_feed_init(struct wb_perf_feed *feed, struct wb_capture_input *input, struct wb_perf_windows *windows, bool big_endian);
/* Goes on with the records at [start, stop) of a file. */
void wb_perf_feed_file(struct wb_perf_feed *feed, struct wb_file *file, uint64_t start, uint64_t stop);
void wb_perf_feed_deinit(struct wb_perf_feed *feed);
/* WB_OK: the next record, decompressed. It stays while its window has users: take one to keep it past the next call. WB_NONE: a clean end.
 * WB_ERR_DATA: no record can be found any more (reported). */
enum wb_err wb_perf_feed_next(struct wb_perf_feed *feed, struct wb_perf_record *ret_record);
/* Skips bytes that follow the last record and are not records (compressed records have no such bytes: does nothing). */
enum wb_err wb_perf_feed_skip(struct wb_perf_feed *feed, uint64_t size);
/* How far reading has come, in the file or stream. */
uint64_t wb_perf_feed_position(const struct wb_perf_feed *feed);

/* ---- Queue: time order by rounds (capture_perf_queue.c) ------------------------------------------------------------ */

struct wb_perf_entry {
	uint64_t time;
	struct wb_perf_window *window; /* one user */
	uint32_t offset;              /* of the record in the window */
};

struct wb_perf_queue {
	struct wb_perf_entry *entries, *scratch;
	size_t capacity, scratch_capacity;
	size_t count;
	size_t next, ready;           /* entries [next, ready) may be delivered */
	uint64_t flush_to;            /* at the next mark: what was the latest time at the last one */
	uint64_t latest;              /* time of all so far */
};

void wb_perf_queue_deinit(struct wb_perf_queue *queue, struct wb_perf_windows *windows);
/* Takes one user of the window on success. Only when nothing is ready. */
enum wb_err wb_perf_queue_add(struct wb_perf_queue *queue, uint64_t time, struct wb_perf_window *window, uint32_t offset);
/* A FINISHED_ROUND: what is not later than everything before the mark before this one becomes ready. */
enum wb_err wb_perf_queue_round(struct wb_perf_queue *queue);
/* Everything, or the earlier half (when memory is short), becomes ready. */
enum wb_err wb_perf_queue_all(struct wb_perf_queue *queue);
enum wb_err wb_perf_queue_half(struct wb_perf_queue *queue);
/* The next ready entry, or NULL; the caller takes over its user. Borrowed until the next call. */
const struct wb_perf_entry *wb_perf_queue_next(struct wb_perf_queue *queue);

/* ---- Events: what an attr says about the layout of records (capture_perf_event.c) --------------------------------- */

/* Which sampled register is which of an architecture. */
struct wb_perf_regs_plan {
	const struct wb_arch_info *arch; /* for which this was worked out; NULL: not yet */
	uint8_t count;
	uint8_t sp;                   /* item that is the stack pointer; UINT8_MAX: none */
	struct { uint32_t number; uint8_t at; } items[WB_PERF_REGS_MAX]; /* DWARF number; which of the sampled words */
};

struct wb_perf_event {
	uint32_t attr_type;           /* PERF_TYPE_* */
	uint64_t config, period, sample_type, read_format, branch_type, regs_user;
	uint32_t stack_user;          /* bytes asked for */
	bool period_is_freq, sample_id_all, no_kernel_chain;
	char *name;
	bool named;                   /* by the recording; else derived from type and config */
	bool wanted;                  /* the options let it through */
	uint64_t samples;
	/* Where a SAMPLE has its fixed fields: bytes from the record's start; 0: nowhere. */
	uint16_t at_ip, at_tid, at_time, at_id, at_cpu, at_period, at_rest;
	/* Where another record has them, with sample_id_all: bytes back from its end; 0: nowhere. */
	uint16_t back_time, back_id, trailer;
	uint8_t num_regs;             /* bits in regs_user */
	struct wb_perf_regs_plan regs_plan; /* for the architecture of its last sample */
};

struct wb_perf_events {
	struct wb_perf_event *items;
	size_t count, capacity;
	struct wb_perf_id { uint64_t id; uint32_t event; uint32_t used; } *ids; /* open addressing; a power of two */
	size_t ids_capacity, num_ids;
	size_t ids_seen;              /* also those that were there before */
	uint64_t last_id;             /* and its event: the same one comes again and again */
	uint32_t last_event;
	bool has_last;
	bool big_endian;
};

void wb_perf_events_deinit(struct wb_perf_events *events);
/* Adds an event from attr bytes (perf_event_attr, as long as it says, at most `size`). */
enum wb_err wb_perf_events_add(struct wb_perf_events *events, const struct wb_capture_input *input, const uint8_t *attr, size_t size,
			       uint32_t *ret_index);
enum wb_err wb_perf_events_add_id(struct wb_perf_events *events, uint64_t id, uint32_t event);
enum wb_err wb_perf_events_set_name(struct wb_perf_events *events, const struct wb_capture_input *input, uint32_t index, const char *name,
				    size_t size);
/* The index of the event with this id; WB_NONE if no event has it. */
enum wb_err wb_perf_events_find(struct wb_perf_events *events, uint64_t id, uint32_t *ret_index);
/* The event that describes a record; WB_NONE if its id is not known. */
enum wb_err wb_perf_events_of(struct wb_perf_events *events, const struct wb_perf_record *record, uint32_t *ret_index);
/* The record's time; UINT64_MAX if it has none. */
uint64_t wb_perf_event_time(const struct wb_perf_event *event, const struct wb_perf_record *record, bool big_endian);

/* ---- Tables (capture_perf_table.c) ---------------------------------------------------------------------------------- */

/* Values by a 32-bit key: open addressing, deletion without tombstones. */
struct wb_perf_table {
	struct wb_perf_slot { uint32_t key; void *value; } *slots; /* value NULL: free */
	size_t capacity, count;
};
void wb_perf_table_deinit(struct wb_perf_table *table);
/* NULL if the key is not there. */
void *wb_perf_table_find(const struct wb_perf_table *table, uint32_t key);
/* The key must not be there. */
enum wb_err wb_perf_table_put(struct wb_perf_table *table, uint32_t key, void *value);
void wb_perf_table_remove(struct wb_perf_table *table, uint32_t key);

/* Strings, each kept once. */
struct wb_perf_strings {
	char **slots;                 /* open addressing; NULL: free */
	size_t capacity, count;
};
void wb_perf_strings_deinit(struct wb_perf_strings *strings);
/* *ret_kept lives as long as the table. */
enum wb_err wb_perf_strings_keep(struct wb_perf_strings *strings, const char *string, size_t size, const char **ret_kept);

/* Which file has which build id, from the BUILD_ID feature or records. */
struct wb_perf_build_id {
	char *path;                   /* owned */
	bool kernel;                  /* of the kernel or a module, else of a process's file */
	uint8_t size, bytes[WB_PERF_BUILD_ID_MAX];
};
struct wb_perf_build_ids {
	struct wb_perf_build_id *items;
	size_t count, capacity;
	size_t held;                  /* bytes of all paths */
	uint32_t *index;              /* open addressing: number + 1; 0 is free */
	size_t index_capacity;
};
void wb_perf_build_ids_deinit(struct wb_perf_build_ids *ids);
/* Copies path and bytes. The first build id of a path stays. */
enum wb_err wb_perf_build_ids_add(struct wb_perf_build_ids *ids, const char *path, bool kernel, const uint8_t *bytes, uint8_t size);
/* NULL if unknown. Borrowed until the next is added. */
const struct wb_perf_build_id *wb_perf_build_ids_find(const struct wb_perf_build_ids *ids, const char *path, bool kernel);

/* The recording's images that hold code, each once: for wb_capture_info. */
struct wb_perf_modules {
	struct wb_capture_module *items; /* images are referenced, paths are theirs */
	size_t count, capacity;
	struct wb_perf_table by_id;   /* which images are among the items */
};
void wb_perf_modules_deinit(struct wb_perf_modules *modules);
/* address and pid: where it was seen first. */
enum wb_err wb_perf_modules_add(struct wb_perf_modules *modules, struct wb_image *image, uint64_t address, uint32_t pid);

/* ---- Header: the file around the records (capture_perf_header.c) --------------------------------------------------- */

struct wb_perf_header {
	bool big_endian, pipe;
	bool cut;                     /* features lie outside the file */
	uint64_t data_offset, data_size; /* data_size 0: never written, the recording was not finished */
	enum wb_arch arch;
	char *hostname, *os_release, *command_line; /* NULL: unknown */
	struct wb_perf_build_ids build_ids;
};

bool wb_perf_header_probe(const uint8_t *head, size_t size);
/* Reads the header and, of a file, attrs and features. */
enum wb_err wb_perf_header_read(struct wb_perf_header *header, struct wb_capture_input *input, struct wb_perf_events *events);
void wb_perf_header_deinit(struct wb_perf_header *header);
/* A feature's data, from a feature section or record. Features that do not matter are ignored. */
enum wb_err wb_perf_header_feature(struct wb_perf_header *header, struct wb_capture_input *input, struct wb_perf_events *events, uint64_t feature,
				   struct wb_bytes bytes);
/* The body of a BUILD_ID record. */
enum wb_err wb_perf_header_build_id(struct wb_perf_header *header, uint16_t misc, struct wb_bytes body);

/* ---- Processes: who is mapped where (capture_perf_process.c) --------------------------------------------------------- */

/* A version of a process's space for one architecture. */
struct wb_perf_version {
	struct wb_space *space;       /* NULL: none yet */
	uint64_t changes;             /* of the process, that are in it */
	uint64_t batch;               /* number of the last batch that pins it */
};

struct wb_perf_process {
	uint32_t pid;
	uint32_t threads;             /* in the table of threads */
	uint64_t changes;             /* counts versions of its mappings, the kernel's included */
	uint64_t kernel_changes;      /* what of the kernel's mappings is in versions[0] */
	bool compat;                  /* runs 32-bit code just now: versions[1] is the one in use */
	struct wb_perf_version versions[2]; /* [0] for the machine's architecture, [1] for its 32-bit one, made from it when needed */
	struct wb_mapping *pending;   /* not in any version yet; images are referenced */
	size_t num_pending, pending_capacity;
	uint64_t held;                /* bytes that its versions take, about */
};

struct wb_perf_thread {
	uint32_t tid;
	struct wb_perf_process *process;
	const char *comm;             /* kept as long as the capture */
	uint64_t ended;               /* number among the ended; 0: alive */
};

struct wb_perf_processes {
	struct wb_capture_input *input;
	struct wb_perf_header *header;
	struct wb_perf_modules modules;
	struct wb_perf_strings strings;
	struct wb_perf_table by_pid, by_tid;
	uint64_t held;                /* bytes that all this takes, about */
	struct wb_perf_thread *last;  /* of the last lookup; NULL: none */
	uint32_t *ended;              /* ring of the tids that ended and are still known */
	uint64_t num_ended;
	struct wb_space *kernel;      /* parent of all; NULL: no kernel mappings yet */
	uint64_t kernel_changes;
};

void wb_perf_processes_init(struct wb_perf_processes *processes, struct wb_capture_input *input, struct wb_perf_header *header);
void wb_perf_processes_deinit(struct wb_perf_processes *processes);
/* MMAP, MMAP2, FORK, COMM, EXIT, KSYMBOL; body is the record without its header and trailer. WB_ERR_DATA: malformed (not reported). */
enum wb_err wb_perf_processes_record(struct wb_perf_processes *processes, uint32_t type, uint16_t misc, struct wb_bytes body);
/* The thread; made if it is not known. Borrowed until the next record. */
enum wb_err wb_perf_processes_thread(struct wb_perf_processes *processes, uint32_t pid, uint32_t tid, struct wb_perf_thread **ret_thread);
/* The current space of a process. abi: of the sample's registers; 0: it does not tell. Borrowed until the next record. */
enum wb_err wb_perf_processes_space(struct wb_perf_processes *processes, struct wb_perf_process *process, uint64_t abi,
				    struct wb_perf_version **ret_version);
/* The architecture of a task. abi 1 (PERF_SAMPLE_REGS_ABI_32): the 32-bit one of a 64-bit machine. */
enum wb_arch wb_perf_arch(enum wb_arch machine, uint64_t abi);

/* ---- Samples (capture_perf_sample.c, capture_perf_deferred.c) ------------------------------------------------------ */

/* A SAMPLE taken apart; pointers are into the record. */
struct wb_perf_parts {
	uint64_t ip, time, period;
	uint32_t pid, tid, cpu;
	const uint8_t *chain;         /* num_chain addresses and marks */
	uint64_t num_chain;
	const uint8_t *branches;      /* num_branches of {from, to, flags} */
	uint64_t num_branches;
	uint64_t abi;                 /* PERF_SAMPLE_REGS_ABI_*: 0 none, 1 32 bits, 2 64 bits */
	const uint8_t *regs;          /* event->num_regs words; NULL: none */
	const uint8_t *stack;         /* stack_size bytes from the stack pointer up; NULL: none */
	uint64_t stack_size;
};

/* WB_ERR_DATA: the fields do not fit the record (not reported). */
enum wb_err wb_perf_sample_parse(const struct wb_perf_event *event, const struct wb_perf_record *record, bool big_endian,
				 struct wb_perf_parts *ret_parts);

/* The user part of a callchain that came later (CALLCHAIN_DEFERRED). */
struct wb_perf_late_chain {
	const uint8_t *ips;
	uint64_t count;
	bool missing;                 /* it never came */
};
/* Builds the sample in the batch's memory. late: NULL if the callchain is not deferred. */
enum wb_err wb_perf_sample_build(struct wb_perf_event *event, const struct wb_perf_record *record, const struct wb_perf_parts *parts,
				 const struct wb_perf_late_chain *late, const struct wb_arch_info *arch, bool big_endian, struct wb_capture_batch *batch,
				 struct wb_sample **ret_sample);
/* The machine that a mask of sampled registers tells; WB_ARCH_UNKNOWN if it could be several. */
enum wb_arch wb_perf_guess_arch(uint64_t regs_user);
/* The cookie of a sample whose user callchain comes later; false if it does not. */
bool wb_perf_sample_deferred(const struct wb_perf_parts *parts, bool big_endian, uint64_t *ret_cookie);

/* ---- Samples whose user callchain comes later (capture_perf_deferred.c) --------------------------------------------- */

struct wb_perf_waiting {
	struct wb_perf_waiting *next;
	uint64_t cookie;
	uint32_t event;
	uint32_t tid;
	const char *comm;
	struct wb_space *space;       /* referenced */
	enum wb_arch arch;            /* of the space */
	uint8_t *record;              /* a copy, owned */
	uint16_t misc, size;
	uint8_t *ips;                 /* the late part, owned; NULL: not there yet, or missing */
	uint64_t num_ips;
};
/* First in, first out. */
struct wb_perf_waiting_list { struct wb_perf_waiting *first, **end; size_t count, bytes; };
struct wb_perf_deferred {
	struct wb_perf_waiting_list waiting, ready;
	size_t max_bytes;             /* of records that wait */
};
void wb_perf_deferred_init(struct wb_perf_deferred *deferred, uint64_t max_memory);
void wb_perf_deferred_deinit(struct wb_perf_deferred *deferred);
/* Copies the record and references the space. Past a limit, the longest waiting one becomes ready without its late part. */
enum wb_err wb_perf_deferred_add(struct wb_perf_deferred *deferred, const struct wb_perf_record *record, const struct wb_perf_waiting *sample);
/* A CALLCHAIN_DEFERRED record: every sample of the thread that waits for the cookie becomes ready. */
enum wb_err wb_perf_deferred_complete(struct wb_perf_deferred *deferred, uint32_t tid, uint64_t cookie, const uint8_t *ips, uint64_t count);
/* At the end: all become ready. */
void wb_perf_deferred_finish(struct wb_perf_deferred *deferred);
/* The next ready one, which the caller takes, or NULL. */
struct wb_perf_waiting *wb_perf_deferred_next(struct wb_perf_deferred *deferred);
void wb_perf_waiting_free(struct wb_perf_waiting *waiting);

#endif
