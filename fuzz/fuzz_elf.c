/* SPDX-License-Identifier: MIT */
/*
 * ELF files from any bytes, as they lie in a file and as they lie in memory. What opens is consistent (object_input.h).
 */
#include "fuzz/object_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	/* The formats of text have a target of their own. */
	if (size < 4 || memcmp(bytes, "\177ELF", 4) != 0)
		return 0;
	fuzz_object(bytes, size, 0);
	fuzz_object(bytes, size, WB_IMAGE_LOADED);
	fuzz_rows(bytes, size);
	return 0;
}
