/* SPDX-License-Identifier: MIT */
/*
 * The debug map of a linked Mach-O file: symbols for debuggers (stabs) that say which function came from which object file, where its debug information
 * was left. For each object file an N_OSO with its path; then for each function an N_FUN with its address, and one without a section with its size.
 */
#include "formats/image_macho.h"

/* What the stabs read so far have said. */
struct place {
	struct wb_linked linked;      /* object NULL: of no object file */
	bool is_open;                 /* the function's start was read, its size is to come */
};

/* WB_OK: goes on. */
static enum wb_err take_stab(const struct macho *macho, const struct macho_symbol *stab, struct place *place, wb_linked_fn fn, void *arg)
{
	switch (stab->type) {
	case MACHO_N_SO:
		*place = (struct place){ .is_open = false };
		return WB_OK;
	case MACHO_N_OSO:
		*place = (struct place){ .linked = { .object = wb_macho_text(macho, stab->name), .modified = stab->value } };
		return WB_OK;
	case MACHO_N_FUN:
		break;
	default:
		return WB_OK;
	}
	if (stab->section) {
		place->linked.symbol = wb_macho_name(macho, stab->name);
		place->linked.value = stab->value;
		place->is_open = place->linked.object && *place->linked.object && place->linked.symbol && *place->linked.symbol;
		return WB_OK;
	}
	if (!place->is_open)
		return WB_OK;
	place->is_open = false;
	place->linked.size = stab->value;
	return fn(arg, &place->linked);
}

enum wb_err wb_macho_list_linked(struct wb_object *object, wb_linked_fn fn, void *arg)
{
	struct macho *macho = macho_of(object);
	size_t count = (size_t)(macho->symbols.size / wb_macho_symbol_size(macho));
	struct place place = { .is_open = false };
	struct wb_piece symbols;
	struct wb_bytes b;
	enum wb_err err = wb_macho_make(macho);

	if (!err && count)
		err = wb_macho_piece(macho, macho->symbols, "symbols", &symbols);
	if (err || !count)
		return err;
	b = macho_bytes(macho, &symbols);
	for (size_t i = 0; !err && i < count; i++) {
		struct macho_symbol symbol = wb_macho_read_symbol(macho, &b);

		if (symbol.type & MACHO_N_STAB)
			err = take_stab(macho, &symbol, &place, fn, arg);
	}
	wb_piece_deinit(&symbols);
	return err;
}
