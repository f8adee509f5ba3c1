/* SPDX-License-Identifier: MIT */
/* The inside of an opened ELF file, shared by the image_elf*.c files; nobody else includes this. */
#ifndef FORMATS_IMAGE_ELF_H
#define FORMATS_IMAGE_ELF_H

#include "base/bytes.h"
#include "base/lock.h"
#include "model/object.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers of the ELF specification ("System V ABI", chapters 4 and 5) and of GNU's extensions to it, as far as they are used here. */
enum {
	ELF_ET_REL = 1, ELF_ET_EXEC = 2, ELF_ET_DYN = 3, ELF_ET_CORE = 4,
	ELF_EM_386 = 3, ELF_EM_IAMCU = 6, ELF_EM_PPC64 = 21, ELF_EM_S390 = 22, ELF_EM_ARM = 40, ELF_EM_X86_64 = 62, ELF_EM_AARCH64 = 183,
	ELF_EM_RISCV = 243,
	ELF_PT_LOAD = 1, ELF_PT_DYNAMIC = 2, ELF_PT_NOTE = 4, ELF_PT_GNU_EH_FRAME = 0x6474e550, ELF_PT_ARM_EXIDX = 0x70000001,
	ELF_PF_X = 1, ELF_PF_W = 2, ELF_PF_R = 4,
	ELF_PN_XNUM = 0xffff,
	ELF_SHT_NULL = 0, ELF_SHT_PROGBITS = 1, ELF_SHT_SYMTAB = 2, ELF_SHT_STRTAB = 3, ELF_SHT_RELA = 4, ELF_SHT_DYNAMIC = 6,
	ELF_SHT_NOTE = 7, ELF_SHT_NOBITS = 8, ELF_SHT_REL = 9, ELF_SHT_DYNSYM = 11, ELF_SHT_SYMTAB_SHNDX = 18,
	ELF_SHF_WRITE = 1, ELF_SHF_ALLOC = 2, ELF_SHF_EXECINSTR = 4, ELF_SHF_GROUP = 0x200,
	ELF_SHF_COMPRESSED = 0x800,
	ELF_SHN_UNDEF = 0, ELF_SHN_LORESERVE = 0xff00, ELF_SHN_ABS = 0xfff1, ELF_SHN_COMMON = 0xfff2, ELF_SHN_XINDEX = 0xffff,
	ELF_COMPRESS_ZLIB = 1, ELF_COMPRESS_ZSTD = 2,
	ELF_DT_NULL = 0, ELF_DT_HASH = 4, ELF_DT_STRTAB = 5, ELF_DT_SYMTAB = 6, ELF_DT_STRSZ = 10, ELF_DT_GNU_HASH = 0x6ffffef5,
	ELF_STT_NOTYPE = 0, ELF_STT_OBJECT = 1, ELF_STT_FUNC = 2, ELF_STT_SECTION = 3, ELF_STT_FILE = 4, ELF_STT_COMMON = 5,
	ELF_STT_GNU_IFUNC = 10,
	ELF_STB_LOCAL = 0, ELF_STB_WEAK = 2,
};

struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, filesz, memsz, align;
};

/* A section header; the section of the same index in the object's table has its name, place and size. */
struct elf_section {
	uint32_t name, type, link, info;
	uint64_t flags, addralign, entsize;
};

enum elf_strings { ELF_STRINGS_STATIC, ELF_STRINGS_DYNAMIC, ELF_STRINGS_COUNT };

/* What was made of a file's procedure linkage tables. */
struct elf_plt_entry { uint64_t value, size; uint32_t name; };
struct elf_plt {
	struct elf_plt_entry *entries;
	size_t count, capacity;
	char *names;                  /* entries' name: offset in it */
	size_t names_size, names_capacity;
	uint64_t read;                /* bytes of code so far */
};

/* Where an entry is looked for. */
struct elf_plt_place {
	uint64_t vaddr, got;          /* of the code; of the global offset table */
	size_t stride;                /* bytes from one entry to the next */
	bool is_64;
};
struct elf_plt_code {
	uint16_t machine;
	uint32_t jump_slot, glob_dat, irelative; /* relocations that fill slots; 0: none */
	size_t stride;                /* where entries can start; 0: the section says */
	/* The size of the entry that the code starts with, and the slot that it jumps through; 0: it is none. */
	size_t (*read)(const struct elf_plt_place *place, struct wb_bytes code, uint64_t *ret_slot);
};

struct elf {
	struct wb_object base;        /* first: the object is the whole */
	bool is_64;
	bool is_inner;                /* came out of another file's .gnu_debugdata: has none itself */
	uint16_t type, machine;
	uint64_t phoff, shoff;
	uint32_t phnum, shnum, shstrndx;
	uint16_t phentsize, shentsize;
	uint64_t bias;                /* loaded layout: address - image pc, 0 if not known */
	struct elf_segment *program;  /* program headers; phnum of them */
	struct elf_section *headers;  /* section headers; base.num_sections of them */
	struct wb_segment *segments;  /* base.segments */
	struct wb_section *sections;  /* base.sections */
	size_t sections_capacity;
	struct wb_piece names;        /* .shstrtab */
	char *zdebug_names;           /* ".debug_x" for each ".zdebug_x" */
	struct wb_piece note, debuglink, altlink; /* what base.build_id, debuglink and altlink point into */
	struct wb_lock lock;          /* guards the making of what follows: kept for names of symbols, on first need */
	struct wb_piece strings[ELF_STRINGS_COUNT];
	bool plt_is_done, inner_is_done;
	enum wb_err plt_err, inner_err; /* what came of it, once done: every listing says the same */
	struct elf_plt plt;           /* immutable once done */
	struct wb_object *inner;      /* .gnu_debugdata; NULL: none, or broken */
};

static inline struct elf *elf_of(struct wb_object *object) { return (struct elf *)(void *)object; }
static inline bool elf_is_big_endian(const struct elf *elf) { return elf->base.platform.big_endian; }
static inline struct wb_bytes elf_bytes(const struct elf *elf, const struct wb_piece *piece)
{
	return wb_bytes_of(piece->bytes, piece->size, elf_is_big_endian(elf));
}
/* An address, offset or size of the file's class. */
static inline uint64_t elf_word(const struct elf *elf, struct wb_bytes *b) { return elf->is_64 ? wb_bytes_u64(b) : wb_bytes_u32(b); }

/* image_elf.c: reports about the file; returns err. */
enum wb_err wb_elf_report(struct elf *elf, enum wb_err err, enum wb_diag_code code, const char *section, uint64_t offset, const char *text);
/* What of a file is to be opened. */
struct elf_open {
	uint32_t flags;               /* enum wb_image_flags */
	uint64_t address;             /* loaded layout: of its first byte; 0 if not known */
	bool is_inner;                /* it is what .gnu_debugdata held */
};
/* Opens the ELF file within file; takes file, also on failure. */
enum wb_err wb_elf_open(struct wb_diags *diags, const char *path, struct wb_file *file, const struct elf_open *how, struct wb_object **ret_object);
/* Room for one more section, zeroed, which the caller fills; NULL when out of memory. */
struct wb_section *wb_elf_add_section(struct elf *elf, struct elf_section **ret_header);
/* The section's bytes as they are stored. */
enum wb_err wb_elf_stored(struct elf *elf, size_t index, struct wb_piece *ret_piece);
bool wb_elf_find(const struct elf *elf, const char *name, size_t *ret_index);

/* image_elf_notes.c: build id, debug link and supplementary link. */
enum wb_err wb_elf_read_notes(struct elf *elf);
enum wb_err wb_elf_read_links(struct elf *elf);

/* image_elf_loaded.c: offsets of an image that was read from memory count from its first page. */
enum wb_err wb_elf_use_loaded_layout(struct elf *elf, uint64_t address);
/* Takes the bytes from sections that are not all there. */
void wb_elf_drop_absent(struct elf *elf);
/* Image pc of an address in the dynamic section, which dynamic linkers may have relocated in place. */
uint64_t wb_elf_unrelocated(const struct elf *elf, uint64_t value);

/* image_elf_segments.c: sections that have no header, from what the segments say. */
enum wb_err wb_elf_add_sections_of_segments(struct elf *elf);

/* image_elf_sections.c */
/* Reads what comes out of a compressed section into its entry of the table. */
void wb_elf_measure_compressed(struct elf *elf, size_t index);
enum wb_err wb_elf_read_section(struct wb_object *object, size_t index, struct wb_piece *ret_piece);
enum wb_err wb_elf_read_packed(struct wb_object *object, size_t index, struct wb_packed *ret_packed);

/* image_elf_relocate.c: applies the relocations of a section of a relocatable file to its bytes. */
enum wb_err wb_elf_relocate(struct elf *elf, size_t index, uint8_t *bytes, size_t size);
bool wb_elf_has_relocations(const struct elf *elf, size_t index);

/* image_elf_symbols.c */
struct elf_symbol {
	uint32_t name;
	uint8_t info;
	uint32_t section;             /* SHN_XINDEX resolved by the caller */
	uint64_t value, size;
};
size_t wb_elf_symbol_size(const struct elf *elf);
struct elf_symbol wb_elf_read_symbol(const struct elf *elf, struct wb_bytes *b);
/* The first symbol table of a type that has bytes. */
bool wb_elf_find_symtab(const struct elf *elf, uint32_t type, size_t *ret_index);
/* The strings of a symbol table, kept. Under the lock. */
enum wb_err wb_elf_strings(struct elf *elf, enum elf_strings which, size_t symtab, const struct wb_piece **ret_strings);
/* A name in a string table, or NULL if there is none that ends. */
const char *wb_elf_string(const struct wb_piece *strings, uint64_t offset);
/* The object keeps so many bytes more. */
void wb_elf_hold(struct elf *elf, uint64_t bytes);
/* What .gnu_debugdata holds; WB_NONE if there is none, or this is such an object itself. */
enum wb_err wb_elf_open_inner(struct wb_object *object, struct wb_object **ret_inner);
enum wb_err wb_elf_list_symbols(struct wb_object *object, wb_symbol_fn fn, void *arg);
void wb_elf_symbols_deinit(struct elf *elf);

/* image_elf_plt.c: finds and names the entries of the procedure linkage tables. Under the lock. WB_OK also when there are none. */
enum wb_err wb_elf_make_plt(struct elf *elf);
/* image_elf_plt_code.c: NULL: the machine's entries cannot be read. */
const struct elf_plt_code *wb_elf_plt_code(const struct elf *elf);

#endif
