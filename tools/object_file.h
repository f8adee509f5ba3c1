/* SPDX-License-Identifier: MIT */
/* Objects told from captures, for commands that take both. */
#ifndef TOOLS_OBJECT_FILE_H
#define TOOLS_OBJECT_FILE_H

#include <stdbool.h>

/* By the first bytes of a regular file; anything else is none. */
bool wb_object_is(const char *path);

#endif
