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

static bool add_all(struct wb_strategy_list *list, const enum wb_how *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!add(list, items[i]))
			return false;
	return true;
}

static bool add_name(struct wb_strategy_list *list, const char *name, size_t size)
{
	/* As walkers do without a list (unwind.h). */
	static const enum wb_how automatic[] = { WB_HOW_GO, WB_HOW_COMPACT, WB_HOW_CFI, WB_HOW_WINDOWS, WB_HOW_BREAKPAD, WB_HOW_CODE, WB_HOW_EHABI, WB_HOW_LEAF, WB_HOW_FRAME_POINTER };
	/* Frame pointers are not set up yet, or no more, in prologues, epilogues and leaves; there the code itself tells. */
	static const enum wb_how by_frame_pointer[] = { WB_HOW_CODE, WB_HOW_LEAF, WB_HOW_FRAME_POINTER };
	/* Those that walkers of this version have; others are planned. */
	static const enum wb_how had[] = { WB_HOW_GO, WB_HOW_COMPACT, WB_HOW_CFI, WB_HOW_WINDOWS, WB_HOW_BREAKPAD, WB_HOW_CODE, WB_HOW_EHABI, WB_HOW_LEAF, WB_HOW_FRAME_POINTER, WB_HOW_SCAN };

	if (size == 4 && !memcmp(name, "auto", 4))
		return add_all(list, automatic, sizeof(automatic) / sizeof(automatic[0]));
	if (size == 2 && !memcmp(name, "fp", 2))
		return add_all(list, by_frame_pointer, sizeof(by_frame_pointer) / sizeof(by_frame_pointer[0]));
	for (size_t i = 0; i < sizeof(had) / sizeof(had[0]); i++) {
		const char *text = wb_how_text(had[i]);

		if (strlen(text) == size && !memcmp(text, name, size))
			return add(list, had[i]);
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
