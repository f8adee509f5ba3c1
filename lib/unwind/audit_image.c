/* SPDX-License-Identifier: MIT */
/*
 * Which functions of an image break the walks of others. The flow of each function's instructions tells where SP and FP are before each of them. A
 * function that comes back with another FP than it was called with, without ever having saved it, clobbers it; in Go on machines with a link register,
 * one that stores right below the SP that it was called with destroys its caller's saved FP, which is there (Go's cmd/compile/abi-internal.md, "Stack
 * layout"); and where its unwind information and its instructions do not agree about the CFA, it is the table that is wrong.
 */
#include <walkback/inspect.h>

#include "base/mem.h"
#include "model/row.h"
#include "unwind/cfi.h"
#include "unwind/code_flow.h"
#include "unwind/code_functions.h"
#include "unwind/go_rows.h"

enum { FP_BELOW = 8 };                 /* bytes from SP down to the word that FP points to, in Go where calls do not push */

/* Constants that instructions before, in the order of addresses, put into registers: an approximation, used to explain only. */
struct constants {
	uint64_t value[WB_CODE_VALUES];
	uint64_t known;               /* registers, by bit */
};

struct audit {
	wb_finding_fn fn;
	void *arg;
	uint64_t wanted;              /* wb_find_value */
	struct wb_code_machine go;    /* the machine by Go's rules: functions keep nothing but SP and FP */
	/* The function that is looked at. */
	const struct wb_code_image *code;
	const struct wb_code_function *function;
	const struct wb_code_machine *machine;
	const struct wb_flow *flow;
	const struct wb_row_table *table; /* the last that was found; NULL: none */
	struct wb_row_table *loose;
	bool told_table;              /* one finding of the kind a function */
};

static bool writes(const struct wb_code_insn *insn, uint8_t reg)
{
	bool is_written = reg < 64 && insn->writes >> reg & 1;

	for (unsigned i = 0; i < insn->num_ops; i++)
		is_written |= insn->ops[i].reg == reg && insn->ops[i].kind != WB_OP_STORE && insn->ops[i].kind != WB_OP_PUSH &&
		              insn->ops[i].kind != WB_OP_COMPARE;
	return is_written;
}

static void remember(struct constants *constants, const struct wb_code_insn *insn)
{
	const struct wb_code_set *set = &insn->set;
	uint64_t old = constants->known, bit = UINT64_C(1) << set->reg;

	if (insn->next == WB_NEXT_CALL) {
		constants->known = 0;
		return;
	}
	for (uint8_t reg = 0; reg < WB_CODE_VALUES; reg++)
		if (writes(insn, reg))
			constants->known &= ~(UINT64_C(1) << reg);
	if (set->reg >= WB_CODE_VALUES || set->from >= WB_CODE_VALUES)
		return;
	if (set->kind == WB_SET_VALUE)
		constants->value[set->reg] = set->value;
	else if (set->kind == WB_SET_PART && old & bit && set->shift < 64)
		constants->value[set->reg] = (constants->value[set->reg] & ~(UINT64_C(0xffff) << set->shift)) | set->value << set->shift;
	else if (set->kind == WB_SET_COPY && old >> set->from & 1)
		constants->value[set->reg] = constants->value[set->from];
	else
		return;
	constants->known |= bit;
}

static uint32_t number_of(const struct audit *a, uint8_t reg)
{
	uint8_t slot = reg < WB_CODE_REGS ? a->machine->slots[reg] : WB_SLOT_NONE;

	return slot < a->code->arch->num_regs ? a->code->arch->regs[slot].number : 0;
}

static enum wb_err tell(struct audit *a, struct wb_finding *finding, enum wb_finding_kind kind, uint64_t at)
{
	finding->size = sizeof(*finding);
	finding->kind = kind;
	finding->start = a->function->start;
	finding->end = a->function->end;
	finding->at = at;
	return a->fn(a->arg, finding);
}

/* ---- Instructions in the order of addresses, as far as paths came to them ---- */

struct place {
	const struct wb_flow_node *node;
	struct wb_code_insn insn;
	struct wb_code_state after;
	uint64_t pc;
	struct constants constants;   /* after it */
};
typedef enum wb_err (*place_fn)(struct audit *a, const struct place *place);

static enum wb_err each_place(struct audit *a, place_fn fn)
{
	struct place place = { .constants = { .known = 0 } };
	enum wb_err err = WB_OK;

	for (size_t at = 0; at < a->function->size && !err; at++) {
		if (!a->flow->index[at])
			continue;
		place.node = &a->flow->nodes[a->flow->index[at] - 1];
		if (!place.node->length || !a->machine->decode(a->function->bytes + at, a->function->size - at, &place.insn))
			continue;
		place.pc = a->function->start + at;
		place.after = place.node->state;
		wb_code_state_execute(&place.after, &place.insn, a->machine, false);
		remember(&place.constants, &place.insn);
		err = fn(a, &place);
	}
	return err;
}

/* ---- The frame pointer ---- */

/* Whether FP is what it was when the function was called. Where Go keeps it below SP, it can be computed as well. */
static bool has_callers_fp(const struct audit *a, const struct wb_code_state *state)
{
	struct wb_code_place fp = state->value[a->machine->fp];

	if (fp.base == WB_PLACE_FROM_FP)
		return !fp.offset;
	return a->function->is_go && a->machine->link != WB_CODE_NO_REG && fp.base == WB_PLACE_FROM_SP && fp.offset == -FP_BELOW;
}

/* Whether the function is left here, with SP back where it was. */
static bool is_exit(const struct audit *a, const struct place *place)
{
	struct wb_code_place sp = place->after.value[a->machine->sp];
	uint64_t target = place->pc + place->insn.length + (uint64_t)place->insn.target;
	bool jumps = place->insn.next == WB_NEXT_JUMP || place->insn.next == WB_NEXT_JUMP_IF;

	if (sp.base != WB_PLACE_FROM_SP || sp.offset)
		return false;
	return place->insn.next == WB_NEXT_RETURN || (jumps && target - a->function->start >= a->function->end - a->function->start);
}

static enum wb_err see_bad_exit(struct audit *a, const struct place *place)
{
	return is_exit(a, place) && !has_callers_fp(a, &place->after) ? WB_NONE : WB_OK;
}

static bool is_unsaved_write(const struct audit *a, const struct place *place)
{
	int kept = wb_code_kept_index(a->machine, a->machine->fp);

	return writes(&place->insn, a->machine->fp) && !has_callers_fp(a, &place->after) && kept >= 0 &&
	       !wb_code_place_is_known(place->node->state.kept[kept]);
}

static enum wb_err tell_write(struct audit *a, const struct place *place)
{
	struct wb_finding finding = { .has_value = place->constants.known >> a->machine->fp & 1 };

	if (!is_unsaved_write(a, place))
		return WB_OK;
	finding.value = finding.has_value ? place->constants.value[a->machine->fp] : 0;
	return tell(a, &finding, WB_FINDING_FP_CLOBBERED, place->pc);
}

static enum wb_err check_fp(struct audit *a)
{
	enum wb_err err = each_place(a, see_bad_exit);

	return err == WB_NONE ? each_place(a, tell_write) : err;
}

/* ---- The caller's slot ---- */

static enum wb_err see_store(struct audit *a, const struct place *place)
{
	struct wb_code_state before = place->node->state;

	for (unsigned i = 0; i < place->insn.num_ops; i++) {
		const struct wb_code_op *op = &place->insn.ops[i];
		struct wb_code_insn one = { .num_ops = 1, .ops = { *op } };
		struct wb_code_place at;
		struct wb_finding finding = { .reg = 0 };

		if ((op->kind == WB_OP_STORE || op->kind == WB_OP_PUSH) && op->base < WB_CODE_VALUES) {
			at = wb_code_place_moved(before.value[op->base], op->value);
			finding.reg = number_of(a, op->reg);
			if (at.base == WB_PLACE_FROM_SP && at.offset < 0 && at.offset + op->size > -FP_BELOW)
				return tell(a, &finding, WB_FINDING_FP_SLOT, place->pc);
		}
		wb_code_state_execute(&before, &one, a->machine, false);
	}
	return WB_OK;
}

/* ---- Tables ---- */

static bool find_table(struct audit *a, uint64_t pc, enum wb_err *ret_err)
{
	enum wb_err err = WB_NONE;

	*ret_err = WB_OK;
	if (a->table && pc - a->table->start < a->table->end - a->table->start)
		return true;
	wb_mem_free(a->loose);
	a->table = a->loose = NULL;
	if (a->function->is_go && a->code->go_rows)
		err = wb_go_rows_find(a->code->go_rows, pc, &a->table, &a->loose);
	else if (a->code->cfi)
		err = wb_cfi_find(a->code->cfi, pc, &a->table, &a->loose);
	if (err)
		a->table = a->loose = NULL;
	*ret_err = err == WB_ERR_MEMORY ? err : WB_OK;
	return !err;
}

/* The register that the CFA counts from, and how far. False: an expression, or no caller. */
static bool cfa_rule(const struct audit *a, const struct wb_row *row, uint8_t *ret_slot, int64_t *ret_offset)
{
	const struct wb_arch_info *arch = a->code->arch;
	const struct wb_row_rule *rules = wb_row_table_rules(a->table) + row->rules;

	if (row->flags & WB_ROW_ROOT)
		return false;
	if (!(row->flags & WB_ROW_GENERAL)) {
		*ret_slot = row->flags & WB_ROW_FP_BASE ? arch->fp : arch->sp;
		*ret_offset = row->cfa_offset;
		return true;
	}
	if (!row->num_rules || rules[0].slot != WB_SLOT_CFA || rules[0].kind != WB_RULE_OFFSET)
		return false;
	*ret_slot = rules[0].base;
	*ret_offset = rules[0].offset;
	return true;
}

/* Where a register that a slot is of points, by the instructions. */
static struct wb_code_place place_of(const struct audit *a, const struct wb_code_state *state, uint8_t slot)
{
	for (unsigned reg = 0; reg < WB_CODE_VALUES; reg++)
		if (a->machine->slots[reg] == slot)
			return state->value[reg];
	return wb_code_place(0, WB_PLACE_LOST);
}

/* The CFA is where SP was before the call. */
static enum wb_err see_row(struct audit *a, const struct place *place)
{
	const struct wb_code_state *state = &place->node->state;
	struct wb_code_place sp = state->value[a->machine->sp], base;
	struct wb_finding finding = { .done = a->machine->pushed - (int64_t)sp.offset };
	int64_t offset;
	uint8_t slot;
	enum wb_err err;

	if (sp.base != WB_PLACE_FROM_SP || place->node->after_call || a->told_table || !find_table(a, place->pc, &err) ||
	    !cfa_rule(a, wb_row_table_find(a->table, place->pc), &slot, &offset))
		return WB_OK;
	base = place_of(a, state, slot);
	if (base.base != WB_PLACE_FROM_SP || base.offset + offset == a->machine->pushed)
		return WB_OK;
	finding.told = base.offset + offset - sp.offset;
	a->told_table = true;
	return tell(a, &finding, WB_FINDING_TABLE, place->pc);
}

/* ---- Functions ---- */

static enum wb_err check_function(struct audit *a)
{
	enum wb_err err = check_fp(a);

	if (!err && a->function->is_go && a->machine->link != WB_CODE_NO_REG)
		err = each_place(a, see_store);
	if (!err)
		err = each_place(a, see_row);
	wb_mem_free(a->loose);
	a->table = a->loose = NULL;
	return err;
}

static enum wb_err audit_function(void *arg, const struct wb_code_image *code, const struct wb_code_function *function)
{
	struct wb_code_window window = { .bytes = function->bytes, .size = function->size, .end = function->size, .exact = true };
	struct audit *a = arg;
	struct wb_flow *flow;
	enum wb_err err = WB_OK;

	if (function->is_switch || !function->size)
		return WB_OK;
	a->code = code;
	a->function = function;
	a->machine = function->is_go ? &a->go : code->machine;
	a->told_table = false;
	flow = wb_flow_new_sized(a->machine, &window, (uint16_t)function->size, (uint16_t)(function->size / code->arch->call_step));
	if (!flow)
		return WB_ERR_MEMORY;
	wb_flow_run(flow, false);
	a->flow = flow;
	if (!flow->failed)
		err = check_function(a);
	wb_mem_free(flow);
	return err;
}

enum wb_err wb_audit_image(struct wb_session *session, struct wb_image *image, wb_finding_fn fn, void *arg)
{
	struct audit a = { .fn = fn, .arg = arg };
	struct wb_code_image code;
	enum wb_err err;

	if (!session || !image || !fn)
		return WB_ERR_ARGUMENT;
	err = wb_code_image_open(session, image, &code);
	if (err)
		return err;
	a.go = *code.machine;
	/* Go's compiler keeps no other registers (abi-internal.md, "Architecture specifics"). */
	a.go.call_writes = ~(UINT64_C(1) << a.go.sp | UINT64_C(1) << a.go.fp);
	return wb_code_functions(&code, audit_function, &a);
}

/* ---- Values, calls ---- */

static enum wb_err find_in_function(void *arg, const struct wb_code_image *code, const struct wb_code_function *function)
{
	struct constants constants = { .known = 0 };
	struct wb_finding finding = { .has_value = 1 };
	struct audit *a = arg;
	struct wb_code_insn insn;
	enum wb_err err = WB_OK;

	a->code = code;
	a->function = function;
	a->machine = code->machine;
	for (size_t at = 0; at < function->size && !err; at += insn.length) {
		if (!code->machine->decode(function->bytes + at, function->size - at, &insn)) {
			insn.length = code->arch->call_step;
			continue;
		}
		remember(&constants, &insn);
		if (insn.set.kind == WB_SET_UNKNOWN || insn.set.kind == WB_SET_COPY || !(constants.known >> insn.set.reg & 1) ||
		    constants.value[insn.set.reg] != a->wanted)
			continue;
		finding.value = a->wanted;
		finding.reg = number_of(a, insn.set.reg);
		err = tell(a, &finding, WB_FINDING_VALUE, function->start + at);
	}
	return err;
}

enum wb_err wb_find_value(struct wb_session *session, struct wb_image *image, uint64_t value, wb_finding_fn fn, void *arg)
{
	struct audit a = { .fn = fn, .arg = arg, .wanted = value };
	struct wb_code_image code;
	enum wb_err err;

	if (!session || !image || !fn)
		return WB_ERR_ARGUMENT;
	err = wb_code_image_open(session, image, &code);
	return err ? err : wb_code_functions(&code, find_in_function, &a);
}

struct listing { wb_code_call_fn fn; void *arg; };

static enum wb_err list_in_function(void *arg, const struct wb_code_image *code, const struct wb_code_function *function)
{
	const struct listing *listing = arg;
	struct wb_code_insn insn;
	enum wb_err err = WB_OK;

	for (size_t at = 0; at < function->size && !err; at += insn.length) {
		struct wb_code_call call = { sizeof(call), function->start, function->end, function->start + at, 0, 0, 0 };

		if (!code->machine->decode(function->bytes + at, function->size - at, &insn)) {
			insn.length = code->arch->call_step;
			continue;
		}
		call.next = call.at + insn.length;
		call.target = call.next + (uint64_t)insn.target;
		call.is_jump = insn.next == WB_NEXT_JUMP || insn.next == WB_NEXT_JUMP_IF;
		if ((insn.next == WB_NEXT_CALL && insn.target) ||
		    (call.is_jump && call.target - function->start >= function->end - function->start))
			err = listing->fn(listing->arg, &call);
	}
	return err;
}

enum wb_err wb_list_calls(struct wb_session *session, struct wb_image *image, uint64_t image_pc, wb_code_call_fn fn, void *arg)
{
	struct listing listing = { fn, arg };
	struct wb_code_image code;
	enum wb_err err;

	if (!session || !image || !fn)
		return WB_ERR_ARGUMENT;
	err = wb_code_image_open(session, image, &code);
	if (err)
		return err;
	return image_pc == UINT64_MAX ? wb_code_functions(&code, list_in_function, &listing)
	                              : wb_code_function_at(&code, image_pc, list_in_function, &listing);
}
