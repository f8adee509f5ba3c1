/* SPDX-License-Identifier: MIT */
/*
 * Compact unwind information of an image: its section, and the rows made of its encodings. A program has some ten thousand entries, but some hundred
 * encodings: each becomes a table of one row, once, on first need, that lives as long as the image.
 */
#include "unwind/compact.h"

#include "base/mem.h"
#include "model/session.h"

#include <string.h>

static const char section_name[] = "__unwind_info";

enum {
	/* Without personality function, exception table and "no function starts here", which do not change the row. */
	SHAPE_MASK = 0x0fffffff,
	SLOTS_MIN = 64,
};

/* An encoding as a row: with the operand, where it has one. */
struct shape {
	uint64_t key;                 /* encoding, operand above it; 0: empty, as no such encoding is a row */
	struct wb_row_table *table;   /* NULL: the encoding is broken */
};

struct wb_compact {
	struct wb_image *image;       /* borrowed: the image owns this */
	const struct wb_arch_info *arch;
	struct wb_bytes section;
	uint64_t base;                /* image pc that offsets of code count from */
	struct wb_lock lock;          /* guards what follows */
	struct shape *shapes;         /* open addressing */
	size_t num_shapes, num_slots; /* slots: a power of two, or 0 */
	uint64_t charged;
};

static enum wb_err report(struct wb_compact *compact, uint64_t offset, const char *fault)
{
	return wb_diag_report(wb_session_diags(wb_image_session(compact->image)), WB_ERR_DATA, WB_DIAG_CFI_MALFORMED, wb_image_path(compact->image),
	                      section_name, offset, "%s", fault);
}

/* ---- The image's ---- */

static void compact_free(void *value)
{
	struct wb_compact *compact = value;

	if (!compact)
		return;
	for (size_t i = 0; i < compact->num_slots; i++)
		wb_mem_free(compact->shapes[i].table);
	wb_mem_free(compact->shapes);
	wb_session_discharge(wb_image_session(compact->image), compact->charged, false);
	wb_lock_deinit(&compact->lock);
	wb_mem_free(compact);
}

static enum wb_err build(struct wb_image *image, void *arg, void **ret_value)
{
	struct wb_object *object;
	struct wb_compact *compact;
	const struct wb_arch_info *arch;
	const uint8_t *bytes;
	size_t size;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &object);

	(void)arg;
	*ret_value = NULL;
	if (!err)
		err = wb_image_section(image, object, section_name, &bytes, &size, NULL);
	if (err)
		return err;
	arch = wb_arch_info(object->platform.arch);
	if (!arch)
		return WB_NONE;
	compact = wb_mem_zalloc(1, sizeof(*compact));
	if (!compact)
		return WB_ERR_MEMORY;
	compact->image = image;
	compact->arch = arch;
	compact->section = wb_bytes_of(bytes, size, object->platform.big_endian);
	compact->base = object->base;
	wb_lock_init(&compact->lock);
	*ret_value = compact;
	return WB_OK;
}

enum wb_err wb_compact_of_image(struct wb_image *image, struct wb_compact **ret_compact)
{
	void *value = NULL;
	enum wb_err err = wb_image_slot(image, WB_SLOT_COMPACT, build, NULL, compact_free, &value);

	/* A section that cannot be read was reported: it says nothing. */
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	*ret_compact = value;
	return WB_OK;
}

enum wb_err wb_compact_at(struct wb_compact *compact, uint64_t image_pc, struct wb_compact_entry *ret_entry)
{
	const char *fault = "";
	enum wb_err err = WB_NONE;

	if (image_pc >= compact->base)
		err = wb_compact_find_entry(compact->section, image_pc - compact->base, ret_entry, &fault);
	if (err)
		return err == WB_ERR_DATA ? report(compact, UINT64_MAX, fault) : err;
	ret_entry->start += compact->base;
	ret_entry->end += compact->base;
	return WB_OK;
}

/* ---- Rows ---- */

static struct wb_row_table *make_table(const struct wb_compact_row *made, size_t *ret_size)
{
	size_t rules_size = made->row.num_rules * sizeof(made->rules[0]);
	size_t size = sizeof(struct wb_row_table) + 4 * sizeof(uint32_t) + sizeof(struct wb_row) + rules_size;
	struct wb_row_table *table = wb_mem_zalloc(1, size);

	if (!table)
		return NULL;
	table->num_rows = 1;
	table->num_rules = made->row.num_rules;
	memcpy((struct wb_row *)(uintptr_t)wb_row_table_rows(table), &made->row, sizeof(made->row));
	memcpy((struct wb_row_rule *)(uintptr_t)wb_row_table_rules(table), made->rules, rules_size);
	*ret_size = size;
	return table;
}

static struct shape *find_slot(struct shape *shapes, size_t num_slots, uint64_t key)
{
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (num_slots - 1);

	while (shapes[at].key && shapes[at].key != key)
		at = (at + 1) & (num_slots - 1);
	return &shapes[at];
}

/* Room for one more, in a table that is half full at most. */
static bool make_room(struct wb_compact *compact)
{
	size_t num_slots = compact->num_slots ? compact->num_slots * 2 : SLOTS_MIN;
	struct shape *shapes;

	if (compact->num_shapes * 2 < compact->num_slots)
		return true;
	shapes = wb_mem_zalloc(num_slots, sizeof(*shapes));
	if (!shapes)
		return false;
	for (size_t i = 0; i < compact->num_slots; i++)
		if (compact->shapes[i].key)
			*find_slot(shapes, num_slots, compact->shapes[i].key) = compact->shapes[i];
	wb_session_charge(wb_image_session(compact->image), (num_slots - compact->num_slots) * sizeof(*shapes), true);
	compact->charged += (num_slots - compact->num_slots) * sizeof(*shapes);
	wb_mem_free(compact->shapes);
	compact->shapes = shapes;
	compact->num_slots = num_slots;
	return true;
}

/* Makes the row of a shape, and keeps it in its slot if the budget lets it. */
static enum wb_err make_shape(struct wb_compact *compact, struct shape *slot, uint64_t key, uint32_t section_offset,
                              const struct wb_row_table **ret_table, struct wb_row_table **ret_loose)
{
	struct wb_compact_row made;
	const char *fault = "";
	size_t size = 0;
	enum wb_err err = wb_compact_decode(compact->arch, (uint32_t)key, (uint32_t)(key >> 32), &made, &fault);
	struct wb_row_table *table = err ? NULL : make_table(&made, &size);

	if (err)
		report(compact, section_offset, fault);
	else if (!table)
		return WB_ERR_MEMORY;
	if (wb_session_charge(wb_image_session(compact->image), size, false)) {
		compact->charged += size;
		compact->num_shapes++;
		*slot = (struct shape){ key, table };
	} else {
		*ret_loose = table;
	}
	*ret_table = table;
	return err;
}

/* The size of the stack is in the function's own sub, so many bytes from its start. */
static enum wb_err read_operand(struct wb_compact *compact, const struct wb_compact_entry *entry, uint32_t place, uint32_t *ret_operand)
{
	uint8_t bytes[4];
	enum wb_err err = wb_image_read(compact->image, entry->start + place, bytes, sizeof(bytes));

	if (err)
		return err == WB_ERR_MEMORY ? err : report(compact, entry->section_offset, "an operand that is not in the file");
	*ret_operand = wb_load32(bytes, compact->section.big_endian);
	return WB_OK;
}

enum wb_err wb_compact_row(struct wb_compact *compact, const struct wb_compact_entry *entry, const struct wb_row_table **ret_table,
                           struct wb_row_table **ret_loose)
{
	enum wb_compact_kind kind;
	uint32_t place, operand = 0;
	const char *fault = "";
	struct shape *slot;
	uint64_t key;
	enum wb_err err = wb_compact_kind(compact->arch, entry->encoding, &kind, &place, &fault);

	*ret_loose = NULL;
	if (err)
		return report(compact, entry->section_offset, fault);
	if (kind == WB_COMPACT_NONE || kind == WB_COMPACT_DWARF)
		return WB_NONE;
	if (kind == WB_COMPACT_INDIRECT)
		err = read_operand(compact, entry, place, &operand);
	if (err)
		return err;
	key = (entry->encoding & SHAPE_MASK) | (uint64_t)operand << 32;
	wb_lock_take(&compact->lock);
	if (make_room(compact)) {
		slot = find_slot(compact->shapes, compact->num_slots, key);
		*ret_table = slot->table;
		err = !slot->key ? make_shape(compact, slot, key, entry->section_offset, ret_table, ret_loose) : slot->table ? WB_OK : WB_ERR_DATA;
	} else {
		err = WB_ERR_MEMORY;
	}
	wb_lock_give(&compact->lock);
	return err;
}
