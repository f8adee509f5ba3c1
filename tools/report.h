/* SPDX-License-Identifier: MIT */
/* What the command says on standard error: "walkback: FILE: what", one line each, with the progress line out of the way. */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <walkback/base.h>

#include <stdatomic.h>
#include <stdbool.h>

struct wb_progress;

struct wb_report {
	struct wb_progress *progress; /* NULL: none */
	atomic_uint errors;           /* lines that said why something failed */
	atomic_uint unverified;       /* files that nothing could be compared with: counted, not listed */
	atomic_uint mismatched;       /* files of another build: listed only if `named` */
	bool named;                   /* the user named files or folders to look in */
	bool quiet;                   /* errors only */
};

/* For wb_session_opts.diag; arg is the struct wb_report. Any thread. */
void wb_report_diag(void *arg, const struct wb_diag *diag);
void wb_report_line(struct wb_report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Says that `name` failed with err, unless a diagnostic has told why. Returns WB_EXIT_FAILED. */
int wb_report_failure(struct wb_report *report, const char *name, enum wb_err err);

#endif
