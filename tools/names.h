/* SPDX-License-Identifier: MIT */
/* A place in code as people read it: "main.run+0x4c (run.go:12), inlined main.step", and as members of an object of JSON. */
#ifndef TOOLS_NAMES_H
#define TOOLS_NAMES_H

#include <walkback/walkback.h>

#include "buffer.h"

/* Appends what sites, innermost first, say of image_pc. */
void wb_names_text(struct wb_buffer *buffer, const struct wb_site *sites, size_t count, uint64_t image_pc);
/* Appends `,"function":...,"offset":...,"file":...,"line":...,"inlined":[...]`: what is unknown is left out. */
void wb_names_json(struct wb_buffer *buffer, const struct wb_site *sites, size_t count, uint64_t image_pc);

/* The same for an address of a process, and of a frame; what has no name is named after its file. */
void wb_names_address(struct wb_buffer *buffer, struct wb_symbolizer *symbolizer, struct wb_space *space, uint64_t address, enum wb_pc_kind kind,
                      bool json);
void wb_names_frame(struct wb_buffer *buffer, struct wb_symbolizer *symbolizer, const struct wb_frame *frame, bool json);
/* And of an image. */
void wb_names_image(struct wb_buffer *buffer, struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc, bool json);

#endif
