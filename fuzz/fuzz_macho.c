/* SPDX-License-Identifier: MIT */
/* Mach-O files from any bytes, thin, fat and in archives, as they lie in a file and as they lie in memory. What opens is consistent (object_input.h). */
#include "fuzz/object_input.h"

#include "base/bytes.h"

static bool is_macho(uint32_t magic)
{
	return magic == 0xfeedface || magic == 0xfeedfacf || magic == 0xcefaedfe || magic == 0xcffaedfe || magic == 0xcafebabe || magic == 0xcafebabf;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size < 4 || (!is_macho(wb_load32(bytes, true)) && memcmp(bytes, "!<ar", 4) != 0))
		return 0;
	fuzz_object(bytes, size, 0);
	fuzz_object(bytes, size, WB_IMAGE_LOADED);
	fuzz_rows(bytes, size);
	return 0;
}
