/* SPDX-License-Identifier: MIT */
/*
 * PE files, Windows' executables (Microsoft, "PE Format"): headers, sections as they are loaded, who the file is. Image pcs are virtual addresses at the
 * preferred base. A file made by MinGW has DWARF in sections whose long names are in the string table; its symbols are image_pe_symbols.c's.
 */
#include "formats/image_pe.h"

#include "base/bytes.h"
#include "base/mem.h"

#include <string.h>

enum {
	DOS_SIZE = 64, PE_OFFSET = 0x3c,
	COFF_SIZE = 20,
	OPTIONAL_MAX = 4096,          /* bytes of the optional header: 240 and some directories, of which 16 are known */
	SECTION_SIZE = 40,
	SECTIONS_MAX = 65535,         /* the count has 16 bits */
	DIRECTORIES = 16,
	DIRECTORY_EXPORT = 0, DIRECTORY_EXCEPTION = 3, DIRECTORY_DEBUG = 6,
	DEBUG_ENTRY_SIZE = 28, DEBUG_ENTRIES_MAX = 64, DEBUG_CODEVIEW = 2,
	SCN_CODE = 0x20000000, SCN_READ = 0x40000000, SCN_WRITE = (int)0x80000000u,
	NAME_MAX_SIZE = 256,
	RSDS = 0x53445352,
};

static const struct { uint16_t machine; enum wb_arch arch; } machines[] = {
	{ 0x14c, WB_ARCH_X86 }, { 0x8664, WB_ARCH_X86_64 }, { 0xaa64, WB_ARCH_AARCH64 }, { 0x1c4, WB_ARCH_ARM },
};

struct wb_pe *wb_pe_of(struct wb_object *object)
{
	return (struct wb_pe *)(void *)object;
}

enum wb_err wb_pe_report(const struct wb_pe *pe, enum wb_err err, uint64_t offset, const char *text)
{
	return wb_diag_report(pe->base.diags, err, WB_DIAG_OBJECT_MALFORMED, pe->base.path, "", offset, "%s", text);
}

static bool probe(const uint8_t *bytes, size_t size)
{
	uint32_t at = size >= DOS_SIZE && bytes[0] == 'M' && bytes[1] == 'Z' ? wb_load32(bytes + PE_OFFSET, false) : UINT32_MAX;

	return at <= size && size - at >= 4 && !memcmp(bytes + at, "PE\0\0", 4);
}

/* Exactly size bytes, or WB_ERR_DATA, reported. */
static enum wb_err read_at(const struct wb_pe *pe, uint64_t offset, void *buffer, size_t size, const char *what)
{
	enum wb_err err = wb_file_read(pe->base.file, offset, buffer, size);

	return err ? wb_pe_report(pe, err, offset, what) : WB_OK;
}

enum wb_err wb_pe_piece(const struct wb_pe *pe, uint32_t rva, uint64_t size, struct wb_piece *ret_piece)
{
	uint64_t offset;
	enum wb_err err = wb_object_offset_of_vaddr(&pe->base, pe->image_base + rva, &offset);

	if (!err)
		err = wb_object_present(&pe->base, offset, size) == size ? wb_file_piece(pe->base.file, offset, size, ret_piece) : WB_NONE;
	return err && err != WB_ERR_MEMORY ? WB_NONE : err;
}

/* ---- Headers ---- */

static enum wb_err read_optional(struct wb_pe *pe, uint64_t offset, uint16_t size)
{
	uint8_t bytes[OPTIONAL_MAX];
	struct wb_bytes b;
	uint32_t count;
	bool wide;
	enum wb_err err = read_at(pe, offset, bytes, size < OPTIONAL_MAX ? size : OPTIONAL_MAX, "the file ends within its optional header");

	if (err)
		return err;
	b = wb_bytes_of(bytes, size < OPTIONAL_MAX ? size : OPTIONAL_MAX, false);
	wide = wb_bytes_u16(&b) == 0x20b;
	wb_bytes_seek(&b, 16);
	pe->entry = wb_bytes_u32(&b);
	wb_bytes_seek(&b, wide ? 24 : 28);
	pe->image_base = wide ? wb_bytes_u64(&b) : wb_bytes_u32(&b);
	wb_bytes_seek(&b, 56);
	pe->image_size = wb_bytes_u32(&b);
	pe->headers_size = wb_bytes_u32(&b);
	wb_bytes_seek(&b, wide ? 108 : 92);
	count = wb_bytes_u32(&b);
	if (wb_bytes_failed(&b))
		return wb_pe_report(pe, WB_ERR_DATA, offset, "the optional header is too short");
	for (uint32_t i = 0; i < count && i < DIRECTORIES && wb_bytes_left(&b) >= 8; i++) {
		pe->directories[i].rva = wb_bytes_u32(&b);
		pe->directories[i].size = wb_bytes_u32(&b);
	}
	/* So that no sum of it and a section's address and size overflows. */
	if (pe->image_base > UINT64_MAX / 2)
		return wb_pe_report(pe, WB_ERR_DATA, offset, "the image does not fit into the address space");
	return WB_OK;
}

/* "/123": at 123 in the string table, which is behind the symbols. */
static const char *section_name(struct wb_pe *pe, const uint8_t *raw, char *name)
{
	uint8_t text[NAME_MAX_SIZE];
	uint64_t at = 0, size = wb_file_size(pe->base.file), table = pe->symbols_offset + (uint64_t)pe->num_symbols * WB_PE_SYMBOL_SIZE;
	size_t count;

	memcpy(name, raw, 8);
	name[8] = '\0';
	if (name[0] != '/' || !pe->symbols_offset)
		return name;
	for (const char *c = name + 1; *c >= '0' && *c <= '9'; c++)
		at = at * 10 + (uint64_t)(*c - '0');
	at += table;
	count = at < size ? (size - at < NAME_MAX_SIZE - 1 ? (size_t)(size - at) : NAME_MAX_SIZE - 1) : 0;
	if (!count || wb_file_read(pe->base.file, at, text, count))
		return name;
	memcpy(name, text, count);
	name[count] = '\0';
	return name;
}

static uint32_t prot_of(uint32_t flags)
{
	return (flags & SCN_READ ? WB_PROT_READ : 0u) | (flags & (uint32_t)SCN_WRITE ? WB_PROT_WRITE : 0u) | (flags & SCN_CODE ? WB_PROT_EXEC : 0u);
}

/* Sections come sorted by address (PE Format, "Section Table"); one that is not is left out. */
static enum wb_err add_section(struct wb_pe *pe, const uint8_t *raw)
{
	uint32_t size = wb_load32(raw + 8, false), rva = wb_load32(raw + 12, false), file_size = wb_load32(raw + 16, false);
	uint32_t offset = wb_load32(raw + 20, false), flags = wb_load32(raw + 36, false);
	char name[NAME_MAX_SIZE];
	char *copy = wb_mem_strdup(section_name(pe, raw, name));
	struct wb_section *section;
	struct wb_segment *segment;

	if (!copy)
		return WB_ERR_MEMORY;
	pe->names[pe->num_names++] = copy;
	size = size ? size : file_size;
	/* What is behind the section's size is padding. In memory, sections are where they are loaded, as far as they were captured. */
	file_size = file_size < size ? file_size : size;
	if (pe->base.loaded_layout) {
		offset = rva;
		file_size = (uint32_t)wb_object_present(&pe->base, rva, size);
	}
	section = &pe->sections[pe->base.num_sections++];
	*section = (struct wb_section){ .name = copy, .vaddr = pe->image_base + rva, .offset = offset, .file_size = file_size, .size = file_size };
	section->flags = (!strncmp(copy, ".debug_", 7) ? 0u : (uint32_t)WB_SECTION_ALLOC) | (flags & SCN_CODE ? (uint32_t)WB_SECTION_EXEC : 0u) |
	                 (file_size ? 0u : (uint32_t)WB_SECTION_NOBITS);
	segment = &pe->segments[pe->base.num_segments];
	if (!size || pe->image_base + rva < segment[-1].vaddr + segment[-1].memsz)
		return WB_OK;
	*segment = (struct wb_segment){ .vaddr = pe->image_base + rva, .memsz = size, .offset = offset, .filesz = file_size, .prot = prot_of(flags) };
	pe->base.num_segments++;
	return WB_OK;
}

/* The exception directory as a section of the usual name, wherever the linker put it: found before one that is called so. */
static void add_exceptions(struct wb_pe *pe)
{
	uint32_t rva = pe->directories[DIRECTORY_EXCEPTION].rva, size = pe->directories[DIRECTORY_EXCEPTION].size;
	uint64_t offset;

	if (!size || wb_object_offset_of_vaddr(&pe->base, pe->image_base + rva, &offset) != WB_OK)
		return;
	size = (uint32_t)wb_object_present(&pe->base, offset, size);
	if (!size)
		return;
	memmove(pe->sections + 1, pe->sections, pe->base.num_sections * sizeof(*pe->sections));
	pe->base.num_sections++;
	pe->sections[0] = (struct wb_section){ .name = ".pdata", .vaddr = pe->image_base + rva, .offset = offset, .file_size = size, .size = size,
	                                       .flags = WB_SECTION_ALLOC };
}

static enum wb_err read_sections(struct wb_pe *pe, uint64_t offset, uint16_t count)
{
	struct wb_piece piece;
	enum wb_err err = wb_file_piece(pe->base.file, offset, (uint64_t)count * SECTION_SIZE, &piece);

	if (err)
		return err == WB_ERR_MEMORY ? err : wb_pe_report(pe, WB_ERR_DATA, offset, "the file ends within its section table");
	pe->sections = wb_mem_zalloc((size_t)count + 1, sizeof(*pe->sections));
	pe->segments = wb_mem_zalloc((size_t)count + 1, sizeof(*pe->segments));
	pe->names = wb_mem_zalloc(count, sizeof(*pe->names));
	if (!pe->sections || !pe->segments || !pe->names)
		err = WB_ERR_MEMORY;
	if (!err) {
		/* The headers are loaded too: they are at the image's base. */
		pe->segments[0] = (struct wb_segment){ .vaddr = pe->image_base, .memsz = pe->headers_size, .filesz = pe->headers_size, .prot = WB_PROT_READ };
		pe->base.num_segments = 1;
		pe->base.segments = pe->segments;
		pe->base.sections = pe->sections;
	}
	for (uint16_t i = 0; i < count && !err; i++)
		err = add_section(pe, piece.bytes + (size_t)i * SECTION_SIZE);
	wb_piece_deinit(&piece);
	if (!err)
		add_exceptions(pe);
	return err;
}

static enum wb_err read_headers(struct wb_pe *pe)
{
	uint8_t dos[DOS_SIZE], coff[4 + COFF_SIZE];
	uint16_t machine, count, optional_size;
	uint64_t at;
	enum wb_err err = read_at(pe, 0, dos, sizeof(dos), "the file ends within its first header");

	if (err)
		return err;
	at = wb_load32(dos + PE_OFFSET, false);
	err = read_at(pe, at, coff, sizeof(coff), "the file ends within its header");
	if (err)
		return err;
	machine = wb_load16(coff + 4, false);
	count = wb_load16(coff + 6, false);
	pe->stamp = wb_load32(coff + 8, false);
	pe->symbols_offset = wb_load32(coff + 12, false);
	pe->num_symbols = wb_load32(coff + 16, false);
	/* COFF's symbols are not loaded. */
	if (pe->base.loaded_layout)
		pe->symbols_offset = pe->num_symbols = 0;
	optional_size = wb_load16(coff + 20, false);
	pe->base.platform.os = WB_OS_WINDOWS;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (machines[i].machine == machine)
			pe->base.platform.arch = machines[i].arch;
	err = read_optional(pe, at + sizeof(coff), optional_size);
	if (err)
		return err;
	pe->base.entry = pe->entry ? pe->image_base + pe->entry : 0;
	return read_sections(pe, at + sizeof(coff) + optional_size, count);
}

/* ---- Identity ---- */

static void store_be32(uint8_t *to, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* The PDB's GUID, as it is written (its first three parts are little-endian in the file), and age. */
static void take_codeview(struct wb_pe *pe, const uint8_t *record)
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	if (wb_load32(record, false) != RSDS)
		return;
	for (unsigned i = 0; i < 16; i++)
		pe->build_id[i] = record[4 + order[i]];
	store_be32(pe->build_id + 16, wb_load32(record + 20, false));
	pe->base.build_id = pe->build_id;
	pe->base.build_id_size = sizeof(pe->build_id);
}

static enum wb_err read_identity(struct wb_pe *pe)
{
	uint32_t size = pe->directories[DIRECTORY_DEBUG].size;
	struct wb_piece piece;
	uint8_t record[24];
	enum wb_err err;

	store_be32(pe->code_id, pe->stamp);
	store_be32(pe->code_id + 4, pe->image_size);
	pe->base.code_id = pe->code_id;
	pe->base.code_id_size = sizeof(pe->code_id);
	size = size < DEBUG_ENTRIES_MAX * DEBUG_ENTRY_SIZE ? size : DEBUG_ENTRIES_MAX * DEBUG_ENTRY_SIZE;
	err = size ? wb_pe_piece(pe, pe->directories[DIRECTORY_DEBUG].rva, size, &piece) : WB_NONE;
	if (err)
		return err == WB_NONE ? WB_OK : err;
	for (size_t at = 0; at + DEBUG_ENTRY_SIZE <= piece.size && !pe->base.build_id; at += DEBUG_ENTRY_SIZE) {
		uint32_t type = wb_load32(piece.bytes + at + 12, false), offset = wb_load32(piece.bytes + at + (pe->base.loaded_layout ? 20 : 24), false);

		if (type == DEBUG_CODEVIEW && wb_file_read(pe->base.file, offset, record, sizeof(record)) == WB_OK)
			take_codeview(pe, record);
	}
	wb_piece_deinit(&piece);
	return WB_OK;
}

/* ---- The format ---- */

static void pe_close(struct wb_object *object)
{
	struct wb_pe *pe = wb_pe_of(object);

	for (size_t i = 0; i < pe->num_names; i++)
		wb_mem_free(pe->names[i]);
	wb_mem_free(pe->names);
	wb_mem_free(pe->sections);
	wb_mem_free(pe->segments);
	wb_pe_symbols_deinit(pe);
	wb_lock_deinit(&pe->lock);
	wb_file_free(object->file);
	wb_mem_free(pe);
}

static enum wb_err open_as(struct wb_diags *diags, const char *path, struct wb_file *file, bool is_loaded, struct wb_object **ret_object)
{
	struct wb_pe *pe = wb_mem_zalloc(1, sizeof(*pe));
	enum wb_err err;

	if (!pe) {
		wb_file_free(file);
		return WB_ERR_MEMORY;
	}
	pe->base = (struct wb_object){ .format = &wb_image_format_pe, .diags = diags, .path = path, .file = file, .loaded_layout = is_loaded };
	wb_lock_init(&pe->lock);
	err = read_headers(pe);
	if (!err)
		err = read_identity(pe);
	if (err) {
		pe_close(&pe->base);
		return err;
	}
	pe->base.loaded_base = pe->image_base;
	*ret_object = &pe->base;
	return WB_OK;
}

static enum wb_err pe_open(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object)
{
	return open_as(diags, path, file, flags & WB_IMAGE_LOADED, ret_object);
}

/* Where it lies is the image base in its headers as well: Windows' loader writes it there. */
static enum wb_err pe_open_loaded(struct wb_diags *diags, const char *path, struct wb_file *file, uint64_t address, struct wb_object **ret_object)
{
	(void)address;
	return open_as(diags, path, file, true, ret_object);
}

static enum wb_err read_section(struct wb_object *object, size_t index, struct wb_piece *ret_piece)
{
	const struct wb_section *section = &object->sections[index];
	enum wb_err err = wb_file_piece(object->file, section->offset, section->file_size, ret_piece);

	if (err && err != WB_ERR_MEMORY)
		return wb_diag_report(object->diags, err, WB_DIAG_FILE_TRUNCATED, object->path, section->name, section->offset, "the file ends within it");
	return err;
}

const struct wb_image_format wb_image_format_pe = {
	.name = "pe",
	.probe = probe,
	.open = pe_open,
	.open_loaded = pe_open_loaded,
	.close = pe_close,
	.read_section = read_section,
	.list_symbols = wb_pe_list_symbols,
};
