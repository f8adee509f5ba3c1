/* SPDX-License-Identifier: MIT */
/* The files that were offered for a role and not used, each with the reason, in the order in which they were looked at. */
#ifndef MODEL_REFUSALS_H
#define MODEL_REFUSALS_H

#include <walkback/base.h>

enum {
	WB_REFUSALS_MAX = 32,         /* of a search; finders have a few dozen places at most */
	WB_REFUSAL_REASON_SIZE = 320, /* two build ids and what stands between them */
};

struct wb_refusal {
	struct wb_refusal *next;
	const char *reason;           /* behind the path; "" if nothing more is known */
	enum wb_verdict verdict;
	char path[];
};

/* Appends; without memory, the list is shorter. */
void wb_refusals_add(struct wb_refusal **list, const char *path, enum wb_verdict verdict, const char *reason);
/* The last; NULL if there is none. */
const struct wb_refusal *wb_refusals_last(const struct wb_refusal *list);
void wb_refusals_free(struct wb_refusal *list);

#endif
