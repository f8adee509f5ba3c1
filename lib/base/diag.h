/* SPDX-License-Identifier: MIT */
/* Diagnostics: one record per (file, code), passed to the session's callback at the place that knows file and offset. */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <walkback/base.h>

#include "base/lock.h"

#include <stdarg.h>

struct wb_diags {
	wb_diag_fn fn;
	void *arg;
	struct wb_lock lock;
	uint64_t *seen;               /* open addressing: hashes of (file, code); 0 is free */
	size_t capacity, count;       /* at most 65,536 remembered; past that, silence */
};
void wb_diags_init(struct wb_diags *diags, wb_diag_fn fn, void *arg);
void wb_diags_deinit(struct wb_diags *diags);

/* Reports and returns err unchanged, so that callers can `return wb_diag_report(...)`. offset UINT64_MAX: unknown. err WB_OK: a note or
 * warning. diags may be NULL. section may be "". */
enum wb_err wb_diag_report(struct wb_diags *diags, enum wb_err err, enum wb_diag_code code, const char *file, const char *section,
                           uint64_t offset, const char *format, ...) __attribute__((format(printf, 7, 8)));

#endif
