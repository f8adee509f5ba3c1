/* SPDX-License-Identifier: MIT */
/*
 * Where an image has Go's tables: in a section of their own; else where symbols say; else where a header is, or where the runtime's description of
 * the module (moduledata) leads. Linkers merge the section into others (PIE with cgo, PE), strippers remove symbols, and garble overwrites the magic.
 *
 * Also what the header leaves out: where text starts (Go 1.26 and later) and what functions' data count from (1.18 and later), both in moduledata,
 * whose layout is Go's runtime/symtab.go by version.
 */
#include "model/pclntab.h"

#include "base/mem.h"
#include "model/session.h"

#include <string.h>

enum {
	SCAN_MAX = 256 << 20,         /* bytes of a section or segment that is looked through: the largest tables known have 100 MiB */
	HITS_MAX = 64,                /* addresses of the table that are no moduledata: section headers, relocations */
	/* Words of moduledata. */
	MODULE_FTAB = 16, MODULE_MIN_PC = 20, MODULE_MAX_PC = 21, MODULE_TEXT = 22, MODULE_WORDS = 45,
	DATA_1_18 = 38, DATA_1_20 = 40, DATA_1_27 = 43,
};

struct found {
	struct wb_pclntab table;      /* first: the slot's value is one */
	struct wb_image *image;       /* borrowed: owns this */
	uint8_t *owned;               /* bytes of a segment that holds the table; NULL: they are a section's */
	uint64_t charged;
};

static enum wb_err read_image(void *arg, uint64_t image_pc, void *buffer, size_t count)
{
	return wb_image_read(arg, image_pc, buffer, count);
}

/* ---- Places: sections, or segments where there are none ---- */

struct place {
	const uint8_t *bytes;
	size_t size;
	uint64_t address;
	uint8_t *owned;               /* to be freed; NULL: kept by the image */
};

static bool is_in_segment(const struct wb_object *object, uint64_t address, uint32_t prot)
{
	for (size_t i = 0; i < object->num_segments; i++)
		if (address - object->segments[i].vaddr < object->segments[i].memsz)
			return object->segments[i].prot & prot;
	return false;
}

/* What lies in memory has few sections, made of its segments, which have more in them. */
static bool is_by_segments(const struct wb_object *object)
{
	return !object->num_sections || object->loaded_layout;
}

static size_t num_places(const struct wb_object *object)
{
	return is_by_segments(object) ? object->num_segments : object->num_sections;
}

static enum wb_err open_segment(struct wb_image *image, const struct wb_segment *segment, bool writable, struct place *ret)
{
	enum wb_err err;

	if (segment->prot & WB_PROT_EXEC || !segment->filesz || segment->filesz > SCAN_MAX || (writable && !(segment->prot & WB_PROT_WRITE)))
		return WB_NONE;
	ret->owned = wb_mem_alloc((size_t)segment->filesz);
	if (!ret->owned)
		return WB_ERR_MEMORY;
	err = wb_image_read(image, segment->vaddr, ret->owned, (size_t)segment->filesz);
	if (err) {
		wb_mem_free(ret->owned);
		ret->owned = NULL;
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	}
	ret->bytes = ret->owned;
	ret->size = (size_t)segment->filesz;
	ret->address = segment->vaddr;
	return WB_OK;
}

/* Bytes of data. WB_NONE: this one has none. */
static enum wb_err open_place(struct wb_image *image, struct wb_object *object, size_t nth, bool writable, struct place *ret)
{
	const struct wb_section *section;
	enum wb_err err;

	*ret = (struct place){ .bytes = NULL };
	if (is_by_segments(object))
		return open_segment(image, &object->segments[nth], writable, ret);
	section = &object->sections[nth];
	if (!(section->flags & WB_SECTION_ALLOC) || section->flags & (WB_SECTION_EXEC | WB_SECTION_NOBITS) || section->size > SCAN_MAX ||
	    (writable && !is_in_segment(object, section->vaddr, WB_PROT_WRITE)))
		return WB_NONE;
	err = wb_image_section(image, object, section->name, &ret->bytes, &ret->size, &ret->address);
	return err && err != WB_ERR_MEMORY ? WB_NONE : err;
}

static void close_place(struct place *place)
{
	wb_mem_free(place->owned);
	place->owned = NULL;
}

/* ---- Symbols ---- */

struct symbols {
	uint64_t table, text, data;
	bool has_table, has_text, has_data;
};

static enum wb_err see_symbol(void *arg, const struct wb_symbol *symbol)
{
	struct symbols *symbols = arg;
	const char *name = symbol->name;

	if (name[0] == 'r' && !strcmp(name, "runtime.pclntab")) {
		symbols->table = symbol->value;
		symbols->has_table = true;
	} else if (name[0] == 'r' && !strcmp(name, "runtime.text")) {
		symbols->text = symbol->value;
		symbols->has_text = true;
	} else if (name[0] == 'g' && (!strcmp(name, "go:func.*") || !strcmp(name, "go.func.*"))) {
		symbols->data = symbol->value;
		symbols->has_data = true;
	}
	return WB_OK;
}

static enum wb_err read_symbols(struct wb_image *image, struct wb_object *object, struct symbols *ret)
{
	enum wb_err err = wb_image_symbols(image, object, see_symbol, ret);

	return err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED ? err : WB_OK;
}

/* ---- The header ---- */

/* Whether the first function and its name can be read: enough where the magic does not tell. */
static bool is_sound(const struct wb_pclntab *table)
{
	struct wb_pclntab probe = { .bytes = table->bytes, .address = table->address, .version = table->version, .word_size = table->word_size,
	                            .quantum = table->quantum, .num_functions = table->num_functions, .text = table->text, .has_text = true,
	                            .names = table->names, .units = table->units, .files = table->files, .values = table->values,
	                            .functions = table->functions, .entries = table->entries };
	struct wb_go_function first, last;
	const char *name;

	if (wb_pclntab_function(&probe, 0, &first) || wb_pclntab_function(&probe, probe.num_functions - 1, &last))
		return false;
	name = wb_pclntab_name(&probe, &first);
	return name && *name && wb_pclntab_name(&probe, &last) && first.start <= last.start;
}

static enum wb_err open_at(const struct place *place, size_t offset, bool big_endian, bool any_magic, struct wb_pclntab *ret)
{
	const uint8_t *bytes = place->bytes + offset;
	size_t size = place->size - offset;
	enum wb_err err = wb_pclntab_open(bytes, size, place->address + offset, big_endian, ret);

	for (int i = WB_PCLNTAB_VERSIONS; err && any_magic && i-- > 0;)
		err = wb_pclntab_open_as(bytes, size, place->address + offset, big_endian, (enum wb_pclntab_version)i, ret);
	return !err && !is_sound(ret) ? WB_ERR_DATA : err;
}

static enum wb_err open_named(struct wb_image *image, struct wb_object *object, struct wb_pclntab *ret)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct place place = { .bytes = NULL };
		enum wb_err err = wb_image_section(image, object, names[i], &place.bytes, &place.size, &place.address);

		if (!err)
			err = open_at(&place, 0, object->platform.big_endian, true, ret);
		if (!err || err == WB_ERR_MEMORY)
			return err;
	}
	return WB_NONE;
}

/* The table at an address. place keeps its bytes. */
static enum wb_err open_address(struct wb_image *image, struct wb_object *object, uint64_t address, struct place *place, struct wb_pclntab *ret)
{
	for (size_t i = 0; i < num_places(object); i++) {
		enum wb_err err = open_place(image, object, i, false, place);

		if (err == WB_ERR_MEMORY)
			return err;
		if (err)
			continue;
		if (address - place->address < place->size && !open_at(place, (size_t)(address - place->address), object->platform.big_endian, true, ret))
			return WB_OK;
		close_place(place);
	}
	return WB_NONE;
}

static bool scan_place(const struct place *place, bool big_endian, struct wb_pclntab *ret)
{
	/* Linkers align it to a pointer at least. */
	for (size_t at = (size_t)(-place->address & 3); at + 8 <= place->size; at += 4)
		if (wb_pclntab_is_header(place->bytes + at, place->size - at, big_endian) && !open_at(place, at, big_endian, false, ret))
			return true;
	return false;
}

static enum wb_err scan(struct wb_image *image, struct wb_object *object, struct place *place, struct wb_pclntab *ret)
{
	for (size_t i = 0; i < num_places(object); i++) {
		enum wb_err err = open_place(image, object, i, false, place);

		if (err == WB_ERR_MEMORY)
			return err;
		if (!err && scan_place(place, object->platform.big_endian, ret))
			return WB_OK;
		close_place(place);
	}
	return WB_NONE;
}

/* ---- moduledata ---- */

static uint64_t word_at(const struct place *place, size_t at, unsigned word_size, bool big_endian)
{
	return word_size == 8 ? wb_load64(place->bytes + at, big_endian) : wb_load32(place->bytes + at, big_endian);
}

static void read_words(const struct place *place, size_t at, unsigned word_size, bool big_endian, uint64_t words[MODULE_WORDS])
{
	for (size_t i = 0; i < MODULE_WORDS; i++)
		words[i] = at + (i + 1) * word_size <= place->size ? word_at(place, at + i * word_size, word_size, big_endian) : 0;
}

/* Whether these words describe the module of a table: its address, the slices into it in order, and where its code is. */
static bool is_module(const struct wb_pclntab *table, const uint64_t words[MODULE_WORDS])
{
	struct wb_bytes reader = table->bytes;
	uint64_t first, last, pair = 8;

	if (words[0] != table->address || words[1] != table->address + table->names || words[MODULE_FTAB] != table->address + table->entries)
		return false;
	if (table->version == WB_PCLNTAB_1_16)
		return true;
	wb_bytes_seek(&reader, table->entries);
	first = wb_bytes_u32(&reader);
	wb_bytes_seek(&reader, table->entries + table->num_functions * pair);
	last = wb_bytes_u32(&reader);
	return words[MODULE_MIN_PC] == words[MODULE_TEXT] + first && words[MODULE_MAX_PC] == words[MODULE_TEXT] + last &&
	       (!table->text || table->text == words[MODULE_TEXT]);
}

/* What functions' data count from moved; in 1.26 into the table's section, so that its word leads there, and the one after it to its end. */
static uint64_t pick_data(const struct wb_pclntab *table, const uint64_t words[MODULE_WORDS])
{
	static const unsigned places[] = { DATA_1_20, DATA_1_27 };

	if (table->version == WB_PCLNTAB_1_18)
		return words[DATA_1_18];
	for (size_t i = 0; !table->text && i < sizeof(places) / sizeof(places[0]); i++) {
		uint64_t data = words[places[i]];

		if (data - table->address >= table->functions && data - table->address < wb_bytes_size(&table->bytes) && words[places[i] + 1] >= data)
			return data;
	}
	return words[DATA_1_20];
}

static bool take_module(struct wb_pclntab *table, const struct place *place, size_t at)
{
	uint64_t words[MODULE_WORDS];

	read_words(place, at, table->word_size, table->bytes.big_endian, words);
	if (!is_module(table, words))
		return false;
	if (table->version >= WB_PCLNTAB_1_18) {
		table->data = pick_data(table, words);
		table->has_data = true;
		table->text = words[MODULE_TEXT];
		table->has_text = true;
	}
	return true;
}

/* Looks for a word that is the table's address. */
static bool scan_module(struct wb_pclntab *table, const struct place *place)
{
	unsigned size = table->word_size;

	for (size_t at = (size_t)(-place->address & (size - 1)), hits = 0; at + size <= place->size && hits < HITS_MAX; at += size) {
		if (word_at(place, at, size, table->bytes.big_endian) != table->address)
			continue;
		if (take_module(table, place, at))
			return true;
		hits++;
	}
	return false;
}

/* In its own section, since 1.26; else in writable data. */
static enum wb_err find_module(struct wb_image *image, struct wb_object *object, struct wb_pclntab *table)
{
	struct place place = { .bytes = NULL };
	enum wb_err err = wb_image_section(image, object, ".go.module", &place.bytes, &place.size, &place.address);

	if (err == WB_ERR_MEMORY || (!err && take_module(table, &place, 0)))
		return err;
	for (size_t i = 0; i < num_places(object); i++) {
		bool is_found;

		err = open_place(image, object, i, true, &place);
		if (err == WB_ERR_MEMORY)
			return err;
		if (err)
			continue;
		is_found = scan_module(table, &place);
		close_place(&place);
		if (is_found)
			return WB_OK;
	}
	return WB_NONE;
}

/* Slices into the table one after the other, each of three words, as every module since 1.16 begins: tells the table's address where its magic
 * was overwritten. */
static bool looks_like_module(const uint64_t words[MODULE_WORDS], unsigned word_size)
{
	uint64_t header = words[1] - words[0];

	return words[0] && header >= 8 + 7u * word_size && header <= 128 && words[1] < words[4] && words[4] <= words[7] && words[7] <= words[10] &&
	       words[10] <= words[13] && words[13] == words[MODULE_FTAB];
}

/* The address of the table of the first thing that looks like a module. */
static bool guess_address(const struct place *place, unsigned word_size, bool big_endian, uint64_t *ret_address)
{
	for (size_t at = (size_t)(-place->address & (word_size - 1)); at + MODULE_WORDS * word_size <= place->size; at += word_size) {
		uint64_t words[MODULE_WORDS];

		/* Two words tell nearly always. */
		words[0] = word_at(place, at, word_size, big_endian);
		words[1] = word_at(place, at + word_size, word_size, big_endian);
		if (!words[0] || words[1] - words[0] > 128)
			continue;
		read_words(place, at, word_size, big_endian, words);
		if (!looks_like_module(words, word_size))
			continue;
		*ret_address = words[0];
		return true;
	}
	return false;
}

static enum wb_err open_by_module(struct wb_image *image, struct wb_object *object, struct place *place, struct wb_pclntab *ret)
{
	unsigned word_size = object->platform.arch == WB_ARCH_X86 || object->platform.arch == WB_ARCH_ARM ? 4 : 8;

	for (size_t i = 0; i < num_places(object); i++) {
		uint64_t address;
		bool is_found;
		enum wb_err err = open_place(image, object, i, true, place);

		if (err == WB_ERR_MEMORY)
			return err;
		if (err)
			continue;
		is_found = guess_address(place, word_size, object->platform.big_endian, &address);
		close_place(place);
		err = is_found ? open_address(image, object, address, place, ret) : WB_NONE;
		if (err != WB_NONE)
			return err;
	}
	return WB_NONE;
}

/* ---- Where text starts, without moduledata ---- */

/* Where a program starts is in the header of its file, and what that function is called in the table: right where Go's linker had the last word. */
static bool text_by_entry(struct wb_pclntab *table, const struct wb_object *object)
{
	struct wb_pclntab probe = *table;

	probe.text = 0;
	probe.has_text = true;
	for (uint32_t i = 0; object->entry && i < table->num_functions; i++) {
		struct wb_go_function function;
		const char *name = wb_pclntab_function(&probe, i, &function) == WB_OK ? wb_pclntab_name(&probe, &function) : NULL;

		if (!name || strncmp(name, "_rt0_", 5) != 0 || strstr(name, "_lib") || function.start > object->entry)
			continue;
		table->text = object->entry - function.start;
		table->has_text = true;
		return true;
	}
	return false;
}

static void text_by_section(struct wb_pclntab *table, const struct wb_object *object)
{
	size_t index;

	if (wb_object_find_section(object, ".text", &index))
		return;
	table->text = object->sections[index].vaddr;
	table->has_text = table->text_is_guess = true;
}

static enum wb_err complete(struct wb_image *image, struct wb_object *object, struct wb_pclntab *table, struct symbols *symbols)
{
	enum wb_err err;

	if (table->version < WB_PCLNTAB_1_18)
		return WB_OK;
	err = find_module(image, object, table);
	if (err != WB_NONE)
		return err;
	err = read_symbols(image, object, symbols);
	if (err)
		return err;
	table->data = symbols->data;
	table->has_data = symbols->has_data;
	if (!table->has_text && symbols->has_text) {
		table->text = symbols->text;
		table->has_text = true;
	}
	if (!table->has_text && !text_by_entry(table, object))
		text_by_section(table, object);
	return WB_OK;
}

/* ---- Of an image ---- */

/* Whether to look further where no section has the tables' name. Other images must not pay for it. */
static bool may_be_go(const struct wb_object *object)
{
	static const char *const names[] = { ".go.buildinfo", ".go_buildinfo", ".note.go.buildid", ".go.module", ".gosymtab", ".typelink", ".itablink" };

	if (object->relocatable || object->absolute)
		return false;
	if (!object->num_sections || object->is_go || object->platform.os == WB_OS_WINDOWS)
		return true;
	for (size_t i = 0; i < object->num_sections; i++)
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++)
			if (!strcmp(object->sections[i].name, names[j]))
				return true;
	return false;
}

static enum wb_err find_table(struct wb_image *image, struct wb_object *object, struct found *found)
{
	struct symbols symbols = { 0 };
	struct place place = { .bytes = NULL };
	enum wb_err err = open_named(image, object, &found->table);

	if (err == WB_NONE && may_be_go(object)) {
		err = read_symbols(image, object, &symbols);
		if (!err)
			err = symbols.has_table ? open_address(image, object, symbols.table, &place, &found->table) : WB_NONE;
		if (err == WB_NONE)
			err = scan(image, object, &place, &found->table);
		if (err == WB_NONE)
			err = open_by_module(image, object, &place, &found->table);
	}
	found->owned = place.owned;
	found->charged = place.owned ? place.size : 0;
	if (!err)
		err = complete(image, object, &found->table, &symbols);
	return err;
}

static void found_free(void *value)
{
	struct found *found = value;

	if (!found)
		return;
	wb_session_discharge(wb_image_session(found->image), found->charged, false);
	wb_mem_free(found->owned);
	wb_mem_free(found);
}

static enum wb_err build(struct wb_image *image, void *arg, void **ret_value)
{
	struct found *found = wb_mem_zalloc(1, sizeof(*found));
	enum wb_err err;

	*ret_value = NULL;
	if (!found)
		return WB_ERR_MEMORY;
	found->image = image;
	err = find_table(image, arg, found);
	if (found->charged)
		wb_session_charge(wb_image_session(image), found->charged, true);
	if (err) {
		found_free(found);
		return err;
	}
	found->table.read = read_image;
	found->table.read_arg = image;
	*ret_value = found;
	return WB_OK;
}

enum wb_err wb_pclntab_of_image(struct wb_image *image, const struct wb_pclntab **ret_table)
{
	struct wb_object *object;
	void *value = NULL;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &object);

	if (!err)
		err = wb_image_slot(image, WB_SLOT_PCLNTAB, build, object, found_free, &value);
	if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
		return err;
	*ret_table = err ? NULL : value;
	return WB_OK;
}
