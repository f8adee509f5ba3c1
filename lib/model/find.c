/* SPDX-License-Identifier: MIT */
/*
 * The stock finders: where files lie by convention. A finder is a folder and a list of rules; a rule makes one path out of a query, or has
 * nothing to say about it. Candidates are the paths that are regular files, in the order of the rules; whether they are the right ones is
 * judged elsewhere (verify.c).
 */
#include "base/mem.h"
#include "model/object.h"
#include "model/session.h"
#include "model/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	HEX_MAX = 2 * 64 + 1,         /* a build id as text */
	PADDED_SIZE = 20,             /* old perf records pad build ids to this size with zeros */
	PADDED_TAIL = 4,              /* what an md5 id of 16 bytes leaves */
};

/* ---- Paths ------------------------------------------------------------------------------------------------------------ */

/* Into a buffer of WB_CANDIDATE_PATH_MAX bytes. False if the path does not fit. */
static bool make(char *path, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool make(char *path, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(path, WB_CANDIDATE_PATH_MAX, format, args);
	va_end(args);
	return length > 0 && length < WB_CANDIDATE_PATH_MAX;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	/* Windows' paths begin with a drive or a share. */
	if (!slash && ((path[0] && path[1] == ':') || path[0] == '\\'))
		slash = strrchr(path, '\\');
	return slash ? slash + 1 : path;
}

/* Length of the folder's part with its last slash; 0 for a mere name, which is in the folder where we are. Longer than any path that fits
 * is as good as too long. */
static int folder_length(const char *path)
{
	size_t length = (size_t)(base_name(path) - path);

	return length < WB_CANDIDATE_PATH_MAX ? (int)length : WB_CANDIDATE_PATH_MAX;
}

/* A path that a file of the captured machine can have: not "[heap]", "//anon", "". */
static bool is_file_path(const char *path)
{
	return path[0] && path[0] != '[' && !(path[0] == '/' && path[1] == '/');
}

/* Without the " (deleted)" that the kernel puts behind names of removed files. */
static int recorded_length(const char *path)
{
	static const char deleted[] = " (deleted)";
	size_t length = strlen(path), suffix = sizeof(deleted) - 1;

	if (length > suffix && !strcmp(path + length - suffix, deleted))
		length -= suffix;
	return length < WB_CANDIDATE_PATH_MAX ? (int)length : WB_CANDIDATE_PATH_MAX;
}

/* Whether a path climbs: recorded ones are put below a folder, and must stay there. */
static bool climbs(const char *path)
{
	const char *end = path + recorded_length(path);

	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || !at[2] || at + 2 == end))
			return true;
	}
	return false;
}

static const char *hex(const struct wb_file_query *query, char text[HEX_MAX])
{
	size_t size = query->build_id_size <= 64 ? query->build_id_size : 64;

	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", query->build_id[i]);
	text[2 * size] = 0;
	return text;
}

/* ---- Rules -------------------------------------------------------------------------------------------------------------- */

typedef bool (*rule_fn)(const char *dir, const struct wb_file_query *query, char *path);

/* A module of a crash dump, whose symbol file is known by an id. */
static bool has_debug_id(const struct wb_file_query *query)
{
	return query->debug_id && *query->debug_id;
}

/* Roles whose file is the one that the capture recorded a path for. */
static bool is_recorded(const struct wb_file_query *query)
{
	if (!is_file_path(query->path))
		return false;
	/* Generated code may be called anything; symbols of it are in files with a whole path only. Those of modules are elsewhere. */
	return query->role == WB_FILE_EXECUTABLE || (query->role == WB_FILE_SYMBOLS && *query->path == '/' && !has_debug_id(query));
}

/* The recorded path itself. */
static bool rule_recorded(const char *dir, const struct wb_file_query *query, char *path)
{
	(void)dir;
	return is_recorded(query) && make(path, "%.*s", recorded_length(query->path), query->path);
}

static bool rule_recorded_below(const char *dir, const struct wb_file_query *query, char *path)
{
	return is_recorded(query) && !climbs(query->path) &&
	       make(path, "%s/%.*s", dir, recorded_length(query->path) - (query->path[0] == '/'), query->path + (query->path[0] == '/'));
}

/* The name alone, for folders into which somebody put the files that he had. */
static bool rule_name_below(const char *dir, const struct wb_file_query *query, char *path)
{
	const char *name = base_name(query->path);

	if (!*name || (query->role != WB_FILE_DWO && query->role != WB_FILE_DWP && !is_recorded(query)) || climbs(name))
		return false;
	return make(path, "%s/%.*s", dir, recorded_length(name), name);
}

/* DIR/.build-id/xx/yyy.debug (GDB's manual, "Separate Debug Files"). */
static bool rule_build_id_debug(const char *dir, const struct wb_file_query *query, char *path)
{
	char id[HEX_MAX];

	return query->build_id_size > 1 && (query->role == WB_FILE_DEBUG || query->role == WB_FILE_SUPPLEMENTARY) &&
	       make(path, "%s/.build-id/%.2s/%s.debug", dir, hex(query, id), hex(query, id) + 2);
}

/* DIR/.build-id/xx/yyy: a link to the executable (Fedora), or the file itself (old perf). */
static bool rule_build_id_executable(const char *dir, const struct wb_file_query *query, char *path)
{
	char id[HEX_MAX];

	return query->build_id_size > 1 && query->role == WB_FILE_EXECUTABLE &&
	       make(path, "%s/.build-id/%.2s/%s", dir, hex(query, id), hex(query, id) + 2);
}

static bool rule_sysroot_debug(const char *dir, const struct wb_file_query *query, char *path)
{
	char id[HEX_MAX];

	return query->build_id_size > 1 && (query->role == WB_FILE_DEBUG || query->role == WB_FILE_SUPPLEMENTARY) &&
	       make(path, "%s/usr/lib/debug/.build-id/%.2s/%s.debug", dir, hex(query, id), hex(query, id) + 2);
}

/* A debug link is a name, and nothing else. */
static bool is_link(const struct wb_file_query *query)
{
	return query->role == WB_FILE_DEBUG && *query->path && *query->referrer && !strchr(query->path, '/');
}

static bool rule_link_beside(const char *dir, const struct wb_file_query *query, char *path)
{
	(void)dir;
	return is_link(query) && make(path, "%.*s%s", folder_length(query->referrer), query->referrer, query->path);
}

static bool rule_link_in_debug(const char *dir, const struct wb_file_query *query, char *path)
{
	(void)dir;
	return is_link(query) && make(path, "%.*s.debug/%s", folder_length(query->referrer), query->referrer, query->path);
}

static bool rule_link_below(const char *dir, const struct wb_file_query *query, char *path)
{
	return is_link(query) && query->referrer[0] == '/' && !climbs(query->referrer) &&
	       make(path, "%s%.*s%s", dir, folder_length(query->referrer), query->referrer, query->path);
}

static bool rule_sysroot_link(const char *dir, const struct wb_file_query *query, char *path)
{
	return is_link(query) && query->referrer[0] == '/' && !climbs(query->referrer) &&
	       make(path, "%s/usr/lib/debug%.*s%s", dir, folder_length(query->referrer), query->referrer, query->path);
}

/* ---- Debug files of Mach-O files: dSYM bundles --------------------------------------------------------------------------- */

enum { UUID_SIZE = 16 };

static bool is_dsym(const struct wb_file_query *query)
{
	return query->role == WB_FILE_DEBUG && query->build_id_size == UUID_SIZE && *base_name(query->referrer);
}

/* What dsymutil makes of a file, beside it: the file's name and .dSYM, with the debug file inside. */
static bool make_dsym(char *path, int length, const char *bundle, const char *name)
{
	return make(path, "%.*s.dSYM/Contents/Resources/DWARF/%s", length, bundle, name);
}

static bool rule_dsym_beside(const char *dir, const struct wb_file_query *query, char *path)
{
	(void)dir;
	return is_dsym(query) && strlen(query->referrer) < WB_CANDIDATE_PATH_MAX &&
	       make_dsym(path, (int)strlen(query->referrer), query->referrer, base_name(query->referrer));
}

/* The innermost folder around a file that has an extension, as bundles do (Name.app, Name.framework): its name's start, and its end. */
static bool find_bundle(const char *referrer, const char **ret_start, const char **ret_end)
{
	bool found = false;

	for (const char *start = referrer, *end; (end = strchr(start, '/')); start = end + 1) {
		const char *dot = memchr(start, '.', (size_t)(end - start));

		if (!dot || dot == start || end - referrer >= WB_CANDIDATE_PATH_MAX)
			continue;
		*ret_start = start;
		*ret_end = end;
		found = true;
	}
	return found;
}

static bool rule_dsym_of_bundle(const char *dir, const struct wb_file_query *query, char *path)
{
	const char *start, *end;

	(void)dir;
	return is_dsym(query) && find_bundle(query->referrer, &start, &end) &&
	       make_dsym(path, (int)(end - query->referrer), query->referrer, base_name(query->referrer));
}

static bool rule_dsym_below(const char *dir, const struct wb_file_query *query, char *path)
{
	const char *name = base_name(query->referrer);

	return is_dsym(query) && !climbs(name) && make(path, "%s/%s.dSYM/Contents/Resources/DWARF/%s", dir, name, name);
}

static bool rule_dsym_of_bundle_below(const char *dir, const struct wb_file_query *query, char *path)
{
	const char *start, *end, *name = base_name(query->referrer);

	return is_dsym(query) && !climbs(name) && find_bundle(query->referrer, &start, &end) &&
	       make(path, "%s/%.*s.dSYM/Contents/Resources/DWARF/%s", dir, (int)(end - start), start, name);
}

/* Apple's tree of links by UUID (DBGFileMappedPaths): five folders of four digits, and in them a link that is called after the other twelve. */
static bool rule_dsym_by_uuid(const char *dir, const struct wb_file_query *query, char *path)
{
	const uint8_t *id = query->build_id;

	return query->role == WB_FILE_DEBUG && query->build_id_size == UUID_SIZE &&
	       make(path, "%s/%02X%02X/%02X%02X/%02X%02X/%02X%02X/%02X%02X/%02X%02X%02X%02X%02X%02X", dir, id[0], id[1], id[2], id[3], id[4], id[5],
	            id[6], id[7], id[8], id[9], id[10], id[11], id[12], id[13], id[14], id[15]);
}

/* Supplementary and split files: as named, from the folder of the file that names them. */
static bool is_named_by_debug(const struct wb_file_query *query)
{
	return (query->role == WB_FILE_SUPPLEMENTARY || query->role == WB_FILE_DWO || query->role == WB_FILE_DWP) && *query->path;
}

static bool rule_named(const char *dir, const struct wb_file_query *query, char *path)
{
	(void)dir;
	if (!is_named_by_debug(query))
		return false;
	if (query->path[0] == '/' || query->role == WB_FILE_DWP)
		return make(path, "%s", query->path);
	return *query->referrer && make(path, "%.*s%s", folder_length(query->referrer), query->referrer, query->path);
}

static bool rule_named_beside(const char *dir, const struct wb_file_query *query, char *path)
{
	(void)dir;
	return is_named_by_debug(query) && *query->referrer &&
	       make(path, "%.*s%s", folder_length(query->referrer), query->referrer, base_name(query->path));
}

static bool rule_named_below(const char *dir, const struct wb_file_query *query, char *path)
{
	return is_named_by_debug(query) && query->path[0] == '/' && !climbs(query->path) && make(path, "%s%s", dir, query->path);
}

/* The name alone, for a folder that split units were gathered in. */
static bool rule_split_below(const char *dir, const struct wb_file_query *query, char *path)
{
	return (query->role == WB_FILE_DWO || query->role == WB_FILE_DWP) && rule_name_below(dir, query, path);
}

/* Where dwz's files are installed: below .dwz, in a folder of the architecture's or not. */
static bool rule_dwz(const char *dir, const struct wb_file_query *query, char *path)
{
	const char *below = strstr(query->path, "/.dwz/");

	return query->role == WB_FILE_SUPPLEMENTARY && below && !climbs(below) && make(path, "%s%s", dir, below);
}

static bool rule_dwz_name(const char *dir, const struct wb_file_query *query, char *path)
{
	const char *below = strstr(query->path, "/.dwz/");

	if (query->role != WB_FILE_SUPPLEMENTARY || !*query->path || (below && base_name(below) == below + strlen("/.dwz/")))
		return false; /* else the rule above has said so */
	return make(path, "%s/.dwz/%s", dir, base_name(query->path));
}

/* perf's cache: the name of a role's file in the folder that is kept for a build id (tools/perf/util/build-id.c). */
static const char *cached_name(const struct wb_file_query *query)
{
	switch (query->role) {
	case WB_FILE_EXECUTABLE: return "elf";
	case WB_FILE_DEBUG: return "debug";
	case WB_FILE_SYMBOLS: return "kallsyms";
	case WB_FILE_SUPPLEMENTARY:
	case WB_FILE_DWO:
	case WB_FILE_DWP: break;
	}
	return NULL;
}

static bool rule_cache(const char *dir, const struct wb_file_query *query, char *path)
{
	const char *name = cached_name(query);
	char id[HEX_MAX];

	return name && query->build_id_size > 1 &&
	       make(path, "%s/.build-id/%.2s/%s/%s", dir, hex(query, id), hex(query, id) + 2, name);
}

static bool rule_cache_vdso(const char *dir, const struct wb_file_query *query, char *path)
{
	char id[HEX_MAX];

	return query->role == WB_FILE_EXECUTABLE && query->build_id_size > 1 &&
	       make(path, "%s/.build-id/%.2s/%s/vdso", dir, hex(query, id), hex(query, id) + 2);
}

/* Below the recorded path: for trees whose .build-id links did not survive. "[vdso]" and "[kernel.kallsyms]" are folders there too. */
static bool rule_cache_path(const char *dir, const struct wb_file_query *query, char *path)
{
	const char *name = cached_name(query), *recorded = query->path[0] == '/' ? query->path + 1 : query->path;
	char id[HEX_MAX];

	if (!name || !query->build_id_size || !*recorded || climbs(recorded))
		return false;
	if (!strcmp(recorded, "[vdso]"))
		name = "vdso";
	return make(path, "%s/%s/%s/%s", dir, recorded, hex(query, id), name);
}

static bool rule_cache_path_old(const char *dir, const struct wb_file_query *query, char *path)
{
	const char *recorded = query->path[0] == '/' ? query->path + 1 : query->path;
	char id[HEX_MAX];

	return query->role == WB_FILE_EXECUTABLE && query->build_id_size && *recorded && !climbs(recorded) &&
	       make(path, "%s/%s/%s", dir, recorded, hex(query, id));
}

/* DIR/BUILDID/executable and DIR/BUILDID/debuginfo (debuginfod_find_debuginfo(3), "CACHE"). */
static bool rule_debuginfod(const char *dir, const struct wb_file_query *query, char *path)
{
	bool is_executable = query->role == WB_FILE_EXECUTABLE;
	struct wb_file *file;
	uint64_t size = 0;
	char id[HEX_MAX];

	if (!query->build_id_size || (!is_executable && query->role != WB_FILE_DEBUG && query->role != WB_FILE_SUPPLEMENTARY) ||
	    !make(path, "%s/%s/%s", dir, hex(query, id), is_executable ? "executable" : "debuginfo"))
		return false;
	/* An empty file stands for "the servers do not have it". */
	if (wb_file_open(path, false, &file, NULL) == WB_OK) {
		size = wb_file_size(file);
		wb_file_free(file);
	}
	return size;
}

/* DIR/NAME/ID/STEM.sym, as Breakpad's tools lay out symbol files (docs/symbol_files.md): NAME is that of the file with the debug information, STEM the same
 * without ".pdb". */
static bool make_breakpad(const char *dir, const struct wb_file_query *query, const char *recorded, char *path)
{
	const char *name = base_name(recorded);
	size_t length = strlen(name), stem = length;

	if (query->role != WB_FILE_SYMBOLS || !has_debug_id(query) || !length || climbs(name) || strchr(query->debug_id, '/') || climbs(query->debug_id))
		return false;
	if (length > 4 && !strcmp(name + length - 4, ".pdb"))
		stem -= 4;
	return stem < WB_CANDIDATE_PATH_MAX && make(path, "%s/%s/%s/%.*s.sym", dir, name, query->debug_id, (int)stem, name);
}

static bool rule_breakpad(const char *dir, const struct wb_file_query *query, char *path)
{
	return make_breakpad(dir, query, query->debug_path, path);
}

/* For dumps that do not have the name of the file with the debug information. */
static bool rule_breakpad_module(const char *dir, const struct wb_file_query *query, char *path)
{
	return make_breakpad(dir, query, query->path, path);
}

/* ---- Finders of folders ------------------------------------------------------------------------------------------------- */

enum { RULES_MAX = 16 };

struct stock {
	bool on_host;                 /* paths are this host's, whatever machine the capture is from */
	rule_fn rules[RULES_MAX];     /* ends with NULL */
};

static const struct stock host_paths = { true, {
	rule_recorded, rule_link_beside, rule_link_in_debug, rule_named, rule_named_beside, rule_dsym_beside, rule_dsym_of_bundle } };
static const struct stock sysroot = { false, {
	rule_recorded_below, rule_name_below, rule_sysroot_debug, rule_sysroot_link, rule_link_beside, rule_link_in_debug,
	rule_named_below, rule_named_beside, rule_dsym_beside, rule_dsym_of_bundle } };
static const struct stock debug_dir = { false, {
	rule_build_id_debug, rule_build_id_executable, rule_link_beside, rule_link_in_debug, rule_link_below, rule_dwz, rule_dwz_name,
	rule_named, rule_named_below, rule_split_below, rule_dsym_below, rule_dsym_of_bundle_below, rule_dsym_by_uuid } };
static const struct stock build_id_cache = { false, {
	rule_cache, rule_cache_vdso, rule_build_id_executable, rule_cache_path, rule_cache_path_old } };
static const struct stock symbol_dir = { false, { rule_breakpad, rule_breakpad_module } };
static const struct stock debuginfod_cache = { false, { rule_debuginfod } };

struct folder {
	const struct stock *stock;
	char *dir;
};

static enum wb_err find_by_rules(const struct folder *folder, const struct wb_file_query *query, size_t *nth,
                                 struct wb_candidate *ret_candidate)
{
	for (size_t i = 0; i < RULES_MAX && folder->stock->rules[i]; i++) {
		if (!folder->stock->rules[i](folder->dir, query, ret_candidate->path) ||
		    wb_file_kind(ret_candidate->path) != WB_FILE_KIND_REGULAR)
			continue;
		if (*nth == 0) {
			ret_candidate->on_host = folder->stock->on_host;
			return WB_OK;
		}
		--*nth;
	}
	return WB_NONE;
}

static bool is_padded(const struct wb_file_query *query)
{
	static const uint8_t zeros[PADDED_TAIL];

	return query->build_id_size == PADDED_SIZE &&
	       !memcmp(query->build_id + PADDED_SIZE - PADDED_TAIL, zeros, PADDED_TAIL);
}

static enum wb_err find_in_folder(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	struct wb_file_query trimmed = *query;
	enum wb_err err = find_by_rules(arg, query, &nth, ret_candidate);

	if (err != WB_NONE || !is_padded(query))
		return err;
	trimmed.build_id_size -= PADDED_TAIL;
	return find_by_rules(arg, &trimmed, &nth, ret_candidate);
}

static void folder_free(void *arg)
{
	struct folder *folder = arg;

	wb_mem_free(folder->dir);
	wb_mem_free(folder);
}

static enum wb_err add_folder(struct wb_session *session, const struct stock *stock, const char *dir)
{
	struct folder *folder;
	enum wb_err err = WB_ERR_MEMORY;

	if (!session || !dir)
		return WB_ERR_ARGUMENT;
	folder = wb_mem_zalloc(1, sizeof(*folder));
	if (!folder)
		return WB_ERR_MEMORY;
	folder->stock = stock;
	folder->dir = wb_mem_strdup(dir);
	if (folder->dir)
		err = wb_session_add_finder(session, find_in_folder, folder, folder_free);
	if (err)
		folder_free(folder);
	return err;
}

enum wb_err wb_session_add_host_paths(struct wb_session *session)
{
	return add_folder(session, &host_paths, "");
}

enum wb_err wb_session_add_sysroot(struct wb_session *session, const char *dir)
{
	return add_folder(session, &sysroot, dir);
}

enum wb_err wb_session_add_debug_dir(struct wb_session *session, const char *dir)
{
	return add_folder(session, &debug_dir, dir);
}

enum wb_err wb_session_add_buildid_cache(struct wb_session *session, const char *dir)
{
	return add_folder(session, &build_id_cache, dir);
}

enum wb_err wb_session_add_debuginfod_cache(struct wb_session *session, const char *dir)
{
	return add_folder(session, &debuginfod_cache, dir);
}

enum wb_err wb_session_add_symbol_dir(struct wb_session *session, const char *dir)
{
	return add_folder(session, &symbol_dir, dir);
}

/* ---- One file ---------------------------------------------------------------------------------------------------------------- */

struct single {
	char *path;
	uint8_t build_id[64];
	size_t build_id_size;
	uint8_t code_id[8];           /* PE: see struct wb_object */
	size_t code_id_size;
	char debug_id[160];           /* of a Breakpad symbol file; else "" */
	bool is_text;                 /* addresses are the process's: a perf map or kernel symbols; or a Breakpad symbol file */
	bool is_kernel;
	bool is_debug_only;
	bool is_several;              /* build_id is that of the first of the objects in it */
};

static void single_free(void *arg)
{
	struct single *single = arg;

	wb_mem_free(single->path);
	wb_mem_free(single);
}

static bool is_named_as(const struct single *single, const struct wb_file_query *query)
{
	const char *name = base_name(query->path), *own = base_name(single->path);
	int length = recorded_length(name);

	return *own && strlen(own) == (size_t)length && !strncmp(name, own, (size_t)length);
}

static bool has_role(const struct single *single, enum wb_file_role role)
{
	switch (role) {
	case WB_FILE_EXECUTABLE: return !single->is_text && !single->is_debug_only;
	case WB_FILE_SYMBOLS: return single->is_text;
	case WB_FILE_DEBUG:
	case WB_FILE_SUPPLEMENTARY:
	case WB_FILE_DWO:
	case WB_FILE_DWP: return !single->is_text;
	}
	return false;
}

/* Whether one of the objects in a file of several is the wanted one. */
static bool has_part(const struct single *single, const struct wb_file_query *query)
{
	const struct wb_object_choice choice = { .build_id = query->build_id, .build_id_size = query->build_id_size };
	struct wb_object *object;
	struct wb_file *file;
	bool has;

	if (wb_file_open(single->path, false, &file, NULL) || wb_object_open_chosen(NULL, single->path, file, 0, &choice, &object))
		return false;
	has = wb_build_id_matches(query->build_id, query->build_id_size, object->build_id, object->build_id_size);
	wb_object_close(object);
	return has;
}

static bool is_wanted(const struct single *single, const struct wb_file_query *query)
{
	if (!has_role(single, query->role))
		return false;
	if (single->is_kernel)
		return !strncmp(query->path, "[kernel.kallsyms]", strlen("[kernel.kallsyms]"));
	if (*single->debug_id)
		return query->role == WB_FILE_SYMBOLS && has_debug_id(query) && !strcmp(query->debug_id, single->debug_id);
	/* What has the build id is the program that the package is of. */
	if (query->role == WB_FILE_DWP)
		return is_named_as(single, query);
	if (query->build_id_size && single->is_several)
		return has_part(single, query);
	/* Both have a build id: the verdict tells them apart, but another build of the same name is not worth a diagnostic. */
	if (query->build_id_size && single->build_id_size)
		return wb_build_id_matches(query->build_id, query->build_id_size, single->build_id, single->build_id_size) ||
		       wb_build_id_matches(query->build_id, query->build_id_size, single->code_id, single->code_id_size);
	return is_named_as(single, query);
}

static enum wb_err find_single(void *arg, const struct wb_file_query *query, size_t nth, struct wb_candidate *ret_candidate)
{
	const struct single *single = arg;

	if (nth || !is_wanted(single, query))
		return WB_NONE;
	return make(ret_candidate->path, "%s", single->path) ? WB_OK : WB_NONE;
}

/* Looks at the file once, to know for whom it is. */
static enum wb_err single_read(struct wb_session *session, const char *path, struct single *single)
{
	struct wb_diags *diags = wb_session_diags(session);
	struct wb_object *object;
	struct wb_file *file;
	const char *reason;
	enum wb_err err = wb_file_open(path, false, &file, &reason);

	if (err)
		return wb_diag_report(diags, err, WB_DIAG_FILE_UNREADABLE, path, "", UINT64_MAX, "%s", reason);
	err = wb_object_open(diags, path, file, 0, &object);
	if (err)
		return err;
	single->is_text = object->absolute || object->debug_id;
	snprintf(single->debug_id, sizeof(single->debug_id), "%s", object->debug_id ? object->debug_id : "");
	single->is_kernel = !strcmp(object->format->name, "kallsyms");
	single->is_debug_only = object->is_debug_only;
	single->is_several = object->is_one_of_several;
	if (object->build_id_size <= sizeof(single->build_id)) {
		single->build_id_size = object->build_id_size;
		memcpy(single->build_id, object->build_id ? object->build_id : (const uint8_t *)"", object->build_id_size);
	}
	if (object->code_id_size <= sizeof(single->code_id)) {
		single->code_id_size = object->code_id_size;
		memcpy(single->code_id, object->code_id ? object->code_id : (const uint8_t *)"", object->code_id_size);
	}
	wb_object_close(object);
	return WB_OK;
}

enum wb_err wb_session_add_file(struct wb_session *session, const char *path)
{
	struct single *single;
	enum wb_err err;

	if (!session || !path)
		return WB_ERR_ARGUMENT;
	single = wb_mem_zalloc(1, sizeof(*single));
	if (!single)
		return WB_ERR_MEMORY;
	single->path = wb_mem_strdup(path);
	err = single->path ? single_read(session, path, single) : WB_ERR_MEMORY;
	if (!err)
		err = wb_session_add_finder(session, find_single, single, single_free);
	if (err)
		single_free(single);
	return err;
}
