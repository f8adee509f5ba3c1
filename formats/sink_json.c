/* SPDX-License-Identifier: MIT */
/*
 * Stacks for programs: one JSON object a line. Field names never change meaning; readers ignore the ones that they do not know, and what is
 * unknown is left out.
 *
 *   stack    type pid tid comm time_ns event weight crashed labels stop stop_address root_by goroutine registers frames
 *   goroutine  id state system locked scan g m mp stack_start stack_end waiting_since_ns created_by_id created_by (a frame)
 *   frame    pc lookup_pc cfa how signal joint kernel module build_id image_pc file_offset function offset file line column inlined reason
 *   capture  (meta) type format arch hostname os_release command_line events pid threads crash_reason crash_tid signal signal_code signal_address
 *            truncated memory_mapped memory_dumped modules;
 *            of minidumps: crash_type crash_code crash_detail crash_address assertion os os_version cpu notes
 *   summary  (meta) type stacks complete frames stops; of dumps: modules (path build_id address verdict file in_memory refused)
 *
 * Frames are innermost first; an inlined call is an entry of its own with the same pc. image_pc, file_offset and offset (from the start of
 * the function) are of lookup_pc: for a caller, that is inside the call.
 */
#include "formats/fragments.h"
#include "formats/json.h"
#include "formats/sink.h"
#include "formats/sink_modules.h"

#include "model/image.h"
#include "model/space.h"

struct json_part {
	struct wb_sink_part base;
	struct wb_fragments fragments;
	struct wb_sink_modules modules; /* of a dump; in the main part only */
};

static void json_part_deinit(struct wb_sink_part *base)
{
	wb_fragments_deinit(&((struct json_part *)base)->fragments);
	wb_sink_modules_deinit(&((struct json_part *)base)->modules);
}

static void json_forget(struct wb_sink_part *base)
{
	wb_fragments_clear(&((struct json_part *)base)->fragments);
}

/* Who the image is: also known where its file is not had. */
static void put_image(struct wb_json *json, struct wb_image *image, const struct wb_frame *frame)
{
	const uint8_t *build_id;
	size_t size = 0;

	if (!image)
		return;
	if (*wb_image_path(image))
		wb_json_string(json, "module", wb_image_path(image));
	build_id = wb_image_wanted_id(image, &size);
	if (build_id)
		wb_json_bytes(json, "build_id", build_id, size);
	if (frame->flags & WB_FRAME_HAS_IMAGE)
		wb_json_address(json, "image_pc", frame->image_pc);
}

static void put_site(struct wb_json *json, const struct wb_frame *frame, const struct wb_site *site)
{
	if (site->function)
		wb_json_string(json, "function", site->function);
	if (site->function && !site->inlined && frame->flags & WB_FRAME_HAS_IMAGE && site->function_start <= frame->image_pc)
		wb_json_address(json, "offset", frame->image_pc - site->function_start);
	if (site->file)
		wb_json_string(json, "file", site->file);
	if (site->line)
		wb_json_number(json, "line", site->line);
	if (site->column)
		wb_json_number(json, "column", site->column);
	if (site->inlined)
		wb_json_true(json, "inlined");
	if (!site->function)
		wb_json_string(json, "reason", wb_reason_text((enum wb_reason)site->function_reason));
}

static enum wb_err json_describe(struct wb_sink_part *base, const struct wb_frame *frame, const struct wb_frame_sites *sites,
                                 uint32_t *ret_id)
{
	struct wb_fragments *fragments = &((struct json_part *)base)->fragments;
	struct wb_json json = { &fragments->bytes, true };
	struct wb_image *image = wb_sink_image(base, frame);
	size_t count = sites && sites->count ? sites->count : 1;
	uint32_t first = (uint32_t)fragments->count;
	enum wb_err err = WB_OK;

	for (size_t i = 0; i < count && !err; i++) {
		put_image(&json, image, frame);
		if (sites && sites->count)
			put_site(&json, frame, &sites->sites[i]);
		err = wb_fragments_end(fragments, i + 1 == count);
	}
	wb_image_unref(image);
	if (!err)
		*ret_id = first;
	return err;
}

static void put_frame(struct wb_json *json, struct wb_space *space, const struct wb_frame *frame, const struct wb_fragment *fragment,
                      const char *bytes)
{
	struct wb_place place = { .size = sizeof(place) };

	wb_json_open(json, NULL, '{');
	wb_json_address(json, "pc", frame->pc);
	wb_json_address(json, "lookup_pc", frame->lookup_pc);
	if (frame->flags & WB_FRAME_HAS_CFA)
		wb_json_address(json, "cfa", frame->cfa);
	if (frame->sp)
		wb_json_address(json, "sp", frame->sp);
	wb_json_string(json, "how", wb_how_text((enum wb_how)frame->how));
	if (frame->flags & WB_FRAME_SIGNAL)
		wb_json_true(json, "signal");
	if (frame->flags & WB_FRAME_JOINT)
		wb_json_true(json, "joint");
	if (frame->flags & WB_FRAME_KERNEL)
		wb_json_true(json, "kernel");
	if (space && frame->image_id && !wb_space_find(space, frame->lookup_pc, &place) && place.image && !wb_image_is_absolute(place.image))
		wb_json_address(json, "file_offset", place.file_offset + (frame->lookup_pc - place.start));
	wb_json_members(json, bytes + fragment->offset, fragment->size);
	wb_json_close(json, '}');
}

static void put_labels(struct wb_json *json, const struct wb_sample *sample)
{
	if (!sample->num_labels)
		return;
	wb_json_open(json, "labels", '{');
	for (size_t i = 0; i < sample->num_labels; i++)
		wb_json_string(json, sample->labels[i].key, sample->labels[i].value);
	wb_json_close(json, '}');
}

/* Names of flags that a goroutine's object has. */
static void put_goroutine_flags(struct wb_json *json, const struct wb_goroutine *goroutine)
{
	if (goroutine->flags & WB_GOROUTINE_SYSTEM)
		wb_json_true(json, "system");
	if (goroutine->flags & WB_GOROUTINE_LOCKED)
		wb_json_true(json, "locked");
	if (goroutine->flags & WB_GOROUTINE_SCAN)
		wb_json_true(json, "scan");
}

/* created_by: the fragments of the go statement; NULL: unknown. */
static void put_goroutine(struct wb_json *json, const struct wb_stack *stack, const struct wb_fragment *created_by, const char *bytes)
{
	const struct wb_goroutine *goroutine = stack->sample->goroutine;

	wb_json_open(json, "goroutine", '{');
	wb_json_number(json, "id", goroutine->id);
	wb_json_string(json, "state", goroutine->state);
	put_goroutine_flags(json, goroutine);
	wb_json_address(json, "g", goroutine->address);
	if (goroutine->thread_address) {
		wb_json_number(json, "m", goroutine->thread_id);
		wb_json_address(json, "mp", goroutine->thread_address);
	}
	if (goroutine->stack_end) {
		wb_json_address(json, "stack_start", goroutine->stack_start);
		wb_json_address(json, "stack_end", goroutine->stack_end);
	}
	if (goroutine->waiting_since_ns)
		wb_json_number(json, "waiting_since_ns", goroutine->waiting_since_ns);
	if (goroutine->created_by)
		wb_json_number(json, "created_by_id", goroutine->created_by);
	/* The innermost call, should the go statement be in one that was inlined. */
	if (created_by) {
		wb_json_open(json, "created_by", '{');
		wb_json_address(json, "pc", stack->created_by->pc);
		wb_json_members(json, bytes + created_by->offset, created_by->size);
		wb_json_close(json, '}');
	}
	wb_json_close(json, '}');
}

static void put_registers(struct wb_json *json, const struct wb_stack *stack)
{
	const struct wb_context *context = stack->sample->num_contexts ? stack->sample->contexts : NULL;
	enum wb_arch arch = stack->space ? wb_space_platform(stack->space).arch : WB_ARCH_UNKNOWN;

	if (!context)
		return;
	wb_json_open(json, "registers", '{');
	for (size_t i = 0; i < context->num_regs; i++) {
		const char *name = wb_reg_name(arch, context->regs[i].number);

		if (name)
			wb_json_address(json, name, context->regs[i].value);
	}
	wb_json_close(json, '}');
}

static void put_head(struct wb_json *json, const struct wb_stack *stack)
{
	const struct wb_sample *sample = stack->sample;

	wb_json_string(json, "type", "stack");
	wb_json_number(json, "pid", sample->pid);
	wb_json_number(json, "tid", sample->tid);
	if (sample->comm && *sample->comm)
		wb_json_string(json, "comm", sample->comm);
	if (sample->time_ns)
		wb_json_number(json, "time_ns", sample->time_ns);
	if (stack->event && *stack->event)
		wb_json_string(json, "event", stack->event);
	if (sample->weight)
		wb_json_number(json, "weight", sample->weight);
	if (sample->flags & WB_SAMPLE_CRASHED)
		wb_json_true(json, "crashed");
	put_labels(json, sample);
	wb_json_string(json, "stop", wb_stop_text(stack->stop.reason));
	if (stack->stop.address)
		wb_json_address(json, "stop_address", stack->stop.address);
	if (stack->stop.reason == WB_STOP_ROOT)
		wb_json_string(json, "root_by", wb_root_by_text(stack->stop.root_by));
}

static enum wb_err json_write(struct wb_sink_part *base, const struct wb_stack *stack, const uint32_t *ids)
{
	const struct wb_fragments *fragments = &((struct json_part *)base)->fragments;
	struct wb_json json = { &base->out, false };

	wb_json_open(&json, NULL, '{');
	put_head(&json, stack);
	if (stack->sample->goroutine)
		put_goroutine(&json, stack, stack->created_by ? &fragments->items[ids[stack->num_frames]] : NULL, fragments->bytes.bytes);
	if (base->registers)
		put_registers(&json, stack);
	wb_json_open(&json, "frames", '[');
	for (size_t i = 0; i < stack->num_frames; i++) {
		const struct wb_fragment *fragment = &fragments->items[ids[i]];

		put_frame(&json, stack->space, &stack->frames[i], fragment, fragments->bytes.bytes);
		while (!fragment++->last)
			put_frame(&json, stack->space, &stack->frames[i], fragment, fragments->bytes.bytes);
	}
	wb_json_close(&json, ']');
	wb_json_close(&json, '}');
	wb_out_char(&base->out, '\n');
	return WB_OK;
}

/* Recordings tell of their modules as they go on: none are known at first, which is not to say that there are none. */
static void put_modules(struct wb_json *json, const struct wb_capture_info *info)
{
	if (!info->num_modules)
		return;
	wb_json_open(json, "modules", '[');
	for (size_t i = 0; i < info->num_modules; i++) {
		const struct wb_capture_module *module = &info->modules[i];
		const uint8_t *build_id;
		size_t size = 0;

		wb_json_open(json, NULL, '{');
		wb_json_string(json, "path", module->path);
		if (module->link_name)
			wb_json_string(json, "link_name", module->link_name);
		build_id = module->image ? wb_image_wanted_id(module->image, &size) : NULL;
		if (build_id)
			wb_json_bytes(json, "build_id", build_id, size);
		wb_json_address(json, "address", module->address);
		wb_json_number(json, "pid", module->pid);
		wb_json_close(json, '}');
	}
	wb_json_close(json, ']');
}

static void put_known(struct wb_json *json, const char *key, const char *value)
{
	if (*value)
		wb_json_string(json, key, value);
}

static void put_dump(struct wb_json *json, const struct wb_dump *dump)
{
	put_known(json, "crash_type", dump->crash_type);
	if (dump->crash_kind) {
		wb_json_address(json, "crash_code", dump->crash_code);
		wb_json_address(json, "crash_detail", dump->crash_detail);
	}
	if (dump->has_crash_address)
		wb_json_address(json, "crash_address", dump->crash_address);
	put_known(json, "assertion", dump->assertion);
	put_known(json, "os", dump->os_name);
	put_known(json, "os_version", dump->os_version);
	put_known(json, "cpu", dump->cpu_info);
	if (!dump->num_notes)
		return;
	wb_json_open(json, "notes", '[');
	for (size_t i = 0; i < dump->num_notes; i++) {
		wb_json_open(json, NULL, '{');
		wb_json_string(json, "key", dump->notes[i].key);
		wb_json_string(json, "value", dump->notes[i].value);
		wb_json_close(json, '}');
	}
	wb_json_close(json, ']');
}

/* What is known of the process that was dumped, and why. */
static void put_crash(struct wb_json *json, const struct wb_capture_info *info)
{
	if (info->pid)
		wb_json_number(json, "pid", info->pid);
	if (info->threads)
		wb_json_number(json, "threads", info->threads);
	if (info->crash_reason && *info->crash_reason)
		wb_json_string(json, "crash_reason", info->crash_reason);
	if (info->crash_tid)
		wb_json_number(json, "crash_tid", info->crash_tid);
	if (info->signal) {
		wb_json_number(json, "signal", (uint64_t)info->signal);
		wb_json_integer(json, "signal_code", info->signal_code);
		wb_json_address(json, "signal_address", info->signal_address);
	}
	if (info->truncated)
		wb_json_true(json, "truncated");
	if (info->memory_mapped) {
		wb_json_number(json, "memory_mapped", info->memory_mapped);
		wb_json_number(json, "memory_dumped", info->memory_dumped);
	}
}

static enum wb_err json_begin(struct wb_sink_part *base, const struct wb_capture_info *info)
{
	struct wb_json json = { &base->out, false };

	if (!base->meta)
		return WB_OK;
	wb_json_open(&json, NULL, '{');
	wb_json_string(&json, "type", "capture");
	wb_json_string(&json, "format", info->format ? info->format : "");
	if (info->platform.arch)
		wb_json_string(&json, "arch", wb_arch_name(info->platform.arch));
	if (info->hostname && *info->hostname)
		wb_json_string(&json, "hostname", info->hostname);
	if (info->os_release && *info->os_release)
		wb_json_string(&json, "os_release", info->os_release);
	if (info->command_line && *info->command_line)
		wb_json_string(&json, "command_line", info->command_line);
	wb_json_open(&json, "events", '[');
	for (size_t i = 0; i < info->num_events; i++)
		wb_json_string(&json, NULL, info->events[i].name);
	wb_json_close(&json, ']');
	put_crash(&json, info);
	if (info->dump)
		put_dump(&json, info->dump);
	put_modules(&json, info);
	wb_json_close(&json, '}');
	wb_out_char(&base->out, '\n');
	return wb_sink_modules_take(&((struct json_part *)base)->modules, info);
}

static void put_refused(struct wb_json *json, struct wb_image *image)
{
	struct wb_refused refused = { .size = sizeof(refused) };
	size_t i = 0;

	for (; wb_image_refused(image, WB_FILE_EXECUTABLE, i, &refused) == WB_OK; i++) {
		if (!i)
			wb_json_open(json, "refused", '[');
		wb_json_open(json, NULL, '{');
		wb_json_string(json, "path", refused.path);
		wb_json_string(json, "verdict", wb_verdict_text(refused.verdict));
		if (*refused.reason)
			wb_json_string(json, "reason", refused.reason);
		wb_json_close(json, '}');
	}
	if (i)
		wb_json_close(json, ']');
}

/* What became of a dump's modules; "not tried": no frame needed it. */
static void put_verdicts(struct wb_json *json, const struct wb_sink_modules *modules)
{
	if (!modules->count)
		return;
	wb_json_open(json, "modules", '[');
	for (size_t i = 0; i < modules->count; i++) {
		const struct wb_sink_module *module = &modules->items[i];
		struct wb_file_info file;
		const uint8_t *build_id;
		size_t size = 0;

		if (!module->image || wb_image_file(module->image, WB_FILE_EXECUTABLE, &file))
			continue;
		wb_json_open(json, NULL, '{');
		wb_json_string(json, "path", module->path);
		build_id = wb_image_wanted_id(module->image, &size);
		if (build_id)
			wb_json_bytes(json, "build_id", build_id, size);
		wb_json_address(json, "address", module->address);
		wb_json_string(json, "verdict", wb_verdict_text(file.verdict));
		if (*file.path)
			wb_json_string(json, "file", file.path);
		if (wb_image_is_in_memory(module->image))
			wb_json_true(json, "in_memory");
		put_refused(json, module->image);
		wb_json_close(json, '}');
	}
	wb_json_close(json, ']');
}

static enum wb_err json_finish(struct wb_sink_part *base, struct wb_sink *sink)
{
	struct wb_json json = { &base->out, false };

	(void)sink;
	if (!base->meta)
		return WB_OK;
	wb_json_open(&json, NULL, '{');
	wb_json_string(&json, "type", "summary");
	wb_json_number(&json, "stacks", base->stacks);
	wb_json_number(&json, "complete", base->stops[WB_STOP_ROOT]);
	wb_json_number(&json, "frames", base->frames);
	wb_json_open(&json, "stops", '{');
	for (unsigned i = 0; i < WB_SINK_STOPS; i++)
		if (base->stops[i])
			wb_json_number(&json, wb_stop_text((enum wb_stop_reason)i), base->stops[i]);
	wb_json_close(&json, '}');
	put_verdicts(&json, &((struct json_part *)base)->modules);
	wb_json_close(&json, '}');
	wb_out_char(&base->out, '\n');
	return WB_OK;
}

const struct wb_sink_format wb_sink_format_json = {
	.name = "json",
	.wants_sites = true,
	.part_size = sizeof(struct json_part),
	.part_deinit = json_part_deinit,
	.describe = json_describe,
	.forget = json_forget,
	.write = json_write,
	.begin = json_begin,
	.finish = json_finish,
};
