/* SPDX-License-Identifier: MIT */
/* What is in an image's files, for tools: sections, and the parts that frames are unwound and named with. */
#include "base/err.h"
#include "model/breakpad_sym.h"
#include "model/image.h"
#include "model/pclntab.h"

/* ---- Sections ---- */

enum wb_err wb_image_section_info(struct wb_image *image, size_t nth, struct wb_section_info *ret_info)
{
	struct wb_section_info info = { 0 };
	const struct wb_section *section;
	struct wb_object *object;
	enum wb_err err;

	if (!image || !ret_info)
		return WB_ERR_ARGUMENT;
	err = wb_image_object(image, WB_FILE_EXECUTABLE, &object);
	if (err == WB_NONE)
		err = wb_image_object(image, WB_FILE_DEBUG, &object);
	if (err)
		return err;
	if (nth >= object->num_sections)
		return WB_NONE;
	section = &object->sections[nth];
	info.name = section->name;
	if (section->flags & WB_SECTION_ALLOC && section->size <= UINT64_MAX - section->vaddr) {
		info.start = section->vaddr;
		info.end = section->vaddr + section->size;
		info.executable = (section->flags & WB_SECTION_EXEC) != 0;
	}
	return wb_struct_give(ret_info, &info, sizeof(info));
}

/* ---- Parts ---- */

/* The parts of one use are counted until the wanted one comes. */
struct listing {
	struct wb_object *executable, *debug; /* NULL: not had */
	size_t left;                  /* parts before the wanted one */
	bool is_found;
	struct wb_image_part part;
};

static void add(struct listing *listing, enum wb_part_use use, enum wb_file_role role, const char *name, uint64_t bytes)
{
	if (!listing->left && !listing->is_found) {
		listing->is_found = true;
		listing->part = (struct wb_image_part){ .use = use, .role = role, .name = name, .bytes = bytes };
	}
	listing->left -= listing->left > 0;
}

/* Whether an object has a section with bytes. */
static bool has_section(const struct wb_object *object, const char *name, uint64_t *ret_size)
{
	size_t index;

	if (!object || wb_object_find_section(object, name, &index) || object->sections[index].flags & WB_SECTION_NOBITS)
		return false;
	*ret_size = object->sections[index].size;
	return *ret_size != 0;
}

static void add_sections(struct listing *listing, enum wb_part_use use)
{
	static const struct {
		enum wb_part_use use;
		const char *name;
		bool may_be_apart;    /* the debug file's is used, where that has it */
	} known[] = {
		{ WB_PART_UNWIND, ".eh_frame", false },
		{ WB_PART_UNWIND, ".eh_frame_hdr", false },
		{ WB_PART_UNWIND, "__unwind_info", false },
		{ WB_PART_UNWIND, ".pdata", false },
		{ WB_PART_UNWIND, ".ARM.exidx", false },
		{ WB_PART_UNWIND, ".debug_frame", true },
		{ WB_PART_NAMES, ".symtab", true },
		{ WB_PART_NAMES, ".dynsym", false },
		{ WB_PART_NAMES, ".gnu_debugdata", false },
		{ WB_PART_NAMES, ".debug_info", true },
		{ WB_PART_NAMES, ".debug_line", true },
	};
	uint64_t size;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].use != use)
			continue;
		if (known[i].may_be_apart && has_section(listing->debug, known[i].name, &size))
			add(listing, use, WB_FILE_DEBUG, known[i].name, size);
		else if (has_section(listing->executable, known[i].name, &size))
			add(listing, use, WB_FILE_EXECUTABLE, known[i].name, size);
	}
}

static enum wb_err stop_at_first(void *arg, const struct wb_symbol *symbol)
{
	(void)symbol;
	*(bool *)arg = true;
	return WB_NONE;
}

/* Symbols that are in no section: Mach-O's and COFF's tables. */
static enum wb_err add_symbols(struct listing *listing, struct wb_image *image)
{
	struct wb_object *const objects[] = { listing->debug, listing->executable };
	static const enum wb_file_role roles[] = { WB_FILE_DEBUG, WB_FILE_EXECUTABLE };
	uint64_t size;

	for (size_t i = 0; i < 2; i++) {
		bool has_some = false;

		if (!objects[i] || has_section(objects[i], ".symtab", &size) || has_section(objects[i], ".dynsym", &size))
			continue;
		if (wb_image_symbols(image, objects[i], stop_at_first, &has_some) == WB_ERR_MEMORY)
			return WB_ERR_MEMORY;
		if (has_some)
			add(listing, WB_PART_NAMES, roles[i], "symbol table", 0);
	}
	return WB_OK;
}

/* Go's tables and Breakpad's files, which serve both uses. */
static enum wb_err add_both(struct listing *listing, struct wb_image *image, enum wb_part_use use)
{
	const struct wb_pclntab *go;
	struct wb_breakpad_sym *sym;
	struct wb_breakpad_counts counts;
	enum wb_err err = wb_pclntab_of_image(image, &go);

	if (err)
		return err;
	if (go)
		add(listing, use, WB_FILE_EXECUTABLE, "Go's pclntab", 0);
	err = wb_breakpad_of_image(image, &sym);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_OK;
	wb_breakpad_count(sym, &counts);
	if (use == WB_PART_UNWIND && counts.cfi)
		add(listing, use, WB_FILE_SYMBOLS, "STACK CFI", 0);
	if (use == WB_PART_UNWIND && counts.win)
		add(listing, use, WB_FILE_SYMBOLS, "STACK WIN", 0);
	if (use == WB_PART_NAMES && counts.functions)
		add(listing, use, WB_FILE_SYMBOLS, "FUNC", 0);
	if (use == WB_PART_NAMES && counts.publics)
		add(listing, use, WB_FILE_SYMBOLS, "PUBLIC", 0);
	return WB_OK;
}

enum wb_err wb_image_part(struct wb_image *image, size_t nth, struct wb_image_part *ret_part)
{
	struct listing listing = { .left = nth };
	enum wb_err err, debug_err;

	if (!image || !ret_part)
		return WB_ERR_ARGUMENT;
	err = wb_image_object(image, WB_FILE_EXECUTABLE, &listing.executable);
	debug_err = err < 0 ? err : wb_image_object(image, WB_FILE_DEBUG, &listing.debug);
	if (debug_err < 0)
		return debug_err;
	add_sections(&listing, WB_PART_UNWIND);
	err = add_both(&listing, image, WB_PART_UNWIND);
	if (err)
		return err;
	add_sections(&listing, WB_PART_NAMES);
	err = add_symbols(&listing, image);
	if (!err)
		err = add_both(&listing, image, WB_PART_NAMES);
	if (err || !listing.is_found)
		return err ? err : WB_NONE;
	return wb_struct_give(ret_part, &listing.part, sizeof(listing.part));
}
