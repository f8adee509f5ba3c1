/* SPDX-License-Identifier: MIT */
/* Text that grows in memory, for what is put together before it is written. Without memory it stays as it is and says so. */
#ifndef TOOLS_BUFFER_H
#define TOOLS_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct wb_buffer {
	char *text;                   /* terminated; NULL while empty */
	size_t size, capacity;
	bool failed;
};

void wb_buffer_deinit(struct wb_buffer *buffer);
/* Empty again, with its memory. */
void wb_buffer_clear(struct wb_buffer *buffer);
/* So many bytes will come: room for them, if there is. */
void wb_buffer_expect(struct wb_buffer *buffer, size_t size);
void wb_buffer_bytes(struct wb_buffer *buffer, const char *bytes, size_t size);
void wb_buffer_text(struct wb_buffer *buffer, const char *text);
/* Text from an object: what a terminal would act on, or what would end the line, becomes '?'. */
void wb_buffer_clean(struct wb_buffer *buffer, const char *text);
/* A string of JSON with its quotes; what is not UTF-8 becomes U+FFFD. NULL is the empty string. */
void wb_buffer_json(struct wb_buffer *buffer, const char *text);
void wb_buffer_format(struct wb_buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
