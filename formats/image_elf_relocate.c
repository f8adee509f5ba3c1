/* SPDX-License-Identifier: MIT */
/*
 * Relocations of relocatable files (.o, .ko), for sections that hold data: addresses and offsets into other sections, as debug and unwind
 * information has them. Code is not relocated: nobody decodes it there. One table says what each relocation type writes.
 */
#include "formats/image_elf.h"

#include "base/mem.h"

#include <stdio.h>

/* Of one section, with their symbols: relocation sections may overlap, so the file's size is no bound. */
enum { RELOCATIONS_SIZE_MAX = 1 << 30 };

enum relocation { RELOCATION_NONE, RELOCATION_ABSOLUTE, RELOCATION_RELATIVE, RELOCATION_SIZE };

/* What a type writes: S + A, S + A - P, or Z + A, in so many bytes. From the processor supplements ("Relocation Types"). */
static const struct {
	uint16_t machine, type;
	uint8_t size;
	enum relocation what;
} types[] = {
	{ ELF_EM_X86_64, 0, 0, RELOCATION_NONE },
	{ ELF_EM_X86_64, 1, 8, RELOCATION_ABSOLUTE },   /* R_X86_64_64 */
	{ ELF_EM_X86_64, 2, 4, RELOCATION_RELATIVE },   /* PC32 */
	{ ELF_EM_X86_64, 10, 4, RELOCATION_ABSOLUTE },  /* 32 */
	{ ELF_EM_X86_64, 11, 4, RELOCATION_ABSOLUTE },  /* 32S */
	{ ELF_EM_X86_64, 17, 8, RELOCATION_ABSOLUTE },  /* DTPOFF64: the variable's offset in its block */
	{ ELF_EM_X86_64, 21, 4, RELOCATION_ABSOLUTE },  /* DTPOFF32 */
	{ ELF_EM_X86_64, 24, 8, RELOCATION_RELATIVE },  /* PC64 */
	{ ELF_EM_X86_64, 32, 4, RELOCATION_SIZE },      /* SIZE32 */
	{ ELF_EM_X86_64, 33, 8, RELOCATION_SIZE },      /* SIZE64 */
	{ ELF_EM_386, 0, 0, RELOCATION_NONE },
	{ ELF_EM_386, 1, 4, RELOCATION_ABSOLUTE },      /* R_386_32 */
	{ ELF_EM_386, 2, 4, RELOCATION_RELATIVE },      /* PC32 */
	{ ELF_EM_386, 32, 4, RELOCATION_ABSOLUTE },     /* TLS_LDO_32 */
	{ ELF_EM_AARCH64, 0, 0, RELOCATION_NONE },
	{ ELF_EM_AARCH64, 257, 8, RELOCATION_ABSOLUTE },/* R_AARCH64_ABS64 */
	{ ELF_EM_AARCH64, 258, 4, RELOCATION_ABSOLUTE },/* ABS32 */
	{ ELF_EM_AARCH64, 260, 8, RELOCATION_RELATIVE },/* PREL64 */
	{ ELF_EM_AARCH64, 261, 4, RELOCATION_RELATIVE },/* PREL32 */
	{ ELF_EM_ARM, 0, 0, RELOCATION_NONE },
	{ ELF_EM_ARM, 2, 4, RELOCATION_ABSOLUTE },      /* R_ARM_ABS32 */
	{ ELF_EM_ARM, 3, 4, RELOCATION_RELATIVE },      /* REL32 */
};

static bool find_type(uint16_t machine, uint32_t type, size_t *ret_index)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].machine == machine && types[i].type == type) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

struct entry { uint64_t offset, symbol; uint32_t type; int64_t addend; bool has_addend; };

/* Elf32_Rel, Elf32_Rela, Elf64_Rel or Elf64_Rela. */
static struct entry read_entry(const struct elf *elf, struct wb_bytes *b, bool has_addend)
{
	struct entry entry = { .offset = elf_word(elf, b), .has_addend = has_addend };
	uint64_t info = elf_word(elf, b);

	entry.symbol = elf->is_64 ? info >> 32 : info >> 8;
	entry.type = elf->is_64 ? (uint32_t)info : (uint32_t)info & 0xff;
	if (has_addend)
		entry.addend = elf->is_64 ? (int64_t)wb_bytes_u64(b) : (int32_t)wb_bytes_u32(b);
	return entry;
}

static void store(uint8_t *at, unsigned size, uint64_t value, bool big_endian)
{
	for (unsigned i = 0; i < size; i++)
		at[big_endian ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

/* The sections of one relocation: the section that is written to, and the symbols. */
struct target {
	struct elf *elf;
	uint8_t *bytes;
	size_t size;
	uint64_t vaddr;
	const struct wb_piece *symtab;
};

/* The symbol's address, with its section placed. */
static bool read_target_symbol(const struct target *target, uint64_t index, struct elf_symbol *ret_symbol)
{
	const struct elf *elf = target->elf;
	struct wb_bytes b = elf_bytes(elf, target->symtab);

	if (index > wb_bytes_size(&b) / wb_elf_symbol_size(elf) || !wb_bytes_skip(&b, index * wb_elf_symbol_size(elf)))
		return false;
	*ret_symbol = wb_elf_read_symbol(elf, &b);
	if (wb_bytes_failed(&b))
		return false;
	if (ret_symbol->section < elf->base.num_sections && ret_symbol->section < ELF_SHN_LORESERVE)
		ret_symbol->value += elf->sections[ret_symbol->section].vaddr;
	return true;
}

static bool apply(const struct target *target, const struct entry *entry)
{
	bool big_endian = elf_is_big_endian(target->elf);
	struct elf_symbol symbol;
	struct wb_bytes there;
	uint64_t value;
	size_t t;

	if (!find_type(target->elf->machine, entry->type, &t))
		return false;
	if (types[t].what == RELOCATION_NONE)
		return true;
	if (!read_target_symbol(target, entry->symbol, &symbol))
		return false;
	there = wb_bytes_of(target->bytes, target->size, big_endian);
	if (!wb_bytes_seek(&there, entry->offset))
		return false;
	value = entry->has_addend ? (uint64_t)entry->addend : (uint64_t)wb_bytes_sint(&there, types[t].size);
	wb_bytes_seek(&there, entry->offset);
	value += types[t].what == RELOCATION_SIZE ? symbol.size : symbol.value;
	if (types[t].what == RELOCATION_RELATIVE)
		value -= target->vaddr + entry->offset;
	if (!wb_bytes_take(&there, types[t].size))
		return false;
	store(target->bytes + entry->offset, types[t].size, value, big_endian);
	return true;
}

static bool relocates(const struct elf *elf, size_t by, size_t index)
{
	return (elf->headers[by].type == ELF_SHT_RELA || elf->headers[by].type == ELF_SHT_REL) && elf->headers[by].info == index;
}

bool wb_elf_has_relocations(const struct elf *elf, size_t index)
{
	if (!elf->base.relocatable || elf->sections[index].flags & WB_SECTION_EXEC)
		return false;
	for (size_t i = 0; i < elf->base.num_sections; i++) {
		if (relocates(elf, i, index))
			return true;
	}
	return false;
}

/* Applies one relocation section. What cannot be applied is reported once, and the rest goes on. */
static enum wb_err apply_all(struct target *target, size_t by)
{
	struct elf *elf = target->elf;
	bool has_addend = elf->headers[by].type == ELF_SHT_RELA;
	struct wb_piece entries;
	struct wb_bytes b;
	enum wb_err err = wb_elf_stored(elf, by, &entries);

	if (err)
		return err;
	b = elf_bytes(elf, &entries);
	/* Each round consumes at least 8 bytes. */
	while (!wb_bytes_at_end(&b)) {
		size_t at = wb_bytes_offset(&b);
		struct entry entry = read_entry(elf, &b, has_addend);

		if (wb_bytes_failed(&b) || !apply(target, &entry))
			wb_diag_report(elf->base.diags, WB_OK, WB_DIAG_SECTION_MALFORMED, elf->base.path, elf->sections[by].name, at,
			               "relocation of type %u cannot be applied", (unsigned)entry.type);
	}
	wb_piece_deinit(&entries);
	return WB_OK;
}

enum wb_err wb_elf_relocate(struct elf *elf, size_t index, uint8_t *bytes, size_t size)
{
	struct target target = { .elf = elf, .bytes = bytes, .size = size, .vaddr = elf->sections[index].vaddr };
	uint64_t left = RELOCATIONS_SIZE_MAX, both;
	enum wb_err err = WB_OK;

	for (size_t i = 0; !err && i < elf->base.num_sections; i++) {
		uint32_t symtab = elf->headers[i].link;
		struct wb_piece symbols;

		if (!relocates(elf, i, index) || symtab >= elf->base.num_sections)
			continue;
		if (!wb_u64_add(elf->sections[i].file_size, elf->sections[symtab].file_size, &both) || both > left)
			return wb_elf_report(elf, WB_ERR_LIMIT, WB_DIAG_SECTION_MALFORMED, elf->sections[i].name, UINT64_MAX,
			                     "more relocations than any file has");
		left -= both;
		err = wb_elf_stored(elf, symtab, &symbols);
		if (err)
			break;
		target.symtab = &symbols;
		err = apply_all(&target, i);
		wb_piece_deinit(&symbols);
	}
	return err;
}
