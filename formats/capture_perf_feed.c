/* SPDX-License-Identifier: MIT */
/*
 * The feed: record after record out of a file or a stream. Compressed records are pieces of one zstd stream whose output is again records; a
 * record may begin in one piece and end in the next (perf.data-file-format.txt, PERF_RECORD_COMPRESSED).
 */
#include "formats/capture_perf.h"

#include "base/mem.h"
#include "model/session.h"

#include <string.h>

void wb_perf_feed_init(struct wb_perf_feed *feed, struct wb_capture_input *input, struct wb_perf_windows *windows, bool big_endian)
{
	*feed = (struct wb_perf_feed){ .input = input, .windows = windows, .big_endian = big_endian };
}

/* Leaves a window: its whole records are what reading again needs. */
static void run_close(struct wb_perf_feed *feed, struct wb_perf_run *run)
{
	if (!run->window)
		return;
	run->window->size = run->at;
	run->window->filling = false;
	wb_perf_window_release(feed->windows, run->window);
	run->window = NULL;
}

void wb_perf_feed_deinit(struct wb_perf_feed *feed)
{
	run_close(feed, &feed->inner);
	run_close(feed, &feed->outer);
	wb_perf_window_release(feed->windows, feed->packed);
	wb_inflate_stream_free(feed->inflate);
}

void wb_perf_feed_file(struct wb_perf_feed *feed, struct wb_file *file, uint64_t start, uint64_t stop)
{
	wb_perf_feed_deinit(feed);
	wb_perf_feed_init(feed, feed->input, feed->windows, feed->big_endian);
	feed->file = file;
	feed->start = start;
	feed->stop = stop;
}

uint64_t wb_perf_feed_position(const struct wb_perf_feed *feed)
{
	return feed->outer.window ? feed->outer.window->position + feed->outer.at : feed->start;
}

static enum wb_err report(struct wb_perf_feed *feed, enum wb_diag_code code, uint64_t position, const char *text)
{
	return wb_diag_report(wb_session_diags(feed->input->session), WB_ERR_DATA, code, feed->input->name, "", position, "%s", text);
}

/* ---- Records of a run --------------------------------------------------------------------------------------------- */

/* simpleperf's own records can be longer than 64 KiB: what is misc in others is the upper half of their size. Only the header is given; what is behind it
 * is passed over. */
static bool shorten(struct wb_perf_run *run, struct wb_perf_record *record)
{
	uint32_t size = (uint32_t)record->misc << 16 | (uint32_t)record->size;

	if (record->type < WB_PERF_SIMPLEPERF || record->type >= WB_PERF_SIMPLEPERF_END || size < WB_PERF_HEADER_SIZE)
		return false;
	record->misc = 0;
	record->size = WB_PERF_HEADER_SIZE;
	run->skip = size - WB_PERF_HEADER_SIZE;
	return true;
}

static void run_skip(struct wb_perf_run *run)
{
	size_t left = run->filled - run->at, part = run->skip < left ? run->skip : left;

	run->at += part;
	run->skip -= (uint32_t)part;
}

/* WB_OK: a whole record (at is moved on); WB_NONE: its end is not there yet; WB_ERR_DATA: its size is impossible. */
static enum wb_err run_next(const struct wb_perf_feed *feed, struct wb_perf_run *run, struct wb_perf_record *record)
{
	struct wb_bytes header;
	size_t left;

	run_skip(run);
	left = run->filled - run->at;
	if (!run->window || left < WB_PERF_HEADER_SIZE)
		return WB_NONE;
	record->bytes = run->window->buffer->bytes + run->at;
	header = wb_bytes_of(record->bytes, WB_PERF_HEADER_SIZE, feed->big_endian);
	record->type = wb_bytes_u32(&header);
	record->misc = wb_bytes_u16(&header);
	record->size = wb_bytes_u16(&header);
	if (!shorten(run, record) && record->size < WB_PERF_HEADER_SIZE)
		return WB_ERR_DATA;
	if (record->size > left)
		return WB_NONE;
	record->window = run->window;
	record->offset = (uint32_t)run->at;
	run->at += record->size;
	return WB_OK;
}

/* A window with room behind what is left of the run: the same one, or a fresh one that begins with what is left. */
static enum wb_err run_make_room(struct wb_perf_feed *feed, struct wb_perf_run *run, uint64_t position)
{
	size_t left = run->window ? run->filled - run->at : 0;
	struct wb_perf_window *window;
	enum wb_err err;

	/* Once in a window that is used up: at most one record's bytes are copied. */
	if (run->window && run->window->buffer->capacity - run->filled > WB_PERF_RECORD_MAX)
		return WB_OK;
	err = wb_perf_window_new(feed->windows, position, &window);
	if (err != WB_OK)
		return err;
	if (left)
		memcpy(window->buffer->bytes, run->window->buffer->bytes + run->at, left);
	run_close(feed, run);
	*run = (struct wb_perf_run){ window, 0, left, run->skip };
	return WB_OK;
}

/* ---- The file or stream ------------------------------------------------------------------------------------------- */

/* What is left of the window and what follows it in the file, as a new window. */
static enum wb_err outer_load(struct wb_perf_feed *feed)
{
	uint64_t position = wb_perf_feed_position(feed);
	struct wb_perf_window *window;
	enum wb_err err;

	if (feed->outer.window && feed->outer.window->position + feed->outer.filled >= feed->stop)
		return WB_NONE;
	if (position >= feed->stop)
		return WB_NONE;
	err = wb_perf_window_load(feed->windows, feed->file, position, feed->stop - position, &window);
	if (err != WB_OK) {
		if (err != WB_ERR_MEMORY)
			wb_diag_report(wb_session_diags(feed->input->session), err, WB_DIAG_FILE_UNREADABLE, feed->input->name, "", position,
				       "the file cannot be read here");
		return err;
	}
	run_close(feed, &feed->outer);
	feed->outer = (struct wb_perf_run){ window, 0, window->size, feed->outer.skip };
	return WB_OK;
}

/* Bytes of the stream: first those that told the format. */
static enum wb_err stream_read(struct wb_perf_feed *feed, uint8_t *buffer, size_t room, size_t *ret_got)
{
	struct wb_capture_input *input = feed->input;
	size_t left = input->head_size - feed->head_used;
	enum wb_err err;

	if (left) {
		*ret_got = left < room ? left : room;
		memcpy(buffer, input->head + feed->head_used, *ret_got);
		feed->head_used += *ret_got;
		return WB_OK;
	}
	err = input->read(input->read_arg, buffer, room, ret_got);
	if (err == WB_OK && *ret_got > room)
		err = WB_ERR_ARGUMENT;
	if (err != WB_OK)
		wb_diag_report(wb_session_diags(input->session), err, WB_DIAG_FILE_UNREADABLE, input->name, "", wb_perf_feed_position(feed),
			       "reading the stream failed");
	return err;
}

static enum wb_err outer_read(struct wb_perf_feed *feed)
{
	struct wb_perf_run *run = &feed->outer;
	size_t got;
	enum wb_err err;

	if (feed->end)
		return WB_NONE;
	err = run_make_room(feed, run, wb_perf_feed_position(feed));
	if (err == WB_OK)
		err = stream_read(feed, run->window->buffer->bytes + run->filled, run->window->buffer->capacity - run->filled, &got);
	if (err != WB_OK)
		return err;
	run->filled += got;
	feed->end = !got;
	return got ? WB_OK : WB_NONE;
}

static enum wb_err outer_next(struct wb_perf_feed *feed, struct wb_perf_record *record)
{
	for (;;) { /* every turn reads at least a byte more of the input, or ends */
		enum wb_err err = run_next(feed, &feed->outer, record);

		record->position = wb_perf_feed_position(feed);
		if (err == WB_OK) {
			record->position -= record->size;
			return WB_OK;
		}
		if (err == WB_ERR_DATA)
			return report(feed, WB_DIAG_CAPTURE_MALFORMED, record->position, "a record is smaller than its header");
		err = feed->file ? outer_load(feed) : outer_read(feed);
		if (err == WB_NONE && feed->outer.window && (feed->outer.filled > feed->outer.at || feed->outer.skip))
			return report(feed, WB_DIAG_CAPTURE_TRUNCATED, record->position, "the recording ends inside a record");
		if (err != WB_OK)
			return err;
	}
}

enum wb_err wb_perf_feed_skip(struct wb_perf_feed *feed, uint64_t size)
{
	struct wb_perf_run *run = &feed->outer;
	uint64_t position = wb_perf_feed_position(feed);

	if (feed->last_was_inner)
		return WB_OK;
	if (feed->file) {
		if (size > feed->stop - position)
			return report(feed, WB_DIAG_CAPTURE_TRUNCATED, position, "the recording ends inside the data of a record");
		if (size <= run->filled - run->at) {
			run->at += (size_t)size;
			return WB_OK;
		}
		run_close(feed, run);
		feed->start = position + size;
		*run = (struct wb_perf_run){ NULL, 0, 0, 0 };
		return WB_OK;
	}
	while (size) { /* every turn takes bytes of the stream, or ends */
		size_t left = run->filled - run->at;
		enum wb_err err;

		if (size <= left) {
			run->at += (size_t)size;
			break;
		}
		size -= left;
		run->at = run->filled;
		err = outer_read(feed);
		if (err == WB_NONE)
			return report(feed, WB_DIAG_CAPTURE_TRUNCATED, wb_perf_feed_position(feed), "the recording ends inside the data of a record");
		if (err != WB_OK)
			return err;
	}
	return WB_OK;
}

/* ---- Compressed records ------------------------------------------------------------------------------------------- */

/* Takes the payload of a COMPRESSED or COMPRESSED2 record as the next piece of the stream. */
static enum wb_err pack_take(struct wb_perf_feed *feed, const struct wb_perf_record *record)
{
	struct wb_bytes body = wb_bytes_of(record->bytes, record->size, feed->big_endian);
	uint64_t size;
	enum wb_err err = WB_OK;

	wb_bytes_skip(&body, WB_PERF_HEADER_SIZE);
	size = record->type == WB_PERF_COMPRESSED2 ? wb_bytes_u64(&body) : wb_bytes_left(&body);
	if (wb_bytes_failed(&body) || size > wb_bytes_left(&body))
		return report(feed, WB_DIAG_CAPTURE_MALFORMED, record->position, "a compressed record is larger than its place");
	if (!feed->inflate)
		err = wb_inflate_stream_new(WB_PACKING_ZSTD, &feed->inflate);
	if (err == WB_ERR_UNSUPPORTED)
		wb_diag_report(wb_session_diags(feed->input->session), err, WB_DIAG_CAPTURE_UNSUPPORTED, feed->input->name, "", record->position,
			       "compressed records need zstd, which is not in this build");
	if (err != WB_OK)
		return err;
	feed->packed = record->window;
	feed->packed->users++;
	feed->packed_at = record->offset + wb_bytes_offset(&body);
	feed->packed_left = (size_t)size;
	feed->packed_position = record->position;
	return WB_OK;
}

/* Inflates some more of the pending piece. WB_NONE: there is nothing left of it. */
static enum wb_err pack_inflate(struct wb_perf_feed *feed)
{
	struct wb_perf_run *run = &feed->inner;
	size_t used, made, room;
	enum wb_err err;

	if (!feed->packed)
		return WB_NONE;
	if (!feed->packed_left && !feed->inflate_more) {
		wb_perf_window_release(feed->windows, feed->packed);
		feed->packed = NULL;
		return WB_NONE;
	}
	err = run_make_room(feed, run, UINT64_MAX);
	if (err == WB_OK)
		err = wb_perf_window_use(feed->windows, feed->packed);
	if (err != WB_OK)
		return err;
	room = run->window->buffer->capacity - run->filled;
	err = wb_inflate_stream_next(feed->inflate, feed->packed->buffer->bytes + feed->packed_at, feed->packed_left, &used,
				     run->window->buffer->bytes + run->filled, room, &made);
	/* Neither taking nor giving would go on for ever. */
	if (err == WB_OK && !used && !made && feed->packed_left)
		err = WB_ERR_DATA;
	if (err == WB_ERR_DATA)
		return report(feed, WB_DIAG_CAPTURE_MALFORMED, feed->packed_position, "a compressed record cannot be decompressed");
	if (err != WB_OK)
		return err;
	feed->packed_at += used;
	feed->packed_left -= used;
	run->filled += made;
	feed->inflate_more = made == room;
	return WB_OK;
}

static bool is_compressed(uint32_t type)
{
	return type == WB_PERF_COMPRESSED || type == WB_PERF_COMPRESSED2;
}

enum wb_err wb_perf_feed_next(struct wb_perf_feed *feed, struct wb_perf_record *ret_record)
{
	enum wb_err err;

	for (;;) { /* every turn inflates something, or takes a record of the input */
		err = run_next(feed, &feed->inner, ret_record);
		ret_record->position = feed->packed_position;
		if (err == WB_OK && is_compressed(ret_record->type))
			err = WB_ERR_DATA;
		if (err == WB_ERR_DATA)
			return report(feed, WB_DIAG_CAPTURE_MALFORMED, feed->packed_position, "a compressed record holds what is no record");
		feed->last_was_inner = err == WB_OK;
		if (err == WB_OK)
			return WB_OK;
		err = pack_inflate(feed);
		if (err == WB_OK)
			continue;
		if (err != WB_NONE)
			return err;
		err = outer_next(feed, ret_record);
		if (err == WB_NONE && feed->inner.filled > feed->inner.at)
			return report(feed, WB_DIAG_CAPTURE_TRUNCATED, feed->packed_position, "the compressed data ends inside a record");
		if (err != WB_OK || !is_compressed(ret_record->type))
			return err;
		err = pack_take(feed, ret_record);
		if (err != WB_OK)
			return err;
	}
}
