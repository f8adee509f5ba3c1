/* SPDX-License-Identifier: MIT */
/*
 * Packed bytes that are unpacked from their start as far as somebody has asked for, by whoever asks: half of what a lookup in compressed debug
 * information costs is to unpack it, and one unit's end is all that it needs. Others go on with what is there in the meantime.
 *
 * A codec that only takes the whole unpacks all at the first question. Any thread.
 */
#ifndef BASE_UNPACK_H
#define BASE_UNPACK_H

#include "base/diag.h"
#include "base/file.h"
#include "base/inflate.h"

#include <stdatomic.h>

struct wb_unpack;

/* Where packed bytes are, and what comes out. */
struct wb_packed {
	enum wb_packing packing;
	struct wb_piece stored;       /* the packed bytes, from `skip` on */
	size_t skip;
	size_t size;                  /* bytes that come out */
	struct wb_file *file;         /* that stored is of, from offset on: what was unpacked is forgotten there; NULL: nothing is */
	uint64_t offset;
	struct wb_diags *diags;       /* who is told of damage; path and section for that, borrowed */
	const char *path, *section;
};
void wb_packed_deinit(struct wb_packed *packed);
/* Sets the size that a header says comes out of what is set already. WB_ERR_DATA, WB_ERR_LIMIT (reported): it cannot be, or is too much. */
enum wb_err wb_packed_set_size(struct wb_packed *packed, uint64_t size);

/* Takes packed, also on failure. Memory for all that comes out is set aside, but not touched. */
enum wb_err wb_unpack_new(struct wb_packed *packed, struct wb_unpack **ret_unpack);
/* NULL is fine. */
void wb_unpack_free(struct wb_unpack *unpack);

/* Where they come out; only those that were asked for may be looked at. */
const uint8_t *wb_unpack_bytes(const struct wb_unpack *unpack);
/* Has the first `end` bytes ready, all of them if there are not so many. WB_ERR_DATA: they are damaged before that, which was reported; what
 * comes out well of damaged bytes is the same for all questions in any order. */
enum wb_err wb_unpack_need(struct wb_unpack *unpack, uint64_t end);
/* Several threads will use what is ready before all of it is: from now on it comes in pieces, which takes a tenth longer than to have all at
 * once. True for the first who asks, who is to need all of it. */
bool wb_unpack_share(struct wb_unpack *unpack);
/* What a thread that follows can do for the one that unpacks: has the memory ready that is read and written next. */
void wb_unpack_help(struct wb_unpack *unpack);
/* All of it at once, in memory of the caller's. Takes packed, also on failure. */
enum wb_err wb_unpack_all(struct wb_packed *packed, struct wb_piece *ret_piece);

#endif
