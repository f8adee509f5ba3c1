/* SPDX-License-Identifier: MIT */
/*
 * Unpacking on demand. One thread at a time unpacks, a chunk after the other without the lock; others that wait look after each chunk whether
 * theirs is there. Chunks end at multiples of their size, so damage hides the same bytes whatever was asked for.
 */
#include "base/unpack.h"

#include "base/lock.h"
#include "base/mem.h"

enum {
	WHOLE_MAX = 16 << 20,         /* bytes that come out: what is small is unpacked at once, which is faster for all of it */
	CHUNK_SIZE = 1 << 20,
	FORGET_SIZE = 4 << 20,        /* packed bytes that are forgotten at a time */
	FORGET_LATEST = 16 << 20,     /* that many are not left to threads that wait */
	PREPARE_RATIO_MAX = 8,        /* debug information packs to a fifth at best; what claims more gets its memory when it comes out */
	/* The most that a byte of input can stand for: deflate codes 258 bytes in 2 bits; a zstd block of 4 bytes is 128 KiB at most. */
	ZLIB_RATIO_MAX = 1032, ZSTD_RATIO_MAX = 32768,
};
/* No section of debug information is larger today; a hostile one may say that it is. */
static const uint64_t unpacked_size_max = UINT64_C(4) << 30;

struct wb_unpack {
	struct wb_packed packed;      /* its stored piece is the busy thread's, and given back when it is forgotten */
	size_t stored_size;
	void *memory;                 /* that bytes are in */
	uint8_t *bytes;
	_Atomic size_t ready;         /* bytes that can be looked at; grows */
	struct wb_lock lock;
	struct wb_signal progress;
	size_t spent, forgotten;      /* packed bytes that nobody reads again, and those of them that are out of memory */
	bool forgetting;              /* a thread takes some out of memory */
	bool shared;                  /* see wb_unpack_share */
	bool busy;                    /* a thread unpacks; what is below is its own */
	enum wb_err err;              /* why there will be no more than is ready */
	struct wb_inflate_stream *stream; /* NULL: not begun, or done with */
	size_t used;                  /* packed bytes */
};

void wb_packed_deinit(struct wb_packed *packed)
{
	wb_piece_deinit(&packed->stored);
}

enum wb_err wb_packed_set_size(struct wb_packed *packed, uint64_t size)
{
	if (size / (packed->packing == WB_PACKING_ZSTD ? ZSTD_RATIO_MAX : ZLIB_RATIO_MAX) > packed->stored.size)
		return wb_diag_report(packed->diags, WB_ERR_DATA, WB_DIAG_SECTION_MALFORMED, packed->path, packed->section, 0,
		                      "says that more comes out than its bytes can hold");
	if (size > unpacked_size_max || size > SIZE_MAX)
		return wb_diag_report(packed->diags, WB_ERR_LIMIT, WB_DIAG_SECTION_MALFORMED, packed->path, packed->section, 0,
		                      "more than 4 GiB would come out");
	packed->size = (size_t)size;
	return WB_OK;
}

/* Cleared, so that nobody sees another owner's bytes whatever a damaged file makes of them. Costs nothing where it matters: large memory comes
 * cleared. What fills several large pages begins and ends with one: small ones cost more to get than what is written to them. */
static void *memory_new(size_t size, uint8_t **ret_bytes)
{
	size_t room = size >= 2 * (size_t)WB_FILE_LARGE_PAGE ? 2 * (size_t)WB_FILE_LARGE_PAGE : 0, all;
	uint8_t *memory = wb_size_add(size, room, &all) ? wb_mem_zalloc(all, 1) : NULL;
	size_t misplaced = (uintptr_t)memory % WB_FILE_LARGE_PAGE;

	if (!memory)
		return NULL;
	*ret_bytes = memory;
	if (room > 0 && misplaced > 0)
		*ret_bytes += WB_FILE_LARGE_PAGE - misplaced;
	if (room > 0)
		wb_file_expect(*ret_bytes, (size + WB_FILE_LARGE_PAGE / 2) / WB_FILE_LARGE_PAGE * WB_FILE_LARGE_PAGE);
	return memory;
}

enum wb_err wb_unpack_new(struct wb_packed *packed, struct wb_unpack **ret_unpack)
{
	struct wb_unpack *unpack = wb_mem_zalloc(1, sizeof *unpack);

	if (unpack)
		unpack->memory = memory_new(packed->size, &unpack->bytes);
	if (!unpack || !unpack->memory) {
		wb_mem_free(unpack);
		wb_packed_deinit(packed);
		return WB_ERR_MEMORY;
	}
	unpack->packed = *packed;
	unpack->stored_size = packed->stored.size;
	unpack->used = unpack->spent = unpack->forgotten = packed->skip;
	wb_lock_init(&unpack->lock);
	wb_signal_init(&unpack->progress);
	*ret_unpack = unpack;
	return WB_OK;
}

void wb_unpack_free(struct wb_unpack *unpack)
{
	if (!unpack)
		return;
	wb_inflate_stream_free(unpack->stream);
	wb_packed_deinit(&unpack->packed);
	wb_signal_deinit(&unpack->progress);
	wb_lock_deinit(&unpack->lock);
	wb_mem_free(unpack->memory);
	wb_mem_free(unpack);
}

const uint8_t *wb_unpack_bytes(const struct wb_unpack *unpack)
{
	return unpack->bytes;
}

/* ---- By the thread that is busy ------------------------------------------------------------------------------------------- */

static size_t ready_of(const struct wb_unpack *unpack)
{
	return atomic_load_explicit(&unpack->ready, memory_order_acquire);
}

static enum wb_err unpack_whole(struct wb_unpack *unpack)
{
	const struct wb_packed *packed = &unpack->packed;
	const uint8_t *in = packed->stored.bytes + packed->skip;
	size_t in_size = packed->stored.size - packed->skip;

	return packed->packing == WB_PACKING_ZSTD ? wb_inflate_zstd(in, in_size, unpack->bytes, packed->size) :
	                                            wb_inflate_zlib(in, in_size, unpack->bytes, packed->size);
}

/* The bytes from `at` to `end`, and at the end of all, that this is where the stream ends. */
static enum wb_err unpack_chunk(struct wb_unpack *unpack, size_t at, size_t end)
{
	const struct wb_packed *packed = &unpack->packed;
	bool is_last = end == packed->size;

	for (;;) {
		size_t used, made;
		enum wb_err err;

		if (at == end && (!is_last || wb_inflate_stream_is_done(unpack->stream)))
			return WB_OK;
		err = wb_inflate_stream_next(unpack->stream, packed->stored.bytes + unpack->used, packed->stored.size - unpack->used, &used,
		                             unpack->bytes + at, end - at, &made);
		if (err)
			return err;
		/* Cut, or longer than it says. */
		if (!used && !made && !wb_inflate_stream_is_done(unpack->stream))
			return WB_ERR_DATA;
		if (at + made < end && wb_inflate_stream_is_done(unpack->stream))
			return WB_ERR_DATA;
		unpack->used += used;
		at += made;
	}
}

static enum wb_err unpack_next(struct wb_unpack *unpack, size_t ready, size_t *ret_ready)
{
	size_t left = unpack->packed.size - ready, end = ready + (left < CHUNK_SIZE ? left : CHUNK_SIZE);
	enum wb_err err = unpack->stream ? WB_OK : wb_inflate_stream_new(unpack->packed.packing, &unpack->stream);

	if (!err)
		err = unpack_chunk(unpack, ready, end);
	if (!err && end == unpack->packed.size)
		unpack->used = unpack->stored_size;
	if (!err)
		*ret_ready = end;
	return err;
}

/* One step: the next chunk, or all of it, which is also what a codec does that knows nothing else. */
static enum wb_err unpack_step(struct wb_unpack *unpack, bool in_pieces, size_t *ret_ready)
{
	size_t ready = ready_of(unpack);
	enum wb_err err = WB_ERR_UNSUPPORTED, streamed;

	if (ready > 0 || in_pieces)
		err = unpack_next(unpack, ready, ret_ready);
	if (ready > 0 || err != WB_ERR_UNSUPPORTED)
		return err;
	err = unpack_whole(unpack);
	if (!err) {
		unpack->used = unpack->stored_size;
		*ret_ready = unpack->packed.size;
	}
	if (!err || err == WB_ERR_MEMORY)
		return err;
	/* How far damaged bytes are sound, a stream knows; and it may be the only codec there is. */
	streamed = unpack_next(unpack, 0, ret_ready);
	return streamed == WB_ERR_UNSUPPORTED ? err : streamed;
}

/* ---- Asking ------------------------------------------------------------------------------------------------------------------ */

static enum wb_err report(const struct wb_unpack *unpack, enum wb_err err)
{
	const struct wb_packed *packed = &unpack->packed;
	bool is_codec_missing = err == WB_ERR_UNSUPPORTED;

	return wb_diag_report(packed->diags, err, is_codec_missing ? WB_DIAG_SECTION_UNSUPPORTED : WB_DIAG_SECTION_MALFORMED, packed->path,
	                      packed->section, 0, is_codec_missing ? "compressed by a codec that is not in this build" :
	                      "its compressed bytes are damaged");
}

/* Takes spent bytes out of memory, where they would double what a large file takes, if there are enough of them, without the lock that is held. False:
 * there was nothing to do. */
static bool forget(struct wb_unpack *unpack, size_t enough)
{
	struct wb_packed *packed = &unpack->packed;
	size_t until = unpack->spent, size = until - unpack->forgotten;
	bool is_done = ready_of(unpack) == packed->size; /* a codec may have taken in all, and still have some to give out */

	if (unpack->forgetting || ((size == 0 || size < enough) && !is_done))
		return false;
	unpack->forgetting = true;
	wb_lock_give(&unpack->lock);
	if (packed->file && size > 0)
		wb_file_forget(packed->file, packed->offset + unpack->forgotten, size);
	wb_lock_take(&unpack->lock);
	unpack->forgetting = false;
	unpack->forgotten = until;
	if (is_done)
		wb_packed_deinit(packed);
	return true;
}

/* Unpacks one step more, without the lock that is held. */
static enum wb_err go_on(struct wb_unpack *unpack, size_t end)
{
	const size_t size = unpack->packed.size;
	const bool in_pieces = size > WHOLE_MAX && (end < size || unpack->shared);
	size_t ready = 0;
	enum wb_err err;

	unpack->busy = true;
	wb_lock_give(&unpack->lock);
	err = unpack_step(unpack, in_pieces, &ready);
	wb_lock_take(&unpack->lock);
	unpack->busy = false;
	unpack->spent = unpack->used;
	if (!err)
		atomic_store_explicit(&unpack->ready, ready, memory_order_release);
	else if (err != WB_ERR_MEMORY)
		unpack->err = report(unpack, err);
	wb_signal_all(&unpack->progress);
	if (!err)
		(void)forget(unpack, unpack->shared ? FORGET_LATEST : FORGET_SIZE);
	return err;
}

enum wb_err wb_unpack_need(struct wb_unpack *unpack, uint64_t wanted)
{
	size_t end = wanted < unpack->packed.size ? (size_t)wanted : unpack->packed.size;
	enum wb_err err = WB_OK;

	if (ready_of(unpack) >= end)
		return WB_OK;
	wb_lock_take(&unpack->lock);
	while (!err && ready_of(unpack) < end) {
		if (!unpack->busy)
			err = unpack->err ? unpack->err : go_on(unpack, end);
		else if (!forget(unpack, FORGET_SIZE))
			wb_signal_wait(&unpack->progress, &unpack->lock);
	}
	(void)forget(unpack, SIZE_MAX); /* what is left, if this is the end */
	wb_lock_give(&unpack->lock);
	return err;
}

bool wb_unpack_share(struct wb_unpack *unpack)
{
	bool is_first;

	wb_lock_take(&unpack->lock);
	is_first = !unpack->shared;
	unpack->shared = true;
	wb_lock_give(&unpack->lock);
	return is_first;
}

void wb_unpack_help(struct wb_unpack *unpack)
{
	const struct wb_packed *packed = &unpack->packed;

	if (ready_of(unpack) == packed->size)
		return;
	wb_file_prepare(unpack->bytes, packed->size / PREPARE_RATIO_MAX < unpack->stored_size ? packed->size : unpack->stored_size);
	if (packed->file)
		wb_file_prepare_reading(packed->file, packed->offset, unpack->stored_size);
}

enum wb_err wb_unpack_all(struct wb_packed *packed, struct wb_piece *ret_piece)
{
	struct wb_unpack *unpack;
	enum wb_err err = wb_unpack_new(packed, &unpack);

	if (err)
		return err;
	err = wb_unpack_need(unpack, unpack->packed.size);
	if (!err) {
		*ret_piece = (struct wb_piece){ unpack->bytes, unpack->packed.size, unpack->memory };
		unpack->memory = NULL;
	}
	wb_unpack_free(unpack);
	return err;
}
