/* SPDX-License-Identifier: MIT */
/* Sessions: configuration, finders, the budget, and the pool of images. Counted: everything that is made from a session keeps it. */
#include "model/session.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/image_pool.h"

#include <string.h>

enum {
	FINDERS_MAX = 64,             /* a caller adds a handful; more is a mistake */
};

static const uint64_t cache_bytes_default = UINT64_C(1) << 30;

struct finder {
	wb_finder_fn find;
	void *arg;
	void (*release)(void *arg);
};

struct wb_session {
	atomic_uint refs;
	struct wb_session_opts opts;
	struct wb_diags diags;
	struct wb_image_pool pool;
	struct wb_wanted_list wanted;
	_Atomic uint64_t cache_bytes, cache_peak, evictions;
	_Atomic uint64_t clock;       /* ticks when something cached is used */
	struct wb_lock caches_lock;
	struct wb_cache *caches;      /* guarded by it */
	struct wb_lock lock;          /* guards the finders */
	struct finder finders[FINDERS_MAX];
	size_t num_finders;
};

enum wb_err wb_session_new(const struct wb_session_opts *opts, struct wb_session **ret_session)
{
	struct wb_session *session;
	enum wb_err err = WB_OK;

	if (!ret_session)
		return WB_ERR_ARGUMENT;
	session = wb_mem_zalloc(1, sizeof(*session));
	if (!session)
		return WB_ERR_MEMORY;
	session->opts.size = sizeof(session->opts);
	if (opts)
		err = wb_struct_take(&session->opts, sizeof(session->opts), opts);
	if (!err && session->opts.dwarf > WB_DWARF_REFERENCE)
		err = WB_ERR_ARGUMENT;
	if (err) {
		wb_mem_free(session);
		return err;
	}
	if (!session->opts.cache_bytes)
		session->opts.cache_bytes = cache_bytes_default;
	atomic_init(&session->refs, 1);
	wb_lock_init(&session->lock);
	wb_lock_init(&session->caches_lock);
	wb_diags_init(&session->diags, session->opts.diag, session->opts.diag_arg);
	wb_image_pool_init(&session->pool);
	wb_wanted_list_init(&session->wanted);
	*ret_session = session;
	return WB_OK;
}

void wb_session_unref(struct wb_session *session)
{
	if (!session || atomic_fetch_sub_explicit(&session->refs, 1, memory_order_acq_rel) != 1)
		return;
	wb_image_pool_deinit(&session->pool);
	wb_wanted_list_deinit(&session->wanted);
	for (size_t i = 0; i < session->num_finders; i++)
		if (session->finders[i].release)
			session->finders[i].release(session->finders[i].arg);
	wb_diags_deinit(&session->diags);
	wb_lock_deinit(&session->lock);
	wb_lock_deinit(&session->caches_lock);
	wb_mem_free(session);
}

void wb_session_free(struct wb_session *session)
{
	wb_session_unref(session);
}

struct wb_session *wb_session_ref(struct wb_session *session)
{
	atomic_fetch_add_explicit(&session->refs, 1, memory_order_relaxed);
	return session;
}

struct wb_diags *wb_session_diags(struct wb_session *session)
{
	return &session->diags;
}

const struct wb_session_opts *wb_session_config(const struct wb_session *session)
{
	return &session->opts;
}

struct wb_image_pool *wb_session_image_pool(struct wb_session *session)
{
	return &session->pool;
}

struct wb_wanted_list *wb_session_wanted_list(struct wb_session *session)
{
	return &session->wanted;
}

enum wb_err wb_session_check(struct wb_session *session, uint64_t done, uint64_t total)
{
	if (session->opts.check && session->opts.check(session->opts.check_arg, done, total))
		return WB_ERR_CANCELLED;
	return WB_OK;
}

/* ---- The budget ---- */

bool wb_session_charge(struct wb_session *session, uint64_t bytes, bool force)
{
	uint64_t before = atomic_load_explicit(&session->cache_bytes, memory_order_relaxed), after, peak;

	do {
		if (!wb_u64_add(before, bytes, &after))
			return false;
		if (!force && after > session->opts.cache_bytes)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&session->cache_bytes, &before, after, memory_order_relaxed, memory_order_relaxed));
	peak = atomic_load_explicit(&session->cache_peak, memory_order_relaxed);
	while (after > peak &&
	       !atomic_compare_exchange_weak_explicit(&session->cache_peak, &peak, after, memory_order_relaxed, memory_order_relaxed))
		;
	return true;
}

void wb_session_discharge(struct wb_session *session, uint64_t bytes, bool evicted)
{
	atomic_fetch_sub_explicit(&session->cache_bytes, bytes, memory_order_relaxed);
	if (evicted)
		atomic_fetch_add_explicit(&session->evictions, 1, memory_order_relaxed);
}

void wb_session_add_cache(struct wb_session *session, struct wb_cache *cache)
{
	wb_lock_take(&session->caches_lock);
	cache->next = session->caches;
	cache->link = &session->caches;
	if (cache->next)
		cache->next->link = &cache->next;
	session->caches = cache;
	wb_lock_give(&session->caches_lock);
}

void wb_session_remove_cache(struct wb_session *session, struct wb_cache *cache)
{
	wb_lock_take(&session->caches_lock);
	*cache->link = cache->next;
	if (cache->next)
		cache->next->link = cache->link;
	/* Nobody else uses a cache that goes away, so a drop that is under way waits for no one, and is soon done. */
	while (cache->users) {
		wb_lock_give(&session->caches_lock);
		wb_lock_take(&session->caches_lock);
	}
	wb_lock_give(&session->caches_lock);
}

uint64_t wb_session_tick(struct wb_session *session)
{
	return atomic_fetch_add_explicit(&session->clock, 1, memory_order_relaxed) + 1;
}

static bool is_over(const struct wb_session *session)
{
	return atomic_load_explicit(&session->cache_bytes, memory_order_relaxed) > session->opts.cache_bytes;
}

/* The cache whose oldest part was used before all others' and before `time`; NULL if there is none. Under the caches' lock. */
static struct wb_cache *oldest_cache(const struct wb_session *session, uint64_t time)
{
	struct wb_cache *oldest = NULL;

	for (struct wb_cache *cache = session->caches; cache; cache = cache->next) {
		uint64_t used;

		if (cache->oldest(cache->arg, &used) && used < time) {
			oldest = cache;
			time = used;
		}
	}
	return oldest;
}

void wb_session_evict(struct wb_session *session, uint64_t time)
{
	struct wb_cache *cache;

	/* Each round makes one part less. Dropping waits for who is making a part beside it, which may add a cache: not under the lock. */
	wb_lock_take(&session->caches_lock);
	while (is_over(session) && (cache = oldest_cache(session, time))) {
		cache->users++;
		wb_lock_give(&session->caches_lock);
		cache->drop_oldest(cache->arg);
		wb_lock_take(&session->caches_lock);
		cache->users--;
	}
	wb_lock_give(&session->caches_lock);
}

enum wb_err wb_session_usage(struct wb_session *session, struct wb_usage *ret_usage)
{
	struct wb_usage usage = { .size = sizeof(usage) };

	if (!session || !ret_usage)
		return WB_ERR_ARGUMENT;
	usage.cache_bytes = atomic_load_explicit(&session->cache_bytes, memory_order_relaxed);
	usage.cache_peak = atomic_load_explicit(&session->cache_peak, memory_order_relaxed);
	usage.cache_limit = session->opts.cache_bytes;
	usage.evictions = atomic_load_explicit(&session->evictions, memory_order_relaxed);
	wb_image_pool_count(&session->pool, &usage.images, &usage.files);
	return wb_struct_give(ret_usage, &usage, sizeof(usage));
}

/* ---- Finders ---- */

enum wb_err wb_session_add_finder(struct wb_session *session, wb_finder_fn find, void *arg, void (*release)(void *arg))
{
	enum wb_err err = WB_OK;

	if (!session || !find)
		return WB_ERR_ARGUMENT;
	wb_lock_take(&session->lock);
	if (session->num_finders < FINDERS_MAX)
		session->finders[session->num_finders++] = (struct finder){ find, arg, release };
	else
		err = WB_ERR_LIMIT;
	wb_lock_give(&session->lock);
	return err;
}

static bool finder_at(struct wb_session *session, size_t index, struct finder *ret_finder)
{
	bool found;

	wb_lock_take(&session->lock);
	found = index < session->num_finders;
	if (found)
		*ret_finder = session->finders[index];
	wb_lock_give(&session->lock);
	return found;
}

enum wb_err wb_session_find_next(struct wb_session *session, const struct wb_file_query *query, struct wb_find_cursor *cursor,
                                 struct wb_candidate *ret_candidate)
{
	struct finder finder;

	/* A finder is asked for its candidates one after the other; that it must come to an end is part of its contract, so a bound suffices. */
	while (finder_at(session, cursor->finder, &finder)) {
		enum wb_err err = WB_NONE;

		if (cursor->nth < WB_FIND_CANDIDATES_MAX) {
			memset(ret_candidate, 0, sizeof(*ret_candidate));
			err = finder.find(finder.arg, query, cursor->nth++, ret_candidate);
		}
		if (err == WB_OK || err == WB_ERR_MEMORY)
			return err;
		if (err == WB_LATER)
			cursor->later = true;
		cursor->finder++;
		cursor->nth = 0;
	}
	return cursor->later ? WB_LATER : WB_NONE;
}
