/* SPDX-License-Identifier: MIT */
/*
 * The units of a file, listed from the start of .debug_info as far as somebody has asked for: a unit that is listed has its bytes (see
 * wb_dwarf_need), and stays where it is. Any thread.
 */
#ifndef SYMBOLS_DWARF_UNITS_H
#define SYMBOLS_DWARF_UNITS_H

#include "base/blocks.h"
#include "base/lock.h"
#include "symbols/dwarf_unit.h"

struct wb_session;

/* What a unit is known by before it is compiled. */
struct wb_unit {
	struct wb_unit_header header; /* size 0: no unit, a line table that none refers to */
	uint64_t stmt_list;           /* of such a line table */
	size_t number;                /* in the list, which sets it */
};

struct wb_unit_list {
	const struct wb_dwarf_sections *sections;
	struct wb_session *session;   /* NULL: nothing is charged */
	struct wb_blocks items;       /* each begins with a struct wb_unit */
	_Atomic size_t count;
	_Atomic uint64_t end;         /* of what is listed; UINT64_MAX: there is no more */
	struct wb_lock lock;          /* for adding */
	size_t charged;
};

/* item_size: of what is kept for each unit, zeroed but for the struct wb_unit that it begins with. */
void wb_unit_list_init(struct wb_unit_list *list, const struct wb_dwarf_sections *sections, struct wb_session *session, size_t item_size);
void wb_unit_list_deinit(struct wb_unit_list *list);

/* Lists all units that begin before `end`. What is wrong with a header was reported, and hides the units behind it, not those before. */
enum wb_err wb_unit_list_until(struct wb_unit_list *list, uint64_t end);
/* How many are listed. */
static inline size_t wb_unit_list_count(const struct wb_unit_list *list)
{
	return atomic_load_explicit(&list->count, memory_order_acquire);
}
static inline void *wb_unit_list_at(const struct wb_unit_list *list, size_t unit)
{
	return wb_blocks_at(&list->items, unit);
}
/* The unit that an offset into .debug_info is in; WB_NONE if none that is understood. */
enum wb_err wb_unit_list_find(struct wb_unit_list *list, uint64_t offset, size_t *ret_unit);
/* Adds what is no unit of .debug_info's, once that is known to have none. */
enum wb_err wb_unit_list_add(struct wb_unit_list *list, const struct wb_unit *unit);

#endif
