/* SPDX-License-Identifier: MIT */
/* The framing of a unit: DWARF 5, 2.3 and 7.5.3. */
#include "symbols/dwarf_check.h"

#include "base/mem.h"
#include "symbols/dwarf_constants.h"

enum { DEPTH_MAX = 1024 };            /* entries in entries; deeply nested templates and blocks reach about 50 */

struct checker {
	const struct wb_dwarf_sections *sections;
	const struct wb_unit_header *unit;
	struct wb_abbrevs abbrevs;
	struct wb_bytes b;
	uint64_t *bits;
	uint64_t siblings[DEPTH_MAX]; /* of the open entries: where their next sibling has to start; 0: not said */
	size_t depth;                 /* open entries */
};

static enum wb_err complain(const struct checker *checker, enum wb_err err, uint64_t offset, const char *what)
{
	return wb_diag_report(checker->sections->diags, err, err == WB_ERR_UNSUPPORTED ? WB_DIAG_DWARF_UNSUPPORTED : WB_DIAG_DWARF_MALFORMED,
	                      checker->sections->path, ".debug_info", offset, "%s", what);
}

/* The values of an entry; *ret_sibling is its DW_AT_sibling as an offset into .debug_info, or 0. */
static enum wb_err check_values(struct checker *checker, const struct wb_abbrev *abbrev, uint64_t *ret_sibling)
{
	*ret_sibling = 0;
	for (uint32_t i = 0; i < abbrev->num_attrs; i++) {
		const struct wb_abbrev_attr *attr = &checker->abbrevs.attrs[abbrev->first_attr + i];
		struct wb_form_value value;

		if (!wb_abbrev_read(&checker->b, checker->unit, &checker->abbrevs, attr, &value))
			return WB_ERR_UNSUPPORTED;
		if (attr->name == WB_AT_SIBLING && value.class == WB_FORM_CLASS_REF)
			*ret_sibling = checker->unit->offset + value.value;
		else if (attr->name == WB_AT_SIBLING)
			*ret_sibling = value.value;
	}
	return wb_bytes_failed(&checker->b) ? WB_ERR_DATA : WB_OK;
}

static enum wb_err check_entry(struct checker *checker, uint64_t code, uint64_t at)
{
	const struct wb_abbrev *abbrev = wb_abbrevs_find(&checker->abbrevs, code);
	uint64_t sibling;
	enum wb_err err;

	if (!abbrev)
		return complain(checker, WB_ERR_DATA, at, "entry of an abbreviation that is not declared");
	err = check_values(checker, abbrev, &sibling);
	if (err == WB_ERR_UNSUPPORTED)
		return complain(checker, err, at, "attribute of a form that is not known");
	if (err)
		return complain(checker, err, at, "entry goes past the end of its unit");
	checker->bits[(at - checker->unit->offset) / 64] |= UINT64_C(1) << (at - checker->unit->offset) % 64;
	if (!abbrev->has_children)
		return sibling && sibling != wb_bytes_offset(&checker->b) ? complain(checker, WB_ERR_DATA, at, "wrong sibling") : WB_OK;
	if (checker->depth == DEPTH_MAX)
		return complain(checker, WB_ERR_DATA, at, "entries are nested too deeply");
	checker->siblings[checker->depth++] = sibling;
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

enum wb_err wb_unit_check(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, struct wb_unit_entries *ret_entries)
{
	struct checker checker = { .sections = sections, .unit = unit, .b = wb_dwarf_bytes(sections, WB_DWARF_INFO) };
	enum wb_err err;

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

void wb_unit_entries_deinit(struct wb_unit_entries *entries)
{
	wb_mem_free(entries->bits);
	*entries = (struct wb_unit_entries){ 0 };
}
