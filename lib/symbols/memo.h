/* SPDX-License-Identifier: MIT */
/*
 * What a symbolizer remembers: the answer for each address that it was asked about, and the strings in answers, each demangled (or mapped)
 * once. Answers hold copies, so nothing else is kept alive by them. All of it is dropped together when it is too large.
 */
#ifndef SYMBOLS_MEMO_H
#define SYMBOLS_MEMO_H

#include <walkback/symbolize.h>

#include <stdbool.h>

enum wb_memo_kind { WB_MEMO_NAME, WB_MEMO_PATH };
struct wb_memo_string {
	const char *raw;
	const char *text;             /* as shown: demangled name, mapped path; NULL until wb_memo_set_text */
	uint64_t hash;
	uint8_t kind;                 /* enum wb_memo_kind */
};

struct wb_memo_answer {
	uint64_t image_id, pc;
	const struct wb_site *sites;  /* NULL: a free place */
	uint32_t count;
	uint32_t missed;              /* 1 + enum wb_file_role of the file that would have told more; 0: none */
};

struct wb_memo {
	struct wb_session *session;
	uint64_t limit, charged;      /* bytes */
	bool is_full;
	struct wb_memo_chunk *chunks;
	size_t chunk_used, chunk_size;
	struct wb_memo_answer *answers; /* open addressing, a power of two */
	size_t answers_capacity, num_answers;
	struct wb_memo_string **strings; /* open addressing, a power of two */
	size_t strings_capacity, num_strings;
};

/* limit: bytes to keep at most, rounded up to one answer. The session's budget counts too. */
void wb_memo_init(struct wb_memo *memo, struct wb_session *session, uint64_t limit);
void wb_memo_deinit(struct wb_memo *memo);
/* Drops everything if the limit or the session's budget was reached; answers given before are gone then. */
void wb_memo_make_room(struct wb_memo *memo);

/* The place of raw (copied on first sight). Lives until the memo is emptied. */
enum wb_err wb_memo_string(struct wb_memo *memo, enum wb_memo_kind kind, const char *raw, struct wb_memo_string **ret_string);
/* text is copied. */
enum wb_err wb_memo_set_text(struct wb_memo *memo, struct wb_memo_string *string, const char *text);

static inline uint64_t wb_memo_hash(uint64_t image_id, uint64_t pc)
{
	return (pc ^ image_id * UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xff51afd7ed558ccd);
}
/* The answer, or NULL. */
static inline const struct wb_memo_answer *wb_memo_find(const struct wb_memo *memo, uint64_t image_id, uint64_t pc)
{
	size_t mask = memo->answers_capacity - 1;

	if (memo->answers_capacity == 0)
		return NULL;
	for (size_t at = (size_t)(wb_memo_hash(image_id, pc) >> 32) & mask; memo->answers[at].sites; at = (at + 1) & mask)
		if (memo->answers[at].pc == pc && memo->answers[at].image_id == image_id)
			return &memo->answers[at];
	return NULL;
}
/* Keeps a copy of the sites for an address that is not there yet. */
enum wb_err wb_memo_store(struct wb_memo *memo, const struct wb_memo_answer *answer, const struct wb_memo_answer **ret_answer);

#endif
