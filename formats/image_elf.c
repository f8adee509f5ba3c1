/* SPDX-License-Identifier: MIT */
/*
 * ELF files: headers, segments and the section table. Everything is read through base/file and base/bytes, not through libelf: that
 * library wants the whole file in memory or a descriptor, trusts offsets that it was not asked about, and does not know zstd. Opening reads the
 * headers, the section names, and a few notes; all other bytes wait until somebody asks for them.
 *
 * ELF-64 Object File Format 1.5; System V ABI, chapters 4 and 5. Damage is answered by less: without section headers the segments
 * serve (image_elf_segments.c), without program headers the sections do.
 */
#include "formats/image_elf.h"

#include "base/mem.h"
#include "formats/image_formats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	IDENT_SIZE = 16,
	HEADER_SIZE_32 = 52, HEADER_SIZE_64 = 64,
	PROGRAM_SIZE_32 = 32, PROGRAM_SIZE_64 = 56,
	SECTION_SIZE_32 = 40, SECTION_SIZE_64 = 64,
	/* -ffunction-sections makes some 100,000 of them in the largest relocatable files. */
	SECTIONS_MAX = 1 << 20,
	SEGMENTS_MAX = 1 << 16,
	PLACE_ALIGN_MAX = 1 << 16,    /* of sections of relocatable files; page alignment at most */
};

enum wb_err wb_elf_report(struct elf *elf, enum wb_err err, enum wb_diag_code code, const char *section, uint64_t offset, const char *text)
{
	return wb_diag_report(elf->base.diags, err, code, elf->base.path, section, offset, "%s", text);
}

static void elf_close(struct wb_object *object)
{
	struct elf *elf = elf_of(object);

	wb_elf_symbols_deinit(elf);
	wb_lock_deinit(&elf->lock);
	wb_piece_deinit(&elf->names);
	wb_piece_deinit(&elf->note);
	wb_piece_deinit(&elf->debuglink);
	wb_piece_deinit(&elf->altlink);
	wb_mem_free(elf->zdebug_names);
	wb_mem_free(elf->program);
	wb_mem_free(elf->segments);
	wb_mem_free(elf->headers);
	wb_mem_free(elf->sections);
	wb_file_free(elf->base.file);
	wb_mem_free(elf);
}

static bool elf_probe(const uint8_t *bytes, size_t size)
{
	return size >= IDENT_SIZE && !memcmp(bytes, "\177ELF", 4);
}

/* ---- The header --------------------------------------------------------------------------------------------------- */

static enum wb_arch arch_of(const struct elf *elf)
{
	switch (elf->machine) {
	case ELF_EM_X86_64: return WB_ARCH_X86_64;
	case ELF_EM_386:
	case ELF_EM_IAMCU: return WB_ARCH_X86;
	case ELF_EM_AARCH64: return WB_ARCH_AARCH64;
	case ELF_EM_ARM: return WB_ARCH_ARM;
	case ELF_EM_RISCV: return elf->is_64 ? WB_ARCH_RISCV64 : WB_ARCH_UNKNOWN;
	case ELF_EM_PPC64: return WB_ARCH_PPC64;
	case ELF_EM_S390: return elf->is_64 ? WB_ARCH_S390X : WB_ARCH_UNKNOWN;
	default: return WB_ARCH_UNKNOWN;
	}
}

/* EI_OSABI says it for a few only; most leave it 0, and then a note may tell. */
static enum wb_os os_of(uint8_t osabi)
{
	enum { OSABI_GNU = 3 };

	return osabi == OSABI_GNU ? WB_OS_LINUX : WB_OS_UNKNOWN;
}

static enum wb_err check_type(struct elf *elf)
{
	if (elf->type == ELF_ET_EXEC || elf->type == ELF_ET_DYN || elf->type == ELF_ET_REL)
		return WB_OK;
	if (elf->type == ELF_ET_CORE)
		return wb_elf_report(elf, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_UNRECOGNIZED, "", UINT64_MAX,
		                     "an ELF core, where an executable or a shared object is wanted");
	return wb_elf_report(elf, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_UNRECOGNIZED, "", UINT64_MAX,
	                     "neither an ELF executable nor a shared object nor a relocatable file");
}

static enum wb_err read_header(struct elf *elf)
{
	uint8_t header[HEADER_SIZE_64] = { 0 };
	uint64_t size = wb_file_size(elf->base.file);
	size_t count = size < sizeof(header) ? (size_t)size : sizeof(header);
	struct wb_bytes b;
	enum wb_err err = wb_file_read(elf->base.file, 0, header, count);

	if (err)
		return wb_elf_report(elf, err, WB_DIAG_FILE_UNREADABLE, "", 0, "the ELF header cannot be read");
	if ((header[4] != 1 && header[4] != 2) || (header[5] != 1 && header[5] != 2))
		return wb_elf_report(elf, WB_ERR_DATA, WB_DIAG_OBJECT_MALFORMED, "", 4, "neither 32 nor 64 bits, or of no byte order");
	elf->is_64 = header[4] == 2;
	elf->base.platform.big_endian = header[5] == 2;
	elf->base.platform.os = (uint8_t)os_of(header[7]);
	b = wb_bytes_of(header, count, elf_is_big_endian(elf));
	wb_bytes_skip(&b, IDENT_SIZE);
	elf->type = wb_bytes_u16(&b);
	elf->machine = wb_bytes_u16(&b);
	wb_bytes_u32(&b);             /* e_version */
	elf->base.entry = elf_word(elf, &b);
	/* The lowest bit says "Thumb" (AAELF32, "Entry Point"). */
	if (elf->machine == ELF_EM_ARM)
		elf->base.entry &= ~UINT64_C(1);
	elf->phoff = elf_word(elf, &b);
	elf->shoff = elf_word(elf, &b);
	wb_bytes_u32(&b);             /* e_flags */
	wb_bytes_u16(&b);             /* e_ehsize */
	elf->phentsize = wb_bytes_u16(&b);
	elf->phnum = wb_bytes_u16(&b);
	elf->shentsize = wb_bytes_u16(&b);
	elf->shnum = wb_bytes_u16(&b);
	elf->shstrndx = wb_bytes_u16(&b);
	if (wb_bytes_failed(&b))
		return wb_elf_report(elf, WB_ERR_DATA, WB_DIAG_OBJECT_MALFORMED, "", count, "ends inside of the ELF header");
	elf->base.platform.arch = arch_of(elf);
	elf->base.relocatable = elf->type == ELF_ET_REL;
	return check_type(elf);
}

/* A table of the header's, as far as entries of at least entry_min bytes fit the file. */
static enum wb_err read_table(struct elf *elf, uint64_t offset, uint32_t count, uint16_t entry_size, size_t entry_min, uint32_t count_max,
                              struct wb_piece *ret_table)
{
	if (!count || !offset)
		return WB_NONE;
	if (entry_size < entry_min)
		return wb_elf_report(elf, WB_ERR_DATA, WB_DIAG_OBJECT_MALFORMED, "", offset, "header entries are too small");
	if (count > count_max)
		return wb_elf_report(elf, WB_ERR_LIMIT, WB_DIAG_OBJECT_MALFORMED, "", offset, "more headers than any file has");
	uint64_t size = (uint64_t)count * entry_size;
	enum wb_err err = wb_object_present(&elf->base, offset, size) == size ? wb_file_piece(elf->base.file, offset, size, ret_table) : WB_ERR_DATA;

	if (err == WB_ERR_DATA)
		return wb_elf_report(elf, err, WB_DIAG_OBJECT_MALFORMED, "", offset, "headers lie outside of the file");
	return err;
}

/* Bad tables are reported and done without; only memory and reading end the opening. */
static bool is_fatal(enum wb_err err)
{
	return err == WB_ERR_MEMORY || err == WB_ERR_IO || err == WB_ERR_CANCELLED;
}

/* ---- Program headers ------------------------------------------------------------------------------------------------ */

static struct elf_segment read_segment(const struct elf *elf, struct wb_bytes *b)
{
	struct elf_segment segment = { .type = wb_bytes_u32(b) };

	if (elf->is_64)
		segment.flags = wb_bytes_u32(b);
	segment.offset = elf_word(elf, b);
	segment.vaddr = elf_word(elf, b);
	elf_word(elf, b);             /* p_paddr */
	segment.filesz = elf_word(elf, b);
	segment.memsz = elf_word(elf, b);
	if (!elf->is_64)
		segment.flags = wb_bytes_u32(b);
	segment.align = elf_word(elf, b);
	return segment;
}

static bool segment_is_sound(const struct elf_segment *segment)
{
	uint64_t end;

	return wb_u64_add(segment->offset, segment->filesz, &end) && wb_u64_add(segment->vaddr, segment->memsz, &end) &&
	       wb_u64_add(segment->vaddr, segment->filesz, &end);
}

static int by_vaddr(const void *left, const void *right)
{
	const struct wb_segment *a = left, *b = right;

	return a->vaddr < b->vaddr ? -1 : a->vaddr > b->vaddr;
}

/* What gets loaded, sorted, as the library wants it. */
static enum wb_err make_segments(struct elf *elf)
{
	size_t count = 0;

	elf->segments = wb_mem_zalloc(elf->phnum, sizeof(elf->segments[0]));
	if (!elf->segments)
		return WB_ERR_MEMORY;
	for (uint32_t i = 0; i < elf->phnum; i++) {
		const struct elf_segment *from = &elf->program[i];

		if (from->type != ELF_PT_LOAD || !from->memsz)
			continue;
		elf->segments[count++] = (struct wb_segment){
			.vaddr = from->vaddr, .memsz = from->memsz, .offset = from->offset,
			.filesz = from->filesz < from->memsz ? from->filesz : from->memsz, .align = from->align,
			.prot = (from->flags & ELF_PF_R ? WB_PROT_READ : 0u) | (from->flags & ELF_PF_W ? WB_PROT_WRITE : 0u) |
			        (from->flags & ELF_PF_X ? WB_PROT_EXEC : 0u),
		};
	}
	qsort(elf->segments, count, sizeof(elf->segments[0]), by_vaddr);
	elf->base.segments = elf->segments;
	elf->base.num_segments = count;
	return WB_OK;
}

static enum wb_err read_program(struct elf *elf)
{
	struct wb_piece table;
	uint32_t count = 0;
	enum wb_err err = read_table(elf, elf->phoff, elf->phnum, elf->phentsize, elf->is_64 ? PROGRAM_SIZE_64 : PROGRAM_SIZE_32,
	                             SEGMENTS_MAX, &table);

	if (err) {
		elf->phnum = 0;
		return is_fatal(err) ? err : WB_OK;
	}
	elf->program = wb_mem_zalloc(elf->phnum, sizeof(elf->program[0]));
	for (uint32_t i = 0; elf->program && i < elf->phnum; i++) {
		struct wb_bytes b = elf_bytes(elf, &table);

		wb_bytes_skip(&b, (uint64_t)i * elf->phentsize);
		elf->program[count] = read_segment(elf, &b);
		if (segment_is_sound(&elf->program[count]))
			count++;
		else
			wb_elf_report(elf, WB_OK, WB_DIAG_OBJECT_MALFORMED, "", elf->phoff, "a segment ends past the end of all addresses");
	}
	wb_piece_deinit(&table);
	elf->phnum = count;
	return elf->program ? make_segments(elf) : WB_ERR_MEMORY;
}

/* ---- Section headers -------------------------------------------------------------------------------------------------- */

struct wb_section *wb_elf_add_section(struct elf *elf, struct elf_section **ret_header)
{
	size_t count = elf->base.num_sections, capacity = elf->sections_capacity;

	/* Two arrays side by side: their capacity is written only once both have grown. */
	if (count == capacity) {
		size_t grown = capacity;

		if (!wb_mem_grow((void **)&elf->sections, &grown, count, 1, sizeof(elf->sections[0])))
			return NULL;
		elf->base.sections = elf->sections;
		if (!wb_mem_grow((void **)&elf->headers, &capacity, count, 1, sizeof(elf->headers[0])))
			return NULL;
		elf->sections_capacity = capacity;
	}
	elf->sections[count] = (struct wb_section){ .name = "" };
	elf->headers[count] = (struct elf_section){ 0 };
	elf->base.num_sections = count + 1;
	*ret_header = &elf->headers[count];
	return &elf->sections[count];
}

static enum wb_err reserve_sections(struct elf *elf, size_t count)
{
	elf->sections = wb_mem_zalloc(count, sizeof(elf->sections[0]));
	elf->headers = wb_mem_zalloc(count, sizeof(elf->headers[0]));
	if (!elf->sections || !elf->headers)
		return WB_ERR_MEMORY;
	elf->base.sections = elf->sections;
	elf->sections_capacity = count;
	return WB_OK;
}

/* Reads the next section header into the two tables. */
static enum wb_err read_section_header(struct elf *elf, struct wb_bytes *b)
{
	struct elf_section *header;
	struct wb_section *section = wb_elf_add_section(elf, &header);
	uint64_t address, end;

	if (!section)
		return WB_ERR_MEMORY;
	header->name = wb_bytes_u32(b);
	header->type = wb_bytes_u32(b);
	header->flags = elf_word(elf, b);
	address = elf_word(elf, b);
	section->offset = elf_word(elf, b);
	section->size = elf_word(elf, b);
	header->link = wb_bytes_u32(b);
	header->info = wb_bytes_u32(b);
	header->addralign = elf_word(elf, b);
	header->entsize = elf_word(elf, b);
	section->vaddr = header->flags & ELF_SHF_ALLOC ? address : 0;
	section->flags = (header->flags & ELF_SHF_ALLOC ? WB_SECTION_ALLOC : 0u) |
	                 (header->flags & ELF_SHF_EXECINSTR ? WB_SECTION_EXEC : 0u) |
	                 (header->flags & ELF_SHF_GROUP ? WB_SECTION_GROUPED : 0u) |
	                 (header->type == ELF_SHT_NOBITS || header->type == ELF_SHT_NULL ? WB_SECTION_NOBITS : 0u);
	if (!wb_u64_add(section->offset, section->size, &end) || !wb_u64_add(section->vaddr, section->size, &end)) {
		wb_elf_report(elf, WB_OK, WB_DIAG_OBJECT_MALFORMED, "", elf->shoff, "a section ends past the end of all offsets");
		*section = (struct wb_section){ .name = "", .flags = WB_SECTION_NOBITS };
		*header = (struct elf_section){ 0 };
	}
	section->file_size = section->flags & WB_SECTION_NOBITS ? 0 : section->size;
	return WB_OK;
}

/* Where a count does not fit the file's header, it is in section header 0 (System V ABI, "ELF Header"). */
static enum wb_err read_extended_counts(struct elf *elf)
{
	bool is_extended = !elf->shnum || elf->phnum == ELF_PN_XNUM || elf->shstrndx == ELF_SHN_XINDEX;
	struct wb_piece first;
	struct wb_bytes b;
	uint64_t size;
	enum wb_err err;

	if (!elf->shoff || !is_extended)
		return WB_OK;
	err = read_table(elf, elf->shoff, 1, elf->shentsize, elf->is_64 ? SECTION_SIZE_64 : SECTION_SIZE_32, 1, &first);
	if (err) {
		elf->shnum = 0;
		return is_fatal(err) ? err : WB_OK;
	}
	b = elf_bytes(elf, &first);
	wb_bytes_skip(&b, elf->is_64 ? 32 : 20);
	size = elf_word(elf, &b);     /* sh_size, then sh_link and sh_info */
	if (!elf->shnum)
		elf->shnum = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
	size = wb_bytes_u32(&b);
	if (elf->shstrndx == ELF_SHN_XINDEX)
		elf->shstrndx = (uint32_t)size;
	size = wb_bytes_u32(&b);
	if (elf->phnum == ELF_PN_XNUM)
		elf->phnum = (uint32_t)size;
	wb_piece_deinit(&first);
	return WB_OK;
}

static enum wb_err read_sections(struct elf *elf)
{
	struct wb_piece table;
	enum wb_err err = read_table(elf, elf->shoff, elf->shnum, elf->shentsize, elf->is_64 ? SECTION_SIZE_64 : SECTION_SIZE_32,
	                             SECTIONS_MAX, &table);

	if (err) {
		elf->shnum = 0;
		return is_fatal(err) ? err : WB_OK;
	}
	err = reserve_sections(elf, elf->shnum);
	for (uint32_t i = 0; !err && i < elf->shnum; i++) {
		struct wb_bytes b = elf_bytes(elf, &table);

		wb_bytes_skip(&b, (uint64_t)i * elf->shentsize);
		err = read_section_header(elf, &b);
	}
	wb_piece_deinit(&table);
	return err;
}

/* ---- Names of sections -------------------------------------------------------------------------------------------------- */

static const char zdebug[] = ".zdebug_";

static bool is_zdebug(const struct wb_section *section)
{
	return !strncmp(section->name, zdebug, sizeof(zdebug) - 1);
}

/* Gives ".zdebug_x" the name ".debug_x": what it holds is the same. */
static enum wb_err rename_zdebug(struct elf *elf)
{
	size_t size = 0;
	char *at;

	for (size_t i = 0; i < elf->base.num_sections; i++) {
		if (is_zdebug(&elf->sections[i]))
			size += strlen(elf->sections[i].name);
	}
	if (!size)
		return WB_OK;
	at = elf->zdebug_names = wb_mem_alloc(size);
	if (!at)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < elf->base.num_sections; i++) {
		size_t length = strlen(elf->sections[i].name);

		if (!is_zdebug(&elf->sections[i]))
			continue;
		at[0] = '.';
		memcpy(at + 1, elf->sections[i].name + 2, length - 1);
		elf->sections[i].name = at;
		elf->sections[i].flags |= WB_SECTION_COMPRESSED;
		at += length;
	}
	return WB_OK;
}

static enum wb_err name_sections(struct elf *elf)
{
	enum wb_err err;

	if (!elf->base.num_sections || elf->shstrndx >= elf->base.num_sections)
		return WB_OK;
	err = wb_elf_stored(elf, elf->shstrndx, &elf->names);
	if (err)
		return is_fatal(err) ? err : WB_OK;
	for (size_t i = 0; i < elf->base.num_sections; i++) {
		const char *name = wb_elf_string(&elf->names, elf->headers[i].name);

		if (name)
			elf->sections[i].name = name;
	}
	return rename_zdebug(elf);
}

bool wb_elf_find(const struct elf *elf, const char *name, size_t *ret_index)
{
	for (size_t i = 0; i < elf->base.num_sections; i++) {
		if (!strcmp(elf->sections[i].name, name)) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

enum wb_err wb_elf_stored(struct elf *elf, size_t index, struct wb_piece *ret_piece)
{
	const struct wb_section *section = &elf->sections[index];
	enum wb_err err;

	if (section->flags & WB_SECTION_NOBITS) {
		*ret_piece = (struct wb_piece){ (const uint8_t *)"", 0, NULL };
		return WB_OK;
	}
	err = wb_file_piece(elf->base.file, section->offset, section->file_size, ret_piece);
	if (err && err != WB_ERR_MEMORY)
		return wb_elf_report(elf, err, WB_DIAG_SECTION_MALFORMED, section->name, UINT64_MAX, "lies outside of the file");
	return err;
}

/* ---- Layouts ---------------------------------------------------------------------------------------------------------------- */

/* Sections of a relocatable file have no addresses yet: they get them one after the other, so that each byte has its own. */
static void place_sections(struct elf *elf)
{
	uint64_t at = 0, end;

	for (size_t i = 0; i < elf->base.num_sections; i++) {
		uint64_t align = elf->headers[i].addralign;
		struct wb_section *section = &elf->sections[i];

		if (!(section->flags & WB_SECTION_ALLOC))
			continue;
		align = align && align <= PLACE_ALIGN_MAX && !(align & (align - 1)) ? align : 1;
		if (!wb_u64_add(at, align - 1, &end) || !wb_u64_add(end & ~(align - 1), section->size, &end))
			return;
		section->vaddr = (at + align - 1) & ~(align - 1);
		at = end;
	}
}

/* A separate debug file has its code sections without their bytes. */
static bool is_debug_only(const struct elf *elf)
{
	bool without_bytes = false;

	for (size_t i = 0; i < elf->base.num_sections; i++) {
		const struct wb_section *section = &elf->sections[i];

		if ((section->flags & (WB_SECTION_ALLOC | WB_SECTION_EXEC)) != (WB_SECTION_ALLOC | WB_SECTION_EXEC) || !section->size)
			continue;
		if (!(section->flags & WB_SECTION_NOBITS))
			return false;
		without_bytes = true;
	}
	return without_bytes;
}

/* ---- Opening ------------------------------------------------------------------------------------------------------------------ */

static enum wb_err read_all_headers(struct elf *elf, const struct elf_open *how)
{
	bool is_loaded = how->flags & WB_IMAGE_LOADED;
	enum wb_err err = read_header(elf);

	elf->base.loaded_layout = is_loaded;
	/* Section headers are not loaded, as a rule: an image read from memory is not asked for more than its segments. */
	if (!err && !is_loaded)
		err = read_extended_counts(elf);
	if (!err)
		err = read_program(elf);
	if (!err && is_loaded)
		err = wb_elf_use_loaded_layout(elf, how->address);
	if (!err)
		err = read_sections(elf);
	if (!err)
		wb_elf_drop_absent(elf);
	if (!err)
		err = name_sections(elf);
	if (err)
		return err;
	if (elf->base.relocatable)
		place_sections(elf);
	elf->base.is_debug_only = !is_loaded && is_debug_only(elf);
	err = wb_elf_add_sections_of_segments(elf);
	if (err)
		return err;
	for (size_t i = 0; i < elf->base.num_sections; i++) {
		if (elf->headers[i].flags & ELF_SHF_COMPRESSED || elf->sections[i].flags & WB_SECTION_COMPRESSED)
			wb_elf_measure_compressed(elf, i);
	}
	err = wb_elf_read_notes(elf);
	return err ? err : wb_elf_read_links(elf);
}

enum wb_err wb_elf_open(struct wb_diags *diags, const char *path, struct wb_file *file, const struct elf_open *how, struct wb_object **ret_object)
{
	struct elf *elf = wb_mem_zalloc(1, sizeof(*elf));
	enum wb_err err;

	if (!elf) {
		wb_file_free(file);
		return WB_ERR_MEMORY;
	}
	elf->base.format = &wb_image_format_elf;
	elf->base.diags = diags;
	elf->base.path = path;
	elf->base.file = file;
	elf->is_inner = how->is_inner;
	wb_lock_init(&elf->lock);
	err = read_all_headers(elf, how);
	if (err) {
		elf_close(&elf->base);
		return err;
	}
	*ret_object = &elf->base;
	return WB_OK;
}

static enum wb_err elf_open_file(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags,
                                 struct wb_object **ret_object)
{
	return wb_elf_open(diags, path, file, &(struct elf_open){ .flags = flags }, ret_object);
}

static enum wb_err elf_open_loaded(struct wb_diags *diags, const char *path, struct wb_file *file, uint64_t address,
                                   struct wb_object **ret_object)
{
	return wb_elf_open(diags, path, file, &(struct elf_open){ .flags = WB_IMAGE_LOADED, .address = address }, ret_object);
}

const struct wb_image_format wb_image_format_elf = {
	.name = "elf",
	.probe = elf_probe,
	.open = elf_open_file,
	.open_loaded = elf_open_loaded,
	.close = elf_close,
	.read_section = wb_elf_read_section,
	.read_packed = wb_elf_read_packed,
	.list_symbols = wb_elf_list_symbols,
	.open_inner = wb_elf_open_inner,
};
