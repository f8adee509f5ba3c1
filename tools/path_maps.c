/* SPDX-License-Identifier: MIT */
/* Where source files are now. */
#include "path_maps.h"

#include <stdlib.h>
#include <string.h>

int wb_path_maps_parse(struct wb_path_maps *path_maps, const struct wb_command *command)
{
	for (size_t i = 0; i < path_maps->texts.count; i++) {
		const char *text = path_maps->texts.items[i], *equals = strchr(text, '=');
		char *from = equals ? strdup(text) : NULL;

		if (!from)
			return wb_options_refuse(command, "--map %s: it is FROM=TO", text);
		from[equals - text] = 0;
		path_maps->maps[path_maps->count++] = (struct wb_path_map){ from, equals + 1 };
	}
	return WB_EXIT_OK;
}
