/* SPDX-License-Identifier: MIT */
/*
 * The EHABI strategy: the exception index tables of 32-bit Arm ("Exception Handling ABI for the Arm Architecture", 5 to 7), which are what its code has in
 * place of call frame information. An entry describes the body of a function, where calls return to: for the instruction that runs it is a guess, which
 * the walk checks. "Cannot unwind" is also what compilers write of functions that they were not asked to describe, so it is no end of the stack.
 */
#include "unwind/ehabi.h"
#include "unwind/strategy.h"

enum {
	ENTRY_SIZE = 8,               /* where the function starts, what there is about it */
	CANNOT_UNWIND = 1,
	WORDS_MAX = 1 + 255,          /* of instructions: their number is a byte */
};

struct table {
	struct wb_image *image;
	uint64_t start, count;        /* image pc, entries */
	bool big_endian;
};

static enum wb_err read_words(const struct table *table, uint64_t address, uint32_t *words, size_t count)
{
	enum wb_err err = wb_image_read(table->image, address, words, count * sizeof(*words));

	for (size_t i = 0; !err && i < count; i++)
		words[i] = wb_load32((const uint8_t *)&words[i], table->big_endian);
	return err;
}

/* A place that is told by its distance from where that is written, in 31 bits. */
static uint64_t place(uint64_t at, uint32_t word)
{
	return (at + (uint64_t)(int64_t)((int32_t)(word << 1) >> 1)) & UINT32_MAX;
}

static enum wb_err find_table(const struct wb_lookup *lookup, struct table *table)
{
	struct wb_object *object;
	size_t index;
	enum wb_err err = wb_image_object(lookup->image, WB_FILE_EXECUTABLE, &object);

	if (!err)
		err = wb_object_find_section(object, ".ARM.exidx", &index);
	if (err)
		return err;
	*table = (struct table){ lookup->image, object->sections[index].vaddr, object->sections[index].size / ENTRY_SIZE, object->platform.big_endian };
	return WB_OK;
}

/* The last entry that starts at or before the pc: its place, and its function's. */
static enum wb_err find_entry(const struct table *table, uint64_t image_pc, uint64_t *ret_entry, uint64_t *ret_function)
{
	uint64_t low = 0, high = table->count, function = 0;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2, at = table->start + middle * ENTRY_SIZE, start;
		uint32_t word;
		enum wb_err err = read_words(table, at, &word, 1);

		if (err)
			return err;
		/* The lowest bit would say "Thumb". */
		start = place(at, word) & ~UINT64_C(1);
		if (start > image_pc) {
			high = middle;
			continue;
		}
		low = middle + 1;
		function = start;
	}
	if (!low)
		return WB_NONE;
	*ret_entry = table->start + (low - 1) * ENTRY_SIZE;
	*ret_function = function;
	return WB_OK;
}

/* Instructions of a word and of the words that follow it; `skip` bytes of the word are something else. */
static enum wb_err take_code(const struct table *table, uint64_t at, uint32_t word, unsigned num_more, unsigned skip, uint8_t *code, size_t *ret_size)
{
	uint32_t words[WORDS_MAX] = { word };
	size_t size = 0;
	enum wb_err err = num_more ? read_words(table, at, words + 1, num_more) : WB_OK;

	for (size_t i = 0; !err && i < (num_more + (size_t)1) * 4; i++)
		if (i >= skip)
			code[size++] = (uint8_t)(words[i / 4] >> (24 - i % 4 * 8));
	*ret_size = size;
	return err;
}

/* The instructions of an entry: within it, or behind what it points to, in the form of one of the ABI's three personality routines or behind another's
 * address. */
static enum wb_err find_code(const struct table *table, uint64_t entry, uint8_t *code, size_t *ret_size)
{
	uint64_t at = entry + 4;
	uint32_t word;
	enum wb_err err = read_words(table, at, &word, 1);

	if (!err && word == CANNOT_UNWIND)
		return WB_NONE;
	if (!err && !(word >> 31)) {
		at = place(at, word);
		err = read_words(table, at, &word, 1);
	} else if (!err && word >> 24 != 0x80) {
		return WB_ERR_DATA;
	}
	if (!err && !(word >> 31)) {
		at += 4;
		err = read_words(table, at, &word, 1);
		return err ? err : take_code(table, at + 4, word, word >> 24, 1, code, ret_size);
	}
	if (err)
		return err;
	switch (word >> 24 & 0x7f) {
	case 0: return take_code(table, at + 4, word, 0, 1, code, ret_size);
	case 1:
	case 2: return take_code(table, at + 4, word, word >> 16 & 0xff, 2, code, ret_size);
	default: return WB_ERR_DATA;
	}
}

enum wb_err wb_strat_ehabi(const struct wb_lookup *lookup, struct wb_found *ret_found)
{
	struct wb_row_rule rules[WB_EHABI_RULES_MAX];
	uint8_t code[WORDS_MAX * 4], count;
	uint64_t entry, function;
	const char *fault;
	struct table table;
	size_t size;
	enum wb_err err = lookup->image && lookup->arch->arch == WB_ARCH_ARM ? find_table(lookup, &table) : WB_NONE;

	if (!err)
		err = find_entry(&table, lookup->image_pc, &entry, &function);
	/* Where nothing is set up yet, the leaf strategy knows. */
	if (!err && lookup->exact && lookup->image_pc == function)
		err = WB_NONE;
	if (!err)
		err = find_code(&table, entry, code, &size);
	if (!err)
		err = wb_ehabi_rules(lookup->arch, code, size, rules, &count, &fault);
	if (err)
		return err;
	/* A call has overwritten the link register: a function that returns through it has made none. */
	if (!lookup->exact && rules[count - 1].kind == WB_RULE_REGISTER)
		return WB_NONE;
	ret_found->row = (struct wb_row){ .flags = (uint8_t)(WB_ROW_GENERAL | (lookup->exact ? WB_ROW_GUESS : 0)), .how = WB_HOW_EHABI };
	return wb_found_rules(ret_found, rules, count, lookup->image_pc);
}
