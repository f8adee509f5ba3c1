/* SPDX-License-Identifier: MIT */
/*
 * Sites from Go's own tables (model/pclntab): they are in every Go binary, stripped or not, cost no compiling, and say what the runtime itself says of an
 * address. Answers are remembered as all are; nothing else of the tables is kept.
 */
#include "symbols/symbolizer.h"

#include "model/go_build.h"

#include <string.h>

/* Type arguments as Go's tracebacks show them (runtime/traceback.go, funcNamePiecesForPrint): from the first [ to the last ] is [...]; since 1.27 apart for
 * the type and for the method, where both have some. */
static void shorten(const char *name, char *buffer, size_t size)
{
	size_t used = 0;

	for (;;) {
		const char *open = strchr(name, '['), *method = open ? strstr(open, "]).") : NULL, *close = open ? strrchr(open, ']') : NULL;
		const char *end = method ? method : close;
		size_t before = close ? (size_t)(open - name) : strlen(name);

		if (used + before + sizeof("[...]") > size)
			break;
		memcpy(buffer + used, name, before);
		used += before;
		if (!close)
			break;
		memcpy(buffer + used, "[...]", 5);
		used += 5;
		name = end + 1;
	}
	buffer[used] = '\0';
}

static enum wb_err put_name(struct wb_symbolizer *symbolizer, const char *name, struct wb_site *site)
{
	const char *ignored;
	enum wb_err err;

	site->name_source = WB_NAME_GO;
	site->function_reason = WB_REASON_NONE;
	err = wb_symbolizer_name(symbolizer, name, &site->function, &site->linkage_name);
	if (err || !symbolizer->opts.go_short_names || !strchr(name, '['))
		return err;
	if (!wb_symbolizer_has_text(symbolizer))
		return WB_ERR_MEMORY;
	shorten(name, symbolizer->text, WB_LINES_PATH_MAX);
	return wb_symbolizer_name(symbolizer, symbolizer->text, &site->function, &ignored);
}

static enum wb_err put_line(struct wb_symbolizer *symbolizer, const struct wb_go_site *from, struct wb_site *site)
{
	if (symbolizer->opts.no_lines || symbolizer->opts.detail < WB_DETAIL_LINES)
		return WB_OK;
	site->line = from->line;
	site->line_reason = from->line ? WB_REASON_NONE : WB_REASON_NO_LINE;
	return from->file ? wb_symbolizer_file(symbolizer, from->file, site) : WB_OK;
}

/* Whether a wrapper that calls it is shown: those are what panics are about (runtime/traceback.go, elideWrapperCalling). */
static bool shows_wrapper(const char *callee)
{
	return callee && (!strcmp(callee, "runtime.gopanic") || !strcmp(callee, "runtime.sigpanic") || !strcmp(callee, "runtime.panicwrap"));
}

/* Chains end in a function that is not a wrapper, or are one alone, which only whoever has the whole stack can leave out. */
static void drop_wrappers(struct wb_symbolizer *symbolizer)
{
	const char *callee = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < symbolizer->num_sites; i++) {
		struct wb_site site = symbolizer->sites[i];
		bool is_last = i + 1 == symbolizer->num_sites;

		if (!site.is_wrapper || shows_wrapper(callee) || (is_last && !kept))
			symbolizer->sites[kept++] = site;
		callee = site.linkage_name;
	}
	symbolizer->num_sites = kept;
}

static enum wb_err add_go_site(struct wb_symbolizer *symbolizer, const struct wb_go_sites *sites, const struct wb_go_site *from)
{
	struct wb_site *site;
	enum wb_err err = wb_symbolizer_add_site(symbolizer, &site);

	if (err)
		return err;
	site->function_start = sites->function.start;
	site->function_size = sites->function.end - sites->function.start;
	site->inlined = from->is_inlined;
	site->is_wrapper = from->is_wrapper;
	if (!from->name)
		site->function_reason = WB_REASON_BAD_INFO;
	else
		err = put_name(symbolizer, from->name, site);
	return err ? err : put_line(symbolizer, from, site);
}

enum wb_err wb_symbolizer_go(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc)
{
	bool only_outermost = symbolizer->opts.detail < WB_DETAIL_INLINES, is_first = true;
	const struct wb_pclntab *table;
	struct wb_go_sites sites;
	struct wb_go_site from, place = { .line = 0 };
	enum wb_err err = wb_pclntab_of_image(image, &table);

	if (err)
		return err;
	if (!table || wb_go_sites_begin(table, image_pc, &sites))
		return WB_NONE;
	while ((err = wb_go_sites_next(&sites, &from)) != WB_NONE) {
		/* A broken chain is told as far as it goes: the function itself comes next. */
		if (err == WB_ERR_MEMORY)
			return err;
		if (err)
			continue;
		if (is_first)
			place = from;
		is_first = false;
		if (only_outermost && from.is_inlined)
			continue;
		if (only_outermost) {
			from.file = place.file;
			from.line = place.line;
		}
		err = add_go_site(symbolizer, &sites, &from);
		if (err)
			return err == WB_ERR_LIMIT ? WB_OK : err;
	}
	if (symbolizer->opts.no_wrappers)
		drop_wrappers(symbolizer);
	return WB_OK;
}

enum wb_err wb_go_module(struct wb_image *image, const char *function, char *buffer, size_t size)
{
	struct wb_go_build build;
	enum wb_err err;

	if (!image || !function || !buffer || !size)
		return WB_ERR_ARGUMENT;
	err = wb_go_build_of_image(image, &build);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	err = wb_go_build_module(&build, function, buffer, size);
	wb_go_build_deinit(&build);
	return err;
}
