/* SPDX-License-Identifier: MIT */
/* One strategy's word about the frame that a walk stands on, for who compares strategies. The walk does not notice. */
#include <walkback/inspect.h>

#include "base/err.h"
#include "base/mem.h"
#include "unwind/walker.h"

#include <string.h>

static void fill(const struct wb_walker *w, const struct wb_found *found, const struct wb_applied *applied, struct wb_step *step)
{
	const struct wb_arch_info *arch = w->arch;

	step->is_root = (found->row.flags & WB_ROW_ROOT) != 0;
	step->is_guess = (found->row.flags & WB_ROW_GUESS) != 0;
	step->has_cfa = applied->has_cfa;
	step->cfa = applied->has_cfa ? applied->cfa : 0;
	if (applied->result != WB_APPLY_OK)
		return;
	step->pc = wb_address_strip(applied->regs.value[arch->pc], w->pointer_mask) & arch->address_mask;
	step->has_fp = wb_regs_has(&applied->regs, arch->fp);
	step->fp = step->has_fp ? applied->regs.value[arch->fp] : 0;
}

enum wb_err wb_walker_step_by(struct wb_walker *w, enum wb_how how, struct wb_step *ret_step)
{
	struct wb_step step = { .size = sizeof(step) };
	struct wb_found found = { .cacheable = false };
	struct wb_applied applied;
	struct wb_lookup lookup;
	struct wb_regs regs;
	wb_strategy_fn strategy;
	enum wb_err err;

	if (!w || !ret_step)
		return WB_ERR_ARGUMENT;
	strategy = wb_strategy(how);
	if (!strategy)
		return WB_ERR_UNSUPPORTED;
	if (!wb_walker_look_again(w, &lookup, &regs))
		return WB_NONE;
	err = strategy(&lookup, &found);
	if (err)
		return err;
	memset(&applied, 0, sizeof(applied));
	wb_row_apply(&found.row, found.table, w->arch, &regs, &w->view, &applied);
	wb_mem_free(found.loose);
	fill(w, &found, &applied, &step);
	if (applied.result != WB_APPLY_OK && !step.is_root)
		return WB_ERR_DATA;
	return wb_struct_give(ret_step, &step, sizeof(step));
}
