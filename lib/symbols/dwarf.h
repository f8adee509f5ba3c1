/* SPDX-License-Identifier: MIT */
/*
 * The debug information of an image: its units, which of them may hold an address, and their compiled tables, made on first need and
 * dropped again when memory is short. Any thread.
 */
#ifndef SYMBOLS_DWARF_H
#define SYMBOLS_DWARF_H

#include "model/image.h"
#include "symbols/dwarf_check.h"
#include "symbols/dwarf_plan.h"
#include "symbols/dwarf_scan.h"
#include "symbols/dwarf_source.h"
#include "symbols/dwarf_units.h"
#include "symbols/functions.h"
#include "symbols/lines.h"

#include <stdatomic.h>

/* What a unit was compiled to. Immutable; counted, because a table in use may be dropped from the cache. */
struct wb_unit_table {
	atomic_uint references;
	struct wb_lines *lines;       /* NULL: none */
	struct wb_functions *functions; /* NULL: none, see functions_err */
	enum wb_err lines_err;        /* WB_NONE: the unit refers to no line table */
	bool names_are_plain;         /* no function has a mangled name, though debug information may not say so */
	bool lines_left_out;          /* nobody has asked for lines yet */
	enum wb_err functions_err;    /* WB_NONE: in a split file that is not had; WB_ERR_UNSUPPORTED: no compiler for it; WB_ERR_DATA */
	size_t bytes;                 /* of all this; grows under the lock of the table's slot */
	bool is_split;                /* functions are those of the split unit */
	struct wb_scan_budget budget; /* for the calls that were left out; under the same lock */
	_Atomic(struct wb_functions *) *calls; /* by function, on first need; NULL: all calls are among the functions */
};

struct wb_dwarf;

/* NULL diags are fine. sections and text are taken over (text's memory), what they point to is borrowed as long as the object lives.
 * session: may be NULL; what is kept is charged to it. */
enum wb_err wb_dwarf_new(struct wb_session *session, const struct wb_dwarf_sections *sections, struct wb_text *text, struct wb_dwarf **ret_dwarf);
void wb_dwarf_free(struct wb_dwarf *dwarf);
/* dwarf_image.c: the image's, made on first need; lives as long as the image. WB_NONE: it has no debug information. */
enum wb_err wb_dwarf_of_image(struct wb_image *image, struct wb_dwarf **ret_dwarf);

/* Many addresses of the image will be asked for: unpacks all that they may need, which is faster than bit by bit. If several threads will ask
 * (is_shared), the first of them unpacks .debug_info, and the others the rest. What fails here fails again where it is needed. */
void wb_dwarf_expect_many(struct wb_image *image, bool lines, bool is_shared);
/* Where in .debug_info the last unit begins that may hold an address; UINT64_MAX: none that is known. In this order addresses can be answered while
 * it is unpacked. */
uint64_t wb_dwarf_place(struct wb_dwarf *dwarf, uint64_t image_pc);

const struct wb_dwarf_sections *wb_dwarf_sections_of(const struct wb_dwarf *dwarf);
/* Lists all units of .debug_info, which is unpacked for it. Where there are none, lookups list line tables in their place. */
enum wb_err wb_dwarf_num_units(struct wb_dwarf *dwarf, size_t *ret_count);
/* One that was listed. */
const struct wb_unit *wb_dwarf_unit(const struct wb_dwarf *dwarf, size_t unit);
/* The unit that an offset into .debug_info is in; WB_NONE if none that is understood. */
enum wb_err wb_dwarf_unit_of_offset(struct wb_dwarf *dwarf, uint64_t offset, size_t *ret_unit);

/* A use of tables: when, not 0, larger is later; whether lines are wanted; and whether an address is also looked for in the line tables of units
 * that do not say where their code is. */
struct wb_dwarf_use { uint64_t stamp; bool lines, deep; };
/* A unit's table, compiled if need be; wb_unit_table_unref gives it back. Malformed units have a table too, with less in it. Without lines
 * wanted, there may be none. *ret_is_over is set if the session's budget does not have the bytes: drop others, then this one. */
enum wb_err wb_dwarf_table(struct wb_dwarf *dwarf, size_t unit, struct wb_dwarf_use use, struct wb_unit_table **ret_table, bool *ret_is_over);
void wb_unit_table_unref(struct wb_unit_table *table);
/* The innermost node at image_pc, in a unit's table, and what it is a node of; the calls of its function are compiled if need be. WB_NODE_NONE: no
 * function. *ret_is_over: as above. */
enum wb_err wb_dwarf_node(struct wb_dwarf *dwarf, size_t unit, struct wb_unit_table *table, uint64_t image_pc,
                          const struct wb_functions **ret_functions, uint32_t *ret_node, bool *ret_is_over);
/* The unit whose table was used least recently; false if no table is kept. */
bool wb_dwarf_oldest(struct wb_dwarf *dwarf, size_t *ret_unit, uint64_t *ret_stamp);
/* Drops a unit's table from the cache; those who hold it keep it. Returns the bytes that are no longer kept. */
uint64_t wb_dwarf_drop(struct wb_dwarf *dwarf, size_t unit);
/* The entries of a unit, checked on first need; live as long as dwarf. WB_ERR_DATA (damaged) and WB_ERR_UNSUPPORTED were reported. */
enum wb_err wb_dwarf_entries(struct wb_dwarf *dwarf, size_t unit, const struct wb_unit_entries **ret_entries);

/* The plans for a unit's entries, made on first need; live as long as its file. WB_ERR_DATA and WB_ERR_LIMIT were reported. */
enum wb_err wb_dwarf_plans(const struct wb_unit_source *source, const struct wb_plans **ret_plans);

/* ---- An address ----------------------------------------------------------------------------------------------------------- */

struct wb_dwarf_hit {
	struct wb_unit_table *table;  /* held until wb_dwarf_release */
	size_t unit;                  /* that the table is of */
	const struct wb_functions *functions; /* the table's, or of the calls in one of them: what node is in */
	uint32_t node;                /* innermost; WB_NODE_NONE: no function */
	bool has_line;                /* never, if none was wanted */
	bool is_over;                 /* see wb_dwarf_table */
	struct wb_line_hit line;
	enum wb_err functions_err, lines_err; /* of the table: why there may be neither */
};
/* The best that the units know about image_pc. WB_NONE: no unit covers it. */
enum wb_err wb_dwarf_find(struct wb_dwarf *dwarf, uint64_t image_pc, struct wb_dwarf_use use, struct wb_dwarf_hit *ret_hit);
void wb_dwarf_release(struct wb_dwarf_hit *hit);

#endif
