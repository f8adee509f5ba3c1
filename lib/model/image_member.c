/* SPDX-License-Identifier: MIT */
/*
 * Images that are mapped out of an archive (Android's .apk) by the offset alone: which member that is, the archive's directory says. Its image is called
 * "DIR/base.apk!/lib/arm64-v8a/libfoo.so", as Android's profilers call it, and is opened in the archive that is open already.
 */
#include "model/image_files.h"

#include "base/mem.h"
#include "model/session.h"
#include "model/verify.h"

#include <string.h>

/* NULL when out of memory. */
static char *path_in_archive(const char *archive, const char *member)
{
	static const char deleted[] = " (deleted)";
	size_t length = strlen(archive), more = strlen(member), size;
	char *path;

	if (length >= sizeof(deleted) && !strcmp(archive + length - (sizeof(deleted) - 1), deleted))
		length -= sizeof(deleted) - 1;
	path = wb_size_add(length, sizeof("!/"), &size) && wb_size_add(size, more, &size) ? wb_mem_alloc(size) : NULL;
	if (!path)
		return NULL;
	memcpy(path, archive, length);
	memcpy(path + length, "!/", 2);
	memcpy(path + length + 2, member, more + 1);
	return path;
}

/* ---- A member's bytes, read through the archive's file, which the image keeps open ---- */

struct part { struct wb_image *image; struct wb_file *file; uint64_t offset; };

static enum wb_err read_part(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	const struct part *part = arg;
	enum wb_err err = wb_file_read(part->file, part->offset + offset, buffer, count);

	*ret_got = count;
	return err;
}

static void release_part(void *arg)
{
	struct part *part = arg;

	wb_image_unref(part->image);
	wb_mem_free(part);
}

static enum wb_err open_part(struct wb_image *image, struct wb_object *archive, const struct wb_member *member, struct wb_file **ret_file)
{
	struct wb_source source = { .size = sizeof(source), .length = member->size, .read = read_part, .release = release_part };
	const uint8_t *memory = wb_file_memory(archive->file);
	uint64_t size = wb_file_size(archive->file);
	struct part *part;

	if (member->offset > size || member->size > size - member->offset || member->size > SIZE_MAX)
		return WB_ERR_DATA;
	part = wb_mem_alloc(sizeof(*part));
	if (!part)
		return WB_ERR_MEMORY;
	*part = (struct part){ wb_image_ref(image), archive->file, member->offset };
	source.arg = part;
	return memory ? wb_file_of_bytes(memory + member->offset, (size_t)member->size, release_part, part, ret_file) : wb_file_of_source(&source, ret_file);
}

/* Opens the member for its image, which is what the archive is: verified, believed, or merely there. What cannot be used is left to finders. */
static enum wb_err open_member(struct wb_image *image, struct wb_object *archive, const struct wb_member *member, struct wb_image *inside)
{
	const struct wb_image_file *of_archive = archive->holder;
	const struct wb_platform platform = wb_image_platform(image);
	struct wb_diags *diags = wb_session_diags(image->session);
	struct wb_image_file *file;
	struct wb_object *object;
	struct wb_file *bytes;
	enum wb_err err = open_part(image, archive, member, &bytes);
	bool is_fit;
	char *path;

	if (!err)
		err = wb_object_open_chosen(diags, inside->path, bytes, 0, &(struct wb_object_choice){ .arch = platform.arch }, &object);
	if (err)
		return err;
	is_fit = !object->format->find_member && wb_platform_fits(&platform, &object->platform);
	path = is_fit ? wb_mem_strdup(inside->path) : NULL;
	if (!path) {
		wb_object_close(object);
		return is_fit ? WB_ERR_MEMORY : WB_NONE;
	}
	err = wb_image_file_new(inside, object, path, &file);
	if (err)
		return err;
	file->is_given = of_archive->is_given;
	wb_image_adopt(inside, WB_FILE_EXECUTABLE, file, wb_image_verdict(image, WB_FILE_EXECUTABLE));
	return WB_OK;
}

enum wb_err wb_image_member(struct wb_image *image, struct wb_object *archive, uint64_t offset, struct wb_image **ret_inside, uint64_t *ret_start)
{
	struct wb_identity identity = { .size = sizeof(identity), .platform = wb_image_platform(image) };
	struct wb_member member;
	struct wb_image *inside;
	enum wb_err err = archive->format->find_member(archive, offset, &member);
	char *path;

	if (err)
		return err;
	path = path_in_archive(wb_image_path(image), member.name);
	if (!path)
		return WB_ERR_MEMORY;
	identity.path = path;
	err = wb_image_new(image->session, &identity, &inside);
	wb_mem_free(path);
	if (err)
		return err;
	if (!atomic_load_explicit(&inside->roles[WB_FILE_EXECUTABLE].file, memory_order_acquire) &&
	    open_member(image, archive, &member, inside) == WB_ERR_MEMORY) {
		wb_image_unref(inside);
		return WB_ERR_MEMORY;
	}
	*ret_inside = inside;
	*ret_start = member.offset;
	return WB_OK;
}
