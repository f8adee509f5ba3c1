/* SPDX-License-Identifier: MIT */
/* Lines of a pipe or a file, as they come: all that can be had now in one go, and waiting only when the caller has nothing else to do. */
#ifndef TOOLS_LINES_H
#define TOOLS_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct wb_lines {
	int fd;
	char *bytes;                  /* what was read; those from start on were not given yet */
	size_t start, end;
	bool at_end;                  /* nothing more can be read */
	bool skips;                   /* inside a line that was cut */
	int error;                    /* errno of the read that failed; 0 */
};

/* fd is borrowed. False: out of memory. */
bool wb_lines_init(struct wb_lines *lines, int fd);
void wb_lines_deinit(struct wb_lines *lines);
/* The next line, without its end. wait: the first of a batch; lines given before are gone then. Without: those of the batch stay, and NULL
 * means that the batch is all that can be had now. With wait, NULL is the end. Lines of more than 256 KiB are cut. */
char *wb_lines_next(struct wb_lines *lines, bool wait);

#endif
