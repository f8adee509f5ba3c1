/* SPDX-License-Identifier: MIT */
/*
 * PE files from any bytes, as they lie in a file and as they lie in memory. What opens is consistent (object_input.h), segments do not overlap, symbols
 * are in code, and each unwind row has a CFA and a return address.
 */
#include "fuzz/object_input.h"

#include <walkback/walkback.h>

#include "model/image.h"

#include <string.h>

enum { ROWS = 64 };

static enum wb_err check_symbol(void *arg, const struct wb_symbol *symbol)
{
	(void)arg;
	FUZZ_ASSERT(symbol->executable && strlen(symbol->name) > 0);
	return WB_OK;
}

static void check_rows(struct wb_session *session, struct wb_image *image, uint64_t base)
{
	for (uint64_t i = 0; i < ROWS; i++) {
		struct wb_row_info info = { .size = sizeof info };

		if (wb_row_info(session, image, base + 0x1000 + i * 5, WB_HOW_WINDOWS, &info) != WB_OK)
			continue;
		FUZZ_ASSERT(info.cfa.kind == WB_RULE_OFFSET || info.cfa.kind == WB_RULE_DEREF);
		FUZZ_ASSERT(info.num_rules > 0 && info.rules[info.num_rules - 1].reg == WB_REG_PC);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct wb_session *session;
	struct wb_object *object;
	struct wb_image *image;

	if (size < 2 || memcmp(bytes, "MZ", 2))
		return 0;
	fuzz_object(bytes, size, 0);
	fuzz_object(bytes, size, WB_IMAGE_LOADED);
	fuzz_rows(bytes, size);
	FUZZ_ASSERT(wb_session_new(NULL, &session) == WB_OK);
	/* As it lies in memory, too. */
	for (uint32_t flags = 0; flags <= WB_IMAGE_LOADED; flags++) {
		if (wb_image_open_bytes(session, "fuzz", bytes, size, flags, NULL, NULL, &image) != WB_OK)
			continue;
		FUZZ_ASSERT(wb_image_object(image, WB_FILE_EXECUTABLE, &object) == WB_OK);
		for (size_t i = 1; i < object->num_segments; i++)
			FUZZ_ASSERT(object->segments[i].vaddr >= object->segments[i - 1].vaddr + object->segments[i - 1].memsz);
		/* What starts so may still be a text of symbols. */
		if (!strcmp(object->format->name, "pe"))
			wb_image_symbols(image, object, check_symbol, NULL);
		check_rows(session, image, wb_object_base(object));
		wb_image_unref(image);
	}
	wb_session_free(session);
	return 0;
}
