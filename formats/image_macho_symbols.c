/* SPDX-License-Identifier: MIT */
/*
 * Symbols of Mach-O files: the nlist table, what the export trie and the stubs add to it, and where functions start. Symbols have no sizes here:
 * a function reaches to where the next one starts, if the file lists that. Names come without the underscore that C's have on this platform.
 */
#include "formats/image_macho.h"

#include "base/mem.h"

#include <string.h>

enum {
	NAME_SIZE_MAX = 64 << 10,     /* of a symbol: compilers stop earlier. Names may overlap, so the table's size does not bound all together */
	PADDING_MAX = 32,             /* bytes behind a function */
};

size_t wb_macho_symbol_size(const struct macho *macho)
{
	return macho->is_64 ? 16 : 12;
}

struct macho_symbol wb_macho_read_symbol(const struct macho *macho, struct wb_bytes *b)
{
	struct macho_symbol symbol = { .name = wb_bytes_u32(b) };

	symbol.type = wb_bytes_u8(b);
	symbol.section = wb_bytes_u8(b);
	symbol.desc = wb_bytes_u16(b);
	symbol.value = macho_word(macho, b);
	return symbol;
}

const char *wb_macho_text(const struct macho *macho, uint32_t offset)
{
	const struct wb_piece *names = &macho->names;
	size_t left = offset < names->size ? names->size - offset : 0;
	const char *name = left ? (const char *)names->bytes + offset : NULL;

	if (!left || !memchr(name, 0, left < NAME_SIZE_MAX ? left : NAME_SIZE_MAX))
		return NULL;
	return name;
}

const char *wb_macho_name(const struct macho *macho, uint32_t offset)
{
	const char *name = wb_macho_text(macho, offset);

	return name && *name == '_' ? name + 1 : name;
}

void wb_macho_symbols_deinit(struct macho *macho)
{
	wb_piece_deinit(&macho->names);
	wb_mem_free(macho->function_starts);
	wb_mem_free(macho->data);
	wb_mem_free(macho->made);
	wb_mem_free(macho->made_names);
}

/* ---- Bounds --------------------------------------------------------------------------------------------------------------- */

/* A function's tables lie behind its code, up to the padding in front of the next one: where its code ends. */
static uint64_t end_of_code(const struct macho *macho, uint64_t vaddr, uint64_t end)
{
	size_t low = 0, high = macho->num_data;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (macho->base.base + macho->data[middle].start < end)
			low = middle + 1;
		else
			high = middle;
	}
	while (low-- > 0) {
		uint64_t start = macho->base.base + macho->data[low].start, data_end = macho->base.base + macho->data[low].end;

		if (start <= vaddr || data_end + PADDING_MAX < end)
			break;
		end = start;
	}
	return end;
}

/* Bytes from vaddr to where the next function starts, at most to the end of its section; 0 if the file does not list that. */
static uint64_t size_by_starts(const struct macho *macho, const struct wb_section *section, uint64_t vaddr)
{
	uint64_t end = section->vaddr + section->size, offset = vaddr - macho->base.base;
	size_t low = 0, high = macho->num_starts;

	if (!macho->num_starts || vaddr < macho->base.base)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (macho->function_starts[middle] <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < macho->num_starts && macho->base.base + macho->function_starts[low] < end)
		end = macho->base.base + macho->function_starts[low];
	return end_of_code(macho, vaddr, end) - vaddr;
}

/* Symbols without a name, for bounds: most functions of a shipped program have lost theirs. */
enum wb_err wb_macho_list_starts(struct wb_object *object, wb_symbol_fn fn, void *arg)
{
	struct macho *macho = macho_of(object);
	enum wb_err err = wb_macho_make(macho);

	for (size_t i = 0; !err && i < macho->num_starts; i++) {
		struct wb_symbol symbol = { .name = "", .value = macho->base.base + macho->function_starts[i], .type = WB_SYMBOL_FUNCTION,
		                            .binding = WB_BINDING_LOCAL, .table = WB_SYMBOLS_STATIC, .executable = 1 };
		const struct wb_section *section = wb_macho_section_at(macho, symbol.value);

		if (!section || !(section->flags & WB_SECTION_EXEC))
			continue;
		symbol.size = size_by_starts(macho, section, symbol.value);
		err = fn(arg, &symbol);
	}
	return err;
}

/* ---- The table -------------------------------------------------------------------------------------------------------------- */

static uint8_t binding_of(const struct macho_symbol *symbol)
{
	if (!(symbol->type & MACHO_N_EXT))
		return WB_BINDING_LOCAL;
	return symbol->desc & MACHO_N_WEAK_DEF ? WB_BINDING_WEAK : WB_BINDING_GLOBAL;
}

/* What the section that it is in says of a symbol; false if it is in none. */
static bool place(const struct macho *macho, const struct macho_symbol *from, struct wb_symbol *symbol)
{
	const struct wb_section *section;

	if ((from->type & MACHO_N_TYPE) == MACHO_N_ABS) {
		symbol->absolute = 1;
		symbol->type = WB_SYMBOL_NOTYPE;
		return true;
	}
	if ((from->type & MACHO_N_TYPE) != MACHO_N_SECT || !from->section || from->section > macho->num_headers)
		return false;
	section = &macho->sections[from->section - 1];
	symbol->type = WB_SYMBOL_OBJECT;
	/* _mh_execute_header claims to be in the code, but lies before it. */
	if (!(section->flags & WB_SECTION_EXEC) || from->value - section->vaddr >= section->size)
		return true;
	symbol->executable = 1;
	/* A second entry is a label inside of its function. */
	symbol->type = from->desc & MACHO_N_ALT_ENTRY ? WB_SYMBOL_NOTYPE : WB_SYMBOL_FUNCTION;
	symbol->size = size_by_starts(macho, section, from->value);
	return true;
}

/* The assembler's own labels, at the start of each section of a relocatable file. */
static bool is_label(const struct macho *macho, const char *name)
{
	return macho->base.relocatable && (!strncmp(name, "ltmp", 4) || name[0] == 'L' || !strncmp(name, "l_", 2));
}

static enum wb_err list_symbol(struct macho *macho, size_t index, const struct macho_symbol *from, wb_symbol_fn fn, void *arg)
{
	struct wb_symbol symbol = { .value = from->value, .binding = binding_of(from), .table = WB_SYMBOLS_STATIC };

	if (from->type & MACHO_N_STAB || !from->name || !place(macho, from, &symbol))
		return WB_OK;
	symbol.name = wb_macho_name(macho, from->name);
	if (!symbol.name)
		return wb_diag_report(macho->base.diags, WB_OK, WB_DIAG_SYMBOLS_MALFORMED, macho->base.path, "symbols",
		                      index * wb_macho_symbol_size(macho), "a symbol's name lies outside of its string table, or is longer than 64 KiB");
	return !*symbol.name || is_label(macho, symbol.name) ? WB_OK : fn(arg, &symbol);
}

static enum wb_err list_table(struct macho *macho, wb_symbol_fn fn, void *arg)
{
	size_t count = (size_t)(macho->symbols.size / wb_macho_symbol_size(macho));
	struct wb_piece symbols;
	struct wb_bytes b;
	enum wb_err err;

	if (!count)
		return WB_OK;
	err = wb_macho_piece(macho, macho->symbols, "symbols", &symbols);
	if (err)
		return err;
	b = macho_bytes(macho, &symbols);
	for (size_t i = 0; !err && i < count; i++) {
		struct macho_symbol symbol = wb_macho_read_symbol(macho, &b);

		err = list_symbol(macho, i, &symbol, fn, arg);
	}
	wb_piece_deinit(&symbols);
	return err;
}

static enum wb_err list_made(const struct macho *macho, wb_symbol_fn fn, void *arg)
{
	enum wb_err err = WB_OK;

	for (size_t i = 0; !err && i < macho->num_made; i++) {
		const struct macho_made *made = &macho->made[i];
		const struct wb_section *section = wb_macho_section_at(macho, made->value);
		struct wb_symbol symbol = { .name = macho->made_names + made->name, .value = made->value, .size = made->size,
		                            .type = WB_SYMBOL_OBJECT, .binding = WB_BINDING_GLOBAL, .table = made->table };

		if (section && section->flags & WB_SECTION_EXEC) {
			symbol.executable = 1;
			symbol.type = WB_SYMBOL_FUNCTION;
			symbol.size = made->size ? made->size : size_by_starts(macho, section, made->value);
		}
		err = *symbol.name ? fn(arg, &symbol) : WB_OK;
	}
	return err;
}

/* What the listener said, apart from what went wrong with the table. */
struct answer {
	wb_symbol_fn fn;
	void *arg;
	enum wb_err said;
};

static enum wb_err ask(void *arg, const struct wb_symbol *symbol)
{
	struct answer *answer = arg;

	answer->said = answer->fn(answer->arg, symbol);
	return answer->said;
}

enum wb_err wb_macho_list_symbols(struct wb_object *object, wb_symbol_fn fn, void *arg)
{
	struct macho *macho = macho_of(object);
	struct answer answer = { fn, arg, WB_OK };
	enum wb_err err = wb_macho_make(macho), table;

	if (err)
		return err;
	/* A damaged table does not cost the exports; its error is the result in the end. */
	table = list_table(macho, ask, &answer);
	if (answer.said || table == WB_ERR_MEMORY)
		return answer.said ? answer.said : table;
	err = list_made(macho, fn, arg);
	return err ? err : table;
}
