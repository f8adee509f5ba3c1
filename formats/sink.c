/* SPDX-License-Identifier: MIT */
/* Sinks: the table of formats, and the public calls over their parts. */
#include "formats/sink.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/image.h"

static const struct wb_sink_format *const formats[] = { &wb_sink_format_text, &wb_sink_format_folded, &wb_sink_format_json, &wb_sink_format_minidump_json, &wb_sink_format_go };

enum { FRAMES_MAX = 1 << 20 };    /* of one stack: more than any walker gives */

struct wb_sink {
	wb_write_fn write;
	void *arg;
	struct wb_sink_part *part;
	uint32_t *ids;                /* of the stack that is being written */
	size_t ids_capacity;
	bool failed;                  /* a write failed: nothing more is written */
};

static enum wb_err part_new(const struct wb_sink_format *format, const struct wb_sink_opts *opts, struct wb_sink_part **ret_part)
{
	struct wb_sink_part *part = wb_mem_zalloc(1, format->part_size);

	if (!part)
		return WB_ERR_MEMORY;
	part->format = format;
	part->session = opts->session;
	part->meta = opts->meta;
	part->registers = opts->registers;
	*ret_part = part;
	return WB_OK;
}

enum wb_err wb_sink_part_new(struct wb_sink *sink, struct wb_sink_part **ret_part)
{
	const struct wb_sink_opts opts = { .session = sink->part->session, .meta = sink->part->meta, .registers = sink->part->registers };

	return part_new(sink->part->format, &opts, ret_part);
}

void wb_sink_part_free(struct wb_sink_part *part)
{
	if (!part)
		return;
	part->format->part_deinit(part);
	wb_out_deinit(&part->out);
	wb_mem_free(part);
}

struct wb_sink_part *wb_sink_main_part(struct wb_sink *sink)
{
	return sink->part;
}

enum wb_err wb_sink_new(const char *format, const struct wb_sink_opts *opts, wb_write_fn write, void *arg, struct wb_sink **ret_sink)
{
	struct wb_sink_opts ours = { 0 };
	struct wb_sink *sink;
	enum wb_err err;
	size_t i = 0;

	if (!format || !write || !ret_sink)
		return WB_ERR_ARGUMENT;
	err = opts ? wb_struct_take(&ours, sizeof(ours), opts) : WB_OK;
	if (err)
		return err;
	while (i < sizeof(formats) / sizeof(formats[0]) && strcmp(formats[i]->name, format))
		i++;
	if (i == sizeof(formats) / sizeof(formats[0]))
		return WB_ERR_UNSUPPORTED;
	sink = wb_mem_zalloc(1, sizeof(*sink));
	if (!sink)
		return WB_ERR_MEMORY;
	sink->write = write;
	sink->arg = arg;
	err = part_new(formats[i], &ours, &sink->part);
	if (err) {
		wb_sink_free(sink);
		return err;
	}
	*ret_sink = sink;
	return WB_OK;
}

void wb_sink_free(struct wb_sink *sink)
{
	if (!sink)
		return;
	wb_sink_part_free(sink->part);
	wb_mem_free(sink->ids);
	wb_mem_free(sink);
}

int wb_sink_wants_sites(const struct wb_sink *sink)
{
	return sink && sink->part->format->wants_sites;
}

enum wb_err wb_sink_put(struct wb_sink *sink, struct wb_out *out)
{
	enum wb_err err = WB_OK;

	if (out->failed)
		return WB_ERR_MEMORY;
	if (sink->failed)
		return WB_ERR_IO;
	if (out->size)
		err = sink->write(sink->arg, out->bytes, out->size);
	out->size = 0;
	sink->failed = err < 0;
	return err < 0 ? err : WB_OK;
}

enum wb_err wb_sink_begin(struct wb_sink *sink, const struct wb_capture_info *info)
{
	struct wb_capture_info ours;
	enum wb_err err;

	if (!sink || !info)
		return WB_ERR_ARGUMENT;
	err = wb_struct_take(&ours, sizeof(ours), info);
	if (err || !sink->part->format->begin)
		return err;
	return sink->part->format->begin(sink->part, &ours);
}

enum wb_err wb_sink_part_write(struct wb_sink_part *part, const struct wb_stack *stack, const uint32_t *ids)
{
	enum wb_err err = part->format->write(part, stack, ids);

	if (err)
		return err;
	if (part->out.failed)
		return WB_ERR_MEMORY;
	part->stacks++;
	part->frames += stack->num_frames;
	if ((unsigned)stack->stop.reason < WB_SINK_STOPS)
		part->stops[stack->stop.reason]++;
	return WB_OK;
}

static enum wb_err describe_all(struct wb_sink *sink, const struct wb_stack *stack)
{
	void *ids = sink->ids;

	if (stack->num_frames > FRAMES_MAX)
		return WB_ERR_LIMIT;
	if (!wb_mem_grow(&ids, &sink->ids_capacity, 0, stack->num_frames + 1, sizeof(*sink->ids)))
		return WB_ERR_MEMORY;
	sink->ids = ids;
	for (size_t i = 0; i < stack->num_frames; i++) {
		enum wb_err err = sink->part->format->describe(sink->part, &stack->frames[i], stack->sites ? &stack->sites[i] : NULL,
		                                               &sink->ids[i]);

		if (err)
			return err;
	}
	if (!stack->created_by)
		return WB_OK;
	return sink->part->format->describe(sink->part, stack->created_by, stack->created_by_sites, &sink->ids[stack->num_frames]);
}

enum wb_err wb_sink_write(struct wb_sink *sink, const struct wb_stack *stack)
{
	struct wb_stack ours;
	enum wb_err err;

	if (!sink || !stack)
		return WB_ERR_ARGUMENT;
	err = wb_struct_take(&ours, sizeof(ours), stack);
	if (err)
		return err;
	if (!ours.sample || (ours.num_frames && !ours.frames))
		return WB_ERR_ARGUMENT;
	err = describe_all(sink, &ours);
	if (!err)
		err = wb_sink_part_write(sink->part, &ours, sink->ids);
	sink->part->format->forget(sink->part);
	if (err)
		return err;
	return sink->part->out.size >= WB_SINK_PUT_SIZE ? wb_sink_put(sink, &sink->part->out) : WB_OK;
}

enum wb_err wb_sink_merge(struct wb_sink *sink, const struct wb_sink_part *other)
{
	struct wb_sink_part *part = sink->part;

	part->stacks += other->stacks;
	part->frames += other->frames;
	for (size_t i = 0; i < WB_SINK_STOPS; i++)
		part->stops[i] += other->stops[i];
	return part->format->merge ? part->format->merge(part, other) : WB_OK;
}

enum wb_err wb_sink_finish(struct wb_sink *sink)
{
	enum wb_err err = WB_OK;

	if (!sink)
		return WB_ERR_ARGUMENT;
	if (sink->part->format->finish)
		err = sink->part->format->finish(sink->part, sink);
	return err ? err : wb_sink_put(sink, &sink->part->out);
}

struct wb_image *wb_sink_image(const struct wb_sink_part *part, const struct wb_frame *frame)
{
	struct wb_image *image;

	if (!part->session || !frame->image_id || wb_image_by_id(part->session, frame->image_id, &image))
		return NULL;
	return image;
}

const char *wb_sink_module(struct wb_image *image)
{
	return image ? wb_out_basename(wb_image_path(image)) : "";
}
