/* SPDX-License-Identifier: MIT */
/* Names in PE files: the export directory, and COFF symbols, which MinGW's linker leaves in ("PE Format", "The .edata Section", "COFF Symbol Table"). */
#include "formats/image_pe.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <string.h>

enum {
	EXPORTS_MAX = 64 << 20,       /* bytes of the directory: the largest libraries have 65,535 exports */
	STRINGS_MAX = 1 << 30,
	CLASS_EXTERNAL = 2, CLASS_STATIC = 3,
	TYPE_FUNCTION = 0x20,
	SHORT_SIZE = 9,
};

void wb_pe_symbols_deinit(struct wb_pe *pe)
{
	wb_piece_deinit(&pe->exports);
	wb_piece_deinit(&pe->symbols);
	wb_piece_deinit(&pe->strings);
	wb_mem_free(pe->text);
}

/* ---- Reading ---- */

static enum wb_err load_strings(struct wb_pe *pe, uint64_t offset)
{
	uint8_t size[4];
	uint32_t count;

	if (wb_file_read(pe->base.file, offset, size, sizeof(size)) != WB_OK)
		return WB_OK;
	count = wb_load32(size, false);
	if (count < sizeof(size) || count > STRINGS_MAX)
		return WB_OK;
	return wb_file_piece(pe->base.file, offset, count, &pe->strings);
}

static enum wb_err load_coff(struct wb_pe *pe)
{
	uint64_t size = (uint64_t)pe->num_symbols * WB_PE_SYMBOL_SIZE;
	enum wb_err err;

	if (!pe->symbols_offset || !pe->num_symbols)
		return WB_OK;
	err = wb_file_piece(pe->base.file, pe->symbols_offset, size, &pe->symbols);
	if (!err)
		err = load_strings(pe, pe->symbols_offset + size);
	if (err == WB_ERR_MEMORY)
		return err;
	if (err) {
		wb_pe_report(pe, WB_OK, pe->symbols_offset, "the file ends within its symbols");
		wb_piece_deinit(&pe->symbols);
		pe->symbols = (struct wb_piece){ 0 };
		return WB_OK;
	}
	pe->text = wb_mem_zalloc(pe->num_symbols, SHORT_SIZE);
	for (uint32_t i = 0; pe->text && i < pe->num_symbols; i++)
		memcpy(pe->text + (size_t)i * SHORT_SIZE, pe->symbols.bytes + (size_t)i * WB_PE_SYMBOL_SIZE, SHORT_SIZE - 1);
	return pe->text ? WB_OK : WB_ERR_MEMORY;
}

static enum wb_err load(struct wb_pe *pe)
{
	enum wb_err err = WB_NONE;

	if (pe->directories[0].size && pe->directories[0].size <= EXPORTS_MAX)
		err = wb_pe_piece(pe, pe->directories[0].rva, pe->directories[0].size, &pe->exports);
	if (err >= 0)
		err = load_coff(pe);
	if (err)
		return err;
	pe->has_symbols = true;
	atomic_fetch_add_explicit(&pe->base.held, pe->symbols.size + pe->strings.size + pe->exports.size + (uint64_t)pe->num_symbols * SHORT_SIZE,
	                          memory_order_relaxed);
	return WB_OK;
}

static bool is_executable(const struct wb_pe *pe, uint64_t vaddr)
{
	for (size_t i = 0; i < pe->base.num_segments; i++)
		if (vaddr - pe->segments[i].vaddr < pe->segments[i].memsz)
			return pe->segments[i].prot & WB_PROT_EXEC;
	return false;
}

/* 32-bit Windows puts an underscore before C's names. */
static const char *plain_name(const struct wb_pe *pe, const char *name)
{
	return pe->base.platform.arch == WB_ARCH_X86 && *name == '_' ? name + 1 : name;
}

static enum wb_err give(const struct wb_pe *pe, const char *name, uint64_t vaddr, enum wb_symbol_table table, bool local, wb_symbol_fn fn, void *arg)
{
	struct wb_symbol symbol = { .name = plain_name(pe, name), .value = vaddr, .type = WB_SYMBOL_FUNCTION, .table = (uint8_t)table,
	                            .binding = local ? WB_BINDING_LOCAL : WB_BINDING_GLOBAL, .executable = 1 };

	return *symbol.name && is_executable(pe, vaddr) ? fn(arg, &symbol) : WB_OK;
}

/* ---- Exports ---- */

/* A string in the directory; NULL if it is not there. */
static const char *export_text(const struct wb_pe *pe, uint32_t rva)
{
	uint64_t at = (uint64_t)rva - pe->directories[0].rva;

	return at < pe->exports.size && memchr(pe->exports.bytes + at, 0, pe->exports.size - (size_t)at) ? (const char *)pe->exports.bytes + at : NULL;
}

/* An element of a table in the directory. */
static bool export_element(const struct wb_pe *pe, uint32_t table, uint32_t index, unsigned size, uint32_t *ret)
{
	uint64_t at = (uint64_t)table + (uint64_t)index * size - pe->directories[0].rva;

	if (at >= pe->exports.size || pe->exports.size - at < size)
		return false;
	*ret = size == 2 ? wb_load16(pe->exports.bytes + at, false) : wb_load32(pe->exports.bytes + at, false);
	return true;
}

static enum wb_err list_exports(const struct wb_pe *pe, wb_symbol_fn fn, void *arg)
{
	struct wb_bytes b = wb_bytes_of(pe->exports.bytes, pe->exports.size, false);
	uint32_t count, functions, names, ordinals, name, ordinal, rva;
	enum wb_err err = WB_OK;

	wb_bytes_seek(&b, 24);
	count = wb_bytes_u32(&b);
	functions = wb_bytes_u32(&b);
	names = wb_bytes_u32(&b);
	ordinals = wb_bytes_u32(&b);
	if (wb_bytes_failed(&b))
		return WB_OK;
	/* The table of names is in the directory, which bounds their number. */
	for (uint32_t i = 0; i < count && !err && export_element(pe, names, i, 4, &name); i++) {
		const char *text = export_text(pe, name);

		if (text && export_element(pe, ordinals, i, 2, &ordinal) && export_element(pe, functions, ordinal, 4, &rva))
			err = give(pe, text, pe->image_base + rva, WB_SYMBOLS_DYNAMIC, false, fn, arg);
	}
	return err;
}

/* ---- COFF symbols ---- */

static const char *symbol_name(const struct wb_pe *pe, const uint8_t *raw, uint32_t index)
{
	uint32_t at;

	if (wb_load32(raw, false))
		return pe->text + (size_t)index * SHORT_SIZE;
	at = wb_load32(raw + 4, false);
	return at < pe->strings.size && memchr(pe->strings.bytes + at, 0, pe->strings.size - at) ? (const char *)pe->strings.bytes + at : "";
}

static enum wb_err list_coff(const struct wb_pe *pe, wb_symbol_fn fn, void *arg)
{
	/* The exceptions' section that was put before the others is not counted. */
	size_t extra = pe->base.num_sections - pe->num_names;
	enum wb_err err = WB_OK;

	for (uint32_t i = 0; i < pe->symbols.size / WB_PE_SYMBOL_SIZE && !err; i++) {
		const uint8_t *raw = pe->symbols.bytes + (size_t)i * WB_PE_SYMBOL_SIZE;
		uint32_t value = wb_load32(raw + 8, false), section = wb_load16(raw + 12, false), type = wb_load16(raw + 14, false);

		if (section >= 1 && section <= pe->num_names && (raw[16] == CLASS_EXTERNAL || (raw[16] == CLASS_STATIC && type == TYPE_FUNCTION)))
			err = give(pe, symbol_name(pe, raw, i), pe->sections[section - 1 + extra].vaddr + value, WB_SYMBOLS_STATIC,
			           raw[16] == CLASS_STATIC, fn, arg);
		i += raw[17]; /* auxiliary records follow */
	}
	return err;
}

enum wb_err wb_pe_list_symbols(struct wb_object *object, wb_symbol_fn fn, void *arg)
{
	struct wb_pe *pe = wb_pe_of(object);
	enum wb_err err = WB_OK;

	wb_lock_take(&pe->lock);
	if (!pe->has_symbols)
		err = load(pe);
	wb_lock_give(&pe->lock);
	if (!err)
		err = list_coff(pe, fn, arg);
	return err ? err : list_exports(pe, fn, arg);
}
