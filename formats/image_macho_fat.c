/* SPDX-License-Identifier: MIT */
/*
 * Fat ("universal") files: one Mach-O file for each of several architectures (<mach-o/fat.h>, always big-endian). The one that is wanted is opened: by
 * its UUID, else by its architecture, else the first whose architecture is known.
 */
#include "formats/image_macho.h"

#include "base/mem.h"
#include "formats/image_formats.h"

#include <string.h>

enum {
	MAGIC = 0xcafebabe, MAGIC_64 = 0xcafebabf,
	HEADER_SIZE = 8, ENTRY_SIZE = 20, ENTRY_SIZE_64 = 32,
	/* A Java class file has the same magic, and where the count is, its version, which is 45 at least. */
	PARTS_MAX = 40,
	COMMANDS_SIZE_MAX = 1 << 20,  /* looked at for a UUID */
};

struct fat_part { uint32_t cpu; struct macho_part part; };
struct fat {
	struct fat_part parts[PARTS_MAX];
	size_t count;
};

static bool fat_probe(const uint8_t *bytes, size_t size)
{
	uint32_t magic = size >= HEADER_SIZE ? wb_load32(bytes, true) : 0;

	return (magic == MAGIC || magic == MAGIC_64) && wb_load32(bytes + 4, true) <= PARTS_MAX;
}

static enum wb_err read_parts(struct wb_file *file, struct fat *fat)
{
	uint8_t header[HEADER_SIZE + PARTS_MAX * ENTRY_SIZE_64];
	uint64_t size = wb_file_size(file);
	size_t count = size < sizeof(header) ? (size_t)size : sizeof(header);
	enum wb_err err = wb_file_read(file, 0, header, count);
	struct wb_bytes b = wb_bytes_of(header, count, true);
	bool is_64 = wb_bytes_u32(&b) == MAGIC_64;
	uint32_t num = wb_bytes_u32(&b);

	if (err)
		return err;
	for (uint32_t i = 0; i < num && fat->count < PARTS_MAX; i++) {
		struct fat_part *part = &fat->parts[fat->count];
		uint64_t end;

		part->cpu = wb_bytes_u32(&b);
		wb_bytes_u32(&b);     /* cpusubtype */
		part->part.offset = is_64 ? wb_bytes_u64(&b) : wb_bytes_u32(&b);
		part->part.size = is_64 ? wb_bytes_u64(&b) : wb_bytes_u32(&b);
		wb_bytes_skip(&b, is_64 ? 8 : 4); /* alignment */
		if (wb_bytes_failed(&b) || !wb_u64_add(part->part.offset, part->part.size, &end) || end > size)
			return WB_ERR_DATA;
		fat->count++;
	}
	return fat->count ? WB_OK : WB_ERR_DATA;
}

/* Looks for LC_UUID; damage is told by whoever opens the part. */
static bool has_uuid(struct wb_file *file, const struct macho_part *part, const uint8_t *uuid, size_t size)
{
	uint8_t header[32];
	struct wb_piece commands;
	struct wb_bytes b;
	uint32_t count, bytes, first;
	bool found = false;

	if (size != 16 || part->size < sizeof(header) || wb_file_read(file, part->offset, header, sizeof(header)))
		return false;
	b = wb_bytes_of(header, sizeof(header), header[0] == 0xfe);
	wb_bytes_skip(&b, 16);
	count = wb_bytes_u32(&b);
	bytes = wb_bytes_u32(&b);
	first = (b.big_endian ? header[3] : header[0]) == 0xcf ? 32 : 28;
	if (bytes > COMMANDS_SIZE_MAX || bytes > part->size - first || wb_file_piece(file, part->offset + first, bytes, &commands))
		return false;
	b = wb_bytes_of(commands.bytes, commands.size, b.big_endian);
	/* Each round consumes 8 bytes at least. */
	for (uint32_t i = 0; i < count && !found && !wb_bytes_at_end(&b); i++) {
		uint32_t command = wb_bytes_u32(&b), command_size = wb_bytes_u32(&b);
		struct wb_bytes inside = wb_bytes_sub(&b, command_size < 8 ? UINT64_MAX : command_size - 8);
		const uint8_t *had = command == MACHO_LC_UUID ? wb_bytes_take(&inside, size) : NULL;

		found = had && !memcmp(had, uuid, size);
	}
	wb_piece_deinit(&commands);
	return found;
}

static const struct fat_part *choose(struct wb_file *file, const struct fat *fat, const struct wb_object_choice *choice)
{
	for (size_t i = 0; i < fat->count && choice->build_id_size; i++)
		if (has_uuid(file, &fat->parts[i].part, choice->build_id, choice->build_id_size))
			return &fat->parts[i];
	for (size_t i = 0; i < fat->count; i++) {
		enum wb_arch arch = wb_macho_arch(fat->parts[i].cpu);

		if (choice->arch == WB_ARCH_UNKNOWN ? arch != WB_ARCH_UNKNOWN : arch == choice->arch)
			return &fat->parts[i];
	}
	/* None fits: whoever asked tells by looking at it. */
	return &fat->parts[0];
}

static enum wb_err fat_open_chosen(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags,
                                   const struct wb_object_choice *choice, struct wb_object **ret_object)
{
	struct fat fat = { .count = 0 };
	enum wb_err err = read_parts(file, &fat);
	struct macho_part part;
	uint8_t head[8];

	if (err) {
		wb_file_free(file);
		return wb_diag_report(diags, err, WB_DIAG_OBJECT_MALFORMED, path, "", HEADER_SIZE, "its list of architectures is damaged or empty");
	}
	part = choose(file, &fat, choice)->part;
	if (part.size >= sizeof(head) && wb_file_read(file, part.offset, head, sizeof(head)) == WB_OK && wb_macho_is_archive(head, sizeof(head)))
		err = wb_macho_open_member(diags, path, file, flags, part, choice->member, ret_object);
	else
		err = wb_macho_open(diags, path, file, flags, part, ret_object);
	if (!err)
		(*ret_object)->is_one_of_several = fat.count > 1;
	return err;
}

/* Whoever opens knows of choices, which open_chosen takes. */
static enum wb_err fat_open(struct wb_diags *diags, const char *path, struct wb_file *file, uint32_t flags, struct wb_object **ret_object)
{
	return fat_open_chosen(diags, path, file, flags, &(struct wb_object_choice){ .arch = WB_ARCH_UNKNOWN }, ret_object);
}

/* What it opens is a Mach-O file's object, which has the rest. */
const struct wb_image_format wb_image_format_macho_fat = {
	.name = "mach-o-fat",
	.probe = fat_probe,
	.open = fat_open,
	.open_chosen = fat_open_chosen,
};
