/* SPDX-License-Identifier: MIT */
/*
 * Who an ELF file is, and which other files belong to it: the build id and the operating system from notes, .gnu_debuglink (GDB's manual,
 * "Separate Debug Files"), .gnu_debugaltlink (dwz) and .debug_sup (DWARF 5, 7.3.6). Pieces that hold them are kept: they are a few dozen bytes.
 */
#include "formats/image_elf.h"

#include <string.h>

enum {
	/* .note.stapsdt and its like can be large; what is looked for here is not. */
	NOTES_SIZE_MAX = 64 << 10,
	NOTES_TOTAL_MAX = 1 << 20,    /* sections may overlap */
	LINK_SIZE_MAX = 4096 + 64,    /* a path and a build id */
	BUILD_ID_MAX = 64,
	NT_GNU_ABI_TAG = 1, NT_GNU_BUILD_ID = 3, NT_ANDROID_IDENT = 1, NT_GO_BUILD_ID = 4,
};

static bool is_named(const uint8_t *name, uint32_t size, const char *wanted)
{
	return size == strlen(wanted) + 1 && !memcmp(name, wanted, size);
}

static void use_note(struct elf *elf, uint32_t type, const uint8_t *name, uint32_t name_size, const uint8_t *desc, uint32_t desc_size)
{
	if (is_named(name, name_size, "GNU") && type == NT_GNU_BUILD_ID && desc_size && desc_size <= BUILD_ID_MAX && !elf->base.build_id) {
		elf->base.build_id = desc;
		elf->base.build_id_size = desc_size;
	}
	/* Linux is system 0 (LSB, "ABI note tag"). */
	if (is_named(name, name_size, "GNU") && type == NT_GNU_ABI_TAG && desc_size >= 4 && !wb_load32(desc, elf_is_big_endian(elf)))
		elf->base.platform.os = WB_OS_LINUX;
	/* Go's linker, ELF_NOTE_GOBUILDID_TAG: the name has its padding counted in. */
	if (name_size == 4 && !memcmp(name, "Go\0", 4) && type == NT_GO_BUILD_ID)
		elf->base.is_go = true;
	if (is_named(name, name_size, "Android") && type == NT_ANDROID_IDENT)
		elf->base.platform.os = WB_OS_LINUX;
}

static bool skip_padding(struct wb_bytes *b, size_t align)
{
	size_t past = wb_bytes_offset(b) & (align - 1);

	/* The last note may lack its padding. */
	if (past && wb_bytes_left(b) < align - past)
		return false;
	return !past || wb_bytes_skip(b, align - past);
}

/* Notes of 64-bit files have 4-byte fields too; only their alignment is 8 for some (GNU properties). Each round consumes 12 bytes at least. */
static void read_notes(struct elf *elf, const struct wb_piece *piece, uint64_t align)
{
	struct wb_bytes b = elf_bytes(elf, piece);

	align = align == 8 ? 8 : 4;
	while (!wb_bytes_at_end(&b)) {
		uint32_t name_size = wb_bytes_u32(&b), desc_size = wb_bytes_u32(&b), type = wb_bytes_u32(&b);
		const uint8_t *name = wb_bytes_take(&b, name_size), *desc;

		if (!name)
			return;
		skip_padding(&b, align);
		desc = wb_bytes_take(&b, desc_size);
		if (!desc)
			return;
		use_note(elf, type, name, name_size, desc, desc_size);
		if (!skip_padding(&b, align))
			return;
	}
}

/* Reads notes at a place of the file, and keeps their bytes if the build id is among them. */
static enum wb_err read_notes_at(struct elf *elf, uint64_t offset, uint64_t size, uint64_t align, uint64_t *left)
{
	bool had_id = elf->base.build_id;
	struct wb_piece piece;
	enum wb_err err;

	if (!size || size > NOTES_SIZE_MAX || size > *left)
		return WB_OK;
	*left -= size;
	err = wb_file_piece(elf->base.file, offset, size, &piece);
	/* Notes outside of the file: there are none. */
	if (err)
		return err == WB_ERR_DATA ? WB_OK : err;
	read_notes(elf, &piece, align);
	if (!had_id && elf->base.build_id)
		elf->note = piece;
	else
		wb_piece_deinit(&piece);
	return WB_OK;
}

/* Sections first: program headers of separate debug files are copies of the stripped file's and may point anywhere. */
enum wb_err wb_elf_read_notes(struct elf *elf)
{
	uint64_t left = NOTES_TOTAL_MAX;
	enum wb_err err = WB_OK;

	for (size_t i = 0; !err && i < elf->base.num_sections; i++) {
		const struct wb_section *section = &elf->sections[i];

		if (elf->headers[i].type == ELF_SHT_NOTE && (section->flags & WB_SECTION_ALLOC || elf->base.relocatable))
			err = read_notes_at(elf, section->offset, section->file_size, elf->headers[i].addralign, &left);
	}
	for (uint32_t i = 0; !err && i < elf->phnum && !elf->base.build_id; i++) {
		const struct elf_segment *segment = &elf->program[i];

		if (segment->type == ELF_PT_NOTE)
			err = read_notes_at(elf, segment->offset, segment->filesz, segment->align, &left);
	}
	return err;
}

/* ---- Links to other files ------------------------------------------------------------------------------------------- */

/* The bytes of a small section; WB_NONE if there is none, or none that can be. */
static enum wb_err read_small(struct elf *elf, const char *name, struct wb_piece *ret_piece)
{
	size_t index;
	enum wb_err err;

	if (!wb_elf_find(elf, name, &index) || elf->sections[index].flags & WB_SECTION_NOBITS || !elf->sections[index].size)
		return WB_NONE;
	if (elf->sections[index].file_size > LINK_SIZE_MAX) {
		wb_elf_report(elf, WB_OK, WB_DIAG_SECTION_MALFORMED, name, 0, "longer than a file name");
		return WB_NONE;
	}
	err = wb_elf_read_section(&elf->base, index, ret_piece);
	return err == WB_ERR_DATA || err == WB_ERR_UNSUPPORTED || err == WB_ERR_LIMIT ? WB_NONE : err;
}

/* A name, padding to 4 bytes, and the CRC-32 of the file. */
static void use_debuglink(struct elf *elf)
{
	struct wb_bytes b = elf_bytes(elf, &elf->debuglink);
	const char *name = wb_bytes_string(&b);
	uint32_t crc;

	skip_padding(&b, 4);
	crc = wb_bytes_u32(&b);
	if (wb_bytes_failed(&b) || !*name) {
		wb_elf_report(elf, WB_OK, WB_DIAG_SECTION_MALFORMED, ".gnu_debuglink", 0, "neither a name nor a CRC");
		return;
	}
	elf->base.debuglink = name;
	elf->base.debuglink_crc = crc;
}

/* A name, and the build id of the file. */
static void use_altlink(struct elf *elf)
{
	struct wb_bytes b = elf_bytes(elf, &elf->altlink);
	const char *name = wb_bytes_string(&b);
	size_t size = wb_bytes_left(&b);

	if (wb_bytes_failed(&b) || !*name || size > BUILD_ID_MAX) {
		wb_elf_report(elf, WB_OK, WB_DIAG_SECTION_MALFORMED, ".gnu_debugaltlink", 0, "neither a name nor a build id");
		return;
	}
	elf->base.altlink = name;
	elf->base.altlink_id_size = size;
	elf->base.altlink_id = wb_bytes_take(&b, size);
}

/* A version, whether this is the supplementary file itself, the name of that file, and a checksum that both have. It serves as a build id:
 * dwz gives such files no other. */
static void use_sup(struct elf *elf)
{
	struct wb_bytes b = elf_bytes(elf, &elf->altlink);
	uint16_t version = wb_bytes_u16(&b);
	uint8_t is_supplementary = wb_bytes_u8(&b);
	const char *name = wb_bytes_string(&b);
	uint64_t size = wb_bytes_uleb(&b);
	const uint8_t *id = size > 0 && size <= BUILD_ID_MAX ? wb_bytes_take(&b, (size_t)size) : NULL;

	if (!name || !id || is_supplementary > 1 || (!is_supplementary && !*name)) {
		wb_elf_report(elf, WB_OK, WB_DIAG_SECTION_MALFORMED, ".debug_sup", 0, "neither a name nor a checksum");
		return;
	}
	if (version != 5)
		return;
	if (!is_supplementary) {
		elf->base.altlink = name;
		elf->base.altlink_id_size = (size_t)size;
		elf->base.altlink_id = id;
	} else if (!elf->base.build_id) {
		elf->base.build_id = id;
		elf->base.build_id_size = (size_t)size;
	}
}

enum wb_err wb_elf_read_links(struct elf *elf)
{
	enum wb_err err = read_small(elf, ".gnu_debuglink", &elf->debuglink);

	if (!err)
		use_debuglink(elf);
	if (err < 0)
		return err;
	err = read_small(elf, ".gnu_debugaltlink", &elf->altlink);
	if (!err)
		use_altlink(elf);
	if (err != WB_NONE)
		return err;
	err = read_small(elf, ".debug_sup", &elf->altlink);
	if (!err)
		use_sup(elf);
	return err < 0 ? err : WB_OK;
}
