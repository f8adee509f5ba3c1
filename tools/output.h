/* SPDX-License-Identifier: MIT */
/* Where results go: standard output or a file. A failed write is remembered with the system's reason. */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include "report.h"

#include <stddef.h>

struct wb_output {
	int fd;
	const char *name;             /* for messages */
	int error;                    /* errno of the write that failed; 0 */
	char *buffer;                 /* of wb_output_format; NULL until then */
	size_t size;
};

/* path NULL: standard output. False: said why. */
bool wb_output_open(struct wb_output *output, const char *path, struct wb_report *report);
/* Says if anything was not written; closes. False then. */
bool wb_output_close(struct wb_output *output, struct wb_report *report);
/* For wb_sink_new; arg is the struct wb_output. */
enum wb_err wb_output_write(void *arg, const void *bytes, size_t count);
/* Buffered text. What it could not write shows in wb_output_close. */
void wb_output_format(struct wb_output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
void wb_output_text(struct wb_output *output, const char *text);
/* The same for what comes from a capture or an object: what a terminal would act on, or what would end the line, becomes '?'. */
void wb_output_clean(struct wb_output *output, const char *text);
void wb_output_flush(struct wb_output *output);

#endif
