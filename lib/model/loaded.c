/* SPDX-License-Identifier: MIT */
/*
 * Finds images in a space's memory. The header is at the start of one of the few mappings that lead up to the code; an object file that is laid out as in
 * memory starts there, and its segments have to cover the code, whose bytes have to be there. Whatever else is absent is absent.
 */
#include "model/loaded.h"

#include "base/mem.h"
#include "model/session.h"
#include "model/verify.h"

#include <string.h>

enum {
	BACK = 16,                    /* mappings that are looked back at: an image has four to six, and some of no file between them */
	PAGE = 4096,                  /* the smallest: memory is captured in whole ones */
	PLACES_MAX = 1 << 14,         /* mappings of code without a file; the largest programs have some thousand modules */
};
static const uint64_t length_max = UINT64_C(1) << 32; /* bytes from an image's first to its last: four times the largest libraries there are */

/* What was found for a mapping. */
struct place {
	uint64_t start, end, image_id; /* the mapping's */
	uint64_t header;              /* address of the image's first byte */
	struct wb_image *image;       /* referenced; NULL: none was found */
	uint64_t bias;
};

struct wb_loaded {
	atomic_uint spaces;           /* versions that have the memory */
	atomic_uint refs;             /* those together, and every file that reads from it */
	struct wb_lock making, reading; /* taken in this order */
	wb_loaded_read_fn read;
	const void *memory;           /* NULL: all spaces that had it are gone; under `reading` */
	struct place *places;         /* sorted by start; under `making` */
	size_t count, capacity;
};

/* ---- Lives ---- */

struct wb_loaded *wb_loaded_new(wb_loaded_read_fn read, const void *memory)
{
	struct wb_loaded *loaded = wb_mem_zalloc(1, sizeof(*loaded));

	if (!loaded)
		return NULL;
	atomic_init(&loaded->spaces, 1);
	atomic_init(&loaded->refs, 1);
	wb_lock_init(&loaded->making);
	wb_lock_init(&loaded->reading);
	loaded->read = read;
	loaded->memory = memory;
	return loaded;
}

struct wb_loaded *wb_loaded_ref(struct wb_loaded *loaded)
{
	if (loaded)
		atomic_fetch_add_explicit(&loaded->spaces, 1, memory_order_relaxed);
	return loaded;
}

static void release(struct wb_loaded *loaded)
{
	if (atomic_fetch_sub_explicit(&loaded->refs, 1, memory_order_acq_rel) != 1)
		return;
	wb_lock_deinit(&loaded->reading);
	wb_lock_deinit(&loaded->making);
	wb_mem_free(loaded);
}

void wb_loaded_unref(struct wb_loaded *loaded)
{
	if (!loaded || atomic_fetch_sub_explicit(&loaded->spaces, 1, memory_order_acq_rel) != 1)
		return;
	wb_lock_take(&loaded->reading);
	loaded->memory = NULL;
	wb_lock_give(&loaded->reading);
	for (size_t i = 0; i < loaded->count; i++)
		wb_image_unref(loaded->places[i].image);
	wb_mem_free(loaded->places);
	release(loaded);
}

/* ---- Memory as a file ---- */

struct window { struct wb_loaded *loaded; uint64_t address; };

static void release_window(void *arg)
{
	struct window *window = arg;

	release(window->loaded);
	wb_mem_free(window);
}

/* As many bytes as there are before the first page that is absent. */
static size_t read_present(const struct wb_loaded *loaded, uint64_t address, uint8_t *buffer, size_t count)
{
	size_t got = 0;

	if (!loaded->memory)
		return 0;
	if (loaded->read(loaded->memory, address, buffer, count) == WB_OK)
		return count;
	while (got < count) {
		size_t in_page = PAGE - (size_t)((address + got) % PAGE), part = in_page < count - got ? in_page : count - got;

		if (loaded->read(loaded->memory, address + got, buffer + got, part) != WB_OK)
			break;
		got += part;
	}
	return got;
}

static enum wb_err read_window(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	const struct window *window = arg;

	wb_lock_take(&window->loaded->reading);
	*ret_got = read_present(window->loaded, window->address + offset, buffer, count);
	wb_lock_give(&window->loaded->reading);
	return WB_OK;
}

static enum wb_err open_window(struct wb_loaded *loaded, uint64_t address, struct wb_file **ret_file)
{
	struct wb_source source = { .size = sizeof(source), .read = read_window, .release = release_window };
	struct window *window = wb_mem_alloc(sizeof(*window));

	if (!window)
		return WB_ERR_MEMORY;
	*window = (struct window){ loaded, address };
	atomic_fetch_add_explicit(&loaded->refs, 1, memory_order_relaxed);
	source.arg = window;
	source.length = length_max < UINT64_MAX - address ? length_max : UINT64_MAX - address;
	return wb_file_of_source(&source, ret_file);
}

/* ---- Objects ---- */

/* Whether a segment of code covers the mapping's start, or starts in the mapping, and its bytes are there. */
static bool has_code(const struct wb_object *object, uint64_t bias, const struct wb_map *map)
{
	uint8_t first;

	for (size_t i = 0; i < object->num_segments; i++) {
		const struct wb_segment *segment = &object->segments[i];
		/* Segments are mapped in whole pages. */
		uint64_t start = (bias + segment->vaddr) & ~(uint64_t)(PAGE - 1), size = segment->memsz + (bias + segment->vaddr - start);
		uint64_t at = map->start > start ? map->start : start;

		if (segment->prot & WB_PROT_EXEC && at - start < size && at < map->end &&
		    wb_object_read(object, (at > bias + segment->vaddr ? at - bias : segment->vaddr), &first, 1) == WB_OK)
			return true;
	}
	return false;
}

/* Whether what lies in memory can be the image: of its machine, and of its build as far as that is known. */
static bool can_be(const struct wb_space *space, const struct wb_map *map, const struct wb_object *object)
{
	const struct wb_platform platform = wb_space_platform(space);
	const uint8_t *wanted;
	size_t size = 0;

	if (!wb_platform_fits(&platform, &object->platform))
		return false;
	wanted = map->image ? wb_image_wanted_id(map->image, &size) : NULL;
	return !wanted || !object->build_id || wb_object_has_build_id(object, wanted, size);
}

/* The image whose first byte is at header, if its code is where map is. */
static enum wb_err open_at(struct wb_loaded *loaded, const struct wb_space *space, const struct wb_map *map, uint64_t header, struct place *place)
{
	struct wb_session *session = wb_space_session(space);
	const char *path = map->image ? wb_image_path(map->image) : "";
	struct wb_object *object;
	struct wb_file *file;
	uint64_t bias;
	enum wb_err err = open_window(loaded, header, &file);

	if (!err)
		err = wb_object_open_loaded(wb_session_diags(session), path, file, header, &object);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	bias = header - object->loaded_base;
	if (!has_code(object, bias, map) || !can_be(space, map, object)) {
		wb_object_close(object);
		return WB_NONE;
	}
	err = wb_image_of_memory(session, map->image, object, &place->image);
	place->header = header;
	place->bias = bias;
	return err;
}

/* One that was found for another of its mappings. */
static bool find_opened(const struct wb_loaded *loaded, const struct wb_map *map, uint64_t header, struct place *place)
{
	struct wb_object *object;

	for (size_t i = 0; i < loaded->count; i++) {
		const struct place *known = &loaded->places[i];

		if (!known->image || known->header != header || known->image_id != map->image_id ||
		    wb_image_object(known->image, WB_FILE_EXECUTABLE, &object) != WB_OK || !has_code(object, known->bias, map))
			continue;
		place->header = header;
		place->image = wb_image_ref(known->image);
		place->bias = known->bias;
		return true;
	}
	return false;
}

/* ---- Headers ---- */

/* Where the header may be, the nearest first: mappings of the same file, or of none where the code's is of none. */
static size_t list_headers(const struct wb_space *space, const struct wb_map *map, uint64_t headers[BACK])
{
	const struct wb_map *at = map;
	size_t count = 0;

	if (map->base) {
		headers[0] = map->base;
		return 1;
	}
	for (unsigned i = 0; at && i < BACK; i++, at = wb_space_map_below(space, at->start))
		if (at->image == map->image)
			headers[count++] = at->start;
	return count;
}

/* The one that is furthest away: small files have their header in the first page of other segments, too. */
static enum wb_err search(struct wb_loaded *loaded, const struct wb_space *space, const struct wb_map *map, struct place *place)
{
	uint64_t headers[BACK];
	enum wb_err err = WB_NONE;

	for (size_t i = list_headers(space, map, headers); i-- > 0 && err == WB_NONE;)
		err = find_opened(loaded, map, headers[i], place) ? WB_OK : open_at(loaded, space, map, headers[i], place);
	return err;
}

/* ---- The table ---- */

/* Index of the first place that does not start before address. */
static size_t place_from(const struct wb_loaded *loaded, uint64_t address)
{
	size_t low = 0, high = loaded->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (loaded->places[middle].start < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What is known about the mapping, or becomes known now. Versions may have different mappings at the same address. Under the lock. */
static enum wb_err find_place(struct wb_loaded *loaded, const struct wb_space *space, const struct wb_map *map, const struct place **ret_place)
{
	struct place place = { .start = map->start, .end = map->end, .image_id = map->image_id };
	size_t i = place_from(loaded, map->start);
	enum wb_err err;

	for (; i < loaded->count && loaded->places[i].start == map->start; i++) {
		const struct place *known = &loaded->places[i];

		if (known->end == map->end && known->image_id == map->image_id) {
			*ret_place = known;
			return WB_OK;
		}
	}
	if (loaded->count == PLACES_MAX)
		return WB_NONE;
	if (!wb_mem_grow((void **)&loaded->places, &loaded->capacity, loaded->count, 1, sizeof(loaded->places[0])))
		return WB_ERR_MEMORY;
	err = search(loaded, space, map, &place);
	if (err < 0)
		return err;
	memmove(&loaded->places[i + 1], &loaded->places[i], (loaded->count - i) * sizeof(loaded->places[0]));
	loaded->places[i] = place;
	loaded->count++;
	*ret_place = &loaded->places[i];
	return WB_OK;
}

enum wb_err wb_loaded_find(struct wb_loaded *loaded, const struct wb_space *space, const struct wb_map *map, struct wb_image **ret_image, uint64_t *ret_bias)
{
	const struct place *place;
	enum wb_err err;

	wb_lock_take(&loaded->making);
	err = find_place(loaded, space, map, &place);
	if (!err && !place->image)
		err = WB_NONE;
	if (!err) {
		*ret_image = place->image;
		*ret_bias = place->bias;
	}
	wb_lock_give(&loaded->making);
	return err;
}
