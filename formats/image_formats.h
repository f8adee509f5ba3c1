/* SPDX-License-Identifier: MIT */
/* The image formats of this folder, for registry.c. */
#ifndef FORMATS_IMAGE_FORMATS_H
#define FORMATS_IMAGE_FORMATS_H

#include "model/object.h"

extern const struct wb_image_format wb_image_format_breakpad;
extern const struct wb_image_format wb_image_format_elf;
extern const struct wb_image_format wb_image_format_kallsyms;
extern const struct wb_image_format wb_image_format_macho;
extern const struct wb_image_format wb_image_format_macho_archive;
extern const struct wb_image_format wb_image_format_macho_fat;
extern const struct wb_image_format wb_image_format_pe;
extern const struct wb_image_format wb_image_format_perf_map;
extern const struct wb_image_format wb_image_format_zip;

#endif
