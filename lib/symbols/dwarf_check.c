/* SPDX-License-Identifier: MIT */
/* The framing of a unit: DWARF 5, 2.3 and 7.5.3. */
#include "symbols/dwarf_check.h"

#include "base/mem.h"
#include "symbols/dwarf_scope.h"

enum {
	DEPTH_MAX = 1024,             /* entries in entries; deeply nested templates and blocks reach about 50 */
	ATTRS_PER_BYTE = 8,           /* attributes of a unit per byte: some take none, but no entry has only such */
	ATTRS_MIN = 1024,
};
static const uint32_t NO_OWNER = UINT32_MAX;

struct checker {
	const struct wb_dwarf_sections *sections;
	const struct wb_unit_header *unit;
	struct wb_abbrevs abbrevs;
	struct wb_bytes b;
	uint64_t *bits;
	uint64_t attrs_left;          /* how many attributes may still come */
	struct wb_unit_code_list *code; /* NULL: not wanted */
	size_t depth;                 /* open entries */
	uint64_t siblings[DEPTH_MAX]; /* of the open entries: where their next sibling has to start; 0: not said */
	uint32_t owners[DEPTH_MAX];   /* of the open entries: which function or call what is in them belongs to */
	uint8_t scopes[DEPTH_MAX];    /* of the open entries: enum wb_scope of what is in them */
	bool is_c;
};

static enum wb_err complain(const struct checker *checker, enum wb_err err, uint64_t offset, const char *what)
{
	return wb_diag_report(checker->sections->diags, err, err == WB_ERR_UNSUPPORTED ? WB_DIAG_DWARF_UNSUPPORTED : WB_DIAG_DWARF_MALFORMED,
	                      checker->sections->path, ".debug_info", offset, "%s", what);
}

/* What the values of an entry tell about it. */
struct facts {
	uint64_t sibling;             /* offset into .debug_info; 0: not said */
	uint64_t language;            /* 0: not said */
	bool has_code;                /* it says where its code is */
	bool is_declaration;
};

static enum wb_err check_values(struct checker *checker, const struct wb_abbrev *abbrev, struct facts *facts)
{
	*facts = (struct facts){ 0 };
	if (abbrev->num_attrs > checker->attrs_left)
		return WB_ERR_DATA;
	checker->attrs_left -= abbrev->num_attrs;
	for (uint32_t i = 0; i < abbrev->num_attrs; i++) {
		const struct wb_abbrev_attr *attr = &checker->abbrevs.attrs[abbrev->first_attr + i];
		struct wb_form_value value;

		if (!wb_abbrev_read(&checker->b, checker->unit, &checker->abbrevs, attr, &value))
			return WB_ERR_UNSUPPORTED;
		if (attr->name == WB_AT_SIBLING)
			facts->sibling = value.value + (value.class == WB_FORM_CLASS_REF ? checker->unit->offset : 0);
		if (attr->name == WB_AT_LANGUAGE)
			facts->language = value.value;
		facts->is_declaration |= attr->name == WB_AT_DECLARATION;
		facts->has_code |= attr->name == WB_AT_LOW_PC || attr->name == WB_AT_RANGES;
	}
	return wb_bytes_failed(&checker->b) ? WB_ERR_DATA : WB_OK;
}

static enum wb_scope scope_of(const struct checker *checker)
{
	return checker->depth > 0 ? (enum wb_scope)checker->scopes[checker->depth - 1] : WB_SCOPE_OUTER;
}

/* Lists the entry if it has code; *ret_owner: whose the calls in it are. */
static enum wb_err note_code(struct checker *checker, const struct wb_abbrev *abbrev, uint64_t at, bool has_code, uint32_t *ret_owner)
{
	uint32_t owner = checker->depth > 0 ? checker->owners[checker->depth - 1] : NO_OWNER;
	bool is_function = abbrev->tag == WB_TAG_SUBPROGRAM, is_call = abbrev->tag == WB_TAG_INLINED_SUBROUTINE;
	struct wb_unit_code_list *code = checker->code;

	*ret_owner = is_function ? NO_OWNER : owner;
	if (!code || scope_of(checker) == WB_SCOPE_CLOSED || !(is_function ? has_code : is_call && owner != NO_OWNER))
		return WB_OK;
	if (code->count == code->capacity && !wb_mem_grow((void **)&code->items, &code->capacity, code->count, 1, sizeof *code->items))
		return WB_ERR_MEMORY;
	*ret_owner = (uint32_t)code->count;
	code->items[code->count++] = (struct wb_unit_code){ (uint32_t)(at - checker->unit->offset), is_call ? owner : UINT32_MAX };
	return WB_OK;
}

static enum wb_err open_entry(struct checker *checker, const struct wb_abbrev *abbrev, uint64_t at, const struct facts *facts, uint32_t owner)
{
	enum wb_scope scope = scope_of(checker);

	if (checker->depth == DEPTH_MAX)
		return complain(checker, WB_ERR_DATA, at, "entries are nested too deeply");
	if (checker->depth == 0)
		checker->is_c = wb_language_is_c(facts->language);
	checker->scopes[checker->depth] =
		(uint8_t)wb_scope_inside(scope, wb_scope_effect_of(abbrev->tag, facts->is_declaration), checker->is_c);
	checker->siblings[checker->depth] = facts->sibling;
	checker->owners[checker->depth++] = owner;
	return WB_OK;
}

static enum wb_err check_entry(struct checker *checker, uint64_t code, uint64_t at)
{
	const struct wb_abbrev *abbrev = wb_abbrevs_find(&checker->abbrevs, code);
	struct facts facts;
	uint32_t owner;
	enum wb_err err;

	if (!abbrev)
		return complain(checker, WB_ERR_DATA, at, "entry of an abbreviation that is not declared");
	err = check_values(checker, abbrev, &facts);
	if (err == WB_ERR_UNSUPPORTED)
		return complain(checker, err, at, "attribute of a form that is not known");
	if (err)
		return complain(checker, err, at, "entry goes past the end of its unit");
	checker->bits[(at - checker->unit->offset) / 64] |= UINT64_C(1) << (at - checker->unit->offset) % 64;
	err = note_code(checker, abbrev, at, facts.has_code, &owner);
	if (err)
		return err;
	if (abbrev->has_children)
		return open_entry(checker, abbrev, at, &facts, owner);
	if (facts.sibling && facts.sibling != wb_bytes_offset(&checker->b))
		return complain(checker, WB_ERR_DATA, at, "wrong sibling");
	return WB_OK;
}

static enum wb_err close_entry(struct checker *checker, uint64_t at)
{
	uint64_t sibling = checker->siblings[--checker->depth];

	/* The root's sibling would be the next unit; nothing follows it here. */
	if (checker->depth > 0 && sibling && sibling != wb_bytes_offset(&checker->b))
		return complain(checker, WB_ERR_DATA, at, "wrong sibling");
	return WB_OK;
}

static enum wb_err check_entries(struct checker *checker)
{
	do { /* an entry takes a byte at least */
		uint64_t at = wb_bytes_offset(&checker->b), code = wb_bytes_uleb(&checker->b);
		enum wb_err err;

		if (wb_bytes_failed(&checker->b) || (code == 0 && checker->depth == 0))
			return complain(checker, WB_ERR_DATA, at, "unit ends inside its entries");
		err = code ? check_entry(checker, code, at) : close_entry(checker, at);
		if (err)
			return err;
	} while (checker->depth > 0);
	return WB_OK;
}

enum wb_err wb_unit_check(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, struct wb_unit_entries *ret_entries,
                          struct wb_unit_code_list *ret_code)
{
	struct checker checker = { .sections = sections, .unit = unit, .b = wb_dwarf_bytes(sections, WB_DWARF_INFO), .code = ret_code };
	enum wb_err err;

	if (unit->size > UINT32_MAX)
		return complain(&checker, WB_ERR_UNSUPPORTED, unit->offset, "unit of more than 4 GiB");
	checker.attrs_left = unit->size * ATTRS_PER_BYTE + ATTRS_MIN;
	checker.b.end = checker.b.start + unit->offset + unit->size;
	wb_bytes_seek(&checker.b, unit->offset + unit->die_offset);
	checker.bits = wb_mem_zalloc((size_t)(unit->size / 64) + 1, sizeof *checker.bits);
	if (!checker.bits)
		return WB_ERR_MEMORY;
	err = wb_abbrevs_init(&checker.abbrevs, sections, unit->abbrev_offset);
	if (err == WB_ERR_DATA)
		wb_diag_report(sections->diags, err, WB_DIAG_DWARF_MALFORMED, sections->path, ".debug_abbrev", unit->abbrev_offset,
		               "malformed table of abbreviations");
	if (!err)
		err = check_entries(&checker);
	wb_abbrevs_deinit(&checker.abbrevs);
	if (err) {
		wb_mem_free(checker.bits);
		return err;
	}
	*ret_entries = (struct wb_unit_entries){ checker.bits, unit->size };
	return WB_OK;
}

void wb_unit_code_list_deinit(struct wb_unit_code_list *list)
{
	wb_mem_free(list->items);
	*list = (struct wb_unit_code_list){ 0 };
}

void wb_unit_entries_deinit(struct wb_unit_entries *entries)
{
	wb_mem_free(entries->bits);
	*entries = (struct wb_unit_entries){ 0 };
}
