/* SPDX-License-Identifier: MIT */
/* A PE file inside. */
#ifndef FORMATS_IMAGE_PE_H
#define FORMATS_IMAGE_PE_H

#include "base/lock.h"
#include "formats/image_formats.h"

enum { WB_PE_SYMBOL_SIZE = 18 };

struct wb_pe {
	struct wb_object base;
	uint64_t image_base;          /* preferred: image pcs are there */
	uint32_t image_size, headers_size, entry, stamp;
	uint32_t symbols_offset, num_symbols; /* COFF's; 0: none */
	struct { uint32_t rva, size; } directories[16];
	struct wb_section *sections;
	struct wb_segment *segments;
	char **names;                 /* of sections */
	size_t num_names;
	uint8_t build_id[20], code_id[8];
	struct wb_lock lock;          /* of what follows: read when symbols are asked for, kept for their names */
	struct wb_piece exports, symbols, strings;
	bool has_symbols;
	char *text;                   /* short names of COFF symbols, each with a NUL: 9 bytes a symbol */
};

struct wb_pe *wb_pe_of(struct wb_object *object);
enum wb_err wb_pe_report(const struct wb_pe *pe, enum wb_err err, uint64_t offset, const char *text);
/* Bytes of the loaded image; WB_NONE if the file does not have them all. */
enum wb_err wb_pe_piece(const struct wb_pe *pe, uint32_t rva, uint64_t size, struct wb_piece *ret_piece);

/* image_pe_symbols.c */
enum wb_err wb_pe_list_symbols(struct wb_object *object, wb_symbol_fn fn, void *arg);
void wb_pe_symbols_deinit(struct wb_pe *pe);

#endif
