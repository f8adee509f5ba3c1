/* SPDX-License-Identifier: MIT */
/* walkback annotate: the stack of one sample, word by word, with what is known of each. */
#include "cmd.h"

#include "input.h"
#include "names.h"
#include "output.h"
#include "strategy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_MAX = 8 };               /* variables of one word: bytes of different ones, or of blocks that share their places */

struct annotate {
	struct wb_input input;
	struct wb_output output;
	struct wb_symbolizer *symbolizer;
	struct wb_buffer line;
	uint64_t number, max_words;
	const char *file, *format, *strategy;
	struct wb_strategy_list strategies;
	bool json;
	/* The sample. */
	struct wb_space *space;
	const struct wb_annotation *annotation;
	enum wb_arch arch;
	size_t first_part;            /* of the annotation's, that can be in the word at hand */
};

static void end_line(struct annotate *a)
{
	wb_buffer_text(&a->line, "\n");
	if (a->line.text)
		wb_output_text(&a->output, a->line.text);
	wb_buffer_clear(&a->line);
}

static const char *reg_name(const struct annotate *a, uint32_t number)
{
	const char *name = wb_reg_name(a->arch, number);

	return name ? name : "register";
}

static void put_frame_name(struct annotate *a, uint32_t frame)
{
	if (frame < a->annotation->num_frames)
		wb_names_frame(&a->line, a->symbolizer, &a->annotation->frames[frame], a->json);
}

/* The first word at SP of a word's stack: offsets count from it. */
static uint64_t stack_start(const struct wb_annotation *annotation, const struct wb_word *word)
{
	for (size_t i = 0; i < annotation->num_words; i++)
		if (annotation->words[i].stack == word->stack && annotation->words[i].flags & WB_WORD_AT_SP)
			return annotation->words[i].address;
	return word->address;
}

/* ---- Variables ---- */

static const char *variable_kind_text(enum wb_variable_kind kind)
{
	switch (kind) {
	case WB_VARIABLE_ARGUMENT: return "argument";
	case WB_VARIABLE_RESULT: return "result";
	case WB_VARIABLE_LOCAL: break;
	}
	return "variable";
}

/* The next of those that are in a word, from number *next on. NULL: no more. */
static const struct wb_variable_part *next_part(const struct wb_annotation *n, const struct wb_word *word, size_t *next)
{
	while (*next < n->num_parts && n->parts[*next].address < word->address + n->word_size) {
		const struct wb_variable_part *part = &n->parts[(*next)++];

		if (part->address + part->bytes > word->address)
			return part;
	}
	return NULL;
}

static void put_part_text(struct annotate *a, const struct wb_word *word, const struct wb_variable_part *part)
{
	struct wb_buffer *line = &a->line;
	uint64_t offset = part->offset + (part->address < word->address ? word->address - part->address : 0);

	if (part->address > word->address)
		wb_buffer_format(line, "at +%" PRIu64 ": ", part->address - word->address);
	wb_buffer_format(line, "%s ", variable_kind_text((enum wb_variable_kind)part->kind));
	wb_buffer_clean(line, part->name);
	if (offset)
		wb_buffer_format(line, "+%" PRIu64, offset);
	if (part->function) {
		wb_buffer_text(line, " of ");
		wb_buffer_clean(line, part->function);
	}
}

static void put_part_json(struct annotate *a, const struct wb_word *word, const struct wb_variable_part *part)
{
	struct wb_buffer *line = &a->line;

	wb_buffer_format(line, "{\"kind\":\"%s\",\"name\":", variable_kind_text((enum wb_variable_kind)part->kind));
	wb_buffer_json(line, part->name);
	if (part->function) {
		wb_buffer_text(line, ",\"function\":");
		wb_buffer_json(line, part->function);
	}
	wb_buffer_format(line, ",\"frame\":%" PRIu32 "%s,\"offset\":%" PRIu64, part->frame, part->call_depth ? ",\"inlined\":true" : "",
	                 part->offset + (part->address < word->address ? word->address - part->address : 0));
	if (part->address > word->address)
		wb_buffer_format(line, ",\"at\":%" PRIu64, part->address - word->address);
	if (part->variable_bytes)
		wb_buffer_format(line, ",\"size\":%" PRIu64, part->variable_bytes);
	wb_buffer_text(line, "}");
}

/* Those of a word that has some, after `before` and up to `after`. */
static void put_parts(struct annotate *a, const struct wb_word *word, const char *before, const char *after)
{
	const struct wb_annotation *n = a->annotation;
	const struct wb_variable_part *part;
	unsigned count = 0;
	size_t next;

	/* Words come by address. */
	while (a->first_part < n->num_parts && n->parts[a->first_part].address + n->parts[a->first_part].bytes <= word->address)
		a->first_part++;
	next = a->first_part;
	wb_buffer_text(&a->line, before);
	while ((part = next_part(n, word, &next)) && count++ < SHOWN_MAX) {
		if (count > 1)
			wb_buffer_text(&a->line, a->json ? "," : "; ");
		if (a->json)
			put_part_json(a, word, part);
		else
			put_part_text(a, word, part);
	}
	if (part && !a->json)
		wb_buffer_text(&a->line, "; ...");
	wb_buffer_text(&a->line, after);
}

/* ---- Text ---- */

/* By the value alone. */
static void explain_value(struct annotate *a, const struct wb_word *word, uint64_t start)
{
	struct wb_buffer *line = &a->line;

	switch ((enum wb_word_kind)word->kind) {
	case WB_WORD_RETURN:
	case WB_WORD_SAVED:
	case WB_WORD_UNKNOWN: break;
	case WB_WORD_CODE:
		/* What a variable has was not left over by a call. */
		if (word->flags & WB_WORD_AFTER_CALL)
			wb_buffer_text(line, word->flags & WB_WORD_VARIABLE ? "return address to " : "left over: return address to ");
		else
			wb_buffer_text(line, "code: ");
		wb_names_address(line, a->symbolizer, a->space, word->value, word->flags & WB_WORD_AFTER_CALL ? WB_PC_RETURN : WB_PC_EXACT, false);
		break;
	case WB_WORD_STACK:
		wb_buffer_format(line, "stack: %s0x%" PRIx64, word->value < start ? "-" : "+",
		                 word->value < start ? start - word->value : word->value - start);
		break;
	}
}

/* What the walk proved comes first, then what debug information says, then what the value alone looks like. */
static void explain(struct annotate *a, const struct wb_word *word, uint64_t start)
{
	bool is_variable = word->flags & WB_WORD_VARIABLE;
	struct wb_buffer *line = &a->line;

	switch ((enum wb_word_kind)word->kind) {
	case WB_WORD_RETURN:
		wb_buffer_format(line, "return address of #%" PRIu32 " to ", word->frame);
		put_frame_name(a, word->frame + 1);
		wb_buffer_text(line, word->flags & WB_WORD_JOINT ? "; joint: on another stack" : "");
		break;
	case WB_WORD_SAVED:
		wb_buffer_format(line, "saved %s of ", word->flags & WB_WORD_IS_FP ? "frame pointer" : reg_name(a, word->reg));
		put_frame_name(a, word->frame + 1);
		wb_buffer_text(line, word->flags & WB_WORD_SUSPICIOUS ? "; suspicious: leads nowhere" : "");
		break;
	case WB_WORD_CODE:
	case WB_WORD_STACK:
	case WB_WORD_UNKNOWN: break;
	}
	if (is_variable && (word->kind == WB_WORD_RETURN || word->kind == WB_WORD_SAVED))
		put_parts(a, word, "; ", "");
	else if (is_variable)
		put_parts(a, word, "", word->kind == WB_WORD_UNKNOWN ? "" : "; ");
	explain_value(a, word, start);
}

static void print_boundary(struct annotate *a, const struct wb_word *word)
{
	wb_buffer_format(&a->line, "%7s cfa of #%" PRIu32 " ", "", word->cfa_frame);
	put_frame_name(a, word->cfa_frame);
	end_line(a);
}

static void print_word(struct annotate *a, const struct wb_word *word)
{
	uint64_t start = stack_start(a->annotation, word), distance = word->address < start ? start - word->address : word->address - start;
	int digits = (int)a->annotation->word_size * 2;
	const char *marker = word->flags & WB_WORD_AT_SP ? "sp -->" : word->flags & WB_WORD_AT_FP ? "bp -->" : "";

	if (word->flags & WB_WORD_AT_CFA)
		print_boundary(a, word);
	if (word->flags & WB_WORD_AT_SP && word->flags & WB_WORD_AT_FP)
		wb_output_text(&a->output, " bp -->\n");
	wb_buffer_format(&a->line, " %6s 0x%0*" PRIx64 " %c0x%04" PRIx64 " ", marker, digits, word->address, word->address < start ? '-' : '+',
	                 distance);
	if (word->flags & WB_WORD_ABSENT)
		wb_buffer_text(&a->line, " not captured");
	else
		wb_buffer_format(&a->line, " 0x%0*" PRIx64, digits, word->value);
	if (word->kind != WB_WORD_UNKNOWN || word->flags & WB_WORD_VARIABLE)
		wb_buffer_text(&a->line, "  ");
	explain(a, word, start);
	end_line(a);
}

static void print_head(struct annotate *a, const struct wb_sample *sample)
{
	const struct wb_annotation *n = a->annotation;

	wb_buffer_format(&a->line, "sample %" PRIu64 ": ", a->number);
	wb_buffer_clean(&a->line, sample->comm && *sample->comm ? sample->comm : "?");
	wb_buffer_format(&a->line, " %" PRIu32 "/%" PRIu32 ", %zu frames, %s", sample->pid, sample->tid, n->num_frames, wb_stop_text(n->stop.reason));
	end_line(a);
	for (uint32_t i = 0; i < n->num_frames; i++) {
		wb_buffer_format(&a->line, "#%-3" PRIu32 " 0x%" PRIx64 " ", i, n->frames[i].pc);
		put_frame_name(a, i);
		wb_buffer_format(&a->line, "  [%s]", wb_how_text((enum wb_how)n->frames[i].how));
		end_line(a);
	}
}

/* ---- JSON ---- */

static const char *kind_text(enum wb_word_kind kind)
{
	switch (kind) {
	case WB_WORD_UNKNOWN: return "unknown";
	case WB_WORD_RETURN: return "return-address";
	case WB_WORD_SAVED: return "saved-register";
	case WB_WORD_CODE: return "code";
	case WB_WORD_STACK: return "stack";
	}
	return "unknown";
}

static void put_flags(struct annotate *a, unsigned flags)
{
	static const struct { unsigned flag; const char *name; } names[] = {
		{ WB_WORD_AT_SP, "sp" }, { WB_WORD_AT_FP, "bp" }, { WB_WORD_JOINT, "joint" }, { WB_WORD_SUSPICIOUS, "suspicious" },
		{ WB_WORD_ABSENT, "absent" }, { WB_WORD_AFTER_CALL, "after_call" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].flag)
			wb_buffer_format(&a->line, ",\"%s\":true", names[i].name);
}

static void put_word_json(struct annotate *a, const struct wb_word *word)
{
	struct wb_buffer *line = &a->line;

	wb_buffer_format(line, "{\"type\":\"word\",\"stack\":%" PRIu32 ",\"address\":\"0x%" PRIx64 "\",\"distance\":%" PRId64, word->stack, word->address,
	                 (int64_t)(word->address - stack_start(a->annotation, word)));
	if (!(word->flags & WB_WORD_ABSENT))
		wb_buffer_format(line, ",\"value\":\"0x%" PRIx64 "\"", word->value);
	wb_buffer_format(line, ",\"kind\":\"%s\"", kind_text((enum wb_word_kind)word->kind));
	if (word->frame != UINT32_MAX)
		wb_buffer_format(line, ",\"frame\":%" PRIu32, word->frame);
	if (word->flags & WB_WORD_AT_CFA)
		wb_buffer_format(line, ",\"cfa_of\":%" PRIu32, word->cfa_frame);
	if (word->kind == WB_WORD_SAVED)
		wb_buffer_format(line, ",\"register\":\"%s\"", reg_name(a, word->reg));
	put_flags(a, word->flags);
	if (word->kind == WB_WORD_RETURN || word->kind == WB_WORD_SAVED)
		put_frame_name(a, word->frame + 1);
	else if (word->kind == WB_WORD_CODE)
		wb_names_address(line, a->symbolizer, a->space, word->value, word->flags & WB_WORD_AFTER_CALL ? WB_PC_RETURN : WB_PC_EXACT, true);
	if (word->flags & WB_WORD_VARIABLE)
		put_parts(a, word, ",\"variables\":[", "]");
	wb_buffer_text(line, "}");
	end_line(a);
}

static void put_head_json(struct annotate *a, const struct wb_sample *sample)
{
	const struct wb_annotation *n = a->annotation;

	wb_buffer_format(&a->line, "{\"type\":\"sample\",\"number\":%" PRIu64 ",\"pid\":%" PRIu32 ",\"tid\":%" PRIu32 ",\"comm\":", a->number, sample->pid,
	                 sample->tid);
	wb_buffer_json(&a->line, sample->comm);
	wb_buffer_format(&a->line, ",\"frames\":%zu,\"words\":%zu,\"stop\":\"%s\"}", n->num_frames, n->num_words, wb_stop_text(n->stop.reason));
	end_line(a);
	for (uint32_t i = 0; i < n->num_frames; i++) {
		wb_buffer_format(&a->line, "{\"type\":\"frame\",\"frame\":%" PRIu32 ",\"pc\":\"0x%" PRIx64 "\",\"how\":\"%s\"", i, n->frames[i].pc,
		                 wb_how_text((enum wb_how)n->frames[i].how));
		if (n->frames[i].flags & WB_FRAME_HAS_CFA)
			wb_buffer_format(&a->line, ",\"cfa\":\"0x%" PRIx64 "\"", n->frames[i].cfa);
		put_frame_name(a, i);
		wb_buffer_text(&a->line, "}");
		end_line(a);
	}
}

/* ---- The command ---- */

static void print(struct annotate *a, const struct wb_sample *sample)
{
	const struct wb_annotation *n = a->annotation;

	if (a->json)
		put_head_json(a, sample);
	else
		print_head(a, sample);
	for (size_t i = 0; i < n->num_words; i++) {
		bool is_first = !i || n->words[i].stack != n->words[i - 1].stack;

		if (is_first)
			a->first_part = 0;
		if (is_first && !a->json)
			wb_output_format(&a->output, "stack %" PRIu32 "\n", n->words[i].stack);
		if (a->json)
			put_word_json(a, &n->words[i]);
		else
			print_word(a, &n->words[i]);
	}
}

static enum wb_err variables_at(void *arg, const struct wb_frame *frame, wb_variable_fn fn, void *fn_arg)
{
	return wb_variables_at(arg, frame, fn, fn_arg);
}

static enum wb_err find_sample(struct annotate *a, const struct wb_sample **ret_sample)
{
	enum wb_err err = WB_OK;

	for (uint64_t i = 0; i <= a->number && !err; i++)
		err = wb_capture_next(a->input.capture, &a->space, ret_sample);
	return err;
}

static int run(struct annotate *a, const char *path)
{
	struct wb_walker_opts walker = { .size = sizeof(walker), .strategies = a->strategies.items, .num_strategies = a->strategies.count };
	struct wb_annotate_opts opts = { .size = sizeof(opts), .walker = a->strategies.count ? &walker : NULL };
	struct wb_capture_info info = { .size = sizeof(info) };
	struct wb_annotation *annotation = NULL;
	const struct wb_sample *sample;
	int status = wb_input_open(&a->input, path);
	enum wb_err err;

	if (status)
		return status;
	err = find_sample(a, &sample);
	if (err == WB_NONE) {
		wb_report_line(&a->input.report, "%s: no sample %" PRIu64, path, a->number);
		return WB_EXIT_FAILED;
	}
	if (!err)
		err = wb_capture_info(a->input.capture, &info);
	opts.max_words = a->max_words < UINT32_MAX ? (uint32_t)a->max_words : UINT32_MAX;
	if (!err)
		err = wb_symbolizer_new(a->input.session, NULL, &a->symbolizer);
	opts.variables = variables_at;
	opts.variables_arg = a->symbolizer;
	if (!err)
		err = wb_annotate(a->input.session, a->space, sample, &opts, &annotation);
	if (err == WB_NONE) {
		wb_report_line(&a->input.report, "%s: sample %" PRIu64 " has no registers: there is nothing to unwind", path, a->number);
		return WB_EXIT_FAILED;
	}
	if (err || !wb_output_open(&a->output, a->file, &a->input.report)) {
		wb_annotation_free(annotation);
		return err ? wb_report_failure(&a->input.report, path, err) : WB_EXIT_FAILED;
	}
	a->annotation = annotation;
	a->arch = info.platform.arch;
	print(a, sample);
	wb_annotation_free(annotation);
	return wb_output_close(&a->output, &a->input.report) ? WB_EXIT_OK : WB_EXIT_FAILED;
}

int wb_cmd_annotate(int argc, char **argv)
{
	struct annotate a = { .format = "text" };
	const struct wb_option options[] = {
		{ 'n', "number", WB_OPTION_COUNT, &a.number, "N", "which sample, counted from 0 among those that are asked for (default: 0)" },
		{ 'f', "format", WB_OPTION_TEXT, &a.format, "FORMAT", "text (default) or json: an object a line" },
		{ 'o', "output", WB_OPTION_TEXT, &a.file, "FILE", "write there instead of to standard output" },
		{ 0, "strategy", WB_OPTION_TEXT, &a.strategy, "NAMES", "strategies in order, as for stacks" },
		{ 0, "max-words", WB_OPTION_COUNT, &a.max_words, "N", "at most so many words (default: 65536)" },
		{ 0 },
	};
	const struct wb_option *const tables[] = { options, a.input.options, a.input.path_options, NULL };
	const struct wb_command command = { "annotate", "[OPTION]... CAPTURE [-n N]",
		"The stack of one sample, word by word: return addresses, saved registers, what points where.", tables };
	int operands, status;

	wb_input_init(&a.input);
	if (!wb_options_parse(&command, argc, argv, &operands, &status))
		return status;
	if (operands != 1)
		return wb_options_refuse(&command, operands ? "one capture at a time" : "no capture");
	a.json = !strcmp(a.format, "json");
	if (!a.json && strcmp(a.format, "text"))
		return wb_options_refuse(&command, "-f %s: there are text and json", a.format);
	if (a.strategy && !wb_strategy_parse(a.strategy, &a.strategies))
		return wb_options_refuse(&command, "--strategy %s: not strategies", a.strategy);
	status = run(&a, argv[1]);
	wb_buffer_deinit(&a.line);
	wb_symbolizer_free(a.symbolizer);
	wb_input_deinit(&a.input);
	return status;
}
