/* SPDX-License-Identifier: MIT */
/* Expressions as text, for tools: "breg7+160; deref". One table says the name and the operands of each operation (DWARF 5, 7.7.1). */
#include <walkback/unwind.h>

#include "base/bytes.h"
#include "model/arch.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum operand { NONE, U1, S1, U2, S2, U4, S4, U8, S8, ULEB, SLEB, ADDRESS };

static const struct { uint8_t op; uint8_t operand; const char *name; } operations[] = {
	{ 0x03, ADDRESS, "addr" }, { 0x06, NONE, "deref" }, { 0x08, U1, "const1u" }, { 0x09, S1, "const1s" }, { 0x0a, U2, "const2u" },
	{ 0x0b, S2, "const2s" }, { 0x0c, U4, "const4u" }, { 0x0d, S4, "const4s" }, { 0x0e, U8, "const8u" }, { 0x0f, S8, "const8s" },
	{ 0x10, ULEB, "constu" }, { 0x11, SLEB, "consts" }, { 0x12, NONE, "dup" }, { 0x13, NONE, "drop" }, { 0x14, NONE, "over" },
	{ 0x15, U1, "pick" }, { 0x16, NONE, "swap" }, { 0x17, NONE, "rot" }, { 0x19, NONE, "abs" }, { 0x1a, NONE, "and" }, { 0x1b, NONE, "div" },
	{ 0x1c, NONE, "minus" }, { 0x1d, NONE, "mod" }, { 0x1e, NONE, "mul" }, { 0x1f, NONE, "neg" }, { 0x20, NONE, "not" }, { 0x21, NONE, "or" },
	{ 0x22, NONE, "plus" }, { 0x23, ULEB, "plus_uconst" }, { 0x24, NONE, "shl" }, { 0x25, NONE, "shr" }, { 0x26, NONE, "shra" },
	{ 0x27, NONE, "xor" }, { 0x28, S2, "bra" }, { 0x29, NONE, "eq" }, { 0x2a, NONE, "ge" }, { 0x2b, NONE, "gt" }, { 0x2c, NONE, "le" },
	{ 0x2d, NONE, "lt" }, { 0x2e, NONE, "ne" }, { 0x2f, S2, "skip" }, { 0x94, U1, "deref_size" }, { 0x96, NONE, "nop" },
	{ 0x9f, NONE, "stack_value" },
};

struct text { char *buffer; size_t size, length; };

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
	bool fits = t->length < t->size;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(fits ? t->buffer + t->length : NULL, fits ? t->size - t->length : 0, format, args);
	va_end(args);
	t->length += length > 0 ? (size_t)length : 0;
}

static void put_operand(struct text *t, struct wb_bytes *in, enum operand operand, unsigned word_size)
{
	switch (operand) {
	case NONE: return;
	case U1: put(t, " %u", wb_bytes_u8(in)); return;
	case U2: put(t, " %u", wb_bytes_u16(in)); return;
	case U4: put(t, " %" PRIu32, wb_bytes_u32(in)); return;
	case U8: put(t, " %" PRIu64, wb_bytes_u64(in)); return;
	case S1: put(t, " %" PRId64, wb_bytes_sint(in, 1)); return;
	case S2: put(t, " %" PRId64, wb_bytes_sint(in, 2)); return;
	case S4: put(t, " %" PRId64, wb_bytes_sint(in, 4)); return;
	case S8: put(t, " %" PRId64, (int64_t)wb_bytes_u64(in)); return;
	case ULEB: put(t, " %" PRIu64, wb_bytes_uleb(in)); return;
	case SLEB: put(t, " %" PRId64, wb_bytes_sleb(in)); return;
	case ADDRESS: put(t, " 0x%" PRIx64, wb_bytes_uint(in, word_size)); return;
	}
}

static bool put_operation(struct text *t, struct wb_bytes *in, uint8_t op, unsigned word_size)
{
	if (op >= 0x30 && op <= 0x4f) {
		put(t, "lit%u", op - 0x30u);
		return true;
	}
	if ((op >= 0x70 && op <= 0x8f) || op == 0x92) {
		uint64_t reg = op == 0x92 ? wb_bytes_uleb(in) : op - 0x70u;

		put(t, "breg%" PRIu64 "%+" PRId64, reg, wb_bytes_sleb(in));
		return true;
	}
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (operations[i].op != op)
			continue;
		put(t, "%s", operations[i].name);
		put_operand(t, in, (enum operand)operations[i].operand, word_size);
		return true;
	}
	return false;
}

size_t wb_expression_format(enum wb_arch arch, const uint8_t *expression, size_t expression_size, char *buffer, size_t size)
{
	const struct wb_arch_info *info = wb_arch_info(arch);
	/* Operands wider than a byte are rare here; expressions of big-endian images would need the image's byte order. */
	struct wb_bytes in = wb_bytes_of(expression, expression ? expression_size : 0, false);
	struct text t = { buffer, size, 0 };

	if (size)
		*buffer = 0;
	while (!wb_bytes_at_end(&in)) {
		uint8_t op = wb_bytes_u8(&in);

		if (t.length)
			put(&t, "; ");
		if (put_operation(&t, &in, op, info ? info->word_size : 8) && !in.failed)
			continue;
		put(&t, "?0x%02x", op);
		break;
	}
	return t.length;
}
