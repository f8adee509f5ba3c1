/* SPDX-License-Identifier: MIT */
/* The stack machine of DWARF expressions. Everything that call frame information may contain is here; what may not (DWARF 5, 6.4.2) is refused there. */
#include "unwind/expr.h"

enum {
	STACK_MAX = 64,               /* GCC's own unwinder has 64 */
	STEPS_MAX = 1000,             /* branches can loop; real expressions have some twenty operations */
};

enum {
	OP_addr = 0x03, OP_deref = 0x06, OP_const1u = 0x08, OP_const1s, OP_const2u, OP_const2s, OP_const4u, OP_const4s, OP_const8u, OP_const8s,
	OP_constu, OP_consts, OP_dup, OP_drop, OP_over, OP_pick, OP_swap, OP_rot, OP_xderef, OP_abs, OP_and, OP_div, OP_minus, OP_mod, OP_mul,
	OP_neg, OP_not, OP_or, OP_plus, OP_plus_uconst, OP_shl, OP_shr, OP_shra, OP_xor, OP_bra, OP_eq, OP_ge, OP_gt, OP_le, OP_lt, OP_ne,
	OP_skip, OP_lit0, OP_lit31 = 0x4f, OP_reg0 = 0x50, OP_reg31 = 0x6f, OP_breg0 = 0x70, OP_breg31 = 0x8f, OP_regx = 0x90, OP_fbreg = 0x91,
	OP_bregx = 0x92, OP_piece = 0x93, OP_deref_size = 0x94, OP_nop = 0x96, OP_call_frame_cfa = 0x9c, OP_implicit_value = 0x9e,
	OP_stack_value = 0x9f, OP_entry_value = 0xa3, OP_GNU_uninit = 0xf0, OP_GNU_entry_value = 0xf3,
};

struct machine {
	const struct wb_arch_info *arch;
	const struct wb_regs *regs;
	struct wb_view *view;
	struct wb_bytes in;
	uint64_t stack[STACK_MAX];
	unsigned depth;
	struct wb_expr_fault *fault;
	const struct wb_expr_frame *frame; /* NULL: of call frame information */
};

static enum wb_err push(struct machine *m, uint64_t value)
{
	if (m->depth == STACK_MAX)
		return WB_ERR_LIMIT;
	m->stack[m->depth++] = value & m->arch->address_mask;
	return WB_OK;
}

static enum wb_err push_register(struct machine *m, uint64_t number, int64_t offset)
{
	uint8_t slot = number < m->arch->num_dwarf ? m->arch->slot_of_dwarf[number] : (uint8_t)WB_SLOT_NONE;

	if (!wb_regs_has(m->regs, slot))
		return WB_ERR_DATA;
	return push(m, m->regs->value[slot] + (uint64_t)offset);
}

static enum wb_err deref(struct machine *m, unsigned size)
{
	uint64_t address = m->stack[m->depth - 1];
	uint8_t bytes[8] = { 0 };
	struct wb_bytes in;
	enum wb_err err;

	/* At most an address (DWARF 5, 2.5.1.3). */
	if (size > m->arch->word_size || (size & (size - 1)) || !size)
		return WB_ERR_DATA;
	err = wb_view_read(m->view, address, bytes, size);
	if (err) {
		m->fault->is_memory = true;
		m->fault->address = address;
		return err == WB_NONE ? WB_NONE : err;
	}
	in = wb_bytes_of(bytes, size, m->view->big_endian);
	m->stack[m->depth - 1] = wb_bytes_uint(&in, size);
	return WB_OK;
}

static int64_t as_signed(const struct machine *m, uint64_t value)
{
	return m->arch->word_size == 4 ? (int32_t)value : (int64_t)value;
}

static uint64_t shift_right(uint64_t value, uint64_t by)
{
	return by > 63 ? 0 : value >> by;
}

static uint64_t shift_arithmetic(int64_t value, uint64_t by)
{
	return by > 63 ? (value < 0 ? UINT64_MAX : 0) : (uint64_t)(value >> by);
}

/* Operations of two operands: a below b. */
static enum wb_err binary(struct machine *m, uint8_t op)
{
	uint64_t b = m->stack[--m->depth], a = m->stack[m->depth - 1], *top = &m->stack[m->depth - 1];
	int64_t x = as_signed(m, a), y = as_signed(m, b);

	switch (op) {
	case OP_and: *top = a & b; break;
	case OP_or: *top = a | b; break;
	case OP_xor: *top = a ^ b; break;
	case OP_plus: *top = a + b; break;
	case OP_minus: *top = a - b; break;
	case OP_mul: *top = a * b; break;
	case OP_div:
		if (!y)
			return WB_ERR_DATA;
		/* INT64_MIN / -1 would trap; it wraps to itself. */
		*top = y == -1 ? (uint64_t)0 - (uint64_t)x : (uint64_t)(x / y);
		break;
	case OP_mod:
		if (!b)
			return WB_ERR_DATA;
		*top = a % b;
		break;
	case OP_shl: *top = b > 63 ? 0 : a << b; break;
	case OP_shr: *top = shift_right(a, b); break;
	case OP_shra: *top = shift_arithmetic(x, b); break;
	case OP_eq: *top = x == y; break;
	case OP_ge: *top = x >= y; break;
	case OP_gt: *top = x > y; break;
	case OP_le: *top = x <= y; break;
	case OP_lt: *top = x < y; break;
	case OP_ne: *top = x != y; break;
	default: return WB_ERR_UNSUPPORTED;
	}
	*top &= m->arch->address_mask;
	return WB_OK;
}

static enum wb_err jump(struct machine *m, int64_t by)
{
	int64_t to = (int64_t)wb_bytes_offset(&m->in) + by;

	return to >= 0 && wb_bytes_seek(&m->in, (uint64_t)to) ? WB_OK : WB_ERR_DATA;
}

static enum wb_err push_constant(struct machine *m, uint8_t op)
{
	struct wb_bytes *in = &m->in;

	switch (op) {
	case OP_addr: return push(m, wb_bytes_uint(in, m->arch->word_size));
	case OP_const1u: return push(m, wb_bytes_u8(in));
	case OP_const1s: return push(m, (uint64_t)wb_bytes_sint(in, 1));
	case OP_const2u: return push(m, wb_bytes_u16(in));
	case OP_const2s: return push(m, (uint64_t)wb_bytes_sint(in, 2));
	case OP_const4u: return push(m, wb_bytes_u32(in));
	case OP_const4s: return push(m, (uint64_t)wb_bytes_sint(in, 4));
	case OP_const8u:
	case OP_const8s: return push(m, wb_bytes_u64(in));
	case OP_constu: return push(m, wb_bytes_uleb(in));
	case OP_consts: return push(m, (uint64_t)wb_bytes_sleb(in));
	default: return WB_ERR_UNSUPPORTED;
	}
}

/* How many operands an operation needs on the stack; 0xff: not an operation of these. */
static unsigned needs(uint8_t op)
{
	switch (op) {
	case OP_dup: case OP_drop: case OP_deref: case OP_deref_size: case OP_abs: case OP_neg: case OP_not: case OP_plus_uconst: case OP_bra:
	case OP_stack_value:
		return 1;
	case OP_over: case OP_swap: case OP_and: case OP_div: case OP_minus: case OP_mod: case OP_mul: case OP_or: case OP_plus: case OP_shl:
	case OP_shr: case OP_shra: case OP_xor: case OP_eq: case OP_ge: case OP_gt: case OP_le: case OP_lt: case OP_ne:
		return 2;
	case OP_rot:
		return 3;
	default:
		return 0;
	}
}

static void swap(uint64_t *a, uint64_t *b)
{
	uint64_t value = *a;

	*a = *b;
	*b = value;
}

/* What only locations may count from. */
static enum wb_err push_of_frame(struct machine *m, bool has, uint64_t value)
{
	if (!m->frame)
		return WB_ERR_UNSUPPORTED;
	return has ? push(m, value) : WB_ERR_DATA;
}

/* One interpreter per bytecode: this switch is the one for DW_OP. */
static enum wb_err step(struct machine *m, uint8_t op)
{
	uint64_t *top = &m->stack[m->depth ? m->depth - 1 : 0], number;
	int64_t by;

	if (m->depth < needs(op))
		return WB_ERR_DATA;
	if (op >= OP_lit0 && op <= OP_lit31)
		return push(m, op - OP_lit0);
	if (op >= OP_breg0 && op <= OP_breg31)
		return push_register(m, op - OP_breg0, wb_bytes_sleb(&m->in));
	switch (op) {
	case OP_nop:
	case OP_stack_value:
		return WB_OK;
	case OP_bregx:
		number = wb_bytes_uleb(&m->in);
		return push_register(m, number, wb_bytes_sleb(&m->in));
	case OP_fbreg:
		by = wb_bytes_sleb(&m->in);
		return push_of_frame(m, m->frame && m->frame->has_base, m->frame ? m->frame->base + (uint64_t)by : 0);
	case OP_call_frame_cfa:
		return push_of_frame(m, m->frame && m->frame->has_cfa, m->frame ? m->frame->cfa : 0);
	case OP_dup:
		return push(m, *top);
	case OP_drop:
		m->depth--;
		return WB_OK;
	case OP_over:
		return push(m, top[-1]);
	case OP_pick:
		number = wb_bytes_u8(&m->in);
		return number < m->depth ? push(m, m->stack[m->depth - 1 - number]) : WB_ERR_DATA;
	case OP_swap:
		swap(top, top - 1);
		return WB_OK;
	case OP_rot:
		/* The top becomes third; the other two move up. */
		swap(top, top - 1);
		swap(top - 1, top - 2);
		return WB_OK;
	case OP_deref:
		return deref(m, m->arch->word_size);
	case OP_deref_size:
		return deref(m, wb_bytes_u8(&m->in));
	case OP_abs:
		*top = as_signed(m, *top) < 0 ? (0 - *top) & m->arch->address_mask : *top;
		return WB_OK;
	case OP_neg:
		*top = (0 - *top) & m->arch->address_mask;
		return WB_OK;
	case OP_not:
		*top = ~*top & m->arch->address_mask;
		return WB_OK;
	case OP_plus_uconst:
		*top = (*top + wb_bytes_uleb(&m->in)) & m->arch->address_mask;
		return WB_OK;
	case OP_skip:
		return jump(m, wb_bytes_sint(&m->in, 2));
	case OP_bra:
		by = wb_bytes_sint(&m->in, 2);
		return m->stack[--m->depth] ? jump(m, by) : WB_OK;
	default:
		return needs(op) == 2 ? binary(m, op) : push_constant(m, op);
	}
}

enum wb_err wb_expr_evaluate(const struct wb_arch_info *arch, const struct wb_regs *regs, struct wb_view *view, const uint8_t *bytes,
                             size_t size, bool has_initial, uint64_t initial, uint64_t *ret_value, struct wb_expr_fault *ret_fault)
{
	struct machine m;

	/* Member by member: the stack needs no zeroing, which would cost more than the usual expression. */
	m.arch = arch;
	m.regs = regs;
	m.view = view;
	m.in = wb_bytes_of(bytes, size, view->big_endian);
	m.depth = 0;
	m.fault = ret_fault;
	m.frame = NULL;
	*ret_fault = (struct wb_expr_fault){ false, 0 };
	if (has_initial)
		push(&m, initial);
	for (unsigned steps = 0; !wb_bytes_at_end(&m.in); steps++) {
		enum wb_err err = steps < STEPS_MAX ? step(&m, wb_bytes_u8(&m.in)) : WB_ERR_LIMIT;

		if (err)
			return err;
	}
	if (m.in.failed || !m.depth)
		return WB_ERR_DATA;
	*ret_value = m.stack[m.depth - 1];
	return WB_OK;
}

/* ---- Locations ---- */

/* What a location has come to since the last piece. */
struct place {
	enum { COMPUTED, IN_REGISTER, WITHOUT } kind; /* COMPUTED: the stack's top is an address, if there is one */
	uint64_t number;              /* IN_REGISTER */
};

/* The operations that end a simple location or are made of no known values. WB_NONE: op is none of them. */
static enum wb_err see_place(struct machine *m, uint8_t op, struct place *place)
{
	struct wb_bytes *in = &m->in;

	if (op >= OP_reg0 && op <= OP_reg31) {
		*place = (struct place){ IN_REGISTER, op - OP_reg0 };
		return WB_OK;
	}
	switch (op) {
	case OP_regx:
		*place = (struct place){ IN_REGISTER, wb_bytes_uleb(in) };
		return WB_OK;
	case OP_stack_value:
		place->kind = WITHOUT;
		return WB_OK;
	case OP_implicit_value:
		wb_bytes_skip(in, wb_bytes_uleb(in));
		place->kind = WITHOUT;
		return WB_OK;
	/* What is at an address of the file is on no stack. */
	case OP_addr:
		wb_bytes_skip(in, m->arch->word_size);
		place->kind = WITHOUT;
		return push(m, 0);
	/* What a register had when the function was entered is not known any more, nor is anything that is computed from it. */
	case OP_entry_value:
	case OP_GNU_entry_value:
		wb_bytes_skip(in, wb_bytes_uleb(in));
		place->kind = WITHOUT;
		return push(m, 0);
	case OP_GNU_uninit:
		return WB_OK;
	default:
		return WB_NONE;
	}
}

static struct wb_expr_piece piece_of(const struct machine *m, const struct place *place, uint64_t size)
{
	struct wb_expr_piece piece = { WB_EXPR_NOWHERE, 0, size };

	if (place->kind == IN_REGISTER) {
		piece.where = WB_EXPR_REGISTER;
		piece.value = place->number;
	} else if (place->kind == COMPUTED && m->depth) {
		piece.where = WB_EXPR_MEMORY;
		piece.value = m->stack[m->depth - 1];
	}
	return piece;
}

enum wb_err wb_expr_locate(const struct wb_arch_info *arch, const struct wb_regs *regs, struct wb_view *view, const struct wb_expr_frame *frame,
                           const uint8_t *bytes, size_t size, struct wb_expr_piece *pieces, unsigned *ret_count)
{
	struct wb_expr_fault fault = { false, 0 };
	struct machine m = { .arch = arch, .regs = regs, .view = view, .in = wb_bytes_of(bytes, size, view->big_endian), .fault = &fault, .frame = frame };
	struct place place = { COMPUTED, 0 };
	unsigned count = 0;
	enum wb_err err = WB_OK;

	for (unsigned steps = 0; !err && !wb_bytes_at_end(&m.in) && count < WB_EXPR_PIECES_MAX; steps++) {
		uint8_t op = wb_bytes_u8(&m.in);

		if (op == OP_piece) {
			uint64_t bytes_of_piece = wb_bytes_uleb(&m.in);

			/* That much stands for a whole, and nothing has it. */
			if (bytes_of_piece == UINT64_MAX)
				wb_bytes_fail(&m.in);
			if (m.in.failed)
				break;
			pieces[count++] = piece_of(&m, &place, bytes_of_piece);
			m.depth = 0;
			place = (struct place){ COMPUTED, 0 };
			continue;
		}
		err = steps < STEPS_MAX ? see_place(&m, op, &place) : WB_ERR_LIMIT;
		if (err == WB_NONE)
			err = step(&m, op);
	}
	if (!err && m.in.failed)
		err = WB_ERR_DATA;
	if (!err && !count)
		pieces[count++] = piece_of(&m, &place, UINT64_MAX);
	if (!count)
		return err;
	*ret_count = count;
	return WB_OK;
}
