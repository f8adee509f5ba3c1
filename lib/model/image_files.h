/* SPDX-License-Identifier: MIT */
/*
 * What an image is made of; for image.c, image_files.c, image_bytes.c and image_pool.c only.
 *
 * Locks, in the order in which they are taken: a slot's, the files' (finders are asked and files opened under it), the sections'. Readers
 * of what is published take none.
 */
#ifndef MODEL_IMAGE_FILES_H
#define MODEL_IMAGE_FILES_H

#include "model/image.h"
#include "model/refusals.h"

#include <stdatomic.h>

struct wb_image_pool;

enum {
	WB_BUILD_ID_MAX = 64,
	WB_FILE_ROLES = 6,            /* of enum wb_file_role */
	WB_EXTRA_BUCKETS = 1024,      /* large programs have some ten thousand split units */
};

/* A section as it was read, or as it is being unpacked, or why it cannot be. */
struct wb_image_section {
	struct wb_piece piece;        /* of a packed one: where it comes out */
	struct wb_unpack *unpack;     /* NULL: all of it is there */
	enum wb_err err;
};

/* An object that is open, and what is kept of it. */
struct wb_image_file {
	struct wb_object *object;
	char *path;                   /* the object's */
	_Atomic(struct wb_image_section *) *sections; /* by index; NULL: not read yet */
	_Atomic uint64_t charged;     /* bytes charged to the session for it */
	uint64_t held_charged;        /* part of it: what the object itself holds; under held_lock */
	bool is_given;                /* by the caller, for this image: nothing was to be compared */
};

/* An extra object by its query, or that there is none. */
struct wb_image_extra {
	struct wb_image_extra *next;
	struct wb_image_file *file;   /* NULL: not had */
	enum wb_file_role role;
	uint64_t dwo_id;
	char *path, *member;          /* member "": the file is no archive */
};

struct wb_image_role {
	_Atomic(struct wb_image_file *) file;
	_Atomic uint8_t done;         /* file and verdict are final, but for an image that the caller opens later */
	_Atomic uint8_t verdict;      /* enum wb_verdict */
	_Atomic(struct wb_refusal *) refused; /* files that were looked at and not used; NULL: none */
};

/* Written under the lock, the value before err and err before done. Without a value, done may go back to 0 (see wb_image_adopt). */
struct wb_image_value {
	struct wb_lock lock;
	_Atomic uint8_t done, is_busy; /* is_busy: somebody builds */
	_Atomic int err;              /* enum wb_err; WB_OK: there is a value */
	void *value;                  /* never changes once it is there */
	void (*destroy)(void *value);
};

enum { WB_IMAGE_SECTION_LOCKS = 8 };

struct wb_image {
	_Atomic uint32_t refs;
	uint32_t flags;               /* enum wb_image_flags */
	struct wb_session *session;   /* referenced */
	uint64_t id;
	uint64_t hash;                /* of the identity */
	bool shared;                  /* found by its identity; else by its id only */
	struct wb_image *next_by_identity, *next_by_id;
	char *path;                   /* "" if unknown */
	char *debug_path, *debug_id;  /* "" if unknown */
	uint8_t build_id[WB_BUILD_ID_MAX];
	size_t build_id_size;         /* 0 if unknown */
	struct wb_platform platform;  /* of the identity */
	_Atomic bool in_memory;       /* read from memory, because its file is not had */
	_Atomic uint32_t laters;      /* how often a finder said WB_LATER */
	struct wb_lock files_lock, held_lock;
	struct wb_lock section_locks[WB_IMAGE_SECTION_LOCKS]; /* by a section's index: different ones are read at the same time */
	struct wb_image_role roles[WB_FILE_ROLES];
	struct wb_image_extra **extras; /* WB_EXTRA_BUCKETS lists, by path and dwo id; NULL: none yet; under files_lock */
	_Atomic(struct wb_image_file *) inner; /* what is packed into the executable */
	_Atomic uint8_t inner_done;   /* inner is final */
	struct wb_image_value values[WB_SLOT_COUNT];
};

/* Takes object and path (also on failure). */
enum wb_err wb_image_file_new(struct wb_image *image, struct wb_object *object, char *path, struct wb_image_file **ret_file);
void wb_image_file_free(struct wb_image *image, struct wb_image_file *file);
/* Gives the image a file that the caller opened; takes it. False: one that is there already stays, and the new one is closed. */
bool wb_image_adopt(struct wb_image *image, enum wb_file_role role, struct wb_image_file *file, enum wb_verdict verdict);
/* Finders are not asked for this role: the image's path is no file's. */
void wb_image_forgo(struct wb_image *image, enum wb_file_role role);
/* Everything of the files; for the image's end. */
void wb_image_files_deinit(struct wb_image *image);

/* image.c, for the pool: an image in no table yet, with one reference and without an id. */
enum wb_err wb_image_make(struct wb_session *session, const struct wb_identity *identity, struct wb_image **ret_image);
void wb_image_destroy(struct wb_image *image);
/* image_pool.c: a new image that only its id finds. */
enum wb_err wb_image_pool_add(struct wb_image_pool *pool, struct wb_session *session, const struct wb_identity *identity,
                              struct wb_image **ret_image);
/* Gives up a reference. True if it was the last one: the image is in no table any more, and the caller destroys it. */
bool wb_image_pool_drop(struct wb_image_pool *pool, struct wb_image *image);

#endif
