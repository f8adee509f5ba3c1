/* SPDX-License-Identifier: MIT */
/*
 * Call frame information of an image: finding the FDE of an address, and keeping what was compiled. .eh_frame_hdr's table is searched in
 * place when it is sound, so that opening a large object reads no FDE; otherwise an index of our own is built from the FDEs.
 */
#include "unwind/cfi.h"

#include "base/mem.h"
#include "model/session.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	DW_EH_PE_datarel_sdata4 = 0x3b,
	DW_EH_PE_omit = 0xff,
	TABLE_OVERLAPS_MAX = 8,       /* the same where only the table is at hand, which says no ends */
	OVERLAPS_MAX = 1024,          /* FDEs looked at before the nearest one, where ranges overlap: real files nest two deep */
	SECTION_SIZE_MAX = INT32_MAX, /* offsets into it are 32 bits wide in rows; the largest known is some 200 MB */
};

/* One FDE in our own index. */
struct entry {
	uint64_t start, end;
	uint64_t max_end;             /* of all entries up to this one: where a search backwards may stop */
	uint64_t offset;
};

typedef _Atomic(struct wb_row_table *) table_slot;

struct section {
	struct wb_cfi_section data;
	/* The search table of .eh_frame_hdr; NULL: not there, or unsound. */
	const uint8_t *table;
	uint64_t hdr_vaddr;
	size_t num_table;
	table_slot *table_slots;      /* by table index */
	/* Our own index, built when needed. */
	_Atomic(struct entry *) entries;
	size_t num_entries;
	table_slot *entry_slots;      /* by entry index */
	_Atomic bool opened;          /* .debug_frame: looked for */
};

struct wb_cfi {
	struct wb_image *image;       /* borrowed: the image owns this */
	struct wb_object *main;
	const struct wb_arch_info *arch;
	struct wb_lock lock;          /* guards building; what is published is read without it */
	struct section sections[WB_CFI_KINDS];
	_Atomic uint64_t charged;
};

/* Stands for an FDE that was found broken, so that it is not compiled again and again. */
static const struct wb_row_table broken;

static struct wb_row_table *broken_table(void)
{
	return (struct wb_row_table *)(uintptr_t)&broken;
}

static const char *const section_names[WB_CFI_KINDS] = { ".eh_frame", ".debug_frame" };

static void report(struct wb_cfi *cfi, const struct section *section, enum wb_err err, uint64_t offset, const char *fault)
{
	wb_diag_report(wb_session_diags(wb_image_session(cfi->image)), err, WB_DIAG_CFI_MALFORMED, wb_image_path(cfi->image),
	               section_names[section->data.kind], offset, "%s", fault);
}

/* ---- Our own index ---- */

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static enum wb_err index_build(struct wb_cfi *cfi, struct section *section, struct entry **ret_entries, size_t *ret_count)
{
	struct wb_cie cie = { .offset = UINT64_MAX };
	struct entry *entries = NULL;
	size_t count = 0, capacity = 0;
	uint64_t offset = 0, next, max_end = 0;

	/* Every entry is at least 4 bytes long, so the section's size bounds the loop. */
	for (; offset < section->data.size; offset = next) {
		const char *fault = "";
		struct wb_fde fde;
		enum wb_err err = wb_cfi_read_fde(&section->data, offset, &cie, &fde, &next, &fault);

		if (err < 0)
			report(cfi, section, WB_ERR_DATA, offset, fault);
		/* FDEs of functions that the linker dropped start at 0 or at -1 (DWARF 6 tombstone). In what no linker saw, 0 is a place like others. */
		if (err || fde.start >= fde.end || (fde.start == 0 && !cfi->main->relocatable))
			continue;
		if (!wb_mem_grow((void **)&entries, &capacity, count, 1, sizeof(*entries))) {
			wb_mem_free(entries);
			return WB_ERR_MEMORY;
		}
		entries[count++] = (struct entry){ fde.start, fde.end, 0, offset };
	}
	if (count)
		qsort(entries, count, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < count; i++) {
		max_end = entries[i].end > max_end ? entries[i].end : max_end;
		entries[i].max_end = max_end;
	}
	*ret_entries = entries;
	*ret_count = count;
	return WB_OK;
}

static void charge(struct wb_cfi *cfi, uint64_t bytes)
{
	wb_session_charge(wb_image_session(cfi->image), bytes, true);
	atomic_fetch_add_explicit(&cfi->charged, bytes, memory_order_relaxed);
}

/* The index, built by the first that needs it. */
static enum wb_err index_get(struct wb_cfi *cfi, struct section *section, struct entry **ret_entries)
{
	static const struct entry none;
	struct entry *entries = atomic_load_explicit(&section->entries, memory_order_acquire);
	enum wb_err err = WB_OK;

	if (!entries) {
		wb_lock_take(&cfi->lock);
		entries = atomic_load_explicit(&section->entries, memory_order_relaxed);
		if (!entries) {
			err = index_build(cfi, section, &entries, &section->num_entries);
			section->entry_slots = err ? NULL : wb_mem_zalloc(section->num_entries, sizeof(table_slot));
			if (!err && !section->entry_slots) {
				wb_mem_free(entries);
				err = WB_ERR_MEMORY;
			}
			if (!err) {
				charge(cfi, section->num_entries * (sizeof(*entries) + sizeof(table_slot)));
				if (!entries)
					entries = (struct entry *)(uintptr_t)&none; /* never read: num_entries is 0 */
				atomic_store_explicit(&section->entries, entries, memory_order_release);
			}
		}
		wb_lock_give(&cfi->lock);
	}
	if (!err)
		*ret_entries = entries;
	return err;
}

/* Index of the entry that covers image_pc and starts last. */
static enum wb_err index_find(const struct section *section, const struct entry *entries, uint64_t image_pc, size_t *ret_index)
{
	size_t low = 0, high = section->num_entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entries[middle].start <= image_pc)
			low = middle + 1;
		else
			high = middle;
	}
	for (unsigned n = 0; low-- > 0 && n < OVERLAPS_MAX && entries[low].max_end > image_pc; n++) {
		if (entries[low].end <= image_pc)
			continue;
		*ret_index = low;
		return WB_OK;
	}
	return WB_NONE;
}

/* ---- .eh_frame_hdr (LSB 5.0 Core, 10.6.2) ---- */

static uint64_t table_start(const struct section *section, size_t index)
{
	return section->hdr_vaddr + (uint64_t)(int64_t)(int32_t)wb_load32(section->table + index * 8, section->data.big_endian);
}

static uint64_t table_fde_offset(const struct section *section, size_t index)
{
	uint64_t vaddr = section->hdr_vaddr + (uint64_t)(int64_t)(int32_t)wb_load32(section->table + index * 8 + 4, section->data.big_endian);

	return vaddr - section->data.vaddr;
}

/* Only the encoding that every linker writes is searched in place; any other is as good as no table. Touches the table, no FDE. */
static void table_open(struct section *section, const uint8_t *bytes, size_t size, uint64_t vaddr)
{
	struct wb_bytes in = wb_bytes_of(bytes, size, section->data.big_endian);
	struct wb_cfi_section hdr = { .vaddr = vaddr, .data_base = vaddr, .address_size = section->data.address_size };
	uint8_t version = wb_bytes_u8(&in), eh_frame_encoding = wb_bytes_u8(&in), count_encoding = wb_bytes_u8(&in);
	uint8_t table_encoding = wb_bytes_u8(&in);
	uint64_t count;

	if (version != 1 || table_encoding != DW_EH_PE_datarel_sdata4 || count_encoding == DW_EH_PE_omit)
		return;
	if (eh_frame_encoding != DW_EH_PE_omit)
		wb_cfi_pointer(&hdr, &in, eh_frame_encoding, hdr.address_size);
	count = wb_cfi_pointer(&hdr, &in, count_encoding, hdr.address_size);
	if (wb_bytes_failed(&in) || !count || count > wb_bytes_left(&in) / 8)
		return;
	section->table = in.at;
	section->hdr_vaddr = vaddr;
	for (size_t i = 0; i < count; i++) {
		bool sorted = !i || table_start(section, i - 1) <= table_start(section, i);

		if (sorted && table_fde_offset(section, i) < section->data.size)
			continue;
		section->table = NULL;
		return;
	}
	section->num_table = (size_t)count;
	/* Linkers leave zeros behind the table where they found fewer functions than they had made room for. */
	for (in.at += count * 8; !wb_bytes_at_end(&in);)
		if (wb_bytes_u8(&in))
			section->table = NULL;
}

/* Index of the last table entry that is at most `wanted`; the first one is. The byte order is a constant where this is inlined. */
static inline size_t table_search(const uint8_t *table, size_t left, int64_t wanted, bool big_endian)
{
	const uint8_t *low = table;

	while (left > 1) {
		const uint8_t *middle = low + left / 2 * 8;

		left -= left / 2;
		low = (int32_t)wb_load32(middle, big_endian) <= wanted ? middle : low;
	}
	return (size_t)(low - table) / 8;
}

/* Index of the last table entry that starts at or before image_pc. The table's numbers are compared as they stand: distances from the table. */
static enum wb_err table_find(const struct section *section, uint64_t image_pc, size_t *ret_index)
{
	int64_t wanted = (int64_t)(image_pc - section->hdr_vaddr);

	if (wanted < (int32_t)wb_load32(section->table, section->data.big_endian))
		return WB_NONE;
	*ret_index = section->data.big_endian ? table_search(section->table, section->num_table, wanted, true)
	                                      : table_search(section->table, section->num_table, wanted, false);
	return WB_OK;
}

/* ---- Compiled tables ---- */

/* The rows of the FDE at offset, compiled now. */
static enum wb_err compile_now(struct wb_cfi *cfi, struct section *section, uint64_t offset, table_slot *slot, const struct wb_row_table **ret_table,
                            struct wb_row_table **ret_loose)
{
	struct wb_session *session = wb_image_session(cfi->image);
	struct wb_cie cie = { .offset = UINT64_MAX };
	struct wb_row_table *table = NULL, *seen = NULL;
	const char *fault = "";
	struct wb_fde fde;
	uint64_t next;
	size_t size;
	enum wb_err err;

	err = wb_cfi_read_fde(&section->data, offset, &cie, &fde, &next, &fault);
	if (err == WB_NONE) {
		fault = "search table entry does not lead to an FDE";
		err = WB_ERR_DATA;
	}
	if (!err)
		err = wb_cfi_compile(&section->data, &fde, cfi->arch, &table, &size, &fault);
	if (err == WB_ERR_MEMORY)
		return err;
	if (err) {
		report(cfi, section, err, offset, fault);
		atomic_compare_exchange_strong(slot, &seen, broken_table());
		return WB_ERR_DATA;
	}
	if (!wb_session_charge(session, size, false)) {
		*ret_table = *ret_loose = table;
		return WB_OK;
	}
	if (atomic_compare_exchange_strong_explicit(slot, &seen, table, memory_order_release, memory_order_acquire)) {
		atomic_fetch_add_explicit(&cfi->charged, size, memory_order_relaxed);
	} else {
		/* Another thread was first; both are the same. */
		wb_session_discharge(session, size, false);
		wb_mem_free(table);
		table = seen;
	}
	*ret_table = table;
	return table == broken_table() ? WB_ERR_DATA : WB_OK;
}

/* The rows of the FDE at offset, from its slot or compiled now. */
static inline enum wb_err compiled(struct wb_cfi *cfi, struct section *section, uint64_t offset, table_slot *slot,
                                   const struct wb_row_table **ret_table, struct wb_row_table **ret_loose)
{
	struct wb_row_table *table = atomic_load_explicit(slot, memory_order_acquire);

	*ret_loose = NULL;
	*ret_table = table;
	if (!table)
		return compile_now(cfi, section, offset, slot, ret_table, ret_loose);
	return table == broken_table() ? WB_ERR_DATA : WB_OK;
}

/* Whether an FDE, if it can be read at all, is what its entry in the table says. */
static bool table_tells(const struct section *section, size_t index)
{
	struct wb_cie cie = { .offset = UINT64_MAX };
	const char *fault;
	struct wb_fde fde;
	uint64_t next;
	enum wb_err err = wb_cfi_read_fde(&section->data, table_fde_offset(section, index), &cie, &fde, &next, &fault);

	return err < 0 || (err == WB_OK && fde.start == table_start(section, index));
}

/* WB_ERR_DATA: the FDE that the table leads to is broken, or it is not the FDE that the table says. */
static enum wb_err find_by_table(struct wb_cfi *cfi, struct section *section, uint64_t image_pc, const struct wb_row_table **ret_table,
                                 struct wb_row_table **ret_loose)
{
	size_t index, above = 0;
	enum wb_err err = table_find(section, image_pc, &index);

	if (err == WB_OK)
		above = index + 1;
	/* The nearest FDE may cover nothing, or less than one that starts before it. */
	for (unsigned n = 0; err == WB_OK && n < TABLE_OVERLAPS_MAX; n++) {
		err = compiled(cfi, section, table_fde_offset(section, index), &section->table_slots[index], ret_table, ret_loose);
		if (err)
			return err;
		if ((*ret_table)->start != table_start(section, index)) {
			wb_mem_free(*ret_loose);
			return WB_ERR_DATA;
		}
		/* At 0 is what the linker dropped. */
		if (image_pc < (*ret_table)->end && (*ret_table)->start)
			return WB_OK;
		wb_mem_free(*ret_loose);
		if (!index--)
			break;
	}
	return above == section->num_table || table_tells(section, above) ? WB_NONE : WB_ERR_DATA;
}

static enum wb_err find_by_index(struct wb_cfi *cfi, struct section *section, uint64_t image_pc, const struct wb_row_table **ret_table,
                                 struct wb_row_table **ret_loose)
{
	struct entry *entries;
	size_t index;
	enum wb_err err = index_get(cfi, section, &entries);

	if (!err)
		err = index_find(section, entries, image_pc, &index);
	if (err)
		return err;
	return compiled(cfi, section, entries[index].offset, &section->entry_slots[index], ret_table, ret_loose);
}

static enum wb_err find_in_section(struct wb_cfi *cfi, struct section *section, uint64_t image_pc, const struct wb_row_table **ret_table,
                                   struct wb_row_table **ret_loose)
{
	enum wb_err err;

	if (!section->data.size)
		return WB_NONE;
	if (section->table) {
		err = find_by_table(cfi, section, image_pc, ret_table, ret_loose);
		/* What is broken, the FDE or the table? The index tells. (That the table was wrong here is not remembered: what is found at one
		 * address must not depend on which others were asked for before.) */
		if (err != WB_ERR_DATA)
			return err;
	}
	return find_by_index(cfi, section, image_pc, ret_table, ret_loose);
}

/* ---- Opening ---- */

static void section_init(struct wb_cfi *cfi, struct section *section, const uint8_t *bytes, size_t size, uint64_t vaddr)
{
	if (size > SECTION_SIZE_MAX) {
		report(cfi, section, WB_ERR_LIMIT, UINT64_MAX, "section is larger than 2 GiB");
		return;
	}
	section->data.bytes = bytes;
	section->data.size = size;
	section->data.vaddr = vaddr;
	section->data.address_size = cfi->arch->word_size;
	section->data.big_endian = cfi->main->platform.big_endian;
}

/* 0: there is none. */
static uint64_t section_vaddr(const struct wb_cfi *cfi, const char *name)
{
	size_t index;

	return wb_object_find_section(cfi->main, name, &index) == WB_OK ? cfi->main->sections[index].vaddr : 0;
}

static enum wb_err open_eh_frame(struct wb_cfi *cfi)
{
	struct section *section = &cfi->sections[WB_CFI_EH_FRAME];
	const uint8_t *bytes;
	uint64_t vaddr;
	size_t size;
	enum wb_err err;

	section->data.kind = WB_CFI_EH_FRAME;
	err = wb_image_section(cfi->image, cfi->main, ".eh_frame", &bytes, &size, &vaddr);
	if (err == WB_ERR_MEMORY)
		return err;
	if (err)
		return WB_OK;
	section_init(cfi, section, bytes, size, vaddr);
	section->data.text_base = section_vaddr(cfi, ".text");
	/* LSB 5.0 Core, 10.5.1 leaves open whether data starts at .got or at .eh_frame_hdr; GCC's unwinder takes DT_PLTGOT, which is this. */
	section->data.data_base = section_vaddr(cfi, ".got.plt");
	if (!section->data.data_base)
		section->data.data_base = section_vaddr(cfi, ".got");
	err = wb_image_section(cfi->image, cfi->main, ".eh_frame_hdr", &bytes, &size, &vaddr);
	if (err == WB_ERR_MEMORY)
		return err;
	if (err)
		return WB_OK;
	table_open(section, bytes, size, vaddr);
	if (!section->table)
		return WB_OK;
	section->table_slots = wb_mem_zalloc(section->num_table, sizeof(table_slot));
	if (!section->table_slots)
		return WB_ERR_MEMORY;
	charge(cfi, section->num_table * sizeof(table_slot));
	return WB_OK;
}

/* Opened only when .eh_frame has nothing for an address: it may be in a debug file that has to be found first. */
static enum wb_err open_debug_frame(struct wb_cfi *cfi)
{
	struct section *section = &cfi->sections[WB_CFI_DEBUG_FRAME];
	struct wb_object *object;
	const uint8_t *bytes;
	uint64_t vaddr;
	size_t size;
	enum wb_err err = WB_OK;

	if (atomic_load_explicit(&section->opened, memory_order_acquire))
		return WB_OK;
	wb_lock_take(&cfi->lock);
	if (!section->opened) {
		section->data.kind = WB_CFI_DEBUG_FRAME;
		err = wb_image_debug_section(cfi->image, ".debug_frame", &object, &bytes, &size, &vaddr);
		if (!err)
			section_init(cfi, section, bytes, size, vaddr);
		if (err != WB_ERR_MEMORY)
			atomic_store_explicit(&section->opened, true, memory_order_release);
	}
	wb_lock_give(&cfi->lock);
	return err == WB_ERR_MEMORY ? err : WB_OK;
}

static void slots_free(table_slot *slots, size_t count)
{
	for (size_t i = 0; slots && i < count; i++) {
		struct wb_row_table *table = atomic_load_explicit(&slots[i], memory_order_relaxed);

		if (table != broken_table())
			wb_mem_free(table);
	}
	wb_mem_free(slots);
}

static void cfi_free(void *value)
{
	struct wb_cfi *cfi = value;

	for (unsigned i = 0; i < WB_CFI_KINDS; i++) {
		struct section *section = &cfi->sections[i];

		slots_free(section->table_slots, section->num_table);
		slots_free(section->entry_slots, section->num_entries);
		if (section->num_entries)
			wb_mem_free(atomic_load_explicit(&section->entries, memory_order_relaxed));
	}
	wb_session_discharge(wb_image_session(cfi->image), cfi->charged, false);
	wb_lock_deinit(&cfi->lock);
	wb_mem_free(cfi);
}

static enum wb_err cfi_build(struct wb_image *image, void *arg, void **ret_value)
{
	struct wb_object *main = arg;
	const struct wb_arch_info *arch = wb_arch_info(main->platform.arch);
	struct wb_cfi *cfi;
	enum wb_err err;

	if (!arch) {
		*ret_value = NULL;
		return WB_NONE;
	}
	cfi = wb_mem_zalloc(1, sizeof(*cfi));
	if (!cfi)
		return WB_ERR_MEMORY;
	cfi->image = image;
	cfi->main = main;
	cfi->arch = arch;
	wb_lock_init(&cfi->lock);
	err = open_eh_frame(cfi);
	if (err) {
		cfi_free(cfi);
		return err;
	}
	*ret_value = cfi;
	return WB_OK;
}

enum wb_err wb_cfi_of_image(struct wb_image *image, struct wb_cfi **ret_cfi)
{
	struct wb_object *main;
	void *value = NULL;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &main);

	if (!err)
		err = wb_image_slot(image, WB_SLOT_CFI, cfi_build, main, cfi_free, &value);
	if (err < 0)
		return err;
	*ret_cfi = err ? NULL : value;
	return WB_OK;
}

enum wb_err wb_cfi_find(struct wb_cfi *cfi, uint64_t image_pc, const struct wb_row_table **ret_table, struct wb_row_table **ret_loose)
{
	enum wb_err err = find_in_section(cfi, &cfi->sections[WB_CFI_EH_FRAME], image_pc, ret_table, ret_loose), second;

	if (err == WB_OK || err == WB_ERR_MEMORY)
		return err;
	if (open_debug_frame(cfi))
		return WB_ERR_MEMORY;
	second = find_in_section(cfi, &cfi->sections[WB_CFI_DEBUG_FRAME], image_pc, ret_table, ret_loose);
	/* What .eh_frame has broken and .debug_frame has not at all is broken. */
	return second == WB_NONE ? err : second;
}
