/* SPDX-License-Identifier: MIT */
/*
 * The files that the debug information of an image is in: its own one (the main file), dwz's supplementary file, a package of split units, and
 * split units' files. Each is a wb_dwarf of its own, opened when something refers to it, at most once, and published for good. Any thread.
 *
 * Only the main file refers to others: a supplementary file of a supplementary one, or a split unit of a split one, is not looked for.
 */
#ifndef SYMBOLS_DWARF_FILES_H
#define SYMBOLS_DWARF_FILES_H

#include "symbols/dwarf_unit.h"

struct wb_dwarf;
struct wb_image;
struct wb_object;

/* Numbers of an image's debug files. From DWO on: the file of the split unit whose skeleton is unit (number - DWO) of the main file. */
enum wb_dwarf_file { WB_DWARF_FILE_MAIN, WB_DWARF_FILE_SUPPLEMENTARY, WB_DWARF_FILE_PACKAGE, WB_DWARF_FILE_DWO };
enum { WB_DWARF_FILES_MAX = 1 << 24 };

/* object: the main file's. Both live longer. */
enum wb_err wb_dwarf_files_new(struct wb_image *image, struct wb_object *object, struct wb_dwarf_files **ret_files);
/* NULL is fine. */
void wb_dwarf_files_free(struct wb_dwarf_files *files);

/* What an object of the image has of its own, without any further files; freed by the caller, before the image. WB_NONE: nothing. */
enum wb_err wb_dwarf_of_object(struct wb_image *image, struct wb_object *object, struct wb_dwarf **ret_dwarf);

/* The whole sections of a file that is open; NULL if it is not. files may be NULL. Takes no lock. */
const struct wb_dwarf_sections *wb_dwarf_files_sections(const struct wb_dwarf_files *files, uint32_t file);
/* The same file itself. */
struct wb_dwarf *wb_dwarf_files_dwarf(const struct wb_dwarf_files *files, uint32_t file);
/* dwz's file and its sections, opened on first need; NULL if there is none, or it is not had. files may be NULL. */
struct wb_dwarf *wb_dwarf_files_supplementary_dwarf(struct wb_dwarf_files *files);
const struct wb_dwarf_sections *wb_dwarf_files_supplementary(struct wb_dwarf_files *files);
/* The other half of a skeleton unit of the main file: the file it is in, and its unit there. WB_NONE: not had, or none that fits. */
enum wb_err wb_dwarf_files_split(struct wb_dwarf_files *files, struct wb_dwarf *main, size_t skeleton, const struct wb_unit_root *root,
                                 struct wb_dwarf **ret_dwarf, size_t *ret_unit);

#endif
