/* SPDX-License-Identifier: MIT */
/* Go's pclntab: the header, functions and their tables of values. Every read is bounded by the table's bytes. */
#include "model/pclntab.h"

#include "base/mem.h"

enum {
	/* A function has at most one value an instruction; the longest known, initializers that tools wrote, have some hundred thousand. */
	STEPS_MAX = 1 << 22,
	VARINT_MAX = 5,               /* bytes of 32 bits */
};

/* What a version has where. Words are of the pointer size, counted from behind the first eight bytes. */
struct layout {
	uint32_t magic;
	uint8_t words;                /* of the header */
	uint8_t text;                 /* which one; 0: none */
	uint8_t names;                /* the first of five: names, units, files, values, functions; 0: none */
	bool absolute;                /* entries are addresses, else offsets of 32 bits from the start of text */
	bool has_units, has_start_line;
};

static const struct layout layouts[WB_PCLNTAB_VERSIONS] = {
	[WB_PCLNTAB_1_2] = { .magic = 0xfffffffb, .words = 1, .absolute = true },
	[WB_PCLNTAB_1_16] = { .magic = 0xfffffffa, .words = 7, .names = 2, .absolute = true, .has_units = true },
	[WB_PCLNTAB_1_18] = { .magic = 0xfffffff0, .words = 8, .text = 2, .names = 3, .has_units = true },
	[WB_PCLNTAB_1_20] = { .magic = 0xfffffff1, .words = 8, .text = 2, .names = 3, .has_units = true, .has_start_line = true },
};

/* ---- The header ---- */

/* Behind the magic: two zeros, the quantum, the pointer size. */
static bool is_plausible(const uint8_t *bytes, size_t size)
{
	return size >= 8 && !bytes[4] && !bytes[5] && (bytes[6] == 1 || bytes[6] == 2 || bytes[6] == 4) && (bytes[7] == 4 || bytes[7] == 8);
}

static bool find_version(const uint8_t *bytes, size_t size, bool big_endian, enum wb_pclntab_version *ret_version)
{
	uint32_t magic;

	if (!is_plausible(bytes, size))
		return false;
	magic = wb_load32(bytes, big_endian);
	for (int i = 0; i < WB_PCLNTAB_VERSIONS; i++) {
		if (magic != layouts[i].magic)
			continue;
		*ret_version = (enum wb_pclntab_version)i;
		return true;
	}
	return false;
}

bool wb_pclntab_is_header(const uint8_t *bytes, size_t size, bool big_endian)
{
	enum wb_pclntab_version version;

	return find_version(bytes, size, big_endian, &version);
}

static size_t entry_size(const struct wb_pclntab *table)
{
	return layouts[table->version].absolute ? table->word_size : 4;
}

/* The word at an offset; 0 (failed) behind the end. */
static uint64_t read_at(struct wb_bytes *bytes, uint64_t offset, unsigned size)
{
	wb_bytes_seek(bytes, offset);
	return wb_bytes_uint(bytes, size);
}

/* Functions are pairs of an entry and where it is described, then one more entry: the end. */
static bool functions_fit(struct wb_pclntab *table, uint64_t count)
{
	size_t size = wb_bytes_size(&table->bytes), pair = 2 * entry_size(table);

	if (table->entries > size || !count || count > UINT32_MAX - 1)
		return false;
	return (size - table->entries) / pair >= count && size - table->entries - count * pair >= pair / 2;
}

static bool tables_are_ordered(const struct wb_pclntab *table)
{
	return table->names < table->units && table->units <= table->files && table->files <= table->values && table->values <= table->functions &&
	       table->functions < wb_bytes_size(&table->bytes);
}

static bool read_tables(struct wb_pclntab *table, struct wb_bytes *reader)
{
	const struct layout *layout = &layouts[table->version];
	uint64_t words[8] = { 0 };

	for (unsigned i = 0; i < layout->words; i++)
		words[i] = wb_bytes_uint(reader, table->word_size);
	if (wb_bytes_failed(reader))
		return false;
	table->entries = wb_bytes_offset(reader);
	if (layout->names) {
		table->names = words[layout->names];
		table->units = words[layout->names + 1];
		table->files = words[layout->names + 2];
		table->values = words[layout->names + 3];
		table->functions = table->entries = words[layout->names + 4];
		if (!tables_are_ordered(table))
			return false;
	}
	if (!functions_fit(table, words[0]))
		return false;
	table->num_functions = (uint32_t)words[0];
	table->text = layout->text ? words[layout->text] : 0;
	table->has_text = layout->absolute || table->text;
	/* Before there were units, the number of the table of files stood behind the functions. */
	if (!layout->names)
		table->files = read_at(reader, table->entries + words[0] * 2 * table->word_size + table->word_size, 4);
	return !wb_bytes_failed(reader) && table->files < wb_bytes_size(&table->bytes);
}

enum wb_err wb_pclntab_open_as(const uint8_t *bytes, size_t size, uint64_t address, bool big_endian, enum wb_pclntab_version version,
                               struct wb_pclntab *ret_table)
{
	struct wb_pclntab table = { .bytes = wb_bytes_of(bytes, size, big_endian), .address = address, .version = version };
	struct wb_bytes reader = table.bytes;

	if (!is_plausible(bytes, size))
		return WB_NONE;
	table.quantum = bytes[6];
	table.word_size = bytes[7];
	wb_bytes_skip(&reader, 8);
	if (address > UINT64_MAX - size || !read_tables(&table, &reader))
		return WB_ERR_DATA;
	*ret_table = table;
	return WB_OK;
}

enum wb_err wb_pclntab_open(const uint8_t *bytes, size_t size, uint64_t address, bool big_endian, struct wb_pclntab *ret_table)
{
	enum wb_pclntab_version version;

	if (!find_version(bytes, size, big_endian, &version))
		return WB_NONE;
	return wb_pclntab_open_as(bytes, size, address, big_endian, version, ret_table);
}

/* ---- Functions ---- */

/* The entry of a function, or the end of the last; the reader stands behind it. */
static uint64_t read_entry(const struct wb_pclntab *table, uint32_t index, struct wb_bytes *reader)
{
	size_t size = entry_size(table);

	return table->text + read_at(reader, table->entries + (uint64_t)index * 2 * size, (unsigned)size);
}

static enum wb_err read_record(const struct wb_pclntab *table, struct wb_bytes *reader, struct wb_go_function *ret)
{
	const struct layout *layout = &layouts[table->version];

	wb_bytes_seek(reader, ret->record);
	wb_bytes_skip(reader, entry_size(table));
	ret->name = (int32_t)wb_bytes_u32(reader);
	wb_bytes_skip(reader, 8);     /* bytes of arguments, deferreturn */
	ret->sp = wb_bytes_u32(reader);
	ret->file = wb_bytes_u32(reader);
	ret->line = wb_bytes_u32(reader);
	ret->num_pcdata = wb_bytes_u32(reader);
	ret->unit = layout->has_units ? wb_bytes_u32(reader) : UINT32_MAX;
	ret->start_line = layout->has_start_line ? wb_bytes_u32(reader) : 0;
	ret->id = wb_bytes_u8(reader);
	ret->flags = table->version == WB_PCLNTAB_1_2 ? wb_bytes_skip(reader, 1), 0 : wb_bytes_u8(reader);
	wb_bytes_skip(reader, 1);
	ret->num_funcdata = wb_bytes_u8(reader);
	return wb_bytes_failed(reader) ? WB_ERR_DATA : WB_OK;
}

enum wb_err wb_pclntab_function(const struct wb_pclntab *table, uint32_t index, struct wb_go_function *ret_function)
{
	struct wb_bytes reader = table->bytes;
	struct wb_go_function function = { .index = index };
	unsigned size = (unsigned)entry_size(table);
	uint64_t record;
	enum wb_err err;

	if (index >= table->num_functions || !table->has_text)
		return WB_NONE;
	function.start = read_entry(table, index, &reader);
	record = wb_bytes_uint(&reader, size);
	function.end = read_entry(table, index + 1, &reader);
	/* All ones: a hole that other linkers filled (cmd/link, up to 1.17). */
	if (layouts[table->version].absolute && record == (size == 8 ? UINT64_MAX : UINT32_MAX))
		return WB_NONE;
	if (wb_bytes_failed(&reader) || function.end < function.start || record > wb_bytes_size(&table->bytes))
		return WB_ERR_DATA;
	function.record = table->functions + record;
	err = read_record(table, &reader, &function);
	if (!err)
		*ret_function = function;
	return err;
}

enum wb_err wb_pclntab_find(const struct wb_pclntab *table, uint64_t image_pc, struct wb_go_function *ret_function)
{
	struct wb_bytes reader = table->bytes;
	uint32_t low = 0, high = table->num_functions;

	if (!table->has_text || image_pc < read_entry(table, 0, &reader) || image_pc >= read_entry(table, high, &reader))
		return WB_NONE;
	/* The last that starts at or below image_pc. */
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (read_entry(table, middle, &reader) <= image_pc)
			low = middle;
		else
			high = middle;
	}
	return wb_pclntab_function(table, low, ret_function);
}

static const char *string_at(const struct wb_pclntab *table, uint64_t offset)
{
	struct wb_bytes reader = table->bytes;

	wb_bytes_seek(&reader, offset);
	return wb_bytes_string(&reader);
}

const char *wb_pclntab_name(const struct wb_pclntab *table, const struct wb_go_function *function)
{
	return function->name < 0 ? NULL : string_at(table, table->names + (uint32_t)function->name);
}

const char *wb_pclntab_file(const struct wb_pclntab *table, const struct wb_go_function *function, int32_t number)
{
	struct wb_bytes reader = table->bytes;
	uint32_t offset;

	if (number < 0)
		return NULL;
	if (!layouts[table->version].has_units) {
		/* A count, then offsets; numbers begin with 1. */
		offset = (uint32_t)read_at(&reader, table->files + 4 * (uint64_t)(uint32_t)number, 4);
		return wb_bytes_failed(&reader) || !number ? NULL : string_at(table, offset);
	}
	if (function->unit == UINT32_MAX)
		return NULL;
	offset = (uint32_t)read_at(&reader, table->units + 4 * ((uint64_t)function->unit + (uint32_t)number), 4);
	if (wb_bytes_failed(&reader))
		return NULL;
	return offset == UINT32_MAX ? "?" : string_at(table, table->files + offset);
}

/* ---- Values by pc ---- */

void wb_go_values_begin(const struct wb_pclntab *table, const struct wb_go_function *function, uint32_t offset, struct wb_go_values *ret_values)
{
	struct wb_go_values values = {
		.bytes = table->bytes, .start = function->start, .end = function->start, .limit = function->end, .quantum = table->quantum,
		.left = STEPS_MAX, .value = -1, .is_first = true,
	};

	/* 0 stands for no table. */
	if (offset)
		wb_bytes_seek(&values.bytes, table->values + offset);
	else
		values.left = 0;
	*ret_values = values;
}

static uint32_t read_varint(struct wb_bytes *bytes)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < VARINT_MAX; i++) {
		uint8_t byte = wb_bytes_u8(bytes);

		value |= (uint32_t)(byte & 0x7f) << 7 * i;
		if (byte < 0x80)
			return value;
	}
	wb_bytes_fail(bytes);
	return 0;
}

/* Pairs of a change of the value, zigzag, and how far it holds. A change of 0 ends the table, but for the first: the value begins as -1. */
enum wb_err wb_go_values_next(struct wb_go_values *values)
{
	uint32_t change, distance;

	if (!values->left)
		return WB_NONE;
	change = read_varint(&values->bytes);
	if (!change && !values->is_first && !wb_bytes_failed(&values->bytes)) {
		values->left = 0;
		return WB_NONE;
	}
	distance = read_varint(&values->bytes);
	values->is_first = false;
	values->left--;
	values->value = (int32_t)((uint32_t)values->value + (change & 1 ? ~(change >> 1) : change >> 1));
	values->start = values->end;
	if (wb_bytes_failed(&values->bytes) || !values->left || !wb_u64_add(values->end, (uint64_t)distance * values->quantum, &values->end)) {
		values->left = 0;
		return WB_ERR_DATA;
	}
	return WB_OK;
}

enum wb_err wb_pclntab_value(const struct wb_pclntab *table, const struct wb_go_function *function, uint32_t offset, uint64_t image_pc,
                             int32_t *ret_value)
{
	struct wb_go_values values;
	enum wb_err err;

	wb_go_values_begin(table, function, offset, &values);
	do {
		err = wb_go_values_next(&values);
	} while (!err && values.end <= image_pc);
	if (!err)
		*ret_value = values.value;
	return err;
}
