/* SPDX-License-Identifier: MIT */
/*
 * Names for the entries of procedure linkage tables: "name@plt". No symbol says where the entry of a function is, but each entry jumps through
 * a slot of the global offset table (image_elf_plt_code.c reads that), and a dynamic relocation says whose address is stored in that slot.
 * Matching the two works for every linker's layout (.plt, .plt.sec with IBT, .plt.got, -z now), which counting entries does not.
 */
#include "formats/image_elf.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ENTRY_SIZE = 16, ENTRY_SIZE_GOT = 8, /* x86 */
	/* In all: sections and names may overlap. */
	PLT_SIZE_MAX = 16 << 20,      /* a million entries */
	RELOCATIONS_SIZE_MAX = 256 << 20,
	NAMES_SIZE_MAX = 128 << 20,
	NAME_MAX = 64,                /* of a made-up name */
};

/* Whose address is in a slot. */
struct slot {
	uint64_t vaddr;
	uint64_t addend;              /* IRELATIVE: the resolver */
	uint32_t symbol;              /* 0: IRELATIVE */
};

struct slots {
	struct slot *items;
	size_t count, capacity;
	uint64_t read;                /* bytes of relocations so far */
};

/* ---- Slots from relocations ------------------------------------------------------------------------------------------ */

/* Whether the relocation fills a slot that code jumps through. */
static bool fills_slot(const struct elf_plt_code *code, uint32_t type, bool *ret_irelative)
{
	*ret_irelative = type == code->irelative;
	return type && (type == code->jump_slot || type == code->glob_dat || *ret_irelative);
}

static enum wb_err read_slots(struct elf *elf, const struct elf_plt_code *code, size_t section, struct slots *slots)
{
	bool has_addend = elf->headers[section].type == ELF_SHT_RELA;
	struct wb_piece piece;
	struct wb_bytes b;
	enum wb_err err;

	if (elf->sections[section].file_size > RELOCATIONS_SIZE_MAX - slots->read)
		return WB_ERR_LIMIT;
	slots->read += elf->sections[section].file_size;
	err = wb_elf_stored(elf, section, &piece);
	if (err)
		return err;
	b = elf_bytes(elf, &piece);
	/* Each round consumes at least 8 bytes. */
	while (!err && !wb_bytes_at_end(&b)) {
		uint64_t vaddr = elf_word(elf, &b), info = elf_word(elf, &b), addend = has_addend ? elf_word(elf, &b) : 0;
		uint32_t type = elf->is_64 ? (uint32_t)info : (uint32_t)info & 0xff;
		bool is_irelative;

		if (wb_bytes_failed(&b) || !fills_slot(code, type, &is_irelative))
			continue;
		if (!wb_mem_grow((void **)&slots->items, &slots->capacity, slots->count, 1, sizeof(slots->items[0])))
			err = WB_ERR_MEMORY;
		else
			slots->items[slots->count++] = (struct slot){
				vaddr, addend, is_irelative ? 0 : (uint32_t)(elf->is_64 ? info >> 32 : info >> 8) };
	}
	wb_piece_deinit(&piece);
	return err;
}

static int by_vaddr(const void *left, const void *right)
{
	const struct slot *a = left, *b = right;

	return a->vaddr < b->vaddr ? -1 : a->vaddr > b->vaddr;
}

/* All dynamic relocations that fill slots; .plt.got's are among the general ones. Damage leaves entries without a name. */
static enum wb_err collect_slots(struct elf *elf, const struct elf_plt_code *code, struct slots *slots)
{
	for (size_t i = 0; i < elf->base.num_sections; i++) {
		uint32_t type = elf->headers[i].type;

		if ((type == ELF_SHT_RELA || type == ELF_SHT_REL) && elf->sections[i].flags & WB_SECTION_ALLOC &&
		    read_slots(elf, code, i, slots) == WB_ERR_MEMORY)
			return WB_ERR_MEMORY;
	}
	if (slots->count)
		qsort(slots->items, slots->count, sizeof(slots->items[0]), by_vaddr);
	return WB_OK;
}

static const struct slot *find_slot(const struct slots *slots, uint64_t vaddr)
{
	struct slot key = { .vaddr = vaddr };

	return slots->count ? bsearch(&key, slots->items, slots->count, sizeof(key), by_vaddr) : NULL;
}

/* ---- Names ------------------------------------------------------------------------------------------------------------------ */

/* What names the symbols of slots. */
struct dynsym {
	struct wb_piece symbols;
	const struct wb_piece *strings; /* NULL: none */
};

static enum wb_err open_dynsym(struct elf *elf, struct dynsym *dynsym)
{
	size_t index;
	enum wb_err err;

	if (!wb_elf_find_symtab(elf, ELF_SHT_DYNSYM, &index))
		return WB_OK;
	err = wb_elf_strings(elf, ELF_STRINGS_DYNAMIC, index, &dynsym->strings);
	if (!err)
		err = wb_elf_stored(elf, index, &dynsym->symbols);
	if (err)
		dynsym->strings = NULL;
	return err == WB_ERR_MEMORY ? err : WB_OK;
}

static const char *dynsym_name(const struct elf *elf, const struct dynsym *dynsym, uint32_t index)
{
	struct wb_bytes b = elf_bytes(elf, &dynsym->symbols);
	struct elf_symbol symbol;

	if (!index || !dynsym->strings || !wb_bytes_skip(&b, (uint64_t)index * wb_elf_symbol_size(elf)))
		return NULL;
	symbol = wb_elf_read_symbol(elf, &b);
	return wb_bytes_failed(&b) ? NULL : wb_elf_string(dynsym->strings, symbol.name);
}

static enum wb_err add_entry(struct elf *elf, uint64_t value, uint64_t size, const char *name)
{
	static const char suffix[] = "@plt";
	struct elf_plt *plt = &elf->plt;
	size_t length = strlen(name), room;

	if (!wb_size_add(length, sizeof(suffix), &room) || plt->names_size > NAMES_SIZE_MAX - room)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&plt->names, &plt->names_capacity, plt->names_size, room, 1) ||
	    !wb_mem_grow((void **)&plt->entries, &plt->capacity, plt->count, 1, sizeof(plt->entries[0])))
		return WB_ERR_MEMORY;
	memcpy(plt->names + plt->names_size, name, length);
	memcpy(plt->names + plt->names_size + length, suffix, sizeof(suffix));
	plt->entries[plt->count++] = (struct elf_plt_entry){ value, size, (uint32_t)plt->names_size };
	plt->names_size += room;
	return WB_OK;
}

/* ---- Entries -------------------------------------------------------------------------------------------------------------------- */

static enum wb_err name_entry(struct elf *elf, const struct slots *slots, const struct dynsym *dynsym, uint64_t slot, uint64_t vaddr,
                              uint64_t size)
{
	const struct slot *found = find_slot(slots, slot);
	const char *name = found ? dynsym_name(elf, dynsym, found->symbol) : NULL;
	char made_up[NAME_MAX];

	if (!found)
		return WB_OK;
	if (!name || !*name) {
		/* It has a symbol, which cannot be read. */
		if (found->symbol)
			return WB_OK;
		/* As disassemblers call it: an address that a resolver chooses at run time. REL keeps the resolver in the slot itself. */
		snprintf(made_up, sizeof(made_up), found->addend ? "*ABS*+0x%" PRIx64 : "*ABS*", found->addend);
		name = made_up;
	}
	return add_entry(elf, vaddr, size, name);
}

/* Everything that entries of one section are read with. */
struct naming {
	struct elf *elf;
	const struct elf_plt_code *code;
	const struct slots *slots;
	struct dynsym dynsym;
	struct elf_plt_place place;   /* of the entry */
};

static enum wb_err name_section(struct naming *naming, size_t index)
{
	struct elf *elf = naming->elf;
	const struct wb_section *section = &elf->sections[index];
	struct elf_plt_place *place = &naming->place;
	bool is_got = !strcmp(section->name, ".plt.got") && elf->headers[index].entsize != ENTRY_SIZE;
	struct wb_piece piece;
	size_t step;
	enum wb_err err;

	if (section->file_size > PLT_SIZE_MAX - elf->plt.read)
		return WB_ERR_LIMIT;
	elf->plt.read += section->file_size;
	err = wb_elf_stored(elf, index, &piece);
	if (err)
		return err;
	place->stride = naming->code->stride ? naming->code->stride : is_got ? ENTRY_SIZE_GOT : ENTRY_SIZE;
	for (size_t at = 0; !err && at < piece.size; at += step) {
		uint64_t slot;

		place->vaddr = section->vaddr + at;
		step = naming->code->read(place, wb_bytes_of(piece.bytes + at, piece.size - at, false), &slot);
		if (step)
			err = name_entry(elf, naming->slots, &naming->dynsym, slot, place->vaddr, step);
		else
			step = place->stride;
	}
	wb_piece_deinit(&piece);
	return err;
}

static bool is_plt(const struct wb_section *section)
{
	return section->flags & WB_SECTION_EXEC && !(section->flags & WB_SECTION_NOBITS) &&
	       (!strcmp(section->name, ".plt") || !strcmp(section->name, ".plt.sec") || !strcmp(section->name, ".plt.got") ||
	        !strcmp(section->name, ".iplt") || !strcmp(section->name, ".plt.bnd"));
}

/* A damaged section does not cost the others; its error is the result in the end. */
static enum wb_err name_sections(struct elf *elf, const struct elf_plt_code *code, const struct slots *slots)
{
	struct naming naming = { .elf = elf, .code = code, .slots = slots, .place.is_64 = elf->is_64 };
	size_t index;
	enum wb_err err = open_dynsym(elf, &naming.dynsym), result = WB_OK;

	/* What ebx holds is where .got.plt starts, or .got without one. */
	if (wb_elf_find(elf, ".got.plt", &index) || wb_elf_find(elf, ".got", &index))
		naming.place.got = elf->sections[index].vaddr;
	for (size_t i = 0; err != WB_ERR_MEMORY && i < elf->base.num_sections; i++) {
		if (!is_plt(&elf->sections[i]))
			continue;
		err = name_section(&naming, i);
		if (err && !result)
			result = err;
	}
	wb_piece_deinit(&naming.dynsym.symbols);
	return err == WB_ERR_MEMORY ? err : result;
}

static bool has_plt(const struct elf *elf)
{
	for (size_t i = 0; i < elf->base.num_sections; i++) {
		if (is_plt(&elf->sections[i]))
			return true;
	}
	return false;
}

enum wb_err wb_elf_make_plt(struct elf *elf)
{
	const struct elf_plt_code *code = wb_elf_plt_code(elf);
	struct slots slots = { 0 };
	enum wb_err err;

	if (!code || elf->base.relocatable || !has_plt(elf))
		return WB_OK;
	err = collect_slots(elf, code, &slots);
	if (!err && slots.count)
		err = name_sections(elf, code, &slots);
	wb_mem_free(slots.items);
	if (err == WB_ERR_MEMORY) {
		/* The next listing begins again. */
		elf->plt.count = elf->plt.names_size = 0;
		elf->plt.read = 0;
		return err;
	}
	wb_elf_hold(elf, elf->plt.capacity * sizeof(elf->plt.entries[0]) + elf->plt.names_capacity);
	return err;
}
