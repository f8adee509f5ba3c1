/* SPDX-License-Identifier: MIT */
/* Whether a file that a finder offers is the one that is wanted. Nothing that does not match names frames. */
#ifndef MODEL_VERIFY_H
#define MODEL_VERIFY_H

#include "model/object.h"
#include "model/refusals.h"

/* What is known about the file before it is seen. */
struct wb_wants {
	enum wb_file_role role;
	struct wb_platform platform;  /* arch WB_ARCH_UNKNOWN: any */
	const uint8_t *build_id;      /* NULL if unknown */
	size_t build_id_size;
	bool has_crc;                 /* .gnu_debuglink said what the file's CRC-32 is */
	uint32_t crc;
	const char *member;           /* of an archive; NULL: of none */
	uint64_t modified;            /* DWO: seconds since 1970; 0 unknown */
	const char *debug_id;         /* SYMBOLS: of the image; "" if unknown */
};

/* Equal, or equal but for a tail of zeros: old perf records pad ids to 20 bytes and do not say how long they were. Or the first 16 bytes: minidumps
 * that have ids as GUIDs keep no more. */
bool wb_build_id_matches(const uint8_t *wanted, size_t wanted_size, const uint8_t *had, size_t had_size);
/* Whether an image of this platform may have a file of that one: i386 code runs in x86-64 processes, arm code in aarch64 ones. */
bool wb_platform_fits(const struct wb_platform *wanted, const struct wb_platform *had);
/* CRC-32 of a whole file (ISO 3309, as .gnu_debuglink uses it). */
enum wb_err wb_file_crc32(struct wb_file *file, uint32_t *ret_crc);

struct wb_judgement {
	enum wb_verdict verdict;
	bool use;                     /* whether to use the file */
	char reason[WB_REFUSAL_REASON_SIZE]; /* why not, in words; "" if there is nothing to say */
};

/* The verdict on an object, with a diagnostic where it is not "matched". WB_OK, or the error of reading it. */
enum wb_err wb_verify(const struct wb_wants *wants, struct wb_object *object, const struct wb_candidate *candidate, bool trust_unverified,
                      struct wb_judgement *ret_judgement);

#endif
