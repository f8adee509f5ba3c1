/* SPDX-License-Identifier: MIT */
/* The debug information of an image: from its debug file, else from its executable; made on first need. */
#include "symbols/dwarf.h"
#include "symbols/dwarf_files.h"
#include "symbols/symtab.h"

#include "model/session.h"

/* What is read from its start only as far as it is wanted, or not at all: .debug_info is by far the largest section, and lines are not wanted by
 * everybody. */
static bool is_unpacked_later(enum wb_dwarf_section section)
{
	return section == WB_DWARF_INFO || section == WB_DWARF_LINE;
}

/* Once a file has given .debug_info or .debug_line, the others must come from it. */
static enum wb_err read_section(struct wb_image *image, enum wb_dwarf_section id, struct wb_object **object, struct wb_dwarf_slice *slice)
{
	const char *name = wb_dwarf_section_name(id);
	struct wb_section_bytes section;
	struct wb_object *from;
	enum wb_err err = *object ? wb_image_section_begin(image, *object, name, &section) :
	                            wb_image_debug_section_begin(image, name, &from, &section);

	if (!err && section.unpack && !is_unpacked_later(id)) {
		err = wb_unpack_need(section.unpack, section.size);
		section.unpack = NULL;
	}
	if (err)
		return err;
	if (!*object && is_unpacked_later(id))
		*object = from;
	if (*object)
		*slice = (struct wb_dwarf_slice){ .bytes = section.bytes, .size = section.size, .unpack = section.unpack };
	return WB_OK;
}

static enum wb_err read_sections(struct wb_image *image, struct wb_dwarf_sections *sections, struct wb_object **ret_object)
{
	struct wb_object *object = NULL;

	for (unsigned i = 0; i < WB_DWARF_SECTIONS_READ; i++) {
		enum wb_err err = read_section(image, (enum wb_dwarf_section)i, &object, &sections->by_id[i]);

		if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
			return err;
	}
	*ret_object = object;
	return object ? WB_OK : WB_NONE;
}

static enum wb_err build_dwarf(struct wb_image *image, void *arg, void **ret_value)
{
	struct wb_session *session = wb_image_session(image);
	struct wb_dwarf_sections sections = { 0 };
	struct wb_object *object = NULL;
	struct wb_dwarf *dwarf;
	struct wb_text text;
	enum wb_err err = read_sections(image, &sections, &object);

	(void)arg;
	*ret_value = NULL;
	if (err)
		return err;
	sections.big_endian = object->platform.big_endian;
	sections.address_size = object->platform.arch == WB_ARCH_X86 || object->platform.arch == WB_ARCH_ARM ? 4 : 8;
	sections.path = object->path;
	sections.diags = wb_session_diags(session);
	sections.image = image;
	sections.object = object;
	err = wb_dwarf_files_new(image, object, &sections.files);
	if (err)
		return err;
	err = wb_text_init(&text, object);
	if (!err)
		err = wb_dwarf_new(session, &sections, &text, &dwarf);
	if (err)
		wb_dwarf_files_free(sections.files);
	else
		*ret_value = dwarf;
	return err;
}

/* The file that will give the sections; NULL if that is not clear. */
static struct wb_object *object_with_units(struct wb_image *image)
{
	static const enum wb_file_role roles[] = { WB_FILE_DEBUG, WB_FILE_EXECUTABLE };

	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		struct wb_object *object;
		size_t index;

		if (wb_image_object(image, roles[i], &object) == WB_OK && wb_object_find_section(object, ".debug_info", &index) == WB_OK &&
		    !(object->sections[index].flags & WB_SECTION_NOBITS))
			return object;
	}
	return NULL;
}

/* While another thread unpacks what all lookups need: the same from the last section on, and the symbols, which lookups need as well. What fails
 * here fails again where it is needed. */
static void help_building(struct wb_image *image)
{
	struct wb_object *object = object_with_units(image);
	const struct wb_symtab *symtab;

	if (!object)
		return;
	for (unsigned i = WB_DWARF_SECTIONS_READ; i-- > 0 && wb_image_slot_is_busy(image, WB_SLOT_DWARF);) {
		const uint8_t *bytes;
		size_t size;

		if (!is_unpacked_later((enum wb_dwarf_section)i))
			(void)wb_image_section(image, object, wb_dwarf_section_name((enum wb_dwarf_section)i), &bytes, &size, NULL);
	}
	if (wb_image_slot_is_busy(image, WB_SLOT_DWARF))
		(void)wb_symtab_of_image(image, &symtab);
}

static void destroy_dwarf(void *value)
{
	struct wb_dwarf_files *files = wb_dwarf_sections_of(value)->files;

	wb_dwarf_free(value);
	wb_dwarf_files_free(files);
}

enum wb_err wb_dwarf_of_image(struct wb_image *image, struct wb_dwarf **ret_dwarf)
{
	void *value = NULL;
	enum wb_err err;

	if (wb_image_slot_is_busy(image, WB_SLOT_DWARF))
		help_building(image);
	err = wb_image_slot(image, WB_SLOT_DWARF, build_dwarf, NULL, destroy_dwarf, &value);

	if (err)
		return err;
	if (!value)
		return WB_NONE;
	*ret_dwarf = value;
	return WB_OK;
}

/* Has all of .debug_info, which other threads use meanwhile. False: another thread does that, or there is nothing to unpack. */
static bool unpack_for_all(struct wb_image *image)
{
	struct wb_object *object = object_with_units(image);
	struct wb_section_bytes info;

	if (!object || wb_image_section_begin(image, object, wb_dwarf_section_name(WB_DWARF_INFO), &info) != WB_OK || !info.unpack)
		return false;
	if (wb_unpack_share(info.unpack)) {
		(void)wb_unpack_need(info.unpack, info.size);
		return true;
	}
	wb_unpack_help(info.unpack);
	return false;
}

void wb_dwarf_expect_many(struct wb_image *image, bool lines, bool is_shared)
{
	const struct wb_symtab *symtab;
	struct wb_dwarf *dwarf;

	if ((is_shared && unpack_for_all(image)) || wb_dwarf_of_image(image, &dwarf) != WB_OK)
		return;
	if (!is_shared) {
		(void)wb_dwarf_need(wb_dwarf_sections_of(dwarf), WB_DWARF_INFO, UINT64_MAX);
		return;
	}
	if (lines)
		(void)wb_dwarf_need(wb_dwarf_sections_of(dwarf), WB_DWARF_LINE, UINT64_MAX);
	(void)wb_symtab_of_image(image, &symtab);
}
