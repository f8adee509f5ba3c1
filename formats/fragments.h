/* SPDX-License-Identifier: MIT */
/*
 * Written-out pieces of frames, kept so that a frame that comes again costs a copy: what text and json store for a described frame, one
 * fragment per site. Numbers count up from 0 until wb_fragments_clear.
 */
#ifndef FORMATS_FRAGMENTS_H
#define FORMATS_FRAGMENTS_H

#include <walkback/base.h>

#include "formats/out.h"

struct wb_fragment {
	size_t offset, size;          /* in bytes */
	bool last;                    /* of its group */
};

struct wb_fragments {
	struct wb_out bytes;
	struct wb_fragment *items;
	size_t count, capacity;
};

void wb_fragments_deinit(struct wb_fragments *fragments);
void wb_fragments_clear(struct wb_fragments *fragments);
/* Takes what was written to `bytes` since the fragment before ended. */
enum wb_err wb_fragments_end(struct wb_fragments *fragments, bool last);

#endif
