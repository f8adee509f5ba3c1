/* SPDX-License-Identifier: MIT */
/*
 * Writes minidumps: a header, streams one after the other, what they point to behind them, the directory last. Offsets and sizes are those of
 * minidumpapiset.h (Windows SDK) and of Breakpad's minidump_format.h.
 */
#ifndef TESTS_UNIT_MINIDUMP_MAKE_H
#define TESTS_UNIT_MINIDUMP_MAKE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAKE_SIZE = 16 << 10, MAKE_STREAMS = 24 };

struct minidump_make {
	uint8_t bytes[MAKE_SIZE];
	size_t size;
	bool big_endian;
	struct { uint32_t type, size, offset; } streams[MAKE_STREAMS];
	size_t num_streams;
};

static inline void make_uint(struct minidump_make *m, size_t at, uint64_t value, unsigned size)
{
	if (at + size > MAKE_SIZE)
		abort();
	for (unsigned i = 0; i < size; i++)
		m->bytes[at + i] = (uint8_t)(value >> 8 * (m->big_endian ? size - 1 - i : i));
}
static inline void make_put(struct minidump_make *m, uint64_t value, unsigned size)
{
	make_uint(m, m->size, value, size);
	m->size += size;
}
static inline void make_u16(struct minidump_make *m, uint64_t value) { make_put(m, value, 2); }
static inline void make_u32(struct minidump_make *m, uint64_t value) { make_put(m, value, 4); }
static inline void make_u64(struct minidump_make *m, uint64_t value) { make_put(m, value, 8); }
static inline size_t make_room(struct minidump_make *m, size_t size)
{
	size_t at = m->size;

	if (at + size > MAKE_SIZE)
		abort();
	m->size += size;
	return at;
}
static inline uint32_t make_bytes(struct minidump_make *m, const void *bytes, size_t size)
{
	size_t at = make_room(m, size);

	memcpy(m->bytes + at, bytes, size);
	return (uint32_t)at;
}

static inline void make_begin(struct minidump_make *m, bool big_endian)
{
	memset(m, 0, sizeof(*m));
	m->big_endian = big_endian;
	make_room(m, 32);
}
/* What follows is a stream, up to make_end_stream. */
static inline void make_stream(struct minidump_make *m, uint32_t type)
{
	m->streams[m->num_streams].type = type;
	m->streams[m->num_streams].offset = (uint32_t)m->size;
}
static inline void make_end_stream(struct minidump_make *m)
{
	m->streams[m->num_streams].size = (uint32_t)(m->size - m->streams[m->num_streams].offset);
	m->num_streams++;
}
static inline void make_end(struct minidump_make *m)
{
	size_t directory = m->size;

	for (size_t i = 0; i < m->num_streams; i++) {
		make_u32(m, m->streams[i].type);
		make_u32(m, m->streams[i].size);
		make_u32(m, m->streams[i].offset);
	}
	make_uint(m, 0, 0x504d444d, 4);
	make_uint(m, 4, 0xa793, 4);
	make_uint(m, 8, m->num_streams, 4);
	make_uint(m, 12, directory, 4);
}

/* A MINIDUMP_STRING of ASCII; its offset. */
static inline uint32_t make_string(struct minidump_make *m, const char *text)
{
	size_t at = m->size;

	make_u32(m, strlen(text) * 2);
	for (const char *c = text; *c; c++)
		make_u16(m, (uint8_t)*c);
	make_u16(m, 0);
	return (uint32_t)at;
}
static inline void make_system(struct minidump_make *m, uint16_t cpu, uint32_t platform, uint32_t version)
{
	make_stream(m, 7);
	make_u16(m, cpu);
	make_u16(m, 6);
	make_u16(m, 0x0d08);
	make_put(m, 4, 1);
	make_put(m, 1, 1);
	make_u32(m, 5);
	make_u32(m, 1);
	make_u32(m, 2600);
	make_u32(m, platform);
	make_u32(m, version);
	make_u32(m, 0);
	make_bytes(m, "GenuineIntel\0\0\0\0\0\0\0\0\0\0\0\0", 24);
	make_end_stream(m);
}
struct make_thread { uint32_t tid, stack_size, stack, context_size, context; uint64_t stack_address; };
static inline void make_threads(struct minidump_make *m, const struct make_thread *threads, unsigned count, bool padded)
{
	make_stream(m, 3);
	make_u32(m, count);
	if (padded)
		make_u32(m, 0);
	for (unsigned i = 0; i < count; i++) {
		make_u32(m, threads[i].tid);
		make_room(m, 20);
		make_u64(m, threads[i].stack_address);
		make_u32(m, threads[i].stack_size);
		make_u32(m, threads[i].stack);
		make_u32(m, threads[i].context_size);
		make_u32(m, threads[i].context);
	}
	make_end_stream(m);
}
/* A module of one list: name and record are offsets. */
static inline void make_module(struct minidump_make *m, uint64_t base, uint32_t size, uint32_t stamp, uint32_t name, uint32_t record,
                               uint32_t record_size)
{
	make_u64(m, base);
	make_u32(m, size);
	make_u32(m, 0);
	make_u32(m, stamp);
	make_u32(m, name);
	make_u32(m, 0xfeef04bd);
	make_u32(m, 0);
	make_u32(m, 2 << 16 | 3);
	make_u32(m, 4 << 16 | 5);
	make_room(m, 36);
	make_u32(m, record_size);
	make_u32(m, record);
	make_room(m, 24);
}
static inline void make_exception(struct minidump_make *m, uint32_t tid, uint32_t code, uint32_t flags, uint64_t address, const uint64_t *parameters,
                                  unsigned count, uint32_t context, uint32_t context_size)
{
	make_stream(m, 6);
	make_u32(m, tid);
	make_u32(m, 0);
	make_u32(m, code);
	make_u32(m, flags);
	make_u64(m, 0);
	make_u64(m, address);
	make_u32(m, count);
	make_u32(m, 0);
	for (unsigned i = 0; i < 15; i++)
		make_u64(m, i < count ? parameters[i] : 0);
	make_u32(m, context_size);
	make_u32(m, context);
	make_end_stream(m);
}

/* What is behind the threads, modules and memory of the dump below. */
static inline void make_linux_streams(struct minidump_make *m, uint32_t name_11, uint32_t crash, uint32_t context_size)
{
	make_stream(m, 24);
	make_u32(m, 1);
	make_u32(m, 11);
	make_u64(m, name_11);
	make_end_stream(m);
	make_exception(m, 12, 11, 1, 0x45, NULL, 0, crash, context_size);
	make_stream(m, 0x47670009);
	make_bytes(m, "00400000-00401000 r-xp 00000000 08:01 7 /opt/demo/program\n00401000-00402000 rw-p 00001000 08:01 7 /opt/demo/program\n"
	                   "00500000-00501000 r-xp 00000000 00:00 0 \n00006000-00008000 rw-p 00000000 00:00 0 [stack]\n", 206);
	make_end_stream(m);
	make_stream(m, 0x47670007);
	make_bytes(m, "HOME=/root\0LANG=C", 18);
	make_end_stream(m);
	make_stream(m, 0x47670008);
	make_u64(m, 9); /* AT_ENTRY */
	make_u64(m, 0x400100);
	make_u64(m, 0);
	make_u64(m, 0);
	make_end_stream(m);
}

/*
 * A dump of two threads of x86-64 Linux: 11 waits, 12 crashed. The stack of 12 has a frame chain: rsp 0x7000 -> rbp 0x7010 -> saved rbp 0x7030,
 * return address 0x400123; there saved rbp 0, return address 0. Memory in the list given by `memory_64`.
 */
static inline void make_linux_dump(struct minidump_make *m, bool memory_64)
{
	enum { CONTEXT = 1232 };
	uint64_t stack[16] = { 0, 0, 0x7030, 0x400123, 0, 0, 0, 0 };
	uint8_t record[24] = "LEpB";
	uint32_t name, name_11, version, context, crash, at, build;
	struct make_thread threads[2] = { { .tid = 11 }, { .tid = 12 } };

	make_begin(m, false);
	version = make_string(m, "Linux 6.1.0 test");
	name = make_string(m, "/opt/demo/program");
	name_11 = make_string(m, "waiter");
	for (unsigned i = 0; i < 20; i++)
		record[4 + i] = (uint8_t)(0xa0 + i);
	build = make_bytes(m, record, sizeof(record));
	context = (uint32_t)make_room(m, CONTEXT);
	make_uint(m, context + 0xf8, 0x400200, 8);
	make_uint(m, context + 0x98, 0x9000, 8);
	crash = (uint32_t)make_room(m, CONTEXT);
	make_uint(m, crash + 0xf8, 0x400100, 8);
	make_uint(m, crash + 0x98, 0x7000, 8);
	make_uint(m, crash + 0xa0, 0x7010, 8);
	make_uint(m, crash + 0x1a0, 0x1122334455667788, 8);
	at = (uint32_t)make_room(m, sizeof(stack));
	for (unsigned i = 0; i < 16; i++)
		make_uint(m, at + 8 * i, stack[i], 8);
	make_system(m, 9, 0x8201, version);
	threads[0].context = context;
	threads[1].context = context;
	threads[0].context_size = threads[1].context_size = CONTEXT;
	threads[1].stack_address = 0x7000;
	threads[1].stack = memory_64 ? 0 : at;
	threads[1].stack_size = sizeof(stack);
	make_threads(m, threads, 2, memory_64);
	make_stream(m, 4);
	make_u32(m, 1);
	make_module(m, 0x400000, 0x2000, 0, name, build, sizeof(record));
	make_end_stream(m);
	make_stream(m, memory_64 ? 9 : 5);
	if (memory_64) {
		make_u64(m, 1);
		make_u64(m, at);
		make_u64(m, 0x7000);
		make_u64(m, sizeof(stack));
	} else {
		make_u32(m, 1);
		make_u64(m, 0x7000);
		make_u32(m, sizeof(stack));
		make_u32(m, at);
	}
	make_end_stream(m);
	make_linux_streams(m, name_11, crash, CONTEXT);
	make_end(m);
}

#endif
