/* SPDX-License-Identifier: MIT */
/*
 * From an address to the image that is mapped there and the image pc in it: the one place where a mapping is turned into an image. That is the mapping's
 * own; if its file is an archive, the member's that the mapping's offset is in; if the file is not had, the one that lies in the captured memory.
 */
#include "model/space.h"

#include "base/err.h"
#include "model/loaded.h"

/* What the file behind a mapping says. */
struct answer {
	struct wb_image *member;      /* referenced; NULL: there is none */
	uint64_t bias;                /* of KNOWN */
	enum wb_bias_state state;
};

/* ---- Files ---- */

static enum wb_err bias_in_object(const struct wb_map *map, const struct wb_object *object, uint64_t offset, uint64_t *ret_bias)
{
	uint64_t vaddr;
	enum wb_err err = wb_object_vaddr_of_offset(object, offset, map->prot & WB_PROT_EXEC, &vaddr);

	if (!err)
		*ret_bias = map->start - vaddr;
	return err;
}

static enum wb_err ask_archive(const struct wb_map *map, struct wb_object *archive, struct answer *answer)
{
	struct wb_object *object;
	uint64_t start;
	enum wb_err err = wb_image_member(map->image, archive, map->file_offset, &answer->member, &start);

	if (err)
		return err;
	err = wb_image_object(answer->member, WB_FILE_EXECUTABLE, &object);
	return err ? err : bias_in_object(map, object, map->file_offset - start, &answer->bias);
}

/* WB_NONE: it does not say, but may yet. */
static enum wb_err ask_file(const struct wb_map *map, struct answer *answer)
{
	struct wb_object *object;
	enum wb_err err;

	answer->state = WB_BIAS_KNOWN;
	if (wb_image_is_absolute(map->image)) {
		answer->bias = 0;
		return WB_OK;
	}
	err = wb_image_object(map->image, WB_FILE_EXECUTABLE, &object);
	if (!err && object->format->find_member)
		err = ask_archive(map, object, answer);
	/* The lowest segment's page is at the base. */
	else if (!err && map->base)
		answer->bias = map->base - wb_object_base(object);
	else if (!err)
		err = bias_in_object(map, object, map->file_offset - object->file_start, &answer->bias);
	if (err != WB_NONE)
		return err;
	/* A finder that says "later" leaves the verdict open; everything else is final. */
	if (wb_image_verdict(map->image, WB_FILE_EXECUTABLE) == WB_VERDICT_NOT_TRIED)
		return WB_NONE;
	answer->state = map->base ? WB_BIAS_BASE : WB_BIAS_NONE;
	return WB_OK;
}

/* The version is immutable but for this: what the file says, published once. Every thread computes the same. */
static enum wb_err publish_answer(struct wb_map *map, enum wb_bias_state *ret_state)
{
	struct answer answer = { .member = NULL };
	struct wb_image *nobody = NULL;
	uint8_t unknown = WB_BIAS_UNKNOWN;
	enum wb_err err = ask_file(map, &answer);

	if (answer.member && !atomic_compare_exchange_strong_explicit(&map->member, &nobody, answer.member, memory_order_release, memory_order_relaxed))
		wb_image_unref(answer.member);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	*ret_state = answer.state;
	if (answer.state != WB_BIAS_KNOWN) {
		/* Another thread may have found the file meanwhile. */
		atomic_compare_exchange_strong_explicit(&map->bias_state, &unknown, (uint8_t)answer.state, memory_order_relaxed, memory_order_relaxed);
		return WB_OK;
	}
	atomic_store_explicit(&map->bias, answer.bias, memory_order_relaxed);
	atomic_store_explicit(&map->bias_state, WB_BIAS_KNOWN, memory_order_release);
	return WB_OK;
}

/* ---- Mappings ---- */

struct wb_image *wb_map_image(const struct wb_map *map)
{
	struct wb_image *member = atomic_load_explicit(&((struct wb_map *)(uintptr_t)map)->member, memory_order_acquire);

	return member ? member : map->image;
}

/* Where the file does not serve: what is in memory, if it can be code. */
static enum wb_err find_loaded(const struct wb_space *space, const struct wb_map *map, struct wb_image **ret_image, uint64_t *ret_bias)
{
	struct wb_loaded *loaded = wb_space_loaded(space);

	if (!loaded || !(map->prot & (WB_PROT_EXEC | WB_PROT_UNKNOWN)))
		return WB_NONE;
	return wb_loaded_find(loaded, space, map, ret_image, ret_bias);
}

enum wb_err wb_map_place(const struct wb_space *space, const struct wb_map *map, struct wb_image **ret_image, uint64_t *ret_bias)
{
	struct wb_map *cache = (struct wb_map *)(uintptr_t)map;
	enum wb_bias_state state = (enum wb_bias_state)atomic_load_explicit(&cache->bias_state, memory_order_acquire);
	enum wb_err err = WB_OK;

	if (map->image && state == WB_BIAS_UNKNOWN)
		err = publish_answer(cache, &state);
	if (err)
		return err;
	if (state == WB_BIAS_KNOWN) {
		*ret_image = wb_map_image(map);
		*ret_bias = atomic_load_explicit(&cache->bias, memory_order_relaxed);
		return WB_OK;
	}
	err = find_loaded(space, map, ret_image, ret_bias);
	if (err == WB_NONE && state == WB_BIAS_BASE) {
		*ret_image = map->image;
		*ret_bias = map->base;
		return WB_OK;
	}
	return err == WB_ERR_MEMORY ? err : err ? WB_NONE : WB_OK;
}

/* ---- Addresses ---- */

static enum wb_err place_give(struct wb_space *space, const struct wb_map *map, uint64_t address, struct wb_place *ret_place)
{
	struct wb_place place = { .size = sizeof(place), .start = map->start, .end = map->end, .file_offset = map->file_offset, .prot = map->prot };
	uint64_t bias;

	if (wb_map_place(space, map, &place.image, &bias) == WB_OK) {
		place.image_pc = address - bias;
		place.has_image_pc = 1;
	} else {
		place.image = wb_map_image(map);
	}
	return wb_struct_give(ret_place, &place, sizeof(place));
}

enum wb_err wb_space_find(struct wb_space *space, uint64_t address, struct wb_place *place)
{
	const struct wb_map *map;

	if (!space || !place)
		return WB_ERR_ARGUMENT;
	map = wb_space_map_at(space, address);
	return map ? place_give(space, map, address, place) : WB_NONE;
}

enum wb_err wb_space_next(struct wb_space *space, uint64_t address, struct wb_place *place)
{
	const struct wb_map *best;

	if (!space || !place)
		return WB_ERR_ARGUMENT;
	best = wb_space_map_above(space, address);
	return best ? place_give(space, best, best->start > address ? best->start : address, place) : WB_NONE;
}
