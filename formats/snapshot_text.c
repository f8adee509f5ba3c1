/* SPDX-License-Identifier: MIT */
/* Parsing regs.txt and maps.txt of snapshot folders. */
#include "formats/snapshot_text.h"

#include <string.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void skip_spaces(struct wb_snapshot_span *span)
{
	while (span->at < span->end && is_space(*span->at))
		span->at++;
}

static void trim(struct wb_snapshot_span *span)
{
	skip_spaces(span);
	while (span->end > span->at && is_space(span->end[-1]))
		span->end--;
}

/* The next word; empty at the end. */
static struct wb_snapshot_span take_word(struct wb_snapshot_span *span)
{
	struct wb_snapshot_span word;

	skip_spaces(span);
	word.at = span->at;
	while (span->at < span->end && !is_space(*span->at))
		span->at++;
	word.end = span->at;
	return word;
}

/* A hexadecimal number of at most 64 bits at the start of span, which moves behind it. */
static bool take_hex(struct wb_snapshot_span *span, uint64_t *ret_value)
{
	const char *start;
	uint64_t value = 0;

	if (span->end - span->at > 2 && span->at[0] == '0' && (span->at[1] | 32) == 'x')
		span->at += 2;
	for (start = span->at; span->at < span->end; span->at++) {
		char c = *span->at, lower = (char)(c | 32);
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + 10 : 16;

		if (digit == 16)
			break;
		if (value >> 60)
			return false;
		value = value << 4 | digit;
	}
	*ret_value = value;
	return span->at > start;
}

static bool take_char(struct wb_snapshot_span *span, char c)
{
	if (span->at == span->end || *span->at != c)
		return false;
	span->at++;
	return true;
}

bool wb_snapshot_next_line(struct wb_snapshot_text *text, struct wb_snapshot_span *ret_line)
{
	while (text->at < text->size) {
		size_t left = text->size - text->at;
		const char *start = text->bytes + text->at, *end = memchr(start, '\n', left);
		struct wb_snapshot_span line = { start, end ? end : start + left };

		text->line = text->at;
		text->at = (size_t)(line.end - text->bytes) + (end ? 1 : 0);
		trim(&line);
		if (line.at == line.end)
			continue;
		*ret_line = line;
		return true;
	}
	return false;
}

bool wb_snapshot_parse_reg(struct wb_snapshot_span line, struct wb_snapshot_reg *reg)
{
	const char *colon = memchr(line.at, ':', (size_t)(line.end - line.at));
	struct wb_snapshot_span name, value;

	if (!colon)
		return false;
	name = (struct wb_snapshot_span){ line.at, colon };
	value = (struct wb_snapshot_span){ colon + 1, line.end };
	trim(&name);
	trim(&value);
	if (name.at == name.end || name.end - name.at >= WB_SNAPSHOT_NAME_SIZE || !take_hex(&value, &reg->value) || value.at != value.end)
		return false;
	memcpy(reg->name, name.at, (size_t)(name.end - name.at));
	reg->name[name.end - name.at] = 0;
	return true;
}

static bool parse_perms(struct wb_snapshot_span perms, uint32_t *ret_prot)
{
	if (perms.end - perms.at < 3)
		return false;
	*ret_prot = (perms.at[0] == 'r' ? (uint32_t)WB_PROT_READ : 0) | (perms.at[1] == 'w' ? (uint32_t)WB_PROT_WRITE : 0) |
	            (perms.at[2] == 'x' ? (uint32_t)WB_PROT_EXEC : 0);
	return true;
}

bool wb_snapshot_parse_map(struct wb_snapshot_span *line, struct wb_mapping *mapping)
{
	if (!take_hex(line, &mapping->start) || !take_char(line, '-') || !take_hex(line, &mapping->end))
		return false;
	/* libunwindstack's older snapshots include the last byte. */
	if ((mapping->end & 0xfff) == 0xfff && mapping->end != UINT64_MAX)
		mapping->end++;
	if (mapping->start >= mapping->end || !parse_perms(take_word(line), &mapping->prot))
		return false;
	skip_spaces(line);
	if (!take_hex(line, &mapping->file_offset))
		return false;
	take_word(line);
	take_word(line);
	trim(line);
	return true;
}
