/* SPDX-License-Identifier: MIT */
/*
 * Rows of Go functions, compiled from pclntab and kept with the image. What a function saves besides is seen in its first instructions (code_go), as
 * its tables do not say.
 */
#include "unwind/go_rows.h"

#include "base/mem.h"
#include "model/session.h"
#include "unwind/cfi.h"
#include "unwind/code_go.h"
#include "unwind/go_kinds.h"

#include <stdatomic.h>
#include <string.h>

enum {
	ROWS_MAX = 1 << 16,           /* of a function: some thousand in the longest known */
	RULES_MAX = 4 * ROWS_MAX,
};

typedef _Atomic(struct wb_row_table *) table_slot;

struct wb_go_rows {
	struct wb_image *image;       /* borrowed: the image owns this */
	const struct wb_arch_info *arch;
	const struct wb_pclntab *table; /* lives as long as the image */
	table_slot *slots;            /* by function */
	uint32_t num_slots;
	_Atomic uint64_t charged;
};

/* Stands for a function whose tables were found broken. */
static const struct wb_row_table broken;

static struct wb_row_table *broken_table(void)
{
	return (struct wb_row_table *)(uintptr_t)&broken;
}

/* ---- Compiling ---- */

struct builder {
	const struct wb_go_rows *rows;
	const struct wb_arch_info *arch;
	struct wb_go_function function;
	enum wb_go_kind kind;
	struct wb_go_frame frame;
	uint32_t *offsets;
	struct wb_row *items;
	struct wb_row_rule *rules;
	size_t offsets_capacity, items_capacity, rules_capacity, num_rows, num_rules;
	uint8_t num_lost;             /* the first rules: for registers that Go does not keep */
};

static void builder_deinit(struct builder *b)
{
	wb_mem_free(b->offsets);
	wb_mem_free(b->items);
	wb_mem_free(b->rules);
}

static enum wb_err add_rule(struct builder *b, struct wb_row_rule rule)
{
	if (b->num_rules == RULES_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&b->rules, &b->rules_capacity, b->num_rules, 1, sizeof(rule)))
		return WB_ERR_MEMORY;
	b->rules[b->num_rules++] = rule;
	return WB_OK;
}

static enum wb_err add_row(struct builder *b, uint64_t offset, struct wb_row row)
{
	if (b->num_rows == ROWS_MAX || offset > UINT32_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&b->offsets, &b->offsets_capacity, b->num_rows, 1, sizeof(*b->offsets)) ||
	    !wb_mem_grow((void **)&b->items, &b->items_capacity, b->num_rows, 1, sizeof(*b->items)))
		return WB_ERR_MEMORY;
	row.how = WB_HOW_GO;
	b->offsets[b->num_rows] = (uint32_t)offset;
	b->items[b->num_rows++] = row;
	return WB_OK;
}

/* Go keeps no register over calls but the frame pointer: what C calls callee-saved is lost. */
static enum wb_err add_lost_registers(struct builder *b)
{
	uint64_t lost = b->arch->callee_saved;
	enum wb_err err = WB_OK;

	if (b->arch->go->keeps_fp)
		lost &= ~(UINT64_C(1) << b->arch->fp);
	for (; !err && lost; lost &= lost - 1)
		err = add_rule(b, (struct wb_row_rule){ .slot = (uint8_t)__builtin_ctzll(lost), .kind = WB_RULE_UNDEFINED });
	b->num_lost = (uint8_t)b->num_rules;
	return err;
}

/* A call pushed the return address: below the CFA, which is `distance` from SP without it. */
static enum wb_err add_pushed(struct builder *b, uint64_t offset, int32_t distance)
{
	const struct wb_arch_info *arch = b->arch;
	const struct wb_go_frame *frame = &b->frame;
	int32_t word = arch->word_size;
	struct wb_row row = { .cfa_offset = distance + word, .ra_offset = (int16_t)-word, .num_rules = b->num_lost };

	if (distance >= word && offset >= frame->fp_saved) {
		row.fp_offset = (int16_t)(-2 * word);
		row.flags |= WB_ROW_FP_SAVED;
	}
	if (frame->num_saved && offset >= frame->saved_from && distance >= frame->saved_distance) {
		row.rules = frame->first_rule;
		row.num_rules = frame->num_saved;
	}
	if (b->kind == WB_GO_TOP) {
		row.flags |= WB_ROW_ROOT;
		row.special = WB_ROW_GO_TOP;
	}
	if (b->kind == WB_GO_INJECTED)
		row.special = WB_ROW_INJECTED;
	/* Whichever stack SP is in, the frame pointer still is in the one that the function was called on. */
	if (b->kind == WB_GO_SWITCH && distance >= word && offset >= frame->fp_set) {
		row.cfa_offset = 2 * word;
		row.flags |= WB_ROW_FP_BASE;
		row.special = WB_ROW_JOINT;
	}
	return add_row(b, offset, row);
}

/* The return address came in a register, and is at SP once there is a frame; the frame pointer is one word below (cmd/internal/obj/arm64/obj7.go). */
static enum wb_err add_linked(struct builder *b, uint64_t offset, int32_t distance)
{
	const struct wb_arch_info *arch = b->arch;
	uint8_t link = arch->leaf.ra_slot;
	bool injected = b->kind == WB_GO_INJECTED;
	/* The handler also pushed what was in the register: between this frame, as the runtime sees it, and the interrupted one. */
	int32_t pushed = injected ? arch->go->pushed : 0, cfa = distance;
	struct wb_row row = { .flags = WB_ROW_GENERAL | WB_ROW_BARRIER, .rules = (uint32_t)b->num_rules, .special = injected ? WB_ROW_INJECTED : 0 };
	struct wb_row_rule pc = { .slot = arch->pc, .kind = WB_RULE_OFFSET, .offset = -cfa };
	struct wb_row_rule fp = { .slot = arch->fp, .kind = WB_RULE_SAME };
	enum wb_err err;

	if (distance > 0 && wb_go_kind_is_by_hand(arch, b->kind))
		pc.offset = arch->go->c_link;
	if (distance <= 0) {
		pc = (struct wb_row_rule){ .slot = arch->pc, .kind = WB_RULE_REGISTER, .base = distance < 0 ? arch->go->resume_slot : link };
	} else {
		/* That of every caller is a word below its SP; in memory there are stale ones up to 1.20. */
		fp = (struct wb_row_rule){ .slot = arch->fp, .kind = WB_RULE_VAL_OFFSET, .offset = -(int32_t)arch->word_size };
	}
	err = add_rule(b, (struct wb_row_rule){ .slot = WB_SLOT_CFA, .kind = WB_RULE_OFFSET, .base = arch->sp, .offset = cfa });
	if (!err)
		err = add_rule(b, pc);
	/* Of a function without a frame that was interrupted, it is the caller's. */
	if (!err && b->arch->go->keeps_fp && !injected)
		err = add_rule(b, fp);
	if (!err && pushed)
		err = add_rule(b, (struct wb_row_rule){ .slot = link, .kind = WB_RULE_OFFSET, .offset = 0 });
	/* The CFA is the caller's SP, also where C's lies above it. */
	if (!err && (pushed || arch->cfa_above_sp))
		err = add_rule(b, (struct wb_row_rule){ .slot = arch->sp, .kind = WB_RULE_VAL_OFFSET, .offset = pushed });
	row.num_rules = (uint8_t)(b->num_rules - row.rules);
	if (b->kind == WB_GO_TOP) {
		row.flags |= WB_ROW_ROOT;
		row.special = WB_ROW_GO_TOP;
	}
	return err ? err : add_row(b, offset, row);
}

/* On another stack, with nothing that leads back: a row without a rule for the pc. The CFA is the end of the frame there, as the runtime takes it. */
static enum wb_err add_end(struct builder *b, uint64_t offset, int32_t distance)
{
	const struct wb_arch_info *arch = b->arch;
	struct wb_row row = { .flags = WB_ROW_GENERAL, .special = WB_ROW_JOINT, .rules = (uint32_t)b->num_rules, .num_rules = 1 };
	int32_t cfa = distance + (arch->leaf.ra_in_register ? 0 : arch->word_size);
	enum wb_err err = add_rule(b, (struct wb_row_rule){ .slot = WB_SLOT_CFA, .kind = WB_RULE_OFFSET, .base = arch->sp, .offset = cfa });

	return err ? err : add_row(b, offset, row);
}

static enum wb_err add_at(struct builder *b, uint64_t offset, int32_t distance)
{
	bool linked = b->arch->leaf.ra_in_register, has_frame = b->kind == WB_GO_SWITCH && b->frame.fp_set != WB_GO_NEVER;

	if ((b->kind == WB_GO_SWITCH || b->kind == WB_GO_LEAVE) && !has_frame && offset >= b->frame.sp_written)
		return add_end(b, offset, distance);
	return linked ? add_linked(b, offset, distance) : add_pushed(b, offset, distance);
}

/* A run of one distance, cut where instructions say that more changes. */
static enum wb_err add_run(struct builder *b, uint64_t start, uint64_t end, int32_t distance)
{
	const struct wb_go_frame *frame = &b->frame;
	const uint64_t splits[] = { frame->fp_saved, frame->fp_set, frame->saved_from, frame->sp_written };
	enum wb_err err = add_at(b, start, distance);

	while (!err) {
		uint64_t next = end;

		for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++)
			if (splits[i] > start && splits[i] < next)
				next = splits[i];
		if (next == end)
			break;
		start = next;
		err = add_at(b, start, distance);
	}
	return err;
}

/* Distances are of whole words. They are negative where an injected function has given back what its handler pushed, and where a call of the system
 * (syscall.rawVforkSyscall) has its return address popped meanwhile. */
static bool is_distance(const struct builder *b, int32_t value)
{
	return value % b->arch->word_size == 0 && value < INT32_MAX - 4096 && value >= -64;
}

/* Not where the return address is popped, unless into the register that injected functions go on by; nor where the frame is one of C's. */
static bool tells_return_address(const struct builder *b, int32_t distance)
{
	const struct wb_arch_go *go = b->arch->go;

	if (distance < 0)
		return b->kind == WB_GO_INJECTED && go->resume_slot != WB_SLOT_NONE;
	return !distance || go->c_link || !wb_go_kind_is_by_hand(b->arch, b->kind);
}

/* Up to where the function's table has a distance for each pc: behind it is what pads functions, and what never runs. */
static enum wb_err add_rows(struct builder *b, uint64_t *ret_end)
{
	struct wb_go_values values;
	enum wb_err err = WB_OK;

	wb_go_values_begin(b->rows->table, &b->function, b->function.sp, &values);
	while (!err && (err = wb_go_values_next(&values)) == WB_OK) {
		if (values.end == values.start)
			continue;
		if (values.end > b->function.end)
			return WB_ERR_DATA;
		if (values.value == -1)
			break;
		if (!is_distance(b, values.value))
			return WB_ERR_DATA;
		if (!tells_return_address(b, values.value))
			break;
		*ret_end = values.end;
		err = add_run(b, values.start - b->function.start, values.end - b->function.start, values.value);
	}
	return err < 0 ? err : WB_OK;
}

/* The frame of a signal, as the code that handlers return to finds it at SP. */
static enum wb_err add_signal(struct builder *b)
{
	const struct wb_arch_go *go = b->arch->go;
	struct wb_row row = { .flags = WB_ROW_GENERAL | WB_ROW_SIGNAL, .rules = (uint32_t)b->num_rules };
	const struct wb_arch_info *arch = b->arch;
	enum wb_err err = WB_OK;

	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t i = 0; !err && i < go->num_signal_saved; i++) {
			struct wb_row_rule rule = { .slot = go->signal_saved[i], .kind = WB_RULE_DEREF, .base = arch->sp,
			                            .offset = (int32_t)(go->signal_offset + arch->word_size * i) };
			bool is_sp = rule.slot == arch->sp;

			if (rule.slot == WB_SLOT_NONE)
				continue;
			/* The interrupted SP is the CFA, whose rule comes first. */
			if (is_sp)
				rule.slot = WB_SLOT_CFA;
			if (is_sp == (pass == 0))
				err = add_rule(b, rule);
		}
	}
	row.num_rules = (uint8_t)(b->num_rules - row.rules);
	return err ? err : add_row(b, 0, row);
}

static enum wb_err make_table(const struct builder *b, uint64_t end, struct wb_row_table **ret_table, size_t *ret_size)
{
	size_t padded = (b->num_rows + 3) & ~(size_t)3;
	size_t size = sizeof(struct wb_row_table) + padded * 4 + b->num_rows * sizeof(struct wb_row) + b->num_rules * sizeof(struct wb_row_rule);
	struct wb_row_table *table = wb_mem_zalloc(1, size);

	if (!table)
		return WB_ERR_MEMORY;
	table->start = b->function.start;
	table->end = end;
	table->num_rows = (uint32_t)b->num_rows;
	table->num_rules = (uint32_t)b->num_rules;
	table->section_offset = b->function.record;
	if (b->num_rows) {
		memcpy((uint32_t *)(uintptr_t)wb_row_table_offsets(table), b->offsets, b->num_rows * sizeof(*b->offsets));
		memcpy((struct wb_row *)(uintptr_t)wb_row_table_rows(table), b->items, b->num_rows * sizeof(*b->items));
	}
	if (b->num_rules)
		memcpy((struct wb_row_rule *)(uintptr_t)wb_row_table_rules(table), b->rules, b->num_rules * sizeof(*b->rules));
	*ret_table = table;
	*ret_size = size;
	return WB_OK;
}

/* Rules of what a function that C calls has saved. */
static enum wb_err add_saved_registers(struct builder *b)
{
	enum wb_err err = WB_OK;

	b->frame.first_rule = (uint32_t)b->num_rules;
	for (unsigned i = 0; !err && i < b->frame.num_saved; i++)
		err = add_rule(b, (struct wb_row_rule){ .slot = b->frame.saved[i].slot, .kind = WB_RULE_OFFSET, .offset = b->frame.saved[i].offset });
	return err;
}

static enum wb_err compile(const struct wb_go_rows *rows, const struct wb_go_function *function, struct wb_row_table **ret_table, size_t *ret_size)
{
	struct builder b = { .rows = rows, .arch = rows->arch, .function = *function, .kind = wb_go_kind(rows->table, function) };
	uint64_t end = function->start;
	enum wb_err err = wb_go_frame_read(rows->image, rows->arch, rows->table, function, b.kind, &b.frame);

	if (!err && !b.arch->leaf.ra_in_register)
		err = add_lost_registers(&b);
	if (!err)
		err = add_saved_registers(&b);
	if (!err && b.kind == WB_GO_SIGNAL && rows->arch->go->num_signal_saved) {
		end = function->end;
		err = add_signal(&b);
	} else if (!err) {
		err = add_rows(&b, &end);
	}
	if (!err)
		err = make_table(&b, end, ret_table, ret_size);
	builder_deinit(&b);
	return err;
}

/* ---- Keeping ---- */

static enum wb_err compile_now(struct wb_go_rows *rows, const struct wb_go_function *function, table_slot *slot,
                               const struct wb_row_table **ret_table, struct wb_row_table **ret_loose)
{
	struct wb_session *session = wb_image_session(rows->image);
	struct wb_row_table *table, *seen = NULL;
	size_t size;
	enum wb_err err = compile(rows, function, &table, &size);

	if (err == WB_ERR_MEMORY)
		return err;
	if (err) {
		wb_diag_report(wb_session_diags(session), err, WB_DIAG_GO_MALFORMED, wb_image_path(rows->image), ".gopclntab", function->record,
		               "values of the function at 0x%llx are broken", (unsigned long long)function->start);
		atomic_compare_exchange_strong(slot, &seen, broken_table());
		return WB_ERR_DATA;
	}
	if (!wb_session_charge(session, size, false)) {
		*ret_table = *ret_loose = table;
		return WB_OK;
	}
	if (atomic_compare_exchange_strong_explicit(slot, &seen, table, memory_order_release, memory_order_acquire)) {
		atomic_fetch_add_explicit(&rows->charged, size, memory_order_relaxed);
	} else {
		/* Another thread was first; both are the same. */
		wb_session_discharge(session, size, false);
		wb_mem_free(table);
		table = seen;
	}
	*ret_table = table;
	return table == broken_table() ? WB_ERR_DATA : WB_OK;
}

enum wb_err wb_go_rows_find(struct wb_go_rows *rows, uint64_t image_pc, const struct wb_row_table **ret_table, struct wb_row_table **ret_loose)
{
	struct wb_go_function function;
	struct wb_row_table *table;
	enum wb_err err = wb_pclntab_find(rows->table, image_pc, &function);

	if (err)
		return err;
	*ret_loose = NULL;
	table = atomic_load_explicit(&rows->slots[function.index], memory_order_acquire);
	*ret_table = table;
	if (!table)
		err = compile_now(rows, &function, &rows->slots[function.index], ret_table, ret_loose);
	else if (table == broken_table())
		err = WB_ERR_DATA;
	if (err || image_pc < (*ret_table)->end)
		return err;
	wb_mem_free(*ret_loose);
	return WB_NONE;
}

enum wb_err wb_go_kind_at(const struct wb_go_rows *rows, uint64_t image_pc, enum wb_go_kind *ret_kind)
{
	struct wb_go_function function;
	enum wb_err err = wb_pclntab_find(rows->table, image_pc, &function);

	if (!err)
		*ret_kind = wb_go_kind(rows->table, &function);
	return err;
}

/* ---- Of an image ---- */

static void rows_free(void *value)
{
	struct wb_go_rows *rows = value;

	if (!rows)
		return;
	for (uint32_t i = 0; i < rows->num_slots; i++) {
		struct wb_row_table *table = atomic_load_explicit(&rows->slots[i], memory_order_relaxed);

		if (table != broken_table())
			wb_mem_free(table);
	}
	wb_session_discharge(wb_image_session(rows->image), rows->charged, false);
	wb_mem_free(rows->slots);
	wb_mem_free(rows);
}

static enum wb_err build(struct wb_image *image, void *arg, void **ret_value)
{
	struct wb_object *main = arg;
	const struct wb_pclntab *table;
	struct wb_go_rows *rows;
	enum wb_err err = wb_pclntab_of_image(image, &table);
	const struct wb_arch_info *arch = wb_arch_info(main->platform.arch);

	*ret_value = NULL;
	if (err)
		return err;
	if (!table || !arch || !arch->go || arch->word_size != table->word_size)
		return WB_NONE;
	rows = wb_mem_zalloc(1, sizeof(*rows));
	if (!rows)
		return WB_ERR_MEMORY;
	rows->slots = wb_mem_zalloc(table->num_functions, sizeof(*rows->slots));
	if (!rows->slots) {
		wb_mem_free(rows);
		return WB_ERR_MEMORY;
	}
	rows->image = image;
	rows->arch = arch;
	rows->num_slots = table->num_functions;
	rows->table = table;
	rows->charged = table->num_functions * sizeof(*rows->slots);
	wb_session_charge(wb_image_session(image), rows->charged, true);
	*ret_value = rows;
	return WB_OK;
}

enum wb_err wb_go_rows_of_image(struct wb_image *image, struct wb_go_rows **ret_rows)
{
	struct wb_object *main;
	void *value = NULL;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &main);

	if (!err)
		err = wb_image_slot(image, WB_SLOT_GO_ROWS, build, main, rows_free, &value);
	if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
		return err;
	*ret_rows = err ? NULL : value;
	return WB_OK;
}
