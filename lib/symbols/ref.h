/* SPDX-License-Identifier: MIT */
/*
 * References to strings in debug sections: 64 bits that say in which of an image's debug files, in which section and at which offset a string
 * starts. Tables keep these instead of pointers; texts are made of them for answers only.
 */
#ifndef SYMBOLS_REF_H
#define SYMBOLS_REF_H

#include "symbols/dwarf_unit.h"

static const uint64_t WB_REF_NONE = UINT64_MAX;

/* A reference to what starts at an offset of a section, whether it is a string or not; WB_REF_NONE past the section's end. */
uint64_t wb_ref_at(const struct wb_dwarf_sections *sections, enum wb_dwarf_section section, uint64_t offset);
/* A reference to the string at `text`, which ends inside one of the sections, the supplementary file's included; WB_REF_NONE if it does not,
 * is too long, or is NULL. */
uint64_t wb_ref_of(const struct wb_dwarf_sections *sections, const char *text);
/* A reference to a string attribute's text, which is not looked at; WB_REF_NONE if it is not had (supplementary file, broken offset). */
uint64_t wb_ref_of_value(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, const struct wb_unit_root *root,
                         const struct wb_form_value *value);
/* A reference to an entry, at an offset of .debug_info: where a name is told, in place of the name (symbols/dwarf_name.h). */
uint64_t wb_ref_of_entry(const struct wb_dwarf_sections *sections, uint64_t offset);
/* False: it refers to a string, or to nothing. */
bool wb_ref_is_entry(uint64_t ref, uint32_t *ret_file, uint64_t *ret_offset);
/* sections: of the image's own debug file, whatever file the reference is into. Lives as long as they do. NULL for WB_REF_NONE, and for what
 * is too long or does not end inside its section. */
const char *wb_ref_text(const struct wb_dwarf_sections *sections, uint64_t ref);

#endif
