/* SPDX-License-Identifier: MIT */
/*
 * Call frame instructions to rows: DWARF 5, 6.4.2 and 6.4.3, and the vendor instructions that producers write. The interpreter keeps one
 * state (a rule for the CFA and one per register); whenever the location advances, the state becomes a row.
 */
#include "unwind/cfi.h"

#include "base/mem.h"

#include <string.h>

enum {
	CFA_advance_loc = 0x40, CFA_offset = 0x80, CFA_restore = 0xc0, CFA_operand = 0x3f,
	CFA_nop = 0x00, CFA_set_loc = 0x01, CFA_advance_loc1 = 0x02, CFA_advance_loc2 = 0x03, CFA_advance_loc4 = 0x04,
	CFA_offset_extended = 0x05, CFA_restore_extended = 0x06, CFA_undefined = 0x07, CFA_same_value = 0x08, CFA_register = 0x09,
	CFA_remember_state = 0x0a, CFA_restore_state = 0x0b, CFA_def_cfa = 0x0c, CFA_def_cfa_register = 0x0d, CFA_def_cfa_offset = 0x0e,
	CFA_def_cfa_expression = 0x0f, CFA_expression = 0x10, CFA_offset_extended_sf = 0x11, CFA_def_cfa_sf = 0x12,
	CFA_def_cfa_offset_sf = 0x13, CFA_val_offset = 0x14, CFA_val_offset_sf = 0x15, CFA_val_expression = 0x16,
	CFA_advance_loc8 = 0x1d, CFA_negate_ra_state_with_pc = 0x2c, CFA_negate_ra_state = 0x2d,
	CFA_GNU_args_size = 0x2e, CFA_GNU_negative_offset_extended = 0x2f, CFA_LLVM_def_aspace_cfa = 0x30,
	CFA_LLVM_def_aspace_cfa_sf = 0x31,

	OP_deref = 0x06, OP_breg0 = 0x70, OP_breg31 = 0x8f,

	REMEMBER_MAX = 64,            /* remembered states: compilers nest two deep, hand-written code a few */
	RULES_MAX = UINT8_MAX,        /* of one row: more than any architecture has slots */
	PROGRAM_MAX = 1 << 20,        /* bytes: the longest known are some ten thousand. Bounds the time and memory that one FDE costs */
};

struct rule {
	uint8_t kind;                 /* enum wb_rule_kind */
	uint8_t base;                 /* slot */
	int32_t offset, offset2;
};

struct state {
	struct rule cfa;
	struct rule regs[WB_SLOTS_MAX];
};

struct program {
	const struct wb_cfi_section *section;
	const struct wb_fde *fde;
	const struct wb_arch_info *arch;
	uint8_t ra_slot;              /* slot of the CIE's return address column */
	struct state state, initial;
	bool in_cie;
	struct state *remembered;     /* stack */
	size_t num_remembered, remembered_capacity;
	uint64_t location;            /* image pc that the state holds from */
	const char *fault;
	/* What comes out. */
	uint32_t *offsets;
	struct wb_row *rows;
	struct wb_row_rule *rules;
	size_t num_rows, offsets_capacity, rows_capacity, num_rules, rules_capacity;
};

/* ---- States to rows ---- */

static bool fits_i16(int32_t value)
{
	return value >= INT16_MIN && value <= INT16_MAX;
}

/* Whether the 16 bytes of a row can say it all; the rules of further registers must then be of the kinds that a walk recovers later, without
 * the registers of this frame. */
static bool is_simple(const struct program *p, const struct state *s)
{
	const struct wb_arch_info *arch = p->arch;
	const struct rule *ra = &s->regs[arch->pc], *fp = &s->regs[arch->fp];
	uint64_t kept = arch->callee_saved | UINT64_C(1) << arch->pc | UINT64_C(1) << p->ra_slot;

	if (s->cfa.kind != WB_RULE_OFFSET || (s->cfa.base != arch->sp && s->cfa.base != arch->fp))
		return false;
	if (ra->kind != WB_RULE_UNDEFINED && (ra->kind != WB_RULE_OFFSET || !fits_i16(ra->offset)))
		return false;
	if (fp->kind != WB_RULE_UNSPECIFIED && fp->kind != WB_RULE_SAME && (fp->kind != WB_RULE_OFFSET || !fits_i16(fp->offset)))
		return false;
	if (p->fde->cie.signal_frame || s->regs[arch->sp].kind != WB_RULE_UNSPECIFIED)
		return false;
	for (unsigned slot = 0; slot < arch->num_regs; slot++) {
		uint8_t kind = s->regs[slot].kind;

		if (kind == WB_RULE_REGISTER || kind == WB_RULE_EXPRESSION || kind == WB_RULE_VAL_EXPRESSION || kind == WB_RULE_DEREF)
			return false;
		/* Of the others a walk recovers those that were saved here, but not what they were in a callee. */
		if (!(kept >> slot & 1) && kind == WB_RULE_SAME)
			return false;
	}
	return true;
}

static bool add_rule(struct program *p, struct wb_row *row, uint8_t slot, const struct rule *rule)
{
	if (row->num_rules == RULES_MAX || p->num_rules == UINT32_MAX ||
	    !wb_mem_grow((void **)&p->rules, &p->rules_capacity, p->num_rules, 1, sizeof(*p->rules)))
		return false;
	p->rules[p->num_rules++] = (struct wb_row_rule){ .slot = slot, .kind = rule->kind, .base = rule->base, .offset = rule->offset,
	                                                 .offset2 = rule->offset2 };
	row->num_rules++;
	return true;
}

/* Neighbouring rows mostly list the same registers: share what the last row has. */
static void share_rules(struct program *p, struct wb_row *row)
{
	const struct wb_row *last = p->num_rows ? &p->rows[p->num_rows - 1] : NULL;

	if (!last || last->num_rules != row->num_rules)
		return;
	if (row->num_rules && memcmp(p->rules + last->rules, p->rules + row->rules, row->num_rules * sizeof(*p->rules)) != 0)
		return;
	p->num_rules = row->rules;
	row->rules = last->rules;
}

/* The caller's pc is what the return address column holds in the caller. Where that is a register of its own (a link register), the rule is the
 * register's; without one the return address is still in it. */
static void set_pc_rule(const struct program *p, struct state *s)
{
	const struct rule *ra = &s->regs[p->ra_slot];

	if (p->ra_slot == p->arch->pc)
		return;
	s->regs[p->arch->pc] = ra->kind == WB_RULE_UNSPECIFIED || ra->kind == WB_RULE_SAME
	                               ? (struct rule){ .kind = WB_RULE_REGISTER, .base = p->ra_slot }
	                               : *ra;
}

/* A caller's stack does not begin below a saved return address. glibc's lazy resolver for aarch64 says so, by not counting what the linkage table has
 * pushed: its CFA finds what is saved, but is not the caller's stack pointer. */
static void set_sp_rule(const struct program *p, struct state *s)
{
	const struct wb_arch_info *arch = p->arch;
	const struct rule *ra = &s->regs[p->ra_slot];

	if (p->ra_slot == arch->pc || p->fde->cie.signal_frame || s->regs[arch->sp].kind != WB_RULE_UNSPECIFIED)
		return;
	if (s->cfa.kind == WB_RULE_OFFSET && s->cfa.base == arch->sp && ra->kind == WB_RULE_OFFSET && ra->offset >= arch->linkage &&
	    ra->offset <= INT32_MAX - arch->word_size)
		s->regs[arch->sp] = (struct rule){ .kind = WB_RULE_VAL_OFFSET, .offset = ra->offset + arch->word_size };
}

static enum wb_err make_row(struct program *p, struct wb_row *ret_row)
{
	struct state state = p->state, *s = &state;
	const struct wb_arch_info *arch = p->arch;
	bool simple;
	struct wb_row row = { .rules = (uint32_t)p->num_rules, .how = WB_HOW_CFI };

	set_pc_rule(p, s);
	set_sp_rule(p, s);
	simple = is_simple(p, s);
	if (simple) {
		const struct rule *fp = &s->regs[arch->fp];

		row.cfa_offset = s->cfa.offset;
		row.ra_offset = (int16_t)s->regs[arch->pc].offset;
		row.flags = s->cfa.base == arch->fp ? WB_ROW_FP_BASE : 0;
		if (fp->kind == WB_RULE_OFFSET) {
			row.fp_offset = (int16_t)fp->offset;
			row.flags |= WB_ROW_FP_SAVED;
		}
	} else {
		row.flags = WB_ROW_GENERAL | (p->fde->cie.signal_frame ? WB_ROW_SIGNAL : 0);
		if (!add_rule(p, &row, WB_SLOT_CFA, &s->cfa))
			return WB_ERR_MEMORY;
	}
	if (s->regs[arch->pc].kind == WB_RULE_UNDEFINED)
		row.flags |= WB_ROW_ROOT;
	for (uint8_t slot = 0; slot < arch->num_regs; slot++) {
		if (s->regs[slot].kind == WB_RULE_UNSPECIFIED || (simple && (slot == arch->fp || slot == arch->pc)))
			continue;
		if (!add_rule(p, &row, slot, &s->regs[slot]))
			return WB_ERR_MEMORY;
	}
	share_rules(p, &row);
	*ret_row = row;
	return WB_OK;
}

/* The state held up to `next`: make it a row, if it covers anything and says something new. */
static enum wb_err emit(struct program *p, uint64_t next)
{
	uint64_t start = p->location < p->fde->start ? p->fde->start : p->location;
	struct wb_row row;
	enum wb_err err;

	if (next <= start || start >= p->fde->end)
		return WB_OK;
	if (p->state.cfa.kind == WB_RULE_UNSPECIFIED) {
		p->fault = "no rule for the CFA";
		return WB_ERR_DATA;
	}
	err = make_row(p, &row);
	if (err)
		return err;
	if (p->num_rows && !memcmp(&p->rows[p->num_rows - 1], &row, sizeof(row)))
		return WB_OK;
	if (!wb_mem_grow((void **)&p->rows, &p->rows_capacity, p->num_rows, 1, sizeof(*p->rows)) ||
	    !wb_mem_grow((void **)&p->offsets, &p->offsets_capacity, p->num_rows, 1, sizeof(*p->offsets)))
		return WB_ERR_MEMORY;
	p->offsets[p->num_rows] = (uint32_t)(start - p->fde->start);
	p->rows[p->num_rows++] = row;
	return WB_OK;
}

/* ---- Instructions ---- */

static enum wb_err advance(struct program *p, uint64_t location)
{
	enum wb_err err;

	if (p->in_cie) {
		p->fault = "CIE advances the location";
		return WB_ERR_DATA;
	}
	if (location < p->location) {
		p->fault = "location goes backwards";
		return WB_ERR_DATA;
	}
	err = emit(p, location);
	p->location = location;
	return err;
}

static enum wb_err advance_by(struct program *p, uint64_t delta)
{
	uint64_t scaled, location;

	if (__builtin_mul_overflow(delta, p->fde->cie.code_align, &scaled) || !wb_u64_add(p->location, scaled, &location)) {
		p->fault = "location overflows";
		return WB_ERR_DATA;
	}
	return advance(p, location);
}

static bool scale(const struct program *p, int64_t factored, int32_t *ret_offset)
{
	int64_t offset;

	if (__builtin_mul_overflow(factored, p->fde->cie.data_align, &offset) || offset < INT32_MIN || offset > INT32_MAX)
		return false;
	*ret_offset = (int32_t)offset;
	return true;
}

static uint8_t slot_of(const struct program *p, uint64_t number)
{
	/* A WB_REG_PC that comes out of a file is just a large number. */
	return number < p->arch->num_dwarf ? p->arch->slot_of_dwarf[number] : (uint8_t)WB_SLOT_NONE;
}

/* Rules of registers that are not modelled (vector state, flags) are dropped. */
static void set_rule(struct program *p, uint64_t number, struct rule rule)
{
	uint8_t slot = slot_of(p, number);

	if (slot != WB_SLOT_NONE)
		p->state.regs[slot] = rule;
}

static enum wb_err set_offset(struct program *p, uint64_t number, enum wb_rule_kind kind, int64_t factored)
{
	int32_t offset;

	if (!scale(p, factored, &offset)) {
		p->fault = "offset out of range";
		return WB_ERR_UNSUPPORTED;
	}
	set_rule(p, number, (struct rule){ .kind = (uint8_t)kind, .offset = offset });
	return WB_OK;
}

static enum wb_err set_cfa(struct program *p, uint64_t number, int64_t offset)
{
	uint8_t slot = slot_of(p, number);

	if (slot == WB_SLOT_NONE || offset < INT32_MIN || offset > INT32_MAX) {
		p->fault = "CFA is not understood";
		return WB_ERR_UNSUPPORTED;
	}
	p->state.cfa = (struct rule){ .kind = WB_RULE_OFFSET, .base = slot, .offset = (int32_t)offset };
	return WB_OK;
}

static enum wb_err set_cfa_register(struct program *p, uint64_t number)
{
	/* GCC begins with it on RISC-V: the offset is 0 then, as in libgcc's unwinder. */
	if (p->state.cfa.kind == WB_RULE_UNSPECIFIED)
		return set_cfa(p, number, 0);
	if (p->state.cfa.kind != WB_RULE_OFFSET) {
		p->fault = "def_cfa_register without a register and offset before";
		return WB_ERR_DATA;
	}
	return set_cfa(p, number, p->state.cfa.offset);
}

static enum wb_err set_cfa_offset(struct program *p, int64_t offset)
{
	if (p->state.cfa.kind != WB_RULE_OFFSET || offset < INT32_MIN || offset > INT32_MAX) {
		p->fault = "def_cfa_offset without a register and offset before";
		return WB_ERR_DATA;
	}
	p->state.cfa.offset = (int32_t)offset;
	return WB_OK;
}

/* An expression's bytes as an (offset, size) rule: rows hold no pointers. */
static struct rule take_expression(struct wb_bytes *in, enum wb_rule_kind kind)
{
	uint64_t size = wb_bytes_uleb(in);
	size_t offset = wb_bytes_offset(in);

	wb_bytes_skip(in, size);
	return (struct rule){ .kind = (uint8_t)kind, .offset = (int32_t)offset, .offset2 = (int32_t)size };
}

/* An expression that says where a value is: "bregN offset", which for the CFA, a value, is followed by "deref". Realigned frames and signal trampolines
 * are made of these: a kind of its own, that costs no evaluation. */
static struct rule take_location(struct program *p, struct wb_bytes *in, bool is_cfa)
{
	struct rule rule = take_expression(in, WB_RULE_EXPRESSION);
	struct wb_bytes expression;
	uint8_t op, slot;
	int64_t offset;

	if (in->failed)
		return rule;
	expression = wb_bytes_of(in->start + rule.offset, (size_t)rule.offset2, in->big_endian);
	op = wb_bytes_u8(&expression);
	slot = op >= OP_breg0 && op <= OP_breg31 ? slot_of(p, (uint64_t)(op - OP_breg0)) : (uint8_t)WB_SLOT_NONE;
	offset = wb_bytes_sleb(&expression);
	if (is_cfa && wb_bytes_u8(&expression) != OP_deref)
		return rule;
	if (slot == WB_SLOT_NONE || expression.failed || wb_bytes_left(&expression) || offset < INT32_MIN || offset > INT32_MAX)
		return rule;
	return (struct rule){ .kind = WB_RULE_DEREF, .base = slot, .offset = (int32_t)offset };
}

static enum wb_err restore(struct program *p, uint64_t number)
{
	uint8_t slot = slot_of(p, number);

	if (p->in_cie) {
		p->fault = "restore in a CIE";
		return WB_ERR_DATA;
	}
	if (slot != WB_SLOT_NONE)
		p->state.regs[slot] = p->initial.regs[slot];
	return WB_OK;
}

static enum wb_err remember(struct program *p)
{
	if (p->num_remembered == REMEMBER_MAX) {
		p->fault = "too many remembered states";
		return WB_ERR_LIMIT;
	}
	if (!wb_mem_grow((void **)&p->remembered, &p->remembered_capacity, p->num_remembered, 1, sizeof(*p->remembered)))
		return WB_ERR_MEMORY;
	p->remembered[p->num_remembered++] = p->state;
	return WB_OK;
}

static enum wb_err restore_remembered(struct program *p)
{
	if (!p->num_remembered) {
		p->fault = "restore_state without remember_state";
		return WB_ERR_DATA;
	}
	p->state = p->remembered[--p->num_remembered];
	return WB_OK;
}

static enum wb_err set_register(struct program *p, uint64_t number, uint64_t from)
{
	uint8_t slot = slot_of(p, from);

	if (slot == WB_SLOT_NONE)
		set_rule(p, number, (struct rule){ .kind = WB_RULE_UNDEFINED });
	else
		set_rule(p, number, (struct rule){ .kind = WB_RULE_REGISTER, .base = slot });
	return WB_OK;
}

/* An operand that is unsigned in the encoding and must be usable as a signed one. */
static int64_t take_offset(struct wb_bytes *in)
{
	uint64_t value = wb_bytes_uleb(in);

	if (value <= INT64_MAX)
		return (int64_t)value;
	wb_bytes_fail(in);
	return 0;
}

/* One interpreter per bytecode: this switch is the one for DW_CFA. */
static enum wb_err run_extended(struct program *p, struct wb_bytes *in, uint8_t op)
{
	uint64_t number;

	switch (op) {
	case CFA_nop:
		return WB_OK;
	case CFA_set_loc:
		return advance(p, wb_cfi_pointer(p->section, in, p->fde->cie.fde_encoding, p->fde->cie.address_size));
	case CFA_advance_loc1:
		return advance_by(p, wb_bytes_u8(in));
	case CFA_advance_loc2:
		return advance_by(p, wb_bytes_u16(in));
	case CFA_advance_loc4:
		return advance_by(p, wb_bytes_u32(in));
	case CFA_advance_loc8:
		return advance_by(p, wb_bytes_u64(in));
	case CFA_offset_extended:
		number = wb_bytes_uleb(in);
		return set_offset(p, number, WB_RULE_OFFSET, take_offset(in));
	case CFA_offset_extended_sf:
		number = wb_bytes_uleb(in);
		return set_offset(p, number, WB_RULE_OFFSET, wb_bytes_sleb(in));
	case CFA_GNU_negative_offset_extended:
		number = wb_bytes_uleb(in);
		return set_offset(p, number, WB_RULE_OFFSET, -take_offset(in));
	case CFA_val_offset:
		number = wb_bytes_uleb(in);
		return set_offset(p, number, WB_RULE_VAL_OFFSET, take_offset(in));
	case CFA_val_offset_sf:
		number = wb_bytes_uleb(in);
		return set_offset(p, number, WB_RULE_VAL_OFFSET, wb_bytes_sleb(in));
	case CFA_restore_extended:
		return restore(p, wb_bytes_uleb(in));
	case CFA_undefined:
		set_rule(p, wb_bytes_uleb(in), (struct rule){ .kind = WB_RULE_UNDEFINED });
		return WB_OK;
	case CFA_same_value:
		set_rule(p, wb_bytes_uleb(in), (struct rule){ .kind = WB_RULE_SAME });
		return WB_OK;
	case CFA_register:
		number = wb_bytes_uleb(in);
		return set_register(p, number, wb_bytes_uleb(in));
	case CFA_remember_state:
		return remember(p);
	case CFA_restore_state:
		return restore_remembered(p);
	case CFA_def_cfa:
		number = wb_bytes_uleb(in);
		return set_cfa(p, number, take_offset(in));
	case CFA_LLVM_def_aspace_cfa:
	case CFA_LLVM_def_aspace_cfa_sf:
	case CFA_def_cfa_sf: {
		int32_t offset = 0;

		number = wb_bytes_uleb(in);
		if (op == CFA_LLVM_def_aspace_cfa) {
			int64_t unscaled = take_offset(in);

			p->fault = "CFA is not understood";
			return wb_bytes_uleb(in) ? WB_ERR_UNSUPPORTED : set_cfa(p, number, unscaled);
		}
		p->fault = "CFA is not understood";
		if (!scale(p, wb_bytes_sleb(in), &offset) || (op == CFA_LLVM_def_aspace_cfa_sf && wb_bytes_uleb(in)))
			return WB_ERR_UNSUPPORTED;
		return set_cfa(p, number, offset);
	}
	case CFA_def_cfa_register:
		return set_cfa_register(p, wb_bytes_uleb(in));
	case CFA_def_cfa_offset:
		return set_cfa_offset(p, take_offset(in));
	case CFA_def_cfa_offset_sf: {
		int32_t offset;

		p->fault = "CFA is not understood";
		return scale(p, wb_bytes_sleb(in), &offset) ? set_cfa_offset(p, offset) : WB_ERR_UNSUPPORTED;
	}
	case CFA_def_cfa_expression:
		p->state.cfa = take_location(p, in, true);
		return WB_OK;
	case CFA_expression:
		number = wb_bytes_uleb(in);
		set_rule(p, number, take_location(p, in, false));
		return WB_OK;
	case CFA_val_expression:
		number = wb_bytes_uleb(in);
		set_rule(p, number, take_expression(in, WB_RULE_VAL_EXPRESSION));
		return WB_OK;
	case CFA_GNU_args_size:
		/* Arguments pushed for the call: matters to exception landing pads only. */
		wb_bytes_uleb(in);
		return WB_OK;
	case CFA_negate_ra_state:
	case CFA_negate_ra_state_with_pc:
		/* Whether the return address is signed: the space's pointer mask clears signatures either way. On SPARC 0x2d saves the register
		 * window. */
		if (p->arch->signs_return_addresses)
			return WB_OK;
		p->fault = "register windows";
		return WB_ERR_UNSUPPORTED;
	default:
		p->fault = "unknown call frame instruction";
		return WB_ERR_UNSUPPORTED;
	}
}

/* Each instruction takes at least a byte, so the input bounds the loop. */
static enum wb_err run(struct program *p, struct wb_bytes in)
{
	while (!wb_bytes_at_end(&in)) {
		uint8_t op = wb_bytes_u8(&in);
		enum wb_err err;

		switch (op & ~CFA_operand) {
		case CFA_advance_loc:
			err = advance_by(p, op & CFA_operand);
			break;
		case CFA_offset:
			err = set_offset(p, op & CFA_operand, WB_RULE_OFFSET, take_offset(&in));
			break;
		case CFA_restore:
			err = restore(p, op & CFA_operand);
			break;
		default:
			err = run_extended(p, &in, op);
			break;
		}
		if (err)
			return err;
	}
	p->fault = "call frame instructions are cut short";
	return in.failed ? WB_ERR_DATA : WB_OK;
}

static enum wb_err pack(struct program *p, struct wb_row_table **ret_table, size_t *ret_size)
{
	size_t offsets_size = ((p->num_rows + 3) & ~(size_t)3) * sizeof(uint32_t), rows_size = p->num_rows * sizeof(struct wb_row);
	size_t rules_size = p->num_rules * sizeof(struct wb_row_rule);
	size_t size = sizeof(struct wb_row_table) + offsets_size + rows_size + rules_size;
	struct wb_row_table *table = wb_mem_alloc(size);
	uint8_t *at;

	if (!table)
		return WB_ERR_MEMORY;
	*table = (struct wb_row_table){ .start = p->fde->start, .end = p->fde->end, .expressions = p->section->bytes,
	                                .section_offset = p->fde->offset, .num_rows = (uint32_t)p->num_rows,
	                                .num_rules = (uint32_t)p->num_rules, .section = (uint8_t)p->section->kind };
	at = (uint8_t *)(table + 1);
	memset(at, 0, offsets_size);
	if (p->num_rows)
		memcpy(at, p->offsets, p->num_rows * sizeof(uint32_t));
	at += offsets_size;
	if (rows_size)
		memcpy(at, p->rows, rows_size);
	if (rules_size)
		memcpy(at + rows_size, p->rules, rules_size);
	*ret_table = table;
	*ret_size = size;
	return WB_OK;
}

static enum wb_err compile(struct program *p, struct wb_row_table **ret_table, size_t *ret_size)
{
	const struct wb_fde *fde = p->fde;
	enum wb_err err;

	p->ra_slot = slot_of(p, fde->cie.ra_column);
	if (p->ra_slot == WB_SLOT_NONE) {
		p->fault = "return address column is not understood";
		return WB_ERR_UNSUPPORTED;
	}
	if (fde->start >= fde->end)
		return pack(p, ret_table, ret_size);
	if (fde->end - fde->start > UINT32_MAX) {
		p->fault = "FDE covers more than 4 GiB";
		return WB_ERR_UNSUPPORTED;
	}
	if (wb_bytes_left(&fde->program) > PROGRAM_MAX || wb_bytes_left(&fde->cie.program) > PROGRAM_MAX) {
		p->fault = "more than 1 MiB of call frame instructions";
		return WB_ERR_LIMIT;
	}
	p->in_cie = true;
	err = run(p, fde->cie.program);
	if (err)
		return err;
	p->in_cie = false;
	p->initial = p->state;
	p->location = fde->start;
	err = run(p, fde->program);
	if (!err)
		err = emit(p, fde->end);
	return err ? err : pack(p, ret_table, ret_size);
}

enum wb_err wb_cfi_compile(const struct wb_cfi_section *section, const struct wb_fde *fde, const struct wb_arch_info *arch,
                           struct wb_row_table **ret_table, size_t *ret_size, const char **ret_fault)
{
	struct program p = { .section = section, .fde = fde, .arch = arch, .fault = "" };
	enum wb_err err = compile(&p, ret_table, ret_size);

	*ret_fault = p.fault;
	wb_mem_free(p.remembered);
	wb_mem_free(p.offsets);
	wb_mem_free(p.rows);
	wb_mem_free(p.rules);
	return err;
}
