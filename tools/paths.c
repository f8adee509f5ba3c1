/* SPDX-License-Identifier: MIT */
/* Finders of the command, in order: named files, named folders, caches that are keyed by build id, this host. */
#include "paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void wb_paths_options(struct wb_paths *paths, struct wb_option options[WB_PATHS_OPTIONS])
{
	const struct wb_option ours[WB_PATHS_OPTIONS] = {
		{ 0, "sysroot", WB_OPTION_TEXTS, &paths->sysroots, "DIR", "look for the recorded paths under DIR" },
		{ 0, "debug-dir", WB_OPTION_TEXTS, &paths->debug_dirs, "DIR", "look for files by build id and debug link under DIR" },
		{ 0, "symbol-dir", WB_OPTION_TEXTS, &paths->symbol_dirs, "DIR", "look for Breakpad symbol files, NAME/ID/NAME.sym, under DIR" },
		{ 0, "exe", WB_OPTION_TEXTS, &paths->exes, "FILE", "use FILE for whichever module it matches" },
		{ 0, "trust-paths", WB_OPTION_FLAG, &paths->trust, NULL, "use this host's files even where they cannot be verified" },
		{ 0 },
	};

	memcpy(options, ours, sizeof(ours));
}

/* perf-PID.map, where just-in-time compilers list their code. */
static bool is_perf_map(const char *path, size_t length)
{
	const char *slash = strrchr(path, '/');

	return slash && !strncmp(slash, "/perf-", 6) && length > 4 && !strcmp(path + length - 4, ".map");
}

/*
 * The recorded path on this host, believed even where nothing can be compared: the capture was made here, or the user gave his word. Else
 * the library's own finder of host paths, which comes after this one, has it and leaves unverifiable files alone.
 */
static enum wb_err find_on_host(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	static const char deleted[] = " (deleted)";
	const struct wb_paths *paths = arg;
	size_t length = strlen(query->path);

	if (nth || query->path[0] != '/' || length >= sizeof(ret_candidate->path) || (!paths->trust && !atomic_load(&paths->own_host)))
		return WB_NONE;
	if (query->role != WB_FILE_EXECUTABLE && !(query->role == WB_FILE_SYMBOLS && is_perf_map(query->path, length)))
		return WB_NONE;
	memcpy(ret_candidate->path, query->path, length + 1);
	if (length >= sizeof(deleted) && !strcmp(query->path + length - (sizeof(deleted) - 1), deleted)) {
		/* What has the name now is another file. It may still be the same build, which only a build id can tell. */
		if (!query->build_id_size && !paths->trust)
			return WB_NONE;
		ret_candidate->path[length - (sizeof(deleted) - 1)] = 0;
	}
	if (access(ret_candidate->path, R_OK))
		return WB_NONE;
	ret_candidate->source = NULL;
	ret_candidate->forced = 0;
	ret_candidate->on_host = 0;
	return WB_OK;
}

typedef enum wb_err (*add_fn)(struct wb_session *session, const char *path);

static enum wb_err add_all(struct wb_session *session, const struct wb_texts *texts, add_fn add)
{
	enum wb_err err = WB_OK;

	for (size_t i = 0; i < texts->count && !err; i++)
		err = add(session, texts->items[i]);
	return err;
}

/* Adds "BASE/rest"; nothing if that is too long. */
static enum wb_err add_under(struct wb_session *session, const char *base, const char *rest, add_fn add)
{
	char path[4096];
	int length = snprintf(path, sizeof(path), "%s/%s", base, rest);

	return length > 0 && (size_t)length < sizeof(path) ? add(session, path) : WB_OK;
}

static enum wb_err add_debug_under(struct wb_session *session, const char *sysroot)
{
	return add_under(session, sysroot, "usr/lib/debug", wb_session_add_debug_dir);
}

/* debuginfod-find(1): $DEBUGINFOD_CACHE_PATH, else under XDG's cache folder, else the one of before there was XDG. */
static enum wb_err add_debuginfod(struct wb_session *session, const char *home)
{
	const char *cache = getenv("DEBUGINFOD_CACHE_PATH"), *xdg = getenv("XDG_CACHE_HOME");
	enum wb_err err = WB_OK;

	if (cache && *cache)
		return wb_session_add_debuginfod_cache(session, cache);
	if (xdg && *xdg)
		err = add_under(session, xdg, "debuginfod_client", wb_session_add_debuginfod_cache);
	else if (home)
		err = add_under(session, home, ".cache/debuginfod_client", wb_session_add_debuginfod_cache);
	if (!err && home)
		err = add_under(session, home, ".debuginfod_client_cache", wb_session_add_debuginfod_cache);
	return err;
}

static enum wb_err add_named(struct wb_session *session, const struct wb_paths *paths)
{
	enum wb_err err = add_all(session, &paths->exes, wb_session_add_file);

	if (!err)
		err = add_all(session, &paths->sysroots, wb_session_add_sysroot);
	if (!err)
		err = add_all(session, &paths->sysroots, add_debug_under);
	if (!err)
		err = add_all(session, &paths->debug_dirs, wb_session_add_debug_dir);
	if (!err)
		err = add_all(session, &paths->symbol_dirs, wb_session_add_symbol_dir);
	/* An unpacked `perf archive` is a folder like ~/.debug. */
	if (!err)
		err = add_all(session, &paths->debug_dirs, wb_session_add_buildid_cache);
	return err;
}

enum wb_err wb_paths_add(struct wb_session *session, struct wb_paths *paths)
{
	const char *home = getenv("HOME");
	enum wb_err err = add_named(session, paths);

	if (home && !*home)
		home = NULL;
	if (!err && home)
		err = add_under(session, home, ".debug", wb_session_add_buildid_cache);
	if (!err)
		err = add_debuginfod(session, home);
	if (!err)
		err = wb_session_add_debug_dir(session, "/usr/lib/debug");
	if (!err)
		err = wb_session_add_finder(session, find_on_host, paths, NULL);
	return err ? err : wb_session_add_host_paths(session);
}
