/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <inttypes.h>
#include <string.h>

static const char *basename_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void wb_names_text(struct wb_buffer *buffer, const struct wb_site *sites, size_t count, uint64_t image_pc)
{
	const struct wb_site *outer = &sites[count - 1];

	wb_buffer_clean(buffer, outer->function ? outer->function : "?");
	if (outer->function && outer->function_start <= image_pc)
		wb_buffer_format(buffer, "+0x%" PRIx64, image_pc - outer->function_start);
	/* The line is the innermost call's. */
	if (sites[0].file) {
		wb_buffer_text(buffer, " (");
		wb_buffer_clean(buffer, basename_of(sites[0].file));
		if (sites[0].line)
			wb_buffer_format(buffer, ":%" PRIu32, sites[0].line);
		wb_buffer_text(buffer, ")");
	}
	for (size_t i = count - 1; i > 0; i--) {
		wb_buffer_text(buffer, i == count - 1 ? ", inlined " : " > ");
		wb_buffer_clean(buffer, sites[i - 1].function ? sites[i - 1].function : "?");
	}
}

void wb_names_json(struct wb_buffer *buffer, const struct wb_site *sites, size_t count, uint64_t image_pc)
{
	const struct wb_site *outer = &sites[count - 1];

	if (outer->function) {
		wb_buffer_text(buffer, ",\"function\":");
		wb_buffer_json(buffer, outer->function);
		if (outer->function_start <= image_pc)
			wb_buffer_format(buffer, ",\"offset\":%" PRIu64, image_pc - outer->function_start);
	}
	if (sites[0].file) {
		wb_buffer_text(buffer, ",\"file\":");
		wb_buffer_json(buffer, sites[0].file);
		if (sites[0].line)
			wb_buffer_format(buffer, ",\"line\":%" PRIu32, sites[0].line);
	}
	for (size_t i = 0; i + 1 < count; i++) {
		wb_buffer_text(buffer, i ? "," : ",\"inlined\":[");
		wb_buffer_json(buffer, sites[i].function);
	}
	wb_buffer_text(buffer, count > 1 ? "]" : "");
}

static void put(struct wb_buffer *buffer, const struct wb_site *sites, size_t count, uint64_t image_pc, bool json)
{
	if (json)
		wb_names_json(buffer, sites, count, image_pc);
	else
		wb_names_text(buffer, sites, count, image_pc);
}

void wb_names_image(struct wb_buffer *buffer, struct wb_symbolizer *symbolizer, struct wb_image *image, uint64_t image_pc, bool json)
{
	const struct wb_site *sites;
	size_t count;

	if (wb_symbolize(symbolizer, image, image_pc, WB_PC_EXACT, &sites, &count) == WB_OK)
		put(buffer, sites, count, image_pc, json);
}

void wb_names_address(struct wb_buffer *buffer, struct wb_symbolizer *symbolizer, struct wb_space *space, uint64_t address, enum wb_pc_kind kind,
                      bool json)
{
	struct wb_place place = { .size = sizeof(place) };
	struct wb_image_info info = { .size = sizeof(info) };
	const struct wb_site *sites;
	size_t count;

	if (wb_space_find(space, address, &place) != WB_OK || !place.image || !place.has_image_pc ||
	    wb_symbolize(symbolizer, place.image, place.image_pc, kind, &sites, &count) != WB_OK)
		return;
	if (json || sites[count - 1].function) {
		put(buffer, sites, count, place.image_pc, json);
	} else if (wb_image_info(place.image, &info) == WB_OK) {
		wb_buffer_clean(buffer, basename_of(info.path));
		wb_buffer_format(buffer, "+0x%" PRIx64, place.image_pc);
	}
}

void wb_names_frame(struct wb_buffer *buffer, struct wb_symbolizer *symbolizer, const struct wb_frame *frame, bool json)
{
	/* The frame's own pc, not the one to look up, is what an offset counts to. */
	uint64_t image_pc = frame->image_pc + (frame->pc - frame->lookup_pc);
	const struct wb_site *sites;
	size_t count;

	if (wb_symbolize_frame(symbolizer, frame, &sites, &count) == WB_OK)
		put(buffer, sites, count, image_pc, json);
}
