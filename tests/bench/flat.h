/* SPDX-License-Identifier: MIT */
/*
 * A flat file: the samples of one process, as every engine under test reads them, so that all walk exactly the same registers and
 * stack bytes with the same modules. bench_dump writes it from any capture. Host byte order, x86-64 only, for benches alone: the
 * file is trusted, and read with mmap.
 *
 *   struct flat_header, then num_maps x struct flat_map, then strings (NUL-terminated paths), then num_samples x
 *   { struct flat_sample, stack_size bytes of stack, zeros up to a multiple of 8 }.
 */
#ifndef BENCH_FLAT_H
#define BENCH_FLAT_H

#include <stddef.h>
#include <stdint.h>

enum { FLAT_REGS = 17, FLAT_RBP = 6, FLAT_RSP = 7, FLAT_RIP = 16 };  /* registers by DWARF number, 16 = rip */
enum { FLAT_READ = 1, FLAT_WRITE = 2, FLAT_EXEC = 4 };

#define FLAT_MAGIC "WBFLAT1"

struct flat_header {
	char magic[8];
	uint64_t num_maps, num_samples;
	uint64_t maps_at, strings_at, samples_at, size;  /* bytes from the file's start */
};

struct flat_map {
	uint64_t start, end, file_offset;
	uint32_t prot;  /* FLAT_READ | FLAT_WRITE | FLAT_EXEC; sorted by start, disjoint */
	uint32_t path;  /* bytes from strings_at; "" for anonymous memory */
};

struct flat_sample {
	uint64_t regs[FLAT_REGS];
	uint64_t stack_address;
	uint64_t time_ns;
	uint32_t stack_size;
	uint32_t tid;
	/* stack bytes follow */
};

/* A file that is mapped somewhere, opened once. */
struct flat_file {
	const char *path;       /* borrowed as long as the flat */
	const uint8_t *bytes;   /* NULL if it could not be opened */
	uint64_t size;
	uint64_t bias;          /* address in the process - address in the file */
	uint64_t start, end;    /* addresses of all its mappings */
	int fd;                 /* -1 if it could not be opened */
};

struct flat {
	const struct flat_header *header;
	const struct flat_map *maps;
	size_t num_maps;
	const struct flat_sample **samples;
	size_t num_samples;
	struct flat_file *files;
	size_t num_files;
	size_t *file_of_map;    /* per map: index in files, SIZE_MAX if none */
};

/* Opens a flat file and the files that are mapped in it. Prints what is wrong; 0 or -1. */
int flat_open(const char *path, struct flat *ret_flat);

const char *flat_map_path(const struct flat *flat, const struct flat_map *map);
/* NULL if nothing is mapped there. */
const struct flat_map *flat_find(const struct flat *flat, uint64_t address);
/* NULL if no file that could be opened is mapped there. */
const struct flat_file *flat_find_file(const struct flat *flat, uint64_t address);

static inline const uint8_t *flat_stack(const struct flat_sample *sample)
{
	return (const uint8_t *)(sample + 1);
}

/* One word: of the sample's stack, else of the file behind a mapping that is not writable. 0 or -1. */
int flat_word(const struct flat *flat, const struct flat_sample *sample, uint64_t address, uint64_t *ret_word);

#endif
