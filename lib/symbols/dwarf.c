/* SPDX-License-Identifier: MIT */
/*
 * Units, their compiled tables and the budget. Everything that lookups share is published once and immutable, but for the tables: a slot's
 * table can be dropped, so it is taken under the lock of its stripe, with a reference.
 */
#include "symbols/dwarf.h"

#include "base/lock.h"
#include "base/mem.h"
#include "model/session.h"
#include "symbols/dwarf_constants.h"
#include "symbols/dwarf_index.h"
#include "symbols/dwarf_line.h"
#include "symbols/dwarf_package.h"
#include "symbols/dwarf_reference.h"
#include "symbols/dwarf_scan.h"
#include "symbols/dwarf_scope.h"
#include "symbols/recency.h"

#include <stddef.h>

enum {
	STRIPES = 16,                 /* locks for tables: units are compiled at the same time by different threads */
	CANDIDATES_MAX = 64,          /* units that are asked about one address; real files have a handful */
};

enum entries_state { ENTRIES_UNCHECKED, ENTRIES_GOOD, ENTRIES_DAMAGED, ENTRIES_UNSUPPORTED };

/* A unit, and what is kept of it. */
struct slot {
	struct wb_unit unit;          /* first: a wb_unit_list's item */
	struct wb_recency_item recency; /* in the order while there is a table */
	struct wb_unit_table *table;  /* NULL: not compiled, or dropped; guarded by its stripe's lock */
	struct wb_unit_entries entries; /* published by entries_state */
	_Atomic uint8_t entries_state; /* enum entries_state */
	_Atomic(const struct wb_plans *) plans; /* NULL: not made */
};

struct wb_dwarf {
	struct wb_session *session;   /* NULL: nothing is charged */
	struct wb_dwarf_sections sections;
	struct wb_text text;
	struct wb_unit_list units;    /* of struct slot, sorted by offset */
	struct wb_lock lock;          /* of the indexes and the entries, and for listing all units */
	struct wb_lock stripes[STRIPES];
	struct wb_recency recency;    /* of units that have a table */
	struct wb_cache cache;        /* the session's handle on it; link NULL: not added */
	_Atomic(struct wb_unit_index *) indexes[WB_INDEX_SOURCES]; /* NULL: not made */
	struct wb_plan_cache plans;
	uint64_t listed_lines;        /* end of the line tables in .debug_line that are units; guarded by lock */
	size_t charged;               /* for indexes and entries; guarded by lock */
};

static void charge(struct wb_dwarf *dwarf, size_t bytes)
{
	if (dwarf->session)
		wb_session_charge(dwarf->session, bytes, true);
	dwarf->charged += bytes;
}

/* ---- Units -------------------------------------------------------------------------------------------------------------- */

static struct slot *slot_of(const struct wb_dwarf *dwarf, size_t unit)
{
	return wb_unit_list_at(&dwarf->units, unit);
}

/* Goes on with the line tables that are not listed yet. */
static enum wb_err list_line_tables(struct wb_dwarf *dwarf)
{
	uint64_t end = dwarf->sections.by_id[WB_DWARF_LINE].size;
	enum wb_err err = WB_OK;

	while (!err && dwarf->listed_lines < end) {
		struct wb_unit unit = { .stmt_list = dwarf->listed_lines };
		struct wb_lines_builder builder;
		uint64_t next;

		wb_lines_builder_init(&builder, &dwarf->text);
		err = wb_dwarf_line_read(&dwarf->sections, NULL, NULL, unit.stmt_list, &builder, &next);
		wb_lines_builder_deinit(&builder);
		if (err == WB_ERR_DATA || err == WB_ERR_UNSUPPORTED)
			err = WB_OK;
		if (!err)
			err = wb_unit_list_add(&dwarf->units, &unit);
		if (!err)
			dwarf->listed_lines = next > unit.stmt_list ? next : end;
	}
	return err;
}

/* All units; without any, line tables stand for themselves (stripped down to them, or written by an assembler). Under the lock. */
static enum wb_err list_all(struct wb_dwarf *dwarf)
{
	enum wb_err err = wb_unit_list_until(&dwarf->units, UINT64_MAX);

	return err || (wb_unit_list_count(&dwarf->units) > 0 && !dwarf->listed_lines) ? err : list_line_tables(dwarf);
}

static uint64_t drop(struct wb_dwarf *dwarf, size_t unit, bool is_eviction);
static bool oldest_use(void *arg, uint64_t *ret_time);
static void drop_oldest(void *arg);

enum wb_err wb_dwarf_new(struct wb_session *session, const struct wb_dwarf_sections *sections, struct wb_text *text, struct wb_dwarf **ret_dwarf)
{
	struct wb_dwarf *dwarf = wb_mem_zalloc(1, sizeof *dwarf);

	if (!dwarf) {
		wb_text_deinit(text);
		return WB_ERR_MEMORY;
	}
	dwarf->session = session;
	dwarf->sections = *sections;
	dwarf->text = *text;
	*text = (struct wb_text){ 0 };
	wb_plan_cache_init(&dwarf->plans, session, &dwarf->sections);
	wb_lock_init(&dwarf->lock);
	for (size_t i = 0; i < STRIPES; i++)
		wb_lock_init(&dwarf->stripes[i]);
	wb_unit_list_init(&dwarf->units, &dwarf->sections, session, sizeof(struct slot));
	wb_recency_init(&dwarf->recency);
	dwarf->cache = (struct wb_cache){ .oldest = oldest_use, .drop_oldest = drop_oldest, .arg = dwarf };
	if (session)
		wb_session_add_cache(session, &dwarf->cache);
	charge(dwarf, sizeof *dwarf);
	*ret_dwarf = dwarf;
	return WB_OK;
}

static void index_free(struct wb_unit_index *index)
{
	if (index)
		wb_unit_index_deinit(index);
	wb_mem_free(index);
}

void wb_dwarf_free(struct wb_dwarf *dwarf)
{
	if (!dwarf)
		return;
	if (dwarf->cache.link)
		wb_session_remove_cache(dwarf->session, &dwarf->cache);
	for (size_t i = 0; i < wb_unit_list_count(&dwarf->units); i++) {
		if (slot_of(dwarf, i)->table)
			drop(dwarf, i, false);
		wb_unit_entries_deinit(&slot_of(dwarf, i)->entries);
	}
	wb_plan_cache_deinit(&dwarf->plans);
	for (size_t i = 0; i < WB_INDEX_SOURCES; i++)
		index_free(atomic_load_explicit(&dwarf->indexes[i], memory_order_relaxed));
	if (dwarf->session && dwarf->charged > 0)
		wb_session_discharge(dwarf->session, dwarf->charged, false);
	wb_recency_deinit(&dwarf->recency);
	wb_lock_deinit(&dwarf->lock);
	for (size_t i = 0; i < STRIPES; i++)
		wb_lock_deinit(&dwarf->stripes[i]);
	wb_text_deinit(&dwarf->text);
	wb_unit_list_deinit(&dwarf->units);
	wb_mem_free(dwarf);
}

const struct wb_dwarf_sections *wb_dwarf_sections_of(const struct wb_dwarf *dwarf)
{
	return &dwarf->sections;
}

enum wb_err wb_dwarf_num_units(struct wb_dwarf *dwarf, size_t *ret_count)
{
	/* Takes no lock of ours: the files' lock is held where split units are looked for, and taken under ours where strings are. */
	enum wb_err err = wb_unit_list_until(&dwarf->units, UINT64_MAX);

	if (!err)
		*ret_count = wb_unit_list_count(&dwarf->units);
	return err;
}

const struct wb_unit *wb_dwarf_unit(const struct wb_dwarf *dwarf, size_t unit)
{
	return &slot_of(dwarf, unit)->unit;
}

enum wb_err wb_dwarf_unit_of_offset(struct wb_dwarf *dwarf, uint64_t offset, size_t *ret_unit)
{
	return wb_unit_list_find(&dwarf->units, offset, ret_unit);
}

/* ---- Entries -------------------------------------------------------------------------------------------------------------- */

static enum entries_state state_of(const struct slot *slot)
{
	return (enum entries_state)atomic_load_explicit(&slot->entries_state, memory_order_acquire);
}

/* Walks the unit, without a lock: threads that need the same one at the same time do it twice, and the first to be done publishes. */
static enum wb_err check_entries(struct wb_dwarf *dwarf, size_t unit, struct wb_unit_code_list *ret_code)
{
	struct slot *slot = slot_of(dwarf, unit);
	const struct wb_unit_header *header = &slot_of(dwarf, unit)->unit.header;
	struct wb_dwarf_sections view = wb_package_view(&dwarf->sections, header);
	struct wb_unit_entries entries = { 0 };
	enum wb_err err = wb_unit_check(&view, header, &entries, ret_code);
	enum entries_state state = err == WB_OK ? ENTRIES_GOOD : err == WB_ERR_UNSUPPORTED ? ENTRIES_UNSUPPORTED : ENTRIES_DAMAGED;

	if (err == WB_ERR_MEMORY)
		return err;
	wb_lock_take(&dwarf->lock);
	if (state_of(slot) == ENTRIES_UNCHECKED) {
		slot->entries = entries;
		entries = (struct wb_unit_entries){ 0 };
		charge(dwarf, wb_unit_entries_bytes(&slot->entries));
		atomic_store_explicit(&slot->entries_state, (uint8_t)state, memory_order_release);
	}
	wb_lock_give(&dwarf->lock);
	wb_unit_entries_deinit(&entries);
	return WB_OK;
}

/* ret_code not NULL: walks the unit in any case, for the list. */
static enum wb_err entries_of(struct wb_dwarf *dwarf, size_t unit, const struct wb_unit_entries **ret_entries, struct wb_unit_code_list *ret_code)
{
	struct slot *slot = slot_of(dwarf, unit);

	if (slot->unit.header.size == 0)
		return WB_NONE;
	if (ret_code || state_of(slot) == ENTRIES_UNCHECKED) {
		enum wb_err err = check_entries(dwarf, unit, ret_code);

		if (err)
			return err;
	}
	switch (state_of(slot)) {
	case ENTRIES_GOOD: *ret_entries = &slot->entries; return WB_OK;
	case ENTRIES_UNSUPPORTED: return WB_ERR_UNSUPPORTED;
	case ENTRIES_UNCHECKED:
	case ENTRIES_DAMAGED: break;
	}
	return WB_ERR_DATA;
}

enum wb_err wb_dwarf_entries(struct wb_dwarf *dwarf, size_t unit, const struct wb_unit_entries **ret_entries)
{
	return entries_of(dwarf, unit, ret_entries, NULL);
}

enum wb_err wb_dwarf_plans(const struct wb_unit_source *source, const struct wb_plans **ret_plans)
{
	struct slot *slot = slot_of(source->dwarf, source->unit);
	const struct wb_plans *plans = atomic_load_explicit(&slot->plans, memory_order_acquire);
	enum wb_err err = plans ? WB_OK : wb_plan_cache_get(&source->dwarf->plans, &source->sections, source->header, &plans);

	if (err)
		return err;
	atomic_store_explicit(&slot->plans, plans, memory_order_release);
	*ret_plans = plans;
	return WB_OK;
}

/* ---- Tables ----------------------------------------------------------------------------------------------------------------- */

static bool is_verdict(enum wb_err err)
{
	return err == WB_OK || err == WB_NONE || err == WB_ERR_DATA || err == WB_ERR_UNSUPPORTED || err == WB_ERR_LIMIT;
}

/* What could be read of a damaged line program stays. */
static enum wb_err compile_lines(struct wb_dwarf *dwarf, size_t unit, const struct wb_unit_root *root, uint64_t stmt_list, struct wb_lines **ret_lines)
{
	const struct wb_unit_header *header = &slot_of(dwarf, unit)->unit.header;
	struct wb_lines_builder builder;
	enum wb_err err, verdict;

	wb_lines_builder_init(&builder, &dwarf->text);
	verdict = wb_dwarf_line_read(&dwarf->sections, header->size ? header : NULL, root, stmt_list, &builder, NULL);
	err = is_verdict(verdict) ? wb_lines_builder_finish(&builder, ret_lines) : verdict;
	wb_lines_builder_deinit(&builder);
	return err ? err : verdict;
}

static enum wb_dwarf_policy policy_of(const struct wb_dwarf *dwarf)
{
	return dwarf->session ? (enum wb_dwarf_policy)wb_session_config(dwarf->session)->dwarf : WB_DWARF_BOTH;
}

/* Only a unit whose framing is sound is handed to libdwarf. */
static enum wb_err run_reference(const struct wb_unit_source *source, struct wb_functions_builder *builder)
{
	const struct wb_unit_entries *entries;
	struct wb_unit_code_list code = { 0 };
	enum wb_err err = entries_of(source->dwarf, source->unit, &entries, &code);

	if (!err)
		err = wb_reference_functions(source, &code, builder);
	wb_unit_code_list_deinit(&code);
	return err;
}

static enum wb_err run_compilers(const struct wb_unit_source *source, enum wb_dwarf_policy policy, struct wb_scan_budget *budget,
                                 struct wb_functions_builder *builder)
{
	enum wb_err err = policy == WB_DWARF_REFERENCE ? WB_ERR_UNSUPPORTED : wb_scan_functions(source, budget, builder);

	if (err != WB_ERR_UNSUPPORTED || policy == WB_DWARF_FAST)
		return err;
	wb_functions_builder_deinit(builder);
	return run_reference(source, builder);
}

/* Where the calls will be that were left out; none, where none were. */
static enum wb_err make_room_for_calls(struct wb_unit_table *table)
{
	size_t count = wb_functions_count(table->functions);
	bool has_left = false;

	for (size_t i = 0; i < count && !has_left; i++)
		has_left = wb_functions_function(table->functions, (uint32_t)i)->end_left > 0;
	if (!has_left)
		return WB_OK;
	table->calls = wb_mem_zalloc(count, sizeof *table->calls);
	return table->calls ? WB_OK : WB_ERR_MEMORY;
}

static enum wb_err compile_source(struct wb_dwarf *dwarf, const struct wb_unit_source *source, struct wb_unit_table *table)
{
	struct wb_functions_builder builder;
	enum wb_err err;

	wb_functions_builder_init(&builder, &dwarf->text);
	wb_functions_builder_expect(&builder, source->header->size);
	err = run_compilers(source, policy_of(dwarf), &table->budget, &builder);
	if (!err)
		err = wb_functions_builder_finish(&builder, &table->functions);
	wb_functions_builder_deinit(&builder);
	return err ? err : make_room_for_calls(table);
}

/* Of a split unit, both halves know functions: the skeleton some at most, but it is always had. */
static enum wb_err compile_functions(struct wb_dwarf *dwarf, const struct wb_unit_source *source, struct wb_unit_table *table)
{
	struct wb_unit_source split;
	enum wb_err err;

	if (!source->root.is_split)
		return compile_source(dwarf, source, table);
	err = wb_unit_source_split(source, &split);
	if (!err) {
		table->is_split = true;
		err = compile_source(dwarf, &split, table);
	}
	if (err != WB_NONE)
		return err;
	wb_diag_report(source->sections.diags, WB_OK, WB_DIAG_DWARF_UNSUPPORTED, source->sections.path, ".debug_info", source->header->offset,
	               "functions are in a split DWARF file that is not had");
	err = compile_source(dwarf, source, table);
	return err ? err : WB_NONE;
}

static enum wb_err compile_into(struct wb_dwarf *dwarf, size_t unit, bool lines, struct wb_unit_table *table)
{
	const struct wb_unit *known = &slot_of(dwarf, unit)->unit;
	const struct wb_dwarf_sections *sections = &dwarf->sections;
	struct wb_unit_source source;
	enum wb_err err;

	table->lines_err = table->functions_err = WB_NONE;
	table->lines_left_out = !lines;
	if (known->header.size == 0 && !lines)
		return WB_OK;
	if (known->header.size == 0) {
		table->lines_err = compile_lines(dwarf, unit, NULL, known->stmt_list, &table->lines);
		return is_verdict(table->lines_err) ? WB_OK : table->lines_err;
	}
	err = wb_unit_source_init(&source, dwarf, unit);
	if (err == WB_ERR_MEMORY)
		return err;
	if (err) {
		table->lines_err = table->functions_err = err;
		wb_diag_report(sections->diags, err, err == WB_ERR_UNSUPPORTED ? WB_DIAG_DWARF_UNSUPPORTED : WB_DIAG_DWARF_MALFORMED, sections->path,
		               ".debug_info", known->header.offset, "unit's first entry cannot be read");
		return WB_OK;
	}
	table->names_are_plain = wb_language_is_plain(source.root.language);
	if (source.root.has_stmt_list && lines)
		table->lines_err = compile_lines(dwarf, unit, &source.root, source.root.stmt_list, &table->lines);
	if (!is_verdict(table->lines_err))
		return table->lines_err;
	table->functions_err = compile_functions(dwarf, &source, table);
	return is_verdict(table->functions_err) ? WB_OK : table->functions_err;
}

static enum wb_err compile(struct wb_dwarf *dwarf, size_t unit, bool lines, struct wb_unit_table **ret_table)
{
	struct wb_unit_table *table = wb_mem_zalloc(1, sizeof *table);
	enum wb_err err;

	if (!table)
		return WB_ERR_MEMORY;
	atomic_init(&table->references, 1);
	err = compile_into(dwarf, unit, lines, table);
	if (err) {
		wb_unit_table_unref(table);
		return err;
	}
	table->bytes = sizeof *table + wb_lines_bytes(table->lines) + wb_functions_bytes(table->functions);
	if (table->calls)
		table->bytes += wb_functions_count(table->functions) * sizeof *table->calls;
	*ret_table = table;
	return WB_OK;
}

void wb_unit_table_unref(struct wb_unit_table *table)
{
	if (!table || atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; table->calls && i < wb_functions_count(table->functions); i++)
		wb_functions_free(atomic_load_explicit(&table->calls[i], memory_order_relaxed));
	wb_mem_free(table->calls);
	wb_lines_free(table->lines);
	wb_functions_free(table->functions);
	wb_mem_free(table);
}

/* Takes the table out of the slot, whose lock is held; gives back how many bytes are no longer kept. */
static uint64_t forget(struct wb_dwarf *dwarf, size_t unit, bool is_eviction)
{
	struct slot *slot = slot_of(dwarf, unit);
	struct wb_unit_table *table = slot->table;
	uint64_t bytes = table ? table->bytes : 0;

	slot->table = NULL;
	if (table && dwarf->session)
		wb_session_discharge(dwarf->session, bytes, is_eviction);
	wb_unit_table_unref(table);
	return bytes;
}

enum wb_err wb_dwarf_table(struct wb_dwarf *dwarf, size_t unit, struct wb_dwarf_use use, struct wb_unit_table **ret_table, bool *ret_is_over)
{
	struct wb_lock *lock = &dwarf->stripes[unit % STRIPES];
	struct slot *slot = slot_of(dwarf, unit);
	enum wb_err err = WB_OK;

	wb_lock_take(lock);
	/* Who wants lines after others did not is rare, and worth no second kind of table. */
	if (slot->table && slot->table->lines_left_out && use.lines)
		forget(dwarf, unit, false);
	if (!slot->table) {
		err = compile(dwarf, unit, use.lines, &slot->table);
		if (!err && dwarf->session && !wb_session_charge(dwarf->session, slot->table->bytes, false)) {
			wb_session_charge(dwarf->session, slot->table->bytes, true);
			*ret_is_over = true;
		}
	}
	if (!err) {
		wb_recency_use(&dwarf->recency, &slot->recency, use.stamp);
		atomic_fetch_add_explicit(&slot->table->references, 1, memory_order_relaxed);
		*ret_table = slot->table;
	}
	wb_lock_give(lock);
	return err;
}

/* ---- Calls inlined into a function ------------------------------------------------------------------------------------------ */

/* The unit that the table's functions are of. */
static enum wb_err source_of(struct wb_dwarf *dwarf, size_t unit, const struct wb_unit_table *table, struct wb_unit_source *ret_source)
{
	struct wb_unit_source skeleton;
	enum wb_err err;

	if (!table->is_split)
		return wb_unit_source_init(ret_source, dwarf, unit);
	err = wb_unit_source_init(&skeleton, dwarf, unit);
	return err ? err : wb_unit_source_split(&skeleton, ret_source);
}

/* Under the lock of the table's slot. Of calls that are too many, as was reported, what was read is kept. */
static enum wb_err compile_calls(struct wb_dwarf *dwarf, size_t unit, struct wb_unit_table *table, uint32_t node, struct wb_functions **ret_calls)
{
	uint32_t function = wb_functions_node(table->functions, node)->function;
	struct wb_functions_builder builder;
	struct wb_unit_source source;
	enum wb_err err;

	wb_functions_builder_init(&builder, &dwarf->text);
	err = wb_functions_add_outer(&builder, table->functions, node);
	if (!err)
		err = source_of(dwarf, unit, table, &source);
	if (!err)
		err = wb_scan_calls(&source, table->functions, function, &table->budget, &builder);
	if (is_verdict(err))
		err = wb_functions_builder_finish(&builder, ret_calls);
	wb_functions_builder_deinit(&builder);
	return err;
}

/* A table that was dropped from its slot meanwhile is charged to nobody. */
static void charge_calls(struct wb_dwarf *dwarf, const struct slot *slot, struct wb_unit_table *table, size_t bytes, bool *ret_is_over)
{
	table->bytes += bytes;
	if (slot->table != table || !dwarf->session || wb_session_charge(dwarf->session, bytes, false))
		return;
	wb_session_charge(dwarf->session, bytes, true);
	*ret_is_over = true;
}

static enum wb_err calls_of(struct wb_dwarf *dwarf, size_t unit, struct wb_unit_table *table, uint32_t node, const struct wb_functions **ret_calls,
                            bool *ret_is_over)
{
	_Atomic(struct wb_functions *) *place = &table->calls[wb_functions_node(table->functions, node)->function];
	struct wb_functions *calls = atomic_load_explicit(place, memory_order_acquire);
	struct wb_lock *lock = &dwarf->stripes[unit % STRIPES];
	enum wb_err err = WB_OK;

	if (!calls) {
		wb_lock_take(lock);
		calls = atomic_load_explicit(place, memory_order_relaxed);
		if (!calls) {
			err = compile_calls(dwarf, unit, table, node, &calls);
			if (!err) {
				charge_calls(dwarf, slot_of(dwarf, unit), table, wb_functions_bytes(calls), ret_is_over);
				atomic_store_explicit(place, calls, memory_order_release);
			}
		}
		wb_lock_give(lock);
	}
	*ret_calls = calls;
	return err;
}

enum wb_err wb_dwarf_node(struct wb_dwarf *dwarf, size_t unit, struct wb_unit_table *table, uint64_t image_pc,
                          const struct wb_functions **ret_functions, uint32_t *ret_node, bool *ret_is_over)
{
	const struct wb_functions *functions = table->functions;
	uint32_t node = wb_functions_find(functions, image_pc);

	*ret_functions = functions;
	*ret_node = node;
	if (!table->calls || node == WB_NODE_NONE || wb_functions_function(functions, wb_functions_node(functions, node)->function)->end_left == 0)
		return WB_OK;
	enum wb_err err = calls_of(dwarf, unit, table, node, &functions, ret_is_over);
	if (err)
		return err;
	node = wb_functions_find(functions, image_pc);
	*ret_functions = functions;
	*ret_node = node == WB_NODE_NONE ? 0 : node;
	return WB_OK;
}

static uint64_t drop(struct wb_dwarf *dwarf, size_t unit, bool is_eviction)
{
	struct wb_lock *lock = &dwarf->stripes[unit % STRIPES];
	uint64_t bytes;

	wb_lock_take(lock);
	bytes = forget(dwarf, unit, is_eviction);
	wb_recency_remove(&dwarf->recency, &slot_of(dwarf, unit)->recency);
	wb_lock_give(lock);
	return bytes;
}

uint64_t wb_dwarf_drop(struct wb_dwarf *dwarf, size_t unit)
{
	return drop(dwarf, unit, true);
}

bool wb_dwarf_oldest(struct wb_dwarf *dwarf, size_t *ret_unit, uint64_t *ret_stamp)
{
	struct wb_recency_item *oldest = wb_recency_oldest(&dwarf->recency, ret_stamp);

	if (!oldest)
		return false;
	*ret_unit = ((struct slot *)((char *)oldest - offsetof(struct slot, recency)))->unit.number;
	return true;
}

static bool oldest_use(void *arg, uint64_t *ret_time)
{
	size_t unit;

	return wb_dwarf_oldest(arg, &unit, ret_time);
}

static void drop_oldest(void *arg)
{
	uint64_t time;
	size_t unit;

	if (wb_dwarf_oldest(arg, &unit, &time))
		drop(arg, unit, true);
}

/* ---- Addresses ---------------------------------------------------------------------------------------------------------------- */

static enum wb_err make_index(struct wb_dwarf *dwarf, enum wb_unit_index_source source, struct wb_unit_index **ret_index)
{
	struct wb_unit_index_input input = { &dwarf->sections, &dwarf->units, &dwarf->text, dwarf->session };
	struct wb_unit_index *index = wb_mem_zalloc(1, sizeof *index);
	enum wb_err err = source == WB_INDEX_ARANGES ? WB_OK : list_all(dwarf);

	if (!err && !index)
		err = WB_ERR_MEMORY;
	if (!err)
		err = wb_unit_index_init(index, source, &input);
	if (err) {
		wb_mem_free(index);
		return err;
	}
	charge(dwarf, sizeof *index + wb_unit_index_bytes(index));
	*ret_index = index;
	return WB_OK;
}

static enum wb_err index_of(struct wb_dwarf *dwarf, enum wb_unit_index_source source, struct wb_unit_index **ret_index)
{
	_Atomic(struct wb_unit_index *) *place = &dwarf->indexes[source];
	struct wb_unit_index *index = atomic_load_explicit(place, memory_order_acquire);
	enum wb_err err = WB_OK;

	if (!index) {
		wb_lock_take(&dwarf->lock);
		index = atomic_load_explicit(place, memory_order_relaxed);
		if (!index) {
			err = make_index(dwarf, source, &index);
			if (!err)
				atomic_store_explicit(place, index, memory_order_release);
		}
		wb_lock_give(&dwarf->lock);
	}
	if (!err)
		*ret_index = index;
	return err;
}

/* Keeps the better of two hits: one with a function and a line beats one with a function, and that one with a line. */
static void keep_better(struct wb_dwarf_hit *best, struct wb_dwarf_hit *hit)
{
	unsigned best_rank = (unsigned)(best->table != NULL) + 2u * best->has_line + 4u * (best->node != WB_NODE_NONE);
	unsigned rank = 1u + 2u * hit->has_line + 4u * (hit->node != WB_NODE_NONE);
	struct wb_dwarf_hit worse = rank > best_rank ? *best : *hit;
	bool is_over = best->is_over || hit->is_over;

	if (rank > best_rank)
		*best = *hit;
	best->is_over = is_over;
	wb_unit_table_unref(worse.table);
}

static enum wb_err look_into(struct wb_dwarf *dwarf, size_t unit, uint64_t image_pc, struct wb_dwarf_use use, struct wb_dwarf_hit *best)
{
	struct wb_dwarf_hit hit = { .unit = unit, .node = WB_NODE_NONE };
	enum wb_err err = wb_dwarf_table(dwarf, unit, use, &hit.table, &hit.is_over);

	if (err)
		return err;
	hit.functions_err = hit.table->functions_err;
	hit.lines_err = hit.table->lines_err;
	hit.functions = hit.table->functions;
	hit.node = wb_functions_find(hit.functions, image_pc);
	hit.has_line = use.lines && wb_lines_find(hit.table->lines, image_pc, &hit.line);
	keep_better(best, &hit);
	return WB_OK;
}

/* WB_NONE: .debug_aranges names a unit that is not there. */
static enum wb_err unit_of_set(struct wb_dwarf *dwarf, struct wb_unit_set *set, size_t *ret_unit)
{
	uint32_t known = atomic_load_explicit(&set->unit, memory_order_acquire);
	size_t unit = known;
	enum wb_err err = WB_OK;

	if (known == UINT32_MAX) {
		err = wb_unit_list_find(&dwarf->units, set->offset, &unit);
		if (!err && slot_of(dwarf, unit)->unit.header.offset != set->offset)
			err = WB_NONE;
		if (!err)
			atomic_store_explicit(&set->unit, (uint32_t)unit, memory_order_release);
	}
	if (!err)
		*ret_unit = unit;
	return err;
}

static enum wb_err look_up(struct wb_dwarf *dwarf, const struct wb_unit_index *index, uint64_t image_pc, struct wb_dwarf_use use,
                           struct wb_dwarf_hit *best)
{
	uint32_t owner, last = UINT32_MAX;
	size_t cursor = SIZE_MAX;

	for (unsigned i = 0; i < CANDIDATES_MAX && wb_unit_index_next(index, image_pc, &cursor, &owner); i++) {
		size_t unit = owner;
		enum wb_err err = owner == last ? WB_NONE : WB_OK;

		if (!err && index->sets)
			err = unit_of_set(dwarf, &index->sets[owner], &unit);
		if (!err)
			err = look_into(dwarf, unit, image_pc, use, best);
		if (err < 0)
			return err;
		if (best->node != WB_NODE_NONE && (best->has_line || !use.lines))
			break;
		last = owner;
	}
	return WB_OK;
}

/* Where the unit of an index's span begins. */
static uint64_t place_of(const struct wb_dwarf *dwarf, const struct wb_unit_index *index, uint32_t owner)
{
	return index->sets ? index->sets[owner].offset : slot_of(dwarf, owner)->unit.header.offset;
}

uint64_t wb_dwarf_place(struct wb_dwarf *dwarf, uint64_t image_pc)
{
	struct wb_unit_index *index;
	size_t cursor = SIZE_MAX;
	uint64_t last = UINT64_MAX;
	uint32_t owner;
	enum wb_err err = index_of(dwarf, WB_INDEX_ARANGES, &index);

	/* Without .debug_aranges, lookups will ask the units. */
	if (!err && !index->num_spans)
		err = index_of(dwarf, WB_INDEX_UNITS, &index);
	for (unsigned i = 0; !err && i < CANDIDATES_MAX && wb_unit_index_next(index, image_pc, &cursor, &owner); i++) {
		uint64_t place = place_of(dwarf, index, owner);

		last = !i || place > last ? place : last;
	}
	return last;
}

/* A unit that says that the address is its own has the last word where no lines are wanted; else, if it knows anything. */
static bool is_known(const struct wb_dwarf_hit *hit, struct wb_dwarf_use use)
{
	return hit->node != WB_NODE_NONE || hit->has_line || (hit->table && !use.lines);
}

/* .debug_aranges can lack ranges, and whole units (and does, from some linkers): what is not found by it is looked for in the units themselves.
 * That takes all of them, where it takes one. */
enum wb_err wb_dwarf_find(struct wb_dwarf *dwarf, uint64_t image_pc, struct wb_dwarf_use use, struct wb_dwarf_hit *ret_hit)
{
	unsigned last = use.deep ? WB_INDEX_LINES : WB_INDEX_UNITS;
	struct wb_dwarf_hit best = { .node = WB_NODE_NONE };
	enum wb_err err = WB_OK;

	for (unsigned source = WB_INDEX_ARANGES; !err && source <= last && !is_known(&best, use); source++) {
		struct wb_unit_index *index;

		err = index_of(dwarf, (enum wb_unit_index_source)source, &index);
		if (!err)
			err = look_up(dwarf, index, image_pc, use, &best);
	}
	if (!err && best.node != WB_NODE_NONE)
		err = wb_dwarf_node(dwarf, best.unit, best.table, image_pc, &best.functions, &best.node, &best.is_over);
	if (err) {
		wb_unit_table_unref(best.table);
		return err;
	}
	if (!best.table)
		return WB_NONE;
	*ret_hit = best;
	return WB_OK;
}

void wb_dwarf_release(struct wb_dwarf_hit *hit)
{
	wb_unit_table_unref(hit->table);
	hit->table = NULL;
}
