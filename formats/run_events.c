/* SPDX-License-Identifier: MIT */
/* Event names of a run. */
#include "formats/run_events.h"

#include "base/mem.h"

#include <string.h>

/* More than any recorder takes at a time. */
enum { EVENTS_MAX = 65536 };

static enum wb_err events_copy(const struct wb_capture_info *info, struct wb_run_events *older, struct wb_run_events **ret_events)
{
	size_t size = sizeof(struct wb_run_events) + info->num_events * sizeof(char *);
	struct wb_run_events *events;
	char *text;

	for (size_t i = 0; i < info->num_events; i++)
		if (!wb_size_add(size, strlen(info->events[i].name) + 1, &size))
			return WB_ERR_MEMORY;
	events = wb_mem_alloc(size);
	if (!events)
		return WB_ERR_MEMORY;
	events->older = older;
	events->count = info->num_events;
	text = (char *)(events->names + info->num_events);
	for (size_t i = 0; i < info->num_events; i++) {
		size_t length = strlen(info->events[i].name) + 1;

		events->names[i] = memcpy(text, info->events[i].name, length);
		text += length;
	}
	*ret_events = events;
	return WB_OK;
}

enum wb_err wb_run_events_update(struct wb_run_events **events, struct wb_capture *capture, uint32_t event)
{
	struct wb_capture_info info = { .size = sizeof(info) };
	enum wb_err err;

	if (*events && event < (*events)->count)
		return WB_OK;
	err = wb_capture_info(capture, &info);
	if (err || info.num_events > EVENTS_MAX || (*events && info.num_events == (*events)->count))
		return err;
	return events_copy(&info, *events, events);
}

void wb_run_events_free(struct wb_run_events *events)
{
	while (events) {
		struct wb_run_events *older = events->older;

		wb_mem_free(events);
		events = older;
	}
}
