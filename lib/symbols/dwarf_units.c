/* SPDX-License-Identifier: MIT */
/* Listing units: headers are read, and bytes asked for, without the lock, for that can take long; who is first adds. */
#include "symbols/dwarf_units.h"

#include "model/session.h"

enum {
	UNITS_MAX = 1 << 26,
	HEADER_SIZE_MAX = 40,         /* of a type unit of 64-bit DWARF 5 (7.5.1.3) */
};

void wb_unit_list_init(struct wb_unit_list *list, const struct wb_dwarf_sections *sections, struct wb_session *session, size_t item_size)
{
	list->sections = sections;
	list->session = session;
	list->items.item_size = item_size;
	wb_lock_init(&list->lock);
}

void wb_unit_list_deinit(struct wb_unit_list *list)
{
	if (list->session && list->charged > 0)
		wb_session_discharge(list->session, list->charged, false);
	wb_blocks_deinit(&list->items);
	wb_lock_deinit(&list->lock);
}

static uint64_t end_of(const struct wb_unit_list *list)
{
	return atomic_load_explicit(&list->end, memory_order_acquire);
}

/* Under the lock. */
static enum wb_err add(struct wb_unit_list *list, const struct wb_unit *unit)
{
	size_t count = wb_unit_list_count(list), bytes;
	struct wb_unit *listed;

	if (count == UNITS_MAX)
		return WB_ERR_LIMIT;
	if (!wb_blocks_reserve(&list->items, count, &bytes))
		return WB_ERR_MEMORY;
	if (list->session && bytes > 0)
		wb_session_charge(list->session, bytes, true);
	list->charged += bytes;
	listed = wb_unit_list_at(list, count);
	*listed = *unit;
	listed->number = count;
	atomic_store_explicit(&list->count, count + 1, memory_order_release);
	return WB_OK;
}

enum wb_err wb_unit_list_add(struct wb_unit_list *list, const struct wb_unit *unit)
{
	enum wb_err err;

	wb_lock_take(&list->lock);
	err = add(list, unit);
	wb_lock_give(&list->lock);
	return err;
}

/* The list goes on to `end`, with a unit more, or none. Does nothing if another thread has got further. */
static enum wb_err extend(struct wb_unit_list *list, uint64_t at, uint64_t end, const struct wb_unit *unit)
{
	enum wb_err err = WB_OK;

	wb_lock_take(&list->lock);
	if (end_of(list) == at) {
		if (unit)
			err = add(list, unit);
		if (!err)
			atomic_store_explicit(&list->end, end, memory_order_release);
	}
	wb_lock_give(&list->lock);
	return err;
}

/* Reads the header at `at`, and has the bytes of its unit. WB_NONE: there is none, or it cannot be unpacked, which was reported. */
static enum wb_err read_header(const struct wb_unit_list *list, uint64_t at, struct wb_unit_header *ret_header)
{
	struct wb_bytes b = wb_dwarf_bytes(list->sections, WB_DWARF_INFO);
	enum wb_err err = wb_dwarf_need(list->sections, WB_DWARF_INFO, at + HEADER_SIZE_MAX), verdict;

	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	if (!wb_bytes_seek(&b, at))
		return WB_NONE;
	verdict = wb_unit_header_next(&b, ret_header);
	if (verdict == WB_OK || verdict == WB_ERR_UNSUPPORTED)
		err = wb_dwarf_need(list->sections, WB_DWARF_INFO, wb_bytes_offset(&b));
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	return verdict;
}

/* Lists the unit at `at`, the end of the list. */
static enum wb_err list_next(struct wb_unit_list *list, uint64_t at)
{
	const struct wb_dwarf_sections *sections = list->sections;
	struct wb_unit unit = { 0 };
	enum wb_err err = read_header(list, at, &unit.header);

	if (err == WB_OK)
		return extend(list, at, at + unit.header.size, &unit);
	if (err == WB_ERR_UNSUPPORTED) {
		wb_diag_report(sections->diags, err, WB_DIAG_DWARF_UNSUPPORTED, sections->path, ".debug_info", at,
		               "unit of an unknown version or address size");
		return extend(list, at, at + unit.header.size, NULL);
	}
	if (err == WB_ERR_DATA)
		wb_diag_report(sections->diags, err, WB_DIAG_DWARF_MALFORMED, sections->path, ".debug_info", at,
		               "unit goes past the end of the section");
	return err == WB_ERR_MEMORY ? err : extend(list, at, UINT64_MAX, NULL);
}

enum wb_err wb_unit_list_until(struct wb_unit_list *list, uint64_t end)
{
	enum wb_err err = WB_OK;
	uint64_t at;

	while (!err && (at = end_of(list)) < end)
		err = list_next(list, at);
	return err;
}

enum wb_err wb_unit_list_find(struct wb_unit_list *list, uint64_t offset, size_t *ret_unit)
{
	enum wb_err err = wb_unit_list_until(list, offset == UINT64_MAX ? offset : offset + 1);
	size_t low = 0, high = wb_unit_list_count(list), count = high;
	const struct wb_unit *unit;

	if (err)
		return err;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		unit = wb_unit_list_at(list, mid);
		if (unit->header.offset + unit->header.size <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == count)
		return WB_NONE;
	unit = wb_unit_list_at(list, low);
	if (offset < unit->header.offset)
		return WB_NONE;
	*ret_unit = low;
	return WB_OK;
}
