/* SPDX-License-Identifier: MIT */
/* The walk of one register set and one piece of stack, for callers who cannot make a struct wb_sample. */
#include <walkback/unwind.h>

enum wb_err wb_walk_stack(struct wb_walker *walker, struct wb_space *space, const struct wb_reg *regs, size_t num_regs, uint64_t stack_address,
                          const void *stack, size_t stack_size, struct wb_frame *frames, size_t frame_size, size_t cap, size_t *ret_count,
                          struct wb_stop *ret_stop)
{
	struct wb_context context = { .regs = regs, .num_regs = num_regs, .pc_kind = WB_PC_EXACT };
	struct wb_region region = { stack_address, stack, stack_size };
	struct wb_sample sample = { .size = sizeof(sample), .contexts = &context, .num_contexts = 1, .regions = &region,
	                            .num_regions = stack_size ? 1 : 0 };

	if (num_regs && !regs)
		return WB_ERR_ARGUMENT;
	return wb_walk(walker, space, &sample, frames, frame_size, cap, ret_count, ret_stop);
}
