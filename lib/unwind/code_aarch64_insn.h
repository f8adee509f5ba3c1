/* SPDX-License-Identifier: MIT */
/* One 64-bit Arm instruction, as far as the stack is concerned. Registers: x0 to x30 by their numbers, SP is 31, v0 to v31 are from 32 on. */
#ifndef UNWIND_CODE_AARCH64_INSN_H
#define UNWIND_CODE_AARCH64_INSN_H

#include "unwind/code_insn.h"

/* False: not an instruction that this knows, or cut by the end of the bytes. */
bool wb_a64_decode(const uint8_t *bytes, size_t size, struct wb_code_insn *ret_insn);

#endif
