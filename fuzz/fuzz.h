/* SPDX-License-Identifier: MIT */
/* What every fuzz target defines, and how it states the property that it looks for. */

#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs the parser over the bytes; always 0. `bytes` is NULL when `size` is 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Unlike assert(), there in every build. */
#define FUZZ_ASSERT(condition)                                                                     \
	do {                                                                                           \
		if (!(condition)) {                                                                        \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
			abort();                                                                               \
		}                                                                                          \
	} while (0)

#endif
