/* SPDX-License-Identifier: MIT */
/* The three encodings of location lists, gone through for one pc. */
#include "symbols/dwarf_locations.h"

#include "base/mem.h"
#include "model/image.h"
#include "symbols/dwarf_files.h"
#include "symbols/dwarf_ranges.h"

/* A list that is read. */
struct list {
	const struct wb_unit_source *source;
	struct wb_bytes b;
	uint64_t base, mask;
	uint64_t start, end;          /* of the entry at hand; for what is none of code both are 0 */
	bool has_expression;          /* the entry at hand has one behind what was read */
	bool is_default;              /* it counts where no other does */
	bool is_broken;
};

/* What linkers leave for discarded code (see dwarf_ranges.c). */
static bool is_dead(const struct list *list, uint64_t address)
{
	return address >= list->mask - 1;
}

static uint64_t address_of(struct list *list)
{
	return wb_bytes_uint(&list->b, list->source->header->address_size);
}

static uint64_t indexed(struct list *list)
{
	struct wb_form_value value = { WB_FORM_CLASS_ADDRESS_INDEX, wb_bytes_uleb(&list->b) };
	uint64_t address = 0;

	if (!wb_unit_address(&list->source->sections, list->source->header, &list->source->root, &value, &address))
		list->is_broken = true;
	return address;
}

static void set(struct list *list, uint64_t start, uint64_t end)
{
	bool is_none = is_dead(list, start) || start >= end;

	list->has_expression = true;
	list->start = is_none ? 0 : start & list->mask;
	list->end = is_none ? 0 : end & list->mask;
}

static void set_from_base(struct list *list, uint64_t start, uint64_t end)
{
	if (is_dead(list, list->base) || start >= end)
		set(list, 0, 0);
	else
		set(list, (list->base + start) & list->mask, (list->base + end) & list->mask);
}

/* DWARF 4, 2.6.2. False: the list is over. */
static bool read_entry_4(struct list *list)
{
	uint64_t start = address_of(list), end = address_of(list);

	if (start == 0 && end == 0)
		return false;
	if (start == list->mask)
		list->base = end;
	else
		set_from_base(list, start, end);
	return true;
}

/* GNU's first form of split units' lists (gcc.gnu.org/wiki/DebugFission): kinds of DWARF 5's by number, with lengths of 4 bytes. */
static bool read_entry_split_4(struct list *list)
{
	uint64_t start, end;

	switch ((enum wb_dw_lle)wb_bytes_u8(&list->b)) {
	case WB_LLE_END_OF_LIST: return false;
	case WB_LLE_BASE_ADDRESSX: list->base = indexed(list); return true;
	case WB_LLE_STARTX_ENDX:
		start = indexed(list);
		end = indexed(list);
		set(list, start, end);
		return true;
	case WB_LLE_STARTX_LENGTH:
		start = indexed(list);
		set(list, start, start + wb_bytes_u32(&list->b));
		return true;
	case WB_LLE_OFFSET_PAIR:
		start = wb_bytes_u32(&list->b);
		end = wb_bytes_u32(&list->b);
		set_from_base(list, start, end);
		return true;
	case WB_LLE_DEFAULT_LOCATION:
	case WB_LLE_BASE_ADDRESS:
	case WB_LLE_START_END:
	case WB_LLE_START_LENGTH:
	case WB_LLE_GNU_VIEW_PAIR: break;
	}
	list->is_broken = true;
	return false;
}

/* DWARF 5, 7.7.3. All but offset pairs are absolute. */
static bool read_entry_5(struct list *list)
{
	struct wb_bytes *b = &list->b;
	uint64_t start, end;

	switch ((enum wb_dw_lle)wb_bytes_u8(b)) {
	case WB_LLE_END_OF_LIST: return false;
	case WB_LLE_BASE_ADDRESSX: list->base = indexed(list); return true;
	case WB_LLE_BASE_ADDRESS: list->base = address_of(list); return true;
	case WB_LLE_STARTX_ENDX:
		start = indexed(list);
		end = indexed(list);
		set(list, start, end);
		return true;
	case WB_LLE_STARTX_LENGTH:
		start = indexed(list);
		set(list, start, start + wb_bytes_uleb(b));
		return true;
	case WB_LLE_OFFSET_PAIR:
		start = wb_bytes_uleb(b);
		end = wb_bytes_uleb(b);
		set_from_base(list, start, end);
		return true;
	case WB_LLE_DEFAULT_LOCATION: list->has_expression = list->is_default = true; return true;
	case WB_LLE_START_END:
		start = address_of(list);
		end = address_of(list);
		set(list, start, end);
		return true;
	case WB_LLE_START_LENGTH:
		start = address_of(list);
		set(list, start, start + wb_bytes_uleb(b));
		return true;
	case WB_LLE_GNU_VIEW_PAIR:
		(void)wb_bytes_uleb(b);
		(void)wb_bytes_uleb(b);
		return true;
	}
	list->is_broken = true;
	return false;
}

static bool is_split(const struct wb_unit_source *source)
{
	return source->sections.by_id[WB_DWARF_INFO].file >= WB_DWARF_FILE_PACKAGE;
}

/* A kind, and behind it the expression with its size: a block since version 5, two bytes of size before. WB_NONE: the list is over. */
static enum wb_err next_entry(struct list *list, struct wb_expression *ret_expression)
{
	unsigned version = list->source->header->version;
	uint64_t size = 0;

	list->start = list->end = 0;
	list->has_expression = list->is_default = false;
	if (!(version >= 5 ? read_entry_5(list) : is_split(list->source) ? read_entry_split_4(list) : read_entry_4(list)))
		return list->is_broken || wb_bytes_failed(&list->b) ? WB_ERR_DATA : WB_NONE;
	if (list->has_expression)
		size = version >= 5 ? wb_bytes_uleb(&list->b) : wb_bytes_u16(&list->b);
	ret_expression->bytes = list->b.at;
	ret_expression->size = (size_t)size;
	wb_bytes_skip(&list->b, size);
	return list->is_broken || wb_bytes_failed(&list->b) ? WB_ERR_DATA : WB_OK;
}

static enum wb_err search(struct list *list, uint64_t pc, uint64_t *budget, struct wb_expression *ret_expression)
{
	struct wb_expression expression, otherwise = { NULL, 0 };

	for (;;) { /* bounded by the budget: each entry takes a byte at least */
		size_t at = wb_bytes_offset(&list->b);
		enum wb_err err = *budget ? next_entry(list, &expression) : WB_ERR_LIMIT;
		uint64_t used = wb_bytes_offset(&list->b) - at;

		if (err == WB_NONE && otherwise.bytes)
			break;
		if (err)
			return err;
		*budget -= used < *budget ? used : *budget;
		if (pc >= list->start && pc < list->end) {
			*ret_expression = expression;
			return WB_OK;
		}
		if (list->is_default)
			otherwise = expression;
	}
	*ret_expression = otherwise;
	return WB_OK;
}

/* The section that the unit's lists are in, of which a package says the unit's part. */
static enum wb_err lists_of(const struct wb_unit_source *source, struct wb_bytes *ret_b)
{
	enum wb_dwarf_section section = source->header->version >= 5 ? WB_DWARF_LOCLISTS : WB_DWARF_LOC;
	const struct wb_dwarf_sections *sections = &source->sections;
	struct wb_dwarf_slice slice = sections->by_id[section];
	const char *name = !is_split(source) ? wb_dwarf_section_name(section) : section == WB_DWARF_LOC ? ".debug_loc.dwo" : ".debug_loclists.dwo";
	const uint8_t *bytes;
	size_t size;
	enum wb_err err;

	if (!slice.bytes && sections->object) {
		err = wb_image_section(sections->image, sections->object, name, &bytes, &size, NULL);
		if (err)
			return err;
		if (slice.size && (slice.offset > size || slice.size > size - slice.offset))
			return WB_ERR_DATA;
		slice.bytes = bytes + (slice.size ? slice.offset : 0);
		slice.size = slice.size ? slice.size : size;
	}
	*ret_b = wb_bytes_of(slice.bytes, slice.bytes ? slice.size : 0, sections->big_endian);
	return WB_OK;
}

/* DWARF 5, 7.29: an index into the table of offsets at loclists_base, which the offsets count from. */
static bool seek_list(struct wb_bytes *b, const struct wb_unit_source *source, const struct wb_entry_value *value)
{
	const struct wb_unit_header *unit = source->header;
	uint64_t base = source->root.loclists_base, at = value->value.value;

	if (value->value.class != WB_FORM_CLASS_LIST_INDEX)
		return (value->value.class == WB_FORM_CLASS_OFFSET || value->value.class == WB_FORM_CLASS_CONSTANT) && wb_bytes_seek(b, at);
	if (base == UINT64_MAX || __builtin_mul_overflow(at, (uint64_t)unit->offset_size, &at) || !wb_u64_add(at, base, &at) || !wb_bytes_seek(b, at))
		return false;
	at = wb_bytes_uint(b, unit->offset_size);
	return wb_u64_add(at, base, &at) && wb_bytes_seek(b, at);
}

enum wb_err wb_location_at(const struct wb_unit_source *source, const struct wb_entry_value *value, uint64_t pc, uint64_t *budget,
                           struct wb_expression *ret_expression)
{
	struct list list = { .source = source, .mask = source->header->address_size == 8 ? UINT64_MAX : UINT32_MAX };
	enum wb_err err;

	if (value->value.class == WB_FORM_CLASS_BLOCK) {
		*ret_expression = (struct wb_expression){ value->block, (size_t)value->value.value };
		return WB_OK;
	}
	if (value->value.class == WB_FORM_CLASS_NONE)
		return WB_NONE;
	err = lists_of(source, &list.b);
	if (err)
		return err;
	list.base = wb_ranges_base(&source->sections, source->header, &source->root);
	return seek_list(&list.b, source, value) ? search(&list, pc, budget, ret_expression) : WB_ERR_DATA;
}
