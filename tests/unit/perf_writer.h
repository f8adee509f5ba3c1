/* SPDX-License-Identifier: MIT */
/*
 * Writes small perf.data recordings into memory, in either byte order, as a file or as a pipe. Written from
 * tools/perf/Documentation/perf.data-file-format.txt and include/uapi/linux/perf_event.h, not from the reader.
 */
#ifndef TESTS_UNIT_PERF_WRITER_H
#define TESTS_UNIT_PERF_WRITER_H

#include "test.h"

enum {
	PERF_WRITER_SIZE = 1 << 20,
	ATTR_SIZE = 112,              /* PERF_ATTR_SIZE_VER5 */

	T_MMAP = 1, T_LOST = 2, T_COMM = 3, T_EXIT = 4, T_FORK = 7, T_SAMPLE = 9, T_MMAP2 = 10, T_LOST_SAMPLES = 13, T_KSYMBOL = 17,
	T_CALLCHAIN_DEFERRED = 22, T_HEADER_ATTR = 64, T_TRACING_DATA = 66, T_BUILD_ID = 67, T_FINISHED_ROUND = 68, T_AUXTRACE = 71,
	T_EVENT_UPDATE = 78, T_FEATURE = 80, T_COMPRESSED = 81, T_COMPRESSED2 = 83,

	S_IP = 1, S_TID = 2, S_TIME = 4, S_ADDR = 8, S_READ = 16, S_CALLCHAIN = 32, S_ID = 64, S_CPU = 128, S_PERIOD = 256, S_STREAM_ID = 512,
	S_RAW = 1024, S_BRANCH_STACK = 2048, S_REGS_USER = 4096, S_STACK_USER = 8192, S_WEIGHT = 16384, S_DATA_SRC = 32768,
	S_IDENTIFIER = 65536,

	M_KERNEL = 1, M_USER = 2, M_HYPERVISOR = 3, M_GUEST_KERNEL = 4, M_EXEC = 8192,

	F_BUILD_ID = 2, F_HOSTNAME = 3, F_OSRELEASE = 4, F_ARCH = 6, F_CMDLINE = 11, F_EVENT_DESC = 12,

	X86_64_REGS = 0xff0fff,       /* what perf asks for: AX BX CX DX SI DI BP SP IP FLAGS CS SS R8..R15: 20 of them */
};

struct perf_writer {
	uint8_t bytes[PERF_WRITER_SIZE];
	size_t size;
	bool big;
	size_t record;                /* where the open record starts */
	size_t header;                /* file form: where the header is */
};

struct perf_attr {
	uint32_t type;
	uint64_t config, period, sample_type, read_format, flags, branch_type, regs_user;
	uint32_t stack_user;
};
enum { ATTR_FREQ = 1 << 10, ATTR_SAMPLE_ID_ALL = 1 << 18 };

static inline void w_bytes(struct perf_writer *w, const void *bytes, size_t size)
{
	if (size > sizeof(w->bytes) - w->size)
		abort();
	if (size)
		memcpy(w->bytes + w->size, bytes, size);
	w->size += size;
}

static inline void w_uint(struct perf_writer *w, uint64_t value, unsigned size)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < size; i++)
		bytes[w->big ? size - 1 - i : i] = (uint8_t)(value >> (8 * i));
	w_bytes(w, bytes, size);
}
static inline void w_u16(struct perf_writer *w, uint64_t value) { w_uint(w, value, 2); }
static inline void w_u32(struct perf_writer *w, uint64_t value) { w_uint(w, value, 4); }
static inline void w_u64(struct perf_writer *w, uint64_t value) { w_uint(w, value, 8); }

static inline void w_put(struct perf_writer *w, size_t at, uint64_t value, unsigned size)
{
	size_t end = w->size;

	w->size = at;
	w_uint(w, value, size);
	w->size = end;
}

/* A string with its NUL, padded to 8 bytes. */
static inline void w_string(struct perf_writer *w, const char *string)
{
	static const char zeros[8];
	size_t size = strlen(string) + 1;

	w_bytes(w, string, size);
	w_bytes(w, zeros, (8 - size % 8) % 8);
}

static inline void w_begin(struct perf_writer *w, uint32_t type, uint16_t misc)
{
	w->record = w->size;
	w_u32(w, type);
	w_u16(w, misc);
	w_u16(w, 0);
}
static inline void w_end(struct perf_writer *w)
{
	w_put(w, w->record + 6, w->size - w->record, 2);
}
static inline void w_empty(struct perf_writer *w, uint32_t type)
{
	w_begin(w, type, 0);
	w_end(w);
}

/* The bit field is filled from the top of each byte on a big-endian machine. */
static inline void w_flags(struct perf_writer *w, uint64_t flags)
{
	for (unsigned i = 0; i < 8; i++) {
		uint8_t byte = (uint8_t)(flags >> (8 * i)), mirrored = 0;

		for (unsigned bit = 0; bit < 8; bit++)
			mirrored = (uint8_t)(mirrored << 1 | (byte >> bit & 1));
		w_bytes(w, w->big ? &mirrored : &byte, 1);
	}
}

static inline void w_attr(struct perf_writer *w, const struct perf_attr *attr)
{
	size_t start = w->size;

	w_u32(w, attr->type);
	w_u32(w, ATTR_SIZE);
	w_u64(w, attr->config);
	w_u64(w, attr->period);
	w_u64(w, attr->sample_type);
	w_u64(w, attr->read_format);
	w_flags(w, attr->flags);
	w_u64(w, 0); /* wakeup_events, bp_type */
	w_u64(w, 0); /* config1 */
	w_u64(w, 0); /* config2 */
	w_u64(w, attr->branch_type);
	w_u64(w, attr->regs_user);
	w_u32(w, attr->stack_user);
	while (w->size < start + ATTR_SIZE)
		w_u32(w, 0);
}

/* ---- Pipes ---- */

static inline void w_pipe(struct perf_writer *w, bool big)
{
	w->size = 0;
	w->big = big;
	w_u64(w, UINT64_C(0x32454c4946524550)); /* "PERFILE2" */
	w_u64(w, 16);
}
static inline void w_pipe_attr(struct perf_writer *w, const struct perf_attr *attr, uint64_t id)
{
	w_begin(w, T_HEADER_ATTR, 0);
	w_attr(w, attr);
	w_u64(w, id);
	w_end(w);
}

/* A feature's string: u32 length with padding, then the bytes. */
static inline void w_feature_string(struct perf_writer *w, const char *string)
{
	w_u32(w, (strlen(string) + 1 + 7) / 8 * 8);
	w_string(w, string);
}
static inline void w_pipe_feature(struct perf_writer *w, uint64_t feature, const char *string)
{
	w_begin(w, T_FEATURE, 0);
	w_u64(w, feature);
	w_feature_string(w, string);
	w_end(w);
}

/* ---- Files ---- */

/* Header (version 1 or 2), ids (100 * event + 1 and + 2), attrs; then come the records. */
static inline void w_file(struct perf_writer *w, bool big, int version, const struct perf_attr *attrs, size_t count)
{
	size_t ids, at;

	w->size = 0;
	w->big = big;
	if (version == 1)
		w_bytes(w, "PERFFILE", 8);
	else
		w_u64(w, UINT64_C(0x32454c4946524550));
	w_u64(w, 104);
	w_u64(w, ATTR_SIZE + 16);
	for (int i = 0; i < 6 + 4; i++)
		w_u64(w, 0);
	ids = w->size;
	for (size_t i = 0; i < count; i++) {
		w_u64(w, 100 * i + 1);
		w_u64(w, 100 * i + 2);
	}
	at = w->size;
	for (size_t i = 0; i < count; i++) {
		w_attr(w, &attrs[i]);
		w_u64(w, ids + 16 * i);
		w_u64(w, 16);
	}
	w_put(w, 24, at, 8);
	w_put(w, 32, w->size - at, 8);
	w_put(w, 40, w->size, 8);
}

/* Ends the records: features follow. Call w_file_feature_end after each of them, in ascending order. */
static inline void w_file_data_end(struct perf_writer *w, uint64_t features)
{
	w_put(w, 48, w->size - (w->big ? w->bytes[47] | w->bytes[46] << 8 : w->bytes[40] | w->bytes[41] << 8), 8);
	w_put(w, 72, features, 8);
	w->header = w->size;
	for (unsigned i = 0; i < (unsigned)__builtin_popcountll(features); i++) {
		w_u64(w, 0);
		w_u64(w, 0);
	}
	w->record = w->size;
}
static inline void w_file_feature_end(struct perf_writer *w)
{
	w_put(w, w->header, w->record, 8);
	w_put(w, w->header + 8, w->size - w->record, 8);
	w->header += 16;
	w->record = w->size;
}

/* ---- Records without a trailer ---- */

static inline void w_comm(struct perf_writer *w, uint16_t misc, uint32_t pid, uint32_t tid, const char *comm)
{
	w_begin(w, T_COMM, misc);
	w_u32(w, pid);
	w_u32(w, tid);
	w_string(w, comm);
}
static inline void w_task(struct perf_writer *w, uint32_t type, uint16_t misc, uint32_t pid, uint32_t ppid, uint32_t tid, uint32_t ptid)
{
	w_begin(w, type, misc);
	w_u32(w, pid);
	w_u32(w, ppid);
	w_u32(w, tid);
	w_u32(w, ptid);
	w_u64(w, 0);
}
static inline void w_mmap(struct perf_writer *w, uint16_t misc, uint32_t pid, uint64_t start, uint64_t size, uint64_t offset, const char *path)
{
	w_begin(w, T_MMAP, misc);
	w_u32(w, pid);
	w_u32(w, pid);
	w_u64(w, start);
	w_u64(w, size);
	w_u64(w, offset);
	w_string(w, path);
}
/* build_id: 20 bytes, or NULL for device and inode. */
static inline void w_mmap2(struct perf_writer *w, uint32_t pid, uint64_t start, uint64_t size, uint64_t offset, uint32_t prot, const char *path,
			   const char *build_id)
{
	w_begin(w, T_MMAP2, (uint16_t)(M_USER | (build_id ? 1 << 14 : 0)));
	w_u32(w, pid);
	w_u32(w, pid);
	w_u64(w, start);
	w_u64(w, size);
	w_u64(w, offset);
	if (build_id) {
		w_bytes(w, "\x14\0\0\0", 4);
		w_bytes(w, build_id, 20);
	} else {
		w_u64(w, 8);
		w_u64(w, 12345);
		w_u64(w, 0);
	}
	w_u32(w, prot);
	w_u32(w, 2);
	w_string(w, path);
}

#endif
