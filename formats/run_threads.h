/* SPDX-License-Identifier: MIT */
/* The run on several threads, with the output of one. */
#ifndef FORMATS_RUN_THREADS_H
#define FORMATS_RUN_THREADS_H

#include "formats/run_events.h"
#include "formats/run_worker.h"

/* opts is complete, with at least two threads. *events is the caller's to free. */
enum wb_err wb_run_threads(struct wb_session *session, struct wb_capture *capture, struct wb_sink *sink, const struct wb_run_opts *opts,
                           struct wb_run_events **events, struct wb_run_stats *stats);

#endif
