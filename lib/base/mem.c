/* SPDX-License-Identifier: MIT */
/*
 * Every allocation of the library goes through here, so that sizes are checked in one place and a test can make the Nth one fail. The
 * counters are per thread and touched by tests only: not state that a caller could see.
 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static _Thread_local uint64_t fail_at, allocations;
static _Thread_local bool fail_sticky;

void wb_mem_fail_at(uint64_t nth, bool sticky)
{
	fail_at = nth;
	fail_sticky = sticky;
	allocations = 0;
}

uint64_t wb_mem_count(void)
{
	return allocations;
}

static bool must_fail(void)
{
	allocations++;
	return fail_at && (allocations == fail_at || (fail_sticky && allocations > fail_at));
}

void *wb_mem_alloc(size_t size)
{
	return must_fail() ? NULL : malloc(size ? size : 1);
}

void *wb_mem_zalloc(size_t count, size_t size)
{
	size_t total;

	if (!wb_size_mul(count, size, &total) || must_fail())
		return NULL;
	return calloc(1, total ? total : 1);
}

void *wb_mem_resize(void *old, size_t count, size_t size)
{
	size_t total;

	if (!wb_size_mul(count, size, &total) || must_fail())
		return NULL;
	return realloc(old, total ? total : 1);
}

void wb_mem_free(void *memory)
{
	free(memory);
}

char *wb_mem_strdup(const char *string)
{
	return wb_mem_dup(string, strlen(string) + 1);
}

void *wb_mem_dup(const void *bytes, size_t size)
{
	void *copy = wb_mem_alloc(size);

	if (copy && size)
		memcpy(copy, bytes, size);
	return copy;
}

bool wb_mem_grow_more(void **items, size_t *capacity, size_t used, size_t count, size_t element_size)
{
	size_t needed, next = *capacity ? *capacity : 16;
	void *grown;

	if (!wb_size_add(used, count, &needed))
		return false;
	if (needed <= *capacity)
		return true;
	while (next < needed)
		if (!wb_size_mul(next, 2, &next))
			return false;
	grown = wb_mem_resize(*items, next, element_size);
	if (!grown)
		return false;
	*items = grown;
	*capacity = next;
	return true;
}
