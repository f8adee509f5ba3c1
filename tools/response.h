/* SPDX-License-Identifier: MIT */
/* Response files: `@FILE` on a command line stands for the words in FILE, as the programs of binutils and LLVM take it. */
#ifndef TOOLS_RESPONSE_H
#define TOOLS_RESPONSE_H

/* Replaces each argument @FILE by the words of FILE: separated by white space, quoted with ' or ", \ takes the next character as it is. An
 * @FILE that cannot be read stays as it is; one inside a file is replaced too, so often. The words and the new array live until the process
 * ends. Without memory, argv stays as it is. */
void wb_response_expand(int *argc, char ***argv);

#endif
