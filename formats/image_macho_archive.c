/* SPDX-License-Identifier: MIT */
/*
 * Members of archives of Mach-O object files, where debug maps name them: of the archiver's common format (ar(5)), with long names as BSD has them, in front of
 * the member, or as System V does, in a table. Only a member that is asked for is opened; thin archives, which have none inside, are not known.
 */
#include "formats/image_macho.h"

#include "formats/image_formats.h"

#include <string.h>

enum {
	MAGIC_SIZE = 8,
	HEADER_SIZE = 60, NAME_SIZE = 16, TIME_AT = 16, TIME_SIZE = 12, SIZE_AT = 48, SIZE_SIZE = 10, END_AT = 58,
	MEMBERS_MAX = 1 << 20,        /* the largest libraries have some ten thousand */
	NAME_MAX = 4096,              /* as of a path */
};
static const char magic[] = "!<arch>\n";

bool wb_macho_is_archive(const uint8_t *bytes, size_t size)
{
	return size >= MAGIC_SIZE && !memcmp(bytes, magic, MAGIC_SIZE);
}

struct archive {
	struct wb_file *file;
	struct macho_part whole;
	struct macho_part names;      /* System V's table of long names */
};

struct member {
	struct macho_part part;       /* what is in it, without a name in front */
	uint64_t modified;
	char name[NAME_MAX];
};

/* Digits, and blanks behind them. */
static uint64_t read_number(const uint8_t *text, size_t size)
{
	uint64_t value = 0;

	for (size_t i = 0; i < size && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	return value;
}

/* A name of at most size bytes out of the file, which a zero, or System V's "/\n", ends. */
static bool read_name(const struct archive *archive, struct macho_part part, char *name)
{
	size_t size = part.size < NAME_MAX - 1 ? (size_t)part.size : NAME_MAX - 1, length = 0;

	if (part.offset > archive->whole.size || archive->whole.size - part.offset < size ||
	    wb_file_read(archive->file, archive->whole.offset + part.offset, name, size))
		return false;
	while (length < size && name[length] && name[length] != '\n')
		length++;
	if (length && length < size && name[length] == '\n' && name[length - 1] == '/')
		length--;
	name[length] = 0;
	return length > 0;
}

/* The name that the header has, or says where to find. False: damaged. */
static bool find_name(const struct archive *archive, const uint8_t *header, struct member *member)
{
	size_t length = NAME_SIZE;
	uint64_t number;

	if (!memcmp(header, "#1/", 3)) {
		number = read_number(header + 3, NAME_SIZE - 3);
		if (number > member->part.size || !read_name(archive, (struct macho_part){ member->part.offset, number }, member->name))
			return false;
		member->part.offset += number;
		member->part.size -= number;
		return true;
	}
	if (header[0] == '/' && header[1] >= '0' && header[1] <= '9') {
		number = read_number(header + 1, NAME_SIZE - 1);
		return number < archive->names.size &&
		       read_name(archive, (struct macho_part){ archive->names.offset + number, archive->names.size - number }, member->name);
	}
	while (length > 1 && header[length - 1] == ' ')
		length--;
	/* "/" and "//" are tables. */
	if (header[0] != '/' && header[length - 1] == '/')
		length--;
	memcpy(member->name, header, length);
	member->name[length] = 0;
	return true;
}

/* The member whose header is at *at, which then is the next one's. WB_NONE: there is none. */
static enum wb_err next_member(const struct archive *archive, uint64_t *at, struct member *ret)
{
	uint8_t header[HEADER_SIZE];
	uint64_t left;

	if (*at >= archive->whole.size || archive->whole.size - *at < HEADER_SIZE)
		return WB_NONE;
	if (wb_file_read(archive->file, archive->whole.offset + *at, header, HEADER_SIZE) || memcmp(header + END_AT, "`\n", 2))
		return WB_ERR_DATA;
	left = archive->whole.size - *at - HEADER_SIZE;
	ret->part = (struct macho_part){ *at + HEADER_SIZE, read_number(header + SIZE_AT, SIZE_SIZE) };
	ret->modified = read_number(header + TIME_AT, TIME_SIZE);
	if (ret->part.size > left)
		return WB_ERR_DATA;
	*at = ret->part.offset + ret->part.size + ret->part.size % 2;
	return find_name(archive, header, ret) ? WB_OK : WB_ERR_DATA;
}

static enum wb_err find_member(struct archive *archive, const char *name, struct member *ret)
{
	uint64_t at = MAGIC_SIZE;

	for (uint32_t i = 0; i < MEMBERS_MAX; i++) {
		enum wb_err err = next_member(archive, &at, ret);

		if (err)
			return err;
		if (!strcmp(ret->name, "//"))
			archive->names = ret->part;
		else if (!strcmp(ret->name, name))
			return WB_OK;
	}
	return WB_ERR_LIMIT;
}

enum wb_err wb_macho_open_member(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct macho_part whole,
                                 const char *member, struct wb_object **ret_object)
{
	struct archive archive = { .file = file, .whole = whole };
	struct member found;
	enum wb_err err = member ? find_member(&archive, member, &found) : WB_ERR_UNSUPPORTED;

	if (err) {
		wb_file_free(file);
		if (!member)
			return wb_diag_report(diags, err, WB_DIAG_FILE_UNRECOGNIZED, path, "", UINT64_MAX, "an archive, where an object file is wanted");
		if (err == WB_NONE)
			return wb_diag_report(diags, WB_ERR_DATA, WB_DIAG_FILE_MISMATCHED, path, "", UINT64_MAX, "no member %.256s in the archive", member);
		return wb_diag_report(diags, err, WB_DIAG_OBJECT_MALFORMED, path, "", UINT64_MAX, "a header of the archive is damaged");
	}
	found.part.offset += whole.offset;
	err = wb_macho_open(diags, path, file, flags, found.part, ret_object);
	if (!err)
		(*ret_object)->modified = found.modified;
	return err;
}

static enum wb_err archive_open_chosen(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags,
                                       const struct wb_object_choice *choice, struct wb_object **ret_object)
{
	return wb_macho_open_member(diags, path, file, flags, (struct macho_part){ 0, wb_file_size(file) }, choice->member, ret_object);
}

static enum wb_err archive_open(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object)
{
	return archive_open_chosen(diags, path, file, flags, &(struct wb_object_choice){ .arch = WB_ARCH_UNKNOWN }, ret_object);
}

/* What it opens is a Mach-O file's object, which has the rest. */
const struct wb_image_format wb_image_format_macho_archive = {
	.name = "mach-o-archive",
	.probe = wb_macho_is_archive,
	.open = archive_open,
	.open_chosen = archive_open_chosen,
};
