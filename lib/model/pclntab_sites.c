/* SPDX-License-Identifier: MIT */
/*
 * The function at a pc and the calls inlined there, from Go's tables alone, as runtime.CallersFrames tells them (runtime/symtabinl.go): a table says which
 * inlined call a pc is in; the call says at which pc of its parent it is, and file and line of the parent are those of that pc.
 */
#include "model/pclntab.h"

#include <string.h>

enum {
	DEPTH_MAX = 512,              /* calls inlined into each other; the compiler's budget ends them at a few dozen */
	INLINES_MAX = 1 << 24,        /* calls inlined into one function: more is not in a table of 2 GiB */
	ENTRY_OLD = 20, ENTRY = 16,   /* bytes of an inlined call before 1.20 and since */
	NO_ID = 0xff,
};

/* ---- What the runtime's functions are numbered ---- */

/* Go's own lists: cmd/internal/objabi/funcid.go, later internal/abi/symtab.go; runtime/funcdata.h for where inlined calls are. */
static const struct numbering {
	enum wb_pclntab_version first, last;
	bool has_go_panic_index, has_async_preempt; /* names since 1.13 and 1.14, as far as they tell numberings apart */
	struct wb_go_ids ids;
} numberings[] = {
	{ WB_PCLNTAB_1_2, WB_PCLNTAB_1_2, false, false, { 2, 9, 20, 1, 2 } },      /* 1.12 */
	{ WB_PCLNTAB_1_2, WB_PCLNTAB_1_2, true, false, { 2, 9, 20, 2, 4 } },       /* 1.13 */
	{ WB_PCLNTAB_1_2, WB_PCLNTAB_1_2, true, true, { 2, 9, 22, 2, 4 } },        /* 1.14, 1.15 */
	{ WB_PCLNTAB_1_16, WB_PCLNTAB_1_16, true, true, { 2, 9, 22, 2, 3 } },      /* 1.16 */
	{ WB_PCLNTAB_1_16, WB_PCLNTAB_1_16, true, true, { 7, 19, 22, 2, 3 } },     /* 1.17 */
	{ WB_PCLNTAB_1_18, WB_PCLNTAB_1_20, true, true, { 7, 18, 21, 2, 3 } },     /* 1.18 to 1.21 */
	{ WB_PCLNTAB_1_20, WB_PCLNTAB_1_20, true, true, { 8, 19, 22, 2, 3 } },     /* 1.22 to 1.24 */
	{ WB_PCLNTAB_1_20, WB_PCLNTAB_1_20, true, true, { 8, 20, 23, 2, 3 } },     /* 1.25 and later */
};
/* Where the runtime's names do not tell. */
static const struct wb_go_ids unknown_old = { NO_ID, NO_ID, NO_ID, 2, 4 }, unknown = { NO_ID, NO_ID, NO_ID, 2, 3 };

/* Numbers that functions of a name have. Wrappers have the name of what they wrap, so there may be several. */
struct seen { bool goexit[256], sigpanic[256], go_panic_index, async_preempt; };

static void look_at(struct seen *seen, const char *name, uint8_t id)
{
	static const char runtime[] = "runtime.";

	if (strncmp(name, runtime, sizeof(runtime) - 1) != 0)
		return;
	name += sizeof(runtime) - 1;
	if (!strcmp(name, "goexit"))
		seen->goexit[id] = true;
	else if (!strcmp(name, "sigpanic"))
		seen->sigpanic[id] = true;
	else if (!strcmp(name, "goPanicIndex"))
		seen->go_panic_index = true;
	else if (!strcmp(name, "asyncPreempt"))
		seen->async_preempt = true;
}

static const struct wb_go_ids *find_ids(const struct wb_pclntab *table)
{
	bool is_old = table->version == WB_PCLNTAB_1_2;
	struct seen seen = { .go_panic_index = false };

	for (uint32_t i = 0; i < table->num_functions; i++) {
		struct wb_go_function function;
		const char *name = wb_pclntab_function(table, i, &function) == WB_OK ? wb_pclntab_name(table, &function) : NULL;

		if (name)
			look_at(&seen, name, function.id);
	}
	for (size_t i = 0; i < sizeof(numberings) / sizeof(numberings[0]); i++) {
		const struct numbering *n = &numberings[i];

		if (table->version < n->first || table->version > n->last || !seen.goexit[n->ids.goexit] || !seen.sigpanic[n->ids.sigpanic])
			continue;
		if (!is_old || (n->has_go_panic_index == seen.go_panic_index && n->has_async_preempt == seen.async_preempt))
			return &n->ids;
	}
	return is_old ? &unknown_old : &unknown;
}

const struct wb_go_ids *wb_pclntab_ids(const struct wb_pclntab *table)
{
	/* What threads find is the same, so that whoever stores it last does no harm. */
	_Atomic(const struct wb_go_ids *) *place = (_Atomic(const struct wb_go_ids *) *)(uintptr_t)&table->ids;
	const struct wb_go_ids *ids = atomic_load_explicit(place, memory_order_acquire);

	if (!ids) {
		ids = find_ids(table);
		atomic_store_explicit(place, ids, memory_order_release);
	}
	return ids;
}

/* ---- Inlined calls ---- */

static size_t record_size(const struct wb_pclntab *table)
{
	switch (table->version) {
	case WB_PCLNTAB_1_2: return table->word_size + 32u;
	case WB_PCLNTAB_1_16: return table->word_size + 36u;
	case WB_PCLNTAB_1_18: return 40;
	case WB_PCLNTAB_1_20:
	case WB_PCLNTAB_VERSIONS: break;
	}
	return 44;
}

/* Behind a function's description: offsets of tables by pc, then of other data. */
static uint32_t find_pcdata(const struct wb_pclntab *table, const struct wb_go_function *function, uint8_t which)
{
	struct wb_bytes reader = table->bytes;

	if (which >= function->num_pcdata)
		return 0;
	wb_bytes_seek(&reader, function->record + record_size(table) + 4 * (uint64_t)which);
	return wb_bytes_u32(&reader);
}

/* The image pc of a function's data; false: it has none. Before 1.18 an address, aligned as such. */
static bool find_funcdata(const struct wb_pclntab *table, const struct wb_go_function *function, uint8_t which, uint64_t *ret_image_pc)
{
	bool is_address = table->version < WB_PCLNTAB_1_18;
	uint64_t at = function->record + record_size(table) + 4 * (uint64_t)function->num_pcdata, word;
	unsigned size = is_address ? table->word_size : 4;
	struct wb_bytes reader = table->bytes;

	if (which >= function->num_funcdata)
		return false;
	if (is_address)
		at += (table->word_size - (table->address + at) % table->word_size) % table->word_size;
	wb_bytes_seek(&reader, at + (uint64_t)which * size);
	word = wb_bytes_uint(&reader, size);
	if (wb_bytes_failed(&reader) || (is_address ? !word : word == UINT32_MAX || !table->has_data))
		return false;
	*ret_image_pc = is_address ? word : table->data + word;
	return true;
}

static enum wb_err read_image(const struct wb_pclntab *table, uint64_t image_pc, uint8_t *buffer, size_t size)
{
	struct wb_bytes reader = table->bytes;
	const uint8_t *bytes;

	if (image_pc >= table->address && image_pc - table->address < wb_bytes_size(&reader)) {
		wb_bytes_seek(&reader, image_pc - table->address);
		bytes = wb_bytes_take(&reader, size);
		if (!bytes)
			return WB_NONE;
		memcpy(buffer, bytes, size);
		return WB_OK;
	}
	return table->read ? table->read(table->read_arg, image_pc, buffer, size) : WB_NONE;
}

struct call {
	uint8_t id;
	int32_t name;                 /* offset in names */
	uint32_t parent_pc;           /* from the function's start */
	uint32_t start_line;          /* 0: not told */
};

static enum wb_err read_call(const struct wb_go_sites *sites, uint32_t index, struct call *ret)
{
	const struct wb_pclntab *table = sites->table;
	bool is_old = table->version < WB_PCLNTAB_1_20, big = table->bytes.big_endian;
	size_t size = is_old ? ENTRY_OLD : ENTRY;
	uint8_t bytes[ENTRY_OLD];
	enum wb_err err = read_image(table, sites->tree + (uint64_t)index * size, bytes, size);

	if (err)
		return err == WB_ERR_MEMORY ? err : WB_ERR_DATA;
	ret->id = bytes[is_old ? 2 : 0];
	ret->name = (int32_t)wb_load32(bytes + (is_old ? 12 : 4), big);
	ret->parent_pc = wb_load32(bytes + (is_old ? 16 : 8), big);
	ret->start_line = is_old ? 0 : wb_load32(bytes + 12, big);
	return WB_OK;
}

/* ---- Sites ---- */

enum wb_err wb_go_sites_begin(const struct wb_pclntab *table, uint64_t image_pc, struct wb_go_sites *ret_sites)
{
	struct wb_go_sites sites = { .table = table, .image_pc = image_pc };
	enum wb_err err = wb_pclntab_find(table, image_pc, &sites.function);
	const struct wb_go_ids *ids;

	if (err)
		return err;
	ids = wb_pclntab_ids(table);
	sites.indexes = find_pcdata(table, &sites.function, ids->pcdata_inlines);
	sites.has_tree = sites.indexes && find_funcdata(table, &sites.function, ids->funcdata_inlines, &sites.tree);
	*ret_sites = sites;
	return WB_OK;
}

static void find_line(const struct wb_go_sites *sites, struct wb_go_site *site)
{
	const struct wb_go_function *function = &sites->function;
	int32_t value;

	if (wb_pclntab_value(sites->table, function, function->file, sites->image_pc, &value) == WB_OK)
		site->file = wb_pclntab_file(sites->table, function, value);
	if (wb_pclntab_value(sites->table, function, function->line, sites->image_pc, &value) == WB_OK && value > 0)
		site->line = (uint32_t)value;
}

/* Which inlined call the pc is in; WB_NONE: the function itself. */
static enum wb_err find_call(struct wb_go_sites *sites, struct call *ret)
{
	int32_t index = -1;
	enum wb_err err = WB_NONE;

	if (sites->has_tree)
		err = wb_pclntab_value(sites->table, &sites->function, sites->indexes, sites->image_pc, &index);
	if (err || index < 0)
		return err ? err : WB_NONE;
	if (index >= INLINES_MAX || sites->depth++ == DEPTH_MAX)
		return WB_ERR_DATA;
	err = read_call(sites, (uint32_t)index, ret);
	if (!err && ret->parent_pc >= sites->function.end - sites->function.start)
		err = WB_ERR_DATA;
	return err;
}

enum wb_err wb_go_sites_next(struct wb_go_sites *sites, struct wb_go_site *ret_site)
{
	const struct wb_go_ids *ids = wb_pclntab_ids(sites->table);
	struct wb_go_function named = sites->function;
	struct wb_go_site site = { .start_line = named.start_line };
	struct call call = { .id = named.id };
	enum wb_err err;

	if (sites->is_over)
		return WB_NONE;
	err = find_call(sites, &call);
	if (err < 0) {
		sites->has_tree = false;
		return err;
	}
	find_line(sites, &site);
	if (err == WB_OK) {
		named.name = call.name;
		site.start_line = call.start_line;
		site.is_inlined = true;
		sites->image_pc = sites->function.start + call.parent_pc;
	} else {
		sites->is_over = true;
	}
	site.name = wb_pclntab_name(sites->table, &named);
	site.is_wrapper = call.id == ids->wrapper && call.id != NO_ID;
	*ret_site = site;
	return WB_OK;
}
