/* SPDX-License-Identifier: MIT */
/*
 * The folder form (perf record --threads; tools/perf/Documentation/perf.data-directory-format.txt): "data" is a perf.data file with the header and
 * what perf's main thread wrote, "data.0", "data.1", ... are records alone, one file per writing thread. Rounds of one file say nothing about
 * the others, so time order needs all of them.
 */
#include "formats/capture_perf.h"

#include "base/mem.h"
#include "model/session.h"

#include <stdio.h>
#include <string.h>

enum {
	FILES_MAX = 4096,             /* perf has one per processor at most */
	PATH_SIZE = 4096,
};

static bool join(char *path, const char *folder, const char *name)
{
	int size = snprintf(path, PATH_SIZE, "%s/%s", folder, name);

	return size > 0 && size < PATH_SIZE;
}

static enum wb_err open_file(struct wb_session *session, const char *path, struct wb_file **ret_file)
{
	const char *reason = "cannot be read";
	enum wb_err err = wb_file_open(path, wb_session_config(session)->files_are_stable, ret_file, &reason);

	if (err == WB_OK || err == WB_ERR_MEMORY)
		return err;
	return wb_diag_report(wb_session_diags(session), err, WB_DIAG_FILE_UNREADABLE, path, "", UINT64_MAX, "%s", reason);
}

enum wb_err wb_perf_folder_probe(const char *folder)
{
	uint8_t head[8];
	char path[PATH_SIZE];
	const char *reason;
	struct wb_file *file;
	enum wb_err err;

	if (!join(path, folder, "data") || wb_file_kind(path) != WB_FILE_KIND_REGULAR)
		return WB_NONE;
	err = wb_file_open(path, false, &file, &reason);
	if (err)
		return err == WB_ERR_MEMORY ? err : WB_NONE;
	if (wb_file_read(file, 0, head, sizeof(head)) || !wb_perf_header_probe(head, sizeof(head)))
		err = WB_NONE;
	wb_file_free(file);
	return err;
}

enum wb_err wb_perf_folder_open(struct wb_perf_folder *folder, const struct wb_capture_input *given)
{
	struct wb_capture_input *input = &folder->input;
	char path[PATH_SIZE], name[32];
	enum wb_err err;

	*input = *given;
	if (!join(path, given->name, "data"))
		return WB_ERR_IO;
	err = open_file(given->session, path, &input->file);
	if (err != WB_OK)
		return err;
	folder->size = wb_file_size(input->file);
	input->head_size = folder->size < sizeof(input->head) ? (size_t)folder->size : sizeof(input->head);
	err = wb_file_read(input->file, 0, input->head, input->head_size);
	for (unsigned i = 0; err == WB_OK && i < FILES_MAX; i++) {
		snprintf(name, sizeof(name), "data.%u", i);
		if (!join(path, given->name, name) || wb_file_kind(path) != WB_FILE_KIND_REGULAR)
			break;
		if (!wb_mem_grow((void **)&folder->files, &folder->capacity, folder->count, 1, sizeof(folder->files[0])))
			return WB_ERR_MEMORY;
		err = open_file(given->session, path, &folder->files[folder->count]);
		if (err == WB_OK)
			folder->size += wb_file_size(folder->files[folder->count++]);
	}
	return err;
}

void wb_perf_folder_deinit(struct wb_perf_folder *folder)
{
	for (size_t i = 0; i < folder->count; i++)
		wb_file_free(folder->files[i]);
	wb_mem_free(folder->files);
	wb_file_free(folder->input.file);
}
