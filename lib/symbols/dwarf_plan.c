/* SPDX-License-Identifier: MIT */
/* From abbreviations to plans, and the stepping over values. */
#include "symbols/dwarf_plan.h"

#include "base/mem.h"
#include "model/session.h"

#include <string.h>

enum {
	READ_PER_BYTE = 8,            /* bytes of tables read per byte of .debug_abbrev: once, unless tables overlap */
	READ_MIN = 1 << 16,
};

/* ---- What a form says about its values -------------------------------------------------------------------------------------- */

static enum wb_plan_step step_of(unsigned form)
{
	switch (form) {
	case WB_FORM_SDATA: case WB_FORM_UDATA: case WB_FORM_REF_UDATA: case WB_FORM_STRX: case WB_FORM_ADDRX: case WB_FORM_LOCLISTX:
	case WB_FORM_RNGLISTX: case WB_FORM_GNU_ADDR_INDEX: case WB_FORM_GNU_STR_INDEX: return WB_STEP_ULEB;
	case WB_FORM_BLOCK: case WB_FORM_EXPRLOC: return WB_STEP_BLOCK_ULEB;
	case WB_FORM_BLOCK1: return WB_STEP_BLOCK1;
	case WB_FORM_BLOCK2: return WB_STEP_BLOCK2;
	case WB_FORM_BLOCK4: return WB_STEP_BLOCK4;
	case WB_FORM_STRING: return WB_STEP_STRING;
	case WB_FORM_INDIRECT: return WB_STEP_INDIRECT;
	default: return WB_STEP_NONE;
	}
}

struct shape {
	enum wb_plan_step step;
	uint8_t size;                 /* without a step */
	struct wb_form_value value;   /* without a step: its class, and the value if it takes no bytes */
	bool is_unknown;
};

/* How large a value is and what it is, if that is always the same, is what reading one of zeros tells. */
static struct shape shape_of(const struct wb_plans *plans, const struct wb_abbrev_attr *attr)
{
	static const uint8_t zeros[16];
	struct wb_bytes b = wb_bytes_of(zeros, sizeof zeros, false);
	struct shape shape = { .step = step_of(attr->form) };

	if (shape.step != WB_STEP_NONE)
		return shape;
	shape.is_unknown = !wb_abbrev_read(&b, &plans->unit, &plans->abbrevs, attr, &shape.value);
	shape.size = (uint8_t)wb_bytes_offset(&b);
	return shape;
}

static bool is_unit_reference(unsigned form)
{
	return form == WB_FORM_REF1 || form == WB_FORM_REF2 || form == WB_FORM_REF4 || form == WB_FORM_REF8;
}

static enum wb_plan_slot slot_of(unsigned name)
{
	switch (name) {
	case WB_AT_NAME: return WB_PLAN_NAME;
	case WB_AT_LINKAGE_NAME:
	case WB_AT_MIPS_LINKAGE_NAME: return WB_PLAN_LINKAGE;
	case WB_AT_LOW_PC: return WB_PLAN_LOW;
	case WB_AT_HIGH_PC: return WB_PLAN_HIGH;
	case WB_AT_RANGES: return WB_PLAN_RANGES;
	case WB_AT_ENTRY_PC: return WB_PLAN_ENTRY;
	case WB_AT_ABSTRACT_ORIGIN: return WB_PLAN_ORIGIN;
	case WB_AT_SPECIFICATION: return WB_PLAN_SPECIFICATION;
	case WB_AT_CALL_FILE: return WB_PLAN_CALL_FILE;
	case WB_AT_CALL_LINE: return WB_PLAN_CALL_LINE;
	case WB_AT_CALL_COLUMN: return WB_PLAN_CALL_COLUMN;
	default: return WB_PLAN_SLOTS;
	}
}

/* ---- Compiling ------------------------------------------------------------------------------------------------------------ */

/* Where DW_AT_sibling is, counted from what follows it, as long as the size of that is fixed. */
static void note_sibling(struct wb_plan *plan, const struct wb_abbrev_attr *attr, const struct shape *shape)
{
	if (shape->step != WB_STEP_NONE || plan->sibling_back > UINT8_MAX - shape->size)
		plan->sibling_size = 0;
	if (attr->name == WB_AT_SIBLING && is_unit_reference(attr->form)) {
		plan->sibling_size = shape->size;
		plan->sibling_back = 0;
	}
	if (plan->sibling_size > 0)
		plan->sibling_back = (uint8_t)(plan->sibling_back + shape->size);
}

/* 64 KiB of fixed values are nobody's entry. */
static void add_fixed(struct wb_plan *plan, uint16_t *fixed, size_t size)
{
	if (*fixed > UINT16_MAX - size)
		plan->is_unknown = true;
	else
		*fixed = (uint16_t)(*fixed + size);
}

/* Adds how one more value is stepped over. */
static enum wb_err add_skip(struct wb_plans *plans, struct wb_plan *plan, const struct shape *shape)
{
	if (shape->step == WB_STEP_NONE) {
		add_fixed(plan, &plan->fixed, shape->size);
		return WB_OK;
	}
	if (!wb_mem_grow((void **)&plans->skips, &plans->skips_capacity, plans->num_skips, 1, sizeof *plans->skips))
		return WB_ERR_MEMORY;
	plans->skips[plans->num_skips++] = (struct wb_plan_skip){ plan->fixed, (uint8_t)shape->step };
	plan->num_skips++;
	plan->fixed = 0;
	return WB_OK;
}

/* Adds how one more value is read. */
static enum wb_err add_read(struct wb_plans *plans, struct wb_plan *plan, const struct wb_abbrev_attr *attr, const struct shape *shape)
{
	struct wb_plan_read read = {
		.fixed = plan->read_fixed, .form = attr->form, .slot = (uint8_t)slot_of(attr->name), .size = shape->size,
		.class = (uint8_t)shape->value.class, .implicit = (int64_t)shape->value.value,
	};

	if (shape->step == WB_STEP_NONE && read.slot == WB_PLAN_SLOTS) {
		add_fixed(plan, &plan->read_fixed, shape->size);
		return WB_OK;
	}
	/* Loads are of 1, 2, 4 and 8 bytes that are the value: there are indexes of three bytes, and flags of any. */
	if (shape->step != WB_STEP_NONE || read.class == WB_FORM_CLASS_BLOCK || read.size == 3 || (read.class == WB_FORM_CLASS_FLAG && read.size > 0)) {
		read.size = WB_PLAN_BY_FORM;
		plan->is_fixed = false;
	}
	if (read.size > 0)
		read.implicit = 0;
	if (read.implicit < 0)
		read.implicit = 0;
	if (!wb_mem_grow((void **)&plans->reads, &plans->reads_capacity, plans->num_reads, 1, sizeof *plans->reads))
		return WB_ERR_MEMORY;
	plans->reads[plans->num_reads++] = read;
	plan->num_reads++;
	plan->read_fixed = 0;
	return WB_OK;
}

static enum wb_err make_plan(struct wb_plans *plans, const struct wb_abbrev *decl, struct wb_plan *plan)
{
	bool is_declaration = false;
	enum wb_err err = WB_OK;

	*plan = (struct wb_plan){
		.first_skip = (uint32_t)plans->num_skips, .first_read = (uint32_t)plans->num_reads, .has_children = decl->has_children,
		.is_fixed = true,
	};
	plan->kind = decl->tag == WB_TAG_SUBPROGRAM ? WB_PLAN_FUNCTION : decl->tag == WB_TAG_INLINED_SUBROUTINE ? WB_PLAN_CALL : WB_PLAN_OTHER;
	for (uint32_t i = 0; !err && i < decl->num_attrs; i++) {
		const struct wb_abbrev_attr *attr = &plans->abbrevs.attrs[decl->first_attr + i];
		struct shape shape = shape_of(plans, attr);

		is_declaration |= attr->name == WB_AT_DECLARATION;
		plan->has_code |= attr->name == WB_AT_LOW_PC || attr->name == WB_AT_RANGES;
		plan->is_unknown |= shape.is_unknown;
		note_sibling(plan, attr, &shape);
		err = add_skip(plans, plan, &shape);
		if (!err && plan->kind != WB_PLAN_OTHER)
			err = add_read(plans, plan, attr, &shape);
	}
	plan->effect = (uint8_t)wb_scope_effect_of(decl->tag, is_declaration);
	return err;
}

static uint64_t place_of(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit)
{
	return sections->by_id[WB_DWARF_ABBREV].offset + unit->abbrev_offset;
}

/* Codes of three bytes, and entries that do not fit, are left to those who look at plans. */
static enum wb_err make_strides(struct wb_plans *plans)
{
	size_t count = plans->abbrevs.is_dense ? plans->abbrevs.num_decls : 0;

	plans->num_strides = count + 1;
	plans->strides = wb_mem_zalloc(plans->num_strides, sizeof *plans->strides);
	if (!plans->strides)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < count && i < 0x3fff; i++) {
		const struct wb_plan *plan = &plans->plans[i];
		unsigned stride = (i + 1 < 0x80 ? 1u : 2u) + plan->fixed;

		if (plan->kind == WB_PLAN_OTHER && !plan->has_children && plan->num_skips == 0 && !plan->is_unknown && stride <= UINT16_MAX)
			plans->strides[i + 1] = (uint16_t)stride;
	}
	return WB_OK;
}

enum wb_err wb_plans_new(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, uint64_t *bytes, struct wb_plans **ret_plans)
{
	struct wb_plans *plans = wb_mem_zalloc(1, sizeof *plans);
	enum wb_err err;

	if (!plans)
		return WB_ERR_MEMORY;
	plans->unit = *unit;
	plans->place = place_of(sections, unit);
	err = wb_abbrevs_init(&plans->abbrevs, sections, unit->abbrev_offset);
	*bytes += plans->abbrevs.bytes;
	if (!err) {
		plans->plans = wb_mem_zalloc(plans->abbrevs.num_decls, sizeof *plans->plans);
		if (!plans->plans)
			err = WB_ERR_MEMORY;
	}
	for (size_t i = 0; !err && i < plans->abbrevs.num_decls; i++)
		err = make_plan(plans, &plans->abbrevs.decls[i], &plans->plans[i]);
	if (!err)
		err = make_strides(plans);
	if (err) {
		wb_plans_free(plans);
		return err;
	}
	*ret_plans = plans;
	return WB_OK;
}

void wb_plans_free(struct wb_plans *plans)
{
	if (!plans)
		return;
	wb_abbrevs_deinit(&plans->abbrevs);
	wb_mem_free(plans->plans);
	wb_mem_free(plans->strides);
	wb_mem_free(plans->skips);
	wb_mem_free(plans->reads);
	wb_mem_free(plans);
}

size_t wb_plans_bytes(const struct wb_plans *plans)
{
	const struct wb_abbrevs *abbrevs = &plans->abbrevs;

	return sizeof *plans + abbrevs->num_decls * sizeof *plans->plans + plans->num_strides * sizeof *plans->strides + plans->skips_capacity * sizeof *plans->skips +
	       plans->reads_capacity * sizeof *plans->reads +
	       abbrevs->decls_capacity * sizeof *abbrevs->decls + abbrevs->attrs_capacity * sizeof *abbrevs->attrs +
	       abbrevs->constants_capacity * sizeof *abbrevs->constants;
}

/* ---- The cache ----------------------------------------------------------------------------------------------------------- */

void wb_plan_cache_init(struct wb_plan_cache *cache, struct wb_session *session, const struct wb_dwarf_sections *sections)
{
	*cache = (struct wb_plan_cache){
		.session = session, .budget = READ_MIN + (uint64_t)READ_PER_BYTE * sections->by_id[WB_DWARF_ABBREV].size,
	};
	wb_lock_init(&cache->lock);
}

void wb_plan_cache_deinit(struct wb_plan_cache *cache)
{
	for (size_t i = 0; i < WB_PLAN_BUCKETS; i++)
		for (struct wb_plans *plans = cache->buckets[i], *next; plans; plans = next) {
			next = plans->next;
			wb_plans_free(plans);
		}
	if (cache->session && cache->charged > 0)
		wb_session_discharge(cache->session, cache->charged, false);
	wb_lock_deinit(&cache->lock);
}

static struct wb_plans **bucket_of(struct wb_plan_cache *cache, uint64_t place)
{
	return &cache->buckets[(place * UINT64_C(0x9e3779b97f4a7c15) >> 32) % WB_PLAN_BUCKETS];
}

/* Those of a unit with the same abbreviations, and with values of the same sizes. */
static const struct wb_plans *find_kept(struct wb_plan_cache *cache, uint64_t place, const struct wb_unit_header *unit)
{
	const struct wb_plans *plans = *bucket_of(cache, place);

	while (plans && (plans->place != place || plans->unit.address_size != unit->address_size ||
	                 plans->unit.offset_size != unit->offset_size || (plans->unit.version == 2) != (unit->version == 2)))
		plans = plans->next;
	return plans;
}

/* Takes the plans, unless somebody was faster. The caller holds the lock. */
static const struct wb_plans *keep(struct wb_plan_cache *cache, struct wb_plans *plans)
{
	struct wb_plans **bucket = bucket_of(cache, plans->place);
	const struct wb_plans *kept = find_kept(cache, plans->place, &plans->unit);

	if (kept) {
		wb_plans_free(plans);
		return kept;
	}
	cache->charged += wb_plans_bytes(plans);
	if (cache->session)
		wb_session_charge(cache->session, wb_plans_bytes(plans), true);
	plans->next = *bucket;
	*bucket = plans;
	return plans;
}

/* Without the lock: threads that need the same ones make them twice. Overlapping tables are read until the budget is used up. */
static enum wb_err make(struct wb_plan_cache *cache, const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit,
                        const struct wb_plans **ret_plans)
{
	struct wb_plans *made;
	uint64_t bytes = 0;
	enum wb_err err = wb_plans_new(sections, unit, &bytes, &made);

	wb_lock_take(&cache->lock);
	cache->budget -= bytes < cache->budget ? bytes : cache->budget;
	if (!err)
		*ret_plans = keep(cache, made);
	wb_lock_give(&cache->lock);
	return err;
}

enum wb_err wb_plan_cache_get(struct wb_plan_cache *cache, const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit,
                              const struct wb_plans **ret_plans)
{
	const struct wb_plans *kept;
	bool is_used_up;
	enum wb_err err;

	wb_lock_take(&cache->lock);
	kept = find_kept(cache, place_of(sections, unit), unit);
	is_used_up = cache->budget == 0;
	wb_lock_give(&cache->lock);
	if (kept) {
		*ret_plans = kept;
		return WB_OK;
	}
	err = is_used_up ? WB_ERR_LIMIT : make(cache, sections, unit, ret_plans);
	if (err == WB_ERR_DATA || err == WB_ERR_LIMIT)
		wb_diag_report(sections->diags, err, WB_DIAG_DWARF_MALFORMED, sections->path, ".debug_abbrev", unit->abbrev_offset,
		               err == WB_ERR_DATA ? "malformed table of abbreviations" : "tables of abbreviations overlap");
	return err;
}

/* ---- Values ------------------------------------------------------------------------------------------------------------ */

/* What a value says does not matter here, and so neither does that it may be too large. */
static void skip_uleb(struct wb_bytes *b)
{
	while (wb_bytes_u8(b) & 0x80) /* bounded by the unit's end, where zeros are read */
		;
}

static void skip_string(struct wb_bytes *b)
{
	const uint8_t *end = memchr(b->at, 0, wb_bytes_left(b));

	if (end)
		b->at = end + 1;
	else
		wb_bytes_fail(b);
}

bool wb_plan_skip_long(const struct wb_plans *plans, const struct wb_plan *plan, struct wb_bytes *b)
{
	if (plan->is_unknown)
		return false;
	for (uint32_t i = 0; i < plan->num_skips; i++) {
		const struct wb_plan_skip *skip = &plans->skips[plan->first_skip + i];
		struct wb_form_value value;

		wb_bytes_skip(b, skip->fixed);
		switch ((enum wb_plan_step)skip->step) {
		case WB_STEP_ULEB: skip_uleb(b); break;
		case WB_STEP_BLOCK_ULEB: wb_bytes_skip(b, wb_bytes_uleb(b)); break;
		case WB_STEP_BLOCK1: wb_bytes_skip(b, wb_bytes_u8(b)); break;
		case WB_STEP_BLOCK2: wb_bytes_skip(b, wb_bytes_u16(b)); break;
		case WB_STEP_BLOCK4: wb_bytes_skip(b, wb_bytes_u32(b)); break;
		case WB_STEP_STRING: skip_string(b); break;
		case WB_STEP_INDIRECT:
			if (!wb_form_read(b, &plans->unit, WB_FORM_INDIRECT, 0, &value))
				return false;
			break;
		case WB_STEP_NONE: break;
		}
	}
	wb_bytes_skip(b, plan->fixed);
	return true;
}

/* Of what counts something. */
static void not_negative(unsigned slot, unsigned form, struct wb_form_value *value)
{
	if (slot != WB_PLAN_RANGES && (form == WB_FORM_SDATA || form == WB_FORM_IMPLICIT_CONST) && value->value > INT64_MAX)
		value->value = 0;
}

static bool read_by_form(const struct wb_plans *plans, const struct wb_plan_read *read, struct wb_bytes *b, struct wb_form_value *ret_value)
{
	if (!wb_form_read(b, &plans->unit, read->form, 0, ret_value))
		return false;
	not_negative(read->slot, read->form, ret_value);
	return true;
}

/* Entries of other kinds are read only where an origin leads to them, which no compiler writes. */
static bool read_other(const struct wb_plans *plans, const struct wb_plan *plan, struct wb_bytes *b, struct wb_plan_values *values)
{
	const struct wb_abbrev *decl = wb_plans_decl(plans, plan);

	for (uint32_t i = 0; i < decl->num_attrs; i++) {
		const struct wb_abbrev_attr *attr = &plans->abbrevs.attrs[decl->first_attr + i];
		enum wb_plan_slot slot = slot_of(attr->name);
		struct wb_form_value value;

		if (!wb_abbrev_read(b, &plans->unit, &plans->abbrevs, attr, &value))
			return false;
		not_negative(slot, attr->form, &value);
		if (slot != WB_PLAN_SLOTS)
			values->of[slot] = value;
	}
	return true;
}

/* Where all sizes are known, and eight bytes may be read wherever a value starts. */
static void read_fixed(const struct wb_plans *plans, const struct wb_plan *plan, const uint8_t *at, struct wb_plan_values *values)
{
	static const uint64_t masks[9] = { 0, 0xff, 0xffff, 0, 0xffffffff, 0, 0, 0, UINT64_MAX };

	for (uint32_t i = 0; i < plan->num_reads; i++) {
		const struct wb_plan_read *read = &plans->reads[plan->first_read + i];

		at += read->fixed;
		values->of[read->slot] = (struct wb_form_value){
			(enum wb_form_class)read->class, (wb_load64(at, false) & masks[read->size]) | (uint64_t)read->implicit,
		};
		at += read->size;
	}
}

static bool read_one(const struct wb_plans *plans, const struct wb_plan_read *read, struct wb_bytes *b, struct wb_plan_values *values)
{
	struct wb_form_value value = { (enum wb_form_class)read->class, (uint64_t)read->implicit };

	wb_bytes_skip(b, read->fixed);
	if (read->size == WB_PLAN_BY_FORM) {
		if (!read_by_form(plans, read, b, &value))
			return false;
	} else if (read->size > 0) {
		value.value = wb_bytes_uint(b, read->size);
	}
	if (read->slot != WB_PLAN_SLOTS)
		values->of[read->slot] = value;
	return true;
}

bool wb_plan_read(const struct wb_plans *plans, const struct wb_plan *plan, struct wb_bytes *b, struct wb_plan_values *ret_values)
{
	memset(ret_values, 0, sizeof *ret_values);
	if (plan->is_unknown)
		return false;
	if (plan->kind == WB_PLAN_OTHER)
		return read_other(plans, plan, b, ret_values);
	if (plan->is_fixed && !b->big_endian && wb_bytes_left(b) >= (size_t)plan->fixed + 8) {
		read_fixed(plans, plan, b->at, ret_values);
		return wb_bytes_skip(b, plan->fixed);
	}
	for (uint32_t i = 0; i < plan->num_reads; i++)
		if (!read_one(plans, &plans->reads[plan->first_read + i], b, ret_values))
			return false;
	wb_bytes_skip(b, plan->read_fixed);
	return true;
}

uint64_t wb_plan_sibling(const struct wb_plan *plan, const struct wb_bytes *b)
{
	struct wb_bytes value = wb_bytes_of(b->at - plan->sibling_back, plan->sibling_size, b->big_endian);

	return wb_bytes_uint(&value, plan->sibling_size);
}
