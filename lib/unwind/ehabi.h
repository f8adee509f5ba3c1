/* SPDX-License-Identifier: MIT */
/*
 * The unwinding instructions of 32-bit Arm: "Exception Handling ABI for the Arm Architecture" (EHABI32), 10. They pop a frame: a virtual stack pointer moves
 * up, and registers are loaded from where it points. Here they become the rules of one row.
 */
#ifndef UNWIND_EHABI_H
#define UNWIND_EHABI_H

#include "base/bytes.h"
#include "model/row.h"

enum { WB_EHABI_RULES_MAX = 1 + 16 };   /* the CFA's, and one per register */

/* The rules of the instructions in code, which are whole words, read from the highest byte of each: the CFA's first. WB_NONE: they refuse to unwind;
 * WB_ERR_DATA or WB_ERR_UNSUPPORTED with *ret_fault. */
enum wb_err wb_ehabi_rules(const struct wb_arch_info *arch, const uint8_t *code, size_t size, struct wb_row_rule *rules, uint8_t *ret_count,
                           const char **ret_fault);

#endif
