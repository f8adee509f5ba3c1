/* SPDX-License-Identifier: MIT */
/*
 * Sections of Mach-O files: their bytes, decompressed where Go's linker has packed them (as ELF's .zdebug sections are), and relocated in relocatable
 * files, where only addresses are left to the linker: references between debug sections are offsets already.
 */
#include "formats/image_macho.h"

#include "base/inflate.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum {
	PACKED_HEADER_SIZE = 12,      /* "ZLIB", then the size that comes out, big-endian */
	ZLIB_RATIO_MAX = 1032,        /* deflate codes 258 bytes in 2 bits */
	RELOCATIONS_SIZE_MAX = 1 << 28,
	/* Relocation types are the machine's own; these two are the same on all that are 64 bits wide but for the second's number. */
	RELOC_UNSIGNED = 0, X86_64_RELOC_SUBTRACTOR = 5, ARM64_RELOC_SUBTRACTOR = 1,
};
static const uint32_t SCATTERED = 0x80000000;
static const uint64_t inflated_size_max = UINT64_C(4) << 30;

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
	if (err == WB_ERR_MEMORY)
		return err;
	return wb_macho_report(macho, err, err == WB_ERR_UNSUPPORTED ? WB_DIAG_SECTION_UNSUPPORTED : WB_DIAG_SECTION_MALFORMED,
	                       macho->sections[index].name, 0, text);
}

static enum wb_err unpack(struct macho *macho, size_t index, const struct wb_piece *stored, struct wb_piece *ret_piece)
{
	uint64_t size;
	uint8_t *out;
	enum wb_err err;

	if (stored->size < PACKED_HEADER_SIZE || !read_packed_size(stored->bytes, &size))
		return refuse(macho, index, WB_ERR_DATA, "its compression header is cut or unknown");
	if (size / ZLIB_RATIO_MAX > stored->size)
		return refuse(macho, index, WB_ERR_DATA, "says that more comes out than its bytes can hold");
	if (size > inflated_size_max || size > SIZE_MAX)
		return refuse(macho, index, WB_ERR_LIMIT, "more than 4 GiB would come out");
	out = wb_mem_alloc((size_t)size);
	if (!out)
		return WB_ERR_MEMORY;
	err = wb_inflate_zlib(stored->bytes + PACKED_HEADER_SIZE, stored->size - PACKED_HEADER_SIZE, out, (size_t)size);
	if (err) {
		wb_mem_free(out);
		return refuse(macho, index, err, err == WB_ERR_UNSUPPORTED ? "compressed by a codec that is not in this build" :
		              "its compressed bytes are damaged");
	}
	*ret_piece = (struct wb_piece){ out, (size_t)size, out };
	return WB_OK;
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
	enum wb_err err;

	if (!piece->owned) {
		piece->owned = wb_mem_dup(piece->bytes, piece->size);
		if (!piece->owned)
			return WB_ERR_MEMORY;
		piece->bytes = piece->owned;
	}
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

enum wb_err wb_macho_read_section(struct wb_object *object, size_t index, struct wb_piece *ret_piece)
{
	struct macho *macho = macho_of(object);
	const struct wb_section *section = &macho->sections[index];
	struct wb_piece piece, stored;
	enum wb_err err;

	if (section->flags & WB_SECTION_NOBITS)
		return WB_NONE;
	if (section->offset - macho->whole.offset > macho->whole.size ||
	    section->file_size > macho->whole.size - (section->offset - macho->whole.offset))
		return refuse(macho, index, WB_ERR_DATA, "lies outside of the file");
	err = wb_file_piece(macho->base.file, section->offset, section->file_size, &piece);
	if (err)
		return err == WB_ERR_DATA ? refuse(macho, index, err, "lies outside of the file") : err;
	if (section->flags & WB_SECTION_COMPRESSED) {
		stored = piece;
		err = unpack(macho, index, &stored, &piece);
		wb_piece_deinit(&stored);
	}
	if (!err && has_relocations(macho, index))
		err = relocate_piece(macho, index, &piece);
	if (err)
		return err;
	*ret_piece = piece;
	return WB_OK;
}
