/* SPDX-License-Identifier: MIT */
/*
 * Abbreviations compiled to plans: what an entry is to a compiler of functions, and how its values are stepped over without looking at
 * them. Units that share a table of abbreviations share its plans.
 */
#ifndef SYMBOLS_DWARF_PLAN_H
#define SYMBOLS_DWARF_PLAN_H

#include "base/lock.h"
#include "symbols/dwarf_scope.h"
#include "symbols/dwarf_unit.h"

enum wb_plan_step { /* what follows a step's fixed bytes */
	WB_STEP_ULEB,
	WB_STEP_BLOCK_ULEB, WB_STEP_BLOCK1, WB_STEP_BLOCK2, WB_STEP_BLOCK4,
	WB_STEP_STRING,
	WB_STEP_INDIRECT,
	WB_STEP_NONE,                 /* nothing: its size is fixed */
};
struct wb_plan_skip {
	uint16_t fixed;               /* bytes to go before it */
	uint8_t step;                 /* enum wb_plan_step */
};

/* The values that compilers of functions look at. */
enum wb_plan_slot {
	WB_PLAN_NAME, WB_PLAN_LINKAGE, WB_PLAN_LOW, WB_PLAN_HIGH, WB_PLAN_ENTRY, WB_PLAN_RANGES, WB_PLAN_ORIGIN, WB_PLAN_SPECIFICATION,
	WB_PLAN_CALL_FILE, WB_PLAN_CALL_LINE, WB_PLAN_CALL_COLUMN, WB_PLAN_SLOTS,
};
struct wb_plan_values { struct wb_form_value of[WB_PLAN_SLOTS]; }; /* of class NONE: not there. Negative counts and offsets are 0 */
struct wb_plan_read {
	uint16_t fixed;               /* bytes to go before it */
	uint16_t form;
	uint8_t slot;                 /* enum wb_plan_slot */
	uint8_t size;                 /* 0, 1, 2, 4 or 8; WB_PLAN_BY_FORM */
	uint8_t class;                /* enum wb_form_class, if the size is fixed */
	int64_t implicit;             /* the value, if the size is 0 */
};
enum { WB_PLAN_BY_FORM = 255 };

enum wb_plan_kind { WB_PLAN_OTHER, WB_PLAN_FUNCTION, WB_PLAN_CALL };
struct wb_plan {
	uint32_t first_skip, num_skips;
	uint32_t first_read, num_reads; /* of functions and calls; what is not looked at is among them as WB_PLAN_SLOTS, if its size is not fixed */
	uint16_t fixed;               /* bytes behind the last skip: all of the values if there is none */
	uint16_t read_fixed;          /* bytes behind the last read */
	uint8_t kind;                 /* enum wb_plan_kind */
	uint8_t effect;               /* enum wb_scope_effect */
	uint8_t sibling_size;         /* of DW_AT_sibling's value, if that is an offset in the unit; 0: none, or not found from the end */
	uint8_t sibling_back;         /* where it starts, counted from the end of the values */
	bool has_children;
	bool has_code;                /* DW_AT_low_pc or DW_AT_ranges */
	bool is_unknown;              /* has a form that is not known */
	bool is_fixed;                /* all reads are of fixed size */
};

struct wb_session;

struct wb_plans {
	struct wb_unit_header unit;   /* one of those that they are for */
	uint64_t place;               /* of their abbreviations in the whole section */
	struct wb_abbrevs abbrevs;
	struct wb_plan *plans;        /* of the declarations, in their order */
	/* By code, if declarations are dense: bytes of an entry that is neither function nor call, that nothing is in, and whose values are of fixed size; 0 for
	 * others. Most of a unit are such entries, so that stepping over them waits for nothing but this. */
	uint16_t *strides;
	size_t num_strides;
	struct wb_plan_skip *skips;
	size_t num_skips, skips_capacity;
	struct wb_plan_read *reads;
	size_t num_reads, reads_capacity;
	struct wb_plans *next;        /* for the cache that holds them */
};

/* The plans for a unit. *bytes grows by those of the table that were looked at, also on failure. WB_ERR_DATA: the table is malformed. */
enum wb_err wb_plans_new(const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit, uint64_t *bytes,
                         struct wb_plans **ret_plans);
void wb_plans_free(struct wb_plans *plans);
size_t wb_plans_bytes(const struct wb_plans *plans);

/* ---- Kept, for the units of one image ------------------------------------------------------------------------------------ */

enum { WB_PLAN_BUCKETS = 1 << 10 };
struct wb_plan_cache {
	struct wb_session *session;   /* what is kept is charged to it; may be NULL */
	struct wb_lock lock;
	struct wb_plans *buckets[WB_PLAN_BUCKETS]; /* by their place in .debug_abbrev; guarded by lock, as is what follows */
	uint64_t budget;              /* bytes of tables that may still be read */
	size_t charged;
};
/* sections: the whole ones, of which those of units are slices. */
void wb_plan_cache_init(struct wb_plan_cache *cache, struct wb_session *session, const struct wb_dwarf_sections *sections);
void wb_plan_cache_deinit(struct wb_plan_cache *cache);
/* The plans for a unit, made on first need; live as long as the cache. sections: as the unit sees them. Any thread. WB_ERR_DATA and WB_ERR_LIMIT were reported. */
enum wb_err wb_plan_cache_get(struct wb_plan_cache *cache, const struct wb_dwarf_sections *sections, const struct wb_unit_header *unit,
                              const struct wb_plans **ret_plans);

/* ---- Used ------------------------------------------------------------------------------------------------------------------- */

/* NULL: not declared. */
static inline const struct wb_plan *wb_plans_find(const struct wb_plans *plans, uint64_t code)
{
	const struct wb_abbrev *decl;

	if (plans->abbrevs.is_dense)
		return code - 1 < plans->abbrevs.num_decls ? &plans->plans[code - 1] : NULL;
	decl = wb_abbrevs_find(&plans->abbrevs, code);
	return decl ? &plans->plans[decl - plans->abbrevs.decls] : NULL;
}
static inline const struct wb_abbrev *wb_plans_decl(const struct wb_plans *plans, const struct wb_plan *plan)
{
	return &plans->abbrevs.decls[plan - plans->plans];
}

/* Moves b over the values of an entry. It fails if they do not fit. False: a form that is not known came up. */
bool wb_plan_skip_long(const struct wb_plans *plans, const struct wb_plan *plan, struct wb_bytes *b);
static inline bool wb_plan_skip(const struct wb_plans *plans, const struct wb_plan *plan, struct wb_bytes *b)
{
	if (plan->num_skips > 0 || plan->is_unknown)
		return wb_plan_skip_long(plans, plan, b);
	wb_bytes_skip(b, plan->fixed);
	return true;
}
/* Reads the values of an entry, and moves b over them. It fails if they do not fit. False: a form that is not known came up. */
bool wb_plan_read(const struct wb_plans *plans, const struct wb_plan *plan, struct wb_bytes *b, struct wb_plan_values *ret_values);
/* How many values there are to go through. */
static inline uint64_t wb_plan_cost(const struct wb_plans *plans, const struct wb_plan *plan)
{
	return wb_plans_decl(plans, plan)->num_attrs;
}
/* Where the entry's sibling starts, as its values say, which b is behind of: an offset from the unit's header. */
uint64_t wb_plan_sibling(const struct wb_plan *plan, const struct wb_bytes *b);

#endif
