/* SPDX-License-Identifier: MIT */
/* For the tests of ELF files that are made in memory: opens them, with what was said about them, and lists their symbols as lines. */
#ifndef TESTS_UNIT_ELF_OPEN_H
#define TESTS_UNIT_ELF_OPEN_H

#include "test.h"

#include "elf_make.h"
#include "model/object.h"

enum {
	ET_REL = 1, ET_EXEC = 2, ET_DYN = 3, ET_CORE = 4,
	EM_386 = 3, EM_S390 = 22, EM_ARM = 40, EM_X86_64 = 62, EM_AARCH64 = 183, EM_RISCV = 243, EM_MIPS = 8,
	PT_LOAD = 1, PT_DYNAMIC = 2, PT_NOTE = 4, PT_GNU_EH_FRAME = 0x6474e550,
	PROGBITS = 1, SYMTAB = 2, STRTAB = 3, RELA = 4, DYNAMIC = 6, NOTE = 7, NOBITS = 8, REL = 9, DYNSYM = 11, SHNDX = 18,
	W = 1, A = 2, X = 4, COMPRESSED = 0x800,
	FUNC = 2, OBJECT = 1, NOTYPE = 0, IFUNC = 10, GLOBAL = 1 << 4, WEAK = 2 << 4, LOCAL = 0,
	ABS = 0xfff1, COMMON = 0xfff2, XINDEX = 0xffff,
};

static const uint8_t id[20] __attribute__((unused)) = { 0xde, 0xad, 0xbe, 0xef, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 };
static const uint8_t code[32] __attribute__((unused)) = { 0x55, 0x48, 0x89, 0xe5, 0x5d, 0xc3 };

/* ---- Diagnostics ------------------------------------------------------------------------------------------------------ */

static unsigned num_diags __attribute__((unused));
static char last_diag[512] __attribute__((unused));

static inline void note_diag(void *arg, const struct wb_diag *diag)
{
	(void)arg;
	num_diags++;
	wb_diag_format(diag, last_diag, sizeof last_diag);
}

static inline struct wb_diags *fresh_diags(void)
{
	static struct wb_diags diags;
	static bool made;

	if (made)
		wb_diags_deinit(&diags);
	wb_diags_init(&diags, note_diag, NULL);
	made = true;
	num_diags = 0;
	last_diag[0] = 0;
	return &diags;
}

/* Opens a heap block of exactly that size, for the sanitizer build; frees bytes. */
static inline enum wb_err open_exact(uint8_t *bytes, size_t size, uint32_t flags, struct wb_object **ret_object)
{
	uint8_t *exact = malloc(size ? size : 1);
	struct wb_file *file;

	memcpy(exact, bytes, size);
	free(bytes);
	if (wb_file_of_bytes(exact, size, free, exact, &file) != WB_OK)
		return WB_ERR_MEMORY;
	return wb_object_open(fresh_diags(), "made", file, flags, ret_object);
}

static inline enum wb_err open_made(struct elf_make *m, uint32_t flags, struct wb_object **ret_object)
{
	size_t size;
	uint8_t *bytes = elf_make_finish(m, &size);

	return open_exact(bytes, size, flags, ret_object);
}

/* ---- Symbols as lines ---------------------------------------------------------------------------------------------------- */

static char listed[4096] __attribute__((unused));

static inline enum wb_err add_line(void *arg, const struct wb_symbol *s)
{
	static const char *const tables[] = { "static", "dynamic", "plt", "text" };
	size_t at = strlen(listed);

	(void)arg;
	snprintf(listed + at, sizeof listed - at, "%s %" PRIx64 "+%" PRIx64 " t%d b%d%s%s %s\n", tables[s->table], s->value, s->size, s->type,
	         s->binding, s->executable ? " x" : "", s->absolute ? " abs" : "", s->name);
	return WB_OK;
}

static inline enum wb_err list(struct wb_object *object)
{
	listed[0] = 0;
	return object->format->list_symbols(object, add_line, NULL);
}

/* The bytes of a section as the format reads them; freed with wb_piece_deinit. */
static inline enum wb_err read_named(struct wb_object *object, const char *name, struct wb_piece *ret_piece)
{
	size_t index;
	enum wb_err err = wb_object_find_section(object, name, &index);

	return err ? err : object->format->read_section(object, index, ret_piece);
}

#endif
