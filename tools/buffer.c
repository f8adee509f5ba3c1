/* SPDX-License-Identifier: MIT */
/* Text that grows in memory. */
#include "buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 4096, FORMATTED_MAX = 128 };

void wb_buffer_deinit(struct wb_buffer *buffer)
{
	free(buffer->text);
	*buffer = (struct wb_buffer){ NULL, 0, 0, false };
}

void wb_buffer_clear(struct wb_buffer *buffer)
{
	buffer->size = 0;
	if (buffer->text)
		buffer->text[0] = 0;
}

static bool grow(struct wb_buffer *buffer, size_t size)
{
	size_t capacity = buffer->capacity ? buffer->capacity : CAPACITY_MIN;
	char *text;

	if (size > SIZE_MAX / 4 - buffer->size)
		return false;
	while (capacity <= buffer->size + size)
		capacity *= 2;
	text = realloc(buffer->text, capacity);
	if (!text)
		return false;
	buffer->text = text;
	buffer->capacity = capacity;
	return true;
}

void wb_buffer_expect(struct wb_buffer *buffer, size_t size)
{
	if (size >= buffer->capacity - buffer->size)
		(void)grow(buffer, size);
}

void wb_buffer_bytes(struct wb_buffer *buffer, const char *bytes, size_t size)
{
	if (size >= buffer->capacity - buffer->size && !grow(buffer, size)) {
		buffer->failed = true;
		return;
	}
	memcpy(buffer->text + buffer->size, bytes, size);
	buffer->size += size;
	buffer->text[buffer->size] = 0;
}

void wb_buffer_text(struct wb_buffer *buffer, const char *text)
{
	wb_buffer_bytes(buffer, text, strlen(text));
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

void wb_buffer_clean(struct wb_buffer *buffer, const char *text)
{
	while (*text) {
		size_t plain = 0;

		while (text[plain] && !is_control(text[plain]))
			plain++;
		wb_buffer_bytes(buffer, text, plain);
		text += plain;
		if (!*text)
			return;
		wb_buffer_text(buffer, "?");
		text++;
	}
}

void wb_buffer_format(struct wb_buffer *buffer, const char *format, ...)
{
	char text[FORMATTED_MAX];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof(text))
		buffer->failed = true; /* numbers only: nobody formats longer ones */
	else
		wb_buffer_bytes(buffer, text, (size_t)length);
}

/* ---- JSON ---- */

/* Bytes of the UTF-8 sequence that text starts with (RFC 3629, section 4); 0: it is none. */
static size_t utf8_size(const char *text)
{
	static const struct { unsigned char first_min, first_max, second_min, second_max, size; } forms[] = {
		{ 0x01, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	const unsigned char *bytes = (const unsigned char *)text;
	size_t form = 0;

	while (form < sizeof(forms) / sizeof(forms[0]) && bytes[0] > forms[form].first_max)
		form++;
	if (form == sizeof(forms) / sizeof(forms[0]) || bytes[0] < forms[form].first_min)
		return 0;
	if (forms[form].size > 1 && (bytes[1] < forms[form].second_min || bytes[1] > forms[form].second_max))
		return 0;
	/* A string's end is no continuation byte. */
	for (size_t i = 2; i < forms[form].size; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return forms[form].size;
}

void wb_buffer_json(struct wb_buffer *buffer, const char *text)
{
	wb_buffer_text(buffer, "\"");
	while (text && *text) {
		size_t size = utf8_size(text);

		if (!size)
			wb_buffer_text(buffer, "\xef\xbf\xbd");
		else if (*text == '"' || *text == '\\')
			wb_buffer_format(buffer, "\\%c", *text);
		else if (is_control(*text))
			wb_buffer_format(buffer, "\\u%04x", (unsigned)*text);
		else
			wb_buffer_bytes(buffer, text, size);
		text += size ? size : 1;
	}
	wb_buffer_text(buffer, "\"");
}
