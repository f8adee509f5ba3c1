/* SPDX-License-Identifier: MIT */
/*
 * Files that are nowhere but in an input, for targets of code that opens files by path: linked in place of the library's two functions that do
 * (`-Wl,--wrap`, see meson.build). Whoever includes this says what a path is.
 */
#ifndef FUZZ_VIRTUAL_FILES_H
#define FUZZ_VIRTUAL_FILES_H

#include "base/file.h"

/* The file at a path: its bytes, or NULL for none. */
static const uint8_t *virtual_file(const char *path, size_t *ret_size);
static bool is_virtual_folder(const char *path);

enum wb_file_kind __wrap_wb_file_kind(const char *path);
enum wb_file_kind __wrap_wb_file_kind(const char *path)
{
	size_t size;

	if (is_virtual_folder(path))
		return WB_FILE_KIND_FOLDER;
	return virtual_file(path, &size) ? WB_FILE_KIND_REGULAR : WB_FILE_KIND_NONE;
}

enum wb_err __wrap_wb_file_open(const char *path, bool map, struct wb_file **ret_file, const char **ret_reason);
enum wb_err __wrap_wb_file_open(const char *path, bool map, struct wb_file **ret_file, const char **ret_reason)
{
	size_t size = 0;
	const uint8_t *bytes = virtual_file(path, &size);

	(void)map;
	if (bytes)
		return wb_file_of_bytes(bytes, size, NULL, NULL, ret_file);
	if (ret_reason)
		*ret_reason = "no such file";
	return WB_ERR_IO;
}

#endif
