/* SPDX-License-Identifier: MIT */
/* Which functions of Go's runtime mean something to a walk: told by their names, which wrappers share, and by the linker's flags. */
#ifndef UNWIND_GO_KINDS_H
#define UNWIND_GO_KINDS_H

#include "model/pclntab.h"
#include "unwind/go_rows.h"

enum wb_go_kind wb_go_kind(const struct wb_pclntab *table, const struct wb_go_function *function);

#endif
