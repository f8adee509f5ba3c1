/* SPDX-License-Identifier: MIT */
/*
 * The debug map of an image: debug information that the linker left in the object files (Mach-O without a dSYM bundle). It says which function is from which
 * object file; the function's symbol there says where in that file's debug information it is. An object file is opened when one of its functions is asked
 * about, at most once. Any thread.
 */
#ifndef SYMBOLS_DEBUG_MAP_H
#define SYMBOLS_DEBUG_MAP_H

#include "model/image.h"

struct wb_dwarf;

struct wb_debug_map_hit {
	struct wb_dwarf *dwarf;       /* of the object file; lives as long as the image */
	uint64_t shift;               /* image pc - pc in the object file */
};

/* WB_NONE: the image has no debug map, or none of its functions is there, or the object file is not had; for that *ret_is_missing says true, and the
 * verdict on WB_FILE_DWO why. Otherwise it is false. */
enum wb_err wb_debug_map_find(struct wb_image *image, uint64_t image_pc, struct wb_debug_map_hit *ret_hit, bool *ret_is_missing);

#endif
