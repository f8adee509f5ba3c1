/* SPDX-License-Identifier: MIT */
/* The bounded reader: values by hand and from DWARF 5, figures 22 and 23; never a byte past the end. */
#include "test.h"

#include "base/bytes.h"

/* A reader over exactly these bytes: on the heap, so that the sanitizer build sees one too many. */
struct input {
	uint8_t *bytes;
	struct wb_bytes reader;
};

static struct input input_of(const void *bytes, size_t size, bool big_endian)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		exit(1);
	memcpy(copy, bytes, size);
	return (struct input){ copy, wb_bytes_of(copy, size, big_endian) };
}

static const struct {
	const char *name;
	const char *bytes;
	size_t size;
	bool ok;
	uint64_t value;
} ulebs[] = {
	/* DWARF 5, figure 22 */
	{ "2", "\x02", 1, true, 2 },
	{ "127", "\x7f", 1, true, 127 },
	{ "128", "\x80\x01", 2, true, 128 },
	{ "129", "\x81\x01", 2, true, 129 },
	{ "12857", "\xb9\x64", 2, true, 12857 },
	{ "0 padded to 5 bytes", "\x80\x80\x80\x80\x00", 5, true, 0 },
	{ "2^64 - 1", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, true, UINT64_MAX },
	{ "2^64 - 1, padded to 12", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x80\x00", 12, true, UINT64_MAX },
	{ "2^64", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", 10, false, 0 },
	{ "2^70", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, false, 0 },
	{ "16 bytes", "\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 16, true, 1 },
	{ "17 bytes", "\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 17, false, 0 },
	{ "cut", "\x80\x80", 2, false, 0 },
	{ "nothing", "", 0, false, 0 },
};

static void reads_uleb128(void)
{
	for (size_t i = 0; i < sizeof ulebs / sizeof ulebs[0]; i++) {
		test_row(ulebs[i].name);
		struct input in = input_of(ulebs[i].bytes, ulebs[i].size, false);
		struct wb_bytes again = in.reader;
		CHECK_EQ_U64(wb_bytes_uleb(&in.reader), ulebs[i].value);
		CHECK(wb_bytes_failed(&in.reader) == !ulebs[i].ok);
		CHECK_EQ_U64(wb_bytes_uleb_2(&again), ulebs[i].value);
		CHECK(wb_bytes_failed(&again) == wb_bytes_failed(&in.reader) && wb_bytes_offset(&again) == wb_bytes_offset(&in.reader));
		if (ulebs[i].ok)
			CHECK_EQ_U64(wb_bytes_offset(&in.reader), ulebs[i].size);
		free(in.bytes);
	}
}

static const struct {
	const char *name;
	const char *bytes;
	size_t size;
	bool ok;
	int64_t value;
} slebs[] = {
	/* DWARF 5, figure 23 */
	{ "2", "\x02", 1, true, 2 },
	{ "-2", "\x7e", 1, true, -2 },
	{ "127", "\xff\x00", 2, true, 127 },
	{ "-127", "\x81\x7f", 2, true, -127 },
	{ "128", "\x80\x01", 2, true, 128 },
	{ "-128", "\x80\x7f", 2, true, -128 },
	{ "129", "\x81\x01", 2, true, 129 },
	{ "-129", "\xff\x7e", 2, true, -129 },
	{ "63", "\x3f", 1, true, 63 },
	{ "-64", "\x40", 1, true, -64 },
	{ "2^56, the last sign that is filled in", "\x80\x80\x80\x80\x80\x80\x80\x80\x01", 9, true, INT64_C(1) << 56 },
	{ "-2^62", "\x80\x80\x80\x80\x80\x80\x80\x80\x40", 9, true, -(INT64_C(1) << 62) },
	{ "2^63 - 1", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 10, true, INT64_MAX },
	{ "-2^63", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", 10, true, INT64_MIN },
	{ "-1 padded to 12", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 12, true, -1 },
	{ "2^63", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 10, false, 0 },
	{ "sign does not go on", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 11, false, 0 },
	{ "cut", "\xff", 1, false, 0 },
	{ "nothing", "", 0, false, 0 },
};

static void reads_sleb128(void)
{
	for (size_t i = 0; i < sizeof slebs / sizeof slebs[0]; i++) {
		test_row(slebs[i].name);
		struct input in = input_of(slebs[i].bytes, slebs[i].size, false);
		struct wb_bytes again = in.reader;
		CHECK_EQ_I64(wb_bytes_sleb(&in.reader), slebs[i].value);
		CHECK(wb_bytes_failed(&in.reader) == !slebs[i].ok);
		CHECK_EQ_I64(wb_bytes_sleb_2(&again), slebs[i].value);
		CHECK(wb_bytes_failed(&again) == wb_bytes_failed(&in.reader) && wb_bytes_offset(&again) == wb_bytes_offset(&in.reader));
		if (slebs[i].ok)
			CHECK_EQ_U64(wb_bytes_offset(&in.reader), slebs[i].size);
		free(in.bytes);
	}
}

static const struct {
	const char *name;
	unsigned size;
	uint64_t little, big;
	int64_t little_signed;
} ints[] = {
	{ "u8", 1, 0x81, 0x81, -0x7f },
	{ "u16", 2, 0x8281, 0x8182, -0x7d7f },
	{ "u32", 4, 0x84838281, 0x81828384, -INT64_C(0x7b7c7d7f) },
	{ "u64", 8, UINT64_C(0x8887868584838281), UINT64_C(0x8182838485868788), -INT64_C(0x7778797a7b7c7d7f) },
};
static const uint8_t int_bytes[] = { 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88 };

static void reads_integers(void)
{
	for (size_t i = 0; i < sizeof ints / sizeof ints[0]; i++) {
		test_row(ints[i].name);
		/* Every size that is too short, then the one that fits. */
		for (size_t size = 0; size <= ints[i].size; size++) {
			bool fits = size == ints[i].size;
			struct input in = input_of(int_bytes, size, false);
			CHECK_EQ_U64(wb_bytes_uint(&in.reader, ints[i].size), fits ? ints[i].little : 0);
			CHECK(wb_bytes_failed(&in.reader) == !fits);
			CHECK(wb_bytes_at_end(&in.reader));
			free(in.bytes);
		}
		struct input in = input_of(int_bytes, ints[i].size, true);
		CHECK_EQ_U64(wb_bytes_uint(&in.reader, ints[i].size), ints[i].big);
		free(in.bytes);
		in = input_of(int_bytes, ints[i].size, false);
		CHECK_EQ_I64(wb_bytes_sint(&in.reader, ints[i].size), ints[i].little_signed);
		free(in.bytes);
	}
	test_row("u24");
	struct input in = input_of(int_bytes, 4, false);
	CHECK_EQ_U64(wb_bytes_u24(&in.reader), 0x838281);
	CHECK_EQ_U64(wb_bytes_u24(&in.reader), 0);
	CHECK(wb_bytes_failed(&in.reader));
	in.reader = wb_bytes_of(in.bytes, 4, true);
	CHECK_EQ_U64(wb_bytes_u24(&in.reader), 0x818283);
	in.reader = wb_bytes_of(in.bytes, 4, false);
	CHECK_EQ_U64(wb_bytes_uint(&in.reader, 3), 0);
	CHECK(wb_bytes_failed(&in.reader));
	free(in.bytes);
}

static void stays_failed(void)
{
	struct input in = input_of("\x01\x02\x03", 3, false);

	CHECK_EQ_U64(wb_bytes_u32(&in.reader), 0);
	CHECK(wb_bytes_failed(&in.reader));
	CHECK_EQ_U64(wb_bytes_u8(&in.reader), 0);
	CHECK_EQ_U64(wb_bytes_uleb(&in.reader), 0);
	CHECK(wb_bytes_take(&in.reader, 1) == NULL);
	CHECK(wb_bytes_string(&in.reader) == NULL);
	CHECK(!wb_bytes_seek(&in.reader, 0));
	CHECK(wb_bytes_failed(&in.reader));
	free(in.bytes);
}

static void takes_and_seeks(void)
{
	struct input in = input_of("abcdef", 6, false);
	const uint8_t *at = wb_bytes_take(&in.reader, 2);

	REQUIRE(at != NULL);
	CHECK_MEM(at, "ab", 2);
	struct wb_bytes sub = wb_bytes_sub(&in.reader, 3);
	CHECK_EQ_U64(wb_bytes_size(&sub), 3);
	CHECK_EQ_U64(wb_bytes_offset(&sub), 0);
	CHECK_EQ_U64(wb_bytes_u8(&sub), 'c');
	CHECK(!wb_bytes_skip(&sub, 3));
	CHECK(wb_bytes_failed(&sub));
	CHECK(!wb_bytes_failed(&in.reader));
	CHECK_EQ_U64(wb_bytes_offset(&in.reader), 5);
	CHECK_EQ_U64(wb_bytes_left(&in.reader), 1);
	CHECK(wb_bytes_seek(&in.reader, 6));
	CHECK(wb_bytes_at_end(&in.reader));
	CHECK(wb_bytes_seek(&in.reader, 0));
	CHECK_EQ_U64(wb_bytes_u8(&in.reader), 'a');
	/* Sizes that would wrap a pointer around. */
	struct wb_bytes whole = in.reader;
	sub = wb_bytes_sub(&whole, UINT64_MAX);
	CHECK(wb_bytes_failed(&sub) && wb_bytes_failed(&whole));
	whole = in.reader;
	CHECK(!wb_bytes_skip(&whole, UINT64_MAX - 2));
	whole = in.reader;
	CHECK(!wb_bytes_seek(&whole, 7));
	whole = in.reader;
	CHECK(wb_bytes_take(&whole, SIZE_MAX) == NULL);
	free(in.bytes);
}

static void reads_strings(void)
{
	struct input in = input_of("ab\0\0c", 5, false);

	CHECK_STR(wb_bytes_string(&in.reader), "ab");
	CHECK_STR(wb_bytes_string(&in.reader), "");
	CHECK_STR(wb_bytes_string(&in.reader), NULL); /* "c" has no end */
	CHECK(wb_bytes_failed(&in.reader));
	free(in.bytes);
	struct wb_bytes none = wb_bytes_of(NULL, 0, false);
	CHECK(wb_bytes_at_end(&none));
	CHECK(!wb_bytes_failed(&none));
	CHECK_STR(wb_bytes_string(&none), NULL);
}

int main(void)
{
	TEST_RUN(reads_uleb128);
	TEST_RUN(reads_sleb128);
	TEST_RUN(reads_integers);
	TEST_RUN(stays_failed);
	TEST_RUN(takes_and_seeks);
	TEST_RUN(reads_strings);
	return test_summary();
}
