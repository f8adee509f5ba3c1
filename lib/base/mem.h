/* SPDX-License-Identifier: MIT */
/* Every allocation of the library. Sizes are checked; the Nth can be made to fail, for tests. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL when out of memory or when count * size overflows. A size of 0 gives a valid pointer. */
void *wb_mem_alloc(size_t size);
void *wb_mem_zalloc(size_t count, size_t size);
/* As realloc; on failure old stays as it was. */
void *wb_mem_resize(void *old, size_t count, size_t size);
void wb_mem_free(void *memory);
char *wb_mem_strdup(const char *string);
void *wb_mem_dup(const void *bytes, size_t size);

/* Makes room for count more elements behind *items, doubling. False when out of memory (nothing changed). */
bool wb_mem_grow_more(void **items, size_t *capacity, size_t used, size_t count, size_t element_size);
static inline bool wb_mem_grow(void **items, size_t *capacity, size_t used, size_t count, size_t element_size)
{
	return (used <= *capacity && count <= *capacity - used) || wb_mem_grow_more(items, capacity, used, count, element_size);
}

/* Tests only: in this thread, the nth allocation from now on (1: the next) fails, and all after it if `sticky`. 0: off. */
void wb_mem_fail_at(uint64_t nth, bool sticky);
/* Tests only: allocations made in this thread since the last call of wb_mem_fail_at. */
uint64_t wb_mem_count(void);

static inline bool wb_size_add(size_t a, size_t b, size_t *ret_sum) { return !__builtin_add_overflow(a, b, ret_sum); }
static inline bool wb_size_mul(size_t a, size_t b, size_t *ret_product) { return !__builtin_mul_overflow(a, b, ret_product); }
static inline bool wb_u64_add(uint64_t a, uint64_t b, uint64_t *ret_sum) { return !__builtin_add_overflow(a, b, ret_sum); }

#endif
