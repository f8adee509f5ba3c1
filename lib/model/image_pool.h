/* SPDX-License-Identifier: MIT */
/*
 * The session's images by identity and by id, and its list of files that were wanted and not had. Entries of the pool are weak: an
 * image leaves it at its last unref. Any thread, once initialized.
 */
#ifndef MODEL_IMAGE_POOL_H
#define MODEL_IMAGE_POOL_H

#include <walkback/base.h>

#include "base/lock.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct wb_image;
struct wb_wanted_entry;

struct wb_image_pool {
	struct wb_lock lock;
	struct wb_image **by_identity; /* buckets of chains */
	struct wb_image **by_id;      /* buckets of chains */
	size_t num_buckets;           /* of each; a power of two, or 0 */
	size_t count;                 /* images */
	uint64_t last_id;
	_Atomic uint64_t files;       /* opened now */
};

void wb_image_pool_init(struct wb_image_pool *pool);
/* All images are gone by then: each holds the session. */
void wb_image_pool_deinit(struct wb_image_pool *pool);
/* The image of this identity, new or known: a new reference in both cases. identity is valid (checked by the public edge). */
enum wb_err wb_image_pool_intern(struct wb_image_pool *pool, struct wb_session *session, const struct wb_identity *identity,
                                 struct wb_image **ret_image);
/* A new reference; WB_NONE if no image has this id any more. */
enum wb_err wb_image_pool_by_id(struct wb_image_pool *pool, uint64_t id, struct wb_image **ret_image);
void wb_image_pool_count(struct wb_image_pool *pool, uint64_t *ret_images, uint64_t *ret_files);

/* Files that were wanted and not had, by role and identity. */
struct wb_wanted_list {
	struct wb_lock lock;
	struct wb_wanted_entry **entries; /* live as long as the list */
	size_t count, capacity;
	uint32_t *index;              /* open addressing: entry + 1; 0 is free */
	size_t index_size;            /* a power of two, or 0 */
	struct wb_wanted_entry **order; /* by cost, as of the last call with nth == 0 */
	size_t num_ordered;
};
void wb_wanted_list_init(struct wb_wanted_list *list);
void wb_wanted_list_deinit(struct wb_wanted_list *list);
/* `frames` more frames stayed without the file. Strings and ids are copied. */
enum wb_err wb_wanted_list_add(struct wb_wanted_list *list, const struct wb_wanted *wanted);

/* The session's, implemented by session.c. */
struct wb_image_pool *wb_session_image_pool(struct wb_session *session);
struct wb_wanted_list *wb_session_wanted_list(struct wb_session *session);

#endif
