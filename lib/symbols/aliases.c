/* SPDX-License-Identifier: MIT */
/* The symbols of an image, sorted by address and preference. */
#include "symbols/aliases.h"

#include "base/mem.h"
#include "model/session.h"

#include <stdlib.h>

struct wb_aliases {
	struct wb_session *session;   /* that its bytes are charged to; NULL: not charged */
	size_t bytes;
	struct wb_symtab_candidate *symbols;
	size_t count;
};

static int by_preference(const void *left, const void *right)
{
	const struct wb_symtab_candidate *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return wb_symtab_prefers(a, b) ? -1 : wb_symtab_prefers(b, a) ? 1 : 0;
}

enum wb_err wb_aliases_new(struct wb_symtab_builder *builder, struct wb_aliases **ret_aliases)
{
	struct wb_aliases *aliases;

	if (builder->count == 0)
		return WB_NONE;
	aliases = wb_mem_zalloc(1, sizeof *aliases);
	if (!aliases)
		return WB_ERR_MEMORY;
	aliases->symbols = builder->candidates;
	aliases->count = builder->count;
	aliases->bytes = sizeof *aliases + builder->capacity * sizeof *builder->candidates;
	wb_symtab_builder_init(builder);
	qsort(aliases->symbols, aliases->count, sizeof *aliases->symbols, by_preference);
	*ret_aliases = aliases;
	return WB_OK;
}

void wb_aliases_free(struct wb_aliases *aliases)
{
	if (!aliases)
		return;
	if (aliases->session)
		wb_session_discharge(aliases->session, aliases->bytes, false);
	wb_mem_free(aliases->symbols);
	wb_mem_free(aliases);
}

const struct wb_symtab_candidate *wb_aliases_at(const struct wb_aliases *aliases, uint64_t start, size_t *ret_count)
{
	size_t low = 0, high = aliases->count, count = 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (aliases->symbols[mid].start < start)
			low = mid + 1;
		else
			high = mid;
	}
	while (low + count < aliases->count && aliases->symbols[low + count].start == start)
		count++;
	if (!count)
		return NULL;
	*ret_count = count;
	return &aliases->symbols[low];
}

static enum wb_err build_aliases(struct wb_image *image, void *arg, void **ret_value)
{
	struct wb_symtab_builder builder;
	struct wb_aliases *aliases = NULL;
	struct wb_text text;
	enum wb_err err;

	(void)arg;
	*ret_value = NULL;
	wb_symtab_builder_init(&builder);
	err = wb_symtab_collect(image, &builder, &text);
	if (!err)
		err = wb_aliases_new(&builder, &aliases);
	if (!err) {
		aliases->session = wb_image_session(image);
		wb_session_charge(aliases->session, aliases->bytes, true);
		*ret_value = aliases;
	}
	wb_text_deinit(&text);
	wb_symtab_builder_deinit(&builder);
	return err;
}

static void destroy_aliases(void *value)
{
	wb_aliases_free(value);
}

enum wb_err wb_aliases_of_image(struct wb_image *image, const struct wb_aliases **ret_aliases)
{
	void *value = NULL;
	enum wb_err err = wb_image_slot(image, WB_SLOT_ALIASES, build_aliases, NULL, destroy_aliases, &value);

	if (err)
		return err;
	if (!value)
		return WB_NONE;
	*ret_aliases = value;
	return WB_OK;
}
