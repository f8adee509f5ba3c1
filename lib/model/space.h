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

enum wb_bias_state { WB_BIAS_UNKNOWN = 0, WB_BIAS_KNOWN = 1, WB_BIAS_NONE = 2 };

struct wb_map {
	uint64_t start, end;          /* addresses */
	uint64_t file_offset;         /* of start */
	uint64_t base;                /* address of the image's lowest segment; 0: unknown */
	struct wb_image *image;       /* referenced; NULL: anonymous */
	uint64_t image_id;            /* copy of the image's; 0: anonymous */
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
/* The mapping's bias; WB_NONE if the image's file is not had. Opens the image on first need. */
enum wb_err wb_map_bias(const struct wb_map *map, uint64_t *ret_bias);
/* False only if mappings are known and say that address is not executable. */
bool wb_space_may_execute(const struct wb_space *space, uint64_t address);
/* Whether the space has any mapping at all. */
bool wb_space_is_empty(const struct wb_space *space);

#endif
