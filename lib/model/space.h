/* SPDX-License-Identifier: MIT */
/*
 * Spaces inside. A version is a sorted array of leaves (reference-counted arrays of mappings): a change copies the leaves that it touches and
 * the array of leaf pointers, so a version costs little and a fork nothing.
 */
#ifndef MODEL_SPACE_H
#define MODEL_SPACE_H

#include <walkback/base.h>

#include "model/arch.h"
#include "model/image.h"

#include <stdatomic.h>

/* What the file behind a mapping says of its place. BASE: nothing, for it is not had; image pcs count from where the image was loaded. */
enum wb_bias_state { WB_BIAS_UNKNOWN = 0, WB_BIAS_KNOWN = 1, WB_BIAS_NONE = 2, WB_BIAS_BASE = 3 };

struct wb_map {
	uint64_t start, end;          /* addresses */
	uint64_t file_offset;         /* of start */
	uint64_t base;                /* address of the image's lowest segment; 0: unknown */
	struct wb_image *image;       /* referenced; NULL: anonymous */
	uint64_t image_id;            /* copy of the image's; 0: anonymous */
	_Atomic(struct wb_image *) member; /* referenced: of what is mapped out of an archive, which image is; NULL: it is none, or not opened yet */
	_Atomic uint64_t bias;        /* address - image_pc; valid once bias_state says known */
	_Atomic uint8_t bias_state;   /* enum wb_bias_state: computed when first needed, published once */
	uint8_t prot;
};

const struct wb_arch_info *wb_space_arch(const struct wb_space *space); /* NULL: not supported */
struct wb_platform wb_space_platform(const struct wb_space *space);
uint64_t wb_space_pointer_mask(const struct wb_space *space);
struct wb_session *wb_space_session(const struct wb_space *space);
/* Lives as long as the space; NULL if nothing is mapped there. */
const struct wb_map *wb_space_map_at(const struct wb_space *space, uint64_t address);
/* The first mapping that ends above address, in the space or its parents; NULL past the last. */
const struct wb_map *wb_space_map_above(const struct wb_space *space, uint64_t address);
/* wb_space_read, and where that has nothing, the file that is used there, verified or not: of code and headers, which a walk takes from it anyway. */
enum wb_err wb_space_read_code(struct wb_space *space, uint64_t address, void *buffer, size_t count);
/* The last mapping of the space itself that starts below address; NULL before the first. */
const struct wb_map *wb_space_map_below(const struct wb_space *space, uint64_t address);
/* Images that are only in the space's extra memory; NULL without such memory. Lives as long as the space. */
struct wb_loaded *wb_space_loaded(const struct wb_space *space);
/* Whose mapping it is as far as that is known: the archive's member, or the image. NULL: nobody's. */
struct wb_image *wb_map_image(const struct wb_map *map);
/* The image that is mapped there, which serves for the mapping's own where that is an archive's or not had, and address - image_pc in it. WB_NONE if
 * there is none. Opens files on first need. The image lives as long as the space. */
enum wb_err wb_map_place(const struct wb_space *space, const struct wb_map *map, struct wb_image **ret_image, uint64_t *ret_bias);
/* False only if mappings are known and say that address is not executable. */
bool wb_space_may_execute(const struct wb_space *space, uint64_t address);
/* Whether the space has any mapping at all. */
bool wb_space_is_empty(const struct wb_space *space);

#endif
