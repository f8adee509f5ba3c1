/* SPDX-License-Identifier: MIT */
/*
 * Symbols of ELF files, from .symtab, .dynsym, the procedure linkage tables (image_elf_plt.c) and the small file that is packed in
 * .gnu_debugdata. String tables are kept, because names are lent as long as the file is open; symbol tables are read again when they are asked
 * for again.
 */
#include "formats/image_elf.h"

#include "base/inflate.h"
#include "base/mem.h"

#include <string.h>

enum {
	SYMBOL_SIZE_32 = 16, SYMBOL_SIZE_64 = 24,
	NAME_SIZE_MAX = 64 << 10,     /* of a symbol: compilers stop earlier. Names may overlap, so the table's size does not bound all together */
	INNER_SIZE_MAX = 256 << 20,   /* Fedora's largest .gnu_debugdata gives some 10 MiB */
};

size_t wb_elf_symbol_size(const struct elf *elf)
{
	return elf->is_64 ? SYMBOL_SIZE_64 : SYMBOL_SIZE_32;
}

struct elf_symbol wb_elf_read_symbol(const struct elf *elf, struct wb_bytes *b)
{
	struct elf_symbol symbol = { .name = wb_bytes_u32(b) };

	if (!elf->is_64) {
		symbol.value = wb_bytes_u32(b);
		symbol.size = wb_bytes_u32(b);
	}
	symbol.info = wb_bytes_u8(b);
	wb_bytes_u8(b);               /* st_other */
	symbol.section = wb_bytes_u16(b);
	if (elf->is_64) {
		symbol.value = wb_bytes_u64(b);
		symbol.size = wb_bytes_u64(b);
	}
	return symbol;
}

const char *wb_elf_string(const struct wb_piece *strings, uint64_t offset)
{
	size_t left = offset < strings->size ? strings->size - (size_t)offset : 0;

	if (!left || !memchr(strings->bytes + offset, 0, left < NAME_SIZE_MAX ? left : NAME_SIZE_MAX))
		return NULL;
	return (const char *)strings->bytes + offset;
}

void wb_elf_hold(struct elf *elf, uint64_t bytes)
{
	atomic_fetch_add_explicit(&elf->base.held, bytes, memory_order_relaxed);
}

void wb_elf_symbols_deinit(struct elf *elf)
{
	for (size_t i = 0; i < ELF_STRINGS_COUNT; i++)
		wb_piece_deinit(&elf->strings[i]);
	wb_mem_free(elf->plt.entries);
	wb_mem_free(elf->plt.names);
	wb_object_close(elf->inner);
}

bool wb_elf_find_symtab(const struct elf *elf, uint32_t type, size_t *ret_index)
{
	for (size_t i = 0; i < elf->base.num_sections; i++) {
		const struct wb_section *section = &elf->sections[i];

		if (elf->headers[i].type == type && !(section->flags & WB_SECTION_NOBITS) && section->size) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

enum wb_err wb_elf_strings(struct elf *elf, enum elf_strings which, size_t symtab, const struct wb_piece **ret_strings)
{
	struct wb_piece *strings = &elf->strings[which];
	uint32_t link = elf->headers[symtab].link;
	enum wb_err err;

	if (!strings->bytes) {
		if (link >= elf->base.num_sections)
			return wb_elf_report(elf, WB_ERR_DATA, WB_DIAG_SYMBOLS_MALFORMED, elf->sections[symtab].name, UINT64_MAX,
			                     "its string table is a section that does not exist");
		err = wb_elf_stored(elf, link, strings);
		if (err)
			return err;
		wb_elf_hold(elf, strings->owned ? strings->size : 0);
	}
	*ret_strings = strings;
	return WB_OK;
}

/* ---- One table --------------------------------------------------------------------------------------------------------- */

/* A listing under way. */
struct listing {
	struct elf *elf;
	const char *section;          /* the symbol table's name */
	enum wb_symbol_table table;
	const struct wb_piece *strings;
	struct wb_piece shndx;        /* SHT_SYMTAB_SHNDX; empty if the file has none */
	wb_symbol_fn fn;
	void *arg;
};

static uint8_t type_of(uint8_t info)
{
	switch (info & 0xf) {
	case ELF_STT_NOTYPE: return WB_SYMBOL_NOTYPE;
	case ELF_STT_OBJECT:
	case ELF_STT_COMMON: return WB_SYMBOL_OBJECT;
	case ELF_STT_FUNC: return WB_SYMBOL_FUNCTION;
	case ELF_STT_SECTION: return WB_SYMBOL_SECTION;
	case ELF_STT_FILE: return WB_SYMBOL_FILE;
	case ELF_STT_GNU_IFUNC: return WB_SYMBOL_IFUNC;
	default: return WB_SYMBOL_OTHER;
	}
}

/* GNU_UNIQUE and what systems add are global in their own ways. */
static uint8_t binding_of(uint8_t info)
{
	switch (info >> 4) {
	case ELF_STB_LOCAL: return WB_BINDING_LOCAL;
	case ELF_STB_WEAK: return WB_BINDING_WEAK;
	default: return WB_BINDING_GLOBAL;
	}
}

/* $a, $d, $t, $x and their like mark where code and data start; they name nothing (AAELF32, AAELF64, RISC-V psABI: "Mapping symbols"). */
static bool is_mapping_symbol(const struct elf *elf, const struct elf_symbol *symbol, const char *name)
{
	if (elf->machine != ELF_EM_ARM && elf->machine != ELF_EM_AARCH64 && elf->machine != ELF_EM_RISCV)
		return false;
	return name[0] == '$' && name[1] && strchr("adtx", name[1]) && symbol->info >> 4 == ELF_STB_LOCAL &&
	       (!name[2] || name[2] == '.' || elf->machine == ELF_EM_RISCV);
}

/* Whether code is at vaddr, by the segments: for symbols whose section has no header. */
static bool is_in_code(const struct elf *elf, uint64_t vaddr)
{
	for (size_t i = 0; i < elf->base.num_segments; i++) {
		const struct wb_segment *segment = &elf->segments[i];

		if (vaddr >= segment->vaddr && vaddr - segment->vaddr < segment->memsz)
			return segment->prot & WB_PROT_EXEC;
	}
	return false;
}

/* The section of a symbol where it does not fit st_shndx; as it is if the table that has it is cut. */
static uint32_t extended_section(const struct listing *listing, size_t index)
{
	struct wb_bytes b = elf_bytes(listing->elf, &listing->shndx);
	uint32_t section;

	wb_bytes_skip(&b, (uint64_t)index * 4);
	section = wb_bytes_u32(&b);
	return wb_bytes_failed(&b) ? (uint32_t)ELF_SHN_UNDEF : section;
}

/* Places a symbol: in a section, at an absolute value, or nowhere (false). */
static bool place(const struct listing *listing, size_t index, const struct elf_symbol *from, struct wb_symbol *symbol)
{
	const struct elf *elf = listing->elf;
	uint32_t section = from->section == ELF_SHN_XINDEX ? extended_section(listing, index) : from->section;
	bool is_index = section < ELF_SHN_LORESERVE || from->section == ELF_SHN_XINDEX;

	symbol->value = from->value;
	if (section == ELF_SHN_UNDEF || (!is_index && section != ELF_SHN_ABS))
		return false;
	if (!is_index) {
		symbol->absolute = 1;
		return true;
	}
	if (section < elf->shnum) {
		symbol->executable = elf->sections[section].flags & WB_SECTION_EXEC ? 1 : 0;
		symbol->value += elf->base.relocatable ? elf->sections[section].vaddr : 0;
	} else {
		symbol->executable = is_in_code(elf, from->value);
	}
	/* The lowest bit says "Thumb" (AAELF32, "Symbol Values"). */
	if (elf->machine == ELF_EM_ARM && symbol->type == WB_SYMBOL_FUNCTION)
		symbol->value &= ~UINT64_C(1);
	return true;
}

static enum wb_err list_symbol(const struct listing *listing, size_t index, const struct elf_symbol *from)
{
	struct wb_symbol symbol = { .size = from->size, .type = type_of(from->info), .binding = binding_of(from->info),
	                            .table = (uint8_t)listing->table };

	/* A file symbol without a name says that what follows is of no file. */
	if ((!from->name && symbol.type != WB_SYMBOL_FILE) || !place(listing, index, from, &symbol))
		return WB_OK;
	symbol.name = !from->name ? "" : wb_elf_string(listing->strings, from->name);
	if (!symbol.name) {
		wb_diag_report(listing->elf->base.diags, WB_OK, WB_DIAG_SYMBOLS_MALFORMED, listing->elf->base.path, listing->section,
		               index * wb_elf_symbol_size(listing->elf), "a symbol's name lies outside of its string table, or is longer than 64 KiB");
		return WB_OK;
	}
	if ((!*symbol.name && symbol.type != WB_SYMBOL_FILE) || is_mapping_symbol(listing->elf, from, symbol.name))
		return WB_OK;
	return listing->fn(listing->arg, &symbol);
}

static enum wb_err list_all(const struct listing *listing, const struct wb_piece *symbols)
{
	struct wb_bytes b = elf_bytes(listing->elf, symbols);
	size_t count = symbols->size / wb_elf_symbol_size(listing->elf);
	enum wb_err err = WB_OK;

	/* The first is no symbol (System V ABI, "Symbol Table"). */
	for (size_t i = 0; !err && i < count; i++) {
		struct elf_symbol symbol = wb_elf_read_symbol(listing->elf, &b);

		if (i)
			err = list_symbol(listing, i, &symbol);
	}
	return err;
}

static enum wb_err read_shndx(struct elf *elf, size_t symtab, struct wb_piece *ret_shndx)
{
	for (size_t i = 0; i < elf->base.num_sections; i++) {
		if (elf->headers[i].type == ELF_SHT_SYMTAB_SHNDX && elf->headers[i].link == symtab)
			return wb_elf_stored(elf, i, ret_shndx);
	}
	return WB_NONE;
}

/* A file without that table is one without such symbols. */
static enum wb_err list_table(struct elf *elf, uint32_t type, enum elf_strings which, enum wb_symbol_table table, wb_symbol_fn fn,
                              void *arg)
{
	struct listing listing = { .elf = elf, .table = table, .fn = fn, .arg = arg };
	struct wb_piece symbols;
	size_t symtab;
	enum wb_err err;

	if (!wb_elf_find_symtab(elf, type, &symtab))
		return WB_OK;
	listing.section = elf->sections[symtab].name;
	wb_lock_take(&elf->lock);
	err = wb_elf_strings(elf, which, symtab, &listing.strings);
	wb_lock_give(&elf->lock);
	if (!err)
		err = wb_elf_stored(elf, symtab, &symbols);
	if (err)
		return err;
	err = read_shndx(elf, symtab, &listing.shndx);
	if (err >= 0)
		err = list_all(&listing, &symbols);
	wb_piece_deinit(&listing.shndx);
	wb_piece_deinit(&symbols);
	return err;
}

/* ---- Procedure linkage tables ---------------------------------------------------------------------------------------------- */

static enum wb_err list_plt(struct elf *elf, wb_symbol_fn fn, void *arg)
{
	enum wb_err err = WB_OK, made;

	wb_lock_take(&elf->lock);
	if (!elf->plt_is_done)
		elf->plt_err = wb_elf_make_plt(elf);
	made = elf->plt_err;
	elf->plt_is_done = made != WB_ERR_MEMORY;
	wb_lock_give(&elf->lock);
	if (made == WB_ERR_MEMORY)
		return made;
	/* Of a table that is damaged there are the others' entries. */
	for (size_t i = 0; !err && i < elf->plt.count; i++) {
		const struct elf_plt_entry *entry = &elf->plt.entries[i];
		struct wb_symbol symbol = { .name = elf->plt.names + entry->name, .value = entry->value, .size = entry->size,
		                            .type = WB_SYMBOL_FUNCTION, .binding = WB_BINDING_LOCAL, .table = WB_SYMBOLS_PLT,
		                            .executable = 1 };

		err = fn(arg, &symbol);
	}
	return err ? err : made;
}

/* ---- .gnu_debugdata ---------------------------------------------------------------------------------------------------------- */

/* An xz-compressed ELF file that has the symbols which .dynsym lacks (GDB's manual, "MiniDebugInfo"). */
enum wb_err wb_elf_open_inner(struct wb_object *object, struct wb_object **ret_inner)
{
	struct elf *elf = elf_of(object);
	static const char name[] = ".gnu_debugdata";
	struct wb_piece packed;
	struct wb_file *file;
	size_t index, size;
	void *bytes;
	enum wb_err err;

	if (elf->is_inner || wb_object_find_section(object, name, &index))
		return WB_NONE;
	err = wb_elf_stored(elf, index, &packed);
	if (err)
		return err;
	err = wb_inflate_xz(packed.bytes, packed.size, INNER_SIZE_MAX, &bytes, &size);
	wb_piece_deinit(&packed);
	if (err == WB_ERR_UNSUPPORTED)
		return wb_elf_report(elf, err, WB_DIAG_SECTION_UNSUPPORTED, name, 0, "compressed by a codec that is not in this build");
	if (err)
		return err == WB_ERR_MEMORY ? err : wb_elf_report(elf, err, WB_DIAG_SECTION_MALFORMED, name, 0, "its xz data is damaged");
	err = wb_file_of_bytes(bytes, size, wb_mem_free, bytes, &file);
	if (err)
		return err;
	wb_elf_hold(elf, size);
	return wb_elf_open(elf->base.diags, elf->base.path, file, &(struct elf_open){ .is_inner = true }, ret_inner);
}

static enum wb_err list_inner(struct elf *elf, wb_symbol_fn fn, void *arg)
{
	enum wb_err err;

	wb_lock_take(&elf->lock);
	if (!elf->inner_is_done)
		elf->inner_err = wb_elf_open_inner(&elf->base, &elf->inner);
	err = elf->inner_err;
	elf->inner_is_done = err != WB_ERR_MEMORY;
	wb_lock_give(&elf->lock);
	if (err || !elf->inner)
		return err == WB_NONE ? WB_OK : err;
	return list_table(elf_of(elf->inner), ELF_SHT_SYMTAB, ELF_STRINGS_STATIC, WB_SYMBOLS_STATIC, fn, arg);
}

/* ---- All of them --------------------------------------------------------------------------------------------------------------- */

/* Tells what the listener said from what went wrong with a table. */
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

static enum wb_err list_static(struct elf *elf, wb_symbol_fn fn, void *arg)
{
	return list_table(elf, ELF_SHT_SYMTAB, ELF_STRINGS_STATIC, WB_SYMBOLS_STATIC, fn, arg);
}

static enum wb_err list_dynamic(struct elf *elf, wb_symbol_fn fn, void *arg)
{
	return list_table(elf, ELF_SHT_DYNSYM, ELF_STRINGS_DYNAMIC, WB_SYMBOLS_DYNAMIC, fn, arg);
}

/* One damaged table does not cost the others; its error is the result in the end. */
enum wb_err wb_elf_list_symbols(struct wb_object *object, wb_symbol_fn fn, void *arg)
{
	static enum wb_err (*const parts[])(struct elf *elf, wb_symbol_fn fn, void *arg) = {
		list_static, list_inner, list_dynamic, list_plt,
	};
	struct answer answer = { fn, arg, WB_OK };
	enum wb_err result = WB_OK;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		enum wb_err err = parts[i](elf_of(object), ask, &answer);

		if (answer.said)
			return answer.said;
		if (err == WB_ERR_MEMORY)
			return err;
		if (err < 0 && !result)
			result = err;
	}
	return result;
}
