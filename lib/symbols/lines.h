/* SPDX-License-Identifier: MIT */
/*
 * The line table of a unit: immutable sorted arrays, whichever compiler made them. A row holds from its address to the next one's; between
 * sequences there is nothing. Strings are references into debug sections, put together to paths only for an answer.
 *
 * What becomes of odd rows: of several rows at one address the last counts; rows whose address goes down are left out; a sequence that does
 * not start in code was discarded by the linker; an empty one is dropped.
 */
#ifndef SYMBOLS_LINES_H
#define SYMBOLS_LINES_H

#include "symbols/ref.h"
#include "symbols/text.h"

enum {
	WB_LINES_LINE_MAX = (1 << 28) - 1, /* larger line numbers count as unknown */
	WB_LINES_FILE_MAX = (1 << 20) - 1, /* larger file numbers too */
	WB_LINES_COLUMN_MAX = UINT16_MAX,  /* larger columns too */
	WB_LINES_PATH_MAX = 64 << 10,      /* bytes of a path */
};

/* ---- Lookups ------------------------------------------------------------------------------------------------------------ */

struct wb_lines;
struct wb_line_hit {
	uint32_t file;                /* as wb_lines_path takes it */
	uint32_t line;                /* 0: there is code, but of no line */
	uint32_t column;              /* 0: left edge or unknown */
};
/* False: no row covers image_pc. lines may be NULL. */
bool wb_lines_find(const struct wb_lines *lines, uint64_t image_pc, struct wb_line_hit *ret_hit);
/* The path of a file into buffer, terminated. WB_NONE: there is no such file. WB_ERR_LIMIT: it does not fit. */
enum wb_err wb_lines_path(const struct wb_lines *lines, const struct wb_dwarf_sections *sections, uint32_t file, char *buffer, size_t size);
size_t wb_lines_bytes(const struct wb_lines *lines);
void wb_lines_free(struct wb_lines *lines);

struct wb_line_sequence {
	uint64_t start, end;
	uint64_t max_end;             /* largest end up to here: sequences may overlap */
	uint32_t first_row, num_rows;
};
/* All of them, for indexes and tests; sorted by start. */
const struct wb_line_sequence *wb_lines_sequences(const struct wb_lines *lines, size_t *ret_count);

/* ---- Compiling ------------------------------------------------------------------------------------------------------------ */

struct wb_lines_file { uint64_t name, dir; }; /* references; dir WB_REF_NONE: in the unit's folder */
struct wb_lines_builder {
	const struct wb_text *text;   /* where code is; NULL or empty: everywhere */
	struct wb_line_sequence *sequences;
	size_t num_sequences, sequences_capacity;
	uint32_t *addresses;          /* of rows: offsets from their sequence's start */
	uint64_t *places;             /* of rows: line, file and column packed */
	size_t num_rows, addresses_capacity, places_capacity;
	struct wb_lines_file *files;
	size_t num_files, files_capacity;
	uint64_t folder, root;        /* references: the unit's folder; what that counts from if it is relative */
	uint64_t start, last;         /* of the open sequence: first and last address */
	size_t first_row;             /* of the open sequence */
	bool is_open, is_dropped;     /* a sequence is open; and is not to be kept */
};
void wb_lines_builder_init(struct wb_lines_builder *builder, const struct wb_text *text);
void wb_lines_builder_deinit(struct wb_lines_builder *builder);
/* Files are numbered in the order added, from 0. */
enum wb_err wb_lines_add_file(struct wb_lines_builder *builder, uint64_t name, uint64_t dir);
enum wb_err wb_lines_add_row(struct wb_lines_builder *builder, uint64_t address, uint64_t file, uint64_t line, uint64_t column);
enum wb_err wb_lines_end_sequence(struct wb_lines_builder *builder, uint64_t end);
/* A sequence that is still open is dropped: nobody knows where it ends. */
enum wb_err wb_lines_builder_finish(struct wb_lines_builder *builder, struct wb_lines **ret_lines);

#endif
