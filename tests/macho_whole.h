/* SPDX-License-Identifier: MIT */
/* A Mach-O file with one of everything that the reader knows, made by hand: for tests and for the seeds of fuzz targets. */
#ifndef TESTS_MACHO_WHOLE_H
#define TESTS_MACHO_WHOLE_H

#include "macho_make.h"

enum {
	X86 = 7, X86_64 = 0x01000007, ARM64 = 0x0100000c, PPC = 18,
	OBJECT = 1, EXECUTE = 2, CORE = 4, DYLIB = 6, DSYM = 10, KEXT = 11,
	SECT = 0x0e, EXT = 1, ABS = 2, FUN = 0x24, SO = 0x64, OSO = 0x66, WEAK = 0x80, ALT = 0x200,
};
static const uint8_t code[0x80] = { 0x55, 0x48, 0x89, 0xe5, 0x5d, 0xc3 };
static const uint8_t uuid[16] = { 0xde, 0xad, 0xbe, 0xef, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static const char strings[] = "\0_main\0__helper\0_weak\0_data\0__mh_execute_header\0_alt\0_printf\0_abs\0stab\0/o/lib.a(one.o)";
enum { MAIN = 1, HELPER = 7, WEAK_NAME = 16, DATA = 22, HEADER = 28, ALT_NAME = 49, PRINTF = 54, ABS_NAME = 62, STAB = 67, OBJECT_NAME = 71 };

struct whole {
	uint8_t symbols[16 * 15], indirect[4];
	size_t symbols_size;
	/* From the header: 0x800, 0x20 on, 0x20 on, then the end. */
	uint8_t starts[6];
	/* A root with one branch "_exp" that leads to a node at 8: flags 0, at 0x840. */
	uint8_t exports[13];
	/* A table of jumps behind the last function, up to its padding. */
	uint8_t data[8];
};

static inline void make_whole(struct macho_make *m, struct whole *w, bool is_64, bool big_endian)
{
	static const uint8_t starts[] = { 0x80, 0x10, 0x20, 0x20, 0 }, exports[] = { 0, 1, '_', 'e', 'x', 'p', 0, 8, 3, 0, 0xc0, 0x10, 0 };
	static const uint8_t stub[6] = { 0xff, 0x25 };
	static const uint8_t debug[4] = { 1, 2, 3, 4 };
	uint64_t base = is_64 ? 0x100000000 : 0x1000;
	uint8_t *at = w->symbols;

	memcpy(w->starts, starts, sizeof starts);
	memcpy(w->exports, exports, sizeof exports);
	macho_make_init(m, is_64, big_endian, is_64 ? X86_64 : X86, EXECUTE);
	macho_make_segment(m, "__PAGEZERO", 0, 0);
	m->num_segments = 0;          /* the header goes into __TEXT */
	macho_make_segment(m, "__TEXT", base, 5);
	macho_make_section(m, "__text", base + 0x800, MACHO_MAKE_CODE, code, sizeof code);
	struct macho_make_section *stubs = macho_make_section(m, "__stubs", base + 0x880, MACHO_MAKE_CODE | 8, stub, sizeof stub);
	stubs->reserved2 = 6;
	macho_make_section(m, "__unwind_info", base + 0x890, 0, debug, sizeof debug);
	macho_make_section(m, "__eh_frame", base + 0x8a0, 0, debug, sizeof debug);
	macho_make_segment(m, "__DATA", base + 0x1000, 3);
	macho_make_section(m, "__data", base + 0x1000, 0, debug, sizeof debug);
	macho_make_section(m, "__bss", base + 0x1004, 1, NULL, 0x100);
	macho_make_segment(m, "__DWARF", base + 0x2000, 7);
	macho_make_section(m, "__debug_info", base + 0x2000, MACHO_MAKE_DEBUG, debug, sizeof debug);
	macho_make_section(m, "__debug_str_offs", base + 0x2004, MACHO_MAKE_DEBUG, debug, sizeof debug);
	at += macho_make_symbol(m, at, STAB, FUN, 1, 0, base + 0x800);
	at += macho_make_symbol(m, at, MAIN, SECT | EXT, 1, 0, base + 0x800);
	at += macho_make_symbol(m, at, HELPER, SECT, 1, 0, base + 0x820);
	at += macho_make_symbol(m, at, WEAK_NAME, SECT | EXT, 1, WEAK, base + 0x840);
	at += macho_make_symbol(m, at, ALT_NAME, SECT, 1, ALT, base + 0x848);
	at += macho_make_symbol(m, at, DATA, SECT | EXT, 5, 0, base + 0x1000);
	at += macho_make_symbol(m, at, HEADER, SECT | EXT, 1, 0, base);
	at += macho_make_symbol(m, at, PRINTF, EXT, 0, 0, 0);
	at += macho_make_symbol(m, at, ABS_NAME, ABS | EXT, 0, 0, 42);
	/* main and helper are from an object file; helper's size is not said. */
	at += macho_make_symbol(m, at, STAB, SO, 0, 0, 0);
	at += macho_make_symbol(m, at, OBJECT_NAME, OSO, 0, 1, 1000000000);
	at += macho_make_symbol(m, at, MAIN, FUN, 1, 0, base + 0x800);
	at += macho_make_symbol(m, at, 0, FUN, 0, 0, 0x20);
	at += macho_make_symbol(m, at, HELPER, FUN, 1, 0, base + 0x820);
	at += macho_make_symbol(m, at, 0, SO, 1, 0, 0);
	w->symbols_size = (size_t)(at - w->symbols);
	macho_make_store(m, w->indirect, 7, 4);
	m->symbols = (struct macho_make_piece){ w->symbols, w->symbols_size };
	m->strings = (struct macho_make_piece){ strings, sizeof strings };
	m->indirect = (struct macho_make_piece){ w->indirect, 4 };
	m->starts = (struct macho_make_piece){ w->starts, sizeof starts };
	m->exports = (struct macho_make_piece){ w->exports, sizeof exports };
	macho_make_store(m, w->data, 0x860, 4);
	macho_make_store(m, w->data + 4, 0x18, 2);
	macho_make_store(m, w->data + 6, 4, 2);
	m->data_in_code = (struct macho_make_piece){ w->data, sizeof w->data };
	m->uuid = uuid;
}

#endif
