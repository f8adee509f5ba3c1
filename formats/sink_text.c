/* SPDX-License-Identifier: MIT */
/*
 * Stacks for people: a paragraph per stack, frames innermost first, each with how it was found, and the reason why there are no more. The
 * form may change; programs read json.
 *
 *   python3 4711/4711 12.345678901 cpu-clock:
 *     #0   00007f3a1c0a5b21  _int_malloc+0x1f1 at malloc/malloc.c:3321:5 (libc.so.6+0x9a1b2) [context]
 *     complete: return address undefined
 *
 * The address is the frame's pc; what follows the module is the address inside the file that was looked up (in the calling instruction).
 */
#include "formats/fragments.h"
#include "formats/sink.h"
#include "formats/sink_modules.h"

#include "base/mem.h"
#include "model/image.h"
#include "model/space.h"

struct text_part {
	struct wb_sink_part base;
	struct wb_fragments fragments;
	struct wb_sink_modules modules; /* of a dump; in the main part only */
};

static void text_part_deinit(struct wb_sink_part *base)
{
	wb_fragments_deinit(&((struct text_part *)base)->fragments);
	wb_sink_modules_deinit(&((struct text_part *)base)->modules);
}

static void text_forget(struct wb_sink_part *base)
{
	wb_fragments_clear(&((struct text_part *)base)->fragments);
}

/* Names come from captures and objects: what a terminal would act on, or what would end the line, becomes '?'. */
static void put_clean(struct wb_out *out, const char *text)
{
	size_t start = out->size;

	wb_out_string(out, text);
	for (size_t i = start; i < out->size; i++)
		if ((uint8_t)out->bytes[i] < 0x20 || out->bytes[i] == 0x7f)
			out->bytes[i] = '?';
}

static void put_function(struct wb_out *out, const struct wb_frame *frame, const struct wb_site *site)
{
	if (!site->function) {
		wb_out_string(out, "??: ");
		wb_out_string(out, wb_reason_text((enum wb_reason)site->function_reason));
		return;
	}
	put_clean(out, site->function);
	if (!site->inlined && frame->flags & WB_FRAME_HAS_IMAGE && site->function_start <= frame->image_pc) {
		wb_out_string(out, "+0x");
		wb_out_hex(out, frame->image_pc - site->function_start, 1);
	}
}

static void put_line(struct wb_out *out, const struct wb_site *site)
{
	if (!site->file)
		return;
	wb_out_string(out, " at ");
	put_clean(out, site->file);
	if (!site->line)
		return;
	wb_out_char(out, ':');
	wb_out_decimal(out, site->line, 1);
	if (!site->column)
		return;
	wb_out_char(out, ':');
	wb_out_decimal(out, site->column, 1);
}

static void put_module(struct wb_out *out, const struct wb_frame *frame, const char *module)
{
	if (!*module)
		return;
	put_clean(out, module);
	if (!(frame->flags & WB_FRAME_HAS_IMAGE))
		return;
	wb_out_string(out, "+0x");
	wb_out_hex(out, frame->image_pc, 1);
}

static enum wb_err text_describe(struct wb_sink_part *base, const struct wb_frame *frame, const struct wb_frame_sites *sites,
                                 uint32_t *ret_id)
{
	struct wb_fragments *fragments = &((struct text_part *)base)->fragments;
	struct wb_image *image = wb_sink_image(base, frame);
	const char *module = wb_sink_module(image);
	struct wb_out *out = &fragments->bytes;
	uint32_t first = (uint32_t)fragments->count;
	enum wb_err err = WB_OK;

	for (size_t i = 0; sites && i < sites->count && !err; i++) {
		const struct wb_site *site = &sites->sites[i];

		put_function(out, frame, site);
		put_line(out, site);
		if (site->inlined) {
			wb_out_string(out, " (inlined)");
			err = wb_fragments_end(fragments, false);
			continue;
		}
		if (*module) {
			wb_out_string(out, " (");
			put_module(out, frame, module);
			wb_out_char(out, ')');
		}
	}
	if (!sites)
		put_module(out, frame, module);
	wb_image_unref(image);
	if (!err)
		err = wb_fragments_end(fragments, true);
	if (!err)
		*ret_id = first;
	return err;
}

static void put_goroutine(struct wb_out *out, const struct wb_goroutine *goroutine)
{
	if (goroutine->flags & WB_GOROUTINE_SYSTEM) {
		wb_out_string(out, " no goroutine");
		return;
	}
	wb_out_string(out, " goroutine ");
	wb_out_decimal(out, goroutine->id, 1);
	wb_out_string(out, " (");
	put_clean(out, goroutine->state);
	wb_out_string(out, goroutine->flags & WB_GOROUTINE_LOCKED ? ", locked to thread)" : ")");
}

static void put_head(struct wb_out *out, const struct wb_stack *stack)
{
	const struct wb_sample *sample = stack->sample;

	put_clean(out, sample->comm && *sample->comm ? sample->comm : "?");
	wb_out_char(out, ' ');
	wb_out_decimal(out, sample->pid, 1);
	wb_out_char(out, '/');
	wb_out_decimal(out, sample->tid, 1);
	if (sample->time_ns) {
		wb_out_char(out, ' ');
		wb_out_decimal(out, sample->time_ns / 1000000000, 1);
		wb_out_char(out, '.');
		wb_out_decimal(out, sample->time_ns % 1000000000, 9);
	}
	if (stack->event && *stack->event) {
		wb_out_char(out, ' ');
		put_clean(out, stack->event);
	}
	if (sample->flags & WB_SAMPLE_CRASHED)
		wb_out_string(out, " (crashed)");
	if (sample->goroutine)
		put_goroutine(out, sample->goroutine);
	wb_out_string(out, ":\n");
	for (size_t i = 0; i < sample->num_labels; i++) {
		wb_out_string(out, "  ");
		put_clean(out, sample->labels[i].key);
		wb_out_string(out, ": ");
		put_clean(out, sample->labels[i].value);
		wb_out_char(out, '\n');
	}
}

/* Three in a line, in the order of the capture. */
static void put_registers(struct wb_out *out, const struct wb_stack *stack)
{
	enum { IN_LINE = 3, NAME_WIDTH = 6 };
	const struct wb_context *context = stack->sample->num_contexts ? stack->sample->contexts : NULL;
	enum wb_arch arch = stack->space ? wb_space_platform(stack->space).arch : WB_ARCH_UNKNOWN;
	size_t shown = 0;

	for (size_t i = 0; context && i < context->num_regs; i++) {
		const char *name = wb_reg_name(arch, context->regs[i].number);

		if (!name)
			continue;
		wb_out_bytes(out, "  ", 2);
		wb_out_string(out, name);
		for (size_t n = strlen(name); n < NAME_WIDTH; n++)
			wb_out_char(out, ' ');
		wb_out_hex(out, context->regs[i].value, 16);
		if (++shown % IN_LINE == 0)
			wb_out_char(out, '\n');
	}
	if (shown % IN_LINE)
		wb_out_char(out, '\n');
}

static void put_how(struct wb_out *out, const struct wb_frame *frame)
{
	wb_out_string(out, " [");
	wb_out_string(out, wb_how_text((enum wb_how)frame->how));
	if (frame->flags & WB_FRAME_SIGNAL)
		wb_out_string(out, ", signal");
	if (frame->flags & WB_FRAME_JOINT)
		wb_out_string(out, ", other stack");
	wb_out_char(out, ']');
}

static uint64_t put_frame(struct wb_out *out, const struct wb_fragments *fragments, const struct wb_frame *frame, uint32_t id,
                          uint64_t index)
{
	for (;; id++, index++) {
		const struct wb_fragment *fragment = &fragments->items[id];

		wb_out_bytes(out, "  #", 3);
		wb_out_decimal(out, index, 1);
		wb_out_bytes(out, "    ", index < 10 ? 4 : index < 100 ? 3 : index < 1000 ? 2 : 1);
		wb_out_hex(out, frame->pc, 16);
		wb_out_bytes(out, "  ", 2);
		wb_out_bytes(out, fragments->bytes.bytes + fragment->offset, fragment->size);
		if (fragment->last)
			break;
		wb_out_char(out, '\n');
	}
	put_how(out, frame);
	wb_out_char(out, '\n');
	return index + 1;
}

static void put_created_by(struct wb_out *out, const struct wb_fragments *fragments, const struct wb_goroutine *goroutine, uint32_t id)
{
	const struct wb_fragment *fragment = &fragments->items[id];

	wb_out_string(out, "  created by ");
	wb_out_bytes(out, fragments->bytes.bytes + fragment->offset, fragment->size);
	if (goroutine->created_by) {
		wb_out_string(out, " in goroutine ");
		wb_out_decimal(out, goroutine->created_by, 1);
	}
	wb_out_char(out, '\n');
}

static const char *root_sentence(enum wb_root_by by)
{
	switch (by) {
	case WB_ROOT_NOT: return "outermost frame";
	case WB_ROOT_RA_UNDEFINED: return "return address undefined";
	case WB_ROOT_GO_TOP_FRAME: return "a Go stack's top frame";
	case WB_ROOT_FP_ZERO: return "the frame pointer chain ends in zero";
	case WB_ROOT_PC_ZERO: return "the return address is zero";
	case WB_ROOT_KERNEL: return "a kernel thread";
	case WB_ROOT_ENTRY: return "the program's entry";
	}
	return "outermost frame";
}

/* What comes before and after the address that failed; `after` NULL: no address. */
struct sentence { const char *before, *after; bool names_module; };

static struct sentence stop_sentence(const struct wb_stop *stop)
{
	switch (stop->reason) {
	case WB_STOP_ROOT: return (struct sentence){ root_sentence(stop->root_by), NULL, false };
	case WB_STOP_MEMORY: return (struct sentence){ "cut: bytes at ", " are not in the capture", false };
	case WB_STOP_NO_IMAGE: return (struct sentence){ "stopped: the file mapped at ", " is not had", true };
	case WB_STOP_UNMAPPED: return (struct sentence){ "stopped: nothing is mapped at ", "", false };
	case WB_STOP_NO_INFO: return (struct sentence){ "stopped: no unwind information for ", "", true };
	case WB_STOP_BAD_INFO: return (struct sentence){ "stopped: the unwind information for ", " is broken, or needs an unknown register", true };
	case WB_STOP_NO_PROGRESS: return (struct sentence){ "stopped: the step from ", " would not move up the stack", true };
	case WB_STOP_LIMIT: return (struct sentence){ "cut: the limit of frames is reached", NULL, false };
	case WB_STOP_JOINT: return (struct sentence){ "cut: goes on on another stack, which is not in the capture", NULL, false };
	case WB_STOP_GIVEN: return (struct sentence){ "recorded frames end; the capture does not tell whether there were more", NULL, false };
	case WB_STOP_EMPTY: return (struct sentence){ "nothing to walk: neither registers nor recorded frames", NULL, false };
	}
	return (struct sentence){ "stopped", NULL, false };
}

static void put_stop(const struct text_part *part, struct wb_out *out, const struct wb_stop *stop)
{
	struct sentence sentence = stop_sentence(stop);
	struct wb_image *image;

	wb_out_string(out, stop->reason == WB_STOP_ROOT ? "  complete: " : "  ");
	wb_out_string(out, sentence.before);
	if (sentence.after) {
		wb_out_string(out, "0x");
		wb_out_hex(out, stop->address, 1);
		wb_out_string(out, sentence.after);
	}
	/* Of the address, not of the frame: a stack is in no module. */
	image = wb_sink_image(&part->base, &(struct wb_frame){ .image_id = sentence.names_module ? stop->image_id : 0 });
	if (image && *wb_sink_module(image)) {
		wb_out_string(out, " (");
		put_clean(out, wb_sink_module(image));
		wb_out_char(out, ')');
	}
	wb_image_unref(image);
	wb_out_string(out, "\n\n");
}

static enum wb_err text_write(struct wb_sink_part *base, const struct wb_stack *stack, const uint32_t *ids)
{
	struct text_part *part = (struct text_part *)base;
	struct wb_out *out = &base->out;
	uint64_t index = 0;

	put_head(out, stack);
	if (base->registers)
		put_registers(out, stack);
	for (size_t i = 0; i < stack->num_frames; i++)
		index = put_frame(out, &part->fragments, &stack->frames[i], ids[i], index);
	if (stack->sample->goroutine && stack->created_by)
		put_created_by(out, &part->fragments, stack->sample->goroutine, ids[stack->num_frames]);
	put_stop(part, out, &stack->stop);
	return WB_OK;
}

/* ---- What comes around the stacks of a dump ---- */

static void put_fact(struct wb_out *out, const char *what, const char *value)
{
	if (!*value)
		return;
	wb_out_string(out, what);
	put_clean(out, value);
	wb_out_char(out, '\n');
}

static void put_system(struct wb_out *out, const struct wb_capture_info *info)
{
	const struct wb_dump *dump = info->dump;

	if (*dump->os_name) {
		wb_out_string(out, "system:   ");
		put_clean(out, dump->os_name);
		wb_out_char(out, ' ');
		put_clean(out, dump->os_version);
		wb_out_char(out, '\n');
	}
	wb_out_string(out, "machine:  ");
	wb_out_string(out, wb_arch_name(info->platform.arch));
	if (*dump->cpu_info) {
		wb_out_string(out, ", ");
		put_clean(out, dump->cpu_info);
	}
	if (dump->num_cpus) {
		wb_out_string(out, ", ");
		wb_out_decimal(out, dump->num_cpus, 1);
		wb_out_string(out, dump->num_cpus == 1 ? " processor" : " processors");
	}
	wb_out_char(out, '\n');
}

/* What the program or its crash reporter left. */
static void put_told(struct wb_out *out, const struct wb_dump *dump)
{
	put_fact(out, "assert:   ", dump->assertion);
	for (size_t i = 0; i < dump->num_notes; i++) {
		wb_out_string(out, "note:     ");
		put_clean(out, dump->notes[i].key);
		put_fact(out, " = ", dump->notes[i].value);
	}
}

static enum wb_err text_begin(struct wb_sink_part *base, const struct wb_capture_info *info)
{
	const struct wb_dump *dump = info->dump;
	struct wb_out *out = &base->out;

	if (!dump && !info->threads)
		return WB_OK;
	if (dump)
		put_system(out, info);
	if (info->command_line)
		put_fact(out, "command:  ", info->command_line);
	put_fact(out, "crash:    ", info->crash_reason && *info->crash_reason ? info->crash_reason : "none: the dump was asked for");
	if (info->truncated)
		put_fact(out, "cut:      ", "the file ends too early; what was behind is missing below");
	if (dump)
		put_told(out, dump);
	wb_out_char(out, '\n');
	return wb_sink_modules_take(&((struct text_part *)base)->modules, info);
}

static void put_refused(struct wb_out *out, struct wb_image *image)
{
	struct wb_refused refused = { .size = sizeof(refused) };

	for (size_t i = 0; wb_image_refused(image, WB_FILE_EXECUTABLE, i, &refused) == WB_OK; i++) {
		wb_out_string(out, "      not ");
		put_clean(out, refused.path);
		wb_out_string(out, ": ");
		put_clean(out, *refused.reason ? refused.reason : wb_verdict_text(refused.verdict));
		wb_out_char(out, '\n');
	}
}

/* Where a module was, what became of its file (nothing, if no frame needed it), and who it is. */
static void put_dump_module(struct wb_out *out, const struct wb_sink_module *module)
{
	struct wb_file_info file;
	const uint8_t *build_id;
	size_t size = 0;

	if (!module->image || wb_image_file(module->image, WB_FILE_EXECUTABLE, &file))
		return;
	wb_out_bytes(out, "  ", 2);
	wb_out_hex(out, module->address, 16);
	wb_out_bytes(out, "  ", 2);
	put_clean(out, *module->path ? module->path : "?");
	wb_out_string(out, ": ");
	wb_out_string(out, file.verdict == WB_VERDICT_NOT_TRIED ? "not needed" : wb_verdict_text(file.verdict));
	if (*file.path && strcmp(file.path, module->path)) {
		wb_out_string(out, ", from ");
		put_clean(out, file.path);
	}
	if (wb_image_is_in_memory(module->image))
		wb_out_string(out, ", read from memory");
	if (!wb_image_file(module->image, WB_FILE_SYMBOLS, &file) && file.verdict != WB_VERDICT_NOT_TRIED && file.verdict != WB_VERDICT_MISSING) {
		wb_out_string(out, ", symbols ");
		wb_out_string(out, wb_verdict_text(file.verdict));
	}
	build_id = wb_image_wanted_id(module->image, &size);
	wb_out_string(out, build_id ? ", build id " : ", no build id");
	for (size_t i = 0; build_id && i < size; i++)
		wb_out_hex(out, build_id[i], 2);
	wb_out_char(out, '\n');
	put_refused(out, module->image);
}

/* Whether a frame needed any of its files. */
static bool was_needed(const struct wb_sink_module *module)
{
	return module->image && (wb_image_verdict(module->image, WB_FILE_EXECUTABLE) != WB_VERDICT_NOT_TRIED ||
	                         wb_image_verdict(module->image, WB_FILE_SYMBOLS) != WB_VERDICT_NOT_TRIED);
}

/* Processes have hundreds of modules, of which stacks are in a few. */
static enum wb_err text_finish(struct wb_sink_part *base, struct wb_sink *sink)
{
	const struct wb_sink_modules *modules = &((struct text_part *)base)->modules;
	uint64_t others = 0;

	(void)sink;
	if (modules->count)
		wb_out_string(&base->out, "modules:\n");
	for (size_t i = 0; i < modules->count; i++) {
		if (base->meta || was_needed(&modules->items[i]))
			put_dump_module(&base->out, &modules->items[i]);
		else
			others++;
	}
	if (others) {
		wb_out_string(&base->out, "  and ");
		wb_out_decimal(&base->out, others, 1);
		wb_out_string(&base->out, others == 1 ? " that no frame is in\n" : " others that no frame is in\n");
	}
	return WB_OK;
}

const struct wb_sink_format wb_sink_format_text = {
	.name = "text",
	.wants_sites = true,
	.part_size = sizeof(struct text_part),
	.part_deinit = text_part_deinit,
	.describe = text_describe,
	.forget = text_forget,
	.write = text_write,
	.begin = text_begin,
	.finish = text_finish,
};
