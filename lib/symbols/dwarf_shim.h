/* SPDX-License-Identifier: MIT */
/*
 * The differences between libdwarf 20210528 (Debian 12) and 0.x to 2.x, in one place: how an object of ours is handed over and given back.
 * For dwarf_reference.c alone. 20210528 has no version macro.
 */
#ifndef SYMBOLS_DWARF_SHIM_H
#define SYMBOLS_DWARF_SHIM_H

#include "config.h"

#include WB_LIBDWARF_H

#include <stdint.h>

enum { WB_SHIM_PIECES_MAX = 8 };

struct wb_shim_piece { const char *name; const uint8_t *bytes; uint64_t size; };

#ifdef DW_LIBDWARF_VERSION_MAJOR
typedef Dwarf_Obj_Access_Interface_a wb_shim_interface;
typedef Dwarf_Obj_Access_Methods_a wb_shim_methods;
typedef Dwarf_Obj_Access_Section_a wb_shim_section;
typedef Dwarf_Small wb_shim_endian;
enum { WB_SHIM_KNOWS_3_BYTES = 1 };
enum { WB_SHIM_BIG = 1, WB_SHIM_LITTLE = 2 }; /* DW_END_big, DW_END_little: of dwarf.h, which is not needed otherwise */
#if DW_LIBDWARF_VERSION_MAJOR == 0 && DW_LIBDWARF_VERSION_MINOR < 7
typedef Dwarf_Half wb_shim_index;
#else
typedef Dwarf_Unsigned wb_shim_index;
#endif
#else
typedef Dwarf_Obj_Access_Interface wb_shim_interface;
typedef Dwarf_Obj_Access_Methods wb_shim_methods;
typedef Dwarf_Obj_Access_Section wb_shim_section;
typedef Dwarf_Endianness wb_shim_endian;
enum { WB_SHIM_KNOWS_3_BYTES = 0 }; /* it takes DW_FORM_strx3 and DW_FORM_addrx3 for four bytes large, and reads on one byte off */
enum { WB_SHIM_BIG = DW_OBJECT_MSB, WB_SHIM_LITTLE = DW_OBJECT_LSB };
typedef Dwarf_Half wb_shim_index;
#endif

/* What libdwarf sees as an object file. Piece 0 stays empty: ELF's section 0 is not a section, and libdwarf relies on that. */
struct wb_shim_object {
	struct wb_shim_piece pieces[WB_SHIM_PIECES_MAX];
	unsigned num_pieces;
	uint8_t big_endian, address_size;
	wb_shim_interface interface;  /* libdwarf keeps a pointer to it */
};

static inline int wb_shim_section_info(void *object, wb_shim_index index, wb_shim_section *section, int *error)
{
	const struct wb_shim_object *shim = (const struct wb_shim_object *)object;

	if (index >= shim->num_pieces) {
		*error = DW_DLE_SECTION_ERROR;
		return DW_DLV_ERROR;
	}
	*section = (wb_shim_section){ 0 };
#ifdef DW_LIBDWARF_VERSION_MAJOR
	section->as_name = shim->pieces[index].name;
	section->as_size = shim->pieces[index].size;
	section->as_type = index ? 1 : 0; /* SHT_PROGBITS */
#else
	section->name = shim->pieces[index].name;
	section->size = shim->pieces[index].size;
	section->type = index ? 1 : 0;
#endif
	return DW_DLV_OK;
}

static inline int wb_shim_load(void *object, wb_shim_index index, Dwarf_Small **ret_bytes, int *error)
{
	const struct wb_shim_object *shim = (const struct wb_shim_object *)object;

	if (index >= shim->num_pieces) {
		*error = DW_DLE_SECTION_ERROR;
		return DW_DLV_ERROR;
	}
	if (shim->pieces[index].size == 0)
		return DW_DLV_NO_ENTRY;
	*ret_bytes = (Dwarf_Small *)(uintptr_t)shim->pieces[index].bytes; /* libdwarf neither writes to them nor frees them */
	return DW_DLV_OK;
}

static inline wb_shim_endian wb_shim_byte_order(void *object)
{
	return ((const struct wb_shim_object *)object)->big_endian ? (wb_shim_endian)WB_SHIM_BIG : (wb_shim_endian)WB_SHIM_LITTLE;
}

static inline Dwarf_Small wb_shim_address_size(void *object)
{
	return ((const struct wb_shim_object *)object)->address_size;
}

static inline Dwarf_Unsigned wb_shim_num_sections(void *object)
{
	return ((const struct wb_shim_object *)object)->num_pieces;
}

#ifdef DW_LIBDWARF_VERSION_MAJOR
/* A sanity limit for libdwarf; only sizes above it make a difference. */
static inline Dwarf_Unsigned wb_shim_file_size(void *object)
{
	const struct wb_shim_object *shim = (const struct wb_shim_object *)object;
	Dwarf_Unsigned size = 0;

	for (unsigned i = 0; i < shim->num_pieces; i++)
		size += shim->pieces[i].size;
	return size;
}
#endif

/* error must not be NULL, here and in every call: libdwarf would print and abort(). */
static inline int wb_shim_init(struct wb_shim_object *object, Dwarf_Debug *ret_debug, Dwarf_Error *error)
{
	static const wb_shim_methods methods = {
#ifdef DW_LIBDWARF_VERSION_MAJOR
		.om_get_section_info = wb_shim_section_info, .om_get_byte_order = wb_shim_byte_order,
		.om_get_length_size = wb_shim_address_size, .om_get_pointer_size = wb_shim_address_size,
		.om_get_filesize = wb_shim_file_size, .om_get_section_count = wb_shim_num_sections, .om_load_section = wb_shim_load,
#else
		.get_section_info = wb_shim_section_info, .get_byte_order = wb_shim_byte_order, .get_length_size = wb_shim_address_size,
		.get_pointer_size = wb_shim_address_size, .get_section_count = wb_shim_num_sections, .load_section = wb_shim_load,
#endif
	};

#ifdef DW_LIBDWARF_VERSION_MAJOR
	object->interface.ai_object = object;
	object->interface.ai_methods = &methods;
#else
	object->interface.object = object;
	object->interface.methods = &methods;
#endif
	return dwarf_object_init_b(&object->interface, NULL, NULL, DW_GROUPNUMBER_ANY, ret_debug, error);
}

static inline void wb_shim_finish(Dwarf_Debug debug)
{
#ifdef DW_LIBDWARF_VERSION_MAJOR
	dwarf_object_finish(debug);
#else
	Dwarf_Error error = NULL;

	dwarf_object_finish(debug, &error);
#endif
}

#endif
