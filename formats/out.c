/* SPDX-License-Identifier: MIT */
/* The growing buffer that sinks write into. */
#include "formats/out.h"

#include "base/mem.h"

void wb_out_deinit(struct wb_out *out)
{
	wb_mem_free(out->bytes);
	*out = (struct wb_out){ 0 };
}

bool wb_out_grow(struct wb_out *out, size_t count)
{
	void *bytes = out->bytes;

	if (out->failed || !wb_mem_grow(&bytes, &out->capacity, out->size, count, 1)) {
		out->failed = true;
		return false;
	}
	out->bytes = bytes;
	return true;
}

void wb_out_decimal(struct wb_out *out, uint64_t value, unsigned digits)
{
	char text[20];
	unsigned at = sizeof(text);

	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value || (at && sizeof(text) - at < digits));
	wb_out_bytes(out, text + at, sizeof(text) - at);
}

void wb_out_hex(struct wb_out *out, uint64_t value, unsigned digits)
{
	char text[16];
	unsigned at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value || (at && sizeof(text) - at < digits));
	wb_out_bytes(out, text + at, sizeof(text) - at);
}

const char *wb_out_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	/* Windows' paths begin with a drive or a share. */
	if (!slash && ((path[0] && path[1] == ':') || path[0] == '\\'))
		slash = strrchr(path, '\\');
	return slash && slash[1] ? slash + 1 : path;
}
