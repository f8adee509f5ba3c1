/* SPDX-License-Identifier: MIT */
/* Perf maps and kernel symbols from any bytes: names are strings within the text, and a second listing says the same. */
#include "fuzz/fuzz.h"

#include "formats/image_formats.h"
#include "model/object.h"

#include <string.h>

struct sum { uint64_t value; size_t count, names; };

static enum wb_err add(void *arg, const struct wb_symbol *symbol)
{
	struct sum *sum = arg;
	size_t length = strlen(symbol->name);

	FUZZ_ASSERT(length > 0 && !strchr(symbol->name, '\n'));
	FUZZ_ASSERT(symbol->table == WB_SYMBOLS_TEXT);
	sum->value = sum->value * 31 + symbol->value + symbol->size + symbol->type + (uint8_t)symbol->name[length - 1];
	sum->names += length;
	sum->count++;
	return WB_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sum first = { 0 }, second = { 0 };
	struct wb_object *object;
	struct wb_file *file;

	FUZZ_ASSERT(wb_file_of_bytes(bytes, size, NULL, NULL, &file) == WB_OK);
	if (wb_object_open(NULL, "fuzz", file, 0, &object))
		return 0;
	/* Others have targets of their own. */
	if (object->format != &wb_image_format_perf_map && object->format != &wb_image_format_kallsyms) {
		wb_object_close(object);
		return 0;
	}
	FUZZ_ASSERT(object->absolute);
	FUZZ_ASSERT(object->format->list_symbols(object, add, &first) == WB_OK);
	FUZZ_ASSERT(object->format->list_symbols(object, add, &second) == WB_OK);
	FUZZ_ASSERT(first.value == second.value && first.count == second.count);
	FUZZ_ASSERT(first.names <= size);
	wb_object_close(object);
	return 0;
}
