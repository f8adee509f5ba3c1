/* SPDX-License-Identifier: MIT */
/* The bytes of an image's files: sections, read or unpacked at most once and published; symbols; what the loaded image holds at an address. */
#include "model/image_files.h"

#include "base/mem.h"
#include "model/session.h"

/* Its bytes, or where they will be. */
static enum wb_err open_section(struct wb_object *object, size_t index, struct wb_image_section *section)
{
	const struct wb_image_format *format = object->format;
	struct wb_packed packed;
	enum wb_err err = format->read_packed ? format->read_packed(object, index, &packed) : WB_NONE;

	if (err == WB_NONE)
		return format->read_section(object, index, &section->piece);
	section->piece.size = err ? 0 : packed.size;
	if (!err)
		err = wb_unpack_new(&packed, &section->unpack);
	if (!err)
		section->piece.bytes = wb_unpack_bytes(section->unpack);
	return err;
}

/* Reads a section and publishes it, also that it cannot be read. Under the section's lock. */
static enum wb_err load_section(struct wb_image *image, struct wb_image_file *file, size_t index, struct wb_image_section **ret_section)
{
	struct wb_object *object = file->object;
	struct wb_image_section *section = wb_mem_zalloc(1, sizeof(*section));

	if (!section)
		return WB_ERR_MEMORY;
	section->err = open_section(object, index, section);
	if (section->err == WB_ERR_MEMORY) {
		wb_mem_free(section);
		return WB_ERR_MEMORY;
	}
	if (!section->err && (section->piece.owned || section->unpack)) {
		wb_session_charge(image->session, section->piece.size, true);
		atomic_fetch_add_explicit(&file->charged, section->piece.size, memory_order_relaxed);
	}
	atomic_store_explicit(&file->sections[index], section, memory_order_release);
	*ret_section = section;
	return WB_OK;
}

static enum wb_err section_of(struct wb_image *image, struct wb_image_file *file, size_t index, struct wb_image_section **ret_section)
{
	struct wb_image_section *section = atomic_load_explicit(&file->sections[index], memory_order_acquire);
	enum wb_err err = WB_OK;

	if (!section) {
		struct wb_lock *lock = &image->section_locks[index % WB_IMAGE_SECTION_LOCKS];

		wb_lock_take(lock);
		section = atomic_load_explicit(&file->sections[index], memory_order_relaxed);
		if (!section)
			err = load_section(image, file, index, &section);
		wb_lock_give(lock);
	}
	if (err)
		return err;
	*ret_section = section;
	return WB_OK;
}

enum wb_err wb_image_section_begin(struct wb_image *image, struct wb_object *object, const char *name, struct wb_section_bytes *ret_section)
{
	struct wb_image_section *section;
	size_t index;
	enum wb_err err = wb_object_find_section(object, name, &index);

	if (!err)
		err = section_of(image, object->holder, index, &section);
	if (err)
		return err;
	if (section->err)
		return section->err;
	*ret_section = (struct wb_section_bytes){ section->piece.bytes, section->piece.size, object->sections[index].vaddr, section->unpack };
	return WB_OK;
}

static enum wb_err give_all(const struct wb_section_bytes *section, const uint8_t **ret_bytes, size_t *ret_size, uint64_t *ret_vaddr)
{
	enum wb_err err = section->unpack ? wb_unpack_need(section->unpack, section->size) : WB_OK;

	if (err)
		return err;
	*ret_bytes = section->bytes;
	*ret_size = section->size;
	if (ret_vaddr)
		*ret_vaddr = section->vaddr;
	return WB_OK;
}

enum wb_err wb_image_section(struct wb_image *image, struct wb_object *object, const char *name, const uint8_t **ret_bytes, size_t *ret_size,
                             uint64_t *ret_vaddr)
{
	struct wb_section_bytes section;
	enum wb_err err = wb_image_section_begin(image, object, name, &section);

	return err ? err : give_all(&section, ret_bytes, ret_size, ret_vaddr);
}

/* Opens what is packed into the executable. Under the files' lock. */
static enum wb_err open_inner(struct wb_image *image, struct wb_object *executable)
{
	struct wb_image_file *file;
	struct wb_object *inner;
	enum wb_err err = executable->format->open_inner ? executable->format->open_inner(executable, &inner) : WB_NONE;

	if (!err) {
		char *path = wb_mem_strdup(executable->path);

		if (!path) {
			wb_object_close(inner);
			return WB_ERR_MEMORY;
		}
		err = wb_image_file_new(image, inner, path, &file);
	}
	if (err == WB_ERR_MEMORY)
		return err;
	if (!err)
		atomic_store_explicit(&image->inner, file, memory_order_release);
	atomic_store_explicit(&image->inner_done, 1, memory_order_release);
	return WB_OK;
}

/* What is packed into the executable; WB_NONE: nothing, or it is broken, which was reported. */
static enum wb_err inner_object(struct wb_image *image, struct wb_object **ret_object)
{
	struct wb_image_file *file;
	struct wb_object *executable;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &executable);

	if (err)
		return err;
	if (!atomic_load_explicit(&image->inner_done, memory_order_acquire)) {
		wb_lock_take(&image->files_lock);
		if (!atomic_load_explicit(&image->inner_done, memory_order_relaxed))
			err = open_inner(image, executable);
		wb_lock_give(&image->files_lock);
	}
	file = atomic_load_explicit(&image->inner, memory_order_acquire);
	if (!err && !file)
		err = WB_NONE;
	if (!err)
		*ret_object = file->object;
	return err;
}

enum wb_err wb_image_debug_section_begin(struct wb_image *image, const char *name, struct wb_object **ret_object,
                                         struct wb_section_bytes *ret_section)
{
	static const enum wb_file_role order[] = { WB_FILE_DEBUG, WB_FILE_EXECUTABLE };
	struct wb_object *object;
	enum wb_err err;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		err = wb_image_object(image, order[i], &object);
		if (!err)
			err = wb_image_section_begin(image, object, name, ret_section);
		if (!err)
			*ret_object = object;
		if (err != WB_NONE)
			return err;
	}
	err = inner_object(image, &object);
	if (!err)
		err = wb_image_section_begin(image, object, name, ret_section);
	if (!err)
		*ret_object = object;
	return err;
}

enum wb_err wb_image_debug_section(struct wb_image *image, const char *name, struct wb_object **ret_object, const uint8_t **ret_bytes,
                                   size_t *ret_size, uint64_t *ret_vaddr)
{
	struct wb_section_bytes section;
	enum wb_err err = wb_image_debug_section_begin(image, name, ret_object, &section);

	return err ? err : give_all(&section, ret_bytes, ret_size, ret_vaddr);
}

enum wb_err wb_image_symbols(struct wb_image *image, struct wb_object *object, wb_symbol_fn fn, void *arg)
{
	struct wb_image_file *file = object->holder;
	enum wb_err err = object->format->list_symbols(object, fn, arg);
	uint64_t held = atomic_load_explicit(&object->held, memory_order_relaxed);

	wb_lock_take(&image->held_lock);
	if (held > file->held_charged) {
		wb_session_charge(image->session, held - file->held_charged, true);
		atomic_fetch_add_explicit(&file->charged, held - file->held_charged, memory_order_relaxed);
		file->held_charged = held;
	}
	wb_lock_give(&image->held_lock);
	return err;
}

enum wb_err wb_image_read(struct wb_image *image, uint64_t image_pc, void *buffer, size_t count)
{
	struct wb_object *object;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &object);

	return err ? err : wb_object_read(object, image_pc, buffer, count);
}
