/* SPDX-License-Identifier: MIT */
/*
 * The only includer of libdwarf. Each unit is handed over alone, as a .debug_info of one unit: other units' damage cannot reach it, nothing
 * is searched through a list of all units, and everything is freed with the handle. libdwarf decodes the entries that have code: strings,
 * addresses, constants; range lists and references are read by our own code, where libdwarf's versions differ or lack checks.
 *
 * With dwarf_set_de_alloc_flag(0) libdwarf keeps no list of its allocations (which costs a third of the time), so every object is given
 * back here. The flag is the process's: other users of libdwarf in the process have to do the same.
 */
#include "symbols/dwarf_reference.h"

#include "base/lock.h"
#include "base/mem.h"
#include "symbols/dwarf_constants.h"
#include "symbols/dwarf_files.h"
#include "symbols/dwarf_shim.h"

#include <string.h>

enum {
	HANDLES_MAX = 64,             /* units open at a time; link-time optimization makes units refer to many others */
	ORIGINS_MAX = 16,             /* abstract origins and specifications in a row, as other readers allow; real chains have 3 */
};

struct handle {
	struct wb_shim_object object;
	Dwarf_Debug debug;            /* NULL: free */
	struct wb_unit_source source; /* its unit */
};

struct reference {
	const struct wb_unit_source *source; /* the unit that is compiled */
	const struct wb_dwarf_sections *sections; /* as it sees them */
	struct wb_functions_builder *builder;
	struct handle *handles[HANDLES_MAX]; /* [0]: the unit itself; the others come and go */
	unsigned next_handle;
	struct wb_ranges ranges;      /* of the entry at hand */
	uint64_t ranges_budget;
	struct known_name { struct wb_dwarf *dwarf; uint64_t offset; uint32_t name; } *names; /* by origin: open addressing, a power of two */
	size_t names_capacity, num_names;
};

/* ---- Handles ---------------------------------------------------------------------------------------------------------- */

/* libdwarf fills tables of its own when a handle comes or goes. */
static struct wb_lock libdwarf_lock = { PTHREAD_MUTEX_INITIALIZER };

static void add_piece(struct wb_shim_object *object, const char *name, const uint8_t *bytes, uint64_t size)
{
	if (size > 0)
		object->pieces[object->num_pieces++] = (struct wb_shim_piece){ name, bytes, size };
}

static void add_section(struct wb_shim_object *object, const struct wb_dwarf_sections *sections, enum wb_dwarf_section section)
{
	add_piece(object, wb_dwarf_section_name(section), sections->by_id[section].bytes, sections->by_id[section].size);
}

static void forget_error(Dwarf_Debug debug, Dwarf_Error error)
{
	if (error)
		dwarf_dealloc_error(debug, error);
}

/* The unit's header has to be read before its entries can be. */
static bool read_header(Dwarf_Debug debug)
{
	Dwarf_Unsigned length, type_offset, next;
	Dwarf_Half version, address_size, offset_size, extension_size, unit_type;
	Dwarf_Off abbrev_offset;
	Dwarf_Sig8 signature;
	Dwarf_Error error = NULL;
	int res = dwarf_next_cu_header_d(debug, 1, &length, &version, &abbrev_offset, &address_size, &offset_size, &extension_size, &signature,
	                                 &type_offset, &next, &unit_type, &error);

	forget_error(debug, error);
	return res == DW_DLV_OK;
}

static void close_handle(struct handle *handle)
{
	if (!handle || !handle->debug)
		return;
	wb_lock_take(&libdwarf_lock);
	wb_shim_finish(handle->debug);
	wb_lock_give(&libdwarf_lock);
	handle->debug = NULL;
}

/* Whether libdwarf knows how large all values of the unit are; what DW_FORM_indirect leads to is seen too late. */
static bool knows_forms(const struct handle *handle)
{
	const struct wb_plans *plans;

	if (WB_SHIM_KNOWS_3_BYTES || wb_dwarf_plans(&handle->source, &plans) != WB_OK)
		return true;
	for (size_t i = 0; i < plans->abbrevs.num_attrs; i++) {
		unsigned form = plans->abbrevs.attrs[i].form;

		if (form == WB_FORM_STRX3 || form == WB_FORM_ADDRX3 || form == WB_FORM_INDIRECT)
			return false;
	}
	return true;
}

/* handle->source is set. */
static enum wb_err open_handle(struct handle *handle)
{
	const struct wb_dwarf_sections *sections = &handle->source.sections;
	const struct wb_unit_header *header = handle->source.header;
	struct wb_shim_object *object = &handle->object;
	Dwarf_Error error = NULL;
	int res;

	if (!knows_forms(handle))
		return WB_ERR_DATA;
	object->num_pieces = 0;
	object->big_endian = sections->big_endian;
	object->address_size = header->address_size;
	object->pieces[object->num_pieces++] = (struct wb_shim_piece){ "", NULL, 0 };
	add_piece(object, ".debug_info", sections->by_id[WB_DWARF_INFO].bytes + header->offset, header->size);
	add_section(object, sections, WB_DWARF_ABBREV);
	add_section(object, sections, WB_DWARF_STR);
	add_section(object, sections, WB_DWARF_LINE_STR);
	add_section(object, sections, WB_DWARF_STR_OFFSETS);
	add_section(object, sections, WB_DWARF_ADDR);
	wb_lock_take(&libdwarf_lock);
	dwarf_set_de_alloc_flag(0);
	res = wb_shim_init(object, &handle->debug, &error);
	wb_lock_give(&libdwarf_lock);
	if (res == DW_DLV_OK && read_header(handle->debug))
		return WB_OK;
	if (res == DW_DLV_OK)
		close_handle(handle);
	else
		forget_error(NULL, error);
	handle->debug = NULL;
	return WB_ERR_DATA;
}

static bool is_of(const struct handle *handle, const struct wb_dwarf *dwarf, size_t unit)
{
	return handle && handle->debug && handle->source.dwarf == dwarf && handle->source.unit == unit;
}

/* An open handle of a unit, which was checked. It stays open until HANDLES_MAX others were asked for. */
static enum wb_err handle_of(struct reference *reference, struct wb_dwarf *dwarf, size_t unit, struct handle **ret_handle)
{
	struct handle **place;
	enum wb_err err;

	for (unsigned i = 0; i < HANDLES_MAX; i++)
		if (is_of(reference->handles[i], dwarf, unit)) {
			*ret_handle = reference->handles[i];
			return WB_OK;
		}
	place = &reference->handles[reference->next_handle];
	reference->next_handle = reference->next_handle % (HANDLES_MAX - 1) + 1;
	if (!*place)
		*place = wb_mem_zalloc(1, sizeof **place);
	if (!*place)
		return WB_ERR_MEMORY;
	close_handle(*place);
	err = wb_unit_source_init(&(*place)->source, dwarf, unit);
	if (!err)
		err = open_handle(*place);
	if (!err)
		*ret_handle = *place;
	return err;
}

/* ---- Attributes ------------------------------------------------------------------------------------------------------------ */

struct attrs {
	struct wb_form_value ranges;
	uint64_t low, high, entry;    /* entry: from the first range if it is an offset */
	struct wb_entry_place origin; /* dwarf NULL: none */
	struct wb_entry_place specification;
	uint64_t call_file, call_line, call_column;
	struct wb_function_name name;
	bool has_low, has_high, high_is_offset, has_entry, entry_is_offset, has_ranges;
};

struct entry {
	const struct wb_unit_source *source; /* its unit */
	Dwarf_Debug debug;
	Dwarf_Die die;
};

static bool form_is_address(Dwarf_Half form)
{
	return form == WB_FORM_ADDR || form == WB_FORM_ADDRX || (form >= WB_FORM_ADDRX1 && form <= WB_FORM_ADDRX4) ||
	       form == WB_FORM_GNU_ADDR_INDEX;
}

static bool form_is_string_index(Dwarf_Half form)
{
	return form == WB_FORM_STRX || (form >= WB_FORM_STRX1 && form <= WB_FORM_STRX4) || form == WB_FORM_GNU_STR_INDEX;
}

/* libdwarf also takes indexes of lists for numbers. */
static bool form_is_constant(Dwarf_Half form)
{
	return form == WB_FORM_DATA1 || form == WB_FORM_DATA2 || form == WB_FORM_DATA4 || form == WB_FORM_DATA8 || form == WB_FORM_SDATA ||
	       form == WB_FORM_UDATA || form == WB_FORM_IMPLICIT_CONST;
}

/* The value as our own reader sees it, at the place where libdwarf found it. */
static struct wb_form_value read_raw(const struct entry *entry, Dwarf_Attribute attr, Dwarf_Half form)
{
	const struct wb_unit_header *unit = entry->source->header;
	struct wb_bytes b = wb_dwarf_bytes(&entry->source->sections, WB_DWARF_INFO);
	struct wb_form_value value = { WB_FORM_CLASS_NONE, 0 };
	Dwarf_Error error = NULL;
	Dwarf_Off offset = 0;
	int res = dwarf_attr_offset(entry->die, attr, &offset, &error);

	forget_error(entry->debug, error);
	b.end = b.start + unit->offset + unit->size;
	if (res != DW_DLV_OK || !wb_bytes_seek(&b, unit->offset + offset) || !wb_form_read(&b, unit, form, 0, &value) || wb_bytes_failed(&b))
		return (struct wb_form_value){ WB_FORM_CLASS_NONE, 0 };
	return value;
}

/* Half of what a split unit refers to is in other files and, in packages, in slices: libdwarf's versions know some of that each. */
static bool is_split(const struct entry *entry)
{
	return entry->source->sections.by_id[WB_DWARF_INFO].file >= WB_DWARF_FILE_PACKAGE;
}

static bool read_address(const struct entry *entry, Dwarf_Attribute attr, Dwarf_Half form, uint64_t *ret_value)
{
	const struct wb_unit_source *source = entry->source;
	Dwarf_Error error = NULL;
	Dwarf_Addr value;
	int res;

	if (is_split(entry) && form != WB_FORM_ADDR) {
		struct wb_form_value raw = read_raw(entry, attr, form);

		return wb_unit_address(&source->sections, source->header, &source->root, &raw, ret_value);
	}
	/* Without a base, libdwarf makes one up. */
	if (form != WB_FORM_ADDR && source->root.addr_base == UINT64_MAX)
		return false;
	res = dwarf_formaddr(attr, &value, &error);
	forget_error(entry->debug, error);
	if (res == DW_DLV_OK)
		*ret_value = value;
	return res == DW_DLV_OK;
}

/* 0, if it is none or negative: it counts something. */
static uint64_t read_constant(const struct entry *entry, Dwarf_Attribute attr, Dwarf_Half form)
{
	Dwarf_Error error = NULL;
	Dwarf_Unsigned value = 0;
	Dwarf_Signed signed_value = 0;

	if (!form_is_constant(form))
		return 0;
	if (dwarf_formudata(attr, &value, &error) == DW_DLV_OK)
		return value;
	forget_error(entry->debug, error);
	error = NULL;
	if (dwarf_formsdata(attr, &signed_value, &error) != DW_DLV_OK)
		signed_value = 0;
	forget_error(entry->debug, error);
	return signed_value > 0 ? (uint64_t)signed_value : 0;
}

/* An address, or how far behind another one. */
static bool read_address_or_offset(const struct entry *entry, Dwarf_Attribute attr, Dwarf_Half form, uint64_t *ret_value, bool *ret_is_offset)
{
	*ret_is_offset = form_is_constant(form);
	if (!*ret_is_offset)
		return form_is_address(form) && read_address(entry, attr, form, ret_value);
	*ret_value = read_constant(entry, attr, form);
	return true;
}

static uint64_t read_string(const struct entry *entry, Dwarf_Attribute attr, Dwarf_Half form)
{
	const struct wb_unit_source *source = entry->source;
	Dwarf_Error error = NULL;
	char *text = NULL;
	int res;

	/* For the supplementary file's, libdwarf makes up a text ("<DW_FORM_GNU_strp_alt-no-tied-file>"), and for offsets whose base is not told, and
	 * that have no header, a base. */
	if (is_split(entry) || form == WB_FORM_GNU_STRP_ALT || form == WB_FORM_STRP_SUP ||
	    (form_is_string_index(form) && !source->root.has_str_offsets_base)) {
		struct wb_form_value raw = read_raw(entry, attr, form);

		return wb_ref_of_value(&source->sections, source->header, &source->root, &raw);
	}
	res = dwarf_formstring(attr, &text, &error);
	forget_error(entry->debug, error);
	return res == DW_DLV_OK ? wb_ref_of(&source->sections, text) : WB_REF_NONE;
}

static struct wb_entry_place read_reference(const struct entry *entry, Dwarf_Attribute attr, Dwarf_Half form)
{
	const struct wb_unit_source *source = entry->source;
	struct wb_form_value value = read_raw(entry, attr, form);
	struct wb_entry_place place = { 0 };

	if (wb_unit_resolve(source, &value, &place) != WB_OK && value.class == WB_FORM_CLASS_REF_ALT)
		wb_diag_report(source->sections.diags, WB_OK, WB_DIAG_DWARF_UNSUPPORTED, source->sections.path, ".debug_info", source->header->offset,
		               "names are in a supplementary file that is not had");
	return place;
}

static void take_attr(const struct entry *entry, Dwarf_Attribute attr, struct attrs *attrs)
{
	Dwarf_Error error = NULL;
	Dwarf_Half name, form;

	if (dwarf_whatattr(attr, &name, &error) != DW_DLV_OK || dwarf_whatform(attr, &form, &error) != DW_DLV_OK) {
		forget_error(entry->debug, error);
		return;
	}
	switch (name) {
	case WB_AT_NAME: attrs->name.name = read_string(entry, attr, form); break;
	case WB_AT_LINKAGE_NAME:
	case WB_AT_MIPS_LINKAGE_NAME: attrs->name.linkage = read_string(entry, attr, form); break;
	case WB_AT_LOW_PC: attrs->has_low = form_is_address(form) && read_address(entry, attr, form, &attrs->low); break;
	case WB_AT_HIGH_PC:
		attrs->has_high = read_address_or_offset(entry, attr, form, &attrs->high, &attrs->high_is_offset);
		break;
	case WB_AT_ENTRY_PC:
		attrs->has_entry = read_address_or_offset(entry, attr, form, &attrs->entry, &attrs->entry_is_offset);
		break;
	case WB_AT_RANGES:
		attrs->ranges = read_raw(entry, attr, form);
		attrs->has_ranges = attrs->ranges.class == WB_FORM_CLASS_OFFSET || attrs->ranges.class == WB_FORM_CLASS_CONSTANT ||
		                    attrs->ranges.class == WB_FORM_CLASS_LIST_INDEX;
		break;
	case WB_AT_ABSTRACT_ORIGIN: attrs->origin = read_reference(entry, attr, form); break;
	case WB_AT_SPECIFICATION: attrs->specification = read_reference(entry, attr, form); break;
	case WB_AT_CALL_FILE: attrs->call_file = read_constant(entry, attr, form); break;
	case WB_AT_CALL_LINE: attrs->call_line = read_constant(entry, attr, form); break;
	case WB_AT_CALL_COLUMN: attrs->call_column = read_constant(entry, attr, form); break;
	default: break;
	}
}

static enum wb_err read_attrs(const struct entry *entry, struct attrs *ret_attrs)
{
	struct attrs attrs = { .name = { WB_REF_NONE, WB_REF_NONE } };
	Dwarf_Attribute *list = NULL;
	Dwarf_Error error = NULL;
	Dwarf_Signed count = 0;
	int res = dwarf_attrlist(entry->die, &list, &count, &error);

	forget_error(entry->debug, error);
	if (res == DW_DLV_ERROR)
		return WB_ERR_DATA;
	for (Dwarf_Signed i = 0; res == DW_DLV_OK && i < count; i++) {
		take_attr(entry, list[i], &attrs);
		dwarf_dealloc_attribute(list[i]);
	}
	if (res == DW_DLV_OK)
		dwarf_dealloc(entry->debug, list, DW_DLA_LIST);
	*ret_attrs = attrs;
	return WB_OK;
}

/* ---- Names -------------------------------------------------------------------------------------------------------------------- */

/* The attributes of the entry that a reference names. WB_NONE: there is no entry there, or its unit is damaged. */
static enum wb_err read_origin(struct reference *reference, const struct wb_entry_place *place, struct attrs *ret_attrs)
{
	const struct wb_unit_entries *entries;
	struct entry entry = { 0 };
	struct handle *handle;
	Dwarf_Error error = NULL;
	uint64_t offset = place->offset - wb_dwarf_unit(place->dwarf, place->unit)->header.offset;
	enum wb_err err = wb_dwarf_entries(place->dwarf, place->unit, &entries);
	int res;

	if (err == WB_ERR_MEMORY)
		return err;
	if (err || !wb_unit_entries_has(entries, offset))
		return WB_NONE;
	err = handle_of(reference, place->dwarf, place->unit, &handle);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	entry.source = &handle->source;
	entry.debug = handle->debug;
	res = dwarf_offdie_b(entry.debug, offset, 1, &entry.die, &error);
	forget_error(entry.debug, error);
	if (res != DW_DLV_OK)
		return WB_NONE;
	err = read_attrs(&entry, ret_attrs);
	dwarf_dealloc_die(entry.die);
	return err;
}

static const struct wb_entry_place *next_origin(const struct attrs *attrs)
{
	return attrs->origin.dwarf ? &attrs->origin : attrs->specification.dwarf ? &attrs->specification : NULL;
}

/* Follows origins and specifications for what is missing yet; the nearest name counts (DWARF 5, 2.13.2 and 3.3.8.2). */
static enum wb_err follow_origins(struct reference *reference, const struct attrs *start, struct wb_function_name *ret_name)
{
	struct wb_function_name name = start->name;
	struct attrs attrs = *start;

	for (unsigned i = 0; i < ORIGINS_MAX && next_origin(&attrs) && (name.name == WB_REF_NONE || name.linkage == WB_REF_NONE); i++) {
		struct wb_entry_place place = *next_origin(&attrs);
		enum wb_err err = read_origin(reference, &place, &attrs);

		if (err == WB_NONE)
			break;
		if (err)
			return err;
		if (name.name == WB_REF_NONE)
			name.name = attrs.name.name;
		if (name.linkage == WB_REF_NONE)
			name.linkage = attrs.name.linkage;
	}
	*ret_name = name;
	return WB_OK;
}

static size_t name_place(const struct reference *reference, const struct wb_entry_place *place)
{
	uint64_t hash = (place->offset + (uintptr_t)place->dwarf) * UINT64_C(0x9e3779b97f4a7c15);
	size_t mask = reference->names_capacity - 1, at = (size_t)(hash >> 32) & mask;

	while (reference->names[at].dwarf && (reference->names[at].offset != place->offset || reference->names[at].dwarf != place->dwarf))
		at = (at + 1) & mask;
	return at;
}

static bool grow_names(struct reference *reference)
{
	struct reference larger = { .names_capacity = reference->names_capacity ? reference->names_capacity * 2 : 256 };

	if (reference->num_names < reference->names_capacity / 4 * 3)
		return true;
	larger.names = wb_mem_zalloc(larger.names_capacity, sizeof *larger.names);
	if (!larger.names)
		return false;
	for (size_t i = 0; i < reference->names_capacity; i++) {
		const struct known_name *known = &reference->names[i];
		struct wb_entry_place place = { .dwarf = known->dwarf, .offset = known->offset };

		if (known->dwarf)
			larger.names[name_place(&larger, &place)] = *known;
	}
	wb_mem_free(reference->names);
	reference->names = larger.names;
	reference->names_capacity = larger.names_capacity;
	return true;
}

/* The index of an entry's name. Many inlined calls share an origin, which is followed once. */
static enum wb_err name_of(struct reference *reference, const struct attrs *attrs, uint32_t *ret_name)
{
	bool is_shared = attrs->origin.dwarf && attrs->name.name == WB_REF_NONE && attrs->name.linkage == WB_REF_NONE;
	struct wb_function_name name;
	enum wb_err err;
	size_t at = 0;

	if (is_shared) {
		if (!grow_names(reference))
			return WB_ERR_MEMORY;
		at = name_place(reference, &attrs->origin);
		if (reference->names[at].dwarf) {
			*ret_name = reference->names[at].name;
			return WB_OK;
		}
	}
	err = follow_origins(reference, attrs, &name);
	if (err)
		return err;
	*ret_name = WB_NODE_NONE;
	if (name.name != WB_REF_NONE || name.linkage != WB_REF_NONE)
		err = wb_functions_add_name(reference->builder, name.name, name.linkage, ret_name);
	if (!err && is_shared) {
		reference->names[at] = (struct known_name){ attrs->origin.dwarf, attrs->origin.offset, *ret_name };
		reference->num_names++;
	}
	return err;
}

/* ---- Entries -------------------------------------------------------------------------------------------------------------------- */

/* Damaged lists count as empty: the entry stays without code. */
static enum wb_err read_ranges(struct reference *reference, const struct attrs *attrs)
{
	const struct wb_unit_source *source = reference->source;
	struct wb_ranges *ranges = &reference->ranges;
	uint64_t base = wb_ranges_base(reference->sections, source->header, &source->root), high;
	enum wb_err err;

	ranges->count = 0;
	if (attrs->has_ranges) {
		err = wb_ranges_read(ranges, reference->sections, source->header, &source->root, &attrs->ranges, base, &reference->ranges_budget);
		return err == WB_ERR_DATA ? WB_OK : err;
	}
	if (!attrs->has_low || !attrs->has_high)
		return WB_OK;
	high = attrs->high_is_offset ? attrs->low + attrs->high : attrs->high;
	if (attrs->low >= high)
		return WB_OK;
	if (!wb_mem_grow((void **)&ranges->items, &ranges->capacity, 0, 1, sizeof *ranges->items))
		return WB_ERR_MEMORY;
	ranges->items[ranges->count++] = (struct wb_range){ attrs->low, high };
	return WB_OK;
}

static uint32_t limited(uint64_t value, uint32_t most)
{
	return value <= most ? (uint32_t)value : 0;
}

static enum wb_err add_function(struct reference *reference, const struct entry *entry, uint64_t place, uint32_t *ret_node)
{
	struct wb_function function = { .place = place };
	struct attrs attrs;
	uint32_t name;
	enum wb_err err = read_attrs(entry, &attrs);

	*ret_node = WB_NODE_NONE;
	if (!err)
		err = read_ranges(reference, &attrs);
	if (err || reference->ranges.count == 0)
		return err;
	err = name_of(reference, &attrs, &name);
	if (err)
		return err;
	/* DWARF 5, 2.18: an offset counts from the low pc, or from the start of the first range. */
	function.entry = attrs.has_low ? attrs.low : attrs.has_entry ? attrs.entry : UINT64_MAX;
	if (!attrs.has_low && attrs.has_entry && attrs.entry_is_offset)
		function.entry += reference->ranges.items[0].start;
	return wb_functions_add_function(reference->builder, name, &function, &reference->ranges, ret_node);
}

static enum wb_err add_call(struct reference *reference, const struct entry *entry, uint32_t parent, uint32_t *ret_node)
{
	struct wb_node node = { .parent = parent };
	struct attrs attrs;
	enum wb_err err = read_attrs(entry, &attrs);

	if (!err)
		err = read_ranges(reference, &attrs);
	if (!err)
		err = name_of(reference, &attrs, &node.name);
	if (err)
		return err;
	node.call_file = limited(attrs.call_file, WB_LINES_FILE_MAX);
	node.call_line = limited(attrs.call_line, WB_LINES_LINE_MAX);
	node.call_column = limited(attrs.call_column, WB_LINES_COLUMN_MAX);
	return wb_functions_add_call(reference->builder, &node, &reference->ranges, ret_node);
}

/* libdwarf could walk the entries itself, but goes through all of an entry's children to find its sibling, at every level anew. */
static enum wb_err visit(struct reference *reference, struct entry *entry, const struct wb_unit_code *code, const uint32_t *nodes, uint32_t *ret_node)
{
	uint32_t parent = code->parent == UINT32_MAX ? WB_NODE_NONE : nodes[code->parent];
	Dwarf_Error error = NULL;
	enum wb_err err = WB_OK;

	*ret_node = WB_NODE_NONE;
	if (code->parent != UINT32_MAX && parent == WB_NODE_NONE)
		return WB_OK; /* in a function that was discarded */
	if (dwarf_offdie_b(entry->debug, code->offset, 1, &entry->die, &error) != DW_DLV_OK) {
		forget_error(entry->debug, error);
		return WB_ERR_DATA;
	}
	if (code->parent == UINT32_MAX)
		err = add_function(reference, entry, code->offset, ret_node);
	else
		err = add_call(reference, entry, parent, ret_node);
	dwarf_dealloc_die(entry->die);
	return err;
}

static enum wb_err visit_all(struct reference *reference, Dwarf_Debug debug, const struct wb_unit_code_list *code)
{
	uint32_t *nodes = wb_mem_zalloc(code->count, sizeof *nodes);
	struct entry entry = { reference->source, debug, NULL };
	enum wb_err err = nodes ? WB_OK : WB_ERR_MEMORY;

	for (size_t i = 0; !err && i < code->count; i++)
		err = visit(reference, &entry, &code->items[i], nodes, &nodes[i]);
	wb_mem_free(nodes);
	return err;
}

static void reference_free(struct reference *reference)
{
	for (unsigned i = 0; i < HANDLES_MAX; i++) {
		close_handle(reference->handles[i]);
		wb_mem_free(reference->handles[i]);
	}
	wb_ranges_deinit(&reference->ranges);
	wb_mem_free(reference->names);
	wb_mem_free(reference);
}

enum wb_err wb_reference_functions(const struct wb_unit_source *source, const struct wb_unit_code_list *code,
                                   struct wb_functions_builder *builder)
{
	struct reference *reference = wb_mem_zalloc(1, sizeof *reference);
	struct handle *handle;
	enum wb_err err;

	if (!reference)
		return WB_ERR_MEMORY;
	reference->source = source;
	reference->sections = &source->sections;
	reference->builder = builder;
	reference->ranges_budget = wb_ranges_budget(reference->sections);
	err = handle_of(reference, source->dwarf, source->unit, &handle);
	if (!err)
		err = visit_all(reference, handle->debug, code);
	if (err == WB_ERR_LIMIT)
		wb_diag_report(reference->sections->diags, err, WB_DIAG_DWARF_MALFORMED, reference->sections->path, ".debug_info", source->header->offset,
		               "unit's range lists are too long");
	/* Its framing is sound: what libdwarf does not like is something that it does not know. */
	if (err == WB_ERR_DATA)
		err = wb_diag_report(reference->sections->diags, WB_ERR_UNSUPPORTED, WB_DIAG_DWARF_UNSUPPORTED, reference->sections->path,
		                     ".debug_info", source->header->offset, "unit is not understood by libdwarf");
	reference_free(reference);
	return err;
}
