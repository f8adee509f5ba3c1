/* SPDX-License-Identifier: MIT */
/* Line tables: 12 bytes a row, found by two binary searches. */
#include "symbols/lines.h"

#include "base/mem.h"
#include "symbols/sort.h"

#include <string.h>

enum {
	FILE_SHIFT = 16, LINE_SHIFT = 36, /* column 16 bits, file 20, line 28 */
	ROWS_MAX = 1 << 30,
	OVERLAPS_MAX = 1024,          /* sequences looked at that start before an address and end before it too, while an earlier one does not */
};

struct wb_lines {
	size_t bytes;                 /* of the block: this, sequences, places, files, addresses */
	uint64_t folder, root;
	const struct wb_line_sequence *sequences;
	const uint64_t *places;
	const struct wb_lines_file *files;
	const uint32_t *addresses;
	size_t num_sequences, num_rows, num_files;
};

/* ---- Compiling ---------------------------------------------------------------------------------------------------------- */

void wb_lines_builder_init(struct wb_lines_builder *builder, const struct wb_text *text)
{
	*builder = (struct wb_lines_builder){ .text = text, .folder = WB_REF_NONE, .root = WB_REF_NONE };
}

void wb_lines_builder_deinit(struct wb_lines_builder *builder)
{
	wb_mem_free(builder->sequences);
	wb_mem_free(builder->addresses);
	wb_mem_free(builder->places);
	wb_mem_free(builder->files);
	wb_lines_builder_init(builder, builder->text);
}

enum wb_err wb_lines_add_file(struct wb_lines_builder *builder, uint64_t name, uint64_t dir)
{
	if (builder->num_files > WB_LINES_FILE_MAX)
		return WB_OK; /* no row can name it */
	if (!wb_mem_grow((void **)&builder->files, &builder->files_capacity, builder->num_files, 1, sizeof *builder->files))
		return WB_ERR_MEMORY;
	builder->files[builder->num_files++] = (struct wb_lines_file){ name, dir };
	return WB_OK;
}

static void open_sequence(struct wb_lines_builder *builder, uint64_t address)
{
	builder->is_open = true;
	builder->is_dropped = builder->text && builder->text->num_ranges > 0 && !wb_text_find(builder->text, address);
	builder->start = builder->last = address;
	builder->first_row = builder->num_rows;
}

static uint64_t place_of(uint64_t file, uint64_t line, uint64_t column)
{
	if (file > WB_LINES_FILE_MAX)
		file = WB_LINES_FILE_MAX;
	if (line > WB_LINES_LINE_MAX)
		line = 0;
	if (column > WB_LINES_COLUMN_MAX)
		column = 0;
	return line << LINE_SHIFT | file << FILE_SHIFT | column;
}

enum wb_err wb_lines_add_row(struct wb_lines_builder *builder, uint64_t address, uint64_t file, uint64_t line, uint64_t column)
{
	uint64_t place = place_of(file, line, column);
	size_t n = builder->num_rows;

	if (!builder->is_open)
		open_sequence(builder, address);
	if (builder->is_dropped || address < builder->last)
		return WB_OK;
	if (address - builder->start > UINT32_MAX || n == ROWS_MAX) {
		builder->is_dropped = true;
		return WB_OK;
	}
	if (n > builder->first_row && address == builder->last && builder->addresses[n - 1] == address - builder->start) {
		builder->places[n - 1] = place;
		return WB_OK;
	}
	builder->last = address;
	if (n > builder->first_row && builder->places[n - 1] == place)
		return WB_OK;
	if ((n == builder->addresses_capacity &&
	     !wb_mem_grow((void **)&builder->addresses, &builder->addresses_capacity, n, 1, sizeof *builder->addresses)) ||
	    (n == builder->places_capacity &&
	     !wb_mem_grow((void **)&builder->places, &builder->places_capacity, n, 1, sizeof *builder->places)))
		return WB_ERR_MEMORY;
	builder->addresses[n] = (uint32_t)(address - builder->start);
	builder->places[n] = place;
	builder->num_rows = n + 1;
	return WB_OK;
}

enum wb_err wb_lines_end_sequence(struct wb_lines_builder *builder, uint64_t end)
{
	bool is_kept = builder->is_open && !builder->is_dropped && builder->num_rows > builder->first_row;

	builder->is_open = false;
	if (end < builder->last)
		end = builder->last;
	if (!is_kept || end <= builder->start || end - builder->start > UINT32_MAX) {
		if (builder->num_rows > builder->first_row)
			builder->num_rows = builder->first_row;
		return WB_OK;
	}
	if (!wb_mem_grow((void **)&builder->sequences, &builder->sequences_capacity, builder->num_sequences, 1, sizeof *builder->sequences))
		return WB_ERR_MEMORY;
	builder->sequences[builder->num_sequences++] = (struct wb_line_sequence){
		builder->start, end, end, (uint32_t)builder->first_row, (uint32_t)(builder->num_rows - builder->first_row),
	};
	builder->first_row = builder->num_rows;
	return WB_OK;
}

/* By start; of equal starts the order of the program. */
static enum wb_err sort_sequences(struct wb_lines_builder *builder, struct wb_line_sequence *ret_sorted)
{
	size_t n = builder->num_sequences;
	uint64_t *keys = wb_mem_zalloc(n, sizeof *keys);
	uint32_t *order = wb_mem_zalloc(n, sizeof *order);
	enum wb_err err = keys && order ? WB_OK : WB_ERR_MEMORY;

	for (size_t i = 0; !err && i < n; i++) {
		keys[i] = builder->sequences[i].start;
		order[i] = (uint32_t)i;
	}
	if (!err)
		err = wb_sort_by_key(keys, order, n);
	for (size_t i = 0; !err && i < n; i++) {
		ret_sorted[i] = builder->sequences[order[i]];
		if (i > 0 && ret_sorted[i - 1].max_end > ret_sorted[i].max_end)
			ret_sorted[i].max_end = ret_sorted[i - 1].max_end;
	}
	wb_mem_free(keys);
	wb_mem_free(order);
	return err;
}

static void *copy_to(char **at, const void *items, size_t size)
{
	void *copy = *at;

	if (size > 0)
		memcpy(copy, items, size);
	*at += size;
	return copy;
}

enum wb_err wb_lines_builder_finish(struct wb_lines_builder *builder, struct wb_lines **ret_lines)
{
	size_t sequences_size = builder->num_sequences * sizeof *builder->sequences, places_size = builder->num_rows * sizeof *builder->places;
	size_t files_size = builder->num_files * sizeof *builder->files, addresses_size, size;
	struct wb_line_sequence *sequences;
	struct wb_lines *lines;
	enum wb_err err;
	char *at;

	if (builder->is_open) {
		builder->is_dropped = true;
		wb_lines_end_sequence(builder, 0);
		places_size = builder->num_rows * sizeof *builder->places;
	}
	addresses_size = builder->num_rows * sizeof *builder->addresses;
	size = sizeof *lines + sequences_size + places_size + files_size + addresses_size;
	lines = wb_mem_alloc(size);
	if (!lines)
		return WB_ERR_MEMORY;
	at = (char *)(lines + 1);
	sequences = (struct wb_line_sequence *)(void *)at;
	at += sequences_size;
	*lines = (struct wb_lines){
		.bytes = size, .folder = builder->folder, .root = builder->root, .sequences = sequences,
		.num_sequences = builder->num_sequences, .num_rows = builder->num_rows, .num_files = builder->num_files,
	};
	lines->places = copy_to(&at, builder->places, places_size);
	lines->files = copy_to(&at, builder->files, files_size);
	lines->addresses = copy_to(&at, builder->addresses, addresses_size);
	err = sort_sequences(builder, sequences);
	if (err) {
		wb_mem_free(lines);
		return err;
	}
	*ret_lines = lines;
	return WB_OK;
}

void wb_lines_free(struct wb_lines *lines)
{
	wb_mem_free(lines);
}

size_t wb_lines_bytes(const struct wb_lines *lines)
{
	return lines ? lines->bytes : 0;
}

const struct wb_line_sequence *wb_lines_sequences(const struct wb_lines *lines, size_t *ret_count)
{
	*ret_count = lines->num_sequences;
	return lines->sequences;
}

/* ---- Lookups -------------------------------------------------------------------------------------------------------------- */

/* The last row at or before image_pc; a sequence has one at its start. */
static uint64_t place_in(const struct wb_lines *lines, const struct wb_line_sequence *sequence, uint64_t image_pc)
{
	const uint32_t *addresses = lines->addresses + sequence->first_row;
	uint64_t offset = image_pc - sequence->start;
	uint32_t low = 0, n = sequence->num_rows;

	while (n > 1) {
		uint32_t half = n / 2;

		low += addresses[low + half] <= offset ? half : 0;
		n -= half;
	}
	return lines->places[sequence->first_row + low];
}

bool wb_lines_find(const struct wb_lines *lines, uint64_t image_pc, struct wb_line_hit *ret_hit)
{
	size_t low = 0, high = lines ? lines->num_sequences : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (lines->sequences[mid].start <= image_pc)
			low = mid + 1;
		else
			high = mid;
	}
	/* Of those that start before, the last that reaches this far; max_end says when none does. */
	for (size_t i = low, n = 0; i-- > 0 && n < OVERLAPS_MAX && lines->sequences[i].max_end > image_pc; n++) {
		uint64_t place;

		if (lines->sequences[i].end <= image_pc)
			continue;
		place = place_in(lines, &lines->sequences[i], image_pc);
		*ret_hit = (struct wb_line_hit){
			(uint32_t)(place >> FILE_SHIFT) & WB_LINES_FILE_MAX, (uint32_t)(place >> LINE_SHIFT), (uint32_t)place & WB_LINES_COLUMN_MAX,
		};
		return true;
	}
	return false;
}

/* ---- Paths -------------------------------------------------------------------------------------------------------------------- */

/* Objects from Windows are read here too: "C:/x", "C:\x", "\\server\x". */
static bool is_drive(const char *path)
{
	char letter = (char)(path[0] | 0x20);

	return letter >= 'a' && letter <= 'z' && path[1] == ':' && (path[2] == '/' || path[2] == '\\');
}

static bool is_absolute(const char *path)
{
	return path[0] == '/' || path[0] == '\\' || is_drive(path);
}

struct path { char *buffer; size_t size, used; bool is_windows, overflows; };

static void push(struct path *path, const char *part)
{
	size_t size = part ? strlen(part) : 0, used;

	if (size == 0)
		return;
	if (is_absolute(part)) {
		path->used = 0;
		path->overflows = false;
	}
	used = path->used;
	if (used == 0)
		path->is_windows = part[0] == '\\' || (is_drive(part) && part[2] == '\\');
	else if (path->buffer[used - 1] != '/' && path->buffer[used - 1] != '\\' && used < path->size)
		path->buffer[path->used++] = path->is_windows ? '\\' : '/';
	if (size >= path->size - path->used) {
		path->overflows = true;
		return;
	}
	memcpy(path->buffer + path->used, part, size + 1);
	path->used += size;
}

enum wb_err wb_lines_path(const struct wb_lines *lines, const struct wb_dwarf_sections *sections, uint32_t file, char *buffer, size_t size)
{
	struct path path = { .buffer = buffer, .size = size };
	const char *name;

	if (!lines || file >= lines->num_files || size == 0)
		return WB_NONE;
	name = wb_ref_text(sections, lines->files[file].name);
	if (!name || name[0] == '\0')
		return WB_NONE;
	push(&path, wb_ref_text(sections, lines->root));
	push(&path, wb_ref_text(sections, lines->folder));
	push(&path, wb_ref_text(sections, lines->files[file].dir));
	push(&path, name);
	return path.overflows ? WB_ERR_LIMIT : WB_OK;
}
