/* SPDX-License-Identifier: MIT */
/*
 * Images that are only in memory: their file is not had, or there never was one (libraries deleted since, copies that a packer or a JIT compiler made,
 * the vDSO), but the capture has the bytes of the loaded image. One table for each memory of a space; its versions share it.
 */
#ifndef MODEL_LOADED_H
#define MODEL_LOADED_H

#include "model/space.h"

struct wb_loaded;

/* count bytes of a memory at address; WB_NONE when any of them is absent. */
typedef enum wb_err (*wb_loaded_read_fn)(const void *memory, uint64_t address, void *buffer, size_t count);

/* The memory is borrowed until the last reference is given up: what outlives that of the images has no bytes any more. NULL when out of memory. */
struct wb_loaded *wb_loaded_new(wb_loaded_read_fn read, const void *memory);
struct wb_loaded *wb_loaded_ref(struct wb_loaded *loaded);
void wb_loaded_unref(struct wb_loaded *loaded);

/* The image that lies in memory where map is, and address - image_pc in it; borrowed as long as loaded. WB_NONE: none does, or not its code. Any thread. */
enum wb_err wb_loaded_find(struct wb_loaded *loaded, const struct wb_space *space, const struct wb_map *map, struct wb_image **ret_image, uint64_t *ret_bias);

#endif
