/* SPDX-License-Identifier: MIT */
/*
 * Images: identity, references, the values that other layers keep with them, and the public face. Their files are image_files.c's, the
 * tables that find them image_pool.c's.
 */
#include "model/image.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/image_files.h"
#include "model/image_pool.h"
#include "model/session.h"

#include <string.h>

/* ---- Lives ------------------------------------------------------------------------------------------------------ */

enum wb_err wb_image_make(struct wb_session *session, const struct wb_identity *identity, struct wb_image **ret_image)
{
	struct wb_image *image = wb_mem_zalloc(1, sizeof(*image));
	char *path = wb_mem_strdup(identity->path);
	char *debug_path = wb_mem_strdup(identity->debug_path ? identity->debug_path : "");
	char *debug_id = wb_mem_strdup(identity->debug_id ? identity->debug_id : "");

	if (!image || !path || !debug_path || !debug_id) {
		wb_mem_free(image);
		wb_mem_free(path);
		wb_mem_free(debug_path);
		wb_mem_free(debug_id);
		return WB_ERR_MEMORY;
	}
	image->debug_path = debug_path;
	image->debug_id = debug_id;
	atomic_init(&image->refs, 1);
	image->flags = identity->flags;
	image->session = wb_session_ref(session);
	image->path = path;
	image->build_id_size = identity->build_id_size;
	if (identity->build_id_size)
		memcpy(image->build_id, identity->build_id, identity->build_id_size);
	image->platform = identity->platform;
	wb_lock_init(&image->files_lock);
	wb_lock_init(&image->held_lock);
	for (size_t i = 0; i < WB_IMAGE_SECTION_LOCKS; i++)
		wb_lock_init(&image->section_locks[i]);
	for (size_t i = 0; i < WB_SLOT_COUNT; i++)
		wb_lock_init(&image->values[i].lock);
	*ret_image = image;
	return WB_OK;
}

void wb_image_destroy(struct wb_image *image)
{
	struct wb_session *session = image->session;

	/* Values point into the files: they go first. */
	for (size_t i = 0; i < WB_SLOT_COUNT; i++) {
		struct wb_image_value *value = &image->values[i];

		if (value->value && value->destroy)
			value->destroy(value->value);
		wb_lock_deinit(&value->lock);
	}
	wb_image_files_deinit(image);
	for (size_t i = 0; i < WB_IMAGE_SECTION_LOCKS; i++)
		wb_lock_deinit(&image->section_locks[i]);
	wb_lock_deinit(&image->held_lock);
	wb_lock_deinit(&image->files_lock);
	wb_mem_free(image->path);
	wb_mem_free(image->debug_path);
	wb_mem_free(image->debug_id);
	wb_mem_free(image);
	wb_session_unref(session);
}

struct wb_image *wb_image_ref(struct wb_image *image)
{
	if (image)
		atomic_fetch_add_explicit(&image->refs, 1, memory_order_relaxed);
	return image;
}

void wb_image_unref(struct wb_image *image)
{
	if (image && wb_image_pool_drop(wb_session_image_pool(image->session), image))
		wb_image_destroy(image);
}

static enum wb_err identity_take(struct wb_identity *identity, const struct wb_identity *given)
{
	enum wb_err err = wb_struct_take(identity, sizeof(*identity), given);

	if (err)
		return err;
	if (identity->build_id_size > WB_BUILD_ID_MAX || (identity->build_id_size && !identity->build_id) ||
	    identity->flags & ~(uint32_t)(WB_IMAGE_LOADED | WB_IMAGE_ABSOLUTE))
		return WB_ERR_ARGUMENT;
	if (!identity->path)
		identity->path = "";
	return WB_OK;
}

enum wb_err wb_image_new(struct wb_session *session, const struct wb_identity *given, struct wb_image **ret_image)
{
	struct wb_identity identity;
	enum wb_err err;

	if (!session || !given || !ret_image)
		return WB_ERR_ARGUMENT;
	err = identity_take(&identity, given);
	return err ? err : wb_image_pool_intern(wb_session_image_pool(session), session, &identity, ret_image);
}

enum wb_err wb_image_by_id(struct wb_session *session, uint64_t id, struct wb_image **ret_image)
{
	if (!session || !ret_image)
		return WB_ERR_ARGUMENT;
	return wb_image_pool_by_id(wb_session_image_pool(session), id, ret_image);
}

/* ---- Images of files that the caller has --------------------------------------------------------------------------- */

/* The image of an object that is open already. Takes object. `shared`: the same identity gives the same image; `is_given`: the caller's file. */
static enum wb_err image_around(struct wb_session *session, const struct wb_identity *identity, bool shared, bool is_given, enum wb_verdict verdict,
                                struct wb_object *object, struct wb_image **ret_image)
{
	struct wb_image_pool *pool = wb_session_image_pool(session);
	char *path = wb_mem_strdup(object->path);
	struct wb_image_file *file;
	struct wb_image *image;
	enum wb_err err = path ? WB_OK : WB_ERR_MEMORY;

	if (!err && shared)
		err = wb_image_pool_intern(pool, session, identity, &image);
	else if (!err)
		err = wb_image_pool_add(pool, session, identity, &image);
	if (err) {
		wb_mem_free(path);
		wb_object_close(object);
		return err;
	}
	err = wb_image_file_new(image, object, path, &file);
	if (err) {
		wb_image_unref(image);
		return err;
	}
	file->is_given = is_given;
	wb_image_adopt(image, WB_FILE_EXECUTABLE, file, verdict);
	*ret_image = image;
	return WB_OK;
}

/* How a file is opened. */
struct opening {
	struct wb_object_choice choice;
	uint32_t flags;               /* enum wb_image_flags */
	bool is_path;                 /* a file of its own, which can be met again also without a build id */
	bool is_mapped;               /* an archive will do: mappings of it tell more; an object of another architecture is the caller's to judge */
};

/* Why an object that was opened is not what was asked for; WB_OK if it is. */
static enum wb_err check_choice(struct wb_session *session, const char *path, const struct wb_object *object, const struct opening *how)
{
	struct wb_diags *diags = wb_session_diags(session);
	const struct wb_object_choice *choice = &how->choice;

	if (object->format->find_member && !how->is_mapped)
		return wb_diag_report(diags, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_UNRECOGNIZED, path, "", UINT64_MAX, "a zip archive, where an object file is wanted");
	if (choice->arch != WB_ARCH_UNKNOWN && object->platform.arch != choice->arch && !how->is_mapped)
		return wb_diag_report(diags, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_UNRECOGNIZED, path, "", UINT64_MAX, "built for %s, not for %s",
		                      wb_arch_name(object->platform.arch), wb_arch_name(choice->arch));
	if (choice->build_id_size && !wb_object_has_build_id(object, choice->build_id, choice->build_id_size))
		return wb_diag_report(diags, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_MISMATCHED, path, "", UINT64_MAX, "no object of that build id in it");
	return WB_OK;
}

/* Opens a file as an image; takes it. */
static enum wb_err open_file(struct wb_session *session, const char *path, struct wb_file *file, const struct opening *how, struct wb_image **ret_image)
{
	struct wb_object *object;
	struct wb_identity identity;
	enum wb_err err = wb_object_open_chosen(wb_session_diags(session), path, file, how->flags, &how->choice, &object);

	if (err)
		return err;
	err = check_choice(session, path, object, how);
	if (err) {
		wb_object_close(object);
		return err;
	}
	identity = (struct wb_identity){ .size = sizeof(identity), .platform = object->platform, .path = path, .flags = how->flags };
	if (object->absolute)
		identity.flags |= WB_IMAGE_ABSOLUTE;
	if (object->build_id_size <= WB_BUILD_ID_MAX) {
		identity.build_id = object->build_id;
		identity.build_id_size = object->build_id_size;
	}
	return image_around(session, &identity, how->is_path || identity.build_id_size, true, identity.build_id_size ? WB_VERDICT_MATCHED :
	                    WB_VERDICT_FORCED, object, ret_image);
}

static enum wb_err open_path(struct wb_session *session, const char *path, struct opening how, struct wb_image **ret_image)
{
	const char *reason;
	struct wb_file *file;
	enum wb_err err;

	if (!session || !path || !ret_image)
		return WB_ERR_ARGUMENT;
	how.is_path = true;
	err = wb_file_open(path, wb_session_config(session)->files_are_stable, &file, &reason);
	if (err)
		return wb_diag_report(wb_session_diags(session), err, WB_DIAG_FILE_UNREADABLE, path, "", UINT64_MAX, "%s", reason);
	return open_file(session, path, file, &how, ret_image);
}

enum wb_err wb_image_open(struct wb_session *session, const char *path, struct wb_image **ret_image)
{
	return open_path(session, path, (struct opening){ .flags = 0 }, ret_image);
}

enum wb_err wb_image_open_arch(struct wb_session *session, const char *path, enum wb_arch arch, struct wb_image **ret_image)
{
	return open_path(session, path, (struct opening){ .choice.arch = arch }, ret_image);
}

enum wb_err wb_image_open_build(struct wb_session *session, const char *path, const uint8_t *build_id, size_t build_id_size, struct wb_image **ret_image)
{
	if (!build_id || !build_id_size || build_id_size > WB_BUILD_ID_MAX)
		return WB_ERR_ARGUMENT;
	return open_path(session, path, (struct opening){ .choice = { .build_id = build_id, .build_id_size = build_id_size } }, ret_image);
}

enum wb_err wb_image_open_mapped(struct wb_session *session, const char *path, enum wb_arch arch, struct wb_image **ret_image)
{
	return open_path(session, path, (struct opening){ .choice.arch = arch, .is_mapped = true }, ret_image);
}

static bool flags_are_known(uint32_t flags)
{
	return !(flags & ~(uint32_t)(WB_IMAGE_LOADED | WB_IMAGE_ABSOLUTE));
}

enum wb_err wb_image_open_bytes(struct wb_session *session, const char *name, const void *bytes, size_t size, uint32_t flags,
                                void (*release)(void *release_arg), void *release_arg, struct wb_image **ret_image)
{
	struct wb_file *file;
	enum wb_err err;

	if (!session || !name || (size && !bytes) || !flags_are_known(flags) || !ret_image) {
		if (release)
			release(release_arg);
		return WB_ERR_ARGUMENT;
	}
	err = wb_file_of_bytes(bytes, size, release, release_arg, &file);
	return err ? err : open_file(session, name, file, &(struct opening){ .flags = flags }, ret_image);
}

enum wb_err wb_image_open_source(struct wb_session *session, const char *name, const struct wb_source *given, uint32_t flags,
                                 struct wb_image **ret_image)
{
	struct wb_source source;
	struct wb_file *file;
	enum wb_err err;

	if (!given)
		return WB_ERR_ARGUMENT;
	err = wb_struct_take(&source, sizeof(source), given);
	if (!err && (!session || !name || !source.read || !flags_are_known(flags) || !ret_image))
		err = WB_ERR_ARGUMENT;
	if (err) {
		/* A struct too new to understand still begins with the members that this library knows. */
		if (given->size >= sizeof(*given) && given->release)
			given->release(given->arg);
		return err;
	}
	err = wb_file_of_source(&source, &file);
	return err ? err : open_file(session, name, file, &(struct opening){ .flags = flags }, ret_image);
}

enum wb_err wb_image_of_object(struct wb_session *session, const struct wb_identity *identity, struct wb_object *object,
                               struct wb_image **ret_image)
{
	enum wb_err err = image_around(session, identity, false, true, WB_VERDICT_FORCED, object, ret_image);

	if (!err)
		wb_image_forgo(*ret_image, WB_FILE_SYMBOLS);
	return err;
}

/* A path that a file can have: not "[vdso]", nor none. */
static bool can_be_file(const char *path)
{
	return *path && *path != '[';
}

enum wb_err wb_image_of_memory(struct wb_session *session, struct wb_image *instead, struct wb_object *object, struct wb_image **ret_image)
{
	struct wb_identity identity = { .size = sizeof(identity), .platform = object->platform, .path = "", .flags = WB_IMAGE_LOADED };
	enum wb_verdict verdict = object->build_id ? WB_VERDICT_MATCHED : WB_VERDICT_FORCED;
	bool is_instead_of_file = instead && can_be_file(instead->path);
	enum wb_err err;

	if (instead) {
		identity.path = instead->path;
		identity.debug_path = instead->debug_path;
		identity.debug_id = instead->debug_id;
		identity.build_id = wb_image_wanted_id(instead, &identity.build_id_size);
	}
	/* Captures may know the first part of an id only. */
	if (object->build_id_size > identity.build_id_size && object->build_id_size <= WB_BUILD_ID_MAX) {
		identity.build_id = object->build_id;
		identity.build_id_size = object->build_id_size;
	}
	/* What became of the file stays the verdict: it is still wanted. */
	if (is_instead_of_file)
		verdict = wb_image_verdict(instead, WB_FILE_EXECUTABLE);
	err = image_around(session, &identity, false, false, verdict, object, ret_image);
	if (err)
		return err;
	if (is_instead_of_file)
		atomic_store_explicit(&(*ret_image)->in_memory, true, memory_order_relaxed);
	if (instead)
		atomic_store_explicit(&instead->in_memory, true, memory_order_relaxed);
	return WB_OK;
}

bool wb_image_is_in_memory(const struct wb_image *image)
{
	return atomic_load_explicit(&((struct wb_image *)(uintptr_t)image)->in_memory, memory_order_relaxed);
}

enum wb_err wb_image_add_symbols(struct wb_image *image, const char *name, const void *bytes, size_t size)
{
	struct wb_image_file *file;
	struct wb_object *object;
	struct wb_file *text;
	char *path;
	void *copy;
	enum wb_err err;

	if (!image || !name || (size && !bytes))
		return WB_ERR_ARGUMENT;
	copy = wb_mem_dup(bytes, size);
	if (!copy)
		return WB_ERR_MEMORY;
	err = wb_file_of_bytes(copy, size, wb_mem_free, copy, &text);
	if (!err)
		err = wb_object_open(wb_session_diags(image->session), name, text, WB_IMAGE_ABSOLUTE, &object);
	if (err)
		return err;
	path = object->absolute ? wb_mem_strdup(name) : NULL;
	if (!path) {
		err = object->absolute ? WB_ERR_MEMORY : WB_ERR_UNSUPPORTED;
		wb_object_close(object);
		return err;
	}
	err = wb_image_file_new(image, object, path, &file);
	if (err)
		return err;
	return wb_image_adopt(image, WB_FILE_SYMBOLS, file, WB_VERDICT_FORCED) ? WB_OK : WB_NONE;
}

/* ---- Values of other layers ---------------------------------------------------------------------------------------- */

/* Whether a result is knowledge about the image, and not about this moment. */
static bool is_final(const struct wb_image *image, enum wb_err err, const void *value, uint32_t laters_before)
{
	if (err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED || err == WB_LATER)
		return false;
	return value || err < 0 || atomic_load_explicit(&image->laters, memory_order_relaxed) == laters_before;
}

enum wb_err wb_image_slot(struct wb_image *image, enum wb_image_slot slot, wb_slot_build_fn build, void *arg, void (*destroy)(void *value),
                          void **ret_value)
{
	struct wb_image_value *kept = &image->values[slot];
	void *value = NULL;
	enum wb_err err;

	if (!atomic_load_explicit(&kept->done, memory_order_acquire)) {
		wb_lock_take(&kept->lock);
		if (!atomic_load_explicit(&kept->done, memory_order_relaxed)) {
			uint32_t laters = atomic_load_explicit(&image->laters, memory_order_relaxed);

			atomic_store_explicit(&kept->is_busy, 1, memory_order_relaxed);
			err = build(image, arg, &value);
			atomic_store_explicit(&kept->is_busy, 0, memory_order_relaxed);
			if (!is_final(image, err, value, laters)) {
				wb_lock_give(&kept->lock);
				return err == WB_LATER || err == WB_OK ? WB_NONE : err;
			}
			kept->value = value;
			kept->destroy = destroy;
			atomic_store_explicit(&kept->err, err == WB_OK && !value ? WB_NONE : err, memory_order_release);
			atomic_store_explicit(&kept->done, 1, memory_order_release);
		}
		wb_lock_give(&kept->lock);
	}
	err = (enum wb_err)atomic_load_explicit(&kept->err, memory_order_acquire);
	if (err == WB_OK)
		*ret_value = kept->value;
	return err;
}

bool wb_image_slot_is_busy(struct wb_image *image, enum wb_image_slot slot)
{
	return atomic_load_explicit(&image->values[slot].is_busy, memory_order_relaxed);
}

/* ---- What an image is ------------------------------------------------------------------------------------------------ */

uint64_t wb_image_id(const struct wb_image *image)
{
	return image->id;
}

struct wb_session *wb_image_session(struct wb_image *image)
{
	return image->session;
}

const char *wb_image_path(const struct wb_image *image)
{
	return image->path;
}

bool wb_image_is_absolute(const struct wb_image *image)
{
	return image->flags & WB_IMAGE_ABSOLUTE;
}

struct wb_platform wb_image_platform(const struct wb_image *image)
{
	const struct wb_image_file *file;

	if (image->platform.arch != WB_ARCH_UNKNOWN)
		return image->platform;
	file = atomic_load_explicit(&image->roles[WB_FILE_EXECUTABLE].file, memory_order_acquire);
	return file ? file->object->platform : image->platform;
}

/* Whether what serves the role was no file. */
static bool is_of_memory(const struct wb_image *image, enum wb_file_role role)
{
	return role == WB_FILE_EXECUTABLE && wb_image_is_in_memory(image);
}

void wb_image_missed(struct wb_image *image, enum wb_file_role role, uint64_t frames)
{
	struct wb_wanted wanted = { .size = sizeof(wanted), .role = role, .verdict = wb_image_verdict(image, role), .path = image->path,
	                            .image_id = image->id, .frames = frames };
	const uint8_t *id = wb_image_wanted_id(image, &wanted.build_id_size);

	if (atomic_load_explicit(&image->roles[role].file, memory_order_acquire) && !is_of_memory(image, role))
		return;
	if (id)
		memcpy(wanted.build_id, id, wanted.build_id_size);
	/* Without memory for one more line, the list is shorter; nobody can do better about it. */
	(void)wb_wanted_list_add(wb_session_wanted_list(image->session), &wanted);
}

static enum wb_err count_symbol(void *arg, const struct wb_symbol *symbol)
{
	uint64_t *count = arg;

	(void)symbol;
	++*count;
	return WB_OK;
}

static enum wb_err info_of_objects(struct wb_image *image, struct wb_image_info *info)
{
	struct wb_object *executable = NULL, *debug = NULL, *of_symbols;
	size_t index;
	enum wb_err err = wb_image_object(image, WB_FILE_EXECUTABLE, &executable);

	if (err >= 0)
		err = wb_image_object(image, WB_FILE_DEBUG, &debug);
	if (err >= 0)
		err = wb_image_object(image, WB_FILE_SUPPLEMENTARY, &of_symbols);
	if (err < 0)
		return err;
	info->format = executable ? executable->format->name : debug ? debug->format->name : "";
	of_symbols = debug && wb_object_find_section(debug, ".symtab", &index) == WB_OK && debug->sections[index].size ? debug : executable;
	/* Damaged symbols were reported; those before the damage count. */
	return of_symbols && wb_image_symbols(image, of_symbols, count_symbol, &info->num_symbols) == WB_ERR_MEMORY ? WB_ERR_MEMORY : WB_OK;
}

enum wb_err wb_image_info(struct wb_image *image, struct wb_image_info *ret_info)
{
	struct wb_image_info info = { .size = sizeof(info) };
	enum wb_err err;

	if (!image || !ret_info)
		return WB_ERR_ARGUMENT;
	err = info_of_objects(image, &info);
	if (err)
		return err;
	info.id = image->id;
	info.platform = wb_image_platform(image);
	info.path = image->path;
	info.build_id = wb_image_wanted_id(image, &info.build_id_size);
	info.in_memory = wb_image_is_in_memory(image);
	for (size_t i = 0; i < WB_FILE_ROLES; i++) {
		struct wb_image_role *role = &image->roles[i];
		const struct wb_image_file *file = atomic_load_explicit(&role->file, memory_order_acquire);
		const struct wb_refusal *refused = wb_refusals_last(atomic_load_explicit(&role->refused, memory_order_acquire));

		info.files[i].verdict = atomic_load_explicit(&role->verdict, memory_order_relaxed);
		info.files[i].path = file && !is_of_memory(image, i) ? file->path : refused ? refused->path : "";
	}
	return wb_struct_give(ret_info, &info, sizeof(info));
}

enum wb_err wb_image_refused(struct wb_image *image, enum wb_file_role role, size_t nth, struct wb_refused *ret_refused)
{
	struct wb_refused refused = { .size = sizeof(refused) };
	const struct wb_refusal *refusal;

	if (!image || !ret_refused || (unsigned)role >= WB_FILE_ROLES)
		return WB_ERR_ARGUMENT;
	refusal = atomic_load_explicit(&image->roles[role].refused, memory_order_acquire);
	for (; refusal && nth; nth--)
		refusal = refusal->next;
	if (!refusal)
		return WB_NONE;
	refused.path = refusal->path;
	refused.verdict = refusal->verdict;
	refused.reason = refusal->reason;
	return wb_struct_give(ret_refused, &refused, sizeof(refused));
}

enum wb_err wb_image_file(struct wb_image *image, enum wb_file_role role, struct wb_file_info *ret_info)
{
	const struct wb_image_file *file;

	if (!image || !ret_info || (unsigned)role >= WB_FILE_ROLES)
		return WB_ERR_ARGUMENT;
	file = atomic_load_explicit(&image->roles[role].file, memory_order_acquire);
	ret_info->verdict = (enum wb_verdict)atomic_load_explicit(&image->roles[role].verdict, memory_order_relaxed);
	ret_info->path = file && !is_of_memory(image, role) ? file->path : "";
	return WB_OK;
}
