/* SPDX-License-Identifier: MIT */
/*
 * The code strategy: the row that the function's own instructions tell, for what compilers and assemblers left without unwind information (_init and
 * _fini, crt files, linkage tables, hand-written assembly). For the instruction that runs, and for return addresses in functions whose start is known.
 * Rows depend on the image alone, but are checked as guesses are: a decoder that is fooled must not lead a walk astray.
 */
#include "base/bytes.h"
#include "base/mem.h"
#include "unwind/code_reader.h"
#include "unwind/function.h"
#include "unwind/strategy.h"

#include <string.h>

enum {
	WINDOW = 2048,                /* bytes of code looked at: what is without unwind information is short */
	LISTED = 32,                  /* constructors or destructors looked at */
	MEMO_ITEMS = 512,             /* a power of two: a program has some hundred places without unwind information that it often stands at */
	BEFORE = 256,                 /* of them before a pc whose function's start is unknown: paths may lead back to a return */
};

struct piece {
	uint64_t start, end;          /* image pcs */
	bool is_function;             /* start is a function's */
	bool is_entry;                /* and that is where processes start */
};

/* Sections that are one function each, put together by the linker; nobody gives them symbols after stripping. */
static bool is_function_section(const char *name)
{
	return !strcmp(name, ".init") || !strcmp(name, ".fini");
}

static enum wb_err find_in_object(struct wb_image *image, uint64_t image_pc, struct piece *ret)
{
	struct wb_object *object;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &object);

	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	for (size_t i = 0; i < object->num_sections; i++) {
		const struct wb_section *section = &object->sections[i];

		if (!(section->flags & WB_SECTION_EXEC) || image_pc - section->vaddr >= section->size)
			continue;
		*ret = (struct piece){ section->vaddr, section->vaddr + section->size, is_function_section(section->name), false };
		return WB_OK;
	}
	for (size_t i = 0; i < object->num_segments; i++) {
		const struct wb_segment *segment = &object->segments[i];

		if (!(segment->prot & WB_PROT_EXEC) || image_pc - segment->vaddr >= segment->filesz)
			continue;
		*ret = (struct piece){ segment->vaddr, segment->vaddr + segment->filesz, false, false };
		return WB_OK;
	}
	return WB_NONE;
}

/* Stripped files still say where their constructors and destructors start, crt's own among them: the last one that starts at or below image_pc. */
static void find_listed(struct wb_image *image, uint64_t image_pc, struct piece *piece)
{
	static const char *const lists[] = { ".init_array", ".fini_array" };
	struct wb_object *object;

	if (piece->is_function || wb_image_object(image, WB_FILE_EXECUTABLE, &object) || object->platform.big_endian)
		return;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		uint8_t words[LISTED * 8];
		size_t index;

		if (wb_object_find_section(object, lists[i], &index))
			continue;
		uint64_t size = object->sections[index].size < sizeof(words) ? object->sections[index].size : sizeof(words);

		if (wb_image_read(image, object->sections[index].vaddr, words, (size_t)size))
			continue;
		for (size_t at = 0; at + 8 <= size; at += 8) {
			uint64_t start = wb_load64(words + at, false);

			if (start < piece->start || start > image_pc || (piece->is_function && start == piece->start))
				continue;
			piece->start = start;
			piece->is_function = true;
		}
	}
}

/* The dynamic linker's own start has neither CFI nor, stripped, a symbol; but the file's header has its address. */
static void find_entry(struct wb_image *image, uint64_t image_pc, struct piece *piece)
{
	struct wb_object *object;

	if (wb_image_object(image, WB_FILE_EXECUTABLE, &object) || !object->entry || object->entry < piece->start || object->entry > image_pc)
		return;
	if (piece->is_function && object->entry != piece->start)
		return;
	piece->start = object->entry;
	piece->is_function = piece->is_entry = true;
}

/* The function that holds image_pc, else the section or segment. */
static enum wb_err find_piece(struct wb_image *image, const struct wb_arch_info *arch, uint64_t image_pc, struct piece *ret)
{
	struct wb_bound bound;
	enum wb_err err = wb_function_find(image, arch, image_pc, &bound);

	if (err == WB_ERR_MEMORY)
		return err;
	if (!err) {
		*ret = (struct piece){ bound.start, bound.end, true, false };
		find_entry(image, image_pc, ret);
		return WB_OK;
	}
	err = find_in_object(image, image_pc, ret);
	if (!err)
		find_listed(image, image_pc, ret);
	if (!err)
		find_entry(image, image_pc, ret);
	return err;
}

static enum wb_err follow(const struct wb_lookup *lookup, const struct wb_code_reader *code, const struct piece *piece, struct wb_code_row *ret)
{
	uint8_t bytes[WINDOW];
	uint64_t pc = lookup->image_pc, from = piece->start, size;
	bool has_start = piece->is_function && pc - piece->start < WINDOW;
	struct wb_code_window window = { .bytes = bytes, .start = has_start ? 0 : WB_START_UNKNOWN, .is_entry = piece->is_entry,
	                                 .exact = lookup->exact };
	enum wb_err err;

	if (!has_start && !lookup->exact)
		return WB_NONE;
	if (!has_start)
		from = pc - piece->start < BEFORE ? piece->start : pc - BEFORE;
	size = piece->end - from < WINDOW ? piece->end - from : WINDOW;
	err = wb_image_read(lookup->image, from, bytes, (size_t)size);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	window.size = window.end = (size_t)size;
	window.at = (size_t)(pc - from);
	return code->follow(lookup->arch, &window, ret);
}

/* ---- What was found out before ---- */

struct wb_code_memo {
	struct item {
		uint64_t image_id, image_pc; /* image_id 0: empty */
		enum wb_err err;
		bool exact;
		struct wb_code_row row;      /* if err is WB_OK */
	} items[MEMO_ITEMS];
};

struct wb_code_memo *wb_code_memo_new(void)
{
	return wb_mem_zalloc(1, sizeof(struct wb_code_memo));
}

void wb_code_memo_free(struct wb_code_memo *memo)
{
	wb_mem_free(memo);
}

void wb_code_memo_clear(struct wb_code_memo *memo)
{
	memset(memo, 0, sizeof(*memo));
}

static enum wb_err find_row(const struct wb_lookup *lookup, const struct wb_code_reader *code, struct wb_code_row *ret)
{
	struct piece piece;
	enum wb_err err = find_piece(lookup->image, lookup->arch, lookup->image_pc, &piece);

	return err ? err : follow(lookup, code, &piece, ret);
}

static enum wb_err find_row_once(const struct wb_lookup *lookup, const struct wb_code_reader *code, struct wb_code_row *ret)
{
	uint64_t id = wb_image_id(lookup->image), pc = lookup->image_pc;
	struct item *item = lookup->code_memo ? &lookup->code_memo->items[pc % MEMO_ITEMS] : NULL;
	enum wb_err err;

	if (item && item->image_id == id && item->image_pc == pc && item->exact == lookup->exact) {
		*ret = item->row;
		return item->err;
	}
	err = find_row(lookup, code, ret);
	if (item && err != WB_ERR_MEMORY)
		*item = (struct item){ id, pc, err, lookup->exact, err ? (struct wb_code_row){ .row = { 0 } } : *ret };
	return err;
}

enum wb_err wb_code_row_at(const struct wb_lookup *lookup, struct wb_code_row *ret)
{
	const struct wb_code_reader *code = wb_code_reader(lookup->arch->arch);

	return code && lookup->image ? find_row_once(lookup, code, ret) : WB_NONE;
}

/* ---- Return code of signals ---- */

static bool is_at(const struct wb_lookup *lookup, const struct wb_trampoline *trampoline, uint64_t start)
{
	uint8_t bytes[sizeof(trampoline->code)];

	return wb_space_read(lookup->space, start, bytes, trampoline->size) == WB_OK && !memcmp(bytes, trampoline->code, trampoline->size);
}

/* The frame of a signal: everything that was interrupted is in it. */
static enum wb_err find_trampoline(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	const struct wb_arch_info *arch = lookup->arch;
	const struct wb_trampoline *trampoline = arch->trampoline;
	struct wb_row_rule rules[WB_SLOTS_MAX];
	uint8_t count = 1;

	if (!is_at(lookup, trampoline, lookup->pc) && !(lookup->exact && is_at(lookup, trampoline, lookup->pc - trampoline->step)))
		return WB_NONE;
	for (uint8_t slot = 0; slot < trampoline->num_saved; slot++) {
		struct wb_row_rule rule = { .slot = slot, .kind = WB_RULE_DEREF, .base = arch->sp, .offset = trampoline->saved + slot * arch->word_size };

		if (slot != arch->sp) {
			rules[count++] = rule;
			continue;
		}
		/* The caller's stack pointer is the CFA. */
		rule.slot = WB_SLOT_CFA;
		rules[0] = rule;
	}
	ret_found->row = (struct wb_row){ .flags = WB_ROW_GENERAL | WB_ROW_SIGNAL, .how = WB_HOW_CODE };
	return wb_found_rules(ret_found, rules, count, lookup->image_pc);
}

enum wb_err wb_strat_code(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	struct wb_code_row row;
	enum wb_err err;

	if (lookup->arch->trampoline) {
		err = find_trampoline(lookup, ret_found);
		if (err != WB_NONE)
			return err;
	}
	err = wb_code_row_at(lookup, &row);
	if (err)
		return err;
	/* There is nothing to check where there is no caller. */
	if (!(row.row.flags & WB_ROW_ROOT))
		row.row.flags |= WB_ROW_GUESS;
	ret_found->row = row.row;
	return row.row.num_rules ? wb_found_rules(ret_found, row.rules, row.row.num_rules, lookup->image_pc) : WB_OK;
}
