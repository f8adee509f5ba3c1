/* SPDX-License-Identifier: MIT */
/*
 * The codecs behind one interface. The first byte chooses, the next two are the size that is said to come out, the rest is packed. What comes out fits
 * its room and is the same twice; one byte more or less of room is an error; a stream gives the same in pieces of any size.
 */
#include "base/inflate.h"

#include "base/mem.h"
#include "fuzz.h"

#include <string.h>

enum {
	STREAM_OUT_MAX = 1 << 20,
	STREAM_ROUNDS_MAX = 1 << 16,  /* of an input of some KiB: each consumes or makes something, or ends it */
};

typedef enum wb_err (*inflate_fn)(const void *in, size_t in_size, void *out, size_t out_size);

static void check_whole(inflate_fn inflate, const uint8_t *in, size_t in_size, size_t out_size)
{
	/* A copy of the exact size, so that the sanitizer sees a read or a write past the end. */
	uint8_t *copy = wb_mem_dup(in, in_size), *first = wb_mem_alloc(out_size), *second = wb_mem_alloc(out_size + 1);
	enum wb_err err;

	FUZZ_ASSERT(copy && first && second);
	err = inflate(copy, in_size, first, out_size);
	FUZZ_ASSERT(err == WB_OK || err == WB_ERR_DATA || err == WB_ERR_UNSUPPORTED);
	FUZZ_ASSERT(inflate(copy, in_size, second, out_size) == err);
	if (err == WB_OK) {
		FUZZ_ASSERT(!out_size || !memcmp(first, second, out_size));
		FUZZ_ASSERT(inflate(copy, in_size, second, out_size + 1) == WB_ERR_DATA);
		FUZZ_ASSERT(!out_size || inflate(copy, in_size, second, out_size - 1) == WB_ERR_DATA);
	}
	wb_mem_free(copy);
	wb_mem_free(first);
	wb_mem_free(second);
}

static void check_xz(const uint8_t *in, size_t in_size, size_t limit)
{
	void *first = NULL, *second = NULL;
	size_t size = 0, again = 0;
	enum wb_err err = wb_inflate_xz(in, in_size, limit, &first, &size);

	FUZZ_ASSERT(err == WB_OK || err == WB_ERR_DATA || err == WB_ERR_LIMIT || err == WB_ERR_UNSUPPORTED);
	FUZZ_ASSERT(err == WB_OK || !first);
	if (err)
		return;
	FUZZ_ASSERT(size <= limit);
	FUZZ_ASSERT(wb_inflate_xz(in, in_size, size, &second, &again) == WB_OK && again == size && !memcmp(first, second, size));
	wb_mem_free(second);
	second = NULL;
	FUZZ_ASSERT(!size || wb_inflate_xz(in, in_size, size - 1, &second, &again) == WB_ERR_LIMIT);
	wb_mem_free(first);
}

/* All that a stream gives, in pieces of these sizes, into out; *ret_err says how it ended, *ret_done whether it came to its end. */
static size_t run_stream(enum wb_packing packing, const uint8_t *in, size_t in_size, size_t in_step, size_t out_step, uint8_t *out, enum wb_err *ret_err,
                         bool *ret_done)
{
	struct wb_inflate_stream *stream;
	size_t at = 0, made = 0;
	enum wb_err err = wb_inflate_stream_new(packing, &stream);

	for (unsigned i = 0; !err && made < STREAM_OUT_MAX; i++) {
		size_t in_now = in_size - at < in_step ? in_size - at : in_step, out_now = STREAM_OUT_MAX - made < out_step ? STREAM_OUT_MAX - made : out_step;
		size_t used = 0, got = 0;

		FUZZ_ASSERT(i < STREAM_ROUNDS_MAX);
		err = wb_inflate_stream_next(stream, in + at, in_now, &used, out + made, out_now, &got);
		if (err)
			break;
		FUZZ_ASSERT(used <= in_now && got <= out_now);
		at += used;
		made += got;
		/* All is used, or what is left is behind the end. */
		if ((at == in_size && got < out_now) || (!used && !got))
			break;
	}
	*ret_done = err != WB_ERR_UNSUPPORTED && wb_inflate_stream_is_done(stream);
	if (err != WB_ERR_UNSUPPORTED)
		wb_inflate_stream_free(stream);
	*ret_err = err;
	return made;
}

static void check_stream(enum wb_packing packing, const uint8_t *in, size_t in_size, size_t step)
{
	static uint8_t whole[STREAM_OUT_MAX], pieces[STREAM_OUT_MAX];
	bool done, done_again;
	enum wb_err err, again;
	size_t size = run_stream(packing, in, in_size, in_size, STREAM_OUT_MAX, whole, &err, &done);
	size_t size2 = run_stream(packing, in, in_size, step, 64 + step * 16, pieces, &again, &done_again);

	/* What is damaged may show at different places, but not give different bytes before it. */
	FUZZ_ASSERT(!memcmp(whole, pieces, size < size2 ? size : size2));
	if (!err && done)
		FUZZ_ASSERT(!again && done_again && size == size2);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	size_t out_size;

	if (size < 3)
		return 0;
	out_size = (size_t)bytes[1] | (size_t)bytes[2] << 8;
	FUZZ_ASSERT(wb_crc32(wb_crc32(0, bytes, size / 2), bytes + size / 2, size - size / 2) == wb_crc32(0, bytes, size));
	switch (bytes[0] & 3) {
	case 0: check_whole(wb_inflate_zlib, bytes + 3, size - 3, out_size); break;
	case 1: check_whole(wb_inflate_zstd, bytes + 3, size - 3, out_size); break;
	case 2: check_xz(bytes + 3, size - 3, out_size); break;
	default: check_stream(bytes[0] & 4 ? WB_PACKING_ZLIB : WB_PACKING_ZSTD, bytes + 3, size - 3, 1 + (bytes[0] >> 3)); break;
	}
	return 0;
}
