/* SPDX-License-Identifier: MIT */
/* Symbols by themselves: all names of an address, and the address of a name. */
#include "symbols/symbolizer.h"

#include "base/mem.h"
#include "symbols/aliases.h"
#include "symbols/symtab.h"

#include <string.h>

enum { ALIASES_MAX = 4096 };          /* names of one address; linkers fold some hundred functions into one, damaged tables have more */

/* ---- All names ------------------------------------------------------------------------------------------------------------------ */

static enum wb_err add_alias(struct wb_symbolizer *symbolizer, const struct wb_symtab_candidate *symbol, size_t index)
{
	size_t size = wb_symtab_name_size(symbol);
	struct wb_alias *alias;
	char *name;
	enum wb_err err;

	if (!wb_mem_grow((void **)&symbolizer->aliases, &symbolizer->aliases_capacity, index, 1, sizeof *alias))
		return WB_ERR_MEMORY;
	alias = &symbolizer->aliases[index];
	*alias = (struct wb_alias){ .size = sizeof *alias, .symbol_size = symbol->size, .name_source = symbol->source };
	if (!symbol->name[size])
		return wb_symbolizer_name(symbolizer, symbol->name, &alias->name, &alias->linkage_name);
	name = wb_mem_dup(symbol->name, size + 1);
	if (!name)
		return WB_ERR_MEMORY;
	name[size] = '\0';
	err = wb_symbolizer_name(symbolizer, name, &alias->name, &alias->linkage_name);
	wb_mem_free(name);
	return err;
}

/* The static and the dynamic table have the same names: their texts are kept once, so equal ones are the same. */
static bool is_known_alias(const struct wb_symbolizer *symbolizer, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (symbolizer->aliases[i].linkage_name == symbolizer->aliases[count].linkage_name)
			return true;
	return false;
}

static enum wb_err find_aliases(struct wb_symbolizer *symbolizer, const struct wb_aliases *aliases, const struct wb_symtab_hit *hit, uint64_t pc,
                                size_t *ret_count)
{
	size_t num_symbols = 0, count = 0;
	const struct wb_symtab_candidate *symbols = wb_aliases_at(aliases, hit->start, &num_symbols);

	for (size_t i = 0; i < num_symbols && count < ALIASES_MAX; i++) {
		enum wb_err err;

		if (symbols[i].size ? pc - symbols[i].start >= symbols[i].size : hit->size != 0)
			continue; /* it does not reach that far */
		err = add_alias(symbolizer, &symbols[i], count);
		if (err)
			return err;
		count += !is_known_alias(symbolizer, count);
	}
	*ret_count = count;
	return WB_OK;
}

enum wb_err wb_symbol_aliases(struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc, enum wb_pc_kind kind,
                              const struct wb_alias **ret_aliases, size_t *ret_count)
{
	uint64_t pc = kind == WB_PC_RETURN ? image_pc - 1 : image_pc;
	const struct wb_aliases *aliases;
	const struct wb_symtab *symtab;
	struct wb_symtab_hit hit;
	enum wb_err err;

	if (!symbolizer || !image || !ret_aliases || !ret_count)
		return WB_ERR_ARGUMENT;
	wb_memo_make_room(&symbolizer->memo);
	err = wb_symtab_of_image(image, &symtab);
	if (!err && !wb_symtab_find(symtab, pc, &hit))
		err = WB_NONE;
	if (!err)
		err = wb_aliases_of_image(image, &aliases);
	if (!err)
		err = find_aliases(symbolizer, aliases, &hit, pc, ret_count);
	if (!err)
		*ret_aliases = symbolizer->aliases;
	return err;
}

/* ---- From names to addresses -------------------------------------------------------------------------------------------------- */

struct name_search {
	struct wb_symbolizer *symbolizer;
	const char *name;
	bool is_demangled;            /* compare what raw names demangle to */
	bool found;
	struct wb_symbol symbol;      /* the best so far; its name is not looked at */
};

static bool is_called(const struct name_search *search, const struct wb_symbol *symbol)
{
	size_t size = strlen(search->name);

	if (!search->is_demangled)
		return strncmp(symbol->name, search->name, size) == 0 && (symbol->name[size] == '\0' || symbol->name[size] == '@');
	return symbol->name[0] == '_' && wb_symbolizer_demangle(search->symbolizer, symbol->name) == WB_OK && strcmp(search->symbolizer->text, search->name) == 0;
}

/* Global before weak before local; the first of equals. */
static enum wb_err match_name(void *arg, const struct wb_symbol *symbol)
{
	struct name_search *search = arg;

	if ((!search->found || symbol->binding > search->symbol.binding) && is_called(search, symbol)) {
		search->found = true;
		search->symbol = *symbol;
	}
	return WB_OK;
}

/* Demangled names of functions have parameters, or at least a scope: to compare with them, every mangled name must be demangled. */
static bool may_be_demangled(const char *name)
{
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$@")] != '\0';
}

enum wb_err wb_symbol_find(struct wb_symbolizer *symbolizer, struct wb_image *image, const char *name, uint64_t *ret_image_pc,
                           uint64_t *ret_size)
{
	struct name_search search = { .symbolizer = symbolizer, .name = name };
	enum wb_err err;

	if (!symbolizer || !image || !name || !ret_image_pc || !ret_size)
		return WB_ERR_ARGUMENT;
	err = wb_symtab_list(image, match_name, &search);
	if (!err && !search.found && may_be_demangled(name)) {
		search.is_demangled = true;
		err = wb_symtab_list(image, match_name, &search);
	}
	if (err)
		return err;
	if (!search.found)
		return WB_NONE;
	*ret_image_pc = search.symbol.value;
	*ret_size = search.symbol.size;
	return WB_OK;
}
