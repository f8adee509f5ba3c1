/* SPDX-License-Identifier: MIT */
/* What minidumps say beside: Crashpad's annotations (crashpad's minidump/minidump_extensions.h), and texts of Linux that Breakpad copies. */
#include "formats/capture_minidump.h"

#include "base/mem.h"

enum {
	NOTES_MAX = 4096,             /* of a dump, all modules together: Crashpad's own limits give some 400 */
	ANNOTATION_STRING = 1,        /* type of an annotation whose bytes are text */
	VALUE_MAX = 16 << 10,         /* bytes of an annotation's value: Crashpad writes at most 5 KiB */
};

static struct wb_minidump_location location(struct wb_bytes *b)
{
	uint32_t size = wb_bytes_u32(b);

	return (struct wb_minidump_location){ size, wb_bytes_u32(b) };
}

/* The table at a location, if the dump has it: WB_NONE otherwise. */
static enum wb_err table_at(struct wb_minidump *m, struct wb_minidump_location at, struct wb_piece *ret_piece, struct wb_bytes *ret_bytes)
{
	enum wb_err err = at.size && at.offset ? wb_minidump_piece(m, at.offset, at.size, "annotations", ret_piece) : WB_NONE;

	if (!err)
		*ret_bytes = wb_bytes_of(ret_piece->bytes, ret_piece->size, m->big_endian);
	return err;
}

static enum wb_err add_pair(struct wb_minidump *m, uint32_t key_offset, uint32_t value_offset)
{
	const char *key, *value;
	enum wb_err err = wb_minidump_string8(m, key_offset, &key);

	if (!err)
		err = wb_minidump_string8(m, value_offset, &value);
	return err || !*key ? err : wb_minidump_note(m, key, value);
}

/* MinidumpSimpleStringDictionaryEntry: a pair of strings. */
static enum wb_err read_pair(struct wb_minidump *m, struct wb_bytes *b)
{
	uint32_t key = wb_bytes_u32(b);

	return add_pair(m, key, wb_bytes_u32(b));
}

/* MinidumpAnnotation: name, type, value. */
static enum wb_err read_object(struct wb_minidump *m, struct wb_bytes *b)
{
	uint32_t name = wb_bytes_u32(b);
	uint16_t type = wb_bytes_u16(b);
	uint32_t value;

	wb_bytes_skip(b, 2);
	value = wb_bytes_u32(b);
	return type == ANNOTATION_STRING ? add_pair(m, name, value) : WB_OK;
}

/* Of a MinidumpRVAList of strings: a note without a key. */
static enum wb_err read_string(struct wb_minidump *m, struct wb_bytes *b)
{
	const char *value;
	enum wb_err err = wb_minidump_string8(m, wb_bytes_u32(b), &value);

	return err ? err : wb_minidump_note(m, "note", value);
}

/* Crashpad's lists: a count, then entries of one size. */
static enum wb_err read_list(struct wb_minidump *m, struct wb_minidump_location at, size_t entry_size,
                             enum wb_err (*read)(struct wb_minidump *m, struct wb_bytes *b))
{
	struct wb_piece piece;
	struct wb_bytes b;
	enum wb_err err = table_at(m, at, &piece, &b);

	if (err)
		return err == WB_NONE ? WB_OK : err;
	for (uint32_t i = 0, count = wb_bytes_u32(&b); i < count && m->num_notes < NOTES_MAX && wb_bytes_left(&b) >= entry_size && !err; i++)
		err = read(m, &b);
	wb_piece_deinit(&piece);
	return err;
}

static enum wb_err read_pairs(struct wb_minidump *m, struct wb_minidump_location at) { return read_list(m, at, 8, read_pair); }
static enum wb_err read_objects(struct wb_minidump *m, struct wb_minidump_location at) { return read_list(m, at, 12, read_object); }
static enum wb_err read_strings(struct wb_minidump *m, struct wb_minidump_location at) { return read_list(m, at, 4, read_string); }

/* MinidumpModuleCrashpadInfo. */
static enum wb_err read_module(struct wb_minidump *m, struct wb_minidump_location at)
{
	struct wb_minidump_location strings, pairs, objects = { 0, 0 };
	struct wb_piece piece;
	struct wb_bytes b;
	enum wb_err err = table_at(m, at, &piece, &b);

	if (err)
		return err == WB_NONE ? WB_OK : err;
	wb_bytes_skip(&b, 4); /* version */
	strings = location(&b);
	pairs = location(&b);
	if (wb_bytes_left(&b) >= 8)
		objects = location(&b);
	wb_piece_deinit(&piece);
	err = read_strings(m, strings);
	if (!err)
		err = read_pairs(m, pairs);
	return err ? err : read_objects(m, objects);
}

static enum wb_err read_module_list(struct wb_minidump *m, struct wb_minidump_location at)
{
	struct wb_piece piece;
	struct wb_bytes b;
	enum wb_err err = table_at(m, at, &piece, &b);

	if (err)
		return err == WB_NONE ? WB_OK : err;
	for (uint32_t i = 0, count = wb_bytes_u32(&b); i < count && m->num_notes < NOTES_MAX && wb_bytes_left(&b) >= 12 && !err; i++) {
		wb_bytes_skip(&b, 4); /* index in the list of modules */
		err = read_module(m, location(&b));
	}
	wb_piece_deinit(&piece);
	return err;
}

enum wb_err wb_minidump_read_crashpad(struct wb_minidump *m, struct wb_bytes *b)
{
	struct wb_minidump_location pairs, modules;
	enum wb_err err;

	wb_bytes_skip(b, 4 + 16 + 16); /* version, the ids of report and client */
	pairs = location(b);
	modules = location(b);
	if (wb_bytes_failed(b))
		return wb_minidump_report(m, WB_OK, WB_DIAG_CAPTURE_MALFORMED, UINT64_MAX, "the Crashpad information is too short");
	err = read_pairs(m, pairs);
	return err ? err : read_module_list(m, modules);
}

/* ---- Linux ---- */

/* The value of a line KEY=value, quotes taken off. */
static enum wb_err lsb_value(struct wb_minidump *m, const char *text, size_t size, const char *key, const char *shown)
{
	size_t length = strlen(key);

	for (size_t at = 0; at + length < size;) {
		const char *line = text + at, *end = memchr(line, '\n', size - at);
		size_t left = end ? (size_t)(end - line) : size - at;

		at += left + 1;
		if (left <= length || memcmp(line, key, length))
			continue;
		line += length;
		left -= length;
		if (left >= 2 && *line == '"' && line[left - 1] == '"') {
			line++;
			left -= 2;
		}
		if (left && left < VALUE_MAX) {
			struct wb_out out = { 0 };
			const char *value;

			wb_out_bytes(&out, line, left);
			value = wb_minidump_keep_out(m, &out);
			return value ? wb_minidump_note(m, shown, value) : WB_ERR_MEMORY;
		}
	}
	return WB_OK;
}

enum wb_err wb_minidump_read_lsb(struct wb_minidump *m, struct wb_bytes *b)
{
	const char *text = (const char *)b->start;
	size_t size = wb_bytes_size(b);
	/* /etc/lsb-release, and os-release(5). */
	static const struct { const char *key, *shown; } keys[] = {
		{ "DISTRIB_DESCRIPTION=", "distribution" }, { "PRETTY_NAME=", "distribution" }, { "DISTRIB_ID=", "distribution id" },
		{ "DISTRIB_RELEASE=", "distribution release" }, { "DISTRIB_CODENAME=", "distribution codename" },
	};
	enum wb_err err = WB_OK;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && !err; i++)
		err = lsb_value(m, text, size, keys[i].key, keys[i].shown);
	return err;
}

/* /proc/PID/status (proc_pid_status(5)): "Pid:" in a line of its own, a tab, a number. */
enum wb_err wb_minidump_read_status(struct wb_minidump *m, struct wb_bytes *b)
{
	static const char key[] = "\nPid:\t";
	const char *text = (const char *)b->start, *end = text + wb_bytes_size(b);
	uint32_t pid = 0;

	while (end - text > (ptrdiff_t)sizeof(key) && memcmp(text, key, sizeof(key) - 1))
		text++;
	for (text += sizeof(key) - 1; text < end && *text >= '0' && *text <= '9' && pid < UINT32_MAX / 10; text++)
		pid = pid * 10 + (uint32_t)(*text - '0');
	if (!m->pid)
		m->pid = pid;
	return WB_OK;
}

/* /proc/PID/environ: strings, each with its NUL. */
enum wb_err wb_minidump_read_environ(struct wb_minidump *m, struct wb_bytes *b)
{
	size_t size = wb_bytes_size(b), count = 0;
	struct wb_out out = { 0 };
	const char *text;

	for (size_t i = 0; i < size; i++)
		count += !b->start[i] || i + 1 == size;
	wb_out_bytes(&out, (const char *)b->start, size);
	text = wb_minidump_keep_out(m, &out);
	m->environment = wb_mem_zalloc(count, sizeof(*m->environment));
	if (!text || !m->environment)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < count; i++, text += strlen(text) + 1)
		if (*text)
			m->environment[m->dump.num_environment++] = text;
	m->dump.environment = m->environment;
	return WB_OK;
}

/* /proc/PID/auxv: pairs of words, the last of type 0. */
enum wb_err wb_minidump_read_auxv(struct wb_minidump *m, struct wb_bytes *b)
{
	unsigned word = m->platform.arch == WB_ARCH_X86 || m->platform.arch == WB_ARCH_ARM ? 4 : 8;
	size_t count = wb_bytes_size(b) / (2 * word), pairs = 0;

	m->auxv = wb_mem_zalloc(count, 2 * sizeof(*m->auxv));
	if (!m->auxv)
		return WB_ERR_MEMORY;
	for (; pairs < count; pairs++) {
		m->auxv[2 * pairs] = wb_bytes_uint(b, word);
		m->auxv[2 * pairs + 1] = wb_bytes_uint(b, word);
		if (!m->auxv[2 * pairs])
			break;
	}
	m->dump.auxv = m->auxv;
	m->dump.num_auxv = pairs;
	return WB_OK;
}

enum wb_err wb_minidump_read_cmd_line(struct wb_minidump *m, struct wb_bytes *b)
{
	size_t size = wb_bytes_size(b);
	struct wb_out out = { 0 };

	if (size > VALUE_MAX)
		size = VALUE_MAX;
	while (size && !b->start[size - 1])
		size--;
	for (size_t i = 0; i < size; i++)
		wb_out_char(&out, b->start[i] ? (char)b->start[i] : ' ');
	m->command_line = wb_minidump_keep_out(m, &out);
	if (m->command_line)
		return WB_OK;
	m->command_line = "";
	return WB_ERR_MEMORY;
}
