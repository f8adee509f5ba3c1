/* SPDX-License-Identifier: MIT */
/* Lines as they come. */
#include "lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 256 << 10 };            /* of the buffer, but for the NUL behind it */

bool wb_lines_init(struct wb_lines *lines, int fd)
{
	*lines = (struct wb_lines){ .fd = fd, .bytes = malloc(SIZE + 1) };
	return lines->bytes;
}

void wb_lines_deinit(struct wb_lines *lines)
{
	free(lines->bytes);
	lines->bytes = NULL;
}

/* Whether a read would return at once. */
static bool is_readable(const struct wb_lines *lines)
{
	struct pollfd polled = { .fd = lines->fd, .events = POLLIN };

	return poll(&polled, 1, 0) > 0;
}

static void read_more(struct wb_lines *lines)
{
	ssize_t got;

	do
		got = read(lines->fd, lines->bytes + lines->end, SIZE - lines->end);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		lines->end += (size_t)got;
		return;
	}
	lines->at_end = true;
	lines->error = got < 0 ? errno : 0;
}

/* A whole line of what was read, its end replaced; NULL if there is none. */
static char *take_line(struct wb_lines *lines)
{
	char *line = lines->bytes + lines->start, *end = memchr(line, '\n', lines->end - lines->start);

	if (!end)
		return NULL;
	*end = 0;
	lines->start = (size_t)(end + 1 - lines->bytes);
	return line;
}

/* All that is left, as a line: the last one, or one that is too long. */
static char *take_rest(struct wb_lines *lines)
{
	char *line = lines->bytes + lines->start;

	lines->bytes[lines->end] = 0;
	lines->start = lines->end;
	return line;
}

static void forget_given(struct wb_lines *lines)
{
	memmove(lines->bytes, lines->bytes + lines->start, lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
}

char *wb_lines_next(struct wb_lines *lines, bool wait)
{
	for (;;) {
		char *line = take_line(lines);

		if (line && !lines->skips)
			return line;
		if (line) {
			lines->skips = false; /* that was the rest of the one that was cut */
			continue;
		}
		if (lines->at_end)
			return lines->start < lines->end && !lines->skips ? take_rest(lines) : NULL;
		if (wait)
			forget_given(lines);
		if (lines->end == SIZE && lines->start > 0)
			return NULL;
		if (lines->end == SIZE && !lines->skips) {
			lines->skips = true;
			return take_rest(lines);
		}
		if (lines->end == SIZE)
			lines->end = lines->start;
		if (!wait && !is_readable(lines))
			return NULL;
		read_more(lines);
	}
}
