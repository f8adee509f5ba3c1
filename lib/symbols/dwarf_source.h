/* SPDX-License-Identifier: MIT */
/*
 * A unit as a compiler reads it, whichever of the image's files it is in, and where its references to other entries lead. Compilers know
 * neither skeletons nor packages nor dwz.
 */
#ifndef SYMBOLS_DWARF_SOURCE_H
#define SYMBOLS_DWARF_SOURCE_H

#include "symbols/dwarf_unit.h"

struct wb_dwarf;

struct wb_unit_source {
	struct wb_dwarf *dwarf;       /* the file it is in */
	size_t unit;
	const struct wb_unit_header *header; /* lives as long as dwarf */
	struct wb_dwarf_sections sections; /* as the unit sees them */
	struct wb_unit_root root;     /* of a split unit: with what its skeleton says about addresses and ranges */
};
/* WB_ERR_DATA, WB_ERR_UNSUPPORTED: the unit's first entry cannot be read. */
enum wb_err wb_unit_source_init(struct wb_unit_source *source, struct wb_dwarf *dwarf, size_t unit);
/* The split unit that belongs to a skeleton. WB_NONE: its file is not had, or is of another build. */
enum wb_err wb_unit_source_split(const struct wb_unit_source *skeleton, struct wb_unit_source *ret_split);

/* Where an entry is. */
struct wb_entry_place {
	struct wb_dwarf *dwarf;
	size_t unit;
	uint64_t offset;              /* into the file's .debug_info */
};
/* What a reference in the unit names, which need not be an entry's start. WB_NONE: it is not a reference, names nothing, or its file is not
 * had. */
enum wb_err wb_unit_resolve(const struct wb_unit_source *source, const struct wb_form_value *value, struct wb_entry_place *ret_place);

#endif
