/* SPDX-License-Identifier: MIT */
/*
 * The session's images: two hash tables of chains that run through the images themselves, so that only the buckets are allocated. An image
 * with a build id is that build under that path; without one, the path and the machine tell it apart.
 */
#include "model/image_pool.h"

#include "base/hash.h"
#include "base/mem.h"
#include "model/image_files.h"
#include "model/verify.h"

#include <string.h>

enum { FIRST_BUCKETS = 64 };

void wb_image_pool_init(struct wb_image_pool *pool)
{
	*pool = (struct wb_image_pool){ 0 };
	wb_lock_init(&pool->lock);
}

void wb_image_pool_deinit(struct wb_image_pool *pool)
{
	wb_mem_free(pool->by_identity);
	wb_mem_free(pool->by_id);
	wb_lock_deinit(&pool->lock);
}

/* ---- Hashing ---------------------------------------------------------------------------------------------------- */

static uint64_t hash_identity(const struct wb_identity *identity)
{
	uint64_t hash = wb_hash_bytes(wb_hash_start, identity->path, strlen(identity->path));

	hash = wb_hash_bytes(hash, identity->build_id, identity->build_id_size);
	return hash ^ identity->flags;
}

/* Ids count up: a multiplication spreads them, the upper half has the good bits. */
static size_t id_bucket(const struct wb_image_pool *pool, uint64_t id)
{
	return (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (pool->num_buckets - 1);
}

static size_t identity_bucket(const struct wb_image_pool *pool, uint64_t hash)
{
	return (size_t)(hash ^ hash >> 32) & (pool->num_buckets - 1);
}

static bool same_identity(const struct wb_image *image, const struct wb_identity *identity)
{
	if (image->flags != identity->flags || image->build_id_size != identity->build_id_size || strcmp(image->path, identity->path))
		return false;
	if (image->build_id_size)
		return !memcmp(image->build_id, identity->build_id, image->build_id_size);
	return wb_platform_fits(&image->platform, &identity->platform);
}

/* ---- Tables, under the pool's lock ------------------------------------------------------------------------------ */

static void insert(struct wb_image_pool *pool, struct wb_image *image)
{
	size_t bucket = id_bucket(pool, image->id);

	image->next_by_id = pool->by_id[bucket];
	pool->by_id[bucket] = image;
	if (!image->shared)
		return;
	bucket = identity_bucket(pool, image->hash);
	image->next_by_identity = pool->by_identity[bucket];
	pool->by_identity[bucket] = image;
}

static void take_out(struct wb_image_pool *pool, struct wb_image *image)
{
	struct wb_image **at = &pool->by_id[id_bucket(pool, image->id)];

	while (*at != image)
		at = &(*at)->next_by_id;
	*at = image->next_by_id;
	if (!image->shared)
		return;
	at = &pool->by_identity[identity_bucket(pool, image->hash)];
	while (*at != image)
		at = &(*at)->next_by_identity;
	*at = image->next_by_identity;
}

/* Room for one more image: at most one per bucket on average. */
static enum wb_err reserve(struct wb_image_pool *pool)
{
	struct wb_image_pool old = *pool;
	struct wb_image **by_id, **by_identity;
	size_t num_buckets = old.num_buckets ? old.num_buckets * 2 : FIRST_BUCKETS;

	if (pool->count < pool->num_buckets)
		return WB_OK;
	by_id = wb_mem_zalloc(num_buckets, sizeof(struct wb_image *));
	by_identity = wb_mem_zalloc(num_buckets, sizeof(struct wb_image *));
	if (!by_id || !by_identity) {
		wb_mem_free(by_id);
		wb_mem_free(by_identity);
		return WB_ERR_MEMORY;
	}
	pool->by_id = by_id;
	pool->by_identity = by_identity;
	pool->num_buckets = num_buckets;
	for (size_t i = 0; i < old.num_buckets; i++) {
		for (struct wb_image *image = old.by_id[i], *next; image; image = next) {
			next = image->next_by_id;
			insert(pool, image);
		}
	}
	wb_mem_free(old.by_id);
	wb_mem_free(old.by_identity);
	return WB_OK;
}

/* ---- The pool --------------------------------------------------------------------------------------------------- */

static enum wb_err add_locked(struct wb_image_pool *pool, struct wb_session *session, const struct wb_identity *identity, bool shared,
                              uint64_t hash, struct wb_image **ret_image)
{
	struct wb_image *image;
	enum wb_err err = reserve(pool);

	if (!err)
		err = wb_image_make(session, identity, &image);
	if (err)
		return err;
	image->id = ++pool->last_id;
	image->shared = shared;
	image->hash = hash;
	insert(pool, image);
	pool->count++;
	*ret_image = image;
	return WB_OK;
}

static struct wb_image *find_locked(struct wb_image_pool *pool, const struct wb_identity *identity, uint64_t hash)
{
	struct wb_image *image = pool->num_buckets ? pool->by_identity[identity_bucket(pool, hash)] : NULL;

	while (image && (image->hash != hash || !same_identity(image, identity)))
		image = image->next_by_identity;
	return image;
}

enum wb_err wb_image_pool_intern(struct wb_image_pool *pool, struct wb_session *session, const struct wb_identity *identity,
                                 struct wb_image **ret_image)
{
	uint64_t hash = hash_identity(identity);
	struct wb_image *image;
	enum wb_err err = WB_OK;

	wb_lock_take(&pool->lock);
	image = find_locked(pool, identity, hash);
	if (image)
		*ret_image = wb_image_ref(image);
	else
		err = add_locked(pool, session, identity, true, hash, ret_image);
	wb_lock_give(&pool->lock);
	return err;
}

enum wb_err wb_image_pool_add(struct wb_image_pool *pool, struct wb_session *session, const struct wb_identity *identity,
                              struct wb_image **ret_image)
{
	enum wb_err err;

	wb_lock_take(&pool->lock);
	err = add_locked(pool, session, identity, false, 0, ret_image);
	wb_lock_give(&pool->lock);
	return err;
}

enum wb_err wb_image_pool_by_id(struct wb_image_pool *pool, uint64_t id, struct wb_image **ret_image)
{
	struct wb_image *image;

	wb_lock_take(&pool->lock);
	image = pool->num_buckets ? pool->by_id[id_bucket(pool, id)] : NULL;
	while (image && image->id != id)
		image = image->next_by_id;
	if (image)
		*ret_image = wb_image_ref(image);
	wb_lock_give(&pool->lock);
	return image ? WB_OK : WB_NONE;
}

bool wb_image_pool_drop(struct wb_image_pool *pool, struct wb_image *image)
{
	uint32_t refs = atomic_load_explicit(&image->refs, memory_order_relaxed);
	bool last;

	while (refs > 1) {
		if (atomic_compare_exchange_weak_explicit(&image->refs, &refs, refs - 1, memory_order_release, memory_order_relaxed))
			return false;
	}
	/* Perhaps the last one: only under the lock, where nobody can find the image and take a new reference meanwhile. */
	wb_lock_take(&pool->lock);
	last = atomic_fetch_sub_explicit(&image->refs, 1, memory_order_acq_rel) == 1;
	if (last) {
		take_out(pool, image);
		pool->count--;
	}
	wb_lock_give(&pool->lock);
	return last;
}

void wb_image_pool_count(struct wb_image_pool *pool, uint64_t *ret_images, uint64_t *ret_files)
{
	wb_lock_take(&pool->lock);
	*ret_images = pool->count;
	wb_lock_give(&pool->lock);
	*ret_files = atomic_load_explicit(&pool->files, memory_order_relaxed);
}
