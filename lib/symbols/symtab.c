/* SPDX-License-Identifier: MIT */
/*
 * Symbols to flat ranges: sorted once by address, then swept with a stack of the symbols that are open, so that nested and overlapping
 * ones cost a lookup nothing. Names are copied into one pool, only those that can be an answer.
 */
#include "symbols/symtab.h"

#include "base/mem.h"
#include "model/session.h"
#include "symbols/sort.h"
#include "symbols/sweep.h"

#include <string.h>

enum {
	LEVELS_MAX = 4,               /* aliases of ever larger size at one address; real files have two (a function and its fragment) */
	SYMBOLS_MAX = 1 << 28,        /* 28 bits: indices and twice as many segments fit 32 bits */
	NAMES_MAX = 1 << 29,          /* bytes of all names: the largest programs have a quarter of it. Names of a damaged table may overlap */
	GAP_MAX = 1 << 20,            /* what a symbol without size covers at most where no section ends it */
	PAGE = 4096,
	SIZE_BITS = 28,
	SIZE_MAX_VALUE = (1 << SIZE_BITS) - 1,
};

struct record {
	uint64_t start;
	uint32_t name;                /* offset in the pool */
	uint32_t size_source;         /* size, then source in the upper 4 bits */
};

/* One block of memory: keys, then records, symbol indices, files, names. Segment i goes up to segment i + 1. */
struct wb_symtab {
	struct wb_session *session;   /* that its bytes are charged to; NULL: not charged */
	size_t bytes;                 /* of the whole block */
	size_t num_segments, num_records;
	const uint64_t *starts;       /* of segments, ascending */
	const struct record *records;
	const uint32_t *symbols;      /* of segments: index of the record, or WB_SWEEP_NONE */
	const uint32_t *files;        /* of records: offset of the file's name in the pool, where the empty string is 0 */
	const char *names;
};

/* ---- Which symbols -------------------------------------------------------------------------------------------------- */

/* ELF for the Arm architecture, 5.5.5, and the RISC-V psABI ("$x" with an ISA string): marks of code and data, not symbols. */
static bool is_mapping_symbol(const char *name)
{
	return name[0] == '$' && (name[1] == 'a' || name[1] == 'd' || name[1] == 't' || name[1] == 'x') &&
	       (name[2] == '\0' || name[2] == '.' || (name[1] == 'x' && strncmp(name + 2, "rv", 2) == 0));
}

static bool is_name_of_code(const char *name)
{
	if (name[0] == '$')
		return !is_mapping_symbol(name);
	if (name[0] == '.')
		return strncmp(name, ".L", 2) != 0 && strncmp(name, ".annobin", 8) != 0;
	return name[0] != '\0';
}

static bool is_code(const struct wb_symbol *symbol)
{
	return symbol->executable && !symbol->absolute && symbol->type != WB_SYMBOL_FILE && symbol->type != WB_SYMBOL_SECTION &&
	       symbol->name && is_name_of_code(symbol->name);
}

static uint8_t rank_of(const struct wb_symbol *symbol)
{
	bool function = symbol->type == WB_SYMBOL_FUNCTION || symbol->type == WB_SYMBOL_IFUNC;

	return (uint8_t)(function << 2 | symbol->binding);
}

/* Of two names: above 0 if a reads better. Reserved names stand for what a program calls otherwise (__read and read). */
static int compare_names(const char *a, const char *b)
{
	size_t a_underscores, b_underscores, a_size, b_size;
	int order = strcmp(a, b);

	if (order == 0)
		return 0; /* from the static and from the dynamic table */
	a_underscores = strspn(a, "_");
	b_underscores = strspn(b, "_");
	if (a_underscores != b_underscores)
		return a_underscores < b_underscores ? 1 : -1;
	a_size = strlen(a);
	b_size = strlen(b);
	if (a_size != b_size)
		return a_size < b_size ? 1 : -1;
	return -order;
}

bool wb_symtab_prefers(const struct wb_symtab_candidate *a, const struct wb_symtab_candidate *b)
{
	int names;

	if (a->rank != b->rank)
		return a->rank > b->rank;
	if (a->size != b->size)
		return a->size > b->size;
	names = compare_names(a->name, b->name);
	return names ? names > 0 : a->table < b->table;
}

void wb_symtab_builder_init(struct wb_symtab_builder *builder)
{
	*builder = (struct wb_symtab_builder){ 0 };
}

void wb_symtab_builder_deinit(struct wb_symtab_builder *builder)
{
	wb_mem_free(builder->candidates);
	wb_symtab_builder_init(builder);
}

/*
 * The file of a symbol is that of the file symbol before it in the table (System V ABI, "Symbol Table": a file symbol precedes the other
 * local symbols of the file). Global symbols come after those of all files, so for them only one that no symbol precedes is believed: then
 * the object is of one file.
 */
static const char *file_of(struct wb_symtab_builder *builder, const struct wb_symbol *symbol)
{
	if (symbol->table != WB_SYMBOLS_STATIC)
		return NULL;
	if (symbol->type == WB_SYMBOL_FILE) {
		builder->file = symbol->name && *symbol->name ? symbol->name : NULL;
		if (builder->files == WB_SYMTAB_ONE_FILE)
			builder->files = WB_SYMTAB_FILES;
		return NULL;
	}
	if (builder->files == WB_SYMTAB_NO_SYMBOL)
		builder->files = WB_SYMTAB_ONE_FILE;
	return symbol->binding == WB_BINDING_LOCAL || builder->files == WB_SYMTAB_ONE_FILE ? builder->file : NULL;
}

enum wb_err wb_symtab_builder_add(struct wb_symtab_builder *builder, const struct wb_symbol *symbol, enum wb_name_source source)
{
	const char *file = file_of(builder, symbol);

	builder->num_static += symbol->table == WB_SYMBOLS_STATIC;
	if (!is_code(symbol))
		return WB_OK;
	if (builder->count == SYMBOLS_MAX)
		return WB_ERR_LIMIT;
	if (builder->count == builder->capacity &&
	    !wb_mem_grow((void **)&builder->candidates, &builder->capacity, builder->count, 1, sizeof *builder->candidates))
		return WB_ERR_MEMORY;
	builder->candidates[builder->count++] = (struct wb_symtab_candidate){
		symbol->value, symbol->size, symbol->name, file, rank_of(symbol), (uint8_t)source, symbol->table,
	};
	return WB_OK;
}

/* ---- The sweep ------------------------------------------------------------------------------------------------------ */

struct compiler {
	struct wb_sweep sweep;        /* ids: indices of records */
	struct record *records;
	uint32_t *files;              /* of records */
	size_t num_records;
	const char *file;             /* the last one added */
	uint32_t file_at;             /* where its name is; 0 for none */
	char *names;
	size_t names_size, names_capacity;
};

/* Versions ("memcpy@@GLIBC_2.14") are the linker's business, but "@plt" is ours, and PE's decorated names ("?f@@YAXXZ") are whole. */
size_t wb_symtab_name_size(const struct wb_symtab_candidate *candidate)
{
	const char *name = candidate->name, *at;

	if (candidate->table == WB_SYMBOLS_PLT || candidate->table == WB_SYMBOLS_TEXT || name[0] == '?')
		return strlen(name);
	at = strchr(name + 1, '@');
	return at ? (size_t)(at - name) : strlen(name);
}

static enum wb_err add_text(struct compiler *compiler, const char *text, size_t size, uint32_t *ret_offset)
{
	size_t at = compiler->names_size;

	if (size >= NAMES_MAX - at)
		return WB_ERR_LIMIT;
	if (size >= compiler->names_capacity - at &&
	    !wb_mem_grow((void **)&compiler->names, &compiler->names_capacity, at, size + 1, 1))
		return WB_ERR_MEMORY;
	memcpy(compiler->names + at, text, size);
	compiler->names[at + size] = '\0';
	compiler->names_size = at + size + 1;
	*ret_offset = (uint32_t)at;
	return WB_OK;
}

/* Neighbours are mostly of the same file: its name is kept once for all of them. */
static enum wb_err add_file(struct compiler *compiler, const char *file)
{
	if (file == compiler->file)
		return WB_OK;
	compiler->file = file;
	compiler->file_at = 0;
	return file ? add_text(compiler, file, strlen(file), &compiler->file_at) : WB_OK;
}

static enum wb_err open_symbol(struct compiler *compiler, const struct wb_symtab_candidate *candidate, uint64_t end)
{
	uint32_t kept = candidate->size < SIZE_MAX_VALUE ? (uint32_t)candidate->size : (uint32_t)SIZE_MAX_VALUE, at;
	enum wb_err err = add_text(compiler, candidate->name, wb_symtab_name_size(candidate), &at);

	if (!err)
		err = add_file(compiler, candidate->file);
	if (err)
		return err;
	compiler->files[compiler->num_records] = compiler->file_at;
	compiler->records[compiler->num_records] = (struct record){
		candidate->start, at, kept | (uint32_t)candidate->source << SIZE_BITS,
	};
	return wb_sweep_open(&compiler->sweep, candidate->start, end, (uint32_t)compiler->num_records++);
}

static uint64_t end_of(const struct wb_symtab_candidate *candidate)
{
	uint64_t end;

	return wb_u64_add(candidate->start, candidate->size, &end) ? end : UINT64_MAX;
}

/* The candidates that start at one address: indices into the builder's. */
struct group {
	const struct wb_symtab_candidate *candidates;
	const uint32_t *indices;
	size_t count;
	uint64_t next;                /* where the next group starts; UINT64_MAX: none does */
	bool has_static;              /* whether the image has a static table */
};

/* The preferred one among those that reach further than `reach`. */
static const struct wb_symtab_candidate *best_beyond(const struct group *group, uint64_t reach)
{
	const struct wb_symtab_candidate *best = NULL;

	for (size_t i = 0; i < group->count; i++) {
		const struct wb_symtab_candidate *candidate = &group->candidates[group->indices[i]];

		if (candidate->size > 0 && end_of(candidate) > reach && (!best || wb_symtab_prefers(candidate, best)))
			best = candidate;
	}
	return best;
}

static uint64_t end_without_size(const struct group *group, const struct wb_symtab_candidate *candidate, const struct wb_text *text)
{
	const struct wb_text_range *range = wb_text_find(text, candidate->start);
	uint64_t page_end;

	if (candidate->table == WB_SYMBOLS_DYNAMIC && !group->has_static)
		return candidate->start + 1;
	if (range)
		return group->next < range->end ? group->next : range->end;
	if (group->next - candidate->start <= GAP_MAX)
		return group->next;
	page_end = (candidate->start | (PAGE - 1)) + 1;
	return page_end > candidate->start && page_end < group->next ? page_end : group->next;
}

static const struct wb_symtab_candidate *best_without_size(const struct group *group)
{
	const struct wb_symtab_candidate *best = NULL;

	for (size_t i = 0; i < group->count; i++) {
		const struct wb_symtab_candidate *candidate = &group->candidates[group->indices[i]];

		if (candidate->size == 0 && (!best || wb_symtab_prefers(candidate, best)))
			best = candidate;
	}
	return best;
}

static enum wb_err compile_group(struct compiler *compiler, const struct group *group, const struct wb_text *text)
{
	uint64_t start = group->candidates[group->indices[0]].start, reach = start;
	const struct wb_symtab_candidate *picks[LEVELS_MAX], *pick = &group->candidates[group->indices[0]];
	size_t num_picks = 0;
	enum wb_err err = WB_OK;

	if (group->count == 1 && pick->size > 0) /* nearly all of them */
		return open_symbol(compiler, pick, end_of(pick));
	wb_sweep_to(&compiler->sweep, start);
	while (num_picks < LEVELS_MAX && (pick = best_beyond(group, reach))) {
		picks[num_picks++] = pick;
		reach = end_of(pick);
	}
	if (num_picks == 0 && compiler->sweep.num_open == 0 && (pick = best_without_size(group)))
		return open_symbol(compiler, pick, end_without_size(group, pick, text));
	while (!err && num_picks > 0) {
		num_picks--;
		err = open_symbol(compiler, picks[num_picks], end_of(picks[num_picks]));
	}
	return err;
}

static enum wb_err compile_all(struct compiler *compiler, const struct wb_symtab_builder *builder, const uint64_t *keys,
                               const uint32_t *order, const struct wb_text *text)
{
	struct group group = { .candidates = builder->candidates, .has_static = builder->num_static > 0 };

	for (size_t i = 0, n; i < builder->count; i += n) {
		enum wb_err err;

		for (n = 1; i + n < builder->count && keys[i + n] == keys[i]; n++)
			;
		group.indices = order + i;
		group.count = n;
		group.next = i + n < builder->count ? keys[i + n] : UINT64_MAX;
		err = compile_group(compiler, &group, text);
		if (err)
			return err;
	}
	wb_sweep_to(&compiler->sweep, UINT64_MAX);
	return WB_OK;
}

/* ---- The table ------------------------------------------------------------------------------------------------------ */

static enum wb_err table_of(const struct compiler *compiler, struct wb_symtab **ret_symtab)
{
	const struct wb_sweep *sweep = &compiler->sweep;
	size_t starts_size = sweep->num_segments * sizeof *sweep->starts;
	size_t records_size = compiler->num_records * sizeof *compiler->records;
	size_t symbols_size = sweep->num_segments * sizeof *sweep->ids;
	size_t files_size = compiler->num_records * sizeof *compiler->files;
	struct wb_symtab *symtab;
	size_t size;
	char *at;

	if (!wb_size_add(sizeof *symtab, starts_size, &size) || !wb_size_add(size, records_size, &size) ||
	    !wb_size_add(size, symbols_size, &size) || !wb_size_add(size, files_size, &size) ||
	    !wb_size_add(size, compiler->names_size, &size))
		return WB_ERR_MEMORY;
	symtab = wb_mem_alloc(size);
	if (!symtab)
		return WB_ERR_MEMORY;
	at = (char *)(symtab + 1);
	*symtab = (struct wb_symtab){
		.bytes = size,
		.num_segments = sweep->num_segments,
		.num_records = compiler->num_records,
		.starts = memcpy(at, sweep->starts, starts_size),
		.records = memcpy(at + starts_size, compiler->records, records_size),
		.symbols = memcpy(at + starts_size + records_size, sweep->ids, symbols_size),
		.files = memcpy(at + starts_size + records_size + symbols_size, compiler->files, files_size),
		.names = memcpy(at + starts_size + records_size + symbols_size + files_size, compiler->names, compiler->names_size),
	};
	*ret_symtab = symtab;
	return WB_OK;
}

enum wb_err wb_symtab_builder_finish(struct wb_symtab_builder *builder, const struct wb_text *text, struct wb_symtab **ret_symtab)
{
	size_t count = builder->count;
	struct compiler compiler = { 0 };
	uint64_t *keys;
	uint32_t *order;
	enum wb_err err;

	if (count == 0)
		return WB_NONE;
	keys = wb_mem_resize(NULL, count, sizeof *keys);
	order = wb_mem_resize(NULL, count, sizeof *order);
	compiler.records = wb_mem_resize(NULL, count, sizeof *compiler.records);
	compiler.files = wb_mem_resize(NULL, count, sizeof *compiler.files);
	err = keys && order && compiler.records && compiler.files ? wb_sweep_init(&compiler.sweep, count) : WB_ERR_MEMORY;
	for (size_t i = 0; !err && i < count; i++) {
		keys[i] = builder->candidates[i].start;
		order[i] = (uint32_t)i;
	}
	if (!err)
		err = wb_sort_by_key(keys, order, count);
	if (!err)
		err = add_text(&compiler, "", 0, &compiler.file_at);
	if (!err)
		err = compile_all(&compiler, builder, keys, order, text);
	if (!err)
		err = compiler.num_records > 0 ? table_of(&compiler, ret_symtab) : WB_NONE;
	wb_sweep_deinit(&compiler.sweep);
	wb_mem_free(compiler.records);
	wb_mem_free(compiler.files);
	wb_mem_free(compiler.names);
	wb_mem_free(keys);
	wb_mem_free(order);
	return err;
}

void wb_symtab_free(struct wb_symtab *symtab)
{
	wb_mem_free(symtab);
}

size_t wb_symtab_bytes(const struct wb_symtab *symtab)
{
	return symtab->bytes;
}

size_t wb_symtab_count(const struct wb_symtab *symtab)
{
	return symtab->num_records;
}

bool wb_symtab_find(const struct wb_symtab *symtab, uint64_t image_pc, struct wb_symtab_hit *ret_hit)
{
	const uint64_t *base = symtab->starts;
	size_t n = symtab->num_segments;
	const struct record *record;
	uint32_t symbol, file;

	if (n == 0 || image_pc < base[0])
		return false;
	/* The last start at or below image_pc; halves without a branch that could be mispredicted. */
	while (n > 1) {
		size_t half = n / 2;

		base += base[half] <= image_pc ? half : 0;
		n -= half;
	}
	symbol = symtab->symbols[base - symtab->starts];
	if (symbol == WB_SWEEP_NONE)
		return false;
	record = &symtab->records[symbol];
	file = symtab->files[symbol];
	*ret_hit = (struct wb_symtab_hit){
		symtab->names + record->name, file ? symtab->names + file : NULL, record->start, record->size_source & SIZE_MAX_VALUE,
		(uint8_t)(record->size_source >> SIZE_BITS),
	};
	return true;
}

/* ---- Of an image ------------------------------------------------------------------------------------------------------ */

struct listing {
	struct wb_symtab_builder *builder;
	const char *format;
};

static enum wb_name_source source_of(const struct wb_symbol *symbol, const char *format)
{
	switch ((enum wb_symbol_table)symbol->table) {
	case WB_SYMBOLS_STATIC: return WB_NAME_SYMTAB;
	case WB_SYMBOLS_DYNAMIC: return WB_NAME_DYNSYM;
	case WB_SYMBOLS_PLT: return WB_NAME_PLT;
	case WB_SYMBOLS_TEXT: break;
	}
	return strcmp(format, "kallsyms") == 0 ? WB_NAME_KALLSYMS : WB_NAME_PERF_MAP;
}

static enum wb_err add_listed(void *arg, const struct wb_symbol *symbol)
{
	struct listing *listing = arg;

	return wb_symtab_builder_add(listing->builder, symbol, source_of(symbol, listing->format));
}

/* Malformed tables were reported where they were found; what was listed before counts. */
static enum wb_err add_object(struct wb_image *image, struct wb_object *object, struct wb_symtab_builder *builder)
{
	struct listing listing = { builder, object->format->name };
	enum wb_err err = wb_image_symbols(image, object, add_listed, &listing);

	return err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED ? err : WB_OK;
}

/* The image's objects that have symbols, main file first; role by role, because a debug file that is not needed is not looked for. */
static enum wb_err add_role(struct wb_image *image, enum wb_file_role role, struct wb_symtab_builder *builder, struct wb_object **ret_object)
{
	enum wb_err err = wb_image_object(image, role, ret_object);

	if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
		return err;
	if (err) {
		*ret_object = NULL;
		return WB_OK;
	}
	return add_object(image, *ret_object, builder);
}

enum wb_err wb_symtab_collect(struct wb_image *image, struct wb_symtab_builder *builder, struct wb_text *ret_text)
{
	struct wb_object *main = NULL, *debug = NULL, *symbols = NULL;
	enum wb_err err = add_role(image, WB_FILE_EXECUTABLE, builder, &main);

	if (!err && builder->num_static == 0 && !wb_image_is_absolute(image))
		err = add_role(image, WB_FILE_DEBUG, builder, &debug);
	if (!err)
		err = add_role(image, WB_FILE_SYMBOLS, builder, &symbols);
	*ret_text = (struct wb_text){ 0 };
	if (!err && (main || debug))
		err = wb_text_init(ret_text, main ? main : debug);
	return err;
}

static enum wb_err build_symtab(struct wb_image *image, void *arg, void **ret_value)
{
	struct wb_symtab_builder builder;
	struct wb_symtab *symtab = NULL;
	struct wb_text text;
	enum wb_err err;

	(void)arg;
	*ret_value = NULL;
	wb_symtab_builder_init(&builder);
	err = wb_symtab_collect(image, &builder, &text);
	if (!err)
		err = wb_symtab_builder_finish(&builder, &text, &symtab);
	if (err == WB_ERR_LIMIT)
		wb_diag_report(wb_session_diags(wb_image_session(image)), err, WB_DIAG_SYMBOLS_MALFORMED, wb_image_path(image), "", UINT64_MAX,
		               "symbols or their names are too many");
	if (!err) {
		symtab->session = wb_image_session(image);
		wb_session_charge(symtab->session, symtab->bytes, true);
		*ret_value = symtab;
	}
	wb_text_deinit(&text);
	wb_symtab_builder_deinit(&builder);
	return err;
}

static void destroy_symtab(void *value)
{
	struct wb_symtab *symtab = value;

	if (symtab)
		wb_session_discharge(symtab->session, symtab->bytes, false);
	wb_symtab_free(symtab);
}

enum wb_err wb_symtab_of_image(struct wb_image *image, const struct wb_symtab **ret_symtab)
{
	void *value;
	enum wb_err err = wb_image_slot(image, WB_SLOT_SYMTAB, build_symtab, NULL, destroy_symtab, &value);

	if (err)
		return err;
	if (!value)
		return WB_NONE;
	*ret_symtab = value;
	return WB_OK;
}

struct code_listing {
	wb_symbol_fn fn;
	void *arg;
	enum wb_err stop;             /* what fn ended the listing with; WB_OK: nothing yet */
};

static enum wb_err list_code(void *arg, const struct wb_symbol *symbol)
{
	struct code_listing *listing = arg;

	if (is_code(symbol))
		listing->stop = listing->fn(listing->arg, symbol);
	return listing->stop;
}

enum wb_err wb_symtab_list(struct wb_image *image, wb_symbol_fn fn, void *arg)
{
	static const enum wb_file_role roles[] = { WB_FILE_EXECUTABLE, WB_FILE_DEBUG, WB_FILE_SYMBOLS };
	struct code_listing listing = { fn, arg, WB_OK };

	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		struct wb_object *object;
		enum wb_err err = wb_image_object(image, roles[i], &object);

		if (!err)
			err = wb_image_symbols(image, object, list_code, &listing);
		if (listing.stop)
			return listing.stop;
		if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
			return err;
	}
	return WB_OK;
}
