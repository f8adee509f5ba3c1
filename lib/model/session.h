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

/* Walks the candidates of all finders in order; start with a zeroed cursor. WB_OK: a candidate; WB_NONE: no further ones; WB_LATER: no
 * further ones now, but a finder wants to be asked again. */
enum { WB_FIND_CANDIDATES_MAX = 64 }; /* of one finder: a stock finder has at most a dozen */
struct wb_find_cursor { size_t finder, nth; bool later; };
enum wb_err wb_session_find_next(struct wb_session *session, const struct wb_file_query *query, struct wb_find_cursor *cursor,
                                 struct wb_candidate *ret_candidate);

#endif
