/* SPDX-License-Identifier: MIT */
/* Response files: `@FILE` on a command line stands for the words in FILE, as the programs of binutils and LLVM take it. */
#ifndef TOOLS_RESPONSE_H
#define TOOLS_RESPONSE_H

enum { WB_RESPONSE_FILES_MAX = 100 };  /* of a command line; more stay as they are */

struct wb_response {
	int argc;
	char **argv;                  /* as main's */
	char *texts[WB_RESPONSE_FILES_MAX]; /* of the files; words point into them */
	unsigned num_texts;
	char **own;                   /* argv if it is ours */
};

/* A command line with each argument @FILE replaced by the words of FILE: separated by white space, quoted with ' or ", \ takes the next
 * character as it is. An @FILE that cannot be read stays as it is; one inside a file is replaced too. argv is borrowed until _deinit. Without
 * memory, the command line is as it was. */
void wb_response_init(struct wb_response *response, int argc, char **argv);
void wb_response_deinit(struct wb_response *response);

#endif
