/* SPDX-License-Identifier: MIT */
/*
 * The public face of names: an address is looked up in the answers given before, else asked of the symbol table and, as far as the detail
 * level wants it, of the debug information; strings are demangled and mapped once.
 */
#include "symbols/symbolizer.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/session.h"
#include "symbols/breakpad.h"
#include "symbols/debug_map.h"
#include "symbols/dwarf_name.h"
#include "symbols/symtab.h"

#include <string.h>

enum {
	SITES_MAX = 4096,             /* inlined calls of one answer; a chain that is longer is cut at its outer end */
	MEMO_BYTES = 64 << 20,        /* answers and strings that a symbolizer keeps at most */
	MANY_MIN = 16,                /* addresses that will need most of an image's debug information */
	MISSED_MAX = 4096,            /* frames noted here before the session hears of them */
};

/* ---- Making and freeing --------------------------------------------------------------------------------------------------- */

static enum wb_err take_opts(struct wb_symbolizer *symbolizer, const struct wb_symbolizer_opts *opts)
{
	enum wb_err err;

	if (!opts) {
		symbolizer->opts.detail = WB_DETAIL_INLINES;
		return WB_OK;
	}
	err = wb_struct_take(&symbolizer->opts, sizeof symbolizer->opts, opts);
	if (err)
		return err;
	if (symbolizer->opts.detail > WB_DETAIL_INLINES || (symbolizer->opts.num_path_maps > 0 && !symbolizer->opts.path_maps))
		return WB_ERR_ARGUMENT;
	return WB_OK;
}

enum wb_err wb_symbolizer_new(struct wb_session *session, const struct wb_symbolizer_opts *opts, struct wb_symbolizer **ret_symbolizer)
{
	const struct wb_session_opts *config;
	struct wb_symbolizer *symbolizer;
	uint64_t limit = MEMO_BYTES;
	enum wb_err err;

	if (!session || !ret_symbolizer)
		return WB_ERR_ARGUMENT;
	symbolizer = wb_mem_zalloc(1, sizeof *symbolizer);
	if (!symbolizer)
		return WB_ERR_MEMORY;
	symbolizer->session = wb_session_ref(session);
	config = wb_session_config(session);
	if (config->cache_bytes > 0 && config->cache_bytes / 4 < limit)
		limit = config->cache_bytes / 4;
	wb_memo_init(&symbolizer->memo, session, limit);
	err = take_opts(symbolizer, opts);
	if (!err)
		err = wb_symbolizer_copy_path_maps(symbolizer);
	if (err) {
		wb_symbolizer_free(symbolizer);
		return err;
	}
	*ret_symbolizer = symbolizer;
	return WB_OK;
}

static void tell_missed(struct wb_symbolizer *symbolizer, struct wb_symbolizer_missed *missed)
{
	struct wb_image *image;

	if (missed->frames > 0 && wb_image_by_id(symbolizer->session, missed->image_id, &image) == WB_OK) {
		wb_image_missed(image, missed->role, missed->frames);
		wb_image_unref(image);
	}
	missed->frames = 0;
}

static void note_missed(struct wb_symbolizer *symbolizer, const struct wb_memo_answer *answer)
{
	enum wb_file_role role = (enum wb_file_role)(answer->missed - 1);
	struct wb_symbolizer_missed *missed = &symbolizer->missed[(answer->image_id * 2 + (role != WB_FILE_EXECUTABLE)) % WB_SYMBOLIZER_MISSED];

	if (missed->image_id != answer->image_id || missed->role != role || missed->frames == MISSED_MAX) {
		tell_missed(symbolizer, missed);
		missed->image_id = answer->image_id;
		missed->role = role;
	}
	missed->frames++;
}

void wb_symbolizer_free(struct wb_symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	for (size_t i = 0; i < WB_SYMBOLIZER_MISSED; i++)
		tell_missed(symbolizer, &symbolizer->missed[i]);
	wb_symbolizer_free_path_maps(symbolizer);
	wb_memo_deinit(&symbolizer->memo);
	wb_mem_free(symbolizer->text);
	wb_mem_free(symbolizer->sites);
	wb_mem_free(symbolizer->aliases);
	wb_session_unref(symbolizer->session);
	wb_mem_free(symbolizer);
}

const char *wb_reason_text(enum wb_reason reason)
{
	switch (reason) {
	case WB_REASON_NONE: return "known";
	case WB_REASON_NO_IMAGE: return "no image at this address";
	case WB_REASON_NO_FILE: return "a file of the image is not had";
	case WB_REASON_MISMATCHED: return "the file is of another build";
	case WB_REASON_NO_SYMBOL: return "no symbol covers the address";
	case WB_REASON_NO_DEBUG_INFO: return "no debug information";
	case WB_REASON_NO_UNIT: return "no unit covers the address";
	case WB_REASON_NO_LINE: return "no line covers the address";
	case WB_REASON_BAD_INFO: return "malformed debug information";
	case WB_REASON_NOT_ASKED: return "not asked for";
	case WB_REASON_UNSUPPORTED: return "not understood by this build";
	}
	return "unknown";
}

/* ---- Sites ---------------------------------------------------------------------------------------------------------------- */

enum wb_err wb_symbolizer_add_site(struct wb_symbolizer *symbolizer, struct wb_site **ret_site)
{
	struct wb_site *site;

	if (symbolizer->num_sites == SITES_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&symbolizer->sites, &symbolizer->sites_capacity, symbolizer->num_sites, 1, sizeof *site))
		return WB_ERR_MEMORY;
	site = &symbolizer->sites[symbolizer->num_sites++];
	*site = (struct wb_site){
		.size = sizeof *site,
		.function_start = UINT64_MAX,
		.function_reason = WB_REASON_NO_SYMBOL,
		.line_reason = WB_REASON_NOT_ASKED,
	};
	*ret_site = site;
	return WB_OK;
}

/* What keeps an image from being known at all. */
static enum wb_reason reason_of_image(struct wb_image *image)
{
	struct wb_breakpad_sym *sym;
	struct wb_object *object;

	if (wb_image_object(image, WB_FILE_EXECUTABLE, &object) == WB_OK || wb_breakpad_of_image(image, &sym) == WB_OK)
		return WB_REASON_NO_SYMBOL;
	switch (wb_image_verdict(image, WB_FILE_EXECUTABLE)) {
	case WB_VERDICT_MISMATCHED: return WB_REASON_MISMATCHED;
	case WB_VERDICT_MALFORMED: return WB_REASON_BAD_INFO;
	case WB_VERDICT_NOT_TRIED:
	case WB_VERDICT_MATCHED:
	case WB_VERDICT_UNVERIFIABLE:
	case WB_VERDICT_FORCED:
	case WB_VERDICT_MISSING: break;
	}
	return WB_REASON_NO_FILE;
}

/* ---- Lookups ------------------------------------------------------------------------------------------------------------- */

/* What is known about an address before it is put into words. */
struct lookup {
	struct wb_image *image;
	uint64_t pc;
	struct wb_dwarf *dwarf;       /* NULL: no debug information */
	const struct wb_dwarf_sections *sections; /* of dwarf */
	bool lacks_object;            /* its debug information is in an object file that is not had */
	uint64_t shift;               /* pc - pc in dwarf's file, which the image was linked of; 0: it is the image's own */
	struct wb_dwarf_hit hit;      /* table NULL: no unit */
	bool knows_symbols;           /* see know_symbols, for what is below */
	const struct wb_symtab *symtab; /* NULL: none */
	struct wb_symtab_hit symbol;  /* that covers pc, if has_symbol */
	bool has_symbol;
	enum wb_reason line_reason;   /* if there is no row */
	enum wb_reason function_reason; /* if there is no name */
};

/* Looks into the symbol table, which most lookups in debug information of C can do without. */
static enum wb_err know_symbols(struct lookup *lookup)
{
	enum wb_err err;

	if (lookup->knows_symbols)
		return WB_OK;
	err = wb_symtab_of_image(lookup->image, &lookup->symtab);
	if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
		return err;
	lookup->knows_symbols = true;
	lookup->has_symbol = !err && wb_symtab_find(lookup->symtab, lookup->pc, &lookup->symbol);
	return WB_OK;
}

static enum wb_reason reason_of(enum wb_err err, enum wb_reason otherwise)
{
	return err == WB_ERR_UNSUPPORTED ? WB_REASON_UNSUPPORTED : err == WB_ERR_DATA || err == WB_ERR_LIMIT ? WB_REASON_BAD_INFO : otherwise;
}

/* Why one of the further files that debug information is in does not help; `otherwise` if it is had, or not needed. */
static enum wb_reason reason_of_file(struct wb_image *image, enum wb_file_role role, enum wb_reason otherwise)
{
	struct wb_object *object;

	if (role != WB_FILE_DWO && wb_image_object(image, role, &object) == WB_OK)
		return otherwise;
	switch (wb_image_verdict(image, role)) {
	case WB_VERDICT_MISSING:
	case WB_VERDICT_UNVERIFIABLE: return WB_REASON_NO_FILE;
	case WB_VERDICT_MISMATCHED: return WB_REASON_MISMATCHED;
	case WB_VERDICT_MALFORMED: return WB_REASON_BAD_INFO;
	case WB_VERDICT_NOT_TRIED:
	case WB_VERDICT_MATCHED:
	case WB_VERDICT_FORCED: break;
	}
	return otherwise;
}

/* Whether the unit's functions are in a split file that is not had. */
static bool lacks_split(const struct lookup *lookup)
{
	return lookup->hit.table && lookup->hit.functions_err == WB_NONE &&
	       reason_of_file(lookup->image, WB_FILE_DWO, WB_REASON_NONE) != WB_REASON_NONE;
}

/* Without lines wanted, units that do not say where their code is are asked only for what has no symbol either: they have to be asked through
 * their line tables, which are not unpacked for anything else then. */
static enum wb_err find_in_units(const struct wb_symbolizer *symbolizer, struct lookup *lookup, uint64_t time)
{
	bool lines = !symbolizer->opts.no_lines;
	struct wb_dwarf_use use = { .stamp = time, .lines = lines, .deep = lines };
	uint64_t pc = lookup->pc - lookup->shift;
	enum wb_err err = wb_dwarf_find(lookup->dwarf, pc, use, &lookup->hit);

	if (err != WB_NONE || use.deep)
		return err;
	err = know_symbols(lookup);
	if (err)
		return err;
	use.deep = true;
	return lookup->has_symbol ? WB_NONE : wb_dwarf_find(lookup->dwarf, pc, use, &lookup->hit);
}

/* The image's own debug information, or what its linker left in an object file. */
static enum wb_err find_dwarf(struct lookup *lookup)
{
	enum wb_err err = wb_dwarf_of_image(lookup->image, &lookup->dwarf);
	struct wb_debug_map_hit hit;

	if (err != WB_NONE)
		return err;
	lookup->line_reason = WB_REASON_NO_DEBUG_INFO;
	err = wb_debug_map_find(lookup->image, lookup->pc, &hit, &lookup->lacks_object);
	if (lookup->lacks_object)
		lookup->line_reason = reason_of_file(lookup->image, WB_FILE_DWO, WB_REASON_NO_DEBUG_INFO);
	if (err)
		return err;
	lookup->dwarf = hit.dwarf;
	lookup->shift = hit.shift;
	return WB_OK;
}

static enum wb_err look_up_debug(struct wb_symbolizer *symbolizer, struct lookup *lookup)
{
	enum wb_err err = find_dwarf(lookup);
	uint64_t time;

	if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
		return err;
	if (err) {
		lookup->line_reason = reason_of(err, lookup->line_reason);
		return WB_OK;
	}
	lookup->sections = wb_dwarf_sections_of(lookup->dwarf);
	time = wb_session_tick(symbolizer->session);
	err = find_in_units(symbolizer, lookup, time);
	if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
		return err;
	if (err) {
		lookup->line_reason = reason_of(err, WB_REASON_NO_UNIT);
		return WB_OK;
	}
	lookup->line_reason = symbolizer->opts.no_lines ? WB_REASON_NOT_ASKED : reason_of(lookup->hit.lines_err, WB_REASON_NO_LINE);
	lookup->function_reason = reason_of(lookup->hit.functions_err, WB_REASON_NO_SYMBOL);
	if (lacks_split(lookup))
		lookup->function_reason = reason_of_file(lookup->image, WB_FILE_DWO, WB_REASON_NO_SYMBOL);
	/* The tables of this lookup stay: without them, neighbouring addresses would each compile them again. */
	if (lookup->hit.is_over)
		wb_session_evict(symbolizer->session, time);
	return WB_OK;
}

static enum wb_err show_line(struct wb_symbolizer *symbolizer, const struct lookup *lookup, const struct wb_line_hit *line, struct wb_site *site)
{
	site->line = line->line;
	site->column = line->column;
	site->line_reason = line->line ? WB_REASON_NONE : WB_REASON_NO_LINE;
	if (!wb_symbolizer_has_text(symbolizer))
		return WB_ERR_MEMORY;
	if (wb_lines_path(lookup->hit.table->lines, lookup->sections, line->file, symbolizer->text, WB_LINES_PATH_MAX) != WB_OK) {
		if (line->line)
			site->line_reason = WB_REASON_BAD_INFO;
		return WB_OK;
	}
	return wb_symbolizer_path(symbolizer, site);
}

/* ---- From lookups to sites ------------------------------------------------------------------------------------------------------- */

static enum wb_err name_by_symbol(struct wb_symbolizer *symbolizer, const struct wb_symtab_hit *symbol, struct wb_site *site)
{
	site->name_source = symbol->source;
	site->function_reason = WB_REASON_NONE;
	return wb_symbolizer_name(symbolizer, symbol->name, &site->function, &site->linkage_name);
}

static bool looks_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R' || name[1] == 'D');
}

enum wb_err wb_symbolizer_debug_name(struct wb_symbolizer *symbolizer, const char *linkage, const char *plain, const char **ret_text,
                                     const char **ret_raw)
{
	enum wb_err err = wb_symbolizer_name(symbolizer, linkage ? linkage : plain, ret_text, ret_raw);
	const char *ignored;

	if (!err && linkage && plain && !symbolizer->opts.raw_names && !looks_mangled(linkage))
		err = wb_symbolizer_name(symbolizer, plain, ret_text, &ignored);
	return err;
}

static enum wb_err name_by_debug(struct wb_symbolizer *symbolizer, const char *linkage, const char *plain, struct wb_site *site)
{
	site->name_source = WB_NAME_DWARF;
	site->function_reason = WB_REASON_NONE;
	return wb_symbolizer_debug_name(symbolizer, linkage, plain, &site->function, &site->linkage_name);
}

/* The mangled symbol at the entry of a function without a linkage name. WB_NONE: there is none. */
static enum wb_err find_mangled(struct lookup *lookup, const struct wb_function *function, struct wb_symtab_hit *ret_entry)
{
	uint64_t entry = function->entry + lookup->shift;
	enum wb_err err = lookup->hit.table->names_are_plain ? WB_NONE : know_symbols(lookup);

	if (err)
		return err;
	return lookup->symtab && wb_symtab_find(lookup->symtab, entry, ret_entry) && ret_entry->start == entry &&
	       looks_mangled(ret_entry->name) ? WB_OK : WB_NONE;
}

/* The outermost function's name; walkback/symbolize.h says which. */
static enum wb_err name_function(struct wb_symbolizer *symbolizer, struct lookup *lookup, const struct wb_function *function,
                                 const struct wb_function_name *name, struct wb_site *site)
{
	const char *linkage = wb_ref_text(lookup->sections, name->linkage);
	const char *plain = wb_ref_text(lookup->sections, name->name);
	struct wb_symtab_hit entry;
	enum wb_err err = WB_NONE;

	site->function_start = function->entry + lookup->shift;
	site->function_size = function->size;
	if (symbolizer->opts.symtab_only || (!linkage && !plain))
		err = know_symbols(lookup);
	if (err < 0)
		return err;
	if (lookup->has_symbol && symbolizer->opts.symtab_only)
		return name_by_symbol(symbolizer, &lookup->symbol, site);
	/* Lambdas and link-time optimized functions can lack linkage names; their plain ones lack scopes and parameters. */
	if (!linkage)
		err = find_mangled(lookup, function, &entry);
	if (err < 0)
		return err;
	if (!linkage && err == WB_OK)
		return name_by_symbol(symbolizer, &entry, site);
	if (linkage || plain)
		return name_by_debug(symbolizer, linkage, plain, site);
	if (lookup->has_symbol)
		return name_by_symbol(symbolizer, &lookup->symbol, site);
	site->function_reason = (uint8_t)reason_of_file(lookup->image, WB_FILE_SUPPLEMENTARY, WB_REASON_UNSUPPORTED);
	return WB_OK;
}

static enum wb_err name_call(struct wb_symbolizer *symbolizer, const struct lookup *lookup, const struct wb_function_name *name,
                             struct wb_site *site)
{
	const char *linkage = wb_ref_text(lookup->sections, name->linkage);
	const char *plain = wb_ref_text(lookup->sections, name->name);

	site->inlined = 1;
	if (linkage || plain)
		return name_by_debug(symbolizer, linkage, plain, site);
	site->function_reason = (uint8_t)reason_of_file(lookup->image, WB_FILE_SUPPLEMENTARY, WB_REASON_UNSUPPORTED);
	return WB_OK;
}

/* The chain of a node, innermost first: each call's site has the line of the call inside it. */
static enum wb_err add_chain(struct wb_symbolizer *symbolizer, struct lookup *lookup, struct wb_line_hit line, bool has_line)
{
	const struct wb_functions *functions = lookup->hit.functions;
	bool only_outermost = symbolizer->opts.detail == WB_DETAIL_LINES;

	for (uint32_t at = lookup->hit.node; at != WB_NODE_NONE;) {
		const struct wb_node *node = wb_functions_node(functions, at);
		struct wb_function_name name = { WB_REF_NONE, WB_REF_NONE };
		struct wb_site *site;
		enum wb_err err = WB_OK;

		at = node->parent;
		if (only_outermost && at != WB_NODE_NONE)
			continue;
		if (node->name != WB_NODE_NONE)
			err = wb_dwarf_name(lookup->dwarf, wb_functions_name(functions, node->name), &name);
		if (!err)
			err = wb_symbolizer_add_site(symbolizer, &site);
		if (err)
			return err == WB_ERR_LIMIT ? WB_OK : err;
		site->line_reason = (uint8_t)lookup->line_reason;
		if (has_line)
			err = show_line(symbolizer, lookup, &line, site);
		if (!err && at == WB_NODE_NONE)
			err = name_function(symbolizer, lookup, wb_functions_function(functions, node->function), &name, site);
		else if (!err)
			err = name_call(symbolizer, lookup, &name, site);
		if (err)
			return err;
		line = (struct wb_line_hit){ node->call_file, node->call_line, node->call_column };
		has_line = !symbolizer->opts.no_lines;
	}
	return WB_OK;
}

/* No function in debug information: the symbol, with the line if that is known. */
static enum wb_err add_symbol(struct wb_symbolizer *symbolizer, struct lookup *lookup)
{
	struct wb_site *site;
	enum wb_err err = know_symbols(lookup);

	if (!err)
		err = wb_symbolizer_add_site(symbolizer, &site);
	if (err)
		return err;
	if (!lookup->has_symbol && !lookup->hit.table && lookup->function_reason == WB_REASON_NO_SYMBOL)
		lookup->function_reason = reason_of_image(lookup->image);
	site->line_reason = (uint8_t)lookup->line_reason;
	if (lookup->hit.has_line)
		err = show_line(symbolizer, lookup, &lookup->hit.line, site);
	if (err)
		return err;
	if (lookup->has_symbol) {
		site->function_start = lookup->symbol.start;
		site->function_size = lookup->symbol.size;
		if (lookup->symbol.file && !site->file && symbolizer->opts.detail >= WB_DETAIL_LINES && !symbolizer->opts.no_lines)
			err = wb_symbolizer_file(symbolizer, lookup->symbol.file, site);
		if (err)
			return err;
		return name_by_symbol(symbolizer, &lookup->symbol, site);
	}
	site->function_reason = (uint8_t)lookup->function_reason;
	return WB_OK;
}

static void finish_chain(struct wb_symbolizer *symbolizer)
{
	const struct wb_site *outermost = &symbolizer->sites[symbolizer->num_sites - 1];

	for (size_t i = 0; i < symbolizer->num_sites; i++) {
		symbolizer->sites[i].call_depth = (uint32_t)(symbolizer->num_sites - 1 - i);
		symbolizer->sites[i].function_start = outermost->function_start;
		symbolizer->sites[i].function_size = outermost->function_size;
	}
}

static bool lacks_name(const struct wb_symbolizer *symbolizer)
{
	for (size_t i = 0; i < symbolizer->num_sites; i++)
		if (symbolizer->sites[i].function_reason != WB_REASON_NONE)
			return true;
	return false;
}

/* Which file would have told more: 1 + its role; 0: none. */
static uint32_t missing_file(const struct wb_symbolizer *symbolizer, const struct lookup *lookup)
{
	struct wb_object *object;

	if (symbolizer->sites[0].name_source == WB_NAME_GO)
		return 0;
	if (wb_image_object(lookup->image, WB_FILE_EXECUTABLE, &object) != WB_OK)
		return lookup->has_symbol || lookup->hit.table || lookup->function_reason == WB_REASON_NO_SYMBOL ? 0 : 1 + WB_FILE_EXECUTABLE;
	if (!lookup->hit.table && wb_image_is_in_memory(lookup->image))
		return 1 + WB_FILE_EXECUTABLE;
	if (lookup->line_reason == WB_REASON_NO_DEBUG_INFO && wb_image_verdict(lookup->image, WB_FILE_DEBUG) == WB_VERDICT_MISSING)
		return 1 + WB_FILE_DEBUG;
	if (lookup->lacks_object || lacks_split(lookup))
		return 1 + WB_FILE_DWO;
	if (lookup->hit.table && lacks_name(symbolizer) && reason_of_file(lookup->image, WB_FILE_SUPPLEMENTARY, WB_REASON_NONE) != WB_REASON_NONE)
		return 1 + WB_FILE_SUPPLEMENTARY;
	return 0;
}

/* By a Breakpad symbol file, where there is no debug information of the address. WB_NONE: there is none either. */
static enum wb_err find_breakpad_sites(struct wb_symbolizer *symbolizer, struct lookup *lookup)
{
	enum wb_err err = lookup->hit.table ? WB_NONE : wb_breakpad_sites(symbolizer, lookup->image, lookup->pc);

	if (err)
		return err;
	lookup->has_symbol = true;
	for (size_t i = 0; i < symbolizer->num_sites; i++)
		symbolizer->sites[i].call_depth = (uint32_t)(symbolizer->num_sites - 1 - i);
	return WB_OK;
}

/* Go's own tables, if it is Go's code. */
static enum wb_err find_go_sites(struct wb_symbolizer *symbolizer, const struct lookup *lookup)
{
	enum wb_err err = wb_symbolizer_go(symbolizer, lookup->image, lookup->pc);

	if (!err)
		finish_chain(symbolizer);
	return err;
}

static enum wb_err find_sites(struct wb_symbolizer *symbolizer, struct lookup *lookup)
{
	bool wants_debug = symbolizer->opts.detail >= WB_DETAIL_LINES, prefers_debug = wants_debug && symbolizer->opts.go_from_debug;
	enum wb_err err = prefers_debug ? WB_NONE : find_go_sites(symbolizer, lookup);

	if (err != WB_NONE)
		return err;
	err = wants_debug ? look_up_debug(symbolizer, lookup) : WB_OK;
	if (!err && prefers_debug && (!lookup->hit.table || lookup->hit.node == WB_NODE_NONE)) {
		err = find_go_sites(symbolizer, lookup);
		if (err != WB_NONE)
			return err;
		err = WB_OK;
	}
	if (!err) {
		err = find_breakpad_sites(symbolizer, lookup);
		if (err != WB_NONE)
			return err;
		err = WB_OK;
	}
	if (!err && lookup->hit.table && lookup->hit.node != WB_NODE_NONE)
		err = add_chain(symbolizer, lookup, lookup->hit.line, lookup->hit.has_line);
	else if (!err)
		err = add_symbol(symbolizer, lookup);
	if (!err)
		finish_chain(symbolizer);
	return err;
}

/* ---- The public calls ------------------------------------------------------------------------------------------------------- */

static enum wb_err answer_unknown(struct wb_symbolizer *symbolizer, enum wb_reason reason, const struct wb_site **ret_sites, size_t *ret_count)
{
	struct wb_site *site;
	enum wb_err err;

	symbolizer->num_sites = 0;
	err = wb_symbolizer_add_site(symbolizer, &site);
	if (err)
		return err;
	site->function_reason = site->line_reason = (uint8_t)reason;
	*ret_sites = site;
	*ret_count = 1;
	return WB_OK;
}

/* A frame without a place in a file: nothing is mapped there, or it is not known where in the file that is, because it is not had. */
static enum wb_err answer_placeless(struct wb_symbolizer *symbolizer, const struct wb_frame *frame, const struct wb_site **ret_sites,
                                    size_t *ret_count)
{
	enum wb_reason reason = WB_REASON_NO_IMAGE;
	struct wb_image *image;

	if (frame->image_id && wb_image_by_id(symbolizer->session, frame->image_id, &image) == WB_OK) {
		reason = reason_of_image(image);
		wb_image_unref(image);
	}
	return answer_unknown(symbolizer, reason, ret_sites, ret_count);
}

static enum wb_err find_answer(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t pc, const struct wb_memo_answer **ret_answer)
{
	struct lookup lookup = {
		.image = image, .pc = pc, .hit.node = WB_NODE_NONE, .line_reason = WB_REASON_NOT_ASKED, .function_reason = WB_REASON_NO_SYMBOL,
	};
	struct wb_memo_answer answer = { .image_id = wb_image_id(image), .pc = pc };
	enum wb_err err;

	wb_memo_make_room(&symbolizer->memo);
	symbolizer->num_sites = 0;
	err = find_sites(symbolizer, &lookup);
	if (!err)
		answer.missed = missing_file(symbolizer, &lookup);
	wb_dwarf_release(&lookup.hit);
	if (err)
		return err;
	answer.sites = symbolizer->sites;
	answer.count = (uint32_t)symbolizer->num_sites;
	return wb_memo_store(&symbolizer->memo, &answer, ret_answer);
}

static void give_answer(struct wb_symbolizer *symbolizer, const struct wb_memo_answer *answer, const struct wb_site **ret_sites, size_t *ret_count)
{
	if (answer->missed)
		note_missed(symbolizer, answer);
	*ret_sites = answer->sites;
	*ret_count = answer->count;
}

static enum wb_err symbolize(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t pc, const struct wb_site **ret_sites,
                             size_t *ret_count)
{
	const struct wb_memo_answer *answer = wb_memo_find(&symbolizer->memo, wb_image_id(image), pc);

	if (!answer) {
		enum wb_err err = find_answer(symbolizer, image, pc, &answer);

		if (err)
			return err;
	}
	give_answer(symbolizer, answer, ret_sites, ret_count);
	return WB_OK;
}

enum wb_err wb_symbolize(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc, enum wb_pc_kind kind,
                         const struct wb_site **ret_sites, size_t *ret_count)
{
	if (!symbolizer || !ret_sites || !ret_count)
		return WB_ERR_ARGUMENT;
	if (!image)
		return answer_unknown(symbolizer, WB_REASON_NO_IMAGE, ret_sites, ret_count);
	return symbolize(symbolizer, image, kind == WB_PC_RETURN ? image_pc - 1 : image_pc, ret_sites, ret_count);
}

enum wb_err wb_symbolize_frame(struct wb_symbolizer *symbolizer, const struct wb_frame *frame, const struct wb_site **ret_sites,
                               size_t *ret_count)
{
	const struct wb_memo_answer *answer;
	struct wb_image *image = NULL;
	enum wb_err err;

	if (!symbolizer || !frame || !ret_sites || !ret_count)
		return WB_ERR_ARGUMENT;
	if (!(frame->flags & WB_FRAME_HAS_IMAGE))
		return answer_placeless(symbolizer, frame, ret_sites, ret_count);
	answer = wb_memo_find(&symbolizer->memo, frame->image_id, frame->image_pc);
	if (answer) {
		give_answer(symbolizer, answer, ret_sites, ret_count);
		return WB_OK;
	}
	err = wb_image_by_id(symbolizer->session, frame->image_id, &image);
	if (err == WB_NONE)
		return answer_unknown(symbolizer, WB_REASON_NO_IMAGE, ret_sites, ret_count);
	if (!err)
		err = symbolize(symbolizer, image, frame->image_pc, ret_sites, ret_count);
	wb_image_unref(image);
	return err;
}

/* Names alone come from symbols, and of Go's code all that is asked for from its own tables. */
static bool asks_debug_info(const struct wb_symbolizer *symbolizer, struct wb_image *image)
{
	const struct wb_pclntab *table;

	if (symbolizer->opts.detail == WB_DETAIL_NAMES)
		return false;
	return symbolizer->opts.go_from_debug || wb_pclntab_of_image(image, &table) != WB_OK || !table;
}

bool wb_symbolizer_expect(struct wb_symbolizer *symbolizer, struct wb_image *image, size_t count, bool is_shared)
{
	if (count < MANY_MIN || !asks_debug_info(symbolizer, image))
		return false;
	wb_dwarf_expect_many(image, !symbolizer->opts.no_lines, is_shared);
	return true;
}

enum wb_err wb_symbolize_many(struct wb_symbolizer *symbolizer, struct wb_image *image, const uint64_t *image_pcs, size_t count,
                              enum wb_pc_kind kind, wb_sites_fn fn, void *arg)
{
	if (!symbolizer || (count > 0 && !image_pcs) || !fn)
		return WB_ERR_ARGUMENT;
	if (image)
		(void)wb_symbolizer_expect(symbolizer, image, count, false);
	for (size_t i = 0; i < count; i++) {
		const struct wb_site *sites;
		size_t num_sites;
		enum wb_err err = wb_symbolize(symbolizer, image, image_pcs[i], kind, &sites, &num_sites);

		if (!err)
			err = fn(arg, i, sites, num_sites);
		if (err)
			return err;
		if (i % 1024 == 1023)
			err = wb_session_check(symbolizer->session, i + 1, count);
		if (err)
			return err;
	}
	return WB_OK;
}
