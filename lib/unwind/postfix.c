/* SPDX-License-Identifier: MIT */
/* Compiling postfix expressions to DWARF's (DWARF 5, 2.5 and 7.7.1), which are postfix too. */
#include "unwind/postfix.h"

#include <string.h>

enum { OP_deref = 0x06, OP_consts = 0x11, OP_and = 0x1a, OP_div, OP_minus, OP_mod, OP_mul, OP_neg, OP_plus = 0x22, OP_bregx = 0x92 };

size_t wb_postfix_word(const char *text, const char *end)
{
	size_t size = 0;

	while (text + size < end && text[size] && text[size] != ' ')
		size++;
	return size;
}

uint8_t wb_postfix_register(const struct wb_arch_info *arch, const char *name, size_t length)
{
	if (length && *name == '$') {
		name++;
		length--;
	}
	for (uint8_t i = 0; i < arch->num_regs; i++)
		if (strlen(arch->regs[i].name) == length && !memcmp(arch->regs[i].name, name, length))
			return i;
	for (const struct wb_arch_alias *alias = arch->aliases; alias && alias->name; alias++)
		if (strlen(alias->name) == length && !memcmp(alias->name, name, length))
			return alias->slot;
	return WB_SLOT_NONE;
}

void wb_postfix_init(struct wb_postfix *p, const struct wb_arch_info *arch)
{
	p->arch = arch;
	p->used = 0;
	p->num_variables = 0;
	p->depth = 0;
}

/* ---- Code ---- */

static bool put(struct wb_postfix *p, uint8_t byte)
{
	if (p->used == WB_POSTFIX_BYTES)
		return false;
	p->bytes[p->used++] = byte;
	return true;
}

/* DWARF 5, 7.6. */
static bool put_sleb(struct wb_postfix *p, int64_t value)
{
	for (;;) {
		uint8_t byte = value & 0x7f;
		bool last = (value >> 6) == 0 || (value >> 6) == -1;

		if (!put(p, (uint8_t)(byte | (last ? 0 : 0x80))))
			return false;
		if (last)
			return true;
		value >>= 7;
	}
}

static bool put_uleb(struct wb_postfix *p, uint32_t value)
{
	for (; value >= 0x80; value >>= 7)
		if (!put(p, (uint8_t)(value | 0x80)))
			return false;
	return put(p, (uint8_t)value);
}

static bool put_code(struct wb_postfix *p, struct wb_postfix_code code)
{
	if (WB_POSTFIX_BYTES - p->used < code.size)
		return false;
	memmove(p->bytes + p->used, p->bytes + code.at, code.size);
	p->used += code.size;
	return true;
}

static struct wb_postfix_code code_since(const struct wb_postfix *p, size_t start, bool is_memory)
{
	return (struct wb_postfix_code){ (uint16_t)start, (uint16_t)(p->used - start), is_memory };
}

bool wb_postfix_constant(struct wb_postfix *p, int64_t value, struct wb_postfix_code *ret)
{
	size_t start = p->used;

	if (!put(p, OP_consts) || !put_sleb(p, value))
		return false;
	*ret = code_since(p, start, false);
	return true;
}

bool wb_postfix_sum(struct wb_postfix *p, uint8_t slot, int64_t offset, struct wb_postfix_code *ret)
{
	size_t start = p->used;
	uint32_t number = slot < p->arch->num_regs ? p->arch->regs[slot].number : UINT32_MAX;

	/* The pc has no number in DWARF. */
	if (number == WB_REG_PC)
		number = slot;
	if (number >= p->arch->num_dwarf || !put(p, OP_bregx) || !put_uleb(p, number) || !put_sleb(p, offset))
		return false;
	*ret = code_since(p, start, false);
	return true;
}

/* ---- Variables and the stack ---- */

bool wb_postfix_set(struct wb_postfix *p, const char *name, size_t length, struct wb_postfix_code code)
{
	size_t i = 0;

	while (i < p->num_variables && (p->variables[i].length != length || memcmp(p->variables[i].name, name, length)))
		i++;
	if (i == WB_POSTFIX_VARIABLES)
		return false;
	p->variables[i].name = name;
	p->variables[i].length = length;
	p->variables[i].code = code;
	p->num_variables += i == p->num_variables;
	return true;
}

static bool get(const struct wb_postfix *p, const char *name, size_t length, struct wb_postfix_code *ret)
{
	for (size_t i = 0; i < p->num_variables; i++) {
		if (p->variables[i].length != length || memcmp(p->variables[i].name, name, length))
			continue;
		*ret = p->variables[i].code;
		return true;
	}
	return false;
}

bool wb_postfix_get(const struct wb_postfix *p, const char *name, struct wb_postfix_code *ret)
{
	return get(p, name, strlen(name), ret);
}

static bool push(struct wb_postfix *p, struct wb_postfix_item item)
{
	if (p->depth == WB_POSTFIX_STACK)
		return false;
	p->stack[p->depth++] = item;
	return true;
}

static bool pop_value(struct wb_postfix *p, struct wb_postfix_code *ret)
{
	struct wb_postfix_item item;
	uint8_t slot;

	if (!p->depth)
		return false;
	item = p->stack[--p->depth];
	*ret = item.code;
	if (!item.name || get(p, item.name, item.length, ret))
		return true;
	slot = wb_postfix_register(p->arch, item.name, item.length);
	return slot != WB_SLOT_NONE && wb_postfix_sum(p, slot, 0, ret);
}

static bool assign(struct wb_postfix *p)
{
	struct wb_postfix_code value;
	struct wb_postfix_item target;

	if (!pop_value(p, &value) || !p->depth)
		return false;
	target = p->stack[--p->depth];
	return target.name && wb_postfix_set(p, target.name, target.length, value);
}

static bool operate(struct wb_postfix *p, char operator)
{
	static const char operators[] = "+-*/%@";
	static const uint8_t codes[] = { OP_plus, OP_minus, OP_mul, OP_div, OP_mod, OP_neg };
	struct wb_postfix_code left = { 0 }, right;
	const char *at = strchr(operators, operator);
	size_t start;

	if (!pop_value(p, &right) || (at && !pop_value(p, &left)))
		return false;
	start = p->used;
	if (at ? !put_code(p, left) || !put_code(p, right) || !put(p, codes[at - operators]) : !put_code(p, right) || !put(p, OP_deref))
		return false;
	/* a b @: a, aligned down to a multiple of b, a power of two: a & -b. */
	if (operator == '@' && !put(p, OP_and))
		return false;
	return push(p, (struct wb_postfix_item){ .code = code_since(p, start, !at) });
}

/* A decimal number, which may be negative. */
static bool parse_number(const char *text, size_t length, int64_t *ret_value)
{
	size_t i = length > 1 && *text == '-';
	int64_t value = 0;

	if (!length)
		return false;
	for (; i < length; i++)
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, text[i] - '0', &value))
			return false;
	*ret_value = *text == '-' ? -value : value;
	return true;
}

static bool run_word(struct wb_postfix *p, const char *word, size_t length)
{
	struct wb_postfix_item item = { .name = word, .length = length };
	int64_t value;

	if (length == 1 && strchr("+-*/%@^", *word))
		return operate(p, *word);
	if (length == 1 && *word == '=')
		return assign(p);
	if (parse_number(word, length, &value)) {
		item.name = NULL;
		return wb_postfix_constant(p, value, &item.code) && push(p, item);
	}
	return push(p, item);
}

bool wb_postfix_run(struct wb_postfix *p, const char *text, const char *end)
{
	p->depth = 0;
	while (text < end && *text) {
		size_t length = wb_postfix_word(text, end);

		if (length && !run_word(p, text, length))
			return false;
		text += length + !length;
	}
	return true;
}

bool wb_postfix_result(struct wb_postfix *p, struct wb_postfix_code *ret)
{
	return p->depth == 1 && pop_value(p, ret);
}
