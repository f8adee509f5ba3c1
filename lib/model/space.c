/* SPDX-License-Identifier: MIT */
/*
 * Versions of address spaces: who is mapped where, and extra memory. A version is immutable; a change copies the leaves (arrays of mappings)
 * that it touches and shares the others. Files are opened by the image, never here; which image pc an address is, is place.c's.
 */
#include "model/space.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/loaded.h"
#include "model/session.h"

#include <string.h>

enum {
	LEAF_MAX = 64,                /* mappings in a leaf: a change copies one or two of them */
	MAPS_MAX = 1 << 17,           /* of a space: twice Linux's default vm.max_map_count; bounds what a hostile capture can cost */
	PARENTS_MAX = 4,              /* a process has the kernel above it, a guest has a host; more is a mistake */
};

struct leaf {
	atomic_uint refs;
	uint32_t count;               /* at least 1 */
	struct wb_map maps[LEAF_MAX]; /* sorted, disjoint */
};

/* Versions share the blocks that were added before: adding one costs the same however many there are. */
struct block {
	atomic_uint refs;
	struct block *older;          /* referenced */
	struct wb_memory memory;
};

struct wb_space {
	atomic_uint refs;
	struct wb_session *session;
	struct wb_platform platform;
	const struct wb_arch_info *arch;
	struct wb_space *parent;
	struct block *newest;         /* extra memory, the newest that holds an address wins; NULL: none */
	struct wb_loaded *loaded;     /* what is found in it; shared by all versions of the same memory */
	uint64_t pointer_mask;        /* the caller's, if has_pointer_mask */
	bool has_pointer_mask;
	uint64_t num_maps;
	size_t num_leaves;
	struct leaf *leaves[];
};

/* ---- Leaves and blocks ---- */

/* A copy that borrows the images. Another thread may be publishing the bias of `from`. */
static struct wb_map map_copy(const struct wb_map *from)
{
	bool is_known = atomic_load_explicit(&from->bias_state, memory_order_acquire) == WB_BIAS_KNOWN;
	struct wb_map to = { .start = from->start, .end = from->end, .file_offset = from->file_offset, .base = from->base,
	                     .image = from->image, .image_id = from->image_id, .prot = from->prot };

	atomic_init(&to.bias, atomic_load_explicit(&from->bias, memory_order_relaxed));
	atomic_init(&to.member, is_known ? atomic_load_explicit(&from->member, memory_order_relaxed) : NULL);
	atomic_init(&to.bias_state, is_known ? WB_BIAS_KNOWN : WB_BIAS_UNKNOWN);
	return to;
}

static struct leaf *leaf_new(const struct wb_map *maps, size_t count)
{
	struct leaf *leaf = wb_mem_alloc(sizeof(*leaf));

	if (!leaf)
		return NULL;
	atomic_init(&leaf->refs, 1);
	leaf->count = (uint32_t)count;
	memcpy(leaf->maps, maps, count * sizeof(maps[0]));
	for (size_t i = 0; i < count; i++) {
		wb_image_ref(leaf->maps[i].image);
		wb_image_ref(atomic_load_explicit(&leaf->maps[i].member, memory_order_relaxed));
	}
	return leaf;
}

static void leaf_unref(struct leaf *leaf)
{
	if (!leaf || atomic_fetch_sub_explicit(&leaf->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < leaf->count; i++) {
		wb_image_unref(leaf->maps[i].image);
		wb_image_unref(atomic_load_explicit(&leaf->maps[i].member, memory_order_relaxed));
	}
	wb_mem_free(leaf);
}

static struct leaf *leaf_ref(struct leaf *leaf)
{
	atomic_fetch_add_explicit(&leaf->refs, 1, memory_order_relaxed);
	return leaf;
}

static void block_unref(struct block *block)
{
	/* A loop, not recursion, over older ones. */
	while (block && atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) == 1) {
		struct block *older = block->older;

		if (block->memory.release)
			block->memory.release(block->memory.arg);
		wb_mem_free(block);
		block = older;
	}
}

static struct block *block_ref(struct block *block)
{
	if (block)
		atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
	return block;
}

/* ---- Versions ---- */

static struct wb_space *space_alloc(size_t num_leaves)
{
	struct wb_space *space;

	space = wb_mem_zalloc(1, sizeof(*space) + num_leaves * sizeof(space->leaves[0]));
	if (space)
		atomic_init(&space->refs, 1);
	return space;
}

/* A version like space, with room for num_leaves leaves, which the caller fills. */
static struct wb_space *space_like(const struct wb_space *space, size_t num_leaves)
{
	struct wb_space *next = space_alloc(num_leaves);

	if (!next)
		return NULL;
	next->session = wb_session_ref(space->session);
	next->platform = space->platform;
	next->arch = space->arch;
	next->parent = wb_space_ref(space->parent);
	next->newest = block_ref(space->newest);
	next->loaded = wb_loaded_ref(space->loaded);
	next->pointer_mask = space->pointer_mask;
	next->has_pointer_mask = space->has_pointer_mask;
	return next;
}

static struct wb_space *space_copy(const struct wb_space *space)
{
	struct wb_space *next = space_like(space, space->num_leaves);

	if (!next)
		return NULL;
	next->num_maps = space->num_maps;
	next->num_leaves = space->num_leaves;
	for (size_t i = 0; i < space->num_leaves; i++)
		next->leaves[i] = leaf_ref(space->leaves[i]);
	return next;
}

enum wb_err wb_space_new(struct wb_session *session, const struct wb_platform *platform, struct wb_space **ret_space)
{
	struct wb_space *space;

	if (!session || !platform || !ret_space)
		return WB_ERR_ARGUMENT;
	space = space_alloc(0);
	if (!space)
		return WB_ERR_MEMORY;
	space->session = wb_session_ref(session);
	space->platform = *platform;
	space->arch = wb_arch_info(platform->arch);
	*ret_space = space;
	return WB_OK;
}

struct wb_space *wb_space_ref(struct wb_space *space)
{
	if (space)
		atomic_fetch_add_explicit(&space->refs, 1, memory_order_relaxed);
	return space;
}

void wb_space_unref(struct wb_space *space)
{
	/* A loop, not recursion, over parents. */
	while (space && atomic_fetch_sub_explicit(&space->refs, 1, memory_order_acq_rel) == 1) {
		struct wb_space *parent = space->parent;

		for (size_t i = 0; i < space->num_leaves; i++)
			leaf_unref(space->leaves[i]);
		wb_loaded_unref(space->loaded);
		block_unref(space->newest);
		wb_session_unref(space->session);
		wb_mem_free(space);
		space = parent;
	}
}

/* Index of the first leaf whose last mapping ends above address. */
static size_t leaf_above(const struct wb_space *space, uint64_t address)
{
	size_t low = 0, high = space->num_leaves;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct leaf *leaf = space->leaves[middle];

		if (leaf->maps[leaf->count - 1].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first mapping that ends above address, or NULL. */
static const struct wb_map *map_above(const struct wb_space *space, uint64_t address)
{
	size_t index = leaf_above(space, address), low = 0, high;
	const struct leaf *leaf;

	if (index == space->num_leaves)
		return NULL;
	leaf = space->leaves[index];
	high = leaf->count - 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (leaf->maps[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return &leaf->maps[low];
}

const struct wb_map *wb_space_map_at(const struct wb_space *space, uint64_t address)
{
	for (unsigned i = 0; space && i < PARENTS_MAX; i++, space = space->parent) {
		const struct wb_map *map = map_above(space, address);

		if (map && map->start <= address)
			return map;
	}
	return NULL;
}

const struct wb_map *wb_space_map_below(const struct wb_space *space, uint64_t address)
{
	size_t index = leaf_above(space, address);

	/* The last leaf that starts below; leaves are never empty. */
	if (index == space->num_leaves || space->leaves[index]->maps[0].start >= address)
		index--;
	if (index >= space->num_leaves)
		return NULL;
	for (size_t i = space->leaves[index]->count; i-- > 0;)
		if (space->leaves[index]->maps[i].start < address)
			return &space->leaves[index]->maps[i];
	return NULL;
}

/* What stays of the old mappings of leaves [first, last) outside [start, end), and `insert` (may be NULL) in its place. kept has room for
 * 2 * LEAF_MAX + 3: whole leaves between the first and the last are covered by [start, end). References are not taken. */
static size_t cut(const struct wb_space *space, size_t first, size_t last, uint64_t start, uint64_t end, const struct wb_map *insert,
                  struct wb_map *kept)
{
	size_t count = 0;
	bool inserted = !insert;

	for (size_t l = first; l < last; l++) {
		const struct leaf *leaf = space->leaves[l];

		/* Leaves strictly inside the range lose everything. */
		if (leaf->maps[0].start >= start && leaf->maps[leaf->count - 1].end <= end)
			continue;
		for (size_t i = 0; i < leaf->count; i++) {
			const struct wb_map *map = &leaf->maps[i];

			if (map->start < start) {
				kept[count] = map_copy(map);
				kept[count].end = map->end < start ? map->end : start;
				count++;
			}
			if (map->end <= end)
				continue;
			if (!inserted) {
				kept[count++] = map_copy(insert);
				inserted = true;
			}
			kept[count] = map_copy(map);
			if (map->start < end) {
				kept[count].start = end;
				kept[count].file_offset += end - map->start;
			}
			count++;
		}
	}
	if (!inserted)
		kept[count++] = map_copy(insert);
	return count;
}

/* A leaf for the next version: a reference, or the only one if nobody else has this version, which then goes. */
static struct leaf *leaf_for_next(struct wb_space *space, size_t index, bool goes)
{
	struct leaf *leaf = space->leaves[index];

	if (!goes)
		return leaf_ref(leaf);
	space->leaves[index] = NULL;
	return leaf;
}

/* A version in which [start, end) holds `insert` alone, or nothing. `goes`: space is given up by the caller right after, also on failure. */
static enum wb_err space_replace(struct wb_space *space, bool goes, uint64_t start, uint64_t end, const struct wb_map *insert,
                                 struct wb_space **ret_next)
{
	struct wb_map kept[2 * LEAF_MAX + 3];
	size_t first = leaf_above(space, start), last = first, count, pieces, made = 0;
	struct wb_space *next;

	while (last < space->num_leaves && space->leaves[last]->maps[0].start < end)
		last++;
	/* Nothing there: join the leaf before or, at the front, the first one. */
	if (first == last && first)
		first--;
	else if (first == last && last < space->num_leaves)
		last++;
	count = cut(space, first, last, start, end, insert, kept);
	pieces = (count + LEAF_MAX - 1) / LEAF_MAX;
	next = space_like(space, space->num_leaves - (last - first) + pieces);
	if (!next)
		return WB_ERR_MEMORY;
	next->num_maps = space->num_maps + count;
	for (size_t i = first; i < last; i++)
		next->num_maps -= space->leaves[i]->count;
	for (size_t i = 0; i < first; i++)
		next->leaves[next->num_leaves++] = leaf_for_next(space, i, goes);
	for (size_t i = 0; i < pieces; i++) {
		size_t size = (count - made) / (pieces - i);

		next->leaves[next->num_leaves] = leaf_new(kept + made, size);
		if (!next->leaves[next->num_leaves]) {
			wb_space_unref(next);
			return WB_ERR_MEMORY;
		}
		next->num_leaves++;
		made += size;
	}
	for (size_t i = last; i < space->num_leaves; i++)
		next->leaves[next->num_leaves++] = leaf_for_next(space, i, goes);
	*ret_next = next;
	return WB_OK;
}

static enum wb_err image_of_mapping(struct wb_space *space, const struct wb_mapping *mapping, struct wb_image **ret_image)
{
	struct wb_identity identity = { .size = sizeof(identity), .platform = space->platform, .path = mapping->path ? mapping->path : "",
	                                .build_id = mapping->build_id, .build_id_size = mapping->build_id_size };

	if (mapping->image) {
		*ret_image = wb_image_ref(mapping->image);
		return WB_OK;
	}
	if (!*identity.path && !identity.build_id) {
		*ret_image = NULL;
		return WB_OK;
	}
	return wb_image_new(space->session, &identity, ret_image);
}

static enum wb_err space_map_one(struct wb_space *space, bool goes, const struct wb_mapping *given, struct wb_space **ret_next)
{
	struct wb_mapping mapping;
	struct wb_map map = { 0 };
	enum wb_err err = wb_struct_take(&mapping, sizeof(mapping), given);

	if (err)
		return err;
	if (mapping.start >= mapping.end)
		return WB_ERR_ARGUMENT;
	if (space->num_maps >= MAPS_MAX)
		return WB_ERR_LIMIT;
	err = image_of_mapping(space, &mapping, &map.image);
	if (err)
		return err;
	map.start = mapping.start;
	map.end = mapping.end;
	map.file_offset = mapping.file_offset;
	map.base = mapping.base;
	map.image_id = map.image ? wb_image_id(map.image) : 0;
	map.prot = (uint8_t)mapping.prot;
	err = space_replace(space, goes, map.start, map.end, &map, ret_next);
	wb_image_unref(map.image);
	return err;
}

enum wb_err wb_space_map(struct wb_space *space, const struct wb_mapping *mappings, size_t count, struct wb_space **ret_next)
{
	const uint8_t *at = (const uint8_t *)mappings;
	struct wb_space *current;

	if (!space || !ret_next || (count && (!mappings || mappings->size < sizeof(size_t))))
		return WB_ERR_ARGUMENT;
	current = wb_space_ref(space);
	for (size_t i = 0; i < count; i++, at += mappings->size) {
		struct wb_space *next;
		enum wb_err err = space_map_one(current, i > 0, (const struct wb_mapping *)(const void *)at, &next);

		wb_space_unref(current);
		if (err)
			return err;
		current = next;
	}
	*ret_next = current;
	return WB_OK;
}

enum wb_err wb_space_unmap(struct wb_space *space, uint64_t start, uint64_t end, struct wb_space **ret_next)
{
	if (!space || !ret_next || start >= end)
		return WB_ERR_ARGUMENT;
	return space_replace(space, false, start, end, NULL, ret_next);
}

enum wb_err wb_space_set_parent(struct wb_space *space, struct wb_space *parent, struct wb_space **ret_next)
{
	struct wb_space *next;
	unsigned depth = 1;

	if (!space || !ret_next)
		return WB_ERR_ARGUMENT;
	for (const struct wb_space *p = parent; p; p = p->parent)
		depth++;
	if (depth > PARENTS_MAX)
		return WB_ERR_LIMIT;
	next = space_copy(space);
	if (!next)
		return WB_ERR_MEMORY;
	wb_space_unref(next->parent);
	next->parent = wb_space_ref(parent);
	*ret_next = next;
	return WB_OK;
}

enum wb_err wb_space_set_pointer_mask(struct wb_space *space, uint64_t mask, struct wb_space **ret_next)
{
	struct wb_space *next;

	if (!space || !ret_next)
		return WB_ERR_ARGUMENT;
	next = space_copy(space);
	if (!next)
		return WB_ERR_MEMORY;
	next->pointer_mask = mask;
	next->has_pointer_mask = true;
	*ret_next = next;
	return WB_OK;
}

size_t wb_space_num_mappings(const struct wb_space *space)
{
	return space ? (size_t)space->num_maps : 0;
}

enum wb_err wb_space_set_platform(struct wb_space *space, const struct wb_platform *platform, struct wb_space **ret_next)
{
	struct wb_space *next;

	if (!space || !platform || !ret_next)
		return WB_ERR_ARGUMENT;
	next = space_copy(space);
	if (!next)
		return WB_ERR_MEMORY;
	next->platform = *platform;
	next->arch = wb_arch_info(platform->arch);
	*ret_next = next;
	return WB_OK;
}

/* ---- Memory ---- */

/* The memory becomes the block's, also on failure. */
static enum wb_err block_new(const struct wb_memory *memory, struct block *older, struct block **ret_block)
{
	struct block *block = wb_mem_alloc(sizeof(*block));

	if (!block) {
		if (memory->release)
			memory->release(memory->arg);
		return WB_ERR_MEMORY;
	}
	atomic_init(&block->refs, 1);
	block->older = block_ref(older);
	block->memory = *memory;
	*ret_block = block;
	return WB_OK;
}

static enum wb_err memory_read(const struct wb_memory *memory, uint64_t address, void *buffer, size_t count)
{
	switch (memory->kind) {
	case WB_MEMORY_BYTES:
		memcpy(buffer, (const uint8_t *)memory->bytes + (address - memory->start), count);
		return WB_OK;
	case WB_MEMORY_ZERO:
		memset(buffer, 0, count);
		return WB_OK;
	case WB_MEMORY_CALLBACK:
		return memory->read(memory->arg, address, buffer, count);
	}
	return WB_NONE;
}

/* A piece of at most *count bytes that one block holds; *count becomes its size, also when no block holds it. */
static enum wb_err blocks_read_piece(const struct block *block, uint64_t address, void *buffer, size_t *count)
{
	for (; block; block = block->older) {
		const struct wb_memory *memory = &block->memory;
		uint64_t left;
		enum wb_err err;

		if (address >= memory->end)
			continue;
		/* A newer block that starts further on shadows what is under it from there. */
		left = (address < memory->start ? memory->start : memory->end) - address;
		*count = left < *count ? (size_t)left : *count;
		if (address < memory->start)
			continue;
		err = memory_read(memory, address, buffer, *count);
		/* What a callback does not have may be under it. */
		if (err != WB_NONE)
			return err;
	}
	return WB_NONE;
}

static enum wb_err blocks_read(const void *newest, uint64_t address, void *buffer, size_t count)
{
	uint8_t *to = buffer;

	/* Each turn gets at least one byte further. */
	while (count) {
		size_t part = count;
		enum wb_err err = blocks_read_piece(newest, address, to, &part);

		if (err)
			return err;
		to += part;
		address += part;
		count -= part;
	}
	return WB_OK;
}

static bool memory_is_valid(const struct wb_memory *memory)
{
	if (memory->start >= memory->end)
		return false;
	switch (memory->kind) {
	case WB_MEMORY_BYTES: return memory->bytes;
	case WB_MEMORY_ZERO: return true;
	case WB_MEMORY_CALLBACK: return memory->read;
	}
	return false;
}

enum wb_err wb_space_add_memory(struct wb_space *space, const struct wb_memory *given, struct wb_space **ret_next)
{
	struct wb_memory memory = { 0 };
	struct wb_space *next;
	struct block *block;
	enum wb_err err;

	if (!given)
		return WB_ERR_ARGUMENT;
	err = wb_struct_take(&memory, sizeof(memory), given);
	/* A struct too new to understand still begins with the members that this library knows. */
	if (err == WB_ERR_ABI)
		memory = *given;
	if (!err && (!space || !ret_next || !memory_is_valid(&memory)))
		err = WB_ERR_ARGUMENT;
	if (err) {
		if (memory.release)
			memory.release(memory.arg);
		return err;
	}
	err = block_new(&memory, space->newest, &block);
	if (err)
		return err;
	next = space_copy(space);
	if (!next) {
		block_unref(block);
		return WB_ERR_MEMORY;
	}
	block_unref(next->newest);
	next->newest = block;
	wb_loaded_unref(next->loaded);
	next->loaded = wb_loaded_new(blocks_read, block);
	if (!next->loaded) {
		wb_space_unref(next);
		return WB_ERR_MEMORY;
	}
	*ret_next = next;
	return WB_OK;
}

/* The same, or what a mapping's file holds. */
static enum wb_err space_read_piece(const struct wb_space *space, uint64_t address, bool any_file, void *buffer, size_t *count)
{
	enum wb_err err = blocks_read_piece(space->newest, address, buffer, count);
	struct wb_image *image;
	const struct wb_map *map;
	uint64_t bias, left;

	if (err != WB_NONE)
		return err;
	/* What is writable may differ from the file by now: absent is honest. */
	map = map_above(space, address);
	if (!map || map->start > address || !map->image || map->prot & WB_PROT_WRITE)
		return WB_NONE;
	left = map->end - address;
	*count = left < *count ? (size_t)left : *count;
	err = wb_map_place(space, map, &image, &bias);
	/* Nor is a file the process's memory that only may be the one that was mapped. */
	if (!err && !any_file && !wb_image_is_proven(image))
		return WB_NONE;
	return err ? err : wb_image_read(image, address - bias, buffer, *count);
}

static enum wb_err space_read(struct wb_space *space, uint64_t address, bool any_file, void *buffer, size_t count)
{
	uint8_t *to = buffer;

	while (count) {
		enum wb_err err = WB_NONE;
		size_t part = count;

		for (const struct wb_space *s = space; s && err == WB_NONE; s = s->parent)
			err = space_read_piece(s, address, any_file, to, &part);
		if (err)
			return err;
		to += part;
		address += part;
		count -= part;
	}
	return WB_OK;
}

enum wb_err wb_space_read(struct wb_space *space, uint64_t address, void *buffer, size_t count)
{
	return space && (buffer || !count) ? space_read(space, address, false, buffer, count) : WB_ERR_ARGUMENT;
}

enum wb_err wb_space_read_code(struct wb_space *space, uint64_t address, void *buffer, size_t count)
{
	return space_read(space, address, true, buffer, count);
}

/* ---- Answers ---- */

const struct wb_arch_info *wb_space_arch(const struct wb_space *space)
{
	return space->arch;
}

struct wb_platform wb_space_platform(const struct wb_space *space)
{
	return space->platform;
}

/* The end of the highest mapping that is not in a kernel's half. */
static uint64_t highest_end(const struct wb_space *space)
{
	for (size_t l = space->num_leaves; l-- > 0;) {
		const struct leaf *leaf = space->leaves[l];

		for (size_t i = leaf->count; i-- > 0;)
			if (!(leaf->maps[i].start >> 55))
				return leaf->maps[i].end;
	}
	return 0;
}

/* Signatures fill what addresses leave free, and how many bits addresses have is the kernel's configuration: the smallest that holds all mappings, since
 * stacks are at the top, and code that is not mapped is nothing that a walk could go on in. */
uint64_t wb_space_pointer_mask(const struct wb_space *space)
{
	const struct wb_arch_info *arch = space->arch;
	unsigned bits = 0;
	uint64_t end;

	if (space->has_pointer_mask || !arch || !arch->address_bits)
		return space->pointer_mask | (arch ? arch->code_bits : 0);
	end = highest_end(space);
	for (const uint8_t *size = arch->address_bits; *size; size++) {
		bits = *size;
		if (end && end - 1 < UINT64_C(1) << bits)
			break;
	}
	return (UINT64_C(1) << arch->signature_end) - (UINT64_C(1) << bits);
}

struct wb_loaded *wb_space_loaded(const struct wb_space *space)
{
	return space->loaded;
}

struct wb_session *wb_space_session(const struct wb_space *space)
{
	return space->session;
}

bool wb_space_is_empty(const struct wb_space *space)
{
	return !space->num_leaves;
}

bool wb_space_may_execute(const struct wb_space *space, uint64_t address)
{
	const struct wb_map *map = wb_space_map_at(space, address);

	if (!map)
		return wb_space_is_empty(space);
	return map->prot & (WB_PROT_EXEC | WB_PROT_UNKNOWN);
}

const struct wb_map *wb_space_map_above(const struct wb_space *space, uint64_t address)
{
	const struct wb_map *best = NULL;

	for (unsigned i = 0; space && i < PARENTS_MAX; i++, space = space->parent) {
		const struct wb_map *map = map_above(space, address);

		if (map && (!best || map->start < best->start))
			best = map;
	}
	return best;
}
