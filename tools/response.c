/* SPDX-License-Identifier: MIT */
/* Response files. */
#include "response.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 100, FILE_SIZE_MAX = 16 << 20, WORDS_MAX = 1 << 22 };

/* The file's text, terminated; NULL if it cannot be read, or is too large. */
static char *read_text(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = file ? malloc(FILE_SIZE_MAX + 1) : NULL;
	size_t size = text ? fread(text, 1, FILE_SIZE_MAX + 1, file) : 0;

	if (text && (ferror(file) || size > FILE_SIZE_MAX)) {
		free(text);
		text = NULL;
	}
	if (text)
		text[size] = 0;
	if (file)
		fclose(file);
	return text;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The word that *at starts with, without quotes and backslashes, written over the text itself. Moves *at behind it. */
static char *cut_word(char **at)
{
	char *from = *at, *to = from, *word = from, quote = 0;

	for (; *from && (quote || !is_blank(*from)); from++) {
		if (*from == quote)
			quote = 0;
		else if (!quote && (*from == '\'' || *from == '"'))
			quote = *from;
		else if (*from == '\\' && from[1])
			*to++ = *++from;
		else
			*to++ = *from;
	}
	*at = *from ? from + 1 : from;
	*to = 0;
	return word;
}

struct words { char **items; size_t count, capacity; };

static bool add(struct words *words, char *word)
{
	if (words->count + 1 >= words->capacity) {
		size_t capacity = words->capacity ? words->capacity * 2 : 64;
		char **items = capacity <= WORDS_MAX ? realloc(words->items, capacity * sizeof(*items)) : NULL;

		if (!items)
			return false;
		words->items = items;
		words->capacity = capacity;
	}
	words->items[words->count++] = word;
	words->items[words->count] = NULL;
	return true;
}

static bool add_expanded(struct words *words, char *word, unsigned *files)
{
	char *text = word[0] == '@' && word[1] && *files < FILES_MAX ? read_text(word + 1) : NULL;

	if (!text)
		return add(words, word);
	/* Files in files count, and there may be no more than FILES_MAX in all: so deep the recursion is at most. */
	++*files;
	for (char *at = text; *at;) {
		if (is_blank(*at))
			at++;
		else if (!add_expanded(words, cut_word(&at), files))
			return false;
	}
	return true;
}

void wb_response_expand(int *argc, char ***argv)
{
	struct words words = { NULL, 0, 0 };
	unsigned files = 0;
	bool any = false;

	for (int i = 1; i < *argc; i++)
		any |= (*argv)[i][0] == '@';
	if (!any)
		return;
	for (int i = 0; i < *argc; i++)
		if (i == 0 ? !add(&words, (*argv)[i]) : !add_expanded(&words, (*argv)[i], &files)) {
			free(words.items);
			return;
		}
	*argc = (int)words.count;
	*argv = words.items;
}
