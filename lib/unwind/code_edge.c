/* SPDX-License-Identifier: MIT */
/* Edges of functions. (No answers yet: the analysis of both architectures moves under it.) */
#include "unwind/code_edge.h"

enum wb_err wb_code_edge_find(const struct wb_lookup *lookup, const struct wb_bound *bound, const struct wb_row *body, const struct wb_row_rule *rules,
                              struct wb_found *ret_found, struct wb_code_edge *ret_edge)
{
	(void)lookup;
	(void)bound;
	(void)body;
	(void)rules;
	(void)ret_found;
	(void)ret_edge;
	return WB_NONE;
}
