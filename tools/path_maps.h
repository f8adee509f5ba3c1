/* SPDX-License-Identifier: MIT */
/* `--map FROM=TO`: where source files are now. */
#ifndef TOOLS_PATH_MAPS_H
#define TOOLS_PATH_MAPS_H

#include <walkback/symbolize.h>

#include "options.h"

struct wb_path_maps {
	struct wb_texts texts;        /* what the option stores */
	struct wb_path_map maps[WB_OPTION_REPEATS_MAX];
	size_t count;
};

/* For a table of options. */
#define WB_PATH_MAPS_OPTION(path_maps) \
	{ 0, "map", WB_OPTION_TEXTS, &(path_maps)->texts, "FROM=TO", "source files that were in the folder FROM are in TO; may be repeated" }

/* The texts to maps. WB_EXIT_OK, or WB_EXIT_USAGE: said why, and there is nothing to free. */
int wb_path_maps_parse(struct wb_path_maps *path_maps, const struct wb_command *command);
void wb_path_maps_deinit(struct wb_path_maps *path_maps);

#endif
