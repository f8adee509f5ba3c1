/* SPDX-License-Identifier: MIT */
/* Response files. */
#include "response.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_SIZE_MAX = 16 << 20, WORDS_MAX = 1 << 22 };

/* The file's text, terminated; NULL if it cannot be read, or is too large. */
static char *read_text(const char *path)
{
	FILE *file = fopen(path, "rb");
	char *text = file ? malloc(FILE_SIZE_MAX + 1) : NULL;
	size_t size = text ? fread(text, 1, FILE_SIZE_MAX + 1, file) : 0;
	char *fitted;

	if (text && (ferror(file) || size > FILE_SIZE_MAX)) {
		free(text);
		text = NULL;
	}
	if (file)
		fclose(file);
	if (!text)
		return NULL;
	text[size] = 0;
	fitted = realloc(text, size + 1);
	return fitted ? fitted : text;
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

struct words {
	struct wb_response *response;
	char **items;
	size_t count, capacity;
};

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

static bool add_expanded(struct words *words, char *word)
{
	struct wb_response *response = words->response;
	char *text = word[0] == '@' && word[1] && response->num_texts < WB_RESPONSE_FILES_MAX ? read_text(word + 1) : NULL;

	if (!text)
		return add(words, word);
	/* The limit of all files is that of files in files too: so deep the recursion is at most. */
	response->texts[response->num_texts++] = text;
	for (char *at = text; *at;) {
		if (is_blank(*at))
			at++;
		else if (!add_expanded(words, cut_word(&at)))
			return false;
	}
	return true;
}

static bool has_files(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (argv[i][0] == '@')
			return true;
	return false;
}

void wb_response_init(struct wb_response *response, int argc, char **argv)
{
	struct words words = { .response = response };
	bool good = has_files(argc, argv);

	*response = (struct wb_response){ .argc = argc, .argv = argv };
	for (int i = 0; good && i < argc; i++)
		good = i ? add_expanded(&words, argv[i]) : add(&words, argv[i]);
	if (!good) {
		free(words.items);
		return;
	}
	response->argc = (int)words.count;
	response->argv = response->own = words.items;
}

void wb_response_deinit(struct wb_response *response)
{
	for (unsigned i = 0; i < response->num_texts; i++)
		free(response->texts[i]);
	free(response->own);
	*response = (struct wb_response){ .argc = 0 };
}
