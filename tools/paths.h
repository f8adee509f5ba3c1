/* SPDX-License-Identifier: MIT */
/*
 * Where files are looked for: what the command line names, then the places that distributions and tools agree on. The only reader of the
 * environment: HOME, DEBUGINFOD_CACHE_PATH, XDG_CACHE_HOME.
 */
#ifndef TOOLS_PATHS_H
#define TOOLS_PATHS_H

#include <walkback/base.h>

#include "options.h"

#include <stdatomic.h>

struct wb_paths {
	struct wb_texts sysroots, debug_dirs, symbol_dirs, exes;
	bool trust;                   /* --trust-paths */
	atomic_bool own_host;         /* the capture was made here: paths of this host are the recorded files */
};

/* The options --sysroot, --debug-dir, --symbol-dir, --exe and --trust-paths, for a command's list of tables. Values go to *paths. */
enum { WB_PATHS_OPTIONS = 6 };
void wb_paths_options(struct wb_paths *paths, struct wb_option options[WB_PATHS_OPTIONS]);

/* Adds finders for all of them. paths has to live as long as the session. */
enum wb_err wb_paths_add(struct wb_session *session, struct wb_paths *paths);

#endif
