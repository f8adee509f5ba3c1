/* SPDX-License-Identifier: MIT */
/*
 * The labels that profiles give a goroutine (runtime/pprof): up to Go 1.23 a map from string to string, whose buckets are read here as runtime/map.go
 * lays them out; since 1.24 a list of pairs. Which it is, is seen: a map begins with the number of its elements, a list with the address of a key.
 */
#include "unwind/go_threads.h"

#include <string.h>

enum {
	TEXT_MAX = 1024,              /* bytes of a key or value that are shown */
	COUNT_MAX = 4096,             /* elements of a map; nothing is mapped at addresses below */
	SLOTS = 8,                    /* of a bucket */
	BUCKETS_MAX = 64,             /* of a map, overflow included: labels are a handful */
	EMPTY_SLOT = 5,               /* smallest of the hashes that mean "used" (minTopHash) */
};

struct labels {
	const struct wb_go_memory *memory;
	struct wb_label *items;
	size_t count, max;
	char *text;
	size_t text_left;
};

/* The text of a string header, put behind those before. NULL: absent, or no room. */
static const char *take_text(struct labels *labels, const uint8_t *header)
{
	uint64_t address = wb_go_load_word(labels->memory, header);
	uint64_t length = wb_go_load_word(labels->memory, header + labels->memory->word_size);
	char *text = labels->text;

	if (length > TEXT_MAX)
		length = TEXT_MAX;
	if (length >= labels->text_left || (length && wb_space_read(labels->memory->space, address, text, (size_t)length)))
		return NULL;
	/* A text of ours ends where the first zero is. */
	text[length] = '\0';
	labels->text += length + 1;
	labels->text_left -= (size_t)length + 1;
	return text;
}

static void take_label(struct labels *labels, const uint8_t *key, const uint8_t *value)
{
	struct wb_label label;

	if (labels->count == labels->max)
		return;
	label.key = take_text(labels, key);
	label.value = label.key ? take_text(labels, value) : NULL;
	if (label.value)
		labels->items[labels->count++] = label;
}

/* label.Set: a slice of pairs of strings. */
static void take_list(struct labels *labels, uint64_t address)
{
	unsigned word = labels->memory->word_size;
	uint64_t list, length;
	uint8_t pair[4 * 8];

	if (!wb_go_read_word(labels->memory, address, &list) || !wb_go_read_word(labels->memory, address + word, &length))
		return;
	for (uint64_t i = 0; i < length && i < labels->max; i++) {
		if (wb_space_read(labels->memory->space, list + i * 4 * word, pair, 4 * word))
			return;
		take_label(labels, pair, pair + 2 * word);
	}
}

/* A bucket: hashes of its slots, their keys, their values, the bucket that it overflows into. *ret_next: that; 0: none, or absent. */
static void take_bucket(struct labels *labels, uint64_t address, uint64_t *ret_next)
{
	unsigned word = labels->memory->word_size, text = 2 * word;
	uint8_t bytes[SLOTS + 2 * SLOTS * 2 * 8 + 8];
	size_t size = SLOTS + 2 * SLOTS * text + word;

	*ret_next = 0;
	if (wb_space_read(labels->memory->space, address, bytes, size))
		return;
	for (unsigned i = 0; i < SLOTS; i++)
		if (bytes[i] >= EMPTY_SLOT)
			take_label(labels, bytes + SLOTS + i * text, bytes + SLOTS + (SLOTS + i) * text);
	*ret_next = wb_go_load_word(labels->memory, bytes + size - word);
}

/* map[string]string: a pointer to struct hmap {count int; flags, B uint8; ...; buckets pointer at 2 words and 8 bytes... }. */
static void take_map(struct labels *labels, uint64_t address)
{
	unsigned word = labels->memory->word_size, left = BUCKETS_MAX;
	uint64_t map, buckets, next, stride = SLOTS + 4 * SLOTS * word + word;
	uint8_t header[4 * 8];

	/* count; flags, B, noverflow, hash0: 8 bytes; buckets. */
	if (!wb_go_read_word(labels->memory, address, &map) || wb_space_read(labels->memory->space, map, header, 2 * word + 8))
		return;
	buckets = wb_go_load_word(labels->memory, header + word + 8);
	for (uint64_t i = 0; i < UINT64_C(1) << (header[word + 1] & 31) && left; i++)
		for (next = buckets + i * stride; next && left; left--)
			take_bucket(labels, next, &next);
}

size_t wb_go_labels_read(const struct wb_go_runtime *runtime, uint64_t address, struct wb_label *items, size_t max, char *text, size_t text_size)
{
	struct labels labels = { .memory = &runtime->memory, .items = items, .max = max, .text = text, .text_left = text_size };
	uint64_t first;

	if (!address || !wb_go_read_word(labels.memory, address, &first) || !wb_go_read_word(labels.memory, first, &first))
		return 0;
	if (first < COUNT_MAX)
		take_map(&labels, address);
	else
		take_list(&labels, address);
	return labels.count;
}
