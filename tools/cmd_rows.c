/* SPDX-License-Identifier: MIT */
/* walkback rows: how the caller is found, for each range of addresses: the row of every strategy that has one, side by side. */
#include "cmd.h"

#include "input.h"
#include "output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	HOWS = WB_HOW_EHABI + 1,
	TEXT_SIZE = 512,              /* of a row: what does not fit ends in "..." */
	TITLE_WIDTH = 21,             /* two addresses of 32 bits; longer ones push the rest along */
	GAP_MAX = 1 << 20,            /* bytes in a row that no row is for, each asked for: a damaged size can be anything */
};

struct rows {
	struct wb_input input;
	struct wb_output output;
	struct wb_image *image;
	enum wb_arch arch;
	struct wb_symbolizer *symbolizer;
	uint32_t asked;               /* strategies, by bit: all that are asked for rows */
	size_t widths[HOWS];          /* of their columns; 0: had none, no column */
};

/* A range in which no strategy's row changes. */
struct range {
	uint64_t start, end;
	bool found;                   /* the image itself has a row here */
	char text[HOWS][TEXT_SIZE];   /* "" without a row */
};

struct buffer { char *text; size_t size, used; };

static void put(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(buffer->text + buffer->used, buffer->size - buffer->used, format, args);
	va_end(args);
	if (length < 0)
		return;
	buffer->used += (size_t)length;
	if (buffer->used < buffer->size)
		return;
	buffer->used = buffer->size - 1;
	memcpy(buffer->text + buffer->size - 4, "...", 4);
}

static const char *reg_name(const struct rows *rows, uint32_t number, char unknown[16])
{
	const char *name = wb_reg_name(rows->arch, number);

	if (name)
		return name;
	snprintf(unknown, 16, "r%" PRIu32, number);
	return unknown;
}

static void put_expression(const struct rows *rows, struct buffer *buffer, const struct wb_rule *rule)
{
	char text[TEXT_SIZE];

	wb_expression_format(rows->arch, rule->expression, rule->expression_size, text, sizeof(text));
	put(buffer, "(%s)", text);
}

static void put_cfa(const struct rows *rows, struct buffer *buffer, const struct wb_rule *rule)
{
	const char *base;
	char unknown[16];

	base = reg_name(rows, rule->base, unknown);
	switch (rule->kind) {
	case WB_RULE_OFFSET: put(buffer, "cfa=%s%+" PRId64, base, rule->offset); return;
	case WB_RULE_DEREF: put(buffer, "cfa=[%s%+" PRId64 "]%+" PRId64, base, rule->offset, rule->offset2); return;
	case WB_RULE_EXPRESSION:
	case WB_RULE_VAL_EXPRESSION:
		put(buffer, "cfa=");
		put_expression(rows, buffer, rule);
		return;
	case WB_RULE_CONSTANT: put(buffer, "cfa=0x%" PRIx64, (uint64_t)rule->offset); return;
	case WB_RULE_UNSPECIFIED:
	case WB_RULE_UNDEFINED:
	case WB_RULE_SAME:
	case WB_RULE_VAL_OFFSET:
	case WB_RULE_REGISTER:
		put(buffer, "cfa=?");
	}
}

static void put_rule(const struct rows *rows, struct buffer *buffer, const struct wb_rule *rule)
{
	char unknown[16];

	put(buffer, " %s=", reg_name(rows, rule->reg, unknown));
	switch (rule->kind) {
	case WB_RULE_UNSPECIFIED: put(buffer, "unspecified"); return;
	case WB_RULE_UNDEFINED: put(buffer, "undefined"); return;
	case WB_RULE_SAME: put(buffer, "same"); return;
	case WB_RULE_OFFSET: put(buffer, "[cfa%+" PRId64 "]", rule->offset); return;
	case WB_RULE_VAL_OFFSET: put(buffer, "cfa%+" PRId64, rule->offset); return;
	case WB_RULE_REGISTER:
		put(buffer, "%s", reg_name(rows, rule->base, unknown));
		if (rule->offset)
			put(buffer, "%+" PRId64, rule->offset);
		return;
	case WB_RULE_EXPRESSION:
		put(buffer, "[");
		put_expression(rows, buffer, rule);
		put(buffer, "]");
		return;
	case WB_RULE_VAL_EXPRESSION: put_expression(rows, buffer, rule); return;
	case WB_RULE_DEREF: put(buffer, "[%s%+" PRId64 "]", reg_name(rows, rule->base, unknown), rule->offset); return;
	case WB_RULE_CONSTANT: put(buffer, "0x%" PRIx64, (uint64_t)rule->offset); return;
	}
}

static void format_row(const struct rows *rows, const struct wb_row_info *info, char *text)
{
	struct buffer buffer = { text, TEXT_SIZE, 0 };

	put_cfa(rows, &buffer, &info->cfa);
	for (size_t i = 0; i < info->num_rules; i++)
		if (info->rules[i].kind != WB_RULE_UNSPECIFIED)
			put_rule(rows, &buffer, &info->rules[i]);
	if (info->signal_frame)
		put(&buffer, " signal");
}

/* Strategies that hold for any code whatever it is: not shown for whole objects. */
static const uint32_t GENERAL = 1u << WB_HOW_LEAF | 1u << WB_HOW_FRAME_POINTER | 1u << WB_HOW_CODE;
/* Not found in the image. */
static const uint32_t NEVER = 1u << WB_HOW_CONTEXT | 1u << WB_HOW_GIVEN | 1u << WB_HOW_SCAN;

/* The range from pc on, at most to `end`, as far as all rows hold. */
static enum wb_err read_range(struct rows *rows, uint64_t pc, uint64_t end, struct range *range)
{
	struct wb_row_info info;

	range->start = pc;
	range->end = end;
	range->found = false;
	for (unsigned how = 0; how < HOWS; how++) {
		enum wb_err err = WB_NONE;

		range->text[how][0] = 0;
		info.size = sizeof(info);
		if (rows->asked >> how & 1)
			err = wb_row_info(rows->input.session, rows->image, pc, (enum wb_how)how, &info);
		if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED || err == WB_ERR_ARGUMENT)
			return err;
		if (err == WB_ERR_DATA)
			snprintf(range->text[how], TEXT_SIZE, "broken");
		if (!err) {
			format_row(rows, &info, range->text[how]);
			range->found |= !(GENERAL >> how & 1);
			if (info.end > pc && info.end < range->end)
				range->end = info.end;
		}
		if (strlen(range->text[how]) > rows->widths[how])
			rows->widths[how] = strlen(range->text[how]);
	}
	/* Where the image says nothing, its next row may start at any byte. */
	if (!range->found)
		range->end = pc + 1;
	return WB_OK;
}

static bool same_rows(const struct range *a, const struct range *b)
{
	for (unsigned how = 0; how < HOWS; how++)
		if (strcmp(a->text[how], b->text[how]))
			return false;
	return true;
}

static bool is_empty(const struct range *range)
{
	for (unsigned how = 0; how < HOWS; how++)
		if (range->text[how][0])
			return false;
	return true;
}

/* A line: its title, then a text for each strategy that has a column. */
static void print_columns(struct rows *rows, const char *title, char texts[HOWS][TEXT_SIZE])
{
	size_t length = strlen(title), spaces = length < TITLE_WIDTH ? TITLE_WIDTH - length : 0;

	wb_output_format(&rows->output, "  %s", title);
	for (unsigned how = 0; how < HOWS; how++) {
		if (!rows->widths[how])
			continue;
		/* Blanks come before a column, so that none end a line. */
		wb_output_format(&rows->output, "%*s%s", (int)spaces + 2, "", texts[how][0] ? texts[how] : "-");
		spaces = rows->widths[how] - strlen(texts[how][0] ? texts[how] : "-");
	}
	wb_output_text(&rows->output, "\n");
}

static void print_header(struct rows *rows)
{
	char names[HOWS][TEXT_SIZE];

	for (unsigned how = 0; how < HOWS; how++) {
		snprintf(names[how], TEXT_SIZE, "%s", wb_how_text((enum wb_how)how));
		if (rows->widths[how] && strlen(names[how]) > rows->widths[how])
			rows->widths[how] = strlen(names[how]);
	}
	print_columns(rows, "", names);
}

static void print_range(struct rows *rows, struct range *range)
{
	char line[64];

	if (is_empty(range))
		return;
	snprintf(line, sizeof(line), "0x%08" PRIx64 "-0x%08" PRIx64, range->start, range->end);
	print_columns(rows, line, range->text);
}

/* Goes through the ranges from start to end, or to where nothing has come for long. Neighbours with the same rows are one. */
static enum wb_err each_range(struct rows *rows, uint64_t start, uint64_t end, bool print)
{
	struct range range, next;
	uint64_t last = start;        /* where the image had something last */
	bool pending = false;

	for (uint64_t pc = start; pc < end && pc - last < GAP_MAX; pc = next.end) {
		enum wb_err err = read_range(rows, pc, end, &next);

		if (err)
			return err;
		if (next.found)
			last = next.end;
		if (pending && same_rows(&range, &next)) {
			range.end = next.end;
			continue;
		}
		if (pending && print)
			print_range(rows, &range);
		range = next;
		pending = true;
	}
	if (pending && print)
		print_range(rows, &range);
	if (print && end - last > GAP_MAX)
		wb_output_format(&rows->output, "  0x%08" PRIx64 "-0x%08" PRIx64 "  left out: no rows for a long way\n", last + GAP_MAX, end);
	return WB_OK;
}

static bool has_columns(const struct rows *rows)
{
	for (unsigned how = 0; how < HOWS; how++)
		if (rows->widths[how])
			return true;
	return false;
}

/* Columns are those of the strategies that have any row here, so the ranges are gone through twice. */
static enum wb_err print_table(struct rows *rows, const char *title, uint64_t start, uint64_t end)
{
	enum wb_err err;

	memset(rows->widths, 0, sizeof(rows->widths));
	err = each_range(rows, start, end, false);
	if (err)
		return err;
	wb_output_format(&rows->output, "%s 0x%" PRIx64 "-0x%" PRIx64 "\n", title, start, end);
	if (!has_columns(rows)) {
		wb_output_text(&rows->output, end - start > GAP_MAX ? "  no rows at first, nor for a long way\n" : "  no rows\n");
		return WB_OK;
	}
	print_header(rows);
	return each_range(rows, start, end, true);
}

static enum wb_err print_object(struct rows *rows)
{
	enum wb_err err = WB_OK;

	rows->asked &= ~GENERAL;
	for (size_t i = 0; !err; i++) {
		struct wb_section_info info = { .size = sizeof(info) };

		err = wb_image_section_info(rows->image, i, &info);
		if (!err && info.executable)
			err = print_table(rows, info.name, info.start, info.end);
	}
	return err == WB_NONE ? WB_OK : err;
}

static enum wb_err print_symbol(struct rows *rows, const char *name, uint64_t start, uint64_t size)
{
	uint32_t asked = rows->asked;
	struct range range;
	enum wb_err err = WB_OK;

	/* Without a size: as far as the image's first row for it reaches. */
	if (!size) {
		rows->asked &= ~GENERAL;
		err = read_range(rows, start, UINT64_MAX, &range);
		rows->asked = asked;
	}
	if (size > UINT64_MAX - start)
		size = UINT64_MAX - start;
	return err ? err : print_table(rows, name, start, size ? start + size : range.end);
}

/* The function that holds an address, or the address alone. */
static enum wb_err print_address(struct rows *rows, uint64_t address)
{
	const struct wb_site *sites;
	size_t count;
	enum wb_err err = wb_symbolize(rows->symbolizer, rows->image, address, WB_PC_EXACT, &sites, &count);
	const struct wb_site *outer;

	if (err)
		return err;
	outer = &sites[count - 1];
	if (outer->function && outer->function_size && outer->function_start <= address && address - outer->function_start < outer->function_size)
		return print_table(rows, outer->function, outer->function_start, outer->function_start + outer->function_size);
	return print_symbol(rows, "?", address, 0);
}

static int print_place(struct rows *rows, const char *object, const char *place)
{
	uint64_t start, size;
	enum wb_err err = WB_NONE;

	/* "add" is a symbol before it is a number; 0xadd is a number. */
	if (strncmp(place, "0x", 2))
		err = wb_symbol_find(rows->symbolizer, rows->image, place, &start, &size);
	if (!err)
		err = print_symbol(rows, place, start, size);
	else if (err == WB_NONE && wb_options_address(place, &start))
		err = print_address(rows, start);
	if (err == WB_NONE) {
		wb_report_line(&rows->input.report, "%s: no symbol %s, and it is no address", object, place);
		return WB_EXIT_FAILED;
	}
	return err && !rows->output.error ? wb_report_failure(&rows->input.report, object, err) : WB_EXIT_OK;
}

static int run(struct rows *rows, char **operands, int count)
{
	struct wb_symbolizer_opts opts = { .size = sizeof(opts), .detail = WB_DETAIL_NAMES };
	struct wb_image_info info = { .size = sizeof(info) };
	int status = wb_input_start(&rows->input);
	enum wb_err err;

	if (status)
		return status;
	err = wb_input_open_object(&rows->input, operands[0], &rows->image);
	if (!err)
		err = wb_image_info(rows->image, &info);
	if (!err)
		err = wb_symbolizer_new(rows->input.session, &opts, &rows->symbolizer);
	if (err)
		return wb_report_failure(&rows->input.report, operands[0], err);
	rows->arch = info.platform.arch;
	rows->asked = ((1u << HOWS) - 1) & ~NEVER;
	if (!wb_output_open(&rows->output, NULL, &rows->input.report))
		return WB_EXIT_FAILED;
	for (int i = 1; i < count && !status; i++)
		status = print_place(rows, operands[0], operands[i]);
	err = count == 1 ? print_object(rows) : WB_OK;
	if (err && !rows->output.error)
		status = wb_report_failure(&rows->input.report, operands[0], err);
	return wb_output_close(&rows->output, &rows->input.report) ? status : WB_EXIT_FAILED;
}

int wb_cmd_rows(int argc, char **argv)
{
	struct rows rows = { .asked = 0 };
	const struct wb_option *const tables[] = { rows.input.object_options, rows.input.path_options, NULL };
	const struct wb_command command = { "rows", "[OPTION]... OBJECT [ADDRESS or SYMBOL]...",
		"How the caller is found in each range of addresses, by every strategy; without an address, for all of the object.", tables };
	int operands, status;

	wb_input_init(&rows.input);
	if (!wb_options_parse(&command, argc, argv, &operands, &status))
		return status;
	if (!operands)
		return wb_options_refuse(&command, "no object");
	status = run(&rows, argv + 1, operands);
	wb_symbolizer_free(rows.symbolizer);
	wb_image_unref(rows.image);
	wb_input_deinit(&rows.input);
	return status;
}
