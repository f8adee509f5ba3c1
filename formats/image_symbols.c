/* SPDX-License-Identifier: MIT */
/*
 * Symbols as text, whose addresses are the process's own: perf-PID.map files of just-in-time compilers ("START SIZE name" in hexadecimal,
 * tools/perf/Documentation/jit-interface.txt), and kernel symbols as /proc/kallsyms and nm print them ("ADDRESS type name", then perhaps
 * "[module]"). Writers crash and race, so bad lines are skipped; the first one is reported.
 */
#include "base/lock.h"
#include "base/mem.h"
#include "formats/image_formats.h"

#include <stdbool.h>
#include <string.h>

enum { TEXT_SIZE_MAX = 1 << 30 };    /* a kernel has some 10 MiB, a large JIT some 100 */

struct text {
	struct wb_object base;        /* first: the object is the whole */
	struct wb_lock lock;          /* guards the loading */
	char *lines;                  /* each ends with NUL; immutable once loaded */
	size_t size;
	bool is_loaded;
	bool is_hidden;               /* a kernel's that says 0 for every address */
};

/* ---- Lines ------------------------------------------------------------------------------------------------------------ */

struct line {
	uint64_t address, size;       /* size: perf maps only */
	char type;                    /* kernel symbols only: nm's letter */
	const char *name;             /* where it starts */
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A number of 1 to 16 digits, perhaps after 0x, and the blank behind it. Moves *at past both. */
static bool read_hex(const char **at, const char *end, uint64_t *ret_value)
{
	const char *p = *at;
	uint64_t value = 0;
	size_t digits = 0;

	if (end - p > 2 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X'))
		p += 2;
	for (; p < end && hex_digit(*p) >= 0; p++, digits++) {
		if (digits == 16)
			return false;
		value = value << 4 | (uint64_t)hex_digit(*p);
	}
	if (!digits || p == end || (*p != ' ' && *p != '\t'))
		return false;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	*at = p;
	*ret_value = value;
	return true;
}

static bool read_map_line(const char *at, const char *end, struct line *ret_line)
{
	struct line line = { 0 };

	if (!read_hex(&at, end, &line.address) || !read_hex(&at, end, &line.size) || at == end)
		return false;
	line.name = at;
	*ret_line = line;
	return true;
}

static bool read_kernel_line(const char *at, const char *end, struct line *ret_line)
{
	struct line line = { 0 };

	if (!read_hex(&at, end, &line.address) || end - at < 3 || at[1] != ' ')
		return false;
	line.type = at[0];
	line.name = at + 2;
	/* nm has letters, and "-" and "?" for what it does not know. */
	if (!strchr("-?", line.type) && !((line.type | 0x20) >= 'a' && (line.type | 0x20) <= 'z'))
		return false;
	*ret_line = line;
	return true;
}

/* ---- Telling the two apart ---------------------------------------------------------------------------------------------- */

enum kind { KIND_NONE, KIND_MAP, KIND_KERNEL };

static bool is_text(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if ((bytes[i] < 0x20 && !strchr("\t\n\r", bytes[i])) || bytes[i] == 0 || bytes[i] == 0x7f)
			return false;
	}
	return true;
}

/* What one line can only be; KIND_NONE for "a" to "f", which may be a size or a type, and for bad lines. */
static enum kind kind_of_line(const char *at, const char *end)
{
	struct line map, kernel;
	bool is_map = read_map_line(at, end, &map), is_kernel = read_kernel_line(at, end, &kernel);

	if (is_map && !is_kernel)
		return KIND_MAP;
	return is_kernel && !is_map ? KIND_KERNEL : KIND_NONE;
}

/* The first line of the head that tells; a line that the head cuts does not. Ambiguous ones alone: nobody's JIT has functions of 10 to 15
 * bytes only, but a kernel has absolute symbols first. */
static enum kind kind_of(const uint8_t *bytes, size_t size)
{
	const char *at = (const char *)bytes, *end = at + size;
	bool is_possible = false;

	if (!is_text(bytes, size))
		return KIND_NONE;
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
		enum kind kind = kind_of_line(at, stop);
		struct line line;

		if (kind != KIND_NONE)
			return kind;
		is_possible |= read_kernel_line(at, stop, &line);
		at = newline ? newline + 1 : end;
	}
	return is_possible ? KIND_KERNEL : KIND_NONE;
}

static bool probe_map(const uint8_t *bytes, size_t size)
{
	return kind_of(bytes, size) == KIND_MAP;
}

static bool probe_kernel(const uint8_t *bytes, size_t size)
{
	return kind_of(bytes, size) == KIND_KERNEL;
}

/* ---- Objects -------------------------------------------------------------------------------------------------------------- */

static struct text *text_of(struct wb_object *object)
{
	return (struct text *)(void *)object;
}

static bool is_kernel(const struct text *text)
{
	return text->base.format == &wb_image_format_kallsyms;
}

static enum wb_err text_open(const struct wb_image_format *format, struct wb_diags *diags, const char *path, struct wb_file *file,
                             struct wb_object **ret_object)
{
	struct text *text = wb_mem_zalloc(1, sizeof(*text));

	if (!text) {
		wb_file_free(file);
		return WB_ERR_MEMORY;
	}
	text->base.format = format;
	text->base.diags = diags;
	text->base.path = path;
	text->base.file = file;
	text->base.absolute = true;
	wb_lock_init(&text->lock);
	*ret_object = &text->base;
	return WB_OK;
}

static enum wb_err open_map(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object)
{
	(void)flags;
	return text_open(&wb_image_format_perf_map, diags, path, file, ret_object);
}

static enum wb_err open_kernel(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object)
{
	(void)flags;
	return text_open(&wb_image_format_kallsyms, diags, path, file, ret_object);
}

static void text_close(struct wb_object *object)
{
	struct text *text = text_of(object);

	wb_lock_deinit(&text->lock);
	wb_file_free(text->base.file);
	wb_mem_free(text->lines);
	wb_mem_free(text);
}

static enum wb_err no_sections(struct wb_object *object, size_t index, struct wb_piece *ret_piece)
{
	(void)object, (void)index, (void)ret_piece;
	return WB_NONE;
}

static bool read_line(const struct text *text, const char *at, const char *end, struct line *ret_line)
{
	return is_kernel(text) ? read_kernel_line(at, end, ret_line) : read_map_line(at, end, ret_line);
}

/* Gives every line an end that makes its name a string, and looks whether any address is told. */
static void end_lines(struct text *text)
{
	char *at = text->lines, *end = text->lines + text->size;
	bool has_symbols = false, has_address = false;

	while (at < end) {
		char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
		struct line line;

		*stop = 0;
		if (read_line(text, at, stop, &line)) {
			char *name_end = at + (line.name - at);

			/* A name has blanks in perf maps; the kernel's ends at a tab, where the module follows. */
			name_end += strcspn(name_end, is_kernel(text) ? "\t\r " : "\r");
			memset(name_end, 0, (size_t)(stop - name_end));
			has_symbols = true;
			has_address |= line.address != 0;
		}
		at = stop + 1;
	}
	text->is_hidden = is_kernel(text) && has_symbols && !has_address;
}

static enum wb_err load(struct text *text)
{
	uint64_t size = wb_file_size(text->base.file);
	enum wb_err err;
	char *lines;

	if (size > TEXT_SIZE_MAX)
		return wb_diag_report(text->base.diags, WB_ERR_LIMIT, WB_DIAG_SYMBOLS_MALFORMED, text->base.path, "", UINT64_MAX,
		                      "symbols of more than 1 GiB");
	lines = wb_mem_alloc((size_t)size + 1);
	if (!lines)
		return WB_ERR_MEMORY;
	err = wb_file_read(text->base.file, 0, lines, (size_t)size);
	if (err) {
		wb_mem_free(lines);
		return wb_diag_report(text->base.diags, err, WB_DIAG_FILE_UNREADABLE, text->base.path, "", UINT64_MAX,
		                      "not readable to its end");
	}
	lines[size] = 0;
	text->lines = lines;
	text->size = (size_t)size;
	end_lines(text);
	text->is_loaded = true;
	atomic_fetch_add_explicit(&text->base.held, size + 1, memory_order_relaxed);
	if (text->is_hidden)
		wb_diag_report(text->base.diags, WB_OK, WB_DIAG_SYMBOLS_MALFORMED, text->base.path, "", UINT64_MAX,
		               "every address is 0: the kernel hid them (kptr_restrict)");
	return WB_OK;
}

/* ---- Symbols ---------------------------------------------------------------------------------------------------------------- */

/* nm's letters: small ones are local, but for weak symbols (w, v), unique ones (u) and indirect functions (i). */
static void use_type(char letter, struct wb_symbol *symbol)
{
	symbol->binding = letter >= 'a' && letter <= 'z' ? WB_BINDING_LOCAL : WB_BINDING_GLOBAL;
	switch (letter) {
	case 'w': case 'W':
		symbol->binding = WB_BINDING_WEAK;
		symbol->type = WB_SYMBOL_FUNCTION;
		break;
	case 't': case 'T':
		symbol->type = WB_SYMBOL_FUNCTION;
		break;
	case 'i':
		symbol->binding = WB_BINDING_GLOBAL;
		symbol->type = WB_SYMBOL_IFUNC;
		break;
	case 'v': case 'V':
		symbol->binding = WB_BINDING_WEAK;
		symbol->type = WB_SYMBOL_OBJECT;
		break;
	case 'a': case 'A':
		symbol->absolute = 1;
		symbol->type = WB_SYMBOL_NOTYPE;
		break;
	case 'b': case 'B': case 'd': case 'D': case 'g': case 'G': case 'r': case 'R': case 's': case 'S': case 'u':
		symbol->type = WB_SYMBOL_OBJECT;
		break;
	default:
		symbol->type = WB_SYMBOL_OTHER;
	}
	symbol->executable = symbol->type == WB_SYMBOL_FUNCTION || symbol->type == WB_SYMBOL_IFUNC;
}

static enum wb_err list_line(const struct text *text, const struct line *line, wb_symbol_fn fn, void *arg)
{
	struct wb_symbol symbol = { .name = line->name, .value = line->address, .size = line->size, .table = WB_SYMBOLS_TEXT,
	                            .type = WB_SYMBOL_FUNCTION, .binding = WB_BINDING_GLOBAL, .executable = 1 };

	if (is_kernel(text))
		use_type(line->type, &symbol);
	return *symbol.name ? fn(arg, &symbol) : WB_OK;
}

static enum wb_err list_lines(const struct text *text, wb_symbol_fn fn, void *arg)
{
	const char *at = text->lines, *end = text->lines + text->size;
	enum wb_err err = WB_OK;

	while (!err && at < end) {
		const char *stop = memchr(at, 0, (size_t)(end - at) + 1);
		struct line line;

		if (read_line(text, at, stop, &line))
			err = list_line(text, &line, fn, arg);
		else if (at[strspn(at, " \t\r")])
			wb_diag_report(text->base.diags, WB_OK, WB_DIAG_SYMBOLS_MALFORMED, text->base.path, "",
			               (uint64_t)(at - text->lines), "a line that is no symbol");
		at = stop + 1;
	}
	return err;
}

static enum wb_err list_text(struct wb_object *object, wb_symbol_fn fn, void *arg)
{
	struct text *text = text_of(object);
	enum wb_err err = WB_OK;

	wb_lock_take(&text->lock);
	if (!text->is_loaded)
		err = load(text);
	wb_lock_give(&text->lock);
	return err || text->is_hidden ? err : list_lines(text, fn, arg);
}

const struct wb_image_format wb_image_format_perf_map = {
	.name = "perf-map",
	.probe = probe_map,
	.open = open_map,
	.close = text_close,
	.read_section = no_sections,
	.list_symbols = list_text,
};

const struct wb_image_format wb_image_format_kallsyms = {
	.name = "kallsyms",
	.probe = probe_kernel,
	.open = open_kernel,
	.close = text_close,
	.read_section = no_sections,
	.list_symbols = list_text,
};
