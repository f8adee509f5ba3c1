/* SPDX-License-Identifier: MIT */
/* Where source files are now. */
#include "path_maps.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int wb_path_maps_parse(struct wb_path_maps *path_maps, const struct wb_command *command)
{
	for (size_t i = 0; i < path_maps->texts.count; i++) {
		const char *text = path_maps->texts.items[i], *equals = strchr(text, '=');
		char *from = equals ? strdup(text) : NULL;

		if (!from) {
			wb_path_maps_deinit(path_maps);
			return wb_options_refuse(command, "--map %s: it is FROM=TO", text);
		}
		from[equals - text] = 0;
		path_maps->maps[path_maps->count++] = (struct wb_path_map){ from, equals + 1 };
	}
	return WB_EXIT_OK;
}

void wb_path_maps_deinit(struct wb_path_maps *path_maps)
{
	for (size_t i = 0; i < path_maps->count; i++)
		free((void *)(uintptr_t)path_maps->maps[i].from);
	path_maps->count = 0;
}
