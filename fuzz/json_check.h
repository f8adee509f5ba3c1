/* SPDX-License-Identifier: MIT */
/*
 * Whether a text is JSON (RFC 8259) in UTF-8 (RFC 3629): what every sink and command must write, whatever names the input has. Own code, and not what
 * writes the JSON: a mistake there is seen here.
 */
#ifndef FUZZ_JSON_CHECK_H
#define FUZZ_JSON_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { JSON_DEPTH_MAX = 32 };         /* our writers nest five deep */

struct json_text { const uint8_t *at, *end; };

static inline bool json_take(struct json_text *t, char c)
{
	if (t->at == t->end || *t->at != (uint8_t)c)
		return false;
	t->at++;
	return true;
}

static inline void json_skip_blanks(struct json_text *t)
{
	while (t->at < t->end && (*t->at == ' ' || *t->at == '\t' || *t->at == '\r'))
		t->at++;
}

/* One character that is not ASCII: no surrogates, nothing longer than it must be, nothing past U+10FFFF. */
static inline bool json_take_wide(struct json_text *t)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned size = *t->at >= 0xf0 ? 4 : *t->at >= 0xe0 ? 3 : 2;
	uint32_t c = *t->at & (0xffu >> (size + 1));

	if (*t->at < 0xc2 || *t->at > 0xf4 || (size_t)(t->end - t->at) < size)
		return false;
	for (unsigned i = 1; i < size; i++) {
		if ((t->at[i] & 0xc0) != 0x80)
			return false;
		c = c << 6 | (t->at[i] & 0x3fu);
	}
	t->at += size;
	return c >= least[size] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static inline bool json_take_escape(struct json_text *t)
{
	if (t->at == t->end || !*t->at || !strchr("\"\\/bfnrtu", *t->at))
		return false;
	if (*t->at++ != 'u')
		return true;
	for (unsigned i = 0; i < 4; i++, t->at++) {
		if (t->at == t->end || !*t->at || !strchr("0123456789abcdefABCDEF", *t->at))
			return false;
	}
	return true;
}

static inline bool json_take_string(struct json_text *t)
{
	if (!json_take(t, '"'))
		return false;
	while (t->at < t->end && *t->at != '"') {
		if (*t->at < 0x20)
			return false;
		if (*t->at >= 0x80) {
			if (!json_take_wide(t))
				return false;
		} else if (*t->at++ == '\\' && !json_take_escape(t)) {
			return false;
		}
	}
	return json_take(t, '"');
}

static inline bool json_take_digits(struct json_text *t)
{
	const uint8_t *start = t->at;

	while (t->at < t->end && *t->at >= '0' && *t->at <= '9')
		t->at++;
	return t->at > start;
}

static inline bool json_take_number(struct json_text *t)
{
	json_take(t, '-');
	if (!json_take(t, '0') && !json_take_digits(t))
		return false;
	if (json_take(t, '.') && !json_take_digits(t))
		return false;
	if (!json_take(t, 'e') && !json_take(t, 'E'))
		return true;
	if (!json_take(t, '-'))
		json_take(t, '+');
	return json_take_digits(t);
}

static inline bool json_take_word(struct json_text *t, const char *word)
{
	size_t size = strlen(word);

	if ((size_t)(t->end - t->at) < size || memcmp(t->at, word, size) != 0)
		return false;
	t->at += size;
	return true;
}

static inline bool json_take_value(struct json_text *t, unsigned depth);

/* What is between brackets; an object's members have names. */
static inline bool json_take_items(struct json_text *t, bool named, char close, unsigned depth)
{
	json_skip_blanks(t);
	if (json_take(t, close))
		return true;
	do {
		json_skip_blanks(t);
		if (named && !json_take_string(t))
			return false;
		json_skip_blanks(t);
		if (named && !json_take(t, ':'))
			return false;
		if (!json_take_value(t, depth))
			return false;
	} while (json_take(t, ','));
	return json_take(t, close);
}

static inline bool json_take_value(struct json_text *t, unsigned depth)
{
	bool ok;

	json_skip_blanks(t);
	if (depth > JSON_DEPTH_MAX || t->at == t->end)
		return false;
	if (*t->at == '"')
		ok = json_take_string(t);
	else if (json_take(t, '{'))
		ok = json_take_items(t, true, '}', depth + 1);
	else if (json_take(t, '['))
		ok = json_take_items(t, false, ']', depth + 1);
	else
		ok = json_take_word(t, "true") || json_take_word(t, "false") || json_take_word(t, "null") || json_take_number(t);
	json_skip_blanks(t);
	return ok;
}

/* Whether every line is one value and ends with a newline; *ret_lines says how many there are. */
static inline bool json_is_lines(const void *bytes, size_t size, size_t *ret_lines)
{
	struct json_text t = { bytes, bytes };

	*ret_lines = 0;
	if (size == 0) /* NULL, perhaps */
		return true;
	t.end += size;
	while (t.at < t.end) {
		if (!json_take_value(&t, 0) || !json_take(&t, '\n'))
			return false;
		++*ret_lines;
	}
	return true;
}

#endif
