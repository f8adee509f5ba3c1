/* SPDX-License-Identifier: MIT */
/*
 * The function around a pc, as far as symbols, sections and the file's header tell it, and the row that its instructions give: from its start, or where that
 * is not known from the pc to its returns.
 */
#include "unwind/code_find.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "unwind/code_memo.h"
#include "unwind/function.h"

#include <string.h>

enum {
	LISTED = 32,                  /* constructors or destructors looked at */
	BEFORE = 256,                 /* of them before a pc whose function's start is unknown: paths may lead back to a return */
};

struct piece {
	uint64_t start, end;          /* image pcs */
	bool is_function;             /* start is a function's */
	bool is_entry;                /* and that is where processes start */
	bool is_linkage;              /* a linkage table */
};

static bool is_linkage_section(const char *name)
{
	return !strncmp(name, ".plt", 4) || !strcmp(name, ".iplt");
}

/* Sections that are one function each, put together by the linker; nobody gives them symbols after stripping. */
static bool is_function_section(const char *name)
{
	return !strcmp(name, ".init") || !strcmp(name, ".fini");
}

static struct piece piece_of_section(const struct wb_section *section, const struct wb_arch_info *arch)
{
	struct piece piece = { .start = section->vaddr, .end = section->vaddr + section->size, .is_function = is_function_section(section->name),
	                       .is_linkage = is_linkage_section(section->name) };

	/* The head of the table takes its place on the stack first, if calls do not. */
	piece.is_function |= piece.is_linkage && arch->leaf.ra_in_register;
	return piece;
}

static enum wb_err find_in_object(const struct wb_arch_info *arch, struct wb_image *image, uint64_t image_pc, struct piece *ret)
{
	struct wb_object *object;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &object);

	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	for (size_t i = 0; i < object->num_sections; i++) {
		const struct wb_section *section = &object->sections[i];

		if (!(section->flags & WB_SECTION_EXEC) || image_pc - section->vaddr >= section->size)
			continue;
		*ret = piece_of_section(section, arch);
		return WB_OK;
	}
	for (size_t i = 0; i < object->num_segments; i++) {
		const struct wb_segment *segment = &object->segments[i];

		if (!(segment->prot & WB_PROT_EXEC) || image_pc - segment->vaddr >= segment->filesz)
			continue;
		*ret = (struct piece){ .start = segment->vaddr, .end = segment->vaddr + segment->filesz };
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

/* The dynamic linker's own start has neither CFI nor, stripped, a symbol; but the file's header has its address. Where it has, it is known how far it
 * goes. */
static enum wb_err find_entry(const struct wb_arch_info *arch, struct wb_image *image, uint64_t image_pc, struct piece *piece)
{
	struct wb_object *object;
	struct wb_bound bound;
	enum wb_err err;

	if (wb_image_object(image, WB_FILE_EXECUTABLE, &object) || !object->entry || object->entry < piece->start || object->entry > image_pc)
		return WB_OK;
	if (piece->is_function && object->entry != piece->start)
		return WB_OK;
	err = wb_function_find(image, arch, object->entry, &bound);
	if (err == WB_ERR_MEMORY)
		return err;
	if (!err && image_pc >= bound.end)
		return WB_OK;
	piece->start = object->entry;
	piece->is_function = piece->is_entry = true;
	return WB_OK;
}

/* The function that holds image_pc, else the section or segment. */
static enum wb_err find_piece(const struct wb_arch_info *arch, struct wb_image *image, uint64_t image_pc, struct piece *ret)
{
	struct wb_bound bound;
	enum wb_err err = wb_function_find(image, arch, image_pc, &bound);

	if (err == WB_ERR_MEMORY)
		return err;
	if (!err) {
		*ret = (struct piece){ .start = bound.start, .end = bound.end, .is_function = true };
		return find_entry(arch, image, image_pc, ret);
	}
	err = find_in_object(arch, image, image_pc, ret);
	if (!err)
		find_listed(image, image_pc, ret);
	return err ? err : find_entry(arch, image, image_pc, ret);
}

static enum wb_err follow(const struct wb_lookup *lookup, const struct wb_code_reader *code, const struct piece *piece, uint8_t *bytes,
                          struct wb_code_row *ret)
{
	uint64_t pc = lookup->image_pc, from = piece->start, size;
	bool has_start = piece->is_function && pc - piece->start < WB_CODE_WINDOW_MAX;
	struct wb_code_window window = { .bytes = bytes, .start = has_start ? 0 : WB_START_UNKNOWN, .is_entry = piece->is_entry,
	                                 .exact = lookup->exact, .is_linkage = piece->is_linkage };
	enum wb_err err;

	if (!has_start && !lookup->exact)
		return WB_NONE;
	if (!has_start)
		from = pc - piece->start < BEFORE ? piece->start : pc - BEFORE;
	size = piece->end - from < WB_CODE_WINDOW_MAX ? piece->end - from : WB_CODE_WINDOW_MAX;
	err = wb_image_read(lookup->image, from, bytes, (size_t)size);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	window.size = window.end = (size_t)size;
	window.at = (size_t)(pc - from);
	return wb_code_follow(code->machine, lookup->arch, &window, ret);
}

static enum wb_err find_row(const struct wb_lookup *lookup, const struct wb_code_reader *code, struct wb_code_row *ret)
{
	struct piece piece;
	enum wb_err err = find_piece(lookup->arch, lookup->image, lookup->image_pc, &piece);
	uint8_t *bytes;

	if (err)
		return err;
	bytes = wb_mem_alloc(WB_CODE_WINDOW_MAX);
	err = bytes ? follow(lookup, code, &piece, bytes, ret) : WB_ERR_MEMORY;
	wb_mem_free(bytes);
	return err;
}

enum wb_err wb_code_find(const struct wb_lookup *lookup, struct wb_code_row *ret)
{
	const struct wb_code_reader *code = wb_code_reader(lookup->arch->arch);
	const struct wb_code_answer *known;
	struct wb_code_answer answer = { .err = WB_OK };

	if (!code || !lookup->image)
		return WB_NONE;
	known = wb_code_memo_find(lookup, WB_CODE_ASKED_ROW);
	if (!known) {
		answer.err = find_row(lookup, code, &answer.row);
		wb_code_memo_keep(lookup, WB_CODE_ASKED_ROW, &answer);
		known = &answer;
	}
	if (!known->err)
		*ret = known->row;
	return known->err;
}
