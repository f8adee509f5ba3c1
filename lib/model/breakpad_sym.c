/* SPDX-License-Identifier: MIT */
/*
 * Reading Breakpad's symbol files. One pass over the lines makes sorted tables of where functions, frame data, files and origins of inlined calls are in
 * the text, which is kept, each line ended with NUL. Lines that are not understood are reported once and skipped.
 */
#include "model/breakpad_sym.h"

#include "base/mem.h"
#include "model/session.h"

#include <stdlib.h>
#include <string.h>

enum {
	TEXT_MAX = 512 << 20,         /* bytes: twice what the largest programs have (a browser's library) */
	RECORDS_MAX = 1 << 17,        /* lines behind one FUNC that are looked through: generated functions have some 100,000 */
};

/* An address with a line, by address. size 0: unknown. */
struct entry {
	uint64_t start, size;
	uint32_t at;
	uint32_t lines, end;          /* FUNC: behind the last INLINE and behind the last line that belong to it, as places; 0: there are none */
};
struct table { struct entry *entries; size_t count, capacity; };
struct numbered { uint32_t number, at; };
struct numbers { struct numbered *items; size_t count, capacity; };

struct wb_breakpad_sym {
	char *text;                   /* size + 1 bytes */
	size_t size;
	uint64_t base;                /* image pc that offsets count from */
	struct table functions, publics, cfi, win, fpo;
	struct numbers files, origins;
	bool has_call_files;          /* INLINE lines say which file the call is in, and INLINE_ORIGIN lines have none: since 2022 */
	size_t open;                  /* while reading: functions up to the one whose lines may follow; 0: none */
	uint64_t charged;
	struct wb_session *session;   /* NULL: nothing was charged */
};

/* ---- Words of a line ---- */

struct words { const char *at; };

static void skip_spaces(struct words *w)
{
	while (*w->at == ' ')
		w->at++;
}

static unsigned digit_of(char c)
{
	char lower = (char)(c | 32);

	return c >= '0' && c <= '9' ? (unsigned)(c - '0') : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + 10 : 99;
}

/* A number that ends the word. */
static bool take_number(struct words *w, unsigned base, uint64_t *ret_value)
{
	uint64_t value = 0;
	const char *start;

	skip_spaces(w);
	start = w->at;
	for (; digit_of(*w->at) < base; w->at++)
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) || __builtin_add_overflow(value, (uint64_t)digit_of(*w->at), &value))
			return false;
	if (w->at == start || (*w->at && *w->at != ' '))
		return false;
	*ret_value = value;
	return true;
}

static bool take_hex(struct words *w, uint64_t *ret) { return take_number(w, 16, ret); }

static bool take_u32(struct words *w, unsigned base, uint32_t *ret)
{
	uint64_t value;

	if (!take_number(w, base, &value) || value > UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static bool take_word(struct words *w, const char *word)
{
	size_t length = strlen(word);

	skip_spaces(w);
	if (strncmp(w->at, word, length) || (w->at[length] && w->at[length] != ' '))
		return false;
	w->at += length;
	return true;
}

static const char *rest(struct words *w)
{
	skip_spaces(w);
	return w->at;
}

static const char *next_line(const struct wb_breakpad_sym *sym, const char *line)
{
	const char *end = line + strlen(line);

	return end < sym->text + sym->size ? end + 1 : NULL;
}

/* ---- Tables ---- */

static bool add_entry(struct table *table, uint64_t start, uint64_t size, uint32_t at)
{
	void *entries = table->entries;

	if (!wb_mem_grow(&entries, &table->capacity, table->count, 1, sizeof(*table->entries)))
		return false;
	table->entries = entries;
	table->entries[table->count++] = (struct entry){ start, size, at, 0, 0 };
	return true;
}

static bool add_number(struct numbers *numbers, uint32_t number, uint32_t at)
{
	void *items = numbers->items;

	if (!wb_mem_grow(&items, &numbers->capacity, numbers->count, 1, sizeof(*numbers->items)))
		return false;
	numbers->items = items;
	numbers->items[numbers->count++] = (struct numbered){ number, at };
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static void sort_table(struct table *table)
{
	if (table->count)
		qsort(table->entries, table->count, sizeof(*table->entries), compare_entries);
}

static void sort_numbers(struct numbers *numbers)
{
	if (numbers->count)
		qsort(numbers->items, numbers->count, sizeof(*numbers->items), compare_numbers);
}

/* The last entry that starts at or before offset; NULL: none. */
static const struct entry *entry_before(const struct table *table, uint64_t offset)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->entries[middle].start <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &table->entries[low - 1] : NULL;
}

static const struct entry *entry_at(const struct table *table, uint64_t offset)
{
	const struct entry *entry = entry_before(table, offset);

	return entry && offset - entry->start < entry->size ? entry : NULL;
}

static const char *text_of_number(const struct wb_breakpad_sym *sym, const struct numbers *numbers, uint64_t number)
{
	size_t low = 0, high = numbers->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (numbers->items[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < numbers->count && numbers->items[low].number == number ? sym->text + numbers->items[low].at : NULL;
}

/* ---- Lines ---- */

static uint32_t place_of(const struct wb_breakpad_sym *sym, const char *at)
{
	return (uint32_t)(at - sym->text);
}

/* FILE number name; INLINE_ORIGIN number [file] name */
static bool read_numbered(struct wb_breakpad_sym *sym, struct numbers *numbers, struct words w, enum wb_err *err)
{
	uint32_t number;

	if (!take_u32(&w, 10, &number))
		return false;
	if (!add_number(numbers, number, place_of(sym, rest(&w))))
		*err = WB_ERR_MEMORY;
	return true;
}

/* FUNC [m] address size parameters name; the table has the line behind "FUNC". */
static bool read_function(struct wb_breakpad_sym *sym, struct words w, enum wb_err *err)
{
	uint32_t at = place_of(sym, w.at);
	uint64_t start, size;

	take_word(&w, "m");
	if (!take_hex(&w, &start) || !take_hex(&w, &size) || size > UINT64_MAX - start)
		return false;
	if (!add_entry(&sym->functions, start, size, at))
		*err = WB_ERR_MEMORY;
	else
		sym->open = sym->functions.count;
	return true;
}

/* A line of the function before, or a call inlined there. */
static void extend_function(struct wb_breakpad_sym *sym, const char *line, bool is_inline)
{
	struct entry *entry = sym->open ? &sym->functions.entries[sym->open - 1] : NULL;

	if (!entry)
		return;
	entry->end = place_of(sym, line + strlen(line) + 1);
	if (is_inline)
		entry->lines = entry->end;
}

/* PUBLIC [m] address parameters name */
static bool read_public(struct wb_breakpad_sym *sym, struct words w, enum wb_err *err)
{
	uint32_t at = place_of(sym, w.at);
	uint64_t start;

	take_word(&w, "m");
	if (!take_hex(&w, &start))
		return false;
	if (!add_entry(&sym->publics, start, 0, at))
		*err = WB_ERR_MEMORY;
	return true;
}

/* STACK CFI INIT address size rules; STACK WIN type address size ... */
static bool read_stack(struct wb_breakpad_sym *sym, struct words w, enum wb_err *err)
{
	struct table *table = &sym->cfi;
	uint64_t start, size;
	uint32_t type, at;

	if (take_word(&w, "CFI")) {
		if (!take_word(&w, "INIT"))
			return true; /* belongs to the one before */
		at = place_of(sym, w.at);
	} else if (take_word(&w, "WIN") && take_u32(&w, 16, &type)) {
		at = place_of(sym, w.at);
		table = type == 4 ? &sym->win : &sym->fpo;
	} else {
		return false;
	}
	if (!take_hex(&w, &start) || !take_hex(&w, &size) || size > UINT64_MAX - start)
		return false;
	if (!add_entry(table, start, size, at))
		*err = WB_ERR_MEMORY;
	return true;
}

/* Breakpad's first form of INLINE had no call file: an odd number of words. Both are told by that alone. */
static void note_form(struct wb_breakpad_sym *sym, const char *line)
{
	size_t words = 0;

	for (const char *at = line; *at; at++)
		words += *at != ' ' && (at[1] == ' ' || !at[1]);
	if (words >= 6 && words % 2 == 0)
		sym->has_call_files = true;
}

/* address size line file */
static bool is_line(const char *line)
{
	return digit_of(*line) < 16 && strncmp(line, "FUNC", 4) && strncmp(line, "FILE", 4);
}

static bool read_line(struct wb_breakpad_sym *sym, const char *line, enum wb_err *err)
{
	struct words w = { line };

	if (is_line(line)) {
		extend_function(sym, line, false);
		return true;
	}
	if (take_word(&w, "INLINE")) {
		if (!sym->has_call_files)
			note_form(sym, w.at);
		extend_function(sym, line, true);
		return true;
	}
	/* Lines that end with CR LF are followed by an empty one here. */
	if (*line)
		sym->open = 0;
	if (take_word(&w, "FUNC"))
		return read_function(sym, w, err);
	if (take_word(&w, "PUBLIC"))
		return read_public(sym, w, err);
	if (take_word(&w, "FILE"))
		return read_numbered(sym, &sym->files, w, err);
	if (take_word(&w, "INLINE_ORIGIN"))
		return read_numbered(sym, &sym->origins, w, err);
	if (take_word(&w, "STACK"))
		return read_stack(sym, w, err);
	return !*line || take_word(&w, "MODULE") || take_word(&w, "INFO");
}

static enum wb_err read_lines(struct wb_breakpad_sym *sym, struct wb_diags *diags, const char *path)
{
	enum wb_err err = WB_OK;

	for (const char *line = sym->text; line && !err; line = next_line(sym, line))
		if (!read_line(sym, line, &err))
			wb_diag_report(diags, WB_OK, WB_DIAG_SYMBOLS_MALFORMED, path, "", place_of(sym, line), "a line that is not understood");
	sort_table(&sym->functions);
	sort_table(&sym->publics);
	sort_table(&sym->cfi);
	sort_table(&sym->win);
	sort_table(&sym->fpo);
	sort_numbers(&sym->files);
	sort_numbers(&sym->origins);
	return err;
}

enum wb_err wb_breakpad_read(struct wb_diags *diags, const char *path, const uint8_t *text, size_t size, struct wb_breakpad_sym **ret_sym)
{
	struct wb_breakpad_sym *sym;
	enum wb_err err;

	if (size > TEXT_MAX)
		return wb_diag_report(diags, WB_ERR_LIMIT, WB_DIAG_SYMBOLS_MALFORMED, path, "", UINT64_MAX, "symbols of more than 512 MiB");
	sym = wb_mem_zalloc(1, sizeof(*sym));
	if (!sym || !(sym->text = wb_mem_alloc(size + 1))) {
		wb_mem_free(sym);
		return WB_ERR_MEMORY;
	}
	if (size)
		memcpy(sym->text, text, size);
	sym->text[size] = '\0';
	sym->size = size;
	for (size_t i = 0; i < size; i++)
		if (sym->text[i] == '\n')
			sym->text[i] = '\0';
		else if (sym->text[i] == '\r' && sym->text[i + 1] == '\n')
			sym->text[i] = '\0';
	err = read_lines(sym, diags, path);
	if (err) {
		wb_breakpad_free(sym);
		return err;
	}
	*ret_sym = sym;
	return WB_OK;
}

void wb_breakpad_count(const struct wb_breakpad_sym *sym, struct wb_breakpad_counts *ret_counts)
{
	*ret_counts = (struct wb_breakpad_counts){ sym->functions.count, sym->publics.count, sym->cfi.count, sym->win.count + sym->fpo.count };
}

void wb_breakpad_free(struct wb_breakpad_sym *sym)
{
	if (!sym)
		return;
	if (sym->session)
		wb_session_discharge(sym->session, sym->charged, false);
	wb_mem_free(sym->functions.entries);
	wb_mem_free(sym->publics.entries);
	wb_mem_free(sym->cfi.entries);
	wb_mem_free(sym->win.entries);
	wb_mem_free(sym->fpo.entries);
	wb_mem_free(sym->files.items);
	wb_mem_free(sym->origins.items);
	wb_mem_free(sym->text);
	wb_mem_free(sym);
}

size_t wb_breakpad_bytes(const struct wb_breakpad_sym *sym)
{
	return sizeof(*sym) + sym->size + 1 + (sym->files.capacity + sym->origins.capacity) * sizeof(struct numbered) +
	       (sym->functions.capacity + sym->publics.capacity + sym->cfi.capacity + sym->win.capacity + sym->fpo.capacity) * sizeof(struct entry);
}

/* ---- Of an image ---- */

static enum wb_err build(struct wb_image *image, void *arg, void **ret_value)
{
	struct wb_object *object, *executable;
	struct wb_breakpad_sym *sym;
	const uint8_t *text;
	size_t size;
	enum wb_err err = wb_image_object(image, WB_FILE_SYMBOLS, &object);

	(void)arg;
	if (!err)
		err = wb_image_section(image, object, ".breakpad", &text, &size, NULL);
	if (!err)
		err = wb_breakpad_read(object->diags, object->path, text, size, &sym);
	if (err)
		return err;
	if (wb_image_object(image, WB_FILE_EXECUTABLE, &executable) == WB_OK)
		sym->base = wb_object_base(executable);
	sym->session = wb_image_session(image);
	sym->charged = wb_breakpad_bytes(sym);
	wb_session_charge(sym->session, sym->charged, true);
	*ret_value = sym;
	return WB_OK;
}

static void destroy(void *value)
{
	wb_breakpad_free(value);
}

enum wb_err wb_breakpad_of_image(struct wb_image *image, struct wb_breakpad_sym **ret_sym)
{
	void *value = NULL;
	enum wb_err err = wb_image_slot(image, WB_SLOT_BREAKPAD, build, NULL, destroy, &value);

	if (err)
		return err;
	*ret_sym = value;
	return value ? WB_OK : WB_NONE;
}

uint64_t wb_breakpad_offset(const struct wb_breakpad_sym *sym, uint64_t image_pc)
{
	return image_pc - sym->base;
}

/* ---- Names ---- */

static bool public_at(const struct wb_breakpad_sym *sym, uint64_t offset, struct wb_breakpad_function *ret)
{
	const struct entry *entry = entry_before(&sym->publics, offset), *function = entry_before(&sym->functions, offset);
	struct words w;

	/* What comes behind a function is none of a public symbol's before it. */
	if (!entry || (function && function->start >= entry->start))
		return false;
	w.at = sym->text + entry->at;
	take_word(&w, "m");
	*ret = (struct wb_breakpad_function){ .start = entry->start };
	if (!take_hex(&w, &ret->start) || !take_u32(&w, 16, &ret->parameters))
		return false;
	ret->name = rest(&w);
	return *ret->name;
}

bool wb_breakpad_function(const struct wb_breakpad_sym *sym, uint64_t offset, struct wb_breakpad_function *ret)
{
	const struct entry *entry = entry_at(&sym->functions, offset);
	struct words w;

	if (!entry)
		return public_at(sym, offset, ret);
	w.at = sym->text + entry->at;
	take_word(&w, "m");
	if (!take_hex(&w, &ret->start) || !take_hex(&w, &ret->size) || !take_u32(&w, 16, &ret->parameters))
		return false;
	ret->name = rest(&w);
	ret->records = ret->lines = ret->end = NULL;
	if (!entry->end)
		return true;
	ret->records = next_line(sym, ret->name);
	ret->lines = entry->lines ? sym->text + entry->lines : ret->records;
	ret->end = sym->text + entry->end;
	return true;
}

/* The line at or before a place behind `first`. */
static const char *line_at(const char *first, const char *place)
{
	do {
		while (place > first && place[-1])
			place--;
		/* An empty one says nothing. */
	} while (!*place && place > first && place--);
	return place;
}

/* The last line that starts at or before the offset, as far as they are in order. */
static const char *line_before(const struct wb_breakpad_function *function, uint64_t offset)
{
	const char *low = function->lines, *high = function->end, *found = NULL;

	while (low < high) {
		const char *middle = line_at(low, low + (high - low) / 2);
		struct words w = { middle };
		uint64_t start;

		bool has_start = take_hex(&w, &start);

		if (has_start && start > offset) {
			high = middle;
			continue;
		}
		found = has_start ? middle : found;
		low = middle + strlen(middle) + 1;
	}
	return found;
}

static bool take_line(const struct wb_breakpad_sym *sym, const char *line, uint64_t offset, struct wb_breakpad_line *ret)
{
	struct words w = { line };
	uint64_t start, size, number, file;

	if (!take_hex(&w, &start) || !take_hex(&w, &size) || offset < start || offset - start >= size)
		return false;
	if (!take_number(&w, 10, &number) || !take_number(&w, 10, &file))
		return false;
	*ret = (struct wb_breakpad_line){ text_of_number(sym, &sym->files, file), number <= UINT32_MAX ? (uint32_t)number : 0 };
	return true;
}

bool wb_breakpad_line(const struct wb_breakpad_sym *sym, const struct wb_breakpad_function *function, uint64_t offset, struct wb_breakpad_line *ret)
{
	const char *line = function->records ? line_before(function, offset) : NULL;

	if (line && take_line(sym, line, offset, ret))
		return true;
	/* Nothing is there, or the lines are not in order. */
	line = function->records;
	for (unsigned i = 0; line && line < function->end && i < RECORDS_MAX; i++, line = next_line(sym, line))
		if (take_line(sym, line, offset, ret))
			return true;
	return false;
}

static const char *origin_name(const struct wb_breakpad_sym *sym, uint64_t number)
{
	const char *name = text_of_number(sym, &sym->origins, number);
	struct words w = { name };
	uint32_t file;

	/* The first form has the number of a file before the name. */
	if (name && !sym->has_call_files && take_u32(&w, 10, &file))
		name = rest(&w);
	return name;
}

/* INLINE depth line [file] origin {start size}: whether it covers the offset, and the call. */
static bool read_inline(const struct wb_breakpad_sym *sym, const char *line, uint64_t offset, uint64_t *ret_depth, struct wb_breakpad_inline *ret)
{
	struct words w = { line };
	uint64_t number, file = UINT64_MAX, origin, start, size;

	if (!take_word(&w, "INLINE") || !take_number(&w, 10, ret_depth) || !take_number(&w, 10, &number) || (sym->has_call_files && !take_number(&w, 10, &file)) ||
	    !take_number(&w, 10, &origin))
		return false;
	while (take_hex(&w, &start) && take_hex(&w, &size)) {
		if (offset < start || offset - start >= size)
			continue;
		ret->name = origin_name(sym, origin);
		ret->call.file = text_of_number(sym, &sym->files, file);
		ret->call.line = number <= UINT32_MAX ? (uint32_t)number : 0;
		return true;
	}
	return false;
}

size_t wb_breakpad_inlines(const struct wb_breakpad_sym *sym, const struct wb_breakpad_function *function, uint64_t offset,
                           struct wb_breakpad_inline calls[WB_BREAKPAD_INLINES_MAX])
{
	const char *line = function->records;
	size_t count = 0;

	/* Callers come before what they call. */
	for (unsigned i = 0; line && line < function->lines && i < RECORDS_MAX; i++, line = next_line(sym, line)) {
		uint64_t depth;

		if (*line == 'I' && count < WB_BREAKPAD_INLINES_MAX && read_inline(sym, line, offset, &depth, &calls[count]) && depth == count)
			count++;
	}
	return count;
}

/* ---- Unwinding ---- */

bool wb_breakpad_cfi(const struct wb_breakpad_sym *sym, uint64_t offset, struct wb_breakpad_cfi *ret)
{
	const struct entry *entry = entry_at(&sym->cfi, offset);
	struct words w;
	uint64_t size;

	if (!entry)
		return false;
	w.at = sym->text + entry->at;
	if (!take_hex(&w, &ret->start) || !take_hex(&w, &size))
		return false;
	ret->end = ret->start + size;
	ret->rules = rest(&w);
	ret->changes = next_line(sym, ret->rules);
	return true;
}

const char *wb_breakpad_next_change(const struct wb_breakpad_sym *sym, struct wb_breakpad_cfi *cfi, uint64_t offset)
{
	struct words w = { cfi->changes };
	uint64_t address;

	if (!w.at || !take_word(&w, "STACK") || !take_word(&w, "CFI") || !take_hex(&w, &address) || address > offset)
		return NULL;
	cfi->changes = next_line(sym, w.at);
	return rest(&w);
}

bool wb_breakpad_win(const struct wb_breakpad_sym *sym, uint64_t offset, struct wb_breakpad_win *ret)
{
	const struct entry *entry = entry_at(&sym->win, offset);
	uint32_t size, prologue, epilogue, max_stack, has_program, flag = 0;
	struct words w;

	if (!entry)
		entry = entry_at(&sym->fpo, offset);
	if (!entry)
		return false;
	w.at = sym->text + entry->at;
	*ret = (struct wb_breakpad_win){ .start = entry->start, .end = entry->start + entry->size };
	if (!take_hex(&w, &ret->start) || !take_u32(&w, 16, &size) || !take_u32(&w, 16, &prologue) || !take_u32(&w, 16, &epilogue) ||
	    !take_u32(&w, 16, &ret->parameters) || !take_u32(&w, 16, &ret->saved) || !take_u32(&w, 16, &ret->locals) ||
	    !take_u32(&w, 16, &max_stack) || !take_u32(&w, 16, &has_program))
		return false;
	if (has_program) {
		ret->program = rest(&w);
		return *ret->program;
	}
	if (!take_u32(&w, 16, &flag))
		return false;
	ret->allocates_base_pointer = flag != 0;
	return true;
}
