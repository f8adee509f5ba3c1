/* SPDX-License-Identifier: MIT */
/*
 * The Windows strategy: x86-64's exception data (.pdata, .xdata) as rows (Microsoft, "x64 exception handling"). A function's unwind codes undo its
 * prologue; those of the instructions that were not executed yet do not count. Epilogues have no codes: where the frame is exact, the instructions tell
 * whether it stands in one. A function without an entry is a leaf.
 */
#include "base/bytes.h"
#include "unwind/strategy.h"
#include "unwind/windows_epilogue.h"

#include <string.h>

enum {
	ENTRY_SIZE = 12,              /* RUNTIME_FUNCTION: begin, end, unwind information */
	CHAIN_MAX = 32,               /* chained information: writers make one or two */
	INFO_MAX = 4 + 2 * 256,       /* bytes of UNWIND_INFO and its codes, with what follows */
	FLAG_CHAIN = 4,
	RULES_MAX = 32,
	MACHINE_FRAME_SP = 24,        /* rip cs rflags rsp ss */
	CODE_SIZE = 64,               /* bytes of an epilogue: an addition, eight pops, a jump */
};

enum {
	UWOP_PUSH_NONVOL, UWOP_ALLOC_LARGE, UWOP_ALLOC_SMALL, UWOP_SET_FPREG, UWOP_SAVE_NONVOL, UWOP_SAVE_NONVOL_FAR, UWOP_EPILOG, UWOP_SPARE,
	UWOP_SAVE_XMM128, UWOP_SAVE_XMM128_FAR, UWOP_PUSH_MACHFRAME,
};

struct entry { uint32_t begin, end, info; };
struct table { const uint8_t *bytes; size_t size; };

/* A row in the making. Where the stack pointer was, as register + offset, as far as the codes led. */
struct unwind {
	const struct wb_arch_info *arch;
	struct wb_image *image;
	uint64_t base;                /* image pc of RVA 0 */
	uint8_t base_slot, frame_slot;
	int64_t at, frame;            /* offsets: of the stack pointer from base_slot, and of saved registers from frame_slot */
	struct wb_row_rule rules[RULES_MAX];
	uint8_t num_rules;
	bool is_machine_frame;
};

/* The number of a register in instructions and unwind codes is its slot's, in this order. */
static uint8_t slot_of(const struct unwind *u, unsigned number)
{
	/* DWARF numbers of rax rcx rdx rbx rsp rbp rsi rdi, then r8 to r15 as they are (AMD64 psABI, figure 3.36). */
	static const uint8_t dwarf[] = { 0, 2, 1, 3, 7, 6, 4, 5 };

	return wb_arch_slot(u->arch, number < 8 ? dwarf[number] : number);
}

/* ---- Finding the entry ---- */

/* The entry whose range holds rva; WB_NONE: a leaf. */
static enum wb_err find_entry(const struct table *table, uint32_t rva, struct entry *ret)
{
	size_t low = 0, high = table->size / ENTRY_SIZE;
	const uint8_t *raw;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (wb_load32(table->bytes + middle * ENTRY_SIZE, false) <= rva)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return WB_NONE;
	raw = table->bytes + (low - 1) * ENTRY_SIZE;
	*ret = (struct entry){ wb_load32(raw, false), wb_load32(raw + 4, false), wb_load32(raw + 8, false) };
	return rva < ret->end ? WB_OK : WB_NONE;
}

/* ---- Codes ---- */

static bool add_rule(struct unwind *u, struct wb_row_rule rule)
{
	if (u->num_rules == RULES_MAX)
		return false;
	u->rules[u->num_rules++] = rule;
	return true;
}

static bool is_offset(int64_t offset)
{
	return offset >= INT32_MIN && offset <= INT32_MAX;
}

/* A register saved at base + offset. */
static bool add_saved(struct unwind *u, uint8_t slot, uint8_t base, int64_t offset)
{
	if (slot == WB_SLOT_NONE)
		return true;
	return is_offset(offset) && add_rule(u, (struct wb_row_rule){ .slot = slot, .kind = WB_RULE_DEREF, .base = base, .offset = (int32_t)offset });
}

/* Slots of two bytes that an operation takes, its operands included; 0: unknown. */
static unsigned slots_of(unsigned operation, unsigned info)
{
	static const uint8_t slots[] = { 1, 2, 1, 1, 2, 3, 1, 3, 2, 3, 1 };

	if (operation >= sizeof(slots))
		return 0;
	return operation == UWOP_ALLOC_LARGE && info ? 3 : slots[operation];
}

/* Undoes one operation of the prologue. */
static bool undo(struct unwind *u, unsigned operation, unsigned info, const uint8_t *operands, const uint8_t header[4])
{
	unsigned frame_register = header[3] & 15;
	uint16_t near = operands ? wb_load16(operands, false) : 0;

	switch (operation) {
	case UWOP_PUSH_NONVOL:
		u->at += 8;
		return add_saved(u, slot_of(u, info), u->base_slot, u->at - 8);
	case UWOP_ALLOC_LARGE:
		u->at += info ? wb_load32(operands, false) : near * INT64_C(8);
		return true;
	case UWOP_ALLOC_SMALL:
		u->at += info * INT64_C(8) + 8;
		return true;
	case UWOP_SET_FPREG:
		u->base_slot = slot_of(u, frame_register);
		u->at = -(int64_t)(header[3] >> 4) * 16;
		return frame_register != 0;
	case UWOP_SAVE_NONVOL:
		return add_saved(u, slot_of(u, info), u->frame_slot, u->frame + near * INT64_C(8));
	case UWOP_SAVE_NONVOL_FAR:
		return add_saved(u, slot_of(u, info), u->frame_slot, u->frame + wb_load32(operands, false));
	case UWOP_SAVE_XMM128:
		return add_saved(u, wb_arch_slot(u->arch, 17 + info), u->frame_slot, u->frame + near * INT64_C(16));
	case UWOP_SAVE_XMM128_FAR:
		return add_saved(u, wb_arch_slot(u->arch, 17 + info), u->frame_slot, u->frame + wb_load32(operands, false));
	case UWOP_PUSH_MACHFRAME:
		u->at += info ? 8 : 0; /* an error code */
		u->is_machine_frame = true;
		return true;
	default: /* EPILOG of version 2, and what was never defined: nothing of the prologue's */
		return true;
	}
}

/* Registers are saved relative to the frame register once it is set, else to the stack pointer. */
static void set_frame(struct unwind *u, const uint8_t header[4], const uint8_t *codes, uint32_t executed)
{
	unsigned count = header[2];

	u->frame_slot = u->arch->sp;
	u->frame = 0;
	if (!(header[3] & 15))
		return;
	for (unsigned i = 0; i < count;) {
		unsigned operation = codes[2 * i + 1] & 15, slots = slots_of(operation, codes[2 * i + 1] >> 4);

		if (operation == UWOP_SET_FPREG && codes[2 * i] <= executed) {
			u->frame_slot = slot_of(u, header[3] & 15);
			u->frame = -(int64_t)(header[3] >> 4) * 16;
		}
		i += slots ? slots : count;
	}
}

/* Undoes the codes of one UNWIND_INFO whose instructions end at or before `executed`, an offset in the prologue. */
static bool undo_codes(struct unwind *u, const uint8_t header[4], const uint8_t *codes, uint32_t executed)
{
	unsigned count = header[2];

	set_frame(u, header, codes, executed);
	for (unsigned i = 0; i < count;) {
		unsigned operation = codes[2 * i + 1] & 15, info = codes[2 * i + 1] >> 4, slots = slots_of(operation, info);

		if (!slots || slots > count - i)
			return false;
		if (codes[2 * i] <= executed && !undo(u, operation, info, slots > 1 ? codes + 2 * i + 2 : NULL, header))
			return false;
		i += slots;
	}
	return true;
}

/* The unwind information of an entry, and what it is chained to. executed: how much of the prologue was. */
static enum wb_err undo_entry(struct unwind *u, struct entry entry, uint32_t executed)
{
	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		uint8_t info[INFO_MAX];
		size_t codes;

		if (wb_image_read(u->image, u->base + entry.info, info, 4) != WB_OK)
			return WB_ERR_DATA;
		codes = ((size_t)info[2] + 1) / 2 * 4;
		if ((info[0] & 7) != 1 && (info[0] & 7) != 2)
			return WB_ERR_DATA;
		if (codes && wb_image_read(u->image, u->base + entry.info + 4, info + 4, codes) != WB_OK)
			return WB_ERR_DATA;
		if (!undo_codes(u, info, info + 4, executed))
			return WB_ERR_DATA;
		if (!(info[0] >> 3 & FLAG_CHAIN) || u->is_machine_frame)
			return WB_OK;
		if (wb_image_read(u->image, u->base + entry.info + 4 + codes, info, ENTRY_SIZE) != WB_OK)
			return WB_ERR_DATA;
		entry = (struct entry){ wb_load32(info, false), wb_load32(info + 4, false), wb_load32(info + 8, false) };
		executed = UINT32_MAX; /* the other part's prologue is done */
	}
	return WB_ERR_DATA;
}

/* ---- Epilogues ---- */

/* Whether a jump goes to another function's start: into one, or to a part of this one, it leaves the frame as it is. */
static bool is_call(const struct unwind *u, const struct table *table, uint64_t target)
{
	struct entry entry;
	uint8_t header;

	if (target > UINT32_MAX || find_entry(table, (uint32_t)target, &entry) != WB_OK)
		return true;
	return target == entry.begin && wb_image_read(u->image, u->base + entry.info, &header, 1) == WB_OK && !(header >> 3 & FLAG_CHAIN);
}

/* Undoes what is left of an epilogue. False: the frame stands in none. */
static bool undo_epilogue(struct unwind *u, const struct wb_lookup *lookup, const struct table *table, const struct entry *entry, uint8_t frame_register)
{
	struct wb_windows_epilogue epilogue;
	uint8_t code[CODE_SIZE];
	size_t size = sizeof(code);

	while (size && wb_image_read(lookup->image, lookup->image_pc, code, size) != WB_OK)
		size--;
	if (!wb_windows_epilogue_read(code, size, lookup->image_pc - u->base, entry->begin, entry->end, frame_register, &epilogue) ||
	    (epilogue.jumps && !is_call(u, table, epilogue.target)))
		return false;
	if (epilogue.from_frame)
		u->base_slot = slot_of(u, frame_register);
	u->at = epilogue.offset;
	for (unsigned i = 0; i < epilogue.num_pops; i++, u->at += 8)
		if (!add_saved(u, slot_of(u, epilogue.pops[i]), u->base_slot, u->at))
			return false;
	return true;
}

/* ---- The row ---- */

static enum wb_err finish(struct unwind *u, const struct wb_lookup *lookup, struct wb_found *ret_found, uint8_t flags)
{
	const struct wb_arch_info *arch = u->arch;
	struct wb_row_rule rules[RULES_MAX + 2];
	int64_t cfa = u->at + (u->is_machine_frame ? MACHINE_FRAME_SP : arch->word_size);

	if (!is_offset(u->at) || !is_offset(cfa) || u->base_slot == WB_SLOT_NONE)
		return WB_ERR_DATA;
	rules[0] = (struct wb_row_rule){ .slot = WB_SLOT_CFA, .kind = u->is_machine_frame ? WB_RULE_DEREF : WB_RULE_OFFSET, .base = u->base_slot,
	                                 .offset = (int32_t)cfa };
	rules[1] = (struct wb_row_rule){ .slot = arch->pc, .kind = WB_RULE_DEREF, .base = u->base_slot, .offset = (int32_t)u->at };
	memcpy(rules + 2, u->rules, u->num_rules * sizeof(*rules));
	ret_found->row = (struct wb_row){ .flags = (uint8_t)(WB_ROW_GENERAL | flags | (u->is_machine_frame ? WB_ROW_SIGNAL : 0)), .how = WB_HOW_WINDOWS };
	return wb_found_rules(ret_found, rules, (uint8_t)(u->num_rules + 2), lookup->image_pc);
}

static enum wb_err by_entry(struct unwind *u, const struct wb_lookup *lookup, const struct table *table, const struct entry *entry,
                            struct wb_found *ret_found)
{
	uint32_t offset = (uint32_t)(lookup->image_pc - u->base) - entry->begin;
	uint8_t header[4];
	bool in_prologue;
	enum wb_err err;

	if (wb_image_read(lookup->image, u->base + entry->info, header, sizeof(header)) != WB_OK)
		return WB_ERR_DATA;
	/* A call in a prologue, of the stack probe, is not yet at the end of it either. */
	in_prologue = offset < header[1];
	if (lookup->exact && !in_prologue && undo_epilogue(u, lookup, table, entry, header[3] & 15))
		return finish(u, lookup, ret_found, 0);
	u->num_rules = 0;
	u->base_slot = u->arch->sp;
	u->at = 0;
	err = undo_entry(u, *entry, in_prologue ? offset + (lookup->exact ? 0 : 1) : UINT32_MAX);
	return err ? err : finish(u, lookup, ret_found, 0);
}

enum wb_err wb_strat_windows(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	struct unwind u = { .arch = lookup->arch, .image = lookup->image, .base_slot = lookup->arch->sp };
	struct wb_object *object;
	struct table table;
	struct entry entry;
	enum wb_err err;

	if (lookup->arch->arch != WB_ARCH_X86_64 || !lookup->image || wb_image_object(lookup->image, WB_FILE_EXECUTABLE, &object) != WB_OK ||
	    object->platform.os != WB_OS_WINDOWS)
		return WB_NONE;
	err = wb_image_section(lookup->image, object, ".pdata", &table.bytes, &table.size, NULL);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	u.base = wb_object_base(object);
	if (lookup->image_pc - u.base > UINT32_MAX)
		return WB_NONE;
	err = find_entry(&table, (uint32_t)(lookup->image_pc - u.base), &entry);
	if (!err)
		return by_entry(&u, lookup, &table, &entry, ret_found);
	/* A leaf changes neither the stack pointer nor registers that callers keep. Who called cannot be one. */
	return lookup->exact && wb_space_may_execute(lookup->space, lookup->pc) ? finish(&u, lookup, ret_found, WB_ROW_GUESS) : WB_NONE;
}
