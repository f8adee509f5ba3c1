/* SPDX-License-Identifier: MIT */
/*
 * Makes a small Go process: an ELF file around the table of pclntab_make.h, with a writable segment, and the memory in which a runtime of any release
 * that lib/unwind/go_threads_layout.c knows has three goroutines and two threads:
 *
 *     goroutine 1    waiting ("IO wait"), two labels, began with main.outer, parked in it at 0x1020
 *     goroutine 7    running on thread 100, which is m 3; created at 0x1050 by goroutine 1 (told since 1.21)
 *     a dead one
 *     thread 101     m 0, runs none: its g0 is listed last
 */
#ifndef TESTS_GO_MAKE_H
#define TESTS_GO_MAKE_H

#include "elf_make.h"
#include "pclntab_make.h"
#include "unwind/go_threads.h"

enum {
	GO_MAKE_DATA = 0x10000,       /* where the memory starts; the segment is its first 0x1000 bytes */
	GO_MAKE_SIZE = 0x1900,
	GO_MAKE_ALLGS = 0x100, GO_MAKE_REASONS = 0x140, GO_MAKE_LIST = 0x1c0, GO_MAKE_TEXTS = 0x200, GO_MAKE_LABELS = 0x380,
	GO_MAKE_G1 = 0x600, GO_MAKE_G7 = 0x800, GO_MAKE_DEAD = 0xa00, GO_MAKE_SYSTEM = 0xc00, GO_MAKE_IDLE = 0xe00,
	GO_MAKE_M3 = 0x1000, GO_MAKE_M0 = 0x1480,
	GO_MAKE_STACK1 = 0x2000, GO_MAKE_STACK7 = 0x3000, GO_MAKE_STACK = 0x1000 /* bytes of each, which are not in the memory */,
};

struct go_make {
	const struct wb_go_layout *layout;
	enum wb_pclntab_version version;
	unsigned word;
	uint8_t bytes[GO_MAKE_SIZE];
};

static inline void go_make_int(struct go_make *m, unsigned at, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size; i++)
		m->bytes[at + i] = (uint8_t)(value >> 8 * i);
}

static inline void go_make_word(struct go_make *m, unsigned at, uint64_t value)
{
	go_make_int(m, at, value, m->word);
}

/* An address in the memory. */
static inline void go_make_pointer(struct go_make *m, unsigned at, unsigned to)
{
	go_make_word(m, at, GO_MAKE_DATA + to);
}

/* A string header, whose text goes to `to`. */
static inline void go_make_string(struct go_make *m, unsigned at, unsigned to, const char *text)
{
	memcpy(m->bytes + to, text, strlen(text));
	go_make_pointer(m, at, to);
	go_make_word(m, at + m->word, strlen(text));
}

static inline void go_make_goroutine(struct go_make *m, unsigned g, uint64_t id, uint32_t status, unsigned stack, unsigned thread)
{
	const struct wb_go_layout *l = m->layout;
	unsigned w = m->word, buf = g + WB_GO_G_BUF * w;

	go_make_pointer(m, g + WB_GO_G_LOW * w, stack);
	go_make_pointer(m, g + WB_GO_G_HIGH * w, stack + GO_MAKE_STACK);
	if (thread)
		go_make_pointer(m, g + WB_GO_G_M * w, thread);
	go_make_pointer(m, buf, stack + GO_MAKE_STACK - 0x100);
	go_make_word(m, buf + w, 0x1020);
	go_make_pointer(m, buf + 2 * w, g);
	go_make_word(m, buf + (l->buf_words - 1u) * w, 0x77);
	go_make_int(m, g + l->status, status, 4);
	go_make_int(m, g + l->id, id, 8);
	go_make_word(m, g + l->start, 0x1000);
}

static inline void go_make_thread(struct go_make *m, unsigned at, unsigned system, unsigned current, uint64_t tid, uint64_t number, unsigned next)
{
	const struct wb_go_layout *l = m->layout;

	go_make_pointer(m, at, system);
	if (current)
		go_make_pointer(m, at + l->current, current);
	go_make_int(m, at + l->procid, tid, 8);
	go_make_int(m, at + l->number, number, 8);
	if (next)
		go_make_pointer(m, at + l->next, next);
	go_make_pointer(m, system + WB_GO_G_M * m->word, at);
}

/* Up to 1.23 a map with one bucket: two of its eight slots are used. Since then a list. */
static inline void go_make_labels(struct go_make *m)
{
	unsigned w = m->word, labels = GO_MAKE_LABELS, bucket = labels + 0x100;

	if (m->layout->first >= 24) {
		go_make_pointer(m, labels, labels + 0x40);
		go_make_word(m, labels + w, 2);
		go_make_word(m, labels + 2 * w, 2);
		go_make_string(m, labels + 0x40, GO_MAKE_TEXTS + 0x40, "key");
		go_make_string(m, labels + 0x40 + 2 * w, GO_MAKE_TEXTS + 0x50, "value");
		go_make_string(m, labels + 0x40 + 4 * w, GO_MAKE_TEXTS + 0x60, "path");
		go_make_string(m, labels + 0x40 + 6 * w, GO_MAKE_TEXTS + 0x70, "/a b");
		return;
	}
	go_make_pointer(m, labels, labels + 0x40);
	go_make_word(m, labels + 0x40, 2);
	go_make_pointer(m, labels + 0x40 + w + 8, bucket);
	m->bytes[bucket + 1] = 0x80;
	m->bytes[bucket + 6] = 0x5;
	go_make_string(m, bucket + 8 + 1 * 2 * w, GO_MAKE_TEXTS + 0x40, "key");
	go_make_string(m, bucket + 8 + (8 + 1) * 2 * w, GO_MAKE_TEXTS + 0x50, "value");
	go_make_string(m, bucket + 8 + 6 * 2 * w, GO_MAKE_TEXTS + 0x60, "path");
	go_make_string(m, bucket + 8 + (8 + 6) * 2 * w, GO_MAKE_TEXTS + 0x70, "/a b");
}

static inline enum wb_pclntab_version go_make_version(const struct wb_go_layout *layout)
{
	return layout->last < 16 ? WB_PCLNTAB_1_2 : layout->last < 18 ? WB_PCLNTAB_1_16 : layout->last < 20 ? WB_PCLNTAB_1_18 : WB_PCLNTAB_1_20;
}

static inline void go_make(struct go_make *m, const struct wb_go_layout *layout, unsigned word)
{
	static const char *const reasons[] = { "GC assist marking", "IO wait", "chan receive (nil chan)" };

	*m = (struct go_make){ .layout = layout, .version = go_make_version(layout), .word = word };
	go_make_pointer(m, GO_MAKE_ALLGS, GO_MAKE_LIST);
	go_make_word(m, GO_MAKE_ALLGS + word, 3);
	go_make_word(m, GO_MAKE_ALLGS + 2 * word, 4);
	for (unsigned i = 0; i < 3; i++)
		go_make_string(m, GO_MAKE_REASONS + 2 * (i + 1) * word, GO_MAKE_TEXTS + 0x100 + i * 0x20, reasons[i]);
	go_make_pointer(m, GO_MAKE_LIST, GO_MAKE_G1);
	go_make_pointer(m, GO_MAKE_LIST + word, GO_MAKE_G7);
	go_make_pointer(m, GO_MAKE_LIST + 2 * word, GO_MAKE_DEAD);
	go_make_goroutine(m, GO_MAKE_G1, 1, WB_GOROUTINE_WAITING, GO_MAKE_STACK1, 0);
	m->bytes[GO_MAKE_G1 + layout->wait_reason] = 2;
	go_make_int(m, GO_MAKE_G1 + layout->wait_since, 12345, 8);
	go_make_pointer(m, GO_MAKE_G1 + layout->labels, GO_MAKE_LABELS);
	go_make_labels(m);
	go_make_goroutine(m, GO_MAKE_G7, 7, WB_GOROUTINE_RUNNING, GO_MAKE_STACK7, GO_MAKE_M3);
	go_make_word(m, GO_MAKE_G7 + layout->created_at, 0x1050);
	if (layout->parent)
		go_make_int(m, GO_MAKE_G7 + layout->parent, 1, 8);
	go_make_pointer(m, GO_MAKE_G7 + layout->locked, GO_MAKE_M3);
	go_make_goroutine(m, GO_MAKE_DEAD, 9, WB_GOROUTINE_DEAD, 0, 0);
	go_make_thread(m, GO_MAKE_M3, GO_MAKE_SYSTEM, GO_MAKE_G7, 100, 3, GO_MAKE_M0);
	go_make_thread(m, GO_MAKE_M0, GO_MAKE_IDLE, 0, 101, 0, 0);
}

/* The program, to be freed. machine: of its ELF header. */
static inline uint8_t *go_make_program(const struct go_make *m, uint16_t machine, size_t *ret_size)
{
	static const uint8_t text[0x60], data[16];
	struct pclntab_make p;
	struct elf_make e;
	unsigned first, last;

	pclntab_make(&p, m->version, m->word, 1, false);
	elf_make_init(&e, m->word == 8, false, 2, machine);
	first = elf_make_section(&e, ".text", 1, 6, PCLNTAB_TEXT, text, sizeof(text));
	elf_make_segment(&e, 1, 5, first, first);
	first = elf_make_section(&e, ".gopclntab", 1, 2, PCLNTAB_ADDRESS, p.bytes, p.size);
	elf_make_segment(&e, 1, 4, first, first);
	first = elf_make_section(&e, ".data", 1, 3, GO_MAKE_DATA, data, sizeof(data));
	last = elf_make_section(&e, ".bss", 8, 3, GO_MAKE_DATA + sizeof(data), NULL, 0x1000 - sizeof(data));
	elf_make_segment(&e, 1, 6, first, last);
	return elf_make_finish(&e, ret_size);
}

#endif
