/* SPDX-License-Identifier: MIT */
/*
 * Sinks inside: the table of output formats, and *parts*, which is how several threads fill one sink.
 *
 * A part turns stacks into bytes or into totals, and belongs to one thread. Frames reach it in two steps: a frame is *described* once (its
 * names, file, line: whatever is the same each time this address of this image comes by) and gets a number; a stack is then written from
 * the numbers of its frames. So a frame that comes again costs a table look-up, not a symbolization.
 *
 * To add a format: write formats/sink_<name>.c with one `const struct wb_sink_format wb_sink_format_<name>`, declare it below, add it to
 * the table in sink.c and to meson.build.
 */
#ifndef FORMATS_SINK_H
#define FORMATS_SINK_H

#include <walkback/formats.h>

#include "formats/out.h"

struct wb_sink_part;

struct wb_sink_format {
	const char *name;
	bool wants_sites;
	bool is_document;             /* one document, not stack after stack: only one part can write it */
	size_t part_size;             /* of its part: a struct that starts with a struct wb_sink_part; zeroed */
	void (*part_deinit)(struct wb_sink_part *part); /* also of a zeroed one */
	/* sites may be NULL: raw addresses. *ret_id is valid until forget. */
	enum wb_err (*describe)(struct wb_sink_part *part, const struct wb_frame *frame, const struct wb_frame_sites *sites, uint32_t *ret_id);
	void (*forget)(struct wb_sink_part *part);
	/* ids: of stack->frames, in their order, then of stack->created_by if there is one. */
	enum wb_err (*write)(struct wb_sink_part *part, const struct wb_stack *stack, const uint32_t *ids);
	/* NULL: nothing comes before the first stack. */
	enum wb_err (*begin)(struct wb_sink_part *part, const struct wb_capture_info *info);
	/* Adds the totals of another part; NULL: there are none. */
	enum wb_err (*merge)(struct wb_sink_part *part, const struct wb_sink_part *other);
	/* NULL: nothing comes after the last stack. May wb_sink_put part->out when it gets long. */
	enum wb_err (*finish)(struct wb_sink_part *part, struct wb_sink *sink);
};

extern const struct wb_sink_format wb_sink_format_text, wb_sink_format_folded, wb_sink_format_json, wb_sink_format_minidump_json, wb_sink_format_go;

enum {
	WB_SINK_STOPS = 16,
	WB_SINK_PUT_SIZE = 256 << 10, /* bytes that are collected before they are written */
};

struct wb_sink_part {
	const struct wb_sink_format *format;
	struct wb_session *session;   /* NULL: modules are not named */
	bool meta;
	bool registers;               /* show those of each thread */
	struct wb_out out;            /* finished bytes; whoever drives the part takes them away */
	uint64_t stacks, frames;      /* written */
	uint64_t stops[WB_SINK_STOPS];
};

/* Another part of the sink, for another thread. Holds what wb_sink_new was given. */
enum wb_err wb_sink_part_new(struct wb_sink *sink, struct wb_sink_part **ret_part);
void wb_sink_part_free(struct wb_sink_part *part);
/* The part that wb_sink_write uses. */
struct wb_sink_part *wb_sink_main_part(struct wb_sink *sink);
enum wb_err wb_sink_part_write(struct wb_sink_part *part, const struct wb_stack *stack, const uint32_t *ids);
/* Writes out's bytes to where the sink writes, and empties it. */
enum wb_err wb_sink_put(struct wb_sink *sink, struct wb_out *out);
/* Adds the totals of a part whose bytes were put. */
enum wb_err wb_sink_merge(struct wb_sink *sink, const struct wb_sink_part *part);

/* The image of a frame, or NULL; the caller unrefs it. */
struct wb_image *wb_sink_image(const struct wb_sink_part *part, const struct wb_frame *frame);
/* The last part of an image's path as people know it ("libc.so.6", "[vdso]"); "" if unknown. */
const char *wb_sink_module(struct wb_image *image);

#endif
