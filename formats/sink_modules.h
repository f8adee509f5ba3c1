/* SPDX-License-Identifier: MIT */
/* The modules of a dump, kept by a sink from the first stack to the last: what became of their files is known only then. */
#ifndef FORMATS_SINK_MODULES_H
#define FORMATS_SINK_MODULES_H

#include <walkback/formats.h>

struct wb_sink_module { struct wb_image *image; uint64_t address; char *path; };
struct wb_sink_modules { struct wb_sink_module *items; size_t count; };

/* Takes copies of what a dump's info lists; of a recording, whose modules are not all known yet, nothing. */
enum wb_err wb_sink_modules_take(struct wb_sink_modules *modules, const struct wb_capture_info *info);
void wb_sink_modules_deinit(struct wb_sink_modules *modules);

#endif
