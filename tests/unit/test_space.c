/* SPDX-License-Identifier: MIT */
/* Versions of address spaces, against a slow and obvious twin: one entry per page. Older versions never change. */
#include "test.h"

#include <walkback/base.h>

#include "base/mem.h"
#include "model/space.h"

enum { PAGE = 4096, PAGES = 512, NOTHING = 0 };

static const struct wb_platform platform = { .arch = WB_ARCH_X86_64, .os = WB_OS_LINUX };

/* What each page holds: NOTHING, or the number of the mapping; and where its file offset began. */
struct twin {
	uint32_t mapping[PAGES];
	uint64_t file_offset[PAGES];
};

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % limit;
}

static void twin_set(struct twin *twin, uint32_t first, uint32_t last, uint32_t number, uint64_t file_offset)
{
	for (uint32_t page = first; page < last; page++) {
		twin->mapping[page] = number;
		twin->file_offset[page] = number ? file_offset + (uint64_t)(page - first) * PAGE : 0;
	}
}

/* The mapping's number travels in the upper half of its file offset. */
static void check_against(struct wb_space *space, const struct twin *twin)
{
	uint64_t address = 0;

	for (uint32_t page = 0; page < PAGES; page++) {
		struct wb_place place = { .size = sizeof place };
		uint64_t at = (uint64_t)page * PAGE + random_below(PAGE);
		enum wb_err err = wb_space_find(space, at, &place);
		if (!CHECK_EQ_I64(err, twin->mapping[page] ? WB_OK : WB_NONE) || err != WB_OK)
			continue;
		CHECK(place.start <= at && at < place.end);
		CHECK_EQ_U64(place.file_offset + ((uint64_t)page * PAGE - place.start), twin->file_offset[page]);
	}
	/* Walking over them finds the same pages, in order. */
	for (uint32_t page = 0; page < PAGES;) {
		struct wb_place place = { .size = sizeof place };
		if (wb_space_next(space, address, &place) != WB_OK) {
			while (page < PAGES)
				CHECK_EQ_U64(twin->mapping[page++], NOTHING);
			break;
		}
		for (; page < place.start / PAGE; page++)
			CHECK_EQ_U64(twin->mapping[page], NOTHING);
		for (; page < place.end / PAGE; page++)
			CHECK_EQ_U64(twin->mapping[page], place.file_offset >> 32);
		if (!CHECK(place.end > address))
			return;
		address = place.end;
	}
}

static void follows_random_changes(void)
{
	enum { CHANGES = 1500, KEPT = 8 };
	static struct twin twin, kept_twins[KEPT];
	struct wb_space *kept[KEPT] = { NULL };
	struct wb_session *session;
	struct wb_space *space, *next;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &space) == WB_OK);
	for (uint32_t number = 1; number <= CHANGES; number++) {
		/* Mostly small ranges, so that there are hundreds of mappings and several leaves. */
		uint32_t size = random_below(16) ? 1 + random_below(3) : 1 + random_below(PAGES / 2);
		uint32_t first = random_below(PAGES - size + 1), last = first + size;
		uint64_t start = (uint64_t)first * PAGE, end = (uint64_t)last * PAGE;
		enum wb_err err;

		if (random_below(5)) {
			struct wb_mapping mapping = { .size = sizeof mapping, .start = start, .end = end,
			                              .file_offset = (uint64_t)number << 32, .prot = WB_PROT_READ };
			err = wb_space_map(space, &mapping, 1, &next);
			twin_set(&twin, first, last, number, mapping.file_offset);
		} else {
			err = wb_space_unmap(space, start, end, &next);
			twin_set(&twin, first, last, NOTHING, 0);
		}
		REQUIRE(err == WB_OK);
		wb_space_unref(space);
		space = next;
		if (number % 50 == 0)
			check_against(space, &twin);
		if (number % (CHANGES / KEPT) == 0) {
			uint32_t i = number / (CHANGES / KEPT) - 1;
			kept[i] = wb_space_ref(space);
			kept_twins[i] = twin;
		}
	}
	wb_space_unref(space);
	for (uint32_t i = 0; i < KEPT; i++) {
		check_against(kept[i], &kept_twins[i]);
		wb_space_unref(kept[i]);
	}
	wb_session_free(session);
}

static void refuses_bad_arguments(void)
{
	struct wb_session *session;
	struct wb_space *space, *next = NULL;
	struct wb_mapping mapping = { .size = sizeof mapping, .start = PAGE, .end = PAGE };

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &space) == WB_OK);
	CHECK_EQ_I64(wb_space_map(space, &mapping, 1, &next), WB_ERR_ARGUMENT);
	mapping.end = PAGE - 1;
	CHECK_EQ_I64(wb_space_map(space, &mapping, 1, &next), WB_ERR_ARGUMENT);
	mapping.end = 2 * PAGE;
	mapping.size = 0;
	CHECK_EQ_I64(wb_space_map(space, &mapping, 1, &next), WB_ERR_ARGUMENT);
	CHECK_EQ_I64(wb_space_unmap(space, 2, 2, &next), WB_ERR_ARGUMENT);
	CHECK(next == NULL);
	mapping.size = sizeof mapping;
	/* The whole address space in one mapping, and its two ends. */
	mapping.start = 0;
	mapping.end = UINT64_MAX;
	REQUIRE(wb_space_map(space, &mapping, 1, &next) == WB_OK);
	struct wb_place place = { .size = sizeof place };
	CHECK_EQ_I64(wb_space_find(next, UINT64_MAX - 1, &place), WB_OK);
	CHECK_EQ_I64(wb_space_find(next, UINT64_MAX, &place), WB_NONE);
	CHECK_EQ_I64(wb_space_next(next, UINT64_MAX, &place), WB_NONE);
	wb_space_unref(next);
	wb_space_unref(space);
	wb_session_free(session);
}

static void looks_into_parents(void)
{
	struct wb_session *session;
	struct wb_space *space, *kernel, *mapped, *joined;
	struct wb_mapping user = { .size = sizeof user, .start = 0x1000, .end = 0x3000, .file_offset = 0x10000 };
	struct wb_mapping above = { .size = sizeof above, .start = 0x2000, .end = 0x9000, .file_offset = 0x20000 };
	struct wb_place place = { .size = sizeof place };

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &space) == WB_OK);
	REQUIRE(wb_space_map(space, &user, 1, &mapped) == WB_OK);
	REQUIRE(wb_space_map(space, &above, 1, &kernel) == WB_OK);
	REQUIRE(wb_space_set_parent(mapped, kernel, &joined) == WB_OK);
	wb_space_unref(kernel);
	wb_space_unref(space);
	CHECK_EQ_I64(wb_space_find(joined, 0x2000, &place), WB_OK); /* its own first */
	CHECK_EQ_U64(place.file_offset, 0x10000);
	CHECK_EQ_I64(wb_space_find(joined, 0x3000, &place), WB_OK);
	CHECK_EQ_U64(place.file_offset, 0x20000);
	CHECK_EQ_I64(wb_space_find(mapped, 0x3000, &place), WB_NONE);
	/* A chain that is too long is refused: whoever builds one has a loop. */
	struct wb_space *chain = wb_space_ref(joined);
	enum wb_err err = WB_OK;
	for (int i = 0; i < 100 && err == WB_OK; i++) {
		struct wb_space *next;
		err = wb_space_set_parent(mapped, chain, &next);
		if (err == WB_OK) {
			wb_space_unref(chain);
			chain = next;
		}
	}
	CHECK_EQ_I64(err, WB_ERR_LIMIT);
	wb_space_unref(chain);
	wb_space_unref(joined);
	wb_space_unref(mapped);
	wb_session_free(session);
}

static void count_release(void *arg)
{
	++*(unsigned *)arg;
}

static enum wb_err read_pattern(void *arg, uint64_t address, void *buffer, size_t count)
{
	(void)arg;
	if (address + count > 0x7800)
		return WB_NONE;
	for (size_t i = 0; i < count; i++)
		((uint8_t *)buffer)[i] = (uint8_t)(address + i);
	return WB_OK;
}

static void reads_memory(void)
{
	unsigned released = 0;
	struct wb_session *session;
	struct wb_space *space, *next;
	const struct wb_memory memories[] = {
		{ .size = sizeof(struct wb_memory), .kind = WB_MEMORY_BYTES, .start = 0x5000, .end = 0x5004, .bytes = "abcd",
		  .arg = &released, .release = count_release },
		{ .size = sizeof(struct wb_memory), .kind = WB_MEMORY_ZERO, .start = 0x5004, .end = 0x6000 },
		{ .size = sizeof(struct wb_memory), .kind = WB_MEMORY_CALLBACK, .start = 0x7000, .end = 0x8000, .read = read_pattern,
		  .arg = &released, .release = count_release },
		{ .size = sizeof(struct wb_memory), .kind = WB_MEMORY_BYTES, .start = 0x5001, .end = 0x5002, .bytes = "X" },
	};
	uint8_t buffer[16];

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &space) == WB_OK);
	for (size_t i = 0; i < 3; i++) {
		REQUIRE(wb_space_add_memory(space, &memories[i], &next) == WB_OK);
		wb_space_unref(space);
		space = next;
	}
	CHECK_EQ_I64(wb_space_read(space, 0x5002, buffer, 4), WB_OK); /* over the border of two */
	CHECK_MEM(buffer, "cd\0\0", 4);
	CHECK_EQ_I64(wb_space_read(space, 0x4fff, buffer, 4), WB_NONE);
	CHECK_EQ_I64(wb_space_read(space, 0x5ffe, buffer, 4), WB_NONE);
	CHECK_EQ_I64(wb_space_read(space, 0x7010, buffer, 2), WB_OK);
	CHECK_MEM(buffer, "\x10\x11", 2);
	CHECK_EQ_I64(wb_space_read(space, 0x77ff, buffer, 2), WB_NONE);
	CHECK_EQ_I64(wb_space_read(space, UINT64_MAX - 3, buffer, 16), WB_NONE);
	/* What was added last wins; the version before stays. */
	REQUIRE(wb_space_add_memory(space, &memories[3], &next) == WB_OK);
	CHECK_EQ_I64(wb_space_read(next, 0x5000, buffer, 4), WB_OK);
	CHECK_MEM(buffer, "aXcd", 4);
	CHECK_EQ_I64(wb_space_read(space, 0x5000, buffer, 4), WB_OK);
	CHECK_MEM(buffer, "abcd", 4);
	wb_space_unref(space);
	CHECK_EQ_U64(released, 0);
	wb_space_unref(next);
	CHECK_EQ_U64(released, 2);
	wb_session_free(session);
}

/* Many mappings and many blocks of memory: each version shares what the ones before had, and neither costs the square of their number. */
static void holds_many(void)
{
	enum { COUNT = 20000 };
	static struct wb_mapping mappings[COUNT];
	struct wb_space *empty, *space, *next;
	struct wb_session *session;
	unsigned released = 0;
	uint8_t byte;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &empty) == WB_OK);
	for (uint64_t i = 0; i < COUNT; i++)
		mappings[i] = (struct wb_mapping){ .size = sizeof mappings[i], .start = 2 * i * PAGE, .end = (2 * i + 1) * PAGE, .prot = WB_PROT_READ };
	REQUIRE(wb_space_map(empty, mappings, COUNT, &space) == WB_OK);
	CHECK_EQ_U64(wb_space_num_mappings(space), COUNT);
	CHECK_EQ_U64(wb_space_num_mappings(empty), 0);
	for (uint64_t i = 0; i < COUNT; i++) {
		const struct wb_memory memory = { .size = sizeof memory, .kind = WB_MEMORY_BYTES, .start = 2 * i * PAGE, .end = 2 * i * PAGE + 1,
		                                  .bytes = i % 2 ? "b" : "a", .arg = &released, .release = count_release };

		REQUIRE(wb_space_add_memory(space, &memory, &next) == WB_OK);
		wb_space_unref(space);
		space = next;
	}
	for (uint64_t i = 0; i < COUNT; i += 999) {
		struct wb_place place = { .size = sizeof place };

		CHECK_EQ_I64(wb_space_find(space, 2 * i * PAGE + 1, &place), WB_OK);
		CHECK_EQ_I64(wb_space_find(space, (2 * i + 1) * PAGE, &place), WB_NONE);
		CHECK_EQ_I64(wb_space_read(space, 2 * i * PAGE, &byte, 1), WB_OK);
		CHECK_EQ_U64(byte, i % 2 ? 'b' : 'a');
	}
	CHECK_EQ_U64(released, 0);
	wb_space_unref(space);
	wb_space_unref(empty);
	CHECK_EQ_U64(released, COUNT);
	wb_session_free(session);
}

/* What is refused is released too, whatever was wrong. */
static void releases_what_it_refuses(void)
{
	unsigned released = 0;
	struct { struct wb_memory memory; uint64_t tail; } newer = {
		{ .size = sizeof newer, .kind = WB_MEMORY_BYTES, .start = 0, .end = 1, .bytes = "x", .arg = &released, .release = count_release }, 1
	};
	struct wb_memory memory = newer.memory;
	struct wb_session *session;
	struct wb_space *space, *next;

	memory.size = sizeof memory;
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &space) == WB_OK);
	CHECK_EQ_I64(wb_space_add_memory(space, &newer.memory, &next), WB_ERR_ABI);
	CHECK_EQ_U64(released, 1);
	CHECK_EQ_I64(wb_space_add_memory(NULL, &memory, &next), WB_ERR_ARGUMENT);
	CHECK_EQ_U64(released, 2);
	CHECK_EQ_I64(wb_space_add_memory(space, &memory, NULL), WB_ERR_ARGUMENT);
	CHECK_EQ_U64(released, 3);
	memory.end = memory.start;
	CHECK_EQ_I64(wb_space_add_memory(space, &memory, &next), WB_ERR_ARGUMENT);
	CHECK_EQ_U64(released, 4);
	wb_space_unref(space);
	wb_session_free(session);
}

static void survives_lack_of_memory(void)
{
	unsigned released = 0, refused = 0;
	struct wb_session *session;
	struct wb_space *space, *next = NULL;
	struct wb_memory memory = { .size = sizeof memory, .kind = WB_MEMORY_BYTES, .start = 0, .end = 1, .bytes = "x", .arg = &released,
	                            .release = count_release };
	struct wb_mapping mappings[3];

	for (size_t i = 0; i < 3; i++)
		mappings[i] = (struct wb_mapping){ .size = sizeof mappings[i], .start = i * PAGE, .end = (i + 1) * PAGE };
	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	REQUIRE(wb_space_new(session, &platform, &space) == WB_OK);
	for (uint64_t nth = 1; nth < 100; nth++) {
		wb_mem_fail_at(nth, false);
		enum wb_err err = wb_space_map(space, mappings, 3, &next);
		wb_mem_fail_at(0, false);
		CHECK(err == WB_ERR_MEMORY || err == WB_OK);
		if (err == WB_OK) {
			wb_space_unref(next);
			break;
		}
		refused++;
	}
	CHECK(refused > 0 && refused < 99);
	for (uint64_t nth = 1; nth < 100; nth++) {
		released = 0;
		wb_mem_fail_at(nth, false);
		enum wb_err err = wb_space_add_memory(space, &memory, &next);
		wb_mem_fail_at(0, false);
		if (err == WB_OK) {
			wb_space_unref(next);
			CHECK_EQ_U64(released, 1);
			break;
		}
		CHECK_EQ_I64(err, WB_ERR_MEMORY);
		CHECK_EQ_U64(released, 1);
	}
	wb_space_unref(space);
	wb_session_free(session);
}

/* Signatures begin above what addresses have: 48 bits, or 39 on Android. */
static const struct {
	const char *name;
	uint64_t end;                 /* of the highest mapping; 0: none */
	uint64_t mask;
} masks[] = {
	{ "a stack of 39 bits", UINT64_C(0x8000000000), UINT64_C(0x007fff8000000000) },
	{ "a page more", UINT64_C(0x8000001000), UINT64_C(0x007ffc0000000000) },
	{ "a stack of 48 bits", UINT64_C(0x1000000000000), UINT64_C(0x007f000000000000) },
	{ "more than 48 bits", UINT64_C(0x2000000000000), UINT64_C(0x0070000000000000) },
	{ "nothing", 0, UINT64_C(0x0070000000000000) },
};

static void masks_signatures(void)
{
	const struct wb_platform aarch64 = { .arch = WB_ARCH_AARCH64, .os = WB_OS_LINUX };
	struct wb_session *session;

	REQUIRE(wb_session_new(NULL, &session) == WB_OK);
	for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
		struct wb_mapping maps[] = {
			{ .size = sizeof maps[0], .start = masks[i].end - PAGE, .end = masks[i].end },
			/* The kernel's half is not looked at. */
			{ .size = sizeof maps[0], .start = UINT64_C(0xffff800000000000), .end = UINT64_C(0xffff800000001000) },
		};
		struct wb_space *space, *next;

		test_row(masks[i].name);
		REQUIRE(wb_space_new(session, &aarch64, &space) == WB_OK);
		REQUIRE(wb_space_map(space, maps + !masks[i].end, masks[i].end ? 2 : 1, &next) == WB_OK);
		CHECK_EQ_U64(wb_space_pointer_mask(next), masks[i].mask);
		wb_space_unref(space);
		REQUIRE(wb_space_set_pointer_mask(next, 0, &space) == WB_OK);
		CHECK_EQ_U64(wb_space_pointer_mask(space), 0);
		wb_space_unref(next);
		REQUIRE(wb_space_set_platform(space, &platform, &next) == WB_OK);
		CHECK_EQ_U64(wb_space_pointer_mask(next), 0);
		wb_space_unref(space);
		wb_space_unref(next);
	}
	wb_session_free(session);
}

int main(void)
{
	TEST_RUN(follows_random_changes);
	TEST_RUN(refuses_bad_arguments);
	TEST_RUN(looks_into_parents);
	TEST_RUN(reads_memory);
	TEST_RUN(holds_many);
	TEST_RUN(releases_what_it_refuses);
	TEST_RUN(masks_signatures);
	TEST_RUN(survives_lack_of_memory);
	return test_summary();
}
