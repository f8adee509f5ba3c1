/* SPDX-License-Identifier: MIT */
/* A table of answers by place, of one walker: a newer one takes the place of an older. */
#include "unwind/code_memo.h"

#include "base/mem.h"

enum { ITEMS = 512 };                /* a power of two: a program has some hundred places without unwind information that it often stands at */

struct wb_code_memo {
	uint64_t generation;          /* answers of another one are forgotten */
	struct item {
		uint64_t generation, image_id, image_pc;
		bool exact;
		uint8_t question;
		struct wb_code_answer answer;
	} items[ITEMS];
};

struct wb_code_memo *wb_code_memo_new(void)
{
	struct wb_code_memo *memo = wb_mem_zalloc(1, sizeof(*memo));

	if (memo)
		memo->generation = 1;
	return memo;
}

void wb_code_memo_free(struct wb_code_memo *memo)
{
	wb_mem_free(memo);
}

void wb_code_memo_clear(struct wb_code_memo *memo)
{
	memo->generation++;
}

static struct item *place(const struct wb_lookup *lookup)
{
	/* Instructions of one size would leave places empty. */
	return &lookup->code_memo->items[(lookup->image_pc ^ lookup->image_pc >> 9) % ITEMS];
}

const struct wb_code_answer *wb_code_memo_find(const struct wb_lookup *lookup, enum wb_code_question question)
{
	const struct item *item = lookup->code_memo ? place(lookup) : NULL;

	if (!item || item->generation != lookup->code_memo->generation || item->image_id != wb_image_id(lookup->image) ||
	    item->image_pc != lookup->image_pc || item->exact != lookup->exact || item->question != question)
		return NULL;
	return &item->answer;
}

void wb_code_memo_keep(const struct wb_lookup *lookup, enum wb_code_question question, const struct wb_code_answer *answer)
{
	if (lookup->code_memo && answer->err != WB_ERR_MEMORY)
		*place(lookup) = (struct item){ lookup->code_memo->generation, wb_image_id(lookup->image), lookup->image_pc, lookup->exact,
		                                (uint8_t)question, *answer };
}
