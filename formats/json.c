/* SPDX-License-Identifier: MIT */
/* The JSON writer. Strings come from captures and objects, so nothing about them is taken for granted. */
#include "formats/json.h"

static void put_key(struct wb_json *json, const char *key)
{
	if (json->comma)
		wb_out_char(json->out, ',');
	json->comma = true;
	if (!key)
		return;
	wb_out_char(json->out, '"');
	wb_out_string(json->out, key);
	wb_out_bytes(json->out, "\":", 2);
}

void wb_json_open(struct wb_json *json, const char *key, char bracket)
{
	put_key(json, key);
	wb_out_char(json->out, bracket);
	json->comma = false;
}

void wb_json_close(struct wb_json *json, char bracket)
{
	wb_out_char(json->out, bracket);
	json->comma = true;
}

/*
 * Bytes of the well-formed UTF-8 sequence at p (Unicode 15, table 3-7), which ends with NUL; 0 if there is none: overlong forms,
 * surrogates and what is above U+10FFFF have none.
 */
static unsigned utf8_length(const uint8_t *p)
{
	uint8_t low = 0x80, high = 0xbf;
	unsigned length;

	if (*p < 0x80)
		return 1;
	if (*p < 0xc2 || *p > 0xf4)
		return 0;
	length = *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	if (*p == 0xe0)
		low = 0xa0;
	else if (*p == 0xed)
		high = 0x9f;
	else if (*p == 0xf0)
		low = 0x90;
	else if (*p == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (unsigned i = 2; i < length; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return length;
}

static void put_escaped(struct wb_out *out, uint8_t c)
{
	switch (c) {
	case '"': wb_out_bytes(out, "\\\"", 2); break;
	case '\\': wb_out_bytes(out, "\\\\", 2); break;
	case '\n': wb_out_bytes(out, "\\n", 2); break;
	case '\t': wb_out_bytes(out, "\\t", 2); break;
	default:
		wb_out_bytes(out, "\\u", 2);
		wb_out_hex(out, c, 4);
	}
}

static void put_text(struct wb_out *out, const char *text)
{
	const uint8_t *p = (const uint8_t *)text, *run = p;

	wb_out_char(out, '"');
	while (*p) {
		unsigned length = utf8_length(p);

		if (length && *p >= 0x20 && *p != '"' && *p != '\\' && *p != 0x7f) {
			p += length;
			continue;
		}
		wb_out_bytes(out, (const char *)run, (size_t)(p - run));
		if (length)
			put_escaped(out, *p);
		else
			wb_out_bytes(out, "\xef\xbf\xbd", 3);
		run = ++p;
	}
	wb_out_bytes(out, (const char *)run, (size_t)(p - run));
	wb_out_char(out, '"');
}

void wb_json_string(struct wb_json *json, const char *key, const char *value)
{
	put_key(json, key);
	put_text(json->out, value);
}

void wb_json_number(struct wb_json *json, const char *key, uint64_t value)
{
	put_key(json, key);
	wb_out_decimal(json->out, value, 1);
}

void wb_json_integer(struct wb_json *json, const char *key, int64_t value)
{
	put_key(json, key);
	if (value < 0)
		wb_out_char(json->out, '-');
	wb_out_decimal(json->out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
}

void wb_json_address(struct wb_json *json, const char *key, uint64_t value)
{
	wb_json_padded(json, key, value, 1);
}

void wb_json_bytes(struct wb_json *json, const char *key, const uint8_t *bytes, size_t size)
{
	put_key(json, key);
	wb_out_char(json->out, '"');
	for (size_t i = 0; i < size; i++)
		wb_out_hex(json->out, bytes[i], 2);
	wb_out_char(json->out, '"');
}

void wb_json_true(struct wb_json *json, const char *key)
{
	wb_json_raw(json, key, "true", 4);
}

void wb_json_bool(struct wb_json *json, const char *key, bool value)
{
	wb_json_raw(json, key, value ? "true" : "false", value ? 4 : 5);
}

void wb_json_null(struct wb_json *json, const char *key)
{
	wb_json_raw(json, key, "null", 4);
}

void wb_json_padded(struct wb_json *json, const char *key, uint64_t value, unsigned digits)
{
	put_key(json, key);
	wb_out_bytes(json->out, "\"0x", 3);
	wb_out_hex(json->out, value, digits);
	wb_out_char(json->out, '"');
}

void wb_json_raw(struct wb_json *json, const char *key, const char *value, size_t size)
{
	put_key(json, key);
	wb_out_bytes(json->out, value, size);
}

void wb_json_members(struct wb_json *json, const char *members, size_t size)
{
	wb_out_bytes(json->out, members, size);
	json->comma = json->comma || size;
}
