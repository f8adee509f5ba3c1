/* SPDX-License-Identifier: MIT */
/* Sites by Breakpad's symbol files: the function, its line, and the calls inlined there, whose lines are those of the calls inside of them. */
#include "symbols/breakpad.h"

static enum wb_err set_line(struct wb_symbolizer *symbolizer, const struct wb_breakpad_line *line, struct wb_site *site)
{
	if (symbolizer->opts.no_lines || symbolizer->opts.detail < WB_DETAIL_LINES)
		return WB_OK;
	site->line = line->line;
	site->line_reason = line->line ? WB_REASON_NONE : WB_REASON_NO_LINE;
	return line->file && *line->file ? wb_symbolizer_file(symbolizer, line->file, site) : WB_OK;
}

static enum wb_err add(struct wb_symbolizer *symbolizer, const char *name, const struct wb_breakpad_line *line, bool inlined)
{
	struct wb_site *site;
	enum wb_err err = wb_symbolizer_add_site(symbolizer, &site);

	if (err)
		return err;
	site->inlined = inlined;
	err = set_line(symbolizer, line, site);
	if (err || !name || !*name)
		return err;
	site->name_source = WB_NAME_BREAKPAD;
	site->function_reason = WB_REASON_NONE;
	return wb_symbolizer_name(symbolizer, name, &site->function, &site->linkage_name);
}

static enum wb_err add_chain(struct wb_symbolizer *symbolizer, const struct wb_breakpad_sym *sym, const struct wb_breakpad_function *function,
                             uint64_t offset)
{
	struct wb_breakpad_inline calls[WB_BREAKPAD_INLINES_MAX];
	struct wb_breakpad_line line = { NULL, 0 };
	size_t depth = 0;
	enum wb_err err = WB_OK;

	if (symbolizer->opts.detail >= WB_DETAIL_LINES) {
		wb_breakpad_line(sym, function, offset, &line);
		depth = wb_breakpad_inlines(sym, function, offset, calls);
	}
	for (; depth && !err; depth--) {
		if (symbolizer->opts.detail >= WB_DETAIL_INLINES)
			err = add(symbolizer, calls[depth - 1].name, &line, true);
		line = calls[depth - 1].call;
	}
	return err ? err : add(symbolizer, function->name, &line, false);
}

enum wb_err wb_breakpad_sites(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc)
{
	struct wb_breakpad_function function = { .size = 0 };
	struct wb_breakpad_sym *sym;
	enum wb_err err = wb_breakpad_of_image(image, &sym);
	uint64_t offset;

	if (err)
		return err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED ? err : WB_NONE;
	offset = wb_breakpad_offset(sym, image_pc);
	if (!wb_breakpad_function(sym, offset, &function))
		return WB_NONE;
	err = add_chain(symbolizer, sym, &function, offset);
	for (size_t i = 0; i < symbolizer->num_sites && !err; i++) {
		symbolizer->sites[i].function_start = function.start + (image_pc - offset);
		symbolizer->sites[i].function_size = function.size;
	}
	return err;
}
