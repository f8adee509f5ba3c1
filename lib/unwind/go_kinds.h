/* SPDX-License-Identifier: MIT */
/* Which functions of Go's runtime mean something to a walk: told by their names, which wrappers share, and by the linker's flags. */
#ifndef UNWIND_GO_KINDS_H
#define UNWIND_GO_KINDS_H

#include "model/pclntab.h"
#include "unwind/go_rows.h"

enum wb_go_kind wb_go_kind(const struct wb_pclntab *table, const struct wb_go_function *function);
/* Whether such a function keeps its return address elsewhere than Go's functions do, of which neither pclntab nor .debug_frame say anything. */
bool wb_go_kind_is_by_hand(const struct wb_arch_info *arch, enum wb_go_kind kind);

#endif
