/* SPDX-License-Identifier: MIT */
/* Compiling the debug map to sorted functions, and opening object files. */
#include "symbols/debug_map.h"

#include "base/hash.h"
#include "base/lock.h"
#include "base/mem.h"
#include "model/session.h"
#include "symbols/dwarf.h"
#include "symbols/dwarf_files.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	FUNCTIONS_MAX = 1 << 26, OBJECTS_MAX = 1 << 20, /* a browser's debug build has a million functions of some ten thousand files */
	NAMES_MAX = 1 << 30,          /* bytes of all names, which may overlap in a hostile file: that build has 100 MB */
};
static const uint64_t UNPLACED = UINT64_MAX;

struct function {
	uint64_t start, end;          /* image pcs */
	uint64_t there;               /* pc in the object file; UNPLACED: its symbol was not found. Written before its object's done */
	const char *symbol;           /* borrowed from the linked file, as long as the image */
	uint64_t hash;                /* of symbol */
	uint32_t object;
};

/* An object file. */
struct linked {
	const char *path;             /* as the linked file has it, "ARCHIVE(MEMBER)", too; borrowed as symbols are */
	uint64_t modified;
	struct function **functions;  /* those of it, sorted by hash: a part of by_symbol */
	size_t num_functions;
	size_t names_size;            /* bytes of names in it that were compared */
	_Atomic(struct wb_dwarf *) dwarf; /* NULL: not had */
	_Atomic uint8_t done;         /* it is known whether it is had */
};

struct wb_debug_map {
	struct wb_image *image;
	struct wb_object *object;     /* the linked file */
	struct function *functions;   /* sorted by start */
	size_t num_functions, functions_capacity;
	struct function **by_symbol;  /* by object, then hash */
	struct linked *objects;
	size_t num_objects, objects_capacity;
	size_t names_size;            /* bytes of all symbols */
	uint64_t charged;
	struct wb_lock lock;          /* guards opening */
};

static void debug_map_free(void *value)
{
	struct wb_debug_map *map = value;

	if (!map)
		return;
	for (size_t i = 0; i < map->num_objects; i++)
		wb_dwarf_free(atomic_load_explicit(&map->objects[i].dwarf, memory_order_relaxed));
	wb_session_discharge(wb_image_session(map->image), map->charged, false);
	wb_lock_deinit(&map->lock);
	wb_mem_free(map->objects);
	wb_mem_free(map->by_symbol);
	wb_mem_free(map->functions);
	wb_mem_free(map);
}

/* ---- Building ---- */

static enum wb_err add_object(struct wb_debug_map *map, const struct wb_linked *linked)
{
	struct linked *object;

	if (map->num_objects == OBJECTS_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&map->objects, &map->objects_capacity, map->num_objects, 1, sizeof *object))
		return WB_ERR_MEMORY;
	object = &map->objects[map->num_objects++];
	memset(object, 0, sizeof *object);
	object->path = linked->object;
	object->modified = linked->modified;
	return WB_OK;
}

static enum wb_err add_function(void *arg, const struct wb_linked *linked)
{
	struct wb_debug_map *map = arg;
	size_t length = strlen(linked->symbol);
	enum wb_err err = WB_OK;
	uint64_t end;

	if (!linked->size || !wb_u64_add(linked->value, linked->size, &end))
		return WB_OK;
	map->names_size += length;
	/* Functions of one file follow each other, with the same text. */
	if (!map->num_objects || map->objects[map->num_objects - 1].path != linked->object)
		err = add_object(map, linked);
	if (!err && (map->num_functions == FUNCTIONS_MAX || map->names_size > NAMES_MAX))
		err = WB_ERR_LIMIT;
	if (!err && !wb_mem_grow((void **)&map->functions, &map->functions_capacity, map->num_functions, 1, sizeof map->functions[0]))
		err = WB_ERR_MEMORY;
	if (err)
		return err;
	map->functions[map->num_functions++] = (struct function){
		.start = linked->value, .end = end, .there = UNPLACED, .symbol = linked->symbol, .hash = wb_hash_bytes(wb_hash_start, linked->symbol, length),
		.object = (uint32_t)(map->num_objects - 1),
	};
	return WB_OK;
}

static int by_start(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->object < b->object ? -1 : a->object > b->object;
}

static int by_object_and_hash(const void *left, const void *right)
{
	const struct function *a = *(struct function *const *)left, *b = *(struct function *const *)right;

	if (a->object != b->object)
		return a->object < b->object ? -1 : 1;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start;
}

/* Sorts both ways. */
static enum wb_err order(struct wb_debug_map *map)
{
	qsort(map->functions, map->num_functions, sizeof map->functions[0], by_start);
	map->by_symbol = wb_mem_zalloc(map->num_functions, sizeof(struct function *));
	if (!map->by_symbol)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < map->num_functions; i++)
		map->by_symbol[i] = &map->functions[i];
	qsort(map->by_symbol, map->num_functions, sizeof(struct function *), by_object_and_hash);
	for (size_t i = 0; i < map->num_functions; i++) {
		struct linked *object = &map->objects[map->by_symbol[i]->object];

		if (!object->num_functions++)
			object->functions = &map->by_symbol[i];
	}
	map->charged = sizeof *map + map->num_functions * (sizeof(struct function) + sizeof(struct function *)) + map->num_objects * sizeof(struct linked);
	wb_session_charge(wb_image_session(map->image), map->charged, true);
	return WB_OK;
}

static enum wb_err build(struct wb_image *image, void *arg, void **ret_value)
{
	struct wb_debug_map *map;
	struct wb_object *object;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &object);

	(void)arg;
	*ret_value = NULL;
	if (err || !object->format->list_linked)
		return err ? err : WB_NONE;
	map = wb_mem_zalloc(1, sizeof *map);
	if (!map)
		return WB_ERR_MEMORY;
	map->image = image;
	map->object = object;
	wb_lock_init(&map->lock);
	err = object->format->list_linked(object, add_function, map);
	if (!err)
		err = map->num_functions ? order(map) : WB_NONE;
	if (err)
		debug_map_free(map);
	else
		*ret_value = map;
	return err;
}

/* ---- Opening ---- */

static enum wb_err accept(void *arg, struct wb_image *image, struct wb_object *object)
{
	(void)arg;
	(void)image;
	if (object->relocatable)
		return WB_OK;
	return wb_diag_report(object->diags, WB_NONE, WB_DIAG_FILE_MISMATCHED, object->path, "", UINT64_MAX, "no object file, as the debug map says");
}

/* The first of the object's functions with the hash, or where it would be. */
static size_t find_hash(const struct linked *object, uint64_t hash)
{
	size_t low = 0, high = object->num_functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (object->functions[middle]->hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Where the functions of the debug map are in the object file. Of the same name, as in anonymous namespaces they can be, each takes the next. */
static enum wb_err place_symbol(void *arg, const struct wb_symbol *symbol)
{
	struct linked *object = arg;
	size_t length;
	uint64_t hash;

	if (!symbol->executable || object->names_size > NAMES_MAX)
		return WB_OK;
	length = strlen(symbol->name);
	object->names_size += length;
	hash = wb_hash_bytes(wb_hash_start, symbol->name, length);
	for (size_t i = find_hash(object, hash); i < object->num_functions && object->functions[i]->hash == hash; i++) {
		if (object->functions[i]->there != UNPLACED || strcmp(object->functions[i]->symbol, symbol->name) != 0)
			continue;
		object->functions[i]->there = symbol->value;
		break;
	}
	return WB_OK;
}

/* "ARCHIVE(MEMBER)", taken apart; *ret_member NULL: it is in no archive. False: longer than paths are. */
static bool split_path(const char *whole, char path[WB_CANDIDATE_PATH_MAX], const char **ret_member)
{
	size_t length = strlen(whole);
	char *open;

	if (length >= WB_CANDIDATE_PATH_MAX)
		return false;
	memcpy(path, whole, length + 1);
	*ret_member = NULL;
	open = length && path[length - 1] == ')' ? strrchr(path, '(') : NULL;
	if (!open || open == path)
		return true;
	path[length - 1] = 0;
	*open = 0;
	*ret_member = open + 1;
	return true;
}

static enum wb_err open_object(struct wb_debug_map *map, struct linked *linked, struct wb_dwarf **ret_dwarf)
{
	char path[WB_CANDIDATE_PATH_MAX];
	struct wb_file_query query = { .size = sizeof query, .role = WB_FILE_DWO, .path = path, .referrer = map->object->path, .modified = linked->modified };
	struct wb_object *object;
	enum wb_err err = split_path(linked->path, path, &query.member) ? WB_OK : WB_ERR_LIMIT;

	if (!err)
		err = wb_image_extra_object(map->image, &query, 1, accept, NULL, &object);
	if (!err)
		err = wb_image_symbols(map->image, object, place_symbol, linked);
	return err ? err : wb_dwarf_of_object(map->image, object, ret_dwarf);
}

static bool is_done(const struct linked *object)
{
	return atomic_load_explicit(&object->done, memory_order_acquire);
}

/* What cannot be read is as good as missing. */
static enum wb_err dwarf_of(struct wb_debug_map *map, struct linked *object, struct wb_dwarf **ret_dwarf)
{
	enum wb_err err = WB_OK;

	if (!is_done(object)) {
		wb_lock_take(&map->lock);
		if (!is_done(object)) {
			struct wb_dwarf *dwarf = NULL;

			err = open_object(map, object, &dwarf);
			/* A finder that has it later is asked again. */
			if (err != WB_ERR_MEMORY && err != WB_ERR_CANCELLED &&
			    (err != WB_NONE || wb_image_verdict(map->image, WB_FILE_DWO) != WB_VERDICT_NOT_TRIED)) {
				atomic_store_explicit(&object->dwarf, dwarf, memory_order_relaxed);
				atomic_store_explicit(&object->done, 1, memory_order_release);
			}
		}
		wb_lock_give(&map->lock);
		if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
			return err;
	}
	*ret_dwarf = atomic_load_explicit(&object->dwarf, memory_order_acquire);
	return *ret_dwarf ? WB_OK : WB_NONE;
}

/* ---- Looking up ---- */

/* The function that starts last at or before the pc. */
static const struct function *find_function(const struct wb_debug_map *map, uint64_t image_pc)
{
	size_t low = 0, high = map->num_functions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (map->functions[middle].start <= image_pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low && image_pc < map->functions[low - 1].end ? &map->functions[low - 1] : NULL;
}

enum wb_err wb_debug_map_find(struct wb_image *image, uint64_t image_pc, struct wb_debug_map_hit *ret_hit, bool *ret_is_missing)
{
	const struct function *function;
	struct wb_debug_map *map;
	void *value = NULL;
	enum wb_err err = wb_image_slot(image, WB_SLOT_DEBUG_MAP, build, NULL, debug_map_free, &value);

	*ret_is_missing = false;
	map = value;
	function = !err && map ? find_function(map, image_pc) : NULL;
	if (!function)
		return err ? err : WB_NONE;
	err = dwarf_of(map, &map->objects[function->object], &ret_hit->dwarf);
	*ret_is_missing = err == WB_NONE;
	if (err)
		return err;
	ret_hit->shift = function->start - function->there;
	return function->there == UNPLACED ? WB_NONE : WB_OK;
}
