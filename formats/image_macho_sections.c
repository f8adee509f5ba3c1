/* SPDX-License-Identifier: MIT */
/*
 * Sections of Mach-O files: their bytes, decompressed where Go's linker has packed them (as ELF's .zdebug sections are), and relocated in relocatable
 * files, where only addresses are left to the linker: references between debug sections are offsets already.
 */
#include "formats/image_macho.h"

#include "base/mem.h"
#include "base/unpack.h"

#include <stdio.h>
#include <string.h>

enum {
	PACKED_HEADER_SIZE = 12,      /* "ZLIB", then the size that comes out, big-endian */
	RELOCATIONS_SIZE_MAX = 1 << 28,
	/* Relocation types are the machine's own; these two are the same on all that are 64 bits wide but for the second's number. */
	RELOC_UNSIGNED = 0, X86_64_RELOC_SUBTRACTOR = 5, ARM64_RELOC_SUBTRACTOR = 1,
};
static const uint32_t SCATTERED = 0x80000000;

/* ---- Packed sections ---------------------------------------------------------------------------------------------------- */

static bool read_packed_size(const uint8_t *header, uint64_t *ret_size)
{
	if (memcmp(header, "ZLIB", 4))
		return false;
	*ret_size = wb_load64(header + 4, true);
	return true;
}

void wb_macho_measure_compressed(struct macho *macho, size_t index)
{
	struct wb_section *section = &macho->sections[index];
	uint8_t header[PACKED_HEADER_SIZE];

	if (section->flags & WB_SECTION_NOBITS)
		return;
	section->flags |= WB_SECTION_COMPRESSED;
	/* Damage shows again, and is reported, when the section is read: until then its size is the stored one. */
	if (section->file_size >= sizeof(header) && wb_file_read(macho->base.file, section->offset, header, sizeof(header)) == WB_OK)
		read_packed_size(header, &section->size);
}

static enum wb_err refuse(struct macho *macho, size_t index, enum wb_err err, const char *text)
{
	return wb_macho_report(macho, err, WB_DIAG_SECTION_MALFORMED, macho->sections[index].name, 0, text);
}

/* The stored bytes of a section. */
static enum wb_err read_stored(struct macho *macho, size_t index, struct wb_piece *ret_piece)
{
	const struct wb_section *section = &macho->sections[index];
	uint64_t start = section->offset - macho->whole.offset;
	enum wb_err err = WB_ERR_DATA;

	if (start <= macho->whole.size && section->file_size <= macho->whole.size - start)
		err = wb_file_piece(macho->base.file, section->offset, section->file_size, ret_piece);
	return err == WB_ERR_DATA ? refuse(macho, index, err, "lies outside of the file") : err;
}

static enum wb_err open_packed(struct macho *macho, size_t index, struct wb_packed *ret_packed)
{
	struct wb_packed packed = { .packing = WB_PACKING_ZLIB, .skip = PACKED_HEADER_SIZE, .file = macho->base.file,
	                            .offset = macho->sections[index].offset, .diags = macho->base.diags, .path = macho->base.path,
	                            .section = macho->sections[index].name };
	uint64_t size;
	enum wb_err err = read_stored(macho, index, &packed.stored);

	if (err)
		return err;
	if (packed.stored.size < PACKED_HEADER_SIZE || !read_packed_size(packed.stored.bytes, &size))
		err = refuse(macho, index, WB_ERR_DATA, "its compression header is cut or unknown");
	else
		err = wb_packed_set_size(&packed, size);
	if (err) {
		wb_packed_deinit(&packed);
		return err;
	}
	*ret_packed = packed;
	return WB_OK;
}

static enum wb_err unpack_section(struct macho *macho, size_t index, struct wb_piece *ret_piece)
{
	struct wb_packed packed;
	enum wb_err err = open_packed(macho, index, &packed);

	return err ? err : wb_unpack_all(&packed, ret_piece);
}

/* ---- Relocations -------------------------------------------------------------------------------------------------------- */

/* struct relocation_info, whose bit fields are packed from the low end in little-endian files. */
struct relocation { uint32_t offset, symbol; uint8_t size_log2, type; bool is_extern; };

static struct relocation read_relocation(struct wb_bytes *b)
{
	struct relocation relocation = { .offset = wb_bytes_u32(b) };
	uint32_t bits = wb_bytes_u32(b);

	if (b->big_endian) {
		relocation.symbol = bits >> 8;
		relocation.size_log2 = bits >> 5 & 3;
		relocation.is_extern = bits >> 4 & 1;
		relocation.type = bits & 15;
		return relocation;
	}
	relocation.symbol = bits & 0xffffff;
	relocation.size_log2 = bits >> 25 & 3;
	relocation.is_extern = bits >> 27 & 1;
	relocation.type = (uint8_t)(bits >> 28);
	return relocation;
}

struct target {
	struct macho *macho;
	const char *section;
	uint8_t *bytes;
	size_t size;
	struct wb_piece symbols;
	uint64_t subtracted;          /* by the relocation before, of the same place */
};

static bool is_subtractor(const struct macho *macho, const struct relocation *relocation)
{
	return relocation->type == (macho->cpu == MACHO_CPU_ARM64 ? ARM64_RELOC_SUBTRACTOR : X86_64_RELOC_SUBTRACTOR);
}

static bool symbol_value(const struct target *target, uint32_t index, uint64_t *ret_value)
{
	struct wb_bytes b = macho_bytes(target->macho, &target->symbols);

	wb_bytes_skip(&b, (uint64_t)index * wb_macho_symbol_size(target->macho));
	*ret_value = wb_macho_read_symbol(target->macho, &b).value;
	return !wb_bytes_failed(&b);
}

/* Adds what the linker would. What names a section is relative to addresses that the file has already. */
static bool apply(struct target *target, const struct relocation *relocation)
{
	unsigned size = 1u << relocation->size_log2;
	bool big_endian = target->macho->base.platform.big_endian;
	uint64_t value = 0, there;

	/* "Scattered" ones of 32 bits are between sections of this file, whose addresses are there already. */
	if (!target->macho->is_64 && relocation->offset & SCATTERED)
		return true;
	if (relocation->is_extern && !symbol_value(target, relocation->symbol, &value))
		return false;
	if (is_subtractor(target->macho, relocation)) {
		target->subtracted = value;
		return true;
	}
	value -= target->subtracted;
	target->subtracted = 0;
	if (relocation->type != RELOC_UNSIGNED || size < 4 || relocation->offset > target->size || target->size - relocation->offset < size)
		return false;
	there = size == 8 ? wb_load64(target->bytes + relocation->offset, big_endian) : wb_load32(target->bytes + relocation->offset, big_endian);
	value += there;
	for (unsigned i = 0; i < size; i++)
		target->bytes[relocation->offset + (big_endian ? size - 1 - i : i)] = (uint8_t)(value >> 8 * i);
	return true;
}

static enum wb_err relocate(struct macho *macho, size_t index, uint8_t *bytes, size_t size)
{
	struct target target = { .macho = macho, .section = macho->sections[index].name, .bytes = bytes, .size = size };
	struct wb_piece relocations;
	struct wb_bytes b;
	enum wb_err err;

	if (macho->headers[index].relocations.size > RELOCATIONS_SIZE_MAX)
		return refuse(macho, index, WB_ERR_LIMIT, "more relocations than any file has");
	err = wb_macho_piece(macho, macho->headers[index].relocations, target.section, &relocations);
	if (err)
		return err;
	err = wb_macho_piece(macho, macho->symbols, "symbols", &target.symbols);
	b = macho_bytes(macho, &relocations);
	/* Each round consumes 8 bytes. */
	while (!err && wb_bytes_left(&b) >= 8) {
		size_t at = wb_bytes_offset(&b);
		struct relocation relocation = read_relocation(&b);

		if (!apply(&target, &relocation))
			wb_diag_report(macho->base.diags, WB_OK, WB_DIAG_SECTION_MALFORMED, macho->base.path, target.section, at,
			               "relocation of type %u cannot be applied", (unsigned)relocation.type);
	}
	if (!err)
		wb_piece_deinit(&target.symbols);
	wb_piece_deinit(&relocations);
	return err;
}

/* Relocating writes: into a copy, unless the piece is one already. */
static enum wb_err relocate_piece(struct macho *macho, size_t index, struct wb_piece *piece)
{
	enum wb_err err = wb_piece_own(piece);

	if (!err)
		err = relocate(macho, index, piece->owned, piece->size);
	if (err)
		wb_piece_deinit(piece);
	return err;
}

/* ---- All of them ---------------------------------------------------------------------------------------------------------- */

static bool has_relocations(const struct macho *macho, size_t index)
{
	return macho->base.relocatable && index < macho->num_headers && macho->headers[index].relocations.size &&
	       !(macho->sections[index].flags & WB_SECTION_EXEC);
}

static bool is_packed(const struct macho *macho, size_t index)
{
	return (macho->sections[index].flags & (WB_SECTION_COMPRESSED | WB_SECTION_NOBITS)) == WB_SECTION_COMPRESSED;
}

enum wb_err wb_macho_read_packed(struct wb_object *object, size_t index, struct wb_packed *ret_packed)
{
	struct macho *macho = macho_of(object);

	return is_packed(macho, index) && !has_relocations(macho, index) ? open_packed(macho, index, ret_packed) : WB_NONE;
}

enum wb_err wb_macho_read_section(struct wb_object *object, size_t index, struct wb_piece *ret_piece)
{
	struct macho *macho = macho_of(object);
	struct wb_piece piece;
	enum wb_err err;

	if (macho->sections[index].flags & WB_SECTION_NOBITS)
		return WB_NONE;
	err = is_packed(macho, index) ? unpack_section(macho, index, &piece) : read_stored(macho, index, &piece);
	if (!err && has_relocations(macho, index))
		err = relocate_piece(macho, index, &piece);
	if (err)
		return err;
	*ret_piece = piece;
	return WB_OK;
}
