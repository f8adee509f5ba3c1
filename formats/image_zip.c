/* SPDX-License-Identifier: MIT */
/*
 * Object files inside of zip archives, as Android maps native libraries out of .apk files: entries that are stored, not compressed (APPNOTE.TXT of PKWARE,
 * 4.3). Only an entry that is asked for is opened; its bytes are an object file of any other format. Archives past 4 GiB (ZIP64) are not known.
 */
#include "formats/image_formats.h"

#include "base/bytes.h"
#include "base/file.h"

#include <string.h>

enum {
	LOCAL_SIZE = 30, LOCAL_NAME_AT = 26,
	CENTRAL_SIZE = 46, CENTRAL_METHOD_AT = 10, CENTRAL_SIZES_AT = 20,
	END_SIZE = 22, END_DIRECTORY_AT = 12, COMMENT_MAX = 0xffff,
	DIRECTORY_MAX = 64 << 20,     /* applications have some ten thousand entries of 100 bytes */
};
static const uint32_t local_magic = 0x04034b50, central_magic = 0x02014b50, end_magic = 0x06054b50;

struct extent { uint64_t offset, size; };

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

/* The entry's local header and its size. WB_ERR_UNSUPPORTED: it is compressed. */
static enum wb_err find_entry(const struct wb_piece *directory, const char *name, struct extent *ret)
{
	struct wb_bytes b = wb_bytes_of(directory->bytes, directory->size, false);

	/* Each round consumes a header. */
	while (wb_bytes_left(&b) >= CENTRAL_SIZE) {
		struct wb_bytes header = wb_bytes_sub(&b, CENTRAL_SIZE);
		uint32_t magic = wb_bytes_u32(&header), method, name_size, more;
		const uint8_t *own;

		wb_bytes_skip(&header, CENTRAL_METHOD_AT - 4);
		method = wb_bytes_u16(&header);
		wb_bytes_skip(&header, CENTRAL_SIZES_AT - CENTRAL_METHOD_AT - 2);
		ret->size = wb_bytes_u32(&header);
		wb_bytes_u32(&header); /* uncompressed: the same, of what is stored */
		name_size = wb_bytes_u16(&header);
		more = wb_bytes_u16(&header);
		more += wb_bytes_u16(&header); /* comment */
		wb_bytes_skip(&header, 8); /* disk and attributes */
		ret->offset = wb_bytes_u32(&header);
		own = wb_bytes_take(&b, name_size);
		wb_bytes_skip(&b, more);
		if (magic != central_magic || wb_bytes_failed(&b))
			return WB_ERR_DATA;
		if (name_size && name_size == strlen(name) && !memcmp(own, name, name_size))
			return method ? WB_ERR_UNSUPPORTED : WB_OK;
	}
	return WB_NONE;
}

/* From the local header to the bytes behind it. */
static enum wb_err find_bytes(struct wb_file *file, struct extent *entry)
{
	uint8_t header[LOCAL_SIZE];
	enum wb_err err = wb_file_read(file, entry->offset, header, sizeof(header));

	if (err)
		return err;
	if (wb_load32(header, false) != local_magic)
		return WB_ERR_DATA;
	entry->offset += LOCAL_SIZE + (uint64_t)wb_load16(header + LOCAL_NAME_AT, false) + wb_load16(header + LOCAL_NAME_AT + 2, false);
	return WB_OK;
}

static enum wb_err find_stored(struct wb_file *file, const char *name, struct extent *ret)
{
	struct extent directory;
	struct wb_piece bytes;
	enum wb_err err = find_directory(file, &directory);

	if (!err && directory.size > DIRECTORY_MAX)
		err = WB_ERR_LIMIT;
	if (!err)
		err = wb_file_piece(file, directory.offset, directory.size, &bytes);
	if (err)
		return err;
	err = find_entry(&bytes, name, ret);
	wb_piece_deinit(&bytes);
	return err ? err : find_bytes(file, ret);
}

static enum wb_err refuse(struct wb_diags *diags, const char *path, const char *member, enum wb_err err)
{
	if (err == WB_ERR_MEMORY)
		return err;
	if (!member)
		return wb_diag_report(diags, WB_ERR_UNSUPPORTED, WB_DIAG_FILE_UNRECOGNIZED, path, "", UINT64_MAX, "a zip archive, where an object file is wanted");
	if (err == WB_NONE)
		return wb_diag_report(diags, WB_ERR_DATA, WB_DIAG_FILE_MISMATCHED, path, "", UINT64_MAX, "no entry %.256s in the archive", member);
	if (err == WB_ERR_UNSUPPORTED)
		return wb_diag_report(diags, err, WB_DIAG_FILE_UNRECOGNIZED, path, "", UINT64_MAX, "its entry %.256s is compressed", member);
	return wb_diag_report(diags, err, WB_DIAG_OBJECT_MALFORMED, path, "", UINT64_MAX, "the archive's directory is damaged");
}

static enum wb_err zip_open_chosen(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags,
                                   const struct wb_object_choice *choice, struct wb_object **ret_object)
{
	struct wb_object_choice inside = *choice;
	struct extent extent;
	enum wb_err err = choice->member ? find_stored(file, choice->member, &extent) : WB_ERR_UNSUPPORTED;

	if (err) {
		wb_file_free(file);
		return refuse(diags, path, choice->member, err);
	}
	err = wb_file_part(file, extent.offset, extent.size, &file);
	if (err)
		return refuse(diags, path, choice->member, err);
	/* An archive in an archive is none that anything maps. */
	inside.member = NULL;
	return wb_object_open_chosen(diags, path, file, flags, &inside, ret_object);
}

static enum wb_err zip_open(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object)
{
	return zip_open_chosen(diags, path, file, flags, &(struct wb_object_choice){ .arch = WB_ARCH_UNKNOWN }, ret_object);
}

/* What it opens is another format's object, which has the rest. */
const struct wb_image_format wb_image_format_zip = {
	.name = "zip",
	.probe = zip_probe,
	.open = zip_open,
	.open_chosen = zip_open_chosen,
};
