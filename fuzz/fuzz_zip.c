/* SPDX-License-Identifier: MIT */
/* Zip archives from any bytes: the entry "a.o" of what opens is consistent (object_input.h). */
#include "fuzz/object_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 4 || memcmp(bytes, "PK\3\4", 4) != 0)
		return 0;
	fuzz_object(bytes, size, 0);
	return 0;
}
