/* SPDX-License-Identifier: MIT */
/* From abbreviations to plans, and the stepping over values. */
#include "symbols/dwarf_plan.h"

#include "base/mem.h"
#include "model/session.h"

#include <string.h>

enum {
	VARIABLE = 255, UNKNOWN = 254,
	READ_PER_BYTE = 8,            /* bytes of tables read per byte of .debug_abbrev: once, unless tables overlap */
	READ_MIN = 1 << 16,
};

/* Bytes that a value of a form takes; VARIABLE with *ret_step, or UNKNOWN. */
static unsigned size_of_form(const struct wb_unit_header *unit, unsigned form, enum wb_plan_step *ret_step)
{
#define GIVE_STEP(name)                                                                                                                     \
	do {                                                                                                                                \
		*ret_step = WB_STEP_##name;                                                                                                 \
		return VARIABLE;                                                                                                            \
	} while (0)

	switch ((enum wb_dw_form)form) {
	case WB_FORM_FLAG_PRESENT:
	case WB_FORM_IMPLICIT_CONST: return 0;
	case WB_FORM_DATA1: case WB_FORM_FLAG: case WB_FORM_REF1: case WB_FORM_STRX1: case WB_FORM_ADDRX1: return 1;
	case WB_FORM_DATA2: case WB_FORM_REF2: case WB_FORM_STRX2: case WB_FORM_ADDRX2: return 2;
	case WB_FORM_STRX3: case WB_FORM_ADDRX3: return 3;
	case WB_FORM_DATA4: case WB_FORM_REF4: case WB_FORM_STRX4: case WB_FORM_ADDRX4: case WB_FORM_REF_SUP4: return 4;
	case WB_FORM_DATA8: case WB_FORM_REF8: case WB_FORM_REF_SIG8: case WB_FORM_REF_SUP8: return 8;
	case WB_FORM_DATA16: return 16;
	case WB_FORM_ADDR: return unit->address_size;
	case WB_FORM_REF_ADDR: return unit->version == 2 ? unit->address_size : unit->offset_size;
	case WB_FORM_STRP: case WB_FORM_LINE_STRP: case WB_FORM_STRP_SUP: case WB_FORM_GNU_STRP_ALT: case WB_FORM_SEC_OFFSET:
	case WB_FORM_GNU_REF_ALT: return unit->offset_size;
	case WB_FORM_SDATA: case WB_FORM_UDATA: case WB_FORM_REF_UDATA: case WB_FORM_STRX: case WB_FORM_ADDRX: case WB_FORM_LOCLISTX:
	case WB_FORM_RNGLISTX: case WB_FORM_GNU_ADDR_INDEX: case WB_FORM_GNU_STR_INDEX: GIVE_STEP(ULEB);
	case WB_FORM_BLOCK: case WB_FORM_EXPRLOC: GIVE_STEP(BLOCK_ULEB);
	case WB_FORM_BLOCK1: GIVE_STEP(BLOCK1);
	case WB_FORM_BLOCK2: GIVE_STEP(BLOCK2);
	case WB_FORM_BLOCK4: GIVE_STEP(BLOCK4);
	case WB_FORM_STRING: GIVE_STEP(STRING);
	case WB_FORM_INDIRECT: GIVE_STEP(INDIRECT);
	}
	return UNKNOWN;
#undef GIVE_STEP
}

static bool is_unit_reference(unsigned form)
{
	return form == WB_FORM_REF1 || form == WB_FORM_REF2 || form == WB_FORM_REF4 || form == WB_FORM_REF8;
}

static bool is_of_interest(unsigned name)
{
	switch (name) {
	case WB_AT_NAME: case WB_AT_LINKAGE_NAME: case WB_AT_MIPS_LINKAGE_NAME: case WB_AT_LOW_PC: case WB_AT_HIGH_PC: case WB_AT_RANGES:
	case WB_AT_ENTRY_PC: case WB_AT_ABSTRACT_ORIGIN: case WB_AT_SPECIFICATION: case WB_AT_CALL_FILE: case WB_AT_CALL_LINE:
	case WB_AT_CALL_COLUMN: return true;
	default: return false;
	}
}

static enum wb_err add_skip(struct wb_plans *plans, struct wb_plan *plan, enum wb_plan_step step)
{
	if (!wb_mem_grow((void **)&plans->skips, &plans->skips_capacity, plans->num_skips, 1, sizeof *plans->skips))
		return WB_ERR_MEMORY;
	plans->skips[plans->num_skips++] = (struct wb_plan_skip){ (uint16_t)plan->fixed, (uint8_t)step };
	plan->num_skips++;
	plan->fixed = 0;
	return WB_OK;
}

/* Adds how one more value is stepped over. */
static enum wb_err add_value(struct wb_plans *plans, struct wb_plan *plan, const struct wb_abbrev_attr *attr)
{
	enum wb_plan_step step = WB_STEP_ULEB;
	unsigned size = size_of_form(&plans->unit, attr->form, &step);

	if (size == UNKNOWN)
		plan->is_unknown = true;
	if (size == UNKNOWN || size == VARIABLE || plan->sibling_back > UINT8_MAX - size)
		plan->sibling_size = 0;
	if (size == UNKNOWN)
		return WB_OK;
	if (size == VARIABLE)
		return add_skip(plans, plan, step);
	/* 64 KiB of fixed values: nobody's entry. */
	if (plan->fixed > UINT16_MAX - size)
		plan->is_unknown = true;
	else
		plan->fixed += size;
	if (attr->name == WB_AT_SIBLING && is_unit_reference(attr->form)) {
		plan->sibling_size = (uint8_t)size;
		plan->sibling_back = 0;
	}
	if (plan->sibling_size > 0)
		plan->sibling_back = (uint8_t)(plan->sibling_back + size);
	return WB_OK;
}

static enum wb_err make_plan(struct wb_plans *plans, const struct wb_abbrev *decl, struct wb_plan *plan)
{
	bool is_declaration = false;

	*plan = (struct wb_plan){ .first_skip = (uint32_t)plans->num_skips, .has_children = decl->has_children };
	plan->kind = decl->tag == WB_TAG_SUBPROGRAM ? WB_PLAN_FUNCTION : decl->tag == WB_TAG_INLINED_SUBROUTINE ? WB_PLAN_CALL : WB_PLAN_OTHER;
	for (uint32_t i = 0; i < decl->num_attrs; i++) {
		const struct wb_abbrev_attr *attr = &plans->abbrevs.attrs[decl->first_attr + i];
		enum wb_err err = add_value(plans, plan, attr);

		if (err)
			return err;
		is_declaration |= attr->name == WB_AT_DECLARATION;
		plan->has_code |= attr->name == WB_AT_LOW_PC || attr->name == WB_AT_RANGES;
		if (is_of_interest(attr->name))
			plan->attrs = i + 1;
	}
	plan->effect = (uint8_t)wb_scope_effect_of(decl->tag, is_declaration);
	return WB_OK;
}

static uint64_t place_of(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit)
{
	return sections->by_id[WB_DWARF_ABBREV].offset + unit->abbrev_offset;
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
	wb_mem_free(plans->skips);
	wb_mem_free(plans);
}

size_t wb_plans_bytes(const struct wb_plans *plans)
{
	const struct wb_abbrevs *abbrevs = &plans->abbrevs;

	return sizeof *plans + abbrevs->num_decls * sizeof *plans->plans + plans->skips_capacity * sizeof *plans->skips +
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
	const struct wb_plan_skip *skip = &plans->skips[plan->first_skip];

	if (plan->is_unknown)
		return false;
	for (uint32_t i = 0; i < plan->num_skips; i++, skip++) {
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
		}
	}
	wb_bytes_skip(b, plan->fixed);
	return true;
}

uint64_t wb_plan_sibling(const struct wb_plan *plan, const struct wb_bytes *b)
{
	struct wb_bytes value = wb_bytes_of(b->at - plan->sibling_back, plan->sibling_size, b->big_endian);

	return wb_bytes_uint(&value, plan->sibling_size);
}
