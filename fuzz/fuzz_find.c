/* SPDX-License-Identifier: MIT */
/*
 * Queries for files as a hostile capture makes them: role, build id, path, referrer. The stock finders are asked, and what they look at is seen where
 * the library asks what kind of file a path is. No rule makes a path that climbs out of the folder it was given by what a capture recorded.
 */
#include "fuzz.h"
#include "model/session.h"
#include "virtual_files.h"

#include <string.h>

enum { CANDIDATES_MAX = 1000 };

/* Every path is a regular file; the last one is remembered. */
static char seen[WB_CANDIDATE_PATH_MAX];
static size_t num_seen;

static const uint8_t *virtual_file(const char *path, size_t *ret_size)
{
	size_t length = strlen(path);

	FUZZ_ASSERT(length > 0 && length < sizeof(seen));
	memcpy(seen, path, length + 1);
	num_seen++;
	*ret_size = 1;
	return (const uint8_t *)"x";
}

static bool is_virtual_folder(const char *path)
{
	(void)path;
	return false;
}

static bool climbs(const char *path)
{
	size_t length = strlen(path);

	return strstr(path, "/../") || (length >= 3 && !strcmp(path + length - 3, "/.."));
}

/* Below the folder; or, for what debug information and debug links name, below the referrer's folder or where they say. */
static void check_candidate(const struct wb_file_query *query, const char *path, bool is_host)
{
	FUZZ_ASSERT(memchr(path, 0, WB_CANDIDATE_PATH_MAX) && *path);
	if (is_host || query->role == WB_FILE_SUPPLEMENTARY || query->role == WB_FILE_DWO || query->role == WB_FILE_DWP)
		return;
	if (query->role == WB_FILE_DEBUG && *query->referrer)
		return;
	FUZZ_ASSERT(!strncmp(path, "/dir/", 5) && !climbs(path));
}

static size_t take_text(const uint8_t *bytes, size_t size, char *text, size_t room)
{
	size_t count = 0;

	while (count < size && bytes[count])
		count++;
	size_t kept = count < room - 1 ? count : room - 1;
	if (kept)
		memcpy(text, bytes, kept);
	text[kept] = 0;
	return count + (count < size);
}

static enum wb_err add_finder(struct wb_session *session, unsigned which)
{
	switch (which) {
	case 0: return wb_session_add_host_paths(session);
	case 1: return wb_session_add_sysroot(session, "/dir");
	case 2: return wb_session_add_debug_dir(session, "/dir");
	case 3: return wb_session_add_buildid_cache(session, "/dir");
	default: return wb_session_add_debuginfod_cache(session, "/dir");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static char path[8192], referrer[8192];
	static struct wb_candidate candidate;
	struct wb_file_query query = { .size = sizeof(query), .path = path, .referrer = referrer };
	struct wb_session *session;
	size_t id_size, used;
	unsigned which;

	if (size < 2)
		return 0;
	query.role = (enum wb_file_role)(bytes[0] % 6);
	which = bytes[0] / 6 % 5;
	id_size = bytes[1] % 65;
	if (id_size > size - 2)
		id_size = size - 2;
	query.build_id = id_size ? bytes + 2 : NULL;
	query.build_id_size = id_size;
	used = 2 + id_size;
	used += take_text(bytes + used, size - used, path, sizeof(path));
	take_text(bytes + used, size - used, referrer, sizeof(referrer));
	FUZZ_ASSERT(wb_session_new(NULL, &session) == WB_OK);
	FUZZ_ASSERT(add_finder(session, which) == WB_OK);

	struct wb_find_cursor cursor = { 0 };
	size_t count = 0;

	while (wb_session_find_next(session, &query, &cursor, &candidate) == WB_OK) {
		FUZZ_ASSERT(++count < CANDIDATES_MAX && num_seen > 0);
		FUZZ_ASSERT(!strcmp(candidate.path, seen));
		check_candidate(&query, candidate.path, which == 0);
	}
	wb_session_free(session);
	return 0;
}
