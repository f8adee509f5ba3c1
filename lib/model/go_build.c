/* SPDX-License-Identifier: MIT */
/* The format is Go's debug/buildinfo/buildinfo.go; package paths in linkage names are escaped by cmd/internal/objabi/path.go. */
#include "model/go_build.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum {
	HEADER = 32, ALIGN = 16,
	INLINE = 2, BIG_ENDIAN_FLAG = 1, /* of the flags at byte 15 */
	TEXT_MAX = 1 << 22,           /* bytes: a module takes some 100, and the largest builds have some thousand */
	SENTINEL = 16,                /* bytes before and behind the list of modules, by which the runtime finds it */
	SCAN_MAX = 64 << 20,          /* bytes of data that are looked through; the linker puts it first */
	PACKAGE_MAX = 512,            /* bytes of an import path; longer ones have no module here */
};
static const uint8_t magic[14] = "\xff Go buildinf:";

/* ---- Reading ---- */

struct text { char *text; size_t size; };

static bool copy_text(const uint8_t *bytes, size_t size, struct text *ret)
{
	char *text = wb_mem_alloc(size + 1);

	if (!text)
		return false;
	memcpy(text, bytes, size);
	text[size] = '\0';
	*ret = (struct text){ text, size };
	return true;
}

/* A length and bytes. */
static enum wb_err inline_text(struct wb_bytes *bytes, struct text *ret_text)
{
	uint64_t size = wb_bytes_uleb(bytes);
	struct wb_bytes text = wb_bytes_sub(bytes, size);

	if (wb_bytes_failed(bytes) || size > TEXT_MAX)
		return WB_ERR_DATA;
	return copy_text(text.at, (size_t)size, ret_text) ? WB_OK : WB_ERR_MEMORY;
}

/* A pointer to a string, which is a pointer and a length. */
static enum wb_err far_text(uint64_t pointer, unsigned word, bool big_endian, wb_go_build_read_fn read, void *arg, struct text *ret_text)
{
	uint8_t header[16], *text;
	uint64_t address, size;
	struct wb_bytes bytes = wb_bytes_of(header, 2 * word, big_endian);
	enum wb_err err = pointer ? read(arg, pointer, header, 2 * word) : WB_NONE;

	if (err)
		return err == WB_ERR_MEMORY ? err : WB_ERR_DATA;
	address = word == 8 ? wb_bytes_u64(&bytes) : wb_bytes_u32(&bytes);
	size = word == 8 ? wb_bytes_u64(&bytes) : wb_bytes_u32(&bytes);
	if (size > TEXT_MAX)
		return WB_ERR_DATA;
	text = wb_mem_alloc((size_t)size + 1);
	if (!text)
		return WB_ERR_MEMORY;
	err = size ? read(arg, address, text, (size_t)size) : WB_OK;
	text[size] = '\0';
	if (err) {
		wb_mem_free(text);
		return err == WB_ERR_MEMORY ? err : WB_ERR_DATA;
	}
	*ret_text = (struct text){ (char *)text, (size_t)size };
	return WB_OK;
}

/* Takes the sentinels off; what has none is no list. */
static void trim(const struct text *modules)
{
	size_t size = modules->size;

	if (size < 2 * SENTINEL + 1 || modules->text[size - SENTINEL - 1] != '\n') {
		modules->text[0] = '\0';
		return;
	}
	memmove(modules->text, modules->text + SENTINEL, size - 2 * SENTINEL);
	modules->text[size - 2 * SENTINEL] = '\0';
}

enum wb_err wb_go_build_open(const uint8_t *bytes, size_t size, wb_go_build_read_fn read, void *arg, struct wb_go_build *ret_build)
{
	struct text version = { NULL, 0 }, modules = { NULL, 0 };
	uint8_t word, flags;
	struct wb_bytes rest;
	enum wb_err err;

	if (size < HEADER || memcmp(bytes, magic, sizeof(magic)))
		return WB_NONE;
	word = bytes[14];
	flags = bytes[15];
	rest = wb_bytes_of(bytes, size, flags & BIG_ENDIAN_FLAG);
	if (flags & INLINE) {
		wb_bytes_seek(&rest, HEADER);
		err = inline_text(&rest, &version);
		if (!err)
			err = inline_text(&rest, &modules);
	} else if (word == 4 || word == 8) {
		uint64_t pointers[2];

		wb_bytes_seek(&rest, 16);
		for (int i = 0; i < 2; i++)
			pointers[i] = word == 8 ? wb_bytes_u64(&rest) : wb_bytes_u32(&rest);
		err = far_text(pointers[0], word, rest.big_endian, read, arg, &version);
		if (!err)
			err = far_text(pointers[1], word, rest.big_endian, read, arg, &modules);
	} else {
		err = WB_ERR_DATA;
	}
	if (err) {
		wb_mem_free(version.text);
		wb_mem_free(modules.text);
		return err;
	}
	trim(&modules);
	*ret_build = (struct wb_go_build){ version.text, modules.text };
	return WB_OK;
}

void wb_go_build_deinit(struct wb_go_build *build)
{
	wb_mem_free(build->version);
	wb_mem_free(build->modules);
}

/* ---- Of an image ---- */

static enum wb_err read_image(void *arg, uint64_t image_pc, void *buffer, size_t count)
{
	return wb_image_read(arg, image_pc, buffer, count);
}

/* Where linkers put it into data with others (PE). */
static enum wb_err scan(struct wb_image *image, const uint8_t *bytes, size_t size, struct wb_go_build *ret_build)
{
	size_t end = size < SCAN_MAX ? size : SCAN_MAX;

	for (size_t at = 0; at + HEADER <= end; at += ALIGN) {
		enum wb_err err = bytes[at] == magic[0] ? wb_go_build_open(bytes + at, size - at, read_image, image, ret_build) : WB_NONE;

		if (err != WB_NONE && err != WB_ERR_DATA)
			return err;
	}
	return WB_NONE;
}

enum wb_err wb_go_build_of_image(struct wb_image *image, struct wb_go_build *ret_build)
{
	static const char *const sections[] = { ".go.buildinfo", ".data" };
	struct wb_object *object;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &object);

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		const uint8_t *bytes;
		size_t size;

		err = wb_image_section(image, object, sections[i], &bytes, &size, NULL);
		if (!err)
			err = scan(image, bytes, size, ret_build);
		if (err == WB_OK || err == WB_ERR_MEMORY)
			return err;
	}
	return WB_NONE;
}

/* ---- Modules ---- */

static int hex(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The import path: up to the first dot behind the last slash, type arguments aside; %xx are bytes that names escape. */
static bool package_of(const char *function, char *package)
{
	const char *end = function + strcspn(function, "["), *slash = NULL, *dot;
	size_t size = 0;

	for (const char *at = function; at < end; at++)
		if (*at == '/')
			slash = at;
	dot = memchr(slash ? slash : function, '.', (size_t)(end - (slash ? slash : function)));
	if (!dot)
		return false;
	for (const char *at = function; at < dot; at++) {
		if (size + 1 == PACKAGE_MAX)
			return false;
		if (*at == '%' && dot - at > 2 && hex(at[1]) >= 0 && hex(at[2]) >= 0) {
			package[size++] = (char)(hex(at[1]) << 4 | hex(at[2]));
			at += 2;
		} else {
			package[size++] = *at;
		}
	}
	package[size] = '\0';
	return size != 0;
}

/* A line: a keyword, a path, a version, a sum; tabs between them. */
struct line { const char *word, *path, *version; int word_size, path_size, version_size; };

static const char *field(const char *at, const char **ret_start, int *ret_size)
{
	size_t size = strcspn(at, "\t\n");

	*ret_start = at;
	*ret_size = (int)size;
	return at[size] == '\t' ? at + size + 1 : at + size;
}

static const char *read_line(const char *at, struct line *ret)
{
	at = field(at, &ret->word, &ret->word_size);
	at = field(at, &ret->path, &ret->path_size);
	at = field(at, &ret->version, &ret->version_size);
	at += strcspn(at, "\n");
	return *at ? at + 1 : at;
}

static bool is(const struct line *line, const char *word)
{
	return line->word_size == (int)strlen(word) && !memcmp(line->word, word, (size_t)line->word_size);
}

/* Whether a package is in the module; package main is the program's own. */
static bool holds(const struct line *line, const char *package)
{
	size_t size = (size_t)line->path_size;

	if (is(line, "mod") && !strcmp(package, "main"))
		return true;
	return size && !strncmp(package, line->path, size) && (package[size] == '\0' || package[size] == '/');
}

static enum wb_err print(char *buffer, size_t size, const struct line *found, const struct line *instead)
{
	int count = snprintf(buffer, size, "%.*s@%.*s%s%.*s%s%.*s", found->path_size, found->path, found->version_size, found->version,
	                     instead ? " => " : "", instead ? instead->path_size : 0, instead ? instead->path : "",
	                     instead && instead->version_size ? "@" : "", instead ? instead->version_size : 0, instead ? instead->version : "");

	return count < 0 || (size_t)count >= size ? WB_ERR_LIMIT : WB_OK;
}

enum wb_err wb_go_build_module(const struct wb_go_build *build, const char *function, char *buffer, size_t size)
{
	struct line line, found = { .path_size = -1 }, instead;
	bool is_found = false, is_replaced = false, was_found = false;
	char package[PACKAGE_MAX];

	if (!package_of(function, package))
		return WB_NONE;
	for (const char *at = build->modules; *at; ) {
		at = read_line(at, &line);
		/* A replacement stands behind the module that it replaces. */
		if (is(&line, "=>") && was_found) {
			instead = line;
			is_replaced = true;
		}
		was_found = (is(&line, "mod") || is(&line, "dep")) && holds(&line, package) && line.path_size > found.path_size;
		if (!was_found)
			continue;
		found = line;
		is_found = true;
		is_replaced = false;
	}
	if (is_found)
		return print(buffer, size, &found, is_replaced ? &instead : NULL);
	/* Import paths outside of the standard library start with a domain name; those of package main are not known here. */
	if (!*build->version || !strcmp(package, "main") || memchr(package, '.', strcspn(package, "/")))
		return WB_NONE;
	found = (struct line){ .path = "std", .path_size = 3, .version = build->version, .version_size = (int)strlen(build->version) };
	return print(buffer, size, &found, NULL);
}
