/* SPDX-License-Identifier: MIT */
/* Parsing --strategy. */
#include "strategy.h"

#include <string.h>

static bool add(struct wb_strategy_list *list, enum wb_how how)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i] == how)
			return true;
	if (list->count == WB_STRATEGY_LIST_MAX)
		return false;
	list->items[list->count++] = how;
	return true;
}

static bool add_name(struct wb_strategy_list *list, const char *name, size_t size)
{
	static const enum wb_how automatic[] = { WB_HOW_CFI, WB_HOW_LEAF, WB_HOW_FRAME_POINTER };

	if (size == 4 && !memcmp(name, "auto", 4))
		return add(list, automatic[0]) && add(list, automatic[1]) && add(list, automatic[2]);
	if (size == 2 && !memcmp(name, "fp", 2))
		return add(list, WB_HOW_FRAME_POINTER);
	/* What comes from the capture itself is no strategy. */
	for (unsigned how = WB_HOW_CFI; how <= WB_HOW_EHABI; how++) {
		const char *text = wb_how_text((enum wb_how)how);

		if (how != WB_HOW_GIVEN && strlen(text) == size && !memcmp(text, name, size))
			return add(list, (enum wb_how)how);
	}
	return false;
}

bool wb_strategy_parse(const char *names, struct wb_strategy_list *list)
{
	for (;;) {
		size_t size = strcspn(names, ",");

		if (!add_name(list, names, size))
			return false;
		names += size;
		if (!*names++)
			return true;
	}
}
