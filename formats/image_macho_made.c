/* SPDX-License-Identifier: MIT */
/*
 * What the symbols of Mach-O files need besides their table: the strings, where functions start (LC_FUNCTION_STARTS) and what is no code behind them
 * (LC_DATA_IN_CODE), what a library exports (a trie of names), and what stubs lead to (the indirect symbol table). Made once, on first need, and kept; a damaged part costs itself alone.
 */
#include "formats/image_macho.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	STARTS_MAX = 1 << 26,
	TRIE_SIZE_MAX = 1 << 30,
	TRIE_DEPTH_MAX = 1024,        /* C++ names of some thousand characters are shared in pieces of several */
	TRIE_NAME_MAX = 64 << 10,
	/* What a trie's names come to, in sizes of the trie: pieces are shared some ten times. */
	TRIE_RATIO_MAX = 64,
	EXPORT_REEXPORT = 8, EXPORT_STUB_AND_RESOLVER = 16, EXPORT_KIND = 3, EXPORT_ABSOLUTE = 2,
	INDIRECT_LOCAL = 30,          /* from this bit on: no symbol, but a local or an absolute place */
};

static void hold(struct macho *macho, uint64_t bytes)
{
	atomic_fetch_add_explicit(&macho->base.held, bytes, memory_order_relaxed);
}

static enum wb_err malformed(struct macho *macho, const char *part, uint64_t offset, const char *text)
{
	return wb_macho_report(macho, WB_ERR_DATA, WB_DIAG_SYMBOLS_MALFORMED, part, offset, text);
}

/* ---- Where functions start ------------------------------------------------------------------------------------------------ */

/* Distances from the header, then from one to the next, up to a 0. */
static enum wb_err read_starts(struct macho *macho, struct wb_bytes b)
{
	uint64_t at = 0, step;

	/* Each round consumes a byte. */
	while (!wb_bytes_at_end(&b) && (step = wb_bytes_uleb_2(&b))) {
		if (wb_bytes_failed(&b) || step > UINT32_MAX - at || macho->num_starts == STARTS_MAX)
			return malformed(macho, "function starts", wb_bytes_offset(&b), "a function starts behind the end of all addresses");
		at += step;
		if (!wb_mem_grow((void **)&macho->function_starts, &macho->starts_capacity, macho->num_starts, 1, sizeof(macho->function_starts[0])))
			return WB_ERR_MEMORY;
		macho->function_starts[macho->num_starts++] = (uint32_t)at;
	}
	return WB_OK;
}

static enum wb_err make_starts(struct macho *macho)
{
	struct wb_piece piece;
	enum wb_err err;

	/* A dSYM has the command from the file that it was made of, without what it leads to. */
	if (!macho->starts.size || macho->base.is_debug_only)
		return WB_OK;
	err = wb_macho_piece(macho, macho->starts, "function starts", &piece);
	if (err)
		return err;
	err = read_starts(macho, macho_bytes(macho, &piece));
	wb_piece_deinit(&piece);
	hold(macho, macho->starts_capacity * sizeof(macho->function_starts[0]));
	return err;
}

/* ---- Data in code --------------------------------------------------------------------------------------------------------- */

enum { DATA_SIZE = 8, DATA_SIZE_MAX = 64 << 20 };

static int by_offset(const void *left, const void *right)
{
	const struct macho_data *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* struct data_in_code_entry: offset, length and kind. */
static enum wb_err make_data(struct macho *macho)
{
	size_t count = (size_t)(macho->data_in_code.size / DATA_SIZE);
	struct wb_piece piece;
	struct wb_bytes b;
	enum wb_err err;

	if (!count || macho->base.is_debug_only || macho->base.relocatable)
		return WB_OK;
	if (macho->data_in_code.size > DATA_SIZE_MAX)
		return malformed(macho, "data in code", macho->data_in_code.offset, "more data than any code has");
	err = wb_macho_piece(macho, macho->data_in_code, "data in code", &piece);
	if (err)
		return err;
	macho->data = wb_mem_zalloc(count, sizeof(macho->data[0]));
	b = macho_bytes(macho, &piece);
	for (size_t i = 0; macho->data && i < count; i++) {
		struct macho_data data = { .start = wb_bytes_u32(&b) };
		uint16_t length = wb_bytes_u16(&b);

		wb_bytes_u16(&b);
		data.end = data.start <= UINT32_MAX - length ? data.start + length : UINT32_MAX;
		macho->data[macho->num_data++] = data;
	}
	wb_piece_deinit(&piece);
	if (!macho->data)
		return WB_ERR_MEMORY;
	qsort(macho->data, macho->num_data, sizeof(macho->data[0]), by_offset);
	hold(macho, count * sizeof(macho->data[0]));
	return WB_OK;
}

/* ---- Symbols of our own ----------------------------------------------------------------------------------------------------- */

static enum wb_err add_made(struct macho *macho, uint64_t value, uint32_t size, uint8_t table, const char *name, size_t name_size,
                            const char *suffix)
{
	size_t suffix_size = strlen(suffix), at = macho->made_names_size;

	if (at > UINT32_MAX - name_size - suffix_size - 1)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&macho->made_names, &macho->made_names_capacity, at, name_size + suffix_size + 1, 1) ||
	    !wb_mem_grow((void **)&macho->made, &macho->made_capacity, macho->num_made, 1, sizeof(macho->made[0])))
		return WB_ERR_MEMORY;
	memcpy(macho->made_names + at, name, name_size);
	memcpy(macho->made_names + at + name_size, suffix, suffix_size + 1);
	macho->made_names_size += name_size + suffix_size + 1;
	macho->made[macho->num_made++] = (struct macho_made){ value, (uint32_t)at, size, table };
	return WB_OK;
}

/* ---- Exports ---------------------------------------------------------------------------------------------------------------- */

/* A walk through the trie: the nodes from the root down, and the name so far. */
struct trie {
	struct macho *macho;
	struct wb_bytes bytes;
	struct node { size_t next; uint8_t left; size_t prefix; } nodes[TRIE_DEPTH_MAX]; /* next: of its children */
	size_t depth;
	size_t num_visited;
	char name[TRIE_NAME_MAX];
	size_t name_size;
};

/* What a node says of the name that leads to it. */
static enum wb_err read_export(struct trie *trie, struct wb_bytes *b)
{
	uint64_t flags = wb_bytes_uleb(b), offset = wb_bytes_uleb(b);
	const char *name = trie->name;
	size_t size = trie->name_size;

	if (wb_bytes_failed(b))
		return malformed(trie->macho, "exports", wb_bytes_offset(b), "an export is cut");
	if (flags & EXPORT_REEXPORT || (flags & EXPORT_KIND) == EXPORT_ABSOLUTE || !size)
		return WB_OK;
	if (trie->macho->made_names_size / TRIE_RATIO_MAX > wb_bytes_size(&trie->bytes))
		return malformed(trie->macho, "exports", wb_bytes_offset(b), "its names are longer than any trie's of its size");
	return add_made(trie->macho, trie->macho->base.base + offset, 0, WB_SYMBOLS_DYNAMIC, name + (*name == '_'), size - (*name == '_'), "");
}

/* Goes down to a node. Each node has one place in the trie, so there are no more visits than bytes. */
static enum wb_err enter(struct trie *trie, uint64_t offset)
{
	struct wb_bytes b = trie->bytes, info;
	enum wb_err err = WB_OK;
	uint64_t size;

	if (trie->depth == TRIE_DEPTH_MAX || trie->num_visited++ > wb_bytes_size(&b))
		return malformed(trie->macho, "exports", offset, "the trie is deeper than any, or leads around in circles");
	wb_bytes_seek(&b, offset);
	size = wb_bytes_uleb(&b);
	info = wb_bytes_sub(&b, size);
	if (size && !wb_bytes_failed(&b))
		err = read_export(trie, &info);
	if (err)
		return err;
	trie->nodes[trie->depth].left = wb_bytes_u8(&b);
	trie->nodes[trie->depth].next = wb_bytes_offset(&b);
	trie->nodes[trie->depth++].prefix = trie->name_size;
	return wb_bytes_failed(&b) ? malformed(trie->macho, "exports", offset, "a node is cut") : WB_OK;
}

/* Goes to the next child of the deepest node, or up. */
static enum wb_err step(struct trie *trie)
{
	struct node *node = &trie->nodes[trie->depth - 1];
	struct wb_bytes b = trie->bytes;
	const char *edge;
	size_t length;
	uint64_t offset;

	trie->name_size = node->prefix;
	if (!node->left) {
		trie->depth--;
		return WB_OK;
	}
	node->left--;
	wb_bytes_seek(&b, node->next);
	edge = wb_bytes_string(&b);
	offset = wb_bytes_uleb(&b);
	length = edge ? strlen(edge) : 0;
	if (wb_bytes_failed(&b) || length > TRIE_NAME_MAX - trie->name_size)
		return malformed(trie->macho, "exports", node->next, "a branch is cut, or its name is longer than 64 KiB");
	memcpy(trie->name + trie->name_size, edge, length);
	trie->name_size += length;
	node->next = wb_bytes_offset(&b);
	return enter(trie, offset);
}

static enum wb_err make_exports(struct macho *macho)
{
	struct wb_piece piece;
	struct trie *trie;
	enum wb_err err;

	if (!macho->exports.size || macho->base.is_debug_only)
		return WB_OK;
	if (macho->exports.size > TRIE_SIZE_MAX)
		return malformed(macho, "exports", macho->exports.offset, "more exports than any file has");
	err = wb_macho_piece(macho, macho->exports, "exports", &piece);
	if (err)
		return err;
	trie = wb_mem_zalloc(1, sizeof(*trie));
	if (trie) {
		trie->macho = macho;
		trie->bytes = macho_bytes(macho, &piece);
		err = enter(trie, 0);
		while (!err && trie->depth)
			err = step(trie);
	} else {
		err = WB_ERR_MEMORY;
	}
	wb_mem_free(trie);
	wb_piece_deinit(&piece);
	return err;
}

/* ---- Stubs -------------------------------------------------------------------------------------------------------------------- */

struct stubs { struct wb_piece indirect, symbols; };

static enum wb_err make_stub(struct macho *macho, const struct stubs *stubs, uint64_t index, uint64_t vaddr, uint32_t size)
{
	struct wb_bytes b = macho_bytes(macho, &stubs->indirect);
	struct macho_symbol symbol;
	const char *name;
	uint32_t which;

	wb_bytes_skip(&b, index * 4);
	which = wb_bytes_u32(&b);
	if (wb_bytes_failed(&b) || which >> INDIRECT_LOCAL)
		return WB_OK;
	b = macho_bytes(macho, &stubs->symbols);
	wb_bytes_skip(&b, (uint64_t)which * wb_macho_symbol_size(macho));
	symbol = wb_macho_read_symbol(macho, &b);
	name = wb_bytes_failed(&b) ? NULL : wb_macho_name(macho, symbol.name);
	return name && *name ? add_made(macho, vaddr, size, WB_SYMBOLS_PLT, name, strlen(name), "@plt") : WB_OK;
}

/* A section of stubs says how large each is, and where in the indirect table its own symbols begin. */
static enum wb_err make_stubs_of(struct macho *macho, const struct stubs *stubs, size_t index)
{
	const struct macho_section *header = &macho->headers[index];
	const struct wb_section *section = &macho->sections[index];
	uint64_t count, named = macho->indirect.size / 4;
	enum wb_err err = WB_OK;

	if ((header->flags & MACHO_SECTION_TYPE) != MACHO_SYMBOL_STUBS || !header->stub_size || section->flags & WB_SECTION_NOBITS)
		return WB_OK;
	count = section->size / header->stub_size;
	for (uint64_t i = 0; !err && i < count && header->first_indirect + i < named; i++)
		err = make_stub(macho, stubs, header->first_indirect + i, section->vaddr + i * header->stub_size, header->stub_size);
	return err;
}

static enum wb_err make_stubs(struct macho *macho)
{
	struct stubs stubs;
	enum wb_err err;

	if (!macho->indirect.size || !macho->symbols.size || macho->base.is_debug_only)
		return WB_OK;
	err = wb_macho_piece(macho, macho->indirect, "indirect symbols", &stubs.indirect);
	if (err)
		return err;
	err = wb_macho_piece(macho, macho->symbols, "symbols", &stubs.symbols);
	for (size_t i = 0; !err && i < macho->num_headers; i++)
		err = make_stubs_of(macho, &stubs, i);
	wb_piece_deinit(&stubs.indirect);
	if (err)
		return err;
	wb_piece_deinit(&stubs.symbols);
	return WB_OK;
}

/* ---- All of it ---------------------------------------------------------------------------------------------------------------- */

static enum wb_err make_names(struct macho *macho)
{
	enum wb_err err;

	if (!macho->strings.size)
		return WB_OK;
	err = wb_macho_piece(macho, macho->strings, "strings", &macho->names);
	if (!err)
		hold(macho, macho->names.owned ? macho->names.size : 0);
	return err;
}

static enum wb_err make_all(struct macho *macho)
{
	static enum wb_err (*const parts[])(struct macho *macho) = { make_names, make_starts, make_data, make_exports, make_stubs };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i](macho) == WB_ERR_MEMORY)
			return WB_ERR_MEMORY;
	}
	hold(macho, macho->made_capacity * sizeof(macho->made[0]) + macho->made_names_capacity);
	return WB_OK;
}

/* What a failed allocation left half done. */
static void unmake(struct macho *macho)
{
	wb_macho_symbols_deinit(macho);
	macho->names = (struct wb_piece){ 0 };
	macho->function_starts = NULL;
	macho->data = NULL;
	macho->num_data = 0;
	macho->made = NULL;
	macho->made_names = NULL;
	macho->num_starts = macho->starts_capacity = macho->num_made = macho->made_capacity = 0;
	macho->made_names_size = macho->made_names_capacity = 0;
	atomic_store_explicit(&macho->base.held, 0, memory_order_relaxed);
}

enum wb_err wb_macho_make(struct macho *macho)
{
	enum wb_err err = WB_OK;

	wb_lock_take(&macho->lock);
	if (!macho->is_made) {
		err = make_all(macho);
		macho->is_made = !err;
		if (err)
			unmake(macho);
	}
	wb_lock_give(&macho->lock);
	return err;
}
