/* SPDX-License-Identifier: MIT */
/*
 * Opening the further debug files of an image. Each has a place where it is published; places are filled under one lock, which the image's own
 * locks come after.
 */
#include "symbols/dwarf_files.h"

#include "base/lock.h"
#include "base/mem.h"
#include "model/session.h"
#include "symbols/dwarf.h"
#include "symbols/dwarf_ids.h"
#include "symbols/dwarf_package.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

enum { DWO_PATH_MAX = 4096 };         /* as a candidate's */

/* An open file of split units. */
struct dwo {
	struct dwo *next;             /* of all */
	struct dwo *next_of_several;  /* of those with several units: what the next skeleton wants may be among them */
	struct wb_dwarf *dwarf;
	struct wb_unit_ids ids;
};

struct place {
	_Atomic(struct wb_dwarf *) dwarf; /* NULL: not open yet, or not had */
	_Atomic uint8_t done;         /* it is known whether the file is had */
	const struct dwo *dwo;        /* of a skeleton's place, under the lock: where dwarf is from */
};

struct wb_dwarf_files {
	struct wb_image *image;
	struct wb_object *object;     /* the main file's */
	struct wb_lock lock;          /* of what follows; readers of what is published take none */
	struct place supplementary, package;
	struct wb_package index;      /* of the package; published with it */
	_Atomic(struct place *) dwos; /* by the main file's units */
	size_t num_dwos;              /* published with dwos */
	struct dwo *open, *of_several; /* lists */
};

enum wb_err wb_dwarf_files_new(struct wb_image *image, struct wb_object *object, struct wb_dwarf_files **ret_files)
{
	struct wb_dwarf_files *files = wb_mem_zalloc(1, sizeof *files);

	if (!files)
		return WB_ERR_MEMORY;
	files->image = image;
	files->object = object;
	wb_lock_init(&files->lock);
	*ret_files = files;
	return WB_OK;
}

static struct wb_dwarf *published(const struct place *place)
{
	return atomic_load_explicit(&place->dwarf, memory_order_acquire);
}

static void publish(struct place *place, struct wb_dwarf *dwarf)
{
	atomic_store_explicit(&place->dwarf, dwarf, memory_order_release);
	atomic_store_explicit(&place->done, 1, memory_order_release);
}

static bool is_done(const struct place *place)
{
	return atomic_load_explicit(&place->done, memory_order_acquire);
}

static void dwo_free(struct dwo *dwo)
{
	if (!dwo)
		return;
	wb_dwarf_free(dwo->dwarf);
	wb_unit_ids_deinit(&dwo->ids);
	wb_mem_free(dwo);
}

void wb_dwarf_files_free(struct wb_dwarf_files *files)
{
	if (!files)
		return;
	for (struct dwo *dwo = files->open, *next; dwo; dwo = next) {
		next = dwo->next;
		dwo_free(dwo);
	}
	wb_mem_free(atomic_load(&files->dwos));
	wb_dwarf_free(published(&files->package));
	wb_package_deinit(&files->index);
	wb_dwarf_free(published(&files->supplementary));
	wb_lock_deinit(&files->lock);
	wb_mem_free(files);
}

struct wb_dwarf *wb_dwarf_files_dwarf(const struct wb_dwarf_files *files, uint32_t file)
{
	const struct place *dwos;

	if (!files || file == WB_DWARF_FILE_MAIN)
		return NULL;
	if (file == WB_DWARF_FILE_SUPPLEMENTARY)
		return published(&files->supplementary);
	if (file == WB_DWARF_FILE_PACKAGE)
		return published(&files->package);
	dwos = atomic_load_explicit(&files->dwos, memory_order_acquire);
	return dwos && file - WB_DWARF_FILE_DWO < files->num_dwos ? published(&dwos[file - WB_DWARF_FILE_DWO]) : NULL;
}

const struct wb_dwarf_sections *wb_dwarf_files_sections(const struct wb_dwarf_files *files, uint32_t file)
{
	const struct wb_dwarf *dwarf = wb_dwarf_files_dwarf(files, file);

	return dwarf ? wb_dwarf_sections_of(dwarf) : NULL;
}

/* ---- Sections of further files -------------------------------------------------------------------------------------------- */

/* Names in split files (DWARF 5, 7.3.2.2); NULL: they have no such section, and use the main file's. */
static const char *const split_names[WB_DWARF_SECTIONS] = {
	[WB_DWARF_INFO] = ".debug_info.dwo", [WB_DWARF_ABBREV] = ".debug_abbrev.dwo", [WB_DWARF_STR] = ".debug_str.dwo",
	[WB_DWARF_STR_OFFSETS] = ".debug_str_offsets.dwo", [WB_DWARF_RNGLISTS] = ".debug_rnglists.dwo",
};

/* Reads a section of a file into its slice. */
static enum wb_err read_slice(struct wb_image *image, struct wb_object *object, const char *name, uint32_t file, struct wb_dwarf_slice *slice)
{
	struct wb_dwarf_slice read = { .file = file };
	enum wb_err err = wb_image_section(image, object, name, &read.bytes, &read.size, NULL);

	if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
		return err;
	if (!err)
		*slice = read;
	return WB_OK;
}

static enum wb_err read_slices(struct wb_image *image, struct wb_object *object, bool is_split, uint32_t file, struct wb_dwarf_sections *sections)
{
	for (unsigned i = 0; i < WB_DWARF_SECTIONS_READ; i++) {
		const char *name = is_split ? split_names[i] : wb_dwarf_section_name((enum wb_dwarf_section)i);
		enum wb_err err = name ? read_slice(image, object, name, file, &sections->by_id[i]) : WB_OK;

		if (err)
			return err;
	}
	return WB_OK;
}

static void describe(struct wb_image *image, struct wb_object *object, struct wb_dwarf_sections *sections)
{
	sections->big_endian = object->platform.big_endian;
	sections->address_size = object->platform.arch == WB_ARCH_X86 || object->platform.arch == WB_ARCH_ARM ? 4 : 8;
	sections->path = object->path;
	sections->diags = wb_session_diags(wb_image_session(image));
	sections->files = NULL;
	sections->image = image;
	sections->object = object;
}

/* WB_NONE: no units in it. */
static enum wb_err make_dwarf(const struct wb_dwarf_files *files, const struct wb_dwarf_sections *sections, struct wb_dwarf **ret_dwarf)
{
	struct wb_text text = { 0 };

	if (sections->by_id[WB_DWARF_INFO].size == 0)
		return WB_NONE;
	return wb_dwarf_new(wb_image_session(files->image), sections, &text, ret_dwarf);
}

enum wb_err wb_dwarf_of_object(struct wb_image *image, struct wb_object *object, struct wb_dwarf **ret_dwarf)
{
	struct wb_dwarf_sections sections = { 0 };
	struct wb_text text;
	enum wb_err err;

	describe(image, object, &sections);
	err = read_slices(image, object, false, WB_DWARF_FILE_MAIN, &sections);
	if (!err && !sections.by_id[WB_DWARF_INFO].size && !sections.by_id[WB_DWARF_LINE].size)
		err = WB_NONE;
	if (!err)
		err = wb_text_init(&text, object);
	return err ? err : wb_dwarf_new(wb_image_session(image), &sections, &text, ret_dwarf);
}

/* ---- dwz's file ------------------------------------------------------------------------------------------------------------- */

static enum wb_err open_supplementary(struct wb_dwarf_files *files, struct wb_dwarf **ret_dwarf)
{
	struct wb_dwarf_sections sections = { 0 };
	struct wb_object *object;
	enum wb_err err = wb_image_object(files->image, WB_FILE_SUPPLEMENTARY, &object);

	if (err)
		return err;
	describe(files->image, object, &sections);
	err = read_slices(files->image, object, false, WB_DWARF_FILE_SUPPLEMENTARY, &sections);
	return err ? err : make_dwarf(files, &sections, ret_dwarf);
}

/* Whether a search that did not find is over: a finder may have asked to be asked again. */
static bool is_final(const struct wb_dwarf_files *files, enum wb_err err, enum wb_file_role role)
{
	if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
		return false;
	return err != WB_NONE || wb_image_verdict(files->image, role) != WB_VERDICT_NOT_TRIED;
}

/* Fills the place of the supplementary file, under the lock. */
static void look_for_supplementary(struct wb_dwarf_files *files)
{
	struct wb_dwarf *dwarf = NULL;
	enum wb_err err = open_supplementary(files, &dwarf);

	if (err && !is_final(files, err, WB_FILE_SUPPLEMENTARY))
		return;
	publish(&files->supplementary, dwarf);
	if (err)
		wb_diag_report(wb_session_diags(wb_image_session(files->image)), WB_OK, WB_DIAG_DWARF_UNSUPPORTED, files->object->path, "", UINT64_MAX,
		               "names are in the supplementary file %s, which is %s", files->object->altlink,
		               wb_verdict_text(wb_image_verdict(files->image, WB_FILE_SUPPLEMENTARY)));
}

struct wb_dwarf *wb_dwarf_files_supplementary_dwarf(struct wb_dwarf_files *files)
{
	struct place *place;

	if (!files || !files->object->altlink)
		return NULL;
	place = &files->supplementary;
	if (!is_done(place)) {
		wb_lock_take(&files->lock);
		if (!is_done(place))
			look_for_supplementary(files);
		wb_lock_give(&files->lock);
	}
	return published(place);
}

const struct wb_dwarf_sections *wb_dwarf_files_supplementary(struct wb_dwarf_files *files)
{
	const struct wb_dwarf *dwarf = wb_dwarf_files_supplementary_dwarf(files);

	return dwarf ? wb_dwarf_sections_of(dwarf) : NULL;
}

/* ---- Split units ------------------------------------------------------------------------------------------------------------ */

/* What a split file shares with the main one. */
static void share_main(struct wb_dwarf_sections *sections, const struct wb_dwarf *main)
{
	*sections = *wb_dwarf_sections_of(main);
	for (unsigned i = 0; i < WB_DWARF_SECTIONS; i++)
		if (split_names[i] && i != WB_DWARF_RNGLISTS)
			sections->by_id[i] = (struct wb_dwarf_slice){ 0 };
}

static enum wb_err read_split(struct wb_dwarf_files *files, const struct wb_dwarf *main, struct wb_object *object, uint32_t file,
                              struct wb_dwarf_sections *ret_sections)
{
	share_main(ret_sections, main);
	describe(files->image, object, ret_sections);
	return read_slices(files->image, object, true, file, ret_sections);
}

static enum wb_err open_package(struct wb_dwarf_files *files, const struct wb_dwarf *main, struct wb_dwarf **ret_dwarf)
{
	struct wb_dwarf_sections sections;
	struct wb_object *object;
	const uint8_t *bytes;
	size_t size;
	enum wb_err err = wb_image_object(files->image, WB_FILE_DWP, &object);

	if (!err)
		err = read_split(files, main, object, WB_DWARF_FILE_PACKAGE, &sections);
	if (!err)
		err = wb_image_section(files->image, object, ".debug_cu_index", &bytes, &size, NULL);
	if (!err)
		err = wb_package_init(&files->index, wb_bytes_of(bytes, size, sections.big_endian), &sections);
	if (err)
		return err;
	sections.package = &files->index;
	err = make_dwarf(files, &sections, ret_dwarf);
	if (err)
		wb_package_deinit(&files->index);
	return err;
}

/* Under the lock. */
static enum wb_err package_of(struct wb_dwarf_files *files, const struct wb_dwarf *main, struct wb_dwarf **ret_dwarf)
{
	struct place *place = &files->package;

	if (!is_done(place)) {
		struct wb_dwarf *dwarf = NULL;
		enum wb_err err = open_package(files, main, &dwarf);

		if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
			return err;
		if (!err || is_final(files, err, WB_FILE_DWP))
			publish(place, dwarf);
	}
	*ret_dwarf = published(place);
	return *ret_dwarf ? WB_OK : WB_NONE;
}

static enum wb_err find_in_package(struct wb_dwarf_files *files, struct wb_dwarf *package, uint64_t id, size_t *ret_unit)
{
	const struct wb_package_row *row = wb_package_find(&files->index, id);
	struct wb_unit_source source;

	/* That the index is right about it, the unit says itself. */
	if (!row || wb_dwarf_unit_of_offset(package, row->slices[WB_PACKAGE_INFO].offset, ret_unit) != WB_OK ||
	    wb_unit_source_init(&source, package, *ret_unit) != WB_OK || source.root.dwo_id != id)
		return WB_NONE;
	return WB_OK;
}

/* A search for the file of a split unit. */
struct dwo_search {
	struct wb_dwarf_files *files;
	const struct wb_dwarf *main;
	const struct wb_unit_root *root;
	uint32_t file;
	struct dwo *dwo;              /* found */
};

static enum wb_err dwo_new(struct dwo_search *search, const struct wb_dwarf_sections *sections, struct dwo **ret_dwo)
{
	struct dwo *dwo = wb_mem_zalloc(1, sizeof *dwo);
	enum wb_err err = dwo ? make_dwarf(search->files, sections, &dwo->dwarf) : WB_ERR_MEMORY;

	if (!err)
		err = wb_unit_ids_init(&dwo->ids, dwo->dwarf);
	if (err)
		dwo_free(dwo);
	else
		*ret_dwo = dwo;
	return err;
}

/* Opens an object; WB_NONE: the unit is not in it. */
static enum wb_err accept_dwo(void *arg, struct wb_image *image, struct wb_object *object)
{
	struct dwo_search *search = arg;
	struct wb_dwarf_sections sections;
	struct dwo *dwo = NULL;
	size_t unit;
	enum wb_err err = read_split(search->files, search->main, object, search->file, &sections);

	(void)image;
	if (!err)
		err = dwo_new(search, &sections, &dwo);
	if (!err)
		err = wb_unit_ids_find(&dwo->ids, search->root->dwo_id, &unit);
	if (err == WB_NONE)
		wb_diag_report(sections.diags, WB_OK, WB_DIAG_FILE_MISMATCHED, sections.path, ".debug_info.dwo", UINT64_MAX,
		               "no unit of the id 0x%016" PRIx64, search->root->dwo_id);
	if (err) {
		dwo_free(dwo);
		return err;
	}
	search->dwo = dwo;
	return WB_OK;
}

/* As named, from the folder where it was compiled; then from the main file's, where builds that hide their folder leave it. */
static enum wb_err find_dwo(struct dwo_search *search, struct wb_object **ret_object)
{
	const struct wb_unit_root *root = search->root;
	struct wb_file_query query = {
		.size = sizeof query, .role = WB_FILE_DWO, .path = root->dwo_name, .referrer = search->files->object->path, .dwo_id = root->dwo_id,
	};
	struct wb_file_query queries[2] = { query, query };
	bool is_in_folder = root->dwo_name && root->dwo_name[0] != '/' && root->comp_dir;
	char path[DWO_PATH_MAX];

	if (!root->dwo_name)
		return WB_NONE;
	if (is_in_folder) {
		int length = snprintf(path, sizeof path, "%s/%s", root->comp_dir, root->dwo_name);

		queries[0].path = path;
		is_in_folder = length > 0 && (size_t)length < sizeof path;
	}
	return wb_image_extra_object(search->files->image, is_in_folder ? queries : queries + 1, is_in_folder ? 2 : 1, accept_dwo, search, ret_object);
}

static enum wb_err open_dwo(struct wb_dwarf_files *files, const struct wb_dwarf *main, size_t skeleton, const struct wb_unit_root *root,
                            const struct dwo **ret_dwo)
{
	struct dwo_search search = { .files = files, .main = main, .root = root, .file = (uint32_t)(WB_DWARF_FILE_DWO + skeleton) };
	struct wb_object *object;
	enum wb_err err = find_dwo(&search, &object);

	/* Two skeletons of one unit share its file, and have tables of their own. */
	if (!err && !search.dwo)
		err = accept_dwo(&search, files->image, object);
	if (err) {
		dwo_free(search.dwo);
		return err;
	}
	search.dwo->next = files->open;
	files->open = search.dwo;
	if (search.dwo->ids.count > 1) {
		search.dwo->next_of_several = files->of_several;
		files->of_several = search.dwo;
	}
	*ret_dwo = search.dwo;
	return WB_OK;
}

/* The file that is open already and has the unit; NULL if none does. */
static const struct dwo *known_dwo(const struct wb_dwarf_files *files, uint64_t id)
{
	const struct dwo *dwo = files->of_several;
	size_t unit;

	while (dwo && wb_unit_ids_find(&dwo->ids, id, &unit) != WB_OK)
		dwo = dwo->next_of_several;
	return dwo;
}

/* The place of a skeleton's file; NULL when out of memory. Under the lock. */
static struct place *dwo_place(struct wb_dwarf_files *files, struct wb_dwarf *main, size_t skeleton)
{
	struct place *dwos = atomic_load_explicit(&files->dwos, memory_order_relaxed);

	if (!dwos) {
		if (wb_dwarf_num_units(main, &files->num_dwos) != WB_OK)
			return NULL;
		dwos = wb_mem_zalloc(files->num_dwos, sizeof *dwos);
		if (!dwos)
			return NULL;
		atomic_store_explicit(&files->dwos, dwos, memory_order_release);
	}
	return &dwos[skeleton];
}

/* Under the lock. */
static enum wb_err dwo_of(struct wb_dwarf_files *files, struct wb_dwarf *main, size_t skeleton, const struct wb_unit_root *root,
                          struct wb_dwarf **ret_dwarf, size_t *ret_unit)
{
	struct place *place = dwo_place(files, main, skeleton);

	if (!place)
		return WB_ERR_MEMORY;
	if (!is_done(place)) {
		const struct dwo *dwo = known_dwo(files, root->dwo_id);
		enum wb_err err = dwo ? WB_OK : open_dwo(files, main, skeleton, root, &dwo);

		if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED)
			return err;
		place->dwo = dwo;
		publish(place, dwo ? dwo->dwarf : NULL);
	}
	*ret_dwarf = published(place);
	return place->dwo ? wb_unit_ids_find(&place->dwo->ids, root->dwo_id, ret_unit) : WB_NONE;
}

static enum wb_err split_of(struct wb_dwarf_files *files, struct wb_dwarf *main, size_t skeleton, const struct wb_unit_root *root,
                            struct wb_dwarf **ret_dwarf, size_t *ret_unit)
{
	enum wb_err err = package_of(files, main, ret_dwarf);

	if (!err)
		err = find_in_package(files, *ret_dwarf, root->dwo_id, ret_unit);
	if (err != WB_NONE)
		return err;
	return dwo_of(files, main, skeleton, root, ret_dwarf, ret_unit);
}

enum wb_err wb_dwarf_files_split(struct wb_dwarf_files *files, struct wb_dwarf *main, size_t skeleton, const struct wb_unit_root *root,
                                 struct wb_dwarf **ret_dwarf, size_t *ret_unit)
{
	enum wb_err err;

	if (!files || skeleton >= WB_DWARF_FILES_MAX - WB_DWARF_FILE_DWO)
		return WB_NONE;
	wb_lock_take(&files->lock);
	err = split_of(files, main, skeleton, root, ret_dwarf, ret_unit);
	wb_lock_give(&files->lock);
	return err;
}
