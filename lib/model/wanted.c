/* SPDX-License-Identifier: MIT */
/*
 * What was wanted and not had, with what it cost: one entry per role and identity, so that an image that comes and goes stays one line of
 * the list. Entries live as long as the session, because their paths are lent to callers.
 */
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "model/image_pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct wb_wanted_entry {
	struct wb_wanted wanted;
	uint64_t hash;
	char path[];
};

enum {
	FIRST_INDEX = 64,
	ENTRIES_MAX = 1 << 20,        /* hostile captures name files without end; further ones are not listed */
};

void wb_wanted_list_init(struct wb_wanted_list *list)
{
	*list = (struct wb_wanted_list){ 0 };
	wb_lock_init(&list->lock);
}

void wb_wanted_list_deinit(struct wb_wanted_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		wb_mem_free(list->entries[i]);
	wb_mem_free(list->entries);
	wb_mem_free(list->index);
	wb_mem_free(list->order);
	wb_lock_deinit(&list->lock);
}

/* ---- Entries by role and identity --------------------------------------------------------------------------------- */

static uint64_t hash_wanted(const struct wb_wanted *wanted)
{
	uint64_t hash = wb_hash_bytes(wb_hash_start ^ (uint64_t)wanted->role, wanted->path, strlen(wanted->path));

	return wb_hash_bytes(hash, wanted->build_id, wanted->build_id_size);
}

static bool same_wanted(const struct wb_wanted *a, const struct wb_wanted *b)
{
	return a->role == b->role && a->build_id_size == b->build_id_size && !memcmp(a->build_id, b->build_id, a->build_id_size) &&
	       !strcmp(a->path, b->path);
}

/* The index slot of an entry, or the free one where it belongs. The index is never full. */
static size_t find_slot(const struct wb_wanted_list *list, const struct wb_wanted *wanted, uint64_t hash)
{
	size_t slot = (size_t)(hash ^ hash >> 32) & (list->index_size - 1);

	while (list->index[slot]) {
		const struct wb_wanted_entry *entry = list->entries[list->index[slot] - 1];

		if (entry->hash == hash && same_wanted(&entry->wanted, wanted))
			break;
		slot = (slot + 1) & (list->index_size - 1);
	}
	return slot;
}

/* Room for one more entry, the index at most half full. */
static enum wb_err reserve(struct wb_wanted_list *list)
{
	size_t size = list->index_size ? list->index_size * 2 : FIRST_INDEX;
	uint32_t *index;

	if (!wb_mem_grow((void **)&list->entries, &list->capacity, list->count, 1, sizeof(struct wb_wanted_entry *)))
		return WB_ERR_MEMORY;
	if (list->count < list->index_size / 2)
		return WB_OK;
	index = wb_mem_zalloc(size, sizeof(uint32_t));
	if (!index)
		return WB_ERR_MEMORY;
	wb_mem_free(list->index);
	list->index = index;
	list->index_size = size;
	for (size_t i = 0; i < list->count; i++)
		index[find_slot(list, &list->entries[i]->wanted, list->entries[i]->hash)] = (uint32_t)(i + 1);
	return WB_OK;
}

static struct wb_wanted_entry *entry_new(const struct wb_wanted *wanted, uint64_t hash)
{
	size_t length = strlen(wanted->path), size;
	struct wb_wanted_entry *entry = wb_size_add(sizeof(*entry) + 1, length, &size) ? wb_mem_alloc(size) : NULL;

	if (!entry)
		return NULL;
	entry->wanted = *wanted;
	entry->hash = hash;
	memcpy(entry->path, wanted->path, length + 1);
	entry->wanted.path = entry->path;
	return entry;
}

static enum wb_err add_locked(struct wb_wanted_list *list, const struct wb_wanted *wanted)
{
	uint64_t hash = hash_wanted(wanted);
	struct wb_wanted_entry *entry;
	enum wb_err err = reserve(list);
	size_t slot;

	if (err)
		return err;
	slot = find_slot(list, wanted, hash);
	if (list->index[slot]) {
		entry = list->entries[list->index[slot] - 1];
		entry->wanted.frames += wanted->frames;
		entry->wanted.verdict = wanted->verdict;
		entry->wanted.image_id = wanted->image_id;
		return WB_OK;
	}
	if (list->count == ENTRIES_MAX)
		return WB_ERR_LIMIT;
	entry = entry_new(wanted, hash);
	if (!entry)
		return WB_ERR_MEMORY;
	list->entries[list->count++] = entry;
	list->index[slot] = (uint32_t)list->count;
	return WB_OK;
}

enum wb_err wb_wanted_list_add(struct wb_wanted_list *list, const struct wb_wanted *wanted)
{
	enum wb_err err;

	wb_lock_take(&list->lock);
	err = add_locked(list, wanted);
	wb_lock_give(&list->lock);
	return err;
}

/* ---- The list, most costly first ------------------------------------------------------------------------------------ */

/* Ties go by path, build id and role, so that the order does not depend on which thread was first. */
static int by_cost(const void *left, const void *right)
{
	const struct wb_wanted *a = &(*(struct wb_wanted_entry *const *)left)->wanted;
	const struct wb_wanted *b = &(*(struct wb_wanted_entry *const *)right)->wanted;
	int path = strcmp(a->path, b->path), id;

	if (a->frames != b->frames)
		return a->frames < b->frames ? 1 : -1;
	if (path)
		return path;
	id = memcmp(a->build_id, b->build_id, sizeof(a->build_id));
	if (id)
		return id;
	return a->role < b->role ? -1 : a->role > b->role;
}

static enum wb_err sort_locked(struct wb_wanted_list *list)
{
	struct wb_wanted_entry **order = wb_mem_resize(list->order, list->count, sizeof(struct wb_wanted_entry *));

	if (!order)
		return WB_ERR_MEMORY;
	list->order = order;
	list->num_ordered = list->count;
	if (!list->count)
		return WB_OK;
	memcpy(order, list->entries, list->count * sizeof(struct wb_wanted_entry *));
	qsort(order, list->count, sizeof(struct wb_wanted_entry *), by_cost);
	return WB_OK;
}

enum wb_err wb_session_wanted(struct wb_session *session, size_t nth, struct wb_wanted *wanted)
{
	struct wb_wanted_list *list;
	struct wb_wanted found;
	enum wb_err err = WB_OK;

	if (!session || !wanted)
		return WB_ERR_ARGUMENT;
	list = wb_session_wanted_list(session);
	wb_lock_take(&list->lock);
	if (nth == 0)
		err = sort_locked(list);
	if (!err && nth >= list->num_ordered)
		err = WB_NONE;
	if (!err)
		found = list->order[nth]->wanted;
	wb_lock_give(&list->lock);
	return err ? err : wb_struct_give(wanted, &found, sizeof(found));
}
