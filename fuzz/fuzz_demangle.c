/* SPDX-License-Identifier: MIT */
/* Names of any content: the result is terminated inside the buffer, the same again, and a smaller buffer gives the same or nothing. */

#include "symbols/demangle.h"

#include "fuzz.h"

#include <string.h>

enum { INPUT_MAX = 4096, RESULT_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static char first[RESULT_MAX], second[RESULT_MAX];
	char name[INPUT_MAX];
	size_t n = size < sizeof name - 1 ? size : sizeof name - 1;
	enum wb_err err;

	if (n > 0)
		memcpy(name, bytes, n);
	name[n] = '\0';
	memset(first, '#', sizeof first);
	err = wb_demangle_builtin(NULL, name, first, sizeof first);
	FUZZ_ASSERT(err == WB_OK || err == WB_NONE || err == WB_ERR_MEMORY);
	if (err != WB_OK)
		return 0;
	FUZZ_ASSERT(memchr(first, '\0', sizeof first));
	n = strlen(first);
	FUZZ_ASSERT(wb_demangle_builtin(NULL, name, second, sizeof second) == WB_OK && strcmp(first, second) == 0);
	if (wb_demangle_builtin(NULL, name, second, n + 1) == WB_OK)
		FUZZ_ASSERT(strcmp(first, second) == 0);
	if (n > 0)
		FUZZ_ASSERT(wb_demangle_builtin(NULL, name, second, n) == WB_NONE);
	return 0;
}
