/* SPDX-License-Identifier: MIT */
/* Names, lines and inlined calls by Breakpad's symbol files. */
#ifndef SYMBOLS_BREAKPAD_H
#define SYMBOLS_BREAKPAD_H

#include "model/breakpad_sym.h"
#include "symbols/symbolizer.h"

/* Adds the sites of an image pc, innermost first; WB_NONE: the image has no such file, or that does not know the address. */
enum wb_err wb_breakpad_sites(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc);

#endif
