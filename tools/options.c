/* SPDX-License-Identifier: MIT */
/* Parsing options by their tables, and showing them. */
#include "options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int wb_options_refuse(const struct wb_command *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "walkback: %s: ", command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "; see walkback %s --help\n", command->name);
	return WB_EXIT_USAGE;
}

/* ---- Values ---- */

static bool parse_count(const char *text, uint64_t *ret_value, const char **ret_rest)
{
	uint64_t value = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) || __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	*ret_value = value;
	*ret_rest = at;
	return at > text;
}

bool wb_options_number(const char *text, uint64_t *ret_value)
{
	const char *rest;

	return parse_count(text, ret_value, &rest) && !*rest;
}

static bool parse_size(const char *text, uint64_t *ret_value)
{
	unsigned shift = 0;
	const char *rest;
	uint64_t value;

	if (!parse_count(text, &value, &rest))
		return false;
	switch (*rest | 32) {
	case 'k': shift = 10; break;
	case 'm': shift = 20; break;
	case 'g': shift = 30; break;
	default: break;
	}
	rest += shift != 0;
	if (*rest || value > UINT64_MAX >> shift)
		return false;
	*ret_value = value << shift;
	return true;
}

bool wb_options_address(const char *text, uint64_t *ret_address)
{
	uint64_t value = 0;

	if (text[0] == '0' && (text[1] | 32) == 'x')
		text += 2;
	if (!*text)
		return false;
	for (; *text; text++) {
		char c = *text, lower = (char)(c | 32);
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + 10 : 16;

		if (digit == 16 || value >> 60)
			return false;
		value = value << 4 | digit;
	}
	*ret_address = value;
	return true;
}

static bool add_text(struct wb_texts *texts, const char *text)
{
	if (texts->count == WB_OPTION_REPEATS_MAX)
		return false;
	texts->items[texts->count++] = text;
	return true;
}

static bool add_count(struct wb_counts *counts, const char *text)
{
	const char *rest;
	uint64_t value;

	if (counts->count == WB_OPTION_REPEATS_MAX || !parse_count(text, &value, &rest) || *rest || value > UINT32_MAX)
		return false;
	counts->items[counts->count++] = (uint32_t)value;
	return true;
}

static bool set_value(const struct wb_option *option, const char *text)
{
	switch (option->kind) {
	case WB_OPTION_FLAG:
	case WB_OPTION_FLAG_STYLE: *(bool *)option->value = true; return true;
	case WB_OPTION_TEXT: *(const char **)option->value = text; return true;
	case WB_OPTION_TEXTS: return add_text(option->value, text);
	case WB_OPTION_COUNT: return wb_options_number(text, option->value);
	case WB_OPTION_COUNTS: return add_count(option->value, text);
	case WB_OPTION_SIZE: return parse_size(text, option->value);
	}
	return false;
}

static bool takes_value(const struct wb_option *option)
{
	return option->kind != WB_OPTION_FLAG && option->kind != WB_OPTION_FLAG_STYLE;
}

/* ---- Parsing ---- */

static const struct wb_option *find_letter(const struct wb_command *command, char letter)
{
	for (size_t t = 0; command->options[t]; t++)
		for (const struct wb_option *option = command->options[t]; option->letter || option->name; option++)
			if (option->letter == letter)
				return option;
	return NULL;
}

/* The option whose name is `name`, or starts with it if `is_start`; NULL if there is none, or more than one. */
static const struct wb_option *find_by(const struct wb_command *command, const char *name, size_t size, bool is_start)
{
	const struct wb_option *found = NULL;

	for (size_t t = 0; command->options[t]; t++)
		for (const struct wb_option *option = command->options[t]; option->letter || option->name; option++) {
			if (!option->name || strncmp(option->name, name, size) || (!is_start && option->name[size]))
				continue;
			if (!is_start)
				return option; /* one that is listed earlier hides others of its name */
			if (found && found->value != option->value)
				return NULL;
			found = option;
		}
	return found;
}

/* Names can be cut to what tells them apart, as getopt_long(3) has it. */
static const struct wb_option *find_name(const struct wb_command *command, const char *name, size_t size)
{
	const struct wb_option *found = find_by(command, name, size, false);

	return found || !size ? found : find_by(command, name, size, true);
}

/* ---- Help ---- */

static void print_option(const struct wb_option *option)
{
	char left[64];
	int length;

	if (!option->help)
		return;
	length = snprintf(left, sizeof(left), "  %c%c%s%s%s%s%s", option->letter ? '-' : ' ', option->letter ? option->letter : ' ',
	                  option->letter && option->name ? ", " : option->name ? "  " : "", option->name ? "--" : "",
	                  option->name ? option->name : "", option->argument ? " " : "", option->argument ? option->argument : "");
	printf("%-28s%s%s\n", left, length >= 28 ? "  " : "", option->help);
}

static void print_help(const struct wb_command *command)
{
	printf("usage: walkback %s %s\n%s\n\n", command->name, command->usage, command->help);
	for (size_t t = 0; command->options[t]; t++)
		for (const struct wb_option *option = command->options[t]; option->letter || option->name; option++)
			if (!option->name || find_name(command, option->name, strlen(option->name)) == option)
				print_option(option);
	printf("  -h, --help                show this\n");
}

/* ---- Words ---- */

struct words {
	const struct wb_command *command;
	int argc, at;
	char **argv;
	int status;
};

/* The next word, as the value of an option that is shown as `shown`; NULL (refused) at the end. */
static const char *next_value(struct words *words, const struct wb_option *option, const char *shown)
{
	if (words->at < words->argc)
		return words->argv[words->at++];
	words->status = wb_options_refuse(words->command, "%s needs %s", shown, option->argument);
	return NULL;
}

static bool store(struct words *words, const struct wb_option *option, const char *shown, const char *value)
{
	if (set_value(option, value))
		return true;
	words->status = wb_options_refuse(words->command, "%s: \"%s\" is not %s, or too many", shown, value, option->argument);
	return false;
}

static bool parse_long(struct words *words, const char *word)
{
	const char *equals = strchr(word, '='), *value;
	size_t size = equals ? (size_t)(equals - word) : strlen(word);
	const struct wb_option *option = find_name(words->command, word + 2, size - 2);

	if (!option) {
		words->status = wb_options_refuse(words->command, "%.*s: no such option", (int)size, word);
		return false;
	}
	if (!takes_value(option)) {
		if (!equals || option->kind == WB_OPTION_FLAG_STYLE)
			return set_value(option, NULL);
		words->status = wb_options_refuse(words->command, "%.*s takes no value", (int)size, word);
		return false;
	}
	value = equals ? equals + 1 : next_value(words, option, word);
	return value && store(words, option, word, value);
}

static bool parse_letters(struct words *words, const char *word)
{
	for (const char *at = word + 1; *at; at++) {
		const struct wb_option *option = find_letter(words->command, *at);
		char shown[3] = { '-', *at, 0 };
		const char *value;

		if (!option) {
			words->status = wb_options_refuse(words->command, "%s: no such option", shown);
			return false;
		}
		if (!takes_value(option)) {
			set_value(option, NULL);
			continue;
		}
		value = at[1] ? at + 1 : next_value(words, option, shown);
		return value && store(words, option, shown, value);
	}
	return true;
}

bool wb_options_parse(const struct wb_command *command, int argc, char **argv, int *ret_operands, int *ret_status)
{
	struct words words = { .command = command, .argc = argc, .at = 1, .argv = argv };
	bool options = true;
	int operands = 0;

	while (words.at < argc) {
		char *word = argv[words.at++];

		if (!options || word[0] != '-' || !word[1]) {
			argv[1 + operands++] = word;
		} else if (!strcmp(word, "--")) {
			options = false;
		} else if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
			print_help(command);
			*ret_status = fflush(stdout) || ferror(stdout) ? WB_EXIT_FAILED : WB_EXIT_OK;
			return false;
		} else if (word[1] == '-' ? !parse_long(&words, word) : !parse_letters(&words, word)) {
			*ret_status = words.status;
			return false;
		}
	}
	*ret_operands = operands;
	return true;
}
