/* SPDX-License-Identifier: MIT */
/*
 * Files of images: which finders are asked for each role, and whether what they offer is the right file (the verdict). A file is opened at
 * most once, under the files' lock, and published.
 */
#include "model/image_files.h"

#include "base/hash.h"
#include "base/mem.h"
#include "model/image_pool.h"
#include "model/session.h"
#include "model/verify.h"

#include <string.h>

/* ---- Opened files --------------------------------------------------------------------------------------------------- */

enum wb_err wb_image_file_new(struct wb_image *image, struct wb_object *object, char *path, struct wb_image_file **ret_file)
{
	struct wb_image_file *file = wb_mem_zalloc(1, sizeof(*file));

	if (file)
		file->sections = wb_mem_zalloc(object->num_sections, sizeof(file->sections[0]));
	if (!file || !file->sections) {
		wb_mem_free(file);
		wb_object_close(object);
		wb_mem_free(path);
		return WB_ERR_MEMORY;
	}
	file->object = object;
	file->path = path;
	object->path = path;
	object->holder = file;
	atomic_fetch_add_explicit(&wb_session_image_pool(image->session)->files, 1, memory_order_relaxed);
	*ret_file = file;
	return WB_OK;
}

void wb_image_file_free(struct wb_image *image, struct wb_image_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->object->num_sections; i++) {
		struct wb_image_section *section = atomic_load_explicit(&file->sections[i], memory_order_relaxed);

		if (section) {
			wb_piece_deinit(&section->piece);
			wb_unpack_free(section->unpack);
		}
		wb_mem_free(section);
	}
	wb_mem_free(file->sections);
	wb_object_close(file->object);
	wb_mem_free(file->path);
	wb_session_discharge(image->session, atomic_load_explicit(&file->charged, memory_order_relaxed), false);
	atomic_fetch_sub_explicit(&wb_session_image_pool(image->session)->files, 1, memory_order_relaxed);
	wb_mem_free(file);
}

static void free_extras(struct wb_image *image, struct wb_image_extra *extra)
{
	while (extra) {
		struct wb_image_extra *next = extra->next;

		wb_image_file_free(image, extra->file);
		wb_mem_free(extra->path);
		wb_mem_free(extra->member);
		wb_mem_free(extra);
		extra = next;
	}
}

void wb_image_files_deinit(struct wb_image *image)
{
	for (size_t i = 0; i < WB_FILE_ROLES; i++) {
		struct wb_image_role *role = &image->roles[i];

		wb_image_file_free(image, atomic_load_explicit(&role->file, memory_order_relaxed));
		wb_refusals_free(atomic_load_explicit(&role->refused, memory_order_relaxed));
	}
	wb_image_file_free(image, atomic_load_explicit(&image->inner, memory_order_relaxed));
	for (size_t i = 0; image->extras && i < WB_EXTRA_BUCKETS; i++)
		free_extras(image, image->extras[i]);
	wb_mem_free(image->extras);
}

static struct wb_image_file *file_of(struct wb_image *image, enum wb_file_role role)
{
	return atomic_load_explicit(&image->roles[role].file, memory_order_acquire);
}

static void publish(struct wb_image_role *role, struct wb_image_file *file, enum wb_verdict verdict)
{
	atomic_store_explicit(&role->verdict, (uint8_t)verdict, memory_order_relaxed);
	atomic_store_explicit(&role->file, file, memory_order_release);
	atomic_store_explicit(&role->done, 1, memory_order_release);
}

void wb_image_forgo(struct wb_image *image, enum wb_file_role role)
{
	wb_lock_take(&image->files_lock);
	if (!file_of(image, role))
		publish(&image->roles[role], NULL, WB_VERDICT_NOT_TRIED);
	wb_lock_give(&image->files_lock);
}

bool wb_image_adopt(struct wb_image *image, enum wb_file_role role, struct wb_image_file *file, enum wb_verdict verdict)
{
	wb_lock_take(&image->files_lock);
	if (file_of(image, role)) {
		wb_lock_give(&image->files_lock);
		wb_image_file_free(image, file);
		return false;
	}
	publish(&image->roles[role], file, verdict);
	wb_lock_give(&image->files_lock);
	/* What was known to be absent without the file may be there now. Nobody holds a pointer to nothing, so it can be forgotten. */
	for (size_t i = 0; i < WB_SLOT_COUNT; i++) {
		struct wb_image_value *value = &image->values[i];

		wb_lock_take(&value->lock);
		if (!value->value)
			atomic_store_explicit(&value->done, 0, memory_order_release);
		wb_lock_give(&value->lock);
	}
	return true;
}

const uint8_t *wb_image_wanted_id(struct wb_image *image, size_t *ret_size)
{
	const struct wb_image_file *file = file_of(image, WB_FILE_EXECUTABLE);

	*ret_size = image->build_id_size;
	if (image->build_id_size)
		return image->build_id;
	if (!file || !file->object->build_id || file->object->build_id_size > WB_BUILD_ID_MAX)
		return NULL;
	*ret_size = file->object->build_id_size;
	return file->object->build_id;
}

/* ---- Asking finders --------------------------------------------------------------------------------------------------- */

enum { TRIED_MAX = 16 };

/* A search for one file: what is asked for, and what it came to. */
struct search {
	struct wb_image *image;
	struct wb_file_query query;
	struct wb_wants wants;
	wb_object_accept_fn accept;   /* the last word; NULL: none is needed */
	void *accept_arg;
	struct wb_image_file *file;   /* found */
	uint64_t tried[TRIED_MAX];    /* hashes of paths that were refused: several finders know the usual places, and a CRC over a file is slow */
	size_t num_tried;
	enum wb_verdict verdict;
	struct wb_refusal *refused;   /* files that were looked at and not used */
	bool later;                   /* a finder wants to be asked again */
};

static bool was_tried(const struct search *search, const struct wb_candidate *candidate, uint64_t hash)
{
	for (size_t i = 0; i < search->num_tried; i++)
		if (search->tried[i] == hash && !candidate->source)
			return true;
	return false;
}

static void refuse(struct search *search, const char *path, enum wb_verdict verdict, const char *reason)
{
	/* Who offers it next may be trusted more. */
	if (verdict != WB_VERDICT_UNVERIFIABLE && search->num_tried < TRIED_MAX)
		search->tried[search->num_tried++] = wb_hash_bytes(wb_hash_start, path, strlen(path));
	wb_refusals_add(&search->refused, path, verdict, reason);
	search->verdict = verdict;
}

static enum wb_err open_candidate(struct search *search, const struct wb_candidate *candidate, const char *path,
                                  struct wb_object **ret_object, const char **ret_reason)
{
	struct wb_session *session = search->image->session;
	struct wb_diags *diags = wb_session_diags(session);
	const struct wb_object_choice choice = { search->wants.platform.arch, search->wants.build_id, search->wants.build_id_size, search->wants.member };
	/* The image's executable alone is what may lie as in memory. */
	uint32_t flags = search->image->flags & ~(uint32_t)(search->query.role == WB_FILE_EXECUTABLE ? 0 : WB_IMAGE_LOADED);
	const char *reason = "";
	struct wb_file *file;
	enum wb_err err;

	if (candidate->source)
		err = wb_file_of_source(candidate->source, &file);
	else
		err = wb_file_open(path, wb_session_config(session)->files_are_stable, &file, &reason);
	if (err == WB_ERR_IO) {
		*ret_reason = reason;
		return wb_diag_report(diags, err, WB_DIAG_FILE_UNREADABLE, path, "", UINT64_MAX, "%s", reason);
	}
	if (!err)
		err = wb_object_open_chosen(diags, path, file, flags, &choice, ret_object);
	*ret_reason = wb_err_text(err);
	return err;
}

/* Takes an object that the verdict lets through. WB_NONE: its reader knows better. */
static enum wb_err take_object(struct search *search, struct wb_object *object, char *path)
{
	struct wb_image_file *file;
	enum wb_err err = wb_image_file_new(search->image, object, path, &file);

	if (!err && search->accept) {
		err = search->accept(search->accept_arg, search->image, object);
		if (err) {
			path = err == WB_NONE ? wb_mem_strdup(path) : NULL;
			wb_image_file_free(search->image, file);
			if (err != WB_NONE)
				return err;
			if (!path)
				return WB_ERR_MEMORY;
			refuse(search, path, WB_VERDICT_MISMATCHED, "");
			wb_mem_free(path);
			return WB_NONE;
		}
		search->verdict = WB_VERDICT_MATCHED;
	}
	if (!err)
		search->file = file;
	return err;
}

/* Opens a candidate and judges it. Takes path. WB_NONE: not used, ask for the next. */
static enum wb_err try_candidate(struct search *search, const struct wb_candidate *candidate, char *path)
{
	bool trust = wb_session_config(search->image->session)->trust_unverified;
	struct wb_judgement judgement = { .verdict = WB_VERDICT_MALFORMED };
	const char *reason = "";
	struct wb_object *object;
	enum wb_err err = open_candidate(search, candidate, path, &object, &reason);

	if (!err) {
		err = wb_verify(&search->wants, object, candidate, trust, &judgement);
		if (!err && judgement.use) {
			search->verdict = judgement.verdict;
			return take_object(search, object, path);
		}
		wb_object_close(object);
		reason = judgement.reason;
	}
	refuse(search, path, judgement.verdict, reason);
	wb_mem_free(path);
	return err == WB_ERR_MEMORY || err == WB_ERR_CANCELLED ? err : WB_NONE;
}

/* Asks for one candidate after the other until one is used; the session bounds how many a finder has. */
static enum wb_err search_run(struct search *search)
{
	struct wb_find_cursor cursor = { 0 };
	struct wb_candidate candidate;

	for (;;) {
		enum wb_err err = wb_session_find_next(search->image->session, &search->query, &cursor, &candidate);
		char *path;

		search->later |= err == WB_LATER;
		if (err)
			return err == WB_LATER ? WB_NONE : err;
		candidate.path[sizeof(candidate.path) - 1] = 0;
		if (was_tried(search, &candidate, wb_hash_bytes(wb_hash_start, candidate.path, strlen(candidate.path))))
			continue;
		path = wb_mem_strdup(candidate.path);
		if (!path) {
			if (candidate.source && candidate.source->release)
				candidate.source->release(candidate.source->arg);
			return WB_ERR_MEMORY;
		}
		err = try_candidate(search, &candidate, path);
		if (err != WB_NONE)
			return err;
	}
}

/* A search for a file of the image, whose build id must be the image's. */
static struct search search_for(struct wb_image *image, enum wb_file_role role, const char *path, const char *referrer)
{
	struct search search = { .image = image, .verdict = WB_VERDICT_MISSING };

	search.wants.role = role;
	search.wants.platform = wb_image_platform(image);
	search.wants.debug_id = image->debug_id;
	search.wants.build_id = wb_image_wanted_id(image, &search.wants.build_id_size);
	search.query = (struct wb_file_query){ .size = sizeof(search.query), .role = role, .path = path, .referrer = referrer,
	                                       .debug_path = image->debug_path, .debug_id = image->debug_id, .build_id = search.wants.build_id, .build_id_size = search.wants.build_id_size };
	return search;
}

/* ---- Roles ------------------------------------------------------------------------------------------------------------- */

/* The image's own path and build id. */
static enum wb_err find_recorded(struct search *search)
{
	/* Android's profilers name what is mapped out of an archive so: "/data/app/base.apk!/lib/arm64-v8a/libfoo.so". */
	const char *inside = search->query.role == WB_FILE_EXECUTABLE ? strstr(search->query.path, "!/") : NULL;
	enum wb_err err;
	char *archive;

	if (!*search->query.path && !search->query.build_id_size)
		return WB_NONE;
	if (!inside)
		return search_run(search);
	archive = wb_mem_strdup(search->query.path);
	if (!archive)
		return WB_ERR_MEMORY;
	archive[inside - search->query.path] = 0;
	search->query.path = archive;
	search->query.member = search->wants.member = inside + 2;
	err = search_run(search);
	wb_mem_free(archive);
	return err;
}

/* By build id, and by the name in .gnu_debuglink beside the file in use, then beside the path that was recorded. */
static enum wb_err find_debug(struct search *search)
{
	struct wb_image *image = search->image;
	const struct wb_image_file *file = file_of(image, WB_FILE_EXECUTABLE);
	const struct wb_object *main = file ? file->object : NULL;
	size_t index;
	enum wb_err err;

	/* It has debug information itself, and does not say that there is more elsewhere. */
	if (main && !main->debuglink && wb_object_find_section(main, ".debug_info", &index) == WB_OK) {
		search->verdict = WB_VERDICT_NOT_TRIED;
		return WB_NONE;
	}
	search->query.path = main && main->debuglink ? main->debuglink : "";
	search->wants.has_crc = *search->query.path != 0;
	search->wants.crc = main ? main->debuglink_crc : 0;
	if (!search->query.build_id_size && !*search->query.path)
		return WB_NONE;
	search->query.referrer = file ? file->path : image->path;
	err = search_run(search);
	/* What was read out of memory is all that most have of it: nobody is sent to look for more. */
	if (err == WB_NONE && main && main->loaded_layout)
		search->verdict = WB_VERDICT_NOT_TRIED;
	if (err != WB_NONE || !file || !*search->query.path || !strcmp(file->path, image->path))
		return err;
	search->query.referrer = image->path;
	return search_run(search);
}

/* The file that .gnu_debugaltlink names: in the debug file, else in the executable. */
static enum wb_err find_supplementary(struct search *search)
{
	const struct wb_image_file *file = file_of(search->image, WB_FILE_DEBUG);

	if (!file || !file->object->altlink)
		file = file_of(search->image, WB_FILE_EXECUTABLE);
	if (!file || !file->object->altlink) {
		search->verdict = WB_VERDICT_NOT_TRIED;
		return WB_NONE;
	}
	search->query.path = file->object->altlink;
	search->query.referrer = file->path;
	search->wants.build_id = search->query.build_id = file->object->altlink_id;
	search->wants.build_id_size = search->query.build_id_size = file->object->altlink_id_size;
	return search_run(search);
}

/* A package has the name of the file whose units it has, and .dwp behind it (DWARF 5, 7.3.5 leaves that to convention). */
static enum wb_err find_package_of(struct search *search, const char *referrer)
{
	size_t length = strlen(referrer), size;
	char *path;
	enum wb_err err;

	if (!length || !wb_size_add(length, sizeof(".dwp"), &size))
		return WB_NONE;
	path = wb_mem_alloc(size);
	if (!path)
		return WB_ERR_MEMORY;
	memcpy(path, referrer, length);
	memcpy(path + length, ".dwp", sizeof(".dwp"));
	search->query.path = path;
	search->query.referrer = referrer;
	err = search_run(search);
	wb_mem_free(path);
	return err;
}

/* Beside the executable in use, the debug file, then the path that was recorded. */
static enum wb_err find_package(struct search *search)
{
	const struct wb_image_file *executable = file_of(search->image, WB_FILE_EXECUTABLE), *debug = file_of(search->image, WB_FILE_DEBUG);
	enum wb_err err = executable ? find_package_of(search, executable->path) : WB_NONE;

	if (err == WB_NONE && debug)
		err = find_package_of(search, debug->path);
	if (err == WB_NONE && (!executable || strcmp(executable->path, search->image->path) != 0))
		err = find_package_of(search, search->image->path);
	return err;
}

static enum wb_err find_by_role(struct search *search, enum wb_file_role role)
{
	switch (role) {
	case WB_FILE_EXECUTABLE:
	case WB_FILE_SYMBOLS: return find_recorded(search);
	case WB_FILE_DEBUG: return find_debug(search);
	case WB_FILE_SUPPLEMENTARY: return find_supplementary(search);
	case WB_FILE_DWP: return find_package(search);
	case WB_FILE_DWO: break; /* one of many: see wb_image_extra_object */
	}
	return WB_NONE;
}

static bool is_done(struct wb_image *image, enum wb_file_role role)
{
	return atomic_load_explicit(&image->roles[role].done, memory_order_acquire);
}

/* Which role's file says where to look for this one. */
static const enum wb_file_role after[WB_FILE_ROLES] = { [WB_FILE_DEBUG] = WB_FILE_EXECUTABLE, [WB_FILE_SUPPLEMENTARY] = WB_FILE_DEBUG,
                                                         [WB_FILE_DWP] = WB_FILE_DEBUG };

static bool has_prerequisite(enum wb_file_role role)
{
	return role != WB_FILE_EXECUTABLE && role != WB_FILE_SYMBOLS;
}

/* Finds what is to be found for a role, whose prerequisite was looked for. Under the files' lock. */
static enum wb_err find_file(struct wb_image *image, enum wb_file_role role)
{
	struct search search = search_for(image, role, image->path, "");
	/* Generated code and the kernel have symbol files, whose addresses are the process's; all others have object files, and those of crash
	 * dumps Breakpad's symbol files. */
	bool searched = role == WB_FILE_SYMBOLS ? wb_image_is_absolute(image) || *image->debug_id : !wb_image_is_absolute(image);
	enum wb_err err = WB_NONE;

	if (!searched)
		search.verdict = WB_VERDICT_NOT_TRIED;
	else
		err = find_by_role(&search, role);
	/* A prerequisite that comes later may say more about where to look. */
	search.later |= has_prerequisite(role) && !is_done(image, after[role]);
	if (err < 0 || (!search.file && search.later)) {
		if (err >= 0)
			atomic_fetch_add_explicit(&image->laters, 1, memory_order_relaxed);
		wb_refusals_free(search.refused);
		return err < 0 ? err : WB_NONE;
	}
	atomic_store_explicit(&image->roles[role].refused, search.refused, memory_order_release);
	publish(&image->roles[role], search.file, search.verdict);
	return err;
}

static enum wb_err find_file_once(struct wb_image *image, enum wb_file_role role)
{
	enum wb_err err = WB_OK;

	if (is_done(image, role))
		return WB_OK;
	wb_lock_take(&image->files_lock);
	if (!is_done(image, role))
		err = find_file(image, role);
	wb_lock_give(&image->files_lock);
	return err;
}

enum wb_err wb_image_object(struct wb_image *image, enum wb_file_role role, struct wb_object **ret_object)
{
	struct wb_image_file *file;
	enum wb_err err = WB_OK;

	if ((unsigned)role >= WB_FILE_ROLES || role == WB_FILE_DWO)
		return WB_ERR_ARGUMENT;
	if (!is_done(image, role)) {
		struct wb_object *ignored;

		/* At most three levels: supplementary, debug, executable. */
		if (has_prerequisite(role))
			err = wb_image_object(image, after[role], &ignored);
		if (err >= 0)
			err = find_file_once(image, role);
		if (err < 0)
			return err;
	}
	file = file_of(image, role);
	if (!file)
		return WB_NONE;
	*ret_object = file->object;
	return WB_OK;
}

enum wb_verdict wb_image_verdict(struct wb_image *image, enum wb_file_role role)
{
	return atomic_load_explicit(&image->roles[role].verdict, memory_order_relaxed);
}

bool wb_image_is_proven(struct wb_image *image)
{
	const struct wb_image_file *file = file_of(image, WB_FILE_EXECUTABLE);

	return file && (file->is_given || wb_image_verdict(image, WB_FILE_EXECUTABLE) == WB_VERDICT_MATCHED);
}

/* ---- Extra objects: split units ------------------------------------------------------------------------------------------ */

/* The list that an extra object is in; NULL when out of memory. */
static struct wb_image_extra **extra_list(struct wb_image *image, const struct wb_file_query *query)
{
	uint64_t hash = wb_hash_bytes(wb_hash_start, query->path ? query->path : "", query->path ? strlen(query->path) : 0);

	if (!image->extras)
		image->extras = wb_mem_zalloc(WB_EXTRA_BUCKETS, sizeof(image->extras[0]));
	return image->extras ? &image->extras[(hash ^ query->dwo_id) % WB_EXTRA_BUCKETS] : NULL;
}

static struct wb_image_extra *extra_known(struct wb_image_extra *extra, const struct wb_file_query *query)
{
	const char *path = query->path ? query->path : "", *member = query->member ? query->member : "";

	while (extra && (extra->dwo_id != query->dwo_id || extra->role != query->role || strcmp(extra->path, path) || strcmp(extra->member, member)))
		extra = extra->next;
	return extra;
}

/* How much a verdict tells somebody who looks for what is missing. */
static unsigned rank_of(enum wb_verdict verdict)
{
	switch (verdict) {
	case WB_VERDICT_NOT_TRIED: return 0;
	case WB_VERDICT_MATCHED:
	case WB_VERDICT_FORCED: return 1;
	case WB_VERDICT_MISSING: return 2;
	case WB_VERDICT_UNVERIFIABLE:
	case WB_VERDICT_MALFORMED: return 3;
	case WB_VERDICT_MISMATCHED: return 4;
	}
	return 0;
}

/* The role's verdict is the worst of its files'. */
static void note_extra(struct wb_image *image, struct search *search)
{
	struct wb_image_role *role = &image->roles[search->query.role];

	if (rank_of(search->verdict) <= rank_of((enum wb_verdict)atomic_load_explicit(&role->verdict, memory_order_relaxed)))
		return;
	atomic_store_explicit(&role->verdict, (uint8_t)search->verdict, memory_order_relaxed);
	/* Readers may hold the path that is there. */
	if (!search->file && search->refused && !atomic_load_explicit(&role->refused, memory_order_relaxed)) {
		atomic_store_explicit(&role->refused, search->refused, memory_order_release);
		search->refused = NULL;
	}
}

/* Sets what is asked for next, and asks. */
static enum wb_err extra_search(struct search *search, const struct wb_file_query *query)
{
	search->query = *query;
	search->query.size = sizeof(search->query);
	search->query.path = query->path ? query->path : "";
	search->query.referrer = query->referrer ? query->referrer : "";
	search->query.debug_path = search->query.debug_id = "";
	search->wants.build_id = query->build_id;
	search->wants.build_id_size = query->build_id_size;
	search->wants.member = query->member;
	search->wants.modified = query->modified;
	return search_run(search);
}

/* Adds it to the list. */
static enum wb_err extra_new(struct search *search, const struct wb_file_query *queries, size_t count, struct wb_image_extra **list)
{
	struct wb_image_extra *extra = wb_mem_zalloc(1, sizeof(*extra));
	char *path = wb_mem_strdup(queries[0].path ? queries[0].path : ""), *member = wb_mem_strdup(queries[0].member ? queries[0].member : "");
	enum wb_err err = extra && path && member ? WB_NONE : WB_ERR_MEMORY;

	for (size_t i = 0; err == WB_NONE && i < count; i++)
		err = extra_search(search, &queries[i]);
	if (err >= 0)
		note_extra(search->image, search);
	wb_refusals_free(search->refused);
	if (err < 0 || (!search->file && search->later)) {
		wb_mem_free(path);
		wb_mem_free(member);
		wb_mem_free(extra);
		return err < 0 ? err : WB_NONE;
	}
	*extra = (struct wb_image_extra){ .next = *list, .file = search->file, .role = queries[0].role,
	                                  .dwo_id = queries[0].dwo_id, .path = path, .member = member };
	*list = extra;
	return WB_OK;
}

enum wb_err wb_image_extra_object(struct wb_image *image, const struct wb_file_query *queries, size_t count, wb_object_accept_fn accept,
                                  void *arg, struct wb_object **ret_object)
{
	struct search search = search_for(image, queries[0].role, "", "");
	struct wb_image_extra **list, *extra;
	enum wb_err err = WB_OK;

	search.accept = accept;
	search.accept_arg = arg;
	wb_lock_take(&image->files_lock);
	list = extra_list(image, &queries[0]);
	extra = list ? extra_known(*list, &queries[0]) : NULL;
	if (!extra) {
		err = list ? extra_new(&search, queries, count, list) : WB_ERR_MEMORY;
		extra = err ? NULL : *list;
	}
	wb_lock_give(&image->files_lock);
	if (err)
		return err;
	if (!extra->file)
		return WB_NONE;
	*ret_object = extra->file->object;
	return WB_OK;
}
