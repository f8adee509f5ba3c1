/* SPDX-License-Identifier: MIT */
/* The sections of an image's file, for tools. */
#include "base/err.h"
#include "model/image.h"

enum wb_err wb_image_section_info(struct wb_image *image, size_t nth, struct wb_section_info *ret_info)
{
	struct wb_section_info info = { 0 };
	const struct wb_section *section;
	struct wb_object *object;
	enum wb_err err;

	if (!image || !ret_info)
		return WB_ERR_ARGUMENT;
	err = wb_image_object(image, WB_FILE_EXECUTABLE, &object);
	if (err == WB_NONE)
		err = wb_image_object(image, WB_FILE_DEBUG, &object);
	if (err)
		return err;
	if (nth >= object->num_sections)
		return WB_NONE;
	section = &object->sections[nth];
	info.name = section->name;
	if (section->flags & WB_SECTION_ALLOC && section->size <= UINT64_MAX - section->vaddr) {
		info.start = section->vaddr;
		info.end = section->vaddr + section->size;
		info.executable = (section->flags & WB_SECTION_EXEC) != 0;
	}
	return wb_struct_give(ret_info, &info, sizeof(info));
}
