/* SPDX-License-Identifier: MIT */
/*
 * Where in a unit's tree functions with code are looked for. Both compilers follow this, so that the fast one can leave out most of a unit:
 * call sites, declarations, and in C and C++ the types outside of functions, which is two thirds of the entries of a C++ program. Their
 * compilers put the code of a method next to its class, but for classes that are inside a function. Those of Rust and others do not.
 */
#ifndef SYMBOLS_DWARF_SCOPE_H
#define SYMBOLS_DWARF_SCOPE_H

#include "symbols/dwarf_constants.h"

#include <stdbool.h>
#include <stdint.h>

enum wb_scope {
	WB_SCOPE_OUTER,               /* in no function */
	WB_SCOPE_FUNCTION,            /* in a function, with or without code */
	WB_SCOPE_CLOSED,              /* nothing in here counts */
};

/* What an entry does to the scope of its children. */
enum wb_scope_effect { WB_SCOPE_KEEPS, WB_SCOPE_ENTERS_FUNCTION, WB_SCOPE_CLOSES, WB_SCOPE_CLOSES_OUTER_C };

/* tag: UINT16_MAX for larger ones; is_declaration: the entry has DW_AT_declaration. */
static inline enum wb_scope_effect wb_scope_effect_of(uint16_t tag, bool is_declaration)
{
	switch (tag) {
	case WB_TAG_SUBPROGRAM: return is_declaration ? WB_SCOPE_CLOSES : WB_SCOPE_ENTERS_FUNCTION;
	case WB_TAG_CALL_SITE:
	case WB_TAG_GNU_CALL_SITE:
	case WB_TAG_ARRAY_TYPE:
	case WB_TAG_SUBROUTINE_TYPE: return WB_SCOPE_CLOSES;
	case WB_TAG_CLASS_TYPE:
	case WB_TAG_ENUMERATION_TYPE:
	case WB_TAG_STRUCTURE_TYPE:
	case WB_TAG_UNION_TYPE: return WB_SCOPE_CLOSES_OUTER_C;
	default: return WB_SCOPE_KEEPS;
	}
}

static inline enum wb_scope wb_scope_inside(enum wb_scope scope, enum wb_scope_effect effect, bool is_c)
{
	switch (effect) {
	case WB_SCOPE_KEEPS: return scope;
	case WB_SCOPE_ENTERS_FUNCTION: return scope == WB_SCOPE_CLOSED ? scope : WB_SCOPE_FUNCTION;
	case WB_SCOPE_CLOSES: return WB_SCOPE_CLOSED;
	case WB_SCOPE_CLOSES_OUTER_C: break;
	}
	return is_c && scope == WB_SCOPE_OUTER ? WB_SCOPE_CLOSED : scope;
}

/* C by DW_AT_language: its functions have no other names than the source's. */
static inline bool wb_language_is_plain(uint64_t language)
{
	return language == WB_LANG_C89 || language == WB_LANG_C || language == WB_LANG_C99 || language == WB_LANG_C11 || language == WB_LANG_C17 ||
	       language == WB_LANG_C23;
}

/* C, C++ and Objective-C by DW_AT_language; units that do not say are searched whole. */
static inline bool wb_language_is_c(uint64_t language)
{
	switch (language) {
	case WB_LANG_C89: case WB_LANG_C: case WB_LANG_C99: case WB_LANG_C11: case WB_LANG_C17: case WB_LANG_C23:
	case WB_LANG_CXX: case WB_LANG_CXX_03: case WB_LANG_CXX_11: case WB_LANG_CXX_14: case WB_LANG_CXX_17: case WB_LANG_CXX_20:
	case WB_LANG_CXX_23: case WB_LANG_OBJC: case WB_LANG_OBJCXX: return true;
	default: return false;
	}
}

#endif
