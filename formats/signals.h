/* SPDX-License-Identifier: MIT */
/* What Linux's signals say, for people: names of signals and of the codes that tell why (include/uapi/asm-generic/signal.h, siginfo.h). */
#ifndef FORMATS_SIGNALS_H
#define FORMATS_SIGNALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "SIGSEGV (segmentation fault), SEGV_MAPERR (address not mapped) at 0x10", always terminated; "" for signal 0. code NULL: nothing more is known
 * than the signal. sender: the process that sent it, where one did. */
void wb_signal_describe(int32_t signal, const int32_t *code, uint64_t address, uint32_t sender, char *text, size_t size);
/* Whether a process ends by it unless it says otherwise; the others stop it, or do nothing (signal(7)). */
bool wb_signal_is_fatal(int32_t signal);
/* Whether the kernel raised it for an address (si_addr). */
bool wb_signal_has_address(int32_t signal, int32_t code);

/* Their names alone: "SIGSEGV", "SEGV_MAPERR"; NULL for one that is not known. */
const char *wb_signal_name(int32_t signal);
const char *wb_signal_code_name(int32_t signal, int32_t code);

#endif
