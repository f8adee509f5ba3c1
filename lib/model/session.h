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

/* Something whose parts can be dropped and made again, when the budget wants it. Its functions are called by any thread. */
struct wb_cache {
	bool (*oldest)(void *arg, uint64_t *ret_time); /* when its least recently used part was used; false: there is no part */
	void (*drop_oldest)(void *arg);
	void *arg;
	struct wb_cache *next, **link; /* the session's, as is users: threads that drop something from it right now */
	unsigned users;
};
/* cache is borrowed until wb_session_remove_cache, after which no call is under way. */
void wb_session_add_cache(struct wb_session *session, struct wb_cache *cache);
void wb_session_remove_cache(struct wb_session *session, struct wb_cache *cache);
/* A time for a use: later than all that were given before. The same clock for all caches, so that their parts can be compared. */
uint64_t wb_session_tick(struct wb_session *session);
/* Drops the parts that were used least recently, whosever they are, until the budget is kept; not those used at `time` or later. */
void wb_session_evict(struct wb_session *session, uint64_t time);

/* Walks the candidates of all finders in order; start with a zeroed cursor. WB_OK: a candidate; WB_NONE: no further ones; WB_LATER: no
 * further ones now, but a finder wants to be asked again. */
enum { WB_FIND_CANDIDATES_MAX = 64 }; /* of one finder: a stock finder has at most a dozen */
struct wb_find_cursor { size_t finder, nth; bool later; };
enum wb_err wb_session_find_next(struct wb_session *session, const struct wb_file_query *query, struct wb_find_cursor *cursor,
                                 struct wb_candidate *ret_candidate);

#endif
