/* SPDX-License-Identifier: MIT */
/*
 * walkback symbolize: addresses of an object to functions, files and lines, with the flags and the output of addr2line (GNU binutils), or
 * llvm-symbolizer's JSON. Addresses from standard input are answered one by one, so that it can serve another program through a pipe.
 */
#include "cmd.h"

#include "input.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_SIZE = 4096 };

struct symbolize {
	struct wb_input input;
	struct wb_output output;
	const char *object, *section, *format;
	bool addresses, functions, inlines, pretty, basenames, demangle, no_demangle, json;
	struct wb_image *image;
	struct wb_symbolizer *symbolizer;
	uint64_t base;                /* of the section; 0 without one */
	unsigned digits;              /* of an address */
	size_t answered;
};

static const char *shown_file(const struct symbolize *s, const struct wb_site *site)
{
	const char *slash;

	if (!site->file)
		return "??";
	slash = s->basenames ? strrchr(site->file, '/') : NULL;
	return slash ? slash + 1 : site->file;
}

/* ---- addr2line's forms ---- */

static void put_line(struct symbolize *s, const struct wb_site *site, bool known)
{
	wb_output_text(&s->output, shown_file(s, site));
	if (site->line)
		wb_output_format(&s->output, ":%" PRIu32 "\n", site->line);
	else
		wb_output_text(&s->output, known ? ":?\n" : ":0\n");
}

static void put_site(struct symbolize *s, const struct wb_site *site, bool known)
{
	if (s->functions) {
		wb_output_text(&s->output, site->function ? site->function : "??");
		/* addr2line puts no "at" before an address that it knows nothing of. */
		wb_output_text(&s->output, !s->pretty ? "\n" : known ? " at " : " ");
	}
	put_line(s, site, known);
}

static void put_address(struct symbolize *s, uint64_t address)
{
	if (s->addresses)
		wb_output_format(&s->output, "0x%0*" PRIx64 "%s", (int)s->digits, address, s->pretty ? ": " : "\n");
}

static void put_sites(struct symbolize *s, uint64_t address, const struct wb_site *sites, size_t count)
{
	bool known = sites[0].function || sites[0].file;

	put_address(s, address);
	put_site(s, &sites[0], known);
	for (size_t i = 1; s->inlines && i < count; i++) {
		if (s->pretty)
			wb_output_text(&s->output, " (inlined by) ");
		put_site(s, &sites[i], true);
	}
}

/* ---- llvm-symbolizer's JSON ---- */

static void put_json_text(struct symbolize *s, const char *text)
{
	wb_output_text(&s->output, "\"");
	for (; text && *text; text++) {
		uint8_t c = (uint8_t)*text;
		char plain[2] = { *text, 0 };

		if (c == '"' || c == '\\')
			wb_output_format(&s->output, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			wb_output_format(&s->output, "\\u%04x", c);
		else
			wb_output_text(&s->output, plain);
	}
	wb_output_text(&s->output, "\"");
}

static void put_json_site(struct symbolize *s, const struct wb_site *site)
{
	wb_output_format(&s->output, "{\"Column\":%" PRIu32 ",\"Discriminator\":0,\"FileName\":", site->column);
	put_json_text(s, site->file ? shown_file(s, site) : "");
	wb_output_text(&s->output, ",\"FunctionName\":");
	put_json_text(s, site->function);
	wb_output_format(&s->output, ",\"Line\":%" PRIu32 ",\"StartAddress\":\"", site->line);
	/* Where an inlined call starts is not known here. */
	if (site->function && !site->inlined && site->function_start != UINT64_MAX)
		wb_output_format(&s->output, "0x%" PRIx64, site->function_start);
	wb_output_text(&s->output, "\",\"StartFileName\":\"\",\"StartLine\":0}");
}

static void put_json(struct symbolize *s, uint64_t address, const struct wb_site *sites, size_t count)
{
	wb_output_format(&s->output, "{\"Address\":\"0x%" PRIx64 "\",\"ModuleName\":", address);
	put_json_text(s, s->object);
	wb_output_text(&s->output, ",\"Symbol\":[");
	for (size_t i = 0; i < count; i++) {
		if (i)
			wb_output_text(&s->output, ",");
		put_json_site(s, &sites[i]);
	}
	wb_output_text(&s->output, "]}");
}

/* ---- The command ---- */

static enum wb_err answer(struct symbolize *s, const char *text)
{
	static const struct wb_site unknown = { .size = sizeof(unknown), .function_start = UINT64_MAX };
	const struct wb_site *sites = &unknown;
	uint64_t address = 0;
	size_t count = 1;
	enum wb_err err = WB_OK;

	/* What is no address is answered as an unknown one: whoever asks through a pipe waits for its line. */
	if (wb_options_address(text, &address) && !__builtin_add_overflow(address, s->base, &address))
		err = wb_symbolize(s->symbolizer, s->image, address, WB_PC_EXACT, &sites, &count);
	if (err < 0)
		return err;
	if (s->json)
		put_json(s, address, sites, count);
	else
		put_sites(s, address, sites, count);
	s->answered++;
	return s->output.error ? WB_ERR_IO : WB_OK;
}

static enum wb_err answer_operands(struct symbolize *s, char **operands, int count)
{
	enum wb_err err = WB_OK;

	if (s->json)
		wb_output_text(&s->output, "[");
	for (int i = 0; i < count && !err; i++) {
		if (s->json && i)
			wb_output_text(&s->output, ",");
		err = answer(s, operands[i]);
	}
	if (s->json)
		wb_output_text(&s->output, "]\n");
	return err;
}

static enum wb_err answer_stdin(struct symbolize *s)
{
	char line[LINE_MAX_SIZE];
	enum wb_err err = WB_OK;

	while (!err && fgets(line, sizeof(line), stdin)) {
		char *text = line + strspn(line, " \t");

		text[strcspn(text, " \t\r\n")] = 0;
		err = answer(s, text);
		if (s->json)
			wb_output_text(&s->output, "\n");
		wb_output_flush(&s->output);
	}
	return err;
}

static int find_section(struct symbolize *s)
{
	struct wb_section_info info = { .size = sizeof(info) };

	for (size_t i = 0; s->section; i++) {
		if (wb_image_section_info(s->image, i, &info)) {
			wb_report_line(&s->input.report, "%s: no section %s", s->object, s->section);
			return WB_EXIT_FAILED;
		}
		if (!strcmp(info.name, s->section))
			break;
	}
	s->base = s->section ? info.start : 0;
	return WB_EXIT_OK;
}

static int open_object(struct symbolize *s)
{
	/* addr2line demangles if asked to, llvm-symbolizer unless asked not to. */
	struct wb_symbolizer_opts opts = { .size = sizeof(opts), .raw_names = s->json ? s->no_demangle : !s->demangle };
	struct wb_image_info info = { .size = sizeof(info) };
	int status = wb_input_start(&s->input);
	enum wb_err err;

	if (status)
		return status;
	/* addr2line names the innermost inlined function even without -i. */
	opts.detail = s->functions || s->inlines || s->json ? WB_DETAIL_INLINES : WB_DETAIL_LINES;
	err = wb_image_open(s->input.session, s->object, &s->image);
	if (!err)
		err = wb_image_info(s->image, &info);
	if (!err)
		err = wb_symbolizer_new(s->input.session, &opts, &s->symbolizer);
	if (err)
		return wb_report_failure(&s->input.report, s->object, err);
	s->digits = info.platform.arch == WB_ARCH_X86 || info.platform.arch == WB_ARCH_ARM ? 8 : 16;
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
		status = wb_report_failure(&s->input.report, s->object, err);
	return wb_output_close(&s->output, &s->input.report) ? status : WB_EXIT_FAILED;
}

int wb_cmd_symbolize(int argc, char **argv)
{
	struct symbolize s = { .object = "a.out" };
	const struct wb_option options[] = {
		{ 'e', "exe-file", WB_OPTION_TEXT, &s.object, "OBJECT", "the object whose addresses these are (default: a.out)" },
		{ 'a', "addresses", WB_OPTION_FLAG, &s.addresses, NULL, "show the addresses too" },
		{ 'f', "functions", WB_OPTION_FLAG, &s.functions, NULL, "show function names" },
		{ 'i', "inlines", WB_OPTION_FLAG, &s.inlines, NULL, "also the functions that the code was inlined into" },
		{ 'p', "pretty-print", WB_OPTION_FLAG, &s.pretty, NULL, "one line for each location" },
		{ 's', "basenames", WB_OPTION_FLAG, &s.basenames, NULL, "file names without folders" },
		{ 'C', "demangle", WB_OPTION_FLAG_STYLE, &s.demangle, NULL, "demangle names" },
		{ 0, "no-demangle", WB_OPTION_FLAG, &s.no_demangle, NULL, "json: names as the object has them" },
		{ 'j', "section", WB_OPTION_TEXT, &s.section, "SECTION", "addresses are offsets in this section" },
		{ 0, "format", WB_OPTION_TEXT, &s.format, "json", "as llvm-symbolizer writes it" },
		{ 0 },
	};
	const struct wb_option *const tables[] = { options, s.input.path_options, NULL };
	const struct wb_command command = { "symbolize", "-e OBJECT [OPTION]... [ADDRESS]...",
		"Functions, files and lines of hexadecimal addresses; without any, of those on standard input.", tables };
	int operands, status;

	wb_input_init(&s.input);
	if (!wb_options_parse(&command, argc, argv, &operands, &status))
		return status;
	if (s.format && strcmp(s.format, "json"))
		return wb_options_refuse(&command, "--format %s: there is json", s.format);
	s.json = s.format != NULL;
	status = run(&s, argv + 1, operands);
	wb_symbolizer_free(s.symbolizer);
	wb_image_unref(s.image);
	wb_input_deinit(&s.input);
	return status;
}
