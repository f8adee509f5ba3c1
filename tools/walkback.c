/* SPDX-License-Identifier: MIT */
/* The command walkback: picks the subcommand. Everything that it does goes through the public headers. */
#include <walkback/base.h>

#include "cmd.h"
#include "guard.h"
#include "options.h"

#include <stdio.h>
#include <string.h>

struct subcommand {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct subcommand subcommands[] = {
	{ "stacks", wb_cmd_stacks, "the stacks of a capture, with names and inlined calls" },
	{ "symbolize", wb_cmd_symbolize, "names of addresses of an object, as addr2line" },
	{ "rows", wb_cmd_rows, "how the caller is found, for each range of addresses" },
	{ "info", wb_cmd_info, "modules of a capture, what is had of them and what is missing" },
	{ "snapshot", wb_cmd_snapshot, "cuts one sample of a capture into a snapshot folder" },
	{ "annotate", wb_cmd_annotate, "the stack of one sample, word by word" },
	{ "audit", wb_cmd_audit, "where strategies disagree, and functions that break the walks of others" },
};

static int flush_status(void)
{
	return fflush(stdout) || ferror(stdout) ? WB_EXIT_FAILED : WB_EXIT_OK;
}

static int print_help(void)
{
	printf("usage: walkback COMMAND [OPTION]... [OPERAND]...\n"
	       "Offline stack unwinding and symbolization.\n\n");
	for (size_t i = 0; i < sizeof(subcommands) / sizeof(subcommands[0]); i++)
		printf("  %-12s%s\n", subcommands[i].name, subcommands[i].help);
	printf("\nwalkback COMMAND --help tells more; so does the manual page, walkback(1).\n");
	return flush_status();
}

static int print_version(void)
{
	printf("walkback %s\nfeatures: %s\n", wb_version(), wb_features());
	return flush_status();
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	wb_guard_start();
	if (name && !strcmp(name, "--version"))
		return print_version();
	if (name && (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")))
		return print_help();
	for (size_t i = 0; name && i < sizeof(subcommands) / sizeof(subcommands[0]); i++)
		if (!strcmp(subcommands[i].name, name))
			return subcommands[i].run(argc - 1, argv + 1);
	if (name)
		fprintf(stderr, "walkback: %s: no such command; see walkback --help\n", name);
	else
		fprintf(stderr, "walkback: no command; see walkback --help\n");
	return WB_EXIT_USAGE;
}
