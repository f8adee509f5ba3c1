/* SPDX-License-Identifier: MIT */
/* Unpacking on demand: bit by bit, out of order, by several threads; damage hides the same bytes whatever was asked for before. */
#include "base/unpack.h"

#include "base/mem.h"
#include "config.h"
#include "test.h"

#include <pthread.h>

enum {
	CHUNK = 1 << 20,              /* what the unpacker does at a time */
	SIZE = 20 * CHUNK + 12345,    /* more than what it does at once */
	STORED_MAX = 65535,           /* RFC 1951, 3.2.4: bytes of a stored block */
	THREADS = 4,
};
static const bool can_stream = WB_HAVE_ISAL;

static uint8_t byte_at(size_t at)
{
	return (uint8_t)(at * 2654435761u >> 13);
}

/* A zlib stream (RFC 1950) of stored blocks. */
static struct wb_piece make_stored(void)
{
	size_t blocks = (SIZE + STORED_MAX - 1) / STORED_MAX, at = 0;
	struct wb_piece piece = { .size = 2 + SIZE + 5 * blocks + 4 };
	uint8_t *out = piece.owned = wb_mem_alloc(piece.size);
	uint32_t a = 1, b = 0;

	if (!out)
		return (struct wb_piece){ NULL, 0, NULL };
	piece.bytes = out;
	*out++ = 0x78;
	*out++ = 0x01;
	while (at < SIZE) {
		size_t length = SIZE - at < STORED_MAX ? SIZE - at : STORED_MAX;

		*out++ = at + length == SIZE;
		*out++ = (uint8_t)length;
		*out++ = (uint8_t)(length >> 8);
		*out++ = (uint8_t)~length;
		*out++ = (uint8_t)(~length >> 8);
		for (size_t i = 0; i < length; i++, at++) {
			a = (a + byte_at(at)) % 65521;
			b = (b + a) % 65521;
			*out++ = byte_at(at);
		}
	}
	*out++ = (uint8_t)(b >> 8), *out++ = (uint8_t)b, *out++ = (uint8_t)(a >> 8), *out++ = (uint8_t)a;
	return piece;
}

static struct wb_unpack *unpack_of(const struct wb_piece *stored, size_t stored_size, size_t size)
{
	struct wb_packed packed = { .packing = WB_PACKING_ZLIB, .size = size, .path = "made", .section = ".made" };
	struct wb_unpack *unpack = NULL;

	packed.stored = (struct wb_piece){ stored->bytes, stored_size, NULL };
	return CHECK(wb_unpack_new(&packed, &unpack) == WB_OK) ? unpack : NULL;
}

static bool is_right(const struct wb_unpack *unpack, size_t end)
{
	for (size_t i = 0; i < end; i++)
		if (wb_unpack_bytes(unpack)[i] != byte_at(i))
			return false;
	return true;
}

static struct wb_piece stored; /* the whole stream */

static void unpacks_as_far_as_asked(void)
{
	static const size_t ends[] = { 0, 1, 100, CHUNK, CHUNK + 1, 50, 7 * CHUNK - 1, SIZE - 1, SIZE, SIZE };
	struct wb_unpack *unpack = unpack_of(&stored, stored.size, SIZE);

	for (size_t i = 0; unpack && i < sizeof ends / sizeof ends[0]; i++) {
		CHECK_EQ_I64(wb_unpack_need(unpack, ends[i]), WB_OK);
		CHECK(is_right(unpack, ends[i]));
	}
	if (unpack)
		CHECK_EQ_I64(wb_unpack_need(unpack, UINT64_MAX), WB_OK);
	wb_unpack_free(unpack);
}

static void gives_all_at_once(void)
{
	struct wb_packed packed = { .packing = WB_PACKING_ZLIB, .stored = { stored.bytes, stored.size, NULL }, .size = SIZE, .path = "made",
	                            .section = ".made" };
	struct wb_piece piece;

	if (!CHECK(wb_unpack_all(&packed, &piece) == WB_OK))
		return;
	CHECK_EQ_U64(piece.size, SIZE);
	CHECK(piece.bytes[0] == byte_at(0) && piece.bytes[SIZE - 1] == byte_at(SIZE - 1));
	wb_piece_deinit(&piece);
}

/* What is asked for, in an order; `good` bytes are unpacked, whatever was asked for before. Without a codec for streams, none are. */
static void check_damaged(const struct wb_piece *piece, size_t piece_size, size_t size, size_t good)
{
	static const uint64_t orders[][4] = { { UINT64_MAX, 1, 0, 3 }, { 1, UINT64_MAX, 3, 2 }, { 3, 2, 1, UINT64_MAX } };

	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		struct wb_unpack *unpack = unpack_of(piece, piece_size, size);

		for (size_t k = 0; unpack && k < 4; k++) {
			/* 1, 2, 3: just before, just behind and a chunk behind what is good. */
			uint64_t end = orders[i][k] == UINT64_MAX ? size : orders[i][k] == 1 ? good : good + (orders[i][k] == 2 ? 1 : CHUNK);
			bool is_good = end == 0 || (can_stream && end <= good);

			CHECK_EQ_I64(wb_unpack_need(unpack, end), is_good ? WB_OK : WB_ERR_DATA);
			if (is_good)
				CHECK(is_right(unpack, (size_t)end));
		}
		wb_unpack_free(unpack);
	}
}

static void keeps_what_comes_before_damage(void)
{
	uint8_t *bytes = (uint8_t *)stored.owned;
	size_t last = stored.size - 1, block = 2 + 100 * (5 + (size_t)STORED_MAX), inside = 100 * (size_t)STORED_MAX;

	bytes[block] ^= 6;            /* a block type that there is not */
	check_damaged(&stored, stored.size, SIZE, inside / CHUNK * CHUNK);
	bytes[block] ^= 6;
	bytes[last] ^= 1;             /* the checksum */
	check_damaged(&stored, stored.size, SIZE, SIZE / CHUNK * CHUNK);
	bytes[last] ^= 1;
	check_damaged(&stored, block, SIZE, inside / CHUNK * CHUNK);
	check_damaged(&stored, 1, SIZE, 0);
	check_damaged(&stored, 0, SIZE, 0);
	check_damaged(&stored, stored.size, SIZE + 1, SIZE / CHUNK * CHUNK);
	check_damaged(&stored, stored.size, SIZE - 1, (SIZE - 1) / CHUNK * CHUNK);
}

struct follower { struct wb_unpack *unpack; bool is_first, is_right; };

/* A block of fixed codes (RFC 1951, 3.2.6), the last one: a zero, and `count` copies of 258 bytes from the byte before. Returns how long it is. */
static size_t put_zeros(uint8_t *out, size_t count)
{
	size_t bits = 0;

	/* The bits of codes, in the order in which they are read: 1 last, 01 fixed; 00110000; for each copy 11000101 (285) and 00000 (distance 1); 0000000. */
	static const char start[] = "110" "00110000", copy[] = "11000101" "00000", end[] = "0000000";
	for (size_t i = 0; i < count + 2; i++)
		for (const char *bit = i == 0 ? start : i <= count ? copy : end; *bit; bit++, bits++)
			out[bits / 8] |= (uint8_t)((*bit == '1') << bits % 8);
	return (bits + 7) / 8;
}

/* A codec may have taken in all of a stream whose end packs well, while some of it is still to come out. */
static void gives_what_a_codec_holds_back(void)
{
	enum { COPIES = 260, ZEROS = 1 + 258 * COPIES, ALL = 20 * CHUNK + 100, FIRST = ALL - ZEROS };
	uint8_t *bytes = wb_mem_zalloc(stored.size + 4096, 1);
	size_t blocks = (FIRST + STORED_MAX - 1) / STORED_MAX, used = 2 + FIRST + 5 * blocks;
	uint32_t a = 1, b = 0;
	struct wb_unpack *unpack;

	REQUIRE(bytes);
	memcpy(bytes, stored.bytes, used);
	/* The last of the stored blocks that are taken over is cut to what is wanted of it. */
	size_t last = 2 + (blocks - 1) * (STORED_MAX + 5), length = FIRST - (blocks - 1) * STORED_MAX;
	for (unsigned i = 0; i < 2; i++) {
		bytes[last + 1 + i] = (uint8_t)(length >> 8 * i);
		bytes[last + 3 + i] = (uint8_t)~(length >> 8 * i);
	}
	used += put_zeros(bytes + used, COPIES);
	for (size_t i = 0; i < ALL; i++) {
		a = (a + (i < FIRST ? byte_at(i) : 0)) % 65521;
		b = (b + a) % 65521;
	}
	for (unsigned i = 0; i < 4; i++)
		bytes[used++] = (uint8_t)((b << 16 | a) >> (24 - 8 * i));

	unpack = unpack_of(&(struct wb_piece){ bytes, used, NULL }, used, ALL);
	for (size_t end = CHUNK; unpack && end < ALL + CHUNK; end += CHUNK)
		CHECK_EQ_I64(wb_unpack_need(unpack, end < ALL ? end : ALL), WB_OK);
	if (unpack) {
		CHECK(is_right(unpack, FIRST));
		for (size_t i = FIRST; i < ALL; i++)
			if (wb_unpack_bytes(unpack)[i] && !test_check(false, TEST_WHERE, "byte %zu is no zero", i))
				break;
	}
	wb_unpack_free(unpack);
	wb_mem_free(bytes);
}

static void *follow(void *arg)
{
	struct follower *follower = arg;

	follower->is_first = wb_unpack_share(follower->unpack);
	if (follower->is_first)
		follower->is_right = wb_unpack_need(follower->unpack, SIZE) == WB_OK;
	else
		wb_unpack_help(follower->unpack);
	for (size_t end = 1; end < SIZE; end += CHUNK / 3)
		follower->is_right &= wb_unpack_need(follower->unpack, end) == WB_OK && wb_unpack_bytes(follower->unpack)[end - 1] == byte_at(end - 1);
	return NULL;
}

/* One is told to unpack it all, and all see the same. */
static void is_followed_by_several_threads(void)
{
	struct wb_unpack *unpack = unpack_of(&stored, stored.size, SIZE);
	struct follower followers[THREADS];
	pthread_t threads[THREADS];
	unsigned firsts = 0;

	REQUIRE(unpack != NULL);
	for (size_t i = 0; i < THREADS; i++) {
		followers[i] = (struct follower){ .unpack = unpack, .is_right = true };
		REQUIRE(pthread_create(&threads[i], NULL, follow, &followers[i]) == 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		CHECK(followers[i].is_right);
		firsts += followers[i].is_first;
	}
	CHECK_EQ_U64(firsts, 1);
	CHECK(is_right(unpack, SIZE));
	wb_unpack_help(unpack);
	wb_unpack_free(unpack);
}

/* Of a small one there is all or nothing. */
static void unpacks_small_ones_at_once(void)
{
	struct wb_unpack *unpack = unpack_of(&stored, stored.size, CHUNK);

	if (unpack)
		CHECK_EQ_I64(wb_unpack_need(unpack, 1), WB_ERR_DATA); /* it is longer than that */
	wb_unpack_free(unpack);
}

static void *ask_around(void *arg)
{
	static _Atomic uint32_t started;
	struct wb_unpack *unpack = arg;
	uint32_t seed = atomic_fetch_add(&started, 1);

	for (unsigned i = 0; i < 40; i++) {
		size_t end;

		seed = seed * 1664525 + 1013904223;
		end = (size_t)i * SIZE / 40 + seed % CHUNK;
		end = end < SIZE ? end : SIZE;
		if (!CHECK(wb_unpack_need(unpack, end) == WB_OK) || end == 0)
			continue;
		CHECK(wb_unpack_bytes(unpack)[end - 1] == byte_at(end - 1) && wb_unpack_bytes(unpack)[end / 2] == byte_at(end / 2));
	}
	return NULL;
}

static void serves_several_threads(void)
{
	struct wb_unpack *unpack = unpack_of(&stored, stored.size, SIZE);
	pthread_t threads[THREADS];
	size_t started = 0;

	while (unpack && started < THREADS && !pthread_create(&threads[started], NULL, ask_around, unpack))
		started++;
	CHECK_EQ_U64(started, THREADS);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (unpack)
		CHECK(is_right(unpack, SIZE * 39 / 40));
	wb_unpack_free(unpack);
}

static void survives_lack_of_memory(void)
{
	for (uint64_t nth = 1; nth < 8; nth++) {
		struct wb_packed packed = { .packing = WB_PACKING_ZLIB, .stored = { stored.bytes, stored.size, NULL }, .size = SIZE, .path = "made",
		                            .section = ".made" };
		struct wb_unpack *unpack = NULL;
		enum wb_err err;

		wb_mem_fail_at(nth, false);
		err = wb_unpack_new(&packed, &unpack);
		if (!err)
			err = wb_unpack_need(unpack, 1);
		wb_mem_fail_at(0, false);
		CHECK(err == WB_OK || err == WB_ERR_MEMORY);
		if (unpack)
			CHECK_EQ_I64(wb_unpack_need(unpack, 1), WB_OK);
		wb_unpack_free(unpack);
	}
}

static void says_that_no_codec_is_in(void)
{
	struct wb_unpack *unpack = unpack_of(&stored, stored.size, SIZE);

	if (unpack)
		CHECK_EQ_I64(wb_unpack_need(unpack, 1), WB_ERR_UNSUPPORTED);
	wb_unpack_free(unpack);
}

int main(void)
{
	stored = make_stored();
	if (!stored.bytes)
		return 1;
	if (WB_HAVE_LIBDEFLATE || WB_HAVE_ZLIB || WB_HAVE_ISAL) {
		TEST_RUN(unpacks_as_far_as_asked);
		TEST_RUN(gives_all_at_once);
		TEST_RUN(keeps_what_comes_before_damage);
		TEST_RUN(unpacks_small_ones_at_once);
		TEST_RUN(gives_what_a_codec_holds_back);
		TEST_RUN(serves_several_threads);
		TEST_RUN(is_followed_by_several_threads);
		TEST_RUN(survives_lack_of_memory);
	} else {
		TEST_RUN(says_that_no_codec_is_in);
	}
	wb_piece_deinit(&stored);
	return test_summary();
}
