/* SPDX-License-Identifier: MIT */
/* Zip archives from any bytes: the entry "a.o" of what opens is consistent (object_input.h), as are the one of a build id and those that offsets are in. */
#include "fuzz/object_input.h"

static void open_chosen(const uint8_t *bytes, size_t size, const struct wb_object_choice *choice, struct wb_object **ret_object)
{
	struct wb_file *file;

	*ret_object = NULL;
	FUZZ_ASSERT(wb_file_of_bytes(bytes, size, NULL, NULL, &file) == WB_OK);
	if (wb_object_open_chosen(NULL, "fuzz", file, 0, choice, ret_object))
		*ret_object = NULL;
}

/* Each offset is in one member at most. */
static void find_members(struct wb_object *archive, size_t size)
{
	struct wb_member member, last = { .name = NULL };

	for (uint64_t at = 0; at < size + 16; at += size / 256 + 1) {
		if (archive->format->find_member(archive, at, &member))
			continue;
		FUZZ_ASSERT(*member.name && at >= member.offset && at - member.offset < member.size);
		FUZZ_ASSERT(!last.name || last.name == member.name || last.offset <= member.offset || at < last.offset);
		last = member;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const uint8_t id[20] = { 1, 2, 3 };
	struct wb_object *object;

	if (size < 4 || memcmp(bytes, "PK\3\4", 4) != 0)
		return 0;
	fuzz_object(bytes, size, 0);
	open_chosen(bytes, size, &(struct wb_object_choice){ .arch = WB_ARCH_UNKNOWN }, &object);
	if (object)
		find_members(object, size);
	wb_object_close(object);
	open_chosen(bytes, size, &(struct wb_object_choice){ .build_id = id, .build_id_size = sizeof id }, &object);
	if (object)
		FUZZ_ASSERT(object->build_id_size && object->build_id[0] == id[0] && object->file_start < size);
	wb_object_close(object);
	return 0;
}
