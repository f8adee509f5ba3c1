/* SPDX-License-Identifier: MIT */
/* Sessions inside: diagnostics, budget, cancellation, the pool of images. */
#ifndef MODEL_SESSION_H
#define MODEL_SESSION_H

#include <walkback/base.h>

#include "base/diag.h"

#include <stdbool.h>

struct wb_session *wb_session_ref(struct wb_session *session);
void wb_session_unref(struct wb_session *session);

struct wb_diags *wb_session_diags(struct wb_session *session);
const struct wb_session_opts *wb_session_config(const struct wb_session *session);

/* WB_OK, or WB_ERR_CANCELLED. Cheap enough for every few thousand steps. */
enum wb_err wb_session_check(struct wb_session *session, uint64_t done, uint64_t total);

/* The budget. Charge before keeping something; false: over the limit (nothing was charged), so keep less or evict. Always discharge what
 * was charged. `force`: charge even over the limit (what is needed right now and cannot be avoided). */
bool wb_session_charge(struct wb_session *session, uint64_t bytes, bool force);
void wb_session_discharge(struct wb_session *session, uint64_t bytes, bool evicted);

/* The nth candidate over all finders, in order. */
enum wb_err wb_session_find(struct wb_session *session, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate);

#endif
