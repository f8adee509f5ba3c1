/* SPDX-License-Identifier: MIT */
/* The tables behind processes: values by pid or tid, strings kept once, build ids by path. All are open addressing, at most half full. */
#include "formats/capture_perf.h"

#include "base/hash.h"
#include "base/mem.h"
#include "model/image.h"

#include <string.h>

enum {
	FIRST_CAPACITY = 64,          /* slots; a power of two, as all capacities */
	ENTRIES_MAX = 1 << 22,        /* Linux has at most this many tasks; names and files are fewer */
	BUILD_ID_PATHS_MAX = 64 << 20, /* bytes: half a million files */
};

/* ---- Values by number --------------------------------------------------------------------------------------------- */

void wb_perf_table_deinit(struct wb_perf_table *table)
{
	wb_mem_free(table->slots);
}

static size_t home_of(const struct wb_perf_table *table, uint32_t key)
{
	return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (table->capacity - 1);
}

static size_t slot_of(const struct wb_perf_table *table, uint32_t key)
{
	size_t i = home_of(table, key);

	while (table->slots[i].value && table->slots[i].key != key)
		i = (i + 1) & (table->capacity - 1);
	return i;
}

void *wb_perf_table_find(const struct wb_perf_table *table, uint32_t key)
{
	return table->capacity ? table->slots[slot_of(table, key)].value : NULL;
}

static enum wb_err table_grow(struct wb_perf_table *table)
{
	struct wb_perf_table next = { NULL, table->capacity ? table->capacity * 2 : (size_t)FIRST_CAPACITY, table->count };

	if (table->count >= ENTRIES_MAX)
		return WB_ERR_LIMIT;
	next.slots = wb_mem_zalloc(next.capacity, sizeof(next.slots[0]));
	if (!next.slots)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < table->capacity; i++) {
		if (table->slots[i].value)
			next.slots[slot_of(&next, table->slots[i].key)] = table->slots[i];
	}
	wb_mem_free(table->slots);
	*table = next;
	return WB_OK;
}

enum wb_err wb_perf_table_put(struct wb_perf_table *table, uint32_t key, void *value)
{
	if (table->count * 2 >= table->capacity) {
		enum wb_err err = table_grow(table);

		if (err != WB_OK)
			return err;
	}
	table->slots[slot_of(table, key)] = (struct wb_perf_slot){ key, value };
	table->count++;
	return WB_OK;
}

void wb_perf_table_remove(struct wb_perf_table *table, uint32_t key)
{
	size_t mask = table->capacity - 1, hole, i;

	if (!table->capacity)
		return;
	hole = slot_of(table, key);
	if (!table->slots[hole].value)
		return;
	table->slots[hole].value = NULL;
	table->count--;
	/* What follows without a gap moves into the hole, unless its home lies behind it (Knuth, volume 3, 6.4, algorithm R). */
	for (i = (hole + 1) & mask; table->slots[i].value; i = (i + 1) & mask) {
		size_t home = home_of(table, table->slots[i].key);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		table->slots[hole] = table->slots[i];
		table->slots[i].value = NULL;
		hole = i;
	}
}

/* ---- Strings ------------------------------------------------------------------------------------------------------ */

void wb_perf_strings_deinit(struct wb_perf_strings *strings)
{
	for (size_t i = 0; i < strings->capacity; i++)
		wb_mem_free(strings->slots[i]);
	wb_mem_free(strings->slots);
}

static size_t string_slot(char *const *slots, size_t capacity, const char *string, size_t size)
{
	size_t i = (size_t)wb_hash_bytes(wb_hash_start, string, size) & (capacity - 1);

	while (slots[i] && (strncmp(slots[i], string, size) || slots[i][size]))
		i = (i + 1) & (capacity - 1);
	return i;
}

static enum wb_err strings_grow(struct wb_perf_strings *strings)
{
	size_t capacity = strings->capacity ? strings->capacity * 2 : (size_t)FIRST_CAPACITY;
	char **slots;

	if (strings->count >= ENTRIES_MAX)
		return WB_ERR_LIMIT;
	slots = wb_mem_zalloc(capacity, sizeof(*slots));
	if (!slots)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < strings->capacity; i++) {
		if (strings->slots[i])
			slots[string_slot(slots, capacity, strings->slots[i], strlen(strings->slots[i]))] = strings->slots[i];
	}
	wb_mem_free(strings->slots);
	strings->slots = slots;
	strings->capacity = capacity;
	return WB_OK;
}

enum wb_err wb_perf_strings_keep(struct wb_perf_strings *strings, const char *string, size_t size, const char **ret_kept)
{
	size_t slot;
	char *copy;

	if (strings->count * 2 >= strings->capacity) {
		enum wb_err err = strings_grow(strings);

		if (err != WB_OK)
			return err;
	}
	slot = string_slot(strings->slots, strings->capacity, string, size);
	if (!strings->slots[slot]) {
		copy = wb_mem_zalloc(1, size + 1);
		if (!copy)
			return WB_ERR_MEMORY;
		memcpy(copy, string, size);
		strings->slots[slot] = copy;
		strings->count++;
	}
	*ret_kept = strings->slots[slot];
	return WB_OK;
}

/* ---- Build ids ---------------------------------------------------------------------------------------------------- */

void wb_perf_build_ids_deinit(struct wb_perf_build_ids *ids)
{
	for (size_t i = 0; i < ids->count; i++)
		wb_mem_free(ids->items[i].path);
	wb_mem_free(ids->items);
	wb_mem_free(ids->index);
}

static uint32_t *build_id_slot(const struct wb_perf_build_ids *ids, uint32_t *index, size_t capacity, const char *path, bool kernel)
{
	size_t i = (size_t)(wb_hash_bytes(wb_hash_start, path, strlen(path)) + kernel) & (capacity - 1);

	while (index[i] && (ids->items[index[i] - 1].kernel != kernel || strcmp(ids->items[index[i] - 1].path, path)))
		i = (i + 1) & (capacity - 1);
	return &index[i];
}

static enum wb_err build_ids_grow(struct wb_perf_build_ids *ids)
{
	size_t capacity = ids->index_capacity ? ids->index_capacity * 2 : (size_t)FIRST_CAPACITY;
	uint32_t *index = wb_mem_zalloc(capacity, sizeof(*index));

	if (!index)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < ids->count; i++)
		*build_id_slot(ids, index, capacity, ids->items[i].path, ids->items[i].kernel) = (uint32_t)i + 1;
	wb_mem_free(ids->index);
	ids->index = index;
	ids->index_capacity = capacity;
	return WB_OK;
}

enum wb_err wb_perf_build_ids_add(struct wb_perf_build_ids *ids, const char *path, bool kernel, const uint8_t *bytes, uint8_t size)
{
	struct wb_perf_build_id item = { .kernel = kernel, .size = size };
	size_t path_size = strlen(path) + 1;
	uint32_t *slot;

	if (ids->count >= ENTRIES_MAX || ids->held + path_size > BUILD_ID_PATHS_MAX)
		return WB_ERR_LIMIT;
	if (ids->count * 2 >= ids->index_capacity && build_ids_grow(ids) != WB_OK)
		return WB_ERR_MEMORY;
	slot = build_id_slot(ids, ids->index, ids->index_capacity, path, kernel);
	if (*slot)
		return WB_OK;
	if (!wb_mem_grow((void **)&ids->items, &ids->capacity, ids->count, 1, sizeof(item)) || !(item.path = wb_mem_dup(path, path_size)))
		return WB_ERR_MEMORY;
	memcpy(item.bytes, bytes, size);
	ids->items[ids->count++] = item;
	ids->held += path_size;
	*slot = (uint32_t)ids->count;
	return WB_OK;
}

const struct wb_perf_build_id *wb_perf_build_ids_find(const struct wb_perf_build_ids *ids, const char *path, bool kernel)
{
	uint32_t number = ids->index_capacity ? *build_id_slot(ids, ids->index, ids->index_capacity, path, kernel) : 0;

	return number ? &ids->items[number - 1] : NULL;
}

/* ---- Images ------------------------------------------------------------------------------------------------------- */

void wb_perf_modules_deinit(struct wb_perf_modules *modules)
{
	for (size_t i = 0; i < modules->count; i++)
		wb_image_unref(modules->items[i].image);
	wb_mem_free(modules->items);
	wb_perf_table_deinit(&modules->by_id);
}

enum wb_err wb_perf_modules_add(struct wb_perf_modules *modules, struct wb_image *image, uint64_t address, uint32_t pid)
{
	/* Ids count up from small numbers, and there are fewer than 2^32 images. */
	uint32_t key = (uint32_t)wb_image_id(image);
	enum wb_err err;

	if (wb_perf_table_find(&modules->by_id, key))
		return WB_OK;
	if (!wb_mem_grow((void **)&modules->items, &modules->capacity, modules->count, 1, sizeof(modules->items[0])))
		return WB_ERR_MEMORY;
	err = wb_perf_table_put(&modules->by_id, key, image);
	if (err != WB_OK)
		return err;
	modules->items[modules->count++] = (struct wb_capture_module){ wb_image_ref(image), address, wb_image_path(image), pid, NULL };
	return WB_OK;
}
