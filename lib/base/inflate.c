/* SPDX-License-Identifier: MIT */
/*
 * Decompression with output limits. Each codec has one block below; a codec that is not in the build is a block that answers
 * WB_ERR_UNSUPPORTED. zlib data goes through libdeflate where it is there (about twice as fast as zlib on whole buffers), else through
 * zlib; streams of it through ISA-L, a tenth slower than libdeflate, which knows whole buffers only.
 */
#include "base/inflate.h"

#include "base/mem.h"
#include "config.h"

#include <stdint.h>
#include <string.h>

#if WB_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#if WB_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif
#if WB_HAVE_ZLIB && !WB_HAVE_LIBDEFLATE
#include <zlib.h>
#endif
#if WB_HAVE_LZMA
#include <lzma.h>
#endif
#if WB_HAVE_ZSTD
#include <zstd.h>
#include <zstd_errors.h>
#endif

/* ---- zlib ------------------------------------------------------------------------------------------------------ */

#if WB_HAVE_LIBDEFLATE

enum wb_err wb_inflate_zlib(const void *in, size_t in_size, void *out, size_t out_size)
{
	struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
	enum libdeflate_result result;

	if (!decompressor)
		return WB_ERR_MEMORY;
	/* Without a place for the actual size, a shorter output is an error too. */
	result = libdeflate_zlib_decompress(decompressor, in, in_size, out, out_size, NULL);
	libdeflate_free_decompressor(decompressor);
	return result == LIBDEFLATE_SUCCESS ? WB_OK : WB_ERR_DATA;
}

uint32_t wb_crc32(uint32_t crc, const void *bytes, size_t size)
{
	return libdeflate_crc32(crc, bytes, size);
}

#elif WB_HAVE_ZLIB

/* zlib counts in unsigned int: larger buffers go through in steps. */
static unsigned zlib_step(size_t left)
{
	return left < UINT32_MAX / 2 ? (unsigned)left : UINT32_MAX / 2;
}

enum wb_err wb_inflate_zlib(const void *in, size_t in_size, void *out, size_t out_size)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in, .next_out = out };
	Bytef past_end;
	size_t in_left = in_size, out_left = out_size;
	int result = inflateInit(&z);

	if (result != Z_OK)
		return result == Z_MEM_ERROR ? WB_ERR_MEMORY : WB_ERR_DATA;
	/* Each round consumes input or makes output, else inflate answers Z_BUF_ERROR. */
	while (result == Z_OK) {
		unsigned in_step = zlib_step(in_left), out_step = zlib_step(out_left);

		/* Even when the output is full, the trailing checksum is still to be read; a byte more is one too many. */
		if (!out_step)
			z.next_out = &past_end;
		z.avail_in = in_step;
		z.avail_out = out_step ? out_step : 1;
		result = inflate(&z, Z_NO_FLUSH);
		in_left -= in_step - z.avail_in;
		if (out_step)
			out_left -= out_step - z.avail_out;
		else if (!z.avail_out)
			result = Z_DATA_ERROR;
	}
	inflateEnd(&z);
	if (result == Z_MEM_ERROR)
		return WB_ERR_MEMORY;
	return result == Z_STREAM_END && out_left == 0 ? WB_OK : WB_ERR_DATA;
}

uint32_t wb_crc32(uint32_t crc, const void *bytes, size_t size)
{
	const Bytef *at = bytes;

	while (size > 0) {
		unsigned step = zlib_step(size);

		crc = (uint32_t)crc32(crc, at, step);
		at += step;
		size -= step;
	}
	return crc;
}

#else

enum wb_err wb_inflate_zlib(const void *in, size_t in_size, void *out, size_t out_size)
{
	(void)in, (void)in_size, (void)out, (void)out_size;
	return WB_ERR_UNSUPPORTED;
}

/* Half a byte at a time: 16 words instead of a kilobyte. */
uint32_t wb_crc32(uint32_t crc, const void *bytes, size_t size)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const uint8_t *at = bytes;

	crc = ~crc;
	for (size_t i = 0; i < size; i++) {
		crc ^= at[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

#endif

/* ---- zlib streams ------------------------------------------------------------------------------------------------ */

struct wb_inflate_stream {
	enum wb_packing packing;
	bool done;
	void *codec;                  /* the packing's own state */
};

#if WB_HAVE_ISAL

/* ISA-L is given what is between header and checksum: its own of the checksum takes as long as a twentieth of unpacking does. */
struct zlib_stream {
	struct inflate_state z;
	enum { ZLIB_HEADER, ZLIB_BODY, ZLIB_CHECKSUM } part;
	uint32_t adler;               /* of what came out */
	uint8_t edge[4];              /* bytes of the header or the checksum that came in so far */
	unsigned edge_size;
};

static uint32_t adler32_of(uint32_t adler, const void *bytes, size_t size)
{
#if WB_HAVE_LIBDEFLATE
	return libdeflate_adler32(adler, bytes, size);
#else
	return isal_adler32(adler, bytes, size);
#endif
}

static enum wb_err zlib_stream_init(struct wb_inflate_stream *stream)
{
	struct zlib_stream *zlib = wb_mem_alloc(sizeof *zlib);

	if (!zlib)
		return WB_ERR_MEMORY;
	isal_inflate_init(&zlib->z);
	zlib->z.crc_flag = ISAL_DEFLATE;
	zlib->part = ZLIB_HEADER;
	zlib->adler = 1;
	zlib->edge_size = 0;
	stream->codec = zlib;
	return WB_OK;
}

static void zlib_stream_deinit(struct wb_inflate_stream *stream)
{
	wb_mem_free(stream->codec);
}

/* Takes what is missing of `size` bytes; returns how many it took. */
static size_t take_edge(struct zlib_stream *zlib, unsigned size, const uint8_t *in, size_t in_size)
{
	size_t used = 0;

	while (zlib->edge_size < size && used < in_size)
		zlib->edge[zlib->edge_size++] = in[used++];
	return used;
}

/* RFC 1950, 2.2: deflate, a window of 32 KiB at most, no dictionary, and a multiple of 31. */
static bool is_zlib_header(const uint8_t *edge)
{
	return (edge[0] & 15) == 8 && edge[0] >> 4 <= 7 && !(edge[1] & 32) && (edge[0] << 8 | edge[1]) % 31 == 0;
}

static uint32_t checksum_of(const uint8_t *edge)
{
	return (uint32_t)edge[0] << 24 | (uint32_t)edge[1] << 16 | (uint32_t)edge[2] << 8 | edge[3];
}

/* Whole bytes that the body's end had been read with, which are the first of the checksum. */
static void end_body(struct zlib_stream *zlib)
{
	uint64_t left = zlib->z.read_in >> (zlib->z.read_in_length & 7);

	zlib->part = ZLIB_CHECKSUM;
	zlib->edge_size = 0;
	for (int32_t i = zlib->z.read_in_length / 8; i > 0; i--, left >>= 8) {
		uint8_t byte = (uint8_t)left;

		(void)take_edge(zlib, 4, &byte, 1);
	}
}

static enum wb_err inflate_body(struct zlib_stream *zlib, const uint8_t *in, size_t in_size, size_t *ret_used, void *out, size_t out_size,
                                size_t *ret_made)
{
	uint32_t in_step = in_size < UINT32_MAX / 2 ? (uint32_t)in_size : UINT32_MAX / 2;
	uint32_t out_step = out_size < UINT32_MAX / 2 ? (uint32_t)out_size : UINT32_MAX / 2;

	zlib->z.next_in = (uint8_t *)(uintptr_t)in;
	zlib->z.avail_in = in_step;
	zlib->z.next_out = out;
	zlib->z.avail_out = out_step;
	if (isal_inflate(&zlib->z) != ISAL_DECOMP_OK)
		return WB_ERR_DATA;
	*ret_used = in_step - zlib->z.avail_in;
	*ret_made = out_step - zlib->z.avail_out;
	zlib->adler = adler32_of(zlib->adler, out, *ret_made);
	if (zlib->z.block_state == ISAL_BLOCK_FINISH)
		end_body(zlib);
	return WB_OK;
}

static enum wb_err zlib_stream_next(struct wb_inflate_stream *stream, const void *in, size_t in_size, size_t *ret_used, void *out,
                                    size_t out_size, size_t *ret_made)
{
	struct zlib_stream *zlib = stream->codec;
	size_t used = 0, used_by_body = 0, made = 0;

	if (zlib->part == ZLIB_HEADER) {
		used = take_edge(zlib, 2, in, in_size);
		if (zlib->edge_size == 2 && !is_zlib_header(zlib->edge))
			return WB_ERR_DATA;
		if (zlib->edge_size == 2)
			zlib->part = ZLIB_BODY;
	}
	if (zlib->part == ZLIB_BODY) {
		enum wb_err err = inflate_body(zlib, (const uint8_t *)in + used, in_size - used, &used_by_body, out, out_size, &made);

		if (err)
			return err;
		used += used_by_body;
	}
	if (zlib->part == ZLIB_CHECKSUM && !stream->done) {
		used += take_edge(zlib, 4, (const uint8_t *)in + used, in_size - used);
		stream->done = zlib->edge_size == 4;
		if (stream->done && checksum_of(zlib->edge) != zlib->adler)
			return WB_ERR_DATA;
	}
	*ret_used = used;
	*ret_made = made;
	return WB_OK;
}

#else

static enum wb_err zlib_stream_init(struct wb_inflate_stream *stream)
{
	(void)stream;
	return WB_ERR_UNSUPPORTED;
}

static void zlib_stream_deinit(struct wb_inflate_stream *stream)
{
	(void)stream;
}

static enum wb_err zlib_stream_next(struct wb_inflate_stream *stream, const void *in, size_t in_size, size_t *ret_used, void *out,
                                    size_t out_size, size_t *ret_made)
{
	(void)stream, (void)in, (void)in_size, (void)ret_used, (void)out, (void)out_size, (void)ret_made;
	return WB_ERR_UNSUPPORTED;
}

#endif

/* ---- zstd ------------------------------------------------------------------------------------------------------ */

#if WB_HAVE_ZSTD

static enum wb_err zstd_err(size_t result)
{
	return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation ? WB_ERR_MEMORY : WB_ERR_DATA;
}

enum wb_err wb_inflate_zstd(const void *in, size_t in_size, void *out, size_t out_size)
{
	size_t result = ZSTD_decompress(out, out_size, in, in_size);

	if (ZSTD_isError(result))
		return zstd_err(result);
	return result == out_size ? WB_OK : WB_ERR_DATA;
}

enum {
	/* A hostile frame header may ask for a window of gigabytes. perf writes level 1 to 22, whose windows end at 2^27. */
	STREAM_WINDOW_LOG_MAX = 27,
};

static enum wb_err zstd_stream_init(struct wb_inflate_stream *stream)
{
	ZSTD_DStream *zstd = ZSTD_createDStream();

	if (zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, STREAM_WINDOW_LOG_MAX))) {
		stream->codec = zstd;
		return WB_OK;
	}
	ZSTD_freeDStream(zstd);
	return WB_ERR_MEMORY;
}

static void zstd_stream_deinit(struct wb_inflate_stream *stream)
{
	ZSTD_freeDStream(stream->codec);
}

static enum wb_err zstd_stream_next(struct wb_inflate_stream *stream, const void *in, size_t in_size, size_t *ret_used, void *out,
                                    size_t out_size, size_t *ret_made)
{
	ZSTD_inBuffer from = { in, in_size, 0 };
	ZSTD_outBuffer to = { out, out_size, 0 };
	size_t result = ZSTD_decompressStream(stream->codec, &to, &from);

	if (ZSTD_isError(result))
		return zstd_err(result);
	stream->done = result == 0;
	*ret_used = from.pos;
	*ret_made = to.pos;
	return WB_OK;
}

#else

enum wb_err wb_inflate_zstd(const void *in, size_t in_size, void *out, size_t out_size)
{
	(void)in, (void)in_size, (void)out, (void)out_size;
	return WB_ERR_UNSUPPORTED;
}

static enum wb_err zstd_stream_init(struct wb_inflate_stream *stream)
{
	(void)stream;
	return WB_ERR_UNSUPPORTED;
}

static void zstd_stream_deinit(struct wb_inflate_stream *stream)
{
	(void)stream;
}

static enum wb_err zstd_stream_next(struct wb_inflate_stream *stream, const void *in, size_t in_size, size_t *ret_used, void *out,
                                    size_t out_size, size_t *ret_made)
{
	(void)stream, (void)in, (void)in_size, (void)ret_used, (void)out, (void)out_size, (void)ret_made;
	return WB_ERR_UNSUPPORTED;
}

#endif

/* ---- Streams ------------------------------------------------------------------------------------------------------ */

enum wb_err wb_inflate_stream_new(enum wb_packing packing, struct wb_inflate_stream **ret_stream)
{
	struct wb_inflate_stream *stream = wb_mem_zalloc(1, sizeof *stream);
	enum wb_err err;

	if (!stream)
		return WB_ERR_MEMORY;
	stream->packing = packing;
	err = packing == WB_PACKING_ZSTD ? zstd_stream_init(stream) : zlib_stream_init(stream);
	if (err) {
		wb_mem_free(stream);
		return err;
	}
	*ret_stream = stream;
	return WB_OK;
}

void wb_inflate_stream_free(struct wb_inflate_stream *stream)
{
	if (!stream)
		return;
	if (stream->packing == WB_PACKING_ZSTD)
		zstd_stream_deinit(stream);
	else
		zlib_stream_deinit(stream);
	wb_mem_free(stream);
}

enum wb_err wb_inflate_stream_next(struct wb_inflate_stream *stream, const void *in, size_t in_size, size_t *ret_used, void *out,
                                   size_t out_size, size_t *ret_made)
{
	return stream->packing == WB_PACKING_ZSTD ? zstd_stream_next(stream, in, in_size, ret_used, out, out_size, ret_made) :
	                                            zlib_stream_next(stream, in, in_size, ret_used, out, out_size, ret_made);
}

bool wb_inflate_stream_is_done(const struct wb_inflate_stream *stream)
{
	return stream->done;
}

/* ---- xz -------------------------------------------------------------------------------------------------------- */

#if WB_HAVE_LZMA

enum {
	XZ_MEMORY_MAX = 128 << 20,    /* xz -9 needs 65 MiB; a hostile header may ask for 4 GiB */
	XZ_FIRST_ROOM = 64 << 10,
};

static size_t xz_room(size_t room, size_t limit)
{
	size_t more = room ? room * 2 : XZ_FIRST_ROOM;

	return room > limit / 2 || more > limit ? limit : more;
}

/* Runs the decoder until the end of the data, in a buffer that doubles up to one byte more than the limit: output that fills that byte is
 * too long, output that ends before it still lets the decoder read its trailer. */
static enum wb_err xz_run(lzma_stream *z, size_t limit, uint8_t **out, size_t *size)
{
	size_t room = 0, most = limit + (limit < SIZE_MAX);
	lzma_ret result = LZMA_OK;

	/* A full buffer of `most` ends it, and so does LZMA_BUF_ERROR: the decoder wants more input than there is. */
	while (result == LZMA_OK) {
		if (*size == room) {
			size_t more = xz_room(room, most);
			uint8_t *grown = more == room ? NULL : wb_mem_resize(*out, more, 1);

			if (!grown)
				return more == room ? WB_ERR_LIMIT : WB_ERR_MEMORY;
			*out = grown;
			room = more;
		}
		z->next_out = *out + *size;
		z->avail_out = room - *size;
		result = lzma_code(z, LZMA_FINISH);
		*size = room - z->avail_out;
	}
	if (result == LZMA_STREAM_END)
		return *size <= limit ? WB_OK : WB_ERR_LIMIT;
	if (result == LZMA_MEM_ERROR)
		return WB_ERR_MEMORY;
	return result == LZMA_MEMLIMIT_ERROR ? WB_ERR_LIMIT : WB_ERR_DATA;
}

enum wb_err wb_inflate_xz(const void *in, size_t in_size, size_t limit, void **ret_out, size_t *ret_out_size)
{
	lzma_stream z = LZMA_STREAM_INIT;
	uint8_t *out = NULL;
	size_t size = 0;
	enum wb_err err;

	if (lzma_stream_decoder(&z, XZ_MEMORY_MAX, LZMA_CONCATENATED) != LZMA_OK)
		return WB_ERR_MEMORY;
	z.next_in = in;
	z.avail_in = in_size;
	err = xz_run(&z, limit, &out, &size);
	lzma_end(&z);
	if (err) {
		wb_mem_free(out);
		return err;
	}
	*ret_out = out;
	*ret_out_size = size;
	return WB_OK;
}

#else

enum wb_err wb_inflate_xz(const void *in, size_t in_size, size_t limit, void **ret_out, size_t *ret_out_size)
{
	(void)in, (void)in_size, (void)limit, (void)ret_out, (void)ret_out_size;
	return WB_ERR_UNSUPPORTED;
}

#endif
