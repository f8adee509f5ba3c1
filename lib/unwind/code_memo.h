/* SPDX-License-Identifier: MIT */
/* What code analysis found out before: following instructions takes some ten thousand of ours, and stacks have the same frames again and again. */
#ifndef UNWIND_CODE_MEMO_H
#define UNWIND_CODE_MEMO_H

#include "unwind/code_edge.h"
#include "unwind/code_reader.h"

enum wb_code_question { WB_CODE_ASKED_ROW, WB_CODE_ASKED_EDGE };

struct wb_code_answer {
	enum wb_err err;
	struct wb_code_row row;       /* if err is WB_OK */
	struct wb_code_edge edge;     /* of an edge */
};

/* The answer for the lookup's image pc; NULL: not known. Borrowed until the next call. */
const struct wb_code_answer *wb_code_memo_find(const struct wb_lookup *lookup, enum wb_code_question question);
/* Out of memory is no answer. */
void wb_code_memo_keep(const struct wb_lookup *lookup, enum wb_code_question question, const struct wb_code_answer *answer);

#endif
