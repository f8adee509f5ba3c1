/* SPDX-License-Identifier: MIT */
/* Applying a row: first the CFA, then every register from the frame's own registers, never from the caller's half-made ones. */
#include "unwind/row_apply.h"

#include "unwind/expr.h"

struct apply {
	const struct wb_row_table *table;
	const struct wb_arch_info *arch;
	const struct wb_regs *regs;
	struct wb_view *view;
	struct wb_applied *out;
	struct wb_saved_places *places; /* NULL: nobody asks */
	bool is_joint;                /* what is saved may be on another stack, which can be below SP */
};

static bool fail(struct apply *a, enum wb_apply_result result, uint64_t address)
{
	a->out->result = result;
	a->out->address = address;
	return false;
}

static bool evaluate(struct apply *a, const struct wb_row_rule *rule, bool has_cfa, uint64_t *ret_value)
{
	struct wb_expr_fault fault;
	enum wb_err err = wb_expr_evaluate(a->arch, a->regs, a->view, a->table->expressions + rule->offset, (size_t)rule->offset2, has_cfa,
	                                   a->out->cfa, ret_value, &fault);

	if (err == WB_OK)
		return true;
	return fail(a, fault.is_memory ? WB_APPLY_MEMORY : WB_APPLY_BAD, fault.address);
}

static bool find_cfa(struct apply *a, const struct wb_row_rule *rule)
{
	uint64_t *cfa = &a->out->cfa, address;

	switch ((enum wb_rule_kind)rule->kind) {
	case WB_RULE_OFFSET:
	case WB_RULE_DEREF:
		if (!wb_regs_has(a->regs, rule->base))
			return fail(a, WB_APPLY_BAD, 0);
		address = (a->regs->value[rule->base] + (uint64_t)(int64_t)rule->offset) & a->arch->address_mask;
		if (rule->kind == WB_RULE_OFFSET) {
			*cfa = address;
			break;
		}
		if (wb_view_word(a->view, address, cfa) != WB_OK)
			return fail(a, WB_APPLY_MEMORY, address);
		*cfa += (uint64_t)(int64_t)rule->offset2;
		break;
	case WB_RULE_EXPRESSION:
		if (!evaluate(a, rule, false, cfa))
			return false;
		break;
	case WB_RULE_UNSPECIFIED:
	case WB_RULE_UNDEFINED:
	case WB_RULE_SAME:
	case WB_RULE_VAL_OFFSET:
	case WB_RULE_REGISTER:
	case WB_RULE_VAL_EXPRESSION:
	case WB_RULE_CONSTANT:
		return fail(a, WB_APPLY_BAD, 0);
	}
	*cfa &= a->arch->address_mask;
	a->out->has_cfa = true;
	return true;
}

static void set_same(struct apply *a, uint8_t slot, uint8_t from, bool derived)
{
	if (wb_regs_has(a->regs, from))
		wb_regs_set(&a->out->regs, slot, a->regs->value[from], derived || a->regs->derived >> from & 1);
	else
		wb_regs_forget(&a->out->regs, slot);
}

/* A register saved at address. Only the absence of the return address ends a walk: others are then unknown. */
static bool set_saved(struct apply *a, uint8_t slot, uint64_t address)
{
	const struct wb_regs *regs = a->regs;
	/* A return address that was popped is in the link register, where there is one. */
	uint8_t now = slot == a->arch->pc ? a->arch->ra_column : slot;
	bool has_sp = wb_regs_has(regs, a->arch->sp) && !a->is_joint, has_current = wb_regs_has(regs, now);
	struct wb_saved saved;

	address &= a->arch->address_mask;
	saved = wb_row_saved(a->arch, a->view, address, has_sp, has_sp ? regs->value[a->arch->sp] : 0, has_current,
	                     has_current ? regs->value[now] : 0);
	if (slot == a->arch->pc && saved.absent)
		return fail(a, WB_APPLY_MEMORY, address);
	/* No function pops its return address to nowhere and goes on: the row is wrong, and no capture could have helped. */
	if (slot == a->arch->pc && saved.derived && now == slot)
		return fail(a, WB_APPLY_BAD, 0);
	if (a->places && saved.has && !saved.derived) {
		a->places->have |= UINT64_C(1) << slot;
		a->places->address[slot] = address;
	}
	if (saved.has)
		wb_regs_set(&a->out->regs, slot, saved.value, saved.derived);
	else
		wb_regs_forget(&a->out->regs, slot);
	return true;
}

/* An expression that cannot be evaluated costs its own register alone, unless that is the pc. */
static bool forget(struct apply *a, uint8_t slot)
{
	if (slot == a->arch->pc)
		return false;
	a->out->result = WB_APPLY_OK;
	wb_regs_forget(&a->out->regs, slot);
	return true;
}

static bool set_register(struct apply *a, const struct wb_row_rule *rule)
{
	uint64_t cfa = a->out->cfa, offset = (uint64_t)(int64_t)rule->offset, value;

	switch ((enum wb_rule_kind)rule->kind) {
	case WB_RULE_SAME:
		set_same(a, rule->slot, rule->slot, false);
		return true;
	case WB_RULE_OFFSET:
		return set_saved(a, rule->slot, cfa + offset);
	case WB_RULE_VAL_OFFSET:
		wb_regs_set(&a->out->regs, rule->slot, (cfa + offset) & a->arch->address_mask, false);
		return true;
	case WB_RULE_REGISTER:
		a->out->ra_in_register |= rule->slot == a->arch->pc;
		set_same(a, rule->slot, rule->base, false);
		return true;
	case WB_RULE_DEREF:
		if (wb_regs_has(a->regs, rule->base))
			return set_saved(a, rule->slot, a->regs->value[rule->base] + offset);
		fail(a, WB_APPLY_BAD, 0);
		return forget(a, rule->slot);
	case WB_RULE_EXPRESSION:
		return evaluate(a, rule, true, &value) ? set_saved(a, rule->slot, value) : forget(a, rule->slot);
	case WB_RULE_VAL_EXPRESSION:
		if (!evaluate(a, rule, true, &value))
			return forget(a, rule->slot);
		wb_regs_set(&a->out->regs, rule->slot, value, false);
		return true;
	case WB_RULE_CONSTANT:
		wb_regs_set(&a->out->regs, rule->slot, offset & a->arch->address_mask, false);
		return true;
	case WB_RULE_UNSPECIFIED:
	case WB_RULE_UNDEFINED:
		break;
	}
	wb_regs_forget(&a->out->regs, rule->slot);
	return true;
}

/* What the ABI says of registers that the row does not name: callee-saved ones are the same, the stack pointer is told by the CFA, the pc has to be
 * named, and all others were the callee's to destroy. derived: the CFA is a conclusion. */
static void set_defaults(struct apply *a, bool barrier, bool derived)
{
	const struct wb_arch_info *arch = a->arch;
	uint64_t keep = barrier ? 0 : arch->callee_saved;
	struct wb_regs *out = &a->out->regs;

	out->have = a->regs->have & keep;
	out->derived = a->regs->derived & keep;
	for (uint64_t left = out->have; left; left &= left - 1) {
		int slot = __builtin_ctzll(left);

		out->value[slot] = a->regs->value[slot];
	}
	wb_regs_set(out, arch->sp, a->out->cfa - arch->cfa_above_sp, derived);
}

/* Whether the CFA is concluded, not known: instructions tell it where no stack pointer is known, behind a chain of frame pointers; or it counts from a
 * stack pointer that was. */
static bool is_conclusion(const struct apply *a, const struct wb_row *row, const struct wb_row_rule *cfa)
{
	if (row->how == WB_HOW_CODE && !wb_regs_has(a->regs, a->arch->sp))
		return true;
	return cfa->base == a->arch->sp && a->regs->derived >> a->arch->sp & 1;
}

/* A chain of frame pointers does not tell where stacks end, on some architectures: then what the row counts from is no CFA, and SP is lost. */
static void forget_bound(const struct wb_arch_info *arch, struct wb_applied *out)
{
	out->has_cfa = false;
	wb_regs_forget(&out->regs, arch->sp);
}

static bool apply_simple(struct apply *a, const struct wb_row *row)
{
	const struct wb_arch_info *arch = a->arch;
	uint64_t ra = a->out->cfa + (uint64_t)(int64_t)row->ra_offset;

	/* A barrier keeps the frame pointer if the row says that it is unchanged. */
	if (!(row->flags & WB_ROW_FP_SAVED) && row->flags & WB_ROW_BARRIER)
		set_same(a, arch->fp, arch->fp, true);
	if (row->flags & WB_ROW_FP_SAVED && !set_saved(a, arch->fp, a->out->cfa + (uint64_t)(int64_t)row->fp_offset))
		return false;
	return set_saved(a, arch->pc, ra);
}

void wb_row_apply_places(const struct wb_row *row, const struct wb_row_table *table, const struct wb_arch_info *arch, const struct wb_regs *regs,
                         struct wb_view *view, struct wb_applied *ret, struct wb_saved_places *places)
{
	struct apply a = { table, arch, regs, view, ret, places, row->special & WB_ROW_JOINT };
	const struct wb_row_rule *rules = table && row->num_rules ? wb_row_table_rules(table) + row->rules : NULL;
	unsigned count = rules ? row->num_rules : 0, first = 0;
	struct wb_row_rule cfa = { .kind = WB_RULE_OFFSET, .base = row->flags & WB_ROW_FP_BASE ? arch->fp : arch->sp, .offset = row->cfa_offset };

	ret->result = WB_APPLY_OK;
	ret->address = 0;
	ret->cfa = 0;
	ret->has_cfa = false;
	ret->ra_in_register = false;
	if (row->flags & WB_ROW_GENERAL) {
		if (!count || rules[0].slot != WB_SLOT_CFA) {
			fail(&a, WB_APPLY_BAD, 0);
			return;
		}
		cfa = rules[0];
		first = 1;
	}
	if (!find_cfa(&a, &cfa))
		return;
	set_defaults(&a, row->flags & WB_ROW_BARRIER, is_conclusion(&a, row, &cfa));
	if (!(row->flags & WB_ROW_GENERAL) && !(row->flags & WB_ROW_ROOT) && !apply_simple(&a, row))
		return;
	for (unsigned i = first; i < count; i++)
		if (!set_register(&a, &rules[i]))
			return;
	if (row->how == WB_HOW_FRAME_POINTER && arch->frame.cfa_is_bound)
		forget_bound(arch, ret);
	if (!(row->flags & WB_ROW_ROOT) && !wb_regs_has(&ret->regs, arch->pc))
		fail(&a, WB_APPLY_BAD, 0);
}

void wb_row_apply(const struct wb_row *row, const struct wb_row_table *table, const struct wb_arch_info *arch, const struct wb_regs *regs,
                  struct wb_view *view, struct wb_applied *ret)
{
	wb_row_apply_places(row, table, arch, regs, view, ret, NULL);
}
