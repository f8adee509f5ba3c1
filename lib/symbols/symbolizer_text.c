/* SPDX-License-Identifier: MIT */
/* Names and paths as answers show them: demangled, mapped, each once; the memo keeps them. */
#include "symbols/symbolizer.h"

#include "base/mem.h"
#include "symbols/demangle.h"
#include "symbols/lines.h"

#include <string.h>

enum {
	TEXT_MIN = 2 * WB_LINES_PATH_MAX, /* a path, and the same mapped */
	LONG_NAME = 512,
};

/* ---- Names ---------------------------------------------------------------------------------------------------------------- */

static bool grow_text(struct wb_symbolizer *symbolizer, size_t size)
{
	char *text;

	if (size <= symbolizer->text_size)
		return true;
	text = wb_mem_resize(symbolizer->text, size, 1);
	if (!text)
		return false;
	symbolizer->text = text;
	symbolizer->text_size = size;
	return true;
}

bool wb_symbolizer_has_text(struct wb_symbolizer *symbolizer)
{
	return grow_text(symbolizer, TEXT_MIN);
}

/* A result that does not fit looks like a name that is not mangled: only long names get another try. */
enum wb_err wb_symbolizer_demangle(struct wb_symbolizer *symbolizer, const char *raw)
{
	wb_demangle_fn fn = symbolizer->opts.demangle ? symbolizer->opts.demangle : wb_demangle_builtin;
	enum wb_err err;

	if (!wb_symbolizer_has_text(symbolizer))
		return WB_ERR_MEMORY;
	err = fn(symbolizer->opts.demangle_arg, raw, symbolizer->text, symbolizer->text_size);
	if (err != WB_NONE || symbolizer->text_size >= WB_DEMANGLE_OUTPUT_MAX || strnlen(raw, LONG_NAME) < LONG_NAME)
		return err;
	if (!grow_text(symbolizer, WB_DEMANGLE_OUTPUT_MAX))
		return WB_ERR_MEMORY;
	return fn(symbolizer->opts.demangle_arg, raw, symbolizer->text, symbolizer->text_size);
}

enum wb_err wb_symbolizer_name(struct wb_symbolizer *symbolizer, const char *raw, const char **ret_text, const char **ret_raw)
{
	struct wb_memo_string *string;
	enum wb_err err = wb_memo_string(&symbolizer->memo, WB_MEMO_NAME, raw, &string);

	if (err)
		return err;
	if (!string->text) {
		const char *text = raw;

		if (!symbolizer->opts.raw_names) {
			err = wb_symbolizer_demangle(symbolizer, raw);
			if (err == WB_ERR_MEMORY)
				return err;
			text = err ? raw : symbolizer->text;
		}
		err = wb_memo_set_text(&symbolizer->memo, string, text);
		if (err)
			return err;
	}
	*ret_text = string->text;
	*ret_raw = string->raw;
	return WB_OK;
}

/* ---- Paths -------------------------------------------------------------------------------------------------------------------- */

enum wb_err wb_symbolizer_copy_path_maps(struct wb_symbolizer *symbolizer)
{
	size_t n = symbolizer->opts.num_path_maps;

	symbolizer->path_maps = wb_mem_zalloc(n, sizeof *symbolizer->path_maps);
	if (!symbolizer->path_maps)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < n; i++) {
		struct wb_path_map *map = &symbolizer->path_maps[i];

		map->from = wb_mem_strdup(symbolizer->opts.path_maps[i].from);
		map->to = wb_mem_strdup(symbolizer->opts.path_maps[i].to);
		if (!map->from || !map->to)
			return WB_ERR_MEMORY;
	}
	return WB_OK;
}

void wb_symbolizer_free_path_maps(struct wb_symbolizer *symbolizer)
{
	for (size_t i = 0; symbolizer->path_maps && i < symbolizer->opts.num_path_maps; i++) {
		wb_mem_free((void *)(uintptr_t)symbolizer->path_maps[i].from);
		wb_mem_free((void *)(uintptr_t)symbolizer->path_maps[i].to);
	}
	wb_mem_free(symbolizer->path_maps);
	symbolizer->path_maps = NULL;
}

/* Whether path is `from`, or something in it: whole components only, so that /build does not map /builder. */
static bool is_in(const char *path, const char *from, size_t from_size)
{
	if (strncmp(path, from, from_size) != 0)
		return false;
	return path[from_size] == '\0' || path[from_size] == '/' || (from_size > 0 && from[from_size - 1] == '/');
}

/* The path in the text buffer as the caller's maps want it: in the buffer's second half if one applies. */
static const char *map_path(struct wb_symbolizer *symbolizer)
{
	const char *path = symbolizer->text;
	char *mapped = symbolizer->text + WB_LINES_PATH_MAX;

	for (size_t i = 0; i < symbolizer->opts.num_path_maps; i++) {
		const struct wb_path_map *map = &symbolizer->path_maps[i];
		size_t from_size = strlen(map->from), to_size = strlen(map->to), rest_size;

		if (!is_in(path, map->from, from_size))
			continue;
		rest_size = strlen(path + from_size);
		if (to_size >= WB_LINES_PATH_MAX || rest_size >= WB_LINES_PATH_MAX - to_size)
			break;
		memcpy(mapped, map->to, to_size);
		memcpy(mapped + to_size, path + from_size, rest_size + 1);
		return mapped;
	}
	return path;
}

enum wb_err wb_symbolizer_path(struct wb_symbolizer *symbolizer, struct wb_site *site)
{
	struct wb_memo_string *string;
	enum wb_err err = wb_memo_string(&symbolizer->memo, WB_MEMO_PATH, symbolizer->text, &string);

	if (!err && !string->text)
		err = wb_memo_set_text(&symbolizer->memo, string, map_path(symbolizer));
	if (!err)
		site->file = string->text;
	return err;
}

/* Without a line, the file that the symbol table knows: a name without a folder. */
enum wb_err wb_symbolizer_file(struct wb_symbolizer *symbolizer, const char *file, struct wb_site *site)
{
	size_t size = strlen(file) + 1;

	if (size > WB_LINES_PATH_MAX)
		return WB_OK;
	if (!wb_symbolizer_has_text(symbolizer))
		return WB_ERR_MEMORY;
	memcpy(symbolizer->text, file, size);
	return wb_symbolizer_path(symbolizer, site);
}
