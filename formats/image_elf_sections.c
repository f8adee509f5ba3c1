/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a section as the library wants them: decompressed (SHF_COMPRESSED with zlib or zstd, and the older .zdebug_*) and, in
 * relocatable files, relocated.
 */
#include "formats/image_elf.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/unpack.h"

#include <stdio.h>
#include <string.h>

enum { ZDEBUG_HEADER_SIZE = 12 };      /* "ZLIB" and the size, big-endian */

/* What a compression header says. */
struct packing { uint32_t type; uint64_t size; size_t header_size; };

/* Elf32_Chdr and Elf64_Chdr (gABI, "Section Compression"), read byte by byte: producers place them unaligned. */
static bool read_packing(const struct elf *elf, size_t index, const struct wb_piece *stored, struct packing *ret_packing)
{
	struct wb_bytes b = elf_bytes(elf, stored);
	struct packing packing = { 0 };

	if (elf->headers[index].flags & ELF_SHF_COMPRESSED) {
		packing.type = wb_bytes_u32(&b);
		if (elf->is_64)
			wb_bytes_u32(&b);     /* ch_reserved */
		packing.size = elf_word(elf, &b);
		elf_word(elf, &b);            /* ch_addralign */
	} else {
		const uint8_t *magic = wb_bytes_take(&b, 4);

		if (!magic || memcmp(magic, "ZLIB", 4))
			return false;
		b.big_endian = true;
		packing.type = ELF_COMPRESS_ZLIB;
		packing.size = wb_bytes_u64(&b);
	}
	packing.header_size = wb_bytes_offset(&b);
	if (wb_bytes_failed(&b))
		return false;
	*ret_packing = packing;
	return true;
}

void wb_elf_measure_compressed(struct elf *elf, size_t index)
{
	struct wb_section *section = &elf->sections[index];
	size_t header_size = !(elf->headers[index].flags & ELF_SHF_COMPRESSED) ? ZDEBUG_HEADER_SIZE : elf->is_64 ? 24 : 12;
	struct wb_piece header;
	struct packing packing = { 0 };

	if (section->flags & WB_SECTION_NOBITS)
		return;
	section->flags |= WB_SECTION_COMPRESSED;
	/* Damage shows again, and is reported, when the section is read: until then its size is the stored one. */
	if (section->file_size < header_size || wb_file_piece(elf->base.file, section->offset, header_size, &header))
		return;
	if (read_packing(elf, index, &header, &packing))
		section->size = packing.size;
	wb_piece_deinit(&header);
}

/* The stored bytes of a compressed section, and what they say comes out. */
static enum wb_err open_packed(struct elf *elf, size_t index, struct wb_packed *ret_packed)
{
	struct wb_packed packed = { .file = elf->base.file, .offset = elf->sections[index].offset, .diags = elf->base.diags,
	                            .path = elf->base.path, .section = elf->sections[index].name };
	struct packing packing = { 0 };
	enum wb_err err = wb_elf_stored(elf, index, &packed.stored);

	if (err)
		return err;
	if (!read_packing(elf, index, &packed.stored, &packing))
		err = wb_elf_report(elf, WB_ERR_DATA, WB_DIAG_SECTION_MALFORMED, packed.section, 0, "its compression header is cut or unknown");
	else if (packing.type != ELF_COMPRESS_ZLIB && packing.type != ELF_COMPRESS_ZSTD)
		err = wb_elf_report(elf, WB_ERR_UNSUPPORTED, WB_DIAG_SECTION_UNSUPPORTED, packed.section, 0, "compressed in a way that is not known");
	if (!err) {
		packed.packing = packing.type == ELF_COMPRESS_ZSTD ? WB_PACKING_ZSTD : WB_PACKING_ZLIB;
		packed.skip = packing.header_size;
		err = wb_packed_set_size(&packed, packing.size);
	}
	if (err) {
		wb_packed_deinit(&packed);
		return err;
	}
	*ret_packed = packed;
	return WB_OK;
}

static bool is_packed(const struct elf *elf, size_t index)
{
	return elf->sections[index].flags & WB_SECTION_COMPRESSED;
}

enum wb_err wb_elf_read_packed(struct wb_object *object, size_t index, struct wb_packed *ret_packed)
{
	struct elf *elf = elf_of(object);

	return is_packed(elf, index) && !wb_elf_has_relocations(elf, index) ? open_packed(elf, index, ret_packed) : WB_NONE;
}

static enum wb_err unpack_section(struct elf *elf, size_t index, struct wb_piece *ret_piece)
{
	struct wb_packed packed;
	enum wb_err err = open_packed(elf, index, &packed);

	return err ? err : wb_unpack_all(&packed, ret_piece);
}

/* Relocating writes: into a copy, unless the piece is one already. */
static enum wb_err relocate(struct elf *elf, size_t index, struct wb_piece *piece)
{
	enum wb_err err = wb_piece_own(piece);

	if (!err)
		err = wb_elf_relocate(elf, index, piece->owned, piece->size);
	if (err)
		wb_piece_deinit(piece);
	return err;
}

enum wb_err wb_elf_read_section(struct wb_object *object, size_t index, struct wb_piece *ret_piece)
{
	struct elf *elf = elf_of(object);
	struct wb_piece piece;
	enum wb_err err = is_packed(elf, index) ? unpack_section(elf, index, &piece) : wb_elf_stored(elf, index, &piece);

	if (!err && wb_elf_has_relocations(elf, index))
		err = relocate(elf, index, &piece);
	if (err)
		return err;
	*ret_piece = piece;
	return WB_OK;
}
