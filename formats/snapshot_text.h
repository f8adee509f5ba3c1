/* SPDX-License-Identifier: MIT */
/* The texts of a snapshot folder, line by line: registers and mappings. Bytes in, values out; no line needs the others. */
#ifndef FORMATS_SNAPSHOT_TEXT_H
#define FORMATS_SNAPSHOT_TEXT_H

#include <walkback/base.h>

#include <stdbool.h>

struct wb_snapshot_text {
	const char *bytes;            /* borrowed */
	size_t size;
	size_t at;                    /* start of the next line */
	size_t line;                  /* start of this line */
};
/* Part of a text. */
struct wb_snapshot_span { const char *at, *end; };

/* The next line that is not empty, without spaces around it; false at the end. */
bool wb_snapshot_next_line(struct wb_snapshot_text *text, struct wb_snapshot_span *ret_line);

enum { WB_SNAPSHOT_NAME_SIZE = 32 };  /* bytes of a register's name, with the NUL */
struct wb_snapshot_reg { char name[WB_SNAPSHOT_NAME_SIZE]; uint64_t value; };
/* `name: hex`. */
bool wb_snapshot_parse_reg(struct wb_snapshot_span line, struct wb_snapshot_reg *reg);

/* `start-end perms offset device inode path`: what is left of line is the path. Writes start, end, prot and file_offset. */
bool wb_snapshot_parse_map(struct wb_snapshot_span *line, struct wb_mapping *mapping);

#endif
