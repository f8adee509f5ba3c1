/* SPDX-License-Identifier: MIT */
/* Chunks of memory that only grow, and two hash tables into them; emptied as a whole. */
#include "symbols/memo.h"

#include "base/hash.h"
#include "base/mem.h"
#include "model/session.h"

#include <string.h>

enum { CHUNK_SIZE = 64 << 10, TABLE_MIN = 256, ALIGN = 8 };

struct wb_memo_chunk {
	struct wb_memo_chunk *next;
	/* then its bytes */
};

void wb_memo_init(struct wb_memo *memo, struct wb_session *session, uint64_t limit)
{
	*memo = (struct wb_memo){ .session = session, .limit = limit };
}

void wb_memo_deinit(struct wb_memo *memo)
{
	while (memo->chunks) {
		struct wb_memo_chunk *next = memo->chunks->next;

		wb_mem_free(memo->chunks);
		memo->chunks = next;
	}
	wb_mem_free(memo->answers);
	wb_mem_free(memo->strings);
	if (memo->charged > 0)
		wb_session_discharge(memo->session, memo->charged, false);
	wb_memo_init(memo, memo->session, memo->limit);
}

void wb_memo_make_room(struct wb_memo *memo)
{
	if (memo->is_full)
		wb_memo_deinit(memo);
}

/* What is asked for right now is always kept; being over a limit empties the memo before the next answer. */
static void charge(struct wb_memo *memo, uint64_t bytes)
{
	if (!wb_session_charge(memo->session, bytes, false)) {
		wb_session_charge(memo->session, bytes, true);
		memo->is_full = true;
	}
	memo->charged += bytes;
	if (memo->charged > memo->limit)
		memo->is_full = true;
}

static void *take(struct wb_memo *memo, size_t size)
{
	size_t chunk_size = size > CHUNK_SIZE ? size : CHUNK_SIZE;
	void *taken;

	if (size > SIZE_MAX - sizeof *memo->chunks - ALIGN)
		return NULL;
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!memo->chunks || memo->chunk_size - memo->chunk_used < size) {
		struct wb_memo_chunk *chunk;

		chunk_size = (chunk_size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
		chunk = wb_mem_alloc(sizeof *chunk + chunk_size);
		if (!chunk)
			return NULL;
		chunk->next = memo->chunks;
		memo->chunks = chunk;
		memo->chunk_size = chunk_size;
		memo->chunk_used = 0;
		charge(memo, sizeof *chunk + chunk_size);
	}
	taken = (char *)(memo->chunks + 1) + memo->chunk_used;
	memo->chunk_used += size;
	return taken;
}

/* A table twice as large, at least TABLE_MIN; NULL without memory. */
static void *larger_table(struct wb_memo *memo, size_t capacity, size_t element_size, size_t *ret_capacity)
{
	size_t larger = capacity ? capacity * 2 : TABLE_MIN;
	void *table = wb_mem_zalloc(larger, element_size);

	if (table) {
		*ret_capacity = larger;
		charge(memo, (larger - capacity) * element_size);
	}
	return table;
}

/* ---- Strings ---------------------------------------------------------------------------------------------------------- */

static bool grow_strings(struct wb_memo *memo)
{
	size_t capacity;
	struct wb_memo_string **table;

	if (memo->num_strings < memo->strings_capacity / 4 * 3)
		return true;
	table = larger_table(memo, memo->strings_capacity, sizeof(struct wb_memo_string *), &capacity);
	if (!table)
		return false;
	for (size_t i = 0; i < memo->strings_capacity; i++) {
		size_t at;

		if (!memo->strings[i])
			continue;
		for (at = memo->strings[i]->hash & (capacity - 1); table[at]; at = (at + 1) & (capacity - 1))
			;
		table[at] = memo->strings[i];
	}
	wb_mem_free(memo->strings);
	memo->strings = table;
	memo->strings_capacity = capacity;
	return true;
}

enum wb_err wb_memo_string(struct wb_memo *memo, enum wb_memo_kind kind, const char *raw, struct wb_memo_string **ret_string)
{
	size_t size = strlen(raw) + 1, at;
	uint64_t hash = wb_hash_bytes(wb_hash_start + (uint64_t)kind, raw, size);
	struct wb_memo_string *string;
	char *copy;

	hash ^= hash >> 32;
	if (!grow_strings(memo))
		return WB_ERR_MEMORY;
	for (at = hash & (memo->strings_capacity - 1); memo->strings[at]; at = (at + 1) & (memo->strings_capacity - 1)) {
		string = memo->strings[at];
		if (string->hash == hash && string->kind == kind && strcmp(string->raw, raw) == 0) {
			*ret_string = string;
			return WB_OK;
		}
	}
	if (size > SIZE_MAX - sizeof *string)
		return WB_ERR_MEMORY;
	string = take(memo, sizeof *string + size);
	if (!string)
		return WB_ERR_MEMORY;
	copy = (char *)(string + 1);
	memcpy(copy, raw, size);
	*string = (struct wb_memo_string){ copy, NULL, hash, (uint8_t)kind };
	memo->strings[at] = string;
	memo->num_strings++;
	*ret_string = string;
	return WB_OK;
}

enum wb_err wb_memo_set_text(struct wb_memo *memo, struct wb_memo_string *string, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy;

	if (strcmp(text, string->raw) == 0) {
		string->text = string->raw;
		return WB_OK;
	}
	copy = take(memo, size);
	if (!copy)
		return WB_ERR_MEMORY;
	string->text = memcpy(copy, text, size);
	return WB_OK;
}

/* ---- Answers ---------------------------------------------------------------------------------------------------------- */

static struct wb_memo_answer *free_place(struct wb_memo_answer *table, size_t capacity, uint64_t image_id, uint64_t pc)
{
	size_t at = (size_t)(wb_memo_hash(image_id, pc) >> 32) & (capacity - 1);

	while (table[at].sites)
		at = (at + 1) & (capacity - 1);
	return &table[at];
}

static bool grow_answers(struct wb_memo *memo)
{
	struct wb_memo_answer *table;
	size_t capacity;

	if (memo->num_answers < memo->answers_capacity / 4 * 3)
		return true;
	table = larger_table(memo, memo->answers_capacity, sizeof *table, &capacity);
	if (!table)
		return false;
	for (size_t i = 0; i < memo->answers_capacity; i++)
		if (memo->answers[i].sites)
			*free_place(table, capacity, memo->answers[i].image_id, memo->answers[i].pc) = memo->answers[i];
	wb_mem_free(memo->answers);
	memo->answers = table;
	memo->answers_capacity = capacity;
	return true;
}

enum wb_err wb_memo_store(struct wb_memo *memo, const struct wb_memo_answer *answer, const struct wb_memo_answer **ret_answer)
{
	struct wb_memo_answer *place;
	struct wb_site *sites;

	if (!grow_answers(memo))
		return WB_ERR_MEMORY;
	sites = take(memo, (size_t)answer->count * sizeof *sites);
	if (!sites)
		return WB_ERR_MEMORY;
	memcpy(sites, answer->sites, answer->count * sizeof *sites);
	place = free_place(memo->answers, memo->answers_capacity, answer->image_id, answer->pc);
	*place = *answer;
	place->sites = sites;
	memo->num_answers++;
	*ret_answer = place;
	return WB_OK;
}
