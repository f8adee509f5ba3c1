/* SPDX-License-Identifier: MIT */
/* Error texts, and the rule for structs that grow. */
#include "base/err.h"

#include <string.h>

const char *wb_err_text(enum wb_err err)
{
	switch (err) {
	case WB_OK: return "ok";
	case WB_NONE: return "none";
	case WB_LATER: return "not yet";
	case WB_ERR_MEMORY: return "out of memory";
	case WB_ERR_ARGUMENT: return "invalid argument";
	case WB_ERR_ABI: return "struct from a newer version of the library";
	case WB_ERR_IO: return "input/output error";
	case WB_ERR_DATA: return "malformed data";
	case WB_ERR_UNSUPPORTED: return "not supported";
	case WB_ERR_LIMIT: return "limit reached";
	case WB_ERR_CANCELLED: return "cancelled";
	}
	return "unknown error";
}

enum wb_err wb_struct_take(void *ours, size_t ours_size, const void *theirs)
{
	const uint8_t *bytes = theirs;
	size_t size;

	memcpy(&size, theirs, sizeof(size));
	if (size < sizeof(size))
		return WB_ERR_ARGUMENT;
	for (size_t i = ours_size; i < size; i++)
		if (bytes[i])
			return WB_ERR_ABI;
	memset(ours, 0, ours_size);
	memcpy(ours, theirs, size < ours_size ? size : ours_size);
	memcpy(ours, &ours_size, sizeof(ours_size));
	return WB_OK;
}

enum wb_err wb_struct_give(void *theirs, const void *ours, size_t ours_size)
{
	uint8_t *bytes = theirs;
	size_t size, common;

	memcpy(&size, theirs, sizeof(size));
	if (size < sizeof(size))
		return WB_ERR_ARGUMENT;
	common = size < ours_size ? size : ours_size;
	memcpy(bytes + sizeof(size), (const uint8_t *)ours + sizeof(size), common - sizeof(size));
	if (size > ours_size)
		memset(bytes + ours_size, 0, size - ours_size);
	return WB_OK;
}
