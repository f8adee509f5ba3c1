/* SPDX-License-Identifier: MIT */
/* From location descriptions to places in memory: their own, or where a callee saved the register that they are in. */
#include "unwind/variable_parts.h"

#include "base/mem.h"
#include "unwind/expr.h"

#include <stdlib.h>
#include <string.h>

enum {
	PARTS_MAX = 1 << 16,          /* of all frames: a thousand frames of some dozens of variables */
	TEXTS_LOOKED_AT = 4,          /* a function's name comes with each of its variables */
	TEXT_MAX = 64 << 20,          /* bytes of names: each can have 64 KiB, out of one string that they share */
};

void wb_variable_parts_deinit(struct wb_variable_parts *parts)
{
	for (size_t i = 0; i < parts->num_texts; i++)
		wb_mem_free(parts->texts[i]);
	wb_mem_free(parts->texts);
	wb_mem_free(parts->items);
	*parts = (struct wb_variable_parts){ 0 };
}

/* A frame's variables on their way in. */
struct taking {
	struct wb_variable_parts *parts;
	const struct wb_variable_scope *scope;
};

static enum wb_err keep_text(struct wb_variable_parts *parts, const char *text, const char **ret_text)
{
	size_t count = parts->num_texts, size = text ? strlen(text) + 1 : 0;

	*ret_text = NULL;
	for (size_t i = count; text && i > 0 && i + TEXTS_LOOKED_AT > count; i--)
		if (!strcmp(parts->texts[i - 1], text))
			*ret_text = parts->texts[i - 1];
	if (!text || *ret_text)
		return WB_OK;
	if (size > TEXT_MAX - parts->text_size)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&parts->texts, &parts->texts_capacity, count, 1, sizeof(char *)))
		return WB_ERR_MEMORY;
	parts->texts[count] = wb_mem_strdup(text);
	if (!parts->texts[count])
		return WB_ERR_MEMORY;
	*ret_text = parts->texts[parts->num_texts++];
	parts->text_size += size;
	return WB_OK;
}

static uint8_t slot_of(const struct wb_variable_scope *scope, uint64_t number)
{
	return number < scope->arch->num_dwarf ? scope->arch->slot_of_dwarf[number] : (uint8_t)WB_SLOT_NONE;
}

static bool reg_of(const struct wb_variable_scope *scope, uint64_t number, uint64_t *ret_value)
{
	uint8_t slot = slot_of(scope, number);

	if (!wb_regs_has(scope->regs, slot))
		return false;
	*ret_value = scope->regs->value[slot];
	return true;
}

/* The word that a register was saved in, if it is the one that the frame's value came from. A variable has its lower bytes. */
static bool saved_at(const struct wb_variable_scope *scope, uint64_t number, uint64_t bytes, uint64_t *ret_address)
{
	uint8_t slot = slot_of(scope, number);
	uint64_t value, word;

	if (!reg_of(scope, number, &value) || !(scope->saved->have >> slot & 1) || bytes > scope->arch->word_size)
		return false;
	*ret_address = scope->saved->address[slot];
	if (wb_view_word(scope->view, *ret_address, &word) != WB_OK || word != value)
		return false;
	*ret_address += scope->view->big_endian ? scope->arch->word_size - bytes : 0;
	return true;
}

/* DWARF 5, 3.3.5: the frame base is where its description says, or what the register that it names has. */
static struct wb_expr_frame frame_of(const struct wb_variable_scope *scope, const struct wb_variable *variable)
{
	struct wb_expr_frame frame = { .has_cfa = (scope->frame->flags & WB_FRAME_HAS_CFA) != 0, .cfa = scope->frame->cfa };
	struct wb_expr_piece pieces[WB_EXPR_PIECES_MAX];
	unsigned count = 0;

	if (!variable->frame_base || wb_expr_locate(scope->arch, scope->regs, scope->view, &frame, variable->frame_base, variable->frame_base_size, pieces,
	                                            &count) != WB_OK || count != 1)
		return frame;
	frame.base = pieces[0].value;
	frame.has_base = pieces[0].where == WB_EXPR_MEMORY || (pieces[0].where == WB_EXPR_REGISTER && reg_of(scope, pieces[0].value, &frame.base));
	return frame;
}

static enum wb_err add_part(struct taking *t, const struct wb_variable *variable, uint64_t address, uint64_t offset, uint64_t bytes)
{
	struct wb_variable_parts *parts = t->parts;
	struct wb_variable_part part = {
		.address = address, .bytes = bytes, .offset = offset, .variable_bytes = variable->bytes, .frame = t->scope->index,
		.call_depth = variable->call_depth, .kind = (uint8_t)variable->kind,
	};
	enum wb_err err;

	if (parts->count == PARTS_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&parts->items, &parts->capacity, parts->count, 1, sizeof(part)))
		return WB_ERR_MEMORY;
	err = keep_text(parts, variable->function, &part.function);
	if (!err)
		err = keep_text(parts, variable->name, &part.name);
	if (!err)
		parts->items[parts->count++] = part;
	return err;
}

/* Where a piece is in memory. False: nowhere. */
static bool place_of(const struct wb_variable_scope *scope, const struct wb_expr_piece *piece, uint64_t bytes, uint64_t *ret_address)
{
	uint64_t end;

	switch (piece->where) {
	case WB_EXPR_NOWHERE: return false;
	case WB_EXPR_REGISTER: return bytes && saved_at(scope, piece->value, bytes, ret_address);
	case WB_EXPR_MEMORY: break;
	}
	*ret_address = piece->value;
	return bytes && !__builtin_add_overflow(piece->value, bytes, &end);
}

static enum wb_err take(void *arg, const struct wb_variable *variable)
{
	struct taking *t = arg;
	const struct wb_variable_scope *scope = t->scope;
	struct wb_expr_frame frame = frame_of(scope, variable);
	struct wb_expr_piece pieces[WB_EXPR_PIECES_MAX];
	uint64_t offset = 0, address = 0;
	enum wb_err err = WB_OK;
	unsigned count = 0;

	/* One that cannot be computed from what is known of the frame has no place. */
	if (!variable->name || wb_expr_locate(scope->arch, scope->regs, scope->view, &frame, variable->location, variable->location_size, pieces, &count) != WB_OK)
		return WB_OK;
	for (unsigned i = 0; i < count && !err; i++) {
		uint64_t bytes = pieces[i].size != UINT64_MAX ? pieces[i].size : variable->bytes ? variable->bytes : scope->arch->word_size;

		if (place_of(scope, &pieces[i], bytes, &address))
			err = add_part(t, variable, address, offset, bytes);
		if (__builtin_add_overflow(offset, bytes, &offset))
			break;
	}
	return err;
}

enum wb_err wb_variable_parts_add(struct wb_variable_parts *parts, const struct wb_variable_scope *scope, wb_variables_fn variables, void *arg)
{
	struct taking t = { parts, scope };
	enum wb_err err = variables(arg, scope->frame, take, &t);

	return err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED ? err : WB_OK;
}

/* The innermost frame and call first, where variables share a place. */
static int by_address(const void *one, const void *other)
{
	const struct wb_variable_part *a = one, *b = other;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (a->frame != b->frame)
		return a->frame < b->frame ? -1 : 1;
	if (a->call_depth != b->call_depth)
		return a->call_depth > b->call_depth ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? -1 : 1;
	return strcmp(a->name, b->name);
}

void wb_variable_parts_sort(struct wb_variable_parts *parts)
{
	if (parts->count)
		qsort(parts->items, parts->count, sizeof(parts->items[0]), by_address);
}
