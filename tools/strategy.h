/* SPDX-License-Identifier: MIT */
/* --strategy: names to strategies. */
#ifndef TOOLS_STRATEGY_H
#define TOOLS_STRATEGY_H

#include <walkback/unwind.h>

#include <stdbool.h>

enum { WB_STRATEGY_LIST_MAX = 16 };
struct wb_strategy_list { enum wb_how items[WB_STRATEGY_LIST_MAX]; size_t count; };

/* "cfi,scan": names of wb_how_text; "auto" is the default order, "fp" is "code,leaf,frame-pointer". False: a name is not a strategy's. */
bool wb_strategy_parse(const char *names, struct wb_strategy_list *list);

#endif
