/* SPDX-License-Identifier: MIT */
/* Writing results. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_SIZE = 64 << 10 };

bool wb_output_open(struct wb_output *output, const char *path, struct wb_report *report)
{
	*output = (struct wb_output){ .fd = STDOUT_FILENO, .name = path ? path : "standard output" };
	if (!path)
		return true;
	output->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (output->fd >= 0)
		return true;
	wb_report_line(report, "%s: %s", path, strerror(errno));
	return false;
}

bool wb_output_close(struct wb_output *output, struct wb_report *report)
{
	wb_output_flush(output);
	free(output->buffer);
	output->buffer = NULL;
	/* Some file systems tell of a full disk only now. */
	if (close(output->fd) && !output->error)
		output->error = errno;
	if (output->error)
		wb_report_line(report, "%s: %s", output->name, strerror(output->error));
	return !output->error;
}

enum wb_err wb_output_write(void *arg, const void *bytes, size_t count)
{
	struct wb_output *output = arg;
	const char *at = bytes;

	while (count && !output->error) {
		ssize_t written = write(output->fd, at, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			output->error = errno;
			break;
		}
		at += written;
		count -= (size_t)written;
	}
	return output->error ? WB_ERR_IO : WB_OK;
}

void wb_output_flush(struct wb_output *output)
{
	wb_output_write(output, output->buffer, output->size);
	output->size = 0;
}

void wb_output_text(struct wb_output *output, const char *text)
{
	size_t length = strlen(text);

	if (!output->buffer)
		output->buffer = malloc(BUFFER_SIZE);
	if (output->size + length > BUFFER_SIZE)
		wb_output_flush(output);
	if (!output->buffer || length > BUFFER_SIZE) {
		wb_output_write(output, text, length);
		return;
	}
	memcpy(output->buffer + output->size, text, length);
	output->size += length;
}

void wb_output_clean(struct wb_output *output, const char *text)
{
	for (; *text; text++) {
		char c[2] = { *text, 0 };

		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			c[0] = '?';
		wb_output_text(output, c);
	}
}

void wb_output_format(struct wb_output *output, const char *format, ...)
{
	char text[1024], *longer;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length < 0 || (size_t)length < sizeof(text)) {
		wb_output_text(output, length < 0 ? "" : text);
		return;
	}
	longer = malloc((size_t)length + 1);
	if (!longer) {
		output->error = output->error ? output->error : ENOMEM;
		return;
	}
	va_start(args, format);
	vsnprintf(longer, (size_t)length + 1, format, args);
	va_end(args);
	wb_output_text(output, longer);
	free(longer);
}
