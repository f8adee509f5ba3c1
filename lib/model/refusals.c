/* SPDX-License-Identifier: MIT */
/* Lists of refused files: short, written by one thread under the files' lock, and published whole. */
#include "model/refusals.h"

#include "base/mem.h"

#include <string.h>

void wb_refusals_add(struct wb_refusal **list, const char *path, enum wb_verdict verdict, const char *reason)
{
	size_t length = strlen(path), reason_length = strlen(reason), count = 0;
	struct wb_refusal *refusal;

	for (; *list; list = &(*list)->next)
		if (++count == WB_REFUSALS_MAX)
			return;
	refusal = wb_mem_alloc(sizeof(*refusal) + length + 1 + reason_length + 1);
	if (!refusal)
		return;
	refusal->next = NULL;
	refusal->verdict = verdict;
	memcpy(refusal->path, path, length + 1);
	memcpy(refusal->path + length + 1, reason, reason_length + 1);
	refusal->reason = refusal->path + length + 1;
	*list = refusal;
}

const struct wb_refusal *wb_refusals_last(const struct wb_refusal *list)
{
	while (list && list->next)
		list = list->next;
	return list;
}

void wb_refusals_free(struct wb_refusal *list)
{
	while (list) {
		struct wb_refusal *next = list->next;

		wb_mem_free(list);
		list = next;
	}
}
