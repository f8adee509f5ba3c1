/* SPDX-License-Identifier: MIT */
/* From type to type until one says its size. */
#include "symbols/dwarf_type.h"

enum {
	STEPS_MAX = 32,               /* types of types in a row: typedefs of const pointers to ...; real chains have some ten, and damaged ones are circles */
	DIMENSIONS_MAX = 32,          /* of an array; Fortran allows 15 */
};

static bool is_count(const struct wb_entry_value *value)
{
	return value->value.class == WB_FORM_CLASS_CONSTANT;
}

/* The first index of arrays that do not say theirs (table 7.17). */
static uint64_t first_index(unsigned language)
{
	switch (language) {
	case WB_LANG_ADA83: case WB_LANG_ADA95: case WB_LANG_ADA2005: case WB_LANG_ADA2012:
	case WB_LANG_COBOL74: case WB_LANG_COBOL85:
	case WB_LANG_FORTRAN77: case WB_LANG_FORTRAN90: case WB_LANG_FORTRAN95: case WB_LANG_FORTRAN03: case WB_LANG_FORTRAN08: case WB_LANG_FORTRAN18:
	case WB_LANG_JULIA: case WB_LANG_MODULA2: case WB_LANG_MODULA3: case WB_LANG_PASCAL83: case WB_LANG_PLI: return 1;
	default: return 0;
	}
}

/* The elements along one dimension (5.13). False: not fixed. */
static bool count_of(const struct wb_entry *range, unsigned language, uint64_t *ret_count)
{
	const struct wb_entry_value *lower = &range->of[WB_ENTRY_LOWER_BOUND], *upper = &range->of[WB_ENTRY_UPPER_BOUND];
	bool has_lower = lower->value.class != WB_FORM_CLASS_NONE;

	if (is_count(&range->of[WB_ENTRY_COUNT]))
		*ret_count = range->of[WB_ENTRY_COUNT].value.value;
	else if (is_count(upper) && (is_count(lower) || !has_lower))
		*ret_count = upper->value.value - (has_lower ? lower->value.value : first_index(language)) + 1;
	else
		return false;
	*ret_count = *ret_count <= INT64_MAX ? *ret_count : 0; /* the last index can be below the first: none */
	return true;
}

/* All elements of an array, whose entry was read last. */
static bool count_elements(struct wb_entry_reader *reader, unsigned language, uint64_t *attrs_left, uint64_t *ret_count)
{
	struct wb_entry range;
	uint64_t count;

	*ret_count = 1;
	for (unsigned i = 0; i < DIMENSIONS_MAX; i++) {
		if (wb_entry_reader_next(reader, attrs_left, &range) != WB_OK)
			return i > 0;
		if (range.tag != WB_TAG_SUBRANGE_TYPE || range.has_children || !count_of(&range, language, &count) ||
		    __builtin_mul_overflow(*ret_count, count, ret_count))
			return false;
	}
	return false;
}

/* Whether a type has the size of the one that it refers to. */
static bool is_transparent(uint16_t tag)
{
	switch (tag) {
	case WB_TAG_ENUMERATION_TYPE:
	case WB_TAG_TYPEDEF:
	case WB_TAG_CONST_TYPE:
	case WB_TAG_VOLATILE_TYPE:
	case WB_TAG_RESTRICT_TYPE:
	case WB_TAG_ATOMIC_TYPE:
	case WB_TAG_IMMUTABLE_TYPE:
	case WB_TAG_SUBRANGE_TYPE: return true;
	default: return false;
	}
}

static bool is_pointer(uint16_t tag)
{
	return tag == WB_TAG_POINTER_TYPE || tag == WB_TAG_REFERENCE_TYPE || tag == WB_TAG_RVALUE_REFERENCE_TYPE;
}

enum wb_err wb_type_size(struct wb_entry_reader *reader, const struct wb_unit_source *source, unsigned language, const struct wb_form_value *type,
                         uint64_t *attrs_left, uint64_t *ret_size)
{
	struct wb_form_value next = *type;
	uint64_t elements = 1, size = 0;

	*ret_size = 0;
	for (unsigned i = 0; i < STEPS_MAX && !size; i++) {
		struct wb_entry_place place;
		struct wb_entry entry;
		uint64_t count = 1;
		enum wb_err err = wb_unit_resolve(i ? &reader->source : source, &next, &place);

		if (!err)
			err = wb_entry_reader_at(reader, &place, attrs_left, &entry);
		if (err)
			return err == WB_ERR_MEMORY ? err : WB_OK;
		if (is_count(&entry.of[WB_ENTRY_BYTE_SIZE]))
			size = entry.of[WB_ENTRY_BYTE_SIZE].value.value;
		else if (is_pointer(entry.tag))
			size = reader->source.header->address_size;
		else if (entry.tag == WB_TAG_ARRAY_TYPE ? !entry.has_children || !count_elements(reader, language, attrs_left, &count) : !is_transparent(entry.tag))
			return WB_OK;
		if (__builtin_mul_overflow(elements, count, &elements))
			return WB_OK;
		next = entry.of[WB_ENTRY_TYPE].value;
	}
	if (!__builtin_mul_overflow(elements, size, &size))
		*ret_size = size;
	return WB_OK;
}
