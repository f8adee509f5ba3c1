/* SPDX-License-Identifier: MIT */
/*
 * Mach-O files: the header, load commands, segments and sections. Everything is read through base/file and base/bytes; opening reads the
 * load commands alone. Executables, dynamic libraries, bundles, relocatable files and the debug files of dSYM bundles; kernel extensions are refused.
 * Fat files are image_macho_fat.c's.
 */
#include "formats/image_macho.h"

#include "base/mem.h"
#include "formats/image_formats.h"

#include <stdlib.h>
#include <string.h>

enum {
	HEADER_SIZE_32 = 28, HEADER_SIZE_64 = 32,
	MAGIC_32 = 0xfeedface, MAGIC_64 = 0xfeedfacf, MAGIC_32_SWAPPED = 0xcefaedfe, MAGIC_64_SWAPPED = 0xcffaedfe,
	NAME_SIZE = 16,               /* of sections and segments */
	COMMANDS_SIZE_MAX = 16 << 20, /* the largest programs have some 100 KiB */
	SECTIONS_MAX = 1024, SEGMENTS_MAX = 1024, /* symbols can name 255 sections; some have more, so that nothing names them */
};

enum wb_err wb_macho_report(struct macho *macho, enum wb_err err, enum wb_diag_code code, const char *section, uint64_t offset, const char *text)
{
	return wb_diag_report(macho->base.diags, err, code, macho->base.path, section, offset, "%s", text);
}

static void macho_close(struct wb_object *object)
{
	struct macho *macho = macho_of(object);

	wb_macho_symbols_deinit(macho);
	wb_lock_deinit(&macho->lock);
	wb_mem_free(macho->segments);
	wb_mem_free(macho->headers);
	wb_mem_free(macho->sections);
	wb_file_free(macho->base.file);
	wb_mem_free(macho);
}

static bool is_magic(uint32_t magic)
{
	return magic == MAGIC_32 || magic == MAGIC_64 || magic == MAGIC_32_SWAPPED || magic == MAGIC_64_SWAPPED;
}

static bool macho_probe(const uint8_t *bytes, size_t size)
{
	return size >= HEADER_SIZE_32 && is_magic(wb_load32(bytes, true));
}

enum wb_err wb_macho_piece(struct macho *macho, struct macho_part part, const char *what, struct wb_piece *ret_piece)
{
	uint64_t offset = part.offset + (macho->base.loaded_layout ? macho->linkedit_shift : 0), end;
	enum wb_err err = WB_ERR_DATA;

	if (wb_u64_add(offset, part.size, &end) && end <= macho->whole.size)
		err = wb_file_piece(macho->base.file, macho->whole.offset + offset, part.size, ret_piece);
	if (err == WB_ERR_DATA)
		return wb_macho_report(macho, err, WB_DIAG_SECTION_MALFORMED, what, part.offset, "lies outside of the file");
	return err;
}

/* ---- The header --------------------------------------------------------------------------------------------------- */

enum wb_arch wb_macho_arch(uint32_t cpu)
{
	switch (cpu) {
	case MACHO_CPU_X86_64: return WB_ARCH_X86_64;
	case MACHO_CPU_X86: return WB_ARCH_X86;
	case MACHO_CPU_ARM64: return WB_ARCH_AARCH64;
	case MACHO_CPU_ARM: return WB_ARCH_ARM;
	case MACHO_CPU_PPC64: return WB_ARCH_PPC64;
	default: return WB_ARCH_UNKNOWN;
	}
}

static enum wb_err refuse(struct macho *macho, const char *text)
{
	return wb_macho_report(macho, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_UNRECOGNIZED, "", UINT64_MAX, text);
}

static enum wb_err check_type(struct macho *macho)
{
	switch (macho->type) {
	case MACHO_OBJECT:
	case MACHO_EXECUTE:
	case MACHO_DYLIB:
	case MACHO_DYLINKER:
	case MACHO_BUNDLE:
	case MACHO_DSYM: return WB_OK;
	case MACHO_CORE: return refuse(macho, "a Mach-O core, where an executable or a library is wanted");
	case MACHO_KEXT:
	case MACHO_FILESET: return refuse(macho, "a kernel extension, which is not supported");
	default: return refuse(macho, "a Mach-O file of a kind that is not known");
	}
}

static enum wb_err read_header(struct macho *macho, uint32_t *ret_commands_size)
{
	uint8_t header[HEADER_SIZE_64] = { 0 };
	size_t count = macho->whole.size < sizeof(header) ? (size_t)macho->whole.size : sizeof(header);
	enum wb_err err = wb_file_read(macho->base.file, macho->whole.offset, header, count);
	struct wb_bytes b;
	uint32_t magic;

	if (err)
		return wb_macho_report(macho, err, WB_DIAG_FILE_UNREADABLE, "", 0, "the Mach-O header cannot be read");
	magic = wb_load32(header, true);
	if (!is_magic(magic))
		return wb_macho_report(macho, WB_ERR_DATA, WB_DIAG_OBJECT_MALFORMED, "", 0, "no Mach-O file where one should be");
	macho->is_64 = magic == MAGIC_64 || magic == MAGIC_64_SWAPPED;
	macho->base.platform.big_endian = magic == MAGIC_32 || magic == MAGIC_64;
	b = wb_bytes_of(header, count, macho->base.platform.big_endian);
	wb_bytes_skip(&b, 4);
	macho->cpu = wb_bytes_u32(&b);
	wb_bytes_u32(&b);             /* cpusubtype */
	macho->type = wb_bytes_u32(&b);
	macho->num_commands = wb_bytes_u32(&b);
	*ret_commands_size = wb_bytes_u32(&b);
	if (wb_bytes_failed(&b))
		return wb_macho_report(macho, WB_ERR_DATA, WB_DIAG_OBJECT_MALFORMED, "", count, "ends inside of the Mach-O header");
	macho->base.platform.arch = wb_macho_arch(macho->cpu);
	macho->base.platform.os = WB_OS_MACOS;
	macho->base.relocatable = macho->type == MACHO_OBJECT;
	macho->base.is_debug_only = macho->type == MACHO_DSYM;
	return check_type(macho);
}

/* ---- Load commands ---------------------------------------------------------------------------------------------------- */

typedef void (*command_fn)(struct macho *macho, uint32_t command, struct wb_bytes *b);

/* Gives each command's bytes, its own header skipped. A damaged one ends them. */
static void each_command(struct macho *macho, const struct wb_piece *commands, command_fn fn)
{
	struct wb_bytes b = macho_bytes(macho, commands);

	/* Each round consumes 8 bytes at least. */
	for (uint32_t i = 0; i < macho->num_commands; i++) {
		uint32_t command = wb_bytes_u32(&b), size = wb_bytes_u32(&b);
		struct wb_bytes inside = wb_bytes_sub(&b, size < 8 ? UINT64_MAX : size - 8);

		if (wb_bytes_failed(&b)) {
			wb_macho_report(macho, WB_OK, WB_DIAG_OBJECT_MALFORMED, "", i, "a load command is cut; those behind it are lost");
			return;
		}
		fn(macho, command & MACHO_LC_MASK, &inside);
	}
}

static bool is_segment(uint32_t command)
{
	return command == MACHO_LC_SEGMENT || command == MACHO_LC_SEGMENT_64;
}

struct segment_header {
	char name[NAME_SIZE + 1];
	uint64_t vaddr, memsz, offset, filesz;
	uint32_t prot, num_sections;
};

static void take_name(struct wb_bytes *b, char name[NAME_SIZE + 1])
{
	const uint8_t *bytes = wb_bytes_take(b, NAME_SIZE);

	memset(name, 0, NAME_SIZE + 1);
	if (bytes)
		memcpy(name, bytes, NAME_SIZE);
}

static uint64_t command_word(struct wb_bytes *b, uint32_t command)
{
	return command == MACHO_LC_SEGMENT_64 ? wb_bytes_u64(b) : wb_bytes_u32(b);
}

static struct segment_header read_segment(struct wb_bytes *b, uint32_t command)
{
	size_t section_size = command == MACHO_LC_SEGMENT_64 ? 80 : 68;
	struct segment_header header;

	take_name(b, header.name);
	header.vaddr = command_word(b, command);
	header.memsz = command_word(b, command);
	header.offset = command_word(b, command);
	header.filesz = command_word(b, command);
	wb_bytes_u32(b);              /* maxprot */
	header.prot = wb_bytes_u32(b);
	header.num_sections = wb_bytes_u32(b);
	wb_bytes_u32(b);              /* flags */
	if (header.num_sections > wb_bytes_left(b) / section_size)
		header.num_sections = (uint32_t)(wb_bytes_left(b) / section_size);
	return header;
}

/* What there will be room for. */
static void count_segment(struct macho *macho, uint32_t command, struct wb_bytes *b)
{
	if (!is_segment(command))
		return;
	macho->base.num_segments++;
	macho->num_headers += read_segment(b, command).num_sections;
}

/* ---- Sections ------------------------------------------------------------------------------------------------------------ */

/* Those that ELF has too are called as there (object.h); the rest keep their names, which are cut to 16 characters in the file. So does __eh_frame of
 * 32-bit x86, where this system's numbers of esp and ebp are the other way around: nobody is to read it as .eh_frame. */
static void name_section(struct macho_section *header, const char *segment, const char *name, uint32_t cpu)
{
	static const struct { const char *here, *elf; } names[] = {
		{ "__text", ".text" }, { "__eh_frame", ".eh_frame" }, { "__debug_str_offs", ".debug_str_offsets" },
		{ "__gopclntab", ".gopclntab" }, { "__go_buildinfo", ".go.buildinfo" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i].here) && (cpu != MACHO_CPU_X86 || strcmp(name, "__eh_frame") != 0)) {
			strcpy(header->name, names[i].elf);
			return;
		}
	}
	if (!strcmp(segment, "__DWARF") && !strncmp(name, "__", 2)) {
		bool is_packed = !strncmp(name, "__zdebug_", 9);

		header->name[0] = '.';
		strcpy(header->name + 1, name + (is_packed ? 3 : 2));
		return;
	}
	strcpy(header->name, name);
}

static uint32_t section_flags(const struct macho_section *header, const char *segment)
{
	uint32_t type = header->flags & MACHO_SECTION_TYPE, flags = WB_SECTION_ALLOC;

	if (header->flags & MACHO_ATTR_DEBUG || !strcmp(segment, "__DWARF") || !strcmp(segment, "__LLVM"))
		flags = 0;
	if (header->flags & (MACHO_ATTR_PURE_CODE | MACHO_ATTR_SOME_CODE))
		flags |= WB_SECTION_EXEC;
	if (type == MACHO_ZEROFILL || type == MACHO_GB_ZEROFILL || type == MACHO_THREAD_ZEROFILL)
		flags |= WB_SECTION_NOBITS;
	return flags;
}

static void read_section_header(struct macho *macho, struct wb_bytes *b, uint32_t command)
{
	struct macho_section *header = &macho->headers[macho->base.num_sections];
	struct wb_section *section = &macho->sections[macho->base.num_sections++];
	char name[NAME_SIZE + 1], segment[NAME_SIZE + 1];
	uint64_t vaddr, end;

	take_name(b, name);
	take_name(b, segment);
	vaddr = command_word(b, command);
	section->size = command_word(b, command);
	section->offset = wb_bytes_u32(b);
	wb_bytes_u32(b);              /* align */
	header->relocations.offset = wb_bytes_u32(b);
	header->relocations.size = (uint64_t)wb_bytes_u32(b) * 8;
	header->flags = wb_bytes_u32(b);
	header->first_indirect = wb_bytes_u32(b);
	header->stub_size = wb_bytes_u32(b);
	if (command == MACHO_LC_SEGMENT_64)
		wb_bytes_u32(b);      /* reserved3 */
	name_section(header, segment, name, macho->cpu);
	section->name = header->name;
	section->flags = section_flags(header, segment);
	/* Those of a dSYM that are not debug information were left behind. */
	if (macho->base.is_debug_only && section->flags & WB_SECTION_ALLOC)
		section->flags |= WB_SECTION_NOBITS;
	section->vaddr = section->flags & WB_SECTION_ALLOC ? vaddr : 0;
	if (!wb_u64_add(vaddr, section->size, &end) || !wb_u64_add(section->offset, macho->whole.offset, &section->offset) ||
	    !wb_u64_add(section->offset, section->size, &end)) {
		wb_macho_report(macho, WB_OK, WB_DIAG_OBJECT_MALFORMED, "", UINT64_MAX, "a section ends past the end of all addresses");
		*section = (struct wb_section){ .name = "", .flags = WB_SECTION_NOBITS };
	}
	section->file_size = section->flags & WB_SECTION_NOBITS ? 0 : section->size;
	if (!strncmp(name, "__zdebug_", 9))
		wb_macho_measure_compressed(macho, macho->base.num_sections - 1);
}

/* ---- Segments ------------------------------------------------------------------------------------------------------------ */

static uint32_t prot_of(uint32_t prot)
{
	return (prot & MACHO_PROT_READ ? WB_PROT_READ : 0u) | (prot & MACHO_PROT_WRITE ? WB_PROT_WRITE : 0u) |
	       (prot & MACHO_PROT_EXEC ? WB_PROT_EXEC : 0u);
}

static void add_segment(struct macho *macho, const struct segment_header *header)
{
	struct wb_segment *segment = &macho->segments[macho->base.num_segments];
	uint64_t end;

	/* __PAGEZERO keeps addresses free, and has nothing. */
	if (!header->memsz || (!header->prot && !header->filesz))
		return;
	*segment = (struct wb_segment){
		.vaddr = header->vaddr, .memsz = header->memsz, .filesz = header->filesz < header->memsz ? header->filesz : header->memsz,
		.prot = prot_of(header->prot),
	};
	if (!wb_u64_add(header->offset, macho->whole.offset, &segment->offset) || !wb_u64_add(segment->offset, segment->filesz, &end) ||
	    !wb_u64_add(segment->vaddr, segment->memsz, &end)) {
		wb_macho_report(macho, WB_OK, WB_DIAG_OBJECT_MALFORMED, "", UINT64_MAX, "a segment ends past the end of all addresses");
		return;
	}
	macho->base.num_segments++;
	if (!strcmp(header->name, "__LINKEDIT"))
		macho->linkedit_shift = header->vaddr - header->offset;
}

static void use_segment(struct macho *macho, uint32_t command, struct wb_bytes *b)
{
	struct segment_header header = read_segment(b, command);

	/* A relocatable file has one segment without a name: its sections say where they are. In a dSYM's, only the last has bytes. */
	if (!macho->base.relocatable)
		add_segment(macho, &header);
	if (!strcmp(header.name, "__TEXT"))
		macho->base.base = header.vaddr;
	for (uint32_t i = 0; i < header.num_sections; i++)
		read_section_header(macho, b, command);
}

/* ---- Other commands ---------------------------------------------------------------------------------------------------- */

static struct macho_part read_part(struct wb_bytes *b)
{
	struct macho_part part = { .offset = wb_bytes_u32(b) };

	part.size = wb_bytes_u32(b);
	return wb_bytes_failed(b) ? (struct macho_part){ 0 } : part;
}

/* The register pc of a thread state: flavor, count of words, then the registers of <mach/ARCH/_structs.h> up to it. */
static uint64_t read_entry(const struct macho *macho, struct wb_bytes *b)
{
	enum { STATE_64 = 4, STATE_32 = 1, ARM_STATE_64 = 6 };
	uint32_t flavor = wb_bytes_u32(b);

	wb_bytes_u32(b);
	if (macho->cpu == MACHO_CPU_X86_64 && flavor == STATE_64)
		wb_bytes_skip(b, 16 * 8);
	else if (macho->cpu == MACHO_CPU_ARM64 && flavor == ARM_STATE_64)
		wb_bytes_skip(b, 32 * 8);
	else if (macho->cpu == MACHO_CPU_X86 && flavor == STATE_32)
		wb_bytes_skip(b, 10 * 4);
	else
		return 0;
	return macho_word(macho, b);
}

static void use_command(struct macho *macho, uint32_t command, struct wb_bytes *b)
{
	const uint8_t *uuid;

	switch (command) {
	case MACHO_LC_SEGMENT:
	case MACHO_LC_SEGMENT_64:
		use_segment(macho, command, b);
		break;
	case MACHO_LC_SYMTAB:
		macho->symbols = read_part(b);
		macho->symbols.size *= wb_macho_symbol_size(macho);
		macho->strings = read_part(b);
		break;
	case MACHO_LC_DYSYMTAB:
		wb_bytes_skip(b, 12 * 4);
		macho->indirect = read_part(b);
		macho->indirect.size *= 4;
		break;
	case MACHO_LC_UUID:
		uuid = wb_bytes_take(b, sizeof(macho->uuid));
		if (!uuid)
			break;
		memcpy(macho->uuid, uuid, sizeof(macho->uuid));
		macho->base.build_id = macho->uuid;
		macho->base.build_id_size = sizeof(macho->uuid);
		break;
	case MACHO_LC_DYLD_INFO:
		wb_bytes_skip(b, 8 * 4);
		macho->exports = read_part(b);
		break;
	case MACHO_LC_DYLD_EXPORTS_TRIE:
		macho->exports = read_part(b);
		break;
	case MACHO_LC_FUNCTION_STARTS:
		macho->starts = read_part(b);
		break;
	case MACHO_LC_DATA_IN_CODE:
		macho->data_in_code = read_part(b);
		break;
	case MACHO_LC_UNIXTHREAD:
		/* LC_MAIN names the function that the dynamic linker calls: no process starts there. */
		macho->base.entry = read_entry(macho, b);
		break;
	case MACHO_LC_ENCRYPTION_INFO:
	case MACHO_LC_ENCRYPTION_INFO_64:
		wb_bytes_skip(b, 8);
		if (wb_bytes_u32(b))
			wb_macho_report(macho, WB_OK, WB_DIAG_SECTION_UNSUPPORTED, "", UINT64_MAX, "its code is encrypted");
		break;
	default:
		break;
	}
}

/* ---- Opening ------------------------------------------------------------------------------------------------------------- */

static int by_vaddr(const void *left, const void *right)
{
	const struct wb_segment *a = left, *b = right;

	return a->vaddr < b->vaddr ? -1 : a->vaddr > b->vaddr;
}

const struct wb_section *wb_macho_section_at(const struct macho *macho, uint64_t vaddr)
{
	for (size_t i = 0; i < macho->num_headers; i++) {
		const struct wb_section *section = &macho->sections[i];

		if (section->flags & WB_SECTION_ALLOC && vaddr - section->vaddr < section->size)
			return section;
	}
	return NULL;
}

/* Room for what count_segment found, whose counts start again as the tables get filled. */
static enum wb_err make_tables(struct macho *macho)
{
	size_t num_segments = macho->base.num_segments;

	if (num_segments > SEGMENTS_MAX || macho->num_headers > SECTIONS_MAX)
		return wb_macho_report(macho, WB_ERR_LIMIT, WB_DIAG_OBJECT_MALFORMED, "", UINT64_MAX, "more sections than any file has");
	macho->segments = wb_mem_zalloc(num_segments, sizeof(macho->segments[0]));
	macho->headers = wb_mem_zalloc(macho->num_headers, sizeof(macho->headers[0]));
	macho->sections = wb_mem_zalloc(macho->num_headers + 1, sizeof(macho->sections[0]));
	macho->base.segments = macho->segments;
	macho->base.sections = macho->sections;
	macho->base.num_segments = 0;
	return macho->segments && macho->headers && macho->sections ? WB_OK : WB_ERR_MEMORY;
}

/* In memory, segments are as far from the header as their addresses say; what is before it was not read. */
static void lay_out_loaded(struct macho *macho)
{
	uint64_t base = macho->base.base;

	for (size_t i = 0; i < macho->base.num_segments; i++) {
		struct wb_segment *segment = &macho->segments[i];

		segment->filesz = segment->vaddr < base ? 0 : segment->filesz;
		segment->offset = segment->vaddr < base ? 0 : segment->vaddr - base;
	}
	for (size_t i = 0; i < macho->num_headers; i++) {
		struct wb_section *section = &macho->sections[i];

		if (section->flags & WB_SECTION_ALLOC && section->vaddr < base)
			section->flags |= WB_SECTION_NOBITS;
		else if (section->flags & WB_SECTION_ALLOC)
			section->offset = section->vaddr - base;
	}
	macho->linkedit_shift -= base;
}

/* Symbols are in no section here; other files say that they have some by having one of this name. */
static void add_symtab(struct macho *macho)
{
	uint64_t end;

	if (!macho->symbols.size || !wb_u64_add(macho->symbols.offset + macho->whole.offset, macho->symbols.size, &end))
		return;
	macho->sections[macho->base.num_sections++] = (struct wb_section){
		.name = ".symtab", .offset = macho->symbols.offset + macho->whole.offset, .file_size = macho->symbols.size,
		.size = macho->symbols.size,
	};
}

static enum wb_err read_commands(struct macho *macho, uint32_t size)
{
	struct macho_part part = { macho->is_64 ? HEADER_SIZE_64 : HEADER_SIZE_32, size };
	struct wb_piece commands;
	enum wb_err err;

	if (size > COMMANDS_SIZE_MAX)
		return wb_macho_report(macho, WB_ERR_LIMIT, WB_DIAG_OBJECT_MALFORMED, "", UINT64_MAX, "more load commands than any file has");
	if (macho->whole.size < part.offset + size)
		part.size = macho->whole.size > part.offset ? macho->whole.size - part.offset : 0;
	err = wb_file_piece(macho->base.file, macho->whole.offset + part.offset, part.size, &commands);
	if (err)
		return wb_macho_report(macho, err, WB_DIAG_FILE_UNREADABLE, "", part.offset, "the load commands cannot be read");
	each_command(macho, &commands, count_segment);
	err = make_tables(macho);
	if (!err)
		each_command(macho, &commands, use_command);
	wb_piece_deinit(&commands);
	if (err)
		return err;
	if (macho->base.loaded_layout)
		lay_out_loaded(macho);
	qsort(macho->segments, macho->base.num_segments, sizeof(macho->segments[0]), by_vaddr);
	add_symtab(macho);
	return WB_OK;
}

enum wb_err wb_macho_open(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct macho_part whole,
                          struct wb_object **ret_object)
{
	struct macho *macho = wb_mem_zalloc(1, sizeof(*macho));
	uint32_t commands_size = 0;
	enum wb_err err;

	if (!macho) {
		wb_file_free(file);
		return WB_ERR_MEMORY;
	}
	macho->base.format = &wb_image_format_macho;
	macho->base.diags = diags;
	macho->base.path = path;
	macho->base.file = file;
	macho->base.modified = wb_file_modified(file);
	macho->base.loaded_layout = flags & WB_IMAGE_LOADED;
	macho->base.absolute = flags & WB_IMAGE_ABSOLUTE;
	macho->whole = whole;
	wb_lock_init(&macho->lock);
	err = read_header(macho, &commands_size);
	if (!err)
		err = read_commands(macho, commands_size);
	if (err) {
		macho_close(&macho->base);
		return err;
	}
	*ret_object = &macho->base;
	return WB_OK;
}

static enum wb_err macho_open(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object)
{
	return wb_macho_open(diags, path, file, flags, (struct macho_part){ 0, wb_file_size(file) }, ret_object);
}

const struct wb_image_format wb_image_format_macho = {
	.name = "mach-o",
	.probe = macho_probe,
	.open = macho_open,
	.close = macho_close,
	.read_section = wb_macho_read_section,
	.read_packed = wb_macho_read_packed,
	.list_symbols = wb_macho_list_symbols,
	.list_starts = wb_macho_list_starts,
	.list_linked = wb_macho_list_linked,
};
