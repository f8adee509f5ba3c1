/* SPDX-License-Identifier: MIT */
/* A dump's modules, for the end of the output. */
#include "formats/sink_modules.h"

#include "base/mem.h"

void wb_sink_modules_deinit(struct wb_sink_modules *modules)
{
	for (size_t i = 0; i < modules->count; i++) {
		wb_image_unref(modules->items[i].image);
		wb_mem_free(modules->items[i].path);
	}
	wb_mem_free(modules->items);
	*modules = (struct wb_sink_modules){ 0 };
}

enum wb_err wb_sink_modules_take(struct wb_sink_modules *modules, const struct wb_capture_info *info)
{
	if ((!info->threads && !info->dump) || !info->num_modules)
		return WB_OK;
	wb_sink_modules_deinit(modules);
	modules->items = wb_mem_zalloc(info->num_modules, sizeof(modules->items[0]));
	if (!modules->items)
		return WB_ERR_MEMORY;
	for (size_t i = 0; i < info->num_modules; i++) {
		const struct wb_capture_module *from = &info->modules[i];
		struct wb_sink_module *to = &modules->items[modules->count];

		to->path = wb_mem_strdup(from->path ? from->path : "");
		if (!to->path)
			return WB_ERR_MEMORY;
		to->image = wb_image_ref(from->image);
		to->address = from->address;
		modules->count++;
	}
	return WB_OK;
}
