/* SPDX-License-Identifier: MIT */
/* Allocation: sizes that overflow, growth, and the hook that makes the Nth one fail. */
#include "test.h"

#include "base/mem.h"

static void refuses_overflow(void)
{
	CHECK(wb_mem_resize(NULL, SIZE_MAX / 2, 3) == NULL);
	CHECK(wb_mem_zalloc(SIZE_MAX / 2, 3) == NULL);
	size_t sum = 7, product = 7;
	CHECK(!wb_size_add(SIZE_MAX, 1, &sum));
	CHECK(!wb_size_mul(SIZE_MAX / 2, 3, &product));
	CHECK(wb_size_add(SIZE_MAX - 1, 1, &sum) && sum == SIZE_MAX);
	CHECK(wb_size_mul(6, 7, &product) && product == 42);
}

static void gives_something_for_nothing(void)
{
	void *a = wb_mem_alloc(0), *b = wb_mem_zalloc(0, 8), *c = wb_mem_resize(NULL, 0, 8), *d = wb_mem_dup("", 0);

	CHECK(a && b && c && d);
	wb_mem_free(a);
	wb_mem_free(b);
	wb_mem_free(c);
	wb_mem_free(d);
	wb_mem_free(NULL);
}

static void grows(void)
{
	uint32_t *items = NULL;
	size_t capacity = 0;

	for (uint32_t i = 0; i < 1000; i++) {
		REQUIRE(wb_mem_grow((void **)&items, &capacity, i, 1, sizeof *items));
		CHECK(capacity > i);
		items[i] = i;
	}
	CHECK_EQ_U64(items[999], 999);
	/* What cannot be is refused, and what was there stays. */
	size_t before = capacity;
	CHECK(!wb_mem_grow((void **)&items, &capacity, 1000, SIZE_MAX, sizeof *items));
	CHECK(!wb_mem_grow((void **)&items, &capacity, 1000, SIZE_MAX / 2, sizeof *items));
	CHECK(!wb_mem_grow((void **)&items, &capacity, 1000, SIZE_MAX / 8, sizeof *items));
	CHECK_EQ_U64(capacity, before);
	CHECK_EQ_U64(items[500], 500);
	wb_mem_free(items);
}

/* Which of five allocations fail, as a string of digits. */
static void allocate_five(char failed[6])
{
	size_t n = 0;

	for (char i = '1'; i <= '5'; i++) {
		void *memory = wb_mem_alloc(1);
		if (!memory)
			failed[n++] = i;
		wb_mem_free(memory);
	}
	failed[n] = '\0';
}

static void fails_on_demand(void)
{
	char failed[6];

	wb_mem_fail_at(3, false);
	allocate_five(failed);
	CHECK_STR(failed, "3");
	CHECK_EQ_U64(wb_mem_count(), 5);
	wb_mem_fail_at(3, true);
	allocate_five(failed);
	CHECK_STR(failed, "345");
	wb_mem_fail_at(0, false);
	allocate_five(failed);
	CHECK_STR(failed, "");

	/* Every kind of allocation can fail; a failed resize leaves the old memory. */
	char *text = wb_mem_strdup("text");
	REQUIRE(text != NULL);
	wb_mem_fail_at(1, true);
	CHECK(wb_mem_zalloc(1, 1) == NULL);
	CHECK(wb_mem_strdup("x") == NULL);
	CHECK(wb_mem_dup("x", 1) == NULL);
	CHECK(wb_mem_resize(text, 100, 1) == NULL);
	wb_mem_fail_at(0, false);
	CHECK_STR(text, "text");
	wb_mem_free(text);
}

int main(void)
{
	TEST_RUN(refuses_overflow);
	TEST_RUN(gives_something_for_nothing);
	TEST_RUN(grows);
	TEST_RUN(fails_on_demand);
	return test_summary();
}
