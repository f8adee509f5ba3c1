/* SPDX-License-Identifier: MIT */
/*
 * walkback symbolize: addresses of an object to functions, files and lines, with the flags and the output of addr2line (GNU binutils), or
 * llvm-symbolizer's. Addresses from standard input are answered as they come, so that it can serve another program through a pipe.
 */
#include "cmd.h"

#include "cmd_symbolize.h"
#include "input.h"
#include "lines.h"
#include "output.h"
#include "path_maps.h"
#include "response.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct symbolize {
	struct wb_input input;
	struct wb_output output;
	struct wb_symbolize_style style;
	struct wb_symbolize_batch batch;
	struct wb_path_maps path_maps;
	const char *section, *format, *target;
	bool demangle, no_demangle, recursion, version;
	uint64_t threads;
	struct wb_image *image;
	uint64_t section_start, section_size; /* 0 and all without a section */
};

/* ---- Questions ---- */

/* "NAME+OFFSET", also as kernels print it, "NAME+OFFSET/SIZE". The offset is decimal, or hexadecimal after 0x. */
static bool split_offset(const char *text, char **ret_name, uint64_t *ret_offset)
{
	char *name = strdup(text), *plus = name ? strrchr(name, '+') : NULL, *slash = plus ? strchr(plus, '/') : NULL;
	uint64_t offset = 0;

	if (!name)
		return false;
	if (slash)
		*slash = 0;
	if (plus && plus[1] >= '0' && plus[1] <= '9' &&
	    (plus[1] == '0' && (plus[2] | 32) == 'x' ? wb_options_address(plus + 1, &offset) : wb_options_number(plus + 1, &offset)))
		*plus = 0;
	else if (slash)
		*slash = '/';
	*ret_name = name;
	*ret_offset = offset;
	return true;
}

/* A symbol of code by its name, raw or demangled. All symbols are looked at, so what programs send to hear an echo (perf: ",") is not. */
static bool find_symbol(struct symbolize *s, const char *text, uint64_t *ret_address)
{
	uint64_t offset, start, size;
	char *name;
	bool found;

	if (!*text || (!isalpha((unsigned char)*text) && !strchr("_.$?~(<", *text)) || !split_offset(text, &name, &offset))
		return false;
	found = wb_symbol_find(s->batch.workers[0].symbolizer, s->image, name, &start, &size) == WB_OK;
	free(name);
	if (found)
		*ret_address = start + offset;
	return found;
}

static void add_question(struct symbolize *s, const char *text)
{
	struct wb_symbolize_question *question = &s->batch.questions[s->batch.count++];

	*question = (struct wb_symbolize_question){ .text = text };
	if (wb_options_address(text, &question->shown)) {
		question->is_address = true;
		question->is_in_range = question->shown < s->section_size;
		question->address = s->section_start + question->shown;
	} else if (find_symbol(s, text, &question->address)) {
		question->is_address = question->is_in_range = true;
		question->shown = question->address;
	}
}

/* first: of all answers, none was written before. */
static enum wb_err answer_questions(struct symbolize *s, const char *between, bool first, const char *after)
{
	enum wb_err err = wb_symbolize_batch_run(&s->batch);

	for (size_t i = 0; !err && i < s->batch.count; i++) {
		if (!first || i)
			wb_output_text(&s->output, between);
		wb_output_text(&s->output, wb_symbolize_batch_answer(&s->batch, i));
		wb_output_text(&s->output, after);
	}
	s->batch.count = 0;
	wb_output_flush(&s->output);
	return s->output.error ? WB_ERR_IO : err;
}

static enum wb_err answer_operands(struct symbolize *s, char **operands, int count)
{
	bool json = s->style.format == WB_SYMBOLIZE_JSON, first = true;
	enum wb_err err = WB_OK;

	wb_output_text(&s->output, json ? "[" : "");
	for (int i = 0; i < count && !err; i++) {
		add_question(s, operands[i]);
		if (s->batch.count < WB_SYMBOLIZE_BATCH_MAX && i + 1 < count)
			continue;
		err = answer_questions(s, json ? "," : "", first, "");
		first = false;
	}
	wb_output_text(&s->output, json && !err ? "]\n" : "");
	return err;
}

/* The word that a line starts with; GNU and LLVM ignore what is behind it, but the names of C++ have blanks. */
static char *word_of(char *line)
{
	char *word = line + strspn(line, " \t"), *end;
	uint64_t address;

	end = word + strcspn(word, " \t\r");
	if (*end == '\r') {
		*end = 0;
	} else if (*end) {
		char blank = *end;

		*end = 0;
		if (!wb_options_address(word, &address))
			*end = blank;
		for (end = word + strlen(word); end > word && strchr(" \t\r", end[-1]); end--)
			end[-1] = 0;
	}
	return word;
}

static enum wb_err answer_lines(struct symbolize *s, struct wb_lines *lines)
{
	const char *after = s->style.format == WB_SYMBOLIZE_JSON ? "\n" : "";
	enum wb_err err = WB_OK;
	char *line;

	while (!err && (line = wb_lines_next(lines, true))) {
		/* All that is there by now is answered together, and before waiting for more. */
		do
			add_question(s, word_of(line));
		while (s->batch.count < WB_SYMBOLIZE_BATCH_MAX && (line = wb_lines_next(lines, false)));
		err = answer_questions(s, "", false, after);
	}
	if (!err && lines->error)
		wb_report_line(&s->input.report, "standard input: %s", strerror(lines->error));
	return !err && lines->error ? WB_ERR_IO : err;
}

static enum wb_err answer_stdin(struct symbolize *s)
{
	struct wb_lines lines;
	enum wb_err err = wb_lines_init(&lines, STDIN_FILENO) ? answer_lines(s, &lines) : WB_ERR_MEMORY;

	wb_lines_deinit(&lines);
	return err;
}

/* ---- The command ---- */

static int find_section(struct symbolize *s)
{
	struct wb_section_info info = { .size = sizeof(info) };

	s->section_size = UINT64_MAX;
	for (size_t i = 0; s->section; i++) {
		if (wb_image_section_info(s->image, i, &info)) {
			wb_report_line(&s->input.report, "%s: no section %s", s->style.object, s->section);
			return WB_EXIT_FAILED;
		}
		if (strcmp(info.name, s->section))
			continue;
		s->section_start = info.start;
		s->section_size = info.end - info.start;
		break;
	}
	return WB_EXIT_OK;
}

static int open_object(struct symbolize *s)
{
	bool gnu = s->style.format == WB_SYMBOLIZE_GNU;
	/* addr2line demangles if asked to, llvm-symbolizer unless asked not to. */
	struct wb_symbolizer_opts opts = { .size = sizeof(opts), .raw_names = gnu ? !s->demangle : s->no_demangle,
	                                   .path_maps = s->path_maps.maps, .num_path_maps = s->path_maps.count };
	struct wb_image_info info = { .size = sizeof(info) };
	int status = wb_input_start(&s->input);
	enum wb_err err;

	if (status)
		return status;
	/* addr2line names the innermost inlined function even without -i. */
	opts.detail = s->style.functions || s->style.inlines || !gnu ? WB_DETAIL_INLINES : WB_DETAIL_LINES;
	err = wb_input_open_object(&s->input, s->style.object, &s->image);
	if (!err)
		err = wb_image_info(s->image, &info);
	if (!err)
		err = wb_symbolize_batch_init(&s->batch, s->input.session, s->image, &opts, &s->style, s->threads ? (unsigned)s->threads : 1);
	if (err)
		return wb_report_failure(&s->input.report, s->style.object, err);
	s->style.digits = info.platform.arch == WB_ARCH_X86 || info.platform.arch == WB_ARCH_ARM ? 8 : 16;
	return find_section(s);
}

static int run(struct symbolize *s, char **operands, int count)
{
	int status = open_object(s);
	enum wb_err err;

	if (status)
		return status;
	if (!wb_output_open(&s->output, NULL, &s->input.report))
		return WB_EXIT_FAILED;
	err = count ? answer_operands(s, operands, count) : answer_stdin(s);
	if (err && !s->output.error)
		status = wb_report_failure(&s->input.report, s->style.object, err);
	return wb_output_close(&s->output, &s->input.report) ? status : WB_EXIT_FAILED;
}

static int check_usage(struct symbolize *s, const struct wb_command *command)
{
	static const char *const formats[] = { [WB_SYMBOLIZE_GNU] = "gnu", [WB_SYMBOLIZE_LLVM] = "llvm", [WB_SYMBOLIZE_JSON] = "json" };
	size_t format = 0, count = sizeof(formats) / sizeof(formats[0]);

	while (s->format && format < count && strcasecmp(s->format, formats[format]))
		format++;
	if (format == count)
		return wb_options_refuse(command, "--format %s: there are gnu, llvm and json", s->format);
	s->style.format = (enum wb_symbolize_format)format;
	if (s->style.format == WB_SYMBOLIZE_LLVM)
		s->style.functions = true;
	if (s->threads > WB_SYMBOLIZE_THREADS_MAX)
		return wb_options_refuse(command, "--threads: at most %d", WB_SYMBOLIZE_THREADS_MAX);
	return wb_path_maps_parse(&s->path_maps, command);
}

static int symbolize(int argc, char **argv)
{
	struct symbolize s = { .style.object = "a.out" };
	const struct wb_option options[] = {
		{ 'e', "exe", WB_OPTION_TEXT, &s.style.object, "OBJECT", "the object whose addresses these are (default: a.out)" },
		{ 'a', "addresses", WB_OPTION_FLAG, &s.style.addresses, NULL, "show the addresses too" },
		{ 'f', "functions", WB_OPTION_FLAG_STYLE, &s.style.functions, NULL, "show function names" },
		{ 'i', "inlines", WB_OPTION_FLAG, &s.style.inlines, NULL, "also the functions that the code was inlined into" },
		{ 'p', "pretty-print", WB_OPTION_FLAG, &s.style.pretty, NULL, "one line for each location" },
		{ 's', "basenames", WB_OPTION_FLAG, &s.style.basenames, NULL, "file names without folders" },
		{ 'C', "demangle", WB_OPTION_FLAG_STYLE, &s.demangle, NULL, "demangle names" },
		{ 0, "no-demangle", WB_OPTION_FLAG, &s.no_demangle, NULL, "llvm, json: names as the object has them" },
		{ 'j', "section", WB_OPTION_TEXT, &s.section, "SECTION", "addresses are offsets in this section" },
		WB_PATH_MAPS_OPTION(&s.path_maps),
		{ 0, "aliases", WB_OPTION_FLAG, &s.style.aliases, NULL, "all names of a function that has several" },
		{ 0, "reasons", WB_OPTION_FLAG, &s.style.reasons, NULL, "say why something is unknown" },
		{ 0, "threads", WB_OPTION_COUNT, &s.threads, "N", "threads for many addresses (default: 1)" },
		{ 0, "max-memory", WB_OPTION_SIZE, &s.input.max_memory, "SIZE", "limit for caches (K, M, G)" },
		{ 0, "format", WB_OPTION_TEXT, &s.format, "FORMAT", "gnu (default: as addr2line), llvm or json (as llvm-symbolizer)" },
		/* Of addr2line and llvm-symbolizer. */
		{ 0, "output-style", WB_OPTION_TEXT, &s.format, "FORMAT", NULL },
		{ 0, "obj", WB_OPTION_TEXT, &s.style.object, "OBJECT", NULL },
		{ 0, "default-arch", WB_OPTION_TEXT, &s.input.arch, "NAME", NULL },
		{ 'b', "target", WB_OPTION_TEXT, &s.target, "TARGET", NULL },
		{ 'r', "no-recurse-limit", WB_OPTION_FLAG, &s.recursion, NULL, NULL },
		{ 'R', "recurse-limit", WB_OPTION_FLAG, &s.recursion, NULL, NULL },
		{ 'v', "version", WB_OPTION_FLAG, &s.version, NULL, NULL },
		{ 0 },
	};
	const struct wb_option *const tables[] = { options, s.input.object_options, s.input.path_options, NULL };
	const struct wb_command command = { "symbolize", "-e OBJECT [OPTION]... [ADDRESS]...",
		"Functions, files and lines of hexadecimal addresses, or of SYMBOL+OFFSET; without any, of those on standard input.\n"
		"@FILE stands for the words in FILE.", tables };
	int operands, status;

	wb_input_init(&s.input);
	if (!wb_options_parse(&command, argc, argv, &operands, &status))
		return status;
	if (s.version) {
		printf("walkback %s\nfeatures: %s\n", wb_version(), wb_features());
		return WB_EXIT_OK;
	}
	status = check_usage(&s, &command);
	if (status)
		return status;
	status = run(&s, argv + 1, operands);
	wb_symbolize_batch_deinit(&s.batch);
	wb_path_maps_deinit(&s.path_maps);
	wb_image_unref(s.image);
	wb_input_deinit(&s.input);
	return status;
}

int wb_cmd_symbolize(int argc, char **argv)
{
	struct wb_response response;
	int status;

	wb_response_init(&response, argc, argv);
	status = symbolize(response.argc, response.argv);
	wb_response_deinit(&response);
	return status;
}
