/* SPDX-License-Identifier: MIT */
/*
 * Decompression with output limits: zstd and zlib (whole and streaming), xz. The only includer of the codecs. A codec that is not in
 * the build answers WB_ERR_UNSUPPORTED.
 */
#ifndef BASE_INFLATE_H
#define BASE_INFLATE_H

#include <walkback/base.h>

#include <stdbool.h>

/* Whole buffers: exactly out_size bytes must come out, else WB_ERR_DATA. */
enum wb_err wb_inflate_zlib(const void *in, size_t in_size, void *out, size_t out_size);
enum wb_err wb_inflate_zstd(const void *in, size_t in_size, void *out, size_t out_size);
/* xz: the size is not known before; at most limit bytes. *ret_out is freed with wb_mem_free. */
enum wb_err wb_inflate_xz(const void *in, size_t in_size, size_t limit, void **ret_out, size_t *ret_out_size);

/* CRC-32 (ISO 3309), which the zlib codecs compute many times faster than plain code: start with 0, go on with the last result. */
uint32_t wb_crc32(uint32_t crc, const void *bytes, size_t size);

/* ---- Streams: what comes in pieces (perf's compressed records), or is wanted in pieces ------------------------------------ */

enum wb_packing { WB_PACKING_ZLIB, WB_PACKING_ZSTD };
struct wb_inflate_stream;
/* WB_ERR_UNSUPPORTED: the codec that streams it is not in. The one for whole buffers may be. */
enum wb_err wb_inflate_stream_new(enum wb_packing packing, struct wb_inflate_stream **ret_stream);
void wb_inflate_stream_free(struct wb_inflate_stream *stream);
/* Feeds in, and writes at most out_size bytes; *ret_used and *ret_made say how much. Call again while anything is left on both sides. All
 * that goes out of one zlib stream goes into one buffer, piece after piece. */
enum wb_err wb_inflate_stream_next(struct wb_inflate_stream *stream, const void *in, size_t in_size, size_t *ret_used, void *out,
                                   size_t out_size, size_t *ret_made);
/* Whether what was fed so far is complete, its checksum included. A zstd stream may go on with another frame all the same. */
bool wb_inflate_stream_is_done(const struct wb_inflate_stream *stream);

#endif
