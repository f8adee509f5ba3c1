/* SPDX-License-Identifier: MIT */
/* The inside of an opened Mach-O file, shared by the image_macho*.c files; nobody else includes this. */
#ifndef FORMATS_IMAGE_MACHO_H
#define FORMATS_IMAGE_MACHO_H

#include "base/bytes.h"
#include "base/lock.h"
#include "model/object.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers of "OS X ABI Mach-O File Format Reference", and of <mach-o/loader.h>, <mach-o/fat.h>, <mach-o/nlist.h> and <mach-o/reloc.h> for what came
 * later, as far as they are used here. */
enum {
	MACHO_OBJECT = 1, MACHO_EXECUTE = 2, MACHO_CORE = 4, MACHO_DYLIB = 6, MACHO_DYLINKER = 7, MACHO_BUNDLE = 8, MACHO_DSYM = 10,
	MACHO_KEXT = 11, MACHO_FILESET = 12,
	MACHO_CPU_X86 = 7, MACHO_CPU_ARM = 12, MACHO_CPU_PPC64 = 0x01000012, MACHO_CPU_X86_64 = 0x01000007, MACHO_CPU_ARM64 = 0x0100000c,
	MACHO_LC_SEGMENT = 1, MACHO_LC_SYMTAB = 2, MACHO_LC_UNIXTHREAD = 5, MACHO_LC_DYSYMTAB = 0xb, MACHO_LC_SEGMENT_64 = 0x19,
	MACHO_LC_UUID = 0x1b, MACHO_LC_ENCRYPTION_INFO = 0x21, MACHO_LC_DYLD_INFO = 0x22, MACHO_LC_FUNCTION_STARTS = 0x26,
	MACHO_LC_DATA_IN_CODE = 0x29, MACHO_LC_ENCRYPTION_INFO_64 = 0x2c, MACHO_LC_DYLD_EXPORTS_TRIE = 0x33,
	MACHO_LC_MASK = 0x7fffffff,   /* without LC_REQ_DYLD */
	MACHO_PROT_READ = 1, MACHO_PROT_WRITE = 2, MACHO_PROT_EXEC = 4,
	MACHO_SECTION_TYPE = 0xff, MACHO_ZEROFILL = 1, MACHO_SYMBOL_STUBS = 8, MACHO_GB_ZEROFILL = 12, MACHO_THREAD_ZEROFILL = 18,
	MACHO_ATTR_SOME_CODE = 0x400, MACHO_ATTR_DEBUG = 0x02000000,
	MACHO_N_EXT = 1, MACHO_N_TYPE = 0x0e, MACHO_N_STAB = 0xe0, MACHO_N_ABS = 2, MACHO_N_SECT = 0x0e,
	MACHO_N_WEAK_DEF = 0x80, MACHO_N_ALT_ENTRY = 0x200,
	MACHO_N_FUN = 0x24, MACHO_N_SO = 0x64, MACHO_N_OSO = 0x66,
};
static const uint32_t MACHO_ATTR_PURE_CODE = 0x80000000;

/* Bytes of the Mach-O file, counted from its start, which in a fat file is not that of the file. */
struct macho_part { uint64_t offset, size; };

/* What a section header says besides what the section of the same index in the object's table has. */
struct macho_section {
	char name[24];                /* as ELF calls it */
	uint32_t flags, first_indirect, stub_size;
	struct macho_part relocations;
};

/* Data that lies in a section of code: tables of jumps. Offsets from the header. */
struct macho_data { uint32_t start, end; };

/* A symbol that no table of symbols has as it is: out of the export trie, or the stub of one. */
struct macho_made { uint64_t value; uint32_t name, size; uint8_t table; };

struct macho {
	struct wb_object base;        /* first: the object is the whole */
	bool is_64;
	uint32_t cpu, type, num_commands;
	struct macho_part whole;      /* the Mach-O file in its file */
	struct wb_segment *segments;  /* base.segments */
	uint64_t linkedit_shift;      /* loaded layout: from where commands say that symbols are to where they are */
	struct wb_section *sections;  /* base.sections; one more than headers where there are symbols */
	struct macho_section *headers;
	size_t num_headers;
	uint8_t uuid[16];
	struct macho_part symbols, strings, indirect, exports, starts, data_in_code;
	struct wb_lock lock;          /* guards the making of what follows; immutable once made */
	bool is_made;
	struct wb_piece names;        /* the string table */
	uint32_t *function_starts;    /* offsets from base.base, sorted */
	size_t num_starts, starts_capacity;
	struct macho_data *data;      /* sorted */
	size_t num_data;
	struct macho_made *made;
	size_t num_made, made_capacity;
	char *made_names;
	size_t made_names_size, made_names_capacity;
};

static inline struct macho *macho_of(struct wb_object *object) { return (struct macho *)(void *)object; }
static inline struct wb_bytes macho_bytes(const struct macho *macho, const struct wb_piece *piece)
{
	return wb_bytes_of(piece->bytes, piece->size, macho->base.platform.big_endian);
}
/* An address or size of the file's class. */
static inline uint64_t macho_word(const struct macho *macho, struct wb_bytes *b) { return macho->is_64 ? wb_bytes_u64(b) : wb_bytes_u32(b); }

/* image_macho.c */
/* Reports about the file; returns err. */
enum wb_err wb_macho_report(struct macho *macho, enum wb_err err, enum wb_diag_code code, const char *section, uint64_t offset,
                            const char *text);
/* Opens the Mach-O file that is `whole` of file; takes file, also on failure. */
enum wb_err wb_macho_open(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct macho_part whole,
                          struct wb_object **ret_object);
/* WB_ERR_DATA, reported, if the file ends before. */
enum wb_err wb_macho_piece(struct macho *macho, struct macho_part part, const char *what, struct wb_piece *ret_piece);
enum wb_arch wb_macho_arch(uint32_t cpu);
/* The section that holds vaddr; NULL: none. */
const struct wb_section *wb_macho_section_at(const struct macho *macho, uint64_t vaddr);

/* image_macho_sections.c */
enum wb_err wb_macho_read_section(struct wb_object *object, size_t index, struct wb_piece *ret_piece);
enum wb_err wb_macho_read_packed(struct wb_object *object, size_t index, struct wb_packed *ret_packed);
/* Reads what comes out of a compressed section into its entry of the table. */
void wb_macho_measure_compressed(struct macho *macho, size_t index);

/* image_macho_symbols.c */
struct macho_symbol { uint32_t name; uint8_t type, section; uint16_t desc; uint64_t value; };
size_t wb_macho_symbol_size(const struct macho *macho);
struct macho_symbol wb_macho_read_symbol(const struct macho *macho, struct wb_bytes *b);
/* A name in the string table without the underscore that C's have, or NULL if there is none that ends. After wb_macho_make. */
const char *wb_macho_name(const struct macho *macho, uint32_t offset);
/* The same as it is there. */
const char *wb_macho_text(const struct macho *macho, uint32_t offset);
enum wb_err wb_macho_list_symbols(struct wb_object *object, wb_symbol_fn fn, void *arg);
enum wb_err wb_macho_list_starts(struct wb_object *object, wb_symbol_fn fn, void *arg);
void wb_macho_symbols_deinit(struct macho *macho);

/* image_macho_linked.c */
enum wb_err wb_macho_list_linked(struct wb_object *object, wb_linked_fn fn, void *arg);

/* image_macho_archive.c */
bool wb_macho_is_archive(const uint8_t *bytes, size_t size);
/* Opens a member of the archive that is `whole` of file; takes file, also on failure. */
enum wb_err wb_macho_open_member(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct macho_part whole,
                                 const char *member, struct wb_object **ret_object);

/* image_macho_made.c: the string table, function starts, data in code, exports and stubs, on first need. Damage is reported and costs its part alone. */
enum wb_err wb_macho_make(struct macho *macho);

#endif
