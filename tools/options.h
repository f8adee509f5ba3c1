/* SPDX-License-Identifier: MIT */
/*
 * Options as tables: a command lists what it takes, and parsing, --help and the messages about wrong usage come from the list.
 * `-x`, `-xVALUE`, `-x VALUE`, bundled `-xyz`, `--name`, `--name=VALUE`, `--name VALUE`, `--` and operands in any order; names can be cut to
 * what tells them apart.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses of the command; see walkback(1). */
enum wb_exit { WB_EXIT_OK = 0, WB_EXIT_FAILED = 1, WB_EXIT_USAGE = 2, WB_EXIT_FINDINGS = 3 };

enum wb_option_kind {
	WB_OPTION_FLAG,               /* bool */
	WB_OPTION_FLAG_STYLE,         /* bool; --name=STYLE is accepted, and the style ignored */
	WB_OPTION_TEXT,               /* const char * */
	WB_OPTION_TEXTS,              /* struct wb_texts */
	WB_OPTION_COUNT,              /* uint64_t, decimal */
	WB_OPTION_COUNTS,             /* struct wb_counts, of at most 32 bits each */
	WB_OPTION_SIZE,               /* uint64_t, decimal with K, M or G */
};

enum { WB_OPTION_REPEATS_MAX = 64 };  /* of one option on a command line */
struct wb_texts { const char *items[WB_OPTION_REPEATS_MAX]; size_t count; };
struct wb_counts { uint32_t items[WB_OPTION_REPEATS_MAX]; size_t count; };

struct wb_option {
	char letter;                  /* 0: none */
	const char *name;             /* without the dashes; NULL: none */
	enum wb_option_kind kind;
	void *value;                  /* of the kind's type */
	const char *argument;         /* what its value is called; NULL for flags */
	const char *help;             /* one line; NULL: not listed */
};

struct wb_command {
	const char *name;
	const char *usage;            /* what comes after "walkback NAME" */
	const char *help;             /* one line */
	const struct wb_option *const *options; /* tables, each ending with an entry of zeros; the list ends with NULL */
};

/* Parses argv[1...]; operands are moved to the front of argv + 1 and counted. False: *ret_status is the exit status (0 after --help). */
bool wb_options_parse(const struct wb_command *command, int argc, char **argv, int *ret_operands, int *ret_status);
/* "walkback: NAME: what; see walkback NAME --help" on standard error; returns WB_EXIT_USAGE. */
int wb_options_refuse(const struct wb_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A whole string as an address: hexadecimal, with or without 0x. */
bool wb_options_address(const char *text, uint64_t *ret_address);
/* A whole string as a decimal number. */
bool wb_options_number(const char *text, uint64_t *ret_value);

#endif
