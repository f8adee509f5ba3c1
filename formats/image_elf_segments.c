/* SPDX-License-Identifier: MIT */
/*
 * Sections for files whose section headers are gone (stripped by sstrip, damaged, or an image read from memory): the segments say where the
 * unwind tables and the dynamic symbols are. What a section header describes already is left alone.
 */
#include "formats/image_elf.h"

#include "base/mem.h"

#include <string.h>

enum {
	DYNAMIC_SIZE_MAX = 64 << 10,  /* some 30 entries of 16 bytes in practice */
	WINDOW_WORDS = 256,           /* of hash tables, read at a time */
	/* Pointer encodings (LSB, "DWARF Extensions"). */
	EH_PE_OMIT = 0xff, EH_PE_FORM = 0x0f, EH_PE_FROM = 0x70,
	EH_PE_UDATA2 = 2, EH_PE_UDATA4 = 3, EH_PE_UDATA8 = 4, EH_PE_SDATA2 = 10, EH_PE_SDATA4 = 11, EH_PE_SDATA8 = 12,
	EH_PE_PCREL = 0x10, EH_PE_DATAREL = 0x30,
};

/* Adds a section at vaddr that ends with its segment's bytes in the file, or after size bytes if that is less, or where memory has no more of it. */
static enum wb_err add(struct elf *elf, const char *name, uint32_t type, uint64_t vaddr, uint64_t size, size_t *ret_index)
{
	const struct wb_segment *segment = NULL;
	struct elf_section *header;
	struct wb_section *section;
	uint64_t left;

	for (size_t i = 0; i < elf->base.num_segments && !segment; i++) {
		if (vaddr >= elf->segments[i].vaddr && vaddr - elf->segments[i].vaddr < elf->segments[i].filesz)
			segment = &elf->segments[i];
	}
	if (!segment || !size)
		return WB_NONE;
	left = segment->filesz - (vaddr - segment->vaddr);
	left = wb_object_present(&elf->base, segment->offset + (vaddr - segment->vaddr), size < left ? size : left);
	if (!left)
		return WB_NONE;
	section = wb_elf_add_section(elf, &header);
	if (!section)
		return WB_ERR_MEMORY;
	section->name = name;
	section->vaddr = vaddr;
	section->offset = segment->offset + (vaddr - segment->vaddr);
	section->size = section->file_size = left;
	section->flags = WB_SECTION_ALLOC;
	header->type = type;
	header->flags = ELF_SHF_ALLOC;
	*ret_index = elf->base.num_sections - 1;
	return WB_OK;
}

/* ---- .eh_frame from .eh_frame_hdr ------------------------------------------------------------------------------------ */

static uint64_t read_encoded(const struct elf *elf, struct wb_bytes *b, uint8_t form)
{
	switch (form & EH_PE_FORM) {
	case 0: return elf_word(elf, b);
	case EH_PE_UDATA2: return wb_bytes_u16(b);
	case EH_PE_UDATA4: return wb_bytes_u32(b);
	case EH_PE_SDATA2: return (uint64_t)wb_bytes_sint(b, 2);
	case EH_PE_SDATA4: return (uint64_t)wb_bytes_sint(b, 4);
	case EH_PE_UDATA8:
	case EH_PE_SDATA8: return wb_bytes_u64(b);
	default: wb_bytes_fail(b); return 0;
	}
}

/* The table's header is a version, three encodings, and where .eh_frame starts (LSB, "The .eh_frame_hdr section"). */
static bool read_eh_frame_address(struct elf *elf, const struct wb_section *hdr, uint64_t *ret_vaddr)
{
	uint8_t header[12] = { 0 };
	size_t count = hdr->file_size < sizeof(header) ? (size_t)hdr->file_size : sizeof(header);
	struct wb_bytes b;
	uint64_t vaddr;
	uint8_t encoding;

	if (wb_file_read(elf->base.file, hdr->offset, header, count))
		return false;
	b = wb_bytes_of(header, count, elf_is_big_endian(elf));
	if (wb_bytes_u8(&b) != 1)
		return false;
	encoding = wb_bytes_u8(&b);
	wb_bytes_skip(&b, 2);
	vaddr = read_encoded(elf, &b, encoding);
	if (wb_bytes_failed(&b) || encoding == EH_PE_OMIT)
		return false;
	if ((encoding & EH_PE_FROM) == EH_PE_PCREL)
		vaddr += hdr->vaddr + 4;
	else if ((encoding & EH_PE_FROM) == EH_PE_DATAREL)
		vaddr += hdr->vaddr;
	*ret_vaddr = elf->is_64 ? vaddr : (uint32_t)vaddr;
	return true;
}

static enum wb_err add_unwind_sections(struct elf *elf, const struct elf_segment *segment)
{
	uint64_t vaddr;
	size_t index;
	enum wb_err err = WB_OK;

	if (!wb_elf_find(elf, ".eh_frame_hdr", &index))
		err = add(elf, ".eh_frame_hdr", ELF_SHT_PROGBITS, segment->vaddr, segment->filesz, &index);
	if (err || elf->sections[index].flags & WB_SECTION_NOBITS || wb_elf_find(elf, ".eh_frame", &(size_t){ 0 }))
		return err;
	if (!read_eh_frame_address(elf, &elf->sections[index], &vaddr))
		return WB_NONE;
	/* Where it ends nobody says; its terminator does. */
	return add(elf, ".eh_frame", ELF_SHT_PROGBITS, vaddr, UINT64_MAX, &index);
}

/* ---- .dynsym and .dynstr from PT_DYNAMIC --------------------------------------------------------------------------------- */

struct dynamic { uint64_t symtab, strtab, strsz, hash, gnu_hash; };

static enum wb_err read_dynamic(struct elf *elf, const struct elf_segment *segment, struct dynamic *dynamic)
{
	uint64_t size = segment->filesz < DYNAMIC_SIZE_MAX ? segment->filesz : DYNAMIC_SIZE_MAX;
	struct wb_piece piece;
	struct wb_bytes b;
	enum wb_err err = wb_file_piece(elf->base.file, segment->offset, size, &piece);

	if (err)
		return err == WB_ERR_DATA ? WB_NONE : err;
	b = elf_bytes(elf, &piece);
	while (!wb_bytes_at_end(&b)) {
		uint64_t tag = elf_word(elf, &b), value = elf_word(elf, &b);

		if (wb_bytes_failed(&b) || tag == ELF_DT_NULL)
			break;
		switch (tag) {
		case ELF_DT_SYMTAB: dynamic->symtab = wb_elf_unrelocated(elf, value); break;
		case ELF_DT_STRTAB: dynamic->strtab = wb_elf_unrelocated(elf, value); break;
		case ELF_DT_STRSZ: dynamic->strsz = value; break;
		case ELF_DT_HASH: dynamic->hash = wb_elf_unrelocated(elf, value); break;
		case ELF_DT_GNU_HASH: dynamic->gnu_hash = wb_elf_unrelocated(elf, value); break;
		default: break;
		}
	}
	wb_piece_deinit(&piece);
	return WB_OK;
}

/* Words of the loaded image, read a window at a time: tables of hostile sizes cost no more than the file is long. */
struct window {
	struct elf *elf;
	uint64_t vaddr;
	size_t count;                 /* words in bytes */
	uint8_t bytes[WINDOW_WORDS * 4];
};

static bool word_at(struct window *window, uint64_t vaddr, uint32_t *ret_word)
{
	uint64_t index = (vaddr - window->vaddr) / 4;

	if (vaddr < window->vaddr || index >= window->count) {
		window->vaddr = vaddr;
		window->count = WINDOW_WORDS;
		while (window->count && wb_object_read(&window->elf->base, vaddr, window->bytes, window->count * 4) != WB_OK)
			window->count /= 2;
		if (!window->count)
			return false;
		index = 0;
	}
	*ret_word = wb_load32(window->bytes + index * 4, elf_is_big_endian(window->elf));
	return true;
}

/* System V's hash table has a chain entry per symbol. s390x made its words 8 bytes (zSeries supplement). */
static bool count_by_hash(struct window *window, uint64_t vaddr, uint64_t *ret_count)
{
	bool is_wide = window->elf->machine == ELF_EM_S390 && window->elf->is_64;
	uint32_t count;

	if (!word_at(window, vaddr + (is_wide ? 12 : 4), &count))
		return false;
	*ret_count = count;
	return true;
}

/* GNU's hash table: 4 words, the Bloom filter in words of the class, buckets, and a chain word for each symbol from first_hashed on. The
 * last symbol is at the end of the chain of the highest bucket, where the lowest bit is set. */
static bool count_by_gnu_hash(struct window *window, uint64_t vaddr, uint64_t *ret_count)
{
	uint32_t num_buckets, first_hashed, num_bloom, highest = 0, word = 0;
	uint64_t buckets, chains;

	if (!word_at(window, vaddr, &num_buckets) || !word_at(window, vaddr + 4, &first_hashed) || !word_at(window, vaddr + 8, &num_bloom))
		return false;
	buckets = vaddr + 16 + (uint64_t)num_bloom * (window->elf->is_64 ? 8 : 4);
	chains = buckets + (uint64_t)num_buckets * 4;
	for (uint32_t i = 0; i < num_buckets; i++) {
		if (!word_at(window, buckets + (uint64_t)i * 4, &word))
			return false;
		highest = word > highest ? word : highest;
	}
	*ret_count = first_hashed;
	if (highest < first_hashed || !highest)
		return true;
	/* Bounded by the segment's bytes in the file. */
	for (uint64_t symbol = highest; word_at(window, chains + (symbol - first_hashed) * 4, &word); symbol++) {
		if (word & 1) {
			*ret_count = symbol + 1;
			return true;
		}
	}
	return false;
}

/* How many dynamic symbols there are, which the dynamic section does not say itself. */
static uint64_t count_symbols(struct elf *elf, const struct dynamic *dynamic)
{
	struct window window = { .elf = elf };
	uint64_t count;

	if (dynamic->hash && count_by_hash(&window, dynamic->hash, &count))
		return count;
	if (dynamic->gnu_hash && count_by_gnu_hash(&window, dynamic->gnu_hash, &count))
		return count;
	/* Every linker places the strings behind the symbols. */
	return dynamic->strtab > dynamic->symtab ? (dynamic->strtab - dynamic->symtab) / wb_elf_symbol_size(elf) : 0;
}

static enum wb_err add_dynamic_symbols(struct elf *elf, const struct elf_segment *segment)
{
	struct dynamic dynamic = { 0 };
	uint64_t count, size;
	size_t strings, symbols;
	enum wb_err err;

	if (wb_elf_find(elf, ".dynsym", &symbols))
		return WB_NONE;
	err = read_dynamic(elf, segment, &dynamic);
	if (err || !dynamic.symtab || !dynamic.strtab)
		return err;
	err = add(elf, ".dynstr", ELF_SHT_STRTAB, dynamic.strtab, dynamic.strsz, &strings);
	if (err)
		return err;
	count = count_symbols(elf, &dynamic);
	size = wb_elf_symbol_size(elf);
	err = add(elf, ".dynsym", ELF_SHT_DYNSYM, dynamic.symtab, count < UINT64_MAX / size ? count * size : UINT64_MAX, &symbols);
	if (err)
		return err;
	elf->headers[symbols].link = (uint32_t)strings;
	elf->headers[symbols].entsize = size;
	return WB_OK;
}

enum wb_err wb_elf_add_sections_of_segments(struct elf *elf)
{
	size_t index;
	enum wb_err err = WB_OK;

	/* A separate debug file has its program headers from the file that it was cut from. */
	if (elf->base.is_debug_only || elf->base.relocatable)
		return WB_OK;
	for (uint32_t i = 0; i < elf->phnum && err >= 0; i++) {
		const struct elf_segment *segment = &elf->program[i];

		if (segment->type == ELF_PT_GNU_EH_FRAME)
			err = add_unwind_sections(elf, segment);
		else if (segment->type == ELF_PT_DYNAMIC)
			err = add_dynamic_symbols(elf, segment);
		else if (segment->type == ELF_PT_ARM_EXIDX && elf->machine == ELF_EM_ARM && !wb_elf_find(elf, ".ARM.exidx", &index))
			err = add(elf, ".ARM.exidx", ELF_SHT_PROGBITS, segment->vaddr, segment->filesz, &index);
	}
	return err < 0 ? err : WB_OK;
}
