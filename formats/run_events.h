/* SPDX-License-Identifier: MIT */
/*
 * Names of events by their index, which outlive the capture's own: a capture may learn of events on the way, and another thread may still
 * be writing samples of the ones before. Versions are immutable; the list keeps them all until the end of the run.
 */
#ifndef FORMATS_RUN_EVENTS_H
#define FORMATS_RUN_EVENTS_H

#include <walkback/formats.h>

struct wb_run_events {
	struct wb_run_events *older;
	size_t count;
	const char *names[];          /* point behind the array */
};

/* A version that knows `event`, if the capture does: *events itself, or a new one in front of it. */
enum wb_err wb_run_events_update(struct wb_run_events **events, struct wb_capture *capture, uint32_t event);
void wb_run_events_free(struct wb_run_events *events);

static inline const char *wb_run_events_name(const struct wb_run_events *events, uint32_t event)
{
	return events && event < events->count ? events->names[event] : "";
}

#endif
