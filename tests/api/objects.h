/* SPDX-License-Identifier: MIT */
/* An object of each format, and all that the library tells of it: the rows of every strategy, and names, at places all over its code. */
#ifndef TESTS_API_OBJECTS_H
#define TESTS_API_OBJECTS_H

#include <walkback/walkback.h>

#include "elf_make.h"
#include "pclntab_make.h"
#include "test.h"

/* What a run wrote, in memory of fixed size so that collecting it cannot fail. */
struct output {
	char text[1 << 16];
	size_t size;
};

static inline enum wb_err collect(void *arg, const void *bytes, size_t count)
{
	struct output *output = arg;

	if (count > sizeof output->text - output->size)
		return WB_ERR_LIMIT;
	memcpy(output->text + output->size, bytes, count);
	output->size += count;
	return WB_OK;
}

/* Where there are no sections, code is at 0. */
static const struct object { const char *name, *path; } objects[] = {
	{ "ELF", "golden/snapshot_windows/chain" },
	{ "ELF inside of it", "../fuzz/corpus/elf/debugdata" },
	{ "ELF with linkage tables", "../fuzz/corpus/elf/dyn-64-little" },
	{ "Mach-O", "../fuzz/corpus/macho/thin-64-little" },
	{ "Mach-O, fat", "../fuzz/corpus/macho/fat" },
	{ "PE", "../fuzz/corpus/pe/codes.exe" },
	{ "Breakpad", "../fuzz/corpus/breakpad/functions.sym" },
	{ "Breakpad of Windows", "../fuzz/corpus/breakpad/win.sym" },
	{ "Go", NULL },
};
enum { NUM_OBJECTS = sizeof objects / sizeof objects[0] };

enum { PLACES = 6, SECTIONS = 4 };

/* The rows that each strategy has at a place, and its names. */
static inline enum wb_err tell_place(struct wb_session *session, struct wb_image *image, struct wb_symbolizer *symbolizer, uint64_t pc, struct output *output)
{
	static struct wb_row_info row;
	const struct wb_site *sites;
	char line[512];
	size_t count;
	enum wb_err err = WB_OK;

	for (enum wb_how how = WB_HOW_CFI; err != WB_ERR_MEMORY && how <= WB_HOW_EHABI; how++) {
		row = (struct wb_row_info){ .size = sizeof row };
		err = wb_row_info(session, image, pc, how, &row);
		if (!err)
			err = collect(output, line, (size_t)snprintf(line, sizeof line, "%" PRIx64 " %s %d %" PRId64 " %zu\n", row.start, wb_how_text(how), row.cfa.kind,
			                                             row.cfa.offset, row.num_rules));
	}
	if (err == WB_ERR_MEMORY)
		return err;
	err = wb_symbolize(symbolizer, image, pc, WB_PC_EXACT, &sites, &count);
	for (size_t i = 0; !err && i < count; i++)
		err = collect(output, line, (size_t)snprintf(line, sizeof line, "%" PRIx64 " %.400s\n", pc, sites[i].function ? sites[i].function : "?"));
	return err;
}

static inline enum wb_err tell_of_image(struct wb_session *session, struct wb_image *image, struct output *output)
{
	struct wb_section_info section = { .size = sizeof section };
	struct wb_symbolizer *symbolizer;
	size_t used = 0;
	enum wb_err err = wb_symbolizer_new(session, NULL, &symbolizer);

	if (err)
		return err;
	for (size_t i = 0; !err && used < SECTIONS; i++) {
		err = wb_image_section_info(image, i, &section);
		used += !err && section.executable;
		for (uint64_t k = 0; !err && section.executable && k < PLACES; k++)
			err = tell_place(session, image, symbolizer, section.start + (section.end - section.start) / PLACES * k, output);
	}
	if (err == WB_NONE)
		err = WB_OK;
	for (uint64_t pc = 0; !err && !used && pc < 0x80; pc += 0x10)
		err = tell_place(session, image, symbolizer, pc, output);
	wb_symbolizer_free(symbolizer);
	return err;
}

/* Where the object is; NULL: it is made by write_go_object. */
static inline const char *object_path(const struct object *object)
{
	return object->path ? test_data(object->path) : test_tmp("go");
}

/* The table of pclntab_make.h, with its three functions. */
static inline void write_go_object(void)
{
	static const uint8_t text[0x60];
	struct pclntab_make p;
	struct elf_make m;
	uint8_t *bytes;
	size_t size;

	pclntab_make(&p, WB_PCLNTAB_1_20, 8, 1, false);
	elf_make_init(&m, true, false, 2, 62);
	elf_make_section(&m, ".text", 1, 6, PCLNTAB_TEXT, text, sizeof text);
	elf_make_section(&m, ".gopclntab", 1, 2, PCLNTAB_ADDRESS, p.bytes, p.size);
	bytes = elf_make_finish(&m, &size);
	test_write_file(test_tmp("go"), bytes, size);
	free(bytes);
}

#endif
