/* SPDX-License-Identifier: MIT */
/* The table of code readers. */
#include "unwind/code_reader.h"

const struct wb_code_reader *wb_code_reader(enum wb_arch arch)
{
	if (arch == WB_ARCH_AARCH64)
		return &wb_code_aarch64;
	return arch == WB_ARCH_X86_64 ? &wb_code_x86_64 : NULL;
}
