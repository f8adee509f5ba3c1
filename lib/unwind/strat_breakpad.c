/* SPDX-License-Identifier: MIT */
/*
 * The Breakpad strategy: STACK CFI and STACK WIN records of symbol files as rows. Their text cannot say all that call frame information can, and frame
 * data of x86 is right between prologue and epilogue alone, so the rows are guesses: what they give is checked, as for frame pointers.
 */
#include "model/breakpad_sym.h"
#include "unwind/postfix.h"
#include "unwind/strategy.h"

#include <string.h>

enum { RULES_MAX = 40 };          /* registers of a row: no architecture here has more that are saved */

/* A rule as text: where its name and its expression are. */
struct rule { const char *name, *expression, *end; size_t length; };

struct maker {
	struct wb_postfix postfix;
	struct rule rules[RULES_MAX];
	size_t num_rules;
	struct wb_row_rule row[RULES_MAX + 1]; /* the CFA's first */
	uint8_t num_row;
	uint8_t expressions[WB_POSTFIX_BYTES];
	size_t expressions_size;
	bool is_root;                 /* the return address is undefined */
};

/* ---- Rules of a row ---- */

static bool add_expression(struct maker *m, uint8_t slot, enum wb_rule_kind kind, struct wb_postfix_code code)
{
	if (m->num_row > RULES_MAX || sizeof(m->expressions) - m->expressions_size < code.size)
		return false;
	memcpy(m->expressions + m->expressions_size, m->postfix.bytes + code.at, code.size);
	m->row[m->num_row++] = (struct wb_row_rule){ .slot = slot, .kind = (uint8_t)kind, .offset = (int32_t)m->expressions_size, .offset2 = code.size };
	m->expressions_size += code.size;
	return true;
}

/* A register's value: in memory, if reading that is what the expression does last. */
static bool add_value(struct maker *m, uint8_t slot, struct wb_postfix_code code)
{
	if (!code.is_memory)
		return add_expression(m, slot, WB_RULE_VAL_EXPRESSION, code);
	code.size--; /* the operation that reads */
	return add_expression(m, slot, WB_RULE_EXPRESSION, code);
}

static bool add_row_rule(struct maker *m, struct wb_row_rule rule)
{
	if (m->num_row > RULES_MAX)
		return false;
	m->row[m->num_row++] = rule;
	return true;
}

static enum wb_err finish(struct maker *m, const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	ret_found->row = (struct wb_row){ .flags = WB_ROW_GENERAL | WB_ROW_GUESS, .how = WB_HOW_BREAKPAD };
	if (m->is_root)
		ret_found->row.flags = WB_ROW_GENERAL | WB_ROW_ROOT;
	return wb_found_expressions(ret_found, m->row, m->num_row, lookup->image_pc, m->expressions, m->expressions_size);
}

/* ---- STACK CFI ---- */

static const char *skip_spaces(const char *at)
{
	return at + strspn(at, " ");
}

/* "NAME: EXPRESSION NAME: EXPRESSION": later rules replace those of the same name. */
static bool read_rules(struct maker *m, const char *text)
{
	const char *end = text + strlen(text);
	struct rule *rule = NULL;

	for (text = skip_spaces(text); *text; text = skip_spaces(text)) {
		size_t length = wb_postfix_word(text, end), i = 0;

		if (text[length - 1] == ':') {
			while (i < m->num_rules && (m->rules[i].length != length - 1 || memcmp(m->rules[i].name, text, length - 1)))
				i++;
			if (i == RULES_MAX)
				return false;
			rule = &m->rules[i];
			*rule = (struct rule){ text, text + length, text + length, length - 1 };
			m->num_rules += i == m->num_rules;
		} else if (!rule) {
			return false;
		} else {
			rule->end = text + length;
		}
		text += length;
	}
	return true;
}

static const struct rule *find_rule(const struct maker *m, const char *name)
{
	for (size_t i = 0; i < m->num_rules; i++)
		if (m->rules[i].length == strlen(name) && !memcmp(m->rules[i].name, name, m->rules[i].length))
			return &m->rules[i];
	return NULL;
}

static bool is_word(const char *text, const char *end, const char *word)
{
	return wb_postfix_word(text, end) == strlen(word) && !memcmp(text, word, strlen(word));
}

/* A rule of the usual form, "BASE NUMBER +", and what is behind it. */
static bool is_sum(const struct rule *rule, const char **ret_base, size_t *ret_length, int32_t *ret_offset, const char **ret_rest)
{
	const char *at = skip_spaces(rule->expression), *number;
	int64_t value = 0;

	*ret_base = at;
	*ret_length = wb_postfix_word(at, rule->end);
	at = number = skip_spaces(at + *ret_length);
	at += *at == '-';
	if (at >= rule->end || *at < '0' || *at > '9')
		return false;
	for (; at < rule->end && *at >= '0' && *at <= '9' && value < INT32_MAX / 10; at++)
		value = value * 10 + (*at - '0');
	at = skip_spaces(at);
	if (at >= rule->end || !is_word(at, rule->end, "+"))
		return false;
	*ret_offset = (int32_t)(*number == '-' ? -value : value);
	*ret_rest = skip_spaces(at + 1);
	return true;
}

static bool add_cfa(struct maker *m)
{
	const struct rule *rule = find_rule(m, ".cfa");
	struct wb_postfix_code code;
	const char *base, *rest;
	int32_t offset;
	size_t length;
	uint8_t slot;

	if (!rule)
		return false;
	if (is_sum(rule, &base, &length, &offset, &rest) && rest >= rule->end) {
		slot = wb_postfix_register(m->postfix.arch, base, length);
		return slot != WB_SLOT_NONE && wb_postfix_sum(&m->postfix, slot, offset, &code) && wb_postfix_set(&m->postfix, ".cfa", 4, code) &&
		       add_row_rule(m, (struct wb_row_rule){ .slot = WB_SLOT_CFA, .kind = WB_RULE_OFFSET, .base = slot, .offset = offset });
	}
	return wb_postfix_run(&m->postfix, rule->expression, rule->end) && wb_postfix_result(&m->postfix, &code) &&
	       wb_postfix_set(&m->postfix, ".cfa", 4, code) && add_expression(m, WB_SLOT_CFA, WB_RULE_EXPRESSION, code);
}

static bool add_rule(struct maker *m, const struct rule *rule, uint8_t slot)
{
	struct wb_postfix_code code;
	const char *base, *rest;
	int32_t offset;
	size_t length;

	if (is_word(skip_spaces(rule->expression), rule->end, ".undef")) {
		m->is_root |= slot == m->postfix.arch->pc;
		return add_row_rule(m, (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_UNDEFINED });
	}
	if (is_sum(rule, &base, &length, &offset, &rest) && length == 4 && !memcmp(base, ".cfa", 4)) {
		if (rest >= rule->end)
			return add_row_rule(m, (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_VAL_OFFSET, .offset = offset });
		if (is_word(rest, rule->end, "^") && skip_spaces(rest + 1) >= rule->end)
			return add_row_rule(m, (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_OFFSET, .offset = offset });
	}
	return wb_postfix_run(&m->postfix, rule->expression, rule->end) && wb_postfix_result(&m->postfix, &code) && add_value(m, slot, code);
}

static bool add_registers(struct maker *m)
{
	bool has_return = false;

	for (size_t i = 0; i < m->num_rules; i++) {
		const struct rule *rule = &m->rules[i];
		bool is_return = rule->length == 3 && !memcmp(rule->name, ".ra", 3);
		uint8_t slot = is_return ? m->postfix.arch->pc : wb_postfix_register(m->postfix.arch, rule->name, rule->length);

		if (slot == WB_SLOT_NONE || (rule->length == 4 && !memcmp(rule->name, ".cfa", 4)))
			continue;
		if (!add_rule(m, rule, slot))
			return false;
		has_return |= slot == m->postfix.arch->pc;
	}
	/* Writers leave out a return address that is undefined: no caller. */
	m->is_root |= !has_return;
	return true;
}

static enum wb_err by_cfi(const struct wb_lookup *lookup, const struct wb_breakpad_sym *sym, uint64_t offset, struct maker *m, struct wb_found *ret_found)
{
	struct wb_breakpad_cfi cfi;
	const char *changes;

	if (!wb_breakpad_cfi(sym, offset, &cfi))
		return WB_NONE;
	if (!read_rules(m, cfi.rules))
		return WB_NONE;
	while ((changes = wb_breakpad_next_change(sym, &cfi, offset)))
		if (!read_rules(m, changes))
			return WB_NONE;
	return add_cfa(m) && add_registers(m) ? finish(m, lookup, ret_found) : WB_NONE;
}

/* ---- STACK WIN ---- */

/* What frame pointer omission data means, as a program: the return address is above what the frame has on the stack. */
static const char *const by_search = "$eip .raSearch ^ = $esp .raSearch 4 + =";
static const char *const by_search_with_base = "$eip .raSearch ^ = $ebp $esp .cbCalleeParams + .cbSavedRegs + 8 - ^ = $esp .raSearch 4 + =";

static bool set_constant(struct wb_postfix *p, const char *name, uint32_t value)
{
	struct wb_postfix_code code;

	return wb_postfix_constant(p, value, &code) && wb_postfix_set(p, name, strlen(name), code);
}

static bool set_constants(struct maker *m, const struct wb_lookup *lookup, const struct wb_breakpad_win *win)
{
	struct wb_postfix *p = &m->postfix;
	struct wb_postfix_code search;
	int64_t above = (int64_t)win->locals + win->saved + lookup->callee_parameters;

	return set_constant(p, ".cbParams", win->parameters) && set_constant(p, ".cbCalleeParams", lookup->callee_parameters) &&
	       set_constant(p, ".cbSavedRegs", win->saved) && set_constant(p, ".cbLocals", win->locals) &&
	       wb_postfix_sum(p, p->arch->sp, above, &search) && wb_postfix_set(p, ".raSearch", 9, search) &&
	       wb_postfix_set(p, ".raSearchStart", 14, search);
}

static enum wb_err by_win(const struct wb_lookup *lookup, const struct wb_breakpad_sym *sym, uint64_t offset, struct maker *m, struct wb_found *ret_found)
{
	static const char *const kept[] = { "$ebp", "$ebx", "$esi", "$edi" };
	struct wb_postfix_code code, pc;
	struct wb_breakpad_win win;
	const char *program;

	/* The registers are those of the one machine that has such records. */
	if (wb_postfix_register(lookup->arch, "$eip", 4) != lookup->arch->pc || !wb_breakpad_win(sym, offset, &win))
		return WB_NONE;
	program = win.program ? win.program : win.allocates_base_pointer ? by_search_with_base : by_search;
	if (!set_constants(m, lookup, &win) || !wb_postfix_run(&m->postfix, program, program + strlen(program)) ||
	    !wb_postfix_get(&m->postfix, "$esp", &code) || !wb_postfix_get(&m->postfix, "$eip", &pc))
		return WB_NONE;
	if (!add_expression(m, WB_SLOT_CFA, WB_RULE_EXPRESSION, code) || !add_value(m, lookup->arch->pc, pc))
		return WB_NONE;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (wb_postfix_get(&m->postfix, kept[i], &code) && !add_value(m, wb_postfix_register(lookup->arch, kept[i], 4), code))
			return WB_NONE;
	ret_found->parameters = win.parameters;
	return finish(m, lookup, ret_found);
}

enum wb_err wb_strat_breakpad(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	struct wb_breakpad_sym *sym;
	struct maker maker;
	uint64_t offset;
	enum wb_err err = lookup->image ? wb_breakpad_of_image(lookup->image, &sym) : WB_NONE;

	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	offset = wb_breakpad_offset(sym, lookup->image_pc);
	wb_postfix_init(&maker.postfix, lookup->arch);
	maker.num_rules = 0;
	maker.num_row = 0;
	maker.expressions_size = 0;
	maker.is_root = false;
	err = by_cfi(lookup, sym, offset, &maker, ret_found);
	if (err != WB_NONE)
		return err;
	wb_postfix_init(&maker.postfix, lookup->arch);
	maker.num_row = 0;
	maker.expressions_size = 0;
	maker.is_root = false;
	return by_win(lookup, sym, offset, &maker, ret_found);
}
