/* SPDX-License-Identifier: MIT */
/*
 * Writes one sample as a snapshot folder, which capture_snapshot.c and libunwindstack's offline tests read.
 *
 * Of the objects, those are copied that a word of the stacks or a register points into: all that any unwinder could need, and not the
 * hundred others that a process has mapped. Of those that are only in memory, that memory is written.
 */
#include <walkback/formats.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "formats/out.h"
#include "model/image.h"
#include "model/session.h"
#include "model/space.h"

enum {
	MAPPINGS_MAX = 1 << 20,       /* sixteen times Linux's limit for a process */
	OBJECTS_MAX = 4096,           /* that are copied */
	FRAMES_MAX = 1024,            /* that are looked at for further stacks: a thread changes stacks near its inner end */
	STACKS_MAX = 16,              /* regions added for them */
	REGIONS_MAX = 48,             /* with those of images in memory: capture_snapshot.c reads 64, and the sample has some */
	MEMORY_MAX = 64 << 20,        /* bytes of a mapping of an image: past all but the largest libraries */
	STACK_MAX = 1 << 20,          /* bytes of each */
	STACK_BELOW = 128,            /* bytes below a stack pointer that may be in use: the largest red zone */
	STACK_STEP = 4096,            /* bytes that are there together, or not */
};

struct object {
	struct wb_image *image;       /* borrowed as long as the space */
	char *name;                   /* in the folder; NULL: not copied, the recorded path stands */
};

struct writer {
	struct wb_session *session;
	struct wb_space *space;
	const struct wb_sample *sample;
	const char *dir;
	uint64_t pointer_mask;
	struct object *objects;
	size_t num_objects, objects_capacity;
	struct wb_region regions[REGIONS_MAX]; /* stacks, and memory of images, that the sample does not have and the space does */
	size_t num_regions;
};

static enum wb_err report(const struct writer *writer, const char *path, const char *text)
{
	return wb_diag_report(wb_session_diags(writer->session), WB_ERR_IO, WB_DIAG_FILE_UNREADABLE, path, "", UINT64_MAX, "%s", text);
}

static enum wb_err write_file(const struct writer *writer, const char *name, const void *bytes, size_t size)
{
	struct wb_out path = { 0 };
	const char *reason;
	enum wb_err err;

	wb_out_string(&path, writer->dir);
	wb_out_char(&path, '/');
	wb_out_string(&path, name);
	wb_out_char(&path, '\0');
	err = path.failed ? WB_ERR_MEMORY : wb_file_write_new(path.bytes, bytes, size, &reason);
	if (err == WB_ERR_IO)
		report(writer, path.bytes, reason);
	wb_out_deinit(&path);
	return err;
}

/* ---- Stacks ---- */

static bool holds(const struct wb_region *regions, size_t count, uint64_t address)
{
	for (size_t i = 0; i < count; i++)
		if (address >= regions[i].address && address - regions[i].address < regions[i].size)
			return true;
	return false;
}

/* Adds a region from start to end, as far as the space has it without a gap and no region begins; if that is past `least`. */
static enum wb_err add_region(struct writer *writer, uint64_t start, uint64_t end, uint64_t least)
{
	const struct wb_sample *sample = writer->sample;
	uint64_t at = start;
	uint8_t *bytes = wb_mem_alloc((size_t)(end - start)), *all = bytes;

	if (!bytes)
		return WB_ERR_MEMORY;
	while (at < end && !holds(sample->regions, sample->num_regions, at)) {
		uint64_t step = STACK_STEP - at % STACK_STEP;

		step = step < end - at ? step : end - at;
		if (wb_space_read(writer->space, at, bytes + (at - start), (size_t)step))
			break;
		at += step;
	}
	if (at > least)
		bytes = wb_mem_resize(all, (size_t)(at - start), 1);
	if (at <= least || !bytes) {
		wb_mem_free(all);
		return bytes ? WB_OK : WB_ERR_MEMORY;
	}
	writer->regions[writer->num_regions++] = (struct wb_region){ start, bytes, (size_t)(at - start) };
	return WB_OK;
}

/* Copies the stack around a stack pointer. */
static enum wb_err add_stack(struct writer *writer, uint64_t sp)
{
	struct wb_place place = { .size = sizeof(place) };
	uint64_t start;

	if (writer->num_regions == STACKS_MAX || wb_space_find(writer->space, sp, &place))
		return WB_OK;
	start = sp - place.start > STACK_BELOW ? sp - STACK_BELOW : place.start;
	return add_region(writer, start, place.end - start > STACK_MAX ? start + STACK_MAX : place.end, sp);
}

/* A dump has all memory, its sample only the stack that the thread was on: a signal's handler may run on one of its own. */
static enum wb_err add_stacks(struct writer *writer)
{
	struct wb_walker *walker;
	struct wb_stop stop;
	struct wb_frame *frames = wb_mem_zalloc(FRAMES_MAX, sizeof(*frames));
	size_t count = 0;
	enum wb_err err = frames ? wb_walker_new(writer->session, NULL, &walker) : WB_ERR_MEMORY;

	if (!err) {
		err = wb_walk(walker, writer->space, writer->sample, frames, sizeof(*frames), FRAMES_MAX, &count, &stop);
		wb_walker_free(walker);
	}
	for (size_t i = 0; !err && i < count; i++)
		if (frames[i].sp && !holds(writer->sample->regions, writer->sample->num_regions, frames[i].sp) &&
		    !holds(writer->regions, writer->num_regions, frames[i].sp))
			err = add_stack(writer, frames[i].sp);
	wb_mem_free(frames);
	return err;
}

/* ---- Objects ---- */

static struct object *find_object(struct writer *writer, const struct wb_image *image)
{
	for (size_t i = writer->num_objects; i--;)
		if (writer->objects[i].image == image)
			return &writer->objects[i];
	return NULL;
}

static enum wb_err add_object(struct writer *writer, struct wb_image *image)
{
	void *objects = writer->objects;

	if (find_object(writer, image) || writer->num_objects == OBJECTS_MAX)
		return WB_OK;
	if (!wb_mem_grow(&objects, &writer->objects_capacity, writer->num_objects, 1, sizeof(*writer->objects)))
		return WB_ERR_MEMORY;
	writer->objects = objects;
	writer->objects[writer->num_objects++] = (struct object){ image, NULL };
	return WB_OK;
}

/* Notes the object that a word may be a code address of, signed or not. *last is the mapping of a word before: neighbours often point nearby. */
static enum wb_err note_word(struct writer *writer, uint64_t word, const struct wb_map **last)
{
	uint64_t address = wb_address_strip(word, writer->pointer_mask);
	const struct wb_map *map = *last && address >= (*last)->start && address < (*last)->end ? *last : wb_space_map_at(writer->space, address);

	if (!map)
		return WB_OK;
	*last = map;
	return map->image && map->prot & (WB_PROT_EXEC | WB_PROT_UNKNOWN) ? add_object(writer, map->image) : WB_OK;
}

static enum wb_err note_objects(struct writer *writer)
{
	const struct wb_sample *sample = writer->sample;
	const bool big_endian = wb_space_platform(writer->space).big_endian;
	const struct wb_map *last = NULL;
	enum wb_err err = WB_OK;

	for (size_t i = 0; i < sample->contexts[0].num_regs && !err; i++)
		err = note_word(writer, sample->contexts[0].regs[i].value, &last);
	for (size_t i = 0; i < sample->num_regions + writer->num_regions && !err; i++) {
		const struct wb_region *region = i < sample->num_regions ? &sample->regions[i] : &writer->regions[i - sample->num_regions];

		/* At every four bytes and both widths: whatever the architecture's words are. */
		for (size_t at = 0; at + 4 <= region->size && !err; at += 4) {
			err = note_word(writer, wb_load32((const uint8_t *)region->bytes + at, big_endian), &last);
			if (!err && at + 8 <= region->size)
				err = note_word(writer, wb_load64((const uint8_t *)region->bytes + at, big_endian), &last);
		}
	}
	return err;
}

/* A name that no other file of the folder has. */
static char *free_name(const struct writer *writer, const char *path)
{
	static const char *const ours[] = { "maps.txt", "regs.txt", "stack.data", "expected.txt" };

	for (unsigned n = 0; n <= OBJECTS_MAX; n++) {
		struct wb_out name = { 0 };
		bool taken = false;

		wb_out_string(&name, wb_out_basename(path));
		if (n) {
			wb_out_char(&name, '.');
			wb_out_decimal(&name, n, 1);
		}
		wb_out_char(&name, '\0');
		for (size_t i = 0; i < writer->num_objects && !name.failed; i++)
			taken |= writer->objects[i].name && !strcmp(writer->objects[i].name, name.bytes);
		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]) && !name.failed; i++)
			taken |= !strcmp(ours[i], name.bytes);
		if (!taken && !name.failed)
			return name.bytes;
		wb_out_deinit(&name);
		if (!taken)
			return NULL;
	}
	return NULL;
}

static enum wb_err copy_file(const struct writer *writer, const char *from, const char *name)
{
	struct wb_piece piece;
	struct wb_file *file;
	const char *reason;
	enum wb_err err = wb_file_open(from, false, &file, &reason);

	if (err)
		return err == WB_ERR_MEMORY ? err : report(writer, from, reason);
	err = wb_file_piece(file, 0, wb_file_size(file), &piece);
	if (!err) {
		err = write_file(writer, name, piece.bytes, piece.size);
		wb_piece_deinit(&piece);
	}
	wb_file_free(file);
	return err;
}

static enum wb_err make_folder(const struct writer *writer, const char *name)
{
	struct wb_out path = { 0 };
	enum wb_err err;

	wb_out_string(&path, writer->dir);
	wb_out_string(&path, name);
	wb_out_char(&path, '\0');
	err = path.failed ? WB_ERR_MEMORY : WB_OK;
	if (!err && wb_file_kind(path.bytes) != WB_FILE_KIND_FOLDER && wb_file_make_folder(path.bytes))
		err = report(writer, path.bytes, "cannot be made");
	wb_out_deinit(&path);
	return err;
}

/* .build-id/ab/cdef....debug, where finders look. */
static enum wb_err copy_debug_file(const struct writer *writer, const struct wb_image_info *info)
{
	struct wb_out name = { 0 };
	enum wb_err err;

	if (info->build_id_size < 2 || !*info->files[WB_FILE_DEBUG].path)
		return WB_OK;
	wb_out_string(&name, "/.build-id/");
	wb_out_hex(&name, info->build_id[0], 2);
	wb_out_char(&name, '\0');
	err = make_folder(writer, "/.build-id");
	if (!err)
		err = name.failed ? WB_ERR_MEMORY : make_folder(writer, name.bytes);
	name.size--;
	wb_out_char(&name, '/');
	for (size_t i = 1; i < info->build_id_size; i++)
		wb_out_hex(&name, info->build_id[i], 2);
	wb_out_bytes(&name, ".debug", 7);
	if (!err)
		err = name.failed ? WB_ERR_MEMORY : copy_file(writer, info->files[WB_FILE_DEBUG].path, name.bytes + 1);
	wb_out_deinit(&name);
	return err;
}

static enum wb_err copy_objects(struct writer *writer, bool debug_files)
{
	enum wb_err err = WB_OK;

	for (size_t i = 0; i < writer->num_objects && !err; i++) {
		struct wb_image_info info = { .size = sizeof(info) };
		struct object *object = &writer->objects[i];
		struct wb_object *used;

		err = wb_image_info(object->image, &info);
		/* A file that was refused must not come back as the folder's own, which is believed. */
		if (err || wb_image_object(object->image, WB_FILE_EXECUTABLE, &used) != WB_OK)
			continue;
		/* Not a file: memory that the capture brought along. */
		if (wb_file_kind(info.files[WB_FILE_EXECUTABLE].path) != WB_FILE_KIND_REGULAR)
			continue;
		object->name = free_name(writer, *info.path ? info.path : info.files[WB_FILE_EXECUTABLE].path);
		err = object->name ? copy_file(writer, info.files[WB_FILE_EXECUTABLE].path, object->name) : WB_ERR_MEMORY;
		if (!err && debug_files)
			err = copy_debug_file(writer, &info);
	}
	return err;
}

/* The memory of images that serves instead of their files, which are not had. */
static enum wb_err add_images(struct writer *writer)
{
	const struct wb_map *map = wb_space_map_above(writer->space, 0);
	enum wb_err err = WB_OK;

	for (unsigned i = 0; i < MAPPINGS_MAX && map && !err; i++, map = wb_space_map_above(writer->space, map->end)) {
		if (!map->image || !find_object(writer, map->image) || !wb_image_is_in_memory(map->image) || writer->num_regions == REGIONS_MAX)
			continue;
		err = add_region(writer, map->start, map->end - map->start > MEMORY_MAX ? map->start + MEMORY_MAX : map->end, map->start);
	}
	return err;
}

/* ---- Texts ---- */

static void put_mapping(struct writer *writer, struct wb_out *out, const struct wb_map *map)
{
	uint32_t prot = map->prot & WB_PROT_UNKNOWN ? (uint32_t)(WB_PROT_READ | WB_PROT_EXEC) : map->prot;
	const struct object *object = map->image ? find_object(writer, map->image) : NULL;

	wb_out_hex(out, map->start, 8);
	wb_out_char(out, '-');
	wb_out_hex(out, map->end, 8);
	wb_out_char(out, ' ');
	wb_out_char(out, prot & WB_PROT_READ ? 'r' : '-');
	wb_out_char(out, prot & WB_PROT_WRITE ? 'w' : '-');
	wb_out_char(out, prot & WB_PROT_EXEC ? 'x' : '-');
	wb_out_string(out, "p ");
	wb_out_hex(out, map->file_offset, 8);
	wb_out_string(out, " 00:00 0");
	if (map->image) {
		wb_out_string(out, "   ");
		wb_out_string(out, object && object->name ? object->name : wb_image_path(map->image));
	}
	wb_out_char(out, '\n');
}

static enum wb_err write_maps(struct writer *writer)
{
	const struct wb_map *map = wb_space_map_above(writer->space, 0);
	struct wb_out out = { 0 };
	enum wb_err err;

	for (unsigned i = 0; i < MAPPINGS_MAX && map; i++, map = wb_space_map_above(writer->space, map->end))
		/* Kernel and generated code are not of a file at an offset. */
		if (!map->image || !wb_image_is_absolute(map->image))
			put_mapping(writer, &out, map);
	err = out.failed ? WB_ERR_MEMORY : write_file(writer, "maps.txt", out.bytes, out.size);
	wb_out_deinit(&out);
	return err;
}

static enum wb_err write_regs(const struct writer *writer)
{
	const struct wb_context *context = &writer->sample->contexts[0];
	enum wb_arch arch = wb_space_platform(writer->space).arch;
	struct wb_out out = { 0 };
	enum wb_err err;

	for (size_t i = 0; i < context->num_regs; i++) {
		const char *name = wb_reg_name(arch, context->regs[i].number);

		if (!name)
			continue;
		wb_out_string(&out, name);
		wb_out_string(&out, ": ");
		wb_out_hex(&out, context->regs[i].value, 1);
		wb_out_char(&out, '\n');
	}
	err = out.failed ? WB_ERR_MEMORY : write_file(writer, "regs.txt", out.bytes, out.size);
	wb_out_deinit(&out);
	return err;
}

static enum wb_err write_stacks(const struct writer *writer)
{
	const struct wb_sample *sample = writer->sample;
	size_t count = sample->num_regions + writer->num_regions;
	enum wb_err err = WB_OK;

	for (size_t i = 0; i < count && !err; i++) {
		const struct wb_region *region = i < sample->num_regions ? &sample->regions[i] : &writer->regions[i - sample->num_regions];
		struct wb_out out = { 0 }, name = { 0 };

		for (unsigned shift = 0; shift < 64; shift += 8)
			wb_out_char(&out, (char)(region->address >> shift));
		wb_out_bytes(&out, region->bytes, region->size);
		wb_out_string(&name, "stack");
		if (count > 1)
			wb_out_decimal(&name, i, 1);
		wb_out_bytes(&name, ".data", 6);
		err = out.failed || name.failed ? WB_ERR_MEMORY : write_file(writer, name.bytes, out.bytes, out.size);
		wb_out_deinit(&out);
		wb_out_deinit(&name);
	}
	return err;
}

enum wb_err wb_snapshot_write(struct wb_session *session, struct wb_space *space, const struct wb_sample *sample, const char *dir,
                              int copy)
{
	struct writer writer = { .session = session, .space = space, .dir = dir };
	struct wb_sample ours;
	enum wb_err err;

	if (!session || !space || !sample || !dir || !*dir)
		return WB_ERR_ARGUMENT;
	err = wb_struct_take(&ours, sizeof(ours), sample);
	if (err)
		return err;
	if (!ours.num_contexts)
		return WB_ERR_ARGUMENT;
	writer.sample = &ours;
	writer.pointer_mask = wb_space_pointer_mask(space);
	if (wb_file_make_folder(dir))
		return report(&writer, dir, wb_file_kind(dir) == WB_FILE_KIND_NONE ? "cannot be made" : "is there already");
	err = add_stacks(&writer);
	if (!err && copy)
		err = note_objects(&writer);
	if (!err)
		err = copy_objects(&writer, copy > 1);
	if (!err)
		err = add_images(&writer);
	if (!err)
		err = write_maps(&writer);
	if (!err)
		err = write_regs(&writer);
	if (!err)
		err = write_stacks(&writer);
	for (size_t i = 0; i < writer.num_objects; i++)
		wb_mem_free(writer.objects[i].name);
	wb_mem_free(writer.objects);
	for (size_t i = 0; i < writer.num_regions; i++)
		wb_mem_free((void *)(uintptr_t)writer.regions[i].bytes);
	return err;
}
