/* SPDX-License-Identifier: MIT */
/*
 * Breakpad's symbol files as objects: one section, the text. Here is only who it is of, from its first line, "MODULE os arch id name"; what is in it is
 * read by model/breakpad_sym.
 */
#include "formats/image_formats.h"

#include "base/mem.h"

#include <string.h>

enum { LINE_MAX = 1024, ID_MAX = 160 };

struct breakpad {
	struct wb_object base;
	struct wb_section section;
	char id[ID_MAX];
};

static struct breakpad *breakpad_of(struct wb_object *object)
{
	return (struct breakpad *)(void *)object;
}

static bool probe(const uint8_t *bytes, size_t size)
{
	return size >= 7 && !memcmp(bytes, "MODULE ", 7);
}

/* The nth word, copied; false if there is none or it does not fit. */
static bool take_word(const char *line, unsigned nth, char *ret, size_t size)
{
	size_t length;

	for (; nth; nth--) {
		line = strchr(line, ' ');
		if (!line)
			return false;
		line++;
	}
	length = strcspn(line, " ");
	if (!length || length >= size)
		return false;
	memcpy(ret, line, length);
	ret[length] = '\0';
	return true;
}

static void read_platform(const char *line, struct wb_platform *platform)
{
	static const struct { const char *name; uint8_t os; } systems[] = {
		{ "Linux", WB_OS_LINUX }, { "Android", WB_OS_LINUX }, { "mac", WB_OS_MACOS }, { "windows", WB_OS_WINDOWS },
	};
	char word[64];

	for (size_t i = 0; take_word(line, 1, word, sizeof(word)) && i < sizeof(systems) / sizeof(systems[0]); i++)
		if (!strcmp(word, systems[i].name))
			platform->os = systems[i].os;
	if (take_word(line, 2, word, sizeof(word)))
		wb_arch_from_name(word, &platform->arch);
}

static enum wb_err read_module(struct breakpad *breakpad)
{
	struct wb_object *object = &breakpad->base;
	uint64_t size = wb_file_size(object->file);
	char line[LINE_MAX];
	size_t length = size < LINE_MAX - 1 ? (size_t)size : LINE_MAX - 1;
	enum wb_err err = wb_file_read(object->file, 0, line, length);

	if (err)
		return wb_diag_report(object->diags, err, WB_DIAG_FILE_UNREADABLE, object->path, "", 0, "not readable");
	line[length] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (!take_word(line, 3, breakpad->id, sizeof(breakpad->id)))
		return wb_diag_report(object->diags, WB_ERR_DATA, WB_DIAG_SYMBOLS_MALFORMED, object->path, "", 0, "the first line has no module id");
	read_platform(line, &object->platform);
	breakpad->section = (struct wb_section){ .name = ".breakpad", .size = size, .file_size = size };
	object->sections = &breakpad->section;
	object->num_sections = 1;
	object->debug_id = breakpad->id;
	return WB_OK;
}

static void breakpad_close(struct wb_object *object)
{
	wb_file_free(object->file);
	wb_mem_free(breakpad_of(object));
}

static enum wb_err breakpad_open(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object)
{
	struct breakpad *breakpad = wb_mem_zalloc(1, sizeof(*breakpad));
	enum wb_err err;

	(void)flags;
	if (!breakpad) {
		wb_file_free(file);
		return WB_ERR_MEMORY;
	}
	breakpad->base = (struct wb_object){ .format = &wb_image_format_breakpad, .diags = diags, .path = path, .file = file };
	err = read_module(breakpad);
	if (err) {
		breakpad_close(&breakpad->base);
		return err;
	}
	*ret_object = &breakpad->base;
	return WB_OK;
}

static enum wb_err read_section(struct wb_object *object, size_t index, struct wb_piece *ret_piece)
{
	return wb_file_piece(object->file, 0, object->sections[index].size, ret_piece);
}

/* Names come with lines and inlined calls: see symbols/breakpad. */
static enum wb_err no_symbols(struct wb_object *object, wb_symbol_fn fn, void *arg)
{
	(void)object;
	(void)fn;
	(void)arg;
	return WB_OK;
}

const struct wb_image_format wb_image_format_breakpad = {
	.name = "breakpad",
	.probe = probe,
	.open = breakpad_open,
	.close = breakpad_close,
	.read_section = read_section,
	.list_symbols = no_symbols,
};
