/* SPDX-License-Identifier: MIT */
/* Epilogues of x86-64 Windows code, told by their instructions. */
#ifndef UNWIND_WINDOWS_EPILOGUE_H
#define UNWIND_WINDOWS_EPILOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WB_WINDOWS_POPS_MAX = 16 };

struct wb_windows_epilogue {
	bool from_frame;              /* the stack pointer becomes frame register + offset, else stack pointer + offset */
	int32_t offset;
	uint8_t pops[WB_WINDOWS_POPS_MAX]; /* then these registers are popped, as instructions number them; then the return address */
	unsigned num_pops;
	bool jumps;                   /* it ends with a jump to an RVA; else it returns, or jumps through memory or a register */
	uint64_t target;
};

/* Whether code, at rva in the function [begin, end), is (the rest of) an epilogue. frame_register 0: the function has none. */
bool wb_windows_epilogue_read(const uint8_t *code, size_t size, uint64_t rva, uint32_t begin, uint32_t end, uint8_t frame_register,
                              struct wb_windows_epilogue *ret);

#endif
