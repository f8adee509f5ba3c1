/* SPDX-License-Identifier: MIT */
/*
 * Object files inside of zip archives, as Android maps native libraries out of .apk files: entries that are stored, not compressed (APPNOTE.TXT of PKWARE,
 * 4.3). Which one is meant is said by its name, by its build id, or by the offset of a mapping that it holds: then the archive itself is opened, as an
 * object without anything in it. The entry's bytes are an object file of any other format. Archives past 4 GiB (ZIP64) are not known.
 */
#include "formats/image_formats.h"

#include "base/bytes.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum {
	LOCAL_SIZE = 30, LOCAL_NAME_AT = 26,
	CENTRAL_SIZE = 46, CENTRAL_METHOD_AT = 10, CENTRAL_SIZES_AT = 20,
	END_SIZE = 22, END_DIRECTORY_AT = 12, COMMENT_MAX = 0xffff,
	DIRECTORY_MAX = 64 << 20,     /* applications have some ten thousand entries of 100 bytes */
	OBJECTS_MAX = 4096,           /* that are opened for their build id; applications have some hundred libraries */
};
static const uint32_t local_magic = 0x04034b50, central_magic = 0x02014b50, end_magic = 0x06054b50;

struct extent { uint64_t offset, size; };

/* A file of the archive, as the directory has it. */
struct entry {
	const uint8_t *name;          /* in the directory */
	size_t name_size;
	uint64_t local, size;         /* offset of its local header; bytes in the archive */
	bool stored;                  /* as it is */
};

static bool zip_probe(const uint8_t *bytes, size_t size)
{
	return size >= 4 && wb_load32(bytes, false) == local_magic;
}

/* The end record, behind which only a comment comes, tells where the directory is. */
static enum wb_err find_directory(struct wb_file *file, struct extent *ret)
{
	uint64_t file_size = wb_file_size(file), size = file_size < END_SIZE + COMMENT_MAX ? file_size : END_SIZE + COMMENT_MAX;
	struct wb_piece tail;
	enum wb_err err = wb_file_piece(file, file_size - size, size, &tail);
	bool found = false;

	if (err)
		return err;
	for (size_t at = tail.size < END_SIZE ? 0 : tail.size - END_SIZE + 1; at-- > 0 && !found;) {
		struct wb_bytes b = wb_bytes_of(tail.bytes + at, tail.size - at, false);

		if (wb_bytes_u32(&b) != end_magic)
			continue;
		wb_bytes_skip(&b, END_DIRECTORY_AT - 4);
		ret->size = wb_bytes_u32(&b);
		ret->offset = wb_bytes_u32(&b);
		found = wb_bytes_u16(&b) == tail.size - at - END_SIZE;
	}
	wb_piece_deinit(&tail);
	return found && ret->offset <= file_size && ret->size <= file_size - ret->offset ? WB_OK : WB_ERR_DATA;
}

/* The next entry; WB_NONE past the last, WB_ERR_DATA: damaged. Each call consumes a header. */
static enum wb_err next_entry(struct wb_bytes *b, struct entry *ret)
{
	struct wb_bytes header;
	uint32_t magic, name_size, more;

	if (wb_bytes_left(b) < CENTRAL_SIZE)
		return WB_NONE;
	header = wb_bytes_sub(b, CENTRAL_SIZE);
	magic = wb_bytes_u32(&header);
	wb_bytes_skip(&header, CENTRAL_METHOD_AT - 4);
	ret->stored = !wb_bytes_u16(&header);
	wb_bytes_skip(&header, CENTRAL_SIZES_AT - CENTRAL_METHOD_AT - 2);
	ret->size = wb_bytes_u32(&header);
	wb_bytes_u32(&header);        /* uncompressed: the same, of what is stored */
	name_size = wb_bytes_u16(&header);
	more = wb_bytes_u16(&header);
	more += wb_bytes_u16(&header); /* comment */
	wb_bytes_skip(&header, 8);    /* disk and attributes */
	ret->local = wb_bytes_u32(&header);
	ret->name = wb_bytes_take(b, name_size);
	ret->name_size = name_size;
	wb_bytes_skip(b, more);
	return magic != central_magic || wb_bytes_failed(b) ? WB_ERR_DATA : WB_OK;
}

/* WB_ERR_UNSUPPORTED: it is compressed. */
static enum wb_err find_entry(const struct wb_piece *directory, const char *name, struct entry *ret)
{
	struct wb_bytes b = wb_bytes_of(directory->bytes, directory->size, false);
	enum wb_err err;

	while ((err = next_entry(&b, ret)) == WB_OK)
		if (ret->name_size && ret->name_size == strlen(name) && !memcmp(ret->name, name, ret->name_size))
			return ret->stored ? WB_OK : WB_ERR_UNSUPPORTED;
	return err;
}

/* The bytes behind the local header. */
static enum wb_err find_bytes(struct wb_file *file, const struct entry *entry, struct extent *ret)
{
	uint8_t header[LOCAL_SIZE];
	enum wb_err err = wb_file_read(file, entry->local, header, sizeof(header));

	if (err)
		return err;
	if (wb_load32(header, false) != local_magic)
		return WB_ERR_DATA;
	ret->offset = entry->local + LOCAL_SIZE + (uint64_t)wb_load16(header + LOCAL_NAME_AT, false) + wb_load16(header + LOCAL_NAME_AT + 2, false);
	ret->size = entry->size;
	return WB_OK;
}

/* ---- By build id ---- */

static enum wb_err read_around(void *arg, uint64_t offset, void *buffer, size_t count, size_t *ret_got)
{
	const struct { struct wb_file *file; uint64_t start; } *part = arg;
	enum wb_err err = wb_file_read(part->file, part->start + offset, buffer, count);

	*ret_got = count;
	return err;
}

/* Whether an entry is an object file of the build. Others than object files are not opened, and nothing is said about them. */
static bool has_build_id(struct wb_diags *diags, const char *path, struct wb_file *file, const struct extent *extent, const struct wb_object_choice *choice)
{
	struct { struct wb_file *file; uint64_t start; } part = { file, extent->offset };
	const struct wb_source source = { .size = sizeof(source), .length = extent->size, .arg = &part, .read = read_around };
	struct wb_object *object;
	struct wb_file *inside;
	uint8_t magic[4];
	bool has;

	if (wb_file_read(file, extent->offset, magic, sizeof(magic)) || memcmp(magic, "\177ELF", 4) || wb_file_of_source(&source, &inside))
		return false;
	if (wb_object_open_chosen(diags, path, inside, 0, &(struct wb_object_choice){ .arch = choice->arch }, &object))
		return false;
	has = wb_object_has_build_id(object, choice->build_id, choice->build_id_size);
	wb_object_close(object);
	return has;
}

static enum wb_err find_build(struct wb_diags *diags, const char *path, struct wb_file *file, const struct wb_piece *directory,
                              const struct wb_object_choice *choice, struct extent *ret)
{
	struct wb_bytes b = wb_bytes_of(directory->bytes, directory->size, false);
	unsigned count = 0;
	struct entry entry;
	enum wb_err err;

	while ((err = next_entry(&b, &entry)) == WB_OK && count < OBJECTS_MAX) {
		struct extent extent;

		if (!entry.stored || find_bytes(file, &entry, &extent) || extent.size > wb_file_size(file) - extent.offset)
			continue;
		if (has_build_id(diags, path, file, &extent, choice)) {
			*ret = extent;
			return WB_OK;
		}
		count++;
	}
	return err ? err : WB_NONE;
}

/* ---- By offset: the archive itself ---- */

/* An entry that a mapping may be of. */
struct member { uint64_t local, size; size_t name; };

struct archive {
	struct wb_object base;        /* first: the object is the whole */
	struct member *members;       /* stored ones, sorted by where their local headers are */
	size_t count, capacity;
	char *names;                  /* each ends with NUL */
	size_t names_size, names_capacity;
};

static void zip_close(struct wb_object *object)
{
	struct archive *archive = (struct archive *)(void *)object;

	wb_mem_free(archive->members);
	wb_mem_free(archive->names);
	wb_file_free(archive->base.file);
	wb_mem_free(archive);
}

static int by_local(const void *left, const void *right)
{
	const struct member *a = left, *b = right;

	return a->local < b->local ? -1 : a->local > b->local;
}

static enum wb_err add_member(struct archive *archive, const struct entry *entry)
{
	size_t room;

	if (!wb_size_add(entry->name_size, 1, &room))
		return WB_ERR_LIMIT;
	if (!wb_mem_grow((void **)&archive->members, &archive->capacity, archive->count, 1, sizeof(archive->members[0])) ||
	    !wb_mem_grow((void **)&archive->names, &archive->names_capacity, archive->names_size, room, 1))
		return WB_ERR_MEMORY;
	archive->members[archive->count++] = (struct member){ entry->local, entry->size, archive->names_size };
	memcpy(archive->names + archive->names_size, entry->name, entry->name_size);
	archive->names[archive->names_size + entry->name_size] = 0;
	archive->names_size += room;
	return WB_OK;
}

/* Takes file. */
static enum wb_err open_archive(struct wb_diags *diags, const char *path, struct wb_file *file, const struct wb_piece *directory, struct wb_object **ret_object)
{
	struct wb_bytes b = wb_bytes_of(directory->bytes, directory->size, false);
	struct archive *archive = wb_mem_zalloc(1, sizeof(*archive));
	struct entry entry;
	enum wb_err err;

	if (!archive) {
		wb_file_free(file);
		return WB_ERR_MEMORY;
	}
	archive->base = (struct wb_object){ .format = &wb_image_format_zip, .diags = diags, .path = path, .file = file };
	while ((err = next_entry(&b, &entry)) == WB_OK) {
		/* A name with a NUL in it is none that could be asked for. */
		err = entry.stored && entry.name_size && !memchr(entry.name, 0, entry.name_size) ? add_member(archive, &entry) : WB_OK;
		if (err)
			break;
	}
	if (err != WB_NONE) {
		zip_close(&archive->base);
		return err;
	}
	if (archive->count)
		qsort(archive->members, archive->count, sizeof(archive->members[0]), by_local);
	*ret_object = &archive->base;
	return WB_OK;
}

/* The last entry whose local header is before the offset, if its bytes reach so far. */
static enum wb_err zip_find_member(struct wb_object *object, uint64_t offset, struct wb_member *ret_member)
{
	const struct archive *archive = (const struct archive *)(const void *)object;
	size_t low = 0, high = archive->count;
	struct extent extent;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (archive->members[middle].local <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return WB_NONE;
	const struct member *member = &archive->members[low - 1];

	if (find_bytes(object->file, &(struct entry){ .local = member->local, .size = member->size }, &extent) ||
	    offset < extent.offset || offset - extent.offset >= extent.size)
		return WB_NONE;
	*ret_member = (struct wb_member){ archive->names + member->name, extent.offset, extent.size };
	return WB_OK;
}

/* ---- Opening ---- */

static enum wb_err refuse(struct wb_diags *diags, const char *path, const char *member, enum wb_err err)
{
	if (err == WB_ERR_MEMORY)
		return err;
	if (err == WB_NONE && !member)
		return wb_diag_report(diags, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_MISMATCHED, path, "", UINT64_MAX, "no object of that build id in it");
	if (err == WB_NONE)
		return wb_diag_report(diags, WB_ERR_DATA, WB_DIAG_FILE_MISMATCHED, path, "", UINT64_MAX, "no entry %.256s in the archive", member);
	if (err == WB_ERR_UNSUPPORTED)
		return wb_diag_report(diags, err, WB_DIAG_FILE_UNRECOGNIZED, path, "", UINT64_MAX, "its entry %.256s is compressed", member);
	return wb_diag_report(diags, err, WB_DIAG_OBJECT_MALFORMED, path, "", UINT64_MAX, "the archive's directory is damaged");
}

static enum wb_err read_directory(struct wb_file *file, struct wb_piece *ret_directory)
{
	struct extent directory;
	enum wb_err err = find_directory(file, &directory);

	if (!err && directory.size > DIRECTORY_MAX)
		err = WB_ERR_LIMIT;
	return err ? err : wb_file_piece(file, directory.offset, directory.size, ret_directory);
}

/* Opens an entry's bytes; takes file. */
static enum wb_err open_entry(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, const struct extent *extent,
                              const struct wb_object_choice *choice, struct wb_object **ret_object)
{
	struct wb_object_choice inside = *choice;
	struct wb_object *object;
	enum wb_err err = wb_file_part(file, extent->offset, extent->size, &file);

	if (err)
		return refuse(diags, path, choice->member, err);
	/* An archive in an archive is none that anything maps. */
	inside.member = NULL;
	err = wb_object_open_chosen(diags, path, file, flags, &inside, &object);
	if (err)
		return err;
	if (object->format->find_member) {
		wb_object_close(object);
		return wb_diag_report(diags, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_UNRECOGNIZED, path, "", UINT64_MAX, "a zip archive, where an object file is wanted");
	}
	/* Who names an entry counts from its start; who only knows the archive, from that. */
	object->file_start = choice->member ? 0 : extent->offset;
	*ret_object = object;
	return WB_OK;
}

static enum wb_err zip_open_chosen(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags,
                                   const struct wb_object_choice *choice, struct wb_object **ret_object)
{
	struct extent extent = { 0, 0 };
	struct wb_piece directory = { NULL, 0, NULL };
	struct entry entry;
	enum wb_err err = read_directory(file, &directory);

	if (!err && choice->member) {
		err = find_entry(&directory, choice->member, &entry);
		err = err ? err : find_bytes(file, &entry, &extent);
	} else if (!err && choice->build_id_size) {
		err = find_build(diags, path, file, &directory, choice, &extent);
	} else if (!err) {
		err = open_archive(diags, path, file, &directory, ret_object);
		wb_piece_deinit(&directory);
		return err ? refuse(diags, path, NULL, err) : WB_OK;
	}
	wb_piece_deinit(&directory);
	if (err) {
		wb_file_free(file);
		return refuse(diags, path, choice->member, err);
	}
	return open_entry(diags, path, file, flags, &extent, choice, ret_object);
}

static enum wb_err zip_open(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object)
{
	return zip_open_chosen(diags, path, file, flags, &(struct wb_object_choice){ .arch = WB_ARCH_UNKNOWN }, ret_object);
}

static enum wb_err zip_read_section(struct wb_object *object, size_t index, struct wb_piece *ret_piece)
{
	(void)object;
	(void)index;
	(void)ret_piece;
	return WB_ERR_ARGUMENT;       /* it has none */
}

static enum wb_err zip_list_symbols(struct wb_object *object, wb_symbol_fn fn, void *arg)
{
	(void)object;
	(void)fn;
	(void)arg;
	return WB_OK;
}

const struct wb_image_format wb_image_format_zip = {
	.name = "zip",
	.probe = zip_probe,
	.open = zip_open,
	.open_chosen = zip_open_chosen,
	.find_member = zip_find_member,
	.close = zip_close,
	.read_section = zip_read_section,
	.list_symbols = zip_list_symbols,
};
