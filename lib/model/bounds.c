/* SPDX-License-Identifier: MIT */
/*
 * Bounds of functions from the symbols of an image's files, and from what else they list of them, without names: an array sorted by start, made on
 * first need and immutable.
 * A symbol without a size ends where the next one starts; of symbols at one address the largest counts. Functions may lie inside of others
 * (assembler labels with a type), so each entry also knows how far the ones before it reach.
 */
#include "model/bounds.h"

#include "base/mem.h"
#include "model/session.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* How far back an enclosing function may start. Deeper nesting does not occur outside of hostile files. */
	NESTED_MAX = 64,
	BOUNDS_MAX = 1 << 26,
};

struct bounds {
	struct wb_session *session;
	size_t count;
	struct wb_bound *items;       /* sorted by start, one per start */
	uint64_t *reach;              /* highest end of the items up to this one */
	uint64_t charged;
};

static void bounds_free(void *value)
{
	struct bounds *bounds = value;

	if (!bounds)
		return;
	wb_session_discharge(bounds->session, bounds->charged, false);
	wb_mem_free(bounds->items);
	wb_mem_free(bounds->reach);
	wb_mem_free(bounds);
}

/* ---- Collecting ---------------------------------------------------------------------------------------------------------- */

struct collection {
	struct wb_bound *items;
	size_t count, capacity;
};

static bool is_function(const struct wb_symbol *symbol)
{
	return (symbol->type == WB_SYMBOL_FUNCTION || symbol->type == WB_SYMBOL_IFUNC) && symbol->executable && !symbol->absolute;
}

static enum wb_err collect(void *arg, const struct wb_symbol *symbol)
{
	struct collection *collection = arg;
	uint64_t end;

	if (!is_function(symbol) || !wb_u64_add(symbol->value, symbol->size, &end))
		return WB_OK;
	if (collection->count == BOUNDS_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&collection->items, &collection->capacity, collection->count, 1, sizeof(collection->items[0])))
		return WB_ERR_MEMORY;
	collection->items[collection->count++] = (struct wb_bound){ symbol->value, end };
	return WB_OK;
}

/* By start; of one start the largest first. */
static int by_start(const void *left, const void *right)
{
	const struct wb_bound *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->end > b->end ? -1 : a->end < b->end;
}

/* .init and .fini are one function each, whose symbols are stripped from nearly all files (System V ABI, "Initialization and
 * Termination Functions"). */
static enum wb_err collect_sections(const struct wb_object *object, struct collection *collection)
{
	for (size_t i = 0; i < object->num_sections; i++) {
		const struct wb_section *section = &object->sections[i];
		struct wb_symbol symbol = { .name = section->name, .value = section->vaddr, .size = section->size,
		                            .type = WB_SYMBOL_FUNCTION, .executable = 1 };
		enum wb_err err = WB_OK;

		if (section->flags & WB_SECTION_EXEC && section->size && (!strcmp(section->name, ".init") || !strcmp(section->name, ".fini")))
			err = collect(collection, &symbol);
		if (err)
			return err;
	}
	return WB_OK;
}

static enum wb_err collect_all(struct wb_image *image, struct collection *collection)
{
	static const enum wb_file_role roles[] = { WB_FILE_EXECUTABLE, WB_FILE_DEBUG, WB_FILE_SYMBOLS };

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		struct wb_object *object = NULL;
		enum wb_err err = wb_image_object(image, roles[i], &object);

		if (!err)
			err = collect_sections(object, collection);
		if (!err)
			err = wb_image_symbols(image, object, collect, collection);
		if (object && err != WB_ERR_MEMORY && object->format->list_starts)
			err = object->format->list_starts(object, collect, collection);
		/* A damaged table was reported; what came before it counts. */
		if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
			return err;
	}
	return WB_OK;
}

/* Where code lies, sorted by start, for questions whose addresses go up. */
struct places {
	struct wb_bound *items;
	size_t count, at;
};

static enum wb_err places_init(struct places *places, size_t most)
{
	*places = (struct places){ .items = wb_mem_zalloc(most, sizeof(places->items[0])) };
	return places->items ? WB_OK : WB_ERR_MEMORY;
}

static void places_deinit(struct places *places)
{
	wb_mem_free(places->items);
}

/* The end of the place that start is in; start if there is none. */
static uint64_t places_end(struct places *places, uint64_t start)
{
	while (places->at + 1 < places->count && places->items[places->at + 1].start <= start)
		places->at++;
	if (!places->count || start < places->items[places->at].start || start >= places->items[places->at].end)
		return start;
	return places->items[places->at].end;
}

static enum wb_err places_of_sections(struct places *places, const struct wb_object *object)
{
	enum wb_err err = places_init(places, object->num_sections);

	for (size_t i = 0; !err && i < object->num_sections; i++) {
		const struct wb_section *section = &object->sections[i];

		if (section->flags & WB_SECTION_EXEC)
			places->items[places->count++] = (struct wb_bound){ section->vaddr, section->vaddr + section->size };
	}
	if (!err)
		qsort(places->items, places->count, sizeof(places->items[0]), by_start);
	return err;
}

static enum wb_err places_of_segments(struct places *places, const struct wb_object *object)
{
	enum wb_err err = places_init(places, object->num_segments);

	/* They are sorted. */
	for (size_t i = 0; !err && i < object->num_segments; i++) {
		const struct wb_segment *segment = &object->segments[i];

		if (segment->prot & WB_PROT_EXEC)
			places->items[places->count++] = (struct wb_bound){ segment->vaddr, segment->vaddr + segment->memsz };
	}
	return err;
}

/* Gives an end to those that do not say: where the next starts, at most the end of their section or segment. */
static enum wb_err give_ends(struct wb_image *image, struct collection *collection)
{
	static const struct wb_object no_object;
	struct places sections = { 0 }, segments = { 0 };
	const struct wb_object *object = &no_object;
	struct wb_object *executable;
	enum wb_err err;

	if (wb_image_object(image, WB_FILE_EXECUTABLE, &executable) == WB_OK)
		object = executable;
	err = places_of_sections(&sections, object);
	if (!err)
		err = places_of_segments(&segments, object);
	for (size_t i = 0; !err && i < collection->count; i++) {
		struct wb_bound *bound = &collection->items[i];
		bool is_last = i + 1 == collection->count;
		uint64_t next = is_last ? UINT64_MAX : bound[1].start, end;

		if (bound->end != bound->start)
			continue;
		end = places_end(&sections, bound->start);
		if (end == bound->start)
			end = places_end(&segments, bound->start);
		bound->end = end == bound->start && !is_last ? next : end < next ? end : next;
	}
	places_deinit(&sections);
	places_deinit(&segments);
	return err;
}

/* Sorts, keeps one per start, and gives an end to those without. */
static enum wb_err settle(struct wb_image *image, struct collection *collection)
{
	size_t kept = 0;

	qsort(collection->items, collection->count, sizeof(collection->items[0]), by_start);
	for (size_t i = 0; i < collection->count; i++) {
		if (!kept || collection->items[kept - 1].start != collection->items[i].start)
			collection->items[kept++] = collection->items[i];
	}
	collection->count = kept;
	return give_ends(image, collection);
}

static enum wb_err build(struct wb_image *image, void *arg, void **ret_value)
{
	struct collection collection = { 0 };
	struct bounds *bounds = wb_mem_zalloc(1, sizeof(*bounds));
	enum wb_err err = bounds ? collect_all(image, &collection) : WB_ERR_MEMORY;

	(void)arg;
	if (!err && !collection.count)
		err = WB_NONE;
	if (!err)
		err = settle(image, &collection);
	if (!err) {
		bounds->reach = wb_mem_zalloc(collection.count, sizeof(bounds->reach[0]));
		err = bounds->reach ? WB_OK : WB_ERR_MEMORY;
	}
	if (err) {
		wb_mem_free(collection.items);
		wb_mem_free(bounds);
		return err;
	}
	bounds->session = wb_image_session(image);
	bounds->items = collection.items;
	bounds->count = collection.count;
	for (size_t i = 0; i < bounds->count; i++)
		bounds->reach[i] = i && bounds->reach[i - 1] > bounds->items[i].end ? bounds->reach[i - 1] : bounds->items[i].end;
	bounds->charged = collection.capacity * sizeof(bounds->items[0]) + bounds->count * sizeof(bounds->reach[0]);
	wb_session_charge(bounds->session, bounds->charged, true);
	*ret_value = bounds;
	return WB_OK;
}

/* ---- Asking ----------------------------------------------------------------------------------------------------------------- */

/* How many start at or below image_pc. */
static size_t count_before(const struct bounds *bounds, uint64_t image_pc)
{
	size_t low = 0, high = bounds->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (bounds->items[middle].start <= image_pc)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum wb_err wb_bounds_find(struct wb_image *image, uint64_t image_pc, struct wb_bound *ret_bound)
{
	const struct bounds *bounds;
	void *value;
	size_t at, last;
	enum wb_err err = wb_image_slot(image, WB_SLOT_BOUNDS, build, NULL, bounds_free, &value);

	if (err)
		return err;
	bounds = value;
	at = count_before(bounds, image_pc);
	last = at > NESTED_MAX ? at - NESTED_MAX : 0;
	/* The innermost function that holds it starts last. */
	while (at > last && bounds->reach[at - 1] > image_pc) {
		at--;
		if (bounds->items[at].end > image_pc) {
			*ret_bound = bounds->items[at];
			return WB_OK;
		}
	}
	return WB_NONE;
}
