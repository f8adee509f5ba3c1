/* SPDX-License-Identifier: MIT */
/*
 * Walkback, files: captures give (space, sample) pairs; sinks take stacks; wb_run joins them.
 */
#ifndef WALKBACK_FORMATS_H
#define WALKBACK_FORMATS_H

#include <walkback/base.h>
#include <walkback/symbolize.h>
#include <walkback/unwind.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Captures ----------------------------------------------------------------------------------------------------- */

struct wb_capture;

/* Reads the next bytes of a stream; *ret_got == 0 is the end. */
typedef enum wb_err (*wb_read_fn)(void *arg, void *buffer, size_t count, size_t *ret_got);

struct wb_capture_opts {
	size_t size;
	const uint32_t *pids;         /* only these processes; NULL: all. As are the lists below, copied. */
	size_t num_pids;
	const uint32_t *tids;
	size_t num_tids;
	const char *const *events;    /* only events of these names */
	size_t num_events;
	uint64_t max_memory;          /* bytes that reading the capture may hold; 0: 512 MiB */
	struct wb_image *kernel;      /* image for kernel addresses (kallsyms), or NULL */
	uint8_t goroutines;           /* 1: ELF cores of Go programs: all goroutines, a running one together with its thread; other captures have none */
};

/* Opens a capture; the format is told by content. path may be a folder (snapshot). opts may be NULL. The capture holds the session. */
WB_API enum wb_err wb_capture_open(struct wb_session *session, const char *path, const struct wb_capture_opts *opts,
                                   struct wb_capture **ret_capture);
/* The same from a stream that cannot seek (perf record -o -). read and arg are borrowed until wb_capture_free. */
WB_API enum wb_err wb_capture_open_stream(struct wb_session *session, const char *name, wb_read_fn read, void *arg,
                                          const struct wb_capture_opts *opts, struct wb_capture **ret_capture);
/* The same from bytes, borrowed until wb_capture_free. */
WB_API enum wb_err wb_capture_open_bytes(struct wb_session *session, const char *name, const void *bytes, size_t size,
                                         const struct wb_capture_opts *opts, struct wb_capture **ret_capture);
WB_API void wb_capture_free(struct wb_capture *capture);

struct wb_capture_event { const char *name; uint64_t samples; };
struct wb_capture_module {
	struct wb_image *image;
	uint64_t address;
	const char *path;
	uint32_t pid;
	const char *link_name;        /* dumps: what the dynamic linker calls it, where that is something else; NULL: unknown */
};
struct wb_dump;
struct wb_capture_info {
	size_t size;
	const char *format;           /* "perf.data", "snapshot", ...; as all pointers here, borrowed until the next call on the capture */
	struct wb_platform platform;
	const char *hostname, *os_release, *command_line; /* "" if unknown */
	uint8_t from_this_host;       /* 1: the capture says it was made here (host name and kernel release are this machine's) */
	const struct wb_capture_event *events;
	size_t num_events;
	const struct wb_capture_module *modules; /* those seen so far; all at the end */
	size_t num_modules;
	uint64_t samples, records, skipped_records, lost_samples; /* so far */
	uint64_t bytes_done, bytes_total; /* bytes_total 0: unknown (stream) */
	int32_t signal;               /* crash reason: signal number; 0 if none */
	uint64_t signal_address;      /* address that it is about; 0 if it is about none */
	int32_t signal_code;          /* si_code of a signal; 0 if unknown */
	uint32_t crash_tid;           /* thread that crashed, which comes first; 0 if none did */
	const char *crash_reason;     /* all of this in words, for people; "" if nothing crashed */
	uint32_t pid;                 /* the only process; 0 if there may be several */
	uint8_t truncated;            /* 1: the file ends too early; what it has is given */
	uint64_t threads;             /* of the process; 0 if not counted */
	uint64_t memory_mapped, memory_dumped; /* bytes that the process had mapped, and bytes of them that are in the capture; 0: not a dump */
	const struct wb_dump *dump;   /* what crash dumps tell, most of it minidumps alone; NULL: the capture is none */
};
WB_API enum wb_err wb_capture_info(struct wb_capture *capture, struct wb_capture_info *info);

/* Why a process was dumped. Values are fixed. */
enum wb_crash_kind {
	WB_CRASH_NONE = 0,            /* the dump does not say, or there was no crash */
	WB_CRASH_SIGNAL = 1,          /* code: signal number; detail: si_code */
	WB_CRASH_EXCEPTION = 2,       /* Windows. code: the exception's (an NTSTATUS); detail: its flags */
	WB_CRASH_MACH = 3,            /* macOS. code: the exception's type; detail: its code */
};
/* Something mapped when the process was dumped (or unloaded before): more than a mapping says. "" where a string is unknown. */
struct wb_dump_module {
	size_t size;                  /* of this struct, set by the library: step through arrays by it */
	uint64_t start, end;          /* addresses */
	struct wb_image *image;       /* NULL for unloaded ones */
	const char *path;
	const char *version;          /* "5.1.2600.2180" */
	const char *debug_file;       /* path of its PDB file, or of the module itself */
	const char *debug_id;         /* as symbol servers and Breakpad's symbol files know it: GUID and age, 33 hexadecimal digits or more */
	const char *code_id;          /* Windows: time stamp and size; else the build id or UUID; lower-case hexadecimal digits */
};
/* What crash dumps tell beyond their threads, which are the capture's samples, and beyond what all crash dumps tell. */
struct wb_dump {
	size_t size;                  /* of this struct, set by the library */
	enum wb_crash_kind crash_kind;
	uint32_t crash_code, crash_detail; /* see enum wb_crash_kind */
	const char *crash_type;       /* "SIGSEGV / SEGV_MAPERR", "EXCEPTION_ACCESS_VIOLATION_WRITE"; "" if none */
	uint8_t has_crash_address;
	uint64_t crash_address;       /* that an access failed at, else where the instruction is */
	const char *assertion;        /* what the program said itself; "" if nothing */
	const char *os_name, *os_version, *cpu_info; /* "Windows NT", "5.1.2600 Service Pack 2", "GenuineIntel family 6 model 13 stepping 8" */
	uint32_t num_cpus;            /* 0: unknown */
	uint64_t num_maps;            /* lines of /proc/PID/maps that it has; 0: none */
	uint64_t time_s, created_s;   /* when it was dumped and started, seconds since 1970; 0: unknown */
	const struct wb_dump_module *modules; /* the program itself first */
	size_t num_modules;
	const struct wb_dump_module *unloaded;
	size_t num_unloaded;
	const struct wb_label *notes; /* annotations that the program or its crash reporter left */
	size_t num_notes;
	const char *const *environment; /* "NAME=value"; no sink shows it, since there may be secrets in it */
	size_t num_environment;
	const uint64_t *auxv;         /* Linux's auxiliary vector (getauxval(3)): pairs of a type and its value */
	size_t num_auxv;              /* of pairs */
	uint8_t scans;                /* 1: made where files are not at hand: wb_run scans stacks as a last resort unless strategies are given */
};

/* WB_OK: the next sample in time order with its space, both borrowed until the next sample or batch is taken. WB_NONE: the end.
 * WB_ERR_DATA: the rest cannot be read (the diagnostic says where); what came before stands. */
WB_API enum wb_err wb_capture_next(struct wb_capture *capture, struct wb_space **ret_space, const struct wb_sample **ret_sample);

/* Up to max samples that stay valid until wb_batch_free, from any thread: what running on many threads stands on. */
struct wb_batch { size_t size; const struct wb_walk_item *items; size_t count; uint64_t first; /* number of the first sample, from 0 */ };
/* WB_NONE at the end; a damaged rest gives what came before first, then the error. */
WB_API enum wb_err wb_capture_next_batch(struct wb_capture *capture, size_t max, struct wb_batch **ret_batch);
WB_API void wb_batch_free(struct wb_batch *batch);

/* ---- Sinks ---------------------------------------------------------------------------------------------------------- */

struct wb_sink;
/* Takes all count bytes, or fails (disk full, closed pipe): the error ends the run and is returned by the sink's call. */
typedef enum wb_err (*wb_write_fn)(void *arg, const void *bytes, size_t count);

/* The sites of one frame, innermost first. */
struct wb_frame_sites { const struct wb_site *sites; size_t count; };

struct wb_stack {
	size_t size;
	const struct wb_sample *sample;
	struct wb_space *space;
	const char *event;            /* its name; "" if unknown */
	const struct wb_frame *frames;
	size_t num_frames;
	const struct wb_frame_sites *sites; /* num_frames of them, or NULL: not symbolized */
	struct wb_stop stop;
	const struct wb_frame *created_by;  /* goroutines: the go statement that started it, as a frame that was returned to; NULL: unknown */
	const struct wb_frame_sites *created_by_sites; /* NULL: not symbolized */
};

struct wb_sink_opts {
	size_t size;
	uint8_t meta;                 /* json: also capture and summary lines; text: of dumps, also the modules that no frame is in */
	uint8_t registers;            /* text, json: the registers of each thread, as they were captured */
	struct wb_session *session;   /* to name the images of frames, borrowed as long as the sink; may be NULL: then modules are not named */
};
/* format: "text", "folded", "json", "go" (as Go's runtime prints stacks), "minidump-json" (crash dumps alone: wb_run gives WB_ERR_UNSUPPORTED for
 * others). write and arg are borrowed until wb_sink_free. */
WB_API enum wb_err wb_sink_new(const char *format, const struct wb_sink_opts *opts, wb_write_fn write, void *arg, struct wb_sink **ret_sink);
WB_API void wb_sink_free(struct wb_sink *sink);
WB_API enum wb_err wb_sink_begin(struct wb_sink *sink, const struct wb_capture_info *info); /* optional; for meta */
WB_API enum wb_err wb_sink_write(struct wb_sink *sink, const struct wb_stack *stack);
WB_API enum wb_err wb_sink_finish(struct wb_sink *sink);
/* 1 if the format shows names (the run then symbolizes), 0 for raw addresses. */
WB_API int wb_sink_wants_sites(const struct wb_sink *sink);

/* ---- The run: capture -> walk -> symbolize -> sink ------------------------------------------------------------------- */

struct wb_run_opts {
	size_t size;
	const struct wb_walker_opts *walker;         /* NULL: defaults. Without strategies in it: auto, and scan for minidumps */
	const struct wb_symbolizer_opts *symbolizer; /* NULL: defaults */
	uint32_t threads;             /* 0: as many as processors are online. The output does not depend on it. */
	uint8_t no_symbols;           /* 1: raw addresses */
	uint8_t keep_going;           /* 1: a damaged capture gives what could be read and WB_OK */
	uint64_t skip, count;         /* samples to leave out first; then how many at most (0: all) */
};

struct wb_run_stats {
	size_t size;
	uint64_t stacks, frames, sites;
	uint64_t stops[16];           /* stacks by enum wb_stop_reason */
	uint64_t hows[16];            /* frames by enum wb_how */
	uint64_t complete;            /* == stops[WB_STOP_ROOT] */
	uint64_t unwound;             /* stacks that had registers, as opposed to recorded frames alone */
};
/* Begins and finishes the sink. ret_stats (may be NULL) is also written when the run fails half way. opts may be NULL. */
WB_API enum wb_err wb_run(struct wb_session *session, struct wb_capture *capture, struct wb_sink *sink, const struct wb_run_opts *opts,
                          struct wb_run_stats *ret_stats);

/* Writes one sample as a snapshot folder (maps.txt, regs.txt, stack*.data). dir must not exist. copy_objects: 0 none; 1 the files of the
 * modules that a register or a word of the stacks points into; 2 their debug files too. */
WB_API enum wb_err wb_snapshot_write(struct wb_session *session, struct wb_space *space, const struct wb_sample *sample, const char *dir,
                                     int copy_objects);

#ifdef __cplusplus
}
#endif
#endif
