/* SPDX-License-Identifier: MIT */
/* How far long work is: a line on standard error that is written over, where that is a terminal, and nothing elsewhere. */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct wb_progress {
	bool on;                      /* standard error is a terminal */
	atomic_bool shown;            /* a line is there */
	_Atomic uint64_t next;        /* when to show it again; monotonic, ns */
};

void wb_progress_init(struct wb_progress *progress, bool wanted);
/* For wb_session_opts.check; arg is the struct wb_progress. Never cancels. */
int wb_progress_check(void *arg, uint64_t done, uint64_t total);
/* Removes the line; NULL is fine. */
void wb_progress_clear(struct wb_progress *progress);

#endif
