/* SPDX-License-Identifier: MIT */
/* Decompression: whole, cut anywhere, damaged anywhere, into too little and too much room. A codec that is not in says so. */
#include "test.h"

#include "base/inflate.h"
#include "base/mem.h"
#include "config.h"

/* "walkback " a hundred times, as zlib -9, zstd -3 and xz --check=crc32 store it. */
enum { TEXT_SIZE = 900 };
static char text[TEXT_SIZE + 1];

static const uint8_t zlib_bytes[] = {
	0x78, 0xda, 0x2b, 0x4f, 0xcc, 0xc9, 0x4e, 0x4a, 0x4c, 0xce, 0x56, 0x28, 0x1f, 0x65, 0x8c, 0x32, 0x46, 0x19, 0x03, 0xc1, 0x00, 0x00,
	0x99, 0x3a, 0x51, 0x90,
};
static const uint8_t zstd_bytes[] = {
	0x28, 0xb5, 0x2f, 0xfd, 0x64, 0x84, 0x02, 0x85, 0x00, 0x00, 0x48, 0x77, 0x61, 0x6c, 0x6b, 0x62, 0x61, 0x63, 0x6b, 0x20, 0x01, 0x00,
	0x78, 0x59, 0x95, 0x23, 0x92, 0xf9, 0x4f, 0xfc,
};
static const uint8_t xz_bytes[] = {
	0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x02, 0x00, 0x21, 0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f,
	0xe5, 0xa3, 0xe0, 0x03, 0x83, 0x00, 0x15, 0x5d, 0x00, 0x3b, 0x98, 0x49, 0xdb, 0x6e, 0x4d, 0x9c, 0x5b, 0xe7, 0xd8, 0xac, 0xb5, 0xaf,
	0xd2, 0x10, 0x8f, 0xdf, 0x1a, 0x9a, 0x64, 0x00, 0x00, 0x00, 0x00, 0x00, 0x5c, 0x0a, 0xab, 0xc2, 0x00, 0x01, 0x2d, 0x84, 0x07, 0x00,
	0x00, 0x00, 0xde, 0xec, 0xd6, 0xa1, 0x3e, 0x30, 0x0d, 0x8b, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a,
};
static const uint8_t xz_empty[] = {
	0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x00, 0x00, 0x00, 0x00, 0x1c, 0xdf, 0x44, 0x21, 0x90, 0x42,
	0x99, 0x0d, 0x01, 0x00, 0x00, 0x00, 0x00, 0x01, 0x59, 0x5a,
};

typedef enum wb_err (*inflate_fn)(const void *in, size_t in_size, void *out, size_t out_size);

/* xz behind the interface of the other two: exactly out_size bytes. */
static enum wb_err inflate_xz(const void *in, size_t in_size, void *out, size_t out_size)
{
	void *bytes = NULL;
	size_t size = 0;
	enum wb_err err = wb_inflate_xz(in, in_size, out_size, &bytes, &size);

	if (err != WB_OK)
		return err;
	if (size == out_size)
		memcpy(out, bytes, size);
	else
		err = WB_ERR_DATA;
	wb_mem_free(bytes);
	return err;
}

/* A stream, given a byte at a time and asked for seven. */
static enum wb_err inflate_stream(enum wb_packing packing, const void *in, size_t in_size, void *out, size_t out_size)
{
	struct wb_inflate_stream *stream;
	enum wb_err err = wb_inflate_stream_new(packing, &stream);
	size_t made = 0;

	if (err != WB_OK)
		return err;
	for (size_t at = 0; err == WB_OK;) {
		size_t room = out_size - made < 7 ? out_size - made : 7, used = 0, got = 0;
		err = wb_inflate_stream_next(stream, (const uint8_t *)in + at, at < in_size, &used, (uint8_t *)out + made, room, &got);
		at += used;
		made += got;
		if (err == WB_OK && !used && !got)
			break;
	}
	wb_inflate_stream_free(stream);
	return err == WB_OK && made != out_size ? WB_ERR_DATA : err;
}

static enum wb_err inflate_zlib_stream(const void *in, size_t in_size, void *out, size_t out_size)
{
	return inflate_stream(WB_PACKING_ZLIB, in, in_size, out, out_size);
}

static enum wb_err inflate_zstd_stream(const void *in, size_t in_size, void *out, size_t out_size)
{
	return inflate_stream(WB_PACKING_ZSTD, in, in_size, out, out_size);
}

static const struct {
	const char *name;
	inflate_fn inflate;
	const uint8_t *bytes;
	size_t size;
	bool have;
	bool limit_is_error; /* more than out_size bytes is WB_ERR_LIMIT, not WB_ERR_DATA */
	bool streaming;      /* the end of the room is not the end of the stream */
} codecs[] = {
	{ "zlib", wb_inflate_zlib, zlib_bytes, sizeof zlib_bytes, WB_HAVE_LIBDEFLATE || WB_HAVE_ZLIB, false, false },
	{ "zstd", wb_inflate_zstd, zstd_bytes, sizeof zstd_bytes, WB_HAVE_ZSTD, false, false },
	{ "zlib stream", inflate_zlib_stream, zlib_bytes, sizeof zlib_bytes, WB_HAVE_ISAL, false, true },
	{ "zstd stream", inflate_zstd_stream, zstd_bytes, sizeof zstd_bytes, WB_HAVE_ZSTD, false, true },
	{ "xz", inflate_xz, xz_bytes, sizeof xz_bytes, WB_HAVE_LZMA, true, false },
};
enum { NUM_CODECS = sizeof codecs / sizeof codecs[0] };

/* In and out are heap blocks of exactly these sizes, for the sanitizer build. */
static enum wb_err inflate(size_t codec, const uint8_t *bytes, size_t size, size_t out_size, bool *ret_right)
{
	uint8_t *in = malloc(size ? size : 1), *out = malloc(out_size ? out_size : 1);

	if (!in || !out)
		exit(1);
	memcpy(in, bytes, size);
	enum wb_err err = codecs[codec].inflate(in, size, out, out_size);
	*ret_right = err == WB_OK && out_size == TEXT_SIZE && memcmp(out, text, TEXT_SIZE) == 0;
	free(in);
	free(out);
	return err;
}

static void inflates_whole(void)
{
	for (size_t i = 0; i < NUM_CODECS; i++) {
		bool right;
		test_row(codecs[i].name);
		CHECK_EQ_I64(inflate(i, codecs[i].bytes, codecs[i].size, TEXT_SIZE, &right), codecs[i].have ? WB_OK : WB_ERR_UNSUPPORTED);
		CHECK(right == codecs[i].have);
	}
}

static void refuses_the_wrong_size(void)
{
	for (size_t i = 0; i < NUM_CODECS; i++) {
		bool right;
		test_row(codecs[i].name);
		if (!codecs[i].have)
			continue;
		CHECK_EQ_I64(inflate(i, codecs[i].bytes, codecs[i].size, TEXT_SIZE + 1, &right), WB_ERR_DATA);
		if (codecs[i].streaming)
			continue;
		CHECK_EQ_I64(inflate(i, codecs[i].bytes, codecs[i].size, TEXT_SIZE - 1, &right),
		             codecs[i].limit_is_error ? WB_ERR_LIMIT : WB_ERR_DATA);
		CHECK(inflate(i, codecs[i].bytes, codecs[i].size, 0, &right) != WB_OK);
	}
}

static void refuses_what_is_cut_or_damaged(void)
{
	uint8_t damaged[128];

	for (size_t i = 0; i < NUM_CODECS; i++) {
		bool right;
		if (!codecs[i].have || codecs[i].streaming)
			continue;
		for (size_t size = 0; size < codecs[i].size; size++) {
			test_row(codecs[i].name);
			CHECK(inflate(i, codecs[i].bytes, size, TEXT_SIZE, &right) != WB_OK);
		}
		for (size_t bit = 0; bit < codecs[i].size * 8; bit++) {
			memcpy(damaged, codecs[i].bytes, codecs[i].size);
			damaged[bit / 8] ^= (uint8_t)(1u << bit % 8);
			/* Some bits mean nothing (zlib's level, for one): then what comes out must be right. */
			enum wb_err err = inflate(i, damaged, codecs[i].size, TEXT_SIZE, &right);
			CHECK(err != WB_OK || right);
		}
	}
}

static void inflates_nothing(void)
{
	void *out = NULL;
	size_t size = 1;

	if (!WB_HAVE_LZMA)
		return;
	REQUIRE(wb_inflate_xz(xz_empty, sizeof xz_empty, 0, &out, &size) == WB_OK);
	CHECK_EQ_U64(size, 0);
	wb_mem_free(out);
	CHECK_EQ_I64(wb_inflate_xz("", 0, 100, &out, &size), WB_ERR_DATA);
}

static void survives_lack_of_memory(void)
{
	void *out = NULL;
	size_t size = 0;
	struct wb_inflate_stream *stream = NULL;

	wb_mem_fail_at(1, true);
	CHECK_EQ_I64(wb_inflate_xz(xz_bytes, sizeof xz_bytes, 1000, &out, &size), WB_HAVE_LZMA ? WB_ERR_MEMORY : WB_ERR_UNSUPPORTED);
	CHECK_EQ_I64(wb_inflate_stream_new(WB_PACKING_ZSTD, &stream), WB_ERR_MEMORY);
	CHECK_EQ_I64(wb_inflate_stream_new(WB_PACKING_ZLIB, &stream), WB_ERR_MEMORY);
	wb_mem_fail_at(0, false);
	CHECK(out == NULL && stream == NULL);
	wb_inflate_stream_free(NULL);
}

int main(void)
{
	for (size_t i = 0; i < TEXT_SIZE; i++)
		text[i] = "walkback "[i % 9];
	TEST_RUN(inflates_whole);
	TEST_RUN(refuses_the_wrong_size);
	TEST_RUN(refuses_what_is_cut_or_damaged);
	TEST_RUN(inflates_nothing);
	TEST_RUN(survives_lack_of_memory);
	return test_summary();
}
