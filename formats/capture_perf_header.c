/* SPDX-License-Identifier: MIT */
/*
 * The header of a perf.data file, its attrs and its features (perf.data-file-format.txt; perf's util/header.c for what that leaves out). In a
 * pipe all of them are records; only the first 16 bytes are a header there.
 */
#include "formats/capture_perf.h"

#include "base/mem.h"
#include "model/session.h"

#include <string.h>

enum {
	PIPE_HEADER_SIZE = 16,
	FILE_HEADER_SIZE = 104,       /* with the bitmap of features; 72 without */
	BITMAP_AT = 72,
	NUM_FEATURES = 256,
	ATTR_ENTRY_MIN = 64 + 16,     /* the oldest attr and where its ids are */
	ATTR_ENTRY_MAX = 4096,        /* 160 in 2026 */
	FEATURE_SIZE_MAX = 64 << 20,  /* bytes: a build id takes some 100, a large machine has some thousand files */
	ATTRS_SIZE_MAX = 64 << 20,    /* bytes */
	STRING_MAX = 4096,            /* bytes of a string that are kept */
};

/* Numbers of features that matter here (HEADER_* in perf's util/header.h). */
enum { FEATURE_BUILD_ID = 2, FEATURE_HOSTNAME = 3, FEATURE_OSRELEASE = 4, FEATURE_ARCH = 6, FEATURE_CMDLINE = 11, FEATURE_EVENT_DESC = 12 };

struct section { uint64_t offset, size; };

static const char magic_little[8] = "PERFILE2", magic_big[8] = "2ELIFREP", magic_old[8] = "PERFFILE";

bool wb_perf_header_probe(const uint8_t *head, size_t size)
{
	return size >= 8 && (!memcmp(head, magic_little, 8) || !memcmp(head, magic_big, 8) || !memcmp(head, magic_old, 8));
}

void wb_perf_header_deinit(struct wb_perf_header *header)
{
	wb_perf_build_ids_deinit(&header->build_ids);
	wb_mem_free(header->hostname);
	wb_mem_free(header->os_release);
	wb_mem_free(header->command_line);
}

static enum wb_err report(const struct wb_capture_input *input, enum wb_err err, enum wb_diag_code code, uint64_t offset, const char *text)
{
	return wb_diag_report(wb_session_diags(input->session), err, code, input->name, "", offset, "%s", text);
}

/* ---- Features ----------------------------------------------------------------------------------------------------- */

/* A string of perf's: u32 length with its padding, then bytes, NUL among them. *ret_string is borrowed. */
static bool take_string(struct wb_bytes *bytes, const char **ret_string, size_t *ret_size)
{
	uint32_t size = wb_bytes_u32(bytes);
	const uint8_t *string = wb_bytes_take(bytes, size);
	const uint8_t *end;

	if (!string || wb_bytes_failed(bytes))
		return false;
	end = size ? memchr(string, 0, size) : NULL;
	*ret_string = (const char *)string;
	*ret_size = end ? (size_t)(end - string) : size;
	if (*ret_size > STRING_MAX)
		*ret_size = STRING_MAX;
	return true;
}

static enum wb_err keep_string(struct wb_bytes *bytes, char **string)
{
	const char *text;
	size_t size;
	char *copy;

	if (!take_string(bytes, &text, &size))
		return WB_ERR_DATA;
	copy = wb_mem_zalloc(1, size + 1);
	if (!copy)
		return WB_ERR_MEMORY;
	memcpy(copy, text, size);
	wb_mem_free(*string);
	*string = copy;
	return WB_OK;
}

/* The words of the command, with a space between. */
static enum wb_err keep_command_line(struct wb_bytes *bytes, char **string)
{
	uint32_t count = wb_bytes_u32(bytes);
	char *line = wb_mem_zalloc(1, STRING_MAX + 1);
	size_t used = 0;

	if (!line)
		return WB_ERR_MEMORY;
	for (uint32_t i = 0; i < count && !wb_bytes_at_end(bytes); i++) { /* every turn takes four bytes of the input */
		const char *text;
		size_t size;

		if (!take_string(bytes, &text, &size))
			break;
		if (used && used < STRING_MAX)
			line[used++] = ' ';
		if (size > STRING_MAX - used)
			size = STRING_MAX - used;
		memcpy(line + used, text, size);
		used += size;
	}
	wb_mem_free(*string);
	*string = line;
	return wb_bytes_failed(bytes) ? WB_ERR_DATA : WB_OK;
}

static enum wb_err keep_arch(struct wb_perf_header *header, struct wb_bytes *bytes)
{
	const char *text;
	size_t size;
	char name[64];

	if (!take_string(bytes, &text, &size))
		return WB_ERR_DATA;
	if (size >= sizeof(name))
		return WB_OK;
	memcpy(name, text, size);
	name[size] = 0;
	/* A machine that is not known stays unknown: recorded frames are still of use. */
	(void)wb_arch_from_name(name, &header->arch);
	return WB_OK;
}

/* EVENT_DESC: the events' names. They are found again by their ids, or stand in the order of the attrs. */
static enum wb_err keep_event_names(struct wb_capture_input *input, struct wb_perf_events *events, struct wb_bytes *bytes)
{
	uint32_t count = wb_bytes_u32(bytes), attr_size = wb_bytes_u32(bytes);
	enum wb_err err = WB_OK;

	for (uint32_t i = 0; err == WB_OK && i < count && !wb_bytes_at_end(bytes); i++) { /* every turn takes eight bytes of the input */
		uint32_t num_ids, index = i;
		const char *name;
		size_t size;

		wb_bytes_skip(bytes, attr_size);
		num_ids = wb_bytes_u32(bytes);
		if (!take_string(bytes, &name, &size))
			break;
		for (uint32_t k = 0; k < num_ids && !wb_bytes_at_end(bytes); k++) { /* every turn takes eight bytes of the input */
			uint64_t id = wb_bytes_u64(bytes);

			if (!k)
				(void)wb_perf_events_find(events, id, &index);
		}
		if (index < events->count)
			err = wb_perf_events_set_name(events, input, index, name, size);
	}
	return err == WB_OK && wb_bytes_failed(bytes) ? WB_ERR_DATA : err;
}

enum wb_err wb_perf_header_build_id(struct wb_perf_header *header, uint16_t misc, struct wb_bytes body)
{
	unsigned cpumode = misc & WB_PERF_CPUMODE;
	uint8_t size = WB_PERF_BUILD_ID_MAX;
	const uint8_t *bytes;
	const char *path;

	wb_bytes_u32(&body); /* pid: of a guest machine, else -1 */
	bytes = wb_bytes_take(&body, 24);
	path = wb_bytes_string(&body);
	if (!bytes || !path)
		return WB_ERR_DATA;
	if (misc & WB_PERF_MISC_BUILD_ID_SIZE)
		size = bytes[20];
	if (!size || size > WB_PERF_BUILD_ID_MAX || (cpumode != WB_PERF_KERNEL && cpumode != WB_PERF_USER))
		return WB_OK;
	return wb_perf_build_ids_add(&header->build_ids, path, cpumode == WB_PERF_KERNEL, bytes, size);
}

/* The feature is a list of BUILD_ID records; their type is 0 in files. */
static enum wb_err keep_build_ids(struct wb_perf_header *header, struct wb_bytes *bytes)
{
	enum wb_err err = WB_OK;

	while (err == WB_OK && !wb_bytes_at_end(bytes)) { /* every turn takes a record's header of the input */
		uint16_t misc, size;

		wb_bytes_u32(bytes);
		misc = wb_bytes_u16(bytes);
		size = wb_bytes_u16(bytes);
		if (size < WB_PERF_HEADER_SIZE)
			return WB_ERR_DATA;
		err = wb_perf_header_build_id(header, misc, wb_bytes_sub(bytes, (uint64_t)size - WB_PERF_HEADER_SIZE));
	}
	return err == WB_OK && wb_bytes_failed(bytes) ? WB_ERR_DATA : err;
}

static bool feature_matters(unsigned feature)
{
	switch (feature) {
	case FEATURE_BUILD_ID:
	case FEATURE_HOSTNAME:
	case FEATURE_OSRELEASE:
	case FEATURE_ARCH:
	case FEATURE_CMDLINE:
	case FEATURE_EVENT_DESC: return true;
	default: return false;
	}
}

enum wb_err wb_perf_header_feature(struct wb_perf_header *header, struct wb_capture_input *input, struct wb_perf_events *events, uint64_t feature,
				   struct wb_bytes bytes)
{
	switch (feature) {
	case FEATURE_BUILD_ID: return keep_build_ids(header, &bytes);
	case FEATURE_HOSTNAME: return keep_string(&bytes, &header->hostname);
	case FEATURE_OSRELEASE: return keep_string(&bytes, &header->os_release);
	case FEATURE_ARCH: return keep_arch(header, &bytes);
	case FEATURE_CMDLINE: return keep_command_line(&bytes, &header->command_line);
	case FEATURE_EVENT_DESC: return keep_event_names(input, events, &bytes);
	default: return WB_OK;
	}
}

/* ---- The file's header -------------------------------------------------------------------------------------------- */

/* Which features there are. A 64-bit big-endian machine writes the bitmap as u64s, a 32-bit one as u32s: HOSTNAME, which is always there,
 * tells. Little-endian machines write the same bytes either way. */
static void read_bitmap(struct wb_bytes *bytes, uint64_t bitmap[NUM_FEATURES / 64])
{
	for (size_t i = 0; i < NUM_FEATURES / 64; i++)
		bitmap[i] = wb_bytes_u64(bytes);
	if (!bytes->big_endian || bitmap[0] >> FEATURE_HOSTNAME & 1)
		return;
	for (size_t i = 0; i < NUM_FEATURES / 64; i++)
		bitmap[i] = bitmap[i] << 32 | bitmap[i] >> 32;
	if (bitmap[0] >> FEATURE_HOSTNAME & 1)
		return;
	/* perf's own last resort: build ids alone. */
	memset(bitmap, 0, NUM_FEATURES / 8);
	bitmap[0] = 1 << FEATURE_BUILD_ID;
}

/* Features are helpful, not needed: a damaged one is reported and left out. Where they lie outside the file, it was cut. */
static enum wb_err read_feature(struct wb_perf_header *header, struct wb_capture_input *input, struct wb_perf_events *events, unsigned feature,
				uint64_t entry)
{
	uint64_t file_size = wb_file_size(input->file);
	uint8_t bytes[sizeof(struct section)];
	struct section section;
	struct wb_piece piece;
	enum wb_err err = wb_file_read(input->file, entry, bytes, sizeof(bytes));

	if (err != WB_OK)
		return err;
	section.offset = wb_load64(bytes, header->big_endian);
	section.size = wb_load64(bytes + 8, header->big_endian);
	if (section.offset > file_size || section.size > file_size - section.offset) {
		header->cut = true;
		report(input, WB_ERR_DATA, WB_DIAG_CAPTURE_TRUNCATED, entry, "a feature lies outside the file");
		return WB_OK;
	}
	if (!feature_matters(feature))
		return WB_OK;
	if (section.size > FEATURE_SIZE_MAX)
		return report(input, WB_OK, WB_DIAG_CAPTURE_MALFORMED, entry, "a feature is too large");
	err = wb_file_piece(input->file, section.offset, section.size, &piece);
	if (err != WB_OK)
		return err;
	err = wb_perf_header_feature(header, input, events, feature, wb_bytes_of(piece.bytes, piece.size, header->big_endian));
	wb_piece_deinit(&piece);
	return err == WB_ERR_DATA ? report(input, WB_OK, WB_DIAG_CAPTURE_MALFORMED, section.offset, "a feature is malformed") : err;
}

/* A table of sections behind the records, one for each bit. */
static enum wb_err read_features(struct wb_perf_header *header, struct wb_capture_input *input, struct wb_perf_events *events,
				 const uint64_t bitmap[NUM_FEATURES / 64])
{
	uint64_t file_size = wb_file_size(input->file), at = header->data_offset + header->data_size;
	enum wb_err err = WB_OK;

	for (unsigned feature = 0; err == WB_OK && feature < NUM_FEATURES; feature++) {
		if (!(bitmap[feature / 64] >> feature % 64 & 1))
			continue;
		if (at > file_size || file_size - at < sizeof(struct section)) {
			header->cut = true;
			report(input, WB_ERR_DATA, WB_DIAG_CAPTURE_TRUNCATED, file_size, "the file ends before its list of features");
			return WB_OK;
		}
		err = read_feature(header, input, events, feature, at);
		at += sizeof(struct section);
	}
	return err;
}

static enum wb_err read_ids(struct wb_capture_input *input, struct wb_perf_events *events, struct section ids, uint32_t event, bool big_endian)
{
	uint64_t file_size = wb_file_size(input->file);
	struct wb_piece piece;
	struct wb_bytes bytes;
	enum wb_err err;

	if (ids.size > ATTRS_SIZE_MAX || ids.offset > file_size || ids.size > file_size - ids.offset)
		return WB_ERR_DATA;
	err = wb_file_piece(input->file, ids.offset, ids.size, &piece);
	if (err != WB_OK)
		return err;
	bytes = wb_bytes_of(piece.bytes, piece.size, big_endian);
	while (err == WB_OK && wb_bytes_left(&bytes) >= 8)
		err = wb_perf_events_add_id(events, wb_bytes_u64(&bytes), event);
	wb_piece_deinit(&piece);
	return err;
}

/* Entries of attr_size bytes: an attr, then where its ids are. */
static enum wb_err read_attrs(struct wb_perf_header *header, struct wb_capture_input *input, struct wb_perf_events *events, struct section attrs,
			      uint64_t attr_size)
{
	uint64_t file_size = wb_file_size(input->file);
	struct wb_piece piece;
	struct wb_bytes bytes;
	enum wb_err err;

	if (attr_size < ATTR_ENTRY_MIN || attr_size > ATTR_ENTRY_MAX || attrs.size > ATTRS_SIZE_MAX || attrs.offset > file_size ||
	    attrs.size > file_size - attrs.offset)
		return report(input, WB_ERR_DATA, WB_DIAG_CAPTURE_MALFORMED, 16, "the header's list of events is malformed, or lies outside the file");
	err = wb_file_piece(input->file, attrs.offset, attrs.size, &piece);
	if (err != WB_OK)
		return err;
	bytes = wb_bytes_of(piece.bytes, piece.size, header->big_endian);
	while (err == WB_OK && wb_bytes_left(&bytes) >= attr_size) {
		const uint8_t *attr = wb_bytes_take(&bytes, (size_t)attr_size - sizeof(struct section));
		uint64_t at = attrs.offset + wb_bytes_offset(&bytes);
		struct section ids = { wb_bytes_u64(&bytes), 0 };
		uint32_t event;

		ids.size = wb_bytes_u64(&bytes);
		err = wb_perf_events_add(events, input, attr, (size_t)attr_size - sizeof(struct section), &event);
		if (err == WB_OK)
			err = read_ids(input, events, ids, event, header->big_endian);
		if (err == WB_ERR_DATA)
			report(input, err, WB_DIAG_CAPTURE_MALFORMED, at, "the description of an event is malformed");
		if (err == WB_ERR_LIMIT)
			report(input, err, WB_DIAG_CAPTURE_MALFORMED, at, "more events, or ids of events, than any recording has");
	}
	wb_piece_deinit(&piece);
	return err;
}

/* Version 1 has no magic of its own for the other byte order: its size, which is small, tells. */
static bool head_is_big_endian(const struct wb_capture_input *input)
{
	if (!memcmp(input->head, magic_old, 8))
		return input->head_size >= PIPE_HEADER_SIZE && wb_load64(input->head + 8, false) > UINT32_MAX;
	return !memcmp(input->head, magic_big, 8);
}

static enum wb_err read_file_header(struct wb_perf_header *header, struct wb_capture_input *input, struct wb_perf_events *events, uint64_t size,
				    struct wb_bytes *bytes)
{
	uint64_t bitmap[NUM_FEATURES / 64] = { 0 };
	uint64_t attr_size = wb_bytes_u64(bytes), file_size = wb_file_size(input->file);
	struct section attrs;
	enum wb_err err;

	attrs.offset = wb_bytes_u64(bytes);
	attrs.size = wb_bytes_u64(bytes);
	header->data_offset = wb_bytes_u64(bytes);
	header->data_size = wb_bytes_u64(bytes);
	wb_bytes_skip(bytes, 16); /* event types: no longer written */
	if (size > BITMAP_AT)
		read_bitmap(bytes, bitmap);
	if (size < BITMAP_AT || wb_bytes_failed(bytes))
		return report(input, WB_ERR_DATA, WB_DIAG_CAPTURE_TRUNCATED, 0, "the file ends inside its header");
	if (header->data_offset > file_size || header->data_size > UINT64_MAX - header->data_offset)
		return report(input, WB_ERR_DATA, WB_DIAG_CAPTURE_MALFORMED, 40, "the header's data section lies outside the file");
	err = read_attrs(header, input, events, attrs, attr_size);
	if (err != WB_OK)
		return err;
	if (!events->count)
		return report(input, WB_ERR_DATA, WB_DIAG_CAPTURE_MALFORMED, 16, "the recording describes no event");
	/* Features come last: a recording that was not finished, or was cut, has none. */
	if (!header->data_size || header->data_size > file_size - header->data_offset)
		return WB_OK;
	return read_features(header, input, events, bitmap);
}

enum wb_err wb_perf_header_read(struct wb_perf_header *header, struct wb_capture_input *input, struct wb_perf_events *events)
{
	struct wb_bytes bytes;
	uint64_t size;

	header->big_endian = events->big_endian = head_is_big_endian(input);
	bytes = wb_bytes_of(input->head, input->head_size < FILE_HEADER_SIZE ? input->head_size : FILE_HEADER_SIZE, header->big_endian);
	wb_bytes_skip(&bytes, 8);
	size = wb_bytes_u64(&bytes);
	if (wb_bytes_failed(&bytes))
		return report(input, WB_ERR_DATA, WB_DIAG_CAPTURE_TRUNCATED, 0, "the file ends inside its header");
	header->pipe = size == PIPE_HEADER_SIZE;
	if (header->pipe) {
		header->data_offset = PIPE_HEADER_SIZE;
		return WB_OK;
	}
	if (!input->file)
		return report(input, WB_ERR_UNSUPPORTED, WB_DIAG_CAPTURE_UNSUPPORTED, 0,
			      "the recording has the form of a file: it cannot be read from a stream");
	return read_file_header(header, input, events, size, &bytes);
}
